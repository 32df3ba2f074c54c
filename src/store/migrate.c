/* Brings a database to the schema this program knows, and refuses one it does not.
 *
 * The migrations travel in the program. What was applied is kept in schema_migrations with the hash
 * of its text: a migration that was edited after it ran has no meaning any more, so it is refused
 * instead of guessed at. */
#include "store/migrate.h"

#include "base/calendar.h"
#include "base/embed.h"
#include "base/hash.h"
#include "io/file.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define FOLDER "sql/sqlite/"
#define STEPS_MAX 256
#define HEX_SIZE (2 * SHA256_SIZE + 1)

struct step {
    int version;
    char name[64];
    const struct embedded_file *up, *down;
    char sha256[HEX_SIZE];
    bool applied, changed;
    char applied_at[CALENDAR_TEXT_MAX];
};
struct steps {
    struct step list[STEPS_MAX];
    size_t count;
    int newest;  /* version this program knows */
    int applied; /* newest applied one, 0: none */
};

/* ---- what the program has ---- */

/* "sql/sqlite/0001_first.up.sql" → 1, "first" */
static bool read_name(const char *path, struct step *step)
{
    const char *name = path + sizeof FOLDER - 1, *end = strstr(name, ".up.sql");
    int digits = 0;
    if (!end || sscanf(name, "%4d_%n", &step->version, &digits) != 1 || digits == 0)
        return false;
    snprintf(step->name, sizeof step->name, "%.*s", (int)(end - name), name);
    return true;
}

static void list_steps(struct steps *steps)
{
    memset(steps, 0, sizeof *steps);
    for (const struct embedded_file *file = NULL; (file = embed_next(FOLDER, file));) {
        struct step step = {.up = file};
        uint8_t hash[SHA256_SIZE];
        char down[128];
        if (!read_name(file->path, &step))
            continue;
        snprintf(down, sizeof down, FOLDER "%s.down.sql", step.name);
        step.down = embed_find(down);
        hash_sha256(file->data, file->size, hash);
        hex_print(hash, sizeof hash, step.sha256);
        assert(steps->count < STEPS_MAX && step.version == steps->newest + 1);
        steps->newest = step.version;
        steps->list[steps->count++] = step;
    }
    assert(steps->count > 0);
}

/* ---- what the database has ---- */

static bool refuse_newer(const char *path, int version, const struct steps *steps, struct err *err)
{
    return err_set(
        err, ERR_REFUSED, ERR_SCHEMA,
        "%s has schema %d, this program knows up to %d: run a newer tidelock, or go back "
        "with that one's `tidelock migrate down`",
        path, version, steps->newest);
}

static bool read_applied(struct sqlite *db, const char *path, struct steps *steps, struct err *err)
{
    bool row;
    struct sqlite_statement *st = sqlite_prepare(
        db, "SELECT version, sha256, applied_at FROM schema_migrations ORDER BY version", err);
    if (!st)
        return false;
    while (sqlite_step(st, &row, err)) {
        if (!row)
            return true;
        int64_t version = sqlite_int(st, 0);
        if (version < 1 || version > steps->newest) {
            sqlite_reset(st);
            return refuse_newer(path, (int)version, steps, err);
        }
        struct step *step = &steps->list[version - 1];
        step->applied = true;
        step->changed = !text_equal(step->sha256, sqlite_text(st, 1));
        text_copy(step->applied_at, sizeof step->applied_at, sqlite_text(st, 2));
        steps->applied = step->version;
    }
    return false;
}

static bool read_steps(struct sqlite *db, const char *path, struct steps *steps, struct err *err)
{
    int64_t ours, others;
    list_steps(steps);
    if (!sqlite_query_int(db, "SELECT count(*) FROM sqlite_master WHERE name='schema_migrations'",
                          &ours, err) ||
        !sqlite_query_int(db, "SELECT count(*) FROM sqlite_master", &others, err))
        return false;
    if (ours)
        return read_applied(db, path, steps, err);
    if (others)
        return err_set(err, ERR_REFUSED, ERR_SCHEMA,
                       "%s is a database of another program: name a file of Tidelock's own", path);
    return true;
}

static bool check_history(const struct steps *steps, const char *path, struct err *err)
{
    for (size_t i = 0; i < steps->count; i++) {
        const struct step *step = &steps->list[i];
        if (step->changed)
            return err_set(err, ERR_REFUSED, ERR_SCHEMA,
                           "%s: migration %s is not the one this program has: run the program that "
                           "applied it, or restore its text",
                           path, step->name);
        if (!step->applied && step->version < steps->applied)
            return err_set(err, ERR_REFUSED, ERR_SCHEMA,
                           "%s: migration %s was never applied, a later one was: restore a backup",
                           path, step->name);
    }
    return true;
}

bool migrate_check(struct sqlite *db, const char *path, struct err *err)
{
    struct steps *steps = mem_alloc(sizeof *steps);
    bool ok = read_steps(db, path, steps, err) && check_history(steps, path, err);
    if (ok && steps->applied < steps->newest)
        ok = err_set(err, ERR_REFUSED, ERR_SCHEMA,
                     "%s has schema %d, this program needs %d: run `tidelock migrate up`", path,
                     steps->applied, steps->newest);
    mem_free(steps);
    return ok;
}

/* ---- going up and down ---- */

static bool record_step(struct sqlite *db, const struct step *step, bool up, struct err *err)
{
    char now[CALENDAR_TEXT_MAX];
    struct sqlite_statement *st =
        sqlite_prepare(db,
                       up ? "INSERT INTO schema_migrations VALUES(?,?,?,?)"
                          : "DELETE FROM schema_migrations WHERE version=?",
                       err);
    if (!st)
        return false;
    sqlite_bind_int(st, 1, step->version);
    if (up) {
        calendar_print_seconds(clock_wall(clock_real()), now);
        sqlite_bind_text(st, 2, step->name);
        sqlite_bind_text(st, 3, step->sha256);
        sqlite_bind_text(st, 4, now);
    }
    return sqlite_run(st, err);
}

static bool run_step(struct sqlite *db, const struct step *step, bool up, struct err *err)
{
    const struct embedded_file *file = up ? step->up : step->down;
    if (!file)
        return err_set(err, ERR_REFUSED, ERR_SCHEMA, "migration %s has no way back", step->name);
    if (!sqlite_begin(db, err))
        return false;
    if (sqlite_exec(db, file->data, err) && record_step(db, step, up, err))
        return sqlite_commit(db, err);
    sqlite_rollback(db);
    return err_prefix(err, "migration %s (%s)", step->name, up ? "up" : "down");
}

static bool run_steps(struct sqlite *db, struct steps *steps, int to, struct str *report,
                      struct err *err)
{
    if (!sqlite_exec(db,
                     "CREATE TABLE IF NOT EXISTS schema_migrations ("
                     "version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL,"
                     "sha256 TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT",
                     err))
        return false;
    for (size_t i = 0; i < steps->count; i++) {
        const struct step *step = &steps->list[i];
        if (step->applied || step->version > to)
            continue;
        if (!run_step(db, step, true, err))
            return false;
        str_printf(report, "%s: applied\n", step->name);
    }
    for (size_t i = steps->count; i-- > 0;) {
        const struct step *step = &steps->list[i];
        if (!step->applied || step->version <= to)
            continue;
        if (!run_step(db, step, false, err))
            return false;
        str_printf(report, "%s: taken back\n", step->name);
    }
    return true;
}

bool migrate_run(struct sqlite *db, const char *path, int to_version, struct str *report,
                 struct err *err)
{
    struct steps *steps = mem_alloc(sizeof *steps);
    struct str ignored = STR_EMPTY;
    bool ok = read_steps(db, path, steps, err) && check_history(steps, path, err);
    int to = to_version < 0 ? steps->newest : to_version;
    if (ok && to > steps->newest)
        ok = err_set(err, ERR_REFUSED, ERR_USAGE, "there is no schema %d: the newest is %d", to,
                     steps->newest);
    if (ok && steps->applied == to)
        str_printf(report ? report : &ignored, "schema %d: nothing to do\n", to);
    else if (ok)
        ok = run_steps(db, steps, to, report ? report : &ignored, err);
    str_free(&ignored);
    mem_free(steps);
    return ok;
}

bool migrate_sqlite(const char *path, int to_version, struct str *report, struct err *err)
{
    char lock_path[4096];
    if ((size_t)snprintf(lock_path, sizeof lock_path, "%s.lock", path) >= sizeof lock_path)
        return err_set(err, ERR_REFUSED, ERR_CONFIG, "the path of the database is too long");
    struct file_lock *lock = file_lock(lock_path, err);
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
    struct steps *steps = mem_alloc(sizeof *steps);
    struct sqlite *db = sqlite_open(path, SQLITE_MODE_READ, err);
    bool ok = db && read_steps(db, path, steps, err);
    for (size_t i = 0; ok && i < steps->count; i++) {
        const struct step *step = &steps->list[i];
        str_printf(report, "%s  %s%s%s\n", step->name, step->applied ? "applied " : "pending",
                   step->applied_at, step->changed ? "  CHANGED since" : "");
    }
    sqlite_close(db, NULL);
    mem_free(steps);
    return ok;
}
