/* The world turns: who acts next, what goes wrong, when time moves. Then the faults end, a host is
 * started on what is left, and when all is at rest the judge looks. */
#include "sim.h"
#include "flow/flow.h"
#include <stdio.h>
#include <unistd.h>

enum { STEPS_MAX = 60000 };
#define START_US 1000000000
#define WALL_US 1790000000000000 /* a Monday in 2026 */
#define FAULTS_US 45000000
#define REST_US 900000000

void world_note(struct world *world, const char *format, ...)
{
    char text[400];
    va_list args;
    if (!world->trace)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    str_printf(world->trace, "%9.3f  %s\n", (double)(world->clock.now_steady_us - START_US) / 1e6,
               text);
}

void world_fault(struct world *world, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    world_note(world, "FAULT: %s", text);
    str_printf(&world->report, "  %s\n", text);
}

bool chances(struct world *world, uint32_t permille)
{
    return permille > 0 && chance_hits(&world->faults, permille);
}

static enum paper_fault break_call(void *ctx, const char *call, const char *order_id)
{
    struct world *world = ctx;
    static const enum paper_fault faults[] = {
        PAPER_DROP_REQUEST, PAPER_DROP_ANSWER,  PAPER_NO_ANSWER,       PAPER_LATE,
        PAPER_TWICE,        PAPER_TWICE,        PAPER_REFUSED_CONNECT, PAPER_RATE_LIMIT,
        PAPER_REJECT,       PAPER_DELAY_REQUEST};
    if (world->quiet || !chances(world, world->plan.broker_fault))
        return PAPER_OK;
    enum paper_fault fault = faults[chance_below(&world->faults, sizeof faults / sizeof *faults)];
    if (fault == PAPER_REJECT && *call == 'q')
        fault = PAPER_NO_ANSWER;
    world_note(world, "the broker's %s %s meets fault %d", call, order_id, (int)fault);
    return fault;
}

/* ---- making and unmaking ---- */

static bool open_world(struct world *world)
{
    struct err err;
    const struct plan *plan = &world->plan;
    clock_sim_init(&world->clock, WALL_US, START_US);
    clock_sim_init(&world->broker_clock, WALL_US, START_US);
    chance_seed(&world->chance, plan->seed);
    chance_seed(&world->faults, plan->seed ^ 0x5bd1e995u);
    arena_init(&world->arena, 16384);
    world->store = store_mem_open(&(struct store_mem_options){
        .instance = "sim", .keep_events = true, .clock = &world->clock.clock});
    for (size_t i = 0; i < INSTRUMENTS; i++)
        world->price[i] = decimal_int(100 * (int64_t)(i + 1));
    struct paper_options options = {.fee_per_lot = decimal_int(1),
                                    .fee_percent = decimal_bad(),
                                    .slippage_percent = decimal_bad(),
                                    .latency_us = plan->orderly ? 0 : 2000,
                                    .partial_permille = plan->partial,
                                    .reject_permille = plan->reject,
                                    .seed = plan->seed,
                                    .starting_cash = decimal_int(1000000),
                                    .instruments = &sim_instruments,
                                    .clock = &world->broker_clock.clock,
                                    .fault = plan->orderly ? NULL : break_call,
                                    .fault_ctx = world};
    world->paper = paper_open(&options, &err);
    for (int i = 0; i < HOSTS; i++)
        world->hosts[i] = (struct host){.world = world, .index = i, .rate = 1000};
    world->clustered = plan->hosts > 0;
    sender_plan(world);
    return world->paper != NULL;
}

static void close_world(struct world *world)
{
    for (int i = 0; i < HOSTS; i++)
        host_take_down(&world->hosts[i]);
    broker_close(world->paper);
    store_mem_crash(world->store, false);
    store_close(world->store);
    arena_free(&world->arena);
}

/* ---- hosts come and go ---- */

static bool any_alive(const struct world *world)
{
    for (int i = 0; i < HOSTS; i++)
        if (world->hosts[i].life != LIFE_NONE)
            return true;
    return false;
}

static void bury(struct world *world)
{
    for (int i = 0; i < HOSTS; i++) {
        struct host *host = &world->hosts[i];
        if (host->life == LIFE_NONE)
            continue;
        if (host->dying || host->life == LIFE_FAILED || host->life == LIFE_STOPPED)
            host_take_down(host);
    }
}

static void tend_hosts(struct world *world)
{
    int64_t now_us = world->clock.now_steady_us;
    bury(world);
    if (world->clustered) {
        cluster_tend(world);
        return;
    }
    if (!any_alive(world)) {
        if (!world->restart_us)
            world->restart_us =
                now_us +
                (world->plan.orderly ? 1000 : (int64_t)chance_below(&world->faults, 3000000));
        if (now_us >= world->restart_us) {
            world->restart_us = 0;
            host_start(world, &world->hosts[world->plan.two_hosts && chances(world, 500)]);
        }
        return;
    }
    for (int i = 0; i < 2 && !world->quiet; i++) {
        struct host *host = &world->hosts[i], *other = &world->hosts[!i];
        if (host->life != LIFE_TRADING || host->dying)
            continue;
        /* A second one takes over while the first still lives, or hangs. */
        if (world->plan.two_hosts && other->life == LIFE_NONE &&
            chances(world, host->paused ? 50 : world->plan.split))
            host_start(world, other);
        else if (!host->paused && chances(world, world->plan.wind_down))
            host_stop(host);
    }
}

/* ---- one round ---- */

static bool store_works(const struct world *world)
{
    struct store_status status;
    store_status(world->store, &status);
    size_t asked = (size_t)status.queued;
    for (int i = 0; i < HOSTS; i++)
        asked += world->hosts[i].store.questions;
    for (int i = 0; world->clustered && i < HOSTS; i++)
        if (!world->hosts[i].doubt_us)
            asked += world->hosts[i].store.unanswered + world->hosts[i].store.beats;
    return asked > 0;
}

static void turn_store(struct world *world)
{
    if (world->clustered) {
        cluster_turn_store(world);
        return;
    }
    if (chances(world, 700) || world->plan.orderly || world->quiet) {
        bool fail = !world->quiet && chances(world, world->plan.commit_fail);
        if (fail)
            world_note(world, "the disk is full");
        store_mem_commit(world->store, fail);
    }
    if (world->plan.orderly || world->quiet || chances(world, 800))
        store_mem_turn(world->store);
}

static void move_price(struct world *world)
{
    size_t i = chance_below(&world->chance, INSTRUMENTS);
    struct decimal step = decimal_int((int64_t)chance_below(&world->chance, 3) - 1);
    world->price[i] = decimal_add(world->price[i], step);
    if (decimal_sign(decimal_sub(world->price[i], decimal_int(20))) < 0)
        world->price[i] = decimal_int(20);
    paper_price(world->paper, sim_instruments.list[i].name, world->price[i],
                world->clock.now_wall_us);
}

static int64_t next_moment(const struct world *world)
{
    int64_t next_us = paper_next_due_us(world->paper), other_us = sender_next_us(world);
    next_us = other_us < next_us ? other_us : next_us;
    if (world->restart_us && world->restart_us < next_us)
        next_us = world->restart_us;
    for (int i = 0; i < HOSTS; i++) {
        const struct host *host = &world->hosts[i];
        if (host->life == LIFE_NONE && host->restart_us && host->restart_us < next_us)
            next_us = host->restart_us;
        if (host->life == LIFE_NONE)
            continue;
        if (host->doubt_us && host->doubt_us < next_us)
            next_us = host->doubt_us;
        other_us = host->paused ? host->resume_us : host->next_us;
        if (world->clustered && !host->paused && host->next_us < INT64_MAX / 2)
            other_us = world->clock.now_steady_us +
                       (host->next_us - host->clock.now_steady_us) * 1000 / host->rate + 1;
        next_us = other_us < next_us ? other_us : next_us;
    }
    return next_us;
}

static void advance(struct world *world, int64_t by_us)
{
    clock_sim_advance(&world->clock, by_us);
    clock_sim_advance(&world->broker_clock, by_us);
    cluster_advance(world, by_us);
}

/* The hosts' wall clock is set, as by a person or a time server; the broker's is not. Being ahead
 * of the broker by more than the second that is allowed for would void every promise; behind it
 * costs rights to send. */
static void jump(struct world *world)
{
    int64_t steady_us = world->clock.now_steady_us;
    int64_t ahead_us = world->quiet ? 0 : 900000 - (int64_t)chance_below(&world->faults, 45000000);
    if (!world->quiet && chances(world, 500))
        ahead_us /= 50;
    world_note(world, "the wall clock jumps to %.3f s ahead", (double)ahead_us / 1e6);
    clock_sim_set_wall(&world->clock, world->broker_clock.now_wall_us + ahead_us);
    world->clock.now_steady_us = steady_us;
}

static void move_time(struct world *world)
{
    int64_t now_us = world->clock.now_steady_us;
    if (!world->quiet && chances(world, world->plan.clock_jump))
        jump(world);
    if (store_works(world)) {
        advance(world, world->plan.orderly ? 100 : (int64_t)chance_below(&world->chance, 1500));
        return;
    }
    int64_t next_us = next_moment(world);
    if (next_us > now_us)
        advance(world, next_us == INT64_MAX ? 100000 : next_us - now_us);
}

void world_round(struct world *world)
{
    tend_hosts(world);
    sender_turn(world);
    for (int i = 0; i < HOSTS; i++)
        if (world->hosts[i].life != LIFE_NONE)
            host_turn(&world->hosts[i]);
    if (world->plan.orderly || chances(world, 800) || world->quiet)
        paper_turn(world->paper);
    turn_store(world);
    if (!world->plan.orderly && chances(world, 100))
        move_price(world);
    if (!world->quiet && chances(world, world->plan.people))
        operator_turn(world);
    move_time(world);
    world->steps++;
}

/* ---- the course of a schedule ---- */

static struct host *trading_host(struct world *world)
{
    for (int i = 0; i < HOSTS; i++)
        if (world->hosts[i].life == LIFE_TRADING && !world->hosts[i].dying)
            return &world->hosts[i];
    return NULL;
}

static bool senders_done(const struct world *world)
{
    return sender_next_us(world) == INT64_MAX;
}

static void run_faults(struct world *world)
{
    int64_t until_us = START_US + FAULTS_US;
    bool stopped = false;
    while (world->steps < STEPS_MAX && world->clock.now_steady_us < until_us) {
        world_round(world);
        struct host *host = trading_host(world);
        if (!world->plan.orderly || !host)
            continue;
        /* An orderly run ends when there is nothing left to crash. */
        if (world->plan.shut_down && !stopped && world->clock.now_steady_us > START_US + 2200000) {
            stopped = true;
            host_stop(host);
        } else if (senders_done(world) && host_is_idle(host)) {
            break;
        }
    }
}

static bool leads_alone(struct world *world)
{
    const struct host *host = trading_host(world);
    struct store_status status;
    store_status(world->store, &status);
    return host && world->hosts[!host->index].life == LIFE_NONE && host->core.term == status.term;
}

void world_end_faults(struct world *world)
{
    world_note(world, "the faults are over");
    world->quiet = true;
    world->cross_us = world->clock.now_steady_us + 20000000;
}

void world_cross(struct world *world)
{
    if (world->clock.now_steady_us <= world->cross_us)
        return;
    for (size_t i = 0; i < INSTRUMENTS; i++)
        paper_price(world->paper, sim_instruments.list[i].name,
                    decimal_int(world->crossed++ / 3 % 2 ? 100000 : 1), world->clock.now_wall_us);
    world->cross_us += 3000000;
}

/* All who still live die; one is started, and everything must come to rest. */
static void run_quiet(struct world *world)
{
    if (world->clustered) {
        cluster_quiet(world);
        return;
    }
    world_end_faults(world);
    if (world->plan.clock_jump)
        jump(world); /* back to where the rest of the world is */
    /* Half of the time the host that lives must come to rest by itself: a new one would find in its
     * rows what this one may have forgotten. */
    if (!world->plan.lives_on || !leads_alone(world)) {
        for (int i = 0; i < HOSTS; i++)
            host_take_down(&world->hosts[i]);
        world->restart_us = 0;
        host_start(world, &world->hosts[0]);
    }
    int64_t until_us = world->clock.now_steady_us + REST_US;
    while (world->steps < STEPS_MAX && world->clock.now_steady_us < until_us) {
        world_round(world);
        struct host *host = trading_host(world);
        if (host)
            operator_resume(world);
        if (host && senders_done(world) && host_is_idle(host) &&
            halt_now(&host->core) == HALT_NONE) {
            oracle_host(host);
            return;
        }
        world_cross(world);
    }
    world_fault(world, "does not come to rest within %d s", (int)(REST_US / 1000000));
}

static void run_shutdown(struct world *world)
{
    struct host *host = trading_host(world);
    if (world->clustered) {
        cluster_shutdown(world);
        return;
    }
    if (!host)
        return;
    host_stop(host);
    for (int i = 0; i < 20000 && host->life == LIFE_STOPPING; i++)
        world_round(world);
    if (host->life == LIFE_STOPPING)
        world_fault(world, "the last shutdown does not end");
}

void world_run(const struct plan *plan, struct str *trace, struct str *report, int64_t *points)
{
    struct world *world = mem_alloc(sizeof *world);
    world->plan = *plan;
    world->trace = trace;
    world->null_fd = trace ? dup(2) : -1;
    if (!open_world(world)) {
        str_puts(report, "  the world does not open\n");
        mem_free(world);
        return;
    }
    if (!world->clustered)
        host_start(world, &world->hosts[0]);
    run_faults(world);
    if (points)
        *points = world->points;
    run_quiet(world);
    run_shutdown(world);
    oracle_check(world);
    str_puts(report, str_text(&world->report));
    close_world(world);
    if (world->null_fd >= 0)
        close(world->null_fd);
    str_free(&world->report);
    mem_free(world);
}
