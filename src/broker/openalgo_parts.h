/* What the files of the OpenAlgo adapter share; nobody else's business. */
#ifndef TIDELOCK_BROKER_OPENALGO_PARTS_H
#define TIDELOCK_BROKER_OPENALGO_PARTS_H
#include "base/json.h"
#include "base/keyed.h"
#include "base/mem.h"
#include "broker/openalgo.h"
#include "broker/rate_limit.h"
#include "io/http_client.h"
#include "io/websocket.h"
#include <string.h>

enum oa_mode { OA_UNSEEN, OA_LIVE, OA_ANALYZE, OA_SEMI_AUTO };

/* ---- one exchange with the server: openalgo_request.c ---- */

struct oa_reply {
    struct err err;          /* class NONE: the server answered, whatever it says */
    unsigned status;         /* of HTTP */
    const struct json *root; /* NULL: its answer is no JSON */
    bool success;            /* 200 and "status":"success" */
    char message[160];       /* what it says when it is no success; one line */
    enum oa_mode mode;       /* as the reply tells; UNSEEN: it does not */
};
enum oa_call_flags {
    OA_ORDER = 1, /* takes an order's token, and is never put on the wire twice */
    OA_MODAL = 2, /* its success says in which mode the server is */
};
struct oa_call {
    struct openalgo *oa;
    const char *path;
    struct str body; /* begun by oa_call_new, with the key in it */
    enum rate_rank rank;
    unsigned flags;
    int64_t valid_until_us; /* steady; 0: for ever */
    /* Called once unless the adapter is closed before; then the call and its context are dropped.
     */
    void (*done)(struct openalgo *oa, void *ctx, const struct oa_reply *reply);
    void *ctx; /* owned by the call */
    struct oa_call *next, *prev;
};
struct oa_call *oa_call_new(struct openalgo *oa, const char *path, enum rate_rank rank,
                            unsigned flags);
void oa_put_text(struct oa_call *call, const char *name, const char *value);
void oa_put_decimal(struct oa_call *call, const char *name, struct decimal value);
/* `size` bytes of `ctx` are copied. */
void oa_call_send(struct oa_call *call,
                  void (*done)(struct openalgo *oa, void *ctx, const struct oa_reply *reply),
                  const void *ctx, size_t size);
void oa_calls_free(struct openalgo *oa);
/* Of a reply that is no success, for a request that changes nothing. */
void oa_read_err(const struct oa_reply *reply, const char *what, struct err *err);
/* Of a reply to an order, a change or a cancel: the whitelist of definite answers is in here. */
void oa_order_err(const struct oa_reply *reply, const char *what, struct err *err);
/* A field that is text at one broker's plugin and a number at another's; "" when absent. */
const char *oa_field(const struct json *object, const char *key);
struct decimal oa_decimal(const struct json *object, const char *key); /* bad when absent */

/* ---- the books: openalgo_book.c ---- */

enum oa_status { OA_WORKING, OA_COMPLETE, OA_CANCELLED, OA_REJECTED, OA_EXPIRED };
struct oa_row { /* of the order book */
    char broker_id[NAME_SIZE], symbol[NAME_SIZE], exchange[16], product[8], kind[8];
    enum order_side side;
    struct decimal quantity, price, trigger; /* units */
    enum oa_status status;
    char status_text[24], reason[REASON_SIZE];
    int64_t at_us; /* if it was stamped in UTC; 0: not to be told */
};
struct oa_trade {
    char broker_id[NAME_SIZE];
    struct decimal quantity, value; /* units; quantity × price */
};
struct oa_entry { /* an order in the server's book, ours or not */
    UT_hash_handle hh;
    char broker_id[NAME_SIZE];
    char owner[ID_SIZE];    /* "": nobody's we know of */
    uint64_t first_reading; /* number of the reading that showed it; 0: none has */
    int64_t seen_us;
};
struct oa_step {                    /* what one reading added to the filled quantity */
    struct decimal filled, value;   /* afterwards, lots; all fills × price */
    struct decimal quantity, price; /* of the step */
    int64_t at_us;
};
struct oa_order { /* one of ours */
    UT_hash_handle hh;
    char id[ID_SIZE];
    struct order row; /* as told last */
    char broker_id[NAME_SIZE];
    int64_t sent_us;      /* wall; 0: not by this process */
    uint64_t read_before; /* number of the last reading before it was sent; 0: none */
    bool live;            /* to be followed */
    int64_t followed_us;  /* steady: since when */
    unsigned missing;     /* readings in a row without it */
    bool sent;            /* it may stand though we have no id of it */
    bool recalled;        /* sent by another process, if at all */
    bool surveyed;        /* and that one kept what stood there before: */
    char (*before)[NAME_SIZE];
    size_t before_count;
    bool ambiguous; /* told already */
    enum oa_status status;
    unsigned status_seen;    /* readings in a row that said so */
    int64_t status_since_us; /* steady: the first of them */
    bool status_settled;
    bool cancelling; /* the server took our cancel: the first reading that shows it will do */
    struct decimal base_filled, base_value; /* lots: applied before this process followed it */
    struct oa_step *steps;
    size_t step_count, step_room;
};
struct oa_books { /* one reading of both */
    struct arena arena;
    struct oa_row *rows;
    size_t row_count;
    struct oa_trade *trades;
    size_t trade_count;
    struct err err; /* class NONE: it is good */
    bool running;
    uint64_t number; /* of the last good one */
    int64_t good_us; /* steady: when the last good one came in; 0: never */
    int64_t next_us; /* steady: not before */
    int64_t rows_us; /* steady: when the rows came, of which the trades may come much later */
    bool again;      /* asked for while one was running */
};
/* Reads as soon as the limits allow. */
void oa_books_want(struct openalgo *oa, enum rate_rank rank);
/* Follows what is live; the steady time of the next reading. */
int64_t oa_books_turn(struct openalgo *oa);
struct oa_order *oa_order_find(const struct openalgo *oa, const char *order_id);
struct oa_order *oa_order_track(struct openalgo *oa, const struct order *order);
void oa_order_name(struct openalgo *oa, struct oa_order *order, const char *broker_id);
struct oa_entry *oa_entry_of(struct openalgo *oa, const char *broker_id);
void oa_orders_free(struct openalgo *oa);
const struct oa_row *oa_row_find(const struct oa_books *books, const char *broker_id);
/* Finds orders without an id among the rows: openalgo_match.c. */
void oa_match(struct openalgo *oa);
/* Answers with the ids of the rows that could be taken for the order, as JSON. */
void oa_survey_now(struct openalgo *oa, const struct order *order, struct waiter to);
void oa_recall(struct broker *broker, const struct order *order, const struct json *survey);
/* What the last good reading says of one order. */
void oa_answer_of(struct openalgo *oa, struct oa_order *order, struct arena *arena,
                  struct broker_answer *out);

/* ---- questions that wait for a reading ---- */

enum oa_ask_kind { OA_ASK_ORDER, OA_ASK_OPEN, OA_ASK_PLACE, OA_ASK_SURVEY };
struct oa_ask {
    enum oa_ask_kind kind;
    char order_id[ID_SIZE];
    uint64_t after;   /* answered by a reading that began later than this */
    int64_t until_us; /* PLACE: steady, goes on without */
    struct waiter to;
    struct oa_placing *placing;
    struct order *order; /* SURVEY */
    struct oa_ask *next;
};
struct oa_placing { /* openalgo_orders.c */
    struct order order;
    int64_t valid_until_us; /* steady */
    struct decimal target;  /* lots; bad: an ordinary order */
    struct waiter to;
};
void oa_place_now(struct openalgo *oa, struct oa_placing *placing);
void oa_asks_answer(struct openalgo *oa); /* after a reading, good or not */

/* ---- the adapter ---- */

struct oa_contract { /* what the server says of an instrument: of the contract entries go to */
    char symbol[NAME_SIZE]; /* asked about */
    struct decimal lot, freeze;
    bool known;
};
struct openalgo {
    struct broker broker;
    struct broker_ops ops;
    struct broker_traits traits;
    struct openalgo_options options;
    struct http_client *http;
    struct rate_limit *limit;
    struct loop_hook *hook;
    struct websocket *ws; /* of order updates; NULL: away */
    int64_t ws_retry_us;
    unsigned ws_failures;
    bool ws_unknown; /* the server knows no such stream */
    struct oa_call *calls;
    struct oa_order *orders;
    struct oa_entry *entries;
    struct oa_books books;
    uint64_t readings;   /* begun */
    int64_t surveyed_us; /* steady: the last survey, which had the book read as well as it may be */
    struct oa_ask *asks;
    struct oa_refusal *refusals;
    struct oa_contract *contracts; /* one an instrument */
    enum oa_mode mode;
    int64_t mode_next_us, mode_seen_us;
    int64_t semi_until_us; /* orders wait for a person's approval over there: none is sent before */
    bool mode_asking, auth_failed, closing, heard;
    struct err trouble; /* of the last exchange that had one */
    int64_t latency_us, checked_us;
    struct metric *requests, *failures;
};
static inline struct openalgo *openalgo_of(const struct broker *broker)
{
    return (struct openalgo *)(uintptr_t)broker;
}
const struct instrument *oa_instrument(const struct openalgo *oa, const char *name);
/* The instrument held under this symbol, and the expiry of its contract or ""; NULL: none of ours.
 */
const struct instrument *oa_instrument_at(const struct openalgo *oa, const char *symbol,
                                          const char *exchange, const char *product,
                                          char expiry[EXPIRY_SIZE]);
/* Of the contract that an entry made now belongs to. */
void oa_symbol_now(const struct openalgo *oa, const struct instrument *instrument,
                   char out[NAME_SIZE]);
const char *oa_product(const struct openalgo *oa, const struct instrument *instrument);
struct decimal oa_lots(const struct instrument *instrument, struct decimal units);
struct oa_contract *oa_contract_of(struct openalgo *oa, const char *instrument);
/* Whether orders may be sent now; else NOT_DONE with the sentence. */
bool oa_may_trade(struct openalgo *oa, struct err *err) MUST_CHECK;
/* What a reply tells of the server's mode. False: it is not the one we trade in. */
bool oa_hear_mode(struct openalgo *oa, enum oa_mode mode);
/* openalgo_orders.c */
void oa_place(struct broker *broker, const struct right_to_send *right, struct waiter to);
void oa_cancel(struct broker *broker, const struct order *order, struct waiter to);
void oa_amend(struct broker *broker, const struct order *order, struct waiter to);
void oa_query(struct broker *broker, const struct order *order, struct waiter to);
void oa_open_orders(struct broker *broker, struct waiter to);
void oa_own(struct broker *broker, const struct order *order);
struct decimal oa_most(const struct broker *broker, const char *instrument);
void oa_survey(struct broker *broker, const struct order *order, struct waiter to);
/* openalgo_stream.c; the steady time at which it wants to be called */
int64_t oa_stream_turn(struct openalgo *oa, int64_t now_us);
/* openalgo_read.c */
void oa_positions(struct broker *broker, struct waiter to);
void oa_balance(struct broker *broker, struct waiter to);
/* Asks about those that are not known yet, or have given way to the next. */
void oa_contracts_read(struct openalgo *oa);
/* Answers at the end of this turn, never before returning. */
void oa_refuse(struct openalgo *oa, struct waiter to, const struct err *err);
#endif
