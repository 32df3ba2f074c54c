/* One story of fills by hand: a strategy on one instrument, its layers named by their labels. */
#ifndef TIDELOCK_TESTS_TRADE_STORY_H
#define TIDELOCK_TESTS_TRADE_STORY_H
#include "trade_market.h"

struct story {
    struct book *book;
    struct instrument instrument;
    struct fill_effect effect;
    struct err err;
    int trades;
};

static inline void story_open(struct story *s)
{
    struct account account;
    struct ledger ledger;
    memset(s, 0, sizeof *s);
    s->book = book_new();
    text_copy(s->instrument.name, NAME_SIZE, "BANK_NIFTY");
    s->instrument.point_value = decimal_int(35);
    s->instrument.margin = decimal_int(270000);
    assert_true(portfolio_move_money(NULL, "INR", LEDGER_DEPOSIT, decimal_int(5000000), "start", 1,
                                     DAY_US, &account, &ledger, &s->err));
    book_put(s->book, TABLE_ACCOUNT, &account);
    book_put(s->book, TABLE_LEDGER, &ledger);
}

static inline bool story_fill(struct story *s, const char *leg, bool reduces, int lots, int price,
                              int fee)
{
    struct order order;
    struct fill fill;
    struct signal signal;
    row_init(&tables[TABLE_ORDER], &order);
    row_init(&tables[TABLE_FILL], &fill);
    row_init(&tables[TABLE_SIGNAL], &signal);
    text_copy(order.strategy, NAME_SIZE, "trend");
    text_copy(order.instrument, NAME_SIZE, "BANK_NIFTY");
    text_copy(order.leg, LABEL_SIZE, leg);
    snprintf(order.signal_id, ID_SIZE, "%s-%s", reduces ? "exit" : "entry", leg);
    text_copy(order.position_id, KEY_SIZE, leg);
    order.reduces = reduces;
    order.side = reduces ? ORDER_SELL : ORDER_BUY;
    order.state = ORDER_FILLED;
    snprintf(fill.id, KEY_SIZE, "paper|%d", ++s->trades);
    fill.quantity = decimal_int(lots);
    fill.price = decimal_int(price);
    fill.fee = decimal_int(fee);
    fill.at_us = DAY_US + 1000 * s->trades;
    signal.stop = decimal_int(price - 350);
    signal.atr = decimal_int(200);
    if (!portfolio_apply_fill(s->book, &signal, &order, &fill, &s->instrument, DAY_US, &s->effect,
                              &s->err))
        return false;
    book_put(s->book, TABLE_POSITION, &s->effect.positions[0]);
    book_put(s->book, TABLE_PYRAMID, &s->effect.pyramid);
    book_put(s->book, TABLE_ACCOUNT, &s->effect.account);
    for (size_t i = 0; i < s->effect.ledger_count; i++)
        book_put(s->book, TABLE_LEDGER, &s->effect.ledger[i]);
    return true;
}

static inline void is_figure(struct decimal value, const char *text)
{
    char printed[DECIMAL_TEXT_MAX];
    decimal_print(value, printed);
    assert_string_equal(printed, text);
}
#endif
