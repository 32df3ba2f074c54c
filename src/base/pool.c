/* Slots with generations: the handle is (generation << 32 | slot), and a taken slot's generation is
 * odd, so 0 is never a handle and a handle given back never fits again (until 2^31 reuses of one
 * slot). */
#include "base/pool.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

void pool_init(struct pool *pool, size_t slot_size, uint32_t capacity)
{
    assert(slot_size > 0 && slot_size < SIZE_MAX / 2 - 16);
    slot_size = (slot_size + 15) & ~(size_t)15;
    assert(capacity == 0 || slot_size <= SIZE_MAX / capacity);
    *pool = (struct pool){
        .slots = mem_alloc(slot_size * capacity),
        .generation = mem_alloc(sizeof(uint32_t) * capacity),
        .free_list = mem_alloc(sizeof(uint32_t) * capacity),
        .slot_size = slot_size,
        .capacity = capacity,
        .free_count = capacity,
    };
    for (uint32_t i = 0; i < capacity; i++)
        pool->free_list[i] = capacity - 1 - i;
}

void pool_free(struct pool *pool)
{
    mem_free(pool->slots);
    mem_free(pool->generation);
    mem_free(pool->free_list);
    *pool = (struct pool){0};
}

static char *slot_at(const struct pool *pool, uint32_t slot)
{
    return pool->slots + (size_t)slot * pool->slot_size;
}

void *pool_take(struct pool *pool, uint64_t *handle)
{
    if (pool->free_count == 0)
        return NULL;
    uint32_t slot = pool->free_list[--pool->free_count];
    uint32_t generation = ++pool->generation[slot];
    assert(generation & 1u);
    if (handle)
        *handle = (uint64_t)generation << 32 | slot;
    return memset(slot_at(pool, slot), 0, pool->slot_size);
}

void *pool_get(const struct pool *pool, uint64_t handle)
{
    uint32_t slot = (uint32_t)handle, generation = (uint32_t)(handle >> 32);
    if (slot >= pool->capacity || !(generation & 1u) || pool->generation[slot] != generation)
        return NULL;
    return slot_at(pool, slot);
}

void pool_give(struct pool *pool, uint64_t handle)
{
    assert(pool_get(pool, handle) && "a slot is given back once, by its holder");
    uint32_t slot = (uint32_t)handle;
    pool->generation[slot]++;
    pool->free_list[pool->free_count++] = slot;
}

void *pool_at(const struct pool *pool, uint32_t slot, uint64_t *handle)
{
    assert(slot < pool->capacity);
    uint32_t generation = pool->generation[slot];
    if (!(generation & 1u))
        return NULL;
    if (handle)
        *handle = (uint64_t)generation << 32 | slot;
    return slot_at(pool, slot);
}
