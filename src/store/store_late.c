/* A database that is not there yet. Until it arrives every question is answered as when it is away;
 * from then on all is passed on. */
#include "base/mem.h"
#include "io/loop.h"
#include "store/pending.h"
#include "store/store_bodies.h"
#include <string.h>

struct late {
    struct store store;
    struct store *inner; /* NULL: not yet */
    struct loop *loop;
    struct err why;
};
static void late_write(struct store *store, const struct store_write *write, struct waiter to)
{
    struct late *late = (struct late *)store;
    if (late->inner)
        store_write(late->inner, write, to);
    else
        refuse_later(late->loop, &late->why, to);
}

static void late_query(struct store *store, const struct store_query *query, struct waiter to)
{
    struct late *late = (struct late *)store;
    if (late->inner)
        store_query(late->inner, query, to);
    else
        refuse_later(late->loop, &late->why, to);
}

static void late_events(struct store *store, const struct store_events_query *query,
                        struct waiter to)
{
    struct late *late = (struct late *)store;
    if (late->inner)
        store_events(late->inner, query, to);
    else
        refuse_later(late->loop, &late->why, to);
}

static void late_beat(struct store *store, int64_t term, struct waiter to)
{
    struct late *late = (struct late *)store;
    if (late->inner)
        store_beat(late->inner, term, to);
    else
        refuse_later(late->loop, &late->why, to);
}

static void late_wake(struct store *store)
{
    struct late *late = (struct late *)store;
    if (late->inner)
        store_wake(late->inner);
}

static void late_upkeep(struct store *store, int keep, struct waiter to)
{
    struct late *late = (struct late *)store;
    if (!late->inner || !store_upkeep(late->inner, keep, to))
        refuse_later(late->loop, &late->why, to);
}

static void late_status(const struct store *store, struct store_status *out)
{
    const struct late *late = (const struct late *)store;
    if (late->inner) {
        store_status(late->inner, out);
        return;
    }
    *out = (struct store_status){.kind = "postgresql"};
    text_copy(out->text, sizeof out->text, late->why.text);
}

static bool late_read_rows(struct store *store, const struct store_query *query,
                           bool (*each)(void *ctx, const void *row, struct err *err), void *ctx,
                           struct err *err)
{
    struct late *late = (struct late *)store;
    if (late->inner)
        return late->inner->ops->read_rows(late->inner, query, each, ctx, err);
    *err = late->why;
    return false;
}

static bool late_read_events(struct store *store, const struct store_events_query *query,
                             bool (*each)(void *ctx, const struct event *event, struct err *err),
                             void *ctx, struct err *err)
{
    struct late *late = (struct late *)store;
    if (late->inner)
        return late->inner->ops->read_events(late->inner, query, each, ctx, err);
    *err = late->why;
    return false;
}

static void late_close(struct store *store)
{
    struct late *late = (struct late *)store;
    store_close(late->inner);
    mem_free(late);
}

static const struct store_ops late_ops = {
    .write = late_write,
    .query = late_query,
    .events = late_events,
    .status = late_status,
    .close = late_close,
    .read_rows = late_read_rows,
    .read_events = late_read_events,
    .beat = late_beat,
    .wake = late_wake,
    .upkeep = late_upkeep,
};

struct store *store_late_open(struct loop *loop, const struct err *why)
{
    struct late *late = mem_alloc(sizeof *late);
    late->store.ops = &late_ops;
    late->loop = loop;
    late->why = *why;
    late->why.class = ERR_LATER;
    return &late->store;
}

static void pass_on(void *ctx, const struct event *events, size_t count)
{
    struct late *late = ctx;
    if (late->store.on_foreign)
        late->store.on_foreign(late->store.foreign_ctx, events, count);
}

void store_late_arrive(struct store *store, struct store *inner)
{
    struct late *late = (struct late *)store;
    late->inner = inner;
    inner->on_foreign = pass_on;
    inner->foreign_ctx = late;
}
