/* Exact decimal arithmetic. Values that matter here (prices, quantities, money below 9 million in
 * 10^-12) take one machine multiplication and one division; the rest go through 256 bits. Nothing
 * is rounded twice. */
#include "base/decimal.h"

#include "base/digits.h"

#include <stdio.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

#define ONE ((wide)1000000000000u)
#define WIDE_MAX_UNITS (((wide)1 << 127) - 1)
#define TEXT_LONGEST 64
#define INTEGER_DIGITS_MAX 15

struct wide2 { /* 256 bits */
    wide high, low;
};

static wide magnitude(decimal_units units)
{
    return units < 0 ? -(wide)units : (wide)units;
}

static struct decimal with_sign(wide magnitude_of, bool negative)
{
    if (magnitude_of > WIDE_MAX_UNITS)
        return decimal_bad();
    decimal_units units = (decimal_units)magnitude_of;
    return (struct decimal){negative ? -units : units};
}

static bool rounds_away(wide quotient, wide rest, wide divisor, bool negative,
                        enum decimal_rounding rounding)
{
    if (rest == 0)
        return false;
    switch (rounding) {
    case DECIMAL_HALF_EVEN: {
        wide missing = divisor - rest;
        return rest > missing || (rest == missing && (quotient & 1));
    }
    case DECIMAL_DOWN:
        return false;
    case DECIMAL_FLOOR:
        return negative;
    case DECIMAL_CEILING:
        return !negative;
    }
    return false;
}

/* One machine division where the quotient fits a word, as nearly all do; the compiler would call a
 * function that finds that out first. False: it does not fit. */
static inline bool divide_word(wide value, wide divisor, uint64_t *quotient, uint64_t *rest)
{
#if defined(__x86_64__)
    uint64_t high = (uint64_t)(value >> 64), by = (uint64_t)divisor;
    if (divisor >> 64 != 0 || high >= by)
        return false;
    __asm__("divq %4" : "=a"(*quotient), "=d"(*rest) : "0"((uint64_t)value), "1"(high), "r"(by));
    return true;
#else
    (void)value, (void)divisor, (void)quotient, (void)rest;
    return false;
#endif
}

static inline wide divide_rest(wide value, wide divisor, wide *rest)
{
    uint64_t word, left;
    if (divide_word(value, divisor, &word, &left)) {
        *rest = left;
        return word;
    }
    wide quotient = value / divisor;
    *rest = value - quotient * divisor;
    return quotient;
}

static inline struct decimal divide_wide(wide value, wide divisor, bool negative,
                                         enum decimal_rounding rounding)
{
    uint64_t word, left;
    if (rounding == DECIMAL_HALF_EVEN && divide_word(value, divisor, &word, &left)) {
        uint64_t missing = (uint64_t)divisor - left;
        decimal_units units = (decimal_units)word;
        units += left > missing || (left == missing && (word & 1));
        return (struct decimal){negative ? -units : units};
    }
    wide rest, quotient = divide_rest(value, divisor, &rest);
    if (rounds_away(quotient, rest, divisor, negative, rounding))
        quotient++;
    return with_sign(quotient, negative);
}

static struct wide2 multiply(wide a, wide b)
{
    uint64_t a0 = (uint64_t)a, a1 = (uint64_t)(a >> 64), b0 = (uint64_t)b, b1 = (uint64_t)(b >> 64);
    wide low = (wide)a0 * b0, left = (wide)a1 * b0, right = (wide)a0 * b1;
    wide middle = (low >> 64) + (uint64_t)left + (uint64_t)right;
    return (struct wide2){
        .high = (wide)a1 * b1 + (left >> 64) + (right >> 64) + (middle >> 64),
        .low = middle << 64 | (uint64_t)low,
    };
}

/* False when the quotient needs more than 128 bits. divisor < 2^127 keeps the doubled rest inside
 * 128. */
static bool divide_wide2(struct wide2 value, wide divisor, wide *quotient, wide *rest)
{
    if (value.high >= divisor)
        return false;
    if (divisor >> 64 == 0) {
        uint64_t by = (uint64_t)divisor;
        wide upper = value.high << 64 | (uint64_t)(value.low >> 64);
        wide lower = (upper % by) << 64 | (uint64_t)value.low;
        *quotient = (upper / by) << 64 | (lower / by);
        *rest = lower % by;
        return true;
    }
    wide left = value.high, bits = value.low, result = 0;
    for (int i = 0; i < 128; i++) {
        left = left << 1 | bits >> 127;
        bits <<= 1;
        result <<= 1;
        if (left >= divisor) {
            left -= divisor;
            result |= 1;
        }
    }
    *quotient = result;
    *rest = left;
    return true;
}

static struct decimal divide_product(wide a, wide b, wide divisor, bool negative,
                                     enum decimal_rounding rounding)
{
    struct wide2 product = multiply(a, b);
    if (product.high == 0)
        return divide_wide(product.low, divisor, negative, rounding);
    wide quotient, rest;
    if (!divide_wide2(product, divisor, &quotient, &rest))
        return decimal_bad();
    if (rounds_away(quotient, rest, divisor, negative, rounding)) {
        if (quotient > WIDE_MAX_UNITS)
            return decimal_bad();
        quotient++;
    }
    return with_sign(quotient, negative);
}

static bool is_narrow(decimal_units units)
{
    return units == (int64_t)units;
}

struct decimal decimal_mul(struct decimal a, struct decimal b)
{
    if (is_narrow(a.units) && is_narrow(b.units)) {
        bool negative = (a.units < 0) != (b.units < 0);
        wide value = (wide)(uint64_t)magnitude(a.units) * (uint64_t)magnitude(b.units);
        if (value >> 64 == 0) { /* division by a constant in one word needs no division at all */
            uint64_t word = (uint64_t)value, quotient = word / (uint64_t)ONE;
            uint64_t rest = word % (uint64_t)ONE, half = (uint64_t)ONE / 2;
            quotient += rest > half || (rest == half && (quotient & 1));
            return (struct decimal){negative ? -(decimal_units)quotient : (decimal_units)quotient};
        }
        return divide_wide(value, ONE, negative, DECIMAL_HALF_EVEN);
    }
    if (!decimal_ok(a) || !decimal_ok(b))
        return decimal_bad();
    return divide_product(magnitude(a.units), magnitude(b.units), ONE,
                          (a.units < 0) != (b.units < 0), DECIMAL_HALF_EVEN);
}

struct decimal decimal_div(struct decimal a, struct decimal b, enum decimal_rounding rounding)
{
    if (!decimal_ok(a) || !decimal_ok(b) || b.units == 0)
        return decimal_bad();
    bool negative = (a.units < 0) != (b.units < 0);
    wide value = magnitude(a.units), divisor = magnitude(b.units);
    if (value >> 87 == 0)
        return divide_wide(value * ONE, divisor, negative, rounding);
    return divide_product(value, ONE, divisor, negative, rounding);
}

struct decimal decimal_muldiv(struct decimal a, struct decimal b, struct decimal c)
{
    if (!decimal_ok(a) || !decimal_ok(b) || !decimal_ok(c) || c.units == 0)
        return decimal_bad();
    bool negative = ((a.units < 0) != (b.units < 0)) != (c.units < 0);
    return divide_product(magnitude(a.units), magnitude(b.units), magnitude(c.units), negative,
                          DECIMAL_HALF_EVEN);
}

struct decimal decimal_ratio(int64_t numerator, int64_t denominator)
{
    return decimal_div(decimal_int(numerator), decimal_int(denominator), DECIMAL_HALF_EVEN);
}

struct decimal decimal_sqrt(struct decimal a)
{
    if (!decimal_ok(a) || a.units < 0)
        return decimal_bad();
    if (a.units == 0)
        return a;
    struct wide2 value = multiply((wide)a.units, ONE);
    int bits = 0;
    for (wide rest = value.high ? value.high : value.low; rest; rest >>= 1)
        bits++;
    if (value.high)
        bits += 128;
    /* Newton from above falls strictly until it stands on the floor of the root. */
    wide root = (wide)1 << ((bits + 1) / 2);
    for (;;) {
        wide quotient, rest;
        bool fits = divide_wide2(value, root, &quotient, &rest);
        assert(fits);
        wide next = (root + quotient) / 2;
        if (next >= root)
            return with_sign(root, false);
        root = next;
    }
}

struct decimal decimal_round(struct decimal a, struct decimal step, enum decimal_rounding rounding)
{
    if (!decimal_ok(a) || !decimal_ok(step) || step.units <= 0)
        return decimal_bad();
    bool negative = a.units < 0;
    wide value = magnitude(a.units), by = (wide)step.units;
    wide rest, count = divide_rest(value, by, &rest);
    if (rounds_away(count, rest, by, negative, rounding))
        count++;
    wide result;
    if (__builtin_mul_overflow(count, by, &result))
        return decimal_bad();
    return with_sign(result, negative);
}

bool decimal_to_int(struct decimal value, int64_t *out)
{
    if (!decimal_ok(value) || value.units % DECIMAL_ONE != 0)
        return false;
    decimal_units whole = value.units / DECIMAL_ONE;
    if (!is_narrow(whole))
        return false;
    *out = (int64_t)whole;
    return true;
}

double decimal_to_double(struct decimal value)
{
    return decimal_ok(value) ? (double)value.units / 1e12 : __builtin_nan("");
}

/* --- text ------------------------------------------------------------------------------------- */

static const uint64_t power_of_ten[] = {
    1u,        10u,        100u,        1000u,        10000u,        100000u,        1000000u,
    10000000u, 100000000u, 1000000000u, 10000000000u, 100000000000u, 1000000000000u,
};

struct number_text { /* a number taken apart: 0.d1d2d3... * 10^point */
    char digits[TEXT_LONGEST];
    int count; /* of digits, without leading zeros */
    int point;
    bool negative;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *take_digits(const char *at, const char *end, struct number_text *number,
                               bool before_point)
{
    for (; at < end && is_digit(*at); at++) {
        if (number->count == 0 && *at == '0') {
            if (!before_point)
                number->point--;
            continue;
        }
        number->digits[number->count++] = *at;
        if (before_point)
            number->point++;
    }
    return at;
}

/* NULL: it is no number. */
static const char *take_exponent(const char *at, const char *end, struct number_text *number)
{
    bool down = false;
    if (at < end && (*at == '+' || *at == '-'))
        down = *at++ == '-';
    if (at == end || !is_digit(*at))
        return NULL;
    int exponent = 0;
    for (; at < end && is_digit(*at); at++)
        if (exponent < 10000)
            exponent = exponent * 10 + (*at - '0');
    number->point += down ? -exponent : exponent;
    return at;
}

static bool take_apart(const char *text, size_t length, struct number_text *number)
{
    const char *at = text, *end = text + length;
    number->count = number->point = 0;
    number->negative = false;
    if (at < end && (*at == '+' || *at == '-'))
        number->negative = *at++ == '-';
    const char *start = at;
    at = take_digits(at, end, number, true);
    if (at == start)
        return false;
    if (at < end && *at == '.') {
        start = ++at;
        at = take_digits(at, end, number, false);
        if (at == start)
            return false;
    }
    if (at < end && (*at == 'e' || *at == 'E'))
        at = take_exponent(at + 1, end, number);
    return at == end;
}

/* The digits up to 10^-12, and the rest rounded half to even. The caller has bounded the point. */
static wide put_together(const struct number_text *number)
{
    int kept = number->point + DECIMAL_PLACES;
    if (number->count == 0 || kept < 0)
        return 0;
    wide units = 0;
    for (int i = 0; i < kept; i++) {
        units *= 10;
        if (i < number->count)
            units += (unsigned)(number->digits[i] - '0');
    }
    if (kept >= number->count)
        return units;
    int next = number->digits[kept] - '0';
    bool more = false;
    for (int i = kept + 1; i < number->count; i++)
        more |= number->digits[i] != '0';
    if (next > 5 || (next == 5 && (more || (units & 1))))
        units++;
    return units;
}

/* The usual case in one pass: at most 18 digits, at most 12 of them decimals, no exponent. */
static bool parse_plain(const char *text, size_t length, struct decimal *out)
{
    const char *end = text + length, *point = NULL;
    bool negative = length > 0 && *text == '-';
    const char *start = text + negative;
    uint64_t value = 0;
    if (end - start > 19)
        return false;
    for (const char *at = start; at < end; at++) {
        unsigned digit = (unsigned char)*at - (unsigned)'0';
        if (digit < 10)
            value = value * 10 + digit;
        else if (*at == '.' && !point)
            point = at;
        else
            return false;
    }
    long whole = (point ? point : end) - start, decimals = point ? end - point - 1 : 0;
    if (whole < 1 || whole > INTEGER_DIGITS_MAX || decimals > DECIMAL_PLACES ||
        whole + decimals > 18 || (point && decimals == 0))
        return false;
    decimal_units units = (decimal_units)((wide)value * power_of_ten[12 - decimals]);
    out->units = negative ? -units : units;
    return true;
}

/* What came from outside is quoted with everything but plain characters masked. */
static const char *quoted(const char *text, size_t length, char out[TEXT_LONGEST + 4])
{
    size_t shown = length < 40 ? length : 40;
    for (size_t i = 0; i < shown; i++)
        out[i] = text[i] > ' ' && text[i] < 0x7F && text[i] != '"' ? text[i] : '?';
    memcpy(out + shown, shown < length ? "..." : "", shown < length ? 4 : 1);
    return out;
}

/* Apart from the usual case, which needs nothing of its frame. */
__attribute__((noinline)) static bool parse_any(const char *text, size_t length,
                                                struct decimal *out, struct err *err)
{
    char shown[TEXT_LONGEST + 4];
    struct number_text number;
    if (length == 0)
        return err_set(err, ERR_REFUSED, ERR_INPUT, "a number is empty; write digits such as 12.5");
    if (length > TEXT_LONGEST)
        return err_set(err, ERR_REFUSED, ERR_INPUT,
                       "the number \"%s\" has %zu characters; at most %d are read",
                       quoted(text, length, shown), length, TEXT_LONGEST);
    if (!take_apart(text, length, &number))
        return err_set(err, ERR_REFUSED, ERR_INPUT,
                       "\"%s\" is not a number; write digits such as 12.5 or 1e3",
                       quoted(text, length, shown));
    if (number.count > 0 && number.point > INTEGER_DIGITS_MAX)
        goto large;
    wide units = put_together(&number);
    if (units >= (wide)1000000000000000u * ONE)
        goto large;
    *out = with_sign(units, number.negative);
    return true;
large:
    return err_set(err, ERR_REFUSED, ERR_INPUT,
                   "the number \"%s\" is too large; it must be below 1e15",
                   quoted(text, length, shown));
}

bool decimal_parse(const char *text, size_t length, struct decimal *out, struct err *err)
{
    return parse_plain(text, length, out) || parse_any(text, length, out, err);
}

size_t decimal_print(struct decimal value, char out[DECIMAL_TEXT_MAX])
{
    if (!decimal_ok(value)) {
        memcpy(out, "bad", 4);
        return 3;
    }
    wide units = magnitude(value.units), whole;
    uint64_t decimals;
    if (units >> 64 == 0) {
        whole = (uint64_t)units / (uint64_t)ONE;
        decimals = (uint64_t)units % (uint64_t)ONE;
    } else {
        whole = units / ONE;
        decimals = (uint64_t)(units - whole * ONE);
    }
    char text[DECIMAL_TEXT_MAX], *end = text + sizeof text, *at = end;
    if (decimals > 0) {
        int places = DECIMAL_PLACES;
        for (; decimals % 1000 == 0; decimals /= 1000)
            places -= 3;
        for (; decimals % 10 == 0; decimals /= 10)
            places--;
        at = digits_last(at, decimals, places);
        *--at = '.';
    }
    const uint64_t split = 1000000000000000000u;
    if (whole >= split) {
        at = digits_last(at, (uint64_t)(whole % split), 18);
        at = digits_all(at, (uint64_t)(whole / split));
    } else {
        at = digits_all(at, (uint64_t)whole);
    }
    if (value.units < 0)
        *--at = '-';
    size_t length = (size_t)(end - at);
    memcpy(out, at, length);
    out[length] = '\0';
    return length;
}

const char *decimal_tidy(const char *text, char out[DECIMAL_TEXT_MAX])
{
    const char *point = strchr(text, '.');
    struct decimal value;
    if (!point || strlen(point) <= 9 || strspn(text, "-.0123456789") != strlen(text) ||
        !decimal_parse(text, strlen(text), &value, NULL))
        return text;
    bool small = decimal_lt(decimal_abs(value), decimal_ratio(1, 10));
    struct decimal step = small ? decimal_ratio(1, 100000000) : decimal_ratio(1, 10000);
    decimal_print(decimal_round(value, step, DECIMAL_HALF_EVEN), out);
    return out;
}
