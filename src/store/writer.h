/* The SQLite body's writing half: takes a batch of writes, makes one transaction of it.
 *
 * Runs on one thread (or none: it blocks) and knows nothing of loops. Nobody else writes to the
 * database while a writer stands (the lock file sees to that), which is why it may keep the end of
 * the event chain, the living instances and the versions of the few rows that every fill changes in
 * memory. */
#ifndef TIDELOCK_STORE_WRITER_H
#define TIDELOCK_STORE_WRITER_H
#include "io/sqlite.h"
#include "store/pending.h"

struct writer_item {
    struct pending pending;
};
struct writer_state { /* after the last commit */
    int64_t seq, term;
    int64_t commit_us;  /* how long it took, begin to answer */
    int64_t writes;     /* that were committed, in all */
    struct err trouble; /* code ERR_OK: none; else why the last batch failed as a whole */
};

struct writer;
/* Takes over the connection. NULL and *err when the log's end cannot be read. */
struct writer *writer_new(struct sqlite *db, const char *path, const char *instance,
                          const struct clock *clock, struct err *err) MUST_CHECK;
bool writer_free(struct writer *writer, struct err *err); /* closes the connection */
/* Commits the items in order; afterwards each pending.err says how it went. */
void writer_commit(struct writer *writer, struct writer_item *const *items, size_t count);
void writer_state(const struct writer *writer, struct writer_state *out);
/* Statements since the write-ahead log was last moved into the file: how long it is, roughly. */
int64_t writer_statements(const struct writer *writer);
/* Moves it, as far as readers allow without waiting for them. */
void writer_tidy(struct writer *writer);
#endif
