/* The calendar of sessions and expiries, what is due, and which leg is next. */
#include "trade/contract.h"
#include "trade/rollover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static int64_t day_of(const char *date)
{
    int64_t day = 0;
    if (!date_read(date, &day))
        fail_msg("%s is no date", date);
    return day;
}

static void test_dates(void **state)
{
    (void)state;
    char text[EXPIRY_SIZE];
    int64_t day;
    date_print(day_of("2024-02-29"), text);
    assert_string_equal(text, "2024-02-29");
    assert_false(date_read("2026-02-29", &day));
    assert_false(date_read("2026-2-9", &day));
    assert_false(date_read("2026-02-09x", &day));
    assert_false(date_read("", &day));
}

/* Known contracts of the exchanges, across every change of rule. */
static void test_expiries(void **state)
{
    (void)state;
    static const struct {
        const char *series, *from, *expiry;
    } rows[] = {
        {"NSE:NIFTY", "2024-01-01", "2024-01-25"},
        {"NSE:NIFTY", "2024-03-01", "2024-03-28"},
        {"NSE:NIFTY", "2025-07-01", "2025-07-31"},
        {"NSE:NIFTY", "2025-08-01", "2025-08-28"},
        {"NSE:NIFTY", "2025-08-29", "2025-09-30"}, /* Tuesdays from September on */
        {"NSE:NIFTY", "2026-11-01", "2026-11-23"}, /* the 24th is a holiday */
        {"NSE:NIFTY", "2026-11-24", "2026-12-29"},
        {"NSE:NIFTY-W", "2025-08-22", "2025-08-28"},
        {"NSE:NIFTY-W", "2025-08-29", "2025-09-02"},
        {"NSE:NIFTY-W", "2025-10-15", "2025-10-20"}, /* Tuesday the 21st: Diwali's hour is none */
        {"NSE:BANKNIFTY", "2024-01-26", "2024-02-29"},
        {"NSE:BANKNIFTY", "2024-03-01", "2024-03-27"}, /* Wednesdays in 2024 */
        {"NSE:BANKNIFTY", "2024-12-01", "2024-12-24"}, /* Christmas is a Wednesday */
        {"NSE:BANKNIFTY", "2024-12-26", "2025-01-30"}, /* Thursdays again */
        {"NSE:BANKNIFTY", "2025-09-01", "2025-09-30"},
        {"NSE:BANKNIFTY-W", "2024-11-07", "2024-11-13"}, /* the last one there was */
        {"NSE:FINNIFTY", "2024-12-01", "2024-12-31"},
        {"NSE:FINNIFTY", "2025-01-01", "2025-01-30"},
        {"NSE:MIDCPNIFTY", "2024-12-01", "2024-12-30"},
        {"NSE:STOCK", "2026-03-01", "2026-03-30"}, /* the 31st is a holiday */
        {"MCX:GOLD", "2026-08-06", "2026-10-05"},
        {"MCX:GOLD", "2026-10-06", "2026-12-04"}, /* the 5th is a Saturday */
        {"MCX:GOLDM", "2026-10-06", "2026-11-05"},
        {"MCX:SILVER", "2026-09-07", "2026-12-04"},
        {"MCX:SILVERM", "2026-11-01", "2026-11-30"},
        {"MCX:SILVERM", "2026-12-01", "2027-02-26"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t day = 0;
        char text[EXPIRY_SIZE] = "none";
        if (expiry_next(rows[i].series, NULL, NULL, day_of(rows[i].from), &day))
            date_print(day, text);
        if (strcmp(text, rows[i].expiry) != 0)
            fail_msg("%s from %s: %s, not %s", rows[i].series, rows[i].from, text, rows[i].expiry);
    }
    int64_t day;
    assert_false(expiry_next("NSE:BANKNIFTY-W", NULL, NULL, day_of("2024-11-14"), &day));
    assert_false(expiry_next("NSE:NOTHING", NULL, NULL, 20000, &day));
}

static void test_what_the_configuration_adds(void **state)
{
    (void)state;
    static const struct closed_day list[] = {{"NSE", "2026-12-29", false},
                                             {"NSE", "2026-11-24", true}};
    const struct closed_days more = {2, list};
    int64_t day;
    assert_true(expiry_next("NSE:NIFTY", NULL, &more, day_of("2026-11-24"), &day));
    assert_int_equal(day, day_of("2026-11-24")); /* a session after all */
    assert_true(expiry_next("NSE:NIFTY", NULL, &more, day_of("2026-11-25"), &day));
    assert_int_equal(day, day_of("2026-12-28"));
    assert_true(
        expiry_next("", "2026-12-18, 2026-11-19,2027-01-19", NULL, day_of("2026-11-20"), &day));
    assert_int_equal(day, day_of("2026-12-18"));
    assert_false(expiry_next("", "2026-12-18", NULL, day_of("2026-12-19"), &day));
}

static void test_sessions(void **state)
{
    (void)state;
    static const struct {
        const char *exchange, *date;
        bool open;
        int from_min, to_min; /* UTC */
    } rows[] = {
        {"NSE", "2026-11-23", true, 225, 600},  {"NSE", "2026-11-24", false, 0, 0},
        {"NSE", "2026-11-21", false, 0, 0},     {"NSE", "2026-11-08", true, 750, 810},
        {"MCX", "2026-11-23", true, 210, 1105}, {"MCX", "2026-07-20", true, 210, 1080},
        {"MCX", "2026-11-24", true, 690, 1105}, {"MCX", "2026-12-25", false, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t day = day_of(rows[i].date);
        struct session s = exchange_session(rows[i].exchange, day, NULL);
        if (s.is_open != rows[i].open || !s.known)
            fail_msg("%s %s: open %d", rows[i].exchange, rows[i].date, s.is_open);
        if (s.is_open && (s.opens_us - day * 86400000000 != rows[i].from_min * INT64_C(60000000) ||
                          s.closes_us - day * 86400000000 != rows[i].to_min * INT64_C(60000000)))
            fail_msg("%s %s: from %lld to %lld", rows[i].exchange, rows[i].date,
                     (long long)((s.opens_us - day * 86400000000) / 60000000),
                     (long long)((s.closes_us - day * 86400000000) / 60000000));
    }
    assert_false(exchange_session("NSE", day_of("2027-01-04"), NULL).known);
    assert_false(exchange_session("LSE", day_of("2026-01-05"), NULL).is_open);
}

static struct instrument nifty(void)
{
    struct instrument one = {.point_value = decimal_int(1)};
    text_copy(one.name, sizeof one.name, "NIFTY");
    text_copy(one.exchange, sizeof one.exchange, "NSE");
    text_copy(one.series, sizeof one.series, "NSE:NIFTY");
    return one;
}

static int64_t at(const char *date, int hour_utc, int minute)
{
    return day_of(date) * 86400000000 + (hour_utc * 60 + minute) * INT64_C(60000000);
}

static void test_what_is_due(void **state)
{
    (void)state;
    struct instrument one = nifty();
    struct position p;
    struct due due;
    char contract[EXPIRY_SIZE];
    row_init(&tables[TABLE_POSITION], &p);
    assert_false(rollover_look(&one, NULL, &p, at("2026-11-20", 5, 0), &due));
    text_copy(p.expiry, sizeof p.expiry, "2026-11-23");
    assert_true(rollover_look(&one, NULL, &p, at("2026-11-20", 5, 0), &due));
    assert_string_equal(due.next_expiry, "2026-12-29");
    assert_int_equal(due.days_left, 3);
    assert_int_equal(due.sessions_left, 2);
    assert_true(due.is_open);
    assert_int_equal(due.closes_in_s, 5 * 3600);
    assert_true(rollover_look(&one, NULL, &p, at("2026-11-20", 10, 0), &due));
    assert_false(due.is_open);
    assert_int_equal(due.sessions_left, 1);
    assert_true(rollover_look(&one, NULL, &p, at("2026-11-25", 5, 0), &due));
    assert_int_equal(due.days_left, -2);
    assert_int_equal(due.sessions_left, 0);
    rollover_contract(&one, NULL, at("2026-11-20", 5, 0), contract);
    assert_string_equal(contract, "2026-11-23");
    one.roll_days = 5;
    rollover_contract(&one, NULL, at("2026-11-20", 5, 0), contract);
    assert_string_equal(contract, "2026-12-29");
    one.series[0] = '\0';
    rollover_contract(&one, NULL, at("2026-11-20", 5, 0), contract);
    assert_string_equal(contract, "");
    assert_false(rollover_look(&one, NULL, &p, at("2026-11-20", 5, 0), &due));
}

/* Each state a crash can leave behind, and the one thing that is next. */
static void test_legs(void **state)
{
    (void)state;
    enum { NO = -1, LIVE = -2 }; /* else: filled lots of a final order */
    static const struct {
        int legs[ROLL_LEGS];
        bool put_back;
        enum roll_next next;
        int quantity;
    } rows[] = {
        {{NO, NO, NO}, true, ROLL_CLOSE, 3},  {{LIVE, NO, NO}, true, ROLL_WAIT, 3},
        {{0, NO, NO}, true, ROLL_FAILED, 0},  {{3, NO, NO}, true, ROLL_OPEN, 3},
        {{2, NO, NO}, true, ROLL_OPEN, 2},    {{3, LIVE, NO}, true, ROLL_WAIT, 3},
        {{3, 3, NO}, true, ROLL_ROLLED, 0},   {{3, 1, NO}, true, ROLL_PUT_BACK, 2},
        {{3, 0, NO}, true, ROLL_PUT_BACK, 3}, {{3, 0, NO}, false, ROLL_FAILED, 3},
        {{3, 1, LIVE}, true, ROLL_WAIT, 2},   {{3, 1, 2}, true, ROLL_FAILED, 2},
        {{3, 0, 0}, true, ROLL_FAILED, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct position p;
        struct order orders[ROLL_LEGS];
        const struct order *legs[ROLL_LEGS];
        struct decimal quantity;
        row_init(&tables[TABLE_POSITION], &p);
        p.quantity = decimal_int(3);
        for (int k = 0; k < ROLL_LEGS; k++) {
            int lots = rows[i].legs[k];
            row_init(&tables[TABLE_ORDER], &orders[k]);
            orders[k].state = lots == LIVE ? ORDER_UNKNOWN : lots ? ORDER_FILLED : ORDER_REJECTED;
            orders[k].filled = decimal_int(lots < 0 ? 0 : lots);
            legs[k] = lots == NO ? NULL : &orders[k];
        }
        enum roll_next next = rollover_next(&p, legs, rows[i].put_back, &quantity);
        if (next != rows[i].next || !decimal_eq(quantity, decimal_int(rows[i].quantity)))
            fail_msg("row %zu: %d", i, (int)next);
    }
}

static void test_ids_and_stops(void **state)
{
    (void)state;
    struct position p;
    char a[ID_SIZE], b[ID_SIZE];
    row_init(&tables[TABLE_POSITION], &p);
    text_copy(p.id, sizeof p.id, "x");
    text_copy(p.expiry, sizeof p.expiry, "2026-11-23");
    rollover_order_id(a, &p, ROLL_LEG_CLOSE);
    rollover_order_id(b, &p, ROLL_LEG_CLOSE);
    assert_string_equal(a, b);
    rollover_order_id(b, &p, ROLL_LEG_OPEN);
    assert_string_not_equal(a, b);
    text_copy(p.expiry, sizeof p.expiry, "2026-12-29");
    rollover_order_id(b, &p, ROLL_LEG_CLOSE);
    assert_string_not_equal(a, b);
    assert_true(decimal_eq(rollover_stop(decimal_int(90), decimal_int(100), decimal_int(104)),
                           decimal_int(94)));
    assert_true(decimal_eq(rollover_stop(decimal_int(90), decimal_bad(), decimal_int(104)),
                           decimal_int(90)));
    assert_false(decimal_ok(rollover_stop(decimal_bad(), decimal_int(1), decimal_int(2))));
}

/* What a broker calls a contract, and which contract a name is. */
static void test_symbols_of_contracts(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *expiry, *symbol;
    } rows[] = {
        {"BANKNIFTY{DD}{MMM}{YY}FUT", "2025-12-30", "BANKNIFTY30DEC25FUT"},
        {"GOLDM{DD}{MMM}{YY}FUT", "2026-01-05", "GOLDM05JAN26FUT"},
        {"726GS2033{DD}{MMM}{YY}FUT", "2024-04-25", "726GS203325APR24FUT"},
        {"BTCUSDT_{YY}{MM}{DD}", "2026-03-27", "BTCUSDT_260327"},
        {"X{YYYY}-{MM}-{DD}", "2026-02-01", "X2026-02-01"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct instrument one = {.name = "ONE"};
        char symbol[NAME_SIZE], expiry[EXPIRY_SIZE];
        text_copy(one.symbol, sizeof one.symbol, rows[i].pattern);
        assert_true(contract_is_dated(&one) && contract_is_whole(&one));
        contract_symbol(&one, rows[i].expiry, symbol);
        assert_string_equal(symbol, rows[i].symbol);
        assert_true(contract_read(&one, symbol, expiry));
        assert_string_equal(expiry, rows[i].expiry);
        symbol[strlen(symbol) - 1] = '\0';
        assert_false(contract_read(&one, symbol, expiry));
        contract_symbol(&one, "", symbol);
        assert_string_equal(symbol, "");
        contract_symbol(&one, "2026-13-01", symbol);
        assert_string_equal(symbol, "");
    }
    struct instrument plain = {.name = "SBIN"}, bad = {.symbol = "BANK{MMM}{YY}FUT"};
    char symbol[NAME_SIZE], expiry[EXPIRY_SIZE];
    contract_symbol(&plain, "2026-01-05", symbol);
    assert_string_equal(symbol, "SBIN");
    assert_true(contract_read(&plain, "SBIN", expiry));
    assert_string_equal(expiry, "");
    assert_false(contract_is_dated(&plain));
    assert_true(contract_is_dated(&bad) && !contract_is_whole(&bad));
    text_copy(bad.symbol, sizeof bad.symbol, "BANKNIFTY{DD}{MMM}{YY}FUT");
    assert_false(contract_read(&bad, "BANKNIFTY31FEB26FUT", expiry));
    assert_false(contract_read(&bad, "BANKNIFTY3XFEB26FUT", expiry));
    assert_false(contract_read(&bad, "NIFTY26FEB26FUT", expiry));
    assert_false(contract_read(&bad, "BANKNIFTY", expiry));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),         cmocka_unit_test(test_expiries),
        cmocka_unit_test(test_sessions),      cmocka_unit_test(test_what_the_configuration_adds),
        cmocka_unit_test(test_what_is_due),   cmocka_unit_test(test_legs),
        cmocka_unit_test(test_ids_and_stops), cmocka_unit_test(test_symbols_of_contracts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
