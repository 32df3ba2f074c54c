/* Reading a whole log: no gap, no broken link, and no change that the rules of trading do not
 * allow. */
#include "trade/event.h"
#include "trade/order.h"
#include "trade/signal.h"
#include "trade/stat.h"
#include <stdio.h>
#include <string.h>

#define FAULT_TEXT_MAX 65536

struct counted {
    int64_t seq;
    struct stat before;
};

void replay_init(struct replay *replay, struct book *book)
{
    *replay = (struct replay){.book = book, .stats = book_new(), .sha = sha256_new()};
    replay->faults.max = FAULT_TEXT_MAX;
}

void replay_free(struct replay *replay)
{
    book_free(replay->stats);
    sha256_free(replay->sha);
    mem_free(replay->history);
    str_free(&replay->faults);
    *replay = (struct replay){0};
}

__attribute__((format(printf, 3, 4))) static void
fault(struct replay *replay, const struct event *event, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    replay->fault_count++;
    str_printf(&replay->faults, "event %lld (%s): %s\n", (long long)event->seq, event->kind, text);
}

static void watch_signal(struct replay *replay, const struct event *event,
                         const struct signal *before, const struct signal *after)
{
    if (before && !signal_may_become(before->state, after->state))
        fault(replay, event, "signal %s goes from %s to %s", after->id,
              signal_state_names[before->state], signal_state_names[after->state]);
}

static void watch_order(struct replay *replay, const struct event *event,
                        const struct order *before, const struct order *after)
{
    if (!before && after->state != ORDER_INTENDED && after->state != ORDER_SENDING)
        fault(replay, event, "order %s begins as %s", after->id, order_state_names[after->state]);
    if (before && !order_may_become(before->state, after->state))
        fault(replay, event, "order %s goes from %s to %s", after->id,
              order_state_names[before->state], order_state_names[after->state]);
}

/* ---- statistics ---- */

static bool same_counts(const struct stat *saved, const struct stat *counted)
{
    struct stat other = *counted;
    other.version = saved->version;
    return row_equal(&tables[TABLE_STAT], saved, &other, NULL);
}

/* Before an event counts into a row: how the row stood. */
static void remember(struct replay *replay, const struct event *event, const char *strategy,
                     const char *instrument)
{
    if (replay->history_count == replay->history_room) {
        replay->history_room = replay->history_room ? replay->history_room * 2 : 256;
        replay->history =
            mem_realloc(replay->history, replay->history_room * sizeof *replay->history);
    }
    struct counted *counted = &replay->history[replay->history_count++];
    row_init(&tables[TABLE_STAT], &counted->before);
    snprintf(counted->before.id, sizeof counted->before.id, "%s|%s", strategy, instrument);
    const struct stat *stat = book_get(replay->stats, TABLE_STAT, counted->before.id);
    if (stat)
        counted->before = *stat;
    counted->seq = event->seq;
}

int64_t event_counts_through(const struct event *event)
{
    struct arena arena;
    struct err err = {0};
    int64_t through = event->seq;
    arena_init(&arena, 16384);
    const struct json_limits limits = {.depth = 8, .nodes = 100000};
    const struct json *body = json_parse(&arena, event->body, strlen(event->body), &limits, &err);
    if (body)
        json_int(json_get(body, "cause"), "through", &through);
    arena_free(&arena);
    return through;
}

/* How the row stood after the event `through`. NULL: nothing was counted. */
static const struct stat *counted_through(const struct replay *replay, const char *id,
                                          int64_t through)
{
    for (size_t i = 0; i < replay->history_count; i++)
        if (replay->history[i].seq > through && strcmp(replay->history[i].before.id, id) == 0)
            return &replay->history[i].before;
    return book_get(replay->stats, TABLE_STAT, id);
}

static void forget_through(struct replay *replay, int64_t through)
{
    size_t kept = 0;
    for (size_t i = 0; i < replay->history_count; i++)
        if (replay->history[i].seq > through)
            replay->history[kept++] = replay->history[i];
    replay->history_count = kept;
}

static void watch_stat(struct replay *replay, const struct event *event, const struct stat *saved)
{
    const struct stat *counted = counted_through(replay, saved->id, event_counts_through(event));
    if (counted && same_counts(saved, counted))
        return;
    if (!counted) {
        fault(replay, event, "statistics %s are saved, but the log has nothing to count for them",
              saved->id);
        return;
    }
    struct stat other = *counted;
    size_t at = 0;
    other.version = saved->version;
    row_equal(&tables[TABLE_STAT], saved, &other, &at);
    struct str figures = STR_EMPTY;
    column_print(&tables[TABLE_STAT].columns[at], saved, &figures);
    str_puts(&figures, ", counted ");
    column_print(&tables[TABLE_STAT].columns[at], &other, &figures);
    fault(replay, event, "statistics %s: %s saved as %s", saved->id,
          tables[TABLE_STAT].columns[at].name, str_text(&figures));
    str_free(&figures);
}

static void watch(void *ctx, const struct event *event, const struct change *change)
{
    struct replay *replay = ctx;
    switch (change->table->id) {
    case TABLE_SIGNAL: {
        const struct signal *signal = change->after;
        watch_signal(replay, event, change->before, signal);
        remember(replay, event, signal->strategy, signal->instrument);
        break;
    }
    case TABLE_DECISION: {
        const struct decision *decision = change->after;
        remember(replay, event, decision->strategy, decision->instrument);
        break;
    }
    case TABLE_ORDER: {
        const struct order *order = change->after;
        watch_order(replay, event, change->before, order);
        remember(replay, event, order->strategy, order->instrument);
        break;
    }
    case TABLE_FILL: {
        const struct fill *fill = change->after;
        remember(replay, event, fill->strategy, fill->instrument);
        break;
    }
    case TABLE_POSITION: {
        const struct position *position = change->after;
        remember(replay, event, position->strategy, position->instrument);
        break;
    }
    case TABLE_STAT:
        watch_stat(replay, event, change->after);
        break;
    default:
        break;
    }
    stat_count(replay->stats, change);
}

bool replay_feed(struct replay *replay, const struct event *event, struct err *err)
{
    uint8_t hash[SHA256_SIZE];
    if (event->seq != replay->seq + 1)
        return err_set(err, ERR_REFUSED, ERR_CORRUPT, "the log has event %lld where %lld is due",
                       (long long)event->seq, (long long)(replay->seq + 1));
    event_hash(replay->sha, replay->hash, event, hash);
    if (memcmp(hash, event->hash, sizeof hash) != 0)
        return err_set(err, ERR_REFUSED, ERR_CORRUPT,
                       "event %lld (%s %s) does not hash to what is stored: it, or the one before, "
                       "was changed",
                       (long long)event->seq, event->kind, event->subject);
    if (!event_fold_each(replay->book, event, watch, replay, err))
        return false;
    if (strcmp(event->kind, "statistics.saved") == 0)
        forget_through(replay, event_counts_through(event));
    memcpy(replay->hash, hash, sizeof hash);
    replay->seq = event->seq;
    return true;
}

size_t replay_faults(const struct replay *replay, struct str *report, size_t max)
{
    const char *at = str_text(&replay->faults);
    for (size_t i = 0; i < max && *at; i++) {
        const char *end = strchr(at, '\n');
        size_t length = end ? (size_t)(end - at) + 1 : strlen(at);
        str_put(report, at, length);
        at += length;
    }
    return replay->fault_count;
}
