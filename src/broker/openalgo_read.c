/* What is asked and changes nothing: positions, funds, prices, contracts. */
#include "broker/openalgo_parts.h"
#include <stdio.h>

struct asking {
    struct waiter to;
    char what[24];
    char instrument[NAME_SIZE];
};

static void ask(struct oa_call *call,
                void (*done)(struct openalgo *oa, void *ctx, const struct oa_reply *reply),
                const char *instrument, struct waiter to)
{
    struct asking asking = {.to = to};
    text_copy(asking.what, sizeof asking.what, call->path);
    text_copy(asking.instrument, sizeof asking.instrument, instrument);
    oa_call_send(call, done, &asking, sizeof asking);
}

/* True: a success in the mode we trade in; else the waiter has been told. */
static bool is_good(struct openalgo *oa, const struct asking *asking, const struct oa_reply *reply)
{
    struct err err = {0};
    if (reply->err.class == ERR_NONE && reply->success && oa_hear_mode(oa, reply->mode))
        return true;
    if (reply->err.class == ERR_NONE && reply->success)
        err_set(&err, ERR_LATER, ERR_BROKER,
                "OpenAlgo's %s is of another mode than the one we "
                "trade in",
                asking->what);
    else
        oa_read_err(reply, asking->what, &err);
    wait_answer(asking->to, &err, NULL);
    return false;
}

static void refuse_shape(const struct asking *asking)
{
    struct err err;
    err_set(&err, ERR_LATER, ERR_INPUT, "OpenAlgo's %s is not of the shape it should be",
            asking->what);
    wait_answer(asking->to, &err, NULL);
}

/* ---- positions ---- */

static bool read_position(const struct openalgo *oa, const struct json *row,
                          struct broker_position *out)
{
    const char *symbol = oa_field(row, "symbol"), *exchange = oa_field(row, "exchange");
    const struct instrument *instrument =
        oa_instrument_at(oa, symbol, exchange, oa_field(row, "product"), out->expiry);
    struct decimal units = oa_decimal(row, "quantity");
    if (!decimal_ok(units) || decimal_is_zero(units))
        return false;
    if (instrument)
        text_copy(out->instrument, sizeof out->instrument, instrument->name);
    else
        snprintf(out->instrument, sizeof out->instrument, "%.15s:%.30s", exchange, symbol);
    out->side = decimal_sign(units) > 0 ? SIDE_LONG : SIDE_SHORT;
    units = decimal_abs(units);
    out->quantity = instrument ? oa_lots(instrument, units) : units;
    out->average_price = oa_decimal(row, "average_price");
    return true;
}

static void hear_positions(struct openalgo *oa, void *ctx, const struct oa_reply *reply)
{
    const struct asking *asking = ctx;
    struct broker_positions answer = {0};
    if (!is_good(oa, asking, reply))
        return;
    const struct json *rows = json_get(reply->root, "data");
    if (!rows || rows->type != JSON_ARRAY) {
        refuse_shape(asking);
        return;
    }
    struct broker_position *list = mem_alloc((rows->count + 1) * sizeof *list);
    for (const struct json *row = rows->child; row; row = row->next)
        answer.count += read_position(oa, row, &list[answer.count]);
    answer.list = list;
    wait_answer(asking->to, NULL, &answer);
    mem_free(list);
}

void oa_positions(struct broker *broker, struct waiter to)
{
    ask(oa_call_new(openalgo_of(broker), "positionbook", RATE_READ, OA_MODAL), hear_positions, "",
        to);
}

/* ---- funds ---- */

static struct decimal or_zero(struct decimal value)
{
    return decimal_ok(value) ? value : decimal_int(0);
}

static void hear_funds(struct openalgo *oa, void *ctx, const struct oa_reply *reply)
{
    const struct asking *asking = ctx;
    if (!is_good(oa, asking, reply))
        return;
    const struct json *data = json_get(reply->root, "data");
    struct broker_balance answer = {.cash = oa_decimal(data, "availablecash")};
    if (!decimal_ok(answer.cash)) {
        refuse_shape(asking);
        return;
    }
    answer.equity = decimal_add(answer.cash, or_zero(oa_decimal(data, "utiliseddebits")));
    answer.equity = decimal_add(answer.equity, or_zero(oa_decimal(data, "m2munrealized")));
    wait_answer(asking->to, NULL, &answer);
}

void oa_balance(struct broker *broker, struct waiter to)
{
    ask(oa_call_new(openalgo_of(broker), "funds", RATE_READ, OA_MODAL), hear_funds, "", to);
}

/* ---- prices ---- */

static struct oa_call *ask_about(struct openalgo *oa, const char *path, const char *name,
                                 struct waiter to)
{
    const struct instrument *instrument = oa_instrument(oa, name);
    struct err err = {0};
    if (!instrument) {
        err_set(&err, ERR_REFUSED, ERR_CONFIG, "no instrument %s is configured", name);
        oa_refuse(oa, to, &err);
        return NULL;
    }
    struct oa_call *call = oa_call_new(oa, path, RATE_READ, 0);
    char symbol[NAME_SIZE];
    oa_symbol_now(oa, instrument, symbol);
    oa_put_text(call, "symbol", symbol);
    oa_put_text(call, "exchange", instrument->exchange);
    return call;
}

static void hear_quotes(struct openalgo *oa, void *ctx, const struct oa_reply *reply)
{
    const struct asking *asking = ctx;
    if (!is_good(oa, asking, reply))
        return;
    const struct json *data = json_get(reply->root, "data");
    struct openalgo_quote quote = {.last = oa_decimal(data, "ltp"),
                                   .bid = oa_decimal(data, "bid"),
                                   .ask = oa_decimal(data, "ask"),
                                   .open = oa_decimal(data, "open"),
                                   .high = oa_decimal(data, "high"),
                                   .low = oa_decimal(data, "low"),
                                   .close = oa_decimal(data, "prev_close"),
                                   .volume = oa_decimal(data, "volume")};
    if (decimal_ok(quote.last) && decimal_sign(quote.last) > 0)
        wait_answer(asking->to, NULL, &quote);
    else
        refuse_shape(asking);
}

void openalgo_quotes(struct broker *broker, const char *instrument, struct waiter to)
{
    struct oa_call *call = ask_about(openalgo_of(broker), "quotes", instrument, to);
    if (call)
        ask(call, hear_quotes, instrument, to);
}

/* ---- contracts ---- */

/* DD-MMM-YY */
static void read_date(const char *text, char out[12])
{
    static const char months[] = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
    unsigned day, year, month;
    char name[4] = "";
    const char *found;
    out[0] = '\0';
    if (sscanf(text, "%2u-%3[A-Z]-%2u", &day, name, &year) != 3 || strlen(name) != 3 ||
        !(found = strstr(months, name)))
        return;
    month = (unsigned)(found - months) / 3 + 1;
    snprintf(out, 12, "20%02u-%02u-%02u", year % 100, month % 100, day % 100);
}

static void read_symbol(const struct json *row, struct openalgo_symbol *out)
{
    text_copy(out->symbol, sizeof out->symbol, oa_field(row, "symbol"));
    text_copy(out->exchange, sizeof out->exchange, oa_field(row, "exchange"));
    text_copy(out->name, sizeof out->name, oa_field(row, "name"));
    text_copy(out->kind, sizeof out->kind, oa_field(row, "instrumenttype"));
    read_date(oa_field(row, "expiry"), out->expiry);
    out->lot = oa_decimal(row, "lotsize");
    out->tick = oa_decimal(row, "tick_size");
    out->freeze = oa_decimal(row, "freeze_qty");
}

static void hear_symbol(struct openalgo *oa, void *ctx, const struct oa_reply *reply)
{
    const struct asking *asking = ctx;
    struct openalgo_symbol symbol = {0};
    if (!is_good(oa, asking, reply))
        return;
    read_symbol(json_get(reply->root, "data"), &symbol);
    wait_answer(asking->to, NULL, &symbol);
}

void openalgo_symbol(struct broker *broker, const char *instrument, struct waiter to)
{
    struct oa_call *call = ask_about(openalgo_of(broker), "symbol", instrument, to);
    if (call)
        ask(call, hear_symbol, instrument, to);
}

static void hear_search(struct openalgo *oa, void *ctx, const struct oa_reply *reply)
{
    const struct asking *asking = ctx;
    struct openalgo_symbols answer = {0};
    if (!is_good(oa, asking, reply))
        return;
    const struct json *rows = json_get(reply->root, "data");
    struct openalgo_symbol *list = mem_alloc(((rows ? rows->count : 0) + 1) * sizeof *list);
    for (const struct json *row = rows ? rows->child : NULL; row; row = row->next)
        read_symbol(row, &list[answer.count++]);
    answer.list = list;
    wait_answer(asking->to, NULL, &answer);
    mem_free(list);
}

void openalgo_search(struct broker *broker, const char *words, const char *exchange,
                     struct waiter to)
{
    struct oa_call *call = oa_call_new(openalgo_of(broker), "search", RATE_READ, 0);
    oa_put_text(call, "query", words);
    oa_put_text(call, "exchange", exchange);
    ask(call, hear_search, "", to);
}

static void hear_expiry(struct openalgo *oa, void *ctx, const struct oa_reply *reply)
{
    const struct asking *asking = ctx;
    struct openalgo_dates answer = {0};
    if (!is_good(oa, asking, reply))
        return;
    const struct json *rows = json_get(reply->root, "data");
    char(*list)[12] = mem_alloc(((rows ? rows->count : 0) + 1) * sizeof *list);
    for (const struct json *row = rows ? rows->child : NULL; row; row = row->next) {
        if (row->type == JSON_STRING)
            read_date(row->text, list[answer.count]);
        answer.count += list[answer.count][0] != '\0';
    }
    answer.list = (const char(*)[12])list;
    wait_answer(asking->to, NULL, &answer);
    mem_free(list);
}

void openalgo_expiry(struct broker *broker, const char *symbol, const char *exchange,
                     const char *kind, struct waiter to)
{
    struct oa_call *call = oa_call_new(openalgo_of(broker), "expiry", RATE_READ, 0);
    oa_put_text(call, "symbol", symbol);
    oa_put_text(call, "exchange", exchange);
    oa_put_text(call, "instrumenttype", kind);
    ask(call, hear_expiry, "", to);
}

/* ---- the rest ---- */

static void hear_ping(struct openalgo *oa, void *ctx, const struct oa_reply *reply)
{
    const struct asking *asking = ctx;
    if (is_good(oa, asking, reply))
        wait_answer(asking->to, NULL, oa_field(json_get(reply->root, "data"), "broker"));
}

void openalgo_ping(struct broker *broker, struct waiter to)
{
    ask(oa_call_new(openalgo_of(broker), "ping", RATE_READ, 0), hear_ping, "", to);
}

static void hear_status(struct openalgo *oa, void *ctx, const struct oa_reply *reply)
{
    const struct asking *asking = ctx;
    if (is_good(oa, asking, reply))
        wait_answer(asking->to, NULL, oa_field(json_get(reply->root, "data"), "order_status"));
}

void openalgo_order_status(struct broker *broker, const char *broker_id, struct waiter to)
{
    struct openalgo *oa = openalgo_of(broker);
    struct oa_call *call = oa_call_new(oa, "orderstatus", RATE_READ, OA_MODAL);
    oa_put_text(call, "strategy", oa->options.strategy);
    oa_put_text(call, "orderid", broker_id);
    ask(call, hear_status, "", to);
}

/* ---- the contracts we trade ---- */

static void hear_contract(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct openalgo *oa = owner;
    const struct openalgo_symbol *symbol = value;
    const struct instrument *instrument = &oa->options.instruments->list[handle];
    if (err) {
        if (err->class == ERR_LATER || err->class == ERR_NOT_DONE)
            oa->contracts[handle].symbol[0] = '\0'; /* with the next question for the mode */
        log_write(oa->options.log, LOG_WARN, "openalgo", "a contract could not be looked up",
                  LOG_T("instrument", instrument->name), LOG_T("error", err->text), LOG_END);
        return;
    }
    struct oa_contract *contract = &oa->contracts[handle];
    if (!decimal_ok(symbol->lot) || decimal_sign(symbol->lot) <= 0)
        return;
    contract->lot = symbol->lot;
    contract->freeze = decimal_ok(symbol->freeze) ? symbol->freeze : decimal_int(0);
    contract->known = true;
    if (!decimal_eq(contract->lot, instrument->lot_size))
        log_write(oa->options.log, LOG_ERROR, "openalgo",
                  "a lot is another number of units at the broker than in the configuration; no "
                  "entries are sent for it",
                  LOG_T("instrument", instrument->name), LOG_D("broker", contract->lot),
                  LOG_D("configured", instrument->lot_size), LOG_END);
}

void oa_contracts_read(struct openalgo *oa)
{
    for (size_t i = 0; i < oa->options.instruments->count; i++) {
        const struct instrument *instrument = &oa->options.instruments->list[i];
        struct oa_contract *contract = &oa->contracts[i];
        char symbol[NAME_SIZE];
        oa_symbol_now(oa, instrument, symbol);
        if (strcmp(contract->symbol, symbol) == 0)
            continue;
        text_copy(contract->symbol, sizeof contract->symbol, symbol);
        contract->known = false; /* another contract may have other lots */
        openalgo_symbol(&oa->broker, instrument->name, (struct waiter){hear_contract, oa, i});
    }
}
