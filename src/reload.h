/* New policy versions on a running host: read, compiled, checked and warmed up on a thread of their
 * own, so that the loop only ever pays for the swap. Private to src/. */
#ifndef TIDELOCK_RELOAD_H
#define TIDELOCK_RELOAD_H
#include "host.h"
#include "io/loop.h"
#include "serve/feed.h"

struct reload;
struct reload *reload_open(struct core *core, struct feeds *feeds, struct loop *loop,
                           const struct config *config, struct err *err) MUST_CHECK;
void reload_close(struct reload *reload); /* finishes what is under way; NULL accepted */
/* Reads the strategy's folder again. What comes of it, live or refused, is recorded as an event.
 * The waiter (which may be empty) hears the version's row as JSON. Unchanged texts change nothing.
 */
void reload_strategy(struct reload *reload, const char *strategy, const char *author,
                     struct waiter to);
void reload_roll_back(struct reload *reload, const char *strategy, const char *author,
                      struct waiter to);
/* Records what the policies did by themselves. */
void reload_note(struct reload *reload, const struct policy_version *version);
#endif
