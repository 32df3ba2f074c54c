/* Claims of signals, kept in Redis while they are worked. */
#include "lease/claim.h"
#include "base/id.h"
#include "base/keyed.h"
#include "base/mem.h"
#include "base/str.h"
#include "lease/hints.h"

#include <stdio.h>

#define CLAIM_US 30000000
#define KEPT_MAX 4096
#define GATHER_US 10000 /* claims that are given back go together: nobody waits for them */

struct kept {
    UT_hash_handle hh; /* in the order of claiming, which is that of renewing */
    char id[ID_SIZE];
    char key[HINT_KEY_SIZE];
    int64_t renew_us;
};
struct redis_claims;
struct claim_asked {
    struct redis_claims *claims;
    struct claim_asked *next; /* of those that are answered without asking */
    struct waiter to;
    char id[ID_SIZE];
    char key[HINT_KEY_SIZE];
};
struct redis_claims {
    struct claims claims;
    struct hints *hints;
    struct loop *loop;
    struct loop_timer *timer;
    struct kept *kept;
    struct kept *dropped[REDIS_KEYS_MAX]; /* to be given back in one command */
    size_t dropped_count;
    struct loop_timer *drop_timer;
    struct claim_asked *unknown, **last_unknown;
    char token[HINT_TOKEN_SIZE];
    struct metric *answers[3];
};

static struct redis_claims *of(struct claims *claims)
{
    return (struct redis_claims *)(void *)claims;
}

static struct kept *find(struct redis_claims *c, const char *id)
{
    struct kept *kept;
    HASH_FIND_STR(c->kept, id, kept);
    return kept;
}

static void drop_kept(struct redis_claims *c, struct kept *kept)
{
    HASH_DELETE(hh, c->kept, kept);
    mem_free(kept);
}

/* ---- renewing ---- */

static void pace(struct redis_claims *c)
{
    if (c->kept)
        loop_timer_start_at(c->timer, c->kept->renew_us);
    else
        loop_timer_stop(c->timer);
}

static void renew(void *ctx)
{
    struct redis_claims *c = ctx;
    int64_t now_us = loop_steady_us(c->loop);
    while (c->kept && c->kept->renew_us <= now_us) {
        struct kept *kept = c->kept;
        HASH_DELETE(hh, c->kept, kept); /* to the end of the row */
        kept->renew_us = now_us + CLAIM_US / 3;
        HASH_ADD_STR(c->kept, id, kept);
        if (hints_usable(c->hints))
            hints_take(c->hints, kept->key, c->token, CLAIM_US, false, (struct waiter){0});
    }
    pace(c);
}

/* ---- asking ---- */

static void answer(struct redis_claims *c, struct waiter to, enum claim claim)
{
    metric_add(c->answers[claim], 1);
    wait_answer(to, NULL, &claim);
}

static void keep(struct redis_claims *c, const struct claim_asked *asked)
{
    struct kept *kept;
    if (find(c, asked->id))
        return;
    if (HASH_COUNT(c->kept) >= KEPT_MAX) { /* it runs out by itself */
        return;
    }
    kept = mem_alloc(sizeof *kept);
    text_copy(kept->id, sizeof kept->id, asked->id);
    text_copy(kept->key, sizeof kept->key, asked->key);
    kept->renew_us = loop_steady_us(c->loop) + CLAIM_US / 3;
    bool first = !c->kept;
    HASH_ADD_STR(c->kept, id, kept);
    if (first)
        pace(c);
}

static void hear_hint(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct claim_asked *asked = owner;
    const struct hint_answer *hint = value;
    struct redis_claims *c = asked->claims;
    struct waiter to = asked->to;
    (void)handle;
    (void)err;
    if (hint->hint != HINT_DENIED) /* unknown: it may stand all the same, and is then given back */
        keep(c, asked);
    mem_free(asked);
    answer(c, to,
           hint->hint == HINT_GRANTED  ? CLAIM_GRANTED
           : hint->hint == HINT_DENIED ? CLAIM_DENIED
                                       : CLAIM_UNKNOWN);
}

static void answer_unknown(void *ctx)
{
    struct redis_claims *c = ctx;
    struct claim_asked *asked = c->unknown, *next;
    c->unknown = NULL;
    c->last_unknown = &c->unknown;
    for (; asked; asked = next) {
        next = asked->next;
        answer(c, asked->to, CLAIM_UNKNOWN);
        mem_free(asked);
    }
}

static void ask(struct claims *claims, const char *signal_id, const char *instrument,
                struct waiter to)
{
    struct redis_claims *c = of(claims);
    struct claim_asked *asked = mem_alloc(sizeof *asked);
    char name[HINT_KEY_SIZE / 2];
    asked->claims = c;
    asked->to = to;
    text_copy(asked->id, sizeof asked->id, signal_id);
    snprintf(name, sizeof name, "signal:%s:%s", instrument, signal_id);
    if (hints_usable(c->hints) && HASH_COUNT(c->kept) < KEPT_MAX &&
        hints_key(c->hints, "claim", name, asked->key)) {
        struct waiter to_us = {.answer = hear_hint, .owner = asked};
        if (find(c, signal_id)) /* asked again: it may be ours */
            hints_take(c->hints, asked->key, c->token, CLAIM_US, true, to_us);
        else
            hints_claim(c->hints, asked->key, c->token, CLAIM_US, to_us);
        return;
    }
    if (!c->unknown)
        loop_defer(c->loop, answer_unknown, c);
    *c->last_unknown = asked;
    c->last_unknown = &asked->next;
}

static void give_back(void *ctx)
{
    struct redis_claims *c = ctx;
    const char *keys[REDIS_KEYS_MAX];
    for (size_t i = 0; i < c->dropped_count; i++)
        keys[i] = c->dropped[i]->key;
    if (c->dropped_count && hints_usable(c->hints))
        hints_drop_all(c->hints, keys, c->dropped_count, c->token);
    while (c->dropped_count > 0)
        mem_free(c->dropped[--c->dropped_count]);
    loop_timer_stop(c->drop_timer);
}

static void release(struct claims *claims, const char *signal_id)
{
    struct redis_claims *c = of(claims);
    struct kept *kept = find(c, signal_id);
    if (!kept)
        return;
    HASH_DELETE(hh, c->kept, kept);
    c->dropped[c->dropped_count++] = kept;
    if (c->dropped_count == REDIS_KEYS_MAX)
        give_back(c);
    else if (c->dropped_count == 1)
        loop_timer_start_in(c->drop_timer, GATHER_US);
}

/* ---- its life ---- */

static void close(struct claims *claims)
{
    struct redis_claims *c = of(claims);
    c->hints = NULL;
    loop_defer_cancel(c->loop, answer_unknown, c);
    answer_unknown(c);
    while (c->kept)
        drop_kept(c, c->kept);
    give_back(c); /* hints are gone: only the memory */
    loop_timer_free(c->drop_timer);
    loop_timer_free(c->timer);
    mem_free(c);
}

struct claims *claims_redis_open(struct hints *hints, struct loop *loop, struct metrics *metrics)
{
    static const char *const labels[] = {"answer=\"granted\"", "answer=\"denied\"",
                                         "answer=\"unknown\""};
    static const struct claim_ops ops = {.ask = ask, .release = release, .close = close};
    struct redis_claims *c = mem_alloc(sizeof *c);
    c->claims.ops = &ops;
    c->hints = hints;
    c->loop = loop;
    c->timer = loop_timer_new(loop, renew, c);
    c->drop_timer = loop_timer_new(loop, give_back, c);
    c->last_unknown = &c->unknown;
    id_random(c->token);
    for (int i = 0; metrics && i < 3; i++)
        c->answers[i] = metric_counter(metrics, "tidelock_claims_total",
                                       "Claims of signals asked for, by answer", labels[i]);
    return &c->claims;
}
