/* For the files of the PostgreSQL body only: one struct, whose parts have one file each.
 *
 *     store_pg.c     opens, closes, asks and answers
 *     pgtake.c       the writes that were asked, the batch at hand, answers
 *     pgcommit.c     how a batch gets into the log
 *     pgtail.c       what others wrote
 *     pgread.c       queries on a pool of connections, or a replica's
 *     pgbeat.c       signs of life, and the ear for others' commits
 *     pgsnapshot.c   blocking reads of one moment */
#ifndef TIDELOCK_STORE_STORE_PG_H
#define TIDELOCK_STORE_STORE_PG_H
#include "base/chance.h"
#include "io/pg.h"
#include "store/pending.h"
#include "store/pgbatch.h"
#include "store/pgfollow.h"
#include "store/store_bodies.h"

#define PG_BATCH_MAX 256
#define PG_WRITES_MAX 65536
#define PG_READS_MAX 1024
#define PG_CHANNEL "tidelock"

struct pgstore;
struct pgasked { /* a write */
    struct pgasked *next;
    struct pending pending;
    int64_t asked_us;
    bool good; /* in the batch at hand */
};

enum pgphase {
    PG_IDLE,
    PG_FAST,    /* a whole transaction is on its way, hoping that the log ends where we think */
    PG_LOCK,    /* the end of the log is being taken, and what came before it read */
    PG_WRITE,   /* the rest of a transaction that holds the end */
    PG_TAIL,    /* only reading on */
    PG_SETTLE,  /* after a lost COMMIT: the end is being taken to see whether it happened */
    PG_RELEASE, /* ... and given back */
};
struct pgcommit {
    struct pg *pg;
    enum pgphase phase;
    struct pgasked *first, **last; /* not yet in a batch */
    struct pgasked *spare;         /* answered, for the next */
    size_t spare_count;
    struct str body; /* what an event is printed into */
    struct pgasked *taken[PG_BATCH_MAX];
    size_t taken_count, limit;
    struct pgbatch *batch;
    int64_t sent_seq; /* where the log ends once what was sent is done */
    uint8_t sent_hash[SHA256_SIZE];
    bool ahead_open; /* what is asked is judged at once, behind what was sent */
    size_t ahead;    /* so many of the first that wait are in `batch` already */
    struct pg_args args;
    bool careful;   /* something in the batch did not fit: ask what stands */
    bool contended; /* others write too: take the end before writing */
    bool rollback;  /* the session has a failed transaction */
    bool tail_wanted;
    bool ambiguous; /* the batch was sent, and nobody knows: see sent_seq */
    int64_t doubt_us; /* since when */
    unsigned attempts;
    struct loop_timer *retry;
    size_t head_at, events_at, versions_at, put; /* statements of the request at hand */
    int64_t head_seq, head_turns;
    uint8_t head_hash[SHA256_SIZE];
    struct arena foreign_arena;
    struct event *foreign;
    size_t foreign_count, foreign_room;
    struct err read_err; /* of what was read */
    int64_t began_us;
};

struct pgread_conn {
    struct pgstore *store;
    struct pg *pg;
    struct pgread *read; /* under way */
    bool replica;
};
struct pgreads {
    struct pgread_conn pool[16];
    size_t pool_size;
    struct pgread_conn replica;
    struct pgread *first, **last;
    size_t count;
};

struct pgbeats {
    struct pg *pg;
    bool ready;
    struct pgbeat *first, **last;
    size_t count;
    int64_t term, beat;
    int64_t listed, sweep_at; /* since the last sweep; and when the next is due */
    struct store_beat *list;
    size_t list_count, list_room;
    struct pg_args args;
};

struct pgstore {
    struct store store;
    struct loop *loop;
    struct log *log;
    const struct clock *clock;
    char *url, *direct_url, *replica_url, *instance, *durability, *where;
    int64_t request_us, patience_us, lag_us;
    bool read_only, closing, refused; /* refused: the log is not ours any more */
    struct err trouble;
    int64_t down_us; /* since when; 0: not */
    int64_t queued, last_commit_us;
    struct chance chance;
    struct loop_timer *tick;
    int64_t next_tail_us;
    struct pgfollow follow;
    struct pgcommit commit;
    struct pgreads reads;
    struct pgbeats beats;
    struct pg_block *snapshot; /* of blocking reads; NULL when the loop has gone on since */
    int64_t lag_marks[8][2];   /* when, and where the log ended */
    size_t lag_mark;
    struct metric *commit_seconds, *commits, *writes, *failures, *retries, *queue_depth, *foreign;
};

/* pgcommit.c */
bool pgcommit_open(struct pgstore *s, struct err *err) MUST_CHECK;
void pgcommit_close(struct pgstore *s); /* after pgcommit_drain; answers what is left */
void pgcommit_drain(struct pgstore *s);
void pgcommit_start(void *store); /* whatever is due; by loop_defer */
void pgcommit_tail(struct pgstore *s);

/* pgtail.c */
void pgtail_take(struct pgstore *s, const struct pg_rows *rows, size_t at);
/* Everything read, from `from` on, is others'. False: the log is not ours any more. */
bool pgtail_follow(struct pgstore *s, size_t from);

/* pgtake.c */
struct pgasked *pgtake_new(struct pgstore *s); /* to be filled and asked */
void pgtake_free(struct pgstore *s);
/* Rows of waiting writes may have been changed to follow what others wrote. */
void pgtake_reprint(struct pgstore *s);
void pgtake_ask(struct pgstore *s, struct pgasked *asked);
/* From the queue into the batch. One that changes who may write ends it: those after it are judged
 * by what it did. */
void pgtake_batch(struct pgstore *s);
bool pgtake_serializable(const struct pgcommit *c); /* any of the batch wants it */
/* An empty batch behind the log as it is followed. */
void pgtake_begin(struct pgstore *s);
/* Puts the batch into words; the number of writes that can be made. */
size_t pgtake_judge(struct pgstore *s);
/* The batch is on its way, hoping: what is asked meanwhile is put into words at once, as if it were
 * committed, so that it can set out as soon as it is. Anything else that happens forgets that. */
void pgtake_look_ahead(struct pgstore *s);
void pgtake_put_silence(struct pgstore *s); /* what those that depend on one expect */
void pgtake_apply(struct pgstore *s);       /* committed: the log ends behind it, fences know it */
/* Answers may ask again; what they ask is a later batch's. Detached, another batch may be begun
 * before this one is answered, as long as nothing of that is answered or heard first. */
struct pgtaken {
    struct pgasked *list[PG_BATCH_MAX];
    size_t count;
};
void pgtake_detach(struct pgstore *s, struct pgtaken *taken);
void pgtake_answer_all(struct pgstore *s, const struct pgtaken *taken);
void pgtake_answer(struct pgstore *s);
void pgtake_fail(struct pgstore *s, const struct err *err);
void pgtake_divide(struct pgstore *s, const struct err *err);
void pgtake_mark(struct pgstore *s); /* notes where the log ends, for replicas to be measured by */
/* Answers whom the database has kept waiting too long, unless his write was sent and is in doubt.
 */
void pgtake_expire(struct pgstore *s);
/* It has taken nothing for so long that nobody need wait to find that out. */
bool pgtake_refuses(const struct pgstore *s, struct err *err);

/* pgread.c */
bool pgread_open(struct pgstore *s, size_t pool, struct err *err) MUST_CHECK;
void pgread_close(struct pgstore *s);
void pgread_drain(struct pgstore *s);
void pgread_query(struct store *store, const struct store_query *query, struct waiter to);
void pgread_events(struct store *store, const struct store_events_query *query, struct waiter to);
void pgread_expire(struct pgstore *s);

/* pgbeat.c */
bool pgbeat_open(struct pgstore *s, struct err *err) MUST_CHECK;
void pgbeat_close(struct pgstore *s);
void pgbeat_ask(struct store *store, int64_t term, struct waiter to);
/* The list of what may be alive has grown by so many: it is swept when it has doubled. */
void pgbeat_listed(struct pgstore *s, int64_t count);
void pgbeat_upkeep(struct store *store, int keep, struct waiter to);

/* pgsnapshot.c */
bool pgsnapshot_rows(struct store *store, const struct store_query *query,
                     bool (*each)(void *ctx, const void *row, struct err *err), void *ctx,
                     struct err *err);
bool pgsnapshot_events(struct store *store, const struct store_events_query *query,
                       bool (*each)(void *ctx, const struct event *event, struct err *err),
                       void *ctx, struct err *err);
struct pg_block *pgsnapshot_take(struct pgstore *s, struct err *err) MUST_CHECK;
void pgsnapshot_drop(struct pgstore *s);

/* store_pg.c */
void pgstore_trouble(struct pgstore *s, const struct err *err); /* NULL: all is well again */
#endif
