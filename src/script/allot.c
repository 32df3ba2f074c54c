/* The capped heap of a box: counts every byte, refuses what would pass the cap, and tells the guard
 * about work that no instruction count shows (copying large blocks). Small blocks are cached,
 * because exact decimals live and die by the million. */
#include "script/inner.h"

#include <assert.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define CACHES 0 /* so that the sanitizer sees every block's end */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CACHES 0
#endif
#endif
#ifndef CACHES
#define CACHES 1
#endif
#define CACHE_BYTES (512u << 10) /* of each class: what a sweep frees is soon asked for again */

#define SMALL_MOST (16u * INNER_CACHE_CLASSES)
#define CHARGED_LEAST 1024u /* blocks below are paid for by the instructions that ask for them */
#define BIG_LEAST_LOG2 15
#define LOOK_LEAST 4u

static unsigned log2_of(size_t size) { return 63u - (unsigned)__builtin_clzll(size); }

/* One instruction can do work in proportion to the largest block alive (compare, hash, copy,
 * convert it), so the guard looks the more often the larger that is: the time between two looks
 * stays in the same small range. */
uint32_t allot_interval(const struct sandbox *box) {
    if (!box->bigs) return 1000;
    unsigned shift = log2_of(box->bigs) - BIG_LEAST_LOG2 + 1;
    uint32_t interval = shift < 10 ? 1000u >> shift : LOOK_LEAST;
    return interval < LOOK_LEAST ? LOOK_LEAST : interval;
}

static void count_big(struct sandbox *box, size_t size, bool comes) {
    unsigned class = log2_of(size);
    box->big[class] += comes ? 1 : UINT32_MAX;
    if (box->big[class])
        box->bigs |= UINT64_C(1) << class;
    else
        box->bigs &= ~(UINT64_C(1) << class);
}

static void note_size(struct sandbox *box, size_t old_size, size_t size) {
    if (old_size >> BIG_LEAST_LOG2) count_big(box, old_size, false);
    if (size >> BIG_LEAST_LOG2) count_big(box, size, true);
    if (size > old_size && box->running) {
        box->owed += size / 64;
        if (box->owed >= 10000 || size >> BIG_LEAST_LOG2) guard_hurry(box);
    }
}

/* Numbers can be chosen so that all of them fall into one chain of a table, and the interpreter
 * then takes quadratic time to move them when the table grows, inside one instruction. So no table
 * gets more places for keys than that does in some 20 ms. Nothing but those is asked for in sizes
 * of 24 bytes times a power of two, but for a text of just that size. */
static inline bool is_crowd(const void *old, size_t size) {
    size_t places = size / 24;
    return !old && places > INNER_KEYS_MOST && places * 24 == size && !(places & (places - 1));
}

static inline bool refuses(struct sandbox *box, const void *old, size_t old_size, size_t size) {
    if (size <= old_size || !box->running || box->lenient) return false;
    bool crowd = is_crowd(old, size);
    if (!crowd && box->used - old_size + size <= box->limits.memory_bytes) return false;
    box->crowded |= crowd;
    if (!box->place.taken) fault_here(box->L, box);
    return true;
}

static inline unsigned class_of(size_t size) { return (unsigned)(size - 1) / 16; }

static inline void *take(struct sandbox *box, size_t size) {
    if (!CACHES || size > SMALL_MOST) return mem_realloc(NULL, size);
    unsigned class = class_of(size);
    struct spare *spare = box->spare[class];
    if (!spare) return mem_realloc(NULL, (class + 1) * 16);
    box->spare[class] = spare->next;
    box->spare_bytes[class] -= (class + 1) * 16;
    return spare;
}

static inline void give(struct sandbox *box, void *block, size_t size) {
    if (CACHES && size <= SMALL_MOST) {
        unsigned class = class_of(size);
        if (box->spare_bytes[class] < CACHE_BYTES) {
            struct spare *spare = block;
            spare->next = box->spare[class];
            box->spare[class] = spare;
            box->spare_bytes[class] += (class + 1) * 16;
            return;
        }
    }
    mem_free(block);
}

static inline void count(struct sandbox *box, size_t old_size, size_t size) {
    box->used += size - old_size;
    if (size > old_size) {
        box->since_collect += size - old_size;
        if (box->used > box->used_most) box->used_most = box->used;
    }
    if (size >= CHARGED_LEAST || old_size >= CHARGED_LEAST) note_size(box, old_size, size);
}

static void *resize(struct sandbox *box, void *old, size_t old_size, size_t size) {
    if (old_size > SMALL_MOST && size > SMALL_MOST) return mem_realloc(old, size);
    void *block = take(box, size);
    memcpy(block, old, old_size < size ? old_size : size);
    give(box, old, old_size);
    return block;
}

void *allot_lua(void *argument, void *old, size_t old_size, size_t size) {
    struct sandbox *box = argument;
    void *block = NULL;
    if (size == 0) {
        if (!old) return NULL;
        give(box, old, old_size);
    } else {
        if (!old) old_size = 0;
        if (refuses(box, old, old_size, size)) return NULL;
        block = old ? resize(box, old, old_size, size) : take(box, size);
    }
    count(box, old_size, size);
    return block;
}

void allot_free(struct sandbox *box) {
    for (unsigned class = 0; class < INNER_CACHE_CLASSES; class ++) {
        while (box->spare[class]) {
            struct spare *spare = box->spare[class];
            box->spare[class] = spare->next;
            mem_free(spare);
        }
    }
}
