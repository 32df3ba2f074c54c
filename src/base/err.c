/* Filling in errors: one sentence, cut at a character and never in the middle of one. */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

/* A sentence goes into JSON and log lines as it is, so a cut one must still be UTF-8. */
static void trim_broken_tail(char *text, size_t length)
{
    size_t start = length;
    while (start > 0 && length - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t need = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (length - start < need)
        text[start - 1] = '\0';
}

static void format_into(char *text, size_t size, const char *format, va_list args)
{
    int length = vsnprintf(text, size, format, args);
    if (length < 0)
        text[0] = '\0';
    else if ((size_t)length >= size)
        trim_broken_tail(text, size - 1);
}

bool err_set(struct err *err, enum err_class class, enum err_code code, const char *format, ...)
{
    if (!err)
        return false;
    /* Through a copy: the arguments may quote the error that is being replaced. */
    char text[sizeof err->text];
    va_list args;
    va_start(args, format);
    format_into(text, sizeof text, format, args);
    va_end(args);
    err->class = class;
    err->code = code;
    memcpy(err->text, text, sizeof text);
    return false;
}

bool err_prefix(struct err *err, const char *format, ...)
{
    if (!err)
        return false;
    char text[sizeof err->text];
    va_list args;
    va_start(args, format);
    format_into(text, sizeof text, format, args);
    va_end(args);
    size_t used = strlen(text);
    int more = snprintf(text + used, sizeof text - used, ": %s", err->text);
    if (more > 0 && (size_t)more >= sizeof text - used)
        trim_broken_tail(text, sizeof text - 1);
    memcpy(err->text, text, sizeof text);
    return false;
}

void err_clear(struct err *err)
{
    if (!err)
        return;
    err->class = ERR_NONE;
    err->code = ERR_OK;
    err->text[0] = '\0';
}

const char *err_class_name(enum err_class class)
{
    switch (class) {
    case ERR_NONE:
        return "none";
    case ERR_NOT_DONE:
        return "not_done";
    case ERR_MAYBE_DONE:
        return "maybe_done";
    case ERR_LATER:
        return "later";
    case ERR_REFUSED:
        return "refused";
    }
    return "unknown";
}

const char *err_code_name(enum err_code code)
{
    static const char *const names[] = {
        [ERR_OK] = "ok",
        [ERR_USAGE] = "usage",
        [ERR_CONFIG] = "config",
        [ERR_INPUT] = "input",
        [ERR_AUTH] = "auth",
        [ERR_NOT_FOUND] = "not_found",
        [ERR_DUPLICATE] = "duplicate",
        [ERR_CONFLICT] = "conflict",
        [ERR_FENCED] = "fenced",
        [ERR_FULL] = "full",
        [ERR_TIMEOUT] = "timeout",
        [ERR_IO] = "io",
        [ERR_CORRUPT] = "corrupt",
        [ERR_SCHEMA] = "schema",
        [ERR_POLICY] = "policy",
        [ERR_LIMIT] = "limit",
        [ERR_RAIL] = "rail",
        [ERR_HALTED] = "halted",
        [ERR_BROKER] = "broker",
        [ERR_BUSY] = "busy",
        [ERR_CLOSED] = "closed",
    };
    size_t at = (size_t)code;
    return at < sizeof names / sizeof names[0] && names[at] ? names[at] : "unknown";
}
