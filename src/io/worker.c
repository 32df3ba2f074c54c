/* The worker thread: jobs are linked through themselves, so posting allocates nothing.
 *
 * Three lists: `staged` (loop only) gathers what one turn posts and is handed over at its end,
 * under the lock once; `queued` is what the thread takes, whole up to batch_max; `finished` goes
 * back and is called on the loop. */
#include "io/worker.h"
#include "base/mem.h"
#include "io/loop_uv.h"
#include <assert.h>
#include <pthread.h>
#include <string.h>

#define QUEUE_MAX_DEFAULT 65536
#define BATCH_MAX_DEFAULT 256

struct jobs {
    struct worker_job *first, **end;
};

struct worker {
    struct loop *loop;
    struct worker_options options;
    char name[16];
    struct jobs staged; /* loop thread */
    size_t depth;       /* loop thread: posted and not done */
    bool handing_over;  /* loop thread: a hand-over is deferred */
    bool closing;       /* loop thread */
    uv_async_t async;
    uv_thread_t thread;
    uv_mutex_t lock; /* guards what follows */
    uv_cond_t wake;
    struct jobs queued, finished;
    bool quit;
};

static void clear_jobs(struct jobs *jobs)
{
    jobs->first = NULL;
    jobs->end = &jobs->first;
}

static void append_job(struct jobs *jobs, struct worker_job *job)
{
    job->next = NULL;
    *jobs->end = job;
    jobs->end = &job->next;
}

/* Empties `from`. */
static void append_jobs(struct jobs *jobs, struct jobs *from)
{
    if (!from->first)
        return;
    *jobs->end = from->first;
    jobs->end = from->end;
    clear_jobs(from);
}

/* On the thread
 * ------------------------------------------------------------------------------------ */

static size_t take_batch(struct jobs *queued, struct jobs *batch, size_t max)
{
    size_t count = 0;
    clear_jobs(batch);
    while (queued->first && count < max) {
        struct worker_job *job = queued->first;
        queued->first = job->next;
        append_job(batch, job);
        count++;
    }
    if (!queued->first)
        clear_jobs(queued);
    return count;
}

static void run_batch(struct worker *worker, struct jobs *batch, size_t count)
{
    if (worker->options.batch) {
        worker->options.batch(worker->options.ctx, batch->first, count);
        return;
    }
    for (struct worker_job *job = batch->first, *next; job; job = next) {
        next = job->next;
        job->run(job);
    }
}

static void work(void *arg)
{
    struct worker *worker = arg;
    pthread_setname_np(pthread_self(), worker->name);
    if (worker->options.start)
        worker->options.start(worker->options.ctx);
    uv_mutex_lock(&worker->lock);
    for (;;) {
        while (!worker->queued.first && !worker->quit)
            uv_cond_wait(&worker->wake, &worker->lock);
        struct jobs batch;
        size_t count = take_batch(&worker->queued, &batch, worker->options.batch_max);
        if (count == 0)
            break;
        uv_mutex_unlock(&worker->lock);
        run_batch(worker, &batch, count);
        uv_mutex_lock(&worker->lock);
        append_jobs(&worker->finished, &batch);
        uv_async_send(&worker->async);
    }
    uv_mutex_unlock(&worker->lock);
    if (worker->options.end)
        worker->options.end(worker->options.ctx);
}

/* On the loop
 * -------------------------------------------------------------------------------------- */

static void deliver(struct worker *worker)
{
    struct jobs finished;
    clear_jobs(&finished);
    uv_mutex_lock(&worker->lock);
    append_jobs(&finished, &worker->finished);
    uv_mutex_unlock(&worker->lock);
    for (struct worker_job *job = finished.first, *next; job; job = next) {
        next = job->next;
        worker->depth--;
        if (job->done)
            job->done(job);
    }
}

static void on_async(uv_async_t *async)
{
    deliver(async->data);
}

static void hand_over(void *ctx)
{
    struct worker *worker = ctx;
    worker->handing_over = false;
    uv_mutex_lock(&worker->lock);
    append_jobs(&worker->queued, &worker->staged);
    uv_cond_signal(&worker->wake);
    uv_mutex_unlock(&worker->lock);
}

bool worker_post(struct worker *worker, struct worker_job *job, struct err *err)
{
    assert(worker->options.batch || job->run);
    if (worker->closing)
        return err_set(err, ERR_LATER, ERR_CLOSED, "the %s thread is shutting down", worker->name);
    if (worker->depth >= worker->options.queue_max)
        return err_set(err, ERR_LATER, ERR_FULL,
                       "the queue of the %s thread is full (%zu jobs): try again later",
                       worker->name, worker->depth);
    worker->depth++;
    append_job(&worker->staged, job);
    if (!worker->handing_over) {
        worker->handing_over = true;
        loop_defer(worker->loop, hand_over, worker);
    }
    return true;
}

size_t worker_depth(const struct worker *worker)
{
    return worker->depth;
}
bool worker_idle(const struct worker *worker)
{
    return worker->depth == 0;
}

static void destroy(struct worker *worker)
{
    uv_cond_destroy(&worker->wake);
    uv_mutex_destroy(&worker->lock);
    mem_free(worker);
}

static void destroy_closed(uv_handle_t *handle)
{
    destroy(handle->data);
}

struct worker *worker_new(struct loop *loop, const struct worker_options *options, struct err *err)
{
    struct worker *worker = mem_alloc(sizeof *worker);
    worker->loop = loop;
    worker->options = *options;
    if (worker->options.queue_max == 0)
        worker->options.queue_max = QUEUE_MAX_DEFAULT;
    if (worker->options.batch_max == 0)
        worker->options.batch_max = BATCH_MAX_DEFAULT;
    size_t length = strnlen(options->name, sizeof worker->name - 1);
    memcpy(worker->name, options->name, length);
    clear_jobs(&worker->staged);
    clear_jobs(&worker->queued);
    clear_jobs(&worker->finished);
    int rc = uv_mutex_init(&worker->lock);
    assert(rc == 0);
    rc = uv_cond_init(&worker->wake);
    assert(rc == 0);
    worker->async.data = worker;
    rc = uv_async_init(loop_uv(loop), &worker->async, on_async);
    if (rc != 0) {
        destroy(worker);
        err_set(err, ERR_NOT_DONE, ERR_IO, "no thread: %s", uv_strerror(rc));
        return NULL;
    }
    rc = uv_thread_create(&worker->thread, work, worker);
    if (rc != 0) {
        err_set(err, ERR_LATER, ERR_IO, "no thread %s: %s; raise the limit of tasks", worker->name,
                uv_strerror(rc));
        uv_close((uv_handle_t *)&worker->async, destroy_closed);
        return NULL;
    }
    return worker;
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    worker->closing = true;
    loop_defer_cancel(worker->loop, hand_over, worker);
    uv_mutex_lock(&worker->lock);
    append_jobs(&worker->queued, &worker->staged);
    worker->quit = true;
    uv_cond_signal(&worker->wake);
    uv_mutex_unlock(&worker->lock);
    uv_thread_join(&worker->thread);
    deliver(worker);
    assert(worker->depth == 0);
    uv_close((uv_handle_t *)&worker->async, destroy_closed);
}
