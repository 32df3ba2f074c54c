/* The one place of the SQLite body that knows how a cell looks in a row: decimals are canonical
 * text or NULL, times and numbers INTEGER, names of states TEXT, absent texts of LONG columns NULL.
 */
#include "store/rows.h"
#include "trade/cell.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static const void *cell(const struct column *column, const void *row)
{
    return (const char *)row + column->offset;
}

uint32_t rows_changed(const struct table *table, const void *before, const void *after)
{
    uint32_t mask = 0;
    assert(table->column_count <= ROWS_COLUMNS_MAX);
    for (size_t i = 0; i < table->column_count; i++)
        if (!cell_equal(&table->columns[i], before, after))
            mask |= 1u << i;
    return mask;
}

/* ---- statements ---- */

void rows_insert_sql(const struct table *table, struct str *sql)
{
    str_printf(sql, "INSERT INTO %s VALUES(", table->name);
    for (size_t i = 0; i < table->column_count; i++)
        str_puts(sql, i ? ",?" : "?");
    str_putc(sql, ')');
}

void rows_update_sql(const struct table *table, uint32_t mask, struct str *sql)
{
    const char *separator = "";
    /* OR FAIL: a single row fails before anything of it is written, so nothing needs to be undone;
     * for ABORT SQLite would copy every page the statement touches, because of the triggers. */
    str_printf(sql, "UPDATE OR FAIL %s SET ", table->name);
    for (size_t i = 0; i < table->column_count; i++)
        if (mask & 1u << i) {
            str_printf(sql, "%s%s=?", separator, table->columns[i].name);
            separator = ",";
        }
    str_printf(sql, " WHERE %s=? AND %s=?", table->columns[0].name,
               table->columns[table->version_column].name);
}

/* The indexes of what is alive: which column they know, and their condition, word by word as in the
 * schema. */
static const struct live_index {
    enum table_id table;
    const char *column, *condition;
    unsigned states;
} live_indexes[] = {
    {TABLE_SIGNAL, "state",
     "state = 'received' OR state = 'retrying' OR state = 'working' OR state = 'dead'",
     1u << SIGNAL_RECEIVED | 1u << SIGNAL_RETRYING | 1u << SIGNAL_WORKING | 1u << SIGNAL_DEAD},
    {TABLE_ORDER, "state",
     "state = 'intended' OR state = 'sending' OR state = 'sent' OR state = 'acknowledged' OR "
     "state = 'partially_filled' OR state = 'unknown'",
     1u << ORDER_INTENDED | 1u << ORDER_SENDING | 1u << ORDER_SENT | 1u << ORDER_ACKNOWLEDGED |
         1u << ORDER_PARTIALLY_FILLED | 1u << ORDER_UNKNOWN},
    {TABLE_POSITION, "status", "status = 'open' OR status = 'closing' OR status = 'partial'",
     1u << POSITION_OPEN | 1u << POSITION_CLOSING | 1u << POSITION_PARTIAL},
};

/* Says of a term that asks for nothing but live rows that it does. */
static void put_live(const struct table *table, const struct filter_term *term, struct str *sql)
{
    if ((term->op != STORE_EQ && term->op != STORE_IN) || term->column->type != COLUMN_ENUM)
        return;
    for (size_t i = 0; i < sizeof live_indexes / sizeof *live_indexes; i++) {
        const struct live_index *index = &live_indexes[i];
        bool all = index->table == table->id && strcmp(index->column, term->column->name) == 0;
        for (size_t v = 0; all && v < term->count; v++) {
            int state = -1;
            memcpy(&state, cell(term->column, term->values[v]), sizeof state);
            all = (index->states >> state & 1) != 0;
        }
        if (all)
            str_printf(sql, " AND (%s)", index->condition);
    }
}

static void put_term(const struct filter_term *term, struct str *sql)
{
    static const char *const signs[] = {
        [STORE_EQ] = " IS ?", [STORE_NE] = " IS NOT ?", [STORE_LT] = "<?",
        [STORE_LE] = "<=?",   [STORE_GT] = ">?",        [STORE_GE] = ">=?",
    };
    const char *name = term->column->name;
    if (term->op == STORE_PREFIX) {
        str_printf(sql, "%s>=? AND %s<?", name, name);
        return;
    }
    if (term->op == STORE_IN) {
        str_printf(sql, "%s IN(", name);
        for (size_t i = 0; i < term->count; i++)
            str_puts(sql, i ? ",?" : "?");
        str_putc(sql, ')');
        return;
    }
    str_puts(sql, name);
    str_puts(sql, signs[term->op]);
    /* An absent time is 0, an absent text ''; said like this, indexes that leave such rows out can
     * be used. */
    if (term->op != STORE_EQ && term->op != STORE_NE && term->column->type != COLUMN_INT)
        str_printf(sql, " AND %s>%s", name, term->column->type == COLUMN_TIME ? "0" : "''");
}

void rows_select_sql(const struct filter *filter, bool limited, struct str *sql)
{
    const struct table *table = filter->table;
    const char *key = table->columns[0].name, *way = filter->descending ? " DESC" : "";
    for (size_t i = 0; i < table->column_count; i++)
        str_printf(sql, "%s%s", i ? "," : "SELECT ", table->columns[i].name);
    str_printf(sql, " FROM %s", table->name);
    for (size_t i = 0; i < filter->count; i++) {
        str_puts(sql, i ? " AND " : " WHERE ");
        put_term(&filter->terms[i], sql);
        put_live(table, &filter->terms[i], sql);
    }
    str_printf(sql, " ORDER BY %s%s", filter->order_by->name, way);
    if (filter->order_by != &table->columns[0])
        str_printf(sql, ",%s%s", key, way);
    if (limited)
        str_puts(sql, " LIMIT ?");
}

/* ---- bindings ---- */

static void bind_cell(struct sqlite_statement *st, int index, const struct column *column,
                      const void *row, char scratch[DECIMAL_TEXT_MAX])
{
    struct decimal decimal;
    int number;
    switch (column->type) {
    case COLUMN_TEXT:
        sqlite_bind_text(st, index, cell(column, row));
        return;
    case COLUMN_LONG:
        sqlite_bind_text(st, index, cell_long(column, row));
        return;
    case COLUMN_INT:
    case COLUMN_TIME:
        sqlite_bind_int(st, index, cell_int(column, row));
        return;
    case COLUMN_BOOL:
        sqlite_bind_int(st, index, *(const bool *)cell(column, row));
        return;
    case COLUMN_DECIMAL:
        memcpy(&decimal, cell(column, row), sizeof decimal);
        if (decimal_ok(decimal))
            sqlite_bind_text_n(st, index, scratch, decimal_print(decimal, scratch));
        else
            sqlite_bind_null(st, index);
        return;
    case COLUMN_ENUM:
        memcpy(&number, cell(column, row), sizeof number);
        sqlite_bind_text(st, index, column->names[number]);
        return;
    }
}

void rows_bind(struct sqlite_statement *st, int index, const struct table *table, size_t column,
               const void *row, struct rows_scratch *scratch)
{
    bind_cell(st, index, &table->columns[column], row, scratch->text[column]);
}

void rows_bind_all(struct sqlite_statement *st, const struct table *table, const void *row,
                   struct rows_scratch *scratch)
{
    assert(table->column_count <= ROWS_COLUMNS_MAX);
    for (size_t i = 0; i < table->column_count; i++)
        bind_cell(st, (int)i + 1, &table->columns[i], row, scratch->text[i]);
}

/* Just above every text that starts with the prefix, bytes being compared. */
static const char *above(const char *prefix, struct arena *arena)
{
    char *bound = arena_text(arena, prefix);
    for (size_t length = strlen(bound); length > 0; length--) {
        unsigned char last = (unsigned char)bound[length - 1];
        if (last < 0xff) {
            bound[length - 1] = (char)(last + 1);
            bound[length] = '\0';
            return bound;
        }
    }
    return "\xff\xff\xff\xff";
}

void rows_bind_filter(struct sqlite_statement *st, const struct filter *filter, bool limited,
                      struct arena *arena)
{
    int index = 0;
    for (size_t i = 0; i < filter->count; i++) {
        const struct filter_term *term = &filter->terms[i];
        if (term->op == STORE_PREFIX) {
            sqlite_bind_text(st, ++index, term->prefix);
            sqlite_bind_text(st, ++index, above(term->prefix, arena));
        }
        for (size_t v = 0; v < term->count; v++)
            bind_cell(st, ++index, term->column, term->values[v],
                      arena_alloc(arena, DECIMAL_TEXT_MAX));
    }
    if (limited)
        sqlite_bind_int(st, ++index, (int64_t)filter->limit);
}

/* ---- readings ---- */

static bool strange(const struct column *column, struct err *err)
{
    return err_set(err, ERR_REFUSED, ERR_CORRUPT, "%s is not as it was written", column->name);
}

/* Text that means the same but was not written by us ("1.50", "Done") is damage too. */
static bool read_text_cell(struct sqlite_statement *st, int index, const struct column *column,
                           void *row, struct arena *arena, struct err *err)
{
    char printed[DECIMAL_TEXT_MAX];
    struct decimal decimal;
    int number;
    const char *text = sqlite_text(st, index);
    if (!text || !column_parse(column, row, text, arena, err))
        return text ? false : strange(column, err);
    if (column->type == COLUMN_ENUM) {
        memcpy(&number, cell(column, row), sizeof number);
        return strcmp(column->names[number], text) == 0 || strange(column, err);
    }
    if (column->type == COLUMN_DECIMAL) {
        memcpy(&decimal, cell(column, row), sizeof decimal);
        decimal_print(decimal, printed);
        return strcmp(printed, text) == 0 || strange(column, err);
    }
    return true;
}

static bool read_cell(struct sqlite_statement *st, int index, const struct column *column,
                      void *row, struct arena *arena, struct err *err)
{
    int64_t value;
    switch (column->type) {
    case COLUMN_INT:
    case COLUMN_TIME:
        value = sqlite_int(st, index);
        memcpy((char *)row + column->offset, &value, sizeof value);
        return true;
    case COLUMN_BOOL:
        value = sqlite_int(st, index);
        *((bool *)row + column->offset) = value == 1;
        return value == 0 || value == 1 || strange(column, err);
    case COLUMN_LONG:
    case COLUMN_DECIMAL:
        if (sqlite_is_null(st, index))
            return column_parse(column, row, NULL, arena, err);
        break;
    default:
        break;
    }
    return read_text_cell(st, index, column, row, arena, err);
}

bool rows_read(struct sqlite_statement *st, const struct table *table, void *row,
               struct arena *arena, struct err *err)
{
    row_init(table, row);
    for (size_t i = 0; i < table->column_count; i++)
        if (!read_cell(st, (int)i, &table->columns[i], row, arena, err)) {
            char why[sizeof err->text];
            text_copy(why, sizeof why, err ? err->text : "");
            return err_set(err, ERR_REFUSED, ERR_CORRUPT, "%s %s: %.120s; restore the last backup",
                           table->name, row_key(table, row), why);
        }
    return true;
}
