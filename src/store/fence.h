/* Whether a write may still be made: the one rule that keeps an instance which was taken for dead
 * from writing, however late its write arrives.
 *
 * The book that is asked must be as of the end of the log, and hold the living instances and all
 * leases; each body keeps one of its own for this. */
#ifndef TIDELOCK_STORE_FENCE_H
#define TIDELOCK_STORE_FENCE_H
#include "store/store.h"

/* False (FENCED, REFUSED) when the write's term is not that of a living instance, or the instance
 * does not own the write's key. */
bool fence_check(const struct book *book, const struct store_write *write,
                 struct err *err) MUST_CHECK;
/* The rows of `change` that fence_check looks at, into such a book. */
void fence_apply(struct book *book, const struct change *change);
/* The owner of a key: the term of a living instance, or 0. */
int64_t fence_owner(const struct book *book, const char *key);
bool fence_lives(const struct book *book, int64_t term);
/* Living instances but this one. */
size_t fence_others(const struct book *book, int64_t term);
/* The largest term among the rows. */
int64_t fence_last_term(const struct book *book);
#endif
