/*     connecting --(curl: TCP, TLS)--> shaking --(101, accept key)--> open --> closing --> ended
 *
 * Every arrow has a deadline of ours. Whatever goes wrong leads to `ended`, told once. The easy
 * handle stays in its multi handle: curl drops the connection of one that is taken out. */
#include "io/websocket.h"
#include "base/chance.h"
#include "base/mem.h"
#include "io/http_fetch.h"
#include "io/websocket_parts.h"
#include <string.h>

#define BYTES_A_TURN (256 * 1024) /* a torrent must not starve the loop */
#define CLOSE_WAIT_US 2000000

static void move_on(struct websocket *ws);
static void set_timer(struct websocket *ws);

/* ---- ending ---- */

static void free_closed(uv_handle_t *handle)
{
    mem_free(handle);
}

static void drop_socket(struct websocket *ws)
{
    if (ws->uv) {
        uv_poll_stop(ws->uv);
        uv_close((uv_handle_t *)ws->uv, free_closed);
        ws->uv = NULL;
    }
    if (ws->easy) {
        curl_multi_remove_handle(curl_poll_multi(ws->poll), ws->easy);
        curl_easy_cleanup(ws->easy);
        ws->easy = NULL;
    }
}

static void destroy(void *ctx)
{
    struct websocket *ws = ctx;
    drop_socket(ws);
    if (ws->frames)
        wslay_event_context_free(ws->frames);
    curl_poll_free(ws->poll);
    loop_timer_free(ws->timer);
    str_free(&ws->request);
    str_free(&ws->reply);
    mem_free(ws->url);
    mem_free(ws);
}

static void resume(void *ctx)
{
    struct websocket *ws = ctx;
    ws->more = false;
    move_on(ws);
}

void websocket_free(struct websocket *ws)
{
    if (!ws || ws->doomed)
        return;
    ws->doomed = true;
    ws->state = ENDED;
    loop_defer_cancel(ws->loop, resume, ws);
    if (!ws->in_callback) {
        destroy(ws);
        return;
    }
    loop_timer_stop(ws->timer);
    loop_defer(ws->loop, destroy, ws); /* curl and wslay are still at it */
}

static void end(struct websocket *ws, unsigned code, const struct err *err)
{
    if (ws->state == ENDED)
        return;
    ws->state = ENDED;
    loop_timer_stop(ws->timer);
    loop_defer_cancel(ws->loop, resume, ws);
    if (ws->uv)
        uv_poll_stop(ws->uv);
    bool outer = ws->in_callback;
    ws->in_callback = true;
    if (ws->options.on_close)
        ws->options.on_close(ws->options.ctx, code, err);
    ws->in_callback = outer;
}

void websocket_fail(struct websocket *ws, enum err_code code, const char *what)
{
    struct err err;
    err_set(&err, ERR_NOT_DONE, code, "%s: %s", ws->where, what);
    end(ws, 0, &err);
}

/* ---- bytes ---- */

/* -1: not now; 0: gone. */
ssize_t websocket_take(struct websocket *ws, void *out, size_t size)
{
    size_t got = 0;
    if (ws->taken < ws->reply.length && ws->state != SHAKING) {
        size_t left = ws->reply.length - ws->taken;
        got = left < size ? left : size;
        memcpy(out, ws->reply.data + ws->taken, got);
        ws->taken += got;
        return (ssize_t)got;
    }
    if (ws->budget == 0) {
        if (!ws->more)
            loop_defer(ws->loop, resume, ws); /* TLS may hold bytes that no poll tells of */
        ws->more = true;
        return -1;
    }
    CURLcode code = curl_easy_recv(ws->easy, out, size < ws->budget ? size : ws->budget, &got);
    if (code == CURLE_AGAIN)
        return -1;
    if (code != CURLE_OK || got == 0) {
        ws->gone = true;
        return 0;
    }
    ws->budget -= got;
    ws->heard_us = loop_steady_us(ws->loop);
    return (ssize_t)got;
}

ssize_t websocket_put(struct websocket *ws, const void *bytes, size_t length)
{
    size_t put = 0;
    CURLcode code = curl_easy_send(ws->easy, bytes, length, &put);
    if (code == CURLE_AGAIN)
        return -1;
    if (code != CURLE_OK) {
        ws->gone = true;
        return 0;
    }
    return (ssize_t)put;
}

/* ---- frames ---- */

static ssize_t answer_io(struct websocket *ws, ssize_t bytes)
{
    if (bytes > 0)
        return bytes;
    wslay_event_set_error(ws->frames,
                          bytes < 0 ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t receive(wslay_event_context_ptr frames, uint8_t *out, size_t size, int flags,
                       void *ctx)
{
    (void)frames;
    (void)flags;
    struct websocket *ws = ctx;
    if (ws->state == ENDED)
        return answer_io(ws, -1);
    return answer_io(ws, websocket_take(ws, out, size));
}

static ssize_t transmit(wslay_event_context_ptr frames, const uint8_t *bytes, size_t length,
                        int flags, void *ctx)
{
    (void)frames;
    (void)flags;
    struct websocket *ws = ctx;
    return answer_io(ws, ws->state == ENDED ? -1 : websocket_put(ws, bytes, length));
}

static int make_mask(wslay_event_context_ptr frames, uint8_t *out, size_t length, void *ctx)
{
    (void)frames;
    (void)ctx;
    chance_system_bytes(out, length);
    return 0;
}

static void deliver(wslay_event_context_ptr frames,
                    const struct wslay_event_on_msg_recv_arg *message, void *ctx)
{
    (void)frames;
    struct websocket *ws = ctx;
    if (ws->state != OPEN || wslay_is_ctrl_frame(message->opcode) || !ws->options.on_message)
        return;
    ws->options.on_message(ws->options.ctx, (const char *)message->msg, message->msg_length,
                           message->opcode == WSLAY_TEXT_FRAME);
}

static bool start_frames(struct websocket *ws)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = receive,
        .send_callback = transmit,
        .genmask_callback = make_mask,
        .on_msg_recv_callback = deliver,
    };
    if (wslay_event_context_client_init(&ws->frames, &callbacks, ws) != 0) {
        websocket_fail(ws, ERR_IO, "no memory for frames");
        return false;
    }
    wslay_event_config_set_max_recv_msg_length(ws->frames, ws->options.message_max);
    return true;
}

static void end_by_frames(struct websocket *ws)
{
    struct err err;
    unsigned heard = wslay_event_get_close_received(ws->frames)
                         ? wslay_event_get_status_code_received(ws->frames)
                         : 0;
    unsigned said =
        wslay_event_get_close_sent(ws->frames) ? wslay_event_get_status_code_sent(ws->frames) : 0;
    if (heard)
        err_set(&err, ERR_NOT_DONE, ERR_CLOSED, "%s: the server closed the stream with code %u",
                ws->where, heard);
    else if (ws->gone)
        err_set(&err, ERR_NOT_DONE, ERR_IO, "%s: the connection broke", ws->where);
    else if (said && said != WSLAY_CODE_NORMAL_CLOSURE)
        err_set(&err, ERR_NOT_DONE, ERR_INPUT,
                "%s: what came is no proper WebSocket stream; closed with code %u", ws->where,
                said);
    else
        err_set(&err, ERR_NOT_DONE, ERR_CLOSED, "%s: the connection is closed", ws->where);
    end(ws, heard ? heard : ws->gone ? 0 : said, &err);
}

static void turn_frames(struct websocket *ws)
{
    bool fine = wslay_event_recv(ws->frames) == 0;
    fine = ws->state != ENDED && wslay_event_send(ws->frames) == 0 && fine;
    if (ws->state == ENDED)
        return;
    if (!fine || ws->gone ||
        (!wslay_event_want_read(ws->frames) && !wslay_event_want_write(ws->frames)))
        end_by_frames(ws);
}

/* ---- turning ---- */

static void shake_on(struct websocket *ws)
{
    if (!websocket_shake(ws) || ws->state == ENDED)
        return;
    ws->state = OPEN;
    ws->deadline_us = 0;
    if (!start_frames(ws))
        return;
    set_timer(ws);
    if (ws->options.on_open)
        ws->options.on_open(ws->options.ctx);
    if (ws->state != ENDED)
        turn_frames(ws);
}

static void on_poll(uv_poll_t *uv, int status, int events)
{
    struct websocket *ws = uv->data;
    (void)status; /* an error shows in reading */
    (void)events;
    move_on(ws);
}

static void watch(struct websocket *ws)
{
    if (ws->state == ENDED || !ws->uv)
        return;
    bool write = ws->state == SHAKING ? ws->sent < ws->request.length
                                      : wslay_event_want_write(ws->frames) != 0;
    int events = UV_READABLE | (write ? UV_WRITABLE : 0);
    if (events != ws->events)
        uv_poll_start(ws->uv, events, on_poll);
    ws->events = events;
}

static void set_timer(struct websocket *ws)
{
    int64_t at_us = ws->deadline_us;
    if (ws->state == ENDED)
        return;
    if (!at_us) {
        int64_t quiet_us = ws->heard_us + ws->options.silence_max_ms * 1000;
        at_us = ws->pinged_us > ws->heard_us ? quiet_us
                                             : ws->heard_us + ws->options.ping_after_ms * 1000;
        at_us = at_us < quiet_us ? at_us : quiet_us;
    }
    loop_timer_start_at(ws->timer, at_us);
}

static void move_on(struct websocket *ws)
{
    if (ws->state == ENDED || ws->in_callback)
        return;
    ws->in_callback = true;
    ws->budget = BYTES_A_TURN;
    if (ws->state == SHAKING)
        shake_on(ws);
    else if (ws->frames)
        turn_frames(ws);
    ws->in_callback = false;
    watch(ws);
}

static void on_time(void *ctx)
{
    struct websocket *ws = ctx;
    int64_t now_us = loop_steady_us(ws->loop);
    if (ws->deadline_us && now_us >= ws->deadline_us) {
        websocket_fail(ws, ERR_TIMEOUT,
                       ws->state == CLOSING ? "the server did not answer the close in time"
                                            : "the stream did not open in time");
        return;
    }
    if (!ws->deadline_us && now_us >= ws->heard_us + ws->options.silence_max_ms * 1000) {
        websocket_fail(ws, ERR_TIMEOUT, "nothing was heard for too long");
        return;
    }
    if (!ws->deadline_us && ws->pinged_us <= ws->heard_us &&
        now_us >= ws->heard_us + ws->options.ping_after_ms * 1000) {
        struct wslay_event_msg ping = {.opcode = WSLAY_PING};
        ws->pinged_us = now_us;
        wslay_event_queue_msg(ws->frames, &ping);
        watch(ws);
    }
    set_timer(ws);
}

/* ---- opening ---- */

static void on_connected(void *ctx, CURL *easy, CURLcode code)
{
    struct websocket *ws = ctx;
    curl_socket_t fd = CURL_SOCKET_BAD;
    ws->in_callback = true;
    if (code != CURLE_OK) {
        websocket_fail(ws, code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_IO,
                       curl_easy_strerror(code));
    } else if (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK ||
               fd == CURL_SOCKET_BAD) {
        websocket_fail(ws, ERR_IO, "the connection has no socket");
    } else {
        ws->uv = mem_alloc(sizeof *ws->uv);
        ws->uv->data = ws;
        if (uv_poll_init_socket(loop_uv(ws->loop), ws->uv, fd) != 0) {
            mem_free(ws->uv);
            ws->uv = NULL;
            websocket_fail(ws, ERR_IO, "the socket cannot be polled");
        }
        ws->state = ws->state == ENDED ? ENDED : SHAKING;
    }
    ws->in_callback = false;
    if (ws->state == SHAKING) {
        ws->heard_us = loop_steady_us(ws->loop);
        watch(ws);
    }
}

static bool begin_connecting(struct websocket *ws, struct err *err)
{
    http_exchange_library();
    ws->easy = curl_easy_init();
    ws->poll = ws->easy ? curl_poll_new(ws->loop, on_connected, ws, err) : NULL;
    if (!ws->poll) {
        if (!ws->easy)
            return err_set(err, ERR_NOT_DONE, ERR_IO, "%s: no network client", ws->where);
        curl_easy_cleanup(ws->easy);
        ws->easy = NULL;
        return false;
    }
    CURL *e = ws->easy;
    curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)ws->options.open_timeout_ms);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
    if (ws->options.ca_path)
        curl_easy_setopt(e, CURLOPT_CAINFO, ws->options.ca_path);
    if (curl_easy_setopt(e, CURLOPT_URL, ws->url) != CURLE_OK ||
        curl_multi_add_handle(curl_poll_multi(ws->poll), e) != CURLM_OK)
        return err_set(err, ERR_REFUSED, ERR_INPUT, "%s: the URL is malformed", ws->where);
    ws->deadline_us = loop_steady_us(ws->loop) + ws->options.open_timeout_ms * 1000;
    set_timer(ws);
    return true;
}

static void fill_defaults(struct websocket_options *o)
{
    o->open_timeout_ms = o->open_timeout_ms ? o->open_timeout_ms : 5000;
    o->ping_after_ms = o->ping_after_ms ? o->ping_after_ms : 15000;
    o->silence_max_ms = o->silence_max_ms ? o->silence_max_ms : 30000;
    o->message_max = o->message_max ? o->message_max : 1 << 20;
    o->queue_max = o->queue_max ? o->queue_max : 256 * 1024;
}

struct websocket *websocket_open(struct loop *loop, const struct websocket_options *options,
                                 struct err *err)
{
    struct websocket *ws = mem_alloc(sizeof *ws);
    struct str path = STR_EMPTY;
    ws->loop = loop;
    ws->options = *options;
    fill_defaults(&ws->options);
    ws->timer = loop_timer_new(loop, on_time, ws);
    bool ok = websocket_read_url(ws, options->url, &path, err);
    if (ok) {
        websocket_write_request(ws, str_text(&path));
        ok = begin_connecting(ws, err);
    }
    ws->options.url = ws->options.ca_path = NULL;
    str_free(&path);
    if (ok)
        return ws;
    destroy(ws);
    return NULL;
}

/* ---- asking ---- */

bool websocket_send(struct websocket *ws, const char *text, size_t length, struct err *err)
{
    const struct wslay_event_msg message = {
        .opcode = WSLAY_TEXT_FRAME, .msg = (const uint8_t *)text, .msg_length = length};
    if (ws->state != OPEN)
        return err_set(err, ERR_NOT_DONE, ERR_CLOSED, "%s: the stream is not open", ws->where);
    if (wslay_event_get_queued_msg_length(ws->frames) + length > ws->options.queue_max)
        return err_set(err, ERR_LATER, ERR_FULL, "%s: too much waits to be sent", ws->where);
    if (wslay_event_queue_msg(ws->frames, &message) != 0)
        return err_set(err, ERR_NOT_DONE, ERR_CLOSED, "%s: the stream is closing", ws->where);
    watch(ws);
    return true;
}

void websocket_close(struct websocket *ws, unsigned code)
{
    if (ws->state == ENDED || ws->state == CLOSING)
        return;
    ws->deadline_us = loop_steady_us(ws->loop) + CLOSE_WAIT_US;
    if (ws->frames)
        wslay_event_queue_close(ws->frames, (uint16_t)code, NULL, 0);
    else
        ws->deadline_us = loop_steady_us(ws->loop); /* nothing to be polite about yet */
    ws->state = ws->frames ? CLOSING : ws->state;
    watch(ws);
    set_timer(ws);
}

int64_t websocket_heard_us(const struct websocket *ws)
{
    return ws->state == CONNECTING ? 0 : ws->heard_us;
}
