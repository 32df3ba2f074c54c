/* The stories and how they are begun. Each is an array of steps in its own file; this header is
 * what the rooms above may call. */
#ifndef TIDELOCK_FLOW_FLOWS_H
#define TIDELOCK_FLOW_FLOWS_H
#include "flow/core.h"
#include "trade/import.h"

/* Sets up runner, intake, memory; the parts must be open. The book is loaded (store_load_book)
 * before take_over_begin, before or after this. The store and the broker must be closed, or forget
 * their waiters, before core_stop. */
bool core_start(struct core *core, struct err *err) MUST_CHECK;
void core_stop(struct core *core); /* frees what core_start made; open flows are dropped (their rows
                                      tell where to go on) */
/* Turns everything that is due: timers, answers, queues. To be called after whatever else happened
 * in a turn of the loop. Returns the steady time of the next thing to do (INT64_MAX: nothing). */
int64_t core_turn(struct core *core);

/* ---- intake ---- */
enum intake_status { INTAKE_ACCEPTED, INTAKE_DUPLICATE, INTAKE_DECIDED };
struct intake_answer {
    enum intake_status status;
    const struct signal *signal;
    const struct decision *decision; /* NULL: not yet */
    const char *trace;               /* of a decision made now: JSON; else NULL */
    bool spooled; /* on this host's own disk: the database is away. No decision yet */
    bool stale;   /* of a repeat: what became of the first one cannot be read now */
};
/* A validated signal (signal_read). The waiter is answered once the signal is durable (value:
 * struct intake_answer), or, with wait_decision, once it is decided or `wait_until_us` (steady) has
 * come, whichever is first. A repeat is answered with the first one's row and decision. Errors:
 * FULL (LATER) when the queue is full (never for an EXIT), CLOSED, or the store's. */
void intake_submit(struct core *core, const struct signal *signal, bool wait_decision,
                   int64_t wait_until_us, struct waiter to);
/* A signal that stands already (store_load_book tells the newest ones): its repeats are not even
 * tried. */
void intake_seen(struct core *core, const char *signal_id);
/* A spooled signal, now that the database is back: it becomes an ordinary received one. Answered
 * without an error when it stands, whoever stored it. */
void intake_enter(struct core *core, const struct signal *signal, struct waiter to);
/* Dead letters: back to the queue, or dropped. Error NOT_FOUND / CONFLICT when it is not dead. */
void intake_retry(struct core *core, const char *signal_id, const char *who, struct waiter to);
void intake_drop(struct core *core, const char *signal_id, const char *who, const char *reason,
                 struct waiter to);
struct intake_depth {
    size_t waiting, working, retrying, dead;
};
struct intake_depth intake_depth(const struct core *core);

/* A signal id that the store knows already: what store_load_book tells after core_start and before
 * take_over_begin. */
void intake_seen(struct core *core, const char *signal_id);

/* ---- bars ---- */
/* A closed bar: prices to the paper broker are the caller's matter; runs on_bar of every strategy
 * that trades it; its signals enter through intake. */
void bars_feed(struct core *core, const char *instrument, const struct bar *bar);

/* ---- operators ---- */
void halt_set(struct core *core, enum halt_level level, const char *who, const char *why,
              struct waiter to); /* resume is HALT_NONE; why is required */
enum halt_level halt_now(const struct core *core);
void account_deposit(struct core *core, struct decimal amount, const char *who,
                     struct waiter to); /* negative: withdrawal */
/* Has an order cancelled: answered when that is recorded; the order's own end tells what became of
 * it. CONFLICT: it is over, or just leaving. */
void order_cancel(struct core *core, const char *order_id, const char *who, const char *why,
                  struct waiter to);
/* Changes a resting order at the broker; what is absent stays. Answered when it is done. */
void order_amend(struct core *core, const char *order_id, struct decimal quantity,
                 struct decimal limit_price, struct decimal stop_price, struct waiter to);
/* Ends an UNKNOWN order by a person's evidence. As FILLED it takes the price, and the quantity when
 * that is less than what was left: then the rest is cancelled. */
struct resolution {
    enum order_state as;
    const char *who, *why;
    struct decimal quantity, price; /* FILLED; quantity bad: all that was left */
};
void order_resolve(struct core *core, const char *order_id, const struct resolution *told,
                   struct waiter to);
/* Positions that exist elsewhere enter the book, all or none: as orders and fills that are recorded
 * and never sent. What stands already changes nothing. The list was read by import_read with the
 * faults given, and holds at least one. Value: const struct import_result *; nothing was done while
 * it has faults, or on a dry run. CONFLICT: another instance trades one of the instruments, or
 * something is on its way there. */
struct import_result {
    size_t count, stand;
    const struct imported *list;
    const bool *stands; /* list[i] was in the book before */
    const struct signal_faults *faults;
    bool dry_run;
};
void positions_import(struct core *core, const struct imported *list, size_t count,
                      const struct signal_faults *faults, const char *root, bool dry_run,
                      const char *who, struct waiter to);
/* Records that a policy version went live, was refused or rolled back. */
void policy_record(struct core *core, const struct policy_version *version, struct waiter to);

/* ---- reconciliation ---- */
/* Compares our book with the broker's and puts right what may be put right; at a start and after a
 * takeover before trading, then on its schedule. Answered when it is over, whatever came of it.
 * False: it is under way already, or there is no room. */
bool match_begin(struct core *core, const char *trigger, struct waiter to);
/* On demand; value: the report, const char * of JSON. A dry run decides and does nothing. */
void match_now(struct core *core, bool dry_run, struct waiter to);
/* A takeover goes on before the books were compared: entries wait until they have been, from now on
 * and by this instance; exits do not. */
void match_owe(struct core *core);
/* Whether a takeover may go on before the books are compared again, as match_owe says: it stood
 * by all the time, and a comparison in the log, not older than a leader trusts its own, found
 * nothing at all. What was ordered since has a row, and every such order is asked about. */
bool match_is_vouched(const struct core *core);
/* The last report; "": none yet. */
const char *match_report(const struct core *core);
struct match_view {
    bool running, blind, ran;
    size_t open, blocked;
    int64_t at_us;
};
struct match_view match_now_view(const struct core *core);
/* The broker's orders or positions are not known: nothing that adds risk may be done. */
bool match_is_blind(const struct core *core);
#define MATCH_UNKNOWN "the broker's book is not known" /* why an entry is tried again */
/* An open difference keeps entries away from the instrument; `why` gets the sentence. */
bool match_blocks(const struct core *core, const char *instrument, char why[REASON_SIZE]);
/* A person has seen the differences of an instrument and lets entries pass while they stay as they
 * are; until the next start. */
/* A rollover that failed is tried once more, when its strategy says so again. */
void rollover_retry(struct core *core, const char *position_id, const char *who, const char *why,
                    struct waiter to);
void match_accept(struct core *core, const char *instrument, const char *who, const char *why,
                  struct waiter to);
/* ---- many instances ---- */
/* This instance does what is done once: statistics, the trading day, orphans; in single and
 * active_passive also all trading. */
bool core_is_leader(const struct core *core);

struct failovers_view { /* changes of leadership: from the last sign of life of who led to the next
                           one trading */
    size_t count;       /* of the last five */
    int64_t average_us; /* theirs */
    const struct failover *last; /* NULL: none yet */
    int64_t target_us;
};
struct failovers_view failovers_now(const struct core *core);

/* ---- the database is away ---- */
struct away_view {
    bool away;
    int64_t since_us, away_us; /* wall time; duration */
    bool spools, spool_ok;     /* there is a spool; its disk works */
    size_t spooled;            /* signals that wait in it */
    char text[160];            /* of the spool */
};
/* Whether the database does not take writes: the book in memory may be behind. */
bool core_away(const struct core *core, struct away_view *view);

/* ---- start, stop ---- */
/* After core_start: joins, which gives a term; takes what nobody else has, matches its orders that
 * are not final against the broker (query before anything), adopts unfinished signals, then allows
 * trading. Answered when trading is allowed, or somebody else does it and we stand by. */
void take_over_begin(struct core *core, struct waiter to);
/* The five steps of shutdown, logged 1/5 ... 5/5; answered at the end with REFUSED/TIMEOUT when a
 * step did not finish. The caller closes the store. */
void wind_down_begin(struct core *core, struct waiter to);
void wind_down_force(struct core *core); /* the second signal */
void statistics_save(struct core *core, struct waiter to);

/* ---- seeing it ---- */
struct flow_view {
    const char *story, *step, *subject;
    int64_t since_us, deadline_us;
};
size_t flows_list(const struct core *core, struct flow_view *out, size_t room);
void portfolio_now(const struct core *core, struct portfolio *out);
#endif
