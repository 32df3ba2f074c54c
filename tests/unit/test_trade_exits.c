/* Fills of one order that closes several layers. */
#include "trade_market.h"
#include "trade_story.h"

static bool one_is_off(struct market *m, enum table_id table)
{
    const struct position *open[64];
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++) {
            char strategy[8], instrument[8];
            snprintf(strategy, sizeof strategy, "S%d", i);
            snprintf(instrument, sizeof instrument, "I%d", k);
            if (!book_open_positions(m->book, strategy, instrument, open, 64))
                continue;
            struct position off = *open[0];
            struct decimal *figure = table == TABLE_FILL ? &off.fees : &off.quantity;
            *figure = decimal_add(decimal_ok(*figure) ? *figure : decimal_int(0), decimal_int(1));
            book_put(m->book, TABLE_POSITION, &off);
            return true;
        }
    return false;
}

/* Which layer got which lots is not in the fills, but nothing may appear or vanish. */
static void exits_of_many_layers_add_up(void **state)
{
    (void)state;
    static struct market m;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct str report = STR_EMPTY;
        market_open(&m, seed);
        m.spread_permille = 400;
        for (int i = 0; i < 600; i++)
            market_step(&m);
        if (replay_audit(m.book, &report, 20))
            fail_msg("seed %d: %s", (int)seed, str_text(&report));
        assert_true(m.spread_fills > 5);
        if (one_is_off(&m, seed % 2 ? TABLE_FILL : TABLE_POSITION))
            assert_true(replay_audit(m.book, &report, 20) > 0);
        str_free(&report);
        market_close(&m);
    }
}

/* An order over all layers that are long. */
static bool story_spread(struct story *s, int lots, int price, const char *fee, bool last)
{
    struct order order;
    struct fill fill;
    row_init(&tables[TABLE_ORDER], &order);
    row_init(&tables[TABLE_FILL], &fill);
    text_copy(order.id, ID_SIZE, "spread");
    text_copy(order.strategy, NAME_SIZE, "trend");
    text_copy(order.instrument, NAME_SIZE, "BANK_NIFTY");
    text_copy(order.signal_id, ID_SIZE, "exit-all");
    order.reduces = true;
    order.side = ORDER_SELL;
    order.state = last ? ORDER_FILLED : ORDER_PARTIALLY_FILLED;
    snprintf(fill.id, KEY_SIZE, "paper|%d", ++s->trades);
    fill.quantity = decimal_int(lots);
    fill.price = decimal_int(price);
    assert_true(decimal_parse(fee, strlen(fee), &fill.fee, NULL));
    fill.at_us = DAY_US + 1000 * s->trades;
    if (!portfolio_apply_fill(s->book, NULL, &order, &fill, &s->instrument, DAY_US, &s->effect,
                              &s->err))
        return false;
    for (size_t i = 0; i < s->effect.position_count; i++)
        book_put(s->book, TABLE_POSITION, &s->effect.positions[i]);
    book_put(s->book, TABLE_PYRAMID, &s->effect.pyramid);
    book_put(s->book, TABLE_ACCOUNT, &s->effect.account);
    return true;
}

static void one_exit_of_many_layers(void **state)
{
    (void)state;
    struct story s;
    story_open(&s);
    assert_true(story_fill(&s, "Long_1", false, 3, 52000, 0));
    assert_true(story_fill(&s, "Long_2", false, 2, 52100, 0));
    assert_true(story_fill(&s, "Long_3", false, 1, 52200, 0));
    assert_true(story_fill(&s, "Long_4", false, 1, 52200, 0));
    const struct position *first = book_get(s.book, TABLE_POSITION, "Long_1"),
                          *second = book_get(s.book, TABLE_POSITION, "Long_2"),
                          *third = book_get(s.book, TABLE_POSITION, "Long_3");
    const struct pyramid *y = book_get(s.book, TABLE_PYRAMID, "trend|BANK_NIFTY");
    /* The oldest whole, a part of the next: 3 × 300 × 35 + 1 × 200 × 35. */
    assert_true(story_spread(&s, 4, 52300, "1", false));
    assert_int_equal(s.effect.position_count, 2);
    first = book_get(s.book, TABLE_POSITION, "Long_1");
    second = book_get(s.book, TABLE_POSITION, "Long_2");
    assert_int_equal(first->status, POSITION_CLOSED);
    assert_int_equal(second->status, POSITION_CLOSING);
    is_figure(first->realised, "31500");
    is_figure(second->realised, "7000");
    is_figure(first->fees, "0.75");
    is_figure(second->fees, "0.25");
    assert_int_equal(s.effect.ledger_count, 2); /* one fill: one entry each */
    is_figure(s.effect.ledger[0].amount, "38500");
    is_figure(s.effect.ledger[1].amount, "-1");
    y = book_get(s.book, TABLE_PYRAMID, "trend|BANK_NIFTY");
    assert_int_equal(y->layers, 3);
    assert_string_equal(y->base_position_id, "");
    is_figure(y->quantity, "3");
    /* The rest; thirds of the fee are rounded, their sum is not. */
    assert_true(story_spread(&s, 3, 52300, "0.000000000001", true));
    assert_int_equal(s.effect.position_count, 3);
    second = book_get(s.book, TABLE_POSITION, "Long_2");
    third = book_get(s.book, TABLE_POSITION, "Long_3");
    assert_int_equal(second->status, POSITION_CLOSED);
    assert_string_equal(third->exit_signal_id, "exit-all");
    struct decimal fees = decimal_int(0);
    for (size_t i = 0; i < 3; i++)
        fees = decimal_add(fees, s.effect.positions[i].fees);
    is_figure(fees, "0.250000000001");
    is_figure(s.effect.pyramid.quantity, "0");
    assert_int_equal(s.effect.pyramid.layers, 0);
    assert_false(story_spread(&s, 1, 52300, "0", true));
    assert_non_null(strstr(s.err.text, "more than is open"));
    book_free(s.book);
}

/* Lots that another order closes by name are that order's, as long as there are others. */
/* A contract that has been rolled meanwhile is another one. */
static void one_exit_is_of_one_expiry(void **state)
{
    (void)state;
    struct story s;
    story_open(&s);
    assert_true(story_fill(&s, "Long_1", false, 3, 52000, 0));
    assert_true(story_fill(&s, "Long_2", false, 2, 52100, 0));
    struct position rolled = *(const struct position *)book_get(s.book, TABLE_POSITION, "Long_1");
    text_copy(rolled.expiry, sizeof rolled.expiry, "2026-12-29");
    book_put(s.book, TABLE_POSITION, &rolled);
    assert_true(story_spread(&s, 2, 52300, "0", false));
    assert_int_equal(s.effect.position_count, 1);
    assert_string_equal(s.effect.positions[0].id, "Long_2");
    assert_false(story_spread(&s, 1, 52300, "0", true));
    book_free(s.book);
}

static void one_exit_leaves_what_others_close(void **state)
{
    (void)state;
    struct story s;
    struct order other;
    story_open(&s);
    assert_true(story_fill(&s, "Long_1", false, 3, 52000, 0));
    assert_true(story_fill(&s, "Long_2", false, 2, 52100, 0));
    row_init(&tables[TABLE_ORDER], &other);
    text_copy(other.id, ID_SIZE, "other");
    text_copy(other.strategy, NAME_SIZE, "trend");
    text_copy(other.instrument, NAME_SIZE, "BANK_NIFTY");
    text_copy(other.position_id, KEY_SIZE, "Long_1");
    other.reduces = true;
    other.side = ORDER_SELL;
    other.quantity = decimal_int(2);
    other.state = ORDER_ACKNOWLEDGED;
    book_put(s.book, TABLE_ORDER, &other);
    assert_true(story_spread(&s, 2, 52300, "0", false));
    is_figure(s.effect.positions[0].quantity, "2"); /* one of the three was free */
    is_figure(s.effect.positions[1].quantity, "1");
    assert_true(story_spread(&s, 2, 52300, "0", true)); /* it happened: more than is free */
    is_figure(s.effect.positions[0].quantity, "1");
    is_figure(s.effect.positions[1].quantity, "0");
    book_free(s.book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exits_of_many_layers_add_up),
        cmocka_unit_test(one_exit_of_many_layers),
        cmocka_unit_test(one_exit_is_of_one_expiry),
        cmocka_unit_test(one_exit_leaves_what_others_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
