/* Policies: what is refused with which sentences, what a decision gives, exits, errors, swaps,
 * roll-backs, bars. */
#include "policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define HEAD "return { name = 'demo', version = '1', instruments = {'BANK_NIFTY'},\n"

static struct policies *policies;
static struct instrument instrument;
static struct signal signal_row;
static struct portfolio portfolio;
static struct position layer;
static const struct position *layers[1] = {&layer};
static struct facts facts;
static struct str report;

static struct decimal number(const char *text)
{
    struct decimal out;

    assert_true(decimal_parse(text, strlen(text), &out, NULL));
    return out;
}

static bool load(const char *text, struct policy_version *out, struct err *err)
{
    const struct policy_source files[] = {{"strategy.lua", text, strlen(text)}};

    str_clear(&report);
    return policies_load(policies, "demo", files, 1, NULL, 0, "test", out, &report, err);
}

static void load_good(const char *text)
{
    struct policy_version row;
    struct err err = {.class = ERR_NONE};

    if (!load(text, &row, &err))
        fail_msg("%s\n%s", err.text, str_text(&report));
    assert_int_equal(row.status, POLICY_LIVE);
}

static void refuse(const char *text, const char *sentence)
{
    struct policy_version row;
    struct err err = {.class = ERR_NONE};

    assert_false(load(text, &row, &err));
    assert_int_equal(row.status, POLICY_REFUSED);
    assert_int_equal(err.class, ERR_REFUSED);
    assert_int_equal(err.code, ERR_POLICY);
    if (!strstr(str_text(&report), sentence))
        fail_msg("the report lacks: %s\n%s", sentence, str_text(&report));
}

static struct intent decide(struct str *trace)
{
    struct intent out;

    policy_decide(policies_find(policies, "demo"), &facts, &out, trace);
    return out;
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" lacks \"%s\"", text, part);
}

static void test_faults(void **state)
{
    (void)state;
    refuse("return 3", "must end in: return {");
    refuse("retrun {}", "strategy.lua:1:");
    refuse(HEAD "size = function() end,\n gatse = {} }",
           "strategy.lua:3: gatse: unknown key; did you mean \"gates\"?");
    refuse(HEAD "siez = 1 }", "size: is missing");
    refuse("return { name = 'demo',\nversion = 2, instruments = '*', size = function() end }",
           "strategy.lua:2: version: must be text, not 2");
    refuse("return { name = 'other', version = '1', instruments = '*', size = function() end }",
           "is \"other\", but the strategy is loaded as \"demo\"");
    refuse(HEAD "size = function() end,\n gates = { { name = 'a', check = function() end },\n"
                "{ name = 'a', chekc = 1 } } }",
           "strategy.lua:4: gates[1].chekc: unknown key; did you mean \"check\"?");
    has(str_text(&report), "another gate is named \"a\" too");
    has(str_text(&report), "gates[1].check: must be a function(f), not nil");
    refuse(HEAD
           "size = function() end, params = {\n risk = { type = 'decimal', min = '0.1', max = 5,\n"
           "default = '7', dok = 'x' },\n how = { type = 'choice', choices = {'a', 'b'}, default = "
           "'c' },\n"
           "n = { type = 'integer' } } }",
           "strategy.lua:4: params.risk.default: is 7, above its greatest value 5");
    has(str_text(&report), "strategy.lua:4: params.risk.dok: unknown key; did you mean \"doc\"?");
    has(str_text(&report), "strategy.lua:5: params.how.default: \"c\" is not one of the choices");
    has(str_text(&report), "strategy.lua:6: params.n: has no default");
    refuse(HEAD "size = function() end,\n size = function() end }",
           "strategy.lua:3: \"size\" is given twice");
    refuse("local x = undefined_name\n" HEAD "size = function() end }", "strategy.lua:1:");
    refuse("while true do end", "instruction");
    refuse("local f = require 'io'", "no module 'io'");
    assert_int_equal(policies_count(policies), 0);
}

static void test_params(void **state)
{
    static const char text[] =
        HEAD "params = { risk = { type = 'decimal', min = '0.1', max = '5', default = '1.50' },\n"
             "on = { type = 'boolean', default = false }, n = { type = 'integer', default = 4 },\n"
             "mode = { type = 'choice', choices = {'a','b'}, default = 'a' } },\n"
             "size = function(f) return { quantity = params.n,\n"
             "numbers = { risk = params.risk, on = params.on, mode = params.mode } } end }";
    const struct policy_source files[] = {{"strategy.lua", text, sizeof text - 1}};
    const struct policy_params given[] = {{"risk", "2.5"}, {"on", "true"}, {"mode", "b"}};
    const struct policy_params wrong[] = {
        {"rsik", "1"}, {"risk", "9"}, {"n", "1.5"}, {"on", "yes"}};
    struct policy_version row, other;
    struct str trace = STR_EMPTY;
    struct intent out;
    struct err err;

    (void)state;
    assert_true(policies_load(policies, "demo", files, 1, given, 3, "test", &row, &report, &err));
    out = decide(&trace);
    assert_int_equal(out.verdict, VERDICT_ACCEPT);
    assert_true(decimal_eq(out.quantity, decimal_int(4)));
    has(str_text(&trace), "\"numbers\":{\"mode\":\"b\",\"on\":true,\"risk\":\"2.5\"}");
    assert_true(policies_check(policies, "demo", files, 1, NULL, 0, &other, &report, &err));
    assert_string_not_equal(row.hash, other.hash);
    str_clear(&report);
    assert_false(policies_check(policies, "demo", files, 1, wrong, 4, &other, &report, &err));
    has(str_text(&report), "strategy demo has no parameter \"rsik\"; did you mean \"risk\"?");
    has(str_text(&report), "parameter risk is 9, above its greatest value 5");
    has(str_text(&report), "parameter n must be a whole number, not 1.5");
    has(str_text(&report), "parameter on must be true or false, not \"yes\"");
    str_free(&trace);
}

static void test_gates(void **state)
{
    struct str trace = STR_EMPTY;
    struct intent out;

    (void)state;
    load_good(HEAD "extra = { er = 'decimal', note = 'text' }, gates = {\n"
                   "{ name = 'first', check = function(f) return pass{ price = f.signal.price, er "
                   "= f.signal.extra.er } end },\n"
                   "{ name = 'second', check = function(f)\n"
                   "  if f.signal.price:gt(52000) then return reject('too dear', { price = "
                   "f.signal.price, most = 52000 }) end\n"
                   "  if f.signal.price:lt(1000) then return defer(1.5, 'wait for it') end\n"
                   "  if f.signal.price:eq(50000) then return 7 end\n"
                   "  if f.signal.price:eq(50001) then local x = nil; return x.y end\n"
                   "  return pass() end } },\n"
                   "size = function(f) return { quantity = 2, stop = f.signal.stop, limited_by = "
                   "'risk' } end }");
    signal_row.extra = "{\"er\":\"0.82\",\"other\":1}";
    out = decide(&trace);
    assert_int_equal(out.verdict, VERDICT_ACCEPT);
    assert_true(decimal_eq(out.quantity, decimal_int(2)));
    assert_true(decimal_eq(out.stop, number("51650")));
    has(str_text(&trace), "\"gates\":[{\"name\":\"first\",\"verdict\":\"pass\",\"inputs\":{\"er\":"
                          "\"0.82\",\"price\":\"52000\"}},"
                          "{\"name\":\"second\",\"verdict\":\"pass\"}]");
    has(str_text(&trace), "\"size\":{\"limited_by\":\"risk\",\"quantity\":2,\"stop\":\"51650\"}}");
    {
        struct arena arena;

        arena_init(&arena, 4096);
        assert_non_null(json_parse(&arena, str_text(&trace), trace.length, NULL, NULL));
        arena_free(&arena);
    }
    signal_row.price = number("52000.05");
    out = decide(NULL);
    assert_int_equal(out.verdict, VERDICT_REJECT);
    assert_string_equal(out.gate, "second");
    assert_string_equal(out.reason, "too dear");
    assert_false(decimal_ok(out.quantity));
    signal_row.price = number("999");
    out = decide(NULL);
    assert_int_equal(out.verdict, VERDICT_DEFER);
    assert_int_equal(out.defer_us, 1500000);
    signal_row.price = number("50000");
    out = decide(NULL);
    assert_int_equal(out.verdict, VERDICT_FAILED);
    has(out.reason, "the gate returned 7; it must end in return pass");
    signal_row.price = number("50001");
    out = decide(NULL);
    assert_int_equal(out.verdict, VERDICT_FAILED);
    has(out.reason, "strategy.lua:8:");
    str_free(&trace);
}

static void size_gives(const char *body, enum verdict verdict, const char *reason)
{
    char text[512];
    struct intent out, traced;
    struct str trace = STR_EMPTY;

    snprintf(text, sizeof text, HEAD "size = function(f) %s end }", body);
    load_good(text);
    out = decide(NULL);
    if (out.verdict != verdict)
        fail_msg("%s: verdict %d, %s", body, out.verdict, out.reason);
    has(out.reason, reason);
    traced = decide(&trace);
    if (traced.verdict != verdict || traced.quantity.units != out.quantity.units ||
        traced.stop.units != out.stop.units)
        fail_msg("%s: traced it is verdict %d, %s", body, traced.verdict, traced.reason);
    if (decimal_ok(out.stop) && verdict == VERDICT_ACCEPT)
        has(str_text(&trace), "\"size\":{\"quantity\":\"3\",\"stop\":\"");
    str_free(&trace);
}

static void test_size(void **state)
{
    (void)state;
    size_gives("return { quantity = 0, limited_by = 'margin' }", VERDICT_REJECT,
               "not one lot: limited by margin");
    size_gives("return { quantity = -1 }", VERDICT_FAILED, "negative");
    size_gives("return { quantity = 1.5 }", VERDICT_FAILED, "no multiple");
    size_gives("return { quantity = 0/0 }", VERDICT_FAILED, "exact number");
    size_gives("return { quantity = '3' }", VERDICT_FAILED, "exact number");
    size_gives("return { quantity = true }", VERDICT_FAILED, "exact number");
    size_gives("return { quantity = 1/3 }", VERDICT_FAILED, "exact number");
    size_gives("return 3", VERDICT_FAILED, "size returned 3 instead of { quantity = ... }");
    size_gives("return 3, 'x'", VERDICT_FAILED, "size returned 3 instead of { quantity = ... }");
    size_gives("return 3, f.signal.stop", VERDICT_ACCEPT, "");
    size_gives("return 1.5, f.signal.stop", VERDICT_FAILED, "no multiple");
    size_gives("return 3, -5", VERDICT_FAILED, "stop");
    size_gives("return -3, 5", VERDICT_FAILED, "negative");
    size_gives("return 1/3, 5", VERDICT_FAILED, "exact number");
    size_gives("return 0, 5", VERDICT_REJECT, "not one lot");
    size_gives("return", VERDICT_FAILED, "size returned nil");
    size_gives("return { quantity = 1, stop = -5 }", VERDICT_FAILED, "stop");
    size_gives("return { quantity = 1, kind = 'LIMIT' }", VERDICT_FAILED, "without a limit_price");
    size_gives("return { quantity = 1, kind = 'FOO' }", VERDICT_FAILED, "unknown kind");
    size_gives("return { quantity = 1, kind = 'LIMIT', limit_price = f.signal.price, tif = 'IOC' }",
               VERDICT_ACCEPT, "");
    size_gives("return reject('closed today')", VERDICT_REJECT, "closed today");
    size_gives("return setmetatable({}, { __index = function() error('no') end })", VERDICT_FAILED,
               "exact number");
    size_gives("f.signal.price = 3", VERDICT_FAILED, "strategy.lua:2:");
    size_gives("return { quantity = f.signal.pirce }", VERDICT_FAILED, "pirce");
    size_gives("while true do end", VERDICT_FAILED, "instruction");
    size_gives("local t = {} while true do t[#t+1] = {} end", VERDICT_FAILED, "");
    size_gives("leak = 1", VERDICT_FAILED, "strategy.lua:2:");
}

static void test_exits(void **state)
{
    struct intent out;

    (void)state;
    load_good(HEAD "gates = { { name = 'never', check = function() return reject('no') end } },\n"
                   "size = function() error('no') end }");
    signal_row.type = SIGNAL_EXIT;
    out = decide(NULL);
    assert_int_equal(out.verdict, VERDICT_ACCEPT);
    assert_false(decimal_ok(out.quantity));
    load_good(HEAD "size = function() end, exit_size = function(f) return { quantity = 3 } end }");
    out = decide(NULL);
    assert_true(decimal_eq(out.quantity, decimal_int(3)));
    load_good(HEAD
              "size = function() end, exit_size = function(f) return { quantity = 300 } end }");
    out = decide(NULL);
    assert_int_equal(out.verdict, VERDICT_ACCEPT);
    assert_false(decimal_ok(out.quantity));
    has(out.reason, "the whole layer is closed");
    load_good(HEAD "size = function() end, exit_size = function(f) while true do end end }");
    out = decide(NULL);
    assert_int_equal(out.verdict, VERDICT_ACCEPT);
    assert_false(decimal_ok(out.quantity));
}

static void count_change(void *ctx, struct policy *policy, const struct policy_version *version)
{
    assert_string_equal(policy_name(policy), "demo");
    has(version->reason, "of the last 100 calls failed");
    ++*(int *)ctx;
}

static void test_versions(void **state)
{
    struct policy_version first, second, back;
    struct err err;
    int changes = 0;

    (void)state;
    policies_on_change(policies, count_change, &changes);
    assert_true(load(HEAD "size = function() return { quantity = 1 } end }", &first, &err));
    assert_false(policies_rollback(policies, "demo", &back, &err));
    assert_true(load(HEAD "size = function() return { quantity = 2 } end }", &second, &err));
    assert_string_not_equal(first.hash, second.hash);
    assert_true(decimal_eq(decide(NULL).quantity, decimal_int(2)));
    assert_true(policies_rollback(policies, "demo", &back, &err));
    assert_string_equal(back.hash, first.hash);
    assert_true(decimal_eq(decide(NULL).quantity, decimal_int(1)));
    /* a broken text leaves what runs alone */
    assert_false(load("return {", &second, &err));
    assert_string_equal(policy_hash(policies_find(policies, "demo")), first.hash);
    /* one that fails too often goes back by itself */
    assert_true(load(HEAD "size = function() error('broken') end }", &second, &err));
    for (int i = 0; i < 9; i++)
        assert_int_equal(decide(NULL).verdict, VERDICT_FAILED);
    assert_int_equal(changes, 0);
    assert_int_equal(decide(NULL).verdict, VERDICT_FAILED);
    assert_int_equal(changes, 1);
    assert_true(decimal_eq(decide(NULL).quantity, decimal_int(1)));
    assert_string_equal(policy_hash(policies_find(policies, "demo")), first.hash);
}

static void test_bars(void **state)
{
    struct bar bar = {.at_us = 1000000,
                      .open = number("100"),
                      .high = number("110"),
                      .low = number("90"),
                      .close = number("105"),
                      .volume = decimal_bad()};
    struct bar_signals out;
    struct fill fill = {.price = number("105"), .quantity = number("1"), .fee = number("0")};
    struct err err;
    struct policy *policy;

    (void)state;
    load_good(
        HEAD
        "size = function() end, start = function(f) return { n = 0, sma = ta.sma(3), atr = "
        "ta.atr(2) } end,\n"
        "on_fill = function(fill, f, s) s.n = s.n + 10 end,\n"
        "on_bar = function(bar, f, s) s.n = s.n + 1; local mean = s.sma:push(bar); "
        "s.atr:push(bar)\n"
        "if s.n == 3 then return { { type = 'BASE_ENTRY', position = 'Long_1', price = mean, stop "
        "= bar.low,\n"
        "atr = s.atr:value(), note = 'n ' .. s.n }, { type = 'EXIT', position = 'ALL' } } end\n"
        "if s.n == 14 then return { { type = 'EXIT', position = 'Long_9', prize = 1 } } end end }");
    policy = policies_find(policies, "demo");
    facts.signal = NULL;
    assert_true(policy_has_on_bar(policy));
    assert_true(policy_trades(policy, "BANK_NIFTY"));
    assert_false(policy_trades(policy, "GOLD"));
    policy_warm(policy, &facts, &bar);
    assert_true(policy_on_bar(policy, &facts, &bar, &out, &err));
    assert_int_equal(out.count, 0);
    assert_true(policy_on_bar(policy, &facts, &bar, &out, &err));
    assert_int_equal(out.count, 2);
    assert_int_equal(out.list[0].type, SIGNAL_BASE_ENTRY);
    assert_string_equal(out.list[0].position, "Long_1");
    assert_true(decimal_eq(out.list[0].price, number("105")));
    assert_true(decimal_eq(out.list[0].atr, number("20")));
    assert_string_equal(out.list[0].note, "n 3");
    assert_int_equal(out.list[1].type, SIGNAL_EXIT);
    assert_string_equal(out.list[1].position, "ALL");
    policy_on_fill(policy, &facts, &fill);
    assert_false(policy_on_bar(policy, &facts, &bar, &out, &err));
    has(err.text, "no field \"prize\"");
    assert_int_equal(out.count, 0);
}

/* Feeding all at once, asking for one value and comparing say what push says. */
static void test_indicators_by_all_ways(void **state)
{
    struct bar bar = {.volume = decimal_bad()};
    struct bar_signals out;
    struct err err;

    (void)state;
    load_good(
        HEAD
        "size = function() end,\n"
        "start = function(f) local function all() return { ta.supertrend(3, 2), ta.donchian(4),\n"
        "ta.rsi(2), ta.er(2), ta.ema(3), ta.bollinger(3, 2), ta.adx(2) } end\n"
        "return { a = all(), b = all(), c = all(), n = 0 } end,\n"
        "on_bar = function(bar, f, s)\n"
        "ta.feed(bar, unpack(s.b)) ta.feed(bar, unpack(s.c)) s.n = s.n + 1\n"
        "for i, one in ipairs(s.a) do\n"
        "    local other, limit = s.b[i], decimal(50)\n"
        "    local x, y, z = one:push(bar)\n"
        "    assert(other:value() == x and other:value(1) == x, 'first of ' .. i)\n"
        "    assert(s.n % 3 > 0 or s.c[i]:value() == x, 'seldom asked ' .. i)\n"
        "    if y ~= nil then assert(other:value(2) == y, 'second of ' .. i) end\n"
        "    if z ~= nil then assert(other:value(3) == z, 'third of ' .. i) end\n"
        "    assert(other:above(limit) == (x ~= nil and x > limit), 'above ' .. i)\n"
        "    assert(other:at_least(limit) == (x ~= nil and x >= limit), 'at_least ' .. i)\n"
        "    assert(other:below(limit) == (x ~= nil and x < limit), 'below ' .. i)\n"
        "    assert(other:at_most(limit) == (x ~= nil and x <= limit), 'at_most ' .. i)\n"
        "    assert(x == nil or other:at_least(x) and other:at_most(x) and not other:above(x)\n"
        "        and not other:below(x), 'equal ' .. i)\n"
        "    assert(not pcall(other.value, other, 4), 'a fourth of ' .. i)\n"
        "end\n"
        "assert(not pcall(ta.feed, bar, 1)) end }");
    facts.signal = NULL;
    for (int i = 0; i < 40; i++) {
        bar.at_us += 1000000;
        bar.open = decimal_int(50 + i * 7 % 11);
        bar.close = decimal_int(50 + (i * 5 % 13) - 6);
        bar.high = decimal_int(70 + i % 3);
        bar.low = decimal_int(40 - i % 5);
        if (!policy_on_bar(policies_find(policies, "demo"), &facts, &bar, &out, &err))
            fail_msg("bar %d: %s", i, err.text);
    }
}

static bool feed_list(const char *list, struct bar_signals *out, struct err *err)
{
    struct bar bar = {.at_us = 1000000,
                      .open = number("100"),
                      .high = number("110"),
                      .low = number("90"),
                      .close = number("105"),
                      .volume = decimal_bad()};
    struct str text = STR_EMPTY;

    str_printf(&text, "%s size = function() end, on_bar = function(bar, f) return %s end }", HEAD,
               list);
    load_good(str_text(&text));
    str_free(&text);
    facts.signal = NULL;
    return policy_on_bar(policies_find(policies, "demo"), &facts, &bar, out, err);
}

static void test_stops_in_bars(void **state)
{
    struct bar_signals out;
    struct err err;

    (void)state;
    assert_true(feed_list("{ { type = 'STOP', position = 'Long_2', stop = bar.low },\n"
                          "{ type = 'EXIT', position = 'Long_1' },\n"
                          "{ type = 'stop', position = 'ALL', stop = 91 } }",
                          &out, &err));
    assert_int_equal(out.count, 1);
    assert_int_equal(out.stop_count, 2);
    assert_string_equal(out.stops[0].position, "Long_2");
    assert_true(decimal_eq(out.stops[0].stop, number("90")));
    assert_string_equal(out.stops[1].position, "ALL");
    assert_false(feed_list("{ { type = 'STOP', position = 'Long_2' } }", &out, &err));
    has(err.text, "a STOP's stop is an exact number above zero");
    assert_int_equal(out.stop_count, 0);
    assert_false(feed_list("{ { type = 'STOP', position = 'ALL', stop = -1 } }", &out, &err));
    assert_false(feed_list("{ { type = 'STOP', position = 'Lang_2', stop = 1 } }", &out, &err));
    has(err.text, "a STOP's position is Long_1 ... Short_6, or ALL");
    assert_false(
        feed_list("{ { type = 'STOP', position = 'ALL', stop = 1, price = 2 } }", &out, &err));
    has(err.text, "a STOP has no field \"price\"");
    assert_false(feed_list("(function() local l = {} for i = 1, 9 do\n"
                           "l[i] = { type = 'STOP', position = 'ALL', stop = 1 } end\n"
                           "return l end)()",
                           &out, &err));
    has(err.text, "at most 8 signals and 8 stops");
}

static void test_describe(void **state)
{
    struct arena arena;
    struct str json = STR_EMPTY;
    struct err err = {.class = ERR_NONE};

    (void)state;
    load_good(
        HEAD "description = 'says \"hi\"', gates = { { name = 'g', check = function() return "
             "pass() end } },\n"
             "params = { risk = { type = 'decimal', default = '1', doc = 'percent of equity' } },\n"
             "size = function() return { quantity = 1 } end }");
    decide(NULL);
    policy_describe(policies_find(policies, "demo"), &json);
    arena_init(&arena, 4096);
    const struct json *root = json_parse(&arena, str_text(&json), json.length, NULL, &err);
    if (!root)
        fail_msg("%s: %s", err.text, str_text(&json));
    assert_string_equal(json_at(root, "gates[0].passed")->text, "1");
    assert_string_equal(json_at(root, "parameters[0].value")->text, "1");
    assert_string_equal(json_at(root, "usage.memory_bytes.limit")->text, "8388608");
    arena_free(&arena);
    str_free(&json);
}

static int set_up(void **state)
{
    const struct policies_options options = {.stock_dir = "lua", .clock = clock_real()};

    (void)state;
    policies = policies_new(&options);
    instrument = (struct instrument){.name = "BANK_NIFTY",
                                     .exchange = "NSE",
                                     .lot_size = number("35"),
                                     .tick = number("0.05"),
                                     .quantity_step = number("1"),
                                     .point_value = number("35"),
                                     .margin = number("270000"),
                                     .min_quantity = number("1"),
                                     .max_quantity = number("100")};
    row_init(&tables[TABLE_SIGNAL], &signal_row);
    text_copy(signal_row.position, sizeof signal_row.position, "Long_1");
    signal_row.price = number("52000");
    signal_row.stop = number("51650");
    signal_row.atr = number("350");
    row_init(&tables[TABLE_POSITION], &layer);
    text_copy(layer.label, sizeof layer.label, "Long_1");
    layer.quantity = number("10");
    portfolio =
        (struct portfolio){.equity = number("5000000"), .blended_equity = number("5000000")};
    facts = (struct facts){.signal = &signal_row,
                           .instrument = &instrument,
                           .positions = layers,
                           .position_count = 1,
                           .portfolio = &portfolio,
                           .last_price = decimal_bad(),
                           .instrument_unrealised = decimal_bad(),
                           .now_us = 1700000000000000};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    policies_free(policies);
    str_free(&report);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_faults),        TEST(test_params),
                                       TEST(test_gates),         TEST(test_size),
                                       TEST(test_exits),         TEST(test_versions),
                                       TEST(test_bars),          TEST(test_indicators_by_all_ways),
                                       TEST(test_stops_in_bars), TEST(test_describe)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
