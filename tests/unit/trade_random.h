/* Random rows and changes for the tests of trade/: every column gets values that must survive text.
 */
#ifndef TRADE_RANDOM_H
#define TRADE_RANDOM_H
#include "base/chance.h"
#include "trade/record.h"
#include <string.h>

static inline int64_t random_between(struct chance *chance, int64_t low, int64_t high)
{
    return low + (int64_t)chance_below(chance, (uint64_t)(high - low + 1));
}

static inline struct decimal random_decimal(struct chance *chance)
{
    static const int64_t scales[] = {1, 100, 1000000, 1000000000000};
    int64_t scale = scales[chance_below(chance, 4)];
    return decimal_ratio(random_between(chance, -999999999, 999999999), scale);
}

static inline size_t random_text(struct chance *chance, char *out, size_t size)
{
    static const char *const parts[] = {"a",    "Z", "7", "_", "\"", "\\", "\n",
                                        "\x01", "é", "₹", "😀", " ",  "{",  "/"};
    size_t length = 0, most = (size_t)chance_below(chance, size);
    for (;;) {
        const char *part = parts[chance_below(chance, sizeof parts / sizeof parts[0])];
        if (length + strlen(part) > most || length + strlen(part) >= size)
            break;
        memcpy(out + length, part, strlen(part));
        length += strlen(part);
    }
    out[length] = '\0';
    return length;
}

static inline size_t enum_count(const struct column *column)
{
    size_t count = 0;
    while (column->names[count])
        count++;
    return count;
}

static inline void random_cell(struct chance *chance, const struct column *column, void *row,
                               struct arena *arena)
{
    char *at = (char *)row + column->offset;
    const bool absent = chance_hits(chance, 250);
    switch (column->type) {
    case COLUMN_TEXT:
        memset(at, 0, column->size);
        if (!absent)
            random_text(chance, at, column->size);
        break;
    case COLUMN_LONG: {
        char text[300];
        size_t length = random_text(chance, text, sizeof text);
        const char *kept = absent ? NULL : arena_copy(arena, text, length);
        memcpy(at, &kept, sizeof kept);
        break;
    }
    case COLUMN_INT: {
        int64_t value = absent ? 0 : (int64_t)chance_next(chance) >> chance_below(chance, 64);
        memcpy(at, &value, sizeof value);
        break;
    }
    case COLUMN_TIME: { /* 1970 to 2200, whole seconds now and then */
        int64_t value = absent ? 0 : random_between(chance, 1, INT64_C(7258118400000000));
        if (chance_hits(chance, 300))
            value -= value % 1000000;
        memcpy(at, &value, sizeof value);
        break;
    }
    case COLUMN_BOOL:
        *(bool *)at = chance_hits(chance, 500);
        break;
    case COLUMN_DECIMAL: {
        struct decimal value = absent ? decimal_bad() : random_decimal(chance);
        memcpy(at, &value, sizeof value);
        break;
    }
    case COLUMN_ENUM: {
        int value = (int)chance_below(chance, enum_count(column));
        memcpy(at, &value, sizeof value);
        break;
    }
    }
}

/* All columns at random, but for the key and the version. */
static inline void random_row(struct chance *chance, const struct table *table, void *row,
                              const char *key, int64_t version, struct arena *arena)
{
    row_init(table, row);
    for (size_t i = 1; i < table->column_count; i++)
        random_cell(chance, &table->columns[i], row, arena);
    memcpy((char *)row + table->columns[0].offset, key, strlen(key) + 1);
    if (table->version_column >= 0)
        memcpy((char *)row + table->columns[table->version_column].offset, &version,
               sizeof version);
}
#endif
