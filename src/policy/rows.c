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
#define DIFFERENCE(field)                                                                          \
    offsetof(struct difference, field), sizeof(((struct difference *)0)->field)
#define DUE(field) offsetof(struct due, field), sizeof(((struct due *)0)->field)
#define FILL(field) offsetof(struct fill, field), sizeof(((struct fill *)0)->field)

static const struct row signal_rows[] = {
    {"id", ROW_TEXT, SIGNAL(id), NULL, false, NULL},
    {"source", ROW_TEXT, SIGNAL(source), NULL, false, NULL},
    {"type", ROW_NAMED, SIGNAL(type), signal_type_names, false, NULL},
    {"position", ROW_TEXT, SIGNAL(position), NULL, false, "\"Long_1\" ... \"Short_6\", \"ALL\""},
    {"side", ROW_NAMED, SIGNAL(side), side_names, false, NULL},
    {"price", ROW_DECIMAL, SIGNAL(price), NULL, false, NULL},
    {"stop", ROW_DECIMAL, SIGNAL(stop), NULL, true, NULL},
    {"atr", ROW_DECIMAL, SIGNAL(atr), NULL, true, NULL},
    {"quantity", ROW_DECIMAL, SIGNAL(quantity), NULL, true, "what the sender suggests"},
    {"at", ROW_TIME, SIGNAL(at_us), NULL, false, "epoch seconds, the sender's time"},
    {"received_at", ROW_TIME, SIGNAL(received_us), NULL, false, NULL},
};

static const struct row instrument_rows[] = {
    {"name", ROW_TEXT, INSTRUMENT(name), NULL, false, NULL},
    {"exchange", ROW_TEXT, INSTRUMENT(exchange), NULL, false, NULL},
    {"lot_size", ROW_DECIMAL, INSTRUMENT(lot_size), NULL, false, NULL},
    {"tick", ROW_DECIMAL, INSTRUMENT(tick), NULL, false, NULL},
    {"quantity_step", ROW_DECIMAL, INSTRUMENT(quantity_step), NULL, false, NULL},
    {"point_value", ROW_DECIMAL, INSTRUMENT(point_value), NULL, false, "money per point per lot"},
    {"margin", ROW_DECIMAL, INSTRUMENT(margin), NULL, false, "money per lot"},
    {"min_quantity", ROW_DECIMAL, INSTRUMENT(min_quantity), NULL, true, NULL},
    {"max_quantity", ROW_DECIMAL, INSTRUMENT(max_quantity), NULL, true, NULL},
};
static const struct row position_rows[] = {
    {"label", ROW_TEXT, POSITION(label), NULL, false, NULL},
    {"side", ROW_NAMED, POSITION(side), side_names, false, NULL},
    {"is_base", ROW_FLAG, POSITION(is_base_position), NULL, false, NULL},
    {"quantity", ROW_DECIMAL, POSITION(quantity), NULL, false, NULL},
    {"entry_price", ROW_DECIMAL, POSITION(entry_price), NULL, false, NULL},
    {"initial_stop", ROW_DECIMAL, POSITION(initial_stop), NULL, true, NULL},
    {"stop", ROW_DECIMAL, POSITION(stop), NULL, true, NULL},
    {"atr", ROW_DECIMAL, POSITION(atr), NULL, true, NULL},
    {"opened_at", ROW_TIME, POSITION(opened_us), NULL, false, NULL},
};
static const struct row pyramid_rows[] = {
    {"layers", ROW_COUNT, PYRAMID(layers), NULL, false, NULL},
    {"pyramids", ROW_COUNT, PYRAMID(pyramids), NULL, false, NULL},
    {"quantity", ROW_DECIMAL, PYRAMID(quantity), NULL, false, NULL},
    {"last_entry_price", ROW_DECIMAL, PYRAMID(last_entry_price), NULL, true, NULL},
    {"base_entry_price", ROW_DECIMAL, PYRAMID(base_entry_price), NULL, true, NULL},
    {"base_stop", ROW_DECIMAL, PYRAMID(base_stop), NULL, true, NULL},
    {"base_quantity", ROW_DECIMAL, PYRAMID(base_quantity), NULL, true, NULL},
};
static const struct row portfolio_rows[] = {
    {"equity", ROW_DECIMAL, PORTFOLIO(equity), NULL, false, "closed equity"},
    {"unrealised", ROW_DECIMAL, PORTFOLIO(unrealised), NULL, false, NULL},
    {"blended_equity", ROW_DECIMAL, PORTFOLIO(blended_equity), NULL, false,
     "equity and half of what is unrealised"},
    {"open_risk", ROW_DECIMAL, PORTFOLIO(open_risk), NULL, false,
     "money lost if every stop is hit"},
    {"open_risk_percent", ROW_DECIMAL, PORTFOLIO(open_risk_percent), NULL, true, NULL},
    {"margin_used", ROW_DECIMAL, PORTFOLIO(margin_used), NULL, false, NULL},
    {"margin_free", ROW_DECIMAL, PORTFOLIO(margin_free), NULL, false, NULL},
    {"exposure", ROW_DECIMAL, PORTFOLIO(exposure), NULL, false, NULL},
    {"day_loss", ROW_DECIMAL, PORTFOLIO(day_loss), NULL, false, NULL},
    {"drawdown_percent", ROW_DECIMAL, PORTFOLIO(drawdown_percent), NULL, false, NULL},
    {"open_positions", ROW_COUNT, PORTFOLIO(open_positions), NULL, false, NULL},
};
static const struct row stat_rows[] = {
    {"signals", ROW_COUNT, STAT(signals), NULL, false, NULL},
    {"accepted", ROW_COUNT, STAT(accepted), NULL, false, NULL},
    {"rejected", ROW_COUNT, STAT(rejected), NULL, false, NULL},
    {"orders", ROW_COUNT, STAT(orders), NULL, false, NULL},
    {"fills", ROW_COUNT, STAT(fills), NULL, false, NULL},
    {"wins", ROW_COUNT, STAT(wins), NULL, false, NULL},
    {"losses", ROW_COUNT, STAT(losses), NULL, false, NULL},
    {"realised", ROW_DECIMAL, STAT(realised), NULL, false, NULL},
    {"fees", ROW_DECIMAL, STAT(fees), NULL, false, NULL},
    {"volume", ROW_DECIMAL, STAT(volume), NULL, false, NULL},
};
static const struct row bar_rows[] = {
    {"at", ROW_TIME, BAR(at_us), NULL, false, "start of the bar, epoch seconds"},
    {"open", ROW_DECIMAL, BAR(open), NULL, false, NULL},
    {"high", ROW_DECIMAL, BAR(high), NULL, false, NULL},
    {"low", ROW_DECIMAL, BAR(low), NULL, false, NULL},
    {"close", ROW_DECIMAL, BAR(close), NULL, false, NULL},
    {"volume", ROW_DECIMAL, BAR(volume), NULL, true, NULL},
};
static const struct row fill_rows[] = {
    {"id", ROW_TEXT, FILL(id), NULL, false, NULL},
    {"order_id", ROW_TEXT, FILL(order_id), NULL, false, NULL},
    {"side", ROW_NAMED, FILL(side), order_side_names, false, NULL},
    {"quantity", ROW_DECIMAL, FILL(quantity), NULL, false, NULL},
    {"price", ROW_DECIMAL, FILL(price), NULL, false, NULL},
    {"fee", ROW_DECIMAL, FILL(fee), NULL, false, NULL},
    {"at", ROW_TIME, FILL(at_us), NULL, false, NULL},
};
static const struct row difference_rows[] = {
    {"kind", ROW_NAMED, DIFFERENCE(kind), difference_names, false, NULL},
    {"order_id", ROW_TEXT, DIFFERENCE(order_id), NULL, false, "\"\" of a position"},
    {"expiry", ROW_TEXT, DIFFERENCE(expiry), NULL, false, "of a dated contract, else \"\""},
    {"ours", ROW_DECIMAL, DIFFERENCE(ours), NULL, true,
     "lots, short below zero; of an order what is filled"},
    {"theirs", ROW_DECIMAL, DIFFERENCE(theirs), NULL, true, "the broker's"},
    {"price", ROW_DECIMAL, DIFFERENCE(price), NULL, true,
     "the broker's average, or the order's limit"},
    {"our_state", ROW_NAMED, DIFFERENCE(our_state), order_state_names, false, "of an order"},
    {"their_state", ROW_NAMED, DIFFERENCE(their_state), order_state_names, false, "of an order"},
};
static const struct row due_rows[] = {
    {"label", ROW_TEXT, DUE(label), NULL, false, NULL},
    {"side", ROW_NAMED, DUE(side), side_names, false, NULL},
    {"is_base", ROW_FLAG, DUE(is_base), NULL, false, NULL},
    {"quantity", ROW_DECIMAL, DUE(quantity), NULL, false, NULL},
    {"entry_price", ROW_DECIMAL, DUE(entry_price), NULL, true, NULL},
    {"stop", ROW_DECIMAL, DUE(stop), NULL, true, NULL},
    {"expiry", ROW_TEXT, DUE(expiry), NULL, false, "\"2026-11-24\""},
    {"next_expiry", ROW_TEXT, DUE(next_expiry), NULL, false, "the contract it rolls into"},
    {"status", ROW_NAMED, DUE(status), rollover_status_names, false, NULL},
    {"days_left", ROW_COUNT, DUE(days_left), NULL, false, "calendar days until the expiry"},
    {"sessions_left", ROW_COUNT, DUE(sessions_left), NULL, false,
     "today's included until it closes"},
    {"closes_in", ROW_COUNT, DUE(closes_in_s), NULL, false,
     "seconds of today's session; 0: closed"},
    {"is_open", ROW_FLAG, DUE(is_open), NULL, false, "the exchange, now"},
    {"far_failed", ROW_FLAG, DUE(far_failed), NULL, false,
     "closed here, and the next contract not had: put back?"},
};
static const struct row facts_rows[] = {
    /* and behind them the records */
    {"last_price", ROW_DECIMAL, FACTS(last_price), NULL, true, NULL},
    {"last_price_at", ROW_TIME, FACTS(last_price_us), NULL, true, NULL},
    {"instrument_unrealised", ROW_DECIMAL, FACTS(instrument_unrealised), NULL, true, NULL},
    {"halt", ROW_NAMED, FACTS(halt), halt_level_names, false, NULL},
    {"now", ROW_TIME, FACTS(now_us), NULL, false, "epoch seconds; the only clock"},
    {"unresolved_order", ROW_FLAG, FACTS(unresolved_order), NULL, false, NULL},
};

/* Behind the rows stand fields that are computed, or records. */
static const struct told signal_more[] = {
    {"layer", "integer", false, "3 for Long_3, 0 for ALL"},
    {"age", "integer", true, "seconds since `at`"},
    {"extra", "table<string, decimal|string|boolean>", false, "those declared in `extra`"},
};
static const struct told facts_more[] = {
    {"signal", "signal", true, "nil in start and on_bar"},
    {"instrument", "instrument", false, NULL},
    {"positions", "position[]", false, "open layers of this strategy here, oldest first"},
    {"pyramid", "pyramid", true, NULL},
    {"portfolio", "portfolio", false, NULL},
    {"stats", "stats", true, NULL},
};

const struct told signal_answer[ITEM_COUNT + 1] = {
    [ITEM_TYPE] = {"type", "'BASE_ENTRY'|'PYRAMID'|'EXIT'", false, NULL},
    [ITEM_POSITION] = {"position", "string", false,
                       "\"Long_1\" ... \"Short_6\"; \"ALL\" with EXIT"},
    [ITEM_SIDE] = {"side", "'LONG'|'SHORT'", true, "default: by the position's name"},
    [ITEM_PRICE] = {"price", "decimal|number", true, "default: the bar's close"},
    [ITEM_STOP] = {"stop", "decimal|number", true, NULL},
    [ITEM_ATR] = {"atr", "decimal|number", true, NULL},
    [ITEM_QUANTITY] = {"quantity", "decimal|number", true, NULL},
    [ITEM_NOTE] = {"note", "string", true, NULL},
};
const struct told stop_answer[] = {
    {"type", "'STOP'", false, NULL},
    {"position", "string", false, "\"Long_1\" ... \"Short_6\", or \"ALL\""},
    {"stop", "decimal|number", false, NULL},
    {NULL, NULL, false, NULL},
};

const struct told match_answer[] = {
    {"action", "string", false, NULL},
    {"reason", "string", true, "stands in the report"},
    {NULL, NULL, false, NULL},
};
const struct told roll_answer[] = {
    {"now", "boolean", true, "roll it; default false"},
    {"put_back", "boolean", true, "asked when the far leg failed; default true"},
    {"reason", "string", true, "stands in the event"},
    {NULL, NULL, false, NULL},
};

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define GROUP(name, list)                                                                          \
    {                                                                                              \
        name, list, COUNT(list), NULL, 0                                                           \
    }
const struct group groups[GROUP_COUNT] = {
    [GROUP_FACTS] = {"facts", facts_rows, COUNT(facts_rows), facts_more, COUNT(facts_more)},
    [GROUP_SIGNAL] = {"signal", signal_rows, COUNT(signal_rows), signal_more, COUNT(signal_more)},
    [GROUP_INSTRUMENT] = GROUP("instrument", instrument_rows),
    [GROUP_POSITION] = GROUP("position", position_rows),
    [GROUP_PYRAMID] = GROUP("pyramid", pyramid_rows),
    [GROUP_PORTFOLIO] = GROUP("portfolio", portfolio_rows),
    [GROUP_STATS] = GROUP("stats", stat_rows),
    [GROUP_BAR] = GROUP("bar", bar_rows),
    [GROUP_FILL] = GROUP("fill", fill_rows),
    [GROUP_DIFFERENCE] = GROUP("difference", difference_rows),
    [GROUP_DUE] = GROUP("due", due_rows),
};
