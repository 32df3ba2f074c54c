/* One list in order of arrival, one table by id, one thread that writes. An entry is its own job:
 * first that of its insert, later that of its removal. */
#include "store/spool.h"
#include "base/json.h"
#include "base/keyed.h"
#include "base/mem.h"
#include "io/file.h"
#include "io/loop.h"
#include "store/pending.h"
#include "io/sqlite.h"
#include "io/worker.h"
#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { COUNT_DEFAULT = 20000, BATCH_MAX = 512, VERSION = 1 };
#define BYTES_DEFAULT ((size_t)64 << 20)
#define APPLICATION 1416193132 /* "Tidl" */

struct entry {
    struct spooled public; /* first */
    struct worker_job job;
    UT_hash_handle hh;
    struct spool *spool;
    struct entry *next, *previous;
    char *text, *extra;
    size_t bytes;
    struct waiter to;
    struct err err; /* written by the thread */
};
struct spool {
    struct spool_options options;
    char *path;
    struct file_lock *lock;
    struct sqlite *db; /* the thread's, once it runs */
    struct worker *worker;
    struct entry *first, *last, *by_id;
    size_t count, bytes;
    int64_t number;
    struct err trouble;
    struct str text;
    struct metric *depth, *size, *puts;
};

/* ---- entries ---- */

static struct entry *entry_of(const struct spooled *entry)
{
    return (struct entry *)(uintptr_t)entry;
}

static void note_depth(struct spool *s)
{
    if (s->depth) {
        metric_set(s->depth, (double)s->count);
        metric_set(s->size, (double)s->bytes);
    }
}

static void add_entry(struct spool *s, struct entry *e)
{
    e->spool = s;
    e->previous = s->last;
    *(s->last ? &s->last->next : &s->first) = e;
    s->last = e;
    HASH_ADD_KEYPTR(hh, s->by_id, e->public.signal.id, strlen(e->public.signal.id), e);
    s->count++;
    s->bytes += e->bytes;
    note_depth(s);
}

static void free_entry(struct entry *e)
{
    mem_free(e->text);
    mem_free(e->extra);
    mem_free(e);
}

static void drop_entry(struct entry *e)
{
    struct spool *s = e->spool;
    HASH_DELETE(hh, s->by_id, e);
    *(e->previous ? &e->previous->next : &s->first) = e->next;
    *(e->next ? &e->next->previous : &s->last) = e->previous;
    s->count--;
    s->bytes -= e->bytes;
    note_depth(s);
    free_entry(e);
}

/* ---- on the thread ---- */

static bool write_entry(struct sqlite *db, const struct entry *e, struct err *err)
{
    const char *sql = e->public.leaving
                          ? "DELETE FROM spool WHERE id=?2"
                          : "INSERT OR REPLACE INTO spool(number,id,signal) VALUES(?1,?2,?3)";
    struct sqlite_statement *st = sqlite_prepare(db, sql, err);
    if (!st)
        return false;
    sqlite_bind_text(st, 2, e->public.signal.id);
    if (!e->public.leaving) {
        sqlite_bind_int(st, 1, e->public.number);
        sqlite_bind_text(st, 3, e->text);
    }
    return sqlite_run(st, err);
}

static bool write_all(struct sqlite *db, struct worker_job *first, struct err *err)
{
    bool ok = sqlite_begin(db, err);
    for (struct worker_job *job = first; ok && job; job = job->next)
        ok = write_entry(db, (struct entry *)((char *)job - offsetof(struct entry, job)), err);
    if (ok)
        return sqlite_commit(db, err);
    sqlite_rollback(db);
    return false;
}

static void write_batch(void *ctx, struct worker_job *first, size_t count)
{
    struct spool *s = ctx;
    struct err err = {0};
    (void)count;
    write_all(s->db, first, &err);
    for (struct worker_job *job = first; job; job = job->next)
        ((struct entry *)((char *)job - offsetof(struct entry, job)))->err = err;
}

/* ---- answers ---- */

static void tell_trouble(struct spool *s, const struct err *err)
{
    bool was_ok = s->trouble.code == ERR_OK, is_ok = err->code == ERR_OK;
    if (was_ok && !is_ok)
        log_write(s->options.log, LOG_ERROR, "spool", err->text, LOG_T("path", s->path), LOG_END);
    if (!was_ok && is_ok)
        log_write(s->options.log, LOG_INFO, "spool", "writing again", LOG_T("path", s->path),
                  LOG_END);
    s->trouble = *err;
}

static void answer_put(struct entry *e)
{
    struct waiter to = e->to;
    struct err err = e->err;
    if (err.code == ERR_OK) {
        e->public.durable = true;
        metric_add(e->spool->puts, 1);
        wait_answer(to, NULL, &e->public);
        return;
    }
    drop_entry(e);
    if (err.class == ERR_REFUSED) /* a fault of the file, not of the signal */
        err.class = ERR_LATER;
    wait_answer(to, &err, NULL);
}

static void answer_removal(struct entry *e)
{
    struct waiter to = e->to;
    struct err err = e->err;
    if (err.code == ERR_OK)
        drop_entry(e);
    else
        e->public.leaving = false;
    wait_answer(to, err.code != ERR_OK ? &err : NULL, NULL);
}

static void written(struct worker_job *job)
{
    struct entry *e = (struct entry *)((char *)job - offsetof(struct entry, job));
    tell_trouble(e->spool, &e->err);
    if (e->public.leaving)
        answer_removal(e);
    else
        answer_put(e);
}

/* ---- asking ---- */

static struct entry *make_entry(struct spool *s, const struct signal *signal)
{
    struct entry *e = mem_alloc(sizeof *e);
    str_clear(&s->text);
    row_json(&tables[TABLE_SIGNAL], signal, &s->text);
    e->text = mem_copy_text(str_text(&s->text));
    e->bytes = s->text.length;
    e->extra = signal->extra ? mem_copy_text(signal->extra) : NULL;
    e->public.signal = *signal;
    e->public.signal.extra = e->extra;
    return e;
}

static bool has_room(const struct spool *s, const struct entry *e, struct err *err)
{
    size_t times = e->public.signal.type == SIGNAL_EXIT ? 2 : 1;
    if (s->count >= s->options.count_max * times)
        return err_set(err, ERR_LATER, ERR_FULL, "the spool %.80s holds %zu signals already",
                       s->path, s->count);
    if (s->bytes + e->bytes > s->options.bytes_max * times)
        return err_set(err, ERR_LATER, ERR_FULL, "the spool %.80s holds %zu bytes already", s->path,
                       s->bytes);
    return true;
}

void spool_put(struct spool *s, const struct signal *signal, struct waiter to)
{
    struct err err;
    struct entry *e;
    if (spool_find(s, signal->id)) {
        err_set(&err, ERR_REFUSED, ERR_DUPLICATE, "signal %s is spooled already", signal->id);
        refuse_later(s->options.loop, &err, to);
        return;
    }
    e = make_entry(s, signal);
    e->to = to;
    e->job.done = written;
    e->public.number = s->number + 1;
    if (!has_room(s, e, &err) || !worker_post(s->worker, &e->job, &err)) {
        free_entry(e);
        refuse_later(s->options.loop, &err, to);
        return;
    }
    s->number++;
    add_entry(s, e);
}

void spool_remove(struct spool *s, struct spooled *entry, struct waiter to)
{
    struct entry *e = entry_of(entry);
    struct err err;
    assert(entry->durable && !entry->leaving);
    e->to = to;
    e->public.leaving = true;
    if (worker_post(s->worker, &e->job, &err))
        return;
    e->public.leaving = false;
    refuse_later(s->options.loop, &err, to);
}

struct spooled *spool_find(const struct spool *s, const char *signal_id)
{
    struct entry *e;
    HASH_FIND_STR(s->by_id, signal_id, e);
    return e ? &e->public : NULL;
}

struct spooled *spool_next(const struct spool *s, const struct spooled *after)
{
    struct entry *e = after ? entry_of(after)->next : s->first;
    return e ? &e->public : NULL;
}

size_t spool_count(const struct spool *s)
{
    return s->count;
}

void spool_status(const struct spool *s, struct spool_status *out)
{
    *out = (struct spool_status){
        .ok = s->trouble.code == ERR_OK,
        .count = s->count,
        .bytes = s->bytes,
        .oldest_us = s->first ? s->first->public.signal.received_us : 0,
    };
    if (out->ok)
        snprintf(out->text, sizeof out->text, "%.100s: %zu signals", s->path, s->count);
    else
        text_copy(out->text, sizeof out->text, s->trouble.text);
}

/* ---- opening and closing ---- */

static bool check_file(struct spool *s, struct err *err)
{
    int64_t application, version, tables_count;
    if (!sqlite_query_int(s->db, "PRAGMA application_id", &application, err) ||
        !sqlite_query_int(s->db, "PRAGMA user_version", &version, err) ||
        !sqlite_query_int(s->db, "SELECT count(*) FROM sqlite_master", &tables_count, err))
        return false;
    if (tables_count > 0 && application != APPLICATION)
        return err_set(err, ERR_REFUSED, ERR_CONFIG,
                       "%.100s is a database and not a spool: give store.spool a path of its own",
                       s->path);
    if (tables_count > 0 && version != VERSION)
        return err_set(err, ERR_REFUSED, ERR_SCHEMA,
                       "the spool %.100s was written by another version (%" PRId64
                       "): let that one empty it first",
                       s->path, version);
    return sqlite_exec(s->db,
                       "PRAGMA application_id=1416193132; PRAGMA user_version=1;"
                       "CREATE TABLE IF NOT EXISTS spool(number INTEGER PRIMARY KEY, "
                       "id TEXT NOT NULL UNIQUE, signal TEXT NOT NULL) STRICT",
                       err);
}

static bool read_row(struct spool *s, int64_t number, const char *text, struct err *err)
{
    struct arena arena;
    struct signal signal;
    arena_init(&arena, 4096);
    row_init(&tables[TABLE_SIGNAL], &signal);
    const struct json *json = json_parse(&arena, text, strlen(text), NULL, err);
    bool ok = json && row_from_json(&tables[TABLE_SIGNAL], &signal, json, &arena, err);
    if (ok) {
        struct entry *e = make_entry(s, &signal);
        e->job.done = written;
        e->public.number = s->number = number;
        e->public.durable = true;
        add_entry(s, e);
    }
    arena_free(&arena);
    return ok || err_prefix(err, "row %" PRId64 " of the spool %.80s", number, s->path);
}

static bool read_rows(struct spool *s, struct err *err)
{
    struct sqlite_statement *st =
        sqlite_prepare(s->db, "SELECT number,signal FROM spool ORDER BY number", err);
    bool row = st != NULL;
    bool ok = row;
    while (ok && (ok = sqlite_step(st, &row, err)) && row)
        ok = read_row(s, sqlite_int(st, 0), sqlite_text(st, 1), err);
    if (st)
        sqlite_reset(st);
    return ok;
}

static bool take_lock(struct spool *s, struct err *err)
{
    s->lock = file_lock_beside(s->path, err);
    return s->lock || err_prefix(err, "spool %s", s->path);
}

static bool open_file(struct spool *s, struct err *err)
{
    if (!take_lock(s, err))
        return false;
    s->db = sqlite_open(s->path, SQLITE_MODE_WRITE, err);
    if (!s->db || !check_file(s, err) || !read_rows(s, err))
        return false;
    s->worker =
        worker_new(s->options.loop,
                   &(struct worker_options){
                       .name = "spool", .batch_max = BATCH_MAX, .batch = write_batch, .ctx = s},
                   err);
    return s->worker != NULL;
}

static void make_metrics(struct spool *s, struct metrics *m)
{
    if (!m)
        return;
    s->depth = metric_gauge(m, "tidelock_spool_signals",
                            "Signals on this host's own disk until the database is back.", NULL);
    s->size = metric_gauge(m, "tidelock_spool_bytes", "Their size.", NULL);
    s->puts = metric_counter(m, "tidelock_spool_signals_total",
                             "Signals accepted while the database could not take them.", NULL);
    note_depth(s);
}

struct spool *spool_open(const struct spool_options *options, struct err *err)
{
    struct spool *s = mem_alloc(sizeof *s);
    s->options = *options;
    s->path = mem_copy_text(options->path);
    s->options.path = s->path;
    if (!s->options.count_max)
        s->options.count_max = COUNT_DEFAULT;
    if (!s->options.bytes_max)
        s->options.bytes_max = BYTES_DEFAULT;
    make_metrics(s, options->metrics);
    if (open_file(s, err))
        return s;
    spool_close(s);
    return NULL;
}

void spool_close(struct spool *s)
{
    struct err err;
    if (!s)
        return;
    worker_free(s->worker);
    if (s->db && !sqlite_close(s->db, &err))
        log_write(s->options.log, LOG_WARN, "spool", err.text, LOG_END);
    file_unlock(s->lock);
    while (s->first)
        drop_entry(s->first);
    str_free(&s->text);
    mem_free(s->path);
    mem_free(s);
}
