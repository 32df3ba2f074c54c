/* Who led before, and how long nobody did. Shared inside this room. */
#ifndef TIDELOCK_FLOW_FAILOVER_H
#define TIDELOCK_FLOW_FAILOVER_H
#include "flow/core.h"

/* Another instance's change of a member or a lease, which may end a leadership; or its record of
 * one that has changed. */
void failover_follow(struct core *core, const struct change *change);
/* A member has ended: it may have led. */
void failover_died(struct core *core, const struct member *member);
/* Before the leader's key is asked for: whose it was. */
void failover_begin(struct core *core);
void failover_heard(struct core *core, const struct failover *row);
int64_t failover_turn(struct core *core);
void failovers_new(struct core *core);
void failovers_free(struct core *core);
/* This instance leads and may trade: the change is recorded, unless nobody led before. */
void failover_note(struct core *core);
#endif
