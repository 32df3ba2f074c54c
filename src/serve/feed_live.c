/* Why: strategies and the paper broker hear of a real market the same way as of a file, whoever
 * brings it; here is the list of who can. */
#include "serve/feed_live.h"
#include "broker/binance_market.h"
#include "broker/openalgo_market.h"
#include <string.h>

struct source {
    struct market_source *market;
    struct feed_live *live;
    const struct config_feed *first; /* tells where; the others say the same */
    struct market_follow *follows;
    size_t *feeds; /* by follow */
    size_t count;
};
struct feed_live {
    struct feed_live_events events;
    struct source *sources;
    size_t count;
};

bool feed_live_is(const struct config_feed *feed)
{
    return strcmp(feed->bars, "binance") == 0 || strcmp(feed->bars, "binance_usdm") == 0 ||
           strcmp(feed->bars, "openalgo") == 0;
}

static void pass_price(void *ctx, size_t follow, struct decimal price, int64_t at_us)
{
    const struct source *source = ctx;
    source->live->events.price(source->live->events.ctx, source->feeds[follow], price, at_us);
}

static void pass_bar(void *ctx, size_t follow, const struct bar *bar, bool past)
{
    const struct source *source = ctx;
    source->live->events.bar(source->live->events.ctx, source->feeds[follow], bar, past);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct source *source_of(struct feed_live *live, const struct config *config, size_t index)
{
    const struct config_feed *feed = &config->feeds[index];
    for (size_t i = 0; i < live->count; i++) {
        const struct config_feed *first = live->sources[i].first;
        if (same_text(first->bars, feed->bars) && same_text(first->url, feed->url) &&
            same_text(first->stream_url, feed->stream_url))
            return &live->sources[i];
    }
    struct source *source = &live->sources[live->count++];
    source->live = live;
    source->first = feed;
    source->follows = mem_alloc(sizeof *source->follows * config->feed_count);
    source->feeds = mem_alloc(sizeof *source->feeds * config->feed_count);
    return source;
}

/* Its key, and its addresses unless the feed names others, are the broker's, whatever its kind: so
 * the paper broker may trade on OpenAlgo's prices. */
static struct market_source *open_openalgo(struct source *source, struct core *core,
                                           struct loop *loop, const struct config *config,
                                           struct err *err)
{
    const struct config_broker *broker = &config->broker;
    struct openalgo_market_options options = {
        .rest_url = source->first->url ? source->first->url : broker->base_url,
        .stream_url = source->first->stream_url ? source->first->stream_url : broker->ws_url,
        .ca_path = broker->ca_path,
        .api_key = broker->api_key.bytes,
        .follows = source->follows,
        .follow_count = source->count,
        .calendar = core->options.calendar,
        .events = {pass_price, pass_bar, source},
        .clock = core->clock,
        .loop = loop,
        .log = core->log,
    };
    if (options.rest_url && options.api_key)
        return openalgo_market_open(&options, err);
    err_set(err, ERR_REFUSED, ERR_CONFIG,
            "bars = \"openalgo\" needs broker.base_url (or url) and broker.api_key");
    return NULL;
}

static bool open_source(struct source *source, struct core *core, struct loop *loop,
                        const struct config *config, struct err *err)
{
    bool futures = strcmp(source->first->bars, "binance_usdm") == 0;
    const struct config_broker *broker = &config->broker;
    if (strcmp(source->first->bars, "openalgo") == 0) {
        source->market = open_openalgo(source, core, loop, config, err);
        return source->market != NULL;
    }
    /* Who trades there looks there, unless the feed says otherwise. */
    bool there =
        strcmp(broker->kind, "binance") == 0 && (broker->market == BINANCE_USDM) == futures;
    struct binance_market_options options = {
        .market = futures ? BINANCE_USDM : BINANCE_SPOT,
        .rest_url = source->first->url ? source->first->url
                    : there            ? broker->base_url
                                       : NULL,
        .stream_url = source->first->stream_url ? source->first->stream_url
                      : there                   ? broker->ws_url
                                                : NULL,
        .ca_path = broker->ca_path,
        .follows = source->follows,
        .follow_count = source->count,
        .events = {pass_price, pass_bar, source},
        .clock = core->clock,
        .loop = loop,
        .log = core->log,
    };
    source->market = binance_market_open(&options, err);
    return source->market != NULL;
}

struct feed_live *feed_live_open(struct core *core, struct loop *loop, const struct config *config,
                                 const struct feed_live_events *events, struct err *err)
{
    struct feed_live *live = mem_alloc(sizeof *live);
    live->events = *events;
    live->sources = mem_alloc(sizeof *live->sources * (config->feed_count + 1));
    for (size_t i = 0; i < config->feed_count; i++) {
        const struct config_feed *feed = &config->feeds[i];
        if (!feed_live_is(feed))
            continue;
        struct source *source = source_of(live, config, i);
        source->follows[source->count] = (struct market_follow){
            .instrument = instrument_find(&core->options.instruments, feed->instrument),
            .interval_us = feed->interval_us,
            .past = feed->warm_up};
        source->feeds[source->count++] = i;
    }
    for (size_t i = 0; i < live->count; i++)
        if (!open_source(&live->sources[i], core, loop, config, err)) {
            feed_live_close(live);
            return NULL;
        }
    return live;
}

void feed_live_start(struct feed_live *live)
{
    for (size_t i = 0; i < live->count; i++)
        market_start(live->sources[i].market);
}

bool feed_live_status(const struct feed_live *live, bool *alive, char *text, size_t size)
{
    struct market_status status;
    *alive = true;
    for (size_t i = 0; live && i < live->count; i++) {
        market_status(live->sources[i].market, &status);
        if (!status.alive || i == 0)
            text_copy(text, size, status.text);
        *alive &= status.alive;
    }
    return live && live->count > 0;
}

void feed_live_close(struct feed_live *live)
{
    if (!live)
        return;
    for (size_t i = 0; i < live->count; i++) {
        market_close(live->sources[i].market);
        mem_free(live->sources[i].follows);
        mem_free(live->sources[i].feeds);
    }
    mem_free(live->sources);
    mem_free(live);
}
