/* What a policy may know, described once: the records scripts read and the JSON of a trace are both
 * made from these rows, and what editors are told of them. */
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
    bool may_be_nil;
    const char *about; /* for editors; NULL: the name says it all */
};
struct told { /* a field whose value comes from no struct; `type` is the editors' */
    const char *name, *type;
    bool may_be_nil;
    const char *about;
};
struct group {
    const char *name;
    const struct row *rows;
    size_t count;
    const struct told *more; /* fields behind the rows, filled by views.c */
    size_t more_count;
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
    GROUP_DIFFERENCE,
    GROUP_DUE,
    GROUP_COUNT
};
extern const struct group groups[GROUP_COUNT];
/* What a strategy may say in the items of on_bar's list; a NULL name ends them. A stop says no more
 * than a signal may. */
enum item_field {
    ITEM_TYPE,
    ITEM_POSITION,
    ITEM_SIDE,
    ITEM_PRICE,
    ITEM_STOP,
    ITEM_ATR,
    ITEM_QUANTITY,
    ITEM_NOTE,
    ITEM_COUNT
};
extern const struct told signal_answer[ITEM_COUNT + 1], stop_answer[];
/* The tables that reconcile and rollover may return; a NULL name ends them. */
extern const struct told match_answer[], roll_answer[];
#endif
