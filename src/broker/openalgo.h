/* OpenAlgo: many Indian brokers behind one self-hosted REST server that knows no client order ids.
 *
 * An order sent without a usable answer is looked for in the order book by what it is (symbol,
 * exchange, product, side, quantity, price, kind), by what was in the book before it was sent and
 * by which entries belong to other orders. It is never sent again by itself. Fills come from the
 * trade book alone. Calls that act on the whole account (cancelallorder, closeposition) are not in
 * here.
 *
 * The server can be switched between live and analyze (a sandbox) by anybody who has its page open:
 * every answer and a question of its own tell, and in the wrong mode nothing is traded. */
#ifndef TIDELOCK_BROKER_OPENALGO_H
#define TIDELOCK_BROKER_OPENALGO_H
#include "base/log.h"
#include "base/metric.h"
#include "broker/broker.h"
#include "io/loop.h"
#include "trade/exchange.h"

struct openalgo_options { /* texts are the caller's until it is closed */
    const char *base_url, *api_key, *strategy, *product, *ca_path;
    const char *ws_url;    /* its WebSocket, for order updates; NULL: readings alone tell */
    bool analyze;          /* the mode to trade in; else live */
    int64_t timeout_us;    /* of one exchange; 0: 8 s */
    int64_t poll_us;       /* between readings of the books while an order is under way; 0: 1 s */
    int64_t mode_every_us; /* between questions for the mode; 0: 15 s */
    int64_t absence_us;    /* broker_traits.absence_us; 0: never */
    int64_t requests_per_second, orders_per_second, orders_per_minute; /* 0: 8, 5, 200 */
    const struct instruments *instruments;
    struct closed_days calendar; /* by which contracts expire, beyond what is built in */
    struct loop *loop;
    const struct clock *clock;
    struct log *log;
    struct metrics *metrics; /* may be NULL */
};
struct broker *openalgo_open(const struct openalgo_options *options, struct err *err) MUST_CHECK;

/* What the server knows beside the broker interface. `instrument` is one of ours. */
struct openalgo_quote {
    struct decimal last, bid, ask, open, high, low, close, volume;
};
struct openalgo_symbol {
    char symbol[NAME_SIZE], exchange[16], name[NAME_SIZE], kind[16];
    char expiry[12];                  /* YYYY-MM-DD, or "" */
    struct decimal lot, tick, freeze; /* units */
};
struct openalgo_symbols {
    size_t count;
    const struct openalgo_symbol *list;
};
struct openalgo_dates {
    size_t count;
    const char (*list)[12]; /* YYYY-MM-DD, as the server orders them */
};
void openalgo_ping(struct broker *b,
                   struct waiter to); /* value: const char *, the server's broker */
/* value: const struct openalgo_quote * */
void openalgo_quotes(struct broker *b, const char *instrument, struct waiter to);
/* value: const struct openalgo_symbol * */
void openalgo_symbol(struct broker *b, const char *instrument, struct waiter to);
/* value: const struct openalgo_symbols * */
void openalgo_search(struct broker *b, const char *words, const char *exchange, struct waiter to);
/* `kind`: futures or options; value: const struct openalgo_dates * */
void openalgo_expiry(struct broker *b, const char *symbol, const char *exchange, const char *kind,
                     struct waiter to);
/* One order by its id at the broker; value: const char *, its status in the server's words. */
void openalgo_order_status(struct broker *b, const char *broker_id, struct waiter to);
/* Trades whatever takes the net position on the order's instrument to `target` lots (signed): one
 * target for all strategies on it. Answers as place does; ERR_OK with a NULL value: there already.
 */
void openalgo_smart(struct broker *b, const struct right_to_send *right, struct decimal target,
                    struct waiter to);
#endif
