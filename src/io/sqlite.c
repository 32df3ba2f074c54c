/* SQLite: opening with our settings, statements kept by their text. */
#include "io/sqlite.h"
#include "base/keyed.h"
#include "base/mem.h"
#include "io/sqlite_db.h"
#include <assert.h>
#include <pthread.h>
#include <string.h>

/* Another process of ours (the command line) may hold the write lock for a moment. */
#define BUSY_TIMEOUT_MS 2000

struct sqlite_statement {
    sqlite3_stmt *raw;
    struct sqlite *db;
    bool commit;
    UT_hash_handle hh;
    char sql[];
};

static const char settings_all[] =
    "PRAGMA foreign_keys=ON;"
    "PRAGMA mmap_size=0;" /* an I/O error must be an error code, not SIGBUS */
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA cache_size=-8192;"
    "PRAGMA trusted_schema=OFF;";
/* Debian's SQLite overwrites what it frees with zeros; nothing here is secret once it is a row. */
static const char settings_write[] = "PRAGMA synchronous=FULL;"
                                     "PRAGMA journal_size_limit=67108864;"
                                     "PRAGMA secure_delete=OFF;";

/* Opening and closing -----------------------------------------------------------------------------
 */

static const char *written_files; /* how the writer's files are opened; NULL: as usual */

/* Before the first connection: no counting of memory behind a global lock, and no locks around what
 * a connection owns alone. Each connection is used by one thread. */
static void set_up_library(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    written_files = sqlite_gathering_files();
}

/* SQLite answers the mode it has, which is another one where WAL cannot be (some network disks). */
static bool switch_to_wal(struct sqlite *db, struct err *err)
{
    bool row = false;
    struct sqlite_statement *st = sqlite_prepare(db, "PRAGMA journal_mode=WAL", err);
    if (!st || !sqlite_step(st, &row, err))
        return false;
    bool wal = row && strcmp(sqlite_text(st, 0), "wal") == 0;
    sqlite_reset(st);
    if (!wal)
        return err_set(
            err, ERR_REFUSED, ERR_IO,
            "%s: the write-ahead log cannot be used here; put the database on a local disk",
            db->path);
    return true;
}

static bool set_up(struct sqlite *db, enum sqlite_mode mode, struct err *err)
{
    sqlite3_extended_result_codes(db->raw, 1);
    sqlite3_busy_timeout(db->raw, BUSY_TIMEOUT_MS);
    sqlite3_db_config(db->raw, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->raw, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db->raw, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    if (!sqlite_exec(db, settings_all, err))
        return false;
    if (mode == SQLITE_MODE_WRITE && sqlite3_db_readonly(db->raw, "main") == 1)
        return err_set(err, ERR_REFUSED, ERR_IO,
                       "%s cannot be written; give this user the right to it and its folder",
                       db->path);
    /* Reads the first page, so that a foreign or damaged file is found now. */
    int64_t version;
    if (!sqlite_query_int(db, "PRAGMA schema_version", &version, err))
        return false;
    if (mode != SQLITE_MODE_WRITE)
        return true;
    return switch_to_wal(db, err) && sqlite_exec(db, settings_write, err);
}

struct sqlite *sqlite_open(const char *path, enum sqlite_mode mode, struct err *err)
{
    static const int flags[] = {
        [SQLITE_MODE_WRITE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
        [SQLITE_MODE_READ] = SQLITE_OPEN_READONLY,
        [SQLITE_MODE_MEMORY] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY,
    };
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_library);
    struct sqlite *db = mem_alloc(sizeof *db);
    db->path = mem_copy_text(mode == SQLITE_MODE_MEMORY ? ":memory:" : path);
    int rc = sqlite3_open_v2(db->path, &db->raw, flags[mode] | SQLITE_OPEN_NOMUTEX,
                             mode == SQLITE_MODE_WRITE ? written_files : NULL);
    bool ok = rc == SQLITE_OK ? set_up(db, mode, err) : sqlite_fail(db, rc, false, err);
    if (ok)
        return db;
    sqlite_close(db, NULL);
    return NULL;
}

bool sqlite_close(struct sqlite *db, struct err *err)
{
    if (!db)
        return true;
    struct sqlite_statement *st, *next;
    HASH_ITER(hh, db->statements, st, next)
    {
        HASH_DEL(db->statements, st);
        sqlite3_finalize(st->raw);
        mem_free(st);
    }
    int rc = sqlite3_close(db->raw);
    bool ok = rc == SQLITE_OK || sqlite_fail(db, rc, false, err);
    assert(rc != SQLITE_BUSY);
    mem_free(db->path);
    mem_free(db);
    return ok;
}

bool sqlite_exec(struct sqlite *db, const char *sql, struct err *err)
{
    int rc = sqlite3_exec(db->raw, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK || sqlite_fail(db, rc, false, err);
}

/* Statements
 * --------------------------------------------------------------------------------------- */

static struct sqlite_statement *prepare_new(struct sqlite *db, const char *sql, size_t length,
                                            struct err *err)
{
    struct sqlite_statement *st = mem_alloc(sizeof *st + length + 1);
    memcpy(st->sql, sql, length + 1);
    st->db = db;
    st->commit = strcmp(sql, "COMMIT") == 0;
    const char *tail = NULL;
    int rc = sqlite3_prepare_v3(db->raw, st->sql, (int)length + 1, SQLITE_PREPARE_PERSISTENT,
                                &st->raw, &tail);
    if (rc != SQLITE_OK) {
        sqlite_fail(db, rc, false, err);
        mem_free(st);
        return NULL;
    }
    assert(st->raw && tail[strspn(tail, " \n;")] == '\0' && "exactly one statement");
    HASH_ADD_KEYPTR(hh, db->statements, st->sql, length, st);
    return st;
}

struct sqlite_statement *sqlite_prepare(struct sqlite *db, const char *sql, struct err *err)
{
    struct sqlite_statement *st = NULL;
    size_t length = strlen(sql);
    HASH_FIND(hh, db->statements, sql, length, st);
    if (!st)
        return prepare_new(db, sql, length, err);
    sqlite3_reset(st->raw);
    sqlite3_clear_bindings(st->raw);
    return st;
}

static void check_bound(int rc)
{
    assert(rc == SQLITE_OK && "wrong parameter index or a statement that is still between rows");
    (void)rc;
}

void sqlite_bind_text_n(struct sqlite_statement *st, int index, const char *text, size_t length)
{
    check_bound(sqlite3_bind_text64(st->raw, index, text, length, SQLITE_STATIC, SQLITE_UTF8));
}

void sqlite_bind_text(struct sqlite_statement *st, int index, const char *text)
{
    sqlite_bind_text_n(st, index, text, text ? strlen(text) : 0);
}

void sqlite_bind_int(struct sqlite_statement *st, int index, int64_t value)
{
    check_bound(sqlite3_bind_int64(st->raw, index, value));
}

void sqlite_bind_blob(struct sqlite_statement *st, int index, const void *bytes, size_t length)
{
    check_bound(sqlite3_bind_blob64(st->raw, index, bytes, length, SQLITE_STATIC));
}

void sqlite_bind_null(struct sqlite_statement *st, int index)
{
    check_bound(sqlite3_bind_null(st->raw, index));
}

bool sqlite_step(struct sqlite_statement *st, bool *row, struct err *err)
{
    int rc = sqlite3_step(st->raw);
    *row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW)
        return true;
    bool ok = rc == SQLITE_DONE || sqlite_fail(st->db, rc, st->commit, err);
    sqlite3_reset(st->raw);
    return ok;
}

bool sqlite_run(struct sqlite_statement *st, struct err *err)
{
    bool row;
    do {
        if (!sqlite_step(st, &row, err))
            return false;
    } while (row);
    return true;
}

void sqlite_reset(struct sqlite_statement *st)
{
    sqlite3_reset(st->raw);
}

const char *sqlite_text(struct sqlite_statement *st, int column)
{
    return (const char *)sqlite3_column_text(st->raw, column);
}

int64_t sqlite_int(struct sqlite_statement *st, int column)
{
    return sqlite3_column_int64(st->raw, column);
}

const void *sqlite_blob(struct sqlite_statement *st, int column, size_t *length)
{
    const void *bytes = sqlite3_column_blob(st->raw, column);
    *length = (size_t)sqlite3_column_bytes(st->raw, column);
    return bytes;
}

bool sqlite_is_null(struct sqlite_statement *st, int column)
{
    return sqlite3_column_type(st->raw, column) == SQLITE_NULL;
}

size_t sqlite_length(struct sqlite_statement *st, int column)
{
    return (size_t)sqlite3_column_bytes(st->raw, column);
}

int sqlite_columns(struct sqlite_statement *st)
{
    return sqlite3_column_count(st->raw);
}

const char *sqlite_column_name(struct sqlite_statement *st, int column)
{
    return sqlite3_column_name(st->raw, column);
}

int64_t sqlite_changes(const struct sqlite *db)
{
    return sqlite3_changes64(db->raw);
}
int64_t sqlite_last_id(const struct sqlite *db)
{
    return sqlite3_last_insert_rowid(db->raw);
}

bool sqlite_query_int(struct sqlite *db, const char *sql, int64_t *value, struct err *err)
{
    bool row;
    struct sqlite_statement *st = sqlite_prepare(db, sql, err);
    if (!st || !sqlite_step(st, &row, err))
        return false;
    if (!row)
        return err_set(err, ERR_NOT_DONE, ERR_NOT_FOUND, "%s: no row for: %.120s", db->path, sql);
    *value = sqlite_int(st, 0);
    sqlite_reset(st);
    return true;
}
