/* Taking over: term, book, statistics, then the keys (holding.c), which is where the broker is
 * asked. Nothing that adds risk happens before it has told about every order that is not final.
 *
 *     term     after: we have joined; in a database of our own whoever was there can no longer
 *              write
 *     load     after: the book is what the store has; signals are accepted
 *     count    after: what the last process counted and did not save is being counted
 *     dead     after: it is known how many dead letters there are
 *     rate     after: what was ordered of late counts, and what has ended of it is known
 *     compared after: when the leader found our book and the broker's equal last is known
 *     lead     after: the leader's key is ours and open, or somebody else leads */
#include "flow/follow.h"
#include "flow/holding.h"
#include "flow/intake.h"
#include "flow/load_book.h"
#include "flow/match.h"
#include "flow/orders.h"
#include "flow/record.h"
#include "flow/statistics.h"
#include <string.h>

#define LOOK_US 20000
#define AGAIN_US 200000
#define MINUTE_US 60000000

struct take_over {
    int64_t term;
};

static void adopt_book(struct core *core)
{
    const struct halt *halt = book_get(core->book, TABLE_HALT, "all");
    core->halt = halt ? halt->level : HALT_NONE;
    statistics_adopt(core);
}

static enum step_result term(struct flow *flow)
{
    lease_join(flow->core->lease, flow_waiter(flow));
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

static void begin_term(struct flow *flow)
{
    struct core *core = flow->core;
    adopt_book(core);
    orders_see_all(core);
    core->term = flow->term = ((struct take_over *)flow->data)->term;
}

/* One among several follows the log from the moment its store was opened, and has loaded the book
 * after that: there is nothing to load. */
static enum step_result load(struct flow *flow)
{
    if (follow_is_on(flow->core)) {
        begin_term(flow);
        return STEP_NEXT;
    }
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
    begin_term(flow);
    return STEP_NEXT;
}

/* Trading need not wait for it: after a crash the log may be long. */
static enum step_result count(struct flow *flow)
{
    statistics_begin(flow->core);
    return STEP_NEXT;
}

/* ---- dead letters ---- */

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

/* ---- rate ---- */

/* What was ordered in the last minute, by whichever instance, counts towards the rail of rate. Who
 * stands by hears of the orders that have ended, too, so that taking a key need not ask for them.
 */
static enum step_result ask_rate(struct flow *flow)
{
    char since[CALENDAR_TEXT_MAX];
    int64_t back_us = follow_is_on(flow->core) ? HOLDING_OWN_US : MINUTE_US;
    calendar_print(clock_wall(flow->core->clock) - back_us, since);
    struct store_query query = {.table = TABLE_ORDER,
                                .where = {{.column = "created_at", .op = STORE_GE, .value = since}},
                                .where_count = 1,
                                .order_by = "created_at",
                                .descending = true,
                                .limit = 10000};
    store_query(flow->core->store, &query, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result hear_rate(struct flow *flow, const struct err *err, const void *value)
{
    const struct store_rows *rows = value;
    struct core *core = flow->core;
    for (size_t i = 0; !err && i < rows->count; i++) {
        orders_note_made(core, rows->rows[i]);
        if (follow_is_on(core))
            holding_note_ended(core, rows->rows[i]);
    }
    core->own_known = !err && follow_is_on(core);
    return STEP_NEXT;
}

/* ---- compared ---- */

/* Whether the leader has found the books equal not long ago. */
static enum step_result ask_compared(struct flow *flow)
{
    struct core *core = flow->core;
    const struct lease_row *leader = book_get(core->book, TABLE_LEASE, LEADER_KEY);
    struct store_events_query query = {.kind_prefix = MATCH_EVENT, .limit = 1, .descending = true};
    if (!follow_is_on(core) || !leader || !*leader->holder)
        return STEP_NEXT;
    query.subject = leader->holder;
    store_events(core->store, &query, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result hear_compared(struct flow *flow, const struct err *err, const void *value)
{
    const struct store_events *events = value;
    if (!err && events->count)
        match_follow(flow->core, &events->list[0], flow->arena);
    return STEP_NEXT;
}

/* ---- lead ---- */

/* Alone, or first: we trade. Else somebody else leads, and we stand by. Whoever is being shut down
 * takes nothing over any more. */
static enum step_result lead(struct flow *flow)
{
    struct core *core = flow->core;
    bool open;
    if (core->draining)
        return STEP_END;
    bool known = holding_lead(core, flow->handle, &open);
    if (open || (known && core->options.mode != MODE_SINGLE)) {
        core->reconciled = true;
        return STEP_END;
    }
    flow_deadline(flow, clock_steady(core->clock) + LOOK_US);
    return STEP_WAIT;
}

static enum step_result lead_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)err;
    (void)value;
    return lead(flow);
}

static const struct step take_over[] = {
    /* name    ask       answer         release deadline flags */
    {"term", term, term_answer, NULL, 0, 0},
    {"load", load, load_answer, NULL, 0, 0},
    {"count", count, NULL, NULL, 0, 0},
    {"dead", ask_dead, hear_dead, NULL, 0, 0},
    {"rate", ask_rate, hear_rate, NULL, 0, 0},
    {"compared", ask_compared, hear_compared, NULL, 0, 0},
    {"lead", lead, lead_answer, NULL, 0, STEP_FENCED},
};
static const struct story take_over_story = {.name = "take_over", STORY(take_over)};

void take_over_begin(struct core *core, struct waiter to)
{
    struct flow *flow = flow_make(core, &take_over_story, core->options.instance, NULL,
                                  sizeof(struct take_over), to);
    if (flow) /* the runner is empty at the start: there is room */
        flow_run(flow);
}
