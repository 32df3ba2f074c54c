/* The hard limits below every policy: scripts may be stricter, never looser. A rail that can not be
 * computed holds. */
#include "trade/portfolio.h"
#include <stdio.h>

enum rail {
    RAIL_ORDER_QUANTITY,
    RAIL_ORDER_NOTIONAL,
    RAIL_POSITION,
    RAIL_ORDERS_PER_MINUTE,
    RAIL_DAILY_LOSS,
    RAIL_OPEN_RISK,
    RAIL_PRICE_COLLAR,
};

const char *const rail_names[RAIL_COUNT + 1] = {
    "max_order_quantity", "max_order_notional", "max_position",         "max_orders_per_minute",
    "max_daily_loss",     "max_open_risk",      "price_collar_percent", NULL,
};

static struct decimal limit_of(const struct rails *rails, enum rail rail)
{
    const struct decimal limits[RAIL_COUNT] = {
        rails->max_order_quantity,    rails->max_order_notional, rails->max_position,
        rails->max_orders_per_minute, rails->max_daily_loss,     rails->max_open_risk,
        rails->price_collar_percent,
    };
    return limits[rail];
}

struct rail_case { /* one order at the rails */
    const struct rails *rails;
    const struct rail_check *check;
    const struct instrument *instrument;
    const struct portfolio *portfolio;
    const char **rail;
    char *reason;
};

static bool waived(const struct rail_case *c, enum rail rail)
{
    return c->rails->waived >> rail & 1;
}

/* `value` may reach the limit, not pass it. */
static bool holds(const struct rail_case *c, enum rail rail, const char *what, struct decimal value)
{
    const struct decimal limit = limit_of(c->rails, rail);
    char text[2][DECIMAL_TEXT_MAX];
    if (waived(c, rail))
        return true;
    *c->rail = rail_names[rail];
    if (!decimal_ok(limit)) {
        snprintf(c->reason, REASON_SIZE, "%s is neither set nor waived", rail_names[rail]);
        return false;
    }
    if (!decimal_ok(value)) {
        snprintf(c->reason, REASON_SIZE, "%s: %s cannot be computed", rail_names[rail], what);
        return false;
    }
    if (decimal_le(value, limit))
        return true;
    /* For people; upwards, so that what is above the limit does not read as the limit. */
    decimal_print(decimal_round(value, decimal_ratio(1, 10000), DECIMAL_CEILING), text[0]);
    decimal_print(limit, text[1]);
    snprintf(c->reason, REASON_SIZE, "%s: %s %s is above the limit of %s", rail_names[rail], what,
             text[0], text[1]);
    return false;
}

static struct decimal price_of(const struct rail_check *check)
{
    const struct order *order = check->order;
    if (decimal_ok(order->limit_price))
        return order->limit_price;
    if (decimal_ok(check->last_price))
        return check->last_price;
    return order->reference_price;
}

static struct decimal value_of(const struct rail_case *c, struct decimal distance)
{
    return decimal_mul(decimal_mul(distance, c->check->order->quantity),
                       c->instrument->point_value);
}

/* Without a stop the whole value is at risk, as in portfolio_measure. */
static struct decimal risk_of(const struct rail_case *c)
{
    struct decimal distance = price_of(c->check);
    if (decimal_ok(c->check->stop))
        distance = decimal_abs(decimal_sub(distance, c->check->stop));
    return value_of(c, distance);
}

/* Percent between the price the order stands for and the market; *applies is false when there is
 * nothing to compare. A market order that reduces is held to no price: being late must not keep a
 * position open. */
static struct decimal collar_of(const struct rail_check *check, bool *applies)
{
    const struct order *order = check->order;
    const bool limited = decimal_ok(order->limit_price);
    const struct decimal price = limited ? order->limit_price : order->reference_price;
    const struct decimal market =
        decimal_ok(check->last_price) ? check->last_price : order->reference_price;
    *applies = limited || (!order->reduces && decimal_ok(check->last_price) && decimal_ok(price));
    if (limited && !decimal_ok(market))
        *applies = false;
    if (!*applies)
        return decimal_int(0);
    return decimal_muldiv(decimal_abs(decimal_sub(price, market)), decimal_int(100), market);
}

static bool entry_passes(const struct rail_case *c)
{
    const struct rail_check *check = c->check;
    const struct portfolio *portfolio = c->portfolio;
    struct decimal risk = decimal_add(portfolio->open_risk, risk_of(c));
    if (decimal_ok(check->pending_risk))
        risk = decimal_add(risk, check->pending_risk);
    struct decimal lots = check->order->quantity;
    if (decimal_ok(check->position_quantity))
        lots = decimal_add(lots, check->position_quantity);
    return holds(c, RAIL_ORDER_NOTIONAL, "the order's value", value_of(c, price_of(check))) &&
           holds(c, RAIL_POSITION, "the position with this order", lots) &&
           holds(c, RAIL_ORDERS_PER_MINUTE, "the orders of this minute",
                 decimal_add(decimal_int(check->orders_last_minute), decimal_int(1))) &&
           holds(c, RAIL_DAILY_LOSS, "the day's loss", portfolio->day_loss) &&
           holds(c, RAIL_OPEN_RISK, "the open risk with this order", risk);
}

bool rails_pass(const struct rails *rails, const struct rail_check *check,
                const struct instrument *instrument, const struct portfolio *portfolio,
                const char **rail, char reason[REASON_SIZE])
{
    const char *unused;
    const struct rail_case c = {rails, check, instrument, portfolio, rail ? rail : &unused, reason};
    bool collared;
    const struct decimal collar = collar_of(check, &collared);
    *reason = '\0';
    /* An order that reduces is as large as what is open, at most: a limit lowered since must not
     * keep it open. */
    if (!check->order->reduces &&
        (!holds(&c, RAIL_ORDER_QUANTITY, "the order's quantity", check->order->quantity) ||
         !entry_passes(&c)))
        return false;
    if (collared &&
        !holds(&c, RAIL_PRICE_COLLAR, "the price's distance from the market in percent", collar))
        return false;
    *c.rail = NULL;
    return true;
}

bool rails_hold(const struct rails *rails, struct decimal lots, int64_t orders_last_minute,
                const struct portfolio *portfolio, const char **rail, char reason[REASON_SIZE])
{
    const struct rail_case c = {.rails = rails, .rail = rail, .reason = reason};
    *reason = '\0';
    return holds(&c, RAIL_POSITION, "the position with what is ordered", lots) &&
           holds(&c, RAIL_ORDERS_PER_MINUTE, "the orders of this minute",
                 decimal_int(orders_last_minute)) &&
           holds(&c, RAIL_DAILY_LOSS, "the day's loss", portfolio->day_loss) &&
           holds(&c, RAIL_OPEN_RISK, "the open risk with what is ordered",
                 decimal_add(portfolio->open_risk, portfolio->pending_risk));
}

bool halt_allows(enum halt_level level, bool reduces)
{
    return reduces ? level != HALT_FREEZE : level == HALT_NONE;
}
