/* Which keys this instance has, which it wants, and what a key is needed for. How one is taken is
 * told in hold_key.c.
 *
 * Single and active_passive: the leader's key stands for everything. Active_active: instruments
 * have keys of their own, kept by whoever first needed them; the leader's key is for what is done
 * once: statistics, the trading day, orphans. */
#include "flow/holding.h"
#include "flow/holding_parts.h"
#include "flow/orders.h"
#include "flow/mutant.h"
#include "store/fence.h"
#include <string.h>

#define ORPHAN_US 300000 /* whoever received a signal takes its key first */
#define OFF_US 500000
enum { OFF_MOST = 3 };

/* ---- keys ---- */

static struct holding *find(const struct core *core, const char *key)
{
    struct holding *holding;
    HASH_FIND_STR(core->holdings->all, key, holding);
    return holding;
}

static struct holding *add(struct core *core, const char *key, const char *instrument)
{
    struct holding *holding = mem_alloc(sizeof *holding);
    text_copy(holding->key, sizeof holding->key, key);
    text_copy(holding->instrument, sizeof holding->instrument, instrument);
    HASH_ADD_STR(core->holdings->all, key, holding);
    return holding;
}

static void make_key(char key[sizeof((struct holding *)0)->key], const char *instrument)
{
    static const char prefix[] = "instrument:";
    memcpy(key, prefix, sizeof prefix - 1);
    text_copy(key + sizeof prefix - 1, sizeof((struct holding *)0)->key - sizeof prefix + 1,
              instrument);
}

static struct holding *known(const struct core *core, const char *instrument)
{
    char key[sizeof((struct holding *)0)->key];
    if (core->options.mode != MODE_ACTIVE_ACTIVE)
        return core->holdings->leader;
    make_key(key, instrument);
    return find(core, key);
}

static struct holding *holding_of(struct core *core, const char *instrument)
{
    char key[sizeof((struct holding *)0)->key];
    struct holding *holding = known(core, instrument);
    if (holding)
        return holding;
    make_key(key, instrument);
    return add(core, key, instrument);
}

struct holdings *holdings_new(struct core *core)
{
    struct holdings *holdings = mem_alloc(sizeof *holdings);
    core->holdings = holdings;
    holdings->leader = add(core, LEADER_KEY, "");
    if (core->metrics) {
        holdings->held = metric_gauge(core->metrics, "tidelock_keys_held",
                                      "Lease keys for which this instance may trade.", NULL);
        holdings->leads = metric_gauge(core->metrics, "tidelock_leader",
                                       "1 while this instance is the leader.", NULL);
    }
    return holdings;
}

void holdings_free(struct core *core)
{
    struct holding *holding, *next;
    if (!core->holdings)
        return;
    HASH_ITER(hh, core->holdings->all, holding, next)
    {
        HASH_DELETE(hh, core->holdings->all, holding);
        mem_free(holding);
    }
    mem_free(core->holdings);
    core->holdings = NULL;
}

const char *holding_key(struct core *core, const char *instrument)
{
    return holding_of(core, instrument)->key;
}

static bool is_held(const struct core *core, const struct holding *holding)
{
    return lease_held(core->lease, holding->key, NULL) || MUTANT(MUTANT_TWO_LEADERS);
}

bool core_holds(const struct core *core, const char *instrument)
{
    const struct holding *holding = known(core, instrument);
    return holding && holding->state == HOLDING_OPEN && is_held(core, holding);
}

bool core_works(const struct core *core, const char *instrument)
{
    const struct holding *holding = known(core, instrument);
    return holding && (holding->state == HOLDING_OPEN || holding->looking);
}

bool core_is_leader(const struct core *core)
{
    const struct holding *leader = core->holdings->leader;
    return leader->state == HOLDING_OPEN && is_held(core, leader);
}

size_t holdings_count(const struct core *core)
{
    size_t count = 0;
    for (const struct holding *h = core->holdings->all; h; h = h->hh.next)
        count += h->state == HOLDING_OPEN;
    return count;
}

void hold_want(struct core *core, struct holding *holding, bool wanted)
{
    core->holdings->wanted += (size_t)wanted - (size_t)holding->wanted;
    holding->wanted = wanted;
}

int64_t holding_since(const struct core *core, const char *instrument)
{
    const struct holding *holding = known(core, instrument);
    return holding && holding->state == HOLDING_OPEN ? holding->since_us : 0;
}

/* ---- what a write needs ---- */

static const char *instrument_of(const struct change *change)
{
    switch (change->table->id) {
    case TABLE_SIGNAL: { /* storing one needs no key, nor does what people do with a dead letter */
        const struct signal *before = change->before;
        return before && before->state != SIGNAL_DEAD ? before->instrument : NULL;
    }
    case TABLE_DECISION:
        return ((const struct decision *)change->after)->instrument;
    case TABLE_ORDER:
        return ((const struct order *)change->after)->instrument;
    case TABLE_POSITION:
        return ((const struct position *)change->after)->instrument;
    default:
        return NULL;
    }
}

const char *holding_fence(struct core *core, const struct store_event *events, size_t count)
{
    if (core->options.mode == MODE_SINGLE || MUTANT(MUTANT_SKIP_FENCE))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (text_starts(events[i].kind, "statistics.") ||
            strcmp(events[i].kind, "account.new_day") == 0)
            return LEADER_KEY;
        if (strcmp(events[i].kind, "failover") == 0)
            return LEADER_KEY;
        for (size_t k = 0; k < events[i].change_count; k++) {
            const char *instrument = instrument_of(&events[i].changes[k]);
            if (instrument)
                return holding_key(core, instrument);
        }
    }
    return NULL;
}

/* ---- wanting ---- */

static bool is_free(const struct core *core, const struct holding *holding)
{
    int64_t owner = core->options.mode == MODE_SINGLE ? 0 : fence_owner(core->book, holding->key);
    return !owner || owner == core->term || MUTANT(MUTANT_TWO_LEADERS);
}

static bool may_take(const struct core *core, const struct holding *holding)
{
    return core->term && !core->draining && holding->state == HOLDING_NONE &&
           clock_steady(core->clock) >= holding->again_us && is_free(core, holding);
}

bool holding_want(struct core *core, const char *instrument)
{
    struct holding *holding = holding_of(core, instrument);
    if (core->options.mode != MODE_ACTIVE_ACTIVE)
        return holding->state != HOLDING_NONE || is_free(core, holding);
    if (holding->state != HOLDING_NONE)
        return true;
    hold_want(core, holding, is_free(core, holding));
    if (may_take(core, holding))
        hold_begin(core, holding);
    return holding->wanted;
}

bool holding_lead(struct core *core, uint64_t flow, bool *open)
{
    struct holding *leader = core->holdings->leader;
    if (leader->state == HOLDING_NONE && !leader->tried && may_take(core, leader))
        hold_begin(core, leader);
    *open = leader->state == HOLDING_OPEN;
    core->holdings->waiting = flow;
    return *open || leader->tried || !is_free(core, leader);
}

const char *holding_elsewhere(const struct core *core, const char *instrument)
{
    char key[sizeof((struct holding *)0)->key] = LEADER_KEY;
    if (instrument && core->options.mode == MODE_ACTIVE_ACTIVE)
        make_key(key, instrument);
    const struct lease_row *row = book_get(core->book, TABLE_LEASE, key);
    if (!row || !row->term)
        row = book_get(core->book, TABLE_LEASE, LEADER_KEY);
    return row && row->term && row->term != core->term && *row->holder ? row->holder : NULL;
}

/* ---- orphans ---- */

static void note_orphan(struct core *core, const char *instrument)
{
    struct holding *holding = holding_of(core, instrument);
    int64_t now_us = clock_steady(core->clock);
    const struct lease_row *row = book_get(core->book, TABLE_LEASE, holding->key);
    if (holding->state != HOLDING_NONE || !is_free(core, holding))
        return;
    if (!holding->orphan_us)
        holding->orphan_us = now_us;
    /* Its owner is dead: nobody else is about to take it. */
    if ((row && row->term) || now_us - holding->orphan_us >= ORPHAN_US)
        holding_want(core, instrument);
}

static void find_orphans(struct core *core)
{
    struct owed owed = hold_owed(core, NULL);
    for (struct holding *h = core->holdings->all; h; h = h->hh.next)
        if (h->state != HOLDING_NONE || !is_free(core, h))
            h->orphan_us = 0;
    for (size_t i = 0; i < owed.order_count; i++)
        note_orphan(core, owed.orders[i].instrument);
    for (size_t i = 0; i < owed.signal_count; i++)
        note_orphan(core, owed.signals[i].instrument);
    hold_let_go(&owed);
}

/* ---- turns ---- */

/* An instrument that whoever left has handed to us. */
static bool want_given(void *ctx, const void *found)
{
    struct core *core = ctx;
    const struct lease_row *row = found;
    if (!core->term || row->term != core->term || !text_starts(row->id, "instrument:"))
        return true;
    struct holding *holding = holding_of(core, row->id + strlen("instrument:"));
    if (holding->state == HOLDING_NONE)
        hold_want(core, holding, true);
    return true;
}

void holdings_look(struct core *core)
{
    if (core->options.mode == MODE_ACTIVE_ACTIVE)
        book_each(core->book, TABLE_LEASE, want_given, core);
    for (struct holding *h = core->holdings->all; h; h = h->hh.next)
        h->again_us = 0;
    core->holdings->adopt_us = 0;
    const struct lease_row *leader = book_get(core->book, TABLE_LEASE, LEADER_KEY);
    if (leader && (!leader->term || leader->term == core->term)) /* handed over: nothing is wrong */
        core->holdings->off_us = 0;
}

static void note_next(const struct holding *holding, int64_t now_us, int64_t *next_us)
{
    if (holding->state == HOLDING_NONE && holding->again_us > now_us &&
        holding->again_us < *next_us)
        *next_us = holding->again_us;
}

int64_t holdings_turn(struct core *core)
{
    struct holdings *holdings = core->holdings;
    int64_t now_us = clock_steady(core->clock), next_us = INT64_MAX;
    if (core->options.mode == MODE_SINGLE || !core->term || !core->reconciled || core->draining)
        return INT64_MAX;
    if (now_us < holdings->off_us && fence_others(core->book, core->term) > 0)
        next_us = holdings->off_us;
    else if (may_take(core, holdings->leader))
        hold_begin(core, holdings->leader);
    note_next(holdings->leader, now_us, &next_us);
    for (struct holding *h = holdings->wanted ? holdings->all : NULL; h; h = h->hh.next) {
        if (h->wanted && may_take(core, h))
            hold_begin(core, h);
        if (h->wanted)
            note_next(h, now_us, &next_us);
    }
    if (core->options.mode == MODE_ACTIVE_ACTIVE && core_is_leader(core)) {
        if (now_us >= holdings->adopt_us) {
            holdings->adopt_us = now_us + ORPHAN_US;
            find_orphans(core);
        }
        if (holdings->adopt_us < next_us)
            next_us = holdings->adopt_us;
    }
    return next_us;
}

void holdings_lost(struct core *core)
{
    struct holdings *holdings = core->holdings;
    int64_t now_us = clock_steady(core->clock);
    if (holdings->leader->state != HOLDING_OPEN)
        return;
    if (now_us - holdings->led_us > INT64_C(300000000))
        holdings->losses = 0;
    holdings->off_us = now_us + (OFF_US << holdings->losses);
    if (holdings->losses < OFF_MOST)
        holdings->losses++;
}

void holdings_drop(struct core *core)
{
    for (struct holding *h = core->holdings->all; h; h = h->hh.next) {
        h->state = HOLDING_NONE;
        h->flow = 0;
        h->looking = h->tried = false;
        hold_want(core, h, false);
        h->again_us = h->orphan_us = 0;
    }
    metric_set(core->holdings->leads, 0);
    metric_set(core->holdings->held, 0);
}
