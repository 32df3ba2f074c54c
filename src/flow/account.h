/* The account between fills. Shared inside this room. */
#ifndef TIDELOCK_FLOW_ACCOUNT_H
#define TIDELOCK_FLOW_ACCOUNT_H
#include "flow/core.h"

/* The start of the trading day a moment belongs to. */
int64_t account_day_us(struct core *core, int64_t at_us);
/* Writes the account's new trading day when the old one is over: until then yesterday's loss counts
 * as today's. Asked in each turn, and before each decision, which sees it at once. */
void account_follow_day(struct core *core);
/* The same, and the steady time of the next midnight. */
int64_t account_turn(struct core *core);
#endif
