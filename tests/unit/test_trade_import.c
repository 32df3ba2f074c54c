/* What a person's list of positions becomes, before it meets a store. */
#include "trade/import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define NOW_US INT64_C(1700000000000000)

static struct arena arena;
static struct instrument gold;
static struct instruments all = {&gold, 1};
static struct imported list[IMPORT_MAX];
static struct signal_faults faults;

static const char *refuses(void *ctx, const char *strategy, const char *instrument)
{
    (void)ctx, (void)instrument;
    return strcmp(strategy, "alpha") == 0 ? NULL : "is no configured strategy";
}

static size_t read_text(const char *text)
{
    struct import_rules rules = {.instruments = &all, .refuses = refuses, .now_us = NOW_US};
    struct err err = {0};
    const struct json *body = json_parse(&arena, text, strlen(text), NULL, &err);
    if (!body)
        fail_msg("%s", err.text);
    return import_read(body, &rules, list, &faults);
}

static const char *one(const char *label, const char *rest)
{
    static char text[400];
    snprintf(text, sizeof text,
             "{\"strategy\":\"alpha\",\"instrument\":\"GOLD\",\"position\":\"%s\","
             "\"side\":\"LONG\",\"opened_at\":\"2023-01-02T00:00:00Z\"%s}",
             label, rest);
    return text;
}

static size_t read_pair(const char *first, const char *second)
{
    char text[1100];
    snprintf(text, sizeof text, "[%s", first);
    size_t length = strlen(text);
    snprintf(text + length, sizeof text - length, ",%s]", second);
    return read_text(text);
}

static void the_same_line_is_the_same_position_however_it_is_written(void **state)
{
    char id[ID_SIZE], first[520];
    (void)state;
    snprintf(first, sizeof first, "[%s]", one("Long_1", ",\"quantity\":3,\"entry_price\":10"));
    assert_int_equal(read_text(first), 1);
    text_copy(id, sizeof id, list[0].id);
    snprintf(first, sizeof first, "[%s]",
             one("long_1", ",\"quantity\":\"3.00\",\"entry_price\":\"10.0\",\"stop\":null"));
    assert_int_equal(read_text(first), 1);
    assert_string_equal(list[0].id, id);
    snprintf(first, sizeof first, "[%s]",
             one("Long_1", ",\"quantity\":3,\"entry_price\":10,\"stop\":9"));
    assert_int_equal(read_text(first), 1);
    assert_string_not_equal(list[0].id, id);
}

static void bases_come_first_and_a_layer_once(void **state)
{
    char second[500];
    (void)state;
    text_copy(second, sizeof second, one("Long_2", ",\"quantity\":3,\"entry_price\":10"));
    char first[500];
    text_copy(first, sizeof first, one("Long_1", ",\"quantity\":3,\"entry_price\":10"));
    assert_int_equal(read_pair(second, first), 2);
    assert_int_equal(faults.count, 0);
    assert_string_equal(list[0].label, "Long_1");
    assert_int_equal(list[0].at, 1);
    assert_int_equal(read_pair(second, second), 2);
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.list[0].path, "$[1].position");
}

static void lots_are_whole_steps_and_a_pyramid_has_a_base(void **state)
{
    struct book *book = book_new();
    bool stands[IMPORT_MAX] = {false};
    char text[520];
    (void)state;
    snprintf(text, sizeof text, "{\"positions\":[%s]}",
             one("Long_2", ",\"quantity\":\"0.5\",\"entry_price\":10"));
    assert_int_equal(read_text(text), 0);
    assert_string_equal(faults.list[0].path, "$.positions[0].quantity");
    snprintf(text, sizeof text, "[%s]", one("Long_2", ",\"quantity\":1,\"entry_price\":10"));
    assert_int_equal(read_text(text), 1);
    import_check(book, list, stands, 1, "", &faults);
    assert_int_equal(faults.count, 1);
    stands[0] = true; /* what stands is not held against the book again */
    faults.count = 0;
    import_check(book, list, stands, 1, "", &faults);
    assert_int_equal(faults.count, 0);
    book_free(book);
}

static void the_rows_are_those_of_a_filled_order_that_keeps_both_stops(void **state)
{
    struct book *book = book_new();
    struct account account;
    struct ledger ledger;
    struct import_rows rows;
    struct err err = {0};
    char text[520];
    (void)state;
    assert_true(portfolio_move_money(NULL, "INR", LEDGER_DEPOSIT, decimal_int(1000), "first",
                                     NOW_US, 0, &account, &ledger, &err));
    book_put(book, TABLE_ACCOUNT, &account);
    snprintf(text, sizeof text, "[%s]",
             one("Long_1", ",\"quantity\":2,\"entry_price\":10,\"stop\":11,\"initial_stop\":8,"
                           "\"atr\":1"));
    assert_int_equal(read_text(text), 1);
    if (!import_book(book, &list[0], "paper", 7, &gold, NOW_US, &rows, &err))
        fail_msg("%s", err.text);
    assert_int_equal(rows.after.state, ORDER_FILLED);
    assert_int_equal(rows.after.term, 7);
    assert_string_equal(rows.effect.positions[0].id, list[0].id);
    assert_int_equal(rows.effect.positions[0].opened_us, list[0].opened_us);
    assert_true(decimal_eq(rows.effect.positions[0].stop, decimal_int(11)));
    assert_true(decimal_eq(rows.effect.positions[0].initial_stop, decimal_int(8)));
    assert_true(decimal_eq(rows.effect.pyramid.base_stop, decimal_int(8)));
    assert_int_equal(rows.effect.ledger_count, 0);
    book_free(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_line_is_the_same_position_however_it_is_written),
        cmocka_unit_test(bases_come_first_and_a_layer_once),
        cmocka_unit_test(lots_are_whole_steps_and_a_pyramid_has_a_base),
        cmocka_unit_test(the_rows_are_those_of_a_filled_order_that_keeps_both_stops),
    };
    arena_init(&arena, 4096);
    text_copy(gold.name, sizeof gold.name, "GOLD");
    gold.quantity_step = gold.point_value = gold.lot_size = decimal_int(1);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
