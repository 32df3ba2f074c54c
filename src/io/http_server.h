/* The HTTP/1.1 server: libmicrohttpd on our loop, one handler, answers now or later by handle.
 *
 * Requests that break HTTP or a limit are answered here (400, 408 by closing, 413, 414, 431, 501)
 * and never reach the handler; routes, methods and media types are the handler's. Each connection
 * keeps one body buffer and one arena that its requests reuse. */
#ifndef TIDELOCK_IO_HTTP_SERVER_H
#define TIDELOCK_IO_HTTP_SERVER_H
#include "base/err.h"
#include "base/mem.h"
#include "base/metric.h"
#include "io/loop.h"
#include <stddef.h>
#include <stdint.h>

struct http_server;
struct http_connection; /* private */

struct http_request {
    uint64_t handle;    /* what http_answer wants */
    const char *method; /* as sent; HEAD is answered like GET, its body is not sent */
    const char *path; /* percent-decoded, starts with '/', no NUL, valid UTF-8; without the query */
    const char *target; /* path and query as sent: may hold secrets, never log it */
    const char *body;   /* NUL-terminated; "" when there is none */
    size_t body_length;
    const char *peer; /* numeric address of the peer; IPv4-mapped IPv6 as IPv4 */
    uint16_t peer_port;
    bool secure;         /* came over TLS */
    int64_t received_us; /* steady time at which the headers were complete */
    struct arena *arena; /* for the handler's own needs; reset when the answer is sent */
    void *user;          /* http_server_options.ctx */
    struct http_connection *connection;
};
/* The request and everything it points to stay valid until http_answer was called for it (so a
 * deferred answer may still read the body), and the client cannot end that: only the answer and
 * http_server_free do. */

/* First header of this name (case is ignored), NULL when absent. Repeated Host, Content-Length,
 * Content-Type, Authorization headers never reach the handler (400). */
const char *http_header(const struct http_request *request, const char *name);
/* All lines of one header as one list, in their order, "" when there is none. */
const char *http_header_list(const struct http_request *request, const char *name);
/* Value of the first query parameter of this name (case matters), decoded into the request's arena;
 * NULL when absent, "" when without a value. */
const char *http_query(const struct http_request *request, const char *name);

struct http_header_line {
    const char *name;
    const char *value; /* no control characters: asserted */
};

struct http_server_options {
    const char *address;       /* numeric IPv4 or IPv6; NULL: 127.0.0.1 */
    uint16_t port;             /* 0: the system picks one, see http_server_port */
    const char *tls_cert_path; /* PEM chain; both or none */
    const char *tls_key_path;
    size_t body_max;    /* bytes; 0: 65536. More: 413 */
    size_t line_max;    /* request line; 0: 2048. More: 414 */
    size_t headers_max; /* all header lines; 0: 8192. More: 431. With line_max at most 32768 */
    unsigned header_count_max;   /* 0: 64. More: 431 */
    unsigned connections_max;    /* 0: 1024; more wait in the backlog */
    unsigned connections_per_ip; /* 0: no limit; more are closed at once */
    unsigned request_ms; /* from accept or request line to the body's end; 0: 5000. Then closed */
    unsigned idle_ms;    /* from one answer to the next request line, and for taking an answer;
                            0: 15000. Then closed */
    struct metrics *metrics; /* NULL: none */
    /* Called once per request. Calls http_answer before it returns, or keeps request->handle (not
     * the pointer) and answers later; until then the connection waits and no further request of it
     * is read. */
    void (*handler)(const struct http_request *request);
    void *ctx;
};

/* NULL and *err: a taken port is LATER/BUSY naming address, port and cure; a bad address or
 * certificate REFUSED/CONFIG. */
struct http_server *http_server_new(struct loop *loop, const struct http_server_options *options,
                                    struct err *err) MUST_CHECK;
/* Answers what still waits with 503 and closes every connection. NULL accepted. */
void http_server_free(struct http_server *server);
uint16_t http_server_port(const struct http_server *server);
/* No further connections; open ones are served, each answer closes its connection. First step of a
 * clean stop. */
void http_server_quiesce(struct http_server *server);

/* Answers the request: once, from the loop thread. Body and headers are copied. Content-Length,
 * Date and Connection are added here; content_type NULL: none. `headers` may be NULL. Returns false
 * when the handle waits no more (answered already): counted in `dropped`, otherwise ignored. That
 * the client has gone shows only in sending: true, and counted in `broken`. */
bool http_answer(struct http_server *server, uint64_t handle, unsigned status,
                 const char *content_type, const char *body, size_t length,
                 const struct http_header_line *headers, size_t header_count);
/* The request behind a handle that still waits, NULL otherwise. */
const struct http_request *http_waiting(const struct http_server *server, uint64_t handle);

struct http_server_stats {
    uint64_t requests; /* reached the handler */
    uint64_t refused;  /* answered here: broken or over a limit */
    uint64_t expired;  /* connections closed for taking too long */
    uint64_t dropped;  /* answers without anybody to take them */
    uint64_t broken;   /* answers whose client went away before it had them whole */
    unsigned connections;
    unsigned waiting; /* requests whose answer is due */
};
struct http_server_stats http_server_stats(const struct http_server *server);
#endif
