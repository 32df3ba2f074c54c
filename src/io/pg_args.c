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

static char *put16(char *to, unsigned value)
{
    uint16_t big = __builtin_bswap16((uint16_t)value);
    return mempcpy(to, &big, sizeof big);
}

static char *put32(char *to, uint32_t value)
{
    uint32_t big = __builtin_bswap32(value);
    return mempcpy(to, &big, sizeof big);
}

static char *put64(char *to, int64_t value)
{
    uint64_t big = __builtin_bswap64((uint64_t)value);
    return mempcpy(to, &big, sizeof big);
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

enum { NUMERIC_MOST = NUMERIC_HEAD + 2 * DIGITS_MAX };

static char *put_decimal(char *to, struct decimal value)
{
    uint16_t digits[DIGITS_MAX] = {0};
    int count = split(value, digits), least = 0;
    while (least < count && digits[least] == 0)
        least++;
    to = put16(to, (unsigned)(count - least));
    to = put16(to, (unsigned)(count - 1 - PLACES) & 0xffff);
    to = put16(to, value.units < 0 ? SIGN_NEGATIVE : 0);
    to = put16(to, places_of(digits, count));
    for (int i = count; i-- > least;)
        to = put16(to, digits[i]);
    return to;
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
    str_end(&args->bytes, put64(str_begin(&args->bytes, sizeof value), value));
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
        str_end(&args->bytes, put_decimal(str_begin(&args->bytes, NUMERIC_MOST), value));
    end(args);
}

/* ---- arrays ---- */

void pg_array_begin(struct pg_args *args, enum pg_type type, size_t count)
{
    begin(args, false);
    char *to = str_begin(&args->bytes, 5 * sizeof(uint32_t));
    to = put32(to, count ? 1 : 0); /* dimensions */
    to = put32(to, 0);
    to = put32(to, (uint32_t)type);
    if (count) {
        to = put32(to, (uint32_t)count);
        to = put32(to, 1); /* first index */
    }
    str_end(&args->bytes, to);
}

void pg_array_end(struct pg_args *args)
{
    end(args);
}

static void put_absent(struct pg_args *args)
{
    str_end(&args->bytes, put32(str_begin(&args->bytes, sizeof(uint32_t)), UINT32_MAX));
}

void pg_array_bytes(struct pg_args *args, const void *bytes, size_t length)
{
    if (!bytes) {
        put_absent(args);
        return;
    }
    char *to = str_begin(&args->bytes, sizeof(uint32_t) + length);
    str_end(&args->bytes, mempcpy(put32(to, (uint32_t)length), bytes, length));
}

void pg_array_text(struct pg_args *args, const char *text)
{
    pg_array_bytes(args, text, text ? strlen(text) : 0);
}

void pg_array_int(struct pg_args *args, int64_t value)
{
    char *to = str_begin(&args->bytes, sizeof(uint32_t) + sizeof value);
    str_end(&args->bytes, put64(put32(to, sizeof value), value));
}

void pg_array_bool(struct pg_args *args, bool value)
{
    char *to = put32(str_begin(&args->bytes, sizeof(uint32_t) + 1), 1);
    *to++ = value ? 1 : 0;
    str_end(&args->bytes, to);
}

void pg_array_decimal(struct pg_args *args, struct decimal value)
{
    if (!decimal_ok(value)) {
        put_absent(args);
        return;
    }
    char *length = str_begin(&args->bytes, sizeof(uint32_t) + NUMERIC_MOST);
    char *digits = length + sizeof(uint32_t), *past = put_decimal(digits, value);
    put32(length, (uint32_t)(past - digits));
    str_end(&args->bytes, past);
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
