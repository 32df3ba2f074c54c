/* The story of trading in the log: decisions with their reasons, fills, closed positions, equity.
 * Private to src/. */
#ifndef TIDELOCK_NARRATE_H
#define TIDELOCK_NARRATE_H
#include "flow/flows.h"

struct narrator {
    struct core *core;
    struct core_listener listener;
    struct decimal equity; /* as last told */
    int64_t told_us;
};
void narrate_begin(struct narrator *narrator, struct core *core); /* listens from now on */
void narrate_turn(struct narrator *narrator); /* now and then: equity, when it has changed */
#endif
