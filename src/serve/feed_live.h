/* Feeds that follow a real market: which sources there are, and which feed hears of what. */
#ifndef TIDELOCK_SERVE_FEED_LIVE_H
#define TIDELOCK_SERVE_FEED_LIVE_H
#include "flow/core.h"
#include "io/loop.h"
#include "serve/config.h"
#include "trade/bar.h"

struct feed_live;
struct feed_live_events { /* `feed`: its place in the configuration */
    void (*price)(void *ctx, size_t feed, struct decimal price, int64_t at_us);
    void (*bar)(void *ctx, size_t feed, const struct bar *bar, bool past);
    void *ctx;
};
bool feed_live_is(const struct config_feed *feed); /* it names a market, not a file */
/* One source for all feeds that ask the same place. */
struct feed_live *feed_live_open(struct core *core, struct loop *loop, const struct config *config,
                                 const struct feed_live_events *events, struct err *err) MUST_CHECK;
void feed_live_start(struct feed_live *live);
/* False: there are none. `text` tells of the one that is worst. */
bool feed_live_status(const struct feed_live *live, bool *alive, char *text, size_t size);
void feed_live_close(struct feed_live *live); /* NULL accepted */
#endif
