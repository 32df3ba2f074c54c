/* Finding out what became of an order, and cancelling one.
 *
 *     delay     not before the moment the parent chose
 *     recall    what was kept of an order that another process may have sent
 *     query     the broker is asked about this one order, by our client order id
 *     conclude  it was not found: that is proof only from a certain moment on (orders_proof_us),
 *               and none at all of an order that stood: that one becomes UNKNOWN
 *
 * Absence never ends an order by itself: before the proof it is UNKNOWN; with it the parent decides
 * between a new attempt and giving up. */
#include "flow/orders.h"
#include "flow/orders_parts.h"
#include "flow/record.h"
#include <string.h>

struct find {
    char order_id[ID_SIZE];
    int64_t not_before_us, asked_us; /* steady */
    int64_t attempt;                 /* the row's, when the broker was asked */
    bool proved, found, ambiguous;
};

static enum step_result delay(struct flow *flow)
{
    const struct find *find = flow->data;
    if (clock_steady(flow->core->clock) >= find->not_before_us)
        return STEP_NEXT;
    flow_deadline(flow, find->not_before_us);
    return STEP_WAIT;
}

static enum step_result delay_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)flow;
    (void)err;
    (void)value;
    return STEP_NEXT;
}

static enum step_result recall(struct flow *flow)
{
    const struct find *find = flow->data;
    const struct live_order *live = orders_find(flow->core, find->order_id);
    struct store_events_query query = {
        .kind_prefix = "order.surveyed", .subject = find->order_id, .descending = true, .limit = 1};
    if (!flow->core->broker->ops->recall || !live || live->recalled ||
        !order_is_unresolved(live->row.state))
        return STEP_NEXT;
    store_events(flow->core->store, &query, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result recall_answer(struct flow *flow, const struct err *err, const void *value)
{
    const struct find *find = flow->data;
    const struct store_events *events = value;
    struct live_order *live = orders_find(flow->core, find->order_id);
    const struct json *root = NULL;
    struct err ignored;
    if (err)
        return flow_fail(flow, err);
    if (!live)
        return STEP_END;
    if (events->count)
        root = json_parse(flow->arena, events->list[0].body, strlen(events->list[0].body), NULL,
                          &ignored);
    live->recalled = true;
    broker_recall(flow->core->broker, &live->row, json_at(root, "cause.survey"));
    return STEP_NEXT;
}

static enum step_result query(struct flow *flow)
{
    struct find *find = flow->data;
    struct core *core = flow->core;
    struct order row;
    if (!orders_row(core, find->order_id, &row))
        return STEP_END;
    find->asked_us = clock_steady(core->clock);
    find->attempt = row.attempt;
    flow_deadline(flow, find->asked_us + core->options.order_deadline_us);
    broker_query(core->broker, &row, flow_waiter(flow));
    return STEP_WAIT;
}

void orders_tell(struct core *core, const char *order_id, const struct broker_answer *answer)
{
    struct report report = {.at_us = clock_wall(core->clock)};
    struct live_order *live = orders_find(core, order_id);
    if (live)
        live->lost = false; /* all that there are are told now */
    text_copy(report.order_id, sizeof report.order_id, order_id);
    text_copy(report.broker_id, sizeof report.broker_id, answer->broker_id);
    text_copy(report.reason, sizeof report.reason, answer->reason);
    report.kind = REPORT_ACKNOWLEDGED;
    if (answer->fill_count == 0)
        orders_report(core, &report);
    for (size_t i = 0; i < answer->fill_count; i++)
        orders_report(core, &answer->fills[i]);
    switch (answer->state) {
    case ORDER_CANCELLED:
        report.kind = REPORT_CANCELLED;
        break;
    case ORDER_REJECTED:
        report.kind = REPORT_REJECTED;
        break;
    case ORDER_EXPIRED:
        report.kind = REPORT_EXPIRED;
        break;
    default:
        return;
    }
    orders_report(core, &report);
}

static enum step_result query_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct find *find = flow->data;
    const struct broker_answer *answer = value;
    if (err && err->code == ERR_CONFLICT) { /* only a person can tell: nobody waits for that */
        orders_looked(flow->core, find->order_id);
        find->ambiguous = true;
        return STEP_NEXT;
    }
    if (err)
        return flow_fail(flow, err);
    find->found = answer->found;
    if (answer->found)
        orders_tell(flow->core, find->order_id, answer);
    orders_looked(flow->core, find->order_id);
    return answer->found ? STEP_END : STEP_NEXT;
}

/* It stood, and the broker knows it no more: it may have been filled, so it does not go on resting
 * here, where nobody would look after it; a person is told (work_order.c). */
static enum step_result lost(struct flow *flow, const struct order *row)
{
    const struct find *find = flow->data;
    struct report report = {.kind = REPORT_NOT_FOUND, .at_us = clock_wall(flow->core->clock)};
    if (find->asked_us < orders_shows_us(flow->core, row))
        return STEP_END;
    text_copy(report.order_id, sizeof report.order_id, row->id);
    text_copy(report.reason, sizeof report.reason,
              "it stood at the broker, which does not know it any more");
    orders_report(flow->core, &report);
    return STEP_END;
}

static enum step_result conclude(struct flow *flow)
{
    struct find *find = flow->data;
    struct core *core = flow->core;
    struct order row;
    if (!orders_row(core, find->order_id, &row) || row.attempt != find->attempt ||
        !record_settled(core))
        return STEP_END;
    if (!find->ambiguous &&
        (row.state == ORDER_ACKNOWLEDGED || row.state == ORDER_PARTIALLY_FILLED))
        return lost(flow, &row);
    if (!order_is_unresolved(row.state))
        return STEP_END;
    if (row.state == ORDER_UNKNOWN) {
        find->proved = !find->ambiguous && find->asked_us >= orders_proof_us(core, &row);
        return STEP_END;
    }
    row.state = ORDER_UNKNOWN;
    text_copy(row.reason, sizeof row.reason,
              find->ambiguous ? "several orders at the broker may be this one; settle it by hand"
                              : "sent or not: the broker does not know it yet");
    orders_change(core, NULL, NULL, &row, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result conclude_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)value;
    return err ? flow_fail(flow, err) : conclude(flow);
}

static const struct step find_order[] = {
    /* name       ask       answer           release deadline flags */
    {"delay", delay, delay_answer, NULL, 0, 0},
    {"recall", recall, recall_answer, NULL, 0, 0},
    {"query", query, query_answer, NULL, 0, 0},
    {"conclude", conclude, conclude_answer, NULL, 0, STEP_FENCED},
};
static const struct story find_order_story = {.name = "find_order", STORY(find_order)};

bool order_find_proved(const void *value)
{
    return ((const struct find *)value)->proved;
}

bool order_find_found(const void *value)
{
    return ((const struct find *)value)->found;
}

int64_t order_find_asked_us(const void *value)
{
    return ((const struct find *)value)->asked_us;
}

struct flow *order_find_begin(struct flow *parent, const char *order_id, int64_t not_before_us)
{
    struct find find = {.not_before_us = not_before_us};
    text_copy(find.order_id, sizeof find.order_id, order_id);
    return flow_begin(parent->core, &find_order_story, order_id, &find, sizeof find,
                      flow_waiter(parent));
}

/* ---- cancelling ---- */

struct cancel {
    char order_id[ID_SIZE];
};

static enum step_result cancel(struct flow *flow)
{
    const struct cancel *cancel = flow->data;
    struct core *core = flow->core;
    struct order row;
    if (!orders_row(core, cancel->order_id, &row))
        return STEP_END;
    flow_deadline(flow, clock_steady(core->clock) + core->options.order_deadline_us);
    broker_cancel(core->broker, &row, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result cancel_answer(struct flow *flow, const struct err *err, const void *value)
{
    if (err)
        return flow_fail(flow, err);
    orders_report(flow->core, value);
    return STEP_END;
}

static const struct step cancel_order[] = {
    {"cancel", cancel, cancel_answer, NULL, 0, STEP_FENCED | STEP_MONEY},
};
static const struct story cancel_order_story = {.name = "cancel_order", STORY(cancel_order)};

struct flow *order_cancel_begin(struct flow *parent, const char *order_id)
{
    struct cancel what;
    text_copy(what.order_id, sizeof what.order_id, order_id);
    return flow_begin(parent->core, &cancel_order_story, order_id, &what, sizeof what,
                      flow_waiter(parent));
}
