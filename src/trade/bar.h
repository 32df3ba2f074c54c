/* Bars: one candle of one instrument. */
#ifndef TIDELOCK_TRADE_BAR_H
#define TIDELOCK_TRADE_BAR_H
#include "base/calendar.h"
#include "base/decimal.h"

struct bar {
    int64_t at_us; /* start of the bar, UTC */
    struct decimal open, high, low, close, volume /* absent when unknown */;
};
/* Reads one file held in memory, line by line, without allocation per row. Layouts told apart by
 * their header or first character: Instrument,Date(DD-MM-YYYY),Time(H:MM:SS),Open,High,Low,Close
 * local times need a zone (Asia/Kolkata by default for this layout)
 *   time|timestamp|date,open,high,low,close[,volume]                  ISO 8601 or epoch
 *   JSON array of arrays (Binance klines)
 * Every fault names the line. Bars must ascend in time; OHLC must be consistent (low ≤ open,close ≤
 * high, all > 0). */
struct bars;
struct bars *bars_open(const char *text, size_t length, const char *zone_name /* NULL: by layout */,
                       struct err *err);
void bars_close(struct bars *bars);
enum bars_status { BARS_ONE, BARS_END, BARS_FAULT };
enum bars_status bars_next(struct bars *bars, struct bar *out, struct err *err);
const char *bars_instrument(const struct bars *bars); /* from the file, "" when it has none */
size_t bars_progress(const struct bars *bars);        /* bytes consumed */
#endif
