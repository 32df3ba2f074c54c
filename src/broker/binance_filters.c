/* Why: what the venue would refuse is refused here, with the rule and the cure; and what it would
 * take is what the host decided, never more. */
#include "broker/binance_parts.h"

/* ---- what the venue says of a symbol ---- */

const char *binance_symbol_of(const struct instrument *instrument)
{
    return instrument->symbol[0] ? instrument->symbol : instrument->name;
}

void binance_symbol_init(struct binance_symbol *symbol, const struct instrument *instrument)
{
    struct decimal none = decimal_int(0);
    *symbol = (struct binance_symbol){
        .instrument = instrument,
        .tick = none,
        .price_min = none,
        .price_max = none,
        .step = none,
        .quantity_min = none,
        .quantity_max = none,
        .market_step = none,
        .market_min = none,
        .market_max = none,
        .notional_min = none,
        .notional_max = none,
    };
    text_copy(symbol->name, sizeof symbol->name, binance_symbol_of(instrument));
}

static void take(const struct json *filter, const char *key, struct decimal *out)
{
    struct decimal value;
    if (json_decimal(filter, key, &value))
        *out = value;
}

static void read_filter(struct binance_symbol *s, const struct json *filter)
{
    const char *type = json_text(filter, "filterType");
    if (!type)
        return;
    if (strcmp(type, "PRICE_FILTER") == 0) {
        take(filter, "tickSize", &s->tick);
        take(filter, "minPrice", &s->price_min);
        take(filter, "maxPrice", &s->price_max);
    } else if (strcmp(type, "LOT_SIZE") == 0) {
        take(filter, "stepSize", &s->step);
        take(filter, "minQty", &s->quantity_min);
        take(filter, "maxQty", &s->quantity_max);
    } else if (strcmp(type, "MARKET_LOT_SIZE") == 0) {
        take(filter, "stepSize", &s->market_step);
        take(filter, "minQty", &s->market_min);
        take(filter, "maxQty", &s->market_max);
    } else if (strcmp(type, "NOTIONAL") == 0) {
        take(filter, "minNotional", &s->notional_min);
        take(filter, "maxNotional", &s->notional_max);
        json_bool(filter, "applyMinToMarket", &s->notional_market_min);
        json_bool(filter, "applyMaxToMarket", &s->notional_market_max);
    } else if (strcmp(type, "MIN_NOTIONAL") == 0) {
        take(filter, "minNotional", &s->notional_min);
        take(filter, "notional", &s->notional_min); /* USD-M's name of it */
        if (!json_bool(filter, "applyToMarket", &s->notional_market_min))
            s->notional_market_min = true;
    }
}

void binance_symbol_read(struct binance_symbol *symbol, const struct json *row)
{
    const char *base = json_text(row, "baseAsset"), *quote = json_text(row, "quoteAsset");
    const char *status = json_text(row, "status");
    const struct json *filters = json_get(row, "filters");
    binance_symbol_init(symbol, symbol->instrument);
    text_copy(symbol->base, sizeof symbol->base, base ? base : "");
    text_copy(symbol->quote, sizeof symbol->quote, quote ? quote : "");
    text_copy(symbol->status, sizeof symbol->status, status ? status : "");
    for (const struct json *f = filters ? filters->child : NULL; f; f = f->next)
        read_filter(symbol, f);
    symbol->known = true;
}

/* ---- an order as the venue takes it ---- */

struct shaping {
    const struct binance_symbol *symbol;
    const struct order *order;
    struct err *err;
};

static bool refuse(const struct shaping *s, const char *what, struct decimal value,
                   const char *rule, struct decimal bound, const char *cure)
{
    char a[DECIMAL_TEXT_MAX], b[DECIMAL_TEXT_MAX];
    decimal_print(value, a);
    decimal_print(bound, b);
    return err_set(s->err, ERR_REFUSED, ERR_BROKER, "%s at Binance: the %s %s %s %s%s",
                   s->symbol->name, what, a, rule, b, cure);
}

static bool is_multiple(struct decimal value, struct decimal step)
{
    return decimal_is_zero(step) || decimal_eq(value, decimal_round(value, step, DECIMAL_DOWN));
}

static bool check_quantity(const struct shaping *s, struct decimal units, bool market)
{
    const struct binance_symbol *y = s->symbol;
    struct decimal step = y->step, least = y->quantity_min, most = y->quantity_max;
    if (market && !decimal_is_zero(y->market_step))
        step = y->market_step;
    if (market && decimal_sign(y->market_min) > 0)
        least = decimal_max(least, y->market_min);
    if (market && decimal_sign(y->market_max) > 0)
        most = decimal_is_zero(most) ? y->market_max : decimal_min(most, y->market_max);
    if (!decimal_ok(units) || decimal_sign(units) <= 0)
        return err_set(s->err, ERR_REFUSED, ERR_BROKER, "%s at Binance: no quantity", y->name);
    if (!is_multiple(units, step))
        return refuse(s, "quantity", units, "is not a multiple of", step,
                      "; set quantity_step of the instrument to that");
    if (decimal_lt(units, least))
        return refuse(s, "quantity", units, "is below the least", least, "");
    if (decimal_sign(most) > 0 && decimal_gt(units, most))
        return refuse(s, "quantity", units, "is above the most", most, "");
    return true;
}

static bool check_price(const struct shaping *s, const char *what, struct decimal price)
{
    const struct binance_symbol *y = s->symbol;
    if (!decimal_ok(price))
        return err_set(s->err, ERR_REFUSED, ERR_BROKER, "%s at Binance: the order has no %s",
                       y->name, what);
    if (decimal_sign(price) <= 0)
        return refuse(s, what, price, "is not above", decimal_int(0), "");
    if (decimal_sign(y->price_min) > 0 && decimal_lt(price, y->price_min))
        return refuse(s, what, price, "is below the least", y->price_min, "");
    if (decimal_sign(y->price_max) > 0 && decimal_gt(price, y->price_max))
        return refuse(s, what, price, "is above the most", y->price_max, "");
    return true;
}

static bool check_notional(const struct shaping *s, const struct binance_wish *wish, bool futures)
{
    const struct binance_symbol *y = s->symbol;
    bool market = !decimal_ok(wish->limit_price);
    struct decimal price = decimal_ok(wish->limit_price)  ? wish->limit_price
                           : decimal_ok(wish->stop_price) ? wish->stop_price
                                                          : s->order->reference_price;
    if (!decimal_ok(price) || (futures && s->order->reduces))
        return true;
    struct decimal notional = decimal_mul(price, wish->units);
    if (!decimal_ok(notional))
        return err_set(s->err, ERR_REFUSED, ERR_BROKER, "%s at Binance: the order is beyond reason",
                       y->name);
    if ((!market || y->notional_market_min) && decimal_lt(notional, y->notional_min))
        return refuse(s, "order's worth", notional, "is below the least", y->notional_min, "");
    if ((!market || y->notional_market_max) && decimal_sign(y->notional_max) > 0 &&
        decimal_gt(notional, y->notional_max))
        return refuse(s, "order's worth", notional, "is above the most", y->notional_max, "");
    return true;
}

static struct decimal to_tick(const struct binance_symbol *y, struct decimal price, bool up)
{
    if (decimal_is_zero(y->tick))
        return price;
    return decimal_round(price, y->tick, up ? DECIMAL_CEILING : DECIMAL_FLOOR);
}

bool binance_shape(const struct binance_symbol *symbol, const struct binance_variant *variant,
                   const struct order *order, struct binance_wish *out, struct err *err)
{
    const struct shaping s = {symbol, order, err};
    bool buys = order->side == ORDER_BUY, stop = order->kind == ORDER_STOP;
    bool limited = order->kind == ORDER_LIMIT || (stop && decimal_ok(order->limit_price));
    *out = (struct binance_wish){.limit_price = decimal_bad(), .stop_price = decimal_bad()};
    if (strcmp(symbol->status, "TRADING") != 0)
        return err_set(err, ERR_LATER, ERR_BROKER,
                       "%s at Binance: the symbol does not trade now (%s)", symbol->name,
                       symbol->status);
    out->units = decimal_mul(order->quantity, symbol->instrument->lot_size);
    out->type =
        stop ? (limited ? variant->stop_limit : variant->stop) : (limited ? "LIMIT" : "MARKET");
    if (!check_quantity(&s, out->units, !limited))
        return false;
    if (limited) {
        out->limit_price = to_tick(symbol, order->limit_price, !buys); /* not worse than meant */
        out->tif = order->tif == TIF_IOC ? "IOC" : "GTC";              /* its days never end */
        if (!check_price(&s, "limit price", out->limit_price))
            return false;
    }
    if (stop) {
        /* One that protects triggers rather early, one that enters rather late. */
        out->stop_price = to_tick(symbol, order->stop_price, order->reduces ? !buys : buys);
        if (!check_price(&s, "stop price", out->stop_price))
            return false;
    }
    return check_notional(&s, out, variant->futures);
}
