/* Files that travel inside the binary: the Lua half (lua/), the migrations (sql/) and the
 * dashboard (web/, from src/serve/web/). The Makefile makes the table. */
#ifndef TIDELOCK_BASE_EMBED_H
#define TIDELOCK_BASE_EMBED_H

struct embedded_file {
    const char *path;   /* "lua/risk.lua", "sql/sqlite/0001_start.up.sql", "web/index.html" */
    const char *data;   /* followed by a NUL that is not counted */
    unsigned long size; /* bytes */
};

/* Sorted by path within each of lua/, sql/ and web/; an uncounted last entry has a NULL path. */
extern const struct embedded_file embedded_files[];
extern const unsigned long embedded_count;

/* The file with exactly this path, or NULL. */
const struct embedded_file *embed_find(const char *path);
/* Walks the files whose path starts with `prefix`, in table order: the first one after `previous`
 * (NULL: the very first), or NULL at the end. */
const struct embedded_file *embed_next(const char *prefix, const struct embedded_file *previous);
#endif
