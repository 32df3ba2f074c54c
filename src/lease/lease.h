/* Leases: who may act for what, with a term. Correctness never rests on them alone: the store
 * checks term and key in every fenced write.
 *
 * A process first joins: it becomes a member of the instances on this store and gets the term that
 * everything it writes carries. A key ("leader", "instrument:NIFTY") then belongs to at most one
 * living member; it is kept until it is released, its holder leaves, or its holder is taken for
 * dead. A holder that cannot give signs of life stops by its own steady clock before anybody else
 * may take it for dead.
 *
 * Bodies: lease_store (the truth, in rows and beats), lease_redis (a hint in front of another body:
 * it may lie, forget, hang or be away, and only speed changes). */
#ifndef TIDELOCK_LEASE_LEASE_H
#define TIDELOCK_LEASE_LEASE_H
#include "base/chance.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/wait.h"

#define LEASE_KEY_SIZE 112

struct member;
struct lease_grant {
    char key[LEASE_KEY_SIZE];
    int64_t term;
    int64_t deadline_us; /* steady; as of now: held() tells the present one */
};
struct lease;
struct lease_ops {
    /* value: const int64_t * term, committed. LATER while the database is away */
    void (*join)(struct lease *l, struct waiter to);
    /* Hands over at once: membership ends in the log, and the leader's key and those of instruments
     * belong to others who give signs of life, by name; held() is false from the call on. With an
     * error they end when the others notice. */
    void (*leave)(struct lease *l, struct waiter to);
    /* value: const struct lease_grant *. BUSY (LATER): a living member has it; CLOSED: not joined;
     * a key that is held is granted at once */
    void (*acquire)(struct lease *l, const char *key, struct waiter to);
    void (*release)(struct lease *l, const char *key);
    /* key NULL: membership itself. False, too, while no sign of life could be given for too long;
     * what nobody took meanwhile is held again after. */
    bool (*held)(const struct lease *l, const char *key, int64_t *deadline_us);
    /* Beats, observes, answers; returns the steady time of the next thing to do. */
    int64_t (*turn)(struct lease *l);
    /* As kill -9: nothing is written; leave first for a handover. After the store is closed. */
    void (*close)(struct lease *l);
};
struct lease {
    const struct lease_ops *ops;
    /* What was held is held by somebody else, or may be: everything done for it ends. */
    void (*on_lost)(void *ctx, const char *key /* NULL: membership, and with it every key */);
    /* Another was taken for dead by us: its row as it is now. Those that others wrote are told by
     * the log. May be NULL. */
    void (*on_died)(void *ctx, const struct member *member);
    void *lost_ctx;
};
static inline void lease_join(struct lease *l, struct waiter to)
{
    l->ops->join(l, to);
}
static inline void lease_leave(struct lease *l, struct waiter to)
{
    l->ops->leave(l, to);
}
static inline void lease_acquire(struct lease *l, const char *key, struct waiter to)
{
    l->ops->acquire(l, key, to);
}
static inline void lease_release(struct lease *l, const char *key)
{
    l->ops->release(l, key);
}
static inline bool lease_held(const struct lease *l, const char *key, int64_t *deadline_us)
{
    return l->ops->held(l, key, deadline_us);
}
static inline int64_t lease_turn(struct lease *l)
{
    return l->ops->turn(l);
}
static inline void lease_close(struct lease *l)
{
    if (l)
        l->ops->close(l);
}

struct book;
struct store;
struct lease_store_options {
    struct store *store;
    const struct clock *clock;
    struct log *log;         /* NULL: none */
    struct metrics *metrics; /* NULL: none */
    struct chance *chance;   /* jitter of what is tried again */
    /* The host's: member and lease rows are read from it and, when written here, put into it;
     * foreign events are applied to it by the host. */
    struct book *book;
    const char *name, *address, *build; /* copied; NULL: empty */
    bool sole; /* the database can be ours alone: joining ends all other members, keys need no rows
                */
    int64_t ttl_us;   /* 0: 10 s. Another member is taken for dead after 1.5 times */
    int64_t watch_us; /* how often a sign of life is given, sessions and beats of others are looked
                         at; 0: 100 ms */
};
struct lease *lease_store_open(const struct lease_store_options *options);

struct hints; /* lease/hints.h */
struct lease_redis_options {
    struct lease *inner; /* decides; is closed with this one */
    struct hints *hints; /* closed before, so that nothing is under way */
    const struct clock *clock;
    struct book *book; /* the host's: who lives, who owns what */
    struct metrics *metrics;
    int64_t ttl_us;     /* of "leader" in Redis; 0: 10 s. Renewed at a third */
    int64_t key_ttl_us; /* of any other key; 0: 10 s */
};
struct lease *lease_redis_open(const struct lease_redis_options *options);

#endif
