/* Rows to SQLite and back: statements, bindings and readings made from the tables' description. */
#ifndef TIDELOCK_STORE_ROWS_H
#define TIDELOCK_STORE_ROWS_H
#include "io/sqlite.h"
#include "store/filter.h"

#define ROWS_COLUMNS_MAX 32
/* Where decimals stand as text from binding until the statement has run: one per statement in use.
 */
struct rows_scratch {
    char text[ROWS_COLUMNS_MAX][DECIMAL_TEXT_MAX];
};
/* Bit i: column i differs between the two rows. */
uint32_t rows_changed(const struct table *table, const void *before, const void *after);

void rows_insert_sql(const struct table *table, struct str *sql);
/* SET of the columns in `mask`, WHERE key and version: parameters in column order, then key, then
 * the version before. */
void rows_update_sql(const struct table *table, uint32_t mask, struct str *sql);
/* SELECT of all columns in order, with the filter's conditions, order and limit (if limited). */
void rows_select_sql(const struct filter *filter, bool limited, struct str *sql);

/* The text bound lives in row and scratch: both must stay until the statement has run. */
void rows_bind(struct sqlite_statement *st, int index, const struct table *table, size_t column,
               const void *row, struct rows_scratch *scratch);
void rows_bind_all(struct sqlite_statement *st, const struct table *table, const void *row,
                   struct rows_scratch *scratch);
/* Binds a filter's values. Decimals need the arena. */
void rows_bind_filter(struct sqlite_statement *st, const struct filter *filter, bool limited,
                      struct arena *arena);
/* The row the statement of rows_select_sql stands on. LONG columns go into the arena. */
bool rows_read(struct sqlite_statement *st, const struct table *table, void *row,
               struct arena *arena, struct err *err) MUST_CHECK;
#endif
