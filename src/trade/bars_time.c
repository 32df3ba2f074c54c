/* Moments in bar files. Thousands of bars share a date, so that a date is turned into UTC once. */
#include "trade/bars_text.h"
#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool take_number(const char **at, const char *end, size_t most, int *out)
{
    const char *start = *at, *next = start;
    int value = 0;
    while (next < end && (size_t)(next - start) < most && is_digit(*next))
        value = value * 10 + (*next++ - '0');
    *out = value;
    *at = next;
    return next > start;
}

static bool take_mark(const char **at, const char *end)
{
    if (*at == end || !strchr("-/.", **at) || !**at)
        return false;
    ++*at;
    return true;
}

/* DD-MM-YYYY, or YYYY-MM-DD when four digits come first. */
static bool read_date(struct bars_piece piece, struct civil *day)
{
    const char *at = piece.text, *end = at + piece.length;
    int first, third;
    *day = (struct civil){0};
    if (!take_number(&at, end, 4, &first) || !take_mark(&at, end))
        return false;
    const bool year_first = at - piece.text == 5;
    if (!take_number(&at, end, 2, &day->month) || !take_mark(&at, end) ||
        !take_number(&at, end, year_first ? 2 : 4, &third) || at != end)
        return false;
    day->year = year_first ? first : third;
    day->day = year_first ? third : first;
    return day->year >= 1900;
}

static bool set_day(struct bars *bars, struct bars_piece date, struct err *err)
{
    bars->day_length = 0;
    if (date.length > sizeof bars->day_text || !read_date(date, &bars->day) ||
        !calendar_from_civil(&bars->day, bars->zone, &bars->day_us))
        return bars_fault(bars, err,
                          "the date is not DD-MM-YYYY or YYYY-MM-DD, or there is no such day");
    const int32_t offset = bars->zone ? zone_offset_s(bars->zone, bars->day_us) : 0;
    bars->day_steady =
        !bars->zone || (zone_offset_s(bars->zone, bars->day_us - 2 * HOUR) == offset &&
                        zone_offset_s(bars->zone, bars->day_us + 26 * HOUR) == offset);
    memcpy(bars->day_text, date.text, date.length);
    bars->day_length = date.length;
    return true;
}

/* H:MM[:SS] */
static bool read_clock(struct bars_piece piece, struct civil *day)
{
    const char *at = piece.text, *end = at + piece.length;
    day->second = 0;
    if (!take_number(&at, end, 2, &day->hour) || at == end || *at++ != ':' ||
        !take_number(&at, end, 2, &day->minute))
        return false;
    if (at < end && (*at++ != ':' || !take_number(&at, end, 2, &day->second)))
        return false;
    return at == end && day->hour < 24 && day->minute < 60 && day->second < 60;
}

bool bars_date_time(struct bars *bars, struct bars_piece date, struct bars_piece time,
                    int64_t *at_us, struct err *err)
{
    const bool same =
        bars->day_length == date.length && memcmp(bars->day_text, date.text, date.length) == 0;
    if (!same && !set_day(bars, date, err))
        return false;
    if (!time.text || !read_clock(time, &bars->day))
        return bars_fault(bars, err, "the time of day is not H:MM or H:MM:SS");
    const struct civil *now = &bars->day;
    if (bars->day_steady)
        *at_us = bars->day_us + (now->hour * 3600 + now->minute * 60 + now->second) * SECOND;
    else if (!calendar_from_civil(now, bars->zone, at_us))
        return bars_fault(bars, err, "there is no such moment");
    return true;
}

static bool read_epoch(struct bars_piece piece, int64_t *at_us)
{
    int64_t value = 0;
    for (size_t i = 0; i < piece.length; i++) {
        if (!is_digit(piece.text[i]))
            return false;
        value = value * 10 + (piece.text[i] - '0');
    }
    *at_us = value * (piece.length == 10 ? SECOND : piece.length == 13 ? 1000 : 1);
    return true;
}

bool bars_stamp(struct bars *bars, struct bars_piece stamp, int64_t *at_us, struct err *err)
{
    char text[48];
    struct err inner;
    if (!stamp.text || stamp.length == 0)
        return bars_fault(bars, err, "the time is missing");
    if ((stamp.length == 10 || stamp.length == 13 || stamp.length == 16) &&
        read_epoch(stamp, at_us))
        return true;
    if (stamp.length + 10 > sizeof text || memchr(stamp.text, '\0', stamp.length))
        return bars_fault(bars, err, "the time is longer than any time");
    const bool day_only = stamp.length == 10 && stamp.text[4] == '-';
    snprintf(text, sizeof text, "%.*s%s", (int)stamp.length, stamp.text,
             day_only ? "T00:00:00" : "");
    return calendar_parse(text, bars->zone, at_us, &inner) ||
           bars_fault(bars, err, "%s", inner.text);
}
