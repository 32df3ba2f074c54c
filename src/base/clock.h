/* Time as a parameter: the wall for people, the steady clock for deadlines.
 *
 * Wall: microseconds since 1970-01-01 UTC; may jump. Steady: CLOCK_BOOTTIME microseconds; never
 * compared across hosts. */
#ifndef TIDELOCK_BASE_CLOCK_H
#define TIDELOCK_BASE_CLOCK_H
#include <stdint.h>

struct clock {
    int64_t (*wall_us)(const struct clock *clock);
    int64_t (*steady_us)(const struct clock *clock);
};

struct clock_sim { /* moved by hand: simulation, backtest, tests */
    struct clock clock;
    int64_t now_wall_us;
    int64_t now_steady_us;
};

const struct clock *clock_real(void);
void clock_sim_init(struct clock_sim *sim, int64_t wall_us, int64_t steady_us);
void clock_sim_advance(struct clock_sim *sim, int64_t by_us); /* both clocks */
void clock_sim_set_wall(
    struct clock_sim *sim,
    int64_t wall_us); /* a step of the wall clock; steady follows forward moves only */
static inline int64_t clock_wall(const struct clock *c)
{
    return c->wall_us(c);
}
static inline int64_t clock_steady(const struct clock *c)
{
    return c->steady_us(c);
}
#endif
