/* What authors are told before anything runs: names that plain Lua has and boxes have not. */
#include "script/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char said[1000];

static void keep(void *context, int line, const char *name, const char *advice) {
    (void)context;
    size_t used = strlen(said);
    assert_true(strlen(advice) > 5);
    snprintf(said + used, sizeof said - used, "%d %s;", line, name);
}

static void assert_advice(const char *text, const char *wanted) {
    said[0] = '\0';
    (void)sandbox_advise(text, strlen(text), keep, NULL);
    assert_string_equal(said, wanted);
}

static void uses_are_named_with_their_line(void **state) {
    (void)state;
    assert_advice("local t = os.time()", "1 os.time;");
    assert_advice("local x = 1\nreturn f(os.clock())", "2 os.clock;");
    assert_advice("local ok = xpcall(f, g)\n\n\ncoroutine.wrap(f)", "4 coroutine;1 xpcall;");
    assert_advice("io.open('x'):read() os.remove('y')", "1 io;1 os;");
    assert_advice("math.randomseed(1) table.getn(t) string.dump(f)",
                  "1 math.randomseed;1 string.dump;1 table.getn;");
    assert_advice("return load('return 1')()", "1 load;");
    assert_advice("_G.x = 1", "1 _G;");
    assert_advice("", "");
    assert_advice("os", "");
    assert_advice("os.", "1 os;");
}

static void what_only_looks_like_a_use_is_not(void **state) {
    (void)state;
    assert_advice("-- os.time() and io.open()\nreturn 'os.time()' .. [[io.open]]", "");
    assert_advice("--[==[ os.time() ]==] local x = \"debug.x\"", "");
    assert_advice("return t.os.time(), t.load(1), t:load(2), t.io", "");
    assert_advice("local t = { os = 1, load = 2, io = f }", "");
    assert_advice("local load = require 'loader' return load(1)", "");
    assert_advice("local function load(x) return x end return load(1)", "");
    assert_advice("return function(a, os) return os.time end", "");
    assert_advice("for os, io in pairs(t) do os.x(io.y) end", "");
    assert_advice("return math.max(1), table.concat(t), string.rep('x', 2)", "");
}

static void broken_texts_end(void **state) {
    (void)state;
    assert_advice("'", "");
    assert_advice("[[", "");
    assert_advice("--[[", "");
    assert_advice("\\ \1 \xff os.time", "1 os.time;");
    assert_advice("0x", "");
    assert_advice("'\\", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uses_are_named_with_their_line),
        cmocka_unit_test(what_only_looks_like_a_use_is_not),
        cmocka_unit_test(broken_texts_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
