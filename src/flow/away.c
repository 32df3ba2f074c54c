/* While the database is away, signals are made durable on this host's own disk; when it is back
 * they enter as if they had just come, in order, with the times of their receipt.
 *
 *     here ──a write is not taken, or the store has been in trouble for a moment──> away
 *     away ──one spooled signal is entered, or none is there and the store is well──> here
 *
 * Until the last one is entered nothing new is decided, and no entry that was decided before is
 * sent again, so that exits among them go first and close the entries before them. One leaves the
 * spool only after its row is durable in the store, so a crash in between enters it twice: the
 * second time its key is there already. */
#include "flow/away.h"
#include "flow/follow.h"
#include "flow/intake.h"
#include "flow/record.h"
#include "store/spool.h"
#include <string.h>

#define GRACE_US 250000 /* a server that restarts its sessions is not away */
#define LOOK_US 10000
#define AGAIN_US 250000
#define AGAIN_MOST_US 8000000
enum { UNDER_WAY_MAX = 256 };

struct away {
    bool known, had_term;
    int64_t since_us, since_wall_us; /* 0: not */
    int64_t looked_us, again_us, again_in_us, drain_us;
    size_t under_way, leaving, failed;
    int64_t drained;
    struct metric *seconds, *entered;
};
struct put { /* of its waiter */
    struct core *core;
    char id[ID_SIZE];
};

struct away *away_new(struct core *core)
{
    struct away *away = mem_alloc(sizeof *away);
    core->away = away;
    if (core->metrics) {
        away->seconds = metric_gauge(core->metrics, "tidelock_database_away_seconds",
                                     "For how long the database has not taken writes.", NULL);
        away->entered = metric_counter(core->metrics, "tidelock_spool_entered_total",
                                       "Spooled signals that stand in the database.", NULL);
    }
    return away;
}

void away_free(struct core *core)
{
    mem_free(core->away);
    core->away = NULL;
}

/* ---- away, here ---- */

static void note_away(struct core *core)
{
    struct away *away = core->away;
    if (away->since_us)
        return;
    away->since_us = clock_steady(core->clock);
    away->since_wall_us = clock_wall(core->clock);
    away->drained = 0;
}

static void make_known(struct core *core, const char *why)
{
    struct away *away = core->away;
    if (away->known)
        return;
    away->known = true;
    log_write(core->log, LOG_ERROR, "away",
              core->spool ? "the database is away: signals go to the spool, nothing new is sent"
                          : "the database is away: signals are refused, nothing new is sent",
              LOG_T("error", why), LOG_END);
}

static void make_here(struct core *core)
{
    struct away *away = core->away;
    if (away->known)
        log_write(core->log, LOG_INFO, "away", "the database is back",
                  LOG_MS("away_ms", clock_steady(core->clock) - away->since_us),
                  LOG_I("spooled", (int64_t)(core->spool ? spool_count(core->spool) : 0)), LOG_END);
    away->known = false;
    away->since_us = away->since_wall_us = away->again_in_us = 0;
}

void away_heard(struct core *core, const struct err *err)
{
    struct away *away = core->away;
    if (!core->spool || (err->class != ERR_LATER && err->class != ERR_MAYBE_DONE) ||
        err->code == ERR_BUSY)
        return;
    away->again_in_us = away->again_in_us ? away->again_in_us * 2 : AGAIN_US;
    if (away->again_in_us > AGAIN_MOST_US)
        away->again_in_us = AGAIN_MOST_US;
    away->again_us = clock_steady(core->clock) + away->again_in_us;
    note_away(core);
    make_known(core, err->text);
}

bool away_spools(const struct core *core)
{
    const struct away *away = core->away;
    bool joins =
        !core->term && (!away->had_term || core->taking_over || core->rejoin_us != INT64_MAX);
    return core->spool && (away->known || joins);
}

bool away_holds(const struct core *core)
{
    const struct away *away = core->away;
    return core->spool && (away->known || spool_count(core->spool) > away->failed + away->leaving);
}

bool core_away(const struct core *core, struct away_view *view)
{
    const struct away *away = core->away;
    struct spool_status spool = {.ok = true};
    if (core->spool)
        spool_status(core->spool, &spool);
    *view =
        (struct away_view){.away = away->known,
                           .since_us = away->known ? away->since_wall_us : 0,
                           .away_us = away->known ? clock_steady(core->clock) - away->since_us : 0,
                           .spools = core->spool != NULL,
                           .spool_ok = spool.ok,
                           .spooled = spool.count};
    text_copy(view->text, sizeof view->text, spool.text);
    return away->known;
}

/* ---- into the spool ---- */

static void was_put(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct put *put = owner;
    const struct spooled *entry = value;
    (void)handle;
    if (entry)
        intake_spooled(put->core, &entry->signal);
    else
        intake_unstored(put->core, put->id, err);
    record_drop(put->core, put);
}

bool away_put(struct core *core, const struct signal *signal)
{
    if (!core->spool || spool_find(core->spool, signal->id))
        return false;
    struct put *put = record_keep(core, sizeof *put);
    put->core = core;
    text_copy(put->id, sizeof put->id, signal->id);
    spool_put(core->spool, signal, (struct waiter){.answer = was_put, .owner = put});
    return true;
}

/* ---- out of it ---- */

static struct spooled *entry_of(uint64_t handle)
{
    return (struct spooled *)(uintptr_t)handle; /* there until we hear that it left */
}

static void put_off(struct core *core, struct spooled *entry, bool failed)
{
    struct away *away = core->away;
    entry->taken = false;
    entry->again_us = failed ? clock_steady(core->clock) + AGAIN_US : 0;
    away->failed += failed && !entry->failed;
    entry->failed |= failed;
}

static void left(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct core *core = owner;
    (void)value;
    core->away->leaving--;
    if (err)
        put_off(core, entry_of(handle), true);
}

static void entered(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct core *core = owner;
    struct away *away = core->away;
    struct spooled *entry = entry_of(handle);
    (void)value;
    away->under_way--;
    if (err) {
        /* Not this one's fault: the store is away again. Else the others need not wait for it. */
        bool away_again = away->known || err->class == ERR_MAYBE_DONE || err->code == ERR_CLOSED;
        put_off(core, entry, !away_again);
        if (!away_again)
            log_write(core->log, LOG_WARN, "away", "a spooled signal could not be entered yet",
                      LOG_T("signal", entry->signal.id), LOG_T("error", err->text), LOG_END);
        return;
    }
    make_here(core);
    metric_add(away->entered, 1);
    if (entry->failed)
        away->failed--;
    entry->failed = false;
    away->leaving++;
    if (++away->drained && spool_count(core->spool) == away->leaving)
        log_write(core->log, LOG_INFO, "away", "the spool is empty",
                  LOG_I("entered", away->drained), LOG_END);
    spool_remove(core->spool, entry, (struct waiter){left, core, handle});
}

/* Whether there is work that is only being waited for by its time. */
static void drain(struct core *core, int64_t now_us)
{
    struct away *away = core->away;
    size_t most = away->known ? 1 : UNDER_WAY_MAX; /* the first one finds out */
    struct spooled *entry = NULL;
    while (away->under_way < most && (entry = spool_next(core->spool, entry))) {
        if (!entry->durable || entry->leaving || entry->taken || entry->again_us > now_us ||
            record_inserting(core, TABLE_SIGNAL, entry->signal.id)) /* not answered yet */
            continue;
        entry->taken = true;
        away->under_way++;
        intake_enter(core, &entry->signal,
                     (struct waiter){entered, core, (uint64_t)(uintptr_t)entry});
    }
}

int64_t away_turn(struct core *core)
{
    struct away *away = core->away;
    struct store_status status;
    int64_t now_us = clock_steady(core->clock);
    bool spooled = core->spool && spool_count(core->spool) > 0;
    away->had_term |= core->term != 0;
    if (!follow_is_on(core) && !core->spool)
        return INT64_MAX;
    if (now_us - away->looked_us < LOOK_US && !spooled)
        return away->since_us ? away->looked_us + LOOK_US : INT64_MAX;
    away->looked_us = now_us;
    store_status(core->store, &status);
    if (!status.ok) {
        note_away(core);
        if (now_us - away->since_us >= GRACE_US || !away->had_term)
            make_known(core, status.text);
    } else if (away->since_us && now_us >= away->again_us && !spooled) {
        make_here(core);
    }
    if (away->known && !status.ok)
        tickets_doubt(core);
    if (spooled && status.ok && core->term && !core->draining && now_us >= away->again_us)
        drain(core, now_us);
    metric_set(away->seconds, away->known ? (double)(now_us - away->since_us) / 1e6 : 0);
    return away->since_us || spooled ? now_us + LOOK_US : INT64_MAX;
}
