/* Who led before, and how long nobody did. Shared inside this room. */
#ifndef TIDELOCK_FLOW_FAILOVER_H
#define TIDELOCK_FLOW_FAILOVER_H
#include "flow/core.h"

/* Another instance's change of a member or a lease: it may end a leadership. */
void failover_follow(struct core *core, const struct change *change);
/* Before the leader's key is asked for: whose it was. */
void failover_begin(struct core *core);
/* This instance leads and may trade: the change is recorded, unless nobody led before. */
void failover_note(struct core *core);
#endif
