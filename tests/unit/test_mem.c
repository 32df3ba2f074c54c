/* Arenas: zeroed, aligned, kept apart, dropped whole; and the one abort when memory is exhausted.
 */
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/chance.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    struct chance chance;
    unsigned char *pieces[300];
    size_t sizes[300];
    arena_init(&arena, 1000);
    chance_seed(&chance, 1);
    for (int round = 0; round < 5; round++) {
        size_t total = 0;
        for (int i = 0; i < 300; i++) {
            sizes[i] = chance_below(&chance, chance_hits(&chance, 50) ? 5000 : 90);
            pieces[i] = arena_alloc(&arena, sizes[i]);
            total += sizes[i];
            assert_int_equal((uintptr_t)pieces[i] % 16, 0);
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(pieces[i][k], 0);
            memset(pieces[i], i + 1, sizes[i]);
        }
        for (int i = 0; i < 300; i++)
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(pieces[i][k], (unsigned char)(i + 1));
        assert_true(arena.used >= total);
        arena_reset(&arena);
        assert_int_equal(arena.used, 0);
    }
    arena_free(&arena);
    arena_free(&arena);
}

static void a_large_piece_leaves_the_block_in_use(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1024);
    char *first = arena_alloc(&arena, 16);
    arena_alloc(&arena, 100000);
    char *second = arena_alloc(&arena, 16);
    assert_ptr_equal(second, first + 16);
    arena_reset(&arena);
    assert_ptr_equal(arena_alloc(&arena, 16), first);
    arena_free(&arena);
    arena_alloc(&arena, 100000);
    arena_reset(&arena);
    assert_null(arena.blocks);
    arena_free(&arena);
}

static void texts(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    assert_string_equal(arena_copy(&arena, "abcdef", 3), "abc");
    assert_string_equal(arena_copy(&arena, NULL, 0), "");
    assert_null(arena_text(&arena, NULL));
    assert_string_equal(arena_text(&arena, "x"), "x");
    assert_string_equal(arena_printf(&arena, "%d-%s", 42, "y"), "42-y");
    assert_int_equal(strlen(arena_printf(&arena, "%5000d", 1)), 5000);
    arena_free(&arena);
    char *copy = mem_copy_text("secret");
    assert_string_equal(copy, "secret");
    mem_free_secret(copy, 6);
    mem_free_secret(NULL, 6);
    mem_free(NULL);
}

static void exhaustion_aborts(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64);
    for (int kind = 0; kind < 3; kind++) {
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            close(STDERR_FILENO);
            signal(SIGABRT, SIG_DFL);
            volatile size_t huge = SIZE_MAX - 4;
            if (kind == 0)
                arena_alloc(&arena, huge);
            if (kind == 1)
                arena_alloc(&arena, huge - 40);
            if (kind == 2)
                arena_copy(&arena, "", SIZE_MAX);
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
    }
}

static void spares_come_back_cleared(void **state)
{
    enum { SIZE = 100, MANY = 3000 };
    static const char zeros[SIZE];
    static char *pieces[MANY];
    struct spares spares = {.size = SIZE};
    (void)state;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < MANY; i++) {
            pieces[i] = spares_take(&spares);
            assert_memory_equal(pieces[i], zeros, SIZE);
            memset(pieces[i], 0xa5, SIZE);
        }
        assert_int_equal(spares.count, 0);
        for (size_t i = 0; i < MANY; i++)
            spares_give(&spares, pieces[i]);
        assert_true(spares.count > 0 && spares.count < MANY); /* some, not all */
    }
    char *last = (char *)spares.first;
    assert_ptr_equal(spares_take(&spares), last);
    spares_give(&spares, last);
    spares_free(&spares);
    assert_int_equal(spares.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_large_piece_leaves_the_block_in_use),
        cmocka_unit_test(texts),
        cmocka_unit_test(exhaustion_aborts),
        cmocka_unit_test(spares_come_back_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
