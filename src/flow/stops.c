/* Stops that follow the price: a strategy asks on a bar, the position's row changes. The row is
 * what open risk is measured by and what a restart finds; a stop that only a script knew would be
 * neither. */
#include "flow/record.h"
#include "flow/trade.h"
#include <string.h>

enum { MOVES_MAX = 16 };

static bool refuse(struct core *core, const struct position *position, struct decimal stop,
                   enum log_level level, const char *why)
{
    log_write(core->log, level, "stops", why, LOG_T("strategy", position->strategy),
              LOG_T("instrument", position->instrument), LOG_T("position", position->label),
              LOG_D("stop", stop), LOG_END);
    return false;
}

/* Nearer to the price, never away from it, and not beyond it: what is beyond is an exit. */
static bool may_move(struct core *core, const struct position *position, struct decimal stop,
                     struct decimal last_price)
{
    bool is_long = position->side == SIDE_LONG;
    if (decimal_ok(last_price) &&
        (is_long ? decimal_gt(stop, last_price) : decimal_lt(stop, last_price)))
        return refuse(core, position, stop, LOG_WARN,
                      "a stop beyond the market's price is left where it was; ask for an EXIT");
    if (!decimal_ok(position->stop))
        return true;
    if (decimal_eq(stop, position->stop))
        return false;
    if (is_long ? decimal_lt(stop, position->stop) : decimal_gt(stop, position->stop))
        return refuse(core, position, stop, LOG_DEBUG, "a stop is never moved away from the price");
    return true;
}

void stops_move(struct core *core, const struct facts *facts, const struct bar_stop *wish)
{
    struct position after[MOVES_MAX] UNSET;
    struct store_event events[MOVES_MAX] UNSET;
    size_t count = 0;
    if (!core->term || !record_settled(core))
        return; /* the next bar asks again */
    for (size_t i = 0; i < facts->position_count && count < MOVES_MAX; i++) {
        const struct position *position = facts->positions[i];
        struct decimal stop = tick_stop(facts->instrument, position->side, wish->stop);
        if (signal_layer(wish->position) != 0 && strcmp(wish->position, position->label) != 0)
            continue;
        if (!may_move(core, position, stop, facts->last_price))
            continue;
        after[count] = *position;
        after[count].stop = stop;
        after[count].version++;
        event_start(core, &events[count], "position.stop_moved", position->id);
        event_change(&events[count], TABLE_POSITION, position, &after[count]);
        count++;
    }
    if (count > 0)
        record_write(core, events, count, false, (struct waiter){0});
}
