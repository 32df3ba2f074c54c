/* Why: people must see their positions while the database is away. What this instance has in memory
 * is all that is open and live; what has ended, and what others did meanwhile, is not in it, so
 * every such answer says how old it may be. */
#include "serve/parts.h"
#include "store/filter.h"
#include <string.h>

bool stale_rows(struct serve *serve, const struct store_query *query, struct waiter to)
{
    struct away_view away;
    struct filter filter;
    struct arena arena;
    struct err err;
    if (!core_away(serve->core, &away))
        return false;
    struct book *book = query->table == TABLE_STAT ? serve->core->stats : serve->core->book;
    struct filter_rows found = {0};
    arena_init(&arena, 4096);
    if (filter_read(&filter, query, &arena, &err)) {
        filter_book(&filter, book, &found);
        struct store_rows rows = {.table = filter.table,
                                  .count = found.count < filter.limit ? found.count : filter.limit,
                                  .rows = found.rows};
        wait_answer(to, NULL, &rows);
    } else {
        wait_answer(to, &err, NULL);
    }
    mem_free(found.rows);
    arena_free(&arena);
    return true;
}

bool stale_since(const struct serve *serve, char at[CALENDAR_TEXT_MAX])
{
    struct away_view away;
    if (!core_away(serve->core, &away))
        return false;
    calendar_print(away.since_us, at);
    return true;
}

void stale_json(const struct serve *serve, struct str *out)
{
    char at[CALENDAR_TEXT_MAX];
    bool stale = stale_since(serve, at);
    str_printf(out, "\"stale\":%s,\"stale_since\":", stale ? "true" : "false");
    str_put_json(out, stale ? at : NULL);
}
