/* The store in PostgreSQL: what several instances share.
 *
 * Its connections: one that writes and follows the log (pgcommit.c), one that is our session and
 * hears of others' commits (pgbeat.c), a pool for queries that is opened as it is needed and
 * perhaps one to a replica (pgread.c), and for start and command line one that blocks
 * (pgsnapshot.c). */
#include "store/store_pg.h"

#include "store/migrate_pg.h"
#include "store/pgpooler.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define REQUEST_US 2000000
#define PATIENCE_US 2500000
#define LAG_US 2000000
#define TICK_US 100000
/* Notices tell of others' commits; this is for the ones that were lost. */
#define TAIL_US 2000000
#define TAIL_DEAF_US 200000
#define CONNECT_US 10000000
#define POOL_DEFAULT 8
#define POOL_OTHERS 2 /* of the pool's connections: the writing and the hearing one */

void pgstore_trouble(struct pgstore *s, const struct err *err)
{
    bool was_ok = s->trouble.code == ERR_OK;
    if (err && was_ok)
        log_write(s->log, LOG_ERROR, "store", err->text, LOG_T("code", err_code_name(err->code)),
                  LOG_T("class", err_class_name(err->class)), LOG_END);
    if (!err && !was_ok)
        log_write(s->log, LOG_INFO, "store", "connected again", LOG_T("database", s->where),
                  LOG_END);
    if (err)
        s->trouble = *err;
    else
        err_clear(&s->trouble);
}

/* ---- asking ---- */

static bool may_write(struct pgstore *s, struct err *err)
{
    if (s->closing)
        return refuse_closed(err);
    if (s->read_only)
        return err_set(err, ERR_REFUSED, ERR_IO, "%.60s was opened for reading only", s->where);
    if (s->queued >= PG_WRITES_MAX)
        return err_set(err, ERR_LATER, ERR_FULL, "%d writes wait for the database already",
                       PG_WRITES_MAX);
    return !pgtake_refuses(s, err);
}

static void ask_write(struct store *store, const struct store_write *write, struct waiter to)
{
    struct pgstore *s = (struct pgstore *)store;
    struct err err;
    if (!may_write(s, &err)) {
        refuse_later(s->loop, &err, to);
        return;
    }
    struct pgasked *asked = pgtake_new(s);
    pending_fill(&asked->pending, write, to);
    pgtake_ask(s, asked);
    if (s->queue_depth)
        metric_set(s->queue_depth, (double)s->queued);
}

static void wake(struct store *store)
{
    pgcommit_tail((struct pgstore *)store);
}

static void status(const struct store *store, struct store_status *out)
{
    const struct pgstore *s = (const struct pgstore *)store;
    *out = (struct store_status){
        .kind = "postgresql",
        .ok = s->trouble.code == ERR_OK && !s->commit.ambiguous,
        .last_commit_us = s->last_commit_us,
        .queued = s->queued,
        .events = s->follow.seq,
        .term = fence_last_term(s->follow.fence),
    };
    if (out->ok)
        snprintf(out->text, sizeof out->text, "%.60s: %.95s", s->where, s->durability);
    else if (s->trouble.code)
        text_copy(out->text, sizeof out->text, s->trouble.text);
    else
        snprintf(out->text, sizeof out->text, "%.60s: whether a commit was done is being looked up",
                 s->where);
}

static void on_tick(void *ctx)
{
    struct pgstore *s = ctx;
    int64_t now_us = clock_steady(s->clock);
    bool deaf = !pg_ready(s->beats.pg);
    loop_timer_start_in(s->tick, TICK_US);
    pgtake_expire(s);
    pgread_expire(s);
    if (now_us < s->next_tail_us)
        return;
    s->next_tail_us = now_us + (deaf ? TAIL_DEAF_US : TAIL_US);
    pgcommit_tail(s);
}

/* ---- opening ---- */

struct settings {
    char commit[24], standbys[80], fsync[8], encoding[24];
    int64_t recovering;
};

static bool take_settings(void *ctx, const struct pg_rows *row, struct err *err)
{
    struct settings *settings = ctx;
    (void)err;
    text_copy(settings->commit, sizeof settings->commit, pg_text(row, 0, 0));
    text_copy(settings->standbys, sizeof settings->standbys, pg_text(row, 0, 1));
    text_copy(settings->fsync, sizeof settings->fsync, pg_text(row, 0, 2));
    text_copy(settings->encoding, sizeof settings->encoding, pg_text(row, 0, 3));
    settings->recovering = pg_int(row, 0, 4);
    return true;
}

/* What an answered write is worth on this server. */
static bool read_durability(struct pgstore *s, struct pg_block *db, struct err *err)
{
    struct settings now = {.recovering = 0};
    struct str text = STR_EMPTY;
    if (!pg_block_query(db,
                        "SELECT current_setting('synchronous_commit'),"
                        "current_setting('synchronous_standby_names'),current_setting('fsync'),"
                        "current_setting('server_encoding'),pg_is_in_recovery()::int::bigint",
                        NULL, take_settings, &now, err))
        return false;
    if (strcmp(now.encoding, "UTF8") != 0)
        return err_set(err, ERR_REFUSED, ERR_CONFIG,
                       "%.60s is encoded as %s: create it with ENCODING 'UTF8'", s->where,
                       now.encoding);
    if (strcmp(now.fsync, "on") != 0)
        str_printf(&text, "NOT durable: fsync=%s", now.fsync);
    else if (strcmp(now.commit, "off") == 0)
        str_puts(&text, "NOT durable: synchronous_commit=off");
    else
        str_printf(&text, "durable: synchronous_commit=%s, standbys %s", now.commit,
                   *now.standbys ? now.standbys : "none, so a lost disk loses it");
    s->durability = mem_copy_text(str_text(&text));
    if (text_starts(s->durability, "NOT"))
        log_write(s->log, LOG_WARN, "store", s->durability, LOG_T("database", s->where), LOG_END);
    str_free(&text);
    return true;
}

static bool bring_up_to_date(struct pgstore *s, bool migrate, struct err *err)
{
    struct pg_block *db = pg_block_open(s->url, "tidelock", !s->read_only, CONNECT_US, err);
    if (!db)
        return false;
    mem_free(s->where);
    s->where = mem_copy_text(pg_block_where(db));
    bool pooled = false;
    bool ok = (s->read_only || (pgpooler_check(db, &pooled, err) &&
                                pgpooler_check_direct(s->url, s->direct_url, pooled, err))) &&
              (migrate && !s->read_only ? migrate_pg_run(db, -1, NULL, err)
                                        : migrate_pg_check(db, err)) &&
              read_durability(s, db, err);
    pg_block_close(db);
    return ok;
}

static void make_metrics(struct pgstore *s, struct metrics *m)
{
    if (!m)
        return;
    s->commit_seconds =
        metric_histogram(m, "tidelock_store_commit_seconds",
                         "Duration of one commit of the store, begin to end.", NULL);
    s->commits = metric_counter(m, "tidelock_store_commits_total", "Commits of the store.", NULL);
    s->writes = metric_counter(m, "tidelock_store_writes_total",
                               "Writes the store has answered; several share a commit.", NULL);
    s->failures = metric_counter(m, "tidelock_store_failures_total",
                                 "Commits that failed as a whole (disk).", NULL);
    s->retries =
        metric_counter(m, "tidelock_store_retries_total",
                       "Transactions tried again: conflicts, deadlocks, lost servers.", NULL);
    s->foreign = metric_counter(m, "tidelock_store_foreign_events_total",
                                "Events read that other instances wrote.", NULL);
    s->queue_depth =
        metric_gauge(m, "tidelock_store_queue_depth", "Writes asked and not yet answered.", NULL);
}

static void close_store(struct store *store)
{
    struct pgstore *s = (struct pgstore *)store;
    if (s->loop) {
        pgcommit_drain(s);
        pgread_drain(s);
        s->closing = true;
        loop_timer_free(s->tick);
        pgcommit_close(s);
        pgread_close(s);
        pgbeat_close(s);
    }
    pgsnapshot_drop(s);
    pgfollow_free(&s->follow);
    mem_free(s->url);
    mem_free(s->direct_url);
    mem_free(s->replica_url);
    mem_free(s->instance);
    mem_free(s->durability);
    mem_free(s->where);
    mem_free(s);
}

static const struct store_ops pg_ops = {
    .write = ask_write,
    .query = pgread_query,
    .events = pgread_events,
    .status = status,
    .close = close_store,
    .read_rows = pgsnapshot_rows,
    .read_events = pgsnapshot_events,
    .beat = pgbeat_ask,
    .wake = wake,
    .upkeep = pgbeat_upkeep,
};

static char *copy_or(const char *text, const char *other)
{
    const char *taken = text && *text ? text : other;
    return taken ? mem_copy_text(taken) : NULL;
}

static struct pgstore *make_store(const struct store_pg_options *options)
{
    struct pgstore *s = mem_alloc(sizeof *s);
    s->store.ops = &pg_ops;
    s->log = options->log;
    s->clock = options->clock ? options->clock : clock_real();
    s->url = mem_copy_text(options->url);
    s->direct_url = copy_or(options->direct_url, options->url);
    s->replica_url = copy_or(options->replica_url, NULL);
    s->instance = mem_copy_text(options->instance ? options->instance : "");
    s->where = mem_copy_text("");
    s->request_us = options->request_us ? options->request_us : REQUEST_US;
    s->patience_us = options->patience_us ? options->patience_us : PATIENCE_US;
    s->lag_us = options->lag_us ? options->lag_us : LAG_US;
    s->read_only = options->read_only;
    chance_seed_system(&s->chance);
    pgfollow_init(&s->follow);
    return s;
}

/* The snapshot stays: what is loaded next is of the moment whose end is followed. */
static bool take_end(struct pgstore *s, struct err *err)
{
    struct pg_block *db = pgsnapshot_take(s, err);
    return db && pgfollow_load(&s->follow, db, err);
}

struct store *store_pg_open(const struct store_pg_options *options, struct err *err)
{
    struct pgstore *s = make_store(options);
    size_t pool = options->pool ? options->pool : POOL_DEFAULT;
    assert(options->loop || options->read_only);
    bool ok = bring_up_to_date(s, options->migrate, err) && take_end(s, err);
    if (ok && options->loop) {
        s->loop = options->loop;
        s->tick = loop_timer_new(s->loop, on_tick, s);
        make_metrics(s, options->metrics);
        loop_timer_start_in(s->tick, TICK_US);
        ok = pgcommit_open(s, err) &&
             pgread_open(s, pool > POOL_OTHERS ? pool - POOL_OTHERS : 1, err) &&
             pgbeat_open(s, err);
    }
    if (ok)
        return &s->store;
    close_store(&s->store);
    return NULL;
}
