/* Chance: the sequence of a seed never changes, and draws are even. */
#include "base/chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void a_seed_fixes_the_sequence(void **state)
{
    (void)state;
    /* Simulations are replayed by seed: changing these values would orphan every recorded one.
     * They are xoshiro256** filled by splitmix64, computed apart from this code. */
    struct chance chance, same;
    chance_seed(&chance, 0);
    assert_true(chance_next(&chance) == UINT64_C(0x99EC5F36CB75F2B4));
    assert_true(chance_next(&chance) == UINT64_C(0xBF6E1F784956452A));
    assert_true(chance_next(&chance) == UINT64_C(0x1A5F849D4933E6E0));
    chance_seed(&chance, 77);
    chance_seed(&same, 77);
    for (int i = 0; i < 100; i++)
        assert_true(chance_next(&chance) == chance_next(&same));
}

static void draws_are_even(void **state)
{
    (void)state;
    struct chance chance;
    int counts[7] = {0}, hits = 0;
    chance_seed(&chance, 1);
    for (int i = 0; i < 70000; i++) {
        uint64_t drawn = chance_below(&chance, 7);
        assert_true(drawn < 7);
        counts[drawn]++;
        hits += chance_hits(&chance, 250);
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(counts[i], 9600, 10400);
    assert_in_range(hits, 16900, 18100);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(chance_below(&chance, 1), 0);
        assert_false(chance_hits(&chance, 0));
        assert_true(chance_hits(&chance, 1000));
        assert_true(chance_below(&chance, UINT64_MAX) < UINT64_MAX);
    }
}

static void backoff_grows_to_its_cap(void **state)
{
    (void)state;
    struct chance chance;
    chance_seed(&chance, 1);
    for (unsigned attempt = 0; attempt < 80; attempt++) {
        int64_t most = 0, bound = attempt > 10 ? 60000000 : 100000 * (INT64_C(1) << attempt);
        if (bound > 60000000)
            bound = 60000000;
        for (int i = 0; i < 300; i++) {
            int64_t us = chance_backoff_us(&chance, 100000, 60000000, attempt);
            assert_true(us >= 0 && us <= bound);
            if (us > most)
                most = us;
        }
        assert_true(most > bound / 2);
    }
    assert_int_equal(chance_backoff_us(&chance, 0, 1000, 1000000000), 0);
    assert_true(chance_backoff_us(&chance, INT64_MAX, INT64_MAX, 4000000000u) >= 0);
}

static void the_system_gives_bytes(void **state)
{
    (void)state;
    unsigned char one[600] = {0}, two[600] = {0};
    chance_system_bytes(one, sizeof one);
    chance_system_bytes(two, sizeof two);
    assert_memory_not_equal(one, two, sizeof one);
    struct chance a, b;
    chance_seed_system(&a);
    chance_seed_system(&b);
    assert_true(chance_next(&a) != chance_next(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_fixes_the_sequence),
        cmocka_unit_test(draws_are_even),
        cmocka_unit_test(backoff_grows_to_its_cap),
        cmocka_unit_test(the_system_gives_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
