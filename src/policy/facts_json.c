/* Facts as JSON and back: a decision's trace holds all that was asked, so it can be asked again. */
#include "policy/inner.h"

#include "policy/rows.h"

#include <string.h>

/* The most a value takes that is no text of its own, its quotes and NUL included. */
enum { VALUE_MOST = DECIMAL_TEXT_MAX + 2 };

static char *put_number(char *to, struct decimal value)
{
    *to++ = '"';
    to += decimal_print(value, to);
    *to++ = '"';
    return to;
}

/* A trace holds some sixty fields and is written for every decision, so each is put in place. */
static void put_field(struct str *json, char before, const struct row *row, const char *field)
{
    size_t length = strlen(row->name);
    char *to = str_begin(json, length + 4 + VALUE_MOST);

    *to++ = before;
    *to++ = '"';
    to = mempcpy(to, row->name, length);
    to = mempcpy(to, "\":", 2);
    switch (row->kind) {
    case ROW_TEXT:
    case ROW_NAMED:
        str_end(json, to);
        str_put_json(json, row->kind == ROW_TEXT ? field : row->names[*(const int *)field]);
        return;
    case ROW_DECIMAL:
        to = put_number(to, *(const struct decimal *)field);
        break;
    case ROW_COUNT:
        to += text_int(to, *(const int64_t *)field);
        break;
    case ROW_TIME:
        to += text_int(to, *(const int64_t *)field / 1000000);
        break;
    case ROW_FLAG:
        to = *(const bool *)field ? mempcpy(to, "true", 4) : mempcpy(to, "false", 5);
        break;
    }
    str_end(json, to);
}

/* What is absent is left out: it reads back as absent. */
static bool is_absent(const struct row *row, const char *field)
{
    if (row->kind == ROW_DECIMAL)
        return !decimal_ok(*(const struct decimal *)field);
    return row->kind == ROW_TIME ? *(const int64_t *)field == 0 : row->kind == ROW_TEXT && !*field;
}

static void put_rows(struct str *json, enum group_id group, const void *from)
{
    char comma = '{';

    for (size_t i = 0; i < groups[group].count; i++) {
        const struct row *row = &groups[group].rows[i];
        const char *field = (const char *)from + row->offset;

        if (is_absent(row, field))
            continue;
        put_field(json, comma, row, field);
        comma = ',';
    }
    if (comma == '{')
        str_putc(json, '{');
}

static void put_group(struct str *json, enum group_id group, const void *from)
{
    if (!from)
        return;
    str_puts(json, ",\"");
    str_puts(json, groups[group].name);
    str_puts(json, "\":");
    put_rows(json, group, from);
    if (group == GROUP_SIGNAL && ((const struct signal *)from)->extra) {
        str_puts(json, ",\"extra\":");
        str_puts(json, ((const struct signal *)from)->extra);
    }
    str_putc(json, '}');
}

void facts_json(const struct facts *facts, struct str *json)
{
    put_rows(json, GROUP_FACTS, facts);
    put_group(json, GROUP_SIGNAL, facts->signal);
    put_group(json, GROUP_INSTRUMENT, facts->instrument);
    str_puts(json, ",\"positions\":[");
    for (size_t i = 0; i < facts->position_count && i < LAYER_MAX; i++) {
        if (i > 0)
            str_putc(json, ',');
        put_rows(json, GROUP_POSITION, facts->positions[i]);
        str_putc(json, '}');
    }
    str_putc(json, ']');
    put_group(json, GROUP_PYRAMID, facts->pyramid);
    put_group(json, GROUP_PORTFOLIO, facts->portfolio);
    put_group(json, GROUP_STATS, facts->stat);
    str_putc(json, '}');
}

static bool read_row(const struct row *row, const struct json *object, char *field)
{
    const struct json *value = json_get(object, row->name);
    int64_t seconds;
    int which;

    if (row->kind == ROW_DECIMAL)
        *(struct decimal *)field = decimal_bad();
    if (!value || value->type == JSON_NULL)
        return true;
    switch (row->kind) {
    case ROW_TEXT:
        return value->type == JSON_STRING && text_copy(field, row->size, value->text);
    case ROW_DECIMAL:
        return json_decimal(object, row->name, (struct decimal *)field);
    case ROW_COUNT:
        return json_int(object, row->name, (int64_t *)field);
    case ROW_TIME:
        if (!json_int(object, row->name, &seconds) || seconds > 9000000000000)
            return false;
        *(int64_t *)field = seconds * 1000000;
        return true;
    case ROW_FLAG:
        return json_bool(object, row->name, (bool *)field);
    default:
        if (value->type != JSON_STRING || !enum_parse(row->names, value->text, &which))
            return false;
        *(int *)field = which;
        return true;
    }
}

static bool known_key(enum group_id group, const char *key)
{
    static const char *const more[] = {"signal", "instrument", "positions", "pyramid", "portfolio",
                                       "stats",  "extra",      "layer",     "age",     NULL};

    for (size_t i = 0; i < groups[group].count; i++)
        if (text_equal(groups[group].rows[i].name, key))
            return true;
    for (size_t i = 0; (group == GROUP_FACTS || group == GROUP_SIGNAL) && more[i]; i++)
        if (text_equal(more[i], key))
            return true;
    return false;
}

static bool read_rows(enum group_id group, const struct json *object, void *to, struct err *err)
{
    if (object->type != JSON_OBJECT)
        return err_set(err, ERR_REFUSED, ERR_INPUT, "facts: %s must be an object",
                       groups[group].name);
    for (const struct json *child = object->child; child; child = child->next)
        if (!known_key(group, child->key))
            return err_set(err, ERR_REFUSED, ERR_INPUT, "facts: %s has no field \"%.60s\"",
                           groups[group].name, child->key);
    for (size_t i = 0; i < groups[group].count; i++)
        if (!read_row(&groups[group].rows[i], object, (char *)to + groups[group].rows[i].offset))
            return err_set(err, ERR_REFUSED, ERR_INPUT, "facts: %s.%s has a wrong type or value",
                           groups[group].name, groups[group].rows[i].name);
    return true;
}

/* An optional group into arena memory; *out stays NULL when it is absent. */
static bool read_group(enum group_id group, const struct json *root, size_t size,
                       struct arena *arena, void **out, struct err *err)
{
    const struct json *object = json_get(root, groups[group].name);

    *out = NULL;
    if (!object || object->type == JSON_NULL)
        return true;
    *out = arena_alloc(arena, size);
    return read_rows(group, object, *out, err);
}

static bool read_positions(const struct json *root, struct arena *arena, struct facts *out,
                           struct err *err)
{
    const struct json *list = json_get(root, "positions");
    const struct position **rows;

    if (!list || list->count == 0)
        return true;
    rows = arena_alloc(arena, list->count * sizeof *rows);
    for (const struct json *item = list->child; item; item = item->next) {
        struct position *row = arena_alloc(arena, sizeof *row);

        row_init(&tables[TABLE_POSITION], row);
        if (!read_rows(GROUP_POSITION, item, row, err))
            return false;
        rows[out->position_count++] = row;
    }
    out->positions = rows;
    return true;
}

static bool read_signal(const struct json *root, const struct str *extra, struct arena *arena,
                        struct facts *out, struct err *err)
{
    void *signal;

    if (!read_group(GROUP_SIGNAL, root, sizeof(struct signal), arena, &signal, err))
        return false;
    out->signal = signal;
    if (signal && extra->length > 0)
        ((struct signal *)signal)->extra = arena_copy(arena, extra->data, extra->length);
    return true;
}

static void put_scalar(const struct json *value, struct str *out)
{
    static const char *const words[] = {"null", "false", "true"};

    if (value->type == JSON_NUMBER)
        str_puts(out, value->text);
    else if (value->type == JSON_STRING)
        str_put_json_n(out, value->text, value->length);
    else
        str_puts(out, words[value->type <= JSON_TRUE ? value->type : JSON_NULL]);
}

static void put_extra(const struct json *root, struct str *out)
{
    const struct json *signal = json_get(root, "signal"),
                      *extra = signal ? json_get(signal, "extra") : NULL;

    if (!extra || extra->type != JSON_OBJECT)
        return;
    str_putc(out, '{');
    for (const struct json *child = extra->child; child; child = child->next) {
        str_puts(out, child == extra->child ? "" : ",");
        str_put_json(out, child->key);
        str_putc(out, ':');
        put_scalar(child, out);
    }
    str_putc(out, '}');
}

bool policy_facts_read(const struct json *root, struct arena *arena, struct facts *out,
                       struct err *err)
{
    struct str extra = STR_EMPTY;
    void *instrument, *pyramid, *portfolio, *stat;
    bool ok;

    *out = (struct facts){.signal = NULL};
    put_extra(root, &extra);
    ok = read_rows(GROUP_FACTS, root, out, err) && read_signal(root, &extra, arena, out, err) &&
         read_positions(root, arena, out, err) &&
         read_group(GROUP_INSTRUMENT, root, sizeof(struct instrument), arena, &instrument, err) &&
         read_group(GROUP_PYRAMID, root, sizeof(struct pyramid), arena, &pyramid, err) &&
         read_group(GROUP_PORTFOLIO, root, sizeof(struct portfolio), arena, &portfolio, err) &&
         read_group(GROUP_STATS, root, sizeof(struct stat), arena, &stat, err);
    str_free(&extra);
    if (!ok)
        return false;
    out->instrument = instrument;
    out->pyramid = pyramid;
    out->portfolio = portfolio;
    out->stat = stat;
    return true;
}

bool policy_bar_read(const struct json *root, struct bar *out, struct err *err)
{
    *out = (struct bar){.at_us = 0};
    return read_rows(GROUP_BAR, root, out, err);
}
