/* Moving averages, oscillators and volatility, one value at a time. Whole numbers of 10^-12 are
 * added and divided as they are; a value below 1e12 (1e24 units) times a period of 10,000 stays far
 * inside 128 bits. */
#include "trade/indicator.h"
#include "base/mem.h"
#include <assert.h>

#define BIGGEST ((decimal_units)1000000000000 * 1000000000000)

static bool takes(struct decimal value)
{
    return value.units < BIGGEST && value.units > -BIGGEST; /* a bad decimal is beyond */
}

static const struct decimal hundred = {(decimal_units)100 * 1000000000000};

/* Half to even. The narrow case is most of life, and one machine division instead of a call. */
static decimal_units divide(decimal_units value, int64_t by)
{
    decimal_units quotient, rest;
    if (value == (int64_t)value) {
        quotient = (int64_t)value / by;
        rest = (int64_t)value - (int64_t)quotient * by;
    } else {
        quotient = value / by;
        rest = value - quotient * by;
    }
    if (rest < 0) {
        quotient--;
        rest += by;
    }
    const decimal_units twice = rest * 2;
    return quotient + (twice > by || (twice == by && (quotient & 1)));
}

/* Half to even, too. */
static decimal_units halve(decimal_units value)
{
    const decimal_units half = value >> 1;
    return half + (value & half & 1);
}

static struct decimal difference(struct decimal a, struct decimal b)
{
    return (struct decimal){a.units - b.units};
}

static struct decimal size_of(struct decimal a)
{
    return (struct decimal){a.units < 0 ? -a.units : a.units};
}

static struct decimal larger(struct decimal a, struct decimal b)
{
    return a.units > b.units ? a : b;
}

static struct decimal smaller(struct decimal a, struct decimal b)
{
    return a.units < b.units ? a : b;
}

/* ---- windows ---- */

static void window_init(struct window *window, uint32_t period)
{
    assert(period >= 1 && period <= INDICATOR_PERIOD_MAX + 1);
    *window =
        (struct window){.values = mem_alloc(period * sizeof *window->values), .period = period};
}

static void window_free(struct window *window)
{
    mem_free(window->values);
    *window = (struct window){0};
}

/* True when a value left to make room. */
static bool window_push(struct window *window, struct decimal value, struct decimal *left)
{
    const bool full = window->count == window->period;
    if (full)
        *left = window->values[window->at];
    else
        window->count++;
    window->values[window->at] = value;
    if (++window->at == window->period)
        window->at = 0;
    return full;
}

/* ---- averages ---- */

void sma_init(struct sma *sma, uint32_t period)
{
    window_init(&sma->window, period);
    sma->sum = decimal_int(0);
}

void sma_free(struct sma *sma)
{
    window_free(&sma->window);
}

struct decimal sma_push(struct sma *sma, struct decimal value)
{
    struct decimal left;
    if (!takes(value))
        return decimal_bad();
    sma->sum.units += value.units;
    if (window_push(&sma->window, value, &left))
        sma->sum.units -= left.units;
    if (sma->window.count < sma->window.period)
        return decimal_bad();
    return (struct decimal){divide(sma->sum.units, sma->window.period)};
}

/* Sums until the seed is whole; true from the value on that completes it. */
static bool seed(uint32_t period, uint32_t *count, struct decimal *sum, struct decimal value)
{
    sum->units += value.units;
    if (++*count < period)
        return false;
    sum->units = divide(sum->units, period);
    return true;
}

void ema_init(struct ema *ema, uint32_t period)
{
    assert(period >= 1 && period <= INDICATOR_PERIOD_MAX);
    *ema = (struct ema){.period = period, .value = decimal_int(0)};
}

struct decimal ema_push(struct ema *ema, struct decimal value)
{
    if (!takes(value))
        return decimal_bad();
    if (ema->count < ema->period)
        return seed(ema->period, &ema->count, &ema->value, value) ? ema->value : decimal_bad();
    ema->value.units += divide(2 * (value.units - ema->value.units), (int64_t)ema->period + 1);
    return ema->value;
}

void wilder_init(struct wilder *wilder, uint32_t period)
{
    assert(period >= 1 && period <= INDICATOR_PERIOD_MAX);
    *wilder = (struct wilder){.period = period, .value = decimal_int(0)};
}

struct decimal wilder_push(struct wilder *wilder, struct decimal value)
{
    if (!takes(value))
        return decimal_bad();
    if (wilder->count < wilder->period)
        return seed(wilder->period, &wilder->count, &wilder->value, value) ? wilder->value
                                                                           : decimal_bad();
    wilder->value.units += divide(value.units - wilder->value.units, wilder->period);
    return wilder->value;
}

/* ---- ranges ---- */

static struct decimal true_range(struct decimal high, struct decimal low, struct decimal before)
{
    if (decimal_ok(before)) {
        high = larger(high, before);
        low = smaller(low, before);
    }
    return difference(high, low);
}

void atr_init(struct atr *atr, uint32_t period)
{
    wilder_init(&atr->range, period);
    atr->close = decimal_bad();
}

struct decimal atr_push(struct atr *atr, struct decimal high, struct decimal low,
                        struct decimal close)
{
    if (!takes(high) || !takes(low) || !takes(close))
        return decimal_bad();
    const struct decimal range = true_range(high, low, atr->close);
    atr->close = close;
    return wilder_push(&atr->range, range);
}

void supertrend_init(struct supertrend *supertrend, uint32_t period, struct decimal multiplier)
{
    assert(decimal_ok(multiplier) && decimal_sign(multiplier) > 0);
    *supertrend = (struct supertrend){.multiplier = multiplier};
    atr_init(&supertrend->atr, period);
}

/* The bands only close in on the price until it breaks through; then the other one takes over. */
struct decimal supertrend_push(struct supertrend *s, struct decimal high, struct decimal low,
                               struct decimal close)
{
    const struct decimal atr = atr_push(&s->atr, high, low, close);
    if (!decimal_ok(atr))
        return decimal_bad();
    const decimal_units width = decimal_mul(atr, s->multiplier).units;
    const decimal_units middle = halve(high.units + low.units);
    struct decimal upper = {middle + width}, lower = {middle - width};
    if (s->direction != 0) {
        if (s->close.units <= s->upper.units)
            upper = smaller(upper, s->upper);
        if (s->close.units >= s->lower.units)
            lower = larger(lower, s->lower);
    }
    if (s->direction == 0)
        s->direction = close.units > middle ? 1 : -1;
    else if (s->direction < 0 && close.units > s->upper.units)
        s->direction = 1;
    else if (s->direction > 0 && close.units < s->lower.units)
        s->direction = -1;
    s->upper = upper;
    s->lower = lower;
    s->close = close;
    return s->direction > 0 ? lower : upper;
}

/* ---- oscillators ---- */

void rsi_init(struct rsi *rsi, uint32_t period)
{
    wilder_init(&rsi->gain, period);
    wilder_init(&rsi->loss, period);
    rsi->last = decimal_bad();
}

bool rsi_feed(struct rsi *rsi, struct decimal value)
{
    const struct decimal zero = {0}, last = rsi->last;
    if (!takes(value))
        return false;
    rsi->last = value;
    if (!decimal_ok(last))
        return false;
    const struct decimal change = difference(value, last);
    wilder_push(&rsi->loss, larger(decimal_neg(change), zero));
    return decimal_ok(wilder_push(&rsi->gain, larger(change, zero)));
}

struct decimal rsi_value(const struct rsi *rsi)
{
    const struct decimal gain = rsi->gain.value, all = {gain.units + rsi->loss.value.units};
    return all.units == 0 ? decimal_int(50) : decimal_muldiv(gain, hundred, all);
}

struct decimal rsi_push(struct rsi *rsi, struct decimal value)
{
    return rsi_feed(rsi, value) ? rsi_value(rsi) : decimal_bad();
}

void roc_init(struct roc *roc, uint32_t period)
{
    assert(period <= INDICATOR_PERIOD_MAX);
    window_init(&roc->window, period);
}

void roc_free(struct roc *roc)
{
    window_free(&roc->window);
}

struct decimal roc_push(struct roc *roc, struct decimal value)
{
    struct decimal before;
    if (!takes(value) || !window_push(&roc->window, value, &before))
        return decimal_bad();
    return decimal_muldiv(difference(value, before), hundred, before); /* bad when it was zero */
}

void efficiency_init(struct efficiency *efficiency, uint32_t period)
{
    assert(period <= INDICATOR_PERIOD_MAX);
    window_init(&efficiency->window,
                period + 1); /* `period` changes lie between period + 1 values */
    efficiency->path = decimal_int(0);
}

void efficiency_free(struct efficiency *efficiency)
{
    window_free(&efficiency->window);
}

static struct decimal newest(const struct window *w)
{
    return w->values[w->at ? w->at - 1 : w->period - 1];
}

bool efficiency_feed(struct efficiency *e, struct decimal value)
{
    struct window *w = &e->window;
    struct decimal left;
    if (!takes(value))
        return false;
    if (w->count > 0)
        e->path.units += size_of(difference(value, newest(w))).units;
    if (window_push(w, value, &left))
        e->path.units -= size_of(difference(w->values[w->at], left)).units;
    return w->count == w->period;
}

struct decimal efficiency_value(const struct efficiency *e)
{
    const struct window *w = &e->window;
    if (e->path.units == 0)
        return decimal_int(0);
    return decimal_div(size_of(difference(newest(w), w->values[w->at])), e->path,
                       DECIMAL_HALF_EVEN);
}

struct decimal efficiency_push(struct efficiency *e, struct decimal value)
{
    return efficiency_feed(e, value) ? efficiency_value(e) : decimal_bad();
}

void adx_init(struct adx *adx, uint32_t period)
{
    wilder_init(&adx->up, period);
    wilder_init(&adx->down, period);
    wilder_init(&adx->range, period);
    wilder_init(&adx->index, period);
    adx->high = adx->low = adx->close = decimal_bad();
}

static struct decimal percent_of(struct decimal part, struct decimal whole)
{
    return whole.units == 0 ? decimal_int(0) : decimal_muldiv(part, hundred, whole);
}

struct adx_value adx_push(struct adx *a, struct decimal high, struct decimal low,
                          struct decimal close)
{
    struct adx_value out = {decimal_bad(), decimal_bad(), decimal_bad()};
    if (!takes(high) || !takes(low) || !takes(close))
        return out;
    const bool first = !decimal_ok(a->close);
    struct decimal up = {0}, down = {0}, range = {0};
    if (!first) {
        const struct decimal rise = difference(high, a->high), fall = difference(a->low, low);
        if (rise.units > fall.units && rise.units > 0)
            up = rise;
        else if (fall.units > rise.units && fall.units > 0)
            down = fall;
        range = true_range(high, low, a->close);
    }
    a->high = high;
    a->low = low;
    a->close = close;
    if (first)
        return out;
    up = wilder_push(&a->up, up);
    down = wilder_push(&a->down, down);
    range = wilder_push(&a->range, range);
    if (!decimal_ok(range))
        return out;
    out.plus = percent_of(up, range);
    out.minus = percent_of(down, range);
    const struct decimal both = {up.units + down.units};
    out.adx = wilder_push(&a->index, percent_of(size_of(difference(up, down)), both));
    return out;
}

/* ---- deviation ---- */

void deviation_init(struct deviation *deviation, uint32_t period)
{
    assert(period <= INDICATOR_PERIOD_MAX);
    window_init(&deviation->window, period);
    deviation->base = decimal_bad();
    deviation->sum = deviation->squares = decimal_int(0);
}

void deviation_free(struct deviation *deviation)
{
    window_free(&deviation->window);
}

struct decimal deviation_push(struct deviation *d, struct decimal value)
{
    struct decimal left;
    if (!takes(value))
        return decimal_bad();
    if (!decimal_ok(d->base))
        d->base = value;
    value = difference(value, d->base);
    const struct decimal square = decimal_mul(value, value);
    if (!decimal_ok(square) || !decimal_ok(decimal_add(d->squares, square)))
        return decimal_bad();
    d->sum.units += value.units;
    d->squares = decimal_add(d->squares, square);
    if (window_push(&d->window, value, &left)) {
        d->sum.units -= left.units;
        d->squares =
            decimal_sub(d->squares, decimal_mul(left, left)); /* rounds as it did when it came */
    }
    if (d->window.count < d->window.period)
        return decimal_bad();
    const int64_t n = d->window.period;
    /* the squared mean with one rounding: a rounded mean, squared, would lose digits as prices
     * leave the base */
    const struct decimal mean_squared = decimal_muldiv(d->sum, d->sum, decimal_int(n * n));
    const struct decimal spread = {divide(d->squares.units, n) - mean_squared.units};
    return decimal_sqrt(larger(spread, decimal_int(0)));
}
