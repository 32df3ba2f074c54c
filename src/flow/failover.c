/* One row for each change of leadership: lost, noticed, trading again. Recorded by the new leader
 * when it may trade, so that a takeover that never came that far counts for nothing. */
#include "flow/failover.h"
#include "flow/flows.h"
#include "flow/holding.h"
#include "flow/record.h"
#include "flow/roll.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { KEPT = 5 };
#define AGAIN_US 1000000

struct failovers { /* the last ones, newest first, whoever recorded them */
    struct failover kept[KEPT];
    size_t count;
    bool read, asking;
    int64_t again_us; /* steady */
    struct metric *total, *missed, *last, *average, *target;
};

static void remember(struct core *core, int64_t term, const char *name, int64_t at_us,
                     const char *reason)
{
    core->led.term = term;
    core->led.lost_us = at_us;
    core->led.noticed_us = clock_wall(core->clock);
    text_copy(core->led.name, sizeof core->led.name, name);
    text_copy(core->led.reason, sizeof core->led.reason, reason);
}

static const struct lease_row *leader_row(const struct core *core)
{
    return book_get(core->book, TABLE_LEASE, LEADER_KEY);
}

void failover_died(struct core *core, const struct member *member)
{
    const struct lease_row *row = leader_row(core);
    if (member->state != MEMBER_ALIVE && core_is_leader(core))
        roll_look_again(core);
    if (member->state == MEMBER_ALIVE || !row || row->term != member->term)
        return;
    remember(core, member->term, member->name, member->ended_us, member->reason);
}

static void count_failover(struct core *core, const struct failover *row);

void failover_follow(struct core *core, const struct change *change)
{
    if (change->table->id == TABLE_MEMBER) {
        failover_died(core, change->after);
        return;
    }
    if (change->table->id == TABLE_FAILOVER) {
        count_failover(core, change->after);
        return;
    }
    const struct lease_row *before = change->before, *after = change->after;
    bool given = after->term == 0 || after->term == core->term;
    if (change->table->id == TABLE_LEASE && before && before->term && before->term != after->term &&
        given && strcmp(after->id, LEADER_KEY) == 0)
        remember(core, before->term, before->holder, after->since_us, "handed over");
}

void failover_begin(struct core *core)
{
    const struct lease_row *row = leader_row(core);
    char id[sizeof((struct member *)0)->id];
    if (!row || !row->term || row->term == core->term || core->led.term == row->term)
        return;
    snprintf(id, sizeof id, "%" PRId64, row->term);
    const struct member *member = book_get(core->book, TABLE_MEMBER, id);
    remember(core, row->term, row->holder,
             member && member->ended_us ? member->ended_us : clock_wall(core->clock),
             member && *member->reason ? member->reason : "not there any more");
}

/* ---- the last ones ---- */

struct failovers_view failovers_now(const struct core *core)
{
    const struct failovers *all = core->failovers;
    struct failovers_view view = {.count = all->count,
                                  .target_us = core->options.failover_target_us};
    for (size_t i = 0; i < all->count; i++)
        view.average_us += all->kept[i].took_us / (int64_t)all->count;
    if (all->count)
        view.last = &all->kept[0];
    return view;
}

/* Before the newer ones; the same one may be heard twice, from the log and from the table. */
void failover_heard(struct core *core, const struct failover *row)
{
    struct failovers *all = core->failovers;
    size_t at = 0;
    while (at < all->count && all->kept[at].found_term > row->found_term)
        at++;
    if (at == KEPT || (at < all->count && all->kept[at].found_term == row->found_term))
        return;
    size_t moved = (all->count < KEPT ? all->count : KEPT - 1) - at;
    memmove(&all->kept[at + 1], &all->kept[at], moved * sizeof all->kept[0]);
    all->kept[at] = *row;
    all->count += all->count < KEPT;
    metric_set(all->last, (double)all->kept[0].took_us / 1e6);
    metric_set(all->average, (double)failovers_now(core).average_us / 1e6);
}

static void count_failover(struct core *core, const struct failover *row)
{
    failover_heard(core, row);
    metric_add(core->failovers->total, 1);
    if (!row->target_met)
        metric_add(core->failovers->missed, 1);
}

struct noted { /* of the write's waiter */
    struct core *core;
    struct failover row;
};

static void note_recorded(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct noted *noted = owner;
    (void)handle;
    (void)value;
    if (!err)
        count_failover(noted->core, &noted->row);
    record_drop(noted->core, noted);
}

void failover_note(struct core *core)
{
    struct failover row;
    struct store_event event;
    if (!core->led.term || core->led.term == core->term)
        return;
    row_init(&tables[TABLE_FAILOVER], &row);
    snprintf(row.id, sizeof row.id, "%" PRId64, core->term);
    text_copy(row.lost, sizeof row.lost, core->led.name);
    text_copy(row.found, sizeof row.found, core->options.instance);
    text_copy(row.reason, sizeof row.reason, core->led.reason);
    row.lost_term = core->led.term;
    row.found_term = core->term;
    row.lost_us = core->led.lost_us;
    row.noticed_us = core->led.noticed_us;
    row.trading_us = clock_wall(core->clock);
    row.took_us = row.trading_us > row.lost_us ? row.trading_us - row.lost_us : 0;
    row.target_met = row.took_us <= core->options.failover_target_us;
    core->led.term = 0;
    log_write(core->log, row.target_met ? LOG_WARN : LOG_ERROR, "failover",
              row.target_met ? "this instance leads now"
                             : "this instance leads now; it took longer than the target",
              LOG_T("lost", row.lost), LOG_T("why", row.reason), LOG_MS("took_ms", row.took_us),
              LOG_MS("target_ms", core->options.failover_target_us), LOG_END);
    event_start(core, &event, "failover", row.id);
    event_change(&event, TABLE_FAILOVER, NULL, &row);
    struct noted *noted = record_keep(core, sizeof *noted);
    *noted = (struct noted){core, row};
    record_write(core, &event, 1, false, (struct waiter){.answer = note_recorded, .owner = noted});
}

/* ---- at a start: what the log has ---- */

static void hear_last(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct core *core = owner;
    struct failovers *all = core->failovers;
    const struct store_rows *rows = value;
    (void)handle;
    if (!all)
        return;
    all->asking = false;
    all->read = !err;
    all->again_us = clock_steady(core->clock) + AGAIN_US;
    for (size_t i = rows && !err ? rows->count : 0; i-- > 0;)
        failover_heard(core, rows->rows[i]);
}

int64_t failover_turn(struct core *core)
{
    struct failovers *all = core->failovers;
    struct store_query query = {
        .table = TABLE_FAILOVER, .order_by = "trading_at", .descending = true, .limit = KEPT};
    if (all->read || all->asking || !core->term)
        return INT64_MAX;
    if (clock_steady(core->clock) < all->again_us)
        return all->again_us;
    all->asking = true;
    store_query(core->store, &query, (struct waiter){.answer = hear_last, .owner = core});
    return INT64_MAX;
}

/* ---- its life ---- */

void failovers_new(struct core *core)
{
    struct failovers *all = mem_alloc(sizeof *all);
    struct metrics *m = core->metrics;
    core->failovers = all;
    if (!m)
        return;
    all->total = metric_counter(m, "tidelock_failovers_total",
                                "Changes of leadership that this instance heard of.", NULL);
    all->missed = metric_counter(m, "tidelock_failovers_missed_total",
                                 "Of them, those that took longer than the target.", NULL);
    all->last = metric_gauge(m, "tidelock_failover_last_seconds",
                             "The last change of leadership: from the last sign of life of who led "
                             "to the next one trading.",
                             NULL);
    all->average =
        metric_gauge(m, "tidelock_failover_average_seconds", "The same, of the last five.", NULL);
    all->target = metric_gauge(m, "tidelock_failover_target_seconds",
                               "What it may take (leases.failover_target).", NULL);
    metric_set(all->target, (double)core->options.failover_target_us / 1e6);
}

void failovers_free(struct core *core)
{
    mem_free(core->failovers);
    core->failovers = NULL;
}
