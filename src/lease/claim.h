/* Claims: which instance works a signal, said fast and without authority.
 *
 * The second of three layers against doubles: the first is each instance's memory of what it saw,
 * the third and only authority the unique key of the signal's row. A sender that repeats to several
 * instances at once is thereby mostly answered without a write; nothing is wrong when it is not.
 *
 * How intake uses it (flow/claiming.c), in the modes with several instances, for a signal that
 * neither book nor memory knows:
 *
 *     claim_ask(claims, id, instrument, waiter);
 *
 *     CLAIM_GRANTED, CLAIM_UNKNOWN   go on: store the signal, as if there were no claims
 *     CLAIM_DENIED                   another instance is storing it now: hold it back for a moment
 *                                    (until the log tells of its row, 100 ms at most), then go on
 *                                    and let the row's key decide. Never answer from the claim.
 *
 *     claim_release(claims, id)      the signal is final, or this instance gave it up
 *
 * A claim is kept (30 s, renewed at a third) until then. Bodies: claim_redis, and the simulator's,
 * which lies. */
#ifndef TIDELOCK_LEASE_CLAIM_H
#define TIDELOCK_LEASE_CLAIM_H
#include "base/metric.h"
#include "base/wait.h"

struct hints;
struct loop;
enum claim { CLAIM_GRANTED, CLAIM_DENIED, CLAIM_UNKNOWN };

struct claims;
struct claim_ops {
    /* Value: const enum claim *, never an error, within 20 ms */
    void (*ask)(struct claims *claims, const char *signal_id, const char *instrument,
                struct waiter to);
    void (*release)(struct claims *claims, const char *signal_id);
    void (*close)(struct claims *claims);
};
struct claims {
    const struct claim_ops *ops;
};
static inline void claim_ask(struct claims *claims, const char *signal_id, const char *instrument,
                             struct waiter to)
{
    claims->ops->ask(claims, signal_id, instrument, to);
}
/* One that was not granted is nobody's loss. NULL accepted. */
static inline void claim_release(struct claims *claims, const char *signal_id)
{
    if (claims)
        claims->ops->release(claims, signal_id);
}
static inline void claims_close(struct claims *claims)
{
    if (claims)
        claims->ops->close(claims);
}

/* `hints` NULL: every answer is UNKNOWN. Closed before the claims are. At most 4,096 claims are
 * kept; beyond that the answer is UNKNOWN. */
struct claims *claims_redis_open(struct hints *hints, struct loop *loop, struct metrics *metrics);
#endif
