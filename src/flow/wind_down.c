/* Shutting down in five steps, each with its limit, each logged. What is not finished is not lost:
 * rows tell the next start where to go on. That is why a second trap may cut the waiting short at
 * any moment.
 *
 *     1/5 stop     no new signals, no new orders; what is being sent is finished
 *     2/5 cancel   resting orders are cancelled; protective ones stay at the broker
 *     3/5 close    positions, if configured
 *     4/5 flush    statistics are saved, no write is in flight
 *     5/5 release  the leases, so that a successor need not wait for them */
#include "flow/claiming.h"
#include "flow/intake.h"
#include "flow/orders.h"
#include "flow/record.h"
#include "flow/statistics.h"
#include "store/fence.h"
#include <string.h>

#define LOOK_US 10000
#define SOON_US 1000 /* at first: a successor waits */
#define FIRST_US 300000
enum { ORDERS_MAX = 4096 };

struct wind_down {
    bool forced, unfinished, asked, saved;
    int64_t began_us, limit_us; /* steady: of the step under way */
};

static enum step_result begin_step(struct flow *flow, const char *name, int64_t limit_us)
{
    struct wind_down *down = flow->data;
    down->began_us = clock_steady(flow->core->clock);
    down->limit_us = down->began_us + limit_us;
    log_write(flow->core->log, LOG_INFO, "shutdown", name, LOG_MS("limit_ms", limit_us), LOG_END);
    return STEP_WAIT;
}

/* Waits until `done`, the limit, or the second trap. */
static enum step_result look(struct flow *flow, bool done)
{
    struct wind_down *down = flow->data;
    int64_t now_us = clock_steady(flow->core->clock);
    if (done)
        return STEP_NEXT;
    if (down->forced || now_us >= down->limit_us) {
        down->unfinished = true;
        log_write(flow->core->log, LOG_WARN, "shutdown", "a step did not finish",
                  LOG_T("step", flow->story->steps[flow->step].name), LOG_END);
        return STEP_NEXT;
    }
    flow_deadline(flow, now_us + (now_us - down->began_us < FIRST_US ? SOON_US : LOOK_US));
    return STEP_WAIT;
}

/* ---- 1/5 ---- */

static void count_busy(void *ctx, struct flow *flow)
{
    size_t *busy = ctx;
    if (strcmp(flow->story->name, "send_order") == 0 || strcmp(flow->story->name, "take_over") == 0)
        ++*busy;
    if (strcmp(flow->story->name, "trade_signal") == 0 &&
        !trade_is_settling(flow->core, flow->handle))
        ++*busy;
}

static enum step_result look_busy(struct flow *flow)
{
    size_t busy = 0;
    flow_each(flow->core, NULL, count_busy, &busy);
    return look(flow, busy + claiming_count(flow->core) == 0);
}

static enum step_result stop(struct flow *flow)
{
    flow->core->draining = true;
    begin_step(flow, "1/5 stop new orders", flow->core->options.wind_down.stop_orders_us);
    return look_busy(flow);
}

static enum step_result stop_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)err;
    (void)value;
    return look_busy(flow);
}

/* ---- 2/5 ---- */

/* Somebody goes on with what is open: orders and positions stay. */
static bool hands_over(const struct core *core)
{
    return core->options.mode != MODE_SINGLE && fence_others(core->book, core->term) > 0;
}

static enum step_result look_orders(struct flow *flow, bool ask)
{
    struct core *core = flow->core;
    const struct order **live = mem_alloc(ORDERS_MAX * sizeof *live);
    char(*ids)[ID_SIZE] = mem_alloc(ORDERS_MAX * sizeof *ids);
    size_t open = 0, count = book_live_orders(core->book, NULL, NULL, live, ORDERS_MAX);
    if (hands_over(core))
        count = 0;
    for (size_t i = 0; i < count; i++)
        if (!live[i]->protective && live[i]->state != ORDER_INTENDED)
            text_copy(ids[open++], ID_SIZE, live[i]->id);
    for (size_t i = 0; ask && i < open; i++)
        orders_cancel(core, ids[i]);
    mem_free(live);
    mem_free(ids);
    return look(flow, open == 0);
}

static enum step_result cancel(struct flow *flow)
{
    begin_step(flow, "2/5 cancel open orders", flow->core->options.wind_down.cancel_orders_us);
    return look_orders(flow, true);
}

static enum step_result cancel_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)err;
    (void)value;
    return look_orders(flow, false);
}

/* ---- 3/5 ---- */

static enum step_result look_positions(struct flow *flow)
{
    const struct position *one[1];
    return look(flow, !flow->core->options.wind_down.close_positions || hands_over(flow->core) ||
                          book_all_open_positions(flow->core->book, one, 1) == 0);
}

static enum step_result close_positions(struct flow *flow)
{
    struct core *core = flow->core;
    bool asked = core->options.wind_down.close_positions && !hands_over(core);
    begin_step(flow,
               asked ? "3/5 close positions" : "3/5 close positions: not configured, they stay",
               core->options.wind_down.close_positions_us);
    core->closing_positions = asked;
    if (asked)
        positions_close_all(core, "shutdown");
    return look_positions(flow);
}

static enum step_result close_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)err;
    (void)value;
    return look_positions(flow);
}

/* ---- 4/5 ---- */

static void saved(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct core *core = owner;
    struct flow *flow = flow_find(core, handle);
    (void)err;
    (void)value;
    if (flow)
        ((struct wind_down *)flow->data)->saved = true;
}

/* What is still being counted from the log is waited for, and then saved. Who stays has counted the
 * same, and waits: leaving is the last of our writes, so it needs no answer to those before. */
static enum step_result look_flushed(struct flow *flow)
{
    struct wind_down *down = flow->data;
    struct core *core = flow->core;
    if (hands_over(core))
        return STEP_NEXT;
    if (!down->asked && statistics_ready(core)) {
        down->asked = true;
        statistics_save(core,
                        (struct waiter){.answer = saved, .owner = core, .handle = flow->handle});
    }
    return look(flow, down->saved && record_in_flight(core) == 0);
}

static enum step_result flush(struct flow *flow)
{
    flow->core->closing_positions = false;
    begin_step(flow, "4/5 flush writes", flow->core->options.wind_down.flush_us);
    return look_flushed(flow);
}

static enum step_result flush_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)err;
    (void)value;
    return look_flushed(flow);
}

/* ---- 5/5 ---- */

static enum step_result released(struct flow *flow, const struct err *err, const void *value);

static enum step_result release(struct flow *flow)
{
    struct core *core = flow->core;
    begin_step(flow, "5/5 release leases and close", core->options.wind_down.close_us);
    if (core->term)
        lease_leave(core->lease, flow_waiter(flow));
    core->reconciled = false;
    if (core->term) {
        flow_deadline(flow, clock_steady(core->clock) + core->options.wind_down.close_us);
        return STEP_WAIT;
    }
    return released(flow, NULL, NULL);
}

static enum step_result released(struct flow *flow, const struct err *err, const void *value)
{
    const struct wind_down *down = flow->data;
    (void)value;
    if (err && err->code == ERR_TIMEOUT)
        log_write(flow->core->log, LOG_WARN, "shutdown",
                  "the leases could not be given back in time; they run out", LOG_END);
    if (!down->unfinished)
        return STEP_END;
    err_set(&flow->err, ERR_REFUSED, ERR_TIMEOUT,
            "shut down before every step was finished; the next start goes on from the rows");
    return STEP_FAIL;
}

static const struct step wind_down[] = {
    /* name      ask              answer         release deadline flags */
    {"stop", stop, stop_answer, NULL, 0, 0},
    {"cancel", cancel, cancel_answer, NULL, 0, 0},
    {"close", close_positions, close_answer, NULL, 0, 0},
    {"flush", flush, flush_answer, NULL, 0, 0},
    {"release", release, released, NULL, 0, 0},
};
static const struct story wind_down_story = {.name = "wind_down", STORY(wind_down)};

void wind_down_begin(struct core *core, struct waiter to)
{
    struct err err;
    struct flow *flow = flow_make(core, &wind_down_story, core->options.instance, NULL,
                                  sizeof(struct wind_down), to);
    if (flow) {
        flow_run(flow);
        return;
    }
    core->draining = true;
    err_set(&err, ERR_LATER, ERR_FULL, "too much is under way; ask again");
    intake_defer(core, to, "", &err);
}

static void force(void *ctx, struct flow *flow)
{
    (void)ctx;
    ((struct wind_down *)flow->data)->forced = true;
    flow_deadline(flow, clock_steady(flow->core->clock));
}

void wind_down_force(struct core *core)
{
    flow_each(core, &wind_down_story, force, NULL);
}
