/* The base functions that had to be written anew: pcall that cannot swallow a kill, text of values
 * without addresses, walks that know frozen records, print into a bounded buffer, chance from the
 * host's seed. */
#include "script/inner.h"

#include <math.h>
#include <string.h>

/* A kill and a full heap pass through; everything else is an ordinary error for the script. */
static int protected_call(lua_State *L) {
    struct sandbox *box = inner_box(L);
    luaL_checkany(L, 1);
    guard_enter(L, box, box->limits.depth);
    uint32_t outer = box->depth - 1;
    int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    if (box->end != SANDBOX_OK) guard_raise(L);
    if (status == LUA_ERRMEM) guard_kill(L, SANDBOX_MEMORY);
    box->depth = outer;
    if (status != 0) modules_unwind(box, outer);
    lua_pushboolean(L, status == 0);
    lua_insert(L, 1);
    return lua_gettop(L);
}

static const char *plain_text(lua_State *L, int index) {
    const struct tag *tag;
    switch (lua_type(L, index)) {
    case LUA_TNIL: return "nil";
    case LUA_TBOOLEAN: return lua_toboolean(L, index) ? "true" : "false";
    case LUA_TUSERDATA: tag = inner_tag(L, index); return tag == &record_tag ? "table" : tag->name;
    case LUA_TLIGHTUSERDATA: return lua_touserdata(L, index) ? "userdata" : "null";
    default: return luaL_typename(L, index);
    }
}

/* Addresses would tell a script where memory lies and would differ between equal runs. */
const char *lib_base_text(lua_State *L, int index, size_t *length) {
    char room[DECIMAL_TEXT_MAX];
    if (index < 0) index = lua_gettop(L) + index + 1;
    luaL_checkstack(L, 6, "too many values");
    int type = lua_type(L, index);
    if (type == LUA_TSTRING || type == LUA_TNUMBER) {
        lua_pushvalue(L, index);
    } else if (inner_tag(L, index) == &number_decimal_tag) {
        struct decimal value;
        (void)bind_decimal(L, index, &value);
        lua_pushlstring(L, room, decimal_print(value, room));
    } else if (type == LUA_TTABLE && luaL_getmetafield(L, index, "__tostring")) {
        struct sandbox *box = inner_box(L);
        guard_enter(L, box, box->limits.depth);
        lua_pushvalue(L, index);
        lua_call(L, 1, 1);
        guard_leave(box);
        if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "'__tostring' must return a text");
    } else {
        lua_pushstring(L, plain_text(L, index));
    }
    return lua_tolstring(L, -1, length);
}

static int to_string(lua_State *L) {
    luaL_checkany(L, 1);
    lib_base_text(L, 1, NULL);
    return 1;
}

static int type_of(lua_State *L) {
    luaL_checkany(L, 1);
    int type = lua_type(L, 1);
    if (type == LUA_TUSERDATA)
        lua_pushstring(L, plain_text(L, 1));
    else
        lua_pushvalue(
            L, lua_upvalueindex(type + 2)); /* light userdata is 2, nil 0; upvalues start at 1 */
    return 1;
}

static int print(lua_State *L) {
    struct sandbox *box = inner_box(L);
    int count = lua_gettop(L);
    for (int i = 1; i <= count; i++) {
        size_t length;
        const char *text = lib_base_text(L, i, &length);
        guard_charge(L, box, length / 16 + 10);
        if (i > 1) str_putc(&box->output, '\t');
        str_put(&box->output, text, length);
        lua_pop(L, 1);
    }
    str_putc(&box->output, '\n');
    if (box->output.cut) guard_kill(L, SANDBOX_OUTPUT);
    return 0;
}

/* Plain tables get the interpreter's own iterators, for which it has fast instructions. */
static int pairs(lua_State *L) {
    if (inner_tag(L, 1) == &record_tag) return record_pairs(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static int ipairs(lua_State *L) {
    if (inner_tag(L, 1) == &record_tag) return record_ipairs(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

static int raw_set(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 3);
    if (luaL_getmetafield(L, 1, "__metatable"))
        return luaL_error(L, "cannot change a protected table");
    if (lua_isnil(L, 2)) return luaL_error(L, "a table's key must not be nil");
    if (lua_type(L, 2) == LUA_TNUMBER && isnan(lua_tonumber(L, 2)))
        return luaL_error(L, "a table's key must be a number, got NaN");
    lua_settop(L, 3);
    lua_rawset(L, 1);
    return 1;
}

/* Like Lua's: [0,1), or a whole number in 1..m or m..n. */
static int random_number(lua_State *L) {
    struct sandbox *box = inner_box(L);
    int given = lua_gettop(L);
    if (given == 0) {
        lua_pushnumber(L, (double)(chance_next(&box->chance) >> 11) * 0x1p-53);
        return 1;
    }
    const int64_t most = (int64_t)INNER_EXACT_MOST;
    int64_t from = given == 1 ? 1 : bind_check_integer(L, 1, -most, most);
    int64_t to = bind_check_integer(L, given == 1 ? 1 : 2, -most, most);
    if (from > to) return luaL_error(L, "math.random: the interval is empty");
    lua_pushnumber(L,
                   (double)(from + (int64_t)chance_below(&box->chance, (uint64_t)(to - from) + 1)));
    return 1;
}

static void set_function(struct sandbox *box, const char *name, lua_CFunction function,
                         int upvalues) {
    lua_pushcclosure(box->L, function, upvalues);
    scope_set(box, name);
}

static void set_type(struct sandbox *box) {
    lua_State *L = box->L;
    for (int type = LUA_TNIL; type <= LUA_TFUNCTION; type++)
        lua_pushstring(L, type == LUA_TLIGHTUSERDATA ? "userdata" : lua_typename(L, type));
    lua_pushliteral(L, "userdata");
    lua_pushliteral(L, "thread");
    /* upvalue n is the name of type n - 2, so that none (-1) has a place too */
    lua_pushliteral(L, "none");
    lua_insert(L, -(LUA_TTHREAD + 2));
    set_function(box, "type", type_of, LUA_TTHREAD + 2);
}

void lib_base_open(struct sandbox *box) {
    lua_State *L = box->L;
    set_function(box, "pcall", protected_call, 0);
    set_function(box, "tostring", to_string, 0);
    set_function(box, "print", print, 0);
    set_function(box, "rawset", raw_set, 0);
    set_type(box);
    lua_getglobal(L, "next");
    set_function(box, "pairs", pairs, 1);
    lua_getglobal(L, "ipairs");
    lua_newtable(L);
    lua_call(L, 1, 1);
    set_function(box, "ipairs", ipairs, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, "lib.math");
    lua_pushcfunction(L, random_number);
    lua_setfield(L, -2, "random");
    lua_pop(L, 1);
}
