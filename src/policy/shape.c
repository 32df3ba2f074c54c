/* Reads the table that strategy.lua returns into a version, and finds everything that is wrong with
 * it at once. */
#include "policy/inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const hook_names[HOOK_COUNT + 1] = {"size",    "exit_size",  "start",     "on_bar",
                                                "on_fill", "on_silence", "reconcile", "rollover",
                                                "migrate", NULL};

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Keys that nobody reads are typing mistakes: each is a fault that names what was probably meant.
 */
static void check_keys(struct version *version, const struct sandbox_value *table, const char *path,
                       const char *const *known, struct faults *faults)
{
    struct sandbox_value key, value;
    const char *unknown[32];
    size_t count = 0;
    int walk = 0;

    while (count < 32 && sandbox_next(version->box, table, &walk, &key, &value)) {
        bool found = false;

        for (size_t i = 0; key.type == SANDBOX_TEXT && known[i]; i++)
            found = found || strcmp(known[i], key.text) == 0;
        if (!found)
            unknown[count++] = key.type == SANDBOX_TEXT
                                   ? arena_copy(&version->arena, key.text, key.length)
                                   : "a list item";
    }
    qsort(unknown, count, sizeof *unknown, compare_texts);
    for (size_t i = 0; i < count; i++) {
        const char *near = fault_near(unknown[i], known);
        const char *place =
            arena_printf(&version->arena, "%s%s%s", path, *path ? "." : "", unknown[i]);

        fault_add(faults, place, "unknown key%s%s%s", near ? "; did you mean \"" : "",
                  near ? near : "", near ? "\"?" : "");
    }
}

static const char *read_text(struct version *version, const struct sandbox_value *table,
                             const char *key, bool required, struct faults *faults)
{
    struct sandbox_value value;
    char shown[80];

    sandbox_field(version->box, table, key, &value);
    if (value.type == SANDBOX_TEXT && text_is_utf8(value.text, value.length))
        return arena_copy(&version->arena, value.text, value.length);
    if (value.type != SANDBOX_NIL)
        fault_add(faults, key, "must be text, not %s", value_show(&value, shown, sizeof shown));
    else if (required)
        fault_add(faults, key, "is missing: every strategy has one");
    return NULL;
}

static void read_heading(struct version *version, const struct sandbox_value *table,
                         struct faults *faults)
{
    const char *name = read_text(version, table, "name", true, faults);
    const char *text = read_text(version, table, "version", true, faults);
    const char *description = read_text(version, table, "description", false, faults);

    if (name && !text_equal(name, version->row.strategy))
        fault_add(faults, "name", "is \"%.60s\", but the strategy is loaded as \"%s\"", name,
                  version->row.strategy);
    if (text && (!*text || !text_copy(version->row.version, sizeof version->row.version, text)))
        fault_add(faults, "version", "must have 1 to %zu characters",
                  sizeof version->row.version - 1);
    text_copy(version->description, sizeof version->description, description ? description : "");
}

static void read_instruments(struct version *version, const struct sandbox_value *table,
                             struct faults *faults)
{
    struct sandbox_value value, item;
    char path[64], shown[80];
    size_t length;

    sandbox_field(version->box, table, "instruments", &value);
    if (value.type == SANDBOX_TEXT && strcmp(value.text, "*") == 0) {
        version->any_instrument = true;
        return;
    }
    length = value.type == SANDBOX_TABLE ? sandbox_length(version->box, &value) : 0;
    if (length == 0 || length > 1000) {
        fault_add(faults, "instruments",
                  "must be \"*\" or a list of instrument names such as { \"BANK_NIFTY\" }");
        return;
    }
    version->instruments = arena_alloc(&version->arena, length * sizeof *version->instruments);
    for (size_t i = 1; i <= length; i++) {
        sandbox_element(version->box, &value, i, &item);
        snprintf(path, sizeof path, "instruments[%zu]", i - 1);
        if (item.type != SANDBOX_TEXT || item.length == 0 || item.length >= NAME_SIZE)
            fault_add(faults, path, "must be an instrument's name, not %s",
                      value_show(&item, shown, sizeof shown));
        else
            version->instruments[version->instrument_count++] =
                arena_copy(&version->arena, item.text, item.length);
    }
}

static void read_gate(struct version *version, const struct sandbox_value *item, const char *path,
                      struct faults *faults)
{
    static const char *const known[] = {"name", "check", "doc", NULL};
    struct gate *gate = &version->gates[version->gate_count];
    struct sandbox_value value;
    char place[96], shown[80];

    if (item->type != SANDBOX_TABLE) {
        fault_add(faults, path,
                  "must be a gate { name = ..., check = function(f) ... end }, not %s",
                  value_show(item, shown, sizeof shown));
        return;
    }
    check_keys(version, item, path, known, faults);
    snprintf(place, sizeof place, "%s.name", path);
    sandbox_field(version->box, item, "name", &value);
    if (value.type != SANDBOX_TEXT || value.length == 0 || value.length >= NAME_SIZE)
        fault_add(faults, place, "must be a name of 1 to %d characters, not %s", NAME_SIZE - 1,
                  value_show(&value, shown, sizeof shown));
    else
        gate->name = arena_copy(&version->arena, value.text, value.length);
    for (size_t i = 0; gate->name && i < version->gate_count; i++)
        if (text_equal(version->gates[i].name, gate->name))
            fault_add(faults, place, "another gate is named \"%s\" too", gate->name);
    snprintf(place, sizeof place, "%s.check", path);
    sandbox_field(version->box, item, "check", &value);
    if (value.type != SANDBOX_FUNCTION)
        fault_add(faults, place, "must be a function(f), not %s",
                  value_show(&value, shown, sizeof shown));
    version->gate_count++;
}

static void read_gates(struct version *version, int module, const struct sandbox_value *table,
                       struct faults *faults)
{
    struct sandbox_value value, item;
    char path[64];
    size_t length;

    sandbox_field(version->box, table, "gates", &value);
    if (value.type == SANDBOX_NIL)
        return;
    length = value.type == SANDBOX_TABLE ? sandbox_length(version->box, &value) : 0;
    if (length == 0 || length > GATE_MAX) {
        fault_add(faults, "gates", "must be a list of 1 to %d gates; leave it out for none",
                  GATE_MAX);
        return;
    }
    for (size_t i = 1; i <= length; i++) {
        sandbox_element(version->box, &value, i, &item);
        snprintf(path, sizeof path, "gates[%zu]", i - 1);
        read_gate(version, &item, path, faults);
    }
    for (size_t i = 0; faults->count == 0 && i < version->gate_count; i++) {
        snprintf(path, sizeof path, "gates[%zu].check", i + 1);
        version->gates[i].check = sandbox_find(version->box, module, path);
    }
}

static void read_hooks(struct version *version, int module, struct faults *faults)
{
    struct sandbox_value table, value;
    char shown[80];

    for (int i = 0; i < HOOK_COUNT; i++) {
        sandbox_peek(version->box, module, &table);
        sandbox_field(version->box, &table, hook_names[i], &value);
        if (value.type == SANDBOX_FUNCTION)
            version->hooks[i] = sandbox_find(version->box, module, hook_names[i]);
        else if (value.type != SANDBOX_NIL)
            fault_add(faults, hook_names[i], "must be a function, not %s",
                      value_show(&value, shown, sizeof shown));
        else if (i == HOOK_SIZE)
            fault_add(faults, hook_names[i],
                      "is missing: size = function(f) ... return { quantity = ... } end");
    }
}

static void read_extras(struct version *version, const struct sandbox_value *table,
                        struct faults *faults)
{
    static const char *const types[] = {"decimal", "text", "boolean", NULL};
    struct sandbox_value value, key, type;
    char place[96], shown[80];
    int walk = 0, which;

    sandbox_field(version->box, table, "extra", &value);
    if (value.type == SANDBOX_NIL)
        return;
    if (value.type != SANDBOX_TABLE || sandbox_length(version->box, &value) > 0) {
        fault_add(faults, "extra",
                  "must name further signal fields and their types: { er = \"decimal\" }");
        return;
    }
    while (sandbox_next(version->box, &value, &walk, &key, &type)) {
        if (key.type != SANDBOX_TEXT || version->extra_count == EXTRA_MAX) {
            fault_add(faults, "extra", "may name at most %d fields", EXTRA_MAX);
            return;
        }
        snprintf(place, sizeof place, "extra.%.48s", key.text);
        if (type.type != SANDBOX_TEXT || !enum_parse(types, type.text, &which)) {
            fault_add(faults, place, "must be \"decimal\", \"text\" or \"boolean\", not %s",
                      value_show(&type, shown, sizeof shown));
            continue;
        }
        version->extras[version->extra_count++] =
            (struct extra){.name = arena_copy(&version->arena, key.text, key.length),
                           .type = (enum extra_type)which};
    }
}

static void read_state(struct version *version, const struct sandbox_value *table,
                       struct faults *faults)
{
    struct str json = STR_EMPTY;
    struct sandbox_value value;

    sandbox_field(version->box, table, "state", &value);
    if (value.type == SANDBOX_NIL)
        return;
    if (value.type != SANDBOX_TABLE) {
        fault_add(faults, "state", "must be a table of plain values");
        return;
    }
    value_json(version->box, &value, 8, &json);
    if (json.length > 16384)
        fault_add(faults, "state", "is larger than 16 KiB as JSON");
    version->state = arena_copy(&version->arena, str_text(&json), json.length);
    str_free(&json);
}

void shape_read(struct version *version, int module, struct faults *faults)
{
    static const char *const known[] = {
        "name",    "version",    "description", "instruments", "params",   "gates",
        "extra",   "state",      "size",        "exit_size",   "start",    "on_bar",
        "on_fill", "on_silence", "migrate",     "reconcile",   "rollover", NULL};
    struct sandbox_value table;

    sandbox_peek(version->box, module, &table);
    if (table.type != SANDBOX_TABLE) {
        fault_add(faults, "", "must end in: return { name = ..., version = ..., ... }");
        return;
    }
    check_keys(version, &table, "", known, faults);
    read_heading(version, &table, faults);
    read_instruments(version, &table, faults);
    params_read(version, &table, faults);
    read_extras(version, &table, faults);
    read_state(version, &table, faults);
    read_gates(version, module, &table, faults);
    read_hooks(version, module, faults);
}
