/* Rolling positions into the next contract, through a whole host. */
#include "flow_rig.h"
#include "trade/rollover.h"

static struct rig rig;
static enum order_side refused; /* by the broker, from the next roll on */
static int refusals;

static const char policy[] =
    "return { name = 'alpha', version = '2', instruments = '*',\n"
    "  size = function(f) return { quantity = f.signal.quantity, stop = f.signal.stop } end,\n"
    "  rollover = function(p, f)\n"
    "    if p.far_failed then return { put_back = %s } end\n"
    "    if p.days_left <= 3 then return { now = true, reason = 'it expires' } end\n"
    "  end }\n";

static void load_policy(bool put_back)
{
    char text[1000];
    struct policy_version version;
    struct str faults = STR_EMPTY;
    struct err err = {0};
    snprintf(text, sizeof text, policy, put_back ? "true" : "false");
    struct policy_source file = {"strategy.lua", text, strlen(text)};
    if (!policies_load(rig.core.policies, "alpha", &file, 1, NULL, 0, "test", &version, &faults,
                       &err))
        fail_msg("%s", err.text);
    str_free(&faults);
}

static int set_up(void **state)
{
    (void)state;
    rig_open(&rig);
    refusals = 0;
    text_copy(rig.gold.exchange, sizeof rig.gold.exchange, "ALWAYS");
    rig.gold.expiries = "2026-09-25, 2026-12-18, 2027-02-19";
    rig.core.options.rollover_every_us = 1000000;
    load_policy(true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

/* ---- a broker that refuses one side ---- */

static struct broker_ops picky;
static const struct broker_ops *honest;

static void place(struct broker *b, const struct right_to_send *right, struct waiter to)
{
    if (refusals > 0 && right->order->side == refused && !*right->order->signal_id) {
        refusals--;
        rig.fault = PAPER_REJECT;
    }
    honest->place(b, right, to);
}

static void refuse(enum order_side side, int times)
{
    if (rig.core.broker->ops != &picky) {
        honest = rig.core.broker->ops;
        picky = *honest;
        picky.place = place;
        rig.core.broker->ops = &picky;
    }
    refused = side;
    refusals = times;
}

/* ---- what is there ---- */

static const struct position *open_one(const char *label)
{
    const struct position *open[8];
    size_t count = book_open_positions(rig.core.book, "alpha", "GOLD", open, 8);
    for (size_t i = 0; i < count; i++)
        if (strcmp(open[i]->label, label) == 0)
            return open[i];
    return NULL;
}

static void assert_open(const char *label, const char *expiry, int lots,
                        enum rollover_status status)
{
    const struct position *p = open_one(label);
    if (!p)
        fail_msg("%s is not open", label);
    assert_string_equal(p->expiry, expiry);
    assert_true(decimal_eq(p->quantity, decimal_int(lots)));
    if (p->rollover != status)
        fail_msg("%s is %s", label, rollover_status_names[p->rollover]);
}

struct counted {
    const char *status;
    int count;
};

static bool count_status(void *ctx, const void *row)
{
    struct counted *counted = ctx;
    const struct position *p = row;
    counted->count += strcmp(rollover_status_names[p->rollover], counted->status) == 0;
    return true;
}

static int stored_with(const char *status)
{
    struct counted counted = {status, 0};
    book_each(store_mem_book(rig.core.store), TABLE_POSITION, count_status, &counted);
    return counted.count;
}

static void count_twice(void *ctx, const struct order *order, size_t accepted)
{
    (void)ctx;
    if (accepted > 1)
        fail_msg("%s was accepted %zu times", order->id, accepted);
}

static bool read_event(void *ctx, const struct event *event, struct err *err)
{
    return replay_feed(ctx, event, err);
}

static void assert_sound(void)
{
    struct replay replay;
    struct book *folded = book_new();
    struct str text = STR_EMPTY;
    struct err err;
    paper_each_order(rig.core.broker, count_twice, NULL);
    replay_init(&replay, folded);
    if (!store_read_events(rig.core.store, 0, 0, read_event, &replay, &err))
        fail_msg("%s", err.text);
    if (book_compare(store_mem_book(rig.core.store), folded, &text, 3) ||
        replay_faults(&replay, &text, 3) || replay_audit(folded, &text, 3))
        fail_msg("%s", str_text(&text));
    replay_free(&replay);
    book_free(folded);
    str_free(&text);
}

/* Enters the near contract, then waits until it is due: three days before. */
static void enter(int64_t lots)
{
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", lots);
    assert_open("Long_1", "2026-09-25", (int)lots, ROLLOVER_NONE);
}

static void wait_until_due(void)
{
    clock_sim_advance(&rig.now, INT64_C(2) * 86400000000);
    rig_pass(&rig, 12000000);
}

/* ---- tests ---- */

static void test_it_rolls_when_the_policy_says_so(void **state)
{
    (void)state;
    enter(2);
    rig_pass(&rig, 5000000);
    assert_open("Long_1", "2026-09-25", 2, ROLLOVER_NONE); /* not yet */
    rig.price = decimal_int(104);
    wait_until_due();
    assert_open("Long_1", "2026-12-18", 2, ROLLOVER_NONE);
    assert_int_equal(stored_with("rolled"), 1);
    assert_true(open_one("Long_1")->is_base_position);
    assert_true(decimal_ok(open_one("Long_1")->stop));
    assert_non_null(strstr(rig.events, "rollover.pending rollover.begun"));
    assert_non_null(strstr(rig.events, "rollover.done"));
    rig_pass(&rig, 20000000);
    assert_int_equal(stored_with("rolled"), 1); /* never twice */
    struct signal exit = rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    assert_int_equal(rig_stored(&rig, exit.id)->state, SIGNAL_DONE);
    assert_null(open_one("Long_1"));
    assert_sound();
}

static void test_every_layer_rolls_and_the_pyramid_stays(void **state)
{
    (void)state;
    enter(3);
    rig_send(&rig, SIGNAL_PYRAMID, "Long_2", 2);
    rig_send(&rig, SIGNAL_PYRAMID, "Long_3", 1);
    wait_until_due();
    rig_pass(&rig, 10000000);
    assert_open("Long_1", "2026-12-18", 3, ROLLOVER_NONE);
    assert_open("Long_2", "2026-12-18", 2, ROLLOVER_NONE);
    assert_open("Long_3", "2026-12-18", 1, ROLLOVER_NONE);
    const struct pyramid *y = book_get(rig.core.book, TABLE_PYRAMID, "alpha|GOLD");
    assert_int_equal(y->layers, 3);
    assert_int_equal(y->pyramids, 2);
    assert_string_equal(y->base_position_id, open_one("Long_1")->id);
    assert_true(decimal_ok(y->base_stop));
    assert_sound();
}

static void test_a_far_leg_that_is_refused_is_put_back(void **state)
{
    (void)state;
    enter(2);
    refuse(ORDER_BUY, 1);
    wait_until_due();
    assert_open("Long_1", "2026-09-25", 2, ROLLOVER_FAILED);
    assert_true(decimal_ok(open_one("Long_1")->stop));
    assert_int_equal(stored_with("failed"), 2);
    assert_non_null(strstr(rig.events, "rollover.put_back"));
    rig_pass(&rig, 20000000);
    assert_open("Long_1", "2026-09-25", 2, ROLLOVER_FAILED); /* not tried for ever */
    assert_sound();
}

static void test_a_far_leg_that_is_refused_stays_flat_when_the_policy_says_so(void **state)
{
    (void)state;
    load_policy(false);
    enter(2);
    refuse(ORDER_BUY, 1);
    wait_until_due();
    assert_null(open_one("Long_1"));
    assert_int_equal(stored_with("failed"), 1);
    assert_sound();
}

static void test_a_near_leg_that_is_refused_changes_nothing(void **state)
{
    (void)state;
    enter(2);
    refuse(ORDER_SELL, 1);
    wait_until_due();
    assert_open("Long_1", "2026-09-25", 2, ROLLOVER_FAILED);
    rig_pass(&rig, 20000000);
    assert_open("Long_1", "2026-09-25", 2, ROLLOVER_FAILED); /* no exit is made of it, either */
    assert_sound();
}

static void test_halted_nothing_is_rolled(void **state)
{
    (void)state;
    enter(2);
    halt_set(&rig.core, HALT_NO_ENTRY, "me", "a test", rig_waiter(&rig, false));
    rig_settle(&rig);
    wait_until_due();
    assert_open("Long_1", "2026-09-25", 2, ROLLOVER_NONE);
    halt_set(&rig.core, HALT_NONE, "me", "enough", rig_waiter(&rig, false));
    rig_pass(&rig, 12000000);
    assert_open("Long_1", "2026-12-18", 2, ROLLOVER_NONE);
}

static void test_an_exit_meanwhile_waits_and_closes_the_far_leg(void **state)
{
    (void)state;
    enter(2);
    clock_sim_advance(&rig.now, INT64_C(2) * 86400000000);
    rig.commit_stops = true; /* the story stands in the middle */
    rig_pass(&rig, 1500000);
    rig.commit_stops = false;
    struct signal exit = rig_signal(&rig, SIGNAL_EXIT, "ALL", 0);
    intake_submit(&rig.core, &exit, false, 0, rig_waiter(&rig, true));
    rig_pass(&rig, 12000000);
    assert_int_equal(rig_stored(&rig, exit.id)->state, SIGNAL_DONE);
    assert_null(open_one("Long_1"));
    rig_pass(&rig, 12000000);
    assert_null(open_one("Long_1")); /* nothing opens behind it */
    assert_sound();
}

/* Killed after each commit of the story, what was asked lost or kept: one roll in the end. */
static void test_killed_anywhere_it_goes_on(void **state)
{
    (void)state;
    for (int at = 0; at < 14; at++) {
        tear_down(NULL);
        set_up(NULL);
        enter(2);
        clock_sim_advance(&rig.now, INT64_C(2) * 86400000000);
        for (int turn = 0; turn < at; turn++) {
            clock_sim_advance(&rig.now, 300000);
            core_turn(&rig.core);
            paper_turn(rig.core.broker);
            store_mem_commit(rig.core.store, false);
            if (turn % 3 != 1)
                store_mem_turn(rig.core.store);
        }
        rig_kill(&rig);
        rig_start(&rig);
        rig_pass(&rig, 40000000);
        assert_open("Long_1", "2026-12-18", 2, ROLLOVER_NONE);
        assert_int_equal(stored_with("rolled"), 1);
        assert_int_equal(stored_with("in_progress"), 0);
        assert_sound();
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_it_rolls_when_the_policy_says_so),
        TEST(test_every_layer_rolls_and_the_pyramid_stays),
        TEST(test_a_far_leg_that_is_refused_is_put_back),
        TEST(test_a_far_leg_that_is_refused_stays_flat_when_the_policy_says_so),
        TEST(test_a_near_leg_that_is_refused_changes_nothing),
        TEST(test_halted_nothing_is_rolled),
        TEST(test_an_exit_meanwhile_waits_and_closes_the_far_leg),
        TEST(test_killed_anywhere_it_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
