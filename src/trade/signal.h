/* Signals: from a JSON document to an exact, validated record, with every fault reported at once.
 */
#ifndef TIDELOCK_TRADE_SIGNAL_H
#define TIDELOCK_TRADE_SIGNAL_H
#include "base/calendar.h"
#include "trade/record.h"

#define SIGNAL_EXTRA_MAX 32
#define SIGNAL_FAULT_MAX 24
/* Where a field of the contract is found in a body that has another shape. `from` is
 *   a path         "order.price", "alerts[0].ticker"
 *   a template     "{{ticker}}-{{time}}", its parts being paths
 *   a constant     "=NIFTY"
 * Fields: strategy instrument type position price stop atr quantity timestamp side action
 * market_position prev_market_position market_position_size prev_market_position_size. A field
 * without a mapping is found under its own name, else under the names that common senders use
 * (signal_map.c lists them). */
struct signal_mapping {
    const char *field, *from;
};
/* What a value found means here: {"type", "buy", "BASE_ENTRY"}; values compare without case. */
struct signal_value {
    const char *field, *from, *to;
};
struct signal_source {
    char name[NAME_SIZE];
    const struct zone *naive_zone; /* NULL: times without a zone are refused */
    const char *default_strategy;  /* used when the body names none; NULL: required */
    const struct signal_mapping *mapping;
    size_t mapping_count;
    const struct signal_value *values;
    size_t value_count;
    /* further fields (of the contract, or paths in the body) that make a signal different; required
     */
    const char *const *fingerprint_extra;
    size_t fingerprint_extra_count;
    /* body field that carries the secret: never kept in extra; NULL: none */
    const char *secret_field;
};
struct signal_fault {
    char path[64];
    char text[192];
}; /* JSON path "$.price"; a sentence naming the cure */
struct signal_faults {
    size_t count;
    struct signal_fault list[SIGNAL_FAULT_MAX];
    bool more;
};

/* Fills *out (state RECEIVED, id and fingerprint set, extra in the arena). False: *faults tells
 * everything that is wrong. Refuses: missing or unknown types, {{placeholders}} left in any field,
 * NaN, entries without a price or whose stop is on the wrong side of it, PYRAMID on layer 1,
 * BASE_ENTRY elsewhere than on layer 1, ALL without EXIT, delayed feeds (exchange _DL/_DLY), nested
 * extras, more than 32 extras, names beyond [A-Za-z0-9_.:!/&-] or 47 characters.
 *
 * An EXIT may send 0 for price, stop and quantity, and any signal 0 for quantity: such a field
 * counts as absent.
 *
 * A body without `type` gets one from what the chart says it did (signal_intent in signal_map.h):
 * market_position with prev_market_position, or action (buy, sell, close, exit). */
bool signal_read(const struct json *body, const struct signal_source *source, int64_t received_us,
                 struct arena *arena, struct signal *out, struct signal_faults *faults) MUST_CHECK;
/* `at` is the path without "$." ("[3].stop" without "$"); "" is the body itself. */
void signal_fault_add(struct signal_faults *faults, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* {"status":"invalid","errors":[{"path":..,"error":..}]} */
void signal_faults_json(const struct signal_faults *faults, struct str *out);

/* v1: SHA-256 over the length-prefixed version tag, strategy, instrument, type, position, timestamp
 * to the second (UTC ISO 8601), then the source's extra fields as name, value. Fills fingerprint
 * and id. */
void signal_fingerprint(struct signal *signal, const char *const *extra_names,
                        const char *const *extra_values, size_t count);

struct staleness {
    int64_t entry_max_age_us, entry_max_future_us; /* exits are never refused for age */
};
/* False: too old or too far ahead; reason gets the sentence (with a hint when the gap looks like a
 * time-zone mistake, ≈ 5.5 h). */
bool signal_fresh(const struct signal *signal, const struct staleness *rules, int64_t now_us,
                  char reason[REASON_SIZE]);

int signal_layer(const char *position); /* Long_3, Short_3 → 3 (1 to 6); ALL → 0; else -1 */
bool signal_is_entry(const struct signal *signal);
/* From DONE on. Only DEAD is left again, by an operator: RETRYING or DROPPED. */
bool signal_is_final(enum signal_state state);
/* The DAG; staying in a state that is not final is allowed (attempts, step). */
bool signal_may_become(enum signal_state from, enum signal_state to);
/* EXIT first, then by receipt: smaller leaves the queue earlier. */
int64_t signal_priority(const struct signal *signal);
/* True when `exit` closes what `entry` would open: same strategy and instrument, same layer or ALL,
 * and entry not sent after it. */
bool signal_supersedes(const struct signal *exit, const struct signal *entry);
#endif
