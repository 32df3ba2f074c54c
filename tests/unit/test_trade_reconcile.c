/* Two books of one account: every way in which they can differ, and what may be done about it. */
#include "trade/reconcile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define OURS_A "aaaaaaaaaaaaaaaaaaaa"
#define OURS_B "bbbbbbbbbbbbbbbbbbbb"
#define FORGOTTEN "cccccccccccccccccccc"

struct held { /* one layer of ours, or one line of theirs */
    const char *strategy, *instrument, *expiry;
    int lots; /* short is below zero */
};
struct rested { /* an order, ours or theirs */
    const char *id, *instrument;
    enum order_state state;
    enum order_kind kind;
    int filled;
};
struct expected {
    enum difference_kind kind;
    const char *instrument, *strategy;
    bool shared;
};
static const struct both {
    const char *name;
    struct held ours[5], theirs[5];
    struct rested our_orders[3], their_orders[3];
    struct expected expected[4];
    enum { ALL, NO_ORDERS, NO_POSITIONS } told;
    bool moving;
} cases[] = {
    {.name = "nothing on either side"},
    {.name = "both have it", .ours = {{"alpha", "GOLD", "", 2}}, .theirs = {{NULL, "GOLD", "", 2}}},
    {.name = "only we have it",
     .ours = {{"alpha", "GOLD", "", 2}},
     .expected = {{DIFFERENCE_POSITION_MISSING_THERE, "GOLD", "alpha", false}}},
    {.name = "only they have it",
     .theirs = {{NULL, "GOLD", "", 2}},
     .expected = {{DIFFERENCE_POSITION_MISSING_HERE, "GOLD", "owner", false}}},
    {.name = "quantities differ",
     .ours = {{"alpha", "GOLD", "", 2}},
     .theirs = {{NULL, "GOLD", "", 3}},
     .expected = {{DIFFERENCE_QUANTITY_DIFFERS, "GOLD", "alpha", false}}},
    {.name = "sides differ",
     .ours = {{"alpha", "GOLD", "", 2}},
     .theirs = {{NULL, "GOLD", "", -2}},
     .expected = {{DIFFERENCE_QUANTITY_DIFFERS, "GOLD", "alpha", false}}},
    {.name = "shorts agree",
     .ours = {{"alpha", "GOLD", "", -2}},
     .theirs = {{NULL, "GOLD", "", -2}}},
    {.name = "several layers are one position there",
     .ours = {{"alpha", "GOLD", "", 2}, {"alpha", "GOLD", "", 1}, {"alpha", "GOLD", "", 1}},
     .theirs = {{NULL, "GOLD", "", 4}}},
    {.name = "one of several layers is gone there",
     .ours = {{"alpha", "GOLD", "", 2}, {"alpha", "GOLD", "", 1}},
     .theirs = {{NULL, "GOLD", "", 2}},
     .expected = {{DIFFERENCE_QUANTITY_DIFFERS, "GOLD", "alpha", false}}},
    {.name = "several strategies are netted there",
     .ours = {{"alpha", "GOLD", "", 2}, {"beta", "GOLD", "", 3}},
     .theirs = {{NULL, "GOLD", "", 5}}},
    {.name = "strategies against each other are flat there",
     .ours = {{"alpha", "GOLD", "", 2}, {"beta", "GOLD", "", -2}}},
    {.name = "strategies against each other, and something is there",
     .ours = {{"alpha", "GOLD", "", 2}, {"beta", "GOLD", "", -2}},
     .theirs = {{NULL, "GOLD", "", 1}},
     .expected = {{DIFFERENCE_QUANTITY_DIFFERS, "GOLD", "", true}}},
    {.name = "lots of several strategies belong to nobody in particular",
     .ours = {{"alpha", "GOLD", "", 2}, {"beta", "GOLD", "", 3}},
     .theirs = {{NULL, "GOLD", "", 4}},
     .expected = {{DIFFERENCE_QUANTITY_DIFFERS, "GOLD", "", true}}},
    {.name = "instruments do not make up for each other",
     .ours = {{"alpha", "GOLD", "", 2}},
     .theirs = {{NULL, "SILVER", "", 2}},
     .expected = {{DIFFERENCE_POSITION_MISSING_THERE, "GOLD", "alpha", false},
                  {DIFFERENCE_POSITION_MISSING_HERE, "SILVER", "owner", false}}},
    {.name = "contracts do not make up for each other",
     .ours = {{"alpha", "GOLD", "2026-10-05", 2}},
     .theirs = {{NULL, "GOLD", "2026-12-04", 2}},
     .expected = {{DIFFERENCE_POSITION_MISSING_THERE, "GOLD", "alpha", false},
                  {DIFFERENCE_POSITION_MISSING_HERE, "GOLD", "owner", false}}},
    {.name = "a broker that names no expiry is compared without",
     .ours = {{"alpha", "GOLD", "2026-10-05", 2}, {"alpha", "GOLD", "2026-12-04", 1}},
     .theirs = {{NULL, "GOLD", "", 3}}},
    {.name = "a list that was not told is no truth",
     .ours = {{"alpha", "GOLD", "", 2}},
     .our_orders = {{OURS_A, "GOLD", ORDER_ACKNOWLEDGED, ORDER_LIMIT, 0}},
     .expected = {{DIFFERENCE_MISSING_ORDER, "GOLD", "alpha", false}},
     .told = NO_POSITIONS},
    {.name = "orders that were not told are no truth either",
     .ours = {{"alpha", "GOLD", "", 2}},
     .our_orders = {{OURS_A, "GOLD", ORDER_ACKNOWLEDGED, ORDER_LIMIT, 0}},
     .expected = {{DIFFERENCE_POSITION_MISSING_THERE, "GOLD", "alpha", false}},
     .told = NO_ORDERS},
    {.name = "an order rests on both sides",
     .our_orders = {{OURS_A, "GOLD", ORDER_ACKNOWLEDGED, ORDER_LIMIT, 0}},
     .their_orders = {{OURS_A, "GOLD", ORDER_ACKNOWLEDGED, ORDER_LIMIT, 0}}},
    {.name = "an order rests here only",
     .our_orders = {{OURS_A, "GOLD", ORDER_ACKNOWLEDGED, ORDER_LIMIT, 0}},
     .expected = {{DIFFERENCE_MISSING_ORDER, "GOLD", "alpha", false}}},
    {.name = "an order that was never sent is missed by nobody",
     .our_orders = {{OURS_A, "GOLD", ORDER_INTENDED, ORDER_LIMIT, 0}}},
    {.name = "an order without an answer is its own story's matter",
     .our_orders = {{OURS_A, "GOLD", ORDER_UNKNOWN, ORDER_LIMIT, 0}}},
    {.name = "an order is filled further there",
     .our_orders = {{OURS_A, "GOLD", ORDER_ACKNOWLEDGED, ORDER_LIMIT, 0}},
     .their_orders = {{OURS_A, "GOLD", ORDER_PARTIALLY_FILLED, ORDER_LIMIT, 1}},
     .expected = {{DIFFERENCE_STATUS_DIFFERS, "GOLD", "alpha", false}}},
    {.name = "an order of ours without a row",
     .their_orders = {{OURS_B, "GOLD", ORDER_ACKNOWLEDGED, ORDER_LIMIT, 0}},
     .expected = {{DIFFERENCE_ORPHAN_ORDER, "GOLD", "owner", false}}},
    {.name = "an order that had ended here is open there",
     .their_orders = {{FORGOTTEN, "GOLD", ORDER_ACKNOWLEDGED, ORDER_LIMIT, 0}},
     .expected = {{DIFFERENCE_STATUS_DIFFERS, "GOLD", "owner", false}}},
    {.name = "an order that is not ours",
     .their_orders = {{"by-hand-7", "GOLD", ORDER_ACKNOWLEDGED, ORDER_LIMIT, 0}},
     .expected = {{DIFFERENCE_UNKNOWN_ORDER, "GOLD", "", false}}},
    {.name = "lots that are on their way are not compared",
     .ours = {{"alpha", "GOLD", "", 2}},
     .theirs = {{NULL, "GOLD", "", 3}},
     .our_orders = {{OURS_A, "GOLD", ORDER_SENDING, ORDER_MARKET, 0}},
     .moving = true},
    {.name = "what moves on one instrument hides nothing of another",
     .ours = {{"alpha", "GOLD", "", 2}, {"alpha", "SILVER", "", 1}},
     .theirs = {{NULL, "GOLD", "", 3}},
     .our_orders = {{OURS_A, "GOLD", ORDER_UNKNOWN, ORDER_LIMIT, 0}},
     .expected = {{DIFFERENCE_POSITION_MISSING_THERE, "SILVER", "alpha", false}},
     .moving = true},
};

static const char *owner(void *ctx, const char *instrument)
{
    (void)ctx;
    (void)instrument;
    return "owner";
}

static bool stands(void *ctx, const char *order_id)
{
    (void)ctx;
    return strcmp(order_id, FORGOTTEN) == 0;
}

static struct order order_of(const struct rested *rested)
{
    struct order order;
    row_init(&tables[TABLE_ORDER], &order);
    text_copy(order.id, sizeof order.id, rested->id);
    text_copy(order.instrument, sizeof order.instrument, rested->instrument);
    order.state = rested->state;
    order.kind = rested->kind;
    order.quantity = decimal_int(5);
    order.filled = decimal_int(rested->filled);
    return order;
}

static struct book *our_book(const struct both *both)
{
    struct book *book = book_new();
    for (size_t i = 0; both->ours[i].instrument; i++) {
        const struct held *held = &both->ours[i];
        struct position position;
        row_init(&tables[TABLE_POSITION], &position);
        snprintf(position.id, sizeof position.id, "p%zu", i);
        text_copy(position.strategy, sizeof position.strategy, held->strategy);
        text_copy(position.instrument, sizeof position.instrument, held->instrument);
        text_copy(position.expiry, sizeof position.expiry, held->expiry);
        position.side = held->lots < 0 ? SIDE_SHORT : SIDE_LONG;
        position.quantity = decimal_abs(decimal_int(held->lots));
        position.entry_price = decimal_int(100);
        book_put(book, TABLE_POSITION, &position);
    }
    for (size_t i = 0; both->our_orders[i].id; i++) {
        struct order order = order_of(&both->our_orders[i]);
        text_copy(order.strategy, sizeof order.strategy, "alpha");
        book_put(book, TABLE_ORDER, &order);
    }
    return book;
}

static size_t compare(const struct both *both, struct difference *out, size_t room, bool *moving)
{
    struct book *book = our_book(both);
    struct order orders[3];
    struct their_position positions[5];
    struct their_book theirs = {.orders_known = both->told != NO_ORDERS,
                                .positions_known = both->told != NO_POSITIONS,
                                .orders = orders,
                                .positions = positions};
    struct reconcile_options options = {.owner = owner, .stands = stands};
    for (size_t i = 0; both->their_orders[i].id; i++)
        orders[theirs.order_count++] = order_of(&both->their_orders[i]);
    for (size_t i = 0; both->theirs[i].instrument; i++) {
        struct their_position *p = &positions[theirs.position_count++];
        memset(p, 0, sizeof *p);
        text_copy(p->instrument, sizeof p->instrument, both->theirs[i].instrument);
        text_copy(p->expiry, sizeof p->expiry, both->theirs[i].expiry);
        p->side = both->theirs[i].lots < 0 ? SIDE_SHORT : SIDE_LONG;
        p->quantity = decimal_abs(decimal_int(both->theirs[i].lots));
        p->average_price = decimal_int(99);
    }
    options.drift_most = decimal_bad();
    size_t count = reconcile_books(book, &theirs, &options, out, room, moving);
    book_free(book);
    return count;
}

static size_t compare_holdings(int64_t ours, int64_t theirs, enum difference_kind *kind)
{
    struct book *book = our_book(&(struct both){
        .ours = {{.strategy = "alpha", .instrument = "BTC", .expiry = "", .lots = (int)ours}}});
    struct their_position position = {.instrument = "BTC",
                                      .side = SIDE_LONG,
                                      .quantity = decimal_int(theirs),
                                      .average_price = decimal_bad()};
    struct their_book book_there = {.positions_known = true,
                                    .holdings = true,
                                    .positions = &position,
                                    .position_count = theirs ? 1 : 0};
    struct reconcile_options options = {.drift_most = decimal_bad()};
    struct difference found[2];
    bool moving;
    size_t count = reconcile_books(book, &book_there, &options, found, 2, &moving);
    *kind = count ? found[0].kind : DIFFERENCE_UNKNOWN_ORDER;
    book_free(book);
    return count;
}

/* What a spot account holds beside our position is its owner's. */
static void test_holdings_may_be_more(void **state)
{
    (void)state;
    enum difference_kind kind;
    assert_int_equal(compare_holdings(2, 2, &kind), 0);
    assert_int_equal(compare_holdings(2, 50, &kind), 0);
    assert_int_equal(compare_holdings(2, 1, &kind), 1);
    assert_int_equal(kind, DIFFERENCE_QUANTITY_DIFFERS);
    assert_int_equal(compare_holdings(2, 0, &kind), 1);
    assert_int_equal(kind, DIFFERENCE_POSITION_MISSING_THERE);
}

static void test_every_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct both *both = &cases[i];
        struct difference found[8];
        bool moving;
        size_t count = compare(both, found, 8, &moving), wanted = 0;
        while (wanted < 4 && both->expected[wanted].instrument)
            wanted++;
        if (count != wanted)
            fail_msg("%s: %zu differences, not %zu; the first is %s of %s", both->name, count,
                     wanted, count ? difference_names[found[0].kind] : "none",
                     count ? found[0].instrument : "-");
        for (size_t k = 0; k < count; k++) {
            const struct expected *e = &both->expected[k];
            if (found[k].kind != e->kind || strcmp(found[k].instrument, e->instrument) != 0 ||
                strcmp(found[k].strategy, e->strategy) != 0 || found[k].shared != e->shared)
                fail_msg("%s: %s of %s's %s, not %s of %s's %s", both->name,
                         difference_names[found[k].kind], found[k].strategy, found[k].instrument,
                         difference_names[e->kind], e->strategy, e->instrument);
        }
        if (moving != both->moving)
            fail_msg("%s: moving %d", both->name, moving);
    }
}

static void test_more_differences_than_room(void **state)
{
    (void)state;
    const struct both both = {
        .theirs = {{NULL, "A", "", 1}, {NULL, "B", "", 1}, {NULL, "C", "", 1}}};
    struct difference found[2];
    bool moving;
    assert_int_equal(compare(&both, found, 2, &moving), 3);
    assert_string_equal(found[1].instrument, "B");
}

static void put_account(struct book *book, int64_t equity)
{
    struct account account;
    row_init(&tables[TABLE_ACCOUNT], &account);
    text_copy(account.id, sizeof account.id, ACCOUNT_ID);
    account.equity = decimal_int(equity);
    book_put(book, TABLE_ACCOUNT, &account);
}

static void test_balance_drift(void **state)
{
    (void)state;
    static const struct {
        int64_t ours, theirs, most;
        bool known, differs;
    } rows[] = {{1000, 1000, 0, true, false}, {1000, 990, 5, true, true},
                {1000, 990, 10, true, false}, {1000, 1011, 10, true, true},
                {1000, 0, -1, true, false}, /* no bound: reported, no difference */
                {1000, 0, 0, false, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct book *book = book_new();
        struct difference found;
        struct their_book theirs = {.balance_known = rows[i].known,
                                    .equity = decimal_int(rows[i].theirs)};
        struct reconcile_options options = {
            .drift_most = rows[i].most < 0 ? decimal_bad() : decimal_int(rows[i].most)};
        put_account(book, rows[i].ours);
        size_t count = reconcile_books(book, &theirs, &options, &found, 1, NULL);
        if (count != rows[i].differs)
            fail_msg("row %zu: %zu", i, count);
        struct decimal drift = reconcile_drift(book, &theirs);
        if (rows[i].known)
            assert_true(decimal_eq(drift, decimal_int(rows[i].theirs - rows[i].ours)));
        else
            assert_false(decimal_ok(drift));
        book_free(book);
    }
}

static struct difference make(enum difference_kind kind, int ours, int theirs)
{
    struct difference d = {.kind = kind, .is_tradable = true};
    text_copy(d.instrument, sizeof d.instrument, "GOLD");
    text_copy(d.strategy, sizeof d.strategy, "alpha");
    d.ours = decimal_int(ours);
    d.theirs = decimal_int(theirs);
    return d;
}

static void test_what_may_be_done(void **state)
{
    (void)state;
    char why[REASON_SIZE];
    struct decimal any = decimal_bad();
    struct difference d = make(DIFFERENCE_UNKNOWN_ORDER, 0, 0);
    assert_false(reconcile_may(&d, MATCH_CANCEL_THERE, any, why));
    assert_non_null(strstr(why, "not ours"));
    assert_false(reconcile_may(&d, MATCH_ADOPT, any, why));
    assert_int_equal(reconcile_default(&d), MATCH_IGNORE);
    d = make(DIFFERENCE_MISSING_ORDER, 0, 0);
    for (int action = MATCH_ADOPT; action <= MATCH_FLATTEN; action++)
        assert_false(reconcile_may(&d, (enum match_action)action, any, why));
    assert_non_null(strstr(why, "ends nothing"));
    assert_int_equal(reconcile_default(&d), MATCH_ALERT);
    d = make(DIFFERENCE_POSITION_MISSING_THERE, 2, 0);
    assert_true(reconcile_may(&d, MATCH_CLOSE_HERE, any, why));
    assert_true(reconcile_may(&d, MATCH_CLOSE_HERE, decimal_int(2), why));
    assert_false(reconcile_may(&d, MATCH_CLOSE_HERE, decimal_int(1), why));
    assert_non_null(strstr(why, "max_lots"));
    d.shared = true;
    assert_false(reconcile_may(&d, MATCH_CLOSE_HERE, any, why));
    assert_true(reconcile_may(&d, MATCH_FREEZE, any, why));
    assert_int_equal(reconcile_default(&d), MATCH_ALERT);
    d = make(DIFFERENCE_POSITION_MISSING_HERE, 0, 2);
    assert_true(reconcile_may(&d, MATCH_ADOPT, any, why));
    d.strategy[0] = '\0';
    assert_false(reconcile_may(&d, MATCH_ADOPT, any, why));
    assert_non_null(strstr(why, "owns"));
    d.is_tradable = false;
    assert_int_equal(reconcile_default(&d), MATCH_IGNORE);
    d = make(DIFFERENCE_ORPHAN_ORDER, 0, 0);
    assert_int_equal(reconcile_default(&d), MATCH_ADOPT);
    d.strategy[0] = '\0';
    assert_int_equal(reconcile_default(&d), MATCH_ALERT);
}

static void test_what_blocks(void **state)
{
    (void)state;
    struct difference d = make(DIFFERENCE_QUANTITY_DIFFERS, 2, 3);
    assert_true(reconcile_blocks(&d, MATCH_ALERT, true));
    assert_true(reconcile_blocks(&d, MATCH_USE_BROKER, false)); /* a dry run, or it failed */
    assert_false(reconcile_blocks(&d, MATCH_USE_BROKER, true));
    assert_false(reconcile_blocks(&d, MATCH_IGNORE, true));
    d.is_tradable = false;
    assert_false(reconcile_blocks(&d, MATCH_ALERT, true));
}

static void test_ids(void **state)
{
    (void)state;
    assert_true(reconcile_is_our_id(OURS_A));
    assert_false(reconcile_is_our_id("AAAAAAAAAAAAAAAAAAAA"));
    assert_false(reconcile_is_our_id("aaaaaaaaaaaaaaaaaaa"));
    assert_false(reconcile_is_our_id("aaaaaaaaaaaaaaaaaaa1"));
    assert_false(reconcile_is_our_id(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_case),
        cmocka_unit_test(test_holdings_may_be_more),
        cmocka_unit_test(test_more_differences_than_room),
        cmocka_unit_test(test_balance_drift),
        cmocka_unit_test(test_what_may_be_done),
        cmocka_unit_test(test_what_blocks),
        cmocka_unit_test(test_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
