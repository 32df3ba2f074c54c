/* A position whose strategy asks for it (strategies[].protect = "broker") has a stop order at the
 * broker: it works while this host is down, killed or cut off, and a shutdown leaves it there.
 *
 *     position opens ──> one protective order, for what is open, at the position's stop
 *     grows, shrinks, its stop moves ──> the order is amended; cancelled and placed anew where the
 *                                        broker does not amend
 *     an exit is ordered ──> the stop is cancelled first, proven, then the exit leaves: both at
 * once would turn the position around (work_order.c) position closes ──> the order is cancelled
 *
 * What is wanted is seen from the rows alone, each time one of them has changed, so a restart or
 * another instance goes on where this one was. At most one such order stands for a position, or one
 * for each part where the exchange takes it in parts only: its row is committed before anything is
 * sent. */
#include "flow/protect.h"
#include "flow/flows.h"
#include "flow/holding.h"
#include "flow/intake.h"
#include "flow/orders.h"
#include "flow/orders_parts.h"
#include "flow/record.h"
#include "flow/roll.h"
#include "flow/trade.h"
#include <stdio.h>
#include <string.h>

enum { POSITIONS_MAX = 256, ORDERS_MAX = 64, PAUSES_MAX = 64 };
#define AGAIN_US 250000
#define PAUSE_LEAST_US 2000000
#define PAUSE_MOST_US 60000000

struct pause { /* after a refusal */
    char position_id[KEY_SIZE];
    int64_t next_us;
    unsigned tries;
};
struct protect {
    bool dirty;
    int64_t next_us; /* steady: look again then */
    struct pause pauses[PAUSES_MAX];
    size_t pause_count;
};

struct protect *protect_new(struct core *core)
{
    struct protect *protect = mem_alloc(sizeof *protect);
    protect->dirty = true;
    protect->next_us = INT64_MAX;
    core->protect = protect;
    return protect;
}

void protect_free(struct protect *protect)
{
    mem_free(protect);
}

static void look_by(struct core *core, int64_t at_us)
{
    if (at_us < core->protect->next_us)
        core->protect->next_us = at_us;
}

/* ---- refusals ---- */

static struct pause *pause_of(struct protect *protect, const char *position_id)
{
    for (size_t i = 0; i < protect->pause_count; i++)
        if (strcmp(protect->pauses[i].position_id, position_id) == 0)
            return &protect->pauses[i];
    return NULL;
}

static void note_refusal(struct core *core, const struct order *order)
{
    struct protect *protect = core->protect;
    struct pause *pause = pause_of(protect, order->position_id);
    if (!pause) {
        /* Full: the oldest makes room; its stop is asked for a little sooner. */
        pause = &protect->pauses[protect->pause_count < PAUSES_MAX ? protect->pause_count++ : 0];
        *pause = (struct pause){0};
        text_copy(pause->position_id, sizeof pause->position_id, order->position_id);
    }
    int64_t wait_us = PAUSE_LEAST_US << (pause->tries < 5 ? pause->tries : 5);
    pause->tries++;
    pause->next_us =
        clock_steady(core->clock) + (wait_us < PAUSE_MOST_US ? wait_us : (int64_t)PAUSE_MOST_US);
    look_by(core, pause->next_us);
    log_write(core->log, LOG_ERROR, "protect",
              "a position has no stop at the broker: it was refused; it is tried again",
              LOG_T("strategy", order->strategy), LOG_T("instrument", order->instrument),
              LOG_T("reason", order->reason), LOG_END);
}

void protect_committed(struct core *core, const struct change *change)
{
    const struct order *order = change->after;
    if (change->table->id == TABLE_POSITION) {
        core->protect->dirty = true;
    } else if (change->table->id == TABLE_ORDER && order->reduces) {
        core->protect->dirty = true;
        if (order->protective && order->state == ORDER_REJECTED)
            note_refusal(core, order);
    }
}

/* ---- one position ---- */

static bool is_wanted(const struct core *core, const struct position *position)
{
    if (!decimal_ok(position->stop) || decimal_sign(position->quantity) <= 0)
        return false;
    for (size_t i = 0; i < core->options.protect_count; i++)
        if (strcmp(core->options.protect[i], position->strategy) == 0)
            return true;
    return false;
}

static void fill_order(struct core *core, const struct position *position, struct decimal lots,
                       struct order *order)
{
    char moment[32];
    unsigned tifs = core->broker->ops->traits->tifs;
    const struct instrument *instrument =
        instrument_find(&core->options.instruments, position->instrument);
    int64_t now_us = clock_wall(core->clock);
    row_init(&tables[TABLE_ORDER], order);
    snprintf(moment, sizeof moment, "%lld", (long long)now_us);
    id_derive(order->id, position->id, "stop", moment, NULL);
    id_put_time(order->id, now_us);
    text_copy(order->signal_id, sizeof order->signal_id, position->entry_signal_id);
    text_copy(order->leg, sizeof order->leg, position->label);
    text_copy(order->strategy, sizeof order->strategy, position->strategy);
    text_copy(order->instrument, sizeof order->instrument, position->instrument);
    text_copy(order->position_id, sizeof order->position_id, position->id);
    text_copy(order->expiry, sizeof order->expiry, position->expiry);
    text_copy(order->broker, sizeof order->broker, core->broker->ops->traits->name);
    order->kind = ORDER_STOP;
    order->tif = tifs == 0 || (tifs & (1u << TIF_GTC)) ? TIF_GTC : TIF_DAY;
    order->side = position->side == SIDE_LONG ? ORDER_SELL : ORDER_BUY;
    order->reduces = order->protective = true;
    order->quantity = lots;
    order->stop_price = tick_trigger(instrument, order->side, position->stop);
    order->reference_price = position->entry_price;
    order->filled = order->fees = decimal_int(0);
    order->state = ORDER_INTENDED;
    order->created_us = order->updated_us = now_us;
    order->version = 1;
}

struct placing {
    struct core *core;
    struct order order;
};

static void written(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct placing *placing = owner;
    struct core *core = placing->core;
    (void)handle;
    (void)value;
    if (!err) {
        orders_track(core, &placing->order, true);
        orders_looked(core, placing->order.id);
        if (!orders_work(core, placing->order.id, 0, NULL))
            log_write(core->log, LOG_WARN, "protect", "no room to place a stop just now", LOG_END);
    }
    core->protect->dirty = true;
    record_drop(core, placing);
}

static void place_stop(struct core *core, const struct position *position, struct decimal lots)
{
    struct placing *placing = record_keep(core, sizeof *placing);
    struct store_event event;
    placing->core = core;
    fill_order(core, position, lots, &placing->order);
    event_start(core, &event, "order.protective", placing->order.id);
    event_change(&event, TABLE_ORDER, NULL, &placing->order);
    record_write(core, &event, 1, false, (struct waiter){.answer = written, .owner = placing});
}

static void amended(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct core *core = owner;
    (void)handle;
    (void)value;
    if (err && core->protect) /* not taken, or not known whether: seen by the next look */
        look_by(core, clock_steady(core->clock) + AGAIN_US);
}

/* `lots`: what it shall still be for. */
static void follow(struct core *core, const struct position *position, const struct order *stop,
                   struct decimal lots)
{
    struct live_order *live = orders_find(core, stop->id);
    const struct instrument *instrument =
        instrument_find(&core->options.instruments, position->instrument);
    struct order want = *stop;
    want.stop_price = tick_trigger(instrument, stop->side, position->stop);
    want.quantity = decimal_add(decimal_ok(stop->filled) ? stop->filled : decimal_int(0), lots);
    if (!live || live->changing || live->cancel_wanted ||
        (stop->state != ORDER_ACKNOWLEDGED && stop->state != ORDER_PARTIALLY_FILLED))
        return;
    if (decimal_eq(want.quantity, stop->quantity) && decimal_eq(want.stop_price, stop->stop_price))
        return;
    if (core->broker->ops->traits->amends && !live->amend_refused)
        orders_amend(core, &want, (struct waiter){.answer = amended, .owner = core});
    else
        orders_cancel(core, stop->id); /* the next look, after its end, places it anew */
}

/* True: the instrument is ours to act on. Another instance looks after its own; what nobody has is
 * the leader's to take. */
static bool is_ours(struct core *core, const struct position *position)
{
    if (core_holds(core, position->instrument))
        return true;
    if (core_is_leader(core))
        holding_want(core, position->instrument);
    look_by(core, clock_steady(core->clock) + AGAIN_US);
    return false;
}

/* One stop for all that is open, or as many as the exchange wants it in. True: that is all of it;
 * else *left is what none is for yet. */
static bool follow_all(struct core *core, const struct position *position,
                       const struct order *const *stops, size_t count, struct decimal *left)
{
    struct decimal most = broker_most(core->broker, position->instrument);
    bool bound = decimal_ok(most) && decimal_sign(most) > 0;
    *left = position->quantity;
    for (size_t i = 0; i < count; i++) {
        struct decimal lots = bound ? decimal_min(*left, most) : *left;
        if (decimal_sign(lots) > 0)
            follow(core, position, stops[i], lots);
        else
            orders_cancel(core, stops[i]->id);
        *left = decimal_sub(*left, lots);
    }
    if (decimal_sign(*left) <= 0)
        return true;
    *left = bound ? decimal_min(*left, most) : *left;
    return false;
}

static void look_at(struct core *core, const struct position *position)
{
    const struct order *live[ORDERS_MAX], *stops[ORDERS_MAX];
    struct decimal lots;
    size_t stop_count = 0;
    size_t count =
        book_live_orders(core->book, position->strategy, position->instrument, live, ORDERS_MAX);
    const struct pause *pause = pause_of(core->protect, position->id);
    bool exits = count == ORDERS_MAX;
    for (size_t i = 0; i < count; i++) {
        bool same = strcmp(live[i]->position_id, position->id) == 0;
        if (!live[i]->reduces || (!same && *live[i]->position_id))
            continue;
        if (!live[i]->protective)
            exits = true;
        else
            stops[stop_count++] = live[i];
    }
    if (exits || !is_ours(core, position))
        return;
    if (roll_holds(core, position->strategy, position->instrument)) {
        look_by(core, clock_steady(core->clock) + AGAIN_US);
        return; /* the legs of a rollover cannot leave beside it */
    }
    if (follow_all(core, position, stops, stop_count, &lots))
        return;
    if (!pause || pause->next_us <= clock_steady(core->clock))
        place_stop(core, position, lots);
    else
        look_by(core, pause->next_us);
}

/* ---- each turn ---- */

struct gathering {
    struct core *core;
    char (*ids)[KEY_SIZE];
    size_t count;
};

static bool gather_position(void *ctx, const struct position *position)
{
    struct gathering *gathering = ctx;
    if (is_wanted(gathering->core, position))
        text_copy(gathering->ids[gathering->count++], KEY_SIZE, position->id);
    return gathering->count < POSITIONS_MAX;
}

static bool gather_orphan(void *ctx, const struct order *order)
{
    struct gathering *gathering = ctx;
    const struct position *position =
        book_get(gathering->core->book, TABLE_POSITION, order->position_id);
    if (order->protective && (!position || position->status == POSITION_CLOSED))
        text_copy(gathering->ids[gathering->count++], KEY_SIZE, order->id);
    return gathering->count < POSITIONS_MAX;
}

int64_t protect_turn(struct core *core)
{
    struct protect *protect = core->protect;
    int64_t now_us = clock_steady(core->clock);
    if (!core->term || !core->reconciled || !core->broker->ops->traits->stops ||
        !core->options.protect_count)
        return INT64_MAX;
    if ((!protect->dirty && now_us < protect->next_us) || !record_settled(core))
        return protect->next_us;
    struct gathering gathering = {.core = core,
                                  .ids = mem_alloc((POSITIONS_MAX + 1) * sizeof(char[KEY_SIZE]))};
    protect->dirty = false;
    protect->next_us = INT64_MAX;
    book_each_live_order(core->book, gather_orphan, &gathering);
    for (size_t i = 0; i < gathering.count; i++)
        orders_cancel(core, gathering.ids[i]);
    gathering.count = 0;
    book_each_open_position(core->book, gather_position, &gathering);
    for (size_t i = 0; i < gathering.count; i++) {
        const struct position *position = book_get(core->book, TABLE_POSITION, gathering.ids[i]);
        if (position)
            look_at(core, position);
    }
    mem_free(gathering.ids);
    return protect->next_us;
}

/* ---- exits ---- */

static bool gives_way(const struct order *stop, const struct order *exit)
{
    return exit->reduces && stop->protective && strcmp(stop->id, exit->id) != 0 &&
           (!*exit->position_id || strcmp(stop->position_id, exit->position_id) == 0);
}

bool protect_stands(const struct core *core, const struct order *exit)
{
    const struct order *live[ORDERS_MAX];
    size_t count = book_live_orders(core->book, exit->strategy, exit->instrument, live, ORDERS_MAX);
    for (size_t i = 0; i < count; i++)
        if (gives_way(live[i], exit))
            return true;
    return false;
}

void protect_give_way(struct core *core, const struct order *exit)
{
    const struct order *live[ORDERS_MAX];
    char ids[ORDERS_MAX][ID_SIZE];
    size_t stops = 0;
    size_t count = book_live_orders(core->book, exit->strategy, exit->instrument, live, ORDERS_MAX);
    for (size_t i = 0; i < count; i++)
        if (gives_way(live[i], exit))
            text_copy(ids[stops++], ID_SIZE, live[i]->id);
    for (size_t i = 0; i < stops; i++)
        orders_cancel(core, ids[i]);
}
