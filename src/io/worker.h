/* One thread for work that blocks (SQLite), with a bounded queue that it takes whole.
 *
 * Jobs posted in one turn of the loop, or while the thread was busy, reach it as one batch in the
 * order of posting: what group commit needs, and nothing ever waits to fill a batch. */
#ifndef TIDELOCK_IO_WORKER_H
#define TIDELOCK_IO_WORKER_H
#include "base/err.h"
#include "io/loop.h"
#include <stddef.h>

/* Lies inside the caller's own struct, which stays alive and untouched from worker_post until
 * done(). */
struct worker_job {
    void (*run)(
        struct worker_job *job); /* on the thread; NULL when the worker has a batch function */
    void (*done)(struct worker_job *job); /* on the loop, exactly once, in order; may post again or
                                             free the job; NULL: none */
    struct worker_job *next;              /* the worker's; in a batch: the next job, NULL ends it */
};

struct worker_options {
    const char *name; /* thread name, 15 characters */
    size_t queue_max; /* jobs posted and not yet done; 0: 65536 */
    size_t batch_max; /* jobs in one batch; 0: 256 */
    /* On the thread: does all jobs of the list `first` (count of them, linked by next; the links
     * must be left as they are). NULL: each job's run is called in turn. */
    void (*batch)(void *ctx, struct worker_job *first, size_t count);
    /* On the thread, before the first and after the last job (open and close what only the thread
     * uses). NULL: none. */
    void (*start)(void *ctx);
    void (*end)(void *ctx);
    void *ctx;
};

struct worker;
struct worker *worker_new(struct loop *loop, const struct worker_options *options,
                          struct err *err) MUST_CHECK;
/* Does everything still queued, ends the thread, calls the outstanding done()s, then frees. Blocks
 * for that long. Nothing can be posted from those done()s: it is refused (CLOSED). NULL accepted.
 */
void worker_free(struct worker *worker);
/* Only on the loop thread. False: LATER/FULL when queue_max is reached, LATER/CLOSED while it is
 * being freed; then the job is the caller's again and done() is not called. */
bool worker_post(struct worker *worker, struct worker_job *job, struct err *err) MUST_CHECK;
size_t worker_depth(const struct worker *worker); /* posted and not yet done; loop thread */
bool worker_idle(const struct worker *worker);    /* depth is 0 */
#endif
