/* The runner of stories. A story is an array of steps read top to bottom; the runner owns waiting,
 * deadlines, timing, the fence before FENCED steps, and giving back what was taken.
 *
 * A step's ask does something and says NEXT (go on), WAIT (an answer will come), END (the story is
 * over and well) or FAIL (over, flow->err says why); its answer hears what came and says the same.
 * A loop is a child flow. After a restart the reached step is asked again, so an ask looks first
 * and acts second.
 *
 * The runner knows no event loop: whoever drives it calls flow_turn with the time. */
#ifndef TIDELOCK_FLOW_FLOW_H
#define TIDELOCK_FLOW_FLOW_H
#include "flow/core.h"

enum step_result { STEP_NEXT, STEP_WAIT, STEP_END, STEP_FAIL };
enum step_flags {
    STEP_FENCED =
        1, /* only under our current term and, if the flow has a lease, before its deadline */
    STEP_MONEY = 2, /* a deadline that passes is MAYBE_DONE: look it up before anything else */
};

struct flow;
struct step {
    const char *name;
    enum step_result (*ask)(struct flow *flow);
    /* NULL: an error fails the story, anything else goes on. */
    enum step_result (*answer)(struct flow *flow, const struct err *err, const void *value);
    void (*release)(struct flow *flow); /* called for every step that was asked, last first */
    int32_t deadline_ms;                /* 0: none */
    unsigned flags;
};
struct story {
    const char *name;
    const struct step *steps;
    size_t count;
    /* After the releases, before the memory is dropped. err NULL: it ended well. */
    void (*ended)(struct flow *flow, const struct err *err);
};
#define STORY(steps_) .steps = (steps_), .count = sizeof(steps_) / sizeof((steps_)[0])

struct flow {
    struct core *core;
    const struct story *story;
    void *data;            /* as given to flow_begin, in the arena */
    struct arena *arena;   /* dropped whole at the end */
    const char *subject;   /* what it is about: a signal's or order's id */
    const char *lease_key; /* checked before FENCED steps; NULL: only the term is */
    struct err err;        /* of STEP_FAIL */
    uint64_t handle;
    int64_t term;                            /* the term it began under */
    int64_t began_us, since_us, deadline_us; /* steady; deadline INT64_MAX: none */
    struct waiter to;                        /* hears the end: value is `data` */
    size_t step;
    uint64_t asked; /* bit per step */
    uint16_t wait;  /* which wait of this flow: answers to earlier ones are late */
    uint16_t story_index;
    bool busy; /* a step of it is on the stack */
};

struct flow_runner *flow_runner_new(struct core *core, size_t flow_max);
void flow_runner_free(struct flow_runner *runner); /* drops every flow: what its steps took
                                                          goes back, nobody hears */

/* Begins a story with zeroed data of `size` bytes, or a copy of `data` when not NULL. It runs at
 * once unless a step is on the stack, then as soon as that returns. NULL: no room. The pointer is
 * good until control returns to the runner. */
struct flow *flow_begin(struct core *core, const struct story *story, const char *subject,
                        const void *data, size_t size, struct waiter to);
/* The same without running it: the caller completes it and calls flow_run. */
struct flow *flow_make(struct core *core, const struct story *story, const char *subject,
                       const void *data, size_t size, struct waiter to);
void flow_run(struct flow *flow);

/* For the present wait of this flow; answers after it has moved on are counted and dropped. */
struct waiter flow_waiter(struct flow *flow);
/* Moves the deadline of the present wait (steady); INT64_MAX: none. */
void flow_deadline(struct flow *flow, int64_t deadline_us);
/* Calls the present step's answer with neither error nor value, if the flow still lives: "look
 * again". */
void flow_poke(struct core *core, uint64_t handle);
struct flow *flow_find(struct core *core, uint64_t handle);
/* FAIL with a copy of the error. */
enum step_result flow_fail(struct flow *flow, const struct err *err);

/* Deadlines that have passed. Returns the next one (INT64_MAX: none). */
int64_t flow_turn(struct core *core);
size_t flow_count(const struct core *core);
size_t flow_room(const struct core *core);
/* Ends everything as failed, children included: the term has passed on. Rows tell the next owner
 * where to go on. */
void flow_drop_all(struct core *core);
uint64_t flow_late_answers(const struct core *core);
/* Flows of one story; NULL: of all. */
void flow_each(struct core *core, const struct story *story,
               void (*each)(void *ctx, struct flow *flow), void *ctx);
#endif
