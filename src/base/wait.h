/* How an asynchronous operation answers: exactly once, never before the asking call returned.
 *
 * The owner is reached by handle (slot + generation), so an answer to something that has ended is
 * counted and dropped by the owner. `value` is only valid during the call. */
#ifndef TIDELOCK_BASE_WAIT_H
#define TIDELOCK_BASE_WAIT_H
#include "base/err.h"
#include <stdint.h>

struct waiter {
    void (*answer)(void *owner, uint64_t handle, const struct err *err /* NULL: it worked */,
                   const void *value);
    void *owner;
    uint64_t handle;
};

static inline void wait_answer(struct waiter to, const struct err *err, const void *value)
{
    if (to.answer)
        to.answer(to.owner, to.handle, err, value);
}
#endif
