/* Signals of other shapes: where each sender keeps a field, and what a chart's own words mean here.
 *
 * A field is found by the source's mapping, else under its own name, else under the names below,
 * which are those of TradingView's usual templates, OpenAlgo's and the common bots. */
#include "trade/signal_map.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *const signal_field_names[FIELD_COUNT] = {
    "strategy",
    "instrument",
    "type",
    "position",
    "price",
    "stop",
    "atr",
    "quantity",
    "timestamp",
    "side",
    "action",
    "market_position",
    "prev_market_position",
    "market_position_size",
    "prev_market_position_size",
};

/* Earlier names win. `kept`: the chart's claims stay readable as extras, since no column holds
 * them. */
static const struct name {
    const char *text;
    uint8_t length, field, rank;
    bool kept;
} names[] = {
#define NAME(text, field, rank, kept)                                                              \
    {                                                                                              \
        text, sizeof text - 1, field, rank, kept                                                   \
    }
    NAME("strategy", FIELD_STRATEGY, 0, false),
    NAME("instrument", FIELD_INSTRUMENT, 0, false),
    NAME("ticker", FIELD_INSTRUMENT, 1, false),
    NAME("symbol", FIELD_INSTRUMENT, 2, false),
    NAME("type", FIELD_TYPE, 0, false),
    NAME("position", FIELD_POSITION, 0, false),
    NAME("price", FIELD_PRICE, 0, false),
    NAME("stop", FIELD_STOP, 0, false),
    NAME("stop_loss", FIELD_STOP, 1, false),
    NAME("atr", FIELD_ATR, 0, false),
    NAME("quantity", FIELD_QUANTITY, 0, false),
    NAME("lots", FIELD_QUANTITY, 1, false),
    NAME("contracts", FIELD_QUANTITY, 2, false),
    NAME("qty", FIELD_QUANTITY, 3, false),
    NAME("timestamp", FIELD_TIMESTAMP, 0, false),
    NAME("time", FIELD_TIMESTAMP, 1, false),
    NAME("side", FIELD_SIDE, 0, false),
    NAME("action", FIELD_ACTION, 0, true),
    NAME("market_position", FIELD_MARKET_POSITION, 0, true),
    NAME("prev_market_position", FIELD_PREV_MARKET_POSITION, 0, true),
    NAME("market_position_size", FIELD_MARKET_POSITION_SIZE, 0, true),
    NAME("position_size", FIELD_MARKET_POSITION_SIZE, 1, true),
    NAME("prev_market_position_size", FIELD_PREV_MARKET_POSITION_SIZE, 0, true),
#undef NAME
};

/* What senders call a credential: never kept, whether the source names it or not. */
static const char *const secrets[] = {"passphrase", "secret",  "token", "password",
                                      "key",        "api_key", "apikey"};

void signal_fault_add(struct signal_faults *faults, const char *at, const char *format, ...)
{
    va_list args;
    if (faults->count == SIGNAL_FAULT_MAX) {
        faults->more = true;
        return;
    }
    struct signal_fault *fault = &faults->list[faults->count++];
    snprintf(fault->path, sizeof fault->path, "$%s%.58s", *at && *at != '[' ? "." : "", at);
    for (char *c = fault->path; *c; c++) /* a stranger's key, perhaps cut inside a character */
        if (*c < ' ' || *c > '~')
            *c = '?';
    va_start(args, format);
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
}

/* ---- values ---- */

static const char *scalar(const struct json *value)
{
    switch (value->type) {
    case JSON_STRING:
    case JSON_NUMBER:
        return value->text;
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    default:
        return NULL;
    }
}

static bool is_nan_text(const char *text)
{
    text += *text == '-' || *text == '+';
    if (*text != 'n' && *text != 'N' && *text != 'i' && *text != 'I')
        return false;
    return strcasecmp(text, "nan") == 0 || strcasecmp(text, "inf") == 0 ||
           strcasecmp(text, "infinity") == 0;
}

static bool has_placeholder(const char *text)
{
    const char *open = strchr(text, '{');
    return open && strstr(open, "{{");
}

/* What no sender means: a placeholder its chart did not know, a figure it could not compute. */
static void check_text(const char *at, const char *text, struct signal_faults *faults)
{
    if (has_placeholder(text))
        signal_fault_add(faults, at,
                         "still holds a {{placeholder}} that the sender did not fill; correct its "
                         "name in the alert's message");
    else if (is_nan_text(text))
        signal_fault_add(faults, at,
                         "is not a number on the chart (NaN); the alert must not fire before its "
                         "indicators have a value");
}

static const char *take_value(const struct json *body, const char *path,
                              struct signal_faults *faults)
{
    const struct json *value = json_at(body, path);
    if (!value || value->type == JSON_NULL)
        return NULL;
    const char *text = scalar(value);
    if (!text)
        signal_fault_add(faults, path,
                         "is mapped to a field but holds %s; name the value inside it",
                         value->type == JSON_OBJECT ? "an object" : "a list");
    return text;
}

static const char *fill_template(const struct json *body, const char *field, const char *from,
                                 struct arena *arena, struct signal_faults *faults)
{
    struct str out = {.max = 1024};
    bool whole = true;
    for (const char *open; (open = strstr(from, "{{")) != NULL;) {
        const char *close = strstr(open, "}}");
        if (!close)
            break;
        char path[128];
        snprintf(path, sizeof path, "%.*s", (int)(close - open - 2), open + 2);
        const char *text = take_value(body, path, faults);
        if (!text) {
            signal_fault_add(faults, field, "is made from \"%.60s\", which the body lacks", path);
            whole = false;
        }
        str_put(&out, from, (size_t)(open - from));
        str_puts(&out, text ? text : "");
        from = close + 2;
    }
    str_puts(&out, from);
    const char *text = whole ? arena_copy(arena, str_text(&out), out.length) : NULL;
    str_free(&out);
    return text;
}

static const struct signal_mapping *mapping_of(const struct signal_source *source,
                                               const char *field)
{
    for (size_t i = 0; i < source->mapping_count; i++)
        if (strcmp(source->mapping[i].field, field) == 0)
            return &source->mapping[i];
    return NULL;
}

static bool is_root_of(const char *path, const char *key)
{
    size_t length = strlen(key);
    return strncmp(path, key, length) == 0 &&
           (path[length] == '\0' || path[length] == '.' || path[length] == '[');
}

/* A child that a mapping reads is no extra: whole when mapped by path, as a container when a
 * template reaches into it. */
static bool is_mapped(const struct signal_source *source, const struct json *child)
{
    bool container = child->type == JSON_OBJECT || child->type == JSON_ARRAY;
    for (size_t i = 0; i < source->mapping_count; i++) {
        const char *from = source->mapping[i].from;
        if (!from || *from == '=')
            continue;
        if (!strstr(from, "{{") && is_root_of(from, child->key))
            return true;
        for (const char *open = from; container && (open = strstr(open, "{{")) != NULL; open += 2)
            if (strncmp(open + 2, child->key, strlen(child->key)) == 0 &&
                strchr(".[", open[2 + strlen(child->key)]))
                return true;
    }
    for (size_t i = 0; container && i < source->fingerprint_extra_count; i++)
        if (is_root_of(source->fingerprint_extra[i], child->key))
            return true;
    return false;
}

static bool is_secret(const struct signal_source *source, const char *key)
{
    if (source->secret_field && is_root_of(source->secret_field, key))
        return true;
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        if (*key == *secrets[i] && strcmp(key, secrets[i]) == 0)
            return true;
    return false;
}

static const struct name *find_name(const char *key, size_t length)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].length == length && memcmp(names[i].text, key, length) == 0)
            return &names[i];
    return NULL;
}

/* ---- collecting ---- */

struct pick { /* the best name a field was found under so far */
    uint8_t rank;
    const struct json *child;
    unsigned index;
};

static void pick_child(const struct signal_source *source, const struct json *child, unsigned index,
                       struct pick picks[FIELD_COUNT], struct signal_fields *out,
                       struct signal_faults *faults)
{
    const uint64_t bit = index < 64 ? UINT64_C(1) << index : 0;
    if (is_secret(source, child->key)) {
        out->taken |= bit;
        return;
    }
    const char *text = scalar(child);
    if (has_placeholder(child->key))
        signal_fault_add(faults, child->key,
                         "has a {{placeholder}} in its name; names must be plain");
    else if (text)
        check_text(child->key, text, faults);
    const struct name *name = find_name(child->key, child->key_length);
    if (name && child->type != JSON_NULL && !mapping_of(source, signal_field_names[name->field])) {
        struct pick *pick = &picks[name->field];
        if (!pick->child || name->rank < pick->rank)
            *pick = (struct pick){.rank = name->rank, .child = child, .index = index};
    }
    if (source->mapping_count + source->fingerprint_extra_count > 0 && is_mapped(source, child))
        out->taken |= bit;
}

static void use_picks(const struct pick picks[FIELD_COUNT], struct signal_fields *out,
                      struct signal_faults *faults)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct pick *pick = &picks[i];
        if (!pick->child)
            continue;
        out->where[i] = pick->child->key;
        out->text[i] = scalar(pick->child);
        if (!out->text[i])
            signal_fault_add(faults, out->where[i], "must be a single value, not %s",
                             pick->child->type == JSON_OBJECT ? "an object" : "a list");
        if ((i < FIELD_ACTION || !out->text[i]) && pick->index < 64)
            out->taken |= UINT64_C(1) << pick->index;
    }
}

static void use_mapping(const struct json *body, const struct signal_source *source,
                        struct arena *arena, struct signal_fields *out,
                        struct signal_faults *faults)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct signal_mapping *mapping = mapping_of(source, signal_field_names[i]);
        if (!mapping || !mapping->from)
            continue;
        if (*mapping->from == '=') {
            out->text[i] = mapping->from + 1;
        } else if (strstr(mapping->from, "{{")) {
            out->text[i] = fill_template(body, signal_field_names[i], mapping->from, arena, faults);
        } else {
            out->where[i] = mapping->from;
            out->text[i] = take_value(body, mapping->from, faults);
            if (out->text[i] &&
                strpbrk(mapping->from, ".[")) /* the body's own children were looked at */
                check_text(mapping->from, out->text[i], faults);
        }
    }
}

static void use_values(const struct signal_source *source, struct signal_fields *out)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        for (size_t v = 0; out->text[i] && v < source->value_count; v++)
            if (strcmp(source->values[v].field, signal_field_names[i]) == 0 &&
                strcasecmp(source->values[v].from, out->text[i]) == 0) {
                out->text[i] = source->values[v].to;
                break;
            }
}

void signal_map(const struct json *body, const struct signal_source *source, struct arena *arena,
                struct signal_fields *out, struct signal_faults *faults)
{
    struct pick picks[FIELD_COUNT] = {0};
    unsigned index = 0;
    *out = (struct signal_fields){0};
    memcpy(out->where, signal_field_names, sizeof out->where);
    for (const struct json *child = body->child; child; child = child->next, index++)
        pick_child(source, child, index, picks, out, faults);
    use_picks(picks, out, faults);
    if (source->mapping_count)
        use_mapping(body, source, arena, out, faults);
    if (source->value_count)
        use_values(source, out);
}

/* ---- lines of text ---- */

static bool add_part(struct arena *arena, struct json *object, struct json ***tail, const char *key,
                     const char *text)
{
    if (!*key || json_get(object, key))
        return false;
    struct json *node = arena_alloc(arena, sizeof *node);
    *node = (struct json){.type = JSON_STRING,
                          .text = text,
                          .length = (uint32_t)strlen(text),
                          .key = key,
                          .key_length = (uint32_t)strlen(key)};
    **tail = node;
    *tail = &node->next;
    object->count++;
    return true;
}

static char *trim(char *text)
{
    size_t length;
    while (isspace((unsigned char)*text))
        text++;
    for (length = strlen(text); length && isspace((unsigned char)text[length - 1]);)
        text[--length] = '\0';
    return text;
}

struct json *signal_line(struct arena *arena, const char *text, size_t length)
{
    struct json *object = arena_alloc(arena, sizeof *object);
    struct json **tail = &object->child;
    char *line = arena_copy(arena, text, length), *next = line;
    if (!text_is_utf8(text, length))
        return NULL;
    object->type = JSON_OBJECT;
    for (unsigned plain = 0; next;) {
        char *part = next, *comma = strchr(part, ','), *equals;
        next = comma ? comma + 1 : NULL;
        if (comma)
            *comma = '\0';
        if (object->count == SIGNAL_EXTRA_MAX)
            return NULL;
        equals = strchr(part, '=');
        if (equals)
            *equals = '\0';
        const char *key = equals ? trim(part) : arena_printf(arena, "%u", plain++);
        if (!add_part(arena, object, &tail, key, trim(equals ? equals + 1 : part)))
            return NULL;
    }
    return object;
}
