/* Symbols are patterns: text, and places for parts of a date. */
#include "trade/contract.h"
#include "trade/rollover.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char months[] = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";

enum part { PART_NONE, PART_YEAR, PART_SHORT_YEAR, PART_MONTH, PART_MONTH_NAME, PART_DAY };
static const struct {
    const char *text;
    enum part part;
    int width;
} places[] = {{"{YYYY}", PART_YEAR, 4}, {"{YY}", PART_SHORT_YEAR, 2}, {"{MMM}", PART_MONTH_NAME, 3},
              {"{MM}", PART_MONTH, 2},  {"{DD}", PART_DAY, 2},        {NULL, PART_NONE, 0}};

static size_t place_at(const char *pattern)
{
    size_t i = 0;
    while (places[i].text && strncmp(pattern, places[i].text, strlen(places[i].text)) != 0)
        i++;
    return i;
}

static const char *pattern_of(const struct instrument *instrument)
{
    return *instrument->symbol ? instrument->symbol : instrument->name;
}

static unsigned parts_of(const struct instrument *instrument)
{
    unsigned parts = 0;
    for (const char *at = instrument->symbol; *at; at++)
        parts |= *at == '{' ? 1u << places[place_at(at)].part : 0;
    return parts & ~(1u << PART_NONE);
}

bool contract_is_dated(const struct instrument *instrument)
{
    return parts_of(instrument) != 0;
}

bool contract_is_whole(const struct instrument *instrument)
{
    unsigned parts = parts_of(instrument);
    return (parts & (1u << PART_YEAR | 1u << PART_SHORT_YEAR)) &&
           (parts & (1u << PART_MONTH | 1u << PART_MONTH_NAME)) && (parts & 1u << PART_DAY);
}

/* expiry: YYYY-MM-DD, checked. */
static void print_part(enum part part, const char *expiry, char out[8])
{
    int month = (expiry[5] - '0') * 10 + expiry[6] - '0';
    const char *from = part == PART_YEAR         ? expiry
                       : part == PART_SHORT_YEAR ? expiry + 2
                       : part == PART_MONTH      ? expiry + 5
                       : part == PART_DAY        ? expiry + 8
                                                 : months + (size_t)(3 * (month - 1));
    snprintf(out, 8, "%.*s", part == PART_YEAR ? 4 : part == PART_MONTH_NAME ? 3 : 2, from);
}

void contract_symbol(const struct instrument *instrument, const char *expiry, char out[NAME_SIZE])
{
    const char *pattern = pattern_of(instrument);
    size_t length = 0;
    int64_t day;
    out[0] = '\0';
    if (!contract_is_dated(instrument)) {
        text_copy(out, NAME_SIZE, pattern);
        return;
    }
    if (!date_read(expiry, &day))
        return;
    while (*pattern) {
        size_t i = *pattern == '{' ? place_at(pattern) : 0;
        char part[8] = {*pattern, '\0'};
        bool place = *pattern == '{' && places[i].text;
        if (place)
            print_part(places[i].part, expiry, part);
        if (length + strlen(part) >= NAME_SIZE) {
            out[0] = '\0';
            return;
        }
        memcpy(out + length, part, strlen(part) + 1);
        length += strlen(part);
        pattern += place ? strlen(places[i].text) : 1;
    }
}

static bool read_part(enum part part, const char *at, int width, int date[3])
{
    int value = 0;
    if (part == PART_MONTH_NAME) {
        for (int month = 0; month < 12; month++)
            if (strncasecmp(at, months + (size_t)(3 * month), 3) == 0)
                value = month + 1;
        date[1] = value;
        return value > 0;
    }
    for (int i = 0; i < width; i++) {
        if (!isdigit((unsigned char)at[i]))
            return false;
        value = value * 10 + at[i] - '0';
    }
    date[part == PART_DAY     ? 2
         : part == PART_MONTH ? 1
                              : 0] = part == PART_SHORT_YEAR ? 2000 + value : value;
    return true;
}

bool contract_read(const struct instrument *instrument, const char *symbol,
                   char expiry[EXPIRY_SIZE])
{
    const char *pattern = pattern_of(instrument);
    int date[3] = {0};
    int64_t day;
    expiry[0] = '\0';
    if (!contract_is_dated(instrument))
        return strcmp(pattern, symbol) == 0;
    while (*pattern) {
        size_t i = *pattern == '{' ? place_at(pattern) : 0;
        bool place = *pattern == '{' && places[i].text;
        if (place ? !read_part(places[i].part, symbol, places[i].width, date) : *pattern != *symbol)
            return false;
        symbol += place ? places[i].width : 1;
        pattern += place ? strlen(places[i].text) : 1;
    }
    snprintf(expiry, EXPIRY_SIZE, "%04u-%02u-%02u", (unsigned)date[0] % 10000,
             (unsigned)date[1] % 100, (unsigned)date[2] % 100);
    return *symbol == '\0' && date_read(expiry, &day);
}
