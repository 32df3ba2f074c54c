/* Poolers between us and PostgreSQL: which of them will do is found out at the start. */
#ifndef TIDELOCK_STORE_PGPOOLER_H
#define TIDELOCK_STORE_PGPOOLER_H
#include "io/pg.h"

/* What our sessions set, prepare, lock and hear must be theirs for as long as they are connected:
 * a pooler of transactions is refused (REFUSED/CONFIG). `pooled` (may be NULL) tells whether there
 * is one of sessions. */
bool pgpooler_check(struct pg_block *db, bool *pooled, struct err *err) MUST_CHECK;
/* The session that is our sign of life must end when we do: no pooler at all will do there.
 * `direct_url` NULL or the same as the other: `pooled` tells. */
bool pgpooler_check_direct(const char *url, const char *direct_url, bool pooled,
                           struct err *err) MUST_CHECK;
#endif
