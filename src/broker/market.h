/* A market that is followed: prices and closed bars as they happen. */
#ifndef TIDELOCK_BROKER_MARKET_H
#define TIDELOCK_BROKER_MARKET_H
#include "trade/bar.h"
#include "trade/portfolio.h"

struct market_follow { /* what is followed; its place in the list names it */
    const struct instrument *instrument;
    int64_t interval_us; /* of its bars */
    int64_t past;        /* bars before the start that are told as well */
};
struct market_events {
    /* The price is this, now: told again when it is confirmed, so that silence means staleness. */
    void (*price)(void *ctx, size_t follow, struct decimal price, int64_t at_us);
    /* A closed bar, each once and in order, also those that closed while nothing was heard. `past`:
     * it closed before the start. */
    void (*bar)(void *ctx, size_t follow, const struct bar *bar, bool past);
    void *ctx;
};
struct market_status {
    bool alive; /* its stream is open; else prices are polled */
    char text[160];
};
struct market_source;
struct market_ops {
    void (*start)(struct market_source *market);
    void (*status)(const struct market_source *market, struct market_status *out);
    void (*close)(struct market_source *market);
};
struct market_source {
    const struct market_ops *ops;
};
static inline void market_start(struct market_source *market)
{
    market->ops->start(market);
}
static inline void market_status(const struct market_source *market, struct market_status *out)
{
    market->ops->status(market, out);
}
static inline void market_close(struct market_source *market)
{
    if (market)
        market->ops->close(market);
}
#endif
