/* Deciding: staleness, halt, the rules of positions, the policy, the hard rails, in this order;
 * then the rows that say so. Same facts in, same decision out: nothing here waits, and only the
 * trade struct changes. */
#include "flow/flows.h"
#include "flow/orders.h"
#include "flow/roll.h"
#include "flow/protect.h"
#include "flow/trade.h"
#include "trade/rollover.h"
#include "trade/order.h"
#include <stdio.h>
#include <string.h>

#define FROZEN_RETRY_US 5000000
#define BLIND_RETRY_US 1000000
#define COMPARED_RETRY_US 100000
#define ROLLING_RETRY_US 200000
#define UNRESOLVED_RETRY_US 100000

struct desk { /* everything a decision looks at */
    struct facts facts;
    struct portfolio portfolio;
    const struct position *positions[LAYERS_MAX];
    struct policy *policy;
    struct str trace;
    struct intent intent;
};

/* ---- outcomes ---- */

static void end_with(struct trade *trade, enum signal_state state, enum verdict verdict,
                     const char *gate, const char *reason)
{
    trade->outcome = OUTCOME_FINAL;
    trade->after.state = state;
    trade->order_count = 0;
    text_copy(trade->after.reason, sizeof trade->after.reason, reason);
    trade->decision.verdict = verdict;
    text_copy(trade->decision.gate, sizeof trade->decision.gate, gate);
    text_copy(trade->decision.reason, sizeof trade->decision.reason, reason);
}

static void try_later(struct trade *trade, int64_t in_us, bool counts, const char *reason)
{
    trade->outcome = OUTCOME_RETRY;
    trade->retry_in_us = in_us;
    trade->retry_counts = counts;
    trade->order_count = 0;
    text_copy(trade->after.reason, sizeof trade->after.reason, reason);
}

/* ---- orders ---- */

struct order *trade_new_order(struct trade *trade)
{
    struct order *order = arena_take(trade->arena, sizeof *order);
    trade->orders[trade->order_count++] = order;
    return order;
}

static struct order *add_order(struct core *core, struct trade *trade, const struct desk *desk,
                               const char *leg, enum order_side side, struct decimal quantity)
{
    const struct instrument *instrument = desk->facts.instrument;
    const struct signal *signal = &trade->after;
    const struct intent *intent = &desk->intent;
    struct order *order = trade_new_order(trade);
    row_init(&tables[TABLE_ORDER], order);
    order_id_derive(order->id, signal, leg);
    text_copy(order->signal_id, sizeof order->signal_id, signal->id);
    text_copy(order->leg, sizeof order->leg, leg);
    text_copy(order->strategy, sizeof order->strategy, signal->strategy);
    text_copy(order->instrument, sizeof order->instrument, signal->instrument);
    text_copy(order->broker, sizeof order->broker, core->broker->ops->traits->name);
    order->kind = intent->kind;
    order->tif = intent->tif;
    order->quantity = quantity;
    order->side = side;
    order->limit_price = tick_limit(instrument, side, intent->limit_price);
    order->stop_price = tick_trigger(instrument, side, intent->stop_price);
    order->reference_price =
        tick_price(instrument, decimal_ok(signal->price) ? signal->price : desk->facts.last_price);
    order_begin(order, core->term, clock_wall(core->clock));
    order->valid_until_us = order->signed_us + order_validity_us(core);
    return order;
}

/* What is more than the exchange takes in one order goes in several: of the same leg and position,
 * each with an id of its own that follows from the signal. What twelve of them cannot carry is left
 * out: an entry is refused for it (pass_rails), of an exit the rest stays open. */
static void slice_last(struct core *core, struct trade *trade)
{
    const struct order *first = trade->orders[trade->order_count - 1];
    struct decimal most = broker_most(core->broker, first->instrument), left = first->quantity;
    char leg[LABEL_SIZE + 12];
    if (!decimal_ok(most) || decimal_sign(most) <= 0 || decimal_le(left, most))
        return;
    trade->orders[trade->order_count - 1]->quantity = most;
    left = decimal_sub(left, most);
    for (int n = 2; decimal_sign(left) > 0 && trade->order_count < TRADE_ORDERS_MAX; n++) {
        struct order *slice = trade_new_order(trade);
        *slice = *first;
        snprintf(leg, sizeof leg, "%s/%d", first->leg, n);
        order_id_derive(slice->id, &trade->after, leg);
        slice->quantity = decimal_min(left, most);
        left = decimal_sub(left, slice->quantity);
    }
    if (decimal_sign(left) > 0)
        log_write(core->log, LOG_ERROR, "orders",
                  "an order is too large for the exchange even in several parts",
                  LOG_T("instrument", first->instrument), LOG_D("left_out", left), LOG_END);
}

static void order_entry(struct core *core, struct trade *trade, const struct desk *desk)
{
    enum side side = trade->after.side;
    struct order *order =
        add_order(core, trade, desk, trade->after.position,
                  side == SIDE_LONG ? ORDER_BUY : ORDER_SELL, desk->intent.quantity);
    text_copy(order->position_id, sizeof order->position_id, order->id);
    rollover_contract(desk->facts.instrument, &core->options.calendar, clock_wall(core->clock),
                      order->expiry);
    /* The position's stop is the decision's, and stands in the signal's row: whoever hears of the
     * fill, be it after a restart, finds it there. */
    if (decimal_ok(desk->intent.stop))
        trade->after.stop = desk->intent.stop;
    trade->after.stop = tick_stop(desk->facts.instrument, side, trade->after.stop);
    slice_last(core, trade);
}

static void order_exit(struct core *core, struct trade *trade, const struct desk *desk,
                       const struct position *layer, const char *leg, struct decimal lots)
{
    struct order *order =
        add_order(core, trade, desk, leg, layer->side == SIDE_LONG ? ORDER_SELL : ORDER_BUY, lots);
    order->reduces = true;
    text_copy(order->expiry, sizeof order->expiry, layer->expiry);
}

/* Layers of one side go in one order: one fee, one round trip, and no leg left behind. Its fills
 * are spread over them, the oldest first (portfolio_apply_fill). It names no position. False: they
 * need an order each. */
static bool order_side_exit(struct core *core, struct trade *trade, const struct desk *desk,
                            const struct layer_lots *layers, size_t count, enum side side)
{
    const struct position *any = NULL;
    struct decimal lots = decimal_int(0);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (layers[i].layer->side != side)
            continue;
        if (any && strcmp(any->expiry, layers[i].layer->expiry) != 0)
            return false; /* contracts are sold one by one */
        any = layers[i].layer;
        lots = decimal_add(lots, layers[i].lots);
        found++;
    }
    if (found < 2 || found > FILL_LAYERS_MAX ||
        (decimal_ok(desk->facts.instrument->max_quantity) &&
         decimal_gt(lots, desk->facts.instrument->max_quantity)))
        return found == 0;
    order_exit(core, trade, desk, any, side == SIDE_LONG ? "Long_ALL" : "Short_ALL", lots);
    slice_last(core, trade);
    return true;
}

/* What the policy wants closed of all that could be, oldest first. */
static void limit_lots(struct layer_lots *layers, size_t *count, struct decimal wanted)
{
    if (!decimal_ok(wanted) || decimal_sign(wanted) <= 0)
        return;
    for (size_t i = 0; i < *count; i++) {
        layers[i].lots = decimal_min(layers[i].lots, wanted);
        wanted = decimal_sub(wanted, layers[i].lots);
        if (decimal_is_zero(wanted))
            *count = i + 1;
    }
}

static void order_exits(struct core *core, struct trade *trade, const struct desk *desk)
{
    struct layer_lots layers[TRADE_ORDERS_MAX] UNSET;
    size_t count = rules_layers(core, &trade->after, layers, TRADE_ORDERS_MAX);
    limit_lots(layers, &count, desk->intent.quantity);
    for (int side = SIDE_LONG; side <= SIDE_SHORT; side++) {
        if (order_side_exit(core, trade, desk, layers, count, (enum side)side))
            continue;
        for (size_t i = 0; i < count; i++) {
            const struct position *layer = layers[i].layer;
            if (layer->side != (enum side)side || trade->order_count == TRADE_ORDERS_MAX)
                continue;
            order_exit(core, trade, desk, layer, layer->label, layers[i].lots);
            text_copy(trade->orders[trade->order_count - 1]->position_id, KEY_SIZE, layer->id);
            slice_last(core, trade);
        }
    }
}

/* ---- rails ---- */

static bool pass_rails(struct core *core, struct trade *trade, struct desk *desk)
{
    struct decimal lots = decimal_add(rules_pending(core, trade->after.instrument),
                                      book_open_lots(core->book, trade->after.instrument));
    const char *rail = "";
    char reason[REASON_SIZE];
    bool entry = trade->order_count > 0 && !trade->orders[0]->reduces;
    struct order whole UNSET; /* an entry in several parts is judged as one */
    if (entry)
        whole = *trade->orders[0];
    for (size_t i = 1; entry && i < trade->order_count; i++)
        whole.quantity = decimal_add(whole.quantity, trade->orders[i]->quantity);
    if (entry && !decimal_eq(whole.quantity, desk->intent.quantity)) {
        end_with(trade, SIGNAL_REJECTED, VERDICT_REJECT, "size",
                 "the exchange takes so many lots not even in twelve orders");
        return false;
    }
    for (size_t i = 0; i < (entry ? 1 : trade->order_count); i++) {
        struct rail_check check = {.order = entry ? &whole : trade->orders[i],
                                   .stop = trade->after.stop,
                                   .position_quantity = lots,
                                   .pending_risk = desk->portfolio.pending_risk,
                                   .last_price = desk->facts.last_price,
                                   .orders_last_minute = orders_last_minute(core)};
        if (rails_pass(&core->options.rails, &check, desk->facts.instrument, &desk->portfolio,
                       &rail, reason))
            continue;
        end_with(trade, SIGNAL_REJECTED, VERDICT_REJECT, rail, reason);
        return false;
    }
    return true;
}

/* ---- the order of questions ---- */

/* An instrument whose market is followed is not entered blindly while the market is silent. */
static bool price_is_fresh(const struct core *core, const char *instrument,
                           char reason[REASON_SIZE])
{
    const struct prices *prices = &core->prices;
    int64_t age_us = prices->age_us ? prices->age_us(prices->ctx, instrument) : -1;
    if (age_us < PRICE_FRESH_US)
        return true;
    if (age_us == INT64_MAX)
        snprintf(reason, REASON_SIZE, "no price of %.60s has been heard yet", instrument);
    else
        snprintf(reason, REASON_SIZE, "the last price of %.60s is %.1f s old (fresh: under %d s)",
                 instrument, (double)age_us / 1e6, PRICE_FRESH_US / 1000000);
    return false;
}

static bool ask_basics(struct core *core, struct trade *trade, struct desk *desk)
{
    const struct signal *signal = &trade->before;
    bool exits = signal->type == SIGNAL_EXIT;
    char reason[REASON_SIZE];
    if (!exits &&
        !signal_fresh(signal, &core->options.staleness, clock_wall(core->clock), reason)) {
        end_with(trade, SIGNAL_EXPIRED, VERDICT_REJECT, "staleness", reason);
        return false;
    }
    if (!desk->facts.instrument) {
        snprintf(reason, sizeof reason, "no instrument %s is configured", signal->instrument);
        end_with(trade, SIGNAL_REJECTED, VERDICT_REJECT, "instrument", reason);
        return false;
    }
    if (!book_get(core->book, TABLE_ACCOUNT, "main")) {
        end_with(trade, SIGNAL_REJECTED, VERDICT_REJECT, "account",
                 "there is no account yet; deposit first");
        return false;
    }
    if (!exits && (!desk->policy || !policy_trades(desk->policy, signal->instrument))) {
        snprintf(reason, sizeof reason,
                 desk->policy ? "strategy %.60s does not trade %.60s"
                              : "no strategy %.60s is loaded%.0s",
                 signal->strategy, signal->instrument);
        end_with(trade, SIGNAL_REJECTED, VERDICT_REJECT, "strategy", reason);
        return false;
    }
    if (!exits && !price_is_fresh(core, signal->instrument, reason)) {
        end_with(trade, SIGNAL_REJECTED, VERDICT_REJECT, "stale_price", reason);
        return false;
    }
    if (!halt_allows(desk->facts.halt, exits)) {
        snprintf(reason, sizeof reason, "trading is halted at %s",
                 halt_level_names[desk->facts.halt]);
        if (exits) /* never lost: it goes on when the freeze is over */
            try_later(trade, FROZEN_RETRY_US, false, reason);
        else
            end_with(trade, SIGNAL_REJECTED, VERDICT_REJECT, "halt", reason);
        return false;
    }
    if (roll_holds(core, signal->strategy, signal->instrument)) {
        try_later(trade, ROLLING_RETRY_US, false, "a layer is between two contracts");
        return false;
    }
    if (!exits && match_is_blind(core)) { /* until it is known, or the entry too old */
        bool soon = match_now_view(core).running;
        try_later(trade, soon ? COMPARED_RETRY_US : BLIND_RETRY_US, false, MATCH_UNKNOWN);
        return false;
    }
    return true;
}

static bool ask_rules(struct core *core, struct trade *trade)
{
    struct verdict_of no;
    if (rules_allow(core, &trade->before, &no))
        return true;
    if (no.state == SIGNAL_RETRYING && trade->before.attempts < (int64_t)core->options.retry_max)
        try_later(trade, UNRESOLVED_RETRY_US, true, no.reason);
    else
        end_with(trade, no.state == SIGNAL_RETRYING ? SIGNAL_REJECTED : no.state, VERDICT_REJECT,
                 no.gate, no.reason);
    return false;
}

static bool ask_policy(struct core *core, struct trade *trade, struct desk *desk)
{
    struct intent *intent = &desk->intent;
    bool exits = trade->before.type == SIGNAL_EXIT;
    *intent = (struct intent){.verdict = VERDICT_FAILED,
                              .quantity = decimal_bad(),
                              .limit_price = decimal_bad(),
                              .stop_price = decimal_bad(),
                              .stop = decimal_bad()};
    text_copy(intent->reason, sizeof intent->reason, "the strategy is not loaded");
    desk->facts.signal = &trade->before;
    if (desk->policy)
        policy_decide(desk->policy, &desk->facts, intent,
                      core->options.record_trace ? &desk->trace : NULL);
    if (intent->verdict == VERDICT_FAILED && exits) {
        /* Fail closed means less risk: the whole layer goes, at the market. */
        intent->quantity = decimal_bad();
        intent->kind = ORDER_MARKET;
        intent->tif = TIF_DAY;
        trade->decision.verdict = VERDICT_FAILED;
    } else if (intent->verdict == VERDICT_DEFER) {
        try_later(trade, intent->defer_us, true, intent->reason);
        return false;
    } else if (intent->verdict != VERDICT_ACCEPT) {
        end_with(trade, SIGNAL_REJECTED, intent->verdict, intent->gate, intent->reason);
        return false;
    } else if (!exits && (!decimal_ok(intent->quantity) || decimal_sign(intent->quantity) <= 0)) {
        end_with(trade, SIGNAL_REJECTED, VERDICT_REJECT, "size",
                 "the policy's size is no quantity");
        return false;
    }
    text_copy(trade->decision.reason, sizeof trade->decision.reason, intent->reason);
    return true;
}

static void forgo_right(struct order *order)
{
    order->state = ORDER_INTENDED;
    order->attempt = order->term = order->signed_us = order->valid_until_us = 0;
}

/* A broker that ends all orders with the day cannot keep one longer: the order's row says what it
 * will be, and the decision why. (IOC is kept by the host: work_order.c.) */
static void fit_to_broker(struct core *core, struct trade *trade)
{
    unsigned tifs = core->broker->ops->traits->tifs;
    bool cut = false;
    for (size_t i = 0; i < trade->order_count; i++) {
        struct order *order = trade->orders[i];
        if (order->tif != TIF_GTC || tifs == 0 || (tifs & 1u << TIF_GTC))
            continue;
        order->tif = TIF_DAY;
        cut |= order->kind != ORDER_MARKET;
    }
    if (!cut)
        return;
    const char *why = "good for today only: the broker keeps no order until cancelled";
    size_t length = strlen(trade->decision.reason);
    snprintf(trade->decision.reason + length, sizeof trade->decision.reason - length, "%s%s",
             length ? "; " : "", why);
    log_write(core->log, LOG_WARN, "orders", why, LOG_T("signal_id", trade->after.id),
              LOG_T("instrument", trade->after.instrument), LOG_END);
}

static void accept(struct core *core, struct trade *trade, struct desk *desk)
{
    if (trade->before.type == SIGNAL_EXIT)
        order_exits(core, trade, desk);
    else
        order_entry(core, trade, desk);
    fit_to_broker(core, trade);
    for (size_t i = 0; i < trade->order_count; i++)
        if (protect_stands(core, trade->orders[i])) /* no right before its stop has given way */
            forgo_right(trade->orders[i]);
    trade->outcome = OUTCOME_WORK;
    trade->after.state = SIGNAL_WORKING;
    trade->after.reason[0] = '\0';
    trade->decision.quantity = decimal_int(0);
    for (size_t i = 0; i < trade->order_count; i++)
        trade->decision.quantity =
            decimal_add(trade->decision.quantity, trade->orders[i]->quantity);
    trade->right_until_us = clock_steady(core->clock) + order_validity_us(core);
}

/* {"facts":…,"gates":…,"size":…} as the policy told it, with what the host found. */
static void keep_trace(struct trade *trade, struct desk *desk)
{
    struct str *trace = &desk->trace;
    if (trace->length > 1 && trace->data[trace->length - 1] == '}')
        trace->data[--trace->length] = '\0';
    else
        str_clear(trace);
    str_puts(trace, trace->length > 1 ? ",\"host\":{\"gate\":" : "{\"host\":{\"gate\":");
    str_put_json(trace, trade->decision.gate);
    str_puts(trace, ",\"state\":");
    str_put_json(trace, signal_state_names[trade->after.state]);
    str_puts(trace, ",\"reason\":");
    str_put_json(trace, trade->after.reason);
    str_puts(trace, ",\"orders\":[");
    for (size_t i = 0; i < trade->order_count; i++) {
        str_puts(trace, i ? ",{\"id\":" : "{\"id\":");
        str_put_json(trace, trade->orders[i]->id);
        str_puts(trace, ",\"leg\":");
        str_put_json(trace, trade->orders[i]->leg);
        str_puts(trace, ",\"quantity\":\"");
        str_put_decimal(trace, trade->orders[i]->quantity);
        str_puts(trace, "\"}");
    }
    str_puts(trace, "]}}");
    trade->trace = arena_copy(trade->arena, trace->data, trace->length);
}

static void start_decision(struct core *core, struct trade *trade, const struct desk *desk)
{
    struct decision *decision = &trade->decision;
    row_init(&tables[TABLE_DECISION], decision);
    decision->verdict = VERDICT_ACCEPT;
    decision->at_us = clock_wall(core->clock);
    text_copy(decision->signal_id, sizeof decision->signal_id, trade->before.id);
    text_copy(decision->strategy, sizeof decision->strategy, trade->before.strategy);
    text_copy(decision->instrument, sizeof decision->instrument, trade->before.instrument);
    if (!desk->policy)
        return;
    text_copy(decision->policy_version, sizeof decision->policy_version,
              policy_version_text(desk->policy));
    text_copy(decision->policy_hash, sizeof decision->policy_hash, policy_hash(desk->policy));
}

void trade_decide(struct core *core, struct trade *trade)
{
    struct desk *desk = arena_alloc(trade->arena, sizeof *desk);
    int64_t began_us = clock_steady(core->clock);
    desk->trace = core->trace; /* one buffer, used again */
    str_clear(&desk->trace);
    trade->after = trade->before;
    trade->order_count = 0;
    trade->trace = NULL;
    desk->policy = policies_find(core->policies, trade->before.strategy);
    facts_gather(core, trade->before.strategy, trade->before.instrument, desk->positions,
                 LAYERS_MAX, &desk->portfolio, &desk->facts);
    start_decision(core, trade, desk);
    if (ask_basics(core, trade, desk) && ask_rules(core, trade) && ask_policy(core, trade, desk)) {
        accept(core, trade, desk);
        pass_rails(core, trade, desk);
    }
    trade->decided = true;
    trade->decision.took_us = clock_steady(core->clock) - began_us;
    if (core->options.record_trace && trade->outcome != OUTCOME_RETRY)
        keep_trace(trade, desk);
    core->trace = desk->trace;
}
