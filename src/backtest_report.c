/* Why: a backtest answers three questions: what was earned, at what risk, and why signals were not
 * taken. */
#include "backtest.h"
#include "base/calendar.h"
#include "host.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define YEAR_US (365.25 * 86400e6)

void backtest_summarise(const struct backtest_result *r, struct backtest_summary *s)
{
    *s = (struct backtest_summary){
        .net = decimal_int(0), .gross_profit = decimal_int(0), .gross_loss = decimal_int(0)};
    for (size_t i = 0; i < r->trade_count; i++) {
        struct decimal net = r->trades[i].net;
        s->net = decimal_add(s->net, net);
        if (decimal_sign(net) > 0) {
            s->wins++;
            s->gross_profit = decimal_add(s->gross_profit, net);
        } else {
            s->losses++;
            s->gross_loss = decimal_sub(s->gross_loss, net);
        }
    }
    s->profit_factor = decimal_div(s->gross_profit, s->gross_loss, DECIMAL_HALF_EVEN);
    s->average_win = decimal_div(s->gross_profit, decimal_int((int64_t)s->wins), DECIMAL_HALF_EVEN);
    s->average_loss =
        decimal_div(s->gross_loss, decimal_int((int64_t)s->losses), DECIMAL_HALF_EVEN);
    s->return_percent = decimal_muldiv(decimal_sub(r->end_equity, r->start_equity),
                                       decimal_int(100), r->start_equity);
    s->win_percent = r->trade_count ? 100.0 * (double)s->wins / (double)r->trade_count : 0;
    s->years = (double)(r->last_us - r->first_us) / YEAR_US;
    double ratio = decimal_to_double(r->end_equity) / decimal_to_double(r->start_equity);
    s->cagr_percent = s->years > 0.02 && ratio > 0 ? (pow(ratio, 1 / s->years) - 1) * 100 : 0;
}

static const char *money(struct decimal value, char out[64])
{
    char text[DECIMAL_TEXT_MAX];
    if (!decimal_ok(value))
        return "-";
    decimal_print(decimal_round(value, decimal_ratio(1, 100), DECIMAL_HALF_EVEN), text);
    /* Thousands apart, for people. */
    size_t digits = strcspn(text, "."), start = text[0] == '-', n = 0;
    for (size_t i = 0; text[i] && n < 60; i++) {
        if (i > start && i < digits && (digits - i) % 3 == 0)
            out[n++] = ',';
        out[n++] = text[i];
    }
    out[n] = '\0';
    return out;
}

/* Local to the bars: 2015-01-22 10:45 */
static const char *moment(const struct backtest_result *r, int64_t us, char out[CALENDAR_TEXT_MAX])
{
    calendar_print_seconds(us + zone_offset_s(r->zone, us) * INT64_C(1000000), out);
    out[10] = ' ';
    out[16] = '\0';
    return out;
}

static const char *day(const struct backtest_result *r, int64_t us, char out[CALENDAR_TEXT_MAX])
{
    moment(r, us, out);
    out[10] = '\0';
    return out;
}

static void print_decisions(const struct backtest_result *r, struct tidelock_io *io)
{
    host_print(io->out, "\nDecisions\n");
    for (size_t i = 0; i < r->decision_count; i++) {
        const struct backtest_decision *d = &r->decisions[i];
        char at[CALENDAR_TEXT_MAX], price[64], quantity[64];
        moment(r, d->at_us, at);
        host_print(io->out, "  %s  %-10s %-7s at %12s  %-10s %8s  %s\n", at, d->type, d->position,
                   money(d->price, price), d->verdict, money(d->quantity, quantity), d->reason);
    }
}

void backtest_print(const struct backtest_result *r, bool decisions, struct tidelock_io *io)
{
    struct backtest_summary s;
    backtest_summarise(r, &s);
    char a[CALENDAR_TEXT_MAX], b[CALENDAR_TEXT_MAX], m[4][64];
    void *out = io->out;
    host_print(out, "%s %s on %s, %zu bars from %s to %s\n\n", r->strategy, r->version,
               r->instrument, r->bars, day(r, r->first_us, a), day(r, r->last_us, b));
    host_print(out, "  Equity          %s -> %s %s\n", money(r->start_equity, m[0]),
               money(r->end_equity, m[1]), r->currency);
    host_print(out, "  Return          %s %%  (%.2f %% a year)\n", money(s.return_percent, m[0]),
               s.cagr_percent);
    host_print(out, "  Max drawdown    %s %%, in money %s\n", money(r->max_drawdown_percent, m[0]),
               money(r->max_drawdown, m[1]));
    host_print(out, "  Trades          %zu layers closed: %zu won, %zu lost (%.1f %% won)\n",
               r->trade_count, s.wins, s.losses, s.win_percent);
    host_print(out, "  Profit factor   %s   average win %s, average loss %s\n",
               money(s.profit_factor, m[0]), money(s.average_win, m[1]),
               money(s.average_loss, m[2]));
    host_print(out, "  Fees            %s\n", money(r->fees, m[0]));
    host_print(
        out, "  Signals         %zu: %zu done, %zu rejected, %zu ignored, %zu other\n", r->signals,
        r->by_state[SIGNAL_DONE], r->by_state[SIGNAL_REJECTED], r->by_state[SIGNAL_IGNORED],
        r->by_state[SIGNAL_EXPIRED] + r->by_state[SIGNAL_SUPERSEDED] + r->by_state[SIGNAL_DEAD]);
    host_print(out, "  Speed           %.0f bars/s (%.2f s)\n",
               r->seconds > 0 ? (double)r->bars / r->seconds : 0, r->seconds);
    if (r->tally_count)
        host_print(out, "\nWhy signals were not taken\n");
    for (size_t i = 0; i < r->tally_count; i++)
        host_print(out, "  %6zu  %-22s e.g. %s\n", r->tallies[i].count, r->tallies[i].gate,
                   r->tallies[i].example);
    if (decisions)
        print_decisions(r, io);
}

static void put_decimal(struct str *out, const char *name, struct decimal value, const char *end)
{
    str_printf(out, "\"%s\":", name);
    if (decimal_ok(value)) {
        str_putc(out, '"');
        str_put_decimal(out, value);
        str_putc(out, '"');
    } else {
        str_puts(out, "null");
    }
    str_puts(out, end);
}

static void put_time(struct str *out, const char *name, int64_t us)
{
    char at[CALENDAR_TEXT_MAX];
    calendar_print(us, at);
    str_printf(out, "\"%s\":\"%s\",", name, at);
}

static void json_trades(const struct backtest_result *r, struct str *out)
{
    str_puts(out, "\"trades\":[");
    for (size_t i = 0; i < r->trade_count; i++) {
        const struct backtest_trade *t = &r->trades[i];
        str_printf(out, "%s{\"position\":\"%s\",\"side\":\"%s\",", i ? "," : "", t->label,
                   side_names[t->side]);
        put_time(out, "opened_at", t->opened_us);
        put_time(out, "closed_at", t->closed_us);
        put_decimal(out, "quantity", t->quantity, ",");
        put_decimal(out, "entry_price", t->entry_price, ",");
        put_decimal(out, "exit_price", t->exit_price, ",");
        put_decimal(out, "net", t->net, "}");
    }
    str_puts(out, "]");
}

static void json_refusals(const struct backtest_result *r, struct str *out)
{
    str_puts(out, "\"not_taken\":[");
    for (size_t i = 0; i < r->tally_count; i++) {
        str_printf(out, "%s{\"gate\":", i ? "," : "");
        str_put_json(out, r->tallies[i].gate);
        str_printf(out, ",\"count\":%zu,\"example\":", r->tallies[i].count);
        str_put_json(out, r->tallies[i].example);
        str_putc(out, '}');
    }
    str_puts(out, "],");
}

static void json_decisions(const struct backtest_result *r, struct str *out)
{
    str_puts(out, ",\"decisions\":[");
    for (size_t i = 0; i < r->decision_count; i++) {
        const struct backtest_decision *d = &r->decisions[i];
        str_puts(out, i ? ",{" : "{");
        put_time(out, "at", d->at_us);
        str_printf(out, "\"type\":\"%s\",\"position\":\"%s\",\"verdict\":\"%s\",", d->type,
                   d->position, d->verdict);
        put_decimal(out, "price", d->price, ",");
        put_decimal(out, "quantity", d->quantity, ",\"reason\":");
        str_put_json(out, d->reason);
        str_putc(out, '}');
    }
    str_putc(out, ']');
}

void backtest_json(const struct backtest_result *r, bool decisions, struct str *out)
{
    struct backtest_summary s;
    backtest_summarise(r, &s);
    str_printf(out,
               "{\"strategy\":\"%s\",\"version\":\"%s\",\"hash\":\"%s\",\"instrument\":\"%s\","
               "\"currency\":\"%s\",\"bars\":%zu,",
               r->strategy, r->version, r->hash, r->instrument, r->currency, r->bars);
    put_time(out, "from", r->first_us);
    put_time(out, "to", r->last_us);
    put_decimal(out, "start_equity", r->start_equity, ",");
    put_decimal(out, "end_equity", r->end_equity, ",");
    put_decimal(out, "return_percent", s.return_percent, ",");
    put_decimal(out, "max_drawdown", r->max_drawdown, ",");
    put_decimal(out, "max_drawdown_percent", r->max_drawdown_percent, ",");
    put_decimal(out, "profit_factor", s.profit_factor, ",");
    put_decimal(out, "fees", r->fees, ",");
    str_printf(out,
               "\"trades_won\":%zu,\"trades_lost\":%zu,\"seconds\":%.3f,\"bars_per_second\":%.0f,"
               "\"signals\":%zu,\"signals_by_state\":{",
               s.wins, s.losses, r->seconds, r->seconds > 0 ? (double)r->bars / r->seconds : 0,
               r->signals);
    for (size_t i = 0; signal_state_names[i]; i++)
        str_printf(out, "%s\"%s\":%zu", i ? "," : "", signal_state_names[i], r->by_state[i]);
    str_puts(out, "},");
    json_refusals(r, out);
    json_trades(r, out);
    if (decisions)
        json_decisions(r, out);
    str_putc(out, '}');
}

/* ---- the page: one file, no scripts, light and dark ---- */

#define CHART_W 960.0
#define CHART_H 260.0

static void svg_line(const struct backtest_result *r, bool drawdown, double low, double high,
                     double height, struct str *out)
{
    double span = high - low > 0 ? high - low : 1;
    for (size_t i = 0; i < r->point_count; i++) {
        double value = drawdown ? -r->points[i].drawdown_percent : r->points[i].equity;
        double x = r->point_count > 1 ? CHART_W * (double)i / (double)(r->point_count - 1) : 0;
        str_printf(out, "%s%.1f,%.1f", i ? " " : "", x, height - height * (value - low) / span);
    }
}

static void svg_charts(const struct backtest_result *r, struct str *out)
{
    double low = 1e300, high = -1e300, deepest = 0;
    for (size_t i = 0; i < r->point_count; i++) {
        low = fmin(low, r->points[i].equity);
        high = fmax(high, r->points[i].equity);
        deepest = fmin(deepest, -r->points[i].drawdown_percent);
    }
    char least[64], most[64];
    str_printf(out,
               "<figure><figcaption>Equity in %s, %s to %s</figcaption><svg viewBox=\"0 -4 %.0f "
               "%.0f\" role=\"img\" aria-label=\"equity\">"
               "<polyline class=\"equity\" points=\"",
               r->currency, money(decimal_int((int64_t)low), least),
               money(decimal_int((int64_t)high), most), CHART_W, CHART_H + 8);
    svg_line(r, false, low, high, CHART_H, out);
    str_printf(out,
               "\"/></svg></figure><figure><figcaption>Drawdown, deepest %s %%</figcaption><svg "
               "viewBox=\"0 -2 %.0f 110\" role=\"img\" aria-label=\"drawdown\">"
               "<polyline class=\"drawdown\" points=\"0,0 ",
               money(r->max_drawdown_percent, least), CHART_W);
    svg_line(r, true, deepest, 0, 104, out);
    str_printf(out, " %.0f,0\"/></svg></figure>", CHART_W);
}

static void html_row(struct str *out, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void html_row(struct str *out, const char *name, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    str_printf(out, "<tr><th>%s</th><td>", name);
    str_put_html(out, text);
    str_puts(out, "</td></tr>");
}

static void html_trades(const struct backtest_result *r, struct str *out)
{
    str_puts(out, "<h2>Trades</h2><div "
                  "class=\"wide\"><table><tr><th>Layer</th><th>Opened</th><th>Closed</th><th>Lots</"
                  "th><th>Entry</th><th>Exit</th><th>Net</th></tr>");
    for (size_t i = 0; i < r->trade_count && i < 2000; i++) {
        const struct backtest_trade *t = &r->trades[i];
        char a[CALENDAR_TEXT_MAX], b[CALENDAR_TEXT_MAX], m[4][64];
        moment(r, t->opened_us, a);
        moment(r, t->closed_us, b);
        str_printf(out,
                   "<tr><td>%s</td><td>%s</td><td>%s</td><td class=\"n\">%s</td><td "
                   "class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n %s\">%s</td></tr>",
                   t->label, a, b, money(t->quantity, m[0]), money(t->entry_price, m[1]),
                   money(t->exit_price, m[2]), decimal_sign(t->net) > 0 ? "up" : "down",
                   money(t->net, m[3]));
    }
    str_puts(out, "</table></div>");
}

static void html_refusals(const struct backtest_result *r, struct str *out)
{
    str_puts(out, "<h2>Why signals were not taken</h2><div "
                  "class=\"wide\"><table><tr><th>Gate</th><th>Times</th><th>For example</th></tr>");
    for (size_t i = 0; i < r->tally_count; i++) {
        str_puts(out, "<tr><td>");
        str_put_html(out, r->tallies[i].gate);
        str_printf(out, "</td><td class=\"n\">%zu</td><td>", r->tallies[i].count);
        str_put_html(out, r->tallies[i].example);
        str_puts(out, "</td></tr>");
    }
    str_puts(out, "</table></div>");
}

static const char page_style[] =
    ":root{color-scheme:light "
    "dark;--ink:#1b2430;--soft:#65727f;--line:#d8dee4;--paper:#fff;--up:#14804a;--down:#b3261e;--"
    "blue:#1f6feb}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#8b98a5;--line:#2d3741;--paper:#"
    "0f151b;--up:#3fb970;--down:#f2726a;--blue:#58a6ff}}"
    "body{font:15px/1.5 "
    "system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:62rem;margin:2rem "
    "auto;padding:0 1rem}"
    "h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin-top:2rem}p{color:var(--soft);margin:."
    "25rem 0 1.5rem}figure{margin:1.5rem 0}"
    "figcaption{color:var(--soft);font-size:.85rem}svg{width:100%;height:auto;border-bottom:1px "
    "solid var(--line)}"
    ".equity{fill:none;stroke:var(--blue);stroke-width:1.6}.drawdown{fill:var(--down);fill-opacity:"
    ".25;stroke:var(--down);stroke-width:1}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{text-align:left;"
    "padding:.25rem .9rem .25rem 0;border-bottom:1px solid var(--line);"
    "white-space:nowrap}th{color:var(--soft);font-weight:500}.n{text-align:right}.up{color:var(--"
    "up)}.down{color:var(--down)}.wide{overflow-x:auto}";

void backtest_html(const struct backtest_result *r, struct str *out)
{
    struct backtest_summary s;
    backtest_summarise(r, &s);
    char a[CALENDAR_TEXT_MAX], b[CALENDAR_TEXT_MAX], m[2][64];
    str_printf(out,
               "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
               "content=\"width=device-width\"><title>%s on %s</title><style>%s</style>",
               r->strategy, r->instrument, page_style);
    str_printf(out, "<h1>%s %s on %s</h1><p>%zu bars, %s to %s. Version %.12s.</p><table>",
               r->strategy, r->version, r->instrument, r->bars, day(r, r->first_us, a),
               day(r, r->last_us, b), r->hash);
    html_row(out, "Equity", "%s to %s %s", money(r->start_equity, m[0]), money(r->end_equity, m[1]),
             r->currency);
    html_row(out, "Return", "%s %% (%.2f %% a year)", money(s.return_percent, m[0]),
             s.cagr_percent);
    html_row(out, "Max drawdown", "%s %%, in money %s", money(r->max_drawdown_percent, m[0]),
             money(r->max_drawdown, m[1]));
    html_row(out, "Trades", "%zu layers, %zu won, %zu lost", r->trade_count, s.wins, s.losses);
    html_row(out, "Profit factor", "%s", money(s.profit_factor, m[0]));
    html_row(out, "Fees", "%s", money(r->fees, m[0]));
    html_row(out, "Signals", "%zu: %zu done, %zu rejected, %zu ignored", r->signals,
             r->by_state[SIGNAL_DONE], r->by_state[SIGNAL_REJECTED], r->by_state[SIGNAL_IGNORED]);
    str_puts(out, "</table>");
    svg_charts(r, out);
    html_refusals(r, out);
    html_trades(r, out);
    str_puts(out, "</html>\n");
}

void backtest_result_free(struct backtest_result *r)
{
    zone_free(r->zone);
    mem_free(r->trades);
    mem_free(r->points);
    mem_free(r->decisions);
}
