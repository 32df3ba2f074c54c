/* Reading one cell of a row by its column: for who turns rows into something else. */
#ifndef TIDELOCK_TRADE_CELL_H
#define TIDELOCK_TRADE_CELL_H
#include "trade/record.h"
#include <assert.h>
#include <string.h>

static inline const char *cell_long(const struct column *column, const void *row)
{
    const char *text;
    memcpy(&text, (const char *)row + column->offset, sizeof text);
    return text;
}

static inline int64_t cell_int(const struct column *column, const void *row)
{
    int64_t value;
    memcpy(&value, (const char *)row + column->offset, sizeof value);
    return value;
}

static inline bool cell_bool(const struct column *column, const void *row)
{
    return *(const bool *)((const char *)row + column->offset);
}

static inline struct decimal cell_decimal(const struct column *column, const void *row)
{
    struct decimal value;
    memcpy(&value, (const char *)row + column->offset, sizeof value);
    return value;
}

static inline const char *cell_enum(const struct column *column, const void *row)
{
    int value;
    memcpy(&value, (const char *)row + column->offset, sizeof value);
    assert(value >= 0 && value < 16);
    return column->names[value];
}

static inline bool cell_equal(const struct column *column, const void *a, const void *b)
{
    const char *x = (const char *)a + column->offset, *y = (const char *)b + column->offset;
    switch (column->type) {
    case COLUMN_TEXT:
        return strcmp(x, y) == 0;
    case COLUMN_LONG: {
        const char *s = cell_long(column, a), *t = cell_long(column, b);
        return s == t || (s && t && strcmp(s, t) == 0);
    }
    case COLUMN_DECIMAL: {
        struct decimal p = cell_decimal(column, a), q = cell_decimal(column, b);
        return p.units == q.units || (!decimal_ok(p) && !decimal_ok(q));
    }
    case COLUMN_INT:
    case COLUMN_TIME:
        return memcmp(x, y, sizeof(int64_t)) == 0;
    case COLUMN_BOOL:
        return *x == *y;
    case COLUMN_ENUM:
        return memcmp(x, y, sizeof(int)) == 0;
    }
    return false;
}

/* Enumerations are never empty: their first name says something. */
static inline bool cell_empty(const struct column *column, const void *row)
{
    switch (column->type) {
    case COLUMN_TEXT:
        return *((const char *)row + column->offset) == '\0';
    case COLUMN_LONG:
        return !cell_long(column, row);
    case COLUMN_INT:
    case COLUMN_TIME:
        return cell_int(column, row) == 0;
    case COLUMN_BOOL:
        return !cell_bool(column, row);
    case COLUMN_DECIMAL:
        return !decimal_ok(cell_decimal(column, row));
    case COLUMN_ENUM:
        return false;
    }
    return true;
}
#endif
