/* Hash tables by key: uthash, with the house's memory and a hash that takes eight bytes at a step.
 *
 * Rows are looked up by text keys several times in every decision and every bar; uthash's own hash
 * takes the greater part of that time. */
#ifndef TIDELOCK_BASE_KEYED_H
#define TIDELOCK_BASE_KEYED_H
#include "base/mem.h"

#include <stdint.h>
#include <string.h>

static inline uint64_t keyed_word(const char *at, size_t length)
{
    uint64_t word = 0;
    memcpy(&word, at, length);
    return word;
}

/* A product carries upwards only, so its upper half is folded into the lower one each time. */
static inline uint64_t keyed_mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* Once more at the end: what differs in the last bytes only has reached no low bit yet, and the low
 * bits are the bucket. */
static inline unsigned keyed_end(uint64_t hash)
{
    hash *= UINT64_C(0xd6e8feb86659fd93);
    return (unsigned)(hash ^ hash >> 32);
}

static inline unsigned keyed_hash(const void *key, size_t length)
{
    const char *at = key, *end = at + length;
    uint64_t hash = length;
    if (length >= 8) {
        for (; end - at > 8; at += 8)
            hash = keyed_mix(hash, keyed_word(at, 8));
        return keyed_end(keyed_mix(hash, keyed_word(end - 8, 8))); /* some of it twice */
    }
    if (length >= 4)
        hash = keyed_mix(hash, keyed_word(at, 4) << 32 | keyed_word(end - 4, 4));
    else if (length > 0)
        hash = keyed_mix(hash, keyed_word(at, 1) << 16 | keyed_word(at + length / 2, 1) << 8 |
                                   keyed_word(end - 1, 1));
    return keyed_end(hash);
}

#define HASH_FUNCTION(key, length, hash) (hash) = keyed_hash((key), (length))
#define uthash_malloc(size) mem_alloc(size)
#define uthash_free(memory, size) mem_free(memory)
#include <uthash.h>
#endif
