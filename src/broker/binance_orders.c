/* The adapter's side that faces the host: each operation as one or two requests, and what their
 * answers make of an order.
 *
 *     place   POST order                      its answer, the fills it carries, its end
 *     cancel  DELETE order                    fills first (their trades are asked for), then the
 * end query   GET order, then its trades      all that the venue knows, or that it knows nothing
 *
 * Orders the venue may be working on are remembered, so that after a gap in their stream each of
 * them is asked about. */
#include "broker/binance_parts.h"
#include <stdlib.h>

enum { TRADES_A_PAGE = 1000, TRADES_MAX = 20000 };

static struct report about(const struct binance_call *call, enum report_kind kind,
                           const struct binance_order *told)
{
    struct report report = {.kind = kind, .at_us = told->at_us};
    text_copy(report.order_id, sizeof report.order_id, call->order.id);
    text_copy(report.broker_id, sizeof report.broker_id, told->id);
    if (kind == REPORT_REJECTED || kind == REPORT_EXPIRED || kind == REPORT_CANCELLED)
        snprintf(report.reason, sizeof report.reason, "Binance: %.100s", told->status);
    return report;
}

static bool end_kind(enum order_state state, enum report_kind *kind)
{
    switch (state) {
    case ORDER_CANCELLED:
        *kind = REPORT_CANCELLED;
        return true;
    case ORDER_REJECTED:
        *kind = REPORT_REJECTED;
        return true;
    case ORDER_EXPIRED:
        *kind = REPORT_EXPIRED;
        return true;
    default:
        return false;
    }
}

static struct binance_call *order_call(struct binance *b, const char *method, const char *path,
                                       binance_done *done, const struct order *order,
                                       struct waiter to)
{
    struct binance_call *call = binance_call_new(b, method, path, done, to);
    call->order = *order;
    call->symbol = binance_by_instrument(b, order->instrument);
    if (!call->symbol) {
        struct err err;
        err_set(&err, ERR_REFUSED, ERR_CONFIG, "no instrument %s is configured", order->instrument);
        binance_refuse(call, &err);
        return NULL;
    }
    binance_put(&call->query, "symbol", call->symbol->name);
    return call;
}

static void answer_error(struct binance_call *call, const struct err *err)
{
    wait_answer(call->to, err, NULL);
}

static void unreadable(struct binance_call *call, const char *what)
{
    struct err err;
    err_set(&err, ERR_MAYBE_DONE, ERR_INPUT, "Binance's answer to %s cannot be read", what);
    answer_error(call, &err);
}

/* ---- asking about an order ---- */

struct trades {
    char broker_id[NAME_SIZE], status[24];
    enum order_state state;
    int64_t at_us;
    struct decimal executed, sum; /* units */
    size_t count, room;
    struct report *fills;
};

static void tell_found(struct binance_call *call, const struct trades *t)
{
    struct binance *b = call->binance;
    struct binance_order told = {.status = t->status, .at_us = t->at_us};
    struct broker_answer answer = {
        .found = true, .state = t->state, .fills = t->fills, .fill_count = t->count};
    enum report_kind kind = REPORT_ACKNOWLEDGED;
    bool over = end_kind(t->state, &kind);
    text_copy(told.id, sizeof told.id, t->broker_id);
    text_copy(answer.broker_id, sizeof answer.broker_id, t->broker_id);
    struct report report = about(call, kind, &told);
    text_copy(answer.reason, sizeof answer.reason, report.reason);
    struct binance_live *live = binance_live_find(b, call->order.id);
    if (live && decimal_gt(t->executed, live->told))
        live->told = t->executed;
    if (over || t->state == ORDER_FILLED)
        binance_live_end(b, call->order.id);
    if (!call->for_hook && !call->for_cancel) {
        wait_answer(call->to, NULL, &answer);
        return;
    }
    for (size_t i = 0; i < t->count; i++)
        binance_report(b, &t->fills[i]);
    if (call->for_cancel)
        wait_answer(call->to, NULL, &report);
    else if (over || t->count == 0)
        binance_report(b, &report);
}

static void free_trades(struct binance_call *call)
{
    struct trades *t = call->extra;
    if (t)
        mem_free(t->fills);
}

static void looked(struct binance_call *call)
{
    struct binance_live *live =
        call->for_hook ? binance_live_find(call->binance, call->order.id) : NULL;
    if (live)
        live->looking = false;
}

static void ask_trades(struct binance_call *call, const char *from);

static void add_fill(struct trades *t, const struct report *fill)
{
    if (t->count == t->room) {
        t->room = t->room ? t->room * 2 : 4;
        t->fills = mem_realloc(t->fills, t->room * sizeof *t->fills);
    }
    t->fills[t->count++] = *fill;
}

static void add_kind_rest(struct binance_call *call)
{
    struct trades *t = call->extra;
    struct report fill;
    if (binance_kind_rest(call, t->state, t->executed, t->broker_id, &fill))
        add_fill(t, &fill);
}

static void take_trade(struct binance_call *call, const struct json *row)
{
    struct trades *t = call->extra;
    struct report fill;
    struct decimal units;
    if (!binance_read_trade(call->binance, call->symbol, row, &call->order, t->broker_id, &fill) ||
        !json_decimal(row, "qty", &units))
        return;
    add_fill(t, &fill);
    t->sum = decimal_add(t->sum, units);
}

static void got_trades(struct binance_call *call, const struct err *err,
                       const struct binance_reply *reply)
{
    struct trades *t = call->extra;
    struct err why;
    char last[NAME_SIZE] = "";
    size_t page = 0;
    for (const struct json *row = err ? NULL : reply->root->child; row; row = row->next, page++) {
        take_trade(call, row);
        binance_id_text(row, "id", last);
    }
    if (!err && page == TRADES_A_PAGE && t->count < TRADES_MAX) {
        char next[NAME_SIZE];
        snprintf(next, sizeof next, "%lld", strtoll(last, NULL, 10) + 1);
        ask_trades(call, next);
        return;
    }
    if (!err && decimal_eq(t->sum, t->executed))
        add_kind_rest(call);
    if (!err && !decimal_eq(t->sum, t->executed)) {
        /* The order is ahead of its trades, which come from a database that lags. */
        err_set(&why, ERR_NOT_DONE, ERR_BROKER,
                "order %s: Binance does not list all of its trades yet", call->order.id);
        err = &why;
    }
    looked(call);
    if (err)
        answer_error(call, err);
    else
        tell_found(call, t);
    free_trades(call);
}

static void ask_trades(struct binance_call *call, const char *from)
{
    struct binance *b = call->binance;
    struct trades *t = call->extra;
    call->method = "GET";
    call->path = b->variant->trades;
    call->done = got_trades;
    call->weight = b->variant->weight.trades;
    call->valid_until_us = 0;
    call->is_order = false;
    str_clear(&call->query);
    binance_put(&call->query, "symbol", call->symbol->name);
    binance_put(&call->query, "orderId", t->broker_id);
    binance_put_int(&call->query, "limit", TRADES_A_PAGE);
    if (from)
        binance_put(&call->query, "fromId", from);
    binance_ask(call);
}

static bool keep_found(struct binance_call *call, const struct binance_order *order)
{
    struct trades *t = mem_alloc(sizeof *t);
    text_copy(t->broker_id, sizeof t->broker_id, order->id);
    text_copy(t->status, sizeof t->status, order->status);
    t->state = order->state;
    t->at_us = order->at_us;
    t->executed = order->executed;
    t->sum = decimal_int(0);
    mem_free(call->extra);
    call->extra = t;
    return decimal_sign(order->executed) > 0;
}

static void got_order(struct binance_call *call, const struct err *err,
                      const struct binance_reply *reply)
{
    struct binance_order order;
    if (err && call->code == -2013 && binance_is_algo(call->binance, &call->order)) {
        binance_algo_look(call);
        return;
    }
    if (err && call->code == -2013) {
        const struct broker_answer nothing = {0};
        binance_live_end(call->binance, call->order.id); /* whoever asks again remembers it again */
        if (!call->for_hook)
            wait_answer(call->to, NULL, &nothing);
        return;
    }
    if (!err && (!binance_read_order(reply->root, &order) ||
                 strcmp(order.client_id, call->order.id) != 0)) {
        looked(call);
        unreadable(call, "a query");
        return;
    }
    if (err) {
        looked(call);
        answer_error(call, err);
    } else if (keep_found(call, &order)) {
        ask_trades(call, NULL);
    } else {
        looked(call);
        tell_found(call, call->extra);
    }
}

static struct binance_call *query_call(struct binance *b, const struct order *order,
                                       struct waiter to)
{
    struct binance_call *call = order_call(b, "GET", b->variant->order, got_order, order, to);
    if (!call)
        return NULL;
    call->weight = b->variant->weight.query;
    call->rank = order->reduces ? RATE_EXIT : RATE_ENTRY;
    binance_put(&call->query, "origClientOrderId", order->id);
    return call;
}

void binance_query(struct broker *broker, const struct order *order, struct waiter to)
{
    struct binance *b = binance_of(broker);
    binance_live_note(b, order);
    struct binance_call *call = query_call(b, order, to);
    if (call)
        binance_ask(call);
}

void binance_catch_up(struct binance *b, struct binance_live *live)
{
    if (live->looking)
        return;
    struct binance_call *call = query_call(b, &live->order, (struct waiter){0});
    if (!call)
        return;
    live->looking = true;
    call->for_hook = true;
    binance_ask(call);
}

/* ---- placing ---- */

static void tell_placed(struct binance_call *call, const struct binance_reply *reply,
                        const struct binance_order *order)
{
    struct binance *b = call->binance;
    const struct json *fills = json_get(reply->root, "fills");
    struct report first = about(call, REPORT_ACKNOWLEDGED, order), report;
    struct decimal sum = decimal_int(0), units;
    enum report_kind kind = REPORT_ACKNOWLEDGED;
    bool over = end_kind(order->state, &kind), answered = false;
    for (const struct json *row = fills ? fills->child : NULL; row; row = row->next) {
        if (!binance_read_trade(b, call->symbol, row, &call->order, order->id, &report) ||
            !json_decimal(row, "qty", &units))
            continue;
        if (order->at_us)
            report.at_us = order->at_us;
        sum = decimal_add(sum, units);
        if (answered)
            binance_report(b, &report);
        else
            wait_answer(call->to, NULL, &report);
        answered = true;
    }
    if (over && !answered && decimal_is_zero(order->executed))
        first = about(call, kind, order), over = false;
    if (!answered)
        wait_answer(call->to, NULL, &first);
    struct binance_live *live = binance_live_find(b, call->order.id);
    if (live && decimal_gt(sum, live->told))
        live->told = sum;
    bool whole = decimal_eq(sum, order->executed);
    if (!whole && live) {
        binance_catch_up(b, live); /* filled, and the reply says not how */
        return;
    }
    if (over) {
        report = about(call, kind, order);
        binance_report(b, &report);
    } else if (binance_kind_rest(call, order->state, order->executed, order->id, &report)) {
        binance_report(b, &report);
    }
    if (order->state != ORDER_ACKNOWLEDGED && order->state != ORDER_PARTIALLY_FILLED)
        binance_live_end(b, call->order.id);
}

static void placed(struct binance_call *call, const struct err *err,
                   const struct binance_reply *reply)
{
    struct binance_order order;
    if (err && binance_kind_look(call, err))
        return;
    if (err) {
        if (err->class == ERR_REFUSED || err->class == ERR_NOT_DONE || err->class == ERR_LATER)
            binance_live_end(call->binance, call->order.id);
        answer_error(call, err);
    } else if (!binance_read_order(reply->root, &order) ||
               strcmp(order.client_id, call->order.id) != 0) {
        unreadable(call, "an order");
    } else {
        tell_placed(call, reply, &order);
    }
}

void binance_put_wish(struct str *query, const struct order *order, const struct binance_wish *wish)
{
    binance_put(query, "side", order->side == ORDER_BUY ? "BUY" : "SELL");
    binance_put(query, "type", wish->type);
    if (wish->tif)
        binance_put(query, "timeInForce", wish->tif);
    binance_put_decimal(query, "quantity", wish->units);
    if (decimal_ok(wish->limit_price))
        binance_put_decimal(query, "price", wish->limit_price);
}

static void put_wish(struct binance_call *call, const struct binance_wish *wish)
{
    const struct order *order = &call->order;
    const struct binance_variant *variant = call->binance->variant;
    struct str *q = &call->query;
    binance_put_wish(q, order, wish);
    if (decimal_ok(wish->stop_price))
        binance_put_decimal(q, "stopPrice", wish->stop_price);
    if (variant->futures && order->reduces)
        binance_put(q, "reduceOnly", "true");
    binance_put(q, "newClientOrderId", order->id);
    binance_put(q, "newOrderRespType", variant->futures ? "RESULT" : "FULL");
}

static void place_wish(struct binance_call *call, const struct binance_wish *wish)
{
    if (binance_is_algo(call->binance, &call->order))
        binance_algo_put(call, wish);
    else
        put_wish(call, wish);
    call->weight = call->binance->variant->weight.order;
    call->is_order = true;
    binance_ask(call);
}

void binance_place_again(struct binance_call *call, const struct binance_wish *wish)
{
    call->method = "POST";
    call->path = call->binance->variant->order;
    call->done = placed;
    str_clear(&call->query);
    binance_put(&call->query, "symbol", call->symbol->name);
    place_wish(call, wish);
}

void binance_place(struct broker *broker, const struct right_to_send *right, struct waiter to)
{
    struct binance *b = binance_of(broker);
    struct binance_wish wish;
    struct err err;
    struct binance_call *call = order_call(b, "POST", b->variant->order, placed, right->order, to);
    if (!call)
        return;
    if (!b->told) {
        err_set(&err, ERR_LATER, ERR_BROKER, "Binance's rules are not known yet: %.120s",
                b->status.text);
        binance_refuse(call, &err);
        return;
    }
    if (!binance_shape(call->symbol, b->variant, right->order, &wish, &err)) {
        binance_refuse(call, &err);
        return;
    }
    call->rank = right->order->reduces ? RATE_EXIT : RATE_ENTRY;
    call->valid_until_us = right->valid_until_us;
    binance_live_note(b, right->order);
    place_wish(call, &wish);
}

/* ---- cancelling ---- */

static void cancelled(struct binance_call *call, const struct err *err,
                      const struct binance_reply *reply)
{
    struct binance_order order;
    if (err) {
        answer_error(call, err);
    } else if (!binance_read_order(reply->root, &order) ||
               strcmp(order.client_id, call->order.id) != 0) {
        unreadable(call, "a cancel");
    } else {
        call->for_cancel = true;
        if (keep_found(call, &order))
            ask_trades(call, NULL); /* fills first: the end must not hide them */
        else
            tell_found(call, call->extra);
    }
}

void binance_cancel_order(struct binance_call *call)
{
    call->method = "DELETE";
    call->path = call->binance->variant->order;
    call->done = cancelled;
    call->weight = call->binance->variant->weight.order;
    str_clear(&call->query);
    binance_put(&call->query, "symbol", call->symbol->name);
    binance_put(&call->query, "origClientOrderId", call->order.id);
    binance_ask(call);
}

void binance_cancel(struct broker *broker, const struct order *order, struct waiter to)
{
    struct binance *b = binance_of(broker);
    struct binance_call *call = order_call(b, "DELETE", b->variant->order, cancelled, order, to);
    if (!call)
        return;
    call->rank = RATE_EXIT;
    if (binance_is_algo(b, order))
        binance_algo_cancel(call);
    else
        binance_cancel_order(call);
}

void binance_amend(struct broker *broker, const struct order *order, struct waiter to)
{
    struct err err;
    struct binance_call *call = binance_call_new(binance_of(broker), "PUT", "", placed, to);
    call->order = *order;
    err_set(&err, ERR_REFUSED, ERR_BROKER, "Binance: orders are changed by cancelling and placing");
    binance_refuse(call, &err);
}
