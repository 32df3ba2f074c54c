/* One PostgreSQL of the test's own, and several handles on one log in it, each with a book as the
 * log makes it. */
#ifndef TEST_PG_RIG_H
#define TEST_PG_RIG_H
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

static inline void foreign(void *ctx, const struct event *events, size_t count)
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

static inline void open_handle(struct rig *rig, size_t n)
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

static inline struct rig *open_rig_by(size_t count, int writes_by)
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

static inline struct rig *open_rig(size_t count)
{
    return open_rig_by(count, 0);
}

static inline void close_rig(struct rig *rig)
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

static inline int64_t number(struct rig *rig, const char *sql);

static inline bool keep_number(void *ctx, const struct pg_rows *row, struct err *err)
{
    (void)err;
    *(int64_t *)ctx = pg_int(row, 0, 0);
    return true;
}

static inline int64_t number(struct rig *rig, const char *sql)
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

static inline void answered(void *owner, uint64_t handle, const struct err *err, const void *value)
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

static inline void ask(struct rig *rig, struct handle *h, struct ours *ours,
                       const struct change *changes, size_t count)
{
    struct store_event event = {
        .kind = "test.changed", .subject = "s", .at_us = 1000000, .change_count = count};
    memcpy(event.changes, changes, count * sizeof *changes);
    const struct store_write write = {.term = h->term, .events = &event, .event_count = 1};
    *ours = (struct ours){.h = h, .write = store_write_copy(&rig->asked, &write)};
    store_write(h->store, &ours->write, (struct waiter){.answer = answered, .owner = ours});
}

static inline void turn_until(struct rig *rig, const int *counter, int wanted)
{
    int64_t until_us = loop_steady_us(rig->loop) + 30000000;
    while (*counter < wanted && loop_steady_us(rig->loop) < until_us)
        loop_turn(rig->loop, 20);
    assert_true(*counter >= wanted);
}

static inline void insert_signal(struct rig *rig, struct handle *h, struct ours *ours,
                                 const char *id)
{
    struct signal s = signal_of(id, 1000);
    ask(rig, h, ours, &CHANGE(TABLE_SIGNAL, NULL, &s), 1);
}

static inline struct err insert_now(struct rig *rig, size_t n, const char *id)
{
    struct ours ours;
    insert_signal(rig, &rig->handles[n], &ours, id);
    turn_until(rig, &ours.count, 1);
    return ours.err;
}

/* Sessions that wait for a lock. Of the locks, not of the sessions: those a transaction of `admin`
 * goes on seeing as they were when it first looked. */
static inline void turn_until_waiting(struct rig *rig, int64_t sessions)
{
    int64_t until_us = loop_steady_us(rig->loop) + 30000000;
    while (number(rig, "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted") < sessions) {
        assert_true(loop_steady_us(rig->loop) < until_us);
        loop_turn(rig->loop, 5);
    }
}

/* ---- members ---- */

/* An instance of term 1, known to every handle. */
static inline struct member join(struct rig *rig)
{
    struct member m;
    struct ours ours;
    row_init(&tables[TABLE_MEMBER], &m);
    snprintf(m.id, sizeof m.id, "1");
    m.term = m.version = 1;
    ask(rig, &rig->handles[0], &ours, &CHANGE(TABLE_MEMBER, NULL, &m), 1);
    turn_until(rig, &ours.count, 1);
    assert_int_equal(ours.err.code, ERR_OK);
    for (size_t i = 1; i < rig->count; i++)
        while (rig->handles[i].seq < rig->handles[0].seq)
            loop_turn(rig->loop, 10);
    return m;
}

/* ---- signs of life ---- */

struct beats {
    int count;
    struct store_beat list[4];
    size_t length;
    struct err err;
};

static inline void beaten(void *owner, uint64_t handle, const struct err *err, const void *value)
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

static inline struct beats beat(struct rig *rig, size_t n, int64_t term)
{
    struct beats beats;
    do {
        beats = (struct beats){0};
        store_beat(rig->handles[n].store, term, (struct waiter){.answer = beaten, .owner = &beats});
        turn_until(rig, &beats.count, 1);
    } while (beats.err.code); /* until its connection stands */
    return beats;
}

/* Every handle hears of everything, all books are equal and equal to the tables and the log. */
static inline void expect_one_history(struct rig *rig)
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
#endif
