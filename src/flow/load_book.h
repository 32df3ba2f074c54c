/* The book, read again under our own term. */
#ifndef TIDELOCK_FLOW_LOAD_BOOK_H
#define TIDELOCK_FLOW_LOAD_BOOK_H
#include "flow/flow.h"

struct flow *load_book_begin(struct core *core, struct waiter to);
#endif
