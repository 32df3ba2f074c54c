/* Clocks: the real ones move forward, the simulated one only by hand. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void real_clocks_run(void **state)
{
    (void)state;
    const struct clock *clock = clock_real();
    assert_true(clock_wall(clock) > INT64_C(1700000000000000));
    int64_t last = clock_steady(clock);
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_steady(clock);
        assert_true(now >= last);
        last = now;
    }
}

static void simulated_clock_moves_by_hand(void **state)
{
    (void)state;
    struct clock_sim sim;
    clock_sim_init(&sim, 1000, 50);
    assert_int_equal(clock_wall(&sim.clock), 1000);
    assert_int_equal(clock_steady(&sim.clock), 50);
    clock_sim_advance(&sim, 10);
    assert_int_equal(clock_wall(&sim.clock), 1010);
    assert_int_equal(clock_steady(&sim.clock), 60);
    clock_sim_set_wall(&sim, 500);
    assert_int_equal(clock_wall(&sim.clock), 500);
    assert_int_equal(clock_steady(&sim.clock), 60);
    clock_sim_set_wall(&sim, 700);
    assert_int_equal(clock_steady(&sim.clock), 260);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_clocks_run),
        cmocka_unit_test(simulated_clock_moves_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
