/* Questions that are not about a signal: what to do about a difference between the books, and
 * whether a position rolls into the next contract. The host's own rules stand behind every answer;
 * no answer means the host's default. */
#include "policy/apart.h"

#include <stdio.h>
#include <string.h>

static bool ask(struct version *version, enum hook hook, const struct facts *facts,
                struct sandbox_record *what)
{
    arena_reset(&version->scratch);
    views_fill(version, facts);
    sandbox_start(version->box, version->hooks[hook]);
    sandbox_push_record(version->box, what);
    sandbox_push_record(version->box, version->views.facts);
    return sandbox_run(version->box);
}

static void read_reason(struct version *version, const struct sandbox_value *table, char *out)
{
    struct sandbox_value value;

    sandbox_field(version->box, table, "reason", &value);
    if (value.type == SANDBOX_TEXT && text_is_utf8(value.text, value.length))
        text_copy(out, REASON_SIZE, value.text);
}

/* "alert", { action = "alert", reason = "..." }, or nothing. */
static const char *read_match(struct version *version, struct match_decision *out)
{
    struct sandbox_value said, word;
    int action;

    sandbox_result(version->box, 0, &said);
    if (said.type == SANDBOX_NIL)
        return NULL;
    word = said;
    if (said.type == SANDBOX_TABLE) {
        read_reason(version, &said, out->reason);
        sandbox_field(version->box, &said, "action", &word);
    }
    if (word.type != SANDBOX_TEXT || !enum_parse(match_action_names, word.text, &action))
        return "reconcile must return adopt, close_here, cancel_there, use_broker, flatten, "
               "freeze, alert, ignore, { action = ... } or nothing";
    out->action = (enum match_action)action;
    out->answered = true;
    return NULL;
}

void policy_reconcile(struct policy *policy, const struct facts *facts,
                      const struct difference *difference, struct match_decision *out)
{
    struct version *version = policy->live;
    const char *fault;

    *out = (struct match_decision){.action = MATCH_ALERT};
    if (!version->hooks[HOOK_RECONCILE])
        return;
    if (version->apart) {
        apart_match(policy, facts, difference, out);
        return;
    }
    views_fill_difference(version, difference);
    fault = ask(version, HOOK_RECONCILE, facts, version->views.difference)
                ? read_match(version, out)
                : sandbox_failure(version->box)->text;
    version->facts = NULL;
    if (fault)
        text_copy(out->reason, sizeof out->reason, fault);
    policy_note(policy, fault != NULL, fault ? fault : "");
}

static const char *read_flag(struct version *version, const struct sandbox_value *table,
                             const char *name, bool *out)
{
    struct sandbox_value value;

    sandbox_field(version->box, table, name, &value);
    if (value.type == SANDBOX_BOOLEAN)
        *out = value.boolean;
    return value.type == SANDBOX_BOOLEAN || value.type == SANDBOX_NIL
               ? NULL
               : "rollover's now and put_back are true or false";
}

/* true, { now = true, reason = "..." }, or nothing. */
static const char *read_roll(struct version *version, struct roll_decision *out)
{
    struct sandbox_value said;
    const char *fault;

    sandbox_result(version->box, 0, &said);
    if (said.type == SANDBOX_BOOLEAN)
        out->now = said.boolean;
    if (said.type == SANDBOX_NIL || said.type == SANDBOX_BOOLEAN)
        return NULL;
    if (said.type != SANDBOX_TABLE)
        return "rollover must return true, { now = true } or nothing";
    read_reason(version, &said, out->reason);
    fault = read_flag(version, &said, "now", &out->now);
    return fault ? fault : read_flag(version, &said, "put_back", &out->put_back);
}

void policy_rollover(struct policy *policy, const struct facts *facts, const struct due *due,
                     struct roll_decision *out)
{
    struct version *version = policy->live;
    const char *fault;

    *out = (struct roll_decision){.put_back = true};
    if (!version->hooks[HOOK_ROLLOVER])
        return;
    if (version->apart) {
        apart_roll(policy, facts, due, out);
        return;
    }
    views_fill_due(version, due);
    fault = ask(version, HOOK_ROLLOVER, facts, version->views.due)
                ? read_roll(version, out)
                : sandbox_failure(version->box)->text;
    version->facts = NULL;
    if (fault) {
        *out = (struct roll_decision){.put_back = true};
        text_copy(out->reason, sizeof out->reason, fault);
    }
    policy_note(policy, fault != NULL, fault ? fault : "");
}
