/* Why: what operators, the dashboard and programs read. Tables come from one generic reader, made
 * from the rows' description. */
#include "serve/feed.h"
#include "serve/parts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_DEFAULT 100
#define ROWS_MAX 1000

static const struct listing { /* GET /api/<name>?column=value&limit=n&before=... */
    const char *name;
    enum table_id table;
    const char *order_by;
    bool descending;
} listings[] = {
    {"signals", TABLE_SIGNAL, "received_at", true},
    {"decisions", TABLE_DECISION, "at", true},
    {"orders", TABLE_ORDER, "created_at", true},
    {"fills", TABLE_FILL, "at", true},
    {"positions", TABLE_POSITION, "opened_at", true},
    {"ledger", TABLE_LEDGER, "at", true},
    {"pyramids", TABLE_PYRAMID, NULL, false},
    {"statistics", TABLE_STAT, NULL, false},
    {"versions", TABLE_POLICY, "at", true},
    {"halts", TABLE_HALT, NULL, false},
    {"accounts", TABLE_ACCOUNT, NULL, false},
    {"instances", TABLE_MEMBER, "joined_at", true},
    {"leases", TABLE_LEASE, NULL, false},
    {"failovers", TABLE_FAILOVER, "trading_at", true},
};

static void answer_rows(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct serve *serve = owner;
    if (err && err->class != ERR_NONE) {
        serve_err(serve, handle, err);
        return;
    }
    const struct store_rows *rows = value;
    struct str *out = &serve->scratch;
    str_clear(out);
    str_putc(out, '[');
    for (size_t i = 0; i < rows->count; i++) {
        if (i)
            str_putc(out, ',');
        row_json(rows->table, rows->rows[i], out);
    }
    str_putc(out, ']');
    serve_json(serve, handle, 200, out->data, out->length);
}

static void ask_rows(struct serve *serve, const struct store_query *query, uint64_t handle)
{
    struct waiter to = {answer_rows, serve, handle};
    if (!stale_rows(serve, query, to))
        store_query(serve->core->store, query, to);
}

static size_t query_limit(const struct http_request *request)
{
    const char *text = http_query(request, "limit");
    long limit = text ? strtol(text, NULL, 10) : ROWS_DEFAULT;
    return limit < 1 ? 1 : limit > ROWS_MAX ? ROWS_MAX : (size_t)limit;
}

static void list_rows(const struct http_request *request, struct serve *serve,
                      const struct listing *listing)
{
    const struct table *table = &tables[listing->table];
    struct store_query query = {.table = listing->table,
                                .order_by = listing->order_by,
                                .descending = listing->descending,
                                .limit = query_limit(request)};
    for (size_t i = 0; i < table->column_count && query.where_count < 5; i++) {
        const char *value = http_query(request, table->columns[i].name);
        if (!value)
            continue;
        query.where[query.where_count++] = (struct store_condition){
            table->columns[i].name, strchr(value, ',') ? STORE_IN : STORE_EQ, value};
    }
    const char *before = http_query(request, "before");
    /* What is over, or written once: it may be read where it is known a moment later. */
    query.history = before || table->version_column < 0;
    if (before && query.order_by)
        query.where[query.where_count++] =
            (struct store_condition){query.order_by, STORE_LT, before};
    ask_rows(serve, &query, request->handle);
}

static void put_portfolio(const struct portfolio *p, struct str *out)
{
    const struct {
        const char *name;
        struct decimal value;
    } fields[] = {{"equity", p->equity},
                  {"unrealised", p->unrealised},
                  {"blended_equity", p->blended_equity},
                  {"open_risk", p->open_risk},
                  {"open_risk_percent", p->open_risk_percent},
                  {"margin_used", p->margin_used},
                  {"margin_free", p->margin_free},
                  {"exposure", p->exposure},
                  {"day_loss", p->day_loss},
                  {"drawdown_percent", p->drawdown_percent}};
    str_puts(out, "\"portfolio\":{");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        str_printf(out, "\"%s\":", fields[i].name);
        if (decimal_ok(fields[i].value)) {
            str_putc(out, '"');
            str_put_decimal(out, fields[i].value);
            str_putc(out, '"');
        } else {
            str_puts(out, "null");
        }
        str_putc(out, ',');
    }
    str_printf(out, "\"open_positions\":%lld}", (long long)p->open_positions);
}

static void put_policies(struct serve *serve, struct str *out)
{
    str_putc(out, '[');
    for (size_t i = 0; i < policies_count(serve->core->policies); i++) {
        if (i)
            str_putc(out, ',');
        policy_describe(policies_at(serve->core->policies, i), out);
    }
    str_putc(out, ']');
}

void status_json(struct serve *serve, struct str *out)
{
    static const char *const modes[] = {"single", "active_active", "active_passive"};
    struct core *core = serve->core;
    struct portfolio portfolio;
    struct store_status store = {0};
    struct broker_status broker = {0};
    struct intake_depth depth = intake_depth(core);
    portfolio_now(core, &portfolio);
    store_status(core->store, &store);
    broker_status(core->broker, &broker);
    const struct halt *halt = book_get(core->book, TABLE_HALT, "all");
    str_putc(out, '{');
    stale_json(serve, out);
    str_puts(out, ",\"instance\":");
    str_put_json(out, core->options.instance);
    str_printf(out,
               ",\"version\":\"%s\",\"mode\":\"%s\",\"leader\":%s,\"term\":%lld,\"ready\":%s,"
               "\"draining\":%s,\"uptime_s\":%lld,",
               TIDELOCK_VERSION, modes[core->options.mode], core_is_leader(core) ? "true" : "false",
               (long long)core->term, core->reconciled && !core->draining ? "true" : "false",
               core->draining ? "true" : "false",
               (long long)((clock_steady(core->clock) - serve->opened_us) / 1000000));
    str_puts(out, "\"failover\":");
    health_failover(core, out);
    str_printf(out, ",\"halt\":{\"level\":\"%s\",\"who\":", halt_level_names[halt_now(core)]);
    str_put_json(out, halt ? halt->who : "");
    str_puts(out, ",\"why\":");
    str_put_json(out, halt ? halt->why : "");
    str_printf(out, "},\"queue\":{\"waiting\":%zu,\"working\":%zu,\"retrying\":%zu,\"dead\":%zu},",
               depth.waiting, depth.working, depth.retrying, depth.dead);
    str_printf(out,
               "\"store\":{\"kind\":\"%s\",\"ok\":%s,\"events\":%lld,\"commit_ms\":%.3f,\"text\":",
               store.kind ? store.kind : "", store.ok ? "true" : "false", (long long)store.events,
               (double)store.last_commit_us / 1000);
    str_put_json(out, store.text);
    str_printf(out,
               "},\"broker\":{\"kind\":\"%s\",\"ok\":%s,\"text\":", core->broker->ops->traits->name,
               broker.ok ? "true" : "false");
    str_put_json(out, broker.text);
    str_puts(out, "},");
    put_portfolio(&portfolio, out);
    str_puts(out, ",\"policies\":");
    put_policies(serve, out);
    str_putc(out, '}');
}

/* How our book stands against the broker's, with the last report. */
static void match_json(struct serve *serve, struct str *out)
{
    struct match_view view = match_now_view(serve->core);
    const char *report = match_report(serve->core);
    str_printf(out,
               "{\"running\":%s,\"broker_known\":%s,\"open\":%zu,\"instruments_blocked\":%zu,"
               "\"last\":%s}",
               view.running ? "true" : "false", view.ran && !view.blind ? "true" : "false",
               view.open, view.blocked, *report ? report : "null");
}

static void answer_text(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct serve *serve = owner;
    if (err && err->class != ERR_NONE)
        serve_err(serve, handle, err);
    else
        serve_json(serve, handle, 200, value, strlen(value));
}

static void answer_events(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct serve *serve = owner;
    if (err && err->class != ERR_NONE) {
        serve_err(serve, handle, err);
        return;
    }
    const struct store_events *events = value;
    struct str *out = &serve->scratch;
    str_clear(out);
    str_putc(out, '[');
    for (size_t i = 0; i < events->count; i++) {
        const struct event *event = &events->list[i];
        char at[CALENDAR_TEXT_MAX], hash[2 * SHA256_SIZE + 1];
        calendar_print(event->at_us, at);
        hex_print(event->hash, SHA256_SIZE, hash);
        str_printf(out, "%s{\"seq\":%lld,\"at\":\"%s\",\"kind\":\"%s\",\"subject\":", i ? "," : "",
                   (long long)event->seq, at, event->kind);
        str_put_json(out, event->subject);
        str_printf(out, ",\"term\":%lld,\"hash\":\"%s\",\"body\":%s}", (long long)event->term, hash,
                   event->body);
    }
    str_putc(out, ']');
    serve_json(serve, handle, 200, out->data, out->length);
}

static void list_events(const struct http_request *request, struct serve *serve)
{
    const char *after = http_query(request, "after");
    struct store_events_query query = {.after_seq = after ? strtoll(after, NULL, 10) : 0,
                                       .limit = query_limit(request),
                                       .kind_prefix = http_query(request, "kind"),
                                       .subject = http_query(request, "subject"),
                                       .descending = after == NULL,
                                       .history = true};
    store_events(serve->core->store, &query,
                 (struct waiter){answer_events, serve, request->handle});
}

static void list_flows(const struct http_request *request, struct serve *serve)
{
    struct flow_view views[200];
    size_t count = flows_list(serve->core, views, 200);
    int64_t now = clock_steady(serve->core->clock);
    struct str *out = &serve->scratch;
    str_clear(out);
    str_putc(out, '[');
    for (size_t i = 0; i < count && i < 200; i++) {
        str_printf(out, "%s{\"story\":\"%s\",\"step\":\"%s\",\"subject\":", i ? "," : "",
                   views[i].story, views[i].step);
        str_put_json(out, views[i].subject);
        str_printf(out, ",\"for_ms\":%lld}", (long long)((now - views[i].since_us) / 1000));
    }
    str_putc(out, ']');
    serve_json(serve, request->handle, 200, out->data, out->length);
}

/* Positions with an expiry: open ones, and those that were rolled or were not. */
static void list_rollovers(const struct http_request *request, struct serve *serve)
{
    const char *status = http_query(request, "rollover");
    struct store_query query = {.table = TABLE_POSITION,
                                .where = {{.column = "expiry", .op = STORE_GT, .value = ""},
                                          {.column = "rollover", .op = STORE_IN, .value = status}},
                                .where_count = status ? 2 : 1,
                                .order_by = "opened_at",
                                .descending = true,
                                .limit = query_limit(request)};
    ask_rows(serve, &query, request->handle);
}

static void send_scratch(const struct http_request *request, struct serve *serve)
{
    serve_json(serve, request->handle, 200, str_text(&serve->scratch), serve->scratch.length);
}

void api_handle(const struct http_request *request, struct serve *serve, const char *rest)
{
    for (size_t i = 0; i < sizeof listings / sizeof listings[0]; i++)
        if (strcmp(rest, listings[i].name) == 0) {
            list_rows(request, serve, &listings[i]);
            return;
        }
    str_clear(&serve->scratch);
    if (strcmp(rest, "status") == 0) {
        status_json(serve, &serve->scratch);
        send_scratch(request, serve);
    } else if (strcmp(rest, "policies") == 0) {
        put_policies(serve, &serve->scratch);
        send_scratch(request, serve);
    } else if (strcmp(rest, "bars") == 0) {
        feeds_json(serve->options.feeds, http_query(request, "instrument"), &serve->scratch);
        send_scratch(request, serve);
    } else if (strcmp(rest, "config") == 0) {
        config_print(serve->options.config, &serve->scratch);
        send_scratch(request, serve);
    } else if (strcmp(rest, "events") == 0) {
        list_events(request, serve);
    } else if (strcmp(rest, "reconciliation") == 0) {
        match_json(serve, &serve->scratch);
        send_scratch(request, serve);
    } else if (strcmp(rest, "rollovers") == 0) {
        list_rollovers(request, serve);
    } else if (strcmp(rest, "flows") == 0) {
        list_flows(request, serve);
    } else if (text_starts(rest, "explain/") && strlen(rest) >= strlen("explain/") + 4) {
        explain_begin(serve->core->store, rest + strlen("explain/"),
                      (struct waiter){answer_text, serve, request->handle});
    } else {
        serve_error(serve, request->handle, 404,
                    "no such reading; there are status, policies, bars, config, events, flows, "
                    "reconciliation, rollovers, explain/<id> and the tables "
                    "signals, decisions, orders, fills, positions, ledger, pyramids, statistics, "
                    "versions, halts, accounts, instances, leases, failovers");
    }
}

void metrics_collect(struct serve *serve)
{
    struct metrics *m = serve->options.metrics;
    struct core *core = serve->core;
    struct intake_depth depth = intake_depth(core);
    struct store_status store = {0};
    struct portfolio portfolio;
    portfolio_now(core, &portfolio);
    store_status(core->store, &store);
    metric_set(metric_gauge(m, "tidelock_queue_depth",
                            "Signals that are not final, by where they stand.",
                            "state=\"waiting\""),
               (double)depth.waiting);
    metric_set(metric_gauge(m, "tidelock_queue_depth", "", "state=\"working\""),
               (double)depth.working);
    metric_set(metric_gauge(m, "tidelock_queue_depth", "", "state=\"retrying\""),
               (double)depth.retrying);
    metric_set(metric_gauge(m, "tidelock_queue_depth", "", "state=\"dead\""), (double)depth.dead);
    metric_set(metric_gauge(m, "tidelock_halt_level",
                            "0 none, 1 no_entry, 2 reduce_only, 3 flatten, 4 freeze.", NULL),
               (double)halt_now(core));
    metric_set(metric_gauge(m, "tidelock_term", "The fencing term this instance holds.", NULL),
               (double)core->term);
    metric_set(metric_gauge(m, "tidelock_leader", "1 while this instance leads.", NULL),
               core_is_leader(core) ? 1 : 0);
    metric_set(metric_gauge(m, "tidelock_store_queued", "Writes asked and not yet durable.", NULL),
               (double)store.queued);
    metric_set(metric_gauge(m, "tidelock_events", "Last number of the event log.", NULL),
               (double)store.events);
    if (decimal_ok(portfolio.equity))
        metric_set(
            metric_gauge(m, "tidelock_equity", "Closed equity in the account's currency.", NULL),
            decimal_to_double(portfolio.equity));
    metric_set(metric_gauge(m, "tidelock_open_positions", "Open position layers.", NULL),
               (double)portfolio.open_positions);
    const struct order *orders[1024];
    size_t count = book_live_orders(core->book, NULL, NULL, orders, 1024),
           by_state[ORDER_EXPIRED + 1] = {0};
    for (size_t i = 0; i < count && i < 1024; i++)
        by_state[orders[i]->state]++;
    for (size_t state = ORDER_INTENDED; state <= ORDER_UNKNOWN; state++) {
        char labels[64];
        snprintf(labels, sizeof labels, "state=\"%s\"", order_state_names[state]);
        metric_set(
            metric_gauge(m, "tidelock_orders", "Orders that are not final, by state.", labels),
            (double)by_state[state]);
    }
}
