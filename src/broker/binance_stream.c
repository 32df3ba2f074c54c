/* What happens to our orders, as the venue tells it.
 *
 *     spot:   connect to the WebSocket API ──> userDataStream.subscribe.signature ──> events
 *     USD-M:  POST listenKey ──> connect to /ws/<listenKey> ──> events; PUT every half hour
 *
 * Nothing is told twice by the venue: after every connection each order under way is asked about.
 * Fills carry how much is filled in all, so a fill that is missing in between is noticed and asked
 * for. Events may repeat what a reply or a query said; the host knows trades by their ids. */
#include "broker/binance_parts.h"

#define RETRY_LEAST_US 250000
#define RETRY_MOST_US 30000000
#define KEY_EVERY_US 1800000000
#define STEADY_US 60000000 /* a stream that lived so long starts its backoff anew */

static void connect_stream(void *ctx);

static void retry(struct binance *b, const char *why)
{
    struct websocket *ws = b->ws;
    bool lived = b->subscribed && clock_steady(b->options.clock) - b->subscribed_us > STEADY_US;
    if (lived)
        b->ws_failures = 0;
    if (b->subscribed || b->ws_failures == 0)
        log_write(b->options.log, LOG_WARN, "binance", "the stream of our orders is interrupted",
                  LOG_T("reason", why), LOG_END);
    text_copy(b->ws_text, sizeof b->ws_text, why);
    b->subscribed = false;
    b->ws = NULL;
    websocket_free(ws);
    if (b->closing)
        return;
    loop_timer_stop(b->key_timer);
    loop_timer_start_in(b->ws_timer,
                        RETRY_LEAST_US + chance_backoff_us(&b->chance, RETRY_LEAST_US,
                                                           RETRY_MOST_US, b->ws_failures));
    if (b->ws_failures < 16)
        b->ws_failures++;
}

/* ---- events ---- */

static struct report report_of(const struct json *event, enum report_kind kind, const char *id,
                               int64_t at_us)
{
    struct report report = {.kind = kind, .at_us = at_us};
    text_copy(report.order_id, sizeof report.order_id, id);
    binance_id_text(event, "i", report.broker_id);
    return report;
}

/* A fill: l of it, z in all. */
static void take_fill(struct binance *b, const struct binance_symbol *symbol,
                      const struct json *event, struct binance_live *live, int64_t at_us)
{
    struct report report = report_of(event, REPORT_FILL, live->id, at_us);
    struct decimal last, whole, commission = decimal_bad();
    char number[NAME_SIZE];
    if (!binance_id_text(event, "t", number) || !json_decimal(event, "l", &last) ||
        !json_decimal(event, "z", &whole) || !json_decimal(event, "L", &report.price) ||
        decimal_sign(last) <= 0) {
        binance_catch_up(b, live);
        return;
    }
    json_decimal(event, "n", &commission);
    binance_trade_id(report.trade_id, symbol, number, live->order.side);
    binance_fill(b, symbol, last, commission, json_text(event, "N"), &report);
    bool gap = decimal_gt(decimal_sub(whole, last), live->told);
    enum order_state state = ORDER_ACKNOWLEDGED;
    binance_state_of(json_text(event, "X"), &state);
    /* Filled with less than was wanted: what fees had taken is told by the answer to a query. */
    gap |= state == ORDER_FILLED &&
           decimal_lt(whole, decimal_mul(live->order.quantity, symbol->instrument->lot_size));
    if (!gap && decimal_gt(whole, live->told))
        live->told = whole;
    char id[ID_SIZE];
    text_copy(id, sizeof id, live->id);
    binance_report(b, &report);
    live = binance_live_find(b, id); /* the host may have asked us things meanwhile */
    if (gap && live)
        binance_catch_up(b, live);
}

static void take_end(struct binance *b, const struct json *event, enum report_kind kind,
                     struct binance_live *live, int64_t at_us)
{
    struct report report = report_of(event, kind, live->id, at_us);
    struct decimal whole = decimal_int(0);
    const char *reason = json_text(event, "r"), *status = json_text(event, "X");
    json_decimal(event, "z", &whole);
    if (decimal_gt(whole, live->told)) { /* fills are missing: they come first */
        binance_catch_up(b, live);
        return;
    }
    snprintf(report.reason, sizeof report.reason, "Binance: %.60s%s%.60s", status ? status : "",
             reason && strcmp(reason, "NONE") != 0 ? " " : "",
             reason && strcmp(reason, "NONE") != 0 ? reason : "");
    binance_live_end(b, live->id);
    binance_report(b, &report);
}

/* executionReport of spot, the `o` of ORDER_TRADE_UPDATE: the same letters. */
static void take_order_event(struct binance *b, const struct json *event, int64_t at_us)
{
    const char *name = json_text(event, "s"), *what = json_text(event, "x");
    const char *id = json_text(event, "C"), *status = json_text(event, "X");
    if (!id || !*id) /* of a cancel, c is the cancel's id and C the order's */
        id = json_text(event, "c");
    const struct binance_symbol *symbol = name ? binance_by_name(b, name) : NULL;
    struct binance_live *live = id ? binance_live_find(b, id) : NULL;
    if (!symbol || !what || !live)
        return; /* somebody else's */
    enum order_state state = ORDER_ACKNOWLEDGED;
    binance_state_of(status, &state);
    if (strcmp(what, "TRADE") == 0) {
        take_fill(b, symbol, event, live, at_us);
    } else if (state == ORDER_CANCELLED) {
        take_end(b, event, REPORT_CANCELLED, live, at_us);
    } else if (state == ORDER_REJECTED) {
        take_end(b, event, REPORT_REJECTED, live, at_us);
    } else if (state == ORDER_EXPIRED) {
        take_end(b, event, REPORT_EXPIRED, live, at_us);
    } else if (strcmp(what, "NEW") == 0) {
        struct report report = report_of(event, REPORT_ACKNOWLEDGED, live->id, at_us);
        binance_report(b, &report);
    } else {
        binance_catch_up(b, live);
    }
}

static void catch_up_all(struct binance *b)
{
    struct binance_live *live, *next;
    HASH_ITER(hh, b->live, live, next)
    binance_catch_up(b, live);
}

static void subscribed(struct binance *b)
{
    b->subscribed = true;
    b->subscribed_us = clock_steady(b->options.clock);
    text_copy(b->ws_text, sizeof b->ws_text, "the stream of our orders is open");
    log_write(b->options.log, LOG_INFO, "binance", "the stream of our orders is open",
              LOG_I("orders_asked_about", HASH_COUNT(b->live)), LOG_END);
    catch_up_all(b);
}

/* The answer to our one request. */
static void take_answer(struct binance *b, const struct json *root)
{
    int64_t status = 0, code = 0;
    const struct json *error = json_get(root, "error");
    const char *message = json_text(error, "msg");
    char why[160];
    if (json_int(root, "status", &status) && status == 200) {
        subscribed(b);
        return;
    }
    json_int(error, "code", &code);
    if (code == -1021)
        binance_rest_unsync(b, "the stream does not take our time");
    snprintf(why, sizeof why, "the subscription was refused: %lld %.100s", (long long)code,
             message ? message : "");
    retry(b, why);
}

static void take_event(struct binance *b, const struct json *event)
{
    const char *kind = json_text(event, "e");
    int64_t ms = 0;
    if (!kind)
        return;
    json_int(event, "T", &ms);
    if (ms == 0)
        json_int(event, "E", &ms);
    if (strcmp(kind, "executionReport") == 0)
        take_order_event(b, event, ms * 1000);
    else if (strcmp(kind, "ORDER_TRADE_UPDATE") == 0 && json_get(event, "o"))
        take_order_event(b, json_get(event, "o"), ms * 1000);
    else if (strcmp(kind, "ALGO_UPDATE") == 0 && json_get(event, "o"))
        binance_algo_event(b, json_get(event, "o"), ms * 1000);
    else if (strcmp(kind, "serverShutdown") == 0 || strcmp(kind, "eventStreamTerminated") == 0 ||
             strcmp(kind, "listenKeyExpired") == 0) {
        if (strcmp(kind, "listenKeyExpired") == 0)
            b->listen_key[0] = '\0';
        retry(b, kind);
    }
}

static void on_message(void *ctx, const char *bytes, size_t length, bool text)
{
    struct binance *b = ctx;
    struct arena arena;
    struct err err;
    arena_init(&arena, 4096);
    const struct json *root = text ? json_parse(&arena, bytes, length, NULL, &err) : NULL;
    const struct json *event = json_get(root, "event");
    if (!root)
        retry(b, "what came on the stream cannot be read");
    else if (event)
        take_event(b, event);
    else if (json_get(root, "e"))
        take_event(b, root);
    else if (json_get(root, "status"))
        take_answer(b, root);
    arena_free(&arena);
}

/* ---- connecting ---- */

static void on_open(void *ctx)
{
    struct binance *b = ctx;
    struct str payload = STR_EMPTY, signature = STR_EMPTY, message = STR_EMPTY;
    struct err err;
    if (b->variant->futures) {
        subscribed(b);
        return;
    }
    long long window_ms = b->options.window_us / 1000, at_ms = binance_now_ms(b);
    str_printf(&payload, "apiKey=%s&recvWindow=%lld&timestamp=%lld", b->api_key, window_ms, at_ms);
    bool ok = binance_sign(b->key, payload.data, payload.length, &signature, &err);
    str_puts(&message, "{\"id\":\"1\",\"method\":\"userDataStream.subscribe.signature\","
                       "\"params\":{\"apiKey\":");
    str_put_json(&message, b->api_key);
    str_printf(&message, ",\"recvWindow\":%lld,\"timestamp\":%lld,\"signature\":", window_ms,
               at_ms);
    str_put_json(&message, str_text(&signature));
    str_puts(&message, "}}");
    if (!ok || !websocket_send(b->ws, message.data, message.length, &err))
        retry(b, err.text);
    str_free(&payload);
    str_free(&signature);
    str_free(&message);
}

static void on_close(void *ctx, unsigned code, const struct err *err)
{
    (void)code;
    retry(ctx, err->text);
}

static void open_socket(struct binance *b, const char *url)
{
    struct err err;
    b->ws = websocket_open(b->options.loop,
                           &(struct websocket_options){.url = url,
                                                       .ca_path = b->ca_path,
                                                       .on_open = on_open,
                                                       .on_message = on_message,
                                                       .on_close = on_close,
                                                       .ctx = b},
                           &err);
    if (!b->ws)
        retry(b, err.text);
}

static void open_by_key(struct binance *b)
{
    struct str url = STR_EMPTY;
    str_printf(&url, "%s/ws/%s", b->stream_url, b->listen_key);
    open_socket(b, str_text(&url));
    str_free(&url);
    loop_timer_start_in(b->key_timer, KEY_EVERY_US);
}

static void got_key(struct binance_call *call, const struct err *err,
                    const struct binance_reply *reply)
{
    struct binance *b = call->binance;
    const char *key = err ? NULL : json_text(reply->root, "listenKey");
    if (b->closing)
        return;
    if (key &&
        !key[strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")])
        text_copy(b->listen_key, sizeof b->listen_key, key);
    if (b->listen_key[0] && !err)
        open_by_key(b);
    else
        retry(b, err ? err->text : "no listen key was given");
}

static void kept_key(struct binance_call *call, const struct err *err,
                     const struct binance_reply *reply)
{
    (void)reply;
    struct binance *b = call->binance;
    if (b->closing)
        return;
    if (err && call->code) {
        b->listen_key[0] = '\0';
        retry(b, err->text);
        return;
    }
    loop_timer_start_in(b->key_timer, err ? RETRY_MOST_US : KEY_EVERY_US);
}

static void ask_key(struct binance *b, const char *method, binance_done *done)
{
    struct binance_call *call =
        binance_call_new(b, method, b->variant->listen_key, done, (struct waiter){0});
    call->is_signed = false;
    binance_ask(call);
}

static void keep_key(void *ctx)
{
    ask_key(ctx, "PUT", kept_key);
}

static void connect_stream(void *ctx)
{
    struct binance *b = ctx;
    if (b->ws || b->closing)
        return;
    if (b->variant->futures)
        ask_key(b, "POST", got_key);
    else
        open_socket(b, b->api_ws_url);
}

void binance_stream_start(struct binance *b)
{
    if (b->ws_timer)
        return;
    b->ws_timer = loop_timer_new(b->options.loop, connect_stream, b);
    b->key_timer = loop_timer_new(b->options.loop, keep_key, b);
    connect_stream(b);
}

void binance_stream_stop(struct binance *b)
{
    websocket_free(b->ws);
    b->ws = NULL;
    loop_timer_free(b->ws_timer);
    loop_timer_free(b->key_timer);
}
