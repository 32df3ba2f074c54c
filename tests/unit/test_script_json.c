/* json inside the sandbox: exact numbers both ways, bounds, and messages with line and column. */
#include "script/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct sandbox *box;

static const char *run(const char *body) {
    static char text[2048];
    int ref;
    snprintf(text, sizeof text, "%s", body);
    if (!sandbox_load(box, text, strlen(text), "json.lua", &ref)) return sandbox_failure(box)->text;
    struct sandbox_value value;
    sandbox_peek(box, ref, &value);
    snprintf(text, sizeof text, "%s",
             value.type == SANDBOX_TEXT ? value.text : sandbox_type_name(value.type));
    sandbox_unref(box, ref);
    return text;
}

#define assert_run(body, expected) assert_string_equal(run(body), expected)
#define assert_says(body, part)                                                                    \
    do {                                                                                           \
        const char *said = run(body);                                                              \
        if (!strstr(said, part)) fail_msg("%s: %s", body, said);                                   \
    } while (0)

static int open_box(void **state) {
    (void)state;
    /* By the clock, a busy machine would end a call before json refuses its argument. */
    box = sandbox_new(&(struct sandbox_limits){.wall_ms = 20000});
    return 0;
}

static int close_box(void **state) {
    (void)state;
    sandbox_free(box);
    return 0;
}

static void numbers_stay_exact(void **state) {
    (void)state;
    assert_run(
        "local t = json.decode('{\"a\": 101.05, \"b\": 7, \"c\": [12345678901234567, 1e3, -0.1]}') "
        "return type(t.a) .. tostring(t.a) .. type(t.b) .. tostring(t.c[1]) .. ' ' .. "
        "tostring(t.c[2]) .. "
        "tostring(t.c[3])",
        "decimal101.05number12345678901234567 1000-0.1");
    assert_run("return tostring(json.decode('0.1') + json.decode('0.2'))", "0.3");
    assert_run("return json.encode({decimal('101.05'), 7, 123456789012345678, 0.1, -1})",
               "[101.05,7,1.2345678901234568e+17,0.1,-1]");
    assert_run("return json.encode({a = {b = decimal('1e14')}})",
               "{\"a\":{\"b\":100000000000000}}");
    assert_says("return json.decode('[1e20]')", "json: ");
    assert_says("return json.encode(0/0)", "not finite");
}

static void texts_survive_whatever_they_hold(void **state) {
    (void)state;
    const char *const texts[] = {"plain", "\\1D5", "\\1",     "\\1S\\1D", "a\"\\1D5",
                                 "\\\"",  "\\\\",  "\\0x\\n", "1.5"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char body[256];
        snprintf(body, sizeof body,
                 "local s = '%s' local t = json.decode(json.encode({k = s, [s .. 'k'] = {s}})) "
                 "return tostring(t.k == s and t[s .. 'k'][1] == s)",
                 texts[i]);
        assert_run(body, "true");
    }
    assert_run("return json.decode('\"\\\\u0001D5\"') == '\\1D5' and 'same'", "same");
    assert_run("return json.decode('{\"\\\\u0001D5\":1}')['\\1D5'] == 1 and 'same'", "same");
    assert_run("return json.decode('{\"1.5\":1}')['1.5'] == 1 and 'same'", "same");
    assert_run("return tostring(json.decode('null')) .. tostring(json.decode('null') == json.null)",
               "nulltrue");
    assert_run("return json.encode({json.null, true, false})", "[null,true,false]");
}

static void faults_have_a_place(void **state) {
    (void)state;
    assert_says("json.decode('{\"a\": 1.25,\\n \"b\": }')", "at line 2 column 7");
    assert_says("json.decode('[1.5, 01]')", "at line 1 column 7");
    assert_says("json.decode('[nan]')", "json: ");
    assert_says("json.decode('')", "json: ");
    assert_says("json.decode('\"abc')", "json: ");
    assert_says("json.decode('{\"a\"')", "json: ");
    assert_says("json.decode('[-]')", "json: ");
    assert_says("json.decode(('['):rep(40))", "nested");
    assert_says("json.decode((' '):rep(300000))", "more than 262144 bytes");
    assert_says("local t = {} t[1] = t json.encode(t)", "nested deeper");
    assert_says("local t = {1} for i = 1, 25 do t = {t, t} end json.encode(t)",
                "more than 20000 values");
    assert_says("json.encode({('x'):rep(300000)})", "more than 262144 bytes");
    assert_says("json.encode({f = print})", "cannot write a function");
    assert_says("json.encode({[{}] = 1})", "a key is a table");
    assert_says("json.encode = nil", "cannot change 'json.encode'");
}

static void records_are_written_like_tables(void **state) {
    (void)state;
    static const struct sandbox_field_row rows[] = {
        {.name = "price", .kind = SANDBOX_KIND_DECIMAL},
        {.name = "fills", .kind = SANDBOX_KIND_LIST, .of = SANDBOX_KIND_INTEGER, .most = 3}};
    static const struct sandbox_shape shape = {.name = "facts", .rows = rows, .count = 2};
    struct sandbox_record *facts = sandbox_record_new(box, &shape);
    sandbox_set_decimal(facts, 0, (sandbox_units)2500000000000);
    sandbox_set_count(sandbox_child(facts, 1), 2);
    sandbox_set_integer(sandbox_child(facts, 1), 0, 1);
    sandbox_set_integer(sandbox_child(facts, 1), 1, 2);
    sandbox_set_global(box, "facts", facts);
    assert_run("local t = json.decode(json.encode(facts)) return tostring(t.price) .. #t.fills .. "
               "t.fills[2]",
               "2.522");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_stay_exact, open_box, close_box),
        cmocka_unit_test_setup_teardown(texts_survive_whatever_they_hold, open_box, close_box),
        cmocka_unit_test_setup_teardown(faults_have_a_place, open_box, close_box),
        cmocka_unit_test_setup_teardown(records_are_written_like_tables, open_box, close_box),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
