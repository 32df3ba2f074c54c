/* Rows to PostgreSQL and back: statements, arrays and readings made from the tables' description.
 *
 * Many rows go as one statement whose parameters are arrays, one a column. */
#ifndef TIDELOCK_STORE_PGROWS_H
#define TIDELOCK_STORE_PGROWS_H
#include "io/pg.h"
#include "store/filter.h"

/* What a row is called among those of all tables: a letter for the table, then its key. The length.
 */
#define PGROWS_NAME (KEY_SIZE + 2)
size_t pgrows_name(char out[PGROWS_NAME], const struct table *table, const char *key);

/* Rows of one table: before NULL inserts. */
struct pgrows_pair {
    const void *before, *after;
};
void pgrows_insert_sql(const struct table *table, struct str *sql);
/* Sets the columns of `mask` where key and version are as before; refuses itself (TL002) when that
 * is not so for each row. */
void pgrows_update_sql(const struct table *table, uint32_t mask, struct str *sql);
void pgrows_insert_args(const struct table *table, const struct pgrows_pair *pairs, size_t count,
                        struct pg_args *args);
void pgrows_update_args(const struct table *table, uint32_t mask, const struct pgrows_pair *pairs,
                        size_t count, struct pg_args *args);
/* Key and version (0 where there is none) of those rows of an array of keys ($1) that are there. */
void pgrows_versions_sql(const struct table *table, struct str *sql);

/* Whether the row is a signal, order or position that belongs on the list of what is alive. */
bool pgrows_listed(const struct table *table, const void *row);

/* All columns in order, with the filter's conditions, order and limit (if limited). */
void pgrows_select(const struct filter *filter, bool limited, struct str *sql,
                   struct pg_args *args);
bool pgrows_read(const struct pg_rows *rows, size_t at, const struct table *table, void *row,
                 struct arena *arena, struct err *err) MUST_CHECK;

/* seq, at, kind, subject, instance, term, body, hash. */
void pgrows_select_events(const struct store_events_query *query, size_t limit /* 0: all */,
                          struct str *sql, struct pg_args *args);
/* Texts point into the rows. False: not as it was written. */
bool pgrows_read_event(const struct pg_rows *rows, size_t at, struct event *event,
                       struct err *err) MUST_CHECK;
#endif
