/* Rolling one position into the next contract: one story per position, whose state is its rows.
 *
 *     lease     after: rollover:<instrument>:<expiry> is ours
 *     pending   after: the row says that it is to be rolled
 *     position  after: the row as stored is at hand, be it closed by now
 *     tries     after: which try it is, by the legs that failed ones left
 *     legs      after the position's stop at the broker has gone: the near leg, then the far one,
 *               then what is to be put back, each a row with its right to send before it leaves;
 *               after each the rows tell what is next (rollover.c)
 *     result    after: the rows of what came of it are at hand
 *     settle    after: rolled or failed, with the stop carried over
 *
 * A crash between any two of these leaves rows from which the next leader goes on: the ids of the
 * legs follow from the position and its expiry, so a leg cannot be inserted twice, and the row's
 * version lets one story begin. Signals about the strategy's instrument wait meanwhile. */
#include "flow/roll.h"
#include "flow/flow.h"
#include "flow/flows.h"
#include "flow/intake.h"
#include "flow/mutant.h"
#include "flow/orders.h"
#include "flow/protect.h"
#include "flow/record.h"
#include "flow/trade.h"
#include "trade/rollover.h"
#include "trade/order.h"
#include <stdio.h>
#include <string.h>

#define LOOK_US 50000
#define LEASE_US 500000
enum { POSITIONS_MAX = 32, IDS_SIZE = ROLL_TRIES * (KEY_SIZE + 1) };

enum phase { READING, WRITING, WAITING };
struct rolling {
    char id[KEY_SIZE], strategy[NAME_SIZE], instrument[NAME_SIZE], expiry[EXPIRY_SIZE];
    char lease_key[112];
    char reason[REASON_SIZE]; /* the policy's */
    struct position position;
    struct order legs[ROLL_LEGS];
    bool has[ROLL_LEGS];
    struct order next; /* being written */
    int64_t right_until_us;
    enum phase phase;
    enum roll_next outcome;
    unsigned tries;                   /* before this one */
    struct position found[ROLL_LEGS]; /* near, far, put back */
    bool has_found[ROLL_LEGS];
};

/* ---- facts ---- */

bool roll_look(struct core *core, const struct position *position, struct due *due)
{
    const struct instrument *instrument =
        instrument_find(&core->options.instruments, position->instrument);
    return instrument && *position->expiry &&
           rollover_look(instrument, &core->options.calendar, position, clock_wall(core->clock),
                         due);
}

void roll_ask(struct core *core, const struct position *position, const struct due *due,
              struct roll_decision *out)
{
    const struct position *positions[POSITIONS_MAX];
    struct policy *policy = policies_find(core->policies, position->strategy);
    struct portfolio portfolio;
    struct facts facts;
    *out = (struct roll_decision){.put_back = true};
    if (!policy)
        return;
    facts_gather(core, position->strategy, position->instrument, positions, POSITIONS_MAX,
                 &portfolio, &facts);
    policy_rollover(policy, &facts, due, out);
}

/* ---- lease, pending, position ---- */

/* It keeps others from trying in vain; what keeps a position from being rolled twice are the term,
 * the row's version and the ids of the legs. So a lease that has lapsed meanwhile stops nothing. */
static enum step_result lease(struct flow *flow)
{
    struct rolling *r = flow->data;
    snprintf(r->lease_key, sizeof r->lease_key, "rollover:%s:%s", r->instrument, r->expiry);
    if (lease_held(flow->core->lease, r->lease_key, NULL))
        return STEP_NEXT;
    flow_deadline(flow, clock_steady(flow->core->clock) + LEASE_US);
    lease_acquire(flow->core->lease, r->lease_key, flow_waiter(flow));
    return STEP_WAIT;
}

/* Whoever died with it holds it for a while yet. */
static enum step_result lease_answer(struct flow *flow, const struct err *err, const void *value)
{
    if (value)
        return STEP_NEXT;
    if (err && err->code == ERR_TIMEOUT)
        return lease(flow);
    flow_deadline(flow, clock_steady(flow->core->clock) + LEASE_US);
    return STEP_WAIT;
}

static void put_reason(struct flow *flow, struct store_event *event)
{
    const struct rolling *r = flow->data;
    struct str cause = STR_EMPTY;
    str_puts(&cause, "{\"reason\":");
    str_put_json(&cause, r->reason);
    str_putc(&cause, '}');
    event->cause = arena_text(flow->arena, str_text(&cause));
    str_free(&cause);
}

static enum step_result pending(struct flow *flow)
{
    const struct rolling *r = flow->data;
    const struct position *before = book_get(flow->core->book, TABLE_POSITION, r->id);
    struct position after;
    struct store_event event;
    if (!before || before->rollover != ROLLOVER_NONE)
        return STEP_NEXT;
    after = *before;
    after.rollover = ROLLOVER_PENDING;
    after.version++;
    event_start(flow->core, &event, "rollover.pending", r->id);
    put_reason(flow, &event);
    event_change(&event, TABLE_POSITION, before, &after);
    record_write(flow->core, &event, 1, false, flow_waiter(flow));
    return STEP_WAIT;
}

static void ask_rows(struct flow *flow, enum table_id table, const char *ids)
{
    struct store_query query = {.table = table,
                                .where = {{.column = "id", .op = STORE_IN, .value = ids}},
                                .where_count = 1};
    store_query(flow->core->store, &query, flow_waiter(flow));
}

static enum step_result position(struct flow *flow)
{
    ask_rows(flow, TABLE_POSITION, ((struct rolling *)flow->data)->id);
    return STEP_WAIT;
}

static enum step_result position_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct rolling *r = flow->data;
    const struct store_rows *rows = value;
    if (err)
        return flow_fail(flow, err);
    if (rows->count == 0)
        return STEP_END;
    r->position = *(const struct position *)rows->rows[0];
    return STEP_NEXT;
}

/* ---- which try it is: failed ones have left their near legs ---- */

static enum step_result tries(struct flow *flow)
{
    const struct rolling *r = flow->data;
    struct str ids = STR_EMPTY;
    char id[ID_SIZE];
    for (unsigned n = 0; n < ROLL_TRIES; n++) {
        rollover_try_id(id, &r->position, ROLL_LEG_CLOSE, n);
        str_printf(&ids, "%s%s", n ? "," : "", id);
    }
    ask_rows(flow, TABLE_ORDER, arena_text(flow->arena, str_text(&ids)));
    str_free(&ids);
    return STEP_WAIT;
}

static enum step_result tries_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct rolling *r = flow->data;
    const struct store_rows *rows = value;
    if (err)
        return flow_fail(flow, err);
    bool goes_on = r->position.rollover == ROLLOVER_IN_PROGRESS && rows->count > 0;
    r->tries = (unsigned)rows->count - goes_on;
    if (r->tries >= ROLL_TRIES)
        r->tries = ROLL_TRIES - 1; /* its legs have ended: it fails at once */
    return STEP_NEXT;
}

/* ---- legs ---- */

static void leg_id(struct flow *flow, enum roll_leg leg, char out[ID_SIZE])
{
    struct rolling *r = flow->data;
    rollover_try_id(out, &r->position, leg, r->tries);
    if (MUTANT(MUTANT_ROLL_TWICE)) /* as a memory that a crash wipes out would do */
        out[ID_SIZE - 5] = (char)('a' + flow->term % 20);
}

static void list_ids(struct flow *flow, char out[IDS_SIZE])
{
    char ids[ROLL_LEGS][ID_SIZE];
    for (int leg = 0; leg < ROLL_LEGS; leg++)
        leg_id(flow, (enum roll_leg)leg, ids[leg]);
    snprintf(out, IDS_SIZE, "%s,%s,%s", ids[0], ids[1], ids[2]);
}

static enum step_result read_legs(struct flow *flow)
{
    char ids[IDS_SIZE];
    ((struct rolling *)flow->data)->phase = READING;
    list_ids(flow, ids);
    flow_deadline(flow, INT64_MAX);
    ask_rows(flow, TABLE_ORDER, ids);
    return STEP_WAIT;
}

static void make_leg(struct flow *flow, enum roll_leg leg, const struct due *due,
                     struct decimal lots, struct order *order)
{
    struct rolling *r = flow->data;
    struct core *core = flow->core;
    const struct position *p = &r->position;
    int64_t at_us;
    bool closes = leg == ROLL_LEG_CLOSE;
    row_init(&tables[TABLE_ORDER], order);
    leg_id(flow, leg, order->id);
    text_copy(order->leg, sizeof order->leg, p->label);
    text_copy(order->strategy, sizeof order->strategy, p->strategy);
    text_copy(order->instrument, sizeof order->instrument, p->instrument);
    text_copy(order->position_id, sizeof order->position_id, closes ? p->id : order->id);
    text_copy(order->expiry, sizeof order->expiry,
              leg == ROLL_LEG_OPEN ? due->next_expiry : p->expiry);
    text_copy(order->broker, sizeof order->broker, core->broker->ops->traits->name);
    order->side = (p->side == SIDE_LONG) == closes ? ORDER_SELL : ORDER_BUY;
    order->reduces = closes;
    order->quantity = lots;
    if (!core->prices.last ||
        !core->prices.last(core->prices.ctx, p->instrument, &order->reference_price, &at_us))
        order->reference_price = p->entry_price;
    order_begin(order, core->term, clock_wall(core->clock));
    order->valid_until_us = order->signed_us + order_validity_us(core);
}

/* The leg's row, with its right to send, before it leaves. */
static enum step_result write_leg(struct flow *flow, enum roll_leg leg, struct decimal lots)
{
    static const char *const kinds[] = {"rollover.begun", "rollover.opening", "rollover.put_back"};
    struct rolling *r = flow->data;
    struct core *core = flow->core;
    struct store_event event;
    struct position after;
    struct due due;
    if (!roll_look(core, &r->position, &due)) {
        r->outcome = ROLL_FAILED;
        return STEP_NEXT;
    }
    make_leg(flow, leg, &due, lots, &r->next);
    event_start(core, &event, kinds[leg], r->id);
    if (leg == ROLL_LEG_CLOSE) {
        const struct position *before = book_get(core->book, TABLE_POSITION, r->id);
        if (!before || !halt_allows(halt_now(core), false))
            return STEP_END; /* closed meanwhile, or not now: nothing was begun */
        after = *before;
        r->next.quantity = before->quantity;
        after.rollover = ROLLOVER_IN_PROGRESS;
        after.version++;
        event_change(&event, TABLE_POSITION, before, &after);
    }
    event_change(&event, TABLE_ORDER, NULL, &r->next);
    r->right_until_us = clock_steady(core->clock) + order_validity_us(core);
    r->phase = WRITING;
    orders_note_new(core);
    record_write(core, &event, 1, false, flow_waiter(flow));
    return STEP_WAIT;
}

/* The far leg came to nothing, whole or in part: back to where it was, unless the policy would
 * rather be flat. */
static bool wants_put_back(struct flow *flow)
{
    struct rolling *r = flow->data;
    struct roll_decision said = {.put_back = true};
    struct due due;
    if (roll_look(flow->core, &r->position, &due)) {
        due.far_failed = true;
        roll_ask(flow->core, &r->position, &due, &said);
    }
    return said.put_back;
}

static enum step_result wait_a_moment(struct flow *flow)
{
    ((struct rolling *)flow->data)->phase = WAITING;
    flow_deadline(flow, clock_steady(flow->core->clock) + LOOK_US);
    return STEP_WAIT;
}

/* A stop of the position at the broker goes first, as before any exit: both would trade. None is
 * placed anew while the position is being rolled (protect.c). */
static bool stop_stands(struct flow *flow)
{
    const struct rolling *r = flow->data;
    struct order exit = {.reduces = true};
    text_copy(exit.strategy, sizeof exit.strategy, r->strategy);
    text_copy(exit.instrument, sizeof exit.instrument, r->instrument);
    text_copy(exit.position_id, sizeof exit.position_id, r->id);
    if (!protect_stands(flow->core, &exit))
        return false;
    protect_give_way(flow->core, &exit);
    return true;
}

static enum step_result go_on(struct flow *flow)
{
    struct rolling *r = flow->data;
    const struct order *legs[ROLL_LEGS];
    struct decimal lots;
    for (int leg = 0; leg < ROLL_LEGS; leg++)
        legs[leg] = r->has[leg] ? &r->legs[leg] : NULL;
    r->outcome = rollover_next(&r->position, legs, true, &lots);
    switch (r->outcome) {
    case ROLL_CLOSE:
        return stop_stands(flow) ? wait_a_moment(flow) : write_leg(flow, ROLL_LEG_CLOSE, lots);
    case ROLL_OPEN:
        return write_leg(flow, ROLL_LEG_OPEN, lots);
    case ROLL_PUT_BACK:
        if (wants_put_back(flow))
            return write_leg(flow, ROLL_LEG_BACK, lots);
        r->outcome = ROLL_FAILED;
        return STEP_NEXT;
    case ROLL_WAIT:
        return wait_a_moment(flow);
    case ROLL_ROLLED:
    case ROLL_FAILED:
        break;
    }
    return STEP_NEXT;
}

static enum step_result take_legs(struct flow *flow, const struct store_rows *rows)
{
    struct rolling *r = flow->data;
    memset(r->has, 0, sizeof r->has);
    for (size_t i = 0; i < rows->count; i++)
        for (int leg = 0; leg < ROLL_LEGS; leg++) {
            char id[ID_SIZE];
            leg_id(flow, (enum roll_leg)leg, id);
            if (strcmp(((const struct order *)rows->rows[i])->id, id) != 0)
                continue;
            r->legs[leg] = *(const struct order *)rows->rows[i];
            r->has[leg] = true;
        }
    return go_on(flow);
}

static enum step_result legs(struct flow *flow)
{
    return read_legs(flow);
}

static enum step_result legs_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct rolling *r = flow->data;
    if (err && err->code != ERR_TIMEOUT)
        return flow_fail(flow, err);
    if (r->phase == READING)
        return value ? take_legs(flow, value) : read_legs(flow);
    if (r->phase == WRITING) {
        orders_track(flow->core, &r->next, true);
        orders_looked(flow->core, r->next.id);
        orders_work(flow->core, r->next.id, r->right_until_us, NULL);
        return wait_a_moment(flow);
    }
    for (int leg = 0; leg < ROLL_LEGS; leg++) {
        char id[ID_SIZE];
        struct order row;
        leg_id(flow, (enum roll_leg)leg, id);
        if (orders_row(flow->core, id, &row)) { /* still on its way */
            flow_deadline(flow, clock_steady(flow->core->clock) + LOOK_US);
            return STEP_WAIT;
        }
    }
    return read_legs(flow);
}

/* ---- the end ---- */

static enum step_result result(struct flow *flow)
{
    const struct rolling *r = flow->data;
    char far[ID_SIZE], back[ID_SIZE], ids[IDS_SIZE];
    leg_id(flow, ROLL_LEG_OPEN, far);
    leg_id(flow, ROLL_LEG_BACK, back);
    snprintf(ids, sizeof ids, "%s,%s,%s", r->id, far, back);
    ask_rows(flow, TABLE_POSITION, ids);
    return STEP_WAIT;
}

static enum step_result result_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct rolling *r = flow->data;
    const struct store_rows *rows = value;
    char far[ID_SIZE];
    if (err)
        return flow_fail(flow, err);
    leg_id(flow, ROLL_LEG_OPEN, far);
    for (size_t i = 0; i < rows->count; i++) {
        const struct position *p = rows->rows[i];
        int at = strcmp(p->id, r->id) == 0 ? 0 : strcmp(p->id, far) == 0 ? 1 : 2;
        r->found[at] = *p;
        r->has_found[at] = true;
    }
    return STEP_NEXT;
}

/* What the near leg was held with, the new one is: as far from its own price. */
static void carry_over(const struct rolling *r, const struct position *from, struct position *to)
{
    struct decimal near = r->found[0].exit_price;
    to->atr = r->position.atr;
    to->stop = rollover_stop(r->position.stop, near, from->entry_price);
    to->initial_stop = rollover_stop(r->position.initial_stop, near, from->entry_price);
}

static void change_pyramid(struct core *core, const struct position *base, struct pyramid *after,
                           struct store_event *event)
{
    char id[KEY_SIZE];
    pair_id_make(id, base->strategy, base->instrument);
    const struct pyramid *before = book_get(core->book, TABLE_PYRAMID, id);
    if (!before || strcmp(before->base_position_id, base->id) != 0)
        return;
    *after = *before;
    after->base_stop = base->initial_stop;
    after->version++;
    event_change(event, TABLE_PYRAMID, before, after);
}

static enum step_result settle(struct flow *flow)
{
    struct rolling *r = flow->data;
    struct core *core = flow->core;
    struct position *after = arena_alloc(flow->arena, ROLL_LEGS * sizeof *after);
    struct pyramid pyramid;
    struct store_event event;
    bool rolled = r->outcome == ROLL_ROLLED;
    event_start(core, &event, rolled ? "rollover.done" : "rollover.failed", r->id);
    put_reason(flow, &event);
    for (int at = 0; at < ROLL_LEGS; at++) {
        if (!r->has_found[at] || (at == 0 && r->found[0].rollover >= ROLLOVER_ROLLED) ||
            (at > 0 && (r->found[at].status == POSITION_CLOSED || decimal_ok(r->found[at].stop))))
            continue;
        after[at] = r->found[at];
        after[at].version++;
        if (at == 0)
            after[at].rollover = rolled ? ROLLOVER_ROLLED : ROLLOVER_FAILED;
        else
            carry_over(r, &r->found[at], &after[at]);
        if (at == ROLL_LEG_BACK)
            after[at].rollover = ROLLOVER_FAILED; /* it is where it was: not tried for ever */
        event_change(&event, TABLE_POSITION, &r->found[at], &after[at]);
        if (at > 0)
            change_pyramid(core, &after[at], &pyramid, &event);
    }
    log_write(core->log, rolled ? LOG_INFO : LOG_ERROR, "rollover",
              rolled ? "a position was rolled" : "a position could not be rolled",
              LOG_T("instrument", r->instrument), LOG_T("position", r->position.label),
              LOG_T("expiry", r->expiry), LOG_END);
    if (event.change_count == 0)
        return STEP_END;
    record_write(core, &event, 1, false, flow_waiter(flow));
    return STEP_WAIT;
}

static const struct step roll_steps[] = {
    /* name       ask       answer           release deadline flags */
    {"lease", lease, lease_answer, NULL, 0, 0},
    {"pending", pending, NULL, NULL, 0, STEP_FENCED},
    {"position", position, position_answer, NULL, 0, 0},
    {"tries", tries, tries_answer, NULL, 0, 0},
    {"legs", legs, legs_answer, NULL, 0, STEP_FENCED},
    {"result", result, result_answer, NULL, 0, 0},
    {"settle", settle, NULL, NULL, 0, STEP_FENCED},
};

static void roll_ended(struct flow *flow, const struct err *err)
{
    struct rolling *r = flow->data;
    struct roll *roll = flow->core->roll;
    size_t at = roll_find(roll, r->strategy, r->instrument);
    if (!err && at < roll->count)
        roll->list[at] = roll->list[--roll->count];
    if (!err)
        return;
    log_write(flow->core->log, LOG_WARN, "rollover", "a rollover was interrupted; it goes on",
              LOG_T("instrument", r->instrument), LOG_T("error", err->text), LOG_END);
    if (at < roll->count)
        roll->list[at].interrupted = true;
    roll->resume = true;
    roll->next_us = clock_steady(flow->core->clock) + LEASE_US;
}

static const struct story roll_story = {.name = "roll", STORY(roll_steps), .ended = roll_ended};

void roll_begin(struct core *core, const struct position *position, const char *reason)
{
    struct roll *roll = core->roll;
    struct rolling r = {.outcome = ROLL_WAIT};
    size_t at = roll_find(roll, position->strategy, position->instrument);
    if (at == ROLLING_MAX || (at < roll->count && !roll->list[at].interrupted))
        return;
    text_copy(r.id, sizeof r.id, position->id);
    text_copy(r.strategy, sizeof r.strategy, position->strategy);
    text_copy(r.instrument, sizeof r.instrument, position->instrument);
    text_copy(r.expiry, sizeof r.expiry, position->expiry);
    text_copy(r.reason, sizeof r.reason, reason);
    struct flow *flow =
        flow_make(core, &roll_story, position->id, &r, sizeof r, (struct waiter){0});
    if (!flow)
        return;
    text_copy(roll->list[at].strategy, NAME_SIZE, position->strategy);
    text_copy(roll->list[at].instrument, NAME_SIZE, position->instrument);
    roll->list[at].interrupted = false;
    roll->count += at == roll->count;
    flow_run(flow);
}
