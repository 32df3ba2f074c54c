/* Exact decimal numbers: a 128-bit integer counting 10^-12.
 *
 * Range about ±1.7e26 with 12 decimals. Every price, quantity, fee and balance is one of these
 * from the wire to the row; no binary floating point touches them. Overflow, division by zero and a
 * bad operand give a bad decimal, which spreads through every operation, so a formula is checked
 * once at its end with decimal_ok(). Comparing a bad decimal is a programmer's mistake and asserts.
 */
#ifndef TIDELOCK_BASE_DECIMAL_H
#define TIDELOCK_BASE_DECIMAL_H
#include "base/err.h"
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 decimal_units;

struct decimal {
    decimal_units units; /* value * 10^12 */
};

#define DECIMAL_PLACES 12
#define DECIMAL_TEXT_MAX 44 /* sign, 27 digits, point, 12 digits, NUL, rounded up */

enum decimal_rounding {
    DECIMAL_HALF_EVEN,
    DECIMAL_DOWN /* to zero */,
    DECIMAL_FLOOR,
    DECIMAL_CEILING
};

/* Text to decimal. Accepts [+-]digits[.digits][e[+-]digits] (JSON numbers, the same in strings), at
 * most 64 characters, |value| < 1e15; further decimals than 12 are rounded half to even. Refuses
 * NaN, Infinity, hex, spaces, empty, and names the text. */
bool decimal_parse(const char *text, size_t length, struct decimal *out,
                   struct err *err) MUST_CHECK;
/* Canonical text: no exponent, no trailing zeros, no "-0", no lone point. Returns its length; bad
 * gives "bad". */
size_t decimal_print(struct decimal value, char out[DECIMAL_TEXT_MAX]);
/* For people: prices and amounts have few decimals; a text with more than eight comes from a
 * division and is rounded to four (eight below 0.1). Anything else is returned as it is. */
const char *decimal_tidy(const char *text, char out[DECIMAL_TEXT_MAX]);

#define DECIMAL_ONE ((decimal_units)1000000000000)
#define DECIMAL_BAD_UNITS ((decimal_units)((decimal_units)1 << 126) * -2)

static inline struct decimal decimal_bad(void)
{
    return (struct decimal){DECIMAL_BAD_UNITS};
}
static inline bool decimal_ok(struct decimal value)
{
    return value.units != DECIMAL_BAD_UNITS;
}
static inline struct decimal decimal_int(int64_t value)
{
    return (struct decimal){(decimal_units)value * DECIMAL_ONE};
}
struct decimal decimal_ratio(int64_t numerator, int64_t denominator); /* half even */
/* True and *out when the value is a whole number that fits. */
bool decimal_to_int(struct decimal value, int64_t *out);
/* For charts, metrics and indicators' display only; never back into money. */
double decimal_to_double(struct decimal value);

/* The cheap ones are inline: they run many times in every decision and every backtested bar. */
static inline struct decimal decimal_add(struct decimal a, struct decimal b)
{
    decimal_units sum;
    if (!decimal_ok(a) || !decimal_ok(b) || __builtin_add_overflow(a.units, b.units, &sum))
        return decimal_bad();
    return (struct decimal){sum};
}
static inline struct decimal decimal_sub(struct decimal a, struct decimal b)
{
    decimal_units difference;
    if (!decimal_ok(a) || !decimal_ok(b) || __builtin_sub_overflow(a.units, b.units, &difference))
        return decimal_bad();
    return (struct decimal){difference};
}
static inline struct decimal decimal_neg(struct decimal a)
{
    return decimal_ok(a) ? (struct decimal){-a.units} : a;
}
static inline struct decimal decimal_abs(struct decimal a)
{
    return a.units < 0 ? decimal_neg(a) : a;
}
static inline struct decimal decimal_min(struct decimal a, struct decimal b)
{
    return a.units < b.units ? a : b; /* the bad value is the least of all, so it spreads */
}
static inline struct decimal decimal_max(struct decimal a, struct decimal b)
{
    if (!decimal_ok(a) || !decimal_ok(b))
        return decimal_bad();
    return a.units > b.units ? a : b;
}
struct decimal decimal_mul(struct decimal a, struct decimal b); /* half even */
struct decimal decimal_div(struct decimal a, struct decimal b, enum decimal_rounding rounding);
/* a*b/c, one rounding, half even */
struct decimal decimal_muldiv(struct decimal a, struct decimal b, struct decimal c);
struct decimal decimal_sqrt(struct decimal a); /* to 12 places, down; bad for negatives */
/* Multiple of `step` (> 0): lots, ticks. */
struct decimal decimal_round(struct decimal a, struct decimal step, enum decimal_rounding rounding);

/* -1 0 1 */
static inline int decimal_cmp(struct decimal a, struct decimal b)
{
    assert(decimal_ok(a) && decimal_ok(b));
    return (a.units > b.units) - (a.units < b.units);
}
/* -1 0 1 */
static inline int decimal_sign(struct decimal a)
{
    assert(decimal_ok(a));
    return (a.units > 0) - (a.units < 0);
}
static inline bool decimal_eq(struct decimal a, struct decimal b)
{
    assert(decimal_ok(a) && decimal_ok(b));
    return a.units == b.units;
}
static inline bool decimal_lt(struct decimal a, struct decimal b)
{
    assert(decimal_ok(a) && decimal_ok(b));
    return a.units < b.units;
}
static inline bool decimal_le(struct decimal a, struct decimal b)
{
    assert(decimal_ok(a) && decimal_ok(b));
    return a.units <= b.units;
}
static inline bool decimal_gt(struct decimal a, struct decimal b)
{
    assert(decimal_ok(a) && decimal_ok(b));
    return a.units > b.units;
}
static inline bool decimal_ge(struct decimal a, struct decimal b)
{
    assert(decimal_ok(a) && decimal_ok(b));
    return a.units >= b.units;
}
static inline bool decimal_is_zero(struct decimal a)
{
    return a.units == 0;
}
#endif
