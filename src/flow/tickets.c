/* Who waits for an answer about a signal: until it is durable, or decided, or could not be stored.
 *
 * A repeat that comes meanwhile waits for the same. What has failed, and what the database does not
 * say anything about, goes to the spool first, if there is one: only when that does not take it
 * either does its sender have to come again. What is in both leaves the spool when the write is
 * answered: as done, or as one that was spooled like any other. */
#include "flow/away.h"
#include "flow/claiming.h"
#include "flow/intake.h"
#include "flow/record.h"
#include "store/spool.h"
#include <string.h>

#define PATIENCE_US 2300000 /* of the 3 s that a chart gives */

struct open_signal *tickets_find(const struct core *core, const char *id)
{
    struct open_signal *open;
    HASH_FIND_STR(core->intake->open, id, open);
    return open;
}

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
        struct intake_answer answer = {.status = INTAKE_ACCEPTED};
        if (deferred->answer)
            answer = *deferred->answer;
        else
            answer.signal = book_get(core->book, TABLE_SIGNAL, deferred->id);
        wait_answer(deferred->to, deferred->err.code != ERR_OK ? &deferred->err : NULL,
                    *deferred->id ? &answer : NULL);
        mem_free(deferred->answer);
        record_drop(core, deferred);
    }
}

static struct ticket *give_ticket(struct core *core, struct open_signal *open, struct waiter to)
{
    uint64_t handle;
    struct ticket *ticket = pool_take(&core->intake->tickets, &handle);
    if (!ticket)
        return NULL;
    *ticket = (struct ticket){
        .to = to, .open = open, .asked_us = clock_steady(core->clock), .handle = handle};
    *open->last = ticket;
    open->last = &ticket->next;
    return ticket;
}

static void wait_for_decision(struct core *core, struct ticket *ticket, int64_t until_us)
{
    ticket->wait_decision = true;
    ticket->until_us = until_us;
    heap_push(&core->intake->due, until_us, ticket->handle);
}

bool tickets_add(struct core *core, struct open_signal *open, bool repeat, bool wait_decision,
                 int64_t until_us, struct waiter to)
{
    if (!to.answer)
        return true;
    struct ticket *ticket = give_ticket(core, open, to);
    if (!ticket)
        return false;
    ticket->repeat = repeat;
    if (wait_decision)
        wait_for_decision(core, ticket, until_us);
    return true;
}

static void close_open(struct core *core, struct open_signal *open)
{
    HASH_DELETE(hh, core->intake->open, open);
    record_drop(core, open);
}

static void take_ticket(struct core *core, struct ticket *ticket)
{
    struct open_signal *open = ticket->open;
    struct ticket **at = &open->first;
    while (*at != ticket)
        at = &(*at)->next;
    *at = ticket->next;
    if (!*at)
        open->last = at;
    pool_give(&core->intake->tickets, ticket->handle);
    if (!open->first && !open->doubt)
        close_open(core, open);
}

/* ---- a repeat that waits for the decision ---- */

/* What the store has was read after its ticket was written: a decision that is not there yet is
 * told to the ticket. */
static void hear_standing(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct core *core = owner;
    struct ticket *ticket = pool_get(&core->intake->tickets, handle);
    const struct intake_answer *answer = value;
    if (!ticket) /* decided meanwhile */
        return;
    if (!err && !answer->decision && !signal_is_final(answer->signal->state) &&
        answer->signal->state != SIGNAL_DEAD && ticket->wait_decision)
        return;
    struct waiter to = ticket->to;
    take_ticket(core, ticket);
    wait_answer(to, err, value);
}

void intake_repeat_decided(struct core *core, const char *signal_id, int64_t until_us,
                           struct waiter to)
{
    struct open_signal *open = tickets_find(core, signal_id);
    if (!to.answer)
        return;
    if (!open) {
        open = tickets_open(core, signal_id);
        open->stored = true;
    }
    struct ticket *ticket = give_ticket(core, open, to);
    if (!ticket) {
        if (!open->first && !open->doubt)
            close_open(core, open);
        intake_repeat(core, signal_id, to);
        return;
    }
    ticket->repeat = true;
    wait_for_decision(core, ticket, until_us);
    intake_repeat(
        core, signal_id,
        (struct waiter){.answer = hear_standing, .owner = core, .handle = ticket->handle});
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
    } else if (!open->doubt) {
        close_open(core, open);
    }
}

void intake_stored(struct core *core, const struct signal *signal)
{
    struct open_signal *open = tickets_find(core, signal->id);
    metric_add(core->intake->accepted, 1);
    if (!open)
        return;
    open->stored = true;
    open->doubt = false;
    answer_tickets(core, open, &(struct intake_answer){.signal = signal}, false);
}

bool tickets_repeated(struct core *core, const char *id)
{
    struct open_signal *open = tickets_find(core, id);
    if (!open || open->stored || open->enters || open->doubt)
        return false;
    open->stored = true;
    for (struct ticket *ticket = open->first; ticket; ticket = ticket->next) {
        if (!ticket->repeat)
            metric_add(core->intake->duplicates, 1);
        ticket->repeat = true;
    }
    return true;
}

void tickets_stand(struct core *core, const struct signal *signal)
{
    struct open_signal *open = tickets_find(core, signal->id);
    if (open)
        answer_tickets(core, open, &(struct intake_answer){.signal = signal}, false);
}

void intake_decided(struct core *core, const struct signal *signal, const struct decision *decision,
                    const char *trace)
{
    struct open_signal *open = tickets_find(core, signal->id);
    if (open)
        open->doubt = false;
    if (open)
        answer_tickets(
            core, open,
            &(struct intake_answer){.signal = signal, .decision = decision, .trace = trace}, true);
}

void intake_spooled(struct core *core, const struct signal *signal)
{
    struct open_signal *open = tickets_find(core, signal->id);
    if (open)
        answer_tickets(core, open, &(struct intake_answer){.signal = signal, .spooled = true},
                       true);
}

/* A spooled signal did not enter the store, and stays where it is; or it stands there already. */
static void answer_entering(struct core *core, struct ticket *ticket, const struct err *err,
                            const char *signal_id)
{
    const struct spooled *entry = core->spool ? spool_find(core->spool, signal_id) : NULL;
    bool stands = err->code == ERR_DUPLICATE;
    if (!ticket->repeat)
        wait_answer(ticket->to, stands ? NULL : err, NULL);
    else if (entry)
        wait_answer(ticket->to, NULL,
                    &(struct intake_answer){
                        .status = INTAKE_DUPLICATE, .signal = &entry->signal, .spooled = true});
    else
        wait_answer(ticket->to, err, NULL);
}

/* Nobody is in doubt any more: the spool has it, or will say that it could not take it. */
static bool leave_to_spool(struct core *core, struct open_signal *open)
{
    const struct spooled *entry = spool_find(core->spool, open->id);
    open->doubt = false;
    if (entry && entry->durable)
        answer_tickets(core, open,
                       &(struct intake_answer){.signal = &entry->signal, .spooled = true}, true);
    return entry != NULL;
}

void intake_failed(struct core *core, const struct signal *signal, const struct err *err)
{
    struct open_signal *open = tickets_find(core, signal->id);
    bool stands = err->code == ERR_DUPLICATE;
    bool passes =
        err->class == ERR_LATER || err->class == ERR_MAYBE_DONE || err->code == ERR_FENCED;
    if (!stands)
        intake_forget(core, signal->id);
    else if (open && open->stored) /* as the log told before: who still waits, waits for its end */
        return;
    away_heard(core, err);
    if (open && open->doubt && leave_to_spool(core, open))
        return;
    if (passes && !(open && open->enters) && away_put(core, signal))
        return;
    intake_unstored(core, signal->id, err);
}

void intake_unstored(struct core *core, const char *signal_id, const struct err *err)
{
    struct intake *intake = core->intake;
    struct open_signal *open = tickets_find(core, signal_id);
    bool stands = err->code == ERR_DUPLICATE;
    claiming_done(core, signal_id);
    if (!open)
        return;
    bool enters = open->enters;
    /* It was found good: what the store refuses is the fault of a write before it, or the disk's,
     * and its sender must come again. */
    struct err later;
    if (!stands && !enters && err->class == ERR_REFUSED) {
        err_set(&later, ERR_LATER, ERR_IO, "the signal could not be stored: %s", err->text);
        err = &later;
    }
    struct ticket *ticket = open->first, *next;
    open->first = NULL;
    open->last = &open->first;
    if (!open->doubt) /* else its write is not answered yet */
        close_open(core, open);
    for (; ticket; ticket = next) {
        next = ticket->next;
        struct waiter to = ticket->to;
        struct ticket was = *ticket;
        pool_give(&intake->tickets, ticket->handle);
        if (enters)
            answer_entering(core, &was, err, signal_id);
        else if (stands && was.wait_decision)
            intake_repeat_decided(core, signal_id, was.until_us, to);
        else if (stands)
            intake_repeat(core, signal_id, to);
        else
            wait_answer(to, err, NULL);
    }
}

struct open_signal *tickets_open(struct core *core, const char *id)
{
    struct open_signal *open = record_keep(core, sizeof *open);
    text_copy(open->id, sizeof open->id, id);
    open->last = &open->first;
    HASH_ADD_STR(core->intake->open, id, open);
    return open;
}

void tickets_repeat(struct core *core, const struct signal *first, bool spooled, struct waiter to)
{
    struct signal_answer {
        struct intake_answer answer;
        struct signal signal;
    } *kept = mem_alloc(sizeof *kept);
    kept->signal = *first;
    kept->signal.extra = NULL;
    kept->answer = (struct intake_answer){
        .status = INTAKE_DUPLICATE, .signal = &kept->signal, .spooled = spooled, .stale = !spooled};
    if (!to.answer) {
        mem_free(kept);
        return;
    }
    struct deferred **last = core->intake->deferred_last;
    intake_defer(core, to, first->id, NULL);
    (*last)->answer = &kept->answer;
}

/* Takes out those who have waited long; of a signal that enters from the spool, those who only
 * repeated it. */
static struct ticket *take_impatient(struct core *core, struct open_signal *open)
{
    int64_t oldest_us = clock_steady(core->clock) - PATIENCE_US;
    struct ticket **at = &open->first, *taken = NULL, **last = &taken;
    while (*at) {
        struct ticket *ticket = *at;
        if (ticket->asked_us > oldest_us || (open->enters && !ticket->repeat)) {
            at = &ticket->next;
            continue;
        }
        *at = ticket->next;
        ticket->next = NULL;
        *last = ticket;
        last = &ticket->next;
    }
    open->last = at;
    return taken;
}

/* Its write may still be done, or not. */
static void ask_to_send_again(struct core *core, struct open_signal *open)
{
    struct ticket *ticket = take_impatient(core, open), *next;
    struct err err;
    err_set(&err, ERR_MAYBE_DONE, ERR_IO,
            "the database is away and may have stored the signal, or not; send it again");
    for (; ticket; ticket = next) {
        struct waiter to = ticket->to;
        next = ticket->next;
        pool_give(&core->intake->tickets, ticket->handle);
        wait_answer(to, &err, NULL);
    }
}

void tickets_doubt(struct core *core)
{
    struct open_signal *open, *next;
    HASH_ITER(hh, core->intake->open, open, next)
    {
        const struct signal *row = NULL;
        if (open->stored || open->doubt)
            continue;
        if (!core->spool || open->enters)
            ask_to_send_again(core, open);
        else if ((row = record_inserting(core, TABLE_SIGNAL, open->id)))
            open->doubt = away_put(core, row);
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

/* The log has not told of it yet. */
static void read_for_impatient(struct core *core, struct open_signal *open)
{
    struct ticket *ticket = open->first, *next;
    char id[ID_SIZE];
    text_copy(id, sizeof id, open->id);
    for (; ticket; ticket = next) {
        struct waiter to = ticket->to;
        next = ticket->next;
        if (ticket->wait_decision)
            continue;
        take_ticket(core, ticket);
        intake_repeat(core, id, to);
    }
}

static void answer_impatient(struct core *core)
{
    struct open_signal *open, *next;
    HASH_ITER(hh, core->intake->open, open, next)
    {
        const struct signal *signal = book_get(core->book, TABLE_SIGNAL, open->id);
        if (open->stored && signal)
            answer_tickets(core, open, &(struct intake_answer){.signal = signal}, false);
        else if (open->stored)
            read_for_impatient(core, open);
    }
}

int64_t tickets_turn(struct core *core)
{
    struct intake *intake = core->intake;
    size_t due = intake->due.count;
    if (intake->deferred)
        give_deferred(core);
    int64_t next_us = turn_tickets(core);
    if (intake->due.count < due && intake->open)
        answer_impatient(core);
    return next_us;
}
