/* A backtest's outcome, between the engine and the report. Private to src/. */
#ifndef TIDELOCK_BACKTEST_H
#define TIDELOCK_BACKTEST_H
#include "base/calendar.h"
#include "tidelock.h"
#include "trade/portfolio.h"

struct backtest_trade { /* one position layer, opened and closed */
    char label[LABEL_SIZE];
    enum side side;
    struct decimal quantity, entry_price, exit_price, net; /* net: realised - fees */
    int64_t opened_us, closed_us;
    char reason[REASON_SIZE];
};
struct backtest_point {
    int64_t at_us;
    double equity, drawdown_percent; /* for the chart only */
};
struct backtest_tally { /* why signals were not taken */
    char gate[NAME_SIZE], example[REASON_SIZE];
    size_t count;
};
struct backtest_decision {
    int64_t at_us;
    char type[16], position[LABEL_SIZE], verdict[32], reason[REASON_SIZE];
    struct decimal price, quantity;
};
struct backtest_result {
    char strategy[NAME_SIZE], instrument[NAME_SIZE], version[32], hash[FINGERPRINT_SIZE],
        currency[8];
    const char *bars_path;
    struct zone *zone; /* of the dates people read */
    int64_t first_us, last_us;
    size_t bars;
    double seconds;
    struct decimal start_equity, end_equity, peak_equity, fees;
    struct decimal max_drawdown, max_drawdown_percent; /* the largest of each */
    size_t by_state[SIGNAL_DROPPED + 1], signals;
    struct backtest_trade *trades;
    size_t trade_count, trade_room;
    struct backtest_point *points;
    size_t point_count, point_room, point_every;
    struct backtest_decision *decisions;
    size_t decision_count, decision_room;
    struct backtest_tally tallies[32];
    size_t tally_count;
};
struct backtest_summary {
    size_t wins, losses;
    struct decimal net, gross_profit, gross_loss, return_percent, profit_factor, average_win,
        average_loss;
    double win_percent, cagr_percent, years;
};
void backtest_summarise(const struct backtest_result *result, struct backtest_summary *out);
void backtest_print(const struct backtest_result *result, bool decisions, struct tidelock_io *io);
void backtest_json(const struct backtest_result *result, bool decisions, struct str *out);
void backtest_html(const struct backtest_result *result, struct str *out);
void backtest_result_free(struct backtest_result *result);
#endif
