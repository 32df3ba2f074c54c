/* The SQLite body's reading half: queries on a connection of its own. Blocks; one thread at a time.
 */
#ifndef TIDELOCK_STORE_READER_H
#define TIDELOCK_STORE_READER_H
#include "store/store.h"

struct reader;
struct reader *reader_open(const char *path, struct err *err) MUST_CHECK;
void reader_close(struct reader *reader); /* NULL accepted */
struct sqlite *reader_db(struct reader *reader);

/* Each sees everything committed when it begins. Results live in the arena. */
bool reader_rows(struct reader *reader, const struct store_query *query, struct arena *arena,
                 struct store_rows *out, struct err *err) MUST_CHECK;
bool reader_events(struct reader *reader, const struct store_events_query *query,
                   struct arena *arena, struct store_events *out, struct err *err) MUST_CHECK;
/* One by one, limit 0: all; stops when `each` returns false. */
bool reader_each_row(struct reader *reader, const struct store_query *query,
                     bool (*each)(void *ctx, const void *row, struct err *err), void *ctx,
                     struct err *err) MUST_CHECK;
bool reader_each_event(struct reader *reader, const struct store_events_query *query,
                       bool (*each)(void *ctx, const struct event *event, struct err *err),
                       void *ctx, struct err *err) MUST_CHECK;
/* What the file itself has against its pages and indexes: sentences into `report`, their number. */
bool reader_check(struct reader *reader, struct str *report, size_t *faults,
                  struct err *err) MUST_CHECK;
#endif
