/* The host's half of a strategy in a worker process. */
#include "policy/apart.h"

#include "base/json.h"
#include "trade/signal.h"

#include <stdio.h>
#include <time.h>

#define BUILD_MS 5000         /* loading, with all its calls */
#define EXTRA_MS 100          /* beyond four calls' wall time, for one question */
#define MEMORY_MORE (8 << 20) /* indicators and texts, beside the sandbox's own heap */

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- the worker ------------------------------------------------------------------------------ */

/* Sends a frame and takes the answer; false: the worker is gone and *why says how. */
static bool ask_worker(struct apart *apart, const struct str *frame, int64_t within_ms, char *why,
                       size_t size)
{
    int64_t deadline_us = now_us() + within_ms * 1000;
    char how[120] = "";

    if (jail_send(&apart->jail, frame, deadline_us) &&
        jail_receive(&apart->jail, &apart->in, deadline_us))
        return true;
    bool late = now_us() >= deadline_us;
    jail_end(&apart->jail, how, sizeof how);
    jail_close(&apart->jail);
    apart->deaths++;
    if (late)
        snprintf(why, size, "the strategy's worker process was killed: no answer within %lld ms",
                 (long long)within_ms);
    else
        snprintf(why, size, "the strategy's worker process is gone: %s", how);
    return false;
}

/* What it said cannot be: it is not asked again. */
static bool disown(struct apart *apart, char *why, size_t size)
{
    jail_close(&apart->jail);
    apart->deaths++;
    snprintf(why, size, "the strategy's worker process was killed: what it said cannot be");
    return false;
}

static bool start_worker(struct apart *apart, char *why, size_t size)
{
    struct policies *home = apart->home;
    size_t memory = (size_t)home->options.limits.memory_bytes + MEMORY_MORE;
    struct err err;

    if (!home->options.workers) {
        text_copy(why, size, "isolation = \"worker\" needs a host that forks workers");
        return false;
    }
    if (!jail_open(home->options.workers, apart_main, memory, &apart->jail, &err)) {
        text_copy(why, size, err.text);
        return false;
    }
    return ask_worker(apart, &apart->build, BUILD_MS, why, size);
}

/* A question to a worker that may have to be made first. */
static bool question(struct apart *apart, char *why, size_t size)
{
    if (!jail_is_open(&apart->jail)) {
        if (!start_worker(apart, why, size))
            return false;
        if (apart->in.length == 0 || apart->in.data[0] != 1)
            return disown(apart, why, size);
    }
    return ask_worker(apart, &apart->out, apart->home->options.limits.wall_ms * 4 + EXTRA_MS, why,
                      size);
}

/* ---- building -------------------------------------------------------------------------------- */

static void put_ask(struct str *out, const struct policies *policies, const struct version_ask *ask,
                    const struct policy_version *row)
{
    const char *author = ask->author ? ask->author : "";

    wire_put_u8(out, APART_BUILD);
    wire_put(out, &policies->options.limits, sizeof policies->options.limits);
    wire_put_u32(out, (uint32_t)policies->stock_count);
    for (size_t i = 0; i < policies->stock_count; i++) {
        const struct stock_file *file = &policies->stock[i];

        wire_put_text(out, file->name, strlen(file->name));
        wire_put_text(out, file->chunk, strlen(file->chunk));
        wire_put_text(out, file->text, file->length);
    }
    wire_put(out, row, sizeof *row);
    wire_put_text(out, ask->strategy, strlen(ask->strategy));
    wire_put_text(out, author, strlen(author));
    wire_put_u32(out, (uint32_t)ask->file_count);
    for (size_t i = 0; i < ask->file_count; i++) {
        wire_put_text(out, ask->files[i].name, strlen(ask->files[i].name));
        wire_put_text(out, ask->files[i].text, ask->files[i].length);
    }
    wire_put_u32(out, (uint32_t)ask->param_count);
    for (size_t i = 0; i < ask->param_count; i++) {
        wire_put_text(out, ask->params[i].name, strlen(ask->params[i].name));
        wire_put_text(out, ask->params[i].value, strlen(ask->params[i].value));
    }
}

static bool is_json(const char *text, size_t length)
{
    struct json_limits limits = {.depth = 32, .nodes = 100000};
    struct arena arena;
    struct err err;
    bool ok;

    arena_init(&arena, 4096);
    ok = json_parse(&arena, text, length, &limits, &err) != NULL;
    arena_free(&arena);
    return ok;
}

static const char *take_utf8(struct wire *wire, size_t *length)
{
    size_t size;
    const char *text = wire_take_text(wire, &size);

    if (!text_is_utf8(text, size))
        wire->bad = true;
    if (length)
        *length = size;
    return wire->bad ? "" : text;
}

static void take_version(struct version *version, struct wire *wire)
{
    struct arena *arena = &version->arena;
    size_t length;
    const char *params;
    uint32_t count;

    text_copy(version->row.version, sizeof version->row.version, take_utf8(wire, NULL));
    text_copy(version->description, sizeof version->description, take_utf8(wire, NULL));
    version->any_instrument = wire_take_u8(wire) != 0;
    count = wire_take_u32(wire);
    if (count > (size_t)(wire->end - wire->at))
        wire->bad = true;
    version->instruments = arena_alloc(arena, (wire->bad ? 1 : count + 1) * sizeof(char *));
    for (uint32_t i = 0; i < count && !wire->bad; i++)
        version->instruments[version->instrument_count++] =
            arena_text(arena, take_utf8(wire, NULL));
    version->gate_count = wire_take_u32(wire);
    if (version->gate_count > GATE_MAX)
        wire->bad = true;
    for (size_t i = 0; i < version->gate_count && !wire->bad; i++)
        version->gates[i].name = arena_text(arena, take_utf8(wire, NULL));
    for (int i = 0; i < HOOK_COUNT; i++)
        version->hooks[i] = wire_take_u8(wire) != 0;
    params = take_utf8(wire, &length);
    if (!wire->bad && !is_json(params, length))
        wire->bad = true;
    version->apart->params = arena_copy(arena, params, length);
}

struct version *apart_build(struct policies *policies, const struct version_ask *ask,
                            const struct policy_version *row, struct faults *faults)
{
    struct version *version = mem_alloc(sizeof *version);
    struct apart *apart = mem_alloc(sizeof *apart);
    char why[REASON_SIZE];
    bool ok;

    arena_init(&version->arena, 8 << 10);
    arena_init(&version->scratch, 4 << 10);
    version->row = *row;
    version->apart = apart;
    *apart = (struct apart){.home = policies, .jail = {.socket = -1, .pidfd = -1}};
    put_ask(&apart->build, policies, ask, row);
    ok = start_worker(apart, why, sizeof why);
    if (ok) {
        struct wire wire = wire_read(&apart->in);
        ok = wire_take_u8(&wire) == 1;
        uint32_t count = wire_take_u32(&wire);
        const char *first = take_utf8(&wire, NULL), *report = take_utf8(&wire, NULL);
        if (!ok) {
            faults->count = count ? count : 1;
            text_copy(faults->first, sizeof faults->first, first);
            if (faults->report)
                str_puts(faults->report, report);
        } else {
            take_version(version, &wire);
        }
        if (wire.bad)
            ok = disown(apart, why, sizeof why);
    }
    if (ok)
        return version;
    if (!jail_is_open(&apart->jail))
        fault_add(faults, NULL, "%s", why);
    version_free(version);
    return NULL;
}

void apart_free(struct apart *apart)
{
    if (!apart)
        return;
    jail_close(&apart->jail);
    str_free(&apart->build);
    str_free(&apart->out);
    str_free(&apart->in);
    mem_free(apart);
}

void apart_forget(struct version *version)
{
    jail_close(&version->apart->jail);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void take_failure(struct wire *wire, struct sandbox_failure *out)
{
    wire_take(wire, out, sizeof *out);
    out->text[sizeof out->text - 1] = out->file[sizeof out->file - 1] = '\0';
    out->source[sizeof out->source - 1] = out->trace[sizeof out->trace - 1] = '\0';
}

/* The end of every answer. *failed and *why are of the calls in the worker. */
static void take_end(struct version *version, struct wire *wire, bool *failed, char *why,
                     size_t size)
{
    uint32_t count;
    bool said = wire_take_u8(wire) != 0;
    const char *text = wire_take_text(wire, NULL);

    take_failure(wire, &version->apart->failure);
    wire_take(wire, &version->apart->usage, sizeof version->apart->usage);
    count = wire_take_u32(wire);
    if (count != version->gate_count)
        wire->bad = true;
    for (uint32_t i = 0; i < count && !wire->bad; i++) {
        struct gate *gate = &version->gates[i];
        uint64_t counts[4];

        wire_take(wire, counts, sizeof counts);
        gate->passed = counts[0];
        gate->rejected = counts[1];
        gate->deferred = counts[2];
        gate->failed = counts[3];
    }
    if (wire->bad)
        return;
    *failed = said;
    if (said)
        text_copy(why, size, text_is_utf8(text, strlen(text)) ? text : "(not UTF-8)");
}

static bool is_text(char *field, size_t size)
{
    return memchr(field, '\0', size) && text_is_utf8(field, strlen(field));
}

/* Absent, or a number that can be and is not negative. */
static bool is_amount(struct decimal value)
{
    return value.units == decimal_bad().units || (decimal_ok(value) && decimal_sign(value) >= 0);
}

static bool is_intent(struct intent *intent, const struct facts *facts)
{
    bool entry = facts->signal->type != SIGNAL_EXIT;

    return (unsigned)intent->verdict <= VERDICT_FAILED && (unsigned)intent->kind <= ORDER_STOP &&
           (unsigned)intent->tif <= TIF_IOC && is_text(intent->gate, sizeof intent->gate) &&
           is_text(intent->reason, sizeof intent->reason) && is_amount(intent->quantity) &&
           is_amount(intent->limit_price) && is_amount(intent->stop_price) &&
           is_amount(intent->stop) && intent->defer_us >= 0 &&
           intent->defer_us <= INT64_C(86400000000) &&
           (entry || intent->verdict == VERDICT_ACCEPT) &&
           (!entry || intent->verdict != VERDICT_ACCEPT ||
            (decimal_ok(intent->quantity) && decimal_sign(intent->quantity) > 0 &&
             (!facts->instrument || decide_is_multiple(intent->quantity, facts->instrument))));
}

void apart_replace(struct policy *policy, struct version *version, const char *why)
{
    struct apart *apart = version->apart;
    char again[REASON_SIZE];

    if (!apart || policy->live != version || jail_is_open(&apart->jail))
        return;
    if (!start_worker(apart, again, sizeof again))
        return;
    snprintf(version->row.reason, sizeof version->row.reason, "a new worker process: %.150s", why);
    if (policy->home->changed)
        policy->home->changed(policy->home->changed_ctx, policy, &version->row);
}

static bool decide_there(struct version *version, const struct facts *facts, struct intent *out,
                         struct str *trace, bool *failed, char *why, size_t size)
{
    struct apart *apart = version->apart;
    struct intent said;
    const char *told;
    size_t length;

    str_clear(&apart->out);
    wire_put_u8(&apart->out, APART_DECIDE);
    wire_put_u8(&apart->out, trace != NULL);
    apart_put_facts(&apart->out, facts);
    if (!question(apart, why, size))
        return false;
    struct wire wire = wire_read(&apart->in);
    wire_take(&wire, &said, sizeof said);
    told = wire_take_text(&wire, &length);
    take_end(version, &wire, failed, why, size);
    if (wire.bad || !is_intent(&said, facts) || (trace && !is_json(told, length)))
        return disown(apart, why, size);
    *out = said;
    if (trace)
        str_put(trace, told, length);
    return true;
}

void apart_decide(struct policy *policy, const struct facts *facts, struct intent *out,
                  struct str *trace)
{
    struct version *version = policy->live;
    bool entry = facts->signal->type != SIGNAL_EXIT, failed = false;
    char why[REASON_SIZE] = "";
    bool answered = entry || version->hooks[HOOK_EXIT_SIZE];

    if (answered || trace)
        answered = decide_there(version, facts, out, trace, &failed, why, sizeof why);
    else
        return;
    if (answered) {
        if (entry || failed)
            policy_note(policy, failed, why);
        return;
    }
    if (trace) {
        str_puts(trace, "{\"facts\":");
        facts_json(facts, trace);
        str_putc(trace, '}');
    }
    out->verdict = entry ? VERDICT_FAILED : VERDICT_ACCEPT;
    text_copy(out->gate, sizeof out->gate, entry ? "worker" : "exit_size");
    if (entry)
        text_copy(out->reason, sizeof out->reason, why);
    else
        snprintf(out->reason, sizeof out->reason, "the whole layer is closed: %.150s", why);
    policy_note(policy, true, why);
    apart_replace(policy, version, why);
}

static bool is_signal(struct bar_signal *signal)
{
    return (unsigned)signal->type <= SIGNAL_EXIT && (unsigned)signal->side <= SIDE_SHORT &&
           is_text(signal->position, sizeof signal->position) &&
           signal_layer(signal->position) >= 0 &&
           (signal_layer(signal->position) > 0 || signal->type == SIGNAL_EXIT) &&
           is_text(signal->note, sizeof signal->note) && is_amount(signal->price) &&
           is_amount(signal->stop) && is_amount(signal->atr) && is_amount(signal->quantity);
}

/* As a script's would be checked: a layer, or ALL, and a price. */
static bool is_stop(struct bar_stop *stop)
{
    return is_text(stop->position, sizeof stop->position) && signal_layer(stop->position) >= 0 &&
           decimal_ok(stop->stop) && decimal_sign(stop->stop) > 0;
}

static bool are_signals(struct bar_signals *said)
{
    bool ok = said->count <= sizeof said->list / sizeof *said->list &&
              said->stop_count <= sizeof said->stops / sizeof *said->stops;

    for (size_t i = 0; ok && i < said->count; i++)
        ok = is_signal(&said->list[i]);
    for (size_t i = 0; ok && i < said->stop_count; i++)
        ok = is_stop(&said->stops[i]);
    return ok;
}

bool apart_feed(struct version *version, const struct facts *facts, const struct bar *bar,
                struct bar_signals *out, struct err *err)
{
    struct apart *apart = version->apart;
    char why[REASON_SIZE] = "", text[REASON_SIZE];
    struct bar_signals said;
    bool failed = false, ok;

    out->count = out->stop_count = 0;
    str_clear(&apart->out);
    wire_put_u8(&apart->out, APART_BAR);
    apart_put_facts(&apart->out, facts);
    wire_put(&apart->out, bar, sizeof *bar);
    if (!question(apart, why, sizeof why))
        return err_set(err, ERR_NOT_DONE, ERR_POLICY, "%s", why);
    struct wire wire = wire_read(&apart->in);
    ok = wire_take_u8(&wire) == 1;
    text_copy(text, sizeof text, take_utf8(&wire, NULL));
    wire_take(&wire, &said, sizeof said);
    take_end(version, &wire, &failed, why, sizeof why);
    if (wire.bad || !are_signals(&said)) {
        disown(apart, why, sizeof why);
        return err_set(err, ERR_NOT_DONE, ERR_POLICY, "%s", why);
    }
    if (!ok)
        return err_set(err, ERR_NOT_DONE, ERR_POLICY, "%s", text);
    *out = said;
    return true;
}

void apart_fill(struct policy *policy, const struct facts *facts, const struct fill *fill)
{
    struct version *version = policy->live;
    struct apart *apart = version->apart;
    char why[REASON_SIZE] = "";
    bool failed = false;

    str_clear(&apart->out);
    wire_put_u8(&apart->out, APART_FILL);
    apart_put_facts(&apart->out, facts);
    wire_put(&apart->out, fill, sizeof *fill);
    if (question(apart, why, sizeof why)) {
        struct wire wire = wire_read(&apart->in);

        take_end(version, &wire, &failed, why, sizeof why);
        if (wire.bad)
            failed = !disown(apart, why, sizeof why);
    } else {
        failed = true;
    }
    if (failed)
        policy_note(policy, true, why);
    apart_replace(policy, version, why);
}

/* One question about facts and one more struct, answered by one. False: nobody answered. */
static bool consult(struct policy *policy, enum apart_op op, const struct facts *facts,
                    const void *what, size_t size, void *said, size_t said_size, char *why,
                    size_t why_size)
{
    struct version *version = policy->live;
    struct apart *apart = version->apart;
    bool failed = false, ok = false;

    str_clear(&apart->out);
    wire_put_u8(&apart->out, (uint8_t)op);
    apart_put_facts(&apart->out, facts);
    wire_put(&apart->out, what, size);
    if (question(apart, why, why_size)) {
        struct wire wire = wire_read(&apart->in);

        wire_take(&wire, said, said_size);
        take_end(version, &wire, &failed, why, why_size);
        ok = !wire.bad || disown(apart, why, why_size);
    }
    policy_note(policy, failed || !ok, why);
    apart_replace(policy, version, why);
    return ok;
}

void apart_match(struct policy *policy, const struct facts *facts,
                 const struct difference *difference, struct match_decision *out)
{
    struct match_decision said = {0};
    char why[REASON_SIZE] = "";

    if (consult(policy, APART_MATCH, facts, difference, sizeof *difference, &said, sizeof said, why,
                sizeof why) &&
        (unsigned)said.action <= MATCH_IGNORE && is_text(said.reason, sizeof said.reason))
        *out = said;
    else
        text_copy(out->reason, sizeof out->reason, why);
}

void apart_roll(struct policy *policy, const struct facts *facts, const struct due *due,
                struct roll_decision *out)
{
    struct roll_decision said = {0};
    char why[REASON_SIZE] = "";

    if (consult(policy, APART_ROLL, facts, due, sizeof *due, &said, sizeof said, why, sizeof why) &&
        is_text(said.reason, sizeof said.reason))
        *out = said;
    else
        text_copy(out->reason, sizeof out->reason, why);
}
