/* The spool: what was answered is there after kill -9, in order, until its removal was answered;
 * full is an answer, and there is one process only. */
#include "base/clock.h"
#include "io/loop.h"
#include "io/sqlite.h"
#include "store/spool.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], path[96];
static struct loop *loop;
static struct spool *spool;
static int good, bad;
static struct err last_err;

static bool open_spool(size_t count_max, size_t bytes_max, struct err *err)
{
    loop = loop_new(clock_real(), NULL, err);
    spool = spool_open(
        &(struct spool_options){
            .path = path, .loop = loop, .count_max = count_max, .bytes_max = bytes_max},
        err);
    good = bad = 0;
    return spool != NULL;
}

static void close_spool(void)
{
    spool_close(spool);
    loop_turn(loop, 0);
    loop_free(loop);
    spool = NULL;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/test_spool_XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/t.spool", folder);
    return 0;
}

static int tear_down(void **state)
{
    const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
    return rmdir(folder);
}

static void heard(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)handle;
    (void)value;
    if (owner) /* of the child that is about to be killed: its parent reads which are durable */
        assert_true(err || write(*(int *)owner, &handle, sizeof handle) == sizeof handle);
    good += !err;
    bad += err != NULL;
    if (err)
        last_err = *err;
}

static void wait_for(int answers)
{
    while (good + bad < answers)
        loop_turn(loop, 1000);
}

static struct signal make(int number, enum signal_type type)
{
    struct err err;
    struct signal signal;
    row_init(&tables[TABLE_SIGNAL], &signal);
    snprintf(signal.id, sizeof signal.id, "signal-%06d", number);
    snprintf(signal.fingerprint, sizeof signal.fingerprint, "%064d", number);
    snprintf(signal.strategy, sizeof signal.strategy, "trend");
    snprintf(signal.instrument, sizeof signal.instrument, "NIFTY");
    snprintf(signal.position, sizeof signal.position, "Long_1");
    signal.type = type;
    signal.at_us = INT64_C(1790000000000000) + number;
    signal.received_us = signal.at_us + 123456;
    signal.version = 1;
    assert_true(decimal_parse("101.25", 6, &signal.price, &err));
    signal.extra = "{\"note\":\"a \\\"b\\\"\"}";
    return signal;
}

static void put(int number, enum signal_type type)
{
    struct signal signal = make(number, type);
    spool_put(spool, &signal, (struct waiter){heard, NULL, (uint64_t)number});
}

static void rows_come_back_as_they_were(void **state)
{
    struct err err;
    (void)state;
    assert_true(open_spool(0, 0, &err));
    for (int i = 1; i <= 5; i++)
        put(i, i == 3 ? SIGNAL_EXIT : SIGNAL_BASE_ENTRY);
    assert_int_equal(good, 0); /* never before returning */
    assert_false(spool_find(spool, "signal-000001")->durable);
    wait_for(5);
    assert_int_equal(good, 5);
    put(2, SIGNAL_EXIT);
    wait_for(6);
    assert_int_equal(last_err.code, ERR_DUPLICATE);
    spool_remove(spool, spool_find(spool, "signal-000002"), (struct waiter){heard, NULL, 0});
    wait_for(7);
    assert_null(spool_find(spool, "signal-000002"));
    close_spool();
    assert_true(open_spool(0, 0, &err));
    const int left[] = {1, 3, 4, 5};
    struct spooled *entry = NULL;
    for (size_t i = 0; i < 4; i++) {
        struct signal was = make(left[i], left[i] == 3 ? SIGNAL_EXIT : SIGNAL_BASE_ENTRY);
        entry = spool_next(spool, entry);
        assert_non_null(entry);
        assert_true(entry->durable);
        assert_true(row_equal(&tables[TABLE_SIGNAL], &was, &entry->signal, NULL));
    }
    assert_null(spool_next(spool, entry));
    put(6, SIGNAL_EXIT); /* after what was there before */
    wait_for(1);
    assert_string_equal(spool_next(spool, entry)->signal.id, "signal-000006");
    close_spool();
}

static void full_is_an_answer_and_exits_have_more_room(void **state)
{
    struct err err;
    struct spool_status status;
    (void)state;
    assert_true(open_spool(3, 0, &err));
    for (int i = 1; i <= 4; i++)
        put(i, SIGNAL_BASE_ENTRY);
    wait_for(4);
    assert_int_equal(good, 3);
    assert_int_equal(last_err.code, ERR_FULL);
    assert_int_equal(last_err.class, ERR_LATER);
    for (int i = 5; i <= 8; i++)
        put(i, SIGNAL_EXIT);
    wait_for(8);
    assert_int_equal(good, 6);
    spool_status(spool, &status);
    assert_int_equal(status.count, 6);
    size_t bytes = status.bytes / 6;
    close_spool();
    assert_true(open_spool(0, bytes * 6, &err));
    put(9, SIGNAL_BASE_ENTRY);
    wait_for(1);
    assert_int_equal(last_err.code, ERR_FULL);
    close_spool();
}

static void one_process_and_only_a_spool(void **state)
{
    struct err err;
    (void)state;
    assert_true(open_spool(0, 0, &err));
    assert_null(spool_open(&(struct spool_options){.path = path, .loop = loop}, &err));
    assert_int_equal(err.code, ERR_BUSY);
    close_spool();
    unlink(path);
    struct sqlite *db = sqlite_open(path, SQLITE_MODE_WRITE, &err);
    assert_true(sqlite_exec(db, "CREATE TABLE other(a)", &err));
    assert_true(sqlite_close(db, &err));
    assert_false(open_spool(0, 0, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    loop_free(loop);
}

/* Puts without end and tells the parent what was answered. */
static void write_until_killed(int answers, int from)
{
    struct err err;
    if (!open_spool(0, 0, &err))
        _exit(1);
    for (int i = from;; i++) {
        struct signal signal = make(i, SIGNAL_BASE_ENTRY);
        spool_put(spool, &signal, (struct waiter){heard, &answers, (uint64_t)i});
        while (good + bad < i - from - 50)
            loop_turn(loop, 100);
    }
}

static void answered_means_there_after_a_kill(void **state)
{
    (void)state;
    int from = 1, seen = 0;
    for (int round = 0; round < 6; round++) {
        int pipes[2];
        struct err err;
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0)
            write_until_killed(pipes[1], from);
        close(pipes[1]);
        uint64_t number, newest = 0;
        for (int i = 0; i < 40 + round * 37; i++)
            assert_int_equal(read(pipes[0], &number, sizeof number), sizeof number);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        newest = number;
        while (read(pipes[0], &number, sizeof number) == sizeof number)
            newest = number;
        close(pipes[0]);
        assert_true(open_spool(0, 0, &err));
        int last = 0;
        seen = 0;
        for (struct spooled *e = NULL; (e = spool_next(spool, e)); seen++) {
            int is = (int)strtol(e->signal.id + strlen("signal-"), NULL, 10);
            assert_int_equal(is, last + 1); /* in order, none missing */
            last = is;
        }
        assert_true(last >= (int)newest);
        from = last + 1;
        close_spool();
    }
    assert_true(seen > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_come_back_as_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(full_is_an_answer_and_exits_have_more_room, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_process_and_only_a_spool, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answered_means_there_after_a_kill, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
