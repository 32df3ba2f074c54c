/* Where signals go while the database is away: a durable queue in an SQLite file of this host's
 * own. What was answered is on this disk (WAL, synchronous=FULL) and survives kill -9; it is gone
 * from here only when its removal was answered.
 *
 * Bounded by number and by bytes, so all of it is in memory too: finding and reading ask no disk.
 * Puts and removals share commits on a thread of their own. One process only. */
#ifndef TIDELOCK_STORE_SPOOL_H
#define TIDELOCK_STORE_SPOOL_H
#include "base/log.h"
#include "base/metric.h"
#include "base/wait.h"
#include "trade/record.h"

struct loop;
struct spool_options {
    const char *path; /* its folder must exist; path + ".lock" is held */
    size_t count_max; /* signals; exits have as much again; 0: 20,000 */
    size_t bytes_max; /* of their text; exits have as much again; 0: 64 MiB */
    struct loop *loop;
    struct log *log;         /* NULL: none */
    struct metrics *metrics; /* NULL: none */
};
/* Refuses, each with a sentence and cure: a second process, a file that is not a spool, a row that
 * does not read. */
struct spool *spool_open(const struct spool_options *options, struct err *err) MUST_CHECK;
/* Finishes what was asked, answers it, frees. NULL accepted. */
void spool_close(struct spool *spool);

struct spooled { /* lives until its removal is answered without an error */
    struct signal signal;
    int64_t number;   /* order of arrival */
    bool durable;     /* false: being written */
    bool leaving;     /* being removed */
    bool taken;       /* whoever drains: under way */
    bool failed;      /* whoever drains: it was not taken, and others go before it */
    int64_t again_us; /* whoever drains: steady; not before */
};
/* The signal is copied. Answered when it is durable (value: const struct spooled *), or FULL, IO
 * (LATER), CLOSED, and DUPLICATE when its id is here already. */
void spool_put(struct spool *spool, const struct signal *signal, struct waiter to);
/* Must be durable and not leaving. With an error it is still here. */
void spool_remove(struct spool *spool, struct spooled *entry, struct waiter to);
struct spooled *spool_find(const struct spool *spool, const char *signal_id); /* NULL: not here */
struct spooled *spool_next(const struct spool *spool,
                           const struct spooled *after /* NULL: first */);
size_t spool_count(const struct spool *spool); /* with those being written or removed */

struct spool_status {
    bool ok; /* the last commit worked */
    size_t count, bytes;
    int64_t oldest_us; /* wall time of receipt; 0: empty */
    char text[160];    /* where it is, or what is wrong */
};
void spool_status(const struct spool *spool, struct spool_status *out);
#endif
