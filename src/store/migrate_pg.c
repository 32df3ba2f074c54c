/* Migrations of a PostgreSQL database, under an advisory lock: two programs never migrate at once.
 */
#include "store/migrate_pg.h"

#include "base/calendar.h"
#include "base/clock.h"
#include "store/pgpooler.h"

#define CONNECT_US 10000000
/* Any number will do that nobody else uses. */
#define LOCK "SELECT pg_advisory_lock(7811887611)"
#define UNLOCK "SELECT pg_advisory_unlock(7811887611)"
/* What waits for a table behind us must not wait for ever. */
#define PATIENCE "SET lock_timeout = '5s'"

struct read {
    bool (*each)(void *to, const struct migrate_applied *applied, struct err *err);
    void *to;
};

static bool read_number(void *ctx, const struct pg_rows *row, struct err *err)
{
    (void)err;
    *(int64_t *)ctx = pg_int(row, 0, 0);
    return true;
}

static bool read_one(void *ctx, const struct pg_rows *row, struct err *err)
{
    const struct read *read = ctx;
    const struct migrate_applied applied = {pg_int(row, 0, 0), pg_text(row, 0, 1),
                                            pg_text(row, 0, 2)};
    return read->each(read->to, &applied, err);
}

static bool read_applied(void *ctx,
                         bool (*each)(void *to, const struct migrate_applied *applied,
                                      struct err *err),
                         void *to, struct err *err)
{
    struct read read = {each, to};
    int64_t ours = 0, others = 0;
    if (!pg_block_query(ctx, "SELECT (to_regclass('schema_migrations') IS NOT NULL)::int::bigint",
                        NULL, read_number, &ours, err) ||
        !pg_block_query(ctx,
                        "SELECT (to_regclass('events') IS NOT NULL OR to_regclass('signals') IS "
                        "NOT NULL)::int::bigint",
                        NULL, read_number, &others, err))
        return false;
    if (ours)
        return pg_block_query(ctx,
                              "SELECT version, sha256, applied_at FROM schema_migrations "
                              "ORDER BY version",
                              NULL, read_one, &read, err);
    if (others)
        return err_set(err, ERR_REFUSED, ERR_SCHEMA,
                       "%s has tables of another program: give Tidelock a database of its own",
                       pg_block_where(ctx));
    return true;
}

static bool make_table(void *ctx, struct err *err)
{
    return pg_block_exec(ctx,
                         "CREATE TABLE IF NOT EXISTS schema_migrations ("
                         "version bigint NOT NULL PRIMARY KEY, name text NOT NULL,"
                         "sha256 text NOT NULL, applied_at text NOT NULL)",
                         err);
}

static bool record_step(struct pg_block *db, const struct migrate_step *step, struct err *err)
{
    char now[CALENDAR_TEXT_MAX];
    struct pg_args args = {0};
    pg_arg_int(&args, step->version);
    if (step->up) {
        calendar_print_seconds(clock_wall(clock_real()), now);
        pg_arg_text(&args, step->name);
        pg_arg_text(&args, step->sha256);
        pg_arg_text(&args, now);
    }
    bool ok = pg_block_query(
        db,
        step->up ? "INSERT INTO schema_migrations VALUES ($1::bigint, $2::text, $3::text, $4::text)"
                 : "DELETE FROM schema_migrations WHERE version = $1::bigint",
        &args, NULL, NULL, err);
    pg_args_free(&args);
    return ok;
}

static bool run_step(void *ctx, const struct migrate_step *step, struct err *err)
{
    if (!pg_block_exec(ctx, "BEGIN", err))
        return false;
    if (pg_block_exec(ctx, step->sql, err) && record_step(ctx, step, err))
        return pg_block_exec(ctx, "COMMIT", err);
    struct err ignored;
    bool undone = pg_block_exec(ctx, "ROLLBACK", &ignored);
    (void)undone;
    return false;
}

static struct migrate_base base_of(struct pg_block *db)
{
    return (struct migrate_base){.folder = "sql/postgres/",
                                 .where = pg_block_where(db),
                                 .ctx = db,
                                 .read = read_applied,
                                 .make_table = make_table,
                                 .run = run_step};
}

bool migrate_pg_check(struct pg_block *db, struct err *err)
{
    struct migrate_base base = base_of(db);
    return migrate_base_check(&base, err);
}

bool migrate_pg_run(struct pg_block *db, int to_version, struct str *report, struct err *err)
{
    struct migrate_base base = base_of(db);
    struct err ignored;
    if (!pg_block_exec(db, PATIENCE, err) || !pg_block_exec(db, LOCK, err))
        return err_prefix(err, "another program migrates this database");
    bool ok = migrate_base_run(&base, to_version, report, err);
    bool unlocked = pg_block_exec(db, UNLOCK "; RESET lock_timeout", ok ? err : &ignored);
    return ok && unlocked;
}

bool migrate_postgres(const char *url, int to_version, struct str *report, struct err *err)
{
    struct pg_block *db = pg_block_open(url, "tidelock migrate", true, CONNECT_US, err);
    bool ok = db && pgpooler_check(db, NULL, err) && migrate_pg_run(db, to_version, report, err);
    pg_block_close(db);
    return ok;
}

bool migrate_postgres_status(const char *url, struct str *report, struct err *err)
{
    struct pg_block *db = pg_block_open(url, "tidelock migrate", false, CONNECT_US, err);
    bool ok = false;
    if (db) {
        struct migrate_base base = base_of(db);
        ok = migrate_base_status(&base, report, err);
    }
    pg_block_close(db);
    return ok;
}
