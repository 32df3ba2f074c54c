/* Values as bytes between two processes of one program: both ends have the same types, so numbers
 * and plain structs go as they lie in memory. A reader never reads beyond its frame; what is
 * missing reads as zeros and leaves `bad` set. */
#ifndef TIDELOCK_SCRIPT_WIRE_H
#define TIDELOCK_SCRIPT_WIRE_H
#include "base/str.h"

#include <string.h>

static inline void wire_put(struct str *out, const void *bytes, size_t length) {
    str_put(out, bytes, length);
}
static inline void wire_put_u8(struct str *out, uint8_t value) { wire_put(out, &value, 1); }
static inline void wire_put_u32(struct str *out, uint32_t value) {
    wire_put(out, &value, sizeof value);
}
static inline void wire_put_u64(struct str *out, uint64_t value) {
    wire_put(out, &value, sizeof value);
}
/* NUL-terminated on the wire, so that the reader needs no copy. */
static inline void wire_put_text(struct str *out, const char *text, size_t length) {
    wire_put_u32(out, (uint32_t)length);
    wire_put(out, text, length);
    wire_put_u8(out, 0);
}

struct wire {
    const char *at, *end;
    bool bad;
};

static inline struct wire wire_read(const struct str *frame) {
    return (struct wire){frame->data, frame->data + frame->length, false};
}
static inline void wire_take(struct wire *wire, void *out, size_t length) {
    if ((size_t)(wire->end - wire->at) < length) {
        wire->bad = true;
        wire->at = wire->end;
        memset(out, 0, length);
        return;
    }
    memcpy(out, wire->at, length);
    wire->at += length;
}
static inline uint8_t wire_take_u8(struct wire *wire) {
    uint8_t value;
    wire_take(wire, &value, sizeof value);
    return value;
}
static inline uint32_t wire_take_u32(struct wire *wire) {
    uint32_t value;
    wire_take(wire, &value, sizeof value);
    return value;
}
static inline uint64_t wire_take_u64(struct wire *wire) {
    uint64_t value;
    wire_take(wire, &value, sizeof value);
    return value;
}
/* Lives in the frame; "" when it is missing or not terminated. */
static inline const char *wire_take_text(struct wire *wire, size_t *length) {
    uint32_t size = wire_take_u32(wire);
    const char *text = wire->at;
    if (wire->bad || (size_t)(wire->end - wire->at) <= size || text[size] != '\0') {
        wire->bad = true;
        wire->at = wire->end;
        size = 0;
        text = "";
    } else {
        wire->at += size + 1;
    }
    if (length) *length = size;
    return text;
}
#endif
