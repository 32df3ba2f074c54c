/* What changes between fills: the account's trading day, money that comes and goes, stops that
 * follow the price. */
#include "flow_rig.h"

static struct rig rig;

/* Its size gives a stop of its own, off the tick; each bar's low is where the stops should be. */
static const char following[] =
    "return { name = 'alpha', version = '2', instruments = '*',\n"
    "  size = function(f)\n"
    "    local away = f.signal.side == 'SHORT' and decimal('2.6') or -decimal('2.6')\n"
    "    return { quantity = f.signal.quantity, stop = f.signal.price + away } end,\n"
    "  on_bar = function(bar)\n"
    "    return { { type = 'STOP', position = 'ALL', stop = bar.low } } end }\n";

static int set_up(void **state)
{
    (void)state;
    rig_open(&rig);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static struct decimal number(const char *text)
{
    struct decimal out;
    assert_true(decimal_parse(text, strlen(text), &out, NULL));
    return out;
}

static void assert_number(struct decimal value, const char *text)
{
    char got[DECIMAL_TEXT_MAX] = "absent";
    if (decimal_ok(value))
        decimal_print(value, got);
    assert_string_equal(got, text);
}

static int64_t moment(const char *text)
{
    int64_t us;
    assert_true(calendar_parse(text, NULL, &us, NULL));
    return us;
}

static const struct account *account(void)
{
    const struct account *row =
        book_get(store_mem_book(rig.core.store), TABLE_ACCOUNT, ACCOUNT_ID);
    assert_non_null(row);
    return row;
}

static void live_in(const char *zone)
{
    rig_kill(&rig);
    rig.core.options.day_zone = zone;
    rig_start(&rig);
}

static size_t count_events(const char *kind)
{
    size_t count = 0;
    for (const char *at = rig.events; (at = strstr(at, kind)); at += strlen(kind))
        count++;
    return count;
}

static void assert_sound(void)
{
    struct verify_result result = {0};
    struct str report = STR_EMPTY;
    struct err err = {0};
    assert_true(store_verify(rig.core.store, &result, &report, &err));
    if (result.faults)
        fail_msg("%s", str_text(&report));
    str_free(&report);
}

static void lose(int64_t lots, int64_t points)
{
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", lots);
    rig.price = decimal_sub(rig.price, decimal_int(points));
    rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
}

/* ---- the day ---- */

static void test_yesterdays_loss_is_not_todays(void **state)
{
    (void)state;
    struct portfolio portfolio;
    live_in("Asia/Kolkata");
    rig.core.options.rails.max_daily_loss = decimal_int(15);
    rig.core.options.rails.waived &= ~(1u << 4);
    lose(2, 10);
    portfolio_now(&rig.core, &portfolio);
    assert_number(portfolio.day_loss, "20");
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 1);
    assert_string_equal(rig.gate, "max_daily_loss");
    /* Midnight has passed, and nothing was turned since: the decision itself begins the day. */
    clock_sim_set_wall(&rig.now, moment("2026-09-21T18:30:00Z"));
    rig.events[0] = '\0';
    struct signal signal = rig_signal(&rig, SIGNAL_BASE_ENTRY, "Long_1", 1);
    intake_submit(&rig.core, &signal, true, INT64_MAX, rig_waiter(&rig, true));
    rig_settle(&rig);
    assert_int_equal(rig.verdict, VERDICT_ACCEPT);
    assert_int_equal(count_events("account.new_day"), 1);
    assert_int_equal(account()->day_us, moment("2026-09-21T18:30:00Z"));
    assert_number(account()->day_start_equity, "99980");
    assert_sound();
}

static void test_a_day_begins_by_itself_and_once(void **state)
{
    (void)state;
    live_in("Asia/Kolkata");
    lose(2, 10);
    rig.events[0] = '\0';
    clock_sim_set_wall(&rig.now, moment("2026-09-21T18:29:59Z"));
    rig_settle(&rig);
    assert_int_equal(count_events("account.new_day"), 0);
    rig_pass(&rig, 2000000);
    assert_int_equal(count_events("account.new_day"), 1);
    rig_pass(&rig, 5000000);
    assert_int_equal(count_events("account.new_day"), 1);
    assert_number(account()->day_start_equity, "99980");
}

static void test_a_day_that_cannot_be_written_yet(void **state)
{
    (void)state;
    live_in("Asia/Kolkata");
    clock_sim_set_wall(&rig.now, moment("2026-09-21T18:30:01Z"));
    rig.commit_fails = true;
    rig_pass(&rig, 3000000);
    rig.commit_fails = false;
    rig_pass(&rig, 3000000);
    assert_int_equal(count_events("account.new_day"), 1);
    assert_int_equal(account()->day_us, moment("2026-09-21T18:30:00Z"));
}

/* The clocks go back on 25 October: that day is 25 hours long. */
static void test_summer_time(void **state)
{
    (void)state;
    live_in("Europe/Berlin");
    clock_sim_set_wall(&rig.now, moment("2026-10-25T12:00:00Z"));
    rig_settle(&rig);
    assert_int_equal(account()->day_us, moment("2026-10-24T22:00:00Z"));
    clock_sim_set_wall(&rig.now, moment("2026-10-25T22:59:00Z"));
    rig_settle(&rig);
    assert_int_equal(account()->day_us, moment("2026-10-24T22:00:00Z"));
    clock_sim_set_wall(&rig.now, moment("2026-10-25T23:00:00Z"));
    rig_settle(&rig);
    assert_int_equal(account()->day_us, moment("2026-10-25T23:00:00Z"));
}

static void test_an_unknown_zone_is_refused(void **state)
{
    (void)state;
    struct core other = rig.core;
    struct err err = {0};
    other.zone = NULL;
    other.options.day_zone = "Mars/Olympus";
    assert_false(core_start(&other, &err));
    assert_non_null(strstr(err.text, "Mars/Olympus"));
}

/* ---- money ---- */

static void test_money_comes_and_goes(void **state)
{
    (void)state;
    lose(2, 10);
    account_deposit(&rig.core, number("500"), "a person", rig_waiter(&rig, false));
    account_deposit(&rig.core, number("-200"), "a person", rig_waiter(&rig, false));
    rig_settle(&rig);
    assert_number(account()->equity, "100280");
    assert_number(account()->deposits, "100300");
    assert_number(account()->high_water, "100300"); /* neither is gain or loss */
    assert_number(account()->day_start_equity, "100300");
    assert_int_equal(count_events("account.withdrawn"), 1);
    rig.answers = 0;
    account_deposit(&rig.core, decimal_int(0), "a person", rig_waiter(&rig, false));
    account_deposit(&rig.core, decimal_bad(), "a person", rig_waiter(&rig, false));
    rig_settle(&rig);
    assert_int_equal(rig.answers, 2);
    assert_int_equal(rig.err.class, ERR_REFUSED);
    assert_sound();
}

/* ---- stops ---- */

static void follow(void)
{
    struct policy_source file = {"strategy.lua", following, sizeof following - 1};
    struct policy_version version;
    struct str report = STR_EMPTY;
    struct err err = {0};
    if (!policies_load(rig.core.policies, "alpha", &file, 1, NULL, 0, "test", &version, &report,
                       &err))
        fail_msg("%s", err.text);
    str_free(&report);
}

static void feed(const char *low)
{
    struct decimal price = decimal_max(rig.price, number(low));
    clock_sim_advance(&rig.now, 60000000);
    bars_feed(&rig.core, "GOLD",
              &(struct bar){.at_us = rig.now.now_wall_us - 60000000,
                            .open = price,
                            .high = price,
                            .low = number(low),
                            .close = price,
                            .volume = decimal_bad()});
    rig_settle(&rig);
}

static const struct position *layer(void)
{
    const struct position *open[2];
    assert_int_equal(book_all_open_positions(store_mem_book(rig.core.store), open, 2), 1);
    return open[0];
}

static void assert_risk(const char *text)
{
    struct portfolio portfolio;
    portfolio_now(&rig.core, &portfolio);
    assert_number(portfolio.open_risk, text);
}

static void test_stops_only_come_nearer(void **state)
{
    (void)state;
    follow();
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    assert_number(layer()->stop, "98"); /* 97.4, towards the price */
    assert_risk("4");
    rig.events[0] = '\0';
    feed("98.2");
    assert_number(layer()->stop, "99");
    assert_number(layer()->initial_stop, "98");
    assert_risk("2");
    feed("97");  /* away from the price */
    feed("99");  /* where it is */
    feed("101"); /* beyond the price */
    assert_number(layer()->stop, "99");
    rig.price = decimal_int(110);
    assert_risk("22");
    feed("108.3");
    assert_risk("2");
    assert_int_equal(count_events("position.stop_moved"), 2);
    rig_kill(&rig);
    rig_start(&rig);
    assert_number(layer()->stop, "109");
    assert_risk("2");
    assert_sound();
}

static void test_stops_of_shorts(void **state)
{
    (void)state;
    follow();
    struct signal signal = rig_signal(&rig, SIGNAL_BASE_ENTRY, "Short_1", 2);
    signal.side = SIDE_SHORT;
    signal.stop = number("105");
    signal_fingerprint(&signal, NULL, NULL, 0);
    intake_submit(&rig.core, &signal, false, 0, rig_waiter(&rig, true));
    rig_settle(&rig);
    assert_number(layer()->stop, "102"); /* 102.6 */
    feed("103");
    assert_number(layer()->stop, "102");
    feed("101.7");
    assert_number(layer()->stop, "101");
    feed("99");
    assert_number(layer()->stop, "101");
}

static void test_a_decisions_stop_outlives_its_process(void **state)
{
    (void)state;
    follow();
    rig.fault = PAPER_DROP_REQUEST;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    rig_kill(&rig);
    rig_start(&rig);
    rig_pass(&rig, 10000000);
    assert_number(layer()->stop, "98"); /* the signal said 95 */
    assert_number(layer()->initial_stop, "98");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_yesterdays_loss_is_not_todays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_day_begins_by_itself_and_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_day_that_cannot_be_written_yet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_summer_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_unknown_zone_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_money_comes_and_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stops_only_come_nearer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stops_of_shorts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_decisions_stop_outlives_its_process, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
