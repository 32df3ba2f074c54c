/* A random but lawful trading day for the tests of portfolio, events and audit: signals, decisions,
 * orders and fills of several strategies and instruments, each write recorded as the event the host
 * would write. */
#ifndef TRADE_MARKET_H
#define TRADE_MARKET_H
#include "trade/event.h"
#include "trade/order.h"
#include "trade/portfolio.h"
#include "trade/signal.h"
#include "trade/stat.h"
#include "trade_random.h"
#include <stdio.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#define MARKET_EVENTS_MAX 8192
#define DAY_US INT64_C(86400000000)

struct market {
    struct chance chance;
    struct book *book, *stats;
    struct instrument instruments[3];
    struct arena arena;
    struct sha256 *sha;
    struct event events[MARKET_EVENTS_MAX];
    size_t count;
    int64_t now_us, numbers;
    size_t refused;
    unsigned spread_permille; /* of the exits are for all layers of a side, in one order */
    size_t spread_fills;      /* that touched more than one layer */
};

static inline void market_commit_because(struct market *m, const char *kind, const char *cause,
                                         const struct change *changes, size_t count)
{
    struct str body = STR_EMPTY;
    static const uint8_t none[SHA256_SIZE];
    assert_true(m->count < MARKET_EVENTS_MAX);
    struct event *event = &m->events[m->count];
    event_body(&body, cause, changes, count);
    *event = (struct event){.seq = (int64_t)m->count + 1,
                            .at_us = m->now_us,
                            .kind = kind,
                            .subject = "x",
                            .instance = "test",
                            .term = 1};
    event->body = arena_copy(&m->arena, body.data, body.length);
    event_hash(m->sha, m->count ? m->events[m->count - 1].hash : none, event, event->hash);
    m->count++;
    for (size_t i = 0; i < count; i++)
        stat_count(m->stats, &changes[i]);
    for (size_t i = 0; i < count; i++)
        book_apply_change(m->book, &changes[i]);
    str_free(&body);
}

static inline void market_commit(struct market *m, const char *kind, const struct change *changes,
                                 size_t count)
{
    market_commit_because(m, kind, NULL, changes, count);
}

static inline void market_open(struct market *m, uint64_t seed)
{
    struct account account;
    struct ledger ledger;
    struct err err;
    memset(m, 0, sizeof *m);
    chance_seed(&m->chance, seed);
    m->book = book_new();
    m->stats = book_new();
    m->sha = sha256_new();
    arena_init(&m->arena, 1 << 16);
    m->now_us = 20000 * DAY_US;
    for (int i = 0; i < 3; i++) {
        struct instrument *instrument = &m->instruments[i];
        snprintf(instrument->name, sizeof instrument->name, "I%d", i);
        instrument->point_value = decimal_ratio(random_between(&m->chance, 1, 350), 10);
        instrument->margin = decimal_int(1000);
    }
    assert_true(portfolio_move_money(NULL, "INR", LEDGER_DEPOSIT, decimal_int(5000000), "start",
                                     m->now_us, m->now_us, &account, &ledger, &err));
    const struct change changes[] = {{&tables[TABLE_ACCOUNT], NULL, &account},
                                     {&tables[TABLE_LEDGER], NULL, &ledger}};
    market_commit(m, "account.deposit", changes, 2);
}

static inline void market_close(struct market *m)
{
    book_free(m->book);
    book_free(m->stats);
    sha256_free(m->sha);
    arena_free(&m->arena);
}

static inline struct decimal market_price(struct market *m)
{
    return decimal_ratio(random_between(&m->chance, 90000, 110000), 100);
}

/* Makes the order one over all layers of the side. */
static inline void market_spread(struct market *m, const struct position *like, struct order *order)
{
    const struct position *open[64];
    size_t count = book_open_positions(m->book, like->strategy, like->instrument, open, 64);
    *order->position_id = '\0';
    order->quantity = decimal_int(0);
    for (size_t i = 0; i < count; i++)
        if (open[i]->side == like->side)
            order->quantity = decimal_add(order->quantity, open[i]->quantity);
}

/* A signal arrives, is accepted, and its order is recorded. */
static inline void market_order(struct market *m, const char *strategy, const char *instrument,
                                const struct position *closes, const struct position *adds_to)
{
    struct signal signal, working;
    struct decision decision;
    struct order order;
    row_init(&tables[TABLE_SIGNAL], &signal);
    snprintf(signal.id, sizeof signal.id, "sig%d", (int)++m->numbers);
    snprintf(signal.fingerprint, sizeof signal.fingerprint, "fp%d", (int)m->numbers);
    text_copy(signal.strategy, NAME_SIZE, strategy);
    text_copy(signal.instrument, NAME_SIZE, instrument);
    signal.type = closes ? SIGNAL_EXIT : SIGNAL_BASE_ENTRY;
    signal.side = (enum side)chance_below(&m->chance, 2);
    signal.at_us = signal.received_us = m->now_us;
    signal.price = market_price(m);
    signal.stop = decimal_int(signal.side == SIDE_LONG ? 850 : 1150);
    signal.version = 1;
    struct change changes[3] = {{&tables[TABLE_SIGNAL], NULL, &signal}};
    market_commit(m, "signal.received", changes, 1);
    working = signal;
    working.version = 2;
    working.state = chance_hits(&m->chance, 150) ? SIGNAL_REJECTED : SIGNAL_WORKING;
    const bool accepted = working.state == SIGNAL_WORKING;
    row_init(&tables[TABLE_DECISION], &decision);
    text_copy(decision.signal_id, ID_SIZE, signal.id);
    text_copy(decision.strategy, NAME_SIZE, strategy);
    text_copy(decision.instrument, NAME_SIZE, instrument);
    decision.verdict = accepted ? VERDICT_ACCEPT : VERDICT_REJECT;
    row_init(&tables[TABLE_ORDER], &order);
    order_id_derive(order.id, &signal, "leg");
    text_copy(order.signal_id, ID_SIZE, signal.id);
    text_copy(order.strategy, NAME_SIZE, strategy);
    text_copy(order.instrument, NAME_SIZE, instrument);
    const struct position *known = closes ? closes : adds_to;
    enum side side = known ? known->side : signal.side;
    snprintf(order.leg, sizeof order.leg, "%s_%d", side == SIDE_LONG ? "Long" : "Short",
             (int)random_between(&m->chance, 1, 3));
    if (known)
        text_copy(order.position_id, KEY_SIZE, known->id);
    else
        text_copy(order.position_id, KEY_SIZE, order.id);
    order.reduces = closes != NULL;
    order.side = (side == SIDE_LONG) != order.reduces ? ORDER_BUY : ORDER_SELL;
    order.quantity = closes ? decimal_int(random_between(&m->chance, 1, 5))
                            : decimal_int(random_between(&m->chance, 1, 9));
    if (closes && decimal_gt(order.quantity, closes->quantity))
        order.quantity = closes->quantity;
    if (closes && m->spread_permille && chance_hits(&m->chance, m->spread_permille))
        market_spread(m, closes, &order);
    order.state = ORDER_INTENDED;
    order.created_us = order.updated_us = m->now_us;
    order.version = 1;
    changes[0] = (struct change){&tables[TABLE_SIGNAL], &signal, &working};
    changes[1] = (struct change){&tables[TABLE_DECISION], NULL, &decision};
    changes[2] = (struct change){&tables[TABLE_ORDER], NULL, &order};
    market_commit(m, "signal.decided", changes, accepted ? 3 : 2);
    if (!accepted)
        return;
    struct order sending = order;
    sending.state = ORDER_SENDING;
    sending.version = 2;
    changes[0] = (struct change){&tables[TABLE_ORDER], &order, &sending};
    market_commit(m, "order.sending", changes, 1);
}

/* A part, or all that is left, of a live order is filled; what the rules refuse is counted. */
static inline void market_fill(struct market *m, const struct order *live)
{
    struct order before = *live, after;
    struct report report = {.kind = REPORT_FILL, .at_us = m->now_us};
    struct fill fill;
    struct fill_effect effect;
    struct err err;
    text_copy(report.order_id, ID_SIZE, before.id);
    snprintf(report.trade_id, sizeof report.trade_id, "t%d", (int)++m->numbers);
    struct decimal left =
        decimal_ok(before.filled) ? decimal_sub(before.quantity, before.filled) : before.quantity;
    report.quantity =
        chance_hits(&m->chance, 500) ? left : decimal_div(left, decimal_int(3), DECIMAL_HALF_EVEN);
    report.price = market_price(m);
    report.fee = chance_hits(&m->chance, 800)
                     ? decimal_ratio(random_between(&m->chance, 1, 5000), 100)
                     : decimal_bad();
    assert_true(order_apply_report(&before, &report, "paper", m->now_us, &after, &fill, &err));
    const struct instrument *instrument = &m->instruments[before.instrument[1] - '0'];
    if (!portfolio_apply_fill(m->book, book_get(m->book, TABLE_SIGNAL, before.signal_id), &after,
                              &fill, instrument, m->now_us - m->now_us % DAY_US, &effect, &err)) {
        m->refused++; /* two exits raced for one layer: the rest of the second one is cancelled */
        after = before;
        after.state = ORDER_CANCELLED;
        after.version++;
        const struct change change = {&tables[TABLE_ORDER], &before, &after};
        market_commit(m, "order.cancelled", &change, 1);
        return;
    }
    struct change changes[16] = {
        {&tables[TABLE_ORDER], &before, &after},
        {&tables[TABLE_FILL], NULL, &fill},
        {&tables[TABLE_PYRAMID], book_get(m->book, TABLE_PYRAMID, effect.pyramid.id),
         &effect.pyramid},
        {&tables[TABLE_ACCOUNT], book_get(m->book, TABLE_ACCOUNT, ACCOUNT_ID), &effect.account},
    };
    size_t count = 4;
    m->spread_fills += effect.position_count > 1;
    assert_true(effect.new_pyramid == !changes[2].before);
    for (size_t i = 0; i < effect.position_count; i++) {
        const struct position *p = &effect.positions[i];
        const void *was = book_get(m->book, TABLE_POSITION, p->id);
        assert_true(effect.new_position == !was);
        changes[count++] = (struct change){&tables[TABLE_POSITION], was, p};
    }
    for (size_t i = 0; i < effect.ledger_count; i++)
        changes[count++] = (struct change){&tables[TABLE_LEDGER], NULL, &effect.ledger[i]};
    market_commit(m, "order.filled", changes, count);
}

static inline void market_step(struct market *m)
{
    const struct order *live[64];
    const struct position *open[64];
    char strategy[8], instrument[8];
    m->now_us += random_between(&m->chance, 1, DAY_US / 4);
    snprintf(strategy, sizeof strategy, "S%d", (int)chance_below(&m->chance, 2));
    snprintf(instrument, sizeof instrument, "I%d", (int)chance_below(&m->chance, 3));
    size_t orders = book_live_orders(m->book, NULL, NULL, live, 64);
    size_t positions = book_open_positions(m->book, strategy, instrument, open, 64);
    const uint64_t dice = chance_below(&m->chance, 10);
    if (orders > 8 || (orders && dice < 5))
        market_fill(m, live[chance_below(&m->chance, orders)]);
    else if (positions && dice < 8)
        market_order(m, strategy, instrument, open[chance_below(&m->chance, positions)], NULL);
    else if (positions && dice < 9)
        market_order(m, strategy, instrument, NULL, open[chance_below(&m->chance, positions)]);
    else if (positions < 6)
        market_order(m, strategy, instrument, NULL, NULL);
}
#endif
