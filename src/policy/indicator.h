/* Technical indicators over exact decimals: one value in, at most three out, O(1) a bar. Private to this room; ta.c gives
 * them to scripts. Divisions round half to even at 10^-12, so equal bars give equal values everywhere. */
#ifndef TIDELOCK_POLICY_INDICATOR_H
#define TIDELOCK_POLICY_INDICATOR_H
#include "base/decimal.h"
#include <stdbool.h>

#define INDICATOR_PERIOD_MAX 1000

enum indicator_kind {
    INDICATOR_SMA, INDICATOR_EMA, INDICATOR_RMA, INDICATOR_HIGHEST, INDICATOR_LOWEST, INDICATOR_STDEV,
    INDICATOR_ROC, INDICATOR_ER, INDICATOR_RSI, INDICATOR_ATR, INDICATOR_BOLLINGER, /* middle, upper, lower */
    INDICATOR_DONCHIAN,   /* highest, lowest of the n bars before this one */
    INDICATOR_SUPERTREND, /* line; `up` is the direction */
    INDICATOR_ADX,        /* adx, +DI, -DI */
    INDICATOR_COUNT
};

struct indicator {
    enum indicator_kind kind;
    int period;
    struct decimal factor; /* bollinger's and supertrend's width */
    int64_t seen;
    bool ready, up;
    struct decimal out[3];
    decimal_units last, last_high, last_low, sum, sums[4], band[2];
    int head, high_at, low_at; /* places in the rings */
    decimal_units ring[]; /* indicator_rings(kind) * period values */
};

size_t indicator_size(enum indicator_kind kind, int period);
/* `memory` is zeroed and of indicator_size bytes. */
void indicator_init(struct indicator *indicator, enum indicator_kind kind, int period, struct decimal factor);
/* A single value is pushed as high == low == close. Returns `ready`: out[] holds values. */
bool indicator_push(struct indicator *indicator, struct decimal high, struct decimal low, struct decimal close);
#endif
