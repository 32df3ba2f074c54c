/* A broker: one market interface, several bodies (paper here; openalgo and binance later).
 *
 * Every call answers its waiter exactly once, never before returning. An error's class says what is
 * known of the order: NOT_DONE    not a byte reached the broker        LATER    the broker asks to
 * wait (rate limit); not done MAYBE_DONE  no usable answer: the order may stand REFUSED  a definite
 * rejection (whitelisted per adapter) Reports that arrive on their own (fills, cancels) go to the
 * host's report hook, possibly more than once and late. */
#ifndef TIDELOCK_BROKER_BROKER_H
#define TIDELOCK_BROKER_BROKER_H
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
};

struct broker;
struct broker_ops {
    const struct broker_traits *traits;
    void (*place)(struct broker *b, const struct right_to_send *right,
                  struct waiter to); /* value: const struct report * (ACKNOWLEDGED or FILL …), later
                                        ones by hook */
    void (*cancel)(struct broker *b, const struct order *order,
                   struct waiter to); /* value: const struct report * */
    void (*query)(struct broker *b, const struct order *order,
                  struct waiter to); /* value: const struct broker_answer * */
    void (*open_orders)(struct broker *b,
                        struct waiter to); /* value: const struct broker_orders * */
    void (*positions)(struct broker *b,
                      struct waiter to); /* value: const struct broker_positions * */
    void (*balance)(struct broker *b, struct waiter to); /* value: const struct broker_balance * */
    void (*status)(const struct broker *b, struct broker_status *out);
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
static inline void broker_close(struct broker *b)
{
    if (b)
        b->ops->close(b);
}
#endif
