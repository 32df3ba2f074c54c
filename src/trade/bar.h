/* Bars: one candle of one instrument. */
#ifndef TIDELOCK_TRADE_BAR_H
#define TIDELOCK_TRADE_BAR_H
#include "base/calendar.h"
#include "base/decimal.h"

struct bar {
    int64_t at_us; /* start of the bar, UTC */
    struct decimal open, high, low, close, volume /* absent when unknown */;
};
/* Reads one file held in memory without allocation per row; the text must stay until bars_close.
 * Layouts, told apart by their header or first character:
 *   Instrument,Date,Time,Open,High,Low,Close   DD-MM-YYYY or YYYY-MM-DD and H:MM[:SS], local times
 * of the zone, Asia/Kolkata unless one is given time|timestamp|date,open,high,low,close[,volume]
 * ISO 8601, a plain date, or epoch s, ms, µs 1499040000000,0.01,0.8,0.01,0.01,148976.1,...      the
 * same order without a header
 *   [[1499040000000,"0.01","0.8","0.01","0.01","148976.1",...],...]   JSON (Binance klines)
 * Columns come in any order under a header; further ones are ignored. Every fault names the line.
 * Bars must ascend in time; OHLC must be consistent (low ≤ open,close ≤ high, all > 0). After a
 * fault in a line the next call goes on with the next line; JSON ends at its first fault. */
struct bars;
struct bars *bars_open(const char *text, size_t length, const char *zone_name /* NULL: by layout */,
                       struct err *err);
void bars_close(struct bars *bars);
enum bars_status { BARS_ONE, BARS_END, BARS_FAULT };
enum bars_status bars_next(struct bars *bars, struct bar *out, struct err *err);
const char *bars_instrument(const struct bars *bars); /* from the file, "" when it has none */
size_t bars_progress(const struct bars *bars);        /* bytes consumed */

/* How long bars last, from their starts: the usual step between them. Nights and holidays make
 * longer steps, a stray row a shorter one; neither is the majority. */
struct bar_step {
    int64_t last_us, step_us /* 0: not known yet */, votes;
};
void bar_step_note(struct bar_step *step, int64_t at_us);
#endif
