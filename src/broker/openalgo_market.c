/* Ticks carry no number and no snapshot, and stop without a word: what is told is the last price,
 * with the moment it came, and whoever looks sees its age. While the stream is away prices are
 * polled, all instruments in one request. Bars are read from the server's history once they must
 * have closed; the proxy has none.
 *
 *     connect ──> authenticate ──> subscribe ──> ticks
 *        ▲  4401, an error, silence: again, later each time
 *        └─────────────┘ */
#include "broker/openalgo_market.h"
#include "base/calendar.h"
#include "base/chance.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/http_client.h"
#include "io/websocket.h"
#include "trade/contract.h"
#include "trade/rollover.h"
#include <stdio.h>
#include <string.h>

#define NAME_US 60000000
#define S_US 1000000LL
#define TICK_US (S_US / 4)
#define AWAY_US (2 * S_US)
#define POLL_US (2 * S_US)
#define LATE_US (3 * S_US) /* after its end a bar is in the history */
#define AGAIN_US (10 * S_US)
#define RETRY_LEAST_US 250000
#define RETRY_MOST_US (30 * S_US)
enum { PARALLEL = 4, QUEUE = 64 };

struct follow {
    struct oa_feed *feed;
    size_t index;
    struct market_follow what;
    const char *interval;
    char symbol[NAME_SIZE];   /* of a dated instrument, the contract that entries go to now */
    int64_t last_us, next_us; /* start of the last bar told; steady: when to ask for the next */
    bool asking, started;
};
struct oa_feed {
    struct market_source source;
    struct openalgo_market_options options;
    struct follow *follows;
    struct http_client *http;
    struct websocket *ws;
    struct loop_timer *tick;
    struct chance chance;
    bool alive, closing, polling, running;
    unsigned failures;
    int64_t away_us, retry_us, polled_us, named_us, began_us; /* steady; began: wall */
    char text[160];
};

static const struct {
    const char *name;
    int64_t seconds;
} intervals[] = {{"1m", 60},    {"2m", 120},   {"3m", 180},   {"5m", 300},  {"10m", 600},
                 {"15m", 900},  {"20m", 1200}, {"30m", 1800}, {"1h", 3600}, {"2h", 7200},
                 {"3h", 10800}, {"4h", 14400}, {"D", 86400},  {NULL, 0}};

const char *openalgo_interval_name(int64_t interval_us)
{
    size_t i = 0;
    while (intervals[i].name && intervals[i].seconds * S_US != interval_us)
        i++;
    return intervals[i].name;
}

static int64_t now_us(const struct oa_feed *feed)
{
    return clock_steady(feed->options.clock);
}

static void say(struct oa_feed *feed, const char *text)
{
    if (strcmp(feed->text, text) != 0)
        log_write(feed->options.log, LOG_INFO, "openalgo", text, LOG_END);
    text_copy(feed->text, sizeof feed->text, text);
}

/* ---- prices ---- */

static struct follow *follow_of(struct oa_feed *feed, const char *symbol, const char *exchange,
                                size_t *after)
{
    for (; *after < feed->options.follow_count; ++*after) {
        struct follow *f = &feed->follows[*after];
        if (symbol && exchange && strcmp(f->symbol, symbol) == 0 &&
            strcmp(f->what.instrument->exchange, exchange) == 0) {
            ++*after;
            return f;
        }
    }
    return NULL;
}

static void tell_price(struct oa_feed *feed, const struct json *where, const struct json *data)
{
    struct decimal price;
    size_t after = 0;
    if (!json_decimal(data, "ltp", &price) || decimal_sign(price) <= 0)
        return;
    for (struct follow *f;
         (f = follow_of(feed, json_text(where, "symbol"), json_text(where, "exchange"), &after));)
        feed->options.events.price(feed->options.events.ctx, f->index, price,
                                   clock_wall(feed->options.clock));
}

/* ---- asking over REST ---- */

static void begin_body(const struct oa_feed *feed, struct str *body)
{
    str_puts(body, "{\"apikey\":");
    str_put_json(body, feed->options.api_key);
}

static void put_text(struct str *body, const char *name, const char *value)
{
    str_printf(body, ",\"%s\":", name);
    str_put_json(body, value);
}

static void put_symbols(const struct oa_feed *feed, struct str *body)
{
    str_puts(body, ",\"symbols\":[");
    for (size_t i = 0; i < feed->options.follow_count; i++) {
        str_puts(body, i ? ",{\"symbol\":" : "{\"symbol\":");
        str_put_json(body, feed->follows[i].symbol);
        put_text(body, "exchange", feed->follows[i].what.instrument->exchange);
        str_putc(body, '}');
    }
    str_putc(body, ']');
}

static void ask(struct oa_feed *feed, const char *path, struct str *body, struct waiter to)
{
    static const struct http_fetch_header type = {"Content-Type", "application/json"};
    char url[512];
    size_t length = strlen(feed->options.rest_url);
    snprintf(url, sizeof url, "%s%sapi/v1/%s", feed->options.rest_url,
             length && feed->options.rest_url[length - 1] == '/' ? "" : "/", path);
    str_putc(body, '}');
    http_fetch(feed->http,
               &(struct http_fetch_request){.method = "POST",
                                            .url = url,
                                            .headers = &type,
                                            .header_count = 1,
                                            .body = body->data,
                                            .body_length = body->length,
                                            .reply_max = 8u << 20,
                                            .ca_path = feed->options.ca_path},
               to);
    explicit_bzero(body->data, body->length);
    str_free(body);
}

/* The list under `name` of a success; NULL: there is none. */
static const struct json *list_of(struct arena *arena, const struct err *err,
                                  const struct http_reply *reply, const char *name)
{
    const struct json_limits limits = {.nodes = 400000};
    struct err ignored;
    if (err || reply->status != 200)
        return NULL;
    const struct json *root = json_parse(arena, reply->body, reply->body_length, &limits, &ignored);
    const char *status = json_text(root, "status");
    const struct json *list = json_get(root, name);
    return status && strcmp(status, "success") == 0 && list && list->type == JSON_ARRAY ? list
                                                                                        : NULL;
}

static void hear_quotes(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct oa_feed *feed = owner;
    struct arena arena;
    (void)handle;
    feed->polling = false;
    if (feed->closing)
        return;
    arena_init(&arena, 16384);
    const struct json *list = list_of(&arena, err, value, "results");
    for (const struct json *one = list ? list->child : NULL; one; one = one->next)
        tell_price(feed, one, json_get(one, "data"));
    if (!feed->alive)
        say(feed, list ? "openalgo: no stream; prices are polled"
                       : "openalgo: no stream, and prices cannot be polled");
    arena_free(&arena);
}

static void poll_prices(struct oa_feed *feed)
{
    struct str body = STR_EMPTY;
    feed->polling = true;
    feed->polled_us = now_us(feed);
    begin_body(feed, &body);
    put_symbols(feed, &body);
    ask(feed, "multiquotes", &body, (struct waiter){hear_quotes, feed, 0});
}

/* ---- bars ---- */

static bool read_bar(const struct json *row, struct bar *bar)
{
    int64_t seconds;
    *bar = (struct bar){.volume = decimal_bad()};
    if (!json_int(row, "timestamp", &seconds) || !json_decimal(row, "open", &bar->open) ||
        !json_decimal(row, "high", &bar->high) || !json_decimal(row, "low", &bar->low) ||
        !json_decimal(row, "close", &bar->close))
        return false;
    json_decimal(row, "volume", &bar->volume);
    bar->at_us = seconds * S_US;
    return decimal_sign(bar->low) > 0 && decimal_le(bar->low, decimal_min(bar->open, bar->close)) &&
           decimal_ge(bar->high, decimal_max(bar->open, bar->close));
}

static bool is_closed(const struct follow *f, const struct json *row, struct bar *bar)
{
    return read_bar(row, bar) && bar->at_us > f->last_us &&
           bar->at_us + f->what.interval_us <= clock_wall(f->feed->options.clock);
}

static void tell_bars(struct follow *f, const struct json *list)
{
    struct oa_feed *feed = f->feed;
    int64_t closed = 0;
    struct bar bar;
    for (const struct json *row = list->child; row; row = row->next)
        closed += is_closed(f, row, &bar);
    for (const struct json *row = list->child; row; row = row->next) {
        if (!is_closed(f, row, &bar))
            continue; /* told already, or still open */
        bool past = bar.at_us + f->what.interval_us <= feed->began_us;
        f->last_us = bar.at_us;
        if (!past || (!f->started && closed <= f->what.past))
            feed->options.events.bar(feed->options.events.ctx, f->index, &bar, past);
        closed--;
    }
    f->started = true;
}

static void hear_history(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct follow *f = owner;
    struct oa_feed *feed = f->feed;
    struct arena arena;
    (void)handle;
    f->asking = false;
    if (feed->closing)
        return;
    arena_init(&arena, 65536);
    const struct json *list = list_of(&arena, err, value, "data");
    if (list)
        tell_bars(f, list);
    else
        log_write(feed->options.log, LOG_WARN, "openalgo", "bars could not be read; asked again",
                  LOG_T("symbol", f->symbol), LOG_END);
    /* The next is there when it has closed; a market that is shut is asked now and then. */
    int64_t wall_us = clock_wall(feed->options.clock), step_us = f->what.interval_us;
    int64_t wait_us = step_us - wall_us % step_us + LATE_US;
    f->next_us = now_us(feed) + (list ? wait_us : AGAIN_US);
    arena_free(&arena);
}

static void put_date(struct str *body, const char *name, int64_t at_us)
{
    char text[CALENDAR_TEXT_MAX];
    calendar_print(at_us, text);
    text[10] = '\0';
    put_text(body, name, text);
}

static void ask_history(struct follow *f)
{
    struct oa_feed *feed = f->feed;
    struct str body = STR_EMPTY;
    int64_t wall_us = clock_wall(feed->options.clock), day_us = 86400 * S_US;
    /* Sessions are a quarter of a day and weeks have five: so far back there are enough of them. */
    int64_t back_us = f->started ? 2 * day_us : (f->what.past + 1) * f->what.interval_us * 6;
    f->asking = true;
    begin_body(feed, &body);
    put_text(&body, "symbol", f->symbol);
    put_text(&body, "exchange", f->what.instrument->exchange);
    put_text(&body, "interval", f->interval);
    put_date(&body, "start_date", wall_us - back_us - 2 * day_us);
    put_date(&body, "end_date", wall_us + day_us);
    ask(feed, "history", &body, (struct waiter){hear_history, f, 0});
}

/* ---- the stream ---- */

static void send(struct oa_feed *feed, struct str *text)
{
    struct err err;
    if (!websocket_send(feed->ws, text->data, text->length, &err))
        log_write(feed->options.log, LOG_WARN, "openalgo", err.text, LOG_END);
    explicit_bzero(text->data, text->length);
    str_free(text);
}

static void on_open(void *ctx)
{
    struct oa_feed *feed = ctx;
    struct str text = STR_EMPTY;
    str_puts(&text, "{\"action\":\"authenticate\",\"api_key\":");
    str_put_json(&text, feed->options.api_key);
    str_putc(&text, '}');
    send(feed, &text);
}

static void subscribe(struct oa_feed *feed)
{
    struct str text = STR_EMPTY;
    str_puts(&text, "{\"action\":\"subscribe\",\"mode\":1");
    put_symbols(feed, &text);
    str_putc(&text, '}');
    send(feed, &text);
}

static void hear_subscribed(struct oa_feed *feed, const struct json *root)
{
    const struct json *rows = json_get(root, "subscriptions");
    feed->alive = true;
    feed->failures = 0;
    say(feed, "openalgo: the stream of prices is open");
    for (const struct json *row = rows ? rows->child : NULL; row; row = row->next) {
        const char *status = json_text(row, "status");
        if (!status || strcmp(status, "success") != 0)
            log_write(feed->options.log, LOG_ERROR, "openalgo",
                      "a symbol is not followed: the server does not know it",
                      LOG_T("symbol", json_text(row, "symbol") ? json_text(row, "symbol") : ""),
                      LOG_END);
    }
}

static void hear_error(struct oa_feed *feed, const struct json *root)
{
    const char *code = json_text(root, "code"), *message = json_text(root, "message");
    log_write(feed->options.log, LOG_WARN, "openalgo", "the stream answers with an error",
              LOG_T("code", code ? code : ""), LOG_T("message", message ? message : ""), LOG_END);
    if (!feed->alive)
        websocket_close(feed->ws, 1000); /* refused: try again later, from the start */
}

static void on_message(void *ctx, const char *bytes, size_t length, bool text)
{
    struct oa_feed *feed = ctx;
    struct err ignored;
    struct arena arena;
    (void)text;
    arena_init(&arena, 4096);
    const struct json *root = json_parse(&arena, bytes, length, NULL, &ignored);
    const char *type = json_text(root, "type"), *status = json_text(root, "status");
    if (type && strcmp(type, "market_data") == 0)
        tell_price(feed, root, json_get(root, "data"));
    else if (type && strcmp(type, "auth") == 0 && status && strcmp(status, "success") == 0)
        subscribe(feed);
    else if (type && strcmp(type, "subscribe") == 0)
        hear_subscribed(feed, root);
    else if (status && strcmp(status, "error") == 0)
        hear_error(feed, root);
    arena_free(&arena);
}

static void on_close(void *ctx, unsigned code, const struct err *err)
{
    struct oa_feed *feed = ctx;
    char text[160];
    snprintf(text, sizeof text, "openalgo: the stream of prices has ended (%u %.100s)", code,
             err ? err->text : "");
    websocket_free(feed->ws);
    feed->ws = NULL;
    if (feed->alive)
        feed->away_us = now_us(feed);
    feed->alive = false;
    feed->retry_us = now_us(feed) + RETRY_LEAST_US / 2 +
                     chance_backoff_us(&feed->chance, RETRY_LEAST_US, RETRY_MOST_US,
                                       feed->failures < 16 ? feed->failures : 16);
    feed->failures++;
    say(feed, text);
}

static void open_stream(struct oa_feed *feed)
{
    struct err err = {0};
    feed->ws = websocket_open(feed->options.loop,
                              &(struct websocket_options){.url = feed->options.stream_url,
                                                          .ca_path = feed->options.ca_path,
                                                          .on_open = on_open,
                                                          .on_message = on_message,
                                                          .on_close = on_close,
                                                          .ctx = feed},
                              &err);
    if (!feed->ws) {
        feed->retry_us = now_us(feed) + RETRY_MOST_US;
        say(feed, err.text);
    }
}

/* ---- each quarter of a second ---- */

/* A stream follows what it was asked to at its start; with another contract it begins anew. */
static void name_contracts(struct oa_feed *feed)
{
    for (size_t i = 0; i < feed->options.follow_count; i++) {
        struct follow *f = &feed->follows[i];
        char expiry[EXPIRY_SIZE], symbol[NAME_SIZE];
        rollover_contract(f->what.instrument, &feed->options.calendar,
                          clock_wall(feed->options.clock), expiry);
        contract_symbol(f->what.instrument, expiry, symbol);
        if (strcmp(f->symbol, symbol) == 0)
            continue;
        if (*f->symbol && feed->ws)
            websocket_close(feed->ws, 1000);
        text_copy(f->symbol, sizeof f->symbol, symbol);
    }
}

static void tick(void *ctx)
{
    struct oa_feed *feed = ctx;
    int64_t at_us = now_us(feed);
    if (at_us >= feed->named_us) {
        feed->named_us = at_us + NAME_US;
        name_contracts(feed);
    }
    if (feed->options.stream_url && !feed->ws && at_us >= feed->retry_us)
        open_stream(feed);
    if (!feed->alive && !feed->polling && at_us - feed->away_us >= AWAY_US &&
        at_us - feed->polled_us >= POLL_US)
        poll_prices(feed);
    for (size_t i = 0; i < feed->options.follow_count; i++) {
        struct follow *f = &feed->follows[i];
        if (f->interval && !f->asking && at_us >= f->next_us)
            ask_history(f);
    }
    loop_timer_start_in(feed->tick, TICK_US);
}

static void start(struct market_source *market)
{
    struct oa_feed *feed = (struct oa_feed *)market;
    feed->began_us = clock_wall(feed->options.clock);
    feed->away_us = feed->options.stream_url ? now_us(feed) : 0;
    loop_timer_start_in(feed->tick, 0);
}

static void status(const struct market_source *market, struct market_status *out)
{
    const struct oa_feed *feed = (const struct oa_feed *)market;
    out->alive = feed->alive;
    text_copy(out->text, sizeof out->text, feed->text);
}

static void close_market(struct market_source *market)
{
    struct oa_feed *feed = (struct oa_feed *)market;
    feed->closing = true;
    websocket_free(feed->ws);
    http_client_free(feed->http);
    loop_timer_free(feed->tick);
    mem_free(feed->follows);
    mem_free(feed);
}

static const struct market_ops ops = {.start = start, .status = status, .close = close_market};

struct market_source *openalgo_market_open(const struct openalgo_market_options *options,
                                           struct err *err)
{
    struct oa_feed *feed = mem_alloc(sizeof *feed);
    feed->source.ops = &ops;
    feed->options = *options;
    feed->follows = mem_alloc((options->follow_count + 1) * sizeof *feed->follows);
    feed->tick = loop_timer_new(options->loop, tick, feed);
    chance_seed_system(&feed->chance);
    text_copy(feed->text, sizeof feed->text, "openalgo: not yet connected");
    for (size_t i = 0; i < options->follow_count; i++) {
        struct follow *f = &feed->follows[i];
        *f = (struct follow){.feed = feed, .index = i, .what = options->follows[i]};
        f->interval = openalgo_interval_name(f->what.interval_us);
    }
    feed->http = http_client_new(options->loop, PARALLEL, QUEUE, err);
    if (feed->http)
        return &feed->source;
    close_market(&feed->source);
    return NULL;
}
