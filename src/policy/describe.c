/* A strategy as JSON, for people: what it is, its parameters, its gates' counts, what it uses of
 * its limits. */
#include "policy/apart.h"

static void put_meter(struct str *json, const char *name, const struct sandbox_meter *meter)
{
    str_printf(json, "\"%s\":{\"limit\":%llu,\"current\":%llu,\"maximum\":%llu},", name,
               (unsigned long long)meter->limit, (unsigned long long)meter->current,
               (unsigned long long)meter->maximum);
}

static void put_text(struct str *json, const char *name, const char *text)
{
    str_printf(json, "\"%s\":", name);
    str_put_json(json, text_is_utf8(text, __builtin_strlen(text)) ? text : "(not UTF-8)");
    str_putc(json, ',');
}

static void put_usage(const struct version *version, struct str *json)
{
    struct sandbox_usage usage;

    if (version->apart)
        usage = version->apart->usage;
    else
        sandbox_usage(version->box, &usage);
    str_puts(json, "\"usage\":{");
    put_meter(json, "memory_bytes", &usage.memory_bytes);
    put_meter(json, "instructions", &usage.instructions);
    put_meter(json, "wall_us", &usage.wall_us);
    put_meter(json, "output_bytes", &usage.output_bytes);
    put_meter(json, "depth", &usage.depth);
    str_printf(json, "\"calls\":%llu,\"errors\":%llu,\"kills\":%llu},",
               (unsigned long long)usage.calls, (unsigned long long)usage.errors,
               (unsigned long long)usage.kills);
}

static void put_gates(const struct version *version, struct str *json)
{
    str_puts(json, "\"gates\":[");
    for (size_t i = 0; i < version->gate_count; i++) {
        const struct gate *gate = &version->gates[i];

        str_puts(json, i ? ",{\"name\":" : "{\"name\":");
        str_put_json(json, gate->name);
        str_printf(json, ",\"passed\":%llu,\"rejected\":%llu,\"deferred\":%llu,\"failed\":%llu}",
                   (unsigned long long)gate->passed, (unsigned long long)gate->rejected,
                   (unsigned long long)gate->deferred, (unsigned long long)gate->failed);
    }
    str_puts(json, "],");
}

static void put_instruments(const struct version *version, struct str *json)
{
    str_puts(json, "\"instruments\":");
    if (version->any_instrument) {
        str_puts(json, "\"*\",");
        return;
    }
    str_putc(json, '[');
    for (size_t i = 0; i < version->instrument_count; i++) {
        str_puts(json, i ? "," : "");
        str_put_json(json, version->instruments[i]);
    }
    str_puts(json, "],");
}

static void put_hooks(const struct version *version, struct str *json)
{
    bool first = true;

    str_puts(json, "\"functions\":[");
    for (int i = 0; i < HOOK_COUNT; i++)
        if (version->hooks[i]) {
            str_printf(json, "%s\"%s\"", first ? "" : ",", hook_names[i]);
            first = false;
        }
    str_puts(json, "],");
}

void policy_describe(const struct policy *policy, struct str *json)
{
    const struct version *version = policy->live;
    const struct version *previous = policy->previous;

    str_putc(json, '{');
    put_text(json, "name", policy->name);
    put_text(json, "version", version->row.version);
    put_text(json, "hash", version->row.hash);
    put_text(json, "status", policy_status_names[version->row.status]);
    put_text(json, "author", version->row.author);
    put_text(json, "description", version->description);
    put_text(json, "isolation", version->apart ? "worker" : "process");
    if (version->apart)
        str_printf(json, "\"worker\":{\"pid\":%d,\"replaced\":%llu},",
                   (int)version->apart->jail.pid, (unsigned long long)version->apart->deaths);
    put_instruments(version, json);
    str_puts(json, "\"parameters\":");
    if (version->apart)
        str_puts(json, version->apart->params);
    else
        params_describe(version, json);
    str_putc(json, ',');
    put_gates(version, json);
    put_hooks(version, json);
    put_usage(version, json);
    str_printf(
        json,
        "\"decisions\":%llu,\"accepted\":%llu,\"rejected\":%llu,\"deferred\":%llu,"
        "\"failures\":%llu,\"bars\":%llu,\"signals\":%llu,\"swaps\":%llu,\"rollbacks\":%llu,",
        (unsigned long long)version->decisions, (unsigned long long)version->accepted,
        (unsigned long long)version->rejected, (unsigned long long)version->deferred,
        (unsigned long long)version->failures, (unsigned long long)version->bars,
        (unsigned long long)version->signals, (unsigned long long)policy->swaps,
        (unsigned long long)policy->rollbacks);
    str_printf(json, "\"took_us\":{\"last\":%lld,\"maximum\":%lld},",
               (long long)version->took_last_us, (long long)version->took_most_us);
    put_text(json, "last_error", version->last_error);
    str_puts(json, "\"previous\":");
    if (previous) {
        str_puts(json, "{");
        put_text(json, "version", previous->row.version);
        put_text(json, "status", policy_status_names[previous->row.status]);
        str_puts(json, "\"hash\":");
        str_put_json(json, previous->row.hash);
        str_putc(json, '}');
    } else {
        str_puts(json, "null");
    }
    str_putc(json, '}');
}
