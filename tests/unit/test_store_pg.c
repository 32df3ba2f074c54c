/* What is particular to the PostgreSQL body: several handles on one log, and what the database
 * refuses. */
#include "pg_rig.h"

/* ---- several handles ---- */

static void one_step(struct rig *rig, struct chance *chance, struct ours *ours)
{
    struct handle *h = &rig->handles[chance_below(chance, rig->count)];
    char id[24];
    snprintf(id, sizeof id, "o%d", (int)chance_below(chance, 40));
    const struct order *now = book_get(h->book, TABLE_ORDER, id);
    struct order before, after;
    if (!now) {
        after = order_of(id, ORDER_INTENDED);
        ask(rig, h, ours, &CHANGE(TABLE_ORDER, NULL, &after), 1);
        return;
    }
    before = after = *now; /* often out of date by the time it is written */
    after.state = now->state == ORDER_INTENDED ? ORDER_SENDING : ORDER_INTENDED;
    after.version++;
    ask(rig, h, ours, &CHANGE(TABLE_ORDER, &before, &after), 1);
}

static void test_interleaved(void **state)
{
    struct rig *rig = open_rig(HANDLES);
    static struct ours ours[WRITES_MAX];
    struct chance chance;
    int done = 0, refused = 0;
    (void)state;
    chance_seed(&chance, 7);
    for (int i = 0; i < WRITES_MAX; i++) {
        one_step(rig, &chance, &ours[i]);
        if (chance_below(&chance, 8) == 0)
            loop_turn(rig->loop, 1);
    }
    for (int i = 0; i < WRITES_MAX; i++)
        turn_until(rig, &ours[i].count, 1);
    for (int i = 0; i < WRITES_MAX; i++) {
        assert_int_equal(ours[i].count, 1);
        done += ours[i].err.code == ERR_OK;
        refused += ours[i].err.code == ERR_CONFLICT || ours[i].err.code == ERR_DUPLICATE;
    }
    assert_int_equal(done + refused, WRITES_MAX);
    assert_true(done > 20 && refused > 20);
    assert_int_equal(number(rig, "SELECT seq FROM log_head"), done);
    expect_one_history(rig);
    close_rig(rig);
}

/* What waits is sent before what was committed is answered; the answers keep their order, also when
 * nothing of what waits can be made. */
struct placed {
    struct ours ours;
    int place;
};

static void note_place(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct placed *placed = owner;
    answered(&placed->ours, handle, err, value);
    placed->place = placed->ours.h->answered;
}

static void ask_placed(struct rig *rig, struct placed *placed, const char *id, int64_t term)
{
    struct signal s = signal_of(id, 1000);
    struct store_event event = {.kind = "test.changed",
                                .subject = "s",
                                .at_us = 1000000,
                                .changes = {CHANGE(TABLE_SIGNAL, NULL, &s)},
                                .change_count = 1};
    const struct store_write write = {.term = term, .events = &event, .event_count = 1};
    *placed = (struct placed){.ours = {.h = &rig->handles[0]}};
    placed->ours.write = store_write_copy(&rig->asked, &write);
    store_write(rig->handles[0].store, &placed->ours.write,
                (struct waiter){.answer = note_place, .owner = placed});
}

static void test_answers_keep_their_order(void **state)
{
    enum { N = 8 };
    struct rig *rig = open_rig(1);
    struct placed list[N];
    (void)state;
    int before = rig->handles[0].answered;
    assert_true(pg_block_exec(rig->admin, "BEGIN; SELECT FROM log_head FOR UPDATE", NULL));
    ask_placed(rig, &list[0], "new", 0);
    turn_until_waiting(rig, 1);
    for (int i = 1; i < N; i++) /* the next batch, refused as a whole: nobody has this term */
        ask_placed(rig, &list[i], "other", 77);
    assert_true(pg_block_exec(rig->admin, "COMMIT", NULL));
    turn_until(rig, &rig->handles[0].answered, before + N);
    for (int i = 0; i < N; i++) {
        assert_int_equal(list[i].place, before + 1 + i);
        assert_int_equal(list[i].ours.err.code, i ? ERR_FENCED : ERR_OK);
    }
    expect_one_history(rig);
    close_rig(rig);
}

static struct member member_of(const char *id, int64_t term)
{
    struct member m;
    row_init(&tables[TABLE_MEMBER], &m);
    snprintf(m.id, sizeof m.id, "%s", id);
    m.term = term;
    m.version = 1;
    return m;
}

static void test_dead_members_are_fenced(void **state)
{
    struct rig *rig = open_rig(2);
    struct member one = member_of("1", 1), dead = one;
    struct ours join, bury, late;
    (void)state;
    ask(rig, &rig->handles[0], &join, &CHANGE(TABLE_MEMBER, NULL, &one), 1);
    turn_until(rig, &join.count, 1);
    rig->handles[0].term = 1;
    assert_int_equal(insert_now(rig, 0, "a").code, ERR_OK);
    /* Two takes it for dead; one, who has not heard of it, writes on. */
    turn_until(rig, &rig->handles[0].answered, 2);
    while (rig->handles[1].seq < rig->handles[0].seq)
        loop_turn(rig->loop, 10);
    dead.state = MEMBER_DEAD;
    dead.version = 2;
    ask(rig, &rig->handles[1], &bury, &CHANGE(TABLE_MEMBER, &one, &dead), 1);
    turn_until(rig, &bury.count, 1);
    assert_int_equal(bury.err.code, ERR_OK);
    insert_signal(rig, &rig->handles[0], &late, "b");
    turn_until(rig, &late.count, 1);
    assert_int_equal(late.err.code, ERR_FENCED);
    expect_one_history(rig);
    close_rig(rig);
}

/* ---- signs of life ---- */

static void test_beats(void **state)
{
    struct rig *rig = open_rig(2);
    struct member one = member_of("1", 1);
    struct ours join;
    struct beats beats;
    (void)state;
    ask(rig, &rig->handles[0], &join, &CHANGE(TABLE_MEMBER, NULL, &one), 1);
    turn_until(rig, &join.count, 1);
    beats = beat(rig, 1, 0);
    assert_int_equal(beats.length, 1);
    assert_true(beats.list[0].session); /* no sign yet is no proof */
    beat(rig, 0, 1);
    int64_t first = beat(rig, 1, 0).list[0].beat;
    beat(rig, 0, 1);
    beats = beat(rig, 1, 0);
    assert_true(beats.list[0].beat > first && beats.list[0].session);
    /* Its session ends with it. */
    store_close(rig->handles[0].store);
    for (int i = 0; i < 500 && beats.list[0].session; i++) {
        loop_turn(rig->loop, 10);
        beats = beat(rig, 1, 0);
    }
    assert_false(beats.list[0].session);
    rig->handles[0].store = NULL;
    close_rig(rig);
}

/* ---- what the database refuses ---- */

/* The first attempts end in a serialisation failure: tried again, and nobody is told. */
static void test_serialisation_failures(void **state)
{
    struct rig *rig = open_rig(1);
    struct err err;
    (void)state;
    assert_true(pg_block_exec(
        rig->admin,
        "CREATE SEQUENCE tries; CREATE FUNCTION fail_twice() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN IF nextval('tries') < 3 THEN RAISE EXCEPTION 'again' USING ERRCODE = '40P01'; "
        "END IF; RETURN NEW; END $$; CREATE TRIGGER fail_twice BEFORE INSERT ON fingerprints "
        "FOR EACH ROW EXECUTE FUNCTION fail_twice()",
        &err));
    assert_int_equal(insert_now(rig, 0, "a").code, ERR_OK);
    assert_int_equal(number(rig, "SELECT last_value FROM tries"), 3);
    expect_one_history(rig);
    close_rig(rig);
}

/* What has ended leaves the list of what is alive; what has not stays. */
static void test_sweep(void **state)
{
    struct rig *rig = open_rig(1);
    struct err err;
    (void)state;
    assert_int_equal(insert_now(rig, 0, "alive").code, ERR_OK);
    assert_int_equal(insert_now(rig, 0, "over").code, ERR_OK);
    while (number(rig, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND "
                       "application_name = 'tidelock alive'"))
        loop_turn(rig->loop, 10);
    assert_int_equal(number(rig, "SELECT count(*) FROM live, unnest(ids)"), 2);
    assert_true(
        pg_block_exec(rig->admin, "UPDATE signals SET state = 'done' WHERE id = 'over'", &err));
    assert_int_equal(number(rig, "SELECT tl_sweep()"), 1);
    assert_int_equal(number(rig, "SELECT count(*) FROM live, unnest(ids) AS id"), 1);
    assert_int_equal(number(rig, "SELECT count(*) FROM live, unnest(ids) AS i, unnest(ats) AS a "
                                 "JOIN signals ON received_at = a WHERE i = id AND id = 'alive'"),
                     1);
    close_rig(rig);
}

static struct err change_now(struct rig *rig, enum table_id table, const void *before,
                             const void *after)
{
    struct ours ours;
    ask(rig, &rig->handles[0], &ours, &CHANGE(table, before, after), 1);
    turn_until(rig, &ours.count, 1);
    return ours.err;
}

/* Whoever put a key on the list takes it off when it is over; a position that opens again is put
 * on it again. What is alive is found through the list. */
static void test_list_of_the_living(void **state)
{
    struct rig *rig = open_rig(1);
    struct position open, closed, again;
    (void)state;
    row_init(&tables[TABLE_POSITION], &open);
    snprintf(open.id, sizeof open.id, "p");
    open.version = 1;
    closed = again = open;
    closed.status = POSITION_CLOSED;
    closed.version = 2;
    again.status = POSITION_PARTIAL;
    again.version = 3;
    assert_int_equal(insert_now(rig, 0, "stays").code, ERR_OK);
    beat(rig, 0, 0);
    while (!number(rig, "SELECT count(*) FROM live WHERE mark = 0"))
        loop_turn(rig->loop, 10); /* until the first sweep is over: it takes all rows anew */
    assert_int_equal(change_now(rig, TABLE_POSITION, NULL, &open).code, ERR_OK);
    assert_int_equal(number(rig, "SELECT count(*) FROM live WHERE tab = 'positions'"), 1);
    assert_int_equal(change_now(rig, TABLE_POSITION, &open, &closed).code, ERR_OK);
    struct order order = order_of("o", ORDER_FILLED); /* over when it came: never listed */
    assert_int_equal(change_now(rig, TABLE_ORDER, NULL, &order).code, ERR_OK);
    assert_int_equal(number(rig, "SELECT count(*) FROM live WHERE tab <> 'signals'"), 0);
    assert_int_equal(change_now(rig, TABLE_POSITION, &closed, &again).code, ERR_OK);
    assert_int_equal(number(rig, "SELECT count(*) FROM live, unnest(ids) AS i WHERE i = 'p'"), 1);
    assert_int_equal(number(rig, "SELECT tl_sweep()"), 2);
    struct book *kept = book_new();
    struct err err;
    assert_true(store_load_tables(rig->handles[0].store, kept, &err));
    assert_non_null(book_get(kept, TABLE_POSITION, "p"));
    assert_non_null(book_get(kept, TABLE_SIGNAL, "stays"));
    book_free(kept);
    expect_one_history(rig);
    close_rig(rig);
}

/* The row of a write that waits is moved when another's write is heard of, as recorders do. */
struct mover {
    struct handle *handle;
    struct account *before, *after;
};

static void move_and_follow(void *ctx, const struct event *events, size_t count)
{
    struct mover *mover = ctx;
    foreign(mover->handle, events, count);
    const struct account *now = book_get(mover->handle->book, TABLE_ACCOUNT, "main");
    if (!now || now->version < mover->before->version)
        return;
    *mover->before = *now;
    mover->after->version = now->version + 1;
    mover->after->entries = now->entries + 10;
}

static void test_moved_rows_are_printed_anew(void **state)
{
    struct rig *rig = open_rig(2);
    struct account first, second, third;
    struct ours ours, other;
    (void)state;
    row_init(&tables[TABLE_ACCOUNT], &first);
    snprintf(first.id, sizeof first.id, "main");
    snprintf(first.currency, sizeof first.currency, "INR");
    first.version = 1;
    second = third = first;
    second.version = 2;
    second.entries = 1;
    assert_int_equal(change_now(rig, TABLE_ACCOUNT, NULL, &first).code, ERR_OK);
    while (rig->handles[1].seq < rig->handles[0].seq)
        loop_turn(rig->loop, 10);
    /* Both change it from the same version; the one who comes second hears of it, and moves. */
    assert_true(pg_block_exec(rig->admin, "BEGIN; SELECT FROM log_head FOR UPDATE", NULL));
    ask(rig, &rig->handles[0], &other, &CHANGE(TABLE_ACCOUNT, &first, &second), 1);
    turn_until_waiting(rig, 1);
    third.version = 2;
    third.entries = 10;
    ask(rig, &rig->handles[1], &ours, &CHANGE(TABLE_ACCOUNT, &first, &third), 1);
    struct mover mover = {
        .handle = &rig->handles[1],
        .before = (struct account *)(uintptr_t)ours.write.events[0].changes[0].before,
        .after = (struct account *)(uintptr_t)ours.write.events[0].changes[0].after};
    rig->handles[1].store->on_foreign = move_and_follow;
    rig->handles[1].store->foreign_ctx = &mover;
    turn_until_waiting(rig, 2);
    assert_true(pg_block_exec(rig->admin, "COMMIT", NULL));
    turn_until(rig, &other.count, 1);
    turn_until(rig, &ours.count, 1);
    assert_int_equal(other.err.code, ERR_OK);
    assert_int_equal(ours.err.code, ERR_OK);
    rig->handles[1].store->on_foreign = foreign;
    rig->handles[1].store->foreign_ctx = &rig->handles[1];
    assert_int_equal(number(rig, "SELECT entries FROM accounts"), 11);
    expect_one_history(rig); /* the log says what the table says */
    close_rig(rig);
}

/* A row the database refuses for reasons we do not know of fails alone. */
static void test_unforeseen_refusal_is_alone(void **state)
{
    enum { N = 20 };
    struct rig *rig = open_rig(1);
    static struct ours ours[N];
    struct err err;
    (void)state;
    assert_true(pg_block_exec(
        rig->admin, "ALTER TABLE fingerprints ADD CHECK (signal_id <> 'x7' AND signal_id <> 'x15')",
        &err));
    for (int i = 0; i < N; i++) {
        char id[24];
        snprintf(id, sizeof id, "x%d", i);
        insert_signal(rig, &rig->handles[0], &ours[i], id);
    }
    for (int i = 0; i < N; i++) {
        turn_until(rig, &ours[i].count, 1);
        assert_int_equal(ours[i].err.code, i == 7 || i == 15 ? ERR_CONFLICT : ERR_OK);
    }
    expect_one_history(rig);
    close_rig(rig);
}

/* The log went on elsewhere without events we know: nothing is written any more. */
static void test_lost_history(void **state)
{
    struct rig *rig = open_rig(1);
    struct err err;
    (void)state;
    insert_now(rig, 0, "a");
    insert_now(rig, 0, "b");
    assert_true(pg_block_exec(rig->admin,
                              "ALTER TABLE events DISABLE TRIGGER ALL; "
                              "DELETE FROM events WHERE seq = 2; UPDATE log_head SET seq = 1, "
                              "hash = (SELECT hash FROM events WHERE seq = 1)",
                              &err));
    err = insert_now(rig, 0, "c");
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_int_equal(number(rig, "SELECT seq FROM log_head"), 1);
    close_rig(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interleaved),
        cmocka_unit_test(test_answers_keep_their_order),
        cmocka_unit_test(test_dead_members_are_fenced),
        cmocka_unit_test(test_beats),
        cmocka_unit_test(test_serialisation_failures),
        cmocka_unit_test(test_unforeseen_refusal_is_alone),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_list_of_the_living),
        cmocka_unit_test(test_moved_rows_are_printed_anew),
        cmocka_unit_test(test_lost_history),
    };
    pg_server_start(&server);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pg_server_stop(&server);
    return failed;
}
