/* What a gate says: pass{inputs}, reject(reason, inputs), defer(seconds, reason, inputs). Each
 * gives plain results (true | false | "defer", ...) that decide.c reads, so that a verdict
 * allocates nothing. */
#include "policy/inner.h"

static int pass(lua_State *L)
{
    if (!lua_isnoneornil(L, 1))
        luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    return 2;
}

static int reject(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TSTRING);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lua_pushboolean(L, 0);
    lua_insert(L, 1);
    return 3;
}

static int defer(lua_State *L)
{
    bind_check_decimal(L, 1);
    luaL_checktype(L, 2, LUA_TSTRING);
    if (!lua_isnoneornil(L, 3))
        luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    lua_pushliteral(L, "defer");
    lua_insert(L, 1);
    return 4;
}

void verdict_bind(struct sandbox *box)
{
    static const struct bind_function rows[] = {
        {"pass", pass,
         "(inputs?: inputs)\nThe gate has no objection. `inputs` go into the decision's trace."},
        {"reject", reject, "(reason: string, inputs?: inputs)\nThe entry is refused."},
        {"defer", defer,
         "(seconds: decimal|number, reason: string, inputs?: inputs)\nAsk again after `seconds`."}};

    bind_library(box, NULL, rows, sizeof rows / sizeof *rows, NULL);
}
