/* Prices come from trades, held within the best bid and ask, which also confirm them while nobody
 * trades. Bars come from the stream, but never on its word alone: what is missing between two of
 * them, at the start and after every reconnection, is read over REST, where a bar counts as closed
 * by the venue's own clock.
 *
 *     stream open:    trades, quotes, closed bars; a price that is not moving is asked for
 *     stream away:    prices polled every second, bars when the next one must have closed */
#include "broker/binance_market.h"
#include "broker/binance_parts.h"
#include <ctype.h>
#include <stdlib.h>

#define TICK_US 1000000
#define AWAY_US 2000000  /* without a stream for so long: polling begins */
#define STILL_US 2500000 /* without a word of a price for so long: it is asked for */
#define LATE_US 2000000  /* after a bar's end it must have been told */
#define RETRY_LEAST_US 250000
#define RETRY_MOST_US 30000000
#define STEADY_US 60000000
enum { PAGE = 1000, PARALLEL_MAX = 8, QUEUE_MAX = 256 };

struct binance_feed;
struct follow {
    struct binance_feed *feed;
    size_t index;
    struct market_follow what;
    const char *interval;
    char symbol[NAME_SIZE], lower[NAME_SIZE];
    struct decimal trade, bid, ask;
    int64_t last_us; /* start of the last bar that was told; 0: none yet */
    int64_t venue_ms;
    int64_t heard_us, polled_us, fault_us; /* steady */
    bool asking, again, started, polling;
};
struct binance_feed {
    struct market_source source;
    struct binance_market_options options;
    const struct binance_variant *variant;
    char *rest_url, *stream_url, *ca_path;
    struct follow *follows;
    struct http_client *http;
    struct websocket *ws;
    struct loop_timer *retry, *tick;
    struct chance chance;
    bool alive, closing;
    unsigned failures;
    int64_t opened_us, away_us, quiet_us; /* steady */
    char text[160];
};

static const struct {
    const char *name;
    int64_t minutes;
} intervals[] = {{"1m", 1},    {"3m", 3},    {"5m", 5},    {"15m", 15},   {"30m", 30},
                 {"1h", 60},   {"2h", 120},  {"4h", 240},  {"6h", 360},   {"8h", 480},
                 {"12h", 720}, {"1d", 1440}, {"3d", 4320}, {"1w", 10080}, {NULL, 0}};

const char *binance_interval_name(int64_t interval_us)
{
    size_t i = 0;
    while (intervals[i].name && intervals[i].minutes * 60000000 != interval_us)
        i++;
    return intervals[i].name;
}

int64_t binance_interval_us(const char *name)
{
    for (size_t i = 0; intervals[i].name; i++)
        if (strcmp(intervals[i].name, name) == 0)
            return intervals[i].minutes * 60000000;
    return 0;
}

/* ---- prices ---- */

static void tell_price(struct follow *f, int64_t at_us)
{
    struct decimal price = f->trade;
    if (!decimal_ok(price))
        price = f->bid;
    if (decimal_ok(price) && decimal_ok(f->bid) && decimal_lt(price, f->bid))
        price = f->bid;
    if (decimal_ok(price) && decimal_ok(f->ask) && decimal_gt(price, f->ask))
        price = f->ask;
    if (!decimal_ok(price) || decimal_sign(price) <= 0)
        return;
    f->heard_us = clock_steady(f->feed->options.clock);
    f->feed->options.events.price(f->feed->options.events.ctx, f->index, price, at_us);
}

static void take_quote(struct follow *f, const struct json *data)
{
    struct decimal bid, ask;
    if (!json_decimal(data, "b", &bid) || !json_decimal(data, "a", &ask) ||
        decimal_sign(bid) <= 0 || decimal_sign(ask) <= 0)
        return;
    f->bid = bid;
    f->ask = ask;
    tell_price(f, clock_wall(f->feed->options.clock));
}

static void take_trade(struct follow *f, const struct json *data)
{
    struct decimal price;
    int64_t ms = 0;
    if (!json_decimal(data, "p", &price) || !json_int(data, "T", &ms) || decimal_sign(price) <= 0)
        return;
    f->trade = price;
    f->bid = f->ask = decimal_bad(); /* the next quote bounds it again */
    tell_price(f, ms * 1000);
}

/* ---- bars ---- */

static bool in_order(const struct bar *bar)
{
    return decimal_ok(bar->open) && decimal_ok(bar->high) && decimal_ok(bar->low) &&
           decimal_ok(bar->close) && decimal_sign(bar->low) > 0 &&
           decimal_le(bar->low, decimal_min(bar->open, bar->close)) &&
           decimal_ge(bar->high, decimal_max(bar->open, bar->close));
}

static bool cell_decimal(const struct json *cell, struct decimal *out)
{
    struct err err;
    return cell && cell->text && decimal_parse(cell->text, cell->length, out, &err);
}

static bool cell_int(const struct json *cell, int64_t *out)
{
    char *end = NULL;
    if (!cell || cell->type != JSON_NUMBER)
        return false;
    *out = strtoll(cell->text, &end, 10);
    return !*end;
}

bool binance_read_kline(const struct json *row, struct bar *out, int64_t *close_ms)
{
    struct decimal *const values[] = {&out->open, &out->high, &out->low, &out->close, &out->volume};
    const struct json *cell = row->type == JSON_ARRAY ? row->child : NULL;
    int64_t open_ms = 0;
    if (!cell_int(cell, &open_ms))
        return false;
    out->at_us = open_ms * 1000;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        cell = cell->next;
        if (!cell_decimal(cell, values[i]))
            return false;
    }
    return cell_int(cell->next, close_ms) && in_order(out);
}

static void tell_bar(struct follow *f, const struct bar *bar, bool past)
{
    f->last_us = bar->at_us;
    if (!past || f->what.past > 0)
        f->feed->options.events.bar(f->feed->options.events.ctx, f->index, bar, past);
}

static void catch_up(struct follow *f);

static void take_kline(struct follow *f, const struct json *data)
{
    const struct json *k = json_get(data, "k");
    const char *interval = json_text(k, "i");
    struct bar bar = {.volume = decimal_bad()};
    bool closed = false;
    int64_t ms = 0;
    if (!interval || strcmp(interval, f->interval) != 0 || !json_bool(k, "x", &closed) || !closed)
        return;
    if (!json_int(k, "t", &ms) || !json_decimal(k, "o", &bar.open) ||
        !json_decimal(k, "h", &bar.high) || !json_decimal(k, "l", &bar.low) ||
        !json_decimal(k, "c", &bar.close) || !in_order(&bar))
        return;
    json_decimal(k, "v", &bar.volume);
    bar.at_us = ms * 1000;
    if (f->asking)
        f->again = true; /* whatever this is, the answer may be older than it */
    else if (f->started && bar.at_us == f->last_us + f->what.interval_us)
        tell_bar(f, &bar, false);
    else if (!f->started || bar.at_us > f->last_us)
        catch_up(f);
}

/* ---- asking over REST ---- */

static void ask(struct follow *f, const char *path, const struct str *query,
                void (*answer)(void *, uint64_t, const struct err *, const void *))
{
    struct str url = STR_EMPTY;
    str_puts(&url, f->feed->rest_url);
    str_puts(&url, path);
    if (query && query->length) {
        str_putc(&url, '?');
        str_put(&url, query->data, query->length);
    }
    http_fetch(f->feed->http,
               &(struct http_fetch_request){.url = str_text(&url), .ca_path = f->feed->ca_path},
               (struct waiter){answer, f, 0});
    str_free(&url);
}

static void heed(struct binance_feed *feed, const struct http_reply *reply)
{
    char text[16] = "";
    if (reply->status != 429 && reply->status != 418)
        return;
    http_reply_header(reply, "retry-after", text, sizeof text);
    long seconds = strtol(text, NULL, 10);
    feed->quiet_us = clock_steady(feed->options.clock) +
                     (seconds > 0 && seconds < 259200 ? seconds : 60) * 1000000;
}

static struct json *read_reply(struct follow *f, struct arena *arena, const struct err *err,
                               const struct http_reply *reply)
{
    const struct json_limits limits = {.nodes = 100000};
    struct err ignored;
    arena_init(arena, 16384);
    if (err)
        return NULL;
    heed(f->feed, reply);
    return reply->status == 200
               ? json_parse(arena, reply->body, reply->body_length, &limits, &ignored)
               : NULL;
}

static void ask_klines(struct follow *f);

static bool is_quiet(const struct binance_feed *feed)
{
    return clock_steady(feed->options.clock) < feed->quiet_us;
}

static void failed(struct follow *f)
{
    int64_t now_us = clock_steady(f->feed->options.clock);
    f->asking = false; /* the tick asks again */
    if (!f->feed->closing && now_us - f->fault_us > 60 * TICK_US) {
        f->fault_us = now_us;
        log_write(f->feed->options.log, LOG_WARN, "binance", "bars could not be read; asked again",
                  LOG_T("symbol", f->symbol), LOG_END);
    }
}

static void got_klines(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)handle;
    struct follow *f = owner;
    struct arena arena;
    int64_t close_ms = 0;
    size_t rows = 0;
    const struct json *root = read_reply(f, &arena, err, value);
    bool ok = root && root->type == JSON_ARRAY, whole = false;
    for (const struct json *row = ok ? root->child : NULL; row && !f->feed->closing;
         row = row->next, rows++) {
        struct bar bar;
        if (!binance_read_kline(row, &bar, &close_ms)) {
            ok = false;
            break;
        }
        whole = close_ms >= f->venue_ms;
        if (whole)
            break; /* the one that is open */
        if (bar.at_us > f->last_us)
            tell_bar(f, &bar, !f->started);
    }
    arena_free(&arena);
    if (!ok || f->feed->closing) {
        failed(f);
    } else if (rows == PAGE && !whole) {
        ask_klines(f);
    } else {
        f->asking = false;
        f->started = true;
        if (f->again)
            catch_up(f);
    }
}

static void ask_klines(struct follow *f)
{
    struct str query = STR_EMPTY;
    int64_t from_us = f->last_us ? f->last_us + f->what.interval_us
                                 : f->venue_ms * 1000 - f->what.interval_us * (f->what.past + 1);
    binance_put(&query, "symbol", f->symbol);
    binance_put(&query, "interval", f->interval);
    binance_put_int(&query, "startTime", from_us / 1000);
    binance_put_int(&query, "limit", PAGE);
    ask(f, f->feed->variant->klines, &query, got_klines);
    str_free(&query);
}

static void got_time(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)handle;
    struct follow *f = owner;
    struct arena arena;
    const struct json *root = read_reply(f, &arena, err, value);
    bool ok = json_int(root, "serverTime", &f->venue_ms);
    arena_free(&arena);
    if (ok && !f->feed->closing)
        ask_klines(f);
    else
        failed(f);
}

static void catch_up(struct follow *f)
{
    f->again = f->asking;
    if (f->asking || is_quiet(f->feed) || f->feed->closing)
        return;
    f->asking = true;
    ask(f, f->feed->variant->time, NULL, got_time);
}

static void got_price(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)handle;
    struct follow *f = owner;
    struct arena arena;
    struct decimal price;
    const struct json *root = read_reply(f, &arena, err, value);
    f->polling = false;
    if (!f->feed->closing && f->heard_us < f->polled_us && json_decimal(root, "price", &price) &&
        decimal_sign(price) > 0) {
        f->trade = price;
        f->bid = f->ask = decimal_bad();
        tell_price(f, clock_wall(f->feed->options.clock));
    }
    arena_free(&arena);
}

static void poll_price(struct follow *f)
{
    struct str query = STR_EMPTY;
    if (f->polling || is_quiet(f->feed))
        return;
    f->polling = true;
    f->polled_us = clock_steady(f->feed->options.clock);
    binance_put(&query, "symbol", f->symbol);
    ask(f, f->feed->variant->ticker, &query, got_price);
    str_free(&query);
}

static void tick(void *ctx)
{
    struct binance_feed *feed = ctx;
    const struct clock *clock = feed->options.clock;
    bool away = !feed->alive && clock_steady(clock) - feed->away_us >= AWAY_US;
    for (size_t i = 0; i < feed->options.follow_count; i++) {
        struct follow *f = &feed->follows[i];
        if (away || clock_steady(clock) - f->heard_us >= STILL_US)
            poll_price(f);
        if (!f->started || clock_wall(clock) > f->last_us + 2 * f->what.interval_us + LATE_US)
            catch_up(f);
    }
    loop_timer_start_in(feed->tick, TICK_US);
}

/* ---- the stream ---- */

static void away(struct binance_feed *feed, const char *why)
{
    struct websocket *ws = feed->ws;
    int64_t now_us = clock_steady(feed->options.clock);
    if (feed->alive && now_us - feed->opened_us > STEADY_US)
        feed->failures = 0;
    if (feed->alive || feed->failures == 0)
        log_write(feed->options.log, LOG_WARN, "binance",
                  "the stream of prices is interrupted; they are polled", LOG_T("reason", why),
                  LOG_END);
    if (feed->alive)
        feed->away_us = now_us;
    text_copy(feed->text, sizeof feed->text, why);
    feed->alive = false;
    feed->ws = NULL;
    websocket_free(ws);
    loop_timer_start_in(feed->retry,
                        RETRY_LEAST_US + chance_backoff_us(&feed->chance, RETRY_LEAST_US,
                                                           RETRY_MOST_US, feed->failures));
    if (feed->failures < 16)
        feed->failures++;
}

static void on_open(void *ctx)
{
    struct binance_feed *feed = ctx;
    feed->alive = true;
    feed->opened_us = clock_steady(feed->options.clock);
    text_copy(feed->text, sizeof feed->text, "the stream of prices is open");
    log_write(feed->options.log, LOG_INFO, "binance", "the stream of prices is open",
              LOG_I("instruments", feed->options.follow_count), LOG_END);
    for (size_t i = 0; i < feed->options.follow_count; i++) {
        feed->follows[i].bid = feed->follows[i].ask = decimal_bad();
        catch_up(&feed->follows[i]);
        poll_price(&feed->follows[i]); /* a quiet market may not speak for long */
    }
}

static void take_data(struct binance_feed *feed, const struct json *data)
{
    const char *kind = json_text(data, "e"), *symbol = json_text(data, "s");
    if (kind && strcmp(kind, "serverShutdown") == 0) {
        away(feed, "the venue shuts this server down");
        return;
    }
    for (size_t i = 0; symbol && i < feed->options.follow_count; i++) {
        struct follow *f = &feed->follows[i];
        if (strcmp(f->symbol, symbol) != 0)
            continue;
        if (!kind || strcmp(kind, "bookTicker") == 0)
            take_quote(f, data);
        else if (strcmp(kind, "kline") == 0)
            take_kline(f, data);
        else if (strcmp(kind, "trade") == 0 || strcmp(kind, "aggTrade") == 0)
            take_trade(f, data);
    }
}

static void on_message(void *ctx, const char *bytes, size_t length, bool text)
{
    struct binance_feed *feed = ctx;
    struct arena arena;
    struct err err;
    arena_init(&arena, 2048);
    const struct json *root = text ? json_parse(&arena, bytes, length, NULL, &err) : NULL;
    const struct json *data = json_get(root, "data");
    if (!root)
        away(feed, "what came on the stream cannot be read");
    else
        take_data(feed, data ? data : root);
    arena_free(&arena);
}

static void on_close(void *ctx, unsigned code, const struct err *err)
{
    (void)code;
    away(ctx, err->text);
}

static void connect_stream(void *ctx)
{
    struct binance_feed *feed = ctx;
    struct str url = STR_EMPTY;
    struct err err;
    str_puts(&url, feed->stream_url);
    str_puts(&url, "/stream?streams=");
    for (size_t i = 0; i < feed->options.follow_count; i++) {
        const struct follow *f = &feed->follows[i];
        str_printf(&url, "%s%s@%s/%s@bookTicker/%s@kline_%s", i ? "/" : "", f->lower,
                   feed->variant->futures ? "aggTrade" : "trade", f->lower, f->lower, f->interval);
    }
    feed->ws = websocket_open(feed->options.loop,
                              &(struct websocket_options){.url = str_text(&url),
                                                          .ca_path = feed->ca_path,
                                                          .on_open = on_open,
                                                          .on_message = on_message,
                                                          .on_close = on_close,
                                                          .ctx = feed},
                              &err);
    str_free(&url);
    if (!feed->ws)
        away(feed, err.text);
}

/* ---- opening, closing ---- */

static void start(struct market_source *source)
{
    struct binance_feed *feed = (struct binance_feed *)source;
    feed->away_us = clock_steady(feed->options.clock);
    loop_timer_start_in(feed->tick, TICK_US);
    connect_stream(feed);
}

static void status(const struct market_source *source, struct market_status *out)
{
    const struct binance_feed *feed = (const struct binance_feed *)source;
    out->alive = feed->alive;
    text_copy(out->text, sizeof out->text, *feed->text ? feed->text : "not connected yet");
}

static void close_feed(struct market_source *source)
{
    struct binance_feed *feed = (struct binance_feed *)source;
    feed->closing = true;
    websocket_free(feed->ws);
    http_client_free(feed->http);
    loop_timer_free(feed->retry);
    loop_timer_free(feed->tick);
    mem_free(feed->follows);
    mem_free(feed->rest_url);
    mem_free(feed->stream_url);
    mem_free(feed->ca_path);
    mem_free(feed);
}

static const struct market_ops ops = {.start = start, .status = status, .close = close_feed};

static bool fill_follow(struct binance_feed *feed, size_t index, struct err *err)
{
    struct follow *f = &feed->follows[index];
    *f = (struct follow){.feed = feed,
                         .index = index,
                         .what = feed->options.follows[index],
                         .trade = decimal_bad(),
                         .bid = decimal_bad(),
                         .ask = decimal_bad()};
    f->interval = binance_interval_name(f->what.interval_us);
    text_copy(f->symbol, sizeof f->symbol, binance_symbol_of(f->what.instrument));
    for (size_t i = 0; f->symbol[i]; i++) {
        f->lower[i] = (char)tolower((unsigned char)f->symbol[i]);
        if (!isalnum((unsigned char)f->symbol[i]) && f->symbol[i] != '_')
            return err_set(err, ERR_REFUSED, ERR_CONFIG, "\"%s\" is no symbol of Binance",
                           f->symbol);
    }
    return f->interval ||
           err_set(err, ERR_REFUSED, ERR_CONFIG,
                   "Binance has bars of 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w");
}

struct market_source *binance_market_open(const struct binance_market_options *options,
                                          struct err *err)
{
    struct http_client *http = http_client_new(options->loop, PARALLEL_MAX, QUEUE_MAX, err);
    if (!http)
        return NULL;
    struct binance_feed *feed = mem_alloc(sizeof *feed);
    feed->source.ops = &ops;
    feed->options = *options;
    feed->http = http;
    feed->variant = &binance_variants[options->market];
    feed->rest_url = binance_copy_url(options->rest_url, feed->variant->rest_url);
    feed->stream_url = binance_copy_url(options->stream_url, feed->variant->stream_url);
    feed->ca_path = options->ca_path ? mem_copy_text(options->ca_path) : NULL;
    feed->retry = loop_timer_new(options->loop, connect_stream, feed);
    feed->tick = loop_timer_new(options->loop, tick, feed);
    chance_seed_system(&feed->chance);
    feed->follows = mem_alloc(sizeof *feed->follows * (options->follow_count + 1));
    bool ok = true;
    for (size_t i = 0; ok && i < options->follow_count; i++)
        ok = fill_follow(feed, i, err);
    feed->options.follows = NULL;
    if (ok)
        return &feed->source;
    close_feed(&feed->source);
    return NULL;
}
