/* Finding the fields of a signal in bodies of other shapes; used by signal.c alone. */
#ifndef TIDELOCK_TRADE_SIGNAL_MAP_H
#define TIDELOCK_TRADE_SIGNAL_MAP_H
#include "trade/signal.h"

enum signal_field {
    FIELD_STRATEGY,
    FIELD_INSTRUMENT,
    FIELD_TYPE,
    FIELD_POSITION,
    FIELD_PRICE,
    FIELD_STOP,
    FIELD_ATR,
    FIELD_QUANTITY,
    FIELD_TIMESTAMP,
    FIELD_SIDE,
    FIELD_ACTION,
    FIELD_MARKET_POSITION,
    FIELD_PREV_MARKET_POSITION,
    FIELD_MARKET_POSITION_SIZE,
    FIELD_PREV_MARKET_POSITION_SIZE,
    FIELD_COUNT
};
extern const char *const signal_field_names[FIELD_COUNT];

struct signal_fields {
    const char *text[FIELD_COUNT]; /* NULL: absent */
    const char
        *where[FIELD_COUNT]; /* the path it was found at, without "$."; its own name when absent */
    uint64_t
        taken; /* bit i: child i of the body is no extra: it became a field, or holds a secret */
};

/* Collects the fields of `body` (an object). Texts live in the body or in the arena. */
void signal_map(const struct json *body, const struct signal_source *source, struct arena *arena,
                struct signal_fields *out, struct signal_faults *faults);
/* A body without `type` gets type, side and, where only one is possible, position and quantity:
 *
 *   prev → now          becomes
 *   flat → long|short   BASE_ENTRY of that side
 *   same, larger        PYRAMID (larger by the two sizes, else by an action that adds)
 *   same, smaller       EXIT of the difference
 *   long|short → flat   EXIT of everything
 *   long ↔ short        refused: a reversal is two signals
 *   action alone        close, exit, flat: EXIT; an action that adds to `side` (LONG unless given):
 * BASE_ENTRY, or PYRAMID when `position` says layer 2 or higher; one that lowers it: EXIT
 *
 * What contradicts itself or leaves two readings is a fault that names both. */
void signal_intent(struct signal_fields *fields, struct arena *arena, struct signal_faults *faults);
/* A line such as "LICENSE,buy,EURUSD,risk=1" as an object:
 * {"0":"LICENSE","1":"buy","2":"EURUSD","risk":"1"}, for sources that map "0", "1", ... NULL: more
 * than 32 parts, or an empty or repeated name. */
struct json *signal_line(struct arena *arena, const char *text, size_t length);
#endif
