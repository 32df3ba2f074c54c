/* Values that a script returned, as JSON and as words. Keys are sorted, so that equal tables give
 * equal text. */
#include "policy/inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool value_decimal(const struct sandbox_value *value, struct decimal *out)
{
    sandbox_units units;

    if (!sandbox_value_units(value, &units))
        return false;
    out->units = units;
    return true;
}

static void put_number(const struct sandbox_value *value, struct str *json)
{
    char text[40];
    struct decimal exact;

    if (value->type == SANDBOX_INTEGER) {
        str_put_int(json, value->integer);
    } else if (value_decimal(value, &exact)) {
        str_put_decimal(json, exact);
    } else {
        snprintf(text, sizeof text, "%.10g", value->number);
        str_puts(json, text);
    }
}

#define KEY_MAX 48

struct pair { /* "key":value as it was written, from start to end of the text */
    char key[KEY_MAX];
    size_t start, end;
};

static bool read_key(const struct sandbox_value *key, char *out)
{
    if (key->type == SANDBOX_INTEGER) {
        snprintf(out, KEY_MAX, "%lld", (long long)key->integer);
        return true;
    }
    return key->type == SANDBOX_TEXT && text_copy(out, KEY_MAX, key->text) &&
           text_is_utf8(key->text, key->length);
}

static int compare_pairs(const void *left, const void *right)
{
    const struct pair *a = left, *b = right;

    return strcmp(a->key, b->key);
}

/* Puts what was written since `start` into the order of the keys. */
static void sort_pairs(struct str *json, size_t start, struct pair *pairs, size_t count)
{
    size_t length = json->length - start;
    char few[512] UNSET, *old;
    bool sorted = true;

    for (size_t i = 1; i < count; i++)
        sorted = sorted && strcmp(pairs[i - 1].key, pairs[i].key) <= 0;
    if (sorted || json->cut)
        return;
    old = length <= sizeof few ? few : mem_alloc(length);
    memcpy(old, json->data + start, length);
    qsort(pairs, count, sizeof *pairs, compare_pairs);
    json->length = start;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            str_putc(json, ',');
        str_put(json, old + (pairs[i].start - start), pairs[i].end - pairs[i].start);
    }
    if (old != few)
        mem_free(old);
}

static void put_pairs(struct sandbox *box, const struct sandbox_value *table, int depth,
                      struct str *json)
{
    struct pair pairs[INPUT_MAX] UNSET;
    struct sandbox_value key, value;
    size_t count = 0, start;
    int walk = 0;

    str_putc(json, '{');
    start = json->length;
    while (count < INPUT_MAX && sandbox_next(box, table, &walk, &key, &value)) {
        struct pair *pair = &pairs[count];

        if (!read_key(&key, pair->key))
            continue;
        if (count++ > 0)
            str_putc(json, ',');
        pair->start = json->length;
        str_put_json(json, pair->key);
        str_putc(json, ':');
        value_json(box, &value, depth - 1, json);
        pair->end = json->length;
    }
    sort_pairs(json, start, pairs, count);
    str_putc(json, '}');
}

static void put_list(struct sandbox *box, const struct sandbox_value *table, size_t length,
                     int depth, struct str *json)
{
    struct sandbox_value item;

    str_putc(json, '[');
    for (size_t i = 1; i <= length && i <= INPUT_MAX; i++) {
        if (i > 1)
            str_putc(json, ',');
        sandbox_element(box, table, i, &item);
        value_json(box, &item, depth - 1, json);
    }
    str_putc(json, ']');
}

void value_json(struct sandbox *box, const struct sandbox_value *value, int depth, struct str *json)
{
    size_t length;

    switch (value->type) {
    case SANDBOX_NIL:
        str_puts(json, "null");
        break;
    case SANDBOX_BOOLEAN:
        str_puts(json, value->boolean ? "true" : "false");
        break;
    case SANDBOX_INTEGER:
    case SANDBOX_NUMBER:
        put_number(value, json);
        break;
    case SANDBOX_DECIMAL: /* in quotes: readers in other languages would make it a double */
        str_putc(json, '"');
        put_number(value, json);
        str_putc(json, '"');
        break;
    case SANDBOX_TEXT:
        if (text_is_utf8(value->text, value->length))
            str_put_json_n(json, value->text, value->length);
        else
            str_puts(json, "\"(not UTF-8)\"");
        break;
    case SANDBOX_TABLE:
        length = sandbox_length(box, value);
        if (depth <= 0)
            str_puts(json, "\"(nested too deep)\"");
        else if (length > 0)
            put_list(box, value, length, depth, json);
        else
            put_pairs(box, value, depth, json);
        break;
    default:
        str_put_json(json, sandbox_type_name(value->type));
    }
}

const char *value_show(const struct sandbox_value *value, char *out, size_t size)
{
    char text[DECIMAL_TEXT_MAX];

    switch (value->type) {
    case SANDBOX_BOOLEAN:
        snprintf(out, size, "%s", value->boolean ? "true" : "false");
        break;
    case SANDBOX_INTEGER:
        snprintf(out, size, "%lld", (long long)value->integer);
        break;
    case SANDBOX_NUMBER:
        snprintf(out, size, "%.15g", value->number);
        break;
    case SANDBOX_DECIMAL:
        decimal_print((struct decimal){value->units}, text);
        snprintf(out, size, "%s", text);
        break;
    case SANDBOX_TEXT:
        snprintf(out, size, "\"%.40s\"", value->text);
        break;
    case SANDBOX_NIL:
        snprintf(out, size, "nil");
        break;
    default:
        snprintf(out, size, "a %s", sandbox_type_name(value->type));
    }
    return out;
}

int value_keep(struct sandbox *box)
{
    lua_State *L = bind_state(box);
    struct sandbox_value value;

    sandbox_result(box, 0, &value);
    if (value.type == SANDBOX_NIL)
        return 0;
    lua_pushvalue(L, value.slot);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}
