/* Prices as whole ticks: which way each kind goes, and how long a bar lasts. */
#include "trade/bar.h"
#include "trade/portfolio.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static struct instrument instrument;

static struct decimal number(const char *text)
{
    struct decimal out;
    assert_true(decimal_parse(text, strlen(text), &out, NULL));
    return out;
}

static void is(struct decimal value, const char *text)
{
    char got[DECIMAL_TEXT_MAX];
    decimal_print(value, got);
    assert_string_equal(got, text);
}

static void test_directions(void **state)
{
    (void)state;
    instrument.tick = number("0.05");
    const struct decimal price = number("100.123456789012");
    is(tick_price(&instrument, price), "100.1");
    is(tick_stop(&instrument, SIDE_LONG, price), "100.15");
    is(tick_stop(&instrument, SIDE_SHORT, price), "100.1");
    is(tick_limit(&instrument, ORDER_BUY, price), "100.1");
    is(tick_limit(&instrument, ORDER_SELL, price), "100.15");
    is(tick_trigger(&instrument, ORDER_BUY, price), "100.15");
    is(tick_trigger(&instrument, ORDER_SELL, price), "100.1");
    is(tick_stop(&instrument, SIDE_LONG, number("100.15")), "100.15");
}

static void test_what_stays(void **state)
{
    (void)state;
    instrument.tick = number("0.05");
    assert_false(decimal_ok(tick_stop(&instrument, SIDE_LONG, decimal_bad())));
    is(tick_price(NULL, number("1.234")), "1.234");
    is(tick_limit(&instrument, ORDER_BUY, number("0.01")), "0.01"); /* never to nothing */
    instrument.tick = decimal_bad();
    is(tick_price(&instrument, number("1.234")), "1.234");
}

static void test_bar_steps(void **state)
{
    static const int64_t starts[] = {1, 3, 4, 5, 8, 9, 10, 10, 11, 14, 15};
    struct bar_step step = {0};
    (void)state;
    bar_step_note(&step, starts[0] * 10);
    assert_int_equal(step.step_us, 0);
    for (size_t i = 1; i < sizeof starts / sizeof *starts; i++)
        bar_step_note(&step, starts[i] * 10);
    assert_int_equal(step.step_us, 10); /* weekends first and between, and a stray row */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directions),
        cmocka_unit_test(test_what_stays),
        cmocka_unit_test(test_bar_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
