/* Blocking reads, all of one moment: what a start loads and a command verifies fits together, and
 * with the end of the log that is followed from there. The moment ends when the loop goes on. */
#include "store/store_pg.h"

#include "store/filter.h"
#include "store/pgrows.h"

#define DEADLINE_US 30000000

struct walk {
    const struct table *table;
    void *row;
    struct arena texts;
    bool (*each_row)(void *ctx, const void *row, struct err *err);
    bool (*each_event)(void *ctx, const struct event *event, struct err *err);
    void *ctx;
};

struct pg_block *pgsnapshot_take(struct pgstore *s, struct err *err)
{
    if (s->snapshot)
        return s->snapshot;
    struct pg_block *db = pg_block_open(s->url, "tidelock load", !s->read_only, DEADLINE_US, err);
    if (db && pg_block_exec(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err))
        return s->snapshot = db;
    pg_block_close(db);
    return NULL;
}

void pgsnapshot_drop(struct pgstore *s)
{
    pg_block_close(s->snapshot);
    s->snapshot = NULL;
}

static bool take_row(void *ctx, const struct pg_rows *rows, struct err *err)
{
    struct walk *walk = ctx;
    arena_reset(&walk->texts);
    return pgrows_read(rows, 0, walk->table, walk->row, &walk->texts, err) &&
           walk->each_row(walk->ctx, walk->row, err);
}

static bool take_event(void *ctx, const struct pg_rows *rows, struct err *err)
{
    struct walk *walk = ctx;
    struct event event;
    return pgrows_read_event(rows, 0, &event, err) && walk->each_event(walk->ctx, &event, err);
}

bool pgsnapshot_rows(struct store *store, const struct store_query *query,
                     bool (*each)(void *ctx, const void *row, struct err *err), void *ctx,
                     struct err *err)
{
    struct pg_block *db = pgsnapshot_take((struct pgstore *)store, err);
    struct walk walk = {.table = &tables[query->table], .each_row = each, .ctx = ctx};
    struct filter filter;
    struct arena arena;
    struct str sql = STR_EMPTY;
    struct pg_args args = {0};
    arena_init(&arena, 0);
    arena_init(&walk.texts, 0);
    bool ok = db && filter_read(&filter, query, &arena, err);
    if (ok) {
        walk.row = mem_alloc(walk.table->row_size);
        pgrows_select(&filter, query->limit > 0, &sql, &args);
        ok = pg_block_query(db, str_text(&sql), &args, take_row, &walk, err);
    }
    mem_free(walk.row);
    str_free(&sql);
    pg_args_free(&args);
    arena_free(&walk.texts);
    arena_free(&arena);
    return ok;
}

bool pgsnapshot_events(struct store *store, const struct store_events_query *query,
                       bool (*each)(void *ctx, const struct event *event, struct err *err),
                       void *ctx, struct err *err)
{
    struct pg_block *db = pgsnapshot_take((struct pgstore *)store, err);
    struct walk walk = {.each_event = each, .ctx = ctx};
    struct str sql = STR_EMPTY;
    struct pg_args args = {0};
    pgrows_select_events(query, query->limit, &sql, &args);
    bool ok = db && pg_block_query(db, str_text(&sql), &args, take_event, &walk, err);
    str_free(&sql);
    pg_args_free(&args);
    return ok;
}
