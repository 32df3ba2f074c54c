/* The rails: each limit at, below and above its figure, and what reducing orders are held to. */
#include "trade/portfolio.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

struct at_the_rails {
    struct rails rails;
    struct order order;
    struct rail_check check;
    struct instrument instrument;
    struct portfolio portfolio;
    const char *rail;
    char reason[REASON_SIZE];
};

/* An order that passes with nothing to spare: 2 lots at 100, point value 10, stop 90. */
static struct at_the_rails *fresh(struct at_the_rails *a)
{
    struct book *empty = book_new();
    memset(a, 0, sizeof *a);
    row_init(&tables[TABLE_ORDER], &a->order);
    a->order.quantity = decimal_int(2);
    a->order.kind = ORDER_LIMIT;
    a->order.limit_price = a->order.reference_price = decimal_int(100);
    a->instrument.point_value = decimal_int(10);
    portfolio_measure(empty, &(struct instruments){&a->instrument, 1}, NULL, &a->portfolio);
    a->portfolio.day_loss = decimal_int(500);
    a->portfolio.open_risk = decimal_int(50);
    a->check = (struct rail_check){.order = &a->order,
                                   .stop = decimal_int(90),
                                   .position_quantity = decimal_int(3),
                                   .pending_risk = decimal_int(20),
                                   .last_price = decimal_int(125),
                                   .orders_last_minute = 9};
    a->rails = (struct rails){.max_order_quantity = decimal_int(2),
                              .max_order_notional = decimal_int(2000),
                              .max_position = decimal_int(5),
                              .max_orders_per_minute = decimal_int(10),
                              .max_daily_loss = decimal_int(500),
                              .max_open_risk = decimal_int(270),
                              .price_collar_percent = decimal_int(20)};
    book_free(empty);
    return a;
}

static bool pass(struct at_the_rails *a)
{
    return rails_pass(&a->rails, &a->check, &a->instrument, &a->portfolio, &a->rail, a->reason);
}

static struct decimal *limit(struct rails *rails, int i)
{
    struct decimal *const all[] = {&rails->max_order_quantity,  &rails->max_order_notional,
                                   &rails->max_position,        &rails->max_orders_per_minute,
                                   &rails->max_daily_loss,      &rails->max_open_risk,
                                   &rails->price_collar_percent};
    return all[i];
}

static void each_rail_holds_at_its_figure(void **state)
{
    (void)state;
    struct at_the_rails a;
    assert_null(rail_names[RAIL_COUNT]);
    assert_true(pass(fresh(&a)));
    assert_null(a.rail);
    for (int i = 0; i < RAIL_COUNT; i++) {
        struct decimal *one = limit(&fresh(&a)->rails, i);
        *one = decimal_sub(*one, decimal_ratio(1, 1000000));
        assert_false(pass(&a));
        assert_string_equal(a.rail, rail_names[i]);
        assert_non_null(strstr(a.reason, rail_names[i]));
        a.rails.waived = 1u << i;
        assert_true(pass(&a));
    }
}

static void an_unset_rail_holds_unless_waived(void **state)
{
    (void)state;
    struct at_the_rails a;
    for (int i = 0; i < RAIL_COUNT; i++) {
        *limit(&fresh(&a)->rails, i) = decimal_bad();
        assert_false(pass(&a));
        assert_string_equal(a.rail, rail_names[i]);
        a.rails.waived = 1u << i;
        assert_true(pass(&a));
    }
}

static void figures_that_cannot_be_computed_hold(void **state)
{
    (void)state;
    struct at_the_rails a;
    fresh(&a)->order.limit_price = decimal_bad();
    a.order.reference_price = a.check.last_price = decimal_bad();
    assert_false(pass(&a));
    assert_string_equal(a.rail, "max_order_notional");
    fresh(&a)->order.quantity = decimal_bad();
    assert_false(pass(&a));
    fresh(&a)->check.stop = decimal_bad(); /* everything is at risk */
    assert_false(pass(&a));
    assert_string_equal(a.rail, "max_open_risk");
}

static void reducing_orders_are_held_to_the_collar_only(void **state)
{
    (void)state;
    struct at_the_rails a;
    for (int i = 0; i < RAIL_COUNT; i++) {
        fresh(&a)->order.reduces = true;
        *limit(&a.rails, i) = decimal_int(0);
        assert_int_equal(pass(&a), i != 6);
    }
    fresh(&a)->order.reduces = true;
    a.order.kind = ORDER_MARKET;
    a.order.limit_price = decimal_bad();
    a.check.last_price = decimal_int(1);
    assert_true(pass(&a)); /* far from the market, but it must get out */
}

static void the_collar_compares_with_what_is_known(void **state)
{
    (void)state;
    struct at_the_rails a;
    fresh(&a)->check.last_price = decimal_bad();
    a.order.limit_price = decimal_int(79);
    a.check.stop = decimal_int(75);
    assert_false(pass(&a)); /* 21 % from the reference */
    assert_string_equal(a.rail, "price_collar_percent");
    a.order.limit_price = decimal_bad();
    a.order.kind = ORDER_MARKET;
    a.check.stop = decimal_int(90);
    assert_true(pass(&a)); /* a market order and no market to compare with */
    a.check.last_price = decimal_int(84);
    a.check.stop = decimal_int(74);
    assert_true(pass(&a)); /* 19 % */
    a.check.last_price = decimal_int(83);
    a.check.stop = decimal_int(73);
    assert_false(pass(&a)); /* 20.5 % */
}

static void halts(void **state)
{
    (void)state;
    for (int level = HALT_NONE; level <= HALT_FREEZE; level++) {
        assert_int_equal(halt_allows((enum halt_level)level, false), level == HALT_NONE);
        assert_int_equal(halt_allows((enum halt_level)level, true), level != HALT_FREEZE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rail_holds_at_its_figure),
        cmocka_unit_test(an_unset_rail_holds_unless_waived),
        cmocka_unit_test(figures_that_cannot_be_computed_hold),
        cmocka_unit_test(reducing_orders_are_held_to_the_collar_only),
        cmocka_unit_test(the_collar_compares_with_what_is_known),
        cmocka_unit_test(halts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
