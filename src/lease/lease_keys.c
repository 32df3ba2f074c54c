/* Keys: a row for each, taken by compare-and-set when nobody living has it.
 *
 * At most one write about a key is on its way; what is asked meanwhile waits for its answer. */
#include "lease/lease_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define AGAIN_US 500000

static void settle(struct lease_store *l, struct lease_key *key);

/* Mostly the one that was asked for last: many ask whether this instance leads. Keys stay. */
static struct lease_key *find(struct lease_store *l, const char *name)
{
    struct lease_key *key = l->recent;
    if (key && strcmp(key->name, name) == 0)
        return key;
    HASH_FIND_STR(l->keys, name, key);
    return key ? l->recent = key : NULL;
}

static void set_granted(struct lease_store *l, struct lease_key *key, bool granted)
{
    if (l->metrics.held && key->granted != granted)
        metric_set(l->metrics.held, metric_value(l->metrics.held) + (granted ? 1 : -1));
    key->granted = granted;
}

bool lease_keys_granted(struct lease_store *l, const char *name)
{
    const struct lease_key *key = find(l, name);
    return key && key->granted;
}

/* ---- answering ---- */

static void answer_all(struct lease_store *l, struct lease_key *key, const struct err *err)
{
    struct lease_grant grant = {.term = l->term, .deadline_us = l->deadline_us};
    struct lease_asked *asked = key->asked, *next;
    text_copy(grant.key, sizeof grant.key, key->name);
    key->asked = NULL;
    for (; asked; asked = next) {
        next = asked->next;
        wait_answer(asked->to, err, err ? NULL : &grant);
        mem_free(asked);
    }
}

static void refuse(struct lease_store *l, struct lease_key *key)
{
    struct err err;
    err_set(&err, ERR_LATER, ERR_CLOSED,
            "%s: %s has not joined the instances, or was taken for"
            " dead; it is asked again after joining",
            key->name, l->options.name);
    answer_all(l, key, &err);
}

static void say_busy(struct lease_store *l, struct lease_key *key)
{
    struct err err;
    const struct lease_row *row = book_get(l->options.book, TABLE_LEASE, key->name);
    metric_add(l->metrics.denied, 1);
    err_set(&err, ERR_LATER, ERR_BUSY, "%s is held by %s (term %" PRId64 ")", key->name,
            row ? row->holder : "another instance", row ? row->term : 0);
    answer_all(l, key, &err);
}

/* ---- taking ---- */

static void wrote_take(struct lease_store *l, struct lease_write *write, const struct err *err)
{
    struct lease_key *key = find(l, write->key);
    key->writing = false;
    if (write->term != l->term || l->state != LEASE_IN) {
        settle(l, key);
    } else if (!err) {
        set_granted(l, key, !key->releasing);
        settle(l, key);
    } else if (err->code == ERR_FENCED) {
        lease_member_lost(l, err->text);
    } else if (err->class == ERR_REFUSED) {
        say_busy(l, key); /* another was faster; the row says who as soon as the log was read */
    } else {
        answer_all(l, key, err);
    }
}

static void write_take(struct lease_store *l, struct lease_key *key)
{
    const struct lease_row *row = book_get(l->options.book, TABLE_LEASE, key->name);
    struct lease_write *write = lease_write_new(l, 1, wrote_take);
    struct lease_row after = {.term = l->term, .version = row ? row->version + 1 : 1};
    after.since_us = clock_wall(l->options.clock);
    text_copy(after.id, sizeof after.id, key->name);
    text_copy(after.holder, sizeof after.holder, l->options.name);
    text_copy(write->key, sizeof write->key, key->name);
    lease_write_event(write, "lease.taken", key->name);
    lease_write_change(write, TABLE_LEASE, row, &after);
    key->writing = true;
    lease_write_ask(write, true);
}

/* ---- giving back ---- */

static void wrote_release(struct lease_store *l, struct lease_write *write, const struct err *err)
{
    struct lease_key *key = find(l, write->key);
    key->writing = false;
    key->releasing = err && err->class != ERR_REFUSED; /* refused: it is not ours */
    if (key->releasing) {
        key->again_us = clock_steady(l->options.clock) + AGAIN_US / 2 +
                        (int64_t)chance_below(l->options.chance, AGAIN_US);
        l->keys_work = true;
        return;
    }
    settle(l, key);
}

static struct lease_row freed(const struct lease_store *l, const struct lease_row *row)
{
    struct lease_row after = *row;
    after.term = 0;
    after.holder[0] = '\0';
    after.since_us = clock_wall(l->options.clock);
    after.version++;
    return after;
}

static void write_release(struct lease_store *l, struct lease_key *key)
{
    const struct lease_row *row = book_get(l->options.book, TABLE_LEASE, key->name);
    if (!row || row->term != l->term) {
        key->releasing = false;
        return;
    }
    struct lease_write *write = lease_write_new(l, 1, wrote_release);
    struct lease_row after = freed(l, row);
    text_copy(write->key, sizeof write->key, key->name);
    lease_write_event(write, "lease.released", key->name);
    lease_write_change(write, TABLE_LEASE, row, &after);
    key->writing = true;
    lease_write_ask(write, true);
}

/* ---- leaving ---- */

struct leaving {
    struct lease_store *lease;
    struct lease_write *write;
    struct member heirs[HEIRS_MAX];
    size_t heir_count, handed, freed;
    bool hands; /* of two rounds, the one that tells of keys with an heir */
};

static bool count_own(void *ctx, const void *row)
{
    struct leaving *leaving = ctx;
    leaving->freed += ((const struct lease_row *)row)->term == leaving->lease->term;
    return true;
}

size_t lease_keys_owned(const struct lease_store *l)
{
    struct leaving leaving = {.lease = (struct lease_store *)(uintptr_t)l};
    book_each(l->options.book, TABLE_LEASE, count_own, &leaving);
    return leaving.freed;
}

/* Any other key is for one piece of work, which does not go on by itself. */
static bool is_inherited(const char *key)
{
    return strcmp(key, "leader") == 0 || text_starts(key, "instrument:");
}

static bool end_key(void *ctx, const void *found)
{
    struct leaving *leaving = ctx;
    const struct lease_row *row = found;
    if (row->term != leaving->lease->term ||
        (leaving->heir_count && is_inherited(row->id)) != leaving->hands)
        return true;
    struct lease_row after = freed(leaving->lease, row);
    if (leaving->hands) {
        const struct member *heir = strcmp(row->id, "leader") == 0
                                        ? &leaving->heirs[0]
                                        : &leaving->heirs[leaving->handed % leaving->heir_count];
        after.term = heir->term;
        text_copy(after.holder, sizeof after.holder, heir->name);
    }
    if ((leaving->hands ? leaving->handed++ : leaving->freed++) == 0)
        lease_write_event(leaving->write, leaving->hands ? "lease.handed" : "lease.released",
                          leaving->lease->id);
    lease_write_change(leaving->write, TABLE_LEASE, row, &after);
    return true;
}

/* Nobody has to find out first that they are free, nor to be faster than others. */
void lease_keys_end(struct lease_store *l, struct lease_write *write)
{
    struct leaving leaving = {.lease = l, .write = write};
    if (l->options.sole)
        return;
    leaving.heir_count = lease_watch_heirs(l, leaving.heirs);
    leaving.hands = leaving.heir_count > 0;
    if (leaving.hands)
        book_each(l->options.book, TABLE_LEASE, end_key, &leaving);
    leaving.hands = false;
    book_each(l->options.book, TABLE_LEASE, end_key, &leaving);
}

/* ---- the state of one key ---- */

static void settle_asked(struct lease_store *l, struct lease_key *key)
{
    int64_t owner = l->options.sole ? l->term : fence_owner(l->options.book, key->name);
    if (owner == l->term) {
        set_granted(l, key, true);
        answer_all(l, key, NULL);
    } else if (owner) {
        say_busy(l, key);
    } else {
        write_take(l, key);
    }
}

static void settle(struct lease_store *l, struct lease_key *key)
{
    if (key->writing)
        return;
    if (l->state != LEASE_IN) {
        key->releasing = false;
        if (key->asked)
            refuse(l, key);
        return;
    }
    if (key->releasing && l->options.sole)
        key->releasing = false;
    if (key->releasing && key->again_us <= clock_steady(l->options.clock))
        write_release(l, key);
    if (key->asked && !key->releasing && !key->writing)
        settle_asked(l, key);
    if (key->releasing && !key->writing && key->again_us < l->keys_us)
        l->keys_us = key->again_us;
}

int64_t lease_keys_turn(struct lease_store *l, int64_t now_us)
{
    struct lease_key *key, *next;
    if (!l->keys_work && now_us < l->keys_us)
        return l->keys_us;
    l->keys_work = false;
    l->keys_us = LEASE_NEVER;
    HASH_ITER(hh, l->keys, key, next)
    if (key->asked || key->releasing)
        settle(l, key);
    return l->keys_work ? now_us : l->keys_us;
}

/* ---- asking ---- */

void lease_keys_acquire(struct lease *lease, const char *name, struct waiter to)
{
    struct lease_store *l = (struct lease_store *)lease;
    struct lease_asked *asked = mem_alloc(sizeof *asked), **last;
    struct lease_key *key = find(l, name);
    if (!key) {
        key = mem_alloc(sizeof *key);
        text_copy(key->name, sizeof key->name, name);
        HASH_ADD_STR(l->keys, name, key);
    }
    asked->to = to;
    for (last = &key->asked; *last; last = &(*last)->next)
        ;
    *last = asked;
    l->keys_work = true;
}

/* Who waits for a key that is being taken, and given back before it came, waits for nothing. */
static void disappoint(struct lease_store *l, struct lease_key *key)
{
    struct err err;
    struct lease_asked *asked = key->asked, *next;
    key->asked = NULL;
    err_set(&err, ERR_LATER, ERR_BUSY, "%s was given back before it came", key->name);
    for (; asked; asked = next) {
        next = asked->next;
        lease_reply_later(l, asked->to, &err, 0);
        mem_free(asked);
    }
}

void lease_keys_release(struct lease *lease, const char *name)
{
    struct lease_store *l = (struct lease_store *)lease;
    struct lease_key *key = find(l, name);
    if (!key || (!key->granted && !key->writing))
        return;
    disappoint(l, key);
    set_granted(l, key, false);
    key->releasing = true;
    key->again_us = 0;
    l->keys_work = true;
}

/* ---- the end ---- */

void lease_keys_drop(struct lease_store *l)
{
    struct lease_key *key, *next;
    HASH_ITER(hh, l->keys, key, next)
    set_granted(l, key, false);
    l->keys_work = true;
}

/* A row that somebody changed by hand: the fence goes by it. */
void lease_keys_check(struct lease_store *l)
{
    struct lease_key *key, *next;
    HASH_ITER(hh, l->keys, key, next)
    {
        if (!key->granted || l->options.sole || fence_owner(l->options.book, key->name) == l->term)
            continue;
        set_granted(l, key, false);
        log_write(l->options.log, LOG_WARN, "lease", "lost: the row names another holder",
                  LOG_T("key", key->name), LOG_END);
        if (l->lease.on_lost)
            l->lease.on_lost(l->lease.lost_ctx, key->name);
    }
}

void lease_keys_free(struct lease_store *l)
{
    struct lease_key *key, *next;
    HASH_ITER(hh, l->keys, key, next)
    {
        for (struct lease_asked *asked = key->asked, *following; asked; asked = following) {
            following = asked->next;
            mem_free(asked);
        }
        HASH_DELETE(hh, l->keys, key);
        mem_free(key);
    }
}
