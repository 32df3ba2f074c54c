/* Errors: the class and code arrive, the sentence is cut at a character, prefixes keep the rest. */
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"

static void fills_and_fails(void **state)
{
    (void)state;
    struct err err;
    assert_false(err_set(&err, ERR_LATER, ERR_TIMEOUT, "no answer from %s", "redis"));
    assert_int_equal(err.class, ERR_LATER);
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_string_equal(err.text, "no answer from redis");
    assert_false(err_prefix(&err, "lease %d", 7));
    assert_string_equal(err.text, "lease 7: no answer from redis");
    assert_int_equal(err.class, ERR_LATER);
    err_clear(&err);
    assert_int_equal(err.class, ERR_NONE);
    assert_string_equal(err.text, "");
}

static void may_quote_itself(void **state)
{
    (void)state;
    struct err err;
    err_set(&err, ERR_REFUSED, ERR_INPUT, "bad price");
    err_set(&err, err.class, ERR_CONFIG, "config: %s", err.text);
    assert_string_equal(err.text, "config: bad price");
}

static void null_is_accepted(void **state)
{
    (void)state;
    assert_false(err_set(NULL, ERR_REFUSED, ERR_INPUT, "x"));
    assert_false(err_prefix(NULL, "x"));
    err_clear(NULL);
}

static void a_cut_sentence_is_still_utf8(void **state)
{
    (void)state;
    static const char *const letters[] = {"é", "€", "🙂"};
    for (size_t kind = 0; kind < 3; kind++) {
        for (int shift = 0; shift < 5; shift++) {
            char text[400] = "aaaaa";
            text[shift] = '\0';
            while (strlen(text) < 300)
                strncat(text, letters[kind], 5);
            struct err err;
            err_set(&err, ERR_REFUSED, ERR_INPUT, "%s", text);
            assert_true(strlen(err.text) > 250);
            assert_true(text_is_utf8(err.text, strlen(err.text)));
            err_prefix(&err, "x%.*s", shift, "yyyyy");
            assert_true(text_is_utf8(err.text, strlen(err.text)));
        }
    }
}

static void names_are_complete(void **state)
{
    (void)state;
    for (int code = ERR_OK; code <= ERR_CLOSED; code++)
        assert_string_not_equal(err_code_name((enum err_code)code), "unknown");
    for (int class = ERR_NONE; class <= ERR_REFUSED; class ++)
        assert_string_not_equal(err_class_name((enum err_class) class), "unknown");
    assert_string_equal(err_class_name(ERR_MAYBE_DONE), "maybe_done");
    assert_string_equal(err_code_name(ERR_NOT_FOUND), "not_found");
    assert_string_equal(err_code_name((enum err_code)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_and_fails),    cmocka_unit_test(may_quote_itself),
        cmocka_unit_test(null_is_accepted),   cmocka_unit_test(a_cut_sentence_is_still_utf8),
        cmocka_unit_test(names_are_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
