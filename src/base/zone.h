/* A time zone as its TZif file tells it: the changes it lists, and the rule for the years after
 * them. */
#ifndef TIDELOCK_BASE_ZONE_H
#define TIDELOCK_BASE_ZONE_H
#include <stdbool.h>
#include <stdint.h>

enum zone_day_kind { ZONE_DAY_JULIAN /* 1-365, no 29 February */, ZONE_DAY_ZERO, ZONE_DAY_WEEK };

struct zone_change { /* when, in local time, an offset starts to hold each year */
    enum zone_day_kind kind;
    int day; /* of the year; WEEK: 0 = Sunday */
    int week, month;
    int32_t time_s;
};

struct zone_rule { /* a POSIX TZ text such as "EST5EDT,M3.2.0,M11.1.0" */
    bool has_summer;
    int32_t winter_s, summer_s; /* east of UTC */
    struct zone_change start, end;
};

/* False when the text is no such rule. */
bool zone_rule_parse(const char *text, struct zone_rule *out);
int32_t zone_rule_offset_s(const struct zone_rule *rule, int64_t utc_s);
#endif
