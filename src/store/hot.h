/* The few rows that nearly every write changes: their versions, and their images not yet written.
 *
 * Only the writer uses it, and only while nobody else can write to the database. */
#ifndef TIDELOCK_STORE_HOT_H
#define TIDELOCK_STORE_HOT_H
#include "trade/book.h"

struct hot;
struct hot *hot_new(void);
void hot_free(struct hot *hot);
bool hot_takes(enum table_id table);
/* False: not known, ask the database and hot_learn it. -1: no such row. */
bool hot_version(const struct hot *hot, const struct table *table, const char *key,
                 int64_t *version);
void hot_learn(struct hot *hot, const struct table *table, const char *key, int64_t version);
/* A checked change of a known row. The rows must stay until hot_flush or hot_clear. */
void hot_change(struct hot *hot, const struct table *table, const void *before, const void *after);
/* Gives each changed row once: as it was in the database (NULL: not there), as it is to be. */
bool hot_flush(struct hot *hot,
               bool (*write)(void *ctx, const struct table *table, const void *before,
                             const void *after, struct err *err),
               void *ctx, struct err *err) MUST_CHECK;
void hot_settle(struct hot *hot); /* committed: versions stay known, up to a bound */
void hot_clear(struct hot *hot);  /* forgets everything: rolled back */
#endif
