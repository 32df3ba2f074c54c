/* The worker's half: one strategy with policies of its own, asked through frames. */
#include "policy/apart.h"

#include <unistd.h>

struct ward {
    struct policies policies;
    struct policy policy;
    struct str in, out, trace;
    struct arena arena; /* of one question */
};

void apart_put_state(struct str *out, const struct version *version)
{
    struct sandbox_usage usage;

    sandbox_usage(version->box, &usage);
    wire_put(out, &usage, sizeof usage);
    wire_put_u32(out, (uint32_t)version->gate_count);
    for (size_t i = 0; i < version->gate_count; i++) {
        const struct gate *gate = &version->gates[i];
        const uint64_t counts[] = {gate->passed, gate->rejected, gate->deferred, gate->failed};

        wire_put(out, counts, sizeof counts);
    }
}

/* ---- building -------------------------------------------------------------------------------- */

static void take_stock(struct ward *ward, struct wire *wire)
{
    struct policies *policies = &ward->policies;
    uint32_t count = wire_take_u32(wire);

    policies->stock = arena_alloc(&policies->arena, (count + 1) * sizeof *policies->stock);
    for (uint32_t i = 0; i < count && !wire->bad; i++) {
        struct stock_file *file = &policies->stock[policies->stock_count++];
        const char *text;

        file->name = arena_text(&policies->arena, wire_take_text(wire, NULL));
        file->chunk = arena_text(&policies->arena, wire_take_text(wire, NULL));
        text = wire_take_text(wire, &file->length);
        file->text = arena_copy(&policies->arena, text, file->length);
    }
}

static void take_ask(struct wire *wire, struct arena *arena, struct version_ask *ask)
{
    struct policy_version *row = arena_alloc(arena, sizeof *row);
    struct policy_source *files;
    struct policy_params *params;

    wire_take(wire, row, sizeof *row);
    ask->row = row; /* its hash is the host's to compute */
    ask->strategy = wire_take_text(wire, NULL);
    ask->author = wire_take_text(wire, NULL);
    ask->file_count = wire_take_u32(wire);
    files = arena_alloc(arena, (ask->file_count + 1) * sizeof *files);
    for (size_t i = 0; i < ask->file_count && !wire->bad; i++) {
        files[i].name = wire_take_text(wire, NULL);
        files[i].text = wire_take_text(wire, &files[i].length);
    }
    ask->files = files;
    ask->param_count = wire_take_u32(wire);
    params = arena_alloc(arena, (ask->param_count + 1) * sizeof *params);
    for (size_t i = 0; i < ask->param_count && !wire->bad; i++) {
        params[i].name = wire_take_text(wire, NULL);
        params[i].value = wire_take_text(wire, NULL);
    }
    ask->params = params;
}

static void put_version(struct str *out, const struct version *version)
{
    struct str params = STR_EMPTY;

    wire_put_text(out, version->row.version, strlen(version->row.version));
    wire_put_text(out, version->description, strlen(version->description));
    wire_put_u8(out, version->any_instrument);
    wire_put_u32(out, (uint32_t)version->instrument_count);
    for (size_t i = 0; i < version->instrument_count; i++)
        wire_put_text(out, version->instruments[i], strlen(version->instruments[i]));
    wire_put_u32(out, (uint32_t)version->gate_count);
    for (size_t i = 0; i < version->gate_count; i++)
        wire_put_text(out, version->gates[i].name, strlen(version->gates[i].name));
    for (int i = 0; i < HOOK_COUNT; i++)
        wire_put_u8(out, version->hooks[i] != 0);
    params_describe(version, &params);
    wire_put_text(out, str_text(&params), params.length);
    str_free(&params);
}

static void do_build(struct ward *ward, struct wire *wire)
{
    struct policies *policies = &ward->policies;
    struct version_ask ask = {0};
    struct policy_version row;
    struct str report = STR_EMPTY;
    struct faults faults = {.report = &report, .file = "strategy.lua"};

    wire_take(wire, &policies->options.limits, sizeof policies->options.limits);
    policies->options.error_limit = SIZE_MAX; /* the host counts */
    arena_init(&policies->arena, 16 << 10);
    take_stock(ward, wire);
    take_ask(wire, &ward->arena, &ask);
    ward->policy.home = policies;
    ward->policy.live = wire->bad ? NULL : version_build(policies, &ask, &row, &faults);
    str_clear(&ward->out);
    wire_put_u8(&ward->out, ward->policy.live != NULL);
    wire_put_u32(&ward->out, (uint32_t)faults.count);
    wire_put_text(&ward->out, faults.first, strlen(faults.first));
    wire_put_text(&ward->out, str_text(&report), report.length);
    if (ward->policy.live)
        put_version(&ward->out, ward->policy.live);
    str_free(&report);
}

/* ---- questions ------------------------------------------------------------------------------- */

/* Ends an answer: whether a call failed meanwhile and why, and the version's state. */
static void put_end(struct ward *ward, uint64_t failures_before)
{
    const struct version *version = ward->policy.live;

    wire_put_u8(&ward->out, version->failures != failures_before);
    wire_put_text(&ward->out, version->last_error, strlen(version->last_error));
    wire_put(&ward->out, sandbox_failure(version->box), sizeof(struct sandbox_failure));
    apart_put_state(&ward->out, version);
}

static void do_decide(struct ward *ward, struct wire *wire)
{
    bool tracing = wire_take_u8(wire) != 0;
    uint64_t failures = ward->policy.live->failures;
    struct facts facts;
    struct intent intent;

    if (!apart_take_facts(wire, &ward->arena, &facts) || !facts.signal)
        _exit(4);
    str_clear(&ward->trace);
    policy_decide(&ward->policy, &facts, &intent, tracing ? &ward->trace : NULL);
    wire_put(&ward->out, &intent, sizeof intent);
    wire_put_text(&ward->out, str_text(&ward->trace), ward->trace.length);
    put_end(ward, failures);
}

static void do_bar(struct ward *ward, struct wire *wire)
{
    uint64_t failures = ward->policy.live->failures;
    struct facts facts;
    struct bar bar;
    struct bar_signals signals;
    struct err err = {0};

    if (!apart_take_facts(wire, &ward->arena, &facts) || !facts.instrument)
        _exit(4);
    wire_take(wire, &bar, sizeof bar);
    memset(&signals, 0, sizeof signals);
    wire_put_u8(&ward->out, policy_on_bar(&ward->policy, &facts, &bar, &signals, &err));
    wire_put_text(&ward->out, err.text, strlen(err.text));
    wire_put(&ward->out, &signals, sizeof signals);
    put_end(ward, failures);
}

static void do_fill(struct ward *ward, struct wire *wire)
{
    uint64_t failures = ward->policy.live->failures;
    struct facts facts;
    struct fill fill;

    if (!apart_take_facts(wire, &ward->arena, &facts) || !facts.instrument)
        _exit(4);
    wire_take(wire, &fill, sizeof fill);
    policy_on_fill(&ward->policy, &facts, &fill);
    put_end(ward, failures);
}

static void do_match(struct ward *ward, struct wire *wire)
{
    uint64_t failures = ward->policy.live->failures;
    struct facts facts;
    struct difference difference;
    struct match_decision said = {0};

    if (!apart_take_facts(wire, &ward->arena, &facts))
        _exit(4);
    wire_take(wire, &difference, sizeof difference);
    policy_reconcile(&ward->policy, &facts, &difference, &said);
    wire_put(&ward->out, &said, sizeof said);
    put_end(ward, failures);
}

static void do_roll(struct ward *ward, struct wire *wire)
{
    uint64_t failures = ward->policy.live->failures;
    struct facts facts;
    struct due due;
    struct roll_decision said = {0};

    if (!apart_take_facts(wire, &ward->arena, &facts))
        _exit(4);
    wire_take(wire, &due, sizeof due);
    policy_rollover(&ward->policy, &facts, &due, &said);
    wire_put(&ward->out, &said, sizeof said);
    put_end(ward, failures);
}

void apart_main(void)
{
    struct ward *ward = mem_alloc(sizeof *ward);

    arena_init(&ward->arena, 16 << 10);
    for (;;) {
        jail_await(&ward->in);
        struct wire wire = wire_read(&ward->in);
        uint8_t op = wire_take_u8(&wire);

        jail_allow_cpu((uint32_t)(ward->policies.options.limits.wall_ms + 1000) * 2);
        arena_reset(&ward->arena);
        str_clear(&ward->out);
        if (op == APART_BUILD && !ward->policy.live)
            do_build(ward, &wire);
        else if (op == APART_DECIDE && ward->policy.live)
            do_decide(ward, &wire);
        else if (op == APART_BAR && ward->policy.live)
            do_bar(ward, &wire);
        else if (op == APART_FILL && ward->policy.live)
            do_fill(ward, &wire);
        else if (op == APART_MATCH && ward->policy.live)
            do_match(ward, &wire);
        else if (op == APART_ROLL && ward->policy.live)
            do_roll(ward, &wire);
        else
            _exit(2);
        jail_answer(&ward->out);
    }
}
