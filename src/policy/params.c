/* Parameters: the schema a strategy declares, the values a configuration gives, and the frozen
 * record scripts read. */
#include "policy/inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const param_type_names[] = {"decimal", "integer", "boolean", "choice", NULL};

struct reading { /* one declared parameter */
    struct version *version;
    const struct sandbox_value *table;
    struct param *param;
    struct faults *faults;
};

static const char *place_of(const struct reading *r, const char *key)
{
    return arena_printf(&r->version->arena, "params.%s.%s", r->param->name, key);
}

/* A value as the text that configuration would give for it; NULL: absent or of a wrong kind. */
static const char *plain_text(const struct reading *r, const char *key)
{
    struct sandbox_value value;
    char text[DECIMAL_TEXT_MAX], shown[80];
    struct decimal number;

    sandbox_field(r->version->box, r->table, key, &value);
    if (value.type == SANDBOX_NIL)
        return NULL;
    if (value.type == SANDBOX_TEXT)
        return arena_copy(&r->version->arena, value.text, value.length);
    if (value.type == SANDBOX_BOOLEAN)
        return value.boolean ? "true" : "false";
    if (value_decimal(&value, &number)) {
        decimal_print(number, text);
        return arena_text(&r->version->arena, text);
    }
    fault_add(r->faults, place_of(r, key), "must be a plain value, not %s",
              value_show(&value, shown, sizeof shown));
    return NULL;
}

/* Checks a text against the parameter and puts its canonical form into *out; the sentence of the
 * fault goes to `why`. */
static bool fits(struct version *version, const struct param *param, const char *text,
                 const char **out, struct decimal *number, char *why, size_t why_size)
{
    char shown[DECIMAL_TEXT_MAX], limit[DECIMAL_TEXT_MAX];
    int64_t whole;

    *out = text;
    if (param->type == PARAM_BOOLEAN) {
        snprintf(why, why_size, "must be true or false, not \"%.40s\"", text);
        return text_equal(text, "true") || text_equal(text, "false");
    }
    if (param->type == PARAM_CHOICE) {
        const char *near = fault_near(text, param->choices);

        for (size_t i = 0; param->choices[i]; i++)
            if (text_equal(param->choices[i], text))
                return true;
        snprintf(why, why_size, "\"%.40s\" is not one of the choices%s%s%s", text,
                 near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        return false;
    }
    if (!decimal_parse(text, strlen(text), number, NULL)) {
        snprintf(why, why_size, "must be a number, not \"%.40s\"", text);
        return false;
    }
    decimal_print(*number, shown);
    if (param->type == PARAM_INTEGER && !decimal_to_int(*number, &whole)) {
        snprintf(why, why_size, "must be a whole number, not %s", shown);
        return false;
    }
    if (param->has_min && decimal_lt(*number, param->min)) {
        decimal_print(param->min, limit);
        snprintf(why, why_size, "is %s, below its least value %s", shown, limit);
        return false;
    }
    if (param->has_max && decimal_gt(*number, param->max)) {
        decimal_print(param->max, limit);
        snprintf(why, why_size, "is %s, above its greatest value %s", shown, limit);
        return false;
    }
    *out = arena_text(&version->arena, shown);
    return true;
}

static void read_limit(const struct reading *r, const char *key, bool *has, struct decimal *out)
{
    const char *text = plain_text(r, key);

    if (!text)
        return;
    *has = decimal_parse(text, strlen(text), out, NULL);
    if (!*has)
        fault_add(r->faults, place_of(r, key), "must be a number, not \"%.40s\"", text);
}

static void read_choices(const struct reading *r)
{
    struct sandbox_value list, item;
    size_t length;

    sandbox_field(r->version->box, r->table, "choices", &list);
    length = list.type == SANDBOX_TABLE ? sandbox_length(r->version->box, &list) : 0;
    if (length == 0 || length > CHOICE_MAX) {
        fault_add(r->faults, place_of(r, "choices"), "must be a list of 1 to %d texts", CHOICE_MAX);
        return;
    }
    for (size_t i = 1; i <= length; i++) {
        sandbox_element(r->version->box, &list, i, &item);
        if (item.type != SANDBOX_TEXT)
            fault_add(r->faults, place_of(r, "choices"), "item %zu must be text", i);
        else
            r->param->choices[i - 1] = arena_copy(&r->version->arena, item.text, item.length);
    }
}

static void check_param_keys(const struct reading *r)
{
    static const char *const known[] = {"type", "min", "max", "default", "choices", "doc", NULL};
    struct sandbox_value key, value;
    int walk = 0, which;

    while (sandbox_next(r->version->box, r->table, &walk, &key, &value)) {
        const char *name = key.type == SANDBOX_TEXT ? key.text : "a list item", *near;

        if (enum_parse(known, name, &which) && text_equal(known[which], name))
            continue;
        near = fault_near(name, known);
        fault_add(r->faults, place_of(r, name), "unknown key%s%s%s",
                  near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
}

static void read_param(const struct reading *r)
{
    const char *type, *fallback;
    struct decimal number;
    char why[160];
    int which;

    check_param_keys(r);
    type = plain_text(r, "type");
    if (!type || !enum_parse(param_type_names, type, &which)) {
        const char *near = type ? fault_near(type, param_type_names) : NULL;

        fault_add(r->faults, place_of(r, "type"),
                  "must be \"decimal\", \"integer\", \"boolean\" or \"choice\"%s%s%s",
                  near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        return;
    }
    r->param->type = (enum param_type)which;
    r->param->doc = plain_text(r, "doc");
    if (r->param->type == PARAM_CHOICE)
        read_choices(r);
    read_limit(r, "min", &r->param->has_min, &r->param->min);
    read_limit(r, "max", &r->param->has_max, &r->param->max);
    fallback = plain_text(r, "default");
    if (!fallback)
        return;
    r->param->has_default =
        fits(r->version, r->param, fallback, &r->param->fallback, &number, why, sizeof why);
    if (!r->param->has_default)
        fault_add(r->faults, place_of(r, "default"), "%s", why);
}

static int compare_params(const void *left, const void *right)
{
    const struct param *a = left, *b = right;

    return strcmp(a->name, b->name);
}

void params_read(struct version *version, const struct sandbox_value *table, struct faults *faults)
{
    struct sandbox_value all, key, value;
    char place[96];
    int walk = 0;

    sandbox_field(version->box, table, "params", &all);
    if (all.type == SANDBOX_NIL)
        return;
    if (all.type != SANDBOX_TABLE) {
        fault_add(faults, "params",
                  "must be a table: { risk_percent = { type = \"decimal\", ... } }");
        return;
    }
    while (sandbox_next(version->box, &all, &walk, &key, &value)) {
        if (key.type != SANDBOX_TEXT || key.length >= NAME_SIZE || value.type != SANDBOX_TABLE) {
            snprintf(place, sizeof place, "params.%.48s", key.type == SANDBOX_TEXT ? key.text : "");
            fault_add(faults, place, "must be a name with a table { type = ..., default = ... }");
        } else if (version->param_count == PARAM_MAX) {
            fault_add(faults, "params", "has more than %d parameters", PARAM_MAX);
            return;
        } else {
            struct reading r = {version, &value, &version->params[version->param_count++], faults};

            r.param->name = arena_copy(&version->arena, key.text, key.length);
            read_param(&r);
        }
    }
    /* Lua's order differs from run to run; the record's and the report's do not. */
    qsort(version->params, version->param_count, sizeof *version->params, compare_params);
}

static struct param *find_param(struct version *version, const char *name)
{
    for (size_t i = 0; i < version->param_count; i++)
        if (text_equal(version->params[i].name, name))
            return &version->params[i];
    return NULL;
}

static void apply_one(struct version *version, const struct policy_params *given,
                      struct faults *faults)
{
    struct param *param = find_param(version, given->name);
    const char *names[PARAM_MAX + 1] = {NULL}, *near;
    char why[160];

    if (param) {
        if (!fits(version, param, given->value, &param->value, &param->number, why, sizeof why))
            fault_add(faults, NULL, "parameter %s %s", given->name, why);
        else
            param->value = arena_text(&version->arena, param->value);
        return;
    }
    for (size_t i = 0; i < version->param_count; i++)
        names[i] = version->params[i].name;
    near = fault_near(given->name, names);
    fault_add(faults, NULL, "strategy %s has no parameter \"%.60s\"%s%s%s", version->row.strategy,
              given->name, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

void params_apply(struct version *version, const struct policy_params *given, size_t count,
                  struct faults *faults)
{
    char why[160];

    for (size_t i = 0; i < count; i++)
        apply_one(version, &given[i], faults);
    for (size_t i = 0; i < version->param_count; i++) {
        struct param *param = &version->params[i];
        const char *place = arena_printf(&version->arena, "params.%s", param->name);

        if (!param->value && !param->has_default) {
            fault_add(faults, place, "has no default, and the configuration gives no value");
            continue;
        }
        if (!param->value)
            param->value = param->fallback;
        if (!fits(version, param, param->value, &param->value, &param->number, why, sizeof why))
            continue; /* told above */
        param->flag = text_equal(param->value, "true");
    }
}

void params_show(struct version *version)
{
    static const enum sandbox_kind kinds[] = {SANDBOX_KIND_DECIMAL, SANDBOX_KIND_INTEGER,
                                              SANDBOX_KIND_BOOLEAN, SANDBOX_KIND_TEXT};
    struct sandbox_field_row rows[PARAM_MAX];
    struct sandbox_shape shape = {
        .name = "params", .rows = rows, .count = (uint32_t)version->param_count};
    struct sandbox_record *record;
    int64_t whole = 0;

    memset(rows, 0, sizeof rows);
    for (size_t i = 0; i < version->param_count; i++) {
        rows[i].name = version->params[i].name;
        rows[i].kind = kinds[version->params[i].type];
    }
    record = sandbox_record_new(version->box, &shape);
    for (uint32_t i = 0; i < shape.count; i++) {
        const struct param *param = &version->params[i];

        if (param->type == PARAM_DECIMAL)
            sandbox_set_decimal(record, i, param->number.units);
        else if (param->type == PARAM_INTEGER && decimal_to_int(param->number, &whole))
            sandbox_set_integer(record, i, whole);
        else if (param->type == PARAM_BOOLEAN)
            sandbox_set_boolean(record, i, param->flag);
        else
            sandbox_set_text(record, i, param->value, strlen(param->value));
    }
    sandbox_set_global(version->box, "params", record);
}

static void put_limit(struct str *json, const char *name, bool has, struct decimal limit)
{
    if (!has)
        return;
    str_printf(json, ",\"%s\":\"", name);
    str_put_decimal(json, limit);
    str_putc(json, '"');
}

void params_describe(const struct version *version, struct str *json)
{
    str_putc(json, '[');
    for (size_t i = 0; i < version->param_count; i++) {
        const struct param *param = &version->params[i];

        str_puts(json, i ? ",{\"name\":" : "{\"name\":");
        str_put_json(json, param->name);
        str_printf(json, ",\"type\":\"%s\",\"value\":", param_type_names[param->type]);
        str_put_json(json, param->value);
        str_puts(json, ",\"default\":");
        str_put_json(json, param->has_default ? param->fallback : NULL);
        put_limit(json, "min", param->has_min, param->min);
        put_limit(json, "max", param->has_max, param->max);
        str_puts(json, ",\"doc\":");
        str_put_json(json, param->doc);
        if (param->type == PARAM_CHOICE) {
            str_puts(json, ",\"choices\":[");
            for (size_t c = 0; param->choices[c]; c++) {
                str_puts(json, c ? "," : "");
                str_put_json(json, param->choices[c]);
            }
            str_putc(json, ']');
        }
        str_putc(json, '}');
    }
    str_putc(json, ']');
}
