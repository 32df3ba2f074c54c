/* Our positions against the broker's, through a whole host: what the founding reviews asked of a
 * recovery, and what they got wrong. */
#include "match_rig.h"

/* ---- the four founding scenarios of positions ---- */

static void founding_1_position_on_both_sides_is_fine(void **state)
{
    (void)state;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    match_it(false);
    expect("\"discrepancies\":[]");
    expect("\"complete\":true");
    assert_lots(2);
    assert_non_null(strstr(rig.events, "reconciliation.done"));
}

static void founding_2_position_only_here_is_not_closed_by_absence(void **state)
{
    (void)state;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    trade_there("by-hand", ORDER_SELL, 2, 0);
    match_it(false);
    expect("\"kind\":\"position_missing_there\"");
    expect("\"action\":\"alert\",\"by\":\"default\"");
    expect("\"blocks_entries\":true");
    assert_lots(2); /* a person or a policy decides, not a list */
    struct signal pyramid = rig_send(&rig, SIGNAL_PYRAMID, "Long_2", 1);
    assert_int_equal(rig_stored(&rig, pyramid.id)->state, SIGNAL_REJECTED);
    assert_string_equal(rig.gate, "reconciliation");
    struct signal exit = rig_send(&rig, SIGNAL_EXIT, "ALL", 0); /* never held back */
    assert_int_equal(rig_stored(&rig, exit.id)->state, SIGNAL_DONE);
    assert_sound();
}

static void founding_2_position_only_here_is_closed_when_the_policy_says_so(void **state)
{
    (void)state;
    load_policy("if d.kind == 'position_missing_there' then return 'close_here' end");
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    rig_send(&rig, SIGNAL_PYRAMID, "Long_2", 1);
    trade_there("by-hand", ORDER_SELL, 3, 0);
    match_it(false);
    expect("\"action\":\"close_here\",\"by\":\"policy\",\"applied\":true");
    expect("\"positions_synced\":1");
    assert_lots(0);
    match_it(false);
    expect("\"discrepancies\":[]");
    assert_int_equal(entry_ends_as("Long_1"), SIGNAL_DONE);
    assert_sound();
}

static void founding_3_position_only_there_is_not_taken_for_ours(void **state)
{
    (void)state;
    trade_there("by-hand", ORDER_BUY, 3, 0);
    match_it(false);
    expect("\"kind\":\"position_missing_here\"");
    expect("\"action\":\"alert\"");
    assert_lots(0);
    assert_int_equal(entry_ends_as("Long_1"), SIGNAL_REJECTED);
    assert_sound();
}

static void founding_3_position_only_there_is_adopted_when_the_policy_says_so(void **state)
{
    (void)state;
    const struct position *open[2];
    load_policy("if d.kind == 'position_missing_here' then\n"
                "  return { action = 'adopt', reason = 'mine: ' .. tostring(d.theirs) } end");
    trade_there("by-hand", ORDER_BUY, 3, 0);
    match_it(false);
    expect("\"action\":\"adopt\",\"by\":\"policy\",\"applied\":true,\"reason\":\"mine: 3\"");
    assert_lots(3);
    assert_int_equal(book_open_positions(rig.core.book, "alpha", "GOLD", open, 2), 1);
    assert_string_equal(open[0]->label, "Long_1");
    assert_true(decimal_eq(open[0]->entry_price, decimal_int(100)));
    struct signal exit = rig_send(&rig, SIGNAL_EXIT, "ALL", 0); /* a position like any */
    assert_int_equal(rig_stored(&rig, exit.id)->state, SIGNAL_DONE);
    assert_lots(0);
    match_it(false);
    expect("\"discrepancies\":[]");
    assert_sound();
}

static void founding_4_quantities_differ_and_it_is_recorded(void **state)
{
    (void)state;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    trade_there("by-hand", ORDER_BUY, 1, 0);
    match_it(false);
    expect("\"kind\":\"quantity_differs\"");
    expect("\"ours\":\"2\",\"theirs\":\"3\"");
    assert_lots(2);
    match_it(false); /* it stays until somebody settles it */
    expect("\"kind\":\"quantity_differs\"");
    trade_there("by-hand-2", ORDER_SELL, 1, 0);
    match_it(false);
    expect("\"discrepancies\":[]");
    struct signal pyramid = rig_send(&rig, SIGNAL_PYRAMID, "Long_2", 1);
    assert_int_equal(rig_stored(&rig, pyramid.id)->state, SIGNAL_DONE);
    assert_sound();
}

static void founding_4_the_brokers_quantity_is_used_when_the_policy_says_so(void **state)
{
    (void)state;
    static const struct {
        enum order_side side;
        int lots, left;
    } rows[] = {{ORDER_SELL, 1, 4}, {ORDER_SELL, 2, 2}, {ORDER_BUY, 5, 7}};
    load_policy("return 'use_broker'");
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 3);
    rig_send(&rig, SIGNAL_PYRAMID, "Long_2", 2);
    for (size_t i = 0; i < 3; i++) {
        char id[20];
        snprintf(id, sizeof id, "by-hand-%zu", i);
        trade_there(id, rows[i].side, rows[i].lots, 0);
        match_it(false);
        expect("\"action\":\"use_broker\",\"by\":\"policy\",\"applied\":true");
        assert_lots(rows[i].left);
        assert_sound();
    }
}

static void sides_differ_and_the_brokers_is_used(void **state)
{
    (void)state;
    const struct position *open[3];
    load_policy("return 'use_broker'");
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    trade_there("by-hand", ORDER_SELL, 5, 0);
    match_it(false);
    expect("\"theirs\":\"-3\"");
    assert_int_equal(book_open_positions(rig.core.book, "alpha", "GOLD", open, 3), 1);
    assert_int_equal(open[0]->side, SIDE_SHORT);
    assert_true(decimal_eq(open[0]->quantity, decimal_int(3)));
    match_it(false);
    expect("\"discrepancies\":[]");
    assert_sound();
}

/* ---- guards ---- */

static void a_dry_run_decides_and_does_nothing(void **state)
{
    (void)state;
    load_policy("return 'use_broker'");
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    trade_there("by-hand", ORDER_BUY, 1, 0);
    rig.events[0] = '\0';
    match_it(true);
    expect("\"dry_run\":true");
    expect("\"action\":\"use_broker\",\"by\":\"policy\",\"applied\":false");
    assert_lots(2);
    assert_null(strstr(rig.events, "reconciliation"));
}

static void too_many_lots_are_for_a_person(void **state)
{
    (void)state;
    load_policy("return 'use_broker'");
    rig.core.options.reconcile.lots_bounded = true;
    rig.core.options.reconcile.max_lots = decimal_int(1);
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    trade_there("by-hand", ORDER_BUY, 2, 0);
    match_it(false);
    expect("\"action\":\"alert\",\"by\":\"guard\"");
    expect("max_lots");
    assert_lots(2);
}

static void a_failing_policy_leaves_the_default(void **state)
{
    (void)state;
    load_policy("return d.nothing");
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    trade_there("by-hand", ORDER_BUY, 2, 0);
    match_it(false);
    expect("\"action\":\"alert\",\"by\":\"default\"");
    expect("strategy.lua:6");
    assert_lots(2);
}

static void flatten_takes_over_and_closes(void **state)
{
    (void)state;
    load_policy("if d.kind == 'position_missing_here' then return 'flatten' end");
    trade_there("by-hand", ORDER_BUY, 3, 0);
    match_it(false);
    expect("\"action\":\"flatten\",\"by\":\"policy\",\"applied\":true");
    rig_pass(&rig, 1000000);
    assert_lots(0);
    match_it(false);
    expect("\"discrepancies\":[]"); /* flat there, too */
    assert_sound();
}

static void freeze_halts_everything(void **state)
{
    (void)state;
    load_policy("return 'freeze'");
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    trade_there("by-hand", ORDER_BUY, 1, 0);
    match_it(false);
    assert_int_equal(halt_now(&rig.core), HALT_FREEZE);
}

static void a_person_accepts_what_is_there(void **state)
{
    (void)state;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    trade_there("by-hand", ORDER_BUY, 1, 0);
    match_it(false);
    match_accept(&rig.core, "SILVER", "me", "no such", rig_waiter(&rig, false));
    rig_settle(&rig);
    assert_int_equal(rig.err.code, ERR_NOT_FOUND);
    match_accept(&rig.core, "GOLD", "me", "my own lot", rig_waiter(&rig, false));
    rig_pass(&rig, 2000000);
    struct signal pyramid = rig_send(&rig, SIGNAL_PYRAMID, "Long_2", 1);
    assert_int_equal(rig_stored(&rig, pyramid.id)->state, SIGNAL_DONE);
    trade_there("by-hand-2", ORDER_BUY, 1, 0); /* not what was accepted */
    match_it(false);
    expect("\"blocks_entries\":true");
}

static void balance_drift_is_told_and_bounded(void **state)
{
    (void)state;
    match_it(false);
    expect("\"balance_drift\":\"-100000\""); /* the paper broker begins with nothing here */
    expect("\"discrepancies\":[]");
    rig.core.options.reconcile.drift_bounded = true;
    rig.core.options.reconcile.max_drift = decimal_int(5);
    match_it(false);
    expect("\"kind\":\"balance_drift\"");
    assert_int_equal(entry_ends_as("Long_1"), SIGNAL_DONE); /* of no instrument */
}

/* ---- when it runs ---- */

static void it_runs_before_trading_and_on_its_schedule(void **state)
{
    (void)state;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    trade_there("by-hand", ORDER_SELL, 2, 0);
    rig_kill(&rig);
    rig_start(&rig);
    struct signal pyramid = rig_send(&rig, SIGNAL_PYRAMID, "Long_2", 1); /* on its way at once */
    rig_pass(&rig, 3000000);
    assert_int_equal(rig_stored(&rig, pyramid.id)->state, SIGNAL_REJECTED);
    assert_int_equal(match_now_view(&rig.core).open, 1);
    trade_there("by-hand-2", ORDER_BUY, 2, 0);
    rig_pass(&rig, 8000000); /* while something is open it looks often */
    assert_int_equal(match_now_view(&rig.core).open, 0);
    rig.events[0] = '\0';
    rig_pass(&rig, 310000000);
    assert_non_null(strstr(rig.events, "reconciliation.done"));
}

/* What rests by our book may have traded. */
static void lots_prove_nothing_while_the_orders_are_not_known(void **state)
{
    (void)state;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 6); /* rests at 90 */
    rig.ask_fault = PAPER_REFUSED_CONNECT;
    rig.only = "open_orders";
    trade_there("by-hand", ORDER_BUY, 3, 0);
    match_it(false);
    expect("\"complete\":false");
    expect("\"discrepancies\":[]");
    rig.ask_fault = PAPER_OK;
    match_it(false);
    expect("\"kind\":\"position_missing_here\"");
}

/* One write is always on its way, as under load. */
static void pass_writing(int64_t us)
{
    for (int64_t end = rig.now.now_steady_us + us; rig.now.now_steady_us < end;) {
        store_mem_commit(rig.core.store, false);
        account_deposit(&rig.core, decimal_int(1), "test", (struct waiter){0});
        store_mem_turn(rig.core.store);
        clock_sim_advance(&rig.now, 2000);
        core_turn(&rig.core);
        paper_turn(rig.core.broker);
    }
}

static void it_ends_while_writes_never_do(void **state)
{
    (void)state;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    match_now(&rig.core, false, (struct waiter){.answer = hear_report});
    pass_writing(1500000);
    expect("\"complete\":true");
    rig_settle(&rig);
    assert_sound();
}

/* They are tried often, and say so once; and when the books are known none waits for its next try.
 */
static void entries_that_wait_for_it_write_once_and_go_at_once(void **state)
{
    (void)state;
    rig.ask_fault = PAPER_REFUSED_CONNECT;
    match_it(false);
    assert_true(match_now_view(&rig.core).blind);
    struct signal entry = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    rig.events[0] = '\0';
    rig_pass(&rig, 2500000);
    assert_int_equal(rig_stored(&rig, entry.id)->state, SIGNAL_RETRYING);
    assert_null(strstr(rig.events, "signal."));
    rig.ask_fault = PAPER_OK;
    while (match_now_view(&rig.core).blind)
        rig_pass(&rig, 5000);
    rig_pass(&rig, 5000);
    assert_int_equal(rig_stored(&rig, entry.id)->state, SIGNAL_DONE);
    assert_sound();
}

/* Who looks at the log must see it before the first entry, and the next leader relies on it. */
static void what_the_log_does_not_have_was_not_compared(void **state)
{
    (void)state;
    rig_settle(&rig);
    rig.events[0] = '\0';
    rig.commit_fails = true;
    match_owe(&rig.core);
    unsigned runs = 0;
    for (int64_t looked = 0, i = 0; i < 4000; i++) {
        rig_pass(&rig, 1000);
        assert_true(match_now_view(&rig.core).blind);
        runs += match_now_view(&rig.core).at_us != looked;
        looked = match_now_view(&rig.core).at_us;
    }
    assert_null(strstr(rig.events, "reconciliation.done"));
    assert_in_range(runs, 2, 12); /* the broker is not asked without end */
    rig.commit_fails = false;
    struct signal entry = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    rig_pass(&rig, 12000000);
    assert_false(match_now_view(&rig.core).blind);
    const char *done = strstr(rig.events, "reconciliation.done");
    const char *decided = strstr(rig.events, "signal.decided");
    assert_true(done && decided && done < decided);
    assert_int_equal(rig_stored(&rig, entry.id)->state, SIGNAL_DONE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(founding_1_position_on_both_sides_is_fine),
        TEST(founding_2_position_only_here_is_not_closed_by_absence),
        TEST(founding_2_position_only_here_is_closed_when_the_policy_says_so),
        TEST(founding_3_position_only_there_is_not_taken_for_ours),
        TEST(founding_3_position_only_there_is_adopted_when_the_policy_says_so),
        TEST(founding_4_quantities_differ_and_it_is_recorded),
        TEST(founding_4_the_brokers_quantity_is_used_when_the_policy_says_so),
        TEST(sides_differ_and_the_brokers_is_used),
        TEST(a_dry_run_decides_and_does_nothing),
        TEST(too_many_lots_are_for_a_person),
        TEST(a_failing_policy_leaves_the_default),
        TEST(flatten_takes_over_and_closes),
        TEST(freeze_halts_everything),
        TEST(a_person_accepts_what_is_there),
        TEST(balance_drift_is_told_and_bounded),
        TEST(it_runs_before_trading_and_on_its_schedule),
        TEST(lots_prove_nothing_while_the_orders_are_not_known),
        TEST(it_ends_while_writes_never_do),
        TEST(entries_that_wait_for_it_write_once_and_go_at_once),
        TEST(what_the_log_does_not_have_was_not_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
