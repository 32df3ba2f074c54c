/* Where each key of a table file stands: a small reader of Lua's tokens that follows the table the
 * file returns.
 *
 * The Lua machine forgets the lines of table fields, yet "config.lua:14: rails.max_position ..." is
 * what a person needs. So the text is walked a second time, only for positions: values are taken
 * from the machine alone, and what this reader cannot follow (a table built in a local first) just
 * has the line of the nearest key around it. */
#include "policy/table_lines.h"

#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum token { TOKEN_END, TOKEN_NAME, TOKEN_STRING, TOKEN_NUMBER, TOKEN_SIGN };

struct reader {
    const char *at, *end;
    int line;
    enum token token;
    int token_line;
    const char *text; /* of the token; strings: between the quotes, escapes not undone */
    size_t length;
    struct arena *arena;
    struct table_lines *lines;
    struct err *err;
};

static void skip_counting(struct reader *r, size_t length)
{
    for (; length > 0 && r->at < r->end; length--, r->at++)
        if (*r->at == '\n')
            r->line++;
}

/* At "[[" or "[=[": the number of equals signs; -1 when it is no long bracket. */
static int long_bracket(const struct reader *r)
{
    const char *p = r->at + 1;
    int level = 0;

    for (; p < r->end && *p == '='; p++)
        level++;
    return p < r->end && *p == '[' ? level : -1;
}

static void skip_long(struct reader *r, int level)
{
    skip_counting(r, (size_t)level + 2);
    r->text = r->at;
    for (; r->at < r->end; skip_counting(r, 1)) {
        const char *p = r->at + 1;
        int count = 0;

        if (*r->at != ']')
            continue;
        for (; p < r->end && *p == '=' && count < level; p++)
            count++;
        if (count == level && p < r->end && *p == ']') {
            r->length = (size_t)(r->at - r->text);
            skip_counting(r, (size_t)level + 2);
            return;
        }
    }
    r->length = (size_t)(r->at - r->text);
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end) {
        if (isspace((unsigned char)*r->at)) {
            skip_counting(r, 1);
        } else if (r->end - r->at >= 2 && r->at[0] == '-' && r->at[1] == '-') {
            r->at += 2;
            if (r->at < r->end && *r->at == '[' && long_bracket(r) >= 0) {
                skip_long(r, long_bracket(r));
                continue;
            }
            while (r->at < r->end && *r->at != '\n')
                r->at++;
        } else {
            return;
        }
    }
}

static void read_quoted(struct reader *r)
{
    char quote = *r->at++;

    r->text = r->at;
    while (r->at < r->end && *r->at != quote)
        skip_counting(r, *r->at == '\\' && r->end - r->at > 1 ? 2 : 1);
    r->length = (size_t)(r->at - r->text);
    if (r->at < r->end)
        r->at++;
}

static void advance(struct reader *r)
{
    skip_blanks(r);
    r->token_line = r->line;
    r->text = r->at;
    if (r->at >= r->end) {
        r->token = TOKEN_END;
    } else if (isalpha((unsigned char)*r->at) || *r->at == '_') {
        r->token = TOKEN_NAME;
        while (r->at < r->end && (isalnum((unsigned char)*r->at) || *r->at == '_'))
            r->at++;
        r->length = (size_t)(r->at - r->text);
    } else if (isdigit((unsigned char)*r->at)) {
        r->token = TOKEN_NUMBER;
        while (r->at < r->end && (isalnum((unsigned char)*r->at) || *r->at == '.'))
            r->at++;
        r->length = (size_t)(r->at - r->text);
    } else if (*r->at == '"' || *r->at == '\'') {
        r->token = TOKEN_STRING;
        read_quoted(r);
    } else if (*r->at == '[' && long_bracket(r) >= 0) {
        r->token = TOKEN_STRING;
        skip_long(r, long_bracket(r));
    } else {
        r->token = TOKEN_SIGN;
        r->length = 1;
        r->at++;
    }
}

static bool is_sign(const struct reader *r, char sign)
{
    return r->token == TOKEN_SIGN && *r->text == sign;
}

static bool note(struct reader *r, const char *path, int line)
{
    struct table_line *entry;

    for (entry = r->lines->first; entry; entry = entry->next)
        if (strcmp(entry->path, path) == 0)
            return err_set(r->err, ERR_REFUSED, ERR_CONFIG,
                           "%s:%d: \"%s\" is given twice; the first one is on line %d",
                           r->lines->name, line, path, entry->line);
    if (r->lines->count >= TABLE_NODES_MAX)
        return err_set(r->err, ERR_REFUSED, ERR_CONFIG, "%s:%d: more than %d entries",
                       r->lines->name, line, TABLE_NODES_MAX);
    entry = arena_alloc(r->arena, sizeof *entry);
    entry->path = arena_text(r->arena, path);
    entry->line = line;
    *(r->lines->last ? &r->lines->last->next : &r->lines->first) = entry;
    r->lines->last = entry;
    r->lines->count++;
    return true;
}

static bool read_table(struct reader *r, const char *path, int depth);

static bool is_word(const struct reader *r, const char *word)
{
    return r->token == TOKEN_NAME && r->length == strlen(word) &&
           memcmp(r->text, word, r->length) == 0;
}

/* What the token does to the nesting of brackets and blocks: 1 opens, -1 closes. `for` and `while`
 * open with their `do`. */
static int nesting(const struct reader *r)
{
    if (is_sign(r, '(') || is_sign(r, '{') || is_sign(r, '['))
        return 1;
    if (is_sign(r, ')') || is_sign(r, '}') || is_sign(r, ']'))
        return -1;
    if (is_word(r, "function") || is_word(r, "do") || is_word(r, "if") || is_word(r, "repeat"))
        return 1;
    return is_word(r, "end") || is_word(r, "until") ? -1 : 0;
}

/* Passes over one value; a table constructor that is the whole value is followed. */
static bool read_value(struct reader *r, const char *path, int depth)
{
    int open = 0;

    if (is_sign(r, '{') && !read_table(r, path, depth + 1))
        return false;
    for (; r->token != TOKEN_END; advance(r)) {
        if (open == 0 && (is_sign(r, ',') || is_sign(r, ';') || is_sign(r, '}')))
            return true;
        open += nesting(r);
    }
    return true;
}

static void make_path(char *out, size_t size, const char *path, const char *key, size_t length)
{
    snprintf(out, size, "%s%s%.*s", path, *path ? "." : "", (int)length, key);
}

/* One field: leaves the reader at the separator or the closing brace. */
static bool read_field(struct reader *r, const char *path, int *index, int depth)
{
    struct reader start = *r;
    char name[TABLE_PATH_MAX];
    bool keyed = false;

    if (r->token == TOKEN_NAME) {
        make_path(name, sizeof name, path, r->text, r->length);
        advance(r);
        keyed = is_sign(r, '=');
    } else if (is_sign(r, '[')) {
        advance(r);
        if (r->token == TOKEN_NUMBER)
            snprintf(name, sizeof name, "%s[%ld]", path, strtol(r->text, NULL, 10) - 1);
        else
            make_path(name, sizeof name, path, r->text, r->length);
        while (r->token != TOKEN_END && !is_sign(r, ']'))
            advance(r);
        advance(r);
        keyed = is_sign(r, '=');
    }
    if (keyed) {
        advance(r);
    } else {
        struct table_lines *lines = r->lines;

        *r = start;
        r->lines = lines;
        snprintf(name, sizeof name, "%s[%d]", path, (*index)++);
    }
    return note(r, name, start.token_line) && read_value(r, name, depth);
}

static bool read_table(struct reader *r, const char *path, int depth)
{
    int index = 0; /* paths count from 0, as JSON does */

    if (depth > TABLE_DEPTH_MAX)
        return err_set(r->err, ERR_REFUSED, ERR_CONFIG, "%s:%d: tables are nested deeper than %d",
                       r->lines->name, r->token_line, TABLE_DEPTH_MAX);
    advance(r);
    while (r->token != TOKEN_END && !is_sign(r, '}')) {
        if (!read_field(r, path, &index, depth))
            return false;
        if (is_sign(r, ',') || is_sign(r, ';'))
            advance(r);
    }
    advance(r);
    return true;
}

bool table_lines_read(const char *name, const char *text, size_t length, struct arena *arena,
                      struct table_lines **out, struct err *err)
{
    struct reader r = {.at = text, .end = text + length, .line = 1, .arena = arena, .err = err};
    int open = 0;

    *out = r.lines = arena_alloc(arena, sizeof *r.lines);
    r.lines->name = arena_text(arena, name);
    for (advance(&r); r.token != TOKEN_END; advance(&r)) {
        open += nesting(&r);
        if (open != 0 || !is_word(&r, "return"))
            continue;
        advance(&r);
        r.lines->return_line = r.token_line;
        if (is_sign(&r, '{'))
            return read_table(&r, "", 1);
        open += nesting(&r);
    }
    return true;
}

const struct table_line *table_lines_find(const struct table_lines *lines, const char *path)
{
    for (const struct table_line *entry = lines->first; entry; entry = entry->next)
        if (strcmp(entry->path, path) == 0)
            return entry;
    return NULL;
}

int table_lines_at(const struct table_lines *lines, const char *path)
{
    char part[TABLE_PATH_MAX];

    if (!text_copy(part, sizeof part, path))
        return lines->return_line;
    for (size_t length = strlen(part); length > 0; length--) {
        const struct table_line *entry;

        if (length < strlen(path) && path[length] != '.' && path[length] != '[')
            continue;
        part[length] = '\0';
        entry = table_lines_find(lines, part);
        if (entry)
            return entry->line;
    }
    return lines->return_line;
}
