/* The real clocks, and one that is moved by hand. */
#include "base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t real_wall(const struct clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_REALTIME);
}

/* BOOTTIME goes on during suspend: a lease must not look fresh after a laptop woke up. */
static int64_t real_steady(const struct clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_BOOTTIME);
}

const struct clock *clock_real(void)
{
    static const struct clock real = {real_wall, real_steady};
    return &real;
}

static int64_t sim_wall(const struct clock *clock)
{
    return ((const struct clock_sim *)clock)->now_wall_us;
}

static int64_t sim_steady(const struct clock *clock)
{
    return ((const struct clock_sim *)clock)->now_steady_us;
}

void clock_sim_init(struct clock_sim *sim, int64_t wall_us, int64_t steady_us)
{
    *sim = (struct clock_sim){{sim_wall, sim_steady}, wall_us, steady_us};
}

void clock_sim_advance(struct clock_sim *sim, int64_t by_us)
{
    sim->now_wall_us += by_us;
    sim->now_steady_us += by_us;
}

void clock_sim_set_wall(struct clock_sim *sim, int64_t wall_us)
{
    int64_t by_us = wall_us - sim->now_wall_us;
    sim->now_wall_us = wall_us;
    if (by_us > 0)
        sim->now_steady_us += by_us;
}
