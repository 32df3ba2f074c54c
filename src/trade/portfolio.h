/* Positions, pyramids, the account: what a fill does to them, and the figures policies and rails
 * ask for. Pure and exact.
 *
 * Quantities are lots; money = price difference × lots × point_value of the instrument. */
#ifndef TIDELOCK_TRADE_PORTFOLIO_H
#define TIDELOCK_TRADE_PORTFOLIO_H
#include "trade/book.h"

struct instrument {
    char name[NAME_SIZE];
    char exchange[16];
    char symbol[NAME_SIZE];  /* the broker's name for it; "": the same */
    char product[8];         /* how it is held at brokers that tell such apart; "": their default */
    struct decimal lot_size; /* units in a lot, for display and brokers that count units */
    struct decimal tick;     /* price step */
    struct decimal quantity_step; /* 1 for lots */
    struct decimal point_value;   /* money per point per lot */
    struct decimal margin;        /* money per lot */
    struct decimal min_quantity, max_quantity;
    char series[24];       /* of its dated contracts, as exchange.h knows them; "": it has none */
    const char *expiries;  /* their dates where no rule gives them, comma separated; or NULL */
    int64_t roll_days;     /* an entry goes to a contract with at least so many days left */
    uint32_t bucket, next; /* instruments_index's: places in the list, counted from 1 */
    bool indexed;          /* it has been there */
};
struct instruments {
    const struct instrument *list;
    size_t count;
};
const struct instrument *instrument_find(const struct instruments *all,
                                         const char *name); /* exact */
/* Makes instrument_find independent of how many there are. The list must not change afterwards. */
void instruments_index(struct instrument *list, size_t count);

/* Prices that leave a strategy, as whole ticks: the nearest one; a stop towards the price, so that
 * it risks no more than meant; a limit not worse than meant; the trigger of a stop order not before
 * what was meant. Absent values and instruments without a tick change nothing. */
struct decimal tick_price(const struct instrument *instrument, struct decimal price);
struct decimal tick_stop(const struct instrument *instrument, enum side side, struct decimal stop);
struct decimal tick_limit(const struct instrument *instrument, enum order_side side,
                          struct decimal price);
struct decimal tick_trigger(const struct instrument *instrument, enum order_side side,
                            struct decimal price);

/* The key of pyramid, statistics and strategy state rows: strategy|instrument. */
void pair_id_make(char out[KEY_SIZE], const char *strategy, const char *instrument);

#define ACCOUNT_ID "main"
/* What one fill changes. Rows are complete after-images (version + 1); before-images are those of
 * the book. Statistics are not among them: stat.h counts them. */
#define FILL_LAYERS_MAX 8
struct fill_effect {
    struct position positions[FILL_LAYERS_MAX]; /* the first is also the one an entry opens */
    size_t position_count;
    bool new_position;
    struct pyramid pyramid;
    bool new_pyramid;
    struct account account;
    struct ledger ledger[2];
    size_t ledger_count; /* realised and fee, those that are not zero */
};
/* `order` is the row after the report. An opening fill opens or adds to order.position_id; a
 * closing one reduces it, or, when the order names none, the layers of its side that no other live
 * order closes by name, oldest first, at most FILL_LAYERS_MAX of them; the fee goes with the lots.
 * A base that closes clears the pyramiding state (base_position_id "" and the base figures absent;
 * pyramids 0 once no layer is left) in the same effect. day_start_us is the start of the trading
 * day of fill->at_us.
 *
 * The position must be in the book unless this fill opens it, and so must the account. Fails
 * (CORRUPT) when a fill closes more than is open, goes the wrong way or leaves figures beyond 1e15.
 * An opening fill that arrives after its position was closed opens it again: it happened at the
 * broker. */
bool portfolio_apply_fill(const struct book *book,
                          const struct signal *signal /* of an entry: stop, atr; may be NULL */,
                          const struct order *order, const struct fill *fill,
                          const struct instrument *instrument, int64_t day_start_us,
                          struct fill_effect *out, struct err *err) MUST_CHECK;

/* Money that no fill moves: a deposit, a withdrawal (amount above zero; it is booked negative) or
 * an adjustment (signed). `before` NULL opens the account in `currency`. The high-water mark moves
 * with the money, so that a withdrawal is no drawdown and a deposit no profit. */
bool portfolio_move_money(const struct account *before, const char *currency, enum ledger_kind kind,
                          struct decimal amount, const char *reference, int64_t at_us,
                          int64_t day_start_us, struct account *account, struct ledger *ledger,
                          struct err *err) MUST_CHECK;
/* True: the account's trading day is over and *out (version + 1) begins the next one. Until it is
 * written, yesterday's loss still counts. */
bool portfolio_new_day(const struct account *account, int64_t day_start_us, struct account *out);

/* Another's change of the account came before one that was made on `before`: `after`, and the
 * ledger entries that belong to it, are moved so that they stand on `onto`. What was earned, paid
 * and put in stays what it was; numbers, equities and marks follow the new beginning. */
void portfolio_rebase(const struct account *before, const struct account *onto,
                      struct account *after, struct ledger *const *entries, size_t count);

/* Beyond this age a followed price counts for nothing. */
#define PRICE_FRESH_US 5000000

struct prices { /* last traded prices, by instrument; implemented by whoever follows the market */
    bool (*last)(void *ctx, const char *instrument, struct decimal *price, int64_t *at_us);
    void *ctx;
    /* Of an instrument whose price is followed as it happens: how long ago it was confirmed
     * (INT64_MAX: never yet). Negative: it is not followed so. May be NULL. */
    int64_t (*age_us)(void *ctx, const char *instrument);
    const uint64_t
        *moves; /* grows with every change of a price; NULL: prices are asked each time */
};
/* Figures over all open positions, and over entries that are ordered and not yet positions. Prices
 * are the last traded ones, else the entry's. */
struct portfolio {
    struct decimal equity;         /* closed: deposits + realised - fees; 0 without an account */
    struct decimal unrealised;     /* of positions with a known price */
    struct decimal blended_equity; /* equity + half of the unrealised */
    /* Σ max(0, distance to stop × lots × point value) of positions; one without a stop risks all it
     * is worth */
    struct decimal open_risk;
    struct decimal pending_risk; /* the same of what live entry orders have left to fill */
    struct decimal
        open_risk_percent; /* of equity, open and pending; absent when equity is not positive */
    struct decimal margin_used, margin_free; /* pending entries included; free may be negative */
    struct decimal exposure; /* Σ |price × lots × point value|, pending entries included */
    /* ≥ 0: what was realised and paid since the day began, and what open positions stand to lose;
     * open profits do not hide a loss */
    struct decimal day_loss;
    struct decimal drawdown_percent; /* of closed equity below its high-water mark */
    int64_t open_positions;
};
void portfolio_measure(const struct book *book, const struct instruments *instruments,
                       const struct prices *prices, struct portfolio *out);

struct rails { /* hard limits; a bad decimal (absent) with its waived bit set means waived, without
                  it is a config fault */
    struct decimal max_order_quantity, max_order_notional, max_position, max_orders_per_minute,
        max_daily_loss, max_open_risk, price_collar_percent;
    uint32_t waived; /* bit i: i-th of the list above */
};
#define RAIL_COUNT 7
extern const char *const rail_names[RAIL_COUNT + 1]; /* "max_order_quantity", ..., NULL */
struct rail_check {
    const struct order *order; /* the intended order */
    struct decimal stop;       /* its stop, may be absent */
    struct decimal
        position_quantity;       /* open lots on the instrument now, including what is on its way */
    struct decimal pending_risk; /* portfolio.pending_risk, and what is being decided beside it */
    struct decimal last_price;   /* absent: no market price; then the collar is checked against
                                    reference_price only if the order has a limit */
    int64_t orders_last_minute;
};
/* True: passes. False: `rail` names the rail and `reason` has the figures. Orders that reduce are
 * only held to max_order_quantity and the collar's sanity when waived bits do not lift them; they
 * are never refused for loss, risk, position or rate. */
bool rails_pass(const struct rails *rails, const struct rail_check *check,
                const struct instrument *instrument, const struct portfolio *portfolio,
                const char **rail, char reason[REASON_SIZE]);
/* Whether the limits over everything hold for what is open and ordered already: lots of one
 * instrument, the orders of this minute, loss and risk. */
bool rails_hold(const struct rails *rails, struct decimal lots, int64_t orders_last_minute,
                const struct portfolio *portfolio, const char **rail, char reason[REASON_SIZE]);
/* What a halt level forbids: entries from NO_ENTRY on; everything at FREEZE. Reducing orders pass
 * below FREEZE. */
bool halt_allows(enum halt_level level, bool reduces);
#endif
