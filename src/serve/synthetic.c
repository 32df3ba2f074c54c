/* A seeded walk with slow trends and calm spells, so that a trend-following strategy has something
 * to do. */
#include "serve/synthetic.h"
#include <math.h>

void synthetic_init(struct synthetic *s, uint64_t seed, struct decimal start, struct decimal tick)
{
    *s = (struct synthetic){
        .price = decimal_to_double(start), .tick = tick, .last_close = decimal_bad()};
    chance_seed(&s->chance, seed);
}

static struct decimal to_tick(const struct synthetic *s, double price)
{
    int64_t ticks = (int64_t)floor(price / decimal_to_double(s->tick));
    return decimal_mul(decimal_int(ticks > 1 ? ticks : 1), s->tick);
}

static double draw(struct synthetic *s)
{
    return (double)chance_below(&s->chance, 2001) / 1000 - 1;
}

void synthetic_next(struct synthetic *s, int64_t at_us, struct bar *out)
{
    double volatility = s->price * 0.0016, path[4];
    if (chance_hits(&s->chance, 25))
        s->trend = draw(s) * volatility * 0.3;
    for (int i = 0; i < 4; i++) {
        double step = 0;
        for (int j = 0; j < 4; j++)
            step += draw(s);
        s->price += step * volatility * 0.33 + s->trend / 4;
        path[i] = s->price;
    }
    double open = decimal_ok(s->last_close) ? decimal_to_double(s->last_close) : path[0];
    double low = open, high = open;
    for (int i = 0; i < 4; i++)
        low = fmin(low, path[i]), high = fmax(high, path[i]);
    *out = (struct bar){.at_us = at_us,
                        .open = to_tick(s, open),
                        .high = to_tick(s, high),
                        .low = to_tick(s, low),
                        .close = to_tick(s, path[3]),
                        .volume = decimal_bad()};
    out->low = decimal_min(out->low, decimal_min(out->open, out->close));
    out->high = decimal_max(out->high, decimal_max(out->open, out->close));
    s->last_close = out->close;
}
