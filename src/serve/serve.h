/* The doors: HTTP for charts, programs, operators and probes. One listener, one table of routes. */
#ifndef TIDELOCK_SERVE_SERVE_H
#define TIDELOCK_SERVE_SERVE_H
#include "flow/flows.h"
#include "io/http_server.h"
#include "serve/config.h"

struct feeds;
struct serve_hooks { /* what only the host can do */
    void *ctx;
    /* Loads a strategy's folder again (verb "push") or goes back one version ("rollback"); answers
     * with JSON text. */
    void (*policy)(void *ctx, const char *verb, const char *strategy, const char *who,
                   struct waiter to);
    void (*stop)(void *ctx);
};
struct serve_options {
    struct loop *loop;
    struct core *core;
    const struct config *config;
    struct feeds *feeds;       /* NULL: no market data */
    const struct hints *hints; /* NULL: no Redis */
    struct serve_hooks hooks;
    struct log *log;
    struct metrics *metrics;
};
struct serve;
struct serve *serve_open(const struct serve_options *options, struct err *err) MUST_CHECK;
/* Now and then (each second): warns of sources that have been silent too long. */
void serve_keep_watch(struct serve *serve);
void serve_quiesce(struct serve *serve); /* readiness turns false, no further connections */
void serve_close(struct serve *serve);
uint16_t serve_port(const struct serve *serve);

/* What the webhook does after authentication, for the embedding API too: `answer` gets status and
 * JSON, once, never before returning. */
void serve_submit(struct serve *serve, const char *source, const char *json, size_t length,
                  bool wait_decision, void (*answer)(void *ctx, unsigned status, const char *json),
                  void *ctx);

/* Everything known of one signal or order:
 * {"signal":..,"decision":..,"orders":[..],"fills":[..],"events":[..]}; value: const char *. `id`:
 * a signal id, fingerprint, client order id, or an unambiguous prefix of at least 4 characters. */
void explain_begin(struct store *store, const char *id, struct waiter to);
#endif
