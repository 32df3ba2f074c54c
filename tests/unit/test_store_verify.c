/* A flipped value anywhere is found; the state of a past moment is what it was; and kill -9 at any
 * moment leaves a database that is sound and holds everything that was answered. */
#include "base/clock.h"
#include "io/loop.h"
#include "io/sqlite.h"
#include "store/store_bodies.h"
#include "trade/stat.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], path[96];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/test_store_XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/t.db", folder);
    return 0;
}

static int tear_down(void **state)
{
    const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
    return rmdir(folder);
}

static struct store *open_store(struct loop **loop, bool read_only)
{
    struct err err;
    *loop = read_only ? NULL : loop_new(clock_real(), NULL, &err);
    struct store *store = store_sqlite_open(&(struct store_sqlite_options){.path = path,
                                                                           .instance = "one",
                                                                           .migrate = !read_only,
                                                                           .read_only = read_only,
                                                                           .loop = *loop},
                                            &err);
    if (!store)
        fail_msg("%s", err.text);
    return store;
}

static void close_store(struct store *store, struct loop *loop)
{
    store_close(store);
    while (loop && loop_turn(loop, 0))
        ;
    loop_free(loop);
}

static void answered(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)handle;
    (void)value;
    if (err)
        fail_msg("%s", err->text);
    ++*(int *)owner;
}

/* ---- a small sound story ---- */

static struct decimal dec(const char *text)
{
    struct decimal d;
    assert_true(decimal_parse(text, strlen(text), &d, NULL));
    return d;
}

#define NAME(field, text) text_copy(field, sizeof(field), text)
#define CHANGE(id, before_row, after_row)                                                          \
    ((struct change){.table = &tables[id], .before = (before_row), .after = (after_row)})

struct teller {
    struct store *store;
    struct loop *loop;
    struct book *stats;
    int64_t at_us;
    int told;
};

static void tell(struct teller *t, const char *kind, const struct change *changes, size_t count)
{
    struct store_event event = {
        .kind = kind, .subject = "story", .at_us = ++t->at_us, .change_count = count};
    for (size_t i = 0; i < count; i++) {
        event.changes[i] = changes[i];
        stat_count(t->stats, &changes[i]);
    }
    int before = t->told;
    store_write(t->store, &(struct store_write){.events = &event, .event_count = 1},
                (struct waiter){.answer = answered, .owner = &t->told});
    while (t->told == before)
        loop_turn(t->loop, 100);
}

static void tell_entry(struct teller *t)
{
    struct signal s0, s1;
    struct decision d;
    struct order o;
    row_init(&tables[TABLE_SIGNAL], &s0);
    row_init(&tables[TABLE_DECISION], &d);
    row_init(&tables[TABLE_ORDER], &o);
    NAME(s0.id, "sig");
    NAME(s0.fingerprint, "fp");
    NAME(s0.source, "chart");
    NAME(s0.strategy, "trend");
    NAME(s0.instrument, "NIFTY");
    NAME(s0.position, "Long_1");
    s0.price = dec("100.5");
    s0.extra = "{\"er\":\"0.5\"}";
    s0.at_us = s0.received_us = 1700000000000000;
    s0.version = 1;
    s1 = s0;
    s1.state = SIGNAL_WORKING;
    s1.version = 2;
    NAME(d.signal_id, "sig");
    NAME(d.strategy, "trend");
    NAME(d.instrument, "NIFTY");
    d.quantity = dec("2");
    d.at_us = s0.at_us;
    NAME(o.id, "ord");
    NAME(o.signal_id, "sig");
    NAME(o.strategy, "trend");
    NAME(o.instrument, "NIFTY");
    NAME(o.position_id, "pos");
    o.quantity = dec("2");
    o.version = 1;
    tell(t, "signal.received", &CHANGE(TABLE_SIGNAL, NULL, &s0), 1);
    tell(t, "signal.decided",
         (struct change[]){CHANGE(TABLE_SIGNAL, &s0, &s1), CHANGE(TABLE_DECISION, NULL, &d),
                           CHANGE(TABLE_ORDER, NULL, &o)},
         3);
}

static void tell_fill(struct teller *t)
{
    struct order o, p, q;
    struct fill f;
    struct position pos;
    struct pyramid pyr;
    struct account a, b;
    struct ledger l;
    row_init(&tables[TABLE_ORDER], &o);
    NAME(o.id, "ord");
    NAME(o.signal_id, "sig");
    NAME(o.strategy, "trend");
    NAME(o.instrument, "NIFTY");
    NAME(o.position_id, "pos");
    o.quantity = dec("2");
    o.version = 1;
    p = o;
    p.state = ORDER_SENDING;
    p.version = 2;
    q = p;
    q.state = ORDER_FILLED;
    q.filled = dec("2");
    q.fees = dec("1.5");
    q.version = 3;
    row_init(&tables[TABLE_FILL], &f);
    NAME(f.id, "paper|1");
    NAME(f.order_id, "ord");
    NAME(f.strategy, "trend");
    NAME(f.instrument, "NIFTY");
    f.quantity = dec("2");
    f.price = dec("100.5");
    f.fee = dec("1.5");
    row_init(&tables[TABLE_POSITION], &pos);
    NAME(pos.id, "pos");
    NAME(pos.strategy, "trend");
    NAME(pos.instrument, "NIFTY");
    pos.is_base_position = true;
    pos.quantity = pos.opened_quantity = dec("2");
    pos.fees = dec("1.5");
    pos.version = 1;
    row_init(&tables[TABLE_PYRAMID], &pyr);
    NAME(pyr.id, "trend|NIFTY");
    NAME(pyr.base_position_id, "pos");
    pyr.layers = 1;
    pyr.quantity = dec("2");
    pyr.version = 1;
    row_init(&tables[TABLE_ACCOUNT], &a);
    NAME(a.id, "main");
    a.version = 1;
    b = a;
    b.fees = dec("1.5");
    b.equity = dec("-1.5");
    b.entries = 1;
    b.version = 2;
    row_init(&tables[TABLE_LEDGER], &l);
    NAME(l.id, "main|000000000001");
    l.kind = LEDGER_FEE;
    l.amount = l.equity = dec("-1.5");
    tell(t, "account.opened", &CHANGE(TABLE_ACCOUNT, NULL, &a), 1);
    tell(t, "order.sending", &CHANGE(TABLE_ORDER, &o, &p), 1);
    tell(t, "order.filled",
         (struct change[]){CHANGE(TABLE_FILL, NULL, &f), CHANGE(TABLE_ORDER, &p, &q),
                           CHANGE(TABLE_POSITION, NULL, &pos), CHANGE(TABLE_PYRAMID, NULL, &pyr),
                           CHANGE(TABLE_ACCOUNT, &a, &b), CHANGE(TABLE_LEDGER, NULL, &l)},
         6);
}

static void tell_first_member(struct teller *t)
{
    struct member m;
    row_init(&tables[TABLE_MEMBER], &m);
    NAME(m.id, "1");
    NAME(m.name, "one");
    m.term = 1;
    m.version = 1;
    tell(t, "member.joined", &CHANGE(TABLE_MEMBER, NULL, &m), 1);
}

static void tell_members(struct teller *t)
{
    struct member m;
    struct lease_row l;
    struct failover f;
    row_init(&tables[TABLE_MEMBER], &m);
    NAME(m.id, "2");
    NAME(m.name, "two");
    m.term = 2;
    m.version = 1;
    row_init(&tables[TABLE_LEASE], &l);
    NAME(l.id, "leader");
    NAME(l.holder, "two");
    l.term = 2;
    l.version = 1;
    row_init(&tables[TABLE_FAILOVER], &f);
    NAME(f.id, "2");
    NAME(f.lost, "one");
    f.target_met = true;
    tell(t, "member.joined", &CHANGE(TABLE_MEMBER, NULL, &m), 1);
    tell(t, "lease.taken", &CHANGE(TABLE_LEASE, NULL, &l), 1);
    tell(t, "failover", &CHANGE(TABLE_FAILOVER, NULL, &f), 1);
}

static void tell_rest(struct teller *t)
{
    struct halt h;
    struct policy_version v;
    struct strategy_state s;
    struct stat saved = *(const struct stat *)book_get(t->stats, TABLE_STAT, "trend|NIFTY");
    row_init(&tables[TABLE_HALT], &h);
    NAME(h.id, "all");
    NAME(h.why, "test");
    h.version = 1;
    row_init(&tables[TABLE_POLICY], &v);
    NAME(v.id, "trend|abc");
    v.row_version = 1;
    row_init(&tables[TABLE_STATE], &s);
    NAME(s.id, "trend|NIFTY");
    s.state = "{}";
    s.version = 1;
    saved.version = 1;
    tell_members(t);
    tell(t, "halt.set", &CHANGE(TABLE_HALT, NULL, &h), 1);
    tell(t, "policy.swapped", &CHANGE(TABLE_POLICY, NULL, &v), 1);
    tell(t, "state.saved", &CHANGE(TABLE_STATE, NULL, &s), 1);
    tell(t, "statistics.saved", &CHANGE(TABLE_STAT, NULL, &saved), 1);
}

static void tell_story(void)
{
    struct teller t = {.stats = book_new(), .at_us = 999};
    t.store = open_store(&t.loop, false);
    tell_first_member(&t);
    tell_entry(&t);
    tell_fill(&t);
    tell_rest(&t);
    close_store(t.store, t.loop);
    book_free(t.stats);
}

/* ---- verification ---- */

static size_t faults(struct str *report)
{
    struct loop *loop;
    struct verify_result result;
    struct err err;
    struct store *store = open_store(&loop, true);
    if (!store_verify(store, &result, report, &err))
        fail_msg("%s", err.text);
    close_store(store, loop);
    return result.faults;
}

static void expect_sound(void)
{
    struct str report = STR_EMPTY;
    if (faults(&report))
        fail_msg("%s", str_text(&report));
    str_free(&report);
}

static void tamper(const char *sql)
{
    struct err err;
    struct sqlite *db = sqlite_open(path, SQLITE_MODE_WRITE, &err);
    if (!db || !sqlite_exec(db, sql, &err))
        fail_msg("%s: %s", sql, err.text);
    assert_true(sqlite_close(db, &err));
}

static void save_copy(const char *to)
{
    struct err err;
    struct sqlite *db = sqlite_open(path, SQLITE_MODE_WRITE, &err);
    assert_non_null(db);
    unlink(to);
    assert_true(sqlite_backup(db, to, &err));
    assert_true(sqlite_close(db, &err));
}

/* Changes one cell as a flipped bit would: another digit, another letter, something out of nothing.
 */
static void flip(const char *table, const char *column, const char *where)
{
    char sql[700];
    snprintf(sql, sizeof sql,
             "PRAGMA ignore_check_constraints=ON; UPDATE %s SET %s = CASE typeof(%s) "
             "WHEN 'integer' THEN %s + 1024 "
             "WHEN 'null' THEN '1' "
             "WHEN 'blob' THEN CAST(x'00' || substr(%s, 2) AS BLOB) "
             "ELSE CASE WHEN %s = '' THEN 'x' "
             "WHEN unicode(substr(%s, -1)) %% 2 THEN substr(%s, 1, length(%s) - 1) || "
             "char(unicode(substr(%s, -1)) - 1) "
             "ELSE substr(%s, 1, length(%s) - 1) || char(unicode(substr(%s, -1)) + 1) END END %s",
             table, column, column, column, column, column, column, column, column, column, column,
             column, column, where);
    tamper(sql);
}

static void restore(const char *table)
{
    char sql[400];
    snprintf(sql, sizeof sql,
             "ATTACH '%s.copy' AS copy; DELETE FROM main.%s; INSERT INTO main.%s SELECT * FROM "
             "copy.%s; DETACH copy",
             path, table, table, table);
    tamper(sql);
}

static void drop_triggers(void)
{
    tamper("DROP TRIGGER events_no_update; DROP TRIGGER events_no_delete;"
           "DROP TRIGGER decisions_no_update; DROP TRIGGER decisions_no_delete;"
           "DROP TRIGGER fills_no_update; DROP TRIGGER fills_no_delete;"
           "DROP TRIGGER ledger_no_update; DROP TRIGGER ledger_no_delete;"
           "DROP TRIGGER signals_edge; DROP TRIGGER orders_edge");
}

static void expect_found(const char *table, const char *column, const char *where)
{
    struct str report = STR_EMPTY;
    flip(table, column, where);
    if (faults(&report) == 0)
        fail_msg("%s.%s %s was changed and nobody noticed", table, column, where);
    assert_true(report.length > 0);
    str_free(&report);
    restore(table);
}

static void test_every_flipped_cell_is_found(void **state)
{
    static const char *const event_columns[] = {"seq",      "at",   "kind", "subject",
                                                "instance", "term", "body", "hash"};
    char copy[128];
    (void)state;
    tell_story();
    expect_sound();
    drop_triggers();
    snprintf(copy, sizeof copy, "%s.copy", path);
    save_copy(copy);
    for (int t = 0; t < TABLE_COUNT; t++)
        for (size_t c = 0; c < tables[t].column_count; c++)
            expect_found(tables[t].name, tables[t].columns[c].name, "");
    for (size_t c = 0; c < sizeof event_columns / sizeof event_columns[0]; c++) {
        expect_found("events", event_columns[c], "WHERE seq = 3");
        expect_found("events", event_columns[c], "WHERE seq = (SELECT max(seq) FROM events)");
    }
    expect_found("meta", "value", "WHERE key = 'term'");
    expect_sound();
    unlink(copy);
    for (int i = 0; i < 2; i++) { /* WAL files of the copy, if any */
        snprintf(copy, sizeof copy, "%s.copy%s", path, i ? "-wal" : "-shm");
        unlink(copy);
    }
}

static void test_missing_and_added_rows_are_found(void **state)
{
    struct str report = STR_EMPTY;
    (void)state;
    tell_story();
    drop_triggers();
    tamper("DELETE FROM fills");
    assert_int_not_equal(faults(&report), 0);
    str_free(&report);
    assert_true(unlink(path) == 0);
    tell_story();
    drop_triggers();
    tamper("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)");
    assert_int_not_equal(faults(&report), 0);
    str_free(&report);
}

static void test_log_cannot_be_changed(void **state)
{
    static const char *const tries[] = {
        "UPDATE events SET kind = 'x'", "DELETE FROM events",
        "UPDATE fills SET fee = '0'",   "DELETE FROM fills",
        "DELETE FROM decisions",        "UPDATE decisions SET gate = 'x'",
        "UPDATE ledger SET amount = 1", "DELETE FROM ledger"};
    struct err err;
    (void)state;
    tell_story();
    struct sqlite *db = sqlite_open(path, SQLITE_MODE_WRITE, &err);
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++)
        assert_false(sqlite_exec(db, tries[i], &err));
    assert_true(sqlite_close(db, &err));
    expect_sound();
}

static void test_state_at(void **state)
{
    struct loop *loop;
    struct err err;
    struct book *book = book_new();
    (void)state;
    tell_story(); /* received at 1001, decided at 1002, account at 1003, sending at 1004 */
    struct store *store = open_store(&loop, true);
    assert_true(store_state_at(store, 999, book, &err));
    assert_int_equal(book_count(book, TABLE_SIGNAL), 0);
    assert_true(store_state_at(store, 1001, book, &err));
    const struct signal *signal = book_get(book, TABLE_SIGNAL, "sig");
    assert_int_equal(signal->state, SIGNAL_RECEIVED);
    book_free(book);
    book = book_new();
    assert_true(store_state_at(store, 1004, book, &err));
    const struct order *order = book_get(book, TABLE_ORDER, "ord");
    assert_int_equal(order->state, ORDER_SENDING);
    book_free(book);
    close_store(store, loop);
}

/* ---- kill -9 ---- */

struct writer {
    struct store *store;
    int pipe, next;
    struct arena asked;
};

static void ask_next(struct writer *w);

static void tell_parent(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct writer *w = owner;
    int number = (int)handle;
    (void)value;
    if (err || write(w->pipe, &number, sizeof number) != sizeof number)
        _exit(1);
    ask_next(w);
}

/* Signal n and, in the same write, the account at version n. */
static void ask_next(struct writer *w)
{
    int n = ++w->next;
    struct signal s;
    struct account before, after;
    struct store_event event = {.kind = "test", .subject = "s", .at_us = n, .change_count = 2};
    row_init(&tables[TABLE_SIGNAL], &s);
    snprintf(s.id, sizeof s.id, "s%d", n);
    snprintf(s.fingerprint, sizeof s.fingerprint, "f%d", n);
    s.version = 1;
    row_init(&tables[TABLE_ACCOUNT], &before);
    NAME(before.id, "main");
    after = before;
    before.version = n - 1;
    after.version = n;
    event.changes[0] = CHANGE(TABLE_ACCOUNT, n > 1 ? &before : NULL, &after);
    event.changes[1] = CHANGE(TABLE_SIGNAL, NULL, &s);
    struct store_write write = {.events = &event, .event_count = 1};
    write = store_write_copy(&w->asked, &write); /* killed before it matters */
    store_write(w->store, &write,
                (struct waiter){.answer = tell_parent, .owner = w, .handle = (uint64_t)n});
}

static void write_until_killed(int pipe, int from)
{
    struct loop *loop;
    struct writer w = {.pipe = pipe, .next = from};
    w.store = open_store(&loop, false);
    for (int i = 0; i < 8; i++)
        ask_next(&w);
    loop_run(loop);
    _exit(1);
}

static int highest_account(void)
{
    struct loop *loop;
    struct err err;
    struct book *book = book_new();
    struct store *store = open_store(&loop, true);
    assert_true(store_load_tables(store, book, &err));
    const struct account *account = book_get(book, TABLE_ACCOUNT, "main");
    int version = account ? (int)account->version : 0;
    assert_int_equal(book_count(book, TABLE_SIGNAL), version); /* both or none */
    close_store(store, loop);
    book_free(book);
    return version;
}

static void test_kill_loses_nothing_answered(void **state)
{
    int standing = 0;
    (void)state;
    for (int round = 0; round < 25; round++) {
        int ends[2], number, last = standing;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            write_until_killed(ends[1], standing);
        close(ends[1]);
        poll(NULL, 0, 20 + (round * 7919) % 97);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(ends[0], &number, sizeof number) == sizeof number)
            last = number;
        close(ends[0]);
        struct loop *loop;
        struct store *store = open_store(&loop, false); /* the next start */
        close_store(store, loop);
        standing = highest_account();
        assert_true(standing >= last);
    }
    assert_true(standing > 25);
    expect_sound();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_flipped_cell_is_found), TEST(test_missing_and_added_rows_are_found),
        TEST(test_log_cannot_be_changed),       TEST(test_state_at),
        TEST(test_kill_loses_nothing_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
