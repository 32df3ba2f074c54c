/* Statistics: counted from what has committed, saved now and then, counted again from the log after
 * a crash. */
#ifndef TIDELOCK_FLOW_STATISTICS_H
#define TIDELOCK_FLOW_STATISTICS_H
#include "flow/flow.h"

struct statistics *statistics_new(struct core *core);
void statistics_free(struct statistics *statistics);
void statistics_adopt(struct core *core); /* what the loaded book has is what the store has */
/* Another instance has saved a row. */
void statistics_followed(struct core *core, const struct stat *row);
void statistics_count(struct core *core, const struct change *change);
/* Saves when it is time to. Returns the steady time it wants to be called again. */
int64_t statistics_turn(struct core *core);
/* Begins the story that counts again, from the log, what the last process counted and did not save.
 * Until it is done nothing is saved. */
/* A takeover: what was not counted yet is. */
void statistics_begin(struct core *core);
void statistics_recover(struct core *core);
bool statistics_ready(const struct core *core); /* that is done */
#endif
