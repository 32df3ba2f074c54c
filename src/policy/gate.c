/* A stock gate's check as one C function, its options in upvalues: a decision asks several of them,
 * and a Lua function around each would cost as much as the rule itself. */
#include "policy/inner.h"

#include <string.h>

/* Upvalues of a check: the version, as every rule has it; its gate; the options. */
enum { UPVALUE_GATE = 2, UPVALUE_OPTIONS, OPTIONS_MAX = 8, STOCK_GATES_MAX = 256 };

struct stock_gate {
    lua_CFunction rule;
    int options;
    bool resolved;
};

/* Parameters are known when a version is made, which is after its gates are: a name becomes a
 * number when it is asked for first. They never change within a version. */
static void resolve(lua_State *L, const struct version *version, int upvalue)
{
    const char *name = lua_tostring(L, upvalue);
    const struct param *param = NULL;

    for (size_t i = 0; i < version->param_count && !param; i++)
        if (text_equal(version->params[i].name, name))
            param = &version->params[i];
    if (!param)
        luaL_error(L, "params has no field '%s'", name);
    if (param->type != PARAM_DECIMAL && param->type != PARAM_INTEGER)
        luaL_error(L, "parameter '%s' is no number", name);
    bind_push_decimal(L, param->number);
    lua_replace(L, upvalue);
}

static int ask(lua_State *L)
{
    struct stock_gate *gate = lua_touserdata(L, lua_upvalueindex(UPVALUE_GATE));

    lua_settop(L, 1);
    for (int i = 0; !gate->resolved && i < gate->options; i++)
        if (lua_type(L, lua_upvalueindex(UPVALUE_OPTIONS + i)) == LUA_TSTRING)
            resolve(L, bind_host(L), lua_upvalueindex(UPVALUE_OPTIONS + i));
    gate->resolved = true;
    for (int i = 0; i < gate->options; i++)
        lua_pushvalue(L, lua_upvalueindex(UPVALUE_OPTIONS + i));
    return gate->rule(L);
}

int gate_make(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const struct bind_function *rule = rules_find(name);
    struct version *version = bind_host(L);
    struct stock_gate *gate;
    int count = lua_gettop(L) - 1;

    if (!rule || rule->call == gate_make)
        return luaL_error(L, "there is no rule \"%s\"", name);
    if (count > OPTIONS_MAX)
        return luaL_error(L, "a rule has at most %d options", OPTIONS_MAX);
    for (int i = 2; i <= count + 1; i++)
        if (lua_type(L, i) == LUA_TNUMBER) { /* exact or an error, here where it is written */
            bind_push_decimal(L, bind_check_decimal(L, i));
            lua_replace(L, i);
        }
    if (version->stock_gates++ == STOCK_GATES_MAX)
        return luaL_error(L, "a strategy has at most %d stock gates", STOCK_GATES_MAX);
    gate = arena_alloc(&version->arena, sizeof *gate);
    *gate = (struct stock_gate){.rule = rule->call, .options = count};
    lua_remove(L, 1);
    lua_pushlightuserdata(L, version);
    lua_insert(L, 1);
    lua_pushlightuserdata(L, gate);
    lua_insert(L, 2);
    lua_pushcclosure(L, ask, 2 + count);
    return 1;
}
