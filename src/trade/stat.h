/* Statistics: what each strategy did on each instrument, counted from changes alone.
 *
 * Statistics rows are not part of each write. The host keeps them in a book of their own, counts
 * every committed change into it, and saves what has changed now and then in an event
 * `statistics.saved`. The audit counts the same changes while it folds the log and compares at
 * every event that writes a statistics row. */
#ifndef TIDELOCK_TRADE_STAT_H
#define TIDELOCK_TRADE_STAT_H
#include "trade/book.h"

/* Counts one change into the statistics rows of `stats`; pure, in any order of rows within one
 * write: signals     a signal row appears accepted    a signal reaches WORKING or DONE for the
 * first time, from RECEIVED or RETRYING rejected expired superseded ignored dead   a signal reaches
 * that state (dead: at each time) orders      an order row appears                 fills, volume,
 * fees   a fill row appears realised    what a position's `realised` grew by wins losses a position
 * closes with realised - fees above zero, below zero a statistics row itself: nothing. `version` is
 * left alone: the saver sets it to the stored row's + 1. The same change counted twice counts
 * twice: feed what has committed, once. */
/* Adds what another counting of the same log, of other events, has found. */
void stat_add(struct book *stats, const struct stat *found);
void stat_count(struct book *stats, const struct change *change);
#endif
