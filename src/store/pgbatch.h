/* Several writes as one transaction's statements: checked against each other, changes of one row
 * made one, rows of one table put into arrays.
 *
 * A batch is put into words anew for each attempt, since between two attempts others may have
 * written, and our own rows may have been changed to follow them. */
#ifndef TIDELOCK_STORE_PGBATCH_H
#define TIDELOCK_STORE_PGBATCH_H
#include "io/pg.h"
#include "store/pending.h"
#include "store/pgfollow.h"

struct pgbatch;
struct pgbatch *pgbatch_new(const char *instance);
void pgbatch_free(struct pgbatch *batch);

/* Empty, behind the event `seq` with this hash. Nothing of the batch before is needed any more, not
 * even while that is under way. */
void pgbatch_begin(struct pgbatch *batch, int64_t seq, const uint8_t *hash);
/* What the database has of rows the writes will name: to be asked and told between begin and add,
 * while the end of the log is held. After that, whether a write fits is known exactly. */
void pgbatch_ask_versions(struct pgbatch *batch, struct pending *const *writes, size_t count,
                          struct pg *pg);
size_t pgbatch_version_statements(const struct pgbatch *batch); /* how many were put */
void pgbatch_tell_versions(struct pgbatch *batch, size_t statement, const struct pg_rows *rows);
/* False: this write cannot be made, the others are as before. */
bool pgbatch_add(struct pgbatch *batch, struct pending *pending, struct err *err) MUST_CHECK;
/* The rows' and events' statements. */
void pgbatch_put(struct pgbatch *batch, struct pg *pg);
/* What was put has been committed: by how much the list of what is alive has grown. */
int64_t pgbatch_committed(struct pgbatch *batch);
/* Where the log will end. */
int64_t pgbatch_seq(const struct pgbatch *batch);
const uint8_t *pgbatch_hash(const struct pgbatch *batch);
#endif
