/* Does the folded state add up? Equality with the tables shows that the log was applied; this shows
 * that what was logged is sound: every sum is taken again from the smallest rows (fills, ledger
 * entries) and compared upwards. */
#include "trade/event.h"
#include "base/keyed.h"
#include "trade/signal.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct tally { /* what the smaller rows add up to under one key */
    UT_hash_handle hh;
    char key[KEY_SIZE];
    struct decimal in, out, fees;
    int64_t count;
};

struct audit {
    struct book *book;
    struct str *report;
    size_t max, found;
    struct tally *orders, *positions, *pyramids;
    /* What orders over several layers closed, by pair and side: which lots were whose is the
     * positions' to say, so these are compared as a sum. */
    struct tally *spreads;
    struct decimal realised, fees; /* over all positions */
    int64_t entries;               /* over all accounts */
};

__attribute__((format(printf, 2, 3))) static void tell(struct audit *a, const char *format, ...)
{
    char text[480];
    va_list args;
    if (a->found++ >= a->max || !a->report)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    str_puts(a->report, text);
    str_putc(a->report, '\n');
}

static struct tally *tally(struct tally **all, const char *key)
{
    struct tally *found;
    HASH_FIND_STR(*all, key, found);
    if (!found) {
        found = mem_alloc(sizeof *found);
        text_copy(found->key, sizeof found->key, key);
        found->in = found->out = found->fees = decimal_int(0);
        HASH_ADD_STR(*all, key, found);
    }
    return found;
}

static void free_tallies(struct tally **all)
{
    struct tally *one, *next;
    HASH_ITER(hh, *all, one, next)
    {
        HASH_DELETE(hh, *all, one);
        mem_free(one);
    }
}

static struct decimal or_zero(struct decimal value)
{
    return decimal_ok(value) ? value : decimal_int(0);
}

static void add(struct decimal *sum, struct decimal value)
{
    *sum = decimal_add(*sum, or_zero(value));
}

static void expect(struct audit *a, const char *table, const char *key, const char *what,
                   struct decimal has, struct decimal sum)
{
    char text[2][DECIMAL_TEXT_MAX];
    has = or_zero(has);
    if (has.units == sum.units)
        return;
    decimal_print(has, text[0]);
    decimal_print(sum, text[1]);
    tell(a, "%s %s: %s is %s, but its parts add up to %s", table, key, what, text[0], text[1]);
}

static struct tally *spread_tally(struct audit *a, const char *strategy, const char *instrument,
                                  enum side side)
{
    char key[KEY_SIZE];
    snprintf(key, sizeof key, "%s|%s|%s", strategy, instrument, side_names[side]);
    return tally(&a->spreads, key);
}

/* ---- from the smallest rows upwards ---- */

static bool sum_fill(void *ctx, const void *row)
{
    struct audit *a = ctx;
    const struct fill *fill = row;
    const struct order *order = book_get(a->book, TABLE_ORDER, fill->order_id);
    if (!order) {
        tell(a, "fills %s: there is no order %s", fill->id, fill->order_id);
        return true;
    }
    struct tally *of_order = tally(&a->orders, order->id);
    add(&of_order->in, fill->quantity);
    add(&of_order->fees, fill->fee);
    struct tally *of_position =
        *order->position_id ? tally(&a->positions, order->position_id)
                            : spread_tally(a, order->strategy, order->instrument,
                                           order->side == ORDER_SELL ? SIDE_LONG : SIDE_SHORT);
    add(order->reduces ? &of_position->out : &of_position->in, fill->quantity);
    add(&of_position->fees, fill->fee);
    return true;
}

static bool check_order(void *ctx, const void *row)
{
    struct audit *a = ctx;
    const struct order *order = row;
    const struct tally *sum = tally(&a->orders, order->id);
    expect(a, "orders", order->id, "filled", order->filled, sum->in);
    expect(a, "orders", order->id, "fees", order->fees, sum->fees);
    const bool whole = decimal_ok(order->quantity) && sum->in.units == order->quantity.units;
    if (whole != (order->state == ORDER_FILLED))
        tell(a, "orders %s: is %s with all its fills applied", order->id,
             order_state_names[order->state]);
    if (*order->signal_id && !book_get(a->book, TABLE_SIGNAL, order->signal_id))
        tell(a, "orders %s: there is no signal %s", order->id, order->signal_id);
    return true;
}

static bool check_decision(void *ctx, const void *row)
{
    struct audit *a = ctx;
    const struct decision *decision = row;
    if (!book_get(a->book, TABLE_SIGNAL, decision->signal_id))
        tell(a, "decisions %s: there is no such signal", decision->signal_id);
    return true;
}

static bool check_position(void *ctx, const void *row)
{
    struct audit *a = ctx;
    const struct position *position = row;
    const struct tally *sum = tally(&a->positions, position->id);
    expect(a, "positions", position->id, "opened_quantity", position->opened_quantity, sum->in);
    struct tally *spread =
        spread_tally(a, position->strategy, position->instrument, position->side);
    struct decimal closed =
        decimal_sub(decimal_sub(sum->in, sum->out), or_zero(position->quantity));
    struct decimal fees = decimal_sub(or_zero(position->fees), sum->fees);
    const bool shared = !decimal_is_zero(spread->out) && decimal_sign(closed) > 0;
    if (shared) {
        spread->in = decimal_add(spread->in, closed);
        spread->fees = decimal_sub(spread->fees, fees);
    } else {
        expect(a, "positions", position->id, "quantity", position->quantity,
               decimal_sub(sum->in, sum->out));
        expect(a, "positions", position->id, "fees", position->fees, sum->fees);
    }
    const bool empty = decimal_is_zero(or_zero(position->quantity));
    if (empty != (position->status == POSITION_CLOSED))
        tell(a, "positions %s: is %s with %s lots", position->id,
             position_status_names[position->status], empty ? "no" : "open");
    add(&a->realised, position->realised);
    add(&a->fees, position->fees);
    char key[KEY_SIZE];
    snprintf(key, sizeof key, "%s|%s", position->strategy, position->instrument);
    struct tally *layers = tally(&a->pyramids, key);
    add(&layers->in, position->quantity);
    layers->count += !empty;
    return true;
}

static void check_spreads(struct audit *a)
{
    const struct decimal none = decimal_int(0);
    for (const struct tally *t = a->spreads; t; t = t->hh.next) {
        expect(a, "exits of several layers of", t->key, "quantity", t->out, t->in);
        expect(a, "exits of several layers of", t->key, "fees not booked", t->fees, none);
    }
}

static bool check_pyramid(void *ctx, const void *row)
{
    struct audit *a = ctx;
    const struct pyramid *pyramid = row;
    const struct tally *sum = tally(&a->pyramids, pyramid->id);
    expect(a, "pyramiding_state", pyramid->id, "quantity", pyramid->quantity, sum->in);
    if (pyramid->layers != sum->count)
        tell(a, "pyramiding_state %s: layers is %lld, but %lld positions are open", pyramid->id,
             (long long)pyramid->layers, (long long)sum->count);
    if (!*pyramid->base_position_id)
        return true;
    const struct position *base = book_get(a->book, TABLE_POSITION, pyramid->base_position_id);
    if (!base || base->status == POSITION_CLOSED || !base->is_base_position)
        tell(a, "pyramiding_state %s: its base %s is %s", pyramid->id, pyramid->base_position_id,
             !base                             ? "missing"
             : base->status == POSITION_CLOSED ? "closed"
                                               : "no base");
    return true;
}

/* ---- the ledger ---- */

static bool check_account(void *ctx, const void *row)
{
    struct audit *a = ctx;
    const struct account *account = row;
    struct decimal equity = decimal_int(0), sums[3] = {equity, equity, equity};
    char id[KEY_SIZE];
    a->entries += account->entries;
    for (int64_t i = 1; i <= account->entries; i++) {
        snprintf(id, sizeof id, "%s|%012lld", account->id, (long long)i);
        const struct ledger *entry = book_get(a->book, TABLE_LEDGER, id);
        if (!entry) {
            tell(a, "ledger %s: the entry is missing", id);
            return true;
        }
        add(&equity, entry->amount);
        expect(a, "ledger", id, "equity", entry->equity, equity);
        add(&sums[entry->kind == LEDGER_REALISED ? 1
                  : entry->kind == LEDGER_FEE    ? 2
                                                 : 0],
            entry->amount);
    }
    expect(a, "accounts", account->id, "equity", account->equity, equity);
    expect(a, "accounts", account->id, "deposits", account->deposits, sums[0]);
    expect(a, "accounts", account->id, "realised", account->realised, sums[1]);
    expect(a, "accounts", account->id, "fees", account->fees, decimal_neg(sums[2]));
    expect(a, "accounts", account->id, "realised", account->realised, a->realised);
    expect(a, "accounts", account->id, "fees", account->fees, a->fees);
    return true;
}

size_t replay_audit(struct book *book, struct str *report, size_t max)
{
    struct audit a = {.book = book, .report = report, .max = max};
    a.realised = a.fees = decimal_int(0);
    book_each(book, TABLE_FILL, sum_fill, &a);
    book_each(book, TABLE_ORDER, check_order, &a);
    book_each(book, TABLE_DECISION, check_decision, &a);
    book_each(book, TABLE_POSITION, check_position, &a);
    check_spreads(&a);
    book_each(book, TABLE_PYRAMID, check_pyramid, &a);
    book_each(book, TABLE_ACCOUNT, check_account, &a);
    const int64_t rows = (int64_t)book_count(book, TABLE_LEDGER);
    if (rows != a.entries)
        tell(&a, "ledger: %lld entries, but the accounts count %lld", (long long)rows,
             (long long)a.entries);
    free_tallies(&a.orders);
    free_tallies(&a.positions);
    free_tallies(&a.spreads);
    free_tallies(&a.pyramids);
    return a.found;
}
