/* One attempt to send an order. What is guaranteed on entry of each step:
 *
 *     lease   after: the instrument is ours (still, or again)
 *     right   the order is INTENDED, or UNKNOWN with proof that it never stood; or its right is at
 *             hand
 *     survey  its right is committed; what resembles it at the broker is kept before it is sent,
 *             where there are no ids of ours to know it by (find_order.c recalls it)
 *     known   the broker is asked for it first when whoever traded the instrument before us may
 *             have sent it: his database may have lost the rows that would tell
 *     place   its right to send is committed under our term, unused, and ours alone
 *     note    the attempt is over; the row does not say so yet
 *
 * The right is used at most once, before its time runs out, or not at all: then it is given back in
 * writing. A right found after a restart is never used. */
#include "flow/flows.h"
#include "flow/holding.h"
#include "flow/mutant.h"
#include "flow/orders.h"
#include "flow/orders_parts.h"
#include "flow/record.h"
#include "flow/trade.h"

#define VALIDITY_US 5000000 /* for brokers that name none */
#define STAMPS_US 2000000   /* a signal's own time may be that much ahead of ours */

struct send {
    char order_id[ID_SIZE];
    int64_t right_until_us; /* steady */
    struct order row;       /* what is sent */
    bool surveyed;
    bool unsure; /* whether the broker knows it could not be asked */
    enum order_state becomes;
    char reason[REASON_SIZE];
};

int64_t order_validity_us(const struct core *core)
{
    int64_t validity_us = core->broker->ops->traits->validity_us;
    return validity_us ? validity_us : VALIDITY_US;
}

/* Lost when the process stood still for longer than it lasts. */
static enum step_result lease(struct flow *flow)
{
    if (!flow->lease_key || lease_held(flow->core->lease, flow->lease_key, NULL))
        return STEP_NEXT;
    lease_acquire(flow->core->lease, flow->lease_key, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result right(struct flow *flow)
{
    struct send *send = flow->data;
    struct core *core = flow->core;
    struct order after;
    if (send->right_until_us)
        return STEP_NEXT;
    if (!orders_row(core, send->order_id, &after) ||
        (after.state != ORDER_INTENDED && after.state != ORDER_UNKNOWN))
        return STEP_END;
    after.state = ORDER_SENDING;
    after.attempt++;
    after.term = core->term;
    after.signed_us = clock_wall(core->clock);
    after.valid_until_us = after.signed_us + order_validity_us(core);
    after.reason[0] = '\0';
    send->right_until_us = clock_steady(core->clock) + order_validity_us(core);
    orders_change(core, NULL, NULL, &after, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result survey(struct flow *flow)
{
    const struct send *send = flow->data;
    struct core *core = flow->core;
    struct order row;
    if (!core->broker->ops->survey || !orders_row(core, send->order_id, &row))
        return STEP_NEXT;
    broker_survey(core->broker, &row, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result survey_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct send *send = flow->data;
    struct store_event event;
    struct str cause = STR_EMPTY;
    struct order row;
    if (err)
        return flow_fail(flow, err);
    if (send->surveyed)
        return STEP_NEXT; /* committed */
    if (!orders_row(flow->core, send->order_id, &row) || row.state != ORDER_SENDING)
        return STEP_END;
    send->surveyed = true;
    str_printf(&cause, "{\"survey\":%s}", (const char *)value);
    event_start(flow->core, &event, "order.surveyed", row.id);
    event.cause = str_text(&cause);
    record_write(flow->core, &event, 1, false, flow_waiter(flow));
    str_free(&cause);
    return STEP_WAIT;
}

/* ---- known ---- */

/* A promoted standby, or a backup, may lack the last commits: a signal that is sent again then
 * looks new, and most brokers would take an order under an id that has ended. One that is younger
 * than our holding the key nobody else can have worked. */
static bool may_be_known(const struct core *core, const struct live_order *live)
{
    enum idempotency_class class = core->broker->ops->traits->idempotency;
    const struct signal *signal = book_get(core->book, TABLE_SIGNAL, live->row.signal_id);
    int64_t since_us = holding_since(core, live->row.instrument);
    return !live->new_there && !live->row.protective && signal &&
           (class == IDEMPOTENCY_OPEN_ORDERS || class == IDEMPOTENCY_ECHO) &&
           (!since_us || signal->at_us <= since_us + STAMPS_US);
}

static enum step_result ask_known(struct flow *flow)
{
    const struct send *send = flow->data;
    struct core *core = flow->core;
    const struct live_order *live = orders_find(core, send->order_id);
    if (!live || !may_be_known(core, live))
        return STEP_NEXT;
    flow_deadline(flow, clock_steady(core->clock) + core->options.order_deadline_us);
    broker_query(core->broker, &live->row, flow_waiter(flow));
    return STEP_WAIT;
}

/* For good: an order that the broker does not even talk about is not sent. */
static enum step_result reject(struct flow *flow, const struct err *err)
{
    struct report report = {.kind = REPORT_REJECTED, .at_us = clock_wall(flow->core->clock)};
    text_copy(report.order_id, sizeof report.order_id, ((const struct send *)flow->data)->order_id);
    text_copy(report.reason, sizeof report.reason, err->text);
    orders_report(flow->core, &report);
    return STEP_END;
}

static enum step_result hear_known(struct flow *flow, const struct err *err, const void *value)
{
    struct send *send = flow->data;
    const struct broker_answer *answer = value;
    struct live_order *live = orders_find(flow->core, send->order_id);
    send->unsure = err != NULL;
    if (err && err->class == ERR_REFUSED)
        return reject(flow, err);
    if (err) {
        text_copy(send->reason, sizeof send->reason, err->text);
        return STEP_NEXT;
    }
    if (!live)
        return STEP_END;
    live->new_there = !answer->found;
    if (!answer->found)
        return STEP_NEXT;
    log_write(flow->core->log, LOG_WARN, "orders",
              "the broker knows an order that our database had forgotten",
              LOG_T("order_id", live->id), LOG_T("instrument", live->row.instrument), LOG_END);
    orders_tell(flow->core, send->order_id, answer);
    return STEP_END;
}

/* ---- place ---- */

/* Asked last before the side effect, whatever was checked before. */
static bool may_send(struct core *core, const struct send *send, char why[REASON_SIZE])
{
    enum halt_level level = halt_now(core);
    const char *text = NULL;
    if (send->row.state != ORDER_SENDING || send->row.term != core->term)
        text = "the order has moved on";
    else if (!halt_allows(level, send->row.reduces))
        text = "trading is halted";
    else if (core->draining && !send->row.protective &&
             !(send->row.reduces && core->closing_positions))
        text = "the host is shutting down";
    else if (clock_steady(core->clock) >= send->right_until_us ||
             clock_wall(core->clock) >= send->row.valid_until_us)
        text = "the right to send was not used in time";
    if (text)
        text_copy(why, REASON_SIZE, text);
    return !text && orders_fit(core, &send->row, why);
}

static enum step_result place(struct flow *flow)
{
    struct send *send = flow->data;
    struct core *core = flow->core;
    struct live_order *live = orders_find(core, send->order_id);
    if (!live)
        return STEP_END;
    send->row = live->row;
    send->becomes = ORDER_INTENDED;
    if (send->unsure || !may_send(core, send, send->reason))
        return STEP_NEXT;
    live->sent_us = clock_steady(core->clock);
    struct right_to_send used = {
        .order = &send->row, .valid_until_us = send->row.valid_until_us, .term = send->row.term};
    flow_deadline(flow, live->sent_us + core->options.order_deadline_us);
    broker_place(core->broker, &used, flow_waiter(flow));
    live->sent_us = clock_steady(core->clock); /* the process may have stood still on the way */
    return STEP_WAIT;
}

static enum step_result place_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct send *send = flow->data;
    if (!err) {
        orders_report(flow->core, value);
        return STEP_END;
    }
    if (err->class == ERR_REFUSED)
        return reject(flow, err);
    text_copy(send->reason, sizeof send->reason, err->text);
    send->becomes = err->class == ERR_MAYBE_DONE && !MUTANT(MUTANT_RESEND_ON_TIMEOUT)
                        ? ORDER_UNKNOWN
                        : ORDER_INTENDED;
    return STEP_NEXT;
}

static enum step_result note(struct flow *flow)
{
    struct send *send = flow->data;
    struct order after;
    /* A report by another way may have come first: then there is nothing to note. */
    if (!orders_row(flow->core, send->order_id, &after) || after.state != ORDER_SENDING)
        return STEP_END;
    after.state = send->becomes;
    text_copy(after.reason, sizeof after.reason, send->reason);
    orders_change(flow->core, after.state == ORDER_INTENDED ? "order.unsent" : NULL, NULL, &after,
                  flow_waiter(flow));
    return STEP_WAIT;
}

static const struct step send_order[] = {
    /* name    ask    answer        release deadline flags */
    {"lease", lease, NULL, NULL, 500, 0},
    {"right", right, NULL, NULL, 0, STEP_FENCED},
    {"survey", survey, survey_answer, NULL, 0, STEP_FENCED},
    {"known", ask_known, hear_known, NULL, 0, STEP_FENCED},
    {"place", place, place_answer, NULL, 0, STEP_FENCED | STEP_MONEY},
    {"note", note, NULL, NULL, 0, STEP_FENCED},
};
static const struct story send_order_story = {.name = "send_order", STORY(send_order)};

struct flow *order_send_begin(struct flow *parent, const char *order_id, int64_t right_until_us)
{
    struct send send = {.right_until_us = right_until_us};
    text_copy(send.order_id, sizeof send.order_id, order_id);
    struct flow *flow = flow_make(parent->core, &send_order_story, order_id, &send, sizeof send,
                                  flow_waiter(parent));
    if (!flow)
        return NULL;
    flow->lease_key = arena_text(flow->arena, parent->lease_key); /* it may outlive its parent */
    flow_run(flow);
    return flow;
}
