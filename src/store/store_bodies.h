/* How each body of the store is opened, and what works on any of them: migrations, verification. */
#ifndef TIDELOCK_STORE_BODIES_H
#define TIDELOCK_STORE_BODIES_H
#include "store/store.h"

struct loop; /* io/loop.h */
struct store_sqlite_options {
    const char *path; /* a file; its folder must exist; path + ".lock" is held so that a second
                       * process is refused */
    const char *instance;
    bool read_only;    /* the command line's readers: no lock, no writer */
    bool migrate;      /* bring the schema up to date first; else an older schema is refused with
                        * the command to run */
    struct loop *loop; /* NULL, with read_only: only the blocking forms work */
    const struct clock *clock; /* NULL: the real one */
    struct log *log;           /* NULL: none */
    struct metrics *metrics;   /* NULL: none */
};
/* Refuses, each with a sentence and cure: a database of a newer schema, changed migration history,
 * a folder that cannot be written, a file that is not a database, a second process (names its pid).
 */
struct store *store_sqlite_open(const struct store_sqlite_options *options,
                                struct err *err) MUST_CHECK;

struct store_pg_options {
    const char *url;         /* libpq's; several hosts: the one that takes writes */
    const char *direct_url;  /* around a pooler of sessions, for the session that shows that we
                              * live and hears of commits; NULL: url */
    const char *replica_url; /* for queries that may be late; NULL: none */
    const char *instance;
    size_t pool; /* connections at most, 0: 8 */
    bool read_only, migrate;
    int64_t request_us;        /* deadline of one request, 0: 2 s */
    int64_t patience_us;       /* how long a write waits for a server that is away, 0: 2.5 s */
    int64_t lag_us;            /* how late a replica may be, 0: 2 s */
    struct loop *loop;         /* NULL, with read_only: only the blocking forms work */
    const struct clock *clock; /* NULL: the real one */
    struct log *log;           /* NULL: none */
    struct metrics *metrics;   /* NULL: none */
};
/* Blocks until the database has answered (10 s at most). Refuses, each with a sentence and cure:
 * an older schema unless `migrate`, a newer one, changed migration history, another encoding than
 * UTF-8. The log is followed from the moment of opening: what is read in a blocking way before the
 * loop runs is of that moment too. */
struct store *store_pg_open(const struct store_pg_options *options, struct err *err) MUST_CHECK;

/* In the place of a database that is away at the start: everything is answered with `why`, as
 * LATER, until `inner` arrives, which is its own from then on. */
struct store *store_late_open(struct loop *loop, const struct err *why);
void store_late_arrive(struct store *late, struct store *inner);

/* In memory, for the simulator and the backtest: same answers, same errors; commits when
 * store_mem_commit is called or, with `immediate`, whenever store_mem_turn is. What was asked and
 * not committed dies with store_mem_crash. */
struct store_mem_options {
    const char *instance;
    bool immediate;    /* commit and answer when store_mem_turn is called; else only on
                          store_mem_commit */
    bool keep_events;  /* keep the log (simulation) or only count it (backtest) */
    struct book *book; /* of the only one who asks, who enters rows in it himself: it serves as the
                        * tables, which takes his word for every row. NULL: tables of its own */
    const struct clock *clock; /* NULL: the real one */
};
struct store *store_mem_open(const struct store_mem_options *options);
/* Another handle on the same log, for another instance: instance, immediate and clock are its own.
 * The log must be kept. */
struct store *store_mem_share(struct store *with, const struct store_mem_options *options);
/* Nothing that others wrote is still to be told to this handle: only then can a write of it commit
 * without its host taking part. */
bool store_mem_current(const struct store *store);
/* Whether the sessions of the instances that began through this handle stand, as beats tell it. */
void store_mem_session(struct store *store, bool stands);
/* Answers what is ready; the number of answers given. What the answered ask in turn is the next
 * turn's. */
size_t store_mem_turn(struct store *store);
/* Commits the queued writes as one batch; `fail` makes the batch fail as a full disk would; answers
 * are given by store_mem_turn. */
void store_mem_commit(struct store *store, bool fail);
/* As kill -9 of the host: queued writes are lost, waiters forgotten; committed rows and events
 * stay. `keep_queued` commits them first (the host died after the commit, before the answer). */
void store_mem_crash(struct store *store, bool keep_queued);
/* A commit whose answer is lost: what is queued now is in doubt until it is settled; reads fail
 * meanwhile, what is asked later waits. False: nothing to be in doubt about. */
bool store_mem_doubt(struct store *store);
/* What is in doubt is done, unless somebody else has written since; or was before. */
void store_mem_land(struct store *store);
/* What was asked since is refused, for certain not done. */
void store_mem_refuse(struct store *store);
/* It shows what became of it: answered by the next turn, or queued again as if just asked. */
void store_mem_settle(struct store *store);
/* A mistake on purpose: what is in doubt is answered as not done, and told later as somebody
 * else's. */
void store_mem_disown(struct store *store);
struct book *store_mem_book(struct store *store); /* its tables, for oracles */

/* sql/<kind>/NNNN_name.up.sql and .down.sql, embedded. The report says what was done, one line
 * each. */
bool migrate_sqlite(const char *path, int to_version /* -1: newest */, struct str *report,
                    struct err *err) MUST_CHECK;
bool migrate_sqlite_status(const char *path, struct str *report, struct err *err) MUST_CHECK;
bool migrate_postgres(const char *url, int to_version, struct str *report,
                      struct err *err) MUST_CHECK;
bool migrate_postgres_status(const char *url, struct str *report, struct err *err) MUST_CHECK;

/* Reads the whole log and every table and says what does not agree. True: everything could be read;
 * whether it is sound is result->faults == 0. */
struct verify_result {
    int64_t events;
    size_t faults;
};
bool store_verify(struct store *store, struct verify_result *result, struct str *report,
                  struct err *err) MUST_CHECK;
/* The book as it was at a moment: the fold of the log up to the last event not later than it. */
bool store_state_at(struct store *store, int64_t at_us, struct book *book,
                    struct err *err) MUST_CHECK;
#endif
