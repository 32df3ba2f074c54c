/* Rolling a dated position into the next contract: what is due, and which leg is next. Pure.
 *
 *     none ──> pending ──> in_progress ──> rolled
 *                               └────────> failed
 *
 * The near leg is closed first, so that there is never more risk than before; then the far leg is
 * opened for what was closed. What the far leg did not get is put back on the near one. */
#ifndef TIDELOCK_TRADE_ROLLOVER_H
#define TIDELOCK_TRADE_ROLLOVER_H
#include "trade/exchange.h"
#include "trade/portfolio.h"

struct due { /* what a policy is told of a position with an expiry */
    char label[LABEL_SIZE];
    enum side side;
    bool is_base;
    struct decimal quantity, entry_price, stop;
    char expiry[EXPIRY_SIZE], next_expiry[EXPIRY_SIZE];
    enum rollover_status status;
    int64_t days_left;     /* calendar days until the expiry; 0 on its day, below zero after it */
    int64_t sessions_left; /* sessions that are left, today's included until it closes */
    int64_t closes_in_s;   /* of today's session; 0: closed now */
    bool is_open;          /* the exchange, now */
    bool far_failed; /* the near leg is closed and the far one came to nothing: put back or not */
};

/* Whether what is held of it expires at all. */
bool rollover_has_contracts(const struct instrument *instrument);
/* The contract an entry made now belongs to: the first that has `roll_days` days left. "" for
 * instruments without contracts. */
void rollover_contract(const struct instrument *instrument, const struct closed_days *more,
                       int64_t now_us, char out[EXPIRY_SIZE]);
/* False: the position has no expiry, or its instrument no calendar. */
bool rollover_look(const struct instrument *instrument, const struct closed_days *more,
                   const struct position *position, int64_t now_us, struct due *out);

enum roll_leg { ROLL_LEG_CLOSE, ROLL_LEG_OPEN, ROLL_LEG_BACK, ROLL_LEGS };
/* One order a leg, whoever derives it and whenever: a second one cannot be inserted. */
void rollover_order_id(char out[ID_SIZE], const struct position *position, enum roll_leg leg);

/* The same, once more after a failure that somebody wants tried again; 0 is the first time. */
enum { ROLL_TRIES = 8 };
void rollover_try_id(char out[ID_SIZE], const struct position *position, enum roll_leg leg,
                     unsigned tries);

enum roll_next { ROLL_CLOSE, ROLL_OPEN, ROLL_PUT_BACK, ROLL_WAIT, ROLL_ROLLED, ROLL_FAILED };
/* What is next, from the rows alone. `legs`: NULL where there is none. *quantity: of the leg to be
 * begun. */
enum roll_next rollover_next(const struct position *position, const struct order *const *legs,
                             bool put_back, struct decimal *quantity);
/* The stop of the far leg: as far from its price as the near one's was from the near price. */
struct decimal rollover_stop(struct decimal stop, struct decimal near_price,
                             struct decimal far_price);
#endif
