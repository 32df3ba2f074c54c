/* The identity of a signal: one alert sent twice is one signal, two alerts are never one. */
#include "trade/signal.h"
#include "base/hash.h"
#include <string.h>

#define FIELDS_INLINE 768

struct fields {
    char *at;
};

static size_t field_size(const char *text)
{
    return 4 + strlen(text);
}

static void put_field(struct fields *fields, const char *text)
{
    const size_t length = strlen(text);
    for (int shift = 24; shift >= 0; shift -= 8)
        *fields->at++ = (char)(length >> shift & 0xFF);
    memcpy(fields->at, text, length);
    fields->at += length;
}

void signal_fingerprint(struct signal *signal, const char *const *extra_names,
                        const char *const *extra_values, size_t count)
{
    char small[FIELDS_INLINE], *bytes = small, second[CALENDAR_TEXT_MAX];
    calendar_print_seconds(signal->at_us, second);
    const char *const fixed[] = {
        "v1",
        signal->strategy,
        signal->instrument,
        signal_type_names[signal->type],
        signal->position,
        second,
    };
    const size_t fixed_count = sizeof fixed / sizeof fixed[0];
    size_t size = 0;
    for (size_t i = 0; i < fixed_count; i++)
        size += field_size(fixed[i]);
    for (size_t i = 0; i < count; i++)
        size += field_size(extra_names[i]) + field_size(extra_values[i]);
    if (size > sizeof small)
        bytes = mem_alloc(size);

    struct fields fields = {.at = bytes};
    for (size_t i = 0; i < fixed_count; i++)
        put_field(&fields, fixed[i]);
    for (size_t i = 0; i < count; i++) {
        put_field(&fields, extra_names[i]);
        put_field(&fields, extra_values[i]);
    }
    uint8_t digest[SHA256_SIZE];
    hash_sha256(bytes, size, digest);
    hex_print(digest, sizeof digest, signal->fingerprint);
    id_derive(signal->id, signal->fingerprint, NULL);
    id_put_time(signal->id, signal->at_us); /* the second is among what the fingerprint covers */
    if (bytes != small)
        mem_free(bytes);
}
