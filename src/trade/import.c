/* Why: a person's list of positions is checked whole before a line of it is believed. */
#include "trade/import.h"
#include "trade/exchange.h"
#include "trade/order.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const struct import_rules *rules;
    const struct json *object;
    const char *root;
    struct imported *out;
    struct signal_faults *faults;
};

const char *import_root(const struct json *body)
{
    return body && body->type == JSON_OBJECT ? "positions" : "";
}

void import_fault(struct signal_faults *faults, const char *root, size_t at, const char *field,
                  const char *format, ...)
{
    char path[64], text[192];
    va_list list;
    snprintf(path, sizeof path, "%s[%zu]%s%s", root, at, *field ? "." : "", field);
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    signal_fault_add(faults, path, "%s", text);
}

#define FAULT(r, field, ...) import_fault((r)->faults, (r)->root, (r)->out->at, field, __VA_ARGS__)

/* ---- one field ---- */

static const char *read_text(struct reading *r, const char *field, bool required)
{
    const struct json *value = json_get(r->object, field);
    if (!value || value->type == JSON_NULL) {
        if (required)
            FAULT(r, field, "is missing");
        return NULL;
    }
    if (value->type == JSON_STRING && *value->text)
        return value->text;
    FAULT(r, field, "must be a text");
    return NULL;
}

static struct decimal read_figure(struct reading *r, const char *field, bool required)
{
    const struct json *value = json_get(r->object, field);
    struct decimal out;
    if (!value || value->type == JSON_NULL) {
        if (required)
            FAULT(r, field, "is missing");
        return decimal_bad();
    }
    if (json_decimal(r->object, field, &out) && decimal_sign(out) > 0)
        return out;
    FAULT(r, field, "must be a number above zero%s",
          required ? "" : "; leave it out when there is none");
    return decimal_bad();
}

static void read_names(struct reading *r)
{
    const char *strategy = read_text(r, "strategy", true);
    const char *name = read_text(r, "instrument", true), *why;
    const struct instrument *instrument =
        name ? instrument_find(r->rules->instruments, name) : NULL;
    if (name && !instrument)
        FAULT(r, "instrument", "\"%.40s\" is not configured", name);
    if (!strategy || !instrument)
        return;
    why = r->rules->refuses(r->rules->ctx, strategy, name);
    if (why)
        FAULT(r, "strategy", "\"%.40s\" %s", strategy, why);
    text_copy(r->out->strategy, sizeof r->out->strategy, strategy);
    text_copy(r->out->instrument, sizeof r->out->instrument, name);
}

static void read_layer(struct reading *r)
{
    const char *label = read_text(r, "position", true), *side = read_text(r, "side", true);
    int layer = label ? signal_layer(label) : -1, value = SIDE_LONG;
    if (label && layer < 1)
        FAULT(r, "position", "\"%.20s\" is no layer: Long_1 to Long_6, Short_1 to Short_6", label);
    if (side && !enum_parse(side_names, side, &value)) {
        FAULT(r, "side", "\"%.20s\" is no side: LONG or SHORT", side);
        return;
    }
    if (!side || layer < 1)
        return;
    r->out->side = (enum side)value;
    snprintf(r->out->label, sizeof r->out->label, "%s_%d",
             *label == 'S' || *label == 's' ? "Short" : "Long", layer);
    if ((*r->out->label == 'S') != (value == SIDE_SHORT))
        FAULT(r, "side", "is %s but the position is %s", side_names[value], r->out->label);
}

static void read_figures(struct reading *r)
{
    struct imported *out = r->out;
    const struct instrument *instrument = instrument_find(r->rules->instruments, out->instrument);
    out->quantity = read_figure(r, "quantity", true);
    out->entry_price = read_figure(r, "entry_price", true);
    out->stop = read_figure(r, "stop", false);
    out->initial_stop = read_figure(r, "initial_stop", false);
    out->atr = read_figure(r, "atr", false);
    if (!decimal_ok(out->initial_stop))
        out->initial_stop = out->stop;
    if (instrument && decimal_ok(out->quantity) && decimal_ok(instrument->quantity_step) &&
        decimal_sign(instrument->quantity_step) > 0 &&
        !decimal_eq(decimal_round(out->quantity, instrument->quantity_step, DECIMAL_FLOOR),
                    out->quantity))
        FAULT(r, "quantity", "is no multiple of the instrument's quantity step; it counts lots");
}

static void read_opened(struct reading *r)
{
    struct err err = {0};
    const char *text = read_text(r, "opened_at", true);
    if (!text)
        return;
    if (!calendar_parse(text, NULL, &r->out->opened_us, &err))
        FAULT(r, "opened_at", "%.180s", err.text);
    else if (r->out->opened_us > r->rules->now_us)
        FAULT(r, "opened_at", "lies in the future");
}

static void read_expiry(struct reading *r)
{
    const struct instrument *instrument =
        instrument_find(r->rules->instruments, r->out->instrument);
    bool dated = instrument && *instrument->series;
    const char *text = read_text(r, "expiry", dated);
    int64_t day;
    if (!text || !instrument)
        return;
    if (!dated)
        FAULT(r, "expiry", "the instrument has no dated contracts");
    else if (!date_read(text, &day))
        FAULT(r, "expiry", "must be a date such as 2026-11-26");
    else
        text_copy(r->out->expiry, sizeof r->out->expiry, text);
}

static void refuse_others(struct reading *r)
{
    static const char *const known[] = {"strategy", "instrument",   "position", "side",
                                        "quantity", "entry_price",  "stop",     "atr",
                                        "expiry",   "initial_stop", "opened_at"};
    for (const struct json *child = r->object->child; child; child = child->next) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            found |= strcmp(child->key, known[i]) == 0;
        if (!found)
            FAULT(r, child->key, "is no field of a position");
    }
}

static void put_id(struct imported *out)
{
    struct decimal figures[5] = {out->quantity, out->entry_price, out->initial_stop, out->stop,
                                 out->atr};
    char texts[5][DECIMAL_TEXT_MAX], opened[24];
    for (size_t i = 0; i < 5; i++)
        if (decimal_ok(figures[i]))
            decimal_print(figures[i], texts[i]);
        else
            texts[i][0] = '\0';
    snprintf(opened, sizeof opened, "%lld", (long long)out->opened_us);
    id_derive(out->id, "import", out->strategy, out->instrument, out->label, out->expiry, texts[0],
              texts[1], texts[2], texts[3], texts[4], opened, NULL);
    id_put_time(out->id, out->opened_us);
}

static bool read_one(struct reading *r)
{
    size_t before = r->faults->count;
    if (r->object->type != JSON_OBJECT) {
        FAULT(r, "", "must be an object such as {\"strategy\": \"pyramid\", ...}");
        return false;
    }
    read_names(r);
    read_layer(r);
    read_figures(r);
    read_opened(r);
    read_expiry(r);
    refuse_others(r);
    if (r->faults->count > before || r->faults->more)
        return false;
    put_id(r->out);
    return true;
}

/* ---- the list ---- */

static int compare(const void *a, const void *b)
{
    const struct imported *x = a, *y = b;
    int order = strcmp(x->strategy, y->strategy);
    if (order == 0)
        order = strcmp(x->instrument, y->instrument);
    if (order == 0)
        order = signal_layer(x->label) - signal_layer(y->label);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static bool is_pair(const struct imported *a, const struct imported *b)
{
    return strcmp(a->strategy, b->strategy) == 0 && strcmp(a->instrument, b->instrument) == 0;
}

size_t import_read(const struct json *body, const struct import_rules *rules, struct imported *list,
                   struct signal_faults *faults)
{
    const char *root = import_root(body);
    const struct json *rows = *root ? json_get(body, root) : body;
    size_t count = 0, at = 0;
    faults->count = 0;
    faults->more = false;
    if (!rows || rows->type != JSON_ARRAY || rows->count == 0 || rows->count > IMPORT_MAX) {
        signal_fault_add(faults, root, "must be a list of 1 to %d positions", IMPORT_MAX);
        return 0;
    }
    for (const struct json *row = rows->child; row; row = row->next) {
        struct reading r = {
            .rules = rules, .object = row, .root = root, .out = &list[count], .faults = faults};
        *r.out = (struct imported){.at = at++};
        count += read_one(&r);
    }
    qsort(list, count, sizeof *list, compare);
    for (size_t i = 1; i < count; i++)
        if (is_pair(&list[i - 1], &list[i]) && strcmp(list[i - 1].label, list[i].label) == 0)
            import_fault(faults, root, list[i].at, "position", "the same layer stands at [%zu]",
                         list[i - 1].at);
    return count;
}

/* ---- against the book ---- */

struct layers {
    const struct position *list[16];
    size_t count;
};

static bool has_base(const struct layers *open, const struct imported *list, const bool *stands,
                     size_t index)
{
    for (size_t i = 0; i < open->count; i++)
        if (open->list[i]->is_base_position)
            return true;
    for (size_t i = 0; i < index; i++)
        if (!stands[i] && is_pair(&list[i], &list[index]) && signal_layer(list[i].label) == 1)
            return true;
    return false;
}

void import_check(const struct book *book, const struct imported *list, const bool *stands,
                  size_t count, const char *root, struct signal_faults *faults)
{
    bool all = faults->count == 0; /* else a base may be among what could not be read */
    for (size_t i = 0; i < count; i++) {
        const struct imported *one = &list[i];
        struct layers open;
        bool other = false;
        if (stands[i])
            continue;
        open.count = book_open_positions(book, one->strategy, one->instrument, open.list, 16);
        for (size_t k = 0; k < open.count; k++) {
            other |= open.list[k]->side != one->side;
            if (strcmp(open.list[k]->label, one->label) == 0)
                import_fault(faults, root, one->at, "position",
                             "%s is open already, as position %s with other figures", one->label,
                             open.list[k]->id);
        }
        for (size_t k = 0; k < i; k++)
            other |= !stands[k] && is_pair(&list[k], one) && list[k].side != one->side;
        if (other)
            import_fault(faults, root, one->at, "side",
                         "layers of the other side are open or listed; one strategy holds one side "
                         "of an instrument");
        else if (all && signal_layer(one->label) > 1 && !has_base(&open, list, stands, i))
            import_fault(faults, root, one->at, "position",
                         "%s needs its base, %.*s_1, in the list or the book; or name it so",
                         one->label, (int)(strlen(one->label) - 2), one->label);
    }
}

/* ---- rows ---- */

static void make_order(const struct imported *one, const char *broker, int64_t term, int64_t now_us,
                       struct order *order)
{
    row_init(&tables[TABLE_ORDER], order);
    text_copy(order->id, sizeof order->id, one->id);
    text_copy(order->leg, sizeof order->leg, one->label);
    text_copy(order->strategy, sizeof order->strategy, one->strategy);
    text_copy(order->instrument, sizeof order->instrument, one->instrument);
    text_copy(order->position_id, sizeof order->position_id, one->id);
    text_copy(order->expiry, sizeof order->expiry, one->expiry);
    text_copy(order->broker, sizeof order->broker, broker);
    text_copy(order->reason, sizeof order->reason, "imported; never sent");
    order->side = one->side == SIDE_LONG ? ORDER_BUY : ORDER_SELL;
    order->quantity = one->quantity;
    order->reference_price = one->entry_price;
    order_begin(order, term, now_us);
}

bool import_book(const struct book *book, const struct imported *one, const char *broker,
                 int64_t term, const struct instrument *instrument, int64_t now_us,
                 struct import_rows *out, struct err *err)
{
    struct report report = {.kind = REPORT_FILL,
                            .quantity = one->quantity,
                            .price = one->entry_price,
                            .fee = decimal_int(0),
                            .at_us = one->opened_us};
    struct signal entry;
    make_order(one, broker, term, now_us, &out->before);
    text_copy(report.order_id, sizeof report.order_id, one->id);
    snprintf(report.trade_id, sizeof report.trade_id, "import-%s", one->id);
    row_init(&tables[TABLE_SIGNAL], &entry);
    entry.stop = one->initial_stop;
    entry.atr = one->atr;
    if (!order_apply_report(&out->before, &report, broker, now_us, &out->after, &out->fill, err) ||
        !portfolio_apply_fill(book, &entry, &out->after, &out->fill, instrument, 0, &out->effect,
                              err))
        return false;
    out->effect.positions[0].stop = one->stop;
    return true;
}
