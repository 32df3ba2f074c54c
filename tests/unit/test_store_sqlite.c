/* What is particular to the SQLite body: its schema against the description of rows, what it
 * refuses to open and with which sentence, a full disk, migrations up and down. */
#include "base/clock.h"
#include "base/embed.h"
#include "io/loop.h"
#include "io/sqlite.h"
#include "store/rows.h"
#include "store/store_bodies.h"
#include "trade/order.h"
#include "trade/signal.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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

static struct store *try_open(struct loop **loop, bool migrate, struct err *err)
{
    *loop = loop_new(clock_real(), NULL, err);
    struct store *store = store_sqlite_open(
        &(struct store_sqlite_options){
            .path = path, .instance = "one", .migrate = migrate, .loop = *loop},
        err);
    if (!store) {
        loop_turn(*loop, 0);
        loop_free(*loop);
    }
    return store;
}

static void close_store(struct store *store, struct loop *loop)
{
    store_close(store);
    while (loop_turn(loop, 0))
        ;
    loop_free(loop);
}

static void expect_refused(bool migrate, enum err_code code, const char *say)
{
    struct loop *loop;
    struct err err;
    assert_null(try_open(&loop, migrate, &err));
    assert_int_equal(err.code, code);
    if (!strstr(err.text, say) || !strstr(err.text, path))
        fail_msg("\"%s\" does not name %s and \"%s\"", err.text, path, say);
}

static void run_sql(const char *sql)
{
    struct err err;
    struct sqlite *db = sqlite_open(path, SQLITE_MODE_WRITE, &err);
    if (!db || !sqlite_exec(db, sql, &err))
        fail_msg("%s", err.text);
    assert_true(sqlite_close(db, &err));
}

static void make_database(void)
{
    struct err err;
    struct str report = STR_EMPTY;
    if (!migrate_sqlite(path, -1, &report, &err))
        fail_msg("%s", err.text);
    str_free(&report);
}

/* ---- the schema ---- */

static void test_columns_are_those_of_the_rows(void **state)
{
    struct err err;
    bool row;
    (void)state;
    make_database();
    struct sqlite *db = sqlite_open(path, SQLITE_MODE_READ, &err);
    for (int t = 0; t < TABLE_COUNT; t++) {
        char sql[100];
        size_t at = 0;
        snprintf(sql, sizeof sql, "SELECT name, type, \"notnull\", pk FROM pragma_table_info('%s')",
                 tables[t].name);
        struct sqlite_statement *st = sqlite_prepare(db, sql, &err);
        while (sqlite_step(st, &row, &err) && row) {
            const struct column *column = &tables[t].columns[at];
            bool whole = column->type == COLUMN_INT || column->type == COLUMN_TIME ||
                         column->type == COLUMN_BOOL;
            bool may_lack = column->type == COLUMN_LONG || column->type == COLUMN_DECIMAL;
            assert_true(at < tables[t].column_count);
            assert_string_equal(sqlite_text(st, 0), column->name);
            assert_string_equal(sqlite_text(st, 1), whole ? "INTEGER" : "TEXT");
            assert_int_equal(sqlite_int(st, 2), !may_lack);
            assert_int_equal(sqlite_int(st, 3), at == 0);
            at++;
        }
        assert_int_equal(at, tables[t].column_count);
    }
    assert_true(sqlite_close(db, &err));
}

/* A row of nothing but the names and numbers its columns must have. */
static void insert_bare(struct sqlite *db, const struct table *table, const struct column *odd,
                        const char *value, bool legal)
{
    struct str sql = STR_EMPTY;
    struct err err = {0};
    str_printf(&sql, "INSERT INTO %s VALUES(", table->name);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        str_puts(&sql, i ? "," : "");
        if (column == odd)
            str_printf(&sql, "'%s'", value);
        else if (column->type == COLUMN_ENUM)
            str_printf(&sql, "'%s'", column->names[0]);
        else if (column->type == COLUMN_TEXT)
            str_puts(&sql, "'x'");
        else
            str_puts(&sql,
                     column->type == COLUMN_LONG || column->type == COLUMN_DECIMAL ? "NULL" : "0");
    }
    str_puts(&sql, ")");
    assert_true(sqlite_begin(db, &err));
    bool ok = sqlite_exec(db, str_text(&sql), &err);
    if (ok != legal)
        fail_msg("%s: %s", str_text(&sql), ok ? "was taken" : err.text);
    sqlite_rollback(db);
    str_free(&sql);
}

static void test_states_are_held_to_their_names(void **state)
{
    struct err err;
    (void)state;
    make_database();
    struct sqlite *db = sqlite_open(path, SQLITE_MODE_WRITE, &err);
    for (int t = 0; t < TABLE_COUNT; t++)
        for (size_t c = 0; c < tables[t].column_count; c++) {
            const struct column *column = &tables[t].columns[c];
            if (column->type == COLUMN_BOOL)
                insert_bare(db, &tables[t], column, "2", false);
            for (int i = 0; column->type == COLUMN_ENUM && column->names[i]; i++)
                insert_bare(db, &tables[t], column, column->names[i], true);
            if (column->type == COLUMN_ENUM)
                insert_bare(db, &tables[t], column, "nonsense", false);
        }
    assert_true(sqlite_close(db, &err));
}

static void check_edges(struct sqlite *db, const struct table *table, const char *const *names,
                        bool (*legal)(int from, int to))
{
    char sql[200];
    struct err err;
    for (int from = 0; names[from]; from++)
        for (int to = 0; names[to]; to++) {
            const struct column *state = column_find(table, "state", NULL);
            struct str insert = STR_EMPTY;
            insert_bare(db, table, state, names[from], true);
            assert_true(sqlite_begin(db, &err));
            str_printf(&insert, "INSERT INTO %s VALUES(", table->name);
            for (size_t i = 0; i < table->column_count; i++) {
                const struct column *c = &table->columns[i];
                str_puts(&insert, i ? "," : "");
                if (c->type == COLUMN_ENUM)
                    str_printf(&insert, "'%s'", c == state ? names[from] : c->names[0]);
                else
                    str_puts(&insert, c->type == COLUMN_TEXT                                ? "'x'"
                                      : c->type == COLUMN_LONG || c->type == COLUMN_DECIMAL ? "NULL"
                                                                                            : "0");
            }
            str_puts(&insert, ")");
            assert_true(sqlite_exec(db, str_text(&insert), &err));
            snprintf(sql, sizeof sql, "UPDATE %s SET state='%s'", table->name, names[to]);
            bool taken = sqlite_exec(db, sql, &err);
            if (from != to && taken != legal(from, to))
                fail_msg("%s: %s to %s was %s", table->name, names[from], names[to],
                         taken ? "taken" : "refused");
            sqlite_rollback(db);
            str_free(&insert);
        }
}

static bool signal_edge(int from, int to)
{
    return signal_may_become((enum signal_state)from, (enum signal_state)to);
}

static bool order_edge(int from, int to)
{
    return order_may_become((enum order_state)from, (enum order_state)to);
}

static void test_triggers_know_the_legal_edges(void **state)
{
    struct err err;
    (void)state;
    make_database();
    struct sqlite *db = sqlite_open(path, SQLITE_MODE_WRITE, &err);
    check_edges(db, &tables[TABLE_SIGNAL], signal_state_names, signal_edge);
    check_edges(db, &tables[TABLE_ORDER], order_state_names, order_edge);
    assert_true(sqlite_close(db, &err));
}

static void expect_index(struct sqlite *db, const char *sql, const char *index)
{
    char explain[1500];
    bool row;
    struct err err;
    snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sql);
    struct sqlite_statement *st = sqlite_prepare(db, explain, &err);
    assert_true(sqlite_step(st, &row, &err) && row);
    if (!strstr(sqlite_text(st, 3), index))
        fail_msg("%s: %s", sql, sqlite_text(st, 3));
    sqlite_reset(st);
}

/* With the conditions as the store puts them. */
static void expect_live(struct sqlite *db, enum table_id table, const char *column,
                        enum store_op op, const char *states, const char *index)
{
    const struct store_query query = {
        .table = table, .where = {{column, op, states}}, .where_count = 1};
    struct filter filter;
    struct arena arena;
    struct str sql = STR_EMPTY;
    struct err err;
    arena_init(&arena, 0);
    assert_true(filter_read(&filter, &query, &arena, &err));
    rows_select_sql(&filter, true, &sql);
    expect_index(db, str_text(&sql), index);
    str_free(&sql);
    arena_free(&arena);
}

static void test_documented_queries_use_indexes(void **state)
{
    struct err err;
    (void)state;
    make_database();
    struct sqlite *db = sqlite_open(path, SQLITE_MODE_READ, &err);
    expect_index(db, "SELECT * FROM signals ORDER BY received_at DESC, id DESC LIMIT 9",
                 "signals_by_received");
    expect_live(db, TABLE_SIGNAL, "state", STORE_IN, "received,working,dead", "signals_live");
    expect_live(db, TABLE_SIGNAL, "state", STORE_EQ, "dead", "signals_live");
    expect_live(db, TABLE_ORDER, "state", STORE_IN, "sent,unknown", "orders_live");
    expect_live(db, TABLE_POSITION, "status", STORE_IN, "open,closing,partial", "positions_live");
    expect_index(db, "SELECT * FROM decisions ORDER BY at DESC, signal_id DESC LIMIT 9",
                 "decisions_by_at");
    expect_index(db, "SELECT * FROM orders WHERE signal_id IS 'x'", "orders_by_signal");
    expect_index(db, "SELECT * FROM fills WHERE order_id IS 'x'", "fills_by_order");
    expect_index(db, "SELECT * FROM positions WHERE instrument IS 'x' ORDER BY opened_at",
                 "positions_by_opened");
    expect_index(
        db, "SELECT * FROM positions WHERE rollover IS 'pending' AND expiry<'2026' AND expiry>''",
        "positions_by_expiry");
    expect_index(db, "SELECT * FROM events WHERE seq/1024=7 AND subject='x'", "events_by_subject");
    assert_true(sqlite_close(db, &err));
}

/* ---- what is refused ---- */

static void test_second_process_is_refused(void **state)
{
    struct loop *loop;
    struct err err;
    char pid[24];
    (void)state;
    struct store *store = try_open(&loop, true, &err);
    assert_non_null(store);
    pid_t child = fork();
    if (child == 0) {
        struct loop *other;
        struct store *second = try_open(&other, true, &err);
        snprintf(pid, sizeof pid, "%d", (int)getppid());
        _exit(!second && err.code == ERR_BUSY && strstr(err.text, pid) && strstr(err.text, path)
                  ? 0
                  : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    struct str report = STR_EMPTY;
    assert_false(migrate_sqlite(path, 0, &report, &err)); /* nor may anybody migrate it */
    assert_int_equal(err.code, ERR_BUSY);
    str_free(&report);
    close_store(store, loop);
}

static void test_foreign_files_are_refused(void **state)
{
    (void)state;
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 500; i++)
        fputs("this is not a database\n", file);
    fclose(file);
    expect_refused(true, ERR_CORRUPT, "no SQLite database");
    unlink(path);
    run_sql("CREATE TABLE other(x)");
    expect_refused(true, ERR_SCHEMA, "another program");
}

static void test_schemas_that_do_not_fit(void **state)
{
    (void)state;
    expect_refused(false, ERR_SCHEMA, "tidelock migrate up");
    make_database();
    run_sql("UPDATE schema_migrations SET sha256='00' WHERE version=1");
    expect_refused(true, ERR_SCHEMA, "0001_first");
    run_sql("UPDATE schema_migrations SET sha256='x', version=99 WHERE version=1");
    expect_refused(true, ERR_SCHEMA, "newer tidelock");
}

static void test_folders_that_cannot_be_used(void **state)
{
    (void)state;
    char good[96];
    snprintf(good, sizeof good, "%s", path);
    snprintf(path, sizeof path, "%s/absent/t.db", folder);
    expect_refused(true, ERR_NOT_FOUND, "absent");
    snprintf(path, sizeof path, "%s", good);
    snprintf(path, sizeof path, "/sys/t.db"); /* where not even root may make a file */
    expect_refused(true, ERR_IO, "t.db");
    snprintf(path, sizeof path, "%s", good);
}

/* ---- a disk that fills up ---- */

struct got {
    int count;
    struct err err;
};

static void answered(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct got *got = owner;
    (void)handle;
    (void)value;
    got->count++;
    if (err)
        got->err = *err;
    else
        err_clear(&got->err);
}

static struct got write_signal(struct store *store, struct loop *loop, int number, char *extra)
{
    struct signal s;
    struct got got = {0};
    row_init(&tables[TABLE_SIGNAL], &s);
    snprintf(s.id, sizeof s.id, "s%d", number);
    snprintf(s.fingerprint, sizeof s.fingerprint, "f%d", number);
    s.extra = extra;
    s.version = 1;
    struct store_event event = {.kind = "k", .subject = "s", .change_count = 1};
    event.changes[0] = (struct change){&tables[TABLE_SIGNAL], NULL, &s};
    store_write(store, &(struct store_write){.events = &event, .event_count = 1},
                (struct waiter){.answer = answered, .owner = &got});
    while (!got.count)
        loop_turn(loop, 100);
    return got;
}

static void test_full_disk_passes_again(void **state)
{
    static char big[100001];
    struct loop *loop;
    struct err err;
    struct rlimit before, small;
    struct store_status status;
    (void)state;
    memset(big, 'x', sizeof big - 1);
    struct store *store = try_open(&loop, true, &err);
    assert_int_equal(write_signal(store, loop, 1, NULL).err.code, ERR_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 600000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct got got = {0};
    int stored = 1;
    while (stored < 20 && (got = write_signal(store, loop, stored + 1, big)).err.code == ERR_OK)
        stored++;
    assert_int_equal(got.err.class, ERR_LATER);
    assert_true(got.err.code == ERR_FULL || got.err.code == ERR_IO);
    assert_non_null(strstr(got.err.text, path));
    store_status(store, &status);
    assert_false(status.ok);
    assert_int_equal(write_signal(store, loop, stored + 1, big).err.class, ERR_LATER);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(write_signal(store, loop, stored + 1, big).err.code, ERR_OK);
    assert_int_equal(write_signal(store, loop, stored + 1, NULL).err.code, ERR_DUPLICATE);
    store_status(store, &status);
    assert_true(status.ok);
    struct verify_result result;
    struct str report = STR_EMPTY;
    assert_true(store_verify(store, &result, &report, &err));
    assert_string_equal(str_text(&report), "");
    assert_int_equal(result.events, stored + 1);
    str_free(&report);
    close_store(store, loop);
}

/* ---- migrations ---- */

static void test_up_and_down(void **state)
{
    struct err err;
    struct str report = STR_EMPTY;
    int64_t count;
    (void)state;
    assert_true(migrate_sqlite(path, -1, &report, &err));
    assert_non_null(strstr(str_text(&report), "0001_first: applied"));
    str_clear(&report);
    assert_true(migrate_sqlite(path, -1, &report, &err));
    assert_non_null(strstr(str_text(&report), "nothing to do"));
    str_clear(&report);
    assert_true(migrate_sqlite_status(path, &report, &err));
    assert_non_null(strstr(str_text(&report), "0001_first  applied"));
    assert_true(migrate_sqlite(path, 0, &report, &err));
    struct sqlite *db = sqlite_open(path, SQLITE_MODE_READ, &err);
    assert_true(sqlite_query_int(
        db, "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE '%schema_migrations%'", &count,
        &err));
    assert_int_equal(count, 0);
    assert_true(sqlite_close(db, &err));
    assert_true(migrate_sqlite(path, -1, &report, &err));
    assert_false(migrate_sqlite(path, 99, &report, &err));
    assert_int_equal(err.code, ERR_USAGE);
    str_free(&report);
}

/* Every way up has a way down, whatever the database. */
static void test_migrations_come_in_pairs(void **state)
{
    (void)state;
    for (const struct embedded_file *file = NULL; (file = embed_next("sql/", file));) {
        char down[200];
        const char *end = strstr(file->path, ".up.sql");
        if (!end)
            continue;
        snprintf(down, sizeof down, "%.*s.down.sql", (int)(end - file->path), file->path);
        assert_non_null(embed_find(down));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_columns_are_those_of_the_rows), TEST(test_states_are_held_to_their_names),
        TEST(test_triggers_know_the_legal_edges), TEST(test_documented_queries_use_indexes),
        TEST(test_second_process_is_refused),     TEST(test_foreign_files_are_refused),
        TEST(test_schemas_that_do_not_fit),       TEST(test_folders_that_cannot_be_used),
        TEST(test_full_disk_passes_again),        TEST(test_up_and_down),
        TEST(test_migrations_come_in_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
