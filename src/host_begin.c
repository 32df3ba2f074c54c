/* Why: between opening and trading lie waits (the database, the take-over, the first deposit), each
 * of which may be the last. */
#include "host_inner.h"
#include <stdio.h>
#include <string.h>

#define RECENT_SIGNALS 100000

static void note_seen(void *ctx, const char *signal_id)
{
    intake_seen(ctx, signal_id);
}

bool host_load_book(struct tidelock *t, struct err *err)
{
    return store_load_book(t->core.store, t->core.book, RECENT_SIGNALS, note_seen, &t->core, err) &&
           host_judge_book(&t->core, err);
}

static void announce_ready(struct tidelock *t)
{
    char url[160];
    bool v6 = strchr(t->config.listen_address, ':') != NULL;
    snprintf(url, sizeof url, "%s://%s%s%s:%d/", t->config.tls_cert ? "https" : "http",
             v6 ? "[" : "", t->config.listen_address, v6 ? "]" : "", tidelock_port(t));
    log_write(t->log, LOG_INFO, "host", "ready", LOG_T("dashboard", url),
              LOG_I("term", t->core.term),
              LOG_MS("took_ms", clock_steady(t->core.clock) - t->opened_us), LOG_END);
}

static void begin_trading(struct tidelock *t)
{
    t->stage = HOST_RUNNING;
    for (size_t i = 0; i < policies_count(t->core.policies); i++) {
        struct policy *policy = policies_at(t->core.policies, i);
        const struct policy_version *version = policy_row(policy);
        if (!book_get(t->core.book, TABLE_POLICY, version->id))
            reload_note(t->reload, version);
    }
    announce_ready(t);
    feeds_start(t->feeds);
}

static void log_failure(struct tidelock *t, const struct err *err)
{
    if (err && err->class != ERR_NONE)
        log_write(t->log, LOG_ERROR, "host", "the first deposit was not booked",
                  LOG_T("error", err->text), LOG_END);
}

bool host_deposit_is_due(const struct tidelock *t)
{
    if (t->depositing)
        return false;
    const struct account *account = book_get(t->core.book, TABLE_ACCOUNT, "main");
    return (!account || account->entries == 0) && decimal_sign(t->config.deposit) > 0 &&
           core_is_leader(&t->core);
}

static void deposited(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct tidelock *t = owner;
    (void)handle;
    (void)value;
    t->depositing = false;
    log_failure(t, err);
    if (t->stage == HOST_OPENING)
        begin_trading(t);
}

void host_deposit(struct tidelock *t)
{
    t->depositing = true;
    account_deposit(&t->core, t->config.deposit, "first deposit of the configuration",
                    (struct waiter){deposited, t, 0});
}

void host_taken_over(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)handle;
    (void)value;
    struct tidelock *t = owner;
    if (err && err->class != ERR_NONE) {
        text_copy(t->error, sizeof t->error, err->text);
        log_write(t->log, LOG_ERROR, "host", "the take-over failed", LOG_T("error", err->text),
                  LOG_END);
        t->exit_code = TIDELOCK_FAILED;
        tidelock_stop(t);
        return;
    }
    cluster_joined(t->cluster);
    if (t->stage == HOST_OPENING && host_deposit_is_due(t))
        host_deposit(t);
    else if (t->stage == HOST_OPENING) /* nobody asked to stop meanwhile */
        begin_trading(t);
}

void host_store_arrived(void *ctx, const struct err *err)
{
    struct tidelock *t = ctx;
    struct err fault;
    if (err || !host_load_book(t, &fault))
        host_taken_over(t, 0, err ? err : &fault, NULL);
    else
        take_over_begin(&t->core, (struct waiter){host_taken_over, t, 0});
}
