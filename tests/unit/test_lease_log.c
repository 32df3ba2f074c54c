/* Leases of instances that each have a store handle and a book of their own on one log, and stand
 * still at random: no two ever hold a key at one moment by their own clocks, and whoever was taken
 * for dead while it stood still comes back with a larger term. */
#include "lease/lease.h"
#include "store/fence.h"
#include "store/store_bodies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define TTL_US 1000000
#define STEP_US 10000
#define MEMBERS_MAX 3
#define SEEDS 500
#define KEY "leader"

struct host {
    struct store *store;
    struct book *book;
    struct lease *lease;
    int64_t term, still_until_us;
    bool asking, joining;
    int granted, lost;
};
static struct clock_sim now;
static struct chance chance;
static struct host hosts[MEMBERS_MAX];
static int granted, lost;

static void follow(void *ctx, const struct event *events, size_t count)
{
    struct host *host = ctx;
    struct err err;
    for (size_t i = 0; i < count; i++)
        assert_true(event_fold(host->book, &events[i], &err));
}

static void hear_term(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct host *host = owner;
    (void)handle;
    host->joining = false;
    if (err)
        return;
    assert_true(*(const int64_t *)value >= host->term);
    host->term = *(const int64_t *)value;
}

static void hear_grant(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct host *host = owner;
    (void)handle;
    (void)value;
    host->asking = false;
    host->granted += !err;
    if (!err) /* by the word of the log, at this moment */
        assert_true(fence_owner(store_mem_book(host->store), KEY) == host->term);
}

static void note_lost(void *ctx, const char *key)
{
    struct host *host = ctx;
    host->lost += key == NULL;
}

static void open_hosts(int count)
{
    clock_sim_init(&now, 1700000000000000, 5000000);
    for (int i = 0; i < count; i++) {
        struct store_mem_options options = {
            .instance = "test", .immediate = true, .keep_events = true, .clock = &now.clock};
        struct host *host = &hosts[i];
        *host = (struct host){.book = book_new()};
        host->store = i ? store_mem_share(hosts[0].store, &options) : store_mem_open(&options);
        host->store->on_foreign = follow;
        host->store->foreign_ctx = host;
        host->lease = lease_store_open(&(struct lease_store_options){.store = host->store,
                                                                     .clock = &now.clock,
                                                                     .chance = &chance,
                                                                     .book = host->book,
                                                                     .name = "test",
                                                                     .ttl_us = TTL_US});
        host->lease->on_lost = note_lost;
        host->lease->lost_ctx = host;
    }
}

static void turn(struct host *host)
{
    if (clock_steady(&now.clock) < host->still_until_us)
        return;
    store_mem_turn(host->store);
    lease_turn(host->lease);
    store_mem_turn(host->store);
    if (!host->joining && !lease_held(host->lease, NULL, NULL)) {
        host->joining = true;
        lease_join(host->lease, (struct waiter){.answer = hear_term, .owner = host});
    }
}

/* Something at random of what a host may do. */
static void act(struct host *host)
{
    struct store_status status;
    if (clock_steady(&now.clock) < host->still_until_us)
        return;
    switch (chance_below(&chance, 60)) {
    case 0:
        store_status(host->store, &status);
        if (status.queued == 0)
            host->still_until_us =
                clock_steady(&now.clock) + (int64_t)chance_below(&chance, TTL_US * 4);
        break;
    case 1:
        lease_release(host->lease, KEY);
        break;
    default:
        if (!host->asking) {
            host->asking = true;
            lease_acquire(host->lease, KEY, (struct waiter){.answer = hear_grant, .owner = host});
        }
    }
}

static void play(int count, uint64_t seed)
{
    chance_seed(&chance, seed);
    open_hosts(count);
    for (int step = 0; step < 6000; step++) {
        int held = 0;
        clock_sim_advance(&now, STEP_US);
        for (int i = 0; i < count; i++) {
            turn(&hosts[i]);
            act(&hosts[i]);
        }
        for (int i = 0; i < count; i++)
            held += lease_held(hosts[i].lease, KEY, NULL);
        assert_true(held <= 1);
    }
    for (int i = 0; i < count; i++) {
        granted += hosts[i].granted;
        lost += hosts[i].lost;
    }
    for (int i = count; i-- > 0;) {
        store_close(hosts[i].store);
        lease_close(hosts[i].lease);
        book_free(hosts[i].book);
    }
}

static void play_many(int count)
{
    granted = lost = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        play(count, seed);
    print_message("%d members: %d granted, %d taken for dead\n", count, granted, lost);
    assert_true(granted > 1000 && lost > 40);
}

static void test_two(void **state)
{
    (void)state;
    play_many(2);
}

static void test_three(void **state)
{
    (void)state;
    play_many(3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two),
        cmocka_unit_test(test_three),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
