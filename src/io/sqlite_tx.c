/* SQLite's transactions, copies and errors: the part that decides what a failure means for the
 * caller. */
#include "io/sqlite.h"
#include "base/mem.h"
#include "io/sqlite_db.h"
#include <sys/stat.h>

struct meaning {
    int rc; /* primary code, or an extended one listed before its primary */
    enum err_class class;
    enum err_code code;
    const char *cure;
};

static const struct meaning meanings[] = {
    {SQLITE_CONSTRAINT_UNIQUE, ERR_REFUSED, ERR_DUPLICATE, ""},
    {SQLITE_CONSTRAINT_PRIMARYKEY, ERR_REFUSED, ERR_DUPLICATE, ""},
    {SQLITE_CONSTRAINT_ROWID, ERR_REFUSED, ERR_DUPLICATE, ""},
    {SQLITE_CONSTRAINT, ERR_REFUSED, ERR_CONFLICT, ""},
    {SQLITE_FULL, ERR_LATER, ERR_FULL,
     "; the disk is full or the database has its largest size: free space"},
    {SQLITE_BUSY, ERR_LATER, ERR_BUSY,
     "; another process holds it: stop that process or wait until it is done"},
    {SQLITE_LOCKED, ERR_LATER, ERR_BUSY, "; a statement of this process still reads it"},
    {SQLITE_CORRUPT, ERR_REFUSED, ERR_CORRUPT, "; stop, keep the file, restore the last backup"},
    {SQLITE_NOTADB, ERR_REFUSED, ERR_CORRUPT, "; the file is no SQLite database: correct the path"},
    {SQLITE_READONLY, ERR_REFUSED, ERR_IO,
     "; give this user the right to write the file and its folder"},
    {SQLITE_PERM, ERR_REFUSED, ERR_IO, "; give this user the right to it"},
    {SQLITE_CANTOPEN, ERR_REFUSED, ERR_IO,
     "; does the folder exist, and may this user write in it?"},
    {SQLITE_IOERR, ERR_LATER, ERR_IO, "; look at the disk and the system's log"},
    {SQLITE_TOOBIG, ERR_REFUSED, ERR_INPUT, ""},
    {SQLITE_SCHEMA, ERR_REFUSED, ERR_SCHEMA, ""},
    {SQLITE_ERROR, ERR_REFUSED, ERR_SCHEMA, ""},
    {SQLITE_INTERRUPT, ERR_NOT_DONE, ERR_CLOSED, ""},
};

bool sqlite_fail(const struct sqlite *db, int rc, bool commit, struct err *err)
{
    enum err_class class = ERR_NOT_DONE;
    enum err_code code = ERR_IO;
    const char *cure = "";
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (meanings[i].rc != rc && meanings[i].rc != (rc & 0xff))
            continue;
        class = meanings[i].class;
        code = meanings[i].code;
        cure = meanings[i].cure;
        break;
    }
    /* The commit record may have reached the disk although the system reported a failure. */
    if (commit && (rc & 0xff) == SQLITE_IOERR)
        class = ERR_MAYBE_DONE;
    const char *said = db->raw && sqlite3_extended_errcode(db->raw) == rc ? sqlite3_errmsg(db->raw)
                                                                          : sqlite3_errstr(rc);
    return err_set(err, class, code, "%s: %s%s", db->path, said, cure);
}

static bool run_text(struct sqlite *db, const char *sql, struct err *err)
{
    struct sqlite_statement *st = sqlite_prepare(db, sql, err);
    return st && sqlite_run(st, err);
}

bool sqlite_in_transaction(const struct sqlite *db)
{
    return !sqlite3_get_autocommit(db->raw);
}

/* Linux keeps a file as long as it is open: one that was moved, replaced, deleted or emptied under
 * us would take every commit, and nobody would ever find it again. */
static bool is_in_place(struct sqlite *db, struct err *err)
{
    sqlite3_file *log = NULL;
    int moved = 0;
    struct stat is;
    if (*db->path == ':') /* in memory */
        return true;
    if (sqlite3_file_control(db->raw, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
        log && log->pMethods)
        log->pMethods->xFileControl(log, SQLITE_FCNTL_HAS_MOVED, &moved);
    if (!moved)
        sqlite3_file_control(db->raw, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (!moved && stat(db->path, &is) == 0 && is.st_size > 0)
        return true;
    return err_set(
        err, ERR_REFUSED, ERR_IO,
        "%s: this file or its -wal was moved, replaced, emptied or deleted under the host; "
        "nothing more is written: stop it, put the right files there, start it again",
        db->path);
}

bool sqlite_begin(struct sqlite *db, struct err *err)
{
    return is_in_place(db, err) && run_text(db, "BEGIN IMMEDIATE", err);
}
bool sqlite_begin_read(struct sqlite *db, struct err *err)
{
    return run_text(db, "BEGIN DEFERRED", err);
}

bool sqlite_commit(struct sqlite *db, struct err *err)
{
    if (run_text(db, "COMMIT", err))
        return true;
    sqlite_rollback(db);
    return false;
}

void sqlite_rollback(struct sqlite *db)
{
    /* Its failure leaves nothing else to do, and SQLite rolls back when the file is next opened. */
    if (sqlite_in_transaction(db))
        (void)!run_text(db, "ROLLBACK", NULL);
}

bool sqlite_savepoint_set(struct sqlite *db, struct err *err)
{
    return run_text(db, "SAVEPOINT part", err);
}
bool sqlite_savepoint_keep(struct sqlite *db, struct err *err)
{
    return run_text(db, "RELEASE part", err);
}

bool sqlite_savepoint_undo(struct sqlite *db, struct err *err)
{
    if (!sqlite_in_transaction(db))
        return err_set(err, ERR_NOT_DONE, ERR_IO,
                       "%s: the whole transaction was rolled back by the error before", db->path);
    return run_text(db, "ROLLBACK TO part", err) && run_text(db, "RELEASE part", err);
}

bool sqlite_backup(struct sqlite *db, const char *path, struct err *err)
{
    struct sqlite *copy = sqlite_open(path, SQLITE_MODE_WRITE, err);
    if (!copy)
        return false;
    sqlite3_backup *backup = sqlite3_backup_init(copy->raw, "main", db->raw, "main");
    int rc = SQLITE_OK;
    if (backup) {
        rc = sqlite3_backup_step(backup, -1);
        sqlite3_backup_finish(backup);
    }
    bool ok = backup && rc == SQLITE_DONE;
    if (!ok)
        sqlite_fail(copy, backup ? rc : sqlite3_extended_errcode(copy->raw), false, err);
    return sqlite_close(copy, ok ? err : NULL) && ok;
}

bool sqlite_checkpoint(struct sqlite *db, struct err *err)
{
    int rc = sqlite3_wal_checkpoint_v2(db->raw, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return rc == SQLITE_OK || sqlite_fail(db, rc, false, err);
}
