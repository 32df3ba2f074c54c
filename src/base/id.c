/* Names for signals, orders and instances: derived where a retry must find the same one, random
 * elsewhere. */
#include "base/id.h"

#include "base/chance.h"
#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#define ID_CHARS 20
#define ID_TIME_CHARS                                                                              \
    6 /* 30 bits of seconds: they come round after 34 years, which costs order alone */
#define FIELDS_INLINE 512

/* The fields are laid out first and hashed in one call: one update costs less than many. */
void id_derive(char out[ID_SIZE], const char *first, ...)
{
    char small[FIELDS_INLINE] UNSET, *fields = small;
    size_t size = 0;
    va_list args;
    va_start(args, first);
    for (const char *field = first; field; field = va_arg(args, const char *))
        size += strlen(field) + 4;
    va_end(args);
    if (size > sizeof small)
        fields = mem_alloc(size);

    char *at = fields;
    va_start(args, first);
    for (const char *field = first; field; field = va_arg(args, const char *)) {
        size_t length = strlen(field);
        assert(length <= UINT32_MAX);
        for (int shift = 24; shift >= 0; shift -= 8)
            *at++ = (char)(length >> shift & 0xFF);
        memcpy(at, field, length);
        at += length;
    }
    va_end(args);

    uint8_t digest[SHA256_SIZE];
    hash_sha256(fields, size, digest);
    base32_print(digest, sizeof digest, out, ID_CHARS);
    if (fields != small)
        mem_free(fields);
}

void id_put_time(char id[ID_SIZE], int64_t at_us)
{
    static const char sorted[] = "234567abcdefghijklmnopqrstuvwxyz";
    uint64_t second = (uint64_t)at_us / 1000000;
    for (size_t i = ID_TIME_CHARS; i-- > 0; second >>= 5)
        id[i] = sorted[second & 31];
}

void id_random(char out[ID_SIZE])
{
    uint8_t bytes[13]; /* 104 bits, 100 are used */
    chance_system_bytes(bytes, sizeof bytes);
    base32_print(bytes, sizeof bytes, out, ID_CHARS);
}
