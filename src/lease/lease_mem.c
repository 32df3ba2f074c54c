/* Leases inside one process: the embedded mode, the backtest and the simulator. Several handles on
 * one table are several instances; time is the steady clock they share.
 *
 * A holder acts until the deadline it was told; the table keeps the lease a little longer (GRACE),
 * so that nobody is granted it while its last holder may still act. */
#include "lease/lease.h"
#include "base/mem.h"
#include "base/str.h"
#include <string.h>

#define uthash_malloc(size) mem_alloc(size)
#define uthash_free(memory, size) mem_free(memory)
#include <uthash.h>

enum { GRACE_SHARE = 10 /* a tenth of the time to live */ };

struct entry { /* one key, whoever holds it */
    UT_hash_handle hh;
    char key[sizeof((struct lease_grant *)0)->key];
    uint64_t holder_id;
    int64_t free_us; /* from then on anybody may have it */
    int64_t term;
};
struct lease_mem_table {
    struct entry *entries;
    uint64_t last_id;
    int64_t last_term;
};
struct held {
    UT_hash_handle hh;
    char key[sizeof((struct lease_grant *)0)->key];
    int64_t ttl_us, deadline_us, renew_us;
};
struct asked {
    struct asked *next;
    char key[sizeof((struct lease_grant *)0)->key];
    int64_t ttl_us;
    struct waiter to;
};
struct lease_mem {
    struct lease lease;
    struct lease_mem_table *table;
    bool own_table;
    const struct clock *clock;
    uint64_t id;
    struct held *held;
    struct asked *first, **last;
    int64_t renew_us; /* the earliest moment a lease wants renewing */
};

struct lease_mem_table *lease_mem_table_new(void)
{
    return mem_alloc(sizeof(struct lease_mem_table));
}

void lease_mem_table_free(struct lease_mem_table *table)
{
    struct entry *entry, *next;
    if (!table)
        return;
    HASH_ITER(hh, table->entries, entry, next)
    {
        HASH_DELETE(hh, table->entries, entry);
        mem_free(entry);
    }
    mem_free(table);
}

static struct lease_mem *mem_of(const struct lease *lease)
{
    return (struct lease_mem *)(uintptr_t)lease;
}

static void acquire(struct lease *lease, const char *key, struct waiter to)
{
    struct lease_mem *mem = mem_of(lease);
    struct asked *asked = mem_alloc(sizeof *asked);
    text_copy(asked->key, sizeof asked->key, key);
    asked->ttl_us = LEASE_MEM_TTL_US;
    asked->to = to;
    *mem->last = asked;
    mem->last = &asked->next;
}

/* Takes or renews; NULL when somebody else has it. */
static struct entry *take(struct lease_mem *mem, const char *key, int64_t ttl_us, int64_t now_us)
{
    struct entry *entry;
    HASH_FIND_STR(mem->table->entries, key, entry);
    if (entry && entry->holder_id != mem->id && now_us < entry->free_us)
        return NULL;
    if (!entry) {
        entry = mem_alloc(sizeof *entry);
        text_copy(entry->key, sizeof entry->key, key);
        HASH_ADD_STR(mem->table->entries, key, entry);
    }
    if (entry->holder_id != mem->id) {
        entry->holder_id = mem->id;
        entry->term = ++mem->table->last_term;
    }
    entry->free_us = now_us + ttl_us + ttl_us / GRACE_SHARE;
    return entry;
}

static struct held *remember(struct lease_mem *mem, const char *key, int64_t ttl_us, int64_t now_us)
{
    struct held *held;
    HASH_FIND_STR(mem->held, key, held);
    if (!held) {
        held = mem_alloc(sizeof *held);
        text_copy(held->key, sizeof held->key, key);
        HASH_ADD_STR(mem->held, key, held);
    }
    held->ttl_us = ttl_us;
    held->deadline_us = now_us + ttl_us;
    held->renew_us = now_us + ttl_us / 3;
    if (held->renew_us < mem->renew_us)
        mem->renew_us = held->renew_us;
    return held;
}

static void forget(struct lease_mem *mem, struct held *held)
{
    HASH_DELETE(hh, mem->held, held);
    mem_free(held);
}

static void answer_asked(struct lease_mem *mem, int64_t now_us)
{
    struct asked *asked = mem->first, *next;
    mem->first = NULL;
    mem->last = &mem->first;
    for (; asked; asked = next) {
        next = asked->next;
        const struct entry *entry = take(mem, asked->key, asked->ttl_us, now_us);
        if (entry) {
            struct held *held = remember(mem, asked->key, asked->ttl_us, now_us);
            struct lease_grant grant = {.term = entry->term, .deadline_us = held->deadline_us};
            text_copy(grant.key, sizeof grant.key, asked->key);
            wait_answer(asked->to, NULL, &grant);
        } else {
            struct err err;
            err_set(&err, ERR_LATER, ERR_BUSY, "%s is held by another instance", asked->key);
            wait_answer(asked->to, &err, NULL);
        }
        mem_free(asked);
    }
}

static void renew(struct lease_mem *mem, int64_t now_us)
{
    struct held *held, *next;
    mem->renew_us = INT64_MAX;
    HASH_ITER(hh, mem->held, held, next)
    {
        /* One that ran out is not revived: somebody may have had it meanwhile. */
        if (now_us >= held->deadline_us ||
            (now_us >= held->renew_us && !take(mem, held->key, held->ttl_us, now_us)))
            forget(mem, held);
        else if (now_us >= held->renew_us)
            remember(mem, held->key, held->ttl_us, now_us);
        else if (held->renew_us < mem->renew_us)
            mem->renew_us = held->renew_us;
    }
}

static int64_t turn(struct lease *lease)
{
    struct lease_mem *mem = mem_of(lease);
    int64_t now_us = clock_steady(mem->clock);
    if (mem->first)
        answer_asked(mem, now_us);
    if (now_us >= mem->renew_us)
        renew(mem, now_us);
    return mem->renew_us;
}

static void release(struct lease *lease, const char *key)
{
    struct lease_mem *mem = mem_of(lease);
    struct held *held;
    struct entry *entry;
    HASH_FIND_STR(mem->held, key, held);
    if (held)
        forget(mem, held);
    HASH_FIND_STR(mem->table->entries, key, entry);
    if (entry && entry->holder_id == mem->id) {
        HASH_DELETE(hh, mem->table->entries, entry);
        mem_free(entry);
    }
}

static bool is_held(const struct lease *lease, const char *key, int64_t *deadline_us)
{
    const struct lease_mem *mem = mem_of(lease);
    struct held *held;
    HASH_FIND_STR(mem->held, key, held);
    if (!held || clock_steady(mem->clock) >= held->deadline_us)
        return false;
    if (deadline_us)
        *deadline_us = held->deadline_us;
    return true;
}

void lease_mem_abandon(struct lease *lease)
{
    struct lease_mem *mem = mem_of(lease);
    struct held *held, *following;
    HASH_ITER(hh, mem->held, held, following)
    forget(mem, held);
    for (struct asked *asked = mem->first, *next; asked; asked = next) {
        next = asked->next;
        mem_free(asked);
    }
    if (mem->own_table)
        lease_mem_table_free(mem->table);
    mem_free(mem);
}

static void close_lease(struct lease *lease)
{
    struct lease_mem *mem = mem_of(lease);
    struct held *held, *next;
    HASH_ITER(hh, mem->held, held, next)
    {
        char key[sizeof held->key];
        text_copy(key, sizeof key, held->key);
        release(lease, key);
    }
    struct err err;
    err_set(&err, ERR_NOT_DONE, ERR_CLOSED, "the leases are being closed");
    for (struct asked *asked = mem->first; asked; asked = asked->next)
        wait_answer(asked->to, &err, NULL);
    lease_mem_abandon(lease);
}

static const struct lease_ops ops = {
    .acquire = acquire,
    .release = release,
    .held = is_held,
    .turn = turn,
    .close = close_lease,
};

struct lease *lease_mem_open(struct lease_mem_table *table, const char *holder,
                             const struct clock *clock)
{
    struct lease_mem *mem = mem_alloc(sizeof *mem);
    (void)holder; /* told apart by number: two instances may carry one name after a restart */
    mem->lease.ops = &ops;
    mem->own_table = !table;
    mem->table = table ? table : lease_mem_table_new();
    mem->clock = clock;
    mem->id = ++mem->table->last_id;
    mem->last = &mem->first;
    mem->renew_us = INT64_MAX;
    return &mem->lease;
}
