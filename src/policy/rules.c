/* The arithmetic of the stock gates and of stock sizing, as the module "tidelock.rules": one call
 * instead of thirty exact operations in Lua, because decisions stand on the path of every signal.
 * lua/gates.lua and lua/sizing.lua are what policies use.
 *
 * Gates return what pass, reject and defer return. Figures go along when the decision is traced or
 * the answer is no. */
#include "policy/inner.h"

struct figure {
    const char *name;
    struct decimal value; /* bad: left out */
};

#define HUNDRED decimal_int(100)
#define ANSWER(reason, ...)                                                                        \
    answer(L, version, (reason), (const struct figure[]){__VA_ARGS__},                             \
           sizeof((const struct figure[]){__VA_ARGS__}) / sizeof(struct figure))

static void push_figures(lua_State *L, const struct figure *figures, size_t count)
{
    lua_createtable(L, 0, (int)count);
    for (size_t i = 0; i < count; i++)
        if (decimal_ok(figures[i].value)) {
            bind_push_decimal(L, figures[i].value);
            lua_setfield(L, -2, figures[i].name);
        }
}

/* reason NULL: pass. */
static int answer(lua_State *L, const struct version *version, const char *reason,
                  const struct figure *figures, size_t count)
{
    lua_pushboolean(L, reason == NULL);
    if (reason)
        lua_pushstring(L, reason);
    else if (!version->tracing)
        return 1;
    push_figures(L, figures, count);
    return reason ? 3 : 2;
}

static int say(lua_State *L, const char *reason)
{
    lua_pushboolean(L, reason == NULL);
    if (!reason)
        return 1;
    lua_pushstring(L, reason);
    return 2;
}

/* The facts being decided on; argument 1 must be the record that was handed to the policy. */
static const struct version *check_facts(lua_State *L)
{
    const struct version *version = bind_host(L);

    if (!version->facts || lua_touserdata(L, 1) != version->views.facts_object)
        luaL_error(L, "argument 1 must be the facts given to the policy");
    if (!version->facts->signal || !version->facts->instrument || !version->facts->portfolio)
        luaL_error(L, "this rule is for decisions on signals; there is no signal here");
    return version;
}

static bool is_pyramid(const struct version *version)
{
    return version->facts->signal->type == SIGNAL_PYRAMID;
}

/* What the price has gone in favour of the signal's side. */
static struct decimal gain(const struct version *version, struct decimal from, struct decimal to)
{
    return version->facts->signal->side == SIDE_SHORT ? decimal_sub(from, to)
                                                      : decimal_sub(to, from);
}

static bool positive(struct decimal value)
{
    return decimal_ok(value) && decimal_sign(value) > 0;
}

/* For figures; verdicts use over(), which does not divide. Not wanted: bad. */
static struct decimal percent_of(const struct version *version, struct decimal part,
                                 struct decimal whole)
{
    return version->tracing ? decimal_muldiv(part, HUNDRED, whole) : decimal_bad();
}

/* More than `cap` percent of `whole`, or not a number: fail closed. */
static bool over(struct decimal part, struct decimal cap, struct decimal whole)
{
    struct decimal left, right = decimal_mul(cap, whole);

    if (!decimal_ok(part) || !decimal_ok(right) ||
        __builtin_mul_overflow(part.units, 100, &left.units))
        return true;
    return decimal_gt(left, right);
}

static struct decimal step_of(const struct version *version)
{
    struct decimal step = version->facts->instrument->quantity_step;

    return positive(step) ? step : decimal_int(1);
}

/* What the least order makes of an amount per lot: nearly always one lot. */
static struct decimal of_step(const struct version *version, struct decimal per_lot)
{
    struct decimal step = step_of(version);

    return step.units == DECIMAL_ONE ? per_lot : decimal_mul(per_lot, step);
}

static int layers(lua_State *L)
{
    const struct version *version = check_facts(L);
    const struct facts *facts = version->facts;
    int64_t most = bind_check_integer(L, 2, 0, 1000), open = (int64_t)facts->position_count;
    struct decimal count = decimal_int(open), layer = decimal_int(version->layer);
    struct decimal limit = decimal_int(most), taken;

    if (!is_pyramid(version))
        return ANSWER(open > 0 ? "a position is open already" : NULL, {"open", count});
    if (open == 0 || !facts->pyramid)
        return ANSWER("there is no base to pyramid on", {"open", count});
    taken = decimal_int(facts->pyramid->pyramids);
    if (facts->pyramid->pyramids >= most)
        return ANSWER("all pyramids are taken", {"pyramids", taken}, {"most", limit});
    if (!decimal_eq(layer, decimal_int(facts->pyramid->pyramids + 2)))
        return ANSWER("the pyramid is not the next layer", {"layer", layer},
                      {"expected", decimal_int(facts->pyramid->pyramids + 2)});
    return ANSWER(NULL, {"layer", layer}, {"pyramids", taken}, {"most", limit});
}

static int one_r(lua_State *L)
{
    const struct version *version = check_facts(L);
    const struct pyramid *pyramid = version->facts->pyramid;
    struct decimal multiple = bind_check_decimal(L, 2), unit, won, needed;

    if (!is_pyramid(version))
        return say(L, NULL);
    if (!pyramid || !decimal_ok(pyramid->base_entry_price))
        return say(L, "there is no base to pyramid on");
    unit = decimal_ok(pyramid->base_stop)
               ? gain(version, pyramid->base_stop, pyramid->base_entry_price)
               : decimal_bad();
    if (!positive(unit))
        return say(L, "the base has no initial stop to measure R by");
    won = gain(version, pyramid->base_entry_price, version->facts->signal->price);
    needed = decimal_mul(unit, multiple);
    return ANSWER(decimal_gt(won, needed) ? NULL : "the base has not won enough", {"gain", won},
                  {"more_than", needed});
}

static int atr_spacing(lua_State *L)
{
    const struct version *version = check_facts(L);
    const struct pyramid *pyramid = version->facts->pyramid;
    struct decimal spacing = bind_check_decimal(L, 2), won, needed;

    if (!is_pyramid(version))
        return say(L, NULL);
    if (!pyramid || !decimal_ok(pyramid->last_entry_price))
        return say(L, "there is no layer before");
    if (!positive(version->facts->signal->atr))
        return say(L, "the signal has no atr");
    won = gain(version, pyramid->last_entry_price, version->facts->signal->price);
    needed = decimal_mul(version->facts->signal->atr, spacing);
    return ANSWER(decimal_ge(won, needed) ? NULL : "too near to the layer before", {"gain", won},
                  {"needed", needed});
}

/* Money at risk at the stops with the least order added; bad: no stop. */
static struct decimal projected_risk(const struct version *version)
{
    const struct facts *facts = version->facts;
    struct decimal added;

    if (!decimal_ok(facts->signal->stop))
        return decimal_bad();
    added = decimal_mul(decimal_abs(decimal_sub(facts->signal->price, facts->signal->stop)),
                        of_step(version, facts->instrument->point_value));
    return decimal_add(facts->portfolio->open_risk, added);
}

/* Money that one ATR moves this strategy's layers on the instrument and the least order with them;
 * bad: no atr. */
static struct decimal projected_volatility(const struct version *version)
{
    const struct facts *facts = version->facts;
    struct decimal moved = of_step(version, facts->signal->atr);

    for (size_t i = 0; i < facts->position_count; i++) {
        const struct position *layer = facts->positions[i];
        struct decimal atr = decimal_ok(layer->atr) ? layer->atr : facts->signal->atr;

        moved = decimal_add(moved, decimal_mul(atr, layer->quantity));
    }
    return decimal_mul(moved, facts->instrument->point_value);
}

static struct decimal projected_margin(const struct version *version)
{
    const struct facts *facts = version->facts;

    return decimal_add(facts->portfolio->margin_used, of_step(version, facts->instrument->margin));
}

static struct decimal option(lua_State *L, int index)
{
    return lua_isnoneornil(L, index) ? decimal_bad() : bind_check_decimal(L, index);
}

/* Money against caps in percent of equity: what is over is told with its percent. */
static int compare_heat(lua_State *L, const struct version *version, const struct decimal money[3],
                        const struct decimal caps[3])
{
    static const char *const words[] = {"portfolio risk is over its cap",
                                        "volatility is over its cap", "too much margin is in use"};
    static const char *const names[] = {"risk_percent", "volatility_percent", "margin_percent"};
    struct decimal equity = version->facts->portfolio->equity, percent[3];

    for (int i = 0; i < 3; i++) {
        if (decimal_ok(caps[i]) && over(money[i], caps[i], equity))
            return ANSWER(words[i], {names[i], decimal_muldiv(money[i], HUNDRED, equity)},
                          {"cap", caps[i]});
        percent[i] = decimal_ok(caps[i]) ? percent_of(version, money[i], equity) : decimal_bad();
    }
    return ANSWER(NULL, {names[0], percent[0]}, {names[1], percent[1]}, {names[2], percent[2]});
}

/* heat(f, risk cap, volatility cap, margin cap, profit needed): caps in percent of equity, nil:
 * none. */
static int heat(lua_State *L)
{
    const struct version *version = check_facts(L);
    const struct facts *facts = version->facts;
    struct decimal caps[3] = {option(L, 2), option(L, 3), option(L, 4)}, money[3];

    if (!positive(facts->portfolio->equity))
        return ANSWER("there is no equity", {"equity", facts->portfolio->equity});
    if (lua_toboolean(L, 5) && is_pyramid(version) && !positive(facts->instrument_unrealised))
        return ANSWER("the instrument is not in profit", {"profit", facts->instrument_unrealised});
    if (decimal_ok(caps[0]) && !decimal_ok(facts->signal->stop))
        return say(L, "the signal has no stop to measure risk by");
    if (!decimal_ok(facts->signal->atr))
        caps[1] = decimal_bad(); /* nothing to measure: the cap cannot bind */
    money[0] = decimal_ok(caps[0]) ? projected_risk(version) : decimal_bad();
    money[1] = decimal_ok(caps[1]) ? projected_volatility(version) : decimal_bad();
    money[2] = decimal_ok(caps[2]) ? projected_margin(version) : decimal_bad();
    return compare_heat(L, version, money, caps);
}

/* price_check(f, cap of a base, cap of a pyramid, whether a market price is required): percent. */
static int price_check(lua_State *L)
{
    const struct version *version = check_facts(L);
    const struct facts *facts = version->facts;
    struct decimal cap = bind_check_decimal(L, is_pyramid(version) ? 3 : 2), apart;

    if (!decimal_ok(facts->last_price))
        return say(L, lua_toboolean(L, 4) ? "there is no market price to compare with" : NULL);
    apart = decimal_abs(decimal_sub(facts->last_price, facts->signal->price));
    if (over(apart, cap, facts->signal->price))
        return ANSWER("the signal's price is away from the market's",
                      {"price", facts->signal->price}, {"market", facts->last_price},
                      {"percent", decimal_muldiv(apart, HUNDRED, facts->signal->price)},
                      {"cap", cap});
    return ANSWER(NULL, {"percent", percent_of(version, apart, facts->signal->price)},
                  {"cap", cap});
}

static int day_loss(lua_State *L)
{
    const struct version *version = check_facts(L);
    const struct portfolio *portfolio = version->facts->portfolio;
    struct decimal cap = bind_check_decimal(L, 2), percent;

    if (!positive(portfolio->equity))
        return ANSWER("there is no equity", {"equity", portfolio->equity});
    percent = decimal_ok(portfolio->day_loss)
                  ? decimal_muldiv(portfolio->day_loss, HUNDRED, portfolio->equity)
                  : decimal_int(0);
    return ANSWER(decimal_ge(percent, cap) ? "the day has lost enough" : NULL, {"percent", percent},
                  {"cap", cap});
}

/* ---- sizing ---- */

/* Pushes an option of the table at `index`. */
static void push_option(lua_State *L, int index, const struct version *version, enum size_key key)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, version->keys[key]);
    lua_gettable(L, index);
}

/* A number of the options table at `index`; bad: absent. */
static struct decimal field(lua_State *L, int index, const struct version *version,
                            enum size_key key)
{
    struct decimal value = decimal_bad();

    push_option(L, index, version, key);
    if (!bind_decimal(L, -1, &value) && !lua_isnil(L, -1))
        luaL_error(L, "option %s must be a decimal or a whole number", size_key_names[key]);
    lua_pop(L, 1);
    return value;
}

/* The option `er`: a number, or the name of the signal's further field that has it; bad: none. */
static struct decimal efficiency(lua_State *L, int index, const struct version *version)
{
    struct decimal value = decimal_bad();
    const char *name;

    push_option(L, index, version, KEY_ER);
    name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    if (!name && !lua_isnil(L, -1) && !bind_decimal(L, -1, &value))
        luaL_error(L, "option er must be a decimal or the name of an extra field");
    for (uint32_t i = 0; name && i < version->extra_count; i++)
        if (text_equal(version->extras[i].name, name))
            (void)!bind_record_decimal(version->views.extra, i, &value);
    lua_pop(L, 1);
    return value;
}

/* Why the signal cannot be sized by its stop, or NULL. */
static const char *unusable(const struct signal *signal)
{
    if (!decimal_ok(signal->price) || !decimal_ok(signal->stop))
        return "sizing by risk needs a price and a stop";
    if (signal->side == SIDE_SHORT ? decimal_le(signal->stop, signal->price)
                                   : decimal_ge(signal->stop, signal->price))
        return "the stop is on the wrong side of the price";
    return NULL;
}

static void push_quantity(lua_State *L, struct decimal quantity)
{
    int64_t whole = (int64_t)quantity.units;

    if (quantity.units < INT64_MAX && whole % (int64_t)DECIMAL_ONE == 0)
        lua_pushnumber(L, (double)(whole / (int64_t)DECIMAL_ONE));
    else
        bind_push_decimal(L, quantity);
}

/* The smallest limit wins and is named; figures come in the order of the alphabet, so that ties
 * have one name. Rounded down to the quantity step once, here. `plain`: no table need be made. */
static int give_size(lua_State *L, const struct version *version, const struct figure *limits,
                     size_t count, bool plain)
{
    const struct figure *least = NULL;
    struct decimal quantity;

    for (size_t i = 0; i < count; i++)
        if (decimal_ok(limits[i].value) && (!least || decimal_lt(limits[i].value, least->value)))
            least = &limits[i];
    if (!least)
        return say(
            L, "nothing limits the size: the instrument has no margin, the signal no usable stop");
    quantity =
        decimal_round(decimal_max(least->value, decimal_int(0)), step_of(version), DECIMAL_FLOOR);
    if (plain && !version->tracing && !decimal_is_zero(quantity)) {
        push_quantity(L, quantity);
        bind_push_decimal(L, version->facts->signal->stop);
        return 2;
    }
    lua_createtable(L, 0, version->tracing ? 4 : 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, version->keys[KEY_QUANTITY]);
    push_quantity(L, quantity);
    lua_rawset(L, -3);
    lua_rawgeti(L, LUA_REGISTRYINDEX, version->keys[KEY_STOP]);
    bind_push_decimal(L, version->facts->signal->stop);
    lua_rawset(L, -3);
    if (version->tracing || decimal_is_zero(quantity)) {
        lua_pushstring(L, least->name);
        lua_setfield(L, -2, "limited_by");
        push_figures(L, limits, count);
        lua_setfield(L, -2, "numbers");
    }
    return 1;
}

static struct decimal most_of(const struct version *version)
{
    struct decimal most = version->facts->instrument->max_quantity;

    return positive(most) ? most : decimal_bad();
}

static struct decimal lots_of_margin(const struct version *version)
{
    const struct facts *facts = version->facts;

    if (!positive(facts->instrument->margin))
        return decimal_bad();
    return decimal_div(facts->portfolio->margin_free, facts->instrument->margin, DECIMAL_HALF_EVEN);
}

/* By { risk_percent, volatility_percent, er, blended } at `at`. */
static int size_base(lua_State *L, const struct version *version, int at, bool plain)
{
    const struct facts *facts = version->facts;
    const struct signal *signal = facts->signal;
    const char *why = unusable(signal);
    struct decimal equity = facts->portfolio->equity, loss, money, risk, volatility = decimal_bad(),
                   er, part;

    luaL_checktype(L, at, LUA_TTABLE);
    if (why)
        return ANSWER(why, {"price", signal->price}, {"stop", signal->stop});
    push_option(L, at, version, KEY_BLENDED);
    if (lua_toboolean(L, -1))
        equity = facts->portfolio->blended_equity;
    lua_pop(L, 1);
    loss = decimal_mul(decimal_abs(decimal_sub(signal->price, signal->stop)),
                       facts->instrument->point_value);
    money = decimal_muldiv(equity, field(L, at, version, KEY_RISK_PERCENT), HUNDRED);
    er = efficiency(L, at, version);
    risk = decimal_ok(er) ? decimal_muldiv(money, er, loss)
                          : decimal_div(money, loss, DECIMAL_HALF_EVEN);
    part = field(L, at, version, KEY_VOLATILITY_PERCENT);
    if (decimal_ok(part) && positive(signal->atr))
        volatility = decimal_div(decimal_muldiv(equity, part, HUNDRED),
                                 decimal_mul(signal->atr, facts->instrument->point_value),
                                 DECIMAL_HALF_EVEN);
    if (!decimal_ok(risk))
        return say(L, "sizing by risk gives no number: check equity, risk_percent and point value");
    return give_size(L, version,
                     (const struct figure[]){{"margin", lots_of_margin(version)},
                                             {"max_quantity", most_of(version)},
                                             {"risk", risk},
                                             {"volatility", volatility}},
                     4, plain);
}

/* What the position's profit beyond the base's risk allows to lose, in lots. */
static struct decimal lots_of_profit(const struct version *version, struct decimal share)
{
    const struct facts *facts = version->facts;
    const struct pyramid *pyramid = facts->pyramid;
    struct decimal point_value = facts->instrument->point_value, base_risk = decimal_int(0), profit,
                   loss;

    if (decimal_ok(pyramid->base_stop))
        base_risk =
            decimal_mul(decimal_abs(decimal_sub(pyramid->base_entry_price, pyramid->base_stop)),
                        decimal_mul(pyramid->base_quantity, point_value));
    profit = decimal_ok(facts->instrument_unrealised)
                 ? decimal_sub(facts->instrument_unrealised, base_risk)
                 : decimal_int(0);
    if (!positive(profit))
        return decimal_int(0);
    loss = decimal_mul(decimal_abs(decimal_sub(facts->signal->price, facts->signal->stop)),
                       point_value);
    return decimal_muldiv(profit, share, loss);
}

/* By { base_share, profit_share } at `at`. */
static int size_pyramid(lua_State *L, const struct version *version, int at, bool plain)
{
    static const struct decimal half = {DECIMAL_ONE / 2};
    const struct facts *facts = version->facts;
    const char *why = unusable(facts->signal);
    struct decimal base_share, profit_share;

    luaL_checktype(L, at, LUA_TTABLE);
    if (!facts->pyramid || !decimal_ok(facts->pyramid->base_entry_price) ||
        !decimal_ok(facts->pyramid->base_quantity))
        return say(L, "there is no base to pyramid on");
    if (why)
        return ANSWER(why, {"price", facts->signal->price}, {"stop", facts->signal->stop});
    base_share = field(L, at, version, KEY_BASE_SHARE);
    profit_share = field(L, at, version, KEY_PROFIT_SHARE);
    base_share = decimal_ok(base_share) ? base_share : half;
    profit_share = decimal_ok(profit_share) ? profit_share : half;
    return give_size(
        L, version,
        (const struct figure[]){{"base", decimal_mul(facts->pyramid->base_quantity, base_share)},
                                {"margin", lots_of_margin(version)},
                                {"max_quantity", most_of(version)},
                                {"profit", lots_of_profit(version, profit_share)}},
        4, plain);
}

static int base_size(lua_State *L)
{
    return size_base(L, check_facts(L), 2, false);
}

static int pyramid_size(lua_State *L)
{
    return size_pyramid(L, check_facts(L), 2, false);
}

/* (f, options of a base, options of a pyramid): by the signal's type. */
static int size_entry(lua_State *L, bool plain)
{
    const struct version *version = check_facts(L);

    return is_pyramid(version) ? size_pyramid(L, version, 3, plain)
                               : size_base(L, version, 2, plain);
}

static int entry_size(lua_State *L)
{
    return size_entry(L, false);
}

static int entry_lots(lua_State *L)
{
    return size_entry(L, true);
}

/* The rows of the module tidelock.rules. */
static const struct bind_function rows[] = {
    {"layers", layers, "(f: facts, most: integer): boolean, any, table?"},
    {"one_r", one_r, "(f: facts, multiple: decimal|number): boolean, any, table?"},
    {"atr_spacing", atr_spacing, "(f: facts, spacing: decimal|number): boolean, any, table?"},
    {"heat", heat,
     "(f: facts, risk?: decimal|number, volatility?: decimal|number, margin?: "
     "decimal|number, profit?: decimal|number): boolean, any, table?\n"
     "Caps in percent of equity."},
    {"price_check", price_check,
     "(f: facts, base: decimal|number, pyramid: decimal|number, required?: boolean): any, "
     "table?\n"
     "Caps in percent; `required`: a market price must be there."},
    {"day_loss", day_loss, "(f: facts, cap: decimal|number): boolean, any, table?"},
    {"base_size", base_size,
     "(f: facts, options: table): table|boolean, string?, table?\n"
     "Options: risk_percent, volatility_percent, er, blended."},
    {"pyramid_size", pyramid_size,
     "(f: facts, options: table): table|boolean, string?, table?\n"
     "Options: base_share, profit_share."},
    {"entry_size", entry_size,
     "(f: facts, base: table, pyramid: table): table|boolean, string?, table?\n"
     "By the signal's type."},
    {"entry_lots", entry_lots,
     "(f: facts, base: table, pyramid: table): table|decimal|number|boolean, any, table?\n"
     "As entry_size; a quantity and a stop instead of a table while no figures are wanted."},
    {"gate", gate_make,
     "(rule: string, ...: decimal|number|string|boolean|nil): fun(f: facts): boolean, any, table?\n"
     "A gate's check: the rule of this name with these options; a text names a parameter."},
    {"trail", trail_step,
     "(side: 'LONG'|'SHORT', stop: decimal|number, best: decimal|number, close: decimal|number, "
     "atr?: decimal|number, multiplier: decimal|number, tick?: decimal|number): decimal, decimal, "
     "boolean"},
};

const struct bind_function *rules_find(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (text_equal(rows[i].name, name))
            return &rows[i];
    return NULL;
}

void rules_bind(struct version *version)
{
    driver_keep_keys(version);
    bind_module(version->box, "tidelock.rules", rows, sizeof rows / sizeof *rows, version);
}
