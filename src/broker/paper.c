/* The paper broker: requests travel to the exchange of paper_book.c, answers and reports travel
 * back, and on both ways may be lost, late or doubled when a fault says so. Everything under way is
 * a happening with a moment it is due at.
 *
 * What the traits promise is what is done: a request that arrives after the validity of its right
 * is refused, and a repeated client id is only noticed while the first order is open. So a host
 * that resends blindly is caught by this broker's book, not saved by it. */
#include "broker/paper.h"
#include "broker/paper_parts.h"

enum { LATE_FACTOR = 40, DELAY_FACTOR = 8 };
#define LATE_BASE_US 100000
#define AHEAD_US 1000000

static const struct broker_traits traits = {
    .name = "paper",
    .idempotency = IDEMPOTENCY_OPEN_ORDERS,
    .validity_us = 5000000,
    .pipeline_us = 1000000,
    .stops = true,
    .amends = true,
};

/* ---- things under way ---- */

static struct happening *expect(struct paper *paper, enum happening_kind kind, int64_t in_us)
{
    struct happening *h = paper->free;
    if (h)
        paper->free = h->next_free;
    else
        h = mem_alloc(sizeof *h);
    h->kind = kind;
    h->fault = PAPER_OK;
    h->listening = false;
    h->placed = NULL;
    h->next_free = NULL;
    h->prev = NULL;
    h->next = paper->pending;
    if (h->next)
        h->next->prev = h;
    paper->pending = h;
    heap_push(&paper->due, clock_steady(paper->options.clock) + in_us, (uint64_t)(uintptr_t)h);
    return h;
}

static void recycle(struct paper *paper, struct happening *h)
{
    *(h->prev ? &h->prev->next : &paper->pending) = h->next;
    if (h->next)
        h->next->prev = h->prev;
    h->next_free = paper->free;
    paper->free = h;
}

static int64_t late_us(struct paper *paper, int factor)
{
    int64_t base =
        paper->options.latency_us > LATE_BASE_US ? paper->options.latency_us : LATE_BASE_US;
    return base + (int64_t)chance_below(&paper->chance, (uint64_t)(base * factor));
}

static struct happening *expect_answer(struct paper *paper, enum answer_kind answers,
                                       struct waiter to, int64_t in_us)
{
    struct happening *h = expect(paper, HAPPENS_ANSWER, in_us);
    h->answers = answers;
    h->to = to;
    h->listening = true;
    return h;
}

static enum paper_fault ask_fault(struct paper *paper, const char *call, const char *order_id)
{
    return paper->options.fault ? paper->options.fault(paper->options.fault_ctx, call, order_id)
                                : PAPER_OK;
}

/* Faults that end a call before the broker sees it. True: answered. */
static bool fail_call(struct paper *paper, enum paper_fault fault, struct waiter to)
{
    struct err err = {0};
    if (fault == PAPER_REFUSED_CONNECT)
        err_set(&err, ERR_NOT_DONE, ERR_IO, "the broker refused the connection");
    else if (fault == PAPER_RATE_LIMIT)
        err_set(&err, ERR_LATER, ERR_FULL, "the broker asks to slow down");
    else if (fault == PAPER_REJECT)
        err_set(&err, ERR_REFUSED, ERR_BROKER, "the broker rejected the request");
    else if (fault == PAPER_DROP_REQUEST)
        err_set(&err, ERR_MAYBE_DONE, ERR_IO, "the connection to the broker broke");
    else
        return false;
    expect_answer(paper, ANSWER_ERROR, to, paper->options.latency_us)->err = err;
    return true;
}

/* How the answer of a call that was acted upon travels. NULL: it does not. */
static struct happening *send_answer(struct paper *paper, enum paper_fault fault,
                                     enum answer_kind answers, struct waiter to)
{
    if (fault == PAPER_NO_ANSWER || fault == PAPER_DELAY_REQUEST)
        return NULL;
    if (fault == PAPER_DROP_ANSWER) {
        struct happening *h = expect_answer(paper, ANSWER_ERROR, to, 0);
        err_set(&h->err, ERR_MAYBE_DONE, ERR_IO, "the broker's answer was lost");
        return NULL;
    }
    return expect_answer(paper, answers, to, fault == PAPER_LATE ? late_us(paper, LATE_FACTOR) : 0);
}

/* ---- telling what happened to an order ---- */

void paper_tell(struct paper *paper, struct paper_order *placed, const struct report *report,
                struct waiter *first)
{
    if (first && first->answer) { /* the waiter of place hears of it first */
        expect_answer(paper, ANSWER_REPORT, *first, 0)->report = *report;
        first->answer = NULL;
        if (!placed->twice)
            return;
    }
    for (int copies = placed->quiet ? 0 : placed->twice ? 2 : 1; copies > 0; copies--) {
        int64_t in_us = copies == 2 ? late_us(paper, 1) : 0;
        expect(paper, HAPPENS_REPORT, in_us)->report = *report;
    }
}

void paper_later_fill(struct paper *paper, struct paper_order *placed)
{
    placed->rest_due = true;
    expect(paper, HAPPENS_FILL, late_us(paper, 2))->placed = placed;
}

static void fill_rest(struct paper *paper, struct paper_order *placed)
{
    placed->rest_due = false;
    paper_match(paper, placed, NULL);
}

/* ---- placing ---- */

static void refuse(struct paper *paper, const struct happening *request, enum err_class class,
                   const char *reason)
{
    if (!request->listening)
        return;
    struct happening *h = send_answer(paper, request->fault, ANSWER_ERROR, request->to);
    if (h)
        err_set(&h->err, class, ERR_BROKER, "%s", reason);
}

static void acknowledge(struct paper *paper, struct paper_order *placed, struct report *report)
{
    *report =
        (struct report){.kind = REPORT_ACKNOWLEDGED, .at_us = clock_wall(paper->options.clock)};
    text_copy(report->order_id, sizeof report->order_id, placed->order.id);
    text_copy(report->broker_id, sizeof report->broker_id, placed->order.broker_id);
}

/* The request reaches the broker. */
static void arrive(struct paper *paper, struct happening *request)
{
    const struct paper_order *known = paper_find(paper, request->order.id);
    if (clock_wall(paper->options.clock) > request->valid_until_us) {
        refuse(paper, request, ERR_NOT_DONE, "the request arrived after its validity");
        return;
    }
    if (request->order.signed_us > clock_wall(paper->options.clock) + AHEAD_US) {
        refuse(paper, request, ERR_NOT_DONE, "the request is signed ahead of the broker's time");
        return;
    }
    if (known && known->working) {
        refuse(paper, request, ERR_REFUSED, "an open order has this client order id");
        return;
    }
    if (chance_hits(&paper->chance, paper->options.reject_permille)) {
        refuse(paper, request, ERR_REFUSED, "rejected by the paper exchange");
        return;
    }
    struct paper_order *placed = paper_accept(paper, &request->order);
    struct str id = STR_EMPTY;
    str_putc(&id, 'P');
    str_put_int(&id, ++paper->sequence);
    text_copy(placed->order.broker_id, sizeof placed->order.broker_id, str_text(&id));
    str_free(&id);
    placed->twice = request->fault == PAPER_TWICE;
    placed->quiet = request->fault == PAPER_DROP_ANSWER || request->fault == PAPER_NO_ANSWER ||
                    request->fault == PAPER_DELAY_REQUEST;
    placed->visible_us = clock_steady(paper->options.clock);
    if (paper->options.fault)
        placed->visible_us += (int64_t)chance_below(&paper->chance, (uint64_t)traits.pipeline_us);
    paper_journal_accept(paper, placed);
    /* A lost or late answer acknowledges; an order that trades at once is answered by its fill. */
    bool direct =
        request->listening && (request->fault == PAPER_OK || request->fault == PAPER_TWICE);
    struct waiter first = direct ? request->to : (struct waiter){0};
    paper_match(paper, placed, &first);
    if (request->listening && !(direct && !first.answer)) {
        struct happening *h = send_answer(paper, request->fault, ANSWER_REPORT, request->to);
        if (h)
            acknowledge(paper, placed, &h->report);
    }
}

static void place(struct broker *broker, const struct right_to_send *right, struct waiter to)
{
    struct paper *paper = paper_of(broker);
    enum paper_fault fault = ask_fault(paper, "place", right->order->id);
    if (fail_call(paper, fault, to))
        return;
    int64_t in_us = paper->options.latency_us;
    if (fault == PAPER_DELAY_REQUEST)
        in_us += (int64_t)chance_below(&paper->chance,
                                       (uint64_t)(traits.validity_us * DELAY_FACTOR / 4));
    struct happening *h = expect(paper, HAPPENS_ARRIVAL, in_us);
    h->fault = fault;
    h->to = to;
    h->listening = true;
    h->order = *right->order;
    h->valid_until_us = right->valid_until_us;
}

static void cancel(struct broker *broker, const struct order *order, struct waiter to)
{
    struct paper *paper = paper_of(broker);
    enum paper_fault fault = ask_fault(paper, "cancel", order->id);
    if (fail_call(paper, fault, to))
        return;
    struct paper_order *placed = paper_find(paper, order->id);
    struct happening *h = send_answer(paper, fault, ANSWER_REPORT, to);
    if (!placed || !placed->working) {
        if (h) {
            h->answers = ANSWER_ERROR;
            err_set(&h->err, ERR_REFUSED, ERR_NOT_FOUND, "no open order has this client order id");
        }
        return;
    }
    paper_end(paper, placed, ORDER_CANCELLED, "cancelled on request");
    struct report report = {.kind = REPORT_CANCELLED, .at_us = clock_wall(paper->options.clock)};
    text_copy(report.order_id, sizeof report.order_id, placed->order.id);
    text_copy(report.broker_id, sizeof report.broker_id, placed->order.broker_id);
    text_copy(report.reason, sizeof report.reason, placed->order.reason);
    if (h)
        h->report = report;
}

/* What is below the filled quantity cannot be asked for; a change that makes it marketable fills
 * it, as at an exchange. */
static void amend(struct broker *broker, const struct order *order, struct waiter to)
{
    struct paper *paper = paper_of(broker);
    enum paper_fault fault = ask_fault(paper, "amend", order->id);
    if (fail_call(paper, fault, to))
        return;
    struct paper_order *placed = paper_find(paper, order->id);
    bool stands = placed && placed->working && !placed->rest_due;
    bool fits = stands && decimal_gt(order->quantity, placed->order.filled);
    struct happening *h = send_answer(paper, fault, fits ? ANSWER_REPORT : ANSWER_ERROR, to);
    if (!fits) {
        if (h)
            err_set(&h->err, ERR_REFUSED, stands ? ERR_INPUT : ERR_NOT_FOUND,
                    stands ? "the new quantity is filled already"
                           : "no open order has this client order id");
        return;
    }
    placed->order.quantity = order->quantity;
    placed->order.limit_price = order->limit_price;
    placed->order.stop_price = order->stop_price;
    paper_journal_amend(paper, placed);
    if (h)
        acknowledge(paper, placed, &h->report);
    paper_match(paper, placed, NULL);
}

/* ---- questions ---- */

static void query(struct broker *broker, const struct order *order, struct waiter to)
{
    struct paper *paper = paper_of(broker);
    enum paper_fault fault = ask_fault(paper, "query", order->id);
    if (fail_call(paper, fault, to))
        return;
    struct happening *h = send_answer(paper, fault, ANSWER_ORDER, to);
    if (h)
        h->order = *order;
}

static void ask_list(struct broker *broker, const char *call, enum answer_kind kind,
                     struct waiter to)
{
    struct paper *paper = paper_of(broker);
    enum paper_fault fault = ask_fault(paper, call, "");
    if (!fail_call(paper, fault, to))
        send_answer(paper, fault, kind, to);
}

static void open_orders(struct broker *broker, struct waiter to)
{
    ask_list(broker, "open_orders", ANSWER_OPEN, to);
}

static void positions(struct broker *broker, struct waiter to)
{
    ask_list(broker, "positions", ANSWER_POSITIONS, to);
}

static void balance(struct broker *broker, struct waiter to)
{
    ask_list(broker, "balance", ANSWER_BALANCE, to);
}

static void answer_order(struct paper *paper, const struct happening *h)
{
    const struct paper_order *placed = paper_find(paper, h->order.id);
    struct broker_answer answer = {0};
    if (placed && clock_steady(paper->options.clock) >= placed->visible_us) {
        answer = (struct broker_answer){.found = true,
                                        .state = placed->order.state,
                                        .fills = placed->fills,
                                        .fill_count = placed->fill_count};
        text_copy(answer.broker_id, sizeof answer.broker_id, placed->order.broker_id);
        text_copy(answer.reason, sizeof answer.reason, placed->order.reason);
    }
    wait_answer(h->to, NULL, &answer);
}

static void answer_open(struct paper *paper, struct waiter to)
{
    struct broker_orders answer = {0};
    for (const struct paper_order *p = paper->working; p; p = p->next)
        answer.count++;
    struct order *list = mem_alloc((answer.count + 1) * sizeof *list);
    size_t at = 0;
    for (const struct paper_order *p = paper->working; p; p = p->next)
        list[at++] = p->order;
    answer.list = list;
    wait_answer(to, NULL, &answer);
    mem_free(list);
}

static void answer_positions(struct paper *paper, struct waiter to)
{
    struct broker_positions answer = {0};
    struct broker_position *list = mem_alloc((HASH_COUNT(paper->markets) + 1) * sizeof *list);
    for (const struct market *m = paper->markets; m; m = m->hh.next) {
        if (decimal_is_zero(m->net))
            continue;
        struct broker_position *position = &list[answer.count++];
        const char *gap = strchr(m->name, '\t');
        *position = (struct broker_position){.quantity = decimal_bad()};
        text_copy(position->instrument, sizeof position->instrument, m->name);
        if (gap) {
            position->instrument[gap - m->name] = '\0';
            text_copy(position->expiry, sizeof position->expiry, gap + 1);
        }
        position->side = decimal_sign(m->net) > 0 ? SIDE_LONG : SIDE_SHORT;
        position->quantity = decimal_abs(m->net);
        position->average_price = m->average;
    }
    answer.list = list;
    wait_answer(to, NULL, &answer);
    mem_free(list);
}

static void answer_balance(struct paper *paper, struct waiter to)
{
    struct broker_balance answer = {
        .cash = decimal_sub(decimal_add(paper->cash, paper->realised), paper->fees)};
    answer.equity = answer.cash;
    wait_answer(to, NULL, &answer);
}

static void answer(struct paper *paper, const struct happening *h)
{
    switch (h->answers) {
    case ANSWER_ERROR:
        wait_answer(h->to, &h->err, NULL);
        break;
    case ANSWER_REPORT:
        wait_answer(h->to, NULL, &h->report);
        break;
    case ANSWER_ORDER:
        answer_order(paper, h);
        break;
    case ANSWER_OPEN:
        answer_open(paper, h->to);
        break;
    case ANSWER_POSITIONS:
        answer_positions(paper, h->to);
        break;
    case ANSWER_BALANCE:
        answer_balance(paper, h->to);
        break;
    }
}

/* ---- turning ---- */

static size_t happen(struct paper *paper, struct happening *h)
{
    switch (h->kind) {
    case HAPPENS_ARRIVAL:
        arrive(paper, h);
        return 0;
    case HAPPENS_FILL:
        fill_rest(paper, h->placed);
        return 0;
    case HAPPENS_REPORT:
        if (!paper->broker.on_report)
            return 0;
        paper_journal_flush(paper);
        paper->broker.on_report(paper->broker.report_ctx, &h->report);
        return 1;
    case HAPPENS_ANSWER:
        if (!h->listening)
            return 0;
        paper_journal_flush(paper);
        answer(paper, h);
        return 1;
    }
    return 0;
}

size_t paper_turn(struct broker *broker)
{
    struct paper *paper = paper_of(broker);
    struct heap_item item;
    size_t given = 0;
    int64_t now_us = clock_steady(paper->options.clock);
    uint64_t until = paper->due.next_order; /* what is asked during this turn waits for the next */
    while (heap_peek(&paper->due, &item) && item.key <= now_us) {
        struct happening *h = (struct happening *)(uintptr_t)item.value;
        if (item.order >= until && h->kind == HAPPENS_ARRIVAL)
            break;
        heap_pop(&paper->due, &item);
        given += happen(paper, h);
        recycle(paper, h);
    }
    paper_journal_flush(paper);
    return given;
}

int64_t paper_next_due_us(const struct broker *broker)
{
    struct heap_item item;
    return heap_peek(&paper_of(broker)->due, &item) ? item.key : INT64_MAX;
}

bool paper_is_idle(const struct broker *broker)
{
    return !paper_of(broker)->working && !paper_of(broker)->pending;
}

void paper_forget_waiters(struct broker *broker)
{
    struct paper *paper = paper_of(broker);
    paper->broker.on_report = NULL;
    paper->broker.report_ctx = NULL;
    for (struct happening *h = paper->pending; h; h = h->next)
        h->listening = false;
}

/* ---- opening, closing ---- */

static void status(const struct broker *broker, struct broker_status *out)
{
    const struct paper *paper = paper_of(broker);
    *out = (struct broker_status){.ok = !paper->journal_failed,
                                  .checked_us = clock_wall(paper->options.clock)};
    text_copy(out->text, sizeof out->text,
              paper->journal_failed ? "paper: the journal cannot be written; its book will not "
                                      "survive a restart"
              : paper->journal      ? "paper: simulated fills, book kept in its journal"
                                    : "paper: simulated fills, book kept in memory");
}

static void close_paper(struct broker *broker)
{
    struct paper *paper = paper_of(broker);
    struct happening *h, *next;
    paper_free_orders(paper);
    for (h = paper->pending; h; h = next) {
        next = h->next;
        mem_free(h);
    }
    for (h = paper->free; h; h = next) {
        next = h->next_free;
        mem_free(h);
    }
    heap_free(&paper->due);
    if (paper->journal) {
        paper_journal_flush(paper);
        fclose(paper->journal);
    }
    str_free(&paper->lines);
    mem_free(paper);
}

static void turn(struct broker *broker)
{
    paper_turn(broker);
}

/* Its own trade, by its own name: once, however often it is told. */
static void book(struct broker *broker, const struct order *order, const struct fill *fill)
{
    struct paper *paper = paper_of(broker);
    struct report report = {.kind = REPORT_FILL,
                            .quantity = fill->quantity,
                            .price = fill->price,
                            .fee = decimal_int(0),
                            .at_us = fill->at_us};
    if (paper_find(paper, order->id))
        return;
    text_copy(report.order_id, sizeof report.order_id, order->id);
    snprintf(report.trade_id, sizeof report.trade_id, "import-%s", order->id);
    struct paper_order *placed = paper_accept(paper, order);
    paper_journal_accept(paper, placed);
    paper_book_fill(paper, placed, &report);
    paper_journal_fill(paper, &report);
    paper_journal_flush(paper);
}

static const struct broker_ops ops = {
    .traits = &traits,
    .place = place,
    .cancel = cancel,
    .amend = amend,
    .book = book,
    .price = paper_price,
    .turn = turn,
    .due = paper_next_due_us,
    .query = query,
    .open_orders = open_orders,
    .positions = positions,
    .balance = balance,
    .status = status,
    .close = close_paper,
};

struct broker *paper_open(const struct paper_options *options, struct err *err)
{
    struct paper *paper = mem_alloc(sizeof *paper);
    paper->broker.ops = &ops;
    paper->options = *options;
    paper->cash = decimal_ok(options->starting_cash) ? options->starting_cash : decimal_int(0);
    paper->fees = paper->realised = decimal_int(0);
    chance_seed(&paper->chance, options->seed);
    heap_init(&paper->due, 0);
    if (options->journal_path && !paper_journal_open(paper, err)) {
        close_paper(&paper->broker);
        return NULL;
    }
    return &paper->broker;
}
