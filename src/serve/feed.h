/* Bars from a file, or made from a seed, at a chosen pace: something to see at once, and a
 * rehearsal of a strategy on the live host. */
#ifndef TIDELOCK_SERVE_FEED_H
#define TIDELOCK_SERVE_FEED_H
#include "flow/flows.h"
#include "io/loop.h"
#include "serve/config.h"

struct feeds;
struct feeds *feeds_open(struct core *core, struct loop *loop, const struct config *config,
                         struct err *err) MUST_CHECK;
void feeds_start(struct feeds *feeds); /* warms up, then feeds at the configured pace */
void feeds_warm(struct feeds *feeds,
                const char *strategy); /* a swapped strategy sees the kept bars again */
void feeds_stop(struct feeds *feeds);
void feeds_close(struct feeds *feeds);
int64_t feeds_price_age_us(
    const struct feeds *feeds); /* of the oldest followed instrument; negative: none is followed */
/* struct prices over what was fed. */
bool feeds_last(void *ctx, const char *instrument, struct decimal *price, int64_t *at_us);
/* {"instrument": [[ms, open, high, low, close], ...], ...}: the kept bars, for charts. */
void feeds_json(const struct feeds *feeds, const char *instrument, struct str *out);
#endif
