/* The one event loop: turns, deferred calls, timers and how late it runs.
 *
 * One thread turns the loop and everything here except where said is called on that thread. A turn
 * is timers -> [deferred calls, turn hooks]* -> wait for sockets -> their callbacks -> deferred
 * calls and the loop never sleeps while a deferred call is waiting. */
#ifndef TIDELOCK_IO_LOOP_H
#define TIDELOCK_IO_LOOP_H
#include "base/clock.h"
#include "base/err.h"
#include "base/metric.h"

#define LOOP_NEVER INT64_MAX

struct loop;
struct loop_timer;
struct loop_hook;

/* `clock` gives the steady time of timers (real life: clock_real()). `metrics` may be NULL; else it
 * gets tidelock_loop_turn_seconds (time from the end of one wait to the begin of the next: what a
 * new event may have to wait for). NULL and *err when the system gives no loop. */
struct loop *loop_new(const struct clock *clock, struct metrics *metrics,
                      struct err *err) MUST_CHECK;
/* Everything that was put on the loop must have been freed before; asserts that nothing is left.
 * NULL accepted. */
void loop_free(struct loop *loop);

const struct clock *loop_clock(const struct loop *loop);
int64_t loop_steady_us(const struct loop *loop); /* steady time now */

void loop_run(struct loop *loop); /* until loop_stop */
void loop_stop(
    struct loop *loop); /* after this turn; also before loop_run, which then returns at once */
/* Embedding: one turn that waits at most timeout_ms (0: not at all, -1: until something happens).
 * Returns true when a further turn has work at once. */
bool loop_turn(struct loop *loop, int64_t timeout_ms);
int loop_fd(const struct loop
                *loop); /* readable when a turn is due because of a socket; poll it for reading */
int64_t loop_next_ms(
    const struct loop *loop); /* how long the owner of loop_fd may poll: 0 now, at most 1,000 */

/* Calls fn(ctx) at the end of this turn, in order of asking: the way to answer "never before
 * returning". */
void loop_defer(struct loop *loop, void (*fn)(void *ctx), void *ctx);
/* Forgets every waiting call of fn(ctx): before ctx is freed. */
void loop_defer_cancel(struct loop *loop, void (*fn)(void *ctx), void *ctx);

/* Called in every turn before the loop waits, after the deferred calls, and again when it caused
 * new ones. Returns the steady time at which it wants to be called at the latest (LOOP_NEVER: when
 * something happens). In order of adding. */
struct loop_hook *loop_on_turn(struct loop *loop, int64_t (*fn)(void *ctx, int64_t steady_us),
                               void *ctx);
void loop_hook_free(struct loop_hook *hook); /* NULL accepted */

/* A timer fires once per start, never early, up to a millisecond late. start_at again moves it.
 * Stopped and freed timers never fire. */
struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *ctx), void *ctx);
void loop_timer_start_at(struct loop_timer *timer, int64_t steady_us);
void loop_timer_start_in(struct loop_timer *timer, int64_t delay_us);
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer); /* NULL accepted; allowed inside its own callback */

/* Busy time of the longest turn since the last call, and it starts anew: for /health and the alert
 * on lag. */
int64_t loop_longest_turn_us(struct loop *loop);
#endif
