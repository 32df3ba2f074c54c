/* What people do: halt and resume, the end of an order nobody else can settle, policy
 * versions. Each is one write with who and why in its cause. */
#include "flow/intake.h"
#include "flow/holding.h"
#include "flow/orders.h"
#include "flow/record.h"
#include "flow/roll.h"
#include <stdio.h>
#include <string.h>

#define FLATTEN_AGAIN_US 5000000
#define HALT_AGAIN_US 10000
enum { HALT_TRIES = 20 };

static void put_cause(struct str *cause, const char *who, const char *why)
{
    str_puts(cause, "{\"who\":");
    str_put_json(cause, who);
    str_puts(cause, ",\"why\":");
    str_put_json(cause, why);
    str_putc(cause, '}');
}

static void refuse(struct core *core, struct waiter to, enum err_code code, const char *text)
{
    struct err err;
    err_set(&err, ERR_REFUSED, code, "%s", text);
    intake_defer(core, to, "", &err);
}

/* ---- halts ---- */

enum halt_level halt_now(const struct core *core)
{
    const struct halt *asked = book_get(core->book, TABLE_HALT, "all");
    enum halt_level level = core->halt > core->halt_pending ? core->halt : core->halt_pending;
    return asked && asked->level > level ? asked->level : level;
}

struct flat { /* one strategy on one instrument that has something open */
    char strategy[NAME_SIZE], instrument[NAME_SIZE];
};

struct closing { /* an EXIT on its way, wherever it is worked */
    const struct position *position;
    bool found;
};

static bool find_exit(void *ctx, const void *row)
{
    struct closing *closing = ctx;
    const struct signal *signal = row;
    closing->found |= signal->type == SIGNAL_EXIT &&
                      strcmp(signal->strategy, closing->position->strategy) == 0 &&
                      strcmp(signal->instrument, closing->position->instrument) == 0;
    return !closing->found;
}

static bool is_being_closed(struct core *core, const struct position *position)
{
    const struct lane *lane = lane_of(core, position->strategy, position->instrument);
    struct closing closing = {.position = position};
    if (!core_works(core, position->instrument))
        book_each(core->book, TABLE_SIGNAL, find_exit, &closing);
    return closing.found || lane->stories > 0 || lane->waiting.count > 0;
}

/* Exits for everything open, through the same door as any signal. */
void positions_close_all(struct core *core, const char *source)
{
    enum { MAX = 256 };
    const struct position *open[MAX];
    struct flat list[MAX];
    size_t count = book_all_open_positions(core->book, open, MAX), pairs = 0;
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < pairs && (strcmp(list[k].strategy, open[i]->strategy) != 0 ||
                             strcmp(list[k].instrument, open[i]->instrument) != 0))
            k++;
        if (k < pairs || is_being_closed(core, open[i]))
            continue;
        text_copy(list[pairs].strategy, NAME_SIZE, open[i]->strategy);
        text_copy(list[pairs++].instrument, NAME_SIZE, open[i]->instrument);
    }
    for (size_t i = 0; i < pairs; i++) {
        struct signal exit;
        row_init(&tables[TABLE_SIGNAL], &exit);
        text_copy(exit.source, sizeof exit.source, source);
        text_copy(exit.strategy, sizeof exit.strategy, list[i].strategy);
        text_copy(exit.instrument, sizeof exit.instrument, list[i].instrument);
        text_copy(exit.position, sizeof exit.position, "ALL");
        exit.type = SIGNAL_EXIT;
        exit.at_us = exit.received_us = clock_wall(core->clock);
        signal_fingerprint(&exit, NULL, NULL, 0);
        intake_submit(core, &exit, false, 0, (struct waiter){0});
    }
}

/* An exit that came to nothing (expired, rejected, lost with its process) must not leave a position
 * open while the host is told to be flat. */
int64_t flatten_turn(struct core *core)
{
    int64_t now_us = clock_steady(core->clock);
    if (core->halt != HALT_FLATTEN || !core_is_leader(core) || core->draining)
        return INT64_MAX;
    if (now_us >= core->flatten_us) {
        core->flatten_us = now_us + FLATTEN_AGAIN_US;
        positions_close_all(core, "halt");
    }
    return core->flatten_us;
}

struct halting {
    struct waiter to;
    enum halt_level level;
    char who[NAME_SIZE], why[REASON_SIZE];
    unsigned tries;
    bool asked;
};

static void write_halt(struct flow *flow)
{
    struct halting *halting = flow->data;
    struct core *core = flow->core;
    const struct halt *before = book_get(core->book, TABLE_HALT, "all");
    struct store_event event;
    struct str cause = STR_EMPTY;
    struct halt after;
    row_init(&tables[TABLE_HALT], &after);
    if (before)
        after = *before;
    text_copy(after.id, sizeof after.id, "all");
    text_copy(after.who, sizeof after.who, halting->who);
    text_copy(after.why, sizeof after.why, halting->why);
    after.level = halting->level;
    after.at_us = clock_wall(core->clock);
    after.version++;
    put_cause(&cause, halting->who, halting->why);
    event_start(core, &event, halting->level == HALT_NONE ? "halt.ended" : "halt.set", "all");
    event.cause = str_text(&cause);
    event_change(&event, TABLE_HALT, before, &after);
    halting->asked = core->halt_writing = true;
    record_write(core, &event, 1, true, flow_waiter(flow));
    str_free(&cause);
}

/* One at a time, each on what the one before left: nobody fences halts, so a second write in flight
 * could build on a first that failed. */
static enum step_result halt(struct flow *flow)
{
    if (!flow->core->halt_writing && record_settled(flow->core))
        write_halt(flow);
    else
        flow_deadline(flow, clock_steady(flow->core->clock) + HALT_AGAIN_US);
    return STEP_WAIT;
}

/* Somebody else may have set a level meanwhile: what a person asks for last is what counts, so the
 * book is read again (resync.c) and the write is asked again. */
static enum step_result halt_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct halting *halting = flow->data;
    struct core *core = flow->core;
    (void)value;
    if (!halting->asked) /* waiting for its turn, or for the book to be read again */
        return halt(flow);
    core->halt_writing = halting->asked = false;
    if (!err) {
        core->halt = halting->level;
        core->flatten_us = 0; /* at the next turn */
        log_write(core->log, halting->level == HALT_NONE ? LOG_INFO : LOG_WARN, "halt",
                  "the halt level has changed", LOG_T("halt", halt_level_names[halting->level]),
                  LOG_END);
        return STEP_END;
    }
    if ((err->code != ERR_CONFLICT && err->code != ERR_DUPLICATE) ||
        ++halting->tries >= HALT_TRIES || !core->reconciled)
        return flow_fail(flow, err);
    flow_deadline(flow, clock_steady(core->clock) + HALT_AGAIN_US);
    return STEP_WAIT;
}

static void halt_ended(struct flow *flow, const struct err *err)
{
    if (((const struct halting *)flow->data)->asked)
        flow->core->halt_writing = false; /* nobody hears the answer any more */
    if (--flow->core->halts_pending == 0)
        flow->core->halt_pending = HALT_NONE; /* what is stored counts from here on */
    wait_answer(((struct halting *)flow->data)->to, err, NULL);
}

static const struct step set_halt[] = {{"halt", halt, halt_answer, NULL, 0, 0}};
static const struct story set_halt_story = {
    .name = "set_halt", STORY(set_halt), .ended = halt_ended};

void halt_set(struct core *core, enum halt_level level, const char *who, const char *why,
              struct waiter to)
{
    struct halting halting = {.to = to, .level = level};
    struct err err;
    if (!why || !*why) {
        refuse(core, to, ERR_USAGE, "a halt and its end need a reason");
        return;
    }
    text_copy(halting.who, sizeof halting.who, who);
    text_copy(halting.why, sizeof halting.why, why);
    core->halts_pending++;
    if (level > core->halt_pending)
        core->halt_pending = level; /* at once, whenever it is written */
    if (flow_begin(core, &set_halt_story, "all", &halting, sizeof halting, (struct waiter){0}))
        return;
    core->halts_pending--;
    err_set(&err, ERR_LATER, ERR_FULL, "too much is under way; ask again");
    intake_defer(core, to, "", &err);
}

/* ---- orders ---- */

static void refuse_err(struct core *core, struct waiter to, const struct err *err)
{
    intake_defer(core, to, "", err);
}

/* Nobody here works the order: says who does, if the book has it. */
static void refuse_absent(struct core *core, const char *order_id, const char *text,
                          struct waiter to)
{
    const struct order *row = book_get(core->book, TABLE_ORDER, order_id);
    const char *other = row ? holding_elsewhere(core, row->instrument) : NULL;
    struct err err;
    if (other)
        err_set(&err, ERR_REFUSED, ERR_CONFLICT,
                "the order is worked by instance %s, which trades %s: ask there", other,
                row->instrument);
    else
        err_set(&err, ERR_REFUSED, ERR_CONFLICT, "%s", text);
    intake_defer(core, to, "", &err);
}

/* What was filled, by a person's word: for the rest of the order unless a quantity is given. */
static void resolve_filled(struct core *core, const struct order *row,
                           const struct resolution *told, const char *cause, struct waiter to)
{
    struct decimal had = decimal_ok(row->filled) ? row->filled : decimal_int(0);
    struct decimal rest = decimal_sub(row->quantity, had);
    struct report fill = {.kind = REPORT_FILL,
                          .quantity = decimal_ok(told->quantity) ? told->quantity : rest,
                          .price = told->price,
                          .fee = decimal_int(0),
                          .at_us = clock_wall(core->clock)};
    struct err err = {0};
    if (!decimal_ok(fill.price) || decimal_sign(fill.price) <= 0) {
        refuse(core, to, ERR_INPUT,
               "an order is resolved as filled with the price it was filled at");
        return;
    }
    if (decimal_sign(fill.quantity) <= 0 || decimal_gt(fill.quantity, rest)) {
        refuse(core, to, ERR_INPUT, "the quantity must be above zero and at most what is left");
        return;
    }
    text_copy(fill.order_id, sizeof fill.order_id, row->id);
    snprintf(fill.trade_id, sizeof fill.trade_id, "hand:%s", row->id);
    snprintf(fill.reason, sizeof fill.reason, "by %s: %.140s", told->who, told->why);
    if (!orders_settle(core, &fill, ORDER_CANCELLED, cause, to, &err))
        refuse_err(core, to, &err);
}

void order_resolve(struct core *core, const char *order_id, const struct resolution *told,
                   struct waiter to)
{
    struct order row;
    struct str cause = STR_EMPTY;
    if (!orders_row(core, order_id, &row) || row.state != ORDER_UNKNOWN) {
        refuse_absent(core, order_id, "only an order that is unknown is settled by hand", to);
        return;
    }
    if (!told->why || !*told->why || !order_is_final(told->as)) {
        refuse(core, to, ERR_INPUT,
               "say why, and what it became: filled, cancelled, rejected or expired");
        return;
    }
    put_cause(&cause, told->who, told->why);
    if (told->as == ORDER_FILLED) {
        resolve_filled(core, &row, told, str_text(&cause), to);
    } else {
        row.state = told->as;
        snprintf(row.reason, sizeof row.reason, "by %s: %.140s", told->who, told->why);
        orders_change(core, "order.resolved", str_text(&cause), &row, to);
    }
    str_free(&cause);
}

void order_cancel(struct core *core, const char *order_id, const char *who, const char *why,
                  struct waiter to)
{
    struct order row;
    struct str cause = STR_EMPTY;
    if (!orders_row(core, order_id, &row) || order_is_final(row.state)) {
        refuse_absent(core, order_id, "no order under way has this id", to);
    } else if (!order_may_become(row.state, row.state)) {
        refuse(core, to, ERR_CONFLICT, "the order is just being sent; ask again");
    } else {
        put_cause(&cause, who, why);
        orders_change(core, "order.cancel_asked", str_text(&cause), &row, to);
        orders_cancel(core, order_id);
    }
    str_free(&cause);
}

void order_amend(struct core *core, const char *order_id, struct decimal quantity,
                 struct decimal limit_price, struct decimal stop_price, struct waiter to)
{
    struct order want;
    if (!orders_row(core, order_id, &want)) {
        refuse_absent(core, order_id, "no order under way has this id", to);
        return;
    }
    const struct instrument *instrument =
        instrument_find(&core->options.instruments, want.instrument);
    if (decimal_ok(quantity))
        want.quantity = quantity;
    if (decimal_ok(limit_price))
        want.limit_price = tick_limit(instrument, want.side, limit_price);
    if (decimal_ok(stop_price))
        want.stop_price = tick_trigger(instrument, want.side, stop_price);
    if (!want.reduces && decimal_ok(quantity)) {
        refuse(core, to, ERR_RAIL,
               "the quantity of an entry was decided and checked; cancel it and send a new signal");
        return;
    }
    if ((decimal_ok(want.limit_price) && want.kind == ORDER_MARKET) ||
        !orders_amend(core, &want, to))
        refuse(core, to, ERR_CONFLICT,
               "the order cannot be changed: it does not rest, or the broker changes none");
}

/* ---- rollovers ---- */

void rollover_retry(struct core *core, const char *position_id, const char *who, const char *why,
                    struct waiter to)
{
    const struct position *before = book_get(core->book, TABLE_POSITION, position_id);
    struct position after;
    struct store_event event;
    struct str cause = STR_EMPTY;
    struct err err;
    if (!before || before->status == POSITION_CLOSED || before->rollover != ROLLOVER_FAILED) {
        refuse(core, to, ERR_CONFLICT,
               "no open position with this id has a rollover that failed; see tidelock rollover "
               "failed");
        return;
    }
    if (!core_holds(core, before->instrument)) {
        const char *other = holding_elsewhere(core, before->instrument);
        err_set(&err, ERR_REFUSED, ERR_CONFLICT, "%s is traded by instance %s: ask there",
                before->instrument, other ? other : "(none just now)");
        refuse_err(core, to, &err);
        return;
    }
    after = *before;
    after.rollover = ROLLOVER_PENDING;
    after.version++;
    put_cause(&cause, who, why);
    event_start(core, &event, "rollover.retried", position_id);
    event.cause = str_text(&cause);
    event_change(&event, TABLE_POSITION, before, &after);
    record_write(core, &event, 1, false, to);
    core->roll->next_us = 0;
    str_free(&cause);
}

/* ---- policies ---- */

struct replaced {
    const struct policy_version *live;
    const struct policy_version *old;
};

static bool find_replaced(void *ctx, const void *row)
{
    struct replaced *replaced = ctx;
    const struct policy_version *version = row;
    if (version->status != POLICY_LIVE || strcmp(version->id, replaced->live->id) == 0 ||
        strcmp(version->strategy, replaced->live->strategy) != 0)
        return true;
    replaced->old = version;
    return false;
}

void policy_record(struct core *core, const struct policy_version *version, struct waiter to)
{
    const struct policy_version *before = book_get(core->book, TABLE_POLICY, version->id);
    struct policy_version after = *version, gone;
    struct replaced replaced = {.live = version};
    struct store_event event;
    if (before && before->status == version->status &&
        strcmp(before->reason, version->reason) == 0) {
        intake_defer(core, to, "", NULL); /* known already: a restart with the same files */
        return;
    }
    after.row_version = before ? before->row_version + 1 : 1;
    event_start(core, &event,
                version->status == POLICY_REFUSED       ? "policy.refused"
                : version->status == POLICY_ROLLED_BACK ? "policy.rolled_back"
                                                        : "policy.swapped",
                version->strategy);
    event_change(&event, TABLE_POLICY, before, &after);
    if (version->status == POLICY_LIVE) {
        book_each(core->book, TABLE_POLICY, find_replaced, &replaced);
        if (replaced.old) {
            gone = *replaced.old;
            gone.status = POLICY_REPLACED;
            gone.row_version++;
            event_change(&event, TABLE_POLICY, replaced.old, &gone);
        }
    }
    record_write(core, &event, 1, true, to);
}
