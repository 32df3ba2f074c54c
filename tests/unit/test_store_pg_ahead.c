/* What is asked while a batch is on its way is put into words at once, behind it: whatever becomes
 * of that batch, each is answered as if it had been asked after it. */
#include "pg_rig.h"

enum { FIRST, FOLLOWS, AGAIN, OTHER, FOREIGN_TERM, LAST, ASKED };

static void hold_head(struct rig *rig)
{
    assert_true(pg_block_exec(rig->admin, "BEGIN; SELECT FROM log_head FOR UPDATE", NULL));
}

static void ask_with_term(struct rig *rig, struct ours *ours, const char *id, int64_t term)
{
    struct handle *h = &rig->handles[0];
    int64_t own = h->term;
    h->term = term;
    insert_signal(rig, h, ours, id);
    h->term = own;
}

/* The first is under way and waits for the head; the rest is asked meanwhile. */
static void ask_all(struct rig *rig, struct ours *ours)
{
    struct handle *h = &rig->handles[0];
    struct signal first = signal_of("a", 1000), done = first;
    done.state = SIGNAL_REJECTED;
    done.version = 2;
    hold_head(rig);
    insert_signal(rig, h, &ours[FIRST], "a");
    turn_until_waiting(rig, 1);
    ask(rig, h, &ours[FOLLOWS], &CHANGE(TABLE_SIGNAL, &first, &done), 1);
    insert_signal(rig, h, &ours[OTHER], "b");
    insert_signal(rig, h, &ours[AGAIN], "a");
    ask_with_term(rig, &ours[FOREIGN_TERM], "c", 77);
    insert_signal(rig, h, &ours[LAST], "d");
    for (int i = 0; i < ASKED; i++)
        assert_int_equal(ours[i].count, 0);
}

static void expect_answers(struct rig *rig, struct ours *ours, const enum err_code *codes)
{
    for (int i = 0; i < ASKED; i++) {
        turn_until(rig, &ours[i].count, 1);
        if (ours[i].err.code != codes[i])
            fail_msg("write %d: %s (%s)", i, err_code_name(ours[i].err.code), ours[i].err.text);
        assert_true(ours[i].err.code == ERR_OK || ours[i].err.class == ERR_REFUSED);
    }
    assert_int_equal(insert_now(rig, 0, "after").code, ERR_OK);
    expect_one_history(rig);
    for (int i = 0; i < ASKED; i++)
        assert_int_equal(ours[i].count, 1);
}

static const enum err_code in_order[ASKED] = {
    [AGAIN] = ERR_DUPLICATE,
    [FOREIGN_TERM] = ERR_FENCED,
};

/* `then` ends the transaction that holds the head, and does something to the batch that waits. */
static void becomes(const char *then, const enum err_code *codes)
{
    struct rig *rig = open_rig(1);
    struct ours ours[ASKED];
    assert_int_equal(insert_now(rig, 0, "before").code, ERR_OK);
    ask_all(rig, ours);
    assert_true(pg_block_exec(rig->admin, then, NULL));
    expect_answers(rig, ours, codes);
    close_rig(rig);
}

static void test_it_is_committed(void **state)
{
    (void)state;
    becomes("ROLLBACK", in_order);
}

/* The end is not where the batch hoped: it is put into words again, and so is what follows. */
static void test_the_head_has_moved(void **state)
{
    (void)state;
    becomes("UPDATE log_head SET turns = turns + 1; COMMIT", in_order);
}

/* Its COMMIT was sent and nobody knows; the log tells. */
static void test_its_session_is_lost(void **state)
{
    (void)state;
    becomes("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
            "'tidelock write' AND datname = current_database(); ROLLBACK",
            in_order);
}

#define WRITER                                                                                     \
    " FROM pg_stat_activity WHERE application_name = 'tidelock write' AND datname = "              \
    "current_database() AND wait_event_type = 'Lock'"

/* It fails for nobody's fault, and is sent again. */
static void test_it_is_cancelled(void **state)
{
    static const char begun[] = "SELECT coalesce(max(extract(epoch FROM xact_start) * 1000000), 0)"
                                "::bigint" WRITER;
    struct rig *rig = open_rig(1);
    struct ours ours[ASKED];
    struct err err;
    (void)state;
    assert_int_equal(insert_now(rig, 0, "before").code, ERR_OK);
    ask_all(rig, ours);
    struct pg_block *holder = rig->admin;
    rig->admin = pg_block_open(rig->url, NULL, true, 10000000, &err);
    int64_t before = number(rig, begun), until_us = loop_steady_us(rig->loop) + 30000000;
    assert_int_equal(number(rig, "SELECT count(pg_cancel_backend(pid))" WRITER), 1);
    while (number(rig, begun) <= before) {
        assert_true(loop_steady_us(rig->loop) < until_us);
        loop_turn(rig->loop, 5);
    }
    assert_true(pg_block_exec(holder, "ROLLBACK", NULL));
    pg_block_close(holder);
    expect_answers(rig, ours, in_order);
    close_rig(rig);
}

static void test_it_is_refused(void **state)
{
    static const enum err_code refused[ASKED] = {
        [FIRST] = ERR_CONFLICT,
        [FOLLOWS] = ERR_CONFLICT, /* there is no such row */
        [AGAIN] = ERR_CONFLICT,
        [FOREIGN_TERM] = ERR_FENCED,
    };
    struct rig *rig = open_rig(1);
    struct ours ours[ASKED];
    (void)state;
    assert_true(
        pg_block_exec(rig->admin, "ALTER TABLE fingerprints ADD CHECK (signal_id <> 'a')", NULL));
    ask_all(rig, ours);
    assert_true(pg_block_exec(rig->admin, "ROLLBACK", NULL));
    expect_answers(rig, ours, refused);
    close_rig(rig);
}

/* ---- who may write ---- */

static void ask_end(struct rig *rig, struct ours *ours, const struct member *one)
{
    struct member dead = *one;
    dead.state = MEMBER_DEAD;
    dead.version = 2;
    ask(rig, &rig->handles[0], ours, &CHANGE(TABLE_MEMBER, one, &dead), 1);
}

/* Its term ends in the batch that is on its way. */
static void test_term_ends_in_it(void **state)
{
    struct rig *rig = open_rig(1);
    struct ours end, late;
    struct member one = join(rig);
    (void)state;
    hold_head(rig);
    ask_end(rig, &end, &one);
    turn_until_waiting(rig, 1);
    ask_with_term(rig, &late, "late", 1);
    assert_true(pg_block_exec(rig->admin, "ROLLBACK", NULL));
    turn_until(rig, &end.count, 1);
    turn_until(rig, &late.count, 1);
    assert_int_equal(end.err.code, ERR_OK);
    assert_int_equal(late.err.code, ERR_FENCED);
    expect_one_history(rig);
    close_rig(rig);
}

/* Its term ends in what waits behind that batch. */
static void test_term_ends_behind_it(void **state)
{
    struct rig *rig = open_rig(1);
    struct ours first, good, end, late;
    struct member one = join(rig);
    (void)state;
    hold_head(rig);
    ask_with_term(rig, &first, "first", 1);
    turn_until_waiting(rig, 1);
    ask_with_term(rig, &good, "good", 1);
    ask_end(rig, &end, &one);
    ask_with_term(rig, &late, "late", 1);
    assert_true(pg_block_exec(rig->admin, "ROLLBACK", NULL));
    turn_until(rig, &first.count, 1);
    turn_until(rig, &good.count, 1);
    turn_until(rig, &end.count, 1);
    turn_until(rig, &late.count, 1);
    assert_int_equal(good.err.code, ERR_OK);
    assert_int_equal(end.err.code, ERR_OK);
    assert_int_equal(late.err.code, ERR_FENCED);
    expect_one_history(rig);
    close_rig(rig);
}

/* ---- at random ---- */

enum { ROUNDS = 300, PER_ROUND = 4 };
struct pair { /* a row, and a change of it asked before anybody knows what became of the row */
    char id[24];
    bool refused;
    struct ours insert, change;
};

static void ask_pair(struct rig *rig, struct pair *pair, int n, struct chance *chance)
{
    struct handle *h = &rig->handles[chance_hits(chance, 30)]; /* mostly one of them */
    pair->refused = chance_below(chance, 8) == 0;
    snprintf(pair->id, sizeof pair->id, "%s%04d", pair->refused ? "bad" : "p", n);
    struct signal row = signal_of(pair->id, 1000), done = row;
    done.state = SIGNAL_REJECTED;
    done.version = 2;
    ask(rig, h, &pair->insert, &CHANGE(TABLE_SIGNAL, NULL, &row), 1);
    if (chance_below(chance, 2))
        loop_turn(rig->loop, 0);
    ask(rig, h, &pair->change, &CHANGE(TABLE_SIGNAL, &row, &done), 1);
}

/* Two instances, rows that only the database refuses, statements that are cancelled:
 * whatever was judged ahead of what, each write is there exactly when its answer says so. */
static void test_anything_at_random(void **state)
{
    struct rig *rig = open_rig(2);
    struct pair *pairs = calloc(ROUNDS * PER_ROUND, sizeof *pairs);
    struct chance chance;
    (void)state;
    chance_seed(&chance, 7);
    assert_true(pg_block_exec(
        rig->admin, "ALTER TABLE fingerprints ADD CHECK (signal_id NOT LIKE 'bad%')", NULL));
    for (int i = 0; i < ROUNDS; i++) {
        for (int k = 0; k < PER_ROUND; k++)
            ask_pair(rig, &pairs[i * PER_ROUND + k], i * PER_ROUND + k, &chance);
        if (i % 20 == 19)
            number(rig, "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE "
                        "application_name = 'tidelock write' AND datname = current_database()");
        loop_turn(rig->loop, 1);
    }
    for (int i = 0; i < ROUNDS * PER_ROUND; i++) {
        const struct pair *pair = &pairs[i];
        turn_until(rig, &pair->insert.count, 1);
        turn_until(rig, &pair->change.count, 1);
        assert_int_equal(pair->insert.err.code, pair->refused ? ERR_CONFLICT : ERR_OK);
        assert_int_equal(pair->change.err.code, pair->refused ? ERR_CONFLICT : ERR_OK);
        assert_int_equal(pair->insert.count + pair->change.count, 2);
    }
    assert_int_equal(number(rig, "SELECT count(*) FROM signals WHERE version <> 2"), 0);
    expect_one_history(rig);
    close_rig(rig);
    free(pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_anything_at_random), cmocka_unit_test(test_it_is_committed),
        cmocka_unit_test(test_the_head_has_moved), cmocka_unit_test(test_its_session_is_lost),
        cmocka_unit_test(test_it_is_refused),      cmocka_unit_test(test_it_is_cancelled),
        cmocka_unit_test(test_term_ends_in_it),    cmocka_unit_test(test_term_ends_behind_it),
    };
    pg_server_start(&server);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pg_server_stop(&server);
    return failed;
}
