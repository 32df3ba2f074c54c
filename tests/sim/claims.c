/* Claims as Redis would give them, and as it does when it lies, forgets or is slow: whatever is
 * said, each signal has one row. */
#include "lease/claim.h"
#include "sim.h"
#include <assert.h>
#include <string.h>

#define CLAIM_US 30000000
#define LATE_US 20000 /* no answer comes later */
enum { ASKED_MAX = 512 };

struct asked {
    struct waiter to;
    enum claim claim;
    int64_t due_us; /* by the host's steady clock */
};
struct host_claims {
    struct claims claims;
    struct host *host;
    struct asked asked[ASKED_MAX];
    size_t count;
};

static struct host_claims *of(struct claims *claims)
{
    return (struct host_claims *)(void *)claims;
}

static struct claim_mark *mark_of(struct world *world, const char *signal_id)
{
    for (size_t i = 0; i < SIGNALS_MAX; i++)
        if (strcmp(world->sent[i].row.id, signal_id) == 0)
            return &world->claimed[i];
    return NULL;
}

static enum claim decide(struct host *host, const char *signal_id)
{
    struct world *world = host->world;
    struct claim_mark *mark = mark_of(world, signal_id);
    if (!mark)
        return CLAIM_UNKNOWN;
    if (chances(world, world->plan.hint_lies))
        return (enum claim)chance_below(&world->faults, 3);
    if (mark->host && mark->host != host->number && mark->until_us > world->clock.now_steady_us)
        return CLAIM_DENIED;
    *mark = (struct claim_mark){host->number, world->clock.now_steady_us + CLAIM_US};
    return CLAIM_GRANTED;
}

static void ask(struct claims *claims, const char *signal_id, const char *instrument,
                struct waiter to)
{
    static const char *const names[] = {"(claim granted)", "(claim denied)", "(claim unknown)"};
    struct host_claims *c = of(claims);
    int64_t late_us = (int64_t)chance_below(&c->host->world->faults, LATE_US);
    (void)instrument;
    assert(c->count < ASKED_MAX);
    c->asked[c->count++] = (struct asked){.to = to,
                                          .claim = decide(c->host, signal_id),
                                          .due_us = c->host->clock.now_steady_us + late_us};
    seen_event(names[c->asked[c->count - 1].claim]);
}

static void release(struct claims *claims, const char *signal_id)
{
    struct host *host = of(claims)->host;
    struct claim_mark *mark = mark_of(host->world, signal_id);
    if (mark && mark->host == host->number)
        mark->host = 0;
}

static void close(struct claims *claims)
{
    mem_free(of(claims));
}

/* In the order of asking, as replies on one connection come. */
int64_t claims_turn(struct host *host)
{
    struct host_claims *c = of(host->core.claims);
    while (c && c->count > 0) {
        struct asked first = c->asked[0];
        if (first.due_us > host->clock.now_steady_us)
            return first.due_us;
        c->count--;
        memmove(c->asked, c->asked + 1, c->count * sizeof *c->asked);
        wait_answer(first.to, NULL, &first.claim);
    }
    return INT64_MAX;
}

struct claims *claims_sim_open(struct host *host)
{
    static const struct claim_ops ops = {.ask = ask, .release = release, .close = close};
    struct host_claims *c = mem_alloc(sizeof *c);
    c->claims.ops = &ops;
    c->host = host;
    return &c->claims;
}
