/* Exits: all layers of a side in one order, and what becomes of it. */
#include "flow_rig.h"
#include "flow/orders.h"
#include "flow/trade.h"
#include "trade/event.h"

static struct rig rig;
static int trades;

static int set_up(void **state)
{
    (void)state;
    rig_open(&rig);
    return 0;
}

/* Whatever happened, the log folds to the tables and adds up. */
static bool fold(void *ctx, const struct event *event, struct err *err)
{
    return replay_feed(ctx, event, err);
}

static int tear_down(void **state)
{
    (void)state;
    struct replay replay;
    struct book *book = book_new();
    struct str report = STR_EMPTY;
    struct err err;
    replay_init(&replay, book);
    if (!store_read_events(rig.core.store, 0, 0, fold, &replay, &err))
        fail_msg("%s", err.text);
    if (book_compare(store_mem_book(rig.core.store), book, &report, 5) ||
        replay_faults(&replay, &report, 5) || replay_audit(book, &report, 5))
        fail_msg("%s", str_text(&report));
    str_free(&report);
    replay_free(&replay);
    book_free(book);
    rig_close(&rig);
    return 0;
}

static void open_layers(void)
{
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    rig_send(&rig, SIGNAL_PYRAMID, "Long_2", 1);
    rig_send(&rig, SIGNAL_PYRAMID, "Long_3", 1);
}

static const struct order *order_of(const struct signal *signal, const char *leg)
{
    char id[ID_SIZE];
    order_id_derive(id, signal, leg);
    return book_get(store_mem_book(rig.core.store), TABLE_ORDER, id);
}

static struct signal exit_at(const char *position, int64_t price)
{
    struct signal exit = rig_signal(&rig, SIGNAL_EXIT, position, 0);
    exit.price = decimal_int(price);
    intake_submit(&rig.core, &exit, true, rig.now.now_steady_us + 3000000, rig_waiter(&rig, true));
    rig_settle(&rig);
    return exit;
}

/* Lots of the layer; -1: closed or never there. */
static int64_t lots_of(const char *strategy, const char *label)
{
    const struct position *open[16];
    size_t count = book_open_positions(store_mem_book(rig.core.store), strategy, "GOLD", open, 16);
    int64_t lots = -1;
    for (size_t i = 0; i < count; i++)
        if (strcmp(open[i]->label, label) == 0)
            assert_true(decimal_to_int(open[i]->quantity, &lots));
    return lots;
}

static void assert_lots(int64_t first, int64_t second, int64_t third)
{
    assert_int_equal(lots_of("alpha", "Long_1"), first);
    assert_int_equal(lots_of("alpha", "Long_2"), second);
    assert_int_equal(lots_of("alpha", "Long_3"), third);
}

static void fill(const struct order *order, int64_t lots)
{
    struct report report = {.kind = REPORT_FILL,
                            .quantity = decimal_int(lots),
                            .price = decimal_int(111),
                            .fee = decimal_ratio(1, 3),
                            .at_us = rig.now.now_wall_us};
    text_copy(report.order_id, ID_SIZE, order->id);
    snprintf(report.trade_id, sizeof report.trade_id, "hand-%d", ++trades);
    orders_report(&rig.core, &report);
    rig_settle(&rig);
}

static void test_all_is_one_order(void **state)
{
    (void)state;
    open_layers();
    rig.events[0] = '\0';
    struct signal exit = rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    assert_lots(-1, -1, -1);
    const struct order *order = order_of(&exit, "Long_ALL");
    assert_non_null(order);
    assert_string_equal(order->position_id, "");
    assert_true(decimal_eq(order->filled, decimal_int(4)));
    assert_int_equal(rig_stored(&rig, exit.id)->state, SIGNAL_DONE);
    assert_string_equal(rig.events, "signal.decided order.filled ");
    const struct stat *stat = book_get(rig.core.stats, TABLE_STAT, "alpha|GOLD");
    assert_int_equal(stat->orders, 4);
    struct signal again = rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    assert_int_equal(rig_stored(&rig, again.id)->state, SIGNAL_IGNORED);
}

static void test_one_layer_is_named(void **state)
{
    (void)state;
    open_layers();
    struct signal exit = rig_send(&rig, SIGNAL_EXIT, "Long_2", 0);
    assert_lots(2, -1, 1);
    assert_true(*order_of(&exit, "Long_2")->position_id);
    rig_send(&rig, SIGNAL_EXIT, "Long_3", 0);
    exit = rig_send(&rig, SIGNAL_EXIT, "ALL", 0); /* of one layer: its own order */
    assert_non_null(order_of(&exit, "Long_1"));
    assert_lots(-1, -1, -1);
}

static void test_filled_in_parts(void **state)
{
    (void)state;
    open_layers();
    struct signal exit = exit_at("ALL", 95); /* three of four, resting at 110 */
    const struct order *order = order_of(&exit, "Long_ALL");
    assert_true(decimal_eq(order->quantity, decimal_int(3)));
    assert_int_equal(order->state, ORDER_ACKNOWLEDGED);
    fill(order, 1);
    assert_lots(1, 1, 1);
    rig_kill(&rig); /* who goes on knows of the part from the rows alone */
    rig_start(&rig);
    order = order_of(&exit, "Long_ALL");
    fill(order, 2);
    assert_lots(-1, -1, 1);
    order = order_of(&exit, "Long_ALL");
    assert_int_equal(order->state, ORDER_FILLED);
    assert_true(decimal_eq(order->fees, decimal_mul(decimal_ratio(1, 3), decimal_int(2))));
    assert_int_equal(rig_stored(&rig, exit.id)->state, SIGNAL_DONE);
}

static void test_rejected_leaves_all_open(void **state)
{
    (void)state;
    open_layers();
    rig.fault = PAPER_REJECT;
    struct signal exit = rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    assert_lots(2, 1, 1);
    assert_int_equal(order_of(&exit, "Long_ALL")->state, ORDER_REJECTED);
    assert_non_null(strstr(rig_stored(&rig, exit.id)->reason, "rejected"));
    rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    assert_lots(-1, -1, -1);
}

/* What was meant to go is tried again, layer by layer; what has been opened since stays. */
static void test_rejected_is_tried_again(void **state)
{
    (void)state;
    open_layers();
    rig.fault = PAPER_REJECT;
    rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    rig_send(&rig, SIGNAL_PYRAMID, "Long_4", 2);
    assert_lots(2, 1, 1);
    rig_pass(&rig, 10000000);
    assert_lots(-1, -1, -1);
    assert_int_equal(lots_of("alpha", "Long_4"), 2);
}

static void test_outcome_found_after_a_restart(void **state)
{
    (void)state;
    open_layers();
    rig.fault = PAPER_NO_ANSWER; /* done, and nobody says so */
    struct signal exit = rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    assert_int_equal(order_of(&exit, "Long_ALL")->state, ORDER_SENDING);
    rig_kill(&rig);
    rig_start(&rig);
    rig_pass(&rig, 2000000);
    assert_lots(-1, -1, -1);
    assert_int_equal(paper_count_accepted(rig.core.broker, order_of(&exit, "Long_ALL")->id), 1);
}

/* What one order closes, the other leaves alone, whichever came first. */
static void test_one_layer_beside_all(void **state)
{
    (void)state;
    open_layers();
    rig_send(&rig, SIGNAL_PYRAMID, "Long_4", 2);
    struct signal one =
        exit_at("Long_1", 94); /* wants three of two: fails closed, whole, at once */
    assert_lots(-1, 1, 1);
    assert_int_equal(order_of(&one, "Long_1")->state, ORDER_FILLED);
    struct signal all = exit_at("ALL", 95);                     /* three of four rest */
    struct signal rest = rig_send(&rig, SIGNAL_EXIT, "ALL", 0); /* the fourth is the youngest's */
    assert_non_null(order_of(&rest, "Long_4"));
    assert_int_equal(lots_of("alpha", "Long_4"), 1);
    one = rig_send(&rig, SIGNAL_EXIT, "Long_2", 0);
    assert_int_equal(rig_stored(&rig, one.id)->state, SIGNAL_IGNORED);
    fill(order_of(&all, "Long_ALL"), 3);
    assert_lots(-1, -1, -1);
    assert_int_equal(lots_of("alpha", "Long_4"), -1);
}

static void test_less_than_all(void **state)
{
    (void)state;
    open_layers();
    exit_at("ALL", 94); /* the policy wants three of four closed: the youngest stays */
    assert_lots(-1, -1, 1);
}

static void test_stops_move_while_it_rests(void **state)
{
    (void)state;
    const struct position *open[8];
    struct portfolio portfolio;
    struct facts facts;
    open_layers();
    struct signal exit = exit_at("ALL", 95);
    struct bar_stop wish = {.position = "ALL", .stop = decimal_int(97)};
    facts_gather(&rig.core, "alpha", "GOLD", open, 8, &portfolio, &facts);
    stops_move(&rig.core, &facts, &wish);
    fill(order_of(&exit, "Long_ALL"), 1); /* in the same turn as the moved stops */
    assert_lots(1, 1, 1);
    fill(order_of(&exit, "Long_ALL"), 2);
    assert_lots(-1, -1, 1);
    assert_int_equal(book_open_positions(rig.core.book, "alpha", "GOLD", open, 8), 1);
    assert_true(decimal_eq(open[0]->stop, decimal_int(97)));
}

static void send_as(const char *strategy, enum signal_type type, const char *position, int64_t lots)
{
    struct signal signal = rig_signal(&rig, type, position, lots);
    text_copy(signal.strategy, sizeof signal.strategy, strategy);
    signal_fingerprint(&signal, NULL, NULL, 0);
    intake_submit(&rig.core, &signal, true, rig.now.now_steady_us + 3000000,
                  rig_waiter(&rig, true));
    rig_settle(&rig);
}

static void test_two_strategies_on_one_instrument(void **state)
{
    (void)state;
    struct policy_source file = {
        "strategy.lua",
        "return { name = 'beta', version = '1', instruments = '*',\n"
        "  size = function(f) return { quantity = f.signal.quantity } end }",
        0};
    struct policy_version version;
    struct str report = STR_EMPTY;
    struct err err;
    file.length = strlen(file.text);
    assert_true(policies_load(rig.core.policies, "beta", &file, 1, NULL, 0, "test", &version,
                              &report, &err));
    str_free(&report);
    open_layers();
    send_as("beta", SIGNAL_BASE_ENTRY, "Long_1", 5);
    send_as("beta", SIGNAL_PYRAMID, "Long_2", 5);
    rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    assert_lots(-1, -1, -1);
    assert_int_equal(lots_of("beta", "Long_1"), 5);
    assert_int_equal(lots_of("beta", "Long_2"), 5);
    send_as("beta", SIGNAL_EXIT, "ALL", 0);
    assert_int_equal(lots_of("beta", "Long_1"), -1);
}

/* More than the exchange takes in one order. */
static void test_beyond_one_order(void **state)
{
    (void)state;
    open_layers();
    rig.gold.max_quantity = decimal_int(3);
    struct signal exit = rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    assert_lots(-1, -1, -1);
    assert_null(order_of(&exit, "Long_ALL"));
    assert_non_null(order_of(&exit, "Long_3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_is_one_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_layer_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_filled_in_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rejected_leaves_all_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rejected_is_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_outcome_found_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_layer_beside_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_less_than_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stops_move_while_it_rests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_strategies_on_one_instrument, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_beyond_one_order, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
