/* Reading one body as a source would, for the tests of signals. */
#ifndef TRADE_SIGNALS_H
#define TRADE_SIGNALS_H
#include "trade/signal.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#define NOW INT64_C(1784625300000000) /* 2026-07-21T09:15:00Z */

struct reading_test {
    struct arena arena;
    struct signal_source source;
    struct signal signal;
    struct signal_faults faults;
    struct err err;
};

static inline void reading_open(struct reading_test *r)
{
    memset(r, 0, sizeof *r);
    arena_init(&r->arena, 4096);
    text_copy(r->source.name, NAME_SIZE, "tv");
    r->source.default_strategy = "trend";
}

static inline void reading_close(struct reading_test *r)
{
    arena_free(&r->arena);
}

static inline bool reading_n(struct reading_test *r, const char *body, size_t length)
{
    const struct json *json = json_parse(&r->arena, body, length, NULL, &r->err);
    return json && signal_read(json, &r->source, NOW, &r->arena, &r->signal, &r->faults);
}

static inline bool reading(struct reading_test *r, const char *body)
{
    return reading_n(r, body, strlen(body));
}

static inline void accept(struct reading_test *r, const char *body)
{
    if (!reading(r, body)) {
        struct str faults = STR_EMPTY;
        signal_faults_json(&r->faults, &faults);
        fail_msg("%s: %s", body, r->faults.count ? str_text(&faults) : r->err.text);
    }
}

/* Refused, with a fault at `path` that says `says`. */
static inline void refuse(struct reading_test *r, const char *body, const char *path,
                          const char *says)
{
    if (reading(r, body))
        fail_msg("accepted: %s", body);
    for (size_t i = 0; i < r->faults.count; i++)
        if (strcmp(r->faults.list[i].path, path) == 0 && strstr(r->faults.list[i].text, says))
            return;
    struct str faults = STR_EMPTY;
    signal_faults_json(&r->faults, &faults);
    fail_msg("%s: no fault at %s saying \"%s\": %s", body, path, says, str_text(&faults));
}

static inline void is_figure(struct decimal value, const char *text)
{
    char printed[DECIMAL_TEXT_MAX];
    decimal_print(value, printed);
    assert_string_equal(printed, text);
}
#endif
