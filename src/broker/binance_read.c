/* Why: what the venue says, in our words. Quantities come from executedQty and trades, never from a
 * status; numbers are read from their digits. */
#include "broker/binance_parts.h"

bool binance_state_of(const char *status, enum order_state *out)
{
    static const struct {
        const char *word;
        enum order_state state;
    } words[] = {
        {"NEW", ORDER_ACKNOWLEDGED},
        {"PENDING_NEW", ORDER_ACKNOWLEDGED},
        {"PENDING_CANCEL", ORDER_ACKNOWLEDGED},
        {"PARTIALLY_FILLED", ORDER_PARTIALLY_FILLED},
        {"FILLED", ORDER_FILLED},
        {"CANCELED", ORDER_CANCELLED},
        {"REJECTED", ORDER_REJECTED},
        {"EXPIRED", ORDER_EXPIRED}, /* may be filled in part */
        {"EXPIRED_IN_MATCH", ORDER_EXPIRED},
    };
    for (size_t i = 0; status && i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, status) == 0) {
            *out = words[i].state;
            return true;
        }
    return false;
}

bool binance_id_text(const struct json *row, const char *key, char out[NAME_SIZE])
{
    const struct json *value = json_get(row, key);
    out[0] = '\0';
    return value && (value->type == JSON_NUMBER || value->type == JSON_STRING) &&
           text_copy(out, NAME_SIZE, value->text);
}

bool binance_read_order(const struct json *row, struct binance_order *out)
{
    int64_t ms = 0;
    const char *original = json_text(row, "origClientOrderId");
    *out = (struct binance_order){.symbol = json_text(row, "symbol"),
                                  .client_id = json_text(row, "clientOrderId"),
                                  .status = json_text(row, "status")};
    if (original && *original) /* the reply to a cancel: clientOrderId is the cancel's */
        out->client_id = original;
    if (!json_int(row, "transactTime", &ms) && !json_int(row, "updateTime", &ms))
        json_int(row, "time", &ms);
    out->at_us = ms * 1000;
    return out->symbol && out->client_id && binance_id_text(row, "orderId", out->id) &&
           binance_state_of(out->status, &out->state) &&
           json_decimal(row, "executedQty", &out->executed) &&
           json_decimal(row, "origQty", &out->quantity) && decimal_sign(out->executed) >= 0;
}

void binance_trade_id(char out[NAME_SIZE], const struct binance_symbol *symbol, const char *number,
                      enum order_side side)
{
    /* Trades are numbered by symbol, and a trade with ourselves has two sides. */
    snprintf(out, NAME_SIZE, "%.20s-%.20s-%c", symbol->name, number, side == ORDER_BUY ? 'B' : 'S');
}

void binance_fill(const struct binance *b, const struct binance_symbol *symbol,
                  struct decimal units, struct decimal commission, const char *asset,
                  struct report *out)
{
    out->quantity = decimal_div(units, symbol->instrument->lot_size, DECIMAL_HALF_EVEN);
    out->fee = decimal_int(0);
    if (!asset || !decimal_ok(commission) || decimal_is_zero(commission))
        return;
    if (strcmp(asset, symbol->quote) == 0)
        out->fee = commission;
    else if (strcmp(asset, symbol->base) == 0)
        out->fee = decimal_mul(commission, out->price);
    else {
        char text[DECIMAL_TEXT_MAX];
        decimal_print(commission, text);
        snprintf(out->reason, sizeof out->reason, "fee of %s %.15s is not in the ledger", text,
                 asset);
        log_write(b->options.log, LOG_WARN, "binance",
                  "a fee was paid in another asset than the symbol's; it is not in the ledger",
                  LOG_T("order_id", out->order_id), LOG_T("asset", asset), LOG_T("amount", text),
                  LOG_END);
    }
}

bool binance_read_trade(const struct binance *b, const struct binance_symbol *symbol,
                        const struct json *row, const struct order *order, const char *broker_id,
                        struct report *out)
{
    char number[NAME_SIZE];
    struct decimal units, commission = decimal_bad();
    int64_t ms = 0;
    *out = (struct report){.kind = REPORT_FILL};
    /* myTrades calls it id, the fills of a reply tradeId. */
    if (!binance_id_text(row, "id", number) && !binance_id_text(row, "tradeId", number))
        return false;
    if (!json_decimal(row, "qty", &units) || !json_decimal(row, "price", &out->price) ||
        decimal_sign(units) <= 0)
        return false;
    json_decimal(row, "commission", &commission);
    text_copy(out->order_id, sizeof out->order_id, order->id);
    text_copy(out->broker_id, sizeof out->broker_id, broker_id);
    binance_trade_id(out->trade_id, symbol, number, order->side);
    binance_fill(b, symbol, units, commission, json_text(row, "commissionAsset"), out);
    out->at_us = json_int(row, "time", &ms) ? ms * 1000 : clock_wall(b->options.clock);
    return true;
}
