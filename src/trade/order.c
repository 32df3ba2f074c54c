/* Orders: which state may follow which, and what a broker's report makes of a row.
 *
 *   intended ── right to send ──> sending ──> sent ──> acknowledged ──> partially_filled ──> filled
 *      │                            │  ▲        │           │                  │
 *      └> cancelled, rejected,      │  │        └───────────┴──── any of: cancelled, rejected,
 *         expired (never sent)      │  │                          expired, unknown
 *                                   ▼  │
 *                                 unknown: ends by evidence only
 *
 * A final order whose fill comes late (the cancel and the fill crossed on the wire) takes the fill:
 * what happened at the broker is true whatever we had concluded. It becomes filled when nothing is
 * left, else keeps its state. */
#include "trade/order.h"
#include <string.h>

#define BIT(state) (1u << (state))
#define FINAL (BIT(ORDER_FILLED) | BIT(ORDER_CANCELLED) | BIT(ORDER_REJECTED) | BIT(ORDER_EXPIRED))
#define FILLING (BIT(ORDER_PARTIALLY_FILLED) | BIT(ORDER_FILLED))

/* Staying is an edge of its own: other columns may change. Not for SENDING: the right to send is
 * taken once. */
static const unsigned may_become[] = {
    [ORDER_INTENDED] = BIT(ORDER_INTENDED) | BIT(ORDER_SENDING) | BIT(ORDER_CANCELLED) |
                       BIT(ORDER_REJECTED) | BIT(ORDER_EXPIRED),
    /* back to INTENDED: proved that not a byte left; the next attempt takes a right of its own */
    [ORDER_SENDING] = BIT(ORDER_INTENDED) | BIT(ORDER_SENT) | BIT(ORDER_ACKNOWLEDGED) |
                      BIT(ORDER_UNKNOWN) | FILLING | FINAL,
    [ORDER_SENT] = BIT(ORDER_SENT) | BIT(ORDER_ACKNOWLEDGED) | BIT(ORDER_UNKNOWN) | FILLING | FINAL,
    [ORDER_ACKNOWLEDGED] = BIT(ORDER_ACKNOWLEDGED) | BIT(ORDER_UNKNOWN) | FILLING | FINAL,
    [ORDER_PARTIALLY_FILLED] =
        FILLING | BIT(ORDER_UNKNOWN) | BIT(ORDER_CANCELLED) | BIT(ORDER_EXPIRED),
    /* to SENDING: a resend that the broker's idempotency class allows, as a new attempt */
    [ORDER_UNKNOWN] =
        BIT(ORDER_UNKNOWN) | BIT(ORDER_SENDING) | BIT(ORDER_ACKNOWLEDGED) | FILLING | FINAL,
    [ORDER_FILLED] = BIT(ORDER_FILLED),
    [ORDER_CANCELLED] = BIT(ORDER_CANCELLED) | BIT(ORDER_FILLED),
    [ORDER_REJECTED] = BIT(ORDER_REJECTED) | BIT(ORDER_FILLED),
    [ORDER_EXPIRED] = BIT(ORDER_EXPIRED) | BIT(ORDER_FILLED),
};

void order_id_derive(char out[ID_SIZE], const struct signal *signal, const char *leg)
{
    id_derive(out, signal->fingerprint, leg, NULL);
    id_put_time(out, signal->at_us);
}

bool order_fill_id(char out[KEY_SIZE], const char *broker, const char *trade_id)
{
    const size_t name = strlen(broker);
    if (name + 1 >= KEY_SIZE)
        return false;
    memcpy(out, broker, name);
    out[name] = '|';
    return text_copy(out + name + 1, KEY_SIZE - name - 1, trade_id);
}

void order_begin(struct order *order, int64_t term, int64_t now_us)
{
    order->filled = order->fees = decimal_int(0);
    order->average_price = decimal_bad();
    order->state = ORDER_SENDING;
    order->attempt = 1;
    order->term = term;
    order->signed_us = order->created_us = order->updated_us = now_us;
    order->version = 1;
}

bool order_is_final(enum order_state state)
{
    return (FINAL & BIT(state)) != 0;
}

bool order_may_become(enum order_state from, enum order_state to)
{
    return (may_become[from] & BIT(to)) != 0;
}

bool order_is_unresolved(enum order_state state)
{
    return state == ORDER_SENDING || state == ORDER_SENT || state == ORDER_UNKNOWN;
}

static struct decimal or_zero(struct decimal value)
{
    return decimal_ok(value) ? value : decimal_int(0);
}

static bool begin(const struct order *before, const struct report *report, int64_t now_us,
                  struct order *after)
{
    *after = *before;
    after->version++;
    after->updated_us = now_us;
    if (!*report->broker_id || strcmp(before->broker_id, report->broker_id) == 0)
        return false;
    text_copy(after->broker_id, sizeof after->broker_id, report->broker_id);
    return true;
}

static bool refuse_edge(const struct order *order, enum order_state to, struct err *err)
{
    return err_set(err, ERR_REFUSED, ERR_CONFLICT, "order %s is %s and cannot become %s", order->id,
                   order_state_names[order->state], order_state_names[to]);
}

static bool apply_fill(const struct order *before, const struct report *report, const char *broker,
                       int64_t now_us, struct order *after, struct fill *fill, struct err *err)
{
    const struct decimal had = or_zero(before->filled), fee = or_zero(report->fee);
    if (before->state == ORDER_INTENDED)
        return err_set(err, ERR_REFUSED, ERR_CORRUPT,
                       "order %s was never sent, yet the broker reports a fill", before->id);
    if (!decimal_ok(report->quantity) || !decimal_ok(report->price) ||
        decimal_sign(report->quantity) <= 0 || decimal_sign(report->price) <= 0)
        return err_set(err, ERR_REFUSED, ERR_INPUT,
                       "fill of order %s: quantity and price must be above zero", before->id);
    row_init(&tables[TABLE_FILL], fill);
    if (!*report->trade_id || !order_fill_id(fill->id, broker, report->trade_id))
        return err_set(err, ERR_REFUSED, ERR_INPUT, "fill of order %s has no usable trade id",
                       before->id);
    const struct decimal filled = decimal_add(had, report->quantity);
    if (!decimal_ok(filled) || !decimal_ok(before->quantity) ||
        decimal_gt(filled, before->quantity)) {
        char text[2][DECIMAL_TEXT_MAX];
        decimal_print(filled, text[0]);
        decimal_print(before->quantity, text[1]);
        return err_set(err, ERR_REFUSED, ERR_CORRUPT,
                       "order %s would be filled %s of %s: trade %s exceeds it", before->id,
                       text[0], text[1], report->trade_id);
    }
    struct decimal value = decimal_mul(report->price, report->quantity);
    if (decimal_sign(had) > 0)
        value = decimal_add(value, decimal_mul(before->average_price, had));
    after->average_price = decimal_div(value, filled, DECIMAL_HALF_EVEN);
    after->fees = decimal_add(or_zero(before->fees), fee);
    if (!decimal_ok(after->average_price) || !decimal_ok(after->fees))
        return err_set(err, ERR_REFUSED, ERR_CORRUPT, "fill of order %s: the figures are too large",
                       before->id);
    after->filled = filled;
    if (decimal_eq(filled, before->quantity))
        after->state = ORDER_FILLED;
    else if (!order_is_final(before->state))
        after->state = ORDER_PARTIALLY_FILLED;
    text_copy(fill->order_id, sizeof fill->order_id, before->id);
    text_copy(fill->strategy, sizeof fill->strategy, before->strategy);
    text_copy(fill->instrument, sizeof fill->instrument, before->instrument);
    fill->side = before->side;
    fill->quantity = report->quantity;
    fill->price = report->price;
    fill->fee = fee;
    fill->at_us = report->at_us ? report->at_us : now_us;
    return true;
}

/* An acknowledgement says no more than that the broker has the order: a fill that came first stays.
 */
static bool acknowledge(const struct order *before, bool named, struct order *after,
                        struct err *err)
{
    if (before->state == ORDER_INTENDED)
        return refuse_edge(before, ORDER_ACKNOWLEDGED, err);
    if (order_is_unresolved(before->state)) {
        bool partly = before->state == ORDER_UNKNOWN && decimal_sign(or_zero(before->filled)) > 0;
        after->state = partly ? ORDER_PARTIALLY_FILLED : ORDER_ACKNOWLEDGED;
        return true;
    }
    return named;
}

/* Absence is no proof: the order becomes UNKNOWN, and who knows the broker's windows concludes the
 * rest. */
static bool not_found(const struct order *before, struct order *after)
{
    if (before->state == ORDER_INTENDED || before->state == ORDER_UNKNOWN ||
        order_is_final(before->state))
        return false;
    after->state = ORDER_UNKNOWN;
    return true;
}

static bool end_order(const struct order *before, enum order_state to, struct order *after,
                      struct err *err)
{
    if (before->state == to)
        return false;
    if (before->state == ORDER_INTENDED || order_is_final(before->state) ||
        !order_may_become(before->state, to))
        return refuse_edge(before, to, err);
    after->state = to;
    return true;
}

bool order_apply_report(const struct order *before, const struct report *report, const char *broker,
                        int64_t now_us, struct order *after, struct fill *fill, struct err *err)
{
    bool changed = false;
    err_clear(err);
    if (strcmp(before->id, report->order_id) != 0)
        return err_set(err, ERR_REFUSED, ERR_INPUT, "a report of order %s cannot change order %s",
                       report->order_id, before->id);
    const bool named = begin(before, report, now_us, after);
    switch (report->kind) {
    case REPORT_FILL:
        return apply_fill(before, report, broker, now_us, after, fill, err);
    case REPORT_ACKNOWLEDGED:
        return acknowledge(before, named, after, err);
    case REPORT_NOT_FOUND:
        changed = not_found(before, after);
        break;
    case REPORT_CANCELLED:
        changed = end_order(before, ORDER_CANCELLED, after, err);
        break;
    case REPORT_REJECTED:
        changed = end_order(before, ORDER_REJECTED, after, err);
        break;
    case REPORT_EXPIRED:
        changed = end_order(before, ORDER_EXPIRED, after, err);
        break;
    }
    if (changed && *report->reason)
        text_copy(after->reason, sizeof after->reason, report->reason);
    return changed;
}
