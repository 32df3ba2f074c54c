/* What is done about a difference. Lots are put right by an order and its fill that are both
 * recorded and never sent: so positions, pyramid, account and ledger follow by the same rules as
 * ever, and the log tells that it was a reconciliation. Orders are taken over as rows that were
 * sent once and are never sent again (orders_proof_us): from there on they are ordinary ones. */
#include "flow/account.h"
#include "flow/intake.h"
#include "flow/match.h"
#include "flow/holding.h"
#include "flow/orders.h"
#include "flow/record.h"
#include "flow/trade.h"
#include "trade/layers.h"
#include "trade/signal.h"
#include "trade/order.h"
#include <stdio.h>
#include <string.h>

struct adjusting { /* one write that brings lots nearer to the broker's */
    struct order before, after;
    struct fill fill;
    struct fill_effect effect;
};

static enum applying fail(struct decided *decided, const char *text)
{
    text_copy(decided->reason, sizeof decided->reason, text);
    return APPLY_FAILED;
}

static void put_cause(struct core *core, struct flow *flow, const struct decided *decided,
                      struct store_event *event)
{
    struct str cause = STR_EMPTY;
    str_printf(&cause, "{\"difference\":\"%s\",\"action\":\"%s\",\"by\":\"%s\",\"reason\":",
               difference_names[decided->difference.kind], match_action_names[decided->action],
               decided->by);
    str_put_json(&cause, decided->reason);
    str_putc(&cause, '}');
    event->cause = arena_text(flow->arena, str_text(&cause));
    str_free(&cause);
    (void)core;
}

/* ---- lots ---- */

static size_t layers_of(const struct core *core, const struct difference *d,
                        const struct position *out[LAYERS_MAX], struct decimal *net)
{
    const struct position *open[LAYERS_MAX];
    size_t found = 0;
    size_t count = book_open_positions(core->book, d->strategy, d->instrument, open, LAYERS_MAX);
    *net = decimal_int(0);
    for (size_t i = 0; i < count; i++) {
        if (*d->expiry && strcmp(open[i]->expiry, d->expiry) != 0)
            continue;
        *net = open[i]->side == SIDE_LONG ? decimal_add(*net, open[i]->quantity)
                                          : decimal_sub(*net, open[i]->quantity);
        out[found++] = open[i];
    }
    return found;
}

static struct decimal price_of(const struct core *core, const struct difference *d,
                               const struct position *layer)
{
    struct decimal price;
    int64_t at_us;
    bool opens = layer == NULL;
    if (opens && decimal_ok(d->price) && decimal_sign(d->price) > 0)
        return d->price;
    if (core->prices.last && core->prices.last(core->prices.ctx, d->instrument, &price, &at_us) &&
        decimal_ok(price) && decimal_sign(price) > 0)
        return price;
    if (decimal_ok(d->price) && decimal_sign(d->price) > 0)
        return d->price;
    return layer ? layer->entry_price : decimal_bad();
}

static bool free_label(const struct core *core, const struct difference *d, enum side side,
                       char out[LABEL_SIZE])
{
    const struct position *open[LAYERS_MAX];
    size_t count = book_open_positions(core->book, d->strategy, d->instrument, open, LAYERS_MAX);
    for (int n = 1; n <= 6; n++) {
        bool taken = false;
        snprintf(out, LABEL_SIZE, "%s_%d", side == SIDE_LONG ? "Long" : "Short", n);
        for (size_t i = 0; i < count; i++)
            taken |= strcmp(open[i]->label, out) == 0;
        if (!taken)
            return true;
    }
    return false;
}

/* The order that would have done it: opens `layer` NULL or more of it, or closes of it. */
static bool make_order(struct core *core, const struct difference *d, unsigned turn,
                       const struct position *layer, bool closes, enum side side,
                       struct decimal lots, struct order *order)
{
    char number[48];
    row_init(&tables[TABLE_ORDER], order);
    snprintf(number, sizeof number, "%lld.%u", (long long)clock_wall(core->clock), turn);
    id_derive(order->id, "reconcile", d->strategy, d->instrument, d->expiry, number, NULL);
    id_put_time(order->id, clock_wall(core->clock));
    if (layer)
        text_copy(order->leg, sizeof order->leg, layer->label);
    else if (!free_label(core, d, side, order->leg))
        return false;
    text_copy(order->strategy, sizeof order->strategy, d->strategy);
    text_copy(order->instrument, sizeof order->instrument, d->instrument);
    text_copy(order->position_id, sizeof order->position_id, layer ? layer->id : order->id);
    text_copy(order->expiry, sizeof order->expiry, layer ? layer->expiry : d->expiry);
    text_copy(order->broker, sizeof order->broker, core->broker->ops->traits->name);
    text_copy(order->reason, sizeof order->reason, "reconciled with the broker; never sent");
    order->side = (side == SIDE_LONG) == closes ? ORDER_SELL : ORDER_BUY;
    order->reduces = closes;
    order->quantity = lots;
    order->reference_price = price_of(core, d, layer);
    order_begin(order, core->term, clock_wall(core->clock));
    return true;
}

static bool fill_order(struct core *core, struct adjusting *a, struct err *err)
{
    struct report report = {.kind = REPORT_FILL,
                            .quantity = a->before.quantity,
                            .price = a->before.reference_price,
                            .fee = decimal_int(0),
                            .at_us = clock_wall(core->clock)};
    const struct instrument *instrument =
        instrument_find(&core->options.instruments, a->before.instrument);
    text_copy(report.order_id, sizeof report.order_id, a->before.id);
    snprintf(report.trade_id, sizeof report.trade_id, "reconcile-%s", a->before.id);
    return order_apply_report(&a->before, &report, a->before.broker, report.at_us, &a->after,
                              &a->fill, err) &&
           portfolio_apply_fill(core->book, NULL, &a->after, &a->fill, instrument,
                                account_day_us(core, report.at_us), &a->effect, err);
}

static void write_adjusted(struct flow *flow, const struct decided *decided, struct adjusting *a)
{
    struct core *core = flow->core;
    struct fill_effect *effect = &a->effect;
    struct store_event event;
    event_start(core, &event, "reconciliation.adjusted", a->after.id);
    put_cause(core, flow, decided, &event);
    event_change(&event, TABLE_ORDER, NULL, &a->before);
    event_change(&event, TABLE_ORDER, &a->before, &a->after);
    event_change(&event, TABLE_FILL, NULL, &a->fill);
    for (size_t i = 0; i < effect->position_count; i++)
        event_change(&event, TABLE_POSITION,
                     effect->new_position
                         ? NULL
                         : book_get(core->book, TABLE_POSITION, effect->positions[i].id),
                     &effect->positions[i]);
    event_change(&event, TABLE_PYRAMID,
                 effect->new_pyramid ? NULL
                                     : book_get(core->book, TABLE_PYRAMID, effect->pyramid.id),
                 &effect->pyramid);
    event_change(&event, TABLE_ACCOUNT, book_get(core->book, TABLE_ACCOUNT, effect->account.id),
                 &effect->account);
    for (size_t i = 0; i < effect->ledger_count; i++)
        event_change(&event, TABLE_LEDGER, NULL, &effect->ledger[i]);
    record_write(core, &event, 1, false, flow_waiter(flow));
}

/* One step nearer: the newest layer on the wrong side, or too large, is closed first; what is
 * missing is opened as a layer of its own, or added to the newest. */
static bool plan(struct core *core, const struct difference *d, unsigned turn, struct order *order)
{
    const struct position *layers[LAYERS_MAX];
    struct decimal net, gap;
    size_t count = layers_of(core, d, layers, &net);
    gap = decimal_sub(d->theirs, net);
    enum side wanted = decimal_sign(gap) > 0 ? SIDE_LONG : SIDE_SHORT;
    for (size_t i = count; i-- > 0;)
        if (layers[i]->side != wanted)
            return make_order(core, d, turn, layers[i], true, layers[i]->side,
                              decimal_min(layers[i]->quantity, decimal_abs(gap)), order);
    return make_order(core, d, turn, NULL, false, wanted, decimal_abs(gap), order) ||
           (count > 0 &&
            make_order(core, d, turn, layers[count - 1], false, wanted, decimal_abs(gap), order));
}

static enum applying equalise(struct flow *flow, struct decided *decided, unsigned turn,
                              const struct err *err)
{
    struct core *core = flow->core;
    const struct difference *d = &decided->difference;
    const struct position *layers[LAYERS_MAX];
    struct adjusting *a;
    struct decimal net;
    struct err fault;
    if (err)
        return fail(decided, err->text);
    layers_of(core, d, layers, &net);
    if (decimal_eq(net, d->theirs))
        return APPLY_DONE;
    if (!record_settled(core) || reconcile_is_moving(core->book, d->instrument))
        return fail(decided, "something is on its way on this instrument; the next look decides");
    a = arena_alloc(flow->arena, sizeof *a);
    if (!plan(core, d, turn, &a->before))
        return fail(decided, "every layer from 1 to 6 is taken");
    if (!decimal_ok(a->before.reference_price))
        return fail(decided, "no price is known to book it at");
    if (!fill_order(core, a, &fault))
        return fail(decided, fault.text);
    write_adjusted(flow, decided, a);
    return APPLY_WAIT;
}

/* What was taken over is closed as any position is. */
static enum applying flatten(struct flow *flow, struct decided *decided, unsigned turn,
                             const struct err *err)
{
    struct core *core = flow->core;
    const struct difference *d = &decided->difference;
    enum applying done = equalise(flow, decided, turn, err);
    struct signal exit;
    if (done != APPLY_DONE)
        return done;
    row_init(&tables[TABLE_SIGNAL], &exit);
    text_copy(exit.source, sizeof exit.source, "reconcile");
    text_copy(exit.strategy, sizeof exit.strategy, d->strategy);
    text_copy(exit.instrument, sizeof exit.instrument, d->instrument);
    text_copy(exit.position, sizeof exit.position, "ALL");
    exit.type = SIGNAL_EXIT;
    exit.at_us = exit.received_us = clock_wall(core->clock);
    signal_fingerprint(&exit, NULL, NULL, 0);
    intake_submit(core, &exit, false, 0, (struct waiter){0});
    return APPLY_DONE;
}

/* ---- orders ---- */

/* Against the open layers it closes the newest of them, else it opens one. */
static void place_adopted(struct core *core, const struct difference *d, struct order *row)
{
    const struct position *open[LAYERS_MAX];
    size_t count =
        book_open_positions(core->book, row->strategy, row->instrument, open, LAYERS_MAX);
    for (size_t i = count; i-- > 0;)
        if (layer_is_closed_by(open[i], row->side) &&
            decimal_le(row->quantity, open[i]->quantity)) {
            row->reduces = true;
            row->protective = row->kind == ORDER_STOP;
            text_copy(row->leg, sizeof row->leg, open[i]->label);
            text_copy(row->position_id, sizeof row->position_id, open[i]->id);
            text_copy(row->expiry, sizeof row->expiry, open[i]->expiry);
            return;
        }
    text_copy(row->position_id, sizeof row->position_id, row->id);
    if (!free_label(core, d, row->side == ORDER_BUY ? SIDE_LONG : SIDE_SHORT, row->leg))
        row->leg[0] = '\0';
}

static enum applying adopt_order(struct flow *flow, struct decided *decided, unsigned turn,
                                 const struct err *err)
{
    struct core *core = flow->core;
    const struct difference *d = &decided->difference;
    struct store_event event;
    struct order row = d->order;
    if (err)
        return fail(decided, err->text);
    if (turn > 0) { /* the row is committed */
        const struct order *kept = book_get(core->book, TABLE_ORDER, d->order_id);
        if (!kept)
            return fail(decided, "the order has ended meanwhile");
        row = *kept;
        orders_track(core, &row, true);
        orders_work(core, row.id, 0, NULL);
        if (decided->action == MATCH_CANCEL_THERE)
            orders_cancel(core, row.id);
        return APPLY_DONE;
    }
    text_copy(row.strategy, sizeof row.strategy, d->strategy);
    text_copy(row.broker, sizeof row.broker, core->broker->ops->traits->name);
    text_copy(row.reason, sizeof row.reason, "found at the broker without a row");
    row.signal_id[0] = '\0';
    order_begin(&row, core->term, clock_wall(core->clock));
    place_adopted(core, d, &row);
    if (!*row.leg)
        return fail(decided, "every layer from 1 to 6 is taken");
    event_start(core, &event, "order.adopted", row.id);
    put_cause(core, flow, decided, &event);
    event_change(&event, TABLE_ORDER, NULL, &row);
    record_write(core, &event, 1, false, flow_waiter(flow));
    return APPLY_WAIT;
}

/* It had ended here and is open there, as the broker says when asked about it alone. */
static enum applying cancel_there(struct flow *flow, struct decided *decided, unsigned turn,
                                  const struct err *err)
{
    struct core *core = flow->core;
    if (turn > 0)
        return err ? fail(decided, err->text) : APPLY_DONE;
    flow_deadline(flow, clock_steady(core->clock) + core->options.order_deadline_us);
    broker_cancel(core->broker, &decided->difference.order, flow_waiter(flow));
    return APPLY_WAIT;
}

/* ---- money, halts ---- */

static enum applying adjust_balance(struct flow *flow, struct decided *decided, unsigned turn,
                                    const struct err *err)
{
    struct core *core = flow->core;
    const struct difference *d = &decided->difference;
    const struct account *before = book_get(core->book, TABLE_ACCOUNT, ACCOUNT_ID);
    int64_t now_us = clock_wall(core->clock);
    struct account after;
    struct ledger ledger;
    struct store_event event;
    struct err fault;
    if (turn > 0)
        return err ? fail(decided, err->text) : APPLY_DONE;
    if (!before || !portfolio_move_money(
                       before, NULL, LEDGER_ADJUST, decimal_sub(d->theirs, before->equity),
                       "reconcile", now_us, account_day_us(core, now_us), &after, &ledger, &fault))
        return fail(decided, before ? fault.text : "there is no account");
    event_start(core, &event, "account.adjusted", ACCOUNT_ID);
    put_cause(core, flow, decided, &event);
    event_change(&event, TABLE_ACCOUNT, before, &after);
    event_change(&event, TABLE_LEDGER, NULL, &ledger);
    record_write(core, &event, 1, false, flow_waiter(flow));
    return APPLY_WAIT;
}

static enum applying freeze(struct flow *flow, struct decided *decided, unsigned turn,
                            const struct err *err)
{
    char why[REASON_SIZE];
    if (turn > 0)
        return err ? fail(decided, err->text) : APPLY_DONE;
    snprintf(why, sizeof why, "%s of %s", difference_names[decided->difference.kind],
             decided->difference.instrument);
    halt_set(flow->core, HALT_FREEZE, "reconcile", why, flow_waiter(flow));
    return APPLY_WAIT;
}

/* By rows of the instrument, which are its holder's. */
static bool is_done_here(enum match_action action)
{
    return action != MATCH_FREEZE && action != MATCH_ALERT && action != MATCH_IGNORE;
}

enum applying match_apply(struct flow *flow, struct decided *decided, unsigned turn,
                          const struct err *err)
{
    const struct difference *d = &decided->difference;
    if (*d->instrument && !core_works(flow->core, d->instrument) && is_done_here(decided->action))
        return fail(decided, "another instance trades the instrument, or is about to");
    switch (decided->action) {
    case MATCH_ADOPT:
        return d->kind == DIFFERENCE_ORPHAN_ORDER ? adopt_order(flow, decided, turn, err)
                                                  : equalise(flow, decided, turn, err);
    case MATCH_CANCEL_THERE:
        return d->kind == DIFFERENCE_ORPHAN_ORDER ? adopt_order(flow, decided, turn, err)
                                                  : cancel_there(flow, decided, turn, err);
    case MATCH_USE_BROKER:
        return d->kind == DIFFERENCE_BALANCE_DRIFT ? adjust_balance(flow, decided, turn, err)
                                                   : equalise(flow, decided, turn, err);
    case MATCH_CLOSE_HERE:
        return equalise(flow, decided, turn, err);
    case MATCH_FLATTEN:
        return flatten(flow, decided, turn, err);
    case MATCH_FREEZE:
        return freeze(flow, decided, turn, err);
    case MATCH_ALERT:
    case MATCH_IGNORE:
        break;
    }
    return APPLY_DONE;
}
