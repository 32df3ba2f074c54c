/* Membership: a row for each start of an instance, its key the term.
 *
 *     OUT ──join──> JOINING ──written──> IN ──leave──> LEAVING ──written──> OUT
 *                    │  ▲ └ the term stands already: read again, the next one
 *                    └ OUT: the database is away
 *     IN ──taken for dead by another──> OUT, and on_lost tells it */
#include "lease/lease_parts.h"
#include "store/fence.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TRIES_MAX 32

static void try_term(struct lease_store *l);

bool lease_member_alive(const struct lease_store *l, int64_t term)
{
    return fence_lives(l->options.book, term);
}

/* ---- joining ---- */

static void end_joining(struct lease_store *l, const struct err *err)
{
    struct waiter to = l->joiner;
    int64_t term = l->term;
    l->state = err ? LEASE_OUT : LEASE_IN;
    l->joiner = (struct waiter){0};
    wait_answer(to, err, err ? NULL : &term);
}

static void wrote_join(struct lease_store *l, struct lease_write *write, const struct err *err)
{
    if (err && err->code == ERR_DUPLICATE && ++l->tries < TRIES_MAX) {
        try_term(l);
        return;
    }
    if (err) {
        struct err why = *err;
        if (err->code == ERR_DUPLICATE || err->code == ERR_CONFLICT)
            why.class = ERR_LATER; /* others were faster each time */
        end_joining(l, &why);
        return;
    }
    l->term = write->other;
    text_int(l->id, l->term);
    l->look.next_us = 0;
    l->deadline_us = LEASE_NEVER;
    l->proving = l->options.store->ops->beat != NULL;
    if (!l->proving)
        lease_member_proven(l, NULL);
}

/* Nobody acts before the others can see that it lives: one that has not been seen yet is taken for
 * dead sooner than it would stop by itself. */
void lease_member_proven(struct lease_store *l, const struct err *err)
{
    l->proving = false;
    if (err)
        l->term = 0; /* the others take the row for dead; the next try has another */
    else
        log_write(l->options.log, LOG_INFO, "lease", "joined the instances", LOG_I("term", l->term),
                  LOG_T("name", l->options.name), LOG_END);
    end_joining(l, err);
}

struct ending {
    struct lease_store *lease;
    struct lease_write *write;
};

static bool end_other(void *ctx, const void *row)
{
    struct ending *ending = ctx;
    struct member after = *(const struct member *)row;
    if (after.state != MEMBER_ALIVE)
        return true;
    after.state = MEMBER_DEAD;
    after.version++;
    after.ended_us = clock_wall(ending->lease->options.clock);
    snprintf(after.reason, sizeof after.reason,
             "%s has the database for itself, so this one had ended", ending->lease->options.name);
    lease_write_change(ending->write, TABLE_MEMBER, row, &after);
    return true;
}

static void write_join(struct lease_store *l, int64_t term)
{
    const struct lease_store_options *o = &l->options;
    size_t events = 2 + book_count(o->book, TABLE_MEMBER) / STORE_CHANGES_MAX;
    struct lease_write *write = lease_write_new(l, events, wrote_join);
    struct member row = {.term = term, .state = MEMBER_ALIVE, .version = 1};
    row.joined_us = clock_wall(o->clock);
    text_int(row.id, term);
    text_copy(row.name, sizeof row.name, o->name);
    text_copy(row.address, sizeof row.address, o->address);
    text_copy(row.build, sizeof row.build, o->build);
    write->other = term;
    lease_write_event(write, "member.joined", row.id);
    lease_write_change(write, TABLE_MEMBER, NULL, &row);
    if (o->sole)
        book_each(o->book, TABLE_MEMBER, end_other, &(struct ending){l, write});
    lease_write_ask(write, false);
}

static void hear_largest(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct lease_store *l = owner;
    const struct store_rows *rows = value;
    (void)handle;
    if (err) {
        end_joining(l, err);
        return;
    }
    struct store_status status;
    store_status(l->options.store, &status);
    int64_t largest = rows->count ? ((const struct member *)rows->rows[0])->term : 0;
    int64_t in_book = fence_last_term(l->options.book);
    if (in_book > largest)
        largest = in_book;
    if (status.term > largest)
        largest = status.term;
    write_join(l, largest + 1);
}

/* The book knows the living alone: those that have ended may have had larger terms. */
static void try_term(struct lease_store *l)
{
    struct store_query query = {
        .table = TABLE_MEMBER, .order_by = "term", .descending = true, .limit = 1};
    store_query(l->options.store, &query, (struct waiter){.answer = hear_largest, .owner = l});
}

void lease_member_join(struct lease *lease, struct waiter to)
{
    struct lease_store *l = (struct lease_store *)lease;
    struct err err;
    if (l->state == LEASE_IN) {
        lease_reply_later(l, to, NULL, l->term);
    } else if (l->state != LEASE_OUT) {
        err_set(&err, ERR_LATER, ERR_BUSY, "%s is on its way %s already; wait for that answer",
                l->options.name, l->state == LEASE_JOINING ? "in" : "out");
        lease_reply_later(l, to, &err, 0);
    } else {
        l->state = LEASE_JOINING;
        l->joiner = to;
        l->tries = 0;
        try_term(l);
    }
}

/* ---- leaving ---- */

static void wrote_leave(struct lease_store *l, struct lease_write *write, const struct err *err)
{
    struct waiter to = l->leaver;
    (void)write;
    l->leaver = (struct waiter){0};
    l->leave_now = false;
    /* The row has moved on: we were taken for dead, which ends it as well. */
    if (err && err->class == ERR_REFUSED)
        err = NULL;
    l->state = LEASE_OUT;
    if (!err)
        log_write(l->options.log, LOG_INFO, "lease", "left the instances",
                  LOG_I("term", write->term), LOG_END);
    l->term = 0;
    wait_answer(to, err, err ? NULL : &write->term);
}

static void write_leave(struct lease_store *l)
{
    const struct member *row = book_get(l->options.book, TABLE_MEMBER, l->id);
    if (!row || row->state != MEMBER_ALIVE) { /* taken for dead: nothing is ours */
        lease_keys_drop(l);
        lease_reply_later(l, l->leaver, NULL, l->term);
        l->state = LEASE_OUT;
        l->term = 0;
        return;
    }
    struct lease_write *write =
        lease_write_new(l, 4 + lease_keys_owned(l) / STORE_CHANGES_MAX, wrote_leave);
    struct member after = *row;
    lease_keys_end(l, write);
    lease_keys_drop(l);
    after.state = MEMBER_LEFT;
    after.version++;
    after.ended_us = clock_wall(l->options.clock);
    text_copy(after.reason, sizeof after.reason, "it left");
    lease_write_event(write, "member.left", l->id);
    lease_write_change(write, TABLE_MEMBER, row, &after);
    l->leave_now = true;
    lease_write_ask(write, false); /* fenced by the version of its row */
}

void lease_member_leave(struct lease *lease, struct waiter to)
{
    struct lease_store *l = (struct lease_store *)lease;
    struct err err;
    if (l->state == LEASE_OUT) {
        lease_reply_later(l, to, NULL, 0);
    } else if (l->state != LEASE_IN) {
        err_set(&err, ERR_LATER, ERR_BUSY, "%s is on its way %s; wait for that answer",
                l->options.name, l->state == LEASE_JOINING ? "in" : "out");
        lease_reply_later(l, to, &err, 0);
    } else {
        l->state = LEASE_LEAVING;
        l->leaver = to;
        l->keys_work = true;
    }
}

/* Writes on their way come first: what they change, leaving changes once more. */
void lease_member_turn(struct lease_store *l)
{
    if (l->proving && !lease_member_alive(l, l->term)) {
        struct err err;
        err_set(&err, ERR_LATER, ERR_FENCED, "taken for dead before the first sign of life");
        lease_member_proven(l, &err);
    }
    if (l->state == LEASE_LEAVING && !l->leave_now && !l->writes)
        write_leave(l);
}

void lease_member_lost(struct lease_store *l, const char *why)
{
    log_write(l->options.log, LOG_WARN, "lease", "lost: out of the instances, until joined again",
              LOG_I("term", l->term), LOG_T("why", why), LOG_END);
    metric_add(l->metrics.lost, 1);
    l->state = LEASE_OUT;
    l->term = 0;
    lease_keys_drop(l);
    if (l->lease.on_lost)
        l->lease.on_lost(l->lease.lost_ctx, NULL);
}
