/* One body of the store under test, and what is asked of it: shared by the files that ask every
 * body the same. */
#ifndef TIDELOCK_TESTS_STORE_RIG_H
#define TIDELOCK_TESTS_STORE_RIG_H
#include "base/clock.h"
#include "io/loop.h"
#include "pg_store.h"
#include "store/store_bodies.h"
#include "store_rows.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- one body under test ---- */

struct fixture {
    const char *kind;
    struct loop *loop;
    struct store *store;
    struct arena asked; /* what must stay until it is answered */
    char folder[64], path[96];
};
static struct pg_server server;

static inline void open_body(struct fixture *f)
{
    struct err err;
    if (strcmp(f->kind, "memory") == 0) {
        f->store = store_mem_open(
            &(struct store_mem_options){.instance = "one", .immediate = true, .keep_events = true});
        return;
    }
    f->loop = loop_new(clock_real(), NULL, &err);
    if (strcmp(f->kind, "postgresql") == 0) {
        f->store = pg_store_open(&server, f->path, "one", f->loop);
        return;
    }
    f->store = store_sqlite_open(
        &(struct store_sqlite_options){
            .path = f->path, .instance = "one", .migrate = true, .loop = f->loop},
        &err);
    if (!f->store)
        fail_msg("%s", err.text);
}

static inline void close_body(struct fixture *f)
{
    store_close(f->store);
    if (f->loop) {
        while (loop_turn(f->loop, 0))
            ;
        loop_free(f->loop);
    }
    f->store = NULL;
    f->loop = NULL;
}

static inline int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->kind = *state;
    snprintf(f->folder, sizeof f->folder, "/tmp/test_store_XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/t.db", f->folder);
    if (strcmp(f->kind, "postgresql") == 0)
        pg_store_base(&server, f->path, sizeof f->path);
    open_body(f);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;
    const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    close_body(f);
    for (size_t i = 0; i < 4; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", f->path, ends[i]);
        unlink(path);
    }
    rmdir(f->folder);
    arena_free(&f->asked);
    free(f);
    return 0;
}

struct got {
    struct err err;
    int count;
    int order;      /* how many answers were given before it, of all */
    int64_t number; /* the new term; a write's last event */
    size_t rows;
    char keys[2000], text[2000];
    int64_t seqs[64];
};
static int answers;

static inline void note(struct got *got, const struct err *err)
{
    got->count++;
    got->order = answers++;
    if (err)
        got->err = *err;
    else
        err_clear(&got->err);
}

static inline void took(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)handle;
    note(owner, err);
    if (value)
        ((struct got *)owner)->number = *(const int64_t *)value;
}

static inline void read_rows(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct got *got = owner;
    const struct store_rows *rows = value;
    (void)handle;
    note(got, err);
    for (size_t i = 0; rows && i < rows->count; i++) {
        strncat(got->keys, row_key(rows->table, rows->rows[i]), 100);
        strncat(got->keys, " ", 2);
    }
    got->rows = rows ? rows->count : 0;
}

static inline void read_log(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct got *got = owner;
    const struct store_events *events = value;
    (void)handle;
    note(got, err);
    for (size_t i = 0; events && i < events->count && i < 64; i++) {
        strncat(got->keys, events->list[i].kind, 100);
        strncat(got->keys, " ", 2);
        got->seqs[i] = events->list[i].seq;
    }
    got->rows = events ? events->count : 0;
    if (events && events->count)
        snprintf(got->text, sizeof got->text, "%s", events->list[0].body);
}

static inline void turn_until(struct fixture *f, struct got *got)
{
    assert_int_equal(got->count, 0); /* never before the asking call returned */
    for (int i = 0; i < 5000 && got->count == 0; i++) {
        if (f->loop)
            loop_turn(f->loop, 10);
        else
            store_mem_turn(f->store);
    }
    assert_int_equal(got->count, 1);
}

/* ---- rows to write ---- */

#define CHANGE(id, before_row, after_row)                                                          \
    ((struct change){.table = &tables[id], .before = (before_row), .after = (after_row)})

struct asked { /* one event with up to four changes, under a term */
    int64_t term;
    const char *kind, *fence;
    struct change changes[4];
    size_t count;
};

/* A write of one change. */
#define ONE(id, before_row, after_row)                                                             \
    (&(struct asked){.changes = {CHANGE(id, before_row, after_row)}, .count = 1})

static inline void ask(struct fixture *f, const struct asked *asked, struct got *got)
{
    struct store_event event = {.kind = asked->kind ? asked->kind : "test.changed",
                                .subject = "s",
                                .at_us = 1000000,
                                .change_count = asked->count};
    memcpy(event.changes, asked->changes, sizeof asked->changes);
    memset(got, 0, sizeof *got);
    struct store_write write = {
        .term = asked->term, .fence = asked->fence, .events = &event, .event_count = 1};
    write = store_write_copy(&f->asked, &write);
    store_write(f->store, &write, (struct waiter){.answer = took, .owner = got});
}

static inline enum err_code write_now(struct fixture *f, const struct asked *asked)
{
    struct got got;
    ask(f, asked, &got);
    turn_until(f, &got);
    if (got.err.code != ERR_OK)
        assert_int_equal(got.err.class, ERR_REFUSED);
    return got.err.code;
}

static inline enum err_code insert_signal(struct fixture *f, const char *id, int64_t received_us)
{
    struct signal s = signal_of(id, received_us);
    return write_now(f, ONE(TABLE_SIGNAL, NULL, &s));
}

static inline struct got query(struct fixture *f, const struct store_query *q)
{
    struct got got = {0};
    store_query(f->store, q, (struct waiter){.answer = read_rows, .owner = &got});
    turn_until(f, &got);
    return got;
}

static inline struct got events(struct fixture *f, const struct store_events_query *q)
{
    struct got got = {0};
    store_events(f->store, q, (struct waiter){.answer = read_log, .owner = &got});
    turn_until(f, &got);
    return got;
}

static inline void expect_sound(struct fixture *f, int64_t count)
{
    struct str report = STR_EMPTY;
    struct book *kept = book_new(), *folded = book_new();
    struct err err;
    struct store_status status;
    assert_true(store_load_tables(f->store, kept, &err));
    assert_true(store_state_at(f->store, INT64_MAX - 1, folded, &err));
    size_t faults = book_compare(kept, folded, &report, 10);
    if (faults)
        fail_msg("%s", str_text(&report));
    store_status(f->store, &status);
    assert_int_equal(status.events, count);
    book_free(kept);
    book_free(folded);
}

static inline int run_bodies(int (*run_all)(char *kind))
{
    char memory[] = "memory", sqlite[] = "sqlite", postgres[] = "postgresql";
    int failed = run_all(memory) + run_all(sqlite);
    pg_server_start(&server);
    failed += run_all(postgres);
    pg_server_stop(&server);
    return failed;
}

#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name, set_up, tear_down, kind                                                       \
    }
#endif
