/* Intake: a validated signal becomes durable, is answered, and waits for its turn.
 *
 * Repeats are caught three times: among the signals that are open here, among the recent ones, and
 * by the row's key in the store; each time the answer is what the first one got. Where the lane is
 * free the signal is decided in the turn it came in, and receipt, decision and right to send are
 * one write. */
#include "flow/intake.h"
#include "flow/away.h"
#include "flow/claiming.h"
#include "flow/holding.h"
#include "flow/mutant.h"
#include "flow/orders.h"
#include "flow/record.h"
#include "store/spool.h"
#include <stdio.h>
#include <string.h>

enum { RECENT_MAX = 65536, SUPERSEDED_MAX = 256, TICKETS_SPARE = 1024, CLOSED_BLOCK = 32 };
#define STANDS_AGAIN_US 100000

struct intake *intake_new(struct core *core)
{
    struct intake *intake = mem_alloc(sizeof *intake);
    uint32_t max = (uint32_t)core->options.queue_max;
    pool_init(&intake->waiting, sizeof(struct waiting), max * 2 + TICKETS_SPARE);
    pool_init(&intake->tickets, sizeof(struct ticket), max * 2 + TICKETS_SPARE);
    heap_init(&intake->retries, 0);
    heap_init(&intake->due, 0);
    intake->recent = mem_alloc(RECENT_MAX * sizeof *intake->recent);
    intake->deferred_last = &intake->deferred;
    core->intake = intake;
    if (core->metrics) {
        intake->accepted = metric_counter(core->metrics, "tidelock_signals_accepted_total",
                                          "Signals made durable.", NULL);
        intake->duplicates = metric_counter(core->metrics, "tidelock_signals_duplicate_total",
                                            "Repeats of a signal that stood already.", NULL);
        intake->refused = metric_counter(core->metrics, "tidelock_signals_refused_total",
                                         "Signals refused because the queue was full.", NULL);
        intake->depth = metric_gauge(core->metrics, "tidelock_queue_depth",
                                     "Signals accepted and not final.", NULL);
    }
    return intake;
}

void intake_free(struct intake *intake)
{
    struct open_signal *open, *next;
    struct lane *lane, *following;
    if (!intake)
        return;
    HASH_ITER(hh, intake->open, open, next)
    HASH_DELETE(hh, intake->open, open); /* its memory is the recorder's */
    HASH_ITER(hh, intake->lanes, lane, following)
    {
        HASH_DELETE(hh, intake->lanes, lane);
        heap_free(&lane->waiting);
        mem_free(lane);
    }
    for (; intake->deferred; intake->deferred = intake->deferred->next)
        mem_free(intake->deferred->answer);
    HASH_CLEAR(hh, intake->waiting_by_id);
    HASH_CLEAR(hh, intake->recent_by_id);
    mem_free(intake->recent);
    pool_free(&intake->waiting);
    pool_free(&intake->tickets);
    heap_free(&intake->retries);
    heap_free(&intake->due);
    mem_free(intake);
}

/* ---- what was seen ---- */

static struct recent *find_recent(const struct intake *intake, const char *id)
{
    struct recent *recent;
    HASH_FIND_STR(intake->recent_by_id, id, recent);
    return recent;
}

static void forget_recent(struct intake *intake, struct recent *recent)
{
    HASH_DELETE(hh, intake->recent_by_id, recent);
    recent->id[0] = '\0';
}

void intake_forget(struct core *core, const char *signal_id)
{
    struct recent *recent = find_recent(core->intake, signal_id);
    if (recent)
        forget_recent(core->intake, recent);
}

void intake_seen(struct core *core, const char *signal_id)
{
    struct intake *intake = core->intake;
    if (find_recent(intake, signal_id))
        return;
    struct recent *recent = &intake->recent[intake->recent_at++ % RECENT_MAX];
    if (*recent->id)
        forget_recent(intake, recent);
    text_copy(recent->id, sizeof recent->id, signal_id);
    HASH_ADD_STR(intake->recent_by_id, id, recent);
}

int64_t intake_turn(struct core *core)
{
    struct intake *intake = core->intake;
    int64_t next_us = tickets_turn(core), retry_us = lanes_retry_turn(core);
    int64_t claim_us = claiming_turn(core);
    if (claim_us < retry_us)
        retry_us = claim_us;
    if (intake->stalled)
        lanes_turn(core);
    metric_set(intake->depth, (double)book_count(core->book, TABLE_SIGNAL));
    return intake->deferred ? 0 : next_us < retry_us ? next_us : retry_us;
}

/* ---- submitting ---- */

struct closed { /* signals that a write supersedes, in blocks */
    struct closed *next;
    size_t count;
    char ids[CLOSED_BLOCK][ID_SIZE];
};
struct arrival { /* of the write's waiter */
    struct core *core;
    struct signal row;
    char *extra; /* its copy, for the spool */
    struct closed *closed;
};

static void note_closed(struct arrival *arrival, const char *id)
{
    struct closed *block = arrival->closed;
    if (!block || block->count == CLOSED_BLOCK) {
        block = record_keep(arrival->core, sizeof *block);
        block->next = arrival->closed;
        arrival->closed = block;
    }
    text_copy(block->ids[block->count++], ID_SIZE, id);
}

/* The write failed: what it would have superseded stands again, and its lane may have let go of it
 * meanwhile. */
static void drop_closed(struct arrival *arrival, bool failed)
{
    struct core *core = arrival->core;
    while (arrival->closed) {
        struct closed *block = arrival->closed;
        arrival->closed = block->next;
        for (size_t i = 0; failed && i < block->count; i++) {
            const struct signal *row = book_get(core->book, TABLE_SIGNAL, block->ids[i]);
            if (row && (row->state == SIGNAL_RECEIVED || row->state == SIGNAL_RETRYING))
                lane_retry(core, row->id, clock_steady(core->clock) + STANDS_AGAIN_US);
        }
        record_drop(core, block);
    }
}

static void received(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct arrival *arrival = owner;
    struct core *core = arrival->core;
    (void)handle;
    (void)value;
    if (err) {
        intake_failed(core, &arrival->row, err);
    } else {
        const struct signal *row = book_get(core->book, TABLE_SIGNAL, arrival->row.id);
        intake_stored(core, row ? row : &arrival->row); /* absent: already final, as asked */
    }
    drop_closed(arrival, err != NULL);
    mem_free(arrival->extra);
    record_drop(core, arrival);
}

static void closed_all(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct arrival *arrival = owner;
    (void)handle;
    (void)value;
    drop_closed(arrival, err != NULL);
    record_drop(arrival->core, arrival);
}

static void supersede(struct core *core, const struct signal *exit, const struct signal *before,
                      struct signal *after, struct store_event *event)
{
    *after = *before;
    after->state = SIGNAL_SUPERSEDED;
    after->version++;
    after->ended_us = clock_wall(core->clock);
    snprintf(after->reason, sizeof after->reason, "EXIT %s arrived before its turn", exit->id);
    event_start(core, event, "signal.superseded", after->id);
    event_change(event, TABLE_SIGNAL, before, after);
}

/* Receipt, and the entries an EXIT closes with it, in one write. */
static void write_received(struct core *core, const struct signal *signal,
                           const struct signal **closed, size_t count)
{
    struct store_event received_event, *events = &received_event;
    struct signal *after = NULL;
    struct arrival *arrival = record_keep(core, sizeof *arrival);
    arrival->core = core;
    arrival->row = *signal;
    arrival->extra = core->spool && signal->extra ? mem_copy_text(signal->extra) : NULL;
    arrival->row.extra = arrival->extra; /* not the sender's memory */
    if (count > 0) {
        events = mem_alloc((count + 1) * sizeof *events);
        after = mem_alloc(count * sizeof *after);
    }
    event_start(core, &events[0], "signal.received", signal->id);
    event_change(&events[0], TABLE_SIGNAL, NULL, signal);
    for (size_t i = 0; i < count; i++) {
        supersede(core, signal, closed[i], &after[i], &events[i + 1]);
        note_closed(arrival, closed[i]->id);
    }
    record_write(core, events, count + 1, false,
                 (struct waiter){.answer = received, .owner = arrival});
    if (count > 0)
        mem_free(events);
    mem_free(after);
}

static void start_or_queue(struct core *core, const struct signal *signal)
{
    struct lane *lane = lane_of(core, signal->strategy, signal->instrument);
    const struct signal *closed[SUPERSEDED_MAX] UNSET;
    size_t count = 0;
    if (!core_works(core, signal->instrument)) {
        /* Stored, whoever works it: the holder reads it in the log; without one, we take the key.
         */
        write_received(core, signal, closed, 0);
        holding_want(core, signal->instrument);
        return;
    }
    if (signal->type == SIGNAL_EXIT) {
        claiming_let_by(core, signal);
        count = lane_superseded(core, signal, closed, SUPERSEDED_MAX);
    }
    if (count == 0 && lane_is_free(core, lane, signal) && core_may_start(core, signal)) {
        struct flow *flow = trade_begin(core, lane, signal, true);
        if (flow) {
            lane->active = flow->handle;
            flow_run(flow);
            return;
        }
    }
    write_received(core, signal, closed, count);
    lane_push(core, signal);
}

static bool is_in_charge(const struct core *core, struct err *err)
{
    if (!core->term && !away_spools(core))
        return err_set(err, ERR_LATER, ERR_BUSY, "this instance is not in charge; send it again");
    return true;
}

static bool refuse(const struct core *core, const struct signal *signal, struct err *err)
{
    bool exits = signal->type == SIGNAL_EXIT;
    if (core->draining && !(core->closing_positions && exits))
        return err_set(err, ERR_NOT_DONE, ERR_CLOSED, "the host is shutting down; send it again");
    if (!is_in_charge(core, err))
        return false;
    size_t limit = core->options.queue_max * (exits ? 2 : 1);
    if (book_count(core->book, TABLE_SIGNAL) >= limit ||
        pool_used(&core->intake->waiting) >= limit || core->intake->tickets.free_count == 0 ||
        core->intake->waiting.free_count == 0)
        return err_set(err, ERR_LATER, ERR_FULL,
                       "%zu signals wait already; entries are refused until some are done", limit);
    return true;
}

/* ---- what others stored ---- */

void intake_supersede(struct core *core, const struct signal *exit)
{
    const struct signal *closed[SUPERSEDED_MAX];
    size_t count = lane_superseded(core, exit, closed, SUPERSEDED_MAX);
    struct store_event event;
    struct signal after;
    for (size_t i = 0; i < count; i++) {
        if (record_has_failed(core, TABLE_SIGNAL, closed[i]->id))
            continue;
        struct arrival *arrival = record_keep(core, sizeof *arrival);
        arrival->core = core;
        arrival->row = *closed[i];
        arrival->row.extra = NULL; /* the book's memory */
        note_closed(arrival, closed[i]->id);
        supersede(core, exit, closed[i], &after, &event);
        record_write(core, &event, 1, false,
                     (struct waiter){.answer = closed_all, .owner = arrival});
    }
}

void intake_follow(struct core *core, const char *signal_id, const struct signal *before)
{
    const struct signal *row = book_get(core->book, TABLE_SIGNAL, signal_id);
    struct signal signal;
    if (!row || core->draining || !core_works(core, row->instrument) ||
        (row->state != SIGNAL_RECEIVED && row->state != SIGNAL_RETRYING))
        return;
    signal = *row;
    if (!before && signal.type == SIGNAL_EXIT)
        intake_supersede(core, &signal);
    if (!lane_wait(core, &signal))
        lane_retry(core, signal.id, clock_steady(core->clock) + STANDS_AGAIN_US);
}

static bool stands_here(const struct core *core, const char *id)
{
    return (tickets_find(core, id) || find_recent(core->intake, id) ||
            book_get(core->book, TABLE_SIGNAL, id)) &&
           !MUTANT(MUTANT_SKIP_CLAIM);
}

static void answer_repeat(struct core *core, const struct signal *signal, bool wait_decision,
                          int64_t wait_until_us, struct waiter to)
{
    struct open_signal *open = tickets_find(core, signal->id);
    const struct signal *row = book_get(core->book, TABLE_SIGNAL, signal->id);
    bool asked = record_inserting(core, TABLE_SIGNAL, signal->id) != NULL;
    const struct spooled *entry = asked && core->spool ? spool_find(core->spool, signal->id) : NULL;
    struct away_view away;
    struct err err;
    metric_add(core->intake->duplicates, 1);
    if (entry && entry->durable) {
        tickets_repeat(core, &entry->signal, true, to);
    } else if (open && (wait_decision || !open->stored) &&
               tickets_add(core, open, true, wait_decision, wait_until_us, to)) {
        return;         /* it waits for the same */
    } else if (asked) { /* by a story that is gone */
        err_set(&err, ERR_MAYBE_DONE, ERR_BUSY, "the signal is being stored; send it again");
        intake_defer(core, to, "", &err);
    } else if (core_away(core, &away)) {
        tickets_repeat(core, row ? row : signal, false, to);
    } else if (wait_decision) {
        intake_repeat_decided(core, signal->id, wait_until_us, to);
    } else {
        intake_repeat(core, signal->id, to);
    }
}

static void take_in(struct core *core, const struct signal *signal)
{
    if (away_spools(core) && away_put(core, signal))
        return;
    intake_seen(core, signal->id);
    start_or_queue(core, signal);
}

void intake_submit(struct core *core, const struct signal *signal, bool wait_decision,
                   int64_t wait_until_us, struct waiter to)
{
    const struct spooled *entry = core->spool ? spool_find(core->spool, signal->id) : NULL;
    struct signal row = *signal;
    struct err err;
    if (stands_here(core, signal->id)) {
        answer_repeat(core, signal, wait_decision, wait_until_us, to);
        return;
    }
    if (entry) {
        metric_add(core->intake->duplicates, 1);
        tickets_repeat(core, &entry->signal, true, to);
        return;
    }
    if (!refuse(core, signal, &err)) {
        metric_add(core->intake->refused, 1);
        intake_defer(core, to, signal->id, &err);
        return;
    }
    row.state = SIGNAL_RECEIVED;
    row.version = 1;
    if (to.answer && MUTANT(MUTANT_ACK_BEFORE_COMMIT)) {
        intake_defer(core, to, row.id, NULL);
        to.answer = NULL;
    }
    if (to.answer && !tickets_find(core, row.id))
        tickets_add(core, tickets_open(core, row.id), false, wait_decision, wait_until_us, to);
    if (to.answer && !away_spools(core) && claiming_asks(core, &row))
        return;
    take_in(core, &row);
}

void intake_go_on(struct core *core, const struct signal *signal)
{
    struct err err;
    if (find_recent(core->intake, signal->id) || book_get(core->book, TABLE_SIGNAL, signal->id))
        err_set(&err, ERR_REFUSED, ERR_DUPLICATE, "signal %s stands already", signal->id);
    else if (is_in_charge(core, &err)) {
        take_in(core, signal);
        return;
    }
    intake_unstored(core, signal->id, &err);
}

void intake_enter(struct core *core, const struct signal *signal, struct waiter to)
{
    struct err err;
    if (stands_here(core, signal->id)) {
        intake_defer(core, to, "", NULL);
        return;
    }
    if (!refuse(core, signal, &err)) {
        intake_defer(core, to, "", &err);
        return;
    }
    struct open_signal *open = tickets_open(core, signal->id);
    open->enters = true;
    tickets_add(core, open, false, false, 0, to);
    intake_seen(core, signal->id);
    start_or_queue(core, signal);
}

/* ---- counting ---- */

void intake_committed(struct core *core, const struct change *change)
{
    if (change->table->id != TABLE_SIGNAL)
        return;
    const struct signal *before = change->before, *after = change->after;
    bool was = before && before->state == SIGNAL_DEAD, is = after->state == SIGNAL_DEAD;
    if (is && !was)
        core->intake->dead++;
    if (was && !is && core->intake->dead > 0)
        core->intake->dead--;
    if (after->state == SIGNAL_SUPERSEDED)
        intake_decided(core, after, NULL, NULL);
    if (signal_is_final(after->state) || is)
        claiming_done(core, after->id);
}

struct intake_depth intake_depth(const struct core *core)
{
    const struct intake *intake = core->intake;
    struct intake_depth depth = {.retrying = intake->retries.count, .dead = intake->dead};
    size_t waits = pool_used(&intake->waiting);
    for (const struct lane *lane = intake->lanes; lane; lane = lane->hh.next)
        depth.working += lane->stories;
    depth.waiting = waits > depth.retrying ? waits - depth.retrying : 0;
    return depth;
}
