/* The HTTP client: libcurl on our loop, bounded in time and size, no redirects, no cookies, no
 * proxy from the environment. */
#ifndef TIDELOCK_IO_HTTP_CLIENT_H
#define TIDELOCK_IO_HTTP_CLIENT_H
#include "base/err.h"
#include "base/mem.h"
#include "base/wait.h"
#include "io/loop.h"
#include <stddef.h>
#include <stdint.h>

struct http_client;

struct http_fetch_header {
    const char *name;
    const char *value; /* no control characters: refused */
};

struct http_fetch_request { /* copied by http_fetch */
    const char *method;     /* NULL: GET */
    const char *url;        /* http:// or https:// only */
    const struct http_fetch_header *headers;
    size_t header_count;
    const char *body;
    size_t body_length;
    int64_t timeout_ms;         /* whole exchange; 0: 10000 */
    int64_t connect_timeout_ms; /* 0: 3000 */
    size_t reply_max;           /* bytes of body; 0: 1 MiB. More fails */
    const char *ca_path;        /* PEM bundle; NULL: the system's */
    const char *user_agent;     /* NULL: "tidelock" */
    /* Never put on the wire twice, not even when a kept-alive connection turns out to be dead: a
     * request without a body then takes a new connection. For everything that moves money. */
    bool once;
};

struct http_reply {
    unsigned status;  /* any status is a reply: 500 is not an error of this call */
    const char *body; /* NUL-terminated */
    size_t body_length;
    const char *headers; /* raw lines "Name: value\r\n" of the final answer, NUL-terminated; see
                            http_reply_header */
    int64_t took_us;
};
/* Copies the value of a header (case of the name is ignored) into out, cut to size; false when
 * absent. */
bool http_reply_header(const struct http_reply *reply, const char *name, char *out, size_t size);

/* `parallel_max` exchanges at once (0: 64), `queue_max` including those that wait for a slot (0:
 * 1024). */
struct http_client *http_client_new(struct loop *loop, unsigned parallel_max, unsigned queue_max,
                                    struct err *err) MUST_CHECK;
/* Ends what is under way: its waiters are answered MAYBE_DONE/CLOSED (not yet sent:
 * NOT_DONE/CLOSED) before this returns. NULL accepted. */
void http_client_free(struct http_client *client);
/* Answers `to` exactly once, never before returning, with a const struct http_reply *. Classes of
 * error: NOT_DONE when certainly no byte of the request was sent (name, connect, TLS), MAYBE_DONE
 * when it may have arrived, LATER/FULL when the queue is full, REFUSED for a request that cannot be
 * made (URL, header). */
void http_fetch(struct http_client *client, const struct http_fetch_request *request,
                struct waiter to);
unsigned http_client_depth(const struct http_client *client); /* asked and not answered */

/* The same, blocking, without a loop, for the command line. The reply lives in the arena. */
bool http_fetch_now(struct arena *arena, const struct http_fetch_request *request,
                    struct http_reply *reply, struct err *err) MUST_CHECK;
#endif
