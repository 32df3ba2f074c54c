/* Compiling other people's text. The parser has no hook, and it takes quadratic time for long
 * chains of jumps and for names in deep nests; and a number like 1LL makes the interpreter load its
 * ffi library into the state, unasked. So a text is first read for what must not be in it, then fed
 * to the parser in small pieces, with a look at the clock between them. */
#include "script/inner.h"

#include <string.h>

#define PIECE 64
#define JUMPS_MOST 1000 /* goto and labels: the parser matches each with each, in one go */

static const char no_ffi[] = "numbers with LL or i are not available; decimal('123') is exact";


static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static char ahead(const struct scan *s, ptrdiff_t by) {
    return s->end - s->at > by ? s->at[by] : '\0';
}

static void skip_line(struct scan *s) {
    while (s->at < s->end && *s->at != '\n' && *s->at != '\r') s->at++;
}

static void step(struct scan *s) {
    if (*s->at == '\n') s->line++;
    s->at++;
}

/* At a '[': skips [==[ ... ]==] and says so, or moves nothing. */
static bool skip_long(struct scan *s) {
    ptrdiff_t level = 0;
    while (ahead(s, 1 + level) == '=') level++;
    if (ahead(s, 1 + level) != '[') return false;
    s->at += 2 + level;
    for (; s->at < s->end; step(s)) {
        if (*s->at != ']') continue;
        ptrdiff_t same = 0;
        while (same < level && ahead(s, 1 + same) == '=') same++;
        if (same == level && ahead(s, 1 + level) == ']') {
            s->at += 2 + level;
            break;
        }
    }
    return true;
}

static void skip_quoted(struct scan *s) {
    char quote = *s->at++;
    while (s->at < s->end && *s->at != quote) {
        if (*s->at == '\\' && s->end - s->at > 1) step(s);
        step(s);
    }
    if (s->at < s->end) s->at++;
}

static void read_number(struct scan *s) {
    char mark = ahead(s, 1) == 'x' || ahead(s, 1) == 'X' ? 'p' : 'e', last = *s->at;
    while (s->at < s->end && (is_word(*s->at) || *s->at == '.' ||
                              ((*s->at == '+' || *s->at == '-') && (last | ' ') == mark)))
        last = *s->at++;
    if ((last | ' ') == 'l' || (last | ' ') == 'i') s->fault = no_ffi;
}

static void read_word(struct scan *s) {
    const char *start = s->word = s->at;
    while (s->at < s->end && is_word(*s->at)) s->at++;
    s->word_length = (size_t)(s->at - start);
    if (s->at - start == 4 && memcmp(start, "goto", 4) == 0) s->jumps++;
}

void text_token(struct scan *s) {
    char c = s->symbol = *s->at;
    s->word = NULL;
    if (c == '-' && ahead(s, 1) == '-') {
        s->at += 2;
        if (ahead(s, 0) != '[' || !skip_long(s)) skip_line(s);
        s->symbol = ' ';
    } else if (c == '"' || c == '\'') {
        skip_quoted(s);
    } else if (c == '[' && skip_long(s)) {
        return;
    } else if (is_digit(c) || (c == '.' && is_digit(ahead(s, 1)))) {
        read_number(s);
    } else if (is_word(c)) {
        read_word(s);
    } else {
        if (c == ':' && ahead(s, 1) == ':') s->jumps++;
        step(s);
    }
    if (s->jumps > 3 * JUMPS_MOST) s->fault = "too many gotos and labels in one file";
}

/* What the interpreter would skip before the first token: a mark of UTF-8 and a '#' line. */
void text_begin(struct scan *s, const char *text, size_t length) {
    *s = (struct scan){.at = text, .end = text + length, .line = 1};
    if (s->end - s->at >= 3 && memcmp(s->at, "\xef\xbb\xbf", 3) == 0) s->at += 3;
    if (ahead(s, 0) == '#') skip_line(s);
}

struct feed {
    const char *at, *end;
    struct sandbox *box;
};

/* Ends the text early rather than raise: this is called from inside the parser. */
static const char *feed_piece(lua_State *L, void *data, size_t *size) {
    (void)L;
    struct feed *feed = data;
    size_t left = (size_t)(feed->end - feed->at);
    *size = left < PIECE ? left : PIECE;
    if (left == 0 || !guard_in_time(feed->box)) return NULL;
    feed->at += *size;
    return feed->at - *size;
}

/* The cap is lifted meanwhile, because nobody may be there to catch a refusal. */
static int refuse(lua_State *L, struct sandbox *box, const char *chunk, int line,
                  const char *fault) {
    bool lenient = box->lenient;
    box->lenient = true;
    lua_pushfstring(L, "%s:%d: %s", chunk + 1, line, fault);
    box->lenient = lenient;
    return LUA_ERRSYNTAX;
}

static bool has_ffi(lua_State *L, struct sandbox *box) {
    bool lenient = box->lenient;
    box->lenient = true;
    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    lua_pushliteral(L, "ffi");
    lua_rawget(L, -2);
    bool has = !lua_isnil(L, -1);
    lua_pop(L, 2);
    box->lenient = lenient;
    return has;
}

int text_load(lua_State *L, const char *text, size_t length, const char *chunk) {
    struct sandbox *box = inner_box(L);
    struct scan scan;
    text_begin(&scan, text, length);
    while (scan.at < scan.end && !scan.fault) text_token(&scan);
    if (scan.fault) return refuse(L, box, chunk, scan.line, scan.fault);
    struct feed feed = {text, text + length, box};
    int status = lua_loadx(L, feed_piece, &feed, chunk, "t");
    if (status != 0 || !has_ffi(L, box)) return status;
    lua_pop(L, 1); /* the scan should have seen it */
    return refuse(L, box, chunk, 1, no_ffi);
}
