/* The text builder, and the few questions asked about plain C strings. */
#include "base/str.h"

#include "base/digits.h"
#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A put that does not fit is dropped whole, and so is all that follows: a text with a hole in the
 * middle would read as if it were complete. */
static bool reserve(struct str *s, size_t more)
{
    if (s->cut)
        return false;
    assert(more < SIZE_MAX / 4 && s->length < SIZE_MAX / 4);
    size_t need = s->length + more;
    if (s->max && need > s->max) {
        s->cut = true;
        return false;
    }
    if (need < s->room)
        return true;
    size_t room = s->room ? s->room * 2 : 128;
    while (room <= need)
        room *= 2;
    if (s->max && room > s->max + 1)
        room = s->max + 1;
    s->data = mem_realloc(s->data, room);
    s->room = room;
    return true;
}

/* Events and traces are made of a thousand small puts each: the usual one goes straight in. */
static inline bool has_room(const struct str *s, size_t more)
{
    return more < s->room - s->length && !s->cut && (!s->max || s->length + more <= s->max);
}

void str_put(struct str *s, const char *bytes, size_t length)
{
    if (!has_room(s, length) && !reserve(s, length))
        return;
    if (length)
        memcpy(s->data + s->length, bytes, length);
    s->length += length;
    s->data[s->length] = '\0';
}

void str_reserve(struct str *s, size_t more)
{
    assert(!s->max);
    reserve(s, more);
}

void str_putc(struct str *s, char c)
{
    if (!has_room(s, 1) && !reserve(s, 1))
        return;
    s->data[s->length++] = c;
    s->data[s->length] = '\0';
}

void str_printf(struct str *s, const char *format, ...)
{
    if (s->cut)
        return;
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t left = s->room > s->length ? s->room - s->length : 0;
    int length = vsnprintf(left ? s->data + s->length : NULL, left, format, args);
    va_end(args);
    assert(length >= 0);
    if ((size_t)length < left && (!s->max || s->length + (size_t)length <= s->max)) {
        s->length += (size_t)length;
    } else {
        if (left)
            s->data[s->length] = '\0';
        if (reserve(s, (size_t)length)) {
            vsnprintf(s->data + s->length, (size_t)length + 1, format, again);
            s->length += (size_t)length;
        }
    }
    va_end(again);
}

size_t text_int(char out[INT_TEXT_MAX], int64_t value)
{
    char text[INT_TEXT_MAX], *at = text + sizeof text;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    *--at = '\0';
    at = digits_all(at, rest);
    if (value < 0)
        *--at = '-';
    size_t size = (size_t)(text + sizeof text - at);
    memcpy(out, at, size);
    return size - 1;
}

void str_put_int(struct str *s, int64_t value)
{
    char text[INT_TEXT_MAX];
    str_put(s, text, text_int(text, value));
}

void str_put_decimal(struct str *s, struct decimal value)
{
    char text[DECIMAL_TEXT_MAX];
    str_put(s, text, decimal_print(value, text));
}

size_t text_utf8_length(const char *text, size_t left)
{
    const unsigned char *at = (const unsigned char *)text;
    if (left == 0)
        return 0;
    unsigned char lead = at[0];
    if (lead < 0x80)
        return lead ? 1 : 0;
    size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (length == 0 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    if (lead == 0xE0 && at[1] < 0xA0)
        return 0; /* overlong */
    if (lead == 0xED && at[1] > 0x9F)
        return 0; /* surrogate */
    if (lead == 0xF0 && at[1] < 0x90)
        return 0; /* overlong */
    if (lead == 0xF4 && at[1] > 0x8F)
        return 0; /* beyond U+10FFFF */
    return length;
}

bool text_is_utf8(const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + length;
    while (at < end) {
        if (*at - 1u < 0x7Fu) {
            at++;
            continue;
        }
        size_t step = text_utf8_length((const char *)at, (size_t)(end - at));
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

enum { ESCAPE_MAX = 6, PIECE_MAX = 256 };

/* What stands in a JSON string as it is. */
static const bool is_plain[256] = {
    [' ' ... '!'] = true, ['#' ... '['] = true, [']' ... 0x7F] = true};

size_t text_plain(const char *text)
{
    size_t length = 0;
    while (is_plain[(unsigned char)text[length]])
        length++;
    return length;
}

static char *put_escape(char *to, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[256] = {
        ['"'] = '"', ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    *to++ = '\\';
    if (letters[c]) {
        *to++ = letters[c];
        return to;
    }
    memcpy(to, "u00", 3);
    to[3] = hex[c >> 4];
    to[4] = hex[c & 15];
    return to + 5;
}

/* Bytes that are no UTF-8 become U+FFFD: one hostile byte must not make a whole log line
 * unreadable. The room is there. */
static char *put_piece(char *to, const unsigned char *at, const unsigned char *end,
                       const unsigned char *stop)
{
    for (;;) {
        const unsigned char *from = at;
        while (at < stop && is_plain[*at])
            at++;
        to = mempcpy(to, from, (size_t)(at - from));
        if (at >= stop)
            return to;
        if (*at < 0x80) {
            to = put_escape(to, *at++);
            continue;
        }
        size_t step = text_utf8_length((const char *)at, (size_t)(end - at));
        memcpy(to, step ? (const char *)at : "\xEF\xBF\xBD", step ? step : 3);
        to += step ? step : 3;
        at += step ? step : 1;
    }
}

/* A piece never ends inside a character. */
static const unsigned char *piece_end(const unsigned char *at, const unsigned char *end)
{
    if (end - at <= PIECE_MAX)
        return end;
    for (const unsigned char *stop = at + PIECE_MAX, *least = stop - 4; stop > least; stop--)
        if ((*stop & 0xC0) != 0x80)
            return stop;
    return at + PIECE_MAX;
}

void str_put_json_n(struct str *s, const char *text, size_t length)
{
    if (!text) {
        str_put(s, "null", 4);
        return;
    }
    str_putc(s, '"');
    const unsigned char *at = (const unsigned char *)text, *end = at + length;
    while (at < end && !s->cut) {
        const unsigned char *stop = piece_end(at, end);
        size_t most = (size_t)(stop - at) * ESCAPE_MAX;
        if (s->max) { /* what does not fit is dropped whole: its length must be known first */
            char piece[PIECE_MAX * ESCAPE_MAX];
            str_put(s, piece, (size_t)(put_piece(piece, at, end, stop) - piece));
        } else if (has_room(s, most) || reserve(s, most)) {
            s->length = (size_t)(put_piece(s->data + s->length, at, end, stop) - s->data);
            s->data[s->length] = '\0';
        }
        at = stop;
    }
    str_putc(s, '"');
}

void str_put_json(struct str *s, const char *text)
{
    size_t length = text ? text_plain(text) : 0;
    if (!text || text[length] || s->max) {
        str_put_json_n(s, text, text ? strlen(text) : 0);
        return;
    }
    char *to = str_begin(s, length + 2); /* the usual text needs no escape */
    *to++ = '"';
    to = mempcpy(to, text, length);
    *to++ = '"';
    str_end(s, to);
}

void str_put_html(struct str *s, const char *text)
{
    for (;;) {
        size_t plain = strcspn(text, "&<>\"'");
        str_put(s, text, plain);
        text += plain;
        switch (*text++) {
        case '&':
            str_puts(s, "&amp;");
            break;
        case '<':
            str_puts(s, "&lt;");
            break;
        case '>':
            str_puts(s, "&gt;");
            break;
        case '"':
            str_puts(s, "&quot;");
            break;
        case '\'':
            str_puts(s, "&#39;");
            break;
        default:
            return;
        }
    }
}

void str_clear(struct str *s)
{
    s->length = 0;
    s->cut = false;
    if (s->data)
        s->data[0] = '\0';
}

void str_free(struct str *s)
{
    mem_free(s->data);
    *s = (struct str){.max = s->max};
}

const char *str_text(const struct str *s)
{
    return s->data ? s->data : "";
}

bool text_copy(char *field, size_t size, const char *text)
{
    assert(size > 0);
    size_t length = strlen(text), kept = length < size ? length : size - 1;
    /* A cut in the middle of a character would make the copy unusable as UTF-8. */
    if (kept < length)
        while (kept > 0 && ((unsigned char)text[kept] & 0xC0) == 0x80)
            kept--;
    memcpy(field, text, kept);
    field[kept] = '\0';
    return kept == length;
}

bool text_equal(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    return strcmp(a, b) == 0;
}

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}
