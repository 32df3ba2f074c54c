/* One host of the simulation: its life, its crash points, its end. */
#include "sim.h"
#include "flow/flow.h"
#include "flow/record.h"
#include "lease/claim.h"
#include <string.h>

static bool last_price(void *ctx, const char *instrument, struct decimal *price, int64_t *at_us)
{
    struct world *world = ctx;
    for (size_t i = 0; i < sim_instruments.count; i++)
        if (strcmp(sim_instruments.list[i].name, instrument) == 0) {
            *price = world->price[i];
            *at_us = world->clock.now_wall_us;
            return true;
        }
    return false;
}

bool host_listens(const struct host *host)
{
    return host->life != LIFE_NONE && host->life != LIFE_FAILED && !host->dying && !host->paused;
}

static bool dies(struct world *world)
{
    if (world->plan.orderly)
        return world->points == world->plan.crash_at;
    return !world->quiet && world->crashes < world->plan.crashes_max &&
           chances(world, world->plan.crash);
}

bool host_point(struct host *host, const char *what)
{
    struct world *world = host->world;
    if (host->dying || host->life == LIFE_NONE)
        return true;
    if (dies(world)) {
        world->crashes++;
        world_note(world, "host %d dies at point %lld: %s", host->index, (long long)world->points,
                   what);
        host->dying = true;
    }
    world->points++;
    return host->dying;
}

static void taken_over(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct host *host = owner;
    (void)value;
    if (host->number != handle)
        return;
    host->life = err ? LIFE_FAILED : LIFE_TRADING;
    world_note(host->world, "host %d %s", host->index, err ? err->text : "trades");
}

static void note_line(void *ctx, enum log_level level, const char *line)
{
    (void)level;
    world_note(ctx, "%s", line);
}

static void note_seen(void *ctx, const char *signal_id)
{
    intake_seen(ctx, signal_id);
}

static void set_options(struct host *host)
{
    static const char *const names[HOSTS] = {"one", "two", "three", "four"};
    struct core_options *options = &host->core.options;
    *options = (struct core_options){
        .instance = names[host->index],
        .mode = host->world->plan.mode,
        .queue_max = 64,
        .flow_max = 256,
        .retry_max = 4,
        .retry_base_us = 100000,
        .retry_cap_us = 2000000,
        .statistics_every = 3,
        .order_deadline_us = 3000000,
        .unknown_alert_us = 8000000,
        .instruments = sim_instruments,
        .reconcile = {.every_us = 1500000},
        .rollover_every_us = 700000,
        .record_trace = host->world->trace != NULL,
        .staleness = {.entry_max_age_us = 60000000, .entry_max_future_us = 30000000}};
    options->rails.waived = (1u << RAIL_COUNT) - 1;
    if (host->world->plan.rails) { /* orders of a minute, whoever makes them */
        options->rails.max_orders_per_minute = decimal_int(ENTRIES_MAX);
        options->rails.waived &= ~(1u << 3);
    }
    options->wind_down.stop_orders_us = options->wind_down.cancel_orders_us = 20000000;
    options->wind_down.close_positions = host->world->plan.shut_down && !host->world->quiet;
    options->wind_down.flush_us = options->wind_down.close_us = 10000000;
}

void host_start(struct world *world, struct host *host)
{
    struct err err;
    int index = (int)(host - world->hosts);
    *host = (struct host){.world = world, .index = index, .number = ++world->starts, .rate = 1000};
    host->life = LIFE_STARTING;
    cluster_set_clock(host);
    host->handle = world->store;
    if (world->clustered)
        host->handle =
            store_mem_share(world->store, &(struct store_mem_options){.instance = "sim",
                                                                      .clock = &host->clock.clock});
    proxy_init(host);
    struct core *core = &host->core;
    set_options(host);
    core->clock = world->clustered ? &host->clock.clock : &world->clock.clock;
    core->store = &host->store.store;
    core->broker = &host->broker.broker;
    core->policies = sim_policies;
    core->prices = (struct prices){.last = last_price, .ctx = world};
    core->book = book_new();
    core->stats = book_new();
    chance_seed(&core->chance, world->plan.seed + host->number);
    core->lease = lease_store_open(&(struct lease_store_options){.store = core->store,
                                                                 .clock = core->clock,
                                                                 .chance = &core->chance,
                                                                 .book = core->book,
                                                                 .name = core->options.instance,
                                                                 .ttl_us = 2000000,
                                                                 .sole = !world->clustered});
    if (world->clustered) {
        core->lease = cluster_hint(host, core->lease);
        core->claims = claims_sim_open(host);
    }
    world_note(world, "host %d starts", index);
    if (world->trace) {
        core->log = log_new(world->null_fd, LOG_JSON, LOG_DEBUG, core->clock, "sim");
        log_set_hook(core->log, note_line, world);
    }
    if (!core_start(core, &err) ||
        !store_load_book(host->handle, core->book, 1000, note_seen, core, &err)) {
        world_fault(world, "host %d does not start: %s", index, err.text);
        host->life = LIFE_FAILED;
        return;
    }
    take_over_begin(core, (struct waiter){taken_over, host, host->number});
}

/* What it had asked of the store is lost or was done: both happen. */
static void settle_writes(struct world *world, struct host *host)
{
    size_t others = 0;
    if (world->clustered) {
        store_mem_crash(host->handle, chances(world, 500));
        return;
    }
    for (int i = 0; i < HOSTS; i++)
        if (&world->hosts[i] != host && world->hosts[i].life != LIFE_NONE)
            others += world->hosts[i].store.unanswered + world->hosts[i].store.questions;
    bool keep = world->plan.orderly ? world->plan.crash_keeps : chances(world, 500);
    if (others > 0 || keep) {
        world_note(world, "what host %d had asked is committed", host->index);
        store_mem_commit(world->store, false);
    } else {
        store_mem_crash(world->store, false);
    }
}

void host_take_down(struct host *host)
{
    struct world *world = host->world;
    if (host->life == LIFE_NONE)
        return;
    world_note(world, "host %d is gone", host->index);
    host->life = LIFE_NONE;
    if (host->store.unanswered > 0)
        settle_writes(world, host);
    core_stop(&host->core);
    lease_close(host->core.lease);
    claims_close(host->core.claims);
    if (host->handle != world->store) {
        store_mem_crash(host->handle, false);
        store_close(host->handle);
    }
    log_free(host->core.log);
    book_free(host->core.book);
    book_free(host->core.stats);
    *host =
        (struct host){.world = world, .index = host->index, .number = host->number, .rate = 1000};
}

bool host_is_idle(const struct host *host)
{
    struct intake_depth depth = intake_depth(&host->core);
    return flow_count(&host->core) == 0 && depth.waiting + depth.working + depth.retrying == 0 &&
           host->store.unanswered + host->store.questions == 0;
}

void host_turn(struct host *host)
{
    struct world *world = host->world;
    if (host->paused && world->clock.now_steady_us >= host->resume_us) {
        world_note(world, "host %d goes on", host->index);
        proxy_resume(host);
    }
    if (!host_listens(host))
        return;
    if (host->life == LIFE_TRADING && host->core.term && core_is_leader(&host->core) &&
        record_in_flight(&host->core) == 0 && !book_get(host->core.book, TABLE_ACCOUNT, "main"))
        account_deposit(&host->core, decimal_int(1000000), "sim", (struct waiter){0});
    int64_t claims_us = host->core.claims ? claims_turn(host) : INT64_MAX;
    if (host->dying)
        return;
    host->next_us = core_turn(&host->core);
    if (claims_us < host->next_us)
        host->next_us = claims_us;
    if (!world->clustered && !host->dying && host->core.term == 0 && host->life == LIFE_TRADING) {
        world_note(world, "host %d has lost its term", host->index);
        host->dying = true;
    }
}

static void wound_down(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct host *host = owner;
    (void)value;
    if (host->number != handle || host->dying)
        return;
    world_note(host->world, "host %d is shut down%s%s", host->index, err ? ": " : "",
               err ? err->text : "");
    if (err && host->world->quiet && err->code != ERR_FENCED && !host->doubted)
        world_fault(host->world, "a shutdown in quiet times does not finish: %s", err->text);
    host->life = LIFE_STOPPED;
}

void host_stop(struct host *host)
{
    host->life = LIFE_STOPPING;
    host->doubted &= !host->world->quiet;
    world_note(host->world, "host %d is asked to shut down", host->index);
    wind_down_begin(&host->core, (struct waiter){wound_down, host, host->number});
}
