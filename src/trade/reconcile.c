/* The comparison of two books. Brokers net: all strategies and layers of one instrument are one
 * position there, so lots are compared as sums, and only a sum that belongs to one strategy can be
 * put right by itself. */
#include "trade/reconcile.h"
#include "trade/order.h"
#include <stdio.h>
#include <string.h>

enum { HOLDINGS_MAX = 1024, FEES_PERCENT = 1 };

const char *const difference_names[] = {
    "orphan_order",          "missing_order",          "status_differs",
    "position_missing_here", "position_missing_there", "quantity_differs",
    "balance_drift",         "unknown_order",          NULL};
const char *const match_action_names[] = {"adopt",      "close_here", "cancel_there",
                                          "use_broker", "flatten",    "freeze",
                                          "alert",      "ignore",     NULL};

struct comparing {
    const struct book *ours;
    const struct their_book *theirs;
    const struct reconcile_options *options;
    struct difference *out;
    size_t room, count;
    bool moving;
};

static struct decimal or_zero(struct decimal value)
{
    return decimal_ok(value) ? value : decimal_int(0);
}

static const char *owner_of(const struct comparing *c, const char *instrument)
{
    const char *owner = c->options->owner ? c->options->owner(c->options->ctx, instrument) : NULL;
    return owner ? owner : "";
}

/* Room or not, it is counted; without room it goes where nobody looks. */
static struct difference *add(struct comparing *c, enum difference_kind kind,
                              const char *instrument)
{
    static _Thread_local struct difference beyond;
    struct difference *d = c->count < c->room ? &c->out[c->count] : &beyond;
    c->count++;
    memset(d, 0, sizeof *d);
    d->kind = kind;
    text_copy(d->instrument, sizeof d->instrument, instrument);
    d->ours = d->theirs = d->price = decimal_bad();
    d->our_state = d->their_state = ORDER_UNKNOWN;
    d->is_tradable = !c->options->instruments || !*instrument ||
                     instrument_find(c->options->instruments, instrument) != NULL;
    return d;
}

/* ---- orders ---- */

bool reconcile_is_our_id(const char *order_id)
{
    size_t length = strlen(order_id);
    return length == 20 && strspn(order_id, "abcdefghijklmnopqrstuvwxyz234567") == length;
}

static void describe_theirs(struct difference *d, const struct order *order)
{
    d->order = *order;
    text_copy(d->order_id, sizeof d->order_id, order->id);
    text_copy(d->broker_id, sizeof d->broker_id, order->broker_id);
    d->theirs = or_zero(order->filled);
    d->price = decimal_ok(order->limit_price) ? order->limit_price : order->stop_price;
    d->their_state = order->state;
}

static const struct order *find_theirs(const struct their_book *theirs, const char *id)
{
    for (size_t i = 0; i < theirs->order_count; i++)
        if (strcmp(theirs->orders[i].id, id) == 0)
            return &theirs->orders[i];
    return NULL;
}

static bool visit_order(void *ctx, const struct order *order)
{
    struct comparing *c = ctx;
    const struct order *theirs = find_theirs(c->theirs, order->id);
    if (order->state == ORDER_INTENDED || order_is_unresolved(order->state))
        return true; /* its own story asks about it, by its id */
    if (theirs && decimal_eq(or_zero(theirs->filled), or_zero(order->filled)))
        return true;
    struct difference *d =
        add(c, theirs ? DIFFERENCE_STATUS_DIFFERS : DIFFERENCE_MISSING_ORDER, order->instrument);
    if (theirs)
        describe_theirs(d, theirs);
    text_copy(d->strategy, sizeof d->strategy, order->strategy);
    text_copy(d->order_id, sizeof d->order_id, order->id);
    text_copy(d->broker_id, sizeof d->broker_id, order->broker_id);
    d->ours = or_zero(order->filled);
    d->our_state = order->state;
    return true;
}

/* Open there and not in our book: forgotten because it had ended, never recorded, or not ours. */
static void judge_stranger(struct comparing *c, const struct order *order)
{
    bool ours = reconcile_is_our_id(order->id);
    bool stands = ours && c->options->stands && c->options->stands(c->options->ctx, order->id);
    struct difference *d = add(c,
                               !ours    ? DIFFERENCE_UNKNOWN_ORDER
                               : stands ? DIFFERENCE_STATUS_DIFFERS
                                        : DIFFERENCE_ORPHAN_ORDER,
                               order->instrument);
    describe_theirs(d, order);
    if (!ours)
        return;
    text_copy(d->strategy, sizeof d->strategy,
              *order->strategy ? order->strategy : owner_of(c, order->instrument));
}

static void compare_orders(struct comparing *c)
{
    book_each_live_order(c->ours, visit_order, c);
    for (size_t i = 0; i < c->theirs->order_count; i++)
        if (!book_get(c->ours, TABLE_ORDER, c->theirs->orders[i].id))
            judge_stranger(c, &c->theirs->orders[i]);
}

/* ---- positions ---- */

struct holding { /* one contract: what we hold of it, all strategies and layers together */
    char instrument[NAME_SIZE], expiry[12], strategy[NAME_SIZE];
    struct decimal ours, theirs, price;
    bool here, there, shared;
};
struct holdings {
    struct comparing *c;
    size_t count;
    struct holding *list;
};

/* A broker that names no expiry is compared by the instrument alone. */
static bool names_expiry(const struct their_book *theirs, const char *instrument)
{
    bool any = false;
    for (size_t i = 0; i < theirs->position_count; i++)
        if (strcmp(theirs->positions[i].instrument, instrument) == 0) {
            any = true;
            if (*theirs->positions[i].expiry)
                return true;
        }
    return !any;
}

static struct holding *holding_of(struct holdings *all, const char *instrument, const char *expiry)
{
    if (!names_expiry(all->c->theirs, instrument))
        expiry = "";
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->list[i].instrument, instrument) == 0 &&
            strcmp(all->list[i].expiry, expiry) == 0)
            return &all->list[i];
    if (all->count == HOLDINGS_MAX)
        return NULL;
    struct holding *h = &all->list[all->count++];
    memset(h, 0, sizeof *h);
    text_copy(h->instrument, sizeof h->instrument, instrument);
    text_copy(h->expiry, sizeof h->expiry, expiry);
    h->ours = h->theirs = decimal_int(0);
    h->price = decimal_bad();
    return h;
}

static bool add_ours(void *ctx, const struct position *position)
{
    struct holdings *all = ctx;
    struct holding *h = holding_of(all, position->instrument, position->expiry);
    if (!h)
        return false;
    h->shared |= h->here && strcmp(h->strategy, position->strategy) != 0;
    h->here = true;
    text_copy(h->strategy, sizeof h->strategy, position->strategy);
    h->ours = position->side == SIDE_LONG ? decimal_add(h->ours, or_zero(position->quantity))
                                          : decimal_sub(h->ours, or_zero(position->quantity));
    return true;
}

static void add_theirs(struct holdings *all)
{
    const struct their_book *theirs = all->c->theirs;
    for (size_t i = 0; i < theirs->position_count; i++) {
        const struct their_position *p = &theirs->positions[i];
        struct holding *h = holding_of(all, p->instrument, p->expiry);
        if (!h || !decimal_ok(p->quantity) || decimal_is_zero(p->quantity))
            continue;
        h->there = true;
        h->price = p->average_price;
        h->theirs = p->side == SIDE_LONG ? decimal_add(h->theirs, p->quantity)
                                         : decimal_sub(h->theirs, p->quantity);
    }
}

bool reconcile_is_moving(const struct book *ours, const char *instrument)
{
    enum { MAX = 256 };
    const struct order *live[MAX];
    size_t count = book_live_orders(ours, NULL, instrument, live, MAX);
    for (size_t i = 0; i < count; i++)
        if (order_is_unresolved(live[i]->state) ||
            (live[i]->kind == ORDER_MARKET && live[i]->state != ORDER_INTENDED))
            return true;
    return count == MAX;
}

/* What is held of a coin is ours and others', less the fees that were taken from it. */
static bool holds_enough(struct decimal ours, struct decimal theirs)
{
    return decimal_sign(ours) >= 0 &&
           decimal_ge(decimal_mul(theirs, decimal_int(100)),
                      decimal_mul(ours, decimal_int(100 - FEES_PERCENT)));
}

static void judge_holding(struct comparing *c, const struct holding *h)
{
    if (decimal_eq(h->ours, h->theirs) || (c->theirs->holdings && holds_enough(h->ours, h->theirs)))
        return;
    if (reconcile_is_moving(c->ours, h->instrument) ||
        (c->options->moves && c->options->moves(c->options->ctx, h->instrument))) {
        c->moving = true;
        return;
    }
    enum difference_kind kind = decimal_is_zero(h->theirs) ? DIFFERENCE_POSITION_MISSING_THERE
                                : !h->here                 ? DIFFERENCE_POSITION_MISSING_HERE
                                                           : DIFFERENCE_QUANTITY_DIFFERS;
    struct difference *d = add(c, kind, h->instrument);
    d->shared = h->shared;
    d->ours = h->ours;
    d->theirs = h->theirs;
    d->price = h->price;
    text_copy(d->expiry, sizeof d->expiry, h->expiry);
    if (!h->shared)
        text_copy(d->strategy, sizeof d->strategy,
                  h->here ? h->strategy : owner_of(c, h->instrument));
}

static void compare_positions(struct comparing *c)
{
    struct holdings all = {.c = c};
    all.list = mem_alloc(HOLDINGS_MAX * sizeof *all.list);
    book_each_open_position(c->ours, add_ours, &all);
    add_theirs(&all);
    for (size_t i = 0; i < all.count; i++)
        judge_holding(c, &all.list[i]);
    mem_free(all.list);
}

/* ---- the balance ---- */

struct decimal reconcile_drift(const struct book *ours, const struct their_book *theirs)
{
    const struct account *account = book_get(ours, TABLE_ACCOUNT, ACCOUNT_ID);
    if (!account || !theirs->balance_known)
        return decimal_bad();
    return decimal_sub(theirs->equity, account->equity);
}

static void compare_balance(struct comparing *c)
{
    const struct account *account = book_get(c->ours, TABLE_ACCOUNT, ACCOUNT_ID);
    struct decimal drift = reconcile_drift(c->ours, c->theirs);
    if (!account || !decimal_ok(drift) || !decimal_ok(c->options->drift_most) ||
        decimal_le(decimal_abs(drift), c->options->drift_most))
        return;
    struct difference *d = add(c, DIFFERENCE_BALANCE_DRIFT, "");
    d->ours = account->equity;
    d->theirs = c->theirs->equity;
}

size_t reconcile_books(const struct book *ours, const struct their_book *theirs,
                       const struct reconcile_options *options, struct difference *out, size_t room,
                       bool *moving)
{
    struct comparing c = {
        .ours = ours, .theirs = theirs, .options = options, .out = out, .room = room};
    if (theirs->orders_known)
        compare_orders(&c);
    if (theirs->positions_known)
        compare_positions(&c);
    if (theirs->balance_known)
        compare_balance(&c);
    if (moving)
        *moving = c.moving;
    return c.count;
}

static bool same_number(struct decimal a, struct decimal b)
{
    return a.units == b.units;
}

bool reconcile_same(const struct difference *a, const struct difference *b)
{
    return a->kind == b->kind && strcmp(a->instrument, b->instrument) == 0 &&
           strcmp(a->order_id, b->order_id) == 0 && strcmp(a->expiry, b->expiry) == 0 &&
           same_number(a->ours, b->ours) && same_number(a->theirs, b->theirs);
}

/* ---- what may be done ---- */

#define BIT(action) (1u << (action))
#define ALWAYS (BIT(MATCH_FREEZE) | BIT(MATCH_ALERT) | BIT(MATCH_IGNORE))

static const unsigned allowed[] = {
    [DIFFERENCE_ORPHAN_ORDER] = ALWAYS | BIT(MATCH_ADOPT) | BIT(MATCH_CANCEL_THERE),
    [DIFFERENCE_MISSING_ORDER] = ALWAYS,
    [DIFFERENCE_STATUS_DIFFERS] = ALWAYS | BIT(MATCH_CANCEL_THERE),
    [DIFFERENCE_POSITION_MISSING_HERE] =
        ALWAYS | BIT(MATCH_ADOPT) | BIT(MATCH_USE_BROKER) | BIT(MATCH_FLATTEN),
    [DIFFERENCE_POSITION_MISSING_THERE] = ALWAYS | BIT(MATCH_CLOSE_HERE) | BIT(MATCH_USE_BROKER),
    [DIFFERENCE_QUANTITY_DIFFERS] = ALWAYS | BIT(MATCH_USE_BROKER) | BIT(MATCH_FLATTEN),
    [DIFFERENCE_BALANCE_DRIFT] = ALWAYS | BIT(MATCH_USE_BROKER),
    [DIFFERENCE_UNKNOWN_ORDER] = ALWAYS,
};

static bool is_of_lots(const struct difference *d)
{
    return d->kind == DIFFERENCE_POSITION_MISSING_HERE ||
           d->kind == DIFFERENCE_POSITION_MISSING_THERE || d->kind == DIFFERENCE_QUANTITY_DIFFERS;
}

static bool refuse(char why[REASON_SIZE], const char *format, const char *a, const char *b)
{
    snprintf(why, REASON_SIZE, format, a, b);
    return false;
}

bool reconcile_may(const struct difference *d, enum match_action action, struct decimal most,
                   char why[REASON_SIZE])
{
    if (!(allowed[d->kind] & BIT(action))) {
        if (d->kind == DIFFERENCE_UNKNOWN_ORDER)
            return refuse(why, "%s is refused: the order is not ours%s", match_action_names[action],
                          "");
        if (d->kind == DIFFERENCE_MISSING_ORDER)
            return refuse(why, "%s is refused: that the list lacks an order ends nothing%s",
                          match_action_names[action], "");
        return refuse(why, "%s is no answer to %s", match_action_names[action],
                      difference_names[d->kind]);
    }
    if (ALWAYS & BIT(action))
        return true;
    if (d->kind != DIFFERENCE_BALANCE_DRIFT && !d->is_tradable)
        return refuse(why, "no instrument %s is configured%s", d->instrument, "");
    if (is_of_lots(d) && d->shared)
        return refuse(why, "several strategies hold %s: whose lots these are is for a person%s",
                      d->instrument, "");
    if (d->kind != DIFFERENCE_BALANCE_DRIFT && action != MATCH_CANCEL_THERE && !*d->strategy)
        return refuse(why, "no one strategy owns %s%s", d->instrument, "");
    if (is_of_lots(d) && decimal_ok(most)) {
        struct decimal lots = decimal_abs(decimal_sub(d->theirs, d->ours));
        char text[2][DECIMAL_TEXT_MAX];
        decimal_print(lots, text[0]);
        decimal_print(most, text[1]);
        if (!decimal_ok(lots) || decimal_gt(lots, most))
            return refuse(why, "%s lots are more than reconcile.max_lots, %s", text[0], text[1]);
    }
    return true;
}

enum match_action reconcile_default(const struct difference *d)
{
    if (d->kind == DIFFERENCE_UNKNOWN_ORDER || !d->is_tradable)
        return MATCH_IGNORE;
    if (d->kind == DIFFERENCE_ORPHAN_ORDER && *d->strategy)
        return MATCH_ADOPT;
    return MATCH_ALERT;
}

bool reconcile_blocks(const struct difference *d, enum match_action action, bool applied)
{
    if (action == MATCH_IGNORE || !*d->instrument || !d->is_tradable)
        return false;
    return !applied || action == MATCH_ALERT || action == MATCH_FREEZE;
}
