/* The heart of the host: what the stories share is made here, turned here, and let go of here. */
#include "flow/core.h"
#include "flow/account.h"
#include "flow/away.h"
#include "flow/claiming.h"
#include "flow/exits.h"
#include "flow/failover.h"
#include "flow/follow.h"
#include "flow/flows.h"
#include "flow/holding.h"
#include "flow/intake.h"
#include "flow/load_book.h"
#include "flow/match.h"
#include "flow/orders.h"
#include "flow/protect.h"
#include "flow/record.h"
#include "flow/roll.h"
#include "flow/statistics.h"
#include "flow/trade.h"
#include "store/fence.h"
#include <string.h>

#define HEARTBEAT_US 250000
#define REJOIN_US 100000

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
    set_default(&options->failover_target_us, 30000000);
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

/* Everything under way here is somebody else's business now; rows tell him where to go on. */
static void let_go(struct core *core)
{
    holdings_lost(core);
    holdings_drop(core);
    flow_drop_all(core);
    orders_forget(core);
    lanes_clear(core);
}

/* Taken for dead, or somebody else has taken what was ours. One among several joins again. */
static void lose_term(struct core *core)
{
    bool alone = core->options.mode == MODE_SINGLE;
    if (core->term == 0)
        return;
    log_write(core->log, core->draining ? LOG_INFO : LOG_ERROR, "core",
              core->draining ? "what was under way here is another instance's now"
              : alone
                  ? "another instance has taken over; this one stops trading and must be restarted"
                  : "this instance was taken for dead; it drops everything and joins again",
              LOG_I("term", core->term), LOG_END);
    core->term = 0;
    core->reconciled = core->taking_over = false;
    core->rejoin_us = alone ? INT64_MAX : clock_steady(core->clock) + REJOIN_US;
    let_go(core);
}

static void fenced(struct core *core)
{
    if (core->options.mode == MODE_SINGLE || !fence_lives(core->book, core->term)) {
        lose_term(core);
    } else if (core->term) { /* we live: a key is not ours as we thought */
        log_write(core->log, LOG_ERROR, "core", "a lease was not ours any more: starting over",
                  LOG_I("term", core->term), LOG_END);
        let_go(core);
    }
}

static void lost_lease(void *ctx, const char *key)
{
    struct core *core = ctx;
    if (!key)
        lose_term(core);
    else
        fenced(core);
}

static void hear_died(void *ctx, const struct member *member)
{
    failover_died(ctx, member);
}

static void rejoined(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct core *core = owner;
    (void)handle;
    (void)value;
    core->taking_over = false;
    if (err)
        core->rejoin_us = clock_steady(core->clock) + REJOIN_US;
}

static int64_t rejoin_turn(struct core *core)
{
    if (core->term || core->taking_over || core->draining || core->rejoin_us == INT64_MAX)
        return INT64_MAX;
    if (clock_steady(core->clock) < core->rejoin_us)
        return core->rejoin_us;
    core->rejoin_us = INT64_MAX;
    core->taking_over = true;
    take_over_begin(core, (struct waiter){.answer = rejoined, .owner = core});
    return INT64_MAX;
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
    core->rejoin_us = INT64_MAX;
    core->taking_over = false;
    core->halt_pending = HALT_NONE;
    core->halts_pending = 0;
    core->halt_writing = false;
    core->reconciled = core->draining = core->closing_positions = core->own_known = false;
    book_forget_final(core->book, true);
    core->runner = flow_runner_new(core, core->options.flow_max);
    core->recorder = recorder_new(core);
    recorder_on_fence(core, fenced);
    core->follow = follow_new(core);
    holdings_new(core);
    away_new(core);
    core->lease->on_lost = lost_lease;
    core->lease->on_died = hear_died;
    core->lease->lost_ctx = core;
    orders_new(core);
    statistics_new(core);
    intake_new(core);
    claiming_new(core);
    failovers_new(core);
    exits_new(core);
    protect_new(core);
    match_new(core);
    roll_new(core);
    core->broker->on_report = hear_report;
    core->broker->report_ctx = core;
    core->store->on_foreign = follow_events;
    core->store->foreign_ctx = core;
    return true;
}

/* The store may be closed and gone. */
void core_stop(struct core *core)
{
    if (core->broker && core->broker->report_ctx == core) {
        core->broker->on_report = NULL;
        core->broker->report_ctx = NULL;
    }
    flow_runner_free(core->runner);
    claiming_free(core);
    failovers_free(core);
    intake_free(core->intake);
    match_free(core->match);
    roll_free(core->roll);
    orders_free(core->orders);
    statistics_free(core->statistics);
    recorder_free(core->recorder);
    follow_free(core);
    holdings_free(core);
    away_free(core);
    markets_free(core->markets);
    facts_forget(core);
    exits_free(core->exits);
    protect_free(core->protect);
    str_free(&core->trace);
    zone_free(core->zone);
    core->zone = NULL;
    core->runner = NULL;
    core->intake = NULL;
    core->match = NULL;
    core->roll = NULL;
    core->orders = NULL;
    core->statistics = NULL;
    core->recorder = NULL;
    core->markets = NULL;
    core->exits = NULL;
    core->protect = NULL;
}

static int64_t turn_leases(struct core *core)
{
    return lease_turn(core->lease);
}

int64_t core_turn(struct core *core)
{
    static int64_t (*const turns[])(
        struct core *) = {turn_leases,     away_turn,    rejoin_turn,   follow_turn, holdings_turn,
                          flow_turn,       intake_turn,  account_turn,  resync_turn, protect_turn,
                          exits_turn,      flatten_turn, failover_turn, roll_turn,   match_turn,
                          statistics_turn, turn_leases /* what was asked just now */};
    int64_t now_us = clock_steady(core->clock), next_us = INT64_MAX;
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++) {
        int64_t due_us = turns[i](core);
        if (i > 0 && due_us < next_us) /* the leases are asked once more */
            next_us = due_us;
    }
    core->due_us = next_us;
    /* Leases are renewed and stalled lanes looked at without anything being due. */
    return next_us < now_us + HEARTBEAT_US ? next_us : now_us + HEARTBEAT_US;
}

void portfolio_now(const struct core *core, struct portfolio *out)
{
    portfolio_measure(core->book, &core->options.instruments, &core->prices, out);
}
