/* The connection that is a session of ours for as long as we live: it gives our sign of life, reads
 * the others', and hears when somebody commits. It cannot go through a pooler, which may keep a
 * session when its client is dead (store.direct is its URL then). */
#include "store/store_pg.h"

#include <stdlib.h>
#include <string.h>

#define BEATS_MAX 16
#define SWEEP_MIN 4096
/* A sign of life is not worth waiting for a disk or a standby. */
#define SETUP                                                                                      \
    "SET synchronous_commit = off; SET statement_timeout = 2000; SET lock_timeout = 1000; "        \
    "LISTEN " PG_CHANNEL
#define GIVE                                                                                       \
    "INSERT INTO beats SELECT $1::bigint,$2::bigint,pg_backend_pid(),(SELECT backend_start FROM "  \
    "pg_stat_get_activity(pg_backend_pid())) ON CONFLICT (term) DO UPDATE SET beat=EXCLUDED.beat," \
    "pid=EXCLUDED.pid,since=EXCLUDED.since"
/* No sign yet, or one from before the server began: nothing is known of the session. */
#define LOOK                                                                                       \
    "SELECT i.term,coalesce(b.beat,0),b.pid IS NULL OR b.since<pg_postmaster_start_time() OR "     \
    "EXISTS (SELECT FROM pg_stat_get_activity(b.pid) AS a WHERE a.backend_start IS NULL OR "       \
    "b.since IS NULL OR a.backend_start=b.since) FROM instances AS i LEFT JOIN beats AS b "        \
    "ON b.term=i.term WHERE i.state='alive' ORDER BY i.term"

/* A process that stood still in the middle of sending a transaction keeps the end of the log: the
 * server waits for the rest of a message, and none of its timeouts runs meanwhile. */
#define STUCK_US 400000 /* our own commit waits so long */
#define FREE                                                                                       \
    "SELECT 0::bigint,0::bigint,false FROM (SELECT pid FROM pg_stat_activity WHERE "               \
    "datname=current_database() AND application_name='tidelock write' AND state='active' AND "     \
    "wait_event='ClientRead' AND xact_start<clock_timestamp()-interval '1 second' OFFSET 0) AS s " \
    "WHERE pg_terminate_backend(pid) IS NULL"

struct pgbeat {
    struct pgbeat *next;
    int64_t term;
    int keep; /* -1: a beat; else upkeep */
    struct waiter to;
};

static void next(struct pgstore *s);

static void take_off(struct pgbeats *b)
{
    struct pgbeat *beat = b->first;
    b->first = beat->next;
    if (!b->first)
        b->last = &b->first;
    b->count--;
    mem_free(beat);
}

static void answer_first(struct pgstore *s, const struct err *err, const void *value)
{
    struct waiter to = s->beats.first->to;
    take_off(&s->beats);
    wait_answer(to, err, err ? NULL : value);
}

static void on_rows(void *ctx, size_t statement, const struct pg_rows *rows)
{
    struct pgbeats *b = &((struct pgstore *)ctx)->beats;
    (void)statement;
    for (size_t i = 0; i < pg_count(rows); i++) {
        if (b->list_count == b->list_room) {
            b->list_room = b->list_room ? b->list_room * 2 : 8;
            b->list = mem_realloc(b->list, b->list_room * sizeof *b->list);
        }
        b->list[b->list_count++] = (struct store_beat){
            .term = pg_int(rows, i, 0), .beat = pg_int(rows, i, 1), .session = pg_bool(rows, i, 2)};
    }
}

static void on_beat(void *ctx, const struct err *err, size_t statement)
{
    struct pgstore *s = ctx;
    struct pgbeats *b = &s->beats;
    const struct store_beats beats = {.count = b->list_count, .list = b->list};
    int64_t number = b->list_count ? b->list[0].term : 0;
    (void)statement;
    if (b->first)
        answer_first(s, err, b->first->keep < 0 ? (const void *)&beats : &number);
    if (!s->closing)
        next(s);
}

static void put_beat(struct pgstore *s, int64_t term)
{
    struct pgbeats *b = &s->beats;
    pg_args_clear(&b->args);
    pg_arg_int(&b->args, term);
    pg_arg_int(&b->args, ++b->beat);
    pg_put(b->pg, "give", GIVE, &b->args);
}

static void on_swept(void *ctx, const struct err *err, size_t statement)
{
    struct pgstore *s = ctx;
    struct pgbeats *b = &s->beats;
    (void)statement;
    b->listed = 0;
    b->sweep_at = SWEEP_MIN + (!err && b->list_count ? 2 * b->list[0].term : 0);
    if (!s->closing)
        next(s);
}

static void sweep(struct pgstore *s)
{
    struct pgbeats *b = &s->beats;
    pg_put(b->pg, "sweep", "SELECT tl_sweep(),0::bigint,false", NULL);
    pg_send(b->pg, &(struct pg_request){
                       .deadline_us = s->request_us, .rows = on_rows, .done = on_swept, .ctx = s});
}

static bool is_stuck(const struct pgstore *s)
{
    const struct pgcommit *c = &s->commit;
    return c->phase != PG_IDLE && clock_steady(s->clock) - c->began_us > STUCK_US;
}

static void next(struct pgstore *s)
{
    struct pgbeats *b = &s->beats;
    if (!pg_idle(b->pg))
        return;
    b->list_count = 0;
    if (!b->first) {
        if (b->listed >= b->sweep_at)
            sweep(s);
        return;
    }
    if (b->first->keep >= 0) {
        pg_args_clear(&b->args);
        pg_arg_int(&b->args, b->first->keep);
        pg_put(b->pg, "months", "SELECT tl_partitions(2,$1::bigint::integer),0::bigint,false",
               &b->args);
    } else {
        if (b->first->term) {
            b->term = b->first->term;
            put_beat(s, b->term);
        }
        if (is_stuck(s))
            pg_put(b->pg, "free", FREE, NULL);
        pg_put(b->pg, "look", LOOK, NULL);
    }
    pg_send(b->pg, &(struct pg_request){
                       .deadline_us = s->request_us, .rows = on_rows, .done = on_beat, .ctx = s});
}

static void start_beating(void *store)
{
    next(store);
}

static void ask(struct pgstore *s, int64_t term, int keep, struct waiter to)
{
    struct pgbeats *b = &s->beats;
    struct err err;
    /* Who may not write any more gives no sign of life: others take over. */
    if (s->closing || s->refused || !b->pg || !pg_ready(b->pg) || b->count >= BEATS_MAX) {
        if (s->closing)
            refuse_closed(&err);
        else
            err_set(&err, ERR_LATER, ERR_IO, "the database is away: %.200s",
                    s->trouble.code ? s->trouble.text : "no connection for signs of life");
        refuse_later(s->loop, &err, to);
        return;
    }
    struct pgbeat *beat = mem_alloc(sizeof *beat);
    *beat = (struct pgbeat){.term = term, .keep = keep, .to = to};
    *b->last = beat;
    b->last = &beat->next;
    b->count++;
    loop_defer(s->loop, start_beating, s);
}

void pgbeat_ask(struct store *store, int64_t term, struct waiter to)
{
    ask((struct pgstore *)store, term, -1, to);
}

void pgbeat_listed(struct pgstore *s, int64_t count)
{
    struct pgbeats *b = &s->beats;
    b->listed += count;
    if (b->listed >= b->sweep_at && !s->closing && b->pg && pg_ready(b->pg))
        loop_defer(s->loop, start_beating, s);
}

void pgbeat_upkeep(struct store *store, int keep, struct waiter to)
{
    ask((struct pgstore *)store, 0, keep > 0 ? keep : 0, to);
}

/* ---- the connection ---- */

static void on_changed(void *ctx, const struct err *err)
{
    struct pgstore *s = ctx;
    struct pgbeats *b = &s->beats;
    if (err) {
        while (b->first)
            answer_first(s, err, NULL);
        return;
    }
    if (s->closing)
        return;
    pgcommit_tail(s); /* what nobody heard while it was away */
    if (b->term) {    /* the session that stood for us is gone: this one does now */
        b->list_count = 0;
        put_beat(s, b->term);
        pg_send(b->pg,
                &(struct pg_request){.deadline_us = s->request_us, .done = on_beat, .ctx = s});
    }
}

static void on_notice(void *ctx, const char *payload)
{
    struct pgstore *s = ctx;
    if (strtoll(payload, NULL, 10) > s->follow.seq)
        pgcommit_tail(s);
}

bool pgbeat_open(struct pgstore *s, struct err *err)
{
    struct pgbeats *b = &s->beats;
    b->last = &b->first;
    b->pg = pg_open(&(struct pg_options){.loop = s->loop,
                                         .url = s->direct_url,
                                         .name = "tidelock alive",
                                         .read_write = true,
                                         .connect_us = s->request_us,
                                         .setup = SETUP,
                                         .changed = on_changed,
                                         .notified = on_notice,
                                         .ctx = s},
                    err);
    return b->pg != NULL;
}

void pgbeat_close(struct pgstore *s)
{
    struct pgbeats *b = &s->beats;
    struct err err;
    loop_defer_cancel(s->loop, start_beating, s);
    pg_close(b->pg);
    refuse_closed(&err);
    while (b->first)
        answer_first(s, &err, NULL);
    pg_args_free(&b->args);
    mem_free(b->list);
}
