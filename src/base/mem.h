/* Memory: the one place that aborts when there is none, and arenas that are dropped whole.
 *
 * An arena belongs to one request, flow or reading; what is taken from it lives until
 * arena_reset/arena_free. */
#ifndef TIDELOCK_BASE_MEM_H
#define TIDELOCK_BASE_MEM_H
#include <stdarg.h>
#include <stddef.h>

/* Of a large local that is filled before it is read: the build zeroes all others at every call. */
#define UNSET __attribute__((uninitialized))

void *mem_alloc(size_t size); /* zeroed; aborts with a sentence when memory is exhausted */
void *mem_realloc(void *old, size_t size); /* new part not zeroed */
char *mem_copy_text(const char *text);
void mem_free(void *memory); /* accepts NULL */
/* For secrets: zeroed before it is freed. */
void mem_free_secret(void *memory, size_t size);

/* Pieces of one size that come and go with every signal: some that are given back are kept for
 * whoever takes the next. */
struct spares {
    size_t size;
    struct spare *first;
    size_t count;
};
void *spares_take(struct spares *spares); /* zeroed */
void spares_give(struct spares *spares, void *piece);
void spares_free(struct spares *spares); /* of those that are kept */

struct arena_block;
struct arena {
    struct arena_block *blocks; /* newest first */
    size_t block_size;
    size_t used; /* bytes handed out since the last reset, for limits and metrics */
};

void arena_init(struct arena *arena, size_t block_size); /* allocates nothing yet */
void *arena_alloc(struct arena *arena, size_t size);     /* zeroed, 16-byte aligned */
void *arena_take(struct arena *arena, size_t size);      /* the same, but not zeroed */
char *arena_copy(struct arena *arena, const char *bytes, size_t length); /* NUL-terminated */
char *arena_text(struct arena *arena, const char *text);                 /* NULL stays NULL */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void arena_reset(struct arena *arena); /* everything is gone; one block is kept for reuse */
void arena_free(struct arena *arena);  /* everything is gone */
#endif
