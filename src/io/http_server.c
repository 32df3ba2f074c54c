/* The HTTP server: libmicrohttpd without threads of its own. Its epoll descriptor is polled by the
 * loop; whenever it is readable, or an answer came in, MHD_run does what is due. A request whose
 * answer is owed is suspended.
 *
 * Deadlines are ours, not libmicrohttpd's: its timeout starts anew with every byte, so a client
 * that sends one byte a second would stay for ever. A sweep closes what is late by shutting the
 * socket down, which libmicrohttpd then sees. */
#include "io/http_server.h"
#include "base/pool.h"
#include "base/str.h"
#include "io/file.h"
#include "io/http_private.h"
#include "io/loop_uv.h"
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SWEEP_US 250000
#define BODY_ROOM_KEPT 16384 /* a larger buffer is given back after its request */
#define BODY_DROP_MAX                                                                              \
    (1024 * 1024)        /* so much of a too large body is read, so that its sender sees the 413 */
#define HEADER_RECORD 80 /* libmicrohttpd's own per header line */
#define ANSWER_HEAD_ROOM 4096
#define PEM_BYTES_MAX 65536

struct http_server {
    struct loop *loop;
    struct http_server_options options;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    struct loop_timer *sweep;
    struct pool waiting; /* struct http_connection *, one per request whose answer is owed */
    struct http_connection *connections;
    uint16_t port;
    bool running; /* inside MHD_run */
    bool run_deferred;
    bool quiet; /* every answer closes */
    bool closing;
    bool made_room; /* a connection has gone since the last MHD_run */
    struct http_server_stats stats;
    struct metric *gauge_connections, *count_refused, *count_expired, *count_dropped;
};

static void run_soon(struct http_server *server);

/* Connections
 * -------------------------------------------------------------------------------------- */

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
        loop_timer_start_in(server->sweep, SWEEP_US);
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

static void on_connection(void *ctx, struct MHD_Connection *mhd, void **context,
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

static void sweep_late(void *ctx)
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
        loop_timer_start_in(server->sweep, SWEEP_US);
}

/* Answering
 * ---------------------------------------------------------------------------------------- */

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
        run_soon(server);
    }
    return true;
}

/* Requests
 * ----------------------------------------------------------------------------------------- */

/* Called with the request line as it came, before libmicrohttpd cuts it up in place. */
static void *on_request_line(void *ctx, const char *target, struct MHD_Connection *mhd)
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
static size_t leave_escaped(void *ctx, struct MHD_Connection *mhd, char *text)
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
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *mhd, const char *url,
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

static void on_completed(void *ctx, struct MHD_Connection *mhd, void **context,
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

/* Running
 * ------------------------------------------------------------------------------------------ */

static void run_daemon(struct http_server *server)
{
    assert(!server->running);
    server->running = true;
    MHD_run(server->daemon);
    server->running = false;
    /* Data already held makes no descriptor readable; nor do those who knock after libmicrohttpd
     * stopped accepting, at its limit or out of descriptors. */
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    bool again = server->made_room;
    server->made_room = false;
    if (again || (MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES && timeout_ms == 0))
        run_soon(server);
}

static void run_deferred(void *ctx)
{
    struct http_server *server = ctx;
    server->run_deferred = false;
    run_daemon(server);
}

static void run_soon(struct http_server *server)
{
    if (server->run_deferred || server->running || server->closing)
        return;
    server->run_deferred = true;
    loop_defer(server->loop, run_deferred, server);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run_daemon(poll->data);
}

/* Starting and stopping
 * ---------------------------------------------------------------------------- */

static struct MHD_Daemon *start_daemon(struct http_server *server, int fd, const char *cert,
                                       const char *key)
{
    const struct http_server_options *o = &server->options;
    /* All it may use for one connection; cleared for every request, so a generous amount costs
     * time. */
    size_t memory =
        o->line_max + o->headers_max + o->header_count_max * HEADER_RECORD + ANSWER_HEAD_ROOM;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (cert ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {
        {cert ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, NULL},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    union {
        const char *in;
        void *out;
    } texts[] = {{cert}, {key}, {"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"}};
    for (int i = 0; i < 3; i++)
        tls[i].ptr_value = texts[i].out;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, o->connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        o->connections_per_ip, MHD_OPTION_CONNECTION_TIMEOUT, 0U,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, server, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, server,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, server, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static bool listen_and_start(struct http_server *server, struct err *err)
{
    struct arena pem;
    arena_init(&pem, 4096);
    const char *cert = NULL;
    char *key = NULL;
    size_t key_length = 0;
    bool ok = false;
    if (server->options.tls_cert_path) {
        if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
            err_set(err, ERR_REFUSED, ERR_CONFIG,
                    "this libmicrohttpd has no TLS; put a proxy in front");
            goto out;
        }
        cert = file_read(&pem, server->options.tls_cert_path, PEM_BYTES_MAX, 0, NULL, err);
        if (!cert)
            goto out;
        key = file_read(&pem, server->options.tls_key_path, PEM_BYTES_MAX, 0, &key_length, err);
        if (!key)
            goto out;
    }
    int fd = http_listen(server->options.address, &server->port, err);
    if (fd < 0)
        goto out;
    /* From here the socket is libmicrohttpd's: when it fails to start it closes it. */
    server->daemon = start_daemon(server, fd, cert, key);
    ok = server->daemon != NULL;
    if (!ok && cert)
        err_set(err, ERR_REFUSED, ERR_CONFIG,
                "the TLS certificate %s or its key %s was not accepted; both must be PEM "
                "and belong together",
                server->options.tls_cert_path, server->options.tls_key_path);
    else if (!ok)
        err_set(err, ERR_NOT_DONE, ERR_IO,
                "the HTTP server did not start; raise the limit of open files (ulimit -n)");
out:
    if (key)
        explicit_bzero(key, key_length);
    arena_free(&pem);
    return ok;
}

static void fill_defaults(struct http_server_options *o)
{
    if (!o->address)
        o->address = "127.0.0.1";
    if (o->body_max == 0)
        o->body_max = 65536;
    if (o->line_max == 0)
        o->line_max = 2048;
    if (o->headers_max == 0)
        o->headers_max = 8192;
    if (o->header_count_max == 0)
        o->header_count_max = 64;
    if (o->connections_max == 0)
        o->connections_max = 1024;
    if (o->request_ms == 0)
        o->request_ms = 5000;
    if (o->idle_ms == 0)
        o->idle_ms = 15000;
    assert(o->handler && o->line_max + o->headers_max <= 32768);
    assert(!o->tls_cert_path == !o->tls_key_path);
}

static void make_metrics(struct http_server *server)
{
    struct metrics *m = server->options.metrics;
    if (!m)
        return;
    server->gauge_connections =
        metric_gauge(m, "tidelock_http_connections", "Open HTTP connections.", NULL);
    server->count_refused =
        metric_counter(m, "tidelock_http_refused_total",
                       "HTTP requests refused because they were malformed or over a limit.", NULL);
    server->count_expired =
        metric_counter(m, "tidelock_http_expired_total",
                       "HTTP connections closed because they took too long.", NULL);
    server->count_dropped =
        metric_counter(m, "tidelock_http_answers_dropped_total",
                       "Answers to HTTP requests that nobody waited for any more.", NULL);
}

struct http_server *http_server_new(struct loop *loop, const struct http_server_options *options,
                                    struct err *err)
{
    struct http_server *server = mem_alloc(sizeof *server);
    server->loop = loop;
    server->options = *options;
    fill_defaults(&server->options);
    server->port = server->options.port;
    if (!listen_and_start(server, err)) {
        mem_free(server);
        return NULL;
    }
    /* The texts were the caller's; what is still needed of them is whether they were given. */
    pool_init(&server->waiting, sizeof(struct http_connection *), server->options.connections_max);
    server->sweep = loop_timer_new(loop, sweep_late, server);
    make_metrics(server);
    int epoll_fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int rc = uv_poll_init(loop_uv(loop), &server->poll, epoll_fd);
    assert(rc == 0);
    (void)rc;
    server->poll.data = server;
    uv_poll_start(&server->poll, UV_READABLE, on_readable);
    return server;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_quiesce(struct http_server *server)
{
    if (server->quiet)
        return;
    server->quiet = true;
    int fd = MHD_quiesce_daemon(server->daemon);
    if (fd >= 0)
        close(fd);
}

static void free_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;
    pool_free(&server->waiting);
    mem_free(server);
}

void http_server_free(struct http_server *server)
{
    static const char body[] = "{\"status\":\"error\",\"error\":\"shutting down\"}\n";
    if (!server)
        return;
    assert(!server->running && "freed from inside its handler");
    server->closing = server->quiet = true;
    loop_defer_cancel(server->loop, run_deferred, server);
    for (uint32_t slot = 0; slot < server->waiting.capacity; slot++) {
        uint64_t handle;
        if (pool_at(&server->waiting, slot, &handle))
            http_answer(server, handle, 503, "application/json", body, sizeof body - 1, NULL, 0);
    }
    MHD_run(server->daemon); /* also brings resumed connections back; else it would not stop */
    uv_poll_stop(&server->poll);
    MHD_stop_daemon(server->daemon);
    assert(!server->connections);
    loop_timer_free(server->sweep);
    uv_close((uv_handle_t *)&server->poll, free_closed);
}

struct http_server_stats http_server_stats(const struct http_server *server)
{
    struct http_server_stats stats = server->stats;
    stats.waiting = pool_used(&server->waiting);
    return stats;
}
