/* Rows without knowing them: copy, compare, print and read any row through its table's description.
 */
#include "trade/record.h"
#include "trade/cell.h"
#include "base/calendar.h"
#include <assert.h>
#include <string.h>
#include <strings.h>

const struct table *table_find(const char *name)
{
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (strcmp(tables[i].name, name) == 0)
            return &tables[i];
    return NULL;
}

/* Members of an event come in column order, so the search begins where the last one ended. */
static const struct column *find_from(const struct table *table, const char *name, size_t *index)
{
    for (size_t n = 0, i = *index; n < table->column_count; n++, i++) {
        if (i >= table->column_count)
            i = 0;
        if (strcmp(table->columns[i].name, name) == 0) {
            *index = i;
            return &table->columns[i];
        }
    }
    return NULL;
}

const struct column *column_find(const struct table *table, const char *name, size_t *index)
{
    size_t at = 0;
    const struct column *column = find_from(table, name, &at);
    if (column && index)
        *index = at;
    return column;
}

static void *cell(const struct column *column, void *row)
{
    return (char *)row + column->offset;
}

const char *row_key(const struct table *table, const void *row)
{
    return (const char *)row + table->columns[0].offset;
}

int64_t row_version(const struct table *table, const void *row)
{
    return table->version_column < 0 ? 0 : cell_int(&table->columns[table->version_column], row);
}

void row_init(const struct table *table, void *row)
{
    const struct decimal absent = decimal_bad();
    memset(row, 0, table->row_size);
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].type == COLUMN_DECIMAL)
            memcpy(cell(&table->columns[i], row), &absent, sizeof absent);
}

void row_copy(const struct table *table, void *to, const void *from, struct arena *arena)
{
    if (to != from)
        memcpy(to, from, table->row_size);
    if (table->long_column) {
        const char *text = arena_text(arena, cell_long(table->long_column, from));
        memcpy(cell(table->long_column, to), &text, sizeof text);
    }
}

bool row_equal(const struct table *table, const void *a, const void *b, size_t *first_difference)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (!cell_equal(&table->columns[i], a, b)) {
            if (first_difference)
                *first_difference = i;
            return false;
        }
    return true;
}

void column_print(const struct column *column, const void *row, struct str *out)
{
    char text[CALENDAR_TEXT_MAX];
    switch (column->type) {
    case COLUMN_TEXT:
        str_puts(out, (const char *)row + column->offset);
        break;
    case COLUMN_LONG:
        if (cell_long(column, row))
            str_puts(out, cell_long(column, row));
        break;
    case COLUMN_INT:
        str_put_int(out, cell_int(column, row));
        break;
    case COLUMN_TIME:
        if (cell_int(column, row))
            str_put(out, text, calendar_print(cell_int(column, row), text));
        break;
    case COLUMN_BOOL:
        str_puts(out, cell_bool(column, row) ? "true" : "false");
        break;
    case COLUMN_DECIMAL:
        if (decimal_ok(cell_decimal(column, row)))
            str_put_decimal(out, cell_decimal(column, row));
        break;
    case COLUMN_ENUM:
        str_puts(out, cell_enum(column, row));
        break;
    }
}

bool enum_parse(const char *const *names, const char *text, int *out)
{
    for (int i = 0; names[i]; i++)
        if (strcasecmp(names[i], text) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static bool parse_int(const char *text, int64_t *out)
{
    bool negative = *text == '-';
    uint64_t value = 0, limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    const char *at = text + negative;
    if (!*at)
        return false;
    for (; *at; at++) {
        if (*at < '0' || *at > '9')
            return false;
        uint64_t digit = (uint64_t)(*at - '0');
        if (value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = (int64_t)(negative ? 0 - value : value);
    return true;
}

static bool parse_bool(const char *text, bool *out)
{
    *out = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    return *out || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

static void clear_cell(const struct column *column, void *row)
{
    const struct decimal absent = decimal_bad();
    if (column->type == COLUMN_DECIMAL)
        memcpy(cell(column, row), &absent, sizeof absent);
    else
        memset(cell(column, row), 0, column->size);
}

static bool parse_error(const struct column *column, const char *text, const char *what,
                        struct err *err)
{
    return err_set(err, ERR_REFUSED, ERR_INPUT, "%s: \"%.60s\" is not %s", column->name, text,
                   what);
}

static bool parse_time(const struct column *column, void *row, const char *text, struct err *err)
{
    int64_t at_us = 0;
    if (*text && !calendar_parse(text, NULL, &at_us, err))
        return err_prefix(err, "%s", column->name);
    memcpy(cell(column, row), &at_us, sizeof at_us);
    return true;
}

static bool parse_decimal(const struct column *column, void *row, const char *text, struct err *err)
{
    struct decimal value = decimal_bad();
    if (*text && !decimal_parse(text, strlen(text), &value, err))
        return err_prefix(err, "%s", column->name);
    memcpy(cell(column, row), &value, sizeof value);
    return true;
}

bool column_parse(const struct column *column, void *row, const char *text, struct arena *arena,
                  struct err *err)
{
    int number;
    int64_t wide;
    if (!text) {
        clear_cell(column, row);
        return true;
    }
    switch (column->type) {
    case COLUMN_TEXT:
        if (!text_copy(cell(column, row), column->size, text))
            return err_set(err, ERR_REFUSED, ERR_INPUT,
                           "%s: longer than %zu characters: \"%.40s...\"", column->name,
                           column->size - 1, text);
        return true;
    case COLUMN_LONG:
        text = arena_text(arena, text);
        memcpy(cell(column, row), &text, sizeof text);
        return true;
    case COLUMN_INT:
        if (!parse_int(text, &wide))
            return parse_error(column, text, "a whole number", err);
        memcpy(cell(column, row), &wide, sizeof wide);
        return true;
    case COLUMN_TIME:
        return parse_time(column, row, text, err);
    case COLUMN_BOOL:
        return parse_bool(text, cell(column, row)) ||
               parse_error(column, text, "true or false", err);
    case COLUMN_DECIMAL:
        return parse_decimal(column, row, text, err);
    case COLUMN_ENUM:
        if (!enum_parse(column->names, text, &number))
            return parse_error(column, text, "one of its names", err);
        memcpy(cell(column, row), &number, sizeof number);
        return true;
    }
    return false;
}

static bool cell_from_json(const struct column *column, void *row, const struct json *value,
                           struct arena *arena, struct err *err)
{
    switch (value->type) {
    case JSON_NULL:
        return column_parse(column, row, NULL, arena, err);
    case JSON_TRUE:
    case JSON_FALSE:
        return column_parse(column, row, value->type == JSON_TRUE ? "true" : "false", arena, err);
    case JSON_NUMBER:
    case JSON_STRING:
        return column_parse(column, row, value->text, arena, err);
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return err_set(err, ERR_REFUSED, ERR_INPUT, "%s: a row holds plain values only", column->name);
}

bool row_from_json(const struct table *table, void *row, const struct json *object,
                   struct arena *arena, struct err *err)
{
    size_t at = 0;
    if (!object || object->type != JSON_OBJECT)
        return err_set(err, ERR_REFUSED, ERR_INPUT, "%s: a row is a JSON object", table->name);
    for (const struct json *value = object->child; value; value = value->next) {
        const struct column *column = find_from(table, value->key, &at);
        if (!column)
            return err_set(err, ERR_REFUSED, ERR_INPUT, "%s has no column \"%.60s\"", table->name,
                           value->key);
        if (!cell_from_json(column, row, value, arena, err))
            return err_prefix(err, "%s", table->name);
        at++;
    }
    return true;
}
