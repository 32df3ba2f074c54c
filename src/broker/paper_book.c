/* The exchange inside the paper broker: which orders stand, what a price makes of them, and what
 * the fills add up to. It trusts nothing the host believes. */
#include "broker/paper_parts.h"

struct paper_order *paper_find(const struct paper *paper, const char *client_id)
{
    struct client_id *id;
    HASH_FIND_STR(paper->ids, client_id, id);
    return id ? id->newest : NULL;
}

/* Prices come by the million, mostly of one instrument. */
struct market *paper_market(struct paper *paper, const char *instrument)
{
    struct market *market = paper->recent;
    if (market && strcmp(market->name, instrument) == 0)
        return market;
    HASH_FIND_STR(paper->markets, instrument, market);
    if (!market) {
        market = mem_alloc(sizeof *market);
        text_copy(market->name, sizeof market->name, instrument);
        market->price = market->traded = decimal_bad();
        market->net = market->average = decimal_int(0);
        HASH_ADD_STR(paper->markets, name, market);
    }
    return paper->recent = market;
}

struct paper_order *paper_accept(struct paper *paper, const struct order *order)
{
    struct client_id *id;
    HASH_FIND_STR(paper->ids, order->id, id);
    if (!id) {
        id = mem_alloc(sizeof *id);
        text_copy(id->id, sizeof id->id, order->id);
        HASH_ADD_STR(paper->ids, id, id);
    }
    struct paper_order *placed = mem_alloc(sizeof *placed);
    placed->order = *order;
    placed->order.state = ORDER_ACKNOWLEDGED;
    placed->order.filled = placed->order.fees = decimal_int(0);
    placed->order.average_price = decimal_bad();
    placed->order.reason[0] = '\0';
    placed->same_id = id->newest;
    placed->working = true;
    placed->early = paper->waits_for_prices;
    id->newest = placed;
    id->accepted++;
    placed->next = paper->working;
    if (placed->next)
        placed->next->prev = placed;
    paper->working = placed;
    return placed;
}

static void unwork(struct paper *paper, struct paper_order *placed)
{
    if (!placed->working)
        return;
    *(placed->prev ? &placed->prev->next : &paper->working) = placed->next;
    if (placed->next)
        placed->next->prev = placed->prev;
    placed->next = placed->prev = NULL;
    placed->working = false;
}

void paper_end(struct paper *paper, struct paper_order *placed, enum order_state state,
               const char *reason)
{
    placed->order.state = state;
    text_copy(placed->order.reason, sizeof placed->order.reason, reason);
    unwork(paper, placed);
    if (state != ORDER_FILLED)
        paper_journal_end(paper, placed);
}

/* ---- money ---- */

static const struct instrument *instrument_of(const struct paper *paper, const char *name)
{
    const struct instruments *all = paper->options.instruments;
    return all ? instrument_find(all, name) : NULL;
}

static struct decimal point_value(const struct paper *paper, const char *name)
{
    const struct instrument *instrument = instrument_of(paper, name);
    return instrument && decimal_ok(instrument->point_value) ? instrument->point_value
                                                             : decimal_int(1);
}

/* Where the lots of an order are kept: contracts of one instrument do not net. */
static struct market *contract_of(struct paper *paper, const struct order *order)
{
    char name[sizeof((struct market *)0)->name];
    if (!*order->expiry)
        return paper_market(paper, order->instrument);
    snprintf(name, sizeof name, "%s\t%s", order->instrument, order->expiry);
    return paper_market(paper, name);
}

/* Net position by average cost; what a crossing fill closes is realised. */
static void book_position(struct paper *paper, const char *instrument, struct market *market,
                          struct decimal signed_lots, struct decimal price)
{
    struct decimal zero = decimal_int(0), after = decimal_add(market->net, signed_lots);
    int held = decimal_sign(market->net), traded = decimal_sign(signed_lots);
    if (held == 0 || held == traded) {
        struct decimal cost =
            decimal_add(decimal_mul(market->net, market->average), decimal_mul(signed_lots, price));
        market->average =
            decimal_is_zero(after) ? zero : decimal_div(cost, after, DECIMAL_HALF_EVEN);
    } else {
        struct decimal closed = decimal_min(decimal_abs(market->net), decimal_abs(signed_lots));
        struct decimal points = decimal_sub(price, market->average);
        if (held < 0)
            points = decimal_neg(points);
        struct decimal gain =
            decimal_mul(decimal_mul(points, closed), point_value(paper, instrument));
        paper->realised = decimal_add(paper->realised, gain);
        if (decimal_is_zero(after))
            market->average = zero;
        else if (decimal_sign(after) == traded)
            market->average = price;
    }
    market->net = after;
}

void paper_book_fill(struct paper *paper, struct paper_order *placed, const struct report *fill)
{
    struct order *order = &placed->order;
    if (placed->fill_count == placed->fill_room) {
        placed->fill_room = placed->fill_room ? placed->fill_room * 2 : 2;
        placed->fills = mem_realloc(placed->fills, placed->fill_room * sizeof *placed->fills);
    }
    placed->fills[placed->fill_count++] = *fill;
    struct decimal cost = decimal_mul(fill->price, fill->quantity);
    if (decimal_ok(order->average_price))
        cost = decimal_add(cost, decimal_mul(order->average_price, order->filled));
    order->filled = decimal_add(order->filled, fill->quantity);
    order->average_price = decimal_div(cost, order->filled, DECIMAL_HALF_EVEN);
    order->fees = decimal_add(order->fees, fill->fee);
    paper->fees = decimal_add(paper->fees, fill->fee);
    bool full = decimal_ge(order->filled, order->quantity);
    order->state = full ? ORDER_FILLED : ORDER_PARTIALLY_FILLED;
    if (full)
        unwork(paper, placed);
    paper_market(paper, order->instrument)->traded = fill->price;
    book_position(paper, order->instrument, contract_of(paper, order),
                  order->side == ORDER_BUY ? fill->quantity : decimal_neg(fill->quantity),
                  fill->price);
}

static struct decimal fee_of(const struct paper *paper, const struct order *order,
                             struct decimal quantity, struct decimal price)
{
    struct decimal fee = decimal_int(0);
    if (decimal_ok(paper->options.fee_per_lot))
        fee = decimal_mul(paper->options.fee_per_lot, quantity);
    if (decimal_ok(paper->options.fee_percent)) {
        struct decimal notional =
            decimal_mul(decimal_mul(price, quantity), point_value(paper, order->instrument));
        fee = decimal_add(fee,
                          decimal_muldiv(notional, paper->options.fee_percent, decimal_int(100)));
    }
    return fee;
}

void paper_fill(struct paper *paper, struct paper_order *placed, struct decimal quantity,
                struct decimal price, struct report *out)
{
    const struct order *order = &placed->order;
    *out = (struct report){.kind = REPORT_FILL,
                           .quantity = quantity,
                           .price = price,
                           .fee = fee_of(paper, order, quantity, price),
                           .at_us = clock_wall(paper->options.clock)};
    text_copy(out->order_id, sizeof out->order_id, order->id);
    text_copy(out->broker_id, sizeof out->broker_id, order->broker_id);
    struct str trade = {.max = sizeof out->trade_id - 1};
    str_putc(&trade, 'T');
    str_put_int(&trade, ++paper->sequence);
    text_copy(out->trade_id, sizeof out->trade_id, str_text(&trade));
    str_free(&trade);
    paper_book_fill(paper, placed, out);
    paper_journal_fill(paper, out);
}

/* ---- matching ---- */

static struct decimal slipped(const struct paper *paper, const struct order *order,
                              struct decimal price)
{
    if (!decimal_ok(paper->options.slippage_percent) ||
        decimal_is_zero(paper->options.slippage_percent))
        return price;
    struct decimal by = decimal_muldiv(price, paper->options.slippage_percent, decimal_int(100));
    const struct instrument *instrument = instrument_of(paper, order->instrument);
    bool buys = order->side == ORDER_BUY;
    price = buys ? decimal_add(price, by) : decimal_sub(price, by);
    if (instrument && decimal_ok(instrument->tick) && decimal_sign(instrument->tick) > 0)
        price = decimal_round(price, instrument->tick, buys ? DECIMAL_CEILING : DECIMAL_FLOOR);
    return price;
}

/* The price the order trades at now, bad when it does not. */
static struct decimal marketable(const struct paper *paper, const struct order *order,
                                 struct decimal last)
{
    bool buys = order->side == ORDER_BUY;
    if (!decimal_ok(last) || decimal_sign(last) <= 0)
        return decimal_bad();
    if (order->kind == ORDER_MARKET)
        return slipped(paper, order, last);
    if (order->kind == ORDER_LIMIT) {
        if (!decimal_ok(order->limit_price))
            return decimal_bad();
        bool meets =
            buys ? decimal_le(last, order->limit_price) : decimal_ge(last, order->limit_price);
        return meets ? last : decimal_bad();
    }
    if (!decimal_ok(order->stop_price))
        return decimal_bad();
    bool touched = buys ? decimal_ge(last, order->stop_price) : decimal_le(last, order->stop_price);
    return touched ? slipped(paper, order, last) : decimal_bad();
}

static struct decimal first_part(struct paper *paper, const struct order *order)
{
    struct decimal rest = decimal_sub(order->quantity, order->filled);
    if (!decimal_is_zero(order->filled) || !paper->options.partial_permille ||
        !chance_hits(&paper->chance, paper->options.partial_permille))
        return rest;
    const struct instrument *instrument = instrument_of(paper, order->instrument);
    struct decimal step = instrument && decimal_ok(instrument->quantity_step) &&
                                  decimal_sign(instrument->quantity_step) > 0
                              ? instrument->quantity_step
                              : decimal_int(1);
    struct decimal half = decimal_div(rest, decimal_int(2), DECIMAL_HALF_EVEN);
    half = decimal_round(half, step, DECIMAL_DOWN);
    return decimal_sign(half) > 0 ? half : rest;
}

void paper_match(struct paper *paper, struct paper_order *placed, struct waiter *first)
{
    struct order *order = &placed->order;
    const struct market *market = paper_market(paper, order->instrument);
    struct decimal last = market->price;
    struct report report;
    if (!placed->working || placed->early)
        return;
    struct decimal price = marketable(paper, order,
                                      decimal_ok(last)                     ? last
                                      : decimal_ok(order->reference_price) ? order->reference_price
                                                                           : market->traded);
    if (decimal_ok(price)) {
        paper_fill(paper, placed, first_part(paper, order), price, &report);
        if (placed->working)
            paper_later_fill(paper, placed);
    } else if (order->kind == ORDER_MARKET || order->tif == TIF_IOC) {
        paper_end(paper, placed, ORDER_EXPIRED, "nothing to trade against");
        report = (struct report){.kind = REPORT_EXPIRED, .at_us = clock_wall(paper->options.clock)};
        text_copy(report.order_id, sizeof report.order_id, order->id);
        text_copy(report.broker_id, sizeof report.broker_id, order->broker_id);
        text_copy(report.reason, sizeof report.reason, order->reason);
    } else {
        return;
    }
    paper_tell(paper, placed, &report, first);
}

void paper_price(struct broker *broker, const char *instrument, struct decimal price, int64_t at_us)
{
    struct paper *paper = paper_of(broker);
    struct market *market = paper_market(paper, instrument);
    struct paper_order *next;
    market->price = price;
    market->price_us = at_us;
    for (struct paper_order *placed = paper->working; placed; placed = next) {
        next = placed->next;
        if (placed->rest_due || strcmp(placed->order.instrument, instrument) != 0)
            continue;
        placed->early = false;
        paper_match(paper, placed, NULL);
    }
}

void paper_wait_for_prices(struct broker *broker)
{
    paper_of(broker)->waits_for_prices = true;
}

/* ---- the judge ---- */

size_t paper_count_accepted(const struct broker *broker, const char *order_id)
{
    struct client_id *id;
    HASH_FIND_STR(paper_of(broker)->ids, order_id, id);
    return id ? id->accepted : 0;
}

void paper_each_order(const struct broker *broker,
                      void (*each)(void *ctx, const struct order *order, size_t accepted),
                      void *ctx)
{
    for (struct client_id *id = paper_of(broker)->ids; id; id = id->hh.next)
        for (struct paper_order *placed = id->newest; placed; placed = placed->same_id)
            each(ctx, &placed->order, id->accepted);
}

void paper_free_orders(struct paper *paper)
{
    struct client_id *id, *next;
    struct market *market, *following;
    HASH_ITER(hh, paper->ids, id, next)
    {
        for (struct paper_order *placed = id->newest, *older; placed; placed = older) {
            older = placed->same_id;
            mem_free(placed->fills);
            mem_free(placed);
        }
        HASH_DELETE(hh, paper->ids, id);
        mem_free(id);
    }
    HASH_ITER(hh, paper->markets, market, following)
    {
        HASH_DELETE(hh, paper->markets, market);
        mem_free(market);
    }
}
