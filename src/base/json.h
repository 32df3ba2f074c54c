/* JSON in: a strict RFC 8259 reader into an arena, with numbers kept as their text.
 *
 * Ours because a price must be read from its digits and never through a double, which the C
 * libraries at hand do not allow, and because it allocates nothing but arena memory. Refused, each
 * with line and column: bytes after the document, duplicate keys, bad UTF-8, NUL and lone
 * surrogates in strings, NaN/Infinity, leading zeros, a byte order mark, nesting or node counts
 * beyond the limits. JSON out is written with str.h. */
#ifndef TIDELOCK_BASE_JSON_H
#define TIDELOCK_BASE_JSON_H
#include "base/decimal.h"
#include "base/mem.h"
#include <stdint.h>

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json {
    enum json_type type;
    uint32_t key_length;
    const char *text; /* string: decoded, NUL-terminated; number: its source text, NUL-terminated */
    uint32_t length;  /* of text */
    uint32_t count;   /* array, object: children */
    const char *key;  /* inside an object: decoded key, NUL-terminated */
    struct json *child; /* first child, in source order */
    struct json *next;  /* next sibling */
};

struct json_limits {
    uint32_t depth; /* 0: 16 */
    uint32_t nodes; /* 0: 4096 */
};

/* NULL and *err (class REFUSED, code INPUT, "line 1 column 17: ...") on failure. The tree lives in
 * the arena. */
struct json *json_parse(struct arena *arena, const char *text, size_t length,
                        const struct json_limits *limits, struct err *err) MUST_CHECK;
/* NULL: absent or not an object. */
const struct json *json_get(const struct json *object, const char *key);
/* "a.b[2].c" from the root; NULL when any part is absent. */
const struct json *json_at(const struct json *root, const char *path);
const char *json_text(const struct json *object, const char *key); /* NULL unless a string */
/* A whole JSON number, or a string of digits. */
bool json_int(const struct json *object, const char *key, int64_t *out);
bool json_bool(const struct json *object, const char *key, bool *out);
/* A JSON number, or a string holding one. */
bool json_decimal(const struct json *object, const char *key, struct decimal *out);
#endif
