/* A second database that follows the first: the same log, hash for hash, a moment behind. It is
 * written by this host alone, holds nothing up, and stands ready to be switched to: stop, name it
 * as the store, start. */
#ifndef TIDELOCK_MIRROR_H
#define TIDELOCK_MIRROR_H
#include "flow/flows.h"
#include "io/loop.h"

struct mirror;
/* Refuses a second database that is no copy of the first's beginning. Takes `second` over. */
struct mirror *mirror_open(struct core *core, struct loop *loop, struct store *second,
                           struct err *err) MUST_CHECK;
/* What stands there already, then whatever comes. NULL accepted, as by mirror_close. */
void mirror_follow(struct mirror *mirror);
/* Before the first store is closed: brings over what is still missing, for at most five seconds. */
void mirror_close(struct mirror *mirror);
#endif
