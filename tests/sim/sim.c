/* The simulator's command line.
 *
 *     sim --seeds N [--from S]   every crash point of the orderly runs, N random schedules,
 *                                every mutant
 *     sim --several ...          random schedules of several hosts only
 *     sim --cluster S            one of them, with its course
 *     sim --seed S               one random schedule of one host, with its course
 *     sim --point K [--lose] [--shutdown]
 *                                one crash point of the orderly run, with its course
 *     sim --mutant NAME ...      with a deliberate mistake in the stories
 *
 * A failure prints what is wrong, the last of its course, and the command that plays it again. */
#include "sim.h"
#include "flow/mutant.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum mutant mutant_live;
static const char *const mutant_names[MUTANT_COUNT] = {"none",
                                                       "ack_before_commit",
                                                       "resend_on_timeout",
                                                       "skip_claim",
                                                       "forget_term",
                                                       "apply_fill_twice",
                                                       "conclude_from_absence",
                                                       "roll_twice",
                                                       "skip_fence",
                                                       "two_leaders",
                                                       "adopt_blindly",
                                                       "follow_twice",
                                                       "no_rebase",
                                                       "doubt_fails",
                                                       "trust_claim"};
#define MUTANTS_ALONE MUTANT_SKIP_FENCE /* from here on they need several instances */
enum { MUTANT_SEEDS = 2000, COURSE_LINES = 70 };

struct arguments {
    uint64_t seeds, from, seed, mutant_seeds;
    int64_t point;
    bool several, one, lose, shut_down;
    int mutant;
};
static unsigned passed, failed;

/* ---- what is traded, and by whom ---- */

static struct instrument instruments[INSTRUMENTS];
const struct instruments sim_instruments = {instruments, INSTRUMENTS};
const char *const sim_strategy_names[STRATEGIES] = {"alpha", "beta"};
struct policies *sim_policies;

static const char strategy_text[] =
    "return { name = '%s', version = '1', instruments = '*',\n"
    "  gates = { { name = 'thirds', check = function(f)\n"
    "    if f.signal.quantity:eq(3) then return reject('three is too many') end\n"
    "    if f.signal.quantity:eq(4) then return defer(1, 'not yet') end\n"
    "    return pass() end } },\n"
    "  size = function(f)\n"
    "    local q = f.signal.quantity\n"
    "    if q:eq(6) then return { quantity = q, stop = f.signal.stop, kind = 'limit',\n"
    "                             limit_price = f.signal.price } end\n"
    "    return { quantity = q, stop = f.signal.stop }\n"
    "  end,\n"
    /* Trusts the broker in everything: a difference that is none would be seen in the end. */
    "  reconcile = function(d)\n"
    "    if d.kind == 'quantity_differs' then return 'use_broker' end\n"
    "    if d.kind == 'position_missing_here' then return 'adopt' end\n"
    "    if d.kind == 'position_missing_there' then return 'close_here' end\n"
    "  end,\n"
    "  rollover = function(p) return p.days_left <= 3 end }\n";

bool sim_setup(struct err *err)
{
    static const char *const names[INSTRUMENTS] = {"GOLD", "SILVER", "COPPER"};
    for (size_t i = 0; i < INSTRUMENTS; i++) {
        text_copy(instruments[i].name, sizeof instruments[i].name, names[i]);
        instruments[i].lot_size = instruments[i].quantity_step = decimal_int(1);
        instruments[i].tick = instruments[i].point_value = decimal_int(1);
        instruments[i].margin = decimal_int(10);
        instruments[i].min_quantity = decimal_int(1);
        instruments[i].max_quantity = decimal_int(1000);
    }
    /* The last one has contracts, and the near one is always due. */
    text_copy(instruments[INSTRUMENTS - 1].exchange, sizeof instruments[0].exchange, "ALWAYS");
    instruments[INSTRUMENTS - 1].expiries = "2026-09-22, 2026-12-18, 2027-02-19";
    struct policies_options options = {.instruments = &sim_instruments, .clock = clock_real()};
    sim_policies = policies_new(&options);
    for (size_t i = 0; i < STRATEGIES; i++) {
        char text[sizeof strategy_text + NAME_SIZE];
        struct policy_version version;
        struct str report = STR_EMPTY;
        int length = snprintf(text, sizeof text, strategy_text, sim_strategy_names[i]);
        struct policy_source file = {"strategy.lua", text, (size_t)length};
        bool ok = policies_load(sim_policies, sim_strategy_names[i], &file, 1, NULL, 0, "sim",
                                &version, &report, err);
        str_free(&report);
        if (!ok)
            return false;
    }
    return true;
}

void sim_teardown(void)
{
    policies_free(sim_policies);
}

/* ---- what was seen ---- */

enum { KINDS_MAX = 64 };
static struct {
    char kind[40];
    uint64_t count;
} seen[KINDS_MAX];

void seen_event(const char *kind)
{
    size_t i = 0;
    while (i < KINDS_MAX - 1 && *seen[i].kind && strcmp(seen[i].kind, kind) != 0)
        i++;
    text_copy(seen[i].kind, sizeof seen[i].kind, kind);
    seen[i].count++;
}

static void print_seen(void)
{
    printf("events:");
    for (size_t i = 0; i < KINDS_MAX && *seen[i].kind; i++)
        printf(" %s %llu", seen[i].kind, (unsigned long long)seen[i].count);
    printf("\n");
}

/* ---- plans ---- */

/* Faults come in moods: a seed has some kinds often and others not at all. */
static uint32_t mood(struct chance *chance, uint32_t most)
{
    return chance_hits(chance, 400) ? 0 : (uint32_t)chance_below(chance, most + 1);
}

static struct plan random_plan(uint64_t seed)
{
    struct chance chance;
    chance_seed(&chance, seed * 2654435761u + 17);
    struct plan plan = {.seed = seed, .crash_at = -1};
    plan.signals = 2 + chance_below(&chance, 12);
    plan.broker_fault = mood(&chance, 500);
    plan.commit_fail = mood(&chance, 100);
    plan.crash = mood(&chance, 40);
    plan.crashes_max = 1 + (unsigned)chance_below(&chance, 5);
    plan.partial = mood(&chance, 600);
    plan.reject = mood(&chance, 150);
    plan.wind_down = chance_hits(&chance, 200) ? 3 : 0;
    plan.two_hosts = chance_hits(&chance, 400);
    plan.split = plan.two_hosts ? mood(&chance, 20) : 0;
    plan.pause = plan.two_hosts ? mood(&chance, 300) : 0;
    plan.people = chance_hits(&chance, 300) ? 10 : 0;
    plan.lives_on = chance_hits(&chance, 500);
    plan.clock_jump = chance_hits(&chance, 200) ? 5 : 0;
    return plan;
}

/* Several hosts at once. */
static struct plan cluster_plan(uint64_t seed)
{
    struct chance chance;
    chance_seed(&chance, seed * 40503 + 7);
    struct plan plan = random_plan(seed);
    plan.two_hosts = false;
    plan.clock_jump = 0;
    plan.hosts = 2 + (int)chance_below(&chance, 3);
    plan.mode = chance_hits(&chance, 500) ? MODE_ACTIVE_ACTIVE : MODE_ACTIVE_PASSIVE;
    plan.signals = 4 + chance_below(&chance, 20);
    plan.crash = mood(&chance, 10);
    plan.pause = mood(&chance, 100);
    plan.hint_lies = mood(&chance, 500);
    plan.session_lies = mood(&chance, 5);
    plan.freeze = mood(&chance, 10);
    plan.late = mood(&chance, 700);
    plan.doubt = mood(&chance, 10);
    plan.money = mood(&chance, 50);
    plan.clock_rates = chance_hits(&chance, 500);
    plan.rails = chance_hits(&chance, 300);
    plan.bursts = chance_hits(&chance, 500);
    plan.wind_down = chance_hits(&chance, 200) ? 1 : 0;
    plan.twins = mood(&chance, 600);
    return plan;
}

static struct plan orderly_plan(int64_t point, bool keeps, bool shut_down)
{
    return (struct plan){.seed = 1,
                         .signals = 4,
                         .partial = 500,
                         .orderly = true,
                         .crash_at = point,
                         .crash_keeps = keeps,
                         .shut_down = shut_down,
                         .crashes_max = 1};
}

/* ---- running ---- */

static void print_course(const char *course)
{
    const char *at = course + strlen(course);
    for (int lines = 0; at > course && lines <= COURSE_LINES; at--)
        lines += at[-1] == '\n';
    printf("%s", at == course ? at : at + 1);
}

static bool run(const struct plan *plan, const char *again, bool show)
{
    struct str report = STR_EMPTY, course = STR_EMPTY;
    world_run(plan, show ? &course : NULL, &report, NULL);
    bool ok = report.length == 0;
    if (!ok && !show && mutant_live == MUTANT_NONE) {
        str_clear(&report);
        world_run(plan, &course, &report, NULL);
    }
    if (show)
        printf("%s", str_text(&course));
    if (!ok && (show || mutant_live == MUTANT_NONE)) {
        if (!show)
            print_course(str_text(&course));
        printf("not ok: %s\n%s  again with: %s\n", again, str_text(&report), again);
    }
    str_free(&report);
    str_free(&course);
    return ok;
}

static void count(bool ok)
{
    if (ok)
        passed++;
    else
        failed++;
}

static void run_points(void)
{
    char again[80];
    for (int shut_down = 0; shut_down < 2; shut_down++) {
        struct plan plan = orderly_plan(-1, false, shut_down != 0);
        struct str report = STR_EMPTY;
        int64_t points = 0;
        world_run(&plan, NULL, &report, &points);
        count(report.length == 0);
        printf("%s", str_text(&report));
        str_free(&report);
        for (int64_t k = 0; k < points && failed < 5; k++)
            for (int keeps = 0; keeps < 2; keeps++) {
                plan = orderly_plan(k, keeps != 0, shut_down != 0);
                snprintf(again, sizeof again, "sim --point %lld%s%s", (long long)k,
                         keeps ? "" : " --lose", shut_down ? " --shutdown" : "");
                count(run(&plan, again, false));
            }
        printf("%lld crash points of the orderly run%s, what was asked kept and lost\n",
               (long long)points, shut_down ? " with a shutdown" : "");
    }
}

static void run_seeds(uint64_t from, uint64_t seeds, bool several)
{
    char again[80];
    struct timespec began, ended;
    uint64_t done = 0;
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (uint64_t seed = from; seed < from + seeds && failed < 5; seed++, done++) {
        struct plan plan = several ? cluster_plan(seed) : random_plan(seed);
        snprintf(again, sizeof again, "sim --%s %llu", several ? "cluster" : "seed",
                 (unsigned long long)seed);
        count(run(&plan, again, false));
    }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    double seconds =
        (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9;
    printf("%llu random schedules%s in %.1f s, %.0f a second\n", (unsigned long long)done,
           several ? " of several hosts" : "", seconds, (double)done / (seconds > 0 ? seconds : 1));
}

/* Schedules of several hosts that once went wrong. */
static void run_kept(void)
{
    static const uint64_t kept[] = {40312,   40367,   41861,   209589, 214356,
                                    3021203, 3102052, 3113636, 4000563, 5000557};
    char again[80];
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        struct plan plan = cluster_plan(kept[i]);
        snprintf(again, sizeof again, "sim --cluster %llu", (unsigned long long)kept[i]);
        count(run(&plan, again, false));
    }
}

static void run_mutants(uint64_t seeds)
{
    for (int m = MUTANT_NONE + 1; m < MUTANT_COUNT; m++) {
        uint64_t seed = 1;
        bool caught = false;
        mutant_live = (enum mutant)m;
        for (; seed <= seeds && !caught; seed++) {
            struct plan plan = m < MUTANTS_ALONE ? random_plan(seed) : cluster_plan(seed);
            caught = !run(&plan, "", false);
        }
        mutant_live = MUTANT_NONE;
        printf("mutant %s: %s after %llu schedules\n", mutant_names[m],
               caught ? "caught" : "NOT CAUGHT", (unsigned long long)(seed - 1));
        count(caught);
    }
}

static bool read_arguments(int argc, char **argv, struct arguments *a)
{
    *a = (struct arguments){.seeds = 3000, .from = 1, .point = -1, .mutant_seeds = MUTANT_SEEDS};
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "0";
        if (strcmp(argv[i], "--seeds") == 0)
            a->seeds = strtoull(next, NULL, 10), i++;
        else if (strcmp(argv[i], "--from") == 0)
            a->from = strtoull(next, NULL, 10), i++;
        else if (strcmp(argv[i], "--cluster") == 0)
            a->seed = strtoull(next, NULL, 10), a->one = a->several = true, i++;
        else if (strcmp(argv[i], "--several") == 0)
            a->several = true;
        else if (strcmp(argv[i], "--seed") == 0)
            a->seed = strtoull(next, NULL, 10), a->one = true, i++;
        else if (strcmp(argv[i], "--point") == 0)
            a->point = strtoll(next, NULL, 10), a->one = true, i++;
        else if (strcmp(argv[i], "--lose") == 0)
            a->lose = true;
        else if (strcmp(argv[i], "--shutdown") == 0)
            a->shut_down = true;
        else if (strcmp(argv[i], "--mutant") == 0) {
            for (a->mutant = MUTANT_COUNT - 1; a->mutant > 0; a->mutant--)
                if (strcmp(next, mutant_names[a->mutant]) == 0)
                    break;
            i++;
        } else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct arguments a;
    struct err err;
    if (!read_arguments(argc, argv, &a)) {
        fprintf(stderr, "usage: sim [--seeds N] [--from S] [--seed S] [--point K [--lose] "
                        "[--shutdown]] [--mutant NAME]\n");
        return 2;
    }
    if (!sim_setup(&err)) {
        fprintf(stderr, "sim: %s\n", err.text);
        return 1;
    }
    mutant_live = (enum mutant)a.mutant;
    if (a.one) {
        struct plan plan = a.point >= 0 ? orderly_plan(a.point, !a.lose, a.shut_down)
                           : a.several  ? cluster_plan(a.seed)
                                        : random_plan(a.seed);
        count(run(&plan, "this", true));
    } else {
        if (a.mutant == MUTANT_NONE)
            run_kept();
        if (!a.several)
            run_points();
        if (!a.several)
            run_seeds(a.from, a.seeds, false);
        /* They are slower: half of them unless many are asked for. */
        run_seeds(a.from, a.seeds < 10000 && !a.several ? a.seeds / 2 : a.seeds, true);
        print_seen();
        if (a.mutant == MUTANT_NONE)
            run_mutants(a.mutant_seeds);
    }
    sim_teardown();
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? 1 : 0;
}
