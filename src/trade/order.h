/* Orders: identity, legal edges, and what a broker's report makes of them. Pure. */
#ifndef TIDELOCK_TRADE_ORDER_H
#define TIDELOCK_TRADE_ORDER_H
#include "trade/record.h"

/* base32(SHA-256(length-prefixed fingerprint, leg))[:20] */
void order_id_derive(char out[ID_SIZE], const struct signal *signal, const char *leg);
/* The key of a fill row: broker|trade id. False: too long to be one. */
bool order_fill_id(char out[KEY_SIZE], const char *broker, const char *trade_id) MUST_CHECK;
/* An order made with its right to send: SENDING, nothing filled, in its first version. */
void order_begin(struct order *order, int64_t term, int64_t now_us);
bool order_is_final(enum order_state state);
/* order.c has the picture. Staying in a state is allowed (other columns change), but not in
 * SENDING: the right to send is taken once. */
bool order_may_become(enum order_state from, enum order_state to);
/* UNKNOWN or a used right to send without an answer: blocks new risk on the instrument. */
bool order_is_unresolved(enum order_state state);

enum report_kind {
    REPORT_ACKNOWLEDGED,
    REPORT_FILL,
    REPORT_CANCELLED,
    REPORT_REJECTED,
    REPORT_EXPIRED,
    REPORT_NOT_FOUND
};
struct report { /* what a broker says of one order */
    enum report_kind kind;
    char order_id[ID_SIZE]; /* client order id */
    char broker_id[NAME_SIZE];
    char trade_id[NAME_SIZE];            /* fill only; unique per broker */
    struct decimal quantity, price, fee; /* fill only; price absent: what an exit closes was paid in
                                            kind before, and leaves for what it came in */
    int64_t at_us;
    char reason[REASON_SIZE];
};
/* The row of the order after the report (version + 1). False: nothing changes, and *err is clear
 * when the report repeats what is known, else says which edge is not legal. A fill fills *fill too;
 * fills beyond the ordered quantity are refused loudly (CORRUPT). Whether a trade was applied
 * already is not to be seen in the order's row: look order_fill_id() up first. NOT_FOUND never ends
 * an order: it becomes UNKNOWN. A fill of a CANCELLED, REJECTED or EXPIRED order is applied: it
 * happened. */
bool order_apply_report(const struct order *before, const struct report *report, const char *broker,
                        int64_t now_us, struct order *after, struct fill *fill,
                        struct err *err) MUST_CHECK;
#endif
