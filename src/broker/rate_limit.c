/* Why: brokers ban who asks too often, and a ban is worst when a position must be closed. */
#include "broker/rate_limit.h"
#include "base/mem.h"
#include <assert.h>
#include <stdio.h>

#define QUEUE_MAX_DEFAULT 256

struct taken { /* tokens on their way back */
    int64_t at_us, tokens;
};
struct bucket {
    struct rate_size size;
    struct taken *ring; /* oldest at `first` */
    size_t room, first, count;
    int64_t used;
};
struct entry {
    struct rate_cost cost;
    struct waiter to;
    int64_t asked_us, valid_until_us;
    struct err err; /* why it is answered without having waited */
    struct entry *next;
};
struct queue {
    struct entry *first, **last;
    size_t count;
};
struct rate_limit {
    struct rate_options options;
    struct bucket buckets[RATE_BUCKETS];
    struct queue queues[RATE_RANKS];
    struct entry *free;
    int64_t paused_until_us;
    bool turning;
    struct metric *depth[RATE_RANKS], *waits[RATE_RANKS], *late, *full;
};

static const char *const rank_names[RATE_RANKS] = {"exit", "entry", "read"};

/* ---- tokens ---- */

static void take(struct bucket *bucket, int64_t now_us, int64_t tokens)
{
    if (tokens <= 0)
        return;
    struct taken *last =
        bucket->count ? &bucket->ring[(bucket->first + bucket->count - 1) % bucket->room] : NULL;
    bucket->used += tokens;
    if (last && (last->at_us == now_us || bucket->count == bucket->room)) {
        last->at_us = now_us; /* comes back no earlier than it may */
        last->tokens += tokens;
        return;
    }
    bucket->ring[(bucket->first + bucket->count++) % bucket->room] = (struct taken){now_us, tokens};
}

static void give_back(struct bucket *bucket, int64_t now_us)
{
    while (bucket->count && bucket->ring[bucket->first].at_us + bucket->size.window_us <= now_us) {
        bucket->used -= bucket->ring[bucket->first].tokens;
        bucket->first = (bucket->first + 1) % bucket->room;
        bucket->count--;
    }
}

/* When the bucket has room for it: now or a later moment, never for what is larger than it. */
static int64_t room_us(const struct bucket *bucket, enum rate_rank rank, int64_t tokens,
                       int64_t now_us)
{
    int64_t limit = bucket->size.tokens - (rank == RATE_EXIT ? 0 : bucket->size.reserve);
    int64_t over = bucket->used + tokens - limit;
    if (tokens <= 0 || over <= 0 || bucket->used == 0)
        return now_us; /* what costs more than the bucket holds goes when it is whole */
    for (size_t i = 0; i < bucket->count; i++) {
        const struct taken *taken = &bucket->ring[(bucket->first + i) % bucket->room];
        over -= taken->tokens;
        if (over <= 0 || i + 1 == bucket->count)
            return taken->at_us + bucket->size.window_us;
    }
    return now_us;
}

static int64_t free_us(const struct rate_limit *limit, enum rate_rank rank,
                       const struct entry *entry, int64_t now_us)
{
    int64_t at_us = limit->paused_until_us > now_us ? limit->paused_until_us : now_us;
    for (size_t i = 0; i < RATE_BUCKETS; i++) {
        const struct bucket *bucket = &limit->buckets[i];
        if (!bucket->ring)
            continue;
        int64_t then_us = room_us(bucket, rank, entry->cost.tokens[i], now_us);
        at_us = then_us > at_us ? then_us : at_us;
    }
    return at_us;
}

/* ---- the queue ---- */

static void recycle(struct rate_limit *limit, struct entry *entry)
{
    entry->next = limit->free;
    limit->free = entry;
}

static void count_depth(struct rate_limit *limit, enum rate_rank rank)
{
    if (limit->depth[rank])
        metric_set(limit->depth[rank], (double)limit->queues[rank].count);
}

void rate_ask(struct rate_limit *limit, enum rate_rank rank, const struct rate_cost *cost,
              int64_t valid_until_us, struct waiter to)
{
    struct queue *queue = &limit->queues[rank];
    struct entry *entry = limit->free;
    if (entry)
        limit->free = entry->next;
    else
        entry = mem_alloc(sizeof *entry);
    *entry = (struct entry){.cost = *cost,
                            .to = to,
                            .asked_us = clock_steady(limit->options.clock),
                            .valid_until_us = valid_until_us};
    if (queue->count >= limit->options.queue_max) {
        metric_add(limit->full, 1);
        err_set(&entry->err, ERR_LATER, ERR_FULL,
                "%zu requests wait for %s already; it was not sent", queue->count,
                limit->options.broker);
    }
    *queue->last = entry;
    queue->last = &entry->next;
    queue->count++;
    count_depth(limit, rank);
}

static void let_go(struct rate_limit *limit, enum rate_rank rank, struct entry **at,
                   const struct err *err)
{
    struct queue *queue = &limit->queues[rank];
    struct entry *entry = *at;
    struct waiter to = entry->to;
    *at = entry->next;
    if (!entry->next)
        queue->last = at;
    queue->count--;
    count_depth(limit, rank);
    struct err copy = err ? *err : (struct err){0};
    recycle(limit, entry);
    wait_answer(to, err ? &copy : NULL, NULL);
}

static bool answer_over(struct rate_limit *limit, enum rate_rank rank, struct entry **at,
                        int64_t now_us)
{
    struct entry *entry = *at;
    if (entry->err.class == ERR_NONE && entry->valid_until_us && now_us >= entry->valid_until_us) {
        metric_add(limit->late, 1);
        err_set(&entry->err, ERR_NOT_DONE, ERR_TIMEOUT,
                "its time was over before %s would take another request; it was not sent",
                limit->options.broker);
    }
    if (entry->err.class == ERR_NONE)
        return false;
    struct err err = entry->err;
    let_go(limit, rank, at, &err);
    return true;
}

static void grant(struct rate_limit *limit, enum rate_rank rank, struct entry **at, int64_t now_us)
{
    for (size_t i = 0; i < RATE_BUCKETS; i++)
        if (limit->buckets[i].ring)
            take(&limit->buckets[i], now_us, (*at)->cost.tokens[i]);
    if (limit->waits[rank])
        metric_observe_us(limit->waits[rank], now_us - (*at)->asked_us);
    let_go(limit, rank, at, NULL);
}

/* One rank: everything that is over, and from its head what may go. Who stands behind one that must
 * wait waits as well; ranks are asked in their order, so that the first takes what has come back.
 */
static int64_t turn_rank(struct rate_limit *limit, enum rate_rank rank, int64_t now_us)
{
    struct queue *queue = &limit->queues[rank];
    int64_t next_us = INT64_MAX;
    struct entry **at = &queue->first;
    bool blocked = false;
    while (*at) {
        if (answer_over(limit, rank, at, now_us))
            continue;
        int64_t free = blocked ? INT64_MAX : free_us(limit, rank, *at, now_us);
        if (free <= now_us) {
            grant(limit, rank, at, now_us);
            continue;
        }
        if (!blocked)
            next_us = free;
        blocked = true;
        if ((*at)->valid_until_us && (*at)->valid_until_us < next_us)
            next_us = (*at)->valid_until_us;
        at = &(*at)->next;
    }
    return next_us;
}

int64_t rate_turn(struct rate_limit *limit)
{
    int64_t now_us = clock_steady(limit->options.clock), next_us = INT64_MAX;
    if (limit->turning)
        return now_us; /* asked from within an answer: the turn under way sees it */
    limit->turning = true;
    for (size_t i = 0; i < RATE_BUCKETS; i++)
        if (limit->buckets[i].ring)
            give_back(&limit->buckets[i], now_us);
    for (enum rate_rank rank = 0; rank < RATE_RANKS; rank++) {
        int64_t rank_us = turn_rank(limit, rank, now_us);
        next_us = rank_us < next_us ? rank_us : next_us;
    }
    limit->turning = false;
    return next_us;
}

void rate_pause(struct rate_limit *limit, int64_t until_us)
{
    if (until_us > limit->paused_until_us)
        limit->paused_until_us = until_us;
}

int64_t rate_paused_until_us(const struct rate_limit *limit)
{
    return limit->paused_until_us > clock_steady(limit->options.clock) ? limit->paused_until_us : 0;
}

void rate_note_used(struct rate_limit *limit, enum rate_bucket bucket, int64_t used)
{
    struct bucket *b = &limit->buckets[bucket];
    int64_t now_us = clock_steady(limit->options.clock);
    if (!b->ring)
        return;
    give_back(b, now_us);
    take(b, now_us, used - b->used);
}

size_t rate_depth(const struct rate_limit *limit)
{
    size_t depth = 0;
    for (enum rate_rank rank = 0; rank < RATE_RANKS; rank++)
        depth += limit->queues[rank].count;
    return depth;
}

/* ---- opening, closing ---- */

static void open_metrics(struct rate_limit *limit)
{
    struct metrics *m = limit->options.metrics;
    char labels[96];
    if (!m)
        return;
    for (enum rate_rank rank = 0; rank < RATE_RANKS; rank++) {
        snprintf(labels, sizeof labels, "broker=\"%s\",rank=\"%s\"", limit->options.broker,
                 rank_names[rank]);
        limit->depth[rank] = metric_gauge(m, "tidelock_broker_queue_depth",
                                          "Requests that wait for the broker's limits.", labels);
        limit->waits[rank] = metric_histogram(m, "tidelock_broker_queue_wait_seconds",
                                              "Wait for the broker's limits.", labels);
    }
    snprintf(labels, sizeof labels, "broker=\"%s\"", limit->options.broker);
    limit->late = metric_counter(m, "tidelock_broker_queue_late_total",
                                 "Requests whose time was over before they could go.", labels);
    limit->full = metric_counter(m, "tidelock_broker_queue_full_total",
                                 "Requests turned away because too many waited.", labels);
}

struct rate_limit *rate_limit_new(const struct rate_options *options)
{
    struct rate_limit *limit = mem_alloc(sizeof *limit);
    limit->options = *options;
    if (!limit->options.queue_max)
        limit->options.queue_max = QUEUE_MAX_DEFAULT;
    for (size_t i = 0; i < RATE_BUCKETS; i++) {
        struct bucket *bucket = &limit->buckets[i];
        bucket->size = options->buckets[i];
        if (bucket->size.tokens <= 0)
            continue;
        if (bucket->size.reserve >= bucket->size.tokens)
            bucket->size.reserve = bucket->size.tokens - 1;
        bucket->room = bucket->size.tokens < 1024 ? (size_t)bucket->size.tokens : 1024;
        bucket->ring = mem_alloc(bucket->room * sizeof *bucket->ring);
    }
    for (enum rate_rank rank = 0; rank < RATE_RANKS; rank++)
        limit->queues[rank].last = &limit->queues[rank].first;
    open_metrics(limit);
    return limit;
}

void rate_limit_free(struct rate_limit *limit)
{
    struct err err;
    if (!limit)
        return;
    assert(!limit->turning);
    err_set(&err, ERR_NOT_DONE, ERR_CLOSED, "%s is being closed; it was not sent",
            limit->options.broker);
    for (enum rate_rank rank = 0; rank < RATE_RANKS; rank++)
        while (limit->queues[rank].first)
            let_go(limit, rank, &limit->queues[rank].first, &err);
    for (struct entry *entry = limit->free, *next; entry; entry = next) {
        next = entry->next;
        mem_free(entry);
    }
    for (size_t i = 0; i < RATE_BUCKETS; i++)
        mem_free(limit->buckets[i].ring);
    mem_free(limit);
}
