/* Writes in flight, in the order they were asked, each with what is needed to take it back. */
#include "flow/record.h"
#include "flow/follow.h"
#include "flow/holding.h"
#include "flow/intake.h"
#include "flow/mutant.h"
#include "flow/orders.h"
#include "flow/statistics.h"
#include "trade/order.h"
#include <assert.h>
#include <string.h>

#define NO_TERM (-1)

enum { ARENA_BLOCK = 8192, ARENA_KEEP = 65536, KEPT_MAX = 1024, FREE_MAX = 512 };

struct record {
    struct record *next, *previous;
    struct recorder *recorder;
    struct arena arena;
    const struct store_event *events; /* with copies of every row, which the store reads too */
    size_t count;
    struct waiter to;
    int64_t term;    /* under which it was asked */
    uint64_t number; /* it was the how many-th to be asked */
    struct err err;
    bool failed; /* answered, and waiting to be taken back */
    /* One for each change, in order: somebody else's came first. NULL: none. */
    bool *overtaken;
};
union kept {
    struct {
        union kept *next_free, *next; /* all that were ever made */
    } link;
    _Alignas(16) char header[16];
};
struct recorder {
    struct core *core;
    union kept *kept, *kept_free;
    struct record *first, *last; /* in flight or waiting to be taken back, oldest first */
    struct record *free;
    size_t free_count;
    uint64_t asked;
    bool suspects;
    size_t in_flight, failed;
    int64_t seq;
    void (*fenced)(struct core *core);
    struct metric *failures;
};

struct recorder *recorder_new(struct core *core)
{
    struct recorder *recorder = mem_alloc(sizeof *recorder);
    recorder->core = core;
    if (core->metrics)
        recorder->failures = metric_counter(core->metrics, "tidelock_write_failures_total",
                                            "Writes the store did not take.", NULL);
    return recorder;
}

void *record_keep(struct core *core, size_t size)
{
    struct recorder *recorder = core->recorder;
    union kept *kept = recorder->kept_free;
    assert(size <= KEPT_MAX);
    if (kept) {
        recorder->kept_free = kept->link.next_free;
    } else {
        kept = mem_alloc(sizeof *kept + KEPT_MAX);
        kept->link.next = recorder->kept;
        recorder->kept = kept;
    }
    return memset(kept + 1, 0, size);
}

void record_drop(struct core *core, void *memory)
{
    union kept *kept = memory;
    if (!kept)
        return;
    kept--;
    kept->link.next_free = core->recorder->kept_free;
    core->recorder->kept_free = kept;
}

static void free_list(struct record *record)
{
    for (struct record *next; record; record = next) {
        next = record->next;
        arena_free(&record->arena);
        mem_free(record);
    }
}

void recorder_free(struct recorder *recorder)
{
    if (!recorder)
        return;
    free_list(recorder->first);
    free_list(recorder->free);
    for (union kept *kept = recorder->kept, *next; kept; kept = next) {
        next = kept->link.next;
        mem_free(kept);
    }
    mem_free(recorder);
}

int64_t record_seq(const struct core *core)
{
    return core->recorder->seq;
}

void recorder_on_fence(struct core *core, void (*fenced)(struct core *core))
{
    core->recorder->fenced = fenced;
}

bool record_settled(const struct core *core)
{
    return core->recorder->failed == 0 && !core->recorder->suspects;
}

bool record_suspects(const struct core *core)
{
    return core->recorder->suspects;
}

void record_trust(struct core *core)
{
    core->recorder->suspects = false;
    orders_wake_dirty(core);
}

uint64_t record_asked(const struct core *core)
{
    return core->recorder->asked;
}

size_t record_in_flight(const struct core *core)
{
    return core->recorder->in_flight;
}

bool record_answered(const struct core *core, uint64_t asked)
{
    const struct record *oldest = core->recorder->first;
    return !oldest || oldest->number > asked;
}

void event_start(struct core *core, struct store_event *event, const char *kind,
                 const char *subject)
{
    event->kind = kind;
    event->subject = subject;
    event->cause = NULL;
    event->origin = NULL;
    event->at_us = clock_wall(core->clock);
    event->change_count = 0;
}

void event_change(struct store_event *event, enum table_id table, const void *before,
                  const void *after)
{
    assert(event->change_count < STORE_CHANGES_MAX);
    event->changes[event->change_count++] =
        (struct change){.table = &tables[table], .before = before, .after = after};
}

/* ---- the list ---- */

static struct record *take(struct recorder *recorder)
{
    struct record *record = recorder->free;
    if (record) {
        recorder->free = record->next;
        recorder->free_count--;
    } else {
        record = mem_alloc(sizeof *record);
        arena_init(&record->arena, ARENA_BLOCK);
        record->recorder = recorder;
    }
    record->next = NULL;
    record->previous = recorder->last;
    *(recorder->last ? &recorder->last->next : &recorder->first) = record;
    recorder->last = record;
    record->failed = false;
    record->overtaken = NULL;
    return record;
}

static void give(struct record *record)
{
    struct recorder *recorder = record->recorder;
    *(record->previous ? &record->previous->next : &recorder->first) = record->next;
    *(record->next ? &record->next->previous : &recorder->last) = record->previous;
    if (recorder->free_count >= FREE_MAX) { /* left over from a burst */
        arena_free(&record->arena);
        mem_free(record);
        return;
    }
    if (record->arena.used > ARENA_KEEP)
        arena_free(&record->arena);
    else
        arena_reset(&record->arena);
    record->next = recorder->free;
    recorder->free = record;
    recorder->free_count++;
}

/* ---- taking back ---- */

static bool touches(const struct record *record, const struct change *change)
{
    const char *key = row_key(change->table, change->after);
    for (size_t i = 0; i < record->count; i++)
        for (size_t k = 0; k < record->events[i].change_count; k++) {
            const struct change *other = &record->events[i].changes[k];
            if (other->table == change->table &&
                strcmp(row_key(other->table, other->after), key) == 0)
                return true;
        }
    return false;
}

/* Whether a later write in flight builds on a row of this one. The book cannot tell: a row that has
 * become final since is no longer in it. */
static bool has_moved_on(const struct record *record)
{
    for (const struct record *later = record->next; later; later = later->next)
        for (size_t i = 0; i < record->count; i++)
            for (size_t k = 0; k < record->events[i].change_count; k++)
                if (touches(later, &record->events[i].changes[k]))
                    return true;
    return false;
}

static bool is_final(const struct change *change)
{
    if (change->table->id == TABLE_SIGNAL)
        return signal_is_final(((const struct signal *)change->before)->state);
    return change->table->id == TABLE_ORDER &&
           order_is_final(((const struct order *)change->before)->state);
}

static size_t count_changes(const struct record *record)
{
    size_t count = 0;
    for (size_t i = 0; i < record->count; i++)
        count += record->events[i].change_count;
    return count;
}

static void take_back(struct core *core, struct record *record)
{
    size_t at = record->overtaken ? count_changes(record) : 0;
    for (size_t i = record->count; i-- > 0;)
        for (size_t k = record->events[i].change_count; k-- > 0;) {
            const struct change *change = &record->events[i].changes[k];
            if (record->overtaken && record->overtaken[--at])
                continue;
            if (!change->before || is_final(change))
                book_remove(core->book, change->table->id, row_key(change->table, change->after));
            else
                book_put(core->book, change->table->id, change->before);
        }
    at = 0;
    for (size_t i = 0; i < record->count; i++)
        for (size_t k = 0; k < record->events[i].change_count; k++) {
            const struct change *change = &record->events[i].changes[k];
            if (record->overtaken && record->overtaken[at++])
                orders_follow(core, change->table->id, row_key(change->table, change->after));
            else
                orders_undone(core, change); /* their stories hear of it later */
        }
}

static void answer_failed(struct record *record)
{
    struct waiter to = record->to;
    struct err err = record->err;
    give(record);
    wait_answer(to, &err, NULL);
}

/* Everything in flight is answered: the failed ones go back, last first; then their askers hear of
 * it, first first. */
static void take_back_all(struct recorder *recorder)
{
    struct record *last = recorder->last;
    for (struct record *r = last; r; r = r->previous)
        take_back(recorder->core, r);
    for (struct record *r = recorder->first, *next; recorder->failed > 0 && r; r = next) {
        next = r->next;
        if (!r->failed)
            continue;
        recorder->failed--;
        answer_failed(r);
    }
    orders_wake_dirty(recorder->core);
}

/* A signal that stands already is a repeat, as is a fill: that is what their keys are for. */
static bool is_surprising(const struct record *record, const struct err *err)
{
    const struct change *first = record->count ? &record->events[0].changes[0] : NULL;
    return err->code == ERR_CONFLICT ||
           (first && record->events[0].change_count && first->table->id == TABLE_HALT);
}

/* Among several instances only these rows are read again: the others write all the time. */
static void suspect(struct recorder *recorder, const struct record *record)
{
    if (!follow_is_on(recorder->core)) {
        recorder->suspects = true;
        return;
    }
    for (size_t i = 0; i < record->count; i++)
        for (size_t k = 0; k < record->events[i].change_count; k++)
            follow_repair(
                recorder->core, record->events[i].changes[k].table->id,
                row_key(record->events[i].changes[k].table, record->events[i].changes[k].after));
}

/* Somebody else has inserted the row with which the write begins, and what follows of it was
 * doomed: whichever of its changes the store looked at, the row stands already. */
static bool stands_already(const struct record *record, const struct err *err)
{
    const struct change *first = record->count ? &record->events[0].changes[0] : NULL;
    return err->code == ERR_CONFLICT && record->overtaken && record->overtaken[0] && first &&
           !first->before;
}

static void fail(struct recorder *recorder, struct record *record, const struct err *err)
{
    struct core *core = recorder->core;
    record->err = *err;
    if (stands_already(record, err)) {
        const struct change *first = &record->events[0].changes[0];
        err_set(&record->err, ERR_REFUSED, ERR_DUPLICATE, "%s %s stands already",
                first->table->name, row_key(first->table, first->after));
        err = &record->err;
    }
    metric_add(recorder->failures, 1);
    log_write(core->log, err->class == ERR_LATER ? LOG_ERROR : LOG_WARN, "record", "write failed",
              LOG_T("event", record->count ? record->events[0].kind : ""),
              LOG_T("subject", record->count ? record->events[0].subject : ""),
              LOG_T("error", err->text), LOG_END);
    if (recorder->failed == 0 && !record->overtaken &&
        (err->code == ERR_CONFLICT || err->code == ERR_DUPLICATE) && is_surprising(record, err))
        suspect(recorder, record);
    if (recorder->failed == 0 && !has_moved_on(record)) {
        take_back(core, record);
        answer_failed(record);
        orders_wake_dirty(core);
        return;
    }
    record->failed = true;
    recorder->failed++;
    if (recorder->in_flight == 0)
        take_back_all(recorder);
}

static void succeed(struct recorder *recorder, struct record *record)
{
    struct core *core = recorder->core;
    for (size_t i = 0; i < record->count; i++) {
        for (size_t k = 0; k < record->events[i].change_count; k++) {
            statistics_count(core, &record->events[i].changes[k]);
            intake_committed(core, &record->events[i].changes[k]);
        }
        for (struct core_listener *l = core->listeners; l; l = l->next)
            l->on_event(l->ctx, &record->events[i]);
    }
    wait_answer(record->to, NULL, NULL);
    for (size_t i = 0; i < record->count; i++)
        for (size_t k = 0; k < record->events[i].change_count; k++)
            orders_committed(core, &record->events[i].changes[k]);
    give(record);
    if (recorder->in_flight == 0 && recorder->failed > 0)
        take_back_all(recorder);
}

static void answered(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct record *record = owner;
    struct recorder *recorder = record->recorder;
    struct core *core = recorder->core;
    (void)handle;
    if (value && *(const int64_t *)value > recorder->seq)
        recorder->seq = *(const int64_t *)value;
    recorder->in_flight--;
    if (err) {
        /* What was asked before we joined, or under the term before, says nothing of this one. */
        bool fenced = err->code == ERR_FENCED && record->term && record->term == core->term;
        fail(recorder, record, err);
        if (fenced && recorder->fenced)
            recorder->fenced(core);
    } else {
        succeed(recorder, record);
    }
}

/* What stories over several writes, and what corrects our book by another's, is written in the
 * strictest isolation: seldom, and worth two round trips. */
static bool is_strict(const struct store_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(events[i].kind, "rollover.", 9) == 0 ||
            strncmp(events[i].kind, "reconciliation.", 15) == 0)
            return true;
    return false;
}

void record_write(struct core *core, const struct store_event *events, size_t count, bool unfenced,
                  struct waiter to)
{
    struct recorder *recorder = core->recorder;
    struct record *record = take(recorder);
    bool free = unfenced || MUTANT(MUTANT_FORGET_TERM) || MUTANT(MUTANT_SKIP_FENCE);
    struct store_write write = {
        /* Without a term the store would not ask: whoever has lost it writes nothing. */
        .term = free         ? 0
                : core->term ? core->term
                             : NO_TERM,
        .fence = unfenced ? NULL : holding_fence(core, events, count),
        .events = events,
        .event_count = count,
        .serializable = is_strict(events, count)};
    /* The one copy there is: the store reads it while the write is in flight. */
    write = store_write_copy(&record->arena, &write);
    record->events = write.events;
    record->count = count;
    record->to = to;
    recorder->in_flight++;
    record->number = ++recorder->asked;
    record->term = core->term;
    store_write(core->store, &write, (struct waiter){.answer = answered, .owner = record});
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < events[i].change_count; k++)
            book_apply_change(core->book, &record->events[i].changes[k]);
}

const void *record_inserting(const struct core *core, enum table_id table, const char *key)
{
    for (const struct record *r = core->recorder->first; r; r = r->next)
        for (size_t i = 0; i < r->count; i++)
            for (size_t k = 0; k < r->events[i].change_count; k++) {
                const struct change *change = &r->events[i].changes[k];
                if (!change->before && change->table->id == table &&
                    strcmp(row_key(change->table, change->after), key) == 0)
                    return change->after;
            }
    return NULL;
}

bool record_has_failed(const struct core *core, enum table_id table, const char *key)
{
    for (const struct record *r = core->recorder->first; r; r = r->next)
        for (size_t i = 0; r->failed && i < r->count; i++)
            for (size_t k = 0; k < r->events[i].change_count; k++)
                if (r->events[i].changes[k].table->id == table &&
                    strcmp(row_key(&tables[table], r->events[i].changes[k].after), key) == 0)
                    return true;
    return false;
}

/* ---- what others write ---- */

const void *record_base(const struct core *core, const struct table *table, const char *key,
                        bool *in_flight)
{
    *in_flight = true;
    for (const struct record *r = core->recorder->first; r; r = r->next) {
        size_t at = 0;
        for (size_t i = 0; i < r->count; i++)
            for (size_t k = 0; k < r->events[i].change_count; k++, at++) {
                const struct change *change = &r->events[i].changes[k];
                if ((!r->overtaken || !r->overtaken[at]) && change->table == table &&
                    strcmp(row_key(table, change->after), key) == 0)
                    return change->before;
            }
    }
    *in_flight = false;
    return book_get(core->book, table->id, key);
}

/* The entries of the same event are the change's own. The rows are ours until the store has put
 * them into words. */
static void rebase(const struct store_event *event, const struct change *change,
                   struct account *onto)
{
    struct account was = *(const struct account *)change->before;
    struct account *before = (struct account *)(uintptr_t)change->before;
    struct account *after = (struct account *)(uintptr_t)change->after;
    struct ledger *entries[STORE_CHANGES_MAX];
    size_t count = 0;
    for (size_t k = 0; k < event->change_count; k++)
        if (event->changes[k].table->id == TABLE_LEDGER)
            entries[count++] = (struct ledger *)(uintptr_t)event->changes[k].after;
    struct account meant = *after;
    portfolio_rebase(&was, onto, after, entries, count);
    if (MUTANT(MUTANT_NO_REBASE)) { /* over what the other has written */
        after->deposits = meant.deposits;
        after->equity = meant.equity;
    }
    *before = *onto;
    *onto = *after;
}

/* A later write of ours on the same row may happen to start from the number theirs now has. The
 * rows are ours until the store has put them into words: it refuses one whose version does not
 * follow. */
static void doom(const struct change *change)
{
    const struct table *table = change->table;
    if (!change->before || table->version_column < 0)
        return;
    const struct column *version = &table->columns[table->version_column];
    memcpy((char *)(uintptr_t)change->before + version->offset,
           (const char *)change->after + version->offset, version->size);
}

void record_overtake(struct core *core, const struct change *theirs)
{
    const struct table *table = theirs->table;
    const char *key = row_key(table, theirs->after);
    bool moves = table->id == TABLE_ACCOUNT;
    struct account onto;
    if (moves)
        onto = *(const struct account *)theirs->after;
    for (struct record *r = core->recorder->first; r; r = r->next) {
        size_t at = 0;
        for (size_t i = 0; i < r->count; i++)
            for (size_t k = 0; k < r->events[i].change_count; k++, at++) {
                const struct change *change = &r->events[i].changes[k];
                if (change->table != table || strcmp(row_key(table, change->after), key) != 0)
                    continue;
                if (moves && change->before && !r->failed) {
                    rebase(&r->events[i], change, &onto);
                    continue;
                }
                if (!r->overtaken)
                    r->overtaken = arena_alloc(&r->arena, count_changes(r) * sizeof *r->overtaken);
                r->overtaken[at] = true;
                doom(change);
            }
    }
    if (moves)
        book_put(core->book, TABLE_ACCOUNT, &onto);
    else
        book_apply_change(core->book, theirs);
}

void record_heard(struct core *core, int64_t seq)
{
    if (seq > core->recorder->seq)
        core->recorder->seq = seq;
}
