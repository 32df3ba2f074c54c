/* Asked writes, and the refusals all bodies share. */
#include "store/pending.h"

#include "io/loop.h"
#include "trade/order.h"
#include "trade/signal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Most bodies fit; larger writes take further blocks for their time. Thousands may wait at once. */
#define ARENA_BLOCK (4 * 1024)

void pending_init(struct pending *pending)
{
    *pending = (struct pending){0};
    arena_init(&pending->arena, ARENA_BLOCK);
}

void pending_clear(struct pending *pending)
{
    arena_reset(&pending->arena);
    pending->write = (struct store_write){0};
    pending->bodies = NULL;
    pending->err.code = ERR_OK;
    pending->err.class = ERR_NONE;
}

void pending_free(struct pending *pending)
{
    arena_free(&pending->arena);
}

static const void *copy_row(struct arena *arena, const struct table *table, const void *row)
{
    if (!row)
        return NULL;
    void *copy = arena_take(arena, table->row_size);
    row_copy(table, copy, row, arena);
    return copy;
}

static void copy_event(struct arena *arena, struct store_event *to, const struct store_event *from)
{
    assert(from->kind && from->subject && from->change_count <= STORE_CHANGES_MAX);
    to->kind = arena_text(arena, from->kind);
    to->subject = arena_text(arena, from->subject);
    to->cause = arena_text(arena, from->cause);
    to->at_us = from->at_us;
    to->origin = from->origin;
    to->origin = NULL;
    to->change_count = from->change_count;
    for (size_t i = 0; i < from->change_count; i++) {
        const struct change *change = &from->changes[i];
        assert(change->table && change->after && *row_key(change->table, change->after));
        assert(!change->before || strcmp(row_key(change->table, change->before),
                                         row_key(change->table, change->after)) == 0);
        to->changes[i] = (struct change){
            .table = change->table,
            .before = copy_row(arena, change->table, change->before),
            .after = copy_row(arena, change->table, change->after),
        };
    }
}

struct store_write store_write_copy(struct arena *arena, const struct store_write *from)
{
    struct store_event *events = arena_take(arena, from->event_count * sizeof *events);
    for (size_t i = 0; i < from->event_count; i++)
        copy_event(arena, &events[i], &from->events[i]);
    return (struct store_write){.term = from->term,
                                .fence = arena_text(arena, from->fence),
                                .events = events,
                                .event_count = from->event_count,
                                .serializable = from->serializable,
                                .silent_term = from->silent_term,
                                .silent_beat = from->silent_beat};
}

void pending_fill(struct pending *pending, const struct store_write *write, struct waiter to)
{
    pending->write = *write;
    pending->to = to;
}

void pending_print(struct pending *pending, struct str *scratch)
{
    const struct store_event *events = pending->write.events;
    size_t count = pending->write.event_count;
    pending->bodies = arena_alloc(&pending->arena, count * sizeof *pending->bodies);
    for (size_t i = 0; i < count; i++) {
        if (events[i].origin) {
            pending->bodies[i] = events[i].origin->body;
            continue;
        }
        str_clear(scratch);
        event_body(scratch, events[i].cause, events[i].changes, events[i].change_count);
        pending->bodies[i] = arena_copy(&pending->arena, scratch->data, scratch->length);
    }
}

void pending_answer(struct pending *pending, const void *value)
{
    bool ok = pending->err.code == ERR_OK;
    wait_answer(pending->to, ok ? NULL : &pending->err, ok ? value : NULL);
}

bool change_edge_legal(const struct table *table, const void *before, const void *after)
{
    if (table->id == TABLE_SIGNAL) {
        enum signal_state from = ((const struct signal *)before)->state;
        enum signal_state to = ((const struct signal *)after)->state;
        return signal_may_become(from, to);
    }
    if (table->id == TABLE_ORDER) {
        enum order_state from = ((const struct order *)before)->state;
        enum order_state to = ((const struct order *)after)->state;
        return order_may_become(from, to);
    }
    return true;
}

static const char *state_name(const struct table *table, const void *row)
{
    if (table->id == TABLE_SIGNAL)
        return signal_state_names[((const struct signal *)row)->state];
    return order_state_names[((const struct order *)row)->state];
}

bool change_check(const struct change *change, struct err *err)
{
    const struct table *table = change->table;
    if (!change->before)
        return true;
    const char *key = row_key(table, change->after);
    if (table->version_column < 0)
        return err_set(err, ERR_REFUSED, ERR_CONFLICT, "%s %s: this table's rows are written once",
                       table->name, key);
    if (row_version(table, change->after) != row_version(table, change->before) + 1)
        return err_set(err, ERR_REFUSED, ERR_CONFLICT,
                       "%s %s: version %" PRId64 " does not follow version %" PRId64, table->name,
                       key, row_version(table, change->after), row_version(table, change->before));
    if (!change_edge_legal(table, change->before, change->after))
        return err_set(err, ERR_REFUSED, ERR_CONFLICT, "%s %s: %s may not become %s", table->name,
                       key, state_name(table, change->before), state_name(table, change->after));
    return true;
}

bool check_origins(const struct store_write *write, int64_t last_seq, struct err *err)
{
    for (size_t i = 0; i < write->event_count; i++) {
        const struct event *origin = write->events[i].origin;
        if (origin && origin->seq != last_seq + 1 + (int64_t)i)
            return err_set(err, ERR_REFUSED, ERR_CONFLICT,
                           "event %" PRId64 " was carried here, where %" PRId64 " is the next",
                           origin->seq, last_seq + 1 + (int64_t)i);
    }
    return true;
}

bool refuse_duplicate(struct err *err, const struct table *table, const char *key)
{
    return err_set(err, ERR_REFUSED, ERR_DUPLICATE, "%s %s stands already", table->name, key);
}

bool refuse_conflict(struct err *err, const struct change *change, int64_t version)
{
    const char *key = row_key(change->table, change->after);
    if (version < 0)
        return err_set(err, ERR_REFUSED, ERR_CONFLICT, "%s %s: no such row", change->table->name,
                       key);
    return err_set(err, ERR_REFUSED, ERR_CONFLICT,
                   "%s %s has moved on: version %" PRId64 ", not %" PRId64, change->table->name,
                   key, version, row_version(change->table, change->before));
}

bool refuse_silence(struct err *err, const struct store_write *write)
{
    return err_set(err, ERR_REFUSED, ERR_CONFLICT,
                   "instance %" PRId64 " has given another sign of life", write->silent_term);
}

bool refuse_closed(struct err *err)
{
    return err_set(err, ERR_NOT_DONE, ERR_CLOSED, "the store is closing");
}

struct refusal {
    struct waiter to;
    struct err err;
};

static void give_refusal(void *ctx)
{
    struct refusal *refusal = ctx;
    wait_answer(refusal->to, &refusal->err, NULL);
    mem_free(refusal);
}

void refuse_later(struct loop *loop, const struct err *err, struct waiter to)
{
    struct refusal *refusal = mem_alloc(sizeof *refusal);
    *refusal = (struct refusal){to, *err};
    loop_defer(loop, give_refusal, refusal);
}
