/* What is particular to the PostgreSQL body: several handles on one log, and a server that kills,
 * hangs, restarts and contradicts. */
#include "base/chance.h"
#include "io/pg.h"
#include "pg_proxy.h"
#include "pg_store.h"
#include "store_rows.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HANDLES 3
#define WRITES_MAX 400
#define CHANGE(id, before_row, after_row)                                                          \
    ((struct change){.table = &tables[id], .before = (before_row), .after = (after_row)})

static struct pg_server server;

/* One instance: its store, and its book as the log makes it. */
struct handle {
    struct store *store;
    struct book *book;
    int64_t seq; /* of the last event told or answered */
    int answered, refused;
    int64_t term;
};
struct rig {
    char base[16], url[200];
    struct loop *loop;
    struct handle handles[HANDLES];
    size_t count;
    struct arena asked;
    struct pg_block *admin;
    int writes_by; /* port of a proxy; 0: none */
};

static void foreign(void *ctx, const struct event *events, size_t count)
{
    struct handle *h = ctx;
    struct err err;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(events[i].seq, h->seq + 1); /* every one once, in order */
        if (!event_fold(h->book, &events[i], &err))
            fail_msg("%s", err.text);
        h->seq = events[i].seq;
    }
}

static void open_handle(struct rig *rig, size_t n)
{
    static const char *const names[] = {"one", "two", "three"};
    struct handle *h = &rig->handles[n];
    struct store_status status;
    struct err err;
    h->store = rig->writes_by ? pg_store_open_by(&server, rig->writes_by, rig->base, rig->loop)
                              : pg_store_open(&server, rig->base, names[n], rig->loop);
    h->book = book_new();
    if (!store_load_tables(h->store, h->book, &err))
        fail_msg("%s", err.text);
    store_status(h->store, &status);
    h->seq = status.events;
    h->store->on_foreign = foreign;
    h->store->foreign_ctx = h;
}

static struct rig *open_rig_by(size_t count, int writes_by)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct err err;
    pg_store_base(&server, rig->base, sizeof rig->base);
    pg_server_url(&server, rig->base, rig->url, sizeof rig->url);
    rig->loop = loop_new(clock_real(), NULL, &err);
    rig->count = count;
    rig->writes_by = writes_by;
    arena_init(&rig->asked, 0);
    for (size_t i = 0; i < count; i++)
        open_handle(rig, i);
    rig->admin = pg_block_open(rig->url, NULL, true, 10000000, &err);
    return rig;
}

static struct rig *open_rig(size_t count)
{
    return open_rig_by(count, 0);
}

static void close_rig(struct rig *rig)
{
    for (size_t i = 0; i < rig->count; i++) {
        store_close(rig->handles[i].store);
        book_free(rig->handles[i].book);
    }
    pg_block_close(rig->admin);
    while (loop_turn(rig->loop, 0))
        ;
    loop_turn(rig->loop, 0);
    loop_free(rig->loop);
    arena_free(&rig->asked);
    free(rig);
}

static int64_t number(struct rig *rig, const char *sql);

static bool keep_number(void *ctx, const struct pg_rows *row, struct err *err)
{
    (void)err;
    *(int64_t *)ctx = pg_int(row, 0, 0);
    return true;
}

static int64_t number(struct rig *rig, const char *sql)
{
    struct err err;
    int64_t value = -1;
    if (!pg_block_query(rig->admin, sql, NULL, keep_number, &value, &err))
        fail_msg("%s", err.text);
    return value;
}

/* ---- writes ---- */

struct ours { /* one write of ours, from asking to answer */
    struct handle *h;
    struct store_write write;
    struct err err;
    int count;
    int64_t seq;
};

static void answered(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct ours *ours = owner;
    struct handle *h = ours->h;
    (void)handle;
    ours->count++;
    h->answered++;
    if (err) {
        ours->err = *err;
        h->refused++;
        return;
    }
    ours->seq = *(const int64_t *)value;
    for (size_t e = 0; e < ours->write.event_count; e++)
        for (size_t i = 0; i < ours->write.events[e].change_count; i++)
            book_apply_change(h->book, &ours->write.events[e].changes[i]);
    assert_int_equal(ours->seq, h->seq + (int64_t)ours->write.event_count);
    h->seq = ours->seq;
}

static void ask(struct rig *rig, struct handle *h, struct ours *ours, const struct change *changes,
                size_t count)
{
    struct store_event event = {
        .kind = "test.changed", .subject = "s", .at_us = 1000000, .change_count = count};
    memcpy(event.changes, changes, count * sizeof *changes);
    const struct store_write write = {.term = h->term, .events = &event, .event_count = 1};
    *ours = (struct ours){.h = h, .write = store_write_copy(&rig->asked, &write)};
    store_write(h->store, &ours->write, (struct waiter){.answer = answered, .owner = ours});
}

static void turn_until(struct rig *rig, const int *counter, int wanted)
{
    int64_t until_us = loop_steady_us(rig->loop) + 30000000;
    while (*counter < wanted && loop_steady_us(rig->loop) < until_us)
        loop_turn(rig->loop, 20);
    assert_true(*counter >= wanted);
}

static void insert_signal(struct rig *rig, struct handle *h, struct ours *ours, const char *id)
{
    struct signal s = signal_of(id, 1000);
    ask(rig, h, ours, &CHANGE(TABLE_SIGNAL, NULL, &s), 1);
}

static struct err insert_now(struct rig *rig, size_t n, const char *id)
{
    struct ours ours;
    insert_signal(rig, &rig->handles[n], &ours, id);
    turn_until(rig, &ours.count, 1);
    return ours.err;
}

/* Every handle hears of everything, all books are equal and equal to the tables and the log. */
static void expect_one_history(struct rig *rig)
{
    struct str report = STR_EMPTY;
    struct err err;
    int64_t last = number(rig, "SELECT seq FROM log_head");
    int64_t until_us = loop_steady_us(rig->loop) + 20000000;
    for (size_t i = 0; i < rig->count; i++) {
        while (rig->handles[i].seq < last && loop_steady_us(rig->loop) < until_us)
            loop_turn(rig->loop, 20);
        assert_int_equal(rig->handles[i].seq, last);
    }
    struct book *folded = book_new();
    assert_true(store_state_at(rig->handles[0].store, INT64_MAX - 1, folded, &err));
    struct book *kept = book_new();
    assert_true(store_load_tables(rig->handles[0].store, kept, &err));
    size_t faults = book_compare(kept, folded, &report, 10);
    for (size_t i = 0; i < rig->count; i++)
        faults += book_compare(rig->handles[i].book, folded, &report, 10);
    if (faults)
        fail_msg("%s", str_text(&report));
    str_free(&report);
    book_free(kept);
    book_free(folded);
}

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

struct beats {
    int count;
    struct store_beat list[4];
    size_t length;
    struct err err;
};

static void beaten(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct beats *beats = owner;
    const struct store_beats *got = value;
    (void)handle;
    beats->count++;
    if (err)
        beats->err = *err;
    for (size_t i = 0; got && i < got->count && i < 4; i++)
        beats->list[i] = got->list[i];
    beats->length = got ? got->count : 0;
}

static struct beats beat(struct rig *rig, size_t n, int64_t term)
{
    struct beats beats = {0};
    store_beat(rig->handles[n].store, term, (struct waiter){.answer = beaten, .owner = &beats});
    turn_until(rig, &beats.count, 1);
    return beats;
}

static void test_beats(void **state)
{
    struct rig *rig = open_rig(2);
    struct member one = member_of("1", 1);
    struct ours join;
    struct beats beats;
    (void)state;
    ask(rig, &rig->handles[0], &join, &CHANGE(TABLE_MEMBER, NULL, &one), 1);
    turn_until(rig, &join.count, 1);
    while ((beats = beat(rig, 1, 0)).err.code) /* until its connection stands */
        loop_turn(rig->loop, 10);
    assert_int_equal(beats.length, 1);
    assert_true(beats.list[0].session); /* no sign yet is no proof */
    while (beat(rig, 0, 1).err.code)
        loop_turn(rig->loop, 10);
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

/* ---- a server that misbehaves ---- */

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

/* It hangs with its sockets open: answers come within our own deadlines, and again when it goes
 * on. */
static void test_paused_server(void **state)
{
    struct rig *rig = open_rig(1);
    struct ours ours;
    (void)state;
    assert_int_equal(insert_now(rig, 0, "before").code, ERR_OK);
    pg_server_signal(&server, SIGSTOP);
    int64_t began_us = loop_steady_us(rig->loop);
    insert_signal(rig, &rig->handles[0], &ours, "within");
    turn_until(rig, &ours.count, 1);
    int64_t took_us = loop_steady_us(rig->loop) - began_us;
    pg_server_signal(&server, SIGCONT);
    assert_true(took_us < 8000000);
    /* Sent, and nobody can be asked; or, behind a read that hung, not sent at all. */
    assert_true(ours.err.class == ERR_MAYBE_DONE || ours.err.class == ERR_LATER);
    struct err err;
    for (int i = 0; i < 50; i++) {
        char id[24];
        snprintf(id, sizeof id, "after%d", i);
        if ((err = insert_now(rig, 0, id)).code == ERR_OK)
            break;
    }
    assert_int_equal(err.code, ERR_OK);
    if (ours.err.class == ERR_LATER)
        assert_int_equal(number(rig, "SELECT count(*) FROM signals WHERE id = 'within'"), 0);
    close_rig(rig);
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
        cmocka_unit_test(test_dead_members_are_fenced),
        cmocka_unit_test(test_beats),
        cmocka_unit_test(test_killed_sessions),
        cmocka_unit_test(test_lost_replies),
        cmocka_unit_test(test_held_head),
        cmocka_unit_test(test_serialisation_failures),
        cmocka_unit_test(test_unforeseen_refusal_is_alone),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_lost_history),
        cmocka_unit_test(test_paused_server),
        cmocka_unit_test(test_restarted_server),
    };
    pg_server_start(&server);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pg_server_stop(&server);
    return failed;
}
