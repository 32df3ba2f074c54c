/* Age, order and precedence of signals: who is too late, who goes first, who makes whom pointless.
 */
#include "trade/signal.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SECOND INT64_C(1000000)
#define INDIA_US (19800 * SECOND) /* 5 h 30 min: the offset that a naive Indian time loses */
#define INDIA_NEAR_US (180 * SECOND)
#define ENTRIES_BEHIND (INT64_C(1) << 60)

static const char *zone_hint(int64_t gap_us)
{
    int64_t off = gap_us < 0 ? -gap_us : gap_us;
    off -= INDIA_US;
    if (off > INDIA_NEAR_US || off < -INDIA_NEAR_US)
        return "";
    return "; 5 h 30 min is India's offset: the sender's times look like local time read as UTC, "
           "so send the zone "
           "or set the source's naive_time_zone";
}

bool signal_fresh(const struct signal *signal, const struct staleness *rules, int64_t now_us,
                  char reason[REASON_SIZE])
{
    const int64_t age_us = now_us - signal->at_us;
    *reason = '\0';
    if (signal->type == SIGNAL_EXIT)
        return true;
    if (age_us > rules->entry_max_age_us) {
        snprintf(reason, REASON_SIZE, "stale: sent %.1f s ago, entries may be %.1f s old%s",
                 (double)age_us / 1e6, (double)rules->entry_max_age_us / 1e6, zone_hint(age_us));
        return false;
    }
    if (-age_us > rules->entry_max_future_us) {
        snprintf(reason, REASON_SIZE,
                 "from the future: its time is %.1f s ahead, at most %.1f s is allowed%s",
                 (double)-age_us / 1e6, (double)rules->entry_max_future_us / 1e6,
                 zone_hint(age_us));
        return false;
    }
    return true;
}

int signal_layer(const char *position)
{
    const char *digit = NULL;
    if (strcasecmp(position, "ALL") == 0)
        return 0;
    if (strncasecmp(position, "Long_", 5) == 0)
        digit = position + 5;
    else if (strncasecmp(position, "Short_", 6) == 0)
        digit = position + 6;
    if (!digit || *digit < '1' || *digit > '6' || digit[1])
        return -1;
    return *digit - '0';
}

bool signal_is_entry(const struct signal *signal)
{
    return signal->type != SIGNAL_EXIT;
}

#define BIT(state) (1u << (state))
#define ENDED                                                                                      \
    (BIT(SIGNAL_DONE) | BIT(SIGNAL_REJECTED) | BIT(SIGNAL_EXPIRED) | BIT(SIGNAL_SUPERSEDED) |      \
     BIT(SIGNAL_IGNORED) | BIT(SIGNAL_DEAD) | BIT(SIGNAL_DROPPED))

/* Once WORKING a signal has orders: it may end or be tried again, but no longer be set aside as if
 * nothing was sent. */
static const unsigned may_become[] = {
    [SIGNAL_RECEIVED] = BIT(SIGNAL_RECEIVED) | BIT(SIGNAL_RETRYING) | BIT(SIGNAL_WORKING) | ENDED,
    [SIGNAL_RETRYING] = BIT(SIGNAL_RETRYING) | BIT(SIGNAL_WORKING) | ENDED,
    [SIGNAL_WORKING] = BIT(SIGNAL_WORKING) | BIT(SIGNAL_RETRYING) | BIT(SIGNAL_DONE) |
                       BIT(SIGNAL_REJECTED) | BIT(SIGNAL_EXPIRED) | BIT(SIGNAL_DEAD),
    [SIGNAL_DONE] = 0,
    [SIGNAL_REJECTED] = 0,
    [SIGNAL_EXPIRED] = 0,
    [SIGNAL_SUPERSEDED] = 0,
    [SIGNAL_IGNORED] = 0,
    [SIGNAL_DEAD] = BIT(SIGNAL_RETRYING) | BIT(SIGNAL_DROPPED),
    [SIGNAL_DROPPED] = 0,
};

bool signal_is_final(enum signal_state state)
{
    return (ENDED & BIT(state)) != 0;
}

bool signal_may_become(enum signal_state from, enum signal_state to)
{
    return (may_become[from] & BIT(to)) != 0;
}

int64_t signal_priority(const struct signal *signal)
{
    return signal->type == SIGNAL_EXIT ? signal->received_us : signal->received_us + ENTRIES_BEHIND;
}

bool signal_supersedes(const struct signal *exit, const struct signal *entry)
{
    if (exit->type != SIGNAL_EXIT || !signal_is_entry(entry) || entry->at_us > exit->at_us)
        return false;
    if (strcmp(exit->strategy, entry->strategy) != 0 ||
        strcmp(exit->instrument, entry->instrument) != 0)
        return false;
    return signal_layer(exit->position) == 0 || strcmp(exit->position, entry->position) == 0;
}
