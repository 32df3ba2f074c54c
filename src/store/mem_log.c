/* Why: several instances in one process write to one log, each through a handle of its own. */
#include "store/mem_log.h"
#include "store/filter.h"
#include "store/fence.h"

struct mem_log *mem_log_new(bool keep_events, struct book *lent)
{
    struct mem_log *log = mem_alloc(sizeof *log);
    log->lent = lent != NULL;
    log->book = lent ? lent : book_new();
    log->keep_events = keep_events;
    arena_init(&log->texts, 64 * 1024);
    log->sha = sha256_new();
    return log;
}

void mem_log_free(struct mem_log *log)
{
    if (!log->lent)
        book_free(log->book);
    arena_free(&log->texts);
    mem_free(log->list);
    mem_free(log->writers);
    mem_free(log->beats);
    str_free(&log->body);
    sha256_free(log->sha);
    mem_free(log);
}

void mem_log_append(struct mem_log *log, const struct store_event *event, int64_t term, int handle,
                    const char *instance)
{
    static const uint8_t zeros[SHA256_SIZE];
    const struct event *origin = event->origin;
    struct arena *texts = &log->texts;
    size_t at = (size_t)log->seq - 1;
    if (at == log->room) {
        log->room = log->room ? log->room * 2 : 256;
        log->list = mem_realloc(log->list, log->room * sizeof *log->list);
        log->writers = mem_realloc(log->writers, log->room * sizeof *log->writers);
    }
    str_clear(&log->body);
    if (origin)
        str_puts(&log->body, origin->body);
    else
        event_body(&log->body, event->cause, event->changes, event->change_count);
    log->writers[at] = handle;
    log->list[at] = (struct event){
        .seq = log->seq,
        .at_us = event->at_us,
        .kind = arena_text(texts, event->kind),
        .subject = arena_text(texts, event->subject),
        .instance = arena_text(texts, origin ? origin->instance : instance),
        .term = origin ? origin->term : term,
        .body = arena_copy(texts, str_text(&log->body), log->body.length),
    };
    event_hash(log->sha, at ? log->list[at - 1].hash : zeros, &log->list[at], log->list[at].hash);
}

static struct beating *find_beat(const struct mem_log *log, int64_t term)
{
    for (size_t i = 0; i < log->beat_count; i++)
        if (log->beats[i].row.term == term)
            return &log->beats[i];
    return NULL;
}

int64_t mem_log_last_beat(const struct mem_log *log, int64_t term)
{
    const struct beating *beat = find_beat(log, term);
    return beat ? beat->row.beat : 0;
}

struct beating *mem_log_beat(struct mem_log *log, int handle, int64_t term)
{
    struct beating *beat = find_beat(log, term);
    if (beat)
        return beat;
    if (log->beat_count == log->beat_room) {
        log->beat_room = log->beat_room ? log->beat_room * 2 : 8;
        log->beats = mem_realloc(log->beats, log->beat_room * sizeof *log->beats);
    }
    beat = &log->beats[log->beat_count++];
    *beat = (struct beating){{.term = term, .session = true}, handle};
    return beat;
}

void mem_log_member(struct mem_log *log, int handle, const struct member *member)
{
    if (member->term > log->term)
        log->term = member->term;
    if (member->state == MEMBER_ALIVE)
        mem_log_beat(log, handle, member->term);
}

struct store_beats mem_log_beats(const struct mem_log *log, struct arena *arena)
{
    struct store_beat *list = arena_alloc(arena, (log->beat_count + 1) * sizeof *list);
    size_t count = 0;
    for (size_t i = 0; i < log->beat_count; i++)
        if (fence_lives(log->book, log->beats[i].row.term))
            list[count++] = log->beats[i].row;
    return (struct store_beats){.count = count, .list = list};
}

void mem_log_walk(const struct mem_log *log, const struct store_events_query *query, size_t limit,
                  bool (*each)(void *ctx, const struct event *event), void *ctx)
{
    size_t kept = log->list ? (size_t)log->seq : 0;
    for (size_t i = 0, found = 0; i < kept && found < limit; i++) {
        const struct event *event = &log->list[query->descending ? kept - 1 - i : i];
        if (!filter_event_matches(query, event))
            continue;
        found++;
        if (!each(ctx, event))
            return;
    }
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

bool mem_log_read(const struct mem_log *log, const struct store_events_query *query,
                  bool (*each)(void *ctx, const struct event *event, struct err *err), void *ctx,
                  struct err *err)
{
    struct each_event tell = {.each = each, .ctx = ctx, .err = err, .ok = true};
    mem_log_walk(log, query, query->limit ? query->limit : SIZE_MAX, tell_event, &tell);
    return tell.ok;
}
