/* What a host has only when it is one of several. Private to src/. */
#ifndef TIDELOCK_HOST_CLUSTER_H
#define TIDELOCK_HOST_CLUSTER_H
#include "flow/core.h"
#include "io/loop.h"
#include "lease/hints.h"
#include "serve/config.h"

struct cluster;
/* Opens core->lease, in single mode too; the rest of the core's parts but the broker are open.
 * NULL only with an error. */
struct cluster *cluster_open(const struct config *config, struct core *core, struct loop *loop,
                             struct err *err) MUST_CHECK;
/* After core_start: hears of commits, ours and others'. */
void cluster_follow(struct cluster *cluster);
/* Joined: the log has a first event, by which Redis knows whose it is. */
void cluster_joined(struct cluster *cluster);
/* Each turn. */
void cluster_turn(struct cluster *cluster);
const struct hints *cluster_hints(const struct cluster *cluster); /* NULL: no Redis */
/* After the store is closed and core_stop, before the loop is freed; core->lease goes with it. NULL
 * accepted. */
void cluster_close(struct cluster *cluster);
#endif
