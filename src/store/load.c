/* What a host and the command line read at once: made of the bodies' blocking reads. */
#include "store/store.h"

#include "trade/order.h"
#include "trade/signal.h"

#include <string.h>

struct load {
    struct store *store;
    struct book *book;
    enum table_id table;
    char (*ids)[ID_SIZE]; /* newest first */
    size_t count, room;
};

static bool put_row(void *ctx, const void *row, struct err *err)
{
    struct load *load = ctx;
    (void)err;
    book_put(load->book, load->table, row);
    return true;
}

static bool read_table(struct load *load, enum table_id table, const char *column, enum store_op op,
                       const char *value, struct err *err)
{
    const struct store_query query = {.table = table,
                                      .where_count = column ? 1 : 0,
                                      .where = {{.column = column, .op = op, .value = value}}};
    load->table = table;
    return load->store->ops->read_rows(load->store, &query, put_row, load, err);
}

/* The names of the states that are not final, for an IN. */
static void put_live_states(enum table_id table, struct str *out)
{
    const char *const *names = table == TABLE_SIGNAL ? signal_state_names : order_state_names;
    for (int i = 0; names[i]; i++) {
        bool live = table == TABLE_SIGNAL
                        ? !signal_is_final((enum signal_state)i) || i == SIGNAL_DEAD
                        : !order_is_final((enum order_state)i);
        if (live)
            str_printf(out, "%s%s", out->length ? "," : "", names[i]);
    }
}

static bool read_live(struct load *load, enum table_id table, struct err *err)
{
    struct str states = STR_EMPTY;
    put_live_states(table, &states);
    bool ok = read_table(load, table, "state", STORE_IN, str_text(&states), err);
    str_free(&states);
    return ok;
}

static bool note_id(void *ctx, const void *row)
{
    struct load *load = ctx;
    const struct signal *signal = row;
    if (load->count == load->room) {
        load->room = load->room ? load->room * 2 : 64;
        load->ids = mem_realloc(load->ids, load->room * sizeof *load->ids);
    }
    memcpy(load->ids[load->count++], signal->id, ID_SIZE);
    return true;
}

static bool note_row(void *ctx, const void *row, struct err *err)
{
    (void)err;
    return note_id(ctx, row);
}

static bool read_decisions(struct load *load, struct err *err)
{
    bool ok = true;
    load->count = 0;
    book_each(load->book, TABLE_SIGNAL, note_id, load);
    for (size_t i = 0; ok && i < load->count; i++)
        ok = read_table(load, TABLE_DECISION, "signal_id", STORE_EQ, load->ids[i], err);
    return ok;
}

static bool read_recent(struct load *load, size_t recent,
                        void (*seen)(void *ctx, const char *signal_id), void *ctx, struct err *err)
{
    const struct store_query query = {
        .table = TABLE_SIGNAL, .order_by = "received_at", .descending = true, .limit = recent};
    if (!seen || !recent)
        return true;
    load->count = 0;
    if (!load->store->ops->read_rows(load->store, &query, note_row, load, err))
        return false;
    for (size_t i = load->count; i-- > 0;)
        seen(ctx, load->ids[i]);
    return true;
}

bool store_load_book(struct store *store, struct book *book, size_t recent,
                     void (*seen)(void *ctx, const char *signal_id), void *ctx, struct err *err)
{
    static const enum table_id whole[] = {TABLE_PYRAMID, TABLE_ACCOUNT, TABLE_STAT,
                                          TABLE_HALT,    TABLE_STATE,   TABLE_LEASE};
    struct load load = {.store = store, .book = book};
    bool ok = read_live(&load, TABLE_SIGNAL, err) && read_decisions(&load, err) &&
              read_live(&load, TABLE_ORDER, err) &&
              read_table(&load, TABLE_POSITION, "status", STORE_IN, "open,closing,partial", err) &&
              read_table(&load, TABLE_POLICY, "status", STORE_EQ, "live", err) &&
              read_table(&load, TABLE_MEMBER, "state", STORE_EQ, "alive", err);
    for (size_t i = 0; ok && i < sizeof whole / sizeof whole[0]; i++)
        ok = read_table(&load, whole[i], NULL, STORE_EQ, NULL, err);
    ok = ok && read_recent(&load, recent, seen, ctx, err);
    mem_free(load.ids);
    return ok;
}

bool store_load_tables(struct store *store, struct book *book, struct err *err)
{
    struct load load = {.store = store, .book = book};
    for (int table = 0; table < TABLE_COUNT; table++)
        if (!read_table(&load, (enum table_id)table, NULL, STORE_EQ, NULL, err))
            return false;
    return true;
}

bool store_read_events(struct store *store, int64_t after_seq, int64_t until_us,
                       bool (*each)(void *ctx, const struct event *event, struct err *err),
                       void *ctx, struct err *err)
{
    const struct store_events_query query = {.after_seq = after_seq, .until_us = until_us};
    return store->ops->read_events(store, &query, each, ctx, err);
}
