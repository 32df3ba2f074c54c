/* Why: the same core as the live host, on a simulated clock. Each bar is told to the paper broker
 * as four prices, everything due is turned, then the strategies see the closed bar; what they order
 * then fills from the next bar's open on. */
#include "backtest.h"
#include "base/embed.h"
#include "broker/paper.h"
#include "host.h"
#include "io/file.h"
#include "store/store_bodies.h"
#include "trade/rollover.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BARS_MAX_BYTES (1u << 30)
#define POINTS_WANTED 1500
#define SETTLE_TURNS 64
#define PEEKED_BARS 512
#define DECISIONS_KEPT 20000

struct backtest {
    const struct tidelock_backtest *job;
    struct tidelock_io *io;
    struct config config;
    struct clock_sim clock;
    struct core core;
    struct log *log;
    struct metrics *metrics;
    struct core_listener listener;
    struct arena arena;
    struct bars *bars;
    size_t bytes;
    struct decimal last_price;
    int64_t last_price_us, interval_us;
    uint64_t moves; /* of the price */
    int64_t core_due_us;
    uint64_t settled_changes; /* of the book, when nothing was left to do */
    double deepest; /* drawdown so far, to tell whether the exact one is worth computing */
    struct backtest_result result;
};

static void *grow(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room ? *room * 2 : 64;
    return mem_realloc(list, *room * size);
}

/* ---- what happened ---- */

static void note_trade(struct backtest *b, const struct position *position)
{
    struct backtest_result *r = &b->result;
    r->trades = grow(r->trades, r->trade_count, &r->trade_room, sizeof *r->trades);
    struct backtest_trade *trade = &r->trades[r->trade_count++];
    *trade = (struct backtest_trade){.side = position->side,
                                     .quantity = position->opened_quantity,
                                     .entry_price = position->entry_price,
                                     .exit_price = position->exit_price,
                                     .net = decimal_sub(position->realised, position->fees),
                                     .opened_us = position->opened_us,
                                     .closed_us = position->closed_us};
    text_copy(trade->label, sizeof trade->label, position->label);
    r->fees = decimal_add(r->fees, position->fees);
}

/* The same sentence, whatever its figures. */
static bool says_the_same(const char *a, const char *b)
{
    static const char figures[] = "+-0123456789.,";
    for (;; a++, b++) {
        a += strspn(a, figures);
        b += strspn(b, figures);
        if (*a != *b || !*a)
            return *a == *b;
    }
}

static void note_refusal(struct backtest *b, const char *gate, const char *reason)
{
    struct backtest_result *r = &b->result;
    size_t i = 0;
    while (i < r->tally_count &&
           (strcmp(r->tallies[i].gate, gate) != 0 || !says_the_same(r->tallies[i].example, reason)))
        i++;
    if (i == sizeof r->tallies / sizeof r->tallies[0])
        i--;
    if (i == r->tally_count) {
        r->tally_count++;
        text_copy(r->tallies[i].gate, NAME_SIZE, gate);
        text_copy(r->tallies[i].example, REASON_SIZE, reason);
    }
    r->tallies[i].count++;
}

static void note_decision(struct backtest *b, const struct signal *signal,
                          const struct decision *decision)
{
    struct backtest_result *r = &b->result;
    if (r->decision_count >= DECISIONS_KEPT)
        return;
    r->decisions = grow(r->decisions, r->decision_count, &r->decision_room, sizeof *r->decisions);
    struct backtest_decision *d = &r->decisions[r->decision_count++];
    *d = (struct backtest_decision){
        .at_us = signal->at_us, .price = signal->price, .quantity = decimal_bad()};
    text_copy(d->type, sizeof d->type, signal_type_names[signal->type]);
    text_copy(d->position, sizeof d->position, signal->position);
    text_copy(d->verdict, sizeof d->verdict,
              decision ? verdict_names[decision->verdict] : signal_state_names[signal->state]);
    text_copy(d->reason, sizeof d->reason, decision ? decision->reason : signal->reason);
    if (decision)
        d->quantity = decision->quantity;
}

static void note_event(void *ctx, const struct store_event *event)
{
    struct backtest *b = ctx;
    const struct signal *signal = NULL;
    const struct decision *decision = NULL;
    bool began = false, ended = false;
    for (size_t i = 0; i < event->change_count; i++) {
        const struct change *change = &event->changes[i];
        if (change->table->id == TABLE_SIGNAL) {
            const struct signal *before = change->before;
            signal = change->after;
            began = began || before == NULL;
            ended = ended || (signal_is_final(signal->state) &&
                              (!before || !signal_is_final(before->state)));
        } else if (change->table->id == TABLE_DECISION) {
            decision = change->after;
        } else if (change->table->id == TABLE_POSITION) {
            const struct position *before = change->before, *after = change->after;
            if (after->status == POSITION_CLOSED && (!before || before->status != POSITION_CLOSED))
                note_trade(b, after);
        }
    }
    if (signal && began)
        b->result.signals++;
    if (signal && ended)
        b->result.by_state[signal->state]++;
    if (signal && (decision || (ended && signal->state != SIGNAL_DONE)))
        note_decision(b, signal, decision);
    if (decision && decision->verdict != VERDICT_ACCEPT)
        note_refusal(b, decision->gate, decision->reason);
    else if (signal && ended && !decision && signal->state != SIGNAL_DONE)
        note_refusal(b, signal_state_names[signal->state], signal->reason);
}

static void note_drawdown(struct backtest *b, struct decimal equity)
{
    struct backtest_result *r = &b->result;
    r->end_equity = equity;
    if (decimal_gt(equity, r->peak_equity))
        r->peak_equity = equity;
    struct decimal drawdown = decimal_sub(r->peak_equity, equity);
    r->max_drawdown = decimal_max(r->max_drawdown, drawdown);
    double percent = decimal_to_double(drawdown) / decimal_to_double(r->peak_equity);
    if (percent > b->deepest) {
        b->deepest = percent;
        r->max_drawdown_percent = decimal_muldiv(drawdown, decimal_int(100), r->peak_equity);
    }
}

static void note_equity(struct backtest *b, int64_t at_us)
{
    struct backtest_result *r = &b->result;
    struct portfolio portfolio UNSET;
    portfolio_now(&b->core, &portfolio);
    struct decimal equity = decimal_add(portfolio.equity, portfolio.unrealised);
    if (!decimal_ok(equity))
        return;
    if (!decimal_eq(equity, r->end_equity))
        note_drawdown(b, equity);
    if (r->bars % r->point_every != 0)
        return;
    struct decimal drawdown = decimal_sub(r->peak_equity, equity);
    r->points = grow(r->points, r->point_count, &r->point_room, sizeof *r->points);
    double peak = decimal_to_double(r->peak_equity);
    r->points[r->point_count++] = (struct backtest_point){
        at_us, decimal_to_double(equity), peak > 0 ? decimal_to_double(drawdown) * 100 / peak : 0};
}

/* ---- the engine ---- */

static bool last_price(void *ctx, const char *instrument, struct decimal *price, int64_t *at_us)
{
    struct backtest *b = ctx;
    if (!decimal_ok(b->last_price) || strcmp(instrument, b->result.instrument) != 0)
        return false;
    *price = b->last_price;
    *at_us = b->last_price_us;
    return true;
}

/* Everything that is due now; what it asks for is answered in the next turn of the same moment. */
static void settle(struct backtest *b)
{
    for (int i = 0; i < SETTLE_TURNS; i++) {
        size_t answers = paper_turn(b->core.broker);
        int64_t next = b->core_due_us = core_turn(&b->core);
        answers += store_mem_turn(b->core.store);
        int64_t now_us = clock_steady(b->core.clock);
        if (!answers && next > now_us && paper_next_due_us(b->core.broker) > now_us) {
            b->settled_changes = book_changes(b->core.book);
            return;
        }
    }
}

/* Nothing has happened since all was settled, and nothing is due: another turn changes nothing. */
static bool is_at_rest(const struct backtest *b)
{
    const struct core *core = &b->core;
    const int64_t now_us = b->clock.now_steady_us;
    return book_changes(core->book) == b->settled_changes && core->due_us > now_us &&
           paper_next_due_us(core->broker) > now_us && book_count(core->book, TABLE_SIGNAL) == 0;
}

/* Steady time. The host's own timers matter only to signals that are to be tried again: whatever
 * else they do is done at the next price as well. */
static int64_t next_due_us(const struct backtest *b)
{
    int64_t due_us = paper_next_due_us(b->core.broker);
    if (b->core_due_us < due_us && intake_depth(&b->core).retrying > 0)
        due_us = b->core_due_us;
    return due_us;
}

/* To the next moment at which something is due. */
static void go_on(struct backtest *b)
{
    int64_t ahead_us = next_due_us(b) - b->clock.now_steady_us;
    if (ahead_us > 0)
        clock_sim_advance(&b->clock, ahead_us);
    settle(b);
}

/* To the moment of the next price, by way of every moment before it at which something is due: an
 * order reaches the broker within the validity of its right, though the next price be a weekend
 * away. The clock never goes back. */
static void go_to(struct backtest *b, int64_t wall_us)
{
    const int64_t until_us = b->clock.now_steady_us + wall_us - b->clock.now_wall_us;
    while (next_due_us(b) <= until_us)
        go_on(b);
    if (wall_us > b->clock.now_wall_us)
        clock_sim_set_wall(&b->clock, wall_us);
}

static void tell_price(struct backtest *b, struct decimal price, int64_t at_us)
{
    go_to(b, at_us);
    b->last_price = price;
    b->last_price_us = at_us;
    b->moves++;
    paper_price(b->core.broker, b->result.instrument, price, at_us);
    if (paper_next_due_us(b->core.broker) <= clock_steady(b->core.clock))
        settle(b);
}

/* Where no order stands and nothing is due before the close, it is the only price that counts. */
static void tell_bar(struct backtest *b, const struct bar *bar, int64_t close_us)
{
    const int64_t third_us = b->interval_us / 3;
    const bool low_first =
        decimal_le(decimal_sub(bar->open, bar->low), decimal_sub(bar->high, bar->open));
    if (!paper_is_idle(b->core.broker) || next_due_us(b) != INT64_MAX) {
        tell_price(b, bar->open, bar->at_us);
        tell_price(b, low_first ? bar->low : bar->high, bar->at_us + third_us);
        tell_price(b, low_first ? bar->high : bar->low, bar->at_us + 2 * third_us);
    }
    tell_price(b, bar->close, close_us);
}

static void run_bar(struct backtest *b, const struct bar *bar)
{
    tell_bar(b, bar, bar->at_us + b->interval_us);
    bars_feed(&b->core, b->result.instrument, bar);
    if (is_at_rest(b))
        return;
    settle(b);
    /* What was ordered now reaches the broker before the next bar opens, be it this very moment. */
    for (int i = 0; i < SETTLE_TURNS && paper_next_due_us(b->core.broker) != INT64_MAX; i++)
        go_on(b);
}

static void show_progress(struct backtest *b, bool done)
{
    if (b->job->quiet || !b->io->err || b->io->json)
        return;
    char bar[31];
    size_t filled = done ? 30 : b->bytes ? bars_progress(b->bars) * 30 / b->bytes : 0;
    for (size_t i = 0; i < 30; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[30] = '\0';
    fprintf(b->io->err, "\r[%s] %zu bars%s", bar, b->result.bars, done ? "\n" : "");
    fflush(b->io->err);
}

static bool run_bars(struct backtest *b, struct err *err)
{
    struct bar bar;
    enum bars_status status;
    bool terminal = b->io->err && isatty(fileno(b->io->err));
    while ((status = bars_next(b->bars, &bar, err)) == BARS_ONE) {
        if (b->result.bars == 0)
            b->result.first_us = bar.at_us;
        b->result.last_us = bar.at_us;
        run_bar(b, &bar);
        b->result.bars++;
        note_equity(b, bar.at_us);
        if (terminal && b->result.bars % 8192 == 0)
            show_progress(b, false);
    }
    if (terminal)
        show_progress(b, true);
    if (status == BARS_END && b->result.bars == 0)
        return err_set(err, ERR_REFUSED, ERR_INPUT, "%s has no bars", b->job->bars_path);
    return status == BARS_END;
}

/* ---- setting up ---- */

/* How long a bar lasts, from the first ones; then the reading begins anew. */
static bool find_interval(struct backtest *b, const char *text, size_t length, struct err *err)
{
    struct bars *peek = bars_open(text, length, b->job->time_zone, err);
    struct bar bar;
    struct bar_step step = {0};
    enum bars_status status = peek ? BARS_ONE : BARS_FAULT;
    for (int i = 0; status == BARS_ONE && i < PEEKED_BARS; i++) {
        status = bars_next(peek, &bar, err);
        if (status != BARS_ONE)
            break;
        if (i == 0)
            clock_sim_init(&b->clock, bar.at_us, 1000000000);
        bar_step_note(&step, bar.at_us);
    }
    bars_close(peek);
    b->interval_us = step.step_us ? step.step_us : 60000000;
    return status != BARS_FAULT;
}

static bool open_bars(struct backtest *b, struct err *err)
{
    size_t length = 0;
    char *text = file_read(&b->arena, b->job->bars_path, BARS_MAX_BYTES, 0, &length, err);
    if (!text)
        return false;
    b->bytes = length;
    if (!find_interval(b, text, length, err))
        return err_prefix(err, "%s", b->job->bars_path);
    size_t lines = 0;
    for (const char *at = text, *end = text + length; (at = memchr(at, '\n', (size_t)(end - at)));
         at++)
        lines++;
    b->result.point_every = lines / POINTS_WANTED + 1;
    b->bars = bars_open(text, length, b->job->time_zone, err);
    return b->bars != NULL;
}

static bool choose_instrument(struct backtest *b, struct err *err)
{
    const char *wanted = b->job->instrument;
    struct policy *policy = policies_at(b->core.policies, 0);
    for (size_t i = 0; i < b->config.instrument_count; i++) {
        const char *name = b->config.instruments[i].name;
        if (wanted ? strcmp(name, wanted) != 0 : !policy_trades(policy, name))
            continue;
        text_copy(b->result.instrument, NAME_SIZE, name);
        return true;
    }
    if (wanted)
        return err_set(err, ERR_REFUSED, ERR_CONFIG,
                       "%s is not among the instruments of the configuration", wanted);
    return err_set(err, ERR_REFUSED, ERR_CONFIG,
                   "the strategy trades none of the configured instruments; name one with "
                   "--instrument or give --config");
}

static bool add_params(struct backtest *b, struct config_strategy *strategy, struct err *err)
{
    char *list = arena_text(&b->arena, b->job->params ? b->job->params : "");
    size_t count = strategy->param_count;
    struct config_param *params =
        arena_alloc(&b->arena, sizeof *params * (count + strlen(list) / 2 + 2));
    for (size_t i = 0; i < count; i++)
        params[i] = strategy->params[i];
    char *save = NULL;
    for (char *part = strtok_r(list, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
        char *equals = strchr(part, '=');
        if (!equals || equals == part)
            return err_set(err, ERR_REFUSED, ERR_USAGE,
                           "--params takes name=value,name=value; \"%s\" is not that", part);
        *equals = '\0';
        params[count++] = (struct config_param){part, equals + 1};
    }
    strategy->params = params;
    strategy->param_count = count;
    return true;
}

/* The configured strategy of that folder, or one made from the folder's name. */
static bool load_strategy(struct backtest *b, struct err *err)
{
    char folder[1024];
    if (!text_copy(folder, sizeof folder, b->job->strategy_dir))
        return err_set(err, ERR_REFUSED, ERR_USAGE, "the strategy's path is too long");
    for (size_t n = strlen(folder); n > 1 && folder[n - 1] == '/'; n--)
        folder[n - 1] = '\0';
    const char *slash = strrchr(folder, '/'), *name = slash ? slash + 1 : folder;
    struct config_strategy one = {.folder = folder};
    for (size_t i = 0; i < b->config.strategy_count; i++)
        if (strcmp(b->config.strategies[i].name, name) == 0)
            one = b->config.strategies[i];
    one.folder = folder;
    if (!text_copy(one.name, sizeof one.name, name))
        return err_set(err, ERR_REFUSED, ERR_USAGE, "the strategy's name is too long");
    if (!add_params(b, &one, err))
        return false;
    struct policy_version version = {0};
    struct str report = STR_EMPTY;
    bool ok = host_load_strategy(b->core.policies, &one, "backtest", &version, &report, err);
    if (report.length && !ok)
        host_print(b->io->err, "%s\n", str_text(&report));
    str_free(&report);
    if (!ok)
        return false;
    text_copy(b->result.strategy, NAME_SIZE, one.name);
    text_copy(b->result.version, sizeof b->result.version, version.version);
    text_copy(b->result.hash, sizeof b->result.hash, version.hash);
    if (policy_has_on_bar(policies_at(b->core.policies, 0)))
        return true;
    return err_set(err, ERR_REFUSED, ERR_POLICY,
                   "%s has no on_bar: it only judges signals from outside, so bars alone give it "
                   "nothing to do",
                   one.name);
}

static int read_settings(struct backtest *b)
{
    if (b->job->config_path)
        return host_read_config(b->job->config_path, &b->config, b->io);
    const struct embedded_file *file = embed_find("lua/config/backtest.lua");
    struct config_faults faults;
    bool ok = config_read_text("built-in backtest configuration", file->data, file->size,
                               &b->config, &faults);
    if (!ok)
        host_print(b->io->err, "%s", str_text(&faults.text));
    str_free(&faults.text);
    return ok ? TIDELOCK_OK : TIDELOCK_CONFIG;
}

static void note_answer(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)handle;
    (void)value;
    if (err && err->class != ERR_NONE)
        *(struct err *)owner = *err;
}

static bool open_core(struct backtest *b, struct err *err)
{
    struct core *core = &b->core;
    core->clock = &b->clock.clock;
    host_core_options(&b->config, &core->options);
    core->options.record_trace = false;
    core->options.statistics_every_us = INT64_MAX / 2; /* nobody reads them after a crash */
    core->options.statistics_every = SIZE_MAX;
    core->options.reconcile.every_us = INT64_MAX / 2; /* its broker is part of it */
    if (!rollover_has_contracts(instrument_find(&core->options.instruments, b->result.instrument)))
        core->options.rollover_every_us = INT64_MAX / 2; /* nothing will expire */
    core->log = b->log;
    core->metrics = b->metrics;
    core->prices = (struct prices){.last = last_price, .ctx = b, .moves = &b->moves};
    core->book = book_new();
    core->store = store_mem_open(&(struct store_mem_options){
        .instance = "backtest", .immediate = true, .book = core->book, .clock = core->clock});
    core->stats = book_new();
    core->lease = lease_store_open(&(struct lease_store_options){.store = core->store,
                                                                 .clock = core->clock,
                                                                 .chance = &core->chance,
                                                                 .book = core->book,
                                                                 .name = "backtest",
                                                                 .sole = true});
    chance_seed(&core->chance, 1);
    core->broker = host_open_paper(&b->config, core->clock, NULL, err);
    if (!core->broker || !core_start(core, err))
        return false;
    paper_wait_for_prices(core->broker);
    struct err asked = {0};
    take_over_begin(core, (struct waiter){note_answer, &asked, 0});
    settle(b);
    struct decimal deposit = b->config.deposit;
    if (b->job->equity && !decimal_parse(b->job->equity, strlen(b->job->equity), &deposit, err))
        return err_prefix(err, "--equity");
    account_deposit(core, deposit, "backtest", (struct waiter){note_answer, &asked, 0});
    settle(b);
    if (asked.class != ERR_NONE) {
        *err = asked;
        return false;
    }
    b->listener = (struct core_listener){note_event, b, NULL};
    core->listeners = &b->listener;
    b->result.start_equity = b->result.end_equity = b->result.peak_equity = deposit;
    b->result.max_drawdown = b->result.max_drawdown_percent = b->result.fees = decimal_int(0);
    return true;
}

static bool open_all(struct backtest *b, struct err *err)
{
    b->last_price = decimal_bad();
    b->log = b->io->err ? log_new(fileno(b->io->err), LOG_AUTO, LOG_ERROR, clock_real(), "backtest")
                        : NULL;
    b->metrics = metrics_new();
    clock_sim_init(&b->clock, 0, 1000000000);
    b->core.policies = host_open_policies(&b->config, NULL, b->log, b->metrics, clock_real());
    b->result.bars_path = b->job->bars_path;
    b->result.zone = zone_load(b->job->time_zone ? b->job->time_zone : b->config.account_zone, err);
    if (!b->result.zone)
        return false;
    text_copy(b->result.currency, sizeof b->result.currency, b->config.currency);
    return load_strategy(b, err) && choose_instrument(b, err) && open_bars(b, err) &&
           open_core(b, err);
}

static void close_all(struct backtest *b)
{
    bars_close(b->bars);
    if (b->core.runner)
        core_stop(&b->core);
    store_close(b->core.store);
    broker_close(b->core.broker);
    lease_close(b->core.lease);
    policies_free(b->core.policies);
    if (b->core.book)
        book_free(b->core.book);
    if (b->core.stats)
        book_free(b->core.stats);
    if (b->metrics)
        metrics_free(b->metrics);
    log_free(b->log);
    backtest_result_free(&b->result);
    config_free(&b->config);
    arena_free(&b->arena);
}

static bool write_outcome(struct backtest *b, struct err *err)
{
    if (b->io->json) {
        struct str json = STR_EMPTY;
        backtest_json(&b->result, b->job->decisions != 0, &json);
        host_print(b->io->out, "%s\n", str_text(&json));
        str_free(&json);
    } else {
        backtest_print(&b->result, b->job->decisions != 0, b->io);
    }
    if (!b->job->report_path)
        return true;
    struct str html = STR_EMPTY;
    backtest_html(&b->result, &html);
    bool ok = file_write(b->job->report_path, html.data, html.length, 0644, err);
    str_free(&html);
    if (ok && !b->io->json)
        host_print(b->io->out, "\nreport: %s\n", b->job->report_path);
    return ok;
}

int tidelock_run_backtest(const struct tidelock_backtest *job, struct tidelock_io *io)
{
    struct backtest *b = mem_alloc(sizeof *b);
    b->job = job;
    b->io = io;
    arena_init(&b->arena, 65536);
    struct err err = {0};
    int code = read_settings(b);
    if (code == TIDELOCK_OK) {
        int64_t begun = 0;
        bool ok = open_all(b, &err);
        begun = clock_steady(clock_real());
        ok = ok && run_bars(b, &err);
        b->result.seconds = (double)(clock_steady(clock_real()) - begun) / 1e6;
        ok = ok && write_outcome(b, &err);
        if (!ok) {
            host_print(io->err, "tidelock backtest: %s\n", err.text);
            code = err.code == ERR_CONFIG || err.code == ERR_POLICY ? TIDELOCK_CONFIG
                   : err.code == ERR_USAGE                          ? TIDELOCK_USAGE
                                                                    : TIDELOCK_FAILED;
        }
    }
    close_all(b);
    mem_free(b);
    return code;
}
