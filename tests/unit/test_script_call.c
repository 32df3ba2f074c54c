/* Functions, constants and tables of the host, over plain values. */
#include "script/sandbox.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    unsigned calls, arguments;
    enum sandbox_type types[8];
};

static bool echo(void *host, struct sandbox_call *call) {
    struct seen *seen = host;
    seen->calls++;
    seen->arguments = sandbox_arguments(call);
    for (unsigned i = 0; i < seen->arguments; i++) {
        struct sandbox_value value;
        sandbox_argument(call, i, &value);
        if (i < 8) seen->types[i] = value.type;
        if (value.type == SANDBOX_TEXT && strcmp(value.text, "no") == 0)
            return sandbox_refuse(call, "not today");
        sandbox_answer(call, &value);
    }
    return true;
}

static struct sandbox *box_with(struct seen *seen) {
    struct sandbox *box = sandbox_new(NULL);
    struct sandbox_value pi = {.type = SANDBOX_DECIMAL, .units = 3140000000000};
    struct sandbox_value name = {.type = SANDBOX_TEXT, .text = "shop", .length = 4};
    assert_true(sandbox_set_function(box, "echo", echo, seen));
    assert_true(sandbox_set_function(box, "host.echo", echo, seen));
    assert_true(sandbox_set_constant(box, "host.pi", &pi));
    assert_true(sandbox_set_constant(box, "NAME", &name));
    return box;
}

static bool runs(struct sandbox *box, const char *text) {
    int ref;
    return sandbox_load(box, text, strlen(text), "call.lua", &ref);
}

static void assert_runs(struct sandbox *box, const char *text) {
    if (runs(box, text)) return;
    fail_msg("%s: %s", text, sandbox_failure(box)->text);
}

static void test_values_go_and_come(void **state) {
    struct seen seen = {0};
    struct sandbox *box = box_with(&seen);
    (void)state;
    assert_runs(box, "local a, b, c, d, e, f, g =\n"
                     "    echo(nil, true, 7, 0.5, decimal('1.25'), 'x\\0y', {})\n"
                     "assert(a == nil and b == true and c == 7 and d == 0.5)\n"
                     "assert(e:eq(decimal('1.25')) and f == 'x\\0y' and g == nil)\n"
                     "assert(host.echo(3) == 3 and select('#', echo()) == 0)\n");
    assert_int_equal(seen.calls, 3);
    assert_runs(box, "echo(print, {}, '')");
    assert_int_equal(seen.types[0], SANDBOX_FUNCTION);
    assert_int_equal(seen.types[1], SANDBOX_TABLE);
    assert_int_equal(seen.types[2], SANDBOX_TEXT);
    sandbox_free(box);
}

static void test_constants_are_there_and_frozen(void **state) {
    struct seen seen = {0};
    struct sandbox *box = box_with(&seen);
    (void)state;
    assert_runs(box, "assert(NAME == 'shop' and host.pi:eq(decimal('3.14')))");
    assert_false(runs(box, "host.pi = 3"));
    assert_non_null(strstr(sandbox_failure(box)->text, "frozen"));
    sandbox_free(box);
}

static void test_a_refusal_names_the_line(void **state) {
    struct seen seen = {0};
    struct sandbox *box = box_with(&seen);
    (void)state;
    assert_false(runs(box, "local x\nx = echo('no')"));
    assert_string_equal(sandbox_failure(box)->text, "call.lua:2: not today");
    assert_runs(box, "assert(not pcall(echo, 'no'))");
    assert_false(runs(box, "local t = {} for i = 1, 51 do t[i] = i end echo(unpack(t))"));
    sandbox_free(box);
}

static void test_taken_names_are_refused(void **state) {
    struct seen seen = {0};
    struct sandbox *box = box_with(&seen);
    static const char *const taken[] = {"echo",        "pairs", "string.upper", "host.pi", "host",
                                        "pairs.third", "",      "a b",          "3d",      "x.",
                                        ".x",          "a.b.c"};
    (void)state;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (sandbox_set_function(box, taken[i], echo, &seen))
            fail_msg("%s could be set", taken[i]);
        assert_int_equal(sandbox_failure(box)->end, SANDBOX_MISUSE);
    }
    assert_runs(box, "assert(host.echo(1) == 1)");
    sandbox_free(box);
}

static void test_many_calls_are_paid_for(void **state) {
    struct seen seen = {0};
    struct sandbox_limits limits = {.instructions = 20000, .wall_ms = 1000};
    struct sandbox *box = box_with(&seen);
    (void)state;
    sandbox_set_limits(box, &limits);
    assert_false(runs(box, "while true do pcall(echo, 1) end"));
    assert_int_equal(sandbox_failure(box)->end, SANDBOX_INSTRUCTIONS);
    assert_true(seen.calls > 10 && seen.calls < 2000);
    sandbox_free(box);
}

static void test_tables_are_pushed(void **state) {
    struct sandbox *box = sandbox_new(NULL);
    const char *text = "return function(t) return t.item .. #t.list .. t.list[2].price, t.n end";
    struct sandbox_value value;
    int function;
    (void)state;
    assert_true(sandbox_load(box, text, strlen(text), "t.lua", &function));
    for (int round = 0; round < 3; round++) {
        sandbox_start(box, function);
        sandbox_push_table(box);
        sandbox_push_text(box, "tea", 3);
        sandbox_put_field(box, "item");
        sandbox_push_table(box);
        sandbox_push_boolean(box, true);
        sandbox_put_element(box, 1);
        sandbox_push_table(box);
        assert_false(sandbox_push_decimal_text(box, "1.2.3"));
        assert_true(sandbox_push_decimal_text(box, "19.990"));
        sandbox_put_field(box, "price");
        sandbox_put_element(box, 2);
        sandbox_put_field(box, "list");
        sandbox_push_integer(box, INT64_MAX);
        sandbox_put_field(box, "n");
        assert_true(sandbox_run(box));
        sandbox_result(box, 0, &value);
        assert_string_equal(value.text, "tea219.99");
        char digits[SANDBOX_UNITS_TEXT];
        sandbox_result(box, 1, &value);
        assert_true(sandbox_value_digits(&value, digits));
        assert_string_equal(digits, "9223372036854775807");
    }
    sandbox_free(box);
}

static bool stand_still(void *host, struct sandbox_call *call) {
    (void)host;
    (void)call;
    poll(NULL, 0, 120);
    return true;
}

/* A machine with other work to do is not the script's fault; a loop without end is. */
static void test_time_without_the_processor_is_forgiven(void **state) {
    struct sandbox_limits limits = {.instructions = UINT64_MAX / 2, .wall_ms = 50};
    struct sandbox *box = sandbox_new(&limits);
    (void)state;
    assert_true(sandbox_set_function(box, "stand_still", stand_still, NULL));
    assert_runs(box, "stand_still() local n = 0 for i = 1, 3000 do n = n + i end\n"
                     "local s = ('x'):rep(1000) for i = 1, 20 do s:find('xy') end");
    assert_false(runs(box, "stand_still() while true do end"));
    assert_int_equal(sandbox_failure(box)->end, SANDBOX_TIME);
    assert_runs(box, "return 1");
    sandbox_free(box);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_go_and_come),
        cmocka_unit_test(test_constants_are_there_and_frozen),
        cmocka_unit_test(test_a_refusal_names_the_line),
        cmocka_unit_test(test_taken_names_are_refused),
        cmocka_unit_test(test_many_calls_are_paid_for),
        cmocka_unit_test(test_tables_are_pushed),
        cmocka_unit_test(test_time_without_the_processor_is_forgiven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
