/* Leases as rows: the body everything else rests on.
 *
 * Who lives and who owns what is told by the log alone: rows of members and leases, changed by
 * compare-and-set, as every instance reads them in its own book. How long somebody may be silent is
 * told by beats outside the log and the steady clock of whoever looks:
 *
 *     our beat asked      may act until + TTL                     others take us for dead
 *     |-------------------------------------|-------- grace ------|  (TTL + half of it, counted
 *     from when they saw the beat last, which is later)
 *
 * and what a member that was taken for dead still sends is refused by the fence. */
#include "lease/lease_parts.h"

#include <assert.h>
#include <string.h>

#define TTL_US_DEFAULT 10000000
#define WATCH_US_DEFAULT 100000

static struct lease_store *body_of(const struct lease *lease)
{
    return (struct lease_store *)(uintptr_t)lease;
}

/* ---- answers ---- */

void lease_reply_later(struct lease_store *l, struct waiter to, const struct err *err, int64_t term)
{
    struct lease_reply *reply = mem_alloc(sizeof *reply);
    reply->to = to;
    reply->term = term;
    if (err)
        reply->err = *err;
    *l->last = reply;
    l->last = &reply->next;
}

static void give_replies(struct lease_store *l)
{
    struct lease_reply *reply = l->first, *next;
    l->first = NULL;
    l->last = &l->first;
    for (; reply; reply = next) {
        next = reply->next;
        bool bad = reply->err.code != ERR_OK;
        wait_answer(reply->to, bad ? &reply->err : NULL, bad ? NULL : &reply->term);
        mem_free(reply);
    }
}

/* ---- writes ---- */

struct lease_write *lease_write_new(struct lease_store *l, size_t events,
                                    void (*wrote)(struct lease_store *, struct lease_write *,
                                                  const struct err *))
{
    struct lease_write *write = mem_alloc(sizeof *write);
    write->lease = l;
    write->wrote = wrote;
    write->term = l->term;
    write->room = events;
    arena_init(&write->arena, 0);
    write->events = arena_alloc(&write->arena, events * sizeof *write->events);
    write->next = l->writes;
    write->link = &l->writes;
    if (l->writes)
        l->writes->link = &write->next;
    l->writes = write;
    return write;
}

static void drop_write(struct lease_write *write)
{
    *write->link = write->next;
    if (write->next)
        write->next->link = write->link;
    arena_free(&write->arena);
    mem_free(write);
}

struct store_event *lease_write_event(struct lease_write *write, const char *kind,
                                      const char *subject)
{
    assert(write->count < write->room);
    struct store_event *event = &write->events[write->count++];
    event->kind = kind;
    event->subject = arena_text(&write->arena, subject);
    event->at_us = clock_wall(write->lease->options.clock);
    return event;
}

void lease_write_change(struct lease_write *write, enum table_id table, const void *before,
                        const void *after)
{
    const struct table *t = &tables[table];
    struct store_event *event = &write->events[write->count - 1];
    if (event->change_count == STORE_CHANGES_MAX)
        event = lease_write_event(write, event->kind, event->subject);
    void *rows[2] = {NULL, arena_alloc(&write->arena, t->row_size)};
    row_copy(t, rows[1], after, &write->arena);
    if (before) {
        rows[0] = arena_alloc(&write->arena, t->row_size);
        row_copy(t, rows[0], before, &write->arena);
    }
    event->changes[event->change_count++] =
        (struct change){.table = t, .before = rows[0], .after = rows[1]};
}

/* What came from the log meanwhile is newer. */
static void take_into_book(struct book *book, const struct change *change)
{
    const void *row = book_get(book, change->table->id, row_key(change->table, change->after));
    if (!row || row_version(change->table, row) < row_version(change->table, change->after))
        book_apply_change(book, change);
}

static void hear_written(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct lease_write *write = owner;
    (void)handle;
    (void)value;
    for (size_t e = 0; !err && e < write->count; e++)
        for (size_t i = 0; i < write->events[e].change_count; i++)
            take_into_book(write->lease->options.book, &write->events[e].changes[i]);
    write->wrote(write->lease, write, err);
    drop_write(write);
}

void lease_write_ask(struct lease_write *write, bool fenced)
{
    struct store_write ask = {.term = fenced ? write->term : 0,
                              .events = write->events,
                              .event_count = write->count,
                              .silent_term = write->silent_term,
                              .silent_beat = write->silent_beat};
    store_write(write->lease->options.store, &ask,
                (struct waiter){.answer = hear_written, .owner = write});
}

/* ---- the interface ---- */

static bool is_held(const struct lease *lease, const char *key, int64_t *deadline_us)
{
    struct lease_store *l = body_of(lease);
    if (l->state != LEASE_IN || clock_steady(l->options.clock) >= l->deadline_us ||
        (key && !lease_keys_granted(l, key)))
        return false;
    if (deadline_us)
        *deadline_us = l->deadline_us;
    return true;
}

/* Turns are many, changes of the book are fewer. */
static bool is_alive(struct lease_store *l)
{
    uint64_t changes = book_changes(l->options.book);
    if (l->alive.term == l->term && l->alive.changes == changes)
        return true;
    if (!lease_member_alive(l, l->term))
        return false;
    l->alive.term = l->term;
    l->alive.changes = changes;
    return true;
}

static int64_t turn(struct lease *lease)
{
    struct lease_store *l = body_of(lease);
    int64_t now_us = clock_steady(l->options.clock);
    if (l->state == LEASE_IN && !is_alive(l))
        lease_member_lost(l, "it was taken for dead");
    if (l->first)
        give_replies(l);
    lease_member_turn(l);
    int64_t keys_us = lease_keys_turn(l, now_us);
    int64_t watch_us = lease_watch_turn(l, now_us);
    if (l->first)
        return now_us;
    int64_t next_us = keys_us < watch_us ? keys_us : watch_us;
    return l->state == LEASE_IN && l->deadline_us > now_us && l->deadline_us < next_us
               ? l->deadline_us
               : next_us;
}

static void close_body(struct lease *lease)
{
    struct lease_store *l = body_of(lease);
    while (l->writes) /* of a store that crashed: those of one that was closed were answered */
        drop_write(l->writes);
    for (struct lease_reply *reply = l->first, *next; reply; reply = next) {
        next = reply->next;
        mem_free(reply);
    }
    lease_keys_free(l);
    lease_watch_free(l);
    mem_free((char *)l->options.name);
    mem_free((char *)l->options.address);
    mem_free((char *)l->options.build);
    mem_free(l);
}

static const struct lease_ops ops = {
    .join = lease_member_join,
    .leave = lease_member_leave,
    .acquire = lease_keys_acquire,
    .release = lease_keys_release,
    .held = is_held,
    .turn = turn,
    .close = close_body,
};

static void open_metrics(struct lease_store *l, struct metrics *m)
{
    if (!m)
        return;
    l->metrics.held = metric_gauge(m, "tidelock_leases_held", "Leases held now", NULL);
    l->metrics.denied = metric_counter(m, "tidelock_lease_denied_total",
                                       "Leases asked for that another instance had", NULL);
    l->metrics.members = metric_gauge(m, "tidelock_instances", "Living instances seen", NULL);
    l->metrics.lost = metric_counter(m, "tidelock_membership_lost_total",
                                     "Times this instance was taken for dead", NULL);
    l->metrics.taken_for_dead = metric_counter(m, "tidelock_instances_taken_for_dead_total",
                                               "Other instances declared dead by this one", NULL);
    l->metrics.beat = metric_histogram(m, "tidelock_lease_beat_seconds",
                                       "Time a sign of life takes to be answered", NULL);
}

struct lease *lease_store_open(const struct lease_store_options *options)
{
    struct lease_store *l = mem_alloc(sizeof *l);
    assert(options->store && options->clock && options->chance && options->book);
    l->lease.ops = &ops;
    l->options = *options;
    l->options.name = mem_copy_text(options->name ? options->name : "");
    l->options.address = mem_copy_text(options->address ? options->address : "");
    l->options.build = mem_copy_text(options->build ? options->build : "");
    if (!options->ttl_us)
        l->options.ttl_us = TTL_US_DEFAULT;
    if (!options->watch_us)
        l->options.watch_us = WATCH_US_DEFAULT;
    if (l->options.watch_us > l->options.ttl_us / 3)
        l->options.watch_us = l->options.ttl_us / 3;
    l->last = &l->first;
    l->keys_us = LEASE_NEVER;
    open_metrics(l, options->metrics);
    return &l->lease;
}
