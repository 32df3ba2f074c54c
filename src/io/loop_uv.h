/* For this room only: the libuv loop under a loop. */
#ifndef TIDELOCK_IO_LOOP_UV_H
#define TIDELOCK_IO_LOOP_UV_H
#include "io/loop.h"
#include <uv.h>

uv_loop_t *loop_uv(struct loop *loop);
#endif
