/* Reading a signal's type from what the chart says it did, when the sender names none. */
#include "trade/signal_map.h"
#include <string.h>
#include <strings.h>

enum market { MARKET_UNSAID, MARKET_FLAT, MARKET_LONG, MARKET_SHORT, MARKET_ODD };
enum action { ACTION_UNSAID, ACTION_BUY, ACTION_SELL, ACTION_CLOSE, ACTION_ODD };

static enum market read_market(const struct signal_fields *fields, enum signal_field field,
                               struct signal_faults *faults)
{
    const char *text = fields->text[field];
    if (!text || !*text)
        return MARKET_UNSAID;
    if (strcasecmp(text, "flat") == 0)
        return MARKET_FLAT;
    if (strcasecmp(text, "long") == 0)
        return MARKET_LONG;
    if (strcasecmp(text, "short") == 0)
        return MARKET_SHORT;
    signal_fault_add(faults, fields->where[field], "must be long, short or flat");
    return MARKET_ODD;
}

static enum action action_word(const char *text)
{
    static const char *const close[] = {"close", "exit", "flat", "flatten", NULL};
    int ignored;
    if (!text || !*text)
        return ACTION_UNSAID;
    if (strcasecmp(text, "buy") == 0)
        return ACTION_BUY;
    if (strcasecmp(text, "sell") == 0)
        return ACTION_SELL;
    return enum_parse(close, text, &ignored) ? ACTION_CLOSE : ACTION_ODD;
}

/* Common bots write "side": "buy"; that is an action, and leaves the side unsaid. */
static enum action read_action(struct signal_fields *fields, struct signal_faults *faults)
{
    enum action action = action_word(fields->text[FIELD_ACTION]);
    enum action side = action_word(fields->text[FIELD_SIDE]);
    if (action == ACTION_ODD)
        signal_fault_add(faults, fields->where[FIELD_ACTION],
                         "must be buy, sell, close or exit; map other words with `values`");
    if (side == ACTION_UNSAID || side == ACTION_ODD)
        return action;
    fields->text[FIELD_SIDE] = NULL;
    if (action != ACTION_UNSAID && action != side)
        signal_fault_add(faults, fields->where[FIELD_SIDE], "and action say different things");
    return side;
}

/* 1, 0, -1 as the size grew; false: not both are there. */
static bool sizes_differ(const struct signal_fields *fields, int *grew, struct decimal *by)
{
    struct decimal now, before;
    const char *a = fields->text[FIELD_MARKET_POSITION_SIZE],
               *b = fields->text[FIELD_PREV_MARKET_POSITION_SIZE];
    if (!a || !b || !decimal_parse(a, strlen(a), &now, NULL) ||
        !decimal_parse(b, strlen(b), &before, NULL))
        return false;
    now = decimal_abs(now);
    before = decimal_abs(before);
    *grew = decimal_cmp(now, before);
    *by = decimal_abs(decimal_sub(now, before));
    return true;
}

static void conclude(struct signal_fields *fields, enum signal_type type, enum side side)
{
    const char *label = fields->text[FIELD_POSITION];
    fields->text[FIELD_TYPE] = signal_type_names[type];
    if (!fields->text[FIELD_SIDE])
        fields->text[FIELD_SIDE] = side_names[side];
    if (label && *label)
        return;
    if (type == SIGNAL_BASE_ENTRY)
        fields->text[FIELD_POSITION] = side == SIDE_LONG ? "Long_1" : "Short_1";
    else if (type == SIGNAL_EXIT)
        fields->text[FIELD_POSITION] = "ALL";
}

static bool adds(enum action action, enum side side)
{
    return action == (side == SIDE_LONG ? ACTION_BUY : ACTION_SELL);
}

/* Long stays long, or short stays short: sizes decide, else the action. */
static void intent_of_same(struct signal_fields *fields, enum action action, enum side side,
                           struct arena *arena, struct signal_faults *faults)
{
    int grew = 0;
    struct decimal by;
    const bool sized = sizes_differ(fields, &grew, &by);
    if (!sized && (action == ACTION_BUY || action == ACTION_SELL))
        grew = adds(action, side) ? 1 : -1;
    if (grew == 0) {
        signal_fault_add(faults, fields->where[FIELD_TYPE],
                         "cannot be told: the market position stays the same%s; send `type`, or "
                         "both position sizes",
                         sized ? " and so does its size" : "");
        return;
    }
    if (sized && (action == ACTION_BUY || action == ACTION_SELL) &&
        adds(action, side) != (grew > 0)) {
        signal_fault_add(faults, fields->where[FIELD_ACTION],
                         "contradicts the position sizes; send `type`");
        return;
    }
    conclude(fields, grew > 0 ? SIGNAL_PYRAMID : SIGNAL_EXIT, side);
    if (sized && grew < 0 && !fields->text[FIELD_QUANTITY]) {
        char text[DECIMAL_TEXT_MAX];
        fields->text[FIELD_QUANTITY] = arena_copy(arena, text, decimal_print(by, text));
    }
}

static void intent_of_markets(struct signal_fields *fields, enum market before, enum market now,
                              enum action action, struct arena *arena, struct signal_faults *faults)
{
    const enum side side =
        (now == MARKET_FLAT ? before : now) == MARKET_SHORT ? SIDE_SHORT : SIDE_LONG;
    const char *at = fields->where[FIELD_TYPE];
    bool trades = action == ACTION_BUY || action == ACTION_SELL;
    if (before == MARKET_FLAT && now == MARKET_FLAT)
        signal_fault_add(faults, at,
                         "cannot be told: the market position was flat and is flat; send `type`");
    else if (before != MARKET_FLAT && now != MARKET_FLAT && before != now)
        signal_fault_add(
            faults, at,
            "cannot be one signal: the chart reversed; send an EXIT of ALL, then a BASE_ENTRY");
    else if (before == now)
        intent_of_same(fields, action, side, arena, faults);
    else if (trades && adds(action, side) != (before == MARKET_FLAT))
        signal_fault_add(faults, fields->where[FIELD_ACTION],
                         "contradicts the market positions; send `type`");
    else
        conclude(fields, before == MARKET_FLAT ? SIGNAL_BASE_ENTRY : SIGNAL_EXIT, side);
}

static void intent_of_action(struct signal_fields *fields, enum action action)
{
    const char *said = fields->text[FIELD_SIDE], *label = fields->text[FIELD_POSITION];
    const char *size = fields->text[FIELD_MARKET_POSITION_SIZE];
    struct decimal left;
    enum side side = said && strcasecmp(said, "SHORT") == 0 ? SIDE_SHORT : SIDE_LONG;
    if (!said && label && strncasecmp(label, "Short_", 6) == 0)
        side = SIDE_SHORT;
    const bool emptied =
        size && decimal_parse(size, strlen(size), &left, NULL) && decimal_is_zero(left);
    if (emptied && !said && !label && action != ACTION_CLOSE)
        side = action == ACTION_SELL ? SIDE_LONG : SIDE_SHORT;
    if (action == ACTION_CLOSE || emptied || !adds(action, side))
        conclude(fields, SIGNAL_EXIT, side);
    else
        conclude(fields, label && signal_layer(label) > 1 ? SIGNAL_PYRAMID : SIGNAL_BASE_ENTRY,
                 side);
}

void signal_intent(struct signal_fields *fields, struct arena *arena, struct signal_faults *faults)
{
    const size_t before = faults->count;
    const enum market now = read_market(fields, FIELD_MARKET_POSITION, faults);
    const enum market previous = read_market(fields, FIELD_PREV_MARKET_POSITION, faults);
    const enum action action = read_action(fields, faults);
    const char *at = fields->where[FIELD_TYPE];
    if (faults->count > before)
        return;
    if (now != MARKET_UNSAID && previous != MARKET_UNSAID)
        intent_of_markets(fields, previous, now, action, arena, faults);
    else if (now == MARKET_FLAT && (action == ACTION_UNSAID || action == ACTION_CLOSE))
        conclude(fields, SIGNAL_EXIT, SIDE_LONG);
    else if (now == MARKET_FLAT)
        conclude(fields, SIGNAL_EXIT, action == ACTION_SELL ? SIDE_LONG : SIDE_SHORT);
    else if (now != MARKET_UNSAID)
        signal_fault_add(
            faults, at,
            "cannot be told from market_position alone: an entry or a pyramid; send `type` or "
            "prev_market_position");
    else if (action != ACTION_UNSAID)
        intent_of_action(fields, action);
    else
        signal_fault_add(
            faults, at,
            "is missing; send BASE_ENTRY, PYRAMID or EXIT (or action, or market_position "
            "with prev_market_position)");
}
