/* The question "what do we do with this signal?": facts in, gates in order, size, intent out.
 *
 * Fail closed: whatever goes wrong rejects an entry. An exit lowers risk, so for it closed means
 * the other way: gates are not asked, and a failing exit_size closes the whole layer. */
#include "policy/apart.h"

#include "trade/signal.h"

#include <stdio.h>
#include <string.h>

struct asking { /* one decision on its way */
    struct policy *policy;
    struct version *version;
    const struct facts *facts;
    struct intent *out;
    struct str *trace; /* NULL: none wanted */
};

static void say(struct asking *a, enum verdict verdict, const char *gate, const char *reason)
{
    a->out->verdict = verdict;
    text_copy(a->out->gate, sizeof a->out->gate, gate);
    text_copy(a->out->reason, sizeof a->out->reason, reason);
}

static bool call(struct asking *a, int ref)
{
    struct version *version = a->version;

    sandbox_start(version->box, ref);
    sandbox_push_record(version->box, version->views.facts);
    return sandbox_run(version->box);
}

static void trace_verdict(struct asking *a, const struct gate *gate, const char *verdict,
                          const char *reason, const struct sandbox_value *inputs, bool first)
{
    str_puts(a->trace, first ? "{\"name\":" : ",{\"name\":");
    str_put_json(a->trace, gate->name);
    str_puts(a->trace, ",\"verdict\":\"");
    str_puts(a->trace, verdict);
    str_putc(a->trace, '"');
    if (*reason) {
        str_puts(a->trace, ",\"reason\":");
        str_put_json(a->trace, text_is_utf8(reason, strlen(reason)) ? reason : "(not UTF-8)");
    }
    if (inputs->type == SANDBOX_TABLE) {
        str_puts(a->trace, ",\"inputs\":");
        value_json(a->version->box, inputs, 3, a->trace);
    }
    str_putc(a->trace, '}');
}

static bool defer_seconds(const struct sandbox_value *value, int64_t *us)
{
    struct decimal seconds;

    return value_decimal(value, &seconds) && decimal_sign(seconds) > 0 &&
           decimal_le(seconds, decimal_int(86400)) &&
           decimal_to_int(decimal_round(decimal_mul(seconds, decimal_int(1000000)), decimal_int(1),
                                        DECIMAL_CEILING),
                          us);
}

/* Reads what a gate (or size) said with reject or defer, from result `at` on. False: it was
 * neither, `out` is untouched. */
static bool read_refusal(struct asking *a, const char *gate, unsigned at,
                         struct sandbox_value *inputs)
{
    struct sandbox_value said, reason;

    sandbox_result(a->version->box, at, &said);
    if (said.type == SANDBOX_BOOLEAN && !said.boolean) {
        sandbox_result(a->version->box, at + 1, &reason);
        say(a, VERDICT_REJECT, gate,
            reason.type == SANDBOX_TEXT ? reason.text : "no reason was given");
        sandbox_result(a->version->box, at + 2, inputs);
        return true;
    }
    if (said.type != SANDBOX_TEXT || strcmp(said.text, "defer") != 0)
        return false;
    sandbox_result(a->version->box, at + 2, &reason);
    sandbox_result(a->version->box, at + 1, &said);
    if (!defer_seconds(&said, &a->out->defer_us))
        say(a, VERDICT_FAILED, gate, "defer() needs between 0 and 86400 seconds");
    else
        say(a, VERDICT_DEFER, gate,
            reason.type == SANDBOX_TEXT ? reason.text : "no reason was given");
    sandbox_result(a->version->box, at + 3, inputs);
    return true;
}

static void say_misshapen(struct asking *a, const char *gate, const struct sandbox_value *said)
{
    char reason[REASON_SIZE], shown[80];

    snprintf(reason, sizeof reason,
             "the gate returned %s; it must end in return pass{...}, reject(...) or defer(...)",
             value_show(said, shown, sizeof shown));
    say(a, VERDICT_FAILED, gate, reason);
}

static void count_gate(struct gate *gate, enum verdict verdict)
{
    uint64_t *const counts[] = {&gate->passed, &gate->rejected, &gate->deferred, &gate->failed};

    ++*counts[verdict];
}

static bool ask_gate(struct asking *a, struct gate *gate, bool first)
{
    static const char *const words[] = {"pass", "reject", "defer", "failed"};
    struct sandbox_value said, inputs = {.type = SANDBOX_NIL};

    a->out->verdict = VERDICT_ACCEPT;
    if (!call(a, gate->check)) {
        say(a, VERDICT_FAILED, gate->name, sandbox_failure(a->version->box)->text);
    } else if (!read_refusal(a, gate->name, 0, &inputs)) {
        sandbox_result(a->version->box, 0, &said);
        if (said.type == SANDBOX_BOOLEAN)
            sandbox_result(a->version->box, 1, &inputs);
        else
            say_misshapen(a, gate->name, &said);
    }
    trace_verdict(a, gate, words[a->out->verdict], a->out->reason, &inputs, first);
    count_gate(gate, a->out->verdict);
    return a->out->verdict == VERDICT_ACCEPT;
}

static bool ask_gates(struct asking *a)
{
    bool ok = true;

    str_puts(a->trace, ",\"gates\":[");
    for (size_t i = 0; ok && i < a->version->gate_count; i++)
        ok = ask_gate(a, &a->version->gates[i], i == 0);
    str_putc(a->trace, ']');
    return ok;
}

/* Pushes one of size's usual keys, raw; whoever asks pops it. */
static lua_State *push_key(struct asking *a, const struct sandbox_value *table, enum size_key key)
{
    lua_State *L = bind_state(a->version->box);

    lua_checkstack(L, 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, a->version->keys[key]);
    lua_rawget(L, table->slot);
    return L;
}

/* False: something that is no exact number stands there. Absent stays absent. */
static bool read_key(struct asking *a, const struct sandbox_value *table, enum size_key key,
                     struct decimal *out)
{
    lua_State *L = push_key(a, table, key);
    bool ok = lua_isnil(L, -1) || bind_decimal(L, -1, out);

    lua_pop(L, 1);
    return ok;
}

static bool read_word(struct asking *a, const struct sandbox_value *table, enum size_key key,
                      const char *const *names, int *out)
{
    lua_State *L = push_key(a, table, key);
    bool ok = lua_isnil(L, -1) ||
              (lua_type(L, -1) == LUA_TSTRING && enum_parse(names, lua_tostring(L, -1), out));

    lua_pop(L, 1);
    return ok;
}

static bool read_price(struct asking *a, const struct sandbox_value *table, const char *name,
                       struct decimal *out)
{
    struct sandbox_value value;

    sandbox_field(a->version->box, table, name, &value);
    return value.type == SANDBOX_NIL || value_decimal(&value, out);
}

/* How to order, when size says more than a market order: kind, tif and their prices. */
static const char *find_kind_fault(struct asking *a, const struct sandbox_value *table)
{
    struct intent *out = a->out;
    int kind = ORDER_MARKET, tif = TIF_DAY;

    if (!read_word(a, table, KEY_KIND, order_kind_names, &kind))
        return "size returned an unknown kind; it is MARKET, LIMIT or STOP";
    if (!read_word(a, table, KEY_TIF, order_tif_names, &tif))
        return "size returned an unknown tif; it is DAY, GTC or IOC";
    out->kind = (enum order_kind)kind;
    out->tif = (enum order_tif)tif;
    if (kind == ORDER_MARKET)
        return NULL;
    if (!read_price(a, table, "limit_price", &out->limit_price) ||
        !read_price(a, table, "stop_price", &out->stop_price))
        return "size returned a price that is no exact number";
    if (kind == ORDER_LIMIT && !decimal_ok(out->limit_price))
        return "size returned kind LIMIT without a limit_price";
    if (kind == ORDER_STOP && !decimal_ok(out->stop_price))
        return "size returned kind STOP without a stop_price";
    return NULL;
}

static const char *find_value_fault(const struct intent *out, bool has_quantity, bool has_stop)
{
    if (!has_quantity || !decimal_ok(out->quantity))
        return "size must return a quantity that is an exact number";
    if (decimal_sign(out->quantity) < 0)
        return "size returned a negative quantity";
    if (!has_stop || (decimal_ok(out->stop) && decimal_sign(out->stop) <= 0))
        return "size returned a stop that is no positive number";
    return NULL;
}

static const char *find_fault(struct asking *a, const struct sandbox_value *table)
{
    struct intent *out = a->out;
    bool has_quantity = read_key(a, table, KEY_QUANTITY, &out->quantity),
         has_stop = read_key(a, table, KEY_STOP, &out->stop);
    const char *fault = find_value_fault(out, has_quantity, has_stop);

    return fault ? fault : find_kind_fault(a, table);
}

static bool is_number(const struct sandbox_value *value)
{
    return value->type == SANDBOX_INTEGER || value->type == SANDBOX_NUMBER ||
           value->type == SANDBOX_DECIMAL;
}

/* A quantity and a stop, as a table would have said them of a market order. */
static const char *find_plain_fault(struct asking *a, const struct sandbox_value *quantity,
                                    const struct sandbox_value *stop)
{
    bool has_quantity = value_decimal(quantity, &a->out->quantity),
         has_stop = value_decimal(stop, &a->out->stop);

    return find_value_fault(a->out, has_quantity, has_stop);
}

bool decide_is_multiple(struct decimal quantity, const struct instrument *instrument)
{
    struct decimal step = instrument->quantity_step;

    if (!decimal_ok(step) || decimal_sign(step) <= 0)
        step = decimal_int(1);
    if (step.units == DECIMAL_ONE &&
        quantity.units < INT64_MAX) /* the usual case, without a wide division */
        return (int64_t)quantity.units % (int64_t)DECIMAL_ONE == 0;
    return decimal_eq(decimal_round(quantity, step, DECIMAL_DOWN), quantity);
}

/* `said` is what size returned: a table, or else a number. */
static void check_size(struct asking *a, const struct sandbox_value *said, const char *fault)
{
    const struct instrument *instrument = a->facts->instrument;
    struct sandbox_value limited = {.type = SANDBOX_NIL};
    char reason[REASON_SIZE] UNSET, text[DECIMAL_TEXT_MAX] UNSET;

    if (fault) {
        say(a, VERDICT_FAILED, "size", fault);
        return;
    }
    if (instrument && !decide_is_multiple(a->out->quantity, instrument)) {
        decimal_print(a->out->quantity, text);
        snprintf(reason, sizeof reason,
                 "size returned %s, which is no multiple of the quantity step", text);
        say(a, VERDICT_FAILED, "size", reason);
    } else if (decimal_is_zero(a->out->quantity)) {
        if (said->type == SANDBOX_TABLE)
            sandbox_field(a->version->box, said, "limited_by", &limited);
        snprintf(reason, sizeof reason, "not one lot%s%.60s",
                 limited.type == SANDBOX_TEXT ? ": limited by " : "",
                 limited.type == SANDBOX_TEXT ? limited.text : "");
        say(a, VERDICT_REJECT, "size", reason);
    } else if (instrument && decimal_ok(instrument->min_quantity) &&
               decimal_lt(a->out->quantity, instrument->min_quantity)) {
        decimal_print(a->out->quantity, text);
        snprintf(reason, sizeof reason, "%s is below the instrument's least quantity", text);
        say(a, VERDICT_REJECT, "size", reason);
    } else if (instrument && decimal_ok(instrument->max_quantity) &&
               decimal_gt(a->out->quantity, instrument->max_quantity)) {
        decimal_print(a->out->quantity, text);
        snprintf(reason, sizeof reason, "%s is above the instrument's max_quantity", text);
        say(a, VERDICT_REJECT, "size", reason);
    }
}

/* Reads what size said, from result `at` on. */
static void read_size(struct asking *a, unsigned at, struct sandbox_value *table)
{
    struct sandbox_value stop;
    char reason[REASON_SIZE] UNSET, shown[80] UNSET;

    if (read_refusal(a, "size", at, table))
        return;
    sandbox_result(a->version->box, at, table);
    if (table->type == SANDBOX_TABLE) {
        check_size(a, table, find_fault(a, table));
        return;
    }
    sandbox_result(a->version->box, at + 1, &stop);
    if (is_number(table) && is_number(&stop)) {
        check_size(a, table, find_plain_fault(a, table, &stop));
        return;
    }
    snprintf(reason, sizeof reason, "size returned %s instead of { quantity = ... }",
             value_show(table, shown, sizeof shown));
    say(a, VERDICT_FAILED, "size", reason);
}

/* What size said, as a table would have said it. */
static void trace_size(struct asking *a, const struct sandbox_value *said)
{
    str_puts(a->trace, ",\"size\":");
    if (!is_number(said)) {
        value_json(a->version->box, said, 3, a->trace);
        return;
    }
    str_puts(a->trace, "{\"quantity\":\"");
    str_put_decimal(a->trace, a->out->quantity);
    str_puts(a->trace, "\",\"stop\":\"");
    str_put_decimal(a->trace, a->out->stop);
    str_puts(a->trace, "\"}");
}

static void ask_size(struct asking *a)
{
    struct sandbox_value table = {.type = SANDBOX_NIL};

    if (call(a, a->version->hooks[HOOK_SIZE]))
        read_size(a, 0, &table);
    else
        say(a, VERDICT_FAILED, "size", sandbox_failure(a->version->box)->text);
    trace_size(a, &table);
}

/* All of it in one call; `stopped` is the gate that did not pass, from 1, or 0. */
static void ask_at_once(struct asking *a)
{
    struct version *version = a->version;
    struct sandbox_value number, said, inputs;
    bool ran = call(a, version->driver);
    size_t stopped;

    if (ran) {
        sandbox_result(version->box, 0, &number);
        stopped = (size_t)number.integer;
    } else {
        char text[REASON_SIZE];

        text_copy(text, sizeof text, sandbox_failure(version->box)->text);
        stopped = driver_progress(version);
        say(a, VERDICT_FAILED, stopped ? version->gates[stopped - 1].name : "size", text);
    }
    if (ran && stopped == 0) {
        read_size(a, 1, &said);
    } else if (ran && !read_refusal(a, version->gates[stopped - 1].name, 1, &inputs)) {
        sandbox_result(version->box, 1, &said);
        say_misshapen(a, version->gates[stopped - 1].name, &said);
    }
    for (size_t i = 0; i + 1 < stopped || (stopped == 0 && i < version->gate_count); i++)
        version->gates[i].passed++;
    if (stopped > 0)
        count_gate(&version->gates[stopped - 1], a->out->verdict);
}

/* The open lots an exit would close: one layer, or all of them. */
static struct decimal exit_lots(const struct facts *facts)
{
    struct decimal sum = decimal_int(0);
    bool all = signal_layer(facts->signal->position) == 0;

    for (size_t i = 0; i < facts->position_count; i++)
        if (all || text_equal(facts->positions[i]->label, facts->signal->position))
            sum = decimal_add(sum, facts->positions[i]->quantity);
    return sum;
}

static void ask_exit_size(struct asking *a)
{
    const char *fault = NULL;
    struct sandbox_value table;
    struct decimal lots = exit_lots(a->facts);
    char reason[REASON_SIZE];

    if (!call(a, a->version->hooks[HOOK_EXIT_SIZE])) {
        fault = sandbox_failure(a->version->box)->text;
    } else {
        sandbox_result(a->version->box, 0, &table);
        if (table.type == SANDBOX_NIL)
            return;
        if (table.type != SANDBOX_TABLE)
            fault = "exit_size must return { quantity = ... } or nothing";
        else
            fault = find_fault(a, &table);
        if (!fault &&
            (decimal_is_zero(a->out->quantity) || decimal_gt(a->out->quantity, lots) ||
             (a->facts->instrument && !decide_is_multiple(a->out->quantity, a->facts->instrument))))
            fault = "exit_size returned a quantity outside the open layer";
        if (a->trace) {
            str_puts(a->trace, ",\"size\":");
            value_json(a->version->box, &table, 3, a->trace);
        }
    }
    if (!fault)
        return;
    snprintf(reason, sizeof reason, "the whole layer is closed, because exit_size failed: %.120s",
             fault);
    say(a, VERDICT_ACCEPT, "exit_size", reason);
    a->out->quantity = a->out->limit_price = a->out->stop_price = a->out->stop = decimal_bad();
    a->out->kind = ORDER_MARKET;
    a->out->tif = TIF_DAY;
    policy_note(a->policy, true, fault);
}

static void clear(struct intent *out)
{
    *out = (struct intent){.verdict = VERDICT_ACCEPT, .kind = ORDER_MARKET, .tif = TIF_DAY};
    out->quantity = out->limit_price = out->stop_price = out->stop = decimal_bad();
}

/* Facts come before the calls in the trace, the rest as it happens. */
static void ask(struct asking *a)
{
    if (a->trace) {
        str_puts(a->trace, "{\"facts\":");
        facts_json(a->facts, a->trace);
    }
    views_fill(a->version, a->facts);
    if (a->facts->signal->type != SIGNAL_EXIT) {
        if (!a->trace)
            ask_at_once(a);
        else if (ask_gates(a))
            ask_size(a);
        policy_note(a->policy, a->out->verdict == VERDICT_FAILED, a->out->reason);
    } else if (a->version->hooks[HOOK_EXIT_SIZE]) {
        ask_exit_size(a);
    }
    if (a->trace)
        str_putc(a->trace, '}');
}

static void keep_count(struct policy *policy, struct version *version, const struct intent *out)
{
    uint64_t *const counts[] = {&version->accepted, &version->rejected, &version->deferred, NULL};

    version->decisions++;
    if (counts[out->verdict])
        ++*counts[out->verdict];
    version->took_last_us = out->took_us;
    if (out->took_us > version->took_most_us)
        version->took_most_us = out->took_us;
    metric_add(policy->decisions[out->verdict], 1);
    metric_observe_us(policy->took, out->took_us);
}

void policy_decide(struct policy *policy, const struct facts *facts, struct intent *out,
                   struct str *trace)
{
    struct asking a = {
        .policy = policy, .version = policy->live, .facts = facts, .out = out, .trace = trace};
    const struct clock *clock = policy->home->options.clock;
    /* One call into the box, which has measured it already: most decisions. */
    const bool is_measured =
        clock == clock_real() && !trace && a.version->box && facts->signal->type != SIGNAL_EXIT;
    int64_t started_us = clock && !is_measured ? clock_steady(clock) : 0;

    a.version->tracing = trace != NULL;
    clear(out);
    arena_reset(&a.version->scratch);
    if (a.version->apart)
        apart_decide(policy, facts, out, trace);
    else
        ask(&a);
    a.version->facts = NULL;
    if (out->verdict != VERDICT_ACCEPT)
        out->quantity = decimal_bad();
    out->took_us = is_measured ? sandbox_took_us(a.version->box)
                   : clock     ? clock_steady(clock) - started_us
                               : 0;
    keep_count(policy, a.version, out);
}
