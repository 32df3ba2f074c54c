/* Loading what is alive: under our own term, since between the first loading and the term another
 * instance may have written; and again whenever the book is suspected to differ from the store.
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
    struct book *found;
    bool whole;     /* the store is right in everything: nothing of ours is in flight */
    uint64_t asked; /* writes, when it began */
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

struct taking {
    struct core *core;
    const struct load *load;
    const struct table *table;
};

static bool take_row(void *ctx, const void *row)
{
    const struct taking *taking = ctx;
    const struct table *table = taking->table;
    const void *ours = book_get(taking->core->book, table->id, row_key(table, row));
    if (!ours || taking->load->whole || row_version(table, row) > row_version(table, ours))
        book_put(taking->core->book, table->id, row);
    return true;
}

static bool prune_row(void *ctx, const void *row)
{
    const struct taking *taking = ctx;
    const char *key = row_key(taking->table, row);
    if (!book_get(taking->load->found, taking->table->id, key))
        book_remove(taking->core->book, taking->table->id, key);
    return true;
}

/* All at once: until here the book was left alone. */
static enum step_result take_all(struct flow *flow)
{
    struct load *load = flow->data;
    struct core *core = flow->core;
    if (load->whole && record_asked(core) != load->asked) {
        err_set(&flow->err, ERR_LATER, ERR_CONFLICT,
                "something was written while the book was read");
        return STEP_FAIL;
    }
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        struct taking taking = {core, load, &tables[readings[i].table]};
        book_each(load->found, readings[i].table, take_row, &taking);
        if (readings[i].prune || load->whole)
            book_each(core->book, readings[i].table, prune_row, &taking);
    }
    return STEP_END;
}

static enum step_result hear(struct flow *flow, const struct err *err, const void *value)
{
    struct load *load = flow->data;
    const struct store_rows *rows = value;
    const struct table *table = &tables[readings[load->at].table];
    if (err)
        return flow_fail(flow, err);
    for (size_t i = 0; i < rows->count; i++)
        book_put(load->found, table->id, rows->rows[i]);
    if (rows->count == PAGE) {
        text_copy(load->last, sizeof load->last, row_key(table, rows->rows[PAGE - 1]));
    } else {
        *load->last = '\0';
        if (++load->at == sizeof readings / sizeof readings[0])
            return take_all(flow);
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

struct flow *load_book_begin(struct core *core, bool whole, struct waiter to)
{
    struct load load = {.whole = whole, .asked = record_asked(core)};
    return flow_begin(core, &load_book_story, core->options.instance, &load, sizeof load, to);
}
