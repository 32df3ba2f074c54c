/* Leases in one process: one holder at a time, terms that grow, deadlines that are kept. */
#include "lease/lease.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define TTL_US LEASE_MEM_TTL_US

static struct clock_sim now;
static struct lease_mem_table *table;
static struct lease *one, *two;
static struct lease_grant grant;
static struct err error;
static int answers;

static void hear(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)owner;
    (void)handle;
    answers++;
    err_clear(&error);
    if (err)
        error = *err;
    else
        grant = *(const struct lease_grant *)value;
}

static void acquire(struct lease *lease)
{
    int before = answers;
    lease_acquire(lease, "instrument:GOLD", (struct waiter){.answer = hear});
    assert_int_equal(answers, before);
    lease_turn(lease);
    assert_int_equal(answers, before + 1);
}

static int set_up(void **state)
{
    (void)state;
    clock_sim_init(&now, 0, 1000000);
    table = lease_mem_table_new();
    one = lease_mem_open(table, "one", &now.clock);
    two = lease_mem_open(table, "two", &now.clock);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lease_close(one);
    lease_close(two);
    lease_mem_table_free(table);
    return 0;
}

static void test_one_holder(void **state)
{
    (void)state;
    int64_t deadline_us = 0;
    acquire(one);
    assert_int_equal(error.class, ERR_NONE);
    assert_string_equal(grant.key, "instrument:GOLD");
    assert_true(lease_held(one, "instrument:GOLD", &deadline_us));
    assert_int_equal(deadline_us, 1000000 + TTL_US);
    acquire(two);
    assert_int_equal(error.class, ERR_LATER);
    assert_int_equal(error.code, ERR_BUSY);
    assert_false(lease_held(two, "instrument:GOLD", NULL));
    lease_release(one, "instrument:GOLD");
    int64_t term = grant.term;
    acquire(two);
    assert_int_equal(error.class, ERR_NONE);
    assert_true(grant.term > term);
}

static void test_renewed_while_turned(void **state)
{
    (void)state;
    acquire(one);
    for (int i = 0; i < 20; i++) {
        clock_sim_advance(&now, TTL_US / 2);
        lease_turn(one);
        assert_true(lease_held(one, "instrument:GOLD", NULL));
    }
    acquire(two);
    assert_int_equal(error.code, ERR_BUSY);
}

static void test_deadline_before_the_next_holder(void **state)
{
    (void)state;
    acquire(one);
    clock_sim_advance(&now, TTL_US);
    assert_false(lease_held(one, "instrument:GOLD", NULL)); /* stops by its own clock */
    acquire(two);
    assert_int_equal(error.code, ERR_BUSY); /* not yet: a margin lies between */
    clock_sim_advance(&now, TTL_US / 5);
    acquire(two);
    assert_int_equal(error.class, ERR_NONE);
    lease_turn(one); /* wakes late: nothing is revived */
    assert_false(lease_held(one, "instrument:GOLD", NULL));
}

static void test_abandoned(void **state)
{
    (void)state;
    acquire(one);
    lease_mem_abandon(one);
    one = lease_mem_open(table, "one", &now.clock);
    acquire(one); /* the same name is another holder */
    assert_int_equal(error.code, ERR_BUSY);
    clock_sim_advance(&now, TTL_US * 2);
    acquire(one);
    assert_int_equal(error.class, ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_holder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_renewed_while_turned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deadline_before_the_next_holder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_abandoned, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
