/* Dates against the C library, an independent reader of the same zone files. */
#include "base/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/chance.h"
#include "base/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define S INT64_C(1000000)

static int64_t at(const char *text)
{
    int64_t us = 0;
    struct err err;
    if (!calendar_parse(text, NULL, &us, &err))
        fail_msg("%s", err.text);
    return us;
}

static struct zone *zone_of(const char *name)
{
    struct err err;
    struct zone *zone = zone_load(name, &err);
    if (!zone)
        fail_msg("%s", err.text);
    return zone;
}

static void civil_agrees_with_the_library(void **state)
{
    (void)state;
    struct chance chance;
    chance_seed(&chance, 4);
    for (int i = 0; i < 50000; i++) {
        int64_t seconds = (int64_t)chance_below(&chance, 400000000000u) - 62135596800;
        seconds = seconds > 253402300799 ? seconds % 253402300799 : seconds;
        int64_t us = seconds * S + (int64_t)chance_below(&chance, 1000000);
        struct civil c = calendar_civil(us, NULL);
        time_t t = (time_t)seconds;
        struct tm tm;
        gmtime_r(&t, &tm);
        assert_int_equal(c.year, tm.tm_year + 1900);
        assert_int_equal(c.month, tm.tm_mon + 1);
        assert_int_equal(c.day, tm.tm_mday);
        assert_int_equal(c.hour * 3600 + c.minute * 60 + c.second,
                         tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec);
        assert_int_equal(c.weekday, (tm.tm_wday + 6) % 7);
        assert_int_equal(c.yearday, tm.tm_yday + 1);
        int64_t back;
        assert_true(calendar_from_civil(&c, NULL, &back));
        assert_int_equal(back, us);
        char text[CALENDAR_TEXT_MAX];
        size_t length = calendar_print(us, text);
        assert_int_equal(length, strlen(text));
        assert_int_equal(at(text), us);
    }
}

static void zones_agree_with_the_library(void **state)
{
    (void)state;
    static const char *const names[] = {"Asia/Kolkata",        "America/New_York",
                                        "Europe/Berlin",       "Europe/Dublin",
                                        "Asia/Tokyo",          "America/Sao_Paulo",
                                        "Australia/Lord_Howe", "Africa/Casablanca",
                                        "Asia/Gaza",           "Pacific/Apia",
                                        "America/Santiago",    "Pacific/Chatham",
                                        "Asia/Tehran",         "UTC"};
    struct chance chance;
    chance_seed(&chance, 6);
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        struct zone *zone = zone_of(names[n]);
        setenv("TZ", names[n], 1);
        tzset();
        for (int i = 0; i < 4000; i++) {
            time_t t = (time_t)chance_below(&chance, 4102444800u * 2); /* to the year 2230 */
            struct tm tm;
            localtime_r(&t, &tm);
            if (zone_offset_s(zone, t * S) != (int32_t)tm.tm_gmtoff)
                fail_msg("%s at %lld: %d, wanted %ld", names[n], (long long)t,
                         zone_offset_s(zone, t * S), tm.tm_gmtoff);
        }
        zone_free(zone);
    }
    unsetenv("TZ");
}

static void wall_times_at_the_changes(void **state)
{
    (void)state;
    struct zone *zone = zone_of("America/New_York");
    int64_t us;
    struct err err;
    /* Skipped: 02:30 on the day clocks go forward is an hour later. */
    assert_true(calendar_parse("2026-03-08T02:30:00", zone, &us, &err));
    assert_int_equal(us, at("2026-03-08T07:30:00Z"));
    assert_int_equal(calendar_civil(us, zone).hour, 3);
    /* Twice: the earlier one. */
    assert_true(calendar_parse("2026-11-01T01:30:00", zone, &us, &err));
    assert_int_equal(us, at("2026-11-01T05:30:00Z"));
    assert_true(calendar_parse("2026-11-01 02:00:00", zone, &us, &err));
    assert_int_equal(us, at("2026-11-01T07:00:00Z"));
    /* Beyond the file's list, where the rule in its last line holds. */
    assert_true(calendar_parse("2199-07-01T12:00:00", zone, &us, &err));
    assert_int_equal(us, at("2199-07-01T16:00:00Z"));
    zone_free(zone);
    zone = zone_of("Asia/Kolkata");
    assert_true(calendar_parse("2026-07-21 09:15:00", zone, &us, &err));
    assert_int_equal(us, at("2026-07-21T03:45:00Z"));
    struct civil c = calendar_civil(us, zone);
    assert_int_equal(c.hour * 60 + c.minute, 9 * 60 + 15);
    assert_int_equal(c.weekday, 1);
    zone_free(zone);
}

static void every_wall_time_comes_back(void **state)
{
    (void)state;
    struct zone *zone = zone_of("Australia/Lord_Howe");
    struct chance chance;
    chance_seed(&chance, 8);
    for (int i = 0; i < 20000; i++) {
        int64_t us = (int64_t)chance_below(&chance, 4102444800u) * S, back;
        struct civil c = calendar_civil(us, zone), again;
        assert_true(calendar_from_civil(&c, zone, &back));
        again = calendar_civil(back, zone);
        assert_true(back <= us && us - back <= 3600 * S);
        assert_memory_equal(&c, &again, sizeof c);
    }
    zone_free(zone);
}

static void takes_the_forms_people_send(void **state)
{
    (void)state;
    int64_t base = INT64_C(1784625300) * S;
    static const char *const same[] = {"2026-07-21T09:15:00Z",
                                       "2026-07-21 09:15:00Z",
                                       "2026-07-21T14:45:00+05:30",
                                       "2026-07-21T14:45:00+0530",
                                       "2026-07-21T04:15:00-05:00",
                                       "2026-07-21T09:15:00.000Z",
                                       "2026-07-21T09:15:00.000000000Z",
                                       "1784625300",
                                       "1784625300000",
                                       "1784625300.0",
                                       "1784625300000.0",
                                       "2026-07-22T00:15:00+15:00"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        assert_int_equal(at(same[i]), base);
    assert_int_equal(at("1784625300.25"), base + 250000);
    assert_int_equal(at("1784625300123.5"), base + 123500);
    assert_int_equal(at("2026-07-21T09:15:00.123456789Z"), base + 123456);
    assert_int_equal(at("2016-12-31T23:59:60Z"), at("2016-12-31T23:59:59Z"));
    assert_int_equal(at("1969-12-31T23:59:59.5Z"), -500000);
    assert_int_equal(at("2024-02-29T00:00:00Z"), INT64_C(1709164800) * S);
}

static void refuses_the_rest(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "is not a time"},
        {"now", "is not a time"},
        {"2026-07-21", "is not a time"},
        {"2026-07-21T09:15Z", "is not a time"},
        {"2026-07-21T09:15:00", "no time zone"},
        {"2026-07-21T09:15:00.5", "no time zone"},
        {"2026-07-21T09:15:00+5", "no valid time zone"},
        {"2026-07-21T09:15:00+24:00", "no valid time zone"},
        {"2026-07-21T09:15:00+05:60", "no valid time zone"},
        {"2026-07-21T09:15:00z", "no valid time zone"},
        {"2026-07-21T09:15:00Z ", "goes on"},
        {"2026-07-21T09:15:00.Z", "is not a time"},
        {"2026-07-21T09:15:00.1234567890Z", "is not a time"},
        {"2026-02-29T00:00:00Z", "does not exist"},
        {"2026-13-01T00:00:00Z", "does not exist"},
        {"2026-00-01T00:00:00Z", "does not exist"},
        {"2026-04-31T00:00:00Z", "does not exist"},
        {"2026-01-01T24:00:00Z", "does not exist"},
        {"2026-01-01T00:60:00Z", "does not exist"},
        {"2026-01-01T00:00:61Z", "does not exist"},
        {"0000-01-01T00:00:00Z", "does not exist"},
        {"123456789", "no epoch time"},
        {"17846253001", "no epoch time"},
        {"1784625300000000", "no epoch time"},
        {"99999999999999999999999999999", "no epoch time"},
        {"1784625300.", "behind the point"},
        {"1784625300x", "neither ISO"},
        {"-1784625300", "is not a time"},
        {"1.784e9", "neither ISO"},
        {"{{timenow}}", "is not a time"},
        {"20260721T091500Z", "neither ISO"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t us = 7;
        struct err err = {0};
        assert_false(calendar_parse(cases[i][0], NULL, &us, &err));
        if (!strstr(err.text, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], err.text);
        assert_int_equal(err.class, ERR_REFUSED);
        assert_int_equal(us, 7);
    }
}

static void prints(void **state)
{
    (void)state;
    char text[CALENDAR_TEXT_MAX];
    calendar_print(at("2026-07-21T09:15:00Z"), text);
    assert_string_equal(text, "2026-07-21T09:15:00Z");
    calendar_print(at("2026-07-21T09:15:00.05Z"), text);
    assert_string_equal(text, "2026-07-21T09:15:00.050000Z");
    assert_int_equal(calendar_print_seconds(-1, text), 20);
    assert_string_equal(text, "1969-12-31T23:59:59Z");
    assert_true(calendar_print(INT64_MAX, text) < CALENDAR_TEXT_MAX);
    assert_true(calendar_print(INT64_MIN, text) < CALENDAR_TEXT_MAX);
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } good[] = {{"250ms", 250000}, {"30s", 30 * S},
                {"5m", 300 * S},   {"2h", 7200 * S},
                {"1d", 86400 * S}, {"90", 90 * S},
                {"0", 0},          {"1.5s", 1500000},
                {"0.001ms", 1},    {"36500d", INT64_C(36500) * 86400 * S}};
    static const char *const bad[] = {
        "", "s", "-5s", "5 s", "5x", "1h30m", "0.0001ms", "1e3s", "999999999999999d", "5S", "..5s"};
    int64_t us;
    struct err err;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(calendar_parse_duration(good[i].text, &us, &err));
        assert_int_equal(us, good[i].us);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(calendar_parse_duration(bad[i], &us, &err));
}

static void zone_names_lead_nowhere_else(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "/etc/passwd",
                                      "../../../etc/passwd",
                                      "Asia/../UTC",
                                      "Asia",
                                      "Asia/",
                                      "Mars/Olympus",
                                      "zone.tab",
                                      "Asia//Tokyo",
                                      "+25:00",
                                      "+05:30x",
                                      "5.5",
                                      "Asia/Tok yo",
                                      "leapseconds"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err err = {0};
        assert_null(zone_load(bad[i], &err));
        assert_int_equal(err.class, ERR_REFUSED);
    }
    struct zone *zone = zone_of("-03:30");
    assert_int_equal(zone_offset_s(zone, 0), -12600);
    zone_free(zone);
    zone_free(NULL);
    assert_int_equal(zone_offset_s(NULL, 0), 0);
    zone = zone_of("America/New_York");
    assert_int_equal(zone_offset_s(zone, INT64_MAX), -18000);
    zone_offset_s(zone, INT64_MIN);
    zone_free(zone);
}

static void rules(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "ES5",
                                      "EST",
                                      "EST25",
                                      "EST5EDT",
                                      "EST5EDT,M3.2.0",
                                      "EST5EDT,M13.2.0,M11.1.0",
                                      "EST5EDT,M3.6.0,M11.1.0",
                                      "EST5EDT,M3.2.7,M11.1.0",
                                      "EST5EDT,M3.2.0,M11.1.0x",
                                      "<+03-3",
                                      "EST5EDT,J0,J365",
                                      "EST5EDT,366,1",
                                      "EST5EDT,M3.2.0/168,M11.1.0"};
    struct zone_rule rule;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(zone_rule_parse(bad[i], &rule));
    assert_true(zone_rule_parse("<+0530>-5:30", &rule));
    assert_int_equal(zone_rule_offset_s(&rule, 0), 19800);
    /* Julian days skip the leap day, zero-based ones count it. */
    assert_true(zone_rule_parse("AAA0BBB,J60/0,J300/0", &rule));
    assert_int_equal(zone_rule_offset_s(&rule, at("2024-02-29T23:59:59Z") / S), 0);
    assert_int_equal(zone_rule_offset_s(&rule, at("2024-03-01T00:00:00Z") / S), 3600);
    assert_true(zone_rule_parse("AAA0BBB,59/0,299/0", &rule));
    assert_int_equal(zone_rule_offset_s(&rule, at("2024-02-29T00:00:00Z") / S), 3600);
    assert_int_equal(zone_rule_offset_s(&rule, at("2023-02-28T23:59:59Z") / S), 0);
    /* South of the equator summer spans the turn of the year. */
    assert_true(zone_rule_parse("AEST-10AEDT,M10.1.0,M4.1.0/3", &rule));
    assert_int_equal(zone_rule_offset_s(&rule, at("2026-01-01T00:00:00Z") / S), 39600);
    assert_int_equal(zone_rule_offset_s(&rule, at("2026-07-01T00:00:00Z") / S), 36000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(civil_agrees_with_the_library),
        cmocka_unit_test(zones_agree_with_the_library),
        cmocka_unit_test(wall_times_at_the_changes),
        cmocka_unit_test(every_wall_time_comes_back),
        cmocka_unit_test(takes_the_forms_people_send),
        cmocka_unit_test(refuses_the_rest),
        cmocka_unit_test(prints),
        cmocka_unit_test(durations),
        cmocka_unit_test(zone_names_lead_nowhere_else),
        cmocka_unit_test(rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
