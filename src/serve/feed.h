/* Prices and bars for the strategies: of a market that is followed, from a file, or made from a
 * seed at a chosen pace (something to see at once, and a rehearsal on the live host). */
#ifndef TIDELOCK_SERVE_FEED_H
#define TIDELOCK_SERVE_FEED_H
#include "flow/flows.h"
#include "io/loop.h"
#include "serve/config.h"

struct feeds;
struct feeds *feeds_open(struct core *core, struct loop *loop, const struct config *config,
                         struct err *err) MUST_CHECK;
void feeds_start(struct feeds *feeds); /* warms up, then feeds at the configured pace */

/* The kept bars, for a version that is warmed up aside, on another thread. */
struct feed_snapshot {
    const struct instrument *instrument;
    const struct bar *bars; /* oldest first, in the arena */
    size_t count;
    int64_t interval_us, fed;
};
size_t feeds_snapshot(const struct feeds *feeds, struct arena *arena, struct feed_snapshot **out);
/* The facts a bar is warmed up with. */
struct facts feeds_warm_facts(const struct feed_snapshot *snapshot, const struct bar *bar,
                              const struct portfolio *portfolio);
/* The live version of a strategy sees the bars that came after the snapshots (count 0: all kept
 * bars). */
void feeds_warm(struct feeds *feeds, const char *strategy, const struct feed_snapshot *since,
                size_t count);
void feeds_stop(struct feeds *feeds);
void feeds_close(struct feeds *feeds);
int64_t feeds_price_age_us(
    const struct feeds *feeds); /* of the oldest followed instrument; negative: none is followed */
/* The stream of a followed market. False: none is followed. */
bool feeds_stream(const struct feeds *feeds, bool *alive, char *text, size_t size);
/* struct prices over what was fed. A price that is followed and stale is none. */
int64_t feeds_age(void *ctx, const char *instrument);
bool feeds_last(void *ctx, const char *instrument, struct decimal *price, int64_t *at_us);
const uint64_t *feeds_moves(const struct feeds *feeds);
/* {"instrument": [[ms, open, high, low, close], ...], ...}: the kept bars, for charts. */
void feeds_json(const struct feeds *feeds, const char *instrument, struct str *out);
#endif
