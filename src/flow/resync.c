/* When a row had moved on though nothing of ours moved it, somebody else has written to the store:
 * a person with a database tool, an instance that no longer leads. The book is read again, whole,
 * while nothing is decided; writes that failed meanwhile are asked again by whoever asked them.
 *
 *     quiet   after: nothing of ours is in flight
 *     read    after: the book is what the store has
 *     trust   after: orders, halt and statistics follow the book, and decisions go on */
#include "flow/flows.h"
#include "flow/intake.h"
#include "flow/load_book.h"
#include "flow/orders.h"
#include "flow/record.h"
#include "flow/statistics.h"

#define LOOK_US 5000
#define AGAIN_US 100000

static enum step_result quiet(struct flow *flow)
{
    if (record_in_flight(flow->core) == 0)
        return STEP_NEXT;
    flow_deadline(flow, clock_steady(flow->core->clock) + LOOK_US);
    return STEP_WAIT;
}

static enum step_result quiet_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)err;
    (void)value;
    return quiet(flow);
}

static enum step_result read(struct flow *flow)
{
    return load_book_begin(flow->core, true, flow_waiter(flow)) ? STEP_WAIT : STEP_END;
}

static enum step_result trust(struct flow *flow)
{
    struct core *core = flow->core;
    const struct halt *halt = book_get(core->book, TABLE_HALT, "all");
    core->halt = halt ? halt->level : HALT_NONE;
    statistics_adopt(core);
    orders_resync(core);
    core->own_known = false; /* some may have ended unheard */
    record_trust(core);
    log_write(core->log, LOG_WARN, "resync", "somebody else had written: the book was read again",
              LOG_END);
    return STEP_END;
}

static const struct step resync[] = {
    /* name   ask    answer        release deadline flags */
    {"quiet", quiet, quiet_answer, NULL, 0, 0},
    {"read", read, NULL, NULL, 0, 0},
    {"trust", trust, NULL, NULL, 0, STEP_FENCED},
};

static void ended(struct flow *flow, const struct err *err)
{
    (void)err;
    flow->core->resync_us = clock_steady(flow->core->clock) + AGAIN_US;
}

static const struct story resync_story = {.name = "resync", STORY(resync), .ended = ended};

int64_t resync_turn(struct core *core)
{
    if (!record_suspects(core) || !core->term || !core->reconciled)
        return INT64_MAX;
    if (clock_steady(core->clock) < core->resync_us)
        return core->resync_us;
    core->resync_us = INT64_MAX; /* until it has ended */
    if (!flow_begin(core, &resync_story, core->options.instance, NULL, 0, (struct waiter){0}))
        core->resync_us = clock_steady(core->clock) + AGAIN_US;
    return core->resync_us;
}
