/* The texts a box knows: what was loaded (kept for quoting lines in errors) and what `require` may
 * find. A script reaches exactly the modules the host handed in, each run once, under the budget of
 * the call that asks first. */
#include "script/remote.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define NAME_MOST 100

const struct source *modules_of_chunk(const struct sandbox *box, const char *chunk) {
    for (const struct source *source = box->sources; source; source = source->next)
        if (strcmp(source->chunk, chunk) == 0) return source;
    return NULL;
}

struct source *modules_keep(struct sandbox *box, const char *name, const char *chunk,
                            const char *text, size_t length) {
    struct source *source = name ? NULL : (struct source *)modules_of_chunk(box, chunk);
    if (!source || source->name) {
        source = mem_alloc(sizeof *source);
        source->chunk = mem_copy_text(chunk);
        source->name = name ? mem_copy_text(name) : NULL;
        source->next = box->sources;
        box->sources = source;
    }
    mem_free(source->text);
    source->text = mem_alloc(length + 1);
    memcpy(source->text, text, length);
    source->length = length;
    return source;
}

static struct source *find(struct sandbox *box, const char *name) {
    for (struct source *source = box->sources; source; source = source->next)
        if (source->name && strcmp(source->name, name) == 0) return source;
    return NULL;
}

void modules_unwind(struct sandbox *box, uint32_t depth) {
    for (struct source *source = box->sources; source; source = source->next)
        if (source->state == SOURCE_RUNNING && source->depth > depth) source->state = SOURCE_NEW;
}

static void raise_cycle(lua_State *L, struct sandbox *box, const char *name) {
    char path[256];
    size_t used = 0;
    path[0] = '\0';
    for (uint32_t depth = 0; depth <= box->limits.depth; depth++) {
        for (struct source *source = box->sources; source; source = source->next) {
            if (source->state != SOURCE_RUNNING || source->depth != depth) continue;
            int length = snprintf(path + used, sizeof path - used, "%s -> ", source->name);
            if (length > 0 && (size_t)length < sizeof path - used)
                used += (size_t)length;
            else
                path[used] = '\0';
        }
    }
    luaL_error(L, "modules require each other in a circle: %s%s", path, name);
}

static int require(lua_State *L) {
    struct sandbox *box = inner_box(L);
    const char *name = luaL_checkstring(L, 1);
    lua_pushvalue(L, 1); /* modules of C functions are simply values by name */
    lua_rawget(L, lua_upvalueindex(1));
    if (!lua_isnil(L, -1)) return 1;
    struct source *source = find(box, name);
    if (!source)
        return luaL_error(
            L,
            "there is no module '%s': require finds only the strategy's own files and the stock "
            "library",
            name);
    if (source->state == SOURCE_RUNNING) raise_cycle(L, box, name);
    if (source->state == SOURCE_NEW) {
        lua_settop(L, 1);
        int status = text_load(L, source->text, source->length,
                               lua_pushfstring(L, "@%s", source->chunk));
        if (box->end != SANDBOX_OK) guard_kill(L, box->end);
        if (status != 0) return lua_error(L);
        guard_enter(L, box, box->limits.depth);
        source->state = SOURCE_RUNNING;
        source->depth = box->depth;
        lua_pushvalue(L, 1);
        lua_call(L, 1, 1);
        guard_leave(box);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            lua_pushboolean(L, 1);
        }
        source->ref = luaL_ref(L, LUA_REGISTRYINDEX);
        source->state = SOURCE_DONE;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, source->ref);
    return 1;
}

bool sandbox_add_module(struct sandbox *box, const char *name, const char *source, size_t length,
                        const char *chunk) {
    assert(name && source && chunk && !box->running);
    if (box->remote) return remote_module(box, name, source, length, chunk);
    if (!*name || strlen(name) > NAME_MOST)
        return fault_misuse(box, "'%.100s' cannot be a module's name", name);
    if (find(box, name)) return fault_misuse(box, "there are two modules named '%s'", name);
    if (length > box->limits.source_bytes)
        return fault_misuse(box, "%s is %zu bytes long; a file may have %zu", chunk, length,
                            box->limits.source_bytes);
    modules_keep(box, name, chunk, source, length);
    return true;
}

void modules_open(struct sandbox *box) {
    lua_State *L = box->L;
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, "modules");
    lua_pushcclosure(L, require, 1);
    scope_set(box, "require");
}

void modules_free(struct sandbox *box) {
    while (box->sources) {
        struct source *source = box->sources;
        box->sources = source->next;
        mem_free(source->name);
        mem_free(source->chunk);
        mem_free(source->text);
        mem_free(source);
    }
}
