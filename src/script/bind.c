/* C functions and types of a room above, as scripts see them. */
#include "script/bind.h"
#include "script/inner.h"

#include <assert.h>
#include <string.h>

const struct bind_told *bind_told(const struct sandbox *box) { return box->told; }

void bind_tell(struct sandbox *box, enum bind_place place, const char *name,
               const struct bind_function *rows, size_t count) {
    for (size_t i = 0; i < count; i++)
        assert((rows[i].about || strncmp(rows[i].name, "__", 2) == 0) && "a row says what it is");
    struct bind_told *told = arena_alloc(&box->arena, sizeof *told);
    *told = (struct bind_told){box->told, place, name, NULL, rows, count};
    box->told = told;
}

void bind_about(struct sandbox *box, const char *about) {
    assert(box->told);
    box->told->about = about;
}

static void push_table(struct sandbox *box, const char *name, const struct bind_function *rows,
                       size_t count, void *host) {
    lua_State *L = box->L;
    lua_createtable(L, 0, (int)count);
    for (size_t i = 0; i < count; i++) {
        lua_pushlightuserdata(L, host);
        lua_pushcclosure(L, rows[i].call, 1);
        lua_setfield(L, -2, rows[i].name);
    }
    scope_freeze(L, name);
}

void bind_library(struct sandbox *box, const char *name, const struct bind_function *rows,
                  size_t count, void *host) {
    assert(!box->running);
    bind_tell(box, name ? BIND_LIBRARY : BIND_GLOBALS, name, rows, count);
    if (name) {
        push_table(box, name, rows, count, host);
        scope_set(box, name);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        lua_pushlightuserdata(box->L, host);
        lua_pushcclosure(box->L, rows[i].call, 1);
        scope_set(box, rows[i].name);
    }
}

void bind_module(struct sandbox *box, const char *name, const struct bind_function *rows,
                 size_t count, void *host) {
    assert(!box->running);
    bind_tell(box, BIND_MODULE, name, rows, count);
    lua_getfield(box->L, LUA_REGISTRYINDEX, "modules");
    push_table(box, name, rows, count, host);
    lua_setfield(box->L, -2, name);
    lua_pop(box->L, 1);
}

static int read_only(lua_State *L) {
    const struct tag *tag = inner_tag(L, 1);
    return luaL_error(L, "a %s cannot be changed", tag ? tag->name : "value");
}

const struct bind_type *bind_type(struct sandbox *box, const char *name,
                                  const struct bind_function *methods, size_t count, void *host) {
    lua_State *L = box->L;
    assert(!box->running);
    bind_tell(box, BIND_TYPE, name, methods, count);
    struct bind_type *type = arena_alloc(&box->arena, sizeof *type);
    type->tag.name = arena_text(&box->arena, name);
    type->next = box->types;
    box->types = type;
    lua_newtable(L);
    lua_newtable(L);
    for (size_t i = 0; i < count; i++) {
        bool meta = strncmp(methods[i].name, "__", 2) == 0;
        assert(strcmp(methods[i].name, "__gc") != 0 && "no hook runs in a finaliser");
        lua_pushlightuserdata(L, host);
        lua_pushcclosure(L, methods[i].call, 1);
        lua_setfield(L, meta ? -3 : -2, methods[i].name);
    }
    lua_pushliteral(L, "__index");
    lua_rawget(L, -3);
    bool own_index = !lua_isnil(L, -1);
    lua_pop(L, 1);
    if (own_index)
        lua_pop(L, 1);
    else
        lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, read_only);
    lua_setfield(L, -2, "__newindex");
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__metatable");
    type->meta_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return type;
}

void *bind_new(lua_State *L, const struct bind_type *type, size_t size) {
    const struct tag **object = lua_newuserdata(L, sizeof *object + size);
    *object = &type->tag;
    memset(object + 1, 0, size);
    lua_rawgeti(L, LUA_REGISTRYINDEX, type->meta_ref);
    lua_setmetatable(L, -2);
    return object + 1;
}

void *bind_check(lua_State *L, int index, const struct bind_type *type) {
    const struct tag **object = lua_touserdata(L, index);
    if (!object || *object != &type->tag)
        luaL_error(L, "argument %d must be a %s", index, type->tag.name);
    return object + 1;
}
