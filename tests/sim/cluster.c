/* Several hosts on one log: who is started, stopped, frozen and lied to, and when all is at rest.
 *
 * Each host has a handle of its own on the log and a clock that runs at a rate of its own. The
 * lies: what a handle hears comes late, the store says that a session is gone which stands, a hint
 * in front of the leases denies what is free, a process stands still for longer than any time to
 * live.
 */
#include "sim.h"
#include "flow/flow.h"
#include "flow/mutant.h"
#include "store/fence.h"
#include <string.h>

#define SETTLE_US 900000000
enum { STEPS_MAX = 120000 };

/* ---- the hint that lies ---- */

struct hint {
    struct lease lease;
    struct host *host;
    struct lease *inner;
    struct waiter denied[8];
    size_t count;
};

static struct hint *hint_of(const struct lease *lease)
{
    return (struct hint *)(uintptr_t)lease;
}

static void join(struct lease *lease, struct waiter to)
{
    lease_join(hint_of(lease)->inner, to);
}

static void leave(struct lease *lease, struct waiter to)
{
    lease_leave(hint_of(lease)->inner, to);
}

static void acquire(struct lease *lease, const char *key, struct waiter to)
{
    struct hint *hint = hint_of(lease);
    struct world *world = hint->host->world;
    if (!world->quiet && hint->count < 8 && chances(world, world->plan.hint_lies))
        hint->denied[hint->count++] = to;
    else
        lease_acquire(hint->inner, key, to);
}

static void release(struct lease *lease, const char *key)
{
    lease_release(hint_of(lease)->inner, key);
}

static bool held(const struct lease *lease, const char *key, int64_t *deadline_us)
{
    return lease_held(hint_of(lease)->inner, key, deadline_us);
}

static int64_t turn(struct lease *lease)
{
    struct hint *hint = hint_of(lease);
    struct err err;
    err_set(&err, ERR_LATER, ERR_BUSY, "the hint says that somebody has it");
    while (hint->count > 0)
        wait_answer(hint->denied[--hint->count], &err, NULL);
    return lease_turn(hint->inner);
}

static void close_hint(struct lease *lease)
{
    struct hint *hint = hint_of(lease);
    lease_close(hint->inner);
    mem_free(hint);
}

static void pass_loss(void *ctx, const char *key)
{
    struct hint *hint = ctx;
    if (hint->lease.on_lost)
        hint->lease.on_lost(hint->lease.lost_ctx, key);
}

struct lease *cluster_hint(struct host *host, struct lease *inner)
{
    static const struct lease_ops ops = {.join = join,
                                         .leave = leave,
                                         .acquire = acquire,
                                         .release = release,
                                         .held = held,
                                         .turn = turn,
                                         .close = close_hint};
    struct hint *hint = mem_alloc(sizeof *hint);
    *hint = (struct hint){.lease = {.ops = &ops}, .host = host, .inner = inner};
    inner->on_lost = pass_loss;
    inner->lost_ctx = hint;
    return &hint->lease;
}

/* ---- clocks ---- */

void cluster_set_clock(struct host *host)
{
    struct world *world = host->world;
    clock_sim_init(&host->clock, world->clock.now_wall_us, world->clock.now_steady_us);
    if (world->plan.hosts > 1 && world->plan.clock_rates) {
        host->rate = 900 + (int64_t)chance_below(&world->faults, 200);
        host->skew_us = (int64_t)chance_below(&world->faults, 1200000) - 600000;
    }
}

void cluster_advance(struct world *world, int64_t by_us)
{
    for (int i = 0; i < HOSTS; i++) {
        struct host *host = &world->hosts[i];
        host->clock.now_steady_us += by_us * host->rate / 1000;
        host->clock.now_wall_us = world->clock.now_wall_us + host->skew_us;
    }
}

/* ---- coming and going ---- */

static int count_living(const struct world *world)
{
    int count = 0;
    for (int i = 0; i < HOSTS; i++)
        count += world->hosts[i].life != LIFE_NONE;
    return count;
}

static void start_missing(struct world *world)
{
    for (int i = 0; i < world->plan.hosts; i++) {
        struct host *host = &world->hosts[i];
        if (host->life != LIFE_NONE)
            continue;
        if (world->starts < (uint64_t)world->plan.hosts)
            host->restart_us = world->clock.now_steady_us;
        else if (!host->restart_us)
            host->restart_us =
                world->clock.now_steady_us + (int64_t)chance_below(&world->faults, 4000000);
        if (world->clock.now_steady_us >= host->restart_us || world->quiet) {
            host->restart_us = 0;
            host_start(world, host);
        }
    }
}

static void trouble(struct world *world, struct host *host)
{
    if (!host->paused && chances(world, world->plan.freeze)) {
        host->paused = true;
        host->resume_us =
            world->clock.now_steady_us + (int64_t)chance_below(&world->faults, 9000000);
        world_note(world, "host %d stands still", host->index);
    }
    if (chances(world, world->plan.session_lies)) {
        world_note(world, "the store says that the session of host %d is gone", host->index);
        store_mem_session(host->handle, false);
        host->session_us =
            world->clock.now_steady_us + (int64_t)chance_below(&world->faults, 1000000);
    }
    if (host->session_us && world->clock.now_steady_us >= host->session_us) {
        host->session_us = 0;
        store_mem_session(host->handle, true);
    }
}

/* The one row that all of them change. */
static void move_money(struct host *host)
{
    if (host->core.term && book_get(host->core.book, TABLE_ACCOUNT, ACCOUNT_ID))
        account_deposit(&host->core, decimal_int(1), "sim", (struct waiter){0});
}

void cluster_tend(struct world *world)
{
    start_missing(world);
    for (int i = 0; i < HOSTS; i++) {
        struct host *host = &world->hosts[i];
        if (host->life == LIFE_NONE || host->dying)
            continue;
        if (!world->quiet)
            trouble(world, host);
        if (!world->quiet && host->life == LIFE_TRADING && !host->paused &&
            chances(world, world->plan.wind_down))
            host_stop(host);
        else if (!world->quiet && host_listens(host) && host->life == LIFE_TRADING &&
                 chances(world, world->plan.money))
            move_money(host);
    }
}

/* ---- the store ---- */

#define PATIENCE_US 2500000

/* A commit is on its way and the way is cut: it was done, will be done, or never is. */
static bool begin_doubt(struct host *host)
{
    struct world *world = host->world;
    int64_t now_us = world->clock.now_steady_us;
    if (host->paused || !chances(world, world->plan.doubt) || !store_mem_doubt(host->handle))
        return false;
    if (chances(world, 400))
        store_mem_land(host->handle);
    host->doubt_us = now_us + (int64_t)chance_below(&world->faults, 8000000);
    host->patience_us = now_us + PATIENCE_US;
    host->doubted = true;
    world_note(world, "host %d does not hear what became of its commit", host->index);
    return true;
}

static void turn_doubt(struct host *host)
{
    struct world *world = host->world;
    int64_t now_us = world->clock.now_steady_us;
    if (world->quiet || now_us >= host->doubt_us) {
        if (chances(world, 400))
            store_mem_land(host->handle);
        store_mem_settle(host->handle);
        host->doubt_us = 0;
        world_note(world, "host %d hears from the store again", host->index);
        return;
    }
    if (host->paused)
        return;
    if (now_us >= host->patience_us) {
        store_mem_refuse(host->handle);
        if (MUTANT(MUTANT_DOUBT_FAILS))
            store_mem_disown(host->handle);
    }
    store_mem_turn(host->handle);
}

void cluster_turn_store(struct world *world)
{
    store_mem_commit(world->store, false); /* what people write past the hosts */
    store_mem_turn(world->store);
    for (int i = 0; i < HOSTS; i++) {
        struct host *host = &world->hosts[i];
        if (host->life == LIFE_NONE || host->dying)
            continue;
        bool easy = world->quiet;
        if (host->doubt_us || (!easy && begin_doubt(host))) {
            turn_doubt(host);
            continue;
        }
        /* What was sent before the process stood still is carried out; it hears of it later. */
        if (host->paused && !store_mem_current(host->handle))
            continue;
        if (easy || chances(world, world->plan.bursts ? 250 : 700)) {
            bool fail = !easy && chances(world, world->plan.commit_fail);
            store_mem_commit(host->handle, fail);
        }
        if (!host->paused && !host->dying && (easy || !chances(world, world->plan.late)))
            store_mem_turn(host->handle);
    }
}

/* ---- at rest ---- */

/* Books are compared all the time, by several hosts in turn. */
static bool only_compares(const struct core *core)
{
    struct flow_view flows[4];
    size_t count = flows_list(core, flows, 4);
    for (size_t i = 0; i < count; i++)
        if (strcmp(flows[i].story, "match_books") != 0 && strcmp(flows[i].story, "look_books") != 0)
            return false;
    return count < 4;
}

static bool rests(const struct host *host)
{
    struct intake_depth depth = intake_depth(&host->core);
    return host_is_idle(host) ||
           (depth.waiting + depth.working + depth.retrying == 0 && only_compares(&host->core));
}

static bool is_at_rest(struct world *world)
{
    bool leader = false;
    for (int i = 0; i < HOSTS; i++) {
        struct host *host = &world->hosts[i];
        if (host->life == LIFE_NONE)
            continue;
        if (host->life != LIFE_TRADING || host->dying || host->paused || !rests(host) ||
            !host->core.term || halt_now(&host->core) != HALT_NONE)
            return false;
        leader |= core_is_leader(&host->core);
    }
    return leader;
}

static void look_at_all(struct world *world)
{
    int leaders = 0;
    for (int i = 0; i < HOSTS; i++)
        if (world->hosts[i].life != LIFE_NONE) {
            oracle_host(&world->hosts[i]);
            leaders += core_is_leader(&world->hosts[i].core);
        }
    if (leaders != 1)
        world_fault(world, "%d hosts believe that they lead", leaders);
}

static void tell_unrest(struct world *world, const struct host *host)
{
    struct flow_view flows[8];
    size_t count = flows_list(&host->core, flows, 8);
    struct intake_depth depth = intake_depth(&host->core);
    world_note(world, "host %d: life %d, term %lld, %zu wait, %zu worked, %zu tried again",
               host->index, (int)host->life, (long long)host->core.term, depth.waiting,
               depth.working, depth.retrying);
    for (size_t i = 0; i < count; i++)
        world_note(world, "host %d: %s of %s is at %s", host->index, flows[i].story,
                   flows[i].subject, flows[i].step);
}

void cluster_quiet(struct world *world)
{
    int64_t until_us = world->clock.now_steady_us + SETTLE_US;
    int rested = 0;
    world_end_faults(world);
    for (int i = 0; i < HOSTS; i++) {
        world->hosts[i].session_us = 0;
        if (world->hosts[i].life != LIFE_NONE)
            store_mem_session(world->hosts[i].handle, true);
    }
    while (world->steps < STEPS_MAX && world->clock.now_steady_us < until_us) {
        world_round(world);
        operator_resume(world);
        rested = sender_next_us(world) == INT64_MAX && is_at_rest(world) ? rested + 1 : 0;
        if (rested > 20) {
            look_at_all(world);
            return;
        }
        world_cross(world);
    }
    for (int i = 0; i < HOSTS; i++)
        if (world->hosts[i].life != LIFE_NONE)
            tell_unrest(world, &world->hosts[i]);
    world_fault(world, "%d hosts do not come to rest", count_living(world));
}

/* One after the other, each handing over. */
void cluster_shutdown(struct world *world)
{
    world->plan.hosts = 0; /* nobody is started again */
    for (int left = count_living(world); left > 0; left--) {
        for (int i = 0; i < 4000 && !is_at_rest(world); i++)
            world_round(world);
        int i = (int)chance_below(&world->chance, HOSTS);
        while (world->hosts[i % HOSTS].life != LIFE_TRADING && i < 2 * HOSTS)
            i++;
        struct host *host = &world->hosts[i % HOSTS];
        if (host->life != LIFE_TRADING) {
            world_fault(world, "a host that lives does not trade");
            return;
        }
        host_stop(host);
        for (int k = 0; k < 20000 && host->life == LIFE_STOPPING; k++)
            world_round(world);
        if (host->life == LIFE_STOPPING)
            world_fault(world, "the shutdown of host %d does not end", host->index);
    }
}
