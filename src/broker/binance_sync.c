/* Why: nothing is signed by a clock that was not held against the venue's, and nothing is sent
 * before the venue's rules and limits are known. Both are read anew from time to time. */
#include "broker/binance_parts.h"
#include <stdlib.h>

#define SYNC_EVERY_US 300000000
#define RULES_EVERY_US 3600000000
#define RETRY_LEAST_US 250000
#define RETRY_MOST_US 10000000
#define RESERVE_PART 10 /* a tenth of each limit is kept for exits and cancels */

static void sync_failed(struct binance *b, const struct err *why)
{
    struct err err;
    b->syncing = false;
    if (b->closing)
        return;
    err_set(&err, ERR_LATER, ERR_IO, "%s", why->text);
    if (b->sync_failures++ == 0)
        log_write(b->options.log, LOG_WARN, "binance", "the venue's clock and rules are not known",
                  LOG_T("error", why->text), LOG_END);
    loop_timer_start_in(b->sync_timer,
                        RETRY_LEAST_US + chance_backoff_us(&b->chance, RETRY_LEAST_US,
                                                           RETRY_MOST_US, b->sync_failures));
    binance_release(b, &err);
}

static void ready(struct binance *b)
{
    b->syncing = false;
    b->synced = true;
    b->sync_failures = 0;
    loop_timer_start_in(b->sync_timer, SYNC_EVERY_US);
    binance_release(b, NULL);
    binance_stream_start(b);
}

static void size_limit(const struct json *row, struct rate_size *size)
{
    int64_t limit = 0, number = 1;
    const char *unit = json_text(row, "interval");
    json_int(row, "limit", &limit);
    json_int(row, "intervalNum", &number);
    int64_t unit_us = !unit                         ? 0
                      : strcmp(unit, "SECOND") == 0 ? 1000000
                      : strcmp(unit, "MINUTE") == 0 ? 60000000
                      : strcmp(unit, "DAY") == 0    ? 86400000000
                                                    : 0;
    if (limit > 0 && limit < 100000000 && number > 0 && number < 1000 && unit_us)
        *size = (struct rate_size){limit, unit_us * number, limit / RESERVE_PART};
}

static void open_rate(struct binance *b, const struct json *root)
{
    struct rate_options options = {
        .broker = b->variant->name, .clock = b->options.clock, .metrics = b->options.metrics};
    struct rate_size *sizes = options.buckets;
    sizes[RATE_WEIGHT] = b->variant->weight_size;
    sizes[RATE_ORDERS] = b->variant->orders_size;
    sizes[RATE_ORDERS_LONG] = b->variant->orders_long_size;
    const struct json *limits = json_get(root, "rateLimits");
    for (const struct json *row = limits ? limits->child : NULL; row; row = row->next) {
        const char *type = json_text(row, "rateLimitType"), *unit = json_text(row, "interval");
        if (!type || !unit)
            continue;
        bool is_long = strcmp(unit, b->variant->futures ? "MINUTE" : "DAY") == 0;
        if (strcmp(type, "REQUEST_WEIGHT") == 0)
            size_limit(row, &sizes[RATE_WEIGHT]);
        else if (strcmp(type, "ORDERS") == 0)
            size_limit(row, &sizes[is_long ? RATE_ORDERS_LONG : RATE_ORDERS]);
    }
    b->rate = rate_limit_new(&options);
}

static bool read_rules(struct binance *b, const struct json *root, struct err *err)
{
    const struct json *rows = json_get(root, "symbols");
    for (const struct json *row = rows ? rows->child : NULL; row; row = row->next) {
        const char *name = json_text(row, "symbol");
        for (size_t i = 0; name && i < b->symbol_count; i++)
            if (strcmp(b->symbols[i].name, name) == 0)
                binance_symbol_read(&b->symbols[i], row);
    }
    for (size_t i = 0; i < b->symbol_count; i++)
        if (!b->symbols[i].known)
            return err_set(err, ERR_LATER, ERR_CONFIG,
                           "Binance does not know the symbol %s of instrument %s; set its symbol",
                           b->symbols[i].name, b->symbols[i].instrument->name);
    return true;
}

static void got_rules(struct binance_call *call, const struct err *err,
                      const struct binance_reply *reply)
{
    struct binance *b = call->binance;
    struct err why;
    if (err && b->told) { /* those of an hour ago will do */
        ready(b);
        return;
    }
    if (err) {
        sync_failed(b, err);
        return;
    }
    if (!read_rules(b, reply->root, &why)) {
        binance_note_health(b, &why, 0);
        sync_failed(b, &why);
        return;
    }
    if (!b->rate)
        open_rate(b, reply->root);
    b->told = true;
    b->rules_us = clock_steady(b->options.clock);
    ready(b);
}

static void ask_rules(struct binance *b)
{
    struct binance_call *call =
        binance_call_new(b, "GET", b->variant->info, got_rules, (struct waiter){0});
    call->is_public = true;
    call->is_signed = false;
    call->weight = b->variant->weight.info;
    struct str symbols = STR_EMPTY;
    for (size_t i = 0; i < b->symbol_count; i++)
        str_printf(&symbols, "%s\"%s\"", i ? "," : "[", b->symbols[i].name);
    str_puts(&symbols, "]");
    if (!b->variant->futures && b->symbol_count)
        binance_put(&call->query, "symbols", str_text(&symbols));
    str_free(&symbols);
    binance_ask(call);
}

static void got_time(struct binance_call *call, const struct err *err,
                     const struct binance_reply *reply)
{
    struct binance *b = call->binance;
    const struct clock *clock = b->options.clock;
    int64_t server_ms = 0, now_us = clock_wall(clock);
    struct err why;
    if (!err && !json_int(reply->root, "serverTime", &server_ms))
        err_set(&why, ERR_LATER, ERR_INPUT, "Binance told no time"), err = &why;
    int64_t took_us = clock_steady(clock) - b->asked_us;
    if (!err && llabs(now_us - call->sent_us - took_us) > BINANCE_JUMP_US)
        err_set(&why, ERR_LATER, ERR_IO, "our clock jumped while it was measured"), err = &why;
    if (err) {
        sync_failed(b, err);
        return;
    }
    b->offset_us = server_ms * 1000 - (call->sent_us + (now_us - call->sent_us) / 2);
    b->mark_us = now_us - clock_steady(clock);
    b->synced_us = clock_steady(clock);
    binance_note_health(b, NULL, now_us - call->sent_us);
    if (b->told && clock_steady(clock) - b->rules_us < RULES_EVERY_US)
        ready(b);
    else
        ask_rules(b);
}

void binance_sync(void *ctx)
{
    struct binance *b = ctx;
    if (b->syncing || b->closing)
        return;
    b->syncing = true;
    b->asked_us = clock_steady(b->options.clock);
    struct binance_call *call =
        binance_call_new(b, "GET", b->variant->time, got_time, (struct waiter){0});
    call->is_public = true;
    call->is_signed = false;
    binance_fetch(call); /* before everybody who waits for it */
}

void binance_rest_unsync(struct binance *b, const char *why)
{
    if (b->synced)
        log_write(b->options.log, LOG_WARN, "binance", "the venue's clock is measured again",
                  LOG_T("reason", why), LOG_MS("offset_ms", b->offset_us), LOG_END);
    b->synced = false;
    if (!b->syncing)
        loop_timer_start_in(b->sync_timer, 0);
}
