/* What every store promises, asked of each body alike. A new body is done when it passes this file
 * and test_store_fence. */
#include "store_rig.h"

/* ---- the promises ---- */

static void test_insert_then_read(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(insert_signal(f, "a", 10), ERR_OK);
    struct got got = query(f, &(struct store_query){.table = TABLE_SIGNAL});
    assert_string_equal(got.keys, "a ");
    got = events(f, &(struct store_events_query){.subject = "s"});
    assert_int_equal(got.rows, 1);
    assert_non_null(strstr(got.text, "\"price\":\"101.25\""));
    expect_sound(f, 1);
}

static void test_duplicate_writes_nothing(void **state)
{
    struct fixture *f = *state;
    struct signal b = signal_of("b", 5), a = signal_of("a", 10);
    assert_int_equal(insert_signal(f, "a", 10), ERR_OK);
    /* The duplicate comes second, so that something was written already. */
    assert_int_equal(write_now(f, &(struct asked){.changes = {CHANGE(TABLE_SIGNAL, NULL, &b),
                                                              CHANGE(TABLE_SIGNAL, NULL, &a)},
                                                  .count = 2}),
                     ERR_DUPLICATE);
    struct got got = query(f, &(struct store_query){.table = TABLE_SIGNAL});
    assert_string_equal(got.keys, "a ");
    expect_sound(f, 1);
}

static void test_versions_compare_and_set(void **state)
{
    struct fixture *f = *state;
    struct signal a1 = signal_of("a", 10), a2 = a1, a3 = a1;
    a2.state = SIGNAL_WORKING;
    a2.version = 2;
    a3.state = SIGNAL_DONE;
    a3.version = 3;
    struct asked two = {.changes = {CHANGE(TABLE_SIGNAL, &a1, &a2)}, .count = 1};
    struct asked three = {.changes = {CHANGE(TABLE_SIGNAL, &a2, &a3)}, .count = 1};
    assert_int_equal(write_now(f, &two), ERR_CONFLICT); /* no such row */
    assert_int_equal(insert_signal(f, "a", 10), ERR_OK);
    assert_int_equal(write_now(f, &three), ERR_CONFLICT);
    assert_int_equal(write_now(f, &two), ERR_OK);
    assert_int_equal(write_now(f, &two), ERR_CONFLICT);
    assert_int_equal(write_now(f, &three), ERR_OK);
    a2.version = 7; /* does not follow */
    assert_int_equal(write_now(f, &two), ERR_CONFLICT);
    expect_sound(f, 3);
}

static void test_illegal_edges(void **state)
{
    struct fixture *f = *state;
    struct order o1 = order_of("o", ORDER_INTENDED), o2 = o1, o3 = o1;
    o2.state = ORDER_FILLED;
    o2.version = 2;
    o3.state = ORDER_SENDING;
    o3.version = 2;
    struct asked insert = {.changes = {CHANGE(TABLE_ORDER, NULL, &o1)}, .count = 1};
    struct asked leap = {.changes = {CHANGE(TABLE_ORDER, &o1, &o2)}, .count = 1};
    struct asked step = {.changes = {CHANGE(TABLE_ORDER, &o1, &o3)}, .count = 1};
    assert_int_equal(write_now(f, &insert), ERR_OK);
    assert_int_equal(write_now(f, &leap), ERR_CONFLICT);
    assert_int_equal(write_now(f, &step), ERR_OK);
    expect_sound(f, 2);
}

static void test_one_row_several_times_in_one_write(void **state)
{
    struct fixture *f = *state;
    struct order o1 = order_of("o", ORDER_INTENDED), o2 = o1, o3 = o1;
    o2.state = ORDER_SENDING;
    o2.version = 2;
    o3.state = ORDER_SENT;
    o3.version = 3;
    assert_int_equal(write_now(f, ONE(TABLE_ORDER, NULL, &o1)), ERR_OK);
    assert_int_equal(write_now(f, &(struct asked){.changes = {CHANGE(TABLE_ORDER, &o1, &o2),
                                                              CHANGE(TABLE_ORDER, &o2, &o3)},
                                                  .count = 2}),
                     ERR_OK);
    struct order p1 = order_of("p", ORDER_INTENDED), p2 = p1, p3 = p1;
    p2.state = ORDER_SENDING;
    p2.version = 2;
    p3.version = 3;
    assert_int_equal(write_now(f, &(struct asked){.changes = {CHANGE(TABLE_ORDER, NULL, &p1),
                                                              CHANGE(TABLE_ORDER, &p1, &p2)},
                                                  .count = 2}),
                     ERR_OK);
    assert_int_equal(write_now(f, ONE(TABLE_ORDER, &p1, &p3)), ERR_CONFLICT);
    expect_sound(f, 3);
}

static void test_written_once(void **state)
{
    struct fixture *f = *state;
    struct fill a, b;
    row_init(&tables[TABLE_FILL], &a);
    snprintf(a.id, sizeof a.id, "paper|1");
    a.quantity = dec("1");
    b = a;
    b.quantity = dec("2");
    struct asked first = {.changes = {CHANGE(TABLE_FILL, NULL, &a)}, .count = 1};
    struct asked again = {.changes = {CHANGE(TABLE_FILL, NULL, &b)}, .count = 1};
    struct asked other = {.changes = {CHANGE(TABLE_FILL, &a, &b)}, .count = 1};
    assert_int_equal(write_now(f, &first), ERR_OK);
    assert_int_equal(write_now(f, &again), ERR_DUPLICATE);
    assert_int_equal(write_now(f, &other), ERR_CONFLICT);
    expect_sound(f, 1);
}

static void test_answer_numbers_the_last_event(void **state)
{
    struct fixture *f = *state;
    struct signal a = signal_of("a", 1), b = signal_of("b", 2);
    struct got got;
    ask(f, ONE(TABLE_SIGNAL, NULL, &a), &got);
    turn_until(f, &got);
    assert_int_equal(got.number, 1);
    ask(f, ONE(TABLE_SIGNAL, NULL, &b), &got);
    turn_until(f, &got);
    assert_int_equal(got.number, 2);
}

static void test_answers_in_order_and_failures_alone(void **state)
{
    enum { N = 40 };
    struct fixture *f = *state;
    static struct got got[N];
    struct account before = account_of(1, "100");
    assert_int_equal(write_now(f, ONE(TABLE_ACCOUNT, NULL, &before)), ERR_OK);
    answers = 0;
    for (int i = 0; i < N; i++) { /* every fourth is a late duplicate, after its account change */
        char id[8];
        snprintf(id, sizeof id, "s%d", i % 4 == 3 ? 0 : i);
        struct signal s = signal_of(id, 100 + i);
        struct account after = account_of(before.version + 1, "101.5");
        ask(f,
            &(struct asked){
                .changes = {CHANGE(TABLE_ACCOUNT, &before, &after), CHANGE(TABLE_SIGNAL, NULL, &s)},
                .count = 2},
            &got[i]);
        if (i % 4 != 3)
            before = after;
    }
    turn_until(f, &got[N - 1]);
    for (int i = 0; i < N; i++) {
        assert_int_equal(got[i].count, 1);
        assert_int_equal(got[i].order, i);
        assert_int_equal(got[i].err.code, i % 4 == 3 ? ERR_DUPLICATE : ERR_OK);
    }
    expect_sound(f, 1 + N - N / 4);
}

static void test_queries(void **state)
{
    struct fixture *f = *state;
    insert_signal(f, "ab1", 30);
    insert_signal(f, "ab2", 20);
    insert_signal(f, "b", 10);
    struct store_query q = {.table = TABLE_SIGNAL, .order_by = "received_at"};
    assert_string_equal(query(f, &q).keys, "b ab2 ab1 ");
    q.descending = true;
    q.limit = 2;
    assert_string_equal(query(f, &q).keys, "ab1 ab2 ");
    q = (struct store_query){.table = TABLE_SIGNAL, .where_count = 1};
    q.where[0] = (struct store_condition){"id", STORE_PREFIX, "ab"};
    assert_string_equal(query(f, &q).keys, "ab1 ab2 ");
    q.where[0] = (struct store_condition){"id", STORE_IN, "b,ab2,zz"};
    assert_string_equal(query(f, &q).keys, "ab2 b ");
    q.where[0] = (struct store_condition){"price", STORE_EQ, "101.250"};
    assert_int_equal(query(f, &q).rows, 3);
    q.where[0] = (struct store_condition){"stop", STORE_EQ, NULL};
    assert_int_equal(query(f, &q).rows, 3);
    q.where[0] = (struct store_condition){"state", STORE_EQ, "received"};
    assert_int_equal(query(f, &q).rows, 3);
    q.where[0] = (struct store_condition){"received_at", STORE_GT, "1970-01-01T00:00:00.00001Z"};
    assert_string_equal(query(f, &q).keys, "ab1 ab2 ");
    q.where[0] = (struct store_condition){"ended_at", STORE_LT, "2030-01-01T00:00:00Z"};
    assert_int_equal(query(f, &q).rows, 0); /* an absent time is before nothing */
    q.where[0] = (struct store_condition){"price", STORE_LT, "5"};
    assert_int_equal(query(f, &q).err.code, ERR_USAGE);
}

static void test_events_queries(void **state)
{
    struct fixture *f = *state;
    const char *const kinds[] = {"signal.received", "order.sent", "signal.done"};
    for (int i = 0; i < 3; i++) {
        char id[2] = {(char)('a' + i), 0};
        struct signal s = signal_of(id, i + 1);
        assert_int_equal(write_now(f, &(struct asked){.kind = kinds[i],
                                                      .changes = {CHANGE(TABLE_SIGNAL, NULL, &s)},
                                                      .count = 1}),
                         ERR_OK);
    }
    struct got got = events(f, &(struct store_events_query){.kind_prefix = "signal."});
    assert_string_equal(got.keys, "signal.received signal.done ");
    assert_int_equal(got.seqs[1], 3);
    got = events(f, &(struct store_events_query){.descending = true, .limit = 1});
    assert_string_equal(got.keys, "signal.done ");
    got = events(f, &(struct store_events_query){.after_seq = 1, .limit = 1});
    assert_string_equal(got.keys, "order.sent ");
    got = events(f, &(struct store_events_query){.until_us = 1000000});
    assert_int_equal(got.rows, 0);
    got = events(f, &(struct store_events_query){.from_us = 1000000, .until_us = 1000001});
    assert_int_equal(got.rows, 3);
}

static void seen(void *ctx, const char *id)
{
    strncat(ctx, id, 20);
}

static void test_load_book(void **state)
{
    struct fixture *f = *state;
    struct signal a = signal_of("a", 1), b = signal_of("b", 2), c = signal_of("c", 3);
    struct order o = order_of("o", ORDER_FILLED), p = order_of("p", ORDER_UNKNOWN);
    struct account account = account_of(1, "5");
    struct book *book = book_new();
    char ids[64] = "";
    struct err err;
    b.state = SIGNAL_DONE;
    c.state = SIGNAL_WORKING;
    assert_int_equal(write_now(f, &(struct asked){.changes = {CHANGE(TABLE_SIGNAL, NULL, &a),
                                                              CHANGE(TABLE_SIGNAL, NULL, &b),
                                                              CHANGE(TABLE_SIGNAL, NULL, &c),
                                                              CHANGE(TABLE_ORDER, NULL, &o)},
                                                  .count = 4}),
                     ERR_OK);
    assert_int_equal(
        write_now(f, &(struct asked){.changes = {CHANGE(TABLE_ORDER, NULL, &p),
                                                 CHANGE(TABLE_ACCOUNT, NULL, &account)},
                                     .count = 2}),
        ERR_OK);
    assert_true(store_load_book(f->store, book, 2, seen, ids, &err));
    assert_string_equal(ids, "bc");
    assert_int_equal(book_count(book, TABLE_SIGNAL), 2);
    assert_null(book_get(book, TABLE_ORDER, "o"));
    assert_non_null(book_get(book, TABLE_ORDER, "p"));
    const struct signal *loaded = book_get(book, TABLE_SIGNAL, "c");
    assert_true(row_equal(&tables[TABLE_SIGNAL], loaded, &c, NULL));
    assert_non_null(book_get(book, TABLE_ACCOUNT, "main"));
    book_free(book);
}

static void write_again(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct fixture *f = *(struct fixture **)owner;
    static struct got refused;
    struct signal s = signal_of("late", 9);
    (void)handle, (void)value;
    assert_null(err);
    answers++;
    ask(f, ONE(TABLE_SIGNAL, NULL, &s), &refused);
}

static void test_close_answers_all(void **state)
{
    struct fixture *f = *state;
    struct signal a = signal_of("a", 1);
    struct store_event event = {.kind = "k",
                                .subject = "s",
                                .change_count = 1,
                                .changes = {CHANGE(TABLE_SIGNAL, NULL, &a)}};
    answers = 0;
    store_write(f->store, &(struct store_write){.events = &event, .event_count = 1},
                (struct waiter){.answer = write_again, .owner = &f});
    close_body(f);
    assert_int_equal(answers, 2); /* the second was refused: the store was closing */
    open_body(f);
}

static int run_all(char *kind)
{
    const struct CMUnitTest tests[] = {
        TEST(test_insert_then_read),
        TEST(test_duplicate_writes_nothing),
        TEST(test_versions_compare_and_set),
        TEST(test_illegal_edges),
        TEST(test_one_row_several_times_in_one_write),
        TEST(test_written_once),
        TEST(test_answer_numbers_the_last_event),
        TEST(test_answers_in_order_and_failures_alone),
        TEST(test_queries),
        TEST(test_events_queries),
        TEST(test_load_book),
        TEST(test_close_answers_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return run_bodies(run_all);
}
