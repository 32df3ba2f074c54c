/* The embedded store: one SQLite file, a thread that writes it, a thread that reads it.
 *
 *     loop thread            writer thread                 reader thread
 *     store_write ─────────> all that waits: BEGIN ...
 *                            COMMIT (durable)
 *     answer, in order <───  done
 *     store_query: copy ─────────────────────────────────> SELECT into an arena
 *     answer <──────────────────────────────────────────── done
 *
 * The write-ahead log is moved into the file between batches, when nothing waits or it has become
 * too long; never inside a commit somebody waits for. */
#include "store/store_bodies.h"

#include "io/file.h"
#include "io/worker.h"
#include "store/migrate.h"
#include "store/reader.h"
#include "store/writer.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define BATCH_MAX 256
#define WRITES_MAX 65536
#define READS_MAX 1024
#define SPARES_MAX 256
/* A statement makes about half a page of log. */
#define TIDY_WHEN_IDLE 4000
#define TIDY_ALWAYS 40000

enum job_kind { JOB_WRITE, JOB_TIDY, JOB_QUERY, JOB_EVENTS };
struct sqlite_store;
struct job {
    struct worker_job work;     /* first: a worker_job is its job */
    struct sqlite_store *owner; /* NULL: refused while closing */
    enum job_kind kind;
    struct writer_item item; /* its pending serves reads too */
    union {
        struct store_query query;
        struct store_events_query events_query;
    };
    union {
        struct store_rows rows;
        struct store_events events;
    };
    bool tells_state; /* last of a batch: `state` and `statements` are of after it */
    struct writer_state state;
    int64_t statements;
    size_t batch;
    struct job *next_spare;
};

struct sqlite_store {
    struct store store;
    struct loop *loop;
    char *path;
    struct log *log;
    struct file_lock *lock;
    struct worker *writing, *reading;
    struct writer *writer;   /* writer thread's, once that runs */
    struct reader *reader;   /* reader thread's, once that runs */
    struct reader *blocking; /* the caller's; opened when first needed */
    struct job *spares;
    size_t spare_count;
    bool read_only, closing, tidying;
    int64_t queued;
    struct str body;           /* of the event at hand */
    struct writer_state state; /* as of the last batch that was answered */
    struct metric *commit_seconds, *commits, *writes, *failures, *queue_depth;
};

/* ---- jobs ---- */

static struct job *take_job(struct sqlite_store *s, enum job_kind kind, struct waiter to)
{
    struct job *job = s->spares;
    if (job) {
        s->spares = job->next_spare;
        s->spare_count--;
    } else {
        job = mem_alloc(sizeof *job);
        pending_init(&job->item.pending);
    }
    job->owner = s;
    job->kind = kind;
    job->tells_state = false;
    job->item.pending.to = to;
    return job;
}

static void free_job(struct job *job)
{
    pending_free(&job->item.pending);
    mem_free(job);
}

static void give_back(struct job *job)
{
    struct sqlite_store *s = job->owner;
    if (!s || s->closing || s->spare_count >= SPARES_MAX) {
        free_job(job);
        return;
    }
    pending_clear(&job->item.pending);
    job->next_spare = s->spares;
    s->spares = job;
    s->spare_count++;
}

/* ---- on the threads ---- */

static void commit_jobs(struct sqlite_store *s, struct job **jobs, size_t count)
{
    struct writer_item *items[BATCH_MAX];
    for (size_t i = 0; i < count; i++)
        items[i] = &jobs[i]->item;
    writer_commit(s->writer, items, count);
    struct job *last = jobs[count - 1];
    writer_state(s->writer, &last->state);
    last->statements = writer_statements(s->writer);
    last->batch = count;
    last->tells_state = true;
}

static void write_batch(void *ctx, struct worker_job *first, size_t count)
{
    struct sqlite_store *s = ctx;
    struct job *jobs[BATCH_MAX];
    size_t taken = 0;
    assert(count <= BATCH_MAX);
    for (struct worker_job *work = first; work; work = work->next) {
        struct job *job = (struct job *)work;
        if (job->kind != JOB_TIDY) {
            jobs[taken++] = job;
            continue;
        }
        if (taken)
            commit_jobs(s, jobs, taken);
        taken = 0;
        writer_tidy(s->writer);
    }
    if (taken)
        commit_jobs(s, jobs, taken);
}

static void run_read(struct worker_job *work)
{
    struct job *job = (struct job *)work;
    struct pending *pending = &job->item.pending;
    struct reader *reader = job->owner->reader;
    bool ok = job->kind == JOB_QUERY
                  ? reader_rows(reader, &job->query, &pending->arena, &job->rows, &pending->err)
                  : reader_events(reader, &job->events_query, &pending->arena, &job->events,
                                  &pending->err);
    assert(ok || pending->err.code != ERR_OK);
}

/* ---- answers ---- */

static void tell_trouble(struct sqlite_store *s, const struct writer_state *state)
{
    bool was_ok = s->state.trouble.code == ERR_OK, is_ok = state->trouble.code == ERR_OK;
    if (!is_ok && was_ok)
        log_write(s->log, LOG_ERROR, "store", state->trouble.text,
                  LOG_T("code", err_code_name(state->trouble.code)),
                  LOG_T("class", err_class_name(state->trouble.class)), LOG_END);
    if (is_ok && !was_ok)
        log_write(s->log, LOG_INFO, "store", "writing again", LOG_T("path", s->path), LOG_END);
    metric_add(is_ok ? s->commits : s->failures, 1);
}

static void tidied(struct worker_job *work)
{
    struct job *job = (struct job *)work;
    job->owner->tidying = false;
    give_back(job);
}

static void tidy_if_due(struct sqlite_store *s, int64_t statements)
{
    bool due = statements > TIDY_ALWAYS || (statements > TIDY_WHEN_IDLE && worker_idle(s->writing));
    if (!due || s->tidying || s->closing)
        return;
    struct job *job = take_job(s, JOB_TIDY, (struct waiter){0});
    job->work.done = tidied;
    s->tidying = worker_post(s->writing, &job->work, NULL);
    if (!s->tidying)
        give_back(job);
}

static void written(struct worker_job *work)
{
    struct job *job = (struct job *)work;
    struct sqlite_store *s = job->owner;
    s->queued--;
    if (s->queue_depth)
        metric_set(s->queue_depth, (double)s->queued);
    if (job->tells_state) {
        tell_trouble(s, &job->state);
        s->state = job->state;
        metric_add(s->writes, (int64_t)job->batch);
        if (s->commit_seconds)
            metric_observe_us(s->commit_seconds, job->state.commit_us);
        tidy_if_due(s, job->statements);
    }
    pending_answer(&job->item.pending, &job->item.pending.seq);
    give_back(job);
}

static void was_read(struct worker_job *work)
{
    struct job *job = (struct job *)work;
    if (job->kind == JOB_QUERY)
        pending_answer(&job->item.pending, &job->rows);
    else
        pending_answer(&job->item.pending, &job->events);
    give_back(job);
}

static void answer_refused(void *ctx)
{
    struct job *job = ctx;
    pending_answer(&job->item.pending, NULL);
    free_job(job);
}

/* ---- asking ---- */

/* Answers come later, also the refusals; those must not touch a store that may be gone by then. */
static void post(struct sqlite_store *s, struct worker *worker, struct job *job)
{
    struct err *err = &job->item.pending.err;
    bool posted = false;
    if (s->closing)
        refuse_closed(err);
    else if (!worker)
        err_set(err, ERR_REFUSED, ERR_IO, "%s was opened for reading only", s->path);
    else
        posted = worker_post(worker, &job->work, err);
    if (posted && worker == s->writing)
        s->queued++;
    if (posted)
        return;
    job->owner = NULL;
    loop_defer(s->loop, answer_refused, job);
}

static void ask_write(struct store *store, const struct store_write *write, struct waiter to)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    struct job *job = take_job(s, JOB_WRITE, to);
    pending_fill(&job->item.pending, write, to);
    pending_print(&job->item.pending, &s->body);
    job->work.done = written;
    post(s, s->writing, job);
}

static void ask_query(struct store *store, const struct store_query *query, struct waiter to)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    struct job *job = take_job(s, JOB_QUERY, to);
    struct arena *arena = &job->item.pending.arena;
    job->query = *query;
    job->query.order_by = arena_text(arena, query->order_by);
    for (size_t i = 0; i < query->where_count; i++) {
        job->query.where[i].column = arena_text(arena, query->where[i].column);
        job->query.where[i].value = arena_text(arena, query->where[i].value);
    }
    job->work.run = run_read;
    job->work.done = was_read;
    post(s, s->reading, job);
}

static void ask_events(struct store *store, const struct store_events_query *query,
                       struct waiter to)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    struct job *job = take_job(s, JOB_EVENTS, to);
    struct arena *arena = &job->item.pending.arena;
    job->events_query = *query;
    job->events_query.kind_prefix = arena_text(arena, query->kind_prefix);
    job->events_query.subject = arena_text(arena, query->subject);
    job->work.run = run_read;
    job->work.done = was_read;
    post(s, s->reading, job);
}

static void status(const struct store *store, struct store_status *out)
{
    const struct sqlite_store *s = (const struct sqlite_store *)store;
    *out = (struct store_status){
        .kind = "sqlite",
        .ok = s->state.trouble.code == ERR_OK,
        .last_commit_us = s->state.commit_us,
        .queued = s->queued,
        .events = s->state.seq,
        .term = s->state.term,
    };
    if (out->ok)
        snprintf(out->text, sizeof out->text, "%.100s: %s", s->path,
                 s->read_only ? "open for reading only" : "durable: WAL, synchronous=FULL");
    else
        text_copy(out->text, sizeof out->text, s->state.trouble.text);
}

/* ---- blocking reads ---- */

static struct reader *blocking_reader(struct sqlite_store *s, struct err *err)
{
    if (!s->blocking)
        s->blocking = reader_open(s->path, err);
    return s->blocking;
}

static bool read_rows(struct store *store, const struct store_query *query,
                      bool (*each)(void *ctx, const void *row, struct err *err), void *ctx,
                      struct err *err)
{
    struct reader *reader = blocking_reader((struct sqlite_store *)store, err);
    return reader && reader_each_row(reader, query, each, ctx, err);
}

static bool read_events(struct store *store, const struct store_events_query *query,
                        bool (*each)(void *ctx, const struct event *event, struct err *err),
                        void *ctx, struct err *err)
{
    struct reader *reader = blocking_reader((struct sqlite_store *)store, err);
    return reader && reader_each_event(reader, query, each, ctx, err);
}

static bool check(struct store *store, struct str *report, size_t *faults, struct err *err)
{
    struct reader *reader = blocking_reader((struct sqlite_store *)store, err);
    return reader && reader_check(reader, report, faults, err);
}

/* ---- opening and closing ---- */

static void free_store(struct sqlite_store *s)
{
    struct err err;
    worker_free(s->writing);
    worker_free(s->reading);
    reader_close(s->reader);
    reader_close(s->blocking);
    if (s->writer && !writer_free(s->writer, &err))
        log_write(s->log, LOG_WARN, "store", err.text, LOG_END);
    file_unlock(s->lock);
    for (struct job *job; (job = s->spares);) {
        s->spares = job->next_spare;
        free_job(job);
    }
    str_free(&s->body);
    mem_free(s->path);
    mem_free(s);
}

static void close_store(struct store *store)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    s->closing = true;
    free_store(s);
}

static const struct store_ops sqlite_ops = {
    .write = ask_write,
    .query = ask_query,
    .events = ask_events,
    .status = status,
    .close = close_store,
    .read_rows = read_rows,
    .read_events = read_events,
    .check = check,
};

static void make_metrics(struct sqlite_store *s, struct metrics *m)
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
    s->queue_depth =
        metric_gauge(m, "tidelock_store_queue_depth", "Writes asked and not yet answered.", NULL);
}

static bool take_lock(struct sqlite_store *s, struct err *err)
{
    s->lock = file_lock_beside(s->path, err);
    return s->lock || err_prefix(err, "database %s", s->path);
}

static bool open_writer(struct sqlite_store *s, const struct store_sqlite_options *options,
                        struct err *err)
{
    const struct clock *clock = options->clock ? options->clock : clock_real();
    if (!take_lock(s, err))
        return false;
    struct sqlite *db = sqlite_open(s->path, SQLITE_MODE_WRITE, err);
    if (!db)
        return false;
    bool ok = options->migrate ? migrate_run(db, s->path, -1, NULL, err)
                               : migrate_check(db, s->path, err);
    if (!ok) {
        sqlite_close(db, NULL);
        return false;
    }
    s->writer = writer_new(db, s->path, options->instance, clock, err);
    if (!s->writer)
        return false;
    writer_state(s->writer, &s->state);
    s->writing = worker_new(s->loop,
                            &(struct worker_options){.name = "store-write",
                                                     .queue_max = WRITES_MAX,
                                                     .batch_max = BATCH_MAX,
                                                     .batch = write_batch,
                                                     .ctx = s},
                            err);
    return s->writing != NULL;
}

static bool open_reader(struct sqlite_store *s, struct err *err)
{
    s->reader = reader_open(s->path, err);
    if (!s->reader || (s->read_only && !migrate_check(reader_db(s->reader), s->path, err)))
        return false;
    if (!s->loop)
        return true;
    s->reading = worker_new(
        s->loop, &(struct worker_options){.name = "store-read", .queue_max = READS_MAX}, err);
    return s->reading != NULL;
}

struct store *store_sqlite_open(const struct store_sqlite_options *options, struct err *err)
{
    assert(options->loop || options->read_only);
    struct sqlite_store *s = mem_alloc(sizeof *s);
    s->store.ops = &sqlite_ops;
    s->loop = options->loop;
    s->path = mem_copy_text(options->path);
    s->log = options->log;
    s->read_only = options->read_only;
    if ((s->read_only || open_writer(s, options, err)) && open_reader(s, err)) {
        make_metrics(s, options->metrics);
        return &s->store;
    }
    s->closing = true;
    free_store(s);
    return NULL;
}
