/* The paper broker: fills against prices, what its traits promise, what its journal keeps. */
#include "broker/paper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct clock_sim now;
static struct instrument gold;
static struct instruments all = {&gold, 1};
static struct broker *paper;
static struct order order;

static struct {
    size_t answers, reports;
    struct err err;
    struct report first, last;
    struct broker_answer found;
    struct report fills[8];
    struct decimal net, cash;
    size_t open;
} heard;

static struct decimal number(const char *text)
{
    struct decimal out;
    assert_true(decimal_parse(text, strlen(text), &out, NULL));
    return out;
}

static void assert_number(struct decimal value, const char *text)
{
    char got[DECIMAL_TEXT_MAX];
    decimal_print(value, got);
    assert_string_equal(got, text);
}

static void hear(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)owner;
    heard.answers++;
    err_clear(&heard.err);
    if (err)
        heard.err = *err;
    else if (handle == 1)
        heard.first = *(const struct report *)value;
    else if (handle == 2) {
        heard.found = *(const struct broker_answer *)value;
        for (size_t i = 0; i < heard.found.fill_count && i < 8; i++)
            heard.fills[i] = heard.found.fills[i];
    } else if (handle == 3) {
        const struct broker_positions *positions = value;
        heard.net = positions->count ? positions->list[0].quantity : decimal_int(0);
    } else if (handle == 4)
        heard.cash = ((const struct broker_balance *)value)->cash;
    else
        heard.open = ((const struct broker_orders *)value)->count;
}

static struct waiter as(uint64_t what)
{
    return (struct waiter){.answer = hear, .handle = what};
}

static void hear_report(void *ctx, const struct report *report)
{
    (void)ctx;
    heard.reports++;
    heard.last = *report;
}

static struct paper_options options_of(void)
{
    return (struct paper_options){.fee_per_lot = number("1.5"),
                                  .fee_percent = decimal_bad(),
                                  .slippage_percent = decimal_bad(),
                                  .seed = 7,
                                  .starting_cash = decimal_int(100000),
                                  .instruments = &all,
                                  .clock = &now.clock};
}

static void open_paper(const struct paper_options *options)
{
    struct err err = {0};
    paper = paper_open(options, &err);
    if (!paper)
        fail_msg("%s", err.text);
    paper->on_report = hear_report;
}

static int set_up(void **state)
{
    (void)state;
    memset(&heard, 0, sizeof heard);
    clock_sim_init(&now, 1790000000000000, 5000000);
    text_copy(gold.name, sizeof gold.name, "GOLD");
    gold.tick = number("0.5");
    gold.quantity_step = decimal_int(1);
    gold.point_value = decimal_int(10);
    row_init(&tables[TABLE_ORDER], &order);
    text_copy(order.id, sizeof order.id, "order-one");
    text_copy(order.instrument, sizeof order.instrument, "GOLD");
    order.quantity = decimal_int(4);
    order.reference_price = decimal_int(100);
    struct paper_options options = options_of();
    open_paper(&options);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    broker_close(paper);
    return 0;
}

static void place(void)
{
    struct right_to_send right = {.order = &order, .valid_until_us = now.now_wall_us + 5000000};
    broker_place(paper, &right, as(1));
}

static void settle(void)
{
    for (int i = 0; i < 200; i++) {
        paper_turn(paper);
        clock_sim_advance(&now, 5000);
    }
}

static void test_market(void **state)
{
    (void)state;
    place();
    assert_int_equal(heard.answers, 0); /* never before returning */
    paper_turn(paper);
    assert_int_equal(heard.answers, 1);
    assert_int_equal(heard.first.kind, REPORT_FILL);
    assert_number(heard.first.price, "100");
    assert_number(heard.first.fee, "6");
    assert_string_not_equal(heard.first.trade_id, "");
    assert_int_equal(heard.reports, 0); /* told once, to who asked */
    broker_query(paper, &order, as(2));
    paper_turn(paper);
    assert_true(heard.found.found);
    assert_int_equal(heard.found.state, ORDER_FILLED);
    assert_int_equal(heard.found.fill_count, 1);
    broker_positions(paper, as(3));
    paper_turn(paper);
    assert_number(heard.net, "4");
    order.side = ORDER_SELL;
    text_copy(order.id, sizeof order.id, "order-two");
    paper_price(paper, "GOLD", decimal_int(103), 0);
    place();
    paper_turn(paper);
    broker_balance(paper, as(4));
    paper_turn(paper);
    assert_number(heard.cash, "100108"); /* 3 points × 4 lots × 10, less 12 of fees */
}

static void test_slippage_goes_to_the_tick(void **state)
{
    (void)state;
    struct paper_options options = options_of();
    options.slippage_percent = number("0.3");
    options.fee_percent = number("1");
    broker_close(paper);
    open_paper(&options);
    place();
    paper_turn(paper);
    assert_number(heard.first.price, "100.5");
    assert_number(heard.first.fee, "46.2"); /* 4 × 1.5 and 1 % of 4,020 */
}

static void test_limit_rests(void **state)
{
    (void)state;
    order.kind = ORDER_LIMIT;
    order.limit_price = decimal_int(95);
    paper_price(paper, "GOLD", decimal_int(100), 0);
    place();
    paper_turn(paper);
    assert_int_equal(heard.first.kind, REPORT_ACKNOWLEDGED);
    broker_open_orders(paper, as(5));
    paper_turn(paper);
    assert_int_equal(heard.open, 1);
    paper_price(paper, "GOLD", decimal_int(94), 0);
    paper_turn(paper);
    assert_int_equal(heard.reports, 1);
    assert_int_equal(heard.last.kind, REPORT_FILL);
    assert_number(heard.last.price, "94");
}

static void test_stop_waits_for_its_price(void **state)
{
    (void)state;
    order.kind = ORDER_STOP;
    order.side = ORDER_SELL;
    order.stop_price = decimal_int(90);
    paper_price(paper, "GOLD", decimal_int(100), 0);
    place();
    paper_turn(paper);
    paper_price(paper, "GOLD", decimal_int(91), 0);
    paper_turn(paper);
    assert_int_equal(heard.reports, 0);
    paper_price(paper, "GOLD", decimal_int(89), 0);
    paper_turn(paper);
    assert_number(heard.last.price, "89");
}

static void test_ioc_ends(void **state)
{
    (void)state;
    order.kind = ORDER_LIMIT;
    order.tif = TIF_IOC;
    order.limit_price = decimal_int(95);
    place();
    paper_turn(paper);
    assert_int_equal(heard.first.kind, REPORT_EXPIRED);
}

static void test_parts(void **state)
{
    (void)state;
    struct paper_options options = options_of();
    options.partial_permille = 1000;
    order.quantity = decimal_int(5);
    broker_close(paper);
    open_paper(&options);
    place();
    paper_turn(paper);
    assert_number(heard.first.quantity, "2");
    settle();
    assert_int_equal(heard.reports, 1);
    assert_number(heard.last.quantity, "3");
    assert_string_not_equal(heard.first.trade_id, heard.last.trade_id);
}

static void test_waits_for_the_next_price(void **state)
{
    (void)state;
    paper_wait_for_prices(paper);
    paper_price(paper, "GOLD", decimal_int(90), 0);
    place();
    settle();
    assert_int_equal(heard.answers, 1);
    assert_int_equal(heard.first.kind, REPORT_ACKNOWLEDGED); /* not traded at what was before it */
    paper_price(paper, "SILVER", decimal_int(5), 0);
    settle();
    assert_int_equal(heard.reports, 0);
    paper_price(paper, "GOLD", decimal_int(95), 0);
    settle();
    assert_int_equal(heard.reports, 1);
    assert_number(heard.last.price, "95");
}

static void test_cancel(void **state)
{
    (void)state;
    order.kind = ORDER_LIMIT;
    order.limit_price = decimal_int(95);
    place();
    paper_turn(paper);
    broker_cancel(paper, &order, as(1));
    paper_turn(paper);
    assert_int_equal(heard.first.kind, REPORT_CANCELLED);
    broker_cancel(paper, &order, as(1));
    paper_turn(paper);
    assert_int_equal(heard.err.class, ERR_REFUSED);
    assert_int_equal(heard.err.code, ERR_NOT_FOUND);
}

static void test_what_the_traits_promise(void **state)
{
    (void)state;
    struct right_to_send late = {.order = &order, .valid_until_us = now.now_wall_us - 1};
    assert_int_equal(paper->ops->traits->idempotency, IDEMPOTENCY_OPEN_ORDERS);
    broker_place(paper, &late, as(1));
    paper_turn(paper);
    assert_int_equal(heard.err.class, ERR_NOT_DONE); /* a new right may be used */
    assert_int_equal(paper_count_accepted(paper, order.id), 0);
    order.signed_us = now.now_wall_us + 1500000;
    place();
    paper_turn(paper);
    assert_int_equal(heard.err.class, ERR_NOT_DONE);
    order.signed_us = 0;
    order.kind = ORDER_LIMIT;
    order.limit_price = decimal_int(95);
    place();
    paper_turn(paper);
    place(); /* still open: refused */
    paper_turn(paper);
    assert_int_equal(heard.err.class, ERR_REFUSED);
    assert_int_equal(paper_count_accepted(paper, order.id), 1);
    paper_price(paper, "GOLD", decimal_int(90), 0);
    paper_turn(paper);
    place(); /* filled: nobody stops it */
    paper_turn(paper);
    assert_int_equal(paper_count_accepted(paper, order.id), 2);
}

static enum paper_fault fault;
static enum paper_fault answer_fault(void *ctx, const char *call, const char *order_id)
{
    (void)ctx;
    (void)order_id;
    return strcmp(call, "place") == 0 ? fault : PAPER_OK;
}

static void check_fault(enum paper_fault which, size_t answers, enum err_class class,
                        size_t accepted)
{
    struct paper_options options = options_of();
    options.fault = answer_fault;
    fault = which;
    broker_close(paper);
    open_paper(&options);
    memset(&heard, 0, sizeof heard);
    place();
    settle();
    assert_int_equal(heard.answers, answers);
    assert_int_equal(heard.err.class, class);
    assert_int_equal(paper_count_accepted(paper, order.id), accepted);
}

static void test_faults(void **state)
{
    (void)state;
    check_fault(PAPER_DROP_REQUEST, 1, ERR_MAYBE_DONE, 0);
    check_fault(PAPER_DROP_ANSWER, 1, ERR_MAYBE_DONE, 1);
    assert_int_equal(heard.reports, 0);
    check_fault(PAPER_NO_ANSWER, 0, ERR_NONE, 1);
    check_fault(PAPER_REFUSED_CONNECT, 1, ERR_NOT_DONE, 0);
    check_fault(PAPER_RATE_LIMIT, 1, ERR_LATER, 0);
    check_fault(PAPER_REJECT, 1, ERR_REFUSED, 0);
    check_fault(PAPER_TWICE, 1, ERR_NONE, 1);
    assert_int_equal(heard.reports, 2);
    check_fault(PAPER_LATE, 0, ERR_NONE, 1);
    assert_int_equal(heard.reports, 1); /* the fill overtakes the acknowledgement */
}

static void test_journal(void **state)
{
    (void)state;
    char path[] = "/tmp/paper-XXXXXX";
    struct paper_options options = options_of();
    struct err err = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    options.journal_path = path;
    broker_close(paper);
    open_paper(&options);
    place();
    order.kind = ORDER_LIMIT;
    order.limit_price = decimal_int(95);
    text_copy(order.id, sizeof order.id, "resting");
    place();
    paper_turn(paper);
    broker_close(paper);
    FILE *file = fopen(path, "a");
    fputs("F\torder-one\tT", file); /* cut by a crash */
    fclose(file);
    open_paper(&options);
    assert_int_equal(paper_count_accepted(paper, "order-one"), 1);
    broker_query(paper, &order, as(2));
    paper_turn(paper);
    assert_true(heard.found.found);
    assert_int_equal(heard.found.state, ORDER_ACKNOWLEDGED);
    paper_price(paper, "GOLD", decimal_int(90), 0);
    paper_turn(paper);
    assert_string_equal(heard.last.order_id, "resting");
    assert_string_not_equal(heard.last.trade_id, heard.first.trade_id);
    broker_close(paper);
    file = fopen(path, "a");
    fputs("nonsense\n", file);
    fclose(file);
    paper = paper_open(&options, &err);
    assert_null(paper);
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_non_null(strstr(err.text, "line 5"));
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_market, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_slippage_goes_to_the_tick, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limit_rests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stop_waits_for_its_price, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ioc_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_waits_for_the_next_price, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_the_traits_promise, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_faults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_journal, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
