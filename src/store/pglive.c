/* The list of the living, as far as this instance has written it: which keys stand on which of its
 * rows. Nothing of it is needed to be right: a start forgets it, and the sweep does the rest. */
#include "store/pglive.h"

#include "base/keyed.h"
#include "store/pgrows.h"

#include <assert.h>

/* A row of the list: the keys of one table that one commit brought to life. */
struct group {
    struct group *next; /* of those that are over */
    enum table_id table;
    int64_t mark;
    size_t size, left;
};
struct living {
    UT_hash_handle hh;
    struct group *group;
    char name[PGROWS_NAME];
};
struct noted {
    const struct table *table;
    const void *row;
    bool born; /* else it has ended */
};

static const struct listed {
    enum table_id table;
    const char *time;
} listed[] = {
    {TABLE_SIGNAL, "received_at"},
    {TABLE_ORDER, "created_at"},
    {TABLE_POSITION, "opened_at"},
};
#define LISTED (sizeof listed / sizeof *listed)

struct pglive {
    struct living *living;
    struct spares spares; /* of those */
    struct group *over;   /* newest first */
    size_t over_count, taking_off;
    struct noted *noted; /* of the batch at hand */
    size_t noted_count, noted_room, born[LISTED];
    int64_t mark;
};

struct pglive *pglive_new(void)
{
    struct pglive *live = mem_alloc(sizeof *live);
    live->spares.size = sizeof(struct living);
    return live;
}

static void free_groups(struct group *groups)
{
    for (struct group *next; groups; groups = next) {
        next = groups->next;
        mem_free(groups);
    }
}

static void forget(struct pglive *live, struct living *living)
{
    struct group *group = living->group;
    HASH_DEL(live->living, living);
    spares_give(&live->spares, living);
    if (--group->left > 0)
        return;
    group->next = live->over;
    live->over = group;
    live->over_count++;
}

void pglive_free(struct pglive *live)
{
    struct living *living, *next;
    if (!live)
        return;
    HASH_ITER(hh, live->living, living, next)
    forget(live, living);
    spares_free(&live->spares);
    free_groups(live->over);
    mem_free(live->noted);
    mem_free(live);
}

/* ---- a batch ---- */

void pglive_begin(struct pglive *live)
{
    live->noted_count = 0;
    live->taking_off = 0;
    memset(live->born, 0, sizeof live->born);
}

void pglive_note(struct pglive *live, const struct table *table, const void *before,
                 const void *after)
{
    bool was = before && pgrows_listed(table, before), is = pgrows_listed(table, after);
    if (was == is)
        return;
    if (live->noted_count == live->noted_room) {
        live->noted_room = live->noted_room ? live->noted_room * 2 : 256;
        live->noted = mem_realloc(live->noted, live->noted_room * sizeof *live->noted);
    }
    live->noted[live->noted_count++] = (struct noted){table, after, is};
    for (size_t i = 0; i < LISTED; i++)
        live->born[i] += is && listed[i].table == table->id;
}

static void put_keys(const struct pglive *live, size_t which, struct pg_args *args)
{
    const struct table *table = &tables[listed[which].table];
    pg_array_begin(args, PG_TEXT, live->born[which]);
    for (size_t i = 0; i < live->noted_count; i++)
        if (live->noted[i].born && live->noted[i].table == table)
            pg_array_text(args, row_key(table, live->noted[i].row));
    pg_array_end(args);
}

static void put_times(const struct pglive *live, size_t which, struct pg_args *args)
{
    const struct table *table = &tables[listed[which].table];
    const struct column *at = column_find(table, listed[which].time, NULL);
    pg_array_begin(args, PG_INT, live->born[which]);
    for (size_t i = 0; i < live->noted_count; i++)
        if (live->noted[i].born && live->noted[i].table == table) {
            int64_t at_us;
            memcpy(&at_us, (const char *)live->noted[i].row + at->offset, sizeof at_us);
            pg_array_int(args, at_us);
        }
    pg_array_end(args);
}

static void put_births(const struct pglive *live, struct pg *pg, struct pg_args *args)
{
    size_t count = 0;
    pg_args_clear(args);
    pg_arg_int(args, live->mark);
    for (size_t i = 0; i < LISTED; i++) {
        put_keys(live, i, args);
        put_times(live, i, args);
        count += live->born[i];
    }
    if (count > 0)
        pg_put(pg, "live",
               "INSERT INTO live SELECT t,i,a,$1::bigint FROM (VALUES "
               "('signals',$2::text[],$3::bigint[]),('orders',$4::text[],$5::bigint[]),"
               "('positions',$6::text[],$7::bigint[])) AS v(t,i,a) WHERE cardinality(i)>0",
               args);
}

/* A sweep may hold some of them: it is not waited for, and finds out by itself. */
static void put_ends(struct pglive *live, struct pg *pg, struct pg_args *args)
{
    live->taking_off = live->over_count;
    if (!live->over)
        return;
    pg_args_clear(args);
    pg_array_begin(args, PG_INT, live->over_count);
    for (const struct group *group = live->over; group; group = group->next)
        pg_array_int(args, group->mark);
    pg_array_end(args);
    pg_array_begin(args, PG_TEXT, live->over_count);
    for (const struct group *group = live->over; group; group = group->next)
        pg_array_text(args, tables[group->table].name);
    pg_array_end(args);
    pg_put(pg, "over",
           "DELETE FROM live WHERE ctid=ANY(ARRAY(SELECT l.ctid FROM live AS l,(SELECT "
           "unnest($1::bigint[]) AS mark,unnest($2::text[]) AS tab) AS o WHERE l.mark=o.mark AND "
           "l.tab=o.tab FOR UPDATE OF l SKIP LOCKED))",
           args);
}

void pglive_put(struct pglive *live, int64_t mark, struct pg *pg, struct pg_args *args)
{
    live->mark = mark;
    put_births(live, pg, args);
    put_ends(live, pg, args);
}

/* ---- after it ---- */

static void begin_life(struct pglive *live, const struct noted *noted, struct group *group)
{
    struct living *living = spares_take(&live->spares);
    size_t length = pgrows_name(living->name, noted->table, row_key(noted->table, noted->row));
    living->group = group;
    HASH_ADD_KEYPTR(hh, live->living, living->name, length, living);
}

static void end_life(struct pglive *live, const struct noted *noted)
{
    char name[PGROWS_NAME];
    size_t length = pgrows_name(name, noted->table, row_key(noted->table, noted->row));
    struct living *living;
    HASH_FIND(hh, live->living, name, length, living);
    if (living) /* else another instance or another start of this one has listed it */
        forget(live, living);
}

static int64_t drop_taken_off(struct pglive *live)
{
    int64_t keys = 0;
    assert(live->taking_off == live->over_count);
    for (const struct group *group = live->over; group; group = group->next)
        keys += (int64_t)group->size;
    free_groups(live->over);
    live->over = NULL;
    live->over_count = 0;
    return keys;
}

int64_t pglive_commit(struct pglive *live)
{
    struct group *groups[LISTED] = {0};
    int64_t grown = live->taking_off ? -drop_taken_off(live) : 0;
    for (size_t i = 0; i < LISTED; i++) {
        grown += (int64_t)live->born[i];
        if (!live->born[i])
            continue;
        groups[i] = mem_alloc(sizeof *groups[i]);
        *groups[i] = (struct group){.table = listed[i].table,
                                    .mark = live->mark,
                                    .size = live->born[i],
                                    .left = live->born[i]};
    }
    for (size_t n = 0; n < live->noted_count; n++) {
        const struct noted *noted = &live->noted[n];
        if (!noted->born)
            end_life(live, noted);
        for (size_t i = 0; noted->born && i < LISTED; i++)
            if (listed[i].table == noted->table->id)
                begin_life(live, noted, groups[i]);
    }
    pglive_begin(live);
    return grown;
}
