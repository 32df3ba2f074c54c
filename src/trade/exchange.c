/* Calendar arithmetic over the tables of exchange_data.c. */
#include "trade/exchange.h"
#include "base/calendar.h"
#include "trade/exchange_data.h"
#include <stdio.h>
#include <string.h>

#define DAY_US INT64_C(86400000000)
#define MINUTE_US INT64_C(60000000)
enum { EVENING_MIN = 17 * 60, SEARCH_DAYS = 400, SATURDAY = 5, SUNDAY = 6 };

/* ---- dates ---- */

bool date_read(const char *text, int64_t *day)
{
    int year, month, of_month, end = 0;
    if (strlen(text) != 10 || sscanf(text, "%4d-%2d-%2d%n", &year, &month, &of_month, &end) != 3 ||
        end != 10)
        return false;
    struct civil civil = {.year = year, .month = month, .day = of_month};
    int64_t us;
    if (!calendar_from_civil(&civil, NULL, &us))
        return false;
    *day = calendar_days(year, month, of_month);
    return true;
}

void date_print(int64_t day, char out[EXPIRY_SIZE])
{
    struct civil civil = calendar_civil(day * DAY_US, NULL);
    snprintf(out, EXPIRY_SIZE, "%04u-%02u-%02u", (unsigned)civil.year % 10000,
             (unsigned)civil.month % 100, (unsigned)civil.day % 100);
}

static struct civil civil_of(int64_t day)
{
    return calendar_civil(day * DAY_US, NULL);
}

static int days_in_month(int year, int month)
{
    int64_t next = month == 12 ? calendar_days(year + 1, 1, 1) : calendar_days(year, month + 1, 1);
    return (int)(next - calendar_days(year, month, 1));
}

/* ---- sessions ---- */

/* Brokers give the derivatives of an exchange a name of their own. */
static const char *house_of(const char *exchange)
{
    return strcmp(exchange, "NFO") == 0 ? "NSE" : exchange;
}

static const struct hours *hours_of(const char *exchange)
{
    exchange = house_of(exchange);
    for (const struct hours *h = exchange_hours; h->exchange; h++)
        if (strcmp(h->exchange, exchange) == 0)
            return h;
    return NULL;
}

bool exchange_is_known(const char *exchange)
{
    return hours_of(exchange) != NULL;
}

int64_t exchange_day(const char *exchange, int64_t at_us)
{
    const struct hours *h = hours_of(exchange);
    int64_t local_us = at_us + (h ? h->offset_min : 0) * MINUTE_US;
    return local_us / DAY_US - (local_us % DAY_US < 0);
}

/* From the second Sunday of March to the first of November. */
static bool is_us_summer(int64_t day)
{
    struct civil civil = civil_of(day);
    int64_t march = calendar_days(civil.year, 3, 1), november = calendar_days(civil.year, 11, 1);
    int64_t from = march + SUNDAY - civil_of(march).weekday + 7;
    return day >= from && day < november + SUNDAY - civil_of(november).weekday;
}

static const struct special_day *special_of(const char *exchange, const char *date)
{
    for (const struct special_day *s = exchange_days; s->exchange; s++)
        if (strcmp(s->exchange, exchange) == 0 && strcmp(s->date, date) == 0 && s->kind == FESTIVE)
            return s; /* its session counts whatever else the day is */
    for (const struct special_day *s = exchange_days; s->exchange; s++)
        if (strcmp(s->exchange, exchange) == 0 && strcmp(s->date, date) == 0)
            return s;
    return NULL;
}

static const struct closed_day *told_of(const struct closed_days *more, const char *exchange,
                                        const char *date)
{
    for (size_t i = 0; more && i < more->count; i++)
        if (strcmp(house_of(more->list[i].exchange), exchange) == 0 &&
            strcmp(more->list[i].date, date) == 0)
            return &more->list[i];
    return NULL;
}

static struct session open_between(const struct hours *h, int64_t day, int opens, int closes)
{
    int64_t midnight_us = day * DAY_US - h->offset_min * MINUTE_US;
    return (struct session){.is_open = true,
                            .opens_us = midnight_us + opens * MINUTE_US,
                            .closes_us = midnight_us + closes * MINUTE_US};
}

static struct session session_of(const struct hours *h, int64_t day, const char *date,
                                 const struct closed_days *more)
{
    const struct closed_day *told = told_of(more, h->exchange, date);
    const struct special_day *special = special_of(h->exchange, date);
    int closes = h->closes_us_summer && is_us_summer(day) ? h->closes_us_summer : h->closes;
    if (told)
        return told->open ? open_between(h, day, h->opens, closes)
                          : (struct session){.why = "by the configured calendar"};
    if (special && special->kind == FESTIVE)
        return open_between(h, day, special->opens, special->closes);
    if (!h->always && civil_of(day).weekday >= SATURDAY)
        return (struct session){.why = "the weekend"};
    if (special && special->kind == HOLIDAY)
        return (struct session){.why = special->name};
    return open_between(h, day, special ? EVENING_MIN : h->opens, closes);
}

struct session exchange_session(const char *exchange, int64_t day, const struct closed_days *more)
{
    const struct hours *h = hours_of(exchange);
    char date[EXPIRY_SIZE];
    if (!h)
        return (struct session){.why = "no such exchange"};
    date_print(day, date);
    struct session session = session_of(h, day, date, more);
    session.known = strcmp(date, h->known_from) >= 0 && strcmp(date, h->known_until) <= 0;
    return session;
}

/* ---- expiries ---- */

bool expiry_is_known(const char *series)
{
    for (const struct expiry_rule *rule = expiry_rules; rule->series; rule++)
        if (strcmp(rule->series, series) == 0)
            return true;
    return false;
}

void expiry_series_list(struct str *out)
{
    const char *last = "";
    for (const struct expiry_rule *rule = expiry_rules; rule->series; rule++) {
        if (strcmp(rule->series, last) != 0)
            str_printf(out, "%s%s", *last ? ", " : "", rule->series);
        last = rule->series;
    }
}

static bool falls_on(const struct expiry_rule *rule, int64_t day)
{
    struct civil civil = civil_of(day);
    int last = days_in_month(civil.year, civil.month);
    if (!(rule->months & 1u << (civil.month - 1)))
        return false;
    switch (rule->cycle) {
    case LAST_WEEKDAY:
        return civil.weekday == rule->day && civil.day + 7 > last;
    case EACH_WEEKDAY:
        return civil.weekday == rule->day;
    case DAY_OF_MONTH:
        return civil.day == rule->day;
    case LAST_DAY:
        return civil.day == last;
    }
    return false;
}

static bool is_nominal(const char *series, int64_t day)
{
    char date[EXPIRY_SIZE];
    date_print(day, date);
    for (const struct expiry_rule *rule = expiry_rules; rule->series; rule++)
        if (strcmp(rule->series, series) == 0 && strcmp(date, rule->from) >= 0 &&
            strcmp(date, rule->until) <= 0 && falls_on(rule, day))
            return true;
    return false;
}

/* Contracts trade through their last regular day: an hour at Diwali is none. */
static bool is_trading_day(const char *exchange, int64_t day, const struct closed_days *more)
{
    struct session session = exchange_session(exchange, day, more);
    return session.is_open && session.closes_us - session.opens_us > 2 * 60 * MINUTE_US;
}

static bool next_of_list(const char *dates, int64_t day, int64_t *out)
{
    bool found = false;
    for (const char *at = dates; *at; at += strcspn(at, ",")) {
        char date[EXPIRY_SIZE];
        int64_t one;
        at += strspn(at, ", ");
        size_t length = strcspn(at, ", ");
        if (length != 10)
            continue;
        memcpy(date, at, length);
        date[length] = '\0';
        if (date_read(date, &one) && one >= day && (!found || one < *out)) {
            *out = one;
            found = true;
        }
    }
    return found;
}

bool expiry_next(const char *series, const char *dates, const struct closed_days *more, int64_t day,
                 int64_t *out)
{
    char exchange[16];
    size_t length = strcspn(series, ":");
    if (dates && *dates)
        return next_of_list(dates, day, out);
    if (length >= sizeof exchange || !expiry_is_known(series))
        return false;
    memcpy(exchange, series, length);
    exchange[length] = '\0';
    for (int64_t nominal = day; nominal < day + SEARCH_DAYS; nominal++) {
        int64_t actual = nominal;
        if (!is_nominal(series, nominal))
            continue;
        while (nominal - actual < 10 && !is_trading_day(exchange, actual, more))
            actual--;
        if (actual >= day) {
            *out = actual;
            return true;
        }
    }
    return false;
}
