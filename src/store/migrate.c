/* Brings a database to the schema this program knows, and refuses one it does not.
 *
 * The migrations travel in the program. What was applied is kept in schema_migrations with the hash
 * of its text: a migration that was edited after it ran has no meaning any more, so it is refused
 * instead of guessed at. */
#include "store/migrate.h"

#include "base/calendar.h"
#include "base/embed.h"
#include "base/hash.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

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
static bool read_name(const char *path, const char *folder, struct step *step)
{
    const char *name = path + strlen(folder), *end = strstr(name, ".up.sql");
    int digits = 0;
    if (!end || sscanf(name, "%4d_%n", &step->version, &digits) != 1 || digits == 0)
        return false;
    snprintf(step->name, sizeof step->name, "%.*s", (int)(end - name), name);
    return true;
}

static void list_steps(struct steps *steps, const char *folder)
{
    memset(steps, 0, sizeof *steps);
    for (const struct embedded_file *file = NULL; (file = embed_next(folder, file));) {
        struct step step = {.up = file};
        uint8_t hash[SHA256_SIZE];
        char down[128];
        if (!read_name(file->path, folder, &step))
            continue;
        snprintf(down, sizeof down, "%s%s.down.sql", folder, step.name);
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

struct reading {
    struct steps *steps;
    const char *where;
};

static bool note_applied(void *to, const struct migrate_applied *applied, struct err *err)
{
    const struct reading *reading = to;
    struct steps *steps = reading->steps;
    if (applied->version < 1 || applied->version > steps->newest)
        return err_set(
            err, ERR_REFUSED, ERR_SCHEMA,
            "%s has schema %d, this program knows up to %d: run a newer tidelock, or go back "
            "with that one's `tidelock migrate down`",
            reading->where, (int)applied->version, steps->newest);
    struct step *step = &steps->list[applied->version - 1];
    step->applied = true;
    step->changed = !text_equal(step->sha256, applied->sha256);
    text_copy(step->applied_at, sizeof step->applied_at, applied->applied_at);
    steps->applied = step->version;
    return true;
}

static bool read_steps(const struct migrate_base *base, struct steps *steps, struct err *err)
{
    struct reading reading = {steps, base->where};
    list_steps(steps, base->folder);
    return base->read(base->ctx, note_applied, &reading, err);
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

bool migrate_base_check(const struct migrate_base *base, struct err *err)
{
    struct steps *steps = mem_alloc(sizeof *steps);
    bool ok = read_steps(base, steps, err) && check_history(steps, base->where, err);
    if (ok && steps->applied < steps->newest)
        ok = err_set(err, ERR_REFUSED, ERR_SCHEMA,
                     "%s has schema %d, this program needs %d: run `tidelock migrate up`",
                     base->where, steps->applied, steps->newest);
    mem_free(steps);
    return ok;
}

/* ---- going up and down ---- */

static bool run_step(const struct migrate_base *base, const struct step *step, bool up,
                     struct str *report, struct err *err)
{
    const struct embedded_file *file = up ? step->up : step->down;
    if (!file)
        return err_set(err, ERR_REFUSED, ERR_SCHEMA, "migration %s has no way back", step->name);
    const struct migrate_step run = {.version = step->version,
                                     .name = step->name,
                                     .sha256 = step->sha256,
                                     .sql = file->data,
                                     .up = up};
    if (!base->run(base->ctx, &run, err))
        return err_prefix(err, "migration %s (%s)", step->name, up ? "up" : "down");
    str_printf(report, "%s: %s\n", step->name, up ? "applied" : "taken back");
    return true;
}

static bool run_steps(const struct migrate_base *base, struct steps *steps, int to,
                      struct str *report, struct err *err)
{
    if (!base->make_table(base->ctx, err))
        return false;
    for (size_t i = 0; i < steps->count; i++) {
        const struct step *step = &steps->list[i];
        if (!step->applied && step->version <= to && !run_step(base, step, true, report, err))
            return false;
    }
    for (size_t i = steps->count; i-- > 0;) {
        const struct step *step = &steps->list[i];
        if (step->applied && step->version > to && !run_step(base, step, false, report, err))
            return false;
    }
    return true;
}

bool migrate_base_run(const struct migrate_base *base, int to_version, struct str *report,
                      struct err *err)
{
    struct steps *steps = mem_alloc(sizeof *steps);
    struct str ignored = STR_EMPTY;
    bool ok = read_steps(base, steps, err) && check_history(steps, base->where, err);
    int to = to_version < 0 ? steps->newest : to_version;
    if (ok && to > steps->newest)
        ok = err_set(err, ERR_REFUSED, ERR_USAGE, "there is no schema %d: the newest is %d", to,
                     steps->newest);
    if (ok && steps->applied == to)
        str_printf(report ? report : &ignored, "schema %d: nothing to do\n", to);
    else if (ok)
        ok = run_steps(base, steps, to, report ? report : &ignored, err);
    str_free(&ignored);
    mem_free(steps);
    return ok;
}

bool migrate_base_status(const struct migrate_base *base, struct str *report, struct err *err)
{
    struct steps *steps = mem_alloc(sizeof *steps);
    bool ok = read_steps(base, steps, err);
    for (size_t i = 0; ok && i < steps->count; i++) {
        const struct step *step = &steps->list[i];
        str_printf(report, "%s  %s%s%s\n", step->name, step->applied ? "applied " : "pending",
                   step->applied_at, step->changed ? "  CHANGED since" : "");
    }
    mem_free(steps);
    return ok;
}
