/* Unix signals over libuv, which carries them through a pipe to the loop. */
#include "io/trap.h"
#include "base/mem.h"
#include "io/loop_uv.h"
#include <signal.h>
#include <string.h>

struct trap {
    uv_signal_t uv;
    void (*caught)(void *ctx, int number);
    void *ctx;
};

static void on_signal(uv_signal_t *uv, int number)
{
    struct trap *trap = uv->data;
    trap->caught(trap->ctx, number);
}

static void free_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

struct trap *trap_set(struct loop *loop, int number, void (*caught)(void *ctx, int number),
                      void *ctx, struct err *err)
{
    struct trap *trap = mem_alloc(sizeof *trap);
    trap->caught = caught;
    trap->ctx = ctx;
    int rc = uv_signal_init(loop_uv(loop), &trap->uv);
    trap->uv.data = trap;
    if (rc == 0)
        rc = uv_signal_start(&trap->uv, on_signal, number);
    if (rc == 0)
        return trap;
    err_set(err, ERR_NOT_DONE, ERR_IO, "cannot catch the Unix signal %s: %s", strsignal(number),
            uv_strerror(rc));
    trap_free(trap);
    return NULL;
}

void trap_free(struct trap *trap)
{
    if (trap)
        uv_close((uv_handle_t *)&trap->uv, free_closed);
}

void trap_ignore_pipe(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, NULL);
}
