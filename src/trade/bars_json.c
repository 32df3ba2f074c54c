/* Rows of a JSON list of lists, as Binance gives klines: time, open, high, low, close, volume, and
 * more that is skipped. Read piece by piece, since a tree of a year of minutes would weigh a
 * hundred times its text. */
#include "trade/bars_text.h"
#include <string.h>

static int peek(struct bars *bars)
{
    while (bars->at < bars->end &&
           (*bars->at == ' ' || *bars->at == '\n' || *bars->at == '\r' || *bars->at == '\t'))
        bars->line += *bars->at++ == '\n';
    return bars->at < bars->end ? (unsigned char)*bars->at : -1;
}

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' ||
           c == 'E';
}

static bool take_piece(struct bars *bars, struct bars_piece *out, struct err *err)
{
    if (peek(bars) == '"') {
        const char *start = ++bars->at;
        while (bars->at < bars->end && *bars->at != '"' && *bars->at != '\\' &&
               (unsigned char)*bars->at >= ' ')
            bars->at++;
        if (bars->at == bars->end || *bars->at != '"')
            return bars_fault(bars, err, "a text is not closed, or holds an escape");
        *out = (struct bars_piece){start, (size_t)(bars->at++ - start)};
        return true;
    }
    const char *start = bars->at;
    while (bars->at < bars->end && is_plain(*bars->at))
        bars->at++;
    if (bars->at == start)
        return bars_fault(bars, err, "a number or a text is due here");
    *out = (struct bars_piece){start, (size_t)(bars->at - start)};
    return true;
}

static bool at_end(struct bars *bars, struct err *err)
{
    bars->at++;
    if (peek(bars) != -1)
        bars_fault(bars, err, "there is text after the end of the list");
    return false;
}

bool bars_json_row(struct bars *bars, struct bars_piece pieces[ROLE_COUNT], struct err *err)
{
    static const uint8_t order[] = {ROLE_STAMP, ROLE_OPEN,  ROLE_HIGH,
                                    ROLE_LOW,   ROLE_CLOSE, ROLE_VOLUME};
    const bool first = bars->row++ == 0;
    int next = peek(bars);
    if (next == ']')
        return at_end(bars, err);
    if (!first && next != ',')
        return bars_fault(bars, err, "a comma or the closing bracket is due here");
    bars->at += !first;
    if (peek(bars) != '[')
        return bars_fault(bars, err, "each bar is a list: [time, open, high, low, close, volume]");
    bars->at++;
    for (size_t i = 0;; i++) {
        struct bars_piece piece;
        if (!take_piece(bars, &piece, err))
            return false;
        if (i < sizeof order)
            pieces[order[i]] = piece;
        next = peek(bars);
        if (next != ',' && next != ']')
            return bars_fault(bars, err, "a comma or the closing bracket is due here");
        bars->at++;
        if (next == ']')
            return true;
    }
}
