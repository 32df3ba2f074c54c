/* What every story needs, in one place: filled by host.c in life, by the backtest and by the
 * simulator alike, so that all three run the same stories on different clocks, stores and brokers.
 */
#ifndef TIDELOCK_FLOW_CORE_H
#define TIDELOCK_FLOW_CORE_H
#include "base/calendar.h"
#include "base/chance.h"
#include "base/heap.h"
#include "base/pool.h"
#include "broker/broker.h"
#include "lease/lease.h"
#include "policy/policy.h"
#include "store/store.h"
#include "trade/exchange.h"
#include "trade/signal.h"

struct flow_runner;
struct intake;
struct recorder;
struct orders;
struct statistics;
struct markets;
struct gathered;
struct exits;
struct protect;
struct match;
struct roll;
struct follow;
struct holdings;
struct away;
struct claims;
struct failovers;
struct claiming;
struct spool;
enum core_mode {
    MODE_SINGLE,         /* the database is ours alone */
    MODE_ACTIVE_ACTIVE,  /* all trade, each instrument with one of them */
    MODE_ACTIVE_PASSIVE, /* the leader trades, the others stand by and store */
};
struct core_options {
    const char *instance;
    enum core_mode mode;
    int64_t failover_target_us; /* default 30 s */
    struct staleness staleness;
    struct rails rails;
    struct instruments instruments;
    size_t
        queue_max; /* signals accepted and not final; beyond it entries get FULL; default 20,000 */
    size_t flow_max;    /* stories at once; default 4,096 */
    unsigned retry_max; /* attempts before a signal is dead; default 5 */
    int64_t retry_base_us, retry_cap_us;
    int64_t statistics_every_us; /* default 5 s */
    size_t statistics_every;     /* default 1,000 signals */
    const char *day_zone;        /* trading days begin at its midnights; NULL: UTC */
    const char *currency;        /* of an account that is opened; NULL: none is named */
    int64_t order_deadline_us;   /* wait for the broker's first answer; default 10 s */
    int64_t unknown_alert_us;    /* default 30 s */
    struct closed_days calendar; /* holidays beyond the built-in ones */
    struct {
        int64_t every_us; /* default 5 min */
        bool lots_bounded, drift_bounded;
        struct decimal max_lots, max_drift; /* when bounded; drift is only reported else */
        bool dry_run;
    } reconcile;
    int64_t rollover_every_us; /* default 1 min */
    struct {
        int64_t stop_orders_us, cancel_orders_us, close_positions_us, flush_us, close_us;
        bool close_positions;
    } wind_down;
    const char *const *protect; /* strategies whose positions have a stop at the broker */
    size_t protect_count;
    bool record_trace; /* decisions keep their trace; default true, false in fast backtests */
};
/* Everybody interested in what happened (dashboard, embedding, tests): called after the commit. */
struct core_listener {
    void (*on_event)(void *ctx, const struct store_event *event);
    void *ctx;
    struct core_listener *next;
};

struct core {
    struct core_options options;
    const struct clock *clock;
    struct chance chance;
    struct log *log;
    struct metrics *metrics;
    struct store *store;
    struct broker *broker;
    struct lease *lease;
    struct policies *policies;
    struct prices prices;
    struct book *book;  /* as submitted: see record.h of this room */
    struct book *stats; /* statistics rows */
    struct flow_runner *runner;
    struct intake *intake;
    struct recorder *recorder;
    struct orders *orders;
    struct statistics *statistics;
    struct markets *markets;
    struct gathered *gathered; /* facts.c: what the book said last */
    struct exits *exits;
    struct protect *protect;
    struct match *match;
    struct roll *roll;
    struct follow *follow;     /* what others write */
    struct holdings *holdings; /* keys that are ours */
    struct away *away;         /* while the database is away */
    struct spool *spool;       /* the host's; NULL: none. Closed after the store */
    struct failovers *failovers;
    struct claims *claims;     /* NULL: there is nobody to ask. The host's */
    struct claiming *claiming; /* signals whose claim is asked for */
    struct str trace;          /* scratch of decisions */
    struct core_listener *listeners;
    enum halt_level halt; /* as committed; halt_now() is the stricter of this and what is asked */
    enum halt_level halt_pending; /* the strictest that is asked and not yet written */
    unsigned halts_pending;
    bool halt_writing;
    int64_t term;      /* 0: none yet; nothing fenced may happen */
    bool reconciled;   /* the takeover is over: what is held was matched with the broker */
    bool own_known;    /* exits and the broker's body were told of the orders that have ended, and
                          are told of each that ends, whoever worked it */
    struct zone *zone; /* of day_zone */
    struct {
        int64_t from_us, until_us; /* the trading day looked at last */
        int64_t followed_us;       /* the day that the account's row is known to have begun */
        int64_t again_us;          /* steady: no new day is written before */
    } day;
    struct { /* who led before us, as the log told it */
        int64_t term, lost_us, noticed_us;
        char name[NAME_SIZE], reason[REASON_SIZE];
    } led;
    int64_t due_us;    /* steady: of what the last turn left to be done by time */
    int64_t rejoin_us; /* steady: when an instance that was taken for dead joins again */
    bool taking_over;
    int64_t resync_us; /* steady: the book, suspected to be wrong, is not read again before */
    /* steady: while flattened, positions that stay open are closed again then */
    int64_t flatten_us;
    bool closing_positions; /* the part of shutting down that may still send: orders that reduce */
    bool draining;          /* shutting down: no new orders, intake answers CLOSED */
};
#endif
