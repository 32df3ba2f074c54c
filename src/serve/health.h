/* Health: each check with its latency and a sentence; the last 100 results are kept. */
#ifndef TIDELOCK_SERVE_HEALTH_H
#define TIDELOCK_SERVE_HEALTH_H
#include "flow/flows.h"
#include "lease/hints.h"

#define HEALTH_KEPT 100
#define HEALTH_CHECKS 7
#define DATA_FRESH_US PRICE_FRESH_US

enum health_state { HEALTH_PASS, HEALTH_WARN, HEALTH_FAIL, HEALTH_UNUSED };
struct health_check {
    const char *name;
    enum health_state state;
    int64_t latency_us;
    char text[192];
};
struct health_result {
    int64_t at_us;
    enum health_state state;
    struct health_check checks[HEALTH_CHECKS];
};
struct health {
    struct health_result kept[HEALTH_KEPT];
    size_t count, next;
};

struct health_inputs {
    struct core *core;
    int64_t price_age_us; /* of the oldest followed instrument; negative: no market data is
                             configured */
    int64_t longest_turn_us;
    /* of prices; the stream of our own orders is the broker's */
    bool streams, stream_alive;
    char stream_text[160];
    const struct hints *hints; /* NULL: no Redis is configured */
};
/* Takes a new result, keeps it, returns it. */
const struct health_result *health_measure(struct health *health,
                                           const struct health_inputs *inputs);
void health_json(const struct health *health, const struct health_result *now, struct core *core,
                 bool with_history, struct str *out);
/* The last change of leadership, the average of the last five, and the target. */
void health_failover(const struct core *core, struct str *out);
const char *health_state_name(enum health_state state); /* pass warn fail unused */
#endif
