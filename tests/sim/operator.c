/* The people: they halt and resume, deposit, and look after dead letters, at any moment. */
#include "sim.h"
#include <string.h>

static struct host *in_charge(struct world *world)
{
    for (int i = 0; i < HOSTS; i++)
        if (world->hosts[i].life == LIFE_TRADING && host_listens(&world->hosts[i]))
            return &world->hosts[i];
    return NULL;
}

static void ignore(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)handle;
    (void)value;
    world_note(owner, "a person hears: %s", err ? err->text : "done");
}

struct dead {
    char id[ID_SIZE];
};

static bool find_dead(void *ctx, const void *row)
{
    struct dead *dead = ctx;
    const struct signal *signal = row;
    if (signal->state == SIGNAL_DEAD)
        text_copy(dead->id, sizeof dead->id, signal->id);
    return true;
}

/* Another instance sets a halt on the same store: the one thing that is written without a term. */
static void meddle(struct world *world)
{
    const struct halt *halt = book_get(store_mem_book(world->store), TABLE_HALT, "all");
    struct store_event event = {
        .kind = "halt.set", .subject = "all", .at_us = world->clock.now_wall_us};
    struct store_write write = {.events = &event, .event_count = 1};
    struct halt after;
    row_init(&tables[TABLE_HALT], &after);
    if (halt)
        after = *halt;
    text_copy(after.id, sizeof after.id, "all");
    after.level = HALT_NO_ENTRY;
    after.version++;
    event.changes[event.change_count++] = (struct change){&tables[TABLE_HALT], halt, &after};
    world_note(world, "another instance sets a halt");
    write = store_write_copy(&world->arena, &write);
    store_write(world->store, &write, (struct waiter){.answer = ignore, .owner = world});
}

void operator_turn(struct world *world)
{
    struct host *host = in_charge(world);
    struct waiter to = {.answer = ignore, .owner = world};
    struct dead dead = {""};
    if (!host)
        return;
    switch (chance_below(&world->chance, 5)) {
    case 0:
    case 1: {
        enum halt_level level = (enum halt_level)chance_below(&world->chance, HALT_FREEZE + 1);
        world_note(world, "a person sets the halt to %s", halt_level_names[level]);
        halt_set(&host->core, level, "sim", "to see what happens", to);
        break;
    }
    case 2:
        meddle(world);
        break;
    case 3:
        account_deposit(&host->core, decimal_int(1000), "sim", to);
        break;
    default:
        book_each(store_mem_book(world->store), TABLE_SIGNAL, find_dead, &dead);
        if (!*dead.id)
            break;
        world_note(world, "a person looks after the dead letter %s", dead.id);
        if (chances(world, 500))
            intake_retry(&host->core, dead.id, "sim", to);
        else
            intake_drop(&host->core, dead.id, "sim", "not wanted", to);
    }
}

void operator_resume(struct world *world)
{
    struct host *host = in_charge(world);
    const struct halt *asked = host ? book_get(host->core.book, TABLE_HALT, "all") : NULL;
    if (!host || (world->resumed && (!asked || asked->level == HALT_NONE)))
        return;
    if (!world->resumed || halt_now(&host->core) != HALT_NONE)
        halt_set(&host->core, HALT_NONE, "sim", "the faults are over",
                 (struct waiter){.answer = ignore, .owner = world});
    world->resumed = true;
}
