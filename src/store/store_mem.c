/* The store in memory: what the simulator crashes and the backtest runs on.
 *
 *     asked --commit--> ready --turn--> answered
 *
 * Asked operations stand in one queue in the order of asking; a commit takes them all, applies each
 * write whole or not at all, and moves them to `ready`. Reads need no commit: they are ready at
 * once and see what is committed when they are answered, which is everything answered before them.
 * A crash drops both queues and keeps the tables and the log. */
#include "store/store_bodies.h"

#include "store/fence.h"
#include "store/filter.h"
#include "store/pending.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CLOSE_TURNS_MAX 64

enum asked_kind { ASKED_WRITE, ASKED_TERM, ASKED_QUERY, ASKED_EVENTS };
struct asked {
    struct asked *next;
    enum asked_kind kind;
    struct pending pending; /* what is asked, except for a query's conditions */
    const char *holder;
    struct store_query query;
    struct store_events_query events_query;
    int64_t term; /* answer of ASKED_TERM */
};
struct asked_queue {
    struct asked *first, **last;
    size_t count;
};

struct mem {
    struct store store;
    struct store_mem_options options;
    struct book *book;
    struct asked_queue queue, ready;
    struct asked *spare;
    size_t writes; /* asked and not answered */
    bool closing;
    /* The log. */
    struct arena log_texts;
    struct event *log;
    size_t log_room;
    struct str body;
    struct sha256 *sha;
    int64_t seq, term;
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
    if (kind == ASKED_WRITE || kind == ASKED_TERM)
        mem->writes++;
    return asked;
}

static void give_back(struct mem *mem, struct asked *asked)
{
    if (asked->kind == ASKED_WRITE || asked->kind == ASKED_TERM)
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
    return book_get(mem->book, change->table->id, key);
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
    if (write->term && write->term != mem->term && !fence_check(mem->book, write, err))
        return false;
    for (size_t e = 0; e < write->event_count; e++)
        for (size_t i = 0; i < write->events[e].change_count; i++)
            if (!check_change(mem, write, e, i, err))
                return false;
    return true;
}

static void keep_event(struct mem *mem, const struct store_event *event, int64_t term)
{
    static const uint8_t origin[SHA256_SIZE];
    struct arena *texts = &mem->log_texts;
    size_t at = (size_t)mem->seq - 1;
    if (at == mem->log_room) {
        mem->log_room = mem->log_room ? mem->log_room * 2 : 256;
        mem->log = mem_realloc(mem->log, mem->log_room * sizeof *mem->log);
    }
    str_clear(&mem->body);
    event_body(&mem->body, event->cause, event->changes, event->change_count);
    mem->log[at] = (struct event){
        .seq = mem->seq,
        .at_us = event->at_us,
        .kind = arena_text(texts, event->kind),
        .subject = arena_text(texts, event->subject),
        .instance = mem->options.instance,
        .term = term,
        .body = arena_copy(texts, str_text(&mem->body), mem->body.length),
    };
    event_hash(mem->sha, at ? mem->log[at - 1].hash : origin, &mem->log[at], mem->log[at].hash);
}

static void apply_event(struct mem *mem, const struct store_event *event, int64_t term)
{
    mem->seq++;
    for (size_t i = 0; i < event->change_count; i++)
        book_apply_change(mem->book, &event->changes[i]);
    if (mem->options.keep_events)
        keep_event(mem, event, term);
}

static void commit_one(struct mem *mem, struct asked *asked)
{
    const struct store_write *write = &asked->pending.write;
    if (asked->kind == ASKED_TERM) {
        asked->term = ++mem->term;
        apply_event(mem,
                    &(struct store_event){.kind = "term.begun",
                                          .subject = asked->holder,
                                          .at_us = clock_wall(mem->options.clock)},
                    asked->term);
    } else if (check_write(mem, write, &asked->pending.err)) {
        for (size_t e = 0; e < write->event_count; e++)
            apply_event(mem, &write->events[e], write->term);
        asked->pending.seq = mem->seq;
    }
}

void store_mem_commit(struct store *store, bool fail)
{
    struct mem *mem = (struct mem *)store;
    int64_t began_us = clock_steady(mem->options.clock);
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

struct found_rows {
    const struct filter *filter;
    const void **rows;
    size_t count, room;
};

static bool find_row(void *ctx, const void *row)
{
    struct found_rows *found = ctx;
    if (!filter_matches(found->filter, row))
        return true;
    if (found->count == found->room) {
        found->room = found->room ? found->room * 2 : 64;
        found->rows = mem_realloc(found->rows, found->room * sizeof *found->rows);
    }
    found->rows[found->count++] = row;
    return true;
}

static int order_rows(const void *a, const void *b, void *filter)
{
    return filter_order(filter, *(const void *const *)a, *(const void *const *)b);
}

/* The caller frees found->rows. */
static void find_rows(struct mem *mem, struct filter *filter, struct found_rows *found)
{
    *found = (struct found_rows){.filter = filter};
    book_each(mem->book, filter->table->id, find_row, found);
    if (found->count)
        qsort_r(found->rows, found->count, sizeof *found->rows, order_rows, filter);
}

static void answer_query(struct mem *mem, struct asked *asked)
{
    struct filter filter;
    struct found_rows found;
    if (!filter_read(&filter, &asked->query, &asked->pending.arena, &asked->pending.err)) {
        pending_answer(&asked->pending, NULL);
        return;
    }
    find_rows(mem, &filter, &found);
    struct store_rows rows = {.table = filter.table, .count = found.count, .rows = found.rows};
    if (rows.count > filter.limit)
        rows.count = filter.limit;
    pending_answer(&asked->pending, &rows);
    mem_free(found.rows);
}

/* Walks the matching events; stops when `each` returns false. */
static void walk_events(const struct mem *mem, const struct store_events_query *query, size_t limit,
                        bool (*each)(void *ctx, const struct event *event), void *ctx)
{
    size_t kept = mem->log ? (size_t)mem->seq : 0;
    for (size_t i = 0, found = 0; i < kept && found < limit; i++) {
        const struct event *event = &mem->log[query->descending ? kept - 1 - i : i];
        if (!filter_event_matches(query, event))
            continue;
        found++;
        if (!each(ctx, event))
            return;
    }
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
    walk_events(mem, query, query->limit ? query->limit : 1000, find_event, &found);
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
    struct found_rows found = {0};
    arena_init(&arena, 0);
    bool ok = filter_read(&filter, query, &arena, err);
    if (ok)
        find_rows(mem, &filter, &found);
    for (size_t i = 0; ok && i < found.count && (!query->limit || i < query->limit); i++)
        ok = each(ctx, found.rows[i], err);
    mem_free(found.rows);
    arena_free(&arena);
    return ok;
}

struct each_event {
    bool (*each)(void *ctx, const struct event *event, struct err *err);
    void *ctx;
    struct err *err;
    bool ok;
};

static bool tell_event(void *ctx, const struct event *event)
{
    struct each_event *tell = ctx;
    tell->ok = tell->each(tell->ctx, event, tell->err);
    return tell->ok;
}

static bool read_events(struct store *store, const struct store_events_query *query,
                        bool (*each)(void *ctx, const struct event *event, struct err *err),
                        void *ctx, struct err *err)
{
    struct each_event tell = {.each = each, .ctx = ctx, .err = err, .ok = true};
    walk_events((struct mem *)store, query, query->limit ? query->limit : SIZE_MAX, tell_event,
                &tell);
    return tell.ok;
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

static void ask_next_term(struct store *store, const char *holder, struct waiter to)
{
    struct mem *mem = (struct mem *)store;
    struct asked *asked = take_asked(mem, ASKED_TERM);
    asked->pending.to = to;
    asked->holder = arena_text(&asked->pending.arena, holder);
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

static void answer(struct mem *mem, struct asked *asked)
{
    if (asked->pending.err.code != ERR_OK)
        pending_answer(&asked->pending, NULL);
    else if (asked->kind == ASKED_WRITE)
        pending_answer(&asked->pending, &asked->pending.seq);
    else if (asked->kind == ASKED_TERM)
        pending_answer(&asked->pending, &asked->term);
    else if (asked->kind == ASKED_QUERY)
        answer_query(mem, asked);
    else
        answer_events(mem, asked);
    give_back(mem, asked);
}

size_t store_mem_turn(struct store *store)
{
    struct mem *mem = (struct mem *)store;
    if (mem->options.immediate && mem->queue.first)
        store_mem_commit(store, false);
    size_t count = mem->ready.count;
    for (size_t i = 0; i < count; i++)
        answer(mem, queue_pop(&mem->ready));
    return count;
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
        store_mem_commit(store, false);
    drop_all(mem, &mem->queue);
    drop_all(mem, &mem->ready);
}

struct book *store_mem_book(struct store *store)
{
    return ((struct mem *)store)->book;
}

static void status(const struct store *store, struct store_status *out)
{
    const struct mem *mem = (const struct mem *)store;
    *out = (struct store_status){
        .kind = "memory",
        .ok = true,
        .last_commit_us = mem->last_commit_us,
        .queued = (int64_t)mem->writes,
        .events = mem->seq,
        .term = mem->term,
    };
    text_copy(out->text, sizeof out->text, "memory: nothing outlives the process");
}

/* What the last answers still ask is refused. Who asks again for each refusal is dropped in the
 * end. */
static void close_mem(struct store *store)
{
    struct mem *mem = (struct mem *)store;
    store_mem_commit(store, false);
    mem->closing = true;
    for (int turns = 0; turns < CLOSE_TURNS_MAX && store_mem_turn(store);)
        turns++;
    drop_all(mem, &mem->ready);
    for (struct asked *asked; (asked = mem->spare);) {
        mem->spare = asked->next;
        pending_free(&asked->pending);
        mem_free(asked);
    }
    book_free(mem->book);
    arena_free(&mem->log_texts);
    mem_free(mem->log);
    str_free(&mem->body);
    sha256_free(mem->sha);
    mem_free((char *)mem->options.instance);
    mem_free(mem);
}

static const struct store_ops mem_ops = {
    .write = ask_write,
    .query = ask_query,
    .events = ask_events,
    .next_term = ask_next_term,
    .status = status,
    .close = close_mem,
    .read_rows = read_rows,
    .read_events = read_events,
};

struct store *store_mem_open(const struct store_mem_options *options)
{
    struct mem *mem = mem_alloc(sizeof *mem);
    mem->store.ops = &mem_ops;
    mem->options = *options;
    mem->options.instance = mem_copy_text(options->instance ? options->instance : "");
    if (!options->clock)
        mem->options.clock = clock_real();
    mem->book = book_new();
    book_forget_final(mem->book, options->forget_final);
    queue_init(&mem->queue);
    queue_init(&mem->ready);
    arena_init(&mem->log_texts, 64 * 1024);
    mem->sha = sha256_new();
    return &mem->store;
}
