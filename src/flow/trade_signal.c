/* The life of an accepted signal.
 *
 *     RECEIVED ──> (decide) ──> WORKING ──> DONE
 *        │  ▲                     its orders: work_order.c; the last fill ends the signal in its
 * own write │  └── RETRYING          a passing reason; later again, DEAD after retry_max └────>
 * REJECTED EXPIRED IGNORED        by the decision
 *
 *     lease    entry: its turn in the lane has come       after: the instrument is ours, until the
 * deadline facts    entry: nothing decided, or decided by a process that is gone decide   entry:
 * facts of this moment; never waits record   entry: a decision; after: it is durable under our
 * term, with the orders' right to send order    entry: the rights are committed; after: every order
 * is final settle   entry: nothing is left to do; after: the signal is final
 *
 * A signal found WORKING after a restart goes straight to `order`, where each order is looked up
 * first. */
#include "flow/account.h"
#include "flow/orders.h"
#include "flow/mutant.h"
#include "flow/record.h"
#include "flow/trade.h"
#include <stdio.h>
#include <string.h>

#define NO_ROOM_US 50000
#define WRITE_RETRY_US 500000

static enum step_result lease(struct flow *flow)
{
    const struct trade *trade = flow->data;
    /* Sticky: kept from signal to signal. It was taken before anything waited here (holding.c). */
    flow->lease_key = trade->lane->lease_key;
    if (lease_held(flow->core->lease, flow->lease_key, NULL) || MUTANT(MUTANT_TWO_LEADERS))
        return STEP_NEXT;
    err_set(&flow->err, ERR_LATER, ERR_BUSY, "the lease %s was lost", flow->lease_key);
    return STEP_FAIL;
}

/* ---- facts ---- */

static enum step_result facts(struct flow *flow)
{
    struct trade *trade = flow->data;
    if (trade->fresh)
        return STEP_NEXT;
    const struct signal *row = book_get(flow->core->book, TABLE_SIGNAL, trade->before.id);
    if (!row || signal_is_final(row->state))
        return STEP_END;
    row_copy(&tables[TABLE_SIGNAL], &trade->before, row, flow->arena);
    trade->adopted = row->state == SIGNAL_WORKING;
    return STEP_NEXT;
}

static enum step_result decide(struct flow *flow)
{
    struct trade *trade = flow->data;
    if (!trade->adopted) {
        account_follow_day(flow->core);
        trade_decide(flow->core, trade);
    }
    return STEP_NEXT;
}

/* ---- record ---- */

static void plan_retry(struct core *core, struct trade *trade)
{
    struct signal *after = &trade->after;
    after->attempts += trade->retry_counts;
    if (trade->retry_counts && after->attempts > (int64_t)core->options.retry_max) {
        trade->outcome = OUTCOME_FINAL;
        trade->decided = false;
        after->state = SIGNAL_DEAD;
        return;
    }
    after->state = SIGNAL_RETRYING;
    after->next_try_us = clock_wall(core->clock) + trade->retry_in_us;
}

/* What a decision was made from is kept here alone: {"trace":{...}}. */
static const char *print_cause(const struct trade *trade, struct arena *arena)
{
    static const char head[] = "{\"trace\":";
    if (!trade->trace)
        return NULL;
    size_t length = strlen(trade->trace);
    char *cause = arena_alloc(arena, sizeof head + length + 1);
    memcpy(cause, head, sizeof head - 1);
    memcpy(cause + sizeof head - 1, trade->trace, length);
    memcpy(cause + sizeof head - 1 + length, "}", 2);
    return cause;
}

/* One event tells the whole turn: the signal (received in it, unless its row stands already), the
 * decision and the orders' right to send. */
static void build_event(struct core *core, struct trade *trade, struct arena *arena,
                        struct store_event *event)
{
    struct signal *after = &trade->after;
    if (trade->outcome == OUTCOME_RETRY)
        plan_retry(core, trade);
    after->version = trade->before.version + 1;
    text_copy(after->step, sizeof after->step,
              trade->outcome == OUTCOME_WORK    ? "order"
              : trade->outcome == OUTCOME_RETRY ? "lease"
                                                : "settle");
    if (trade->outcome == OUTCOME_FINAL)
        after->ended_us = clock_wall(core->clock);
    event_start(core, event,
                after->state == SIGNAL_RETRYING ? "signal.retrying"
                : after->state == SIGNAL_DEAD   ? "signal.dead"
                                                : "signal.decided",
                after->id);
    if (trade->fresh)
        event_change(event, TABLE_SIGNAL, NULL, &trade->before);
    event_change(event, TABLE_SIGNAL, &trade->before, after);
    if (trade->outcome != OUTCOME_RETRY && trade->decided) {
        event_change(event, TABLE_DECISION, NULL, &trade->decision);
        event->cause = print_cause(trade, arena);
    }
    for (size_t i = 0; i < trade->order_count; i++) {
        event_change(event, TABLE_ORDER, NULL, trade->orders[i]);
        orders_note_new(core);
    }
}

/* It waits on for what its row says already: there may be many, and each is tried often. */
static bool waits_on(const struct trade *trade)
{
    return trade->outcome == OUTCOME_RETRY && !trade->retry_counts && !trade->fresh &&
           trade->before.state == SIGNAL_RETRYING &&
           strcmp(trade->before.reason, trade->after.reason) == 0;
}

static enum step_result record(struct flow *flow)
{
    struct trade *trade = flow->data;
    struct store_event event;
    if (trade->adopted)
        return STEP_NEXT;
    if (waits_on(trade)) {
        lane_retry(flow->core, trade->before.id,
                   clock_steady(flow->core->clock) + trade->retry_in_us);
        return STEP_END;
    }
    build_event(flow->core, trade, flow->arena, &event);
    record_write(flow->core, &event, 1, false, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result record_failed(struct flow *flow, const struct err *err)
{
    struct trade *trade = flow->data;
    struct core *core = flow->core;
    if (MUTANT(MUTANT_SKIP_CLAIM) && err->class == ERR_REFUSED && trade->order_count > 0)
        return STEP_NEXT;
    /* What the store refuses is a repeat, or was built on a write that failed: the row, looked at
     * once more, tells. What it cannot take now is tried again without a write that would fail as
     * well. */
    trade->retry_in_us = trade->fresh || err->class == ERR_LATER ? -1 : 0;
    if (trade->fresh)
        intake_failed(core, &trade->before, err);
    else if (err->class == ERR_LATER)
        lane_retry(core, trade->before.id, clock_steady(core->clock) + WRITE_RETRY_US);
    return flow_fail(flow, err);
}

static enum step_result record_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct trade *trade = flow->data;
    struct core *core = flow->core;
    (void)value;
    if (err)
        return record_failed(flow, err);
    if (trade->fresh)
        intake_stored(core, &trade->after);
    trade->fresh = false;
    if (trade->outcome == OUTCOME_RETRY) {
        lane_retry(core, trade->after.id, clock_steady(core->clock) + trade->retry_in_us);
        return STEP_END;
    }
    intake_decided(core, &trade->after, trade->decided ? &trade->decision : NULL, trade->trace);
    return trade->outcome == OUTCOME_WORK ? STEP_NEXT : STEP_END;
}

/* ---- order ---- */

static void adopt_orders(struct flow *flow)
{
    struct trade *trade = flow->data;
    const struct order *live[64];
    size_t count = book_live_orders(flow->core->book, trade->before.strategy,
                                    trade->before.instrument, live, 64);
    trade->order_count = 0;
    for (size_t i = 0; i < count && trade->order_count < TRADE_ORDERS_MAX; i++)
        if (!live[i]->protective && strcmp(live[i]->signal_id, trade->before.id) == 0)
            *trade_new_order(trade) = *live[i];
}

static enum step_result begin_orders(struct flow *flow)
{
    struct trade *trade = flow->data;
    bool all = true;
    flow_deadline(flow, INT64_MAX);
    for (size_t i = 0; i < trade->order_count; i++) {
        if (trade->begun[i])
            continue;
        struct order row UNSET;
        if (trade->adopted && !orders_row(flow->core, trade->orders[i]->id, &row)) {
            trade->begun[i] = true; /* it has ended meanwhile */
            continue;
        }
        if (!trade->adopted) {
            orders_track(flow->core, trade->orders[i], true);
            orders_looked(flow->core, trade->orders[i]->id);
        }
        trade->begun[i] = orders_work(
            flow->core, trade->orders[i]->id,
            trade->adopted || trade->orders[i]->state == ORDER_INTENDED ? 0 : trade->right_until_us,
            flow);
        trade->children += trade->begun[i];
        all &= trade->begun[i];
    }
    if (!all)
        flow_deadline(flow, clock_steady(flow->core->clock) + NO_ROOM_US);
    return all && trade->children == 0 ? STEP_NEXT : STEP_WAIT;
}

static enum step_result order(struct flow *flow)
{
    struct trade *trade = flow->data;
    if (trade->adopted)
        adopt_orders(flow);
    return begin_orders(flow);
}

static enum step_result order_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct trade *trade = flow->data;
    (void)err;
    if (value)
        trade->children--;
    return begin_orders(flow);
}

/* ---- settle ---- */

/* The usual case: the last fill ended the signal in its own write, and there is nothing to do. */
static enum step_result settle(struct flow *flow)
{
    struct trade *trade = flow->data;
    struct core *core = flow->core;
    const struct signal *row = book_get(core->book, TABLE_SIGNAL, trade->before.id);
    struct store_event event;
    if (!row || row->state != SIGNAL_WORKING)
        return STEP_END;
    trade->after = *row;
    trade->after.state = SIGNAL_DONE;
    trade->after.version++;
    trade->after.ended_us = clock_wall(core->clock);
    text_copy(trade->after.step, sizeof trade->after.step, "settle");
    event_start(core, &event, "signal.settled", row->id);
    event_change(&event, TABLE_SIGNAL, row, &trade->after);
    record_write(core, &event, 1, false, flow_waiter(flow));
    return STEP_WAIT;
}

static const struct step trade_signal[] = {
    /* name     ask     answer         release deadline flags */
    {"lease", lease, NULL, NULL, 0, 0},
    {"facts", facts, NULL, NULL, 0, 0},
    {"decide", decide, NULL, NULL, 0, 0},                    /* Lua; never waits     */
    {"record", record, record_answer, NULL, 0, STEP_FENCED}, /* durable before money */
    {"order", order, order_answer, NULL, 0, 0},              /* children: work_order */
    {"settle", settle, NULL, NULL, 0, STEP_FENCED},
};

/* ---- the end ---- */

struct dead { /* of the waiter of a write that outlives its story */
    struct core *core;
    struct signal row;
    int64_t retry_in_us;
};

static void retry_written(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct dead *dead = owner;
    struct core *core = dead->core;
    (void)handle;
    (void)value;
    if (err ? err->code != ERR_FENCED : dead->row.state == SIGNAL_RETRYING)
        lane_retry(core, dead->row.id, clock_steady(core->clock) + dead->retry_in_us);
    if (!err && dead->row.state == SIGNAL_DEAD)
        intake_decided(core, &dead->row, NULL, NULL);
    record_drop(core, dead);
}

/* A story that failed for a passing reason before anything was decided is tried again, and says so
 * in its row. */
static void write_retry(struct core *core, const struct signal *row, const struct err *err)
{
    struct dead *dead = record_keep(core, sizeof *dead);
    struct store_event event;
    dead->core = core;
    dead->row = *row;
    dead->row.version++;
    dead->row.attempts++;
    dead->retry_in_us = core->options.retry_base_us / 2 +
                        chance_backoff_us(&core->chance, core->options.retry_base_us,
                                          core->options.retry_cap_us, (unsigned)row->attempts);
    text_copy(dead->row.reason, sizeof dead->row.reason, err->text);
    dead->row.state =
        dead->row.attempts > (int64_t)core->options.retry_max ? SIGNAL_DEAD : SIGNAL_RETRYING;
    if (dead->row.state == SIGNAL_DEAD)
        dead->row.ended_us = clock_wall(core->clock);
    else
        dead->row.next_try_us = clock_wall(core->clock) + dead->retry_in_us;
    event_start(core, &event, dead->row.state == SIGNAL_DEAD ? "signal.dead" : "signal.retrying",
                row->id);
    event_change(&event, TABLE_SIGNAL, row, &dead->row);
    record_write(core, &event, 1, false, (struct waiter){.answer = retry_written, .owner = dead});
}

static void ended(struct flow *flow, const struct err *err)
{
    struct trade *trade = flow->data;
    struct core *core = flow->core;
    const struct signal *row = book_get(core->book, TABLE_SIGNAL, trade->before.id);
    struct lane *lane = trade->lane;
    if (err && trade->fresh && trade->retry_in_us >= 0)
        intake_failed(core, &trade->before, err);
    else if (err && err->code != ERR_FENCED && row && trade->retry_in_us >= 0) {
        bool waits = row->state == SIGNAL_RECEIVED || row->state == SIGNAL_RETRYING;
        if (waits && err->code != ERR_BUSY)
            write_retry(core, row, err);
        else if (waits || row->state == SIGNAL_WORKING) /* not its fault, and nothing to record */
            lane_retry(core, row->id, clock_steady(core->clock) + WRITE_RETRY_US / 2);
    }
    lane_ended(core, lane, flow->handle);
}

static const struct story trade_signal_story = {
    .name = "trade_signal", STORY(trade_signal), .ended = ended};

struct flow *trade_begin(struct core *core, struct lane *lane, const struct signal *signal,
                         bool fresh)
{
    struct flow *flow = flow_make(core, &trade_signal_story, signal->id, NULL, sizeof(struct trade),
                                  (struct waiter){0});
    if (!flow)
        return NULL;
    struct trade *trade = flow->data;
    trade->lane = lane;
    trade->arena = flow->arena;
    lane->stories++;
    trade->fresh = fresh;
    row_copy(&tables[TABLE_SIGNAL], &trade->before, signal, flow->arena);
    return flow;
}

bool trade_is_settling(struct core *core, uint64_t handle)
{
    const struct flow *flow = flow_find(core, handle);
    return flow && flow->story == &trade_signal_story &&
           strcmp(flow->story->steps[flow->step].name, "order") == 0;
}
