/* A query's conditions, checked and read once: one meaning for every body of the store. */
#ifndef TIDELOCK_STORE_FILTER_H
#define TIDELOCK_STORE_FILTER_H
#include "store/store.h"

#define FILTER_VALUES_MAX 16
struct filter_term {
    const struct column *column;
    enum store_op op;
    size_t count;                          /* values; IN may have several */
    const void *values[FILTER_VALUES_MAX]; /* rows whose `column` holds the value */
    const char *prefix;
};
struct filter {
    const struct table *table;
    size_t count;
    struct filter_term terms[6];
    const struct column *order_by;
    bool descending;
    size_t limit;
};
/* All of it in the arena. False: the query cannot be asked (REFUSED/USAGE or the value's own
 * fault). */
bool filter_read(struct filter *filter, const struct store_query *query, struct arena *arena,
                 struct err *err) MUST_CHECK;
bool filter_matches(const struct filter *filter, const void *row);
/* Every row of a book that matches, sorted by order_by, then key; whatever the limit is. They stay
 * the book's; the list is the caller's to free. */
struct filter_rows {
    const struct filter *filter;
    const void **rows;
    size_t count, room;
};
void filter_book(const struct filter *filter, struct book *book, struct filter_rows *out);
bool filter_event_matches(const struct store_events_query *query, const struct event *event);
#endif
