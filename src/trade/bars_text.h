/* What the readers of bar files share; used by bars*.c alone. */
#ifndef TIDELOCK_TRADE_BARS_TEXT_H
#define TIDELOCK_TRADE_BARS_TEXT_H
#include "trade/bar.h"
#include "trade/record.h"

#define BARS_COLUMNS_MAX 64

enum bars_role {
    ROLE_NONE,
    ROLE_INSTRUMENT,
    ROLE_STAMP, /* a whole moment */
    ROLE_DATE,
    ROLE_TIME,
    ROLE_OPEN,
    ROLE_HIGH,
    ROLE_LOW,
    ROLE_CLOSE,
    ROLE_VOLUME,
    ROLE_COUNT
};
struct bars_piece { /* a part of the text, not NUL-terminated; text NULL: absent */
    const char *text;
    size_t length;
};
struct bars {
    const char *text, *at, *end;
    size_t line, row;
    bool json, over;
    struct zone *zone; /* NULL: naive times are refused */
    char instrument[NAME_SIZE];
    uint8_t roles[BARS_COLUMNS_MAX]; /* of each column */
    size_t columns;
    int64_t last_us; /* of the bar before */
    bool any;
    char day_text[12]; /* the date read last, and what it came to: bars of one day share it */
    size_t day_length;
    struct civil day; /* with the time of day read last */
    int64_t day_us;  /* UTC of its local midnight */
    bool day_steady; /* the zone's offset does not change on that day */
};

bool bars_fault(const struct bars *bars, struct err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A moment from one piece (stamp) or two (date and time of day). */
bool bars_stamp(struct bars *bars, struct bars_piece stamp, int64_t *at_us, struct err *err);
bool bars_date_time(struct bars *bars, struct bars_piece date, struct bars_piece time,
                    int64_t *at_us, struct err *err);
/* Roles of the columns from a header line, or the fixed order when there is none; at is moved
 * behind it. */
bool bars_header(struct bars *bars, struct err *err);
/* The pieces of the next row; false with *err clear: the end. */
bool bars_csv_row(struct bars *bars, struct bars_piece pieces[ROLE_COUNT], struct err *err);
bool bars_json_row(struct bars *bars, struct bars_piece pieces[ROLE_COUNT], struct err *err);
#endif
