/* What a policy may know, described once: the records scripts read and the JSON of a trace are both
 * made from these rows. */
#ifndef TIDELOCK_POLICY_ROWS_H
#define TIDELOCK_POLICY_ROWS_H
#include "policy/policy.h"

enum row_kind {
    ROW_TEXT,
    ROW_DECIMAL,
    ROW_COUNT,
    ROW_TIME /* µs in C, whole seconds outside, 0: nil */,
    ROW_FLAG,
    ROW_NAMED
};
struct row {
    const char *name;
    enum row_kind kind;
    size_t offset, size;
    const char *const *names;
};
struct group {
    const char *name;
    const struct row *rows;
    size_t count;
};
enum group_id {
    GROUP_FACTS,
    GROUP_SIGNAL,
    GROUP_INSTRUMENT,
    GROUP_POSITION,
    GROUP_PYRAMID,
    GROUP_PORTFOLIO,
    GROUP_STATS,
    GROUP_BAR,
    GROUP_FILL,
    GROUP_COUNT
};
extern const struct group groups[GROUP_COUNT];
#endif
