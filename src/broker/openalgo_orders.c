/* Orders: placing, changing, cancelling, finding.
 *
 *     place    the book is read (unless it just was), so that what stands in it already is known;
 *              then the order is sent, once. A book that cannot be read holds nobody up for long.
 *     success  means an order id. Success without one is an order nobody knows the fate of: plugins
 *              say so when the broker refused, and servers that wait for a person's approval.
 *     cancel   its success is a promise: the book says what became of it. */
#include "broker/openalgo_parts.h"
#include "trade/contract.h"
#include <stdio.h>

#define FRESH_BOOK_US 1500000
#define WAIT_BOOK_US 1500000
#define SEMI_AUTO_US (300 * 1000000LL)
enum { LACKING_MIN = 3 }; /* readings in a row before an order that stood is told to be gone */

/* ---- asks ---- */

static struct oa_ask *push_ask(struct openalgo *oa, enum oa_ask_kind kind, struct waiter to)
{
    struct oa_ask *ask = mem_alloc(sizeof *ask);
    *ask = (struct oa_ask){
        .kind = kind, .after = oa->readings, .until_us = INT64_MAX, .to = to, .next = oa->asks};
    oa->asks = ask;
    return ask;
}

/* ---- placing ---- */

static void track_sent(struct openalgo *oa, const struct oa_placing *placing)
{
    struct oa_order *order = oa_order_track(oa, &placing->order);
    order->sent_us = clock_wall(oa->options.clock);
    order->read_before = oa->books.number;
    order->sent = true;
    order->live = true;
}

static void untrack_unsent(struct openalgo *oa, const char *order_id)
{
    struct oa_order *order = oa_order_find(oa, order_id);
    if (order)
        order->sent = order->live = false;
}

static void answer_placed(struct openalgo *oa, const struct oa_placing *placing,
                          const char *broker_id)
{
    struct report report = {.kind = REPORT_ACKNOWLEDGED, .at_us = clock_wall(oa->options.clock)};
    struct oa_order *order = oa_order_find(oa, placing->order.id);
    if (order)
        oa_order_name(oa, order, broker_id);
    text_copy(report.order_id, sizeof report.order_id, placing->order.id);
    text_copy(report.broker_id, sizeof report.broker_id, broker_id);
    oa->books.next_us = 0;
    wait_answer(placing->to, NULL, &report);
}

/* A success with no order id, or in the wrong mode. */
static void judge_odd_success(struct openalgo *oa, const struct oa_reply *reply, const char *id,
                              struct err *err)
{
    if (reply->mode == OA_SEMI_AUTO) {
        oa->semi_until_us = clock_steady(oa->options.clock) + SEMI_AUTO_US;
        err_set(err, ERR_MAYBE_DONE, ERR_BROKER,
                "OpenAlgo is in Semi-Auto mode: the order waits for a person's approval there; "
                "reject it and switch to Auto mode");
        log_write(oa->options.log, LOG_ERROR, "openalgo", err->text, LOG_END);
    } else if (reply->mode == OA_ANALYZE && !oa->options.analyze) {
        err_set(err, ERR_REFUSED, ERR_BROKER,
                "OpenAlgo is in analyze mode: the order was only simulated; switch it to live");
    } else if (*id) {
        err_set(err, ERR_MAYBE_DONE, ERR_BROKER,
                "OpenAlgo is in live mode, the configuration says analyze: a real order %.40s "
                "stands",
                id);
        log_write(oa->options.log, LOG_ERROR, "openalgo", err->text, LOG_END);
    } else {
        err_set(err, ERR_MAYBE_DONE, ERR_BROKER, "OpenAlgo says success and names no order: %.120s",
                *reply->message ? reply->message : "its broker may have refused it");
    }
}

static bool is_order_id(const char *id)
{
    return *id && strcmp(id, "0") != 0 && strcasecmp(id, "none") != 0 &&
           strcasecmp(id, "null") != 0;
}

static void hear_placed(struct openalgo *oa, void *ctx, const struct oa_reply *reply)
{
    const struct oa_placing *placing = ctx;
    const char *id = oa_field(reply->root, "orderid");
    struct err err = {0};
    bool named = is_order_id(id), right = oa_hear_mode(oa, reply->mode);
    oa->books.next_us = 0;
    if (named) /* even a refused one has an entry in the sandbox's book */
        oa_entry_of(oa, id);
    if (reply->err.class == ERR_NONE && reply->success && named && right) {
        answer_placed(oa, placing, id);
        return;
    }
    if (reply->err.class == ERR_NONE && reply->success && decimal_ok(placing->target) && !named &&
        strcasestr(reply->message, "already matched")) {
        untrack_unsent(oa, placing->order.id);
        wait_answer(placing->to, NULL, NULL);
        return;
    }
    if (reply->err.class == ERR_NONE && reply->success)
        judge_odd_success(oa, reply, named ? id : "", &err);
    else
        oa_order_err(reply, "placeorder", &err);
    if (err.class != ERR_MAYBE_DONE)
        untrack_unsent(oa, placing->order.id);
    wait_answer(placing->to, &err, NULL);
}

static void put_order(struct oa_call *call, const struct order *order,
                      const struct instrument *instrument)
{
    struct openalgo *oa = call->oa;
    bool stop = order->kind == ORDER_STOP, limit = decimal_ok(order->limit_price);
    char symbol[NAME_SIZE];
    contract_symbol(instrument, order->expiry, symbol);
    oa_put_text(call, "strategy", oa->options.strategy);
    oa_put_text(call, "symbol", symbol);
    oa_put_text(call, "exchange", instrument->exchange);
    oa_put_text(call, "action", order->side == ORDER_BUY ? "BUY" : "SELL");
    oa_put_text(call, "product", oa_product(oa, instrument));
    oa_put_text(call, "pricetype",
                stop                         ? (limit ? "SL" : "SL-M")
                : order->kind == ORDER_LIMIT ? "LIMIT"
                                             : "MARKET");
    oa_put_decimal(call, "quantity", decimal_mul(order->quantity, instrument->lot_size));
    oa_put_decimal(call, "price", order->kind == ORDER_MARKET ? decimal_bad() : order->limit_price);
    oa_put_decimal(call, "trigger_price", stop ? order->stop_price : decimal_bad());
    oa_put_text(call, "disclosed_quantity", "0");
}

void oa_place_now(struct openalgo *oa, struct oa_placing *placing)
{
    const struct instrument *instrument = oa_instrument(oa, placing->order.instrument);
    bool smart = decimal_ok(placing->target);
    struct oa_call *call =
        oa_call_new(oa, smart ? "placesmartorder" : "placeorder",
                    placing->order.reduces ? RATE_EXIT : RATE_ENTRY, OA_ORDER | OA_MODAL);
    call->valid_until_us = placing->valid_until_us;
    put_order(call, &placing->order, instrument);
    if (smart)
        oa_put_decimal(call, "position_size", decimal_mul(placing->target, instrument->lot_size));
    track_sent(oa, placing);
    oa_call_send(call, hear_placed, placing, sizeof *placing);
    mem_free(placing);
}

static bool is_whole(struct decimal value)
{
    int64_t whole;
    return decimal_to_int(value, &whole);
}

/* Whole lots; a freeze quantity of one lot or less is a plugin's way to say that there is none. */
struct decimal oa_most(const struct broker *broker, const char *name)
{
    struct openalgo *oa = openalgo_of(broker);
    const struct instrument *instrument = oa_instrument(oa, name);
    const struct oa_contract *contract = instrument ? oa_contract_of(oa, name) : NULL;
    if (!contract || !contract->known || !decimal_gt(contract->freeze, contract->lot))
        return decimal_bad();
    return decimal_round(decimal_div(contract->freeze, instrument->lot_size, DECIMAL_DOWN),
                         decimal_int(1), DECIMAL_DOWN);
}

/* What would be refused over there, or worse, not refused: live mode does not look at lot sizes. */
static bool check_order(struct openalgo *oa, const struct order *order, struct err *err)
{
    const struct instrument *instrument = oa_instrument(oa, order->instrument);
    if (!instrument)
        return err_set(err, ERR_REFUSED, ERR_CONFIG, "no instrument %s is configured",
                       order->instrument);
    char symbol[NAME_SIZE];
    contract_symbol(instrument, order->expiry, symbol);
    if (!*symbol)
        return err_set(err, ERR_REFUSED, ERR_INPUT,
                       "%s has dated contracts and the order names none (expiry \"%s\")",
                       order->instrument, order->expiry);
    struct decimal units = decimal_mul(order->quantity, instrument->lot_size);
    const struct oa_contract *contract = oa_contract_of(oa, order->instrument);
    if (!decimal_ok(units) || decimal_sign(units) <= 0 ||
        (strcmp(instrument->exchange, "CRYPTO") != 0 && !is_whole(units)))
        return err_set(err, ERR_REFUSED, ERR_INPUT,
                       "%s: the quantity is no whole number of units at the broker",
                       order->instrument);
    if (contract->known && !order->reduces && !decimal_eq(contract->lot, instrument->lot_size)) {
        char theirs[DECIMAL_TEXT_MAX], ours[DECIMAL_TEXT_MAX];
        decimal_print(contract->lot, theirs);
        decimal_print(instrument->lot_size, ours);
        return err_set(err, ERR_REFUSED, ERR_CONFIG,
                       "%s: a lot is %s units at the broker and %s in the configuration; correct "
                       "instruments.lot_size",
                       order->instrument, theirs, ours);
    }
    if (contract->known && decimal_gt(contract->freeze, contract->lot) &&
        decimal_gt(units, contract->freeze))
        return err_set(err, ERR_REFUSED, ERR_INPUT,
                       "%s: the exchange takes no order of more than its freeze quantity; size it "
                       "smaller",
                       order->instrument);
    if ((order->kind == ORDER_LIMIT && !decimal_ok(order->limit_price)) ||
        (order->kind == ORDER_STOP && !decimal_ok(order->stop_price)))
        return err_set(err, ERR_REFUSED, ERR_INPUT, "%s: the order has no price", order->id);
    return oa_may_trade(oa, err);
}

static bool book_is_fresh(const struct openalgo *oa, int64_t now_us)
{
    return oa->books.good_us && now_us - oa->books.good_us < FRESH_BOOK_US;
}

/* The book is read before, unless it just was; one that cannot be read holds nobody up for long. */
void oa_survey(struct broker *broker, const struct order *order, struct waiter to)
{
    struct openalgo *oa = openalgo_of(broker);
    int64_t now_us = clock_steady(oa->options.clock);
    struct oa_ask *ask = push_ask(oa, OA_ASK_SURVEY, to);
    ask->order = mem_alloc(sizeof *ask->order);
    *ask->order = *order;
    ask->until_us = now_us + WAIT_BOOK_US;
    if (book_is_fresh(oa, now_us)) {
        ask->until_us = now_us; /* at the end of this turn */
        return;
    }
    ask->after -= oa->books.running; /* the one under way will do */
    if (!oa->books.running)
        oa_books_want(oa, order->reduces ? RATE_EXIT : RATE_ENTRY);
}

static void begin_placing(struct openalgo *oa, const struct right_to_send *right,
                          struct decimal target, struct waiter to)
{
    struct err err = {0};
    int64_t now_us = clock_steady(oa->options.clock);
    if (!check_order(oa, right->order, &err)) {
        oa_refuse(oa, to, &err);
        return;
    }
    struct oa_placing *placing = mem_alloc(sizeof *placing);
    *placing = (struct oa_placing){.order = *right->order,
                                   .valid_until_us = now_us + right->valid_until_us -
                                                     clock_wall(oa->options.clock),
                                   .target = target,
                                   .to = to};
    if (book_is_fresh(oa, now_us) ||
        (oa->surveyed_us && now_us - oa->surveyed_us < FRESH_BOOK_US)) {
        oa_place_now(oa, placing);
        return;
    }
    struct oa_ask *ask = push_ask(oa, OA_ASK_PLACE, to);
    ask->placing = placing;
    ask->until_us = now_us + WAIT_BOOK_US;
    ask->after -= oa->books.running; /* the one under way will do */
    if (!oa->books.running)
        oa_books_want(oa, right->order->reduces ? RATE_EXIT : RATE_ENTRY);
}

void oa_place(struct broker *broker, const struct right_to_send *right, struct waiter to)
{
    begin_placing(openalgo_of(broker), right, decimal_bad(), to);
}

void openalgo_smart(struct broker *broker, const struct right_to_send *right, struct decimal target,
                    struct waiter to)
{
    begin_placing(openalgo_of(broker), right, target, to);
}

/* ---- changing and cancelling ---- */

struct changing {
    char order_id[ID_SIZE], broker_id[NAME_SIZE];
    const char *what;
    struct waiter to;
};

static void hear_changed(struct openalgo *oa, void *ctx, const struct oa_reply *reply)
{
    const struct changing *changing = ctx;
    struct report report = {.kind = REPORT_ACKNOWLEDGED, .at_us = clock_wall(oa->options.clock)};
    struct oa_order *order = oa_order_find(oa, changing->order_id);
    struct err err = {0};
    oa->books.next_us = 0; /* what became of it is in the book */
    if (order)
        order->live = true;
    if (reply->err.class == ERR_NONE && reply->success && oa_hear_mode(oa, reply->mode)) {
        if (order)
            order->cancelling |= strcmp(changing->what, "cancelorder") == 0;
        text_copy(report.order_id, sizeof report.order_id, changing->order_id);
        text_copy(report.broker_id, sizeof report.broker_id, changing->broker_id);
        wait_answer(changing->to, NULL, &report);
        return;
    }
    oa_order_err(reply, changing->what, &err);
    wait_answer(changing->to, &err, NULL);
}

static bool begin_change(struct openalgo *oa, const struct order *order, const char *what,
                         struct changing *changing, struct waiter to)
{
    struct err err = {0};
    struct oa_order *ours = oa_order_track(oa, order);
    if (!*ours->broker_id)
        err_set(&err, ERR_NOT_DONE, ERR_NOT_FOUND,
                "%s: the order's id at the broker is not known yet", what);
    else if (!oa_instrument(oa, order->instrument))
        err_set(&err, ERR_REFUSED, ERR_CONFIG, "no instrument %s is configured", order->instrument);
    if (err.class != ERR_NONE || !oa_may_trade(oa, &err)) {
        oa_refuse(oa, to, &err);
        return false;
    }
    *changing = (struct changing){.what = what, .to = to};
    text_copy(changing->order_id, sizeof changing->order_id, order->id);
    text_copy(changing->broker_id, sizeof changing->broker_id, ours->broker_id);
    return true;
}

void oa_cancel(struct broker *broker, const struct order *order, struct waiter to)
{
    struct openalgo *oa = openalgo_of(broker);
    struct changing changing;
    if (!begin_change(oa, order, "cancelorder", &changing, to))
        return;
    struct oa_call *call = oa_call_new(oa, "cancelorder", RATE_EXIT, OA_ORDER | OA_MODAL);
    oa_put_text(call, "strategy", oa->options.strategy);
    oa_put_text(call, "orderid", changing.broker_id);
    oa_call_send(call, hear_changed, &changing, sizeof changing);
}

void oa_amend(struct broker *broker, const struct order *order, struct waiter to)
{
    struct openalgo *oa = openalgo_of(broker);
    struct changing changing;
    if (!begin_change(oa, order, "modifyorder", &changing, to))
        return;
    struct oa_call *call = oa_call_new(oa, "modifyorder", order->reduces ? RATE_EXIT : RATE_ENTRY,
                                       OA_ORDER | OA_MODAL);
    put_order(call, order, oa_instrument(oa, order->instrument));
    oa_put_text(call, "orderid", changing.broker_id);
    oa_call_send(call, hear_changed, &changing, sizeof changing);
}

/* ---- finding ---- */

void oa_query(struct broker *broker, const struct order *order, struct waiter to)
{
    struct openalgo *oa = openalgo_of(broker);
    struct oa_order *ours = oa_order_track(oa, order);
    ours->live |= !order_is_final(order->state);
    /* Sent by somebody, be it a process that is gone: by what it is, it may be in the book. */
    ours->sent |= order->attempt > 0 && order_is_unresolved(order->state);
    struct oa_ask *ask = push_ask(oa, OA_ASK_ORDER, to);
    text_copy(ask->order_id, sizeof ask->order_id, order->id);
    oa_books_want(oa, RATE_READ);
}

void oa_open_orders(struct broker *broker, struct waiter to)
{
    push_ask(openalgo_of(broker), OA_ASK_OPEN, to);
    oa_books_want(openalgo_of(broker), RATE_READ);
}

void oa_own(struct broker *broker, const struct order *order)
{
    struct openalgo *oa = openalgo_of(broker);
    if (!order_is_final(order->state))
        oa_order_track(oa, order);
    else if (*order->broker_id)
        text_copy(oa_entry_of(oa, order->broker_id)->owner, ID_SIZE, order->id);
    else
        untrack_unsent(oa, order->id); /* what shows up from now on is another's */
}

static void answer_order(struct openalgo *oa, const struct oa_ask *ask)
{
    struct oa_order *order = oa_order_find(oa, ask->order_id);
    struct broker_answer answer = {0};
    struct err err;
    struct arena arena;
    if (order && order->ambiguous) {
        err_set(&err, ERR_LATER, ERR_CONFLICT,
                "several orders in the broker's book may be this one; a person must say which");
        wait_answer(ask->to, &err, NULL);
        return;
    }
    if (order && *order->broker_id && order->missing > 0 && order->missing < LACKING_MIN) {
        err_set(&err, ERR_LATER, ERR_BROKER, "the broker's book lacks the order in one reading");
        wait_answer(ask->to, &err, NULL);
        return;
    }
    arena_init(&arena, 4096);
    if (order)
        oa_answer_of(oa, order, &arena, &answer);
    wait_answer(ask->to, NULL, &answer);
    arena_free(&arena);
}

static void read_open(struct openalgo *oa, const struct oa_row *row, struct order *out)
{
    char expiry[EXPIRY_SIZE];
    const struct instrument *instrument =
        oa_instrument_at(oa, row->symbol, row->exchange, row->product, expiry);
    const struct oa_entry *entry = oa_entry_of(oa, row->broker_id);
    const struct oa_order *ours = *entry->owner ? oa_order_find(oa, entry->owner) : NULL;
    row_init(&tables[TABLE_ORDER], out);
    if (ours)
        *out = ours->row;
    text_copy(out->id, sizeof out->id, entry->owner);
    text_copy(out->broker_id, sizeof out->broker_id, row->broker_id);
    text_copy(out->broker, sizeof out->broker, oa->traits.name);
    if (!instrument)
        snprintf(out->instrument, sizeof out->instrument, "%.15s:%.30s", row->exchange,
                 row->symbol);
    else
        text_copy(out->instrument, sizeof out->instrument, instrument->name);
    text_copy(out->expiry, sizeof out->expiry, expiry);
    out->side = row->side;
    out->kind = text_starts(row->kind, "SL")          ? ORDER_STOP
                : strcasecmp(row->kind, "LIMIT") == 0 ? ORDER_LIMIT
                                                      : ORDER_MARKET;
    out->quantity = instrument ? oa_lots(instrument, row->quantity) : row->quantity;
    out->state = ORDER_ACKNOWLEDGED;
    if (decimal_ok(row->price) && decimal_sign(row->price) > 0)
        out->limit_price = row->price;
    if (decimal_ok(row->trigger) && decimal_sign(row->trigger) > 0)
        out->stop_price = row->trigger;
}

static void answer_open(struct openalgo *oa, const struct oa_ask *ask)
{
    struct broker_orders answer = {0};
    struct order *list = mem_alloc((oa->books.row_count + 1) * sizeof *list);
    for (size_t i = 0; i < oa->books.row_count; i++)
        if (oa->books.rows[i].status == OA_WORKING)
            read_open(oa, &oa->books.rows[i], &list[answer.count++]);
    answer.list = list;
    wait_answer(ask->to, NULL, &answer);
    mem_free(list);
}

static void answer_ask(struct openalgo *oa, struct oa_ask *ask)
{
    const struct err *err = oa->books.err.class == ERR_NONE ? NULL : &oa->books.err;
    if (ask->kind == OA_ASK_PLACE)
        oa_place_now(oa, ask->placing);
    else if (ask->kind == OA_ASK_SURVEY)
        oa_survey_now(oa, ask->order, ask->to);
    else if (err)
        wait_answer(ask->to, err, NULL);
    else if (ask->kind == OA_ASK_ORDER)
        answer_order(oa, ask);
    else
        answer_open(oa, ask);
    mem_free(ask->order);
    mem_free(ask);
}

/* After a reading, or at a moment some of them do not wait any longer. */
void oa_asks_answer(struct openalgo *oa)
{
    struct oa_ask *asks = oa->asks, *next, *due = NULL;
    int64_t now_us = clock_steady(oa->options.clock);
    oa->asks = NULL;
    for (; asks; asks = next) {
        next = asks->next;
        bool read = !oa->books.running && asks->after < oa->readings;
        struct oa_ask **list = read || now_us >= asks->until_us ? &due : &oa->asks;
        asks->next = *list;
        *list = asks;
    }
    for (; due; due = next) {
        next = due->next;
        answer_ask(oa, due);
    }
}
