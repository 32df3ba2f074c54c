/* The paper broker: the reference body of broker.h. Fills market, limit and stop orders against
 * prices it is told, with fees, slippage, latency, partial fills and rejects, all drawn from a
 * seed; or against the order's reference price while nobody tells it a price for the instrument.
 *
 * It keeps a book of its own that is not ours: the judge of the tests. With a journal file that
 * book survives the process. */
#ifndef TIDELOCK_BROKER_PAPER_H
#define TIDELOCK_BROKER_PAPER_H
#include "base/chance.h"
#include "base/clock.h"
#include "broker/broker.h"

struct paper_options {
    struct decimal fee_per_lot, fee_percent; /* of notional */
    struct decimal slippage_percent;         /* against the taker */
    int64_t latency_us; /* from place to acknowledgement; 0: the next paper_turn */
    uint32_t partial_permille, reject_permille; /* chance of a fill in two parts; of a reject */
    uint64_t seed;
    const char *journal_path; /* NULL: memory only */
    struct decimal starting_cash;
    const struct instruments *instruments;
    const struct clock *clock;
    /* Fault injection (simulation): asked at each call; NULL in life. */
    enum paper_fault (*fault)(void *ctx, const char *call, const char *order_id);
    void *fault_ctx;
};
enum paper_fault {
    PAPER_OK,
    PAPER_DROP_REQUEST,  /* never reaches the broker; the asker gets MAYBE_DONE */
    PAPER_DROP_ANSWER,   /* acted upon; the asker gets MAYBE_DONE */
    PAPER_NO_ANSWER,     /* acted upon; the asker gets nothing at all (its deadline must save it) */
    PAPER_LATE,          /* acted upon; the answer comes much later */
    PAPER_TWICE,         /* acted upon; reports are delivered twice */
    PAPER_DELAY_REQUEST, /* the request itself lingers: it reaches the broker late, perhaps past its
                            validity; the asker gets nothing */
    PAPER_REFUSED_CONNECT, /* NOT_DONE */
    PAPER_RATE_LIMIT,      /* LATER */
    PAPER_REJECT,          /* REFUSED */
};
struct broker *paper_open(const struct paper_options *options, struct err *err);
/* A trade price of the market: fills what it makes marketable. Bars are told as four prices, in the
 * order the caller chooses. */
void paper_price(struct broker *paper, const char *instrument, struct decimal price, int64_t at_us);
/* From now on an order trades only at prices told after it arrived. For bars: what is decided on a
 * close trades from the next open on, not at the close it was decided on. */
void paper_wait_for_prices(struct broker *paper);
int64_t paper_next_due_us(
    const struct broker *paper); /* steady time of the next answer or fill due; INT64_MAX: none */
bool paper_is_idle(const struct broker *paper); /* no order stands and nothing is under way */
size_t
paper_turn(struct broker *paper); /* gives the answers and reports that are due; their number */
void paper_forget_waiters(
    struct broker *paper); /* the host died: nobody listens any more; the book stays */
/* The judge: orders ever accepted under one client id, and the whole book. */
size_t paper_count_accepted(const struct broker *paper, const char *order_id);
void paper_each_order(const struct broker *paper,
                      void (*each)(void *ctx, const struct order *order, size_t accepted),
                      void *ctx);
#endif
