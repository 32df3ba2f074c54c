/* Why: whoever watches the log of a host should be able to follow what it does and why, without
 * asking it. */
#include "narrate.h"
#include <string.h>

#define EQUITY_EVERY_US 5000000

static void tell_decision(struct core *core, const struct signal *signal, const struct decision *d)
{
    bool accepted = d->verdict == VERDICT_ACCEPT;
    log_write(core->log, LOG_INFO, "decision", verdict_names[d->verdict],
              LOG_T("strategy", signal->strategy), LOG_T("instrument", signal->instrument),
              LOG_T("type", signal_type_names[signal->type]), LOG_T("position", signal->position),
              LOG_D("price", signal->price), LOG_T("signal_id", signal->id),
              accepted ? LOG_D("quantity", d->quantity) : LOG_T("gate", d->gate),
              *d->reason ? LOG_T("reason", d->reason) : LOG_END, LOG_END);
}

static void tell_signal(struct core *core, const struct signal *signal)
{
    log_write(core->log, signal->state == SIGNAL_DEAD ? LOG_ERROR : LOG_INFO, "signal",
              signal_state_names[signal->state], LOG_T("strategy", signal->strategy),
              LOG_T("instrument", signal->instrument),
              LOG_T("type", signal_type_names[signal->type]), LOG_T("position", signal->position),
              LOG_T("reason", signal->reason), LOG_T("signal_id", signal->id), LOG_END);
}

static void tell_fill(struct core *core, const struct fill *fill, const struct order *order)
{
    log_write(core->log, LOG_INFO, "order", order ? order_state_names[order->state] : "filled",
              LOG_T("instrument", fill->instrument), LOG_T("side", order_side_names[fill->side]),
              LOG_D("quantity", fill->quantity), LOG_D("price", fill->price),
              LOG_D("fee", fill->fee), LOG_T("layer", order ? order->leg : ""),
              LOG_T("order_id", fill->order_id), LOG_END);
}

static void tell_order(struct core *core, const struct order *order)
{
    log_write(core->log, order->state == ORDER_UNKNOWN ? LOG_WARN : LOG_INFO, "order",
              order_state_names[order->state], LOG_T("instrument", order->instrument),
              LOG_T("side", order_side_names[order->side]), LOG_D("quantity", order->quantity),
              LOG_T("reason", order->reason), LOG_T("order_id", order->id), LOG_END);
}

static void tell_closed(struct core *core, const struct position *position)
{
    log_write(core->log, LOG_INFO, "position", "closed", LOG_T("strategy", position->strategy),
              LOG_T("instrument", position->instrument), LOG_T("layer", position->label),
              LOG_D("net", decimal_sub(position->realised, position->fees)),
              LOG_D("entry", position->entry_price), LOG_D("exit", position->exit_price), LOG_END);
}

static bool is_told(enum order_state state)
{
    return state == ORDER_UNKNOWN || state == ORDER_CANCELLED || state == ORDER_REJECTED ||
           state == ORDER_EXPIRED;
}

static void hear(void *ctx, const struct store_event *event)
{
    struct core *core = ((struct narrator *)ctx)->core;
    const struct signal *signal = NULL;
    const struct decision *decision = NULL;
    const struct order *order = NULL, *order_before = NULL;
    const struct fill *fill = NULL;
    for (size_t i = 0; i < event->change_count; i++) {
        const struct change *change = &event->changes[i];
        if (change->table->id == TABLE_SIGNAL)
            signal = change->after;
        else if (change->table->id == TABLE_DECISION)
            decision = change->after;
        else if (change->table->id == TABLE_ORDER)
            order = change->after, order_before = change->before;
        else if (change->table->id == TABLE_FILL)
            fill = change->after;
        else if (change->table->id == TABLE_POSITION &&
                 ((const struct position *)change->after)->status == POSITION_CLOSED)
            tell_closed(core, change->after);
    }
    if (decision && signal)
        tell_decision(core, signal, decision);
    else if (signal && signal_is_final(signal->state) && signal->state != SIGNAL_DONE)
        tell_signal(core, signal);
    if (fill)
        tell_fill(core, fill, order);
    else if (order && is_told(order->state) &&
             (!order_before || order_before->state != order->state))
        tell_order(core, order);
}

void narrate_begin(struct narrator *narrator, struct core *core)
{
    *narrator = (struct narrator){
        .core = core, .listener = {hear, narrator, core->listeners}, .equity = decimal_bad()};
    core->listeners = &narrator->listener;
}

void narrate_turn(struct narrator *narrator)
{
    struct core *core = narrator->core;
    int64_t now_us = clock_steady(core->clock);
    struct portfolio p;
    if (now_us - narrator->told_us < EQUITY_EVERY_US)
        return;
    narrator->told_us = now_us;
    portfolio_now(core, &p);
    struct decimal equity = decimal_add(p.equity, p.unrealised);
    if (!decimal_ok(equity) ||
        (decimal_ok(narrator->equity) && decimal_eq(equity, narrator->equity)))
        return;
    narrator->equity = equity;
    struct decimal cent = decimal_ratio(1, 100);
    log_write(core->log, LOG_INFO, "equity", "now",
              LOG_D("equity", decimal_round(p.equity, cent, DECIMAL_HALF_EVEN)),
              LOG_D("unrealised", decimal_round(p.unrealised, cent, DECIMAL_HALF_EVEN)),
              LOG_I("open_positions", p.open_positions),
              LOG_D("open_risk", decimal_round(p.open_risk, cent, DECIMAL_HALF_EVEN)), LOG_END);
}
