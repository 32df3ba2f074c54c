/* The JSON reader: what it takes, what it refuses and where it says the fault is. */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"

#include <stdio.h>

static struct arena arena;

static struct json *read_n(const char *text, size_t length, struct err *err)
{
    arena_reset(&arena);
    /* An exact heap copy, so that a sanitizer sees any read beyond the text. */
    char *copy = mem_alloc(length);
    memcpy(copy, text, length);
    struct json *root = json_parse(&arena, copy, length, NULL, err);
    mem_free(copy);
    return root;
}

static struct json *read_text(const char *text)
{
    struct err err = {0};
    struct json *root = read_n(text, strlen(text), &err);
    if (!root)
        print_error("%s: %s\n", text, err.text);
    assert_non_null(root);
    return root;
}

/* Writes the tree back; numbers keep their text, so a compact document comes out as it went in. */
static void write_tree(struct str *out, const struct json *node)
{
    switch (node->type) {
    case JSON_NULL:
        str_puts(out, "null");
        return;
    case JSON_FALSE:
        str_puts(out, "false");
        return;
    case JSON_TRUE:
        str_puts(out, "true");
        return;
    case JSON_NUMBER:
        str_put(out, node->text, node->length);
        return;
    case JSON_STRING:
        str_put_json_n(out, node->text, node->length);
        return;
    default:
        break;
    }
    str_putc(out, node->type == JSON_OBJECT ? '{' : '[');
    uint32_t count = 0;
    for (const struct json *child = node->child; child; child = child->next, count++) {
        if (count)
            str_putc(out, ',');
        if (node->type == JSON_OBJECT) {
            str_put_json_n(out, child->key, child->key_length);
            str_putc(out, ':');
        }
        write_tree(out, child);
    }
    assert_int_equal(count, node->count);
    str_putc(out, node->type == JSON_OBJECT ? '}' : ']');
}

static void expect_same(const char *text, const char *wanted)
{
    struct str out = STR_EMPTY;
    write_tree(&out, read_text(text));
    assert_string_equal(str_text(&out), wanted);
    str_free(&out);
}

static void takes_documents(void **state)
{
    (void)state;
    static const char *const same[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-1.5e+10",
        "\"\"",
        "[]",
        "{}",
        "[[],{}]",
        "[0,1,2]",
        "{\"a\":1,\"b\":[true,null,{\"c\":\"x\"}],\"\":-2}",
        "[1,\"a\",2,\"b\",3.25,4]",
        "12345678901234567890.000000000000000000001",
        "\"zoë 🙂\"",
        "{\"a\":{\"a\":{\"a\":0}}}",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        expect_same(same[i], same[i]);
    expect_same(" \t\r\n[ 1 , 2\n,3 ] \n", "[1,2,3]");
    expect_same("{ \"a\" : 1 , \"b\":\t2 }", "{\"a\":1,\"b\":2}");
    expect_same("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\"");
    expect_same("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude42\\uFFFF\"", "\"Aé€🙂\xEF\xBF\xBF\"");
    expect_same("{\"\\u0061b\":\"x\\u0079z\"}", "{\"ab\":\"xyz\"}");
}

static void expect_refused(const char *text, size_t length, const char *sentence)
{
    struct err err = {0};
    assert_null(read_n(text, length, &err));
    assert_int_equal(err.class, ERR_REFUSED);
    assert_int_equal(err.code, ERR_INPUT);
    if (!strstr(err.text, sentence))
        fail_msg("%s\n  says    %s\n  wanted  %s", text, err.text, sentence);
}

static void refuses_and_says_where(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "line 1 column 1: the document ends where a value should follow"},
        {"  \n ", "line 2 column 2: the document ends"},
        {"{} x", "line 1 column 4: something follows the end"},
        {"1 2", "line 1 column 3: something follows"},
        {"{\"a\":1,\n \"a\":2}", "line 2 column 2: the key \"a\" appears twice"},
        {"{\"a\":1,\"\\u0061\":2}", "line 1 column 8: the key \"a\" appears twice"},
        {"{\"é\":1,\"b\":tru}", "line 1 column 12: expected a value, not 't'"},
        {"[\"\xff\"]", "line 1 column 3: the byte 0xFF is not UTF-8"},
        {"\"\xc3\"", "is not UTF-8"},
        {"\"\xed\xa0\x80\"", "is not UTF-8"},
        {"\"\xf0\x82\x82\xac\"", "is not UTF-8"},
        {"\"a\\u0000\"", "line 1 column 3: a string may not hold NUL"},
        {"\"\\ud800\"", "high surrogate"},
        {"\"\\ud800\\u0041\"", "high surrogate"},
        {"\"\\ud800\\ud800\"", "high surrogate"},
        {"\"\\udc00\"", "lone low surrogate"},
        {"\"\\u12g4\"", "four hex digits"},
        {"\"\\u12", "four hex digits"},
        {"\"\\x41\"", "unknown escape"},
        {"\"\\", "unknown escape"},
        {"\"abc", "line 1 column 1: a string that starts here is never closed"},
        {"\"a\nb\"", "control character (0x0A) in a string; write \\u000A"},
        {"NaN", "NaN is not"},
        {"[-NaN]", "expected a digit, not 'N'"},
        {"Infinity", "Infinity is not"},
        {"-Infinity", "Infinity is not"},
        {"nan", "expected a value, not 'n'"},
        {"01", "superfluous zero"},
        {"-01", "superfluous zero"},
        {"1.", "a digit after the point"},
        {".5", "expected a value"},
        {"1e", "a digit in the exponent"},
        {"1e+", "a digit in the exponent"},
        {"+1", "expected a value, not '+'"},
        {"0x10", "something follows"},
        {"-", "the document ends where a digit should follow"},
        {"\xEF\xBB\xBF{}", "line 1 column 1: a byte order mark"},
        {"[1,]", "expected a value, not ']'"},
        {"[1 2]", "expected ',' or ']', not '2'"},
        {"{\"a\":1,}", "a key in quotes, not '}'"},
        {"{\"a\" 1}", "':' after a key"},
        {"{a:1}", "a key in quotes, not 'a'"},
        {"{'a':1}", "a key in quotes"},
        {"{\"a\":1", "the document ends where ',' or '}' should follow"},
        {"[", "the document ends"},
        {"]", "expected a value"},
        {"{\"price\": {{close}}}", "line 1 column 11: {{...}} is a placeholder"},
        {"{\"price\":{{close}}, \"b\":1}", "placeholder"},
        {"/* c */ 1", "expected a value"},
        {"[1,\x01]", "not the byte 0x01"},
        {"\x0b{}", "not the byte 0x0B"},
        {"\xc2\xa0[]", "not the byte 0xC2"},
        {"tru", "expected a value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refused(cases[i][0], strlen(cases[i][0]), cases[i][1]);
    expect_refused("[1]\0", 4, "something follows");
    expect_refused("\"a\0b\"", 5, "control character (0x00)");
    expect_refused("[1,\0]", 5, "not the byte 0x00");
    expect_refused("\0", 1, "not the byte 0x00");
}

/* No beginning of a document is a document. */
static void refuses_every_truncation(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":[1,-2.5e3,\"x\\u00e9\\ud83d\\ude42é\"],\"b\":{\"c\":null},\"d\":true}";
    struct err err;
    for (size_t length = 0; length < sizeof text - 1; length++)
        assert_null(read_n(text, length, &err));
    assert_non_null(read_n(text, sizeof text - 1, &err));
}

static void put_nested(struct str *s, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        str_puts(s, i % 2 ? "{\"k\":" : "[");
    str_puts(s, "1");
    for (unsigned i = depth; i-- > 0;)
        str_puts(s, i % 2 ? "}" : "]");
}

static void keeps_its_limits(void **state)
{
    (void)state;
    struct str s = STR_EMPTY;
    struct err err;
    struct json_limits limits = {.depth = 100000, .nodes = 3};
    put_nested(&s, 16);
    assert_non_null(read_n(s.data, s.length, &err));
    str_clear(&s);
    put_nested(&s, 17);
    expect_refused(s.data, s.length, "nested deeper than 16 levels");
    str_clear(&s);
    for (int i = 0; i < 1000000; i++)
        str_putc(&s, '[');
    limits.nodes = 2000000;
    assert_null(json_parse(&arena, s.data, s.length, &limits, &err));
    assert_non_null(strstr(err.text, "deeper than 512 levels"));
    limits.nodes = 3;
    assert_non_null(json_parse(&arena, "[1,2]", 5, &limits, &err));
    assert_null(json_parse(&arena, "[1,2,3]", 7, &limits, &err));
    assert_non_null(strstr(err.text, "more than 3 values"));
    str_clear(&s);
    str_putc(&s, '[');
    for (int i = 0; i < 4095; i++)
        str_puts(&s, i ? ",0" : "0");
    str_putc(&s, ']');
    assert_non_null(read_n(s.data, s.length, &err));
    str_free(&s);
}

static void finds_duplicates_among_many(void **state)
{
    (void)state;
    struct err err;
    for (unsigned count = 2; count <= 4000; count = count < 70 ? count + 1 : count * 2) {
        for (unsigned twin = 0; twin < count; twin += 1 + count / 5) {
            struct str s = STR_EMPTY;
            for (unsigned i = 0; i < count; i++)
                str_printf(&s, "%c\"key%u\":%u", i ? ',' : '{', i, i);
            size_t without = s.length;
            str_putc(&s, '}');
            assert_non_null(read_n(s.data, s.length, &err));
            s.length = without;
            str_printf(&s, ",\"key%u\":0}", twin);
            assert_null(read_n(s.data, s.length, &err));
            char wanted[64];
            snprintf(wanted, sizeof wanted, "column %zu: the key \"key%u\" appears twice",
                     without + 2, twin);
            assert_non_null(strstr(err.text, wanted));
            str_free(&s);
        }
    }
}

static void looks_things_up(void **state)
{
    (void)state;
    const struct json *root =
        read_text("{\"a\":{\"b\":[10,{\"c\":\"deep\"},[7]]},\"t\":\"text\",\"n\":5,"
                  "\"\":1,\"yes\":true,\"no\":false,\"null\":null}");
    assert_string_equal(json_at(root, "a.b[1].c")->text, "deep");
    assert_string_equal(json_at(root, "a.b[2][0]")->text, "7");
    assert_string_equal(json_at(root, "n")->text, "5");
    assert_ptr_equal(json_at(root, ""), root);
    static const char *const absent[] = {"x",
                                         "a.x",
                                         "a.b[3]",
                                         "a.b[-1]",
                                         "a.b[",
                                         "a.b[]",
                                         "a.b[1",
                                         "a[0]",
                                         "t.x",
                                         "a..b",
                                         ".a",
                                         "a.b.0",
                                         "a.b[99999999999999]",
                                         "n[0]",
                                         "a.b[1]c.d"};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        assert_null(json_at(root, absent[i]));
    assert_null(json_at(NULL, "a"));
    assert_null(json_get(json_get(root, "t"), "x"));
    assert_string_equal(json_text(root, "t"), "text");
    assert_null(json_text(root, "n"));
    assert_null(json_text(NULL, "n"));
    bool flag = false;
    assert_true(json_bool(root, "yes", &flag) && flag);
    assert_true(json_bool(root, "no", &flag) && !flag);
    assert_false(json_bool(root, "n", &flag));
    assert_int_equal(json_get(root, "")->type, JSON_NUMBER);
}

static void reads_numbers_exactly(void **state)
{
    (void)state;
    const struct json *root = read_text(
        "{\"a\":9223372036854775807,\"b\":\"-9223372036854775808\",\"c\":9223372036854775808,"
        "\"d\":3.0,\"e\":1e3,\"f\":3.5,\"g\":\"3.0\",\"h\":\"\",\"i\":true,\"j\":\"12x\","
        "\"p\":52341.05,\"q\":\"0.1\",\"r\":\"abc\",\"s\":-0}");
    int64_t out = 0;
    assert_true(json_int(root, "a", &out) && out == INT64_MAX);
    assert_true(json_int(root, "b", &out) && out == INT64_MIN);
    assert_false(json_int(root, "c", &out));
    assert_true(json_int(root, "d", &out) && out == 3);
    assert_true(json_int(root, "e", &out) && out == 1000);
    assert_true(json_int(root, "s", &out) && out == 0);
    for (const char *key = "fghijz"; *key; key++)
        assert_false(json_int(root, (char[]){*key, 0}, &out));
    struct decimal d;
    assert_true(json_decimal(root, "p", &d) && decimal_eq(d, decimal_ratio(5234105, 100)));
    assert_true(json_decimal(root, "q", &d) && decimal_eq(d, decimal_ratio(1, 10)));
    assert_false(json_decimal(root, "r", &d));
    assert_false(json_decimal(root, "i", &d));
    assert_false(json_decimal(root, "z", &d));
}

static int close_arena(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_documents),
        cmocka_unit_test(refuses_and_says_where),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(keeps_its_limits),
        cmocka_unit_test(finds_duplicates_among_many),
        cmocka_unit_test(looks_things_up),
        cmocka_unit_test(reads_numbers_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, close_arena);
}
