/* The global `ta`: indicators for scripts. ta.atr(14) makes one, :push(bar) feeds it and gives its values (nil until
 * there are enough bars), :value() gives the last ones again. */
#include "policy/inner.h"

#include "policy/indicator.h"

struct maker {
    bool has_factor;
    int results;
};
static const struct maker makers[INDICATOR_COUNT] = {
    [INDICATOR_SMA] = {false, 1},
    [INDICATOR_EMA] = {false, 1},
    [INDICATOR_RMA] = {false, 1},
    [INDICATOR_HIGHEST] = {false, 1},
    [INDICATOR_LOWEST] = {false, 1},
    [INDICATOR_STDEV] = {false, 1},
    [INDICATOR_ROC] = {false, 1},
    [INDICATOR_ER] = {false, 1},
    [INDICATOR_RSI] = {false, 1},
    [INDICATOR_ATR] = {false, 1},
    [INDICATOR_BOLLINGER] = {true, 3},
    [INDICATOR_DONCHIAN] = {false, 2},
    [INDICATOR_SUPERTREND] = {true, 2},
    [INDICATOR_ADX] = {false, 3},
};

/* 128-bit numbers want 16-byte alignment, which Lua's memory does not promise; it stays where it is, though. */
static struct indicator *align(void *memory)
{
    return (struct indicator *)(((uintptr_t)memory + 15) & ~(uintptr_t)15);
}

/* One type for all kinds: a method reads the kind from the object. */
static struct indicator *check_indicator(lua_State *L)
{
    const struct version *version = bind_host(L);

    return align(bind_check(L, 1, version->indicator_type));
}

static int give(lua_State *L, const struct indicator *indicator)
{
    if (!indicator->ready) {
        lua_pushnil(L);
        return 1;
    }
    bind_push_decimal(L, indicator->out[0]);
    if (indicator->kind == INDICATOR_SUPERTREND) {
        lua_pushboolean(L, indicator->up);
        return 2;
    }
    for (int i = 1; i < makers[indicator->kind].results; i++)
        bind_push_decimal(L, indicator->out[i]);
    return makers[indicator->kind].results;
}

/* Takes the bar being fed, or one number as high, low and close. */
static int push(lua_State *L)
{
    const struct version *version = bind_host(L);
    struct indicator *indicator = check_indicator(L);

    if (bind_record(L, 2) == version->views.bar && version->views.bar) {
        const struct bar *bar = &version->bar;

        indicator_push(indicator, bar->high, bar->low, bar->close);
    } else {
        struct decimal value = bind_check_decimal(L, 2);

        indicator_push(indicator, value, value, value);
    }
    return give(L, indicator);
}

static int value(lua_State *L)
{
    return give(L, check_indicator(L));
}

static int seen(lua_State *L)
{
    lua_pushnumber(L, (double)check_indicator(L)->seen);
    return 1;
}

static int make(lua_State *L, enum indicator_kind kind)
{
    const struct version *version = bind_host(L);
    int period = (int)bind_check_integer(L, 1, 1, INDICATOR_PERIOD_MAX);
    struct decimal factor = decimal_int(1);
    struct indicator *indicator;

    if (makers[kind].has_factor)
        factor = bind_check_decimal(L, 2);
    bind_charge(L, (uint64_t)period);
    indicator = align(bind_new(L, version->indicator_type, indicator_size(kind, period) + 15));
    indicator_init(indicator, kind, period, factor);
    return 1;
}

#define MAKER(name, kind)                                                                          \
    static int make_##name(lua_State *L)                                                           \
    {                                                                                              \
        return make(L, kind);                                                                      \
    }
MAKER(sma, INDICATOR_SMA)
MAKER(ema, INDICATOR_EMA)
MAKER(rma, INDICATOR_RMA)
MAKER(highest, INDICATOR_HIGHEST)
MAKER(lowest, INDICATOR_LOWEST)
MAKER(stdev, INDICATOR_STDEV)
MAKER(roc, INDICATOR_ROC)
MAKER(er, INDICATOR_ER)
MAKER(rsi, INDICATOR_RSI)
MAKER(atr, INDICATOR_ATR)
MAKER(bollinger, INDICATOR_BOLLINGER)
MAKER(donchian, INDICATOR_DONCHIAN)
MAKER(supertrend, INDICATOR_SUPERTREND)
MAKER(adx, INDICATOR_ADX)

void ta_bind(struct version *version)
{
    static const struct bind_function methods[] = {{"push", push}, {"value", value}, {"seen", seen}};
    static const struct bind_function rows[] = {
        {"sma", make_sma},         {"ema", make_ema},           {"rma", make_rma},
        {"highest", make_highest}, {"lowest", make_lowest},     {"stdev", make_stdev},
        {"roc", make_roc},         {"er", make_er},             {"rsi", make_rsi},
        {"atr", make_atr},         {"bollinger", make_bollinger}, {"donchian", make_donchian},
        {"supertrend", make_supertrend}, {"adx", make_adx}};

    version->indicator_type = bind_type(version->box, "indicator", methods,
                                        sizeof methods / sizeof *methods, version);
    bind_library(version->box, "ta", rows, sizeof rows / sizeof *rows, version);
}
