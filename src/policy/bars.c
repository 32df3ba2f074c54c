/* Bars and fills into a strategy: what it keeps per instrument, and the signals it makes of its
 * own.
 *
 * `start(f)` is asked once for each instrument and returns what on_bar and on_fill get as their
 * last argument, so that indicators of one instrument never meet the bars of another. */
#include "policy/apart.h"

#include "policy/rows.h"
#include "trade/signal.h"

#include <stdio.h>
#include <string.h>

enum {
    SIGNALS_MAX = sizeof((struct bar_signals *)0)->list / sizeof(struct bar_signal),
    STOPS_MAX = sizeof((struct bar_signals *)0)->stops / sizeof(struct bar_stop)
};

/* The entry of the instrument, made by `start` at first; NULL and *err when that failed or there
 * are too many. */
static struct started *find_started(struct version *version, const char *instrument,
                                    struct err *err)
{
    struct started *entry = &version->started[version->started_last];

    if (version->started_last < version->started_count && text_equal(entry->instrument, instrument))
        return entry;
    for (size_t i = 0; i < version->started_count; i++)
        if (text_equal(version->started[i].instrument, instrument)) {
            version->started_last = i;
            return &version->started[i];
        }
    if (version->started_count == STARTED_MAX) {
        err_set(err, ERR_REFUSED, ERR_FULL, "a strategy follows at most %d instruments",
                STARTED_MAX);
        return NULL;
    }
    entry = &version->started[version->started_count];
    *entry = (struct started){.ref = 0};
    text_copy(entry->instrument, sizeof entry->instrument, instrument);
    if (version->hooks[HOOK_START]) {
        sandbox_start(version->box, version->hooks[HOOK_START]);
        sandbox_push_record(version->box, version->views.facts);
        if (!sandbox_run(version->box)) {
            err_set(err, ERR_NOT_DONE, ERR_POLICY, "start: %.230s",
                    sandbox_failure(version->box)->text);
            return NULL;
        }
        entry->ref = value_keep(version->box);
    }
    version->started_last = version->started_count++;
    return entry;
}

static void push_started(struct version *version, const struct started *entry)
{
    if (entry->ref)
        sandbox_push_ref(version->box, entry->ref);
    else
        sandbox_push_nil(version->box);
}

struct item { /* what one item of on_bar's list says */
    struct sandbox_value said[ITEM_COUNT];
    const char *unknown; /* a field that no item has */
};

static bool read_decimal(const struct sandbox_value *value, struct decimal *out)
{
    *out = decimal_bad();
    return value->type == SANDBOX_NIL || value_decimal(value, out);
}

static bool read_text(const struct sandbox_value *value, char *out, size_t size)
{
    if (value->type == SANDBOX_NIL)
        return true;
    return value->type == SANDBOX_TEXT && text_is_utf8(value->text, value->length) &&
           (text_copy(out, size, value->text) || size == sizeof((struct bar_signal *)0)->note);
}

static bool read_kind(const struct sandbox_value *value, const char *const *names, bool required,
                      int *out)
{
    if (value->type == SANDBOX_NIL)
        return !required;
    return value->type == SANDBOX_TEXT && enum_parse(names, value->text, out);
}

/* The place of a key among the known ones, or of the end behind them. */
static size_t find_known(const struct told *known, const struct sandbox_value *key)
{
    size_t at = 0;

    while (known[at].name &&
           (key->type != SANDBOX_TEXT || *known[at].name != *key->text || /* most are not it */
            !text_equal(known[at].name, key->text)))
        at++;
    return at;
}

static const char *keep_name(struct version *version, const struct sandbox_value *key)
{
    return key->type == SANDBOX_TEXT ? arena_copy(&version->scratch, key->text, key->length)
                                     : "a list item";
}

static const char *find_unknown(struct version *version, const struct sandbox_value *table,
                                const struct told *known)
{
    struct sandbox_value key, value;
    const char *unknown = NULL;
    int walk = 0;

    while (sandbox_next(version->box, table, &walk, &key, &value))
        if (!known[find_known(known, &key)].name)
            unknown = keep_name(version, &key);
    return unknown;
}

/* All fields in one walk: looking each up by its name would make a Lua text of the name. */
static void read_item(struct version *version, const struct sandbox_value *table, struct item *out)
{
    struct sandbox_value key UNSET, value UNSET;
    int walk = 0;

    for (size_t i = 0; i < ITEM_COUNT; i++)
        out->said[i].type = SANDBOX_NIL;
    out->unknown = NULL;
    while (sandbox_next(version->box, table, &walk, &key, &value)) {
        size_t at = find_known(signal_answer, &key);

        if (at < ITEM_COUNT)
            out->said[at] = value;
        else
            out->unknown = keep_name(version, &key);
    }
}

static bool is_stop(const struct item *item)
{
    static const char *const names[] = {"STOP", NULL};
    const struct sandbox_value *type = &item->said[ITEM_TYPE];
    int which;

    return type->type == SANDBOX_TEXT && enum_parse(names, type->text, &which);
}

static bool says_more_than_stop(const struct item *item)
{
    for (size_t i = 0; i < ITEM_COUNT; i++)
        if (i != ITEM_TYPE && i != ITEM_POSITION && i != ITEM_STOP &&
            item->said[i].type != SANDBOX_NIL)
            return true;
    return item->unknown != NULL;
}

static bool read_stop(struct version *version, const struct sandbox_value *table,
                      const struct item *item, struct bar_stop *out, struct err *err)
{
    *out = (struct bar_stop){.stop = decimal_bad()};
    if (says_more_than_stop(item))
        return err_set(err, ERR_NOT_DONE, ERR_POLICY, "on_bar: a STOP has no field \"%.40s\"",
                       find_unknown(version, table, stop_answer));
    if (!read_text(&item->said[ITEM_POSITION], out->position, sizeof out->position) ||
        signal_layer(out->position) < 0)
        return err_set(err, ERR_NOT_DONE, ERR_POLICY,
                       "on_bar: a STOP's position is Long_1 ... Short_6, or ALL");
    if (!read_decimal(&item->said[ITEM_STOP], &out->stop) || !decimal_ok(out->stop) ||
        decimal_sign(out->stop) <= 0)
        return err_set(err, ERR_NOT_DONE, ERR_POLICY,
                       "on_bar: a STOP's stop is an exact number above zero");
    return true;
}

static bool read_signal(struct version *version, const struct item *item, struct bar_signal *out,
                        struct err *err)
{
    const struct sandbox_value *said = item->said;
    int type = 0, side = SIDE_LONG, layer;

    *out = (struct bar_signal){.type = SIGNAL_EXIT};
    if (item->unknown)
        return err_set(err, ERR_NOT_DONE, ERR_POLICY, "on_bar: a signal has no field \"%.40s\"",
                       item->unknown);
    if (!read_kind(&said[ITEM_TYPE], signal_type_names, true, &type))
        return err_set(err, ERR_NOT_DONE, ERR_POLICY,
                       "on_bar: a signal's type is BASE_ENTRY, PYRAMID, EXIT or STOP");
    if (!read_text(&said[ITEM_POSITION], out->position, sizeof out->position) ||
        (layer = signal_layer(out->position)) < 0 || (layer == 0 && type != SIGNAL_EXIT))
        return err_set(err, ERR_NOT_DONE, ERR_POLICY,
                       "on_bar: a signal's position is Long_1 ... Short_6, or ALL with EXIT");
    if (!read_kind(&said[ITEM_SIDE], side_names, false, &side))
        return err_set(err, ERR_NOT_DONE, ERR_POLICY, "on_bar: a signal's side is LONG or SHORT");
    if (!read_text(&said[ITEM_NOTE], out->note, sizeof out->note))
        return err_set(err, ERR_NOT_DONE, ERR_POLICY, "on_bar: a signal's note is text");
    if (!read_decimal(&said[ITEM_PRICE], &out->price) ||
        !read_decimal(&said[ITEM_STOP], &out->stop) || !read_decimal(&said[ITEM_ATR], &out->atr) ||
        !read_decimal(&said[ITEM_QUANTITY], &out->quantity))
        return err_set(err, ERR_NOT_DONE, ERR_POLICY,
                       "on_bar: price, stop, atr and quantity of a signal are exact numbers");
    out->type = (enum signal_type)type;
    out->side = strncmp(out->position, "Short", 5) == 0 ? SIDE_SHORT : (enum side)side;
    if (!decimal_ok(out->price))
        out->price = version->bar.close;
    return true;
}

static bool too_many(size_t length, struct err *err)
{
    return err_set(err, ERR_NOT_DONE, ERR_POLICY,
                   "on_bar returned a list of %zu; at most %d signals and %d stops", length,
                   SIGNALS_MAX, STOPS_MAX);
}

static bool read_signals(struct version *version, struct bar_signals *out, struct err *err)
{
    struct sandbox_value list UNSET, table UNSET;
    struct item item UNSET;
    size_t length, count = 0, stops = 0;

    sandbox_result(version->box, 0, &list);
    if (list.type == SANDBOX_NIL)
        return true;
    if (list.type != SANDBOX_TABLE)
        return err_set(err, ERR_NOT_DONE, ERR_POLICY,
                       "on_bar must return nothing or a list of signals");
    length = sandbox_length(version->box, &list);
    if (length > SIGNALS_MAX + STOPS_MAX)
        return too_many(length, err);
    for (size_t i = 1; i <= length; i++) {
        sandbox_element(version->box, &list, i, &table);
        if (table.type == SANDBOX_TABLE)
            read_item(version, &table, &item);
        if (table.type == SANDBOX_TABLE && is_stop(&item)) {
            if (stops == STOPS_MAX)
                return too_many(length, err);
            if (!read_stop(version, &table, &item, &out->stops[stops++], err))
                return false;
        } else {
            if (count == SIGNALS_MAX)
                return too_many(length, err);
            if (table.type != SANDBOX_TABLE)
                return err_set(err, ERR_NOT_DONE, ERR_POLICY,
                               "on_bar must return a list of signals { type = ... }");
            if (!read_signal(version, &item, &out->list[count++], err))
                return false;
        }
    }
    out->count = count;
    out->stop_count = stops;
    return true;
}

static bool feed(struct version *version, const struct facts *facts, const struct bar *bar,
                 struct bar_signals *out, struct err *err)
{
    struct started *entry;

    if (version->apart)
        return apart_feed(version, facts, bar, out, err);
    if (version->scratch.used > 0)
        arena_reset(&version->scratch);
    views_fill(version, facts);
    views_fill_bar(version, bar);
    entry = find_started(version, facts->instrument->name, err);
    if (!entry)
        return false;
    sandbox_start(version->box, version->hooks[HOOK_ON_BAR]);
    sandbox_push_record(version->box, version->views.bar);
    sandbox_push_record(version->box, version->views.facts);
    push_started(version, entry);
    if (!sandbox_run(version->box))
        return err_set(err, ERR_NOT_DONE, ERR_POLICY, "%.240s",
                       sandbox_failure(version->box)->text);
    return read_signals(version, out, err);
}

bool policy_on_bar(struct policy *policy, const struct facts *facts, const struct bar *bar,
                   struct bar_signals *out, struct err *err)
{
    struct version *version = policy->live;
    struct err fault UNSET;
    bool ok;

    out->count = out->stop_count = 0;
    if (!version->hooks[HOOK_ON_BAR])
        return true;
    ok = feed(version, facts, bar, out, &fault);
    version->bars++;
    version->signals += ok ? out->count : 0;
    if (!ok) {
        out->count = out->stop_count = 0;
        if (err)
            *err = fault;
    }
    policy_note(policy, !ok, fault.text);
    if (!ok)
        apart_replace(policy, version, fault.text);
    return ok;
}

void policy_warm(struct policy *policy, const struct facts *facts, const struct bar *bar)
{
    struct bar_signals dropped UNSET;
    struct err err;

    dropped.count = dropped.stop_count = 0;
    if (policy->live->hooks[HOOK_ON_BAR] && !feed(policy->live, facts, bar, &dropped, &err))
        policy_note(policy, true, err.text);
}

bool policies_warm_prepared(struct policy_prepared *prepared, const struct facts *facts,
                            const struct bar *bar, struct err *err)
{
    struct version *version = (struct version *)prepared;
    struct bar_signals dropped = {0};

    return !version->hooks[HOOK_ON_BAR] || feed(version, facts, bar, &dropped, err);
}

void policy_on_fill(struct policy *policy, const struct facts *facts, const struct fill *fill)
{
    struct version *version = policy->live;
    struct started *entry;
    struct err err;

    if (!version->hooks[HOOK_ON_FILL])
        return;
    if (version->apart) {
        apart_fill(policy, facts, fill);
        return;
    }
    views_fill(version, facts);
    views_fill_fill(version, fill);
    entry = find_started(version, facts->instrument->name, &err);
    if (!entry) {
        policy_note(policy, true, err.text);
        return;
    }
    sandbox_start(version->box, version->hooks[HOOK_ON_FILL]);
    sandbox_push_record(version->box, version->views.fill);
    sandbox_push_record(version->box, version->views.facts);
    push_started(version, entry);
    if (!sandbox_run(version->box))
        policy_note(policy, true, sandbox_failure(version->box)->text);
}
