/* Who may trade what: keys that this instance holds, from the lease to the moment trading is
 * allowed. Shared inside this room. */
#ifndef TIDELOCK_FLOW_HOLDING_H
#define TIDELOCK_FLOW_HOLDING_H
#include "flow/core.h"

#define LEADER_KEY "leader"
#define HOLDING_OWN_US (36 * 3600 * 1000000LL) /* a broker may show a day's orders */

struct holdings *holdings_new(struct core *core);
void holdings_free(struct core *core);
/* Leases that are due, keys that nobody has; the next moment (steady). */
int64_t holdings_turn(struct core *core);
/* The key of what trades an instrument; good as long as the core. */
const char *holding_key(struct core *core, const char *instrument);
/* Its key is ours and everything was matched: new decisions may be made for it. */
bool core_holds(const struct core *core, const char *instrument);
/* As core_holds, or being matched: its orders are looked after here. */
bool core_works(const struct core *core, const char *instrument);
/* A signal waits, or something is orphaned: takes the key unless a living instance has it (then
 * false). */
bool holding_want(struct core *core, const char *instrument);
/* The living instance that trades it, or leads, when that is not this one; NULL: this one, or none
 * is known. `instrument` NULL: the leader. */
const char *holding_elsewhere(const struct core *core, const char *instrument);
/* The leader's key when this instance begins; *open tells whether it is ours now, false while that
 * is still being found out. */
bool holding_lead(struct core *core, uint64_t flow /* is poked then */, bool *open);
/* The log told something about members or leases. */
void holdings_look(struct core *core);
/* Everything is somebody else's: nothing is held from here on. */
void holdings_drop(struct core *core);
/* A leader that lost its lease waits before it takes it again, longer each time. */
void holdings_lost(struct core *core);
/* The lease that the store is to ask for before it takes such a write; NULL: none. */
const char *holding_fence(struct core *core, const struct store_event *events, size_t count);
/* An order that may have ended, whoever worked it: exits and the broker's body hear of it. */
void holding_note_ended(struct core *core, const struct order *order);
size_t holdings_count(const struct core *core);
/* Wall time since when what trades the instrument is done here; 0: it is not. */
int64_t holding_since(const struct core *core, const char *instrument);
#endif
