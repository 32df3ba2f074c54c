/* SQLite: what is committed stays, and every failure arrives with the class that callers branch on.
 */
#include "io/sqlite.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char root[64], path[96];
static struct sqlite *db;
static struct err err;

static int start(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/tidelock-sqlite-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    snprintf(path, sizeof path, "%s/t.db", root);
    db = sqlite_open(path, SQLITE_MODE_WRITE, &err);
    if (!db)
        return -1;
    return sqlite_exec(db,
                       "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, n INTEGER"
                       " CHECK (n < 1000), b BLOB) STRICT;"
                       "CREATE TABLE child(t INTEGER NOT NULL REFERENCES t(id))",
                       &err)
               ? 0
               : -1;
}

static int stop(void **state)
{
    (void)state;
    assert_true(sqlite_close(db, &err));
    static const char *const ends[] = {"", "-wal", "-shm", ".copy", ".copy-wal", ".copy-shm"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        chmod(name, 0644);
        unlink(name);
    }
    rmdir(root);
    return 0;
}

static bool insert(struct sqlite *to, const char *name, int64_t n)
{
    struct sqlite_statement *st = sqlite_prepare(to, "INSERT INTO t(name, n) VALUES (?, ?)", &err);
    assert_non_null(st);
    sqlite_bind_text(st, 1, name);
    sqlite_bind_int(st, 2, n);
    return sqlite_run(st, &err);
}

static int64_t count(struct sqlite *from)
{
    int64_t n = -1;
    assert_true(sqlite_query_int(from, "SELECT count(*) FROM t", &n, &err));
    return n;
}

static int64_t setting(const char *sql)
{
    int64_t value = -1;
    assert_true(sqlite_query_int(db, sql, &value, &err));
    return value;
}

static void has_our_settings(void **state)
{
    (void)state;
    assert_int_equal(setting("PRAGMA synchronous"), 2);
    assert_int_equal(setting("PRAGMA foreign_keys"), 1);
    bool row;
    struct sqlite_statement *st = sqlite_prepare(db, "PRAGMA journal_mode", &err);
    assert_true(sqlite_step(st, &row, &err) && row);
    assert_string_equal(sqlite_text(st, 0), "wal");
    sqlite_reset(st);
}

static void binds_and_reads_every_kind(void **state)
{
    (void)state;
    bool row;
    size_t length;
    struct sqlite_statement *st =
        sqlite_prepare(db, "INSERT INTO t(name, n, b) VALUES (?1, ?2, ?3)", &err);
    sqlite_bind_text_n(st, 1, "onetwo", 3);
    sqlite_bind_int(st, 2, INT64_MIN);
    sqlite_bind_blob(st, 3, "\0\1\2", 3);
    assert_true(sqlite_run(st, &err));
    assert_int_equal(sqlite_changes(db), 1);
    assert_int_equal(sqlite_last_id(db), 1);
    assert_ptr_equal(st, sqlite_prepare(db, "INSERT INTO t(name, n, b) VALUES (?1, ?2, ?3)", &err));
    assert_true(sqlite_run(st, &err)); /* former bindings are gone: NULLs */
    st = sqlite_prepare(db, "SELECT name, n, b FROM t ORDER BY id", &err);
    assert_true(sqlite_step(st, &row, &err) && row);
    assert_int_equal(sqlite_columns(st), 3);
    assert_string_equal(sqlite_column_name(st, 1), "n");
    assert_string_equal(sqlite_text(st, 0), "one");
    assert_int_equal(sqlite_length(st, 0), 3);
    assert_true(sqlite_int(st, 1) == INT64_MIN);
    assert_memory_equal(sqlite_blob(st, 2, &length), "\0\1\2", 3);
    assert_int_equal(length, 3);
    assert_true(sqlite_step(st, &row, &err) && row);
    assert_true(sqlite_is_null(st, 0));
    assert_null(sqlite_text(st, 0));
    assert_true(sqlite_step(st, &row, &err) && !row);
}

static void constraints_have_their_classes(void **state)
{
    (void)state;
    assert_true(insert(db, "a", 1));
    assert_false(insert(db, "a", 1));
    assert_int_equal(err.class, ERR_REFUSED);
    assert_int_equal(err.code, ERR_DUPLICATE);
    assert_non_null(strstr(err.text, "t.name"));
    assert_false(insert(db, "b", 5000));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_false(sqlite_exec(db, "INSERT INTO child VALUES (77)", &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_false(sqlite_exec(db, "INSERT INTO t(id) VALUES (1)", &err));
    assert_int_equal(err.code, ERR_DUPLICATE);
    assert_null(sqlite_prepare(db, "SELECT nothing FROM nowhere", &err));
    assert_int_equal(err.code, ERR_SCHEMA);
    assert_null(sqlite_prepare(db, "SELECT \"a string\"", &err));
    assert_int_equal(count(db), 1);
}

static void transactions_and_savepoints(void **state)
{
    (void)state;
    assert_true(sqlite_begin(db, &err));
    assert_true(insert(db, "kept", 1));
    assert_true(sqlite_savepoint_set(db, &err));
    assert_true(insert(db, "undone", 1));
    assert_true(sqlite_savepoint_set(db, &err));
    assert_true(insert(db, "deeper", 1));
    assert_true(sqlite_savepoint_keep(db, &err));
    assert_true(sqlite_savepoint_undo(db, &err));
    assert_true(sqlite_in_transaction(db));
    assert_true(sqlite_commit(db, &err));
    assert_false(sqlite_in_transaction(db));
    assert_int_equal(count(db), 1);
    assert_true(sqlite_begin(db, &err));
    assert_true(insert(db, "rolled back", 1));
    sqlite_rollback(db);
    sqlite_rollback(db);
    assert_int_equal(count(db), 1);
}

static void readers_see_commits_and_cannot_write(void **state)
{
    (void)state;
    struct sqlite *reader = sqlite_open(path, SQLITE_MODE_READ, &err);
    assert_non_null(reader);
    assert_int_equal(count(reader), 0);
    assert_true(sqlite_begin_read(reader, &err));
    assert_int_equal(count(reader), 0);
    assert_true(insert(db, "a", 1));
    assert_int_equal(count(reader), 0); /* its snapshot */
    assert_true(sqlite_commit(reader, &err));
    assert_int_equal(count(reader), 1);
    assert_false(insert(reader, "b", 1));
    assert_int_equal(err.class, ERR_REFUSED);
    assert_int_equal(err.code, ERR_IO);
    assert_true(sqlite_close(reader, &err));
    assert_null(sqlite_open("/nonexistent/x.db", SQLITE_MODE_READ, &err));
    assert_non_null(strstr(err.text, "/nonexistent/x.db"));
    assert_null(sqlite_open("/nonexistent/x.db", SQLITE_MODE_WRITE, &err));
    assert_non_null(strstr(err.text, "does the folder exist"));
}

static void a_full_disk_is_later(void **state)
{
    (void)state;
    int64_t pages = setting("PRAGMA page_count");
    char sql[64], big[9000];
    snprintf(sql, sizeof sql, "PRAGMA max_page_count=%d", (int)pages + 1);
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    setting(sql);
    assert_true(sqlite_begin(db, &err));
    assert_true(insert(db, "small", 1));
    assert_true(sqlite_savepoint_set(db, &err));
    assert_false(insert(db, big, 1));
    assert_int_equal(err.class, ERR_LATER);
    assert_int_equal(err.code, ERR_FULL);
    assert_non_null(strstr(err.text, "free space"));
    /* SQLite took the whole transaction back: said, not hidden. */
    bool undone = sqlite_savepoint_undo(db, &err);
    assert_true(undone == sqlite_in_transaction(db));
    sqlite_rollback(db);
    assert_int_equal(count(db), 0);
    setting("PRAGMA max_page_count=1000000");
    assert_true(insert(db, big, 1));
}

static void a_lock_held_elsewhere_is_busy(void **state)
{
    (void)state;
    struct sqlite *other = sqlite_open(path, SQLITE_MODE_WRITE, &err);
    assert_true(sqlite_exec(other, "PRAGMA busy_timeout=1", &err));
    assert_true(sqlite_begin(db, &err));
    assert_true(insert(db, "a", 1));
    assert_false(sqlite_begin(other, &err));
    assert_int_equal(err.class, ERR_LATER);
    assert_int_equal(err.code, ERR_BUSY);
    assert_non_null(strstr(err.text, "another process holds it"));
    assert_true(sqlite_commit(db, &err));
    assert_true(sqlite_begin(other, &err));
    sqlite_rollback(other);
    assert_true(sqlite_close(other, &err));
}

static void foreign_and_damaged_files_are_refused(void **state)
{
    (void)state;
    char name[128], page[4096];
    snprintf(name, sizeof name, "%s.copy", path);
    FILE *f = fopen(name, "w");
    for (int i = 0; i < 1000; i++)
        fprintf(f, "this is no database ");
    fclose(f);
    assert_null(sqlite_open(name, SQLITE_MODE_WRITE, &err));
    assert_int_equal(err.class, ERR_REFUSED);
    assert_int_equal(err.code, ERR_CORRUPT);
    unlink(name);
    for (int i = 0; i < 500; i++) {
        char text[32];
        snprintf(text, sizeof text, "row number %d", i);
        assert_true(insert(db, text, i));
    }
    assert_true(sqlite_backup(db, name, &err));
    int fd = open(name, O_RDWR);
    memset(page, 0xa5, sizeof page);
    for (off_t at = 4096; at < 65536; at += 4096)
        assert_true(pwrite(fd, page, sizeof page, at) > 0);
    close(fd);
    struct sqlite *damaged = sqlite_open(name, SQLITE_MODE_READ, &err);
    int64_t n;
    bool read = damaged && sqlite_query_int(damaged, "SELECT sum(n) FROM t", &n, &err);
    assert_false(read);
    assert_int_equal(err.code, ERR_CORRUPT);
    sqlite_close(damaged, NULL);
}

static void copies_while_in_use(void **state)
{
    (void)state;
    char name[128];
    snprintf(name, sizeof name, "%s.copy", path);
    assert_true(insert(db, "a", 1));
    assert_true(sqlite_backup(db, name, &err));
    assert_true(insert(db, "b", 1));
    struct sqlite *copy = sqlite_open(name, SQLITE_MODE_READ, &err);
    assert_int_equal(count(copy), 1);
    assert_true(sqlite_close(copy, &err));
    assert_true(sqlite_checkpoint(db, &err));
}

static void what_is_committed_survives_a_kill(void **state)
{
    (void)state;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct sqlite *mine = sqlite_open(path, SQLITE_MODE_WRITE, &err);
        bool ok = mine && insert(mine, "committed", 1) && sqlite_begin(mine, &err) &&
                  insert(mine, "not committed", 1);
        _exit(ok && write(ready[1], "r", 1) == 1 ? 0 : 1); /* no close: as if killed */
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    waitpid(child, NULL, 0);
    assert_int_equal(count(db), 1);
    close(ready[0]);
    close(ready[1]);
}

static void lives_in_memory(void **state)
{
    (void)state;
    struct sqlite *m = sqlite_open(NULL, SQLITE_MODE_MEMORY, &err);
    int64_t n;
    assert_true(sqlite_exec(m, "CREATE TABLE x(a); INSERT INTO x VALUES (7)", &err));
    assert_true(sqlite_query_int(m, "SELECT a FROM x", &n, &err));
    assert_int_equal(n, 7);
    assert_false(sqlite_query_int(m, "SELECT a FROM x WHERE a > 7", &n, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_true(sqlite_close(m, &err));
    assert_true(sqlite_close(NULL, &err));
}

/* Commits of many pages, more than the cache holds, with and without syncs, rolled back in between;
 * a reader that opens the files the usual way finds each at once. */
static void commits_are_in_the_file_at_once(void **state)
{
    (void)state;
    static const char *const syncs[] = {"PRAGMA synchronous=FULL", "PRAGMA synchronous=OFF",
                                        "PRAGMA synchronous=NORMAL"};
    static const char many[] =
        "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 3000) INSERT "
        "INTO t(name, n, b) SELECT hex(randomblob(20)), i % 900, zeroblob(i % 700) FROM k";
    struct sqlite *reader = sqlite_open(path, SQLITE_MODE_READ, &err);
    int64_t expected = 0;
    assert_non_null(reader);
    assert_true(sqlite_exec(db, "PRAGMA cache_size=20", &err));
    for (size_t i = 0; i < 9; i++) {
        assert_true(sqlite_exec(db, syncs[i % 3], &err));
        assert_true(sqlite_begin(db, &err) && sqlite_exec(db, many, &err));
        if (i % 4 == 1) {
            sqlite_rollback(db);
        } else {
            assert_true(sqlite_commit(db, &err));
            expected += 3000;
        }
        assert_int_equal(count(reader), expected);
        assert_int_equal(count(db), expected);
    }
    int64_t sound = 0;
    assert_true(sqlite_query_int(reader, "SELECT count(*) FROM pragma_integrity_check WHERE "
                                         "integrity_check='ok'", &sound, &err));
    assert_int_equal(sound, 1);
    assert_true(sqlite_close(reader, &err));
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(has_our_settings),
        T(binds_and_reads_every_kind),
        T(constraints_have_their_classes),
        T(transactions_and_savepoints),
        T(readers_see_commits_and_cannot_write),
        T(a_full_disk_is_later),
        T(a_lock_held_elsewhere_is_busy),
        T(foreign_and_damaged_files_are_refused),
        T(copies_while_in_use),
        T(what_is_committed_survives_a_kill),
        T(commits_are_in_the_file_at_once),
        T(lives_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
