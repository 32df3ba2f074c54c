/* One close of a trailing stop as one call of the module tidelock.rules: what every bar of every
 * open position asks for. */
#include "policy/inner.h"

#include <string.h>

/* trail(side, stop, best, close, atr?, multiplier, tick?): stop, best, hit. See lua/stops.lua. */
int trail_step(lua_State *L)
{
    const bool falls = strcmp(luaL_checkstring(L, 1), side_names[SIDE_SHORT]) == 0;
    const struct decimal stop = bind_check_decimal(L, 2), close = bind_check_decimal(L, 4),
                         atr = bind_option_decimal(L, 5, decimal_bad()),
                         tick = bind_option_decimal(L, 7, decimal_bad());
    struct decimal best = bind_check_decimal(L, 3), next = stop;

    lua_settop(L, 7);
    if (falls ? decimal_gt(close, stop) : decimal_lt(close, stop)) {
        lua_pushvalue(L, 2);
        lua_pushvalue(L, 3);
        lua_pushboolean(L, 1);
        return 3;
    }
    if (falls ? decimal_lt(close, best) : decimal_gt(close, best)) {
        best = close;
        lua_pushvalue(L, 4);
        lua_replace(L, 3);
    }
    if (decimal_ok(atr)) {
        struct decimal away = decimal_mul(atr, bind_check_decimal(L, 6));

        next = falls ? decimal_min(stop, decimal_add(best, away))
                     : decimal_max(stop, decimal_sub(best, away));
        if (decimal_ok(tick) && decimal_sign(tick) > 0)
            next = decimal_round(next, tick, falls ? DECIMAL_FLOOR : DECIMAL_CEILING);
    }
    if (next.units == stop.units)
        lua_pushvalue(L, 2);
    else
        bind_push_decimal(L, next);
    lua_pushvalue(L, 3);
    lua_pushboolean(L, falls ? decimal_gt(close, next) : decimal_lt(close, next));
    return 3;
}
