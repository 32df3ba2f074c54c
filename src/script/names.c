/* What a script can reach, told from the state itself, so that what is written about it can be held
 * against it. Only between calls: everything is read raw. */
#include "script/inner.h"

#include <stdlib.h>
#include <string.h>

#define LINES_MOST 2000

struct line {
    const char *path, *what;
};

struct names {
    struct sandbox *box;
    struct arena arena;
    struct line *lines;
    size_t count;
};

static void add(struct names *names, const char *prefix, const char *name, const char *what) {
    if (names->count == LINES_MOST) return;
    names->lines[names->count++] =
        (struct line){arena_printf(&names->arena, "%s%s", prefix, name), what};
}

static const char *what_is(lua_State *L, int index) {
    if (inner_tag(L, index) == &record_tag) return "record";
    if (lua_type(L, index) == LUA_TLIGHTUSERDATA) return "value";
    return luaL_typename(L, index);
}

/* The functions and values of the table on top. */
static void add_members(struct names *names, const char *prefix, const char *function) {
    lua_State *L = names->box->L;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        bool meta = lua_type(L, -2) != LUA_TSTRING || strncmp(lua_tostring(L, -2), "__", 2) == 0;
        if (!meta)
            add(names, prefix, lua_tostring(L, -2),
                lua_isfunction(L, -1) ? function : what_is(L, -1));
        lua_pop(L, 1);
    }
}

/* Replaces a frozen view on top by what it shows. */
static void thaw(lua_State *L) {
    if (!lua_istable(L, -1) || !lua_getmetatable(L, -1)) return;
    lua_pushliteral(L, "__index");
    lua_rawget(L, -2);
    if (lua_istable(L, -1)) {
        lua_replace(L, -3);
        lua_pop(L, 1);
    } else {
        lua_pop(L, 2);
    }
}

static void add_globals(struct names *names) {
    lua_State *L = names->box->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, names->box->environment_ref);
    if (names->box->sealed) thaw(L);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        const char *name = lua_tostring(L, -2);
        bool is_table = lua_istable(L, -1);
        add(names, "", name, is_table ? "library" : what_is(L, -1));
        thaw(L);
        if (is_table)
            add_members(names, arena_printf(&names->arena, "%s.", name), "function");
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static void add_methods(struct names *names, int meta_ref, const char *name) {
    lua_State *L = names->box->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, meta_ref);
    lua_pushliteral(L, "__index");
    lua_rawget(L, -2);
    if (lua_istable(L, -1))
        add_members(names, arena_printf(&names->arena, "%s:", name), "method");
    lua_pop(L, 2);
}

static void add_modules(struct names *names) {
    lua_State *L = names->box->L;
    for (const struct source *source = names->box->sources; source; source = source->next) {
        if (!source->name) continue;
        add(names, "require ", source->name, "module");
        if (source->state != SOURCE_DONE) continue;
        lua_rawgeti(L, LUA_REGISTRYINDEX, source->ref);
        if (lua_istable(L, -1))
            add_members(names, arena_printf(&names->arena, "require %s.", source->name),
                        "function");
        lua_pop(L, 1);
    }
    lua_getfield(L, LUA_REGISTRYINDEX, "modules"); /* of C functions */
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        const char *name = lua_tostring(L, -2);
        add(names, "require ", name, "module");
        thaw(L);
        add_members(names, arena_printf(&names->arena, "require %s.", name), "function");
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct line *)a)->path, ((const struct line *)b)->path);
}

static void tell(struct names *names, sandbox_name_fn each, void *context) {
    if (names->count) qsort(names->lines, names->count, sizeof *names->lines, by_path);
    for (size_t i = 0; i < names->count; i++)
        each(context, names->lines[i].path, names->lines[i].what);
    mem_free(names->lines);
    arena_free(&names->arena);
}

void sandbox_names(struct sandbox *box, sandbox_name_fn each, void *context) {
    struct names names = {.box = box,
                          .lines = mem_alloc(LINES_MOST * sizeof(struct line))};
    sandbox_done(box);
    arena_init(&names.arena, 16384);
    add_globals(&names);
    add_methods(&names, box->decimal_meta_ref, "decimal");
    for (const struct bind_type *type = box->types; type; type = type->next)
        add_methods(&names, type->meta_ref, type->tag.name);
    add_modules(&names);
    tell(&names, each, context);
}

static void add_fields(struct names *names, const struct sandbox_record *record,
                       const char *prefix) {
    static const char *const kinds[] = {"text",   "integer", "boolean", "decimal",
                                        "number", "record",  "list"};
    for (uint32_t i = 0; !record_is_list(record) && i < sandbox_count(record); i++) {
        enum sandbox_kind kind = record_kind(record, i);
        const char *name = record_name(record, i);
        add(names, prefix, name, kinds[kind]);
        if (kind < SANDBOX_KIND_RECORD) continue;
        const struct sandbox_record *child = sandbox_child(record, i);
        bool list = kind == SANDBOX_KIND_LIST;
        if (list) child = record_first_child(child);
        if (child)
            add_fields(names, child,
                       arena_printf(&names->arena, "%s%s%s.", prefix, name, list ? "[]" : ""));
    }
}

void sandbox_record_names(const struct sandbox_record *record, const char *prefix,
                          sandbox_name_fn each, void *context) {
    struct names names = {.lines = mem_alloc(LINES_MOST * sizeof(struct line))};
    arena_init(&names.arena, 16384);
    add_fields(&names, record, prefix);
    tell(&names, each, context);
}
