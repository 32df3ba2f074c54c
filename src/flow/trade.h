/* What the files of the story trade_signal share. */
#ifndef TIDELOCK_FLOW_TRADE_H
#define TIDELOCK_FLOW_TRADE_H
#include "flow/intake.h"
#include "trade/layers.h"

enum { TRADE_ORDERS_MAX = 12 };
enum outcome {
    OUTCOME_WORK,  /* accepted: there are orders */
    OUTCOME_FINAL, /* the decision ends the signal */
    OUTCOME_RETRY, /* a passing reason: again later */
};
struct trade {
    struct lane *lane;
    struct arena *arena;         /* of the story: what is only sometimes needed, and longer texts */
    struct signal before, after; /* the row as it stands, and as the decision leaves it */
    bool fresh;                  /* no write carries the row yet */
    bool adopted;                /* decided before this process began: only its orders are left */
    bool decided;                /* `decision` is filled */
    enum outcome outcome;
    struct decision decision;
    const char *trace; /* of the decision: JSON, or NULL */
    struct order *orders[TRADE_ORDERS_MAX];
    bool begun[TRADE_ORDERS_MAX];
    size_t order_count, children;
    int64_t right_until_us; /* steady */
    int64_t retry_in_us;
    bool retry_counts; /* towards retry_max */
};

/* decide.c: facts in, everything but the write out. Never waits. */
void trade_decide(struct core *core, struct trade *trade);
/* One more of its orders, to be filled. */
struct order *trade_new_order(struct trade *trade);
/* facts.c: what a policy sees of one strategy on one instrument; pointers into the book,
 * `positions` and `portfolio` are the caller's. */
void facts_gather(struct core *core, const char *strategy, const char *instrument,
                  const struct position **positions, size_t room, struct portfolio *portfolio,
                  struct facts *facts);
void facts_forget(struct core *core);
/* stops.c: moves the stops of open layers that the wish names, as far as they may be moved */
void stops_move(struct core *core, const struct facts *facts, const struct bar_stop *wish);
/* send_order.c */
int64_t order_validity_us(const struct core *core);
/* rules.c: what the state of positions allows, before any policy is asked. */
struct verdict_of {
    enum signal_state state;
    const char *gate;
    char reason[REASON_SIZE];
};
bool rules_allow(const struct core *core, const struct signal *signal, struct verdict_of *no);
/* Open layers an EXIT closes, with the lots of each that are not being closed already. */
size_t rules_layers(const struct core *core, const struct signal *exit, struct layer_lots *out,
                    size_t room);
/* Lots of entries on their way on the instrument. */
struct decimal rules_pending(const struct core *core, const char *instrument);
bool rules_unresolved(const struct core *core, const char *instrument, bool *unknown);
#endif
