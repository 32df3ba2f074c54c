/* Why: a page of the first log is asked for whenever the one before is on its way; a refusal stops
 * the mirror for good and says so, a passing failure is tried again. */
#include "mirror.h"
#include "store/carry.h"
#include <string.h>

#define PAGE 256
#define CLOSE_US 5000000
#define AGAIN_US 100000 /* also the most a mirror is behind when nothing tells it */

struct mirror {
    struct core *core;
    struct loop *loop;
    struct loop_timer *timer;
    struct store *second;
    struct carry *carry;
    bool asked, refused, caught_up;
    struct metric *behind, *ok;
};

static void again_in(struct mirror *mirror, int64_t delay_us)
{
    if (mirror->timer)
        loop_timer_start_in(mirror->timer, delay_us);
}

static void refuse(struct mirror *mirror, const struct err *err)
{
    mirror->refused = true;
    metric_set(mirror->ok, 0);
    log_write(mirror->core->log, LOG_ERROR, "mirror",
              "the mirror has stopped: it is no copy any more",
              LOG_I("through", carry_done(mirror->carry)), LOG_T("error", err->text), LOG_END);
}

static void tell_lag(struct mirror *mirror)
{
    struct store_status first;
    store_status(mirror->core->store, &first);
    int64_t behind = first.events - carry_done(mirror->carry);
    metric_set(mirror->behind, (double)behind);
    if (behind == 0 && !mirror->caught_up)
        log_write(mirror->core->log, LOG_INFO, "mirror", "the mirror has caught up",
                  LOG_I("events", first.events), LOG_END);
    mirror->caught_up |= behind == 0;
}

static void take_page(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct mirror *mirror = owner;
    const struct store_events *events = value;
    struct err why = {0};
    (void)handle;
    mirror->asked = false;
    for (size_t i = 0; !err && i < events->count && carry_has_room(mirror->carry); i++)
        if (!carry_feed(mirror->carry, &events->list[i], &why)) {
            refuse(mirror, &why);
            return;
        }
    again_in(mirror, !err && events->count == PAGE ? 1000 : AGAIN_US);
}

static void turn(void *ctx)
{
    struct mirror *mirror = ctx;
    struct err err = {0};
    if (mirror->refused)
        return;
    if (!carry_again(mirror->carry, &err)) {
        refuse(mirror, &err);
        return;
    }
    tell_lag(mirror);
    if (mirror->asked || carry_stands_still(mirror->carry) || !carry_has_room(mirror->carry)) {
        again_in(mirror, AGAIN_US);
        return;
    }
    mirror->asked = true;
    store_events(
        mirror->core->store,
        &(struct store_events_query){.after_seq = carry_asked(mirror->carry), .limit = PAGE},
        (struct waiter){.answer = take_page, .owner = mirror});
}

struct mirror *mirror_open(struct core *core, struct loop *loop, struct store *second,
                           struct err *err)
{
    int64_t same = 0, differs = 0;
    struct store_status status;
    struct carry *carry = carry_new(second, err);
    bool ok = carry && carry_compare(core->store, second, &same, &differs, err);
    store_status(core->store, &status);
    if (ok && (differs || carry_done(carry) > status.events))
        ok = err_set(err, ERR_REFUSED, ERR_CONFLICT,
                     "the mirror is no copy of this database: they part at event %lld; give it an "
                     "empty one",
                     (long long)(differs ? differs : status.events + 1));
    if (!ok) {
        store_close(second);
        carry_free(carry);
        return NULL;
    }
    struct mirror *mirror = mem_alloc(sizeof *mirror);
    *mirror = (struct mirror){.core = core, .loop = loop, .second = second, .carry = carry};
    mirror->timer = loop_timer_new(loop, turn, mirror);
    mirror->behind = metric_gauge(core->metrics, "tidelock_mirror_behind_events",
                                  "Events the mirror does not have yet.", NULL);
    mirror->ok = metric_gauge(core->metrics, "tidelock_mirror_ok",
                              "1 while the mirror follows, 0 once it was stopped.", NULL);
    metric_set(mirror->ok, 1);
    return mirror;
}

void mirror_follow(struct mirror *mirror)
{
    if (mirror)
        again_in(mirror, 0);
}

static bool feed(void *ctx, const struct event *event, struct err *err)
{
    return carry_feed(ctx, event, err);
}

/* A host that ended well leaves a mirror that lacks nothing. */
static void catch_up(struct mirror *mirror)
{
    struct store *first = mirror->core->store;
    const struct clock *clock = mirror->core->clock;
    int64_t until_us = clock_steady(clock) + CLOSE_US;
    struct store_status status;
    struct err err = {0};
    bool ok = true;
    store_status(first, &status);
    while (ok && carry_done(mirror->carry) < status.events && clock_steady(clock) < until_us) {
        const struct store_events_query page = {.after_seq = carry_asked(mirror->carry),
                                                .limit = PAGE};
        if (!mirror->asked && carry_done(mirror->carry) == carry_asked(mirror->carry))
            ok = first->ops->read_events(first, &page, feed, mirror->carry, &err);
        loop_turn(mirror->loop, 20);
        ok = ok && carry_again(mirror->carry, &err);
    }
    if (carry_done(mirror->carry) < status.events)
        log_write(mirror->core->log, LOG_WARN, "mirror", "the mirror lacks the last events",
                  LOG_I("through", carry_done(mirror->carry)), LOG_I("events", status.events),
                  LOG_T("error", err.text), LOG_END);
}

void mirror_close(struct mirror *mirror)
{
    if (!mirror)
        return;
    loop_timer_free(mirror->timer);
    mirror->timer = NULL;
    if (!mirror->refused)
        catch_up(mirror);
    store_close(mirror->second);
    carry_free(mirror->carry);
    mem_free(mirror);
}
