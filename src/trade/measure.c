/* The figures policies and rails ask for: what the open positions are worth, risk and bind.
 *
 * Every decision asks, so nothing is walked over twice: each strategy on each instrument keeps its
 * sums in the book, and only those whose rows or price changed since are summed up again. Sums are
 * exact, so taking the old away and adding the new gives what a walk over all would. */
#include "trade/portfolio.h"
#include <string.h>

struct measuring {
    const struct book *book;
    const struct instruments *instruments;
    const struct prices *prices;
    struct book_sums *total;
    struct book_sums *sums;              /* of the group at hand */
    const struct instrument *instrument; /* its instrument */
    bool moved;                          /* the total is not what it was */
};

static struct decimal or_zero(struct decimal value)
{
    return decimal_ok(value) ? value : decimal_int(0);
}

static void add(struct decimal *sum, struct decimal value)
{
    *sum = decimal_add(*sum, or_zero(value));
}

static struct decimal last_price(const struct measuring *m, const char *instrument)
{
    struct decimal last = decimal_bad();
    int64_t at_us;
    if (!m->prices || !m->prices->last ||
        !m->prices->last(m->prices->ctx, instrument, &last, &at_us))
        return decimal_bad();
    return last;
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

static void bind(struct measuring *m, struct decimal price, struct decimal lots)
{
    add(&m->sums->margin, decimal_mul(or_zero(m->instrument->margin), lots));
    add(&m->sums->exposure,
        decimal_abs(decimal_mul(decimal_mul(price, lots), m->instrument->point_value)));
}

static bool measure_position(void *ctx, const struct position *p)
{
    struct measuring *m = ctx;
    struct decimal price = p->entry_price;
    m->sums->positions++;
    m->sums->open = true;
    if (!m->instrument) /* the configuration no longer knows it: nothing can be said of its worth */
        return true;
    if (decimal_ok(m->sums->price)) {
        price = m->sums->price;
        struct decimal gain = p->side == SIDE_LONG ? decimal_sub(price, p->entry_price)
                                                   : decimal_sub(p->entry_price, price);
        add(&m->sums->unrealised,
            decimal_mul(decimal_mul(gain, p->quantity), m->instrument->point_value));
    }
    add(&m->sums->open_risk, risk_of(p->side, price, p->stop, p->quantity, m->instrument));
    bind(m, price, p->quantity);
    return true;
}

static bool measure_order(void *ctx, const struct order *order)
{
    struct measuring *m = ctx;
    if (order->reduces || !m->instrument || !decimal_ok(order->quantity))
        return true;
    m->sums->open = true;
    const struct signal *signal = book_get(m->book, TABLE_SIGNAL, order->signal_id);
    struct decimal left = decimal_sub(order->quantity, or_zero(order->filled)),
                   price = order->reference_price;
    if (decimal_ok(order->limit_price))
        price = order->limit_price;
    if (!decimal_ok(price))
        price = m->sums->price;
    const enum side side = order->side == ORDER_BUY ? SIDE_LONG : SIDE_SHORT;
    add(&m->sums->pending_risk,
        risk_of(side, price, signal ? signal->stop : decimal_bad(), left, m->instrument));
    bind(m, price, left);
    return true;
}

/* ---- groups and their total ---- */

static void clear(struct book_sums *sums)
{
    const struct decimal zero = decimal_int(0);
    sums->unrealised = sums->open_risk = sums->pending_risk = zero;
    sums->margin = sums->exposure = zero;
    sums->positions = 0;
    sums->open = false;
}

static void take_away(struct book_sums *total, const struct book_sums *sums)
{
    total->unrealised = decimal_sub(total->unrealised, sums->unrealised);
    total->open_risk = decimal_sub(total->open_risk, sums->open_risk);
    total->pending_risk = decimal_sub(total->pending_risk, sums->pending_risk);
    total->margin = decimal_sub(total->margin, sums->margin);
    total->exposure = decimal_sub(total->exposure, sums->exposure);
    total->positions -= sums->positions;
}

static void put_in(struct book_sums *total, const struct book_sums *sums)
{
    total->unrealised = decimal_add(total->unrealised, sums->unrealised);
    total->open_risk = decimal_add(total->open_risk, sums->open_risk);
    total->pending_risk = decimal_add(total->pending_risk, sums->pending_risk);
    total->margin = decimal_add(total->margin, sums->margin);
    total->exposure = decimal_add(total->exposure, sums->exposure);
    total->positions += sums->positions;
}

static void sum_up(struct measuring *m, const struct book_group *group, struct book_sums *sums)
{
    m->sums = sums;
    m->instrument = sums->instrument;
    clear(sums);
    book_group_each(group, measure_position, measure_order, m);
}

static void sum_anew(void *ctx, const struct book_group *group, struct book_sums *sums)
{
    struct measuring *m = ctx;
    m->moved = true;
    sums->price = last_price(m, book_group_instrument(group));
    if (sums->basis != m->instruments)
        sums->instrument = instrument_find(m->instruments, book_group_instrument(group));
    sums->basis = m->instruments;
    sum_up(m, group, sums);
    put_in(m->total, sums);
}

static void sum_changed(void *ctx, const struct book_group *group, struct book_sums *sums)
{
    struct measuring *m = ctx;
    if (sums->basis) /* else it is new, and in no total yet */
        take_away(m->total, sums);
    sum_anew(ctx, group, sums);
}

static void sum_moved(void *ctx, const struct book_group *group, struct book_sums *sums)
{
    struct measuring *m = ctx;
    if (!sums->open)
        return;
    struct decimal price = last_price(m, book_group_instrument(group));
    if (price.units != sums->price.units)
        sum_changed(ctx, group, sums);
}

static bool is_sound(const struct book_sums *sums)
{
    return decimal_ok(sums->unrealised) && decimal_ok(sums->open_risk) &&
           decimal_ok(sums->pending_risk) && decimal_ok(sums->margin) && decimal_ok(sums->exposure);
}

static void forget(void *ctx, const struct book_group *group, struct book_sums *sums)
{
    (void)ctx;
    (void)group;
    (void)sums;
}

static void sum_all(struct measuring *m)
{
    m->moved = true;
    clear(m->total);
    book_each_group(m->book, true, forget, m);
    book_each_group(m->book, false, sum_anew, m);
    m->total->basis = m->instruments;
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

/* The groups that changed, taken out of the total as they were and put in as they are. */
static void sum_changes(struct measuring *m, const uint64_t *moves)
{
    book_each_group(m->book, true, sum_changed, m);
    if (!moves || *moves != m->total->moves)
        book_each_group(m->book, false, sum_moved, m);
}

/* A total that was too large for a moment, while one came before another went, says nothing. */
static void sum_book(struct measuring *m)
{
    const uint64_t *moves = m->prices ? m->prices->moves : NULL;
    if (m->total->basis == m->instruments && is_sound(m->total))
        sum_changes(m, moves);
    if (m->total->basis != m->instruments || !is_sound(m->total))
        sum_all(m);
    m->total->moves = moves ? *moves : 0;
}

static void measure(const struct measuring *m, struct portfolio *out)
{
    const struct decimal zero = decimal_int(0);
    const struct book_sums *total = m->total;
    *out = (struct portfolio){
        .equity = zero,
        .unrealised = total->unrealised,
        .blended_equity = zero,
        .open_risk = total->open_risk,
        .pending_risk = total->pending_risk,
        .open_risk_percent = decimal_bad(),
        .margin_used = total->margin,
        .margin_free = zero,
        .exposure = total->exposure,
        .day_loss = zero,
        .drawdown_percent = zero,
        .open_positions = total->positions,
    };
    measure_account(book_get(m->book, TABLE_ACCOUNT, ACCOUNT_ID), out);
}

/* Neither a row nor a price has changed since it was measured. */
static bool still_holds(const struct book *book, const struct instruments *instruments,
                        const struct prices *prices)
{
    const struct book_sums *total = book_sums(book);
    return total->measured && total->basis == instruments &&
           total->changes == book_changes(book) && prices && prices->moves &&
           *prices->moves == total->moves;
}

void portfolio_measure(const struct book *book, const struct instruments *instruments,
                       const struct prices *prices, struct portfolio *out)
{
    struct book_sums *total = book_sums(book);
    if (still_holds(book, instruments, prices)) {
        *out = *total->measured;
        return;
    }
    struct measuring m = {
        .book = book, .instruments = instruments, .prices = prices, .total = total};
    sum_book(&m);
    if (!total->measured)
        total->measured = mem_alloc(sizeof *total->measured);
    else if (!m.moved && total->changes == book_changes(book)) {
        *out = *total->measured;
        return;
    }
    measure(&m, out);
    *total->measured = *out;
    total->changes = book_changes(book);
}
