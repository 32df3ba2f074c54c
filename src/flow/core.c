/* The heart of the host: what the stories share is made here, turned here, and let go of here. */
#include "flow/core.h"
#include "flow/account.h"
#include "flow/exits.h"
#include "flow/flows.h"
#include "flow/intake.h"
#include "flow/load_book.h"
#include "flow/match.h"
#include "flow/orders.h"
#include "flow/protect.h"
#include "flow/record.h"
#include "flow/statistics.h"
#include <string.h>

#define HEARTBEAT_US 250000

static void set_default(int64_t *field, int64_t value)
{
    if (*field == 0)
        *field = value;
}

static void set_defaults(struct core_options *options)
{
    if (!options->instance)
        options->instance = "tidelock";
    if (!options->queue_max)
        options->queue_max = 20000;
    if (!options->flow_max)
        options->flow_max = 4096;
    if (!options->retry_max)
        options->retry_max = 5;
    if (!options->statistics_every)
        options->statistics_every = 1000;
    set_default(&options->retry_base_us, 500000);
    set_default(&options->retry_cap_us, 30000000);
    set_default(&options->statistics_every_us, 5000000);
    set_default(&options->order_deadline_us, 10000000);
    set_default(&options->unknown_alert_us, 30000000);
    set_default(&options->reconcile.every_us, 300000000);
    set_default(&options->rollover_every_us, 60000000);
    set_default(&options->staleness.entry_max_age_us, 60000000);
    set_default(&options->staleness.entry_max_future_us, 30000000);
    set_default(&options->wind_down.stop_orders_us, 30000000);
    set_default(&options->wind_down.cancel_orders_us, 60000000);
    set_default(&options->wind_down.close_positions_us, 120000000);
    set_default(&options->wind_down.flush_us, 30000000);
    set_default(&options->wind_down.close_us, 10000000);
}

/* Another instance has the term: everything under way here is its business now. */
static void fenced(struct core *core)
{
    if (core->term == 0)
        return;
    log_write(core->log, LOG_ERROR, "core",
              "another instance has taken over; this one stops trading and must be restarted",
              LOG_I("term", core->term), LOG_END);
    core->term = 0;
    core->reconciled = false;
    flow_drop_all(core);
}

static void hear_report(void *ctx, const struct report *report)
{
    orders_report(ctx, report);
}

bool core_start(struct core *core, struct err *err)
{
    set_defaults(&core->options);
    if (!core->clock || !core->store || !core->broker || !core->lease || !core->policies ||
        !core->book || !core->stats)
        return err_set(err, ERR_REFUSED, ERR_CONFIG, "core_start: a part of the host is missing");
    if (core->options.day_zone && !core->zone &&
        !(core->zone = zone_load(core->options.day_zone, err)))
        return false;
    memset(&core->day, 0, sizeof core->day);
    core->term = core->resync_us = 0;
    core->halt_pending = HALT_NONE;
    core->halts_pending = 0;
    core->halt_writing = false;
    core->reconciled = core->draining = core->closing_positions = false;
    book_forget_final(core->book, true);
    core->runner = flow_runner_new(core, core->options.flow_max);
    core->recorder = recorder_new(core);
    recorder_on_fence(core, fenced);
    orders_new(core);
    statistics_new(core);
    intake_new(core);
    exits_new(core);
    protect_new(core);
    match_new(core);
    core->broker->on_report = hear_report;
    core->broker->report_ctx = core;
    return true;
}

bool core_is_leader(const struct core *core)
{
    return core->term != 0 && core->reconciled;
}

void core_stop(struct core *core)
{
    if (core->broker && core->broker->report_ctx == core) {
        core->broker->on_report = NULL;
        core->broker->report_ctx = NULL;
    }
    flow_runner_free(core->runner);
    intake_free(core->intake);
    match_free(core->match);
    orders_free(core->orders);
    statistics_free(core->statistics);
    recorder_free(core->recorder);
    markets_free(core->markets);
    exits_free(core->exits);
    protect_free(core->protect);
    str_free(&core->trace);
    zone_free(core->zone);
    core->zone = NULL;
    core->runner = NULL;
    core->intake = NULL;
    core->match = NULL;
    core->orders = NULL;
    core->statistics = NULL;
    core->recorder = NULL;
    core->markets = NULL;
    core->exits = NULL;
    core->protect = NULL;
}

int64_t core_turn(struct core *core)
{
    int64_t now_us = clock_steady(core->clock), next_us, other_us;
    lease_turn(core->lease);
    next_us = flow_turn(core);
    other_us = intake_turn(core);
    next_us = other_us < next_us ? other_us : next_us;
    other_us = account_turn(core);
    next_us = other_us < next_us ? other_us : next_us;
    other_us = resync_turn(core);
    next_us = other_us < next_us ? other_us : next_us;
    other_us = protect_turn(core);
    next_us = other_us < next_us ? other_us : next_us;
    other_us = exits_turn(core);
    next_us = other_us < next_us ? other_us : next_us;
    other_us = flatten_turn(core);
    next_us = other_us < next_us ? other_us : next_us;
    other_us = match_turn(core);
    next_us = other_us < next_us ? other_us : next_us;
    other_us = statistics_turn(core);
    next_us = other_us < next_us ? other_us : next_us;
    lease_turn(core->lease); /* what was asked just now need not wait for the next turn */
    /* Leases are renewed and stalled lanes looked at without anything being due. */
    return next_us < now_us + HEARTBEAT_US ? next_us : now_us + HEARTBEAT_US;
}

void portfolio_now(const struct core *core, struct portfolio *out)
{
    portfolio_measure(core->book, &core->options.instruments, &core->prices, out);
}
