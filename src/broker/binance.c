/* Why: one adapter for two markets that differ in names and figures: the table of variants, the
 * orders it remembers, opening and closing. */
#include "broker/binance.h"
#include "broker/binance_parts.h"
#include <stdlib.h>

#define WINDOW_DEFAULT_US 5000000
#define WINDOW_MOST_US 60000000
#define PROCESSING_DEFAULT_US 10000000
#define TIMEOUT_DEFAULT_US 8000000
#define PARALLEL_MAX 16
#define QUEUE_MAX 1024

#define MINUTE_US 60000000LL
const struct binance_variant binance_variants[2] = {
    [BINANCE_SPOT] =
        {
            .name = "binance",
            .rest_url = "https://api.binance.com",
            .stream_url = "wss://stream.binance.com:9443",
            .api_ws_url = "wss://ws-api.binance.com:443/ws-api/v3",
            .time = "/api/v3/time",
            .info = "/api/v3/exchangeInfo",
            .order = "/api/v3/order",
            .open_orders = "/api/v3/openOrders",
            .trades = "/api/v3/myTrades",
            .account = "/api/v3/account",
            .positions = "/api/v3/account",
            .klines = "/api/v3/klines",
            .ticker = "/api/v3/ticker/price",
            .stop = "STOP_LOSS",
            .stop_limit = "STOP_LOSS_LIMIT",
            .weight = {1, 4, 80, 20, 20, 20, 20},
            .weight_size = {6000, MINUTE_US, 600},
            .orders_size = {100, 10000000, 10},
            .orders_long_size = {200000, 86400000000, 2000},
        },
    [BINANCE_USDM] =
        {
            .name = "binance_usdm",
            .rest_url = "https://fapi.binance.com",
            .stream_url = "wss://fstream.binance.com",
            .time = "/fapi/v1/time",
            .info = "/fapi/v1/exchangeInfo",
            .order = "/fapi/v1/order",
            .open_orders = "/fapi/v1/openOrders",
            .trades = "/fapi/v1/userTrades",
            .account = "/fapi/v2/account",
            .positions = "/fapi/v2/positionRisk",
            .listen_key = "/fapi/v1/listenKey",
            .klines = "/fapi/v1/klines",
            .ticker = "/fapi/v1/ticker/price",
            .stop = "STOP_MARKET",
            .stop_limit = "STOP",
            .futures = true,
            .weight = {1, 1, 40, 5, 5, 5, 1},
            .weight_size = {2400, MINUTE_US, 240},
            .orders_size = {300, 10000000, 30},
            .orders_long_size = {1200, MINUTE_US, 120},
        },
};

const char *binance_rest_url(enum binance_market market)
{
    return binance_variants[market].rest_url;
}

const char *binance_stream_url(enum binance_market market)
{
    return binance_variants[market].stream_url;
}

const char *binance_path_klines(enum binance_market market)
{
    return binance_variants[market].klines;
}

/* ---- orders that may be worked on ---- */

const struct binance_symbol *binance_by_instrument(const struct binance *b, const char *name)
{
    for (size_t i = 0; i < b->symbol_count; i++)
        if (strcmp(b->symbols[i].instrument->name, name) == 0)
            return &b->symbols[i];
    return NULL;
}

const struct binance_symbol *binance_by_name(const struct binance *b, const char *name)
{
    for (size_t i = 0; i < b->symbol_count; i++)
        if (strcmp(b->symbols[i].name, name) == 0)
            return &b->symbols[i];
    return NULL;
}

struct binance_live *binance_live_find(const struct binance *b, const char *id)
{
    struct binance_live *live;
    HASH_FIND_STR(b->live, id, live);
    return live;
}

struct binance_live *binance_live_note(struct binance *b, const struct order *order)
{
    struct binance_live *live = binance_live_find(b, order->id);
    if (live || HASH_COUNT(b->live) >= BINANCE_LIVE_MAX)
        return live;
    live = mem_alloc(sizeof *live);
    live->order = *order;
    live->told = decimal_int(0);
    text_copy(live->id, sizeof live->id, order->id);
    HASH_ADD_STR(b->live, id, live);
    return live;
}

void binance_live_end(struct binance *b, const char *id)
{
    struct binance_live *live = binance_live_find(b, id);
    if (!live)
        return;
    HASH_DELETE(hh, b->live, live);
    mem_free(live);
}

void binance_report(struct binance *b, const struct report *report)
{
    if (b->broker.on_report)
        b->broker.on_report(b->broker.report_ctx, report);
}

/* ---- status, opening, closing ---- */

static void own(struct broker *broker, const struct order *order)
{
    if (!order_is_final(order->state) && order->state != ORDER_INTENDED)
        binance_live_note(binance_of(broker), order);
}

static void status(const struct broker *broker, struct broker_status *out)
{
    const struct binance *b = binance_of(broker);
    *out = b->status;
    out->streams = true;
    out->stream_alive = b->subscribed;
    text_copy(out->stream_text, sizeof out->stream_text,
              *b->ws_text ? b->ws_text : "the stream of our orders is not open yet");
}

static void close_binance(struct broker *broker)
{
    struct binance *b = binance_of(broker);
    struct binance_live *live, *next;
    b->broker.on_report = NULL;
    binance_stream_stop(b);
    binance_rest_close(b);
    HASH_ITER(hh, b->live, live, next)
    {
        HASH_DELETE(hh, b->live, live);
        mem_free(live);
    }
    binance_key_free(b->key);
    mem_free(b->symbols);
    mem_free(b->rest_url);
    mem_free(b->api_ws_url);
    mem_free(b->stream_url);
    mem_free(b->ca_path);
    mem_free_secret(b->api_key, b->api_key ? strlen(b->api_key) : 0);
    mem_free(b);
}

char *binance_copy_url(const char *given, const char *own_url)
{
    char *url = given || own_url ? mem_copy_text(given ? given : own_url) : NULL;
    size_t length = url ? strlen(url) : 0;
    while (length && url[length - 1] == '/')
        url[--length] = '\0';
    return url;
}

static void fill_options(struct binance *b, const struct binance_options *given)
{
    struct binance_options *o = &b->options;
    *o = *given;
    o->window_us = o->window_us ? o->window_us : WINDOW_DEFAULT_US;
    o->window_us = o->window_us > WINDOW_MOST_US ? WINDOW_MOST_US : o->window_us;
    o->processing_us = o->processing_us ? o->processing_us : PROCESSING_DEFAULT_US;
    o->timeout_us = o->timeout_us ? o->timeout_us : TIMEOUT_DEFAULT_US;
    b->variant = &binance_variants[o->market];
    b->rest_url = binance_copy_url(o->rest_url, b->variant->rest_url);
    b->api_ws_url = binance_copy_url(o->api_ws_url, b->variant->api_ws_url);
    b->stream_url = binance_copy_url(o->stream_url, b->variant->stream_url);
    b->ca_path = o->ca_path ? mem_copy_text(o->ca_path) : NULL;
    b->api_key = mem_copy_text(o->api_key ? o->api_key : "");
    o->rest_url = o->api_ws_url = o->stream_url = o->ca_path = o->api_key = o->secret = NULL;
    b->traits = (struct broker_traits){
        .name = b->variant->name,
        .idempotency = IDEMPOTENCY_OPEN_ORDERS,
        .validity_us = o->window_us,
        .pipeline_us = o->processing_us,
        .tifs = 1u << TIF_GTC | 1u << TIF_IOC,
        .holdings = !b->variant->futures,
        .stops = true,
    };
}

static void fill_symbols(struct binance *b)
{
    const struct instruments *all = b->options.instruments;
    b->symbols = mem_alloc(sizeof *b->symbols * (all->count + 1));
    for (size_t i = 0; i < all->count; i++)
        binance_symbol_init(&b->symbols[b->symbol_count++], &all->list[i]);
}

struct broker *binance_open(const struct binance_options *options, struct err *err)
{
    struct binance_key *key = binance_key_new(options->secret, options->secret_length, err);
    if (!key)
        return NULL;
    struct http_client *http = http_client_new(options->loop, PARALLEL_MAX, QUEUE_MAX, err);
    if (!http) {
        binance_key_free(key);
        return NULL;
    }
    struct binance *b = mem_alloc(sizeof *b);
    fill_options(b, options);
    fill_symbols(b);
    b->key = key;
    b->http = http;
    chance_seed_system(&b->chance);
    b->ops = (struct broker_ops){.traits = &b->traits,
                                 .place = binance_place,
                                 .cancel = binance_cancel,
                                 .amend = binance_amend,
                                 .query = binance_query,
                                 .open_orders = binance_open_orders,
                                 .positions = binance_positions,
                                 .balance = binance_balance,
                                 .status = status,
                                 .own = own,
                                 .close = close_binance};
    b->broker.ops = &b->ops;
    binance_rest_open(b);
    return &b->broker;
}
