/* string.rep and string.format with bounded results, and formats that know decimals. */
#include "script/inner.h"

#include <stdio.h>
#include <string.h>

static int repeat(lua_State *L) {
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    double times = luaL_checknumber(L, 2);
    if (!(times >= 1) || length == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (times * (double)length > (double)INNER_STRING_MOST)
        return luaL_error(L, "the text would be longer than %d bytes", (int)INNER_STRING_MOST);
    struct grow grow;
    grow_open(&grow, L);
    size_t total = (size_t)times * length;
    char *out = grow_room(&grow, total);
    if (length == 1)
        memset(out, *text, total);
    else
        for (size_t at = 0; at < total; at += length) memcpy(out + at, text, length);
    grow.length = total;
    return grow_finish(&grow);
}

struct directive {
    char text[32]; /* as for snprintf, without the conversion */
    size_t length;
    int width, precision; /* -1: none */
    char conversion;
};

static const char *read_number(lua_State *L, const char *at, const char *end, int *out) {
    int digits = 0;
    *out = 0;
    while (at < end && *at >= '0' && *at <= '9') {
        if (++digits > 2) luaL_error(L, "a width or precision in a format has at most two digits");
        *out = *out * 10 + (*at++ - '0');
    }
    return at;
}

/* at: behind the '%'. */
static const char *read_directive(lua_State *L, const char *at, const char *end,
                                  struct directive *out) {
    const char *start = at;
    out->width = 0;
    out->precision = -1;
    while (at < end && *at && strchr("-+ #0", *at)) at++;
    if (at - start > 5) luaL_error(L, "a directive in a format has too many flags");
    at = read_number(L, at, end, &out->width);
    if (at < end && *at == '.') at = read_number(L, at + 1, end, &out->precision);
    if (at >= end) luaL_error(L, "a format ends with an unfinished directive");
    out->length = (size_t)(at - start);
    out->text[0] = '%';
    memcpy(out->text + 1, start, out->length++);
    out->conversion = *at;
    return at + 1;
}

static void add_printed(struct grow *grow, const struct directive *d, char conversion,
                        const char *modifier, double number, long long integer, bool is_integer) {
    char format[40];
    snprintf(format, sizeof format, "%.*s%s%c", (int)d->length, d->text, modifier, conversion);
    char *out = grow_room(grow, 512); /* the longest is a %99.99f of 1e308: 308 + 1 + 99 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int length =
        is_integer ? snprintf(out, 512, format, integer) : snprintf(out, 512, format, number);
#pragma GCC diagnostic pop
    if (length > 0) grow->length += (size_t)(length < 512 ? length : 511);
}

static void add_padded(struct grow *grow, const struct directive *d, const char *text,
                       size_t length) {
    bool left = memchr(d->text, '-', d->length) != NULL;
    size_t pad = (size_t)d->width > length ? (size_t)d->width - length : 0;
    char blanks[100];
    memset(blanks, ' ', sizeof blanks);
    if (!left) grow_add(grow, blanks, pad);
    grow_add(grow, text, length);
    if (left) grow_add(grow, blanks, pad);
}

/* %.2f of a decimal is rounded half to even from its exact digits. */
static void add_decimal_fixed(struct grow *grow, const struct directive *d, struct decimal value) {
    int places = d->precision < 0 ? 6 : d->precision;
    char text[DECIMAL_TEXT_MAX + 128];
    if (places < DECIMAL_PLACES) {
        struct decimal step = {1};
        for (int i = places; i < DECIMAL_PLACES; i++) step.units *= 10;
        value = decimal_round(value, step, DECIMAL_HALF_EVEN);
    }
    size_t length = 0;
    if (decimal_sign(value) >= 0 && memchr(d->text, '+', d->length)) text[length++] = '+';
    char digits[DECIMAL_TEXT_MAX];
    size_t count = decimal_print(value, digits);
    memcpy(text + length, digits, count);
    const char *point = memchr(digits, '.', count);
    size_t have = point ? count - (size_t)(point - digits) - 1 : 0;
    length += count;
    if (places > 0 && !point) text[length++] = '.';
    for (; have < (size_t)places; have++) text[length++] = '0';
    add_padded(grow, d, text, length);
}

static void add_quoted(struct grow *grow, const char *text, size_t length) {
    grow_add(grow, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        switch (text[i]) {
        case '"':
        case '\\':
        case '\n':
            grow_add(grow, "\\", 1);
            grow_add(grow, text + i, 1);
            break;
        case '\r': grow_add(grow, "\\r", 2); break;
        case '\0': grow_add(grow, "\\000", 4); break;
        default: grow_add(grow, text + i, 1);
        }
    }
    grow_add(grow, "\"", 1);
}

static void add_integer(lua_State *L, struct grow *grow, const struct directive *d, int argument) {
    struct decimal value;
    int64_t integer;
    double number = 0;
    if (bind_decimal(L, argument, &value)) {
        if (!decimal_to_int(value, &integer))
            luaL_error(L, "argument %d of format: %%%c needs a whole number", argument,
                       d->conversion);
    } else {
        number = luaL_checknumber(L, argument);
        if (!(number >= -9.2e18 && number <= 9.2e18))
            luaL_error(L, "argument %d of format: the number does not fit %%%c", argument,
                       d->conversion);
        integer = (int64_t)number;
    }
    add_printed(grow, d, d->conversion == 'i' ? 'd' : d->conversion, "ll", 0, integer, true);
}

static void add_number(lua_State *L, struct grow *grow, const struct directive *d, int argument) {
    struct decimal value;
    if (inner_tag(L, argument) == &number_decimal_tag && bind_decimal(L, argument, &value)) {
        if (d->conversion == 'f') {
            add_decimal_fixed(grow, d, value);
            return;
        }
        add_printed(grow, d, d->conversion, "", decimal_to_double(value), 0, false);
        return;
    }
    add_printed(grow, d, d->conversion, "", luaL_checknumber(L, argument), 0, false);
}

static void add_text(lua_State *L, struct grow *grow, const struct directive *d, int argument) {
    size_t length;
    luaL_checkany(L, argument);
    const char *text = lib_base_text(L, argument, &length);
    if (d->precision >= 0 && (size_t)d->precision < length) length = (size_t)d->precision;
    add_padded(grow, d, text, length);
    lua_pop(L, 1);
}

static void add_directive(lua_State *L, struct grow *grow, const struct directive *d,
                          int argument) {
    size_t length;
    const char *text;
    char character;
    switch (d->conversion) {
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o': add_integer(L, grow, d, argument); break;
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G': add_number(L, grow, d, argument); break;
    case 's': add_text(L, grow, d, argument); break;
    case 'c':
        character = (char)luaL_checkinteger(L, argument);
        add_padded(grow, d, &character, 1);
        break;
    case 'q':
        text = luaL_checklstring(L, argument, &length);
        add_quoted(grow, text, length);
        break;
    case 'p': luaL_error(L, "%%p is not available: addresses are no business of a script"); break;
    default: luaL_error(L, "unknown directive '%%%c' in a format", d->conversion);
    }
}

static int format(lua_State *L) {
    size_t length;
    const char *at = luaL_checklstring(L, 1, &length), *end = at + length;
    int argument = 1, given = lua_gettop(L);
    struct grow grow;
    grow_open(&grow, L);
    while (at < end) {
        const char *percent = memchr(at, '%', (size_t)(end - at));
        if (!percent) percent = end;
        grow_add(&grow, at, (size_t)(percent - at));
        at = percent;
        if (at == end) break;
        if (at + 1 < end && at[1] == '%') {
            grow_add(&grow, "%", 1);
            at += 2;
            continue;
        }
        struct directive directive;
        at = read_directive(L, at + 1, end, &directive);
        guard_charge(L, inner_box(L), 20);
        if (++argument > given) return luaL_error(L, "format has more directives than arguments");
        add_directive(L, &grow, &directive, argument);
    }
    return grow_finish(&grow);
}

void lib_string_open(struct sandbox *box) {
    lua_State *L = box->L;
    lua_getfield(L, LUA_REGISTRYINDEX, "lib.string");
    lua_pushcfunction(L, repeat);
    lua_setfield(L, -2, "rep");
    lua_pushcfunction(L, format);
    lua_setfield(L, -2, "format");
    lua_pop(L, 1);
}
