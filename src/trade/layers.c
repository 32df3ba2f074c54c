/* Which open lots an exit may close. Lots that a live order closes by the name of its layer are
 * that order's (a protective stop closes nothing yet, and gives way to an exit); an order over
 * several layers (it names none) takes the oldest first of what is left. */
#include "trade/layers.h"
#include <string.h>

enum { ORDERS_MAX = 256 };

static struct decimal rest_of(const struct order *order)
{
    struct decimal filled = decimal_ok(order->filled) ? order->filled : decimal_int(0);
    return decimal_sub(order->quantity, filled);
}

static bool is_spread(const struct order *order)
{
    return order->reduces && !order->protective && !*order->position_id;
}

bool layer_is_closed_by(const struct position *layer, enum order_side side)
{
    return layer->side == (side == ORDER_SELL ? SIDE_LONG : SIDE_SHORT);
}

struct decimal layers_take(struct layer_lots *list, size_t count, const struct order *order,
                           struct decimal lots, struct decimal *taken)
{
    for (size_t i = 0; i < count && decimal_sign(lots) > 0; i++) {
        if (!layer_is_closed_by(list[i].layer, order->side) ||
            strcmp(list[i].layer->expiry, order->expiry) != 0 || decimal_sign(list[i].lots) <= 0)
            continue;
        struct decimal part = decimal_min(list[i].lots, lots);
        list[i].lots = decimal_sub(list[i].lots, part);
        lots = decimal_sub(lots, part);
        if (taken)
            taken[i] = decimal_add(taken[i], part);
    }
    return lots;
}

size_t layers_free(const struct book *book, const char *strategy, const char *instrument,
                   bool spread_too, struct layer_lots list[LAYERS_MAX])
{
    const struct position *open[LAYERS_MAX] UNSET;
    const struct order *orders[ORDERS_MAX] UNSET;
    size_t count = book_open_positions(book, strategy, instrument, open, LAYERS_MAX);
    size_t order_count = book_live_orders(book, strategy, instrument, orders, ORDERS_MAX);
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct layer_lots){open[i], open[i]->quantity};
        for (size_t k = 0; k < order_count; k++)
            if (orders[k]->reduces && !orders[k]->protective &&
                strcmp(orders[k]->position_id, open[i]->id) == 0)
                list[i].lots = decimal_sub(list[i].lots, rest_of(orders[k]));
    }
    for (size_t k = 0; spread_too && k < order_count; k++)
        if (is_spread(orders[k]))
            layers_take(list, count, orders[k], rest_of(orders[k]), NULL);
    return count;
}
