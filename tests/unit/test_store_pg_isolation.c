/* What sessions do to each other in a real PostgreSQL: serialisation failures and deadlocks, each
 * made by a second session, and an instance that is taken for dead while it gives a sign of life.
 */
#include "base/metric.h"
#include "pg_rig.h"

static struct metrics *metrics;

/* One handle, whose retries are counted. */
static struct rig *open_counted(void)
{
    struct rig *rig = open_rig(1);
    struct handle *h = &rig->handles[0];
    struct err err;
    metrics = metrics_new();
    store_close(h->store);
    h->store = store_pg_open(
        &(struct store_pg_options){
            .url = rig->url, .instance = "one", .loop = rig->loop, .metrics = metrics},
        &err);
    assert_non_null(h->store);
    h->store->on_foreign = foreign;
    h->store->foreign_ctx = h;
    return rig;
}

static void close_counted(struct rig *rig)
{
    close_rig(rig);
    metrics_free(metrics);
}

static double retries(void)
{
    return metric_value(metric_counter(metrics, "tidelock_store_retries_total", "", NULL));
}

static void run(struct rig *rig, const char *sql)
{
    struct err err;
    if (!pg_block_exec(rig->admin, sql, &err))
        fail_msg("%s: %s", sql, err.text);
}

static void ask_write(struct rig *rig, struct handle *h, struct ours *ours,
                      const struct change *change, struct store_write with)
{
    struct store_event event = {
        .kind = "test.changed", .subject = "s", .at_us = 1000000, .change_count = 1};
    event.changes[0] = *change;
    with.term = h->term;
    with.events = &event;
    with.event_count = 1;
    *ours = (struct ours){.h = h, .write = store_write_copy(&rig->asked, &with)};
    store_write(h->store, &ours->write, (struct waiter){.answer = answered, .owner = ours});
}

static struct order stored_order(struct rig *rig)
{
    struct order o = order_of("o", ORDER_INTENDED);
    struct ours ours;
    ask(rig, &rig->handles[0], &ours, &CHANGE(TABLE_ORDER, NULL, &o), 1);
    turn_until(rig, &ours.count, 1);
    assert_int_equal(ours.err.code, ERR_OK);
    return o;
}

/* ---- isolation ---- */

static void test_isolation_of_each_write(void **state)
{
    struct rig *rig = open_counted();
    struct signal a = signal_of("a", 1000), b = signal_of("b", 2000);
    struct ours ours;
    (void)state;
    run(rig, "CREATE TABLE seen (level text); CREATE FUNCTION see() RETURNS trigger LANGUAGE "
             "plpgsql AS $$ BEGIN INSERT INTO seen VALUES "
             "(current_setting('transaction_isolation')); RETURN NEW; END $$; CREATE TRIGGER see "
             "BEFORE INSERT ON fingerprints FOR EACH ROW EXECUTE FUNCTION see()");
    ask_write(rig, &rig->handles[0], &ours, &CHANGE(TABLE_SIGNAL, NULL, &a),
              (struct store_write){.serializable = false});
    turn_until(rig, &ours.count, 1);
    assert_int_equal(number(rig, "SELECT count(*) FROM seen WHERE level='read committed'"), 1);
    ask_write(rig, &rig->handles[0], &ours, &CHANGE(TABLE_SIGNAL, NULL, &b),
              (struct store_write){.serializable = true});
    turn_until(rig, &ours.count, 1);
    assert_int_equal(ours.err.code, ERR_OK);
    assert_int_equal(number(rig, "SELECT count(*) FROM seen WHERE level='serializable'"), 1);
    expect_one_history(rig);
    close_counted(rig);
}

/* Another session changes the row between our snapshot and our update: 40001. */
static void fail_to_serialise(bool serializable)
{
    struct rig *rig = open_counted();
    struct order before = stored_order(rig), after = before;
    struct ours ours;
    after.state = ORDER_SENDING;
    after.version++;
    run(rig, "BEGIN; UPDATE orders SET reason=reason WHERE id='o'");
    ask_write(rig, &rig->handles[0], &ours, &CHANGE(TABLE_ORDER, &before, &after),
              (struct store_write){.serializable = serializable});
    turn_until_waiting(rig, 1);
    assert_int_equal(ours.count, 0);
    run(rig, "COMMIT");
    turn_until(rig, &ours.count, 1);
    assert_int_equal(ours.err.code, ERR_OK);
    assert_true(!serializable || retries() >= 1);
    expect_one_history(rig);
    close_counted(rig);
}

static void test_serialisation_failure(void **state)
{
    (void)state;
    fail_to_serialise(true);
}

static void test_read_committed_waits(void **state)
{
    (void)state;
    fail_to_serialise(false);
}

/* Whether PostgreSQL has told of one within some seconds. */
static bool saw_deadlock(struct rig *rig)
{
    int64_t until_us = loop_steady_us(rig->loop) + 5000000;
    while (loop_steady_us(rig->loop) < until_us) {
        if (number(rig, "SELECT deadlocks FROM pg_stat_database WHERE datname=current_database()"))
            return true;
        loop_turn(rig->loop, 20);
    }
    return false;
}

/* Each holds what the other wants; ours is the one that PostgreSQL ends: 40P01. A machine that is
 * too slow for its second has to try again. */
static void test_deadlock(void **state)
{
    struct rig *rig = open_counted();
    struct order before = stored_order(rig), after = before;
    struct ours ours;
    bool seen = false;
    (void)state;
    run(rig, "SET deadlock_timeout='20s'");
    for (int i = 0; i < 5 && !seen; i++) {
        after.version = before.version + 1;
        run(rig, "BEGIN; UPDATE orders SET reason=reason WHERE id='o'");
        ask_write(rig, &rig->handles[0], &ours, &CHANGE(TABLE_ORDER, &before, &after),
                  (struct store_write){.serializable = false});
        turn_until_waiting(rig, 1);
        run(rig, "UPDATE log_head SET seq=seq"); /* until ours is ended */
        run(rig, "COMMIT");
        turn_until(rig, &ours.count, 1);
        assert_int_equal(ours.err.code, ERR_OK);
        assert_true(retries() >= 1);
        before = after;
        seen = saw_deadlock(rig);
    }
    assert_true(seen);
    expect_one_history(rig);
    close_counted(rig);
}

/* ---- a verdict, and a sign of life ---- */

static void ask_verdict(struct rig *rig, struct ours *ours, const struct member *alive,
                        int64_t seen)
{
    struct member dead = *alive;
    dead.state = MEMBER_DEAD;
    dead.version++;
    ask_write(rig, &rig->handles[1], ours, &CHANGE(TABLE_MEMBER, alive, &dead),
              (struct store_write){.silent_term = 1, .silent_beat = seen});
}

static void test_verdict_after_another_sign(void **state)
{
    struct rig *rig = open_rig(2);
    struct member one = join(rig);
    struct ours verdict, beside;
    (void)state;
    beat(rig, 0, 1);
    int64_t seen = beat(rig, 1, 0).list[0].beat;
    beat(rig, 0, 1);
    insert_signal(rig, &rig->handles[1], &beside, "beside"); /* of the same batch: not its fault */
    ask_verdict(rig, &verdict, &one, seen);
    turn_until(rig, &verdict.count, 1);
    assert_int_equal(verdict.err.code, ERR_CONFLICT);
    turn_until(rig, &beside.count, 1);
    assert_int_equal(beside.err.code, ERR_OK);
    assert_int_equal(beat(rig, 0, 1).length, 1);
    seen = beat(rig, 1, 0).list[0].beat;
    ask_verdict(rig, &verdict, &one, seen);
    turn_until(rig, &verdict.count, 1);
    assert_int_equal(verdict.err.code, ERR_OK);
    assert_int_equal(beat(rig, 0, 1).length, 0); /* it sees that it has ended */
    expect_one_history(rig);
    close_rig(rig);
}

/* The sign is being given while the verdict is being committed. */
static void test_verdict_beside_a_sign(void **state)
{
    struct rig *rig = open_rig(2);
    struct member one = join(rig);
    struct ours verdict;
    (void)state;
    beat(rig, 0, 1);
    int64_t seen = beat(rig, 1, 0).list[0].beat;
    run(rig, "BEGIN; UPDATE beats SET beat=beat+1 WHERE term=1");
    ask_verdict(rig, &verdict, &one, seen);
    turn_until_waiting(rig, 1);
    run(rig, "COMMIT");
    turn_until(rig, &verdict.count, 1);
    assert_int_equal(verdict.err.code, ERR_CONFLICT);
    assert_int_equal(beat(rig, 1, 0).length, 1);
    expect_one_history(rig);
    close_rig(rig);
}

/* It has joined, and died before its first sign of life; or gives it just now. */
static void test_verdict_before_the_first_sign(void **state)
{
    struct rig *rig = open_rig(2);
    struct member one = join(rig);
    struct ours verdict;
    (void)state;
    beat(rig, 1, 0);
    run(rig, "BEGIN; INSERT INTO beats VALUES (1,1,1,NULL)");
    ask_verdict(rig, &verdict, &one, 0);
    turn_until_waiting(rig, 1);
    run(rig, "COMMIT");
    turn_until(rig, &verdict.count, 1);
    assert_int_equal(verdict.err.code, ERR_CONFLICT);
    run(rig, "TRUNCATE beats"); /* as after a crash of the server */
    ask_verdict(rig, &verdict, &one, 0);
    turn_until(rig, &verdict.count, 1);
    assert_int_equal(verdict.err.code, ERR_OK);
    assert_int_equal(beat(rig, 0, 1).length, 0);
    expect_one_history(rig);
    close_rig(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_isolation_of_each_write),
        cmocka_unit_test(test_serialisation_failure),
        cmocka_unit_test(test_read_committed_waits),
        cmocka_unit_test(test_deadlock),
        cmocka_unit_test(test_verdict_after_another_sign),
        cmocka_unit_test(test_verdict_beside_a_sign),
        cmocka_unit_test(test_verdict_before_the_first_sign),
    };
    pg_server_start(&server);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pg_server_stop(&server);
    return failed;
}
