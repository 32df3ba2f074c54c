/* Log lines: made here, buffered here, and given to the system only as far as it takes them at
 * once.
 *
 * A log that waits stops trading, so a full pipe costs lines, never time: what does not fit is
 * counted, and the count is written as a line of its own when there is room again. The descriptor's
 * flags are left alone, because they are shared with whoever else holds it. One thread uses a log.
 */
#include "base/log.h"

#include "base/calendar.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_SIZE 65536u
#define LINE_MOST 16384u   /* longer lines lose their end */
#define MESSAGE_MOST 1024u /* bytes; six times that, escaped, still fit a line */
#define MESSAGE_WIDTH 28u
#define LAST_FLUSH_MS 200

struct log {
    int fd;
    enum log_level least;
    bool text, colour, is_file, is_socket, in_hook;
    const struct clock *clock;
    char instance[64];
    void (*hook)(void *ctx, enum log_level level, const char *json_line);
    void *hook_ctx;
    struct str json, line;
    size_t start, used; /* of the buffer */
    uint64_t dropped;
    char buffer[BUFFER_SIZE];
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct log *log_new(int fd, enum log_format format, enum log_level least, const struct clock *clock,
                    const char *instance_id)
{
    struct log *log = mem_alloc(sizeof *log);
    struct stat info;
    bool terminal = isatty(fd);
    const char *no_colour = getenv("NO_COLOR");
    log->fd = fd;
    log->least = least;
    log->clock = clock;
    log->text = format == LOG_TEXT || (format == LOG_AUTO && terminal);
    log->colour = log->text && terminal && !(no_colour && *no_colour);
    if (fstat(fd, &info) == 0) {
        log->is_file = S_ISREG(info.st_mode);
        log->is_socket = S_ISSOCK(info.st_mode);
    }
    log->json.max = log->line.max = LINE_MOST;
    log_set_instance(log, instance_id);
    return log;
}

void log_set_hook(struct log *log, void (*hook)(void *, enum log_level, const char *), void *ctx)
{
    if (!log)
        return;
    log->hook = hook;
    log->hook_ctx = ctx;
}

void log_set_level(struct log *log, enum log_level least)
{
    if (log)
        log->least = least;
}

void log_set_instance(struct log *log, const char *instance_id)
{
    if (log)
        text_copy(log->instance, sizeof log->instance, instance_id ? instance_id : "");
}

/* --- sink ------------------------------------------------------------------------------------- */

static bool takes_more(int fd, int wait_ms)
{
    struct pollfd ask = {.fd = fd, .events = POLLOUT};
    return poll(&ask, 1, wait_ms) == 1 && (ask.revents & POLLOUT);
}

/* Never waits: a pipe that polls writable takes PIPE_BUF bytes at once, a socket is told not to. */
static ssize_t write_some(struct log *log, const char *bytes, size_t length)
{
    if (log->is_file)
        return write(log->fd, bytes, length);
    if (log->is_socket)
        return send(log->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (!takes_more(log->fd, 0)) {
        errno = EAGAIN;
        return -1;
    }
    return write(log->fd, bytes, length < PIPE_BUF ? length : PIPE_BUF);
}

static void drop_buffer(struct log *log)
{
    for (size_t i = log->start; i < log->start + log->used; i++)
        log->dropped += log->buffer[i] == '\n';
    log->start = log->used = 0;
}

void log_flush(struct log *log)
{
    if (!log)
        return;
    while (log->used > 0) {
        ssize_t wrote = write_some(log, log->buffer + log->start, log->used);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                drop_buffer(log); /* the reader is gone */
            return;
        }
        log->start += (size_t)wrote;
        log->used -= (size_t)wrote;
    }
    log->start = 0;
}

void log_free(struct log *log)
{
    if (!log)
        return;
    log_flush(log);
    for (int i = 0; i < 4 && log->used > 0;
         i++) { /* the last lines tell why: a slow reader gets a moment */
        takes_more(log->fd, LAST_FLUSH_MS / 4);
        log_flush(log);
    }
    str_free(&log->json);
    str_free(&log->line);
    mem_free(log);
}

static bool append(struct log *log, const struct str *line)
{
    size_t length = line->length + 1;
    if (log->start + log->used + length > BUFFER_SIZE) {
        log_flush(log);
        memmove(log->buffer, log->buffer + log->start, log->used);
        log->start = 0;
        if (log->used + length > BUFFER_SIZE)
            return false;
    }
    char *end = log->buffer + log->start + log->used;
    memcpy(end, str_text(line), line->length);
    end[line->length] = '\n';
    log->used += length;
    return true;
}

/* --- values ----------------------------------------------------------------------------------- */

static void put_ms(struct str *s, int64_t us)
{
    if (us < 0)
        str_putc(s, '-');
    uint64_t value = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    str_printf(s, "%llu.%03u", (unsigned long long)(value / 1000), (unsigned)(value % 1000));
}

static bool is_plain_text(const char *text)
{
    if (!*text)
        return false;
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at >= 0x7F || *at == '"' || *at == '\\' || *at == '=')
            return false;
    return true;
}

/* For a person, a plain text and a figure stand without quotes. Nothing from outside may move a
 * terminal's cursor: anything unusual is shown as a JSON string there, too. For a machine a figure
 * is quoted: a reader that takes JSON numbers for doubles must not round money. */
static void put_value(struct str *s, const struct log_field *field, bool as_json)
{
    switch (field->type) {
    case LOG_FIELD_TEXT:
        if (!as_json && field->text && is_plain_text(field->text))
            str_puts(s, field->text);
        else
            str_put_json(s, field->text);
        break;
    case LOG_FIELD_INT:
        str_put_int(s, field->number);
        break;
    case LOG_FIELD_MS:
        put_ms(s, field->number);
        break;
    case LOG_FIELD_DECIMAL:
        str_puts(s, as_json ? "\"" : "");
        str_put_decimal(s, field->decimal);
        str_puts(s, as_json ? "\"" : "");
        break;
    case LOG_FIELD_END:
        break;
    }
}

/* An absent figure is not shown. */
static bool is_absent(const struct log_field *field)
{
    return field->type == LOG_FIELD_DECIMAL && !decimal_ok(field->decimal);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void make_json(struct log *log, int64_t now_us, enum log_level level, const char *room,
                      const char *message, const struct log_field *fields)
{
    struct str *s = &log->json;
    char time[CALENDAR_TEXT_MAX];
    str_clear(s);
    str_puts(s, "{\"ts\":\"");
    str_put(s, time, calendar_print(now_us, time));
    str_puts(s, "\",\"level\":\"");
    str_puts(s, level_names[level]);
    str_puts(s, "\",\"room\":");
    str_put_json_n(s, room, strnlen(room, MESSAGE_MOST));
    str_puts(s, ",\"msg\":");
    str_put_json_n(s, message, strnlen(message, MESSAGE_MOST));
    str_puts(s, ",\"instance_id\":");
    str_put_json(s, log->instance);
    s->max = LINE_MOST - 32;
    for (; fields->type != LOG_FIELD_END; fields++) {
        if (is_absent(fields))
            continue;
        size_t whole = s->length;
        str_putc(s, ',');
        str_put_json(s, fields->name);
        str_putc(s, ':');
        put_value(s, fields, true);
        if (!s->cut)
            continue;
        s->length = whole; /* half a field would spoil the line */
        s->cut = false;
        s->max = LINE_MOST;
        str_puts(s, ",\"log_cut\":true");
        break;
    }
    s->max = LINE_MOST;
    str_putc(s, '}');
}

/* --- text ------------------------------------------------------------------------------------- */

static void put_time_of_day(struct str *s, int64_t now_us)
{
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm local;
    if (!localtime_r(&seconds, &local))
        return;
    str_printf(s, "%02d:%02d:%02d.%03d", local.tm_hour, local.tm_min, local.tm_sec,
               (int)(now_us / 1000 % 1000));
}

static void put_padded(struct str *s, const char *text, size_t width)
{
    size_t shown = 0;
    for (const char *at = text, *end = text + strnlen(text, MESSAGE_MOST); at < end; at++) {
        unsigned char c = (unsigned char)*at;
        str_putc(s, c < ' ' || c == 0x7F ? '?' : *at);
        shown += (c & 0xC0) != 0x80;
    }
    while (shown++ < width)
        str_putc(s, ' ');
}

static void make_text(struct log *log, int64_t now_us, enum log_level level, const char *room,
                      const char *message, const struct log_field *fields)
{
    static const char *const names[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
    static const char *const colours[] = {"\033[2m", "\033[32m", "\033[33m", "\033[1;31m"};
    struct str *s = &log->line;
    const char *dim = log->colour ? "\033[2m" : "", *plain = log->colour ? "\033[0m" : "";
    str_clear(s);
    str_puts(s, dim);
    put_time_of_day(s, now_us);
    str_puts(s, plain);
    str_putc(s, ' ');
    if (log->colour)
        str_puts(s, colours[level]);
    str_puts(s, names[level]);
    str_puts(s, plain);
    str_putc(s, ' ');
    put_padded(s, room, 8);
    str_putc(s, ' ');
    put_padded(s, message, fields->type == LOG_FIELD_END ? 0 : MESSAGE_WIDTH);
    s->max = LINE_MOST - 32;
    for (; fields->type != LOG_FIELD_END; fields++) {
        if (is_absent(fields))
            continue;
        str_putc(s, ' ');
        str_puts(s, dim);
        str_puts(s, fields->name);
        str_putc(s, '=');
        str_puts(s, plain);
        put_value(s, fields, false);
    }
    s->max = LINE_MOST;
    if (s->cut) {
        s->cut = false;
        str_puts(s, "...");
        str_puts(s, plain);
    }
}

/* --- writing ---------------------------------------------------------------------------------- */

static const struct str *make_line(struct log *log, int64_t now_us, enum log_level level,
                                   const char *room, const char *message,
                                   const struct log_field *fields)
{
    if (!log->text || log->hook)
        make_json(log, now_us, level, room, message, fields);
    if (log->text)
        make_text(log, now_us, level, room, message, fields);
    return log->text ? &log->line : &log->json;
}

static void report_dropped(struct log *log, int64_t now_us)
{
    struct log_field fields[] = {LOG_I("lines", log->dropped), LOG_END};
    const struct str *line = make_line(log, now_us, LOG_WARN, "log",
                                       "lines lost: the reader of this log was too slow", fields);
    if (append(log, line))
        log->dropped = 0;
}

/* The hook may log: its line is taken out of reach, and lines written meanwhile do not call it
 * again. */
static void call_hook(struct log *log, enum log_level level)
{
    struct str line = log->json;
    log->json = (struct str){.max = LINE_MOST};
    log->in_hook = true;
    log->hook(log->hook_ctx, level, str_text(&line));
    log->in_hook = false;
    str_free(&log->json);
    log->json = line;
}

void log_write_fields(struct log *log, enum log_level level, const char *room, const char *message,
                      const struct log_field *fields)
{
    if (!log || level < log->least)
        return;
    int64_t now_us = clock_wall(log->clock);
    if (log->dropped)
        report_dropped(log, now_us);
    const struct str *line = make_line(log, now_us, level, room, message, fields);
    if (log->dropped || !append(log, line))
        log->dropped++;
    if (level >= LOG_WARN)
        log_flush(log);
    if (log->hook && !log->in_hook)
        call_hook(log, level);
}
