/* A whole host in memory for tests of the stories: clock, store, broker and leases by hand. */
#ifndef TIDELOCK_TESTS_FLOW_RIG_H
#define TIDELOCK_TESTS_FLOW_RIG_H
#include "broker/paper.h"
#include "flow/flow.h"
#include "flow/flows.h"
#include "flow/follow.h"
#include "store/store_bodies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct rig {
    struct clock_sim now;
    struct core core;
    struct instrument gold;
    struct decimal price;
    enum paper_fault fault;     /* of the next place */
    enum paper_fault ask_fault; /* of every other call, until it is taken away */
    const char *only;           /* of this one alone */
    bool commit_fails, commit_stops;
    struct core_listener listener;
    char trace[4000];  /* of the last decision */
    char events[4000]; /* kinds, in the order of commits */
    /* the last answer */
    int answers;
    struct err err;
    enum intake_status status;
    bool decided;
    enum verdict verdict;
    char gate[NAME_SIZE];
    struct signal row;
};

static const char rig_strategy[] =
    "return { name = 'alpha', version = '1', instruments = '*', gates = {\n"
    "  { name = 'thirds', check = function(f)\n"
    "      if f.signal.quantity:eq(3) then return reject('three is too many') end\n"
    "      if f.signal.quantity:eq(4) then return defer(2, 'wait a bit') end\n"
    "      return pass() end } },\n"
    "  size = function(f)\n"
    "      local q = f.signal.quantity\n"
    "      if q:eq(6) then return { quantity = q, stop = f.signal.stop, kind = 'limit',\n"
    "                               limit_price = 90 } end\n"
    "      return { quantity = q, stop = f.signal.stop } end,\n"
    "  exit_size = function(f)\n" /* one at 95 wants to wait for its price, one at 94 wants less */
    "      if f.signal.price and f.signal.price:eq(95) then\n"
    "          return { quantity = 3, kind = 'limit', limit_price = 110 } end\n"
    "      if f.signal.price and f.signal.price:eq(94) then return { quantity = 3 } end end }\n";

static inline void rig_hear(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct rig *rig = owner;
    const struct intake_answer *answer = value;
    rig->answers++;
    err_clear(&rig->err);
    if (err)
        rig->err = *err;
    if (err || handle == 0 || !answer)
        return;
    rig->status = answer->status;
    rig->decided = answer->decision != NULL;
    if (answer->decision) {
        rig->verdict = answer->decision->verdict;
        text_copy(rig->gate, sizeof rig->gate, answer->decision->gate);
    }
    if (answer->signal)
        rig->row = *answer->signal;
    rig->row.extra = NULL;
}

static inline struct waiter rig_waiter(struct rig *rig, bool of_intake)
{
    return (struct waiter){.answer = rig_hear, .owner = rig, .handle = of_intake};
}

static inline bool rig_price(void *ctx, const char *instrument, struct decimal *price,
                             int64_t *at_us)
{
    struct rig *rig = ctx;
    (void)instrument;
    *price = rig->price;
    *at_us = rig->now.now_wall_us;
    return true;
}

static inline enum paper_fault rig_fault(void *ctx, const char *call, const char *order_id)
{
    struct rig *rig = ctx;
    enum paper_fault fault = rig->fault;
    (void)order_id;
    if (strcmp(call, "place") != 0)
        return rig->only && strcmp(rig->only, call) != 0 ? PAPER_OK : rig->ask_fault;
    rig->fault = PAPER_OK;
    return fault;
}

static inline void rig_event(void *ctx, const struct store_event *event)
{
    struct rig *rig = ctx;
    size_t length = strlen(rig->events);
    snprintf(rig->events + length, sizeof rig->events - length, "%s ", event->kind);
    if (strcmp(event->kind, "signal.decided") == 0)
        text_copy(rig->trace, sizeof rig->trace, event->cause ? event->cause : "");
}

/* Everything that is due now, and what follows from it at once. */
static inline void rig_settle(struct rig *rig)
{
    for (int i = 0; i < 30; i++) {
        core_turn(&rig->core);
        paper_turn(rig->core.broker);
        if (!rig->commit_stops)
            store_mem_commit(rig->core.store, rig->commit_fails);
        store_mem_turn(rig->core.store);
    }
    core_turn(&rig->core);
}

static inline void rig_pass(struct rig *rig, int64_t us)
{
    for (int64_t end = rig->now.now_steady_us + us; rig->now.now_steady_us < end;) {
        clock_sim_advance(&rig->now, us / 50 + 1);
        rig_settle(rig);
    }
}

static inline void rig_load_policies(struct rig *rig)
{
    struct policies_options options = {.instruments = &rig->core.options.instruments,
                                       .clock = clock_real()};
    struct policy_source file = {"strategy.lua", rig_strategy, sizeof rig_strategy - 1};
    struct policy_version version;
    struct str report = STR_EMPTY;
    struct err err = {0};
    rig->core.policies = policies_new(&options);
    if (!policies_load(rig->core.policies, "alpha", &file, 1, NULL, 0, "test", &version, &report,
                       &err))
        fail_msg("%s", err.text);
    str_free(&report);
}

static inline void rig_open_books(struct rig *rig)
{
    struct core *core = &rig->core;
    core->book = book_new();
    core->stats = book_new();
    core->lease = lease_store_open(&(struct lease_store_options){.store = core->store,
                                                                 .clock = core->clock,
                                                                 .chance = &core->chance,
                                                                 .book = core->book,
                                                                 .name = "one",
                                                                 .sole = true});
}

static inline void rig_start(struct rig *rig)
{
    struct err err;
    struct core *core = &rig->core;
    rig_open_books(rig);
    if (!core_start(core, &err) || !store_load_book(core->store, core->book, 100, NULL, NULL, &err))
        fail_msg("%s", err.text);
    take_over_begin(core, rig_waiter(rig, false));
    rig_settle(rig);
}

/* As kill -9: what was asked and not committed is gone. */
static inline void rig_kill(struct rig *rig)
{
    struct core *core = &rig->core;
    store_mem_crash(core->store, false);
    paper_forget_waiters(core->broker);
    core_stop(core);
    lease_close(core->lease);
    book_free(core->book);
    book_free(core->stats);
}

static inline void rig_open(struct rig *rig)
{
    struct core *core = &rig->core;
    struct err err;
    memset(rig, 0, sizeof *rig);
    clock_sim_init(&rig->now, 1790000000000000, 5000000);
    rig->price = decimal_int(100);
    text_copy(rig->gold.name, sizeof rig->gold.name, "GOLD");
    rig->gold.lot_size = rig->gold.quantity_step = rig->gold.tick = decimal_int(1);
    rig->gold.point_value = rig->gold.margin = rig->gold.min_quantity = decimal_int(1);
    rig->gold.max_quantity = decimal_int(1000);
    core->options = (struct core_options){
        .instance = "one", .queue_max = 8, .flow_max = 128, .retry_max = 3, .record_trace = true};
    core->options.rails.waived = (1u << RAIL_COUNT) - 1;
    core->options.instruments = (struct instruments){.list = &rig->gold, .count = 1};
    core->clock = &rig->now.clock;
    core->prices = (struct prices){.last = rig_price, .ctx = rig};
    core->store = store_mem_open(
        &(struct store_mem_options){.instance = "one", .keep_events = true, .clock = core->clock});
    core->broker = paper_open(&(struct paper_options){.fee_per_lot = decimal_bad(),
                                                      .fee_percent = decimal_bad(),
                                                      .slippage_percent = decimal_bad(),
                                                      .starting_cash = decimal_bad(),
                                                      .instruments = &core->options.instruments,
                                                      .clock = core->clock,
                                                      .fault = rig_fault,
                                                      .fault_ctx = rig},
                              &err);
    rig->listener = (struct core_listener){.on_event = rig_event, .ctx = rig};
    core->listeners = &rig->listener;
    chance_seed(&core->chance, 1);
    rig_load_policies(rig);
    rig_start(rig);
    account_deposit(core, decimal_int(100000), "test", rig_waiter(rig, false));
    rig_settle(rig);
    rig->events[0] = '\0';
    rig->answers = 0;
}

/* The store of another instance, whose writes ours reads in the log; the caller closes it first. */
static inline struct store *rig_open_beside(struct rig *rig)
{
    rig_open(rig);
    struct store *store = rig->core.store;
    store->on_foreign = follow_events;
    store->foreign_ctx = &rig->core;
    return store_mem_share(
        store, &(struct store_mem_options){.instance = "two", .clock = rig->core.clock});
}

static inline void rig_close(struct rig *rig)
{
    rig_kill(rig);
    broker_close(rig->core.broker);
    store_close(rig->core.store);
    policies_free(rig->core.policies);
}

/* Ask in the next second each time: two signals in one second would be one. */
static inline struct signal rig_signal(struct rig *rig, enum signal_type type, const char *position,
                                       int64_t quantity)
{
    struct signal signal;
    clock_sim_advance(&rig->now, 1000000);
    row_init(&tables[TABLE_SIGNAL], &signal);
    text_copy(signal.source, sizeof signal.source, "test");
    text_copy(signal.strategy, sizeof signal.strategy, "alpha");
    text_copy(signal.instrument, sizeof signal.instrument, "GOLD");
    text_copy(signal.position, sizeof signal.position, position);
    signal.type = type;
    if (type != SIGNAL_EXIT) {
        signal.price = rig->price;
        signal.stop = decimal_sub(rig->price, decimal_int(5));
        signal.quantity = decimal_int(quantity);
    }
    signal.at_us = signal.received_us = rig->now.now_wall_us;
    signal_fingerprint(&signal, NULL, NULL, 0);
    return signal;
}

static inline struct signal rig_send(struct rig *rig, enum signal_type type, const char *position,
                                     int64_t quantity)
{
    struct signal signal = rig_signal(rig, type, position, quantity);
    intake_submit(&rig->core, &signal, true, rig->now.now_steady_us + 3000000,
                  rig_waiter(rig, true));
    rig_settle(rig);
    return signal;
}

static inline const struct signal *rig_stored(struct rig *rig, const char *id)
{
    return book_get(store_mem_book(rig->core.store), TABLE_SIGNAL, id);
}
#endif
