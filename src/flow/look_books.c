/* One look at the broker's book. A part that cannot be read whole is not known, and nothing is
 * concluded from it.
 *
 *     orders     after: the list of open orders is known, or not
 *     standing   after: of those under an id of our form without a live row, we know which have one
 *                that had ended
 *     asked      after: every order in which the books differ was asked about by itself, and what
 *                was learnt is written
 *     stale      after: orders that had ended here were asked about, too: the list may be old
 *     positions  the lots, asked last so that they are not older than our book
 *     balance */
#include "flow/match.h"
#include "flow/holding.h"
#include "flow/mutant.h"
#include "flow/orders.h"
#include "flow/record.h"
#include <string.h>

#define QUIET_US 5000
#define FIND_AGAIN_US 50000
#define LIST_MOST_US 5000000
enum { LIST_MAX = 4096, ASKED_MAX = 256, IN_MAX = 16 };

const char *const look_part_names[LOOK_PARTS] = {"open_orders", "positions", "balance"};

static void limit_wait(struct flow *flow)
{
    int64_t wait_us = flow->core->options.order_deadline_us;
    flow_deadline(flow, clock_steady(flow->core->clock) +
                            (wait_us < LIST_MOST_US ? wait_us : LIST_MOST_US));
}

static bool fail_part(struct flow *flow, enum look_part part, const struct err *err)
{
    struct look *look = flow->data;
    text_copy(look->failed[part], sizeof look->failed[part], err ? err->text : "no list came");
    return false;
}

/* ---- open orders ---- */

static enum step_result orders(struct flow *flow)
{
    limit_wait(flow);
    broker_open_orders(flow->core->broker, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result orders_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct look *look = flow->data;
    const struct broker_orders *answer = value;
    if (err || !answer || answer->count > LIST_MAX) {
        fail_part(flow, LOOK_ORDERS, err);
        return STEP_NEXT;
    }
    struct order *list = arena_alloc(flow->arena, (answer->count + ASKED_MAX) * sizeof *list);
    if (answer->count)
        memcpy(list, answer->list, answer->count * sizeof *list);
    /* Its version, which is nothing to a broker, tells that we knew it when the list was made: one
     * that is not in our book later has ended meanwhile. */
    for (size_t i = 0; i < answer->count; i++)
        list[i].version = book_get(flow->core->book, TABLE_ORDER, list[i].id) != NULL;
    look->theirs.orders = list;
    look->theirs.order_count = answer->count;
    look->theirs.orders_known = true;
    return STEP_NEXT;
}

static void drop_theirs(struct look *look, size_t at)
{
    struct order *list = (struct order *)(uintptr_t)look->theirs.orders;
    memmove(&list[at], &list[at + 1], (--look->theirs.order_count - at) * sizeof *list);
}

/* ---- rows that have ended ---- */

static bool is_stranger(const struct flow *flow, const struct order *order)
{
    return reconcile_is_our_id(order->id) && order->version == 0 &&
           !book_get(flow->core->book, TABLE_ORDER, order->id);
}

static enum step_result standing(struct flow *flow)
{
    struct look *look = flow->data;
    char in[IN_MAX * (ID_SIZE + 1)];
    size_t count = 0, length = 0;
    if (!look->standing)
        look->standing =
            arena_alloc(flow->arena, (look->theirs.order_count + 1) * sizeof *look->standing);
    for (; look->at < look->theirs.order_count && count < IN_MAX; look->at++) {
        const struct order *order = &look->theirs.orders[look->at];
        if (!is_stranger(flow, order))
            continue;
        if (count++ > 0)
            in[length++] = ',';
        length += strlen(order->id);
        text_copy(in + length - strlen(order->id), ID_SIZE, order->id);
    }
    if (count == 0)
        return STEP_NEXT;
    struct store_query query = {.table = TABLE_ORDER,
                                .where = {{.column = "id", .op = STORE_IN, .value = in}},
                                .where_count = 1};
    store_query(flow->core->store, &query, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result standing_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct look *look = flow->data;
    const struct store_rows *rows = value;
    if (err || !rows) { /* who has a row is not known: nothing about orders is */
        look->theirs.orders_known = fail_part(flow, LOOK_ORDERS, err);
        return STEP_NEXT;
    }
    for (size_t i = 0; i < rows->count; i++)
        text_copy(look->standing[look->standing_count++], ID_SIZE,
                  ((const struct order *)rows->rows[i])->id);
    return standing(flow);
}

static bool stands(void *ctx, const char *order_id)
{
    const struct look *look = ctx;
    for (size_t i = 0; i < look->standing_count; i++)
        if (strcmp(look->standing[i], order_id) == 0)
            return true;
    return false;
}

/* ---- asking about orders, one by one ---- */

static struct reconcile_options plain_options(struct flow *flow)
{
    return match_options(flow->core, flow->data);
}

static void list_doubtful(struct flow *flow)
{
    struct look *look = flow->data;
    struct their_book orders_only = {.orders_known = look->theirs.orders_known,
                                     .orders = look->theirs.orders,
                                     .order_count = look->theirs.order_count};
    struct reconcile_options options = plain_options(flow);
    struct difference *found = arena_alloc(flow->arena, ASKED_MAX * sizeof *found);
    size_t count =
        reconcile_books(flow->core->book, &orders_only, &options, found, ASKED_MAX, NULL);
    look->ids = arena_alloc(flow->arena, ASKED_MAX * sizeof *look->ids);
    look->absent = arena_alloc(flow->arena, ASKED_MAX * sizeof *look->absent);
    for (size_t i = 0; i < count && i < ASKED_MAX; i++)
        if (found[i].kind == DIFFERENCE_MISSING_ORDER ||
            (found[i].kind == DIFFERENCE_STATUS_DIFFERS && !stands(look, found[i].order_id)))
            text_copy(look->ids[look->id_count++], ID_SIZE, found[i].order_id);
    look->doubt |= count > ASKED_MAX;
}

/* Absence is told to the order's own story, which goes on asking; it ends nothing. */
static void note_absent(struct flow *flow, const struct order *row)
{
    struct look *look = flow->data;
    struct difference *d = &look->absent[look->absent_count++];
    struct report report = {.kind = REPORT_NOT_FOUND, .at_us = clock_wall(flow->core->clock)};
    memset(d, 0, sizeof *d);
    d->kind = DIFFERENCE_MISSING_ORDER;
    text_copy(d->instrument, sizeof d->instrument, row->instrument);
    text_copy(d->strategy, sizeof d->strategy, row->strategy);
    text_copy(d->order_id, sizeof d->order_id, row->id);
    d->ours = row->filled;
    d->theirs = d->price = decimal_bad();
    d->our_state = row->state;
    d->their_state = ORDER_UNKNOWN;
    d->is_tradable = true;
    text_copy(report.order_id, sizeof report.order_id, row->id);
    text_copy(report.reason, sizeof report.reason,
              "rested by our book; the broker does not know it");
    orders_report(flow->core, &report);
}

/* What was learnt of the order asked about is in its row, or on its way there; the list is held
 * against it no more. */
static void learn(struct flow *flow, const char *order_id, const struct err *err, const void *found)
{
    struct look *look = flow->data;
    struct order row;
    size_t at = 0;
    bool ended = !orders_row(flow->core, order_id, &row) || order_is_final(row.state);
    bool unseen = !ended && !err && !order_find_found(found);
    bool young = unseen && clock_steady(flow->core->clock) < orders_shows_us(flow->core, &row);
    if (unseen && !young)
        note_absent(flow, &row);
    look->settled += ended;
    look->moving |= young;
    look->doubt |= err && !ended;
    while (at < look->theirs.order_count && strcmp(look->theirs.orders[at].id, order_id) != 0)
        at++;
    if (ended && at < look->theirs.order_count)
        drop_theirs(look, at);
    if (ended || (unseen && !young))
        return;
    /* It is open there, be the list short of it or old; or nothing is known of it. */
    ((struct order *)(uintptr_t)look->theirs.orders)[at] = row;
    look->theirs.order_count += at == look->theirs.order_count;
}

static enum step_result ask_next(struct flow *flow)
{
    struct look *look = flow->data;
    if (look->at < look->id_count) {
        if (order_find_begin(flow, look->ids[look->at], 0)) {
            look->children = 1;
            flow_deadline(flow, INT64_MAX);
        } else {
            flow_deadline(flow, clock_steady(flow->core->clock) + FIND_AGAIN_US);
        }
        return STEP_WAIT;
    }
    if (!look->learnt)
        look->learnt = record_asked(flow->core);
    if (record_answered(flow->core, look->learnt))
        return STEP_NEXT;
    flow_deadline(flow, clock_steady(flow->core->clock) + QUIET_US);
    return STEP_WAIT;
}

static void conclude_from_absence(struct flow *flow)
{
    struct look *look = flow->data;
    for (size_t i = 0; i < look->id_count; i++) {
        struct report report = {.kind = REPORT_CANCELLED, .at_us = clock_wall(flow->core->clock)};
        text_copy(report.order_id, sizeof report.order_id, look->ids[i]);
        orders_report(flow->core, &report);
    }
    look->id_count = 0;
}

static enum step_result asked(struct flow *flow)
{
    struct look *look = flow->data;
    look->at = 0;
    list_doubtful(flow);
    if (MUTANT(MUTANT_CONCLUDE_FROM_ABSENCE))
        conclude_from_absence(flow);
    return ask_next(flow);
}

static enum step_result asked_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct look *look = flow->data;
    if (look->children > 0 && (value || err)) {
        look->children = 0;
        learn(flow, look->ids[look->at++], err, value);
    }
    return look->children > 0 ? STEP_WAIT : ask_next(flow);
}

/* ---- orders that had ended here ---- */

static enum step_result ask_stale(struct flow *flow)
{
    struct look *look = flow->data;
    for (; look->at < look->theirs.order_count; look->at++)
        if (stands(look, look->theirs.orders[look->at].id)) {
            limit_wait(flow);
            broker_query(flow->core->broker, &look->theirs.orders[look->at], flow_waiter(flow));
            return STEP_WAIT;
        }
    return STEP_NEXT;
}

static enum step_result stale(struct flow *flow)
{
    ((struct look *)flow->data)->at = 0;
    return ask_stale(flow);
}

static enum step_result stale_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct look *look = flow->data;
    const struct broker_answer *answer = value;
    if (err)
        look->doubt = true;
    if (err || !answer->found || order_is_final(answer->state))
        drop_theirs(look, look->at); /* the list was old, or proves nothing */
    else
        look->at++;
    return ask_stale(flow);
}

/* ---- positions and balance ---- */

static enum step_result positions(struct flow *flow)
{
    limit_wait(flow);
    broker_positions(flow->core->broker, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result positions_answer(struct flow *flow, const struct err *err,
                                         const void *value)
{
    struct look *look = flow->data;
    const struct broker_positions *answer = value;
    if (err || !answer || answer->count > LIST_MAX) {
        fail_part(flow, LOOK_POSITIONS, err);
        return STEP_NEXT;
    }
    struct their_position *list = arena_alloc(flow->arena, (answer->count + 1) * sizeof *list);
    for (size_t i = 0; i < answer->count; i++) {
        const struct broker_position *from = &answer->list[i];
        text_copy(list[i].instrument, sizeof list[i].instrument, from->instrument);
        text_copy(list[i].expiry, sizeof list[i].expiry, from->expiry);
        list[i].side = from->side;
        list[i].quantity = from->quantity;
        list[i].average_price = from->average_price;
    }
    look->theirs.positions = list;
    look->theirs.position_count = answer->count;
    /* An order of which nothing is known may have traded since. */
    look->doubt |= !look->theirs.orders_known;
    look->theirs.positions_known = !look->doubt;
    look->theirs.holdings = flow->core->broker->ops->traits->holdings;
    if (look->doubt)
        text_copy(look->failed[LOOK_POSITIONS], sizeof look->failed[0],
                  "not every order could be asked about, so that lots prove nothing");
    return STEP_NEXT;
}

static enum step_result balance(struct flow *flow)
{
    limit_wait(flow);
    broker_balance(flow->core->broker, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result balance_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct look *look = flow->data;
    const struct broker_balance *answer = value;
    if (err || !answer || !decimal_ok(answer->equity)) {
        fail_part(flow, LOOK_BALANCE, err);
        return STEP_NEXT;
    }
    look->theirs.equity = answer->equity;
    look->theirs.balance_known = true;
    return STEP_NEXT;
}

static const struct step look_books[] = {
    /* name     ask       answer         release deadline flags */
    {"orders", orders, orders_answer, NULL, 0, 0},
    {"standing", standing, standing_answer, NULL, 0, 0},
    {"asked", asked, asked_answer, NULL, 0, 0},
    {"stale", stale, stale_answer, NULL, 0, 0},
    {"positions", positions, positions_answer, NULL, 0, 0},
    {"balance", balance, balance_answer, NULL, 0, 0},
};
static const struct story look_books_story = {.name = "look_books", STORY(look_books)};

struct flow *look_begin(struct flow *parent)
{
    struct look look = {.core = parent->core};
    return flow_begin(parent->core, &look_books_story, parent->subject, &look, sizeof look,
                      flow_waiter(parent));
}

/* ---- what the comparison asks ---- */

/* The only strategy that trades it, if there is one. */
static const char *owner(void *ctx, const char *instrument)
{
    const struct look *look = ctx;
    const char *found = NULL;
    for (size_t i = 0; i < policies_count(look->core->policies); i++) {
        const struct policy *policy = policies_at(look->core->policies, i);
        if (!policy_trades(policy, instrument))
            continue;
        if (found)
            return NULL;
        found = policy_name(policy);
    }
    return found;
}

/* Lots of an order that is too young to be told of may be there already. What another instance
 * trades is its own to compare: our book follows, and may be a little behind the broker's. What
 * nobody trades is the leader's to take first. */
static bool may_move(void *ctx, const char *instrument)
{
    const struct look *look = ctx;
    struct core *core = look->core;
    if (look->moving)
        return true;
    if (core->options.mode != MODE_ACTIVE_ACTIVE || core_works(core, instrument))
        return false;
    if (core_is_leader(core))
        holding_want(core, instrument);
    return true;
}

struct reconcile_options match_options(struct core *core, const struct look *look)
{
    return (struct reconcile_options){.instruments = &core->options.instruments,
                                      .drift_most = core->options.reconcile.drift_bounded
                                                        ? core->options.reconcile.max_drift
                                                        : decimal_bad(),
                                      .moves = may_move,
                                      .stands = stands,
                                      .owner = owner,
                                      .ctx = (void *)(uintptr_t)look};
}
