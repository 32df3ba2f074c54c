/* A broker: one market interface, several bodies (paper, openalgo, binance).
 *
 * Every call answers its waiter exactly once, never before returning. An error's class says what is
 * known of the order:
 *     NOT_DONE    not a byte reached the broker
 *     LATER       the broker asks to wait (rate limit); not done
 *     MAYBE_DONE  no usable answer: the order may stand
 *     REFUSED     a definite rejection (whitelisted per adapter)
 * Reports that arrive on their own (fills, cancels) go to the host's report hook, possibly more
 * than once and late.
 *
 * Quantities are lots, as everywhere in the host; an adapter whose broker counts units converts. */
#ifndef TIDELOCK_BROKER_BROKER_H
#define TIDELOCK_BROKER_BROKER_H
#include "base/json.h"
#include "base/wait.h"
#include "trade/order.h"
#include "trade/portfolio.h"

/* What a resend may rely on (the server's behaviour towards a repeated client order id). */
enum idempotency_class {
    IDEMPOTENCY_FOREVER,     /* unique for ever: resend at any time */
    IDEMPOTENCY_WINDOW,      /* deduplicated within a window */
    IDEMPOTENCY_OPEN_ORDERS, /* only among open orders: after the validity window and a single-order
                                query that says not found */
    IDEMPOTENCY_ECHO,        /* echoed only: never automatic without a validity window */
    IDEMPOTENCY_NONE,
};
struct broker_traits {
    const char *name;
    enum idempotency_class idempotency;
    int64_t validity_us; /* how long after signing the broker may still accept a request; 0: no such
                            bound */
    int64_t pipeline_us; /* how long an accepted order may take to show in a query */
    /* IDEMPOTENCY_NONE: so long after it was sent, a good reading of the broker's whole book
     * without the order proves that it never stood. It is not sent again all the same. 0: never
     * proved. */
    int64_t absence_us;
    int64_t poll_us; /* no reports come by themselves: how often a live order is asked about; 0:
                        they come */
    unsigned tifs;   /* bit per enum order_tif that the broker itself keeps; 0: all of them */
    bool holdings;   /* positions are what the account holds of an asset, ours or not */
    bool stops;      /* stop orders rest at the broker: protective ones may stay there */
    bool amends;     /* amend works; else an order is changed by cancelling and placing anew */
};

/* The right to send, made only by the flow that committed it: a broker call without one does not
 * compile into sense. */
struct right_to_send {
    const struct order *order;
    int64_t valid_until_us;
    int64_t term;
};

struct broker_orders {
    size_t count;
    const struct order *list;
};
struct broker_position {
    char instrument[NAME_SIZE];
    char expiry[12]; /* of a dated contract, YYYY-MM-DD; "": none, or the broker does not say */
    enum side side;
    struct decimal quantity, average_price;
};
struct broker_positions {
    size_t count;
    const struct broker_position *list;
};
struct broker_balance {
    struct decimal cash, equity;
};
struct broker_status {
    bool ok;
    char text[160];
    int64_t latency_us;
    int64_t checked_us;
    bool streams, stream_alive; /* our orders are told by a stream; it is open */
    char stream_text[160];
};

struct broker;
struct broker_ops {
    const struct broker_traits *traits;
    void (*place)(struct broker *b, const struct right_to_send *right,
                  struct waiter to); /* value: const struct report * (ACKNOWLEDGED or FILL …), later
                                        ones by hook */
    void (*cancel)(struct broker *b, const struct order *order,
                   struct waiter to); /* value: const struct report * */
    /* `order` as it shall be (quantity, limit_price, stop_price); only with traits->amends. Value:
     * const struct report * (ACKNOWLEDGED): the broker has the change, or a FILL that came first.
     * REFUSED: the order stands as it was, or no longer. */
    void (*amend)(struct broker *b, const struct order *order, struct waiter to);
    void (*query)(struct broker *b, const struct order *order,
                  struct waiter to); /* value: const struct broker_answer * */
    void (*open_orders)(struct broker *b,
                        struct waiter to); /* value: const struct broker_orders * */
    void (*positions)(struct broker *b,
                      struct waiter to); /* value: const struct broker_positions * */
    void (*balance)(struct broker *b, struct waiter to); /* value: const struct broker_balance * */
    void (*status)(const struct broker *b, struct broker_status *out);
    /* For brokers that know no ids of ours: what stands in their book that resembles the order
     * before it is sent, as JSON to be kept with it; value: const char *. Never fails: what is
     * known is told. NULL: not needed. */
    void (*survey)(struct broker *b, const struct order *order, struct waiter to);
    /* What was kept of an order that another process sent, or may have; NULL: nothing was, so it
     * was never sent, or by a program that kept nothing. */
    void (*recall)(struct broker *b, const struct order *order, const struct json *survey);
    /* An order of ours from the store, told at a start and when it has ended: what it is called at
     * the broker belongs to it and to no other; one that ended without a name is not looked for any
     * more. NULL: of no interest. */
    void (*own)(struct broker *b, const struct order *order);
    /* A position that began elsewhere, as an order and its fill that nobody sent: for brokers that
     * simulate a market, whose book would not have it. NULL: it stands there already. */
    void (*book)(struct broker *b, const struct order *order, const struct fill *fill);
    /* The most lots that the exchange takes in one order; bad: no such bound is known. NULL: none.
     */
    struct decimal (*most)(const struct broker *b, const char *instrument);
    /* A price of the market, for brokers that simulate one. NULL: of no interest. */
    void (*price)(struct broker *b, const char *instrument, struct decimal price, int64_t at_us);
    /* Gives the answers and reports that are due, and the steady time of the next ones (INT64_MAX:
     * none). Both NULL: it has timers of its own. */
    void (*turn)(struct broker *b);
    int64_t (*due)(const struct broker *b);
    void (*close)(struct broker *b);
};
/* All that the broker knows of one order, so that nothing is concluded from absence elsewhere. */
struct broker_answer {
    bool found;
    enum order_state state; /* when found */
    char broker_id[NAME_SIZE];
    char reason[REASON_SIZE];
    const struct report *fills;
    size_t fill_count; /* every fill so far, oldest first */
};
struct broker {
    const struct broker_ops *ops;
    void (*on_report)(void *ctx, const struct report *report); /* set by the host */
    void *report_ctx;
};
static inline void broker_place(struct broker *b, const struct right_to_send *r, struct waiter to)
{
    b->ops->place(b, r, to);
}
static inline void broker_cancel(struct broker *b, const struct order *o, struct waiter to)
{
    b->ops->cancel(b, o, to);
}
static inline void broker_amend(struct broker *b, const struct order *o, struct waiter to)
{
    b->ops->amend(b, o, to);
}
static inline void broker_query(struct broker *b, const struct order *o, struct waiter to)
{
    b->ops->query(b, o, to);
}
static inline void broker_open_orders(struct broker *b, struct waiter to)
{
    b->ops->open_orders(b, to);
}
static inline void broker_positions(struct broker *b, struct waiter to)
{
    b->ops->positions(b, to);
}
static inline void broker_balance(struct broker *b, struct waiter to)
{
    b->ops->balance(b, to);
}
static inline void broker_status(const struct broker *b, struct broker_status *out)
{
    b->ops->status(b, out);
}
static inline void broker_survey(struct broker *b, const struct order *o, struct waiter to)
{
    b->ops->survey(b, o, to);
}
static inline void broker_recall(struct broker *b, const struct order *o, const struct json *survey)
{
    b->ops->recall(b, o, survey);
}
static inline struct decimal broker_most(const struct broker *b, const char *instrument)
{
    return b->ops->most ? b->ops->most(b, instrument) : decimal_bad();
}
static inline void broker_own(struct broker *b, const struct order *o)
{
    if (b->ops->own)
        b->ops->own(b, o);
}
static inline void broker_book(struct broker *b, const struct order *o, const struct fill *f)
{
    if (b->ops->book)
        b->ops->book(b, o, f);
}
static inline void broker_price(struct broker *b, const char *instrument, struct decimal price,
                                int64_t at_us)
{
    if (b->ops->price)
        b->ops->price(b, instrument, price, at_us);
}
static inline void broker_turn(struct broker *b)
{
    if (b->ops->turn)
        b->ops->turn(b);
}
static inline int64_t broker_due(const struct broker *b)
{
    return b->ops->due ? b->ops->due(b) : INT64_MAX;
}
static inline void broker_close(struct broker *b)
{
    if (b)
        b->ops->close(b);
}
#endif
