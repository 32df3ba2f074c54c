/* The names a script sees: a fresh globals table holding only what this room puts there, libraries
 * behind frozen views, and a clear word about everything that a Lua author may look for and not
 * find.
 *
 * After the seal the globals table is empty and its contents stand behind it, so that every
 * assignment meets __newindex. Scripts have no way to name the table itself (no _G, getfenv,
 * debug), so raw access cannot pass around that. */
#include "script/remote.h"

#include <assert.h>
#include <lualib.h>
#include <string.h>

static int undeclared(lua_State *L) {
    const char *name = lua_tostring(L, 2);
    if (!name) return luaL_error(L, "a global's name must be a text");
    const char *advice = withheld_advice(name);
    if (advice) return luaL_error(L, "'%s' is not available: %s", name, advice);
    return luaL_error(L, "variable '%s' is not declared", name);
}

static int locked(lua_State *L) {
    const char *name = lua_tostring(L, 2);
    return luaL_error(
        L,
        "cannot set global '%s': globals are locked once a script is loaded; declare it with "
        "'local'",
        name ? name : "?");
}

static int frozen_view(lua_State *L) {
    return luaL_error(L, "cannot change '%s.%s': the library is frozen",
                      lua_tostring(L, lua_upvalueindex(1)),
                      lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?");
}

void scope_freeze(lua_State *L, const char *name) {
    lua_newtable(L);
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, name);
    lua_pushcclosure(L, frozen_view, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushliteral(L, "frozen");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_replace(L, -2);
}

void scope_set(struct sandbox *box, const char *name) {
    lua_State *L = box->L;
    assert(!box->sealed && "globals are set before the seal");
    lua_rawgeti(L, LUA_REGISTRYINDEX, box->environment_ref);
    lua_insert(L, -2);
    lua_pushstring(L, name);
    lua_insert(L, -2);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

/* From the interpreter's own libraries: constant-time functions, and functions in proportion to one
 * object. */
static const char *const kept_base[] = {"assert", "error",  "getmetatable", "next",     "rawequal",
                                        "rawget", "select", "setmetatable", "tonumber", NULL};
static const char *const kept_string[] = {"byte",    "char", "len",   "lower",
                                          "reverse", "sub",  "upper", NULL};
static const char *const kept_table[] = {"maxn", NULL};
static const char *const kept_math[] = {
    "abs",   "acos", "asin",  "atan", "atan2", "ceil", "cos",   "cosh", "deg", "exp",
    "floor", "fmod", "frexp", "huge", "ldexp", "log",  "log10", "max",  "min", "modf",
    "pi",    "pow",  "rad",   "sin",  "sinh",  "sqrt", "tan",   "tanh", NULL};
static const char *const kept_bit[] = {"arshift", "band",   "bnot", "bor", "bswap",
                                       "bxor",    "lshift", "rol",  "ror", "rshift",
                                       "tobit",   "tohex",  NULL};

/* Leaves a table with only the kept names of the table on top, in place of it. */
static void keep_only(lua_State *L, const char *const *names) {
    lua_newtable(L);
    for (; *names; names++) {
        lua_getfield(L, -2, *names);
        assert(!lua_isnil(L, -1));
        lua_setfield(L, -2, *names);
    }
    lua_replace(L, -2);
}

static void open_library(lua_State *L, lua_CFunction open, const char *name) {
    lua_pushcfunction(L, open);
    lua_pushstring(L, name);
    lua_call(L, 1, 0);
}

/* Raw tables of the curated libraries wait in the registry under "lib.<name>" for the files that
 * add to them. */
static void stash(lua_State *L, const char *name, const char *const *kept) {
    lua_getglobal(L, name);
    keep_only(L, kept);
    lua_pushfstring(L, "lib.%s", name);
    lua_insert(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
}

static void lock_strings(lua_State *L) {
    lua_pushliteral(L, "");
    lua_createtable(L, 0, 2);
    lua_getfield(L, LUA_REGISTRYINDEX, "lib.string");
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "string");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

static void wipe(lua_State *L, int index) {
    lua_pushvalue(L, index);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, -4); /* clearing while walking is allowed */
    }
    lua_pop(L, 1);
}

static void publish(struct sandbox *box, const char *name) {
    lua_State *L = box->L;
    lua_pushfstring(L, "lib.%s", name);
    lua_rawget(L, LUA_REGISTRYINDEX);
    scope_freeze(L, name);
    scope_set(box, name);
}

static void open_environment(struct sandbox *box) {
    lua_State *L = box->L;
    lua_newtable(L);
    lua_createtable(L, 0, 4);
    lua_pushcfunction(L, undeclared);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "globals");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    box->environment_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    for (const char *const *name = kept_base; *name; name++) {
        lua_getglobal(L, *name);
        scope_set(box, *name);
    }
    lua_pushliteral(L, "Lua 5.1");
    scope_set(box, "_VERSION");
    lua_pop(L, 1);
}

void scope_open(struct sandbox *box) {
    lua_State *L = box->L;
    open_library(L, luaopen_base, "");
    open_library(L, luaopen_string, LUA_STRLIBNAME);
    open_library(L, luaopen_table, LUA_TABLIBNAME);
    open_library(L, luaopen_math, LUA_MATHLIBNAME);
    open_library(L, luaopen_bit, LUA_BITLIBNAME);
    stash(L, "string", kept_string);
    stash(L, "table", kept_table);
    stash(L, "math", kept_math);
    stash(L, "bit", kept_bit);
    open_environment(box);
    lib_base_open(box);
    modules_open(box);
    lock_strings(L);
    lib_string_open(box);
    lib_pattern_open(box);
    lib_table_open(box);
    number_open(box);
    record_open(box);
    lib_json_open(box);
    static const char *const shown[] = {"string", "table", "math", "bit"};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) publish(box, shown[i]);
    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    wipe(L, lua_gettop(L));
    lua_pop(L, 1);
    wipe(L, LUA_GLOBALSINDEX);
    lua_rawgeti(L, LUA_REGISTRYINDEX, box->environment_ref);
    lua_replace(L, LUA_GLOBALSINDEX);
}

void sandbox_seal(struct sandbox *box) {
    lua_State *L = box->L;
    assert(!box->running);
    if (box->sealed) return;
    if (box->remote) {
        remote_op(box, OP_SEAL);
        box->sealed = true;
        return;
    }
    int top = lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, box->environment_ref);
    lua_newtable(L); /* what stands behind */
    lua_pushnil(L);
    while (lua_next(L, -3)) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
    wipe(L, top + 1);
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, undeclared);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_createtable(L, 0, 4);
    lua_insert(L, -2);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, locked);
    lua_setfield(L, -2, "__newindex");
    lua_pushliteral(L, "globals");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_settop(L, top);
    box->sealed = true;
}
