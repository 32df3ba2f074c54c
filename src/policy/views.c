/* Facts for scripts: poured into frozen records before each call. */
#include "policy/inner.h"

#include "policy/rows.h"
#include "script/record.h"
#include "trade/signal.h"

#include <assert.h>
#include <string.h>

/* Behind the rows of the signal and of the facts come fields that are computed, or records. */
enum { SIGNAL_LAYER, SIGNAL_AGE, SIGNAL_EXTRA, SIGNAL_MORE };
enum {
    FACT_SIGNAL,
    FACT_INSTRUMENT,
    FACT_POSITIONS,
    FACT_PYRAMID,
    FACT_PORTFOLIO,
    FACT_STATS,
    FACT_MORE
};

static uint32_t after(enum group_id group, int more)
{
    return (uint32_t)groups[group].count + (uint32_t)more;
}

static const char *name_after(enum group_id group, int more)
{
    assert((size_t)more < groups[group].more_count);
    return groups[group].more[more].name;
}

static struct sandbox_shape describe(enum group_id group, struct sandbox_field_row *out)
{
    static const enum sandbox_kind kinds[] = {
        [ROW_TEXT] = SANDBOX_KIND_TEXT,     [ROW_DECIMAL] = SANDBOX_KIND_DECIMAL,
        [ROW_COUNT] = SANDBOX_KIND_INTEGER, [ROW_TIME] = SANDBOX_KIND_INTEGER,
        [ROW_FLAG] = SANDBOX_KIND_BOOLEAN,  [ROW_NAMED] = SANDBOX_KIND_TEXT};
    const struct group *rows = &groups[group];

    for (size_t i = 0; i < rows->count; i++)
        out[i] = (struct sandbox_field_row){.name = rows->rows[i].name,
                                            .kind = kinds[rows->rows[i].kind]};
    return (struct sandbox_shape){.name = rows->name, .rows = out, .count = (uint32_t)rows->count};
}

static void describe_signal(const struct version *version, struct sandbox_field_row *rows,
                            struct sandbox_field_row *extras, struct sandbox_shape *extra)
{
    static const enum sandbox_kind kinds[] = {SANDBOX_KIND_DECIMAL, SANDBOX_KIND_TEXT,
                                              SANDBOX_KIND_BOOLEAN};

    for (size_t i = 0; i < version->extra_count; i++)
        extras[i] = (struct sandbox_field_row){.name = version->extras[i].name,
                                               .kind = kinds[version->extras[i].type]};
    *extra = (struct sandbox_shape){
        .name = "signal.extra", .rows = extras, .count = (uint32_t)version->extra_count};
    rows[after(GROUP_SIGNAL, SIGNAL_LAYER)] = (struct sandbox_field_row){
        .name = name_after(GROUP_SIGNAL, SIGNAL_LAYER), .kind = SANDBOX_KIND_INTEGER};
    rows[after(GROUP_SIGNAL, SIGNAL_AGE)] = (struct sandbox_field_row){
        .name = name_after(GROUP_SIGNAL, SIGNAL_AGE), .kind = SANDBOX_KIND_INTEGER};
    rows[after(GROUP_SIGNAL, SIGNAL_EXTRA)] =
        (struct sandbox_field_row){.name = name_after(GROUP_SIGNAL, SIGNAL_EXTRA),
                                   .kind = SANDBOX_KIND_RECORD,
                                   .shape = extra};
}

#define FIELDS_MAX 24

static struct sandbox_record *open_facts(const struct version *version)
{
    struct sandbox_field_row rows[GROUP_STATS + 1][FIELDS_MAX], extras[EXTRA_MAX + 1];
    struct sandbox_shape shapes[GROUP_STATS + 1], extra;

    assert(groups[GROUP_SIGNAL].more_count == SIGNAL_MORE);
    assert(groups[GROUP_FACTS].more_count == FACT_MORE);
    memset(extras, 0, sizeof extras);
    for (int i = GROUP_FACTS; i <= GROUP_STATS; i++)
        shapes[i] = describe((enum group_id)i, rows[i]);
    describe_signal(version, rows[GROUP_SIGNAL], extras, &extra);
    shapes[GROUP_SIGNAL].count += SIGNAL_MORE;
    shapes[GROUP_FACTS].count += FACT_MORE;
    for (int i = 0; i < FACT_MORE; i++)
        rows[GROUP_FACTS][after(GROUP_FACTS, i)] =
            (struct sandbox_field_row){.name = name_after(GROUP_FACTS, i),
                                       .kind = SANDBOX_KIND_RECORD,
                                       .shape = &shapes[GROUP_SIGNAL + i]};
    rows[GROUP_FACTS][after(GROUP_FACTS, FACT_POSITIONS)].kind = SANDBOX_KIND_LIST;
    rows[GROUP_FACTS][after(GROUP_FACTS, FACT_POSITIONS)].of = SANDBOX_KIND_RECORD;
    rows[GROUP_FACTS][after(GROUP_FACTS, FACT_POSITIONS)].most = LAYER_MAX;
    return sandbox_record_new(version->box, &shapes[GROUP_FACTS]);
}

void views_open(struct version *version)
{
    struct sandbox_field_row rows[FIELDS_MAX];
    struct sandbox_shape shape;
    struct views *views = &version->views;

    views->facts = open_facts(version);
    /* Records begin shown, with nothing in them that any row could equal. */
    memset(&views->shown_instrument, 0xff, sizeof views->shown_instrument);
    memset(views->shown_layers, 0xff, sizeof views->shown_layers);
    memset(&views->shown_pyramid, 0xff, sizeof views->shown_pyramid);
    memset(&views->shown_portfolio, 0xff, sizeof views->shown_portfolio);
    memset(&views->shown_stat, 0xff, sizeof views->shown_stat);
    for (int i = 0; i < FACT_MORE; i++)
        views->has[i] = true;
    bind_push_record(bind_state(version->box), views->facts);
    views->facts_object = lua_touserdata(bind_state(version->box), -1);
    lua_pop(bind_state(version->box), 1);
    views->signal = sandbox_child(views->facts, after(GROUP_FACTS, FACT_SIGNAL));
    views->extra = sandbox_child(views->signal, after(GROUP_SIGNAL, SIGNAL_EXTRA));
    views->instrument = sandbox_child(views->facts, after(GROUP_FACTS, FACT_INSTRUMENT));
    views->positions = sandbox_child(views->facts, after(GROUP_FACTS, FACT_POSITIONS));
    views->pyramid = sandbox_child(views->facts, after(GROUP_FACTS, FACT_PYRAMID));
    views->portfolio = sandbox_child(views->facts, after(GROUP_FACTS, FACT_PORTFOLIO));
    views->stats = sandbox_child(views->facts, after(GROUP_FACTS, FACT_STATS));
    shape = describe(GROUP_BAR, rows);
    views->bar = sandbox_record_new(version->box, &shape);
    shape = describe(GROUP_FILL, rows);
    views->fill = sandbox_record_new(version->box, &shape);
    shape = describe(GROUP_DIFFERENCE, rows);
    views->difference = sandbox_record_new(version->box, &shape);
    shape = describe(GROUP_DUE, rows);
    views->due = sandbox_record_new(version->box, &shape);
}

static void fill(struct sandbox_record *record, enum group_id group, const void *from)
{
    const struct row *rows = groups[group].rows;
    uint32_t count = (uint32_t)groups[group].count;

    for (uint32_t i = 0; i < count; i++) {
        const char *field = (const char *)from + rows[i].offset;
        const char *text = field;

        switch (rows[i].kind) {
        case ROW_NAMED:
            text = rows[i].names[*(const int *)field];
            __attribute__((fallthrough));
        case ROW_TEXT:
            sandbox_set_text(record, i, text, strlen(text));
            break;
        case ROW_DECIMAL:
            if (decimal_ok(*(const struct decimal *)field))
                record_set_decimal(record, i, ((const struct decimal *)field)->units);
            else
                sandbox_set_nil(record, i);
            break;
        case ROW_COUNT:
            record_set_integer(record, i, *(const int64_t *)field);
            break;
        case ROW_TIME:
            if (*(const int64_t *)field != 0)
                record_set_integer(record, i, *(const int64_t *)field / 1000000);
            else
                sandbox_set_nil(record, i);
            break;
        case ROW_FLAG:
            sandbox_set_boolean(record, i, *(const bool *)field);
            break;
        }
    }
}

/* Further fields of a signal come as JSON; of those that the strategy declared, what has another
 * type than declared reads as nil. */
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
        else if (extra->type == EXTRA_BOOLEAN &&
                 (value->type == JSON_TRUE || value->type == JSON_FALSE))
            sandbox_set_boolean(version->views.extra, i, value->type == JSON_TRUE);
    }
}

static void fill_signal(struct version *version, const struct facts *facts)
{
    struct sandbox_record *record = version->views.signal;

    if (version->views.has[FACT_SIGNAL] != (facts->signal != NULL)) {
        version->views.has[FACT_SIGNAL] = facts->signal != NULL;
        if (facts->signal)
            sandbox_set_shown(version->views.facts, after(GROUP_FACTS, FACT_SIGNAL));
        else
            sandbox_set_nil(version->views.facts, after(GROUP_FACTS, FACT_SIGNAL));
    }
    if (!facts->signal)
        return;
    fill(record, GROUP_SIGNAL, facts->signal);
    version->layer = signal_layer(facts->signal->position);
    sandbox_set_integer(record, after(GROUP_SIGNAL, SIGNAL_LAYER), version->layer);
    if (facts->signal->at_us != 0)
        sandbox_set_integer(record, after(GROUP_SIGNAL, SIGNAL_AGE),
                            (facts->now_us - facts->signal->at_us) / 1000000);
    else
        sandbox_set_nil(record, after(GROUP_SIGNAL, SIGNAL_AGE));
    if (version->extra_count > 0)
        fill_extras(version, facts->signal->extra);
}

/* Fills a record unless it shows the very same already; NULL hides it. */
static void fill_child(struct views *views, int place, struct sandbox_record *child,
                       enum group_id group, const void *from, void *shown, size_t size)
{
    if (!from) {
        if (views->has[place])
            sandbox_set_nil(views->facts, after(GROUP_FACTS, place));
        views->has[place] = false;
        return;
    }
    if (!views->has[place])
        sandbox_set_shown(views->facts, after(GROUP_FACTS, place));
    else if (memcmp(shown, from, size) == 0)
        return;
    views->has[place] = true;
    memcpy(shown, from, size);
    fill(child, group, from);
}

/* The part of a position that policies see, by its first and last field there. */
static bool same_layer(const struct position *a, const struct position *b)
{
    size_t from = offsetof(struct position, label), to = offsetof(struct position, realised);

    return a->opened_us == b->opened_us &&
           memcmp((const char *)a + from, (const char *)b + from, to - from) == 0;
}

static void fill_layers(struct views *views, const struct facts *facts)
{
    uint32_t count =
        facts->position_count < LAYER_MAX ? (uint32_t)facts->position_count : LAYER_MAX;

    sandbox_set_count(views->positions, count);
    for (uint32_t i = 0; i < count; i++) {
        if (same_layer(&views->shown_layers[i], facts->positions[i]))
            continue;
        views->shown_layers[i] = *facts->positions[i];
        fill(sandbox_child(views->positions, i), GROUP_POSITION, facts->positions[i]);
    }
}

#define FILL_CHILD(place, child, group, from, shown)                                               \
    fill_child(views, place, child, group, from, &(shown), sizeof(shown))

/* What comes from rows that seldom change. */
static void fill_read(struct views *views, const struct facts *facts)
{
    views->shown_reading = facts->reading;
    FILL_CHILD(FACT_INSTRUMENT, views->instrument, GROUP_INSTRUMENT, facts->instrument,
               views->shown_instrument);
    fill_layers(views, facts);
    FILL_CHILD(FACT_PYRAMID, views->pyramid, GROUP_PYRAMID, facts->pyramid, views->shown_pyramid);
    FILL_CHILD(FACT_STATS, views->stats, GROUP_STATS, facts->stat, views->shown_stat);
}

void views_fill(struct version *version, const struct facts *facts)
{
    struct views *views = &version->views;

    version->facts = facts;
    fill_signal(version, facts);
    if (facts->reading == 0 || facts->reading != views->shown_reading)
        fill_read(views, facts);
    FILL_CHILD(FACT_PORTFOLIO, views->portfolio, GROUP_PORTFOLIO, facts->portfolio,
               views->shown_portfolio);
    fill(views->facts, GROUP_FACTS, facts);
}

void views_fill_bar(struct version *version, const struct bar *bar)
{
    version->bar = *bar;
    fill(version->views.bar, GROUP_BAR, bar);
}

void views_fill_fill(struct version *version, const struct fill *from)
{
    fill(version->views.fill, GROUP_FILL, from);
}

void views_fill_difference(struct version *version, const struct difference *difference)
{
    fill(version->views.difference, GROUP_DIFFERENCE, difference);
}

void views_fill_due(struct version *version, const struct due *due)
{
    fill(version->views.due, GROUP_DUE, due);
}
