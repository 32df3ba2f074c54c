/* Who sends signals: each sender waits three seconds for an answer, repeats what was refused or not
 * answered, and sometimes what was accepted, to whichever host answers. */
#include "sim.h"
#include <string.h>

#define PATIENCE_US 3000000
#define AGAIN_US 5000000
enum { TRIES = 4 };

static struct decimal price_near(struct world *world, size_t instrument, int64_t by)
{
    return decimal_add(world->price[instrument], decimal_int(by));
}

static void make(struct world *world, struct sent *sent, size_t index)
{
    struct signal *row = &sent->row;
    struct chance *chance = &world->chance;
    size_t instrument = world->plan.orderly ? 0 : chance_below(chance, INSTRUMENTS);
    uint64_t kind = world->plan.orderly ? index % 4 : chance_below(chance, 10);
    row_init(&tables[TABLE_SIGNAL], row);
    text_copy(row->source, sizeof row->source, "sim");
    text_copy(row->strategy, sizeof row->strategy,
              sim_strategy_names[world->plan.orderly ? 0 : chance_below(chance, STRATEGIES)]);
    text_copy(row->instrument, sizeof row->instrument, sim_instruments.list[instrument].name);
    row->type = kind < (world->plan.orderly ? 1 : 4)   ? SIGNAL_BASE_ENTRY
                : kind < (world->plan.orderly ? 2 : 7) ? SIGNAL_PYRAMID
                                                       : SIGNAL_EXIT;
    if (row->type == SIGNAL_PYRAMID)
        text_copy(row->position, sizeof row->position,
                  chance_below(chance, 2) ? "Long_3" : "Long_2");
    else if (row->type == SIGNAL_EXIT && chance_hits(chance, 600))
        text_copy(row->position, sizeof row->position, "ALL");
    else
        text_copy(row->position, sizeof row->position, "Long_1");
    if (row->type != SIGNAL_EXIT) {
        row->price = price_near(world, instrument, 0);
        row->stop = price_near(world, instrument, -5);
        row->quantity = decimal_int(1 + (int64_t)chance_below(chance, 7));
    }
    row->at_us = world->clock.now_wall_us + (sent->due_us - world->clock.now_steady_us);
    row->received_us = row->at_us;
    row->version = 1;
    /* The second of the day is part of the fingerprint: two of one kind in it are one signal. */
    signal_fingerprint(row, NULL, NULL, 0);
}

void sender_plan(struct world *world)
{
    for (size_t i = 0; i < SIGNALS_MAX; i++)
        world->sent[i].due_us = INT64_MAX;
    for (size_t i = 0; i < world->plan.signals; i++) {
        struct sent *sent = &world->sent[i];
        sent->due_us = world->clock.now_steady_us +
                       (world->plan.orderly ? (int64_t)i * 1500000
                                            : (int64_t)chance_below(&world->chance, 25000000));
        if (world->plan.bursts) /* several at once, to several hosts */
            sent->due_us -= sent->due_us % 4000000;
        make(world, sent, i);
    }
}

static void plan_next(struct world *world, struct sent *sent)
{
    sent->request = 0;
    sent->due_us = INT64_MAX;
    if (sent->accepted) {
        if (!world->quiet && !world->plan.orderly && sent->repeats++ < 2 && chances(world, 300))
            sent->due_us =
                world->clock.now_steady_us + (int64_t)chance_below(&world->chance, 8000000);
    } else if (++sent->tries < TRIES) {
        sent->due_us = world->clock.now_steady_us + AGAIN_US;
    }
}

static void answer(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct world *world = owner;
    struct sent *sent = &world->sent[handle % SIGNALS_MAX];
    struct host *host = &world->hosts[handle / SIGNALS_MAX % HOSTS];
    const struct intake_answer *told = value;
    if (host->life != LIFE_NONE && host_point(host, "before acknowledging"))
        return;
    if (host->life == LIFE_NONE || sent->request != handle / SIGNALS_MAX / HOSTS)
        return; /* the connection is gone, or the sender has hung up */
    if (!err && (!told || !told->signal || strcmp(told->signal->id, sent->row.id) != 0))
        world_fault(world, "the answer to %s speaks of another signal", sent->row.id);
    world_note(world, "sender of %s hears: %s", sent->row.id, err ? err->text : "accepted");
    sent->accepted |= !err;
    plan_next(world, sent);
}

static struct host *pick_host(struct world *world)
{
    size_t first = world->plan.orderly ? 0 : chance_below(&world->chance, HOSTS);
    for (size_t i = 0; i < HOSTS; i++) {
        struct host *host = &world->hosts[(first + i) % HOSTS];
        if (host_listens(host) && (host->life == LIFE_TRADING || host->life == LIFE_STARTING))
            return host;
    }
    return NULL;
}

static void answer_twin(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct world *world = owner;
    const struct sent *sent = &world->sent[handle];
    const struct intake_answer *told = value;
    if (!err && (!told || !told->signal || strcmp(told->signal->id, sent->row.id) != 0))
        world_fault(world, "the answer to the twin of %s speaks of another signal", sent->row.id);
}

/* The same alert, to another host at the same moment. */
static void send_twin(struct world *world, const struct sent *sent, const struct host *first)
{
    struct signal row = sent->row;
    struct host *host = pick_host(world);
    if (!host || host == first)
        return;
    world_note(world, "its twin goes to host %d", host->index);
    row.received_us = world->clock.now_wall_us;
    intake_submit(&host->core, &row, false, 0,
                  (struct waiter){answer_twin, world, (uint64_t)(sent - world->sent)});
}

static void send(struct world *world, struct sent *sent)
{
    struct host *host = pick_host(world);
    struct signal row = sent->row;
    sent->due_us = INT64_MAX;
    if (!host) {
        plan_next(world, sent); /* nobody is there: refused connection */
        return;
    }
    sent->request = ++world->requests;
    sent->patience_us = world->clock.now_steady_us + PATIENCE_US;
    world_note(world, "signal %s %s %s %s %s goes to host %d", row.id, signal_type_names[row.type],
               row.position, row.strategy, row.instrument, host->index);
    uint64_t handle = (sent->request * HOSTS + (uint64_t)host->index) * SIGNALS_MAX +
                      (uint64_t)(sent - world->sent);
    row.received_us = world->clock.now_wall_us;
    intake_submit(&host->core, &row, false, 0, (struct waiter){answer, world, handle});
    if (chances(world, world->plan.twins))
        send_twin(world, sent, host);
}

void sender_turn(struct world *world)
{
    for (size_t i = 0; i < world->plan.signals; i++) {
        struct sent *sent = &world->sent[i];
        if (sent->request && world->clock.now_steady_us >= sent->patience_us)
            plan_next(world, sent);
        if (world->clock.now_steady_us >= sent->due_us)
            send(world, sent);
    }
}

int64_t sender_next_us(const struct world *world)
{
    int64_t next_us = INT64_MAX;
    for (size_t i = 0; i < world->plan.signals; i++) {
        const struct sent *sent = &world->sent[i];
        int64_t at_us = sent->request ? sent->patience_us : sent->due_us;
        next_us = at_us < next_us ? at_us : next_us;
    }
    return next_us;
}
