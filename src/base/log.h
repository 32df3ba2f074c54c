/* Structured logs: JSON lines for machines, aligned coloured lines on a terminal, the same fields
 * in both.
 *
 *     log_write(log, LOG_INFO, "flow", "decision", LOG_T("signal_id", id), LOG_END);
 *
 * Never blocks: lines go to a bounded buffer, which is written at WARN and ERROR, when it is full,
 * and by log_flush, which the host calls each turn of its loop. What does not fit is counted and
 * reported in a later line. One thread uses a log. Secrets are never passed in. `log` may be NULL
 * (nothing is written). */
#ifndef TIDELOCK_BASE_LOG_H
#define TIDELOCK_BASE_LOG_H
#include "base/clock.h"
#include "base/decimal.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_AUTO /* terminal: text, else JSON */, LOG_JSON, LOG_TEXT };
enum log_field_type {
    LOG_FIELD_END,
    LOG_FIELD_TEXT,
    LOG_FIELD_INT,
    LOG_FIELD_DECIMAL,
    LOG_FIELD_MS
};
struct log_field {
    enum log_field_type type;
    const char *name;
    const char *text;
    int64_t number;
    struct decimal decimal;
};
#define LOG_T(n, t) ((struct log_field){.type = LOG_FIELD_TEXT, .name = (n), .text = (t)})
#define LOG_I(n, i) ((struct log_field){.type = LOG_FIELD_INT, .name = (n), .number = (int64_t)(i)})
/* An absent (bad) decimal leaves the field out. */
#define LOG_D(n, d) ((struct log_field){.type = LOG_FIELD_DECIMAL, .name = (n), .decimal = (d)})
/* Microseconds in, milliseconds with 3 decimals out. */
#define LOG_MS(n, us) ((struct log_field){.type = LOG_FIELD_MS, .name = (n), .number = (us)})
#define LOG_END ((struct log_field){.type = LOG_FIELD_END})

struct log;
struct log *log_new(int fd, enum log_format format, enum log_level least, const struct clock *clock,
                    const char *instance_id);
void log_free(struct log *log); /* flushes */
void log_flush(struct log *log);
/* Lines also go to `hook` when set (embedding, alerts, tests). */
void log_set_hook(struct log *log,
                  void (*hook)(void *ctx, enum log_level level, const char *json_line), void *ctx);
void log_set_level(struct log *log, enum log_level least);
void log_set_instance(struct log *log, const char *instance_id);
void log_write_fields(struct log *log, enum log_level level, const char *room, const char *message,
                      const struct log_field *fields);
#define log_write(log, level, room, message, ...)                                                  \
    log_write_fields((log), (level), (room), (message), (const struct log_field[]){__VA_ARGS__})
#endif
