/* A PostgreSQL that kills, hangs, freezes, restarts and loses replies: each write is there once,
 * and was answered so. */
#include "pg_rig.h"

static void end_writers(struct rig *rig)
{
    number(rig, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                "application_name = 'tidelock write' AND datname = current_database()");
}

/* Whatever a killed session had done by then: each write is there once and was answered so. */
static void test_killed_sessions(void **state)
{
    struct rig *rig = open_rig(2);
    static struct ours ours[WRITES_MAX];
    int done = 0, unknown = 0;
    (void)state;
    for (int i = 0; i < WRITES_MAX; i++) {
        char id[24];
        snprintf(id, sizeof id, "s%03d", i);
        insert_signal(rig, &rig->handles[i % 2], &ours[i], id);
        loop_turn(rig->loop, 0);
        if (i % 10 == 9)
            end_writers(rig);
    }
    for (int i = 0; i < WRITES_MAX; i++) {
        turn_until(rig, &ours[i].count, 1);
        done += ours[i].err.code == ERR_OK;
        unknown += ours[i].err.class == ERR_MAYBE_DONE;
    }
    assert_int_equal(unknown, 0);
    assert_int_equal(number(rig, "SELECT count(*) FROM signals"), done);
    assert_true(done > WRITES_MAX / 2);
    expect_one_history(rig);
    close_rig(rig);
}

/* As long as ours, and another one: a standby that lacked our last commit has gone on since. */
static void test_another_history(void **state)
{
    struct rig *rig = open_rig(1);
    (void)state;
    assert_int_equal(insert_now(rig, 0, "first").code, ERR_OK);
    number(rig, "WITH moved AS (UPDATE log_head SET hash = sha256('x'::bytea) RETURNING 1) "
                "SELECT count(*) FROM moved");
    struct err err = insert_now(rig, 0, "second");
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_non_null(strstr(err.text, "is not the one that was committed"));
    assert_int_equal(insert_now(rig, 0, "third").code, ERR_CORRUPT);
    assert_int_equal(number(rig, "SELECT count(*) FROM signals"), 1);
    close_rig(rig);
}

/* The reply to a COMMIT is lost, or the COMMIT itself: the asker hears what is so, once. */
static void test_lost_replies(void **state)
{
    struct pg_proxy proxy;
    (void)state;
    pg_proxy_start(&proxy, server.port);
    struct rig *rig = open_rig_by(1, proxy.port);
    assert_int_equal(insert_now(rig, 0, "first").code, ERR_OK);
    for (int i = 0; i < 12; i++) {
        char id[24];
        snprintf(id, sizeof id, "l%d", i);
        *proxy.mode = i % 2 ? PROXY_LOSE_REPLY : PROXY_LOSE_REQUEST;
        struct err err = insert_now(rig, 0, id);
        if (err.code)
            fail_msg("%s", err.text);
        assert_int_equal(*proxy.mode, PROXY_PASS);
        assert_int_equal(number(rig, "SELECT count(*) FROM signals"), i + 2);
    }
    expect_one_history(rig);
    close_rig(rig);
    pg_proxy_stop(&proxy);
}

static void test_restarted_server(void **state)
{
    struct rig *rig = open_rig(2);
    static struct ours ours[40];
    (void)state;
    pg_block_close(rig->admin);
    for (int i = 0; i < 40; i++) {
        char id[24];
        snprintf(id, sizeof id, "r%03d", i);
        insert_signal(rig, &rig->handles[i % 2], &ours[i], id);
        loop_turn(rig->loop, 0);
        if (i == 20)
            pg_server_crash(&server);
    }
    pg_server_run(&server);
    for (int i = 0; i < 40; i++)
        turn_until(rig, &ours[i].count, 1);
    struct err err;
    rig->admin = pg_block_open(rig->url, NULL, true, 10000000, &err);
    assert_non_null(rig->admin);
    for (int i = 0; i < 40; i++) {
        char sql[80];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM signals WHERE id = 'r%03d'", i);
        int64_t there = number(rig, sql);
        if (ours[i].err.class == ERR_MAYBE_DONE)
            continue;
        assert_int_equal(there, ours[i].err.code == ERR_OK);
    }
    close_rig(rig);
}

/* It hangs with its sockets open: what was not sent is refused within our own deadlines, what was
 * is answered when it goes on. */
static void test_paused_server(void **state)
{
    struct rig *rig = open_rig(1);
    struct ours first, second;
    (void)state;
    assert_int_equal(insert_now(rig, 0, "before").code, ERR_OK);
    pg_server_signal(&server, SIGSTOP);
    int64_t began_us = loop_steady_us(rig->loop);
    insert_signal(rig, &rig->handles[0], &first, "first");
    loop_turn(rig->loop, 0);
    loop_turn(rig->loop, 0);
    insert_signal(rig, &rig->handles[0], &second, "second");
    turn_until(rig, &second.count, 1);
    int64_t took_us = loop_steady_us(rig->loop) - began_us;
    pg_server_signal(&server, SIGCONT);
    assert_true(took_us < 30000000);
    assert_int_equal(second.err.class, ERR_LATER);
    turn_until(rig, &first.count, 1);
    /* Behind a read that hung, it was not sent at all. */
    assert_true(first.err.code == ERR_OK || first.err.class == ERR_LATER);
    struct err err;
    for (int i = 0; i < 50; i++) {
        char id[24];
        snprintf(id, sizeof id, "after%d", i);
        if ((err = insert_now(rig, 0, id)).code == ERR_OK)
            break;
    }
    assert_int_equal(err.code, ERR_OK);
    assert_int_equal(number(rig, "SELECT count(*) FROM signals WHERE id = 'first'"),
                     first.err.code == ERR_OK);
    assert_int_equal(number(rig, "SELECT count(*) FROM signals WHERE id = 'second'"), 0);
    expect_one_history(rig);
    close_rig(rig);
}

/* A write that is on its way when the way freezes, and one asked after it. False: another request
 * was on its way, and the write was never sent. */
static bool freeze_on_the_way(struct rig *rig, struct pg_proxy *proxy, int mode, struct ours *sent)
{
    struct ours late;
    for (int i = 0; i < 20; i++) /* what an answer has let begin is over */
        loop_turn(rig->loop, 5);
    *proxy->mode = mode;
    insert_signal(rig, &rig->handles[0], sent, "sent");
    loop_turn(rig->loop, 0);
    loop_turn(rig->loop, 0);
    insert_signal(rig, &rig->handles[0], &late, "late");
    turn_until(rig, &late.count, 1);
    assert_int_equal(late.err.class, ERR_LATER);
    for (int i = 0; i < 50; i++)
        loop_turn(rig->loop, 10);
    if (sent->count == 0)
        return true;
    assert_int_equal(sent->err.class, ERR_LATER);
    *proxy->mode = PROXY_PASS;
    while (insert_now(rig, 0, "before").code != ERR_DUPLICATE)
        ;
    return false;
}

/* For longer than anybody waits: what was sent stays unanswered until the log can be asked, what
 * was asked after it is refused, and nothing of it is ever told as somebody else's. */
static void freeze(int mode, int goes_through)
{
    struct pg_proxy proxy;
    struct store_status status;
    struct ours sent;
    pg_proxy_start(&proxy, server.port);
    struct rig *rig = open_rig_by(1, proxy.port);
    assert_int_equal(insert_now(rig, 0, "before").code, ERR_OK);
    while (!freeze_on_the_way(rig, &proxy, mode, &sent))
        ;
    store_status(rig->handles[0].store, &status);
    assert_false(status.ok);
    assert_int_equal(number(rig, "SELECT count(*) FROM signals"), 1 + goes_through);
    *proxy.mode = PROXY_PASS;
    turn_until(rig, &sent.count, 1);
    assert_int_equal(sent.err.code, ERR_OK);
    assert_int_equal(number(rig, "SELECT count(*) FROM signals"), 2);
    assert_int_equal(insert_now(rig, 0, "after").code, ERR_OK);
    assert_int_equal(sent.count, 1);
    store_status(rig->handles[0].store, &status);
    assert_true(status.ok);
    expect_one_history(rig);
    close_rig(rig);
    pg_proxy_stop(&proxy);
}

static void test_commit_in_doubt_that_happened(void **state)
{
    (void)state;
    freeze(PROXY_FREEZE_REPLY, 1);
}

static void test_commit_in_doubt_on_its_way(void **state)
{
    (void)state;
    freeze(PROXY_FREEZE, 0);
}

/* Somebody holds the row that every commit takes. */
static void test_held_head(void **state)
{
    struct rig *rig = open_rig(1);
    struct ours ours;
    struct err err;
    (void)state;
    assert_int_equal(insert_now(rig, 0, "a").code, ERR_OK);
    assert_true(pg_block_exec(rig->admin, "BEGIN; SELECT * FROM log_head FOR UPDATE", &err));
    insert_signal(rig, &rig->handles[0], &ours, "b");
    for (int i = 0; i < 20; i++)
        loop_turn(rig->loop, 10);
    assert_int_equal(ours.count, 0);
    assert_true(pg_block_exec(rig->admin, "ROLLBACK", &err));
    turn_until(rig, &ours.count, 1);
    assert_int_equal(ours.err.code, ERR_OK);
    expect_one_history(rig);
    close_rig(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_sessions),
        cmocka_unit_test(test_another_history),
        cmocka_unit_test(test_lost_replies),
        cmocka_unit_test(test_commit_in_doubt_that_happened),
        cmocka_unit_test(test_commit_in_doubt_on_its_way),
        cmocka_unit_test(test_held_head),
        cmocka_unit_test(test_paused_server),
        cmocka_unit_test(test_restarted_server),
    };
    pg_server_start(&server);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pg_server_stop(&server);
    return failed;
}
