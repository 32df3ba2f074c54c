/* Dates: ISO 8601 and epoch numbers to microseconds UTC and back; IANA time zones read from the
 * system's TZif files. */
#ifndef TIDELOCK_BASE_CALENDAR_H
#define TIDELOCK_BASE_CALENDAR_H
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

#define CALENDAR_TEXT_MAX 32
struct zone; /* a loaded time zone; immutable */

/* "UTC", "+05:30" or an IANA name such as "Asia/Kolkata" (read from /usr/share/zoneinfo; no path
 * tricks). Free with zone_free. */
struct zone *zone_load(const char *name, struct err *err) MUST_CHECK;
void zone_free(struct zone *zone);
int32_t zone_offset_s(const struct zone *zone, int64_t utc_us);

struct civil {
    int year, month, day, hour, minute, second, microsecond, weekday /* 0 = Monday */, yearday;
};
struct civil calendar_civil(int64_t utc_us, const struct zone *zone /* NULL: UTC */);
/* A local wall time that occurs twice takes the earlier instant; one that is skipped moves forward.
 * False: no such date. */
bool calendar_from_civil(const struct civil *civil, const struct zone *zone, int64_t *utc_us);

/* ISO 8601 "2026-07-21T09:15:00[.ffffff](Z|±hh:mm|±hhmm)" (a blank may stand for T), or epoch
 * seconds / milliseconds as digits (10 digits: s, 13: ms; a fraction is allowed). A naive time
 * needs `naive` (the source's zone), else it is refused with a sentence that says how to set one.
 * Seconds 0-59 and 60 as a leap second folded to 59. */
bool calendar_parse(const char *text, const struct zone *naive, int64_t *utc_us,
                    struct err *err) MUST_CHECK;
/* Days since 1970-01-01 of a date that exists. */
int64_t calendar_days(int year, int month, int day);
/* Takes "±hh:mm" or "±hhmm" from *at and moves it; false leaves it. */
bool calendar_take_offset(const char **at, int *offset_s);
/* 2026-07-21T09:15:00Z, with .ffffff when not whole. */
size_t calendar_print(int64_t utc_us, char out[CALENDAR_TEXT_MAX]);
/* Cut (floor) to the second, always Z. */
size_t calendar_print_seconds(int64_t utc_us, char out[CALENDAR_TEXT_MAX]);
/* 250ms 30s 5m 2h 1d, or a plain number of seconds. */
bool calendar_parse_duration(const char *text, int64_t *us, struct err *err) MUST_CHECK;
#endif
