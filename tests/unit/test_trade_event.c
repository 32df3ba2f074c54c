/* The log: folding random changes gives the book they made, and everything that was tampered with
 * is found. */
#include "trade_market.h"

struct versions {
    int64_t of[TABLE_COUNT][8];
};

/* ---- folding ---- */

static void folding_random_changes_equals_the_book(void **state)
{
    (void)state;
    struct chance chance;
    struct arena arena;
    struct book *direct = book_new(), *folded = book_new();
    struct str body = STR_EMPTY, report = STR_EMPTY;
    static struct versions versions;
    int64_t seq = 0;
    chance_seed(&chance, 31);
    arena_init(&arena, 1 << 16);
    for (int round = 0; round < 4000; round++) {
        struct change changes[4];
        size_t count = 1 + chance_below(&chance, 4);
        str_clear(&body);
        for (size_t i = 0; i < count; i++) {
            char key[16];
            const struct table *table =
                &tables[(chance_below(&chance, 3) * 4 + i) % TABLE_COUNT]; /* all different */
            size_t slot = chance_below(&chance, 8);
            int64_t *version = &versions.of[table->id][slot];
            if (table->version_column < 0)
                snprintf(key, sizeof key, "w%d", round);
            else
                snprintf(key, sizeof key, "k%d", (int)slot);
            void *row = arena_alloc(&arena, table->row_size);
            random_row(&chance, table, row, key, ++*version, &arena);
            changes[i] = (struct change){table, book_get(direct, table->id, key), row};
        }
        event_body(&body, round & 1 ? "{\"who\":\"me\"}" : NULL, changes, count);
        const struct event event = {
            .seq = ++seq, .kind = "test", .subject = "x", .instance = "i", .body = body.data};
        struct err err;
        if (!event_fold(folded, &event, &err))
            fail_msg("%s: %s", err.text, body.data);
        for (size_t i = 0; i < count; i++)
            book_apply_change(direct, &changes[i]);
        arena_reset(&arena);
    }
    if (book_compare(direct, folded, &report, 10))
        fail_msg("%s", str_text(&report));
    assert_true(book_count(folded, TABLE_DECISION) > 100);
    str_free(&body);
    str_free(&report);
    arena_free(&arena);
    book_free(direct);
    book_free(folded);
}

static void the_body_reads_as_documented(void **state)
{
    (void)state;
    struct halt before, after;
    struct str body = STR_EMPTY;
    row_init(&tables[TABLE_HALT], &before);
    text_copy(before.id, sizeof before.id, "all");
    before.version = 1;
    after = before;
    after.level = HALT_FREEZE;
    text_copy(after.why, sizeof after.why, "a \"test\"");
    after.at_us = INT64_C(1753089300000000);
    after.version = 2;
    const struct change changes[] = {{&tables[TABLE_HALT], NULL, &before},
                                     {&tables[TABLE_HALT], &before, &after}};
    event_body(&body, "{\"who\":\"op\"}", changes, 2);
    assert_string_equal(
        str_text(&body),
        "{\"cause\":{\"who\":\"op\"},\"changes\":["
        "{\"t\":\"halts\",\"k\":\"all\",\"set\":{\"level\":\"none\",\"version\":1}},"
        "{\"t\":\"halts\",\"k\":\"all\",\"set\":{\"level\":\"freeze\",\"why\":\"a \\\"test\\\"\","
        "\"at\":\"2025-07-21T09:15:00Z\",\"version\":2}}]}");
    str_free(&body);
}

static void the_hash_is_as_documented(void **state)
{
    (void)state;
    /* Computed apart, by another program. */
    static const uint8_t none[SHA256_SIZE];
    struct sha256 *sha = sha256_new();
    uint8_t first[SHA256_SIZE], second[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1], kind[601], body[800] = "{\"cause\":null,\"changes\":[";
    struct event event = {.seq = 1,
                          .at_us = INT64_C(1784625300000000),
                          .kind = "halt.set",
                          .subject = "all",
                          .instance = "node-1",
                          .term = 7,
                          .body = "{\"cause\":null,\"changes\":[]}"};
    event_hash(sha, none, &event, first);
    hex_print(first, sizeof first, hex);
    assert_string_equal(hex, "93229df7298c1a32f6cd114edb81bbf111b449967c2d55420e21405a89d04803");
    memset(kind, 'k', 600);
    kind[600] = '\0';
    size_t length = strlen(body);
    memset(body + length, ' ', 700);
    memcpy(body + length + 700, "]}", 3);
    event = (struct event){.seq = -2, .kind = kind, .subject = "", .instance = "", .body = body};
    event_hash(sha, first, &event, second);
    hex_print(second, sizeof second, hex);
    assert_string_equal(hex, "2d0ca7fe699956a235f74505894fc73956a1df824e24c97fa201c304814d216b");
    sha256_free(sha);
}

static void refuse_fold(struct book *book, const char *body, const char *says)
{
    const struct event event = {
        .seq = 5, .kind = "test", .subject = "x", .instance = "i", .body = body};
    struct err err;
    assert_false(event_fold(book, &event, &err));
    if (!strstr(err.text, says) || !strstr(err.text, "event 5"))
        fail_msg("\"%s\" does not say \"%s\"", err.text, says);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct book *book = book_new();
    struct fill fill;
    struct halt halt;
    row_init(&tables[TABLE_FILL], &fill);
    row_init(&tables[TABLE_HALT], &halt);
    text_copy(fill.id, sizeof fill.id, "f");
    text_copy(halt.id, sizeof halt.id, "all");
    halt.version = 4;
    book_put(book, TABLE_FILL, &fill);
    book_put(book, TABLE_HALT, &halt);
    refuse_fold(book, "{\"cause\":null,\"changes\":[", "line 1");
    refuse_fold(book, "{\"cause\":null}", "no list");
    refuse_fold(book, "{\"changes\":[7]}", "no known table");
    refuse_fold(book, "{\"changes\":[{\"t\":\"x\",\"k\":\"f\",\"set\":{}}]}", "no known table");
    refuse_fold(book, "{\"changes\":[{\"t\":\"fills\",\"k\":\"f\",\"set\":{\"price\":\"1\"}}]}",
                "written twice");
    refuse_fold(book, "{\"changes\":[{\"t\":\"fills\",\"k\":\"g\",\"set\":{\"id\":\"h\"}}]}",
                "carries the key");
    refuse_fold(book, "{\"changes\":[{\"t\":\"halts\",\"k\":\"all\",\"set\":{\"version\":6}}]}",
                "from version 4 to 6");
    refuse_fold(book, "{\"changes\":[{\"t\":\"halts\",\"k\":\"all\",\"set\":{\"who\":\"x\"}}]}",
                "from version 4 to 4");
    refuse_fold(
        book, "{\"changes\":[{\"t\":\"halts\",\"k\":\"b\",\"set\":{\"id\":\"b\",\"version\":2}}]}",
        "from version 0");
    refuse_fold(
        book,
        "{\"changes\":[{\"t\":\"halts\",\"k\":\"all\",\"set\":{\"level\":\"odd\",\"version\":5}}]}",
        "level");
    book_free(book);
}

/* ---- replaying ---- */

static bool feed_all(struct replay *replay, const struct market *m, struct err *err)
{
    for (size_t i = 0; i < m->count; i++)
        if (!replay_feed(replay, &m->events[i], err))
            return false;
    return true;
}

static void a_random_day_replays(void **state)
{
    (void)state;
    static struct market m;
    for (uint64_t seed = 50; seed < 56; seed++) {
        struct replay replay;
        struct book *book = book_new();
        struct str report = STR_EMPTY;
        struct err err;
        market_open(&m, seed);
        for (int i = 0; i < 500; i++)
            market_step(&m);
        replay_init(&replay, book);
        if (!feed_all(&replay, &m, &err))
            fail_msg("%s", err.text);
        assert_int_equal(replay.seq, m.count);
        assert_int_equal(book_compare(m.book, book, &report, 5), 0);
        assert_int_equal(book_compare(m.stats, replay.stats, &report, 5), 0);
        assert_int_equal(replay_faults(&replay, &report, 5), 0);
        if (replay_audit(book, &report, 5))
            fail_msg("%s", str_text(&report));
        str_free(&report);
        replay_free(&replay);
        book_free(book);
        market_close(&m);
    }
}

static void every_tampering_is_found(void **state)
{
    (void)state;
    static struct market m;
    struct err err;
    market_open(&m, 77);
    for (int i = 0; i < 60; i++)
        market_step(&m);
    for (int what = 0; what < 9; what++) {
        struct replay replay;
        struct book *book = book_new();
        const size_t at = m.count / 2;
        struct event *event = &m.events[at], saved = *event, next = m.events[at + 1];
        char *body = arena_text(&m.arena, event->body);
        switch (what) {
        case 0:
            body[strlen(body) / 2] ^= 1;
            event->body = body;
            break;
        case 1:
            event->at_us++;
            break;
        case 2:
            event->kind = "y";
            break;
        case 3:
            event->subject = "y";
            break;
        case 4:
            event->instance = "y";
            break;
        case 5:
            event->term++;
            break;
        case 6:
            event->hash[31] ^= 1;
            break;
        case 7:
            event->seq++;
            break;
        case 8:
            *event = next;
            event[1] = saved;
            event->seq--;
            event[1].seq++;
            break;
        }
        replay_init(&replay, book);
        assert_false(feed_all(&replay, &m, &err));
        assert_int_equal(err.code, ERR_CORRUPT);
        assert_int_equal(replay.seq, at);
        replay_free(&replay);
        book_free(book);
        m.events[at] = saved;
        m.events[at + 1] = next;
    }
    market_close(&m);
}

static void save_statistics(struct market *m, struct stat saved, int64_t version, int64_t through)
{
    char cause[40];
    saved.version = version;
    snprintf(cause, sizeof cause, "{\"through\":%lld}", (long long)through);
    const struct change change = {&tables[TABLE_STAT], book_get(m->book, TABLE_STAT, saved.id),
                                  &saved};
    market_commit_because(m, "statistics.saved", cause, &change, 1);
}

static void saved_statistics_are_compared(void **state)
{
    (void)state;
    static struct market m;
    struct replay replay;
    struct book *book = book_new();
    struct str report = STR_EMPTY;
    struct err err;
    market_open(&m, 78);
    const struct stat *counted = NULL;
    while (!counted || counted->fills < 5) {
        market_step(&m);
        counted = book_get(m.stats, TABLE_STAT, "S0|I0");
    }
    save_statistics(&m, *counted, 1, (int64_t)m.count);
    while (counted->fills < 7)
        market_step(&m);
    const struct stat behind = *counted;
    const int64_t through = (int64_t)m.count;
    while (counted->fills < 9)
        market_step(&m);
    save_statistics(&m, behind, 2,
                    through); /* writes were in flight beside the save: it says how far it counts */
    replay_init(&replay, book);
    assert_true(feed_all(&replay, &m, &err));
    assert_int_equal(replay_faults(&replay, &report, 5), 0);
    struct stat wrong = *counted;
    wrong.orders++;
    save_statistics(&m, wrong, 3, (int64_t)m.count);
    assert_true(replay_feed(&replay, &m.events[m.count - 1], &err));
    assert_int_equal(replay_faults(&replay, &report, 5), 1);
    assert_non_null(strstr(str_text(&report), "S0|I0: orders saved as"));
    save_statistics(&m, behind, 4, (int64_t)m.count); /* it counts less than it says */
    assert_true(replay_feed(&replay, &m.events[m.count - 1], &err));
    assert_int_equal(replay_faults(&replay, &report, 5), 2);
    str_free(&report);
    replay_free(&replay);
    book_free(book);
    market_close(&m);
}

static void illegal_edges_are_told(void **state)
{
    (void)state;
    static struct market m;
    struct replay replay;
    struct book *book = book_new();
    struct str report = STR_EMPTY;
    struct err err;
    struct order order, next;
    struct signal signal, after;
    market_open(&m, 79);
    row_init(&tables[TABLE_ORDER], &order);
    row_init(&tables[TABLE_SIGNAL], &signal);
    text_copy(order.id, ID_SIZE, "o");
    text_copy(signal.id, ID_SIZE, "s");
    order.version = signal.version = 1;
    order.state = ORDER_FILLED;
    next = order;
    next.state = ORDER_SENDING;
    after = signal;
    signal.state = SIGNAL_DONE;
    after.state = SIGNAL_WORKING;
    next.version = after.version = 2;
    const struct change first[] = {{&tables[TABLE_ORDER], NULL, &order},
                                   {&tables[TABLE_SIGNAL], NULL, &signal}};
    const struct change second[] = {{&tables[TABLE_ORDER], &order, &next},
                                    {&tables[TABLE_SIGNAL], &signal, &after}};
    market_commit(&m, "a", first, 2);
    market_commit(&m, "b", second, 2);
    replay_init(&replay, book);
    assert_true(feed_all(&replay, &m, &err));
    assert_int_equal(replay_faults(&replay, &report, 5), 3);
    assert_non_null(strstr(str_text(&report), "order o begins as filled"));
    assert_non_null(strstr(str_text(&report), "order o goes from filled to sending"));
    assert_non_null(strstr(str_text(&report), "signal s goes from done to working"));
    str_free(&report);
    replay_free(&replay);
    book_free(book);
    market_close(&m);
}

/* ---- auditing ---- */

/* Spoils one decimal column of the first row of a table and expects the audit to tell. */
struct spoil {
    enum table_id table;
    const char *column;
};

static bool take_first(void *ctx, const void *row)
{
    const void **first = ctx;
    *first = row;
    return false;
}

static void every_sum_is_audited(void **state)
{
    (void)state;
    static const struct spoil spoils[] = {
        {TABLE_FILL, "quantity"},     {TABLE_FILL, "fee"},
        {TABLE_ORDER, "filled"},      {TABLE_ORDER, "fees"},
        {TABLE_POSITION, "quantity"}, {TABLE_POSITION, "opened_quantity"},
        {TABLE_POSITION, "realised"}, {TABLE_POSITION, "fees"},
        {TABLE_PYRAMID, "quantity"},  {TABLE_ACCOUNT, "equity"},
        {TABLE_ACCOUNT, "deposits"},  {TABLE_ACCOUNT, "realised"},
        {TABLE_ACCOUNT, "fees"},      {TABLE_LEDGER, "amount"},
        {TABLE_LEDGER, "equity"},
    };
    static struct market m;
    market_open(&m, 80);
    for (int i = 0; i < 300; i++)
        market_step(&m);
    assert_int_equal(replay_audit(m.book, NULL, 0), 0);
    for (size_t i = 0; i < sizeof spoils / sizeof spoils[0]; i++) {
        const struct table *table = &tables[spoils[i].table];
        const struct column *column = column_find(table, spoils[i].column, NULL);
        const void *first = NULL;
        _Alignas(16) char row[2048], kept[2048];
        book_each(m.book, table->id, take_first, &first);
        row_copy(table, row, first, &m.arena);
        row_copy(table, kept, first, &m.arena);
        struct decimal value;
        memcpy(&value, row + column->offset, sizeof value);
        value = decimal_add(decimal_ok(value) ? value : decimal_int(0),
                            decimal_ratio(1, INT64_C(1000000000000)));
        memcpy(row + column->offset, &value, sizeof value);
        book_put(m.book, table->id, row);
        struct str report = STR_EMPTY;
        if (!replay_audit(m.book, &report, 5))
            fail_msg("%s.%s", table->name, column->name);
        assert_true(report.length > 0);
        str_free(&report);
        book_put(m.book, table->id, kept);
    }
    assert_int_equal(replay_audit(m.book, NULL, 0), 0);
    market_close(&m);
}

static void missing_rows_are_audited(void **state)
{
    (void)state;
    static const enum table_id lost[] = {TABLE_FILL, TABLE_ORDER, TABLE_SIGNAL, TABLE_LEDGER,
                                         TABLE_POSITION};
    static struct market m;
    for (size_t i = 0; i < sizeof lost / sizeof lost[0]; i++) {
        const void *first = NULL;
        market_open(&m, 81);
        while (book_count(m.book, TABLE_FILL) < 30)
            market_step(&m);
        book_each(m.book, lost[i], take_first, &first);
        char key[KEY_SIZE];
        text_copy(key, sizeof key, row_key(&tables[lost[i]], first));
        book_remove(m.book, lost[i], key);
        if (!replay_audit(m.book, NULL, 0))
            fail_msg("a row of %s is not missed", tables[lost[i]].name);
        market_close(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folding_random_changes_equals_the_book),
        cmocka_unit_test(the_body_reads_as_documented),
        cmocka_unit_test(the_hash_is_as_documented),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_random_day_replays),
        cmocka_unit_test(every_tampering_is_found),
        cmocka_unit_test(saved_statistics_are_compared),
        cmocka_unit_test(illegal_edges_are_told),
        cmocka_unit_test(every_sum_is_audited),
        cmocka_unit_test(missing_rows_are_audited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
