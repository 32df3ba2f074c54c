/* Facts for scripts: one description of what a policy may know, poured into frozen records before a call and into
 * the decision's trace after it, so that what is recorded is what was seen. */
#include "policy/inner.h"

#include "trade/signal.h"

#include <string.h>

enum kind { TEXT, DECIMAL, COUNT, TIME /* µs in, whole seconds out, 0: nil */, FLAG, NAMED };

struct row {
    const char *name;
    enum kind kind;
    size_t offset;
    const char *const *names;
};

#define ROWS(list) list, sizeof(list) / sizeof *(list)
#define SIGNAL(field) offsetof(struct signal, field)
#define INSTRUMENT(field) offsetof(struct instrument, field)
#define POSITION(field) offsetof(struct position, field)
#define PYRAMID(field) offsetof(struct pyramid, field)
#define PORTFOLIO(field) offsetof(struct portfolio, field)
#define STAT(field) offsetof(struct stat, field)
#define FACTS(field) offsetof(struct facts, field)
#define BAR(field) offsetof(struct bar, field)
#define FILL(field) offsetof(struct fill, field)

static const struct row signal_rows[] = {
    {"id", TEXT, SIGNAL(id), NULL},
    {"source", TEXT, SIGNAL(source), NULL},
    {"type", NAMED, SIGNAL(type), signal_type_names},
    {"position", TEXT, SIGNAL(position), NULL},
    {"side", NAMED, SIGNAL(side), side_names},
    {"price", DECIMAL, SIGNAL(price), NULL},
    {"stop", DECIMAL, SIGNAL(stop), NULL},
    {"atr", DECIMAL, SIGNAL(atr), NULL},
    {"quantity", DECIMAL, SIGNAL(quantity), NULL},
    {"at", TIME, SIGNAL(at_us), NULL},
    {"received_at", TIME, SIGNAL(received_us), NULL},
};
#define SIGNAL_ROWS (sizeof signal_rows / sizeof *signal_rows)
enum { SIGNAL_LAYER = SIGNAL_ROWS, SIGNAL_AGE, SIGNAL_EXTRA, SIGNAL_COUNT };

static const struct row instrument_rows[] = {
    {"name", TEXT, INSTRUMENT(name), NULL},
    {"exchange", TEXT, INSTRUMENT(exchange), NULL},
    {"lot_size", DECIMAL, INSTRUMENT(lot_size), NULL},
    {"tick", DECIMAL, INSTRUMENT(tick), NULL},
    {"quantity_step", DECIMAL, INSTRUMENT(quantity_step), NULL},
    {"point_value", DECIMAL, INSTRUMENT(point_value), NULL},
    {"margin", DECIMAL, INSTRUMENT(margin), NULL},
    {"min_quantity", DECIMAL, INSTRUMENT(min_quantity), NULL},
    {"max_quantity", DECIMAL, INSTRUMENT(max_quantity), NULL},
};
static const struct row position_rows[] = {
    {"label", TEXT, POSITION(label), NULL},
    {"side", NAMED, POSITION(side), side_names},
    {"is_base", FLAG, POSITION(is_base_position), NULL},
    {"quantity", DECIMAL, POSITION(quantity), NULL},
    {"entry_price", DECIMAL, POSITION(entry_price), NULL},
    {"initial_stop", DECIMAL, POSITION(initial_stop), NULL},
    {"stop", DECIMAL, POSITION(stop), NULL},
    {"atr", DECIMAL, POSITION(atr), NULL},
    {"opened_at", TIME, POSITION(opened_us), NULL},
};
static const struct row pyramid_rows[] = {
    {"layers", COUNT, PYRAMID(layers), NULL},
    {"pyramids", COUNT, PYRAMID(pyramids), NULL},
    {"quantity", DECIMAL, PYRAMID(quantity), NULL},
    {"last_entry_price", DECIMAL, PYRAMID(last_entry_price), NULL},
    {"base_entry_price", DECIMAL, PYRAMID(base_entry_price), NULL},
    {"base_stop", DECIMAL, PYRAMID(base_stop), NULL},
    {"base_quantity", DECIMAL, PYRAMID(base_quantity), NULL},
};
static const struct row portfolio_rows[] = {
    {"equity", DECIMAL, PORTFOLIO(equity), NULL},
    {"unrealised", DECIMAL, PORTFOLIO(unrealised), NULL},
    {"blended_equity", DECIMAL, PORTFOLIO(blended_equity), NULL},
    {"open_risk", DECIMAL, PORTFOLIO(open_risk), NULL},
    {"open_risk_percent", DECIMAL, PORTFOLIO(open_risk_percent), NULL},
    {"margin_used", DECIMAL, PORTFOLIO(margin_used), NULL},
    {"margin_free", DECIMAL, PORTFOLIO(margin_free), NULL},
    {"exposure", DECIMAL, PORTFOLIO(exposure), NULL},
    {"day_loss", DECIMAL, PORTFOLIO(day_loss), NULL},
    {"drawdown_percent", DECIMAL, PORTFOLIO(drawdown_percent), NULL},
    {"open_positions", COUNT, PORTFOLIO(open_positions), NULL},
};
static const struct row stat_rows[] = {
    {"signals", COUNT, STAT(signals), NULL},     {"accepted", COUNT, STAT(accepted), NULL},
    {"rejected", COUNT, STAT(rejected), NULL},   {"orders", COUNT, STAT(orders), NULL},
    {"fills", COUNT, STAT(fills), NULL},         {"wins", COUNT, STAT(wins), NULL},
    {"losses", COUNT, STAT(losses), NULL},       {"realised", DECIMAL, STAT(realised), NULL},
    {"fees", DECIMAL, STAT(fees), NULL},         {"volume", DECIMAL, STAT(volume), NULL},
};
static const struct row bar_rows[] = {
    {"at", TIME, BAR(at_us), NULL},      {"open", DECIMAL, BAR(open), NULL},
    {"high", DECIMAL, BAR(high), NULL},  {"low", DECIMAL, BAR(low), NULL},
    {"close", DECIMAL, BAR(close), NULL}, {"volume", DECIMAL, BAR(volume), NULL},
};
static const struct row fill_rows[] = {
    {"id", TEXT, FILL(id), NULL},           {"order_id", TEXT, FILL(order_id), NULL},
    {"side", NAMED, FILL(side), order_side_names},      {"quantity", DECIMAL, FILL(quantity), NULL},
    {"price", DECIMAL, FILL(price), NULL},  {"fee", DECIMAL, FILL(fee), NULL},
    {"at", TIME, FILL(at_us), NULL},
};
static const struct row facts_rows[] = { /* and behind them the records */
    {"last_price", DECIMAL, FACTS(last_price), NULL},
    {"last_price_at", TIME, FACTS(last_price_us), NULL},
    {"instrument_unrealised", DECIMAL, FACTS(instrument_unrealised), NULL},
    {"halt", NAMED, FACTS(halt), halt_level_names},
    {"now", TIME, FACTS(now_us), NULL},
    {"unresolved_order", FLAG, FACTS(unresolved_order), NULL},
};
#define FACTS_ROWS (sizeof facts_rows / sizeof *facts_rows)
enum { FACT_SIGNAL = FACTS_ROWS, FACT_INSTRUMENT, FACT_POSITIONS, FACT_PYRAMID, FACT_PORTFOLIO, FACT_STATS, FACT_COUNT };

static void describe_rows(const struct row *rows, size_t count, struct sandbox_field_row *out)
{
    static const enum sandbox_kind kinds[] = {
        SANDBOX_KIND_TEXT,    SANDBOX_KIND_DECIMAL, SANDBOX_KIND_INTEGER,
        SANDBOX_KIND_INTEGER, SANDBOX_KIND_BOOLEAN, SANDBOX_KIND_TEXT};

    for (size_t i = 0; i < count; i++)
        out[i] = (struct sandbox_field_row){.name = rows[i].name, .kind = kinds[rows[i].kind]};
}

static struct sandbox_shape shape_of(const char *name, const struct row *rows, size_t count,
                                     struct sandbox_field_row *out)
{
    describe_rows(rows, count, out);
    return (struct sandbox_shape){.name = name, .rows = out, .count = (uint32_t)count};
}

static void fill(struct sandbox_record *record, const struct row *rows, size_t count, const void *from)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *field = (const char *)from + rows[i].offset;
        int64_t number;

        switch (rows[i].kind) {
        case TEXT:
            sandbox_set_text(record, i, field, strlen(field));
            break;
        case DECIMAL:
            if (decimal_ok(*(const struct decimal *)field))
                sandbox_set_decimal(record, i, ((const struct decimal *)field)->units);
            else
                sandbox_set_nil(record, i);
            break;
        case COUNT:
            sandbox_set_integer(record, i, *(const int64_t *)field);
            break;
        case TIME:
            number = *(const int64_t *)field;
            if (number != 0)
                sandbox_set_integer(record, i, number / 1000000);
            else
                sandbox_set_nil(record, i);
            break;
        case FLAG:
            sandbox_set_boolean(record, i, *(const bool *)field);
            break;
        case NAMED: {
            const char *name = rows[i].names[*(const int *)field];

            sandbox_set_text(record, i, name, strlen(name));
            break;
        }
        }
    }
}

static void describe_signal(struct version *version, struct sandbox_field_row *rows,
                            struct sandbox_field_row *extras, struct sandbox_shape *extra)
{
    static const enum sandbox_kind kinds[] = {SANDBOX_KIND_DECIMAL, SANDBOX_KIND_TEXT,
                                              SANDBOX_KIND_BOOLEAN};

    for (size_t i = 0; i < version->extra_count; i++)
        extras[i] = (struct sandbox_field_row){.name = version->extras[i].name,
                                               .kind = kinds[version->extras[i].type]};
    *extra = (struct sandbox_shape){.name = "signal.extra", .rows = extras,
                                    .count = (uint32_t)version->extra_count};
    describe_rows(signal_rows, SIGNAL_ROWS, rows);
    rows[SIGNAL_LAYER] = (struct sandbox_field_row){.name = "layer", .kind = SANDBOX_KIND_INTEGER};
    rows[SIGNAL_AGE] = (struct sandbox_field_row){.name = "age", .kind = SANDBOX_KIND_INTEGER};
    rows[SIGNAL_EXTRA] = (struct sandbox_field_row){.name = "extra", .kind = SANDBOX_KIND_RECORD, .shape = extra};
}

void views_open(struct version *version)
{
    struct sandbox_field_row rows[8][24], extras[EXTRA_MAX], facts_fields[24];
    struct sandbox_shape extra, signal = {.name = "signal", .rows = rows[0], .count = SIGNAL_COUNT};
    struct sandbox_shape instrument = shape_of("instrument", ROWS(instrument_rows), rows[1]);
    struct sandbox_shape position = shape_of("position", ROWS(position_rows), rows[2]);
    struct sandbox_shape pyramid = shape_of("pyramid", ROWS(pyramid_rows), rows[3]);
    struct sandbox_shape portfolio = shape_of("portfolio", ROWS(portfolio_rows), rows[4]);
    struct sandbox_shape stat = shape_of("stats", ROWS(stat_rows), rows[5]);
    struct sandbox_shape bar = shape_of("bar", ROWS(bar_rows), rows[6]);
    struct sandbox_shape fill_shape = shape_of("fill", ROWS(fill_rows), rows[7]);
    struct sandbox_shape facts = {.name = "facts", .rows = facts_fields,
                                  .count = FACT_COUNT};
    const struct sandbox_shape *children[] = {&signal, &instrument, &position, &pyramid, &portfolio, &stat};
    static const char *const names[] = {"signal", "instrument", "positions", "pyramid", "portfolio", "stats"};
    struct views *views = &version->views;

    memset(rows[0], 0, sizeof rows[0]);
    describe_signal(version, rows[0], extras, &extra);
    for (size_t i = FACT_SIGNAL; i < FACT_COUNT; i++)
        facts_fields[i] = (struct sandbox_field_row){.name = names[i - FACT_SIGNAL], .kind = SANDBOX_KIND_RECORD, .shape = children[i - FACT_SIGNAL]};
    facts_fields[FACT_POSITIONS].kind = SANDBOX_KIND_LIST;
    facts_fields[FACT_POSITIONS].of = SANDBOX_KIND_RECORD;
    facts_fields[FACT_POSITIONS].most = LAYER_MAX;
    describe_rows(ROWS(facts_rows), facts_fields);
    views->facts = sandbox_record_new(version->box, &facts);
    views->signal = sandbox_child(views->facts, FACT_SIGNAL);
    views->extra = sandbox_child(views->signal, SIGNAL_EXTRA);
    views->instrument = sandbox_child(views->facts, FACT_INSTRUMENT);
    views->positions = sandbox_child(views->facts, FACT_POSITIONS);
    views->pyramid = sandbox_child(views->facts, FACT_PYRAMID);
    views->portfolio = sandbox_child(views->facts, FACT_PORTFOLIO);
    views->stats = sandbox_child(views->facts, FACT_STATS);
    views->bar = sandbox_record_new(version->box, &bar);
    views->fill = sandbox_record_new(version->box, &fill_shape);
}

/* Further fields of a signal come as JSON; of those that the strategy declared, what has another type than declared reads as nil. */
static void fill_extras(struct version *version, const char *text)
{
    struct json *all = NULL;

    if (text)
        all = json_parse(&version->scratch, text, strlen(text), NULL, NULL);
    for (uint32_t i = 0; i < version->extra_count; i++) {
        const struct extra *extra = &version->extras[i];
        const struct json *value = all ? json_get(all, extra->name) : NULL;
        struct decimal number;

        sandbox_set_nil(version->views.extra, i);
        if (!value)
            continue;
        if (extra->type == EXTRA_DECIMAL && json_decimal(all, extra->name, &number))
            sandbox_set_decimal(version->views.extra, i, number.units);
        else if (extra->type == EXTRA_TEXT && value->type == JSON_STRING)
            sandbox_set_text(version->views.extra, i, value->text, value->length);
        else if (extra->type == EXTRA_BOOLEAN && (value->type == JSON_TRUE || value->type == JSON_FALSE))
            sandbox_set_boolean(version->views.extra, i, value->type == JSON_TRUE);
    }
}

static void fill_signal(struct version *version, const struct facts *facts)
{
    struct sandbox_record *record = version->views.signal;

    if (!facts->signal) {
        sandbox_set_nil(version->views.facts, FACT_SIGNAL);
        return;
    }
    sandbox_set_shown(version->views.facts, FACT_SIGNAL);
    fill(record, ROWS(signal_rows), facts->signal);
    sandbox_set_integer(record, SIGNAL_LAYER, signal_layer(facts->signal->position));
    if (facts->signal->at_us != 0)
        sandbox_set_integer(record, SIGNAL_AGE, (facts->now_us - facts->signal->at_us) / 1000000);
    else
        sandbox_set_nil(record, SIGNAL_AGE);
    if (version->extra_count > 0)
        fill_extras(version, facts->signal->extra);
}

static void fill_child(struct sandbox_record *facts, uint32_t field, struct sandbox_record *child,
                       const struct row *rows, size_t count, const void *from)
{
    if (!from) {
        sandbox_set_nil(facts, field);
        return;
    }
    sandbox_set_shown(facts, field);
    fill(child, rows, count, from);
}

void views_fill(struct version *version, const struct facts *facts)
{
    struct views *views = &version->views;
    uint32_t count = facts->position_count < LAYER_MAX ? (uint32_t)facts->position_count : LAYER_MAX;

    fill_signal(version, facts);
    if (!facts->instrument || memcmp(&views->shown, facts->instrument, sizeof views->shown) != 0) {
        fill_child(views->facts, FACT_INSTRUMENT, views->instrument, ROWS(instrument_rows), facts->instrument);
        if (facts->instrument)
            views->shown = *facts->instrument;
        else
            memset(&views->shown, 0, sizeof views->shown);
    }
    sandbox_set_count(views->positions, count);
    for (uint32_t i = 0; i < count; i++)
        fill(sandbox_child(views->positions, i), ROWS(position_rows), facts->positions[i]);
    fill_child(views->facts, FACT_PYRAMID, views->pyramid, ROWS(pyramid_rows), facts->pyramid);
    fill_child(views->facts, FACT_PORTFOLIO, views->portfolio, ROWS(portfolio_rows), facts->portfolio);
    fill_child(views->facts, FACT_STATS, views->stats, ROWS(stat_rows), facts->stat);
    fill(views->facts, ROWS(facts_rows), facts);
}

void views_fill_bar(struct version *version, const struct bar *bar)
{
    version->bar = *bar;
    fill(version->views.bar, ROWS(bar_rows), bar);
}

void views_fill_fill(struct version *version, const struct fill *from)
{
    fill(version->views.fill, ROWS(fill_rows), from);
}

/* ---- the same as JSON ---- */

static void put_row(const struct row *row, const char *field, struct str *json)
{
    switch (row->kind) {
    case TEXT:
        str_put_json(json, field);
        break;
    case DECIMAL:
        if (!decimal_ok(*(const struct decimal *)field)) {
            str_puts(json, "null");
            break;
        }
        str_putc(json, '"');
        str_put_decimal(json, *(const struct decimal *)field);
        str_putc(json, '"');
        break;
    case COUNT:
        str_put_int(json, *(const int64_t *)field);
        break;
    case TIME:
        str_put_int(json, *(const int64_t *)field / 1000000);
        break;
    case FLAG:
        str_puts(json, *(const bool *)field ? "true" : "false");
        break;
    case NAMED:
        str_put_json(json, row->names[*(const int *)field]);
        break;
    }
}

static void put_rows(const struct row *rows, size_t count, const void *from, struct str *json)
{
    for (size_t i = 0; i < count; i++) {
        str_putc(json, i ? ',' : '{');
        str_putc(json, '"');
        str_puts(json, rows[i].name);
        str_puts(json, "\":");
        put_row(&rows[i], (const char *)from + rows[i].offset, json);
    }
}

static void put_group(const char *name, const struct row *rows, size_t count, const void *from,
                      struct str *json)
{
    str_putc(json, '"');
    str_puts(json, name);
    str_puts(json, "\":");
    if (!from) {
        str_puts(json, "null,");
        return;
    }
    put_rows(rows, count, from, json);
    str_puts(json, "},");
}

void facts_json(const struct facts *facts, struct str *json)
{
    str_puts(json, "{\"signal\":");
    if (facts->signal) {
        put_rows(ROWS(signal_rows), facts->signal, json);
        str_puts(json, ",\"extra\":");
        str_puts(json, facts->signal->extra ? facts->signal->extra : "{}");
        str_puts(json, "},");
    } else {
        str_puts(json, "null,");
    }
    put_group("instrument", ROWS(instrument_rows), facts->instrument, json);
    str_puts(json, "\"positions\":[");
    for (size_t i = 0; i < facts->position_count && i < LAYER_MAX; i++) {
        if (i > 0)
            str_putc(json, ',');
        put_rows(ROWS(position_rows), facts->positions[i], json);
        str_putc(json, '}');
    }
    str_puts(json, "],");
    put_group("pyramid", ROWS(pyramid_rows), facts->pyramid, json);
    put_group("portfolio", ROWS(portfolio_rows), facts->portfolio, json);
    put_group("stats", ROWS(stat_rows), facts->stat, json);
    for (size_t i = 0; i < FACTS_ROWS; i++) {
        if (i > 0)
            str_putc(json, ',');
        str_putc(json, '"');
        str_puts(json, facts_rows[i].name);
        str_puts(json, "\":");
        put_row(&facts_rows[i], (const char *)facts + facts_rows[i].offset, json);
    }
    str_putc(json, '}');
}
