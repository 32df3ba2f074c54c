/* Migrations of a SQLite file, under its lock. */
#include "store/migrate.h"

#include "base/calendar.h"
#include "base/clock.h"
#include "io/file.h"

#include <stdio.h>

struct file {
    struct sqlite *db;
    const char *path;
};

static bool read_table(struct sqlite *db,
                       bool (*each)(void *to, const struct migrate_applied *applied,
                                    struct err *err),
                       void *to, struct err *err)
{
    bool row;
    struct sqlite_statement *st = sqlite_prepare(
        db, "SELECT version, sha256, applied_at FROM schema_migrations ORDER BY version", err);
    if (!st)
        return false;
    while (sqlite_step(st, &row, err)) {
        if (!row)
            return true;
        const struct migrate_applied applied = {sqlite_int(st, 0), sqlite_text(st, 1),
                                                sqlite_text(st, 2)};
        if (!each(to, &applied, err)) {
            sqlite_reset(st);
            return false;
        }
    }
    return false;
}

static bool read_applied(void *ctx,
                         bool (*each)(void *to, const struct migrate_applied *applied,
                                      struct err *err),
                         void *to, struct err *err)
{
    const struct file *file = ctx;
    int64_t ours, others;
    if (!sqlite_query_int(file->db,
                          "SELECT count(*) FROM sqlite_master WHERE name='schema_migrations'",
                          &ours, err) ||
        !sqlite_query_int(file->db, "SELECT count(*) FROM sqlite_master", &others, err))
        return false;
    if (ours)
        return read_table(file->db, each, to, err);
    if (others)
        return err_set(err, ERR_REFUSED, ERR_SCHEMA,
                       "%s is a database of another program: name a file of Tidelock's own",
                       file->path);
    return true;
}

static bool make_table(void *ctx, struct err *err)
{
    return sqlite_exec(((struct file *)ctx)->db,
                       "CREATE TABLE IF NOT EXISTS schema_migrations ("
                       "version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL,"
                       "sha256 TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT",
                       err);
}

static bool record_step(struct sqlite *db, const struct migrate_step *step, struct err *err)
{
    char now[CALENDAR_TEXT_MAX];
    struct sqlite_statement *st =
        sqlite_prepare(db,
                       step->up ? "INSERT INTO schema_migrations VALUES(?,?,?,?)"
                                : "DELETE FROM schema_migrations WHERE version=?",
                       err);
    if (!st)
        return false;
    sqlite_bind_int(st, 1, step->version);
    if (step->up) {
        calendar_print_seconds(clock_wall(clock_real()), now);
        sqlite_bind_text(st, 2, step->name);
        sqlite_bind_text(st, 3, step->sha256);
        sqlite_bind_text(st, 4, now);
    }
    return sqlite_run(st, err);
}

static bool run_step(void *ctx, const struct migrate_step *step, struct err *err)
{
    struct sqlite *db = ((struct file *)ctx)->db;
    if (!sqlite_begin(db, err))
        return false;
    if (sqlite_exec(db, step->sql, err) && record_step(db, step, err))
        return sqlite_commit(db, err);
    sqlite_rollback(db);
    return false;
}

static struct migrate_base base_of(struct file *file)
{
    return (struct migrate_base){.folder = "sql/sqlite/",
                                 .where = file->path,
                                 .ctx = file,
                                 .read = read_applied,
                                 .make_table = make_table,
                                 .run = run_step};
}

bool migrate_check(struct sqlite *db, const char *path, struct err *err)
{
    struct file file = {db, path};
    struct migrate_base base = base_of(&file);
    return migrate_base_check(&base, err);
}

bool migrate_run(struct sqlite *db, const char *path, int to_version, struct str *report,
                 struct err *err)
{
    struct file file = {db, path};
    struct migrate_base base = base_of(&file);
    return migrate_base_run(&base, to_version, report, err);
}

bool migrate_sqlite(const char *path, int to_version, struct str *report, struct err *err)
{
    struct file_lock *lock = file_lock_beside(path, err);
    if (!lock)
        return false;
    struct sqlite *db = sqlite_open(path, SQLITE_MODE_WRITE, err);
    bool ok = db && migrate_run(db, path, to_version, report, err);
    ok = sqlite_close(db, ok ? err : NULL) && ok;
    file_unlock(lock);
    return ok;
}

bool migrate_sqlite_status(const char *path, struct str *report, struct err *err)
{
    struct sqlite *db = sqlite_open(path, SQLITE_MODE_READ, err);
    struct file file = {db, path};
    struct migrate_base base = base_of(&file);
    bool ok = db && migrate_base_status(&base, report, err);
    sqlite_close(db, NULL);
    return ok;
}
