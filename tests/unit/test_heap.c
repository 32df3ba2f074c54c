/* The heap: least first, equal keys in order of arrival, bounded. */
#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/chance.h"

static void leaves_in_order(void **state)
{
    (void)state;
    struct heap heap;
    struct chance chance;
    struct heap_item item, last = {.key = INT64_MIN};
    heap_init(&heap, 0);
    chance_seed(&chance, 2);
    for (uint64_t i = 0; i < 5000; i++)
        assert_true(heap_push(&heap, (int64_t)chance_below(&chance, 50) - 25, i));
    for (int i = 0; i < 5000; i++) {
        struct heap_item peeked;
        assert_true(heap_peek(&heap, &peeked));
        assert_true(heap_pop(&heap, &item));
        assert_int_equal(item.value, peeked.value);
        assert_int_equal(item.value, item.order);
        assert_true(item.key > last.key || (item.key == last.key && item.order > last.order));
        last = item;
    }
    assert_false(heap_pop(&heap, &item));
    assert_false(heap_peek(&heap, &item));
    heap_free(&heap);
}

static void full_is_an_answer(void **state)
{
    (void)state;
    struct heap heap;
    struct heap_item item;
    heap_init(&heap, 3);
    assert_true(heap_push(&heap, 3, 3) && heap_push(&heap, 1, 1) && heap_push(&heap, 2, 2));
    assert_false(heap_push(&heap, 0, 0));
    assert_true(heap_pop(&heap, &item) && item.value == 1);
    assert_true(heap_push(&heap, INT64_MIN, 9));
    assert_true(heap_pop(&heap, &item) && item.value == 9);
    heap_free(&heap);
    heap_free(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_in_order),
        cmocka_unit_test(full_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
