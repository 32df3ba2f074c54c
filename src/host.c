/* Why: every part is opened in one visible order and closed in the reverse one. Read
 * host_parts_open down: that is what a host is made of. */
#include "host.h"
#include "base/embed.h"
#include "host_inner.h"
#include "io/file.h"
#include "io/loop.h"
#include "io/trap.h"
#include "io/watch.h"
#include "script/sandbox.h"
#include "store/spool.h"
#include "store/store_bodies.h"
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define HOUSEKEEPING_US 1000000

const char *tidelock_version(void)
{
    return TIDELOCK_VERSION;
}

const char *tidelock_error(struct tidelock *t)
{
    return t->error;
}

/* ---- each turn ---- */

static int64_t turn_parts(void *ctx, int64_t steady_us)
{
    (void)steady_us;
    struct tidelock *t = ctx;
    broker_turn(t->core.broker);
    int64_t next = core_turn(&t->core), due = broker_due(t->core.broker);
    cluster_turn(t->cluster);
    log_flush(t->log);
    return due < next ? due : next;
}

static void keep_house(void *ctx)
{
    struct tidelock *t = ctx;
    int64_t longest_us = loop_longest_turn_us(t->loop);
    if (longest_us > 100000)
        log_write(t->log, LOG_WARN, "host", "the loop was held up",
                  LOG_MS("longest_ms", longest_us), LOG_END);
    if (t->stage == HOST_RUNNING) {
        narrate_turn(&t->narrator);
        serve_keep_watch(t->serve);
        if (host_deposit_is_due(t))
            host_deposit(t);
    }
    loop_timer_start_in(t->housekeeping, HOUSEKEEPING_US);
}

/* ---- policies ---- */

static void folder_changed(void *ctx, const char *folder)
{
    struct tidelock *t = ctx;
    bool configured = false;
    for (size_t i = 0; i < t->config.strategy_count; i++)
        configured |= strcmp(t->config.strategies[i].name, folder) == 0;
    if (configured && t->stage == HOST_RUNNING)
        reload_strategy(t->reload, folder, "file watch", (struct waiter){0});
}

static void change_policy(void *ctx, const char *verb, const char *name, const char *who,
                          struct waiter to)
{
    struct tidelock *t = ctx;
    if (strcmp(verb, "push") == 0)
        reload_strategy(t->reload, name, who, to);
    else
        reload_roll_back(t->reload, name, who, to);
}

static void policy_changed_itself(void *ctx, struct policy *policy,
                                  const struct policy_version *version)
{
    struct tidelock *t = ctx;
    (void)policy;
    log_write(t->log, LOG_ERROR, "policy", "a version rolled itself back, or has a new worker",
              LOG_T("strategy", version->strategy), LOG_T("reason", version->reason), LOG_END);
    feeds_warm(t->feeds, version->strategy, NULL, 0);
    reload_note(t->reload, version);
}

static bool load_strategies(struct tidelock *t, struct err *err)
{
    for (size_t i = 0; i < t->config.strategy_count; i++) {
        struct policy_version version = {0};
        struct str report = STR_EMPTY;
        bool ok = host_load_strategy(t->core.policies, &t->config.strategies[i], "start", &version,
                                     &report, err);
        if (ok)
            log_write(t->log, LOG_INFO, "policy", "a version is live",
                      LOG_T("strategy", version.strategy), LOG_T("version", version.version),
                      LOG_T("hash", version.hash), LOG_END);
        if (!ok && report.length)
            err_set(err, ERR_REFUSED, ERR_POLICY, "%s", str_text(&report));
        str_free(&report);
        if (!ok)
            return err_prefix(err, "strategy %s was refused", t->config.strategies[i].name);
    }
    policies_on_change(t->core.policies, policy_changed_itself, t);
    return true;
}

/* ---- opening ---- */

static void pass_log_line(void *ctx, enum log_level level, const char *line)
{
    struct tidelock *t = ctx;
    t->options.log(t->options.log_ctx, (int)level, line);
}

static bool open_store(struct tidelock *t, struct err *err)
{
    struct late_options options = {&t->config, &t->core, t->loop, host_store_arrived, t};
    t->core.log = t->log;
    t->core.metrics = t->metrics;
    return late_open(&options, &t->late, err);
}

static bool open_core(struct tidelock *t, struct err *err)
{
    host_core_options(&t->config, &t->core.options);
    t->core.book = book_new();
    t->core.stats = book_new();
    chance_seed_system(&t->core.chance);
    t->cluster = cluster_open(&t->config, &t->core, t->loop, err);
    if (!t->cluster || !core_start(&t->core, err))
        return false;
    cluster_follow(t->cluster);
    return t->late || host_load_book(t, err);
}

static bool open_mirror(struct tidelock *t, struct err *err)
{
    const char *place = t->config.store_mirror;
    const struct config_secret *password = &t->config.postgres.password;
    struct store *second = place ? host_open_store_at(place, password, t->loop, err) : NULL;
    if (second)
        t->mirror = mirror_open(&t->core, t->loop, second, err);
    return !place || t->mirror || err_prefix(err, "store.mirror");
}

static bool open_broker(struct tidelock *t, struct err *err)
{
    char journal[1100];
    snprintf(journal, sizeof journal, "%s.paper", t->config.store_path);
    const char *path =
        t->config.broker.journal && *t->config.broker.journal ? t->config.broker.journal : journal;
    struct host_wires wires = {t->loop, t->core.clock, t->log, t->metrics, path};
    t->core.broker = host_open_broker(&t->config, &wires, err);
    return t->core.broker != NULL;
}

static bool open_policies(struct tidelock *t, struct err *err)
{
    if (!host_needs_workers(&t->config)) {
        sandbox_workers_free(t->workers);
        t->workers = NULL;
    }
    struct sandbox_workers *workers = t->workers;
    t->workers = NULL; /* theirs now */
    t->core.policies = host_open_policies(&t->config, workers, t->log, t->metrics, t->core.clock);
    return load_strategies(t, err);
}

static bool open_feeds(struct tidelock *t, struct err *err)
{
    t->feeds = feeds_open(&t->core, t->loop, &t->config, err);
    if (!t->feeds)
        return false;
    t->core.prices = (struct prices){
        .last = feeds_last, .age_us = feeds_age, .ctx = t->feeds, .moves = feeds_moves(t->feeds)};
    t->reload = reload_open(&t->core, t->feeds, t->loop, &t->config, err);
    return t->reload != NULL;
}

static void stop_from_door(void *ctx)
{
    tidelock_stop(ctx);
}

static bool open_serve(struct tidelock *t, struct err *err)
{
    struct serve_options options = {
        .loop = t->loop,
        .core = &t->core,
        .config = &t->config,
        .feeds = t->feeds,
        .hints = cluster_hints(t->cluster),
        .log = t->log,
        .metrics = t->metrics,
        .hooks = {.ctx = t, .policy = change_policy, .stop = stop_from_door}};
    t->serve = serve_open(&options, err);
    return t->serve != NULL;
}

static void caught_trap(void *ctx, int number)
{
    struct tidelock *t = ctx;
    log_write(t->log, LOG_INFO, "host", number == SIGINT ? "interrupted" : "asked to stop",
              LOG_END);
    tidelock_stop(t);
}

static bool open_traps(struct tidelock *t, struct err *err)
{
    t->housekeeping = loop_timer_new(t->loop, keep_house, t);
    loop_timer_start_in(t->housekeeping, HOUSEKEEPING_US);
    if (!t->options.traps)
        return true;
    trap_ignore_pipe();
    t->traps[0] = trap_set(t->loop, SIGTERM, caught_trap, t, err);
    t->traps[1] = t->traps[0] ? trap_set(t->loop, SIGINT, caught_trap, t, err) : NULL;
    return t->traps[1] != NULL;
}

static bool open_watch(struct tidelock *t, struct err *err)
{
    if (!t->config.watch || !file_is_folder(t->config.strategies_dir))
        return true;
    t->watch = watch_new(t->loop, t->config.strategies_dir, folder_changed, t, err);
    return t->watch != NULL;
}

static bool open_parts(struct tidelock *t, struct err *err)
{
    t->core.clock = clock_real();
    t->opened_us = clock_steady(t->core.clock);
    t->log = log_new(t->options.log_fd, t->config.log_format, t->config.log_level, t->core.clock,
                     t->config.instance);
    if (t->options.log)
        log_set_hook(t->log, pass_log_line, t);
    t->metrics = metrics_new();
    t->loop = loop_new(t->core.clock, t->metrics, err);
    return t->loop && open_store(t, err) && open_broker(t, err) && open_policies(t, err) &&
           open_core(t, err) && open_mirror(t, err) && open_feeds(t, err) && open_serve(t, err) &&
           open_traps(t, err) && open_watch(t, err);
}

/* ---- events out ---- */

static void pass_event(void *ctx, const struct store_event *event)
{
    struct tidelock *t = ctx;
    if (!t->event)
        return;
    char at[CALENDAR_TEXT_MAX];
    calendar_print(event->at_us, at);
    str_clear(&t->line);
    str_printf(&t->line, "{\"at\":\"%s\",\"kind\":\"%s\",\"subject\":", at, event->kind);
    str_put_json(&t->line, event->subject);
    str_puts(&t->line, ",\"body\":");
    event_body(&t->line, event->cause, event->changes, event->change_count);
    str_putc(&t->line, '}');
    t->event(t->event_ctx, str_text(&t->line));
}

void tidelock_listen(struct tidelock *t, void (*event)(void *ctx, const char *json_line), void *ctx)
{
    t->event = event;
    t->event_ctx = ctx;
}

/* ---- open, run, stop, close ---- */

static bool read_options(struct tidelock *t, char *error, size_t error_size)
{
    struct config_faults faults;
    bool ok = t->options.config_text
                  ? config_read_text(t->options.config_name ? t->options.config_name : "config",
                                     t->options.config_text, strlen(t->options.config_text),
                                     &t->config, &faults)
                  : config_read(t->options.config_path, &t->config, &faults);
    if (error_size)
        text_copy(error, error_size, str_text(&faults.text));
    str_free(&faults.text);
    return ok;
}

struct tidelock *tidelock_open(const struct tidelock_options *options, char *error,
                               size_t error_size, int *status)
{
    int code = TIDELOCK_CONFIG;
    struct tidelock *t = mem_alloc(sizeof *t);
    memcpy(&t->options, options,
           options->size < sizeof t->options ? options->size : sizeof t->options);
    struct err err = {0};
    /* Before the configuration is read, so that workers are no copies of its secrets. */
    t->workers = sandbox_workers_new(NULL, 0);
    if (!read_options(t, error, error_size)) {
        config_free(&t->config);
        sandbox_workers_free(t->workers);
        mem_free(t);
        t = NULL;
    } else if (!open_parts(t, &err)) {
        code = err.code == ERR_POLICY || err.code == ERR_CONFIG ? TIDELOCK_CONFIG : TIDELOCK_FAILED;
        if (error_size)
            text_copy(error, error_size, err.text);
        tidelock_close(t);
        t = NULL;
    } else {
        code = TIDELOCK_OK;
        t->hook = loop_on_turn(t->loop, turn_parts, t);
        t->listener = (struct core_listener){pass_event, t, t->core.listeners};
        t->core.listeners = &t->listener;
        narrate_begin(&t->narrator, &t->core);
        if (!t->late)
            take_over_begin(&t->core, (struct waiter){host_taken_over, t, 0});
        mirror_follow(t->mirror);
    }
    if (status)
        *status = code;
    return t;
}

static void wound_down(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)handle;
    (void)value;
    struct tidelock *t = owner;
    if (err && err->class != ERR_NONE) {
        t->exit_code = TIDELOCK_FAILED;
        text_copy(t->error, sizeof t->error, err->text);
    }
    t->stage = HOST_STOPPED;
    serve_quiesce(t->serve);
    loop_stop(t->loop);
}

void tidelock_stop(struct tidelock *t)
{
    if (t->stage == HOST_STOPPED)
        return;
    if (t->stops++ > 0) {
        log_write(t->log, LOG_WARN, "host", "forced to stop at once", LOG_END);
        t->exit_code = TIDELOCK_FAILED;
        wind_down_force(&t->core);
        t->stage = HOST_STOPPED;
        loop_stop(t->loop);
        return;
    }
    t->stage = HOST_WINDING_DOWN;
    if (late_waits(t->late)) { /* nothing was begun */
        wound_down(t, 0, NULL, NULL);
        return;
    }
    feeds_stop(t->feeds);
    wind_down_begin(&t->core, (struct waiter){wound_down, t, 0});
}

int tidelock_run(struct tidelock *t)
{
    loop_run(t->loop);
    return t->exit_code;
}

int tidelock_fd(struct tidelock *t)
{
    return loop_fd(t->loop);
}

int64_t tidelock_timeout_ms(struct tidelock *t)
{
    return loop_next_ms(t->loop);
}

int tidelock_turn(struct tidelock *t, int64_t timeout_ms)
{
    if (t->stage != HOST_STOPPED)
        loop_turn(t->loop, timeout_ms);
    return t->stage == HOST_STOPPED;
}

int tidelock_ready(struct tidelock *t)
{
    return t->stage == HOST_RUNNING && t->core.reconciled && !t->core.draining;
}

int tidelock_port(struct tidelock *t)
{
    return t->serve ? serve_port(t->serve) : 0;
}

struct submit_ctx {
    void (*answer)(void *ctx, int status, const char *json);
    void *ctx;
};

static void pass_answer(void *ctx, unsigned status, const char *json)
{
    struct submit_ctx *submit = ctx;
    submit->answer(submit->ctx, (int)status, json);
    mem_free(submit);
}

int tidelock_submit(struct tidelock *t, const char *source, const char *json, size_t length,
                    int wait_decision, void (*answer)(void *ctx, int status, const char *json),
                    void *ctx)
{
    if (t->stage == HOST_STOPPED)
        return TIDELOCK_FAILED;
    struct submit_ctx *submit = mem_alloc(sizeof *submit);
    *submit = (struct submit_ctx){answer, ctx};
    serve_submit(t->serve, source, json, length, wait_decision != 0, pass_answer, submit);
    return TIDELOCK_OK;
}

void tidelock_close(struct tidelock *t)
{
    if (!t)
        return;
    watch_free(t->watch);
    trap_free(t->traps[0]);
    trap_free(t->traps[1]);
    if (t->housekeeping)
        loop_timer_free(t->housekeeping);
    late_close(t->late);
    reload_close(t->reload);
    mirror_close(t->mirror);
    store_close(t->core.store);
    spool_close(t->core.spool);
    t->core.spool = NULL;
    serve_close(t->serve);
    feeds_close(t->feeds);
    loop_hook_free(t->hook);
    if (t->core.runner)
        core_stop(&t->core);
    policies_free(t->core.policies);
    sandbox_workers_free(t->workers);
    broker_close(t->core.broker);
    cluster_close(t->cluster);
    if (t->core.book)
        book_free(t->core.book);
    if (t->core.stats)
        book_free(t->core.stats);
    if (t->loop)
        loop_free(t->loop);
    if (t->metrics)
        metrics_free(t->metrics);
    log_free(t->log);
    str_free(&t->line);
    config_free(&t->config);
    mem_free(t);
}
