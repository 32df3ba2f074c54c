/* A signal that several instances are given at once is written by one of them. Who asks Redis first
 * has the claim and stores; the others hold theirs back until the log tells of the row, and answer
 * from it.
 *
 *     asked ──granted, unknown (20 ms at most)──────────────────> goes on: the row's key decides
 *       └──denied──> held back ──100 ms, shutdown, an EXIT after it──> goes on
 *                        └──the log tells of the row──> its senders hear of the first one
 *
 * Redis is asked while other commits are under way, and not about a signal for which nobody
 * waits (an exit of the host's own), nor while no other instance lives. A claim that lies costs 100
 * ms, and nothing else. */
#include "flow/claiming.h"
#include "flow/intake.h"
#include "flow/mutant.h"
#include "lease/claim.h"
#include "store/fence.h"
#include "trade/order.h"

enum { HELD_MAX = 4096 }; /* beyond that signals go on without being asked about */
#define HELD_BACK_US 100000
#define LOOK_US 100000

struct held {
    UT_hash_handle hh;
    struct signal row;
    char *extra;
    bool went; /* on, before the answer */
    bool denied;
};
struct claiming {
    struct pool pool;
    struct held *held;
    struct heap due; /* steady time until which a denied one is held back; its handle */
    int64_t look_us; /* steady: when the members are counted again */
    bool others;
    struct metric *by_log, *by_time;
};

void claiming_new(struct core *core)
{
    static const char name[] = "tidelock_signals_held_back_total";
    static const char help[] = "Signals another instance had claimed, by what ended the wait.";
    struct claiming *claiming;
    if (!core->claims)
        return;
    core->claiming = claiming = mem_alloc(sizeof *claiming);
    pool_init(&claiming->pool, sizeof(struct held), HELD_MAX);
    heap_init(&claiming->due, 0);
    if (!core->metrics)
        return;
    claiming->by_log = metric_counter(core->metrics, name, help, "by=\"log\"");
    claiming->by_time = metric_counter(core->metrics, name, help, "by=\"time\"");
}

void claiming_free(struct core *core)
{
    struct claiming *claiming = core->claiming;
    struct held *held, *next;
    if (!claiming)
        return;
    HASH_ITER(hh, claiming->held, held, next)
    {
        HASH_DELETE(hh, claiming->held, held);
        mem_free(held->extra);
    }
    pool_free(&claiming->pool);
    heap_free(&claiming->due);
    mem_free(claiming);
    core->claiming = NULL;
}

size_t claiming_count(const struct core *core)
{
    return core->claiming ? HASH_COUNT(core->claiming->held) : 0;
}

static struct held *find(const struct core *core, const char *id)
{
    struct held *held = NULL;
    if (core->claiming)
        HASH_FIND_STR(core->claiming->held, id, held);
    return held;
}

/* Its slot stays until the claim's answer has come. */
static void take_out(struct core *core, struct held *held)
{
    HASH_DELETE(hh, core->claiming->held, held);
    mem_free(held->extra);
    held->extra = NULL;
    held->went = true;
}

static void go_on(struct core *core, struct held *held)
{
    struct signal row = held->row;
    char *extra = held->extra;
    held->extra = NULL;
    take_out(core, held);
    intake_go_on(core, &row);
    mem_free(extra);
}

static void hear_claim(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct core *core = owner;
    struct claiming *claiming = core->claiming;
    struct held *held = claiming ? pool_get(&claiming->pool, handle) : NULL;
    enum claim claim = *(const enum claim *)value;
    (void)err;
    if (!held)
        return;
    if (held->went) { /* nothing that ends later gives this claim back: it may have ended */
        if (claim != CLAIM_DENIED && !book_get(core->book, TABLE_SIGNAL, held->row.id))
            claim_release(core->claims, held->row.id);
        pool_give(&claiming->pool, handle);
    } else if (claim == CLAIM_DENIED && MUTANT(MUTANT_TRUST_CLAIM)) {
        struct signal row = held->row;
        take_out(core, held);
        pool_give(&claiming->pool, handle);
        tickets_repeated(core, row.id);
        tickets_stand(core, &row);
    } else if (claim == CLAIM_DENIED && !core->draining) {
        held->denied = true;
        heap_push(&claiming->due, clock_steady(core->clock) + HELD_BACK_US, handle);
    } else {
        go_on(core, held);
        pool_give(&claiming->pool, handle);
    }
}

/* Whether another member lives that could be given the same. */
static bool has_others(struct core *core)
{
    struct claiming *claiming = core->claiming;
    int64_t now_us = clock_steady(core->clock);
    if (now_us >= claiming->look_us) {
        claiming->others = fence_others(core->book, core->term) > 0;
        claiming->look_us = now_us + LOOK_US;
    }
    return claiming->others;
}

bool claiming_asks(struct core *core, const struct signal *signal)
{
    struct claiming *claiming = core->claiming;
    uint64_t handle;
    struct held *held = NULL;
    if (claiming && has_others(core))
        held = pool_take(&claiming->pool, &handle);
    if (!held)
        return false;
    held->row = *signal;
    if (signal->extra)
        held->row.extra = held->extra = mem_copy_text(signal->extra);
    HASH_ADD_KEYPTR(hh, claiming->held, held->row.id, strlen(held->row.id), held);
    claim_ask(core->claims, held->row.id, held->row.instrument,
              (struct waiter){.answer = hear_claim, .owner = core, .handle = handle});
    return true;
}

void claiming_let_by(struct core *core, const struct signal *exit)
{
    struct held *held, *next;
    if (!claiming_count(core))
        return;
    HASH_ITER(hh, core->claiming->held, held, next)
    if (signal_supersedes(exit, &held->row))
        go_on(core, held);
}

void claiming_told(struct core *core, const char *signal_id)
{
    struct held *held = find(core, signal_id);
    if (!held)
        return;
    if (held->denied)
        metric_add(core->claiming->by_log, 1);
    take_out(core, held);
}

void claiming_done(struct core *core, const char *signal_id)
{
    claim_release(core->claims, signal_id);
}

int64_t claiming_turn(struct core *core)
{
    struct claiming *claiming = core->claiming;
    int64_t now_us = clock_steady(core->clock);
    struct heap_item item;
    while (claiming && heap_peek(&claiming->due, &item)) {
        struct held *held = pool_get(&claiming->pool, item.value);
        if (!held->went && item.key > now_us && !core->draining)
            return item.key;
        heap_pop(&claiming->due, &item);
        if (!held->went) {
            metric_add(claiming->by_time, 1);
            go_on(core, held);
        }
        pool_give(&claiming->pool, item.value);
    }
    return INT64_MAX;
}
