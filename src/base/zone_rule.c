/* The last line of a TZif file: how a zone goes on after the changes it lists. */
#include "base/zone.h"

#include "base/calendar.h"

#include <stddef.h>
#include <string.h>

#define DAY_S 86400
#define FAR_S INT64_C(9000000000000)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_int(const char **at, int most, int *out)
{
    if (!is_digit(**at))
        return false;
    int value = 0;
    for (; is_digit(**at); (*at)++) {
        value = value * 10 + (**at - '0');
        if (value > most)
            return false;
    }
    *out = value;
    return true;
}

static bool take_name(const char **at)
{
    const char *start = *at;
    if (**at == '<') {
        const char *close = strchr(*at, '>');
        if (!close)
            return false;
        *at = close + 1;
        return true;
    }
    while ((**at >= 'A' && **at <= 'Z') || (**at >= 'a' && **at <= 'z'))
        (*at)++;
    return *at - start >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(const char **at, int most_hours, int32_t *out_s)
{
    int hours, minutes = 0, seconds = 0, sign = **at == '-' ? -1 : 1;
    if (**at == '+' || **at == '-')
        (*at)++;
    if (!take_int(at, most_hours, &hours))
        return false;
    if (**at == ':' && ((*at)++, !take_int(at, 59, &minutes)))
        return false;
    if (**at == ':' && ((*at)++, !take_int(at, 59, &seconds)))
        return false;
    *out_s = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool take_change(const char **at, struct zone_change *out)
{
    if (*(*at)++ != ',')
        return false;
    *out = (struct zone_change){.time_s = 2 * 3600};
    if (**at == 'M') {
        (*at)++;
        out->kind = ZONE_DAY_WEEK;
        if (!take_int(at, 12, &out->month) || out->month < 1 || *(*at)++ != '.' ||
            !take_int(at, 5, &out->week) || out->week < 1 || *(*at)++ != '.' ||
            !take_int(at, 6, &out->day))
            return false;
    } else if (**at == 'J') {
        (*at)++;
        out->kind = ZONE_DAY_JULIAN;
        if (!take_int(at, 365, &out->day) || out->day < 1)
            return false;
    } else {
        out->kind = ZONE_DAY_ZERO;
        if (!take_int(at, 365, &out->day))
            return false;
    }
    if (**at != '/')
        return true;
    (*at)++;
    return take_time(at, 167, &out->time_s);
}

bool zone_rule_parse(const char *text, struct zone_rule *out)
{
    const char *at = text;
    *out = (struct zone_rule){0};
    if (!take_name(&at) || !take_time(&at, 24, &out->winter_s))
        return false;
    out->winter_s = -out->winter_s; /* POSIX counts west of Greenwich */
    if (*at == '\0')
        return true;
    out->has_summer = true;
    out->summer_s = out->winter_s + 3600;
    if (!take_name(&at))
        return false;
    if (*at != ',' && *at != '\0') {
        if (!take_time(&at, 24, &out->summer_s))
            return false;
        out->summer_s = -out->summer_s;
    }
    return take_change(&at, &out->start) && take_change(&at, &out->end) && *at == '\0';
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Local seconds since 1970 at which the change happens in that year. */
static int64_t change_at(const struct zone_change *change, int year)
{
    int64_t days = calendar_days(year, 1, 1);
    switch (change->kind) {
    case ZONE_DAY_ZERO:
        days += change->day;
        break;
    case ZONE_DAY_JULIAN:
        days += change->day - 1 + (change->day >= 60 && is_leap(year));
        break;
    case ZONE_DAY_WEEK: {
        int64_t first = calendar_days(year, change->month, 1);
        int64_t next = change->month == 12 ? calendar_days(year + 1, 1, 1)
                                           : calendar_days(year, change->month + 1, 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* of the first, 0 = Sunday */
        days = first + (change->day - weekday + 7) % 7 + 7 * (change->week - 1);
        if (days >= next)
            days -= 7; /* week 5 means the last one */
        break;
    }
    }
    return days * DAY_S + change->time_s;
}

int32_t zone_rule_offset_s(const struct zone_rule *rule, int64_t utc_s)
{
    if (!rule->has_summer)
        return rule->winter_s;
    if (utc_s > FAR_S || utc_s < -FAR_S) /* where microseconds end, no summer is known */
        return rule->winter_s;
    int year = calendar_civil((utc_s + rule->winter_s) * 1000000, NULL).year;
    int64_t start = change_at(&rule->start, year) - rule->winter_s;
    int64_t end = change_at(&rule->end, year) - rule->summer_s;
    bool summer = start < end ? utc_s >= start && utc_s < end : !(utc_s >= end && utc_s < start);
    return summer ? rule->summer_s : rule->winter_s;
}
