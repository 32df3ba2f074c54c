/* The statistics rows that decisions see live in core->stats; what the store has of them is
 * remembered here, so that a save writes only what changed.
 *
 * A save holds what was committed when it was asked, and its event says so ("through"): writes in
 * flight beside it may precede it in the log without being in it. After a crash the counts since
 * the last save are not in any row: the log is folded once more, in pages, before trading begins.
 */
#include "flow/statistics.h"
#include "flow/flows.h"
#include "flow/follow.h"
#include "flow/record.h"
#include "trade/stat.h"
#include <stdio.h>
#include <string.h>

enum { PAGE = 250 /* a few milliseconds of folding */, TAIL = 32 };
#define RECOVER_AGAIN_US 5000000

struct statistics {
    struct book *saved; /* as the store has them */
    struct book *late;  /* counted since the page of the log that is being read was asked for */
    size_t signals;     /* since the last save */
    struct stat *rows;  /* of the save under way */
    size_t row_room;
    bool dirty, saving;
    int64_t recover_us; /* steady: when counting again is tried again */
    bool begun;         /* the log was, or is being, counted */
    bool recovering;    /* the log is being counted: what commits meanwhile is in it */
    int64_t recovered;  /* the log was counted so far at the start; heard later, it is not counted
                           again */
    int64_t saved_us;
};

static bool keep_saved(void *ctx, const void *row)
{
    struct core *core = ctx;
    book_put(core->statistics->saved, TABLE_STAT, row);
    if (!book_get(core->stats, TABLE_STAT, row_key(&tables[TABLE_STAT], row)))
        book_put(core->stats, TABLE_STAT, row);
    return true;
}

struct statistics *statistics_new(struct core *core)
{
    struct statistics *statistics = mem_alloc(sizeof *statistics);
    statistics->saved = book_new();
    statistics->late = book_new();
    statistics->saved_us = clock_steady(core->clock);
    /* Among several the log is heard before it was counted. */
    statistics->recovering = follow_is_on(core);
    statistics->recover_us = INT64_MAX;
    core->statistics = statistics;
    return statistics;
}

void statistics_adopt(struct core *core)
{
    book_each(core->book, TABLE_STAT, keep_saved, core);
}

void statistics_free(struct statistics *statistics)
{
    if (!statistics)
        return;
    book_free(statistics->saved);
    book_free(statistics->late);
    mem_free(statistics->rows);
    mem_free(statistics);
}

void statistics_followed(struct core *core, const struct stat *row)
{
    book_put(core->statistics->saved, TABLE_STAT, row);
}

void statistics_count(struct core *core, const struct change *change)
{
    struct statistics *statistics = core->statistics;
    if (change->table->id == TABLE_STAT)
        return;
    if (statistics->recovering) {
        stat_count(statistics->late, change);
        return;
    }
    if (record_seq(core) && record_seq(core) <= statistics->recovered)
        return;
    stat_count(core->stats, change);
    statistics->dirty = true;
    statistics->signals += change->table->id == TABLE_SIGNAL && !change->before;
}

/* ---- saving ---- */

struct save { /* of the waiter: rows of one write, taken over when it has committed */
    struct core *core;
    struct waiter to;
    struct stat *rows; /* those of the statistics: one save at a time has any */
    size_t count;
    bool collects;
    int64_t through; /* the last event they count */
};

static bool collect(void *ctx, const void *row)
{
    struct save *save = ctx;
    struct stat stat = *(const struct stat *)row;
    const struct stat *saved = book_get(save->core->statistics->saved, TABLE_STAT, stat.id);
    stat.version = saved ? saved->version : 0;
    if (saved && row_equal(&tables[TABLE_STAT], saved, &stat, NULL))
        return true;
    stat.version++;
    struct statistics *statistics = save->core->statistics;
    if (save->count == statistics->row_room) {
        statistics->row_room = statistics->row_room ? statistics->row_room * 2 : 8;
        statistics->rows =
            mem_realloc(statistics->rows, statistics->row_room * sizeof *statistics->rows);
    }
    save->rows = statistics->rows;
    save->rows[save->count++] = stat;
    return true;
}

static void save_answered(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct save *save = owner;
    struct statistics *statistics = save->core->statistics;
    (void)handle;
    (void)value;
    if (save->collects)
        statistics->saving = false;
    if (err)
        statistics->dirty = true;
    for (size_t i = 0; !err && i < save->count; i++)
        book_put(statistics->saved, TABLE_STAT, &save->rows[i]);
    struct waiter to = save->to;
    record_drop(save->core, save);
    wait_answer(to, err, NULL);
}

/* One write, as many events as its rows need; none at all makes an empty write, which answers. */
static void write_rows(struct core *core, struct save *save)
{
    size_t per = STORE_CHANGES_MAX, count = (save->count + per - 1) / per;
    struct store_event *events = mem_alloc((count + 1) * sizeof *events);
    char cause[48];
    snprintf(cause, sizeof cause, "{\"through\":%lld}", (long long)save->through);
    for (size_t i = 0; i < save->count; i++) {
        struct store_event *event = &events[i / per];
        if (i % per == 0) {
            event_start(core, event, "statistics.saved", "statistics");
            event->cause = cause;
        }
        event_change(event, TABLE_STAT,
                     book_get(core->statistics->saved, TABLE_STAT, save->rows[i].id),
                     &save->rows[i]);
    }
    record_write(core, events, count, false,
                 (struct waiter){.answer = save_answered, .owner = save});
    mem_free(events);
}

static int64_t max_seq(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void statistics_save(struct core *core, struct waiter to)
{
    struct statistics *statistics = core->statistics;
    struct save *save = record_keep(core, sizeof *save);
    *save = (struct save){.core = core, .to = to};
    /* While one save is under way its rows are not known to stand, and while the log is counted
     * again there is nothing to save: this one writes nothing. */
    save->collects = !statistics->saving && !statistics->recovering && core_is_leader(core);
    if (save->collects) {
        save->through = max_seq(record_seq(core), statistics->recovered);
        book_each(core->stats, TABLE_STAT, collect, save);
        statistics->dirty = false;
        statistics->signals = 0;
        statistics->saved_us = clock_steady(core->clock);
    }
    statistics->saving |= save->collects;
    write_rows(core, save);
}

bool statistics_ready(const struct core *core)
{
    return !core->statistics->recovering;
}

int64_t statistics_turn(struct core *core)
{
    struct statistics *statistics = core->statistics;
    if (statistics->recovering && core->term && clock_steady(core->clock) >= statistics->recover_us)
        statistics_recover(core);
    if (!statistics->dirty || statistics->saving || statistics->recovering || !core->term)
        return INT64_MAX;
    int64_t due_us = statistics->saved_us + core->options.statistics_every_us;
    if (statistics->signals < core->options.statistics_every && clock_steady(core->clock) < due_us)
        return due_us;
    if (!core_is_leader(core))
        return INT64_MAX;
    statistics_save(core, (struct waiter){0});
    return INT64_MAX;
}

/* ---- counting again ---- */

struct recount {
    int64_t seq;       /* folded so far, or the last save */
    int64_t asked_seq; /* what was heard when the page was asked for; later counts are beside it */
    bool asked;        /* a recount is needed: all is folded, from the first event on */
    bool remembers;    /* final rows as well */
    struct book *folded, *stats;
};

static enum step_result ask_last_save(struct flow *flow)
{
    struct store_events_query query = {
        .kind_prefix = "statistics.saved", .limit = 1, .descending = true};
    store_events(flow->core->store, &query, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result hear_last_save(struct flow *flow, const struct err *err, const void *value)
{
    struct recount *recount = flow->data;
    const struct store_events *events = value;
    if (err)
        return flow_fail(flow, err);
    /* Not the save itself: writes that were in flight beside it stand before it, uncounted. */
    recount->seq = events->count ? event_counts_through(&events->list[0]) : 0;
    return STEP_NEXT;
}

static enum step_result ask_tail(struct flow *flow)
{
    struct recount *recount = flow->data;
    struct store_events_query query = {.after_seq = recount->seq, .limit = TAIL};
    store_events(flow->core->store, &query, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result hear_tail(struct flow *flow, const struct err *err, const void *value)
{
    struct recount *recount = flow->data;
    const struct store_events *events = value;
    if (err)
        return flow_fail(flow, err);
    recount->asked = events->count == TAIL || follow_is_on(flow->core);
    if (events->count)
        flow->core->statistics->recovered = events->list[events->count - 1].seq;
    else
        flow->core->statistics->recovered = recount->seq;
    /* What was heard since this was asked was not counted: look again. */
    if (!recount->asked && record_seq(flow->core) > flow->core->statistics->recovered)
        return ask_tail(flow);
    for (size_t i = 0; i < events->count; i++)
        recount->asked |= text_starts(events->list[i].kind, "signal.") ||
                          text_starts(events->list[i].kind, "order.") ||
                          text_starts(events->list[i].kind, "rollover.") ||
                          text_starts(events->list[i].kind, "reconciliation.adjusted");
    return recount->asked ? STEP_NEXT : STEP_END;
}

static bool forget_row(void *ctx, const void *row)
{
    book_remove(ctx, TABLE_STAT, row_key(&tables[TABLE_STAT], row));
    return true;
}

static void ask_page(struct flow *flow)
{
    struct recount *recount = flow->data;
    struct book *late = flow->core->statistics->late;
    struct store_events_query query = {.after_seq = recount->seq, .limit = PAGE};
    recount->asked_seq = record_seq(flow->core);
    book_each(late, TABLE_STAT, forget_row, late);
    store_events(flow->core->store, &query, flow_waiter(flow));
}

static void drop_fold(struct flow *flow)
{
    struct recount *recount = flow->data;
    book_free(recount->folded);
    book_free(recount->stats);
    recount->folded = recount->stats = NULL;
}

static enum step_result ask_fold(struct flow *flow)
{
    struct recount *recount = flow->data;
    drop_fold(flow);
    recount->seq = 0;
    recount->folded = book_new();
    recount->stats = book_new();
    /* A year of signals must not stand in memory; that one in a thousand needs its final row again.
     */
    book_forget_final(recount->folded, !recount->remembers);
    ask_page(flow);
    return STEP_WAIT;
}

static void count_folded(void *ctx, const struct event *event, const struct change *change)
{
    struct recount *recount = ctx;
    (void)event;
    stat_count(recount->stats, change);
}

static bool take_counted(void *ctx, const void *row)
{
    struct core *core = ctx;
    book_put(core->stats, TABLE_STAT, row);
    return true;
}

static bool add_late(void *ctx, const void *row)
{
    struct core *core = ctx;
    stat_add(core->stats, row);
    return true;
}

static enum step_result hear_fold(struct flow *flow, const struct err *err, const void *value)
{
    struct recount *recount = flow->data;
    const struct store_events *events = value;
    if (err)
        return flow_fail(flow, err);
    bool last = events->count < PAGE, heard = record_seq(flow->core) != recount->asked_seq;
    /* What was heard since the page was asked for was counted as it was heard. */
    bool split = last && heard && recount->asked_seq && recount->asked_seq >= recount->seq;
    for (size_t i = 0; i < events->count; i++) {
        if (split && events->list[i].seq > recount->asked_seq)
            break;
        if (!event_fold_each(recount->folded, &events->list[i], count_folded, recount,
                             &flow->err)) {
            if (recount->remembers)
                return STEP_FAIL;
            recount->remembers = true; /* a final row has changed: once more, forgetting nothing */
            return ask_fold(flow);
        }
        recount->seq = events->list[i].seq;
    }
    if (!last || (heard && !split)) {
        ask_page(flow);
        return STEP_WAIT;
    }
    book_each(recount->stats, TABLE_STAT, take_counted, flow->core);
    book_each(flow->core->statistics->late, TABLE_STAT, add_late, flow->core);
    flow->core->statistics->recovered = recount->seq;
    flow->core->statistics->dirty = true;
    return STEP_NEXT;
}

static const struct step recount_steps[] = {
    {"last save", ask_last_save, hear_last_save, NULL, 0, 0},
    {"tail", ask_tail, hear_tail, NULL, 0, 0},
    {"fold", ask_fold, hear_fold, drop_fold, 0, 0},
};
/* Without it nothing is counted and nothing saved: it is tried until it is done. */
static void end_recovery(struct flow *flow, const struct err *err)
{
    struct core *core = flow->core;
    core->statistics->recovering = err != NULL;
    if (!err)
        return;
    core->statistics->recover_us = clock_steady(core->clock) + RECOVER_AGAIN_US;
    log_write(core->log, LOG_ERROR, "statistics", "the log could not be counted again",
              LOG_T("error", err->text), LOG_END);
}

static const struct story recount_story = {
    .name = "recount_statistics", STORY(recount_steps), .ended = end_recovery};

void statistics_begin(struct core *core)
{
    struct statistics *statistics = core->statistics;
    /* One that joins again has gone on counting. */
    if (!follow_is_on(core) ||
        (statistics->recovering && statistics->recover_us == INT64_MAX && !statistics->begun))
        statistics_recover(core);
    statistics->begun = true;
}

void statistics_recover(struct core *core)
{
    struct statistics *statistics = core->statistics;
    statistics->recovering = true;
    statistics->recover_us = INT64_MAX; /* under way */
    if (!flow_begin(core, &recount_story, "statistics", NULL, sizeof(struct recount),
                    (struct waiter){0}))
        statistics->recover_us = clock_steady(core->clock) + RECOVER_AGAIN_US;
}
