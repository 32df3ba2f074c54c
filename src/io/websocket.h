/* The WebSocket client: curl connects (TCP, TLS), wslay frames, the loop polls.
 *
 * One connection, once: it opens, carries messages, ends. Trying again, and when, is the caller's.
 * Pings of the server are answered; silence is broken by a ping of ours, and ends the connection
 * when nothing at all is heard for too long. Messages in fragments arrive whole. No extension is
 * offered. */
#ifndef TIDELOCK_IO_WEBSOCKET_H
#define TIDELOCK_IO_WEBSOCKET_H
#include "base/err.h"
#include "io/loop.h"
#include <stddef.h>
#include <stdint.h>

struct websocket;
struct websocket_options {      /* copied by websocket_open */
    const char *url;            /* ws:// or wss://; errors name its host only */
    const char *ca_path;        /* PEM bundle; NULL: the system's */
    int64_t open_timeout_ms;    /* connecting, TLS and handshake together; 0: 5000 */
    int64_t ping_after_ms;      /* of silence; 0: 15000 */
    int64_t silence_max_ms;     /* 0: 30000 */
    size_t message_max;         /* bytes of one message received; 0: 1 MiB. More ends it (1009) */
    size_t queue_max;           /* bytes waiting to be sent; 0: 256 KiB */
    void (*on_open)(void *ctx); /* the handshake is done */
    void (*on_message)(void *ctx, const char *bytes, size_t length, bool text);
    /* Exactly once unless it is freed first, and the last call of all. `code` is the close code of
     * the peer or ours, 0 without one. */
    void (*on_close)(void *ctx, unsigned code, const struct err *err);
    void *ctx;
};

/* Calls nothing back before it returned. NULL and *err: REFUSED for a URL that cannot be asked,
 * NOT_DONE when the system gives no socket. */
struct websocket *websocket_open(struct loop *loop, const struct websocket_options *options,
                                 struct err *err) MUST_CHECK;
/* Queues a text message. False: not open (NOT_DONE/CLOSED), or too much waits (LATER/FULL). */
bool websocket_send(struct websocket *ws, const char *text, size_t length,
                    struct err *err) MUST_CHECK;
/* Ends it politely within two seconds; on_close tells. */
void websocket_close(struct websocket *ws, unsigned code);
int64_t websocket_heard_us(const struct websocket *ws); /* steady: last byte of the peer; 0: none */
/* At any time, also inside its callbacks; nothing is called afterwards. NULL accepted. */
void websocket_free(struct websocket *ws);
#endif
