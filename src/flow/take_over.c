/* Taking over: term, book, statistics, fills, orders, signals, trade. Nothing that adds risk
 * happens before the broker has been asked about every order that is not final.
 *
 *     term     after: ours is the current one; whoever had it before can no longer write
 *     load     after: the book is what the store has; signals are accepted
 *     count    after: what the last process counted and did not save is being counted
 *     fills    after: every recorded fill of an open order is known, none is applied again
 *     own      after: the broker's body knows what the day's orders of ours are called there
 *     orders   after: the broker has answered once about each; what stays unknown blocks
 *     match    after: our book was compared with the broker's (match_books.c)
 *     open     after: waiting signals are queued and trading is allowed */
#include "flow/exits.h"
#include "flow/intake.h"
#include "flow/load_book.h"
#include "flow/orders.h"
#include "flow/orders_parts.h"
#include "flow/record.h"
#include "flow/statistics.h"
#include <string.h>

#define LOOK_US 20000
#define AGAIN_US 200000
#define OWN_US (36 * 3600 * 1000000LL)

struct take_over {
    size_t orders;
    int64_t term, began_us;
};

static void adopt_book(struct core *core)
{
    const struct halt *halt = book_get(core->book, TABLE_HALT, "all");
    core->halt = halt ? halt->level : HALT_NONE;
    statistics_adopt(core);
}

static enum step_result term(struct flow *flow)
{
    struct take_over *take = flow->data;
    take->began_us = clock_steady(flow->core->clock);
    store_next_term(flow->core->store, flow->core->options.instance, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result term_answer(struct flow *flow, const struct err *err, const void *value)
{
    if (err && err->class == ERR_REFUSED)
        return flow_fail(flow, err);
    if (value) {
        ((struct take_over *)flow->data)->term = *(const int64_t *)value;
        return STEP_NEXT;
    }
    if (err && err->code == ERR_TIMEOUT)
        return term(flow);
    flow_deadline(flow, clock_steady(flow->core->clock) + AGAIN_US);
    return STEP_WAIT;
}

static enum step_result load(struct flow *flow)
{
    if (!load_book_begin(flow->core, false, flow_waiter(flow)))
        flow_deadline(flow, clock_steady(flow->core->clock) + AGAIN_US);
    return STEP_WAIT;
}

static enum step_result load_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct core *core = flow->core;
    (void)value;
    if (err && err->code == ERR_TIMEOUT)
        return load(flow);
    if (err) {
        flow_deadline(flow, clock_steady(core->clock) + AGAIN_US);
        return STEP_WAIT;
    }
    adopt_book(core);
    core->term = flow->term = ((struct take_over *)flow->data)->term;
    return STEP_NEXT;
}

/* Trading need not wait for it: after a crash the log may be long. */
static enum step_result count(struct flow *flow)
{
    statistics_recover(flow->core);
    return STEP_NEXT;
}

/* ---- fills ---- */

static bool track(void *ctx, const void *row)
{
    struct core *core = ctx;
    const struct order *order = row;
    if (!order_is_final(order->state))
        orders_track(core, order, !decimal_ok(order->filled) || decimal_is_zero(order->filled));
    return true;
}

static enum step_result load_next(struct flow *flow)
{
    char id[ID_SIZE];
    if (!orders_next_unloaded(flow->core, id))
        return STEP_NEXT;
    if (!orders_load_fills(flow->core, id, flow_waiter(flow)))
        flow_deadline(flow, clock_steady(flow->core->clock) + AGAIN_US);
    return STEP_WAIT;
}

static enum step_result fills(struct flow *flow)
{
    book_each(flow->core->book, TABLE_ORDER, track, flow->core);
    return load_next(flow);
}

static enum step_result fills_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)value;
    if (!err || err->code == ERR_TIMEOUT)
        return load_next(flow);
    flow_deadline(flow, clock_steady(flow->core->clock) + AGAIN_US);
    return STEP_WAIT;
}

/* ---- what is ours at the broker ---- */

/* A broker without client order ids shows a day's orders of everybody: those that are ours belong
 * to the orders that have them, be they long over. And an exit that was refused before this process
 * began is still to be tried again. */
static enum step_result own(struct flow *flow)
{
    struct core *core = flow->core;
    char since[CALENDAR_TEXT_MAX];
    calendar_print(clock_wall(core->clock) - OWN_US, since);
    struct store_query query = {.table = TABLE_ORDER,
                                .where = {{.column = "created_at", .op = STORE_GE, .value = since}},
                                .where_count = 1,
                                .limit = 10000};
    store_query(core->store, &query, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result own_answer(struct flow *flow, const struct err *err, const void *value)
{
    const struct store_rows *rows = value;
    if (!err && !rows) /* after a pause */
        return own(flow);
    if (err) {
        flow_deadline(flow, clock_steady(flow->core->clock) + AGAIN_US);
        return STEP_WAIT;
    }
    for (size_t i = 0; i < rows->count; i++) {
        broker_own(flow->core->broker, rows->rows[i]);
        exits_note(flow->core, rows->rows[i]);
    }
    return STEP_NEXT;
}

/* ---- orders ---- */

struct adopting {
    const struct signal **list;
    size_t count, room;
};

static bool gather(void *ctx, const void *row)
{
    struct adopting *adopting = ctx;
    if (adopting->count < adopting->room)
        adopting->list[adopting->count++] = row;
    return true;
}

static void begin_working(struct core *core, const struct signal *signal)
{
    struct lane *lane = lane_of(core, signal->strategy, signal->instrument);
    struct flow *flow = trade_begin(core, lane, signal, false);
    if (!flow) {
        lane_retry(core, signal->id, clock_steady(core->clock) + AGAIN_US);
        return;
    }
    lane->active = flow->handle;
    flow_run(flow);
}

static void begin_orphan(struct core *core, const struct order *order)
{
    const struct signal *signal = book_get(core->book, TABLE_SIGNAL, order->signal_id);
    if (order->protective || !signal || signal->state != SIGNAL_WORKING)
        orders_work(core, order->id, 0, NULL);
}

static enum step_result orders(struct flow *flow)
{
    struct core *core = flow->core;
    struct take_over *take = flow->data;
    struct adopting adopting = {.room = book_count(core->book, TABLE_SIGNAL)};
    const struct order *live[1024];
    adopting.list = mem_alloc((adopting.room + 1) * sizeof *adopting.list);
    book_each(core->book, TABLE_SIGNAL, gather, &adopting);
    for (size_t i = 0; i < adopting.count; i++) {
        struct signal signal = *adopting.list[i];
        if (signal.state == SIGNAL_WORKING)
            begin_working(core, &signal);
    }
    mem_free(adopting.list);
    take->orders = book_live_orders(core->book, NULL, NULL, live, 1024);
    for (size_t i = 0; i < take->orders; i++) {
        struct order order = *live[i];
        begin_orphan(core, &order);
    }
    flow_deadline(flow, clock_steady(core->clock) + LOOK_US);
    return orders_unlooked(core) ? STEP_WAIT : STEP_NEXT;
}

static enum step_result orders_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)err;
    (void)value;
    if (orders_unlooked(flow->core) == 0)
        return STEP_NEXT;
    flow_deadline(flow, clock_steady(flow->core->clock) + LOOK_US);
    return STEP_WAIT;
}

/* ---- match ---- */

static enum step_result match(struct flow *flow)
{
    if (!match_begin(flow->core, "start", flow_waiter(flow)))
        flow_deadline(flow, clock_steady(flow->core->clock) + AGAIN_US);
    return STEP_WAIT;
}

/* Whatever came of it: what is not known, or differs, keeps entries away by itself. */
static enum step_result match_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)value;
    return err && err->code == ERR_TIMEOUT && !match_now_view(flow->core).ran &&
                   !match_now_view(flow->core).blind
               ? match(flow)
               : STEP_NEXT;
}

/* ---- open ---- */

static enum step_result ask_dead(struct flow *flow)
{
    struct store_query query = {.table = TABLE_SIGNAL,
                                .where = {{.column = "state", .op = STORE_EQ, .value = "dead"}},
                                .where_count = 1,
                                .limit = 10000};
    store_query(flow->core->store, &query, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result hear_dead(struct flow *flow, const struct err *err, const void *value)
{
    if (!err)
        flow->core->intake->dead = ((const struct store_rows *)value)->count;
    return STEP_NEXT;
}

static void queue(struct core *core, const struct signal *signal)
{
    int64_t wait_us = signal->next_try_us - clock_wall(core->clock);
    if (signal->state == SIGNAL_RETRYING && wait_us > 0)
        lane_retry(core, signal->id, clock_steady(core->clock) + wait_us);
    else if (signal->state == SIGNAL_RECEIVED || signal->state == SIGNAL_RETRYING)
        lane_push(core, signal);
}

static enum step_result open(struct flow *flow)
{
    struct core *core = flow->core;
    struct take_over *take = flow->data;
    struct adopting adopting = {.room = book_count(core->book, TABLE_SIGNAL)};
    adopting.list = mem_alloc((adopting.room + 1) * sizeof *adopting.list);
    book_each(core->book, TABLE_SIGNAL, gather, &adopting);
    struct signal *rows = mem_alloc((adopting.count + 1) * sizeof *rows);
    for (size_t i = 0; i < adopting.count; i++)
        rows[i] = *adopting.list[i]; /* starting them moves the book */
    core->reconciled = true;
    for (size_t i = 0; i < adopting.count; i++)
        queue(core, &rows[i]);
    log_write(core->log, LOG_INFO, "take_over", "trading is allowed", LOG_I("term", core->term),
              LOG_I("orders", take->orders), LOG_I("signals", adopting.count),
              LOG_MS("took_ms", clock_steady(core->clock) - take->began_us), LOG_END);
    mem_free(rows);
    mem_free(adopting.list);
    return STEP_END;
}

static const struct step take_over[] = {
    /* name    ask       answer         release deadline flags */
    {"term", term, term_answer, NULL, 0, 0},    {"load", load, load_answer, NULL, 0, 0},
    {"count", count, NULL, NULL, 0, 0},         {"fills", fills, fills_answer, NULL, 0, 0},
    {"own", own, own_answer, NULL, 0, 0},       {"orders", orders, orders_answer, NULL, 0, 0},
    {"dead", ask_dead, hear_dead, NULL, 0, 0},  {"match", match, match_answer, NULL, 0, 0},
    {"open", open, NULL, NULL, 0, STEP_FENCED},
};
static const struct story take_over_story = {.name = "take_over", STORY(take_over)};

void take_over_begin(struct core *core, struct waiter to)
{
    struct flow *flow = flow_make(core, &take_over_story, core->options.instance, NULL,
                                  sizeof(struct take_over), to);
    if (flow) /* the runner is empty at the start: there is room */
        flow_run(flow);
}
