/* The store: where state becomes durable. One interface; bodies: store_sqlite (embedded), store_pg
 * (PostgreSQL, several instances), store_mem (simulation, backtest).
 *
 * Group commit is the store's, not the caller's: it gathers what was asked in this turn or while
 * the previous commit was in flight, commits it as one transaction, then answers every waiter, in
 * the order of asking. Nothing waits to fill a batch. A write that fails does so alone: the others
 * of its batch commit. Writes take effect in the order they were asked.
 *
 * Every call answers its waiter exactly once, never before returning, on the loop's thread. */
#ifndef TIDELOCK_STORE_STORE_H
#define TIDELOCK_STORE_STORE_H
#include "base/log.h"
#include "base/metric.h"
#include "base/wait.h"
#include "trade/event.h"

#define STORE_CHANGES_MAX 16
struct store_event { /* becomes one row of the event log, in one transaction with its changes */
    const char *kind;
    const char *subject;
    const char *cause; /* JSON object text or NULL */
    int64_t at_us;
    struct change changes[STORE_CHANGES_MAX];
    size_t change_count;
    /* Written elsewhere first (carry.h): the log gets its instance, term and body, and only in its
     * turn: another seq than the next one is a CONFLICT. NULL: ours. */
    const struct event *origin;
};
struct store_write {   /* all or nothing */
    int64_t term;      /* 0: not fenced. Else the write fails FENCED (class REFUSED) unless it is
                        * the term of a living instance (struct member) */
    const char *fence; /* with a term: a lease that must be this term's; NULL: none */
    const struct store_event *events;
    size_t event_count;
    bool serializable; /* rollover, reconciliation: the strictest isolation the body has */
    /* 0: none. Else the write fails CONFLICT unless this instance's last sign of life (store_beat)
     * is still that one: of two things, that it is taken for dead and that it gives another, one
     * comes first, and whoever is second hears of it. */
    int64_t silent_term, silent_beat;
};

/* Conditions of a query; all must hold. `value` as column_print writes it; NULL value: the column
 * is absent (EQ) or present (NE). Order (LT ... GE) is defined for INT, TIME and TEXT columns and
 * never holds for an absent time or text; PREFIX for TEXT; LONG columns take no condition. What
 * does not fit is REFUSED/USAGE. */
enum store_op {
    STORE_EQ,
    STORE_NE,
    STORE_LT,
    STORE_LE,
    STORE_GT,
    STORE_GE,
    STORE_IN, /* value: comma separated, at most 16 */
    STORE_PREFIX
};
struct store_condition {
    const char *column;
    enum store_op op;
    const char *value;
};
struct store_query {
    enum table_id table;
    struct store_condition where[6];
    size_t where_count;
    const char *order_by; /* column, not a decimal; NULL: the key. Equal ones by key */
    bool descending;
    size_t limit; /* 0: 1,000 */
    bool history; /* may be answered by a replica that is late by no more than the set bound */
};
struct store_rows { /* value of a query's answer; valid during the call */
    const struct table *table;
    size_t count;
    const void *const *rows;
};
struct store_events_query {    /* zero or NULL: no such condition */
    int64_t after_seq;         /* descending: only seqs below it */
    int64_t from_us, until_us; /* from <= at < until */
    const char *kind_prefix, *subject;
    size_t limit; /* 0: 1,000 */
    bool descending;
    bool history; /* as of a query */
};
struct store_events {
    size_t count;
    const struct event *list;
};

struct store_status { /* for health and metrics */
    const char *kind; /* "sqlite", "memory" */
    bool ok;
    char text[160]; /* a sentence: where, what guarantee ("durable: WAL, synchronous=FULL") or what
                     * is wrong */
    int64_t last_commit_us; /* duration of the last commit */
    int64_t queued;         /* writes asked and not yet answered */
    int64_t events;         /* last seq */
    int64_t term;           /* the largest that was ever given: the next instance's is above it */
};

struct store;
struct store_ops {
    void (*write)(struct store *store, const struct store_write *write, struct waiter to);
    void (*query)(struct store *store, const struct store_query *query, struct waiter to);
    void (*events)(struct store *store, const struct store_events_query *query, struct waiter to);
    void (*status)(const struct store *store, struct store_status *out);
    void (*close)(struct store *store); /* finishes what was asked, answers it, frees */
    /* Blocking reads of what is committed, for start and command line. All rows that match (limit
     * 0: all), of events likewise; what `each` is given is valid during the call. */
    bool (*read_rows)(struct store *store, const struct store_query *query,
                      bool (*each)(void *ctx, const void *row, struct err *err), void *ctx,
                      struct err *err);
    bool (*read_events)(struct store *store, const struct store_events_query *query,
                        bool (*each)(void *ctx, const struct event *event, struct err *err),
                        void *ctx, struct err *err);
    /* NULL: nobody else can be there. See store_beat, store_wake. */
    void (*beat)(struct store *store, int64_t term, struct waiter to);
    void (*wake)(struct store *store);
    /* Months ahead made, those older than `keep` of them (0: none) dropped; value: const int64_t *,
     * how many tables were. NULL: there is nothing to keep up. */
    void (*upkeep)(struct store *store, int keep, struct waiter to);
    /* What the body itself can tell of its soundness; NULL: nothing. Counts into *faults. */
    bool (*check)(struct store *store, struct str *report, size_t *faults, struct err *err);
};
/* Several instances on one store share one log, and each follows it: what others wrote is told in
 * log order, every event once, on the loop's thread, from the store's own turn and never from
 * inside a call; and always before the answer to a write of ours that committed after it, and
 * before a write of ours that was not yet sent is put into words. Whoever listens may therefore
 * change the rows of such writes (an account whose sums have moved on), and its book is as of the
 * end of the log whenever one of its own writes is answered. Answers keep to the log's order too:
 * one of ours that committed before theirs is answered before theirs is told. */
struct store {
    const struct store_ops *ops;
    void (*on_foreign)(void *ctx, const struct event *events, size_t count); /* set by the host */
    void *foreign_ctx;
};

/* The events, their rows and texts stay the asker's, at one place and unchanged until the answer
 * (the struct store_write itself is copied): a writer's thread may be reading them. Who cannot
 * promise that keeps a copy: store_write_copy. A store that is closed has answered.
 *
 * Without an error the write is durable, and the value is const int64_t *: the number of its last
 * event. The errors are
 *
 * - DUPLICATE (REFUSED): an inserted key stands already (text: table and key); nothing was written
 * - CONFLICT (REFUSED): a changed row's version is not before.version, or the edge is not legal;
 *   a silent instance was not
 * - FENCED (REFUSED): the term has ended, or the lease is another's
 * - FULL, IO (LATER): the disk is full, read-only, failing; nothing was written
 * - CLOSED (NOT_DONE): the store is closing; MAYBE_DONE: and it was sent
 *
 * What was sent to a database that then says nothing is in doubt, and is not answered until the log
 * shows what became of it, however long that takes: status.ok is false meanwhile. Writes asked
 * after it may be refused (LATER) before it is answered. */
static inline void store_write(struct store *s, const struct store_write *w, struct waiter to)
{
    s->ops->write(s, w, to);
}
/* A deep copy whose events, rows and texts lie in the arena. Asserts what only a mistake of the
 * asker's can break: more changes than fit, keys that differ. */
struct store_write store_write_copy(struct arena *arena, const struct store_write *from);
/* Sees everything that was answered before it was asked. */
static inline void store_query(struct store *s, const struct store_query *q, struct waiter to)
{
    s->ops->query(s, q, to);
}
static inline void store_events(struct store *s, const struct store_events_query *q,
                                struct waiter to)
{
    s->ops->events(s, q, to);
}
/* Signs of life, outside the log: our own is given (term 0: only look), everybody's is read. A beat
 * is a number that grows; how long it has stood still is for the observer's own clock to say. A
 * session that is gone is proof that its process, or its way to the database, is. */
struct store_beat {
    int64_t term;
    int64_t beat;
    bool session; /* its connection to the database stands */
};
struct store_beats { /* value of the answer; valid during the call */
    size_t count;
    const struct store_beat *list; /* of living instances */
};
static inline void store_beat(struct store *s, int64_t term, struct waiter to)
{
    s->ops->beat(s, term, to);
}
/* Somebody says that the log has grown (a message by another way): read on. */
static inline void store_wake(struct store *s)
{
    if (s->ops->wake)
        s->ops->wake(s);
}
/* The leader's, once a day. Without partitions the answer is 0 tables, at once: false. */
static inline bool store_upkeep(struct store *s, int keep, struct waiter to)
{
    if (!s->ops->upkeep)
        return false;
    s->ops->upkeep(s, keep, to);
    return true;
}
static inline void store_status(const struct store *s, struct store_status *out)
{
    s->ops->status(s, out);
}
static inline void store_close(struct store *s)
{
    if (s)
        s->ops->close(s);
}

/* Everything a host needs at start: all rows that are not final (signals with their decisions,
 * orders, positions; dead signals too, which wait for an operator), pyramids, accounts, halts,
 * statistics, live policies and strategy states, the newest fingerprints (at most `recent` signal
 * ids, oldest of them first, through `seen`). Blocking; only before the loop runs. */
bool store_load_book(struct store *store, struct book *book, size_t recent,
                     void (*seen)(void *ctx, const char *signal_id), void *ctx,
                     struct err *err) MUST_CHECK;
/* Blocking forms for the command line, on a store of their own. */
bool store_load_tables(struct store *store, struct book *book,
                       struct err *err) MUST_CHECK; /* every row of every table */
bool store_read_events(struct store *store, int64_t after_seq, int64_t until_us /* 0: all */,
                       bool (*each)(void *ctx, const struct event *event, struct err *err),
                       void *ctx, struct err *err) MUST_CHECK;
#endif
