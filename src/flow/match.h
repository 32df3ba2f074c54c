/* What the files of the story match_books share. */
#ifndef TIDELOCK_FLOW_MATCH_H
#define TIDELOCK_FLOW_MATCH_H
#include "flow/flow.h"
#include "flow/flows.h"
#include "trade/reconcile.h"

enum { DIFFERENCES_MAX = 64, BLOCKED_MAX = 128, ACCEPTED_MAX = 32 };

/* ---- look_books.c: one look at the broker's book ---- */

enum look_part { LOOK_ORDERS, LOOK_POSITIONS, LOOK_BALANCE, LOOK_PARTS };
extern const char *const look_part_names[LOOK_PARTS];
struct look {
    struct core *core;
    struct their_book theirs;
    char failed[LOOK_PARTS][160]; /* why a part is not known; "": it is */
    char (*standing)[ID_SIZE];    /* open there, final here */
    size_t standing_count;
    struct difference *absent; /* rested by our book, and the broker does not know them */
    size_t absent_count;
    size_t settled;       /* orders whose end was learnt by asking */
    char (*ids)[ID_SIZE]; /* being asked about */
    size_t id_count, at, children;
    uint64_t learnt; /* writes asked when the last of them was */
    bool moving;     /* an order is too young to show there */
    bool doubt;      /* an order could not be asked about: lots are not compared */
};
/* Value of its answer: const struct look *. It always succeeds: what failed stands in `failed`. */
struct flow *look_begin(struct flow *parent);
/* Everything but the comparison is the host's: which instruments are configured, who owns what. */
struct reconcile_options match_options(struct core *core, const struct look *look);

/* ---- match_books.c ---- */

struct decided {
    struct difference difference;
    enum match_action action;
    const char *by; /* "policy", "default", "guard", "operator" */
    char reason[REASON_SIZE];
    bool applied, blocks;
};
struct matching {
    const char *trigger;
    bool dry_run;
    unsigned pays;    /* what was owed when it began */
    struct waiter to; /* hears the report as text */
    struct decided *list;
    size_t count; /* at most DIFFERENCES_MAX; `found` may be more */
    size_t found;
    size_t looks, at, tries;
    uint64_t asked;            /* writes, when it began */
    bool whole;    /* the broker told all that was asked */
    bool unstored; /* the log does not have it, so it counts for nothing */
    bool moving;               /* some lots were on their way at the last look */
    struct difference *before; /* of the look before */
    size_t before_count;
    char failed[LOOK_PARTS][160];
    size_t open_orders, orders_cancelled, orders_settled, positions_synced;
    struct decimal drift;
};
struct match {
    bool running;
    bool blind; /* the broker's orders or positions are not known: nothing that adds risk */
    bool ran;   /* a look was complete since the start */
    /* Comparisons that takeovers ask for: entries wait until the log has one that began later. */
    unsigned owed, paid;
    /* Steady: when the newest look, whoever's, was whole, found nothing and nothing moving; 0: none
     * did, or a later one found something. Told by the log. */
    int64_t clean_us;
    int64_t recalling; /* the end of the log when what was accepted is asked for */
    int64_t told_seq;  /* of the newest report of another instance */
    int64_t next_us;   /* steady */
    unsigned blind_times;
    struct str report; /* the last one, as JSON; empty: none yet */
    size_t open_count; /* differences that are not settled */
    int64_t at_us;
    struct {
        char instrument[NAME_SIZE];
        char why[REASON_SIZE];
    } blocked[BLOCKED_MAX];
    size_t blocked_count;
    bool blocks_all;                          /* more are blocked than there is room for */
    struct difference accepted[ACCEPTED_MAX]; /* a person has seen them */
    size_t accepted_count;
    int64_t recalled; /* seq of the last acceptance that was read */
    struct difference open[DIFFERENCES_MAX];
    struct metric *runs, *differences;
};
struct match *match_new(struct core *core);
void match_free(struct match *match);
int64_t match_turn(struct core *core);
#define MATCH_EVENT "reconciliation.done"
/* Another instance's report, as the event tells it, now or when it is read later. */
void match_follow(struct core *core, const struct event *event, struct arena *arena);

/* ---- match_apply.c: one action, step by step. Looks at what is, does the next thing, and says
 * whether to wait for its answer; then it is asked again. ---- */
enum applying { APPLY_WAIT, APPLY_DONE, APPLY_FAILED };
enum applying match_apply(struct flow *flow, struct decided *decided, unsigned turn,
                          const struct err *err);

/* ---- match_accept.c ---- */
bool match_is_accepted(const struct match *match, const struct difference *d);
enum step_result match_recall(struct flow *flow);
enum step_result match_recall_answer(struct flow *flow, const struct err *err, const void *value);

/* ---- match_report.c ---- */
void match_print(struct core *core, const struct matching *matching, struct str *out);
#endif
