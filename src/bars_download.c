/* Why: a backtest on real prices begins with having them. Pages of klines, the venue's weights
 * heeded, only closed bars by the venue's clock, and a file that is whole or not there. */
#include "host.h"
#include "broker/binance_market.h"
#include "io/file.h"
#include "io/http_client.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BAR_WIDTH 30
enum { PAGE = 1000, TRIES = 6, WEIGHT_CARE = 1500 };

struct download {
    const struct tidelock_download *job;
    struct tidelock_io *io;
    enum binance_market market;
    int64_t interval_us, from_us, to_us, now_us;
    struct str csv;
    size_t bars;
    bool terminal;
};

/* ---- asking ---- */

static void wait_s(int64_t seconds)
{
    poll(NULL, 0, (int)(seconds < 600 ? seconds : 600) * 1000);
}

static int64_t header_int(const struct http_reply *reply, const char *name, int64_t fallback)
{
    char text[24];
    if (!http_reply_header(reply, name, text, sizeof text))
        return fallback;
    int64_t value = strtoll(text, NULL, 10);
    return value > 0 ? value : fallback;
}

/* The weight of a minute is shared by everything behind one address: half of it is left alone. */
static void heed_weight(struct download *d, const struct http_reply *reply)
{
    if (header_int(reply, "x-mbx-used-weight-1m", 0) < WEIGHT_CARE)
        return;
    if (d->terminal)
        host_print(d->io->err, "\r\033[Kwaiting for the next minute: the venue's limit is near");
    wait_s(60 - clock_wall(clock_real()) / 1000000 % 60);
}

static bool explain(const struct http_reply *reply, const struct json *root, struct err *err)
{
    const char *message = json_text(root, "msg");
    return err_set(err, ERR_REFUSED, ERR_BROKER, "Binance answered %u: %.160s", reply->status,
                   message ? message : "nothing that can be read");
}

static bool fetch_once(struct download *d, struct arena *arena, const char *path,
                       struct json **root, unsigned *status, struct err *err)
{
    const struct json_limits limits = {.nodes = 100000};
    const char *base = d->job->url ? d->job->url : binance_rest_url(d->market);
    struct http_reply reply;
    struct err ignored;
    struct http_fetch_request request = {.url = arena_printf(arena, "%s%s", base, path)};
    *status = 0;
    if (!http_fetch_now(arena, &request, &reply, err))
        return false;
    *status = reply.status;
    *root = json_parse(arena, reply.body, reply.body_length, &limits, &ignored);
    if (reply.status == 429 || reply.status == 418)
        wait_s(header_int(&reply, "retry-after", 30));
    else if (reply.status == 200)
        heed_weight(d, &reply);
    return (reply.status == 200 && *root) || explain(&reply, *root, err);
}

static bool fetch(struct download *d, struct arena *arena, const char *path, struct json **root,
                  struct err *err)
{
    for (int i = 0; i < TRIES; i++) {
        unsigned status;
        if (fetch_once(d, arena, path, root, &status, err))
            return true;
        if (status >= 400 && status < 500 && status != 429 && status != 418)
            return false;
        if (status != 429 && status != 418)
            wait_s(1 << i);
    }
    return false;
}

/* ---- bars ---- */

static void put_bar(struct download *d, const struct bar *bar)
{
    const struct decimal values[] = {bar->open, bar->high, bar->low, bar->close, bar->volume};
    char at[CALENDAR_TEXT_MAX];
    calendar_print(bar->at_us, at);
    str_puts(&d->csv, at);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        str_putc(&d->csv, ',');
        str_put_decimal(&d->csv, values[i]);
    }
    str_putc(&d->csv, '\n');
    d->bars++;
}

static void show_progress(const struct download *d, int64_t at_us)
{
    int64_t span_us = d->to_us - d->from_us, done_us = at_us - d->from_us;
    int64_t filled = span_us > 0 ? done_us * BAR_WIDTH / span_us : BAR_WIDTH;
    filled = filled > BAR_WIDTH ? BAR_WIDTH : filled;
    if (!d->terminal)
        return;
    host_print(d->io->err, "\r\033[K[");
    for (int64_t i = 0; i < BAR_WIDTH; i++)
        host_print(d->io->err, i < filled ? "#" : ".");
    host_print(d->io->err, "] %zu bars", d->bars);
}

/* Rows of one page; *next_us moves behind the last closed one. */
static bool take_page(struct download *d, const struct json *root, int64_t *next_us, size_t *rows,
                      struct err *err)
{
    *rows = 0;
    if (root->type != JSON_ARRAY)
        return err_set(err, ERR_REFUSED, ERR_INPUT, "Binance's answer is no list of bars");
    for (const struct json *row = root->child; row; row = row->next) {
        struct bar bar;
        int64_t close_ms = 0;
        if (!binance_read_kline(row, &bar, &close_ms))
            return err_set(err, ERR_REFUSED, ERR_INPUT, "Binance's bar %zu cannot be read",
                           d->bars + 1);
        if (bar.at_us >= d->to_us || close_ms * 1000 >= d->now_us)
            break;
        if (bar.at_us < *next_us)
            continue;
        put_bar(d, &bar);
        *next_us = bar.at_us + d->interval_us;
        ++*rows;
    }
    return true;
}

static bool read_all(struct download *d, struct err *err)
{
    struct arena arena;
    struct json *root;
    size_t rows = PAGE;
    bool ok = true;
    for (int64_t next_us = d->from_us; ok && rows > 0 && next_us < d->to_us;) {
        arena_init(&arena, 65536);
        const char *path =
            arena_printf(&arena, "%s?symbol=%s&interval=%s&startTime=%lld&endTime=%lld&limit=%d",
                         binance_path_klines(d->market), d->job->symbol, d->job->interval,
                         (long long)(next_us / 1000), (long long)(d->to_us / 1000 - 1), PAGE);
        ok = fetch(d, &arena, path, &root, err) && take_page(d, root, &next_us, &rows, err);
        arena_free(&arena);
        show_progress(d, rows ? next_us : d->to_us);
        if (ok && !d->job->path) {
            host_print(d->io->out, "%s", str_text(&d->csv));
            str_clear(&d->csv);
        }
    }
    if (d->terminal)
        host_print(d->io->err, "\n");
    return ok;
}

static bool read_clock(struct download *d, struct err *err)
{
    struct arena arena;
    struct json *root = NULL;
    int64_t ms = 0;
    arena_init(&arena, 4096);
    bool ok = fetch(d, &arena, d->market == BINANCE_SPOT ? "/api/v3/time" : "/fapi/v1/time", &root,
                    err) &&
              (json_int(root, "serverTime", &ms) ||
               err_set(err, ERR_REFUSED, ERR_INPUT, "Binance told no time"));
    arena_free(&arena);
    d->now_us = ms * 1000;
    if (!d->job->to || d->to_us > d->now_us)
        d->to_us = d->now_us;
    return ok;
}

static bool read_time(const char *text, int64_t *out, struct err *err)
{
    struct zone *utc = zone_load("UTC", err);
    char whole[64];
    snprintf(whole, sizeof whole, "%.40s%s", text, strlen(text) == 10 ? "T00:00:00Z" : "");
    bool ok = utc && calendar_parse(whole, utc, out, err);
    zone_free(utc);
    return ok;
}

static bool read_job(struct download *d, struct err *err)
{
    const struct tidelock_download *job = d->job;
    if (!job->symbol[0] || strlen(job->symbol) > 40 ||
        job->symbol[strspn(job->symbol, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")])
        return err_set(err, ERR_REFUSED, ERR_USAGE, "\"%.40s\" is no symbol such as BTCUSDT",
                       job->symbol);
    d->interval_us = binance_interval_us(job->interval);
    if (!d->interval_us)
        return err_set(err, ERR_REFUSED, ERR_USAGE,
                       "\"%.20s\" is none of 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w",
                       job->interval);
    if (!job->from)
        return err_set(err, ERR_REFUSED, ERR_USAGE, "--from TIME is needed, such as 2024-01-01");
    return read_time(job->from, &d->from_us, err) &&
           (!job->to || read_time(job->to, &d->to_us, err)) &&
           (!job->to || d->from_us < d->to_us ||
            err_set(err, ERR_REFUSED, ERR_USAGE, "--to must be after --from"));
}

int tidelock_download_bars(const struct tidelock_download *job, struct tidelock_io *io)
{
    struct download d = {.job = job, .io = io};
    struct err err = {0};
    int code = TIDELOCK_OK;
    d.market = strcmp(job->source, "binance_usdm") == 0 ? BINANCE_USDM : BINANCE_SPOT;
    d.terminal = !job->quiet && io->err && isatty(fileno(io->err));
    str_puts(&d.csv, "time,open,high,low,close,volume\n");
    bool ok = read_job(&d, &err);
    if (!ok)
        code = TIDELOCK_USAGE;
    ok = ok && read_clock(&d, &err) && read_all(&d, &err);
    if (ok && d.bars == 0)
        ok = err_set(&err, ERR_REFUSED, ERR_NOT_FOUND, "there are no closed bars in that time");
    if (ok && job->path)
        ok = file_write(job->path, d.csv.data, d.csv.length, 0644, &err);
    if (ok && job->path)
        host_print(io->err, "%zu bars in %s\n", d.bars, job->path);
    if (!ok)
        host_print(io->err, "tidelock bars: %s\n", err.text);
    if (!ok && code == TIDELOCK_OK)
        code = TIDELOCK_FAILED;
    str_free(&d.csv);
    return code;
}
