/* The judge. It believes the broker's own book, the store's tables and the log, and nothing a host
 * says. */
#include "sim.h"
#include "store/fence.h"
#include "trade/stat.h"
#include <stdio.h>
#include <string.h>

/* Orders of a minute, by whichever host: a right to send lasts five seconds at most. */
static void check_rate(struct world *world)
{
    size_t recent = 1;
    for (size_t i = 0; i < world->entered; i++)
        recent += world->clock.now_steady_us - world->entered_us[i] < 45000000;
    if (recent > ENTRIES_MAX)
        world_fault(world, "%zu entries left within a minute; %d are allowed", recent, ENTRIES_MAX);
    if (world->entered < SIGNALS_MAX)
        world->entered_us[world->entered++] = world->clock.now_steady_us;
}

/* Asked at the moment an order leaves: the right to send it must be committed. */
void oracle_placed(struct world *world, const struct right_to_send *right)
{
    const struct order *row = book_get(store_mem_book(world->store), TABLE_ORDER, right->order->id);
    if (!row || row->attempt < right->order->attempt)
        world_fault(world, "order %s left before its right to send was durable", right->order->id);
    if (world->plan.rails && !right->order->reduces && right->order->attempt == 1)
        check_rate(world);
}

/* ---- orders ---- */

struct broker_sum { /* what the broker did, by instrument */
    struct world *world;
    struct decimal lots[INSTRUMENTS];
};

static size_t index_of(const char *instrument)
{
    size_t i = 0;
    while (i + 1 < sim_instruments.count && strcmp(sim_instruments.list[i].name, instrument) != 0)
        i++;
    return i;
}

static void check_broker_order(void *ctx, const struct order *order, size_t accepted)
{
    struct broker_sum *sum = ctx;
    struct world *world = sum->world;
    const struct order *row = book_get(store_mem_book(world->store), TABLE_ORDER, order->id);
    struct decimal *lots = &sum->lots[index_of(order->instrument)];
    char text[2][DECIMAL_TEXT_MAX];
    *lots = order->side == ORDER_BUY ? decimal_add(*lots, order->filled)
                                     : decimal_sub(*lots, order->filled);
    if (accepted > 1)
        world_fault(world, "the broker accepted order %s %zu times", order->id, accepted);
    if (!row) {
        world_fault(world, "the broker has order %s, the store does not", order->id);
    } else if (!decimal_eq(row->filled, order->filled)) {
        decimal_print(order->filled, text[0]);
        decimal_print(row->filled, text[1]);
        world_fault(world, "order %s: the broker filled %s, the store says %s (%s)", order->id,
                    text[0], text[1], order_state_names[row->state]);
    }
}

static bool check_order_row(void *ctx, const void *row)
{
    struct world *world = ctx;
    const struct order *order = row;
    if (!order_is_final(order->state))
        world_fault(world, "order %s is still %s: %s", order->id, order_state_names[order->state],
                    order->reason);
    if (order->state == ORDER_FILLED && paper_count_accepted(world->paper, order->id) == 0)
        world_fault(world, "order %s is filled, the broker never had it", order->id);
    return true;
}

struct store_sum {
    struct world *world;
    struct decimal lots[INSTRUMENTS];
};

static bool add_position(void *ctx, const void *row)
{
    struct store_sum *sum = ctx;
    const struct position *position = row;
    if (position->rollover == ROLLOVER_IN_PROGRESS)
        world_fault(sum->world, "position %s is between two contracts", position->id);
    struct decimal *lots = &sum->lots[index_of(position->instrument)];
    *lots = position->side == SIDE_LONG ? decimal_add(*lots, position->quantity)
                                        : decimal_sub(*lots, position->quantity);
    return true;
}

static void check_positions(struct world *world, const struct broker_sum *broker)
{
    struct store_sum store = {.world = world};
    char text[2][DECIMAL_TEXT_MAX];
    for (size_t i = 0; i < INSTRUMENTS; i++)
        store.lots[i] = decimal_int(0);
    book_each(store_mem_book(world->store), TABLE_POSITION, add_position, &store);
    for (size_t i = 0; i < INSTRUMENTS; i++) {
        if (decimal_eq(store.lots[i], broker->lots[i]))
            continue;
        decimal_print(store.lots[i], text[0]);
        decimal_print(broker->lots[i], text[1]);
        world_fault(world, "%s: positions are %s lots, the broker's fills add up to %s",
                    sim_instruments.list[i].name, text[0], text[1]);
    }
}

/* ---- signals ---- */

static bool check_signal_row(void *ctx, const void *row)
{
    struct world *world = ctx;
    const struct signal *signal = row;
    if (!signal_is_final(signal->state))
        world_fault(world, "signal %s is still %s at step %s: %s", signal->id,
                    signal_state_names[signal->state], signal->step, signal->reason);
    return true;
}

static void check_senders(struct world *world)
{
    for (size_t i = 0; i < world->plan.signals; i++) {
        const struct sent *sent = &world->sent[i];
        if (sent->accepted && !book_get(store_mem_book(world->store), TABLE_SIGNAL, sent->row.id))
            world_fault(world, "signal %s was acknowledged and is not in the store", sent->row.id);
    }
}

/* ---- the log ---- */

struct log_check {
    struct world *world;
    struct replay replay;
    struct book *owners; /* the fold as of the event at hand */
};

/* Whoever changes what belongs to a key has it, as the log tells. */
static const char *instrument_in(const struct change *change)
{
    if (change->table->id == TABLE_ORDER)
        return ((const struct order *)change->after)->instrument;
    if (change->table->id == TABLE_POSITION)
        return ((const struct position *)change->after)->instrument;
    if (change->table->id == TABLE_DECISION)
        return ((const struct decision *)change->after)->instrument;
    return NULL;
}

static void check_key(struct world *world, const struct book *book, const struct event *event,
                      const struct change *change)
{
    char key[128] = "leader";
    const char *instrument = instrument_in(change);
    bool leads = strcmp(event->kind, "statistics.saved") == 0 ||
                 strcmp(event->kind, "account.new_day") == 0 ||
                 strcmp(event->kind, "failover") == 0;
    if (!world->clustered || (!instrument && !leads))
        return;
    if (instrument && world->plan.mode == MODE_ACTIVE_ACTIVE)
        snprintf(key, sizeof key, "instrument:%s", instrument);
    if (fence_owner(book, key) != event->term)
        world_fault(world, "event %lld %s of %s was written under term %lld; %s belongs to %lld",
                    (long long)event->seq, event->kind, event->subject, (long long)event->term, key,
                    (long long)fence_owner(book, key));
}

static void watch_keys(void *ctx, const struct event *event, const struct change *change)
{
    struct log_check *check = ctx;
    check_key(check->world, check->owners, event, change);
}

static bool needs_term(const struct event *event)
{
    return text_starts(event->kind, "order.") || text_starts(event->kind, "signal.decided");
}

/* Nobody else trades on this account: whatever a comparison finds is its own mistake. */
static void check_reconciliation(struct world *world, const struct event *event)
{
    const char *list = strstr(event->body, "\"discrepancies\":[");
    if (strcmp(event->kind, "reconciliation.done") == 0 &&
        (!list || list[strlen("\"discrepancies\":[")] != ']'))
        world_fault(world, "event %lld finds differences where there are none: %.300s",
                    (long long)event->seq, list ? list : event->body);
}

static bool read_event(void *ctx, const struct event *event, struct err *err)
{
    struct log_check *check = ctx;
    seen_event(event->kind);
    check_reconciliation(check->world, event);
    if (needs_term(event) && !fence_lives(check->replay.book, event->term))
        world_fault(check->world,
                    "event %lld %s of %s was written under term %lld, which had ended",
                    (long long)event->seq, event->kind, event->subject, (long long)event->term);
    if (check->world->clustered && !event_fold_each(check->owners, event, watch_keys, check, err))
        return false;
    return replay_feed(&check->replay, event, err);
}

static bool check_stat_row(void *ctx, const void *row)
{
    struct log_check *check = ctx;
    const struct stat *counted = row;
    const struct stat *saved =
        book_get(store_mem_book(check->world->store), TABLE_STAT, counted->id);
    struct stat same = *counted;
    size_t column = 0;
    if (saved)
        same.version = saved->version;
    if (saved && row_equal(&tables[TABLE_STAT], saved, &same, &column))
        return true;
    struct str text = STR_EMPTY;
    column_print(&tables[TABLE_STAT].columns[column], &same, &text);
    str_puts(&text, " counted, saved ");
    if (saved)
        column_print(&tables[TABLE_STAT].columns[column], saved, &text);
    world_fault(check->world, "statistics %s: %s: %s", counted->id,
                tables[TABLE_STAT].columns[column].name, str_text(&text));
    str_free(&text);
    return true;
}

static void check_log(struct world *world)
{
    struct log_check check = {.world = world};
    struct book *folded = book_new();
    struct str text = STR_EMPTY;
    struct err err;
    check.owners = book_new();
    replay_init(&check.replay, folded);
    if (!store_read_events(world->store, 0, 0, read_event, &check, &err))
        world_fault(world, "the log does not fold: %s", err.text);
    if (book_compare(store_mem_book(world->store), folded, &text, 5) > 0)
        world_fault(world, "tables and log differ: %s", str_text(&text));
    str_clear(&text);
    if (replay_faults(&check.replay, &text, 5) > 0)
        world_fault(world, "the log breaks a rule: %s", str_text(&text));
    str_clear(&text);
    if (replay_audit(folded, &text, 5) > 0)
        world_fault(world, "the audit: %s", str_text(&text));
    book_each(check.replay.stats, TABLE_STAT, check_stat_row, &check);
    replay_free(&check.replay);
    book_free(check.owners);
    book_free(folded);
    str_free(&text);
}

/* ---- the host's own book ---- */

struct host_check {
    struct host *host;
    enum table_id table;
};

static bool compare_row(void *ctx, const void *row)
{
    const struct host_check *check = ctx;
    const struct table *table = &tables[check->table];
    struct world *world = check->host->world;
    const void *stored = book_get(store_mem_book(world->store), check->table, row_key(table, row));
    size_t column = 0;
    if (!stored || !row_equal(table, stored, row, &column))
        world_fault(world, "the host believes in another %s %s: %s", table->name,
                    row_key(table, row), stored ? table->columns[column].name : "not stored");
    return true;
}

static bool is_known(void *ctx, const void *row)
{
    struct host *host = ctx;
    const struct position *position = row;
    if (position->status != POSITION_CLOSED &&
        !book_get(host->core.book, TABLE_POSITION, position->id))
        world_fault(host->world, "the host has forgotten position %s", position->id);
    return true;
}

void oracle_host(struct host *host)
{
    static const enum table_id compared[] = {TABLE_SIGNAL,  TABLE_ORDER,   TABLE_POSITION,
                                             TABLE_PYRAMID, TABLE_ACCOUNT, TABLE_HALT};
    for (size_t i = 0; i < sizeof compared / sizeof compared[0]; i++) {
        struct host_check check = {host, compared[i]};
        book_each(host->core.book, compared[i], compare_row, &check);
    }
    book_each(store_mem_book(host->world->store), TABLE_POSITION, is_known, host);
}

void oracle_check(struct world *world)
{
    struct broker_sum sum = {.world = world};
    for (size_t i = 0; i < INSTRUMENTS; i++)
        sum.lots[i] = decimal_int(0);
    paper_each_order(world->paper, check_broker_order, &sum);
    book_each(store_mem_book(world->store), TABLE_ORDER, check_order_row, world);
    check_positions(world, &sum);
    book_each(store_mem_book(world->store), TABLE_SIGNAL, check_signal_row, world);
    check_senders(world);
    check_log(world);
}
