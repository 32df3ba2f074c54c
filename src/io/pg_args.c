/* Values to and from PostgreSQL's binary form: numbers big endian, decimals as digits of base
 * 10,000 (three of them make our twelve decimal places), arrays with a length before each element.
 */
#include "io/pg_conn.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define BASE 10000
#define PLACES (DECIMAL_PLACES / 4) /* digits of BASE behind the point */
#define DIGITS_MAX 12
#define SIGN_NEGATIVE 0x4000
#define NUMERIC_HEAD 8

static void put16(struct str *s, unsigned value)
{
    const char bytes[2] = {(char)(value >> 8 & 0xff), (char)(value & 0xff)};
    str_put(s, bytes, sizeof bytes);
}

static void put32(struct str *s, uint32_t value)
{
    put16(s, value >> 16);
    put16(s, value & 0xffff);
}

static void put64(struct str *s, int64_t value)
{
    uint64_t big = __builtin_bswap64((uint64_t)value);
    str_put(s, (const char *)&big, sizeof big);
}

/* ---- decimals ---- */

/* Digits of BASE, the least first; *zeros: how many of the twelve decimals are trailing zeros. */
static int split(struct decimal value, uint16_t digits[DIGITS_MAX])
{
    __extension__ unsigned __int128 left =
        (unsigned __int128)(value.units < 0 ? -value.units : value.units);
    int count = 0;
    while (left > UINT64_MAX) {
        digits[count++] = (uint16_t)(left % BASE);
        left /= BASE;
    }
    for (uint64_t small = (uint64_t)left; small; small /= BASE)
        digits[count++] = (uint16_t)(small % BASE);
    assert(count <= DIGITS_MAX);
    return count;
}

static unsigned places_of(const uint16_t digits[DIGITS_MAX], int count)
{
    for (int i = 0; i < PLACES && i < count; i++) {
        unsigned digit = digits[i], zeros = 0;
        if (!digit)
            continue;
        for (; digit % 10 == 0; digit /= 10)
            zeros++;
        return (unsigned)(PLACES - i) * 4 - zeros;
    }
    return 0;
}

static void put_decimal(struct str *s, struct decimal value)
{
    uint16_t digits[DIGITS_MAX] = {0};
    int count = split(value, digits), least = 0;
    while (least < count && digits[least] == 0)
        least++;
    put16(s, (unsigned)(count - least));
    put16(s, (unsigned)(count - 1 - PLACES) & 0xffff);
    put16(s, value.units < 0 ? SIGN_NEGATIVE : 0);
    put16(s, places_of(digits, count));
    for (int i = count; i-- > least;)
        put16(s, digits[i]);
}

static size_t decimal_length(struct decimal value)
{
    uint16_t digits[DIGITS_MAX] = {0};
    int count = split(value, digits), least = 0;
    while (least < count && digits[least] == 0)
        least++;
    return NUMERIC_HEAD + 2 * (size_t)(count - least);
}

/* ---- single values ---- */

void pg_args_clear(struct pg_args *args)
{
    str_clear(&args->bytes);
    args->count = 0;
}

void pg_args_free(struct pg_args *args)
{
    str_free(&args->bytes);
    args->count = 0;
}

static void begin(struct pg_args *args, bool absent)
{
    assert(args->count < PG_ARGS_MAX);
    args->absent[args->count] = absent;
    args->starts[args->count] = args->bytes.length;
}

static void end(struct pg_args *args)
{
    args->lengths[args->count] = args->bytes.length - args->starts[args->count];
    args->count++;
}

void pg_arg_text(struct pg_args *args, const char *text)
{
    begin(args, !text);
    if (text)
        str_puts(&args->bytes, text);
    end(args);
}

void pg_arg_int(struct pg_args *args, int64_t value)
{
    begin(args, false);
    put64(&args->bytes, value);
    end(args);
}

void pg_arg_bool(struct pg_args *args, bool value)
{
    begin(args, false);
    str_putc(&args->bytes, value ? 1 : 0);
    end(args);
}

void pg_arg_bytes(struct pg_args *args, const void *bytes, size_t length)
{
    begin(args, !bytes);
    if (bytes)
        str_put(&args->bytes, bytes, length);
    end(args);
}

void pg_arg_decimal(struct pg_args *args, struct decimal value)
{
    begin(args, !decimal_ok(value));
    if (decimal_ok(value))
        put_decimal(&args->bytes, value);
    end(args);
}

/* ---- arrays ---- */

void pg_array_begin(struct pg_args *args, enum pg_type type, size_t count)
{
    struct str *s = &args->bytes;
    begin(args, false);
    put32(s, count ? 1 : 0); /* dimensions */
    put32(s, 0);
    put32(s, (uint32_t)type);
    if (count) {
        put32(s, (uint32_t)count);
        put32(s, 1); /* first index */
    }
}

void pg_array_end(struct pg_args *args)
{
    end(args);
}

void pg_array_bytes(struct pg_args *args, const void *bytes, size_t length)
{
    put32(&args->bytes, bytes ? (uint32_t)length : UINT32_MAX);
    if (bytes)
        str_put(&args->bytes, bytes, length);
}

void pg_array_text(struct pg_args *args, const char *text)
{
    pg_array_bytes(args, text, text ? strlen(text) : 0);
}

void pg_array_int(struct pg_args *args, int64_t value)
{
    put32(&args->bytes, sizeof value);
    put64(&args->bytes, value);
}

void pg_array_bool(struct pg_args *args, bool value)
{
    put32(&args->bytes, 1);
    str_putc(&args->bytes, value ? 1 : 0);
}

void pg_array_decimal(struct pg_args *args, struct decimal value)
{
    put32(&args->bytes, decimal_ok(value) ? (uint32_t)decimal_length(value) : UINT32_MAX);
    if (decimal_ok(value))
        put_decimal(&args->bytes, value);
}

/* ---- reading ---- */

static unsigned get16(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    return (unsigned)bytes[0] << 8 | bytes[1];
}

size_t pg_count(const struct pg_rows *rows)
{
    int count = PQntuples(pg_result(rows));
    return count > 0 ? (size_t)count : 0;
}

bool pg_is_null(const struct pg_rows *rows, size_t row, int column)
{
    return PQgetisnull(pg_result(rows), (int)row, column);
}

const char *pg_text(const struct pg_rows *rows, size_t row, int column)
{
    return pg_is_null(rows, row, column) ? NULL : PQgetvalue(pg_result(rows), (int)row, column);
}

size_t pg_length(const struct pg_rows *rows, size_t row, int column)
{
    int length = PQgetlength(pg_result(rows), (int)row, column);
    return length > 0 ? (size_t)length : 0;
}

int64_t pg_int(const struct pg_rows *rows, size_t row, int column)
{
    const char *at = pg_text(rows, row, column);
    size_t length = pg_length(rows, row, column);
    uint64_t big;
    if (at && length == 4)
        return (int32_t)((uint32_t)get16(at) << 16 | get16(at + 2));
    if (!at || length != sizeof big)
        return 0;
    memcpy(&big, at, sizeof big);
    return (int64_t)__builtin_bswap64(big);
}

bool pg_bool(const struct pg_rows *rows, size_t row, int column)
{
    const char *at = pg_text(rows, row, column);
    return at && pg_length(rows, row, column) == 1 && *at == 1;
}

static bool join(const char *at, size_t length, struct decimal *out)
{
    int count = (int)get16(at), weight = (int16_t)get16(at + 2);
    unsigned sign = get16(at + 4), scale = get16(at + 6);
    __extension__ unsigned __int128 units = 0;
    uint16_t digits[DIGITS_MAX] = {0};
    if (length != NUMERIC_HEAD + 2 * (size_t)count || (sign && sign != SIGN_NEGATIVE))
        return false;
    if (count && (weight + PLACES >= DIGITS_MAX || weight + PLACES - count + 1 < 0))
        return false;
    for (int i = 0; i < count; i++) {
        unsigned digit = get16(at + NUMERIC_HEAD + 2 * i);
        if (digit >= BASE)
            return false;
        digits[weight + PLACES - i] = (uint16_t)digit;
    }
    for (int i = DIGITS_MAX; i-- > 0;) {
        if (units > ((__extension__(unsigned __int128) 1 << 126) - 1) / BASE)
            return false;
        units = units * BASE + digits[i];
    }
    out->units = sign ? -(decimal_units)units : (decimal_units)units;
    return scale == places_of(digits, DIGITS_MAX); /* "1.50" was not written by us */
}

bool pg_decimal(const struct pg_rows *rows, size_t row, int column, struct decimal *out)
{
    const char *at = pg_text(rows, row, column);
    size_t length = pg_length(rows, row, column);
    *out = decimal_bad();
    return !at || (length >= NUMERIC_HEAD && join(at, length, out));
}
