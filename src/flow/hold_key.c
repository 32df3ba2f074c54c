/* Taking a key: from the lease to the moment trading is allowed.
 *
 *     NONE ──> TAKING ──────────────────────────────────────────> OPEN
 *                lease    after: no living instance but us has the key, and our book is as of then
 *                current  after: every row of the book is as the log has it
 *                fills    after: every recorded fill of its open orders is known
 *                own      after: the broker's body knows what our orders are called there
 *                orders   after: the broker has answered once about each of them; what stays
 *                         unknown blocks
 *                match    after: our book was compared with the broker's (match_books.c), or is so
 * at once after opening, and entries wait for that: where one stood by, the leader before had
 * compared, all it ordered since has a row and was asked about, and so an exit knows what it closes
 *                rolls    after: rollovers that were under way go on
 *                open     after: waiting signals are queued, trading is allowed for the key */
#include "flow/exits.h"
#include "flow/failover.h"
#include "flow/flow.h"
#include "flow/follow.h"
#include "flow/holding_parts.h"
#include "flow/mutant.h"
#include "flow/orders.h"
#include "flow/orders_parts.h"
#include "flow/record.h"
#include "flow/roll.h"
#include <string.h>

#define LOOK_US 20000
#define AGAIN_US 200000
#define BUSY_US 400000

/* ---- lease ---- */

struct taking {
    char key[sizeof((struct holding *)0)->key];
    size_t orders;
    int64_t began_us;
    bool inherited;     /* somebody had the key before */
    bool vouched;       /* the books are compared after opening */
    bool rolls_told;    /* how many rollovers are under way is known, or cannot be */
    bool rolls_awaited; /* nothing else is waited for */
    bool rolls_resumed; /* they are being gone on with */
    size_t rolls;
};

static struct holding *holding_in(const struct flow *flow)
{
    struct holding *holding;
    HASH_FIND_STR(flow->core->holdings->all, ((const struct taking *)flow->data)->key, holding);
    return holding;
}

/* Whether the key is about this instrument. */
static bool concerns(const struct core *core, const struct holding *holding, const char *instrument)
{
    if (core->options.mode != MODE_ACTIVE_ACTIVE)
        return true;
    return strcmp(holding->instrument, instrument) == 0;
}

static enum step_result ask_lease(struct flow *flow)
{
    struct taking *taking = flow->data;
    taking->began_us = clock_steady(flow->core->clock);
    const struct lease_row *row = book_get(flow->core->book, TABLE_LEASE, taking->key);
    taking->inherited = row && (row->term != flow->core->term || row->version > 1);
    if (strcmp(taking->key, LEADER_KEY) == 0)
        failover_begin(flow->core);
    if (MUTANT(MUTANT_TWO_LEADERS))
        return STEP_NEXT;
    lease_acquire(flow->core->lease, taking->key, flow_waiter(flow));
    return STEP_WAIT;
}

/* ---- current ---- */

static enum step_result wait_current(struct flow *flow)
{
    struct core *core = flow->core;
    holding_in(flow)->looking = true;
    if (record_settled(core) && follow_is_settled(core))
        return STEP_NEXT;
    flow_deadline(flow, clock_steady(core->clock) + LOOK_US);
    return STEP_WAIT;
}

static enum step_result hear_current(struct flow *flow, const struct err *err, const void *value)
{
    (void)err;
    (void)value;
    return wait_current(flow);
}

/* ---- fills ---- */

static bool note_order(void *ctx, const struct order *order)
{
    struct owed *owed = ctx;
    if (owed->holding && !concerns(owed->core, owed->holding, order->instrument))
        return true;
    if (owed->order_count == owed->order_room) {
        owed->order_room = owed->order_room ? owed->order_room * 2 : 16;
        owed->orders = mem_realloc(owed->orders, owed->order_room * sizeof *owed->orders);
    }
    owed->orders[owed->order_count++] = *order;
    return true;
}

static bool note_signal(void *ctx, const void *row)
{
    struct owed *owed = ctx;
    const struct signal *signal = row;
    if ((owed->holding && !concerns(owed->core, owed->holding, signal->instrument)) ||
        signal_is_final(signal->state))
        return true;
    if (owed->signal_count == owed->signal_room) {
        owed->signal_room = owed->signal_room ? owed->signal_room * 2 : 16;
        owed->signals = mem_realloc(owed->signals, owed->signal_room * sizeof *owed->signals);
    }
    owed->signals[owed->signal_count++] = *signal;
    return true;
}

struct owed hold_owed(struct core *core, const struct holding *holding)
{
    struct owed owed = {.core = core, .holding = holding};
    if (core->options.mode == MODE_ACTIVE_ACTIVE && holding && !*holding->instrument)
        return owed;
    book_each_live_order(core->book, note_order, &owed);
    book_each(core->book, TABLE_SIGNAL, note_signal, &owed);
    return owed;
}

void hold_let_go(struct owed *owed)
{
    mem_free(owed->orders);
    mem_free(owed->signals);
}

static enum step_result load_next(struct flow *flow)
{
    char id[ID_SIZE];
    if (!orders_next_unloaded(flow->core, id))
        return STEP_NEXT;
    if (!orders_load_fills(flow->core, id, flow_waiter(flow)))
        flow_deadline(flow, clock_steady(flow->core->clock) + AGAIN_US);
    return STEP_WAIT;
}

static enum step_result fills(struct flow *flow)
{
    struct core *core = flow->core;
    struct owed owed = hold_owed(core, holding_in(flow));
    for (size_t i = 0; i < owed.order_count; i++) {
        const struct order *order = &owed.orders[i];
        orders_track(core, order, !decimal_ok(order->filled) || decimal_is_zero(order->filled));
    }
    hold_let_go(&owed);
    return load_next(flow);
}

static enum step_result fills_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)value;
    if (!err || err->code == ERR_TIMEOUT)
        return load_next(flow);
    flow_deadline(flow, clock_steady(flow->core->clock) + AGAIN_US);
    return STEP_WAIT;
}

/* ---- what is ours at the broker ---- */

/* A broker without client order ids shows a day's orders of everybody: those that are ours belong
 * to the orders that have them, be they long over. And an exit that was refused before this process
 * began is still to be tried again. */
void holding_note_ended(struct core *core, const struct order *order)
{
    if (!order_is_final(order->state))
        return;
    exits_note(core, order);
    broker_own(core->broker, order);
}

/* Those that ended were told as they did. */
static enum step_result own_live(struct flow *flow)
{
    struct core *core = flow->core;
    struct owed owed = hold_owed(core, holding_in(flow));
    for (size_t i = 0; i < owed.order_count; i++)
        broker_own(core->broker, &owed.orders[i]);
    hold_let_go(&owed);
    return STEP_NEXT;
}

static enum step_result own(struct flow *flow)
{
    struct core *core = flow->core;
    const struct holding *holding = holding_in(flow);
    char since[CALENDAR_TEXT_MAX];
    if (core->options.mode == MODE_ACTIVE_ACTIVE && !*holding->instrument)
        return STEP_NEXT;
    if (core->own_known)
        return own_live(flow);
    calendar_print(clock_wall(core->clock) - HOLDING_OWN_US, since);
    struct store_query query = {.table = TABLE_ORDER,
                                .where = {{.column = "created_at", .op = STORE_GE, .value = since}},
                                .where_count = 1,
                                .limit = 10000};
    if (core->options.mode == MODE_ACTIVE_ACTIVE)
        query.where[query.where_count++] = (struct store_condition){
            .column = "instrument", .op = STORE_EQ, .value = holding->instrument};
    store_query(core->store, &query, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result own_answer(struct flow *flow, const struct err *err, const void *value)
{
    const struct store_rows *rows = value;
    if (!err && !rows) /* after a pause */
        return own(flow);
    if (err) {
        flow_deadline(flow, clock_steady(flow->core->clock) + AGAIN_US);
        return STEP_WAIT;
    }
    for (size_t i = 0; i < rows->count; i++) {
        broker_own(flow->core->broker, rows->rows[i]);
        exits_note(flow->core, rows->rows[i]);
    }
    return STEP_NEXT;
}

/* ---- orders ---- */

static void begin_working(struct core *core, const struct signal *signal)
{
    struct lane *lane = lane_of(core, signal->strategy, signal->instrument);
    struct flow *flow = trade_begin(core, lane, signal, false);
    if (!flow) {
        lane_retry(core, signal->id, clock_steady(core->clock) + AGAIN_US);
        return;
    }
    lane->active = flow->handle;
    flow_run(flow);
}

static void begin_orphan(struct core *core, const struct order *order)
{
    const struct signal *signal = book_get(core->book, TABLE_SIGNAL, order->signal_id);
    if (order->protective || !signal || signal->state != SIGNAL_WORKING)
        orders_work(core, order->id, 0, NULL);
}

/* A mistake on purpose: what a dead instance was about to send is taken for unsent. */
static void take_for_unsent(struct core *core, const struct order *order)
{
    struct order after = *order;
    if (!MUTANT(MUTANT_ADOPT_BLINDLY) || order->state != ORDER_SENDING)
        return;
    after.state = ORDER_INTENDED;
    orders_looked(core, order->id);
    orders_change(core, "order.unsent", NULL, &after, (struct waiter){0});
}

static void hear_rolls(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct core *core = owner;
    struct flow *flow = flow_find(core, handle);
    if (!flow)
        return;
    struct taking *taking = flow->data;
    taking->rolls_told = true;
    taking->rolls = err ? 1 : ((const struct store_rows *)value)->count;
    if (taking->rolls_awaited)
        flow_poke(core, handle);
}

static enum step_result orders(struct flow *flow)
{
    struct core *core = flow->core;
    struct taking *taking = flow->data;
    struct owed owed = hold_owed(core, holding_in(flow));
    /* Seldom are there any: asked while the broker is. */
    roll_find_interrupted(core, (struct waiter){hear_rolls, core, flow->handle});
    for (size_t i = 0; i < owed.order_count; i++)
        take_for_unsent(core, &owed.orders[i]);
    for (size_t i = 0; i < owed.signal_count; i++)
        if (owed.signals[i].state == SIGNAL_WORKING)
            begin_working(core, &owed.signals[i]);
    for (size_t i = 0; i < owed.order_count; i++)
        begin_orphan(core, &owed.orders[i]);
    taking->orders = owed.order_count;
    hold_let_go(&owed);
    flow_deadline(flow, clock_steady(core->clock) + LOOK_US);
    return orders_unlooked(core) ? STEP_WAIT : STEP_NEXT;
}

static enum step_result orders_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)err;
    (void)value;
    if (orders_unlooked(flow->core) == 0)
        return STEP_NEXT;
    flow_deadline(flow, clock_steady(flow->core->clock) + LOOK_US);
    return STEP_WAIT;
}

/* ---- match ---- */

/* Where every instrument has a key of its own, the leader's holds back none that is traded. */
static bool is_vouched(const struct core *core)
{
    return match_is_vouched(core) || (core->reconciled && core->options.mode == MODE_ACTIVE_ACTIVE);
}

/* All of it at once, by whoever leads; what an instrument's own key needs was looked up above. That
 * is enough for the leader's key, too, when a comparison vouches for the rest. */
static enum step_result match(struct flow *flow)
{
    struct taking *taking = flow->data;
    bool leads = !*holding_in(flow)->instrument;
    taking->vouched = leads ? is_vouched(flow->core) : taking->inherited;
    if (!leads || taking->vouched)
        return STEP_NEXT;
    if (!match_begin(flow->core, "start", flow_waiter(flow)))
        flow_deadline(flow, clock_steady(flow->core->clock) + AGAIN_US);
    return STEP_WAIT;
}

/* Whatever came of it: what is not known, or differs, keeps entries away by itself. */
static enum step_result match_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)value;
    return err && err->code == ERR_TIMEOUT && !match_now_view(flow->core).ran &&
                   !match_now_view(flow->core).blind
               ? match(flow)
               : STEP_NEXT;
}

/* ---- rolls ---- */

/* Rollovers that were under way go on before any signal about them is decided. */
static enum step_result rolls(struct flow *flow)
{
    struct taking *taking = flow->data;
    taking->rolls_awaited = !taking->rolls_told;
    if (taking->rolls_awaited)
        return STEP_WAIT;
    if (taking->rolls == 0 && flow->core->roll->count == 0)
        return STEP_NEXT;
    taking->rolls_resumed = true;
    roll_resume(flow->core, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result rolls_answer(struct flow *flow, const struct err *err, const void *value)
{
    const struct taking *taking = flow->data;
    (void)value;
    flow->core->roll->resume |= err && !taking->rolls_told; /* it looks again by itself */
    return taking->rolls_resumed || !taking->rolls_told ? STEP_NEXT : rolls(flow);
}

/* ---- open ---- */

static void queue(struct core *core, const struct signal *signal)
{
    int64_t wait_us = signal->next_try_us - clock_wall(core->clock);
    if (signal->state == SIGNAL_RETRYING && wait_us > 0)
        lane_retry(core, signal->id, clock_steady(core->clock) + wait_us);
    else if (signal->state == SIGNAL_RECEIVED || signal->state == SIGNAL_RETRYING)
        lane_wait(core, signal);
}

/* All of them before any is decided: an EXIT that nobody worked yet closes the entries that came
 * before it. */
static void queue_all(struct core *core, const struct owed *owed)
{
    for (size_t i = 0; i < owed->signal_count; i++)
        queue(core, &owed->signals[i]);
    for (size_t i = 0; i < owed->signal_count; i++)
        if (owed->signals[i].type == SIGNAL_EXIT && owed->signals[i].state == SIGNAL_RECEIVED)
            intake_supersede(core, &owed->signals[i]);
}

static enum step_result open(struct flow *flow)
{
    struct core *core = flow->core;
    struct taking *taking = flow->data;
    struct holding *holding = holding_in(flow);
    struct owed owed = hold_owed(core, holding);
    int64_t now_us = clock_steady(core->clock);
    holding->state = HOLDING_OPEN;
    hold_want(core, holding, false);
    holding->since_us = clock_wall(core->clock);
    if (core->options.mode == MODE_SINGLE)
        core->reconciled = true;
    if (holding == core->holdings->leader) {
        core->holdings->led_us = now_us;
        metric_set(core->holdings->leads, 1);
        failover_note(core);
        core->holdings->adopt_us = 0;
    }
    if (taking->vouched)
        match_owe(core);
    queue_all(core, &owed);
    log_write(core->log, LOG_INFO, "take_over", "trading is allowed", LOG_T("key", holding->key),
              LOG_I("term", core->term), LOG_I("orders", taking->orders),
              LOG_I("signals", owed.signal_count),
              LOG_T("books", taking->vouched ? "entries wait for them" : "compared"),
              LOG_MS("took_ms", now_us - taking->began_us), LOG_END);
    hold_let_go(&owed);
    metric_set(core->holdings->held, (double)holdings_count(core));
    return STEP_END;
}

static void not_taken(struct core *core, struct holding *holding, const struct err *err)
{
    holding->state = HOLDING_NONE;
    holding->looking = false;
    holding->again_us =
        clock_steady(core->clock) + BUSY_US / 2 + (int64_t)chance_below(&core->chance, BUSY_US);
    /* Somebody else has it, and works what waits; if he dies, the log tells. */
    if (err->code == ERR_BUSY)
        hold_want(core, holding, false);
}

static void ended(struct flow *flow, const struct err *err)
{
    struct core *core = flow->core;
    struct holding *holding = holding_in(flow);
    holding->flow = 0;
    holding->tried = true;
    if (err)
        not_taken(core, holding, err);
    if (holding == core->holdings->leader && core->holdings->waiting)
        flow_poke(core, core->holdings->waiting);
}

static const struct step hold_key[] = {
    /* name    ask       answer         release deadline flags */
    {"lease", ask_lease, NULL, NULL, 5000, 0},
    {"current", wait_current, hear_current, NULL, 0, STEP_FENCED},
    {"fills", fills, fills_answer, NULL, 0, STEP_FENCED},
    {"own", own, own_answer, NULL, 0, STEP_FENCED},
    {"orders", orders, orders_answer, NULL, 0, STEP_FENCED},
    {"match", match, match_answer, NULL, 0, STEP_FENCED},
    {"rolls", rolls, rolls_answer, NULL, 5000, STEP_FENCED},
    {"open", open, NULL, NULL, 0, STEP_FENCED},
};
static const struct story hold_key_story = {.name = "hold_key", STORY(hold_key), .ended = ended};

void hold_begin(struct core *core, struct holding *holding)
{
    struct taking taking;
    memset(&taking, 0, sizeof taking);
    text_copy(taking.key, sizeof taking.key, holding->key);
    struct flow *flow =
        flow_make(core, &hold_key_story, holding->key, &taking, sizeof taking, (struct waiter){0});
    if (!flow) {
        holding->again_us = clock_steady(core->clock) + AGAIN_US;
        return;
    }
    holding->state = HOLDING_TAKING;
    holding->flow = flow->handle;
    flow_run(flow);
}
