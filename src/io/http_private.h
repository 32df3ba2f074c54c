/* For this room only: a connection of the HTTP server and the judging of what it sends. */
#ifndef TIDELOCK_IO_HTTP_PRIVATE_H
#define TIDELOCK_IO_HTTP_PRIVATE_H
#include "base/pool.h"
#include "io/http_server.h"
#include "io/loop_uv.h"
#include <microhttpd.h>

#define HTTP_SWEEP_US 250000

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

enum http_stage {
    HTTP_IDLE,    /* no request line yet */
    HTTP_HEADERS, /* request line read */
    HTTP_BODY,    /* headers judged */
    HTTP_WAITING, /* the handler owes the answer; libmicrohttpd leaves the connection alone */
    HTTP_SENDING, /* the answer is with libmicrohttpd */
};

struct http_connection {
    struct http_server *server;
    struct MHD_Connection *mhd;
    struct http_connection *prev, *next;
    enum http_stage stage;
    int fd;
    bool suspended;
    bool too_large;      /* the body is read and dropped, then refused */
    int64_t deadline_us; /* closed then; LOOP_NEVER while the handler owes the answer */
    struct http_request request;
    struct arena arena;
    char *body; /* reused by all requests of the connection */
    size_t body_length, body_room, body_dropped;
    char peer[48];
};

struct http_verdict {
    unsigned status; /* 0: fine */
    const char *why;
    size_t length; /* of the body, when announced */
    bool length_known;
    bool expects_continue;
};

/* Judges request line and headers and fills request.path. */
struct http_verdict http_judge(struct http_connection *c, const struct http_server_options *limits,
                               const char *version);

/* http_server.c: has libmicrohttpd run in this turn of the loop. */
void http_run_soon(struct http_server *server);

/* http_connection.c: what libmicrohttpd calls, and the sweep. */
void http_on_connection(void *ctx, struct MHD_Connection *mhd, void **context,
                        enum MHD_ConnectionNotificationCode code);
void *http_on_request_line(void *ctx, const char *target, struct MHD_Connection *mhd);
size_t http_leave_escaped(void *ctx, struct MHD_Connection *mhd, char *text);
enum MHD_Result http_on_request(void *ctx, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *bytes,
                                size_t *size, void **context);
void http_on_completed(void *ctx, struct MHD_Connection *mhd, void **context,
                       enum MHD_RequestTerminationCode code);
void http_sweep_late(void *server);

/* A listening, non-blocking socket; *port 0 becomes the one the system chose. -1 on failure. */
int http_listen(const char *address, uint16_t *port, struct err *err) MUST_CHECK;
#endif
