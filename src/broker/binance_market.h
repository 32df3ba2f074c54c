/* Binance's market data: combined streams, polled while they are away. No key is needed. */
#ifndef TIDELOCK_BROKER_BINANCE_MARKET_H
#define TIDELOCK_BROKER_BINANCE_MARKET_H
#include "broker/binance.h"
#include "broker/market.h"

struct binance_market_options { /* texts and the list are copied; instruments stay the caller's */
    enum binance_market market;
    const char *rest_url, *stream_url, *ca_path; /* NULL: the exchange's own; the system's */
    const struct market_follow *follows;
    size_t follow_count;
    struct market_events events;
    const struct clock *clock;
    struct loop *loop;
    struct log *log;
};
struct market_source *binance_market_open(const struct binance_market_options *options,
                                          struct err *err) MUST_CHECK;
/* "15m" of 900000000; NULL: no bars of that length. */
const char *binance_interval_name(int64_t interval_us);
int64_t binance_interval_us(const char *name); /* 0: there is none */
/* A row of GET klines. False: it is none. */
struct json;
bool binance_read_kline(const struct json *row, struct bar *out, int64_t *close_ms);
#endif
