/* From a JSON body to an exact signal. Everything that is wrong is told at once, each fault with
 * its path and its cure, so that a sender mends an alert in one round. */
#include "trade/signal.h"
#include "trade/signal_map.h"
#include <string.h>
#include <strings.h>

#define EXTRA_NAME_MAX 47
#define EXTRA_TEXT_MAX 1000
#define SHOWN_MAX 40

struct reading {
    const struct json *body;
    const struct signal_source *source;
    struct arena *arena;
    struct signal *out;
    struct signal_faults *faults;
    struct signal_fields fields;
};

/* What a stranger sent, cut and made plain, for a sentence. */
static const char *shown(const char *text, char out[SHOWN_MAX + 4])
{
    size_t i = 0;
    for (; text[i] && i < SHOWN_MAX; i++)
        out[i] = text[i] >= ' ' && text[i] < 0x7F ? text[i] : '?';
    memcpy(out + i, text[i] ? "..." : "", text[i] ? 4 : 1);
    return out;
}

static const char *required(struct reading *r, enum signal_field field, const char *cure)
{
    const char *text = r->fields.text[field];
    if (text && *text)
        return text;
    signal_fault_add(r->faults, r->fields.where[field], "is missing; %s", cure);
    return NULL;
}

/* ---- names ---- */

static bool is_name(const char *text)
{
    static const bool allowed[256] = {
        ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true, ['_'] = true,
        ['.'] = true,         [':'] = true,         ['!'] = true,         ['/'] = true,
        ['&'] = true,         ['-'] = true,
    };
    size_t length = 0;
    for (; text[length]; length++)
        if (!allowed[(unsigned char)text[length]])
            return false;
    return length > 0 && length < NAME_SIZE;
}

static void read_name(struct reading *r, const char *text, enum signal_field field, char *out)
{
    char quoted[SHOWN_MAX + 4];
    if (!text)
        return;
    if (!is_name(text))
        signal_fault_add(r->faults, r->fields.where[field],
                         "\"%s\" is no name: 1 to %d of A-Z a-z 0-9 _ . : ! / & -",
                         shown(text, quoted), NAME_SIZE - 1);
    else
        text_copy(out, NAME_SIZE, text);
}

static bool is_delayed(const char *exchange, size_t length)
{
    return (length >= 3 && strncasecmp(exchange + length - 3, "_DL", 3) == 0) ||
           (length >= 4 && strncasecmp(exchange + length - 4, "_DLY", 4) == 0);
}

static void read_names(struct reading *r)
{
    static const char delayed[] =
        "is a delayed feed; entries made on it are late by minutes: use the exchange's "
        "real-time data";
    const char *strategy = r->fields.text[FIELD_STRATEGY];
    const char *colon, *exchange = json_text(r->body, "exchange");
    if (!(strategy && *strategy))
        strategy = r->source->default_strategy;
    if (!strategy)
        required(r, FIELD_STRATEGY, "name the strategy, or set the source's default");
    read_name(r, strategy, FIELD_STRATEGY, r->out->strategy);
    const char *instrument =
        required(r, FIELD_INSTRUMENT, "name what is traded (instrument, ticker or symbol)");
    read_name(r, instrument, FIELD_INSTRUMENT, r->out->instrument);
    if (instrument && (colon = strchr(instrument, ':')) &&
        is_delayed(instrument, (size_t)(colon - instrument)))
        signal_fault_add(r->faults, r->fields.where[FIELD_INSTRUMENT], "%s", delayed);
    if (exchange && is_delayed(exchange, strlen(exchange)))
        signal_fault_add(r->faults, "exchange", "%s", delayed);
}

/* ---- type, side, layer ---- */

static bool read_type(struct reading *r)
{
    char quoted[SHOWN_MAX + 4];
    int type;
    const char *text = r->fields.text[FIELD_TYPE];
    if (!text || !*text)
        return false; /* signal_intent has said why */
    if (enum_parse(signal_type_names, text, &type)) {
        r->out->type = (enum signal_type)type;
        return true;
    }
    if (strcasecmp(text, "EOD_MONITOR") == 0 || strcasecmp(text, "MARKET_DATA") == 0)
        signal_fault_add(
            r->faults, r->fields.where[FIELD_TYPE],
            "%s carries data, not a trade; switch that alert off, prices come from the feed",
            shown(text, quoted));
    else
        signal_fault_add(r->faults, r->fields.where[FIELD_TYPE],
                         "\"%s\" is unknown; BASE_ENTRY, PYRAMID and EXIT are known",
                         shown(text, quoted));
    return false;
}

static void read_side(struct reading *r)
{
    char quoted[SHOWN_MAX + 4];
    int side;
    const char *text = r->fields.text[FIELD_SIDE], *label = r->fields.text[FIELD_POSITION];
    const bool is_short = label && strncasecmp(label, "Short_", 6) == 0;
    const bool is_long = label && strncasecmp(label, "Long_", 5) == 0;
    r->out->side = is_short ? SIDE_SHORT : SIDE_LONG;
    if (!text || !*text)
        return;
    if (!enum_parse(side_names, text, &side)) {
        signal_fault_add(r->faults, r->fields.where[FIELD_SIDE],
                         "\"%s\" is no side: LONG or SHORT (what to do goes into type or action)",
                         shown(text, quoted));
        return;
    }
    r->out->side = (enum side)side;
    if ((is_short && side == SIDE_LONG) || (is_long && side == SIDE_SHORT))
        signal_fault_add(r->faults, r->fields.where[FIELD_SIDE], "is %s but the position is %s",
                         side_names[side], shown(label, quoted));
}

static void write_label(char out[LABEL_SIZE], const char *pattern, int layer)
{
    text_copy(out, LABEL_SIZE, pattern);
    out[strlen(out) - 1] = (char)('0' + layer);
}

static void read_position(struct reading *r, bool typed)
{
    char quoted[SHOWN_MAX + 4];
    const char *where = r->fields.where[FIELD_POSITION];
    const char *text = required(r, FIELD_POSITION,
                                "name the layer: Long_1 for a base entry, Long_2 to Long_6 for "
                                "pyramids, one of them or ALL for an EXIT");
    if (!text)
        return;
    const int layer = signal_layer(text);
    if (layer < 0) {
        signal_fault_add(r->faults, where,
                         "\"%s\" is no layer: Long_1 to Long_6, Short_1 to Short_6, ALL",
                         shown(text, quoted));
        return;
    }
    if (layer == 0)
        text_copy(r->out->position, sizeof r->out->position, "ALL");
    else
        write_label(r->out->position, *text == 'S' || *text == 's' ? "Short_0" : "Long_0", layer);
    if (!typed)
        return;
    if (layer == 0 && r->out->type != SIGNAL_EXIT)
        signal_fault_add(r->faults, where, "ALL goes with EXIT only; an entry opens one layer");
    else if (layer > 1 && r->out->type == SIGNAL_BASE_ENTRY)
        signal_fault_add(r->faults, where,
                         "is %s, but a BASE_ENTRY opens layer 1; further layers are PYRAMID",
                         r->out->position);
    else if (layer == 1 && r->out->type == SIGNAL_PYRAMID)
        signal_fault_add(r->faults, where,
                         "is %s, but a PYRAMID opens layer 2 to 6; layer 1 is the BASE_ENTRY",
                         r->out->position);
}

/* ---- figures ---- */

static struct decimal read_figure(struct reading *r, enum signal_field field)
{
    struct decimal value;
    struct err err;
    const char *text = r->fields.text[field];
    if (!text || !*text)
        return decimal_bad();
    if (decimal_parse(text, strlen(text), &value, &err)) {
        if (decimal_sign(value) >= 0)
            return value;
        signal_fault_add(r->faults, r->fields.where[field], "must not be negative");
    } else if (!strstr(text, "{{") &&
               strcasecmp(text, "NaN") != 0) { /* those two are told already */
        signal_fault_add(r->faults, r->fields.where[field], "%s", err.text);
    }
    return decimal_bad();
}

static bool is_zero(struct decimal value)
{
    return decimal_ok(value) && decimal_is_zero(value);
}

static void read_figures(struct reading *r, bool typed)
{
    struct signal *out = r->out;
    const size_t before = r->faults->count;
    out->price = read_figure(r, FIELD_PRICE);
    out->stop = read_figure(r, FIELD_STOP);
    out->atr = read_figure(r, FIELD_ATR);
    out->quantity = read_figure(r, FIELD_QUANTITY);
    if (is_zero(out->quantity))
        out->quantity = decimal_bad();
    if (!typed)
        return;
    if (out->type == SIGNAL_EXIT) {
        out->price = is_zero(out->price) ? decimal_bad() : out->price;
        out->stop = is_zero(out->stop) ? decimal_bad() : out->stop;
        return;
    }
    if (is_zero(out->price))
        signal_fault_add(r->faults, r->fields.where[FIELD_PRICE], "must be above zero");
    if (is_zero(out->stop))
        signal_fault_add(r->faults, r->fields.where[FIELD_STOP],
                         "must be above zero; leave it out when there is none");
    if (r->faults->count > before)
        return;
    if (!decimal_ok(out->price))
        required(r, FIELD_PRICE, "an entry needs the price it was decided at");
    else if (decimal_ok(out->stop) &&
             decimal_cmp(out->stop, out->price) * (out->side == SIDE_LONG ? 1 : -1) >= 0)
        signal_fault_add(r->faults, r->fields.where[FIELD_STOP],
                         "must be %s the price of a %s entry",
                         out->side == SIDE_LONG ? "below" : "above", side_names[out->side]);
}

static void read_time(struct reading *r)
{
    struct err err;
    const char *text = required(r, FIELD_TIMESTAMP,
                                "a signal without a time has no identity; send the chart's "
                                "timenow, ISO 8601 with zone");
    if (!text || strstr(text, "{{"))
        return;
    if (!calendar_parse(text, r->source->naive_zone, &r->out->at_us, &err))
        signal_fault_add(r->faults, r->fields.where[FIELD_TIMESTAMP], "%s", err.text);
}

/* ---- the rest ---- */

static bool put_extra(struct reading *r, const struct json *child, struct str *out)
{
    struct decimal value;
    struct err err;
    if (child->key_length > EXTRA_NAME_MAX) {
        signal_fault_add(r->faults, child->key, "a field's name may have %d characters",
                         EXTRA_NAME_MAX);
        return false;
    }
    switch (child->type) {
    case JSON_NULL:
        return false;
    case JSON_ARRAY:
    case JSON_OBJECT:
        signal_fault_add(r->faults, child->key,
                         "is nested; further fields must be single values, or be mapped");
        return false;
    case JSON_NUMBER:
        if (!decimal_parse(child->text, child->length, &value, &err)) {
            signal_fault_add(r->faults, child->key, "%s", err.text);
            return false;
        }
        break;
    case JSON_STRING:
        if (child->length > EXTRA_TEXT_MAX) {
            signal_fault_add(r->faults, child->key, "is longer than %d bytes", EXTRA_TEXT_MAX);
            return false;
        }
        break;
    default:
        break;
    }
    str_putc(out, out->length ? ',' : '{');
    str_put_json(out, child->key);
    str_putc(out, ':');
    if (child->type == JSON_STRING)
        str_put_json_n(out, child->text, child->length);
    else if (child->type == JSON_NUMBER)
        str_put(out, child->text, child->length);
    else
        str_puts(out, child->type == JSON_TRUE ? "true" : "false");
    return true;
}

static void read_extra(struct reading *r)
{
    struct str out = STR_EMPTY;
    unsigned index = 0;
    size_t count = 0;
    for (const struct json *child = r->body->child; child; child = child->next, index++) {
        if (index < 64 && (r->fields.taken >> index & 1))
            continue;
        if (count == SIGNAL_EXTRA_MAX) {
            signal_fault_add(r->faults, "", "has more than %d further fields", SIGNAL_EXTRA_MAX);
            break;
        }
        count += put_extra(r, child, &out);
    }
    if (count) {
        str_putc(&out, '}');
        r->out->extra = arena_copy(r->arena, out.data, out.length);
    }
    str_free(&out);
}

/* A price sent as 52000, "52000" or 52000.0 is the same price. */
static const char *canonical(struct arena *arena, const char *text)
{
    struct decimal value;
    char printed[DECIMAL_TEXT_MAX];
    if (!decimal_parse(text, strlen(text), &value, NULL))
        return text;
    return arena_copy(arena, printed, decimal_print(value, printed));
}

static const char *extra_value(struct reading *r, const char *name)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (strcmp(name, signal_field_names[i]) == 0)
            return r->fields.text[i];
    const struct json *value = json_at(r->body, name);
    if (!value || (value->type != JSON_STRING && value->type != JSON_NUMBER))
        return NULL;
    return value->text;
}

static void make_fingerprint(struct reading *r)
{
    const size_t count = r->source->fingerprint_extra_count;
    const char *const *names = r->source->fingerprint_extra;
    const char **values = count ? arena_alloc(r->arena, count * sizeof *values) : NULL;
    for (size_t i = 0; i < count; i++) {
        const char *text = extra_value(r, names[i]);
        if (!text || !*text)
            signal_fault_add(r->faults, names[i],
                             "is missing; this source counts it to the identity of a signal");
        else
            values[i] = canonical(r->arena, text);
    }
    if (r->faults->count == 0)
        signal_fingerprint(r->out, names, values, count);
}

bool signal_read(const struct json *body, const struct signal_source *source, int64_t received_us,
                 struct arena *arena, struct signal *out, struct signal_faults *faults)
{
    struct reading r = {
        .body = body, .source = source, .arena = arena, .out = out, .faults = faults};
    row_init(&tables[TABLE_SIGNAL], out);
    faults->count = 0;
    faults->more = false;
    if (!body || body->type != JSON_OBJECT) {
        signal_fault_add(faults, "",
                         "must be a JSON object such as {\"type\":\"BASE_ENTRY\", ...}");
        return false;
    }
    text_copy(out->source, sizeof out->source, source->name);
    out->received_us = received_us;
    out->version = 1;
    signal_map(body, source, arena, &r.fields, faults);
    if (!(r.fields.text[FIELD_TYPE] && *r.fields.text[FIELD_TYPE]))
        signal_intent(&r.fields, arena, faults);
    read_names(&r);
    const bool typed = read_type(&r);
    read_side(&r);
    read_position(&r, typed);
    read_figures(&r, typed);
    read_time(&r);
    read_extra(&r);
    make_fingerprint(&r);
    return faults->count == 0;
}

void signal_faults_json(const struct signal_faults *faults, struct str *out)
{
    str_puts(out, "{\"status\":\"invalid\",\"errors\":[");
    for (size_t i = 0; i < faults->count; i++) {
        str_puts(out, i ? ",{\"path\":" : "{\"path\":");
        str_put_json(out, faults->list[i].path);
        str_puts(out, ",\"error\":");
        str_put_json(out, faults->list[i].text);
        str_putc(out, '}');
    }
    if (faults->more)
        str_puts(out, ",{\"path\":\"$\",\"error\":\"and more; mend these first\"}");
    str_puts(out, "]}");
}
