/* Exits that came to nothing: tried again while their position is open. */
#ifndef TIDELOCK_FLOW_EXITS_H
#define TIDELOCK_FLOW_EXITS_H
#include "flow/core.h"

struct exits;
struct exits *exits_new(struct core *core);
void exits_free(struct exits *exits);
/* An order that is final as committed, of this process or an earlier one; of interest when it is an
 * exit that the broker refused or let expire. */
void exits_note(struct core *core, const struct order *order);
int64_t exits_turn(struct core *core); /* the steady time of the next try; INT64_MAX: none */
#endif
