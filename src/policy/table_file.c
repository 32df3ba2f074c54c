/* Table files: Lua as a notation for configuration. The text runs in a sandbox of its own under
 * small limits; what it returns becomes a JSON tree, so that whoever reads a configuration knows
 * neither Lua nor its numbers. */
#include "policy/policy.h"

#include "policy/table_lines.h"
#include "script/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct conversion {
    struct sandbox *box;
    struct arena *arena;
    const struct table_lines *lines;
    size_t nodes;
    struct err *err;
};

struct child {
    struct json *node;
    int64_t order; /* index of a list item, or the place in the source */
};

static bool fault(const struct conversion *c, const char *path, const char *sentence)
{
    int line = table_lines_at(c->lines, path);

    if (line > 0)
        return err_set(c->err, ERR_REFUSED, ERR_CONFIG, "%s:%d: %s%s%s", c->lines->name, line, path,
                       *path ? " " : "", sentence);
    return err_set(c->err, ERR_REFUSED, ERR_CONFIG, "%s: %s%s%s", c->lines->name, path,
                   *path ? " " : "", sentence);
}

static bool convert(struct conversion *c, const struct sandbox_value *value, const char *path,
                    int depth, struct json **out);

static struct json *new_node(struct conversion *c, enum json_type type, const char *text,
                             size_t length)
{
    struct json *node = arena_alloc(c->arena, sizeof *node);

    node->type = type;
    if (text) {
        node->text = arena_copy(c->arena, text, length);
        node->length = (uint32_t)length;
    }
    return node;
}

static int64_t source_order(const struct conversion *c, const char *path)
{
    int64_t order = 0;

    for (const struct table_line *entry = c->lines->first; entry; entry = entry->next, order++)
        if (strcmp(entry->path, path) == 0)
            return order;
    return TABLE_NODES_MAX;
}

static int compare_children(const void *left, const void *right)
{
    const struct child *a = left, *b = right;

    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return a->node->key && b->node->key ? strcmp(a->node->key, b->node->key) : 0;
}

static bool child_path(const struct conversion *c, const char *path,
                       const struct sandbox_value *key, char *out)
{
    int length;

    if (key->type == SANDBOX_INTEGER)
        length = snprintf(out, TABLE_PATH_MAX, "%s[%lld]", path, (long long)key->integer - 1);
    else if (key->type == SANDBOX_TEXT && text_is_utf8(key->text, key->length))
        length = snprintf(out, TABLE_PATH_MAX, "%s%s%s", path, *path ? "." : "", key->text);
    else
        return fault(c, path, "has a key that is neither a name nor a list index");
    return length < TABLE_PATH_MAX || fault(c, path, "has a key that is too long");
}

/* True when the table is a list 1..n; *count is its size. Mixed tables are a fault. */
static bool measure(struct conversion *c, const struct sandbox_value *table, const char *path,
                    size_t *count, bool *list)
{
    struct sandbox_value key, value;
    size_t numbered = 0;
    int64_t highest = 0;
    int walk = 0;

    *count = 0;
    while (sandbox_next(c->box, table, &walk, &key, &value)) {
        if (++*count > TABLE_NODES_MAX)
            return fault(c, path, "has too many entries");
        if (key.type != SANDBOX_INTEGER)
            continue;
        numbered++;
        highest = key.integer > highest ? key.integer : highest;
        if (key.integer < 1)
            return fault(c, path, "has a list index below 1");
    }
    *list = numbered > 0;
    if (numbered > 0 && numbered != *count)
        return fault(c, path, "mixes list items and named keys");
    if (numbered > 0 && (size_t)highest != numbered)
        return fault(c, path, "is a list with holes (a nil among its items)");
    return true;
}

static bool convert_table(struct conversion *c, const struct sandbox_value *table, const char *path,
                          int depth, struct json **out)
{
    char name[TABLE_PATH_MAX];
    struct sandbox_value key, value;
    struct child *children;
    struct json **last;
    size_t count, at = 0;
    bool list;
    int walk = 0;

    if (depth > TABLE_DEPTH_MAX)
        return fault(c, path, "is nested too deep, or contains itself");
    if (!measure(c, table, path, &count, &list))
        return false;
    children = arena_alloc(c->arena, (count + 1) * sizeof *children);
    while (at < count && sandbox_next(c->box, table, &walk, &key, &value)) {
        if (!child_path(c, path, &key, name) ||
            !convert(c, &value, name, depth + 1, &children[at].node))
            return false;
        children[at].order = list ? key.integer : source_order(c, name);
        if (!list) {
            children[at].node->key = arena_copy(c->arena, key.text, key.length);
            children[at].node->key_length = (uint32_t)key.length;
        }
        at++;
    }
    qsort(children, at, sizeof *children, compare_children);
    *out = new_node(c, list ? JSON_ARRAY : JSON_OBJECT, NULL, 0);
    (*out)->count = (uint32_t)at;
    last = &(*out)->child;
    for (size_t i = 0; i < at; i++, last = &(*last)->next)
        *last = children[i].node;
    return true;
}

static bool convert(struct conversion *c, const struct sandbox_value *value, const char *path,
                    int depth, struct json **out)
{
    char text[DECIMAL_TEXT_MAX + 8];
    int length;

    if (++c->nodes > TABLE_NODES_MAX)
        return fault(c, path, "is one entry too many");
    switch (value->type) {
    case SANDBOX_BOOLEAN:
        *out = new_node(c, value->boolean ? JSON_TRUE : JSON_FALSE, NULL, 0);
        return true;
    case SANDBOX_INTEGER:
        length = snprintf(text, sizeof text, "%lld", (long long)value->integer);
        *out = new_node(c, JSON_NUMBER, text, (size_t)length);
        return true;
    case SANDBOX_NUMBER:
        length = snprintf(text, sizeof text, "%.15g", value->number);
        *out = new_node(c, JSON_NUMBER, text, (size_t)length);
        return true;
    case SANDBOX_DECIMAL:
        length = (int)decimal_print((struct decimal){value->units}, text);
        *out = new_node(c, JSON_NUMBER, text, (size_t)length);
        return true;
    case SANDBOX_TEXT:
        if (!text_is_utf8(value->text, value->length))
            return fault(c, path, "is not UTF-8 text");
        *out = new_node(c, JSON_STRING, value->text, value->length);
        return true;
    case SANDBOX_TABLE:
        return convert_table(c, value, path, depth, out);
    default:
        snprintf(text, sizeof text, "is a %s", sandbox_type_name(value->type));
        return fault(c, path,
                     value->type == SANDBOX_OTHER ? "is not a finite number or text" : text);
    }
}

static bool read_in(struct conversion *c, const char *text, size_t length, struct table_file *out)
{
    struct sandbox_value value;
    int ref;

    if (!sandbox_load(c->box, text, length, c->lines->name, &ref)) {
        const char *said = sandbox_failure(c->box)->text;
        bool named = text_starts(said, c->lines->name);

        return err_set(c->err, ERR_REFUSED, ERR_CONFIG, "%s%s%.230s", named ? "" : c->lines->name,
                       named ? "" : ": ", said);
    }
    sandbox_peek(c->box, ref, &value);
    if (value.type != SANDBOX_TABLE)
        return fault(c, "", "must end in: return { ... }");
    return convert(c, &value, "", 1, &out->root);
}

bool table_file_read(const char *name, const char *text, size_t length, struct arena *arena,
                     struct table_file *out, struct err *err)
{
    const struct sandbox_limits limits = {
        .memory_bytes = 4 << 20, .instructions = 200000, .wall_ms = 200};
    struct conversion c = {.arena = arena, .err = err};
    struct table_lines *lines;
    struct err twice = {.class = ERR_NONE};
    bool ok;

    *out = (struct table_file){0};
    ok = table_lines_read(name, text, length, arena, &lines, &twice);
    out->lines = c.lines = lines;
    c.box = sandbox_new(&limits);
    /* The machine's own complaint about broken text comes first: the walk over tokens only guesses
     * there. */
    if (!ok && sandbox_compiles(c.box, text, length, name)) {
        if (err)
            *err = twice;
    } else {
        ok = read_in(&c, text, length, out);
    }
    sandbox_free(c.box);
    return ok;
}

int table_file_line(const struct table_file *file, const char *path)
{
    return file->lines ? table_lines_at(file->lines, path) : 0;
}
