/* json for scripts: lua-cjson, with exact numbers and bounds.
 *
 * cjson reads every number into a double and writes 14 digits. So before it reads, numbers that are
 * not plain integers of at most 15 digits are put into marked texts, which become decimals
 * afterwards; before it writes, decimals and long numbers become marked texts whose marks and
 * quotes are taken off afterwards. The mark is the character U+0001 and a letter at the start of a
 * text: D for digits, S for a text that itself starts with U+0001. Inside cjson the heap cap is
 * lifted (its input is bounded), because it holds memory of its own that a jump out of it would
 * lose. */
#include "script/inner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int luaopen_cjson(lua_State *L); /* its header says as much, but is not on every include path */

#define TEXT_MOST (256u << 10)
#define NODES_MOST 20000
#define DEPTH_MOST 32
#define MARK "\\u0001" /* as it stands inside JSON */
#define PLAIN_DIGITS 15

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Where the string that opens at `at` has its closing quote, or end. */
static const char *string_end(const char *at, const char *end) {
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\') at++;
    return at < end ? at : end;
}

static const char *digits_end(const char *at, const char *end) {
    while (at < end && is_digit(*at)) at++;
    return at;
}

/* The end of a number by JSON's grammar, or NULL; *plain: an integer that a double holds exactly.
 */
static const char *number_end(const char *at, const char *end, bool *plain) {
    if (at < end && *at == '-') at++;
    const char *first = at;
    at = digits_end(at, end);
    if (at == first || (*first == '0' && at > first + 1)) return NULL;
    *plain = at - first <= PLAIN_DIGITS;
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        *plain = false;
        at = digits_end(at, end);
        if (at == fraction) return NULL;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        *plain = false;
        if (at < end && (*at == '+' || *at == '-')) at++;
        const char *exponent = at;
        at = digits_end(at, end);
        if (at == exponent) return NULL;
    }
    return at;
}

static bool starts_with_mark(const char *at, const char *end) {
    return (at < end && *at == '\1') || (end - at >= 6 && memcmp(at, MARK, 6) == 0);
}

static void add_text(struct grow *out, const char *text) { grow_add(out, text, strlen(text)); }

static const char *mark_string(struct grow *out, const char *at, const char *end) {
    const char *close = string_end(at, end), *next = close < end ? close + 1 : end;
    const char *after = next;
    while (after < end && (*after == ' ' || *after == '\t' || *after == '\r' || *after == '\n'))
        after++;
    bool is_key = after < end && *after == ':';
    grow_add(out, at, 1);
    if (!is_key && starts_with_mark(at + 1, close)) add_text(out, MARK "S");
    grow_add(out, at + 1, (size_t)(next - at - 1));
    return next;
}

static const char *mark_number(struct grow *out, const char *at, const char *end) {
    bool plain;
    const char *next = number_end(at, end, &plain);
    if (!next || plain) { /* cjson names what is wrong with it */
        if (!next) next = at + 1;
        grow_add(out, at, (size_t)(next - at));
        return next;
    }
    add_text(out, "\"" MARK "D");
    grow_add(out, at, (size_t)(next - at));
    add_text(out, "\"");
    return next;
}

/* Writes the text with its numbers marked; stops when `stop` bytes are written. Returns where it
 * stopped reading. */
static const char *mark(struct grow *out, const char *at, const char *end, size_t stop) {
    int values = 0;
    while (at < end && out->length < stop) {
        if (*at == '"') {
            at = mark_string(out, at, end);
        } else if (*at == '-' || is_digit(*at)) {
            at = mark_number(out, at, end);
        } else {
            if ((*at == ',' || *at == '[' || *at == '{') && ++values > NODES_MOST)
                luaL_error(out->L, "json: more than %d values", NODES_MOST);
            grow_add(out, at++, 1);
        }
    }
    return at;
}

/* Raises cjson's message with a line and column of the text as it was. */
static int raise_place(lua_State *L, const char *text, size_t length, const char *message) {
    static const char words[] = " at character ";
    const char *found = strstr(message, words);
    if (!found) return luaL_error(L, "json: %s", message);
    size_t place = (size_t)strtoul(found + sizeof words - 1, NULL, 10);
    struct grow again;
    grow_open(&again, L);
    const char *stop = mark(&again, text, text + length, place ? place - 1 : 0);
    int line = 1, column = 1;
    for (const char *at = text; at < stop; at++) {
        column++;
        if (*at != '\n') continue;
        line++;
        column = 1;
    }
    lua_pushlstring(L, message, (size_t)(found - message));
    return luaL_error(L, "json: %s at line %d column %d", lua_tostring(L, -1), line, column);
}

/* Calls the cjson function with its argument on top, unbounded by the heap cap; what it used is
 * judged afterwards. */
static int call_cjson(lua_State *L, struct sandbox *box) {
    box->lenient = true;
    int status = lua_pcall(L, 1, 1, 0);
    box->lenient = false;
    if (box->running && box->used > box->limits.memory_bytes) guard_kill(L, SANDBOX_MEMORY);
    return status;
}

/* Whole numbers may be as long as an order's id at a broker, beyond what prices are allowed to be.
 */
static void push_exact(lua_State *L, const char *digits, size_t length) {
    struct decimal value;
    struct err err;
    if (length <= 18 && strcspn(digits, ".eE") == length)
        value = decimal_int(strtoll(digits, NULL, 10));
    else if (!decimal_parse(digits, length, &value, &err))
        luaL_error(L, "json: %s", err.text);
    bind_push_decimal(L, value);
}

static void unmark_top(lua_State *L) {
    size_t length;
    const char *text = lua_tolstring(L, -1, &length);
    if (length < 2 || text[0] != '\1') return;
    if (text[1] == 'D') {
        push_exact(L, text + 2, length - 2);
    } else {
        lua_pushlstring(L, text + 2, length - 2);
    }
    lua_replace(L, -2);
}

/* The table on top; values are replaced under keys that exist, which a walk allows. */
static void unmark_table(lua_State *L) {
    luaL_checkstack(L, 8, "json: nested too deeply");
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        if (lua_type(L, -1) == LUA_TTABLE) {
            unmark_table(L);
        } else if (lua_type(L, -1) == LUA_TSTRING) {
            unmark_top(L);
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, -4);
            continue;
        }
        lua_pop(L, 1);
    }
}

static int decode(lua_State *L) { /* upvalue: cjson.decode */
    size_t length;
    struct sandbox *box = inner_box(L);
    luaL_checktype(L, 1, LUA_TSTRING);
    const char *text = lua_tolstring(L, 1, &length);
    if (length > TEXT_MOST)
        return luaL_error(L, "json: the text has more than %d bytes", (int)TEXT_MOST);
    guard_charge(L, box, length);
    struct grow grow;
    grow_open(&grow, L);
    lua_pushvalue(L, lua_upvalueindex(1));
    mark(&grow, text, text + length, SIZE_MAX);
    grow_finish(&grow);
    if (call_cjson(L, box) != 0) return raise_place(L, text, length, lua_tostring(L, -1));
    if (lua_type(L, -1) == LUA_TTABLE)
        unmark_table(L);
    else if (lua_type(L, -1) == LUA_TSTRING)
        unmark_top(L);
    return 1;
}

/* ---- writing --------------------------------------------------------------------------------- */

struct budget {
    size_t bytes;
    int nodes, depth;
};

static void spend(lua_State *L, struct budget *budget, size_t bytes) {
    guard_charge(L, inner_box(L), 5 + bytes / 16);
    if (++budget->nodes > NODES_MOST) luaL_error(L, "json: more than %d values", NODES_MOST);
    budget->bytes += bytes;
    if (budget->bytes > TEXT_MOST)
        luaL_error(L, "json: the text would have more than %d bytes", (int)TEXT_MOST);
}

static void push_marked(lua_State *L, const char *text, size_t length) {
    lua_pushliteral(L, "\1D");
    lua_pushlstring(L, text, length);
    lua_concat(L, 2);
}

static void copy_number(lua_State *L, double number) {
    char text[DECIMAL_TEXT_MAX];
    struct decimal exact;
    if (!isfinite(number)) luaL_error(L, "json: a number is not finite");
    if (fabs(number) < 1e14 && number == floor(number)) {
        lua_pushnumber(L, number);
        return;
    }
    if (number_from_double(number, &exact.units))
        decimal_print(exact, text);
    else
        snprintf(text, sizeof text, "%.17g", number);
    push_marked(L, text, strlen(text));
}

static void copy_string(lua_State *L, int index, struct budget *budget) {
    size_t length;
    const char *text = lua_tolstring(L, index, &length);
    spend(L, budget, length + 2);
    if (length == 0 || *text != '\1') {
        lua_pushvalue(L, index);
        return;
    }
    lua_pushliteral(L, "\1S");
    lua_pushvalue(L, index);
    lua_concat(L, 2);
}

static void copy(lua_State *L, int index, struct budget *budget);

static void enter(lua_State *L, struct budget *budget) {
    if (++budget->depth > DEPTH_MOST) luaL_error(L, "json: nested deeper than %d", DEPTH_MOST);
    luaL_checkstack(L, 10, "json: nested too deeply");
}

static void copy_table(lua_State *L, int index, struct budget *budget) {
    enter(L, budget);
    lua_newtable(L);
    int target = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        int key = target + 1;
        if (lua_type(L, key) == LUA_TSTRING)
            copy_string(L, key, budget);
        else if (lua_type(L, key) == LUA_TNUMBER)
            lua_pushvalue(L, key);
        else
            luaL_error(L, "json: a key is a %s", luaL_typename(L, key));
        copy(L, key + 1, budget);
        lua_rawset(L, target);
        lua_settop(L, key);
    }
    budget->depth--;
}

/* A frozen record or list, by its own pairs. */
static void copy_record(lua_State *L, int index, struct budget *budget) {
    enter(L, budget);
    const struct sandbox_record *record = bind_record(L, index);
    lua_newtable(L);
    int target = lua_gettop(L);
    for (uint32_t i = 0; i < sandbox_count(record); i++) {
        if (record_is_list(record))
            lua_pushinteger(L, (lua_Integer)i + 1);
        else
            lua_pushstring(L, record_name(record, i));
        record_push_element(L, record, i);
        copy(L, target + 2, budget);
        lua_replace(L, target + 2);
        lua_settop(L, target + 2);
        lua_rawset(L, target);
    }
    budget->depth--;
}

/* Pushes what cjson shall write for the value. */
static void copy(lua_State *L, int index, struct budget *budget) {
    char text[DECIMAL_TEXT_MAX];
    struct decimal value;
    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TLIGHTUSERDATA:
        spend(L, budget, 5);
        lua_pushvalue(L, index);
        return;
    case LUA_TNUMBER:
        spend(L, budget, 10);
        copy_number(L, lua_tonumber(L, index));
        return;
    case LUA_TSTRING: copy_string(L, index, budget); return;
    case LUA_TTABLE:
        spend(L, budget, 2);
        copy_table(L, index, budget);
        return;
    default: break;
    }
    spend(L, budget, 10);
    if (inner_tag(L, index) == &record_tag)
        copy_record(L, index, budget);
    else if (inner_tag(L, index) == &number_decimal_tag && bind_decimal(L, index, &value))
        push_marked(L, text, decimal_print(value, text));
    else
        luaL_error(L, "json: cannot write a %s", luaL_typename(L, index));
}

/* Takes marks, and the quotes around numbers, out of what cjson wrote. */
static void unmark_text(struct grow *out, const char *at, const char *end) {
    while (at < end) {
        const char *quote = memchr(at, '"', (size_t)(end - at));
        if (!quote) quote = end;
        grow_add(out, at, (size_t)(quote - at));
        if (quote == end) return;
        const char *close = string_end(quote, end);
        bool marked = close - quote > 7 && memcmp(quote + 1, MARK, 6) == 0;
        if (marked && quote[7] == 'D') {
            grow_add(out, quote + 8, (size_t)(close - quote - 8));
        } else {
            grow_add(out, "\"", 1);
            if (marked) quote += 7;
            grow_add(out, quote + 1, (size_t)(close - quote));
        }
        at = close < end ? close + 1 : end;
    }
}

static int encode(lua_State *L) { /* upvalue: cjson.encode */
    struct sandbox *box = inner_box(L);
    struct budget budget = {0};
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    copy(L, 1, &budget);
    if (call_cjson(L, box) != 0) return luaL_error(L, "json: %s", lua_tostring(L, -1));
    size_t length;
    const char *text = lua_tolstring(L, -1, &length);
    struct grow grow;
    grow_open(&grow, L);
    guard_charge(L, box, length / 4);
    unmark_text(&grow, text, text + length);
    return grow_finish(&grow);
}

static void configure(lua_State *L, int cjson, const char *function, lua_Number value,
                      bool boolean) {
    lua_getfield(L, cjson, function);
    if (boolean)
        lua_pushboolean(L, value != 0);
    else
        lua_pushnumber(L, value);
    lua_call(L, 1, 0);
}

void lib_json_open(struct sandbox *box) {
    static const struct bind_function rows[] = {
        {"encode", encode, "(value: any): string"},
        {"decode", decode, "(text: string): any"},
        {"null", NULL, "userdata\nWhat `null` reads as, and is written as."}};
    lua_State *L = box->L;
    bind_tell(box, BIND_LIBRARY, "json", rows, sizeof rows / sizeof *rows);
    bind_about(box, "Texts of at most 256 KiB; numbers keep every digit: what no Lua number holds "
                    "is a decimal.");
    lua_pushcfunction(L, luaopen_cjson);
    lua_call(L, 0, 1);
    int cjson = lua_gettop(L);
    configure(L, cjson, "decode_invalid_numbers", 0, true);
    configure(L, cjson, "encode_invalid_numbers", 0, true);
    configure(L, cjson, "decode_max_depth", DEPTH_MOST, false);
    configure(L, cjson, "encode_max_depth", DEPTH_MOST, false);
    lua_newtable(L);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lua_getfield(L, cjson, rows[i].name);
        if (rows[i].call) lua_pushcclosure(L, rows[i].call, 1);
        lua_setfield(L, -2, rows[i].name);
    }
    scope_freeze(L, "json");
    scope_set(box, "json");
    lua_pop(L, 1);
}
