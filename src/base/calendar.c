/* Dates and times as people and machines write them, to microseconds UTC and back. Zones live in
 * zone.c. */
#include "base/calendar.h"

#include "base/decimal.h"
#include "base/digits.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)
#define DAY_S INT64_C(86400)
#define YEAR_LEAST 1
#define YEAR_MOST 9999

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Years are counted from March, so that the leap day is a year's last and months have a regular
 * length. */
int64_t calendar_days(int year, int month, int day)
{
    int64_t y = month <= 2 ? (int64_t)year - 1 : year;
    int64_t era = floor_div(y, 400), of_era = y - era * 400;
    int64_t of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void split_days(int64_t days, struct civil *out)
{
    int64_t shifted = days + 719468, era = floor_div(shifted, 146097);
    int64_t of_era = shifted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    out->day = (int)(of_year - (153 * month + 2) / 5 + 1);
    out->month = (int)(month < 10 ? month + 3 : month - 9);
    out->year = (int)(year + era * 400 + (out->month <= 2));
}

/* All but its place in the week and in the year; the day's number. */
static int64_t split_time(int64_t utc_us, int32_t offset_s, struct civil *out)
{
    int64_t seconds = floor_div(utc_us, SECOND_US);
    out->microsecond = (int)((utc_us % SECOND_US + SECOND_US) % SECOND_US);
    seconds += offset_s;
    int64_t days = floor_div(seconds, DAY_S);
    int of_day = (int)(seconds - days * DAY_S);
    split_days(days, out);
    out->hour = of_day / 3600;
    out->minute = of_day / 60 % 60;
    out->second = of_day % 60;
    return days;
}

struct civil calendar_civil(int64_t utc_us, const struct zone *zone)
{
    struct civil out;
    int64_t days = split_time(utc_us, zone_offset_s(zone, utc_us), &out);
    out.weekday = (int)((days % 7 + 7 + 3) % 7); /* 1970-01-01 was a Thursday */
    out.yearday = (int)(days - calendar_days(out.year, 1, 1) + 1);
    return out;
}

static bool is_real(const struct civil *c)
{
    return c->year >= YEAR_LEAST && c->year <= YEAR_MOST && c->month >= 1 && c->month <= 12 &&
           c->day >= 1 && c->day <= days_in_month(c->year, c->month) && c->hour >= 0 &&
           c->hour <= 23 && c->minute >= 0 && c->minute <= 59 && c->second >= 0 &&
           c->second <= 60 && c->microsecond >= 0 && c->microsecond <= 999999;
}

/* Microseconds of the wall time as if the wall were UTC. */
static int64_t wall_us(const struct civil *c)
{
    int second = c->second == 60 ? 59 : c->second;
    int64_t seconds =
        calendar_days(c->year, c->month, c->day) * DAY_S + c->hour * 3600 + c->minute * 60 + second;
    return seconds * SECOND_US + c->microsecond;
}

bool calendar_from_civil(const struct civil *civil, const struct zone *zone, int64_t *utc_us)
{
    if (!is_real(civil))
        return false;
    int64_t wall = wall_us(civil);
    /* A day away, more than any offset, lies the offset before and after a change that may be near.
     */
    int64_t before = zone_offset_s(zone, wall - DAY_S * SECOND_US);
    int64_t after = zone_offset_s(zone, wall + DAY_S * SECOND_US);
    int64_t early = wall - before * SECOND_US, late = wall - after * SECOND_US;
    bool early_fits = zone_offset_s(zone, early) == before;
    bool late_fits = zone_offset_s(zone, late) == after;
    if (early_fits && late_fits)
        *utc_us = early < late ? early : late;
    else if (late_fits)
        *utc_us = late;
    else
        *utc_us = early; /* fits, or is in a gap, where the old offset leads past it */
    return true;
}

/* --- text in ---------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_number(const char **at, int digits, int *out)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (!is_digit((*at)[i]))
            return false;
        value = value * 10 + ((*at)[i] - '0');
    }
    *at += digits;
    *out = value;
    return true;
}

static bool take_char(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

static bool take_fraction(const char **at, int *microsecond)
{
    if (!is_digit(**at))
        return false;
    int value = 0, digits = 0;
    for (; is_digit(**at); (*at)++, digits++) {
        if (digits < 6)
            value = value * 10 + (**at - '0');
        if (digits == 9)
            return false;
    }
    for (; digits < 6; digits++)
        value *= 10;
    *microsecond = value;
    return true;
}

static bool take_date_time(const char **at, struct civil *c)
{
    if (!take_number(at, 4, &c->year) || !take_char(at, '-') || !take_number(at, 2, &c->month) ||
        !take_char(at, '-') || !take_number(at, 2, &c->day))
        return false;
    if (!take_char(at, 'T') && !take_char(at, ' '))
        return false;
    if (!take_number(at, 2, &c->hour) || !take_char(at, ':') || !take_number(at, 2, &c->minute) ||
        !take_char(at, ':') || !take_number(at, 2, &c->second))
        return false;
    return !take_char(at, '.') || take_fraction(at, &c->microsecond);
}

bool calendar_take_offset(const char **at, int *offset_s)
{
    int hours, minutes, sign = **at == '-' ? -1 : 1;
    if (**at != '+' && **at != '-')
        return false;
    const char *start = (*at)++;
    if (take_number(at, 2, &hours) && (take_char(at, ':'), true) && take_number(at, 2, &minutes) &&
        hours <= 23 && minutes <= 59) {
        *offset_s = sign * (hours * 3600 + minutes * 60);
        return true;
    }
    *at = start;
    return false;
}

static bool refuse(const char *text, struct err *err, const char *why)
{
    char shown[44];
    size_t length = 0;
    for (; length < sizeof shown - 4 && text[length]; length++)
        shown[length] = text[length] >= ' ' && text[length] < 0x7F ? text[length] : '?';
    memcpy(shown + length, text[length] ? "..." : "", text[length] ? 4 : 1);
    return err_set(err, ERR_REFUSED, ERR_INPUT, "the time \"%s\" %s", shown, why);
}

static bool parse_epoch(const char *text, int64_t *utc_us, struct err *err)
{
    int64_t whole = 0;
    int digits = 0, microsecond = 0;
    const char *at = text;
    for (; is_digit(*at); at++, digits++)
        if (digits < 13)
            whole = whole * 10 + (*at - '0');
    if (take_char(&at, '.') && !take_fraction(&at, &microsecond))
        return refuse(text, err, "has no digits, or more than nine, behind the point");
    if (*at)
        return refuse(text, err, "is neither ISO 8601 nor a number of seconds since 1970");
    if (digits == 10)
        *utc_us = whole * SECOND_US + microsecond;
    else if (digits == 13)
        *utc_us = whole * 1000 + microsecond / 1000;
    else
        return refuse(text, err,
                      "is no epoch time; write 10 digits for seconds or 13 for milliseconds");
    return true;
}

bool calendar_parse(const char *text, const struct zone *naive, int64_t *utc_us, struct err *err)
{
    size_t digits = strspn(text, "0123456789");
    if (digits > 4 || (digits > 0 && (text[digits] == '\0' || text[digits] == '.')))
        return parse_epoch(text, utc_us, err);
    struct civil c = {0};
    const char *at = text;
    int offset_s = 0;
    if (!take_date_time(&at, &c))
        return refuse(text, err, "is not a time; write 2026-07-21T09:15:00Z or epoch seconds");
    if (!is_real(&c))
        return refuse(text, err, "does not exist in the calendar");
    if (*at == '\0') {
        if (!naive)
            return refuse(text, err,
                          "has no time zone; end it with Z or +05:30, or set the zone of "
                          "its source");
        calendar_from_civil(&c, naive, utc_us);
        return true;
    }
    if (!take_char(&at, 'Z') && !calendar_take_offset(&at, &offset_s))
        return refuse(text, err,
                      "has no valid time zone; end it with Z or an offset such as +05:30");
    if (*at)
        return refuse(text, err, "goes on behind its time zone");
    *utc_us = wall_us(&c) - offset_s * SECOND_US;
    return true;
}

bool calendar_parse_duration(const char *text, int64_t *us, struct err *err)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {{"", SECOND_US},         {"ms", 1000},
                 {"s", SECOND_US},        {"m", 60 * SECOND_US},
                 {"h", 3600 * SECOND_US}, {"d", DAY_S * SECOND_US}};
    size_t length = strspn(text, "0123456789.");
    struct decimal value;
    int64_t whole;
    if (length == 0 || length > 20 || !decimal_parse(text, length, &value, NULL))
        goto bad;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text + length, units[i].name) != 0)
            continue;
        struct decimal total = decimal_mul(value, decimal_int(units[i].us));
        if (!decimal_ok(total) || !decimal_to_int(total, &whole))
            goto bad;
        *us = whole;
        return true;
    }
bad:
    return err_set(err, ERR_REFUSED, ERR_INPUT,
                   "\"%.40s\" is not a length of time; write 250ms, 30s, 5m, 2h or 1d", text);
}

/* --- text out --------------------------------------------------------------------------------- */

static char *put_pair(char *at, int value, char after)
{
    digits_pair(at, (unsigned)value);
    at[2] = after;
    return at + 3;
}

static char *put_year(char *at, int year)
{
    if (year >= 0 && year <= YEAR_MOST) {
        put_pair(at, year / 100, '\0');
        return put_pair(at + 2, year % 100, '-');
    }
    return at + snprintf(at, 9, "%d-", year < -999999 ? -999999 : year > 999999 ? 999999 : year);
}

static size_t print_time(int64_t utc_us, bool with_fraction, char out[CALENDAR_TEXT_MAX])
{
    struct civil c;
    split_time(utc_us, 0, &c);
    char *at = put_year(out, c.year);
    at = put_pair(at, c.month, '-');
    at = put_pair(at, c.day, 'T');
    at = put_pair(at, c.hour, ':');
    at = put_pair(at, c.minute, ':');
    at = put_pair(at, c.second, '.');
    if (with_fraction && c.microsecond)
        digits_last(at += 6, (uint64_t)c.microsecond, 6);
    else
        at--; /* no point */
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - out);
}

size_t calendar_print(int64_t utc_us, char out[CALENDAR_TEXT_MAX])
{
    return print_time(utc_us, true, out);
}

size_t calendar_print_seconds(int64_t utc_us, char out[CALENDAR_TEXT_MAX])
{
    return print_time(utc_us, false, out);
}
