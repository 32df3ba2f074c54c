/* Reports about orders nobody follows, and fills that were recorded before this process began.
 *
 * A late repeat of a known fill is the usual case. A fill that is not known, of an order we had
 * ended, is applied: what happened at the broker is true. An order that is not ours is left alone.
 */
#include "flow/holding.h"
#include "flow/orders.h"
#include "flow/orders_parts.h"

/* ---- fills of one order ---- */

struct load {
    char order_id[ID_SIZE];
};

static void ask_fills(struct flow *flow, const char *order_id)
{
    struct store_query query = {
        .table = TABLE_FILL,
        .where = {{.column = "order_id", .op = STORE_EQ, .value = order_id}},
        .where_count = 1,
        .limit = 10000};
    store_query(flow->core->store, &query, flow_waiter(flow));
}

static void know_fills(struct core *core, const char *order_id, const struct store_rows *rows)
{
    struct live_order *live = orders_find(core, order_id);
    if (!live)
        return;
    for (size_t i = 0; i < rows->count; i++)
        orders_know_fill(live, ((const struct fill *)rows->rows[i])->id);
    live->fills_known = true;
}

static enum step_result load(struct flow *flow)
{
    ask_fills(flow, ((const struct load *)flow->data)->order_id);
    return STEP_WAIT;
}

static enum step_result load_answer(struct flow *flow, const struct err *err, const void *value)
{
    if (err)
        return flow_fail(flow, err);
    know_fills(flow->core, ((const struct load *)flow->data)->order_id, value);
    return STEP_NEXT;
}

static const struct step load_fills[] = {{"load", load, load_answer, NULL, 0, 0}};
static const struct story load_fills_story = {.name = "load_fills", STORY(load_fills)};

struct flow *orders_load_fills(struct core *core, const char *order_id, struct waiter to)
{
    struct load what;
    text_copy(what.order_id, sizeof what.order_id, order_id);
    return flow_begin(core, &load_fills_story, order_id, &what, sizeof what, to);
}

/* ---- strays ---- */

struct stray {
    struct report report;
};

static enum step_result ask_order(struct flow *flow)
{
    const struct stray *stray = flow->data;
    struct store_query query = {
        .table = TABLE_ORDER,
        .where = {{.column = "id", .op = STORE_EQ, .value = stray->report.order_id}},
        .where_count = 1,
        .limit = 1};
    store_query(flow->core->store, &query, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result hear_order(struct flow *flow, const struct err *err, const void *value)
{
    const struct stray *stray = flow->data;
    const struct store_rows *rows = value;
    if (err)
        return flow_fail(flow, err);
    if (rows->count == 0) {
        log_write(flow->core->log, LOG_INFO, "orders", "a report about an order that is not ours",
                  LOG_T("order_id", stray->report.order_id), LOG_END);
        return STEP_END;
    }
    const struct order *row = rows->rows[0];
    if (!core_works(flow->core, row->instrument)) {
        holding_want(flow->core, row->instrument); /* who takes the key asks about it */
        return STEP_END;
    }
    if (stray->report.kind != REPORT_FILL)
        return STEP_END;
    orders_track_row(flow->core, rows->rows[0]);
    return STEP_NEXT;
}

static enum step_result ask_known(struct flow *flow)
{
    ask_fills(flow, ((const struct stray *)flow->data)->report.order_id);
    return STEP_WAIT;
}

static enum step_result hear_known(struct flow *flow, const struct err *err, const void *value)
{
    const struct stray *stray = flow->data;
    struct core *core = flow->core;
    if (err)
        return flow_fail(flow, err);
    know_fills(core, stray->report.order_id, value);
    struct live_order *live = orders_find(core, stray->report.order_id);
    if (!live)
        return STEP_END;
    int64_t version = live->row.version;
    live->looked = true;
    orders_report(core, &stray->report);
    /* Written: its commit lets go of the order. Else nobody will. */
    if (live->row.version == version && !live->flow)
        orders_untrack(core, live);
    return STEP_END;
}

static const struct step stray_report[] = {
    {"order", ask_order, hear_order, NULL, 0, 0},
    {"fills", ask_known, hear_known, NULL, 0, 0},
};
static const struct story stray_report_story = {.name = "stray_report", STORY(stray_report)};

void orders_stray(struct core *core, const struct report *report)
{
    struct stray stray = {.report = *report};
    const struct order *row = book_get(core->book, TABLE_ORDER, report->order_id);
    if (!core->reconciled)
        return; /* the takeover asks the broker about everything that is open */
    if (row && !core_works(core, row->instrument))
        return; /* another instance follows it */
    flow_begin(core, &stray_report_story, report->order_id, &stray, sizeof stray,
               (struct waiter){0});
}
