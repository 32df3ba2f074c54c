/* The rows of each group of facts. */
#include "policy/rows.h"

#include "trade/signal.h"

#define SIGNAL(field) offsetof(struct signal, field), sizeof(((struct signal *)0)->field)
#define INSTRUMENT(field)                                                                          \
    offsetof(struct instrument, field), sizeof(((struct instrument *)0)->field)
#define POSITION(field) offsetof(struct position, field), sizeof(((struct position *)0)->field)
#define PYRAMID(field) offsetof(struct pyramid, field), sizeof(((struct pyramid *)0)->field)
#define PORTFOLIO(field) offsetof(struct portfolio, field), sizeof(((struct portfolio *)0)->field)
#define STAT(field) offsetof(struct stat, field), sizeof(((struct stat *)0)->field)
#define FACTS(field) offsetof(struct facts, field), sizeof(((struct facts *)0)->field)
#define BAR(field) offsetof(struct bar, field), sizeof(((struct bar *)0)->field)
#define FILL(field) offsetof(struct fill, field), sizeof(((struct fill *)0)->field)

static const struct row signal_rows[] = {
    {"id", ROW_TEXT, SIGNAL(id), NULL},
    {"source", ROW_TEXT, SIGNAL(source), NULL},
    {"type", ROW_NAMED, SIGNAL(type), signal_type_names},
    {"position", ROW_TEXT, SIGNAL(position), NULL},
    {"side", ROW_NAMED, SIGNAL(side), side_names},
    {"price", ROW_DECIMAL, SIGNAL(price), NULL},
    {"stop", ROW_DECIMAL, SIGNAL(stop), NULL},
    {"atr", ROW_DECIMAL, SIGNAL(atr), NULL},
    {"quantity", ROW_DECIMAL, SIGNAL(quantity), NULL},
    {"at", ROW_TIME, SIGNAL(at_us), NULL},
    {"received_at", ROW_TIME, SIGNAL(received_us), NULL},
};

static const struct row instrument_rows[] = {
    {"name", ROW_TEXT, INSTRUMENT(name), NULL},
    {"exchange", ROW_TEXT, INSTRUMENT(exchange), NULL},
    {"lot_size", ROW_DECIMAL, INSTRUMENT(lot_size), NULL},
    {"tick", ROW_DECIMAL, INSTRUMENT(tick), NULL},
    {"quantity_step", ROW_DECIMAL, INSTRUMENT(quantity_step), NULL},
    {"point_value", ROW_DECIMAL, INSTRUMENT(point_value), NULL},
    {"margin", ROW_DECIMAL, INSTRUMENT(margin), NULL},
    {"min_quantity", ROW_DECIMAL, INSTRUMENT(min_quantity), NULL},
    {"max_quantity", ROW_DECIMAL, INSTRUMENT(max_quantity), NULL},
};
static const struct row position_rows[] = {
    {"label", ROW_TEXT, POSITION(label), NULL},
    {"side", ROW_NAMED, POSITION(side), side_names},
    {"is_base", ROW_FLAG, POSITION(is_base_position), NULL},
    {"quantity", ROW_DECIMAL, POSITION(quantity), NULL},
    {"entry_price", ROW_DECIMAL, POSITION(entry_price), NULL},
    {"initial_stop", ROW_DECIMAL, POSITION(initial_stop), NULL},
    {"stop", ROW_DECIMAL, POSITION(stop), NULL},
    {"atr", ROW_DECIMAL, POSITION(atr), NULL},
    {"opened_at", ROW_TIME, POSITION(opened_us), NULL},
};
static const struct row pyramid_rows[] = {
    {"layers", ROW_COUNT, PYRAMID(layers), NULL},
    {"pyramids", ROW_COUNT, PYRAMID(pyramids), NULL},
    {"quantity", ROW_DECIMAL, PYRAMID(quantity), NULL},
    {"last_entry_price", ROW_DECIMAL, PYRAMID(last_entry_price), NULL},
    {"base_entry_price", ROW_DECIMAL, PYRAMID(base_entry_price), NULL},
    {"base_stop", ROW_DECIMAL, PYRAMID(base_stop), NULL},
    {"base_quantity", ROW_DECIMAL, PYRAMID(base_quantity), NULL},
};
static const struct row portfolio_rows[] = {
    {"equity", ROW_DECIMAL, PORTFOLIO(equity), NULL},
    {"unrealised", ROW_DECIMAL, PORTFOLIO(unrealised), NULL},
    {"blended_equity", ROW_DECIMAL, PORTFOLIO(blended_equity), NULL},
    {"open_risk", ROW_DECIMAL, PORTFOLIO(open_risk), NULL},
    {"open_risk_percent", ROW_DECIMAL, PORTFOLIO(open_risk_percent), NULL},
    {"margin_used", ROW_DECIMAL, PORTFOLIO(margin_used), NULL},
    {"margin_free", ROW_DECIMAL, PORTFOLIO(margin_free), NULL},
    {"exposure", ROW_DECIMAL, PORTFOLIO(exposure), NULL},
    {"day_loss", ROW_DECIMAL, PORTFOLIO(day_loss), NULL},
    {"drawdown_percent", ROW_DECIMAL, PORTFOLIO(drawdown_percent), NULL},
    {"open_positions", ROW_COUNT, PORTFOLIO(open_positions), NULL},
};
static const struct row stat_rows[] = {
    {"signals", ROW_COUNT, STAT(signals), NULL},   {"accepted", ROW_COUNT, STAT(accepted), NULL},
    {"rejected", ROW_COUNT, STAT(rejected), NULL}, {"orders", ROW_COUNT, STAT(orders), NULL},
    {"fills", ROW_COUNT, STAT(fills), NULL},       {"wins", ROW_COUNT, STAT(wins), NULL},
    {"losses", ROW_COUNT, STAT(losses), NULL},     {"realised", ROW_DECIMAL, STAT(realised), NULL},
    {"fees", ROW_DECIMAL, STAT(fees), NULL},       {"volume", ROW_DECIMAL, STAT(volume), NULL},
};
static const struct row bar_rows[] = {
    {"at", ROW_TIME, BAR(at_us), NULL},       {"open", ROW_DECIMAL, BAR(open), NULL},
    {"high", ROW_DECIMAL, BAR(high), NULL},   {"low", ROW_DECIMAL, BAR(low), NULL},
    {"close", ROW_DECIMAL, BAR(close), NULL}, {"volume", ROW_DECIMAL, BAR(volume), NULL},
};
static const struct row fill_rows[] = {
    {"id", ROW_TEXT, FILL(id), NULL},
    {"order_id", ROW_TEXT, FILL(order_id), NULL},
    {"side", ROW_NAMED, FILL(side), order_side_names},
    {"quantity", ROW_DECIMAL, FILL(quantity), NULL},
    {"price", ROW_DECIMAL, FILL(price), NULL},
    {"fee", ROW_DECIMAL, FILL(fee), NULL},
    {"at", ROW_TIME, FILL(at_us), NULL},
};
static const struct row facts_rows[] = {
    /* and behind them the records */
    {"last_price", ROW_DECIMAL, FACTS(last_price), NULL},
    {"last_price_at", ROW_TIME, FACTS(last_price_us), NULL},
    {"instrument_unrealised", ROW_DECIMAL, FACTS(instrument_unrealised), NULL},
    {"halt", ROW_NAMED, FACTS(halt), halt_level_names},
    {"now", ROW_TIME, FACTS(now_us), NULL},
    {"unresolved_order", ROW_FLAG, FACTS(unresolved_order), NULL},
};

#define GROUP(name, list)                                                                          \
    {                                                                                              \
        name, list, sizeof(list) / sizeof *(list)                                                  \
    }
const struct group groups[GROUP_COUNT] = {
    [GROUP_FACTS] = GROUP("facts", facts_rows),
    [GROUP_SIGNAL] = GROUP("signal", signal_rows),
    [GROUP_INSTRUMENT] = GROUP("instrument", instrument_rows),
    [GROUP_POSITION] = GROUP("position", position_rows),
    [GROUP_PYRAMID] = GROUP("pyramid", pyramid_rows),
    [GROUP_PORTFOLIO] = GROUP("portfolio", portfolio_rows),
    [GROUP_STATS] = GROUP("stats", stat_rows),
    [GROUP_BAR] = GROUP("bar", bar_rows),
    [GROUP_FILL] = GROUP("fill", fill_rows),
};
