/* Signals that wait a moment before they are stored, because another instance may be storing the
 * same one: the second layer against doubles. Shared inside this room. */
#ifndef TIDELOCK_FLOW_CLAIMING_H
#define TIDELOCK_FLOW_CLAIMING_H
#include "flow/core.h"

void claiming_new(struct core *core);
void claiming_free(struct core *core);
/* True: the signal is kept here, and goes on by itself (intake_go_on) when its claim is granted or
 * nobody knows, within 20 ms, or, denied, within 100 ms. False: there is nobody to ask. Tickets for
 * it stand already. */
bool claiming_asks(struct core *core, const struct signal *signal);
/* What is kept here and would be closed by this EXIT came before it, and goes on before it. */
void claiming_let_by(struct core *core, const struct signal *exit);
/* The log tells of the row: if the signal was kept here, it is not any more. */
void claiming_told(struct core *core, const char *signal_id);
/* Nothing more is done for the signal: its claim is given back. */
void claiming_done(struct core *core, const char *signal_id);
size_t claiming_count(const struct core *core);
int64_t claiming_turn(struct core *core);
#endif
