/* The paper broker's own memory: one line per fact, appended and read back at start. A line that
 * was cut by a crash is the last one and is dropped; anything else that does not read is a fault
 * with its line. */
#include "broker/paper_parts.h"
#include "io/file.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FIELDS_MAX = 16, JOURNAL_MAX = 1 << 30 };
#define BIRTH_US 1735689600000000 /* 2025-01-01: numbers count the milliseconds since */

/* ---- writing ---- */

static void put(struct str *line, const char *text)
{
    char *to = str_begin(line, 1 + strlen(text));
    *to++ = '\t';
    for (; *text; text++)
        *to++ = (unsigned char)*text < ' ' ? ' ' : *text;
    str_end(line, to);
}

static void put_decimal(struct str *line, struct decimal value)
{
    char text[DECIMAL_TEXT_MAX];
    decimal_print(value, text);
    put(line, decimal_ok(value) ? text : "");
}

static void put_number(struct str *line, int64_t value)
{
    str_putc(line, '\t');
    str_put_int(line, value);
}

/* What happens at one moment is written in one piece, before anybody hears of it. */
void paper_journal_flush(struct paper *paper)
{
    struct str *lines = &paper->lines;
    if (lines->length == 0)
        return;
    if (!paper->journal_failed) {
        ssize_t n = write(fileno(paper->journal), lines->data, lines->length);
        paper->journal_failed = n != (ssize_t)lines->length;
    }
    str_clear(lines);
}

void paper_journal_accept(struct paper *paper, const struct paper_order *placed)
{
    const struct order *order = &placed->order;
    struct str *line = &paper->lines;
    if (!paper->journal)
        return;
    str_putc(line, 'O');
    put(line, order->id);
    put(line, order->broker_id);
    put(line, order->strategy);
    put(line, order->instrument);
    put(line, order_side_names[order->side]);
    put(line, order_kind_names[order->kind]);
    put(line, order_tif_names[order->tif]);
    put_decimal(line, order->quantity);
    put_decimal(line, order->limit_price);
    put_decimal(line, order->stop_price);
    put_decimal(line, order->reference_price);
    if (*order->expiry)
        put(line, order->expiry);
    str_putc(line, '\n');
}

void paper_journal_fill(struct paper *paper, const struct report *fill)
{
    struct str *line = &paper->lines;
    if (!paper->journal)
        return;
    str_putc(line, 'F');
    put(line, fill->order_id);
    put(line, fill->trade_id);
    put_decimal(line, fill->quantity);
    put_decimal(line, fill->price);
    put_decimal(line, fill->fee);
    put_number(line, fill->at_us);
    str_putc(line, '\n');
}

void paper_journal_amend(struct paper *paper, const struct paper_order *placed)
{
    struct str *line = &paper->lines;
    if (!paper->journal)
        return;
    str_putc(line, 'A');
    put(line, placed->order.id);
    put_decimal(line, placed->order.quantity);
    put_decimal(line, placed->order.limit_price);
    put_decimal(line, placed->order.stop_price);
    str_putc(line, '\n');
}

void paper_journal_end(struct paper *paper, const struct paper_order *placed)
{
    struct str *line = &paper->lines;
    if (!paper->journal)
        return;
    str_putc(line, 'E');
    put(line, placed->order.id);
    put(line, order_state_names[placed->order.state]);
    put(line, placed->order.reason);
    str_putc(line, '\n');
}

/* ---- reading ---- */

static size_t split(char *line, char **fields)
{
    size_t count = 0;
    for (char *at = line; at && count < FIELDS_MAX;) {
        fields[count++] = at;
        at = strchr(at, '\t');
        if (at)
            *at++ = '\0';
    }
    return count;
}

static bool number(const char *text, struct decimal *out, struct err *err)
{
    *out = decimal_bad();
    return !*text || decimal_parse(text, strlen(text), out, err);
}

/* "P12", "T13": the running number goes on behind the highest. */
static void follow(struct paper *paper, const char *id)
{
    int64_t value = *id ? strtoll(id + 1, NULL, 10) : 0;
    if (value > paper->sequence)
        paper->sequence = value;
}

static bool read_accept(struct paper *paper, char **f, size_t count, struct err *err)
{
    struct order order;
    int side, kind, tif;
    if (count != 12 && count != 13)
        return err_set(err, ERR_REFUSED, ERR_CORRUPT, "an order has %zu fields", count);
    row_init(&tables[TABLE_ORDER], &order);
    text_copy(order.id, sizeof order.id, f[1]);
    text_copy(order.broker_id, sizeof order.broker_id, f[2]);
    text_copy(order.strategy, sizeof order.strategy, f[3]);
    text_copy(order.instrument, sizeof order.instrument, f[4]);
    text_copy(order.expiry, sizeof order.expiry, count == 13 ? f[12] : "");
    if (!enum_parse(order_side_names, f[5], &side) || !enum_parse(order_kind_names, f[6], &kind) ||
        !enum_parse(order_tif_names, f[7], &tif))
        return err_set(err, ERR_REFUSED, ERR_CORRUPT, "no such side, kind or time in force");
    order.side = (enum order_side)side;
    order.kind = (enum order_kind)kind;
    order.tif = (enum order_tif)tif;
    if (!number(f[8], &order.quantity, err) || !number(f[9], &order.limit_price, err) ||
        !number(f[10], &order.stop_price, err) || !number(f[11], &order.reference_price, err))
        return false;
    if (!decimal_ok(order.quantity))
        return err_set(err, ERR_REFUSED, ERR_CORRUPT, "an order without a quantity");
    paper_accept(paper, &order);
    follow(paper, order.broker_id);
    return true;
}

static bool read_fill(struct paper *paper, char **f, size_t count, struct err *err)
{
    struct report fill = {.kind = REPORT_FILL};
    struct paper_order *placed = count == 7 ? paper_find(paper, f[1]) : NULL;
    if (!placed)
        return err_set(err, ERR_REFUSED, ERR_CORRUPT, "a fill of no known order");
    text_copy(fill.order_id, sizeof fill.order_id, f[1]);
    text_copy(fill.broker_id, sizeof fill.broker_id, placed->order.broker_id);
    text_copy(fill.trade_id, sizeof fill.trade_id, f[2]);
    if (!number(f[3], &fill.quantity, err) || !number(f[4], &fill.price, err) ||
        !number(f[5], &fill.fee, err))
        return false;
    if (!decimal_ok(fill.quantity) || !decimal_ok(fill.price) || !decimal_ok(fill.fee) ||
        decimal_sign(fill.quantity) <= 0)
        return err_set(err, ERR_REFUSED, ERR_CORRUPT, "a fill without its figures");
    fill.at_us = strtoll(f[6], NULL, 10);
    paper_book_fill(paper, placed, &fill);
    follow(paper, fill.trade_id);
    return true;
}

static bool read_end(struct paper *paper, char **f, size_t count, struct err *err)
{
    int state;
    struct paper_order *placed = count == 4 ? paper_find(paper, f[1]) : NULL;
    if (!placed || !enum_parse(order_state_names, f[2], &state))
        return err_set(err, ERR_REFUSED, ERR_CORRUPT, "an end of no known order");
    paper_end(paper, placed, (enum order_state)state, f[3]);
    return true;
}

static bool read_amend(struct paper *paper, char **f, size_t count, struct err *err)
{
    struct paper_order *placed = count == 5 ? paper_find(paper, f[1]) : NULL;
    if (!placed)
        return err_set(err, ERR_REFUSED, ERR_CORRUPT, "a change of no known order");
    if (!number(f[2], &placed->order.quantity, err) ||
        !number(f[3], &placed->order.limit_price, err) ||
        !number(f[4], &placed->order.stop_price, err))
        return false;
    return decimal_ok(placed->order.quantity) ||
           err_set(err, ERR_REFUSED, ERR_CORRUPT, "a change without a quantity");
}

static bool read_line(struct paper *paper, char *line, struct err *err)
{
    char *fields[FIELDS_MAX];
    size_t count = split(line, fields);
    switch (*line) {
    case 'O':
        return read_accept(paper, fields, count, err);
    case 'F':
        return read_fill(paper, fields, count, err);
    case 'A':
        return read_amend(paper, fields, count, err);
    case 'E':
        return read_end(paper, fields, count, err);
    }
    return err_set(err, ERR_REFUSED, ERR_CORRUPT, "not a line of a paper journal");
}

static bool read_lines(struct paper *paper, char *text, size_t length, size_t *whole,
                       struct err *err)
{
    size_t line = 0;
    for (*whole = 0; *whole < length;) {
        char *end = memchr(text + *whole, '\n', length - *whole);
        if (!end)
            break;
        *end = '\0';
        line++;
        if (!read_line(paper, text + *whole, err))
            return err_prefix(err, "%s line %zu", paper->options.journal_path, line);
        *whole = (size_t)(end - text) + 1;
    }
    return true;
}

bool paper_journal_open(struct paper *paper, struct err *err)
{
    const char *path = paper->options.journal_path;
    struct arena arena;
    size_t length = 0, whole = 0;
    bool ok = true;
    arena_init(&arena, 4096);
    if (file_exists(path)) {
        char *text = file_read(&arena, path, JOURNAL_MAX, 0, &length, err);
        ok = text && read_lines(paper, text, length, &whole, err);
    }
    arena_free(&arena);
    if (!ok)
        return false;
    paper->journal = fopen(path, "ae");
    if (!paper->journal || (whole < length && ftruncate(fileno(paper->journal), (off_t)whole) != 0))
        return err_set(err, ERR_REFUSED, ERR_IO, "cannot write the paper journal %s: %s", path,
                       strerror(errno));
    /* A new book beside an old log must not give its trades the numbers of the old book's. */
    if (paper->sequence == 0 && clock_wall(paper->options.clock) > BIRTH_US)
        paper->sequence = (clock_wall(paper->options.clock) - BIRTH_US) / 1000;
    /* What was under way when the last process ended still comes. */
    for (struct paper_order *placed = paper->working; placed; placed = placed->next)
        if (placed->fill_count > 0 || placed->order.kind == ORDER_MARKET)
            paper_later_fill(paper, placed);
    return true;
}
