/* Other senders' shapes: mappings, common names, and the type read from what the chart says it did.
 */
#include "trade/signal_map.h"
#include "trade_signals.h"

#define TIME "\"time\":\"2026-07-21T09:15:00Z\""

struct intent_case {
    const char *body;  /* without braces, symbol, price and time */
    const char *due;   /* "TYPE side position [quantity]", or NULL: refused */
    const char *fault; /* part of the sentence */
};

static const struct intent_case cases[] = {
    /* what the chart held before and holds now */
    {"\"prev_market_position\":\"flat\",\"market_position\":\"long\"", "BASE_ENTRY LONG Long_1",
     NULL},
    {"\"prev_market_position\":\"flat\",\"market_position\":\"short\",\"action\":\"sell\"",
     "BASE_ENTRY SHORT Short_1", NULL},
    {"\"prev_market_position\":\"long\",\"market_position\":\"flat\",\"action\":\"sell\"",
     "EXIT LONG ALL", NULL},
    {"\"prev_market_position\":\"short\",\"market_position\":\"flat\",\"action\":\"buy\"",
     "EXIT SHORT ALL", NULL},
    {"\"prev_market_position\":\"short\",\"market_position\":\"flat\",\"action\":\"close\"",
     "EXIT SHORT ALL", NULL},
    {"\"prev_market_position\":\"LONG\",\"market_position\":\"Long\",\"market_position_size\":3,"
     "\"prev_market_position_size\":\"2\",\"position\":\"Long_2\"",
     "PYRAMID LONG Long_2", NULL},
    {"\"prev_market_position\":\"long\",\"market_position\":\"long\",\"market_position_size\":1,"
     "\"prev_market_position_size\":3",
     "EXIT LONG ALL 2", NULL},
    {"\"prev_market_position\":\"long\",\"market_position\":\"long\",\"action\":\"buy\","
     "\"position\":\"Long_3\"",
     "PYRAMID LONG Long_3", NULL},
    {"\"prev_market_position\":\"short\",\"market_position\":\"short\",\"action\":\"buy\"",
     "EXIT SHORT ALL", NULL},
    {"\"market_position\":\"flat\"", "EXIT LONG ALL", NULL},
    {"\"market_position\":\"flat\",\"action\":\"buy\"", "EXIT SHORT ALL", NULL},
    /* the action alone */
    {"\"action\":\"buy\"", "BASE_ENTRY LONG Long_1", NULL},
    {"\"action\":\"BUY\",\"position\":\"Long_2\"", "PYRAMID LONG Long_2", NULL},
    {"\"action\":\"sell\"", "EXIT LONG ALL", NULL},
    {"\"action\":\"sell\",\"side\":\"SHORT\"", "BASE_ENTRY SHORT Short_1", NULL},
    {"\"action\":\"buy\",\"position\":\"Short_2\"", "EXIT SHORT Short_2", NULL},
    {"\"action\":\"exit\",\"position\":\"Long_2\"", "EXIT LONG Long_2", NULL},
    {"\"action\":\"close\"", "EXIT LONG ALL", NULL},
    {"\"side\":\"buy\"", "BASE_ENTRY LONG Long_1", NULL},
    {"\"action\":\"SELL\",\"position_size\":0", "EXIT LONG ALL", NULL},
    {"\"action\":\"BUY\",\"position_size\":\"0\"", "EXIT SHORT ALL", NULL},
    /* two readings, or none */
    {"\"prev_market_position\":\"long\",\"market_position\":\"short\"", NULL, "reversed"},
    {"\"prev_market_position\":\"flat\",\"market_position\":\"flat\"", NULL,
     "was flat and is flat"},
    {"\"prev_market_position\":\"long\",\"market_position\":\"long\"", NULL, "stays the same"},
    {"\"prev_market_position\":\"long\",\"market_position\":\"long\",\"market_position_size\":2,"
     "\"prev_market_position_size\":2",
     NULL, "so does its size"},
    {"\"prev_market_position\":\"long\",\"market_position\":\"long\",\"market_position_size\":3,"
     "\"prev_market_position_size\":2,\"action\":\"sell\"",
     NULL, "contradicts"},
    {"\"prev_market_position\":\"flat\",\"market_position\":\"long\",\"action\":\"sell\"", NULL,
     "contradicts"},
    {"\"prev_market_position\":\"up\",\"market_position\":\"long\"", NULL, "long, short or flat"},
    {"\"market_position\":\"long\"", NULL, "alone"},
    {"\"action\":\"hold\"", NULL, "buy, sell"},
    {"\"action\":\"buy\",\"side\":\"sell\"", NULL, "different"},
    {"\"x\":1", NULL, "missing"},
    {"\"prev_market_position\":\"long\",\"market_position\":\"long\",\"action\":\"buy\"", NULL,
     "name the layer"},
};

static void types_are_read_from_what_the_chart_did(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reading_test r;
        char body[600], due[100];
        reading_open(&r);
        snprintf(body, sizeof body, "{\"symbol\":\"SBIN\",\"price\":100,%s," TIME "}",
                 cases[i].body);
        if (!cases[i].due) {
            bool found = false;
            assert_false(reading(&r, body));
            for (size_t f = 0; f < r.faults.count; f++)
                found |= strstr(r.faults.list[f].text, cases[i].fault) != NULL;
            if (!found)
                fail_msg("%s: \"%s\"", body, r.faults.list[0].text);
        } else {
            accept(&r, body);
            int length = snprintf(due, sizeof due, "%s %s %s", signal_type_names[r.signal.type],
                                  side_names[r.signal.side], r.signal.position);
            if (decimal_ok(r.signal.quantity)) {
                due[length++] = ' ';
                decimal_print(r.signal.quantity, due + length);
            }
            if (strcmp(due, cases[i].due) != 0)
                fail_msg("%s: %s, not %s", body, due, cases[i].due);
        }
        reading_close(&r);
    }
}

static void a_given_type_is_not_reread(void **state)
{
    (void)state;
    struct reading_test r;
    reading_open(&r);
    accept(&r, "{\"type\":\"EXIT\",\"position\":\"ALL\",\"ticker\":\"X\",\"action\":\"buy\","
               "\"market_position\":\"long\"," TIME "}");
    assert_int_equal(r.signal.type, SIGNAL_EXIT);
    assert_string_equal(
        r.signal.extra,
        "{\"action\":\"buy\",\"market_position\":\"long\"}"); /* claims stay readable */
    reading_close(&r);
}

static void earlier_names_win(void **state)
{
    (void)state;
    struct reading_test r;
    reading_open(&r);
    accept(&r, "{\"symbol\":\"C\",\"ticker\":\"B\",\"instrument\":\"A\",\"contracts\":3,\"qty\":4,"
               "\"action\":\"buy\",\"price\":1,"
               "\"stop_loss\":\"0.5\"," TIME "}");
    assert_string_equal(r.signal.instrument, "A");
    is_figure(r.signal.quantity, "3");
    is_figure(r.signal.stop, "0.5");
    assert_string_equal(r.signal.extra,
                        "{\"symbol\":\"C\",\"ticker\":\"B\",\"qty\":4,\"action\":\"buy\"}");
    reading_close(&r);
}

static void mappings_reach_into_other_shapes(void **state)
{
    (void)state;
    static const struct signal_mapping mapping[] = {
        {"instrument", "{{order.exchange}}:{{order.ticker}}"},
        {"type", "order.id"},
        {"position", "=Long_1"},
        {"price", "fills[0].price"},
        {"timestamp", "meta.at"},
        {"strategy", "strategy"},
        {"quantity", NULL},
    };
    static const struct signal_value values[] = {{"type", "enter long", "BASE_ENTRY"},
                                                 {"type", "Leave", "EXIT"},
                                                 {"position", "nothing", "ALL"}};
    struct reading_test r;
    reading_open(&r);
    r.source.mapping = mapping;
    r.source.mapping_count = sizeof mapping / sizeof mapping[0];
    r.source.values = values;
    r.source.value_count = sizeof values / sizeof values[0];
    accept(&r, "{\"order\":{\"exchange\":\"NSE\",\"ticker\":\"SBIN\",\"id\":\"Enter "
               "Long\"},\"fills\":[{\"price\":\"512.5\"}],"
               "\"meta\":{\"at\":1784625300},\"price\":7,\"mood\":\"good\"}");
    assert_string_equal(r.signal.instrument, "NSE:SBIN");
    assert_int_equal(r.signal.type, SIGNAL_BASE_ENTRY);
    is_figure(r.signal.price, "512.5");
    assert_string_equal(
        r.signal.extra,
        "{\"price\":7,\"mood\":\"good\"}"); /* its own `price` is not the price here */
    refuse(&r, "{\"order\":{\"exchange\":\"NSE\",\"id\":\"Leave\"},\"meta\":{\"at\":1784625300}}",
           "$.instrument", "order.ticker");
    refuse(&r,
           "{\"order\":{\"exchange\":\"NSE\",\"ticker\":{},\"id\":\"Leave\"},\"meta\":{\"at\":"
           "1784625300}}",
           "$.order.ticker", "object");
    refuse(&r,
           "{\"order\":{\"exchange\":\"NSE\",\"ticker\":\"{{x}}\",\"id\":\"Leave\"},\"meta\":{"
           "\"at\":1784625300}}",
           "$.instrument", "no name");
    refuse(&r, "{\"order\":7,\"meta\":{\"at\":\"{{timenow}}\"}}", "$.meta.at", "placeholder");
    reading_close(&r);
}

static void the_known_shapes_of_others(void **state)
{
    (void)state;
    static const struct signal_mapping openalgo[] = {{"timestamp", "sent"}};
    struct reading_test r;
    reading_open(&r);
    r.source.mapping = openalgo;
    r.source.mapping_count = 1;
    accept(&r, "{\"symbol\":\"SBIN\",\"action\":\"SELL\",\"position_size\":\"0\",\"sent\":\"2026-"
               "07-21T09:15:00Z\"}");
    assert_int_equal(r.signal.type, SIGNAL_EXIT);
    r.source.mapping_count = 0;
    accept(&r, "{\"passphrase\":\"x\",\"time\":\"2026-07-21T09:15:00Z\",\"ticker\":\"BTCUSDT\","
               "\"side\":\"buy\",\"contracts\":\"0.5\","
               "\"price\":\"61000.5\",\"order_id\":\"Long\",\"market_position\":\"long\",\"prev_"
               "market_position\":\"flat\","
               "\"market_position_size\":\"0.5\"}");
    assert_int_equal(r.signal.type, SIGNAL_BASE_ENTRY);
    is_figure(r.signal.quantity, "0.5");
    assert_null(strstr(r.signal.extra, "passphrase"));
    reading_close(&r);
}

static void lines_become_objects(void **state)
{
    (void)state;
    static const struct signal_mapping mapping[] = {
        {"instrument", "2"}, {"action", "1"}, {"timestamp", "at"}, {"price", "=1"}};
    struct reading_test r;
    reading_open(&r);
    r.source.mapping = mapping;
    r.source.mapping_count = 4;
    r.source.secret_field = "0";
    const char *line = " LICENSE , buy,EURUSD, risk = 1 ,at=1784625300\r\n";
    const struct json *json = signal_line(&r.arena, line, strlen(line));
    assert_non_null(json);
    assert_string_equal(json_text(json, "risk"), "1");
    assert_true(signal_read(json, &r.source, NOW, &r.arena, &r.signal, &r.faults));
    assert_string_equal(r.signal.instrument, "EURUSD");
    assert_int_equal(r.signal.type, SIGNAL_BASE_ENTRY);
    assert_string_equal(r.signal.extra, "{\"risk\":\"1\"}");
    assert_null(signal_line(&r.arena, "a=1,a=2", 7));
    assert_null(signal_line(&r.arena, "=2", 2));
    assert_null(signal_line(&r.arena, "\xFF", 1));
    char many[100];
    memset(many, ',', sizeof many);
    assert_null(signal_line(&r.arena, many, sizeof many));
    reading_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_read_from_what_the_chart_did),
        cmocka_unit_test(a_given_type_is_not_reread),
        cmocka_unit_test(earlier_names_win),
        cmocka_unit_test(mappings_reach_into_other_shapes),
        cmocka_unit_test(the_known_shapes_of_others),
        cmocka_unit_test(lines_become_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
