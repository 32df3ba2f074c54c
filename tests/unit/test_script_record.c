/* Frozen records as scripts and hosts see them, and what bindings read of them. */
#include "script/bind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const sandbox_units one = 1000000000000;

enum { SIGNAL_ID, SIGNAL_PRICE, SIGNAL_LOTS, SIGNAL_LONG, SIGNAL_RATIO };
static const struct sandbox_field_row signal_rows[] = {
    [SIGNAL_ID] = {.name = "id", .kind = SANDBOX_KIND_TEXT},
    [SIGNAL_PRICE] = {.name = "price", .kind = SANDBOX_KIND_DECIMAL},
    [SIGNAL_LOTS] = {.name = "lots", .kind = SANDBOX_KIND_INTEGER},
    [SIGNAL_LONG] = {.name = "is_long", .kind = SANDBOX_KIND_BOOLEAN},
    [SIGNAL_RATIO] = {.name = "ratio", .kind = SANDBOX_KIND_NUMBER},
};
static const struct sandbox_shape signal_shape = {
    .name = "signal", .rows = signal_rows, .count = 5};

enum { FACTS_SIGNAL, FACTS_FILLS, FACTS_CLOSES, FACTS_NOTE };
static const struct sandbox_field_row facts_rows[] = {
    [FACTS_SIGNAL] = {.name = "signal", .kind = SANDBOX_KIND_RECORD, .shape = &signal_shape},
    [FACTS_FILLS] = {.name = "fills",
                     .kind = SANDBOX_KIND_LIST,
                     .of = SANDBOX_KIND_RECORD,
                     .shape = &signal_shape,
                     .most = 4},
    [FACTS_CLOSES] = {.name = "closes",
                      .kind = SANDBOX_KIND_LIST,
                      .of = SANDBOX_KIND_DECIMAL,
                      .most = 8},
    [FACTS_NOTE] = {.name = "note", .kind = SANDBOX_KIND_TEXT},
};
static const struct sandbox_shape facts_shape = {.name = "facts", .rows = facts_rows, .count = 4};

struct bench {
    struct sandbox *box;
    struct sandbox_record *facts, *signal, *fills, *closes;
};

static struct bench open_bench(void) {
    struct bench b = {.box = sandbox_new(NULL)};
    b.facts = sandbox_record_new(b.box, &facts_shape);
    b.signal = sandbox_child(b.facts, FACTS_SIGNAL);
    b.fills = sandbox_child(b.facts, FACTS_FILLS);
    b.closes = sandbox_child(b.facts, FACTS_CLOSES);
    sandbox_set_text(b.signal, SIGNAL_ID, "abc", 3);
    sandbox_set_decimal(b.signal, SIGNAL_PRICE, one * 5 / 2);
    sandbox_set_integer(b.signal, SIGNAL_LOTS, 3);
    sandbox_set_boolean(b.signal, SIGNAL_LONG, false);
    return b;
}

/* What tostring says of a function of the facts, or the error. */
static const char *ask(struct bench *b, const char *body) {
    static char text[1024];
    int ref;
    snprintf(text, sizeof text, "return function(f) %s end", body);
    if (!sandbox_load(b->box, text, strlen(text), "ask.lua", &ref))
        return sandbox_failure(b->box)->text;
    sandbox_start(b->box, ref);
    sandbox_push_record(b->box, b->facts);
    bool ok = sandbox_run(b->box);
    sandbox_unref(b->box, ref);
    if (!ok) return sandbox_failure(b->box)->text;
    struct sandbox_value value;
    sandbox_result(b->box, 0, &value);
    if (value.type == SANDBOX_TEXT)
        snprintf(text, sizeof text, "%s", value.text);
    else if (value.type == SANDBOX_INTEGER)
        snprintf(text, sizeof text, "%lld", (long long)value.integer);
    else if (value.type == SANDBOX_BOOLEAN)
        snprintf(text, sizeof text, "%s", value.boolean ? "true" : "false");
    else if (value.type == SANDBOX_DECIMAL)
        decimal_print((struct decimal){value.units}, text);
    else
        snprintf(text, sizeof text, "%s", sandbox_type_name(value.type));
    return text;
}

#define assert_ask(b, body, expected) assert_string_equal(ask(b, body), expected)
#define assert_asked(b, body, part) assert_non_null(strstr(ask(b, body), part))

static void fields_read_like_a_table(void **state) {
    (void)state;
    struct bench b = open_bench();
    assert_ask(&b, "return f.signal.id", "abc");
    assert_ask(&b, "return f.signal.price * 2", "5");
    assert_ask(&b, "return f.signal.lots + 1", "4");
    assert_ask(&b, "return f.signal.is_long", "false");
    assert_ask(&b, "return f.signal.ratio", "nil");
    assert_ask(&b, "return type(f) .. type(f.signal.price)", "tabledecimal");
    assert_ask(&b, "return f.signal == f.signal", "true");
    assert_asked(&b, "return f.signal.pirce", "signal has no field 'pirce'");
    assert_asked(&b, "return f[1]", "facts has no field '1'");
    assert_asked(&b, "f.signal.price = 1",
                 "ask.lua:1: cannot change 'signal.price': facts are frozen");
    assert_asked(&b, "f.closes[1] = 1", "cannot change an element of 'closes'");
    assert_asked(&b, "rawset(f, 'x', 1)", "table expected");
    assert_asked(&b, "setmetatable(f, {})", "table expected");
    assert_ask(&b, "return getmetatable(f)", "frozen");
    assert_ask(&b, "return tostring(f)", "table");
    sandbox_free(b.box);
}

static void refilling_changes_what_is_read_and_nothing_kept(void **state) {
    (void)state;
    struct bench b = open_bench();
    int ref;
    const char *text = "local before return function(f) local old = before before = f.signal.price "
                       "return old, f.signal.price, f.signal.id end";
    assert_true(sandbox_load(b.box, text, strlen(text), "keep.lua", &ref));
    for (int i = 0; i < 3; i++) {
        sandbox_set_decimal(b.signal, SIGNAL_PRICE, one * (10 + i));
        sandbox_set_text(b.signal, SIGNAL_ID, "longer than before", (size_t)(3 + i));
        sandbox_start(b.box, ref);
        sandbox_push_record(b.box, b.facts);
        assert_true(sandbox_run(b.box));
        struct sandbox_value value;
        sandbox_result(b.box, 0, &value);
        if (i > 0) assert_true(value.units == one * (9 + i));
        sandbox_result(b.box, 1, &value);
        assert_true(value.units == one * (10 + i));
        sandbox_result(b.box, 2, &value);
        assert_int_equal(value.length, 3 + i);
    }
    sandbox_set_nil(b.signal, SIGNAL_PRICE);
    assert_ask(&b, "return f.signal.price", "nil");
    sandbox_set_decimal(b.signal, SIGNAL_PRICE, one * 12);
    assert_ask(&b, "return f.signal.price", "12");
    sandbox_set_nil(b.facts, FACTS_SIGNAL);
    assert_ask(&b, "return f.signal", "nil");
    sandbox_set_shown(b.facts, FACTS_SIGNAL);
    assert_ask(&b, "return f.signal.price", "12");
    sandbox_set_integer(b.signal, SIGNAL_LOTS, INT64_MAX);
    assert_ask(&b, "return f.signal.lots", "9223372036854775807");
    sandbox_free(b.box);
}

static void lists_have_length_and_walks(void **state) {
    (void)state;
    struct bench b = open_bench();
    assert_ask(&b, "return #f.fills + #f.closes", "0");
    sandbox_set_count(b.fills, 2);
    for (uint32_t i = 0; i < 2; i++)
        sandbox_set_integer(sandbox_child(b.fills, i), SIGNAL_LOTS, 10 + i);
    sandbox_set_count(b.closes, 99);
    assert_int_equal(sandbox_count(b.closes), 8);
    sandbox_set_count(b.closes, 3);
    for (uint32_t i = 0; i < 3; i++) sandbox_set_decimal(b.closes, i, one * (100 + i));
    assert_ask(&b, "return #f.fills", "2");
    assert_ask(&b, "return f.fills[2].lots", "11");
    assert_ask(&b, "return f.fills[3]", "nil");
    assert_ask(&b, "return f.fills[0]", "nil");
    assert_ask(&b, "return f.fills[1.5]", "nil");
    assert_ask(&b, "local s = 0 for i, v in ipairs(f.fills) do s = s + i * v.lots end return s",
               "32");
    assert_ask(&b, "local s = decimal(0) for i, v in pairs(f.closes) do s = s + v * i end return s",
               "608");
    assert_ask(&b, "return table.concat(f.closes, ' ')", "100 101 102");
    assert_ask(&b, "local a, b, c, d = unpack(f.closes) return a + b + c + (d or 0)", "303");
    assert_ask(&b, "return select('#', unpack({1, 2, 3}, 2))", "2");
    assert_asked(&b, "return unpack({}, 1, 1e8)", "at most 7000 values");
    assert_ask(&b,
               "local s = '' for k, v in pairs(f.signal) do s = s .. k .. '=' .. tostring(v) .. ' "
               "' end return s",
               "id=abc price=2.5 lots=3 is_long=false ");
    assert_ask(&b, "local n = 0 for k in pairs(f) do n = n + 1 end return n", "3");
    assert_asked(&b, "local g = ipairs(f.fills) return g({}, 0)", "frozen list");
    sandbox_free(b.box);
}

static int sum(lua_State *L) {
    struct sandbox_record *list = bind_check_record(L, 1);
    int *calls = bind_host(L);
    struct decimal total = decimal_int(0), value;
    ++*calls;
    bind_charge(L, sandbox_count(list));
    for (uint32_t i = 0; i < sandbox_count(list); i++)
        if (bind_record_decimal(list, i, &value)) total = decimal_add(total, value);
    bind_push_decimal(L, decimal_add(total, bind_option_decimal(L, 2, decimal_int(0))));
    return 1;
}

static const struct bind_type *counter_type;

static int counter_new(lua_State *L) {
    int64_t *value = bind_new(L, counter_type, sizeof *value);
    *value = bind_check_integer(L, 1, 0, 100);
    return 1;
}

static int counter_up(lua_State *L) {
    int64_t *value = bind_check(L, 1, counter_type);
    lua_pushnumber(L, (double)++*value);
    return 1;
}

static void bindings_take_and_give(void **state) {
    (void)state;
    struct bench b = open_bench();
    int calls = 0;
    const struct bind_function library[] = {{"sum", sum, ""}}, methods[] = {{"up", counter_up, ""}},
                               globals[] = {{"counter", counter_new, ""}};
    bind_library(b.box, "ta", library, 1, &calls);
    bind_module(b.box, "tools", library, 1, &calls);
    counter_type = bind_type(b.box, "counter", methods, 1, NULL);
    bind_library(b.box, NULL, globals, 1, NULL);
    sandbox_set_global(b.box, "facts", b.facts);
    sandbox_seal(b.box);
    sandbox_set_count(b.closes, 2);
    sandbox_set_decimal(b.closes, 0, one);
    sandbox_set_decimal(b.closes, 1, one / 4);
    assert_ask(&b, "return ta.sum(f.closes)", "1.25");
    assert_ask(&b, "return require('tools').sum(facts.closes, 0.5)", "1.75");
    assert_int_equal(calls, 2);
    assert_asked(&b, "return ta.sum({})", "argument 1 must be one of the host's records");
    assert_asked(&b, "return ta.sum(f.closes, 'x')", "is a text: write decimal");
    assert_asked(&b, "ta.sum = nil", "cannot change 'ta.sum'");
    assert_ask(&b, "local c = counter(5) c:up() return c:up()", "7");
    assert_asked(&b, "local c = counter(5) c.up(decimal(1))", "argument 1 must be a counter");
    assert_asked(&b, "counter(1.5)", "whole number");
    assert_asked(&b, "counter(101)", "must be from");
    assert_asked(&b, "counter(1).x = 1", "a counter cannot be changed");
    assert_ask(&b, "return type(counter(1)) .. tostring(counter(1))", "countercounter");
    sandbox_free(b.box);
}

static void refilling_does_not_grow_the_heap(void **state) {
    (void)state;
    struct bench b = open_bench();
    int ref;
    const char *text = "return function(f) return f.signal.price * f.signal.lots, f.signal.id end";
    assert_true(sandbox_load(b.box, text, strlen(text), "grow.lua", &ref));
    struct sandbox_usage usage;
    uint64_t after = 0;
    for (int i = 0; i < 200000; i++) {
        char id[16];
        int length = snprintf(id, sizeof id, "id%d", i);
        sandbox_set_decimal(b.signal, SIGNAL_PRICE, one * i);
        sandbox_set_text(b.signal, SIGNAL_ID, id, (size_t)length);
        sandbox_start(b.box, ref);
        sandbox_push_record(b.box, b.facts);
        assert_true(sandbox_run(b.box));
        sandbox_usage(b.box, &usage);
        if (i == 20000) after = usage.memory_bytes.maximum;
    }
    assert_true(usage.memory_bytes.maximum <= after + after / 4);
    assert_true(usage.memory_bytes.maximum < 1000000);
    sandbox_free(b.box);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_read_like_a_table),
        cmocka_unit_test(refilling_changes_what_is_read_and_nothing_kept),
        cmocka_unit_test(lists_have_length_and_walks),
        cmocka_unit_test(bindings_take_and_give),
        cmocka_unit_test(refilling_does_not_grow_the_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
