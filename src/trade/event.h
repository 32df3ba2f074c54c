/* Events: every change of state as a recorded fact, chained by hash, folding back to the state.
 *
 * body is canonical JSON: {"cause":{...}|null,"changes":[{"t":"orders","k":"<key>","set":{column:
 * value, ...}}, ...]}. `set` holds the columns that changed (all that are not empty for a new row,
 * but the key; null: became absent). hash = SHA-256(previous hash ‖ length-prefixed seq, at, kind,
 * subject, instance, term, body); the first previous is 32 zero bytes. */
#ifndef TIDELOCK_TRADE_EVENT_H
#define TIDELOCK_TRADE_EVENT_H
#include "base/hash.h"
#include "trade/book.h"

struct event {
    int64_t seq; /* 1, 2, 3, ... without gaps */
    int64_t at_us;
    const char *kind;    /* signal.received, signal.decided, order.sending, order.filled, halt.set,
                            policy.swapped, ... */
    const char *subject; /* the id it is about: signal id, order id, strategy ... */
    const char *instance;
    int64_t term;
    const char *body;
    uint8_t hash[SHA256_SIZE];
};

void event_body(struct str *out, const char *cause_json /* NULL: null */,
                const struct change *changes, size_t count);
void event_hash(struct sha256 *ctx, const uint8_t previous[SHA256_SIZE], const struct event *event,
                uint8_t out[SHA256_SIZE]);
/* Folds one event into a book. Fails (CORRUPT) when the body does not read or a change does not fit
 * the row it changes: a row written once is there already, or a version is not the former one + 1.
 */
bool event_fold(struct book *book, const struct event *event, struct err *err) MUST_CHECK;
/* As event_fold; each change is shown, with whole rows, before it is applied. Rows live until it
 * returns. */
bool event_fold_each(struct book *book, const struct event *event,
                     void (*each)(void *ctx, const struct event *event,
                                  const struct change *change),
                     void *ctx, struct err *err) MUST_CHECK;

/* The changes of an event for who applies them in a way of his own: each names a table, a key and
 * the columns that changed. The first one, or NULL: none, or (with *err set) the body does not read
 * (CORRUPT). The next is `next`. */
const struct json *event_changes(const struct event *event, struct arena *arena, struct err *err);
bool event_change_read(const struct event *event, const struct json *change,
                       const struct table **table, const char **key, const struct json **set,
                       struct err *err) MUST_CHECK;

/* Folding a whole log: feed events in order; checks gaps and the chain, and watches on the way what
 * the folded book can no longer tell: edges between states, and statistics against what they count.
 */
struct replay {
    struct book *book;
    struct book *stats; /* counted from the changes alone (stat_count) */
    struct sha256 *sha;
    uint8_t hash[SHA256_SIZE];
    int64_t seq;
    struct counted
        *history; /* statistics rows as they were before each event since the last save */
    size_t history_count, history_room;
    struct str faults; /* sentences, one a line, bounded */
    size_t fault_count;
};
void replay_init(struct replay *replay, struct book *book);
void replay_free(struct replay *replay); /* not the book */
bool replay_feed(struct replay *replay, const struct event *event, struct err *err) MUST_CHECK;
/* What was seen while feeding: illegal edges of orders and signals, saved statistics that are not
 * what the log counts. Appends at most `max` sentences, one a line; returns their true number. */
size_t replay_faults(const struct replay *replay, struct str *report, size_t max);

/* Of a `statistics.saved` event: the last event its rows count ("through" of its cause; a log that
 * says nothing counts up to the save). */
int64_t event_counts_through(const struct event *event);

/* Beyond equality, on a folded book: fills add up to orders, orders to positions, positions to
 * pyramids, the ledger to the account without a gap, and each order and decision has its signal.
 * Appends at most `max` sentences, one a line; returns their true number. */
size_t replay_audit(struct book *book, struct str *report, size_t max);
#endif
