/* Ten million decisions through the policy the load bench uses, one version, one state: the most
 * the process held at the end against the most it held once warm; a collector breathes, so moments
 * say nothing. DECISIONS=n runs another number. */
#include "io/file.h"
#include "policy/policy.h"
#include "trade/signal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "tests/bench/peer"
#define WINDOW 500000 /* decisions, warm-up and end alike */

static struct instrument instrument = {.name = "INST0001", .exchange = "BENCH"};
static struct portfolio portfolio;
static struct pyramid pyramid;
static struct position layers[4];
static const struct position *open_layers[4] = {&layers[0], &layers[1], &layers[2], &layers[3]};

static int64_t rss_kib(void)
{
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &pages, &resident) != 2)
        exit(1);
    fclose(file);
    return (int64_t)resident * sysconf(_SC_PAGESIZE) / 1024;
}

static struct policies *open_policies(void)
{
    static struct instruments all = {&instrument, 1};
    const struct policies_options options = {.instruments = &all};
    struct policies *policies = policies_new(&options);
    struct policy_source *files;
    struct policy_version version;
    struct arena arena;
    struct str report = STR_EMPTY;
    struct err err = {0};
    size_t count;
    arena_init(&arena, 65536);
    if (!policy_read_folder(FOLDER, &arena, &files, &count, &err) ||
        !policies_load(policies, "peer", files, count, NULL, 0, "bench", &version, &report, &err)) {
        fprintf(stderr, "%s\n%s\n", err.text, str_text(&report));
        exit(1);
    }
    arena_free(&arena);
    str_free(&report);
    return policies;
}

static void set_facts(void)
{
    const struct decimal one = decimal_int(1), price = decimal_int(100);
    instrument.lot_size = instrument.quantity_step = instrument.point_value = one;
    instrument.min_quantity = instrument.tick = instrument.margin = one;
    instrument.max_quantity = decimal_int(1000000);
    row_init(&tables[TABLE_PYRAMID], &pyramid);
    pyramid.last_entry_price = pyramid.base_entry_price = price;
    portfolio.equity = portfolio.blended_equity = decimal_int(10000000);
    portfolio.open_risk_percent = decimal_bad();
    for (size_t i = 0; i < 4; i++) {
        row_init(&tables[TABLE_POSITION], &layers[i]);
        layers[i].quantity = layers[i].entry_price = price;
    }
}

/* A signal's turn: bases, pyramids at prices that pass and fail, with no to four layers open. */
static void ask(struct policy *policy, int64_t turn, struct str *trace)
{
    struct signal signal;
    struct intent intent;
    row_init(&tables[TABLE_SIGNAL], &signal);
    snprintf(signal.id, sizeof signal.id, "s%" PRIx64, (uint64_t)turn);
    snprintf(signal.position, sizeof signal.position, "Long_%d", (int)(turn % 5) + 1);
    signal.type = turn % 5 ? SIGNAL_PYRAMID : SIGNAL_BASE_ENTRY;
    signal.price = decimal_add(decimal_int(99), decimal_int(turn % 7));
    signal.at_us = signal.received_us = 1600000000000000 + turn;
    pyramid.pyramids = turn % 6;
    const struct facts facts = {.signal = &signal,
                                .instrument = &instrument,
                                .positions = open_layers,
                                .position_count = (size_t)(turn % 5),
                                .pyramid = turn % 5 ? &pyramid : NULL,
                                .portfolio = &portfolio,
                                .last_price = decimal_bad(),
                                .now_us = signal.at_us};
    if (trace)
        str_clear(trace);
    policy_decide(policy, &facts, &intent, trace);
    if (intent.verdict == VERDICT_FAILED) {
        fprintf(stderr, "%s\n", intent.reason);
        exit(1);
    }
}

/* The most the process held at any thousandth decision. */
static int64_t decide(struct policy *policy, int64_t from, int64_t count, struct str *trace)
{
    int64_t most = 0;
    for (int64_t i = from; i < from + count; i++) {
        ask(policy, i, i % 10 ? NULL : trace);
        int64_t now = i % 1000 ? 0 : rss_kib();
        most = now > most ? now : most;
    }
    return most;
}

int main(void)
{
    const char *asked = getenv("DECISIONS");
    int64_t count = asked ? strtoll(asked, NULL, 10) : 10000000;
    struct policies *policies = open_policies();
    struct policy *policy = policies_find(policies, "peer");
    struct str trace = STR_EMPTY;
    set_facts();
    decide(policy, 0, WINDOW, &trace);
    int64_t before = decide(policy, 0, WINDOW, &trace);
    decide(policy, 0, count, &trace);
    int64_t after = decide(policy, 0, WINDOW, &trace);
    printf("growth over %" PRId64 " decisions: %" PRId64 " KiB (from %" PRId64 " to %" PRId64 ")\n",
           count, after - before, before, after);
    str_free(&trace);
    policies_free(policies);
    return 0;
}
