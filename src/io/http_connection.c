/* A connection of the HTTP server and what libmicrohttpd calls for it: from the first byte of a
 * request to its answer. A request whose answer is owed is suspended.
 *
 * Deadlines are ours, not libmicrohttpd's: its timeout starts anew with every byte, so a client
 * that sends one byte a second would stay for ever. A sweep closes what is late by shutting the
 * socket down, which libmicrohttpd then sees. */
#include "base/str.h"
#include "io/http_private.h"
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define BODY_ROOM_KEPT 16384 /* a larger buffer is given back after its request */
#define BODY_DROP_MAX                                                                              \
    (1024 * 1024) /* so much of a too large body is read, so that its sender sees the 413 */

/* ---- connections ---- */

static void name_peer(struct http_connection *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!info || !info->client_addr)
        return;
    if (info->client_addr->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, info->client_addr, sizeof in);
        inet_ntop(AF_INET, &in.sin_addr, c->peer, sizeof c->peer);
        c->request.peer_port = ntohs(in.sin_port);
    } else if (info->client_addr->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, info->client_addr, sizeof in6);
        if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
            inet_ntop(AF_INET, in6.sin6_addr.s6_addr + 12, c->peer, sizeof c->peer);
        else
            inet_ntop(AF_INET6, &in6.sin6_addr, c->peer, sizeof c->peer);
        c->request.peer_port = ntohs(in6.sin6_port);
    }
}

static void open_connection(struct http_server *server, struct MHD_Connection *mhd, void **context)
{
    struct http_connection *c = mem_alloc(sizeof *c);
    c->server = server;
    c->mhd = mhd;
    c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    arena_init(&c->arena, 4096);
    name_peer(c);
    c->request.peer = c->peer;
    c->request.secure = server->options.tls_cert_path != NULL;
    c->request.arena = &c->arena;
    c->request.user = server->options.ctx;
    c->request.connection = c;
    c->deadline_us = loop_steady_us(server->loop) + server->options.request_ms * 1000LL;
    c->next = server->connections;
    if (c->next)
        c->next->prev = c;
    else
        loop_timer_start_in(server->sweep, HTTP_SWEEP_US);
    server->connections = c;
    server->stats.connections++;
    metric_set(server->gauge_connections, server->stats.connections);
    *context = c;
}

static void close_connection(struct http_server *server, struct http_connection *c)
{
    assert(c->stage != HTTP_WAITING);
    if (c->prev)
        c->prev->next = c->next;
    else
        server->connections = c->next;
    if (c->next)
        c->next->prev = c->prev;
    server->made_room = true;
    server->stats.connections--;
    metric_set(server->gauge_connections, server->stats.connections);
    arena_free(&c->arena);
    mem_free(c->body);
    mem_free(c);
}

void http_on_connection(void *ctx, struct MHD_Connection *mhd, void **context,
                        enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        open_connection(ctx, mhd, context);
    else if (*context)
        close_connection(ctx, *context);
}

static struct http_connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info->socket_context;
}

void http_sweep_late(void *ctx)
{
    struct http_server *server = ctx;
    int64_t now_us = loop_steady_us(server->loop);
    for (struct http_connection *c = server->connections; c; c = c->next) {
        if (c->deadline_us > now_us)
            continue;
        c->deadline_us = LOOP_NEVER;
        server->stats.expired++;
        metric_add(server->count_expired, 1);
        shutdown(c->fd, SHUT_RDWR);
    }
    if (server->connections)
        loop_timer_start_in(server->sweep, HTTP_SWEEP_US);
}

/* ---- answering ---- */

static bool is_clean(const char *text)
{
    return text[strcspn(text, "\r\n")] == '\0';
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    assert(is_clean(name) && is_clean(value));
    MHD_add_response_header(response, name, value);
}

static enum MHD_Result send_answer(struct http_connection *c, unsigned status,
                                   const char *content_type, const char *body, size_t length,
                                   const struct http_header_line *headers, size_t header_count,
                                   bool close_after)
{
    /* libmicrohttpd copies, and does not write through this pointer. */
    union {
        const char *in;
        void *out;
    } bytes = {.in = body};
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, bytes.out, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    if (content_type)
        add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    for (size_t i = 0; i < header_count; i++)
        add_header(response, headers[i].name, headers[i].value);
    if (close_after || c->server->quiet)
        add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result = MHD_queue_response(c->mhd, status, response);
    MHD_destroy_response(response);
    c->stage = HTTP_SENDING;
    c->deadline_us = loop_steady_us(c->server->loop) + c->server->options.idle_ms * 1000LL;
    return result;
}

static enum MHD_Result refuse(struct http_connection *c, unsigned status, const char *why)
{
    char body[256];
    int length = snprintf(body, sizeof body, "{\"status\":\"error\",\"error\":\"%s\"}\n", why);
    c->server->stats.refused++;
    metric_add(c->server->count_refused, 1);
    /* After a refusal nothing that follows on the connection can be trusted to be a request. */
    return send_answer(c, status, "application/json", body, (size_t)length, NULL, 0, true);
}

static struct http_connection *find_waiting(const struct http_server *server, uint64_t handle)
{
    struct http_connection **slot = pool_get(&server->waiting, handle);
    return slot ? *slot : NULL;
}

const struct http_request *http_waiting(const struct http_server *server, uint64_t handle)
{
    const struct http_connection *c = find_waiting(server, handle);
    return c ? &c->request : NULL;
}

bool http_answer(struct http_server *server, uint64_t handle, unsigned status,
                 const char *content_type, const char *body, size_t length,
                 const struct http_header_line *headers, size_t header_count)
{
    struct http_connection *c = find_waiting(server, handle);
    if (!c) {
        server->stats.dropped++;
        metric_add(server->count_dropped, 1);
        return false;
    }
    pool_give(&server->waiting, handle);
    enum MHD_Result queued =
        send_answer(c, status, content_type, body, length, headers, header_count, false);
    if (queued == MHD_NO)
        shutdown(c->fd, SHUT_RDWR);
    if (c->suspended) {
        c->suspended = false;
        MHD_resume_connection(c->mhd);
        http_run_soon(server);
    }
    return true;
}

/* ---- requests ---- */

/* Called with the request line as it came, before libmicrohttpd cuts it up in place. */
void *http_on_request_line(void *ctx, const char *target, struct MHD_Connection *mhd)
{
    struct http_server *server = ctx;
    struct http_connection *c = connection_of(mhd);
    c->stage = HTTP_HEADERS;
    c->request.target = arena_text(&c->arena, target);
    int64_t deadline_us = loop_steady_us(server->loop) + server->options.request_ms * 1000LL;
    if (deadline_us < c->deadline_us)
        c->deadline_us = deadline_us;
    return c;
}

/* Percent-encoding is decoded by us, from the target as it came. */
size_t http_leave_escaped(void *ctx, struct MHD_Connection *mhd, char *text)
{
    (void)ctx;
    (void)mhd;
    return strlen(text);
}

static void make_body_room(struct http_connection *c, size_t needed)
{
    if (needed + 1 <= c->body_room)
        return;
    size_t room = c->body_room ? c->body_room : 1024;
    while (room < needed + 1)
        room *= 2;
    c->body = mem_realloc(c->body, room);
    c->body_room = room;
}

static enum MHD_Result begin_request(struct http_connection *c, const char *method,
                                     const char *version)
{
    const struct http_server_options *options = &c->server->options;
    c->stage = HTTP_BODY;
    c->body_length = c->body_dropped = 0;
    c->too_large = false;
    c->request.method = method;
    struct http_verdict v = http_judge(c, options, version);
    if (v.status)
        return refuse(c, v.status, v.why);
    if (v.length_known && v.length > options->body_max) {
        /* A client that asks first, or has far too much, hears it now; others are read to their end
         * and heard. */
        if (v.expects_continue || v.length > BODY_DROP_MAX)
            return refuse(c, 413, "the body is too large");
        c->too_large = true;
    }
    if (v.length_known && !c->too_large)
        make_body_room(c, v.length);
    c->request.received_us = loop_steady_us(c->server->loop);
    return MHD_YES;
}

static enum MHD_Result take_body(struct http_connection *c, const char *bytes, size_t *size)
{
    size_t length = *size;
    *size = 0;
    if (!c->too_large && c->body_length + length > c->server->options.body_max)
        c->too_large = true;
    if (c->too_large) {
        c->body_dropped += length;
        return c->body_dropped > BODY_DROP_MAX ? MHD_NO : MHD_YES;
    }
    make_body_room(c, c->body_length + length);
    memcpy(c->body + c->body_length, bytes, length);
    c->body_length += length;
    return MHD_YES;
}

static enum MHD_Result hand_to_handler(struct http_connection *c)
{
    struct http_server *server = c->server;
    if (c->too_large)
        return refuse(c, 413, "the body is too large");
    if (server->closing)
        return refuse(c, 503, "shutting down");
    make_body_room(c, c->body_length);
    c->body[c->body_length] = '\0';
    c->request.body = c->body;
    c->request.body_length = c->body_length;
    struct http_connection **slot = pool_take(&server->waiting, &c->request.handle);
    assert(slot && "one slot a connection");
    *slot = c;
    c->stage = HTTP_WAITING;
    c->deadline_us = LOOP_NEVER;
    server->stats.requests++;
    server->options.handler(&c->request);
    if (c->stage == HTTP_WAITING) {
        c->suspended = true;
        MHD_suspend_connection(c->mhd);
    }
    return MHD_YES;
}

/* Called with the headers, with each slice of the body, and with its end. */
enum MHD_Result http_on_request(void *ctx, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *bytes,
                                size_t *size, void **context)
{
    struct http_connection *c = *context;
    (void)ctx;
    (void)mhd;
    (void)url;
    if (c->stage == HTTP_HEADERS)
        return begin_request(c, method, version);
    if (*size > 0)
        return take_body(c, bytes, size);
    return hand_to_handler(c);
}

void http_on_completed(void *ctx, struct MHD_Connection *mhd, void **context,
                       enum MHD_RequestTerminationCode code)
{
    struct http_server *server = ctx;
    struct http_connection *c = *context;
    (void)mhd;
    if (!c)
        return;
    *context = NULL;
    if (c->stage == HTTP_SENDING && code != MHD_REQUEST_TERMINATED_COMPLETED_OK)
        server->stats.broken++;
    c->stage = HTTP_IDLE;
    c->deadline_us = loop_steady_us(server->loop) + server->options.idle_ms * 1000LL;
    arena_reset(&c->arena);
    if (c->body_room > BODY_ROOM_KEPT) {
        mem_free(c->body);
        c->body = NULL;
        c->body_room = 0;
    }
}
