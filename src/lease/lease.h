/* Leases: mutual exclusion with a term. Correctness never rests on a lease alone: the term is
 * checked in every fenced write. Bodies: lease_mem (one process: the embedded mode and the
 * simulator); Redis and database bodies join later. */
#ifndef TIDELOCK_LEASE_LEASE_H
#define TIDELOCK_LEASE_LEASE_H
#include "base/clock.h"
#include "base/wait.h"

struct lease_grant {
    char key[112];
    int64_t term;
    int64_t deadline_us; /* steady clock: stop acting before this */
};
struct lease;
struct lease_ops {
    void (*acquire)(struct lease *l, const char *key, int64_t ttl_us,
                    struct waiter to); /* value: const struct lease_grant *; BUSY/LATER when held */
    void (*release)(struct lease *l, const char *key);
    bool (*held)(const struct lease *l, const char *key,
                 int64_t *deadline_us); /* by us, and not past its deadline */
    void (*turn)(struct lease *l);      /* gives answers, renews at a third of the TTL */
    void (*close)(struct lease *l);
};
struct lease {
    const struct lease_ops *ops;
};
static inline void lease_acquire(struct lease *l, const char *key, int64_t ttl_us, struct waiter to)
{
    l->ops->acquire(l, key, ttl_us, to);
}
static inline void lease_release(struct lease *l, const char *key)
{
    l->ops->release(l, key);
}
static inline bool lease_held(const struct lease *l, const char *key, int64_t *deadline_us)
{
    return l->ops->held(l, key, deadline_us);
}
static inline void lease_turn(struct lease *l)
{
    l->ops->turn(l);
}
static inline void lease_close(struct lease *l)
{
    if (l)
        l->ops->close(l);
}

/* One process owns everything; a "term" is the store's, handed in. Several lease_mem handles may
 * share one table (simulation). */
struct lease_mem_table;
struct lease_mem_table *lease_mem_table_new(void);
void lease_mem_table_free(struct lease_mem_table *table);
struct lease *lease_mem_open(struct lease_mem_table *table /* NULL: its own */, const char *holder,
                             const struct clock *clock);
/* As kill -9 of the holder: the handle is gone, what it held stands until its time runs out. */
void lease_mem_abandon(struct lease *lease);
#endif
