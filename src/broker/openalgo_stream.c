/* The server's stream of order updates: sooner than the next reading, and never instead of it.
 * Updates may be lost, doubled or out of order, and tell of everybody's orders; so all that one
 * does is to have the books read now, if an order of ours is under way. */
#include "broker/openalgo_parts.h"

#define RETRY_LEAST_US 500000
#define RETRY_MOST_US 30000000

static void send_text(struct openalgo *oa, struct str *text)
{
    struct err err;
    if (!websocket_send(oa->ws, text->data, text->length, &err))
        log_write(oa->options.log, LOG_WARN, "openalgo", err.text, LOG_END);
    explicit_bzero(text->data, text->length);
    str_free(text);
}

static void on_open(void *ctx)
{
    struct openalgo *oa = ctx;
    struct str text = STR_EMPTY;
    str_puts(&text, "{\"action\":\"authenticate\",\"api_key\":");
    str_put_json(&text, oa->options.api_key);
    str_putc(&text, '}');
    send_text(oa, &text);
}

static void subscribe(struct openalgo *oa)
{
    struct str text = STR_EMPTY;
    str_puts(&text, "{\"action\":\"subscribe_orders\"}");
    send_text(oa, &text);
}

static void hear_refusal(struct openalgo *oa, const struct json *root)
{
    const char *code = oa_field(root, "code");
    oa->ws_unknown = strcmp(code, "INVALID_ACTION") == 0; /* an older server: readings will do */
    log_write(oa->options.log, LOG_WARN, "openalgo", "no stream of order updates",
              LOG_T("code", code), LOG_T("message", oa_field(root, "message")), LOG_END);
    websocket_close(oa->ws, 1000);
}

static void on_message(void *ctx, const char *bytes, size_t length, bool text)
{
    struct openalgo *oa = ctx;
    struct err ignored;
    struct arena arena;
    (void)text;
    arena_init(&arena, 4096);
    const struct json *root = json_parse(&arena, bytes, length, NULL, &ignored);
    const char *type = oa_field(root, "type"), *status = oa_field(root, "status");
    if (strcmp(type, "auth") == 0 && strcmp(status, "success") == 0)
        subscribe(oa);
    else if (strcmp(type, "subscribe_orders") == 0)
        oa->ws_failures = 0;
    else if (strcmp(status, "error") == 0)
        hear_refusal(oa, root);
    if (strcmp(type, "order_update") == 0 || strcmp(type, "subscribe_orders") == 0) {
        oa->books.next_us = 0; /* what was missed while it was away, too */
        oa->books.again |= oa->books.running;
    }
    arena_free(&arena);
}

static void on_close(void *ctx, unsigned code, const struct err *err)
{
    struct openalgo *oa = ctx;
    int64_t pause_us = RETRY_LEAST_US << (oa->ws_failures < 6 ? oa->ws_failures : 6);
    websocket_free(oa->ws);
    oa->ws = NULL;
    oa->ws_failures++;
    oa->ws_retry_us = clock_steady(oa->options.clock) +
                      (pause_us < RETRY_MOST_US ? pause_us : (int64_t)RETRY_MOST_US);
    log_write(oa->options.log, LOG_INFO, "openalgo", "the stream of order updates has ended",
              LOG_I("code", code), LOG_T("error", err ? err->text : ""), LOG_END);
}

int64_t oa_stream_turn(struct openalgo *oa, int64_t now_us)
{
    struct err err = {0};
    if (!oa->options.ws_url || oa->ws || oa->ws_unknown)
        return INT64_MAX;
    if (now_us < oa->ws_retry_us)
        return oa->ws_retry_us;
    oa->ws = websocket_open(oa->options.loop,
                            &(struct websocket_options){.url = oa->options.ws_url,
                                                        .ca_path = oa->options.ca_path,
                                                        .on_open = on_open,
                                                        .on_message = on_message,
                                                        .on_close = on_close,
                                                        .ctx = oa},
                            &err);
    if (oa->ws)
        return INT64_MAX;
    log_write(oa->options.log, LOG_WARN, "openalgo", err.text, LOG_END);
    return oa->ws_retry_us = now_us + RETRY_MOST_US;
}
