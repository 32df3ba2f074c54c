/* Whose is it? An order that was sent and never named is looked for among the rows of the book by
 * what it is. A row fits when it was not there before the order was sent, belongs to no other
 * order, and equals it in everything the book shows. As many rows as orders that fit them: they are
 * equal, so any is any's. More rows than that: somebody else traded the same by hand, and only a
 * person can tell which is ours; fewer: the rest is looked for again. */
#include "broker/openalgo_parts.h"
#include "trade/contract.h"

#define STAMP_SLACK_US (14 * 3600 * 1000000LL) /* stamps name no zone */

static bool number_equal(struct decimal a, struct decimal b)
{
    return decimal_ok(a) && decimal_ok(b) && decimal_eq(a, b);
}

static const char *kind_of(const struct order *order)
{
    switch (order->kind) {
    case ORDER_LIMIT:
        return "LIMIT";
    case ORDER_STOP:
        return decimal_ok(order->limit_price) ? "SL" : "SL-M";
    default:
        return "MARKET";
    }
}

/* Prices of a market order are shown as 0, or as what the sandbox thinks of it: not compared. */
static bool row_fits(const struct openalgo *oa, const struct oa_order *order,
                     const struct oa_row *row, const struct oa_entry *entry)
{
    const struct instrument *instrument = oa_instrument(oa, order->row.instrument);
    const struct order *want = &order->row;
    char symbol[NAME_SIZE];
    if (!instrument || *entry->owner ||
        (order->read_before && entry->first_reading <= order->read_before))
        return false;
    contract_symbol(instrument, want->expiry, symbol);
    if (strcmp(row->symbol, symbol) != 0 || strcmp(row->exchange, instrument->exchange) != 0 ||
        strcmp(row->product, oa_product(oa, instrument)) != 0 || row->side != want->side ||
        strcasecmp(row->kind, kind_of(want)) != 0)
        return false;
    if (!number_equal(row->quantity, decimal_mul(want->quantity, instrument->lot_size)))
        return false;
    if (decimal_ok(want->limit_price) && !number_equal(row->price, want->limit_price))
        return false;
    if (want->kind == ORDER_STOP && !number_equal(row->trigger, want->stop_price))
        return false;
    return !row->at_us || row->at_us >= want->signed_us - STAMP_SLACK_US;
}

static bool same_order(const struct oa_order *a, const struct oa_order *b)
{
    return strcmp(a->row.instrument, b->row.instrument) == 0 &&
           strcmp(a->row.expiry, b->row.expiry) == 0 && a->row.side == b->row.side &&
           a->row.kind == b->row.kind && decimal_eq(a->row.quantity, b->row.quantity) &&
           (!decimal_ok(a->row.limit_price) ||
            number_equal(a->row.limit_price, b->row.limit_price)) &&
           (!decimal_ok(a->row.stop_price) || number_equal(a->row.stop_price, b->row.stop_price));
}

static size_t count_twins(const struct openalgo *oa, const struct oa_order *order)
{
    size_t count = 0;
    for (const struct oa_order *other = oa->orders; other; other = other->hh.next)
        count += other->sent && !*other->broker_id && same_order(other, order);
    return count;
}

static void match_one(struct openalgo *oa, struct oa_order *order)
{
    const struct oa_row *found = NULL;
    size_t fits = 0;
    for (size_t i = 0; i < oa->books.row_count; i++) {
        const struct oa_row *row = &oa->books.rows[i];
        if (!row_fits(oa, order, row, oa_entry_of(oa, row->broker_id)))
            continue;
        fits++;
        if (!found)
            found = row;
    }
    if (fits == 0)
        return;
    if (fits > count_twins(oa, order)) {
        if (!order->ambiguous)
            log_write(oa->options.log, LOG_ERROR, "openalgo",
                      "several orders in the book may be this one; settle it with tidelock order "
                      "resolve",
                      LOG_T("order_id", order->id), LOG_T("instrument", order->row.instrument),
                      LOG_I("candidates", fits), LOG_END);
        order->ambiguous = true;
        return;
    }
    order->ambiguous = false;
    oa_order_name(oa, order, found->broker_id);
    log_write(oa->options.log, LOG_WARN, "openalgo",
              "an order whose answer was lost is in the book: it is ours by all it is",
              LOG_T("order_id", order->id), LOG_T("broker_id", found->broker_id),
              LOG_T("status", found->status_text), LOG_END);
}

void oa_match(struct openalgo *oa)
{
    for (struct oa_order *order = oa->orders; order; order = order->hh.next)
        if (order->sent && !*order->broker_id)
            match_one(oa, order);
}
