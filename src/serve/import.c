/* Why: POST /api/import, positions that exist elsewhere. The body is a list, or an object with
 * `positions`; `dry_run` and `who` stand in it, or in the query. */
#include "serve/parts.h"
#include <string.h>

static const char *policy_refuses(void *ctx, const char *strategy, const char *instrument)
{
    const struct core *core = ctx;
    const struct policy *policy = policies_find(core->policies, strategy);
    return !policy                              ? "is no configured strategy"
           : !policy_trades(policy, instrument) ? "does not trade the instrument"
                                                : NULL;
}

static void put_position(const struct imported *one, bool stands, struct str *out)
{
    str_printf(out, "{\"id\":\"%s\",\"strategy\":", one->id);
    str_put_json(out, one->strategy);
    str_puts(out, ",\"instrument\":");
    str_put_json(out, one->instrument);
    str_printf(out, ",\"position\":\"%s\",\"side\":\"%s\",\"quantity\":\"", one->label,
               side_names[one->side]);
    str_put_decimal(out, one->quantity);
    str_puts(out, "\",\"entry_price\":\"");
    str_put_decimal(out, one->entry_price);
    str_printf(out, "\",\"stands\":%s}", stands ? "true" : "false");
}

static void answer_import(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct serve *serve = owner;
    const struct import_result *result = value;
    struct str *out = &serve->scratch;
    if (err && err->class != ERR_NONE) {
        serve_err(serve, handle, err);
        return;
    }
    str_clear(out);
    if (result->faults->count) {
        signal_faults_json(result->faults, out);
        serve_json(serve, handle, 400, out->data, out->length);
        return;
    }
    str_printf(out,
               "{\"status\":\"%s\",\"dry_run\":%s,\"imported\":%zu,\"stood\":%zu,\"positions\":[",
               result->dry_run                  ? "checked"
               : result->stand == result->count ? "unchanged"
                                                : "imported",
               result->dry_run ? "true" : "false",
               result->dry_run ? 0 : result->count - result->stand, result->stand);
    for (size_t i = 0; i < result->count; i++) {
        if (i)
            str_putc(out, ',');
        put_position(&result->list[i], result->stands[i], out);
    }
    str_puts(out, "]}");
    serve_json(serve, handle, 200, out->data, out->length);
}

void import_handle(const struct http_request *request, struct serve *serve, const struct json *body,
                   const char *who)
{
    struct core *core = serve->core;
    struct import_rules rules = {.instruments = &core->options.instruments,
                                 .refuses = policy_refuses,
                                 .ctx = core,
                                 .now_us = clock_wall(core->clock)};
    struct imported *list = arena_alloc(request->arena, IMPORT_MAX * sizeof *list);
    struct signal_faults *faults = arena_alloc(request->arena, sizeof *faults);
    const char *asked = http_query(request, "dry_run"), *named = http_query(request, "who");
    bool dry_run = asked && strcmp(asked, "0") != 0 && strcmp(asked, "false") != 0;
    size_t count = import_read(body, &rules, list, faults);
    json_bool(body, "dry_run", &dry_run);
    if (named && *named && strlen(named) < NAME_SIZE)
        who = named;
    if (count > 0) { /* those that can be read are held against the book, too */
        positions_import(core, list, count, faults, import_root(body), dry_run, who,
                         (struct waiter){answer_import, serve, request->handle});
        return;
    }
    str_clear(&serve->scratch);
    signal_faults_json(faults, &serve->scratch);
    serve_json(serve, request->handle, 400, serve->scratch.data, serve->scratch.length);
}
