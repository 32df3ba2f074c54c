/* The runner: pooled flows, one deadline heap, late answers dropped by handle.
 *
 * A waiter's handle is the flow's pool handle with the number of the wait in bits 16 to 31 (slots
 * are fewer than 65,536), so an answer finds neither a later flow in the same slot nor a later step
 * of the same flow. */
#include "flow/flow.h"
#include "flow/flows.h"
#include "flow/mutant.h"
#include <assert.h>
#include <string.h>

enum { STORIES_MAX = 64, STEPS_MAX = 12, ARENA_BLOCK = 8192, ARENA_KEEP = 65536 };
#define SLOT_MASK 0xffffu

struct known_story {
    const struct story *story;
    struct metric *seconds[STEPS_MAX];
};
struct ready {
    uint64_t *handles;
    size_t head, count, room; /* a ring; room is a power of two */
};
struct flow_runner {
    struct core *core;
    struct pool flows;
    struct arena *arenas; /* one per slot, kept from flow to flow */
    struct heap deadlines;
    struct ready ready;
    struct known_story stories[STORIES_MAX];
    size_t story_count;
    unsigned depth; /* steps on the stack */
    bool draining_ready;
    bool dropping; /* parents do not hear of their children: they go as well */
    uint64_t late;
    struct metric *late_metric, *open_metric;
};

/* What was taken goes back, last taken first. */
static void release_steps(struct flow *flow)
{
    for (size_t i = flow->story->count; i-- > 0;)
        if (flow->asked & 1ull << i && flow->story->steps[i].release)
            flow->story->steps[i].release(flow);
}

struct flow_runner *flow_runner_new(struct core *core, size_t flow_max)
{
    struct flow_runner *runner = mem_alloc(sizeof *runner);
    assert(flow_max > 0 && flow_max <= SLOT_MASK);
    runner->core = core;
    pool_init(&runner->flows, sizeof(struct flow), (uint32_t)flow_max);
    runner->arenas = mem_alloc(flow_max * sizeof *runner->arenas);
    for (size_t i = 0; i < flow_max; i++)
        arena_init(&runner->arenas[i], ARENA_BLOCK);
    heap_init(&runner->deadlines, 0);
    if (core->metrics) {
        runner->late_metric =
            metric_counter(core->metrics, "tidelock_late_answers_total",
                           "Answers that came after their flow had gone on.", NULL);
        runner->open_metric =
            metric_gauge(core->metrics, "tidelock_flows", "Stories under way.", NULL);
    }
    return runner;
}

void flow_runner_free(struct flow_runner *runner)
{
    if (!runner)
        return;
    for (uint32_t i = 0; i < runner->flows.capacity; i++) {
        struct flow *flow = pool_at(&runner->flows, i, NULL);
        if (flow)
            release_steps(flow);
        arena_free(&runner->arenas[i]);
    }
    mem_free(runner->arenas);
    pool_free(&runner->flows);
    heap_free(&runner->deadlines);
    mem_free(runner->ready.handles);
    mem_free(runner);
}

/* ---- small parts ---- */

static uint64_t pool_handle(uint64_t handle)
{
    return handle & ~((uint64_t)SLOT_MASK << 16);
}

static uint64_t wait_handle(const struct flow *flow)
{
    return flow->handle | (uint64_t)flow->wait << 16;
}

static uint16_t wait_of(uint64_t handle)
{
    return (uint16_t)(handle >> 16 & SLOT_MASK);
}

static void push_ready(struct ready *ready, uint64_t handle)
{
    if (ready->count == ready->room) {
        size_t room = ready->room ? ready->room * 2 : 64;
        uint64_t *handles = mem_alloc(room * sizeof *handles);
        for (size_t i = 0; i < ready->count; i++)
            handles[i] = ready->handles[(ready->head + i) & (ready->room - 1)];
        mem_free(ready->handles);
        *ready = (struct ready){.handles = handles, .count = ready->count, .room = room};
    }
    ready->handles[(ready->head + ready->count++) & (ready->room - 1)] = handle;
}

static bool pop_ready(struct ready *ready, uint64_t *handle)
{
    if (ready->count == 0)
        return false;
    *handle = ready->handles[ready->head];
    ready->head = (ready->head + 1) & (ready->room - 1);
    ready->count--;
    return true;
}

static uint16_t know_story(struct flow_runner *runner, const struct story *story)
{
    for (size_t i = 0; i < runner->story_count; i++)
        if (runner->stories[i].story == story)
            return (uint16_t)i;
    assert(runner->story_count < STORIES_MAX && story->count <= STEPS_MAX);
    struct known_story *known = &runner->stories[runner->story_count];
    known->story = story;
    for (size_t i = 0; runner->core->metrics && i < story->count; i++) {
        struct str labels = STR_EMPTY;
        str_printf(&labels, "story=\"%s\",step=\"%s\"", story->name, story->steps[i].name);
        known->seconds[i] =
            metric_histogram(runner->core->metrics, "tidelock_step_seconds",
                             "Time from asking a step to leaving it.", str_text(&labels));
        str_free(&labels);
    }
    return (uint16_t)runner->story_count++;
}

static const struct step *step_of(const struct flow *flow)
{
    return &flow->story->steps[flow->step];
}

static int64_t now_us(const struct core *core)
{
    return clock_steady(core->clock);
}

/* ---- deadlines ---- */

static bool deadline_stands(const struct flow_runner *runner, const struct heap_item *item)
{
    const struct flow *flow = pool_get(&runner->flows, pool_handle(item->value));
    return flow && flow->wait == wait_of(item->value) && flow->deadline_us == item->key;
}

/* Answered waits leave their deadline behind in the heap; when those are most of it, sweep. */
static void sweep_deadlines(struct flow_runner *runner)
{
    struct heap old = runner->deadlines;
    heap_init(&runner->deadlines, 0);
    for (size_t i = 0; i < old.count; i++)
        if (deadline_stands(runner, &old.items[i]))
            heap_push(&runner->deadlines, old.items[i].key, old.items[i].value);
    heap_free(&old);
}

void flow_deadline(struct flow *flow, int64_t deadline_us)
{
    struct flow_runner *runner = flow->core->runner;
    if (deadline_us == flow->deadline_us)
        return;
    flow->deadline_us = deadline_us;
    if (deadline_us == INT64_MAX)
        return;
    if (runner->deadlines.count > 1024 && runner->deadlines.count > 4u * pool_used(&runner->flows))
        sweep_deadlines(runner);
    heap_push(&runner->deadlines, deadline_us, wait_handle(flow));
}

/* ---- running ---- */

enum step_result flow_fail(struct flow *flow, const struct err *err)
{
    flow->err = *err;
    return STEP_FAIL;
}

static bool fence(struct flow *flow, const struct step *step)
{
    struct core *core = flow->core;
    if (!(step->flags & STEP_FENCED))
        return true;
    if (core->term == 0 || core->term != flow->term)
        return err_set(&flow->err, ERR_REFUSED, ERR_FENCED,
                       "step %s: the term this was begun under has passed on", step->name);
    if (flow->lease_key && !lease_held(core->lease, flow->lease_key, NULL) &&
        !MUTANT(MUTANT_TWO_LEADERS))
        return err_set(&flow->err, ERR_LATER, ERR_BUSY, "step %s: the lease %s was lost",
                       step->name, flow->lease_key);
    return true;
}

static void time_step(struct flow *flow, int64_t at_us)
{
    struct flow_runner *runner = flow->core->runner;
    metric_observe_us(runner->stories[flow->story_index].seconds[flow->step],
                      at_us - flow->since_us);
    flow->since_us = at_us;
}

static void finish(struct flow *flow, const struct err *failed)
{
    struct core *core = flow->core;
    struct flow_runner *runner = core->runner;
    struct err err;
    if (failed)
        err = *failed;
    release_steps(flow);
    if (failed)
        log_write(core->log, LOG_DEBUG, "flow", "story failed", LOG_T("story", flow->story->name),
                  LOG_T("subject", flow->subject), LOG_T("error", err.text), LOG_END);
    if (flow->story->ended)
        flow->story->ended(flow, failed ? &err : NULL);
    struct waiter to = flow->to;
    struct arena *arena = flow->arena;
    uint64_t handle = flow->handle;
    flow->wait++; /* nothing reaches it any more */
    flow->busy = true;
    if (!runner->dropping || to.owner != runner)
        wait_answer(to, failed ? &err : NULL, flow->data);
    pool_give(&runner->flows, handle);
    if (arena->used > ARENA_KEEP)
        arena_free(arena);
    else
        arena_reset(arena);
    metric_set(runner->open_metric, pool_used(&runner->flows));
}

static enum step_result ask_step(struct flow *flow)
{
    struct flow_runner *runner = flow->core->runner;
    const struct step *step = step_of(flow);
    if (!fence(flow, step))
        return STEP_FAIL;
    flow->asked |= 1ull << flow->step;
    flow->busy = true;
    runner->depth++;
    enum step_result result = step->ask(flow);
    runner->depth--;
    flow->busy = false;
    if (result == STEP_WAIT && step->deadline_ms && flow->deadline_us == INT64_MAX)
        flow_deadline(flow, flow->since_us + (int64_t)step->deadline_ms * 1000);
    return result;
}

static void go_on(struct flow *flow, enum step_result result)
{
    while (result != STEP_WAIT) {
        time_step(flow, now_us(flow->core));
        if (result == STEP_FAIL || result == STEP_END || flow->step + 1 == flow->story->count) {
            finish(flow, result == STEP_FAIL ? &flow->err : NULL);
            return;
        }
        flow->step++;
        flow->wait++;
        flow->deadline_us = INT64_MAX;
        result = ask_step(flow);
    }
}

static void drain_ready(struct flow_runner *runner)
{
    uint64_t handle;
    if (runner->depth || runner->draining_ready)
        return;
    runner->draining_ready = true;
    while (pop_ready(&runner->ready, &handle)) {
        struct flow *flow = pool_get(&runner->flows, handle);
        if (!flow)
            continue;
        flow->since_us = flow->began_us = now_us(runner->core);
        go_on(flow, ask_step(flow));
    }
    runner->draining_ready = false;
}

struct flow *flow_make(struct core *core, const struct story *story, const char *subject,
                       const void *data, size_t size, struct waiter to)
{
    struct flow_runner *runner = core->runner;
    uint64_t handle;
    struct flow *flow = pool_take(&runner->flows, &handle);
    if (!flow)
        return NULL;
    flow->core = core;
    flow->story = story;
    flow->handle = handle;
    flow->arena = &runner->arenas[(uint32_t)handle];
    flow->subject = subject ? arena_text(flow->arena, subject) : "";
    flow->data = arena_alloc(flow->arena, size ? size : 1);
    if (data)
        memcpy(flow->data, data, size);
    flow->to = to;
    flow->term = core->term;
    flow->deadline_us = INT64_MAX;
    flow->story_index = know_story(runner, story);
    metric_set(runner->open_metric, pool_used(&runner->flows));
    return flow;
}

void flow_run(struct flow *flow)
{
    struct flow_runner *runner = flow->core->runner;
    push_ready(&runner->ready, flow->handle);
    drain_ready(runner);
}

struct flow *flow_begin(struct core *core, const struct story *story, const char *subject,
                        const void *data, size_t size, struct waiter to)
{
    struct flow *flow = flow_make(core, story, subject, data, size, to);
    if (flow)
        flow_run(flow);
    return flow;
}

/* ---- answers ---- */

static void hear(struct flow *flow, const struct err *err, const void *value)
{
    struct flow_runner *runner = flow->core->runner;
    const struct step *step = step_of(flow);
    enum step_result result;
    assert(!flow->busy); /* whoever answers before returning breaks the one rule of waiters */
    if (step->answer) {
        flow->busy = true;
        runner->depth++;
        result = step->answer(flow, err, value);
        runner->depth--;
        flow->busy = false;
    } else {
        result = err ? flow_fail(flow, err) : STEP_NEXT;
    }
    go_on(flow, result);
    drain_ready(runner);
}

static void answer(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct flow_runner *runner = owner;
    struct flow *flow = pool_get(&runner->flows, pool_handle(handle));
    if (!flow || flow->wait != wait_of(handle)) {
        runner->late++;
        metric_add(runner->late_metric, 1);
        return;
    }
    hear(flow, err, value);
}

struct waiter flow_waiter(struct flow *flow)
{
    return (struct waiter){
        .answer = answer, .owner = flow->core->runner, .handle = wait_handle(flow)};
}

struct flow *flow_find(struct core *core, uint64_t handle)
{
    return pool_get(&core->runner->flows, pool_handle(handle));
}

void flow_poke(struct core *core, uint64_t handle)
{
    struct flow *flow = flow_find(core, handle);
    if (flow && !flow->busy && flow->asked)
        hear(flow, NULL, NULL);
}

int64_t flow_turn(struct core *core)
{
    struct flow_runner *runner = core->runner;
    struct heap_item item;
    drain_ready(runner);
    int64_t at_us = now_us(core);
    while (heap_peek(&runner->deadlines, &item)) {
        if (!deadline_stands(runner, &item)) {
            heap_pop(&runner->deadlines, &item);
            continue;
        }
        if (item.key > at_us)
            return item.key;
        heap_pop(&runner->deadlines, &item);
        struct flow *flow = pool_get(&runner->flows, pool_handle(item.value));
        struct err err;
        const struct step *step = step_of(flow);
        flow->deadline_us = INT64_MAX;
        err_set(&err, step->flags & STEP_MONEY ? ERR_MAYBE_DONE : ERR_NOT_DONE, ERR_TIMEOUT,
                "%s: no answer to step %s in time", flow->story->name, step->name);
        hear(flow, &err, NULL);
    }
    return INT64_MAX;
}

/* ---- seeing ---- */

size_t flow_count(const struct core *core)
{
    return pool_used(&core->runner->flows);
}

size_t flow_room(const struct core *core)
{
    return core->runner->flows.free_count;
}

uint64_t flow_late_answers(const struct core *core)
{
    return core->runner->late;
}

void flow_each(struct core *core, const struct story *story,
               void (*each)(void *ctx, struct flow *flow), void *ctx)
{
    for (uint32_t i = 0; i < core->runner->flows.capacity; i++) {
        struct flow *flow = pool_at(&core->runner->flows, i, NULL);
        if (flow && (!story || flow->story == story))
            each(ctx, flow);
    }
}

void flow_drop_all(struct core *core)
{
    struct flow_runner *runner = core->runner;
    struct err err;
    err_set(&err, ERR_REFUSED, ERR_FENCED, "another instance has taken over");
    runner->dropping = true;
    for (uint32_t i = 0; i < runner->flows.capacity; i++) {
        struct flow *flow = pool_at(&runner->flows, i, NULL);
        if (flow && !flow->busy && flow->asked) {
            runner->depth++;
            finish(flow, &err);
            runner->depth--;
        }
    }
    runner->dropping = false;
    drain_ready(runner);
}

size_t flows_list(const struct core *core, struct flow_view *out, size_t room)
{
    size_t count = 0;
    for (uint32_t i = 0; i < core->runner->flows.capacity && count < room; i++) {
        const struct flow *flow = pool_at(&core->runner->flows, i, NULL);
        if (flow && flow->asked)
            out[count++] = (struct flow_view){.story = flow->story->name,
                                              .step = step_of(flow)->name,
                                              .subject = flow->subject,
                                              .since_us = flow->since_us,
                                              .deadline_us = flow->deadline_us};
    }
    return count;
}
