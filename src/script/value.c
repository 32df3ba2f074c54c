/* What the host reads out of a box: only raw access, so no code of a script runs, and only values
 * that are what they seem. */
#include "script/remote.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define HANDLER 1
#define VALUES_MOST 7000

const char *sandbox_type_name(enum sandbox_type type) {
    static const char *const names[] = {"nil",  "boolean", "integer",  "number", "decimal",
                                        "text", "table",   "function", "record", "other"};
    return (size_t)type < sizeof names / sizeof *names ? names[type] : "other";
}

static void describe_number(double number, struct sandbox_value *out) {
    out->number = number;
    if (!isfinite(number)) {
        out->type = SANDBOX_OTHER;
    } else if (fabs(number) <= INNER_EXACT_MOST && number == floor(number)) {
        out->type = SANDBOX_INTEGER;
        out->integer = (int64_t)number;
    } else {
        out->type = SANDBOX_NUMBER;
    }
}

static void describe_userdata(lua_State *L, int slot, struct sandbox_value *out) {
    struct decimal decimal;
    const struct tag *tag = inner_tag(L, slot);
    out->type = SANDBOX_OTHER;
    if (tag == &record_tag) out->type = SANDBOX_RECORD;
    if (tag == &number_decimal_tag && bind_decimal(L, slot, &decimal)) {
        out->type = SANDBOX_DECIMAL;
        out->units = decimal.units;
    }
}

void value_describe(struct sandbox *box, int slot, struct sandbox_value *out) {
    lua_State *L = box->L;
    memset(out, 0, sizeof *out);
    out->slot = slot;
    switch (lua_type(L, slot)) {
    case LUA_TBOOLEAN:
        out->type = SANDBOX_BOOLEAN;
        out->boolean = lua_toboolean(L, slot);
        break;
    case LUA_TNUMBER: describe_number(lua_tonumber(L, slot), out); break;
    case LUA_TSTRING:
        out->type = SANDBOX_TEXT;
        out->text = lua_tolstring(L, slot, &out->length);
        break;
    case LUA_TTABLE: out->type = SANDBOX_TABLE; break;
    case LUA_TFUNCTION: out->type = SANDBOX_FUNCTION; break;
    case LUA_TUSERDATA: describe_userdata(L, slot, out); break;
    case LUA_TNONE:
    case LUA_TNIL: out->type = SANDBOX_NIL; break;
    default: out->type = SANDBOX_OTHER;
    }
}

static bool has_room(struct sandbox *box) {
    assert(!box->running);
    return lua_gettop(box->L) < VALUES_MOST && lua_checkstack(box->L, 8);
}

static const struct sandbox_value nothing = {.type = SANDBOX_NIL};

void sandbox_result(struct sandbox *box, unsigned index, struct sandbox_value *out) {
    *out = nothing;
    if (box->remote)
        remote_result(box, index, out);
    else if (index < sandbox_results(box))
        value_describe(box, HANDLER + 1 + (int)index, out);
}

void sandbox_peek(struct sandbox *box, int ref, struct sandbox_value *out) {
    assert(!box->running);
    if (box->remote) {
        remote_peek(box, ref, out);
        return;
    }
    lua_settop(box->L, HANDLER);
    box->results = 0;
    if (ref > 0)
        lua_rawgeti(box->L, LUA_REGISTRYINDEX, ref);
    else
        lua_pushnil(box->L);
    value_describe(box, HANDLER + 1, out);
}

static bool opens(struct sandbox *box, const struct sandbox_value *table) {
    return table->type == SANDBOX_TABLE && lua_istable(box->L, table->slot) && has_room(box);
}

void sandbox_field(struct sandbox *box, const struct sandbox_value *table, const char *name,
                   struct sandbox_value *out) {
    if (box->remote) {
        remote_read(box, table, name, 0, out);
        return;
    }
    int slot = table->slot;
    bool open = opens(box, table);
    *out = nothing;
    if (!open) return;
    lua_pushstring(box->L, name);
    lua_rawget(box->L, slot);
    value_describe(box, lua_gettop(box->L), out);
}

void sandbox_element(struct sandbox *box, const struct sandbox_value *table, size_t index,
                     struct sandbox_value *out) {
    if (box->remote) {
        remote_read(box, table, NULL, index, out);
        return;
    }
    int slot = table->slot;
    bool open = opens(box, table) && index > 0 && index < INT32_MAX;
    *out = nothing;
    if (!open) return;
    lua_rawgeti(box->L, slot, (int)index);
    value_describe(box, lua_gettop(box->L), out);
}

size_t sandbox_length(struct sandbox *box, const struct sandbox_value *table) {
    if (box->remote) return remote_length(box, table);
    return opens(box, table) ? lua_objlen(box->L, table->slot) : 0;
}

bool sandbox_next(struct sandbox *box, const struct sandbox_value *table, int *walk,
                  struct sandbox_value *key, struct sandbox_value *value) {
    if (box->remote) return remote_next(box, table, walk, key, value);
    lua_State *L = box->L;
    if (*walk > 0) {
        lua_settop(L, *walk); /* the last key */
    } else {
        if (!opens(box, table)) return false;
        lua_pushnil(L);
        *walk = lua_gettop(L);
    }
    if (!lua_next(L, table->slot)) {
        *walk = 0;
        return false;
    }
    value_describe(box, *walk, key);
    value_describe(box, *walk + 1, value);
    return true;
}

bool sandbox_value_units(const struct sandbox_value *value, sandbox_units *out) {
    switch (value->type) {
    case SANDBOX_DECIMAL: *out = value->units; return true;
    case SANDBOX_INTEGER:
    case SANDBOX_NUMBER: return number_from_double(value->number, out);
    default: return false;
    }
}

bool sandbox_value_digits(const struct sandbox_value *value, char out[SANDBOX_UNITS_TEXT]) {
    static_assert(SANDBOX_UNITS_TEXT >= DECIMAL_TEXT_MAX, "digits fit");
    sandbox_units units;
    if (!sandbox_value_units(value, &units) || !decimal_ok((struct decimal){units})) return false;
    out[decimal_print((struct decimal){units}, out)] = '\0';
    return true;
}

bool sandbox_parse_units(const char *text, sandbox_units *out) {
    struct decimal value;
    if (!decimal_parse(text, strlen(text), &value, NULL)) return false;
    *out = value.units;
    return true;
}
