/* A server of canned answers in the test's own loop, and what the adapter made of them. */
#ifndef TIDELOCK_TESTS_OPENALGO_RIG_H
#define TIDELOCK_TESTS_OPENALGO_RIG_H
#include "broker/openalgo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "io/http_server.h"

#define S_US 1000000LL
enum { CANNED_MAX = 16 };

static struct loop *loop;
static struct http_server *server;
static struct broker *broker;
static struct instrument instruments_list[2];
static struct instruments instruments;
static struct canned {
    char path[32];
    unsigned status;
    const char *body;
    int asked;
    char last[1024]; /* body of the last request */
} canned[CANNED_MAX];
static size_t canned_count;
static struct got {
    int answers, reports;
    struct err err;
    struct report report;
    struct broker_answer answer;
    struct report fills[4], told[8];
    struct broker_positions positions;
    struct broker_position position;
    struct broker_balance balance;
    struct broker_orders orders;
    struct order order;
    char text[64];
} got;

static inline struct canned *can(const char *path, unsigned status, const char *body)
{
    struct canned *one = canned;
    while (one < canned + canned_count && strcmp(one->path, path) != 0)
        one++;
    if (one == canned + canned_count) {
        canned_count++;
        *one = (struct canned){0};
        text_copy(one->path, sizeof one->path, path);
    }
    one->status = status;
    one->body = body;
    return one;
}

static inline void serve(const struct http_request *r)
{
    static const char missing[] = "{\"message\":\"Not found\",\"status\":\"error\"}";
    for (struct canned *one = canned; one < canned + canned_count; one++) {
        if (strcmp(r->path + strlen("/api/v1/"), one->path) != 0)
            continue;
        one->asked++;
        text_copy(one->last, sizeof one->last, r->body);
        if (one->status)
            http_answer(server, r->handle, one->status, "application/json", one->body,
                        strlen(one->body), NULL, 0);
        return; /* status 0: no answer */
    }
    http_answer(server, r->handle, 404, "application/json", missing, strlen(missing), NULL, 0);
}

static inline void turn_until(const int *count, int more)
{
    int end = *count + more;
    int64_t until_us = clock_steady(clock_real()) + 5 * S_US;
    while (*count < end && clock_steady(clock_real()) < until_us)
        loop_turn(loop, 20);
    assert_true(*count >= end);
}

static inline void hear_report(void *ctx, const struct report *report)
{
    (void)ctx;
    if (got.reports < 8)
        got.told[got.reports] = *report;
    got.reports++;
}

static inline void begin_with(bool analyze, int64_t absence_us)
{
    struct err err = {0};
    static char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(server));
    struct openalgo_options options = {.base_url = url,
                                       .api_key = "key",
                                       .strategy = "S1",
                                       .product = "NRML",
                                       .analyze = analyze,
                                       .timeout_us = 400000,
                                       .poll_us = 30000,
                                       .absence_us = absence_us,
                                       .requests_per_second = 500,
                                       .orders_per_second = 100,
                                       .instruments = &instruments,
                                       .loop = loop,
                                       .clock = clock_real()};
    memset(&got, 0, sizeof got);
    broker = openalgo_open(&options, &err);
    assert_non_null(broker);
    broker->on_report = hear_report;
    struct canned *symbol =
        can("symbol", 200,
            "{\"data\":{\"symbol\":\"BANKNIFTY30DEC25FUT\",\"exchange\":\"NFO\","
            "\"lotsize\":35,\"freeze_qty\":1,\"tick_size\":0.05,\"expiry\":"
            "\"30-DEC-25\",\"instrumenttype\":\"FUT\",\"name\":\"BANKNIFTY\"},"
            "\"status\":\"success\"}");
    turn_until(&symbol->asked, 1);
    for (int i = 0; i < 5; i++)
        loop_turn(loop, 10);
}

static const char empty_book[] = "{\"data\":{\"orders\":[]},\"status\":\"success\"}";
static const char no_trades[] = "{\"data\":[],\"status\":\"success\"}";

static inline int start(void **state)
{
    struct err err;
    (void)state;
    loop = loop_new(clock_real(), NULL, &err);
    server = http_server_new(loop, &(struct http_server_options){.handler = serve}, &err);
    canned_count = 0;
    instruments_list[0] = (struct instrument){.name = "BANK",
                                              .exchange = "NFO",
                                              .symbol = "BANKNIFTY30DEC25FUT",
                                              .lot_size = decimal_int(35)};
    instruments_list[1] = (struct instrument){
        .name = "SBIN", .exchange = "NSE", .product = "CNC", .lot_size = decimal_int(1)};
    instruments_index(instruments_list, 2);
    instruments = (struct instruments){instruments_list, 2};
    can("analyzer", 200, "{\"data\":{\"mode\":\"live\"},\"status\":\"success\"}");
    can("orderbook", 200, empty_book);
    can("tradebook", 200, no_trades);
    begin_with(false, 310 * S_US);
    return 0;
}

static inline int stop(void **state)
{
    (void)state;
    broker_close(broker);
    http_server_free(server);
    for (int i = 0; i < 5; i++)
        loop_turn(loop, 1);
    loop_free(loop);
    return 0;
}

static inline void again(bool analyze, int64_t absence_us)
{
    broker_close(broker);
    begin_with(analyze, absence_us);
}

static inline void hear(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)owner;
    got.answers++;
    err_clear(&got.err);
    if (err) {
        got.err = *err;
        return;
    }
    switch (handle) {
    case 1:
        got.report = value ? *(const struct report *)value : (struct report){0};
        break;
    case 2:
        got.answer = *(const struct broker_answer *)value;
        for (size_t i = 0; i < got.answer.fill_count && i < 4; i++)
            got.fills[i] = got.answer.fills[i];
        break;
    case 3:
        got.positions = *(const struct broker_positions *)value;
        if (got.positions.count)
            got.position = got.positions.list[0];
        break;
    case 4:
        got.balance = *(const struct broker_balance *)value;
        break;
    case 5:
        got.orders = *(const struct broker_orders *)value;
        if (got.orders.count)
            got.order = got.orders.list[0];
        break;
    default:
        text_copy(got.text, sizeof got.text, value);
    }
}

static inline struct waiter to(uint64_t handle)
{
    return (struct waiter){hear, NULL, handle};
}

static inline struct order order_of(const char *id, enum order_side side, int64_t lots)
{
    struct order order;
    row_init(&tables[TABLE_ORDER], &order);
    text_copy(order.id, sizeof order.id, id);
    text_copy(order.instrument, sizeof order.instrument, "BANK");
    order.side = side;
    order.quantity = decimal_int(lots);
    order.filled = decimal_int(0);
    order.state = ORDER_SENDING;
    order.attempt = 1;
    order.signed_us = order.created_us = clock_wall(clock_real());
    return order;
}

static inline void place(const struct order *order)
{
    struct right_to_send right = {order, clock_wall(clock_real()) + 5 * S_US, 1};
    broker_place(broker, &right, to(1));
    assert_int_equal(got.answers, 0);
    turn_until(&got.answers, 1);
}

static inline void place_as(const char *id, unsigned status, const char *body)
{
    struct order order = order_of(id, ORDER_BUY, 1);
    can("placeorder", status, body);
    got.answers = 0;
    place(&order);
}

static inline void query(const struct order *order)
{
    got.answers = 0;
    memset(&got.answer, 0, sizeof got.answer);
    broker_query(broker, order, to(2));
    turn_until(&got.answers, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
#endif
