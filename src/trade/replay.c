/* Reading a whole log: no gap, no broken link, and no change that the rules of trading do not
 * allow. */
#include "trade/event.h"
#include "trade/order.h"
#include "trade/signal.h"
#include "trade/stat.h"
#include <stdio.h>
#include <string.h>

#define RECENT 256
#define FAULT_TEXT_MAX 65536

void replay_init(struct replay *replay, struct book *book)
{
    *replay = (struct replay){.book = book, .stats = book_new(), .sha = sha256_new()};
    replay->recent = mem_alloc(RECENT * sizeof *replay->recent);
    replay->faults.max = FAULT_TEXT_MAX;
}

void replay_free(struct replay *replay)
{
    book_free(replay->stats);
    sha256_free(replay->sha);
    mem_free(replay->recent);
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

static bool same_counts(const struct stat *saved, const struct stat *counted)
{
    struct stat other = *counted;
    other.version = saved->version;
    return row_equal(&tables[TABLE_STAT], saved, &other, NULL);
}

static void watch_stat(struct replay *replay, const struct event *event, const struct stat *saved)
{
    const struct stat *counted = book_get(replay->stats, TABLE_STAT, saved->id);
    if (counted && same_counts(saved, counted))
        return;
    for (size_t i = 0; i < RECENT; i++)
        if (same_counts(saved, &replay->recent[i]))
            return;
    struct stat other = {0};
    size_t at = 0;
    if (!counted) {
        fault(replay, event, "statistics %s are saved, but the log has nothing to count for them",
              saved->id);
        return;
    }
    other = *counted;
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

static void remember(struct replay *replay, const char *strategy, const char *instrument)
{
    char id[KEY_SIZE];
    snprintf(id, sizeof id, "%s|%s", strategy, instrument);
    const struct stat *stat = book_get(replay->stats, TABLE_STAT, id);
    if (stat)
        replay->recent[replay->recent_at++ % RECENT] = *stat;
}

static void watch(void *ctx, const struct event *event, const struct change *change)
{
    struct replay *replay = ctx;
    stat_count(replay->stats, change);
    switch (change->table->id) {
    case TABLE_SIGNAL: {
        const struct signal *signal = change->after;
        watch_signal(replay, event, change->before, signal);
        remember(replay, signal->strategy, signal->instrument);
        break;
    }
    case TABLE_DECISION: {
        const struct decision *decision = change->after;
        remember(replay, decision->strategy, decision->instrument);
        break;
    }
    case TABLE_ORDER: {
        const struct order *order = change->after;
        watch_order(replay, event, change->before, order);
        remember(replay, order->strategy, order->instrument);
        break;
    }
    case TABLE_FILL: {
        const struct fill *fill = change->after;
        remember(replay, fill->strategy, fill->instrument);
        break;
    }
    case TABLE_POSITION: {
        const struct position *position = change->after;
        remember(replay, position->strategy, position->instrument);
        break;
    }
    case TABLE_STAT:
        watch_stat(replay, event, change->after);
        break;
    default:
        break;
    }
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
