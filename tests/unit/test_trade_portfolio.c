/* Positions, pyramids and the account over random fills, against sums taken the slow way; the
 * figures, and the day. */
#include "trade_market.h"
#include "trade_story.h"

/* ---- random trading ---- */

struct cash { /* one position's fills, added up from the beginning */
    const char *position_id;
    struct book *book;
    struct decimal in, out, bought, sold, fees;
    int fills;
};

static bool sum_cash(void *ctx, const void *row)
{
    struct cash *cash = ctx;
    const struct fill *fill = row;
    const struct order *order = book_get(cash->book, TABLE_ORDER, fill->order_id);
    if (strcmp(order->position_id, cash->position_id) != 0)
        return true;
    struct decimal value = decimal_mul(fill->price, fill->quantity);
    if (order->reduces) {
        cash->out = decimal_add(cash->out, fill->quantity);
        cash->sold = decimal_add(cash->sold, value);
    } else {
        cash->in = decimal_add(cash->in, fill->quantity);
        cash->bought = decimal_add(cash->bought, value);
    }
    cash->fees = decimal_add(cash->fees, fill->fee);
    cash->fills++;
    return true;
}

static bool check_position(void *ctx, const void *row)
{
    struct market *m = ctx;
    const struct position *p = row;
    const struct decimal zero = decimal_int(0);
    struct cash cash = {.position_id = p->id, .book = m->book, zero, zero, zero, zero, zero, 0};
    book_each(m->book, TABLE_FILL, sum_cash, &cash);
    assert_true(decimal_eq(p->opened_quantity, cash.in));
    assert_true(decimal_eq(p->quantity, decimal_sub(cash.in, cash.out)));
    assert_true(decimal_eq(p->fees, cash.fees));
    if (p->status != POSITION_CLOSED)
        return true;
    /* Closed: what came out minus what went in, but for the rounding of averages. */
    const struct instrument *instrument = &m->instruments[p->instrument[1] - '0'];
    struct decimal gain = decimal_mul(decimal_sub(cash.sold, cash.bought), instrument->point_value);
    if (p->side == SIDE_SHORT)
        gain = decimal_neg(gain);
    struct decimal off = decimal_abs(decimal_sub(gain, p->realised));
    if (decimal_gt(off, decimal_ratio(cash.fills + 1, 10000000)))
        fail_msg("%s: realised %f, cash %f", p->id, decimal_to_double(p->realised),
                 decimal_to_double(gain));
    return true;
}

static bool sum_ledger(void *ctx, const void *row)
{
    struct decimal *sum = ctx;
    *sum = decimal_add(*sum, ((const struct ledger *)row)->amount);
    return true;
}

static void random_fills_add_up(void **state)
{
    (void)state;
    static struct market m;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        market_open(&m, seed);
        for (int i = 0; i < 600; i++) {
            market_step(&m);
            const struct account *account = book_get(m.book, TABLE_ACCOUNT, ACCOUNT_ID);
            struct decimal sum = decimal_int(0);
            book_each(m.book, TABLE_LEDGER, sum_ledger, &sum);
            assert_true(decimal_eq(sum, account->equity)); /* exactly */
            assert_true(decimal_ge(account->high_water, account->equity));
        }
        book_each(m.book, TABLE_POSITION, check_position, &m);
        struct str report = STR_EMPTY;
        if (replay_audit(m.book, &report, 20))
            fail_msg("seed %d: %s", (int)seed, str_text(&report));
        str_free(&report);
        assert_true(book_count(m.book, TABLE_FILL) > 100);
        market_close(&m);
    }
}

/* ---- one story by hand ---- */

static void a_base_a_pyramid_and_their_ends(void **state)
{
    (void)state;
    struct story s;
    story_open(&s);
    assert_true(story_fill(&s, "Long_1", false, 2, 52000, 40));
    const struct pyramid *y = book_get(s.book, TABLE_PYRAMID, "trend|BANK_NIFTY");
    assert_true(s.effect.new_position && s.effect.new_pyramid &&
                s.effect.positions[0].is_base_position);
    assert_string_equal(s.effect.positions[0].id, "Long_1");
    is_figure(s.effect.positions[0].initial_stop, "51650");
    assert_string_equal(y->base_position_id, s.effect.positions[0].id);
    is_figure(y->base_entry_price, "52000");
    is_figure(y->base_stop, "51650");
    assert_int_equal(s.effect.ledger_count, 1);
    is_figure(s.effect.ledger[0].amount, "-40");
    assert_string_equal(s.effect.ledger[0].id, "main|000000000002");
    assert_true(story_fill(&s, "Long_1", false, 1, 52300, 0)); /* the rest of the entry */
    is_figure(s.effect.positions[0].entry_price, "52100");
    is_figure(y->base_entry_price, "52100");
    is_figure(y->base_quantity, "3");
    assert_int_equal(s.effect.ledger_count, 0);
    assert_true(story_fill(&s, "Long_2", false, 1, 52500, 0));
    assert_int_equal(y->layers, 2);
    assert_int_equal(y->pyramids, 1);
    is_figure(y->last_entry_price, "52500");
    is_figure(y->quantity, "4");
    /* the base closes while the pyramid stays: the pyramiding state is cleared of it at once */
    assert_true(story_fill(&s, "Long_1", true, 1, 52600, 10));
    assert_int_equal(s.effect.positions[0].status, POSITION_PARTIAL);
    assert_string_not_equal(y->base_position_id, "");
    is_figure(s.effect.positions[0].realised, "17500");
    assert_int_equal(s.effect.ledger_count, 2);
    assert_true(story_fill(&s, "Long_1", true, 2, 52000, 10));
    assert_int_equal(s.effect.positions[0].status, POSITION_CLOSED);
    assert_string_equal(s.effect.positions[0].exit_signal_id, "exit-Long_1");
    is_figure(s.effect.positions[0].exit_price, "52200");
    is_figure(s.effect.positions[0].realised, "10500");
    assert_string_equal(y->base_position_id, "");
    assert_false(decimal_ok(y->base_entry_price));
    assert_int_equal(y->layers, 1);
    assert_int_equal(y->pyramids, 1);
    assert_true(story_fill(&s, "Long_2", true, 1, 52400, 0));
    assert_int_equal(y->layers, 0);
    assert_int_equal(y->pyramids, 0);
    is_figure(y->quantity, "0");
    assert_false(decimal_ok(y->last_entry_price));
    const struct account *account = book_get(s.book, TABLE_ACCOUNT, ACCOUNT_ID);
    is_figure(account->equity, "5006940"); /* 10,500 - 3,500 - 60 */
    is_figure(account->high_water, "5017450");
    is_figure(account->day_start_equity, "5000000");
    book_free(s.book);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    struct story s;
    story_open(&s);
    assert_false(story_fill(&s, "Long_1", true, 1, 52000, 0));
    assert_int_equal(s.err.code, ERR_CORRUPT);
    assert_true(story_fill(&s, "Long_1", false, 1, 52000, 0));
    assert_false(story_fill(&s, "Long_1", true, 2, 52000, 0));
    assert_non_null(strstr(s.err.text, "more than is open"));
    assert_false(story_fill(&s, "Long_1", true, 0, 52000, 0));
    s.instrument.point_value = decimal_int(INT64_C(900000000000000));
    assert_false(story_fill(&s, "Long_1", true, 1, 99000, 0));
    assert_non_null(strstr(s.err.text, "1e15"));
    book_remove(s.book, TABLE_ACCOUNT, ACCOUNT_ID);
    assert_false(story_fill(&s, "Long_2", false, 1, 52000, 0));
    assert_int_equal(s.err.code, ERR_NOT_FOUND);
    book_free(s.book);
}

static void a_late_entry_fill_opens_again(void **state)
{
    (void)state;
    struct story s;
    story_open(&s);
    assert_true(story_fill(&s, "Long_1", false, 1, 52000, 0));
    assert_true(story_fill(&s, "Long_1", true, 1, 52100, 0));
    assert_true(story_fill(&s, "Long_1", false, 1, 52200, 0));
    assert_int_equal(s.effect.positions[0].status, POSITION_PARTIAL);
    is_figure(s.effect.positions[0].entry_price, "52200");
    assert_int_equal(s.effect.positions[0].closed_us, 0);
    assert_int_equal(s.effect.pyramid.layers, 1);
    assert_string_equal(s.effect.pyramid.base_position_id, s.effect.positions[0].id);
    book_free(s.book);
}

static void money_moves_without_making_profit_or_drawdown(void **state)
{
    (void)state;
    struct account a, b;
    struct ledger ledger;
    struct err err;
    assert_true(portfolio_move_money(NULL, "INR", LEDGER_DEPOSIT, decimal_int(1000), "r", 1, DAY_US,
                                     &a, &ledger, &err));
    assert_int_equal(a.version, 1);
    is_figure(a.day_start_equity, "1000");
    assert_true(portfolio_move_money(&a, NULL, LEDGER_WITHDRAWAL, decimal_int(400), "r", 2, DAY_US,
                                     &b, &ledger, &err));
    is_figure(b.equity, "600");
    is_figure(b.high_water, "600");
    is_figure(b.day_start_equity, "600");
    is_figure(ledger.amount, "-400");
    assert_string_equal(ledger.id, "main|000000000002");
    assert_true(portfolio_move_money(&b, NULL, LEDGER_ADJUST, decimal_int(-50), "drift", 3,
                                     2 * DAY_US, &a, &ledger, &err));
    is_figure(a.equity, "550");
    is_figure(a.high_water, "600");
    is_figure(a.day_start_equity, "600");
    assert_int_equal(a.day_us, 2 * DAY_US);
    assert_false(portfolio_move_money(&a, NULL, LEDGER_DEPOSIT, decimal_int(-1), "r", 3, DAY_US, &b,
                                      &ledger, &err));
    assert_false(portfolio_move_money(&a, NULL, LEDGER_DEPOSIT, decimal_bad(), "r", 3, DAY_US, &b,
                                      &ledger, &err));
    assert_false(portfolio_move_money(&a, NULL, LEDGER_FEE, decimal_int(1), "r", 3, DAY_US, &b,
                                      &ledger, &err));
    assert_false(portfolio_new_day(&a, 2 * DAY_US, &b));
    assert_true(portfolio_new_day(&a, 3 * DAY_US, &b));
    is_figure(b.day_start_equity, "550");
    assert_int_equal(b.version, a.version + 1);
}

static bool last(void *ctx, const char *instrument, struct decimal *price, int64_t *at_us)
{
    (void)instrument;
    *price = *(struct decimal *)ctx;
    *at_us = 1;
    return decimal_ok(*price);
}

static void figures_of_open_positions(void **state)
{
    (void)state;
    struct story s;
    struct portfolio p;
    struct decimal price = decimal_bad();
    const struct prices prices = {.last = last, .ctx = &price};
    story_open(&s);
    const struct instruments instruments = {&s.instrument, 1};
    portfolio_measure(s.book, &instruments, &prices, &p);
    is_figure(p.equity, "5000000");
    is_figure(p.margin_free, "5000000");
    is_figure(p.open_risk_percent, "0");
    assert_true(story_fill(&s, "Long_1", false, 2, 52000, 0));
    portfolio_measure(s.book, &instruments, &prices, &p);
    is_figure(p.unrealised, "0"); /* no price is known */
    is_figure(p.open_risk, "24500");
    is_figure(p.open_risk_percent, "0.49");
    is_figure(p.margin_used, "540000");
    is_figure(p.exposure, "3640000");
    price = decimal_int(52100);
    portfolio_measure(s.book, &instruments, &prices, &p);
    is_figure(p.unrealised, "7000");
    is_figure(p.blended_equity, "5003500");
    is_figure(p.open_risk, "31500");
    is_figure(p.day_loss, "0");
    price =
        decimal_int(51500); /* below the stop: nothing more to risk, and a loss that counts today */
    portfolio_measure(s.book, &instruments, &prices, &p);
    is_figure(p.open_risk, "0");
    is_figure(p.day_loss, "35000");
    struct order order;
    row_init(&tables[TABLE_ORDER], &order);
    text_copy(order.id, ID_SIZE, "pending");
    text_copy(order.instrument, NAME_SIZE, "BANK_NIFTY");
    order.quantity = decimal_int(1);
    order.reference_price = decimal_int(1000);
    book_put(s.book, TABLE_ORDER, &order);
    portfolio_measure(s.book, &instruments, &prices, &p);
    is_figure(p.pending_risk, "35000"); /* no stop: all it is worth */
    is_figure(p.margin_used, "810000");
    order.reduces = true;
    book_put(s.book, TABLE_ORDER, &order);
    portfolio_measure(s.book, &instruments, &prices, &p);
    is_figure(p.pending_risk, "0");
    portfolio_measure(s.book, &(struct instruments){NULL, 0}, NULL, &p);
    assert_int_equal(p.open_positions, 1);
    book_free(s.book);
    struct book *empty = book_new();
    portfolio_measure(empty, &instruments, &prices, &p);
    assert_false(decimal_ok(p.open_risk_percent));
    is_figure(p.margin_free, "0");
    book_free(empty);
}

/* ---- sums that are kept against sums that are made ---- */

struct quote {
    struct decimal price[4]; /* by the digit of the name */
    uint64_t moves;
};

static bool quoted(void *ctx, const char *instrument, struct decimal *price, int64_t *at_us)
{
    *price = ((struct quote *)ctx)->price[instrument[1] - '0'];
    *at_us = 1;
    return decimal_ok(*price);
}

static void change_something(struct chance *chance, struct book *book, struct quote *quote)
{
    struct position position;
    struct order order;
    const int64_t which = random_between(chance, 0, 39), name = which % 4;
    row_init(&tables[TABLE_POSITION], &position);
    row_init(&tables[TABLE_ORDER], &order);
    snprintf(position.id, sizeof position.id, "p%d", (int)which);
    snprintf(order.id, sizeof order.id, "o%d", (int)which);
    snprintf(position.instrument, sizeof position.instrument, "I%d", (int)name);
    snprintf(order.instrument, sizeof order.instrument, "I%d", (int)name);
    snprintf(position.strategy, sizeof position.strategy, "s%d", (int)(which % 3));
    position.side = chance_hits(chance, 500) ? SIDE_LONG : SIDE_SHORT;
    position.status = chance_hits(chance, 700) ? POSITION_OPEN : POSITION_CLOSED;
    position.entry_price = decimal_int(random_between(chance, 50, 150));
    position.quantity = order.quantity = decimal_int(random_between(chance, 1, 9));
    if (chance_hits(chance, 500))
        position.stop = decimal_int(random_between(chance, 50, 150));
    order.state = chance_hits(chance, 700) ? ORDER_SENT : ORDER_FILLED;
    order.reduces = chance_hits(chance, 300);
    if (chance_hits(chance, 500))
        order.reference_price = decimal_int(random_between(chance, 50, 150));
    if (chance_hits(chance, 300)) {
        quote->price[name] =
            chance_hits(chance, 200) ? decimal_bad() : decimal_int(random_between(chance, 50, 150));
        quote->moves++;
    } else if (chance_hits(chance, 100)) {
        book_remove(book, TABLE_POSITION, position.id);
    } else if (chance_hits(chance, 500)) {
        book_put(book, TABLE_POSITION, &position);
    } else {
        book_put(book, TABLE_ORDER, &order);
    }
}

static bool copy_position(void *ctx, const struct position *position)
{
    book_put(ctx, TABLE_POSITION, position);
    return true;
}

static bool copy_order(void *ctx, const struct order *order)
{
    book_put(ctx, TABLE_ORDER, order);
    return true;
}

static void kept_sums_are_those_of_a_walk(void **state)
{
    (void)state;
    struct instrument list[3] = {{.name = "I0"}, {.name = "I1"}, {.name = "I3"}};
    const struct instruments instruments = {list, 3};
    struct quote quote = {.moves = 1};
    const struct prices prices = {.last = quoted, .ctx = &quote, .moves = &quote.moves};
    struct book *book = book_new();
    struct chance chance;
    chance_seed(&chance, 11);
    for (int i = 0; i < 3; i++)
        list[i].point_value = list[i].margin = decimal_int(i + 2);
    for (int i = 0; i < 4; i++)
        quote.price[i] = decimal_bad();
    instruments_index(list, 3);
    for (int i = 0; i < 3000; i++) {
        struct portfolio kept, made;
        change_something(&chance, book, &quote);
        if (chance_hits(&chance, 300))
            continue;
        struct book *fresh = book_new();
        book_each_open_position(book, copy_position, fresh);
        book_each_live_order(book, copy_order, fresh);
        portfolio_measure(book, &instruments, &prices, &kept);
        portfolio_measure(fresh, &instruments, &prices, &made);
        /* Without the padding at its end, which nobody sets. */
        assert_memory_equal(
            &kept, &made, offsetof(struct portfolio, open_positions) + sizeof kept.open_positions);
        book_free(fresh);
    }
    book_free(book);
}

/* One huge position comes as another goes: that both together would be too much is forgotten. */
static void an_overflow_is_forgotten_with_its_cause(void **state)
{
    (void)state;
    struct instrument list[1] = {{.name = "I0", .point_value = decimal_int(1)}};
    const struct instruments instruments = {list, 1};
    struct quote quote = {.price = {decimal_int(1)}, .moves = 1};
    const struct prices prices = {.last = quoted, .ctx = &quote, .moves = &quote.moves};
    struct book *book = book_new();
    struct position position;
    struct portfolio p;
    instruments_index(list, 1);
    row_init(&tables[TABLE_POSITION], &position);
    text_copy(position.id, sizeof position.id, "p");
    text_copy(position.instrument, sizeof position.instrument, "I0");
    position.entry_price = decimal_int(1);
    position.quantity = decimal_mul(decimal_int(1000000000000), decimal_int(100000000000000));
    book_put(book, TABLE_POSITION, &position);
    portfolio_measure(book, &instruments, &prices, &p);
    assert_true(decimal_eq(p.exposure, position.quantity));
    book_remove(book, TABLE_POSITION, "p");
    text_copy(position.id, sizeof position.id, "q");
    text_copy(position.strategy, sizeof position.strategy, "s");
    book_put(book, TABLE_POSITION, &position);
    portfolio_measure(book, &instruments, &prices, &p);
    assert_true(decimal_ok(p.exposure) && decimal_eq(p.exposure, position.quantity));
    book_free(book);
}

static void instruments_are_found_by_name(void **state)
{
    (void)state;
    struct instrument list[100] = {0};
    const struct instruments all = {list, 100};
    for (size_t i = 0; i < 100; i++)
        snprintf(list[i].name, sizeof list[i].name, "INST%03zu", i);
    for (int indexed = 0; indexed < 2; indexed++) {
        for (size_t i = 0; i < 100; i++)
            assert_ptr_equal(instrument_find(&all, list[i].name), &list[i]);
        assert_null(instrument_find(&all, "INST100"));
        assert_null(instrument_find(&all, ""));
        instruments_index(list, 100);
    }
    assert_null(instrument_find(&(struct instruments){NULL, 0}, "INST000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_sums_are_those_of_a_walk),
        cmocka_unit_test(an_overflow_is_forgotten_with_its_cause),
        cmocka_unit_test(instruments_are_found_by_name),
        cmocka_unit_test(random_fills_add_up),
        cmocka_unit_test(a_base_a_pyramid_and_their_ends),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_late_entry_fill_opens_again),
        cmocka_unit_test(money_moves_without_making_profit_or_drawdown),
        cmocka_unit_test(figures_of_open_positions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
