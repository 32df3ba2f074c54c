/* Orders on their way: the single-use right, outcomes that are not known, restarts, operators,
 * shutdown. */
#include "flow_rig.h"
#include "flow/orders_parts.h"

static struct rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_open(&rig);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static const struct order *order_of(const struct signal *signal)
{
    char id[ID_SIZE];
    order_id_derive(id, signal, "Long_1");
    return book_get(store_mem_book(rig.core.store), TABLE_ORDER, id);
}

static void assert_order(const struct signal *signal, enum order_state state, int64_t attempts)
{
    const struct order *order = order_of(signal);
    assert_non_null(order);
    if (order->state != state)
        fail_msg("%s, not %s: %s", order_state_names[order->state], order_state_names[state],
                 order->reason);
    assert_int_equal(order->attempt, attempts);
}

static size_t accepted(const struct signal *signal)
{
    return paper_count_accepted(rig.core.broker, order_of(signal)->id);
}

static void test_no_answer(void **state)
{
    (void)state;
    rig.fault = PAPER_NO_ANSWER; /* acted upon, and nobody says so */
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    assert_order(&signal, ORDER_SENDING, 1);
    rig_pass(&rig, 10500000);
    assert_order(&signal, ORDER_FILLED, 1); /* the deadline, then one question */
    assert_int_equal(accepted(&signal), 1);
    assert_non_null(strstr(rig.events, "order.unknown"));
}

static void test_lost_request_is_sent_again_when_it_cannot_stand(void **state)
{
    (void)state;
    rig.fault = PAPER_DROP_REQUEST;
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    assert_order(&signal, ORDER_UNKNOWN, 1);
    rig_pass(&rig, 5000000);
    assert_order(&signal, ORDER_UNKNOWN, 1); /* absence proves nothing yet */
    struct signal pyramid = rig_send(&rig, SIGNAL_PYRAMID, "Long_2", 1);
    assert_int_equal(rig_stored(&rig, pyramid.id)->state, SIGNAL_RECEIVED); /* its turn waits */
    rig_pass(&rig, 5000000);
    assert_order(&signal, ORDER_FILLED, 2);
    assert_int_equal(accepted(&signal), 1);
    assert_int_equal(rig_stored(&rig, pyramid.id)->state, SIGNAL_DONE);
}

static void test_refused(void **state)
{
    (void)state;
    rig.fault = PAPER_REJECT;
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    assert_order(&signal, ORDER_REJECTED, 1);
    assert_int_equal(rig_stored(&rig, signal.id)->state, SIGNAL_DONE);
    assert_non_null(strstr(rig_stored(&rig, signal.id)->reason, "rejected"));
}

static void test_unreachable(void **state)
{
    (void)state;
    rig.fault = PAPER_REFUSED_CONNECT;
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    rig_pass(&rig, 2000000);
    assert_order(&signal, ORDER_FILLED, 2); /* not a byte had left: a new right, a new attempt */
    assert_non_null(strstr(rig.events, "order.unsent"));
    assert_int_equal(accepted(&signal), 1);
}

static void test_right_found_after_a_restart(void **state)
{
    (void)state;
    struct signal signal = rig_signal(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    rig_send(&rig, SIGNAL_EXIT, "ALL", 0); /* the lease is ours */
    intake_submit(&rig.core, &signal, false, 0, rig_waiter(&rig, true));
    store_mem_commit(rig.core.store, false); /* committed; killed before the answer came */
    rig_kill(&rig);
    assert_order(&signal, ORDER_SENDING, 1);
    rig_start(&rig);
    assert_order(&signal, ORDER_UNKNOWN, 1); /* asked for, not sent */
    assert_int_equal(accepted(&signal), 0);
    rig_pass(&rig, 8000000);
    assert_order(&signal, ORDER_FILLED, 2);
    assert_int_equal(accepted(&signal), 1);
    assert_int_equal(rig_stored(&rig, signal.id)->state, SIGNAL_DONE);
}

static void test_fill_found_after_a_restart(void **state)
{
    (void)state;
    rig.fault = PAPER_NO_ANSWER;
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    rig_kill(&rig);
    rig_start(&rig);
    rig_pass(&rig, 2000000);
    assert_order(&signal, ORDER_FILLED, 1);
    rig_kill(&rig);
    rig_start(&rig);
    const struct position *open[2];
    assert_int_equal(book_open_positions(rig.core.book, "alpha", "GOLD", open, 2), 1);
    assert_true(decimal_eq(open[0]->quantity, decimal_int(2)));
}

static void test_halt_is_checked_last(void **state)
{
    (void)state;
    rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    rig.commit_stops = true;
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    halt_set(&rig.core, HALT_NO_ENTRY, "me", "now", rig_waiter(&rig, false));
    rig.commit_stops = false;
    rig_settle(&rig); /* the right is committed, and not used */
    assert_int_equal(accepted(&signal), 0);
    rig_pass(&rig, 2000000);
    assert_order(&signal, ORDER_CANCELLED, 1);
    assert_int_equal(rig_stored(&rig, signal.id)->state, SIGNAL_DONE);
}

static void test_exit_cancels_what_rests(void **state)
{
    (void)state;
    struct signal entry = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 6); /* a limit at 90 */
    assert_order(&entry, ORDER_ACKNOWLEDGED, 1);
    struct signal exit = rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    rig_pass(&rig, 500000);
    assert_order(&entry, ORDER_CANCELLED, 1);
    assert_int_equal(rig_stored(&rig, exit.id)->state, SIGNAL_IGNORED);
}

static void test_resolved_by_hand(void **state)
{
    (void)state;
    rig.fault = PAPER_DROP_REQUEST;
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    const char *id = order_of(&signal)->id;
    order_resolve(&rig.core, id,
                  &(struct resolution){ORDER_CANCELLED, "me", "", decimal_bad(), decimal_bad()},
                  rig_waiter(&rig, false));
    rig_settle(&rig);
    assert_int_equal(rig.err.class, ERR_REFUSED);
    order_resolve(&rig.core, id,
                  &(struct resolution){ORDER_CANCELLED, "me", "asked the broker by phone",
                                       decimal_bad(), decimal_bad()},
                  rig_waiter(&rig, false));
    rig_settle(&rig);
    assert_int_equal(rig.err.class, ERR_NONE);
    assert_order(&signal, ORDER_CANCELLED, 1);
    rig_pass(&rig, 10000000);
    assert_int_equal(accepted(&signal), 0);
    order_resolve(
        &rig.core, id,
        &(struct resolution){ORDER_CANCELLED, "me", "twice", decimal_bad(), decimal_bad()},
        rig_waiter(&rig, false));
    rig_settle(&rig);
    assert_int_equal(rig.err.code, ERR_CONFLICT);
}

static void test_shutdown(void **state)
{
    (void)state;
    struct signal entry = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 6);
    rig.answers = 0;
    wind_down_begin(&rig.core, rig_waiter(&rig, false));
    struct signal refused = rig_signal(&rig, SIGNAL_EXIT, "ALL", 0);
    intake_submit(&rig.core, &refused, false, 0, rig_waiter(&rig, true));
    rig_pass(&rig, 1000000);
    assert_int_equal(rig.answers, 2);
    assert_order(&entry, ORDER_CANCELLED, 1);
    assert_null(rig_stored(&rig, refused.id));
    assert_non_null(strstr(rig.events, "statistics.saved"));
    const struct stat *stat = book_get(store_mem_book(rig.core.store), TABLE_STAT, "alpha|GOLD");
    assert_int_equal(stat->signals, 1);
    assert_int_equal(stat->accepted, 1);
}

static void test_shutdown_closes_positions(void **state)
{
    (void)state;
    rig.core.options.wind_down.close_positions = true;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    wind_down_begin(&rig.core, rig_waiter(&rig, false));
    rig_pass(&rig, 1000000);
    assert_int_equal(rig.err.class, ERR_NONE);
    const struct position *open[2];
    assert_int_equal(book_open_positions(store_mem_book(rig.core.store), "alpha", "GOLD", open, 2),
                     0);
}

static void test_forced_shutdown(void **state)
{
    (void)state;
    rig.fault = PAPER_DROP_REQUEST;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    rig.answers = 0;
    wind_down_begin(&rig.core, rig_waiter(&rig, false));
    rig_pass(&rig, 100000);
    assert_int_equal(rig.answers, 0); /* an order's outcome is not known */
    wind_down_force(&rig.core);
    rig_settle(&rig);
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.err.class, ERR_REFUSED);
    assert_int_equal(rig.err.code, ERR_TIMEOUT);
}

/* Nobody asks about an order that has ended: it must not end without its fill. */
static void test_cancelled_while_a_fill_was_lost(void **state)
{
    (void)state;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 6); /* rests at 90 */
    const struct live_order *live = rig.core.orders->live;
    assert_non_null(live);
    struct report fill = {.kind = REPORT_FILL,
                          .trade_id = "t1",
                          .quantity = decimal_int(2),
                          .price = decimal_int(90),
                          .fee = decimal_int(0)};
    struct report end = {.kind = REPORT_CANCELLED};
    text_copy(fill.order_id, sizeof fill.order_id, live->id);
    text_copy(end.order_id, sizeof end.order_id, live->id);
    fill.at_us = end.at_us = rig.now.now_wall_us;
    rig.ask_fault = PAPER_REFUSED_CONNECT;
    rig.commit_fails = true;
    orders_report(&rig.core, &fill);
    rig_settle(&rig);
    rig.commit_fails = false;
    orders_report(&rig.core, &end);
    rig_settle(&rig);
    assert_ptr_equal(live, rig.core.orders->live);
    assert_int_equal(live->row.state, ORDER_ACKNOWLEDGED);
    rig.ask_fault = PAPER_OK; /* the broker says that it rests, with all its fills */
    rig_pass(&rig, 60000000);
    orders_report(&rig.core, &end);
    rig_settle(&rig);
    assert_int_equal(rig.core.orders->live ? live->row.state : ORDER_CANCELLED, ORDER_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_request_is_sent_again_when_it_cannot_stand,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unreachable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_right_found_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fill_found_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_halt_is_checked_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_exit_cancels_what_rests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_resolved_by_hand, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_shutdown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_shutdown_closes_positions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forced_shutdown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancelled_while_a_fill_was_lost, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
