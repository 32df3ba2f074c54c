/* Why: reconciliation compares whole books: open orders, positions, money. Rows of instruments that
 * are not configured are told under their symbol, so that nothing of the account stays unseen. */
#include "broker/binance_parts.h"

static void fail(struct binance_call *call, const struct err *err)
{
    wait_answer(call->to, err, NULL);
}

static void unreadable(struct binance_call *call, const char *what)
{
    struct err err;
    err_set(&err, ERR_NOT_DONE, ERR_INPUT, "Binance's list of %s cannot be read", what);
    fail(call, &err);
}

static void ask(struct broker *broker, const char *path, int64_t weight, binance_done *done,
                struct waiter to)
{
    struct binance_call *call = binance_call_new(binance_of(broker), "GET", path, done, to);
    call->weight = weight;
    binance_ask(call);
}

static struct decimal in_lots(const struct binance_symbol *symbol, struct decimal units)
{
    return symbol ? decimal_div(units, symbol->instrument->lot_size, DECIMAL_HALF_EVEN) : units;
}

static void name_instrument(const struct binance_symbol *symbol, const char *name,
                            char out[NAME_SIZE])
{
    text_copy(out, NAME_SIZE, symbol ? symbol->instrument->name : name);
}

/* ---- open orders ---- */

static void read_kind(const struct json *row, struct order *out)
{
    const char *type = json_text(row, "type"), *tif = json_text(row, "timeInForce");
    bool stop = type && (strstr(type, "STOP") || strstr(type, "TAKE_PROFIT"));
    out->kind = stop                                  ? ORDER_STOP
                : type && strcmp(type, "MARKET") == 0 ? ORDER_MARKET
                                                      : ORDER_LIMIT;
    out->tif = tif && strcmp(tif, "IOC") == 0 ? TIF_IOC : TIF_GTC;
    out->limit_price = out->stop_price = out->average_price = out->reference_price = decimal_bad();
    struct decimal price;
    if (json_decimal(row, "price", &price) && decimal_sign(price) > 0)
        out->limit_price = price;
    if (json_decimal(row, "stopPrice", &price) && decimal_sign(price) > 0)
        out->stop_price = price;
}

static bool read_open(const struct binance *b, const struct json *row, struct order *out)
{
    struct binance_order told;
    const char *side = json_text(row, "side");
    if (!binance_read_order(row, &told) || !side)
        return false;
    const struct binance_symbol *symbol = binance_by_name(b, told.symbol);
    *out = (struct order){.state = told.state, .created_us = told.at_us, .updated_us = told.at_us};
    text_copy(out->id, sizeof out->id, told.client_id);
    text_copy(out->broker_id, sizeof out->broker_id, told.id);
    text_copy(out->broker, sizeof out->broker, b->variant->name);
    name_instrument(symbol, told.symbol, out->instrument);
    out->side = strcmp(side, "BUY") == 0 ? ORDER_BUY : ORDER_SELL;
    out->quantity = in_lots(symbol, told.quantity);
    out->filled = in_lots(symbol, told.executed);
    out->fees = decimal_int(0);
    json_bool(row, "reduceOnly", &out->reduces);
    read_kind(row, out);
    return true;
}

static void got_open(struct binance_call *call, const struct err *err,
                     const struct binance_reply *reply)
{
    struct broker_orders answer = {0};
    if (err) {
        fail(call, err);
        return;
    }
    if (reply->root->type != JSON_ARRAY) {
        unreadable(call, "open orders");
        return;
    }
    struct order *list = mem_alloc((reply->root->count + 1) * sizeof *list);
    bool ok = true;
    for (const struct json *row = reply->root->child; ok && row; row = row->next)
        ok = read_open(call->binance, row, &list[answer.count++]);
    answer.list = list;
    if (ok)
        wait_answer(call->to, NULL, &answer);
    else
        unreadable(call, "open orders"); /* half a list would say that the rest is gone */
    mem_free(list);
}

void binance_open_orders(struct broker *broker, struct waiter to)
{
    const struct binance *b = binance_of(broker);
    ask(broker, b->variant->open_orders, b->variant->weight.open, got_open, to);
}

/* ---- positions ---- */

static bool read_position(const struct binance *b, const struct json *row,
                          struct broker_position *out)
{
    struct decimal amount;
    const char *name = json_text(row, "symbol");
    if (!name || !json_decimal(row, "positionAmt", &amount) || decimal_is_zero(amount))
        return false;
    const struct binance_symbol *symbol = binance_by_name(b, name);
    name_instrument(symbol, name, out->instrument);
    out->side = decimal_sign(amount) > 0 ? SIDE_LONG : SIDE_SHORT;
    out->quantity = in_lots(symbol, decimal_abs(amount));
    out->average_price = decimal_bad();
    json_decimal(row, "entryPrice", &out->average_price);
    return true;
}

/* Spot has no positions: what is held of a symbol's base asset is one. */
static bool read_holding(const struct binance_symbol *symbol, const struct json *balances,
                         struct broker_position *out)
{
    for (const struct json *row = balances->child; row; row = row->next) {
        const char *asset = json_text(row, "asset");
        struct decimal free_units, locked;
        if (!asset || strcmp(asset, symbol->base) != 0 || !json_decimal(row, "free", &free_units) ||
            !json_decimal(row, "locked", &locked))
            continue;
        struct decimal units = decimal_add(free_units, locked);
        if (!decimal_ok(units) || decimal_sign(units) <= 0)
            return false;
        text_copy(out->instrument, sizeof out->instrument, symbol->instrument->name);
        out->side = SIDE_LONG;
        out->quantity = in_lots(symbol, units);
        out->average_price = decimal_bad();
        return true;
    }
    return false;
}

static void got_positions(struct binance_call *call, const struct err *err,
                          const struct binance_reply *reply)
{
    const struct binance *b = call->binance;
    struct broker_positions answer = {0};
    const struct json *balances = err ? NULL : json_get(reply->root, "balances");
    const struct json *rows = b->variant->futures ? (err ? NULL : reply->root) : balances;
    if (err) {
        fail(call, err);
        return;
    }
    if (!rows || rows->type != JSON_ARRAY) {
        unreadable(call, "positions");
        return;
    }
    struct broker_position *list = mem_alloc((rows->count + b->symbol_count + 1) * sizeof *list);
    if (b->variant->futures)
        for (const struct json *row = rows->child; row; row = row->next)
            answer.count += read_position(b, row, &list[answer.count]);
    else
        for (size_t i = 0; i < b->symbol_count; i++)
            answer.count += read_holding(&b->symbols[i], balances, &list[answer.count]);
    answer.list = list;
    wait_answer(call->to, NULL, &answer);
    mem_free(list);
}

void binance_positions(struct broker *broker, struct waiter to)
{
    const struct binance *b = binance_of(broker);
    ask(broker, b->variant->positions, b->variant->weight.positions, got_positions, to);
}

/* ---- money ---- */

static bool read_spot(const struct binance *b, const struct json *root, struct broker_balance *out)
{
    const struct json *balances = json_get(root, "balances");
    const char *quote = b->symbol_count ? b->symbols[0].quote : "USDT";
    if (!balances || balances->type != JSON_ARRAY)
        return false;
    out->cash = decimal_int(0);
    for (const struct json *row = balances->child; row; row = row->next) {
        const char *asset = json_text(row, "asset");
        struct decimal free_units, locked;
        if (asset && strcmp(asset, quote) == 0 && json_decimal(row, "free", &free_units) &&
            json_decimal(row, "locked", &locked))
            out->cash = decimal_add(free_units, locked);
    }
    out->equity = out->cash;
    return decimal_ok(out->cash);
}

static void got_balance(struct binance_call *call, const struct err *err,
                        const struct binance_reply *reply)
{
    struct broker_balance answer = {decimal_bad(), decimal_bad()};
    const struct binance *b = call->binance;
    if (err)
        fail(call, err);
    else if (b->variant->futures
                 ? json_decimal(reply->root, "totalWalletBalance", &answer.cash) &&
                       json_decimal(reply->root, "totalMarginBalance", &answer.equity)
                 : read_spot(b, reply->root, &answer))
        wait_answer(call->to, NULL, &answer);
    else
        unreadable(call, "balances");
}

void binance_balance(struct broker *broker, struct waiter to)
{
    const struct binance *b = binance_of(broker);
    ask(broker, b->variant->account, b->variant->weight.account, got_balance, to);
}
