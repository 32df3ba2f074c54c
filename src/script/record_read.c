/* How scripts read the host's facts: through a shadow that holds what was read before. */
#include "script/record.h"

#define PATIENCE_MOST 5

/* Pushes a Lua value of the slot, made anew. `meta` is where the decimals' metatable stands. */
static int push_slot(lua_State *L, const struct slot *slot, int meta) {
    if (!slot->present) {
        lua_pushnil(L);
        return 1;
    }
    switch (slot->kind) {
    case SANDBOX_KIND_DECIMAL: return number_push(L, (struct decimal){slot->units}, meta);
    case SANDBOX_KIND_TEXT: lua_pushlstring(L, slot->text.bytes, slot->text.length); return 1;
    case SANDBOX_KIND_BOOLEAN: lua_pushboolean(L, slot->boolean); return 1;
    case SANDBOX_KIND_NUMBER: lua_pushnumber(L, slot->number); return 1;
    case SANDBOX_KIND_RECORD:
    case SANDBOX_KIND_LIST: lua_rawgeti(L, LUA_REGISTRYINDEX, slot->child->ref); return 1;
    case SANDBOX_KIND_INTEGER: break;
    }
    if (slot->integer > (int64_t)INNER_EXACT_MOST || slot->integer < -(int64_t)INNER_EXACT_MOST)
        return number_push(L, decimal_int(slot->integer), meta);
    lua_pushnumber(L, (double)slot->integer);
    return 1;
}

static int push_place(lua_State *L, const struct sandbox_record *record, uint32_t place) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, record->box->decimal_meta_ref);
    push_slot(L, &record->slots[place], lua_gettop(L));
    lua_replace(L, -2);
    return 1;
}

void record_push_element(lua_State *L, const struct sandbox_record *record, uint32_t field) {
    push_place(L, record, field);
}

static int missing(lua_State *L, const struct sandbox_record *record) {
    const char *name = lua_tostring(L, 2);
    if (record->layout && !record->layout->lenient)
        return luaL_error(L, "%s has no field '%s'", record->name, name ? name : "?");
    lua_pushnil(L);
    return 1;
}

/* What a shadow does not hold; argument 1 is the shadow, argument 2 the key. Upvalues: the
 * decimals' metatable, the record. */
static int read_field(lua_State *L) {
    struct sandbox_record *record = lua_touserdata(L, lua_upvalueindex(2));
    uint32_t place = UINT32_MAX;
    if (record->layout) {
        const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
        const struct key *key = name ? layout_key(record->layout, name) : NULL;
        if (key) place = key->place;
    } else if (lua_type(L, 2) == LUA_TNUMBER) {
        double number = lua_tonumber(L, 2) - 1;
        if (number >= 0 && number < record->count && number == (double)(uint32_t)number)
            place = (uint32_t)number;
    }
    if (place == UINT32_MAX) return missing(L, record);
    struct slot *slot = &record->slots[place];
    push_slot(L, slot, lua_upvalueindex(1));
    if (!slot->present) return 1;
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    slot->shadowed = true;
    slot->remade = 0;
    bool soon = slot->dropped == (uint32_t)record->box->calls; /* it should not have been */
    if (soon ? slot->patience < PATIENCE_MOST : slot->patience > 0) slot->patience += soon ? 1 : -1;
    return 1;
}

/* Puts the shadows right after what the host has set, before a script runs. */
void record_refresh(struct sandbox *box) {
    lua_State *L = box->L;
    if (box->stale_count == 0) return;
    lua_checkstack(L, 8);
    lua_rawgeti(L, LUA_REGISTRYINDEX, box->decimal_meta_ref);
    int meta = lua_gettop(L);
    const struct sandbox_record *last = NULL;
    for (size_t i = 0; i < box->stale_count; i++) {
        const struct sandbox_record *record = box->stale[i].record;
        uint32_t place = box->stale[i].place;
        struct slot *slot = &record->slots[place];
        if (record != last) {
            lua_settop(L, meta);
            lua_rawgeti(L, LUA_REGISTRYINDEX, record->shadow_ref);
            last = record;
        }
        slot->noted = false;
        bool keep = slot->remade++ < 1 << slot->patience;
        slot->shadowed = slot->present && place < record->count && keep;
        if (!slot->shadowed) slot->dropped = (uint32_t)box->calls;
        if (record->layout) lua_rawgeti(L, LUA_REGISTRYINDEX, record->layout->name_refs[place]);
        if (slot->shadowed)
            push_slot(L, slot, meta);
        else
            lua_pushnil(L);
        if (record->layout)
            lua_rawset(L, meta + 1);
        else
            lua_rawseti(L, meta + 1, (int)place + 1);
    }
    lua_settop(L, meta - 1);
    box->stale_count = 0;
}

static int write_field(lua_State *L) {
    const struct sandbox_record *record = record_of(L, 1);
    if (lua_type(L, 2) == LUA_TSTRING)
        return luaL_error(L,
                          "cannot change '%s.%s': facts are frozen; copy what you want to change",
                          record->name, lua_tostring(L, 2));
    return luaL_error(
        L, "cannot change an element of '%s': facts are frozen; copy what you want to change",
        record->name);
}

static int length_of(lua_State *L) {
    const struct sandbox_record *record = record_of(L, 1);
    lua_pushinteger(L, record->layout ? 0 : (lua_Integer)record->count);
    return 1;
}

static int next_field(lua_State *L) { /* upvalues: the record, the place */
    struct sandbox_record *record = record_of(L, lua_upvalueindex(1));
    uint32_t place = (uint32_t)lua_tointeger(L, lua_upvalueindex(2));
    while (place < record->count && !record->slots[place].present) place++;
    if (place >= record->count) return 0;
    lua_pushinteger(L, (lua_Integer)place + 1);
    lua_replace(L, lua_upvalueindex(2));
    lua_settop(L, 0);
    if (record->layout)
        lua_pushstring(L, record->layout->names[place]);
    else
        lua_pushinteger(L, (lua_Integer)place + 1);
    push_place(L, record, place);
    return 2;
}

int record_pairs(lua_State *L) {
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_field, 2);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static int next_element(lua_State *L) {
    if (inner_tag(L, 1) != &record_tag) return luaL_error(L, "this walk is for a frozen list");
    struct sandbox_record *record = record_of(L, 1);
    lua_Integer place = lua_tointeger(L, 2);
    if (record->layout || place < 0 || place >= (lua_Integer)record->count ||
        !record->slots[place].present)
        return 0;
    lua_pushinteger(L, place + 1);
    push_place(L, record, (uint32_t)place);
    return 2;
}

int record_ipairs(lua_State *L) {
    lua_pushcfunction(L, next_element);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

void record_push_meta(lua_State *L, struct sandbox_record *record) {
    struct sandbox *box = record->box;
    bool is_list = record_is_list(record);
    lua_createtable(L, 0, 4);
    lua_createtable(L, is_list ? (int)record->most + 1 : 0, is_list ? 0 : (int)record->most);
    lua_createtable(L, 0, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, box->decimal_meta_ref);
    lua_pushlightuserdata(L, record);
    lua_pushcclosure(L, read_field, 2);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    record->shadow_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, write_field);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, length_of);
    lua_setfield(L, -2, "__len");
    lua_pushliteral(L, "frozen");
    lua_setfield(L, -2, "__metatable");
}
