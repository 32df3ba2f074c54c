/* Closed bars: every strategy that trades the instrument looks at them, and what it wants enters
 * through intake like any other signal, after the stops it moves.
 *
 * A signal of a bar is dated at the bar's close, which is its start and the usual step between
 * bars: the same bars give the same fingerprints, so bars fed twice decide nothing twice.
 */
#include "flow/holding.h"
#include "flow/intake.h"
#include "flow/trade.h"
#include "store/fence.h"
#include <stdio.h>
#include <string.h>

struct market {
    UT_hash_handle hh;
    char name[NAME_SIZE];
    struct bar_step step;
};
struct markets {
    struct market *list, *recent; /* recent: bars come by the thousand, mostly of one instrument */
};

static struct market *market_of(struct core *core, const char *instrument)
{
    struct market *market;
    if (!core->markets)
        core->markets = mem_alloc(sizeof *core->markets);
    market = core->markets->recent;
    if (market && text_equal(market->name, instrument))
        return market;
    HASH_FIND_STR(core->markets->list, instrument, market);
    if (!market) {
        market = mem_alloc(sizeof *market);
        text_copy(market->name, sizeof market->name, instrument);
        HASH_ADD_STR(core->markets->list, name, market);
    }
    return core->markets->recent = market;
}

void markets_free(struct markets *markets)
{
    struct market *market, *next;
    if (!markets)
        return;
    HASH_ITER(hh, markets->list, market, next)
    {
        HASH_DELETE(hh, markets->list, market);
        mem_free(market);
    }
    mem_free(markets);
}

static int64_t close_of(struct core *core, const char *instrument, const struct bar *bar)
{
    struct market *market = market_of(core, instrument);
    bar_step_note(&market->step, bar->at_us);
    return bar->at_us + market->step.step_us;
}

static void submit(struct core *core, const char *strategy, const char *instrument,
                   const struct bar_signal *wish, int64_t at_us)
{
    const struct instrument *traded = instrument_find(&core->options.instruments, instrument);
    struct signal signal;
    struct str extra = STR_EMPTY;
    row_init(&tables[TABLE_SIGNAL], &signal);
    text_copy(signal.source, sizeof signal.source, "strategy");
    text_copy(signal.strategy, sizeof signal.strategy, strategy);
    text_copy(signal.instrument, sizeof signal.instrument, instrument);
    text_copy(signal.position, sizeof signal.position, wish->position);
    signal.type = wish->type;
    signal.side = wish->side;
    signal.price = tick_price(traded, wish->price);
    signal.stop = tick_stop(traded, wish->side, wish->stop);
    signal.atr = wish->atr;
    signal.quantity = wish->quantity;
    signal.at_us = at_us;
    signal.received_us = clock_wall(core->clock);
    if (*wish->note) {
        str_puts(&extra, "{\"note\":");
        str_put_json(&extra, wish->note);
        str_putc(&extra, '}');
        signal.extra = str_text(&extra);
    }
    signal_fingerprint(&signal, NULL, NULL, 0);
    intake_submit(core, &signal, false, 0, (struct waiter){0});
    str_free(&extra);
}

/* All instances see the bars, so that each knows where its policies stand; the one that trades the
 * instrument speaks for them, or the leader while nobody does. */
static bool is_ours(struct core *core, const char *instrument)
{
    if (core_works(core, instrument))
        return true;
    return core_is_leader(core) && !fence_owner(core->book, holding_key(core, instrument));
}

void bars_feed(struct core *core, const char *instrument, const struct bar *bar)
{
    const struct position *positions[LAYERS_MAX] UNSET;
    struct portfolio portfolio UNSET;
    struct facts facts UNSET;
    struct bar_signals wishes UNSET;
    struct err err UNSET;
    int64_t at_us = close_of(core, instrument, bar);
    size_t count = policies_count(core->policies);
    for (size_t i = 0; i < count; i++) {
        struct policy *policy = policies_at(core->policies, i);
        if (!policy_has_on_bar(policy) || !policy_trades(policy, instrument))
            continue;
        const char *strategy = policy_name(policy);
        facts_gather(core, strategy, instrument, positions, LAYERS_MAX, &portfolio, &facts);
        if (!policy_on_bar(policy, &facts, bar, &wishes, &err)) {
            log_write(core->log, LOG_WARN, "bars", "on_bar failed", LOG_T("strategy", strategy),
                      LOG_T("error", err.text), LOG_END);
            continue;
        }
        if (wishes.stop_count + wishes.count == 0 || !is_ours(core, instrument))
            continue;
        for (size_t k = 0; k < wishes.stop_count && core_works(core, instrument); k++)
            stops_move(core, &facts, &wishes.stops[k]);
        for (size_t k = 0; k < wishes.count; k++)
            submit(core, strategy, instrument, &wishes.list[k], at_us);
    }
}
