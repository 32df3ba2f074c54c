/* One batch, one transaction.
 *
 * The quick way: every write of the batch in turn. Its checks that need no statement come first,
 * then its rows, then its events; so a write that is refused has usually touched nothing and the
 * others go on. When one fails after it touched something, everything is rolled back and done again
 * the careful way: a savepoint around each write. Savepoints cost copies of every touched page,
 * which is why they are not the rule.
 *
 * Rows that every fill changes (account, pyramiding state, ...) are "hot": in the quick way their
 * versions are checked in memory and only their last image is written, once per batch, before
 * COMMIT. */
#include "store/writer.h"

#include "store/fence.h"
#include "store/hot.h"
#include "store/rows.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define UPDATES_KEPT 24 /* kinds of updates a table keeps a statement for */

struct update_kind {
    uint32_t mask;
    struct sqlite_statement *statement;
};
struct table_statements {
    struct sqlite_statement *insert, *version;
    struct update_kind updates[UPDATES_KEPT];
    size_t update_count;
};
/* Where the chain stands. */
struct end {
    int64_t seq, term;
    uint8_t hash[SHA256_SIZE];
};
/* All changes of one write to one row, as one. */
struct merged {
    const struct table *table;
    const void *before, *after;
};

struct writer {
    struct sqlite *db;
    char *path, *instance;
    const struct clock *clock;
    struct sha256 *sha;
    struct str sql, body;
    struct rows_scratch scratch;
    struct table_statements tables[TABLE_COUNT];
    struct sqlite_statement *insert_event;
    struct hot *hot;
    struct end end;
    struct book *fence; /* living instances and leases, as of `end` */
    bool stale; /* `end` must be read again: a batch failed and its outcome may differ from ours */
    bool fence_stale;
    bool careful;
    bool touched;       /* the write at hand has changed something in the transaction */
    int64_t statements; /* since the log was last moved into the file */
    struct writer_state state;
};

/* A failure that is this write's own; anything else is the database's and ends the batch. */
static bool is_own_fault(const struct err *err)
{
    return err->code == ERR_DUPLICATE || err->code == ERR_CONFLICT || err->code == ERR_FENCED ||
           err->code == ERR_INPUT;
}

/* ---- statements ---- */

static struct sqlite_statement *insert_statement(struct writer *writer, const struct table *table,
                                                 struct err *err)
{
    struct table_statements *kept = &writer->tables[table->id];
    if (!kept->insert) {
        str_clear(&writer->sql);
        rows_insert_sql(table, &writer->sql);
        kept->insert = sqlite_prepare(writer->db, str_text(&writer->sql), err);
    }
    return kept->insert;
}

/* *mask grows to all columns when there are too many kinds already. */
static struct sqlite_statement *update_statement(struct writer *writer, const struct table *table,
                                                 uint32_t *mask, struct err *err)
{
    struct table_statements *kept = &writer->tables[table->id];
    if (kept->update_count >= UPDATES_KEPT - 1)
        *mask = (uint32_t)((1ull << table->column_count) - 2);
    for (size_t i = 0; i < kept->update_count; i++)
        if (kept->updates[i].mask == *mask)
            return kept->updates[i].statement;
    assert(kept->update_count < UPDATES_KEPT);
    str_clear(&writer->sql);
    rows_update_sql(table, *mask, &writer->sql);
    struct sqlite_statement *statement = sqlite_prepare(writer->db, str_text(&writer->sql), err);
    if (statement)
        kept->updates[kept->update_count++] = (struct update_kind){*mask, statement};
    return statement;
}

/* The version of the row that stands, -1: none. */
static bool read_version(struct writer *writer, const struct table *table, const char *key,
                         int64_t *version, struct err *err)
{
    struct table_statements *kept = &writer->tables[table->id];
    bool row;
    if (!kept->version) {
        str_clear(&writer->sql);
        str_printf(&writer->sql, "SELECT %s FROM %s WHERE %s=?",
                   table->columns[table->version_column].name, table->name, table->columns[0].name);
        kept->version = sqlite_prepare(writer->db, str_text(&writer->sql), err);
        if (!kept->version)
            return false;
    }
    sqlite_bind_text(kept->version, 1, key);
    if (!sqlite_step(kept->version, &row, err))
        return false;
    *version = row ? sqlite_int(kept->version, 0) : -1;
    sqlite_reset(kept->version);
    return true;
}

static bool insert_row(struct writer *writer, const struct merged *change, struct err *err)
{
    struct sqlite_statement *statement = insert_statement(writer, change->table, err);
    if (!statement)
        return false;
    rows_bind_all(statement, change->table, change->after, &writer->scratch);
    writer->statements++;
    if (!sqlite_run(statement, err)) {
        if (err->code == ERR_DUPLICATE)
            refuse_duplicate(err, change->table, row_key(change->table, change->after));
        return false;
    }
    writer->touched = true;
    return true;
}

static bool refuse_update(struct writer *writer, const struct merged *change, struct err *err)
{
    int64_t version = -1;
    const struct change asked = {change->table, change->before, change->after};
    if (!read_version(writer, change->table, row_key(change->table, change->after), &version, err))
        return false;
    return refuse_conflict(err, &asked, version);
}

static bool update_row(struct writer *writer, const struct merged *change, struct err *err)
{
    const struct table *table = change->table;
    uint32_t mask = rows_changed(table, change->before, change->after);
    struct sqlite_statement *statement = update_statement(writer, table, &mask, err);
    if (!statement)
        return false;
    int index = 1;
    for (size_t i = 0; i < table->column_count; i++)
        if (mask & 1u << i)
            rows_bind(statement, index++, table, i, change->after, &writer->scratch);
    sqlite_bind_text(statement, index, row_key(table, change->after));
    sqlite_bind_int(statement, index + 1, row_version(table, change->before));
    writer->statements++;
    if (!sqlite_run(statement, err))
        return false;
    if (sqlite_changes(writer->db) == 0)
        return refuse_update(writer, change, err);
    writer->touched = true;
    return true;
}

static bool write_row(struct writer *writer, const struct merged *change, struct err *err)
{
    return change->before ? update_row(writer, change, err) : insert_row(writer, change, err);
}

/* ---- events ---- */

static bool write_event(struct writer *writer, const struct store_event *from, const char *body,
                        int64_t term, struct err *err)
{
    struct sqlite_statement *statement = writer->insert_event;
    const struct event *origin = from->origin;
    if (origin)
        body = origin->body;
    if (!body) {
        str_clear(&writer->body);
        event_body(&writer->body, from->cause, from->changes, from->change_count);
        body = str_text(&writer->body);
    }
    struct event event = {.seq = writer->end.seq + 1,
                          .at_us = from->at_us,
                          .kind = from->kind,
                          .subject = from->subject,
                          .instance = origin ? origin->instance : writer->instance,
                          .term = origin ? origin->term : term,
                          .body = body};
    event_hash(writer->sha, writer->end.hash, &event, event.hash);
    sqlite_bind_int(statement, 1, event.seq);
    sqlite_bind_int(statement, 2, event.at_us);
    sqlite_bind_text(statement, 3, event.kind);
    sqlite_bind_text(statement, 4, event.subject);
    sqlite_bind_text(statement, 5, event.instance);
    sqlite_bind_int(statement, 6, event.term);
    sqlite_bind_text(statement, 7, event.body);
    sqlite_bind_blob(statement, 8, event.hash, sizeof event.hash);
    writer->statements++;
    if (!sqlite_run(statement, err)) {
        /* Somebody else wrote to the log: nobody's write is at fault. */
        if (err->code == ERR_DUPLICATE)
            err_set(err, ERR_LATER, ERR_CORRUPT, "%s: event %" PRId64 " stands already",
                    writer->path, event.seq);
        return false;
    }
    writer->touched = true;
    writer->end.seq = event.seq;
    memcpy(writer->end.hash, event.hash, sizeof event.hash);
    return true;
}

/* ---- the fence ---- */

static void apply_fence(struct writer *writer, const struct store_write *write)
{
    for (size_t e = 0; e < write->event_count; e++)
        for (size_t i = 0; i < write->events[e].change_count; i++) {
            const struct change *change = &write->events[e].changes[i];
            fence_apply(writer->fence, change);
            if (change->table->id == TABLE_MEMBER &&
                ((const struct member *)change->after)->term > writer->end.term)
                writer->end.term = ((const struct member *)change->after)->term;
        }
}

static bool read_fence_rows(struct writer *writer, enum table_id table, struct err *err)
{
    struct filter filter;
    struct arena arena;
    bool more = true;
    struct store_query query = {.table = table};
    if (table == TABLE_MEMBER)
        query =
            (struct store_query){.table = table,
                                 .where = {{.column = "state", .op = STORE_EQ, .value = "alive"}},
                                 .where_count = 1};
    arena_init(&arena, 0);
    bool ok = filter_read(&filter, &query, &arena, err);
    str_clear(&writer->sql);
    if (ok)
        rows_select_sql(&filter, false, &writer->sql);
    struct sqlite_statement *st =
        ok ? sqlite_prepare(writer->db, str_text(&writer->sql), err) : NULL;
    ok = st != NULL;
    if (ok)
        rows_bind_filter(st, &filter, false, &arena);
    while (ok && (ok = sqlite_step(st, &more, err)) && more) {
        void *row = arena_alloc(&arena, filter.table->row_size);
        ok = rows_read(st, filter.table, row, &arena, err);
        if (ok)
            book_put(writer->fence, table, row);
        else
            sqlite_reset(st);
    }
    arena_free(&arena);
    return ok;
}

static bool read_fence(struct writer *writer, struct err *err)
{
    book_free(writer->fence);
    writer->fence = book_new();
    writer->fence_stale =
        !read_fence_rows(writer, TABLE_MEMBER, err) || !read_fence_rows(writer, TABLE_LEASE, err);
    return !writer->fence_stale;
}

/* ---- one write ---- */

static struct merged *find_merged(struct merged *list, size_t count, const struct change *change)
{
    for (size_t i = count; i-- > 0;)
        if (list[i].table == change->table && strcmp(row_key(change->table, list[i].after),
                                                     row_key(change->table, change->after)) == 0)
            return &list[i];
    return NULL;
}

/* Adds a change to the list, checking it against those before. A state that went two edges in one
 * write keeps both, since the table's trigger knows only single ones. */
static bool merge_change(struct merged *list, size_t *count, const struct change *change,
                         struct err *err)
{
    const struct table *table = change->table;
    struct merged *earlier = find_merged(list, *count, change);
    if (!change_check(change, err))
        return false;
    if (earlier && !change->before)
        return refuse_duplicate(err, table, row_key(table, change->after));
    if (earlier && row_version(table, earlier->after) != row_version(table, change->before))
        return refuse_conflict(err, change, row_version(table, earlier->after));
    if (earlier && (!earlier->before || change_edge_legal(table, earlier->before, change->after)))
        earlier->after = change->after;
    else
        list[(*count)++] = (struct merged){table, change->before, change->after};
    return true;
}

static bool merge_write(struct writer_item *item, struct merged **list, size_t *count,
                        struct err *err)
{
    const struct store_write *write = &item->pending.write;
    size_t changes = 0;
    for (size_t e = 0; e < write->event_count; e++)
        changes += write->events[e].change_count;
    *list = arena_alloc(&item->pending.arena, changes * sizeof **list);
    *count = 0;
    for (size_t e = 0; e < write->event_count; e++)
        for (size_t i = 0; i < write->events[e].change_count; i++)
            if (!merge_change(*list, count, &write->events[e].changes[i], err))
                return false;
    return true;
}

static bool is_hot(const struct writer *writer, const struct merged *change)
{
    return !writer->careful && hot_takes(change->table->id);
}

static bool check_hot(struct writer *writer, const struct merged *change, struct err *err)
{
    const struct table *table = change->table;
    const char *key = row_key(table, change->after);
    int64_t version;
    if (!hot_version(writer->hot, table, key, &version)) {
        if (!read_version(writer, table, key, &version, err))
            return false;
        hot_learn(writer->hot, table, key, version);
    }
    if (!change->before)
        return version < 0 || refuse_duplicate(err, table, key);
    const struct change asked = {table, change->before, change->after};
    return version == row_version(table, change->before) || refuse_conflict(err, &asked, version);
}

static bool write_item(struct writer *writer, struct writer_item *item, struct err *err)
{
    const struct store_write *write = &item->pending.write;
    struct merged *list;
    size_t count;
    writer->touched = false;
    if (!fence_check(writer->fence, write, err) || !check_origins(write, writer->end.seq, err))
        return false;
    if (!merge_write(item, &list, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (is_hot(writer, &list[i]) && !check_hot(writer, &list[i], err))
            return false;
    for (size_t i = 0; i < count; i++)
        if (!is_hot(writer, &list[i]) && !write_row(writer, &list[i], err))
            return false;
    for (size_t i = 0; i < count; i++)
        if (is_hot(writer, &list[i]))
            hot_change(writer->hot, list[i].table, list[i].before, list[i].after);
    for (size_t e = 0; e < write->event_count; e++)
        if (!write_event(writer, &write->events[e],
                         item->pending.bodies ? item->pending.bodies[e] : NULL, write->term, err))
            return false;
    apply_fence(writer, write);
    item->pending.seq = writer->end.seq;
    return true;
}

/* ---- one batch ---- */

static bool flush_hot(void *ctx, const struct table *table, const void *before, const void *after,
                      struct err *err)
{
    return write_row(ctx, &(struct merged){table, before, after}, err);
}

/* False with *again: the careful way must be taken. False otherwise: the database failed. */
static bool write_quickly(struct writer *writer, struct writer_item *const *items, size_t count,
                          bool *again, struct err *err)
{
    *again = false;
    for (size_t i = 0; i < count; i++) {
        struct err *own = &items[i]->pending.err;
        err_clear(own);
        if (write_item(writer, items[i], own))
            continue;
        *again = is_own_fault(own) && writer->touched;
        if (*again)
            return false;
        if (!is_own_fault(own)) {
            *err = *own;
            return false;
        }
    }
    if (hot_flush(writer->hot, flush_hot, writer, err))
        return true;
    *again = is_own_fault(err);
    return false;
}

static bool write_carefully(struct writer *writer, struct writer_item *const *items, size_t count,
                            struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct err *own = &items[i]->pending.err;
        struct end before = writer->end;
        err_clear(own);
        if (!sqlite_savepoint_set(writer->db, err))
            return false;
        if (write_item(writer, items[i], own)) {
            if (!sqlite_savepoint_keep(writer->db, err))
                return false;
            continue;
        }
        if (!is_own_fault(own)) {
            *err = *own;
            return false;
        }
        if (!sqlite_savepoint_undo(writer->db, err))
            return false;
        writer->end = before;
    }
    return true;
}

static bool read_end(struct writer *writer, struct err *err)
{
    bool row;
    struct end end = {0};
    struct sqlite_statement *st =
        sqlite_prepare(writer->db, "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1", err);
    if (!st || !sqlite_step(st, &row, err))
        return false;
    if (row) {
        size_t length;
        end.seq = sqlite_int(st, 0);
        const void *hash = sqlite_blob(st, 1, &length);
        if (length != sizeof end.hash)
            return err_set(err, ERR_REFUSED, ERR_CORRUPT,
                           "%s: event %" PRId64 " has no hash; restore the last backup",
                           writer->path, end.seq);
        memcpy(end.hash, hash, sizeof end.hash);
        sqlite_reset(st);
    }
    /* Terms of before there were instances stand in meta. */
    if (!sqlite_query_int(writer->db,
                          "SELECT max((SELECT coalesce(max(term),0) FROM instances),"
                          "(SELECT CAST(value AS INTEGER) FROM meta WHERE key='term'))",
                          &end.term, err))
        return false;
    writer->end = end;
    writer->stale = false;
    return true;
}

static bool write_batch(struct writer *writer, struct writer_item *const *items, size_t count,
                        struct err *err)
{
    struct end before;
    bool again = false;
    writer->careful = false;
    if (!sqlite_begin(writer->db, err))
        return false;
    if (writer->stale && !read_end(writer, err))
        return false;
    if (writer->fence_stale && !read_fence(writer, err))
        return false;
    before = writer->end;
    if (write_quickly(writer, items, count, &again, err))
        return true;
    if (!again)
        return false;
    sqlite_rollback(writer->db);
    hot_clear(writer->hot);
    writer->end = before;
    writer->careful = true;
    return sqlite_begin(writer->db, err) && read_fence(writer, err) &&
           write_carefully(writer, items, count, err);
}

/* After a COMMIT of which it is not known whether it happened: the log itself tells. */
static bool look_up_commit(struct writer *writer, struct err *err)
{
    struct end ours = writer->end;
    struct err why = {0};
    if (!read_end(writer, &why))
        return false; /* still not known: MAYBE_DONE stands */
    if (writer->end.seq == ours.seq && memcmp(writer->end.hash, ours.hash, SHA256_SIZE) == 0)
        return true;
    err->class = ERR_LATER;
    return false;
}

static void fail_all(struct writer *writer, struct writer_item *const *items, size_t count,
                     struct err *err)
{
    sqlite_rollback(writer->db);
    writer->stale = writer->fence_stale = true;
    /* A file that cannot be written now may be writable again; nothing is wrong with the writes. */
    if (err->class != ERR_MAYBE_DONE && err->code != ERR_CORRUPT)
        err->class = ERR_LATER;
    for (size_t i = 0; i < count; i++)
        items[i]->pending.err = *err;
}

void writer_commit(struct writer *writer, struct writer_item *const *items, size_t count)
{
    struct err err = {0};
    int64_t began_us = clock_steady(writer->clock);
    bool done = write_batch(writer, items, count, &err);
    if (done && !sqlite_commit(writer->db, &err))
        done = err.class == ERR_MAYBE_DONE && look_up_commit(writer, &err);
    if (!done)
        fail_all(writer, items, count, &err);
    if (done)
        hot_settle(writer->hot);
    else
        hot_clear(writer->hot);
    writer->state.commit_us = clock_steady(writer->clock) - began_us;
    if (done) {
        err_clear(&writer->state.trouble);
        writer->state.writes += (int64_t)count;
        writer->state.seq = writer->end.seq;
        writer->state.term = writer->end.term;
    } else {
        writer->state.trouble = err;
    }
}

void writer_state(const struct writer *writer, struct writer_state *out)
{
    *out = writer->state;
}

int64_t writer_statements(const struct writer *writer)
{
    return writer->statements;
}

/* A reader's snapshot may keep part of the log; the next time takes it. */
void writer_tidy(struct writer *writer)
{
    struct sqlite_statement *st =
        sqlite_prepare(writer->db, "PRAGMA wal_checkpoint(PASSIVE)", NULL);
    if (st && sqlite_run(st, NULL))
        writer->statements = 0;
}

struct writer *writer_new(struct sqlite *db, const char *path, const char *instance,
                          const struct clock *clock, struct err *err)
{
    struct writer *writer = mem_alloc(sizeof *writer);
    writer->db = db;
    writer->path = mem_copy_text(path);
    writer->instance = mem_copy_text(instance ? instance : "");
    writer->clock = clock;
    writer->sha = sha256_new();
    writer->hot = hot_new();
    writer->insert_event = NULL;
    bool ok = sqlite_exec(db, "PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-32768", err) &&
              (writer->insert_event =
                   sqlite_prepare(db, "INSERT INTO events VALUES(?,?,?,?,?,?,?,?)", err)) &&
              read_end(writer, err) && read_fence(writer, err);
    if (!ok) {
        writer_free(writer, NULL);
        return NULL;
    }
    writer->state.seq = writer->end.seq;
    writer->state.term = writer->end.term;
    return writer;
}

bool writer_free(struct writer *writer, struct err *err)
{
    bool ok = sqlite_close(writer->db, err);
    hot_free(writer->hot);
    book_free(writer->fence);
    sha256_free(writer->sha);
    str_free(&writer->sql);
    str_free(&writer->body);
    mem_free(writer->path);
    mem_free(writer->instance);
    mem_free(writer);
    return ok;
}
