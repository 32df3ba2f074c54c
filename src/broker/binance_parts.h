/* What the files of the Binance adapter share; nobody else's business. */
#ifndef TIDELOCK_BROKER_BINANCE_PARTS_H
#define TIDELOCK_BROKER_BINANCE_PARTS_H
#include "base/chance.h"
#include "base/json.h"
#include "base/keyed.h"
#include "base/mem.h"
#include "base/str.h"
#include "broker/binance.h"
#include "broker/rate_limit.h"
#include "io/http_client.h"
#include "io/websocket.h"
#include <stdio.h>
#include <string.h>

/* ---- binance_sign.c: keys, signatures, percent-encoding ---- */

struct binance_key;
struct binance_key *binance_key_new(const char *secret, size_t length, struct err *err) MUST_CHECK;
void binance_key_free(struct binance_key *key);
/* As it travels in JSON: hex for HMAC, base64 for the others. */
bool binance_sign(const struct binance_key *key, const char *payload, size_t length,
                  struct str *out, struct err *err) MUST_CHECK;
/* Appends name=value, percent-encoded, with & between. */
void binance_put(struct str *query, const char *name, const char *value);
void binance_put_decimal(struct str *query, const char *name, struct decimal value);
void binance_put_int(struct str *query, const char *name, int64_t value);
/* Appends the signature of exactly what stands there. */
bool binance_put_signature(struct str *query, const struct binance_key *key,
                           struct err *err) MUST_CHECK;

/* ---- variants ---- */

struct binance_variant {
    const char *name; /* in fill ids: trades of the two markets are numbered apart */
    const char *rest_url, *stream_url, *api_ws_url;
    const char *time, *info, *order, *open_orders, *trades, *account, *positions, *listen_key;
    const char *klines, *ticker;
    const char *stop, *stop_limit; /* types of stop orders */
    bool futures;
    struct {
        int64_t order, query, open, trades, account, positions, info;
    } weight;
    struct rate_size weight_size, orders_size, orders_long_size;
};
extern const struct binance_variant binance_variants[2];
/* A copy of the given one, else of the exchange's own, without a slash at its end. NULL: neither.
 */
char *binance_copy_url(const char *given, const char *own_url);

/* ---- symbols: binance_filters.c ---- */

struct binance_symbol {
    const struct instrument *instrument;
    char name[NAME_SIZE], base[16], quote[16], status[24];
    bool known; /* exchangeInfo has told */
    struct decimal tick, price_min, price_max;
    struct decimal step, quantity_min, quantity_max;
    struct decimal market_step, market_min, market_max;
    struct decimal notional_min, notional_max;
    bool notional_market_min, notional_market_max;
};
void binance_symbol_init(struct binance_symbol *symbol, const struct instrument *instrument);
void binance_symbol_read(struct binance_symbol *symbol, const struct json *row);
struct binance_wish { /* an order as the venue takes it */
    const char *type;
    struct decimal units, limit_price, stop_price; /* absent where the type has none */
    const char *tif;                               /* NULL: none */
};
/* False: REFUSED (or LATER while the symbol does not trade) with the rule that is broken.
 * Quantities are never changed; a limit becomes the tick that is not worse, a stop the tick that
 * risks less. */
bool binance_shape(const struct binance_symbol *symbol, const struct binance_variant *variant,
                   const struct order *order, struct binance_wish *out, struct err *err) MUST_CHECK;

/* ---- calls: binance_rest.c ---- */

struct binance;
struct binance_call;
struct binance_reply {
    const struct json *root;
    const char *text; /* the body as it came */
};
typedef void binance_done(struct binance_call *call, const struct err *err,
                          const struct binance_reply *reply);
struct binance_call { /* one request, from its asking to its answer */
    struct binance *binance;
    binance_done
        *done; /* err NULL: reply is there. The call is freed afterwards unless asked again */
    const char *method, *path;
    struct str query; /* without timestamp, recvWindow, signature */
    enum rate_rank rank;
    int64_t weight;
    bool is_order;             /* counts as one */
    bool is_signed, is_public; /* else: the key alone. Public: neither */
    int64_t valid_until_us;    /* wall, of our clock; 0: the whole window */
    int64_t asked_us, sent_us; /* wall */
    int code;                  /* the venue's error code, 0 without one */
    struct waiter to;
    struct order order; /* what it is about */
    const struct binance_symbol *symbol;
    bool for_hook, for_cancel;
    void *extra;
    bool again;
    struct binance_call *next, *prev;
};
struct binance_call *binance_call_new(struct binance *b, const char *method, const char *path,
                                      binance_done *done, struct waiter to);
/* Sends when the clock is known, the limits allow it and its time is not over. */
void binance_ask(struct binance_call *call);
/* Answers later, without asking anybody. */
void binance_refuse(struct binance_call *call, const struct err *err);
/* What a reply says about the request: ERR_NONE when it is good. */
enum err_class binance_judge(const struct binance_variant *variant, unsigned status, int code,
                             const char *message, bool is_json);
void binance_rest_open(struct binance *b);
void binance_rest_close(struct binance *b);
/* Sends at once, unsigned, without asking for clock, rules or limits. */
void binance_fetch(struct binance_call *call);
/* Those that wait for the clock go, or are answered with the error. */
void binance_release(struct binance *b, const struct err *err);
void binance_note_health(struct binance *b, const struct err *err, int64_t took_us);
int64_t binance_now_ms(const struct binance *b); /* of the venue */

/* ---- the venue's clock and rules: binance_sync.c ---- */

#define BINANCE_JUMP_US 500000 /* our clock is not believed after more than this */
void binance_sync(void *binance);
/* The clock is not to be trusted until it is measured again. */
void binance_rest_unsync(struct binance *b, const char *why);

/* ---- reading: binance_read.c ---- */

struct binance_order {
    const char *symbol, *client_id, *status;
    char id[NAME_SIZE];
    struct decimal quantity, executed;
    enum order_state state;
    int64_t at_us;
};
bool binance_read_order(const struct json *row, struct binance_order *out);
bool binance_state_of(const char *status, enum order_state *out);
/* A trade of GET myTrades/userTrades or of a reply's fills. */
bool binance_read_trade(const struct binance *b, const struct binance_symbol *symbol,
                        const struct json *row, const struct order *order, const char *broker_id,
                        struct report *out);
/* Lots and money of a fill of ours, from units and a commission in any asset. */
void binance_fill(const struct binance *b, const struct binance_symbol *symbol,
                  struct decimal units, struct decimal commission, const char *asset,
                  struct report *out);
void binance_trade_id(char out[NAME_SIZE], const struct binance_symbol *symbol, const char *number,
                      enum order_side side);
bool binance_id_text(const struct json *row, const char *key, char out[NAME_SIZE]);

/* ---- orders: binance_orders.c ---- */

void binance_place(struct broker *broker, const struct right_to_send *right, struct waiter to);
void binance_cancel(struct broker *broker, const struct order *order, struct waiter to);
void binance_amend(struct broker *broker, const struct order *order, struct waiter to);
void binance_query(struct broker *broker, const struct order *order, struct waiter to);

/* Once more, for the units of the wish: the first time it was refused. */
void binance_place_again(struct binance_call *call, const struct binance_wish *wish);

/* ---- exits of coins that fees were taken from: binance_kind.c ---- */

/* True: its balance is looked at, and the call goes on; else the refusal stands. */
bool binance_kind_look(struct binance_call *call, const struct err *err);
/* True: the exit is over, and *out is the fill of what fees had taken; its price is absent. */
bool binance_kind_rest(const struct binance_call *call, enum order_state state,
                       struct decimal executed, const char *broker_id, struct report *out);

/* The ordinary order of a call whose stop is none any more. */
void binance_cancel_order(struct binance_call *call);

/* ---- stops of USD-M: binance_algo.c ---- */

bool binance_is_algo(const struct binance *b, const struct order *order);
/* What is alike of every kind of order. */
void binance_put_wish(struct str *query, const struct order *order,
                      const struct binance_wish *wish);
void binance_algo_put(struct binance_call *call, const struct binance_wish *wish);
void binance_algo_look(struct binance_call *call);
void binance_algo_cancel(struct binance_call *call);
void binance_algo_event(struct binance *b, const struct json *event, int64_t at_us);

/* ---- the adapter: binance.c ---- */

struct binance_live { /* an order of ours that the venue may be working on */
    UT_hash_handle hh;
    char id[ID_SIZE];
    struct order order;
    struct decimal told; /* units of fills that were passed on without a gap */
    bool looking;        /* a query is under way for it */
};
enum { BINANCE_LIVE_MAX = 4096 };

struct binance {
    struct broker broker;
    struct broker_ops ops;
    struct broker_traits traits;
    struct binance_options options;
    const struct binance_variant *variant;
    struct binance_key *key;
    char *rest_url, *api_ws_url, *stream_url, *ca_path, *api_key;
    struct binance_symbol *symbols;
    size_t symbol_count;
    struct binance_live *live;
    struct chance chance;
    /* binance_rest.c */
    struct http_client *http;
    struct rate_limit *rate; /* NULL: the limits are not known yet */
    struct loop_timer *rate_timer, *sync_timer;
    struct binance_call *calls, *waiting; /* under way; until the clock is known */
    bool turning, closing, synced, told, syncing;
    unsigned sync_failures;
    int64_t offset_us; /* the venue's clock less ours */
    int64_t mark_us;   /* our wall clock less the steady one, when it was measured */
    int64_t synced_us, rules_us, asked_us; /* steady */
    struct broker_status status;
    /* binance_stream.c */
    struct websocket *ws;
    struct loop_timer *ws_timer, *key_timer;
    char listen_key[128];
    unsigned ws_failures;
    bool subscribed;
    int64_t subscribed_us; /* steady */
    char ws_text[160];
};
static inline struct binance *binance_of(const struct broker *broker)
{
    return (struct binance *)(uintptr_t)broker;
}
const struct binance_symbol *binance_by_instrument(const struct binance *b, const char *name);
const struct binance_symbol *binance_by_name(const struct binance *b, const char *name);
struct binance_live *binance_live_find(const struct binance *b, const char *id);
/* Knows it from now on. */
struct binance_live *binance_live_note(struct binance *b, const struct order *order);
void binance_live_end(struct binance *b, const char *id);
/* Asks the venue and tells the hook what it says. */
void binance_catch_up(struct binance *b, struct binance_live *live);
void binance_report(struct binance *b, const struct report *report);

/* ---- lists: binance_lists.c ---- */

void binance_open_orders(struct broker *broker, struct waiter to);
void binance_positions(struct broker *broker, struct waiter to);
void binance_balance(struct broker *broker, struct waiter to);

/* ---- our orders' stream: binance_stream.c ---- */

void binance_stream_start(struct binance *b); /* once the clock is known */
void binance_stream_stop(struct binance *b);
#endif
