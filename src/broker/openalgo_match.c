/* Whose is it? An order that was sent and never named is looked for among the rows of the book by
 * what it is. A row fits when it was not there before the order was sent, belongs to no other
 * order, and equals it in everything the book shows. As many rows as orders that fit them: they are
 * equal, so any is any's. More rows than that: somebody else traded the same by hand, and only a
 * person can tell which is ours; fewer: the rest is looked for again. */
#include "broker/openalgo_parts.h"
#include "trade/contract.h"

enum { SURVEY_MAX = 16384 };                   /* bytes of ids that are kept with an order */
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

static bool stood_before(const struct oa_order *order, const char *broker_id)
{
    for (size_t i = 0; i < order->before_count; i++)
        if (strcmp(order->before[i], broker_id) == 0)
            return true;
    return false;
}

/* Prices of a market order are shown as 0, or as what the sandbox thinks of it: not compared. */
static bool row_fits(const struct openalgo *oa, const struct oa_order *order,
                     const struct oa_row *row, const struct oa_entry *entry)
{
    const struct instrument *instrument = oa_instrument(oa, order->row.instrument);
    const struct order *want = &order->row;
    char symbol[NAME_SIZE];
    if (!instrument || *entry->owner || stood_before(order, row->broker_id) ||
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
    /* Whoever sent it, if anybody did, kept nothing: what fits may have stood there before. */
    if (fits > count_twins(oa, order) || (order->recalled && !order->surveyed)) {
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

/* ---- kept before an order is sent, recalled after a crash ---- */

static void put_id(struct str *ids, const char *broker_id)
{
    str_putc(ids, ids->length ? ',' : '[');
    str_put_json(ids, broker_id);
}

static void put_rows(struct openalgo *oa, const struct order *order, struct str *ids)
{
    const struct oa_order like = {.row = *order};
    for (size_t i = 0; i < oa->books.row_count; i++) {
        const struct oa_row *row = &oa->books.rows[i];
        if (row_fits(oa, &like, row, oa_entry_of(oa, row->broker_id)))
            put_id(ids, row->broker_id);
    }
}

/* The book cannot be read just now: whatever was ever in it and is not ours. */
static void put_entries(const struct openalgo *oa, struct str *ids)
{
    for (const struct oa_entry *entry = oa->entries; entry; entry = entry->hh.next)
        if (!*entry->owner)
            put_id(ids, entry->broker_id);
}

void oa_survey_now(struct openalgo *oa, const struct order *order, struct waiter to)
{
    struct str ids = {.max = SURVEY_MAX};
    if (oa->books.err.class == ERR_NONE)
        put_rows(oa, order, &ids);
    else
        put_entries(oa, &ids);
    str_puts(&ids, ids.length ? "]" : "[]");
    bool known = oa->books.number > 0 && !ids.cut;
    oa->surveyed_us = clock_steady(oa->options.clock);
    wait_answer(to, NULL, known ? str_text(&ids) : "null");
    str_free(&ids);
}

void oa_recall(struct broker *broker, const struct order *row, const struct json *survey)
{
    struct openalgo *oa = openalgo_of(broker);
    struct oa_order *order = oa_order_track(oa, row);
    if (order->sent_us) /* by this process, which knows better */
        return;
    order->recalled = true;
    order->surveyed = survey && survey->type == JSON_ARRAY;
    mem_free(order->before);
    order->before = NULL;
    order->before_count = 0;
    if (!order->surveyed)
        return;
    order->before = mem_alloc((survey->count + 1) * sizeof *order->before);
    for (const struct json *id = survey->child; id; id = id->next)
        if (id->type == JSON_STRING)
            text_copy(order->before[order->before_count++], NAME_SIZE, id->text);
}

void oa_match(struct openalgo *oa)
{
    for (struct oa_order *order = oa->orders; order; order = order->hh.next)
        if (order->sent && !*order->broker_id)
            match_one(oa, order);
}
