/* Exact decimals, against a slow reference that shares nothing with them: numbers as digit arrays,
 * multiplied and divided as on paper. */
#include "base/decimal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/chance.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIGITS 120

struct big { /* base 10, least digit first */
    int digit[DIGITS];
};

static struct big big_of(unsigned __int128 value)
{
    struct big out = {0};
    for (int i = 0; value; i++, value /= 10)
        out.digit[i] = (int)(value % 10);
    return out;
}

static int big_compare(const struct big *a, const struct big *b)
{
    for (int i = DIGITS - 1; i >= 0; i--)
        if (a->digit[i] != b->digit[i])
            return a->digit[i] < b->digit[i] ? -1 : 1;
    return 0;
}

static struct big big_times(const struct big *a, const struct big *b)
{
    struct big out = {0};
    for (int i = 0; i < DIGITS; i++) {
        int carry = 0;
        for (int k = 0; i + k < DIGITS; k++) {
            int sum = out.digit[i + k] + a->digit[i] * b->digit[k] + carry;
            out.digit[i + k] = sum % 10;
            carry = sum / 10;
        }
        assert_int_equal(carry, 0);
    }
    return out;
}

static void big_subtract(struct big *a, const struct big *b)
{
    int borrow = 0;
    for (int i = 0; i < DIGITS; i++) {
        int left = a->digit[i] - b->digit[i] - borrow;
        borrow = left < 0;
        a->digit[i] = left + borrow * 10;
    }
}

static void big_add_one(struct big *a)
{
    for (int i = 0; ++a->digit[i] == 10; i++)
        a->digit[i] = 0;
}

static struct big big_divide(const struct big *a, const struct big *b, struct big *rest)
{
    struct big out = {0};
    *rest = (struct big){0};
    for (int i = DIGITS - 1; i >= 0; i--) {
        memmove(rest->digit + 1, rest->digit, (DIGITS - 1) * sizeof rest->digit[0]);
        rest->digit[0] = a->digit[i];
        while (big_compare(rest, b) >= 0) {
            big_subtract(rest, b);
            out.digit[i]++;
        }
    }
    return out;
}

/* a*b/c rounded; false when it does not fit a decimal. */
static bool reference(decimal_units a, decimal_units b, decimal_units c,
                      enum decimal_rounding rounding, decimal_units *out)
{
    bool negative = ((a < 0) != (b < 0)) != (c < 0);
    struct big x = big_of((unsigned __int128)(a < 0 ? -a : a));
    struct big y = big_of((unsigned __int128)(b < 0 ? -b : b));
    struct big z = big_of((unsigned __int128)(c < 0 ? -c : c)), rest, most;
    struct big product = big_times(&x, &y);
    struct big quotient = big_divide(&product, &z, &rest), two = big_of(2), zero = {0};
    struct big doubled = big_times(&rest, &two);
    int half = big_compare(&doubled, &z);
    bool exact = big_compare(&rest, &zero) == 0, up = false;
    if (rounding == DECIMAL_HALF_EVEN)
        up = half > 0 || (half == 0 && quotient.digit[0] % 2);
    if (rounding == DECIMAL_FLOOR)
        up = negative && !exact;
    if (rounding == DECIMAL_CEILING)
        up = !negative && !exact;
    if (up)
        big_add_one(&quotient);
    most = big_of(((unsigned __int128)1 << 127) - 1);
    if (big_compare(&quotient, &most) > 0)
        return false;
    decimal_units value = 0;
    for (int i = DIGITS - 1; i >= 0; i--)
        value = value * 10 + quotient.digit[i];
    *out = negative ? -value : value;
    return true;
}

/* Of any size, with round and extreme values among them. */
static decimal_units draw(struct chance *chance)
{
    unsigned bits = (unsigned)chance_below(chance, 128);
    unsigned __int128 value = (unsigned __int128)chance_next(chance) << 64 | chance_next(chance);
    value >>= 128 - bits - (bits == 0);
    value &= ((unsigned __int128)1 << 127) - 1;
    switch (chance_below(chance, 8)) {
    case 0:
        value = value / 1000000000000u * 1000000000000u;
        break;
    case 1:
        value = chance_below(chance, 1000);
        break;
    case 2:
        value = ((unsigned __int128)1 << (bits % 127));
        break;
    case 3:
        value = ((unsigned __int128)1 << (bits % 127)) - 1;
        break;
    case 4:
        value = chance_below(chance, 2000) * (unsigned __int128)500000000000u;
        break;
    default:
        break;
    }
    decimal_units units = (decimal_units)value;
    return chance_hits(chance, 500) ? -units : units;
}

static void expect(struct decimal got, bool fits, decimal_units wanted)
{
    assert_int_equal(decimal_ok(got), fits);
    if (fits)
        assert_true(got.units == wanted);
}

static void agrees_with_paper(void **state)
{
    (void)state;
    struct chance chance;
    chance_seed(&chance, 42);
    for (int i = 0; i < 2500; i++) {
        decimal_units a = draw(&chance), b = draw(&chance), c = draw(&chance), want = 0;
        struct decimal x = {a}, y = {b}, z = {c};
        bool fits = reference(a, b, DECIMAL_ONE, DECIMAL_HALF_EVEN, &want);
        expect(decimal_mul(x, y), fits, want);
        if (c == 0)
            continue;
        enum decimal_rounding rounding = (enum decimal_rounding)chance_below(&chance, 4);
        fits = reference(a, DECIMAL_ONE, c, rounding, &want);
        expect(decimal_div(x, z, rounding), fits, want);
        fits = reference(a, b, c, DECIMAL_HALF_EVEN, &want);
        expect(decimal_muldiv(x, y, z), fits, want);
        if (c > 0 && reference(a, 1, c, rounding, &want)) {
            fits = !__builtin_mul_overflow(want, c, &want) && want != DECIMAL_BAD_UNITS;
            expect(decimal_round(x, z, rounding), fits, want);
        }
    }
}

static void roots_are_floors(void **state)
{
    (void)state;
    struct chance chance;
    chance_seed(&chance, 7);
    for (int i = 0; i < 1500; i++) {
        decimal_units units = draw(&chance);
        if (units < 0)
            units = -units;
        struct decimal root = decimal_sqrt((struct decimal){units});
        struct big one = big_of(1000000000000u), value = big_of((unsigned __int128)units);
        struct big r = big_of((unsigned __int128)root.units), next = r;
        value = big_times(&value, &one);
        big_add_one(&next);
        r = big_times(&r, &r);
        next = big_times(&next, &next);
        assert_true(big_compare(&r, &value) <= 0 && big_compare(&next, &value) > 0);
    }
    assert_false(decimal_ok(decimal_sqrt(decimal_int(-1))));
    assert_true(decimal_eq(decimal_sqrt(decimal_int(1764)), decimal_int(42)));
}

static struct decimal read_number(const char *text)
{
    struct decimal out;
    struct err err;
    assert_true(decimal_parse(text, strlen(text), &out, &err));
    return out;
}

static void expect_text(const char *in, const char *out)
{
    char text[DECIMAL_TEXT_MAX];
    size_t length = decimal_print(read_number(in), text);
    assert_string_equal(text, out);
    assert_int_equal(length, strlen(out));
}

static void reads_and_prints(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"0", "0"},
        {"-0", "0"},
        {"-0.000", "0"},
        {"1", "1"},
        {"+1.50", "1.5"},
        {"007", "7"},
        {"52341.25", "52341.25"},
        {"-12.000000000001", "-12.000000000001"},
        {"1e3", "1000"},
        {"1.5E-3", "0.0015"},
        {"12.5e+1", "125"},
        {"0.1", "0.1"},
        {"0.05e2", "5"},
        {"0e999", "0"},
        {"0.0000000000005", "0"},
        {"0.0000000000015", "0.000000000002"},
        {"0.00000000000050000000001", "0.000000000001"},
        {"0.0000000000025", "0.000000000002"},
        {"-0.0000000000015", "-0.000000000002"},
        {"1e-12", "0.000000000001"},
        {"6e-13", "0.000000000001"},
        {"5e-13", "0"},
        {"1e-99999", "0"},
        {"999999999999999", "999999999999999"},
        {"999999999999999.999999999999", "999999999999999.999999999999"},
        {"0.000000000000000000000000000000000000000000000000000000000001", "0"},
        {"123456789012345678e-10", "12345678.9012345678"},
        {"00000000000000000000000000000000000000000000000000000000001.25", "1.25"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_text(cases[i][0], cases[i][1]);
    char text[DECIMAL_TEXT_MAX];
    struct decimal most = {((((decimal_units)1 << 126) - 1) * 2) + 1}, least = decimal_neg(most);
    assert_int_equal(decimal_print(most, text), 40);
    assert_string_equal(text, "170141183460469231731687303.715884105727");
    decimal_print(least, text);
    assert_string_equal(text, "-170141183460469231731687303.715884105727");
    decimal_print(decimal_bad(), text);
    assert_string_equal(text, "bad");
}

static void refuses_what_is_no_number(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "-",
        "+",
        ".5",
        "5.",
        "1e",
        "1e+",
        "NaN",
        "nan",
        "Infinity",
        "-inf",
        "0x10",
        " 1",
        "1 ",
        "1,5",
        "1.2.3",
        "--1",
        "1e5x",
        "1_0",
        "\xD9\xA1",
        "1e1.5",
        "e5",
        "1000000000000000",
        "1e15",
        "-1e15",
        "999999999999999.9999999999999",
        "1e99999999999999999999",
        "0.00000000000000000000000000000000000000000000000000000000000001234",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct decimal out = decimal_int(77);
        struct err err;
        assert_false(decimal_parse(cases[i], strlen(cases[i]), &out, &err));
        assert_int_equal(err.class, ERR_REFUSED);
        assert_int_equal(err.code, ERR_INPUT);
        assert_true(out.units == decimal_int(77).units);
    }
    struct err err;
    struct decimal out;
    assert_false(decimal_parse("abc\x1b[2J", 7, &out, &err));
    assert_non_null(strstr(err.text, "\"abc?[2J\""));
    assert_false(decimal_parse("1\0"
                               "2",
                               3, &out, NULL));
}

/* Any text that a reader takes prints to a text that it takes for the same value. */
static void print_then_parse_is_identity(void **state)
{
    (void)state;
    struct chance chance;
    chance_seed(&chance, 3);
    for (int i = 0; i < 20000; i++) {
        decimal_units units = draw(&chance) % ((decimal_units)1000000000000000 * DECIMAL_ONE);
        char text[DECIMAL_TEXT_MAX];
        size_t length = decimal_print((struct decimal){units}, text);
        struct decimal back;
        assert_true(decimal_parse(text, length, &back, NULL));
        assert_true(back.units == units);
    }
}

static void bad_spreads(void **state)
{
    (void)state;
    struct decimal bad = decimal_bad(), one = decimal_int(1);
    struct decimal most = {((((decimal_units)1 << 126) - 1) * 2) + 1};
    struct decimal results[] = {
        decimal_add(bad, one),
        decimal_add(one, bad),
        decimal_sub(one, bad),
        decimal_sub(bad, bad),
        decimal_mul(bad, one),
        decimal_mul(decimal_int(0), bad),
        decimal_div(bad, one, DECIMAL_DOWN),
        decimal_div(one, bad, DECIMAL_DOWN),
        decimal_div(one, decimal_int(0), DECIMAL_DOWN),
        decimal_muldiv(one, bad, one),
        decimal_muldiv(one, one, decimal_int(0)),
        decimal_neg(bad),
        decimal_abs(bad),
        decimal_min(one, bad),
        decimal_min(bad, one),
        decimal_max(one, bad),
        decimal_max(bad, one),
        decimal_sqrt(bad),
        decimal_round(bad, one, DECIMAL_DOWN),
        decimal_round(one, bad, DECIMAL_DOWN),
        decimal_round(one, decimal_int(0), DECIMAL_DOWN),
        decimal_add(most, one),
        decimal_sub(decimal_neg(most), one),
        decimal_ratio(1, 0),
        decimal_mul(most, most),
        decimal_sub(decimal_neg(most), (struct decimal){1}),
    };
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
        assert_false(decimal_ok(results[i]));
    assert_true(isnan(decimal_to_double(bad)));
    assert_false(decimal_to_int(bad, &(int64_t){0}));
    assert_false(decimal_is_zero(bad));
}

static void comparing_bad_is_a_mistake(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        fclose(stderr);
        signal(SIGABRT, SIG_DFL);
        _exit(decimal_cmp(decimal_bad(), decimal_int(1)) > 5);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void whole_numbers_and_ratios(void **state)
{
    (void)state;
    int64_t out = 0;
    assert_true(decimal_to_int(decimal_int(INT64_MIN), &out) && out == INT64_MIN);
    assert_true(decimal_to_int(decimal_int(INT64_MAX), &out) && out == INT64_MAX);
    assert_false(decimal_to_int(read_number("1.5"), &out));
    assert_false(decimal_to_int(decimal_add(decimal_int(INT64_MAX), decimal_int(1)), &out));
    assert_true(decimal_eq(decimal_ratio(1, 8), read_number("0.125")));
    assert_true(decimal_eq(decimal_ratio(2, -3), read_number("-0.666666666667")));
    assert_true(decimal_eq(decimal_ratio(INT64_MIN, 1), decimal_int(INT64_MIN)));
    assert_true(decimal_to_double(read_number("0.1")) == 0.1);
}

static void rounds_to_lots_and_ticks(void **state)
{
    (void)state;
    struct decimal lot = decimal_int(30), tick = read_number("0.05");
    assert_true(decimal_eq(decimal_round(decimal_int(89), lot, DECIMAL_DOWN), decimal_int(60)));
    assert_true(decimal_eq(decimal_round(decimal_int(-89), lot, DECIMAL_DOWN), decimal_int(-60)));
    assert_true(decimal_eq(decimal_round(decimal_int(-89), lot, DECIMAL_FLOOR), decimal_int(-90)));
    assert_true(decimal_eq(decimal_round(decimal_int(61), lot, DECIMAL_CEILING), decimal_int(90)));
    assert_true(
        decimal_eq(decimal_round(decimal_int(45), lot, DECIMAL_HALF_EVEN), decimal_int(60)));
    assert_true(
        decimal_eq(decimal_round(decimal_int(75), lot, DECIMAL_HALF_EVEN), decimal_int(60)));
    assert_true(decimal_eq(decimal_round(read_number("100.03"), tick, DECIMAL_HALF_EVEN),
                           read_number("100.05")));
}

static void compares(void **state)
{
    (void)state;
    struct decimal a = read_number("-1.5"), b = decimal_int(2);
    assert_true(decimal_lt(a, b) && decimal_le(a, a) && decimal_gt(b, a) && decimal_ge(b, b));
    assert_int_equal(decimal_sign(a), -1);
    assert_int_equal(decimal_sign(b), 1);
    assert_true(decimal_eq(decimal_min(a, b), a) && decimal_eq(decimal_max(a, b), b));
    assert_true(decimal_eq(decimal_abs(a), decimal_neg(a)));
}

static void test_tidy(void **state)
{
    char out[DECIMAL_TEXT_MAX];
    (void)state;
    assert_string_equal(decimal_tidy("1.673469387755", out), "1.6735");
    assert_string_equal(decimal_tidy("-19853.333333333333", out), "-19853.3333");
    assert_string_equal(decimal_tidy("0.001673469387", out), "0.00167347");
    assert_string_equal(decimal_tidy("0.06543210", out),
                        "0.06543210"); /* a price of eight places */
    assert_string_equal(decimal_tidy("19853.55", out), "19853.55");
    assert_string_equal(decimal_tidy("2015.01.22T00000000000", out), "2015.01.22T00000000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tidy),
        cmocka_unit_test(agrees_with_paper),
        cmocka_unit_test(roots_are_floors),
        cmocka_unit_test(reads_and_prints),
        cmocka_unit_test(refuses_what_is_no_number),
        cmocka_unit_test(print_then_parse_is_identity),
        cmocka_unit_test(bad_spreads),
        cmocka_unit_test(comparing_bad_is_a_mistake),
        cmocka_unit_test(whole_numbers_and_ratios),
        cmocka_unit_test(rounds_to_lots_and_ticks),
        cmocka_unit_test(compares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
