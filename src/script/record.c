/* Frozen records: the host's facts as scripts see them.
 *
 * The values live in C; a script holds a userdata whose __index is a table, the shadow, which it
 * cannot reach otherwise. What is read first is not in the shadow: a function behind it makes the
 * Lua value and puts it there, and further reads never leave the interpreter. A setter is a plain
 * store that cannot fail; when it changes a value that stands in a shadow, the slot is noted, and
 * before the next call the noted ones are put right: made anew while they have been in use lately,
 * else dropped until they are read again. A value once made is never touched, so a script may keep
 * it across calls. */
#include "script/remote.h"

#include <assert.h>
#include <string.h>

#define PATIENCE_MOST 5

struct slot {
    enum sandbox_kind kind;
    bool present;
    bool shadowed;  /* a Lua value of it stands in the shadow */
    bool noted;     /* that value is out of date */
    uint8_t remade;   /* times since a script asked for it */
    int patience;     /* it is remade 2^this times before it is dropped */
    uint32_t dropped; /* before which call it was */
    union {
        decimal_units units;
        int64_t integer;
        double number;
        bool boolean;
        struct {
            char *bytes;
            size_t length, room;
        } text;
        struct sandbox_record *child;
    };
};

struct key {
    const char *name; /* the interned text's own address */
    uint32_t place;
};

struct layout { /* of a record; shared by the elements of a list */
    const char *name;
    bool lenient;
    uint32_t mask;
    struct key *keys;   /* hashed, at most half full */
    const char **names; /* by place */
    int *name_refs;
};

struct sandbox_record {
    struct sandbox_record *next;
    struct sandbox *box;
    const struct layout *layout; /* NULL: a list */
    const char *name;
    struct slot *slots;
    uint32_t count, most; /* record: equal */
    uint32_t number;
    int ref, shadow_ref;
};

struct handle { /* what the userdata holds */
    const struct tag *tag;
    struct sandbox_record *record;
};

const struct tag record_tag = {"record"};

static struct sandbox_record *record_of(lua_State *L, int index) {
    return ((struct handle *)lua_touserdata(L, index))->record;
}

/* ---- the host's side ------------------------------------------------------------------------- */

static struct slot *slot_for(struct sandbox_record *record, uint32_t field,
                             enum sandbox_kind kind) {
    assert(!record->box->running && field < record->most);
    struct slot *slot = &record->slots[field];
    assert(slot->kind == kind && "the field is of another kind");
    (void)kind;
    return slot;
}

static void note(struct sandbox_record *record, uint32_t place) {
    struct slot *slot = &record->slots[place];
    struct sandbox *box = record->box;
    if ((!slot->shadowed && !box->remote) || slot->noted) return;
    slot->noted = true;
    if (box->stale_count == box->stale_room) {
        box->stale_room = box->stale_room ? box->stale_room * 2 : 64;
        box->stale = mem_realloc(box->stale, box->stale_room * sizeof *box->stale);
    }
    box->stale[box->stale_count++] = (struct stale){record, place};
}

void sandbox_set_nil(struct sandbox_record *record, uint32_t field) {
    assert(!record->box->running && field < record->most);
    record->slots[field].present = false;
    note(record, field);
}

void sandbox_set_shown(struct sandbox_record *record, uint32_t field) {
    assert(!record->box->running && field < record->most &&
           record->slots[field].kind >= SANDBOX_KIND_RECORD);
    record->slots[field].present = true;
    note(record, field);
}

void sandbox_set_text(struct sandbox_record *record, uint32_t field, const char *bytes,
                      size_t length) {
    struct slot *slot = slot_for(record, field, SANDBOX_KIND_TEXT);
    if (slot->present && slot->text.length == length &&
        memcmp(slot->text.bytes, bytes, length) == 0)
        return;
    if (length >= slot->text.room) {
        slot->text.room = length + length / 2 + 16;
        slot->text.bytes = mem_realloc(slot->text.bytes, slot->text.room);
    }
    memcpy(slot->text.bytes, bytes, length);
    slot->text.bytes[length] = '\0';
    slot->text.length = length;
    slot->present = true;
    note(record, field);
}

#define SETTER(name, type, kind_of, member)                                                        \
    void name(struct sandbox_record *record, uint32_t field, type value) {                         \
        struct slot *slot = slot_for(record, field, kind_of);                                      \
        if (slot->present && memcmp(&slot->member, &value, sizeof value) == 0) return;             \
        slot->present = true;                                                                      \
        slot->member = value;                                                                      \
        note(record, field);                                                                       \
    }
SETTER(sandbox_set_integer, int64_t, SANDBOX_KIND_INTEGER, integer)
SETTER(sandbox_set_boolean, bool, SANDBOX_KIND_BOOLEAN, boolean)
SETTER(sandbox_set_number, double, SANDBOX_KIND_NUMBER, number)
SETTER(sandbox_set_decimal, sandbox_units, SANDBOX_KIND_DECIMAL, units)

void sandbox_set_count(struct sandbox_record *list, uint32_t count) {
    assert(!list->layout && !list->box->running);
    if (count > list->most) count = list->most;
    for (uint32_t place = count; place < list->count; place++) note(list, place);
    if (list->box->remote && count != list->count) remote_count(list->box, list->number, count);
    list->count = count;
}

uint32_t sandbox_count(const struct sandbox_record *record) { return record->count; }

struct sandbox_record *sandbox_child(const struct sandbox_record *record, uint32_t field) {
    assert(field < record->most && record->slots[field].kind >= SANDBOX_KIND_RECORD);
    return record->slots[field].child;
}

const char *record_name(const struct sandbox_record *record, uint32_t field) {
    return record->layout->names[field];
}

bool record_is_list(const struct sandbox_record *record) { return !record->layout; }

enum sandbox_kind record_kind(const struct sandbox_record *record, uint32_t field) {
    return record->slots[field].kind;
}

const struct sandbox_record *record_first_child(const struct sandbox_record *list) {
    bool has = list->most > 0 && list->slots[0].kind == SANDBOX_KIND_RECORD;
    return has ? list->slots[0].child : NULL;
}

uint32_t record_number(const struct sandbox_record *record) { return record->number; }

/* ---- between the halves of a box in a worker ------------------------------------------------- */

void record_send(struct sandbox *box) {
    struct str *out = &box->remote->out;
    for (size_t i = 0; i < box->stale_count; i++) {
        const struct sandbox_record *record = box->stale[i].record;
        struct slot *slot = &record->slots[box->stale[i].place];
        slot->noted = false;
        wire_put_u8(out, OP_SLOT);
        wire_put_u32(out, record->number);
        wire_put_u32(out, box->stale[i].place);
        wire_put_u8(out, slot->present);
        if (!slot->present) continue;
        switch (slot->kind) {
        case SANDBOX_KIND_TEXT: wire_put_text(out, slot->text.bytes, slot->text.length); break;
        case SANDBOX_KIND_INTEGER: wire_put(out, &slot->integer, sizeof slot->integer); break;
        case SANDBOX_KIND_BOOLEAN: wire_put_u8(out, slot->boolean); break;
        case SANDBOX_KIND_DECIMAL: wire_put(out, &slot->units, sizeof slot->units); break;
        case SANDBOX_KIND_NUMBER: wire_put(out, &slot->number, sizeof slot->number); break;
        case SANDBOX_KIND_RECORD:
        case SANDBOX_KIND_LIST: break;
        }
    }
    box->stale_count = 0;
}

void record_list(struct sandbox *box, struct sandbox_record **out) {
    for (struct sandbox_record *record = box->records; record; record = record->next)
        out[record->number] = record;
}

void record_take_slot(struct sandbox_record *record, struct wire *wire) {
    uint32_t place = wire_take_u32(wire);
    sandbox_units units;
    double number;
    const char *text;
    size_t length;
    if (!wire_take_u8(wire)) {
        sandbox_set_nil(record, place);
        return;
    }
    switch (record->slots[place].kind) {
    case SANDBOX_KIND_TEXT:
        text = wire_take_text(wire, &length);
        sandbox_set_text(record, place, text, length);
        break;
    case SANDBOX_KIND_INTEGER:
        sandbox_set_integer(record, place, (int64_t)wire_take_u64(wire));
        break;
    case SANDBOX_KIND_BOOLEAN: sandbox_set_boolean(record, place, wire_take_u8(wire) != 0); break;
    case SANDBOX_KIND_DECIMAL:
        wire_take(wire, &units, sizeof units);
        sandbox_set_decimal(record, place, units);
        break;
    case SANDBOX_KIND_NUMBER:
        wire_take(wire, &number, sizeof number);
        sandbox_set_number(record, place, number);
        break;
    case SANDBOX_KIND_RECORD:
    case SANDBOX_KIND_LIST: sandbox_set_shown(record, place);
    }
}

/* ---- the script's side ----------------------------------------------------------------------- */

static uint32_t hash_of(const char *name) {
    uintptr_t bits = (uintptr_t)name;
    return (uint32_t)(bits >> 4 ^ bits >> 12);
}

static const struct key *key_at(const struct layout *layout, const char *name) {
    for (uint32_t at = hash_of(name);; at++) {
        const struct key *key = &layout->keys[at & layout->mask];
        if (key->name == name) return key;
        if (!key->name) return NULL;
    }
}

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
        const struct key *key = name ? key_at(record->layout, name) : NULL;
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

void record_open(struct sandbox *box) {
    lua_newtable(box->L);
    box->keys_ref = luaL_ref(box->L, LUA_REGISTRYINDEX);
}

/* ---- building -------------------------------------------------------------------------------- */

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
        assert(!key_at(layout, name) && "a field's name stands twice");
        uint32_t at = hash_of(name);
        while (layout->keys[at & layout->mask].name) at++;
        layout->keys[at & layout->mask] = (struct key){name, place};
        layout->names[place] = name;
        lua_pushstring(box->L, name);
        layout->name_refs[place] = luaL_ref(box->L, LUA_REGISTRYINDEX);
    }
    return layout;
}

/* Pushes the metatable of a record's userdata, and makes its shadow. */
static void push_meta(lua_State *L, struct sandbox_record *record) {
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
    push_meta(L, record);
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

/* ---- for bindings ---------------------------------------------------------------------------- */

struct sandbox_record *bind_record(lua_State *L, int index) {
    return inner_tag(L, index) == &record_tag ? record_of(L, index) : NULL;
}

struct sandbox_record *bind_check_record(lua_State *L, int index) {
    struct sandbox_record *record = bind_record(L, index);
    if (!record) luaL_error(L, "argument %d must be one of the host's records or lists", index);
    return record;
}

void bind_push_record(lua_State *L, const struct sandbox_record *record) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, record->ref);
}

bool bind_record_decimal(const struct sandbox_record *record, uint32_t field, struct decimal *out) {
    if (field >= record->count || !record->slots[field].present) return false;
    const struct slot *slot = &record->slots[field];
    if (slot->kind == SANDBOX_KIND_DECIMAL)
        out->units = slot->units;
    else if (slot->kind == SANDBOX_KIND_INTEGER)
        *out = decimal_int(slot->integer);
    else
        return false;
    return true;
}

const char *bind_record_text(const struct sandbox_record *record, uint32_t field) {
    if (field >= record->count) return NULL;
    const struct slot *slot = &record->slots[field];
    return slot->present && slot->kind == SANDBOX_KIND_TEXT ? slot->text.bytes : NULL;
}
