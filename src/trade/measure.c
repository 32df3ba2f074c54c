/* The figures policies and rails ask for: what the open positions are worth, risk and bind. */
#include "trade/portfolio.h"
#include <string.h>

struct measuring {
    const struct book *book;
    const struct instruments *instruments;
    const struct prices *prices;
    struct portfolio *out;
};

static struct decimal or_zero(struct decimal value)
{
    return decimal_ok(value) ? value : decimal_int(0);
}

static void add(struct decimal *sum, struct decimal value)
{
    *sum = decimal_add(*sum, or_zero(value));
}

/* Leaves *price alone when nobody knows one. */
static bool last_price(const struct measuring *m, const char *instrument, struct decimal *price)
{
    struct decimal last = decimal_bad();
    int64_t at_us;
    if (!m->prices || !m->prices->last ||
        !m->prices->last(m->prices->ctx, instrument, &last, &at_us) || !decimal_ok(last))
        return false;
    *price = last;
    return true;
}

/* Without a stop everything may be lost: what is not bounded is not small. */
static struct decimal risk_of(enum side side, struct decimal price, struct decimal stop,
                              struct decimal lots, const struct instrument *instrument)
{
    struct decimal distance = price;
    if (decimal_ok(stop))
        distance = side == SIDE_LONG ? decimal_sub(price, stop) : decimal_sub(stop, price);
    if (!decimal_ok(distance) || decimal_sign(distance) <= 0)
        return decimal_int(0);
    return decimal_mul(decimal_mul(distance, lots), instrument->point_value);
}

static void bind(struct measuring *m, const struct instrument *instrument, struct decimal price,
                 struct decimal lots)
{
    add(&m->out->margin_used, decimal_mul(or_zero(instrument->margin), lots));
    add(&m->out->exposure,
        decimal_abs(decimal_mul(decimal_mul(price, lots), instrument->point_value)));
}

static bool measure_position(void *ctx, const struct position *p)
{
    struct measuring *m = ctx;
    const struct instrument *instrument = instrument_find(m->instruments, p->instrument);
    struct decimal price = p->entry_price;
    m->out->open_positions++;
    if (!instrument) /* the configuration no longer knows it: nothing can be said of its worth */
        return true;
    if (last_price(m, p->instrument, &price)) {
        struct decimal gain = p->side == SIDE_LONG ? decimal_sub(price, p->entry_price)
                                                   : decimal_sub(p->entry_price, price);
        add(&m->out->unrealised,
            decimal_mul(decimal_mul(gain, p->quantity), instrument->point_value));
    }
    add(&m->out->open_risk, risk_of(p->side, price, p->stop, p->quantity, instrument));
    bind(m, instrument, price, p->quantity);
    return true;
}

static bool measure_order(void *ctx, const struct order *order)
{
    struct measuring *m = ctx;
    const struct instrument *instrument = instrument_find(m->instruments, order->instrument);
    if (order->reduces || !instrument || !decimal_ok(order->quantity))
        return true;
    const struct signal *signal = book_get(m->book, TABLE_SIGNAL, order->signal_id);
    struct decimal left = decimal_sub(order->quantity, or_zero(order->filled)),
                   price = order->reference_price;
    if (decimal_ok(order->limit_price))
        price = order->limit_price;
    if (!decimal_ok(price))
        last_price(m, order->instrument, &price);
    const enum side side = order->side == ORDER_BUY ? SIDE_LONG : SIDE_SHORT;
    add(&m->out->pending_risk,
        risk_of(side, price, signal ? signal->stop : decimal_bad(), left, instrument));
    bind(m, instrument, price, left);
    return true;
}

static struct decimal above_zero(struct decimal value)
{
    return decimal_ok(value) && decimal_sign(value) > 0 ? value : decimal_int(0);
}

static void measure_account(const struct account *account, struct portfolio *out)
{
    const struct decimal hundred = decimal_int(100);
    if (account) {
        out->equity = or_zero(account->equity);
        out->day_loss = above_zero(decimal_sub(or_zero(account->day_start_equity), out->equity));
        struct decimal below = above_zero(decimal_sub(or_zero(account->high_water), out->equity));
        if (decimal_sign(below) > 0 && decimal_sign(account->high_water) > 0)
            out->drawdown_percent = decimal_muldiv(below, hundred, account->high_water);
    }
    add(&out->day_loss, above_zero(decimal_neg(out->unrealised)));
    out->blended_equity =
        decimal_add(out->equity, decimal_div(out->unrealised, decimal_int(2), DECIMAL_HALF_EVEN));
    out->margin_free = decimal_sub(out->equity, out->margin_used);
    if (decimal_sign(out->equity) > 0)
        out->open_risk_percent =
            decimal_muldiv(decimal_add(out->open_risk, out->pending_risk), hundred, out->equity);
}

void portfolio_measure(const struct book *book, const struct instruments *instruments,
                       const struct prices *prices, struct portfolio *out)
{
    const struct decimal zero = decimal_int(0);
    struct measuring m = {.book = book, .instruments = instruments, .prices = prices, .out = out};
    *out = (struct portfolio){
        .equity = zero,
        .unrealised = zero,
        .blended_equity = zero,
        .open_risk = zero,
        .pending_risk = zero,
        .open_risk_percent = decimal_bad(),
        .margin_used = zero,
        .margin_free = zero,
        .exposure = zero,
        .day_loss = zero,
        .drawdown_percent = zero,
    };
    book_each_open_position(book, measure_position, &m);
    book_each_live_order(book, measure_order, &m);
    measure_account(book_get(book, TABLE_ACCOUNT, ACCOUNT_ID), out);
}
