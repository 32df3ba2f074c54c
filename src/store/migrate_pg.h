/* Migrations of a PostgreSQL database on a connection that is open. */
#ifndef TIDELOCK_STORE_MIGRATE_PG_H
#define TIDELOCK_STORE_MIGRATE_PG_H
#include "io/pg.h"
#include "store/migrate.h"

bool migrate_pg_check(struct pg_block *db, struct err *err) MUST_CHECK;
bool migrate_pg_run(struct pg_block *db, int to_version, struct str *report,
                    struct err *err) MUST_CHECK;
#endif
