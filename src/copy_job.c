/* Why: a user who outgrows the embedded database takes everything along: the log with its hashes,
 * and every table. What is cut short goes on from where it stopped. */
#include "host.h"
#include "store/carry.h"
#include "store/store_bodies.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 1000, TELL_EVERY = 20000 };
struct copying {
    struct store *from, *to;
    struct loop *loop;
    struct carry *carry;
    int64_t last; /* of the first log, when it was looked at */
    bool terminal;
    struct tidelock_io *io;
};

static bool note_last(void *ctx, const struct event *event, struct err *err)
{
    (void)err;
    *(int64_t *)ctx = event->seq;
    return true;
}

static void show_progress(const struct copying *copying)
{
    int64_t done = carry_done(copying->carry), of = copying->last ? copying->last : 1;
    char bar[31];
    size_t filled = (size_t)(done * 30 / of);
    if (!copying->terminal)
        return;
    memset(bar, ' ', 30);
    memset(bar, '#', filled < 30 ? filled : 30);
    bar[30] = '\0';
    host_print(copying->io->err, "\r[%s] %lld of %lld events", bar, (long long)done,
               (long long)copying->last);
    fflush(copying->io->err);
}

static bool feed(void *ctx, const struct event *event, struct err *err)
{
    struct copying *copying = ctx;
    while (!carry_has_room(copying->carry)) {
        loop_turn(copying->loop, 100);
        if (!carry_again(copying->carry, err))
            return false;
    }
    return carry_feed(copying->carry, event, err);
}

static bool carry_all(struct copying *copying, struct err *err)
{
    const struct store_events_query newest = {.descending = true, .limit = 1};
    bool ok =
        copying->from->ops->read_events(copying->from, &newest, note_last, &copying->last, err);
    if (ok && carry_asked(copying->carry) > copying->last)
        return err_set(err, ERR_REFUSED, ERR_CONFLICT,
                       "the second database has %lld events, the first only %lld: it is no copy",
                       (long long)carry_asked(copying->carry), (long long)copying->last);
    while (ok && carry_asked(copying->carry) < copying->last) {
        const struct store_events_query page = {.after_seq = carry_asked(copying->carry),
                                                .limit = PAGE};
        ok = copying->from->ops->read_events(copying->from, &page, feed, copying, err);
        show_progress(copying);
    }
    while (ok && carry_done(copying->carry) < carry_asked(copying->carry)) {
        loop_turn(copying->loop, 100);
        ok = carry_again(copying->carry, err);
    }
    show_progress(copying);
    if (copying->terminal)
        host_print(copying->io->err, "\n");
    return ok;
}

static bool compare(const struct copying *copying, int64_t *same, struct err *err)
{
    int64_t differs = 0;
    if (!carry_compare(copying->from, copying->to, same, &differs, err))
        return false;
    return !differs || err_set(err, ERR_REFUSED, ERR_CORRUPT,
                               "event %lld is not the same in both: the second database had "
                               "another beginning; copy into an empty one",
                               (long long)differs);
}

/* The tables of the copy against the fold of its log. */
static bool verify(const struct copying *copying, struct err *err)
{
    struct verify_result result = {0};
    struct str report = STR_EMPTY;
    bool ok = store_verify(copying->to, &result, &report, err);
    if (ok && result.faults)
        ok = err_set(err, ERR_REFUSED, ERR_CORRUPT, "the copy has %zu faults:\n%s", result.faults,
                     str_text(&report));
    str_free(&report);
    return ok;
}

static void tell(const struct copying *copying, int64_t before, int64_t same)
{
    if (copying->io->json)
        host_print(copying->io->out, "{\"events\":%lld,\"copied\":%lld,\"verified\":true}\n",
                   (long long)same, (long long)(same - before));
    else
        host_print(copying->io->out,
                   "%lld events copied, %lld in both now, hash for hash; every table of the copy "
                   "equals its fold\n",
                   (long long)(same - before), (long long)same);
}

static bool copy(struct copying *copying, struct err *err)
{
    int64_t same = 0;
    copying->carry = carry_new(copying->to, err);
    if (!copying->carry)
        return false;
    int64_t before = carry_done(copying->carry);
    bool ok = compare(copying, &same, err) && carry_all(copying, err) &&
              compare(copying, &same, err) && verify(copying, err);
    if (ok)
        tell(copying, before, same);
    return ok;
}

int tidelock_copy(const char *from, const char *to, struct tidelock_io *io)
{
    struct err err = {0};
    struct copying copying = {.io = io,
                              .terminal = io->err && isatty(fileno(io->err)) && !io->json};
    copying.loop = loop_new(clock_real(), NULL, &err);
    bool ok = copying.loop != NULL;
    if (ok)
        copying.from = host_open_store_at(from, NULL, NULL, &err);
    if (copying.from)
        copying.to = host_open_store_at(to, NULL, copying.loop, &err);
    ok = copying.to && copy(&copying, &err);
    store_close(copying.to);
    while (copying.loop && loop_turn(copying.loop, 0))
        ;
    carry_free(copying.carry);
    store_close(copying.from);
    loop_free(copying.loop);
    if (!ok)
        host_print(io->err, "tidelock copy: %s\n", err.text);
    return ok ? TIDELOCK_OK : TIDELOCK_FAILED;
}
