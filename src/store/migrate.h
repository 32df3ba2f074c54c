/* Migrations on an open connection: what store_sqlite and the command line share. */
#ifndef TIDELOCK_STORE_MIGRATE_H
#define TIDELOCK_STORE_MIGRATE_H
#include "io/sqlite.h"
#include "store/store_bodies.h"

/* Refuses (SCHEMA) a newer schema, a changed history, another program's database; and, unless it is
 * the newest already, an older one with the command to run. */
bool migrate_check(struct sqlite *db, const char *path, struct err *err) MUST_CHECK;
/* Brings it to `to_version` (-1: the newest), each migration in a transaction of its own. */
bool migrate_run(struct sqlite *db, const char *path, int to_version, struct str *report,
                 struct err *err) MUST_CHECK;
#endif
