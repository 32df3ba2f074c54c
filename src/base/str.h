/* Text that grows: the one builder for JSON, metrics, pages, log lines. Bounded on request. */
#ifndef TIDELOCK_BASE_STR_H
#define TIDELOCK_BASE_STR_H
#include "base/decimal.h"
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    char *data; /* always NUL-terminated once anything was put; NULL before */
    size_t length;
    size_t room; /* bytes allocated */
    size_t max;  /* 0: unbounded; else the put that does not fit and all later ones are dropped */
    bool cut;    /* something was dropped; str_clear starts anew */
};

#define STR_EMPTY ((struct str){0})
void str_put(struct str *s, const char *bytes, size_t length);
/* Here, so that the length of a literal is known when it is compiled. */
static inline void str_puts(struct str *s, const char *text)
{
    str_put(s, text, strlen(text));
}
void str_reserve(struct str *s, size_t more); /* of an unbounded text */
/* Writing in place, into an unbounded text: where its next bytes go, with room for `most` of them,
 * and afterwards where they end. */
static inline char *str_begin(struct str *s, size_t most)
{
    assert(!s->max);
    if (most >= s->room - s->length)
        str_reserve(s, most);
    return s->data + s->length;
}
static inline void str_end(struct str *s, char *end)
{
    *end = '\0';
    s->length = (size_t)(end - s->data);
}
void str_putc(struct str *s, char c);
void str_printf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_put_int(struct str *s, int64_t value);
#define INT_TEXT_MAX 24
size_t text_int(char out[INT_TEXT_MAX], int64_t value); /* its decimal digits; their number */
void str_put_decimal(struct str *s, struct decimal value);
/* A JSON string with its quotes: escapes control characters, quote, backslash; bytes that are no
 * UTF-8 become U+FFFD. NULL gives null. */
void str_put_json(struct str *s, const char *text);
void str_put_json_n(struct str *s, const char *text, size_t length);
/* Text inside HTML: & < > " ' escaped. */
void str_put_html(struct str *s, const char *text);
void str_clear(struct str *s); /* keeps the room */
void str_free(struct str *s);
const char *str_text(const struct str *s); /* "" when empty */

/* Copies into a fixed field; false (and a cut copy) when it does not fit. */
bool text_copy(char *field, size_t size, const char *text);
bool text_equal(const char *a, const char *b);
bool text_is_utf8(const char *text,
                  size_t length); /* well-formed, no NUL, no surrogates, no overlongs */
/* Bytes of the well-formed character (no NUL) at the start of `text`; 0 when there is none. */
size_t text_utf8_length(const char *text, size_t left);
/* Bytes from the start of `text` that stand in a JSON string as they are; all of them when its NUL
 * follows. */
size_t text_plain(const char *text);
bool text_starts(const char *text, const char *prefix);
#endif
