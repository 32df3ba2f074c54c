/* Follows the log: that each event is linked to the one before, and who lives and owns what. */
#include "store/pgfollow.h"

#include "base/json.h"
#include "store/pgrows.h"

#include <inttypes.h>
#include <string.h>

void pgfollow_init(struct pgfollow *follow)
{
    *follow = (struct pgfollow){.turns = -1, .fence = book_new(), .sha = sha256_new()};
}

void pgfollow_free(struct pgfollow *follow)
{
    book_free(follow->fence);
    sha256_free(follow->sha);
}

/* ---- loading ---- */

struct load {
    struct pgfollow *follow;
    const struct table *table;
    struct arena arena;
};

static bool take_head(void *ctx, const struct pg_rows *row, struct err *err)
{
    struct pgfollow *follow = ctx;
    const char *hash = pg_text(row, 0, 1);
    follow->seq = pg_int(row, 0, 0);
    follow->turns = pg_int(row, 0, 2);
    if (!hash || pg_length(row, 0, 1) != sizeof follow->hash)
        return err_set(err, ERR_REFUSED, ERR_CORRUPT,
                       "the log has no end; restore the last backup");
    memcpy(follow->hash, hash, sizeof follow->hash);
    return true;
}

static bool take_row(void *ctx, const struct pg_rows *row, struct err *err)
{
    struct load *load = ctx;
    void *kept = arena_alloc(&load->arena, load->table->row_size);
    if (!pgrows_read(row, 0, load->table, kept, &load->arena, err))
        return false;
    book_put(load->follow->fence, load->table->id, kept);
    return true;
}

static bool load_table(struct pgfollow *follow, struct pg_block *db, enum table_id table,
                       const char *condition, struct err *err)
{
    struct load load = {.follow = follow, .table = &tables[table]};
    struct str sql = STR_EMPTY;
    arena_init(&load.arena, 0);
    for (size_t i = 0; i < load.table->column_count; i++)
        str_printf(&sql, "%s%s", i ? "," : "SELECT ", load.table->columns[i].name);
    str_printf(&sql, " FROM %s %s", load.table->name, condition);
    bool ok = pg_block_query(db, str_text(&sql), NULL, take_row, &load, err);
    str_free(&sql);
    arena_free(&load.arena);
    return ok;
}

bool pgfollow_load(struct pgfollow *follow, struct pg_block *db, struct err *err)
{
    return pg_block_query(db, "SELECT seq, hash, turns FROM log_head", NULL, take_head, follow,
                          err) &&
           load_table(follow, db, TABLE_MEMBER,
                      "WHERE state = 'alive' OR term = (SELECT max(term) FROM instances)", err) &&
           load_table(follow, db, TABLE_LEASE, "", err);
}

/* ---- following ---- */

static bool concerns_fence(const char *body)
{
    /* A name inside a text would have its quotes escaped. */
    return strstr(body, "\"t\":\"instances\"") || strstr(body, "\"t\":\"leases\"");
}

static bool fold_row(struct pgfollow *follow, const struct json *change, struct arena *arena,
                     struct err *err)
{
    const char *name = json_text(change, "t"), *key = json_text(change, "k");
    const struct json *set = json_get(change, "set");
    const struct table *table = name ? table_find(name) : NULL;
    if (!table || !key || !set)
        return err_set(err, ERR_REFUSED, ERR_CORRUPT, "a change names no table, key and columns");
    if (table->id != TABLE_MEMBER && table->id != TABLE_LEASE)
        return true;
    const void *before = book_get(follow->fence, table->id, key);
    void *after = arena_alloc(arena, table->row_size);
    if (before)
        memcpy(after, before, table->row_size);
    else
        row_init(table, after);
    if (!column_parse(&table->columns[0], after, key, arena, err) ||
        !row_from_json(table, after, set, arena, err))
        return false;
    fence_apply(follow->fence, &(struct change){.table = table, .before = before, .after = after});
    return true;
}

static bool fold_fence(struct pgfollow *follow, const struct event *event, struct err *err)
{
    const struct json_limits limits = {.depth = 64, .nodes = 100000};
    struct arena arena;
    arena_init(&arena, 16384);
    const struct json *body = json_parse(&arena, event->body, strlen(event->body), &limits, err);
    const struct json *changes = body ? json_get(body, "changes") : NULL;
    bool ok = body != NULL;
    for (const struct json *c = changes ? changes->child : NULL; ok && c; c = c->next)
        ok = fold_row(follow, c, &arena, err);
    arena_free(&arena);
    return ok || err_prefix(err, "event %" PRId64, event->seq);
}

bool pgfollow_event(struct pgfollow *follow, const struct event *event, struct err *err)
{
    uint8_t hash[SHA256_SIZE];
    event_hash(follow->sha, follow->hash, event, hash);
    if (event->seq != follow->seq + 1 || memcmp(hash, event->hash, sizeof hash) != 0)
        return err_set(err, ERR_REFUSED, ERR_CORRUPT,
                       "event %" PRId64 " does not follow event %" PRId64
                       ": run `tidelock verify`; another history stands in this database",
                       event->seq, follow->seq);
    if (concerns_fence(event->body) && !fold_fence(follow, event, err))
        return false;
    follow->seq = event->seq;
    memcpy(follow->hash, hash, sizeof hash);
    return true;
}
