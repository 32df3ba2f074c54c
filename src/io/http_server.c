/* The HTTP server: libmicrohttpd without threads of its own. Its epoll descriptor is polled by the
 * loop; whenever it is readable, or an answer came in, MHD_run does what is due. What it calls then
 * is in http_connection.c. */
#include "io/http_server.h"
#include "io/file.h"
#include "io/http_private.h"
#include <assert.h>
#include <string.h>
#include <unistd.h>

#define HEADER_RECORD 64 /* libmicrohttpd's own per header line */
#define ANSWER_HEAD_ROOM 2048
#define PEM_BYTES_MAX 65536

/* ---- running ---- */

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
        http_run_soon(server);
}

static void run_deferred(void *ctx)
{
    struct http_server *server = ctx;
    server->run_deferred = false;
    run_daemon(server);
}

void http_run_soon(struct http_server *server)
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

/* ---- starting and stopping ---- */

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
    return MHD_start_daemon(flags, 0, NULL, NULL, http_on_request, server, MHD_OPTION_LISTEN_SOCKET,
                            fd, MHD_OPTION_CONNECTION_LIMIT, o->connections_max,
                            MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->connections_per_ip,
                            MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            memory, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION,
                            http_on_connection, server, MHD_OPTION_NOTIFY_COMPLETED,
                            http_on_completed, server, MHD_OPTION_URI_LOG_CALLBACK,
                            http_on_request_line, server, MHD_OPTION_UNESCAPE_CALLBACK,
                            http_leave_escaped, server, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
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
    server->sweep = loop_timer_new(loop, http_sweep_late, server);
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
