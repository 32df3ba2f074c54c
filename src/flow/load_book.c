/* Loading what is alive once more, under our own term: between the first loading and the term
 * another instance may have written. From here on nobody else can.
 *
 * Rows of ours that are still in flight (a halt, a policy) are newer than what is read and stay. */
#include "flow/load_book.h"
#include "flow/record.h"
#include "trade/order.h"
#include <string.h>

enum { PAGE = 2000 };

struct reading {
    enum table_id table;
    const char *column; /* condition; NULL: every row */
    bool prune;         /* only fenced writes change it: what is not found is not there */
};
static const struct reading readings[] = {
    {TABLE_SIGNAL, "state", true}, {TABLE_ORDER, "state", true}, {TABLE_POSITION, "status", true},
    {TABLE_PYRAMID, NULL, false},  {TABLE_ACCOUNT, NULL, false}, {TABLE_HALT, NULL, false},
    {TABLE_STAT, NULL, false},
};
struct load {
    size_t at;
    char last[KEY_SIZE]; /* the key of the page before */
    struct book *found;  /* keys of the table being read */
};

static void put_live_states(enum table_id table, struct str *out)
{
    const char *const *names = table == TABLE_SIGNAL  ? signal_state_names
                               : table == TABLE_ORDER ? order_state_names
                                                      : position_status_names;
    for (int i = 0; names[i]; i++) {
        bool final = table == TABLE_SIGNAL  ? signal_is_final((enum signal_state)i)
                     : table == TABLE_ORDER ? order_is_final((enum order_state)i)
                                            : i == POSITION_CLOSED;
        if (!final)
            str_printf(out, "%s%s", out->length ? "," : "", names[i]);
    }
}

static void ask_page(struct flow *flow)
{
    struct load *load = flow->data;
    const struct reading *reading = &readings[load->at];
    struct str states = STR_EMPTY;
    struct store_query query = {.table = reading->table, .limit = PAGE};
    if (reading->column) {
        put_live_states(reading->table, &states);
        query.where[query.where_count++] = (struct store_condition){
            .column = reading->column, .op = STORE_IN, .value = str_text(&states)};
    }
    if (*load->last)
        query.where[query.where_count++] = (struct store_condition){
            .column = tables[reading->table].columns[0].name, .op = STORE_GT, .value = load->last};
    store_query(flow->core->store, &query, flow_waiter(flow));
    str_free(&states);
}

static enum step_result ask(struct flow *flow)
{
    struct load *load = flow->data;
    load->found = book_new();
    ask_page(flow);
    return STEP_WAIT;
}

static void take_row(struct core *core, struct load *load, const struct table *table,
                     const void *row)
{
    const void *ours = book_get(core->book, table->id, row_key(table, row));
    if (!ours || row_version(table, row) > row_version(table, ours))
        book_put(core->book, table->id, row);
    book_put(load->found, table->id, row);
    text_copy(load->last, sizeof load->last, row_key(table, row));
}

struct pruning {
    struct core *core;
    struct load *load;
    const struct table *table;
};

static bool prune_row(void *ctx, const void *row)
{
    struct pruning *pruning = ctx;
    const char *key = row_key(pruning->table, row);
    if (!book_get(pruning->load->found, pruning->table->id, key))
        book_remove(pruning->core->book, pruning->table->id, key);
    return true;
}

static enum step_result hear(struct flow *flow, const struct err *err, const void *value)
{
    struct load *load = flow->data;
    const struct store_rows *rows = value;
    const struct reading *reading = &readings[load->at];
    struct pruning pruning = {flow->core, load, &tables[reading->table]};
    if (err)
        return flow_fail(flow, err);
    for (size_t i = 0; i < rows->count; i++)
        take_row(flow->core, load, pruning.table, rows->rows[i]);
    if (rows->count < PAGE) {
        if (reading->prune)
            book_each(flow->core->book, reading->table, prune_row, &pruning);
        *load->last = '\0';
        if (++load->at == sizeof readings / sizeof readings[0])
            return STEP_END;
    }
    ask_page(flow);
    return STEP_WAIT;
}

static void drop(struct flow *flow)
{
    book_free(((struct load *)flow->data)->found);
}

static const struct step load_book[] = {{"read", ask, hear, drop, 0, 0}};
static const struct story load_book_story = {.name = "load_book", STORY(load_book)};

struct flow *load_book_begin(struct core *core, struct waiter to)
{
    return flow_begin(core, &load_book_story, core->options.instance, NULL, sizeof(struct load),
                      to);
}
