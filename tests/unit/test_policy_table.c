/* Table files: what is read, in which order, with which lines, and what is refused with which
 * sentence. */
#include "policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct arena arena;

static bool read_text(const char *text, struct table_file *file, struct err *err)
{
    return table_file_read("demo.lua", text, strlen(text), &arena, file, err);
}

static void refuse(const char *text, const char *sentence)
{
    struct table_file file;
    struct err err = {.class = ERR_NONE};

    assert_false(read_text(text, &file, &err));
    if (!strstr(err.text, sentence)) {
        print_error("%s\n  lacks: %s\n", err.text, sentence);
        fail();
    }
    assert_int_equal(err.class, ERR_REFUSED);
    assert_int_equal(err.code, ERR_CONFIG);
}

static void test_values(void **state)
{
    struct table_file file;
    struct err err;
    const char *text = "-- a comment with { and return {\n"
                       "local lots = 3\n"
                       "return {\n"
                       "  name = 'demo', -- why\n"
                       "  rails = { max_position = lots * 2, max_daily_loss = 0.1 },\n"
                       "  ['odd key'] = true,\n"
                       "  sources = {\n"
                       "    { name = \"a\" },\n"
                       "    { name = [[b]] ; id = 9007199254740991 },\n"
                       "  },\n"
                       "  exact = decimal('0.000000000001'), off = false, none = {},\n"
                       "}\n";

    (void)state;
    assert_true(read_text(text, &file, &err));
    assert_string_equal(json_text(file.root, "name"), "demo");
    assert_string_equal(json_at(file.root, "rails.max_position")->text, "6");
    assert_string_equal(json_at(file.root, "rails.max_daily_loss")->text, "0.1");
    assert_string_equal(json_at(file.root, "sources[1].id")->text, "9007199254740991");
    assert_string_equal(json_at(file.root, "exact")->text, "0.000000000001");
    assert_int_equal(json_get(file.root, "off")->type, JSON_FALSE);
    assert_int_equal(json_get(file.root, "sources")->type, JSON_ARRAY);
    assert_int_equal(json_get(file.root, "none")->count, 0);
    assert_string_equal(file.root->child->key, "name");
    assert_string_equal(file.root->child->next->key, "rails");
    assert_string_equal(file.root->child->next->next->key, "odd key");
    assert_int_equal(table_file_line(&file, "name"), 4);
    assert_int_equal(table_file_line(&file, "rails.max_daily_loss"), 5);
    assert_int_equal(table_file_line(&file, "rails.absent"), 5);
    assert_int_equal(table_file_line(&file, "sources[1].name"), 9);
    assert_int_equal(table_file_line(&file, "odd key"), 6);
    assert_int_equal(table_file_line(&file, "absent"), 3);
}

static void test_refusals(void **state)
{
    (void)state;
    refuse("return { a = 1,\n b = , }", "demo.lua:2:");
    refuse("return { a = 1,\n b = { f = function() end } }", "demo.lua:2: b.f is a function");
    refuse("return { a = 1,\n\n a = 2 }",
           "demo.lua:3: \"a\" is given twice; the first one is on line 1");
    refuse("return { a = 1, 2 }", "mixes list items and named keys");
    refuse("return { a = { 1, nil, 3 } }", "holes");
    refuse("local t = {} t.t = t return t", "nested too deep, or contains itself");
    refuse("return { a = 0/0 }", "demo.lua:1: a is not a finite number");
    refuse("return { a = 1e400 }", "not a finite number");
    refuse("return 5", "must end in: return { ... }");
    refuse("", "must end in: return { ... }");
    refuse("while true do end", "instruction");
    refuse("local s = 'x' while true do s = s .. s end", "demo.lua:1:");
    refuse("return { home = os.getenv('HOME') }", "demo.lua:1:");
    refuse("return require 'x'", "demo.lua: there is no module");
    refuse("return { a = '\\255' }", "not UTF-8");
    refuse("\x1bLJ\x02", "demo.lua");
}

static void test_hostile(void **state)
{
    struct table_file file;
    struct err err;
    char deep[300];

    (void)state;
    memset(deep, '{', 150);
    memset(deep + 150, '}', 150);
    memcpy(deep, "return ", 7);
    assert_false(table_file_read("demo.lua", deep, sizeof deep, &arena, &file, &err));
    assert_false(read_text("local t = {} for i = 1, 5000 do t[i] = i end return t", &file, &err));
    /* shared tables would multiply without bound */
    assert_false(
        read_text("local t = {1} for i = 1, 14 do t = {t, t, t, t} end return t", &file, &err));
    /* unfinished text of every kind ends */
    for (size_t n = 0; n < 60; n++) {
        static const char text[] =
            "return { a = [==[ ]=] ]==], b = \"\\\"\", --[[ x ]] c = { 1; 'y' } }";

        (void)!table_file_read("demo.lua", text, n, &arena, &file, &err);
    }
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_hostile),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
