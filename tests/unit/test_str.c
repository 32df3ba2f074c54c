/* The text builder: growth, bounds, escapes; and what UTF-8 is. */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>

static void grows(void **state)
{
    (void)state;
    struct str s = STR_EMPTY;
    char wanted[20001] = "";
    assert_string_equal(str_text(&s), "");
    for (int i = 0; i < 1000; i++) {
        str_puts(&s, "ab");
        str_putc(&s, 'c');
        str_printf(&s, "%0*d", i % 17, 0);
        size_t used = strlen(wanted);
        snprintf(wanted + used, sizeof wanted - used, "abc%0*d", i % 17, 0);
    }
    assert_string_equal(str_text(&s), wanted);
    assert_int_equal(s.length, strlen(wanted));
    str_printf(&s, "%s", wanted);
    assert_int_equal(s.length, 2 * strlen(wanted));
    str_clear(&s);
    assert_string_equal(str_text(&s), "");
    assert_true(s.room > 0);
    str_free(&s);
    str_free(&s);
    assert_string_equal(str_text(&s), "");
}

static void keeps_its_bound(void **state)
{
    (void)state;
    struct str s = {.max = 10};
    str_puts(&s, "12345678");
    assert_false(s.cut);
    str_puts(&s, "abc");
    assert_true(s.cut);
    str_puts(&s, "x");
    str_printf(&s, "y");
    assert_string_equal(str_text(&s), "12345678");
    str_clear(&s);
    assert_false(s.cut);
    str_printf(&s, "%s", "1234567890");
    assert_false(s.cut);
    str_printf(&s, "%d", 1);
    assert_true(s.cut);
    assert_string_equal(str_text(&s), "1234567890");
    str_free(&s);
    assert_int_equal(s.max, 10);
    str_printf(&s, "12345678901");
    assert_true(s.cut);
    assert_string_equal(str_text(&s), "");
    str_free(&s);
}

static void numbers(void **state)
{
    (void)state;
    static const int64_t cases[] = {0, 1, -1, 10, -99, INT64_MAX, INT64_MIN, 1000000};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str s = STR_EMPTY;
        char wanted[32];
        str_put_int(&s, cases[i]);
        snprintf(wanted, sizeof wanted, "%" PRId64, cases[i]);
        assert_string_equal(str_text(&s), wanted);
        str_free(&s);
    }
    struct str s = STR_EMPTY;
    str_put_decimal(&s, decimal_ratio(-5, 4));
    assert_string_equal(str_text(&s), "-1.25");
    str_free(&s);
}

static void expect_json(const char *text, const char *wanted)
{
    struct str s = STR_EMPTY;
    str_put_json(&s, text);
    assert_string_equal(str_text(&s), wanted);
    assert_true(text_is_utf8(s.data, s.length));
    str_free(&s);
}

static void json_strings(void **state)
{
    (void)state;
    expect_json(NULL, "null");
    expect_json("", "\"\"");
    expect_json("plain", "\"plain\"");
    expect_json("a\"b\\c", "\"a\\\"b\\\\c\"");
    expect_json("\n\r\t\x01\x1f\x7f", "\"\\n\\r\\t\\u0001\\u001f\x7f\"");
    expect_json("zoë €", "\"zoë €\"");
    expect_json("\xff", "\"\xEF\xBF\xBD\"");
    expect_json("a\xc3", "\"a\xEF\xBF\xBD\"");
    expect_json("\xed\xa0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    struct str s = STR_EMPTY;
    str_put_json_n(&s, "a\0b", 3);
    assert_string_equal(str_text(&s), "\"a\\u0000b\"");
    str_free(&s);
}

static void html(void **state)
{
    (void)state;
    struct str s = STR_EMPTY;
    str_put_html(&s, "<a href=\"x\">'&'</a>é");
    assert_string_equal(str_text(&s), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;é");
    str_free(&s);
}

/* Every code point is accepted in its one form, and nothing else of up to four bytes is. */
static void utf8(void **state)
{
    (void)state;
    uint64_t accepted = 0;
    unsigned char text[5] = {0};
    for (unsigned lead = 0; lead < 256; lead++)
        for (unsigned second = 0; second < 256; second++)
            for (unsigned rest = 0; rest < 3; rest++) {
                text[0] = (unsigned char)lead;
                text[1] = (unsigned char)second;
                text[2] = text[3] = (unsigned char[]){0x80, 0xBF, 0xC0}[rest];
                size_t length = text_utf8_length((char *)text, 4);
                accepted += length == (lead < 0x80 ? 1u : lead < 0xE0 ? 2u : lead < 0xF0 ? 3u : 4u);
                if (length > 1)
                    assert_int_equal(text_utf8_length((char *)text, length - 1), 0);
            }
    uint64_t one = 127 * 256 * 3, two = 30 * 64 * 3;
    uint64_t three = (32 + 12 * 64 + 32 + 2 * 64) * 2;
    uint64_t four = (48 + 64 * 3 + 16) * 2;
    assert_int_equal(accepted, one + two + three + four);
    assert_false(text_is_utf8("a\0b", 3));
    assert_true(text_is_utf8("", 0));
    assert_true(text_is_utf8("aé€🙂", strlen("aé€🙂")));
    assert_false(text_is_utf8("\xc0\xaf", 2));
    assert_false(text_is_utf8("\xf0\x9f\x99", 3));
    assert_int_equal(text_utf8_length("", 0), 0);
}

static void plain_texts(void **state)
{
    (void)state;
    char field[6];
    assert_true(text_copy(field, sizeof field, "12345"));
    assert_string_equal(field, "12345");
    assert_false(text_copy(field, sizeof field, "123456"));
    assert_string_equal(field, "12345");
    assert_false(text_copy(field, sizeof field, "1234é"));
    assert_string_equal(field, "1234");
    assert_true(text_equal("a", "a"));
    assert_false(text_equal("a", NULL));
    assert_true(text_equal(NULL, NULL));
    assert_true(text_starts("strategy", "strat"));
    assert_false(text_starts("str", "strat"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows),       cmocka_unit_test(keeps_its_bound),
        cmocka_unit_test(numbers),     cmocka_unit_test(json_strings),
        cmocka_unit_test(html),        cmocka_unit_test(utf8),
        cmocka_unit_test(plain_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
