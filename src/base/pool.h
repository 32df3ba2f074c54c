/* Fixed pools: slots sized at start, reached by handle, so that a late reference finds nothing
 * instead of a stranger. */
#ifndef TIDELOCK_BASE_POOL_H
#define TIDELOCK_BASE_POOL_H
#include <stddef.h>
#include <stdint.h>

struct pool {
    char *slots;
    uint32_t *generation; /* odd: taken */
    uint32_t *free_list;
    size_t slot_size;
    uint32_t capacity, free_count;
};

void pool_init(struct pool *pool, size_t slot_size, uint32_t capacity);
void pool_free(struct pool *pool);
void *pool_take(struct pool *pool, uint64_t *handle);     /* zeroed; NULL when full */
void *pool_get(const struct pool *pool, uint64_t handle); /* NULL when the slot was given back */
void pool_give(struct pool *pool, uint64_t handle);
void *pool_at(const struct pool *pool, uint32_t slot,
              uint64_t *handle); /* walk: NULL for a free slot; slot < capacity */
static inline uint32_t pool_used(const struct pool *p)
{
    return p->capacity - p->free_count;
}
#endif
