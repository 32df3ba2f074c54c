/* The loop: the order within a turn, timers that are never early, embedding by descriptor. */
#include "io/loop.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/str.h"
#include "io/trap.h"

static struct loop *loop;
static struct metrics *metrics;
static struct str story;

static int start(void **state)
{
    (void)state;
    struct err err;
    metrics = metrics_new();
    loop = loop_new(clock_real(), metrics, &err);
    return loop ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    loop_free(loop);
    metrics_free(metrics);
    str_free(&story);
    return 0;
}

static void tell(void *ctx)
{
    str_puts(&story, ctx);
}

static void tell_and_defer(void *ctx)
{
    str_puts(&story, ctx);
    loop_defer(loop, tell, "second ");
    str_puts(&story, "returned ");
}

static void stop_it(void *ctx)
{
    (void)ctx;
    loop_stop(loop);
}

static int64_t count_turn(void *ctx, int64_t steady_us)
{
    (void)steady_us;
    (*(int *)ctx)++;
    return LOOP_NEVER;
}

static void defers_until_after_returning(void **state)
{
    (void)state;
    int turns = 0;
    struct loop_hook *hook = loop_on_turn(loop, count_turn, &turns);
    loop_defer(loop, tell_and_defer, "first ");
    assert_string_equal(str_text(&story), "");
    loop_turn(loop, 0);
    assert_string_equal(str_text(&story), "first returned second ");
    assert_true(turns >= 2); /* what a deferred call caused is seen by the hooks before waiting */
    loop_hook_free(hook);
}

static void forgets_cancelled_calls(void **state)
{
    (void)state;
    loop_defer(loop, tell, "a");
    loop_defer(loop, tell, "b");
    loop_defer_cancel(loop, tell, (void *)"a");
    loop_turn(loop, 0);
    assert_string_equal(str_text(&story), "b");
}

static void defer_for_ever(void *ctx)
{
    (*(int *)ctx)++;
    loop_defer(loop, defer_for_ever, ctx);
}

static void deferring_for_ever_starves_nothing(void **state)
{
    (void)state;
    int calls = 0;
    struct loop_timer *timer = loop_timer_new(loop, stop_it, NULL);
    loop_timer_start_in(timer, 2000);
    loop_defer(loop, defer_for_ever, &calls);
    loop_run(loop);
    assert_true(calls > 8);
    loop_defer_cancel(loop, defer_for_ever, &calls);
    loop_timer_free(timer);
}

static void stops_before_and_inside(void **state)
{
    (void)state;
    loop_stop(loop);
    loop_run(loop);
    loop_defer(loop, stop_it, NULL);
    loop_run(loop);
}

struct alarm {
    struct loop_timer *timer;
    int64_t at_us;
    int fired;
};

static void ring(void *ctx)
{
    struct alarm *alarm = ctx;
    alarm->at_us = loop_steady_us(loop);
    alarm->fired++;
    loop_timer_free(alarm->timer);
    loop_stop(loop);
}

static void timers_are_never_early(void **state)
{
    (void)state;
    for (int64_t delay_us = 1; delay_us < 6000; delay_us += 617) {
        struct alarm alarm = {0};
        alarm.timer = loop_timer_new(loop, ring, &alarm);
        int64_t due_us = loop_steady_us(loop) + delay_us;
        loop_timer_start_at(alarm.timer, due_us + 500000);
        loop_timer_start_at(alarm.timer, due_us);
        loop_run(loop);
        assert_int_equal(alarm.fired, 1);
        assert_true(alarm.at_us >= due_us);
        assert_true(alarm.at_us < due_us + 400000);
    }
    struct loop_timer *timer = loop_timer_new(loop, tell, "never");
    loop_timer_start_in(timer, 1000);
    loop_timer_stop(timer);
    loop_turn(loop, 20);
    loop_timer_free(timer);
    assert_string_equal(str_text(&story), "");
}

struct wish {
    int64_t at_us;
    int called;
};

static int64_t wish_to_wake(void *ctx, int64_t steady_us)
{
    struct wish *wish = ctx;
    wish->called++;
    if (steady_us < wish->at_us)
        return wish->at_us;
    loop_stop(loop);
    return LOOP_NEVER;
}

static void hooks_say_when_they_are_due(void **state)
{
    (void)state;
    struct wish wish = {.at_us = loop_steady_us(loop) + 20000};
    struct loop_hook *hook = loop_on_turn(loop, wish_to_wake, &wish);
    loop_run(loop);
    assert_true(loop_steady_us(loop) >= wish.at_us);
    assert_true(wish.called < 20); /* it slept in between */
    loop_hook_free(hook);
}

static void turns_for_a_bounded_time(void **state)
{
    (void)state;
    int64_t begin_us = loop_steady_us(loop);
    loop_turn(loop, 30);
    int64_t took_us = loop_steady_us(loop) - begin_us;
    assert_true(took_us >= 30000 && took_us < 5000000);
    begin_us = loop_steady_us(loop);
    loop_turn(loop, 0);
    assert_true(loop_steady_us(loop) - begin_us < 5000000);
}

static void caught(void *ctx, int number)
{
    (void)number;
    (*(int *)ctx)++;
}

/* Somebody else's loop: polls the descriptor, then turns. */
static void embeds_by_descriptor(void **state)
{
    (void)state;
    struct err err;
    int count = 0;
    struct trap *trap = trap_set(loop, SIGUSR1, caught, &count, &err);
    assert_non_null(trap);
    while (loop_turn(loop, 0)) {
    }
    for (int i = 1; i <= 3; i++) {
        kill(getpid(), SIGUSR1);
        while (count < i) {
            struct pollfd fd = {.fd = loop_fd(loop), .events = POLLIN};
            assert_true(poll(&fd, 1, (int)loop_next_ms(loop)) >= 0);
            loop_turn(loop, 0);
        }
    }
    trap_free(trap);
}

static void traps_give_the_signal_back(void **state)
{
    (void)state;
    struct err err;
    int count = 0;
    struct sigaction action;
    struct trap *trap = trap_set(loop, SIGHUP, caught, &count, &err);
    kill(getpid(), SIGHUP);
    while (count == 0)
        loop_turn(loop, 1000);
    trap_free(trap);
    sigaction(SIGHUP, NULL, &action);
    assert_true(action.sa_handler == SIG_DFL);
    assert_null(trap_set(loop, SIGKILL, caught, &count, &err));
    assert_non_null(strstr(err.text, "cannot catch"));
    trap_ignore_pipe();
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    assert_int_equal(write(fds[1], "x", 1), -1);
    close(fds[1]);
}

static void burn(void *ctx)
{
    (void)ctx;
    int64_t until_us = loop_steady_us(loop) + 15000;
    while (loop_steady_us(loop) < until_us) {
    }
}

static void measures_how_late_it_runs(void **state)
{
    (void)state;
    loop_turn(loop, 0);
    loop_longest_turn_us(loop);
    loop_turn(loop, 400); /* sleeping is not being late */
    assert_true(loop_longest_turn_us(loop) < 350000);
    loop_defer(loop, burn, NULL);
    loop_turn(loop, 0);
    loop_turn(loop, 0);
    assert_true(loop_longest_turn_us(loop) >= 15000);
    assert_true(metric_value(metric_histogram(metrics, "tidelock_loop_turn_seconds", "", NULL)) >=
                3);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(defers_until_after_returning),
        T(forgets_cancelled_calls),
        T(deferring_for_ever_starves_nothing),
        T(stops_before_and_inside),
        T(timers_are_never_early),
        T(hooks_say_when_they_are_due),
        T(turns_for_a_bounded_time),
        T(embeds_by_descriptor),
        T(traps_give_the_signal_back),
        T(measures_how_late_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
