/* Lines of the keys of a table file, in source order. Private to this room. */
#ifndef TIDELOCK_POLICY_TABLE_LINES_H
#define TIDELOCK_POLICY_TABLE_LINES_H
#include "base/err.h"
#include "base/mem.h"

#define TABLE_DEPTH_MAX 16
#define TABLE_NODES_MAX 4096
#define TABLE_PATH_MAX 256

struct table_line {
    const char *path; /* "rails.max_position", "sources[0].name" */
    int line;
    struct table_line *next;
};
struct table_lines {
    const char *name;
    int return_line; /* where the returned table begins; 0: no return found */
    size_t count;
    struct table_line *first, *last;
};

/* False: a key is given twice, or the file is nested too deep. The text need not be valid Lua: then
 * lines are a guess. */
bool table_lines_read(const char *name, const char *text, size_t length, struct arena *arena,
                      struct table_lines **out, struct err *err) MUST_CHECK;
const struct table_line *table_lines_find(const struct table_lines *lines,
                                          const char *path); /* NULL: not seen */
/* The line of the path or of the nearest key around it; 0: unknown. */
int table_lines_at(const struct table_lines *lines, const char *path);
#endif
