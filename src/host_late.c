/* Why: a host that is started again while the database is away must take signals as one that was
 * running does. A connection of its own finds out, without blocking, when the database answers. */
#include "host_late.h"
#include "host.h"
#include "io/pg.h"
#include "store/spool.h"
#include "store/store_bodies.h"
#include <string.h>

#define CONNECT_US 2000000
#define AGAIN_US 500000

struct late {
    struct late_options options;
    struct pg *probe;
    char *url;
    struct loop_timer *again;
    bool over;
};

static void look(void *ctx);

static void try_open(void *ctx)
{
    struct late *late = ctx;
    const struct late_options *o = &late->options;
    struct host_wires wires = {o->loop, o->core->clock, o->core->log, o->core->metrics, NULL};
    struct err err = {0};
    pg_close(late->probe);
    late->probe = NULL;
    struct store *store = host_open_store(o->config, &wires, false, &err);
    if (!store && err.class == ERR_LATER) {
        loop_timer_start_in(late->again, AGAIN_US);
        return;
    }
    late->over = true;
    if (store)
        store_late_arrive(o->core->store, store);
    o->arrived(o->ctx, store ? NULL : &err);
}

static void changed(void *ctx, const struct err *err)
{
    struct late *late = ctx;
    if (!err && !late->over)
        loop_defer(late->options.loop, try_open, late);
}

static void look(void *ctx)
{
    struct late *late = ctx;
    struct err err;
    late->probe = pg_open(&(struct pg_options){.loop = late->options.loop,
                                               .url = late->url,
                                               .name = "tidelock start",
                                               .read_write = true,
                                               .connect_us = CONNECT_US,
                                               .changed = changed,
                                               .ctx = late},
                          &err);
}

static struct late *begin(const struct late_options *options, struct err *err)
{
    struct core *core = options->core;
    log_write(core->log, LOG_ERROR, "host",
              "the database is away: signals are spooled until it comes", LOG_T("error", err->text),
              LOG_END);
    core->store = store_late_open(options->loop, err);
    struct late *late = mem_alloc(sizeof *late);
    late->options = *options;
    late->url = host_store_url(options->config);
    late->again = loop_timer_new(options->loop, look, late);
    look(late);
    return late;
}

bool late_open(const struct late_options *options, struct late **out, struct err *err)
{
    struct core *core = options->core;
    const struct config *config = options->config;
    struct host_wires wires = {options->loop, core->clock, core->log, core->metrics, NULL};
    *out = NULL;
    if (!host_open_spool(config, &wires, &core->spool, err))
        return false;
    core->store = host_open_store(config, &wires, false, err);
    if (core->store)
        return true;
    bool away = err->class == ERR_LATER && (err->code == ERR_IO || err->code == ERR_TIMEOUT);
    if (!away || !core->spool || !config->store_wait || config->store_mirror)
        return false;
    *out = begin(options, err);
    return true;
}

bool late_waits(const struct late *late)
{
    return late && !late->over;
}

void late_close(struct late *late)
{
    if (!late)
        return;
    loop_defer_cancel(late->options.loop, try_open, late);
    pg_close(late->probe);
    loop_timer_free(late->again);
    mem_free_secret(late->url, strlen(late->url));
    mem_free(late);
}
