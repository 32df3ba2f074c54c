/* string.find, match, gmatch and gsub over the bounded matcher. */
#include "script/inner.h"

#include <string.h>

#define GSUB_DEPTH 20
#define SPECIALS "^$*+?.([%-"

static bool has_specials(lua_State *L, const char *text, size_t length) {
    guard_charge(L, inner_box(L), length / 8);
    for (size_t i = 0; i < length; i++)
        if (text[i] && strchr(SPECIALS, text[i])) return true;
    return false;
}

/* Lua's start position: from 1, negative from the end; as an offset, at most length + 1. */
static size_t start_offset(lua_State *L, int index, size_t length) {
    double at = luaL_optnumber(L, index, 1);
    if (at < 0) at += (double)length + 1;
    if (!(at >= 1)) return 0; /* NaN too */
    return at > (double)length + 1 ? length + 1 : (size_t)at - 1;
}

static int find_plain(lua_State *L, const char *text, size_t length, const char *what,
                      size_t what_length, size_t from) {
    guard_charge(L, inner_box(L), (length - from + what_length) / 32);
    const char *found =
        what_length ? memmem(text + from, length - from, what, what_length) : text + from;
    if (!found) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, found - text + 1);
    lua_pushinteger(L, found - text + (ptrdiff_t)what_length);
    return 2;
}

static int search(lua_State *L, bool find) {
    size_t length, pattern_length;
    const char *text = luaL_checklstring(L, 1, &length);
    const char *what = luaL_checklstring(L, 2, &pattern_length);
    size_t from = start_offset(L, 3, length);
    if (from > length) {
        lua_pushnil(L);
        return 1;
    }
    if (find && (lua_toboolean(L, 4) || !has_specials(L, what, pattern_length)))
        return find_plain(L, text, length, what, pattern_length, from);
    bool anchored = pattern_length > 0 && *what == '^';
    struct pattern pattern;
    pattern_open(&pattern, L, text, length, what + anchored, pattern_length - anchored);
    for (const char *at = text + from; at <= text + length; at++) {
        const char *end = pattern_match(&pattern, at);
        if (end) {
            if (!find) return pattern_push_captures(&pattern, at, end);
            lua_pushinteger(L, at - text + 1);
            lua_pushinteger(L, end - text);
            return 2 + pattern_push_captures(&pattern, NULL, NULL);
        }
        if (anchored) break;
    }
    lua_pushnil(L);
    return 1;
}

static int find(lua_State *L) { return search(L, true); }
static int match(lua_State *L) { return search(L, false); }

static int next_match(lua_State *L) { /* upvalues: text, pattern, offset */
    size_t length, pattern_length;
    const char *text = lua_tolstring(L, lua_upvalueindex(1), &length);
    const char *what = lua_tolstring(L, lua_upvalueindex(2), &pattern_length);
    struct pattern pattern;
    pattern_open(&pattern, L, text, length, what, pattern_length);
    for (const char *at = text + lua_tointeger(L, lua_upvalueindex(3)); at <= text + length; at++) {
        const char *end = pattern_match(&pattern, at);
        if (!end) continue;
        lua_pushinteger(L, end - text + (end == at)); /* an empty match moves on by itself */
        lua_replace(L, lua_upvalueindex(3));
        return pattern_push_captures(&pattern, at, end);
    }
    lua_pushinteger(L, (lua_Integer)length + 1);
    lua_replace(L, lua_upvalueindex(3));
    return 0;
}

static int gmatch(lua_State *L) {
    luaL_checkstring(L, 1);
    luaL_checkstring(L, 2);
    lua_settop(L, 2);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_match, 3);
    return 1;
}

static void add_template(struct grow *grow, struct pattern *pattern, const char *start,
                         const char *end) {
    lua_State *L = grow->L;
    size_t length;
    const char *with = lua_tolstring(L, 3, &length);
    guard_charge(L, pattern->box, length / 4);
    for (size_t i = 0; i < length; i++) {
        if (with[i] != '%') {
            grow_add(grow, with + i, 1);
            continue;
        }
        i++;
        if (i < length && with[i] >= '0' && with[i] <= '9') {
            if (with[i] == '0') {
                grow_add(grow, start, (size_t)(end - start));
                continue;
            }
            guard_charge(L, pattern->box, 10);
            pattern_push_capture(pattern, with[i] - '1', start, end);
            grow_add_value(grow, -1);
            lua_pop(L, 1);
        } else if (i < length && with[i] == '%') {
            grow_add(grow, "%", 1);
        } else {
            luaL_error(L, "in the replacement a '%%' must be followed by a digit or '%%'");
        }
    }
}

static void add_replacement(struct grow *grow, struct pattern *pattern, const char *start,
                            const char *end) {
    lua_State *L = grow->L;
    int type = lua_type(L, 3);
    if (type == LUA_TSTRING || type == LUA_TNUMBER) {
        add_template(grow, pattern, start, end);
        return;
    }
    guard_enter(L, pattern->box, GSUB_DEPTH);
    if (type == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        lua_call(L, pattern_push_captures(pattern, start, end), 1);
    } else {
        pattern_push_capture(pattern, 0, start, end);
        lua_gettable(L, 3);
    }
    guard_leave(pattern->box);
    if (lua_toboolean(L, -1))
        grow_add_value(grow, -1);
    else
        grow_add(grow, start, (size_t)(end - start));
    lua_pop(L, 1);
}

static int gsub(lua_State *L) {
    size_t length, pattern_length;
    const char *text = luaL_checklstring(L, 1, &length);
    const char *what = luaL_checklstring(L, 2, &pattern_length);
    int type = lua_type(L, 3);
    if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TFUNCTION && type != LUA_TTABLE)
        return luaL_error(L, "argument 3 of gsub must be a text, a table or a function, got %s",
                          luaL_typename(L, 3));
    double most = luaL_optnumber(L, 4, (double)length + 1);
    bool anchored = pattern_length > 0 && *what == '^';
    struct pattern pattern;
    struct grow grow;
    grow_open(&grow, L);
    pattern_open(&pattern, L, text, length, what + anchored, pattern_length - anchored);
    lua_Integer count = 0;
    const char *at = text;
    while ((double)count < most) {
        const char *end = pattern_match(&pattern, at);
        if (end) {
            count++;
            add_replacement(&grow, &pattern, at, end);
        }
        if (end && end > at)
            at = end;
        else if (at < text + length)
            grow_add(&grow, at++, 1);
        else
            break;
        if (anchored) break;
    }
    grow_add(&grow, at, (size_t)(text + length - at));
    grow_finish(&grow);
    lua_pushinteger(L, count);
    return 2;
}

void lib_pattern_open(struct sandbox *box) {
    static const struct bind_function rows[] = {
        {"find", find, NULL},
        {"match", match, NULL},
        {"gmatch", gmatch, NULL},
        {"gsub", gsub, NULL}};
    lua_State *L = box->L;
    lua_getfield(L, LUA_REGISTRYINDEX, "lib.string");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lua_pushcfunction(L, rows[i].call);
        lua_setfield(L, -2, rows[i].name);
    }
    lua_pop(L, 1);
}
