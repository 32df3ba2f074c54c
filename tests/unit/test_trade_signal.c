/* Signals: everything TradingView and hand-made senders are known to send, accepted exactly or
 * refused with a cure. */
#include "trade_signals.h"

#define TIME "\"timestamp\":\"2026-07-21T09:15:00Z\""
#define BASE                                                                                       \
    "\"type\":\"BASE_ENTRY\",\"instrument\":\"BANK_NIFTY\",\"position\":\"Long_1\",\"price\":"     \
    "52000,\"stop\":51650,"

static void a_full_signal_is_exact(void **state)
{
    (void)state;
    struct reading_test r;
    reading_open(&r);
    accept(&r, "{" BASE "\"lots\":2,\"atr\":180.25,\"er\":0.82,\"supertrend\":51500.5,\"roc\":null,"
               "\"note\":\"a \\\"b\\\"\","
               "\"flag\":true," TIME "}");
    assert_string_equal(r.signal.strategy, "trend");
    assert_string_equal(r.signal.source, "tv");
    assert_string_equal(r.signal.instrument, "BANK_NIFTY");
    assert_int_equal(r.signal.type, SIGNAL_BASE_ENTRY);
    assert_int_equal(r.signal.state, SIGNAL_RECEIVED);
    assert_int_equal(r.signal.version, 1);
    assert_true(r.signal.at_us == NOW && r.signal.received_us == NOW);
    is_figure(r.signal.price, "52000");
    is_figure(r.signal.stop, "51650");
    is_figure(r.signal.atr, "180.25");
    is_figure(r.signal.quantity, "2");
    assert_string_equal(
        r.signal.extra,
        "{\"er\":0.82,\"supertrend\":51500.5,\"note\":\"a \\\"b\\\"\",\"flag\":true}");
    assert_int_equal(strlen(r.signal.fingerprint), 64);
    assert_int_equal(strlen(r.signal.id), 20);
    reading_close(&r);
}

static void numbers_may_be_strings(void **state)
{
    (void)state;
    struct reading_test r;
    char first[FINGERPRINT_SIZE];
    reading_open(&r);
    accept(&r, "{" BASE TIME "}");
    text_copy(first, sizeof first, r.signal.fingerprint);
    accept(&r,
           "{\"type\":\"base_entry\",\"instrument\":\"BANK_NIFTY\",\"position\":\"long_1\","
           "\"price\":\"52000.000000000001\","
           "\"stop\":\"5.165e4\",\"quantity\":\"1.5\",\"timestamp\":\"2026-07-21T09:15:00.750Z\"}");
    is_figure(r.signal.price, "52000.000000000001");
    is_figure(r.signal.stop, "51650");
    assert_string_equal(r.signal.position, "Long_1");
    assert_string_equal(r.signal.fingerprint,
                        first); /* price is no part of it, and the second is cut */
    reading_close(&r);
}

static void one_instant_has_one_fingerprint(void **state)
{
    (void)state;
    static const char *const times[] = {
        "\"2026-07-21T09:15:00Z\"",
        "\"2026-07-21T14:45:00+05:30\"",
        "\"2026-07-21T14:45:00\"",
        "\"2026-07-21 14:45:00\"",
        "\"2026-07-21T14:45:00.999999\"",
        "1784625300",
        "1784625300123",
        "\"1784625300\"",
    };
    struct reading_test r;
    char first[FINGERPRINT_SIZE] = "", id[ID_SIZE] = "";
    reading_open(&r);
    struct zone *zone = zone_load("Asia/Kolkata", &r.err);
    assert_non_null(zone);
    r.source.naive_zone = zone;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char body[400];
        snprintf(body, sizeof body, "{" BASE "\"timestamp\":%s}", times[i]);
        accept(&r, body);
        if (i == 0) {
            text_copy(first, sizeof first, r.signal.fingerprint);
            text_copy(id, sizeof id, r.signal.id);
        }
        assert_string_equal(r.signal.fingerprint, first);
        assert_string_equal(r.signal.id, id);
    }
    r.source.naive_zone = NULL;
    refuse(&r, "{" BASE "\"timestamp\":\"2026-07-21T14:45:00\"}", "$.timestamp", "zone");
    zone_free(zone);
    reading_close(&r);
}

static void the_fingerprint_is_as_documented(void **state)
{
    (void)state;
    /* Computed apart: sha256 of the six fields, each after its length in 4 bytes, big endian. */
    struct signal signal;
    row_init(&tables[TABLE_SIGNAL], &signal);
    text_copy(signal.strategy, NAME_SIZE, "trend");
    text_copy(signal.instrument, NAME_SIZE, "BANK_NIFTY");
    text_copy(signal.position, LABEL_SIZE, "Long_1");
    signal.at_us = NOW;
    signal_fingerprint(&signal, NULL, NULL, 0);
    assert_string_equal(signal.fingerprint,
                        "4fe5aab2f7cc123c59fa12b7730f8aa83fa0c8c17c1e9618f5bd34c52abf16a1");
    char first[FINGERPRINT_SIZE];
    text_copy(first, sizeof first, signal.fingerprint);
    text_copy(signal.strategy, NAME_SIZE, "trendB");
    text_copy(signal.instrument, NAME_SIZE, "ANK_NIFTY");
    signal_fingerprint(&signal, NULL, NULL, 0);
    assert_string_not_equal(signal.fingerprint, first);
    char long_text[2000];
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    const char *names[] = {"id"}, *values[] = {long_text};
    signal_fingerprint(&signal, names, values, 1); /* beyond the small buffer */
    assert_int_equal(strlen(signal.fingerprint), 64);
}

static void sources_may_add_fields_to_it(void **state)
{
    (void)state;
    static const char *const extra[] = {"price", "alert.id"};
    struct reading_test r;
    char first[FINGERPRINT_SIZE];
    reading_open(&r);
    r.source.fingerprint_extra = extra;
    r.source.fingerprint_extra_count = 2;
    accept(&r, "{" BASE "\"alert\":{\"id\":\"a1\"}," TIME "}");
    text_copy(first, sizeof first, r.signal.fingerprint);
    assert_null(r.signal.extra); /* the container is no nested extra */
    accept(&r, "{\"type\":\"BASE_ENTRY\",\"instrument\":\"BANK_NIFTY\",\"position\":\"Long_1\","
               "\"price\":\"52000.0\","
               "\"alert\":{\"id\":\"a1\"}," TIME "}");
    assert_string_equal(r.signal.fingerprint, first); /* the same price, written otherwise */
    accept(&r, "{" BASE "\"alert\":{\"id\":\"a2\"}," TIME "}");
    assert_string_not_equal(r.signal.fingerprint, first);
    refuse(&r, "{" BASE TIME "}", "$.alert.id", "identity");
    reading_close(&r);
}

static void six_exits_of_one_second_are_six_signals(void **state)
{
    (void)state;
    struct reading_test r;
    char seen[7][FINGERPRINT_SIZE];
    static const char *const labels[] = {"Long_4", "Long_1", "Long_6", "Long_2",
                                         "Long_5", "Long_3", "ALL"};
    reading_open(&r);
    for (int i = 0; i < 7; i++) {
        char body[300];
        snprintf(body, sizeof body,
                 "{\"type\":\"EXIT\",\"instrument\":\"BANK_NIFTY\",\"position\":\"%s\",\"price\":0,"
                 "\"stop\":0,\"lots\":0,"
                 "\"reason\":\"TOM_BASSO_STOP\"," TIME "}",
                 labels[i]);
        accept(&r, body);
        assert_string_equal(r.signal.position, labels[i]);
        assert_false(decimal_ok(r.signal.price) || decimal_ok(r.signal.stop) ||
                     decimal_ok(r.signal.quantity));
        text_copy(seen[i], FINGERPRINT_SIZE, r.signal.fingerprint);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(seen[i], seen[j]);
    }
    reading_close(&r);
}

static void every_fault_is_told_at_once(void **state)
{
    (void)state;
    struct reading_test r;
    struct str out = STR_EMPTY;
    reading_open(&r);
    r.source.default_strategy = NULL;
    assert_false(
        reading(&r, "{\"type\":\"BUY\",\"instrument\":\"a "
                    "b\",\"position\":\"Long_9\",\"price\":\"abc\",\"stop\":-1,"
                    "\"side\":\"UP\",\"timestamp\":\"yesterday\",\"x\":{\"y\":1},\"big\":1e400}"));
    static const char *const paths[] = {"$.strategy", "$.instrument", "$.type", "$.side",
                                        "$.position", "$.price",      "$.stop", "$.timestamp",
                                        "$.x",        "$.big"};
    assert_int_equal(r.faults.count, sizeof paths / sizeof paths[0]);
    for (size_t i = 0; i < r.faults.count; i++) {
        bool found = false;
        for (size_t j = 0; j < r.faults.count; j++)
            found |= strcmp(r.faults.list[j].path, paths[i]) == 0;
        if (!found)
            fail_msg("%s is not told", paths[i]);
    }
    signal_faults_json(&r.faults, &out);
    struct json *json = json_parse(&r.arena, out.data, out.length, NULL, &r.err);
    assert_non_null(json);
    assert_string_equal(json_text(json, "status"), "invalid");
    assert_int_equal(json_get(json, "errors")->count, r.faults.count);
    str_free(&out);
    reading_close(&r);
}

static void faults_are_bounded(void **state)
{
    (void)state;
    struct reading_test r;
    struct str body = STR_EMPTY, out = STR_EMPTY;
    reading_open(&r);
    str_puts(&body, "{" BASE TIME);
    for (int i = 0; i < 60; i++)
        str_printf(&body, ",\"%s%d\":\"{{plot_%d}}\"", "\xC3\xA9\xC3\xA9\xC3\xA9", i, i);
    str_putc(&body, '}');
    assert_false(reading(&r, str_text(&body)));
    assert_int_equal(r.faults.count, SIGNAL_FAULT_MAX);
    assert_true(r.faults.more);
    signal_faults_json(&r.faults, &out);
    assert_true(text_is_utf8(out.data, out.length));
    assert_non_null(json_parse(&r.arena, out.data, out.length, NULL, &r.err));
    str_free(&body);
    str_free(&out);
    reading_close(&r);
}

static void extras_are_bounded(void **state)
{
    (void)state;
    struct reading_test r;
    struct str body = STR_EMPTY;
    reading_open(&r);
    for (int count = 32; count <= 33; count++) {
        str_clear(&body);
        str_puts(&body, "{" BASE TIME);
        for (int i = 0; i < count; i++)
            str_printf(&body, ",\"x%d\":%d", i, i);
        str_putc(&body, '}');
        if (count == 32)
            accept(&r, str_text(&body));
        else
            refuse(&r, str_text(&body), "$", "32");
    }
    str_clear(&body);
    str_puts(&body, "{" BASE TIME ",\"long\":\"");
    for (int i = 0; i < 1001; i++)
        str_putc(&body, 'x');
    str_puts(&body, "\"}");
    refuse(&r, str_text(&body), "$.long", "1000");
    str_free(&body);
    reading_close(&r);
}

static void what_the_chart_could_not_fill_is_refused(void **state)
{
    (void)state;
    struct reading_test r;
    reading_open(&r);
    refuse(&r,
           "{\"type\":\"BASE_ENTRY\",\"instrument\":\"{{tickr}}\",\"position\":\"Long_1\","
           "\"price\":1," TIME "}",
           "$.instrument", "placeholder");
    refuse(&r, "{" BASE "\"timestamp\":\"{{timenow}}\"}", "$.timestamp", "placeholder");
    refuse(&r, "{" BASE "\"er\":\"x {{plot(\\\"er\\\")}}\"," TIME "}", "$.er", "placeholder");
    refuse(&r, "{" BASE "\"er\":\"NaN\"," TIME "}", "$.er", "NaN");
    refuse(&r, "{" BASE "\"atr\":\"nan\"," TIME "}", "$.atr", "NaN");
    refuse(&r, "{" BASE "\"atr\":\"-Infinity\"," TIME "}", "$.atr", "NaN");
    assert_false(reading(&r, "{" BASE "\"atr\":NaN," TIME "}"));
    accept(&r, "{" BASE "\"note\":\"Nanjing {x}\"," TIME "}");
    refuse(&r, "{" BASE "\"exchange\":\"NSE_DLY\"," TIME "}", "$.exchange", "delayed");
    refuse(&r, "{" BASE "\"exchange\":\"nse_dl\"," TIME "}", "$.exchange", "delayed");
    refuse(&r, "{\"type\":\"EXIT\",\"ticker\":\"NSE_DL:NIFTY\",\"position\":\"ALL\"," TIME "}",
           "$.ticker", "delayed");
    accept(&r, "{\"type\":\"EXIT\",\"ticker\":\"NSE:BANKNIFTY1!\",\"position\":\"ALL\"," TIME "}");
    assert_string_equal(r.signal.instrument, "NSE:BANKNIFTY1!");
    reading_close(&r);
}

static void the_rules_of_layers_and_stops(void **state)
{
    (void)state;
    struct reading_test r;
    reading_open(&r);
#define ENTRY(type, position, rest)                                                                \
    "{\"type\":\"" type "\",\"instrument\":\"I\",\"position\":\"" position "\"," rest "," TIME "}"
    refuse(&r, ENTRY("PYRAMID", "Long_1", "\"price\":2"), "$.position", "PYRAMID");
    refuse(&r, ENTRY("BASE_ENTRY", "Long_2", "\"price\":2"), "$.position", "BASE_ENTRY");
    refuse(&r, ENTRY("BASE_ENTRY", "ALL", "\"price\":2"), "$.position", "EXIT");
    refuse(&r, ENTRY("PYRAMID", "Long_7", "\"price\":2"), "$.position", "no layer");
    refuse(&r, ENTRY("PYRAMID", "Long_02", "\"price\":2"), "$.position", "no layer");
    refuse(&r, ENTRY("PYRAMID", "Long_2", "\"stop\":2"), "$.price", "missing");
    refuse(&r, ENTRY("PYRAMID", "Long_2", "\"price\":0"), "$.price", "above zero");
    refuse(&r, ENTRY("PYRAMID", "Long_2", "\"price\":5,\"stop\":5"), "$.stop", "below");
    refuse(&r, ENTRY("PYRAMID", "Long_2", "\"price\":5,\"stop\":0"), "$.stop", "above zero");
    refuse(&r, ENTRY("PYRAMID", "Short_2", "\"price\":5,\"stop\":4"), "$.stop", "above");
    refuse(&r, ENTRY("PYRAMID", "Short_2", "\"price\":5,\"side\":\"LONG\""), "$.side", "position");
    refuse(&r, ENTRY("PYRAMID", "Long_2", "\"price\":5,\"quantity\":-1"), "$.quantity", "negative");
    refuse(&r, ENTRY("PYRAMID", "Long_2", "\"price\":1e15"), "$.price", "1e15");
    refuse(&r, ENTRY("EOD_MONITOR", "Long_2", "\"price\":1"), "$.type", "data");
    refuse(&r, "{" BASE "\"strategy\":\"a;b\"," TIME "}", "$.strategy", "no name");
    refuse(&r,
           "{" BASE "\"strategy\":\"12345678901234567890123456789012345678901234567890\"," TIME "}",
           "$.strategy", "47");
    refuse(&r, "{" BASE "\"x\":1}", "$.timestamp", "missing");
    refuse(&r, "[1]", "$", "object");
    accept(&r, ENTRY("PYRAMID", "Short_3",
                     "\"price\":5,\"stop\":6,\"side\":\"short\",\"quantity\":0,\"atr\":0"));
    assert_int_equal(r.signal.side, SIDE_SHORT);
    assert_string_equal(r.signal.position, "Short_3");
    assert_false(decimal_ok(r.signal.quantity));
    is_figure(r.signal.atr, "0");
    accept(&r, "{" BASE "\"minus\":-0," TIME "}");
    reading_close(&r);
}

static void secrets_are_never_kept(void **state)
{
    (void)state;
    struct reading_test r;
    reading_open(&r);
    r.source.secret_field = "auth.pass";
    accept(&r, "{" BASE "\"auth\":{\"pass\":\"hunter2\"},\"passphrase\":\"hunter3\",\"token\":\"{{"
               "hunter4}}\",\"er\":1," TIME "}");
    assert_string_equal(r.signal.extra, "{\"er\":1}");
    reading_close(&r);
}

static void broken_bodies_are_refused_by_the_reader(void **state)
{
    (void)state;
    static const char nul[] = "{" BASE "\"x\":\"a\0b\"," TIME "}";
    struct reading_test r;
    reading_open(&r);
    assert_false(reading(&r, "{" BASE "\"price\":1," TIME "}")); /* twice */
    assert_false(reading(&r, "\xEF\xBB\xBF{" BASE TIME "}"));    /* byte order mark */
    assert_false(reading_n(&r, nul, sizeof nul - 1));
    assert_false(reading(&r, "{" BASE "\"x\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]," TIME "}"));
    assert_false(reading(&r, "{" BASE TIME "} x"));
    assert_false(reading(&r, ""));
    reading_close(&r);
}

static void ages(void **state)
{
    (void)state;
    const struct staleness rules = {60000000, 30000000};
    struct signal signal;
    char reason[REASON_SIZE];
    row_init(&tables[TABLE_SIGNAL], &signal);
    signal.at_us = NOW;
    assert_true(signal_fresh(&signal, &rules, NOW + 60000000, reason));
    assert_false(signal_fresh(&signal, &rules, NOW + 60000001, reason));
    assert_non_null(strstr(reason, "60.0 s"));
    assert_null(strstr(reason, "India"));
    assert_true(signal_fresh(&signal, &rules, NOW - 30000000, reason));
    assert_false(signal_fresh(&signal, &rules, NOW - 30000001, reason));
    assert_false(signal_fresh(&signal, &rules, NOW - INT64_C(19800000000), reason));
    assert_non_null(strstr(reason, "naive_time_zone"));
    assert_false(signal_fresh(&signal, &rules, NOW + INT64_C(19812000000), reason));
    assert_non_null(strstr(reason, "naive_time_zone"));
    signal.type = SIGNAL_EXIT;
    assert_true(signal_fresh(&signal, &rules, NOW + INT64_C(86400000000), reason));
    assert_string_equal(reason, "");
}

static void every_edge_is_as_drawn(void **state)
{
    (void)state;
    /* to:  received retrying working done rejected expired superseded ignored dead dropped */
    static const char *const edges[] = {
        "xxxxxxxxxx", ".xxxxxxxxx", ".xxxxx..x.", "..........", "..........",
        "..........", "..........", "..........", ".x.......x", "..........",
    };
    for (int from = 0; from <= SIGNAL_DROPPED; from++) {
        assert_int_equal(signal_is_final((enum signal_state)from), from >= SIGNAL_DONE);
        for (int to = 0; to <= SIGNAL_DROPPED; to++)
            if (signal_may_become((enum signal_state)from, (enum signal_state)to) !=
                (edges[from][to] == 'x'))
                fail_msg("%s to %s", signal_state_names[from], signal_state_names[to]);
    }
}

static void exits_go_first_and_supersede(void **state)
{
    (void)state;
    struct signal exit, entry;
    row_init(&tables[TABLE_SIGNAL], &exit);
    row_init(&tables[TABLE_SIGNAL], &entry);
    text_copy(exit.instrument, NAME_SIZE, "I");
    text_copy(entry.instrument, NAME_SIZE, "I");
    exit.type = SIGNAL_EXIT;
    exit.received_us = NOW + 1000000;
    entry.received_us = NOW;
    assert_true(signal_priority(&exit) < signal_priority(&entry));
    entry.received_us = NOW + 1;
    exit.at_us = entry.at_us = NOW;
    text_copy(entry.position, LABEL_SIZE, "Long_2");
    text_copy(exit.position, LABEL_SIZE, "Long_2");
    assert_true(signal_supersedes(&exit, &entry));
    assert_false(signal_supersedes(&entry, &exit));
    text_copy(exit.position, LABEL_SIZE, "Long_1");
    assert_false(signal_supersedes(&exit, &entry));
    text_copy(exit.position, LABEL_SIZE, "ALL");
    assert_true(signal_supersedes(&exit, &entry));
    entry.at_us = NOW + 1;
    assert_false(signal_supersedes(&exit, &entry));
    entry.at_us = NOW;
    text_copy(entry.strategy, NAME_SIZE, "other");
    assert_false(signal_supersedes(&exit, &entry));
    assert_int_equal(signal_layer("Long_1"), 1);
    assert_int_equal(signal_layer("Short_6"), 6);
    assert_int_equal(signal_layer("ALL"), 0);
    assert_int_equal(signal_layer("Long_"), -1);
    assert_int_equal(signal_layer("Long_11"), -1);
    assert_int_equal(signal_layer(""), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_signal_is_exact),
        cmocka_unit_test(numbers_may_be_strings),
        cmocka_unit_test(one_instant_has_one_fingerprint),
        cmocka_unit_test(the_fingerprint_is_as_documented),
        cmocka_unit_test(sources_may_add_fields_to_it),
        cmocka_unit_test(six_exits_of_one_second_are_six_signals),
        cmocka_unit_test(every_fault_is_told_at_once),
        cmocka_unit_test(faults_are_bounded),
        cmocka_unit_test(extras_are_bounded),
        cmocka_unit_test(what_the_chart_could_not_fill_is_refused),
        cmocka_unit_test(the_rules_of_layers_and_stops),
        cmocka_unit_test(secrets_are_never_kept),
        cmocka_unit_test(broken_bodies_are_refused_by_the_reader),
        cmocka_unit_test(ages),
        cmocka_unit_test(every_edge_is_as_drawn),
        cmocka_unit_test(exits_go_first_and_supersede),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
