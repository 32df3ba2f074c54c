/* Bars from files: opens, tells layouts apart, and holds every row to what a bar must be. */
#include "trade/bar.h"
#include "trade/bars_text.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool bars_fault(const struct bars *bars, struct err *err, const char *format, ...)
{
    char text[200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (bars->json)
        return err_set(err, ERR_REFUSED, ERR_INPUT, "line %zu, row %zu: %s", bars->line, bars->row,
                       text);
    return err_set(err, ERR_REFUSED, ERR_INPUT, "line %zu: %s", bars->line, text);
}

static bool has_role(const struct bars *bars, enum bars_role role)
{
    for (size_t i = 0; i < bars->columns; i++)
        if (bars->roles[i] == role)
            return true;
    return false;
}

static bool begin(struct bars *bars, const char *zone_name, struct err *err)
{
    static const char mark[] = "\xEF\xBB\xBF";
    if (bars->end - bars->at >= 3 && memcmp(bars->at, mark, 3) == 0)
        bars->at += 3;
    while (bars->at < bars->end && strchr(" \t\r\n", *bars->at) && *bars->at)
        bars->line += *bars->at++ == '\n';
    if (bars->at == bars->end)
        return err_set(err, ERR_REFUSED, ERR_INPUT, "the file holds no bars");
    bars->json = *bars->at == '[';
    if (bars->json)
        bars->at++;
    else if (!bars_header(bars, err))
        return false;
    if (!zone_name && has_role(bars, ROLE_DATE))
        zone_name = "Asia/Kolkata";
    return !zone_name || (bars->zone = zone_load(zone_name, err)) != NULL;
}

struct bars *bars_open(const char *text, size_t length, const char *zone_name, struct err *err)
{
    struct bars *bars = mem_alloc(sizeof *bars);
    bars->text = bars->at = text;
    bars->end = text + length;
    bars->line = 1;
    if (begin(bars, zone_name, err))
        return bars;
    bars_close(bars);
    return NULL;
}

void bars_close(struct bars *bars)
{
    if (!bars)
        return;
    zone_free(bars->zone);
    mem_free(bars);
}

const char *bars_instrument(const struct bars *bars)
{
    return bars->instrument;
}

size_t bars_progress(const struct bars *bars)
{
    return (size_t)(bars->at - bars->text);
}

static bool refuse_figure(const struct bars *bars, const char *what, struct bars_piece piece,
                          struct err *err)
{
    struct err inner;
    struct decimal none;
    if (!piece.text || piece.length == 0)
        return bars_fault(bars, err, "%s is missing", what);
    return decimal_parse(piece.text, piece.length, &none, &inner) ||
           bars_fault(bars, err, "%s: %s", what, inner.text);
}

static bool read_figure(const struct bars *bars, const char *what, struct bars_piece piece,
                        struct decimal *out, struct err *err)
{
    return (piece.text && decimal_parse(piece.text, piece.length, out, NULL)) ||
           refuse_figure(bars, what, piece, err);
}

static bool read_instrument(struct bars *bars, struct bars_piece piece, struct err *err)
{
    const size_t known = strlen(bars->instrument);
    if (!piece.text || (known == piece.length && memcmp(bars->instrument, piece.text, known) == 0))
        return true;
    if (known)
        return bars_fault(bars, err,
                          "another instrument than \"%s\" before: one file holds the bars of one",
                          bars->instrument);
    if (piece.length >= sizeof bars->instrument || memchr(piece.text, '\0', piece.length))
        return bars_fault(bars, err, "an instrument's name has at most %zu characters",
                          sizeof bars->instrument - 1);
    memcpy(bars->instrument, piece.text, piece.length);
    return true;
}

static bool check(struct bars *bars, const struct bar *bar, struct err *err)
{
    const struct decimal top = decimal_max(bar->open, bar->close),
                         bottom = decimal_min(bar->open, bar->close);
    if (decimal_sign(bar->low) <= 0)
        return bars_fault(bars, err, "prices must be above zero");
    if (decimal_gt(bar->low, bottom) || decimal_lt(bar->high, top))
        return bars_fault(bars, err, "open and close must lie between low and high");
    if (decimal_ok(bar->volume) && decimal_sign(bar->volume) < 0)
        return bars_fault(bars, err, "volume must not be negative");
    if (bars->any && bar->at_us <= bars->last_us)
        return bars_fault(bars, err, "%s the bar before; bars must ascend in time",
                          bar->at_us == bars->last_us ? "has the time of" : "is earlier than");
    bars->any = true;
    bars->last_us = bar->at_us;
    return true;
}

static bool read_bar(struct bars *bars, const struct bars_piece p[ROLE_COUNT], struct bar *out,
                     struct err *err)
{
    out->volume = decimal_bad();
    if (!read_instrument(bars, p[ROLE_INSTRUMENT], err) ||
        !(p[ROLE_DATE].text ? bars_date_time(bars, p[ROLE_DATE], p[ROLE_TIME], &out->at_us, err)
                            : bars_stamp(bars, p[ROLE_STAMP], &out->at_us, err)) ||
        !read_figure(bars, "open", p[ROLE_OPEN], &out->open, err) ||
        !read_figure(bars, "high", p[ROLE_HIGH], &out->high, err) ||
        !read_figure(bars, "low", p[ROLE_LOW], &out->low, err) ||
        !read_figure(bars, "close", p[ROLE_CLOSE], &out->close, err))
        return false;
    if (p[ROLE_VOLUME].length && !read_figure(bars, "volume", p[ROLE_VOLUME], &out->volume, err))
        return false;
    return check(bars, out, err);
}

enum bars_status bars_next(struct bars *bars, struct bar *out, struct err *err)
{
    struct bars_piece pieces[ROLE_COUNT] UNSET;
    memset(pieces, 0, sizeof pieces);
    err_clear(err);
    if (bars->over)
        return BARS_END;
    if (!(bars->json ? bars_json_row : bars_csv_row)(bars, pieces, err)) {
        if (err->code == ERR_OK)
            bars->over = true;
        else
            bars->over = bars->json;
        return err->code == ERR_OK ? BARS_END : BARS_FAULT;
    }
    if (read_bar(bars, pieces, out, err))
        return BARS_ONE;
    bars->over = bars->json;
    return BARS_FAULT;
}

/* The majority vote of Boyer and Moore: one candidate, and how far it is ahead. */
void bar_step_note(struct bar_step *step, int64_t at_us)
{
    int64_t seen_us = at_us - step->last_us;
    if (step->last_us && seen_us > 0) {
        if (step->votes == 0)
            step->step_us = seen_us;
        step->votes += seen_us == step->step_us ? 1 : -1;
    }
    step->last_us = at_us;
}
