/* OpenAlgo's market data: its WebSocket proxy, polled while that is away; bars from its history. */
#ifndef TIDELOCK_BROKER_OPENALGO_MARKET_H
#define TIDELOCK_BROKER_OPENALGO_MARKET_H
#include "base/log.h"
#include "broker/market.h"
#include "io/loop.h"
#include "trade/exchange.h"

struct openalgo_market_options { /* texts and instruments stay the caller's; the list is copied */
    const char *rest_url, *stream_url, *ca_path; /* stream_url NULL: prices are polled */
    const char *api_key;
    const struct market_follow *follows;
    size_t follow_count;
    struct closed_days calendar; /* by which contracts expire, beyond what is built in */
    struct market_events events;
    const struct clock *clock;
    struct loop *loop;
    struct log *log;
};
struct market_source *openalgo_market_open(const struct openalgo_market_options *options,
                                           struct err *err) MUST_CHECK;
/* "15m" of 900000000; NULL: no bars of that length. */
const char *openalgo_interval_name(int64_t interval_us);
#endif
