/* Why: one stale price must not take an instance down, so liveness, readiness and health are told
 * apart; nothing here waits. */
#include "serve/health.h"
#include <stdio.h>
#include <string.h>

const char *health_state_name(enum health_state state)
{
    static const char *const names[] = {"pass", "warn", "fail", "unused"};
    return names[state];
}

static void check_broker(struct health_check *check, struct core *core)
{
    struct broker_status status = {0};
    broker_status(core->broker, &status);
    check->name = "exchange_connection";
    check->state = status.ok ? HEALTH_PASS : HEALTH_FAIL;
    check->latency_us = status.latency_us;
    text_copy(check->text, sizeof check->text, status.text);
}

static void check_away(struct health_check *check, struct core *core)
{
    struct away_view away;
    bool is_away = core_away(core, &away);
    size_t length = strlen(check->text);
    if (is_away)
        check->state = HEALTH_FAIL;
    else if (away.spooled > 0 && check->state == HEALTH_PASS)
        check->state = HEALTH_WARN;
    if (is_away || away.spooled > 0)
        snprintf(check->text + length, sizeof check->text - length, "; %.0f s, %zu spooled",
                 (double)away.away_us / 1e6, away.spooled);
}

static void put_spool(struct core *core, struct str *out)
{
    struct away_view away;
    char since[CALENDAR_TEXT_MAX];
    core_away(core, &away);
    calendar_print(away.since_us, since);
    str_printf(out,
               "\"spool\":{\"away\":%s,\"away_s\":%.3f,\"since\":", away.away ? "true" : "false",
               (double)away.away_us / 1e6);
    str_put_json(out, away.away ? since : NULL);
    str_printf(out,
               ",\"on\":%s,\"ok\":%s,\"signals\":%zu,\"message\":", away.spools ? "true" : "false",
               away.spool_ok ? "true" : "false", away.spooled);
    str_put_json(out, away.text);
    str_puts(out, "},");
}

void health_failover(const struct core *core, struct str *out)
{
    struct failovers_view view = failovers_now(core);
    char at[CALENDAR_TEXT_MAX];
    str_printf(out, "{\"target_s\":%.3f,\"count\":%zu,\"average_s\":", (double)view.target_us / 1e6,
               view.count);
    if (!view.last) {
        str_puts(out, "null,\"last\":null}");
        return;
    }
    calendar_print(view.last->trading_us, at);
    str_printf(out, "%.3f,\"last\":{\"at\":\"%s\",\"took_s\":%.3f,\"target_met\":%s,\"lost\":",
               (double)view.average_us / 1e6, at, (double)view.last->took_us / 1e6,
               view.last->target_met ? "true" : "false");
    str_put_json(out, view.last->lost);
    str_puts(out, ",\"found\":");
    str_put_json(out, view.last->found);
    str_puts(out, ",\"why\":");
    str_put_json(out, view.last->reason);
    str_puts(out, "}}");
}

static void check_store(struct health_check *check, struct core *core)
{
    struct store_status status = {0};
    store_status(core->store, &status);
    check->name = "database_connection";
    check->state = status.ok ? HEALTH_PASS : HEALTH_FAIL;
    check->latency_us = status.last_commit_us;
    text_copy(check->text, sizeof check->text, status.text);
    check_away(check, core);
}

static void check_data(struct health_check *check, int64_t age_us)
{
    check->name = "data_freshness";
    check->latency_us = age_us < 0 ? 0 : age_us;
    if (age_us < 0) {
        check->state = HEALTH_UNUSED;
        text_copy(check->text, sizeof check->text,
                  "no market data is configured; orders fill at the signal's price");
        return;
    }
    check->state = age_us < DATA_FRESH_US ? HEALTH_PASS : HEALTH_WARN;
    snprintf(check->text, sizeof check->text,
             "the oldest followed price is %.1f s old (fresh: under 5 s)", (double)age_us / 1e6);
}

static void check_orders(struct health_check *check, struct core *core)
{
    const struct order *orders[256];
    size_t count = book_live_orders(core->book, NULL, NULL, orders, 256), unknown = 0;
    int64_t oldest = 0, now = clock_wall(core->clock);
    for (size_t i = 0; i < count && i < 256; i++) {
        if (orders[i]->state != ORDER_UNKNOWN)
            continue;
        unknown++;
        if (now - orders[i]->updated_us > oldest)
            oldest = now - orders[i]->updated_us;
    }
    check->name = "order_execution";
    check->state = unknown ? HEALTH_WARN : HEALTH_PASS;
    check->latency_us = oldest;
    if (unknown)
        snprintf(check->text, sizeof check->text,
                 "%zu orders have an unknown outcome, the oldest for %.0f s; entries on their "
                 "instruments wait",
                 unknown, (double)oldest / 1e6);
    else
        snprintf(check->text, sizeof check->text, "%zu orders on their way, none unknown", count);
}

/* Without a stream there is polling: slower, not blind. */
static void check_streams(struct health_check *check, const struct health_inputs *inputs)
{
    struct broker_status broker = {0};
    broker_status(inputs->core->broker, &broker);
    check->name = "websocket_alive";
    check->state = HEALTH_UNUSED;
    text_copy(check->text, sizeof check->text, "neither the broker nor a feed has a stream");
    if (inputs->streams || broker.streams)
        check->state = HEALTH_PASS;
    if (inputs->streams)
        text_copy(check->text, sizeof check->text, inputs->stream_text);
    if (broker.streams)
        text_copy(check->text, sizeof check->text, broker.stream_text);
    if (inputs->streams && !inputs->stream_alive) {
        check->state = HEALTH_WARN;
        snprintf(check->text, sizeof check->text, "prices: %s", inputs->stream_text);
    }
    if (broker.streams && !broker.stream_alive) {
        check->state = HEALTH_WARN;
        snprintf(check->text, sizeof check->text, "our orders: %s", broker.stream_text);
    }
}

static void check_match(struct health_check *check, struct core *core)
{
    struct match_view view = match_now_view(core);
    check->name = "reconciliation";
    check->state = view.blind || view.open > 0 || !view.ran ? HEALTH_WARN : HEALTH_PASS;
    if (view.blind || !view.ran)
        text_copy(check->text, sizeof check->text,
                  view.blind ? "the broker's book could not be read; entries wait until it is"
                             : "our book was not yet compared with the broker's");
    else if (view.open > 0)
        snprintf(check->text, sizeof check->text,
                 "%zu differences to the broker's book are open, entries of %zu instruments are "
                 "refused",
                 view.open, view.blocked);
    else
        text_copy(check->text, sizeof check->text, "our book and the broker's are equal");
}

/* Without it everything goes on, by the database alone. */
static void check_redis(struct health_check *check, const struct hints *hints)
{
    struct hints_status status;
    *check = (struct health_check){
        .name = "redis_connection", .state = HEALTH_UNUSED, .text = "no Redis is configured"};
    if (!hints)
        return;
    hints_status(hints, &status);
    check->state = status.usable && !status.warned ? HEALTH_PASS : HEALTH_WARN;
    check->latency_us = status.latency_us;
    text_copy(check->text, sizeof check->text, status.text);
}

const struct health_result *health_measure(struct health *health,
                                           const struct health_inputs *inputs)
{
    struct health_result *result = &health->kept[health->next];
    memset(result, 0, sizeof *result);
    result->at_us = clock_wall(inputs->core->clock);
    check_broker(&result->checks[0], inputs->core);
    check_store(&result->checks[1], inputs->core);
    check_redis(&result->checks[2], inputs->hints);
    check_data(&result->checks[3], inputs->price_age_us);
    check_orders(&result->checks[4], inputs->core);
    check_streams(&result->checks[5], inputs);
    check_match(&result->checks[6], inputs->core);
    for (size_t i = 0; i < HEALTH_CHECKS; i++) {
        enum health_state state = result->checks[i].state;
        if (state != HEALTH_UNUSED && state > result->state)
            result->state = state;
    }
    health->next = (health->next + 1) % HEALTH_KEPT;
    if (health->count < HEALTH_KEPT)
        health->count++;
    return result;
}

static void print_result(const struct health_result *result, struct str *out)
{
    char at[CALENDAR_TEXT_MAX];
    calendar_print(result->at_us, at);
    str_printf(out, "\"timestamp\":\"%s\",\"checks\":{", at);
    for (size_t i = 0; i < HEALTH_CHECKS; i++) {
        const struct health_check *check = &result->checks[i];
        str_printf(out,
                   "%s\"%s\":{\"status\":\"%s\",\"latency_ms\":%.3f,\"message\":", i ? "," : "",
                   check->name, health_state_name(check->state), (double)check->latency_us / 1000);
        str_put_json(out, check->text);
        str_putc(out, '}');
    }
    str_putc(out, '}');
}

void health_json(const struct health *health, const struct health_result *now, struct core *core,
                 bool with_history, struct str *out)
{
    static const char *const words[] = {"healthy", "degraded", "unhealthy", "healthy"};
    str_printf(out,
               "{\"status\":\"%s\",\"database\":%s,\"redis\":%s,\"broker\":%s,\"instance_id\":",
               words[now->state], now->checks[1].state == HEALTH_PASS ? "true" : "false",
               now->checks[2].state == HEALTH_UNUSED ? "null"
               : now->checks[2].state == HEALTH_PASS ? "true"
                                                     : "false",
               now->checks[0].state == HEALTH_PASS ? "true" : "false");
    str_put_json(out, core->options.instance);
    str_printf(out, ",\"is_leader\":%s,\"term\":%lld,\"halt\":\"%s\",",
               core_is_leader(core) ? "true" : "false", (long long)core->term,
               halt_level_names[halt_now(core)]);
    put_spool(core, out);
    str_puts(out, "\"failover\":");
    health_failover(core, out);
    str_putc(out, ',');
    print_result(now, out);
    if (with_history) {
        str_puts(out, ",\"history\":[");
        for (size_t i = 0; i < health->count; i++) {
            const struct health_result *one =
                &health->kept[(health->next + HEALTH_KEPT - 1 - i) % HEALTH_KEPT];
            str_printf(out, "%s{\"status\":\"%s\",", i ? "," : "", words[one->state]);
            print_result(one, out);
            str_putc(out, '}');
        }
        str_putc(out, ']');
    }
    str_putc(out, '}');
}
