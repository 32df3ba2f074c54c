/* Rows as JSON. Every event is made here, so a member is put together in one place and appended at
 * once. */
#include "trade/record.h"
#include "trade/cell.h"
#include "base/calendar.h"

#define PIECE_MAX 512

struct piece { /* ,"name":value */
    char bytes[PIECE_MAX];
    size_t used;
};

static void add(struct piece *piece, const char *bytes, size_t length)
{
    assert(length <= PIECE_MAX - piece->used);
    memcpy(piece->bytes + piece->used, bytes, length);
    piece->used += length;
}

static void add_quoted(struct piece *piece, const char *bytes, size_t length)
{
    add(piece, "\"", 1);
    add(piece, bytes, length);
    add(piece, "\"", 1);
}

static void flush(struct piece *piece, struct str *out)
{
    str_put(out, piece->bytes, piece->used);
    piece->used = 0;
}

/* Nearly all texts need no escape and fit; the others take the general way. */
static void put_text(struct piece *piece, const char *text, struct str *out)
{
    size_t length = 0;
    for (unsigned char c; (c = (unsigned char)text[length]) != 0; length++)
        if (c < ' ' || c > '~' || c == '"' || c == '\\' || length + 2 >= PIECE_MAX - piece->used) {
            flush(piece, out);
            str_put_json(out, text);
            return;
        }
    add_quoted(piece, text, length);
    flush(piece, out);
}

static size_t print_int(int64_t value, char out[24])
{
    char digits[24], *at = digits + sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *--at = '-';
    const size_t length = (size_t)(digits + sizeof digits - at);
    memcpy(out, at, length);
    return length;
}

static void put_member(struct piece *piece, const struct column *column, const void *row,
                       struct str *out)
{
    char text[DECIMAL_TEXT_MAX > CALENDAR_TEXT_MAX ? DECIMAL_TEXT_MAX : CALENDAR_TEXT_MAX];
    add(piece, column->quoted, column->quoted_length);
    if (column->type == COLUMN_TEXT) {
        put_text(piece, (const char *)row + column->offset, out);
        return;
    }
    switch (column->type) {
    case COLUMN_INT:
        add(piece, text, print_int(cell_int(column, row), text));
        break;
    case COLUMN_BOOL:
        add(piece, cell_bool(column, row) ? "true" : "false", cell_bool(column, row) ? 4 : 5);
        break;
    case COLUMN_ENUM: {
        const char *name = cell_enum(column, row);
        add_quoted(piece, name, strlen(name));
        break;
    }
    case COLUMN_LONG:
        flush(piece, out);
        str_put_json(out, cell_long(column, row));
        break;
    default: /* times and decimals */
        if (cell_empty(column, row))
            add(piece, "null", 4);
        else if (column->type == COLUMN_TIME)
            add_quoted(piece, text, calendar_print(cell_int(column, row), text));
        else
            add_quoted(piece, text, decimal_print(cell_decimal(column, row), text));
    }
    flush(piece, out);
}

static void put_changes(const struct table *table, size_t first, const void *before,
                        const void *after, struct str *out)
{
    struct piece piece;
    piece.used = 0;
    add(&piece, "{", 1);
    for (size_t i = first; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        if (before ? cell_equal(column, before, after) : cell_empty(column, after))
            continue;
        put_member(&piece, column, after, out);
        add(&piece, ",", 1);
    }
    if (piece.bytes[0] == ',')
        piece.used = 0; /* the comma that waits for a next member */
    add(&piece, "}", 1);
    flush(&piece, out);
}

void row_json_changes(const struct table *table, const void *before, const void *after,
                      struct str *out)
{
    put_changes(table, 0, before, after, out);
}

void row_json_set(const struct table *table, const void *before, const void *after,
                  struct str *out)
{
    put_changes(table, 1, before, after, out);
}

void row_json(const struct table *table, const void *row, struct str *out)
{
    struct piece piece;
    piece.used = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        add(&piece, i ? "," : "{", 1);
        put_member(&piece, &table->columns[i], row, out);
    }
    add(&piece, "}", 1);
    flush(&piece, out);
}
