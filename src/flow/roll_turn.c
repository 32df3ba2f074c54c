/* Which positions are rolled, and when: each strategy is asked now and then; what was interrupted
 * is found again from its rows. */
#include "flow/roll.h"
#include "flow/flow.h"
#include "flow/flows.h"
#include "flow/holding.h"
#include "flow/intake.h"
#include "flow/record.h"
#include <string.h>

#define LOOK_US 50000
#define AGAIN_US 1000000

struct roll *roll_new(struct core *core)
{
    return core->roll = mem_alloc(sizeof(struct roll));
}

void roll_free(struct roll *roll)
{
    mem_free(roll);
}

size_t roll_find(const struct roll *roll, const char *strategy, const char *instrument)
{
    size_t i = 0;
    while (i < roll->count && (strcmp(roll->list[i].strategy, strategy) != 0 ||
                               strcmp(roll->list[i].instrument, instrument) != 0))
        i++;
    return i;
}

bool roll_holds(const struct core *core, const char *strategy, const char *instrument)
{
    return roll_find(core->roll, strategy, instrument) < core->roll->count;
}

/* ---- what was under way ---- */

/* Many keys may be taken at once, and all want the same. Who asks while a question is under way
 * waits for the next one: this one may have been read before the key was ours. */
struct asker {
    struct asker *next;
    struct waiter to;
};

static void ask_for_all(struct core *core);

static void hear_all(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct core *core = owner;
    struct roll *roll = core->roll;
    (void)handle;
    while (roll->asked) {
        struct asker *asker = roll->asked;
        struct waiter to = asker->to;
        roll->asked = asker->next;
        record_drop(core, asker);
        wait_answer(to, err, value);
    }
    roll->asking = false;
    if (roll->askers)
        ask_for_all(core);
}

static void ask_for_all(struct core *core)
{
    struct roll *roll = core->roll;
    struct store_query query = {
        .table = TABLE_POSITION,
        .where = {{.column = "rollover", .op = STORE_EQ, .value = "in_progress"}},
        .where_count = 1};
    roll->asked = roll->askers;
    roll->askers = NULL;
    roll->asking = true;
    store_query(core->store, &query, (struct waiter){.answer = hear_all, .owner = core});
}

void roll_find_interrupted(struct core *core, struct waiter to)
{
    struct asker *asker = record_keep(core, sizeof *asker);
    *asker = (struct asker){.next = core->roll->askers, .to = to};
    core->roll->askers = asker;
    if (!core->roll->asking)
        ask_for_all(core);
}

void roll_look_again(struct core *core)
{
    core->roll->resume = true;
    core->roll->next_us = 0;
}

static enum step_result ask_interrupted(struct flow *flow)
{
    roll_find_interrupted(flow->core, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result hear_interrupted(struct flow *flow, const struct err *err,
                                         const void *value)
{
    const struct store_rows *rows = value;
    struct core *core = flow->core;
    struct roll *roll = core->roll;
    roll->resume = err != NULL;
    if (err)
        return flow_fail(flow, err);
    for (size_t i = 0; i < rows->count; i++) {
        const struct position *position = rows->rows[i];
        size_t at = roll_find(roll, position->strategy, position->instrument);
        roll->resume |= at < roll->count && !roll->list[at].interrupted; /* one after the other */
        if (core_works(core, position->instrument))
            roll_begin(core, position, "interrupted");
        else if (!holding_want(core, position->instrument))
            continue; /* somebody else's to go on with */
        at = roll_find(roll, position->strategy, position->instrument);
        roll->resume |= at == roll->count || roll->list[at].interrupted;
    }
    for (size_t i = roll->count; i-- > 0;) /* those that had not really begun */
        if (roll->list[i].interrupted && !roll->resume)
            roll->list[i] = roll->list[--roll->count];
    return STEP_END;
}

static const struct step resume_steps[] = {{"ask", ask_interrupted, hear_interrupted, NULL, 0, 0}};
static const struct story resume_story = {.name = "roll_resume", STORY(resume_steps)};

void roll_resume(struct core *core, struct waiter to)
{
    struct flow *flow = flow_make(core, &resume_story, core->options.instance, NULL, 1, to);
    core->roll->resume = flow == NULL;
    if (flow)
        flow_run(flow);
}

/* ---- what is due ---- */

struct gathering {
    struct core *core;
    struct position list[ROLLING_MAX];
    size_t count;
};

static bool is_busy(struct core *core, const struct position *position)
{
    const struct lane *lane = lane_of(core, position->strategy, position->instrument);
    const struct order *live[64];
    char why[REASON_SIZE];
    size_t count = book_live_orders(core->book, position->strategy, position->instrument, live, 64);
    for (size_t i = 0; i < count; i++)
        if (!live[i]->protective)
            return true;
    return count == 64 || lane->stories > 0 || lane->waiting.count > 0 ||
           match_blocks(core, position->instrument, why);
}

static bool gather(void *ctx, const struct position *position)
{
    struct gathering *g = ctx;
    if (*position->expiry && position->rollover <= ROLLOVER_PENDING && g->count < ROLLING_MAX)
        g->list[g->count++] = *position;
    return true;
}

/* Most books have nothing that expires, and are asked often. */
static bool note_expiry(void *ctx, const struct position *position)
{
    *(bool *)ctx = *position->expiry != '\0';
    return *position->expiry == '\0';
}

static void begin_due(struct core *core)
{
    bool any = false;
    book_each_open_position(core->book, note_expiry, &any);
    if (!any)
        return;
    struct gathering *g = mem_alloc(sizeof *g);
    g->core = core;
    book_each_open_position(core->book, gather, g);
    for (size_t i = 0; i < g->count; i++) {
        const struct position *position = &g->list[i];
        struct roll_decision said;
        struct due due;
        if (roll_holds(core, position->strategy, position->instrument) || is_busy(core, position) ||
            !roll_look(core, position, &due))
            continue;
        roll_ask(core, position, &due, &said);
        if (said.now && core_holds(core, position->instrument))
            roll_begin(core, position, said.reason);
        else if (said.now)
            holding_want(core, position->instrument);
    }
    mem_free(g);
}

int64_t roll_turn(struct core *core)
{
    struct roll *roll = core->roll;
    int64_t now_us = clock_steady(core->clock);
    if (now_us < roll->next_us)
        return roll->next_us;
    if ((!core_is_leader(core) && holdings_count(core) == 0) || core->draining)
        return INT64_MAX;
    roll->next_us = now_us + core->options.rollover_every_us;
    if (!record_settled(core))
        return roll->next_us = now_us + LOOK_US;
    if (roll->resume) {
        roll->next_us = now_us + AGAIN_US;
        roll_resume(core, (struct waiter){0});
    } else if (halt_now(core) == HALT_NONE && !match_is_blind(core)) {
        begin_due(core);
        if (roll->count > 0 && core->options.rollover_every_us > AGAIN_US)
            roll->next_us = now_us + AGAIN_US; /* the other layers follow */
    }
    return roll->next_us;
}
