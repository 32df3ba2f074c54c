/* Lua's patterns by backtracking, with what the interpreter's own matcher lacks: a bound on steps
 * and a look at the budget every thousand of them, since no hook runs inside a C function. */
#include "script/inner.h"

#include <ctype.h>
#include <string.h>

#define DEPTH_MOST 200
#define STEPS_MOST 2000000u
#define STEPS_CHARGED 1024u
#define OPEN (-1)
#define ESCAPE '%'

static const char *match_here(struct pattern *m, const char *at, const char *p);

void pattern_open(struct pattern *m, lua_State *L, const char *subject, size_t subject_length,
                  const char *text, size_t text_length) {
    m->L = L;
    m->box = inner_box(L);
    m->subject = subject;
    m->subject_end = subject + subject_length;
    m->text = text;
    m->text_end = text + text_length;
    m->steps = m->unpaid = 0;
    m->depth = m->level = 0;
}

static void pay(struct pattern *m) {
    guard_charge(m->L, m->box, m->unpaid / 4);
    m->steps += m->unpaid;
    m->unpaid = 0;
    if (m->steps >= STEPS_MOST) luaL_error(m->L, "the pattern needs too many steps for this text");
}

static inline void spend(struct pattern *m, size_t steps) {
    m->unpaid += steps;
    if (m->unpaid >= STEPS_CHARGED) pay(m);
}

static inline void tick(struct pattern *m) { spend(m, 1); }

static bool in_class(unsigned char c, unsigned char letter) {
    bool is;
    switch (tolower(letter)) {
    case 'a': is = isalpha(c); break;
    case 'c': is = iscntrl(c); break;
    case 'd': is = c >= '0' && c <= '9'; break;
    case 'g': is = isgraph(c); break;
    case 'l': is = islower(c); break;
    case 'p': is = ispunct(c); break;
    case 's': is = isspace(c); break;
    case 'u': is = isupper(c); break;
    case 'w': is = isalnum(c); break;
    case 'x': is = isxdigit(c); break;
    case 'z': is = c == 0; break;
    default: return letter == c;
    }
    return isupper(letter) ? !is : is;
}

/* Where the single-character item at p ends: a character, %x or [set]. */
static const char *item_end(struct pattern *m, const char *p) {
    const char *start = p;
    char first = *p++;
    if (first == ESCAPE) {
        if (p >= m->text_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 1;
    }
    if (first != '[') return p;
    if (p < m->text_end && *p == '^') p++;
    do { /* a ']' right at the beginning stands for itself */
        if (p >= m->text_end) luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == ESCAPE) {
            if (p >= m->text_end) luaL_error(m->L, "malformed pattern (missing ']')");
            p++;
        }
    } while (p >= m->text_end || *p != ']');
    spend(m, (size_t)(p - start) / 4); /* a set may be as long as a text */
    return p + 1;
}

/* p is at '[', last at its ']'. */
static bool in_set(unsigned char c, const char *p, const char *last) {
    bool wanted = true;
    p++;
    if (*p == '^') {
        wanted = false;
        p++;
    }
    while (p < last) {
        if (*p == ESCAPE) {
            if (in_class(c, (unsigned char)p[1])) return wanted;
            p += 2;
        } else if (p + 2 < last && p[1] == '-') {
            if ((unsigned char)p[0] <= c && c <= (unsigned char)p[2]) return wanted;
            p += 3;
        } else {
            if ((unsigned char)*p == c) return wanted;
            p++;
        }
    }
    return !wanted;
}

static bool item_fits(struct pattern *m, const char *at, const char *p, const char *end) {
    tick(m);
    if (at >= m->subject_end) return false;
    unsigned char c = (unsigned char)*at;
    switch (*p) {
    case '.': return true;
    case ESCAPE: return in_class(c, (unsigned char)p[1]);
    case '[': spend(m, (size_t)(end - p) / 4); return in_set(c, p, end - 1);
    default: return (unsigned char)*p == c;
    }
}

static const char *match_balance(struct pattern *m, const char *at, const char *p) {
    if (m->text_end - p < 2) luaL_error(m->L, "malformed pattern ('%%b' needs two characters)");
    if (at >= m->subject_end || *at != p[0]) return NULL;
    int open = 1;
    for (at++; at < m->subject_end; at++) {
        tick(m);
        if (*at == p[1]) {
            if (--open == 0) return at + 1;
        } else if (*at == p[0]) {
            open++;
        }
    }
    return NULL;
}

static const char *match_most(struct pattern *m, const char *at, const char *p, const char *end) {
    ptrdiff_t count = 0;
    while (item_fits(m, at + count, p, end)) count++;
    for (; count >= 0; count--) {
        const char *rest = match_here(m, at + count, end + 1);
        if (rest) return rest;
    }
    return NULL;
}

static const char *match_least(struct pattern *m, const char *at, const char *p, const char *end) {
    for (;; at++) {
        const char *rest = match_here(m, at, end + 1);
        if (rest) return rest;
        if (!item_fits(m, at, p, end)) return NULL;
    }
}

static const char *open_capture(struct pattern *m, const char *at, const char *p, ptrdiff_t mark) {
    if (m->level >= PATTERN_CAPTURES) luaL_error(m->L, "too many captures in the pattern");
    m->capture[m->level].start = at;
    m->capture[m->level].length = mark;
    m->level++;
    const char *rest = match_here(m, at, p);
    if (!rest) m->level--;
    return rest;
}

static const char *close_capture(struct pattern *m, const char *at, const char *p) {
    int i = m->level - 1;
    while (i >= 0 && m->capture[i].length != OPEN) i--;
    if (i < 0) luaL_error(m->L, "malformed pattern (')' closes nothing)");
    m->capture[i].length = at - m->capture[i].start;
    const char *rest = match_here(m, at, p);
    if (!rest) m->capture[i].length = OPEN;
    return rest;
}

static const char *match_again(struct pattern *m, const char *at, char digit) {
    int i = digit - '1';
    if (i < 0 || i >= m->level || m->capture[i].length == OPEN)
        luaL_error(m->L, "malformed pattern (%%%c refers to no capture)", digit);
    size_t length = m->capture[i].length > 0 ? (size_t)m->capture[i].length : 0;
    spend(m, length / 16);
    if ((size_t)(m->subject_end - at) < length || memcmp(m->capture[i].start, at, length) != 0)
        return NULL;
    return at + length;
}

static bool at_frontier(struct pattern *m, const char *at, const char *p, const char *end) {
    unsigned char before = at == m->subject ? 0 : (unsigned char)at[-1];
    unsigned char here = at < m->subject_end ? (unsigned char)*at : 0;
    spend(m, (size_t)(end - p) / 2);
    return !in_set(before, p, end - 1) && in_set(here, p, end - 1);
}

/* %b %f %1: sets *next and returns the place behind, or NULL and *special false when it is an
 * ordinary %x. */
static const char *match_special(struct pattern *m, const char *at, const char *p,
                                 const char **next, bool *special) {
    *special = true;
    char kind = p + 1 < m->text_end ? p[1] : '\0';
    if (kind == 'b') {
        *next = p + 4;
        return match_balance(m, at, p + 2);
    }
    if (kind == 'f') {
        p += 2;
        if (p >= m->text_end || *p != '[')
            luaL_error(m->L, "malformed pattern (missing '[' after '%%f')");
        *next = item_end(m, p);
        return at_frontier(m, at, p, *next) ? at : NULL;
    }
    if (kind >= '0' && kind <= '9') {
        *next = p + 2;
        return match_again(m, at, kind);
    }
    *special = false;
    return NULL;
}

/* One item with its quantifier. Sets *done when the result is final; else continues behind *next.
 */
static const char *match_item(struct pattern *m, const char *at, const char *p, const char **next,
                              bool *done) {
    const char *end = item_end(m, p);
    char quantifier = end < m->text_end ? *end : '\0';
    *done = true;
    switch (quantifier) {
    case '*': return match_most(m, at, p, end);
    case '+': return item_fits(m, at, p, end) ? match_most(m, at + 1, p, end) : NULL;
    case '-': return match_least(m, at, p, end);
    case '?':
        if (item_fits(m, at, p, end)) {
            const char *rest = match_here(m, at + 1, end + 1);
            if (rest) return rest;
        }
        *done = false;
        *next = end + 1;
        return at;
    default:
        if (!item_fits(m, at, p, end)) return NULL;
        *done = false;
        *next = end;
        return at + 1;
    }
}

static const char *match_from(struct pattern *m, const char *at, const char *p) {
    while (p < m->text_end) {
        tick(m);
        bool position = p + 1 < m->text_end && p[1] == ')';
        if (*p == '(')
            return position ? open_capture(m, at, p + 2, PATTERN_POSITION)
                            : open_capture(m, at, p + 1, OPEN);
        if (*p == ')') return close_capture(m, at, p + 1);
        if (*p == '$' && p + 1 == m->text_end) return at == m->subject_end ? at : NULL;
        bool done = false;
        if (*p == ESCAPE) {
            const char *rest = match_special(m, at, p, &p, &done);
            if (done) {
                if (!rest) return NULL;
                at = rest;
                continue;
            }
        }
        at = match_item(m, at, p, &p, &done);
        if (done || !at) return at;
    }
    return at;
}

static const char *match_here(struct pattern *m, const char *at, const char *p) {
    if (m->depth >= DEPTH_MOST) luaL_error(m->L, "the pattern is nested too deeply");
    m->depth++;
    const char *end = match_from(m, at, p);
    m->depth--;
    return end;
}

const char *pattern_match(struct pattern *m, const char *at) {
    m->level = 0;
    m->depth = 0;
    return match_here(m, at, m->text);
}

void pattern_push_capture(struct pattern *m, int i, const char *start, const char *end) {
    lua_State *L = m->L;
    if (i >= m->level) {
        if (i != 0) luaL_error(L, "capture %%%d does not exist", i + 1);
        lua_pushlstring(L, start, (size_t)(end - start));
        return;
    }
    ptrdiff_t length = m->capture[i].length;
    if (length == OPEN) luaL_error(L, "a capture in the pattern is not closed");
    if (length == PATTERN_POSITION)
        lua_pushinteger(L, m->capture[i].start - m->subject + 1);
    else
        lua_pushlstring(L, m->capture[i].start, (size_t)length);
}

int pattern_push_captures(struct pattern *m, const char *start, const char *end) {
    int count = m->level == 0 && start ? 1 : m->level;
    luaL_checkstack(m->L, count, "too many captures");
    for (int i = 0; i < count; i++) pattern_push_capture(m, i, start, end);
    return count;
}
