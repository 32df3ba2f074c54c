/* Two books of one account, ours and the broker's, and what sets them apart. Pure.
 *
 * Absence is never evidence: a list that was not told whole takes no part, an order that the list
 * of open ones lacks is only called missing, and what is in motion is left for the next look. */
#ifndef TIDELOCK_TRADE_RECONCILE_H
#define TIDELOCK_TRADE_RECONCILE_H
#include "trade/portfolio.h"

enum difference_kind {
    DIFFERENCE_ORPHAN_ORDER,          /* open there under an id of our form; we have no row */
    DIFFERENCE_MISSING_ORDER,         /* rests by our book; the list of open orders lacks it */
    DIFFERENCE_STATUS_DIFFERS,        /* both have it, in other states or filled to other parts */
    DIFFERENCE_POSITION_MISSING_HERE, /* the broker holds lots, we hold none */
    DIFFERENCE_POSITION_MISSING_THERE,
    DIFFERENCE_QUANTITY_DIFFERS, /* both hold some: other lots, or the other side */
    DIFFERENCE_BALANCE_DRIFT,
    DIFFERENCE_UNKNOWN_ORDER, /* open there, and not ours: somebody else's, never touched */
};
extern const char *const difference_names[];

enum match_action {
    MATCH_ADOPT,        /* theirs becomes ours: the order, or the lots */
    MATCH_CLOSE_HERE,   /* ours ends: the broker has nothing any more */
    MATCH_CANCEL_THERE, /* the order is cancelled at the broker */
    MATCH_USE_BROKER,   /* our lots, or our balance, become the broker's */
    MATCH_FLATTEN,      /* what the broker holds is taken over, then closed by ordinary exits */
    MATCH_FREEZE,       /* nothing at all is traded until a person resumes */
    MATCH_ALERT,        /* a person must look; the instrument takes no entries */
    MATCH_IGNORE,       /* listed and left alone */
};
extern const char *const match_action_names[];

struct difference {
    enum difference_kind kind;
    char instrument[NAME_SIZE]; /* "" of a balance */
    char strategy[NAME_SIZE];   /* whose it is; "": nobody's, or several strategies' */
    char order_id[ID_SIZE], broker_id[NAME_SIZE];
    char expiry[12];             /* of a dated contract; "" else */
    struct decimal ours, theirs; /* lots, signed: short is below zero; filled lots; money */
    struct decimal price;        /* the broker's average, or the order's limit; may be absent */
    enum order_state our_state, their_state; /* orders only; ours is UNKNOWN when there is no row */
    struct order order;                      /* theirs, of an order; else not filled */
    bool shared;      /* several strategies hold the instrument: it cannot be split */
    bool is_tradable; /* the instrument is configured here */
};

struct their_position {
    char instrument[NAME_SIZE];
    char expiry[12]; /* "": the broker does not say, or it has none */
    enum side side;
    struct decimal quantity, average_price;
};
struct their_book { /* each part only when it was told whole */
    bool orders_known, positions_known, balance_known;
    const struct order *orders;
    size_t order_count;
    /* Spot markets: what the account holds of an asset, ours or not. Only a lack differs. */
    bool holdings;
    const struct their_position *positions;
    size_t position_count;
    struct decimal equity;
};
struct reconcile_options {
    const struct instruments *instruments; /* NULL: every instrument is tradable */
    struct decimal drift_most;             /* a balance may be off by this; absent: by anything */
    /* Whether a row stands somewhere though the book has forgotten it; NULL: nobody knows more. */
    bool (*stands)(void *ctx, const char *order_id);
    /* Whether lots of the instrument may be on their way just now; NULL: by the book's orders. */
    bool (*moves)(void *ctx, const char *instrument);
    /* The only strategy that may have made an order, or trades an instrument; NULL: nobody can
     * tell. */
    const char *(*owner)(void *ctx, const char *instrument);
    void *ctx;
};

/* An id as we derive them: 20 characters of base32. Only such an order may be ours. */
bool reconcile_is_our_id(const char *order_id);
/* Orders whose lots may move while we look: sent and not answered, or filling at the market. */
bool reconcile_is_moving(const struct book *ours, const char *instrument);
/* Writes at most `room` differences and returns how many there are. Instruments that are moving
 * have no differences of quantity; *moving tells that there are such. */
size_t reconcile_books(const struct book *ours, const struct their_book *theirs,
                       const struct reconcile_options *options, struct difference *out, size_t room,
                       bool *moving);
/* Their equity less ours; absent when either is not known. */
struct decimal reconcile_drift(const struct book *ours, const struct their_book *theirs);
bool reconcile_same(const struct difference *a, const struct difference *b);

/* What may be done about a difference at all, whatever a policy says: an order that is not ours is
 * left alone, an absent order is not ended, lots of several strategies are not split, and no more
 * than `most` lots (absent: any) are moved at once. False: `why` says which rule. */
bool reconcile_may(const struct difference *difference, enum match_action action,
                   struct decimal most, char why[REASON_SIZE]);
/* What is done when no policy answers: never more risk, never a guess. */
enum match_action reconcile_default(const struct difference *difference);
/* Whether the difference, decided so, keeps entries away from its instrument. */
bool reconcile_blocks(const struct difference *difference, enum match_action action, bool applied);
#endif
