/* What each answer to an order means, what is sent, and when nothing is: the OpenAlgo adapter
 * against a server of canned answers, most of them captured from the real one. */
#include "openalgo_rig.h"

/* ---- placing ---- */

static void test_what_is_sent(void **state)
{
    (void)state;
    struct order order = order_of("A", ORDER_SELL, 2);
    order.kind = ORDER_STOP;
    assert_true(decimal_parse("57900.05", 8, &order.stop_price, NULL));
    order.limit_price = decimal_int(57800);
    struct canned *sent = can("placeorder", 200, "{\"orderid\":\"77\",\"status\":\"success\"}");
    place(&order);
    assert_int_equal(got.err.class, ERR_NONE);
    assert_string_equal(got.report.broker_id, "77");
    assert_string_equal(
        sent->last,
        "{\"apikey\":\"key\",\"strategy\":\"S1\",\"symbol\":\"BANKNIFTY30DEC25FUT\",\"exchange\":"
        "\"NFO\",\"action\":\"SELL\",\"product\":\"NRML\",\"pricetype\":\"SL\",\"quantity\":\"70\","
        "\"price\":\"57800\",\"trigger_price\":\"57900.05\",\"disclosed_quantity\":\"0\"}");
    assert_true(can("orderbook", 200, empty_book)->asked >= 1); /* read before it was sent */
}

static void test_answers_to_an_order(void **state)
{
    static const struct {
        unsigned status;
        const char *body;
        enum err_class class;
    } rows[] = {
        {200, "{\"orderid\":\"26000000000000\",\"status\":\"success\"}", ERR_NONE},
        {200, "{\"orderid\":26000000000001,\"status\":\"success\"}", ERR_NONE},
        {200, "{\"orderid\":null,\"status\":\"success\"}", ERR_MAYBE_DONE},
        {200, "{\"orderid\":\"\",\"status\":\"success\"}", ERR_MAYBE_DONE},
        {200, "{\"orderid\":\"0\",\"status\":\"success\"}", ERR_MAYBE_DONE},
        {200, "{\"status\":\"success\"}", ERR_MAYBE_DONE},
        {200, "<html>busy</html>", ERR_MAYBE_DONE},
        {200, "{\"status\":\"error\",\"message\":\"no\"}", ERR_REFUSED},
        {400, "{\"message\":\"{'quantity': ['Not a valid number.']}\",\"status\":\"error\"}",
         ERR_REFUSED},
        {400, "{\"message\":\"RMS:Margin Exceeds\",\"status\":\"error\"}", ERR_REFUSED},
        {400, "{\"message\":\"Request timed out\",\"status\":\"error\"}", ERR_MAYBE_DONE},
        {400, "{\"message\":\"Too many requests\",\"status\":\"error\"}", ERR_LATER},
        {400, "nonsense", ERR_MAYBE_DONE},
        {403, "{\"message\":\"Not allowed\",\"status\":\"error\"}", ERR_NOT_DONE},
        {404, "{\"message\":\"Broker-specific module not found\",\"status\":\"error\"}",
         ERR_REFUSED},
        {404, "<html>not here</html>", ERR_MAYBE_DONE},
        {500, "{\"message\":\"Failed to place order due to internal error\",\"status\":\"error\"}",
         ERR_MAYBE_DONE},
        {502, "<html>Bad Gateway</html>", ERR_MAYBE_DONE},
        {307, "", ERR_MAYBE_DONE},
        {429, "{\"message\":\"10 per 1 second\"}", ERR_LATER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char id[8];
        snprintf(id, sizeof id, "O%zu", i);
        place_as(id, rows[i].status, rows[i].body);
        if (got.err.class != rows[i].class)
            print_error("%u %s\n", rows[i].status, rows[i].body);
        assert_int_equal(got.err.class, rows[i].class);
    }
}

static void test_no_answer_may_be_an_order(void **state)
{
    (void)state;
    place_as("A", 0, "");
    assert_int_equal(got.err.class, ERR_MAYBE_DONE);
}

static void test_plain_429_pauses_everything(void **state)
{
    (void)state;
    place_as("A", 429, "10 per 1 second");
    assert_int_equal(got.err.class, ERR_LATER);
    int64_t began_us = clock_steady(clock_real());
    place_as("B", 200, "{\"orderid\":\"5\",\"status\":\"success\"}");
    assert_int_equal(got.err.class, ERR_NONE);
    assert_true(clock_steady(clock_real()) - began_us > S_US);
}

static void test_a_right_that_ran_out_is_not_used(void **state)
{
    (void)state;
    struct order order = order_of("A", ORDER_BUY, 1);
    struct canned *sent = can("placeorder", 200, "{\"orderid\":\"5\",\"status\":\"success\"}");
    struct right_to_send right = {&order, clock_wall(clock_real()) - 1, 1};
    broker_place(broker, &right, to(1));
    turn_until(&got.answers, 1);
    assert_int_equal(got.err.class, ERR_NOT_DONE);
    assert_int_equal(sent->asked, 0);
}

static void test_other_lots_are_refused(void **state)
{
    (void)state;
    struct order order = order_of("A", ORDER_BUY, 1);
    can("placeorder", 200, "{\"orderid\":\"5\",\"status\":\"success\"}");
    instruments_list[0].lot_size = decimal_int(30);
    place(&order);
    assert_int_equal(got.err.class, ERR_REFUSED);
    assert_non_null(strstr(got.err.text, "35"));
}

/* ---- modes ---- */

static void test_the_wrong_mode_trades_nothing(void **state)
{
    (void)state;
    can("analyzer", 200, "{\"data\":{\"mode\":\"analyze\"},\"status\":\"success\"}");
    struct canned *sent = can("placeorder", 200, "{\"orderid\":\"5\",\"status\":\"success\"}");
    again(false, 0);
    struct order order = order_of("A", ORDER_BUY, 1);
    place(&order);
    assert_int_equal(got.err.class, ERR_NOT_DONE);
    assert_non_null(strstr(got.err.text, "analyze mode"));
    assert_int_equal(sent->asked, 0);
    struct broker_status status;
    broker_status(broker, &status);
    assert_false(status.ok);
}

static void test_a_reply_in_the_other_mode_is_no_order(void **state)
{
    (void)state;
    place_as("A", 200,
             "{\"mode\":\"analyze\",\"orderid\":\"26112163297665\",\"status\":\"success\"}");
    assert_int_equal(got.err.class, ERR_REFUSED);
    place_as("B", 200, "{\"orderid\":\"5\",\"status\":\"success\"}");
    assert_int_equal(got.err.class, ERR_NOT_DONE);
}

static void test_analyze_is_a_mode_to_trade_in(void **state)
{
    (void)state;
    can("analyzer", 200, "{\"data\":{\"mode\":\"analyze\"},\"status\":\"success\"}");
    can("orderbook", 200, "{\"data\":{\"orders\":[]},\"mode\":\"analyze\",\"status\":\"success\"}");
    can("tradebook", 200, "{\"data\":[],\"mode\":\"analyze\",\"status\":\"success\"}");
    again(true, 0);
    place_as("A", 200,
             "{\"mode\":\"analyze\",\"orderid\":\"26112163297665\",\"status\":\"success\"}");
    assert_int_equal(got.err.class, ERR_NONE);
    place_as("B", 400,
             "{\"message\":\"Cannot sell\",\"mode\":\"analyze\",\"orderid\":\"261\",\"status\":"
             "\"error\"}");
    assert_int_equal(got.err.class, ERR_REFUSED);
}

static void test_semi_auto_stops_trading(void **state)
{
    (void)state;
    place_as("A", 200,
             "{\"message\":\"Order queued for approval in Action Center\",\"mode\":\"semi_auto\","
             "\"pending_order_id\":1,\"status\":\"success\"}");
    assert_int_equal(got.err.class, ERR_MAYBE_DONE);
    place_as("B", 200, "{\"orderid\":\"5\",\"status\":\"success\"}");
    assert_int_equal(got.err.class, ERR_NOT_DONE);
    assert_non_null(strstr(got.err.text, "Semi-Auto"));
}

static void test_a_refused_key_stops_trading(void **state)
{
    (void)state;
    place_as("A", 403, "{\"message\":\"Invalid openalgo apikey\",\"status\":\"error\"}");
    assert_int_equal(got.err.class, ERR_NOT_DONE);
    struct canned *sent = can("placeorder", 200, "{\"orderid\":\"5\",\"status\":\"success\"}");
    int asked = sent->asked;
    place_as("B", 200, "{\"orderid\":\"5\",\"status\":\"success\"}");
    assert_int_equal(got.err.code, ERR_AUTH);
    assert_int_equal(sent->asked, asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_what_is_sent),
        T(test_answers_to_an_order),
        T(test_no_answer_may_be_an_order),
        T(test_plain_429_pauses_everything),
        T(test_a_right_that_ran_out_is_not_used),
        T(test_other_lots_are_refused),
        T(test_the_wrong_mode_trades_nothing),
        T(test_a_reply_in_the_other_mode_is_no_order),
        T(test_analyze_is_a_mode_to_trade_in),
        T(test_semi_auto_stops_trading),
        T(test_a_refused_key_stops_trading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
