/* The database is away: signals go to this host's spool, and into the store when it is back.
 * Shared inside this room. */
#ifndef TIDELOCK_FLOW_AWAY_H
#define TIDELOCK_FLOW_AWAY_H
#include "flow/core.h"

struct away *away_new(struct core *core);
void away_free(struct core *core);
int64_t away_turn(struct core *core);
/* The store did not take a write now. From here on nobody waits for it again to find that out. */
void away_heard(struct core *core, const struct err *err);
/* A signal that cannot be written now, or that this instance may not write yet. */
bool away_spools(const struct core *core);
/* Into the spool; its tickets are answered when that is durable. False: there is none. */
bool away_put(struct core *core, const struct signal *signal);
/* Nothing new is decided: it could not be recorded, or older signals have not been entered yet. */
bool away_holds(const struct core *core);
#endif
