/* Decimal digits of whole numbers, two at a step: every event holds some hundred of them. */
#ifndef TIDELOCK_BASE_DIGITS_H
#define TIDELOCK_BASE_DIGITS_H
#include <stdint.h>

/* "00" to "99" */
static inline void digits_pair(char *to, unsigned value)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    to[0] = pairs[2 * value];
    to[1] = pairs[2 * value + 1];
}

/* So many digits of the value, ending at `end`; where they begin. */
static inline char *digits_last(char *end, uint64_t value, int count)
{
    for (; count > 1; count -= 2, value /= 100)
        digits_pair(end -= 2, (unsigned)(value % 100));
    if (count > 0)
        *--end = (char)('0' + value % 10);
    return end;
}

/* All its digits, at least one. */
static inline char *digits_all(char *end, uint64_t value)
{
    for (; value >= 100; value /= 100)
        digits_pair(end -= 2, (unsigned)(value % 100));
    if (value >= 10)
        digits_pair(end -= 2, (unsigned)value);
    else
        *--end = (char)('0' + value);
    return end;
}
#endif
