/* What the files of the WebSocket client share; nobody else's business. */
#ifndef TIDELOCK_IO_WEBSOCKET_PARTS_H
#define TIDELOCK_IO_WEBSOCKET_PARTS_H
#include "base/str.h"
#include "io/curl_poll.h"
#include "io/loop_uv.h"
#include "io/websocket.h"
#include <wslay/wslay.h>

enum websocket_state { CONNECTING, SHAKING, OPEN, CLOSING, ENDED };
struct websocket {
    struct loop *loop;
    struct websocket_options options;
    char *url; /* with an http scheme, as curl knows it */
    char host[256], where[96], accept[32];
    struct curl_poll *poll;
    CURL *easy;
    uv_poll_t *uv; /* NULL: the socket is curl's, or gone */
    struct loop_timer *timer;
    enum websocket_state state;
    struct str request, reply; /* of the handshake; the reply may end in first frames */
    size_t sent, taken;
    wslay_event_context_ptr frames;
    int64_t heard_us, pinged_us, deadline_us;
    size_t budget;
    int events;
    bool gone, more, in_callback, doomed;
};

/* websocket.c. Bytes moved; -1: not now; 0: the connection is gone. */
ssize_t websocket_take(struct websocket *ws, void *out, size_t size);
ssize_t websocket_put(struct websocket *ws, const void *bytes, size_t length);
void websocket_fail(struct websocket *ws, enum err_code code, const char *what);

/* websocket_shake.c */
bool websocket_read_url(struct websocket *ws, const char *url, struct str *path,
                        struct err *err) MUST_CHECK;
void websocket_write_request(struct websocket *ws, const char *path);
bool websocket_shake(struct websocket *ws); /* true: done, and it is a stream */
#endif
