/* A request's way:
 *
 *     asked ──> waiting for the venue's clock and rules ──> waiting for the limits ──> sent ──>
 * judged
 *
 * Nothing is signed by a clock that may be wrong: when ours jumped, or the venue says so, it is
 * measured again first. What a reply means is decided by a list of what is certain; all else is
 * unknown. */
#include "broker/binance_parts.h"
#include <stdlib.h>

#define REPLY_MAX (32u << 20)
#define PAUSE_DEFAULT_S 60
#define PAUSE_MOST_S 259200

static void send_call(struct binance_call *call);

/* ---- calls ---- */

static void put_call(struct binance_call **list, struct binance_call *call)
{
    call->prev = NULL;
    call->next = *list;
    if (call->next)
        call->next->prev = call;
    *list = call;
}

static void take_call(struct binance_call **list, struct binance_call *call)
{
    *(call->prev ? &call->prev->next : list) = call->next;
    if (call->next)
        call->next->prev = call->prev;
    call->next = call->prev = NULL;
}

struct binance_call *binance_call_new(struct binance *b, const char *method, const char *path,
                                      binance_done *done, struct waiter to)
{
    struct binance_call *call = mem_alloc(sizeof *call);
    call->binance = b;
    call->done = done;
    call->method = method;
    call->path = path;
    call->to = to;
    call->rank = RATE_READ;
    call->weight = 1;
    call->is_signed = true;
    return call;
}

static void free_call(struct binance_call *call)
{
    str_free(&call->query);
    mem_free(call->extra);
    mem_free(call);
}

/* The call is in no list any more. */
static void finish(struct binance_call *call, const struct err *err,
                   const struct binance_reply *reply)
{
    call->again = false;
    call->done(call, err, reply);
    if (!call->again)
        free_call(call);
}

static void end(struct binance_call *call, const struct err *err, const struct binance_reply *reply)
{
    take_call(&call->binance->calls, call);
    finish(call, err, reply);
}

/* ---- what a reply says ---- */

static enum err_class judge_code(const struct binance_variant *variant, unsigned status, int code,
                                 const char *message)
{
    if (code == -1006 || code == -1007 || code == -1000 || code == -1001)
        return ERR_MAYBE_DONE;
    if (code == -1003 || code == -1004 || code == -1008 || code == -1015 || code == -1016)
        return ERR_LATER;
    if (code == -1021)
        return ERR_NOT_DONE;
    if (code == -2010 && strstr(message, "Duplicate"))
        return ERR_MAYBE_DONE; /* an open order has our id: it is ours */
    if (code == -4116)
        return ERR_MAYBE_DONE; /* the same on USD-M */
    if (code == -2010 || code == -2011 || code == -2013 || code == -2014 || code == -2015 ||
        code == -2026 || code == -1002 || code == -1013 || code == -1020 || code == -1022)
        return ERR_REFUSED;
    if (code <= -1100 && code >= -1131)
        return ERR_REFUSED;
    if (variant->futures && ((code <= -2018 && code >= -2028) || (code <= -4000 && code > -5000)))
        return ERR_REFUSED;
    return status >= 400 && status < 500 && (code == -2021 || code == -2022) ? ERR_REFUSED
                                                                             : ERR_MAYBE_DONE;
}

enum err_class binance_judge(const struct binance_variant *variant, unsigned status, int code,
                             const char *message, bool is_json)
{
    if (status >= 200 && status < 300)
        return is_json && code == 0 ? ERR_NONE : ERR_MAYBE_DONE;
    if (status == 429 || status == 418)
        return ERR_LATER;
    if (status == 403)
        return ERR_LATER; /* the firewall: it did not pass */
    if (status >= 500 || status == 408) {
        if (variant->futures && status == 503 &&
            (code == -1008 || strstr(message, "Service Unavailable.") ||
             strstr(message, "Internal error; unable to process")))
            return ERR_LATER;
        return ERR_MAYBE_DONE;
    }
    return status >= 400 && code ? judge_code(variant, status, code, message) : ERR_MAYBE_DONE;
}

static enum err_code code_of(int code)
{
    switch (code) {
    case -2011:
    case -2013:
        return ERR_NOT_FOUND;
    case -1002:
    case -1022:
    case -2014:
    case -2015:
        return ERR_AUTH;
    case -1003:
    case -1015:
        return ERR_FULL;
    case -2010:
        return ERR_BROKER;
    default:
        return ERR_BROKER;
    }
}

static void pause_for(struct binance_call *call, const struct http_reply *reply)
{
    struct binance *b = call->binance;
    char text[32] = "";
    long seconds = PAUSE_DEFAULT_S;
    if (http_reply_header(reply, "retry-after", text, sizeof text) && *text)
        seconds = strtol(text, NULL, 10);
    if (seconds < 1)
        seconds = 1;
    if (seconds > PAUSE_MOST_S)
        seconds = PAUSE_MOST_S;
    if (call->code == -1015 && b->rate) { /* orders alone are too many */
        rate_note_used(b->rate, RATE_ORDERS, b->variant->orders_size.tokens);
        return;
    }
    if (b->rate)
        rate_pause(b->rate, clock_steady(b->options.clock) + seconds * 1000000);
    log_write(b->options.log, LOG_WARN, "binance", "the venue asks for silence",
              LOG_I("status", reply->status), LOG_I("seconds", seconds), LOG_END);
}

static void note_used(struct binance *b, const struct http_reply *reply)
{
    char text[32];
    if (!b->rate)
        return;
    if (http_reply_header(reply, "x-mbx-used-weight-1m", text, sizeof text))
        rate_note_used(b->rate, RATE_WEIGHT, strtoll(text, NULL, 10));
    if (http_reply_header(reply, "x-mbx-order-count-10s", text, sizeof text))
        rate_note_used(b->rate, RATE_ORDERS, strtoll(text, NULL, 10));
    if (http_reply_header(reply,
                          b->variant->futures ? "x-mbx-order-count-1m" : "x-mbx-order-count-1d",
                          text, sizeof text))
        rate_note_used(b->rate, RATE_ORDERS_LONG, strtoll(text, NULL, 10));
}

void binance_note_health(struct binance *b, const struct err *err, int64_t took_us)
{
    b->status.checked_us = clock_wall(b->options.clock);
    if (took_us)
        b->status.latency_us = took_us;
    b->status.ok = !err;
    if (err)
        text_copy(b->status.text, sizeof b->status.text, err->text);
    else
        snprintf(b->status.text, sizeof b->status.text,
                 "%s: answers; its clock is %+.3f s from ours", b->variant->name,
                 (double)b->offset_us / 1e6);
}

static void explain(struct binance_call *call, enum err_class class, unsigned status,
                    const char *message, struct err *err)
{
    if (call->code)
        err_set(err, class, code_of(call->code), "Binance %d: %.180s", call->code, message);
    else
        err_set(err, class, ERR_BROKER, "Binance answered %u and nothing that can be read", status);
}

static void judge_reply(struct binance_call *call, const struct http_reply *reply)
{
    struct binance *b = call->binance;
    struct arena arena;
    struct err err = {0}, ignored;
    const struct json_limits limits = {.depth = 16, .nodes = 2000000};
    arena_init(&arena, 8192);
    struct json *root = json_parse(&arena, reply->body, reply->body_length, &limits, &ignored);
    int64_t code = 0;
    const char *message = json_text(root, "msg");
    if (root && root->type == JSON_OBJECT && json_int(root, "code", &code) && code < 0)
        call->code = (int)code;
    message = message ? message : "";
    note_used(b, reply);
    enum err_class class =
        binance_judge(b->variant, reply->status, call->code, message, root != NULL);
    if (reply->status == 429 || reply->status == 418)
        pause_for(call, reply);
    if (class != ERR_NONE)
        explain(call, class, reply->status, message, &err);
    bool ill = class == ERR_LATER || class == ERR_MAYBE_DONE || err.code == ERR_AUTH;
    binance_note_health(b, ill ? &err : NULL, reply->took_us);
    if (call->code == -1021)
        binance_rest_unsync(b, "the venue does not take our time");
    const struct binance_reply good = {root, reply->body};
    end(call, class == ERR_NONE ? NULL : &err, &good);
    arena_free(&arena);
}

static void replied(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)handle;
    struct binance_call *call = owner;
    if (!err) {
        judge_reply(call, value);
        return;
    }
    if (err->code != ERR_CLOSED)
        binance_note_health(call->binance, err, 0);
    end(call, err, NULL);
}

/* ---- sending ---- */

int64_t binance_now_ms(const struct binance *b)
{
    return (clock_wall(b->options.clock) + b->offset_us) / 1000;
}

static bool clock_jumped(const struct binance *b)
{
    int64_t mark_us = clock_wall(b->options.clock) - clock_steady(b->options.clock);
    return llabs(mark_us - b->mark_us) > BINANCE_JUMP_US;
}

static bool sign(struct binance_call *call, struct str *query, struct err *err)
{
    struct binance *b = call->binance;
    int64_t window_us = b->options.window_us;
    if (call->valid_until_us) {
        int64_t left_us = call->valid_until_us - clock_wall(b->options.clock);
        window_us = left_us < window_us ? left_us : window_us;
    }
    if (window_us < 1000)
        return err_set(err, ERR_NOT_DONE, ERR_TIMEOUT, "the right to send was not used in time");
    binance_put_int(query, "recvWindow", window_us / 1000);
    binance_put_int(query, "timestamp", binance_now_ms(b));
    return binance_put_signature(query, b->key, err);
}

static void fetch(struct binance_call *call, const struct str *query)
{
    struct binance *b = call->binance;
    struct str url = STR_EMPTY;
    bool in_body = strcmp(call->method, "POST") == 0 || strcmp(call->method, "PUT") == 0;
    const struct http_fetch_header headers[] = {
        {"X-MBX-APIKEY", b->api_key}, {"Content-Type", "application/x-www-form-urlencoded"}};
    str_puts(&url, b->rest_url);
    str_puts(&url, call->path);
    if (!in_body && query->length) {
        str_putc(&url, '?');
        str_put(&url, query->data, query->length);
    }
    const struct http_fetch_request request = {
        .method = call->method,
        .url = str_text(&url),
        .headers = call->is_public ? headers + 1 : headers,
        .header_count = (in_body ? 2u : 1u) - (call->is_public ? 1u : 0u),
        .body = in_body ? str_text(query) : NULL,
        .body_length = in_body ? query->length : 0,
        .timeout_ms = b->options.timeout_us / 1000,
        .reply_max = REPLY_MAX,
        .ca_path = b->ca_path,
        .once = call->is_order || strcmp(call->method, "GET") != 0,
    };
    call->sent_us = clock_wall(b->options.clock);
    http_fetch(b->http, &request, (struct waiter){replied, call, 0});
    str_free(&url);
}

static void send_call(struct binance_call *call)
{
    struct binance *b = call->binance;
    struct str query = STR_EMPTY;
    struct err err;
    if (call->is_signed && clock_jumped(b)) {
        binance_rest_unsync(b, "our clock jumped");
        take_call(&b->calls, call);
        put_call(&b->waiting, call);
        return;
    }
    str_put(&query, str_text(&call->query), call->query.length);
    call->code = 0;
    if (!call->is_signed || sign(call, &query, &err))
        fetch(call, &query);
    else
        end(call, &err, NULL);
    str_free(&query);
}

void binance_fetch(struct binance_call *call)
{
    call->again = true;
    put_call(&call->binance->calls, call);
    fetch(call, &call->query);
}

static void may_go(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)handle;
    (void)value;
    struct binance_call *call = owner;
    if (err)
        end(call, err, NULL);
    else if (call->is_signed && !call->binance->synced) {
        take_call(&call->binance->calls, call);
        put_call(&call->binance->waiting, call);
    } else
        send_call(call);
}

static void turn_rate(void *ctx)
{
    struct binance *b = ctx;
    b->turning = false;
    int64_t due_us = b->rate ? rate_turn(b->rate) : INT64_MAX;
    if (due_us != INT64_MAX)
        loop_timer_start_at(b->rate_timer, due_us);
}

static void turn_soon(struct binance *b)
{
    if (b->turning || b->closing)
        return;
    b->turning = true;
    loop_defer(b->options.loop, turn_rate, b);
}

static void queue_call(struct binance_call *call)
{
    struct binance *b = call->binance;
    struct rate_cost cost = {0};
    int64_t until_us = clock_steady(b->options.clock) + b->options.timeout_us;
    if (call->valid_until_us) {
        int64_t left_us = call->valid_until_us - clock_wall(b->options.clock);
        until_us = clock_steady(b->options.clock) + (left_us > 0 ? left_us : 0);
    }
    cost.tokens[RATE_REQUESTS] = 1;
    cost.tokens[RATE_WEIGHT] = call->weight;
    cost.tokens[RATE_ORDERS] = cost.tokens[RATE_ORDERS_LONG] = call->is_order ? 1 : 0;
    put_call(&b->calls, call);
    rate_ask(b->rate, call->rank, &cost, until_us, (struct waiter){may_go, call, 0});
    turn_soon(b);
}

void binance_ask(struct binance_call *call)
{
    struct binance *b = call->binance;
    call->again = true;
    call->asked_us = clock_wall(b->options.clock);
    if (call->is_public && !b->rate) {
        binance_fetch(call);
    } else if (b->synced && b->told) {
        queue_call(call);
    } else {
        put_call(&b->waiting, call);
    }
}

struct refusal {
    struct binance_call *call;
    struct err err;
};

static void refuse_later(void *ctx)
{
    struct refusal *refusal = ctx;
    struct binance_call *call = refusal->call;
    call->extra = NULL;
    end(call, &refusal->err, NULL);
    mem_free(refusal);
}

void binance_refuse(struct binance_call *call, const struct err *err)
{
    struct refusal *refusal = mem_alloc(sizeof *refusal);
    *refusal = (struct refusal){call, *err};
    mem_free(call->extra);
    call->extra = refusal;
    call->again = true;
    call->method = ""; /* nothing is under way for it */
    put_call(&call->binance->calls, call);
    loop_defer(call->binance->options.loop, refuse_later, refusal);
}

void binance_release(struct binance *b, const struct err *err)
{
    struct binance_call *list = b->waiting, *ordered = NULL, *next;
    b->waiting = NULL;
    for (; list; list = next) { /* oldest first again */
        next = list->next;
        list->next = list->prev = NULL;
        put_call(&ordered, list);
    }
    for (; ordered; ordered = next) {
        next = ordered->next;
        if (next)
            next->prev = NULL;
        ordered->next = ordered->prev = NULL;
        if (err)
            finish(ordered, err, NULL);
        else
            binance_ask(ordered);
    }
}

void binance_rest_open(struct binance *b)
{
    b->rate_timer = loop_timer_new(b->options.loop, turn_rate, b);
    b->sync_timer = loop_timer_new(b->options.loop, binance_sync, b);
    loop_timer_start_in(b->sync_timer, 0);
    text_copy(b->status.text, sizeof b->status.text, "not reached yet");
}

/* Those who asked are gone already: nobody is answered. */
void binance_rest_close(struct binance *b)
{
    const struct err err = {ERR_NOT_DONE, ERR_CLOSED, "the broker is being closed"};
    b->closing = true;
    for (struct binance_call *call = b->calls; call; call = call->next)
        call->to.answer = NULL;
    for (struct binance_call *call = b->waiting; call; call = call->next)
        call->to.answer = NULL;
    for (struct binance_call *call = b->calls, *next; call; call = next) {
        next = call->next;
        if (*call->method)
            continue;
        loop_defer_cancel(b->options.loop, refuse_later, call->extra);
        take_call(&b->calls, call);
        free_call(call);
    }
    http_client_free(b->http);
    rate_limit_free(b->rate);
    b->rate = NULL;
    binance_release(b, &err);
    loop_defer_cancel(b->options.loop, turn_rate, b);
    loop_timer_free(b->rate_timer);
    loop_timer_free(b->sync_timer);
}
