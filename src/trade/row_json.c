/* Rows as JSON. Every event is made here, so a member is written in place. */
#include "trade/record.h"
#include "trade/cell.h"
#include "base/calendar.h"

/* The most a value takes that is no text of its own, its quotes and NUL included. */
enum {
    VALUE_MOST = (DECIMAL_TEXT_MAX > CALENDAR_TEXT_MAX ? DECIMAL_TEXT_MAX : CALENDAR_TEXT_MAX) + 2
};

static char *put_enum(char *to, const char *name)
{
    const size_t length = strlen(name);
    assert(length + 2 < VALUE_MOST);
    *to++ = '"';
    to = mempcpy(to, name, length);
    *to++ = '"';
    return to;
}

static char *put_figure(char *to, const struct column *column, const void *row)
{
    if (cell_empty(column, row))
        return mempcpy(to, "null", 4);
    *to++ = '"';
    to += column->type == COLUMN_TIME ? calendar_print(cell_int(column, row), to)
                                      : decimal_print(cell_decimal(column, row), to);
    *to++ = '"';
    return to;
}

/* Its name and value, after the comma or whatever else comes before them. */
static void put_member(char before, const struct column *column, const void *row, struct str *out)
{
    char *to = str_begin(out, 1 + column->quoted_length + VALUE_MOST);
    *to++ = before;
    to = mempcpy(to, column->quoted, column->quoted_length);
    switch (column->type) {
    case COLUMN_INT:
        to += text_int(to, cell_int(column, row));
        break;
    case COLUMN_BOOL:
        to = cell_bool(column, row) ? mempcpy(to, "true", 4) : mempcpy(to, "false", 5);
        break;
    case COLUMN_ENUM:
        to = put_enum(to, cell_enum(column, row));
        break;
    case COLUMN_TIME:
    case COLUMN_DECIMAL:
        to = put_figure(to, column, row);
        break;
    case COLUMN_TEXT:
        str_end(out, to);
        str_put_json(out, (const char *)row + column->offset);
        return;
    case COLUMN_LONG:
        str_end(out, to);
        str_put_json(out, cell_long(column, row));
        return;
    }
    str_end(out, to);
}

static void put_changes(const struct table *table, size_t first, const void *before,
                        const void *after, struct str *out)
{
    char comma = '{';
    for (size_t i = first; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        if (before ? cell_equal(column, before, after) : cell_empty(column, after))
            continue;
        put_member(comma, column, after, out);
        comma = ',';
    }
    str_puts(out, comma == '{' ? "{}" : "}");
}

void row_json_changes(const struct table *table, const void *before, const void *after,
                      struct str *out)
{
    put_changes(table, 0, before, after, out);
}

void row_json_set(const struct table *table, const void *before, const void *after, struct str *out)
{
    put_changes(table, 1, before, after, out);
}

void row_json(const struct table *table, const void *row, struct str *out)
{
    for (size_t i = 0; i < table->column_count; i++)
        put_member(i ? ',' : '{', &table->columns[i], row, out);
    str_putc(out, '}');
}
