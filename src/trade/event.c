/* Events out and in: the canonical body of a write, its hash, and the way back into rows. */
#include "trade/event.h"
#include <stdio.h>
#include <string.h>

#define FOLD_DEPTH 8
#define FOLD_NODES                                                                                 \
    (1u << 20) /* a body is ours and bounded by the store; this only bounds a corrupt one */

void event_body(struct str *out, const char *cause_json, const struct change *changes, size_t count)
{
    str_puts(out, "{\"cause\":");
    str_puts(out, cause_json ? cause_json : "null");
    str_puts(out, ",\"changes\":[");
    for (size_t i = 0; i < count; i++) {
        const struct table *table = changes[i].table;
        str_puts(out, i ? ",{\"t\":\"" : "{\"t\":\"");
        str_puts(out, table->name);
        str_puts(out, "\",\"k\":");
        str_put_json(out, row_key(table, changes[i].after));
        str_puts(out, ",\"set\":");
        row_json_set(table, changes[i].before, changes[i].after, out);
        str_putc(out, '}');
    }
    str_puts(out, "]}");
}

#define SMALL_FIELDS_MAX 512

struct small_fields { /* laid out first: one update of the hash costs less than seven */
    char bytes[SMALL_FIELDS_MAX];
    size_t used;
};

static void put_field(struct sha256 *ctx, struct small_fields *fields, const char *text,
                      size_t length)
{
    const uint8_t size[4] = {(uint8_t)(length >> 24), (uint8_t)(length >> 16),
                             (uint8_t)(length >> 8), (uint8_t)length};
    if (length + sizeof size > SMALL_FIELDS_MAX - fields->used) {
        sha256_add(ctx, fields->bytes, fields->used);
        fields->used = 0;
    }
    if (length + sizeof size > SMALL_FIELDS_MAX) {
        sha256_add_field(ctx, text);
        return;
    }
    memcpy(fields->bytes + fields->used, size, sizeof size);
    memcpy(fields->bytes + fields->used + sizeof size, text, length);
    fields->used += sizeof size + length;
}

static void put_number(struct sha256 *ctx, struct small_fields *fields, int64_t value)
{
    char text[INT_TEXT_MAX];
    put_field(ctx, fields, text, text_int(text, value));
}

void event_hash(struct sha256 *ctx, const uint8_t previous[SHA256_SIZE], const struct event *event,
                uint8_t out[SHA256_SIZE])
{
    struct small_fields fields;
    memcpy(fields.bytes, previous, SHA256_SIZE);
    fields.used = SHA256_SIZE;
    sha256_start(ctx);
    put_number(ctx, &fields, event->seq);
    put_number(ctx, &fields, event->at_us);
    put_field(ctx, &fields, event->kind, strlen(event->kind));
    put_field(ctx, &fields, event->subject, strlen(event->subject));
    put_field(ctx, &fields, event->instance, strlen(event->instance));
    put_number(ctx, &fields, event->term);
    put_field(ctx, &fields, event->body, strlen(event->body));
    sha256_add(ctx, fields.bytes, fields.used);
    sha256_end(ctx, out);
}

struct fold {
    struct book *book;
    const struct event *event;
    void (*each)(void *ctx, const struct event *event, const struct change *change);
    void *ctx;
    struct arena arena;
};

static bool corrupt(const struct event *event, struct err *err, const char *what)
{
    return err_set(err, ERR_REFUSED, ERR_CORRUPT, "event %lld (%s %s): %s", (long long)event->seq,
                   event->kind, event->subject, what);
}

const struct json *event_changes(const struct event *event, struct arena *arena, struct err *err)
{
    const struct json_limits limits = {.depth = FOLD_DEPTH, .nodes = FOLD_NODES};
    struct err inner;
    const struct json *body = json_parse(arena, event->body, strlen(event->body), &limits, &inner);
    const struct json *changes = body ? json_get(body, "changes") : NULL;
    err_clear(err);
    if (!body)
        corrupt(event, err, inner.text);
    else if (!changes || changes->type != JSON_ARRAY)
        corrupt(event, err, "its body has no list of changes");
    else
        return changes->child;
    return NULL;
}

bool event_change_read(const struct event *event, const struct json *change,
                       const struct table **table, const char **key, const struct json **set,
                       struct err *err)
{
    const char *name = json_text(change, "t");
    *key = json_text(change, "k");
    *set = json_get(change, "set");
    *table = name ? table_find(name) : NULL;
    return (*table && *key && *set) ||
           corrupt(event, err, "a change names no known table, key and columns");
}

static bool fold_change(struct fold *fold, const struct json *json, struct err *err)
{
    char what[160];
    const char *key;
    const struct json *set;
    const struct table *table;
    if (!event_change_read(fold->event, json, &table, &key, &set, err))
        return false;
    const void *before = book_get(fold->book, table->id, key);
    void *after = arena_alloc(&fold->arena, table->row_size);
    if (before)
        memcpy(after, before,
               table->row_size); /* its texts stay the book's until book_put copies them */
    else
        row_init(table, after);
    if (!before && !column_parse(&table->columns[0], after, key, &fold->arena, err))
        return err_prefix(err, "event %lld", (long long)fold->event->seq);
    if (!row_from_json(table, after, set, &fold->arena, err))
        return err_prefix(err, "event %lld", (long long)fold->event->seq);
    if (strcmp(row_key(table, after), key) != 0) {
        snprintf(what, sizeof what, "%s %.60s carries the key %.60s", table->name, key,
                 row_key(table, after));
        return corrupt(fold->event, err, what);
    }
    const int64_t old = before ? row_version(table, before) : 0, new = row_version(table, after);
    if (before && table->version_column < 0) {
        snprintf(what, sizeof what, "%s %.100s is written twice", table->name, key);
        return corrupt(fold->event, err, what);
    }
    if (before ? new != old + 1 && table->version_column >= 0 : new > 1) {
        snprintf(what, sizeof what, "%s %.60s goes from version %lld to %lld", table->name, key,
                 (long long)old, (long long)new);
        return corrupt(fold->event, err, what);
    }
    const struct change change = {.table = table, .before = before, .after = after};
    if (fold->each)
        fold->each(fold->ctx, fold->event, &change);
    book_apply_change(fold->book, &change);
    return true;
}

static bool fold_body(struct fold *fold, struct err *err)
{
    struct err why = {0};
    const struct json *change = event_changes(fold->event, &fold->arena, &why);
    if (why.code != ERR_OK) {
        if (err)
            *err = why;
        return false;
    }
    for (; change; change = change->next)
        if (!fold_change(fold, change, err))
            return false;
    return true;
}

bool event_fold_each(struct book *book, const struct event *event,
                     void (*each)(void *ctx, const struct event *event,
                                  const struct change *change),
                     void *ctx, struct err *err)
{
    struct fold fold = {.book = book, .event = event, .each = each, .ctx = ctx};
    arena_init(&fold.arena, 16384);
    const bool ok = fold_body(&fold, err);
    arena_free(&fold.arena);
    return ok;
}

bool event_fold(struct book *book, const struct event *event, struct err *err)
{
    return event_fold_each(book, event, NULL, NULL, err);
}
