/* A host whose account somebody else trades on, too: what the tests of reconciliation share. */
#ifndef TIDELOCK_TESTS_MATCH_RIG_H
#define TIDELOCK_TESTS_MATCH_RIG_H
#include "flow_rig.h"
#include "flow/orders.h"

static struct rig rig;
static char report[20000];

static inline int set_up(void **state)
{
    (void)state;
    rig_open(&rig);
    report[0] = '\0';
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

/* ---- what the tests do ---- */

static inline void hear_report(void *owner, uint64_t handle, const struct err *err,
                               const void *value)
{
    (void)owner;
    (void)handle;
    text_copy(report, sizeof report, err ? err->text : value);
}

static inline void match_it(bool dry)
{
    report[0] = '\0';
    match_now(&rig.core, dry, (struct waiter){.answer = hear_report});
    rig_pass(&rig, 1500000);
    if (!*report)
        fail_msg("no report came");
}

static inline void expect(const char *part)
{
    if (!strstr(report, part))
        fail_msg("%s is not in %s", part, report);
}

/* alpha with a reconcile of this body. */
static inline void load_policy(const char *body)
{
    char text[2000];
    struct policy_version version;
    struct str faults = STR_EMPTY;
    struct err err = {0};
    snprintf(text, sizeof text,
             "return { name = 'alpha', version = '2', instruments = '*',\n"
             "  size = function(f) local q = f.signal.quantity\n"
             "    if q:eq(6) then return { quantity = q, stop = f.signal.stop, kind = 'limit',\n"
             "                             limit_price = 90 } end\n"
             "    return { quantity = q, stop = f.signal.stop } end,\n"
             "  reconcile = function(d, f) %s end }\n",
             body);
    struct policy_source file = {"strategy.lua", text, strlen(text)};
    if (!policies_load(rig.core.policies, "alpha", &file, 1, NULL, 0, "test", &version, &faults,
                       &err))
        fail_msg("%s", err.text);
    str_free(&faults);
}

/* Somebody trades at the broker past us. */
static inline void trade_there(const char *id, enum order_side side, int lots, int limit)
{
    struct order order;
    row_init(&tables[TABLE_ORDER], &order);
    text_copy(order.id, sizeof order.id, id);
    text_copy(order.instrument, sizeof order.instrument, "GOLD");
    order.side = side;
    order.kind = limit ? ORDER_LIMIT : ORDER_MARKET;
    order.quantity = decimal_int(lots);
    order.filled = order.fees = decimal_int(0);
    order.reference_price = rig.price;
    if (limit)
        order.limit_price = decimal_int(limit);
    struct right_to_send right = {.order = &order,
                                  .valid_until_us = rig.now.now_wall_us + 60000000};
    broker_place(rig.core.broker, &right, (struct waiter){0});
    rig_settle(&rig);
}

static inline struct decimal our_lots(void)
{
    return book_open_lots(store_mem_book(rig.core.store), "GOLD");
}

static inline void assert_lots(int lots)
{
    char text[DECIMAL_TEXT_MAX];
    decimal_print(our_lots(), text);
    if (!decimal_eq(our_lots(), decimal_int(lots)))
        fail_msg("%s lots, not %d: %s", text, lots, report);
}

static inline enum signal_state entry_ends_as(const char *position)
{
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, position, 2);
    return rig_stored(&rig, signal.id)->state;
}

static inline const struct order *stored_order(const char *id)
{
    return book_get(store_mem_book(rig.core.store), TABLE_ORDER, id);
}

/* The whole log folds to the tables, and what it folds to adds up. */
static inline bool read_event(void *ctx, const struct event *event, struct err *err)
{
    return replay_feed(ctx, event, err);
}

static inline void assert_sound(void)
{
    struct replay replay;
    struct book *folded = book_new();
    struct str text = STR_EMPTY;
    struct err err;
    replay_init(&replay, folded);
    if (!store_read_events(rig.core.store, 0, 0, read_event, &replay, &err))
        fail_msg("%s", err.text);
    if (book_compare(store_mem_book(rig.core.store), folded, &text, 3) ||
        replay_faults(&replay, &text, 3) || replay_audit(folded, &text, 3))
        fail_msg("%s", str_text(&text));
    replay_free(&replay);
    book_free(folded);
    str_free(&text);
}

#endif
