/* Orders: every edge between every two states, and what each report makes of an order in each
 * state. */
#include "trade/order.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#define STATES (ORDER_EXPIRED + 1)

/* Rows: from; columns: to; in the order of the enum. */
static const char *const edges[STATES] = {
    /*              i s S a p u f c r e */
    /* intended  */ "xx.....xxx",
    /* sending   */ "x.xxxxxxxx",
    /* sent      */ "..xxxxxxxx",
    /* ack       */ "...xxxxxxx",
    /* partially */ "....xxxx.x",
    /* unknown   */ ".x.xxxxxxx",
    /* filled    */ "......x...",
    /* cancelled */ "......xx..",
    /* rejected  */ "......x.x.",
    /* expired   */ "......x..x",
};

static void every_edge_is_as_drawn(void **state)
{
    (void)state;
    for (int from = 0; from < STATES; from++)
        for (int to = 0; to < STATES; to++)
            if (order_may_become((enum order_state)from, (enum order_state)to) !=
                (edges[from][to] == 'x'))
                fail_msg("%s to %s", order_state_names[from], order_state_names[to]);
}

static void nothing_leads_back_to_the_right_to_send(void **state)
{
    (void)state;
    /* Only an order that proved unsent, or unknown under a class that allows it, may be sent again.
     */
    for (int from = 0; from < STATES; from++)
        if (order_may_become((enum order_state)from, ORDER_SENDING))
            assert_true(from == ORDER_INTENDED || from == ORDER_UNKNOWN);
    for (int from = 0; from < STATES; from++)
        assert_int_equal(order_is_final((enum order_state)from), from >= ORDER_FILLED);
    for (int from = 0; from < STATES; from++)
        assert_int_equal(order_is_unresolved((enum order_state)from),
                         from == ORDER_SENDING || from == ORDER_SENT || from == ORDER_UNKNOWN);
}

static struct order make_order(enum order_state state, int filled)
{
    struct order order;
    row_init(&tables[TABLE_ORDER], &order);
    text_copy(order.id, sizeof order.id, "order");
    text_copy(order.strategy, sizeof order.strategy, "s");
    text_copy(order.instrument, sizeof order.instrument, "i");
    order.quantity = decimal_int(10);
    order.state = state;
    order.version = 5;
    if (filled) {
        order.filled = decimal_int(filled);
        order.average_price = decimal_int(100);
        order.fees = decimal_int(1);
    }
    return order;
}

static struct report make_report(enum report_kind kind)
{
    struct report report = {.kind = kind, .order_id = "order", .at_us = 77, .trade_id = "t1"};
    report.quantity = decimal_int(4);
    report.price = decimal_int(110);
    report.fee = decimal_int(2);
    return report;
}

/* For each report kind and state: the state after it, '.' nothing changes, '!' refused. */
static void every_report_in_every_state(void **state)
{
    (void)state;
    static const char letters[] = "isSapufcre";
    static const char *const after[] = {
        [REPORT_ACKNOWLEDGED] = "!aa..a....", [REPORT_FILL] = "!pppppxcre",
        [REPORT_CANCELLED] = "!ccccc!.!!",    [REPORT_REJECTED] = "!rrr!r!!.!",
        [REPORT_EXPIRED] = "!eeeee!!!.",      [REPORT_NOT_FOUND] = ".uuuu.....",
    };
    for (int kind = 0; kind <= REPORT_NOT_FOUND; kind++)
        for (int from = 0; from < STATES; from++) {
            struct order before = make_order((enum order_state)from, from == ORDER_FILLED ? 10 : 0),
                         next;
            struct report report = make_report((enum report_kind)kind);
            struct fill fill;
            struct err err;
            const char due = after[kind][from];
            const bool changed =
                order_apply_report(&before, &report, "paper", 99, &next, &fill, &err);
            if (changed != (due != '.' && due != '!' && due != 'x'))
                fail_msg("report %d on %s: %s", kind, order_state_names[from], err.text);
            assert_int_equal(err.code != ERR_OK, due == '!' || due == 'x');
            if (!changed)
                continue;
            assert_int_equal(letters[next.state], due);
            assert_int_equal(next.version, 6);
            assert_int_equal(next.updated_us, 99);
            assert_true(order_may_become(before.state, next.state));
        }
}

static void fills_add_up(void **state)
{
    (void)state;
    struct order before = make_order(ORDER_ACKNOWLEDGED, 0), after;
    struct report report = make_report(REPORT_FILL);
    struct fill fill;
    struct err err;
    assert_true(order_apply_report(&before, &report, "paper", 99, &after, &fill, &err));
    assert_string_equal(fill.id, "paper|t1");
    assert_string_equal(fill.order_id, "order");
    assert_int_equal(fill.at_us, 77);
    assert_int_equal(after.state, ORDER_PARTIALLY_FILLED);
    assert_true(decimal_eq(after.average_price, decimal_int(110)));
    before = after;
    report.quantity = decimal_int(6);
    report.price = decimal_int(120);
    text_copy(report.trade_id, sizeof report.trade_id, "t2");
    assert_true(order_apply_report(&before, &report, "paper", 99, &after, &fill, &err));
    assert_int_equal(after.state, ORDER_FILLED);
    assert_true(decimal_eq(after.average_price, decimal_int(116)));
    assert_true(decimal_eq(after.fees, decimal_int(4)));
    assert_true(decimal_eq(after.filled, decimal_int(10)));
}

static void bad_fills_are_refused_loudly(void **state)
{
    (void)state;
    struct order before = make_order(ORDER_PARTIALLY_FILLED, 7), after;
    struct report report = make_report(REPORT_FILL);
    struct fill fill;
    struct err err;
    assert_false(order_apply_report(&before, &report, "paper", 99, &after, &fill, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_non_null(strstr(err.text, "11 of 10"));
    report.quantity = decimal_int(0);
    assert_false(order_apply_report(&before, &report, "paper", 99, &after, &fill, &err));
    assert_int_equal(err.code, ERR_INPUT);
    report = make_report(REPORT_FILL);
    report.quantity = decimal_int(1);
    report.price = decimal_bad();
    assert_false(order_apply_report(&before, &report, "paper", 99, &after, &fill, &err));
    report = make_report(REPORT_FILL);
    report.quantity = decimal_int(1);
    *report.trade_id = '\0';
    assert_false(order_apply_report(&before, &report, "paper", 99, &after, &fill, &err));
    before.state = ORDER_INTENDED;
    report = make_report(REPORT_FILL);
    assert_false(order_apply_report(&before, &report, "paper", 99, &after, &fill, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    text_copy(report.order_id, sizeof report.order_id, "other");
    assert_false(order_apply_report(&before, &report, "paper", 99, &after, &fill, &err));
    assert_int_equal(err.code, ERR_INPUT);
}

static void late_fills_of_ended_orders_are_applied(void **state)
{
    (void)state;
    struct order before = make_order(ORDER_CANCELLED, 6), after;
    struct report report = make_report(REPORT_FILL);
    struct fill fill;
    struct err err;
    assert_true(order_apply_report(&before, &report, "paper", 99, &after, &fill, &err));
    assert_int_equal(after.state, ORDER_FILLED);
    before = make_order(ORDER_CANCELLED, 3);
    assert_true(order_apply_report(&before, &report, "paper", 99, &after, &fill, &err));
    assert_int_equal(after.state, ORDER_CANCELLED);
    assert_true(decimal_eq(after.filled, decimal_int(7)));
}

static void repeats_change_nothing(void **state)
{
    (void)state;
    struct order before = make_order(ORDER_ACKNOWLEDGED, 0), after;
    struct report report = make_report(REPORT_ACKNOWLEDGED);
    struct fill fill;
    struct err err;
    assert_false(order_apply_report(&before, &report, "paper", 99, &after, &fill, &err));
    assert_int_equal(err.code, ERR_OK);
    text_copy(report.broker_id, sizeof report.broker_id, "B7"); /* the broker's number is news */
    assert_true(order_apply_report(&before, &report, "paper", 99, &after, &fill, &err));
    assert_string_equal(after.broker_id, "B7");
    before = after;
    assert_false(order_apply_report(&before, &report, "paper", 99, &after, &fill, &err));
    assert_int_equal(err.code, ERR_OK);
}

static void an_unknown_order_with_fills_is_partly_filled_again(void **state)
{
    (void)state;
    struct order before = make_order(ORDER_UNKNOWN, 3), after;
    struct report report = make_report(REPORT_ACKNOWLEDGED);
    struct fill fill;
    struct err err;
    assert_true(order_apply_report(&before, &report, "paper", 99, &after, &fill, &err));
    assert_int_equal(after.state, ORDER_PARTIALLY_FILLED);
}

static void ids_are_derived(void **state)
{
    (void)state;
    char a[ID_SIZE], b[ID_SIZE], c[ID_SIZE], fill[KEY_SIZE], long_name[KEY_SIZE];
    struct signal signal = {.fingerprint = "f", .at_us = 1700000000000000};
    order_id_derive(a, &signal, "Long_1");
    order_id_derive(b, &signal, "Long_1");
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), 20);
    signal.at_us += 1000000;
    order_id_derive(b, &signal, "Long_1");
    assert_true(strcmp(a, b) < 0);
    text_copy(signal.fingerprint, sizeof signal.fingerprint, "fL");
    order_id_derive(c, &signal, "ong_1");
    assert_string_not_equal(b, c);
    assert_memory_equal(b, c, 6);
    memset(long_name, 'x', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    assert_true(order_fill_id(fill, "paper", "1"));
    assert_false(order_fill_id(fill, "paper", long_name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_edge_is_as_drawn),
        cmocka_unit_test(nothing_leads_back_to_the_right_to_send),
        cmocka_unit_test(every_report_in_every_state),
        cmocka_unit_test(fills_add_up),
        cmocka_unit_test(bad_fills_are_refused_loudly),
        cmocka_unit_test(late_fills_of_ended_orders_are_applied),
        cmocka_unit_test(repeats_change_nothing),
        cmocka_unit_test(an_unknown_order_with_fills_is_partly_filled_again),
        cmocka_unit_test(ids_are_derived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
