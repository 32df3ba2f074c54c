/* The rules of positions: what may be opened, what there is to close, and what is on its way but in
 * no position yet. They hold whatever a policy says. */
#include "flow/flows.h"
#include "flow/orders.h"
#include "flow/trade.h"
#include "trade/layers.h"
#include <stdio.h>
#include <string.h>

enum { ORDERS_MAX = 256 };

static bool deny(struct verdict_of *no, enum signal_state state, const char *gate,
                 const char *format, const char *a, const char *b)
{
    no->state = state;
    no->gate = gate;
    snprintf(no->reason, sizeof no->reason, format, a, b);
    return false;
}

static struct decimal rest_of(const struct order *order)
{
    struct decimal filled = decimal_ok(order->filled) ? order->filled : decimal_int(0);
    return decimal_sub(order->quantity, filled);
}

/* An open layer of this label, or an order on its way to open one. */
static bool label_taken(const struct core *core, const struct signal *signal, const char *label)
{
    const struct position *open[LAYERS_MAX] UNSET;
    const struct order *orders[ORDERS_MAX] UNSET;
    size_t count =
        book_open_positions(core->book, signal->strategy, signal->instrument, open, LAYERS_MAX);
    for (size_t i = 0; i < count; i++)
        if (strcmp(open[i]->label, label) == 0)
            return true;
    count = book_live_orders(core->book, signal->strategy, signal->instrument, orders, ORDERS_MAX);
    for (size_t i = 0; i < count; i++)
        if (!orders[i]->reduces && strcmp(orders[i]->leg, label) == 0)
            return true;
    return false;
}

static const struct position *open_base(const struct core *core, const struct signal *signal)
{
    const struct position *open[LAYERS_MAX] UNSET;
    size_t count =
        book_open_positions(core->book, signal->strategy, signal->instrument, open, LAYERS_MAX);
    for (size_t i = 0; i < count; i++)
        if (open[i]->is_base_position)
            return open[i];
    return NULL;
}

bool rules_unresolved(const struct core *core, const char *instrument, bool *unknown)
{
    const struct order *orders[ORDERS_MAX] UNSET;
    size_t count = book_live_orders(core->book, NULL, instrument, orders, ORDERS_MAX);
    bool found = false;
    *unknown = false;
    for (size_t i = 0; i < count; i++) {
        found |= order_is_unresolved(orders[i]->state);
        *unknown |= orders[i]->state == ORDER_UNKNOWN;
    }
    return found;
}

size_t rules_layers(const struct core *core, const struct signal *exit, struct layer_lots *out,
                    size_t room)
{
    struct layer_lots list[LAYERS_MAX] UNSET;
    size_t found = 0;
    size_t count = layers_free(core->book, exit->strategy, exit->instrument, true, list);
    bool all = signal_layer(exit->position) == 0;
    for (size_t i = 0; i < count && found < room; i++)
        if (decimal_sign(list[i].lots) > 0 &&
            (all || strcmp(list[i].layer->label, exit->position) == 0))
            out[found++] = list[i];
    return found;
}

struct decimal rules_pending(const struct core *core, const char *instrument)
{
    const struct order *orders[ORDERS_MAX] UNSET;
    size_t count = book_live_orders(core->book, NULL, instrument, orders, ORDERS_MAX);
    struct decimal lots = decimal_int(0);
    for (size_t i = 0; i < count; i++)
        if (!orders[i]->reduces)
            lots = decimal_add(lots, rest_of(orders[i]));
    return lots;
}

static bool allow_entry(const struct core *core, const struct signal *signal, struct verdict_of *no)
{
    const struct position *base = open_base(core, signal);
    bool unknown;
    if (match_blocks(core, signal->instrument, no->reason)) {
        no->state = SIGNAL_REJECTED;
        no->gate = "reconciliation";
        return false;
    }
    if (rules_unresolved(core, signal->instrument, &unknown))
        return deny(no, unknown ? SIGNAL_REJECTED : SIGNAL_RETRYING, "unresolved_order",
                    "an order on %s has no known outcome yet%s", signal->instrument, "");
    if (signal->type == SIGNAL_BASE_ENTRY && base)
        return deny(no, SIGNAL_REJECTED, "position", "the base %s is open already%s", base->label,
                    "");
    if (signal->type == SIGNAL_PYRAMID && !base)
        return deny(no, SIGNAL_REJECTED, "position", "there is no open base on %s to add to%s",
                    signal->instrument, "");
    if (signal->type == SIGNAL_PYRAMID && base->side != signal->side)
        return deny(no, SIGNAL_REJECTED, "position", "the open base is %s, the pyramid %s",
                    side_names[base->side], side_names[signal->side]);
    if (label_taken(core, signal, signal->position))
        return deny(no, SIGNAL_REJECTED, "position", "layer %s is open or on its way%s",
                    signal->position, "");
    return true;
}

bool rules_allow(const struct core *core, const struct signal *signal, struct verdict_of *no)
{
    struct layer_lots layers[TRADE_ORDERS_MAX] UNSET;
    if (signal->type != SIGNAL_EXIT)
        return allow_entry(core, signal, no);
    if (rules_layers(core, signal, layers, TRADE_ORDERS_MAX) == 0)
        return deny(no, SIGNAL_IGNORED, "position", "nothing of %s on %s is open to close",
                    signal->position, signal->instrument);
    return true;
}
