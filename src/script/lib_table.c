/* table.insert and remove within the list (the interpreter's own walk from any place it is told,
 * 2^31 of them), concat and a stable sort, all bounded. concat and unpack read frozen lists too. */
#include "script/inner.h"

#include <math.h>

#define SORT_MOST 20000
#define UNPACK_MOST 7000

/* Pushes element `place` (from 1) of the table or frozen list at `index`. */
static void push_element(lua_State *L, int index, int place) {
    struct sandbox_record *list = bind_record(L, index);
    if (!list) {
        lua_rawgeti(L, index, place);
    } else if (place >= 1 && place <= (int)sandbox_count(list)) {
        record_push_element(L, list, (uint32_t)place - 1);
    } else {
        lua_pushnil(L);
    }
}

static int length_of(lua_State *L, int index) {
    struct sandbox_record *list = bind_record(L, index);
    if (list && record_is_list(list)) return (int)sandbox_count(list);
    luaL_checktype(L, index, LUA_TTABLE);
    return (int)lua_objlen(L, index);
}

static int concat(lua_State *L) {
    size_t separator_length;
    int last = length_of(L, 1);
    const char *separator = luaL_optlstring(L, 2, "", &separator_length);
    double from = luaL_optnumber(L, 3, 1), to = luaL_optnumber(L, 4, last);
    if (!(fabs(from) < 1e9) || !(fabs(to) < 1e9))
        return luaL_error(L, "concat: a bound is out of range");
    struct sandbox *box = inner_box(L);
    struct grow grow;
    grow_open(&grow, L);
    int base = lua_gettop(L);
    for (int i = (int)from; i <= (int)to; i++) {
        guard_charge(L, box, 4);
        push_element(L, 1, i);
        int type = lua_type(L, -1);
        if (type != LUA_TSTRING && type != LUA_TNUMBER && inner_tag(L, -1) != &number_decimal_tag)
            return luaL_error(L, "concat: element %d is a %s, not a text or a number", i,
                              luaL_typename(L, -1));
        grow_add_value(&grow, -1);
        if (i < (int)to) grow_add(&grow, separator, separator_length);
        lua_settop(L, base);
    }
    return grow_finish(&grow);
}

/* The place an argument names, from 1 to most. */
static int place_at(lua_State *L, int index, int most) {
    double place = luaL_checknumber(L, index);
    if (!(place >= 1 && place <= (double)most))
        luaL_error(L, "argument %d: the place must be from 1 to %d", index, most);
    return (int)place;
}

static int plain_length(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    if (luaL_getmetafield(L, 1, "__metatable")) luaL_error(L, "cannot change a protected table");
    return (int)lua_objlen(L, 1);
}

static int insert(lua_State *L) {
    int given = lua_gettop(L), last = plain_length(L) + 1, place = last;
    if (given != 2 && given != 3)
        return luaL_error(L, "insert takes a table, perhaps a place, and a value");
    if (given == 3) place = place_at(L, 2, last);
    guard_charge(L, inner_box(L), (uint64_t)(last - place) * 2);
    for (int i = last; i > place; i--) {
        lua_rawgeti(L, 1, i - 1);
        lua_rawseti(L, 1, i);
    }
    lua_pushvalue(L, given);
    lua_rawseti(L, 1, place);
    return 0;
}

static int take_out(lua_State *L) {
    int last = plain_length(L);
    lua_settop(L, 2);
    if (last == 0) return 0;
    int place = lua_isnil(L, 2) ? last : place_at(L, 2, last);
    guard_charge(L, inner_box(L), (uint64_t)(last - place) * 2);
    lua_rawgeti(L, 1, place);
    for (int i = place; i < last; i++) {
        lua_rawgeti(L, 1, i + 1);
        lua_rawseti(L, 1, i);
    }
    lua_pushnil(L);
    lua_rawseti(L, 1, last);
    return 1;
}

/* unpack(list [, from [, to]]), of frozen lists too. */
static int unpack(lua_State *L) {
    double from = luaL_optnumber(L, 2, 1),
           to = lua_isnoneornil(L, 3) ? length_of(L, 1) : luaL_checknumber(L, 3);
    if (!bind_record(L, 1)) luaL_checktype(L, 1, LUA_TTABLE);
    if (from > to) return 0;
    if (!(fabs(from) < 1e9) || !(to - from < UNPACK_MOST))
        return luaL_error(L, "unpack: at most %d values", UNPACK_MOST);
    int count = (int)to - (int)from + 1;
    guard_charge(L, inner_box(L), (uint64_t)count / 2);
    luaL_checkstack(L, count + 4, "unpack: too many values");
    for (int i = 0; i < count; i++) push_element(L, 1, (int)from + i);
    return count;
}

/* Slots during a sort: 1 the table, 2 the comparator or nil, 3 a table of equal size to merge into.
 */
static bool comes_before(lua_State *L, int a, int b) {
    if (lua_isnil(L, 2)) {
        if (lua_type(L, a) == LUA_TSTRING && lua_type(L, b) == LUA_TSTRING)
            guard_charge(L, inner_box(L), (lua_objlen(L, a) + lua_objlen(L, b)) / 64);
        return lua_lessthan(L, a, b);
    }
    lua_pushvalue(L, 2);
    lua_pushvalue(L, a);
    lua_pushvalue(L, b);
    lua_call(L, 2, 1);
    bool before = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return before;
}

/* Merges from[low..middle) and from[middle..high) into to[low..high); places from 1. */
static void merge(lua_State *L, int from, int to, int low, int middle, int high) {
    struct sandbox *box = inner_box(L);
    int left = low, right = middle;
    for (int out = low; out < high; out++) {
        guard_charge(L, box, 6);
        if (left < middle && right < high) {
            lua_rawgeti(L, from, left);
            lua_rawgeti(L, from, right);
            int top = lua_gettop(L);
            bool take_right = comes_before(L, top, top - 1);
            if (take_right)
                right++;
            else
                left++;
            if (!take_right) lua_pop(L, 1);
            lua_rawseti(L, to, out);
            lua_settop(L, 3);
        } else {
            lua_rawgeti(L, from, left < middle ? left++ : right++);
            lua_rawseti(L, to, out);
        }
    }
}

static int smaller(int a, int b) { return a < b ? a : b; }

/* Stable, with a bound on comparisons whatever the comparator answers. */
static int sort(lua_State *L) {
    struct sandbox *box = inner_box(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    int count = (int)lua_objlen(L, 1);
    if (count > SORT_MOST)
        return luaL_error(L, "sort: at most %d elements, got %d", SORT_MOST, count);
    guard_enter(L, box, box->limits.depth);
    lua_createtable(L, count, 0);
    int from = 1, to = 3;
    for (int width = 1; width < count; width *= 2) {
        for (int low = 0; low < count; low += 2 * width)
            merge(L, from, to, low + 1, smaller(low + width, count) + 1,
                  smaller(low + 2 * width, count) + 1);
        int swap = from;
        from = to;
        to = swap;
    }
    if (from != 1) {
        guard_charge(L, box, (uint64_t)count);
        for (int i = 1; i <= count; i++) {
            lua_rawgeti(L, 3, i);
            lua_rawseti(L, 1, i);
        }
    }
    guard_leave(box);
    return 0;
}

void lib_table_open(struct sandbox *box) {
    static const struct bind_function rows[] = {
        {"concat", concat, NULL},
        {"insert", insert, NULL},
        {"remove", take_out, NULL},
        {"sort", sort, NULL}};
    lua_State *L = box->L;
    lua_getfield(L, LUA_REGISTRYINDEX, "lib.table");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lua_pushcfunction(L, rows[i].call);
        lua_setfield(L, -2, rows[i].name);
    }
    lua_pop(L, 1);
    lua_pushcfunction(L, unpack);
    scope_set(box, "unpack");
}
