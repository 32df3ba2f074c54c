/* Why: on USD-M, stops live in a service of their own until they trigger; then an ordinary order is
 * born under the same client id. So a stop is placed and cancelled there first, and looked up there
 * when the order book does not know it. */
#include "broker/binance_parts.h"

#define PATH "/fapi/v1/algoOrder"

bool binance_is_algo(const struct binance *b, const struct order *order)
{
    return b->variant->futures && order->kind == ORDER_STOP;
}

static bool algo_state(const struct json *row, enum order_state *out)
{
    static const struct {
        const char *word;
        enum order_state state;
    } words[] = {{"NEW", ORDER_ACKNOWLEDGED},
                 {"CANCELED", ORDER_CANCELLED},
                 {"EXPIRED", ORDER_EXPIRED},
                 {"REJECTED", ORDER_REJECTED}};
    const char *status = json_text(row, "algoStatus");
    for (size_t i = 0; status && i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, status) == 0) {
            *out = words[i].state;
            return true;
        }
    return false; /* on its way to become an order */
}

static void fail(struct binance_call *call, enum err_class class, const char *text)
{
    struct err err;
    err_set(&err, class, ERR_BROKER, "Binance, stop %s: %s", call->order.id, text);
    wait_answer(call->to, &err, NULL);
}

static struct report report_of(const struct binance_call *call, enum report_kind kind,
                               const char *broker_id)
{
    struct report report = {.kind = kind, .at_us = clock_wall(call->binance->options.clock)};
    text_copy(report.order_id, sizeof report.order_id, call->order.id);
    text_copy(report.broker_id, sizeof report.broker_id, broker_id);
    return report;
}

/* ---- placing ---- */

static void placed(struct binance_call *call, const struct err *err,
                   const struct binance_reply *reply)
{
    char number[NAME_SIZE];
    const char *id = err ? NULL : json_text(reply->root, "clientAlgoId");
    if (err) {
        if (err->class != ERR_MAYBE_DONE)
            binance_live_end(call->binance, call->order.id);
        wait_answer(call->to, err, NULL);
    } else if (!id || strcmp(id, call->order.id) != 0 ||
               !binance_id_text(reply->root, "algoId", number)) {
        fail(call, ERR_MAYBE_DONE, "the answer cannot be read");
    } else {
        struct report report = report_of(call, REPORT_ACKNOWLEDGED, number);
        wait_answer(call->to, NULL, &report);
    }
}

void binance_algo_put(struct binance_call *call, const struct binance_wish *wish)
{
    const struct order *order = &call->order;
    struct str *q = &call->query;
    binance_put(q, "algoType", "CONDITIONAL");
    binance_put_wish(q, order, wish);
    binance_put_decimal(q, "triggerPrice", wish->stop_price);
    if (order->reduces)
        binance_put(q, "reduceOnly", "true");
    binance_put(q, "clientAlgoId", order->id);
    call->path = PATH;
    call->done = placed;
}

/* ---- looking up ---- */

static void found(struct binance_call *call, const struct err *err,
                  const struct binance_reply *reply)
{
    struct broker_answer answer = {0};
    struct binance_live *live = binance_live_find(call->binance, call->order.id);
    if (live)
        live->looking = false;
    if (err && call->code != -2013) {
        wait_answer(call->to, err, NULL);
        return;
    }
    if (!err && !algo_state(reply->root, &answer.state)) {
        fail(call, ERR_NOT_DONE, "it triggers just now");
        return;
    }
    answer.found = !err;
    if (answer.found)
        binance_id_text(reply->root, "algoId", answer.broker_id);
    if (!answer.found || answer.state != ORDER_ACKNOWLEDGED)
        binance_live_end(call->binance, call->order.id);
    if (!call->for_hook)
        wait_answer(call->to, NULL, &answer);
    else if (answer.found && answer.state != ORDER_ACKNOWLEDGED) {
        struct report report = report_of(call,
                                         answer.state == ORDER_CANCELLED  ? REPORT_CANCELLED
                                         : answer.state == ORDER_REJECTED ? REPORT_REJECTED
                                                                          : REPORT_EXPIRED,
                                         answer.broker_id);
        binance_report(call->binance, &report);
    }
}

static void ask(struct binance_call *call, const char *method, binance_done *done)
{
    call->method = method;
    call->path = PATH;
    call->done = done;
    call->weight = 1;
    str_clear(&call->query);
    binance_put(&call->query, "symbol", call->symbol->name);
    binance_put(&call->query, "clientAlgoId", call->order.id);
    binance_ask(call);
}

void binance_algo_look(struct binance_call *call)
{
    ask(call, "GET", found);
}

/* ---- cancelling ---- */

static void cancelled(struct binance_call *call, const struct err *err,
                      const struct binance_reply *reply)
{
    char number[NAME_SIZE] = "";
    if (err && call->code == -2011) {
        binance_cancel_order(call); /* it may be an order by now */
    } else if (err) {
        wait_answer(call->to, err, NULL);
    } else {
        binance_id_text(reply->root, "algoId", number);
        struct report report = report_of(call, REPORT_CANCELLED, number);
        binance_live_end(call->binance, call->order.id);
        wait_answer(call->to, NULL, &report);
    }
}

void binance_algo_cancel(struct binance_call *call)
{
    ask(call, "DELETE", cancelled);
}

/* ---- its events ---- */

void binance_algo_event(struct binance *b, const struct json *event, int64_t at_us)
{
    const char *id = json_text(event, "caid"), *status = json_text(event, "X");
    struct binance_live *live = id ? binance_live_find(b, id) : NULL;
    struct report report = {.at_us = at_us};
    if (!live || !status)
        return;
    if (strcmp(status, "CANCELED") == 0)
        report.kind = REPORT_CANCELLED;
    else if (strcmp(status, "EXPIRED") == 0)
        report.kind = REPORT_EXPIRED;
    else if (strcmp(status, "REJECTED") == 0)
        report.kind = REPORT_REJECTED;
    else
        return; /* the order that is born speaks for itself */
    text_copy(report.order_id, sizeof report.order_id, id);
    binance_id_text(event, "aid", report.broker_id);
    snprintf(report.reason, sizeof report.reason, "Binance: the stop is %.40s", status);
    binance_live_end(b, report.order_id);
    binance_report(b, &report);
}
