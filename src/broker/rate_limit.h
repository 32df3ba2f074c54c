/* What a broker allows by the second and by the minute, as a queue of those that want to go.
 *
 * Exits and cancels go first, then entries, then readings; within one of these in order of asking.
 * The last part of every bucket is kept for exits and cancels, so that readings and entries can
 * never leave them without a token. A token that was taken comes back one window later: in no span
 * as long as the window does more leave than the bucket holds, however the broker counts. */
#ifndef TIDELOCK_BROKER_RATE_LIMIT_H
#define TIDELOCK_BROKER_RATE_LIMIT_H
#include "base/clock.h"
#include "base/metric.h"
#include "base/wait.h"
#include <stddef.h>

enum rate_bucket { RATE_REQUESTS, RATE_WEIGHT, RATE_ORDERS, RATE_ORDERS_LONG, RATE_BUCKETS };
enum rate_rank { RATE_EXIT /* and cancels */, RATE_ENTRY, RATE_READ, RATE_RANKS };

struct rate_size {
    int64_t tokens; /* 0: no such bucket */
    int64_t window_us;
    int64_t reserve; /* tokens only RATE_EXIT may take; less than `tokens` */
};
struct rate_options {
    const char *broker; /* name, for metrics */
    struct rate_size buckets[RATE_BUCKETS];
    size_t queue_max; /* waiting of one rank; 0: 256. Exits have room of their own */
    const struct clock *clock;
    struct metrics *metrics; /* may be NULL */
};
struct rate_cost {
    int64_t tokens[RATE_BUCKETS];
};

struct rate_limit;
struct rate_limit *rate_limit_new(const struct rate_options *options);
/* Who still waits is answered NOT_DONE/CLOSED. NULL accepted. */
void rate_limit_free(struct rate_limit *limit);

/* Answers `to` once, at a turn: without error when the tokens are taken and it may go, at once;
 * NOT_DONE/TIMEOUT when `valid_until_us` (steady; 0: for ever) came first; LATER/FULL when too many
 * wait. */
void rate_ask(struct rate_limit *limit, enum rate_rank rank, const struct rate_cost *cost,
              int64_t valid_until_us, struct waiter to);
/* Answers all that may go or is over; the steady time at which to call it next (INT64_MAX: when
 * something was asked). */
int64_t rate_turn(struct rate_limit *limit);
/* The broker asked to be left alone until then (steady): nothing goes, exits neither. */
void rate_pause(struct rate_limit *limit, int64_t until_us);
int64_t rate_paused_until_us(const struct rate_limit *limit); /* 0: it may be spoken to */
/* The broker says how much of the running window is used; more than we know of (another program on
 * the same account) is taken as well. */
void rate_note_used(struct rate_limit *limit, enum rate_bucket bucket, int64_t used);
size_t rate_depth(const struct rate_limit *limit);
#endif
