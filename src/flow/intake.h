/* From accepted signals to stories: who waits for an answer, who waits for a turn. Shared inside
 * this room. */
#ifndef TIDELOCK_FLOW_INTAKE_H
#define TIDELOCK_FLOW_INTAKE_H
#include "base/keyed.h"
#include "flow/flow.h"
#include "flow/flows.h"

struct waiting { /* a signal that waits for its turn or its next try: once, whoever queues it again
                  */
    UT_hash_handle hh;
    char id[ID_SIZE];
};
struct lane { /* one strategy on one instrument: its signals are worked one after the other, exits
                 first */
    UT_hash_handle hh;
    char key[2 * NAME_SIZE + 2];
    const char *lease_key; /* holding.c's */
    struct heap waiting;   /* by signal_priority; value: handle of struct waiting */
    uint64_t active;       /* the last story begun; 0: it has ended */
    size_t stories;        /* under way: those before the last one only wait for their orders */
    bool stalled;          /* in the list of those that may not start yet */
    struct lane *next_stalled;
};
struct ticket { /* somebody who waits for an answer about a signal */
    struct ticket *next;
    struct waiter to;
    struct open_signal *open;
    bool wait_decision, repeat;
    int64_t asked_us, until_us; /* steady */
    uint64_t handle;
};
struct open_signal { /* accepted by this process, and somebody waits */
    UT_hash_handle hh;
    char id[ID_SIZE];
    struct ticket *first, **last;
    bool stored;
    bool enters; /* it comes from the spool */
    bool doubt;  /* it went into the spool while its write was not answered */
};
struct recent {
    UT_hash_handle hh;
    char id[ID_SIZE];
};
struct deferred { /* an answer that must not be given before the asking call returns */
    struct deferred *next;
    struct waiter to;
    struct err err; /* code ERR_OK: accepted */
    char id[ID_SIZE];
    struct intake_answer *answer; /* kept with its signal; NULL: as the book has it */
};
struct intake {
    struct lane *lanes;
    struct lane *stalled;
    struct pool waiting;
    struct waiting *waiting_by_id;
    struct heap retries; /* steady time; handle of struct waiting */
    struct pool tickets;
    struct heap due; /* steady time until which a ticket waits for a decision; its handle */
    struct open_signal *open;
    struct recent *recent, *recent_by_id;
    size_t recent_at;
    struct deferred *deferred, **deferred_last;
    size_t dead;
    struct metric *accepted, *duplicates, *refused, *depth;
};

struct intake *intake_new(struct core *core);
void intake_free(struct intake *intake);
int64_t intake_turn(struct core *core);
/* An answer at the next turn; err NULL: success without a value. */
void intake_defer(struct core *core, struct waiter to, const char *signal_id /* "": none */,
                  const struct err *err);
/* The signal's insert has committed; its decision (NULL: none) has; its insert has failed. */
void intake_stored(struct core *core, const struct signal *signal);
void intake_decided(struct core *core, const struct signal *signal, const struct decision *decision,
                    const char *trace);
void intake_failed(struct core *core, const struct signal *signal, const struct err *err);
/* The signal is durable in the spool; it could not be stored anywhere. */
void intake_spooled(struct core *core, const struct signal *signal);
void intake_unstored(struct core *core, const char *signal_id, const struct err *err);
void intake_committed(struct core *core, const struct change *change);
/* Another instance has written the signal's row: if it is ours to work, it waits its turn here. */
void intake_follow(struct core *core, const char *signal_id, const struct signal *before);
/* The entries that wait here and that an EXIT stored elsewhere closes. */
void intake_supersede(struct core *core, const struct signal *exit);
/* Answers with what the store has of the signal. Story in dead_letter.c. */
void intake_repeat(struct core *core, const char *signal_id, struct waiter to);
/* The same, once it is decided (wherever) or `until_us` (steady) has passed. */
void intake_repeat_decided(struct core *core, const char *signal_id, int64_t until_us,
                           struct waiter to);

/* Its claim is granted, or nobody knows: it is stored, unless it stands by now. */
void intake_go_on(struct core *core, const struct signal *signal);
/* The log tells of a row that was about to be stored here as well: who waits only repeats it.
 * False: nobody does. Then who waits for no decision is answered. */
bool tickets_repeated(struct core *core, const char *id);
void tickets_stand(struct core *core, const struct signal *signal);
void intake_forget(struct core *core, const char *signal_id); /* it does not stand after all */

/* tickets.c */
struct open_signal *tickets_find(const struct core *core, const char *id);
struct open_signal *tickets_open(struct core *core, const char *id);
/* False: no room. */
bool tickets_add(struct core *core, struct open_signal *open, bool repeat, bool wait_decision,
                 int64_t until_us, struct waiter to);
/* Of a repeat whose first one is in the spool, or in a store that cannot be read now. */
void tickets_repeat(struct core *core, const struct signal *first, bool spooled, struct waiter to);
int64_t tickets_turn(struct core *core);
/* The database is away, and whether what was asked of it stands cannot be known: such signals go to
 * the spool as well. Where there is none, who has waited long is asked to send again. */
void tickets_doubt(struct core *core);

/* operators.c: exits for everything open, through the same door as any signal */
void positions_close_all(struct core *core, const char *source);
int64_t
flatten_turn(struct core *core); /* what a flatten halt has not closed yet; the next moment */
/* bars.c */
void markets_free(struct markets *markets);

/* lane.c */
struct lane *lane_of(struct core *core, const char *strategy, const char *instrument);
/* Nothing waits before this signal, and nothing stands in its way. */
bool lane_is_free(struct core *core, const struct lane *lane, const struct signal *signal);
/* Queues a signal that is in the book; starts it if its turn is now. False: no room. */
bool lane_push(struct core *core, const struct signal *signal);
/* The same without starting it from here. */
bool lane_wait(struct core *core, const struct signal *signal);
void lanes_clear(struct core *core); /* nothing waits here any more: it is somebody else's */
void lane_ended(struct core *core, struct lane *lane, uint64_t flow);
void lanes_turn(struct core *core); /* starts what had to wait for the host */
bool lane_retry(struct core *core, const char *signal_id, int64_t at_us /* steady */);
int64_t lanes_retry_turn(struct core *core);             /* queues what is due; the next moment */
void lanes_hurry(struct core *core, const char *reason); /* whoever waits for that is due now */
/* Waiting entries that this EXIT closes, up to room. */
size_t lane_superseded(struct core *core, const struct signal *exit, const struct signal **out,
                       size_t room);
bool core_may_start(const struct core *core, const struct signal *signal);

/* trade_signal.c. fresh: the row is not in any write yet; the story's first write carries it. */
struct flow *trade_begin(struct core *core, struct lane *lane, const struct signal *signal,
                         bool fresh);
bool trade_is_settling(struct core *core, uint64_t flow); /* its orders are with the broker */
#endif
