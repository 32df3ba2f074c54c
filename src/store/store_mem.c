/* The store in memory: what the simulator crashes and the backtest runs on.
 *
 *     asked --commit--> ready --turn--> answered
 *
 * Asked operations stand in one queue in the order of asking; a commit takes them all, applies each
 * write whole or not at all, and moves them to `ready`. Reads need no commit: they are ready at
 * once and see what is committed when they are answered, which is everything answered before them.
 * A crash drops both queues and keeps the tables and the log.
 *
 * Several handles may share one log, each with queues of its own: one instance each. */
#include "store/store_bodies.h"

#include "store/fence.h"
#include "store/filter.h"
#include "store/mem_log.h"
#include "store/pending.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOSE_TURNS_MAX 64

enum asked_kind { ASKED_WRITE, ASKED_QUERY, ASKED_EVENTS, ASKED_BEAT };
struct asked {
    struct asked *next;
    enum asked_kind kind;
    struct pending pending; /* what is asked, except for a query's conditions */
    struct store_query query;
    struct store_events_query events_query;
    int64_t term; /* of ASKED_BEAT */
};
struct asked_queue {
    struct asked *first, **last;
    size_t count;
};

struct mem {
    struct store store;
    struct store_mem_options options;
    struct mem_log *shared;
    int handle;
    int64_t told; /* the log as this handle's host knows it: what others wrote up to here */
    struct asked_queue queue, ready, sent /* in doubt */;
    struct asked *spare;
    size_t writes; /* asked and not answered */
    bool closing, doubt, landed;
    int64_t last_commit_us;
};

static void queue_init(struct asked_queue *queue)
{
    *queue = (struct asked_queue){.last = &queue->first};
}

static void queue_push(struct asked_queue *queue, struct asked *asked)
{
    asked->next = NULL;
    *queue->last = asked;
    queue->last = &asked->next;
    queue->count++;
}

static struct asked *queue_pop(struct asked_queue *queue)
{
    struct asked *asked = queue->first;
    if (!asked)
        return NULL;
    queue->first = asked->next;
    if (!queue->first)
        queue->last = &queue->first;
    queue->count--;
    return asked;
}

static struct asked *take_asked(struct mem *mem, enum asked_kind kind)
{
    struct asked *asked = mem->spare;
    if (asked) {
        mem->spare = asked->next;
    } else {
        asked = mem_alloc(sizeof *asked);
        pending_init(&asked->pending);
    }
    asked->kind = kind;
    if (kind == ASKED_WRITE)
        mem->writes++;
    return asked;
}

static void give_back(struct mem *mem, struct asked *asked)
{
    if (asked->kind == ASKED_WRITE)
        mem->writes--;
    pending_clear(&asked->pending);
    asked->next = mem->spare;
    mem->spare = asked;
}

/* ---- commit ---- */

/* The row as it stands before change `index` of event `event`: as an earlier change of the same
 * write left it, or as the book has it. */
static const void *row_before(const struct mem *mem, const struct store_write *write, size_t event,
                              size_t index)
{
    const struct change *change = &write->events[event].changes[index];
    const char *key = row_key(change->table, change->after);
    for (size_t e = event + 1; e-- > 0;) {
        const struct store_event *earlier = &write->events[e];
        for (size_t i = e == event ? index : earlier->change_count; i-- > 0;)
            if (earlier->changes[i].table == change->table &&
                strcmp(row_key(change->table, earlier->changes[i].after), key) == 0)
                return earlier->changes[i].after;
    }
    return book_get(mem->shared->book, change->table->id, key);
}

static bool check_change(const struct mem *mem, const struct store_write *write, size_t event,
                         size_t index, struct err *err)
{
    const struct change *change = &write->events[event].changes[index];
    const void *now = row_before(mem, write, event, index);
    if (!change->before)
        return !now || refuse_duplicate(err, change->table, row_key(change->table, change->after));
    if (!change_check(change, err))
        return false;
    if (!now)
        return refuse_conflict(err, change, -1);
    int64_t version = row_version(change->table, now);
    return version == row_version(change->table, change->before) ||
           refuse_conflict(err, change, version);
}

static bool check_write(const struct mem *mem, const struct store_write *write, struct err *err)
{
    if (!fence_check(mem->shared->book, write, err))
        return false;
    if (!check_origins(write, mem->shared->seq, err))
        return false;
    for (size_t e = 0; !mem->shared->lent && e < write->event_count; e++)
        for (size_t i = 0; i < write->events[e].change_count; i++)
            if (!check_change(mem, write, e, i, err))
                return false;
    return true;
}

static void apply_event(struct mem *mem, const struct store_event *event, int64_t term)
{
    mem->shared->seq++;
    for (size_t i = 0; i < event->change_count; i++) {
        if (!mem->shared->lent)
            book_apply_change(mem->shared->book, &event->changes[i]);
        if (event->changes[i].table->id == TABLE_MEMBER)
            mem_log_member(mem->shared, mem->handle, event->changes[i].after);
    }
    if (mem->shared->keep_events)
        mem_log_append(mem->shared, event, term, mem->handle, mem->options.instance);
}

static void commit_one(struct mem *mem, struct asked *asked)
{
    const struct store_write *write = &asked->pending.write;
    if (!check_write(mem, write, &asked->pending.err))
        return;
    if (write->silent_term &&
        mem_log_last_beat(mem->shared, write->silent_term) != write->silent_beat) {
        refuse_silence(&asked->pending.err, write);
        return;
    }
    for (size_t e = 0; e < write->event_count; e++)
        apply_event(mem, &write->events[e], write->term);
    asked->pending.seq = mem->shared->seq;
}

/* ---- what others wrote ---- */

bool store_mem_current(const struct store *store)
{
    const struct mem *mem = (const struct mem *)store;
    const struct mem_log *log = mem->shared;
    int64_t seq = mem->told;
    if (log->handles == 1)
        return true;
    while (seq < log->seq && log->writers[seq] == mem->handle)
        seq++;
    return seq == log->seq;
}

/* Tells what others wrote up to event `until`. The list may move while it is told. */
static void tell_foreign(struct mem *mem, int64_t until)
{
    struct mem_log *log = mem->shared;
    if (log->handles == 1 || !log->keep_events)
        mem->told = until;
    while (mem->told < until) {
        int64_t first = mem->told++;
        if (log->writers[first] == mem->handle)
            continue;
        while (mem->told < until && log->writers[mem->told] != mem->handle)
            mem->told++;
        if (mem->store.on_foreign)
            mem->store.on_foreign(mem->store.foreign_ctx, &log->list[first],
                                  (size_t)(mem->told - first));
    }
}

static void answer_ready(struct mem *mem, size_t count);

void store_mem_commit(struct store *store, bool fail)
{
    struct mem *mem = (struct mem *)store;
    int64_t began_us = clock_steady(mem->options.clock);
    if (mem->doubt)
        return;
    if (mem->queue.first && !store_mem_current(store)) {
        answer_ready(mem, mem->ready.count); /* theirs came first */
        tell_foreign(mem, mem->shared->seq);
    }
    for (struct asked *asked; (asked = queue_pop(&mem->queue));) {
        if (fail)
            err_set(&asked->pending.err, ERR_LATER, ERR_FULL,
                    "memory: the disk is full; free some space, nothing was written");
        else
            commit_one(mem, asked);
        queue_push(&mem->ready, asked);
    }
    mem->last_commit_us = clock_steady(mem->options.clock) - began_us;
}

/* ---- reads ---- */

static void answer_query(struct mem *mem, struct asked *asked)
{
    struct filter filter;
    struct filter_rows found;
    if (!filter_read(&filter, &asked->query, &asked->pending.arena, &asked->pending.err)) {
        pending_answer(&asked->pending, NULL);
        return;
    }
    filter_book(&filter, mem->shared->book, &found);
    struct store_rows rows = {.table = filter.table, .count = found.count, .rows = found.rows};
    if (rows.count > filter.limit)
        rows.count = filter.limit;
    pending_answer(&asked->pending, &rows);
    mem_free(found.rows);
}

struct found_events {
    struct event *list;
    size_t count, room;
};

static bool find_event(void *ctx, const struct event *event)
{
    struct found_events *found = ctx;
    if (found->count == found->room) {
        found->room = found->room ? found->room * 2 : 64;
        found->list = mem_realloc(found->list, found->room * sizeof *found->list);
    }
    found->list[found->count++] = *event;
    return true;
}

static void answer_events(struct mem *mem, struct asked *asked)
{
    const struct store_events_query *query = &asked->events_query;
    struct found_events found = {0};
    mem_log_walk(mem->shared, query, query->limit ? query->limit : 1000, find_event, &found);
    pending_answer(&asked->pending,
                   &(struct store_events){.count = found.count, .list = found.list});
    mem_free(found.list);
}

static bool read_rows(struct store *store, const struct store_query *query,
                      bool (*each)(void *ctx, const void *row, struct err *err), void *ctx,
                      struct err *err)
{
    struct mem *mem = (struct mem *)store;
    struct arena arena;
    struct filter filter;
    struct filter_rows found = {0};
    arena_init(&arena, 0);
    bool ok = filter_read(&filter, query, &arena, err);
    if (ok)
        filter_book(&filter, mem->shared->book, &found);
    for (size_t i = 0; ok && i < found.count && (!query->limit || i < query->limit); i++)
        ok = each(ctx, found.rows[i], err);
    mem_free(found.rows);
    arena_free(&arena);
    return ok;
}

static bool read_events(struct store *store, const struct store_events_query *query,
                        bool (*each)(void *ctx, const struct event *event, struct err *err),
                        void *ctx, struct err *err)
{
    return mem_log_read(((struct mem *)store)->shared, query, each, ctx, err);
}

/* ---- asking ---- */

static void enqueue(struct mem *mem, struct asked *asked, struct asked_queue *queue)
{
    if (mem->closing)
        refuse_closed(&asked->pending.err);
    queue_push(mem->closing ? &mem->ready : queue, asked);
}

static void ask_write(struct store *store, const struct store_write *write, struct waiter to)
{
    struct mem *mem = (struct mem *)store;
    struct asked *asked = take_asked(mem, ASKED_WRITE);
    pending_fill(&asked->pending, write, to);
    enqueue(mem, asked, &mem->queue);
}

static void ask_query(struct store *store, const struct store_query *query, struct waiter to)
{
    struct mem *mem = (struct mem *)store;
    struct asked *asked = take_asked(mem, ASKED_QUERY);
    struct arena *arena = &asked->pending.arena;
    asked->pending.to = to;
    asked->query = *query;
    asked->query.order_by = arena_text(arena, query->order_by);
    for (size_t i = 0; i < query->where_count; i++) {
        asked->query.where[i].column = arena_text(arena, query->where[i].column);
        asked->query.where[i].value = arena_text(arena, query->where[i].value);
    }
    enqueue(mem, asked, &mem->ready);
}

static void ask_events(struct store *store, const struct store_events_query *query,
                       struct waiter to)
{
    struct mem *mem = (struct mem *)store;
    struct asked *asked = take_asked(mem, ASKED_EVENTS);
    asked->pending.to = to;
    asked->events_query = *query;
    asked->events_query.kind_prefix = arena_text(&asked->pending.arena, query->kind_prefix);
    asked->events_query.subject = arena_text(&asked->pending.arena, query->subject);
    enqueue(mem, asked, &mem->ready);
}

static void ask_beat(struct store *store, int64_t term, struct waiter to)
{
    struct mem *mem = (struct mem *)store;
    struct asked *asked = take_asked(mem, ASKED_BEAT);
    asked->pending.to = to;
    asked->term = term;
    if (term)
        mem_log_beat(mem->shared, mem->handle, term)->row.beat++;
    enqueue(mem, asked, &mem->ready);
}

static void answer_beat(struct mem *mem, struct asked *asked)
{
    struct store_beats beats = mem_log_beats(mem->shared, &asked->pending.arena);
    pending_answer(&asked->pending, &beats);
}

static void answer(struct mem *mem, struct asked *asked)
{
    if (asked->pending.err.code != ERR_OK)
        pending_answer(&asked->pending, NULL);
    else if (asked->kind == ASKED_WRITE)
        pending_answer(&asked->pending, &asked->pending.seq);
    else if (asked->kind == ASKED_QUERY)
        answer_query(mem, asked);
    else if (asked->kind == ASKED_BEAT)
        answer_beat(mem, asked);
    else
        answer_events(mem, asked);
    give_back(mem, asked);
}

static void say_away(struct asked *asked)
{
    err_set(&asked->pending.err, ERR_LATER, ERR_IO, "memory: the database is away");
}

static void answer_ready(struct mem *mem, size_t count)
{
    for (size_t i = 0; i < count && mem->ready.first; i++) {
        struct asked *asked = queue_pop(&mem->ready);
        if (asked->kind == ASKED_WRITE && asked->pending.err.code == ERR_OK)
            tell_foreign(mem, asked->pending.seq);
        answer(mem, asked);
    }
}

size_t store_mem_turn(struct store *store)
{
    struct mem *mem = (struct mem *)store;
    if (mem->options.immediate && mem->queue.first)
        store_mem_commit(store, false);
    size_t count = mem->ready.count;
    for (struct asked *asked = mem->ready.first; mem->doubt && asked; asked = asked->next)
        say_away(asked);
    answer_ready(mem, count);
    /* What was answered meanwhile asked for nothing that stands before. */
    if (mem->ready.count == 0 && !mem->doubt)
        tell_foreign(mem, mem->shared->seq);
    return count;
}

/* ---- in doubt ---- */

bool store_mem_doubt(struct store *store)
{
    struct mem *mem = (struct mem *)store;
    if (mem->doubt || mem->ready.first || !mem->queue.first)
        return false;
    tell_foreign(mem, mem->shared->seq);
    mem->sent = mem->queue;
    queue_init(&mem->queue);
    mem->doubt = true;
    return true;
}

void store_mem_land(struct store *store)
{
    struct mem *mem = (struct mem *)store;
    if (!mem->doubt || mem->landed || !store_mem_current(store))
        return;
    for (struct asked *asked = mem->sent.first; asked; asked = asked->next)
        commit_one(mem, asked);
    mem->landed = true;
}

static void refuse_all(struct mem *mem, struct asked_queue *queue)
{
    for (size_t left = queue->count; left > 0; left--) {
        struct asked *asked = queue_pop(queue);
        say_away(asked);
        answer(mem, asked);
    }
}

void store_mem_refuse(struct store *store)
{
    refuse_all((struct mem *)store, &((struct mem *)store)->queue);
}

void store_mem_settle(struct store *store)
{
    struct mem *mem = (struct mem *)store;
    struct asked_queue *to = mem->landed ? &mem->ready : &mem->queue, later = *to;
    if (mem->sent.first) {
        *to = mem->sent;
        *to->last = later.first;
        to->last = later.first ? later.last : to->last;
        to->count += later.count;
    }
    queue_init(&mem->sent);
    mem->doubt = mem->landed = false;
}

void store_mem_disown(struct store *store)
{
    struct mem *mem = (struct mem *)store;
    for (int64_t i = mem->told; i < mem->shared->seq; i++)
        if (mem->shared->writers[i] == mem->handle)
            mem->shared->writers[i] = -1;
    refuse_all(mem, &mem->sent);
}

static void drop_all(struct mem *mem, struct asked_queue *queue)
{
    for (struct asked *asked; (asked = queue_pop(queue));)
        give_back(mem, asked);
}

void store_mem_crash(struct store *store, bool keep_queued)
{
    struct mem *mem = (struct mem *)store;
    if (keep_queued)
        store_mem_land(store);
    if (keep_queued && store_mem_current(store))
        store_mem_commit(store, false);
    drop_all(mem, &mem->sent);
    drop_all(mem, &mem->queue);
    drop_all(mem, &mem->ready);
    mem->doubt = mem->landed = false;
    store_mem_session(store, false);
}

void store_mem_session(struct store *store, bool stands)
{
    struct mem *mem = (struct mem *)store;
    for (size_t i = 0; i < mem->shared->beat_count; i++)
        if (mem->shared->beats[i].handle == mem->handle)
            mem->shared->beats[i].row.session = stands;
}

struct book *store_mem_book(struct store *store)
{
    return ((struct mem *)store)->shared->book;
}

static void status(const struct store *store, struct store_status *out)
{
    const struct mem *mem = (const struct mem *)store;
    *out = (struct store_status){
        .kind = "memory",
        .ok = !mem->doubt,
        .last_commit_us = mem->last_commit_us,
        .queued = (int64_t)mem->writes,
        .events = mem->shared->seq,
        .term = mem->shared->term,
    };
    text_copy(out->text, sizeof out->text,
              mem->doubt ? "memory: the database is away" : "memory: nothing outlives the process");
}

/* What the last answers still ask is refused. Who asks again for each refusal is dropped in the
 * end. */
static void close_mem(struct store *store)
{
    struct mem *mem = (struct mem *)store;
    store_mem_commit(store, false);
    mem->closing = true;
    for (int turns = 0; turns < CLOSE_TURNS_MAX && mem->ready.first;) {
        answer_ready(mem, mem->ready.count);
        turns++;
    }
    drop_all(mem, &mem->ready);
    store_mem_session(store, false);
    for (struct asked *asked; (asked = mem->spare);) {
        mem->spare = asked->next;
        pending_free(&asked->pending);
        mem_free(asked);
    }
    if (--mem->shared->open == 0)
        mem_log_free(mem->shared);
    mem_free((char *)mem->options.instance);
    mem_free(mem);
}

static const struct store_ops mem_ops = {
    .write = ask_write,
    .query = ask_query,
    .events = ask_events,
    .status = status,
    .close = close_mem,
    .read_rows = read_rows,
    .read_events = read_events,
};

static const struct store_ops shared_ops = {
    .write = ask_write,
    .query = ask_query,
    .events = ask_events,
    .beat = ask_beat,
    .status = status,
    .close = close_mem,
    .read_rows = read_rows,
    .read_events = read_events,
};

static struct store *open_handle(struct mem_log *log, const struct store_mem_options *options)
{
    struct mem *mem = mem_alloc(sizeof *mem);
    mem->store.ops = &mem_ops;
    mem->options = *options;
    mem->options.instance = mem_copy_text(options->instance ? options->instance : "");
    if (!options->clock)
        mem->options.clock = clock_real();
    mem->shared = log;
    mem->handle = log->handles++;
    log->open++;
    mem->told = log->seq;
    queue_init(&mem->queue);
    queue_init(&mem->ready);
    queue_init(&mem->sent);
    return &mem->store;
}

struct store *store_mem_open(const struct store_mem_options *options)
{
    return open_handle(mem_log_new(options->keep_events, options->book), options);
}

struct store *store_mem_share(struct store *with, const struct store_mem_options *options)
{
    struct store *store = open_handle(((struct mem *)with)->shared, options);
    with->ops = store->ops = &shared_ops;
    return store;
}
