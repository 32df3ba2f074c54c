/* When exchanges are open: hours, holidays, and the expiries of dated contracts, as data with the
 * time it is known for. Pure; days are counted from 1970-01-01 in the exchange's own time. */
#ifndef TIDELOCK_TRADE_EXCHANGE_H
#define TIDELOCK_TRADE_EXCHANGE_H
#include "trade/record.h"

#define EXPIRY_SIZE 12 /* "2026-11-26" */

struct closed_day { /* from the configuration: a circular that came after the build */
    char exchange[16];
    char date[EXPIRY_SIZE];
    bool open; /* a session on a day that would be closed */
};
struct closed_days {
    size_t count;
    const struct closed_day *list;
};
struct session {
    bool is_open; /* on that day at all */
    bool known;   /* within the years whose holidays are listed */
    int64_t opens_us, closes_us;
    const char *why; /* of a closed day */
};

bool exchange_is_known(const char *exchange);
int64_t exchange_day(const char *exchange, int64_t at_us);
struct session exchange_session(const char *exchange, int64_t day, const struct closed_days *more);

bool date_read(const char *text, int64_t *day); /* YYYY-MM-DD */
void date_print(int64_t day, char out[EXPIRY_SIZE]);

/* The rules by which a series expires: "NSE:NIFTY", "NSE:NIFTY-W", "MCX:GOLD" ... */
bool expiry_is_known(const char *series);
void expiry_series_list(struct str *out); /* for a sentence */
/* The first expiry on or after the day: by the dates the configuration gives (comma separated, may
 * be NULL), else by the series' rule. A nominal day that is closed moves to the session before. */
bool expiry_next(const char *series, const char *dates, const struct closed_days *more, int64_t day,
                 int64_t *out);
#endif
