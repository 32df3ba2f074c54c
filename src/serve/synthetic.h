/* Bars made from a seed: something to see and to test with where there is no market. Equal seeds
 * make equal bars on every machine. Nothing about them is a price of anything. */
#ifndef TIDELOCK_SERVE_SYNTHETIC_H
#define TIDELOCK_SERVE_SYNTHETIC_H
#include "base/chance.h"
#include "trade/bar.h"

struct synthetic {
    struct chance chance;
    double price, trend;             /* of the walk; prices leave as exact ticks */
    struct decimal tick, last_close; /* absent before the first bar */
};
void synthetic_init(struct synthetic *synthetic, uint64_t seed, struct decimal start,
                    struct decimal tick);
void synthetic_next(struct synthetic *synthetic, int64_t at_us, struct bar *out);
#endif
