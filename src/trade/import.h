/* Positions that exist elsewhere, as a person lists them to enter the book: from JSON to rows that
 * can be booked, with every fault told at once. Pure. */
#ifndef TIDELOCK_TRADE_IMPORT_H
#define TIDELOCK_TRADE_IMPORT_H
#include "trade/portfolio.h"
#include "trade/signal.h"

enum { IMPORT_MAX = 128 };
struct imported {
    size_t at; /* its place in the list */
    /* Derived from everything that is said of it: the same line twice is the same position. It is
     * the id of the order, too, that would have opened it. */
    char id[ID_SIZE];
    char strategy[NAME_SIZE], instrument[NAME_SIZE], label[LABEL_SIZE], expiry[12];
    enum side side;
    struct decimal quantity, entry_price, initial_stop, stop,
        atr; /* the last three may be absent */
    int64_t opened_us;
};
struct import_rules {
    const struct instruments *instruments;
    /* NULL: the strategy trades the instrument; else why not. */
    const char *(*refuses)(void *ctx, const char *strategy, const char *instrument);
    void *ctx;
    int64_t now_us;
};
/* `body` is a list of objects {strategy, instrument, position, side, quantity, entry_price, stop,
 * initial_stop, atr, opened_at, expiry}, or an object with such a list as `positions`. What could
 * be read is in `list` (room for IMPORT_MAX), bases before their pyramids; returns how many. */
size_t import_read(const struct json *body, const struct import_rules *rules, struct imported *list,
                   struct signal_faults *faults);
/* As import_read names a field in its faults. */
void import_fault(struct signal_faults *faults, const char *root, size_t at, const char *field,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Where the list lies: "" or "positions". */
const char *import_root(const struct json *body);

/* What was read against the book: layers that are taken, sides that differ, pyramids without a
 * base. `stands[i]`: list[i] is booked already and of no interest. */
void import_check(const struct book *book, const struct imported *list, const bool *stands,
                  size_t count, const char *root, struct signal_faults *faults);

/* The order that would have opened it, and its fill, as rows: recorded and never sent. `effect` is
 * what they do to the pyramid in `book` and the position; the account stays as it is. */
struct import_rows {
    struct order before, after;
    struct fill fill;
    struct fill_effect effect;
};
bool import_book(const struct book *book, const struct imported *one, const char *broker,
                 int64_t term, const struct instrument *instrument, int64_t now_us,
                 struct import_rows *out, struct err *err) MUST_CHECK;
#endif
