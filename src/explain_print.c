/* Why: "why did it do that?" for a person at a terminal: the signal, each gate with its verdict,
 * the sizing arithmetic, the orders with their fills, and when each thing happened. */
#include "host.h"
#include <string.h>

struct printer {
    struct tidelock_io *io;
    const char *bold, *dim, *good, *bad, *plain;
};

/* Good for the next few calls, as many as one line needs. */
static const char *figure(const char *text)
{
    static char rounded[4][DECIMAL_TEXT_MAX];
    static unsigned next;
    return decimal_tidy(text, rounded[next++ % 4]);
}

static const char *show(const struct json *value)
{
    if (!value || value->type == JSON_NULL)
        return "-";
    return value->type == JSON_TRUE    ? "yes"
           : value->type == JSON_FALSE ? "no"
           : value->text               ? figure(value->text)
                                       : "-";
}

static const char *text_of(const struct json *object, const char *key)
{
    return show(json_get(object, key));
}

static void print_pairs(struct printer *p, const struct json *object, const char *indent)
{
    for (const struct json *one = object ? object->child : NULL; one; one = one->next) {
        if (one->type == JSON_OBJECT || one->type == JSON_ARRAY) {
            if (!one->count)
                continue;
            char deeper[64];
            host_print(p->io->out, "%s%s%s%s\n", indent, p->dim, one->key ? one->key : "-",
                       p->plain);
            text_copy(deeper, sizeof deeper, indent);
            if (strlen(deeper) + 3 < sizeof deeper)
                memcpy(deeper + strlen(deeper), "  ", 3);
            print_pairs(p, one, deeper);
        } else {
            host_print(p->io->out, "%s%s%-22s%s %s\n", indent, p->dim, one->key ? one->key : "-",
                       p->plain, show(one));
        }
    }
}

static void print_gates(struct printer *p, const struct json *gates)
{
    for (const struct json *gate = gates ? gates->child : NULL; gate; gate = gate->next) {
        const char *verdict = text_of(gate, "verdict"), *reason = text_of(gate, "reason");
        bool passed = strcmp(verdict, "pass") == 0;
        host_print(p->io->out, "    %s%-7s%s %-22s %s\n", passed ? p->good : p->bad, verdict,
                   p->plain, text_of(gate, "name"), strcmp(reason, "-") == 0 ? "" : reason);
        print_pairs(p, json_get(gate, "inputs"), "              ");
    }
}

/* The trace is the cause of the event that decided. */
static const struct json *find_trace(const struct json *root)
{
    const struct json *events = json_get(root, "events");
    for (const struct json *event = events ? events->child : NULL; event; event = event->next) {
        const struct json *trace = json_get(json_get(json_get(event, "body"), "cause"), "trace");
        if (trace)
            return trace;
    }
    return NULL;
}

static void print_decision(struct printer *p, const struct json *root)
{
    const struct json *decision = json_get(root, "decision"), *trace = find_trace(root);
    if (!decision || decision->type != JSON_OBJECT) {
        host_print(p->io->out, "\n%sDecision%s  none was taken\n", p->bold, p->plain);
        return;
    }
    const char *verdict = text_of(decision, "verdict");
    host_print(p->io->out, "\n%sDecision%s  %s%s%s", p->bold, p->plain,
               strcmp(verdict, "accept") == 0 ? p->good : p->bad, verdict, p->plain);
    if (json_get(decision, "gate"))
        host_print(p->io->out, " at %s", text_of(decision, "gate"));
    if (json_get(decision, "reason"))
        host_print(p->io->out, ": %s", text_of(decision, "reason"));
    if (json_get(decision, "quantity"))
        host_print(p->io->out, ", %s lots", text_of(decision, "quantity"));
    host_print(p->io->out, "\n  by policy %s, %.12s, in %s µs, at %s\n",
               text_of(decision, "policy_version"), text_of(decision, "policy_hash"),
               text_of(decision, "took_us"), text_of(decision, "at"));
    if (json_get(trace, "gates"))
        host_print(p->io->out, "  %sgates%s\n", p->bold, p->plain);
    print_gates(p, json_get(trace, "gates"));
    for (const struct json *part = trace ? trace->child : NULL; part; part = part->next) {
        if (strcmp(part->key, "gates") == 0 || strcmp(part->key, "facts") == 0)
            continue;
        host_print(p->io->out, "  %s%s%s\n", p->bold, part->key, p->plain);
        print_pairs(p, part, "    ");
    }
    if (json_get(trace, "facts"))
        host_print(p->io->out, "  %sfacts%s\n", p->bold, p->plain);
    print_pairs(p, json_get(trace, "facts"), "    ");
}

static void print_orders(struct printer *p, const struct json *root)
{
    const struct json *orders = json_get(root, "orders"), *fills = json_get(root, "fills");
    for (const struct json *order = orders ? orders->child : NULL; order; order = order->next) {
        host_print(p->io->out, "\n%sOrder%s %s  %s %s %s %s lots: %s%s%s", p->bold, p->plain,
                   text_of(order, "id"), text_of(order, "leg"), text_of(order, "side"),
                   text_of(order, "kind"), text_of(order, "quantity"), p->bold,
                   text_of(order, "state"), p->plain);
        host_print(p->io->out, ", filled %s at %s, fees %s\n", text_of(order, "filled"),
                   text_of(order, "average_price"), text_of(order, "fees"));
        for (const struct json *fill = fills ? fills->child : NULL; fill; fill = fill->next)
            if (strcmp(text_of(fill, "order_id"), text_of(order, "id")) == 0)
                host_print(p->io->out, "  fill %s at %s, fee %s, %s  (%s)\n",
                           text_of(fill, "quantity"), text_of(fill, "price"), text_of(fill, "fee"),
                           text_of(fill, "at"), text_of(fill, "id"));
    }
}

void explain_print(const char *json, struct tidelock_io *io)
{
    struct arena arena;
    arena_init(&arena, 65536);
    struct err err = {0};
    struct json_limits limits = {.depth = 24, .nodes = 200000};
    const struct json *root = json_parse(&arena, json, strlen(json), &limits, &err);
    struct printer p = {io, "", "", "", "", ""};
    if (io->color)
        p = (struct printer){io, "\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m"};
    if (!root) {
        host_print(io->out, "%s\n", json);
        arena_free(&arena);
        return;
    }
    const struct json *signal = json_get(root, "signal");
    host_print(io->out, "%sSignal%s %s  %s %s %s at %s for %s: %s%s%s\n", p.bold, p.plain,
               text_of(signal, "id"), text_of(signal, "type"), text_of(signal, "position"),
               text_of(signal, "instrument"), text_of(signal, "price"), text_of(signal, "strategy"),
               p.bold, text_of(signal, "state"), p.plain);
    host_print(io->out, "  sent %s by %s, received %s\n", text_of(signal, "at"),
               text_of(signal, "source"), text_of(signal, "received_at"));
    if (json_get(signal, "reason") && *text_of(signal, "reason") != '-' &&
        *text_of(signal, "reason"))
        host_print(io->out, "  %s\n", text_of(signal, "reason"));
    print_decision(&p, root);
    print_orders(&p, root);
    const struct json *events = json_get(root, "events");
    host_print(io->out, "\n%sEvents%s\n", p.bold, p.plain);
    for (const struct json *event = events ? events->child : NULL; event; event = event->next)
        host_print(io->out, "  %6s  %-27s  %-20s %s\n", text_of(event, "seq"), text_of(event, "at"),
                   text_of(event, "kind"), text_of(event, "subject"));
    arena_free(&arena);
}
