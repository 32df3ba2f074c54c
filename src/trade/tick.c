/* Prices as whole ticks of their instrument, each rounded so that it never means more risk, or a
 * worse price, than was asked for. */
#include "trade/portfolio.h"

static struct decimal round_to(const struct instrument *instrument, struct decimal price,
                               enum decimal_rounding rounding)
{
    const struct decimal tick = instrument ? instrument->tick : decimal_bad();
    if (!decimal_ok(price) || !decimal_ok(tick) || decimal_sign(tick) <= 0)
        return price;
    const struct decimal rounded = decimal_round(price, tick, rounding);
    return decimal_ok(rounded) && decimal_sign(rounded) > 0 ? rounded : price;
}

struct decimal tick_price(const struct instrument *instrument, struct decimal price)
{
    return round_to(instrument, price, DECIMAL_HALF_EVEN);
}

struct decimal tick_stop(const struct instrument *instrument, enum side side, struct decimal stop)
{
    return round_to(instrument, stop, side == SIDE_LONG ? DECIMAL_CEILING : DECIMAL_FLOOR);
}

struct decimal tick_limit(const struct instrument *instrument, enum order_side side,
                          struct decimal price)
{
    return round_to(instrument, price, side == ORDER_BUY ? DECIMAL_FLOOR : DECIMAL_CEILING);
}

struct decimal tick_trigger(const struct instrument *instrument, enum order_side side,
                            struct decimal price)
{
    return round_to(instrument, price, side == ORDER_BUY ? DECIMAL_CEILING : DECIMAL_FLOOR);
}
