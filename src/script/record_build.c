/* Records are built once, from shapes, and live as long as their box. */
#include "script/record.h"

#include <assert.h>

void record_open(struct sandbox *box) {
    lua_newtable(box->L);
    box->keys_ref = luaL_ref(box->L, LUA_REGISTRYINDEX);
}

/* The address of the interned text, which stays as long as the box because the keys table holds it.
 */
static const char *intern(struct sandbox *box, const char *name) {
    lua_State *L = box->L;
    lua_checkstack(L, 4);
    lua_rawgeti(L, LUA_REGISTRYINDEX, box->keys_ref);
    lua_pushstring(L, name);
    const char *interned = lua_tostring(L, -1);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    return interned;
}

/* In the host's half of a box only the fields' places are known. */
static const struct layout *no_layout(struct sandbox *box, const struct sandbox_shape *shape) {
    struct layout *layout = arena_alloc(&box->arena, sizeof *layout);
    layout->name = arena_text(&box->arena, shape->name);
    return layout;
}

static const struct layout *make_layout(struct sandbox *box, const struct sandbox_shape *shape) {
    if (box->remote) return no_layout(box, shape);
    struct layout *layout = arena_alloc(&box->arena, sizeof *layout);
    uint32_t room = 4;
    while (room < shape->count * 2) room *= 2;
    layout->name = intern(box, shape->name);
    layout->lenient = shape->lenient;
    layout->mask = room - 1;
    layout->keys = arena_alloc(&box->arena, room * sizeof *layout->keys);
    layout->names = arena_alloc(&box->arena, (shape->count + 1) * sizeof *layout->names);
    layout->name_refs = arena_alloc(&box->arena, (shape->count + 1) * sizeof *layout->name_refs);
    for (uint32_t place = 0; place < shape->count; place++) {
        const char *name = intern(box, shape->rows[place].name);
        assert(!layout_key(layout, name) && "a field's name stands twice");
        uint32_t at = layout_hash(name);
        while (layout->keys[at & layout->mask].name) at++;
        layout->keys[at & layout->mask] = (struct key){name, place};
        layout->names[place] = name;
        lua_pushstring(box->L, name);
        layout->name_refs[place] = luaL_ref(box->L, LUA_REGISTRYINDEX);
    }
    return layout;
}

static struct sandbox_record *make(struct sandbox *box, const char *name,
                                   const struct layout *layout, uint32_t most) {
    lua_State *L = box->L;
    struct sandbox_record *record = arena_alloc(&box->arena, sizeof *record);
    *record = (struct sandbox_record){.next = box->records,
                                      .box = box,
                                      .layout = layout,
                                      .name = name,
                                      .most = most,
                                      .count = layout ? most : 0};
    record->slots = arena_alloc(&box->arena, (most + 1) * sizeof *record->slots);
    box->records = record;
    record->number = box->record_count++;
    if (box->remote) return record;
    lua_checkstack(L, 8);
    struct handle *handle = lua_newuserdata(L, sizeof *handle);
    *handle = (struct handle){&record_tag, record};
    record_push_meta(L, record);
    lua_setmetatable(L, -2);
    record->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return record;
}

static struct sandbox_record *build(struct sandbox *box, const struct sandbox_shape *shape,
                                    const struct layout *layout);

static struct sandbox_record *build_list(struct sandbox *box, const struct sandbox_field_row *row) {
    assert(row->of != SANDBOX_KIND_LIST);
    const struct layout *layout =
        row->of == SANDBOX_KIND_RECORD ? make_layout(box, row->shape) : NULL;
    const char *name = box->remote ? NULL : intern(box, row->name);
    struct sandbox_record *list = make(box, name, NULL, row->most);
    for (uint32_t i = 0; i < row->most; i++) {
        list->slots[i].kind = row->of;
        if (!layout) continue;
        list->slots[i].child = build(box, row->shape, layout);
        list->slots[i].present = true;
    }
    return list;
}

static struct sandbox_record *build(struct sandbox *box, const struct sandbox_shape *shape,
                                    const struct layout *layout) {
    if (!layout) layout = make_layout(box, shape);
    struct sandbox_record *record = make(box, layout->name, layout, shape->count);
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct sandbox_field_row *row = &shape->rows[i];
        struct slot *slot = &record->slots[i];
        slot->kind = row->kind;
        slot->present = row->kind >= SANDBOX_KIND_RECORD;
        if (row->kind == SANDBOX_KIND_RECORD) slot->child = build(box, row->shape, NULL);
        if (row->kind == SANDBOX_KIND_LIST) slot->child = build_list(box, row);
    }
    return record;
}

struct sandbox_record *sandbox_record_new(struct sandbox *box, const struct sandbox_shape *shape) {
    assert(!box->running);
    if (box->remote) remote_record(box, shape);
    return build(box, shape, NULL);
}

void record_free(struct sandbox *box) {
    mem_free(box->stale);
    for (struct sandbox_record *record = box->records; record; record = record->next)
        for (uint32_t i = 0; i < record->most; i++)
            if (record->slots[i].kind == SANDBOX_KIND_TEXT) mem_free(record->slots[i].text.bytes);
}

void sandbox_set_global(struct sandbox *box, const char *name,
                        const struct sandbox_record *record) {
    if (box->remote) {
        remote_global(box, name, record->number);
        return;
    }
    lua_rawgeti(box->L, LUA_REGISTRYINDEX, record->ref);
    scope_set(box, name);
}
