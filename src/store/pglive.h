/* Which rows of the list `live` this instance has added, and which of their keys are not over yet.
 *
 * A commit adds a row a table with the keys of what it brought to life. When the last of them has
 * ended the row is taken off by the next commit; the sweep (tl_sweep) is for what others left. */
#ifndef TIDELOCK_STORE_PGLIVE_H
#define TIDELOCK_STORE_PGLIVE_H
#include "io/pg.h"
#include "trade/record.h"

struct pglive;
struct pglive *pglive_new(void);
void pglive_free(struct pglive *live); /* NULL accepted */

/* A batch is put into words: what the attempt before it noted is forgotten. */
void pglive_begin(struct pglive *live);
/* Every row of the batch, in order. The rows stay where they are until the batch is committed. */
void pglive_note(struct pglive *live, const struct table *table, const void *before /* or NULL */,
                 const void *after);
/* Adds the rows under `mark`, unique to the batch, and takes off those whose keys are over. */
void pglive_put(struct pglive *live, int64_t mark, struct pg *pg, struct pg_args *args);
/* It was committed: by how much the list has grown; below 0: shrunk. */
int64_t pglive_commit(struct pglive *live);
#endif
