/* Indicators in fixed point. Smoothing is Wilder's and starts from the plain mean of the first period, as charting platforms do. */
#include "policy/indicator.h"

#include <math.h>

#define HUNDRED (100 * DECIMAL_ONE)

static int ring_count(enum indicator_kind kind)
{
    switch (kind) {
    case INDICATOR_EMA:
    case INDICATOR_RMA:
    case INDICATOR_RSI:
    case INDICATOR_ATR:
    case INDICATOR_SUPERTREND:
    case INDICATOR_ADX:
        return 0;
    case INDICATOR_DONCHIAN:
    case INDICATOR_ER: /* closes and steps */
        return 2;
    default:
        return 1;
    }
}

size_t indicator_size(enum indicator_kind kind, int period)
{
    return sizeof(struct indicator) + (size_t)(ring_count(kind) * period) * sizeof(decimal_units);
}

void indicator_init(struct indicator *indicator, enum indicator_kind kind, int period,
                    struct decimal factor)
{
    indicator->kind = kind;
    indicator->period = period;
    indicator->factor = factor;
    indicator->high_at = indicator->low_at = -1;
}

static decimal_units divide(decimal_units a, int64_t n)
{
    decimal_units q = a / n, rest = a - q * n, twice = rest < 0 ? -2 * rest : 2 * rest;

    if (twice > n || (twice == n && (q & 1)))
        q += a < 0 ? -1 : 1;
    return q;
}

static decimal_units absolute(decimal_units a)
{
    return a < 0 ? -a : a;
}

static decimal_units scale(decimal_units a, decimal_units b, decimal_units c)
{
    struct decimal value = decimal_muldiv((struct decimal){a}, (struct decimal){b}, (struct decimal){c});

    return decimal_ok(value) ? value.units : 0;
}

/* Wilder's mean: plain over the first period, then one part in `period` of each step. `seen` counts from 1. */
static decimal_units smooth(decimal_units *state, decimal_units value, int64_t seen, int period)
{
    if (seen < period) {
        *state += value;
        return 0;
    }
    if (seen == period)
        *state = divide(*state + value, period);
    else
        *state += divide(value - *state, period);
    return *state;
}

/* Puts a value into a ring and returns the one that leaves it (0 while it fills). */
static decimal_units turn(struct indicator *in, int ring, decimal_units value)
{
    decimal_units *slot = &in->ring[ring * in->period + in->head], old = *slot;

    *slot = value;
    return old;
}

static void step(struct indicator *in)
{
    in->head = in->head + 1 == in->period ? 0 : in->head + 1;
}

/* The place of the extreme value in a ring after the slot `head` was written: looked for anew only when the old one left. */
static int extreme(const struct indicator *in, int ring, int at, int sign)
{
    const decimal_units *values = &in->ring[ring * in->period];
    int64_t count = in->seen < in->period ? in->seen : in->period;
    decimal_units fresh = values[in->head];

    if (at >= 0 && at != in->head)
        return (sign > 0 ? fresh >= values[at] : fresh <= values[at]) ? in->head : at;
    at = 0;
    for (int i = 1; i < count; i++)
        if (sign > 0 ? values[i] > values[at] : values[i] < values[at])
            at = i;
    return at;
}

static bool push_sma(struct indicator *in, decimal_units value)
{
    in->sum += value - turn(in, 0, value);
    step(in);
    in->out[0].units = divide(in->sum, in->period);
    return in->seen >= in->period;
}

static bool push_ema(struct indicator *in, decimal_units value)
{
    if (in->seen <= in->period)
        smooth(&in->sum, value, in->seen, in->period);
    else
        in->sum += divide((value - in->sum) * 2, in->period + 1);
    in->out[0].units = in->sum;
    return in->seen >= in->period;
}

static bool push_extreme(struct indicator *in, decimal_units value, int sign)
{
    turn(in, 0, value);
    in->high_at = extreme(in, 0, in->high_at, sign);
    in->out[0].units = in->ring[in->high_at];
    step(in);
    return in->seen >= in->period;
}

/* The root, rounded down; the floating point is only the first guess. */
static decimal_units root(decimal_units square)
{
    decimal_units guess = (decimal_units)sqrtl((long double)square);

    while (guess * guess > square)
        guess--;
    while ((guess + 1) * (guess + 1) <= square)
        guess++;
    return guess;
}

/* Population deviation of the window around its mean; too wild to square: not ready. */
static bool deviation(const struct indicator *in, decimal_units mean, decimal_units *out)
{
    decimal_units sum = 0;

    for (int i = 0; i < in->period; i++) {
        decimal_units apart = absolute(in->ring[i] - mean);

        if (apart >> 58)
            return false;
        sum += apart * apart;
    }
    *out = root(sum / in->period);
    return true;
}

static bool push_bands(struct indicator *in, decimal_units value)
{
    bool full = push_sma(in, value);
    decimal_units mean = in->out[0].units, width;

    if (!full || !deviation(in, mean, &width))
        return false;
    if (in->kind == INDICATOR_STDEV) {
        in->out[0].units = width;
        return true;
    }
    width = scale(width, in->factor.units, DECIMAL_ONE);
    in->out[1].units = mean + width;
    in->out[2].units = mean - width;
    return true;
}

static bool push_roc(struct indicator *in, decimal_units value)
{
    decimal_units old = turn(in, 0, value);

    step(in);
    if (in->seen <= in->period || old == 0)
        return false;
    in->out[0].units = scale(value - old, HUNDRED, old);
    return true;
}

/* Kaufman's efficiency ratio: the way made good over the way gone. */
static bool push_er(struct indicator *in, decimal_units value)
{
    decimal_units old = turn(in, 0, value), way = in->seen > 1 ? absolute(value - in->last) : 0;

    in->sum += way - turn(in, 1, way);
    step(in);
    if (in->seen <= in->period)
        return false;
    in->out[0].units = in->sum == 0 ? 0 : scale(absolute(value - old), DECIMAL_ONE, in->sum);
    return true;
}

static bool push_rsi(struct indicator *in, decimal_units value)
{
    decimal_units change = value - in->last, up, down;

    if (in->seen == 1)
        return false;
    up = smooth(&in->sums[0], change > 0 ? change : 0, in->seen - 1, in->period);
    down = smooth(&in->sums[1], change < 0 ? -change : 0, in->seen - 1, in->period);
    in->out[0].units = up + down == 0 ? HUNDRED / 2 : scale(HUNDRED, up, up + down);
    return in->seen > in->period;
}

static decimal_units true_range(const struct indicator *in, decimal_units high, decimal_units low)
{
    if (in->seen > 1) {
        high = high > in->last ? high : in->last;
        low = low < in->last ? low : in->last;
    }
    return high - low;
}

static bool push_atr(struct indicator *in, decimal_units high, decimal_units low)
{
    in->out[0].units = smooth(&in->sum, true_range(in, high, low), in->seen, in->period);
    return in->seen >= in->period;
}

/* The bands follow the price and never give way; closing beyond the one in force turns the direction. */
static bool push_supertrend(struct indicator *in, decimal_units high, decimal_units low, decimal_units close)
{
    decimal_units middle = divide(high + low, 2), width, lower, upper;

    if (!push_atr(in, high, low))
        return false;
    width = scale(in->out[0].units, in->factor.units, DECIMAL_ONE);
    lower = middle - width;
    upper = middle + width;
    if (in->seen > in->period) {
        if (in->last > in->band[0] && in->band[0] > lower)
            lower = in->band[0];
        if (in->last < in->band[1] && in->band[1] < upper)
            upper = in->band[1];
        in->up = in->up ? close >= lower : close > upper;
    } else {
        in->up = close > middle;
    }
    in->band[0] = lower;
    in->band[1] = upper;
    in->out[0].units = in->up ? lower : upper;
    return true;
}

static bool push_donchian(struct indicator *in, decimal_units high, decimal_units low)
{
    bool full = in->seen > in->period;

    if (full) {
        in->out[0].units = in->ring[in->high_at];
        in->out[1].units = in->ring[in->period + in->low_at];
    }
    turn(in, 0, high);
    turn(in, 1, low);
    in->high_at = extreme(in, 0, in->high_at, 1);
    in->low_at = extreme(in, 1, in->low_at, -1);
    step(in);
    return full;
}

static bool push_adx(struct indicator *in, decimal_units high, decimal_units low)
{
    decimal_units rise = high - in->last_high, fall = in->last_low - low, range, plus, minus, sum;
    int64_t seen = in->seen - 1;

    if (seen == 0)
        return false;
    range = smooth(&in->sums[0], true_range(in, high, low), seen, in->period);
    plus = smooth(&in->sums[1], rise > fall && rise > 0 ? rise : 0, seen, in->period);
    minus = smooth(&in->sums[2], fall > rise && fall > 0 ? fall : 0, seen, in->period);
    if (seen < in->period || range == 0)
        return false;
    in->out[1].units = scale(HUNDRED, plus, range);
    in->out[2].units = scale(HUNDRED, minus, range);
    sum = in->out[1].units + in->out[2].units;
    sum = sum == 0 ? 0 : scale(HUNDRED, absolute(in->out[1].units - in->out[2].units), sum);
    in->out[0].units = smooth(&in->sums[3], sum, seen - in->period + 1, in->period);
    return seen >= 2 * (int64_t)in->period - 1;
}

static bool push(struct indicator *in, decimal_units high, decimal_units low, decimal_units close)
{
    switch (in->kind) {
    case INDICATOR_SMA:
        return push_sma(in, close);
    case INDICATOR_EMA:
        return push_ema(in, close);
    case INDICATOR_RMA:
        in->out[0].units = smooth(&in->sum, close, in->seen, in->period);
        return in->seen >= in->period;
    case INDICATOR_HIGHEST:
        return push_extreme(in, high, 1);
    case INDICATOR_LOWEST:
        return push_extreme(in, low, -1);
    case INDICATOR_STDEV:
    case INDICATOR_BOLLINGER:
        return push_bands(in, close);
    case INDICATOR_ROC:
        return push_roc(in, close);
    case INDICATOR_ER:
        return push_er(in, close);
    case INDICATOR_RSI:
        return push_rsi(in, close);
    case INDICATOR_ATR:
        return push_atr(in, high, low);
    case INDICATOR_DONCHIAN:
        return push_donchian(in, high, low);
    case INDICATOR_SUPERTREND:
        return push_supertrend(in, high, low, close);
    default:
        return push_adx(in, high, low);
    }
}

bool indicator_push(struct indicator *indicator, struct decimal high, struct decimal low,
                    struct decimal close)
{
    indicator->seen++;
    indicator->ready = push(indicator, high.units, low.units, close.units);
    indicator->last = close.units;
    indicator->last_high = high.units;
    indicator->last_low = low.units;
    return indicator->ready;
}
