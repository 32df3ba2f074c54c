/* Why: changes in an event's body are only what differs, and a store writes whole rows, so the
 * carrier folds the log on the way: its book holds what may still change. */
#include "store/carry.h"

#include "trade/order.h"
#include "trade/signal.h"

#include <assert.h>
#include <string.h>

struct load { /* one event on its way */
    struct load *next;
    struct carry *carry;
    struct arena arena;
    struct event origin;
    struct store_event event;
    bool asked; /* its answer is due */
};
struct carry {
    struct store *to;
    struct book *book;
    struct load *first, **last, *spare; /* not durable yet, oldest first */
    size_t count;
    int64_t asked, done;
    struct err trouble; /* of the oldest that was refused; code ERR_OK: none */
    bool still;
};

static bool note_last(void *ctx, const struct event *event, struct err *err)
{
    (void)err;
    *(int64_t *)ctx = event->seq;
    return true;
}

struct carry *carry_new(struct store *to, struct err *err)
{
    const struct store_events_query newest = {.descending = true, .limit = 1};
    struct carry *carry = mem_alloc(sizeof *carry);
    carry->to = to;
    carry->book = book_new();
    carry->last = &carry->first;
    if (!to->ops->read_events(to, &newest, note_last, &carry->asked, err) ||
        !store_load_book(to, carry->book, 0, NULL, NULL, err)) {
        carry_free(carry);
        return NULL;
    }
    carry->done = carry->asked;
    return carry;
}

static void free_loads(struct load *list)
{
    for (struct load *next; list; list = next) {
        next = list->next;
        arena_free(&list->arena);
        mem_free(list);
    }
}

void carry_free(struct carry *carry)
{
    if (!carry)
        return;
    free_loads(carry->first);
    free_loads(carry->spare);
    book_free(carry->book);
    mem_free(carry);
}

bool carry_has_room(const struct carry *carry)
{
    return carry->count < CARRY_ROOM;
}

int64_t carry_asked(const struct carry *carry)
{
    return carry->asked;
}

int64_t carry_done(const struct carry *carry)
{
    return carry->done;
}

bool carry_stands_still(const struct carry *carry)
{
    return carry->still;
}

/* ---- folding ---- */

static const void *copy_row(struct load *load, const struct table *table, const void *row)
{
    if (!row)
        return NULL;
    void *copy = arena_alloc(&load->arena, table->row_size);
    row_copy(table, copy, row, &load->arena);
    return copy;
}

static void keep_change(void *ctx, const struct event *event, const struct change *change)
{
    struct load *load = ctx;
    (void)event;
    assert(load->event.change_count < STORE_CHANGES_MAX);
    load->event.changes[load->event.change_count++] =
        (struct change){.table = change->table,
                        .before = copy_row(load, change->table, change->before),
                        .after = copy_row(load, change->table, change->after)};
}

static bool changes_no_more(const struct change *change)
{
    switch (change->table->id) {
    case TABLE_SIGNAL:
        return signal_is_final(((const struct signal *)change->after)->state) &&
               ((const struct signal *)change->after)->state != SIGNAL_DEAD;
    case TABLE_ORDER:
        return order_is_final(((const struct order *)change->after)->state);
    case TABLE_POSITION:
        return ((const struct position *)change->after)->status == POSITION_CLOSED;
    case TABLE_MEMBER:
        return ((const struct member *)change->after)->state != MEMBER_ALIVE;
    default:
        return change->table->version_column < 0;
    }
}

static void forget_past(struct carry *carry, const struct load *load)
{
    for (size_t i = 0; i < load->event.change_count; i++) {
        const struct change *change = &load->event.changes[i];
        if (changes_no_more(change))
            book_remove(carry->book, change->table->id, row_key(change->table, change->after));
    }
}

static struct load *take_load(struct carry *carry)
{
    struct load *load = carry->spare;
    if (load) {
        carry->spare = load->next;
        arena_reset(&load->arena);
    } else {
        load = mem_alloc(sizeof *load);
        arena_init(&load->arena, 8192);
        load->carry = carry;
    }
    load->next = NULL;
    load->event.change_count = 0;
    return load;
}

/* ---- asking ---- */

static void drop_durable(struct carry *carry)
{
    struct load *load = carry->first;
    carry->first = load->next;
    if (!carry->first)
        carry->last = &carry->first;
    carry->count--;
    carry->done = load->origin.seq;
    load->next = carry->spare;
    carry->spare = load;
}

/* Answers come in the order of asking; after a refusal everything behind it is refused as well,
 * since the log has a gap there. */
static void answered(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct load *load = owner;
    struct carry *carry = load->carry;
    (void)handle;
    (void)value;
    load->asked = false;
    if (err && !carry->still) {
        carry->still = true;
        carry->trouble = *err;
    }
    if (!err && carry->first == load)
        drop_durable(carry);
}

static void ask(struct load *load)
{
    const struct store_write write = {.events = &load->event, .event_count = 1};
    load->asked = true;
    store_write(load->carry->to, &write, (struct waiter){.answer = answered, .owner = load});
}

bool carry_feed(struct carry *carry, const struct event *event, struct err *err)
{
    assert(carry_has_room(carry));
    if (event->seq != carry->asked + 1)
        return err_set(err, ERR_REFUSED, ERR_CORRUPT, "the log goes from event %lld to %lld",
                       (long long)carry->asked, (long long)event->seq);
    struct load *load = take_load(carry);
    struct arena *arena = &load->arena;
    load->origin = *event;
    load->origin.instance = arena_text(arena, event->instance);
    load->event.kind = load->origin.kind = arena_text(arena, event->kind);
    load->event.subject = load->origin.subject = arena_text(arena, event->subject);
    load->origin.body = arena_text(arena, event->body);
    load->event.at_us = event->at_us;
    load->event.origin = &load->origin;
    if (!event_fold_each(carry->book, event, keep_change, load, err)) {
        load->next = carry->spare;
        carry->spare = load;
        return false;
    }
    forget_past(carry, load);
    *carry->last = load;
    carry->last = &load->next;
    carry->count++;
    carry->asked = event->seq;
    if (!carry->still)
        ask(load);
    return true;
}

bool carry_again(struct carry *carry, struct err *err)
{
    if (!carry->still)
        return true;
    for (const struct load *load = carry->first; load; load = load->next)
        if (load->asked)
            return true; /* not before all of them are answered */
    if (carry->trouble.class == ERR_REFUSED) {
        *err = carry->trouble;
        return false;
    }
    carry->still = false;
    for (struct load *load = carry->first, *next; load; load = next) {
        next = load->next;
        ask(load);
    }
    return true;
}

/* ---- comparing ---- */

enum { PAGE = 5000 };
struct hashes {
    int64_t after, count;
    uint8_t list[PAGE][SHA256_SIZE];
};

static bool keep_hash(void *ctx, const struct event *event, struct err *err)
{
    struct hashes *hashes = ctx;
    if (event->seq != hashes->after + hashes->count + 1)
        return err_set(err, ERR_REFUSED, ERR_CORRUPT, "event %lld is missing",
                       (long long)(hashes->after + hashes->count + 1));
    memcpy(hashes->list[hashes->count++], event->hash, SHA256_SIZE);
    return true;
}

static bool read_page(struct store *store, int64_t after, struct hashes *out, struct err *err)
{
    const struct store_events_query query = {.after_seq = after, .limit = PAGE};
    out->after = after;
    out->count = 0;
    return store->ops->read_events(store, &query, keep_hash, out, err);
}

bool carry_compare(struct store *a, struct store *b, int64_t *same, int64_t *differs,
                   struct err *err)
{
    struct hashes *ours = mem_alloc(2 * sizeof *ours), *theirs = ours + 1;
    bool ok = true;
    *same = *differs = 0;
    while (ok && !*differs) {
        ok = read_page(a, *same, ours, err) && read_page(b, *same, theirs, err);
        int64_t count = ours->count < theirs->count ? ours->count : theirs->count, i = 0;
        while (ok && i < count && memcmp(ours->list[i], theirs->list[i], SHA256_SIZE) == 0)
            i++;
        *same += i;
        if (i < count)
            *differs = *same + 1;
        if (count < PAGE)
            break;
    }
    mem_free(ours);
    return ok;
}
