/* The report of a comparison, as it is stored, shown and answered. */
#include "flow/match.h"
#include <string.h>

static void put_number(struct str *out, const char *name, struct decimal value)
{
    str_printf(out, ",\"%s\":", name);
    if (!decimal_ok(value)) {
        str_puts(out, "null");
        return;
    }
    str_putc(out, '"');
    str_put_decimal(out, value);
    str_putc(out, '"');
}

static void put_text(struct str *out, const char *name, const char *value)
{
    str_printf(out, ",\"%s\":", name);
    str_put_json(out, value);
}

static bool is_of_order(const struct difference *d)
{
    return *d->order_id != '\0';
}

static void put_decided(struct str *out, const struct decided *decided)
{
    const struct difference *d = &decided->difference;
    str_printf(out, "{\"kind\":\"%s\"", difference_names[d->kind]);
    put_text(out, "instrument", d->instrument);
    put_text(out, "strategy", d->strategy);
    if (*d->expiry)
        put_text(out, "expiry", d->expiry);
    if (is_of_order(d)) {
        put_text(out, "order_id", d->order_id);
        put_text(out, "our_state", order_state_names[d->our_state]);
        put_text(out, "their_state", order_state_names[d->their_state]);
    }
    put_number(out, "ours", d->ours);
    put_number(out, "theirs", d->theirs);
    put_number(out, "price", d->price);
    str_printf(out, ",\"decision\":{\"action\":\"%s\",\"by\":\"%s\",\"applied\":%s",
               match_action_names[decided->action], decided->by,
               decided->applied ? "true" : "false");
    put_text(out, "reason", decided->reason);
    str_printf(out, "},\"blocks_entries\":%s}", decided->blocks ? "true" : "false");
}

void match_print(struct core *core, const struct matching *m, struct str *out)
{
    char at[CALENDAR_TEXT_MAX];
    bool first = true;
    calendar_print(clock_wall(core->clock), at);
    str_printf(out, "{\"at\":\"%s\",\"trigger\":\"%s\",\"dry_run\":%s,\"complete\":%s", at,
               m->trigger, m->dry_run ? "true" : "false",
               *m->failed[LOOK_ORDERS] || *m->failed[LOOK_POSITIONS] ? "false" : "true");
    str_puts(out, ",\"failed\":{");
    for (int part = 0; part < LOOK_PARTS; part++) {
        if (!*m->failed[part])
            continue;
        str_printf(out, "%s\"%s\":", first ? "" : ",", look_part_names[part]);
        str_put_json(out, m->failed[part]);
        first = false;
    }
    str_printf(out,
               "},\"looks\":%zu,\"moving\":%s,\"open_orders_found\":%zu,\"orders_cancelled\":%zu,"
               "\"orders_settled\":%zu,\"positions_synced\":%zu",
               m->looks, m->moving ? "true" : "false", m->open_orders, m->orders_cancelled,
               m->orders_settled, m->positions_synced);
    if (core->match->clean_us)
        str_printf(out, ",\"equal_ms_ago\":%lld",
                   (long long)(clock_steady(core->clock) - core->match->clean_us) / 1000);
    put_number(out, "balance_drift", m->drift);
    str_printf(out, ",\"differences\":%zu,\"discrepancies\":[", m->found);
    for (size_t i = 0; i < m->count; i++) {
        if (i)
            str_putc(out, ',');
        put_decided(out, &m->list[i]);
    }
    str_puts(out, "]}");
}
