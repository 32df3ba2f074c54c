/* Every instance keeps the whole live book and applies to it what the others write, in the order of
 * the log: followers are ready at any moment, and a takeover loads nothing.
 *
 *     event of another instance
 *       each change   on the row as the log has it: writes of ours in flight come after it
 *                     (record_overtake); counted; told to orders, halts, leases
 *       then          intake: who waits for this signal's answer, and whose turn it is
 *                     listeners: dashboards show everything, whoever did it
 *
 * A live book forgets what is final. When somebody else makes such a row live again (a dead letter
 * that is taken back, a fill that comes late), the event has only what changed, and the row is read
 * from the store. */
#include "flow/follow.h"
#include "flow/claiming.h"
#include "flow/failover.h"
#include "flow/flow.h"
#include "flow/flows.h"
#include "flow/holding.h"
#include "flow/intake.h"
#include "flow/match.h"
#include "flow/mutant.h"
#include "flow/orders.h"
#include "flow/record.h"
#include "flow/statistics.h"
#include "trade/order.h"
#include <string.h>

#define REPAIR_AGAIN_US 100000

struct repair { /* until it is done, whatever happens to the story that reads it */
    struct repair *next;
    enum table_id table;
    char key[KEY_SIZE];
    bool running;
};
struct follow {
    struct arena arena; /* of the event at hand */
    struct store_event told;
    struct repair *repairs; /* rows that are being read */
    struct metric *events, *repaired;
};

struct follow *follow_new(struct core *core)
{
    struct follow *follow = mem_alloc(sizeof *follow);
    arena_init(&follow->arena, 16384);
    if (core->metrics) {
        follow->events = metric_counter(core->metrics, "tidelock_followed_events_total",
                                        "Events of other instances that were applied.", NULL);
        follow->repaired =
            metric_counter(core->metrics, "tidelock_followed_repairs_total",
                           "Rows that had to be read again to follow the log.", NULL);
    }
    return follow;
}

void follow_free(struct core *core)
{
    if (!core->follow)
        return;
    for (struct repair *next; core->follow->repairs; core->follow->repairs = next) {
        next = core->follow->repairs->next;
        mem_free(core->follow->repairs);
    }
    arena_free(&core->follow->arena);
    mem_free(core->follow);
    core->follow = NULL;
}

bool follow_is_on(const struct core *core)
{
    return core->store->ops->beat != NULL;
}

bool follow_is_settled(const struct core *core)
{
    return core->follow->repairs == NULL;
}

/* ---- reading a row again ---- */

static struct repair *repair_of(const struct flow *flow)
{
    return *(struct repair *const *)flow->data;
}

static enum step_result read(struct flow *flow)
{
    const struct repair *repair = repair_of(flow);
    struct store_query query = {.table = repair->table,
                                .where = {{.column = tables[repair->table].columns[0].name,
                                           .op = STORE_EQ,
                                           .value = repair->key}},
                                .where_count = 1,
                                .limit = 1};
    store_query(flow->core->store, &query, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result read_answer(struct flow *flow, const struct err *err, const void *value)
{
    const struct repair *repair = repair_of(flow);
    struct core *core = flow->core;
    const struct table *table = &tables[repair->table];
    const struct store_rows *rows = value;
    bool in_flight;
    if (err && err->code == ERR_TIMEOUT)
        return read(flow);
    if (err && err->class == ERR_REFUSED)
        return flow_fail(flow, err);
    if (err) {
        flow_deadline(flow, clock_steady(core->clock) + REPAIR_AGAIN_US);
        return STEP_WAIT;
    }
    const void *ours = record_base(core, table, repair->key, &in_flight);
    if (in_flight) { /* what becomes of it decides */
        flow_deadline(flow, clock_steady(core->clock) + REPAIR_AGAIN_US);
        return STEP_WAIT;
    }
    if (rows->count == 0)
        book_remove(core->book, repair->table, repair->key);
    else if (!ours || row_version(table, rows->rows[0]) > row_version(table, ours))
        book_apply_change(core->book, &(struct change){table, ours, rows->rows[0]});
    if (repair->table == TABLE_ORDER && rows->count)
        holding_note_ended(core, rows->rows[0]);
    orders_follow(core, repair->table, repair->key);
    if (repair->table == TABLE_SIGNAL)
        intake_follow(core, repair->key, NULL);
    return STEP_NEXT;
}

static void repaired(struct flow *flow, const struct err *err)
{
    struct repair *repair = repair_of(flow), **at = &flow->core->follow->repairs;
    repair->running = false;
    if (err)
        return; /* the next turn begins it again */
    while (*at != repair)
        at = &(*at)->next;
    *at = repair->next;
    mem_free(repair);
}

static const struct step repair_row[] = {{"read", read, read_answer, NULL, 0, 0}};
static const struct story repair_row_story = {
    .name = "repair_row", STORY(repair_row), .ended = repaired};

static void begin(struct core *core, struct repair *repair)
{
    repair->running = true;
    if (!flow_begin(core, &repair_row_story, repair->key, &repair, sizeof repair,
                    (struct waiter){0}))
        repair->running = false;
}

void follow_repair(struct core *core, enum table_id table, const char *key)
{
    struct repair *repair = mem_alloc(sizeof *repair);
    repair->table = table;
    text_copy(repair->key, sizeof repair->key, key);
    repair->next = core->follow->repairs;
    core->follow->repairs = repair;
    metric_add(core->follow->repaired, 1);
    begin(core, repair);
}

int64_t follow_turn(struct core *core)
{
    for (struct repair *r = core->follow->repairs, *next; r; r = next) {
        next = r->next;
        if (!r->running)
            begin(core, r);
    }
    return INT64_MAX;
}

/* ---- one change ---- */

/* Of a row that the book has forgotten, or never knew: the columns that changed tell whether it
 * lives again. */
static bool lives_again(const struct table *table, const void *partial, const struct json *set)
{
    if (table->id == TABLE_SIGNAL)
        return json_get(set, "state") && !signal_is_final(((const struct signal *)partial)->state);
    if (table->id == TABLE_ORDER)
        return json_get(set, "state") && !order_is_final(((const struct order *)partial)->state);
    if (table->id == TABLE_POSITION)
        return json_get(set, "status") &&
               ((const struct position *)partial)->status != POSITION_CLOSED;
    return table->id != TABLE_MEMBER;
}

static void count_change(struct core *core, const struct change *change)
{
    statistics_count(core, change);
    intake_committed(core, change);
    if (change->table->id == TABLE_ORDER && !change->before)
        orders_note_new(core);
}

/* An event about a row whose state before it is not at hand: because the row was read again and is
 * ahead of what is told, or because it was forgotten. What the columns tell is counted; what they
 * do not tell makes the log be counted again. */
static void count_partial(struct core *core, const struct table *table, const void *base,
                          const void *after, const struct json *set)
{
    if (table->id == TABLE_ORDER && row_version(table, after) == 1) {
        count_change(core, &(struct change){.table = table, .after = after});
    } else if (table->id == TABLE_SIGNAL && row_version(table, after) == 1) {
        count_change(core, &(struct change){.table = table, .after = after});
    } else if (table->id == TABLE_SIGNAL && json_get(set, "state")) {
        struct signal was = *(const struct signal *)after;
        was.state = was.state == SIGNAL_RECEIVED ? SIGNAL_RETRYING : SIGNAL_RECEIVED;
        if (base)
            count_change(core, &(struct change){table, &was, after});
        else
            statistics_recover(core);
    } else if (table->id == TABLE_POSITION &&
               (json_get(set, "realised") || json_get(set, "status"))) {
        statistics_recover(core);
    }
}

static void tell_parts(struct core *core, const struct change *change)
{
    switch (change->table->id) {
    case TABLE_SIGNAL:
        intake_seen(core, row_key(change->table, change->after));
        break;
    case TABLE_ORDER:
        holding_note_ended(core, change->after);
        orders_follow(core, TABLE_ORDER, row_key(change->table, change->after));
        break;
    case TABLE_HALT: {
        const struct halt *halt = change->after;
        core->halt = halt->level;
        core->flatten_us = 0;
        log_write(core->log, halt->level == HALT_NONE ? LOG_INFO : LOG_WARN, "halt",
                  "another instance has changed the halt level",
                  LOG_T("halt", halt_level_names[halt->level]), LOG_T("who", halt->who), LOG_END);
        break;
    }
    case TABLE_STAT:
        statistics_followed(core, change->after);
        break;
    case TABLE_FAILOVER:
        failover_follow(core, change);
        break;
    case TABLE_MEMBER:
    case TABLE_LEASE:
        failover_follow(core, change);
        holdings_look(core);
        break;
    default:
        break;
    }
}

static bool apply(struct core *core, const struct event *event, const struct json *json,
                  struct err *err)
{
    struct follow *follow = core->follow;
    const struct table *table;
    const char *key;
    const struct json *set;
    bool in_flight;
    if (!event_change_read(event, json, &table, &key, &set, err))
        return false;
    const void *before = record_base(core, table, key, &in_flight);
    void *after = arena_alloc(&follow->arena, table->row_size);
    if (before)
        row_copy(table, after, before, &follow->arena);
    else
        row_init(table, after);
    if ((!before && !column_parse(&table->columns[0], after, key, &follow->arena, err)) ||
        !row_from_json(table, after, set, &follow->arena, err))
        return false;
    bool versions = table->version_column >= 0;
    int64_t was = before && versions ? row_version(table, before) : 0;
    int64_t now = versions ? row_version(table, after) : 0;
    if (before && (!versions || now <= was) && !MUTANT(MUTANT_FOLLOW_TWICE)) {
        count_partial(core, table, before, after, set); /* it was read before it was told */
        return true;
    }
    if (now > was + 1 && !(MUTANT(MUTANT_FOLLOW_TWICE) && before)) {
        count_partial(core, table, before, after, set);
        if (before || lives_again(table, after, set))
            follow_repair(core, table->id, key);
        return true;
    }
    if (before) {
        void *kept = arena_alloc(&follow->arena, table->row_size);
        row_copy(table, kept, before, &follow->arena);
        before = kept;
    }
    const struct change change = {.table = table, .before = before, .after = after};
    count_change(core, &change);
    if (MUTANT(MUTANT_FOLLOW_TWICE))
        statistics_count(core, &change);
    if (in_flight)
        record_overtake(core, &change);
    else
        book_apply_change(core->book, &change);
    tell_parts(core, &change);
    if (follow->told.change_count < STORE_CHANGES_MAX)
        follow->told.changes[follow->told.change_count++] = change;
    return true;
}

/* ---- one event ---- */

static void tell_intake(struct core *core)
{
    const struct store_event *told = &core->follow->told;
    const struct decision *decision = NULL;
    for (size_t i = 0; i < told->change_count; i++)
        if (told->changes[i].table->id == TABLE_DECISION)
            decision = told->changes[i].after;
    for (size_t i = 0; i < told->change_count; i++) {
        if (told->changes[i].table->id != TABLE_SIGNAL)
            continue;
        const struct signal *row = told->changes[i].after;
        bool own = decision && strcmp(decision->signal_id, row->id) == 0;
        claiming_told(core, row->id);
        bool repeats = !told->changes[i].before && tickets_repeated(core, row->id);
        if (own || signal_is_final(row->state))
            intake_decided(core, row, own ? decision : NULL, NULL);
        else if (repeats)
            tickets_stand(core, row);
        intake_follow(core, row->id, told->changes[i].before);
    }
}

static void follow_event(struct core *core, const struct event *event)
{
    struct follow *follow = core->follow;
    struct err err = {0};
    arena_reset(&follow->arena);
    follow->told =
        (struct store_event){.kind = event->kind, .subject = event->subject, .at_us = event->at_us};
    record_heard(core, event->seq);
    match_follow(core, event, &follow->arena);
    const struct json *change = event_changes(event, &follow->arena, &err);
    for (; change && err.code == ERR_OK; change = change->next)
        if (!apply(core, event, change, &err))
            break;
    if (err.code != ERR_OK)
        log_write(core->log, LOG_ERROR, "follow", "an event of another instance does not read",
                  LOG_I("seq", event->seq), LOG_T("error", err.text), LOG_END);
    metric_add(follow->events, 1);
    tell_intake(core);
    for (struct core_listener *l = core->listeners; l; l = l->next)
        l->on_event(l->ctx, &follow->told);
}

void follow_events(void *ctx, const struct event *events, size_t count)
{
    struct core *core = ctx;
    for (size_t i = 0; i < count; i++)
        follow_event(core, &events[i]);
    orders_wake_dirty(core);
}
