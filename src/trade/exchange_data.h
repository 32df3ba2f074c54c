/* The tables behind exchange.h, for exchange.c alone. */
#ifndef TIDELOCK_TRADE_EXCHANGE_DATA_H
#define TIDELOCK_TRADE_EXCHANGE_DATA_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hours { /* minutes of the local day; India has no summer time */
    const char *exchange;
    int offset_min;
    int opens, closes;
    int closes_us_summer; /* while the United States have summer time; 0: no difference */
    const char *known_from, *known_until;
    bool always;
};
enum special {
    HOLIDAY,
    EVENING, /* closed until 17:00 */
    FESTIVE  /* a session of its own hours, also on a day that is otherwise closed */
};
struct special_day {
    const char *exchange, *date, *name;
    enum special kind;
    int opens, closes;
};
enum expiry_cycle { LAST_WEEKDAY, EACH_WEEKDAY, DAY_OF_MONTH, LAST_DAY };
struct expiry_rule {
    const char *series;
    enum expiry_cycle cycle;
    int day;         /* 0 is Monday; or the day of the month */
    unsigned months; /* bit 0 is January */
    const char *from, *until;
};
/* Each ends with a NULL name. */
extern const struct hours exchange_hours[];
extern const struct special_day exchange_days[];
extern const struct expiry_rule expiry_rules[];
#endif
