/* Carries the log of one store into another: each event as it is, with its rows, so that the second
 * ends with the same log, hash for hash, and the same tables. For moving from one database to
 * another, and for a mirror that stands ready.
 *
 * Where it stopped is where it goes on: the second store's own log says how far it came. */
#ifndef TIDELOCK_STORE_CARRY_H
#define TIDELOCK_STORE_CARRY_H
#include "store/store.h"

#define CARRY_ROOM 512 /* events asked of the second store and not answered */

struct carry;
/* Reads what `to` has (blocking). Nobody else may write to it meanwhile. */
struct carry *carry_new(struct store *to, struct err *err) MUST_CHECK;
void carry_free(struct carry *carry); /* after `to` was closed, or everything is answered */
/* The next event, which must follow the one before it: it is asked of the second store at once and
 * may be forgotten by the caller. Only while carry_has_room. */
bool carry_feed(struct carry *carry, const struct event *event, struct err *err) MUST_CHECK;
bool carry_has_room(const struct carry *carry);
int64_t carry_asked(const struct carry *carry); /* the last event fed, or found in `to` */
int64_t carry_done(const struct carry *carry);  /* the last event that is durable there */
/* What the second store could not take now waits in order and is asked again: after LATER by
 * whoever calls this. Returns false with the reason when it never will. */
bool carry_again(struct carry *carry, struct err *err) MUST_CHECK;
bool carry_stands_still(const struct carry *carry); /* something waits to be asked again */
/* Whether two logs are the same up to the last event both have: *same events, and *differs names
 * the first that is not (0: none). Blocking. */
bool carry_compare(struct store *a, struct store *b, int64_t *same, int64_t *differs,
                   struct err *err) MUST_CHECK;
#endif
