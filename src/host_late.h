/* A start while the database is away: the host takes signals into its spool and joins when the
 * database comes. Private to src/. */
#ifndef TIDELOCK_HOST_LATE_H
#define TIDELOCK_HOST_LATE_H
#include "flow/flows.h"
#include "io/loop.h"
#include "serve/config.h"

struct late;
struct late_options {
    const struct config *config;
    struct core *core; /* its store is the late one until it arrives */
    struct loop *loop;
    /* Once: the database is there and open; with an error it never will be as it is configured. */
    void (*arrived)(void *ctx, const struct err *err);
    void *ctx;
};
/* Opens the core's spool and store, or, when the database is away and there is a spool, a store
 * that arrives later; *out NULL: it is open. */
bool late_open(const struct late_options *options, struct late **out, struct err *err) MUST_CHECK;
bool late_waits(const struct late *late); /* it has not arrived */
void late_close(struct late *late);       /* NULL accepted */
#endif
