/* The writes that were asked: in a queue, then in the batch at hand, then answered. */
#include "store/store_pg.h"

#include <assert.h>
#include <string.h>

/* Fences are judged before the batch, so what a batch changes of them is for the next one to see:
 * a changed instance ends the batch, a changed lease is followed by no write that needs it. */
static bool changes(const struct store_write *write, enum table_id table, const char *key)
{
    for (size_t e = 0; e < write->event_count; e++)
        for (size_t i = 0; i < write->events[e].change_count; i++) {
            const struct change *change = &write->events[e].changes[i];
            if (change->table->id == table &&
                (!key || strcmp(row_key(change->table, change->after), key) == 0))
                return true;
        }
    return false;
}

static bool needs_taken(const struct pgcommit *c, const struct store_write *write)
{
    for (size_t i = 0; write->fence && i < c->taken_count; i++)
        if (changes(&c->taken[i]->pending.write, TABLE_LEASE, write->fence))
            return true;
    return false;
}

void pgtake_batch(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    bool leases = false;
    while (c->first && c->taken_count < c->limit) {
        struct pgasked *asked = c->first;
        const struct store_write *write = &asked->pending.write;
        if (leases && needs_taken(c, write))
            break;
        c->first = asked->next;
        if (!c->first)
            c->last = &c->first;
        c->taken[c->taken_count++] = asked;
        leases = leases || changes(write, TABLE_LEASE, NULL);
        if (changes(write, TABLE_MEMBER, NULL))
            break;
    }
}

bool pgtake_serializable(const struct pgcommit *c)
{
    bool wants = false;
    for (size_t i = 0; i < c->taken_count; i++)
        wants = wants || c->taken[i]->pending.write.serializable;
    return wants;
}

static bool judge(struct pgstore *s, struct pgasked *asked)
{
    struct pending *pending = &asked->pending;
    err_clear(&pending->err);
    asked->good = fence_check(s->follow.fence, &pending->write, &pending->err) &&
                  pgbatch_add(s->commit.batch, pending, &pending->err);
    return asked->good;
}

void pgtake_begin(struct pgstore *s)
{
    s->commit.ahead = 0;
    pgbatch_begin(s->commit.batch, s->follow.seq, s->follow.hash);
}

size_t pgtake_judge(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    size_t good = c->ahead;
    assert(c->ahead <= c->taken_count);
    for (size_t i = c->ahead; i < c->taken_count; i++)
        good += judge(s, c->taken[i]);
    c->ahead = 0;
    return good;
}

static bool changes_fences(const struct store_write *write)
{
    return changes(write, TABLE_MEMBER, NULL) || changes(write, TABLE_LEASE, NULL);
}

void pgtake_look_ahead(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    c->ahead_open = !c->first;
    for (size_t i = 0; i < c->taken_count; i++)
        c->ahead_open = c->ahead_open && !changes_fences(&c->taken[i]->pending.write);
    if (c->ahead_open)
        pgbatch_begin(c->batch, c->sent_seq, c->sent_hash);
}

/* The first that cannot be judged yet, and all after it, are in their turn. */
static void judge_ahead(struct pgstore *s, struct pgasked *asked)
{
    struct pgcommit *c = &s->commit;
    c->ahead_open =
        c->ahead < c->limit && !changes_fences(&asked->pending.write) && judge(s, asked);
    c->ahead += c->ahead_open;
}

struct pgasked *pgtake_new(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    struct pgasked *asked = c->spare;
    if (asked) {
        c->spare = asked->next;
        c->spare_count--;
        pending_clear(&asked->pending);
        return asked;
    }
    asked = mem_alloc(sizeof *asked);
    pending_init(&asked->pending);
    return asked;
}

static void free_asked(struct pgasked *asked)
{
    pending_free(&asked->pending);
    mem_free(asked);
}

static void give_back(struct pgstore *s, struct pgasked *asked)
{
    struct pgcommit *c = &s->commit;
    if (c->spare_count >= 2 * PG_BATCH_MAX) {
        free_asked(asked);
        return;
    }
    asked->next = c->spare;
    c->spare = asked;
    c->spare_count++;
}

void pgtake_free(struct pgstore *s)
{
    for (struct pgasked *asked = s->commit.spare, *next; asked; asked = next) {
        next = asked->next;
        free_asked(asked);
    }
    str_free(&s->commit.body);
}

void pgtake_reprint(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    assert(c->ahead == 0);
    for (struct pgasked *asked = c->first; asked; asked = asked->next)
        asked->pending.bodies = NULL;
    for (size_t i = 0; i < c->taken_count; i++)
        c->taken[i]->pending.bodies = NULL;
}

/* The row of the last sign of life is held until the commit: who gives another one meanwhile waits,
 * and then finds that it has ended. Where none was given, nobody's stands for it. */
#define EXPECT_ONE                                                                                 \
    " RETURNING 1) SELECT CASE WHEN count(*)<>1 THEN tl_expect(count(*),1,'beats','TL004') END "   \
    "FROM a"

static void put_silence(struct pgstore *s, const struct store_write *write)
{
    struct pg_args *args = &s->commit.args;
    pg_args_clear(args);
    pg_arg_int(args, write->silent_term);
    if (!write->silent_beat) {
        pg_put(s->commit.pg, "never",
               "WITH a AS (INSERT INTO beats VALUES ($1::bigint,0,0,NULL) ON CONFLICT DO "
               "NOTHING" EXPECT_ONE,
               args);
        return;
    }
    pg_arg_int(args, write->silent_beat);
    pg_put(s->commit.pg, "silent",
           "WITH a AS (DELETE FROM beats WHERE term=$1::bigint AND beat=$2::bigint" EXPECT_ONE,
           args);
}

void pgtake_put_silence(struct pgstore *s)
{
    const struct pgcommit *c = &s->commit;
    for (size_t i = 0; i < c->taken_count; i++)
        if (c->taken[i]->good && c->taken[i]->pending.write.silent_term)
            put_silence(s, &c->taken[i]->pending.write);
}

void pgtake_detach(struct pgstore *s, struct pgtaken *taken)
{
    struct pgcommit *c = &s->commit;
    taken->count = c->taken_count;
    memcpy(taken->list, c->taken, c->taken_count * sizeof *c->taken);
    c->taken_count = 0;
    c->careful = false;
    c->attempts = 0;
}

void pgtake_answer_all(struct pgstore *s, const struct pgtaken *taken)
{
    metric_add(s->writes, (int64_t)taken->count);
    for (size_t i = 0; i < taken->count; i++) {
        struct pgasked *asked = taken->list[i];
        s->queued--;
        pending_answer(&asked->pending, &asked->pending.seq);
        give_back(s, asked);
    }
    if (s->queue_depth)
        metric_set(s->queue_depth, (double)s->queued);
}

void pgtake_answer(struct pgstore *s)
{
    struct pgtaken taken UNSET;
    pgtake_detach(s, &taken);
    pgtake_answer_all(s, &taken);
}

void pgtake_fail(struct pgstore *s, const struct err *err)
{
    for (size_t i = 0; i < s->commit.taken_count; i++)
        s->commit.taken[i]->pending.err = *err;
    metric_add(s->failures, 1);
    pgtake_answer(s);
}

void pgtake_mark(struct pgstore *s)
{
    int64_t now_us = clock_steady(s->clock);
    if (now_us - s->lag_marks[s->lag_mark][0] < s->lag_us / 8)
        return;
    s->lag_mark = (s->lag_mark + 1) % 8;
    s->lag_marks[s->lag_mark][0] = now_us;
    s->lag_marks[s->lag_mark][1] = s->follow.seq;
}

void pgtake_apply(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    for (size_t w = 0; w < c->taken_count; w++) {
        const struct store_write *write = &c->taken[w]->pending.write;
        for (size_t e = 0; c->taken[w]->good && e < write->event_count; e++)
            for (size_t i = 0; i < write->events[e].change_count; i++)
                fence_apply(s->follow.fence, &write->events[e].changes[i]);
    }
    s->follow.seq = c->sent_seq;
    memcpy(s->follow.hash, c->sent_hash, SHA256_SIZE);
    pgbeat_listed(s, pgbatch_committed(c->batch));
}

/* A fault that only some write of the batch can have: halves find it. */
void pgtake_divide(struct pgstore *s, const struct err *err)
{
    struct pgcommit *c = &s->commit;
    if (c->taken_count == 1) {
        pgtake_fail(s, err);
        return;
    }
    c->limit = c->taken_count / 2;
    while (c->taken_count > c->limit) {
        struct pgasked *asked = c->taken[--c->taken_count];
        asked->next = c->first;
        if (!c->first)
            c->last = &asked->next;
        c->first = asked;
    }
}

void pgtake_ask(struct pgstore *s, struct pgasked *asked)
{
    struct pgcommit *c = &s->commit;
    asked->next = NULL;
    asked->asked_us = clock_steady(s->clock);
    pending_print(&asked->pending, &c->body);
    *c->last = asked;
    c->last = &asked->next;
    s->queued++;
    if (c->ahead_open)
        judge_ahead(s, asked);
    if (c->phase == PG_IDLE && c->first == asked)
        loop_defer(s->loop, pgcommit_start, s);
}

static void say_away(const struct pgstore *s, struct err *err)
{
    if (s->trouble.code)
        err_set(err, ERR_LATER, ERR_IO, "the database is away: %.200s", s->trouble.text);
    else
        err_set(err, ERR_LATER, ERR_IO,
                "the database has not shown yet whether an earlier commit was done");
}

bool pgtake_refuses(const struct pgstore *s, struct err *err)
{
    const struct pgcommit *c = &s->commit;
    int64_t since_us = c->ambiguous ? c->doubt_us : s->down_us;
    if (!since_us || clock_steady(s->clock) - since_us <= s->patience_us)
        return false;
    say_away(s, err);
    return true;
}

/* Those that were never sent: for certain not done. */
static void refuse_waiting(struct pgstore *s, int64_t oldest_us)
{
    struct pgcommit *c = &s->commit;
    struct pgasked *old = c->first, **end = &old;
    while (*end && (*end)->asked_us < oldest_us)
        end = &(*end)->next;
    if (end == &old)
        return;
    c->first = *end;
    if (!c->first)
        c->last = &c->first;
    *end = NULL;
    metric_add(s->failures, 1);
    for (struct pgasked *next; old; old = next) {
        next = old->next;
        s->queued--;
        metric_add(s->writes, 1);
        say_away(s, &old->pending.err);
        pending_answer(&old->pending, NULL);
        give_back(s, old);
    }
}

void pgtake_expire(struct pgstore *s)
{
    struct pgcommit *c = &s->commit;
    int64_t oldest_us = clock_steady(s->clock) - s->patience_us;
    struct err err;
    if (c->ambiguous) { /* the batch waits: the log alone can tell what became of it */
        refuse_waiting(s, oldest_us);
        return;
    }
    if (c->phase != PG_IDLE)
        return;
    if (c->taken_count && c->taken[0]->asked_us < oldest_us) {
        say_away(s, &err);
        pgtake_fail(s, &err);
    }
    if (!c->taken_count && !pg_ready(c->pg))
        refuse_waiting(s, oldest_us);
}
