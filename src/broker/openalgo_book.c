/* Reading the books: first the orders, then the trades, so that a trade an order's status speaks of
 * is among them. One reading serves every order that is followed and everybody who asked.
 *
 * Only both together, read without fault and in the mode we trade in, are a reading; half of it is
 * none. Fills are what the trades of an order add up to beyond what they added up to before: rows
 * carry no trade id, and some plugins merge them. An end other than by its fills is believed when
 * readings in a row say so for a while: a plugin is known to show an order with its neighbour's
 * status. */
#include "broker/openalgo_parts.h"
#include "base/calendar.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROWS_MAX = 20000, MISSING_MAX = 20 };
#define PATIENCE_US (60 * 1000000LL)
#define FORGET_US (72 * 3600 * 1000000LL)
#define AFTER_FAULT_US 1000000
#define SETTLED_US 400000 /* two readings within a moment are one */

/* ---- rows ---- */

static enum oa_status read_status(const char *text)
{
    if (strcasecmp(text, "complete") == 0 || strcasecmp(text, "traded") == 0 ||
        strcasecmp(text, "filled") == 0)
        return OA_COMPLETE;
    if (strncasecmp(text, "cancel", 6) == 0)
        return OA_CANCELLED;
    if (strncasecmp(text, "reject", 6) == 0)
        return OA_REJECTED;
    if (strcasecmp(text, "expired") == 0)
        return OA_EXPIRED;
    return OA_WORKING; /* "open", "trigger pending" and every word we do not know */
}

/* "08-Apr-2025 13:58:03", "2026-11-21 22:38:53"; anything else is not to be told. No zone is said
 * and some servers use their own: read as UTC, and good for telling days apart. */
static int64_t read_stamp(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int day, year, month, hour, minute, second;
    char name[4] = "", iso[40];
    int64_t at_us;
    struct err ignored;
    if (sscanf(text, "%2d-%3[A-Za-z]-%4d %2d:%2d:%2d", &day, name, &year, &hour, &minute,
               &second) == 6) {
        const char *found = strstr(months, name);
        month = found ? (int)(found - months) / 3 + 1 : 0;
    } else if (sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d", &year, &month, &day, &hour, &minute,
                      &second) != 6) {
        return 0;
    }
    snprintf(iso, sizeof iso, "%04d-%02d-%02dT%02d:%02d:%02dZ", year % 10000, month % 100,
             day % 100, hour % 100, minute % 100, second % 100);
    return calendar_parse(iso, NULL, &at_us, &ignored) ? at_us : 0;
}

static void read_row(const struct json *from, struct oa_row *row)
{
    const char *kind = oa_field(from, "pricetype");
    text_copy(row->broker_id, sizeof row->broker_id, oa_field(from, "orderid"));
    text_copy(row->symbol, sizeof row->symbol, oa_field(from, "symbol"));
    text_copy(row->exchange, sizeof row->exchange, oa_field(from, "exchange"));
    text_copy(row->product, sizeof row->product, oa_field(from, "product"));
    text_copy(row->kind, sizeof row->kind, *kind ? kind : oa_field(from, "price_type"));
    text_copy(row->status_text, sizeof row->status_text, oa_field(from, "order_status"));
    text_copy(row->reason, sizeof row->reason, oa_field(from, "rejection_reason"));
    row->side = strcasecmp(oa_field(from, "action"), "SELL") == 0 ? ORDER_SELL : ORDER_BUY;
    row->quantity = oa_decimal(from, "quantity");
    row->price = oa_decimal(from, "price");
    row->trigger = oa_decimal(from, "trigger_price");
    row->status = read_status(row->status_text);
    row->at_us = read_stamp(oa_field(from, "timestamp"));
}

/* Some plugins show quantity 0.0: what was paid tells it. */
static void read_trade(const struct json *from, struct oa_trade *trade)
{
    struct decimal price = oa_decimal(from, "average_price"),
                   value = oa_decimal(from, "trade_value");
    text_copy(trade->broker_id, sizeof trade->broker_id, oa_field(from, "orderid"));
    trade->quantity = oa_decimal(from, "quantity");
    if (!decimal_ok(price) || decimal_sign(price) <= 0) {
        price = oa_decimal(from, "price");
        if (!decimal_ok(price) || decimal_sign(price) <= 0)
            price = decimal_div(value, trade->quantity, DECIMAL_HALF_EVEN);
    }
    if (!decimal_ok(trade->quantity) || decimal_sign(trade->quantity) == 0)
        trade->quantity = decimal_div(value, price, DECIMAL_HALF_EVEN);
    trade->value = decimal_mul(trade->quantity, price);
}

const struct oa_row *oa_row_find(const struct oa_books *books, const char *broker_id)
{
    for (size_t i = 0; i < books->row_count; i++)
        if (strcmp(books->rows[i].broker_id, broker_id) == 0)
            return &books->rows[i];
    return NULL;
}

/* ---- entries: what has been seen, and whose it is ---- */

struct oa_entry *oa_entry_of(struct openalgo *oa, const char *broker_id)
{
    struct oa_entry *entry;
    HASH_FIND_STR(oa->entries, broker_id, entry);
    if (!entry) {
        entry = mem_alloc(sizeof *entry);
        text_copy(entry->broker_id, sizeof entry->broker_id, broker_id);
        entry->seen_us = clock_steady(oa->options.clock);
        HASH_ADD_STR(oa->entries, broker_id, entry);
    }
    return entry;
}

static void note_entries(struct openalgo *oa)
{
    struct oa_books *books = &oa->books;
    struct oa_entry *entry, *next;
    int64_t now_us = clock_steady(oa->options.clock);
    for (size_t i = 0; i < books->row_count; i++) {
        entry = oa_entry_of(oa, books->rows[i].broker_id);
        entry->seen_us = now_us;
        if (!entry->first_reading)
            entry->first_reading = books->number;
    }
    HASH_ITER(hh, oa->entries, entry, next)
    if (now_us - entry->seen_us > FORGET_US) {
        HASH_DELETE(hh, oa->entries, entry);
        mem_free(entry);
    }
}

/* ---- orders that are ours ---- */

struct oa_order *oa_order_find(const struct openalgo *oa, const char *order_id)
{
    struct oa_order *order;
    HASH_FIND_STR(oa->orders, order_id, order);
    return order;
}

void oa_order_name(struct openalgo *oa, struct oa_order *order, const char *broker_id)
{
    if (!*broker_id)
        return;
    struct oa_entry *entry = oa_entry_of(oa, broker_id);
    text_copy(order->broker_id, sizeof order->broker_id, broker_id);
    text_copy(entry->owner, sizeof entry->owner, order->id);
}

static struct decimal or_zero(struct decimal value)
{
    return decimal_ok(value) ? value : decimal_int(0);
}

struct oa_order *oa_order_track(struct openalgo *oa, const struct order *row)
{
    struct oa_order *order = oa_order_find(oa, row->id);
    if (!order) {
        order = mem_alloc(sizeof *order);
        text_copy(order->id, sizeof order->id, row->id);
        order->base_filled = or_zero(row->filled);
        order->base_value = decimal_mul(order->base_filled, or_zero(row->average_price));
        order->followed_us = clock_steady(oa->options.clock);
        HASH_ADD_STR(oa->orders, id, order);
    }
    order->row = *row;
    if (!*order->broker_id)
        oa_order_name(oa, order, row->broker_id);
    return order;
}

static void forget_order(struct openalgo *oa, struct oa_order *order)
{
    HASH_DELETE(hh, oa->orders, order);
    mem_free(order->steps);
    mem_free(order->before);
    mem_free(order);
}

void oa_orders_free(struct openalgo *oa)
{
    struct oa_order *order, *next;
    struct oa_entry *entry, *following;
    HASH_ITER(hh, oa->orders, order, next)
    forget_order(oa, order);
    HASH_ITER(hh, oa->entries, entry, following)
    {
        HASH_DELETE(hh, oa->entries, entry);
        mem_free(entry);
    }
}

/* ---- what a reading says of an order ---- */

static struct decimal filled_of(const struct oa_order *order, struct decimal *value)
{
    if (order->step_count == 0) {
        *value = order->base_value;
        return order->base_filled;
    }
    *value = order->steps[order->step_count - 1].value;
    return order->steps[order->step_count - 1].filled;
}

static void add_step(struct openalgo *oa, struct oa_order *order, struct decimal filled,
                     struct decimal value)
{
    struct decimal had_value, had = filled_of(order, &had_value);
    if (!decimal_ok(filled) || !decimal_ok(value) || decimal_le(filled, had))
        return;
    struct oa_step step = {.filled = filled,
                           .value = value,
                           .quantity = decimal_sub(filled, had),
                           .at_us = clock_wall(oa->options.clock)};
    step.price = decimal_div(decimal_sub(value, had_value), step.quantity, DECIMAL_HALF_EVEN);
    if (!decimal_ok(step.price) || decimal_sign(step.price) <= 0)
        step.price = decimal_div(value, filled, DECIMAL_HALF_EVEN);
    if (order->step_count == order->step_room) {
        order->step_room = order->step_room ? order->step_room * 2 : 2;
        order->steps = mem_realloc(order->steps, order->step_room * sizeof *order->steps);
    }
    order->steps[order->step_count++] = step;
}

static void sum_trades(struct openalgo *oa, struct oa_order *order)
{
    const struct instrument *instrument = oa_instrument(oa, order->row.instrument);
    struct decimal units = decimal_int(0), value = decimal_int(0);
    for (size_t i = 0; i < oa->books.trade_count; i++) {
        const struct oa_trade *trade = &oa->books.trades[i];
        if (strcmp(trade->broker_id, order->broker_id) != 0 || !decimal_ok(trade->quantity))
            continue;
        units = decimal_add(units, decimal_abs(trade->quantity));
        value = decimal_add(value, decimal_abs(trade->value));
    }
    if (instrument && decimal_sign(units) > 0)
        add_step(oa, order, oa_lots(instrument, units), oa_lots(instrument, value));
}

static void fill_report(const struct oa_order *order, const struct oa_step *step,
                        struct report *out)
{
    char filled[DECIMAL_TEXT_MAX];
    decimal_print(step->filled, filled);
    *out = (struct report){.kind = REPORT_FILL,
                           .quantity = step->quantity,
                           .price = step->price,
                           .fee = decimal_int(0),
                           .at_us = step->at_us};
    text_copy(out->order_id, sizeof out->order_id, order->id);
    text_copy(out->broker_id, sizeof out->broker_id, order->broker_id);
    /* Told apart by what is filled after it: the same step has the same name in every answer. */
    snprintf(out->trade_id, sizeof out->trade_id, "%.30s@%.15s", order->broker_id, filled);
}

static enum order_state state_of(const struct oa_order *order)
{
    struct decimal value, filled = filled_of(order, &value);
    if (decimal_ge(filled, order->row.quantity))
        return ORDER_FILLED;
    if (order->status == OA_CANCELLED && (order->cancelling || order->status_settled))
        return ORDER_CANCELLED;
    if (order->status == OA_REJECTED && order->status_settled)
        return ORDER_REJECTED;
    if (order->status == OA_EXPIRED && order->status_settled)
        return ORDER_EXPIRED;
    return decimal_sign(filled) > 0 ? ORDER_PARTIALLY_FILLED : ORDER_ACKNOWLEDGED;
}

void oa_answer_of(struct openalgo *oa, struct oa_order *order, struct arena *arena,
                  struct broker_answer *out)
{
    const struct oa_row *row = *order->broker_id ? oa_row_find(&oa->books, order->broker_id) : NULL;
    *out = (struct broker_answer){0};
    if (!*order->broker_id || (!row && state_of(order) != ORDER_FILLED))
        return;
    struct report *fills = arena_alloc(arena, (order->step_count + 1) * sizeof *fills);
    for (size_t i = 0; i < order->step_count; i++)
        fill_report(order, &order->steps[i], &fills[i]);
    out->found = true;
    out->state = state_of(order);
    out->fills = fills;
    out->fill_count = order->step_count;
    text_copy(out->broker_id, sizeof out->broker_id, order->broker_id);
    text_copy(out->reason, sizeof out->reason,
              row && *row->reason ? row->reason
              : row               ? row->status_text
                                  : "");
}

static void report_end(struct openalgo *oa, const struct oa_order *order, enum order_state state,
                       const char *reason)
{
    struct report report = {.kind = state == ORDER_CANCELLED  ? REPORT_CANCELLED
                                    : state == ORDER_REJECTED ? REPORT_REJECTED
                                                              : REPORT_EXPIRED,
                            .at_us = clock_wall(oa->options.clock)};
    text_copy(report.order_id, sizeof report.order_id, order->id);
    text_copy(report.broker_id, sizeof report.broker_id, order->broker_id);
    text_copy(report.reason, sizeof report.reason, reason);
    oa->broker.on_report(oa->broker.report_ctx, &report);
}

/* Tells the host what is new of it: first that it stands, then each step, then its end. */
static void follow(struct openalgo *oa, struct oa_order *order)
{
    const struct oa_row *row = *order->broker_id ? oa_row_find(&oa->books, order->broker_id) : NULL;
    size_t had = order->step_count;
    struct report report;
    if (!*order->broker_id)
        return;
    sum_trades(oa, order);
    order->missing = row ? 0 : order->missing + 1;
    if (row) {
        bool same = order->status == row->status && had == order->step_count;
        order->status_seen = same ? order->status_seen + 1 : 1;
        if (!same)
            order->status_since_us = oa->books.rows_us;
        order->status_settled =
            order->status_seen > 1 && oa->books.rows_us - order->status_since_us >= SETTLED_US;
        order->status = row->status;
    }
    if (!oa->broker.on_report)
        return;
    for (size_t i = had; i < order->step_count; i++) {
        fill_report(order, &order->steps[i], &report);
        oa->broker.on_report(oa->broker.report_ctx, &report);
    }
    enum order_state state = state_of(order);
    if (state == ORDER_FILLED)
        order->live = false;
    if (!order->live || !row || !order_is_final(state))
        return;
    order->live = false;
    report_end(oa, order, state, *row->reason ? row->reason : row->status_text);
}

static void follow_all(struct openalgo *oa)
{
    struct oa_order *order, *next;
    int64_t now_us = clock_wall(oa->options.clock);
    HASH_ITER(hh, oa->orders, order, next)
    {
        follow(oa, order);
        if (!order->live && now_us - order->row.created_us > FORGET_US)
            forget_order(oa, order);
    }
}

/* ---- one reading ---- */

static void end_reading(struct openalgo *oa)
{
    struct oa_books *books = &oa->books;
    int64_t now_us = clock_steady(oa->options.clock);
    books->running = false;
    if (books->err.class == ERR_NONE) {
        books->number = oa->readings;
        books->good_us = now_us;
        note_entries(oa);
        oa_match(oa);
        follow_all(oa);
        books->next_us = now_us + oa->traits.poll_us;
    } else {
        books->next_us = now_us + AFTER_FAULT_US;
        log_write(oa->options.log, LOG_WARN, "openalgo", "the books could not be read",
                  LOG_T("error", books->err.text), LOG_END);
    }
    oa_asks_answer(oa);
    if (books->again) {
        books->again = false;
        oa_books_want(oa, RATE_READ);
    }
}

static bool right_mode(struct openalgo *oa, const struct oa_reply *reply, struct err *err)
{
    if (oa_hear_mode(oa, reply->mode))
        return true;
    return err_set(err, ERR_LATER, ERR_BROKER,
                   "OpenAlgo shows the books of %s mode, which say nothing of %s orders",
                   reply->mode == OA_ANALYZE ? "analyze" : "live",
                   oa->options.analyze ? "analyze" : "live");
}

/* The list inside a reply; err says why there is none. */
static const struct json *list_of(struct openalgo *oa, const struct oa_reply *reply,
                                  const char *what, const char *path, struct err *err)
{
    if (reply->err.class != ERR_NONE || !reply->success) {
        oa_read_err(reply, what, err);
        return NULL;
    }
    if (!right_mode(oa, reply, err))
        return NULL;
    const struct json *list = json_at(reply->root, path);
    if (list && list->type == JSON_ARRAY && list->count <= ROWS_MAX)
        return list;
    err_set(err, ERR_LATER, ERR_INPUT, "OpenAlgo's %s has no list of at most %d rows", what,
            ROWS_MAX);
    return NULL;
}

static void hear_trades(struct openalgo *oa, void *ctx, const struct oa_reply *reply)
{
    struct oa_books *books = &oa->books;
    const struct json *list = list_of(oa, reply, "tradebook", "data", &books->err);
    (void)ctx;
    if (list) {
        books->trades = arena_alloc(&books->arena, (list->count + 1) * sizeof *books->trades);
        for (const struct json *one = list->child; one; one = one->next)
            read_trade(one, &books->trades[books->trade_count++]);
    }
    end_reading(oa);
}

static void hear_orders(struct openalgo *oa, void *ctx, const struct oa_reply *reply)
{
    struct oa_books *books = &oa->books;
    (void)ctx;
    arena_reset(&books->arena);
    books->rows = NULL;
    books->trades = NULL;
    books->row_count = books->trade_count = 0;
    err_clear(&books->err);
    const struct json *list = list_of(oa, reply, "orderbook", "data.orders", &books->err);
    if (!list) {
        end_reading(oa);
        return;
    }
    books->rows = arena_alloc(&books->arena, (list->count + 1) * sizeof *books->rows);
    for (const struct json *one = list->child; one; one = one->next) {
        read_row(one, &books->rows[books->row_count]);
        books->row_count += *books->rows[books->row_count].broker_id != '\0';
    }
    books->rows_us = clock_steady(oa->options.clock);
    oa_call_send(oa_call_new(oa, "tradebook", RATE_READ, OA_MODAL), hear_trades, NULL, 0);
}

void oa_books_want(struct openalgo *oa, enum rate_rank rank)
{
    if (oa->books.running) {
        oa->books.again = true;
        return;
    }
    oa->books.running = true;
    oa->readings++;
    oa_call_send(oa_call_new(oa, "orderbook", rank, OA_MODAL), hear_orders, NULL, 0);
}

/* Not for ever: one that nobody found, or that is not in today's book, is looked for when the host
 * asks. */
static bool is_followed(const struct openalgo *oa, const struct oa_order *order)
{
    int64_t patience_us = oa->traits.absence_us + PATIENCE_US;
    if (!order->live)
        return false;
    return *order->broker_id ? order->missing < MISSING_MAX
                             : clock_steady(oa->options.clock) - order->followed_us < patience_us;
}

int64_t oa_books_turn(struct openalgo *oa)
{
    bool live = false;
    for (struct oa_order *order = oa->orders; order && !live; order = order->hh.next)
        live = is_followed(oa, order);
    if (!live || oa->books.running)
        return INT64_MAX;
    if (clock_steady(oa->options.clock) < oa->books.next_us)
        return oa->books.next_us;
    oa_books_want(oa, RATE_READ);
    return INT64_MAX;
}
