/* Rows of comma-separated bars: the header, and each line cut into pieces without copying. */
#include "trade/bars_text.h"
#include <string.h>
#include <strings.h>

static struct bars_piece trim(const char *from, const char *to)
{
    if (to > from && *from > '"' && to[-1] > '"') /* nothing stands around it */
        return (struct bars_piece){from, (size_t)(to - from)};
    while (to > from && (to[-1] == ' ' || to[-1] == '\r' || to[-1] == '\t'))
        to--;
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    if (to - from >= 2 && *from == '"' && to[-1] == '"') {
        from++;
        to--;
    }
    return (struct bars_piece){from, (size_t)(to - from)};
}

static const char *line_end(const struct bars *bars)
{
    const char *end = memchr(bars->at, '\n', (size_t)(bars->end - bars->at));
    return end ? end : bars->end;
}

static enum bars_role role_of(struct bars_piece name)
{
    static const struct {
        const char *name;
        enum bars_role role;
    } known[] = {
        {"instrument", ROLE_INSTRUMENT},
        {"symbol", ROLE_INSTRUMENT},
        {"ticker", ROLE_INSTRUMENT},
        {"timestamp", ROLE_STAMP},
        {"datetime", ROLE_STAMP},
        {"open_time", ROLE_STAMP},
        {"open time", ROLE_STAMP},
        {"date", ROLE_DATE},
        {"time", ROLE_TIME},
        {"open", ROLE_OPEN},
        {"high", ROLE_HIGH},
        {"low", ROLE_LOW},
        {"close", ROLE_CLOSE},
        {"volume", ROLE_VOLUME},
        {"vol", ROLE_VOLUME},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i].name) == name.length &&
            strncasecmp(known[i].name, name.text, name.length) == 0)
            return known[i].role;
    return ROLE_NONE;
}

static bool read_names(struct bars *bars, const char *end, bool seen[ROLE_COUNT], struct err *err)
{
    for (const char *at = bars->at; at <= end; bars->columns++) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        if (bars->columns == BARS_COLUMNS_MAX)
            return bars_fault(bars, err, "more than %d columns", BARS_COLUMNS_MAX);
        enum bars_role role = role_of(trim(at, comma ? comma : end));
        if (role != ROLE_NONE && seen[role])
            return bars_fault(bars, err, "column %zu has the name of an earlier one",
                              bars->columns + 1);
        seen[role] = true;
        bars->roles[bars->columns] = (uint8_t)role;
        at = comma ? comma + 1 : end + 1;
    }
    return true;
}

static void fixed_order(struct bars *bars)
{
    static const uint8_t order[] = {ROLE_STAMP, ROLE_OPEN,  ROLE_HIGH,
                                    ROLE_LOW,   ROLE_CLOSE, ROLE_VOLUME};
    memcpy(bars->roles, order, sizeof order);
    bars->columns = sizeof order;
}

/* "date" or "time" alone is the whole moment. */
static void join_stamp(struct bars *bars, bool seen[ROLE_COUNT])
{
    for (size_t i = 0; i < bars->columns; i++) {
        uint8_t *role = &bars->roles[i];
        if (*role != ROLE_DATE && *role != ROLE_TIME)
            continue;
        if (seen[ROLE_STAMP])
            *role = ROLE_NONE;
        else if (!seen[ROLE_DATE] || !seen[ROLE_TIME])
            *role = ROLE_STAMP;
    }
    seen[ROLE_STAMP] |= seen[ROLE_DATE] || seen[ROLE_TIME];
}

bool bars_header(struct bars *bars, struct err *err)
{
    bool seen[ROLE_COUNT] = {false};
    if (*bars->at >= '0' && *bars->at <= '9') {
        fixed_order(bars);
        return true;
    }
    const char *end = line_end(bars);
    if (!read_names(bars, end, seen, err))
        return false;
    join_stamp(bars, seen);
    if (!seen[ROLE_STAMP] || !seen[ROLE_OPEN] || !seen[ROLE_HIGH] || !seen[ROLE_LOW] ||
        !seen[ROLE_CLOSE])
        return bars_fault(
            bars, err,
            "the header must name a time (time, timestamp, or date and time) and open, high, "
            "low, close; or the file must be JSON");
    bars->at = end < bars->end ? end + 1 : end;
    bars->line += end < bars->end;
    bars->row = 0;
    return true;
}

static bool is_blank(const char *from, const char *to)
{
    for (; from < to; from++)
        if (*from != ' ' && *from != '\t' && *from != '\r')
            return false;
    return true;
}

bool bars_csv_row(struct bars *bars, struct bars_piece pieces[ROLE_COUNT], struct err *err)
{
    (void)err;
    const char *at, *end;
    do { /* line is that of the row returned: it moves on only when the row before is done */
        bars->line += bars->row > 0;
        if (bars->at >= bars->end)
            return false;
        at = bars->at;
        end = line_end(bars);
        bars->at = end < bars->end ? end + 1 : end;
        bars->row++;
    } while (is_blank(at, end));
    for (size_t i = 0; i < bars->columns && at <= end; i++) {
        const char *stop = memchr(at, ',', (size_t)(end - at));
        if (!stop)
            stop = end;
        if (bars->roles[i] != ROLE_NONE)
            pieces[bars->roles[i]] = trim(at, stop);
        at = stop + 1;
    }
    return true;
}
