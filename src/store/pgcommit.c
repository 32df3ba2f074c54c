/* How writes reach PostgreSQL.
 *
 *     idle -> fast ---------------------------------> answered
 *        \       \ head moved, a row did not fit
 *         \       v
 *          `---> lock -> others' events told -> write -> answered
 *
 * Fast is one round trip: the transaction begins by moving the end of the log from where we believe
 * it to be. Whoever moved it first makes it fail; then the end is taken and held, what was missed
 * is read and told, and the same writes are put into words again. The same way finds out which
 * write of a batch does not fit: what stands is read while the end is held, each write is judged by
 * it, and the others go on in the same transaction.
 *
 * A COMMIT whose answer was lost may still be under way in a session nobody listens to. To settle
 * it, the end of the log is taken (which waits for that session) and either has our hash, or the
 * end's turn is moved on, so that what has not happened by then never will. */
#include "store/store_pg.h"

#include "store/pgrows.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TAIL_MAX 2000
#define RETRY_BASE_US 5000
#define RETRY_CAP_US 250000
#define RETRIES_MAX 10

/* The planner must not choose ways that are good for a small table and fatal for a large one, nor
 * plan the same statement again and again. A session that nobody listens to any more must not keep
 * the end of the log: nobody else can commit meanwhile, so it is gone well before its instance is
 * taken for dead. */
#define SETUP                                                                                      \
    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; "                         \
    "SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off; "                       \
    "SET idle_in_transaction_session_timeout = 700; SET lock_timeout = 1500; "                     \
    "SET statement_timeout = 3000; SET client_connection_check_interval = 1000"

static void on_done(void *ctx, const struct err *err, size_t statement);
static void on_rows(void *ctx, size_t statement, const struct pg_rows *rows);

/* ---- a request ---- */

static size_t put(struct pgstore *s, const char *name, const char *sql, const struct pg_args *args)
{
    pg_put(s->commit.pg, name, sql, args);
    return s->commit.put++;
}

static void begin_request(struct pgstore *s, enum pgphase phase)
{
    struct pgcommit *c = &s->commit;
    c->phase = phase;
    c->put = 0;
    c->head_at = c->events_at = c->versions_at = SIZE_MAX;
    arena_reset(&c->foreign_arena);
    c->foreign_count = 0;
    err_clear(&c->read_err);
    if (c->rollback && phase != PG_WRITE && phase != PG_RELEASE) {
        put(s, "rollback", "ROLLBACK", NULL);
        c->rollback = false;
    }
}

static void send_request(struct pgstore *s, bool commits)
{
    pg_send(s->commit.pg, &(struct pg_request){.commits = commits,
                                               .deadline_us = s->request_us,
                                               .rows = on_rows,
                                               .done = on_done,
                                               .ctx = s});
}

static void put_tail(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    int64_t most = TAIL_MAX;
    if (c->ambiguous && c->sent_seq - s->follow.seq > most) /* whether it ends with ours */
        most = c->sent_seq - s->follow.seq;
    pg_args_clear(&c->args);
    pg_arg_int(&c->args, s->follow.seq);
    pg_arg_int(&c->args, most);
    c->events_at = put(s, "tail",
                       "SELECT seq,at,kind,subject,instance,term,body,hash FROM events "
                       "WHERE seq>$1::bigint ORDER BY seq LIMIT $2::bigint",
                       &c->args);
}

static void put_lock(struct pgstore *s, bool serializable)
{
    struct pgcommit *c = &s->commit;
    if (serializable) {
        /* The snapshot is taken after this lock, so nobody's commit can contradict it. */
        put(s, "begins", "BEGIN ISOLATION LEVEL SERIALIZABLE", NULL);
        put(s, "locks", "LOCK TABLE log_head IN SHARE ROW EXCLUSIVE MODE", NULL);
    } else {
        put(s, "begin", "BEGIN", NULL);
    }
    c->head_at = put(s, "head", "SELECT seq,hash,turns FROM log_head WHERE one FOR UPDATE", NULL);
    put_tail(s);
}

static void put_advance(struct pgstore *s, bool hoping)
{
    struct pgcommit *c = &s->commit;
    pg_args_clear(&c->args);
    pg_arg_int(&c->args, pgbatch_seq(c->batch));
    pg_arg_bytes(&c->args, pgbatch_hash(c->batch), SHA256_SIZE);
    if (!hoping) {
        put(s, "advance",
            "UPDATE log_head SET seq=$1::bigint,hash=$2::bytea,turns=turns+1 WHERE one", &c->args);
        return;
    }
    pg_arg_int(&c->args, s->follow.seq);
    pg_arg_int(&c->args, s->follow.turns);
    pg_arg_bytes(&c->args, s->follow.hash, SHA256_SIZE);
    put(s, "hope",
        "WITH a AS (UPDATE log_head SET seq=$1::bigint,hash=$2::bytea,turns=turns+1 WHERE one AND "
        "seq=$3::bigint AND turns=$4::bigint AND hash=$5::bytea RETURNING 1) "
        "SELECT CASE WHEN count(*)<>1 THEN tl_expect(count(*),1,'log_head','TL001') END FROM a",
        &c->args);
}

/* Nobody needs waking who is alone. */
static void put_notice(struct pgstore *s)
{
    char text[24];
    if (book_count(s->follow.fence, TABLE_MEMBER) == 1)
        return;
    snprintf(text, sizeof text, "%" PRId64, pgbatch_seq(s->commit.batch));
    pg_args_clear(&s->commit.args);
    pg_arg_text(&s->commit.args, text);
    put(s, "notify", "SELECT pg_notify('" PG_CHANNEL "',$1::text)", &s->commit.args);
}

static void put_batch(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    pgbatch_put(c->batch, c->pg);
    pgtake_put_silence(s);
    put_notice(s);
    put(s, "commit", "COMMIT", NULL);
    c->sent_seq = pgbatch_seq(c->batch);
    memcpy(c->sent_hash, pgbatch_hash(c->batch), SHA256_SIZE);
    send_request(s, true);
}

/* ---- a batch ---- */

static void go_on(struct pgstore *s)
{
    s->commit.phase = PG_IDLE;
    if (!s->closing)
        loop_defer(s->loop, pgcommit_start, s);
}

static bool send_fast(struct pgstore *s);

/* What waits is sent before what was committed is answered, so that the database works meanwhile:
 * answering takes a good part of a commit's time. */
static void start_early(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    if (s->closing || s->refused || c->contended || !c->first)
        return;
    pgtake_batch(s);
    c->began_us = clock_steady(s->clock);
    if (!pgtake_serializable(c))
        send_fast(s); /* if nothing of it can be made, it is answered in its turn */
}

static void finish_batch(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    struct pgtaken taken UNSET;
    pgtake_apply(s);
    s->follow.turns++;
    c->limit = c->limit * 2 < PG_BATCH_MAX ? c->limit * 2 : PG_BATCH_MAX;
    s->last_commit_us = clock_steady(s->clock) - c->began_us;
    if (s->commit_seconds)
        metric_observe_us(s->commit_seconds, s->last_commit_us);
    metric_add(s->commits, 1);
    pgtake_mark(s);
    pgtake_detach(s, &taken);
    c->phase = PG_IDLE;
    start_early(s);
    if (c->phase == PG_IDLE)
        c->ahead = 0;
    pgtake_answer_all(s, &taken);
    if (c->phase == PG_IDLE)
        go_on(s);
}

/* ---- starting ---- */

/* False: nothing of the batch can be made, and nothing was sent. */
static bool send_fast(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    if (c->ahead == 0)
        pgtake_begin(s);
    if (pgtake_judge(s) == 0)
        return false;
    begin_request(s, PG_FAST);
    put(s, "begin", "BEGIN", NULL);
    put_advance(s, true);
    put_batch(s);
    pgtake_look_ahead(s);
    return true;
}

static void start_fast(struct pgstore *s)
{
    if (send_fast(s))
        return;
    pgtake_answer(s);
    go_on(s);
}

/* `held`: the end is ours already, only what we know of it must be read again. */
static void start_lock(struct pgstore *s, bool held)
{
    struct pgcommit *c = &s->commit;
    begin_request(s, PG_LOCK);
    if (held)
        put_tail(s);
    else
        put_lock(s, pgtake_serializable(c));
    if (c->careful) {
        struct pending *writes[PG_BATCH_MAX];
        for (size_t i = 0; i < c->taken_count; i++)
            writes[i] = &c->taken[i]->pending;
        c->versions_at = c->put;
        pgtake_begin(s);
        pgbatch_ask_versions(c->batch, writes, c->taken_count, c->pg);
        c->put += pgbatch_version_statements(c->batch);
    }
    send_request(s, false);
}

static void start_write(struct pgstore *s)
{
    begin_request(s, PG_WRITE);
    put_advance(s, false);
    put_batch(s);
}

static void start_tail(struct pgstore *s)
{
    s->commit.tail_wanted = false;
    begin_request(s, PG_TAIL);
    s->commit.head_at = put(s, "end", "SELECT seq,hash,turns FROM log_head WHERE one", NULL);
    put_tail(s);
    send_request(s, false);
}

static void start_settle(struct pgstore *s)
{
    begin_request(s, PG_SETTLE);
    put_lock(s, false);
    send_request(s, false);
}

void pgcommit_start(void *store)
{
    struct pgstore *s = store;
    struct pgcommit *c = &s->commit;
    if (c->phase != PG_IDLE || !pg_idle(c->pg))
        return;
    if (c->ambiguous) {
        start_settle(s);
        return;
    }
    if (c->taken_count == 0)
        pgtake_batch(s);
    c->began_us = clock_steady(s->clock);
    if (c->taken_count == 0) {
        if (c->tail_wanted)
            start_tail(s);
    } else if (s->refused) {
        pgtake_fail(s, &s->trouble);
        go_on(s);
    } else if (c->careful || c->contended || s->follow.turns < 0 || pgtake_serializable(c)) {
        start_lock(s, false);
    } else {
        start_fast(s);
    }
}

/* ---- what comes back ---- */

static void on_rows(void *ctx, size_t statement, const struct pg_rows *rows)
{
    struct pgstore *s = ctx;
    struct pgcommit *c = &s->commit;
    if (statement == c->head_at && pg_count(rows) == 1) {
        c->head_seq = pg_int(rows, 0, 0);
        c->head_turns = pg_int(rows, 0, 2);
        if (pg_length(rows, 0, 1) == SHA256_SIZE)
            memcpy(c->head_hash, pg_text(rows, 0, 1), SHA256_SIZE);
    } else if (statement == c->events_at) {
        for (size_t i = 0; i < pg_count(rows); i++)
            pgtail_take(s, rows, i);
    } else if (c->versions_at != SIZE_MAX && statement >= c->versions_at &&
               statement < c->versions_at + pgbatch_version_statements(c->batch)) {
        pgbatch_tell_versions(c->batch, statement - c->versions_at, rows);
    }
}

static void try_again(struct pgstore *s, const struct err *err)
{
    struct pgcommit *c = &s->commit;
    c->phase = PG_IDLE;
    metric_add(s->retries, 1);
    if (strcmp(pg_sqlstate(c->pg), "25006") == 0)
        pg_drop(c->pg); /* it was made a replica: another host takes writes now */
    if (c->attempts++ >= RETRIES_MAX && !c->ambiguous) {
        pgtake_fail(s, err);
        go_on(s);
        return;
    }
    loop_timer_start_in(
        c->retry, chance_backoff_us(&s->chance, RETRY_BASE_US, RETRY_CAP_US, c->attempts) + 1000);
}

/* The end is held and known. */
static void on_locked(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    size_t others = c->foreign_count;
    if (!pgtail_follow(s, 0)) {
        c->rollback = true;
        pgtake_fail(s, &s->trouble);
        go_on(s);
        return;
    }
    c->contended = others > 0;
    /* Far behind, or our rows may have been changed to follow what was read. */
    if (s->follow.seq != c->head_seq || (c->careful && others > 0)) {
        start_lock(s, true);
        return;
    }
    if (!c->careful)
        pgtake_begin(s);
    if (pgtake_judge(s) > 0) {
        start_write(s);
        return;
    }
    c->rollback = true;
    pgtake_answer(s);
    go_on(s);
}

static void on_refused(struct pgstore *s, const struct err *err)
{
    struct pgcommit *c = &s->commit;
    bool moved = strcmp(pg_sqlstate(c->pg), "TL001") == 0;
    c->rollback = true;
    if (moved) {
        c->contended = true;
        go_on(s);
    } else if (strcmp(pg_sqlstate(c->pg), "TL004") == 0) {
        struct err refusal;
        refuse_silence(&refusal, &c->taken[c->taken_count - 1]->pending.write);
        pgtake_divide(s, &refusal); /* it changes a member, so it is the last */
        go_on(s);
    } else if (err->class == ERR_REFUSED || strcmp(pg_sqlstate(c->pg), "TL002") == 0) {
        bool knew = c->careful && c->phase == PG_WRITE;
        c->careful = true;
        if (knew)
            pgtake_divide(s, err);
        go_on(s);
    } else {
        try_again(s, err);
    }
}

static void note_ambiguous(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    c->ambiguous = true;
    c->doubt_us = clock_steady(s->clock);
}

/* Lost connections end here as well; the next one begins where this one stopped. */
static void on_failed(struct pgstore *s, const struct err *err)
{
    struct pgcommit *c = &s->commit;
    bool in_session = pg_ready(c->pg);
    if (!in_session)
        c->rollback = false;
    if (err->class == ERR_MAYBE_DONE && (c->phase == PG_FAST || c->phase == PG_WRITE)) {
        note_ambiguous(s);
        c->phase = PG_IDLE;
    } else if (!in_session) {
        c->phase = PG_IDLE;
    } else if (c->phase == PG_FAST || c->phase == PG_WRITE) {
        on_refused(s, err);
    } else {
        c->rollback = c->phase != PG_TAIL;
        try_again(s, err);
    }
}

/* The end is held. Where ours is not in the log it stays in doubt until the end's turn has moved
 * on: if that fails, the lost one may still come. */
static void on_settled(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    size_t ours = 0;
    for (size_t i = 0; i < c->foreign_count; i++)
        if (c->foreign[i].seq == c->sent_seq &&
            memcmp(c->foreign[i].hash, c->sent_hash, SHA256_SIZE) == 0)
            ours = i + 1;
    if (ours) {
        c->ambiguous = false;
        pgtake_apply(s);
        pgtake_answer(s);
    }
    if (!pgtail_follow(s, ours)) {
        struct err err = s->trouble;
        if (c->ambiguous)
            err.class = ERR_MAYBE_DONE;
        c->ambiguous = false;
        pgtake_fail(s, &err);
    }
    begin_request(s, PG_RELEASE);
    put(s, "turn", "UPDATE log_head SET turns=turns+1 WHERE one", NULL);
    put(s, "commit", "COMMIT", NULL);
    send_request(s, false);
}

static void on_done(void *ctx, const struct err *err, size_t statement)
{
    struct pgstore *s = ctx;
    struct pgcommit *c = &s->commit;
    (void)statement;
    pgsnapshot_drop(s);
    c->ahead_open = false;
    if (err) {
        c->ahead = 0;
        on_failed(s, err);
        return;
    }
    switch (c->phase) {
    case PG_FAST:
    case PG_WRITE:
        finish_batch(s);
        return;
    case PG_LOCK:
        on_locked(s);
        return;
    case PG_SETTLE:
        on_settled(s);
        return;
    case PG_RELEASE:
        c->ambiguous = false;
        s->follow.turns = -1;
        break;
    case PG_TAIL:
        if (pgtail_follow(s, 0) && s->follow.seq < c->head_seq)
            c->tail_wanted = true;
        break;
    case PG_IDLE:
        break;
    }
    go_on(s);
}

void pgcommit_tail(struct pgstore *s)
{
    s->commit.tail_wanted = true;
    if (s->commit.phase == PG_IDLE)
        loop_defer(s->loop, pgcommit_start, s);
}

/* ---- opening and closing ---- */

static void on_retry(void *ctx)
{
    pgcommit_start(ctx);
}

static void on_changed(void *ctx, const struct err *err)
{
    struct pgstore *s = ctx;
    if (err && !s->down_us)
        s->down_us = clock_steady(s->clock);
    if (!err)
        s->down_us = 0;
    if (!s->refused)
        pgstore_trouble(s, err);
    if (err || s->closing)
        return;
    s->commit.tail_wanted = true; /* and what it read meanwhile */
    pgcommit_start(s);
}

bool pgcommit_open(struct pgstore *s, struct err *err)
{
    struct pgcommit *c = &s->commit;
    c->last = &c->first;
    c->limit = PG_BATCH_MAX;
    c->batch = pgbatch_new(s->instance);
    c->retry = loop_timer_new(s->loop, on_retry, s);
    arena_init(&c->foreign_arena, 64 * 1024);
    c->pg = pg_open(&(struct pg_options){.loop = s->loop,
                                         .url = s->url,
                                         .name = "tidelock write",
                                         .read_write = true,
                                         .connect_us = s->request_us,
                                         .setup = SETUP,
                                         .changed = on_changed,
                                         .ctx = s},
                    err);
    return c->pg != NULL;
}

void pgcommit_drain(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    int64_t until_us = clock_steady(s->clock) + s->patience_us;
    while (c->pg && (c->first || c->taken_count || c->ambiguous) &&
           clock_steady(s->clock) < until_us) {
        pgcommit_start(s);
        pg_wait(c->pg, 20000);
    }
}

void pgcommit_close(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    struct err err;
    bool maybe = c->ambiguous || c->phase == PG_FAST || c->phase == PG_WRITE;
    pg_close(c->pg);
    c->phase = PG_IDLE;
    while (c->first || c->taken_count) {
        if (!c->taken_count)
            pgtake_batch(s);
        refuse_closed(&err);
        if (maybe)
            err.class = ERR_MAYBE_DONE;
        maybe = false;
        pgtake_fail(s, &err);
    }
    if (s->loop)
        loop_defer_cancel(s->loop, pgcommit_start, s);
    loop_timer_free(c->retry);
    pgbatch_free(c->batch);
    pg_args_free(&c->args);
    arena_free(&c->foreign_arena);
    mem_free(c->foreign);
    pgtake_free(s);
}
