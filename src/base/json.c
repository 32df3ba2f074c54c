/* The strict JSON reader.
 *
 * The document is copied into the arena once and taken apart in place: a decoded string is never
 * longer than its source, so it is written over it and its closing quote becomes the NUL. A number
 * has no such byte behind it, but always a consumed one before it (the copy starts with a spare
 * byte), so its text moves one to the left. Positions in errors come from the caller's untouched
 * text. */
#include "base/json.h"

#include "base/str.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_DEFAULT 16u
#define DEPTH_MOST 512u /* reading descends on the C stack */
#define NODES_DEFAULT 4096u
#define PAIRWISE_MOST 32u /* children compared with each other; beyond, their keys are sorted */
#define LENGTH_MOST (UINT32_C(1) << 30)

struct reader {
    struct arena *arena;
    const char *source; /* as the caller gave it */
    char *copy, *at, *end;
    uint32_t depth, depth_most, nodes, nodes_most;
    struct err *err;
};

enum { PLAIN = 1 }; /* characters a string may hold that need no look */
static const uint8_t kind_of[256] = {
    [' '] = PLAIN,
    ['!'] = PLAIN,
    ['#' ... '['] = PLAIN,
    [']' ... 0x7F] = PLAIN,
};

static bool read_value(struct reader *r, struct json *node);

__attribute__((format(printf, 3, 4))) static bool refuse(struct reader *r, const char *at,
                                                         const char *format, ...)
{
    char sentence[192];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    size_t offset = (size_t)(at - r->copy);
    unsigned line = 1, column = 1;
    for (size_t i = 0; i < offset; i++) {
        unsigned char c = (unsigned char)r->source[i];
        if (c == '\n') {
            line++;
            column = 1;
        } else if ((c & 0xC0) != 0x80) {
            column++;
        }
    }
    return err_set(r->err, ERR_REFUSED, ERR_INPUT, "line %u column %u: %s", line, column, sentence);
}

static void skip_blanks(struct reader *r)
{
    while (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t')
        r->at++;
}

static bool refuse_character(struct reader *r, const char *wanted)
{
    unsigned char c = (unsigned char)*r->at;
    if (r->at >= r->end)
        return refuse(r, r->at, "the document ends where %s should follow", wanted);
    if (c == '{' && r->at > r->copy && r->at[-1] == '{')
        return refuse(r, r->at - 1, "{{...}} is a placeholder that was not filled in");
    if (c > ' ' && c < 0x7F)
        return refuse(r, r->at, "expected %s, not '%c'", wanted, c);
    return refuse(r, r->at, "expected %s, not the byte 0x%02X", wanted, c);
}

/* --- strings ---------------------------------------------------------------------------------- */

static bool read_hex4(const char *at, unsigned *out)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            digit = (unsigned)(c - 'A' + 10);
        else
            return false; /* also the NUL behind the document */
        value = value << 4 | digit;
    }
    *out = value;
    return true;
}

static char *put_utf8(char *to, unsigned point)
{
    if (point < 0x80) {
        *to++ = (char)point;
    } else if (point < 0x800) {
        *to++ = (char)(0xC0 | point >> 6);
        *to++ = (char)(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        *to++ = (char)(0xE0 | point >> 12);
        *to++ = (char)(0x80 | (point >> 6 & 0x3F));
        *to++ = (char)(0x80 | (point & 0x3F));
    } else {
        *to++ = (char)(0xF0 | point >> 18);
        *to++ = (char)(0x80 | (point >> 12 & 0x3F));
        *to++ = (char)(0x80 | (point >> 6 & 0x3F));
        *to++ = (char)(0x80 | (point & 0x3F));
    }
    return to;
}

/* r->at is behind "\u". */
static bool read_unicode(struct reader *r, char **to)
{
    char *start = r->at - 2;
    unsigned point, low;
    if (!read_hex4(r->at, &point))
        return refuse(r, start, "\\u needs four hex digits");
    r->at += 4;
    if (point == 0)
        return refuse(r, start, "a string may not hold NUL (\\u0000)");
    if (point >= 0xDC00 && point <= 0xDFFF)
        return refuse(r, start, "a lone low surrogate");
    if (point >= 0xD800 && point <= 0xDBFF) {
        if (r->at[0] != '\\' || r->at[1] != 'u' || !read_hex4(r->at + 2, &low) || low < 0xDC00 ||
            low > 0xDFFF)
            return refuse(r, start, "a high surrogate without its low one");
        r->at += 6;
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    *to = put_utf8(*to, point);
    return true;
}

static bool read_escape(struct reader *r, char **to)
{
    char c = r->at[1];
    r->at += 2;
    switch (c) {
    case '"':
    case '\\':
    case '/':
        *(*to)++ = c;
        return true;
    case 'b':
        *(*to)++ = '\b';
        return true;
    case 'f':
        *(*to)++ = '\f';
        return true;
    case 'n':
        *(*to)++ = '\n';
        return true;
    case 'r':
        *(*to)++ = '\r';
        return true;
    case 't':
        *(*to)++ = '\t';
        return true;
    case 'u':
        return read_unicode(r, to);
    default:
        return refuse(r, r->at - 2, "an unknown escape; write \\\\ for a backslash");
    }
}

/* r->at is on the opening quote. */
static bool read_string(struct reader *r, const char **text, uint32_t *length)
{
    char *open = r->at++, *start = r->at, *to = start;
    for (;;) {
        char *run = r->at;
        while (kind_of[(unsigned char)*r->at] == PLAIN)
            r->at++;
        size_t plain = (size_t)(r->at - run);
        if (to != run)
            memmove(to, run, plain);
        to += plain;
        unsigned char c = (unsigned char)*r->at;
        if (c == '"')
            break;
        if (c == '\\') {
            if (!read_escape(r, &to))
                return false;
        } else if (c >= 0x80) {
            size_t step = text_utf8_length(r->at, (size_t)(r->end - r->at));
            if (step == 0)
                return refuse(r, r->at, "the byte 0x%02X is not UTF-8", c);
            memmove(to, r->at, step);
            to += step;
            r->at += step;
        } else if (r->at >= r->end) {
            return refuse(r, open, "a string that starts here is never closed");
        } else {
            return refuse(r, r->at, "a control character (0x%02X) in a string; write \\u%04X", c,
                          c);
        }
    }
    r->at++;
    *to = '\0';
    *text = start;
    *length = (uint32_t)(to - start);
    return true;
}

/* --- numbers and words ------------------------------------------------------------------------ */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_digits(struct reader *r, const char *what)
{
    if (!is_digit(*r->at))
        return refuse_character(r, what);
    while (is_digit(*r->at))
        r->at++;
    return true;
}

static bool read_number(struct reader *r, struct json *node)
{
    char *start = r->at;
    if (*r->at == '-')
        r->at++;
    if (*r->at == 'I')
        return refuse(r, start, "Infinity is not a JSON number");
    if (*r->at == '0' && is_digit(r->at[1]))
        return refuse(r, start, "a number may not start with a superfluous zero");
    if (!take_digits(r, "a digit"))
        return false;
    if (*r->at == '.') {
        r->at++;
        if (!take_digits(r, "a digit after the point"))
            return false;
    }
    if (*r->at == 'e' || *r->at == 'E') {
        r->at++;
        if (*r->at == '+' || *r->at == '-')
            r->at++;
        if (!take_digits(r, "a digit in the exponent"))
            return false;
    }
    size_t length = (size_t)(r->at - start);
    memmove(start - 1, start, length);
    start[length - 1] = '\0';
    node->type = JSON_NUMBER;
    node->text = start - 1;
    node->length = (uint32_t)length;
    return true;
}

static bool read_word(struct reader *r, const char *word, size_t length, enum json_type type,
                      struct json *node)
{
    if (strncmp(r->at, word, length) != 0)
        return refuse_character(r, "a value");
    r->at += length;
    node->type = type;
    return true;
}

/* --- objects and arrays ----------------------------------------------------------------------- */

static const char *shown_key(const struct json *node, char out[44])
{
    size_t shown = node->key_length < 40 ? node->key_length : 40;
    for (size_t i = 0; i < shown; i++)
        out[i] = node->key[i] >= ' ' && node->key[i] < 0x7F ? node->key[i] : '?';
    memcpy(out + shown, shown < node->key_length ? "..." : "", shown < node->key_length ? 4 : 1);
    return out;
}

static bool refuse_twice(struct reader *r, const struct json *a, const struct json *b)
{
    const struct json *later = a->key > b->key ? a : b;
    char key[44];
    return refuse(r, later->key - 1, "the key \"%s\" appears twice in one object",
                  shown_key(later, key));
}

static int compare_keys(const void *left, const void *right)
{
    const struct json *a = *(const struct json *const *)left;
    const struct json *b = *(const struct json *const *)right;
    if (a->key_length != b->key_length)
        return a->key_length < b->key_length ? -1 : 1;
    return memcmp(a->key, b->key, a->key_length);
}

static bool check_sorted_keys(struct reader *r, const struct json *object)
{
    const struct json **sorted = arena_alloc(r->arena, object->count * sizeof *sorted);
    size_t count = 0;
    for (const struct json *child = object->child; child; child = child->next)
        sorted[count++] = child;
    qsort(sorted, count, sizeof *sorted, compare_keys);
    for (size_t i = 1; i < count; i++)
        if (compare_keys(&sorted[i - 1], &sorted[i]) == 0)
            return refuse_twice(r, sorted[i - 1], sorted[i]);
    return true;
}

/* A small fingerprint per key: two keys are compared only when an earlier key has the same one. */
static uint64_t key_bit(const struct json *node)
{
    const unsigned char *key = (const unsigned char *)node->key;
    uint32_t length = node->key_length;
    uint32_t mix = length * 7u;
    if (length)
        mix += key[0] * 5u + key[length / 2] * 11u + key[length - 1] * 23u;
    return UINT64_C(1) << (mix & 63);
}

static bool check_keys(struct reader *r, const struct json *object)
{
    if (object->count > PAIRWISE_MOST)
        return check_sorted_keys(r, object);
    uint64_t seen = 0;
    for (const struct json *child = object->child; child; child = child->next) {
        uint64_t bit = key_bit(child);
        if (seen & bit) {
            for (const struct json *old = object->child; old != child; old = old->next)
                if (old->key_length == child->key_length &&
                    memcmp(old->key, child->key, child->key_length) == 0)
                    return refuse_twice(r, old, child);
        }
        seen |= bit;
    }
    return true;
}

static bool enter(struct reader *r)
{
    if (++r->depth > r->depth_most)
        return refuse(r, r->at, "nested deeper than %u levels", r->depth_most);
    r->at++;
    skip_blanks(r);
    return true;
}

static struct json *new_node(struct reader *r)
{
    if (++r->nodes > r->nodes_most) {
        refuse(r, r->at, "more than %u values in one document", r->nodes_most);
        return NULL;
    }
    return arena_alloc(r->arena, sizeof(struct json));
}

static bool read_key(struct reader *r, struct json *child)
{
    if (*r->at != '"')
        return refuse_character(r, "a key in quotes");
    if (!read_string(r, &child->key, &child->key_length))
        return false;
    skip_blanks(r);
    if (*r->at != ':')
        return refuse_character(r, "':' after a key");
    r->at++;
    skip_blanks(r);
    return true;
}

/* Objects and arrays alike: keys are the only difference. */
static bool read_children(struct reader *r, struct json *node, enum json_type type, char close)
{
    node->type = type;
    if (!enter(r))
        return false;
    if (*r->at == close)
        goto out;
    for (struct json **link = &node->child;;) {
        struct json *child = new_node(r);
        if (!child)
            return false;
        if (type == JSON_OBJECT && !read_key(r, child))
            return false;
        if (!read_value(r, child))
            return false;
        *link = child;
        link = &child->next;
        node->count++;
        skip_blanks(r);
        if (*r->at == close)
            break;
        if (*r->at != ',')
            return refuse_character(r, type == JSON_OBJECT ? "',' or '}'" : "',' or ']'");
        r->at++;
        skip_blanks(r);
    }
    if (type == JSON_OBJECT && !check_keys(r, node))
        return false;
out:
    r->at++;
    r->depth--;
    return true;
}

static bool read_value(struct reader *r, struct json *node)
{
    switch (*r->at) {
    case '{':
        return read_children(r, node, JSON_OBJECT, '}');
    case '[':
        return read_children(r, node, JSON_ARRAY, ']');
    case '"':
        node->type = JSON_STRING;
        return read_string(r, &node->text, &node->length);
    case 't':
        return read_word(r, "true", 4, JSON_TRUE, node);
    case 'f':
        return read_word(r, "false", 5, JSON_FALSE, node);
    case 'n':
        return read_word(r, "null", 4, JSON_NULL, node);
    case 'N':
        if (strncmp(r->at, "NaN", 3) != 0)
            return refuse_character(r, "a value");
        return refuse(r, r->at, "NaN is not a JSON number");
    case 'I':
        return refuse(r, r->at, "Infinity is not a JSON number");
    default:
        if (*r->at == '-' || is_digit(*r->at))
            return read_number(r, node);
        return refuse_character(r, "a value");
    }
}

struct json *json_parse(struct arena *arena, const char *text, size_t length,
                        const struct json_limits *limits, struct err *err)
{
    if (length > LENGTH_MOST) {
        err_set(err, ERR_REFUSED, ERR_INPUT, "line 1 column 1: the document is larger than 1 GiB");
        return NULL;
    }
    struct reader r = {.arena = arena, .source = text, .err = err};
    r.depth_most = limits && limits->depth ? limits->depth : DEPTH_DEFAULT;
    if (r.depth_most > DEPTH_MOST)
        r.depth_most = DEPTH_MOST;
    r.nodes_most = limits && limits->nodes ? limits->nodes : NODES_DEFAULT;
    r.copy = (char *)arena_alloc(arena, length + 2) + 1;
    if (length)
        memcpy(r.copy, text, length);
    r.at = r.copy;
    r.end = r.copy + length;
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        refuse(&r, r.at, "a byte order mark; save the document as UTF-8 without one");
        return NULL;
    }
    skip_blanks(&r);
    struct json *root = new_node(&r);
    if (!root || !read_value(&r, root))
        return NULL;
    skip_blanks(&r);
    if (r.at < r.end) {
        refuse(&r, r.at, "something follows the end of the document");
        return NULL;
    }
    return root;
}

/* --- looking things up ------------------------------------------------------------------------ */

static const struct json *find_child(const struct json *object, const char *key, size_t length)
{
    if (!object || object->type != JSON_OBJECT)
        return NULL;
    for (const struct json *child = object->child; child; child = child->next)
        if (child->key_length == length && memcmp(child->key, key, length) == 0)
            return child;
    return NULL;
}

const struct json *json_get(const struct json *object, const char *key)
{
    return find_child(object, key, strlen(key));
}

static const struct json *find_element(const struct json *array, const char **path)
{
    uint64_t index = 0;
    const char *at = *path + 1;
    if (!is_digit(*at))
        return NULL;
    for (; is_digit(*at); at++)
        if (index < UINT32_MAX)
            index = index * 10 + (uint64_t)(*at - '0');
    if (*at != ']' || array->type != JSON_ARRAY || index >= array->count)
        return NULL;
    *path = at + 1;
    const struct json *child = array->child;
    while (index-- > 0)
        child = child->next;
    return child;
}

const struct json *json_at(const struct json *root, const char *path)
{
    const struct json *node = root;
    while (node && *path) {
        if (*path == '[') {
            node = find_element(node, &path);
            continue;
        }
        if (*path == '.' && node != root)
            path++;
        size_t length = strcspn(path, ".[");
        if (length == 0)
            return NULL;
        node = find_child(node, path, length);
        path += length;
    }
    return node;
}

const char *json_text(const struct json *object, const char *key)
{
    const struct json *value = json_get(object, key);
    return value && value->type == JSON_STRING ? value->text : NULL;
}

static bool read_int(const char *text, int64_t *out)
{
    bool negative = *text == '-';
    if (negative)
        text++;
    if (!is_digit(*text))
        return false;
    int64_t value = 0;
    for (; is_digit(*text); text++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, *text - '0', &value))
            return false;
    if (*text)
        return false;
    if (!negative && value == INT64_MIN)
        return false;
    *out = negative ? value : -value;
    return true;
}

bool json_int(const struct json *object, const char *key, int64_t *out)
{
    const struct json *value = json_get(object, key);
    if (!value || (value->type != JSON_NUMBER && value->type != JSON_STRING))
        return false;
    if (read_int(value->text, out))
        return true;
    /* 3.0 and 1e3 are whole numbers too, when they are JSON numbers. */
    struct decimal number;
    return value->type == JSON_NUMBER && decimal_parse(value->text, value->length, &number, NULL) &&
           decimal_to_int(number, out);
}

bool json_bool(const struct json *object, const char *key, bool *out)
{
    const struct json *value = json_get(object, key);
    if (!value || (value->type != JSON_TRUE && value->type != JSON_FALSE))
        return false;
    *out = value->type == JSON_TRUE;
    return true;
}

bool json_decimal(const struct json *object, const char *key, struct decimal *out)
{
    const struct json *value = json_get(object, key);
    if (!value || (value->type != JSON_NUMBER && value->type != JSON_STRING))
        return false;
    return decimal_parse(value->text, value->length, out, NULL);
}
