/* Comparing our book with the broker's, and putting right what may be put right.
 *
 *     quiet    after: what we had asked to be written is; more may be on its way
 *     recall   after: what people have accepted anywhere is known
 *     look     after: the books were compared; what concerns lots was seen twice, with nothing on
 *              its way between
 *     decide   after: the owner's policy, or the default, has said what to do about each
 * difference; what the rules forbid is only told apply    after: what was decided is done, by
 * ordinary orders and recorded events, or it failed report   after: the report is an event
 *
 * What is still open keeps entries away from its instrument until a later look finds the books
 * equal or a person has accepted it. While the broker's orders or positions are not known, nothing
 * that adds risk is done anywhere. A crash loses only the report: the next start looks again, and
 * finds done what was done. */
#include "flow/match.h"
#include "flow/holding.h"
#include "flow/intake.h"
#include "flow/record.h"
#include "flow/trade.h"
#include <stdio.h>
#include <string.h>

#define QUIET_US 5000
#define CONFIRM_US 250000
#define BLIND_LEAST_US 1000000
#define BLIND_MOST_US 30000000
#define SOON_US 5000000
#define CLOCKS_US 1000000
#define VOUCH_MOST_US 600000000
enum { LOOKS_MAX = 4, TRIES_MAX = 64, POSITIONS_MAX = 32 };

struct match *match_new(struct core *core)
{
    struct match *match = mem_alloc(sizeof *match);
    match->next_us = INT64_MAX;
    if (core->metrics) {
        match->runs = metric_counter(core->metrics, "tidelock_reconciliations_total",
                                     "Comparisons of our book with the broker's.", NULL);
        match->differences =
            metric_gauge(core->metrics, "tidelock_reconciliation_open",
                         "Differences between the books that are not settled.", NULL);
    }
    core->match = match;
    return match;
}

void match_free(struct match *match)
{
    if (!match)
        return;
    str_free(&match->report);
    mem_free(match);
}

/* ---- quiet ---- */

static enum step_result look_quiet(struct flow *flow)
{
    const struct matching *m = flow->data;
    if (record_settled(flow->core) && record_answered(flow->core, m->asked))
        return STEP_NEXT;
    flow_deadline(flow, clock_steady(flow->core->clock) + QUIET_US);
    return STEP_WAIT;
}

static enum step_result quiet(struct flow *flow)
{
    ((struct matching *)flow->data)->asked = record_asked(flow->core);
    return look_quiet(flow);
}

static enum step_result quiet_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)err;
    (void)value;
    return look_quiet(flow);
}

/* ---- look ---- */

static bool is_of_lots(enum difference_kind kind)
{
    return kind == DIFFERENCE_POSITION_MISSING_HERE || kind == DIFFERENCE_POSITION_MISSING_THERE ||
           kind == DIFFERENCE_QUANTITY_DIFFERS;
}

static bool was_seen(const struct matching *m, const struct difference *d)
{
    for (size_t i = 0; i < m->before_count; i++)
        if (reconcile_same(&m->before[i], d))
            return true;
    return false;
}

static void keep(struct matching *m, const struct difference *d)
{
    m->found++;
    if (m->count < DIFFERENCES_MAX)
        m->list[m->count++].difference = *d;
}

/* Orders of our book were asked about one by one: what that told counts, not the list, which is
 * older. */
static bool is_outdated(const struct core *core, const struct difference *d)
{
    return d->kind == DIFFERENCE_MISSING_ORDER ||
           (*d->order_id &&
            (d->order.version > 0 || book_get(core->book, TABLE_ORDER, d->order_id) != NULL));
}

/* True: lots differ and were not seen so before; another look must show the same. */
static bool take_differences(struct flow *flow, const struct look *look)
{
    struct matching *m = flow->data;
    struct reconcile_options options = match_options(flow->core, look);
    struct difference *found = arena_alloc(flow->arena, DIFFERENCES_MAX * sizeof *found);
    bool again = false;
    size_t count = reconcile_books(flow->core->book, &look->theirs, &options, found,
                                   DIFFERENCES_MAX, &m->moving);
    m->moving |= look->moving;
    m->count = m->found = 0;
    for (size_t i = 0; i < look->absent_count; i++)
        keep(m, &look->absent[i]);
    for (size_t i = 0; i < count && i < DIFFERENCES_MAX; i++) {
        if (is_outdated(flow->core, &found[i]))
            continue;
        if (is_of_lots(found[i].kind) && !was_seen(m, &found[i]))
            again = true;
        else
            keep(m, &found[i]);
    }
    m->found += count > DIFFERENCES_MAX ? count - DIFFERENCES_MAX : 0;
    m->before = found;
    m->before_count = count < DIFFERENCES_MAX ? count : DIFFERENCES_MAX;
    return again;
}

static enum step_result look(struct flow *flow)
{
    struct matching *m = flow->data;
    m->looks++;
    if (look_begin(flow))
        flow_deadline(flow, INT64_MAX);
    else
        flow_deadline(flow, clock_steady(flow->core->clock) + CONFIRM_US);
    return STEP_WAIT;
}

static enum step_result look_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct matching *m = flow->data;
    const struct look *look_ = value;
    if (!value)
        return err && err->code != ERR_TIMEOUT ? flow_fail(flow, err) : look(flow);
    memcpy(m->failed, look_->failed, sizeof m->failed);
    m->open_orders = look_->theirs.order_count;
    m->orders_settled += look_->settled;
    m->drift = reconcile_drift(flow->core->book, &look_->theirs);
    bool again = take_differences(flow, look_);
    if ((!again && !m->moving) || m->looks >= LOOKS_MAX)
        return STEP_NEXT;
    flow_deadline(flow, clock_steady(flow->core->clock) + CONFIRM_US);
    return STEP_WAIT;
}

/* ---- decide ---- */

static void ask_policy(struct core *core, struct decided *decided)
{
    const struct difference *d = &decided->difference;
    struct policy *policy = *d->strategy ? policies_find(core->policies, d->strategy) : NULL;
    const struct position *positions[POSITIONS_MAX];
    struct match_decision said;
    struct portfolio portfolio;
    struct facts facts;
    if (!policy || !*d->instrument || !d->is_tradable)
        return;
    facts_gather(core, d->strategy, d->instrument, positions, POSITIONS_MAX, &portfolio, &facts);
    policy_reconcile(policy, &facts, d, &said);
    text_copy(decided->reason, sizeof decided->reason, said.reason);
    if (!said.answered)
        return;
    decided->action = said.action;
    decided->by = "policy";
}

static void decide_one(struct core *core, struct decided *decided)
{
    char why[REASON_SIZE];
    struct decimal most =
        core->options.reconcile.lots_bounded ? core->options.reconcile.max_lots : decimal_bad();
    decided->action = reconcile_default(&decided->difference);
    decided->by = "default";
    decided->reason[0] = '\0';
    if (match_is_accepted(core->match, &decided->difference)) {
        decided->action = MATCH_IGNORE;
        decided->by = "operator";
        return;
    }
    ask_policy(core, decided);
    if (reconcile_may(&decided->difference, decided->action, most, why))
        return;
    text_copy(decided->reason, sizeof decided->reason, why);
    decided->action = MATCH_ALERT;
    decided->by = "guard";
}

static enum step_result decide(struct flow *flow)
{
    struct matching *m = flow->data;
    for (size_t i = 0; i < m->count; i++)
        decide_one(flow->core, &m->list[i]);
    return STEP_NEXT;
}

/* ---- apply ---- */

static bool acts(const struct decided *decided)
{
    return decided->action != MATCH_ALERT && decided->action != MATCH_IGNORE;
}

static void count_done(struct matching *m, const struct decided *decided)
{
    m->orders_cancelled += decided->action == MATCH_CANCEL_THERE;
    m->positions_synced += is_of_lots(decided->difference.kind);
}

static enum step_result apply_on(struct flow *flow, const struct err *err)
{
    struct matching *m = flow->data;
    for (; m->at < m->count; m->at++, m->tries = 0, err = NULL) {
        struct decided *decided = &m->list[m->at];
        if (m->dry_run || !acts(decided))
            continue;
        enum applying done = m->tries < TRIES_MAX
                                 ? match_apply(flow, decided, (unsigned)m->tries++, err)
                                 : APPLY_FAILED;
        if (done == APPLY_WAIT)
            return STEP_WAIT;
        decided->applied = done == APPLY_DONE;
        if (decided->applied)
            count_done(m, decided);
    }
    return STEP_NEXT;
}

static enum step_result apply(struct flow *flow)
{
    return apply_on(flow, NULL);
}

static enum step_result apply_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)value;
    return apply_on(flow, err);
}

/* ---- report ---- */

static void block(struct match *match, const struct decided *decided)
{
    const struct difference *d = &decided->difference;
    if (match->blocked_count == BLOCKED_MAX) {
        match->blocks_all = true;
        return;
    }
    text_copy(match->blocked[match->blocked_count].instrument, NAME_SIZE, d->instrument);
    snprintf(match->blocked[match->blocked_count++].why, REASON_SIZE,
             "our book and the broker's differ (%s); see tidelock reconcile",
             difference_names[d->kind]);
}

/* What stays open. A part that was not read says nothing about what was open before. */
static void keep_blocks(struct core *core, struct matching *m, bool whole)
{
    struct match *match = core->match;
    match->blind = !whole;
    if (whole) {
        match->ran = true;
        match->blocked_count = match->open_count = 0;
        match->blocks_all = m->found > m->count;
    }
    for (size_t i = 0; i < m->count; i++) {
        struct decided *decided = &m->list[i];
        decided->blocks = reconcile_blocks(&decided->difference, decided->action, decided->applied);
        if (decided->blocks)
            block(match, decided);
        if (decided->action != MATCH_IGNORE && !decided->applied &&
            match->open_count < DIFFERENCES_MAX)
            match->open[match->open_count++] = decided->difference;
    }
    if (match->differences)
        metric_set(match->differences, (double)match->open_count);
}

/* One that could not compare everything, because lots were moving, proves nothing and spoils
 * nothing. */
static void note_clean(struct match *match, int64_t now_us, bool whole, bool equal, bool moving)
{
    if (!whole || !equal)
        match->clean_us = 0;
    else if (!moving)
        match->clean_us = now_us;
}

void match_follow(struct core *core, const struct event *event, struct arena *arena)
{
    const struct json_limits limits = {.depth = 16, .nodes = 8192};
    struct match *match = core->match;
    int64_t ago_ms = -1, age_us = clock_wall(core->clock) - event->at_us;
    struct err err;
    if (strcmp(event->kind, MATCH_EVENT) != 0 || event->seq <= match->told_seq)
        return;
    match->told_seq = event->seq;
    const struct json *body = json_parse(arena, event->body, strlen(event->body), &limits, &err);
    const struct json *report = body ? json_get(body, "cause") : NULL;
    if (report)
        json_int(report, "equal_ms_ago", &ago_ms);
    match->clean_us = 0;
    if (ago_ms >= 0 && age_us > -CLOCKS_US) /* else whose clock is wrong is not known */
        match->clean_us = clock_steady(core->clock) - ago_ms * 1000 - (age_us > 0 ? age_us : 0);
}

bool match_is_vouched(const struct core *core)
{
    const struct match *match = core->match;
    int64_t most_us = 2 * core->options.reconcile.every_us;
    int64_t age_us = clock_steady(core->clock) - match->clean_us;
    struct broker_status status;
    broker_status(core->broker, &status);
    return core->reconciled && match->clean_us && status.ok && !match->blind &&
           match->open_count == 0 && age_us <= (most_us < VOUCH_MOST_US ? most_us : VOUCH_MOST_US);
}

static void log_differences(struct core *core, const struct matching *m)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct decided *decided = &m->list[i];
        log_write(core->log,
                  decided->action == MATCH_IGNORE ? LOG_INFO
                  : decided->applied              ? LOG_WARN
                                                  : LOG_ERROR,
                  "reconcile", "our book and the broker's differ",
                  LOG_T("kind", difference_names[decided->difference.kind]),
                  LOG_T("instrument", decided->difference.instrument),
                  LOG_T("order_id", decided->difference.order_id),
                  LOG_T("action", match_action_names[decided->action]), LOG_T("by", decided->by),
                  LOG_T("applied", decided->applied ? "yes" : "no"),
                  LOG_T("reason", decided->reason), LOG_END);
    }
    for (int part = 0; part < LOOK_PARTS; part++)
        if (*m->failed[part])
            log_write(core->log, part == LOOK_BALANCE ? LOG_WARN : LOG_ERROR, "reconcile",
                      part == LOOK_BALANCE ? "the broker's balance is not known"
                                           : "the broker's book is not known: no entries until "
                                             "it is",
                      LOG_T("part", look_part_names[part]), LOG_T("error", m->failed[part]),
                      LOG_END);
}

static enum step_result pay(struct match *match, const struct matching *m)
{
    if (m->whole)
        match->paid = m->pays;
    return STEP_END;
}

static enum step_result report(struct flow *flow)
{
    struct matching *m = flow->data;
    struct core *core = flow->core;
    struct match *match = core->match;
    struct store_event event;
    bool whole = !*m->failed[LOOK_ORDERS] && !*m->failed[LOOK_POSITIONS];
    if (!m->dry_run) {
        keep_blocks(core, m, whole);
        note_clean(match, clock_steady(core->clock), whole, m->found == 0, m->moving);
    }
    m->whole = whole;
    match->at_us = clock_wall(core->clock);
    str_clear(&match->report);
    match_print(core, m, &match->report);
    metric_add(match->runs, 1);
    log_differences(core, m);
    if (m->dry_run)
        return pay(match, m);
    event_start(core, &event, MATCH_EVENT, core->options.instance);
    event.cause = str_text(&match->report);
    record_write(core, &event, 1, false, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result report_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct matching *m = flow->data;
    (void)value;
    if (err)
        log_write(flow->core->log, LOG_WARN, "reconcile", "the report could not be stored",
                  LOG_T("error", err->text), LOG_END);
    m->unstored = err && err->class != ERR_REFUSED;
    return m->unstored ? STEP_END : pay(flow->core->match, m);
}

static const struct step match_books[] = {
    /* name     ask     answer        release deadline flags */
    {"quiet", quiet, quiet_answer, NULL, 0, 0},
    {"recall", match_recall, match_recall_answer, NULL, 0, 0},
    {"look", look, look_answer, NULL, 0, 0},
    {"decide", decide, NULL, NULL, 0, 0}, /* Lua; never waits */
    {"apply", apply, apply_answer, NULL, 0, STEP_FENCED},
    {"report", report, report_answer, NULL, 0, 0},
};

static void ended(struct flow *flow, const struct err *err)
{
    struct matching *m = flow->data;
    struct core *core = flow->core;
    struct match *match = core->match;
    int64_t wait_us = core->options.reconcile.every_us;
    match->running = false;
    match->blind |= err && !match->ran;
    bool again = match->blind || err || (m->unstored && match->owed != match->paid);
    match->blind_times = again ? match->blind_times + 1 : 0;
    if (again)
        wait_us = BLIND_LEAST_US / 2 + chance_backoff_us(&core->chance, BLIND_LEAST_US,
                                                         BLIND_MOST_US, match->blind_times);
    else if (match->owed != match->paid)
        wait_us = 0;
    else if (m->moving || match->open_count > 0)
        wait_us = wait_us < SOON_US ? wait_us : SOON_US;
    match->next_us = clock_steady(core->clock) + wait_us;
    if (!match_is_blind(core))
        lanes_hurry(core, MATCH_UNKNOWN);
    wait_answer(m->to, err, str_text(&match->report));
}

static const struct story match_books_story = {
    .name = "match_books", STORY(match_books), .ended = ended};

/* ---- beginning it ---- */

static bool begin(struct core *core, const char *trigger, bool dry_run, struct waiter report_to,
                  struct waiter to)
{
    struct matching m = {.trigger = trigger,
                         .dry_run = dry_run || core->options.reconcile.dry_run,
                         .pays = core->match->owed,
                         .to = report_to,
                         .drift = decimal_bad()};
    struct flow *flow = core->match->running
                            ? NULL
                            : flow_make(core, &match_books_story, trigger, &m, sizeof m, to);
    if (!flow)
        return false;
    ((struct matching *)flow->data)->list =
        arena_alloc(flow->arena, DIFFERENCES_MAX * sizeof *m.list);
    core->match->running = true;
    flow_run(flow);
    return true;
}

bool match_begin(struct core *core, const char *trigger, struct waiter to)
{
    core->match->owed++;
    return begin(core, trigger, false, (struct waiter){0}, to);
}

void match_owe(struct core *core)
{
    struct match *match = core->match;
    if (!match_begin(core, "takeover", (struct waiter){0}) && !match->running)
        match->next_us = clock_steady(core->clock);
}

void match_now(struct core *core, bool dry_run, struct waiter to)
{
    struct err err;
    if (core->reconciled && begin(core, "demand", dry_run, to, (struct waiter){0}))
        return;
    err_set(&err, ERR_LATER, ERR_BUSY, "the books are being compared already; ask again");
    intake_defer(core, to, "", &err);
}

int64_t match_turn(struct core *core)
{
    struct match *match = core->match;
    int64_t now_us = clock_steady(core->clock);
    if (match->running || core->draining)
        return INT64_MAX;
    if (now_us < match->next_us && match->next_us != INT64_MAX)
        return match->next_us;
    if (!core_is_leader(core) && holdings_count(core) == 0)
        return INT64_MAX;
    if (match->next_us == INT64_MAX)
        match->next_us = now_us + core->options.reconcile.every_us;
    if (now_us >= match->next_us &&
        !begin(core, "schedule", false, (struct waiter){0}, (struct waiter){0}))
        match->next_us = now_us + BLIND_LEAST_US;
    return match->running ? INT64_MAX : match->next_us;
}

/* ---- what others ask ---- */

bool match_is_blind(const struct core *core)
{
    const struct match *match = core->match;
    return match->blind || match->owed != match->paid;
}

bool match_blocks(const struct core *core, const char *instrument, char why[REASON_SIZE])
{
    const struct match *match = core->match;
    for (size_t i = 0; i < match->blocked_count; i++)
        if (strcmp(match->blocked[i].instrument, instrument) == 0)
            return text_copy(why, REASON_SIZE, match->blocked[i].why);
    return match->blocks_all &&
           text_copy(why, REASON_SIZE, "our book and the broker's differ in too many places");
}

const char *match_report(const struct core *core)
{
    return str_text(&core->match->report);
}

struct match_view match_now_view(const struct core *core)
{
    const struct match *match = core->match;
    return (struct match_view){.running = match->running,
                               .blind = match_is_blind(core),
                               .ran = match->ran,
                               .open = match->open_count,
                               .blocked = match->blocked_count,
                               .at_us = match->at_us};
}
