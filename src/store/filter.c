/* Reads a query's conditions into typed values and evaluates them. */
#include "store/filter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_DEFAULT 1000

static int64_t read_int(const struct column *column, const void *row)
{
    int64_t value;
    memcpy(&value, (const char *)row + column->offset, sizeof value);
    return value;
}

static const char *read_text(const struct column *column, const void *row)
{
    if (column->type == COLUMN_TEXT)
        return (const char *)row + column->offset;
    int value;
    memcpy(&value, (const char *)row + column->offset, sizeof value);
    return column->names[value];
}

static bool equal(const struct column *column, const void *a, const void *b)
{
    struct decimal x, y;
    switch (column->type) {
    case COLUMN_INT:
    case COLUMN_TIME:
        return read_int(column, a) == read_int(column, b);
    case COLUMN_BOOL:
        return *((const bool *)a + column->offset) == *((const bool *)b + column->offset);
    case COLUMN_DECIMAL:
        memcpy(&x, (const char *)a + column->offset, sizeof x);
        memcpy(&y, (const char *)b + column->offset, sizeof y);
        return decimal_ok(x) && decimal_ok(y) ? decimal_eq(x, y) : decimal_ok(x) == decimal_ok(y);
    case COLUMN_TEXT:
    case COLUMN_ENUM:
        return strcmp(read_text(column, a), read_text(column, b)) == 0;
    case COLUMN_LONG:
        break;
    }
    return false;
}

static int compare(const struct column *column, const void *a, const void *b)
{
    if (column->type == COLUMN_TEXT || column->type == COLUMN_ENUM)
        return strcmp(read_text(column, a), read_text(column, b));
    if (column->type == COLUMN_BOOL)
        return *((const bool *)a + column->offset) - *((const bool *)b + column->offset);
    int64_t x = read_int(column, a), y = read_int(column, b);
    return (x > y) - (x < y);
}

static bool op_fits(const struct column *column, const struct store_condition *condition)
{
    switch (condition->op) {
    case STORE_EQ:
    case STORE_NE:
        return column->type != COLUMN_LONG;
    case STORE_IN:
        return column->type != COLUMN_LONG && condition->value;
    case STORE_PREFIX:
        return column->type == COLUMN_TEXT && condition->value;
    case STORE_LT:
    case STORE_LE:
    case STORE_GT:
    case STORE_GE:
        return condition->value && (column->type == COLUMN_INT || column->type == COLUMN_TIME ||
                                    column->type == COLUMN_TEXT);
    }
    return false;
}

static bool read_value(struct filter_term *term, const struct table *table, const char *text,
                       struct arena *arena, struct err *err)
{
    if (term->count == FILTER_VALUES_MAX)
        return err_set(err, ERR_REFUSED, ERR_USAGE,
                       "%s: at most %d values may be asked for at once", term->column->name,
                       FILTER_VALUES_MAX);
    void *row = arena_alloc(arena, table->row_size);
    row_init(table, row);
    if (!column_parse(term->column, row, text, arena, err))
        return false;
    term->values[term->count++] = row;
    return true;
}

static bool read_list(struct filter_term *term, const struct table *table, const char *text,
                      struct arena *arena, struct err *err)
{
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        if (!read_value(term, table, arena_copy(arena, at, length), arena, err))
            return false;
        at += length;
        if (!*at)
            return true;
    }
}

static bool read_term(struct filter_term *term, const struct table *table,
                      const struct store_condition *condition, struct arena *arena, struct err *err)
{
    *term = (struct filter_term){.op = condition->op};
    term->column = column_find(table, condition->column, NULL);
    if (!term->column)
        return err_set(err, ERR_REFUSED, ERR_USAGE, "%s has no column \"%.60s\"", table->name,
                       condition->column);
    if (!op_fits(term->column, condition))
        return err_set(err, ERR_REFUSED, ERR_USAGE, "%s.%s cannot be compared in this way",
                       table->name, condition->column);
    if (condition->op == STORE_PREFIX) {
        term->prefix = arena_text(arena, condition->value);
        return true;
    }
    if (condition->op == STORE_IN)
        return read_list(term, table, condition->value, arena, err);
    return read_value(term, table, condition->value, arena, err);
}

bool filter_read(struct filter *filter, const struct store_query *query, struct arena *arena,
                 struct err *err)
{
    const struct table *table = &tables[query->table];
    assert(query->where_count <= sizeof filter->terms / sizeof filter->terms[0]);
    filter->table = table;
    filter->count = query->where_count;
    filter->descending = query->descending;
    filter->limit = query->limit ? query->limit : LIMIT_DEFAULT;
    filter->order_by = &table->columns[0];
    if (query->order_by) {
        filter->order_by = column_find(table, query->order_by, NULL);
        if (!filter->order_by || filter->order_by->type == COLUMN_DECIMAL ||
            filter->order_by->type == COLUMN_LONG)
            return err_set(err, ERR_REFUSED, ERR_USAGE, "%s cannot be ordered by \"%.60s\"",
                           table->name, query->order_by);
    }
    for (size_t i = 0; i < query->where_count; i++)
        if (!read_term(&filter->terms[i], table, &query->where[i], arena, err))
            return false;
    return true;
}

static bool term_holds(const struct filter_term *term, const void *row)
{
    const struct column *column = term->column;
    if (term->op == STORE_PREFIX)
        return text_starts(read_text(column, row), term->prefix);
    if (term->op == STORE_EQ || term->op == STORE_NE || term->op == STORE_IN) {
        bool found = false;
        for (size_t i = 0; i < term->count && !found; i++)
            found = equal(column, row, term->values[i]);
        return found == (term->op != STORE_NE);
    }
    if (column->type == COLUMN_TIME && read_int(column, row) == 0)
        return false;
    if (column->type == COLUMN_TEXT && !*read_text(column, row))
        return false;
    int order = compare(column, row, term->values[0]);
    switch (term->op) {
    case STORE_LT:
        return order < 0;
    case STORE_LE:
        return order <= 0;
    case STORE_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

bool filter_matches(const struct filter *filter, const void *row)
{
    for (size_t i = 0; i < filter->count; i++)
        if (!term_holds(&filter->terms[i], row))
            return false;
    return true;
}

static int order_rows(const void *left, const void *right, void *ctx)
{
    const struct filter *filter = ctx;
    const void *a = *(const void *const *)left, *b = *(const void *const *)right;
    int order = compare(filter->order_by, a, b);
    if (order == 0)
        order = compare(&filter->table->columns[0], a, b);
    return filter->descending ? -order : order;
}

static bool take_row(void *ctx, const void *row)
{
    struct filter_rows *found = ctx;
    if (!filter_matches(found->filter, row))
        return true;
    if (found->count == found->room) {
        found->room = found->room ? found->room * 2 : 64;
        found->rows = mem_realloc(found->rows, found->room * sizeof *found->rows);
    }
    found->rows[found->count++] = row;
    return true;
}

void filter_book(const struct filter *filter, struct book *book, struct filter_rows *out)
{
    *out = (struct filter_rows){.filter = filter};
    book_each(book, filter->table->id, take_row, out);
    if (out->count)
        qsort_r(out->rows, out->count, sizeof *out->rows, order_rows, (void *)(uintptr_t)filter);
}

bool filter_event_matches(const struct store_events_query *query, const struct event *event)
{
    if (query->after_seq &&
        (query->descending ? event->seq >= query->after_seq : event->seq <= query->after_seq))
        return false;
    if (query->from_us && event->at_us < query->from_us)
        return false;
    if (query->until_us && event->at_us >= query->until_us)
        return false;
    if (query->kind_prefix && !text_starts(event->kind, query->kind_prefix))
        return false;
    return !query->subject || strcmp(event->subject, query->subject) == 0;
}
