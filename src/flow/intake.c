/* Intake: a validated signal becomes durable, is answered, and waits for its turn.
 *
 * Repeats are caught three times: among the signals that are open here, among the recent ones, and
 * by the row's key in the store; each time the answer is what the first one got. Where the lane is
 * free the signal is decided in the turn it came in, and receipt, decision and right to send are
 * one write. */
#include "flow/intake.h"
#include "flow/holding.h"
#include "flow/mutant.h"
#include "flow/orders.h"
#include "flow/record.h"
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

static struct open_signal *find_open(const struct core *core, const char *id)
{
    struct open_signal *open;
    HASH_FIND_STR(core->intake->open, id, open);
    return open;
}

/* ---- answers ---- */

void intake_defer(struct core *core, struct waiter to, const char *signal_id, const struct err *err)
{
    struct intake *intake = core->intake;
    if (!to.answer)
        return;
    struct deferred *deferred = record_keep(core, sizeof *deferred);
    deferred->to = to;
    if (err)
        deferred->err = *err;
    text_copy(deferred->id, sizeof deferred->id, signal_id);
    *intake->deferred_last = deferred;
    intake->deferred_last = &deferred->next;
}

static void give_deferred(struct core *core)
{
    struct intake *intake = core->intake;
    struct deferred *deferred = intake->deferred, *next;
    intake->deferred = NULL;
    intake->deferred_last = &intake->deferred;
    for (; deferred; deferred = next) {
        next = deferred->next;
        struct intake_answer answer = {.status = INTAKE_ACCEPTED,
                                       .signal = book_get(core->book, TABLE_SIGNAL, deferred->id)};
        wait_answer(deferred->to, deferred->err.code != ERR_OK ? &deferred->err : NULL,
                    *deferred->id ? &answer : NULL);
        record_drop(core, deferred);
    }
}

static bool add_ticket(struct core *core, struct open_signal *open, bool repeat, bool wait_decision,
                       int64_t until_us, struct waiter to)
{
    struct intake *intake = core->intake;
    uint64_t handle;
    if (!to.answer)
        return true;
    struct ticket *ticket = pool_take(&intake->tickets, &handle);
    if (!ticket)
        return false;
    *ticket = (struct ticket){
        .to = to, .wait_decision = wait_decision, .repeat = repeat, .handle = handle};
    *open->last = ticket;
    open->last = &ticket->next;
    if (wait_decision)
        heap_push(&intake->due, until_us, handle);
    return true;
}

static void close_open(struct core *core, struct open_signal *open)
{
    HASH_DELETE(hh, core->intake->open, open);
    record_drop(core, open);
}

/* Answers the tickets that need not wait longer. */
static void answer_tickets(struct core *core, struct open_signal *open,
                           const struct intake_answer *what, bool decided)
{
    struct ticket *ticket = open->first, *next, *kept = NULL, **last = &kept;
    open->first = NULL;
    open->last = &open->first;
    for (; ticket; ticket = next) {
        next = ticket->next;
        ticket->next = NULL;
        if (ticket->wait_decision && !decided) {
            *last = ticket;
            last = &ticket->next;
            continue;
        }
        struct intake_answer answer = *what;
        answer.status = ticket->repeat          ? INTAKE_DUPLICATE
                        : ticket->wait_decision ? INTAKE_DECIDED
                                                : INTAKE_ACCEPTED;
        struct waiter to = ticket->to;
        pool_give(&core->intake->tickets, ticket->handle);
        wait_answer(to, NULL, &answer);
    }
    if (kept) {
        *last = NULL;
        open->first = kept;
        open->last = last;
    } else {
        close_open(core, open);
    }
}

void intake_stored(struct core *core, const struct signal *signal)
{
    struct open_signal *open = find_open(core, signal->id);
    metric_add(core->intake->accepted, 1);
    if (!open)
        return;
    open->stored = true;
    answer_tickets(core, open, &(struct intake_answer){.signal = signal}, false);
}

void intake_decided(struct core *core, const struct signal *signal, const struct decision *decision,
                    const char *trace)
{
    struct open_signal *open = find_open(core, signal->id);
    if (open)
        answer_tickets(
            core, open,
            &(struct intake_answer){.signal = signal, .decision = decision, .trace = trace}, true);
}

void intake_failed(struct core *core, const char *signal_id, const struct err *err)
{
    struct intake *intake = core->intake;
    struct open_signal *open = find_open(core, signal_id);
    struct recent *recent = find_recent(intake, signal_id);
    bool stands = err->code == ERR_DUPLICATE;
    if (recent && !stands)
        forget_recent(intake, recent);
    if (!open)
        return;
    /* It was found good: what the store refuses is the fault of a write before it, or the disk's,
     * and its sender must come again. */
    struct err later;
    if (!stands && err->class == ERR_REFUSED) {
        err_set(&later, ERR_LATER, ERR_IO, "the signal could not be stored: %s", err->text);
        err = &later;
    }
    struct ticket *ticket = open->first, *next;
    close_open(core, open);
    for (; ticket; ticket = next) {
        next = ticket->next;
        struct waiter to = ticket->to;
        pool_give(&intake->tickets, ticket->handle);
        if (stands)
            intake_repeat(core, signal_id, to);
        else
            wait_answer(to, err, NULL);
    }
}

/* Whose patience is over hears what there is: accepted, not yet decided. */
static int64_t turn_tickets(struct core *core)
{
    struct heap *due = &core->intake->due;
    struct heap_item item;
    while (heap_peek(due, &item)) {
        struct ticket *ticket = pool_get(&core->intake->tickets, item.value);
        if (ticket && item.key > clock_steady(core->clock))
            return item.key;
        heap_pop(due, &item);
        if (ticket)
            ticket->wait_decision = false;
    }
    return INT64_MAX;
}

static void answer_impatient(struct core *core)
{
    struct open_signal *open, *next;
    HASH_ITER(hh, core->intake->open, open, next)
    {
        const struct signal *signal = book_get(core->book, TABLE_SIGNAL, open->id);
        if (open->stored && signal)
            answer_tickets(core, open, &(struct intake_answer){.signal = signal}, false);
    }
}

int64_t intake_turn(struct core *core)
{
    struct intake *intake = core->intake;
    size_t due = intake->due.count;
    if (intake->deferred)
        give_deferred(core);
    int64_t next_us = turn_tickets(core), retry_us = lanes_retry_turn(core);
    if (intake->due.count < due && intake->open)
        answer_impatient(core);
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
        intake_failed(core, arrival->row.id, err);
    } else {
        const struct signal *row = book_get(core->book, TABLE_SIGNAL, arrival->row.id);
        intake_stored(core, row ? row : &arrival->row); /* absent: already final, as asked */
    }
    drop_closed(arrival, err != NULL);
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
    arrival->row.extra = NULL; /* the sender's memory */
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
    const struct signal *closed[SUPERSEDED_MAX];
    size_t count = 0;
    if (!core_works(core, signal->instrument)) {
        /* Stored, whoever works it: the holder reads it in the log; without one, we take the key.
         */
        write_received(core, signal, closed, 0);
        holding_want(core, signal->instrument);
        return;
    }
    if (signal->type == SIGNAL_EXIT)
        count = lane_superseded(core, signal, closed, SUPERSEDED_MAX);
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

static bool refuse(const struct core *core, const struct signal *signal, struct err *err)
{
    bool exits = signal->type == SIGNAL_EXIT;
    if (core->draining && !(core->closing_positions && exits))
        return err_set(err, ERR_NOT_DONE, ERR_CLOSED, "the host is shutting down; send it again");
    if (!core->term)
        return err_set(err, ERR_LATER, ERR_BUSY, "this instance is not in charge; send it again");
    size_t limit = core->options.queue_max * (exits ? 2 : 1);
    if (book_count(core->book, TABLE_SIGNAL) >= limit ||
        pool_used(&core->intake->waiting) >= limit || core->intake->tickets.free_count == 0 ||
        core->intake->waiting.free_count == 0)
        return err_set(err, ERR_LATER, ERR_FULL,
                       "%zu signals wait already; entries are refused until some are done", limit);
    return true;
}

/* ---- what others stored ---- */

/* The entries that wait here and that an EXIT stored elsewhere closes. */
static void supersede_waiting(struct core *core, const struct signal *exit)
{
    const struct signal *closed[SUPERSEDED_MAX];
    size_t count = lane_superseded(core, exit, closed, SUPERSEDED_MAX);
    struct store_event event;
    struct signal after;
    for (size_t i = 0; i < count; i++) {
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
    if (!row || !core_works(core, row->instrument) ||
        (row->state != SIGNAL_RECEIVED && row->state != SIGNAL_RETRYING))
        return;
    signal = *row;
    if (!before && signal.type == SIGNAL_EXIT)
        supersede_waiting(core, &signal);
    if (!lane_wait(core, &signal))
        lane_retry(core, signal.id, clock_steady(core->clock) + STANDS_AGAIN_US);
}

void intake_submit(struct core *core, const struct signal *signal, bool wait_decision,
                   int64_t wait_until_us, struct waiter to)
{
    struct intake *intake = core->intake;
    struct open_signal *open = find_open(core, signal->id);
    struct signal row = *signal;
    struct err err;
    bool known = (open || find_recent(intake, signal->id) ||
                  book_get(core->book, TABLE_SIGNAL, signal->id)) &&
                 !MUTANT(MUTANT_SKIP_CLAIM);
    if (known) {
        metric_add(intake->duplicates, 1);
        if (!open || !add_ticket(core, open, true, wait_decision, wait_until_us, to))
            intake_repeat(core, signal->id, to);
        return;
    }
    if (!refuse(core, signal, &err)) {
        metric_add(intake->refused, 1);
        intake_defer(core, to, signal->id, &err);
        return;
    }
    row.state = SIGNAL_RECEIVED;
    row.version = 1;
    intake_seen(core, row.id);
    if (to.answer && MUTANT(MUTANT_ACK_BEFORE_COMMIT)) {
        intake_defer(core, to, row.id, NULL);
        to.answer = NULL;
    }
    if (to.answer && !open) {
        open = record_keep(core, sizeof *open);
        text_copy(open->id, sizeof open->id, row.id);
        open->last = &open->first;
        HASH_ADD_STR(intake->open, id, open);
        add_ticket(core, open, false, wait_decision, wait_until_us, to);
    }
    start_or_queue(core, &row);
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
