/* The simulator: hosts, store, broker, leases and senders in one process, moved by one seed.
 *
 * A host dies by becoming deaf and dumb: from the crash point on nothing it asks gets out and
 * nothing reaches it; when its stack has unwound it is taken down and another is started on what
 * the store and the broker kept. */
#ifndef TIDELOCK_TESTS_SIM_H
#define TIDELOCK_TESTS_SIM_H
#include "broker/paper.h"
#include "flow/flows.h"
#include "store/store_bodies.h"

enum { HOSTS = 4, SIGNALS_MAX = 40, INSTRUMENTS = 3, STRATEGIES = 2, ENTRIES_MAX = 5 };

struct world;
struct host;
struct proxy_store {
    struct store store;
    struct host *host;
    size_t unanswered; /* writes and terms */
    size_t questions;  /* reads */
    size_t beats;
};
struct proxy_broker {
    struct broker broker;
    struct host *host;
    size_t unanswered;
};
enum life { LIFE_NONE, LIFE_STARTING, LIFE_TRADING, LIFE_STOPPING, LIFE_STOPPED, LIFE_FAILED };
struct held; /* something that happens when a paused host goes on */
struct host {
    struct world *world;
    int index;
    uint64_t number; /* which start it is: answers to earlier ones are dropped */
    enum life life;
    bool dying; /* past its crash point */
    bool paused;
    struct core core;
    struct proxy_store store;
    struct proxy_broker broker;
    struct held *held, **held_last;
    int64_t next_us, resume_us;
    /* of one among several: */
    struct store *handle; /* on the log; the world's own when there is one host at a time */
    struct clock_sim clock;
    int64_t rate, skew_us; /* per mille of the world's clock; of the wall */
    int64_t restart_us, session_us;
    int64_t doubt_us, patience_us; /* the store says nothing until then; refuses from then on */
    bool doubted;                  /* ever: a shutdown may have waited too long for it */
};

struct sent { /* one signal of the workload, and its sender's memory */
    struct signal row;
    int64_t due_us;      /* steady: when it is sent next; INT64_MAX: never again */
    int64_t patience_us; /* of the request under way */
    unsigned tries, repeats;
    uint64_t request; /* number of the request under way; 0: none */
    bool accepted;    /* a 2xx came back */
};

struct claim_mark { /* which start of a host has claimed a signal; 0: none */
    uint64_t host;
    int64_t until_us;
};
struct plan { /* what a schedule does; all from the seed, or one crash point by number */
    uint64_t seed;
    size_t signals;
    uint32_t people, clock_jump, broker_fault, commit_fail, crash, pause, partial, reject,
        wind_down, split /* per mille */;
    bool two_hosts, orderly /* no chance at all: the same steps each time */;
    int64_t crash_at; /* crash point to die at; -1: none */
    bool crash_keeps; /* what was asked of the store is committed, not lost */
    bool lives_on;    /* whoever lives when the faults end is not restarted */
    bool shut_down;   /* an orderly run ends with a shutdown in the middle */
    unsigned crashes_max;
    /* several at once: */
    int hosts; /* 0: one at a time */
    enum core_mode mode;
    uint32_t hint_lies, session_lies, freeze, late, money, doubt, twins; /* per mille */
    bool clock_rates, rails, bursts;
};

struct world {
    struct plan plan;
    struct chance chance;   /* what happens */
    struct chance faults;   /* what goes wrong */
    struct clock_sim clock; /* of the hosts: its wall may jump */
    struct clock_sim broker_clock;
    struct store *store;
    struct broker *paper;
    struct host hosts[HOSTS];
    struct arena arena; /* what lives as long as the world */
    struct sent sent[SIGNALS_MAX];
    struct claim_mark claimed[SIGNALS_MAX];
    uint64_t requests, starts;
    int64_t points; /* crash points passed */
    unsigned crashes;
    bool resumed; /* the halt of the time of faults was ended */
    bool quiet;   /* the time of faults is over */
    bool clustered;
    struct decimal price[INSTRUMENTS];
    struct str report; /* what is wrong; empty: nothing */
    struct str *trace; /* NULL: not kept */
    int null_fd;       /* where log lines go after they were noted */
    int64_t steps;
    int64_t restart_us;              /* steady: when a dead host comes back */
    int64_t cross_us;                /* steady: when prices swing next, once the faults are over */
    int crossed;                     /* how often they did */
    int64_t entered_us[SIGNALS_MAX]; /* steady: when entries left, each for the first time */
    size_t entered;
};

extern struct policies *sim_policies;
extern const struct instruments sim_instruments;
extern const char *const sim_strategy_names[STRATEGIES];
bool sim_setup(struct err *err);
void sim_teardown(void);

/* world.c */
void world_run(const struct plan *plan, struct str *trace, struct str *report, int64_t *points);
__attribute__((format(printf, 2, 3))) void world_note(struct world *world, const char *format, ...);
__attribute__((format(printf, 2, 3))) void world_fault(struct world *world, const char *format,
                                                       ...);
bool chances(struct world *world, uint32_t permille);

/* One round of everything. */
void world_round(struct world *world);
void world_end_faults(struct world *world);
/* In the time after, each round: resting limit orders on either side find their price. */
void world_cross(struct world *world);

/* cluster.c: several hosts on one log */
struct lease *cluster_hint(struct host *host, struct lease *inner);
void cluster_set_clock(struct host *host);
void cluster_advance(struct world *world, int64_t by_us);
void cluster_tend(struct world *world);
void cluster_turn_store(struct world *world);
void cluster_quiet(struct world *world);
void cluster_shutdown(struct world *world);

/* claims.c */
struct claims *claims_sim_open(struct host *host);
int64_t claims_turn(struct host *host);

/* host.c */
void host_start(struct world *world, struct host *host);
void host_take_down(struct host *host);
bool host_listens(const struct host *host);
bool host_is_idle(const struct host *host);
void host_turn(struct host *host);
void host_stop(struct host *host); /* an orderly shutdown begins */
/* A crash point of the host: true when it dies here. */
bool host_point(struct host *host, const char *what);

/* proxy.c */
void proxy_init(struct host *host);
void proxy_resume(struct host *host); /* what was held up happens now */

/* sender.c */
void sender_plan(struct world *world);
void sender_turn(struct world *world);
int64_t sender_next_us(const struct world *world);

/* operator.c */
void operator_turn(struct world *world); /* somebody halts, resumes, deposits, takes back, drops */
void operator_resume(struct world *world);

/* Events that were committed in all schedules, by kind: what is never seen is not tested. */
void seen_event(const char *kind);

/* oracle.c */
void oracle_check(struct world *world);
void oracle_host(struct host *host); /* at rest: what it believes is what the store has */
void oracle_placed(struct world *world, const struct right_to_send *right);
#endif
