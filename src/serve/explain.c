/* Why: "why did it do that?" has one answer, gathered from what was recorded and never from what is
 * computed again.
 *
 * find the signal (by id, fingerprint, order or prefix) -> decision -> orders -> fills -> events of
 * all of them; the decision's trace is the cause in the body of its event */
#include "serve/serve.h"
#include <stdio.h>
#include <string.h>

enum explain_stage {
    FIND_ID,
    FIND_FINGERPRINT,
    FIND_ORDER,
    GET_SIGNAL,
    GET_DECISION,
    GET_ORDERS,
    GET_FILLS,
    GET_EVENTS
};
struct explain {
    struct store *store;
    struct waiter to;
    struct arena arena;
    enum explain_stage stage;
    char id[FINGERPRINT_SIZE];
    char signal_id[ID_SIZE];
    char order_ids[8][ID_SIZE];
    size_t order_count, asked;
    struct str out;
    bool first_in_list;
};

static void answer_stage(void *owner, uint64_t handle, const struct err *err, const void *value);

static void finish_explain(struct explain *e, const struct err *err)
{
    struct waiter to = e->to;
    if (err)
        wait_answer(to, err, NULL);
    else
        wait_answer(to, NULL, str_text(&e->out));
    str_free(&e->out);
    arena_free(&e->arena);
    mem_free(e);
}

static void ask_rows(struct explain *e, enum table_id table, const char *column, enum store_op op,
                     const char *value, size_t limit, const char *order_by)
{
    struct store_query query = {.table = table,
                                .where = {{column, op, value}},
                                .where_count = 1,
                                .limit = limit,
                                .order_by = order_by};
    store_query(e->store, &query, (struct waiter){answer_stage, e, 0});
}

static void ask_stage(struct explain *e)
{
    switch (e->stage) {
    case FIND_ID:
        ask_rows(e, TABLE_SIGNAL, "id", STORE_PREFIX, e->id, 2, NULL);
        break;
    case FIND_FINGERPRINT:
        ask_rows(e, TABLE_SIGNAL, "fingerprint", STORE_PREFIX, e->id, 2, NULL);
        break;
    case FIND_ORDER:
        ask_rows(e, TABLE_ORDER, "id", STORE_PREFIX, e->id, 2, NULL);
        break;
    case GET_SIGNAL:
        ask_rows(e, TABLE_SIGNAL, "id", STORE_EQ, e->signal_id, 1, NULL);
        break;
    case GET_DECISION:
        ask_rows(e, TABLE_DECISION, "signal_id", STORE_EQ, e->signal_id, 1, NULL);
        break;
    case GET_ORDERS:
        ask_rows(e, TABLE_ORDER, "signal_id", STORE_EQ, e->signal_id, 8, "created_at");
        break;
    case GET_FILLS:
        ask_rows(e, TABLE_FILL, "order_id", STORE_EQ, e->order_ids[e->asked], 200, "at");
        break;
    case GET_EVENTS: {
        const char *subject = e->asked ? e->order_ids[e->asked - 1] : e->signal_id;
        struct store_events_query query = {.subject = subject, .limit = 100};
        store_events(e->store, &query, (struct waiter){answer_stage, e, 0});
        break;
    }
    }
}

static void put_separator(struct explain *e)
{
    if (!e->first_in_list)
        str_putc(&e->out, ',');
    e->first_in_list = false;
}

static void found_signal(struct explain *e, const struct store_rows *rows)
{
    const struct signal *signal = rows->rows[0];
    text_copy(e->signal_id, sizeof e->signal_id, signal->id);
    str_puts(&e->out, "{\"signal\":");
    row_json(rows->table, signal, &e->out);
    e->stage = GET_DECISION;
}

static void found_decision(struct explain *e, const struct store_rows *rows)
{
    str_puts(&e->out, ",\"decision\":");
    if (rows->count) {
        row_json_changes(rows->table, NULL, rows->rows[0], &e->out);
    } else {
        str_puts(&e->out, "null");
    }
    str_puts(&e->out, ",\"orders\":[");
    e->first_in_list = true;
    e->stage = GET_ORDERS;
}

static void found_orders(struct explain *e, const struct store_rows *rows)
{
    for (size_t i = 0; i < rows->count && i < 8; i++) {
        const struct order *order = rows->rows[i];
        put_separator(e);
        row_json(rows->table, order, &e->out);
        text_copy(e->order_ids[e->order_count++], ID_SIZE, order->id);
    }
    str_puts(&e->out, "],\"fills\":[");
    e->first_in_list = true;
    e->asked = 0;
    e->stage = GET_FILLS;
}

static void start_events(struct explain *e)
{
    str_puts(&e->out, "],\"events\":[");
    e->first_in_list = true;
    e->asked = 0;
    e->stage = GET_EVENTS;
}

static void found_fills(struct explain *e, const struct store_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        put_separator(e);
        row_json(rows->table, rows->rows[i], &e->out);
    }
    if (++e->asked >= e->order_count)
        start_events(e);
}

static bool found_events(struct explain *e, const struct store_events *events)
{
    for (size_t i = 0; i < events->count; i++) {
        const struct event *event = &events->list[i];
        char at[CALENDAR_TEXT_MAX];
        calendar_print(event->at_us, at);
        put_separator(e);
        str_printf(&e->out, "{\"seq\":%lld,\"at\":\"%s\",\"kind\":", (long long)event->seq, at);
        str_put_json(&e->out, event->kind);
        str_puts(&e->out, ",\"subject\":");
        str_put_json(&e->out, event->subject);
        str_printf(&e->out, ",\"term\":%lld,\"instance\":", (long long)event->term);
        str_put_json(&e->out, event->instance);
        str_puts(&e->out, ",\"body\":");
        str_puts(&e->out, event->body);
        str_putc(&e->out, '}');
    }
    if (++e->asked <= e->order_count)
        return false;
    str_puts(&e->out, "]}");
    return true;
}

/* The three ways of finding: NULL error and false: look further. */
static bool find_failed(struct explain *e, const struct store_rows *rows, struct err *err)
{
    if (rows->count > 1) {
        err_set(err, ERR_REFUSED, ERR_INPUT, "\"%s\" begins several ids; give more of it", e->id);
        return true;
    }
    if (rows->count == 1)
        return false;
    if (e->stage == FIND_ORDER) {
        err_set(err, ERR_REFUSED, ERR_NOT_FOUND, "no signal or order begins with \"%s\"", e->id);
        return true;
    }
    e->stage++;
    return false;
}

static void answer_stage(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)handle;
    struct explain *e = owner;
    struct err own = {0};
    if (err && err->class != ERR_NONE) {
        finish_explain(e, err);
        return;
    }
    const struct store_rows *rows = value;
    switch (e->stage) {
    case FIND_ID:
    case FIND_FINGERPRINT:
        if (find_failed(e, rows, &own))
            break;
        if (rows->count)
            found_signal(e, rows);
        break;
    case FIND_ORDER:
        if (find_failed(e, rows, &own))
            break;
        text_copy(e->signal_id, sizeof e->signal_id,
                  ((const struct order *)rows->rows[0])->signal_id);
        e->stage = GET_SIGNAL;
        break;
    case GET_SIGNAL:
        if (rows->count)
            found_signal(e, rows);
        else
            err_set(&own, ERR_REFUSED, ERR_NOT_FOUND, "the order's signal %s is not there",
                    e->signal_id);
        break;
    case GET_DECISION:
        found_decision(e, rows);
        break;
    case GET_ORDERS:
        found_orders(e, rows);
        if (!e->order_count)
            start_events(e);
        break;
    case GET_FILLS:
        found_fills(e, rows);
        break;
    case GET_EVENTS:
        if (found_events(e, value)) {
            finish_explain(e, NULL);
            return;
        }
        break;
    }
    if (own.class != ERR_NONE)
        finish_explain(e, &own);
    else
        ask_stage(e);
}

void explain_begin(struct store *store, const char *id, struct waiter to)
{
    struct explain *e = mem_alloc(sizeof *e);
    e->store = store;
    e->to = to;
    arena_init(&e->arena, 4096);
    text_copy(e->id, sizeof e->id, id);
    e->stage = strlen(id) > 20 ? FIND_FINGERPRINT : FIND_ID;
    ask_stage(e);
}
