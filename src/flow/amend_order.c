/* Changing an order that rests: its quantity and its prices, at the broker first, then in its row.
 *
 *     amend   the broker is asked
 *     note    it has taken the change: the row says so
 *
 * An answer that is lost leaves the row as it was and the order as it may be: whoever wanted the
 * change looks again and asks for the same once more, which does nothing the second time. */
#include "flow/orders.h"
#include "flow/orders_parts.h"
#include "flow/record.h"

struct amend {
    struct order want;
    struct waiter to;
};

static enum step_result amend(struct flow *flow)
{
    const struct amend *amend = flow->data;
    struct core *core = flow->core;
    struct live_order *live = orders_find(core, amend->want.id);
    if (!live || live->final)
        return STEP_END;
    struct order row = live->row;
    row.quantity = amend->want.quantity;
    row.limit_price = amend->want.limit_price;
    row.stop_price = amend->want.stop_price;
    flow_deadline(flow, clock_steady(core->clock) + core->options.order_deadline_us);
    broker_amend(core->broker, &row, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result amend_answer(struct flow *flow, const struct err *err, const void *value)
{
    const struct amend *amend = flow->data;
    struct live_order *live = orders_find(flow->core, amend->want.id);
    const struct report *report = value;
    if (live)
        live->amend_refused = err && err->class == ERR_REFUSED;
    if (err)
        return flow_fail(flow, err);
    if (report->kind != REPORT_ACKNOWLEDGED)
        orders_report(flow->core, report);
    return STEP_NEXT;
}

static enum step_result note(struct flow *flow)
{
    const struct amend *amend = flow->data;
    struct order after;
    if (!orders_row(flow->core, amend->want.id, &after) || order_is_final(after.state))
        return STEP_END;
    after.quantity = amend->want.quantity;
    after.limit_price = amend->want.limit_price;
    after.stop_price = amend->want.stop_price;
    orders_change(flow->core, "order.amended", NULL, &after, flow_waiter(flow));
    return STEP_WAIT;
}

static const struct step amend_order[] = {
    {"amend", amend, amend_answer, NULL, 0, STEP_FENCED | STEP_MONEY},
    {"note", note, NULL, NULL, 0, STEP_FENCED},
};

static void ended(struct flow *flow, const struct err *err)
{
    const struct amend *amend = flow->data;
    struct live_order *live = orders_find(flow->core, amend->want.id);
    if (live) {
        live->changing = false;
        live->dirty |= err != NULL; /* see what became of it */
    }
    flow->core->orders->wake |= err != NULL;
    wait_answer(amend->to, err, NULL);
}

static const struct story amend_order_story = {
    .name = "amend_order", STORY(amend_order), .ended = ended};

bool orders_amend(struct core *core, const struct order *want, struct waiter to)
{
    struct amend amend = {.want = *want, .to = to};
    struct live_order *live = orders_find(core, want->id);
    if (!live || live->changing || !core->broker->ops->traits->amends ||
        (live->row.state != ORDER_ACKNOWLEDGED && live->row.state != ORDER_PARTIALLY_FILLED))
        return false;
    live->changing = true;
    if (flow_begin(core, &amend_order_story, want->id, &amend, sizeof amend, (struct waiter){0}))
        return true;
    live->changing = false;
    return false;
}
