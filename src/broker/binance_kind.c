/* Why: on the spot market a fee is taken from what was bought, unless it is paid in BNB. Then the
 * account holds a little less than the position's lots, and an exit of them all would be refused
 * for ever. So one that is refused for its balance is placed for what is there, in whole steps, and
 * when that is sold the rest counts as what it is, paid: closed at its entry price, for the fee
 * itself is in the ledger since the entry. More than a hundredth is not believed to be fees. */
#include "broker/binance_parts.h"
#include <stdio.h>

enum { FEES_PERCENT = 1 };

static bool is_spot_exit(const struct binance *b, const struct order *order)
{
    return !b->variant->futures && order->reduces && order->side == ORDER_SELL;
}

static bool is_nearly(struct decimal units, struct decimal wanted)
{
    return decimal_lt(units, wanted) &&
           decimal_ge(decimal_mul(units, decimal_int(100)),
                      decimal_mul(wanted, decimal_int(100 - FEES_PERCENT)));
}

static struct decimal units_of(const struct binance_call *call)
{
    return decimal_mul(call->order.quantity, call->symbol->instrument->lot_size);
}

/* ---- sold what is there: the rest was paid ---- */

bool binance_kind_rest(const struct binance_call *call, enum order_state state,
                       struct decimal executed, const char *broker_id, struct report *out)
{
    const struct binance *b = call->binance;
    struct decimal wanted = units_of(call);
    if (!is_spot_exit(b, &call->order) || state != ORDER_FILLED || !is_nearly(executed, wanted))
        return false;
    *out = (struct report){.kind = REPORT_FILL,
                           .price = decimal_bad(),
                           .fee = decimal_int(0),
                           .at_us = clock_wall(b->options.clock)};
    out->quantity = decimal_div(decimal_sub(wanted, executed), call->symbol->instrument->lot_size,
                                DECIMAL_HALF_EVEN);
    text_copy(out->order_id, sizeof out->order_id, call->order.id);
    text_copy(out->broker_id, sizeof out->broker_id, broker_id);
    snprintf(out->trade_id, sizeof out->trade_id, "%.20s-%.20s-kind", call->symbol->name,
             broker_id);
    return true;
}

/* ---- refused for its balance ---- */

static struct decimal free_of(const struct json *root, const char *asset)
{
    const struct json *balances = json_get(root, "balances");
    struct decimal units;
    for (const struct json *row = balances ? balances->child : NULL; row; row = row->next) {
        const char *name = json_text(row, "asset");
        if (name && strcmp(name, asset) == 0 && json_decimal(row, "free", &units))
            return units;
    }
    return decimal_int(0);
}

static void got_account(struct binance_call *call, const struct err *err,
                        const struct binance_reply *reply)
{
    const struct binance_symbol *y = call->symbol;
    struct err refused = *(const struct err *)call->extra;
    struct decimal step = y->step, units = decimal_int(0), wanted = units_of(call);
    struct binance_wish wish;
    struct err ignored;
    if (call->order.kind != ORDER_LIMIT && !decimal_is_zero(y->market_step))
        step = y->market_step;
    if (!err)
        units = free_of(reply->root, y->base);
    if (!decimal_is_zero(step))
        units = decimal_round(units, step, DECIMAL_DOWN);
    if (!is_nearly(units, wanted)) {
        wait_answer(call->to, &refused, NULL);
        return;
    }
    struct order less = call->order;
    less.quantity = decimal_div(units, y->instrument->lot_size, DECIMAL_HALF_EVEN);
    if (!binance_shape(y, call->binance->variant, &less, &wish, &ignored) ||
        !decimal_eq(wish.units, units)) {
        wait_answer(call->to, &refused, NULL);
        return;
    }
    char had[DECIMAL_TEXT_MAX], asked[DECIMAL_TEXT_MAX];
    decimal_print(units, had);
    decimal_print(wanted, asked);
    log_write(call->binance->options.log, LOG_WARN, "binance",
              "an exit is placed for what fees have left of the coin",
              LOG_T("order_id", call->order.id), LOG_T("wanted", asked), LOG_T("there", had),
              LOG_END);
    binance_place_again(call, &wish);
}

bool binance_kind_look(struct binance_call *call, const struct err *err)
{
    struct binance *b = call->binance;
    if (err->class != ERR_REFUSED || call->code != -2010 || call->extra ||
        !is_spot_exit(b, &call->order) || !strstr(err->text, "insufficient balance"))
        return false;
    struct err *kept = mem_alloc(sizeof *kept); /* freed with the call; and it is tried once */
    *kept = *err;
    call->extra = kept;
    call->method = "GET";
    call->path = b->variant->account;
    call->weight = b->variant->weight.account;
    call->done = got_account;
    call->is_order = false;
    str_clear(&call->query);
    binance_ask(call);
    return true;
}
