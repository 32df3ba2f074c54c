/* Lanes: the order in which signals of one strategy and instrument are worked. Exits first, then by
 * receipt, one at a time, so that each decision sees what the one before it did.
 *
 * The next one is decided when the orders of the one before are over or rest at the broker. An EXIT
 * does not wait for an entry that rests: it is cancelled. Nobody waits for an order whose outcome
 * stays unknown beyond the alert time: what is open must be closable. */
#include "flow/intake.h"
#include "flow/away.h"
#include "flow/follow.h"
#include "flow/holding.h"
#include "flow/orders.h"
#include "flow/record.h"
#include <string.h>

enum {
    ROOM_KEPT = 32 /* stories that children and the takeover may always begin */,
    ORDERS_MAX = 32,
    LANES_KEPT = 1024
};

bool core_may_start(const struct core *core, const struct signal *signal)
{
    bool closing = core->closing_positions && signal && signal->type == SIGNAL_EXIT;
    /* One that has orders already is followed in any case: nothing is decided any more. */
    bool working = signal && signal->state == SIGNAL_WORKING;
    if (!core->term || !record_settled(core) || flow_room(core) <= ROOM_KEPT ||
        !follow_is_settled(core))
        return false;
    if (working)
        return core_works(core, signal->instrument);
    return core->reconciled && (!core->draining || closing) && !away_holds(core) &&
           (!signal || core_holds(core, signal->instrument));
}

struct lane *lane_of(struct core *core, const char *strategy, const char *instrument)
{
    struct lane *lane;
    char key[KEY_SIZE];
    pair_id_make(key, strategy, instrument);
    HASH_FIND_STR(core->intake->lanes, key, lane);
    if (lane)
        return lane;
    lane = mem_alloc(sizeof *lane);
    text_copy(lane->key, sizeof lane->key, key);
    lane->lease_key = holding_key(core, instrument);
    heap_init(&lane->waiting, 0);
    HASH_ADD_STR(core->intake->lanes, key, lane);
    return lane;
}

/* ---- starting ---- */

/* An order that must be over before `next` is decided; `resting` when a cancel would end it. Nobody
 * is waited for longer than the alert time: then the rules judge what stands. */
static bool stands_in_the_way(const struct core *core, const struct order *order,
                              const struct signal *next, bool *resting)
{
    *resting = order->state == ORDER_ACKNOWLEDGED || order->state == ORDER_PARTIALLY_FILLED;
    if (clock_wall(core->clock) - order->created_us >= core->options.unknown_alert_us && !*resting)
        return false;
    if (next->type != SIGNAL_EXIT)
        return !*resting;
    bool meant = signal_layer(next->position) == 0 || strcmp(next->position, order->leg) == 0;
    return meant && !order->reduces;
}

/* Whether the next signal may be decided now. An EXIT cancels the resting entries it means to
 * close. */
static bool may_go(struct core *core, const struct lane *lane, const struct signal *next)
{
    const struct order *list[ORDERS_MAX] UNSET;
    char cancels[ORDERS_MAX][ID_SIZE] UNSET; /* cancelling may move the rows */
    size_t cancel_count = 0;
    bool go = true, resting;
    if (next->state == SIGNAL_WORKING)
        return true;
    if (lane->active && !trade_is_settling(core, lane->active))
        return false;
    size_t count = book_live_orders(core->book, next->strategy, next->instrument, list, ORDERS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!stands_in_the_way(core, list[i], next, &resting))
            continue;
        go = false;
        if (resting)
            text_copy(cancels[cancel_count++], ID_SIZE, list[i]->id);
    }
    for (size_t i = 0; i < cancel_count; i++)
        orders_cancel(core, cancels[i]);
    return go;
}

bool lane_is_free(struct core *core, const struct lane *lane, const struct signal *signal)
{
    return lane->waiting.count == 0 && may_go(core, lane, signal);
}

static const struct signal *row_of(struct core *core, uint64_t handle)
{
    const struct waiting *waiting = pool_get(&core->intake->waiting, handle);
    return waiting ? book_get(core->book, TABLE_SIGNAL, waiting->id) : NULL;
}

static void stall(struct core *core, struct lane *lane)
{
    if (lane->stalled)
        return;
    lane->stalled = true;
    lane->next_stalled = core->intake->stalled;
    core->intake->stalled = lane;
}

/* False: no room, or it waits already (then *waits). */
static bool begin_waiting(struct core *core, const char *signal_id, uint64_t *handle, bool *waits)
{
    struct intake *intake = core->intake;
    struct waiting *waiting;
    HASH_FIND_STR(intake->waiting_by_id, signal_id, waiting);
    *waits = waiting != NULL;
    waiting = *waits ? NULL : pool_take(&intake->waiting, handle);
    if (!waiting)
        return false;
    text_copy(waiting->id, sizeof waiting->id, signal_id);
    HASH_ADD_STR(intake->waiting_by_id, id, waiting);
    return true;
}

static void end_waiting(struct core *core, uint64_t handle)
{
    struct waiting *waiting = pool_get(&core->intake->waiting, handle);
    HASH_DELETE(hh, core->intake->waiting_by_id, waiting);
    pool_give(&core->intake->waiting, handle);
}

static void pop(struct core *core, struct lane *lane)
{
    struct heap_item item;
    if (heap_pop(&lane->waiting, &item))
        end_waiting(core, item.value);
}

static void run(struct core *core, struct lane *lane)
{
    struct heap_item item;
    while (heap_peek(&lane->waiting, &item)) {
        const struct signal *row = row_of(core, item.value);
        if (!row || signal_is_final(row->state)) { /* superseded, dropped, or taken back */
            pop(core, lane);
            continue;
        }
        struct signal signal = *row; /* cancelling may move it */
        if (!core_may_start(core, row) || !may_go(core, lane, &signal)) {
            stall(core, lane);
            return;
        }
        struct flow *flow = trade_begin(core, lane, &signal, false);
        if (!flow) {
            stall(core, lane);
            return;
        }
        lane->active = flow->handle;
        pop(core, lane);
        flow_run(flow);
    }
}

/* What has orders already goes first: its key opens when they were asked about, and nothing that
 * waits for the key may stand before it. */
static int64_t place_of(const struct signal *signal)
{
    return signal->state == SIGNAL_WORKING ? INT64_MIN : signal_priority(signal);
}

static bool join(struct core *core, const struct signal *signal,
                 void (*then)(struct core *core, struct lane *lane))
{
    struct lane *lane = lane_of(core, signal->strategy, signal->instrument);
    uint64_t handle;
    bool waits;
    if (!begin_waiting(core, signal->id, &handle, &waits))
        return waits;
    heap_push(&lane->waiting, place_of(signal), handle);
    then(core, lane);
    return true;
}

bool lane_wait(struct core *core, const struct signal *signal)
{
    return join(core, signal, stall);
}

void lanes_clear(struct core *core)
{
    struct heap_item item;
    for (struct lane *lane = core->intake->lanes; lane; lane = lane->hh.next)
        while (lane->waiting.count > 0)
            pop(core, lane);
    while (heap_pop(&core->intake->retries, &item))
        end_waiting(core, item.value);
}

bool lane_push(struct core *core, const struct signal *signal)
{
    return join(core, signal, run);
}

void lane_ended(struct core *core, struct lane *lane, uint64_t flow)
{
    lane->stories--;
    if (lane->active == flow)
        lane->active = 0;
    if (lane->waiting.count > 0) {
        stall(core, lane); /* begun from the turn, not from inside the end of another */
    } else if (lane->stories == 0 && !lane->stalled &&
               HASH_COUNT(core->intake->lanes) > LANES_KEPT) {
        HASH_DELETE(hh, core->intake->lanes, lane);
        heap_free(&lane->waiting);
        mem_free(lane);
    }
}

void lanes_turn(struct core *core)
{
    struct lane *list = core->intake->stalled, *next;
    core->intake->stalled = NULL;
    for (struct lane *lane = list; lane; lane = next) {
        next = lane->next_stalled;
        lane->stalled = false;
        lane->next_stalled = NULL;
        run(core, lane);
    }
}

/* ---- trying again ---- */

bool lane_retry(struct core *core, const char *signal_id, int64_t at_us)
{
    uint64_t handle;
    bool waits;
    if (!begin_waiting(core, signal_id, &handle, &waits))
        return waits;
    heap_push(&core->intake->retries, at_us, handle);
    return true;
}

int64_t lanes_retry_turn(struct core *core)
{
    struct heap *retries = &core->intake->retries;
    struct heap_item item;
    while (heap_peek(retries, &item)) {
        if (item.key > clock_steady(core->clock))
            return item.key;
        heap_pop(retries, &item);
        const struct signal *row = row_of(core, item.value);
        struct signal signal;
        if (row)
            signal = *row;
        end_waiting(core, item.value);
        /* One that is somebody else's by now is queued again when its key is ours again. */
        if (row && !signal_is_final(signal.state) && core_works(core, signal.instrument))
            lane_push(core, &signal);
    }
    return INT64_MAX;
}

void lanes_hurry(struct core *core, const char *reason)
{
    struct heap *retries = &core->intake->retries;
    struct heap was = *retries;
    struct heap_item item;
    heap_init(retries, 0);
    while (heap_pop(&was, &item)) {
        const struct signal *row = row_of(core, item.value);
        bool due = row && strcmp(row->reason, reason) == 0;
        heap_push(retries, due ? 0 : item.key, item.value);
    }
    heap_free(&was);
}

/* ---- superseding ---- */

static size_t gather(struct core *core, const struct heap *heap, const struct signal *exit,
                     const struct signal **out, size_t count, size_t room)
{
    for (size_t i = 0; i < heap->count && count < room; i++) {
        const struct signal *row = row_of(core, heap->items[i].value);
        if (row && (row->state == SIGNAL_RECEIVED || row->state == SIGNAL_RETRYING) &&
            signal_supersedes(exit, row))
            out[count++] = row;
    }
    return count;
}

size_t lane_superseded(struct core *core, const struct signal *exit, const struct signal **out,
                       size_t room)
{
    struct lane *lane = lane_of(core, exit->strategy, exit->instrument);
    size_t count = gather(core, &lane->waiting, exit, out, 0, room);
    return gather(core, &core->intake->retries, exit, out, count, room);
}
