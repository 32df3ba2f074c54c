/* Signals: from a JSON document to an exact, validated record, with every fault reported at once.
 */
#ifndef TIDELOCK_TRADE_SIGNAL_H
#define TIDELOCK_TRADE_SIGNAL_H
#include "base/calendar.h"
#include "trade/record.h"

#define SIGNAL_EXTRA_MAX 32
#define SIGNAL_FAULT_MAX 24
struct signal_mapping { /* where a field is found: "signal.price" style path, or a template
                           "{{a}}-{{b}}"; NULL: its own name */
    const char *field, *from;
};
struct signal_source {
    char name[NAME_SIZE];
    const struct zone *naive_zone; /* NULL: times without a zone are refused */
    const char *default_strategy;  /* used when the body names none; NULL: required */
    const struct signal_mapping *mapping;
    size_t mapping_count;
    const char *const *fingerprint_extra;
    size_t fingerprint_extra_count; /* further fields that make a signal different */
    const char
        *secret_field; /* body field that carries the secret: never kept in extra; NULL: none */
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
 * NaN, entries whose stop is on the wrong side of the price, PYRAMID on layer 1, BASE_ENTRY
 * elsewhere than on layer 1, ALL without EXIT, delayed feeds (exchange _DL/_DLY), nested extras,
 * more than 32 extras, names beyond [A-Za-z0-9_.:!/&-] or 47 characters. */
bool signal_read(const struct json *body, const struct signal_source *source, int64_t received_us,
                 struct arena *arena, struct signal *out, struct signal_faults *faults) MUST_CHECK;
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

int signal_layer(const char *position); /* Long_3 → 3; ALL → 0; else -1 */
bool signal_is_entry(const struct signal *signal);
bool signal_is_final(enum signal_state state);
bool signal_may_become(enum signal_state from, enum signal_state to); /* the DAG */
/* EXIT first, then by receipt: smaller leaves the queue earlier. */
int64_t signal_priority(const struct signal *signal);
/* True when `exit` closes what `entry` would open: same strategy and instrument, same layer or ALL,
 * and entry not sent after it. */
bool signal_supersedes(const struct signal *exit, const struct signal *entry);
#endif
