/* Why: every setting is checked in one place, so that a new one is a row and not a branch. */
#include "serve/settings.h"
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_fault(struct settings_reader *r, const char *path, const char *kind,
                      const char *format, va_list args)
{
    char text[400];
    vsnprintf(text, sizeof text, format, args);
    int line = r->table ? table_file_line(r->table, path) : 0;
    if (line > 0)
        str_printf(&r->faults->text, "%s:%d: %s%s%s%s\n", r->file, line, kind, path,
                   *path ? ": " : "", text);
    else
        str_printf(&r->faults->text, "%s: %s%s%s%s\n", r->file, kind, path, *path ? ": " : "",
                   text);
}

void settings_fault(struct settings_reader *r, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_fault(r, path, "", format, args);
    va_end(args);
    r->faults->count++;
}

void settings_warn(struct settings_reader *r, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_fault(r, path, "warning: ", format, args);
    va_end(args);
    r->faults->warnings++;
}

/* Edit distance, capped by the short keys of a config: good enough for "did you mean". */
static unsigned key_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    unsigned row[64];
    if (n > 60 || m > 60)
        return 99;
    for (size_t j = 0; j <= m; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            unsigned best = change < row[j] + 1 ? change : row[j] + 1;
            row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
        }
    }
    return row[m];
}

static const struct setting *find_row(const struct setting *rows, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].key, key) == 0)
            return &rows[i];
    return NULL;
}

static void check_unknown(struct settings_reader *r, const char *path, const struct json *table,
                          const struct setting *rows, size_t count)
{
    for (const struct json *child = table->child; child; child = child->next) {
        if (find_row(rows, count, child->key))
            continue;
        const char *near = NULL;
        unsigned best = 4;
        for (size_t i = 0; i < count; i++) {
            unsigned d = key_distance(rows[i].key, child->key);
            if (d < best)
                best = d, near = rows[i].key;
        }
        const char *at = arena_printf(r->arena, "%s%s%s", path, *path ? "." : "", child->key);
        if (near)
            settings_fault(r, at, "unknown setting; did you mean \"%s\"?", near);
        else
            settings_fault(r, at,
                           "unknown setting; `tidelock check --settings` lists what there is");
    }
}

static void set_int(struct settings_reader *r, const char *path, const struct setting *row,
                    const char *text, void *field)
{
    char *end = NULL;
    long long value = strtoll(text, &end, 10);
    if (!*text || *end) {
        settings_fault(r, path, "\"%s\" is not a whole number", text);
        return;
    }
    if ((row->low || row->high) ? value < row->low || value > row->high : value < 0) {
        settings_fault(r, path, "%lld is out of range; allowed: %lld to %lld", value,
                       (long long)row->low,
                       row->low || row->high ? (long long)row->high : (long long)INT64_MAX);
        return;
    }
    *(int64_t *)field = value;
}

static void set_duration(struct settings_reader *r, const char *path, const struct setting *row,
                         const char *text, void *field)
{
    struct err err = {0};
    int64_t us = 0;
    if (!calendar_parse_duration(text, &us, &err)) {
        settings_fault(r, path, "%s", err.text);
        return;
    }
    if ((row->low || row->high) && (us < row->low || us > row->high)) {
        settings_fault(r, path, "%s is out of range; allowed: %lld ms to %lld ms", text,
                       (long long)(row->low / 1000), (long long)(row->high / 1000));
        return;
    }
    *(int64_t *)field = us;
}

static void set_decimal(struct settings_reader *r, const char *path, const struct setting *row,
                        const char *text, void *field)
{
    struct err err = {0};
    struct decimal value;
    if (!decimal_parse(text, strlen(text), &value, &err)) {
        settings_fault(r, path, "%s; write a number as text, such as \"0.05\"", err.text);
        return;
    }
    int sign = decimal_sign(value);
    if (sign < 0 || (sign == 0 && !(row->flags & SETTING_ZERO))) {
        settings_fault(r, path, "must be %s",
                       row->flags & SETTING_ZERO ? "zero or more" : "more than zero");
        return;
    }
    *(struct decimal *)field = value;
}

static void set_choice(struct settings_reader *r, const char *path, const struct setting *row,
                       const char *text, void *field)
{
    int value = 0;
    if (enum_parse(row->names, text, &value)) {
        *(int *)field = value;
        return;
    }
    struct str list = STR_EMPTY;
    for (size_t i = 0; row->names[i]; i++)
        str_printf(&list, "%s\"%s\"", i ? ", " : "", row->names[i]);
    settings_fault(r, path, "\"%s\" is not one of %s", text, str_text(&list));
    str_free(&list);
}

static void set_secret(struct settings_reader *r, const char *path, const char *text, void *field)
{
    struct err err = {0};
    struct config_secret *secret = field;
    if (!secret_resolve(text, secret, &err))
        settings_fault(r, path, "%s", err.text);
    else if (secret->length < 16)
        settings_warn(r, path, "the secret has only %zu bytes; use at least 16 random ones",
                      secret->length);
}

void settings_set(struct settings_reader *r, const char *path, const struct setting *row,
                  const char *text, void *into)
{
    char *field = (char *)into + row->offset;
    switch (row->type) {
    case SETTING_TEXT:
        *(char **)(void *)field = arena_text(r->arena, text);
        break;
    case SETTING_NAME:
        if (!text_copy(field, row->size, text))
            settings_fault(r, path, "is longer than %zu characters", row->size - 1);
        break;
    case SETTING_INT:
        set_int(r, path, row, text, field);
        break;
    case SETTING_BOOL:
        if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0)
            *(bool *)field = true;
        else if (strcmp(text, "false") == 0 || strcmp(text, "0") == 0)
            *(bool *)field = false;
        else
            settings_fault(r, path, "\"%s\" is neither true nor false", text);
        break;
    case SETTING_DECIMAL:
        set_decimal(r, path, row, text, field);
        break;
    case SETTING_DURATION:
        set_duration(r, path, row, text, field);
        break;
    case SETTING_SECRET:
        set_secret(r, path, text, field);
        break;
    case SETTING_CHOICE:
        set_choice(r, path, row, text, field);
        break;
    case SETTING_OTHER:
        break;
    }
}

static const char *value_text(const struct json *value)
{
    switch (value->type) {
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NUMBER:
    case JSON_STRING:
        return value->text;
    default:
        return NULL;
    }
}

static const char *env_value(struct settings_reader *r, const char *path)
{
    struct str name = STR_EMPTY;
    str_puts(&name, "TIDELOCK_");
    for (const char *p = path; *p; p++)
        str_putc(&name, *p == '.' ? '_' : (char)toupper((unsigned char)*p));
    const char *value = getenv(str_text(&name));
    const char *copy = value ? arena_text(r->arena, value) : NULL;
    str_free(&name);
    return copy;
}

static void read_row(struct settings_reader *r, const char *at, const struct json *table,
                     const struct setting *row, void *into)
{
    const struct json *value = table ? json_get(table, row->key) : NULL;
    /* Lists have no name in the environment; everything else can be overridden there. */
    const char *text = strchr(at, '[') || (row->flags & SETTING_NO_ENV) ? NULL : env_value(r, at);
    if (!text && value && value->type != JSON_NULL) {
        text = value_text(value);
        bool number = value->type == JSON_NUMBER,
             flag = value->type == JSON_TRUE || value->type == JSON_FALSE;
        bool fits = row->type == SETTING_BOOL ? flag : !flag;
        if (!text || !fits ||
            (number && (row->type == SETTING_SECRET || row->type == SETTING_CHOICE))) {
            static const char *const kinds[] = {"text",
                                                "a name",
                                                "a whole number",
                                                "true or false",
                                                "a decimal such as \"0.05\"",
                                                "a duration such as \"30s\"",
                                                "a secret reference",
                                                "one of its names",
                                                "a table"};
            settings_fault(r, at, "must be %s", kinds[row->type]);
            return;
        }
    }
    if (!text)
        text = row->fallback;
    if (text)
        settings_set(r, at, row, text, into);
    else if (row->flags & SETTING_REQUIRED)
        settings_fault(r, at, "is required: %s", row->help);
}

void settings_read(struct settings_reader *r, const char *path, const struct json *table,
                   const struct setting *rows, size_t count, void *into)
{
    if (table && table->type != JSON_OBJECT && !(table->type == JSON_ARRAY && table->count == 0)) {
        settings_fault(r, path, "must be a table of settings");
        table = NULL;
    }
    if (table && table->type == JSON_OBJECT)
        check_unknown(r, path, table, rows, count);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].type == SETTING_OTHER)
            continue;
        read_row(r, arena_printf(r->arena, "%s%s%s", path, *path ? "." : "", rows[i].key), table,
                 &rows[i], into);
    }
}

void settings_help(const char *section, const struct setting *rows, size_t count, struct str *out)
{
    for (size_t i = 0; i < count; i++) {
        char name[80];
        snprintf(name, sizeof name, "%s%s%s", section, *section ? "." : "", rows[i].key);
        str_printf(out, "  %-34s %s", name, rows[i].help);
        if (rows[i].flags & SETTING_REQUIRED)
            str_puts(out, " (required)");
        else if (rows[i].fallback && *rows[i].fallback)
            str_printf(out, " [%s]", rows[i].fallback);
        str_putc(out, '\n');
    }
}

static void print_value(const struct setting *row, const void *from, struct str *out)
{
    const char *field = (const char *)from + row->offset;
    switch (row->type) {
    case SETTING_TEXT:
        str_put_json(out, *(char *const *)(const void *)field);
        break;
    case SETTING_NAME:
        str_put_json(out, field);
        break;
    case SETTING_INT:
        str_put_int(out, *(const int64_t *)(const void *)field);
        break;
    case SETTING_BOOL:
        str_puts(out, *(const bool *)field ? "true" : "false");
        break;
    case SETTING_DURATION:
        str_printf(out, "\"%lldms\"", (long long)(*(const int64_t *)(const void *)field / 1000));
        break;
    case SETTING_CHOICE:
        str_put_json(out, row->names[*(const int *)(const void *)field]);
        break;
    case SETTING_SECRET:
        str_put_json(out, ((const struct config_secret *)(const void *)field)->reference);
        break;
    case SETTING_DECIMAL:
        if (!decimal_ok(*(const struct decimal *)(const void *)field)) {
            str_puts(out, "null");
            break;
        }
        str_putc(out, '"');
        str_put_decimal(out, *(const struct decimal *)(const void *)field);
        str_putc(out, '"');
        break;
    case SETTING_OTHER:
        break;
    }
}

void settings_print(const struct setting *rows, size_t count, const void *from, struct str *out)
{
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].type == SETTING_OTHER)
            continue;
        str_printf(out, "%s\"%s\":", first ? "" : ",", rows[i].key);
        print_value(&rows[i], from, out);
        first = false;
    }
}
