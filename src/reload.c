/* Why: compiling and warming a version takes longer than the loop may stand still. */
#include "reload.h"
#include "io/worker.h"
#include <string.h>

struct reload {
    struct core *core;
    struct feeds *feeds;
    struct loop *loop;
    const struct config *config;
    struct worker *worker;
};
struct job { /* one strategy being loaded, or an answer to be given */
    struct worker_job work;
    struct reload *reload;
    const struct config_strategy *strategy;
    struct waiter to;
    struct arena arena;
    const char *author;
    struct feed_snapshot *snapshots;
    size_t snapshot_count;
    struct portfolio portfolio;
    struct policy_prepared *prepared, *retired;
    struct policy_version version;
    struct str report, answer;
    struct err err;
    int64_t begun_us;
};

static struct job *new_job(struct reload *reload, const char *strategy, const char *author,
                           struct waiter to)
{
    struct job *job = mem_alloc(sizeof *job);
    job->reload = reload;
    job->to = to;
    job->begun_us = clock_steady(reload->core->clock);
    arena_init(&job->arena, 65536);
    job->author = arena_text(&job->arena, author);
    for (size_t i = 0; i < reload->config->strategy_count; i++)
        if (strcmp(reload->config->strategies[i].name, strategy) == 0)
            job->strategy = &reload->config->strategies[i];
    return job;
}

static void free_job(struct job *job)
{
    str_free(&job->report);
    str_free(&job->answer);
    arena_free(&job->arena);
    mem_free(job);
}

static void answer(struct job *job)
{
    if (job->err.class != ERR_NONE)
        wait_answer(job->to, &job->err, NULL);
    else
        wait_answer(job->to, NULL, str_text(&job->answer));
}

static void give_answer(void *ctx)
{
    answer(ctx);
    free_job(ctx);
}

static void log_record(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct reload *reload = owner;
    (void)handle;
    (void)value;
    if (err && err->class != ERR_NONE)
        log_write(reload->core->log, LOG_ERROR, "policy", "a version was not recorded",
                  LOG_T("error", err->text), LOG_END);
}

void reload_note(struct reload *reload, const struct policy_version *version)
{
    policy_record(reload->core, version, (struct waiter){log_record, reload, 0});
}

/* ---- on the thread ---- */

static bool warm(struct job *job)
{
    for (size_t i = 0; i < job->snapshot_count; i++) {
        const struct feed_snapshot *snapshot = &job->snapshots[i];
        if (!policies_prepared_trades(job->prepared, snapshot->instrument->name))
            continue;
        for (size_t n = 0; n < snapshot->count; n++) {
            struct facts facts = feeds_warm_facts(snapshot, &snapshot->bars[n], &job->portfolio);
            if (!policies_warm_prepared(job->prepared, &facts, &snapshot->bars[n], &job->err))
                return err_prefix(&job->err, "it fails on the bars of %s",
                                  snapshot->instrument->name);
        }
    }
    return true;
}

static void prepare(struct worker_job *work)
{
    struct job *job = (struct job *)work;
    const struct config_strategy *strategy = job->strategy;
    struct policy_source *files = NULL;
    size_t count = 0;
    if (!policy_read_folder(strategy->folder, &job->arena, &files, &count, &job->err))
        return;
    struct policy_params *params =
        arena_alloc(&job->arena, sizeof *params * (strategy->param_count + 1));
    for (size_t i = 0; i < strategy->param_count; i++)
        params[i] = (struct policy_params){strategy->params[i].name, strategy->params[i].value};
    job->prepared = policies_prepare(job->reload->core->policies, strategy->name, files, count,
                                     params, strategy->param_count, job->author, &job->version,
                                     &job->report, &job->err);
    if (job->prepared && !warm(job)) {
        policies_discard(job->prepared);
        job->prepared = NULL;
        job->version.status = POLICY_REFUSED;
        text_copy(job->version.reason, sizeof job->version.reason, job->err.text);
    }
}

static void drop(struct worker_job *work)
{
    policies_discard(((struct job *)work)->retired);
}

/* ---- back on the loop ---- */

static void refuse(struct job *job)
{
    struct reload *reload = job->reload;
    log_write(reload->core->log, LOG_ERROR, "policy", "a version was refused; the live one stays",
              LOG_T("strategy", job->strategy->name), LOG_T("author", job->author),
              LOG_T("error", job->report.length ? str_text(&job->report) : job->err.text), LOG_END);
    if (job->version.id[0])
        reload_note(reload, &job->version);
}

static void dropped(struct worker_job *work)
{
    free_job((struct job *)work);
}

/* A Lua state of some hundred kilobytes: freed where it was made, not on the loop. */
static void drop_retired(struct job *job)
{
    struct err err;
    job->work = (struct worker_job){.run = drop, .done = dropped};
    if (job->retired && worker_post(job->reload->worker, &job->work, &err))
        return;
    policies_discard(job->retired);
    free_job(job);
}

static void adopt(struct worker_job *work)
{
    struct job *job = (struct job *)work;
    struct reload *reload = job->reload;
    if (!job->prepared) {
        refuse(job);
        give_answer(job);
        return;
    }
    struct policy *live = policies_find(reload->core->policies, job->strategy->name);
    bool same = live && strcmp(policy_hash(live), job->version.hash) == 0;
    int64_t begun_us = clock_steady(reload->core->clock);
    job->retired = policies_adopt(reload->core->policies, job->prepared, &job->version);
    if (!same) {
        feeds_warm(reload->feeds, job->strategy->name, job->snapshots, job->snapshot_count);
        int64_t now_us = clock_steady(reload->core->clock);
        log_write(reload->core->log, LOG_INFO, "policy", "a version is live",
                  LOG_T("strategy", job->strategy->name), LOG_T("version", job->version.version),
                  LOG_T("hash", job->version.hash), LOG_T("author", job->author),
                  LOG_MS("prepared_ms", begun_us - job->begun_us),
                  LOG_MS("paused_ms", now_us - begun_us), LOG_END);
        reload_note(reload, &job->version);
    }
    row_json(&tables[TABLE_POLICY], &job->version, &job->answer);
    answer(job);
    drop_retired(job);
}

void reload_strategy(struct reload *reload, const char *strategy, const char *author,
                     struct waiter to)
{
    struct job *job = new_job(reload, strategy, author, to);
    if (!job->strategy) {
        err_set(&job->err, ERR_REFUSED, ERR_NOT_FOUND, "no strategy \"%s\" is configured",
                strategy);
        loop_defer(reload->loop, give_answer, job);
        return;
    }
    job->work = (struct worker_job){.run = prepare, .done = adopt};
    job->snapshot_count = feeds_snapshot(reload->feeds, &job->arena, &job->snapshots);
    portfolio_now(reload->core, &job->portfolio);
    if (!worker_post(reload->worker, &job->work, &job->err))
        loop_defer(reload->loop, give_answer, job);
}

void reload_roll_back(struct reload *reload, const char *strategy, const char *author,
                      struct waiter to)
{
    struct job *job = new_job(reload, strategy, author, to);
    if (!job->strategy) {
        err_set(&job->err, ERR_REFUSED, ERR_NOT_FOUND, "no strategy \"%s\" is configured",
                strategy);
    } else if (policies_rollback(reload->core->policies, strategy, &job->version, &job->err)) {
        text_copy(job->version.author, sizeof job->version.author, author);
        feeds_warm(reload->feeds, strategy, NULL, 0);
        reload_note(reload, &job->version);
        row_json(&tables[TABLE_POLICY], &job->version, &job->answer);
    }
    loop_defer(reload->loop, give_answer, job);
}

struct reload *reload_open(struct core *core, struct feeds *feeds, struct loop *loop,
                           const struct config *config, struct err *err)
{
    struct reload *reload = mem_alloc(sizeof *reload);
    *reload = (struct reload){.core = core, .feeds = feeds, .loop = loop, .config = config};
    reload->worker =
        worker_new(loop, &(struct worker_options){.name = "policies", .queue_max = 256}, err);
    if (reload->worker)
        return reload;
    mem_free(reload);
    return NULL;
}

void reload_close(struct reload *reload)
{
    if (!reload)
        return;
    worker_free(reload->worker);
    mem_free(reload);
}
