/* The sandbox as a host uses it: life, loading, calls, values, limits, failures, usage. */
#include "script/sandbox.h"

#include "base/decimal.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const sandbox_units one = 1000000000000;

static int load(struct sandbox *box, const char *text) {
    int ref;
    if (!sandbox_load(box, text, strlen(text), "script.lua", &ref)) {
        print_error("load: %s\n", sandbox_failure(box)->text);
        fail();
    }
    return ref;
}

static enum sandbox_end ending(struct sandbox *box, const char *text) {
    int ref;
    if (sandbox_load(box, text, strlen(text), "script.lua", &ref)) {
        sandbox_unref(box, ref);
        return SANDBOX_OK;
    }
    return sandbox_failure(box)->end;
}

/* Runs `return <expression>` and gives what tostring says of it, or the error. */
static const char *eval(struct sandbox *box, const char *expression) {
    static char text[2048];
    int ref;
    snprintf(text, sizeof text, "return tostring(%s)", expression);
    if (!sandbox_load(box, text, strlen(text), "eval.lua", &ref)) {
        snprintf(text, sizeof text, "%s", sandbox_failure(box)->text);
        return text;
    }
    struct sandbox_value value;
    sandbox_peek(box, ref, &value);
    snprintf(text, sizeof text, "%s", value.text ? value.text : "?");
    sandbox_unref(box, ref);
    return text;
}

#define assert_eval(expression, expected) assert_string_equal(eval(box, expression), expected)
#define assert_says(expression, part)                                                              \
    do {                                                                                           \
        const char *answer = eval(box, expression);                                                \
        if (!strstr(answer, part)) {                                                               \
            print_error("%s\n  says: %s\n  not:  %s\n", expression, answer, part);                 \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

static void a_call_takes_and_gives_typed_values(void **state) {
    (void)state;
    struct sandbox *box = sandbox_new(NULL);
    int ref = load(box, "return function(...) return ... end");
    sandbox_start(box, ref);
    sandbox_push_nil(box);
    sandbox_push_boolean(box, true);
    sandbox_push_integer(box, 42);
    sandbox_push_integer(box, INT64_MAX);
    sandbox_push_number(box, 0.5);
    sandbox_push_decimal(box, one * 5 / 4);
    sandbox_push_text(box, "a\0b", 3);
    assert_true(sandbox_run(box));
    assert_int_equal(sandbox_results(box), 7);
    struct sandbox_value value;
    sandbox_result(box, 0, &value);
    assert_int_equal(value.type, SANDBOX_NIL);
    sandbox_result(box, 1, &value);
    assert_true(value.type == SANDBOX_BOOLEAN && value.boolean);
    sandbox_result(box, 2, &value);
    assert_true(value.type == SANDBOX_INTEGER && value.integer == 42);
    sandbox_result(box, 3, &value);
    assert_true(value.type == SANDBOX_DECIMAL && value.units == (sandbox_units)INT64_MAX * one);
    sandbox_result(box, 4, &value);
    assert_int_equal(value.type, SANDBOX_NUMBER);
    sandbox_units units;
    assert_true(sandbox_value_units(&value, &units) && units == one / 2);
    sandbox_result(box, 5, &value);
    assert_true(value.type == SANDBOX_DECIMAL && value.units == one * 5 / 4);
    sandbox_result(box, 6, &value);
    assert_true(value.type == SANDBOX_TEXT && value.length == 3 &&
                memcmp(value.text, "a\0b", 3) == 0);
    sandbox_result(box, 7, &value);
    assert_int_equal(value.type, SANDBOX_NIL);
    sandbox_free(box);
}

static void numbers_that_are_none_are_not_numbers(void **state) {
    (void)state;
    struct sandbox *box = sandbox_new(NULL);
    int ref = load(box, "return function() return 0/0, 1/0, -1/0, 1/3, 2^53, 2^53 + 2, -0 end");
    sandbox_start(box, ref);
    assert_true(sandbox_run(box));
    const enum sandbox_type expected[] = {SANDBOX_OTHER,  SANDBOX_OTHER,   SANDBOX_OTHER,
                                          SANDBOX_NUMBER, SANDBOX_INTEGER, SANDBOX_NUMBER,
                                          SANDBOX_INTEGER};
    for (unsigned i = 0; i < 7; i++) {
        struct sandbox_value value;
        sandbox_units units;
        sandbox_result(box, i, &value);
        assert_int_equal(value.type, expected[i]);
        assert_int_equal(sandbox_value_units(&value, &units), expected[i] == SANDBOX_INTEGER);
    }
    sandbox_free(box);
}

static void tables_are_read_raw(void **state) {
    (void)state;
    struct sandbox *box = sandbox_new(NULL);
    int ref = load(
        box,
        "local evil = function() error('ran') end\n"
        "return setmetatable({gates = {{name = 'age', check = function() end}}, [2] = 'b',\n"
        "  limits = {most = decimal('1.5')}}, {__index = evil, __len = evil, __newindex = evil})");
    struct sandbox_value root, value, inner, key;
    sandbox_peek(box, ref, &root);
    assert_int_equal(root.type, SANDBOX_TABLE);
    sandbox_field(box, &root, "absent", &value);
    assert_int_equal(value.type, SANDBOX_NIL);
    sandbox_field(box, &root, "gates", &value);
    assert_int_equal(sandbox_length(box, &value), 1);
    sandbox_element(box, &value, 1, &inner);
    sandbox_field(box, &inner, "name", &value);
    assert_string_equal(value.text, "age");
    sandbox_field(box, &root, "limits", &inner);
    sandbox_field(box, &inner, "most", &value);
    assert_true(value.units == one * 3 / 2);
    int walk = 0, seen = 0;
    while (sandbox_next(box, &root, &walk, &key, &value)) seen++;
    assert_int_equal(seen, 3);
    sandbox_field(box, &value, "none", &inner); /* not a table: nothing */
    assert_int_equal(inner.type, SANDBOX_NIL);
    int check = sandbox_find(box, ref, "gates[1].check");
    assert_true(check > 0);
    assert_int_equal(sandbox_find(box, ref, "gates[2].check"), 0);
    assert_int_equal(sandbox_find(box, ref, "gates[x"), 0);
    sandbox_start(box, check);
    assert_true(sandbox_run(box));
    sandbox_start(box, ref); /* a table is no function */
    assert_false(sandbox_run(box));
    assert_int_equal(sandbox_failure(box)->end, SANDBOX_MISUSE);
    sandbox_free(box);
}

static void a_failure_says_where(void **state) {
    (void)state;
    struct sandbox *box = sandbox_new(NULL);
    int ref = load(box, "local function inner(t)\n    return t.price.high\nend\n"
                        "return function(t) local x = inner(t) return x end");
    sandbox_start(box, ref);
    assert_true(sandbox_results(box) == 0);
    sandbox_push_text(box, "x", 1);
    assert_false(sandbox_run(box));
    const struct sandbox_failure *failure = sandbox_failure(box);
    assert_int_equal(failure->end, SANDBOX_FAILED);
    assert_string_equal(failure->file, "script.lua");
    assert_int_equal(failure->line, 2);
    assert_string_equal(failure->source, "return t.price.high");
    assert_non_null(strstr(failure->text, "script.lua:2: attempt to index field 'price'"));
    assert_non_null(strstr(failure->trace, "script.lua:2 in inner"));
    assert_non_null(strstr(failure->trace, "script.lua:4"));
    int none;
    assert_false(sandbox_load(box, "x = = 1", 7, "broken.lua", &none));
    assert_int_equal(sandbox_failure(box)->end, SANDBOX_SYNTAX);
    assert_int_equal(sandbox_failure(box)->line, 1);
    assert_string_equal(sandbox_failure(box)->file, "broken.lua");
    assert_false(sandbox_compiles(box, "\33LJ\2", 4, "bytes.lua"));
    assert_int_equal(ending(box, "error({code = 7})"), SANDBOX_FAILED);
    assert_int_equal(ending(box, "error()"), SANDBOX_FAILED);
    assert_int_equal(ending(box, "error({message = 'said'})"), SANDBOX_FAILED);
    assert_non_null(strstr(sandbox_failure(box)->text, "script.lua:1: said"));
    sandbox_free(box);
}

static void every_limit_ends_a_call_and_leaves_the_box_usable(void **state) {
    (void)state;
    struct sandbox *box =
        sandbox_new(&(struct sandbox_limits){.instructions = 200000, .wall_ms = 5000});
    assert_int_equal(ending(box, "while true do end"), SANDBOX_INSTRUCTIONS);
    const struct sandbox_failure *failure = sandbox_failure(box);
    assert_string_equal(failure->file, "script.lua");
    assert_int_equal(failure->line, 1);
    assert_non_null(strstr(failure->text, "200000 instructions"));
    assert_int_equal(ending(box, "while true do pcall(function() while true do end end) end"),
                     SANDBOX_INSTRUCTIONS);
    sandbox_set_limits(box, &(struct sandbox_limits){.wall_ms = 2000});
    assert_int_equal(ending(box, "local s = 'x' while true do s = s .. s end"), SANDBOX_MEMORY);
    assert_int_equal(sandbox_failure(box)->line, 1);
    assert_int_equal(ending(box, "local t = {} while true do t[#t + 1] = {} end"), SANDBOX_MEMORY);
    assert_int_equal(
        ending(box, "pcall(function() local s = 'x' while true do s = s .. s end end)"),
        SANDBOX_MEMORY);
    assert_int_equal(ending(box, "while true do print('hello') end"), SANDBOX_OUTPUT);
    assert_int_equal(ending(box, "local function f() return 1 + f() end f()"), SANDBOX_FAILED);
    assert_int_equal(ending(box, "local function f() pcall(f) end f()"), SANDBOX_OK);
    assert_eval("1 + 1", "2");
    sandbox_set_limits(box, &(struct sandbox_limits){.instructions = UINT64_MAX / 2, .wall_ms = 5});
    assert_int_equal(ending(box, "while true do end"), SANDBOX_TIME);
    struct sandbox_usage usage;
    sandbox_usage(box, &usage);
    assert_true(usage.wall_us.current >= 5000 && usage.wall_us.current < 5000000);
    assert_int_equal(usage.wall_us.limit, 5000);
    assert_int_equal(usage.kills, 7);
    assert_true(usage.memory_bytes.current < 4400000 && usage.memory_bytes.maximum > 4000000);
    assert_true(usage.depth.maximum >= 99);
    sandbox_free(box);
}

static void equal_calls_are_killed_at_the_same_point(void **state) {
    (void)state;
    const char *text =
        "local n, t = 0, {}\nlocal s = {n = function() return n end}\n"
        "s.run = function() while true do n = n + 1 t[n % 50] = {n} local a = ('x'):rep(n % 9)\n"
        "pcall(error, a) a = a:gsub('x', 'yy') end end return s";
    double counts[3];
    for (int i = 0; i < 3; i++) {
        struct sandbox *box =
            sandbox_new(&(struct sandbox_limits){.instructions = 300000, .wall_ms = 10000});
        int ref = load(box, text);
        sandbox_start(box, sandbox_find(box, ref, "run"));
        assert_false(sandbox_run(box));
        assert_int_equal(sandbox_failure(box)->end, SANDBOX_INSTRUCTIONS);
        sandbox_start(box, sandbox_find(box, ref, "n"));
        assert_true(sandbox_run(box));
        struct sandbox_value value;
        sandbox_result(box, 0, &value);
        counts[i] = value.number;
        sandbox_free(box);
    }
    assert_true(counts[0] > 100 && counts[0] == counts[1] && counts[1] == counts[2]);
}

static void short_fractions_are_exact_numbers(void **state) {
    (void)state;
    struct sandbox *box = sandbox_new(NULL);
    assert_eval("decimal(0.1) + 0.2", "0.3");
    assert_eval("decimal(45123.45) * 1.02", "46025.919");
    assert_eval("decimal(123456789.125)", "123456789.125");
    assert_eval("decimal(1e-12)", "0.000000000001");
    assert_eval("decimal(-0.5):abs()", "0.5");
    assert_says("decimal(0.1 + 0.2)", "0.30000000000000004 is not exact: write decimal");
    assert_says("decimal(1) / 3 * (1/3)", "is not exact");
    assert_says("decimal(1e-13)", "is not exact");
    assert_says("decimal(1) + '2'", "is a text: write decimal(...) around it");
    assert_says("decimal(1) < 2", "compares with < only to a decimal");
    assert_eval("decimal(1):lt(2)", "true");
    assert_eval("decimal('2.50') == decimal(2.5)", "true");
    assert_eval("decimal(7):div(2, 'floor')", "3.5");
    assert_eval("decimal('7.25'):round(decimal('0.5'))", "7");
    assert_eval("decimal('7.26'):round(0.5)", "7.5");
    assert_eval("decimal('7.26'):floor():int() + 1", "8");
    assert_eval("decimal('-7.26') % 5", "2.74");
    assert_eval("'at ' .. decimal('1.50') .. '!'", "at 1.5!");
    assert_says("decimal(1) / 0", "division by zero");
    assert_says("decimal('1.5'):int()", "1.5 is not a whole number");
    assert_eval("decimal.muldiv(decimal(10), 3, 4)", "7.5");
    assert_eval("decimal.max(1, decimal('1.5'), 0)", "1.5");
    sandbox_free(box);
}

static void *cancel_soon(void *box) {
    poll(NULL, 0, 5);
    sandbox_cancel(box);
    return NULL;
}

/* A bit of everything that allocates, calls back or holds state of its own. */
static const char workload[] =
    "local function work()\n"
    "  local t = {} for i = 1, 30 do t[i] = {k = 'v' .. i, d = decimal(i) / 7} end\n"
    "  table.sort(t, function(a, b) return a.d > b.d end)\n"
    "  local s = json.encode(t) local u = json.decode(s)\n"
    "  local g = s:gsub('%d+', function(x) return '<' .. x .. '>' end)\n"
    "  for w in g:gmatch('<(%d+)>') do t[w] = ('%5s|%.3f'):format(w, u[1].d) end\n"
    "  local ok, why = pcall(function() error({message = 'x'}) end)\n"
    "  local p = tostring(setmetatable({}, {__tostring = function() return g:rep(2) end}))\n"
    "  print(#p, table.concat({unpack(t)} and {s, g}, ','):sub(1, 10))\n"
    "  return require('part').n + #t\n"
    "end\n"
    "return work\n";

static struct sandbox *open_workload(int *ref) {
    static const char part[] = "local t = {} for i = 1, 50 do t[i] = {} end return {n = #t}";
    struct sandbox *box = sandbox_new(&(struct sandbox_limits){.wall_ms = 10000});
    assert_true(sandbox_add_module(box, "part", part, strlen(part), "part.lua"));
    *ref = load(box, workload);
    return box;
}

static bool works(struct sandbox *box, int ref) {
    struct sandbox_value value;
    sandbox_set_limits(box, &(struct sandbox_limits){.wall_ms = 10000});
    sandbox_start(box, ref);
    bool ok = sandbox_run(box);
    sandbox_result(box, 0, &value);
    return ok && value.integer == 80;
}

static void the_heap_may_end_at_any_allocation(void **state) {
    (void)state;
    int ref;
    struct sandbox *box = open_workload(&ref);
    size_t killed = 0;
    for (size_t extra = 0; extra < 60000; extra += 61) {
        struct sandbox_usage usage;
        sandbox_usage(box, &usage);
        sandbox_set_limits(box, &(struct sandbox_limits){
                                    .memory_bytes = usage.memory_bytes.current + extra,
                                    .wall_ms = 10000});
        sandbox_start(box, ref);
        if (!sandbox_run(box)) {
            assert_int_equal(sandbox_failure(box)->end, SANDBOX_MEMORY);
            killed++;
        }
        if (extra % 7 == 0) assert_true(works(box, ref));
    }
    assert_true(killed > 300 && works(box, ref));
    sandbox_free(box);
}

static void the_budget_may_end_at_any_instruction(void **state) {
    (void)state;
    int ref;
    struct sandbox *box = open_workload(&ref);
    assert_true(works(box, ref));
    for (uint64_t budget = 1; budget < 6000; budget += 3) {
        sandbox_set_limits(box, &(struct sandbox_limits){.instructions = budget, .wall_ms = 10000});
        sandbox_start(box, ref);
        if (!sandbox_run(box))
            assert_int_equal(sandbox_failure(box)->end, SANDBOX_INSTRUCTIONS);
        if (budget % 100 == 1) assert_true(works(box, ref));
    }
    sandbox_free(box);
}

static void another_thread_can_cancel(void **state) {
    (void)state;
    struct sandbox *box =
        sandbox_new(&(struct sandbox_limits){.instructions = UINT64_MAX / 2, .wall_ms = 60000});
    int ref = load(box, "return function() while true do end end");
    pthread_t thread;
    pthread_create(&thread, NULL, cancel_soon, box);
    sandbox_start(box, ref);
    assert_false(sandbox_run(box));
    assert_int_equal(sandbox_failure(box)->end, SANDBOX_CANCELLED);
    pthread_join(thread, NULL);
    assert_eval("1", "1");
    sandbox_free(box);
}

static void *work_alone(void *argument) {
    (void)argument;
    for (int i = 0; i < 20; i++) {
        struct sandbox *box = sandbox_new(
            &(struct sandbox_limits){.instructions = 100000, .wall_ms = 10000});
        int ref = load(
            box,
            "return function(n) local s = decimal(0) for i = 1, n do s = s + decimal('0.1') end "
            "return s end");
        sandbox_start(box, ref);
        sandbox_push_integer(box, 1000);
        struct sandbox_value value;
        bool ran = sandbox_run(box);
        sandbox_result(box, 0, &value);
        bool killed = ending(box, "while true do end") == SANDBOX_INSTRUCTIONS;
        sandbox_free(box);
        if (!ran || value.units != one * 100 || !killed) return (void *)"wrong";
    }
    return NULL;
}

static void boxes_in_two_threads_do_not_meet(void **state) {
    (void)state;
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, work_alone, NULL);
    for (int i = 0; i < 2; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
}

static void globals_are_strict_and_lock(void **state) {
    (void)state;
    struct sandbox *box = sandbox_new(NULL);
    int ref = load(
        box, "shared = 1\nfunction helper() return shared end\n"
             "return {get = function() return helper() end, set = function()\n    shared = 2 end,\n"
             "make = function() fresh = 1 end, typo = function() return helpr() end}");
    sandbox_seal(box);
    const char *const names[] = {"get", "set", "make", "typo"};
    const char *const said[] = {NULL, "script.lua:4: cannot set global 'shared'",
                                "script.lua:5: cannot set global 'fresh'",
                                "script.lua:5: variable 'helpr' is not declared"};
    for (int i = 0; i < 4; i++) {
        sandbox_start(box, sandbox_find(box, ref, names[i]));
        bool ok = sandbox_run(box);
        assert_int_equal(ok, said[i] == NULL);
        if (said[i]) assert_non_null(strstr(sandbox_failure(box)->text, said[i]));
    }
    assert_says("os.time()", "'os' is not available: a script has no clock");
    assert_says("_G", "'_G' is not available");
    assert_says("(function() string.format = nil end)()", "cannot change 'string.format'");
    assert_says("(function() math.evil = 1 end)()", "frozen");
    assert_says("rawset(string, 'format', 1)", "protected");
    assert_says("setmetatable(string, {})", "protected");
    assert_eval("getmetatable('')", "string");
    assert_eval("pcall", "function");
    assert_eval("{}", "table");
    sandbox_free(box);
}

static void require_finds_only_what_was_given(void **state) {
    (void)state;
    struct sandbox *box = sandbox_new(NULL);
    const char *good = "local m = {n = 0} function m.up() m.n = m.n + 1 return m.n end return m";
    const char *a = "return require('b')", *b = "return require('a')", *bad = "\n\nerror('no')";
    assert_true(sandbox_add_module(box, "lib.good", good, strlen(good), "lib/good.lua"));
    assert_true(sandbox_add_module(box, "a", a, strlen(a), "a.lua"));
    assert_true(sandbox_add_module(box, "b", b, strlen(b), "b.lua"));
    assert_true(sandbox_add_module(box, "bad", bad, strlen(bad), "bad.lua"));
    assert_false(sandbox_add_module(box, "a", b, strlen(b), "a.lua"));
    assert_eval("require('lib.good').up() + require('lib.good').up()", "3");
    assert_says("require('a')", "in a circle: a -> b -> a");
    assert_says("require('a')", "in a circle: a -> b -> a"); /* and again */
    assert_says("require('bad')", "bad.lua:3: no");
    assert_string_equal(sandbox_failure(box)->source, "error('no')");
    assert_says("select(2, pcall(require, 'a'), pcall(require, 'bad'))", "false");
    assert_says("require('ffi')", "there is no module 'ffi'");
    assert_says("require('/etc/passwd')", "there is no module");
    sandbox_free(box);
}

static void strings_and_tables_behave(void **state) {
    (void)state;
    struct sandbox *box = sandbox_new(NULL);
    assert_eval("('hello world'):find('o w')", "5");
    assert_eval("('hello'):find('l', 1, true)", "3");
    assert_eval("('a.b'):find('.', 2, true)", "2");
    assert_eval("('key = value'):match('^(%w+)%s*=%s*(%w+)$')", "key");
    assert_eval("select(2, ('key = value'):match('^(%w+)%s*=%s*(%w+)$'))", "value");
    assert_eval("('2026-07-21'):match('%d+$')", "21");
    assert_eval("('f(a(b)c)d'):match('%b()')", "(a(b)c)");
    assert_eval("('THE (quick) fox'):find('%((%a+)%)')", "5");
    assert_eval("('hello'):gsub('l', 'L')", "heLLo");
    assert_eval("('hello'):gsub('', '-')", "-h-e-l-l-o-");
    assert_eval("('abc'):gsub('%w', '%0%0', 2)", "aabbc");
    assert_eval("('$a $b'):gsub('%$(%w)', {a = 1, b = decimal('2.50')})", "1 2.5");
    assert_eval("('abc'):gsub('b', function() return false end)", "abc");
    assert_eval("('  x '):match('^%s*(.-)%s*$')", "x");
    assert_eval("('THE (quick) fox'):gsub('%f[%a]%a+', string.lower)", "the (quick) fox");
    assert_eval("('abab'):match('(a)(b)%1%2')", "a");
    assert_eval("('x'):match('()')", "1");
    assert_eval("('[]]'):match('[]]+')", "]]");
    assert_eval("('a-z'):match('[a%-z]+')", "a-z");
    assert_eval(
        "(function() local n = 0 for w in ('a b c'):gmatch('%a') do n = n + 1 end return n end)()",
        "3");
    assert_says("('x'):match('[')", "missing ']'");
    assert_says("('x'):match('(')", "not closed");
    assert_says("('x'):match('%')", "malformed");
    assert_eval("('%5.2f|%-5s|%05d|%x|%q'):format(1.005, 'ab', 42, 255, 'a\"b')",
                " 1.00|ab   |00042|ff|\"a\\\"b\"");
    assert_eval("('%.2f %s %d'):format(decimal('2.675'), decimal('1.10'), decimal(7))",
                "2.68 1.1 7");
    assert_eval("('%8.3f|%+.1f'):format(decimal('1.5'), decimal('2'))", "   1.500|+2.0");
    assert_says("('%p'):format({})", "%p is not available");
    assert_says("('%999d'):format(1)", "two digits");
    assert_says("('%d'):format('x')", "number expected");
    assert_says("('x'):rep(1e9)", "longer than");
    assert_eval("('ab'):rep(3)", "ababab");
    assert_eval("('x'):rep(-1)", "");
    assert_eval("table.concat({1, 'a', decimal('0.5')}, ',')", "1,a,0.5");
    assert_eval(
        "(function() local t = {1, 3} table.insert(t, 2, 2) table.insert(t, 4) table.insert(t, 1, "
        "0) "
        "return table.concat(t) .. table.remove(t) .. table.remove(t, 1) .. table.concat(t) end)()",
        "0123440123");
    assert_eval("(table.remove({}))", "nil");
    assert_says("table.insert({}, 3, 1)", "the place must be from 1 to 1");
    assert_says("table.concat({1, {}})", "element 2 is a table");
    assert_eval(
        "(function() local t = {5, 2, 8, 1} table.sort(t) return table.concat(t, ' ') end)()",
        "1 2 5 8");
    assert_eval("(function() local t = {{1, 'a'}, {0, 'b'}, {1, 'c'}, {0, 'd'}} table.sort(t, "
                "function(x, y) "
                "return x[1] < y[1] end) local s = '' for _, v in ipairs(t) do s = s .. v[2] end "
                "return s end)()",
                "bdac");
    assert_eval("(function() local t = {3, 1, 2} table.sort(t, function() return true end) return "
                "#t end)()",
                "3");
    assert_eval("type(nil) .. type(1) .. type('') .. type({}) .. type(print) .. type(true) .. "
                "type(decimal(1))",
                "nilnumberstringtablefunctionbooleandecimal");
    assert_eval("(function() local r = math.random(5) return r >= 1 and r <= 5 and math.random() < "
                "1 end)()",
                "true");
    assert_eval("setmetatable({}, {__tostring = function() return 'me' end})", "me");
    sandbox_free(box);
}

static void chance_comes_from_the_host(void **state) {
    (void)state;
    struct sandbox *a = sandbox_new(&(struct sandbox_limits){.seed = 7});
    struct sandbox *box = a;
    char first[64];
    snprintf(first, sizeof first, "%s", eval(a, "math.random(1000000)"));
    struct sandbox *b = sandbox_new(&(struct sandbox_limits){.seed = 7});
    assert_string_equal(eval(b, "math.random(1000000)"), first);
    assert_string_not_equal(eval(b, "math.random(1000000)"), first);
    sandbox_seed(a, 7);
    assert_string_equal(eval(a, "math.random(1000000)"), first);
    assert_says("math.randomseed(1)", "attempt to call");
    sandbox_free(a);
    sandbox_free(b);
}

static void output_is_kept_for_the_host(void **state) {
    (void)state;
    struct sandbox *box = sandbox_new(NULL);
    load(box, "print('a', 1, nil, decimal('2.5')) print({})");
    size_t length;
    assert_string_equal(sandbox_output(box, &length), "a\t1\tnil\t2.5\ntable\n");
    assert_int_equal(length, 18);
    sandbox_free(box);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_takes_and_gives_typed_values),
        cmocka_unit_test(numbers_that_are_none_are_not_numbers),
        cmocka_unit_test(tables_are_read_raw),
        cmocka_unit_test(a_failure_says_where),
        cmocka_unit_test(every_limit_ends_a_call_and_leaves_the_box_usable),
        cmocka_unit_test(equal_calls_are_killed_at_the_same_point),
        cmocka_unit_test(the_heap_may_end_at_any_allocation),
        cmocka_unit_test(the_budget_may_end_at_any_instruction),
        cmocka_unit_test(another_thread_can_cancel),
        cmocka_unit_test(boxes_in_two_threads_do_not_meet),
        cmocka_unit_test(globals_are_strict_and_lock),
        cmocka_unit_test(require_finds_only_what_was_given),
        cmocka_unit_test(strings_and_tables_behave),
        cmocka_unit_test(short_fractions_are_exact_numbers),
        cmocka_unit_test(chance_comes_from_the_host),
        cmocka_unit_test(output_is_kept_for_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
