/* Trading policies: strategy folders in Lua, their versions, and the question "what do we do with
 * this signal?".
 *
 * A version is loaded whole into a sandbox state of its own, checked, and swapped between
 * decisions; the version it replaces stays for rollback. A policy never does I/O: it gets frozen
 * facts and returns an intent. Failing policies reject their own entries, loudly; an EXIT whose
 * policy fails is executed for the whole layer (fail-closed means: less risk). */
#ifndef TIDELOCK_POLICY_POLICY_H
#define TIDELOCK_POLICY_POLICY_H
#include "base/log.h"
#include "base/metric.h"
#include "trade/bar.h"
#include "trade/portfolio.h"
#include "trade/reconcile.h"
#include "trade/rollover.h"

struct sandbox_workers;
struct policies; /* all strategies of one host */
struct policy;   /* one strategy */

struct policy_limits {
    int64_t memory_bytes, instructions, wall_ms;
}; /* 0: defaults 8 MiB, 200,000, 25 ms */
struct policies_options {
    const char *stock_dir; /* NULL: the embedded lua/ library */
    const struct instruments *instruments;
    struct policy_limits limits;
    size_t error_limit; /* a version with this many failures in its last 100 decisions rolls itself
                           back; 0: 10 */
    struct log *log;
    struct metrics *metrics;
    struct sandbox_workers *workers; /* taken over; NULL: no strategy runs apart */
    const struct clock *clock;       /* measures calls; scripts never see it */
};
struct policies *policies_new(const struct policies_options *options);
void policies_free(struct policies *policies);

/* Versions of this strategy loaded from here on run in a worker process of their own
 * (script/jail.h): for code from strangers. A worker that dies or does not answer rejects that
 * entry and is replaced. */
void policies_run_apart(struct policies *policies, const char *strategy);

/* Tells the host that a strategy's live version changed by itself (rolled back after too many
 * failures, or begun anew because its worker died): it records the event and warms the version up
 * again. Called after the decision that went over the limit. */
typedef void (*policies_change_fn)(void *ctx, struct policy *policy,
                                   const struct policy_version *version);
void policies_on_change(struct policies *policies, policies_change_fn changed, void *ctx);

struct policy_source {
    const char *name, *text;
    size_t length;
}; /* "strategy.lua", "gates.lua": the files of the folder, by module name */
struct policy_params {
    const char *name, *value;
}; /* from config, checked against the version's schema */

/* Reads strategies/<name>: strategy.lua and every other .lua beside it (not spec/). */
bool policy_read_folder(const char *folder, struct arena *arena, struct policy_source **files,
                        size_t *count, struct err *err) MUST_CHECK;
/* Compiles aside, checks shape and parameters (every fault, with file and line, in *err's text and
 * the longer report), and makes it the live version whole. False: the live version is untouched.
 * *out describes the version either way (hash, version, status, reason). */
bool policies_load(struct policies *policies, const char *strategy,
                   const struct policy_source *files, size_t count,
                   const struct policy_params *params, size_t param_count, const char *author,
                   struct policy_version *out, struct str *report, struct err *err) MUST_CHECK;
/* As policies_load without the swap: `tidelock policy check`. */
bool policies_check(struct policies *policies, const char *strategy,
                    const struct policy_source *files, size_t count,
                    const struct policy_params *params, size_t param_count,
                    struct policy_version *out, struct str *report, struct err *err) MUST_CHECK;
/* A page in Markdown of everything a policy can reach: `tidelock policy environment`. */
bool policies_environment(struct policies *policies, struct str *out, struct err *err) MUST_CHECK;
/* The same for editors, as a file for the Lua Language Server: `tidelock policy annotations`. */
bool policies_annotations(struct policies *policies, struct str *out, struct err *err) MUST_CHECK;
/* policies_load in two halves, so that compiling needs not stand on the loop's thread: prepare may
 * run on any thread while nothing else changes `policies`' options; NULL when refused. adopt swaps
 * (pointers only) and takes the prepared version over; what it returns is no longer needed and goes
 * to discard, also on any thread: freeing takes longer than the loop may stand still. */
struct policy_prepared;
struct facts;
struct policy_prepared *policies_prepare(struct policies *policies, const char *strategy,
                                         const struct policy_source *files, size_t count,
                                         const struct policy_params *params, size_t param_count,
                                         const char *author, struct policy_version *out,
                                         struct str *report, struct err *err) MUST_CHECK;
struct policy_prepared *policies_adopt(struct policies *policies, struct policy_prepared *prepared,
                                       struct policy_version *out) MUST_CHECK;
void policies_discard(struct policy_prepared *prepared);
/* policy_warm of a version that is not live yet; same thread rules as policies_prepare. False: it
 * failed on this bar. */
bool policies_warm_prepared(struct policy_prepared *prepared, const struct facts *facts,
                            const struct bar *bar, struct err *err);
bool policies_prepared_trades(const struct policy_prepared *prepared, const char *instrument);
/* The version before the live one becomes live again, and the other way round. */
bool policies_rollback(struct policies *policies, const char *strategy, struct policy_version *out,
                       struct err *err) MUST_CHECK;
struct policy *policies_find(const struct policies *policies, const char *strategy);
size_t policies_count(const struct policies *policies);
struct policy *policies_at(const struct policies *policies, size_t index);

const struct policy_version *policy_row(const struct policy *policy); /* of the live version */
const char *policy_name(const struct policy *policy);
const char *policy_hash(const struct policy *policy);
const char *policy_version_text(const struct policy *policy);
bool policy_trades(const struct policy *policy, const char *instrument);
bool policy_has_on_bar(const struct policy *policy);
bool policy_has_on_fill(const struct policy *policy);
void policy_describe(const struct policy *policy,
                     struct str *json); /* name, version, hash, parameters with values and docs,
                                           gates, usage current/max/limit, errors */

struct facts {
    const struct signal *signal; /* NULL for on_bar */
    const struct instrument *instrument;
    const struct position *const *positions;
    size_t position_count;         /* open layers of this strategy and instrument, oldest first */
    const struct pyramid *pyramid; /* NULL: none yet */
    const struct portfolio *portfolio;
    const struct stat *stat; /* may be NULL */
    struct decimal last_price;
    int64_t last_price_us; /* absent: unknown */
    struct decimal instrument_unrealised;
    enum halt_level halt;
    int64_t now_us;
    bool unresolved_order; /* an UNKNOWN order stands on the instrument */
    /* Facts of the same number, other than 0, have the same instrument, layers, pyramid and stat */
    uint64_t reading;
};
struct intent {
    enum verdict verdict;
    char gate[NAME_SIZE];
    char reason[REASON_SIZE];
    struct decimal quantity; /* lots, entries; exits: absent = the whole layer */
    enum order_kind kind;
    enum order_tif tif;
    struct decimal limit_price, stop_price; /* per kind */
    struct decimal stop;                    /* the position's stop, entries */
    int64_t defer_us;
    int64_t took_us;
};
/* Runs the gates in order and, if all pass, size. `trace` (may be NULL) gets a JSON object:
 * {"facts":{...},"gates":[{"name","verdict","reason","inputs"}],"size":{...}}. Never fails: what
 * goes wrong in Lua is verdict FAILED with file:line in reason. */
void policy_decide(struct policy *policy, const struct facts *facts, struct intent *out,
                   struct str *trace);

/* The inverse of a trace's "facts" object: what was asked can be asked again (replay, shadow runs,
 * specs). Everything in *out lives in the arena. Unknown or misshapen fields are refused by name.
 */
bool policy_facts_read(const struct json *object, struct arena *arena, struct facts *out,
                       struct err *err) MUST_CHECK;
bool policy_bar_read(const struct json *object, struct bar *out,
                     struct err *err) MUST_CHECK; /* {"at":seconds,"open":...} */

struct bar_signal {
    enum signal_type type;
    char position[LABEL_SIZE];
    enum side side;
    struct decimal price, stop, atr, quantity;
    char note[96];
};
struct bar_stop { /* moves the stop of an open layer, or of ALL */
    char position[LABEL_SIZE];
    struct decimal stop;
};
struct bar_signals {
    size_t count, stop_count;
    struct bar_signal list[8];
    struct bar_stop stops[8];
};
/* Feeds one closed bar. False: Lua failed (*err names file:line); the strategy emits nothing for
 * this bar. */
bool policy_on_bar(struct policy *policy, const struct facts *facts, const struct bar *bar,
                   struct bar_signals *out, struct err *err);
/* Bars that only warm indicators up (after start or swap): as on_bar, with what it emits dropped.
 */
void policy_warm(struct policy *policy, const struct facts *facts, const struct bar *bar);
void policy_on_fill(struct policy *policy, const struct facts *facts, const struct fill *fill);

/* What the owner of a difference between the books wants done. `answered` false: it has no
 * `reconcile`, answered nothing, or failed (then `reason` says how): the host's default holds. What
 * it may want at all is checked by the caller (reconcile_may). */
struct match_decision {
    enum match_action action;
    bool answered;
    char reason[REASON_SIZE];
};
void policy_reconcile(struct policy *policy, const struct facts *facts,
                      const struct difference *difference, struct match_decision *out);
/* Whether a position with an expiry rolls into the next contract now; when its far leg has failed:
 * whether the near one is put back. A policy that has no `rollover` never rolls; one that fails
 * puts back. */
struct roll_decision {
    bool now, put_back;
    char reason[REASON_SIZE];
};
void policy_rollover(struct policy *policy, const struct facts *facts, const struct due *due,
                     struct roll_decision *out);

/* A Lua table file (config) run in an empty sandbox, as a JSON tree, with the line each key stands
 * on. Values: text, integers and decimals (by their source text), booleans, tables. No functions,
 * no globals. */
struct table_file {
    struct json *root;
    const void *lines;
};
bool table_file_read(const char *name, const char *text, size_t length, struct arena *arena,
                     struct table_file *out, struct err *err) MUST_CHECK;
int table_file_line(
    const struct table_file *file,
    const char *path /* "rails.max_position", "sources[2].name" */); /* 0: unknown */
#endif
