/* Is the log whole, and are the tables what it says? And what was so at a moment.
 *
 * Nothing here stops at the first fault it can step over: a person who has a damaged database wants
 * to know all of it. */
#include "store/store_bodies.h"

#include <inttypes.h>
#include <string.h>

#define SENTENCES_MAX 50

static bool feed(void *ctx, const struct event *event, struct err *err)
{
    return replay_feed(ctx, event, err);
}

static void note(struct verify_result *result, struct str *report, const char *where,
                 const struct err *err)
{
    str_printf(report, "%s: %s\n", where, err->text);
    result->faults++;
}

/* A table that cannot be read to its end is one fault, and what was read of it still counts. */
static void read_tables(struct store *store, struct book *book, struct verify_result *result,
                        struct str *report)
{
    struct err err;
    if (!store_load_tables(store, book, &err))
        note(result, report, "tables", &err);
}

/* A log that ends before what this store has committed itself. */
static void check_length(struct store *store, const struct replay *replay,
                         struct verify_result *result, struct str *report)
{
    struct store_status status;
    store_status(store, &status);
    if (status.events <= replay->seq)
        return;
    str_printf(report, "log: %" PRId64 " events, %" PRId64 " were committed\n", replay->seq,
               status.events);
    result->faults++;
}

bool store_verify(struct store *store, struct verify_result *result, struct str *report,
                  struct err *err)
{
    struct book *folded = book_new(), *kept = book_new();
    struct replay replay;
    struct err fault;
    *result = (struct verify_result){0};
    replay_init(&replay, folded);
    bool ok = !store->ops->check || store->ops->check(store, report, &result->faults, err);
    if (ok) {
        bool whole = store_read_events(store, 0, 0, feed, &replay, &fault);
        if (!whole)
            note(result, report, "log", &fault);
        read_tables(store, kept, result, report);
        result->events = replay.seq;
        check_length(store, &replay, result, report);
        /* A log that ends early would only list every later row as different. */
        if (whole)
            result->faults += book_compare(kept, folded, report, SENTENCES_MAX);
        result->faults += replay_faults(&replay, report, SENTENCES_MAX);
        result->faults += replay_audit(whole ? folded : kept, report, SENTENCES_MAX);
    }
    replay_free(&replay);
    book_free(folded);
    book_free(kept);
    return ok;
}

struct until {
    struct replay replay;
    int64_t last_seq;
};

static bool find_last(void *ctx, const struct event *event, struct err *err)
{
    (void)err;
    *(int64_t *)ctx = event->seq;
    return true;
}

static bool feed_until(void *ctx, const struct event *event, struct err *err)
{
    struct until *until = ctx;
    return event->seq > until->last_seq || replay_feed(&until->replay, event, err);
}

bool store_state_at(struct store *store, int64_t at_us, struct book *book, struct err *err)
{
    const struct store_events_query last = {.until_us = at_us + 1, .limit = 1, .descending = true};
    struct until until = {0};
    if (!store->ops->read_events(store, &last, find_last, &until.last_seq, err))
        return false;
    const struct store_events_query prefix = {.limit = (size_t)until.last_seq};
    replay_init(&until.replay, book);
    bool ok =
        until.last_seq == 0 || store->ops->read_events(store, &prefix, feed_until, &until, err);
    replay_free(&until.replay);
    return ok;
}
