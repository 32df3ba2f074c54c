/* Text under construction for string functions: small ones on the C stack, larger ones in the box's
 * heap, none beyond 1 MiB. */
#include "script/inner.h"

#include <string.h>

void grow_open(struct grow *grow, lua_State *L) {
    luaL_checkstack(L, 6, "too many values");
    lua_pushnil(L);
    grow->L = L;
    grow->slot = lua_gettop(L);
    grow->data = grow->first;
    grow->length = 0;
    grow->room = sizeof grow->first;
}

char *grow_room(struct grow *grow, size_t length) {
    lua_State *L = grow->L;
    if (length > INNER_STRING_MOST - grow->length)
        luaL_error(L, "the text would be longer than %d bytes", (int)INNER_STRING_MOST);
    size_t need = grow->length + length;
    if (need > grow->room) {
        size_t room = grow->room * 2;
        while (room < need) room *= 2;
        guard_charge(L, inner_box(L), room / 64);
        char *data = lua_newuserdata(L, room);
        memcpy(data, grow->data, grow->length);
        lua_replace(L, grow->slot);
        grow->data = data;
        grow->room = room;
    }
    return grow->data + grow->length;
}

void grow_add(struct grow *grow, const char *bytes, size_t length) {
    if (length == 0) return;
    memcpy(grow_room(grow, length), bytes, length);
    grow->length += length;
}

void grow_add_value(struct grow *grow, int index) {
    lua_State *L = grow->L;
    size_t length;
    int type = lua_type(L, index);
    if (type != LUA_TSTRING && type != LUA_TNUMBER && inner_tag(L, index) != &number_decimal_tag)
        luaL_error(L, "expected a text or a number, got %s", luaL_typename(L, index));
    const char *text = lib_base_text(L, index, &length);
    grow_add(grow, text, length);
    lua_pop(L, 1);
}

int grow_finish(struct grow *grow) {
    guard_charge(grow->L, inner_box(grow->L), grow->length / 64);
    lua_pushlstring(grow->L, grow->data, grow->length);
    return 1;
}
