/* What is known of each order under way, and what a report makes of it: order, fill, position,
 * pyramid, account, ledger and the signal's end, in one write.
 *
 * A fill is applied once because its trade id is remembered while the order lives, and because its
 * row is written once: the second insert fails in the store and the whole write with it. A report
 * that could not be written is not lost: the order is marked and the broker is asked again. */
#include "flow/orders.h"
#include "flow/account.h"
#include "flow/exits.h"
#include "flow/flows.h"
#include "flow/mutant.h"
#include "flow/record.h"
#include "flow/orders_parts.h"
#include "flow/protect.h"
#include "flow/trade.h"
#include "trade/layers.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { SIBLINGS_MAX = 64 };

struct consequence { /* rows the event points to; one, used again: it is large */
    struct store_event event;
    char kind[40];
    struct order before, after;
    struct fill fill;
    struct fill_effect effect;
    struct signal signal;
};

struct orders *orders_new(struct core *core)
{
    struct orders *orders = mem_alloc(sizeof *orders);
    orders->consequence = mem_alloc(sizeof *orders->consequence);
    if (core->metrics) {
        orders->repeats = metric_counter(core->metrics, "tidelock_report_repeats_total",
                                         "Broker reports that said nothing new.", NULL);
        orders->faults = metric_counter(core->metrics, "tidelock_report_faults_total",
                                        "Broker reports that contradict the order.", NULL);
    }
    core->orders = orders;
    return orders;
}

void orders_free(struct orders *orders)
{
    struct live_order *live, *next;
    if (!orders)
        return;
    HASH_ITER(hh, orders->live, live, next)
    {
        HASH_DELETE(hh, orders->live, live);
        mem_free(live->fills);
        mem_free(live);
    }
    for (live = orders->free; live; live = next) {
        next = live->next_free;
        mem_free(live->fills);
        mem_free(live);
    }
    orders_see_free(orders);
    mem_free(orders->consequence);
    mem_free(orders);
}

struct live_order *orders_find(const struct core *core, const char *order_id)
{
    struct live_order *live;
    HASH_FIND_STR(core->orders->live, order_id, live);
    return live;
}

struct live_order *orders_track_row(struct core *core, const struct order *order)
{
    struct orders *orders = core->orders;
    struct live_order *live = orders_find(core, order->id);
    if (live)
        return live;
    live = orders->free;
    if (live) {
        orders->free = live->next_free;
        *live = (struct live_order){.fills = live->fills, .fill_room = live->fill_room};
    } else {
        live = mem_alloc(sizeof *live);
    }
    live->row = *order;
    text_copy(live->id, sizeof live->id, order->id);
    HASH_ADD_STR(orders->live, id, live);
    return live;
}

void orders_track(struct core *core, const struct order *order, bool fills_known)
{
    struct live_order *live = orders_track_row(core, order);
    live->fills_known |= fills_known;
    live->looked |= fills_known && order->state == ORDER_INTENDED;
    if (order->state != ORDER_INTENDED)
        live->sent_us = orders_sent_by_us(core, order);
}

void orders_untrack(struct core *core, struct live_order *live)
{
    orders_see_untracked(core, live);
    HASH_DELETE(hh, core->orders->live, live);
    live->next_free = core->orders->free;
    core->orders->free = live;
}

bool orders_row(const struct core *core, const char *order_id, struct order *out)
{
    const struct live_order *live = orders_find(core, order_id);
    if (live)
        *out = live->row;
    return live != NULL;
}

size_t orders_count(const struct core *core)
{
    return HASH_COUNT(core->orders->live);
}

bool orders_next_unloaded(const struct core *core, char id[ID_SIZE])
{
    for (const struct live_order *l = core->orders->live; l; l = l->hh.next)
        if (!l->fills_known)
            return text_copy(id, ID_SIZE, l->id);
    return false;
}

size_t orders_unlooked(const struct core *core)
{
    size_t count = 0;
    for (const struct live_order *l = core->orders->live; l; l = l->hh.next)
        count += !l->looked;
    return count;
}

void orders_looked(struct core *core, const char *order_id)
{
    struct live_order *live = orders_find(core, order_id);
    if (live)
        live->looked = true;
}

static void wake(struct core *core, const struct live_order *live)
{
    if (live->flow)
        flow_poke(core, live->flow);
}

static void look_again(struct core *core, struct live_order *live)
{
    live->dirty = true;
    wake(core, live);
}

void orders_cancel(struct core *core, const char *order_id)
{
    struct live_order *live = orders_find(core, order_id);
    if (!live || live->cancel_wanted)
        return;
    live->cancel_wanted = true;
    wake(core, live);
}

/* ---- fills that are in ---- */

static size_t find_fill(const struct live_order *live, const char *fill_id)
{
    size_t i = 0;
    while (i < live->fill_count && strcmp(live->fills[i], fill_id) != 0)
        i++;
    return i;
}

void orders_know_fill(struct live_order *live, const char *fill_id)
{
    if (find_fill(live, fill_id) < live->fill_count)
        return;
    if (live->fill_count == live->fill_room) {
        live->fill_room = live->fill_room ? live->fill_room * 2 : 2;
        live->fills = mem_realloc(live->fills, live->fill_room * sizeof *live->fills);
    }
    text_copy(live->fills[live->fill_count++], sizeof live->fills[0], fill_id);
}

static bool is_repeat(const struct core *core, const struct live_order *live,
                      const struct report *report)
{
    char id[KEY_SIZE];
    return report->kind == REPORT_FILL &&
           order_fill_id(id, core->broker->ops->traits->name, report->trade_id) &&
           find_fill(live, id) < live->fill_count && !MUTANT(MUTANT_APPLY_FILL_TWICE);
}

/* ---- building the write ---- */

static bool has_live_sibling(const struct core *core, const struct order *order)
{
    const struct order *list[SIBLINGS_MAX] UNSET;
    size_t count =
        book_live_orders(core->book, order->strategy, order->instrument, list, SIBLINGS_MAX);
    for (size_t i = 0; i < count; i++)
        if (!list[i]->protective && strcmp(list[i]->signal_id, order->signal_id) == 0 &&
            strcmp(list[i]->id, order->id) != 0)
            return true;
    return count == SIBLINGS_MAX;
}

/* The last leg to end ends its signal, in the same write. */
static void settle_signal(struct core *core, struct consequence *out)
{
    const struct signal *signal = book_get(core->book, TABLE_SIGNAL, out->after.signal_id);
    if (!order_is_final(out->after.state) || !signal || signal->state != SIGNAL_WORKING ||
        has_live_sibling(core, &out->after))
        return;
    out->signal = *signal;
    out->signal.version++;
    out->signal.state = SIGNAL_DONE;
    out->signal.ended_us = clock_wall(core->clock);
    text_copy(out->signal.step, sizeof out->signal.step, "settle");
    if (out->after.state != ORDER_FILLED)
        snprintf(out->signal.reason, sizeof out->signal.reason, "order %s: %.150s",
                 order_state_names[out->after.state], out->after.reason);
    event_change(&out->event, TABLE_SIGNAL, signal, &out->signal);
}

static bool add_fill(struct core *core, struct consequence *out, struct err *err)
{
    const struct signal *signal = book_get(core->book, TABLE_SIGNAL, out->after.signal_id);
    const struct instrument *instrument =
        instrument_find(&core->options.instruments, out->after.instrument);
    struct fill_effect *effect = &out->effect;
    if (!instrument)
        return err_set(err, ERR_LATER, ERR_CONFIG,
                       "fill of order %s: no instrument %s is configured; add it and restart",
                       out->after.id, out->after.instrument);
    if (!portfolio_apply_fill(core->book, signal, &out->after, &out->fill, instrument,
                              account_day_us(core, out->fill.at_us), effect, err))
        return false;
    struct store_event *event = &out->event;
    event_change(event, TABLE_FILL, NULL, &out->fill);
    for (size_t i = 0; i < effect->position_count; i++)
        event_change(event, TABLE_POSITION,
                     effect->new_position
                         ? NULL
                         : book_get(core->book, TABLE_POSITION, effect->positions[i].id),
                     &effect->positions[i]);
    event_change(event, TABLE_PYRAMID,
                 effect->new_pyramid ? NULL
                                     : book_get(core->book, TABLE_PYRAMID, effect->pyramid.id),
                 &effect->pyramid);
    event_change(event, TABLE_ACCOUNT, book_get(core->book, TABLE_ACCOUNT, effect->account.id),
                 &effect->account);
    for (size_t i = 0; i < effect->ledger_count; i++)
        event_change(event, TABLE_LEDGER, NULL, &effect->ledger[i]);
    return true;
}

static void start_consequence(struct core *core, struct consequence *out,
                              const struct live_order *live)
{
    out->before = live->row;
    memcpy(out->kind, "order.", 6);
    text_copy(out->kind + 6, sizeof out->kind - 6, order_state_names[out->after.state]);
    event_start(core, &out->event, out->kind, out->after.id);
    event_change(&out->event, TABLE_ORDER, &out->before, &out->after);
}

/* ---- reports ---- */

/* The same trade under another name: what a broken memory of fills would let through. */
static void forge(struct fill *fill)
{
    size_t length = strlen(fill->id);
    if (length + 2 < sizeof fill->id) {
        fill->id[length] = '+';
        fill->id[length + 1] = '\0';
    }
}

static void write_report(struct core *core, struct live_order *live, const struct report *report,
                         struct consequence *out)
{
    struct err err = {0};
    start_consequence(core, out, live);
    if (report->kind == REPORT_FILL) {
        if (MUTANT(MUTANT_APPLY_FILL_TWICE) && find_fill(live, out->fill.id) < live->fill_count)
            forge(&out->fill);
        if (!add_fill(core, out, &err)) {
            metric_add(core->orders->faults, 1);
            log_write(core->log, LOG_ERROR, "orders", "a fill could not be applied",
                      LOG_T("order_id", live->id), LOG_T("error", err.text), LOG_END);
            return;
        }
        orders_know_fill(live, out->fill.id);
    }
    settle_signal(core, out);
    live->row = out->after;
    record_write(core, &out->event, 1, false, (struct waiter){0});
}

/* What was paid in the thing itself has no price: it leaves the position for what it came in. The
 * oldest layers were closed before, so it is of the youngest. */
static struct decimal price_in_kind(const struct core *core, const struct order *exit)
{
    const struct position *open[LAYERS_MAX];
    struct decimal price = exit->reference_price;
    size_t count =
        book_open_positions(core->book, exit->strategy, exit->instrument, open, LAYERS_MAX);
    for (size_t i = 0; i < count; i++)
        if (*exit->position_id ? strcmp(open[i]->id, exit->position_id) == 0
                               : layer_is_closed_by(open[i], exit->side))
            price = open[i]->entry_price;
    return price;
}

void orders_report(struct core *core, const struct report *told)
{
    struct live_order *live = orders_find(core, told->order_id);
    struct consequence *out = core->orders->consequence;
    struct report priced = *told;
    const struct report *report = &priced;
    struct err err;
    if (live && told->kind == REPORT_FILL && !decimal_ok(told->price) && live->row.reduces)
        priced.price = price_in_kind(core, &live->row);
    if (!live) {
        orders_stray(core, report);
        return;
    }
    /* The end of an order of which a fill was lost is told by a query, with all its fills. */
    bool blind = live->lost && (told->kind == REPORT_CANCELLED || told->kind == REPORT_EXPIRED);
    if (blind || !live->fills_known || !record_settled(core) || !core->term) {
        live->lost |= told->kind == REPORT_FILL;
        look_again(core, live);
        return;
    }
    if (is_repeat(core, live, report)) {
        metric_add(core->orders->repeats, 1);
        return;
    }
    err_clear(&err);
    if (order_apply_report(&live->row, report, core->broker->ops->traits->name,
                           clock_wall(core->clock), &out->after, &out->fill, &err)) {
        write_report(core, live, report, out);
    } else if (err.code == ERR_OK) {
        metric_add(core->orders->repeats, 1);
    } else {
        metric_add(core->orders->faults, 1);
        log_write(core->log, LOG_ERROR, "orders", "a report contradicts its order",
                  LOG_T("order_id", live->id), LOG_T("error", err.text), LOG_END);
    }
}

bool orders_change(struct core *core, const char *event, const char *cause,
                   const struct order *after, struct waiter to)
{
    struct live_order *live = orders_find(core, after->id);
    struct consequence *out = core->orders->consequence;
    if (!live)
        return false;
    out->after = *after;
    out->after.version = live->row.version + 1;
    out->after.updated_us = clock_wall(core->clock);
    start_consequence(core, out, live);
    if (event)
        out->event.kind = event;
    out->event.cause = cause;
    settle_signal(core, out);
    live->row = out->after;
    record_write(core, &out->event, 1, false, to);
    return true;
}

bool orders_settle(struct core *core, const struct report *fill, enum order_state as,
                   const char *cause, struct waiter to, struct err *err)
{
    struct live_order *live = orders_find(core, fill->order_id);
    struct consequence *out = core->orders->consequence;
    if (!live || !live->fills_known || !record_settled(core))
        return err_set(err, ERR_LATER, ERR_BUSY, "the order is being looked at; ask again");
    if (!order_apply_report(&live->row, fill, core->broker->ops->traits->name,
                            clock_wall(core->clock), &out->after, &out->fill, err))
        return false;
    if (out->after.state != ORDER_FILLED)
        out->after.state = as;
    text_copy(out->after.reason, sizeof out->after.reason, fill->reason);
    start_consequence(core, out, live);
    out->event.kind = "order.resolved";
    out->event.cause = cause;
    if (!add_fill(core, out, err))
        return false;
    orders_know_fill(live, out->fill.id);
    settle_signal(core, out);
    live->row = out->after;
    record_write(core, &out->event, 1, false, to);
    return true;
}

/* ---- what became of the writes ---- */

/* A strategy that wants to know of its fills hears of them when they are durable. */
static void tell_strategy(struct core *core, const struct fill *fill)
{
    const struct position *positions[LAYERS_MAX];
    struct portfolio portfolio;
    struct facts facts;
    struct policy *policy = policies_find(core->policies, fill->strategy);
    if (!policy || !policy_has_on_fill(policy))
        return;
    facts_gather(core, fill->strategy, fill->instrument, positions, LAYERS_MAX, &portfolio, &facts);
    if (facts.instrument)
        policy_on_fill(policy, &facts, fill);
}

void orders_committed(struct core *core, const struct change *change)
{
    const struct order *order = change->after;
    protect_committed(core, change);
    if (change->table->id == TABLE_FILL)
        tell_strategy(core, change->after);
    if (change->table->id != TABLE_ORDER)
        return;
    struct live_order *live = orders_find(core, order->id);
    if (!live)
        return;
    live->final = order_is_final(order->state);
    if (live->final && order->reduces && !order->protective && order->state != ORDER_FILLED)
        log_write(core->log, LOG_ERROR, "orders", "an exit was not executed whole",
                  LOG_T("order_id", order->id), LOG_T("signal_id", order->signal_id),
                  LOG_T("state", order_state_names[order->state]), LOG_T("reason", order->reason),
                  LOG_END);
    if (live->final) {
        exits_note(core, order);
        broker_own(core->broker, order);
    }
    if (live->flow)
        wake(core, live);
    else if (live->final)
        orders_untrack(core, live);
}

void orders_undone(struct core *core, const struct change *change)
{
    struct live_order *live = NULL;
    if (change->table->id == TABLE_ORDER && change->before) {
        live = orders_find(core, ((const struct order *)change->after)->id);
        if (live)
            live->row = *(const struct order *)change->before;
    } else if (change->table->id == TABLE_FILL) {
        const struct fill *fill = change->after;
        live = orders_find(core, fill->order_id);
        size_t at = live ? find_fill(live, fill->id) : 0;
        if (live)
            live->lost = true;
        if (live && at < live->fill_count)
            memmove(live->fills[at], live->fills[--live->fill_count], sizeof live->fills[0]);
    }
    if (live)
        live->dirty = core->orders->wake = true;
}

void orders_follow(struct core *core, enum table_id table, const char *order_id)
{
    const struct order *row;
    if (table != TABLE_ORDER)
        return;
    row = book_get(core->book, TABLE_ORDER, order_id);
    orders_see(core, order_id, row);
    struct live_order *live = orders_find(core, order_id);
    if (!live)
        return;
    if (row)
        live->row = *row;
    live->final |= !row;
    live->dirty = core->orders->wake = true;
}

void orders_resync(struct core *core)
{
    for (struct live_order *live = core->orders->live; live; live = live->hh.next) {
        const struct order *row = book_get(core->book, TABLE_ORDER, live->id);
        if (row)
            live->row = *row;
        else
            live->final = true; /* as the store has it */
        live->dirty = true;
    }
    core->orders->wake = true;
}

void orders_wake_dirty(struct core *core)
{
    struct live_order *live, *next;
    if (!core->orders->wake || !record_settled(core))
        return;
    core->orders->wake = false;
    HASH_ITER(hh, core->orders->live, live, next)
    if (live->dirty)
        wake(core, live);
}

/* ---- judgements ---- */

int64_t orders_shows_us(const struct core *core, const struct order *order)
{
    const struct broker_traits *traits = core->broker->ops->traits;
    /* By the steady clock alone: wall clocks jump, and steady ones may run an eighth too fast. The
     * broker refuses what reaches it later than the validity of the right allows. */
    const struct live_order *live = orders_find(core, order->id);
    int64_t sent_us = live && live->sent_us ? live->sent_us : clock_steady(core->clock);
    if (traits->idempotency == IDEMPOTENCY_NONE && traits->absence_us)
        return sent_us + traits->absence_us;
    int64_t bound_us = traits->validity_us + traits->pipeline_us;
    return sent_us + bound_us + bound_us / 8 + CLOCK_ERROR_US;
}

int64_t orders_proof_us(const struct core *core, const struct order *order)
{
    const struct broker_traits *traits = core->broker->ops->traits;
    if (*order->broker_id)
        return INT64_MAX; /* it stood: that it is gone does not unsay it */
    if (traits->idempotency == IDEMPOTENCY_FOREVER || traits->idempotency == IDEMPOTENCY_WINDOW)
        return 0; /* the broker itself refuses a second one */
    if (traits->validity_us == 0 &&
        (traits->idempotency != IDEMPOTENCY_NONE || traits->absence_us == 0))
        return INT64_MAX;
    return orders_shows_us(core, order);
}

/* What others have committed counts, whichever of us decided first. */
bool orders_fit(struct core *core, const struct order *order, char why[REASON_SIZE])
{
    struct portfolio portfolio;
    const char *rail;
    if (order->reduces || core->options.mode == MODE_SINGLE)
        return true;
    portfolio_now(core, &portfolio);
    struct decimal lots = decimal_add(rules_pending(core, order->instrument),
                                      book_open_lots(core->book, order->instrument));
    return rails_hold(&core->options.rails, lots, orders_last_minute(core), &portfolio, &rail, why);
}

bool orders_still_wanted(const struct core *core, const struct order *order, char why[REASON_SIZE])
{
    const struct signal *signal = book_get(core->book, TABLE_SIGNAL, order->signal_id);
    if (order->reduces)
        return true;
    if (order->attempt > (int64_t)core->options.retry_max) {
        snprintf(why, REASON_SIZE, "not sent after %lld attempts", (long long)order->attempt);
        return false;
    }
    if (!halt_allows(halt_now(core), false)) {
        snprintf(why, REASON_SIZE, "not sent: trading is halted at %s",
                 halt_level_names[halt_now(core)]);
        return false;
    }
    return !signal || signal_fresh(signal, &core->options.staleness, clock_wall(core->clock), why);
}

/* ---- the rate ---- */

static void note_at(struct core *core, int64_t second)
{
    size_t at = (size_t)(second % 60);
    if (core->orders->made[at].second > second)
        return; /* a minute old */
    if (core->orders->made[at].second != second) {
        core->orders->made[at].second = second;
        core->orders->made[at].count = 0;
    }
    core->orders->made[at].count++;
}

void orders_note_new(struct core *core)
{
    note_at(core, clock_steady(core->clock) / 1000000);
}

void orders_note_made(struct core *core, const struct order *order)
{
    int64_t age_us = clock_wall(core->clock) - order->created_us;
    int64_t at_us = clock_steady(core->clock) - (age_us > 0 ? age_us : 0);
    if (age_us < 60000000 && at_us >= 0)
        note_at(core, at_us / 1000000);
}

int64_t orders_last_minute(const struct core *core)
{
    int64_t second = clock_steady(core->clock) / 1000000, sum = 0;
    for (size_t i = 0; i < 60; i++)
        if (second - core->orders->made[i].second < 60)
            sum += core->orders->made[i].count;
    return sum;
}
