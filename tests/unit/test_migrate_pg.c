/* The schema in PostgreSQL: up, down, up again, and what is refused. */
#include "io/pg.h"
#include "pg_server.h"
#include "store/store_bodies.h"
#include "trade/order.h"
#include "trade/signal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct pg_server server;
static struct pg_block *db;
static char url[128];

static int set_up(void **state)
{
    static int number;
    char sql[64], name[24];
    struct err err;
    (void)state;
    pg_server_url(&server, "postgres", url, sizeof url);
    struct pg_block *admin = pg_block_open(url, NULL, true, 5000000, &err);
    snprintf(name, sizeof name, "t%d", ++number);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s", name);
    if (!admin || !pg_block_exec(admin, sql, &err))
        fail_msg("%s", err.text);
    pg_block_close(admin);
    pg_server_url(&server, name, url, sizeof url);
    db = pg_block_open(url, NULL, true, 5000000, &err);
    return db ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    pg_block_close(db);
    return 0;
}

static bool keep_number(void *ctx, const struct pg_rows *row, struct err *err)
{
    (void)err;
    *(int64_t *)ctx = pg_int(row, 0, 0);
    return true;
}

static int64_t number(const char *sql)
{
    struct err err;
    int64_t value = -1;
    if (!pg_block_query(db, sql, NULL, keep_number, &value, &err))
        fail_msg("%s", err.text);
    return value;
}

static void exec(const char *sql)
{
    struct err err;
    if (!pg_block_exec(db, sql, &err))
        fail_msg("%s", err.text);
}

static void refused(const char *sql, enum err_code code)
{
    struct err err;
    if (pg_block_exec(db, sql, &err))
        fail_msg("was allowed: %s", sql);
    if (err.code != code)
        fail_msg("%s: %s (%s)", sql, err.text, err_code_name(err.code));
}

static void migrate(int to)
{
    struct str report = STR_EMPTY;
    struct err err;
    if (!migrate_postgres(url, to, &report, &err))
        fail_msg("%s", err.text);
    str_free(&report);
}

static void test_up_down_up(void **state)
{
    struct str report = STR_EMPTY;
    struct err err;
    (void)state;
    migrate(-1);
    assert_true(number("SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass") >=
                4);
    migrate(0);
    assert_int_equal(number("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = "
                            "c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('r','p') "
                            "AND c.relname <> 'schema_migrations'"),
                     0);
    assert_int_equal(number("SELECT count(*) FROM pg_proc WHERE proname LIKE 'tl_%'"), 0);
    migrate(-1);
    migrate(-1);
    assert_true(migrate_postgres_status(url, &report, &err));
    assert_non_null(strstr(str_text(&report), "0001_first  applied"));
    str_free(&report);
}

static void expect_no(const char *say)
{
    struct str report = STR_EMPTY;
    struct err err;
    assert_false(migrate_postgres(url, -1, &report, &err));
    assert_int_equal(err.code, ERR_SCHEMA);
    if (!strstr(err.text, say))
        fail_msg("\"%s\" does not say \"%s\"", err.text, say);
    str_free(&report);
}

static void test_refusals(void **state)
{
    (void)state;
    migrate(-1);
    exec("UPDATE schema_migrations SET sha256 = 'x' WHERE version = 1");
    expect_no("is not the one this program has");
    exec("INSERT INTO schema_migrations VALUES (99, '0099_later', 'x', 'now')");
    expect_no("newer");
    exec("DROP TABLE schema_migrations");
    expect_no("another program");
}

/* Columns in the order and of the type that the description of rows says. */
static void test_columns(void **state)
{
    static const char *const types[] = {
        [COLUMN_TEXT] = "text",   [COLUMN_LONG] = "text",    [COLUMN_INT] = "bigint",
        [COLUMN_TIME] = "bigint", [COLUMN_BOOL] = "boolean", [COLUMN_DECIMAL] = "numeric",
        [COLUMN_ENUM] = "text",
    };
    (void)state;
    migrate(-1);
    for (int t = 0; t < TABLE_COUNT; t++) {
        char sql[400];
        for (size_t i = 0; i < tables[t].column_count; i++) {
            const struct column *c = &tables[t].columns[i];
            bool null = c->type == COLUMN_LONG || c->type == COLUMN_DECIMAL;
            snprintf(sql, sizeof sql,
                     "SELECT count(*) FROM information_schema.columns WHERE table_name = '%s' AND "
                     "ordinal_position = %zu AND column_name = '%s' AND data_type = '%s' AND "
                     "is_nullable = '%s'",
                     tables[t].name, i + 1, c->name, types[c->type], null ? "YES" : "NO");
            if (number(sql) != 1)
                fail_msg("%s.%s is not as described", tables[t].name, c->name);
        }
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM information_schema.columns WHERE table_name = '%s'",
                 tables[t].name);
        assert_int_equal(number(sql), tables[t].column_count);
    }
}

static void put_value(struct str *sql, const struct column *column, const char *state)
{
    switch (column->type) {
    case COLUMN_TEXT:
        str_puts(sql, "'x'");
        break;
    case COLUMN_LONG:
    case COLUMN_DECIMAL:
        str_puts(sql, "NULL");
        break;
    case COLUMN_INT:
    case COLUMN_TIME:
        str_puts(sql, "1");
        break;
    case COLUMN_BOOL:
        str_puts(sql, "false");
        break;
    case COLUMN_ENUM:
        str_printf(sql, "'%s'", strcmp(column->name, "state") == 0 ? state : column->names[0]);
        break;
    }
}

static void insert(const struct table *table, const char *state)
{
    struct str sql = STR_EMPTY;
    str_printf(&sql, "DELETE FROM %s; INSERT INTO %s VALUES (", table->name, table->name);
    for (size_t i = 0; i < table->column_count; i++) {
        str_puts(&sql, i ? "," : "");
        put_value(&sql, &table->columns[i], state);
    }
    str_putc(&sql, ')');
    exec(str_text(&sql));
    str_free(&sql);
}

static void compare_edges(enum table_id id, const char *const *names,
                          bool (*legal)(int from, int to))
{
    for (int from = 0; names[from]; from++)
        for (int to = 0; names[to]; to++) {
            char sql[120];
            struct err err;
            insert(&tables[id], names[from]);
            snprintf(sql, sizeof sql, "UPDATE %s SET state = '%s'", tables[id].name, names[to]);
            bool allowed = pg_block_exec(db, sql, &err);
            if (!allowed)
                assert_int_equal(err.code, ERR_CONFLICT);
            if (allowed != (from == to || legal(from, to)))
                fail_msg("%s: %s to %s", tables[id].name, names[from], names[to]);
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

static void test_edges(void **state)
{
    (void)state;
    migrate(-1);
    compare_edges(TABLE_SIGNAL, signal_state_names, signal_edge);
    compare_edges(TABLE_ORDER, order_state_names, order_edge);
    refused("UPDATE orders SET state = 'done'", ERR_CONFLICT);
}

static void test_written_once(void **state)
{
    (void)state;
    migrate(-1);
    exec("INSERT INTO events VALUES (1, 1, 'k', 's', 'i', 1, '{}', decode(repeat('00', 32), "
         "'hex'))");
    refused("UPDATE events SET kind = 'x'", ERR_CONFLICT);
    refused("DELETE FROM events", ERR_CONFLICT);
    refused("TRUNCATE events", ERR_CONFLICT);
}

static void test_months(void **state)
{
    (void)state;
    migrate(-1);
    assert_int_equal(number("SELECT tl_partitions(2, 0)"), 0);
    assert_int_equal(number("SELECT tl_partitions(4, 0)"), 4);
    exec("CREATE TABLE events_2001_01 PARTITION OF events FOR VALUES FROM (1) TO (2)");
    assert_int_equal(number("SELECT tl_partitions(4, 12)"), 1);
    assert_int_equal(number("SELECT (to_regclass('events_2001_01') IS NULL)::int::bigint"), 1);
    exec("INSERT INTO events SELECT 1, (extract(epoch FROM now()) * 1000000)::bigint, 'k', 's', "
         "'i', 1, '{}', decode(repeat('00', 32), 'hex')");
    assert_int_equal(number("SELECT count(*) FROM events_other"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_up_down_up), TEST(test_refusals),     TEST(test_columns),
        TEST(test_edges),      TEST(test_written_once), TEST(test_months),
    };
    pg_server_start(&server);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pg_server_stop(&server);
    return failed;
}
