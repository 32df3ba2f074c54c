/* The life of one order, from the committed right to send to a final state.
 *
 *     send ──> watch ──────────────────────────────> (final, committed)
 *               │  not sent, still wanted:  send_order, after a pause
 *               │  outcome not known:       find_order, until there is evidence
 *               │  never stood (proof):     send_order again as a new attempt, if still wanted
 *               │  resting:                 find_order now and then: reports may be lost
 *               └─ to be cancelled:         cancel_order
 *
 * On entry of each child: the row as committed says what may have happened at the broker; the child
 * looks first. A right to send is used by the process that committed it or by nobody. */
#include "flow/orders.h"
#include "flow/away.h"
#include "flow/flows.h"
#include "flow/holding.h"
#include "flow/orders_parts.h"
#include "flow/protect.h"
#include "flow/record.h"
#include "trade/layers.h"
#include <stdio.h>

#define POLL_LEAST_US 5000000
#define POLL_MOST_US 60000000
#define FIND_LEAST_US 250000
#define FIND_MOST_US 10000000
#define UNSETTLED_US 20000

enum child { CHILD_NONE, CHILD_SEND, CHILD_FIND, CHILD_CANCEL };
struct work {
    char order_id[ID_SIZE];
    int64_t right_until_us; /* steady; 0: no unused right at hand */
    enum child child;
    unsigned sends, finds, polls, cancels;
    int64_t next_us;  /* no child before */
    int64_t asked_us; /* steady: the last question that was answered, or why it was not */
    int64_t poll_us;  /* a resting order is asked about then */
    int64_t unknown_since_us;
    bool alerted, gave_up;
};

static int64_t now_us(const struct flow *flow)
{
    return clock_steady(flow->core->clock);
}

static enum step_result begin_child(struct flow *flow, enum child kind, struct flow *child)
{
    struct work *work = flow->data;
    if (!child) { /* no room: look again shortly */
        flow_deadline(flow, now_us(flow) + FIND_LEAST_US);
        return STEP_WAIT;
    }
    work->child = kind;
    flow_deadline(flow, INT64_MAX);
    return STEP_WAIT;
}

static enum step_result sleep_until(struct flow *flow, int64_t until_us)
{
    flow_deadline(flow, until_us);
    return STEP_WAIT;
}

static int64_t backoff(struct flow *flow, int64_t least_us, int64_t most_us, unsigned times)
{
    return now_us(flow) + least_us / 2 +
           chance_backoff_us(&flow->core->chance, least_us, most_us, times < 16 ? times : 16);
}

/* ---- send ---- */

static enum step_result send(struct flow *flow)
{
    struct work *work = flow->data;
    int64_t until_us = work->right_until_us;
    work->right_until_us = 0;
    if (!until_us)
        return STEP_NEXT;
    work->sends++;
    return begin_child(flow, CHILD_SEND, order_send_begin(flow, work->order_id, until_us));
}

static enum step_result send_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct work *work = flow->data;
    const struct live_order *live = orders_find(flow->core, work->order_id);
    if (err || value)
        work->child = CHILD_NONE;
    return err || value || !live || live->final ? STEP_NEXT : STEP_WAIT;
}

/* ---- watch ---- */

/* An intent that will not be sent any more ends, and says why. */
static enum step_result give_up(struct flow *flow, const struct live_order *live, const char *why)
{
    struct work *work = flow->data;
    struct order after = live->row;
    if (work->gave_up && now_us(flow) < work->next_us)
        return sleep_until(flow, work->next_us);
    work->gave_up = true;
    after.state = live->row.state == ORDER_UNKNOWN ? ORDER_EXPIRED : ORDER_CANCELLED;
    text_copy(after.reason, sizeof after.reason, why);
    work->next_us = backoff(flow, FIND_LEAST_US, FIND_MOST_US, ++work->finds);
    orders_change(flow->core, NULL, NULL, &after, (struct waiter){0});
    return sleep_until(flow, INT64_MAX);
}

/* An exit that waited for the stop of its position: that one may have traded meanwhile. */
static enum step_result fit_to_lots(struct flow *flow, const struct live_order *live,
                                    struct decimal lots)
{
    struct order after = live->row;
    if (decimal_sign(lots) <= 0)
        return give_up(flow, live, "a stop at the broker closed the position first");
    after.quantity = lots;
    orders_change(flow->core, "order.reduced", NULL, &after, (struct waiter){0});
    return sleep_until(flow, now_us(flow) + FIND_LEAST_US);
}

/* What is open of what the exit closes: of its layer, or of all that it goes over. */
static struct decimal lots_to_close(const struct core *core, const struct order *exit)
{
    const struct position *open[LAYERS_MAX];
    struct decimal lots = decimal_int(0);
    size_t count =
        book_open_positions(core->book, exit->strategy, exit->instrument, open, LAYERS_MAX);
    for (size_t i = 0; i < count; i++)
        if (*exit->position_id ? strcmp(open[i]->id, exit->position_id) == 0
                               : layer_is_closed_by(open[i], exit->side))
            lots = decimal_add(lots, open[i]->quantity);
    return lots;
}

static bool is_unsent_exit(const struct order *row)
{
    return row->reduces && !row->protective && row->attempt == 0;
}

static enum step_result send_again(struct flow *flow, const struct live_order *live)
{
    struct work *work = flow->data;
    char why[REASON_SIZE] = "";
    /* What stood nowhere for so long did not happen, but a broker without client order ids is never
     * asked for the same thing twice. */
    if (live->row.state == ORDER_UNKNOWN &&
        flow->core->broker->ops->traits->idempotency == IDEMPOTENCY_NONE)
        return give_up(flow, live,
                       "it never showed in the broker's book; it is not sent again by itself");
    if (!orders_still_wanted(flow->core, &live->row, why) ||
        !orders_fit(flow->core, &live->row, why))
        return give_up(flow, live, why);
    if (live->row.reduces && !live->row.protective && protect_stands(flow->core, &live->row)) {
        protect_give_way(flow->core, &live->row);
        return sleep_until(flow, now_us(flow) + UNSETTLED_US);
    }
    if (is_unsent_exit(&live->row)) {
        struct decimal lots = lots_to_close(flow->core, &live->row);
        if (decimal_lt(lots, live->row.quantity))
            return fit_to_lots(flow, live, lots);
    }
    if ((flow->core->draining && !live->row.protective) ||
        (!live->row.reduces && away_holds(flow->core)) ||
        !halt_allows(halt_now(flow->core), live->row.reduces))
        return sleep_until(flow, backoff(flow, POLL_LEAST_US / 10, POLL_LEAST_US, 0));
    if (work->sends++ > 0 && now_us(flow) < work->next_us) {
        work->sends--;
        return sleep_until(flow, work->next_us);
    }
    work->next_us = backoff(flow, FIND_LEAST_US, FIND_MOST_US, work->sends);
    return begin_child(flow, CHILD_SEND, order_send_begin(flow, work->order_id, 0));
}

static void alert_unknown(struct flow *flow, const struct live_order *live)
{
    struct work *work = flow->data;
    if (live->row.state != ORDER_UNKNOWN) {
        work->unknown_since_us = 0;
        return;
    }
    if (!work->unknown_since_us)
        work->unknown_since_us = now_us(flow);
    if (work->alerted ||
        now_us(flow) - work->unknown_since_us < flow->core->options.unknown_alert_us)
        return;
    work->alerted = true;
    log_write(flow->core->log, LOG_ERROR, "orders",
              "the outcome of an order is still not known; its instrument takes no new entries",
              LOG_T("order_id", live->id), LOG_T("instrument", live->row.instrument), LOG_END);
}

/* When to ask the broker: at once the first time, then less and less often, and at the moment from
 * which its silence proves something. */
static enum step_result find_out(struct flow *flow, struct live_order *live)
{
    struct work *work = flow->data;
    int64_t at_us = now_us(flow);
    if (!live->sent_us) /* its story ended before it was handed over, or on the way */
        live->sent_us = at_us;
    int64_t proof_us = orders_proof_us(flow->core, &live->row);
    alert_unknown(flow, live);
    if (work->finds++ > 0) {
        at_us = backoff(flow, FIND_LEAST_US, FIND_MOST_US, work->finds);
        /* Once from then on, too, when the last question was asked before. */
        if (work->asked_us < proof_us && proof_us < at_us)
            at_us = proof_us;
    }
    live->dirty = false;
    return begin_child(flow, CHILD_FIND, order_find_begin(flow, work->order_id, at_us));
}

static bool broker_keeps(const struct core *core, enum order_tif tif)
{
    unsigned tifs = core->broker->ops->traits->tifs;
    return tifs == 0 || (tifs & (1u << tif)) != 0;
}

static enum step_result rest(struct flow *flow, struct live_order *live)
{
    struct work *work = flow->data;
    int64_t at_us = now_us(flow), poll_us = POLL_LEAST_US << (work->polls < 4 ? work->polls : 4);
    if (live->row.tif == TIF_IOC && live->looked && !broker_keeps(flow->core, TIF_IOC))
        live->cancel_wanted = true; /* it traded what it could; the broker would let it rest */
    if (live->cancel_wanted && at_us >= work->next_us) {
        work->next_us = backoff(flow, FIND_LEAST_US, FIND_MOST_US, work->cancels++);
        live->dirty = true; /* whatever is answered, see what became of it */
        return begin_child(flow, CHILD_CANCEL, order_cancel_begin(flow, work->order_id));
    }
    if (live->dirty || !live->looked || (work->poll_us && at_us >= work->poll_us)) {
        work->poll_us = 0;
        return find_out(flow, live);
    }
    work->finds = 0;
    if (!work->poll_us) {
        work->poll_us = at_us + (poll_us < POLL_MOST_US ? poll_us : POLL_MOST_US);
        work->polls++;
    }
    return sleep_until(flow, live->cancel_wanted && work->next_us < work->poll_us ? work->next_us
                                                                                  : work->poll_us);
}

static enum step_result watch(struct flow *flow)
{
    struct work *work = flow->data;
    struct live_order *live = orders_find(flow->core, work->order_id);
    if (!live || live->final)
        return STEP_END;
    if (work->child != CHILD_NONE)
        return STEP_WAIT;
    if (!record_settled(flow->core))
        return sleep_until(flow, now_us(flow) + UNSETTLED_US);
    switch (live->row.state) {
    case ORDER_INTENDED:
        return live->cancel_wanted ? give_up(flow, live, "cancelled before it was sent")
                                   : send_again(flow, live);
    case ORDER_SENDING:
    case ORDER_SENT:
    case ORDER_UNKNOWN:
        return find_out(flow, live);
    case ORDER_ACKNOWLEDGED:
    case ORDER_PARTIALLY_FILLED:
        return rest(flow, live);
    default:
        return sleep_until(flow, INT64_MAX); /* final as asked: its commit wakes us */
    }
}

static enum step_result watch_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct work *work = flow->data;
    enum child ended = work->child;
    if (err || value)
        work->child = CHILD_NONE;
    if (ended == CHILD_FIND && (err || value))
        work->asked_us = err ? now_us(flow) : order_find_asked_us(value);
    if (ended == CHILD_FIND && value && !err && order_find_proved(value)) {
        const struct live_order *live = orders_find(flow->core, work->order_id);
        if (live && live->row.state == ORDER_UNKNOWN && record_settled(flow->core))
            return send_again(flow, live);
    }
    return watch(flow);
}

static void unwatch(struct flow *flow)
{
    struct work *work = flow->data;
    struct live_order *live = orders_find(flow->core, work->order_id);
    if (live && live->flow == flow->handle)
        orders_untrack(flow->core, live);
}

static const struct step work_order[] = {
    /* name    ask    answer        release  deadline flags */
    {"send", send, send_answer, unwatch, 0, 0},
    {"watch", watch, watch_answer, NULL, 0, 0},
};
static const struct story work_order_story = {.name = "work_order", STORY(work_order)};

bool orders_work(struct core *core, const char *order_id, int64_t right_until_us,
                 struct flow *parent)
{
    struct waiter to = parent ? flow_waiter(parent) : (struct waiter){0};
    struct work work = {.right_until_us = right_until_us};
    struct live_order *live = orders_find(core, order_id);
    text_copy(work.order_id, sizeof work.order_id, order_id);
    struct flow *flow =
        live ? flow_make(core, &work_order_story, order_id, &work, sizeof work, to) : NULL;
    if (!flow)
        return false;
    live->flow = flow->handle;
    flow->lease_key = holding_key(core, live->row.instrument);
    flow_run(flow);
    return true;
}
