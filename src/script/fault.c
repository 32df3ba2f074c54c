/* What went wrong, told so that the author of a script can act: file and line, the line itself, and
 * who called whom. Places are taken at the point of failure into fixed buffers, because the heap
 * may be what failed. */
#include "script/inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACE_FRAMES 16
#define LEVELS_MOST 60

static const char *file_of(const lua_Debug *frame) {
    const char *source = frame->source ? frame->source : "";
    return *source == '@' || *source == '=' ? source + 1 : frame->short_src;
}

static size_t put_frame(char *out, size_t room, const lua_Debug *frame) {
    const char *in = frame->name;
    int length;
    if (in && *in)
        length = snprintf(out, room, "  %s:%d in %.60s\n", file_of(frame), frame->currentline, in);
    else
        length = snprintf(out, room, "  %s:%d in %s\n", file_of(frame), frame->currentline,
                          *frame->what == 'm' ? "the file itself" : "a function");
    if (length < 0 || (size_t)length >= room) {
        *out = '\0';
        return 0;
    }
    return (size_t)length;
}

void fault_here(lua_State *L, struct sandbox *box) {
    lua_Debug frame;
    size_t used = 0;
    box->place.taken = true;
    box->place.line = 0;
    box->place.file[0] = box->place.trace[0] = '\0';
    for (int level = 0, shown = 0; level < LEVELS_MOST && shown < TRACE_FRAMES; level++) {
        if (!lua_getstack(L, level, &frame)) break;
        if (!lua_getinfo(L, "Sln", &frame) || *frame.what == 'C' || frame.currentline <= 0)
            continue;
        if (shown++ == 0) {
            box->place.line = frame.currentline;
            text_copy(box->place.file, sizeof box->place.file, file_of(&frame));
        }
        size_t added = put_frame(box->place.trace + used, sizeof box->place.trace - used, &frame);
        if (added == 0) break;
        used += added;
    }
}

int fault_handler(lua_State *L) {
    struct sandbox *box = inner_box(L);
    if (box->end == SANDBOX_OK) fault_here(L, box);
    return 1;
}

/* "file:12: text" of a text that is ours; false when the message has no such beginning. */
static bool split_place(struct sandbox *box, const char *text, char *file, size_t room, int *line) {
    const char *colon = strchr(text, ':');
    if (!colon || (size_t)(colon - text) >= room) return false;
    char *end;
    long number = strtol(colon + 1, &end, 10);
    if (end == colon + 1 || *end != ':' || number <= 0 || number > 10000000) return false;
    char name[sizeof box->failure.file];
    size_t length = (size_t)(colon - text);
    memcpy(name, text, length);
    name[length] = '\0';
    if (!modules_of_chunk(box, name)) return false;
    memcpy(file, name, length + 1);
    *line = (int)number;
    return true;
}

static void copy_line(struct sandbox *box) {
    struct sandbox_failure *failure = &box->failure;
    const struct source *source = modules_of_chunk(box, failure->file);
    if (!source || failure->line <= 0) return;
    const char *at = source->text, *end = at + source->length;
    for (int line = 1; line < failure->line && at < end; line++) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        at = next ? next + 1 : end;
    }
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    while (at < stop && (*at == ' ' || *at == '\t')) at++;
    while (stop > at && (stop[-1] == '\r' || stop[-1] == ' ')) stop--;
    size_t length = (size_t)(stop - at);
    if (length >= sizeof failure->source) length = sizeof failure->source - 1;
    memcpy(failure->source, at, length);
    failure->source[length] = '\0';
}

/* The interpreter's words for a decimal are "userdata value"; it refuses `price < 5` before any of
 * our code could run. */
static const char *hint_for(const char *text) {
    if (strstr(text, "attempt to compare") && strstr(text, "userdata"))
        return " (a decimal compares with < only to a decimal: write decimal(5), or price:lt(5))";
    if (strstr(text, "arithmetic on") && strstr(text, "userdata"))
        return " (userdata: one of the host's values that is no number)";
    return "";
}

static const char *kill_text(const struct sandbox *box, char *out, size_t room) {
    const struct sandbox_limits *limits = &box->limits;
    switch (box->end) {
    case SANDBOX_INSTRUCTIONS:
        snprintf(out, room, "stopped: used up its %llu instructions",
                 (unsigned long long)limits->instructions);
        break;
    case SANDBOX_TIME:
        snprintf(out, room, "stopped: took longer than %u ms", limits->wall_ms);
        break;
    case SANDBOX_MEMORY:
        if (box->crowded) {
            snprintf(out, room, "stopped: a table with more than %u keys that are no list",
                     INNER_KEYS_MOST);
            break;
        }
        snprintf(out, room, "stopped: needs more than its %zu bytes of memory",
                 limits->memory_bytes);
        break;
    case SANDBOX_OUTPUT:
        snprintf(out, room, "stopped: printed more than %zu bytes", limits->output_bytes);
        break;
    default: snprintf(out, room, "stopped: cancelled by the host");
    }
    return out;
}

static const char *error_text(lua_State *L, char *out, size_t room) {
    switch (lua_type(L, -1)) {
    case LUA_TSTRING: return lua_tostring(L, -1);
    case LUA_TNUMBER: snprintf(out, room, "%.14g", lua_tonumber(L, -1)); return out;
    case LUA_TTABLE: /* error{message = "..."} is a common way */
        lua_pushliteral(L, "message");
        lua_rawget(L, -2);
        if (lua_type(L, -1) == LUA_TSTRING) return lua_tostring(L, -1);
        snprintf(out, room, "raised a table without a text field `message`");
        return out;
    default: snprintf(out, room, "raised a %s instead of a text", luaL_typename(L, -1)); return out;
    }
}

static void set_text(struct sandbox *box, const char *text, const char *hint) {
    struct sandbox_failure *failure = &box->failure;
    char file[sizeof failure->file];
    int line;
    if (split_place(box, text, file, sizeof file, &line)) {
        memcpy(failure->file, file, sizeof file);
        failure->line = line;
        snprintf(failure->text, sizeof failure->text, "%.380s%s", text, hint);
    } else if (failure->line > 0) {
        snprintf(failure->text, sizeof failure->text, "%s:%d: %.250s%s", failure->file,
                 failure->line, text, hint);
    } else {
        snprintf(failure->text, sizeof failure->text, "%.380s%s", text, hint);
    }
}

void fault_record(struct sandbox *box, int status) {
    struct sandbox_failure *failure = &box->failure;
    char room[160];
    memset(failure, 0, sizeof *failure);
    if (box->end == SANDBOX_OK && status == LUA_ERRMEM) box->end = SANDBOX_MEMORY;
    if (box->place.taken && status != LUA_ERRSYNTAX) {
        failure->line = box->place.line;
        memcpy(failure->file, box->place.file, sizeof failure->file);
        memcpy(failure->trace, box->place.trace, sizeof failure->trace);
    }
    if (box->end != SANDBOX_OK) {
        failure->end = box->end;
        set_text(box, kill_text(box, room, sizeof room), "");
        box->kills++;
    } else {
        failure->end = status == LUA_ERRSYNTAX ? SANDBOX_SYNTAX : SANDBOX_FAILED;
        const char *text = error_text(box->L, room, sizeof room);
        set_text(box, text, hint_for(text));
        box->errors++;
    }
    copy_line(box);
}

bool fault_misuse(struct sandbox *box, const char *format, ...) {
    memset(&box->failure, 0, sizeof box->failure);
    box->failure.end = SANDBOX_MISUSE;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(box->failure.text, sizeof box->failure.text, format, arguments);
    va_end(arguments);
    box->errors++;
    return false;
}

const struct sandbox_failure *sandbox_failure(const struct sandbox *box) { return &box->failure; }

const char *sandbox_end_name(enum sandbox_end end) {
    static const char *const names[] = {"ok",     "error",  "syntax",    "instructions", "time",
                                        "memory", "output", "cancelled", "misuse",
                                        "died"};
    return (size_t)end < sizeof names / sizeof *names ? names[end] : "unknown";
}

bool sandbox_end_is_kill(enum sandbox_end end) {
    return (end >= SANDBOX_INSTRUCTIONS && end <= SANDBOX_CANCELLED) || end == SANDBOX_DIED;
}
