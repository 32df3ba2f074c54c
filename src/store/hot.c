/* A hash of versions by table and key. Changed rows hang in a list in order of their first change.
 */
#include "store/hot.h"
#include "base/keyed.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define KNOWN_MAX 4096

struct name { /* compared as bytes, up to the end of the key */
    char table;
    char key[KEY_SIZE];
};
struct entry {
    struct name name;
    int64_t version; /* -1: no such row */
    const struct table *table;
    const void *before, *after; /* after NULL: not changed since the last commit */
    struct entry *next_changed;
    UT_hash_handle hh;
};
struct hot {
    struct entry *known;
    struct entry *changed, **changed_end;
};

struct hot *hot_new(void)
{
    struct hot *hot = mem_alloc(sizeof *hot);
    hot->changed_end = &hot->changed;
    return hot;
}

bool hot_takes(enum table_id table)
{
    return table == TABLE_PYRAMID || table == TABLE_ACCOUNT || table == TABLE_STAT ||
           table == TABLE_STATE;
}

static size_t put_name(struct name *name, const struct table *table, const char *key)
{
    size_t length = strlen(key);
    assert(length < sizeof name->key);
    name->table = (char)table->id;
    memcpy(name->key, key, length);
    return offsetof(struct name, key) + length;
}

static struct entry *find(const struct hot *hot, const struct table *table, const char *key)
{
    struct name name;
    struct entry *entry;
    size_t size = put_name(&name, table, key);
    HASH_FIND(hh, hot->known, &name, size, entry);
    return entry;
}

bool hot_version(const struct hot *hot, const struct table *table, const char *key,
                 int64_t *version)
{
    const struct entry *entry = find(hot, table, key);
    if (entry)
        *version = entry->version;
    return entry != NULL;
}

void hot_learn(struct hot *hot, const struct table *table, const char *key, int64_t version)
{
    struct entry *entry = mem_alloc(sizeof *entry);
    size_t size = put_name(&entry->name, table, key);
    entry->table = table;
    entry->version = version;
    HASH_ADD(hh, hot->known, name, size, entry);
}

void hot_change(struct hot *hot, const struct table *table, const void *before, const void *after)
{
    struct entry *entry = find(hot, table, row_key(table, after));
    assert(entry);
    if (!entry->after) {
        entry->before = before;
        entry->next_changed = NULL;
        *hot->changed_end = entry;
        hot->changed_end = &entry->next_changed;
    }
    entry->after = after;
    entry->version = row_version(table, after);
}

bool hot_flush(struct hot *hot,
               bool (*write)(void *ctx, const struct table *table, const void *before,
                             const void *after, struct err *err),
               void *ctx, struct err *err)
{
    for (const struct entry *entry = hot->changed; entry; entry = entry->next_changed)
        if (!write(ctx, entry->table, entry->before, entry->after, err))
            return false;
    return true;
}

void hot_settle(struct hot *hot)
{
    for (struct entry *entry = hot->changed; entry; entry = entry->next_changed)
        entry->before = entry->after = NULL;
    hot->changed = NULL;
    hot->changed_end = &hot->changed;
    if (HASH_COUNT(hot->known) > KNOWN_MAX)
        hot_clear(hot);
}

void hot_clear(struct hot *hot)
{
    struct entry *entry, *next;
    HASH_ITER(hh, hot->known, entry, next)
    {
        HASH_DEL(hot->known, entry);
        mem_free(entry);
    }
    hot->changed = NULL;
    hot->changed_end = &hot->changed;
}

void hot_free(struct hot *hot)
{
    hot_clear(hot);
    mem_free(hot);
}
