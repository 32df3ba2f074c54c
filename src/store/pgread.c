/* Queries: on whichever connection of the pool is free, in the order of asking. A commit was
 * answered before it could be asked about, so each sees everything answered before it.
 *
 * What may be late goes to the replica when there is one: in the same request it says where its log
 * ends, and what is too far behind is asked of the pool instead. */
#include "store/store_pg.h"

#include "store/filter.h"
#include "store/pgrows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LIMIT_DEFAULT 1000
#define SETUP "SET default_transaction_read_only = on; SET statement_timeout = 5000; SET jit = off"

struct pgread {
    struct pgread *next;
    struct pending pending;
    bool is_events, history;
    struct filter filter;
    struct str sql;
    struct pg_args args;
    char name[24];
    int64_t asked_us, replica_seq;
    struct store_rows rows;
    struct store_events events;
};

static void dispatch(struct pgstore *s);

static void free_read(struct pgread *read)
{
    pending_free(&read->pending);
    str_free(&read->sql);
    pg_args_free(&read->args);
    mem_free(read);
}

static void answer_read(struct pgread *read)
{
    pending_answer(&read->pending, read->is_events ? (const void *)&read->events : &read->rows);
    free_read(read);
}

/* ---- results ---- */

static void keep_rows(struct pgread *read, const struct pg_rows *rows)
{
    const struct table *table = read->filter.table;
    struct arena *arena = &read->pending.arena;
    size_t count = pg_count(rows);
    const void **list = arena_alloc(arena, (count + 1) * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        void *row = arena_alloc(arena, table->row_size);
        if (!pgrows_read(rows, i, table, row, arena, &read->pending.err))
            return;
        list[i] = row;
    }
    read->rows = (struct store_rows){.table = table, .count = count, .rows = list};
}

static void keep_events(struct pgread *read, const struct pg_rows *rows)
{
    struct arena *arena = &read->pending.arena;
    size_t count = pg_count(rows);
    struct event *list = arena_alloc(arena, (count + 1) * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        if (!pgrows_read_event(rows, i, &list[i], &read->pending.err))
            return;
        list[i].kind = arena_text(arena, list[i].kind);
        list[i].subject = arena_text(arena, list[i].subject);
        list[i].instance = arena_text(arena, list[i].instance);
        list[i].body = arena_text(arena, list[i].body);
    }
    read->events = (struct store_events){.count = count, .list = list};
}

static void on_rows(void *ctx, size_t statement, const struct pg_rows *rows)
{
    struct pgread_conn *conn = ctx;
    struct pgread *read = conn->read;
    if (conn->replica && statement == 0)
        read->replica_seq = pg_int(rows, 0, 0);
    else if (read->is_events)
        keep_events(read, rows);
    else
        keep_rows(read, rows);
}

/* Where the log ended, as we know, one bound ago. */
static int64_t bound_seq(const struct pgstore *s)
{
    int64_t latest_us = clock_steady(s->clock) - s->lag_us, seq = 0;
    for (size_t i = 0; i < 8; i++)
        if (s->lag_marks[i][0] <= latest_us && s->lag_marks[i][1] > seq)
            seq = s->lag_marks[i][1];
    return seq;
}

static void enqueue(struct pgstore *s, struct pgread *read)
{
    struct pgreads *r = &s->reads;
    read->next = NULL;
    *r->last = read;
    r->last = &read->next;
    r->count++;
}

static void on_done(void *ctx, const struct err *err, size_t statement)
{
    struct pgread_conn *conn = ctx;
    struct pgstore *s = conn->store;
    struct pgread *read = conn->read;
    (void)statement;
    conn->read = NULL;
    bool of_primary = conn->replica && (err || read->replica_seq < bound_seq(s));
    /* A lost connection did nothing: another is asked, until it takes too long. */
    bool again = err && err->class == ERR_LATER && err->code != ERR_TIMEOUT && !s->closing &&
                 clock_steady(s->clock) - read->asked_us < s->patience_us;
    if (of_primary || again) {
        err_clear(&read->pending.err);
        read->history = read->history && !of_primary;
        enqueue(s, read);
    } else {
        if (err)
            read->pending.err = *err;
        answer_read(read);
    }
    if (!s->closing)
        dispatch(s);
}

/* ---- asking ---- */

static void send_read(struct pgread_conn *conn, struct pgread *read)
{
    conn->read = read;
    if (conn->replica)
        pg_put(conn->pg, "end", "SELECT seq FROM log_head WHERE one", NULL);
    pg_put(conn->pg, read->name, str_text(&read->sql), &read->args);
    pg_send(conn->pg, &(struct pg_request){.deadline_us = conn->store->request_us * 2,
                                           .rows = on_rows,
                                           .done = on_done,
                                           .ctx = conn});
}

static void on_changed(void *ctx, const struct err *err)
{
    struct pgread_conn *conn = ctx;
    if (!err)
        dispatch(conn->store);
}

static void open_conn(struct pgread_conn *conn, struct pgstore *s, const char *url, bool replica)
{
    struct err err;
    conn->store = s;
    conn->replica = replica;
    conn->pg = pg_open(&(struct pg_options){.loop = s->loop,
                                            .url = url,
                                            .name = replica ? "tidelock history" : "tidelock read",
                                            .read_write = !replica,
                                            .connect_us = s->request_us,
                                            .setup = SETUP,
                                            .changed = on_changed,
                                            .ctx = conn},
                       &err);
}

/* A connection that is free; one more is made when all are at work, one at a time. */
static struct pgread_conn *free_conn(struct pgstore *s, const struct pgread *read)
{
    struct pgreads *r = &s->reads;
    bool making = false;
    if (read->history && r->replica.pg && pg_idle(r->replica.pg))
        return &r->replica;
    for (size_t i = 0; i < r->pool_size; i++) {
        struct pgread_conn *conn = &r->pool[i];
        if (conn->pg && pg_idle(conn->pg))
            return conn;
        making = making || (conn->pg && !pg_ready(conn->pg));
        if (!conn->pg && !making) {
            open_conn(conn, s, s->url, false);
            making = true;
        }
    }
    return NULL;
}

static void dispatch(struct pgstore *s)
{
    struct pgreads *r = &s->reads;
    while (r->first) {
        struct pgread *read = r->first;
        struct pgread_conn *conn = free_conn(s, read);
        if (!conn)
            return;
        r->first = read->next;
        if (!r->first)
            r->last = &r->first;
        r->count--;
        send_read(conn, read);
    }
}

static void start_reading(void *store)
{
    dispatch(store);
}

/* A statement's name is made of its text, so that the same question is planned once. */
static void ask(struct pgstore *s, struct pgread *read)
{
    uint64_t hash = 14695981039346656037u;
    for (const char *c = str_text(&read->sql); *c; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    snprintf(read->name, sizeof read->name, "q%016" PRIx64, hash);
    read->asked_us = clock_steady(s->clock);
    enqueue(s, read);
    loop_defer(s->loop, start_reading, s);
}

static struct pgread *make_read(struct pgstore *s, struct waiter to)
{
    struct err err;
    if (!s->closing && s->loop && s->reads.count < PG_READS_MAX) {
        struct pgread *read = mem_alloc(sizeof *read);
        pending_init(&read->pending);
        read->pending.to = to;
        return read;
    }
    if (s->closing || !s->loop)
        refuse_closed(&err);
    else
        err_set(&err, ERR_LATER, ERR_FULL, "%d queries wait for the database already",
                PG_READS_MAX);
    refuse_later(s->loop, &err, to);
    return NULL;
}

void pgread_query(struct store *store, const struct store_query *query, struct waiter to)
{
    struct pgstore *s = (struct pgstore *)store;
    struct pgread *read = make_read(s, to);
    if (!read)
        return;
    read->history = query->history;
    if (filter_read(&read->filter, query, &read->pending.arena, &read->pending.err)) {
        pgrows_select(&read->filter, true, &read->sql, &read->args);
        ask(s, read);
        return;
    }
    refuse_later(s->loop, &read->pending.err, to);
    free_read(read);
}

void pgread_events(struct store *store, const struct store_events_query *query, struct waiter to)
{
    struct pgstore *s = (struct pgstore *)store;
    struct pgread *read = make_read(s, to);
    if (!read)
        return;
    read->is_events = true;
    read->history = query->history;
    pgrows_select_events(query, query->limit ? query->limit : LIMIT_DEFAULT, &read->sql,
                         &read->args);
    ask(s, read);
}

void pgread_expire(struct pgstore *s)
{
    struct pgreads *r = &s->reads;
    int64_t oldest_us = clock_steady(s->clock) - s->patience_us;
    while (r->first && r->first->asked_us < oldest_us) {
        struct pgread *read = r->first;
        r->first = read->next;
        if (!r->first)
            r->last = &r->first;
        r->count--;
        err_set(&read->pending.err, ERR_LATER, ERR_IO, "the database is away: %.200s",
                s->trouble.code ? s->trouble.text : "every connection is at work");
        answer_read(read);
    }
}

/* ---- opening and closing ---- */

bool pgread_open(struct pgstore *s, size_t pool, struct err *err)
{
    struct pgreads *r = &s->reads;
    size_t most = sizeof r->pool / sizeof r->pool[0];
    (void)err;
    r->last = &r->first;
    r->pool_size = pool < 1 ? 1 : pool > most ? most : pool;
    if (s->replica_url)
        open_conn(&r->replica, s, s->replica_url, true);
    return true;
}

void pgread_drain(struct pgstore *s)
{
    struct pgreads *r = &s->reads;
    int64_t until_us = clock_steady(s->clock) + s->patience_us;
    for (bool busy = true; busy && clock_steady(s->clock) < until_us;) {
        dispatch(s);
        busy = r->first != NULL;
        for (size_t i = 0; i <= r->pool_size; i++) {
            struct pgread_conn *conn = i < r->pool_size ? &r->pool[i] : &r->replica;
            if (!conn->pg || (!conn->read && pg_ready(conn->pg)))
                continue;
            busy = busy || conn->read;
            if (busy)
                pg_wait(conn->pg, 5000);
        }
    }
}

static void close_conn(struct pgread_conn *conn)
{
    pg_close(conn->pg);
    conn->pg = NULL;
    if (conn->read) {
        refuse_closed(&conn->read->pending.err);
        answer_read(conn->read);
    }
    conn->read = NULL;
}

void pgread_close(struct pgstore *s)
{
    struct pgreads *r = &s->reads;
    loop_defer_cancel(s->loop, start_reading, s);
    for (size_t i = 0; i < r->pool_size; i++)
        close_conn(&r->pool[i]);
    close_conn(&r->replica);
    for (struct pgread *read; (read = r->first);) {
        r->first = read->next;
        refuse_closed(&read->pending.err);
        answer_read(read);
    }
}
