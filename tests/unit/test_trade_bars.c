/* Bars: every layout, exact figures, times in zones, and each fault with its line. */
#include "trade/bar.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static struct bars *open_text(const char *text, const char *zone)
{
    struct err err;
    struct bars *bars = bars_open(text, strlen(text), zone, &err);
    if (!bars)
        fail_msg("%s", err.text);
    return bars;
}

static void next_is(struct bars *bars, const char *at, const char *open, const char *close,
                    const char *volume)
{
    struct bar bar;
    struct err err;
    char text[DECIMAL_TEXT_MAX];
    if (bars_next(bars, &bar, &err) != BARS_ONE)
        fail_msg("%s", err.text);
    calendar_print(bar.at_us, text);
    assert_string_equal(text, at);
    decimal_print(bar.open, text);
    assert_string_equal(text, open);
    decimal_print(bar.close, text);
    assert_string_equal(text, close);
    decimal_print(bar.volume, text);
    assert_string_equal(text, volume);
}

static void ends(struct bars *bars)
{
    struct bar bar;
    struct err err;
    assert_int_equal(bars_next(bars, &bar, &err), BARS_END);
    assert_int_equal(bars_next(bars, &bar, &err), BARS_END);
    bars_close(bars);
}

static void every_layout_reads_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Instrument,Date,Time,Open,High,Low,Close\nBanknifty,09-01-2015,9:15:00,18845.9,18864,"
        "18790.2,18815.15\n",
        "\xEF\xBB\xBFinstrument,date,time,open,high,low,close\r\nBanknifty,2015-01-09,09:15,18845."
        "9,18864,18790.2,18815.15\r\n\r\n",
        "time,open,high,low,close\n2015-01-09T03:45:00Z,18845.9,18864,18790.2,18815.15",
        "timestamp,close,open,x,low,high\n1420775100,18815.15,18845.9,zzz,18790.2,18864\n",
        "\"Date\",\"Open\",\"High\",\"Low\",\"Close\"\n\"2015-01-09 "
        "09:15:00+05:30\",\"18845.9\",18864,18790.2,18815.15\n",
        "1420775100000,18845.90,18864,18790.2,18815.150,,1420775999999\n",
        "1420775100000000, 18845.9 ,18864,18790.2,18815.15\n",
        "[[1420775100000,\"18845.9\",\"18864\",\"18790.2\",\"18815.15\"]]",
        " [ [ 1420775100000 , 18845.9, 18864,18790.2 , 18815.15 ] ] \n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct bars *bars = open_text(texts[i], NULL);
        next_is(bars, "2015-01-09T03:45:00Z", "18845.9", "18815.15", "bad");
        if (i < 2)
            assert_string_equal(bars_instrument(bars), "Banknifty");
        else
            assert_string_equal(bars_instrument(bars), "");
        ends(bars);
    }
}

static void klines_as_the_exchange_sends_them(void **state)
{
    (void)state;
    static const char text[] = "[\n  "
                               "[1499040000000,\"0.01634790\",\"0.80000000\",\"0.01575800\",\"0."
                               "01577100\",\"148976.11427815\",1499644799999,"
                               "\"2434.19055334\",308,\"1756.87402397\",\"28.46694368\",\"0\"],\n"
                               "  "
                               "[1499040060000,\"0.01577100\",\"0.80000000\",\"0.01575800\",\"0."
                               "01634790\",\"0\",1,\"2\",3]\n]\n";
    struct bars *bars = open_text(text, NULL);
    next_is(bars, "2017-07-03T00:00:00Z", "0.0163479", "0.015771", "148976.11427815");
    next_is(bars, "2017-07-03T00:01:00Z", "0.015771", "0.0163479", "0");
    ends(bars);
    ends(open_text("[]", NULL));
}

static void local_times_follow_their_zone(void **state)
{
    (void)state;
    static const char *const header = "Date,Time,Open,High,Low,Close,Volume\n";
    char text[600];
    /* New York leaves summer time on 1 November 2026 at 2:00. */
    snprintf(
        text, sizeof text,
        "%s31-10-2026,9:30,1,1,1,1,5\n01-11-2026,0:30:00,1,1,1,1,5\n01-11-2026,9:30,1,1,1,1,5\n",
        header);
    struct bars *bars = open_text(text, "America/New_York");
    next_is(bars, "2026-10-31T13:30:00Z", "1", "1", "5");
    next_is(bars, "2026-11-01T04:30:00Z", "1", "1", "5");
    next_is(bars, "2026-11-01T14:30:00Z", "1", "1", "5");
    ends(bars);
    bars = open_text("date,open,high,low,close\n2000-01-03,1,1,1,1\n2000-01-04,1,1,1,1\n",
                     "Asia/Kolkata");
    next_is(bars, "2000-01-02T18:30:00Z", "1", "1", "bad");
    next_is(bars, "2000-01-03T18:30:00Z", "1", "1", "bad");
    ends(bars);
}

struct broken {
    const char *text;
    const char *says;
};

static void each_fault_names_its_line(void **state)
{
    (void)state;
#define HEAD "time,open,high,low,close,volume\n"
#define GOOD "2026-01-01T00:00:00Z,2,3,1,2,4\n"
    static const struct broken cases[] = {
        {HEAD "2026-01-01T00:00:00Z,2,3,1\n", "line 2: close is missing"},
        {HEAD "\n\n2026-01-01T00:00:00Z,2,x,1,2\n", "line 4: high"},
        {HEAD GOOD GOOD, "line 3: has the time of"},
        {HEAD GOOD "2025-01-01T00:00:00Z,2,3,1,2,4\n", "line 3: is earlier"},
        {HEAD "2026-01-01T00:00:00Z,4,3,1,2,4\n", "line 2: open and close"},
        {HEAD "2026-01-01T00:00:00Z,2,3,2.5,2,4\n", "line 2: open and close"},
        {HEAD "2026-01-01T00:00:00Z,2,3,0,2,4\n", "above zero"},
        {HEAD "2026-01-01T00:00:00Z,2,3,1,2,-4\n", "volume"},
        {HEAD "2026-01-01T00:00:00,2,3,1,2,4\n", "zone"},
        {HEAD ",2,3,1,2,4\n", "time is missing"},
        {HEAD "a2026-01-01T00:00:00Za2026-01-01T00:00:00Z,2,3,1,2,4\n", "longer"},
        {"Instrument,Date,Time,Open,High,Low,Close\nA,31-02-2026,9:15,1,1,1,1\n", "no such day"},
        {"Instrument,Date,Time,Open,High,Low,Close\nA,31-01-2026,24:00,1,1,1,1\n", "time of day"},
        {"[[1,2", "row 1"},
        {"[[1499040000000,1,1,1,1]", "comma or the closing"},
        {"[[1499040000000,1,1,1,1],]", "each bar is a list"},
        {"[[1499040000000,1,1,1,1]] x", "after the end"},
        {"[{\"time\":1}]", "each bar is a list"},
        {"[[1499040000000,\"a\\n\",1,1,1]]", "escape"},
        {"[[[1]]]", "a number or a text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bars *bars = open_text(cases[i].text, NULL);
        struct bar bar;
        struct err err;
        enum bars_status status;
        while ((status = bars_next(bars, &bar, &err)) == BARS_ONE)
            continue;
        assert_int_equal(status, BARS_FAULT);
        assert_int_equal(err.class, ERR_REFUSED);
        if (!strstr(err.text, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].says);
        bars_close(bars);
    }
}

static void a_faulty_line_does_not_hide_the_next(void **state)
{
    (void)state;
    struct bars *bars = open_text(HEAD "x,2,3,1,2,4\n" GOOD, NULL);
    struct bar bar;
    struct err err;
    assert_int_equal(bars_next(bars, &bar, &err), BARS_FAULT);
    next_is(bars, "2026-01-01T00:00:00Z", "2", "2", "4");
    assert_int_equal(bars_progress(bars), strlen(HEAD "x,2,3,1,2,4\n" GOOD));
    ends(bars);
    bars = open_text("symbol," HEAD "A," GOOD "B,2026-01-02T00:00:00Z,2,3,1,2,4\n", NULL);
    assert_int_equal(bars_next(bars, &bar, &err), BARS_ONE);
    assert_int_equal(bars_next(bars, &bar, &err), BARS_FAULT);
    assert_non_null(strstr(err.text, "another instrument"));
    ends(bars);
}

static void what_is_no_bar_file_is_refused(void **state)
{
    (void)state;
    static const struct broken cases[] = {
        {"", "no bars"},
        {" \n\n", "no bars"},
        {"hello\n", "header"},
        {"time,open,high,low\n", "header"},
        {"open,open,high,low,close,time\n", "column 2"},
        {"{\"a\":1}", "header"},
    };
    struct err err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_null(bars_open(cases[i].text, strlen(cases[i].text), NULL, &err));
        if (!strstr(err.text, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].says);
    }
    assert_null(bars_open(HEAD, strlen(HEAD), "Mars/Olympus", &err));
    bars_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout_reads_the_same),
        cmocka_unit_test(klines_as_the_exchange_sends_them),
        cmocka_unit_test(local_times_follow_their_zone),
        cmocka_unit_test(each_fault_names_its_line),
        cmocka_unit_test(a_faulty_line_does_not_hide_the_next),
        cmocka_unit_test(what_is_no_bar_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
