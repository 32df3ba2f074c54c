/* The one place that asks the system for memory, and the one that gives up when there is none. */
#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define CHECKS_ADDRESSES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECKS_ADDRESSES 1
#endif
#endif
#ifdef CHECKS_ADDRESSES
/* So that a sanitizer sees reads of what an arena has already dropped. */
#if defined(__GNUC__) && !defined(__clang__)
__attribute__((access(none, 1))) /* else hiding memory counts as reading it */
#endif
void __asan_poison_memory_region(void const volatile *address, size_t size);
void __asan_unpoison_memory_region(void const volatile *address, size_t size);
#define HIDE(address, size) __asan_poison_memory_region((address), (size))
#define SHOW(address, size) __asan_unpoison_memory_region((address), (size))
#else
#define HIDE(address, size) ((void)(address), (void)(size))
#define SHOW(address, size) ((void)(address), (void)(size))
#endif

#define ALIGN 16u
#define BLOCK_DEFAULT 4096u
#define SPARES_MAX 1024u

struct arena_block {
    struct arena_block *next;
    size_t size, used;
    size_t pad; /* keeps data[] on a multiple of 16 */
    char data[];
};
_Static_assert(sizeof(struct arena_block) % ALIGN == 0, "arena memory must stay aligned");

_Noreturn static void give_up(size_t size)
{
    char text[96];
    int length =
        snprintf(text, sizeof text, "tidelock: out of memory asking for %zu bytes\n", size);
    if (length > 0 && write(STDERR_FILENO, text, (size_t)length) < 0)
        abort();
    abort();
}

void *mem_alloc(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory)
        give_up(size);
    return memory;
}

void *mem_realloc(void *old, size_t size)
{
    void *memory = realloc(old, size ? size : 1);
    if (!memory)
        give_up(size);
    return memory;
}

char *mem_copy_text(const char *text)
{
    assert(text);
    size_t size = strlen(text) + 1;
    char *copy = mem_alloc(size);
    memcpy(copy, text, size);
    return copy;
}

void mem_free(void *memory)
{
    free(memory);
}

void mem_free_secret(void *memory, size_t size)
{
    if (!memory)
        return;
    explicit_bzero(memory, size);
    free(memory);
}

/* What a sanitizer may still see of a kept piece: where the next one is. */
struct spare {
    struct spare *next;
};

void *spares_take(struct spares *spares)
{
    struct spare *spare = spares->first;
    assert(spares->size >= sizeof *spare);
    if (!spare)
        return mem_alloc(spares->size);
    spares->first = spare->next;
    spares->count--;
    SHOW(spare, spares->size);
    return memset(spare, 0, spares->size);
}

void spares_give(struct spares *spares, void *piece)
{
    struct spare *spare = piece;
    if (spares->count == SPARES_MAX) {
        mem_free(piece);
        return;
    }
    spare->next = spares->first;
    spares->first = spare;
    spares->count++;
    HIDE((char *)piece + sizeof *spare, spares->size - sizeof *spare);
}

void spares_free(struct spares *spares)
{
    for (struct spare *next; spares->first; spares->first = next) {
        next = spares->first->next;
        SHOW(spares->first, spares->size);
        mem_free(spares->first);
    }
    spares->count = 0;
}

void arena_init(struct arena *arena, size_t block_size)
{
    if (!block_size)
        block_size = BLOCK_DEFAULT;
    *arena = (struct arena){.block_size = (block_size + ALIGN - 1) & ~(size_t)(ALIGN - 1)};
}

static struct arena_block *new_block(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct arena_block))
        give_up(size);
    struct arena_block *block = malloc(sizeof *block + size);
    if (!block)
        give_up(size);
    block->next = NULL;
    block->size = size;
    block->used = 0;
    block->pad = 0;
    HIDE(block->data, size);
    return block;
}

static void free_block(struct arena_block *block)
{
    SHOW(block->data, block->size);
    free(block);
}

/* A piece too large for a block gets its own, behind the newest, whose rest stays in use. */
static struct arena_block *block_for(struct arena *arena, size_t size)
{
    if (!arena->block_size)
        arena_init(arena, 0);
    if (size <= arena->block_size) {
        struct arena_block *block = new_block(arena->block_size);
        block->next = arena->blocks;
        arena->blocks = block;
        return block;
    }
    struct arena_block *block = new_block(size);
    if (arena->blocks) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        arena->blocks = block;
    }
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(arena_take(arena, size), 0, size);
}

void *arena_take(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGN)
        give_up(size);
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct arena_block *block = arena->blocks;
    if (!block || block->size - block->used < size)
        block = block_for(arena, size);
    char *piece = block->data + block->used;
    SHOW(piece, size);
    block->used += size;
    arena->used += size;
    return piece;
}

char *arena_copy(struct arena *arena, const char *bytes, size_t length)
{
    if (length == SIZE_MAX)
        give_up(length);
    char *copy = arena_take(arena, length + 1);
    if (length)
        memcpy(copy, bytes, length);
    copy[length] = '\0';
    return copy;
}

char *arena_text(struct arena *arena, const char *text)
{
    return text ? arena_copy(arena, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

void arena_reset(struct arena *arena)
{
    struct arena_block *kept = NULL;
    for (struct arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        if (!kept && block->size == arena->block_size)
            kept = block;
        else
            free_block(block);
    }
    if (kept) {
        kept->next = NULL;
        kept->used = 0;
        HIDE(kept->data, kept->size);
    }
    arena->blocks = kept;
    arena->used = 0;
}

void arena_free(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free_block(block);
    }
    arena->blocks = NULL;
    arena->used = 0;
}
