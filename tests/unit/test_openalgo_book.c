/* What the books say: fills, ends, which entry is ours when nobody said so, and the readings. */
#include "openalgo_rig.h"

/* ---- the book ---- */

#define ROW(id, status)                                                                            \
    "{\"action\":\"BUY\",\"exchange\":\"NFO\",\"order_status\":\"" status "\",\"orderid\":\"" id   \
    "\",\"price\":0,\"pricetype\":\"MARKET\",\"product\":\"NRML\",\"quantity\":\"70\",\"symbol\":" \
    "\"BANKNIFTY30DEC25FUT\",\"timestamp\":\"21-Nov-2099 17:21:13\",\"trigger_price\":0}"
#define BOOK(rows) "{\"data\":{\"orders\":[" rows "]},\"status\":\"success\"}"
#define TRADE(id, quantity, price)                                                                 \
    "{\"action\":\"BUY\",\"average_price\":" price ",\"exchange\":\"NFO\",\"orderid\":\"" id       \
    "\",\"product\":\"NRML\",\"quantity\":" quantity                                               \
    ",\"symbol\":\"BANKNIFTY30DEC25FUT\",\"timestamp\":\"17:21:13\",\"trade_value\":2065000}"
#define TRADES(rows) "{\"data\":[" rows "],\"status\":\"success\"}"

static void test_fills_come_from_the_trade_book(void **state)
{
    (void)state;
    struct order order = order_of("A", ORDER_BUY, 2);
    can("placeorder", 200, "{\"orderid\":\"9\",\"status\":\"success\"}");
    place(&order);
    can("orderbook", 200, BOOK(ROW("9", "complete")));
    query(&order);
    assert_true(got.answer.found);
    assert_int_equal(got.answer.state, ORDER_ACKNOWLEDGED); /* complete, and no trade yet */
    can("tradebook", 200, TRADES(TRADE("9", "35", "59000") "," TRADE("8", "35", "1")));
    turn_until(&got.reports, 1);
    assert_int_equal(got.told[0].kind, REPORT_FILL);
    assert_true(decimal_eq(got.told[0].quantity, decimal_int(1)));
    assert_true(decimal_eq(got.told[0].price, decimal_int(59000)));
    assert_string_equal(got.told[0].trade_id, "9@1");
    /* a row without a quantity: 2065000 / 59010 units is not whole, 2065000 / 59000 is */
    can("tradebook", 200, TRADES(TRADE("9", "35", "59000") "," TRADE("9", "0.0", "\"59000.00\"")));
    turn_until(&got.reports, 1);
    assert_string_equal(got.told[1].trade_id, "9@2");
    query(&order);
    assert_int_equal(got.answer.state, ORDER_FILLED);
    assert_int_equal(got.answer.fill_count, 2);
    assert_string_equal(got.fills[0].trade_id, "9@1");
}

static void test_an_end_is_believed_at_the_second_reading(void **state)
{
    (void)state;
    struct order order = order_of("A", ORDER_BUY, 2);
    can("placeorder", 200, "{\"orderid\":\"9\",\"status\":\"success\"}");
    struct canned *book = can("orderbook", 200, BOOK(ROW("9", "open")));
    place(&order);
    query(&order);
    int asked = book->asked;
    can("orderbook", 200, BOOK(ROW("9", "rejected")));
    turn_until(&got.reports, 1);
    assert_true(book->asked >= asked + 2);
    assert_int_equal(got.told[0].kind, REPORT_REJECTED);
}

static void test_words_nobody_knows_are_no_end(void **state)
{
    (void)state;
    struct order order = order_of("A", ORDER_BUY, 2);
    can("placeorder", 200, "{\"orderid\":\"9\",\"status\":\"success\"}");
    struct canned *book = can("orderbook", 200, BOOK(ROW("9", "PUT ORDER REQ RECEIVED")));
    place(&order);
    turn_until(&book->asked, 4);
    assert_int_equal(got.reports, 0);
    query(&order);
    assert_int_equal(got.answer.state, ORDER_ACKNOWLEDGED);
}

static void test_a_lost_answer_is_found_in_the_book(void **state)
{
    (void)state;
    struct order order = order_of("A", ORDER_BUY, 2);
    can("orderbook", 200, BOOK(ROW("7", "complete"))); /* somebody's, from before */
    place_as("Z", 200, "{\"orderid\":\"7\",\"status\":\"success\"}");
    can("placeorder", 500, "{\"message\":\"An unexpected error\",\"status\":\"error\"}");
    got.answers = 0;
    place(&order);
    assert_int_equal(got.err.class, ERR_MAYBE_DONE);
    query(&order);
    assert_false(got.answer.found);
    can("orderbook", 200, BOOK(ROW("7", "complete") "," ROW("8", "open")));
    query(&order);
    assert_true(got.answer.found);
    assert_string_equal(got.answer.broker_id, "8");
}

static void test_two_strangers_are_one_too_many(void **state)
{
    (void)state;
    struct order order = order_of("A", ORDER_BUY, 2);
    can("placeorder", 500, "{}");
    place(&order);
    can("orderbook", 200, BOOK(ROW("7", "open") "," ROW("8", "open")));
    query(&order);
    assert_int_equal(got.err.class, ERR_LATER);
    assert_non_null(strstr(got.err.text, "person"));
    can("orderbook", 200, BOOK(ROW("8", "open")));
    query(&order);
    assert_true(got.answer.found);
}

static void test_two_of_ours_that_are_equal_share(void **state)
{
    (void)state;
    struct order a = order_of("A", ORDER_BUY, 2), b = order_of("B", ORDER_BUY, 2);
    can("placeorder", 500, "{}");
    place(&a);
    got.answers = 0;
    place(&b);
    can("orderbook", 200, BOOK(ROW("7", "open") "," ROW("8", "open")));
    query(&a);
    assert_true(got.answer.found);
    char first[NAME_SIZE];
    text_copy(first, sizeof first, got.answer.broker_id);
    query(&b);
    assert_true(got.answer.found);
    assert_string_not_equal(got.answer.broker_id, first);
}

static void test_what_is_owned_is_nobody_elses(void **state)
{
    (void)state;
    struct order old = order_of("OLD", ORDER_BUY, 2), order = order_of("A", ORDER_BUY, 2);
    old.state = ORDER_FILLED;
    text_copy(old.broker_id, sizeof old.broker_id, "7");
    broker_own(broker, &old);
    can("orderbook", 200, BOOK(ROW("7", "complete")));
    query(&order); /* sent by a process that is gone */
    assert_false(got.answer.found);
    can("orderbook", 200, BOOK(ROW("7", "complete") "," ROW("9", "open")));
    query(&order);
    assert_string_equal(got.answer.broker_id, "9");
}

static void test_a_failing_book_is_not_an_empty_one(void **state)
{
    (void)state;
    struct order order = order_of("A", ORDER_BUY, 2);
    can("orderbook", 500, "{\"message\":\"boom\",\"status\":\"error\"}");
    query(&order);
    assert_int_equal(got.err.class, ERR_LATER);
    can("orderbook", 200, empty_book);
    can("tradebook", 500, "{}");
    query(&order);
    assert_int_equal(got.err.class, ERR_LATER);
    can("tradebook", 200, "{\"data\":[],\"mode\":\"analyze\",\"status\":\"success\"}");
    query(&order);
    assert_int_equal(got.err.class, ERR_LATER);
}

static void test_changes(void **state)
{
    (void)state;
    struct order order = order_of("A", ORDER_BUY, 2);
    can("placeorder", 200, "{\"orderid\":\"9\",\"status\":\"success\"}");
    place(&order);
    struct canned *cancel = can("cancelorder", 200, "{\"orderid\":\"9\",\"status\":\"success\"}");
    got.answers = 0;
    broker_cancel(broker, &order, to(1));
    turn_until(&got.answers, 1);
    assert_int_equal(got.err.class, ERR_NONE);
    assert_int_equal(got.report.kind, REPORT_ACKNOWLEDGED); /* a promise, no end */
    assert_string_equal(cancel->last, "{\"apikey\":\"key\",\"strategy\":\"S1\",\"orderid\":\"9\"}");
    can("cancelorder", 400, "{\"message\":\"Order cannot be cancelled\",\"status\":\"error\"}");
    broker_cancel(broker, &order, to(1));
    turn_until(&got.answers, 1);
    assert_int_equal(got.err.class, ERR_REFUSED);
    order.kind = ORDER_LIMIT;
    order.limit_price = decimal_int(57900);
    struct canned *modify = can("modifyorder", 200, "{\"orderid\":\"9\",\"status\":\"success\"}");
    broker_amend(broker, &order, to(1));
    turn_until(&got.answers, 1);
    assert_int_equal(got.err.class, ERR_NONE);
    assert_non_null(strstr(modify->last, "\"price\":\"57900\""));
    assert_non_null(strstr(modify->last, "\"trigger_price\":\"0\",\"disclosed_quantity\":\"0\","
                                         "\"orderid\":\"9\""));
}

/* ---- readings ---- */

static void test_readings(void **state)
{
    (void)state;
    can("positionbook", 200,
        "{\"data\":[{\"average_price\":\"0.00\",\"exchange\":\"NSE\",\"ltp\":800,\"pnl\":0,"
        "\"product\":\"CNC\",\"quantity\":0,\"symbol\":\"SBIN\"},{\"average_price\":\"59000.00\","
        "\"exchange\":\"NFO\",\"ltp\":59000,\"pnl\":0,\"product\":\"NRML\",\"quantity\":-70,"
        "\"symbol\":\"BANKNIFTY30DEC25FUT\"}],\"status\":\"success\"}");
    broker_positions(broker, to(3));
    turn_until(&got.answers, 1);
    assert_int_equal(got.positions.count, 1);
    assert_string_equal(got.position.instrument, "BANK");
    assert_int_equal(got.position.side, SIDE_SHORT);
    assert_true(decimal_eq(got.position.quantity, decimal_int(2)));
    can("funds", 200,
        "{\"data\":{\"availablecash\":\"5000000.00\",\"collateral\":\"0.00\",\"m2mrealized\":"
        "\"0.00\",\"m2munrealized\":\"-10.00\",\"utiliseddebits\":\"100.50\"},\"status\":"
        "\"success\"}");
    broker_balance(broker, to(4));
    turn_until(&got.answers, 1);
    assert_true(decimal_eq(got.balance.cash, decimal_int(5000000)));
    can("orderbook", 200, BOOK(ROW("7", "open") "," ROW("8", "complete")));
    broker_open_orders(broker, to(5));
    turn_until(&got.answers, 1);
    assert_int_equal(got.orders.count, 1);
    assert_string_equal(got.order.id, ""); /* not ours */
    assert_string_equal(got.order.broker_id, "7");
    assert_string_equal(got.order.instrument, "BANK");
    can("ping", 200,
        "{\"data\":{\"broker\":\"simbroker\",\"message\":\"pong\"},\"status\":\"success\"}");
    openalgo_ping(broker, to(6));
    turn_until(&got.answers, 1);
    assert_string_equal(got.text, "simbroker");
    can("positionbook", 400,
        "{\"message\":{\"apikey\":[\"Missing data for required field.\"]},\"status\":\"error\"}");
    broker_positions(broker, to(3));
    turn_until(&got.answers, 1);
    assert_non_null(strstr(got.err.text, "apikey: Missing data"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_fills_come_from_the_trade_book),
        T(test_an_end_is_believed_at_the_second_reading),
        T(test_words_nobody_knows_are_no_end),
        T(test_a_lost_answer_is_found_in_the_book),
        T(test_two_strangers_are_one_too_many),
        T(test_two_of_ours_that_are_equal_share),
        T(test_what_is_owned_is_nobody_elses),
        T(test_a_failing_book_is_not_an_empty_one),
        T(test_changes),
        T(test_readings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
