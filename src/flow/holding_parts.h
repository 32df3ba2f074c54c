/* What the files about keys share; nobody else's business. */
#ifndef TIDELOCK_FLOW_HOLDING_PARTS_H
#define TIDELOCK_FLOW_HOLDING_PARTS_H
#include "flow/holding.h"
#include "flow/intake.h"

enum holding_state { HOLDING_NONE, HOLDING_TAKING, HOLDING_OPEN };
struct holding {
    UT_hash_handle hh;
    char key[112];
    char instrument[NAME_SIZE]; /* "": the leader's key */
    enum holding_state state;
    uint64_t flow;
    bool wanted, tried;
    bool looking;      /* the lease is ours: its orders are ours to look after */
    int64_t since_us;  /* wall: when it was opened last */
    int64_t again_us;  /* steady: not before */
    int64_t orphan_us; /* steady: since when something waits that nobody owns; 0: nothing */
};
struct holdings {
    struct holding *all; /* by key */
    struct holding *leader;
    size_t wanted; /* how many keys are: a turn need not look through a thousand that are not */
    int64_t off_us, led_us; /* steady */
    unsigned losses;
    uint64_t waiting; /* a takeover that wants to know whether we lead */
    int64_t adopt_us; /* steady: when orphans are looked for */
    struct metric *held, *leads;
};
struct owed { /* rows of one key, copied: what is begun for them moves the book */
    const struct core *core;
    const struct holding *holding; /* NULL: of all */
    struct order *orders;
    size_t order_count, order_room;
    struct signal *signals;
    size_t signal_count, signal_room;
};

/* Live orders and unfinished signals. */
struct owed hold_owed(struct core *core, const struct holding *holding);
void hold_let_go(struct owed *owed);
void hold_want(struct core *core, struct holding *holding, bool wanted);
/* Takes the key. Story in hold_key.c. */
void hold_begin(struct core *core, struct holding *holding);
#endif
