/* Streaming indicators in exact decimals: each value is pushed once, each push is O(1) (amortised
 * where a window's extreme is kept), and the answer is decimal_bad() until enough values have come.
 *
 * Every division rounds half to even at the twelfth decimal, so a series gives the same figures on
 * every machine. A bad decimal, or one whose magnitude is not below 1e12, is not taken in: the
 * state stays, the answer is bad. Periods are 1 to INDICATOR_PERIOD_MAX; *_init asserts that.
 * Indicators with a window own memory: *_free gives it back and accepts a zeroed struct. Seeds
 * follow the common charts: averages of EMA and Wilder's kind begin with the plain average of their
 * first `period` values; the first true range is high - low. */
#ifndef TIDELOCK_TRADE_INDICATOR_H
#define TIDELOCK_TRADE_INDICATOR_H
#include "base/decimal.h"

#define INDICATOR_PERIOD_MAX 10000

struct window { /* the last `period` values, oldest at `at` when full */
    struct decimal *values;
    uint32_t period, count, at;
};

struct sma { /* simple moving average */
    struct window window;
    struct decimal sum;
};
void sma_init(struct sma *sma, uint32_t period);
void sma_free(struct sma *sma);
struct decimal sma_push(struct sma *sma, struct decimal value);

struct ema { /* exponential, weight 2 / (period + 1) */
    uint32_t period, count;
    struct decimal value; /* the sum while seeding */
};
void ema_init(struct ema *ema, uint32_t period);
struct decimal ema_push(struct ema *ema, struct decimal value);

struct wilder { /* Wilder's smoothing, weight 1 / period */
    uint32_t period, count;
    struct decimal value; /* the sum while seeding */
};
void wilder_init(struct wilder *wilder, uint32_t period);
struct decimal wilder_push(struct wilder *wilder, struct decimal value);

struct atr { /* average true range */
    struct wilder range;
    struct decimal close; /* of the bar before; bad: none */
};
void atr_init(struct atr *atr, uint32_t period);
struct decimal atr_push(struct atr *atr, struct decimal high, struct decimal low,
                        struct decimal close);

struct rsi { /* Wilder's relative strength index, 0 to 100; 50 when nothing moved */
    struct wilder gain, loss;
    struct decimal last;
};
void rsi_init(struct rsi *rsi, uint32_t period);
struct decimal rsi_push(struct rsi *rsi, struct decimal value);
/* The same in two: false, there is no value yet; the value of all that was fed. */
bool rsi_feed(struct rsi *rsi, struct decimal value);
struct decimal rsi_value(const struct rsi *rsi);

struct roc { /* rate of change in percent against `period` values ago */
    struct window window;
};
void roc_init(struct roc *roc, uint32_t period);
void roc_free(struct roc *roc);
struct decimal roc_push(struct roc *roc, struct decimal value);

struct extreme {            /* highest or lowest of the last `period` values, this one included */
    struct decimal *values; /* those that may yet be the extreme, best first, in a ring */
    uint64_t *indexes;
    uint64_t pushed;
    uint32_t period, first, count;
    int sign; /* 1: highest, -1: lowest */
};
void highest_init(struct extreme *extreme, uint32_t period);
void lowest_init(struct extreme *extreme, uint32_t period);
void extreme_free(struct extreme *extreme);
struct decimal extreme_push(struct extreme *extreme, struct decimal value);

struct donchian { /* channel of the last `period` bars, this one included */
    struct extreme high, low;
};
struct donchian_value {
    struct decimal upper, lower, middle;
};
void donchian_init(struct donchian *donchian, uint32_t period);
void donchian_free(struct donchian *donchian);
struct donchian_value donchian_push(struct donchian *donchian, struct decimal high,
                                    struct decimal low);

struct supertrend {
    struct atr atr;
    struct decimal multiplier;
    struct decimal upper, lower, close; /* final bands and close of the bar before */
    int direction; /* 1: rising, the line is below the price; -1: falling; 0: not yet */
};
void supertrend_init(struct supertrend *supertrend, uint32_t period, struct decimal multiplier);
/* The line; supertrend.direction tells its side. */
struct decimal supertrend_push(struct supertrend *supertrend, struct decimal high,
                               struct decimal low, struct decimal close);

struct efficiency { /* Kaufman's ratio: |net change| / Σ |changes| over `period` changes, 0 to 1 */
    struct window window;
    struct decimal path;
};
void efficiency_init(struct efficiency *efficiency, uint32_t period);
void efficiency_free(struct efficiency *efficiency);
struct decimal efficiency_push(struct efficiency *efficiency, struct decimal value);
bool efficiency_feed(struct efficiency *efficiency, struct decimal value);
struct decimal efficiency_value(const struct efficiency *efficiency);

struct adx {
    struct wilder up, down, range, index;
    struct decimal high, low, close; /* of the bar before */
};
struct adx_value {
    struct decimal adx, plus, minus; /* 0 to 100; plus and minus come before adx does */
};
void adx_init(struct adx *adx, uint32_t period);
struct adx_value adx_push(struct adx *adx, struct decimal high, struct decimal low,
                          struct decimal close);

struct deviation { /* standard deviation of the last `period` values (of the population: divided by
                      period) */
    struct window window;
    struct decimal
        base; /* the first value: sums are taken from there, so that squares stay small */
    struct decimal sum, squares; /* of value - base */
};
void deviation_init(struct deviation *deviation, uint32_t period);
void deviation_free(struct deviation *deviation);
struct decimal deviation_push(struct deviation *deviation, struct decimal value);
#endif
