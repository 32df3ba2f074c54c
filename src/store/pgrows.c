/* The one place of the PostgreSQL body that knows how a cell looks in a row: decimals are numeric
 * in their shortest form or NULL, times and numbers bigint, names of states text, absent texts of
 * LONG columns NULL. */
#include "store/pgrows.h"
#include "trade/cell.h"

#include <assert.h>
#include <string.h>

static const enum pg_type types[] = {
    [COLUMN_TEXT] = PG_TEXT, [COLUMN_LONG] = PG_TEXT, [COLUMN_INT] = PG_INT,
    [COLUMN_TIME] = PG_INT,  [COLUMN_BOOL] = PG_BOOL, [COLUMN_DECIMAL] = PG_NUMERIC,
    [COLUMN_ENUM] = PG_TEXT,
};
static const char *const type_names[] = {
    [COLUMN_TEXT] = "text",   [COLUMN_LONG] = "text",    [COLUMN_INT] = "bigint",
    [COLUMN_TIME] = "bigint", [COLUMN_BOOL] = "boolean", [COLUMN_DECIMAL] = "numeric",
    [COLUMN_ENUM] = "text",
};

static const void *cell(const struct column *column, const void *row)
{
    return (const char *)row + column->offset;
}

static const char *read_text(const struct column *column, const void *row)
{
    const char *text;
    int number;
    switch (column->type) {
    case COLUMN_LONG:
        memcpy(&text, cell(column, row), sizeof text);
        return text;
    case COLUMN_ENUM:
        memcpy(&number, cell(column, row), sizeof number);
        return column->names[number];
    default:
        return cell(column, row);
    }
}

static struct decimal read_decimal(const struct column *column, const void *row)
{
    struct decimal value;
    memcpy(&value, cell(column, row), sizeof value);
    return value;
}

size_t pgrows_name(char out[PGROWS_NAME], const struct table *table, const char *key)
{
    size_t length = strlen(key);
    assert(length + 2 <= PGROWS_NAME);
    out[0] = (char)('A' + (int)table->id);
    memcpy(out + 1, key, length + 1);
    return length + 1;
}

/* A signal stands in the table of its month: saying when it came spares looking through all. */
static const struct column *month_column(const struct table *table)
{
    return table->id == TABLE_SIGNAL ? column_find(table, "received_at", NULL) : NULL;
}

/* ---- writing ---- */

static void put_unnest(const struct table *table, int first, struct str *sql)
{
    for (size_t i = 0; i < table->column_count; i++)
        str_printf(sql, "%sunnest($%d::%s[])", i ? "," : "", first + (int)i,
                   type_names[table->columns[i].type]);
}

static int place(const struct table *table, const char *name)
{
    size_t index = 0;
    const struct column *column = column_find(table, name, &index);
    assert(column);
    return (int)index + 1;
}

void pgrows_insert_sql(const struct table *table, struct str *sql)
{
    if (table->id == TABLE_SIGNAL)
        str_printf(sql,
                   "WITH f AS (INSERT INTO fingerprints SELECT "
                   "unnest($%d::text[]),unnest($%d::text[]),unnest($%d::bigint[])) ",
                   place(table, "fingerprint"), place(table, "id"), place(table, "received_at"));
    str_printf(sql, "INSERT INTO %s SELECT ", table->name);
    put_unnest(table, 1, sql);
}

void pgrows_update_sql(const struct table *table, uint32_t mask, struct str *sql)
{
    const struct column *month = month_column(table);
    const char *separator = "", *name = table->name;
    int number = 2;
    str_printf(sql, "WITH u AS (UPDATE %s AS t SET ", name);
    for (size_t i = 0; i < table->column_count; i++)
        if (mask & 1u << i) {
            str_printf(sql, "%s%s=n.%s", separator, table->columns[i].name, table->columns[i].name);
            separator = ",";
        }
    str_puts(sql, " FROM (SELECT unnest($1::text[]) AS k_,unnest($2::bigint[]) AS v_");
    if (month)
        str_printf(sql, ",unnest($%d::bigint[]) AS m_", ++number);
    for (size_t i = 0; i < table->column_count; i++)
        if (mask & 1u << i)
            str_printf(sql, ",unnest($%d::%s[]) AS %s", ++number,
                       type_names[table->columns[i].type], table->columns[i].name);
    str_printf(sql, ") AS n WHERE t.%s=n.k_ AND t.%s=n.v_", table->columns[0].name,
               table->columns[table->version_column].name);
    if (month)
        str_printf(sql, " AND t.%s=n.m_", month->name);
    str_printf(sql,
               " RETURNING 1) SELECT CASE WHEN count(*)<>cardinality($1::text[]) THEN "
               "tl_expect(count(*),cardinality($1::text[]),'%s','TL002') END FROM u",
               name);
}

static void put_cell(const struct column *column, const void *row, struct pg_args *args)
{
    switch (types[column->type]) {
    case PG_INT:
        pg_array_int(args, cell_int(column, row));
        return;
    case PG_BOOL:
        pg_array_bool(args, *(const bool *)cell(column, row));
        return;
    case PG_NUMERIC:
        pg_array_decimal(args, read_decimal(column, row));
        return;
    default:
        pg_array_text(args, read_text(column, row));
        return;
    }
}

static void put_column(const struct column *column, const struct pgrows_pair *pairs, size_t count,
                       bool before, struct pg_args *args)
{
    pg_array_begin(args, types[column->type], count);
    for (size_t i = 0; i < count; i++)
        put_cell(column, before ? pairs[i].before : pairs[i].after, args);
    pg_array_end(args);
}

void pgrows_insert_args(const struct table *table, const struct pgrows_pair *pairs, size_t count,
                        struct pg_args *args)
{
    pg_args_clear(args);
    for (size_t i = 0; i < table->column_count; i++)
        put_column(&table->columns[i], pairs, count, false, args);
}

void pgrows_update_args(const struct table *table, uint32_t mask, const struct pgrows_pair *pairs,
                        size_t count, struct pg_args *args)
{
    const struct column *month = month_column(table);
    pg_args_clear(args);
    put_column(&table->columns[0], pairs, count, true, args);
    put_column(&table->columns[table->version_column], pairs, count, true, args);
    if (month)
        put_column(month, pairs, count, true, args);
    for (size_t i = 0; i < table->column_count; i++)
        if (mask & 1u << i)
            put_column(&table->columns[i], pairs, count, false, args);
}

void pgrows_versions_sql(const struct table *table, struct str *sql)
{
    str_printf(sql, "SELECT %s,%s FROM %s WHERE %s=ANY($1::text[])", table->columns[0].name,
               table->version_column < 0 ? "0::bigint" : table->columns[table->version_column].name,
               table->name, table->columns[0].name);
}

/* ---- conditions ---- */

/* What tells the planner where the living are: the condition of an index of theirs as in the schema
 * or, where every row's state changes and no index can afford to know it, the list of them. */
static const struct live_rows {
    enum table_id table;
    const char *column, *condition;
    unsigned states;
} live_rows[] = {
    {TABLE_SIGNAL, "state", "id=ANY(ARRAY(SELECT unnest(ids) FROM live WHERE tab='signals'))",
     1u << SIGNAL_RECEIVED | 1u << SIGNAL_RETRYING | 1u << SIGNAL_WORKING | 1u << SIGNAL_DEAD},
    {TABLE_ORDER, "state", "id=ANY(ARRAY(SELECT unnest(ids) FROM live WHERE tab='orders'))",
     1u << ORDER_INTENDED | 1u << ORDER_SENDING | 1u << ORDER_SENT | 1u << ORDER_ACKNOWLEDGED |
         1u << ORDER_PARTIALLY_FILLED | 1u << ORDER_UNKNOWN},
    {TABLE_POSITION, "status", "id=ANY(ARRAY(SELECT unnest(ids) FROM live WHERE tab='positions'))",
     1u << POSITION_OPEN | 1u << POSITION_CLOSING | 1u << POSITION_PARTIAL},
    {TABLE_MEMBER, "state", "state = 'alive'", 1u << MEMBER_ALIVE},
};

static bool is_live(const struct live_rows *live, const struct column *column, const void *row)
{
    int state = -1;
    memcpy(&state, cell(column, row), sizeof state);
    return (live->states >> state & 1) != 0;
}

bool pgrows_listed(const struct table *table, const void *row)
{
    switch (table->id) {
    case TABLE_SIGNAL:
        return live_rows[0].states >> ((const struct signal *)row)->state & 1;
    case TABLE_ORDER:
        return live_rows[1].states >> ((const struct order *)row)->state & 1;
    case TABLE_POSITION:
        return live_rows[2].states >> ((const struct position *)row)->status & 1;
    default:
        return false;
    }
}

/* Says of a term that asks for nothing but live rows that it does: parameters prove nothing to the
 * planner. */
static void put_live(const struct table *table, const struct filter_term *term, struct str *sql)
{
    if ((term->op != STORE_EQ && term->op != STORE_IN) || term->column->type != COLUMN_ENUM)
        return;
    for (size_t i = 0; i < sizeof live_rows / sizeof *live_rows; i++) {
        const struct live_rows *live = &live_rows[i];
        bool all = live->table == table->id && strcmp(live->column, term->column->name) == 0;
        for (size_t v = 0; all && v < term->count; v++)
            all = is_live(live, term->column, term->values[v]);
        if (all)
            str_printf(sql, " AND %s", live->condition);
    }
}

static void put_value(const struct column *column, const void *row, struct pg_args *args)
{
    switch (types[column->type]) {
    case PG_INT:
        pg_arg_int(args, cell_int(column, row));
        return;
    case PG_BOOL:
        pg_arg_bool(args, *(const bool *)cell(column, row));
        return;
    case PG_NUMERIC:
        pg_arg_decimal(args, read_decimal(column, row));
        return;
    default:
        pg_arg_text(args, read_text(column, row));
        return;
    }
}

/* Just above every text that begins with the prefix, where that is plain to say. */
static void put_prefix(const char *name, const char *prefix, struct str *sql, struct pg_args *args)
{
    size_t length = strlen(prefix);
    unsigned char last = length ? (unsigned char)prefix[length - 1] : 0;
    pg_arg_text(args, prefix);
    str_printf(sql, "starts_with(%s,$%d::text) AND %s>=$%d::text", name, args->count, name,
               args->count);
    if (last == 0 || last >= 0x7e)
        return;
    char bound[KEY_SIZE] = "";
    if (!text_copy(bound, sizeof bound, prefix))
        return;
    bound[length - 1] = (char)(last + 1);
    pg_arg_text(args, bound);
    str_printf(sql, " AND %s<$%d::text", name, args->count);
}

static void put_equal(const struct filter_term *term, struct str *sql, struct pg_args *args)
{
    const char *name = term->column->name;
    bool not = term->op == STORE_NE;
    bool absent = term->column->type == COLUMN_DECIMAL &&
                  !decimal_ok(read_decimal(term->column, term->values[0]));
    if (absent) {
        str_printf(sql, "%s IS %sNULL", name, not ? "NOT " : "");
        return;
    }
    put_value(term->column, term->values[0], args);
    str_printf(sql, "%s %s $%d::%s", name, not ? "IS DISTINCT FROM" : "=", args->count,
               type_names[term->column->type]);
}

static void put_list(const struct filter_term *term, struct str *sql, struct pg_args *args)
{
    pg_array_begin(args, types[term->column->type], term->count);
    for (size_t i = 0; i < term->count; i++)
        put_cell(term->column, term->values[i], args);
    pg_array_end(args);
    str_printf(sql, "%s=ANY($%d::%s[])", term->column->name, args->count,
               type_names[term->column->type]);
}

static void put_order(const struct filter_term *term, struct str *sql, struct pg_args *args)
{
    static const char *const signs[] = {
        [STORE_LT] = "<", [STORE_LE] = "<=", [STORE_GT] = ">", [STORE_GE] = ">="};
    const char *name = term->column->name;
    put_value(term->column, term->values[0], args);
    str_printf(sql, "%s%s$%d::%s", name, signs[term->op], args->count,
               type_names[term->column->type]);
    /* An absent time is 0, an absent text ''. */
    if (term->column->type != COLUMN_INT)
        str_printf(sql, " AND %s>%s", name, term->column->type == COLUMN_TIME ? "0" : "''");
}

static void put_term(const struct filter_term *term, struct str *sql, struct pg_args *args)
{
    if (term->op == STORE_PREFIX)
        put_prefix(term->column->name, term->prefix, sql, args);
    else if (term->op == STORE_IN)
        put_list(term, sql, args);
    else if (term->op == STORE_EQ || term->op == STORE_NE)
        put_equal(term, sql, args);
    else
        put_order(term, sql, args);
}

void pgrows_select(const struct filter *filter, bool limited, struct str *sql, struct pg_args *args)
{
    const struct table *table = filter->table;
    const char *key = table->columns[0].name, *way = filter->descending ? " DESC" : "";
    pg_args_clear(args);
    for (size_t i = 0; i < table->column_count; i++)
        str_printf(sql, "%s%s", i ? "," : "SELECT ", table->columns[i].name);
    str_printf(sql, " FROM %s", table->name);
    for (size_t i = 0; i < filter->count; i++) {
        str_puts(sql, i ? " AND " : " WHERE ");
        put_term(&filter->terms[i], sql, args);
        put_live(table, &filter->terms[i], sql);
    }
    str_printf(sql, " ORDER BY %s%s", filter->order_by->name, way);
    if (filter->order_by != &table->columns[0])
        str_printf(sql, ",%s%s", key, way);
    if (limited) {
        pg_arg_int(args, (int64_t)filter->limit);
        str_printf(sql, " LIMIT $%d::bigint", args->count);
    }
}

/* ---- readings ---- */

static bool strange(const struct column *column, struct err *err)
{
    return err_set(err, ERR_REFUSED, ERR_CORRUPT, "%s is not as it was written", column->name);
}

static bool read_text_cell(const char *text, const struct column *column, void *row,
                           struct arena *arena, struct err *err)
{
    int number;
    if (!text && column->type != COLUMN_LONG)
        return strange(column, err);
    if (!column_parse(column, row, text, arena, err))
        return false;
    if (column->type != COLUMN_ENUM)
        return true;
    memcpy(&number, cell(column, row), sizeof number);
    return strcmp(column->names[number], text) == 0 || strange(column, err);
}

static bool read_cell(const struct pg_rows *rows, size_t at, int index, const struct column *column,
                      void *row, struct arena *arena, struct err *err)
{
    struct decimal decimal;
    int64_t value;
    bool is;
    switch (types[column->type]) {
    case PG_INT:
        value = pg_int(rows, at, index);
        memcpy((char *)row + column->offset, &value, sizeof value);
        return !pg_is_null(rows, at, index) || strange(column, err);
    case PG_BOOL:
        is = pg_bool(rows, at, index);
        memcpy((char *)row + column->offset, &is, sizeof is);
        return !pg_is_null(rows, at, index) || strange(column, err);
    case PG_NUMERIC:
        if (!pg_decimal(rows, at, index, &decimal))
            return strange(column, err);
        memcpy((char *)row + column->offset, &decimal, sizeof decimal);
        return true;
    default:
        return read_text_cell(pg_text(rows, at, index), column, row, arena, err);
    }
}

bool pgrows_read(const struct pg_rows *rows, size_t at, const struct table *table, void *row,
                 struct arena *arena, struct err *err)
{
    row_init(table, row);
    for (size_t i = 0; i < table->column_count; i++)
        if (!read_cell(rows, at, (int)i, &table->columns[i], row, arena, err)) {
            char why[sizeof err->text];
            text_copy(why, sizeof why, err ? err->text : "");
            return err_set(err, ERR_REFUSED, ERR_CORRUPT, "%s %s: %.120s; restore the last backup",
                           table->name, row_key(table, row), why);
        }
    return true;
}

/* ---- events ---- */

void pgrows_select_events(const struct store_events_query *query, size_t limit, struct str *sql,
                          struct pg_args *args)
{
    pg_args_clear(args);
    str_puts(sql, "SELECT seq,at,kind,subject,instance,term,body,hash FROM events WHERE true");
    if (query->subject) {
        pg_arg_text(args, query->subject);
        str_printf(sql, " AND subject=$%d::text", args->count);
    }
    if (query->after_seq) {
        pg_arg_int(args, query->after_seq);
        str_printf(sql, " AND seq%s$%d::bigint", query->descending ? "<" : ">", args->count);
    }
    if (query->from_us) {
        pg_arg_int(args, query->from_us);
        str_printf(sql, " AND at>=$%d::bigint", args->count);
    }
    if (query->until_us) {
        pg_arg_int(args, query->until_us);
        str_printf(sql, " AND at<$%d::bigint", args->count);
    }
    if (query->kind_prefix) {
        pg_arg_text(args, query->kind_prefix);
        str_printf(sql, " AND starts_with(kind,$%d::text)", args->count);
    }
    str_puts(sql, query->descending ? " ORDER BY seq DESC" : " ORDER BY seq");
    if (limit) {
        pg_arg_int(args, (int64_t)limit);
        str_printf(sql, " LIMIT $%d::bigint", args->count);
    }
}

bool pgrows_read_event(const struct pg_rows *rows, size_t at, struct event *event, struct err *err)
{
    *event = (struct event){
        .seq = pg_int(rows, at, 0),
        .at_us = pg_int(rows, at, 1),
        .kind = pg_text(rows, at, 2),
        .subject = pg_text(rows, at, 3),
        .instance = pg_text(rows, at, 4),
        .term = pg_int(rows, at, 5),
        .body = pg_text(rows, at, 6),
    };
    const char *hash = pg_text(rows, at, 7);
    if (hash && pg_length(rows, at, 7) == sizeof event->hash)
        memcpy(event->hash, hash, sizeof event->hash);
    return (event->kind && event->subject && event->instance && event->body) ||
           err_set(err, ERR_REFUSED, ERR_CORRUPT,
                   "event %lld is not as it was written; restore the last backup",
                   (long long)event->seq);
}
