/* Orders that are not final: what is on its way, what was heard of it, who waits for it. */
#ifndef TIDELOCK_FLOW_ORDERS_H
#define TIDELOCK_FLOW_ORDERS_H
#include "flow/flow.h"
#include "trade/order.h"

/* The memory of one order while its story runs. Its row as asked to be written (`row`) may be ahead
 * of the disk; what the disk has is `committed`, and only that counts for what leaves the host. */
struct live_order;
struct orders *orders_new(struct core *core);
void orders_free(struct orders *orders);
/* Knows the order from now on. `fills_known`: it is ours from birth, or no fill of it was ever
 * recorded. */
void orders_track(struct core *core, const struct order *order, bool fills_known);
bool orders_row(const struct core *core, const char *order_id, struct order *out);
size_t orders_count(const struct core *core);
bool orders_next_unloaded(const struct core *core,
                          char id[ID_SIZE]);     /* one whose fills are not known */
size_t orders_unlooked(const struct core *core); /* after a start: not yet asked the broker about */

/* Begins the story that follows the order to its end; `right_until_us` (steady) > 0: its right to
 * send is committed and unused. */
bool orders_work(struct core *core, const char *order_id, int64_t right_until_us,
                 struct flow *parent /* NULL: nobody waits for the end */);
/* Wants it cancelled at the broker as soon as that is possible. */
void orders_cancel(struct core *core, const char *order_id);

/* Changes quantity and prices of a resting order to those of `want`, at the broker and then in its
 * row; `to` hears the end. False: it cannot be changed now. Story in amend_order.c. */
bool orders_amend(struct core *core, const struct order *want, struct waiter to);

/* What the broker says, by answer, hook or query. Any time, twice, late, before the
 * acknowledgement. */
void orders_report(struct core *core, const struct report *report);
/* What a query found, told as the reports it stands for. */
void orders_tell(struct core *core, const char *order_id, const struct broker_answer *answer);
/* A change of the order's row other than by a report; `to` hears the write. False: the row is not
 * at hand. */
bool orders_change(struct core *core, const char *event /* NULL: by its state */, const char *cause,
                   const struct order *after, struct waiter to);
/* A fill by a person's evidence: applied, and the order ends, FILLED or `as` when some is left. */
bool orders_settle(struct core *core, const struct report *fill, enum order_state as,
                   const char *cause, struct waiter to, struct err *err) MUST_CHECK;
/* What the recorder tells of every change. */
void orders_committed(struct core *core, const struct change *change);
void orders_undone(struct core *core, const struct change *change);
/* The row in the book, which somebody else may have changed, is the order from now on. */
void orders_follow(struct core *core, enum table_id table, const char *order_id);
void orders_see_all(struct core *core);    /* what the book has at a start: orders_seen.c */
void orders_forget(struct core *core);     /* all of them: somebody else looks after them */
void orders_resync(struct core *core);     /* rows follow the book, and every story looks again */
void orders_wake_dirty(struct core *core); /* when everything is taken back */

/* Asks the broker about an order until it has answered; then its reports are in. Story in
 * find_order.c. */
struct flow *order_find_begin(struct flow *parent, const char *order_id, int64_t not_before_us);
bool order_find_proved(const void *value); /* of its answer: the order never stood at the broker */
bool order_find_found(const void *value);  /* the broker knew it */
int64_t order_find_asked_us(const void *value); /* steady */
/* One attempt to send. Story in send_order.c. */
struct flow *order_send_begin(struct flow *parent, const char *order_id, int64_t right_until_us);
struct flow *order_cancel_begin(struct flow *parent, const char *order_id);

/* New orders of the last minute, for the rate rail. */
void orders_note_new(struct core *core);
/* The same for one of before this process began, or of another instance. */
void orders_note_made(struct core *core, const struct order *order);
int64_t orders_last_minute(const struct core *core);

/* Notes of the stories on the order. */
void orders_looked(struct core *core, const char *order_id);
/* The moment (steady) from which absence at the broker proves that the order never stood;
 * INT64_MAX: never. */
int64_t orders_proof_us(const struct core *core, const struct order *order);
/* The moment (steady) from which an order the broker took shows in each of its readings. */
int64_t orders_shows_us(const struct core *core, const struct order *order);
/* Whether an order that never stood should still be sent; `why` gets the sentence when not. */
/* Another instance may have come first: with everything that is committed the rails still hold. */
bool orders_fit(struct core *core, const struct order *order, char why[REASON_SIZE]);
bool orders_still_wanted(const struct core *core, const struct order *order, char why[REASON_SIZE]);
#endif
