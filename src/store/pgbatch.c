/* What a row becomes within a batch is kept by its key: what is known of it, and the last of its
 * operations. A later change joins the one before when the table's trigger would let the joined
 * one pass; else it waits for the next round, a second statement for that table. */
#include "store/pgbatch.h"

#include "base/keyed.h"
#include "store/pglive.h"
#include "store/pgrows.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define ABSENT (-1)
#define UNKNOWN (-2)
#define MASKS_MAX 12 /* kinds of updates a table keeps a statement for */
#define CHANGES_MAX 4096
#define ROUNDS_MAX 64
#define PUSHED_EVENTS 4 /* fewer are not worth a system call of their own */

struct op {
    const void *before, *after;
    struct op *next; /* of its list */
};
struct touched {
    UT_hash_handle hh;
    int64_t version; /* after what was added so far */
    struct op *last;
    int round;
    char key[]; /* pgrows_name */
};
struct list {
    struct op *first, *newest;
    size_t count;
};
struct statement {
    uint32_t mask;
    char name[24];
    char *sql;
};
struct statements {
    struct statement insert, versions, updates[MASKS_MAX];
    size_t updates_kept;
};

struct pgbatch {
    char *instance;
    struct sha256 *sha;
    struct arena arena;
    struct touched *touched;
    struct list inserts[TABLE_COUNT];
    struct list updates[ROUNDS_MAX][TABLE_COUNT];
    int rounds;
    struct statements statements[TABLE_COUNT];
    enum table_id asked[TABLE_COUNT]; /* version statements, in order */
    size_t asked_count;
    struct event *events;
    size_t event_count, event_room;
    struct pglive *live;
    int64_t seq;
    uint8_t hash[SHA256_SIZE];
    struct str body;
    struct pg_args args;
};

struct pgbatch *pgbatch_new(const char *instance)
{
    struct pgbatch *batch = mem_alloc(sizeof *batch);
    batch->instance = mem_copy_text(instance);
    batch->sha = sha256_new();
    batch->live = pglive_new();
    arena_init(&batch->arena, 64 * 1024);
    return batch;
}

static void forget_rows(struct pgbatch *batch)
{
    HASH_CLEAR(hh, batch->touched);
    batch->touched = NULL;
    for (int r = 0; r < batch->rounds; r++)
        memset(batch->updates[r], 0, sizeof batch->updates[r]);
    memset(batch->inserts, 0, sizeof batch->inserts);
    batch->rounds = 0;
    batch->event_count = 0;
    batch->asked_count = 0;
}

void pgbatch_free(struct pgbatch *batch)
{
    if (!batch)
        return;
    forget_rows(batch);
    for (int t = 0; t < TABLE_COUNT; t++) {
        struct statements *kept = &batch->statements[t];
        mem_free(kept->insert.sql);
        mem_free(kept->versions.sql);
        for (size_t i = 0; i < kept->updates_kept; i++)
            mem_free(kept->updates[i].sql);
    }
    arena_free(&batch->arena);
    sha256_free(batch->sha);
    pglive_free(batch->live);
    str_free(&batch->body);
    pg_args_free(&batch->args);
    mem_free(batch->events);
    mem_free(batch->instance);
    mem_free(batch);
}

void pgbatch_begin(struct pgbatch *batch, int64_t seq, const uint8_t *hash)
{
    forget_rows(batch);
    arena_reset(&batch->arena);
    batch->seq = seq;
    memcpy(batch->hash, hash, sizeof batch->hash);
}

int64_t pgbatch_seq(const struct pgbatch *batch)
{
    return batch->seq;
}

const uint8_t *pgbatch_hash(const struct pgbatch *batch)
{
    return batch->hash;
}

/* ---- rows ---- */

static struct touched *touch(struct pgbatch *batch, const struct table *table, const char *row_key)
{
    char key[PGROWS_NAME];
    size_t length = pgrows_name(key, table, row_key);
    struct touched *touched;
    HASH_FIND(hh, batch->touched, key, length, touched);
    if (touched)
        return touched;
    touched = arena_alloc(&batch->arena, sizeof *touched + length + 1);
    memcpy(touched->key, key, length);
    touched->version = UNKNOWN;
    HASH_ADD_KEYPTR(hh, batch->touched, touched->key, length, touched);
    return touched;
}

static bool check_change_fits(const struct touched *touched, const struct change *change,
                              struct err *err)
{
    const struct table *table = change->table;
    if (!change_check(change, err))
        return false;
    if (!change->before)
        return touched->version < 0 || refuse_duplicate(err, table, row_key(table, change->after));
    if (touched->version == UNKNOWN)
        return true;
    return touched->version == row_version(table, change->before) ||
           refuse_conflict(err, change, touched->version);
}

static void append(struct list *list, struct op *op)
{
    if (list->newest)
        list->newest->next = op;
    else
        list->first = op;
    list->newest = op;
    list->count++;
}

static void apply_change(struct pgbatch *batch, struct touched *touched,
                         const struct change *change)
{
    const struct table *table = change->table;
    struct op *last = touched->last;
    if (last && (!last->before || change_edge_legal(table, last->before, change->after))) {
        last->after = change->after;
        return;
    }
    struct op *op = arena_alloc(&batch->arena, sizeof *op);
    *op = (struct op){.before = change->before, .after = change->after};
    if (last)
        touched->round++;
    touched->last = op;
    if (!change->before) {
        append(&batch->inserts[table->id], op);
        return;
    }
    assert(touched->round < ROUNDS_MAX);
    if (touched->round >= batch->rounds)
        batch->rounds = touched->round + 1;
    append(&batch->updates[touched->round][table->id], op);
}

/* ---- events ---- */

static void add_event(struct pgbatch *batch, const struct store_event *from, const char *body,
                      int64_t term)
{
    if (batch->event_count == batch->event_room) {
        batch->event_room = batch->event_room ? batch->event_room * 2 : 256;
        batch->events = mem_realloc(batch->events, batch->event_room * sizeof *batch->events);
    }
    struct event *event = &batch->events[batch->event_count++];
    const struct event *origin = from->origin;
    *event = (struct event){.seq = ++batch->seq,
                            .at_us = from->at_us,
                            .kind = from->kind,
                            .subject = from->subject,
                            .instance = origin ? origin->instance : batch->instance,
                            .term = origin ? origin->term : term,
                            .body = body};
    event_hash(batch->sha, batch->hash, event, event->hash);
    memcpy(batch->hash, event->hash, sizeof batch->hash);
}

/* ---- one write ---- */

struct undo {
    struct touched *touched;
    int64_t version;
};

/* Every change against what stands by then; the versions are as before when one does not fit. */
static bool check_write(struct pgbatch *batch, const struct store_write *write, struct err *err)
{
    struct undo undo[STORE_CHANGES_MAX * 8];
    size_t done = 0, room = sizeof undo / sizeof undo[0];
    bool ok = true;
    for (size_t e = 0; ok && e < write->event_count; e++)
        for (size_t i = 0; ok && i < write->events[e].change_count; i++) {
            const struct change *change = &write->events[e].changes[i];
            struct touched *touched =
                touch(batch, change->table, row_key(change->table, change->after));
            ok = done < room ? check_change_fits(touched, change, err)
                             : err_set(err, ERR_REFUSED, ERR_INPUT,
                                       "a write of more than %zu changes", room);
            if (!ok)
                break;
            undo[done++] = (struct undo){touched, touched->version};
            touched->version = row_version(change->table, change->after);
        }
    while (!ok && done > 0) {
        done--;
        undo[done].touched->version = undo[done].version;
    }
    return ok;
}

bool pgbatch_add(struct pgbatch *batch, struct pending *pending, struct err *err)
{
    const struct store_write *write = &pending->write;
    if (!pending->bodies)
        pending_print(pending, &batch->body);
    if (!check_origins(write, batch->seq, err) || !check_write(batch, write, err))
        return false;
    for (size_t e = 0; e < write->event_count; e++) {
        const struct store_event *event = &write->events[e];
        for (size_t i = 0; i < event->change_count; i++) {
            const struct change *change = &event->changes[i];
            apply_change(batch, touch(batch, change->table, row_key(change->table, change->after)),
                         change);
        }
        add_event(batch, event, pending->bodies[e], write->term);
    }
    pending->seq = batch->seq;
    return true;
}

/* ---- what the database has ---- */

static void prepare_versions(struct pgbatch *batch, const struct table *table)
{
    struct statement *kept = &batch->statements[table->id].versions;
    struct str sql = STR_EMPTY;
    if (kept->sql)
        return;
    snprintf(kept->name, sizeof kept->name, "v%d", (int)table->id);
    pgrows_versions_sql(table, &sql);
    kept->sql = mem_copy_text(str_text(&sql));
    str_free(&sql);
}

void pgbatch_ask_versions(struct pgbatch *batch, struct pending *const *writes, size_t count,
                          struct pg *pg)
{
    size_t named[TABLE_COUNT] = {0};
    for (size_t w = 0; w < count; w++)
        for (size_t e = 0; e < writes[w]->write.event_count; e++) {
            const struct store_event *event = &writes[w]->write.events[e];
            for (size_t i = 0; i < event->change_count; i++) {
                const struct change *change = &event->changes[i];
                struct touched *touched =
                    touch(batch, change->table, row_key(change->table, change->after));
                if (touched->version == UNKNOWN)
                    named[change->table->id]++;
                touched->version = ABSENT;
            }
        }
    for (int t = 0; t < TABLE_COUNT; t++) {
        struct touched *touched, *next;
        if (!named[t])
            continue;
        prepare_versions(batch, &tables[t]);
        pg_args_clear(&batch->args);
        pg_array_begin(&batch->args, PG_TEXT, named[t]);
        HASH_ITER(hh, batch->touched, touched, next)
        if (touched->key[0] == 'A' + t)
            pg_array_text(&batch->args, touched->key + 1);
        pg_array_end(&batch->args);
        const struct statement *kept = &batch->statements[t].versions;
        pg_put(pg, kept->name, kept->sql, &batch->args);
        batch->asked[batch->asked_count++] = (enum table_id)t;
    }
}

size_t pgbatch_version_statements(const struct pgbatch *batch)
{
    return batch->asked_count;
}

void pgbatch_tell_versions(struct pgbatch *batch, size_t statement, const struct pg_rows *rows)
{
    const struct table *table = &tables[batch->asked[statement]];
    for (size_t i = 0; i < pg_count(rows); i++)
        touch(batch, table, pg_text(rows, i, 0))->version = pg_int(rows, i, 1);
}

/* ---- statements ---- */

static struct statement *insert_statement(struct pgbatch *batch, const struct table *table)
{
    struct statement *kept = &batch->statements[table->id].insert;
    struct str sql = STR_EMPTY;
    if (kept->sql)
        return kept;
    snprintf(kept->name, sizeof kept->name, "i%d", (int)table->id);
    pgrows_insert_sql(table, &sql);
    kept->sql = mem_copy_text(str_text(&sql));
    str_free(&sql);
    return kept;
}

/* Any kept one that sets all that is wanted will do before another is made. */
static struct statement *update_statement(struct pgbatch *batch, const struct table *table,
                                          uint32_t mask)
{
    struct statements *kept = &batch->statements[table->id];
    struct str sql = STR_EMPTY;
    if (kept->updates_kept >= MASKS_MAX - 1)
        mask = (uint32_t)((1ull << table->column_count) - 2);
    for (size_t i = 0; i < kept->updates_kept; i++)
        if (kept->updates[i].mask == mask)
            return &kept->updates[i];
    struct statement *statement = &kept->updates[kept->updates_kept++];
    statement->mask = mask;
    snprintf(statement->name, sizeof statement->name, "u%d_%" PRIx32, (int)table->id, mask);
    pgrows_update_sql(table, mask, &sql);
    statement->sql = mem_copy_text(str_text(&sql));
    str_free(&sql);
    return statement;
}

static uint32_t columns_changed(const struct table *table, const struct op *op)
{
    uint32_t mask = 0;
    for (size_t i = 1; i < table->column_count; i++) {
        const struct column *c = &table->columns[i];
        const char *a = (const char *)op->before + c->offset;
        const char *b = (const char *)op->after + c->offset;
        bool same = c->type == COLUMN_TEXT ? strcmp(a, b) == 0 : memcmp(a, b, c->size) == 0;
        if (!same)
            mask |= 1u << i;
    }
    return mask;
}

static struct pgrows_pair *pairs_of(struct pgbatch *batch, const struct list *list)
{
    struct pgrows_pair *pairs = arena_alloc(&batch->arena, list->count * sizeof *pairs);
    size_t i = 0;
    for (const struct op *op = list->first; op; op = op->next)
        pairs[i++] = (struct pgrows_pair){op->before, op->after};
    return pairs;
}

static void put_inserts(struct pgbatch *batch, const struct table *table, const struct list *list,
                        struct pg *pg)
{
    const struct statement *statement = insert_statement(batch, table);
    pgrows_insert_args(table, pairs_of(batch, list), list->count, &batch->args);
    pg_put(pg, statement->name, statement->sql, &batch->args);
}

static void put_updates(struct pgbatch *batch, const struct table *table, const struct list *list,
                        struct pg *pg)
{
    uint32_t mask = 0;
    for (const struct op *op = list->first; op; op = op->next)
        mask |= columns_changed(table, op);
    const struct statement *statement = update_statement(batch, table, mask);
    pgrows_update_args(table, statement->mask, pairs_of(batch, list), list->count, &batch->args);
    pg_put(pg, statement->name, statement->sql, &batch->args);
}

static void put_texts(struct pgbatch *batch, size_t offset)
{
    pg_array_begin(&batch->args, PG_TEXT, batch->event_count);
    for (size_t i = 0; i < batch->event_count; i++) {
        const char *text;
        memcpy(&text, (const char *)&batch->events[i] + offset, sizeof text);
        pg_array_text(&batch->args, text);
    }
    pg_array_end(&batch->args);
}

static void put_numbers(struct pgbatch *batch, size_t offset)
{
    pg_array_begin(&batch->args, PG_INT, batch->event_count);
    for (size_t i = 0; i < batch->event_count; i++) {
        int64_t number;
        memcpy(&number, (const char *)&batch->events[i] + offset, sizeof number);
        pg_array_int(&batch->args, number);
    }
    pg_array_end(&batch->args);
}

static void put_events(struct pgbatch *batch, struct pg *pg)
{
    struct pg_args *args = &batch->args;
    pg_args_clear(args);
    put_numbers(batch, offsetof(struct event, seq));
    put_numbers(batch, offsetof(struct event, at_us));
    put_texts(batch, offsetof(struct event, kind));
    put_texts(batch, offsetof(struct event, subject));
    put_texts(batch, offsetof(struct event, instance));
    put_numbers(batch, offsetof(struct event, term));
    put_texts(batch, offsetof(struct event, body));
    pg_array_begin(args, PG_BYTES, batch->event_count);
    for (size_t i = 0; i < batch->event_count; i++)
        pg_array_bytes(args, batch->events[i].hash, sizeof batch->events[i].hash);
    pg_array_end(args);
    pg_put(pg, "events",
           "INSERT INTO events SELECT unnest($1::bigint[]),unnest($2::bigint[]),unnest($3::text[]),"
           "unnest($4::text[]),unnest($5::text[]),unnest($6::bigint[]),unnest($7::text[]),"
           "unnest($8::bytea[])",
           args);
}

int64_t pgbatch_committed(struct pgbatch *batch)
{
    return pglive_commit(batch->live);
}

static void put_list(struct pgbatch *batch, const struct table *table, const struct list *list,
                     struct pg *pg)
{
    if (!list->count)
        return;
    if (list->first->before)
        put_updates(batch, table, list, pg);
    else
        put_inserts(batch, table, list, pg);
    for (const struct op *op = list->first; op; op = op->next)
        pglive_note(batch->live, table, op->before, op->after);
}

/* The log first: it is quickly put into words and long to be written, so the database works while
 * the rows are put. */
void pgbatch_put(struct pgbatch *batch, struct pg *pg)
{
    put_events(batch, pg);
    if (batch->event_count > PUSHED_EVENTS)
        pg_push(pg);
    pglive_begin(batch->live);
    for (int t = 0; t < TABLE_COUNT; t++)
        put_list(batch, &tables[t], &batch->inserts[t], pg);
    for (int r = 0; r < batch->rounds; r++)
        for (int t = 0; t < TABLE_COUNT; t++)
            put_list(batch, &tables[t], &batch->updates[r][t], pg);
    pglive_put(batch->live, batch->seq, pg, &batch->args);
}
