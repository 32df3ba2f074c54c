/* One version of a strategy: a sandbox with the folder's texts, compiled and run aside, checked
 * whole.
 *
 * Nothing here touches the live version, so all of it may happen on another thread. */
#include "policy/apart.h"

#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct policy_source *find_main(const struct version_ask *ask)
{
    for (size_t i = 0; i < ask->file_count; i++)
        if (text_equal(ask->files[i].name, "strategy.lua"))
            return &ask->files[i];
    return NULL;
}

static int compare_files(const void *left, const void *right)
{
    const struct policy_source *const *a = left, *const *b = right;

    return strcmp((*a)->name, (*b)->name);
}

static int compare_given(const void *left, const void *right)
{
    const struct policy_params *const *a = left, *const *b = right;

    return strcmp((*a)->name, (*b)->name);
}

/* Everything that can change a decision: the stock library, the texts by name, the parameters
 * given. */
static void hash_ask(const struct policies *policies, const struct version_ask *ask,
                     char out[FINGERPRINT_SIZE])
{
    const struct policy_source **files = mem_alloc((ask->file_count + 1) * sizeof(void *));
    const struct policy_params **params = mem_alloc((ask->param_count + 1) * sizeof(void *));
    struct sha256 *hash = sha256_new();
    uint8_t digest[SHA256_SIZE];

    for (size_t i = 0; i < ask->file_count; i++)
        files[i] = &ask->files[i];
    for (size_t i = 0; i < ask->param_count; i++)
        params[i] = &ask->params[i];
    qsort(files, ask->file_count, sizeof *files, compare_files);
    qsort(params, ask->param_count, sizeof *params, compare_given);
    sha256_start(hash);
    sha256_add_field(hash, "tidelock policy 1");
    sha256_add_field(hash, policies->stock_hash);
    for (size_t i = 0; i < ask->file_count; i++) {
        sha256_add_field(hash, files[i]->name);
        sha256_add_field(hash, files[i]->text);
    }
    sha256_add_field(hash, "parameters");
    for (size_t i = 0; i < ask->param_count; i++) {
        sha256_add_field(hash, params[i]->name);
        sha256_add_field(hash, params[i]->value);
    }
    sha256_end(hash, digest);
    hex_print(digest, sizeof digest, out);
    sha256_free(hash);
    mem_free(files);
    mem_free(params);
}

static void start_row(struct policies *policies, const struct version_ask *ask,
                      struct policy_version *row)
{
    row_init(&tables[TABLE_POLICY], row);
    text_copy(row->strategy, sizeof row->strategy, ask->strategy);
    text_copy(row->author, sizeof row->author, ask->author ? ask->author : "");
    hash_ask(policies, ask, row->hash);
    snprintf(row->id, sizeof row->id, "%s|%s", row->strategy, row->hash);
    if (policies->options.clock)
        row->at_us = clock_wall(policies->options.clock);
    row->status = POLICY_LIVE;
    row->row_version = 1;
}

static bool check_files(const struct policies *policies, const struct version_ask *ask,
                        struct faults *faults)
{
    size_t length = strlen(ask->strategy);

    if (length == 0 || length >= NAME_SIZE ||
        strspn(ask->strategy, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") !=
            length)
        fault_add(faults, NULL,
                  "\"%.60s\" is no strategy name: letters, digits, _ and -, at most %d",
                  ask->strategy, NAME_SIZE - 1);
    if (policies->stock_fault.class != ERR_NONE)
        fault_add(faults, NULL, "%s", policies->stock_fault.text);
    if (ask->file_count > FILE_MAX)
        fault_add(faults, NULL, "a strategy may have %d files, not %zu", FILE_MAX, ask->file_count);
    for (size_t i = 0; i < ask->file_count; i++) {
        const struct policy_source *file = &ask->files[i];

        if (memchr(file->text, '\0', file->length))
            fault_add(faults, NULL, "%s holds a NUL byte: a policy is source text", file->name);
        for (size_t j = 0; j < i; j++)
            if (text_equal(ask->files[j].name, file->name))
                fault_add(faults, NULL, "there are two files named %s", file->name);
    }
    if (!find_main(ask))
        fault_add(faults, NULL, "strategy.lua is missing: it returns the strategy's table");
    return faults->count == 0;
}

/* All syntax faults of all files, then what require finds. */
static bool give_sources(const struct policies *policies, struct version *version,
                         const struct version_ask *ask, struct faults *faults)
{
    for (size_t i = 0; i < policies->stock_count; i++) {
        const struct stock_file *file = &policies->stock[i];

        if (!sandbox_add_module(version->box, file->name, file->text, file->length, file->chunk))
            fault_script(faults, version->box);
    }
    for (size_t i = 0; i < ask->file_count; i++) {
        const struct policy_source *file = &ask->files[i];
        size_t length = strlen(file->name);
        const char *module;

        if (!sandbox_compiles(version->box, file->text, file->length, file->name)) {
            fault_script(faults, version->box);
            continue;
        }
        fault_withheld(faults, file);
        if (text_equal(file->name, "strategy.lua") || length < 5)
            continue;
        module = arena_copy(&version->arena, file->name, length - 4);
        if (!sandbox_add_module(version->box, module, file->text, file->length, file->name))
            fault_script(faults, version->box);
    }
    return faults->count == 0;
}

static bool run_main(struct version *version, const struct version_ask *ask, struct faults *faults)
{
    const struct policy_source *file = find_main(ask);
    struct table_lines *lines;
    struct err err;
    int module;

    if (!sandbox_load(version->box, file->text, file->length, "strategy.lua", &module)) {
        fault_script(faults, version->box);
        return false;
    }
    if (!table_lines_read("strategy.lua", file->text, file->length, &version->arena, &lines, &err))
        fault_add(faults, NULL, "%s", err.text);
    faults->lines = lines;
    shape_read(version, module, faults);
    params_apply(version, ask->params, ask->param_count, faults);
    faults->lines = NULL;
    sandbox_unref(version->box, module);
    return faults->count == 0;
}

static struct sandbox_limits run_limits(const struct policy_limits *limits)
{
    return (struct sandbox_limits){.memory_bytes = (size_t)limits->memory_bytes,
                                   .instructions = (uint64_t)limits->instructions,
                                   .wall_ms = (uint32_t)limits->wall_ms};
}

static bool runs_apart(const struct policies *policies, const char *strategy)
{
    for (size_t i = 0; i < policies->apart_count; i++)
        if (text_equal(policies->apart[i], strategy))
            return true;
    return false;
}

struct version *version_build(struct policies *policies, const struct version_ask *ask,
                              struct policy_version *row, struct faults *faults)
{
    struct sandbox_limits limits = run_limits(&policies->options.limits);
    struct version *version;
    bool ok;

    if (ask->row)
        *row = *ask->row;
    else
        start_row(policies, ask, row);
    if (!check_files(policies, ask, faults))
        return NULL;
    if (runs_apart(policies, ask->strategy)) {
        version = apart_build(policies, ask, row, faults);
        if (version)
            *row = version->row;
        return version;
    }
    version = mem_alloc(sizeof *version);
    arena_init(&version->arena, 8 << 10);
    arena_init(&version->scratch, 4 << 10);
    version->row = *row;
    limits.instructions = limits.instructions > 1000000 ? limits.instructions : 1000000;
    limits.wall_ms = limits.wall_ms > 250 ? limits.wall_ms : 250;
    version->box = sandbox_new(&limits);
    verdict_bind(version->box);
    ta_bind(version);
    rules_bind(version);
    ok = give_sources(policies, version, ask, faults) && run_main(version, ask, faults);
    if (ok && !driver_make(version)) {
        fault_script(faults, version->box);
        ok = false;
    }
    *row = version->row;
    if (!ok) {
        version_free(version);
        return NULL;
    }
    params_show(version);
    views_open(version);
    sandbox_seal(version->box);
    limits = run_limits(&policies->options.limits);
    sandbox_set_limits(version->box, &limits);
    return version;
}

void version_free(struct version *version)
{
    if (!version)
        return;
    apart_free(version->apart);
    sandbox_free(version->box);
    ta_free(version);
    arena_free(&version->arena);
    arena_free(&version->scratch);
    mem_free(version);
}
