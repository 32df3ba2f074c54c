/* Migrations on an open connection: what the bodies and the command line share.
 *
 * The steps and their history are the same for every database; what differs is here a struct
 * migrate_base. */
#ifndef TIDELOCK_STORE_MIGRATE_H
#define TIDELOCK_STORE_MIGRATE_H
#include "io/sqlite.h"
#include "store/store_bodies.h"

struct migrate_applied { /* a row of schema_migrations */
    int64_t version;
    const char *sha256, *applied_at;
};
struct migrate_step {
    int version;
    const char *name, *sha256, *sql;
    bool up; /* sql applies it; else it takes it back */
};
struct migrate_base {
    const char *folder; /* "sql/sqlite/" */
    const char *where;  /* for sentences */
    void *ctx;
    /* Tells every applied migration in order; none when there is no table of them. Refuses another
     * program's database. */
    bool (*read)(void *ctx,
                 bool (*each)(void *to, const struct migrate_applied *applied, struct err *err),
                 void *to, struct err *err);
    bool (*make_table)(void *ctx, struct err *err); /* schema_migrations, unless it is there */
    /* The step's statements and its row, in one transaction. */
    bool (*run)(void *ctx, const struct migrate_step *step, struct err *err);
};
/* Refuses (SCHEMA) a newer schema, a changed history, another program's database; and, unless it is
 * the newest already, an older one with the command to run. */
bool migrate_base_check(const struct migrate_base *base, struct err *err) MUST_CHECK;
/* Brings it to `to_version` (-1: the newest), each migration in a transaction of its own. */
bool migrate_base_run(const struct migrate_base *base, int to_version, struct str *report,
                      struct err *err) MUST_CHECK;
bool migrate_base_status(const struct migrate_base *base, struct str *report,
                         struct err *err) MUST_CHECK;

bool migrate_check(struct sqlite *db, const char *path, struct err *err) MUST_CHECK;
bool migrate_run(struct sqlite *db, const char *path, int to_version, struct str *report,
                 struct err *err) MUST_CHECK;
#endif
