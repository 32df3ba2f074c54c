/* Following the log: what other instances wrote becomes part of our book, our counting, our queues.
 * Shared inside this room. */
#ifndef TIDELOCK_FLOW_FOLLOW_H
#define TIDELOCK_FLOW_FOLLOW_H
#include "flow/core.h"

struct follow *follow_new(struct core *core);
void follow_free(struct core *core);
/* What the store calls (on_foreign). */
void follow_events(void *ctx, const struct event *events, size_t count);
/* There can be others: the store tells what they write. */
bool follow_is_on(const struct core *core);
/* The row in the book may not be what the log says: it is read from the store. Until then nothing
 * new is decided. */
void follow_repair(struct core *core, enum table_id table, const char *key);
int64_t follow_turn(struct core *core); /* begins what could not be begun */
bool follow_is_settled(const struct core *core);
#endif
