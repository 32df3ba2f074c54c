/* The binary heap behind timers and queues: least key first, equal keys in order of arrival. */
#include "base/heap.h"

#include "base/mem.h"

void heap_init(struct heap *heap, size_t max)
{
    *heap = (struct heap){.max = max};
}

void heap_free(struct heap *heap)
{
    mem_free(heap->items);
    *heap = (struct heap){.max = heap->max};
}

static bool before(const struct heap_item *a, const struct heap_item *b)
{
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

bool heap_push(struct heap *heap, int64_t key, uint64_t value)
{
    if (heap->max && heap->count == heap->max)
        return false;
    if (heap->count == heap->room) {
        heap->room = heap->room ? heap->room * 2 : 16;
        heap->items = mem_realloc(heap->items, heap->room * sizeof *heap->items);
    }
    struct heap_item item = {key, heap->next_order++, value};
    size_t at = heap->count++;
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!before(&item, &heap->items[parent]))
            break;
        heap->items[at] = heap->items[parent];
        at = parent;
    }
    heap->items[at] = item;
    return true;
}

bool heap_peek(const struct heap *heap, struct heap_item *out)
{
    if (heap->count == 0)
        return false;
    *out = heap->items[0];
    return true;
}

bool heap_pop(struct heap *heap, struct heap_item *out)
{
    if (!heap_peek(heap, out))
        return false;
    struct heap_item last = heap->items[--heap->count];
    size_t at = 0;
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && before(&heap->items[child + 1], &heap->items[child]))
            child++;
        if (!before(&heap->items[child], &last))
            break;
        heap->items[at] = heap->items[child];
        at = child;
    }
    heap->items[at] = last;
    return true;
}
