/* Why: the live host and the offline jobs open the same parts from the same configuration. */
#include "host.h"
#include "base/embed.h"
#include "broker/binance.h"
#include "broker/openalgo.h"
#include "broker/paper.h"
#include "io/file.h"
#include "script/sandbox.h"
#include "store/store_bodies.h"
#include <stdio.h>
#include <string.h>

void host_core_options(const struct config *config, struct core_options *out)
{
    *out = (struct core_options){
        .instance = config->instance,
        .mode = config->mode,
        .failover_target_us = config->leases.failover_target_us,
        .staleness = config->staleness,
        .rails = config->rails,
        .instruments = config->tradable,
        .queue_max = (size_t)config->limits.queue,
        .flow_max = (size_t)config->limits.flows,
        .retry_max = (unsigned)config->retry.attempts,
        .retry_base_us = config->retry.base_us,
        .retry_cap_us = config->retry.cap_us,
        .statistics_every_us = config->statistics.interval_us,
        .statistics_every = (size_t)config->statistics.every,
        .day_zone = config->account_zone,
        .currency = config->currency,
        .order_deadline_us = config->order_deadline_us,
        .calendar = {config->calendar_count, config->calendar},
        .reconcile = {.every_us = config->reconcile.every_us,
                      .lots_bounded = decimal_ok(config->reconcile.max_lots),
                      .max_lots = config->reconcile.max_lots,
                      .drift_bounded = decimal_ok(config->reconcile.max_drift),
                      .max_drift = config->reconcile.max_drift,
                      .dry_run = config->reconcile.dry_run},
        .rollover_every_us = config->rollover_every_us,
        .unknown_alert_us = 30000000,
        .protect = config->protect,
        .protect_count = config->protect_count,
        .record_trace = true,
    };
    out->wind_down.stop_orders_us = config->shutdown.stop_orders_us;
    out->wind_down.cancel_orders_us = config->shutdown.cancel_orders_us;
    out->wind_down.close_positions_us = config->shutdown.close_positions_us;
    out->wind_down.flush_us = config->shutdown.flush_us;
    out->wind_down.close_us = config->shutdown.close_us;
    out->wind_down.close_positions = config->shutdown.close_positions;
}

struct judging {
    const struct core *core;
    const char *missing, *what;
};

static bool judge_position(void *ctx, const struct position *position)
{
    struct judging *judging = ctx;
    if (!instrument_find(&judging->core->options.instruments, position->instrument)) {
        judging->missing = position->instrument;
        judging->what = "a position is open";
        return false;
    }
    if (!policies_find(judging->core->policies, position->strategy))
        log_write(judging->core->log, LOG_WARN, "host",
                  "a position is open whose strategy is not loaded; an EXIT closes it all the same",
                  LOG_T("strategy", position->strategy), LOG_T("instrument", position->instrument),
                  LOG_T("position", position->label), LOG_END);
    return true;
}

static bool judge_order(void *ctx, const struct order *order)
{
    struct judging *judging = ctx;
    if (instrument_find(&judging->core->options.instruments, order->instrument))
        return true;
    judging->missing = order->instrument;
    judging->what = "an order is under way";
    return false;
}

bool host_judge_book(const struct core *core, struct err *err)
{
    struct judging judging = {.core = core};
    book_each_open_position(core->book, judge_position, &judging);
    if (!judging.missing)
        book_each_live_order(core->book, judge_order, &judging);
    return !judging.missing ||
           err_set(err, ERR_REFUSED, ERR_CONFIG,
                   "instruments: %s is missing and %s in it; put it back until it is closed",
                   judging.missing, judging.what);
}

struct broker *host_open_paper(const struct config *config, const struct clock *clock,
                               const char *journal, struct err *err)
{
    struct paper_options options = {
        .fee_per_lot = config->broker.fee_per_lot,
        .fee_percent = config->broker.fee_percent,
        .slippage_percent = config->broker.slippage_percent,
        .latency_us = config->broker.latency_us,
        .partial_permille = (uint32_t)config->broker.partial_permille,
        .reject_permille = (uint32_t)config->broker.reject_permille,
        .seed = (uint64_t)config->broker.seed,
        .journal_path = journal,
        .starting_cash = config->deposit,
        .instruments = &config->tradable,
        .clock = clock,
    };
    return paper_open(&options, err);
}

static struct broker *open_openalgo(const struct config *config, const struct host_wires *wires,
                                    struct err *err)
{
    const struct config_broker *b = &config->broker;
    struct openalgo_options options = {
        .base_url = b->base_url,
        .ws_url = b->ws_url,
        .api_key = b->api_key.bytes,
        .strategy = b->strategy_tag,
        .product = b->product,
        .ca_path = b->ca_path,
        .analyze = strcmp(b->mode, "analyze") == 0,
        .timeout_us = b->timeout_us,
        .poll_us = b->poll_us,
        .mode_every_us = b->mode_every_us,
        .absence_us = b->absence_us,
        .requests_per_second = b->requests_per_second,
        .orders_per_second = b->orders_per_second,
        .orders_per_minute = b->orders_per_minute,
        .instruments = &config->tradable,
        .calendar = {config->calendar_count, config->calendar},
        .loop = wires->loop,
        .clock = wires->clock,
        .log = wires->log,
        .metrics = wires->metrics,
    };
    return openalgo_open(&options, err);
}

static struct broker *open_binance(const struct config *config, const struct host_wires *wires,
                                   struct err *err)
{
    const struct config_broker *given = &config->broker;
    const struct config_secret *secret = given->secret.bytes ? &given->secret : &given->private_key;
    struct str api_url = STR_EMPTY;
    if (given->ws_api_url || given->ws_url)
        str_printf(&api_url, "%s%s", given->ws_api_url ? given->ws_api_url : given->ws_url,
                   given->ws_api_url ? "" : "/ws-api/v3");
    struct binance_options options = {
        .market = (enum binance_market)given->market,
        .rest_url = given->base_url,
        .api_ws_url = api_url.length ? str_text(&api_url) : NULL,
        .stream_url = given->ws_url,
        .ca_path = given->ca_path,
        .api_key = given->api_key.bytes,
        .secret = secret->bytes,
        .secret_length = secret->length,
        .window_us = given->recv_window_us,
        .processing_us = given->processing_us,
        .timeout_us = given->timeout_us,
        .instruments = &config->tradable,
        .clock = wires->clock,
        .loop = wires->loop,
        .log = wires->log,
        .metrics = wires->metrics,
    };
    struct broker *broker = binance_open(&options, err);
    str_free(&api_url);
    return broker;
}

struct broker *host_open_broker(const struct config *config, const struct host_wires *wires,
                                struct err *err)
{
    if (strcmp(config->broker.kind, "openalgo") == 0)
        return open_openalgo(config, wires, err);
    if (strcmp(config->broker.kind, "binance") == 0)
        return open_binance(config, wires, err);
    return host_open_paper(config, wires->clock, wires->journal, err);
}

bool host_needs_workers(const struct config *config)
{
    for (size_t i = 0; i < config->strategy_count; i++)
        if (config->strategies[i].isolation)
            return true;
    return false;
}

struct policies *host_open_policies(const struct config *config, struct sandbox_workers *workers,
                                    struct log *log, struct metrics *metrics,
                                    const struct clock *clock)
{
    struct policies_options options = {
        .instruments = &config->tradable,
        .limits = {.memory_bytes = config->limits.memory_bytes,
                   .instructions = config->limits.instructions,
                   .wall_ms = config->limits.wall_us / 1000},
        .log = log,
        .metrics = metrics,
        .clock = clock,
        .workers = workers,
    };
    if (!workers && host_needs_workers(config))
        options.workers = sandbox_workers_new(NULL, 0);
    struct policies *policies = policies_new(&options);
    for (size_t i = 0; i < config->strategy_count; i++)
        if (config->strategies[i].isolation)
            policies_run_apart(policies, config->strategies[i].name);
    return policies;
}

bool host_load_strategy(struct policies *policies, const struct config_strategy *strategy,
                        const char *author, struct policy_version *out, struct str *report,
                        struct err *err)
{
    struct arena arena;
    arena_init(&arena, 65536);
    struct policy_source *files = NULL;
    size_t count = 0;
    bool ok = policy_read_folder(strategy->folder, &arena, &files, &count, err);
    if (ok) {
        struct policy_params *params =
            arena_alloc(&arena, sizeof *params * (strategy->param_count + 1));
        for (size_t i = 0; i < strategy->param_count; i++)
            params[i] = (struct policy_params){strategy->params[i].name, strategy->params[i].value};
        ok = policies_load(policies, strategy->name, files, count, params, strategy->param_count,
                           author, out, report, err);
    }
    arena_free(&arena);
    return ok;
}

void host_print(void *stream, const char *format, ...)
{
    if (!stream)
        return;
    va_list args;
    va_start(args, format);
    vfprintf(stream, format, args);
    va_end(args);
}

int host_read_config(const char *path, struct config *out, struct tidelock_io *io)
{
    struct config_faults faults;
    bool ok = config_read(path, out, &faults);
    if (faults.text.length)
        host_print(io->err, "%s", str_text(&faults.text));
    if (!ok)
        host_print(io->err, "%zu fault%s in %s\n", faults.count, faults.count == 1 ? "" : "s",
                   path);
    str_free(&faults.text);
    if (!ok)
        config_free(out);
    return ok ? TIDELOCK_OK : TIDELOCK_CONFIG;
}

int host_read_config_or_default(const char *path, struct config *out, struct tidelock_io *io)
{
    if (path && file_exists(path))
        return host_read_config(path, out, io);
    const struct embedded_file *file = embed_find("lua/config/backtest.lua");
    struct config_faults faults;
    bool ok = config_read_text("built-in configuration", file->data, file->size, out, &faults);
    if (!ok)
        host_print(io->err, "%s", str_text(&faults.text));
    str_free(&faults.text);
    return ok ? TIDELOCK_OK : TIDELOCK_CONFIG;
}
