/* Leases with Redis in front: who is denied there need not ask the database, and that is all it
 * says. A key is held when the inner body holds it; the hint is kept beside it for as long.
 *
 *     acquire ──> hint ── granted, unknown, away ──> inner ── granted ──> the hint is kept
 *                  │                                    └── busy ──> the hint is given back
 *                  ├─ denied, its holder lives ──> BUSY
 *                  └─ denied, its holder is dead, or has not got the key in the book for a second
 *                     ──> inner ── granted ──> the hint is overwritten */
#include "lease/hints.h"
#include "base/keyed.h"
#include "lease/lease.h"
#include "store/fence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TTL_US_DEFAULT 10000000
#define WRONG_US 1000000 /* a hint that the book contradicts for so long is wrong */

struct hint_key { /* a key whose hint is ours, or was denied */
    UT_hash_handle hh;
    char name[LEASE_KEY_SIZE];
    bool kept, renewing;
    int64_t renew_us;
    int64_t denied_us; /* since when, by `holder`; 0: not */
    char holder[HINT_TOKEN_SIZE];
};
struct ask { /* one acquire */
    struct ask *next, **link;
    struct lease_redis *lease;
    struct waiter to;
    char key[LEASE_KEY_SIZE];
    char over[HINT_TOKEN_SIZE]; /* the token that is wrong */
    bool granted;               /* by the hint */
};
struct lease_redis {
    struct lease lease;
    struct lease_redis_options options;
    char token[HINT_TOKEN_SIZE];
    int64_t term; /* of the token */
    struct waiter joiner, leaver;
    struct hint_key *keys;
    struct ask *asks;
    int64_t renew_us;
    struct metric *denied, *unknown;
};

static struct lease_redis *redis_of(const struct lease *lease)
{
    return (struct lease_redis *)(uintptr_t)lease;
}

/* In Redis; renewed at a third of it. */
static int64_t ttl_of(const struct lease_redis *l, const char *name)
{
    return strcmp(name, "leader") == 0 ? l->options.ttl_us : l->options.key_ttl_us;
}

static struct hint_key *find(const struct lease_redis *l, const char *name)
{
    struct hint_key *key;
    HASH_FIND_STR(l->keys, name, key);
    return key;
}

static struct hint_key *find_or_add(struct lease_redis *l, const char *name)
{
    struct hint_key *key = find(l, name);
    if (key)
        return key;
    key = mem_alloc(sizeof *key);
    text_copy(key->name, sizeof key->name, name);
    HASH_ADD_STR(l->keys, name, key);
    return key;
}

static void end_ask(struct ask *ask, const struct err *err, const void *value)
{
    struct waiter to = ask->to;
    *ask->link = ask->next;
    if (ask->next)
        ask->next->link = ask->link;
    mem_free(ask);
    wait_answer(to, err, value);
}

/* ---- the hint beside a key that is held ---- */

static void keep_hint(struct lease_redis *l, struct hint_key *key)
{
    key->kept = true;
    key->denied_us = 0;
    key->renew_us = clock_steady(l->options.clock) + ttl_of(l, key->name) / 3;
    if (key->renew_us < l->renew_us)
        l->renew_us = key->renew_us;
}

static void drop_hint(struct lease_redis *l, const char *name)
{
    char at[HINT_KEY_SIZE];
    struct hint_key *key = find(l, name);
    if (!key || !key->kept)
        return;
    key->kept = false;
    if (hints_usable(l->options.hints) && hints_key(l->options.hints, "lease", name, at))
        hints_drop(l->options.hints, at, l->token);
}

static void overwrite_hint(struct lease_redis *l, const char *name, const char *old)
{
    char at[HINT_KEY_SIZE];
    if (hints_usable(l->options.hints) && hints_key(l->options.hints, "lease", name, at))
        hints_replace(l->options.hints, at, old, l->token, ttl_of(l, name), (struct waiter){0});
}

struct renewal {
    struct lease_redis *lease;
    char key[LEASE_KEY_SIZE];
};

/* The key is ours by the database: a hint that says otherwise is wrong, and is put right. */
static void hear_renewed(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct renewal *renewal = owner;
    struct lease_redis *l = renewal->lease;
    const struct hint_answer *answer = value;
    struct hint_key *key = find(l, renewal->key);
    (void)handle;
    (void)err;
    if (key)
        key->renewing = false;
    if (key && key->kept && answer->hint == HINT_DENIED &&
        lease_held(l->options.inner, key->name, NULL))
        overwrite_hint(l, key->name, answer->holder);
    mem_free(renewal);
}

static void renew(struct lease_redis *l, struct hint_key *key)
{
    char at[HINT_KEY_SIZE];
    if (!lease_held(l->options.inner, key->name, NULL)) {
        if (!lease_held(l->options.inner, NULL, NULL))
            return; /* no sign of life could be given: the hint runs out by itself */
        key->kept = false;
        return;
    }
    if (key->renewing || !hints_usable(l->options.hints) ||
        !hints_key(l->options.hints, "lease", key->name, at))
        return;
    struct renewal *renewal = mem_alloc(sizeof *renewal);
    renewal->lease = l;
    text_copy(renewal->key, sizeof renewal->key, key->name);
    key->renewing = true;
    hints_take(l->options.hints, at, l->token, ttl_of(l, key->name), false,
               (struct waiter){.answer = hear_renewed, .owner = renewal});
}

static void renew_due(struct lease_redis *l, int64_t now_us)
{
    struct hint_key *key, *next;
    l->renew_us = INT64_MAX;
    HASH_ITER(hh, l->keys, key, next)
    {
        if (!key->kept)
            continue;
        if (now_us >= key->renew_us) {
            key->renew_us = now_us + ttl_of(l, key->name) / 3;
            renew(l, key);
        }
        if (key->renew_us < l->renew_us)
            l->renew_us = key->renew_us;
    }
}

/* ---- acquiring ---- */

static void hear_inner(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct ask *ask = owner;
    struct lease_redis *l = ask->lease;
    (void)handle;
    if (!err) {
        keep_hint(l, find_or_add(l, ask->key));
        if (*ask->over)
            overwrite_hint(l, ask->key, ask->over);
    } else if (ask->granted) {
        find_or_add(l, ask->key)->kept = true; /* for a moment: it is given back */
        drop_hint(l, ask->key);
    }
    end_ask(ask, err, value);
}

static void ask_inner(struct ask *ask)
{
    lease_acquire(ask->lease->options.inner, ask->key,
                  (struct waiter){.answer = hear_inner, .owner = ask});
}

static bool is_alive(const struct lease_redis *l, int64_t term)
{
    char id[sizeof((struct member *)0)->id];
    text_int(id, term);
    const struct member *row = book_get(l->options.book, TABLE_MEMBER, id);
    return row && row->state == MEMBER_ALIVE;
}

/* A token begins with its holder's term. True: somebody alive has it, as far as anybody knows. */
static bool believe(struct lease_redis *l, const char *name, const char *holder)
{
    int64_t term = strtoll(holder, NULL, 10), now_us = clock_steady(l->options.clock);
    struct hint_key *key = find_or_add(l, name);
    if (!is_alive(l, term))
        return false;
    if (fence_owner(l->options.book, name) == term) {
        key->denied_us = 0;
        return true;
    }
    /* It may be on its way to the database, or have given the key back, or Redis may be lying. */
    if (!key->denied_us || strcmp(key->holder, holder) != 0) {
        key->denied_us = now_us;
        text_copy(key->holder, sizeof key->holder, holder);
    }
    return now_us - key->denied_us < WRONG_US;
}

static void hear_hint(void *owner, uint64_t handle, const struct err *no_error, const void *value)
{
    struct ask *ask = owner;
    struct lease_redis *l = ask->lease;
    const struct hint_answer *answer = value;
    struct err err;
    (void)handle;
    (void)no_error;
    if (answer->hint == HINT_UNKNOWN)
        metric_add(l->unknown, 1);
    if (answer->hint == HINT_DENIED && believe(l, ask->key, answer->holder)) {
        metric_add(l->denied, 1);
        err_set(&err, ERR_LATER, ERR_BUSY, "%s is held by another instance (term %" PRId64 ")",
                ask->key, (int64_t)strtoll(answer->holder, NULL, 10));
        end_ask(ask, &err, NULL);
        return;
    }
    ask->granted = answer->hint == HINT_GRANTED;
    if (answer->hint == HINT_DENIED)
        text_copy(ask->over, sizeof ask->over, answer->holder);
    ask_inner(ask);
}

static void acquire(struct lease *lease, const char *name, struct waiter to)
{
    struct lease_redis *l = redis_of(lease);
    struct ask *ask = mem_alloc(sizeof *ask);
    char at[HINT_KEY_SIZE];
    ask->lease = l;
    ask->to = to;
    text_copy(ask->key, sizeof ask->key, name);
    ask->next = l->asks;
    ask->link = &l->asks;
    if (l->asks)
        l->asks->link = &ask->next;
    l->asks = ask;
    if (lease_held(l->options.inner, name, NULL) || !l->term ||
        fence_owner(l->options.book, name) == l->term || !hints_usable(l->options.hints) ||
        !hints_key(l->options.hints, "lease", name, at))
        ask_inner(ask);
    else
        hints_take(l->options.hints, at, l->token, ttl_of(l, name), true,
                   (struct waiter){.answer = hear_hint, .owner = ask});
}

static void release(struct lease *lease, const char *name)
{
    struct lease_redis *l = redis_of(lease);
    lease_release(l->options.inner, name);
    drop_hint(l, name);
}

/* ---- membership ---- */

static void hear_joined(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct lease_redis *l = owner;
    struct waiter to = l->joiner;
    char random[ID_SIZE];
    (void)handle;
    l->joiner = (struct waiter){0};
    if (!err && l->term != *(const int64_t *)value) {
        l->term = *(const int64_t *)value;
        id_random(random);
        snprintf(l->token, sizeof l->token, "%" PRId64 ".%s", l->term, random);
    }
    wait_answer(to, err, value);
}

static void join(struct lease *lease, struct waiter to)
{
    struct lease_redis *l = redis_of(lease);
    if (l->joiner.answer) { /* the inner body says that one is enough */
        lease_join(l->options.inner, to);
        return;
    }
    l->joiner = to;
    lease_join(l->options.inner, (struct waiter){.answer = hear_joined, .owner = l});
}

static void drop_hints(struct lease_redis *l)
{
    struct hint_key *key, *next;
    HASH_ITER(hh, l->keys, key, next)
    drop_hint(l, key->name);
}

/* The hints go when the rows are free: sooner they would send others to the database in vain. */
static void hear_left(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct lease_redis *l = owner;
    struct waiter to = l->leaver;
    (void)handle;
    l->leaver = (struct waiter){0};
    drop_hints(l);
    l->term = 0;
    wait_answer(to, err, value);
}

static void leave(struct lease *lease, struct waiter to)
{
    struct lease_redis *l = redis_of(lease);
    if (l->leaver.answer) {
        lease_leave(l->options.inner, to);
        return;
    }
    l->leaver = to;
    lease_leave(l->options.inner, (struct waiter){.answer = hear_left, .owner = l});
}

static void note_lost(void *ctx, const char *name)
{
    struct lease_redis *l = ctx;
    if (name)
        drop_hint(l, name);
    else
        drop_hints(l);
    if (!name)
        l->term = 0;
    if (l->lease.on_lost)
        l->lease.on_lost(l->lease.lost_ctx, name);
}

static void note_died(void *ctx, const struct member *member)
{
    const struct lease_redis *l = ctx;
    if (l->lease.on_died)
        l->lease.on_died(l->lease.lost_ctx, member);
}

/* ---- the interface ---- */

static bool is_held(const struct lease *lease, const char *name, int64_t *deadline_us)
{
    return lease_held(redis_of(lease)->options.inner, name, deadline_us);
}

static int64_t turn(struct lease *lease)
{
    struct lease_redis *l = redis_of(lease);
    int64_t next_us = lease_turn(l->options.inner), now_us = clock_steady(l->options.clock);
    if (now_us >= l->renew_us)
        renew_due(l, now_us);
    return next_us < l->renew_us ? next_us : l->renew_us;
}

static void close_redis(struct lease *lease)
{
    struct lease_redis *l = redis_of(lease);
    struct hint_key *key, *next;
    lease_close(l->options.inner);
    while (l->asks) {
        struct ask *ask = l->asks;
        l->asks = ask->next;
        mem_free(ask);
    }
    HASH_ITER(hh, l->keys, key, next)
    {
        HASH_DELETE(hh, l->keys, key);
        mem_free(key);
    }
    mem_free(l);
}

static const struct lease_ops ops = {
    .join = join,
    .leave = leave,
    .acquire = acquire,
    .release = release,
    .held = is_held,
    .turn = turn,
    .close = close_redis,
};

struct lease *lease_redis_open(const struct lease_redis_options *options)
{
    struct lease_redis *l = mem_alloc(sizeof *l);
    l->lease.ops = &ops;
    l->options = *options;
    if (!options->ttl_us)
        l->options.ttl_us = TTL_US_DEFAULT;
    if (!options->key_ttl_us)
        l->options.key_ttl_us = TTL_US_DEFAULT;
    l->renew_us = INT64_MAX;
    l->options.inner->on_lost = note_lost;
    l->options.inner->on_died = note_died;
    l->options.inner->lost_ctx = l;
    if (options->metrics) {
        l->denied = metric_counter(options->metrics, "tidelock_lease_hint_denied_total",
                                   "Leases that Redis said another instance had", NULL);
        l->unknown = metric_counter(options->metrics, "tidelock_lease_hint_unknown_total",
                                    "Leases that Redis said nothing about in time", NULL);
    }
    return &l->lease;
}
