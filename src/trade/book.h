/* The book: rows in memory, reached by key. It is the host's committed view, the fold of the event
 * log, and the simulated store's tables alike.
 *
 * The live book holds what decisions need (open positions, orders and signals that are not final,
 * pyramids, statistics, accounts, halts, policies); a folded book holds everything. It is changed
 * only by book_apply_*, after the store has committed, so it is never ahead of the disk. */
#ifndef TIDELOCK_TRADE_BOOK_H
#define TIDELOCK_TRADE_BOOK_H
#include "trade/record.h"

struct book;
struct book *book_new(void);
void book_free(struct book *book);

const void *book_get(const struct book *book, enum table_id table,
                     const char *key); /* NULL: absent; valid until the row changes */
void book_put(struct book *book, enum table_id table, const void *row); /* deep copy; replaces */
void book_remove(struct book *book, enum table_id table, const char *key);
size_t book_count(const struct book *book, enum table_id table);
/* Goes up with every change of any row: what was read while it stood still still holds. */
uint64_t book_changes(const struct book *book);
/* Visits rows in order of first insertion; the visitor may remove the visited row. Stop by
 * returning false. */
void book_each(struct book *book, enum table_id table, bool (*visit)(void *ctx, const void *row),
               void *ctx);

/* Rows of one strategy on one instrument without a walk over all: open (not closed) positions in
 * order of opening. */
size_t book_open_positions(const struct book *book, const char *strategy, const char *instrument,
                           const struct position **out, size_t room);
size_t book_all_open_positions(const struct book *book, const struct position **out, size_t room);
/* All of them without a bound of room, in the same order. The visitor changes nothing; false stops.
 */
void book_each_open_position(const struct book *book,
                             bool (*visit)(void *ctx, const struct position *position), void *ctx);
void book_each_live_order(const struct book *book,
                          bool (*visit)(void *ctx, const struct order *order), void *ctx);
/* Orders that are not final. strategy and instrument may be NULL: any. */
size_t book_live_orders(const struct book *book, const char *strategy, const char *instrument,
                        const struct order **out, size_t room);

/* Lots open on an instrument, whatever the strategy and side. */
struct decimal book_open_lots(const struct book *book, const char *instrument);

/* Sums over open positions and live orders, kept beside them so that no decision walks over all:
 * one per group (a strategy on an instrument) and one of all groups. Their keeper is
 * portfolio_measure; the book only tells which groups changed. */
struct book_sums {
    struct decimal unrealised, open_risk, pending_risk, margin, exposure;
    int64_t positions;
    bool open;            /* something went in that a price may move */
    struct decimal price; /* of the market, as used; absent: none was known */
    const void *basis;    /* whose figures went in */
    const struct instrument *instrument; /* of the group, as the basis has it; NULL: it has not */
    uint64_t moves;       /* of prices, when all was summed up last */
    /* Of the one of all groups: the figures made of it, and the book's changes then. */
    struct portfolio *measured;
    uint64_t changes;
};
struct book_group;
struct book_sums *book_sums(const struct book *book);
/* Groups that changed since the last such visit, or all of them. The visitor leaves the book alone.
 */
void book_each_group(const struct book *book, bool changed_only,
                     void (*visit)(void *ctx, const struct book_group *group,
                                   struct book_sums *sums),
                     void *ctx);
const char *book_group_instrument(const struct book_group *group);
void book_group_each(const struct book_group *group,
                     bool (*position)(void *ctx, const struct position *position),
                     bool (*order)(void *ctx, const struct order *order), void *ctx);

/* One change of one row, as an event carries it: before NULL inserts. */
struct change {
    const struct table *table;
    const void *before;
    const void *after;
};
void book_apply_change(struct book *book, const struct change *change);

/* Live books forget what is final so that they stay bounded: closed positions, final orders and
 * signals, fills, ledger, decisions. */
void book_forget_final(struct book *book, bool forget);

/* Every row of `a` against `b` and back; writes at most `max` sentences ("positions X: quantity 3
 * in the table, 2 in the log"). Returns the number of differences. */
size_t book_compare(struct book *a, struct book *b, struct str *report, size_t max);
#endif
