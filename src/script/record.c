/* Frozen records: the host's facts as scripts see them.
 *
 * The values live in C; a script holds a userdata whose __index is a table, the shadow, which it
 * cannot reach otherwise. What is read first is not in the shadow: a function behind it makes the
 * Lua value and puts it there, and further reads never leave the interpreter. A setter is a plain
 * store that cannot fail; when it changes a value that stands in a shadow, the slot is noted, and
 * before the next call the noted ones are put right: made anew while they have been in use lately,
 * else dropped until they are read again. A value once made is never touched, so a script may keep
 * it across calls. */
#include "script/record.h"

#include <assert.h>
#include <string.h>

const struct tag record_tag = {"record"};

/* ---- the host's side ------------------------------------------------------------------------- */

void record_put_down(struct sandbox_record *record, uint32_t place) {
    struct sandbox *box = record->box;
    record->slots[place].noted = true;
    if (box->stale_count == box->stale_room) {
        box->stale_room = box->stale_room ? box->stale_room * 2 : 64;
        box->stale = mem_realloc(box->stale, box->stale_room * sizeof *box->stale);
    }
    box->stale[box->stale_count++] = (struct stale){record, place};
}

void sandbox_set_nil(struct sandbox_record *record, uint32_t field) {
    assert(!record->box->running && field < record->most);
    record->slots[field].present = false;
    record_note(record, &record->slots[field]);
}

void sandbox_set_shown(struct sandbox_record *record, uint32_t field) {
    assert(!record->box->running && field < record->most &&
           record->slots[field].kind >= SANDBOX_KIND_RECORD);
    record->slots[field].present = true;
    record_note(record, &record->slots[field]);
}

void sandbox_set_text(struct sandbox_record *record, uint32_t field, const char *bytes,
                      size_t length) {
    struct slot *slot = record_slot(record, field, SANDBOX_KIND_TEXT);
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
    record_note(record, slot);
}

#define SETTER(name, type, kind_of, member)                                                        \
    void name(struct sandbox_record *record, uint32_t field, type value) {                         \
        struct slot *slot = record_slot(record, field, kind_of);                                   \
        if (slot->present && memcmp(&slot->member, &value, sizeof value) == 0) return;             \
        slot->present = true;                                                                      \
        slot->member = value;                                                                      \
        record_note(record, slot);                                                                 \
    }
SETTER(sandbox_set_boolean, bool, SANDBOX_KIND_BOOLEAN, boolean)
SETTER(sandbox_set_number, double, SANDBOX_KIND_NUMBER, number)

void sandbox_set_integer(struct sandbox_record *record, uint32_t field, int64_t value) {
    record_set_integer(record, field, value);
}

void sandbox_set_decimal(struct sandbox_record *record, uint32_t field, sandbox_units value) {
    record_set_decimal(record, field, value);
}

void sandbox_set_count(struct sandbox_record *list, uint32_t count) {
    assert(!list->layout && !list->box->running);
    if (count > list->most) count = list->most;
    for (uint32_t place = count; place < list->count; place++)
        record_note(list, &list->slots[place]);
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

/* ---- for bindings ---------------------------------------------------------------------------- */

struct sandbox_record *bind_record(lua_State *L, int index) {
    const struct handle *handle = lua_touserdata(L, index);
    return handle && handle->tag == &record_tag ? handle->record : NULL;
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
