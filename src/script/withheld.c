/* What authors of plain Lua look for and do not find here, and what to use instead: told when a
 * script runs into it, and for a whole text before anything runs. */
#include "script/inner.h"

#include <string.h>

static const struct row {
    const char *name, *advice;
} rows[] = {
    {"os.time", "f.now is the time of a call, in seconds"},
    {"os.clock", "f.now is the time of a call, in seconds; how long a call takes is measured"},
    {"os.date", "compute with f.now, the time of a call in seconds"},
    {"os.getenv", "what differs between places comes in parameters"},
    {"math.randomseed", "chance starts from the host's seed, so that a replay draws the same"},
    {"string.dump", "there is no bytecode here"},
    {"table.foreach", "write for key, value in pairs(t) do"},
    {"table.foreachi", "write for place, value in ipairs(t) do"},
    {"table.getn", "write #t"},
    {"table.pack", "write {...}, and select('#', ...) for its length"},
    {"table.unpack", "write unpack(t)"},
    {"table.move", "write a loop"},
    {"_G", "there is no table of globals; use locals and return a table"},
    {"io", "a script reads no files; what it needs comes in its facts"},
    {"os", "a script has no clock and no environment; time comes in its facts"},
    {"debug", "there is no access to the interpreter"},
    {"package", "use require with a name of the strategy's own files or the stock library"},
    {"module", "return a table at the end of the file instead"},
    {"load", "code comes in files only"},
    {"loadstring", "code comes in files only"},
    {"loadfile", "use require"},
    {"dofile", "use require"},
    {"getfenv", "environments are fixed"},
    {"setfenv", "environments are fixed"},
    {"coroutine", "write plain functions; a policy never waits"},
    {"xpcall", "use pcall; the host records the traceback of what is not caught"},
    {"newproxy", "use a table with a metatable"},
    {"collectgarbage", "the host collects between calls"},
    {"gcinfo", "the host collects between calls"},
    {"ffi", "there is no access to the machine"},
    {"jit", "scripts run interpreted, so that their limits hold"},
};

enum { ROWS = sizeof rows / sizeof *rows };

const char *withheld_advice(const char *name) {
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0) return rows[i].advice;
    return NULL;
}

const char *sandbox_withheld(size_t index, const char **advice) {
    if (index >= ROWS) return NULL;
    *advice = rows[index].advice;
    return rows[index].name;
}

/* Three tokens in a row are enough to tell a use (os.time, os() or os:x) from a local of the same
 * name or a field. */
struct token {
    const char *text;
    size_t length; /* 0: the end */
    int line;
    bool is_word;
};

static struct token next_token(struct scan *scan) {
    while (scan->at < scan->end) {
        const char *start = scan->at;
        int line = scan->line;
        text_token(scan);
        if (scan->symbol == ' ' || strchr("\t\r\n", scan->symbol)) continue;
        return (struct token){start, (size_t)(scan->at - start), line, scan->word != NULL};
    }
    return (struct token){.text = ""};
}

static bool is(const struct token *token, const char *text) {
    return token->length == strlen(text) && memcmp(token->text, text, token->length) == 0;
}

static bool is_use(const struct token *before, const struct token *after) {
    bool reached = is(after, ".") || is(after, "(") || is(after, ":");
    return reached && !is(before, ".") && !is(before, ":") && !is(before, "function");
}

/* The row of "name.member", or of "name" alone. */
static size_t find_row(const struct token *name, const struct token *member) {
    for (size_t i = 0; i < ROWS; i++) {
        const char *dot = strchr(rows[i].name, '.');
        if (!dot && is(name, rows[i].name)) return i;
        if (dot && member && (size_t)(dot - rows[i].name) == name->length &&
            memcmp(rows[i].name, name->text, name->length) == 0 && is(member, dot + 1))
            return i;
    }
    return ROWS;
}

struct found {
    int line[ROWS];      /* of the first use; 0: none */
    bool declared[ROWS]; /* the text gives the name a meaning of its own */
};

static void note(struct found *found, const struct token *before, const struct token *name,
                 const struct token *after, const struct token *member) {
    bool use = is_use(before, after);
    size_t row = find_row(name, use && is(after, ".") ? member : NULL);
    if (row == ROWS || is(before, ".") || is(before, ":")) return;
    if (use && found->line[row] == 0) found->line[row] = name->line;
    bool introduces = is(before, "local") || is(before, "function") || is(before, ",") ||
                      is(before, "for") || is(before, "(") || is(after, "=");
    if (!use && introduces) found->declared[row] = true;
}

static bool is_declared(const struct found *found, size_t row) {
    const char *dot = strchr(rows[row].name, '.');
    for (size_t i = 0; i < ROWS && dot; i++)
        if (strlen(rows[i].name) == (size_t)(dot - rows[row].name) &&
            memcmp(rows[i].name, rows[row].name, (size_t)(dot - rows[row].name)) == 0)
            return found->declared[i];
    return found->declared[row];
}

size_t sandbox_advise(const char *source, size_t length, sandbox_advice_fn each, void *context) {
    struct scan scan;
    struct found found = {.line = {0}};
    struct token tokens[4];
    size_t count = 0;
    text_begin(&scan, source, length);
    tokens[0] = (struct token){.text = ""};
    for (int i = 1; i < 4; i++) tokens[i] = next_token(&scan);
    for (; tokens[1].length; tokens[3] = next_token(&scan)) {
        if (tokens[1].is_word) note(&found, &tokens[0], &tokens[1], &tokens[2], &tokens[3]);
        memmove(tokens, tokens + 1, 3 * sizeof *tokens);
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (found.line[i] == 0 || is_declared(&found, i)) continue;
        each(context, found.line[i], rows[i].name, rows[i].advice);
        count++;
    }
    return count;
}
