/* Stops that rest at the broker, one for each open position of the strategies that want them. */
#ifndef TIDELOCK_FLOW_PROTECT_H
#define TIDELOCK_FLOW_PROTECT_H
#include "flow/core.h"

struct protect;
struct protect *protect_new(struct core *core);
void protect_free(struct protect *protect);
/* What the recorder tells of every change. */
void protect_committed(struct core *core, const struct change *change);
int64_t protect_turn(struct core *core);
/* Whether a stop at the broker must be gone before this exit may be sent: both would trade. */
bool protect_stands(const struct core *core, const struct order *exit);
/* Has such stops cancelled. */
void protect_give_way(struct core *core, const struct order *exit);
#endif
