/* Writing: how a decision becomes rows, and what happens when it does not.
 *
 * core->book is changed when a write is asked, so that the next decision of the same turn already
 * sees it; nothing leaves the host (broker calls, answers) before the store has answered. A write
 * that fails is taken back: at once if its rows have not moved on, else when every write in flight
 * is answered, last first; until then record_settled says no and nothing new is decided. Writes
 * that built on a failed one fail by themselves: their compare-and-set does not fit. */
#ifndef TIDELOCK_FLOW_RECORD_H
#define TIDELOCK_FLOW_RECORD_H
#include "flow/core.h"

struct recorder;
struct recorder *recorder_new(struct core *core);
void recorder_free(struct recorder *recorder);

/* Applies the changes to core->book, asks the store, answers `to` after the book is as it must be:
 * with success after statistics were counted and listeners called. Fenced by core->term, and by
 * the lease of the instrument whose rows it changes, unless `unfenced`. Events, rows and texts are
 * copied, once: the store reads that copy. */
void record_write(struct core *core, const struct store_event *events, size_t count, bool unfenced,
                  struct waiter to);
/* Memory for who waits for a write: zeroed, at most 1,024 bytes, used again, gone with the
 * recorder. */
void *record_keep(struct core *core, size_t size);
void record_drop(struct core *core, void *kept); /* NULL accepted */
/* No failed write waits to be taken back, and the book is not suspected to differ from the store.
 */
bool record_settled(const struct core *core);
/* A write failed because a row had moved on, and none of ours in flight had moved it: somebody else
 * writes to this store. The book is read again (resync.c). */
bool record_suspects(const struct core *core);
void record_trust(struct core *core);
uint64_t record_asked(const struct core *core); /* writes asked so far */
size_t record_in_flight(const struct core *core);
/* All of the first `asked` writes were answered, and those that failed taken back. To wait for none
 * in flight may be to wait for ever: others go on to ask. */
bool record_answered(const struct core *core, uint64_t asked);
/* The last event that was heard to be committed, and so counted and applied. */
int64_t record_seq(const struct core *core);
/* The row as a write inserts it that is in flight, or has failed and was not yet taken back: that
 * the book has it says nothing. NULL: none does. */
const void *record_inserting(const struct core *core, enum table_id table, const char *key);
/* A write of the row has failed and was not yet taken back. What is asked on top of it may fit a
 * row that somebody else has written under the same version, and must not be. */
bool record_has_failed(const struct core *core, enum table_id table, const char *key);
void recorder_on_fence(struct core *core, void (*fenced)(struct core *core));

/* ---- what others write (follow.c) ---- */
/* The row as the log has it: what a write of ours in flight has already made of it in the book does
 * not count. NULL: absent. *in_flight: such a write is there. */
const void *record_base(const struct core *core, const struct table *table, const char *key,
                        bool *in_flight);
/* Somebody else's change has committed before ours in flight. The account's changes are moved onto
 * it, with their ledger entries, and stand; every other write that touches the row will fail, is
 * not taken back over what is there now, and is no reason to suspect anything. The book has the row
 * afterwards. */
void record_overtake(struct core *core, const struct change *theirs);
void record_heard(struct core *core, int64_t seq); /* the log is known up to here */

/* An event to be filled: kind, subject, now. */
void event_start(struct core *core, struct store_event *event, const char *kind,
                 const char *subject);
void event_change(struct store_event *event, enum table_id table, const void *before,
                  const void *after);
#endif
