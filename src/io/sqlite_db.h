/* For this room only: what lies under a struct sqlite, and the way from SQLite's codes to ours. */
#ifndef TIDELOCK_IO_SQLITE_DB_H
#define TIDELOCK_IO_SQLITE_DB_H
#include "io/sqlite.h"
#include <sqlite3.h>

struct sqlite {
    sqlite3 *raw;
    char *path;
    struct sqlite_statement *statements; /* uthash by text */
};

/* Fills *err from the (extended) result code and returns false. `commit`: it was COMMIT that
 * failed. */
bool sqlite_fail(const struct sqlite *db, int rc, bool commit, struct err *err);
/* Once: registers the files whose write-ahead log is written a commit at a time, and tells their
 * name for sqlite3_open_v2. NULL: the system's own are used. */
const char *sqlite_gathering_files(void);
#endif
