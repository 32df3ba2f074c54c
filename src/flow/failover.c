/* One row for each change of leadership: lost, noticed, trading again. Recorded by the new leader
 * when it may trade, so that a takeover that never came that far counts for nothing. */
#include "flow/failover.h"
#include "flow/flows.h"
#include "flow/holding.h"
#include "flow/record.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void remember(struct core *core, int64_t term, const char *name, int64_t at_us,
                     const char *reason)
{
    core->led.term = term;
    core->led.lost_us = core->led.noticed_us = at_us;
    text_copy(core->led.name, sizeof core->led.name, name);
    text_copy(core->led.reason, sizeof core->led.reason, reason);
}

static const struct lease_row *leader_row(const struct core *core)
{
    return book_get(core->book, TABLE_LEASE, LEADER_KEY);
}

static void follow_member(struct core *core, const struct member *member)
{
    const struct lease_row *row = leader_row(core);
    if (member->state == MEMBER_ALIVE || !row || row->term != member->term)
        return;
    remember(core, member->term, member->name, member->ended_us, member->reason);
}

void failover_follow(struct core *core, const struct change *change)
{
    if (change->table->id == TABLE_MEMBER) {
        follow_member(core, change->after);
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
              LOG_END);
    event_start(core, &event, "failover", row.id);
    event_change(&event, TABLE_FAILOVER, NULL, &row);
    record_write(core, &event, 1, false, (struct waiter){0});
}
