/* What every broker owes the stories, run over each body: the paper broker, and OpenAlgo's adapter
 * against a small server with a book of its own. A body is done when it passes. */
#include "broker/broker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"
#include "broker/openalgo.h"
#include "broker/paper.h"
#include "io/http_server.h"

#define S_US 1000000LL
static struct loop *loop;
static struct broker *broker;
static struct instrument instrument = {.name = "ONE", .exchange = "NSE", .product = "CNC"};
static struct instruments instruments = {&instrument, 1};

/* ---- a server with a book ---- */

enum { BOOK_MAX = 16 };
static struct http_server *server;
static struct row {
    char action[8], kind[8], status[16];
    struct decimal quantity, price, trigger, traded;
} book[BOOK_MAX];
static size_t row_count;
static struct decimal market;

static void work(struct row *row)
{
    bool buys = strcmp(row->action, "BUY") == 0, stop = strcmp(row->kind, "SL-M") == 0;
    if (strcmp(row->status, "open") != 0)
        return;
    bool above = decimal_gt(market, stop ? row->trigger : row->price);
    bool equal = decimal_eq(market, stop ? row->trigger : row->price);
    if (strcmp(row->kind, "MARKET") != 0 && !equal && above != (buys == stop))
        return;
    row->traded = market;
    text_copy(row->status, sizeof row->status, "complete");
}

static const char *take_order(const struct json *body, struct row *row)
{
    text_copy(row->action, sizeof row->action, json_text(body, "action"));
    text_copy(row->kind, sizeof row->kind, json_text(body, "pricetype"));
    text_copy(row->status, sizeof row->status, "open");
    if (!json_decimal(body, "quantity", &row->quantity) ||
        !json_decimal(body, "price", &row->price) ||
        !json_decimal(body, "trigger_price", &row->trigger))
        return "no figures";
    if (decimal_gt(row->quantity, decimal_int(100)))
        return "RMS:Margin Exceeds";
    work(row);
    return NULL;
}

static struct row *named(const struct json *body)
{
    int64_t id = 0;
    bool ok = json_int(body, "orderid", &id) && id > 0 && id <= (int64_t)row_count;
    return ok && strcmp(book[id - 1].status, "open") == 0 ? &book[id - 1] : NULL;
}

static void put_book(struct str *out)
{
    for (size_t i = 0; i < row_count; i++) {
        str_printf(out,
                   "%s{\"orderid\":\"%zu\",\"symbol\":\"ONE\",\"exchange\":\"NSE\",\"product\":"
                   "\"CNC\",\"action\":\"%s\",\"pricetype\":\"%s\",\"order_status\":\"%s\"",
                   i ? "," : "", i + 1, book[i].action, book[i].kind, book[i].status);
        const char *const names[] = {"quantity", "price", "trigger_price"};
        const struct decimal values[] = {book[i].quantity, book[i].price, book[i].trigger};
        for (size_t k = 0; k < 3; k++) {
            str_printf(out, ",\"%s\":", names[k]);
            str_put_decimal(out, values[k]);
        }
        str_putc(out, '}');
    }
}

static void put_trades(struct str *out)
{
    bool first = true;
    for (size_t i = 0; i < row_count; i++) {
        if (!decimal_ok(book[i].traded))
            continue;
        str_printf(out, "%s{\"orderid\":\"%zu\",\"quantity\":", first ? "" : ",", i + 1);
        str_put_decimal(out, book[i].quantity);
        str_puts(out, ",\"average_price\":");
        str_put_decimal(out, book[i].traded);
        str_putc(out, '}');
        first = false;
    }
}

static void put_positions(struct str *out)
{
    struct decimal net = decimal_int(0);
    for (size_t i = 0; i < row_count; i++)
        if (decimal_ok(book[i].traded))
            net = strcmp(book[i].action, "BUY") == 0 ? decimal_add(net, book[i].quantity)
                                                     : decimal_sub(net, book[i].quantity);
    str_puts(out, "{\"symbol\":\"ONE\",\"exchange\":\"NSE\",\"product\":\"CNC\",\"average_price\":"
                  "\"100\",\"quantity\":");
    str_put_decimal(out, net);
    str_putc(out, '}');
}

static const char *change_book(const char *call, const struct json *body, size_t *id)
{
    struct row *row = strcmp(call, "placeorder") == 0 ? &book[row_count] : named(body);
    const char *fault = row ? NULL : "Order cannot be changed";
    if (row && strcmp(call, "cancelorder") == 0)
        text_copy(row->status, sizeof row->status, "cancelled");
    else if (row && !(fault = take_order(body, row)) && row == &book[row_count])
        row_count++;
    *id = row ? (size_t)(row - book) + 1 : 0;
    return fault;
}

static void serve(const struct http_request *r)
{
    const char *call = r->path + strlen("/api/v1/"), *fault = NULL;
    struct str out = STR_EMPTY;
    struct err err;
    size_t id;
    const struct json *body = json_parse(r->arena, r->body, r->body_length, NULL, &err);
    str_puts(&out, "{\"status\":\"success\",");
    if (strcmp(call, "analyzer") == 0)
        str_puts(&out, "\"data\":{\"mode\":\"live\"}");
    else if (strcmp(call, "symbol") == 0)
        str_puts(&out, "\"data\":{\"symbol\":\"ONE\",\"lotsize\":1,\"freeze_qty\":1}");
    else if (strcmp(call, "funds") == 0)
        str_puts(&out, "\"data\":{\"availablecash\":\"5000.50\"}");
    else if (strcmp(call, "orderbook") == 0)
        str_puts(&out, "\"data\":{\"orders\":["), put_book(&out), str_puts(&out, "]}");
    else if (strcmp(call, "tradebook") == 0)
        str_puts(&out, "\"data\":["), put_trades(&out), str_puts(&out, "]");
    else if (strcmp(call, "positionbook") == 0)
        str_puts(&out, "\"data\":["), put_positions(&out), str_puts(&out, "]");
    else if (!(fault = change_book(call, body, &id)))
        str_printf(&out, "\"orderid\":\"%zu\"", id);
    if (fault) {
        str_clear(&out);
        str_printf(&out, "{\"status\":\"error\",\"message\":\"%s\"", fault);
    }
    str_putc(&out, '}');
    http_answer(server, r->handle, fault ? 400 : 200, "application/json", out.data, out.length,
                NULL, 0);
    str_free(&out);
}

/* ---- the bodies ---- */

static void open_paper(void)
{
    struct err err = {0};
    broker = paper_open(&(struct paper_options){.fee_per_lot = decimal_bad(),
                                                .fee_percent = decimal_bad(),
                                                .slippage_percent = decimal_bad(),
                                                .seed = 1,
                                                .starting_cash = decimal_int(5000),
                                                .instruments = &instruments,
                                                .clock = clock_real()},
                        &err);
}

static void open_openalgo(void)
{
    struct err err = {0};
    static char url[64];
    server = http_server_new(loop, &(struct http_server_options){.handler = serve}, &err);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(server));
    for (size_t i = 0; i < BOOK_MAX; i++)
        book[i] = (struct row){.traded = decimal_bad()};
    row_count = 0;
    broker = openalgo_open(&(struct openalgo_options){.base_url = url,
                                                      .api_key = "key",
                                                      .strategy = "S",
                                                      .product = "CNC",
                                                      .poll_us = 20000,
                                                      .requests_per_second = 500,
                                                      .orders_per_second = 100,
                                                      .instruments = &instruments,
                                                      .loop = loop,
                                                      .clock = clock_real()},
                           &err);
}

static void set_price(int64_t price)
{
    market = decimal_int(price);
    for (size_t i = 0; i < row_count; i++)
        work(&book[i]);
    broker_price(broker, "ONE", market, clock_wall(clock_real()));
}

/* ---- hearing ---- */

static struct got {
    int answers;
    struct err err;
    struct report report;
    struct broker_answer answer;
    struct report fills[8];
    size_t count;
    struct order order;
    struct broker_position position;
    struct broker_balance balance;
} got;

static void ignore(void *ctx, const struct report *report)
{
    (void)ctx;
    (void)report;
}

static void hear(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)owner;
    got.answers++;
    got.err = err ? *err : (struct err){0};
    if (err)
        return;
    if (handle == 1)
        got.report = *(const struct report *)value;
    if (handle == 2) {
        got.answer = *(const struct broker_answer *)value;
        for (size_t i = 0; i < got.answer.fill_count && i < 8; i++)
            got.fills[i] = got.answer.fills[i];
    }
    if (handle == 3) {
        const struct broker_orders *orders = value;
        got.count = orders->count;
        if (orders->count)
            got.order = orders->list[0];
    }
    if (handle == 4) {
        const struct broker_positions *positions = value;
        got.count = positions->count;
        if (positions->count)
            got.position = positions->list[0];
    }
    if (handle == 5)
        got.balance = *(const struct broker_balance *)value;
}

static struct waiter to(uint64_t handle)
{
    got = (struct got){0};
    return (struct waiter){hear, NULL, handle};
}

static void turn(void)
{
    broker_turn(broker);
    loop_turn(loop, 2);
}

static void await_answer(void)
{
    int64_t until_us = clock_steady(clock_real()) + 30 * S_US;
    assert_int_equal(got.answers, 0); /* never before returning */
    while (!got.answers && clock_steady(clock_real()) < until_us)
        turn();
    assert_int_equal(got.answers, 1);
}

static struct order order_of(const char *id, enum order_side side, enum order_kind kind,
                             int64_t lots, int64_t price)
{
    struct order order;
    row_init(&tables[TABLE_ORDER], &order);
    text_copy(order.id, sizeof order.id, id);
    text_copy(order.instrument, sizeof order.instrument, "ONE");
    order.side = side;
    order.kind = kind;
    order.tif = TIF_DAY;
    order.quantity = decimal_int(lots);
    order.filled = decimal_int(0);
    if (kind == ORDER_LIMIT)
        order.limit_price = decimal_int(price);
    if (kind == ORDER_STOP)
        order.stop_price = decimal_int(price);
    order.state = ORDER_SENDING;
    order.attempt = 1;
    order.signed_us = order.created_us = clock_wall(clock_real());
    return order;
}

static void place(struct order *order)
{
    struct right_to_send right = {order, clock_wall(clock_real()) + 5 * S_US, 1};
    broker_place(broker, &right, to(1));
    await_answer();
    if (got.err.class == ERR_NONE)
        text_copy(order->broker_id, sizeof order->broker_id, got.report.broker_id);
}

static void query(const struct order *order)
{
    broker_query(broker, order, to(2));
    await_answer();
    assert_int_equal(got.err.class, ERR_NONE);
}

static void await_state(const struct order *order, enum order_state state)
{
    int64_t until_us = clock_steady(clock_real()) + 30 * S_US;
    do
        query(order);
    while ((!got.answer.found || got.answer.state != state) &&
           clock_steady(clock_real()) < until_us);
    assert_int_equal(got.answer.state, state);
}

/* ---- what is owed ---- */

static void test_a_market_order_trades(void **state)
{
    (void)state;
    struct order order = order_of("A", ORDER_BUY, ORDER_MARKET, 3, 0);
    place(&order);
    assert_int_equal(got.err.class, ERR_NONE);
    assert_string_equal(got.report.order_id, "A");
    assert_true(*order.broker_id);
    await_state(&order, ORDER_FILLED);
    struct decimal filled = decimal_int(0);
    char trade[NAME_SIZE];
    text_copy(trade, sizeof trade, got.fills[0].trade_id);
    for (size_t i = 0; i < got.answer.fill_count; i++)
        filled = decimal_add(filled, got.fills[i].quantity);
    assert_true(decimal_eq(filled, order.quantity));
    query(&order); /* the same trade has the same name each time */
    assert_string_equal(got.fills[0].trade_id, trade);
    broker_positions(broker, to(4));
    await_answer();
    assert_int_equal(got.count, 1);
    assert_string_equal(got.position.instrument, "ONE");
    assert_true(decimal_eq(got.position.quantity, decimal_int(3)));
    assert_int_equal(got.position.side, SIDE_LONG);
}

static void test_a_limit_rests_changes_and_is_cancelled(void **state)
{
    (void)state;
    struct order order = order_of("B", ORDER_BUY, ORDER_LIMIT, 2, 90);
    place(&order);
    await_state(&order, ORDER_ACKNOWLEDGED);
    broker_open_orders(broker, to(3));
    await_answer();
    assert_int_equal(got.count, 1);
    assert_string_equal(got.order.id, "B"); /* ours by name */
    assert_string_equal(got.order.broker_id, order.broker_id);
    if (broker->ops->traits->amends) {
        order.limit_price = decimal_int(95);
        order.quantity = decimal_int(4);
        broker_amend(broker, &order, to(1));
        await_answer();
        assert_int_equal(got.err.class, ERR_NONE);
        broker_open_orders(broker, to(3));
        await_answer();
        assert_true(decimal_eq(got.order.limit_price, order.limit_price));
        assert_true(decimal_eq(got.order.quantity, order.quantity));
    }
    broker_cancel(broker, &order, to(1));
    await_answer();
    assert_int_equal(got.err.class, ERR_NONE);
    await_state(&order, ORDER_CANCELLED);
    assert_int_equal(got.answer.fill_count, 0);
    broker_cancel(broker, &order, to(1));
    await_answer();
    assert_int_equal(got.err.class, ERR_REFUSED);
    broker_open_orders(broker, to(3));
    await_answer();
    assert_int_equal(got.count, 0);
}

static void test_a_stop_waits_for_its_price(void **state)
{
    (void)state;
    struct order order = order_of("C", ORDER_SELL, ORDER_STOP, 1, 95);
    place(&order);
    await_state(&order, ORDER_ACKNOWLEDGED);
    set_price(94);
    await_state(&order, ORDER_FILLED);
    assert_true(decimal_le(got.fills[0].price, decimal_int(95)));
}

static void test_what_never_stood_is_not_found(void **state)
{
    (void)state;
    struct order order = order_of("D", ORDER_BUY, ORDER_MARKET, 5, 0);
    query(&order);
    assert_false(got.answer.found);
}

static void test_a_right_that_ran_out_is_not_used(void **state)
{
    (void)state;
    struct order order = order_of("E", ORDER_BUY, ORDER_MARKET, 1, 0);
    struct right_to_send right = {&order, clock_wall(clock_real()) - 1, 1};
    broker_place(broker, &right, to(1));
    await_answer();
    assert_int_equal(got.err.class, ERR_NOT_DONE);
    query(&order);
    assert_false(got.answer.found);
}

static void test_the_money_is_told(void **state)
{
    (void)state;
    struct broker_status status = {0};
    broker_balance(broker, to(5));
    await_answer();
    assert_int_equal(got.err.class, ERR_NONE);
    assert_true(decimal_ge(got.balance.cash, decimal_int(5000)));
    broker_status(broker, &status);
    assert_true(status.ok);
    assert_true(*status.text);
}

/* ---- running them ---- */

static void (*const bodies[])(void) = {open_paper, open_openalgo};
static const char *const names[] = {"paper", "openalgo"};
static size_t body;

static int start(void **state)
{
    struct err err;
    (void)state;
    instrument.lot_size = instrument.quantity_step = instrument.point_value = decimal_int(1);
    instrument.tick = decimal_ratio(1, 20);
    instruments_index(&instrument, 1);
    loop = loop_new(clock_real(), NULL, &err);
    bodies[body]();
    assert_non_null(broker);
    broker->on_report = ignore;
    assert_string_equal(broker->ops->traits->name, names[body]);
    set_price(100);
    struct broker_status status = {0};
    for (int i = 0; i < 500 && !status.ok; i++) {
        turn();
        broker_status(broker, &status);
    }
    return status.ok ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    broker_close(broker);
    http_server_free(server);
    server = NULL;
    for (int i = 0; i < 5; i++)
        loop_turn(loop, 1);
    loop_free(loop);
    return 0;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        T(test_a_market_order_trades),
        T(test_a_limit_rests_changes_and_is_cancelled),
        T(test_a_stop_waits_for_its_price),
        T(test_what_never_stood_is_not_found),
        T(test_a_right_that_ran_out_is_not_used),
        T(test_the_money_is_told),
    };
    int failed = 0;
    for (body = 0; body < sizeof bodies / sizeof bodies[0]; body++)
        failed += cmocka_run_group_tests_name(names[body], tests, NULL, NULL);
    return failed;
}
