/* Differences that a person has seen and accepted: they are left alone for as long as they stay
 * what they are. What was accepted is an event, so it lasts over restarts and counts wherever the
 * books are compared next. */
#include "base/json.h"
#include "flow/holding.h"
#include "flow/intake.h"
#include "flow/match.h"
#include "flow/record.h"
#include <string.h>

enum { RECALL_MOST = 1000 };
static const char kind[] = "reconciliation.accepted";

bool match_is_accepted(const struct match *match, const struct difference *d)
{
    for (size_t i = 0; i < match->accepted_count; i++)
        if (reconcile_same(&match->accepted[i], d))
            return true;
    return false;
}

static void keep(struct match *match, const struct difference *d)
{
    if (match_is_accepted(match, d))
        return;
    if (match->accepted_count == ACCEPTED_MAX) /* the oldest makes room, and is told again */
        memmove(match->accepted, match->accepted + 1,
                --match->accepted_count * sizeof match->accepted[0]);
    match->accepted[match->accepted_count++] = *d;
}

/* ---- what is stored ---- */

static void put_number(struct str *out, const char *name, struct decimal value)
{
    if (!decimal_ok(value))
        return;
    str_printf(out, ",\"%s\":\"", name);
    str_put_decimal(out, value);
    str_putc(out, '"');
}

static void put_difference(struct str *out, const struct difference *d)
{
    str_printf(out, "{\"kind\":\"%s\",\"instrument\":", difference_names[d->kind]);
    str_put_json(out, d->instrument);
    str_printf(out, ",\"expiry\":\"%s\",\"order_id\":", d->expiry);
    str_put_json(out, d->order_id);
    put_number(out, "ours", d->ours);
    put_number(out, "theirs", d->theirs);
    str_putc(out, '}');
}

static void read_text(const struct json *from, const char *name, char *out, size_t size)
{
    const char *text = json_text(from, name);
    text_copy(out, size, text ? text : "");
}

static void read_difference(struct match *match, const struct json *from)
{
    struct difference d = {.ours = decimal_bad(), .theirs = decimal_bad()};
    const char *text = json_text(from, "kind");
    int value = 0;
    if (!text || !enum_parse(difference_names, text, &value))
        return;
    d.kind = (enum difference_kind)value;
    read_text(from, "instrument", d.instrument, sizeof d.instrument);
    read_text(from, "expiry", d.expiry, sizeof d.expiry);
    read_text(from, "order_id", d.order_id, sizeof d.order_id);
    json_decimal(from, "ours", &d.ours);
    json_decimal(from, "theirs", &d.theirs);
    keep(match, &d);
}

/* ---- recalling ---- */

enum step_result match_recall(struct flow *flow)
{
    struct store_events_query query = {
        .kind_prefix = kind, .after_seq = flow->core->match->recalled, .limit = RECALL_MOST};
    flow->core->match->recalling = record_seq(flow->core);
    store_events(flow->core->store, &query, flow_waiter(flow));
    return STEP_WAIT;
}

/* Not read: what was accepted is told and blocks once more, which is the safe side. */
enum step_result match_recall_answer(struct flow *flow, const struct err *err, const void *value)
{
    const struct store_events *events = value;
    struct match *match = flow->core->match;
    /* What was known before it was asked need not be looked through again. */
    int64_t known = err || events->count >= RECALL_MOST ? 0 : match->recalling;
    for (size_t i = 0; !err && i < events->count; i++) {
        struct err ignored;
        const char *body = events->list[i].body;
        const struct json *root = json_parse(flow->arena, body, strlen(body), NULL, &ignored);
        const struct json *list = json_get(json_get(root, "cause"), "accepted");
        for (const struct json *one = list ? list->child : NULL; one; one = one->next)
            read_difference(match, one);
        match->recalled = events->list[i].seq;
    }
    if (known > match->recalled)
        match->recalled = known;
    return STEP_NEXT;
}

/* ---- people ---- */

static size_t accept_of(struct match *match, const char *instrument, struct str *cause)
{
    size_t found = 0;
    str_puts(cause, ",\"accepted\":[");
    for (size_t i = 0; i < match->open_count && i < DIFFERENCES_MAX; i++) {
        if (strcmp(match->open[i].instrument, instrument) != 0)
            continue;
        keep(match, &match->open[i]);
        if (found++ > 0)
            str_putc(cause, ',');
        put_difference(cause, &match->open[i]);
    }
    str_puts(cause, "]}");
    return found;
}

void match_accept(struct core *core, const char *instrument, const char *who, const char *why,
                  struct waiter to)
{
    struct match *match = core->match;
    struct store_event event;
    struct str cause = STR_EMPTY;
    struct err err;
    str_puts(&cause, "{\"who\":");
    str_put_json(&cause, who);
    str_puts(&cause, ",\"why\":");
    str_put_json(&cause, why);
    if (accept_of(match, instrument, &cause) == 0) {
        const char *leader = holding_elsewhere(core, NULL);
        err_set(&err, ERR_REFUSED, ERR_NOT_FOUND, "no open difference is known of %s%s%s",
                instrument, leader ? " here; ask the leading instance, " : "",
                leader ? leader : "");
        intake_defer(core, to, "", &err);
        str_free(&cause);
        return;
    }
    for (size_t i = match->blocked_count; i-- > 0;)
        if (strcmp(match->blocked[i].instrument, instrument) == 0)
            match->blocked[i] = match->blocked[--match->blocked_count];
    match->next_us = 0; /* look again: what else there is blocks again */
    event_start(core, &event, kind, instrument);
    event.cause = str_text(&cause);
    record_write(core, &event, 1, false, to);
    str_free(&cause);
}
