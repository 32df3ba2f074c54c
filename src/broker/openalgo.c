/* The adapter as a whole: opened, turned, asked how it is, closed; and the mode of the server. */
#include "broker/openalgo.h"
#include "broker/openalgo_parts.h"
#include "trade/contract.h"
#include "trade/rollover.h"
#include <stdio.h>

#define S_US 1000000LL
#define MODE_EVERY_US (15 * S_US)
#define MODE_AGAIN_US (2 * S_US)
enum { PARALLEL = 8, QUEUE = 256, REQUESTS = 8, ORDERS = 5, ORDERS_LONG = 200 };

/* ---- names and figures ---- */

const struct instrument *oa_instrument(const struct openalgo *oa, const char *name)
{
    return instrument_find(oa->options.instruments, name);
}

void oa_symbol_now(const struct openalgo *oa, const struct instrument *instrument,
                   char out[NAME_SIZE])
{
    char expiry[EXPIRY_SIZE];
    rollover_contract(instrument, &oa->options.calendar, clock_wall(oa->options.clock), expiry);
    contract_symbol(instrument, expiry, out);
}

const char *oa_product(const struct openalgo *oa, const struct instrument *instrument)
{
    return *instrument->product ? instrument->product : oa->options.product;
}

const struct instrument *oa_instrument_at(const struct openalgo *oa, const char *symbol,
                                          const char *exchange, const char *product,
                                          char expiry[EXPIRY_SIZE])
{
    const struct instruments *all = oa->options.instruments;
    for (size_t i = 0; i < all->count; i++)
        if (contract_read(&all->list[i], symbol, expiry) &&
            strcmp(all->list[i].exchange, exchange) == 0 &&
            strcmp(oa_product(oa, &all->list[i]), product) == 0)
            return &all->list[i];
    expiry[0] = '\0';
    return NULL;
}

struct decimal oa_lots(const struct instrument *instrument, struct decimal units)
{
    return decimal_div(units, instrument->lot_size, DECIMAL_HALF_EVEN);
}

struct oa_contract *oa_contract_of(struct openalgo *oa, const char *name)
{
    const struct instrument *instrument = oa_instrument(oa, name);
    return &oa->contracts[instrument - oa->options.instruments->list];
}

/* ---- answers that need no server ---- */

struct oa_refusal {
    struct waiter to;
    struct err err;
    struct oa_refusal *next;
};

static void tell_refusals(void *ctx)
{
    struct openalgo *oa = ctx;
    struct oa_refusal *list = oa->refusals, *next;
    oa->refusals = NULL;
    for (; list; list = next) {
        next = list->next;
        wait_answer(list->to, &list->err, NULL);
        mem_free(list);
    }
}

void oa_refuse(struct openalgo *oa, struct waiter to, const struct err *err)
{
    struct oa_refusal *refusal = mem_alloc(sizeof *refusal), **last = &oa->refusals;
    *refusal = (struct oa_refusal){.to = to, .err = *err};
    if (!oa->refusals)
        loop_defer(oa->options.loop, tell_refusals, oa);
    while (*last)
        last = &(*last)->next;
    *last = refusal;
}

/* ---- the mode ---- */

static const char *mode_name(enum oa_mode mode)
{
    return mode == OA_ANALYZE ? "analyze" : "live";
}

static enum oa_mode wanted(const struct openalgo *oa)
{
    return oa->options.analyze ? OA_ANALYZE : OA_LIVE;
}

bool oa_hear_mode(struct openalgo *oa, enum oa_mode mode)
{
    if (mode != OA_LIVE && mode != OA_ANALYZE)
        return true; /* it does not say */
    if (mode != oa->mode && mode != wanted(oa))
        log_write(oa->options.log, LOG_ERROR, "openalgo",
                  "the server is in another mode than the configuration says; nothing is traded "
                  "until it is switched back",
                  LOG_T("server", mode_name(mode)), LOG_T("configured", mode_name(wanted(oa))),
                  LOG_END);
    else if (mode != oa->mode)
        log_write(oa->options.log, LOG_INFO, "openalgo", "the server is in the mode to trade in",
                  LOG_T("mode", mode_name(mode)), LOG_END);
    oa->mode = mode;
    return mode == wanted(oa);
}

bool oa_may_trade(struct openalgo *oa, struct err *err)
{
    if (oa->auth_failed)
        return err_set(err, ERR_NOT_DONE, ERR_AUTH,
                       "OpenAlgo refuses the API key, or its broker login is over; log in there");
    if (oa->mode == OA_UNSEEN)
        return err_set(err, ERR_NOT_DONE, ERR_BROKER,
                       "OpenAlgo has not said yet whether it is in live or analyze mode");
    if (oa->mode != wanted(oa))
        return err_set(
            err, ERR_NOT_DONE, ERR_BROKER,
            "OpenAlgo is in %s mode and the configuration says %s: nothing is sent until "
            "it is switched back",
            mode_name(oa->mode), mode_name(wanted(oa)));
    if (clock_steady(oa->options.clock) < oa->semi_until_us)
        return err_set(
            err, ERR_NOT_DONE, ERR_BROKER,
            "OpenAlgo is in Semi-Auto mode: orders wait for a person there; switch it to "
            "Auto mode");
    return true;
}

static void hear_analyzer(struct openalgo *oa, void *ctx, const struct oa_reply *reply)
{
    const char *mode = oa_field(json_get(reply->root, "data"), "mode");
    int64_t every_us = oa->options.mode_every_us ? oa->options.mode_every_us : MODE_EVERY_US;
    (void)ctx;
    oa->mode_asking = false;
    bool told = reply->err.class == ERR_NONE && reply->success && *mode;
    if (told)
        oa_hear_mode(oa, strcmp(mode, "analyze") == 0 ? OA_ANALYZE : OA_LIVE);
    if (told)
        oa_contracts_read(oa);
    oa->mode_next_us = clock_steady(oa->options.clock) +
                       (told || every_us < MODE_AGAIN_US ? every_us : MODE_AGAIN_US);
}

static int64_t turn_mode(struct openalgo *oa, int64_t now_us)
{
    if (oa->mode_asking)
        return INT64_MAX;
    if (now_us < oa->mode_next_us)
        return oa->mode_next_us;
    oa->mode_asking = true;
    oa_call_send(oa_call_new(oa, "analyzer", RATE_READ, 0), hear_analyzer, NULL, 0);
    return INT64_MAX;
}

/* ---- each turn ---- */

static int64_t turn_asks(struct openalgo *oa, int64_t now_us)
{
    int64_t next_us = INT64_MAX;
    bool due = false;
    for (const struct oa_ask *ask = oa->asks; ask; ask = ask->next) {
        due |= ask->until_us <= now_us;
        if (ask->until_us < next_us)
            next_us = ask->until_us;
    }
    if (!due)
        return next_us;
    oa_asks_answer(oa);
    return now_us;
}

static int64_t turn(void *ctx, int64_t now_us)
{
    struct openalgo *oa = ctx;
    int64_t next_us = turn_mode(oa, now_us), other_us = turn_asks(oa, now_us);
    next_us = other_us < next_us ? other_us : next_us;
    other_us = oa_stream_turn(oa, now_us);
    next_us = other_us < next_us ? other_us : next_us;
    other_us = oa_books_turn(oa);
    next_us = other_us < next_us ? other_us : next_us;
    other_us = rate_turn(oa->limit);
    return other_us < next_us ? other_us : next_us;
}

/* ---- how it is ---- */

static void status(const struct broker *broker, struct broker_status *out)
{
    struct openalgo *oa = openalgo_of(broker);
    struct err err = {0};
    *out = (struct broker_status){.latency_us = oa->latency_us, .checked_us = oa->checked_us};
    if (oa->trouble.class != ERR_NONE)
        snprintf(out->text, sizeof out->text, "openalgo: %.140s", oa->trouble.text);
    else if (!oa_may_trade(oa, &err))
        snprintf(out->text, sizeof out->text, "openalgo: %.140s", err.text);
    else
        snprintf(out->text, sizeof out->text, "openalgo: %s mode, %zu requests waiting",
                 mode_name(oa->mode), rate_depth(oa->limit));
    out->ok = oa->trouble.class == ERR_NONE && err.class == ERR_NONE;
}

/* ---- opening, closing ---- */

static void close_openalgo(struct broker *broker)
{
    struct openalgo *oa = openalgo_of(broker);
    struct oa_ask *next;
    oa->closing = true; /* nobody hears any more */
    loop_hook_free(oa->hook);
    loop_defer_cancel(oa->options.loop, tell_refusals, oa);
    for (struct oa_refusal *refusal = oa->refusals, *after; refusal; refusal = after) {
        after = refusal->next;
        mem_free(refusal);
    }
    websocket_free(oa->ws);
    rate_limit_free(oa->limit);
    http_client_free(oa->http);
    oa_calls_free(oa);
    for (struct oa_ask *ask = oa->asks; ask; ask = next) {
        next = ask->next;
        mem_free(ask->placing);
        mem_free(ask->order);
        mem_free(ask);
    }
    oa_orders_free(oa);
    arena_free(&oa->books.arena);
    mem_free(oa->contracts);
    mem_free(oa);
}

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value ? value : fallback;
}

static struct rate_limit *open_limit(const struct openalgo *oa)
{
    const struct openalgo_options *o = &oa->options;
    int64_t requests = or_default(o->requests_per_second, REQUESTS);
    int64_t orders = or_default(o->orders_per_second, ORDERS);
    int64_t minute = or_default(o->orders_per_minute, ORDERS_LONG);
    struct rate_options options = {
        .broker = "openalgo",
        .buckets = {[RATE_REQUESTS] = {requests, S_US, requests / 4},
                    [RATE_ORDERS] = {orders, S_US, (orders + 2) / 4},
                    [RATE_ORDERS_LONG] = {minute, 60 * S_US, minute / 5}},
        .clock = o->clock,
        .metrics = o->metrics};
    return rate_limit_new(&options);
}

static void fill_ops(struct openalgo *oa)
{
    oa->traits = (struct broker_traits){
        .name = "openalgo",
        .idempotency = IDEMPOTENCY_NONE,
        .absence_us = oa->options.absence_us,
        .poll_us = or_default(oa->options.poll_us, S_US),
        .pipeline_us = 2 * S_US,
        .tifs = 1u << TIF_DAY,
        .stops = true,
        .amends = true,
    };
    oa->ops = (struct broker_ops){
        .traits = &oa->traits,
        .place = oa_place,
        .cancel = oa_cancel,
        .amend = oa_amend,
        .query = oa_query,
        .open_orders = oa_open_orders,
        .positions = oa_positions,
        .balance = oa_balance,
        .status = status,
        .own = oa_own,
        .survey = oa_survey,
        .most = oa_most,
        .recall = oa_recall,
        .close = close_openalgo,
    };
    oa->broker.ops = &oa->ops;
}

struct broker *openalgo_open(const struct openalgo_options *options, struct err *err)
{
    struct openalgo *oa = mem_alloc(sizeof *oa);
    oa->options = *options;
    fill_ops(oa);
    arena_init(&oa->books.arena, 65536);
    oa->contracts = mem_alloc((options->instruments->count + 1) * sizeof *oa->contracts);
    oa->limit = open_limit(oa);
    oa->http = http_client_new(options->loop, PARALLEL, QUEUE, err);
    if (!oa->http) {
        close_openalgo(&oa->broker);
        return NULL;
    }
    if (options->metrics) {
        oa->requests = metric_counter(options->metrics, "tidelock_broker_requests_total",
                                      "Requests to the broker.", "broker=\"openalgo\"");
        oa->failures =
            metric_counter(options->metrics, "tidelock_broker_failures_total",
                           "Requests to the broker without an answer.", "broker=\"openalgo\"");
    }
    oa->hook = loop_on_turn(options->loop, turn, oa);
    return &oa->broker;
}
