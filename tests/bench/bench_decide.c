/* What one decision and one bar cost through the pyramiding strategy: facts in, gates, sizing,
 * intent out. Prints medians of batches, and fails when the decision without a trace is over 2 µs
 * or a bar over 2.5 µs (BENCH_LENIENT=1: only prints). */
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCHES 101
#define CALLS 2000

static struct decimal number(const char *text)
{
    struct decimal out = decimal_bad();

    if (!decimal_parse(text, strlen(text), &out, NULL))
        abort();
    return out;
}

static int64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static struct {
    struct instrument instrument;
    struct signal signal;
    struct portfolio portfolio;
    struct position layer;
    const struct position *layers[1];
    struct pyramid pyramid;
    struct facts facts;
} world;

static void make_world(void)
{
    world.instrument = (struct instrument){.name = "BANK_NIFTY",
                                           .exchange = "NSE",
                                           .lot_size = number("35"),
                                           .tick = number("0.05"),
                                           .quantity_step = number("1"),
                                           .point_value = number("35"),
                                           .margin = number("270000"),
                                           .min_quantity = number("1"),
                                           .max_quantity = number("100")};
    row_init(&tables[TABLE_SIGNAL], &world.signal);
    world.signal.type = SIGNAL_PYRAMID;
    text_copy(world.signal.position, sizeof world.signal.position, "Long_2");
    world.signal.price = number("52500");
    world.signal.stop = number("52000");
    world.signal.atr = number("350");
    world.signal.at_us = 1700000000000000;
    row_init(&tables[TABLE_POSITION], &world.layer);
    text_copy(world.layer.label, sizeof world.layer.label, "Long_1");
    world.layer.is_base_position = true;
    world.layer.quantity = number("10");
    world.layer.entry_price = number("51900");
    world.layer.initial_stop = world.layer.stop = number("51550");
    world.layer.atr = number("350");
    world.layer.opened_us = 1699990000000000;
    world.layers[0] = &world.layer;
    row_init(&tables[TABLE_PYRAMID], &world.pyramid);
    world.pyramid.layers = 1;
    world.pyramid.quantity = world.pyramid.base_quantity = number("10");
    world.pyramid.last_entry_price = world.pyramid.base_entry_price = number("51900");
    world.pyramid.base_stop = number("51550");
    world.portfolio = (struct portfolio){.equity = number("5000000"),
                                         .unrealised = number("210000"),
                                         .blended_equity = number("5105000"),
                                         .open_risk = number("122500"),
                                         .open_risk_percent = number("2.45"),
                                         .margin_used = number("2700000"),
                                         .margin_free = number("2300000"),
                                         .exposure = number("18165000"),
                                         .day_loss = number("0"),
                                         .drawdown_percent = number("0"),
                                         .open_positions = 1};
    world.facts = (struct facts){.signal = &world.signal,
                                 .instrument = &world.instrument,
                                 .positions = world.layers,
                                 .position_count = 1,
                                 .pyramid = &world.pyramid,
                                 .portfolio = &world.portfolio,
                                 .last_price = number("52505"),
                                 .last_price_us = 1700000000000000,
                                 .instrument_unrealised = number("272500"),
                                 .now_us = 1700000001000000};
}

static int compare_times(const void *left, const void *right)
{
    const double *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

struct timing {
    double median, best;
};

static struct timing judge(double times[BATCHES])
{
    qsort(times, BATCHES, sizeof *times, compare_times);
    return (struct timing){times[BATCHES / 2], times[0]};
}

static void show(const char *what, struct timing timing)
{
    printf("%-28s median %6.0f ns  best %6.0f ns\n", what, timing.median, timing.best);
}

static struct timing time_decide(struct policy *policy, struct str *trace)
{
    double times[BATCHES];
    struct intent intent;

    for (int batch = 0; batch < BATCHES; batch++) {
        int64_t start = now_ns();

        for (int i = 0; i < CALLS; i++) {
            if (trace)
                str_clear(trace);
            policy_decide(policy, &world.facts, &intent, trace);
        }
        times[batch] = (double)(now_ns() - start) / CALLS;
    }
    if (intent.verdict != VERDICT_ACCEPT) {
        fprintf(stderr, "the decision is no acceptance: %s %s\n", intent.gate, intent.reason);
        exit(1);
    }
    return judge(times);
}

static struct timing time_bars(struct policy *policy, bool open)
{
    double times[BATCHES];
    struct bar_signals signals;
    struct facts facts = world.facts;
    struct err err;
    int64_t at = 0, price = 50000;

    facts.signal = NULL;
    if (!open) {
        facts.position_count = 0;
        facts.pyramid = NULL;
    }
    for (int batch = 0; batch < BATCHES; batch++) {
        int64_t start = now_ns();

        for (int i = 0; i < CALLS; i++) {
            int64_t close = price + (i * 7919) % 101 - 50;
            struct bar bar = {.at_us = at,
                              .open = decimal_int(price),
                              .high = decimal_int(price + 60),
                              .low = decimal_int(price - 60),
                              .close = decimal_int(close),
                              .volume = decimal_bad()};

            at += 900000000;
            price = close;
            if (!policy_on_bar(policy, &facts, &bar, &signals, &err)) {
                fprintf(stderr, "on_bar failed: %s\n", err.text);
                exit(1);
            }
            if (price < 1000 || price > 90000)
                price = 50000;
        }
        times[batch] = (double)(now_ns() - start) / CALLS;
    }
    return judge(times);
}

/* Compiling and checking a version, which may happen beside the loop, and the swap, which may not.
 */
static bool time_reload(struct policies *policies, const struct policy_source *files, size_t count,
                        struct timing *prepare, struct timing *adopt)
{
    double prepares[BATCHES], adopts[BATCHES];
    struct policy_version row;
    struct err err;

    for (int batch = 0; batch < BATCHES; batch++) {
        char value[8];
        const struct policy_params other = {"pyramids", value}; /* another hash each time */
        struct policy_prepared *prepared;
        int64_t start = now_ns(), middle;

        snprintf(value, sizeof value, "%d", batch % 6);
        prepared = policies_prepare(policies, "pyramid", files, count, &other, 1, "bench", &row,
                                    NULL, &err);
        if (!prepared)
            return false;
        middle = now_ns();
        prepared = policies_adopt(policies, prepared, &row);
        prepares[batch] = (double)(middle - start);
        adopts[batch] = (double)(now_ns() - middle);
        policies_discard(prepared);
    }
    *prepare = judge(prepares);
    *adopt = judge(adopts);
    return true;
}

int main(void)
{
    const struct policies_options options = {.stock_dir = "lua", .clock = clock_real()};
    struct policies *policies = policies_new(&options);
    struct policy_source *files;
    struct policy_version row;
    struct str report = STR_EMPTY, trace = STR_EMPTY;
    struct arena arena;
    struct err err = {.class = ERR_NONE};
    size_t count;
    struct timing bare, traced, flat, open, prepare, adopt;

    arena_init(&arena, 16 << 10);
    make_world();
    if (!policy_read_folder("strategies/pyramid", &arena, &files, &count, &err) ||
        !policies_load(policies, "pyramid", files, count, NULL, 0, "bench", &row, &report, &err)) {
        fprintf(stderr, "%s\n%s", err.text, str_text(&report));
        return 1;
    }
    bare = time_decide(policies_find(policies, "pyramid"), NULL);
    traced = time_decide(policies_find(policies, "pyramid"), &trace);
    flat = time_bars(policies_find(policies, "pyramid"), false);
    open = time_bars(policies_find(policies, "pyramid"), true);
    show("decision", bare);
    show("decision with trace", traced);
    show("bar, nothing open", flat);
    show("bar, a position open", open);
    if (!time_reload(policies, files, count, &prepare, &adopt))
        return 1;
    show("compile and check a version", prepare);
    show("swap", adopt);
    policies_free(policies);
    arena_free(&arena);
    str_free(&report);
    str_free(&trace);
    return (bare.median <= 2000 && flat.median <= 2500) || getenv("BENCH_LENIENT") ? 0 : 1;
}
