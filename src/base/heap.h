/* A binary min-heap of (key, order of arrival, value): timers, queues, simulated events. Grows up
 * to its bound. */
#ifndef TIDELOCK_BASE_HEAP_H
#define TIDELOCK_BASE_HEAP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_item {
    int64_t key;
    uint64_t order;
    uint64_t value;
};
struct heap {
    struct heap_item *items;
    size_t count, room, max;
    uint64_t next_order;
};
void heap_init(struct heap *heap, size_t max /* 0: unbounded */);
void heap_free(struct heap *heap);
bool heap_push(struct heap *heap, int64_t key,
               uint64_t value); /* false: full; equal keys leave in order of arrival */
bool heap_peek(const struct heap *heap, struct heap_item *out);
bool heap_pop(struct heap *heap, struct heap_item *out);
#endif
