/* The global `ta`: indicators for scripts. ta.atr(14) makes one, :push(bar) feeds it and gives its
 * values (nil until there are enough bars), :value() gives the last ones again.
 *
 * Indicators are the host's memory, freed with the version (scripts have no finalisers), so their
 * sum is capped. */
#include "policy/inner.h"

#include "trade/indicator.h"

#define BYTES_MAX (4 << 20) /* all indicators of one version */
#define PERIOD_MAX 1000

enum kind {
    SMA,
    EMA,
    RMA,
    HIGHEST,
    LOWEST,
    STDEV,
    ROC,
    ER,
    RSI,
    ATR,
    BOLLINGER,
    DONCHIAN,
    SUPERTREND,
    ADX
};

struct indicator {
    struct indicator *next; /* of the version's */
    enum kind kind;
    uint32_t results;
    int64_t seen;
    bool due;              /* out[0] is what was fed, once somebody asks for it */
    struct decimal out[3]; /* bad: not yet */
    struct decimal factor;
    union {
        struct sma sma;
        struct ema ema;
        struct wilder wilder;
        struct extreme extreme;
        struct deviation deviation;
        struct roc roc;
        struct efficiency efficiency;
        struct rsi rsi;
        struct atr atr;
        struct {
            struct sma mean;
            struct deviation deviation;
        } bollinger;
        struct donchian donchian;
        struct supertrend supertrend;
        struct adx adx;
    } of;
};

static void start(struct indicator *in, uint32_t period)
{
    switch (in->kind) {
    case SMA:
        sma_init(&in->of.sma, period);
        break;
    case EMA:
        ema_init(&in->of.ema, period);
        break;
    case RMA:
        wilder_init(&in->of.wilder, period);
        break;
    case HIGHEST:
        highest_init(&in->of.extreme, period);
        break;
    case LOWEST:
        lowest_init(&in->of.extreme, period);
        break;
    case STDEV:
        deviation_init(&in->of.deviation, period);
        break;
    case ROC:
        roc_init(&in->of.roc, period);
        break;
    case ER:
        efficiency_init(&in->of.efficiency, period);
        break;
    case RSI:
        rsi_init(&in->of.rsi, period);
        break;
    case ATR:
        atr_init(&in->of.atr, period);
        break;
    case BOLLINGER:
        sma_init(&in->of.bollinger.mean, period);
        deviation_init(&in->of.bollinger.deviation, period);
        break;
    case DONCHIAN:
        donchian_init(&in->of.donchian, period);
        break;
    case SUPERTREND:
        supertrend_init(&in->of.supertrend, period, in->factor);
        break;
    case ADX:
        adx_init(&in->of.adx, period);
        break;
    }
}

static void stop(struct indicator *in)
{
    switch (in->kind) {
    case SMA:
        sma_free(&in->of.sma);
        break;
    case HIGHEST:
    case LOWEST:
        extreme_free(&in->of.extreme);
        break;
    case STDEV:
        deviation_free(&in->of.deviation);
        break;
    case ROC:
        roc_free(&in->of.roc);
        break;
    case ER:
        efficiency_free(&in->of.efficiency);
        break;
    case BOLLINGER:
        sma_free(&in->of.bollinger.mean);
        deviation_free(&in->of.bollinger.deviation);
        break;
    case DONCHIAN:
        donchian_free(&in->of.donchian);
        break;
    default:
        break; /* no window */
    }
}

static void feed_bollinger(struct indicator *in, struct decimal close)
{
    struct decimal mean = sma_push(&in->of.bollinger.mean, close);
    struct decimal width =
        decimal_mul(deviation_push(&in->of.bollinger.deviation, close), in->factor);

    in->out[0] = mean;
    in->out[1] = decimal_add(mean, width);
    in->out[2] = decimal_sub(mean, width);
}

/* A breakout is measured against the bars before: what was known when this bar began. */
static void feed_donchian(struct indicator *in, const struct bar *bar)
{
    struct donchian_value next = donchian_push(&in->of.donchian, bar->high, bar->low);

    in->out[0] = in->out[2];
    in->out[1] = in->factor;
    in->out[2] = next.upper;
    in->factor = next.lower;
}

static void feed_adx(struct indicator *in, const struct bar *bar)
{
    struct adx_value next = adx_push(&in->of.adx, bar->high, bar->low, bar->close);

    in->out[0] = next.adx;
    in->out[1] = next.plus;
    in->out[2] = next.minus;
}

static void feed(struct indicator *in, const struct bar *bar)
{
    in->seen++;
    switch (in->kind) {
    case SMA:
        in->out[0] = sma_push(&in->of.sma, bar->close);
        break;
    case EMA:
        in->out[0] = ema_push(&in->of.ema, bar->close);
        break;
    case RMA:
        in->out[0] = wilder_push(&in->of.wilder, bar->close);
        break;
    case HIGHEST:
        in->out[0] = extreme_push(&in->of.extreme, bar->high);
        break;
    case LOWEST:
        in->out[0] = extreme_push(&in->of.extreme, bar->low);
        break;
    case STDEV:
        in->out[0] = deviation_push(&in->of.deviation, bar->close);
        break;
    case ROC:
        in->out[0] = roc_push(&in->of.roc, bar->close);
        break;
    case ER:
        in->due = efficiency_feed(&in->of.efficiency, bar->close);
        in->out[0] = decimal_bad();
        break;
    case RSI:
        in->due = rsi_feed(&in->of.rsi, bar->close);
        in->out[0] = decimal_bad();
        break;
    case ATR:
        in->out[0] = atr_push(&in->of.atr, bar->high, bar->low, bar->close);
        break;
    case BOLLINGER:
        feed_bollinger(in, bar->close);
        break;
    case DONCHIAN:
        feed_donchian(in, bar);
        break;
    case SUPERTREND:
        in->out[0] = supertrend_push(&in->of.supertrend, bar->high, bar->low, bar->close);
        break;
    case ADX:
        feed_adx(in, bar);
        break;
    }
}

/* Divisions are dear, and on most bars nobody looks at what they give. */
static void work_out(struct indicator *in)
{
    if (!in->due)
        return;
    in->due = false;
    in->out[0] = in->kind == RSI ? rsi_value(&in->of.rsi) : efficiency_value(&in->of.efficiency);
}

/* One type for all kinds: a method reads the kind from the object. */
static struct indicator *check_fed(lua_State *L)
{
    const struct version *version = bind_host(L);

    return *(struct indicator **)bind_check(L, 1, version->indicator_type);
}

static struct indicator *check_indicator(lua_State *L)
{
    struct indicator *in = check_fed(L);

    work_out(in);
    return in;
}

/* The place-th value, from 0. */
static void push_value(lua_State *L, const struct indicator *in, uint32_t place)
{
    if (!decimal_ok(in->out[0]))
        lua_pushnil(L);
    else if (in->kind == SUPERTREND && place == 1)
        lua_pushboolean(L, in->of.supertrend.direction > 0);
    else if (in->kind == SUPERTREND && place == 2)
        bind_push_decimal(L, in->of.supertrend.atr.range.value);
    else
        bind_push_decimal(L, in->out[place]);
}

static int give(lua_State *L, const struct indicator *in)
{
    if (!decimal_ok(in->out[0])) {
        lua_pushnil(L);
        return 1;
    }
    for (uint32_t i = 0; i < in->results; i++)
        push_value(L, in, i);
    return (int)in->results;
}

/* What feeds: the bar being fed, or one number as open, high, low and close. */
static const struct bar *check_bar(lua_State *L, int index, const struct version *version,
                                   struct bar *made)
{
    const struct sandbox_record *record = bind_record(L, index);

    if (record && record == version->views.bar)
        return &version->bar;
    made->open = made->high = made->low = made->close = bind_check_decimal(L, index);
    return made;
}

static struct indicator *take(lua_State *L)
{
    struct indicator *in = check_fed(L);
    struct bar made UNSET;

    feed(in, check_bar(L, 2, bind_host(L), &made));
    return in;
}

static int push(lua_State *L)
{
    struct indicator *in = take(L);

    work_out(in);
    return give(L, in);
}

/* Values that nobody reads need not become Lua's. */
static int feed_only(lua_State *L)
{
    take(L);
    return 0;
}

/* ta.feed(bar, indicator...): one call for all of them. */
static int feed_all(lua_State *L)
{
    const struct version *version = bind_host(L);
    struct bar made UNSET;
    const struct bar *bar = check_bar(L, 1, version, &made);
    int count = lua_gettop(L);

    for (int i = 2; i <= count; i++)
        feed(*(struct indicator **)bind_check(L, i, version->indicator_type), bar);
    return 0;
}

static int value(lua_State *L)
{
    const struct indicator *in = check_indicator(L);

    if (lua_isnoneornil(L, 2))
        return give(L, in);
    push_value(L, in, (uint32_t)bind_check_integer(L, 2, 1, in->results) - 1);
    return 1;
}

/* Asking makes no decimal: most bars only ask, and get no for an answer. */
#define COMPARISON(name, operator)                                                                 \
    static int name(lua_State *L)                                                                  \
    {                                                                                              \
        const struct decimal is = check_indicator(L)->out[0], other = bind_check_decimal(L, 2);    \
                                                                                                   \
        lua_pushboolean(L, decimal_ok(is) && is.units operator other.units);                       \
        return 1;                                                                                  \
    }
COMPARISON(above, >)
COMPARISON(at_least, >=)
COMPARISON(below, <)
COMPARISON(at_most, <=)

static int seen(lua_State *L)
{
    lua_pushnumber(L, (double)check_indicator(L)->seen);
    return 1;
}

static int make(lua_State *L, enum kind kind, uint32_t results, bool has_factor)
{
    struct version *version = bind_host(L);
    uint32_t period = (uint32_t)bind_check_integer(L, 1, 1, PERIOD_MAX);
    struct decimal factor = has_factor ? bind_check_decimal(L, 2) : decimal_bad();
    size_t bytes =
        sizeof(struct indicator) + period * 2 * (sizeof(struct decimal) + sizeof(uint64_t));
    struct indicator *in, **slot;

    if (has_factor && (decimal_sign(factor) <= 0 || decimal_gt(factor, decimal_int(100))))
        return luaL_error(L, "argument 2 must be above 0 and at most 100");
    if (version->indicator_bytes + bytes > BYTES_MAX)
        return luaL_error(L,
                          "this strategy makes too many indicators: make them once, in start(f)");
    bind_charge(L, period);
    slot = bind_new(L, version->indicator_type, sizeof in);
    *slot = in = mem_alloc(sizeof *in);
    in->kind = kind;
    in->results = results;
    in->factor = factor;
    in->out[0] = in->out[1] = in->out[2] = decimal_bad();
    start(in, period);
    in->next = version->indicators;
    version->indicators = in;
    version->indicator_bytes += bytes;
    return 1;
}

void ta_free(struct version *version)
{
    while (version->indicators) {
        struct indicator *in = version->indicators;

        version->indicators = in->next;
        stop(in);
        mem_free(in);
    }
}

#define MAKER(name, kind, results, has_factor)                                                     \
    static int make_##name(lua_State *L)                                                           \
    {                                                                                              \
        return make(L, kind, results, has_factor);                                                 \
    }
MAKER(sma, SMA, 1, false)
MAKER(ema, EMA, 1, false)
MAKER(rma, RMA, 1, false)
MAKER(highest, HIGHEST, 1, false)
MAKER(lowest, LOWEST, 1, false)
MAKER(stdev, STDEV, 1, false)
MAKER(roc, ROC, 1, false)
MAKER(er, ER, 1, false)
MAKER(rsi, RSI, 1, false)
MAKER(atr, ATR, 1, false)
MAKER(bollinger, BOLLINGER, 3, true)
MAKER(donchian, DONCHIAN, 2, false)
MAKER(supertrend, SUPERTREND, 3, true)
MAKER(adx, ADX, 3, false)

#define COMPARED "(other: decimal|number): boolean"
static const struct bind_function methods[] = {
    {"push", push, "(bar: bar|decimal|number): decimal?, any, any"},
    {"feed", feed_only,
     "(bar: bar|decimal|number)\n"
     "As push without giving the values: cheaper where they are read only now and then."},
    {"value", value,
     "(which?: integer): decimal?, any, any\n"
     "All of them, or the one at the place `which`."},
    {"above", above, COMPARED "\nFalse until it is warm, as the other comparisons are."},
    {"at_least", at_least, COMPARED},
    {"below", below, COMPARED},
    {"at_most", at_most, COMPARED},
    {"seen", seen, "(): integer"},
};

#define SIGNATURE "(length: integer): indicator"
static const struct bind_function makers[] = {
    {"sma", make_sma, SIGNATURE},
    {"ema", make_ema, SIGNATURE},
    {"rma", make_rma, SIGNATURE},
    {"highest", make_highest, SIGNATURE "\nHighest high, this bar included."},
    {"lowest", make_lowest, SIGNATURE "\nLowest low, this bar included."},
    {"stdev", make_stdev, SIGNATURE},
    {"roc", make_roc, SIGNATURE "\nPercent."},
    {"er", make_er, SIGNATURE "\nKaufman's efficiency ratio, 0 to 1."},
    {"rsi", make_rsi, SIGNATURE},
    {"atr", make_atr, SIGNATURE},
    {"bollinger", make_bollinger,
     "(length: integer, width: decimal|number): indicator\n"
     "push gives middle, upper, lower."},
    {"donchian", make_donchian, SIGNATURE "\npush gives upper, lower of the bars before this one."},
    {"supertrend", make_supertrend,
     "(length: integer, factor: decimal|number): indicator\n"
     "push gives line, up (boolean), atr."},
    {"adx", make_adx, SIGNATURE "\npush gives adx, +DI, -DI."},
    {"feed", feed_all,
     "(bar: bar|decimal|number, ...: indicator)\n"
     "Feeds them all: one call is cheaper than one for each."},
};

void ta_bind(struct version *version)
{
    version->indicator_type =
        bind_type(version->box, "indicator", methods, sizeof methods / sizeof *methods, version);
    bind_about(version->box, "An indicator: feed it the bar being handled (or one number), get its "
                             "values; nil until warm.");
    bind_library(version->box, "ta", makers, sizeof makers / sizeof *makers, version);
}
