/* The database says nothing of a commit it was sent: senders hear what is so, within their time,
 * and the signal is worked once, whatever became of the commit. */
#include "flow_rig.h"
#include "flow/record.h"
#include "io/loop.h"
#include "store/spool.h"

#include <stdlib.h>
#include <unistd.h>

#define SECOND 1000000

static struct rig rig;
static struct store *other; /* of another instance, on the same log */
static struct loop *loop;
static char spool_path[] = "/tmp/tidelock-doubt-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    other = rig_open_beside(&rig);
    rig_send(&rig, SIGNAL_EXIT, "ALL", 0); /* takes the lease of the instrument */
    rig.answers = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_close(other);
    rig_close(&rig);
    return 0;
}

static int set_up_spool(void **state)
{
    struct err err;
    char path[64];
    loop = loop_new(clock_real(), NULL, &err);
    assert_non_null(mkdtemp(spool_path));
    snprintf(path, sizeof path, "%s/spool", spool_path);
    set_up(state);
    rig.core.spool = spool_open(&(struct spool_options){.path = path, .loop = loop}, &err);
    if (!rig.core.spool)
        fail_msg("%s", err.text);
    return 0;
}

static int tear_down_spool(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    spool_close(rig.core.spool);
    rig.core.spool = NULL;
    tear_down(state);
    loop_free(loop);
    for (size_t i = 0; i < 4; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/spool%s", spool_path, suffixes[i]);
        unlink(path);
    }
    rmdir(spool_path);
    memcpy(spool_path + sizeof spool_path - 7, "XXXXXX", 6);
    return 0;
}

static void ask(struct rig *r, const struct signal *signal)
{
    intake_submit(&r->core, signal, false, 0, rig_waiter(r, true));
    rig_settle(r);
}

/* A signal whose commit is on its way when the way is cut. */
static struct signal send_into_doubt(void)
{
    struct signal signal = rig_signal(&rig, SIGNAL_BASE_ENTRY, "Long_1", 1);
    rig.commit_stops = true;
    ask(&rig, &signal);
    rig.commit_stops = false;
    assert_true(store_mem_doubt(rig.core.store));
    assert_int_equal(rig.answers, 0);
    return signal;
}

static void add_accepted(void *ctx, const struct order *order, size_t accepted)
{
    (void)order;
    *(size_t *)ctx += accepted;
}

static void expect_worked_once(const struct signal *signal)
{
    const struct signal *row = rig_stored(&rig, signal->id);
    size_t accepted = 0;
    assert_non_null(row);
    assert_int_equal(row->state, SIGNAL_DONE);
    paper_each_order(rig.core.broker, add_accepted, &accepted);
    assert_int_equal(accepted, 1);
    rig.answers = 0;
    ask(&rig, signal);
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.err.code, ERR_OK);
    assert_int_equal(rig.status, INTAKE_DUPLICATE);
}

/* ---- without a spool ---- */

static void in_doubt(bool lands)
{
    struct signal signal = send_into_doubt();
    if (lands)
        store_mem_land(rig.core.store);
    rig_pass(&rig, 2 * SECOND);
    assert_int_equal(rig.answers, 0);
    rig_pass(&rig, SECOND);
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.err.class, ERR_MAYBE_DONE);
    /* Sent again, it is neither accepted nor written a second time. */
    ask(&rig, &signal);
    assert_int_equal(rig.answers, 1);
    rig_pass(&rig, 3 * SECOND);
    assert_int_equal(rig.answers, 2);
    assert_int_equal(rig.err.class, ERR_MAYBE_DONE);
    ask(&rig, &signal);
    store_mem_settle(rig.core.store);
    rig_settle(&rig);
    assert_int_equal(rig.answers, 3);
    assert_int_equal(rig.err.code, ERR_OK);
    assert_int_equal(rig.status, INTAKE_DUPLICATE);
    rig_pass(&rig, 2 * SECOND);
    expect_worked_once(&signal);
}

static void test_done_after_all(void **state)
{
    (void)state;
    in_doubt(true);
}

static void test_never_done(void **state)
{
    (void)state;
    in_doubt(false);
}

/* ---- with one ---- */

static void turn_loop_until(const int *counter, int wanted)
{
    for (int i = 0; i < 1000 && *counter < wanted; i++) {
        loop_turn(loop, 10);
        rig_settle(&rig);
    }
    assert_int_equal(*counter, wanted);
}

static void await_empty_spool(void)
{
    for (int i = 0; i < 1000 && spool_count(rig.core.spool) > 0; i++) {
        loop_turn(loop, 10);
        rig_pass(&rig, 20000);
    }
    assert_int_equal(spool_count(rig.core.spool), 0);
}

static void in_doubt_and_spooled(bool lands)
{
    struct signal signal = send_into_doubt();
    if (lands)
        store_mem_land(rig.core.store);
    rig_pass(&rig, SECOND);
    turn_loop_until(&rig.answers, 1);
    assert_int_equal(rig.err.code, ERR_OK);
    assert_int_equal(rig.status, INTAKE_ACCEPTED);
    ask(&rig, &signal);
    turn_loop_until(&rig.answers, 2);
    assert_int_equal(rig.status, INTAKE_DUPLICATE);
    assert_int_equal(spool_count(rig.core.spool), 1);
    /* It stays in the spool for as long as its write may still fail. */
    rig.commit_stops = true;
    store_mem_settle(rig.core.store);
    for (int i = 0; i < 20 && !lands; i++) {
        loop_turn(loop, 10);
        rig_pass(&rig, 50000);
        assert_int_equal(spool_count(rig.core.spool), 1);
    }
    rig.commit_stops = false;
    await_empty_spool();
    rig_pass(&rig, 2 * SECOND);
    expect_worked_once(&signal);
}

static void test_spooled_and_done(void **state)
{
    (void)state;
    in_doubt_and_spooled(true);
}

static void test_spooled_and_not_done(void **state)
{
    (void)state;
    in_doubt_and_spooled(false);
}

/* What was asked of the store fails in the end: the spool has the signal, and enters it. */
static void test_spooled_and_refused(void **state)
{
    (void)state;
    struct signal signal = send_into_doubt();
    rig_pass(&rig, SECOND);
    turn_loop_until(&rig.answers, 1);
    rig.commit_fails = true;
    store_mem_settle(rig.core.store);
    rig_settle(&rig);
    rig.commit_fails = false;
    assert_null(rig_stored(&rig, signal.id));
    assert_int_equal(spool_count(rig.core.spool), 1);
    await_empty_spool();
    rig_pass(&rig, 2 * SECOND);
    expect_worked_once(&signal);
}

/* What failed stays in the book until everything before it is answered: the spool keeps it. */
static void test_failed_and_not_taken_back(void **state)
{
    struct signal waiting, exit;
    (void)state;
    waiting = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 4); /* is put off by its gate */
    rig.commit_stops = true;
    account_deposit(&rig.core, decimal_int(1), "test", (struct waiter){0});
    assert_true(store_mem_doubt(rig.core.store));
    exit = rig_signal(&rig, SIGNAL_EXIT, "ALL", 0);
    rig.answers = 0;
    ask(&rig, &exit); /* received, and decided, in two writes */
    rig_pass(&rig, SECOND);
    turn_loop_until(&rig.answers, 1);
    assert_int_equal(rig.err.code, ERR_OK);
    store_mem_refuse(rig.core.store);
    rig_settle(&rig);
    store_mem_settle(rig.core.store);
    for (int i = 0; i < 20; i++) {
        loop_turn(loop, 10);
        rig_pass(&rig, 50000);
        assert_int_equal(spool_count(rig.core.spool), 1);
    }
    rig.commit_stops = false;
    await_empty_spool();
    rig_pass(&rig, 5 * SECOND);
    assert_non_null(rig_stored(&rig, exit.id));
    assert_true(signal_is_final(rig_stored(&rig, exit.id)->state));
    assert_int_equal(rig_stored(&rig, waiting.id)->state, SIGNAL_SUPERSEDED);
}

/* Until the last one has entered nothing is decided: an exit that stands behind an entry in the
 * spool still closes it before it is sent. */
static void test_an_exit_in_the_spool_goes_first(void **state)
{
    size_t accepted = 0;
    (void)state;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 1);
    rig.commit_stops = true;
    account_deposit(&rig.core, decimal_int(1), "test", (struct waiter){0});
    assert_true(store_mem_doubt(rig.core.store));
    rig_pass(&rig, SECOND); /* away */
    rig.answers = 0;
    struct signal entry = rig_signal(&rig, SIGNAL_PYRAMID, "Long_2", 1);
    ask(&rig, &entry);
    struct signal exit = rig_signal(&rig, SIGNAL_EXIT, "ALL", 0);
    ask(&rig, &exit);
    turn_loop_until(&rig.answers, 2);
    assert_int_equal(spool_count(rig.core.spool), 2);
    rig.commit_stops = false;
    store_mem_settle(rig.core.store);
    await_empty_spool();
    rig_pass(&rig, 2 * SECOND);
    assert_int_equal(rig_stored(&rig, entry.id)->state, SIGNAL_SUPERSEDED);
    assert_int_equal(rig_stored(&rig, exit.id)->state, SIGNAL_DONE);
    paper_each_order(rig.core.broker, add_accepted, &accepted);
    assert_int_equal(accepted, 2);
}

/* ---- theirs came first ---- */

struct heard {
    int count;
    struct err err;
};

static void hear(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct heard *heard = owner;
    (void)handle;
    (void)value;
    heard->count++;
    if (err)
        heard->err = *err;
}

static void write_row(struct heard *heard, const struct signal *before, const struct signal *after)
{
    struct store_event event;
    event_start(&rig.core, &event, "signal.received", after->id);
    event_change(&event, TABLE_SIGNAL, before, after);
    record_write(&rig.core, &event, 1, true, (struct waiter){.answer = hear, .owner = heard});
}

/* Two instances were sent the same signal. What we have built on our receipt must not be taken for
 * built on theirs, though both are the row's first version. */
static void test_nothing_is_built_on_their_row(void **state)
{
    struct heard ours[2] = {{0}, {0}}, theirs = {0};
    struct signal row = rig_signal(&rig, SIGNAL_BASE_ENTRY, "Long_1", 1), same = row, next;
    struct store_event event;
    (void)state;
    row.state = same.state = SIGNAL_RECEIVED;
    row.version = same.version = 1;
    same.received_us += 5;
    next = row;
    next.state = SIGNAL_RETRYING;
    next.version = 2;
    rig.commit_stops = true;
    write_row(&ours[0], NULL, &row);
    write_row(&ours[1], &row, &next);
    event_start(&rig.core, &event, "signal.received", same.id);
    event_change(&event, TABLE_SIGNAL, NULL, &same);
    store_write(other, &(struct store_write){.events = &event, .event_count = 1},
                (struct waiter){.answer = hear, .owner = &theirs});
    store_mem_commit(other, false);
    store_mem_turn(other);
    rig.commit_stops = false;
    rig_settle(&rig);
    assert_int_equal(theirs.err.code, ERR_OK);
    assert_int_equal(ours[0].err.code, ERR_DUPLICATE);
    assert_int_equal(ours[1].err.code, ERR_CONFLICT);
    assert_int_equal(rig_stored(&rig, row.id)->received_us, same.received_us);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_done_after_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_never_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_spooled_and_done, set_up_spool, tear_down_spool),
        cmocka_unit_test_setup_teardown(test_spooled_and_not_done, set_up_spool, tear_down_spool),
        cmocka_unit_test_setup_teardown(test_spooled_and_refused, set_up_spool, tear_down_spool),
        cmocka_unit_test_setup_teardown(test_failed_and_not_taken_back, set_up_spool,
                                        tear_down_spool),
        cmocka_unit_test_setup_teardown(test_an_exit_in_the_spool_goes_first, set_up_spool,
                                        tear_down_spool),
        cmocka_unit_test_setup_teardown(test_nothing_is_built_on_their_row, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
