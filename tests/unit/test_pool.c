/* Pools: full is an answer, and a handle given back finds nothing. */
#include "base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/chance.h"

static void full_and_given_back(void **state)
{
    (void)state;
    struct pool pool;
    uint64_t handles[4], extra;
    pool_init(&pool, 24, 4);
    for (int i = 0; i < 4; i++) {
        int *slot = pool_take(&pool, &handles[i]);
        assert_non_null(slot);
        assert_int_equal((uintptr_t)slot % 16, 0);
        *slot = i + 1;
    }
    assert_null(pool_take(&pool, &extra));
    assert_int_equal(pool_used(&pool), 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(*(int *)pool_get(&pool, handles[i]), i + 1);
    pool_give(&pool, handles[2]);
    assert_null(pool_get(&pool, handles[2]));
    assert_null(pool_at(&pool, 2, NULL));
    int *slot = pool_take(&pool, &extra);
    assert_int_equal(*slot, 0);
    assert_true(extra != handles[2]);
    assert_null(pool_get(&pool, handles[2]));
    assert_ptr_equal(pool_get(&pool, extra), slot);
    pool_free(&pool);
}

static void wild_handles_find_nothing(void **state)
{
    (void)state;
    struct pool pool;
    struct chance chance;
    pool_init(&pool, 8, 16);
    chance_seed(&chance, 9);
    assert_null(pool_get(&pool, 0));
    for (int i = 0; i < 10000; i++)
        assert_null(pool_get(&pool, chance_next(&chance) & UINT64_C(0xFFFFFFFF0000001F)));
    pool_free(&pool);
    struct pool none;
    pool_init(&none, 8, 0);
    assert_null(pool_take(&none, NULL));
    pool_free(&none);
}

static void takes_and_gives_at_random(void **state)
{
    (void)state;
    enum { CAPACITY = 50 };
    struct pool pool;
    struct chance chance;
    uint64_t held[CAPACITY], gone = 0;
    uint32_t count = 0;
    pool_init(&pool, sizeof(uint64_t), CAPACITY);
    chance_seed(&chance, 11);
    for (int i = 0; i < 20000; i++) {
        if (chance_hits(&chance, 500)) {
            uint64_t handle, *slot = pool_take(&pool, &handle);
            assert_int_equal(slot == NULL, count == CAPACITY);
            if (!slot)
                continue;
            assert_int_equal(*slot, 0);
            *slot = handle;
            held[count++] = handle;
        } else if (count > 0) {
            uint32_t at = (uint32_t)chance_below(&chance, count);
            assert_int_equal(*(uint64_t *)pool_get(&pool, held[at]), held[at]);
            gone = held[at];
            pool_give(&pool, gone);
            held[at] = held[--count];
        }
        assert_int_equal(pool_used(&pool), count);
        assert_null(pool_get(&pool, gone));
    }
    uint32_t walked = 0;
    for (uint32_t slot = 0; slot < CAPACITY; slot++) {
        uint64_t handle, *at = pool_at(&pool, slot, &handle);
        if (!at)
            continue;
        walked++;
        assert_int_equal(*at, handle);
    }
    assert_int_equal(walked, count);
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_and_given_back),
        cmocka_unit_test(wild_handles_find_nothing),
        cmocka_unit_test(takes_and_gives_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
