/* Our orders against the broker's, and a broker that cannot be read, or lies. */
#include "match_rig.h"

/* ---- a broker that lies ---- */

static struct broker_ops lying;
static const struct broker_ops *honest;
static struct waiter fooled;
static bool lie_about_list, lie_about_order;

static void hear_list(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    static const struct broker_orders none = {0};
    (void)owner;
    (void)handle;
    (void)value;
    wait_answer(fooled, err, &none);
}

static void tell_no_orders(struct broker *b, struct waiter to)
{
    fooled = to;
    honest->open_orders(b, lie_about_list ? (struct waiter){.answer = hear_list} : to);
}

static void hear_order(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    static const struct broker_answer unknown = {0};
    (void)owner;
    (void)handle;
    (void)value;
    wait_answer(fooled, err, &unknown);
}

static void tell_no_order(struct broker *b, const struct order *order, struct waiter to)
{
    fooled = to;
    honest->query(b, order, lie_about_order ? (struct waiter){.answer = hear_order} : to);
}

static void begin_lying(bool list, bool order)
{
    honest = rig.core.broker->ops;
    lying = *honest;
    lying.open_orders = tell_no_orders;
    lying.query = tell_no_order;
    rig.core.broker->ops = &lying;
    lie_about_list = list;
    lie_about_order = order;
}

/* ---- the founding scenarios of orders ---- */

static const char orphan[] = "abcdefghij234567klmn"; /* a form that only we give */

static void founding_orphan_order_is_adopted_not_cancelled(void **state)
{
    (void)state;
    trade_there(orphan, ORDER_BUY, 2, 90);
    match_it(false);
    expect("\"kind\":\"orphan_order\"");
    expect("\"action\":\"adopt\",\"by\":\"default\",\"applied\":true");
    assert_int_equal(stored_order(orphan)->state, ORDER_ACKNOWLEDGED);
    paper_price(rig.core.broker, "GOLD", decimal_int(89), rig.now.now_wall_us);
    rig_settle(&rig);
    assert_int_equal(stored_order(orphan)->state, ORDER_FILLED);
    assert_lots(2);
    match_it(false);
    expect("\"discrepancies\":[]");
    assert_int_equal(paper_count_accepted(rig.core.broker, orphan), 1);
    assert_sound();
}

static void orphan_order_is_cancelled_when_the_policy_says_so(void **state)
{
    (void)state;
    load_policy("if d.kind == 'orphan_order' then return 'cancel_there' end");
    trade_there(orphan, ORDER_BUY, 2, 90);
    match_it(false);
    expect("\"action\":\"cancel_there\",\"by\":\"policy\",\"applied\":true");
    expect("\"orders_cancelled\":1");
    rig_pass(&rig, 2000000);
    assert_int_equal(stored_order(orphan)->state, ORDER_CANCELLED);
    match_it(false);
    expect("\"open_orders_found\":0");
    assert_sound();
}

static void an_adopted_order_survives_a_kill_and_is_never_sent(void **state)
{
    (void)state;
    trade_there(orphan, ORDER_BUY, 2, 90);
    match_it(false);
    rig_kill(&rig);
    rig_start(&rig);
    rig_pass(&rig, 30000000);
    assert_int_equal(stored_order(orphan)->state, ORDER_ACKNOWLEDGED);
    begin_lying(true, true); /* now nobody knows it */
    match_it(false);
    rig_pass(&rig, 60000000);
    assert_int_equal(stored_order(orphan)->state, ORDER_UNKNOWN);
    assert_int_equal(paper_count_accepted(rig.core.broker, orphan), 1);
    rig.core.broker->ops = honest;
}

static void an_order_that_is_not_ours_is_never_touched(void **state)
{
    (void)state;
    load_policy("return 'cancel_there'");
    trade_there("by-hand", ORDER_BUY, 2, 90);
    match_it(false);
    expect("\"kind\":\"unknown_order\"");
    expect("\"open_orders_found\":1,\"orders_cancelled\":0");
    match_it(false);
    expect("\"open_orders_found\":1");
    assert_null(stored_order("by-hand"));
    assert_int_equal(entry_ends_as("Long_1"), SIGNAL_DONE); /* it blocks nothing */
}

static struct signal rest_quietly(void)
{
    rig.fault = PAPER_NO_ANSWER; /* from here on only questions tell of it */
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 6);
    rig_pass(&rig, 11000000);
    return signal;
}

static const struct order *leg_of(const struct signal *signal)
{
    char id[ID_SIZE];
    order_id_derive(id, signal, "Long_1");
    return stored_order(id);
}

static void founding_order_missing_there_had_been_filled(void **state)
{
    (void)state;
    struct signal signal = rest_quietly();
    assert_int_equal(leg_of(&signal)->state, ORDER_ACKNOWLEDGED);
    paper_price(rig.core.broker, "GOLD", decimal_int(89), rig.now.now_wall_us);
    rig_settle(&rig);
    assert_int_equal(leg_of(&signal)->state, ORDER_ACKNOWLEDGED);
    match_it(false);
    expect("\"orders_settled\":1");
    expect("\"discrepancies\":[]");
    assert_int_equal(leg_of(&signal)->state, ORDER_FILLED); /* marked cancelled it would be lost */
    assert_lots(6);
    assert_sound();
}

static void founding_order_missing_there_is_never_cancelled_by_absence(void **state)
{
    (void)state;
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 6);
    rig_pass(&rig, 10000000); /* before, it is so young that it need not show yet */
    begin_lying(true, true);
    match_it(false);
    expect("\"kind\":\"missing_order\"");
    expect("\"action\":\"alert\"");
    assert_int_equal(leg_of(&signal)->state, ORDER_UNKNOWN);
    assert_int_equal(entry_ends_as("Long_2"), SIGNAL_RECEIVED); /* nothing new beside it */
    rig.core.broker->ops = honest;
    rig_pass(&rig, 30000000);
    assert_int_equal(leg_of(&signal)->state, ORDER_ACKNOWLEDGED); /* it stood all the time */
    assert_int_equal(paper_count_accepted(rig.core.broker, leg_of(&signal)->id), 1);
    match_it(false);
    expect("\"discrepancies\":[]");
}

static void a_list_that_lacks_a_page_changes_nothing(void **state)
{
    (void)state;
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 6);
    begin_lying(true, false); /* the list is short, the question tells the truth */
    match_it(false);
    expect("\"discrepancies\":[]");
    assert_int_equal(leg_of(&signal)->state, ORDER_ACKNOWLEDGED);
    rig.core.broker->ops = honest;
}

static void founding_order_status_differs_is_asked_not_overwritten(void **state)
{
    (void)state;
    struct signal signal = rest_quietly();
    char id[ID_SIZE];
    text_copy(id, sizeof id, leg_of(&signal)->id);
    orders_cancel(&rig.core, id); /* a cancel whose answer is lost */
    rig.ask_fault = PAPER_DROP_ANSWER;
    rig_settle(&rig);
    rig.ask_fault = PAPER_OK;
    match_it(false);
    expect("\"discrepancies\":[]");
    assert_int_equal(leg_of(&signal)->state, ORDER_CANCELLED);
    assert_sound();
}

/* ---- what is not known ---- */

static void a_list_that_fails_is_never_truth(void **state)
{
    (void)state;
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 6);
    rig.ask_fault = PAPER_DROP_REQUEST;
    match_it(false);
    expect("\"complete\":false");
    expect("\"discrepancies\":[]");
    assert_int_equal(leg_of(&signal)->state, ORDER_ACKNOWLEDGED);
    rig.ask_fault = PAPER_OK;
    rig_pass(&rig, 5000000); /* it looks again by itself */
    assert_false(match_is_blind(&rig.core));
}

static void unreachable_at_the_start_signals_wait_and_trade_later(void **state)
{
    (void)state;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    rig_kill(&rig);
    rig.ask_fault = PAPER_REFUSED_CONNECT;
    rig_start(&rig);
    rig_pass(&rig, 2000000);
    assert_true(rig.core.reconciled);
    assert_true(match_is_blind(&rig.core));
    struct signal entry = rig_send(&rig, SIGNAL_PYRAMID, "Long_2", 1);
    assert_int_equal(rig_stored(&rig, entry.id)->state, SIGNAL_RETRYING); /* kept, not refused */
    assert_lots(2);
    struct signal exit = rig_send(&rig, SIGNAL_EXIT, "Long_1", 0);
    assert_int_equal(rig_stored(&rig, exit.id)->state, SIGNAL_DONE);
    struct signal base = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    rig.ask_fault = PAPER_OK;
    rig_pass(&rig, 10000000);
    assert_false(match_is_blind(&rig.core));
    assert_int_equal(rig_stored(&rig, base.id)->state, SIGNAL_DONE);
}

static void an_unreachable_broker_lets_entries_expire(void **state)
{
    (void)state;
    rig.ask_fault = PAPER_REFUSED_CONNECT;
    match_it(false);
    struct signal entry = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    rig_pass(&rig, 70000000);
    assert_int_equal(rig_stored(&rig, entry.id)->state, SIGNAL_EXPIRED);
    assert_lots(0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(founding_orphan_order_is_adopted_not_cancelled),
        TEST(orphan_order_is_cancelled_when_the_policy_says_so),
        TEST(an_adopted_order_survives_a_kill_and_is_never_sent),
        TEST(an_order_that_is_not_ours_is_never_touched),
        TEST(founding_order_missing_there_had_been_filled),
        TEST(founding_order_missing_there_is_never_cancelled_by_absence),
        TEST(a_list_that_lacks_a_page_changes_nothing),
        TEST(founding_order_status_differs_is_asked_not_overwritten),
        TEST(a_list_that_fails_is_never_truth),
        TEST(unreachable_at_the_start_signals_wait_and_trade_later),
        TEST(an_unreachable_broker_lets_entries_expire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
