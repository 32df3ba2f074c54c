/* What a broker's silence proves counts from the moment at which the log had the right to send,
 * whoever took it over since, and however often. */
#include "flow_rig.h"
#include "flow/intake.h"
#include "flow/orders_parts.h"

#define SECOND 1000000
/* The paper exchange's validity and pipeline, an eighth of it, and what clocks may differ by. */
#define PROOF_US (7 * (int64_t)SECOND + SECOND * 3 / 4)

static struct rig rig;
static struct store *other; /* of another instance, on the same log */

static int set_up(void **state)
{
    (void)state;
    other = rig_open_beside(&rig);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_close(other);
    rig_close(&rig);
    return 0;
}

static struct order make_order(enum order_state state, int64_t attempt, int64_t version)
{
    struct order row;
    row_init(&tables[TABLE_ORDER], &row);
    text_copy(row.id, sizeof row.id, "aaaabbbbccccddddeeee");
    text_copy(row.signal_id, sizeof row.signal_id, "aaaabbbbccccddddffff");
    text_copy(row.leg, sizeof row.leg, "Long_1");
    text_copy(row.strategy, sizeof row.strategy, "alpha");
    text_copy(row.instrument, sizeof row.instrument, "GOLD");
    text_copy(row.broker, sizeof row.broker, "paper");
    row.side = ORDER_BUY;
    row.quantity = decimal_int(1);
    row.state = state;
    row.attempt = attempt;
    row.version = version;
    row.created_us = row.signed_us = rig.now.now_wall_us;
    return row;
}

/* The other instance writes, and ours reads it in the log. */
static void write_there(const struct order *before, const struct order *after)
{
    struct store_event event = {.kind = "order.sending", .subject = after->id};
    event.at_us = rig.now.now_wall_us;
    event.changes[event.change_count++] =
        (struct change){.table = &tables[TABLE_ORDER], .before = before, .after = after};
    store_write(other, &(struct store_write){.events = &event, .event_count = 1},
                (struct waiter){0});
    store_mem_commit(other, false);
    store_mem_turn(other);
    rig_settle(&rig);
}

/* As a takeover does with every order that it finds. */
static void take_over(const char *id)
{
    const struct order *row = book_get(rig.core.book, TABLE_ORDER, id);
    assert_non_null(row);
    orders_track(&rig.core, row, true);
    assert_true(orders_work(&rig.core, id, 0, NULL));
    rig_settle(&rig);
}

/* As when the lease is lost. */
static void let_go(void)
{
    flow_drop_all(&rig.core);
    orders_forget(&rig.core);
    lanes_clear(&rig.core);
}

static int64_t attempts_of(const char *id)
{
    const struct order *row = book_get(rig.core.book, TABLE_ORDER, id);
    return row ? row->attempt : 0;
}

static void what_another_sent_is_proved_absent_from_when_it_might(void **state)
{
    (void)state;
    struct order sending = make_order(ORDER_SENDING, 1, 1);
    write_there(NULL, &sending);
    int64_t since_us = rig.now.now_steady_us;
    rig_pass(&rig, 4 * SECOND);
    take_over(sending.id);
    rig_pass(&rig, since_us + PROOF_US - SECOND / 4 - rig.now.now_steady_us);
    assert_int_equal(attempts_of(sending.id), 1);
    rig_pass(&rig, SECOND / 2);
    assert_int_equal(paper_count_accepted(rig.core.broker, sending.id), 1);
}

static void a_new_attempt_counts_anew(void **state)
{
    (void)state;
    struct order first = make_order(ORDER_SENDING, 1, 1), back = first, second;
    write_there(NULL, &first);
    rig_pass(&rig, 3 * SECOND);
    back.state = ORDER_INTENDED;
    back.version = 2;
    write_there(&first, &back);
    second = back;
    second.state = ORDER_SENDING;
    second.attempt = 2;
    second.version = 3;
    rig_pass(&rig, 3 * SECOND);
    write_there(&back, &second);
    int64_t since_us = rig.now.now_steady_us;
    rig_pass(&rig, SECOND);
    take_over(second.id);
    rig_pass(&rig, since_us + PROOF_US - SECOND / 4 - rig.now.now_steady_us);
    assert_int_equal(attempts_of(second.id), 2);
    rig_pass(&rig, SECOND / 2);
    assert_int_equal(paper_count_accepted(rig.core.broker, second.id), 1);
}

/* Leadership that flaps does not keep it from being known. */
static void taken_over_again_and_again(void **state)
{
    (void)state;
    char id[ID_SIZE] = "";
    rig.fault = PAPER_DROP_REQUEST;
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    int64_t since_us = rig.now.now_steady_us;
    for (const struct live_order *l = rig.core.orders->live; l; l = l->hh.next)
        if (strcmp(l->row.signal_id, signal.id) == 0)
            text_copy(id, sizeof id, l->id);
    assert_true(*id != '\0');
    for (int i = 0; i < 3; i++) {
        rig_pass(&rig, 2 * SECOND);
        let_go();
        take_over(id);
    }
    assert_int_equal(attempts_of(id), 1);
    rig_pass(&rig, since_us + PROOF_US + SECOND / 2 - rig.now.now_steady_us);
    assert_int_equal(paper_count_accepted(rig.core.broker, id), 1);
}

static void pass_unanswered(int64_t us)
{
    for (int64_t end = rig.now.now_steady_us + us; rig.now.now_steady_us < end;) {
        clock_sim_advance(&rig.now, 20000);
        core_turn(&rig.core);
        store_mem_commit(rig.core.store, false);
        store_mem_turn(rig.core.store);
    }
}

/* The broker is slow: the last question before the proof was asked too early to prove anything. */
static void a_question_asked_just_before_is_asked_again(void **state)
{
    (void)state;
    char id[ID_SIZE];
    rig.fault = PAPER_DROP_REQUEST;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    int64_t since_us = rig.now.now_steady_us;
    assert_non_null(rig.core.orders->live);
    text_copy(id, sizeof id, rig.core.orders->live->id);
    rig_pass(&rig, SECOND);
    pass_unanswered(since_us + PROOF_US + SECOND / 5 - rig.now.now_steady_us);
    assert_int_equal(paper_count_accepted(rig.core.broker, id), 0);
    rig_pass(&rig, SECOND / 50);
    assert_int_equal(paper_count_accepted(rig.core.broker, id), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_another_sent_is_proved_absent_from_when_it_might),
        TEST(a_new_attempt_counts_anew),
        TEST(taken_over_again_and_again),
        TEST(a_question_asked_just_before_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
