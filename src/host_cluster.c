/* Why: one of several has leases that others can take over, Redis in front of them, and tells the
 * others that the log has grown. */
#include "host_cluster.h"

#include "flow/flows.h"
#include "lease/claim.h"
#include <stdio.h>
#include <string.h>

#define UPKEEP_US 86400000000 /* a day */
#define UPKEEP_AGAIN_US 60000000

struct cluster {
    const struct config *config;
    struct core *core;
    struct loop *loop;
    struct hints *hints; /* NULL: no Redis */
    struct core_listener listener;
    void (*inner)(void *ctx, const struct event *events, size_t count);
    void *inner_ctx;
    int64_t upkeep_us; /* steady: when the database's months are looked after next */
    bool hearing;      /* what is told now is another's */
    bool grown;        /* by a commit of ours */
};

/* ---- leases ---- */

static struct lease *open_lease(struct cluster *cluster)
{
    const struct config *config = cluster->config;
    struct core *core = cluster->core;
    char address[NAME_SIZE];
    snprintf(address, sizeof address, "%.40s:%d", config->listen_address, (int)config->listen_port);
    struct lease *lease = lease_store_open(
        &(struct lease_store_options){.store = core->store,
                                      .clock = core->clock,
                                      .log = core->log,
                                      .metrics = core->metrics,
                                      .chance = &core->chance,
                                      .book = core->book,
                                      .name = config->instance,
                                      .address = address,
                                      .build = TIDELOCK_VERSION,
                                      .sole = config->mode == MODE_SINGLE,
                                      .ttl_us = config->leases.dead_after_us / 3 * 2,
                                      .watch_us = config->leases.watch_us});
    if (!cluster->hints)
        return lease;
    core->claims = claims_redis_open(cluster->hints, cluster->loop, core->metrics);
    return lease_redis_open(&(struct lease_redis_options){.inner = lease,
                                                          .hints = cluster->hints,
                                                          .clock = core->clock,
                                                          .book = core->book,
                                                          .metrics = core->metrics,
                                                          .ttl_us = config->leases.ttl_us,
                                                          .key_ttl_us = config->leases.ttl_us});
}

static bool open_hints(struct cluster *cluster, struct loop *loop, struct err *err)
{
    const struct config *config = cluster->config;
    struct core *core = cluster->core;
    if (!config->redis.url || config->mode == MODE_SINGLE)
        return true;
    struct hints_options options = {.loop = loop,
                                    .chance = &core->chance,
                                    .log = core->log,
                                    .metrics = core->metrics,
                                    .store = core->store,
                                    .url = config->redis.url,
                                    .user = config->redis.user,
                                    .password = config->redis.password.bytes,
                                    .prefix = config->redis.prefix,
                                    .instance = config->instance,
                                    .timeout_us = config->redis.timeout_us};
    cluster->hints = hints_open(&options, err);
    return cluster->hints != NULL;
}

struct cluster *cluster_open(const struct config *config, struct core *core, struct loop *loop,
                             struct err *err)
{
    struct cluster *cluster = mem_alloc(sizeof *cluster);
    cluster->config = config;
    cluster->core = core;
    cluster->loop = loop;
    if (!open_hints(cluster, loop, err)) {
        mem_free(cluster);
        return NULL;
    }
    core->lease = open_lease(cluster);
    return cluster;
}

/* ---- the log ---- */

static void hear_foreign(void *ctx, const struct event *events, size_t count)
{
    struct cluster *cluster = ctx;
    cluster->hearing = true;
    cluster->inner(cluster->inner_ctx, events, count);
    cluster->hearing = false;
}

static void note_event(void *ctx, const struct store_event *event)
{
    struct cluster *cluster = ctx;
    (void)event;
    if (!cluster->hearing)
        cluster->grown = true;
}

void cluster_follow(struct cluster *cluster)
{
    struct core *core = cluster->core;
    if (!cluster->hints)
        return;
    cluster->inner = core->store->on_foreign;
    cluster->inner_ctx = core->store->foreign_ctx;
    core->store->on_foreign = hear_foreign;
    core->store->foreign_ctx = cluster;
    cluster->listener = (struct core_listener){note_event, cluster, core->listeners};
    core->listeners = &cluster->listener;
}

static void hear_upkeep(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct cluster *cluster = owner;
    (void)handle;
    if (err) {
        cluster->upkeep_us = clock_steady(cluster->core->clock) + UPKEEP_AGAIN_US;
        log_write(cluster->core->log, LOG_WARN, "store", "partitions could not be made ahead",
                  LOG_T("error", err->text), LOG_END);
    } else if (*(const int64_t *)value > 0) {
        log_write(cluster->core->log, LOG_INFO, "store", "partitions were made or dropped",
                  LOG_I("tables", *(const int64_t *)value), LOG_END);
    }
}

/* Months ahead are made by whoever leads, so that they are there when they begin. */
static void look_after_months(struct cluster *cluster)
{
    struct core *core = cluster->core;
    int64_t now_us = clock_steady(core->clock);
    if (now_us < cluster->upkeep_us || !core_is_leader(core))
        return;
    cluster->upkeep_us = now_us + UPKEEP_US;
    store_upkeep(core->store, 0, (struct waiter){hear_upkeep, cluster, 0});
}

void cluster_turn(struct cluster *cluster)
{
    struct store_status status;
    look_after_months(cluster);
    if (!cluster->grown)
        return;
    cluster->grown = false;
    store_status(cluster->core->store, &status);
    hints_grown(cluster->hints, status.events);
}

/* ---- whose Redis it is ---- */

static void hear_first(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct cluster *cluster = owner;
    const struct store_events *events = value;
    char identity[2 * SHA256_SIZE + 1];
    (void)handle;
    if (err || !events->count)
        return;
    hex_print(events->list[0].hash, SHA256_SIZE, identity);
    hints_identify(cluster->hints, identity);
}

/* The hash of its first event: the same for all instances of a database, and for a copy that takes
 * its place. */
void cluster_joined(struct cluster *cluster)
{
    struct store_events_query query = {.limit = 1};
    if (cluster->hints)
        store_events(cluster->core->store, &query,
                     (struct waiter){.answer = hear_first, .owner = cluster});
}

/* ---- the end ---- */

const struct hints *cluster_hints(const struct cluster *cluster)
{
    return cluster->hints;
}

void cluster_close(struct cluster *cluster)
{
    if (!cluster)
        return;
    hints_close(cluster->hints);
    claims_close(cluster->core->claims);
    cluster->core->claims = NULL;
    lease_close(cluster->core->lease);
    cluster->core->lease = NULL;
    mem_free(cluster);
}
