/* The queue before a broker, on a clock moved by hand: no window ever has more than it may, exits
 * pass entries and readings and find the reserve, and what is too late says so. */
#include "broker/rate_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define S_US 1000000LL

static struct clock_sim sim;
static struct rate_limit *limit;
static struct got {
    int answers;
    enum err_class class;
    int64_t at_us;
    int place;
} got[64];
static int order;

static void hear(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)owner;
    (void)value;
    got[handle].answers++;
    got[handle].class = err ? err->class : ERR_NONE;
    got[handle].at_us = clock_steady(&sim.clock);
    got[handle].place = ++order;
}

static void begin(struct rate_options options)
{
    clock_sim_init(&sim, 1000 * S_US, 50 * S_US);
    options.clock = &sim.clock;
    options.broker = "test";
    limit = rate_limit_new(&options);
    order = 0;
    for (int i = 0; i < 64; i++)
        got[i] = (struct got){0};
}

static void ask(uint64_t handle, enum rate_rank rank, int64_t valid_in_us)
{
    struct rate_cost cost = {.tokens = {[RATE_REQUESTS] = 1, [RATE_ORDERS] = rank != RATE_READ}};
    rate_ask(limit, rank, &cost, valid_in_us ? clock_steady(&sim.clock) + valid_in_us : 0,
             (struct waiter){hear, NULL, handle});
}

static void run(int64_t for_us)
{
    int64_t end_us = clock_steady(&sim.clock) + for_us;
    for (;;) {
        int64_t next_us = rate_turn(limit), now_us = clock_steady(&sim.clock);
        if (next_us > end_us)
            break;
        clock_sim_advance(&sim, next_us > now_us ? next_us - now_us : 0);
    }
    clock_sim_advance(&sim, end_us - clock_steady(&sim.clock));
    rate_turn(limit);
}

static void test_never_answered_before_returning(void **state)
{
    (void)state;
    begin((struct rate_options){.buckets = {[RATE_REQUESTS] = {5, S_US, 0}}});
    ask(0, RATE_EXIT, 0);
    assert_int_equal(got[0].answers, 0);
    rate_turn(limit);
    assert_int_equal(got[0].answers, 1);
    rate_limit_free(limit);
}

static void test_no_window_has_more_than_it_may(void **state)
{
    (void)state;
    begin((struct rate_options){.buckets = {[RATE_REQUESTS] = {5, S_US, 0}}});
    for (uint64_t i = 0; i < 40; i++) {
        ask(i, RATE_ENTRY, 0);
        run(i % 3 ? 30000 : 0);
    }
    run(20 * S_US);
    for (int i = 0; i < 40; i++) {
        int inside = 0;
        assert_int_equal(got[i].answers, 1);
        for (int k = 0; k < 40; k++)
            inside += got[k].at_us >= got[i].at_us && got[k].at_us < got[i].at_us + S_US;
        assert_in_range(inside, 1, 5);
    }
    assert_true(got[39].at_us - got[0].at_us >= 7 * S_US);
    rate_limit_free(limit);
}

static void test_exits_go_first_and_find_the_reserve(void **state)
{
    (void)state;
    begin((struct rate_options){
        .buckets = {[RATE_REQUESTS] = {6, S_US, 2}, [RATE_ORDERS] = {4, S_US, 1}}});
    for (uint64_t i = 0; i < 10; i++)
        ask(i, RATE_READ, 0);
    rate_turn(limit);
    assert_int_equal(order, 4); /* two are kept */
    ask(20, RATE_ENTRY, 0);
    ask(21, RATE_EXIT, 0);
    ask(22, RATE_EXIT, 0);
    rate_turn(limit);
    assert_int_equal(got[21].answers, 1);
    assert_int_equal(got[22].answers, 1);
    assert_int_equal(got[20].answers, 0);
    run(S_US);
    assert_int_equal(got[20].answers, 1);
    assert_true(got[20].place < got[5].place); /* before readings asked earlier */
    rate_limit_free(limit);
}

static void test_what_is_too_late_was_not_sent(void **state)
{
    (void)state;
    begin((struct rate_options){.buckets = {[RATE_ORDERS] = {1, 10 * S_US, 0}}});
    ask(0, RATE_ENTRY, 0);
    ask(1, RATE_ENTRY, 3 * S_US);
    ask(2, RATE_ENTRY, 0);
    run(5 * S_US);
    assert_int_equal(got[1].answers, 1);
    assert_int_equal(got[1].class, ERR_NOT_DONE);
    assert_int_equal(got[1].at_us, 53 * S_US);
    assert_int_equal(got[2].answers, 0);
    run(6 * S_US);
    assert_int_equal(got[2].answers, 1);
    rate_limit_free(limit);
}

static void test_full_is_an_answer(void **state)
{
    (void)state;
    begin((struct rate_options){.buckets = {[RATE_ORDERS] = {1, S_US, 0}}, .queue_max = 2});
    for (uint64_t i = 0; i < 4; i++)
        ask(i, RATE_ENTRY, 0);
    ask(9, RATE_EXIT, 0);
    rate_turn(limit);
    assert_int_equal(got[2].class, ERR_LATER);
    assert_int_equal(got[3].class, ERR_LATER);
    assert_int_equal(got[9].class, ERR_NONE);
    assert_int_equal(got[9].answers, 1);
    assert_int_equal(rate_depth(limit), 2);
    rate_limit_free(limit);
    assert_int_equal(got[0].class, ERR_NOT_DONE);
    assert_int_equal(got[1].answers, 1);
}

static void test_a_pause_holds_everything(void **state)
{
    (void)state;
    begin((struct rate_options){.buckets = {[RATE_REQUESTS] = {10, S_US, 2}}});
    rate_pause(limit, clock_steady(&sim.clock) + 2 * S_US);
    ask(0, RATE_EXIT, 0);
    ask(1, RATE_ENTRY, S_US);
    run(2 * S_US - 1);
    assert_int_equal(got[0].answers, 0);
    assert_int_equal(got[1].class, ERR_NOT_DONE);
    run(1);
    assert_int_equal(got[0].answers, 1);
    rate_limit_free(limit);
}

static void test_what_others_used_counts(void **state)
{
    (void)state;
    begin((struct rate_options){.buckets = {[RATE_REQUESTS] = {10, S_US, 0}}});
    rate_note_used(limit, RATE_REQUESTS, 9);
    ask(0, RATE_ENTRY, 0);
    ask(1, RATE_ENTRY, 0);
    rate_turn(limit);
    assert_int_equal(order, 1);
    run(S_US);
    assert_int_equal(order, 2);
    rate_limit_free(limit);
}

static void test_metrics(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    begin((struct rate_options){.buckets = {[RATE_ORDERS] = {1, S_US, 0}}, .metrics = m});
    ask(0, RATE_ENTRY, 0);
    ask(1, RATE_ENTRY, 0);
    rate_turn(limit);
    assert_int_equal((int)metric_value(metric_gauge(m, "tidelock_broker_queue_depth", "",
                                                    "broker=\"test\",rank=\"entry\"")),
                     1);
    run(S_US);
    assert_int_equal((int)metric_value(metric_histogram(m, "tidelock_broker_queue_wait_seconds", "",
                                                        "broker=\"test\",rank=\"entry\"")),
                     2);
    rate_limit_free(limit);
    metrics_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_answered_before_returning),
        cmocka_unit_test(test_no_window_has_more_than_it_may),
        cmocka_unit_test(test_exits_go_first_and_find_the_reserve),
        cmocka_unit_test(test_what_is_too_late_was_not_sent),
        cmocka_unit_test(test_full_is_an_answer),
        cmocka_unit_test(test_a_pause_holds_everything),
        cmocka_unit_test(test_what_others_used_counts),
        cmocka_unit_test(test_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
