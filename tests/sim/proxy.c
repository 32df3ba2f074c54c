/* What stands between a host and the world: every request and every answer passes here, each a
 * moment at which the host can die, and the only place where it can be held up. */
#include "sim.h"
#include <string.h>

enum held_kind { HELD_PLACE, HELD_ANSWER, HELD_REPORT };
struct held {
    struct held *next;
    enum held_kind kind;
    struct order order;
    struct right_to_send right;
    struct report report;
    bool has_report, has_number;
    int64_t number;
    struct err err; /* code ERR_OK: it worked */
    struct waiter to;
};
struct pass { /* one answer on its way back to a host */
    struct host *host;
    uint64_t number;
    struct waiter to;
    const char *what;
    size_t *counter;
};

static struct pass *new_pass(struct host *host, struct waiter to, const char *what, size_t *counter)
{
    struct pass *pass = arena_alloc(&host->world->arena, sizeof *pass);
    *pass = (struct pass){host, host->number, to, what, counter};
    ++*counter;
    return pass;
}

static struct held *hold(struct host *host, enum held_kind kind)
{
    struct held *held = arena_alloc(&host->world->arena, sizeof *held);
    held->kind = kind;
    *host->held_last = held;
    host->held_last = &held->next;
    return held;
}

static bool is_value_of_place(const struct pass *pass)
{
    return strcmp(pass->what, "place") == 0 || strcmp(pass->what, "cancel") == 0;
}

static void answer(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct pass *pass = owner;
    struct host *host = pass->host;
    struct waiter to = pass->to;
    (void)handle;
    bool same = host->number == pass->number && host->life != LIFE_NONE;
    if (same)
        --*pass->counter;
    if (same && host->paused && pass->counter == &host->store.unanswered) {
        struct held *held = hold(host, HELD_ANSWER);
        held->to = to;
        held->has_number = value != NULL; /* the last event's number, or the term */
        if (value)
            held->number = *(const int64_t *)value;
        if (err)
            held->err = *err;
    } else if (same && host->paused && is_value_of_place(pass)) {
        struct held *held = hold(host, HELD_ANSWER);
        held->to = to;
        held->has_report = !err;
        if (err)
            held->err = *err;
        else
            held->report = *(const struct report *)value;
    } else if (same && !host->paused && !host_point(host, pass->what)) {
        wait_answer(to, err, value);
        host_point(host, "after an answer");
    }
}

static struct waiter through(struct host *host, struct waiter to, const char *what, size_t *counter)
{
    return (struct waiter){.answer = answer, .owner = new_pass(host, to, what, counter)};
}

/* ---- the store ---- */

static struct host *store_host(const struct store *store)
{
    return ((const struct proxy_store *)(const void *)store)->host;
}

static void write_store(struct store *store, const struct store_write *write, struct waiter to)
{
    struct host *host = store_host(store);
    const char *kind = write->event_count ? write->events[0].kind : "(nothing)";
    if (host_point(host, kind))
        return;
    world_note(host->world, "host %d asks to write %s %s (term %lld)", host->index, kind,
               write->event_count ? write->events[0].subject : "", (long long)write->term);
    store_write(host->handle, write, through(host, to, "write answered", &host->store.unanswered));
    host_point(host, "after asking to write");
}

static void query_store(struct store *store, const struct store_query *query, struct waiter to)
{
    struct host *host = store_host(store);
    if (!host_point(host, "query"))
        store_query(host->handle, query,
                    through(host, to, "query answered", &host->store.questions));
}

static void events_store(struct store *store, const struct store_events_query *query,
                         struct waiter to)
{
    struct host *host = store_host(store);
    if (!host_point(host, "events"))
        store_events(host->handle, query,
                     through(host, to, "events answered", &host->store.questions));
}

static void status_store(const struct store *store, struct store_status *out)
{
    store_status(store_host(store)->handle, out);
}

static void close_store(struct store *store)
{
    (void)store;
}

static void beat_store(struct store *store, int64_t term, struct waiter to)
{
    struct host *host = store_host(store);
    if (!host_point(host, "beat"))
        store_beat(host->handle, term, through(host, to, "beat answered", &host->store.beats));
}

static const struct store_ops store_ops = {
    .write = write_store,
    .query = query_store,
    .events = events_store,
    .status = status_store,
    .close = close_store,
};
static const struct store_ops shared_ops = {
    .write = write_store,
    .query = query_store,
    .events = events_store,
    .beat = beat_store,
    .status = status_store,
    .close = close_store,
};

/* What others wrote. A host that stands still is not turned, so nothing is told to it. */
static void tell_foreign(void *ctx, const struct event *events, size_t count)
{
    struct host *host = ctx;
    struct store *store = &host->store.store;
    if (store->on_foreign && host->life != LIFE_NONE && !host_point(host, "the log"))
        store->on_foreign(store->foreign_ctx, events, count);
}

/* ---- the broker ---- */

static struct host *broker_host(const struct broker *broker)
{
    return ((const struct proxy_broker *)(const void *)broker)->host;
}

static void place_now(struct host *host, const struct right_to_send *right, struct waiter to)
{
    world_note(host->world, "host %d places %s (attempt %lld)", host->index, right->order->id,
               (long long)right->order->attempt);
    oracle_placed(host->world, right);
    broker_place(host->world->paper, right, through(host, to, "place", &host->broker.unanswered));
}

static void place(struct broker *broker, const struct right_to_send *right, struct waiter to)
{
    struct host *host = broker_host(broker);
    struct world *world = host->world;
    if (host_point(host, "before placing"))
        return;
    /* The process is stopped between its last check and the first byte. */
    if (!world->quiet && !host->paused && host->store.questions == 0 && host->store.beats == 0 &&
        chances(world, world->plan.pause)) {
        host->paused = true;
        host->resume_us =
            world->clock.now_steady_us + (int64_t)chance_below(&world->faults, 20000000);
        world_note(world, "host %d is stopped before placing %s", host->index, right->order->id);
        struct held *held = hold(host, HELD_PLACE);
        held->order = *right->order;
        held->right = *right;
        held->to = to;
        return;
    }
    place_now(host, right, to);
    host_point(host, "after placing");
}

static void cancel(struct broker *broker, const struct order *order, struct waiter to)
{
    struct host *host = broker_host(broker);
    if (host_point(host, "before cancelling"))
        return;
    world_note(host->world, "host %d cancels %s", host->index, order->id);
    broker_cancel(host->world->paper, order, through(host, to, "cancel", &host->broker.unanswered));
    host_point(host, "after cancelling");
}

static void query(struct broker *broker, const struct order *order, struct waiter to)
{
    struct host *host = broker_host(broker);
    if (host_point(host, "before asking about an order"))
        return;
    world_note(host->world, "host %d asks about %s", host->index, order->id);
    broker_query(host->world->paper, order,
                 through(host, to, "order answered", &host->broker.unanswered));
}

static void open_orders(struct broker *broker, struct waiter to)
{
    struct host *host = broker_host(broker);
    if (host_point(host, "before asking for open orders"))
        return;
    broker_open_orders(host->world->paper,
                       through(host, to, "open orders answered", &host->broker.unanswered));
}

static void positions(struct broker *broker, struct waiter to)
{
    struct host *host = broker_host(broker);
    if (host_point(host, "before asking for positions"))
        return;
    broker_positions(host->world->paper,
                     through(host, to, "positions answered", &host->broker.unanswered));
}

static void balance(struct broker *broker, struct waiter to)
{
    struct host *host = broker_host(broker);
    if (host_point(host, "before asking for balance"))
        return;
    broker_balance(host->world->paper,
                   through(host, to, "balance answered", &host->broker.unanswered));
}

static void status(const struct broker *broker, struct broker_status *out)
{
    broker_status(broker_host(broker)->world->paper, out);
}

static void close_broker(struct broker *broker)
{
    (void)broker;
}

static struct broker_ops broker_ops = {
    .place = place,
    .cancel = cancel,
    .query = query,
    .open_orders = open_orders,
    .positions = positions,
    .balance = balance,
    .status = status,
    .close = close_broker,
};

/* Reports that come on their own go to every host that listens: one of them knows the order, the
 * other has lost it and must not care. */
static void hear_report(void *ctx, const struct report *report)
{
    struct world *world = ctx;
    for (int i = 0; i < HOSTS; i++) {
        struct host *host = &world->hosts[i];
        if (host->life == LIFE_NONE || host->dying || !host->broker.broker.on_report)
            continue;
        if (host->paused) {
            hold(host, HELD_REPORT)->report = *report;
        } else if (!host_point(host, "report")) {
            host->broker.broker.on_report(host->broker.broker.report_ctx, report);
            host_point(host, "after a report");
        }
    }
}

void proxy_init(struct host *host)
{
    struct world *world = host->world;
    broker_ops.traits = world->paper->ops->traits;
    host->store = (struct proxy_store){
        .store = {.ops = world->clustered ? &shared_ops : &store_ops}, .host = host};
    if (world->clustered) {
        host->handle->on_foreign = tell_foreign;
        host->handle->foreign_ctx = host;
    }
    host->broker = (struct proxy_broker){.broker = {.ops = &broker_ops}, .host = host};
    host->held = NULL;
    host->held_last = &host->held;
    world->paper->on_report = hear_report;
    world->paper->report_ctx = world;
}

static void happen(struct host *host, struct held *held)
{
    if (held->kind == HELD_PLACE) {
        held->right.order = &held->order;
        place_now(host, &held->right, held->to);
    } else if (held->kind == HELD_REPORT) {
        if (host->broker.broker.on_report)
            host->broker.broker.on_report(host->broker.broker.report_ctx, &held->report);
    } else if (!host_point(host, "answer after a stop")) {
        wait_answer(held->to, held->err.code != ERR_OK ? &held->err : NULL,
                    held->has_report   ? (const void *)&held->report
                    : held->has_number ? (const void *)&held->number
                                       : NULL);
    }
}

void proxy_resume(struct host *host)
{
    host->paused = false;
    while (host->held && !host->dying && !host->paused) { /* it may be stopped again */
        struct held *held = host->held;
        host->held = held->next;
        if (!host->held)
            host->held_last = &host->held;
        happen(host, held);
    }
}
