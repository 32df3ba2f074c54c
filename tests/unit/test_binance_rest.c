/* The Binance adapter over a real socket against canned answers: books and money as the venue tells
 * them, answers that prove nothing, clocks that jump, and an end while requests are under way. */
#include "broker/binance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/http_server.h"

static struct {
    struct clock clock;
    int64_t step_us; /* what the wall clock is off by */
} shifted;

static struct canned { /* "METHOD path": answer */
    const char *what;
    unsigned status;
    const char *body;
} canned[8];

static struct loop *loop;
static struct http_server *server;
static struct broker *broker;
static struct instrument list[2];
static struct instruments instruments = {list, 2};
static struct str served; /* "GET /api/v3/time\n" ... */
static struct {
    int answers, reports;
    struct err err;
    struct report report;
    struct broker_answer answer;
    struct report fill;
    struct order orders[4];
    struct broker_position positions[4];
    struct broker_balance balance;
    size_t count;
} got;

static int64_t wall(const struct clock *clock)
{
    (void)clock;
    return clock_wall(clock_real()) + shifted.step_us;
}

static int64_t steady(const struct clock *clock)
{
    (void)clock;
    return clock_steady(clock_real());
}

static struct decimal dec(const char *text)
{
    struct decimal value = decimal_bad();
    struct err err;
    assert_true(decimal_parse(text, strlen(text), &value, &err));
    return value;
}

#define FILTERS                                                                                    \
    "\"filters\":[{\"filterType\":\"LOT_SIZE\",\"minQty\":\"0.00001\",\"maxQty\":\"9000\","        \
    "\"stepSize\":\"0.00001\"}]"
static const char rules[] =
    "{\"rateLimits\":[{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\","
    "\"intervalNum\":1,\"limit\":6000}],\"symbols\":["
    "{\"symbol\":\"BTCUSDT\",\"status\":\"TRADING\",\"baseAsset\":\"BTC\",\"quoteAsset\":"
    "\"USDT\"," FILTERS "},{\"symbol\":\"ETHUSDT\",\"status\":\"TRADING\",\"baseAsset\":\"ETH\","
                        "\"quoteAsset\":\"USDT\"," FILTERS "}]}";

static void handle(const struct http_request *r)
{
    char text[96];
    snprintf(text, sizeof text, "%s %s", r->method, r->path);
    str_puts(&served, text);
    str_putc(&served, '\n');
    const char *rest = r->path + strcspn(r->path + 1, "/") + 1; /* behind /api or /fapi */
    if (text_starts(rest, "/v3/time") || text_starts(rest, "/v1/time"))
        snprintf(text, sizeof text, "{\"serverTime\":%lld}",
                 (long long)(clock_wall(clock_real()) / 1000));
    else if (strstr(rest, "exchangeInfo")) {
        http_answer(server, r->handle, 200, "application/json", rules, strlen(rules), NULL, 0);
        return;
    } else {
        for (size_t i = 0; i < sizeof canned / sizeof *canned; i++)
            if (canned[i].what && strcmp(canned[i].what, text) == 0) {
                if (canned[i].body)
                    http_answer(server, r->handle, canned[i].status, "application/json",
                                canned[i].body, strlen(canned[i].body), NULL, 0);
                return;
            }
        snprintf(text, sizeof text, "{\"code\":-1121,\"msg\":\"not canned\"}");
        http_answer(server, r->handle, 400, "application/json", text, strlen(text), NULL, 0);
        return;
    }
    http_answer(server, r->handle, 200, "application/json", text, strlen(text), NULL, 0);
}

static void on_report(void *ctx, const struct report *report)
{
    (void)ctx;
    (void)report;
    got.reports++;
}

static int open_on(enum binance_market market)
{
    struct err err;
    char url[64];
    memset(&got, 0, sizeof got);
    memset(canned, 0, sizeof canned);
    shifted.clock = (struct clock){wall, steady};
    shifted.step_us = 0;
    list[0] = (struct instrument){.name = "BTC", .symbol = "BTCUSDT", .lot_size = dec("0.001")};
    list[1] = (struct instrument){.name = "ETHUSDT", .lot_size = dec("1")};
    loop = loop_new(clock_real(), NULL, &err);
    server = http_server_new(loop, &(struct http_server_options){.handler = handle}, &err);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", http_server_port(server));
    broker = binance_open(&(struct binance_options){.market = market,
                                                    .rest_url = url,
                                                    .api_ws_url = "ws://127.0.0.1:1",
                                                    .stream_url = "ws://127.0.0.1:1",
                                                    .api_key = "key",
                                                    .secret = "secret",
                                                    .secret_length = 6,
                                                    .instruments = &instruments,
                                                    .clock = &shifted.clock,
                                                    .loop = loop},
                          &err);
    broker->on_report = on_report;
    return loop && server && broker ? 0 : -1;
}

static int open_spot(void **state)
{
    (void)state;
    return open_on(BINANCE_SPOT);
}

static int open_usdm(void **state)
{
    (void)state;
    return open_on(BINANCE_USDM);
}

static int stop(void **state)
{
    (void)state;
    broker_close(broker);
    http_server_free(server);
    loop_free(loop);
    str_free(&served);
    return 0;
}

static void can(const char *what, unsigned status, const char *body)
{
    size_t i = 0;
    while (canned[i].what && strcmp(canned[i].what, what) != 0)
        i++;
    canned[i] = (struct canned){what, status, body};
}

enum kind { A_REPORT, AN_ANSWER, ORDERS, POSITIONS, BALANCE };
static void keep(void *owner, uint64_t kind, const struct err *err, const void *value)
{
    (void)owner;
    got.answers++;
    err_clear(&got.err);
    if (err) {
        got.err = *err;
        return;
    }
    if (kind == A_REPORT)
        got.report = *(const struct report *)value;
    if (kind == BALANCE)
        got.balance = *(const struct broker_balance *)value;
    if (kind == AN_ANSWER) {
        got.answer = *(const struct broker_answer *)value;
        if (got.answer.fill_count)
            got.fill = got.answer.fills[0];
    }
    if (kind == ORDERS) {
        const struct broker_orders *orders = value;
        got.count = orders->count;
        memcpy(got.orders, orders->list, orders->count * sizeof *orders->list);
    }
    if (kind == POSITIONS) {
        const struct broker_positions *positions = value;
        got.count = positions->count;
        memcpy(got.positions, positions->list, positions->count * sizeof *positions->list);
    }
}

static struct waiter as(enum kind kind)
{
    got.answers = 0;
    return (struct waiter){keep, &got, kind};
}

static void settle(void)
{
    assert_int_equal(got.answers, 0); /* never before returning */
    int64_t until_us = loop_steady_us(loop) + 20000000;
    while (!got.answers) {
        assert_true(loop_steady_us(loop) < until_us);
        loop_turn(loop, 100);
    }
    assert_int_equal(got.answers, 1);
}

static struct order an_order(void)
{
    struct order order = {.side = ORDER_BUY,
                          .kind = ORDER_MARKET,
                          .quantity = dec("10"), /* lots of 0.001 */
                          .limit_price = decimal_bad(),
                          .stop_price = decimal_bad(),
                          .reference_price = decimal_bad()};
    text_copy(order.id, sizeof order.id, "abcdefghijklmnopqrst");
    text_copy(order.instrument, sizeof order.instrument, "BTC");
    return order;
}

static void place(const struct order *order, int64_t in_us)
{
    struct right_to_send right = {.order = order,
                                  .valid_until_us = clock_wall(&shifted.clock) + in_us};
    broker_place(broker, &right, as(A_REPORT));
    settle();
}

/* The rules are known once anything that is signed was answered. */
static void get_ready(void)
{
    can("GET /api/v3/account", 200, "{\"balances\":[]}");
    broker_balance(broker, as(BALANCE));
    settle();
    assert_int_equal(got.err.class, ERR_NONE);
}

static void lists_open_orders(void **state)
{
    (void)state;
    can("GET /api/v3/openOrders", 200,
        "[{\"symbol\":\"BTCUSDT\",\"orderId\":7,\"clientOrderId\":\"abcdefghijklmnopqrst\","
        "\"price\":\"50000\",\"origQty\":\"0.01000000\",\"executedQty\":\"0.004\",\"status\":"
        "\"PARTIALLY_FILLED\",\"timeInForce\":\"GTC\",\"type\":\"LIMIT\",\"side\":\"BUY\","
        "\"stopPrice\":\"0.0\",\"time\":1795281738311},"
        "{\"symbol\":\"XRPUSDT\",\"orderId\":\"8\",\"clientOrderId\":\"web_0123456789\","
        "\"price\":\"1.9\",\"origQty\":\"5\",\"executedQty\":\"0\",\"status\":\"NEW\","
        "\"timeInForce\":\"GTC\",\"type\":\"STOP_LOSS_LIMIT\",\"side\":\"SELL\",\"stopPrice\":"
        "\"2\"}]");
    broker_open_orders(broker, as(ORDERS));
    settle();
    assert_int_equal(got.count, 2);
    assert_string_equal(got.orders[0].instrument, "BTC");
    assert_string_equal(got.orders[0].broker_id, "7");
    assert_true(decimal_eq(got.orders[0].quantity, dec("10")));
    assert_true(decimal_eq(got.orders[0].filled, dec("4")));
    assert_int_equal(got.orders[0].kind, ORDER_LIMIT);
    assert_false(decimal_ok(got.orders[0].stop_price));
    assert_string_equal(got.orders[1].instrument, "XRPUSDT"); /* not ours, not hidden */
    assert_int_equal(got.orders[1].kind, ORDER_STOP);
    assert_true(decimal_eq(got.orders[1].stop_price, dec("2")));
    can("GET /api/v3/openOrders", 200, "[{\"symbol\":\"BTCUSDT\",\"orderId\":7}]");
    broker_open_orders(broker, as(ORDERS));
    settle();
    assert_int_equal(got.err.class, ERR_NOT_DONE); /* half a list is none */
}

static void tells_holdings_and_money(void **state)
{
    (void)state;
    can("GET /api/v3/account", 200,
        "{\"balances\":[{\"asset\":\"BTC\",\"free\":\"0.4\",\"locked\":\"0.1\"},{\"asset\":"
        "\"ETH\",\"free\":\"0\",\"locked\":\"0\"},{\"asset\":\"USDT\",\"free\":\"90.5\",\"locked\":"
        "\"9.5\"},{\"asset\":\"BNB\",\"free\":\"3\",\"locked\":\"0\"}]}");
    broker_positions(broker, as(POSITIONS));
    settle();
    assert_int_equal(got.count, 1);
    assert_string_equal(got.positions[0].instrument, "BTC");
    assert_true(decimal_eq(got.positions[0].quantity, dec("500")));
    broker_balance(broker, as(BALANCE));
    settle();
    assert_true(decimal_eq(got.balance.cash, dec("100")));
    can("GET /api/v3/account", 200, "{\"balances\":7}");
    broker_positions(broker, as(POSITIONS));
    settle();
    assert_int_equal(got.err.class, ERR_NOT_DONE);
}

static void tells_positions_of_futures(void **state)
{
    (void)state;
    can("GET /fapi/v2/positionRisk", 200,
        "[{\"symbol\":\"BTCUSDT\",\"positionAmt\":\"-0.250\",\"entryPrice\":\"50000.5\"},"
        "{\"symbol\":\"ETHUSDT\",\"positionAmt\":\"0.000\",\"entryPrice\":\"0.0\"},"
        "{\"symbol\":\"XRPUSDT\",\"positionAmt\":\"12\",\"entryPrice\":\"2\"}]");
    broker_positions(broker, as(POSITIONS));
    settle();
    assert_int_equal(got.count, 2);
    assert_int_equal(got.positions[0].side, SIDE_SHORT);
    assert_true(decimal_eq(got.positions[0].quantity, dec("250")));
    assert_true(decimal_eq(got.positions[0].average_price, dec("50000.5")));
    assert_string_equal(got.positions[1].instrument, "XRPUSDT");
    can("GET /fapi/v2/account", 200,
        "{\"totalWalletBalance\":\"1000.5\",\"totalMarginBalance\":\"990\"}");
    broker_balance(broker, as(BALANCE));
    settle();
    assert_true(decimal_eq(got.balance.cash, dec("1000.5")));
    assert_true(decimal_eq(got.balance.equity, dec("990")));
}

#define TOLD(status, executed)                                                                     \
    "{\"symbol\":\"BTCUSDT\",\"orderId\":7,\"clientOrderId\":\"abcdefghijklmnopqrst\","            \
    "\"origQty\":\"0.01\",\"executedQty\":\"" executed "\",\"status\":\"" status                   \
    "\",\"side\":\"BUY\",\"updateTime\":1795281738311}"
#define TRADE(id, qty)                                                                             \
    "{\"id\":" id ",\"orderId\":7,\"price\":\"50000\",\"qty\":\"" qty "\",\"commission\":"         \
    "\"0.000004\",\"commissionAsset\":\"BTC\",\"time\":1795281738311}"

static void answers_queries_whole_or_not(void **state)
{
    (void)state;
    struct order order = an_order();
    can("GET /api/v3/order", 400, "{\"code\":-2013,\"msg\":\"Order does not exist.\"}");
    broker_query(broker, &order, as(AN_ANSWER));
    settle();
    assert_false(got.err.class || got.answer.found);
    can("GET /api/v3/order", 200, TOLD("CANCELED", "0.004"));
    can("GET /api/v3/myTrades", 200, "[]"); /* the database lags behind the engine */
    broker_query(broker, &order, as(AN_ANSWER));
    settle();
    assert_int_equal(got.err.class, ERR_NOT_DONE);
    can("GET /api/v3/myTrades", 200, "[" TRADE("91", "0.004") "]");
    broker_query(broker, &order, as(AN_ANSWER));
    settle();
    assert_true(got.answer.found);
    assert_int_equal(got.answer.state, ORDER_CANCELLED);
    assert_int_equal(got.answer.fill_count, 1);
    assert_true(decimal_eq(got.fill.quantity, dec("4"))); /* lots */
    assert_true(decimal_eq(got.fill.fee, dec("0.2")));    /* of BTC, in USDT */
    assert_string_equal(got.fill.trade_id, "BTCUSDT-91-B");
    can("GET /api/v3/order", 502, "<html>");
    broker_query(broker, &order, as(AN_ANSWER));
    settle();
    assert_int_equal(got.err.class, ERR_MAYBE_DONE);
}

static void believes_only_its_own_order(void **state)
{
    (void)state;
    struct order order = an_order();
    get_ready();
    can("POST /api/v3/order", 200,
        "{\"symbol\":\"BTCUSDT\",\"orderId\":7,\"clientOrderId\":\"another\",\"origQty\":\"0.01\","
        "\"executedQty\":\"0\",\"status\":\"NEW\"}");
    place(&order, 5000000);
    assert_int_equal(got.err.class, ERR_MAYBE_DONE);
    can("POST /api/v3/order", 200, "{}");
    place(&order, 5000000);
    assert_int_equal(got.err.class, ERR_MAYBE_DONE);
    can("POST /api/v3/order", 200, TOLD("NEW", "0"));
    place(&order, 5000000);
    assert_int_equal(got.err.class, ERR_NONE);
    assert_int_equal(got.report.kind, REPORT_ACKNOWLEDGED);
    can("POST /api/v3/order", 200, TOLD("EXPIRED", "0"));
    place(&order, 5000000);
    assert_int_equal(got.report.kind, REPORT_EXPIRED);
}

static void uses_no_right_that_ran_out(void **state)
{
    (void)state;
    struct order order = an_order();
    get_ready();
    str_clear(&served);
    place(&order, -1);
    assert_int_equal(got.err.class, ERR_NOT_DONE);
    text_copy(order.instrument, sizeof order.instrument, "GOLD");
    place(&order, 5000000);
    assert_int_equal(got.err.class, ERR_REFUSED);
    assert_null(strstr(str_text(&served), "POST"));
}

static void signs_by_no_clock_that_jumped(void **state)
{
    (void)state;
    struct order order = an_order();
    get_ready();
    can("POST /api/v3/order", 200, TOLD("NEW", "0"));
    str_clear(&served);
    place(&order, 5000000);
    assert_string_equal(str_text(&served), "POST /api/v3/order\n");
    str_clear(&served);
    shifted.step_us = 600000;
    place(&order, 5000000);
    assert_string_equal(str_text(&served), "GET /api/v3/time\nPOST /api/v3/order\n");
}

static void cancels_with_the_fills_first(void **state)
{
    (void)state;
    struct order order = an_order();
    can("DELETE /api/v3/order", 200,
        "{\"symbol\":\"BTCUSDT\",\"orderId\":7,\"origClientOrderId\":\"abcdefghijklmnopqrst\","
        "\"clientOrderId\":\"of-the-cancel\",\"origQty\":\"0.01\",\"executedQty\":\"0.004\","
        "\"status\":\"CANCELED\",\"side\":\"BUY\"}");
    can("GET /api/v3/myTrades", 200, "[" TRADE("1", "0.001") "," TRADE("2", "0.003") "]");
    broker_cancel(broker, &order, as(A_REPORT));
    settle();
    assert_int_equal(got.reports, 2);
    assert_int_equal(got.report.kind, REPORT_CANCELLED);
    can("DELETE /api/v3/order", 400, "{\"code\":-2011,\"msg\":\"Unknown order sent.\"}");
    broker_cancel(broker, &order, as(A_REPORT));
    settle();
    assert_int_equal(got.err.class, ERR_REFUSED);
    assert_int_equal(got.err.code, ERR_NOT_FOUND);
}

static void ends_while_requests_are_under_way(void **state)
{
    (void)state;
    struct order order = an_order();
    get_ready();
    can("POST /api/v3/order", 200, NULL); /* never answered */
    struct right_to_send right = {.order = &order,
                                  .valid_until_us = clock_wall(&shifted.clock) + 5000000};
    broker_place(broker, &right, as(A_REPORT));
    while (!strstr(str_text(&served), "POST"))
        loop_turn(loop, 100);
    order.quantity = dec("-1");
    broker_place(broker, &right, as(A_REPORT)); /* refused at the end of the turn */
    broker_balance(broker, as(BALANCE));
    broker_close(broker);
    broker = NULL;
    loop_turn(loop, 0);
    assert_int_equal(got.answers, 0);
}

int main(void)
{
#define SPOT(name) cmocka_unit_test_setup_teardown(name, open_spot, stop)
    const struct CMUnitTest tests[] = {
        SPOT(lists_open_orders),
        SPOT(tells_holdings_and_money),
        cmocka_unit_test_setup_teardown(tells_positions_of_futures, open_usdm, stop),
        SPOT(answers_queries_whole_or_not),
        SPOT(believes_only_its_own_order),
        SPOT(uses_no_right_that_ran_out),
        SPOT(signs_by_no_clock_that_jumped),
        SPOT(cancels_with_the_fills_first),
        SPOT(ends_while_requests_are_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
