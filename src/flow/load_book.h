/* The book, read again under our own term. */
#ifndef TIDELOCK_FLOW_LOAD_BOOK_H
#define TIDELOCK_FLOW_LOAD_BOOK_H
#include "flow/flow.h"

/* whole: nothing is in flight, and what differs from the store is wrong. Fails when something was
 * written meanwhile. */
struct flow *load_book_begin(struct core *core, bool whole, struct waiter to);
/* resync.c: reads the book again when it is suspected. Returns the steady time it wants to be
 * called again. */
int64_t resync_turn(struct core *core);
#endif
