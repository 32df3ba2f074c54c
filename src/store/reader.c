/* Queries become SQL with parameters; the text is made anew each time, the statement is kept by it.
 */
#include "store/reader.h"

#include "store/rows.h"

#include <string.h>

#define LIMIT_DEFAULT 1000

struct reader {
    struct sqlite *db;
    struct str sql;
};

struct reader *reader_open(const char *path, struct err *err)
{
    struct sqlite *db = sqlite_open(path, SQLITE_MODE_READ, err);
    if (!db)
        return NULL;
    struct reader *reader = mem_alloc(sizeof *reader);
    reader->db = db;
    return reader;
}

void reader_close(struct reader *reader)
{
    if (!reader)
        return;
    sqlite_close(reader->db, NULL);
    str_free(&reader->sql);
    mem_free(reader);
}

struct sqlite *reader_db(struct reader *reader)
{
    return reader->db;
}

/* ---- rows ---- */

static struct sqlite_statement *ask_rows(struct reader *reader, struct filter *filter,
                                         const struct store_query *query, bool limited,
                                         struct arena *arena, struct err *err)
{
    if (!filter_read(filter, query, arena, err))
        return NULL;
    str_clear(&reader->sql);
    rows_select_sql(filter, limited, &reader->sql);
    struct sqlite_statement *st = sqlite_prepare(reader->db, str_text(&reader->sql), err);
    if (st)
        rows_bind_filter(st, filter, limited, arena);
    return st;
}

/* A list in an arena: it doubles, the old half is left behind. */
static void *grow(struct arena *arena, void *list, size_t count, size_t size, size_t *room)
{
    if (count < *room)
        return list;
    *room = *room ? *room * 2 : 16;
    void *larger = arena_alloc(arena, *room * size);
    if (count)
        memcpy(larger, list, count * size);
    return larger;
}

bool reader_rows(struct reader *reader, const struct store_query *query, struct arena *arena,
                 struct store_rows *out, struct err *err)
{
    struct filter filter;
    const void **rows = NULL;
    size_t count = 0, room = 0;
    bool more;
    struct sqlite_statement *st = ask_rows(reader, &filter, query, true, arena, err);
    if (!st)
        return false;
    for (;;) {
        if (!sqlite_step(st, &more, err))
            return false;
        if (!more)
            break;
        void *row = arena_alloc(arena, filter.table->row_size);
        if (!rows_read(st, filter.table, row, arena, err)) {
            sqlite_reset(st);
            return false;
        }
        rows = grow(arena, rows, count, sizeof *rows, &room);
        rows[count++] = row;
    }
    *out = (struct store_rows){.table = filter.table, .count = count, .rows = rows};
    return true;
}

bool reader_each_row(struct reader *reader, const struct store_query *query,
                     bool (*each)(void *ctx, const void *row, struct err *err), void *ctx,
                     struct err *err)
{
    struct filter filter;
    struct arena conditions, texts;
    bool more = true, ok;
    arena_init(&conditions, 0);
    arena_init(&texts, 0);
    struct sqlite_statement *st =
        ask_rows(reader, &filter, query, query->limit > 0, &conditions, err);
    ok = st != NULL;
    void *row = ok ? mem_alloc(filter.table->row_size) : NULL;
    while (ok) {
        ok = sqlite_step(st, &more, err);
        if (!ok || !more)
            break;
        arena_reset(&texts);
        ok = rows_read(st, filter.table, row, &texts, err) && each(ctx, row, err);
        if (!ok)
            sqlite_reset(st);
    }
    mem_free(row);
    arena_free(&texts);
    arena_free(&conditions);
    return ok;
}

/* ---- events ---- */

/* The index of subjects is held together by 1,024 events (see the schema): each thousand is asked.
 */
static void put_events_source(const struct store_events_query *query, struct str *sql)
{
    if (query->subject)
        str_puts(sql, "WITH RECURSIVE part(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM part "
                      "WHERE n<(SELECT max(seq)/1024 FROM events)) ");
    str_puts(sql, "SELECT seq, at, kind, subject, instance, term, body, hash FROM ");
    str_puts(sql, query->subject ? "part CROSS JOIN events WHERE seq/1024=n AND subject=?"
                                 : "events WHERE 1");
}

static void put_events_sql(const struct store_events_query *query, bool limited, struct str *sql)
{
    put_events_source(query, sql);
    if (query->after_seq)
        str_puts(sql, query->descending ? " AND seq<?" : " AND seq>?");
    if (query->from_us)
        str_puts(sql, " AND at>=?");
    if (query->until_us)
        str_puts(sql, " AND at<?");
    if (query->kind_prefix)
        str_puts(sql, " AND substr(kind,1,?)=?");
    str_puts(sql, query->descending ? " ORDER BY seq DESC" : " ORDER BY seq");
    if (limited)
        str_puts(sql, " LIMIT ?");
}

static struct sqlite_statement *ask_events(struct reader *reader,
                                           const struct store_events_query *query, size_t limit,
                                           struct err *err)
{
    int index = 0;
    str_clear(&reader->sql);
    put_events_sql(query, limit > 0, &reader->sql);
    struct sqlite_statement *st = sqlite_prepare(reader->db, str_text(&reader->sql), err);
    if (!st)
        return NULL;
    if (query->subject)
        sqlite_bind_text(st, ++index, query->subject);
    if (query->after_seq)
        sqlite_bind_int(st, ++index, query->after_seq);
    if (query->from_us)
        sqlite_bind_int(st, ++index, query->from_us);
    if (query->until_us)
        sqlite_bind_int(st, ++index, query->until_us);
    if (query->kind_prefix) {
        sqlite_bind_int(st, ++index, (int64_t)strlen(query->kind_prefix));
        sqlite_bind_text(st, ++index, query->kind_prefix);
    }
    if (limit)
        sqlite_bind_int(st, ++index, (int64_t)limit);
    return st;
}

static const char *text_or_empty(struct sqlite_statement *st, int column)
{
    const char *text = sqlite_text(st, column);
    return text ? text : "";
}

/* Texts point into the statement. A hash of another length reads as zeros: the chain will not hold.
 */
static void read_event(struct sqlite_statement *st, struct event *event)
{
    size_t length;
    *event = (struct event){
        .seq = sqlite_int(st, 0),
        .at_us = sqlite_int(st, 1),
        .kind = text_or_empty(st, 2),
        .subject = text_or_empty(st, 3),
        .instance = text_or_empty(st, 4),
        .term = sqlite_int(st, 5),
        .body = text_or_empty(st, 6),
    };
    const void *hash = sqlite_blob(st, 7, &length);
    if (length == sizeof event->hash)
        memcpy(event->hash, hash, length);
}

static void copy_event(struct event *to, const struct event *from, struct arena *arena)
{
    *to = *from;
    to->kind = arena_text(arena, from->kind);
    to->subject = arena_text(arena, from->subject);
    to->instance = arena_text(arena, from->instance);
    to->body = arena_text(arena, from->body);
}

bool reader_events(struct reader *reader, const struct store_events_query *query,
                   struct arena *arena, struct store_events *out, struct err *err)
{
    struct event *list = NULL, event;
    size_t count = 0, room = 0;
    bool more;
    struct sqlite_statement *st =
        ask_events(reader, query, query->limit ? query->limit : LIMIT_DEFAULT, err);
    if (!st)
        return false;
    for (;;) {
        if (!sqlite_step(st, &more, err))
            return false;
        if (!more)
            break;
        read_event(st, &event);
        list = grow(arena, list, count, sizeof *list, &room);
        copy_event(&list[count++], &event, arena);
    }
    *out = (struct store_events){.count = count, .list = list};
    return true;
}

bool reader_each_event(struct reader *reader, const struct store_events_query *query,
                       bool (*each)(void *ctx, const struct event *event, struct err *err),
                       void *ctx, struct err *err)
{
    struct event event;
    bool more;
    struct sqlite_statement *st = ask_events(reader, query, query->limit, err);
    if (!st)
        return false;
    for (;;) {
        if (!sqlite_step(st, &more, err))
            return false;
        if (!more)
            return true;
        read_event(st, &event);
        if (!each(ctx, &event, err)) {
            sqlite_reset(st);
            return false;
        }
    }
}

/* The fencing number that stands must be the one the log tells. */
static bool check_term(struct reader *reader, struct str *report, size_t *faults, struct err *err)
{
    int64_t stands, told;
    if (!sqlite_query_int(reader->db, "SELECT value FROM meta WHERE key='term'", &stands, err) ||
        !sqlite_query_int(reader->db,
                          "SELECT coalesce(max(term),0) FROM events WHERE kind='term.begun'", &told,
                          err))
        return false;
    if (stands != told) {
        str_printf(report, "meta: the term is %lld, the log says %lld\n", (long long)stands,
                   (long long)told);
        ++*faults;
    }
    return true;
}

bool reader_check(struct reader *reader, struct str *report, size_t *faults, struct err *err)
{
    bool more;
    struct sqlite_statement *st = sqlite_prepare(reader->db, "PRAGMA integrity_check(20)", err);
    if (!st)
        return false;
    for (;;) {
        if (!sqlite_step(st, &more, err))
            return false;
        if (!more)
            return check_term(reader, report, faults, err);
        const char *said = sqlite_text(st, 0);
        if (said && strcmp(said, "ok") != 0) {
            str_printf(report, "file: %s\n", said);
            ++*faults;
        }
    }
}
