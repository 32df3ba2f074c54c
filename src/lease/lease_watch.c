/* Signs of life. One question to the store gives ours and reads everybody's.
 *
 * Another member is taken for dead when its beat has stood still for one and a half times the TTL
 * by our own steady clock, or its database session is missing in two looks one after another. Time
 * in which nobody could be seen (the database away, we ourselves stopped) is not counted. A verdict
 * that reaches the log after another sign of life is refused there. To be wrong (a session that was
 * only slow to come back) costs the other its term, never correctness: what it still writes is
 * refused. */
#include "lease/lease_parts.h"

#include <inttypes.h>
#include <stdio.h>

#define MISSES 2        /* of a session that was seen before */
#define UNSEEN_MISSES 4 /* of one that may be on its way still */
#define SUSPECT_SHARE 4 /* who misses something looks sooner again */

/* ---- taking another for dead ---- */

static void wrote_dead(struct lease_store *l, struct lease_write *write, const struct err *err)
{
    struct lease_other *other;
    HASH_FIND(hh, l->others, &write->other, sizeof write->other, other);
    if (other)
        other->writing = false;
    if (!err) {
        metric_add(l->metrics.taken_for_dead, 1);
        if (l->lease.on_died)
            l->lease.on_died(l->lease.lost_ctx, write->events[0].changes[0].after);
    } else if (err->code == ERR_FENCED && write->term == l->term && l->state == LEASE_IN) {
        lease_member_lost(l, err->text);
    }
}

static void write_dead(struct lease_store *l, struct lease_other *other, const char *why)
{
    char id[sizeof l->id];
    text_int(id, other->term);
    const struct member *row = book_get(l->options.book, TABLE_MEMBER, id);
    if (!row || row->state != MEMBER_ALIVE)
        return;
    struct lease_write *write = lease_write_new(l, 1, wrote_dead);
    struct member after = *row;
    after.state = MEMBER_DEAD;
    after.version++;
    /* Its last sign of life; the event tells when that was noticed. */
    after.ended_us =
        clock_wall(l->options.clock) - (clock_steady(l->options.clock) - other->seen_us);
    snprintf(after.reason, sizeof after.reason, "%s, says %s (term %" PRId64 ")", why,
             l->options.name, l->term);
    lease_write_event(write, "member.died", id);
    lease_write_change(write, TABLE_MEMBER, row, &after);
    write->other = other->term;
    write->silent_term = other->term;
    write->silent_beat = other->beat;
    other->writing = true;
    log_write(l->options.log, LOG_WARN, "lease", "an instance is taken for dead",
              LOG_T("name", row->name), LOG_I("term", other->term), LOG_T("why", why), LOG_END);
    lease_write_ask(write, true);
}

/* ---- looking ---- */

static struct lease_other *find_other(struct lease_store *l, const struct store_beat *seen)
{
    struct lease_other *other;
    HASH_FIND(hh, l->others, &seen->term, sizeof seen->term, other);
    if (other)
        return other;
    other = mem_alloc(sizeof *other);
    other->term = seen->term;
    other->beat = seen->beat;
    other->seen_us = l->look.answered_us;
    HASH_ADD(hh, l->others, term, sizeof other->term, other);
    return other;
}

/* When the beat stood still since, for as long as we looked; `blind_us`: of that, between the last
 * look and this one. */
static void watch_beat(struct lease_store *l, struct lease_other *other,
                       const struct store_beat *seen, int64_t blind_us)
{
    char why[96];
    if (seen->beat != other->beat) {
        other->beat = seen->beat;
        other->seen_us = l->look.answered_us;
        return;
    }
    other->seen_us += blind_us;
    int64_t still_us = l->look.asked_us - other->seen_us;
    if (other->writing || still_us <= l->options.ttl_us + l->options.ttl_us / 2)
        return;
    snprintf(why, sizeof why, "no sign of life for %" PRId64 " ms", still_us / 1000);
    write_dead(l, other, why);
}

static void watch_session(struct lease_store *l, struct lease_other *other,
                          const struct store_beat *seen)
{
    char why[96];
    if (seen->session) {
        other->had_session = true;
        other->missed = 0;
        return;
    }
    l->look.suspects = true;
    if (!other->missed++)
        other->missing_us = l->look.asked_us;
    if (other->writing || other->missed < (other->had_session ? MISSES : UNSEEN_MISSES))
        return;
    snprintf(why, sizeof why, "its database session has been gone for %" PRId64 " ms",
             (l->look.answered_us - other->missing_us) / 1000);
    write_dead(l, other, why);
}

static void forget_ended(struct lease_store *l)
{
    struct lease_other *other, *next;
    HASH_ITER(hh, l->others, other, next)
    if (!other->writing && !lease_member_alive(l, other->term)) {
        HASH_DELETE(hh, l->others, other);
        mem_free(other);
    }
}

static void look_at_others(struct lease_store *l, const struct store_beats *beats,
                           int64_t before_us)
{
    /* A gap in our looking counts as no more than half a TTL. */
    int64_t gap_us = before_us ? l->look.asked_us - before_us : 0;
    int64_t blind_us = gap_us > l->options.ttl_us / 2 ? gap_us - l->options.ttl_us / 2 : 0;
    l->look.suspects = false;
    for (size_t i = 0; i < beats->count && l->state == LEASE_IN; i++) {
        const struct store_beat *seen = &beats->list[i];
        if (seen->term == l->term || !lease_member_alive(l, seen->term))
            continue;
        struct lease_other *other = find_other(l, seen);
        watch_beat(l, other, seen, blind_us);
        if (!other->writing)
            watch_session(l, other, seen);
    }
    forget_ended(l);
    if (l->metrics.members)
        metric_set(l->metrics.members, (double)beats->count);
}

static void plan_next(struct lease_store *l, const struct err *err)
{
    int64_t every_us = l->options.watch_us;
    if (err) {
        if (l->look.failures < 8)
            l->look.failures++;
        every_us = every_us / 2 + chance_backoff_us(l->options.chance, every_us,
                                                    l->options.ttl_us / 6, l->look.failures);
    } else {
        l->look.failures = 0;
        every_us = l->look.suspects ? every_us / SUSPECT_SHARE : every_us;
    }
    int64_t base_us = err || l->look.suspects ? l->look.answered_us : l->look.asked_us;
    l->look.next_us = base_us + every_us;
}

static bool names_us(const struct lease_store *l, const struct store_beats *beats)
{
    for (size_t i = 0; i < beats->count; i++)
        if (beats->list[i].term == l->term)
            return true;
    return false;
}

static void hear_beats(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct lease_store *l = owner;
    int64_t before_us = l->look.answered_us;
    (void)handle;
    l->look.waiting = false;
    if (err) {
        int64_t kept_us = l->look.answered_us;
        l->look.answered_us = clock_steady(l->options.clock);
        plan_next(l, err);
        l->look.answered_us = kept_us;
        if (l->proving && l->look.term == l->term)
            lease_member_proven(l, err);
        return;
    }
    l->look.answered_us = clock_steady(l->options.clock);
    metric_observe_us(l->metrics.beat, l->look.answered_us - l->look.asked_us);
    /* A list without us: we were taken for dead, and the log is about to tell it. */
    bool ours = l->look.term == l->term && names_us(l, value);
    if (l->proving && ours) {
        l->deadline_us = l->look.asked_us + l->options.ttl_us;
        lease_member_proven(l, NULL);
    }
    if (l->state == LEASE_IN && ours && l->look.term == l->term) {
        l->deadline_us = l->look.asked_us + l->options.ttl_us;
        look_at_others(l, value, before_us);
    }
    if (l->state == LEASE_IN)
        lease_keys_check(l);
    plan_next(l, NULL);
}

int64_t lease_watch_turn(struct lease_store *l, int64_t now_us)
{
    if ((l->state != LEASE_IN && !l->proving) || !l->options.store->ops->beat || l->look.waiting)
        return LEASE_NEVER;
    if (now_us < l->look.next_us)
        return l->look.next_us;
    l->look.waiting = true;
    l->look.asked_us = now_us;
    l->look.term = l->term;
    store_beat(l->options.store, l->term, (struct waiter){.answer = hear_beats, .owner = l});
    return LEASE_NEVER;
}

/* ---- heirs ---- */

/* A sign of life may fall just behind a look. */
#define FRESH_LOOKS 3

static bool is_fresh(const struct lease_store *l, const struct lease_other *other)
{
    return !other->missed && !other->writing && lease_member_alive(l, other->term) &&
           clock_steady(l->options.clock) - other->seen_us <= FRESH_LOOKS * l->options.watch_us;
}

size_t lease_watch_heirs(const struct lease_store *l, struct member heirs[HEIRS_MAX])
{
    size_t count = 0;
    for (const struct lease_other *other = l->others; other; other = other->hh.next) {
        char id[sizeof l->id];
        text_int(id, other->term);
        const struct member *row = book_get(l->options.book, TABLE_MEMBER, id);
        if (!row || !is_fresh(l, other) || count == HEIRS_MAX)
            continue;
        size_t at = count++;
        for (; at > 0 && heirs[at - 1].term > row->term; at--)
            heirs[at] = heirs[at - 1];
        heirs[at] = *row;
    }
    return count;
}

void lease_watch_free(struct lease_store *l)
{
    struct lease_other *other, *next;
    HASH_ITER(hh, l->others, other, next)
    {
        HASH_DELETE(hh, l->others, other);
        mem_free(other);
    }
}
