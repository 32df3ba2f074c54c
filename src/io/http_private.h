/* For this room only: a connection of the HTTP server and the judging of what it sends. */
#ifndef TIDELOCK_IO_HTTP_PRIVATE_H
#define TIDELOCK_IO_HTTP_PRIVATE_H
#include "io/http_server.h"
#include <microhttpd.h>

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

/* A listening, non-blocking socket; *port 0 becomes the one the system chose. -1 on failure. */
int http_listen(const char *address, uint16_t *port, struct err *err) MUST_CHECK;
#endif
