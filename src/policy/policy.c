/* The strategies of a host and their versions: load aside, swap whole, keep the one before, go
 * back.
 *
 * A swap is one pointer store between decisions, so no signal is decided by half a version. */
#include "policy/policy.h"

#include "policy/apart.h"

#include <stdio.h>
#include <string.h>

struct policies *policies_new(const struct policies_options *options)
{
    struct policies *policies = mem_alloc(sizeof *policies);

    policies->options = *options;
    if (policies->options.limits.memory_bytes <= 0)
        policies->options.limits.memory_bytes = 8 << 20;
    if (policies->options.limits.instructions <= 0)
        policies->options.limits.instructions = 200000;
    if (policies->options.limits.wall_ms <= 0)
        policies->options.limits.wall_ms = 25;
    if (policies->options.error_limit == 0)
        policies->options.error_limit = 10;
    arena_init(&policies->arena, 16 << 10);
    stock_read(policies);
    return policies;
}

void policies_free(struct policies *policies)
{
    if (!policies)
        return;
    for (size_t i = 0; i < policies->count; i++) {
        version_free(policies->list[i]->live);
        version_free(policies->list[i]->previous);
        mem_free(policies->list[i]);
    }
    mem_free(policies->list);
    mem_free(policies->apart);
    sandbox_workers_free(policies->options.workers);
    arena_free(&policies->arena);
    mem_free(policies);
}

void policies_run_apart(struct policies *policies, const char *strategy)
{
    size_t count = policies->apart_count + 1;

    policies->apart = mem_realloc(policies->apart, count * sizeof *policies->apart);
    text_copy(policies->apart[policies->apart_count++], NAME_SIZE, strategy);
}

void policies_on_change(struct policies *policies, policies_change_fn changed, void *ctx)
{
    policies->changed = changed;
    policies->changed_ctx = ctx;
}

struct policy *policies_find(const struct policies *policies, const char *strategy)
{
    for (size_t i = 0; i < policies->count; i++)
        if (text_equal(policies->list[i]->name, strategy))
            return policies->list[i];
    return NULL;
}

size_t policies_count(const struct policies *policies)
{
    return policies->count;
}

struct policy *policies_at(const struct policies *policies, size_t index)
{
    return index < policies->count ? policies->list[index] : NULL;
}

static void open_metrics(struct policy *policy)
{
    struct metrics *metrics = policy->home->options.metrics;
    char labels[128];

    if (!metrics)
        return;
    for (int i = 0; i < 4; i++) {
        snprintf(labels, sizeof labels, "strategy=\"%s\",verdict=\"%s\"", policy->name,
                 verdict_names[i]);
        policy->decisions[i] = metric_counter(metrics, "tidelock_policy_decisions_total",
                                              "Decisions of Lua policies by verdict.", labels);
    }
    snprintf(labels, sizeof labels, "strategy=\"%s\"", policy->name);
    policy->failures = metric_counter(metrics, "tidelock_policy_failures_total",
                                      "Calls into a policy that failed.", labels);
    policy->took = metric_histogram(metrics, "tidelock_policy_decision_seconds",
                                    "Time one decision took inside the policy.", labels);
}

static struct policy *find_or_add(struct policies *policies, const char *strategy)
{
    struct policy *policy = policies_find(policies, strategy);

    if (policy)
        return policy;
    if (policies->count == policies->room) {
        policies->room = policies->room ? 2 * policies->room : 8;
        policies->list = mem_realloc(policies->list, policies->room * sizeof(struct policy *));
    }
    policy = mem_alloc(sizeof *policy);
    text_copy(policy->name, sizeof policy->name, strategy);
    policy->home = policies;
    policies->list[policies->count++] = policy;
    open_metrics(policy);
    return policy;
}

static bool refuse(const struct faults *faults, struct policy_version *row, struct err *err)
{
    char more[48] = "";

    if (faults->count > 1)
        snprintf(more, sizeof more, " (and %zu more)", faults->count - 1);
    row->status = POLICY_REFUSED;
    text_copy(row->reason, sizeof row->reason, faults->first);
    return err_set(err, ERR_REFUSED, ERR_POLICY, "%s%s", faults->first, more);
}

struct policy_prepared *policies_prepare(struct policies *policies, const char *strategy,
                                         const struct policy_source *files, size_t count,
                                         const struct policy_params *params, size_t param_count,
                                         const char *author, struct policy_version *out,
                                         struct str *report, struct err *err)
{
    const struct version_ask ask = {.strategy = strategy,
                                    .author = author,
                                    .files = files,
                                    .file_count = count,
                                    .params = params,
                                    .param_count = param_count};
    struct faults faults = {.report = report, .file = "strategy.lua"};
    struct policy_version row;
    struct version *version = version_build(policies, &ask, &row, &faults);

    if (!version)
        refuse(&faults, &row, err);
    if (out)
        *out = row;
    return (struct policy_prepared *)version;
}

void policies_discard(struct policy_prepared *prepared)
{
    version_free((struct version *)prepared);
}

struct policy_prepared *policies_adopt(struct policies *policies, struct policy_prepared *prepared,
                                       struct policy_version *out)
{
    struct version *version = (struct version *)prepared, *retired;
    struct policy *policy = find_or_add(policies, version->row.strategy);

    if (policy->live && text_equal(policy->live->row.hash, version->row.hash)) {
        /* The same text and parameters: what runs already keeps its warm indicators. */
        retired = version;
    } else {
        retired = policy->previous;
        policy->previous = policy->live;
        if (policy->previous)
            policy->previous->row.status = POLICY_REPLACED;
        policy->live = version;
        policy->swaps++;
    }
    if (out)
        *out = policy->live->row;
    return (struct policy_prepared *)retired;
}

bool policies_load(struct policies *policies, const char *strategy,
                   const struct policy_source *files, size_t count,
                   const struct policy_params *params, size_t param_count, const char *author,
                   struct policy_version *out, struct str *report, struct err *err)
{
    struct policy_prepared *prepared = policies_prepare(policies, strategy, files, count, params,
                                                        param_count, author, out, report, err);

    if (!prepared)
        return false;
    policies_discard(policies_adopt(policies, prepared, out));
    return true;
}

bool policies_check(struct policies *policies, const char *strategy,
                    const struct policy_source *files, size_t count,
                    const struct policy_params *params, size_t param_count,
                    struct policy_version *out, struct str *report, struct err *err)
{
    struct policy_prepared *prepared = policies_prepare(policies, strategy, files, count, params,
                                                        param_count, "check", out, report, err);

    policies_discard(prepared);
    return prepared != NULL;
}

/* Swaps live and previous. What the returning version remembers of bars is out of date, so it
 * starts anew. */
static void go_back(struct policy *policy, const char *reason)
{
    struct version *failed = policy->live;

    policy->live = policy->previous;
    policy->previous = failed;
    failed->row.status = POLICY_ROLLED_BACK;
    text_copy(failed->row.reason, sizeof failed->row.reason, reason);
    policy->live->row.status = POLICY_LIVE;
    text_copy(policy->live->row.reason, sizeof policy->live->row.reason, reason);
    for (size_t i = 0; i < policy->live->started_count; i++)
        sandbox_unref(policy->live->box, policy->live->started[i].ref);
    policy->live->started_count = 0;
    if (policy->live->apart)
        apart_forget(policy->live);
    memset(policy->live->window, 0, sizeof policy->live->window);
    policy->live->window_failures = 0;
    policy->rollbacks++;
    log_write(policy->home->options.log, LOG_WARN, "policy", "version rolled back",
              LOG_T("strategy", policy->name), LOG_T("from", failed->row.hash),
              LOG_T("to", policy->live->row.hash), LOG_T("reason", reason), LOG_END);
}

bool policies_rollback(struct policies *policies, const char *strategy, struct policy_version *out,
                       struct err *err)
{
    struct policy *policy = policies_find(policies, strategy);

    if (!policy)
        return err_set(err, ERR_REFUSED, ERR_NOT_FOUND, "there is no strategy \"%s\"", strategy);
    if (!policy->previous)
        return err_set(err, ERR_REFUSED, ERR_NOT_FOUND,
                       "strategy \"%s\" has no earlier version to go back to", strategy);
    go_back(policy, "rolled back on demand");
    if (out)
        *out = policy->live->row;
    return true;
}

static void note_failure(struct policy *policy, struct version *version, const char *why)
{
    char reason[REASON_SIZE];
    static const struct sandbox_failure none = {.end = SANDBOX_OK};
    const struct sandbox_failure *told;

    version->failures++;
    metric_add(policy->failures, 1);
    text_copy(version->last_error, sizeof version->last_error, why);
    /* The script may have ended well, with a wrong answer. */
    told = version->apart ? &version->apart->failure : sandbox_failure(version->box);
    if (strncmp(told->text, why, strlen(why)) != 0)
        told = &none;
    log_write(policy->home->options.log, LOG_ERROR, "policy", "policy failed",
              LOG_T("strategy", policy->name), LOG_T("version", version->row.version),
              LOG_T("reason", why), LOG_T("source", told->source), LOG_T("trace", told->trace),
              LOG_END);
    if (version->window_failures < policy->home->options.error_limit || !policy->previous ||
        policy->previous->row.status == POLICY_ROLLED_BACK)
        return;
    snprintf(reason, sizeof reason, "%zu of the last %d calls failed, lately: %.120s",
             version->window_failures, WINDOW, why);
    go_back(policy, reason);
    if (policy->home->changed)
        policy->home->changed(policy->home->changed_ctx, policy, &policy->live->row);
}

void policy_note(struct policy *policy, bool failed, const char *why)
{
    struct version *version = policy->live;

    version->window_failures += (size_t)failed - version->window[version->window_at];
    version->window[version->window_at] = failed;
    version->window_at = (version->window_at + 1) % WINDOW;
    if (failed)
        note_failure(policy, version, why);
}

const struct policy_version *policy_row(const struct policy *policy)
{
    return &policy->live->row;
}

const char *policy_name(const struct policy *policy)
{
    return policy->name;
}

const char *policy_hash(const struct policy *policy)
{
    return policy->live->row.hash;
}

const char *policy_version_text(const struct policy *policy)
{
    return policy->live->row.version;
}

static bool version_trades(const struct version *version, const char *instrument)
{
    if (version->any_instrument)
        return true;
    for (size_t i = 0; i < version->instrument_count; i++)
        if (text_equal(version->instruments[i], instrument))
            return true;
    return false;
}

bool policy_trades(const struct policy *policy, const char *instrument)
{
    return version_trades(policy->live, instrument);
}

bool policies_prepared_trades(const struct policy_prepared *prepared, const char *instrument)
{
    return version_trades((const struct version *)prepared, instrument);
}

bool policy_has_on_bar(const struct policy *policy)
{
    return policy->live->hooks[HOOK_ON_BAR] != 0;
}

bool policy_has_on_fill(const struct policy *policy)
{
    return policy->live->hooks[HOOK_ON_FILL] != 0;
}
