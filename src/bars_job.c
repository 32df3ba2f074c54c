/* Why: a newcomer can try a backtest without having any bars. */
#include "host.h"
#include "serve/synthetic.h"
#include <stdlib.h>
#include <string.h>

#define FIRST_US 1735700400000000LL /* 2025-01-01T03:00:00Z */
#define COUNT_MAX 10000000

static bool read_number(const char *text, const char *fallback, long long most, long long *out)
{
    char *end = NULL;
    const char *given = text ? text : fallback;
    *out = strtoll(given, &end, 10);
    return *given && !*end && *out >= 0 && *out <= most;
}

static void print_bar(const struct bar *bar, struct tidelock_io *io)
{
    const struct decimal values[4] = {bar->open, bar->high, bar->low, bar->close};
    char at[CALENDAR_TEXT_MAX], price[DECIMAL_TEXT_MAX];
    calendar_print(bar->at_us, at);
    host_print(io->out, "%s", at);
    for (int i = 0; i < 4; i++) {
        decimal_print(values[i], price);
        host_print(io->out, ",%s", price);
    }
    host_print(io->out, "\n");
}

int tidelock_synthetic_bars(const char *count, const char *seed, const char *start,
                            const char *interval, struct tidelock_io *io)
{
    struct synthetic synthetic;
    struct decimal first;
    struct bar bar;
    struct err err = {0};
    long long bars = 0, from = 0;
    int64_t interval_us = 0;
    const char *price = start ? start : "50000";
    if (!read_number(count, "10000", COUNT_MAX, &bars) ||
        !read_number(seed, "1", INT64_MAX, &from)) {
        host_print(io->err, "tidelock bars: --count (at most %d) and --seed are whole numbers\n",
                   COUNT_MAX);
        return TIDELOCK_USAGE;
    }
    if (!decimal_parse(price, strlen(price), &first, &err) ||
        !calendar_parse_duration(interval ? interval : "15m", &interval_us, &err)) {
        host_print(io->err, "tidelock bars: %s\n", err.text);
        return TIDELOCK_USAGE;
    }
    synthetic_init(&synthetic, (uint64_t)from, first, decimal_ratio(5, 100));
    host_print(io->out, "time,open,high,low,close\n");
    for (long long i = 0; i < bars; i++) {
        synthetic_next(&synthetic, FIRST_US + i * interval_us, &bar);
        print_bar(&bar, io);
    }
    return TIDELOCK_OK;
}
