/* The wire to PostgreSQL: values there and back, errors by class, deadlines, and a connection that
 * comes again. */
#include "base/clock.h"
#include "io/pg.h"
#include "pg_server.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct pg_server server;

struct rig {
    struct loop *loop;
    struct pg *pg;
    int ready, lost, done;
    struct err why, err;
    size_t statement, rows;
    int64_t number;
    struct decimal decimals[4];
    char text[64], heard[64];
};

static void changed(void *ctx, const struct err *err)
{
    struct rig *rig = ctx;
    if (err) {
        rig->lost++;
        rig->why = *err;
    } else {
        rig->ready++;
    }
}

static void heard(void *ctx, const char *payload)
{
    snprintf(((struct rig *)ctx)->heard, sizeof((struct rig *)ctx)->heard, "%s", payload);
}

static void open_rig(struct rig *rig, const char *url, int64_t connect_us)
{
    struct err err;
    memset(rig, 0, sizeof *rig);
    rig->loop = loop_new(clock_real(), NULL, &err);
    rig->pg = pg_open(&(struct pg_options){.loop = rig->loop,
                                           .url = url,
                                           .read_write = true,
                                           .connect_us = connect_us,
                                           .setup = "LISTEN testing",
                                           .changed = changed,
                                           .notified = heard,
                                           .ctx = rig},
                      &err);
    if (!rig->pg)
        fail_msg("%s", err.text);
}

static void close_rig(struct rig *rig)
{
    pg_close(rig->pg);
    while (loop_turn(rig->loop, 0))
        ;
    loop_turn(rig->loop, 0);
    loop_free(rig->loop);
}

static void turn_until(struct rig *rig, const int *counter, int wanted)
{
    int64_t until_us = loop_steady_us(rig->loop) + 20000000;
    while (*counter < wanted && loop_steady_us(rig->loop) < until_us)
        loop_turn(rig->loop, 20);
    if (*counter < wanted)
        fail_msg("nothing happened; last trouble: %s", rig->why.text);
}

static struct rig *connected(void)
{
    static struct rig rig;
    char url[128];
    pg_server_url(&server, "postgres", url, sizeof url);
    open_rig(&rig, url, 5000000);
    turn_until(&rig, &rig.ready, 1);
    return &rig;
}

static void keep(void *ctx, size_t statement, const struct pg_rows *rows)
{
    struct rig *rig = ctx;
    (void)statement;
    rig->rows += pg_count(rows);
    for (size_t i = 0; i < pg_count(rows) && i < 4; i++) {
        rig->number = pg_int(rows, i, 0);
        if (pg_text(rows, i, 1))
            snprintf(rig->text, sizeof rig->text, "%s", pg_text(rows, i, 1));
        assert_true(pg_decimal(rows, i, 2, &rig->decimals[i]));
    }
}

static void done(void *ctx, const struct err *err, size_t statement)
{
    struct rig *rig = ctx;
    rig->done++;
    rig->statement = statement;
    if (err)
        rig->err = *err;
    else
        err_clear(&rig->err);
}

static void send_request(struct rig *rig, bool commits, int64_t deadline_us)
{
    rig->done = 0;
    rig->rows = 0;
    pg_send(rig->pg, &(struct pg_request){.commits = commits,
                                          .deadline_us = deadline_us,
                                          .rows = keep,
                                          .done = done,
                                          .ctx = rig});
}

static void run(struct rig *rig, const char *name, const char *sql)
{
    pg_put(rig->pg, name, sql, NULL);
    send_request(rig, false, 5000000);
    turn_until(rig, &rig->done, 1);
}

static struct decimal dec(const char *text)
{
    struct decimal d;
    assert_true(decimal_parse(text, strlen(text), &d, NULL));
    return d;
}

static void test_values_there_and_back(void **state)
{
    static const char *const values[] = {"0",
                                         "1.5",
                                         "-0.000000000001",
                                         "999999999999999",
                                         "10000",
                                         "0.0001",
                                         "-123456789012345.123456789012",
                                         "20000.00000005"};
    struct rig *rig = connected();
    struct pg_args args = {0};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        pg_args_clear(&args);
        pg_array_begin(&args, PG_INT, 2);
        pg_array_int(&args, -7);
        pg_array_int(&args, INT64_MIN + 1);
        pg_array_end(&args);
        pg_array_begin(&args, PG_TEXT, 2);
        pg_array_text(&args, "a \"quoted\\ {x}");
        pg_array_text(&args, NULL);
        pg_array_end(&args);
        pg_array_begin(&args, PG_NUMERIC, 2);
        pg_array_decimal(&args, dec(values[i]));
        pg_array_decimal(&args, decimal_bad());
        pg_array_end(&args);
        pg_put(rig->pg, "back",
               "SELECT a, b, c FROM unnest($1::bigint[], $2::text[], $3::numeric[]) AS u(a, b, c)",
               &args);
        /* The server's own text says what it understood. */
        pg_put(rig->pg, "said",
               "SELECT 1::bigint, ($3::numeric[])[1]::text, ($3::numeric[])[1], "
               "$1::bigint[], $2::text[]",
               &args);
        send_request(rig, false, 5000000);
        turn_until(rig, &rig->done, 1);
        if (rig->err.code)
            fail_msg("%s", rig->err.text);
        assert_string_equal(rig->text, values[i]);
        assert_true(decimal_eq(rig->decimals[0], dec(values[i])));
        assert_false(decimal_ok(rig->decimals[1]));
        assert_int_equal(rig->rows, 3);
    }
    pg_args_free(&args);
    close_rig(rig);
}

static void test_blocking(void **state)
{
    struct pg_block *db;
    struct err err;
    char url[128];
    (void)state;
    pg_server_url(&server, "postgres", url, sizeof url);
    db = pg_block_open(url, NULL, true, 5000000, &err);
    assert_non_null(db);
    assert_false(pg_block_exec(db, "SELECT nothing FROM nowhere", &err));
    assert_int_equal(err.code, ERR_SCHEMA);
    assert_true(pg_block_exec(db, "SELECT 1; SELECT 2", &err));
    pg_block_close(db);
}

static void test_errors_by_class(void **state)
{
    struct rig *rig = connected();
    (void)state;
    run(rig, "t", "CREATE TEMP TABLE t (k bigint PRIMARY KEY CHECK (k < 10))");
    run(rig, "i", "INSERT INTO t VALUES (1)");
    run(rig, "i", "INSERT INTO t VALUES (1)");
    assert_int_equal(rig->err.code, ERR_DUPLICATE);
    assert_int_equal(rig->err.class, ERR_REFUSED);
    run(rig, "c", "INSERT INTO t VALUES (11)");
    assert_int_equal(rig->err.code, ERR_CONFLICT);
    run(rig, "u", "SELECT * FROM unheard_of");
    assert_int_equal(rig->err.code, ERR_SCHEMA);
    run(rig, "l", "SET statement_timeout = 20");
    run(rig, "s", "SELECT pg_sleep(5)");
    assert_int_equal(rig->err.code, ERR_TIMEOUT);
    assert_int_equal(rig->err.class, ERR_LATER);
    /* The second of three: the third is not tried, and the connection goes on. */
    pg_put(rig->pg, "one", "SELECT 1::bigint", NULL);
    pg_put(rig->pg, "bad", "SELECT 1/0", NULL);
    pg_put(rig->pg, "two", "SELECT 2::bigint", NULL);
    send_request(rig, false, 5000000);
    turn_until(rig, &rig->done, 1);
    assert_int_equal(rig->statement, 1);
    assert_int_equal(rig->err.code, ERR_INPUT);
    assert_int_equal(rig->number, 1);
    run(rig, "two", "SELECT 2::bigint");
    assert_int_equal(rig->number, 2);
    close_rig(rig);
}

static void test_deadline_drops_and_comes_again(void **state)
{
    struct rig *rig = connected();
    (void)state;
    pg_put(rig->pg, "sleep", "SELECT pg_sleep(30)", NULL);
    send_request(rig, false, 100000);
    turn_until(rig, &rig->done, 1);
    assert_int_equal(rig->err.code, ERR_TIMEOUT);
    assert_int_equal(rig->err.class, ERR_LATER);
    turn_until(rig, &rig->ready, 2);
    pg_put(rig->pg, "sleep", "SELECT pg_sleep(30)", NULL);
    send_request(rig, true, 100000);
    turn_until(rig, &rig->done, 1);
    assert_int_equal(rig->err.class, ERR_MAYBE_DONE); /* a COMMIT may have been in it */
    turn_until(rig, &rig->ready, 3);
    run(rig, "two", "SELECT 2::bigint");
    assert_int_equal(rig->number, 2);
    close_rig(rig);
}

static void test_terminated(void **state)
{
    struct rig *rig = connected();
    struct pg_block *db;
    struct err err;
    char url[128], sql[80];
    (void)state;
    pg_server_url(&server, "postgres", url, sizeof url);
    db = pg_block_open(url, NULL, true, 5000000, &err);
    pg_put(rig->pg, "sleep", "SELECT pg_sleep(30)", NULL);
    send_request(rig, true, 20000000);
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%lld)", (long long)pg_backend(rig->pg));
    loop_turn(rig->loop, 0);
    assert_true(pg_block_exec(db, sql, &err));
    turn_until(rig, &rig->done, 1);
    assert_int_equal(rig->err.class, ERR_MAYBE_DONE);
    turn_until(rig, &rig->ready, 2);
    pg_block_close(db);
    close_rig(rig);
}

static void test_notices(void **state)
{
    struct rig *rig = connected();
    (void)state;
    run(rig, "n", "NOTIFY testing, 'hello'");
    for (int i = 0; i < 200 && !*rig->heard; i++)
        loop_turn(rig->loop, 10);
    assert_string_equal(rig->heard, "hello");
    close_rig(rig);
}

/* A listener that accepts and says nothing must not hide the host behind it. */
static void test_second_host_and_names(void **state)
{
    struct rig rig;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    char url[200];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(listen(fd, 8), 0);
    snprintf(url, sizeof url, "postgresql://tidelock@127.0.0.1:%d,localhost:%d/postgres",
             ntohs(address.sin_port), server.port);
    open_rig(&rig, url, 200000);
    turn_until(&rig, &rig.ready, 1);
    assert_int_equal(rig.lost, 1);
    assert_int_equal(rig.why.code, ERR_TIMEOUT);
    close(fd);
    close_rig(&rig);
}

static void test_refusals(void **state)
{
    struct rig rig;
    struct err err;
    char url[128];
    (void)state;
    assert_null(pg_open(&(struct pg_options){.url = "postgresql://[x"}, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    pg_server_url(&server, "absent", url, sizeof url);
    open_rig(&rig, url, 2000000);
    turn_until(&rig, &rig.lost, 1);
    assert_non_null(strstr(rig.why.text, "absent"));
    assert_int_equal(rig.why.class, ERR_LATER);
    close_rig(&rig);
}

static void test_restart(void **state)
{
    struct rig *rig = connected();
    (void)state;
    pg_server_crash(&server);
    turn_until(rig, &rig->lost, 3);
    pg_server_run(&server);
    turn_until(rig, &rig->ready, 2);
    run(rig, "two", "SELECT 2::bigint");
    assert_int_equal(rig->number, 2);
    close_rig(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_there_and_back),
        cmocka_unit_test(test_blocking),
        cmocka_unit_test(test_errors_by_class),
        cmocka_unit_test(test_deadline_drops_and_comes_again),
        cmocka_unit_test(test_terminated),
        cmocka_unit_test(test_notices),
        cmocka_unit_test(test_second_host_and_names),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_restart),
    };
    pg_server_start(&server);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pg_server_stop(&server);
    return failed;
}
