/* What the files about orders share; nobody else's business. */
#ifndef TIDELOCK_FLOW_ORDERS_PARTS_H
#define TIDELOCK_FLOW_ORDERS_PARTS_H
#include "base/keyed.h"
#include "flow/orders.h"

#define CLOCK_ERROR_US 1000000 /* between our wall clock and the broker's */

struct live_order {
    UT_hash_handle hh;
    char id[ID_SIZE];
    struct order row;        /* as asked to be written */
    uint64_t flow;           /* its work_order story; 0: none */
    char (*fills)[KEY_SIZE]; /* rows of trades that are in */
    size_t fill_count, fill_room;
    int64_t sent_us; /* steady: it was handed to the broker, if at all, by a right as old as that */
    bool fills_known; /* reports may be applied */
    bool looked;      /* ours from birth, or the broker has answered about it since the start */
    bool lost;        /* a fill was heard and not written */
    bool dirty;       /* something was heard and not written: ask the broker */
    bool cancel_wanted;
    bool new_there;     /* asked before it was first sent: the broker does not know it */
    bool recalled;      /* what was kept before it was sent is known to the broker */
    bool changing;      /* a change of it is under way */
    bool amend_refused; /* the broker did not take the last one */
    bool final;         /* committed */
    struct live_order *next_free;
};
struct seen_right;
struct orders {
    struct live_order *live, *free;
    struct seen_right *seen;         /* orders_seen.c */
    bool wake;                       /* some are dirty whose stories have not heard of it */
    struct consequence *consequence; /* of the report at hand: orders.c */
    struct metric *repeats, *faults;
    struct {
        int64_t second;
        int64_t count;
    } made[60]; /* new orders by second */
};

struct live_order *orders_find(const struct core *core, const char *order_id);
struct live_order *orders_track_row(struct core *core, const struct order *order);
void orders_untrack(struct core *core, struct live_order *live);
/* orders_seen.c: the row as the log has it (NULL: gone, or final) ... */
void orders_see(struct core *core, const char *order_id, const struct order *row);
void orders_see_untracked(struct core *core, const struct live_order *live);
void orders_see_free(struct orders *orders);
/* ... and the sent_us of an order that somebody else may have sent. */
int64_t orders_sent_by_us(const struct core *core, const struct order *row);
void orders_know_fill(struct live_order *live, const char *fill_id);
/* A report about an order nobody follows. */
void orders_stray(struct core *core, const struct report *report);
/* Fills of an order that were recorded before this process began. */
struct flow *orders_load_fills(struct core *core, const char *order_id, struct waiter to);
#endif
