/* Binance: spot and USD-M futures, over REST and WebSocket.
 *
 * Idempotency: a client order id is unique among open orders only (class OPEN_ORDERS). Every
 * request that moves money carries a window that ends with its right to send, so an order that is
 * not found after window + processing time never stood. */
#ifndef TIDELOCK_BROKER_BINANCE_H
#define TIDELOCK_BROKER_BINANCE_H
#include "base/log.h"
#include "base/metric.h"
#include "broker/broker.h"
#include "io/loop.h"

enum binance_market { BINANCE_SPOT, BINANCE_USDM };

struct binance_options { /* instruments, clock, loop, log, metrics stay the caller's; texts are
                            copied */
    enum binance_market market;
    const char *rest_url;   /* NULL: the exchange's own */
    const char *api_ws_url; /* of the spot user data; NULL: the exchange's own */
    const char *stream_url; /* of the streams (USD-M user data); NULL: the exchange's own */
    const char *ca_path;    /* NULL: the system's */
    const char *api_key;
    const char *secret; /* PEM of a private key (Ed25519, RSA), else the secret of an HMAC key */
    size_t secret_length;
    int64_t window_us;     /* validity of a request; 0: 5 s; at most 60 s */
    int64_t processing_us; /* longest time the venue may still work on one it took; 0: 10 s */
    int64_t timeout_us;    /* of one HTTP exchange; 0: 8 s */
    const struct instruments *instruments;
    const struct clock *clock;
    struct loop *loop;
    struct log *log;         /* may be NULL */
    struct metrics *metrics; /* may be NULL */
};
/* Connects on the loop, later. NULL and *err: the key is no key, or the system gives no client. */
struct broker *binance_open(const struct binance_options *options, struct err *err) MUST_CHECK;

/* The exchange's own addresses. */
const char *binance_rest_url(enum binance_market market);
const char *binance_stream_url(enum binance_market market);
const char *binance_path_klines(enum binance_market market);
/* "BTCUSDT": the symbol of an instrument. */
const char *binance_symbol_of(const struct instrument *instrument);
#endif
