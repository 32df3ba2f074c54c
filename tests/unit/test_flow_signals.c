/* Signals through the whole host: one commit, one answer, one decision; repeats, rules, halts,
 * queues. */
#include "flow_rig.h"
#include "flow/intake.h"

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

static size_t open_layers(void)
{
    const struct position *open[8];
    return book_open_positions(store_mem_book(rig.core.store), "alpha", "GOLD", open, 8);
}

static void assert_state(const struct signal *signal, enum signal_state state)
{
    const struct signal *row = rig_stored(&rig, signal->id);
    assert_non_null(row);
    if (row->state != state)
        fail_msg("%s, not %s: %s", signal_state_names[row->state], signal_state_names[state],
                 row->reason);
}

static void test_one_write_one_answer(void **state)
{
    (void)state;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 1); /* takes the lease of the instrument */
    rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    rig.events[0] = '\0';
    rig.answers = 0;
    rig.commit_stops = true;
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    assert_int_equal(rig.answers, 0); /* decided already, not durable yet */
    assert_int_equal(paper_count_accepted(rig.core.broker, "anything"), 0);
    struct store_status status;
    store_status(rig.core.store, &status);
    assert_int_equal(status.queued, 1);
    rig.commit_stops = false;
    rig_settle(&rig);
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.status, INTAKE_DECIDED);
    assert_int_equal(rig.verdict, VERDICT_ACCEPT);
    assert_string_equal(rig.events, "signal.decided order.filled ");
    assert_state(&signal, SIGNAL_DONE);
    assert_int_equal(open_layers(), 1);
    assert_non_null(book_get(store_mem_book(rig.core.store), TABLE_DECISION, signal.id));
    assert_non_null(strstr(rig.trace, "\"thirds\""));
    assert_non_null(strstr(rig.trace, "\"orders\":[{\"id\":"));
}

static void test_full_disk_keeps_nothing(void **state)
{
    (void)state;
    rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    rig.commit_fails = true;
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    assert_int_equal(rig.err.class, ERR_LATER);
    assert_int_equal(rig.err.code, ERR_FULL);
    assert_null(rig_stored(&rig, signal.id));
    assert_null(book_get(rig.core.book, TABLE_SIGNAL, signal.id));
    rig.commit_fails = false;
    intake_submit(&rig.core, &signal, false, 0, rig_waiter(&rig, true));
    rig_settle(&rig);
    assert_int_equal(rig.err.class, ERR_NONE);
    assert_int_equal(rig.status, INTAKE_ACCEPTED);
    assert_state(&signal, SIGNAL_DONE);
    assert_int_equal(open_layers(), 1);
}

static void test_repeats(void **state)
{
    (void)state;
    struct signal signal = rig_signal(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    for (int i = 0; i < 3; i++)
        intake_submit(&rig.core, &signal, false, 0, rig_waiter(&rig, true));
    assert_int_equal(rig.answers, 0);
    rig_settle(&rig);
    assert_int_equal(rig.answers, 3);
    intake_submit(&rig.core, &signal, false, 0, rig_waiter(&rig, true));
    rig_settle(&rig);
    assert_int_equal(rig.answers, 4);
    assert_int_equal(rig.status, INTAKE_DUPLICATE);
    assert_true(rig.decided);
    assert_int_equal(rig.row.state, SIGNAL_DONE);
    rig_kill(&rig);
    rig_start(&rig); /* a new process: only the store remembers */
    intake_submit(&rig.core, &signal, true, 0, rig_waiter(&rig, true));
    rig_settle(&rig);
    assert_int_equal(rig.status, INTAKE_DUPLICATE);
    assert_int_equal(open_layers(), 1);
}

/* A repeat asks for the decision: before, while it is made, after; of what is at hand, and of what
 * only the store knows. */
static void test_repeat_waits(void **state)
{
    (void)state;
    struct signal signal = rig_signal(&rig, SIGNAL_BASE_ENTRY, "Long_1", 4);
    intake_submit(&rig.core, &signal, false, 0, rig_waiter(&rig, true));
    rig_settle(&rig);
    assert_int_equal(rig.answers, 1);
    assert_state(&signal, SIGNAL_RETRYING);
    for (int i = 0; i < 2; i++)
        intake_submit(&rig.core, &signal, true, rig.now.now_steady_us + 60000000,
                      rig_waiter(&rig, true));
    intake_submit(&rig.core, &signal, true, rig.now.now_steady_us + 300000, rig_waiter(&rig, true));
    intake_submit(&rig.core, &signal, false, 0, rig_waiter(&rig, true));
    rig_settle(&rig);
    assert_int_equal(rig.answers, 2);
    rig_pass(&rig, 400000); /* the patience of one is over */
    assert_int_equal(rig.answers, 3);
    assert_int_equal(rig.status, INTAKE_DUPLICATE);
    assert_false(rig.decided);
    rig_pass(&rig, 12000000);
    assert_int_equal(rig.answers, 5);
    assert_int_equal(rig.row.state, SIGNAL_DEAD);
    intake_submit(&rig.core, &signal, true, rig.now.now_steady_us + 60000000,
                  rig_waiter(&rig, true));
    rig_settle(&rig);
    assert_int_equal(rig.answers, 6);
    assert_int_equal(rig.row.state, SIGNAL_DEAD);
}

/* The store told that it stands before the log told how it ended. */
static void test_repeat_of_another(void **state)
{
    (void)state;
    struct signal signal = rig_signal(&rig, SIGNAL_BASE_ENTRY, "Long_1", 4);
    intake_submit(&rig.core, &signal, false, 0, rig_waiter(&rig, true));
    rig_settle(&rig);
    struct signal row = *(const struct signal *)book_get(rig.core.book, TABLE_SIGNAL, signal.id);
    book_remove(rig.core.book, TABLE_SIGNAL, signal.id); /* not told yet */
    intake_submit(&rig.core, &signal, true, rig.now.now_steady_us + 60000000,
                  rig_waiter(&rig, true));
    intake_submit(&rig.core, &signal, true, rig.now.now_steady_us + 10, rig_waiter(&rig, true));
    rig_settle(&rig);
    assert_int_equal(rig.answers, 1);
    clock_sim_advance(&rig.now, 11);
    rig_settle(&rig);
    assert_int_equal(rig.answers, 2);
    assert_int_equal(rig.row.state, SIGNAL_RETRYING);
    struct decision decision = {.verdict = VERDICT_ACCEPT};
    row.state = SIGNAL_WORKING;
    intake_decided(&rig.core, &row, &decision, NULL);
    assert_int_equal(rig.answers, 3);
    assert_true(rig.decided);
}

static void test_rules(void **state)
{
    (void)state;
    struct signal pyramid = rig_send(&rig, SIGNAL_PYRAMID, "Long_2", 1);
    assert_state(&pyramid, SIGNAL_REJECTED);
    assert_string_equal(rig.gate, "position");
    struct signal nothing = rig_send(&rig, SIGNAL_EXIT, "Long_1", 0);
    assert_state(&nothing, SIGNAL_IGNORED);
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 3);
    assert_string_equal(rig.gate, "thirds");
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    struct signal again = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    assert_state(&again, SIGNAL_REJECTED);
    rig_send(&rig, SIGNAL_PYRAMID, "Long_2", 1);
    assert_int_equal(open_layers(), 2);
    pyramid = rig_send(&rig, SIGNAL_PYRAMID, "Long_2", 1);
    assert_state(&pyramid, SIGNAL_REJECTED);
    struct signal exit = rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    assert_state(&exit, SIGNAL_DONE);
    assert_int_equal(open_layers(), 0);
    const struct pyramid *row =
        book_get(store_mem_book(rig.core.store), TABLE_PYRAMID, "alpha|GOLD");
    assert_string_equal(row->base_position_id, "");
    assert_int_equal(row->layers, 0);
}

static void test_age(void **state)
{
    (void)state;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    struct signal entry = rig_signal(&rig, SIGNAL_PYRAMID, "Long_2", 2);
    struct signal exit = rig_signal(&rig, SIGNAL_EXIT, "ALL", 0);
    clock_sim_advance(&rig.now, 61000000);
    intake_submit(&rig.core, &entry, false, 0, rig_waiter(&rig, true));
    intake_submit(&rig.core, &exit, false, 0, rig_waiter(&rig, true));
    rig_settle(&rig);
    assert_state(&exit, SIGNAL_DONE); /* never too old */
    assert_true(rig_stored(&rig, entry.id)->state == SIGNAL_EXPIRED ||
                rig_stored(&rig, entry.id)->state == SIGNAL_SUPERSEDED);
    assert_int_equal(open_layers(), 0);
}

static void test_defer_dead_retry_drop(void **state)
{
    (void)state;
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 4);
    assert_state(&signal, SIGNAL_RETRYING);
    assert_int_equal(intake_depth(&rig.core).retrying, 1);
    rig_pass(&rig, 12000000);
    assert_state(&signal, SIGNAL_DEAD);
    assert_int_equal(intake_depth(&rig.core).dead, 1);
    intake_retry(&rig.core, signal.id, "operator", rig_waiter(&rig, false));
    rig_settle(&rig);
    assert_int_equal(rig.err.class, ERR_NONE);
    assert_state(&signal, SIGNAL_RETRYING);
    rig_pass(&rig, 12000000);
    assert_state(&signal, SIGNAL_DEAD);
    intake_drop(&rig.core, signal.id, "operator", "not wanted", rig_waiter(&rig, false));
    rig_settle(&rig);
    assert_state(&signal, SIGNAL_DROPPED);
    assert_int_equal(intake_depth(&rig.core).dead, 0);
    intake_retry(&rig.core, signal.id, "operator", rig_waiter(&rig, false));
    rig_settle(&rig);
    assert_int_equal(rig.err.code, ERR_CONFLICT);
    intake_retry(&rig.core, "no-such-signal", "operator", rig_waiter(&rig, false));
    rig_settle(&rig);
    assert_int_equal(rig.err.code, ERR_NOT_FOUND);
}

static void test_exit_supersedes(void **state)
{
    (void)state;
    struct signal entry = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 4);
    assert_state(&entry, SIGNAL_RETRYING);
    struct signal exit = rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    assert_state(&entry, SIGNAL_SUPERSEDED);
    assert_non_null(strstr(rig_stored(&rig, entry.id)->reason, exit.id));
    assert_state(&exit, SIGNAL_IGNORED);
}

static void test_full_queue_takes_exits(void **state)
{
    (void)state;
    struct signal exit = rig_signal(&rig, SIGNAL_EXIT, "ALL", 0), entry[9];
    for (int i = 0; i < 9; i++)
        entry[i] = rig_signal(&rig, SIGNAL_BASE_ENTRY, "Long_1", 4);
    for (int i = 0; i < 9; i++) {
        intake_submit(&rig.core, &entry[i], false, 0, rig_waiter(&rig, true));
        rig_settle(&rig);
        assert_int_equal(rig.err.class, i < 8 ? ERR_NONE : ERR_LATER);
    }
    assert_int_equal(rig.err.code, ERR_FULL);
    assert_null(rig_stored(&rig, entry[8].id));
    intake_submit(&rig.core, &exit, false, 0, rig_waiter(&rig, true));
    rig_settle(&rig);
    assert_int_equal(rig.err.class, ERR_NONE);
}

static void test_halts(void **state)
{
    (void)state;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    halt_set(&rig.core, HALT_NO_ENTRY, "me", "", rig_waiter(&rig, false));
    rig_settle(&rig);
    assert_int_equal(rig.err.code, ERR_USAGE);
    halt_set(&rig.core, HALT_FREEZE, "me", "a test", rig_waiter(&rig, false));
    rig_settle(&rig);
    rig_kill(&rig);
    rig_start(&rig); /* a halt survives */
    assert_int_equal(halt_now(&rig.core), HALT_FREEZE);
    struct signal entry = rig_send(&rig, SIGNAL_PYRAMID, "Long_2", 2);
    assert_state(&entry, SIGNAL_REJECTED);
    assert_string_equal(rig.gate, "halt");
    struct signal exit = rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    rig_pass(&rig, 60000000);
    assert_state(&exit, SIGNAL_RETRYING); /* kept, however long it takes */
    halt_set(&rig.core, HALT_NONE, "me", "over", rig_waiter(&rig, false));
    rig_pass(&rig, 6000000);
    assert_state(&exit, SIGNAL_DONE);
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    assert_int_equal(open_layers(), 1);
    halt_set(&rig.core, HALT_FLATTEN, "me", "all out", rig_waiter(&rig, false));
    rig_pass(&rig, 1000000);
    assert_int_equal(open_layers(), 0);
}

static void test_rails(void **state)
{
    (void)state;
    rig.core.options.rails.max_order_quantity = decimal_int(5);
    rig.core.options.rails.waived &= ~1u;
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 7);
    assert_state(&signal, SIGNAL_REJECTED);
    assert_string_equal(rig.gate, "max_order_quantity");
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 5);
    assert_int_equal(open_layers(), 1);
}

static void test_unknown_strategy(void **state)
{
    (void)state;
    struct signal signal = rig_signal(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    text_copy(signal.strategy, sizeof signal.strategy, "nobody");
    signal_fingerprint(&signal, NULL, NULL, 0);
    intake_submit(&rig.core, &signal, true, rig.now.now_steady_us + 1000000,
                  rig_waiter(&rig, true));
    rig_settle(&rig);
    assert_string_equal(rig.gate, "strategy");
    assert_state(&signal, SIGNAL_REJECTED);
}

static void test_patience(void **state)
{
    (void)state;
    struct signal signal = rig_signal(&rig, SIGNAL_BASE_ENTRY, "Long_1", 4);
    intake_submit(&rig.core, &signal, true, rig.now.now_steady_us + 500000, rig_waiter(&rig, true));
    rig_settle(&rig);
    assert_int_equal(rig.answers, 0); /* deferred: no decision yet */
    rig_pass(&rig, 600000);
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.status, INTAKE_ACCEPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_write_one_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full_disk_keeps_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_repeats, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_repeat_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_repeat_of_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_age, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_defer_dead_retry_drop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_exit_supersedes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full_queue_takes_exits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_halts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_strategy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_patience, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
