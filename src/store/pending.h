/* A write that was asked and is not yet answered, with an arena for what the body of the store
 * makes of it; both are used again, so that a steady stream of writes allocates nothing. And the
 * sentences every body of the store answers with, so that callers cannot tell the bodies apart. */
#ifndef TIDELOCK_STORE_PENDING_H
#define TIDELOCK_STORE_PENDING_H
#include "store/store.h"

struct pending {
    struct arena arena;
    struct store_write write; /* its events are the asker's */
    const char **bodies; /* what the log will hold, one for each event; NULL: not printed yet */
    struct waiter to;
    struct err err; /* code ERR_OK: it worked */
    int64_t seq;    /* of the write's last event, once committed */
};
void pending_init(struct pending *pending);
void pending_fill(struct pending *pending, const struct store_write *write, struct waiter to);
void pending_clear(struct pending *pending); /* ready to be filled again */
void pending_free(struct pending *pending);
/* Makes `bodies`. At once, on the asking thread: whoever commits is waited for by everybody. Rows
 * that are changed afterwards (to follow what others wrote) want it made anew. */
void pending_print(struct pending *pending, struct str *scratch);
/* Gives the answer; `value` only with success. */
void pending_answer(struct pending *pending, const void *value);

/* What can be told from the change alone: a row that is written once is not changed, versions go up
 * by one, the edge of a state is legal. */
bool change_check(const struct change *change, struct err *err) MUST_CHECK;
bool change_edge_legal(const struct table *table, const void *before, const void *after);
/* That carried events (those with an origin) come in their turn after the log's last one. */
bool check_origins(const struct store_write *write, int64_t last_seq, struct err *err) MUST_CHECK;
bool refuse_duplicate(struct err *err, const struct table *table, const char *key);
bool refuse_conflict(struct err *err, const struct change *change,
                     int64_t version /* -1: no row */);
bool refuse_silence(struct err *err, const struct store_write *write);
bool refuse_closed(struct err *err);

/* Answers with the error in the loop's next round: never before returning. */
struct loop;
void refuse_later(struct loop *loop, const struct err *err, struct waiter to);
#endif
