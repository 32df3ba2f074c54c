/* Age, order and precedence of signals: who is too late, who goes first, who makes whom pointless.
 */
#include "trade/signal.h"
#include <string.h>
#include <strings.h>

#define SECOND INT64_C(1000000)
#define INDIA_US (19800 * SECOND) /* 5 h 30 min: the offset that a naive Indian time loses */
#define INDIA_NEAR_US (180 * SECOND)
#define ENTRIES_BEHIND (INT64_C(1) << 60)

static void explain(char reason[REASON_SIZE], const char *what, int64_t gap_us, int64_t most_us)
{
    const int64_t off_us = gap_us - INDIA_US;
    struct str text = {.max = REASON_SIZE - 1};
    str_printf(&text, "%s by %lld.%lld s, %lld s are allowed", what, (long long)(gap_us / SECOND),
               (long long)(gap_us % SECOND / (SECOND / 10)), (long long)(most_us / SECOND));
    if (off_us <= INDIA_NEAR_US && off_us >= -INDIA_NEAR_US)
        str_puts(&text, "; that is India's 5 h 30 min: send times with a zone, or set the source's "
                        "naive_time_zone");
    text_copy(reason, REASON_SIZE, str_text(&text));
    str_free(&text);
}

bool signal_fresh(const struct signal *signal, const struct staleness *rules, int64_t now_us,
                  char reason[REASON_SIZE])
{
    const int64_t age_us = now_us - signal->at_us;
    *reason = '\0';
    if (signal->type == SIGNAL_EXIT)
        return true;
    if (age_us > rules->entry_max_age_us)
        explain(reason, "stale: sent before now", age_us, rules->entry_max_age_us);
    else if (-age_us > rules->entry_max_future_us)
        explain(reason, "stale: sent after now", -age_us, rules->entry_max_future_us);
    return *reason == '\0';
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
