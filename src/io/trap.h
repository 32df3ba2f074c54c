/* Unix signals (SIGTERM, SIGINT, SIGHUP, SIGUSR1) as callbacks on the loop. */
#ifndef TIDELOCK_IO_TRAP_H
#define TIDELOCK_IO_TRAP_H
#include "base/err.h"
#include "io/loop.h"

struct trap;
/* From now on the signal calls caught(ctx, number) on the loop instead of its default action, each
 * time. */
struct trap *trap_set(struct loop *loop, int number, void (*caught)(void *ctx, int number),
                      void *ctx, struct err *err) MUST_CHECK;
void trap_free(struct trap *trap); /* the default action is back; NULL accepted */
void trap_ignore_pipe(
    void); /* SIGPIPE: a write to a gone peer is an error code, not a death. Call once at start. */
#endif
