/* One exchange with the server: the key in the body, a place in the queue, a deadline of our own,
 * and what the answer means. The table of answers is the fact worth most in this adapter: what is
 * not on the list of definite ones is not known. */
#include "broker/openalgo_parts.h"
#include <stdio.h>

#define TIMEOUT_US 8000000
#define REPLY_MAX (8u << 20)
#define CALM_DOWN_US 1200000

/* ---- asking ---- */

struct oa_call *oa_call_new(struct openalgo *oa, const char *path, enum rate_rank rank,
                            unsigned flags)
{
    struct oa_call *call = mem_alloc(sizeof *call);
    *call = (struct oa_call){.oa = oa, .path = path, .rank = rank, .flags = flags};
    call->next = oa->calls;
    if (call->next)
        call->next->prev = call;
    oa->calls = call;
    str_puts(&call->body, "{\"apikey\":");
    str_put_json(&call->body, oa->options.api_key);
    return call;
}

void oa_put_text(struct oa_call *call, const char *name, const char *value)
{
    str_printf(&call->body, ",\"%s\":", name);
    str_put_json(&call->body, value);
}

void oa_put_decimal(struct oa_call *call, const char *name, struct decimal value)
{
    char text[DECIMAL_TEXT_MAX];
    decimal_print(decimal_ok(value) ? value : decimal_int(0), text);
    oa_put_text(call, name, text);
}

static void drop(struct oa_call *call)
{
    *(call->prev ? &call->prev->next : &call->oa->calls) = call->next;
    if (call->next)
        call->next->prev = call->prev;
    explicit_bzero(call->body.data, call->body.length); /* the key was in it */
    str_free(&call->body);
    mem_free(call->ctx);
    mem_free(call);
}

void oa_calls_free(struct openalgo *oa)
{
    while (oa->calls)
        drop(oa->calls);
}

static void finish(struct oa_call *call, const struct oa_reply *reply)
{
    struct openalgo *oa = call->oa;
    if (!oa->closing)
        call->done(oa, call->ctx, reply);
    drop(call);
}

/* ---- hearing ---- */

const char *oa_field(const struct json *object, const char *key)
{
    const struct json *value = json_get(object, key);
    return value && (value->type == JSON_STRING || value->type == JSON_NUMBER) ? value->text : "";
}

struct decimal oa_decimal(const struct json *object, const char *key)
{
    struct decimal value;
    return json_decimal(object, key, &value) ? value : decimal_bad();
}

static void put_message(struct str *out, const struct json *message)
{
    if (!message)
        return;
    if (message->type == JSON_STRING || message->type == JSON_NUMBER) {
        str_puts(out, message->text);
        return;
    }
    for (const struct json *one = message->child; one; one = one->next) {
        if (one->key)
            str_printf(out, "%s%s: ", out->length ? "; " : "", one->key);
        put_message(out, one);
    }
}

/* M is a text on some endpoints and an object of lists on others; both become one line. */
static void read_message(struct oa_reply *reply, const struct http_reply *http)
{
    struct str text = {.max = sizeof reply->message - 1};
    put_message(&text, json_get(reply->root, "message"));
    if (!text.length && !reply->root)
        str_put(&text, http->body, http->body_length < 80 ? http->body_length : 80);
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.data[i] < ' ')
            text.data[i] = ' ';
    text_copy(reply->message, sizeof reply->message, str_text(&text));
    str_free(&text);
}

static void read_reply(struct oa_call *call, const struct http_reply *http, struct arena *arena,
                       struct oa_reply *reply)
{
    const struct json_limits limits = {.depth = 16, .nodes = 400000};
    struct err ignored;
    reply->status = http->status;
    reply->root = json_parse(arena, http->body, http->body_length, &limits, &ignored);
    if (reply->root && reply->root->type != JSON_OBJECT)
        reply->root = NULL;
    const char *status = oa_field(reply->root, "status"), *mode = oa_field(reply->root, "mode");
    reply->success = reply->status == 200 && strcmp(status, "success") == 0;
    if (strcmp(mode, "analyze") == 0)
        reply->mode = OA_ANALYZE;
    else if (strcmp(mode, "semi_auto") == 0)
        reply->mode = OA_SEMI_AUTO;
    else if (reply->success && (call->flags & OA_MODAL))
        reply->mode = OA_LIVE;
    read_message(reply, http);
}

static void note(struct oa_call *call, const struct oa_reply *reply, int64_t took_us)
{
    struct openalgo *oa = call->oa;
    metric_add(oa->requests, 1);
    oa->checked_us = clock_wall(oa->options.clock);
    if (reply->err.class != ERR_NONE) {
        metric_add(oa->failures, 1);
        oa->trouble = reply->err;
        return;
    }
    oa->latency_us = took_us;
    oa->heard = true;
    if (reply->status == 429)
        rate_pause(oa->limit, clock_steady(oa->options.clock) + CALM_DOWN_US);
    bool auth_failed = reply->status == 403 && strstr(reply->message, "apikey");
    if (auth_failed && !oa->auth_failed)
        log_write(oa->options.log, LOG_ERROR, "openalgo",
                  "the API key is refused: wrong, or the broker's daily login is over; log in to "
                  "OpenAlgo; nothing is traded before",
                  LOG_END);
    if (auth_failed || (reply->success && strcmp(call->path, "ping") != 0))
        oa->auth_failed = auth_failed;
    if (reply->success)
        err_clear(&oa->trouble);
    else if (reply->status >= 500 || !reply->root)
        err_set(&oa->trouble, ERR_LATER, ERR_IO, "%s answers HTTP %u: %.120s", call->path,
                reply->status, reply->message);
}

static void hear(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct oa_call *call = owner;
    struct oa_reply reply = {.mode = OA_UNSEEN};
    struct arena arena;
    (void)handle;
    if (call->oa->closing) {
        drop(call);
        return;
    }
    arena_init(&arena, 16384);
    if (err)
        reply.err = *err;
    else
        read_reply(call, value, &arena, &reply);
    note(call, &reply, err ? 0 : ((const struct http_reply *)value)->took_us);
    finish(call, &reply);
    arena_free(&arena);
}

static void go(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct oa_call *call = owner;
    struct openalgo *oa = call->oa;
    char url[512];
    (void)handle;
    (void)value;
    if (err) {
        struct oa_reply reply = {.err = *err};
        finish(call, &reply);
        return;
    }
    size_t length = strlen(oa->options.base_url);
    const char *slash = length && oa->options.base_url[length - 1] == '/' ? "" : "/";
    snprintf(url, sizeof url, "%s%sapi/v1/%s", oa->options.base_url, slash, call->path);
    static const struct http_fetch_header type = {"Content-Type", "application/json"};
    int64_t timeout_us = oa->options.timeout_us ? oa->options.timeout_us : TIMEOUT_US;
    http_fetch(oa->http,
               &(struct http_fetch_request){.method = "POST",
                                            .url = url,
                                            .headers = &type,
                                            .header_count = 1,
                                            .body = call->body.data,
                                            .body_length = call->body.length,
                                            .timeout_ms = timeout_us / 1000,
                                            .reply_max = REPLY_MAX,
                                            .ca_path = oa->options.ca_path,
                                            .once = (call->flags & OA_ORDER) != 0},
               (struct waiter){hear, call, 0});
}

void oa_call_send(struct oa_call *call,
                  void (*done)(struct openalgo *oa, void *ctx, const struct oa_reply *reply),
                  const void *ctx, size_t size)
{
    bool order = call->flags & OA_ORDER;
    struct rate_cost cost = {
        .tokens = {[RATE_REQUESTS] = 1, [RATE_ORDERS] = order, [RATE_ORDERS_LONG] = order}};
    str_putc(&call->body, '}');
    call->done = done;
    call->ctx = mem_alloc(size + 1);
    if (size)
        memcpy(call->ctx, ctx, size);
    rate_ask(call->oa->limit, call->rank, &cost, call->valid_until_us,
             (struct waiter){go, call, 0});
}

/* ---- what an answer means ---- */

static bool says(const char *message, const char *const *words)
{
    for (; *words; words++)
        if (strcasestr(message, *words))
            return true;
    return false;
}

void oa_read_err(const struct oa_reply *reply, const char *what, struct err *err)
{
    if (reply->err.class != ERR_NONE) {
        *err = reply->err;
        err_prefix(err, "OpenAlgo's %s", what);
    } else if (reply->status == 403) {
        err_set(err, ERR_LATER, ERR_AUTH, "OpenAlgo's %s: %s", what, reply->message);
    } else {
        bool later = reply->status == 429 || reply->status >= 500 || !reply->root;
        err_set(err, later ? ERR_LATER : ERR_REFUSED, later ? ERR_IO : ERR_BROKER,
                "OpenAlgo's %s answers HTTP %u: %s", what, reply->status, reply->message);
    }
}

/* A broker's words behind HTTP 400 are its no, unless they speak of a wait that was given up: such
 * orders have been seen to be placed seconds later. */
static void judge_refusal(const struct oa_reply *reply, const char *what, struct err *err)
{
    static const char *const open_ended[] = {"timed out",  "timeout",  "time out",    "gateway",
                                             "connection", "internal", "unavailable", "unreachable",
                                             "network",    NULL};
    static const char *const too_fast[] = {"too many requests", "rate limit", "per second", NULL};
    bool validator = text_starts(reply->message, "{'");
    if (!validator && says(reply->message, too_fast))
        err_set(err, ERR_LATER, ERR_FULL, "%s: the broker asks to slow down: %s", what,
                reply->message);
    else if (!validator && (!*reply->message || says(reply->message, open_ended)))
        err_set(err, ERR_MAYBE_DONE, ERR_BROKER, "%s: not known what became of it: %s", what,
                reply->message);
    else
        err_set(err, ERR_REFUSED, ERR_BROKER, "%s: %s", what, reply->message);
}

void oa_order_err(const struct oa_reply *reply, const char *what, struct err *err)
{
    if (reply->err.class != ERR_NONE)
        *err = reply->err;
    else if (reply->status == 429)
        err_set(err, ERR_LATER, ERR_FULL, "%s: OpenAlgo asks to slow down: %s", what,
                reply->message);
    else if (reply->status == 403 && reply->root)
        err_set(err, ERR_NOT_DONE, ERR_AUTH, "%s: %s", what, reply->message);
    else if (reply->status == 404 && reply->root)
        err_set(err, ERR_REFUSED, ERR_NOT_FOUND, "%s: %s", what, reply->message);
    else if (reply->root && (reply->status == 400 || reply->status == 200) && !reply->success &&
             strcmp(oa_field(reply->root, "status"), "error") == 0)
        judge_refusal(reply, what, err);
    else
        err_set(err, ERR_MAYBE_DONE, ERR_BROKER, "%s: HTTP %u is no usable answer: %s", what,
                reply->status, reply->message);
}
