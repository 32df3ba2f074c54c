/* Highest and lowest of a moving window. A value that a later one beats can never be the extreme
 * again, so only the unbeaten are kept: each enters once and leaves once. */
#include "trade/indicator.h"
#include "base/mem.h"
#include <assert.h>

#define BIGGEST ((decimal_units)1000000000000 * 1000000000000)

static void extreme_init(struct extreme *extreme, uint32_t period, int sign)
{
    assert(period >= 1 && period <= INDICATOR_PERIOD_MAX);
    *extreme = (struct extreme){.period = period, .sign = sign};
    extreme->values = mem_alloc(period * sizeof *extreme->values);
    extreme->indexes = mem_alloc(period * sizeof *extreme->indexes);
}

void highest_init(struct extreme *extreme, uint32_t period)
{
    extreme_init(extreme, period, 1);
}

void lowest_init(struct extreme *extreme, uint32_t period)
{
    extreme_init(extreme, period, -1);
}

void extreme_free(struct extreme *extreme)
{
    mem_free(extreme->values);
    mem_free(extreme->indexes);
    *extreme = (struct extreme){0};
}

static uint32_t slot(const struct extreme *e, uint32_t offset)
{
    uint32_t at = e->first + offset;
    return at >= e->period ? at - e->period : at;
}

struct decimal extreme_push(struct extreme *e, struct decimal value)
{
    if (value.units >= BIGGEST || value.units <= -BIGGEST)
        return decimal_bad();
    const uint64_t index = e->pushed++;
    if (e->count && e->indexes[e->first] + e->period <= index) {
        e->first = slot(e, 1);
        e->count--;
    }
    while (e->count) {
        const decimal_units last = e->values[slot(e, e->count - 1)].units;
        if (e->sign > 0 ? last > value.units : last < value.units)
            break;
        e->count--;
    }
    const uint32_t at = slot(e, e->count++);
    e->values[at] = value;
    e->indexes[at] = index;
    return e->pushed < e->period ? decimal_bad() : e->values[e->first];
}

void donchian_init(struct donchian *donchian, uint32_t period)
{
    highest_init(&donchian->high, period);
    lowest_init(&donchian->low, period);
}

void donchian_free(struct donchian *donchian)
{
    extreme_free(&donchian->high);
    extreme_free(&donchian->low);
}

struct donchian_value donchian_push(struct donchian *donchian, struct decimal high,
                                    struct decimal low)
{
    struct donchian_value out = {decimal_bad(), decimal_bad(), decimal_bad()};
    if (high.units >= BIGGEST || high.units <= -BIGGEST || low.units >= BIGGEST ||
        low.units <= -BIGGEST)
        return out;
    out.upper = extreme_push(&donchian->high, high);
    out.lower = extreme_push(&donchian->low, low);
    if (decimal_ok(out.upper)) { /* half to even */
        const decimal_units sum = out.upper.units + out.lower.units, half = sum >> 1;
        out.middle = (struct decimal){half + (sum & half & 1)};
    }
    return out;
}
