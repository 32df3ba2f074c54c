/* The event loop over libuv.
 *
 * libuv's own turn is: timers, idle, prepare, wait, check. Deferred calls and hooks run in prepare
 * (so that nothing which is due waits for a socket) and deferred calls also in check (so that what
 * a socket's callback put off happens in the same turn). The idle handle is on exactly while
 * deferred calls wait; it keeps libuv from sleeping. */
#include "io/loop.h"
#include "base/mem.h"
#include "io/loop_uv.h"
#include <assert.h>
#include <poll.h>

/* Deferred calls may defer again; after this many rounds the sockets get their turn. */
#define SETTLE_ROUNDS_MAX 8
#define LEFT_WAITS_MAX 1000

struct deferral {
    void (*fn)(void *ctx);
    void *ctx;
};

struct deferrals {
    struct deferral *items;
    size_t count, room;
};

struct loop_hook {
    struct loop *loop;
    int64_t (*fn)(void *ctx, int64_t steady_us);
    void *ctx;
    struct loop_hook *next;
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    struct loop_timer *wake;  /* the earliest time a hook asked for */
    struct loop_timer *limit; /* ends the wait of loop_turn */
    const struct clock *clock;
    struct deferrals waiting, running;
    struct loop_hook *hooks;
    struct metric *turn_seconds;
    int64_t turn_start_us;
    uint64_t idle_seen_ns;
    int64_t longest_turn_us;
};

struct loop_timer {
    uv_timer_t uv;
    struct loop *loop;
    int64_t due_us;
    void (*fn)(void *ctx);
    void *ctx;
};

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}
const struct clock *loop_clock(const struct loop *loop)
{
    return loop->clock;
}
int64_t loop_steady_us(const struct loop *loop)
{
    return clock_steady(loop->clock);
}

/* Deferred calls ---------------------------------------------------------------------------------
 */

void loop_defer(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
    struct deferrals *d = &loop->waiting;
    if (d->count == d->room) {
        d->room = d->room ? d->room * 2 : 64;
        d->items = mem_realloc(d->items, d->room * sizeof *d->items);
    }
    d->items[d->count++] = (struct deferral){fn, ctx};
}

static void cancel_in(struct deferrals *d, void (*fn)(void *ctx), void *ctx)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->items[i].fn == fn && d->items[i].ctx == ctx)
            d->items[i].fn = NULL;
}

void loop_defer_cancel(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
    cancel_in(&loop->waiting, fn, ctx);
    cancel_in(&loop->running, fn, ctx);
}

/* Not reentrant: a deferred call that turned the loop itself would find the list half run. */
static void run_deferred(struct loop *loop)
{
    assert(loop->running.count == 0);
    struct deferrals now = loop->waiting;
    loop->waiting = loop->running;
    loop->running = now;
    for (size_t i = 0; i < loop->running.count; i++) {
        struct deferral d = loop->running.items[i];
        if (d.fn)
            d.fn(d.ctx);
    }
    loop->running.count = 0;
}

static int64_t run_hooks(struct loop *loop)
{
    int64_t next_us = LOOP_NEVER;
    int64_t now_us = loop_steady_us(loop);
    for (struct loop_hook *hook = loop->hooks, *next; hook; hook = next) {
        next = hook->next;
        int64_t due_us = hook->fn(hook->ctx, now_us);
        if (due_us < next_us)
            next_us = due_us;
    }
    return next_us;
}

static void settle(struct loop *loop)
{
    int64_t next_us = LOOP_NEVER;
    for (int round = 0; round < SETTLE_ROUNDS_MAX; round++) {
        run_deferred(loop);
        next_us = run_hooks(loop);
        if (loop->waiting.count == 0)
            break;
    }
    if (next_us == LOOP_NEVER)
        loop_timer_stop(loop->wake);
    else if (!uv_is_active((uv_handle_t *)&loop->wake->uv) || loop->wake->due_us != next_us)
        loop_timer_start_at(loop->wake, next_us);
}

static void stay_awake(uv_idle_t *handle)
{
    (void)handle;
}

static void keep_awake_while_deferred(struct loop *loop)
{
    if (loop->waiting.count > 0)
        uv_idle_start(&loop->idle, stay_awake);
    else
        uv_idle_stop(&loop->idle);
}

/* Turns -------------------------------------------------------------------------------------------
 */

static void measure_turn(struct loop *loop)
{
    int64_t now_us = loop_steady_us(loop);
    uint64_t idle_ns = uv_metrics_idle_time(&loop->uv);
    int64_t busy_us = now_us - loop->turn_start_us - (int64_t)(idle_ns - loop->idle_seen_ns) / 1000;
    loop->turn_start_us = now_us;
    loop->idle_seen_ns = idle_ns;
    if (busy_us < 0)
        busy_us = 0;
    if (busy_us > loop->longest_turn_us)
        loop->longest_turn_us = busy_us;
    metric_observe_us(loop->turn_seconds, busy_us);
}

static void before_waiting(uv_prepare_t *handle)
{
    struct loop *loop = handle->data;
    settle(loop);
    keep_awake_while_deferred(loop);
    measure_turn(loop);
}

static void after_waiting(uv_check_t *handle)
{
    struct loop *loop = handle->data;
    if (loop->waiting.count > 0)
        run_deferred(loop);
    keep_awake_while_deferred(loop);
}

static void no_work(void *ctx)
{
    (void)ctx;
}

struct loop *loop_new(const struct clock *clock, struct metrics *metrics, struct err *err)
{
    struct loop *loop = mem_alloc(sizeof *loop);
    int rc = uv_loop_init(&loop->uv);
    if (rc != 0) {
        err_set(err, ERR_NOT_DONE, ERR_IO,
                "no event loop: %s; raise the limit of open files (ulimit -n)", uv_strerror(rc));
        mem_free(loop);
        return NULL;
    }
    uv_loop_configure(&loop->uv, UV_METRICS_IDLE_TIME);
    loop->clock = clock;
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_check_init(&loop->uv, &loop->check);
    uv_idle_init(&loop->uv, &loop->idle);
    loop->prepare.data = loop->check.data = loop;
    uv_prepare_start(&loop->prepare, before_waiting);
    uv_check_start(&loop->check, after_waiting);
    loop->wake = loop_timer_new(loop, no_work, NULL);
    loop->limit = loop_timer_new(loop, no_work, NULL);
    if (metrics)
        loop->turn_seconds = metric_histogram(metrics, "tidelock_loop_turn_seconds",
                                              "Busy time of one turn of the event loop.", NULL);
    loop->turn_start_us = loop_steady_us(loop);
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    assert(!loop->hooks);
    loop_timer_free(loop->wake);
    loop_timer_free(loop->limit);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->check, NULL);
    uv_close((uv_handle_t *)&loop->idle, NULL);
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    int rc = uv_loop_close(&loop->uv);
    /* A host's name that is still being looked up on another thread cannot be called back. */
    for (int i = 0; rc == UV_EBUSY && i < LEFT_WAITS_MAX; i++) {
        poll(NULL, 0, 10);
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        rc = uv_loop_close(&loop->uv);
    }
    assert(rc == 0 && "something was left on the loop");
    (void)rc;
    mem_free(loop->waiting.items);
    mem_free(loop->running.items);
    mem_free(loop);
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}
void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

bool loop_turn(struct loop *loop, int64_t timeout_ms)
{
    if (timeout_ms == 0) {
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    } else {
        if (timeout_ms > 0)
            loop_timer_start_in(loop->limit, timeout_ms * 1000);
        uv_run(&loop->uv, UV_RUN_ONCE);
        loop_timer_stop(loop->limit);
    }
    /* The owner may now poll the fd alone: what the sockets set in motion is finished first. */
    settle(loop);
    keep_awake_while_deferred(loop);
    return loop_next_ms(loop) == 0;
}

int loop_fd(const struct loop *loop)
{
    return uv_backend_fd(&loop->uv);
}

int64_t loop_next_ms(const struct loop *loop)
{
    /* Interest in sockets reaches the kernel only when libuv next polls, so a waiting change is
     * work. */
    const void *first = loop->uv.watcher_queue[0];
    if (first != (const void *)&loop->uv.watcher_queue)
        return 0;
    int timeout_ms = uv_backend_timeout(&loop->uv);
    return timeout_ms < 0 || timeout_ms > 1000 ? 1000 : timeout_ms;
}

int64_t loop_longest_turn_us(struct loop *loop)
{
    int64_t longest_us = loop->longest_turn_us;
    loop->longest_turn_us = 0;
    return longest_us;
}

struct loop_hook *loop_on_turn(struct loop *loop, int64_t (*fn)(void *ctx, int64_t steady_us),
                               void *ctx)
{
    struct loop_hook *hook = mem_alloc(sizeof *hook);
    hook->loop = loop;
    hook->fn = fn;
    hook->ctx = ctx;
    struct loop_hook **at = &loop->hooks;
    while (*at)
        at = &(*at)->next;
    *at = hook;
    return hook;
}

void loop_hook_free(struct loop_hook *hook)
{
    if (!hook)
        return;
    struct loop_hook **at = &hook->loop->hooks;
    while (*at != hook)
        at = &(*at)->next;
    *at = hook->next;
    mem_free(hook);
}

/* Timers ------------------------------------------------------------------------------------------
 */

static void fire(uv_timer_t *uv);

static void arm(struct loop_timer *timer)
{
    int64_t delay_us = timer->due_us - loop_steady_us(timer->loop);
    uint64_t delay_ms = delay_us <= 0 ? 0 : ((uint64_t)delay_us + 999) / 1000;
    uv_update_time(
        &timer->loop->uv); /* libuv counts from the begin of the turn, which may be long ago */
    uv_timer_start(&timer->uv, fire, delay_ms, 0);
}

static void fire(uv_timer_t *uv)
{
    struct loop_timer *timer = uv->data;
    /* libuv's clock is cut to milliseconds and is another one than ours. */
    if (loop_steady_us(timer->loop) < timer->due_us)
        arm(timer);
    else
        timer->fn(timer->ctx);
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
    struct loop_timer *timer = mem_alloc(sizeof *timer);
    timer->loop = loop;
    timer->fn = fn;
    timer->ctx = ctx;
    uv_timer_init(&loop->uv, &timer->uv);
    timer->uv.data = timer;
    return timer;
}

void loop_timer_start_at(struct loop_timer *timer, int64_t steady_us)
{
    timer->due_us = steady_us;
    arm(timer);
}

void loop_timer_start_in(struct loop_timer *timer, int64_t delay_us)
{
    loop_timer_start_at(timer, loop_steady_us(timer->loop) + delay_us);
}

void loop_timer_stop(struct loop_timer *timer)
{
    uv_timer_stop(&timer->uv);
}

static void free_closed_timer(uv_handle_t *handle)
{
    mem_free(handle->data);
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer)
        uv_close((uv_handle_t *)&timer->uv, free_closed_timer);
}
