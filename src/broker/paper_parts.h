/* What the files of the paper broker share; nobody else's business. */
#ifndef TIDELOCK_BROKER_PAPER_PARTS_H
#define TIDELOCK_BROKER_PAPER_PARTS_H
#include "base/heap.h"
#include "base/keyed.h"
#include "base/mem.h"
#include "broker/paper.h"
#include <stdio.h>
#include <string.h>

struct paper_order { /* one acceptance: the same client id twice makes two of them */
    struct order order;
    struct report *fills;
    size_t fill_count, fill_room;
    int64_t visible_us;              /* steady: queries see it from then on */
    struct paper_order *same_id;     /* accepted earlier under the same client id */
    struct paper_order *next, *prev; /* the working ones */
    bool working;
    bool early;    /* no price was told since it arrived, and it waits for one */
    bool rest_due; /* the rest of a fill in parts is on its way */
    bool quiet;    /* its reports are lost: only queries tell */
    bool twice;    /* its reports come twice */
};
struct client_id {
    UT_hash_handle hh;
    char id[ID_SIZE];
    struct paper_order *newest;
    size_t accepted;
};
struct market { /* per instrument: the last trade, and our net position; of a dated contract: that
                 * position alone */
    UT_hash_handle hh;
    char name[NAME_SIZE + 12]; /* "GOLD", "GOLD\t2026-10-05" */
    struct decimal price;      /* as told; bad: nobody tells one */
    struct decimal traded;     /* of our last fill: better than no price at all */
    int64_t price_us;
    struct decimal net, average; /* signed lots; average price of what is open */
};
enum happening_kind { HAPPENS_ARRIVAL, HAPPENS_ANSWER, HAPPENS_REPORT, HAPPENS_FILL };
struct happening { /* something due at a moment */
    enum happening_kind kind;
    enum answer_kind {
        ANSWER_ERROR,
        ANSWER_REPORT,
        ANSWER_ORDER,
        ANSWER_OPEN,
        ANSWER_POSITIONS,
        ANSWER_BALANCE
    } answers;
    enum paper_fault fault;
    struct waiter to;
    bool listening; /* somebody waits, and has not died since */
    struct err err;
    struct report report;
    struct order order; /* arrival: what was asked to be placed */
    int64_t valid_until_us;
    struct paper_order *placed; /* fill: of which order */
    struct happening *next_free;
    struct happening *next, *prev; /* all that are pending, for the day the host dies */
};
struct paper {
    struct broker broker;
    struct paper_options options;
    struct chance chance;
    struct client_id *ids;
    struct market *markets, *recent;
    struct paper_order *working; /* not final, newest first */
    struct heap due;
    struct happening *pending, *free;
    int64_t sequence; /* broker ids and trade ids */
    struct decimal cash, fees, realised;
    FILE *journal;    /* NULL: none; lines are written straight to its descriptor */
    struct str lines; /* not yet written */
    bool journal_failed;
    bool waits_for_prices;
};

static inline struct paper *paper_of(const struct broker *broker)
{
    return (struct paper *)(uintptr_t)broker;
}

/* paper_book.c: what the exchange does */
struct paper_order *paper_accept(struct paper *paper, const struct order *order);
struct paper_order *paper_find(const struct paper *paper, const char *client_id);
struct market *paper_market(struct paper *paper, const char *instrument);
/* Matches one order against the market. A fill or an end is told by paper_tell. */
void paper_match(struct paper *paper, struct paper_order *placed, struct waiter *first);
void paper_fill(struct paper *paper, struct paper_order *placed, struct decimal quantity,
                struct decimal price, struct report *out);
void paper_end(struct paper *paper, struct paper_order *placed, enum order_state state,
               const char *reason);
/* Bookkeeping of a fill, live or read back from the journal. */
void paper_book_fill(struct paper *paper, struct paper_order *placed, const struct report *fill);
void paper_free_orders(struct paper *paper);

/* paper.c: telling */
void paper_tell(struct paper *paper, struct paper_order *placed, const struct report *report,
                struct waiter *first);
void paper_later_fill(struct paper *paper, struct paper_order *placed);

/* paper_journal.c */
bool paper_journal_open(struct paper *paper, struct err *err) MUST_CHECK;
void paper_journal_flush(struct paper *paper);
void paper_journal_accept(struct paper *paper, const struct paper_order *placed);
void paper_journal_fill(struct paper *paper, const struct report *fill);
void paper_journal_amend(struct paper *paper, const struct paper_order *placed);
void paper_journal_end(struct paper *paper, const struct paper_order *placed);
#endif
