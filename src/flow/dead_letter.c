/* Signals that are in the store and not at hand: repeats answered with the first one's row and
 * decision, and dead letters that an operator takes back or drops. */
#include "flow/intake.h"
#include "flow/record.h"
#include <stdio.h>
#include <string.h>

enum wish { WISH_READ, WISH_RETRY, WISH_DROP };
struct letter {
    char id[ID_SIZE];
    enum wish wish;
    char who[NAME_SIZE], why[REASON_SIZE];
    struct waiter to;
    struct signal row, after;
    struct decision decision;
    bool decided;
};

static void ask_row(struct flow *flow, enum table_id table, const char *key)
{
    const struct letter *letter = flow->data;
    struct store_query query = {.table = table,
                                .where = {{.column = key, .op = STORE_EQ, .value = letter->id}},
                                .where_count = 1,
                                .limit = 1};
    store_query(flow->core->store, &query, flow_waiter(flow));
}

static enum step_result ask_signal(struct flow *flow)
{
    ask_row(flow, TABLE_SIGNAL, "id");
    return STEP_WAIT;
}

static enum step_result hear_signal(struct flow *flow, const struct err *err, const void *value)
{
    struct letter *letter = flow->data;
    const struct store_rows *rows = value;
    if (err)
        return flow_fail(flow, err);
    if (rows->count == 0) {
        err_set(&flow->err, letter->wish == WISH_READ ? ERR_LATER : ERR_REFUSED, ERR_NOT_FOUND,
                "there is no signal %s", letter->id);
        return STEP_FAIL;
    }
    row_copy(&tables[TABLE_SIGNAL], &letter->row, rows->rows[0], flow->arena);
    return STEP_NEXT;
}

static enum step_result ask_decision(struct flow *flow)
{
    ask_row(flow, TABLE_DECISION, "signal_id");
    return STEP_WAIT;
}

static enum step_result hear_decision(struct flow *flow, const struct err *err, const void *value)
{
    struct letter *letter = flow->data;
    const struct store_rows *rows = value;
    if (err)
        return flow_fail(flow, err);
    letter->decided = rows->count > 0;
    if (letter->decided)
        row_copy(&tables[TABLE_DECISION], &letter->decision, rows->rows[0], flow->arena);
    return letter->wish == WISH_READ ? STEP_END : STEP_NEXT;
}

static enum step_result change(struct flow *flow)
{
    struct letter *letter = flow->data;
    struct core *core = flow->core;
    struct store_event event;
    bool retry = letter->wish == WISH_RETRY;
    struct str cause = STR_EMPTY;
    /* The row was read from the store; whoever took it back a moment ago has it in the book. */
    const struct signal *taken = book_get(core->book, TABLE_SIGNAL, letter->id);
    if (taken && taken->version > letter->row.version)
        letter->row.state = taken->state;
    if (letter->row.state != SIGNAL_DEAD || (retry && letter->decided)) {
        err_set(&flow->err, ERR_REFUSED, ERR_CONFLICT,
                letter->row.state != SIGNAL_DEAD
                    ? "signal %s is %s, not dead"
                    : "signal %s was decided and its order ended unsent (%s): send a new signal",
                letter->id, signal_state_names[letter->row.state]);
        return STEP_FAIL;
    }
    letter->after = letter->row;
    letter->after.version++;
    letter->after.state = retry ? SIGNAL_RETRYING : SIGNAL_DROPPED;
    letter->after.attempts = 0;
    letter->after.next_try_us = retry ? clock_wall(core->clock) : 0;
    letter->after.ended_us = retry ? 0 : clock_wall(core->clock);
    snprintf(letter->after.reason, sizeof letter->after.reason, "%s by %s%s%.120s",
             retry ? "taken back" : "dropped", letter->who, *letter->why ? ": " : "", letter->why);
    str_puts(&cause, "{\"who\":");
    str_put_json(&cause, letter->who);
    str_puts(&cause, ",\"why\":");
    str_put_json(&cause, letter->why);
    str_putc(&cause, '}');
    event_start(core, &event, retry ? "signal.retrying" : "signal.dropped", letter->id);
    event.cause = str_text(&cause);
    event_change(&event, TABLE_SIGNAL, &letter->row, &letter->after);
    record_write(core, &event, 1, false, flow_waiter(flow));
    str_free(&cause);
    return STEP_WAIT;
}

static enum step_result changed(struct flow *flow, const struct err *err, const void *value)
{
    struct letter *letter = flow->data;
    (void)value;
    if (err)
        return flow_fail(flow, err);
    if (letter->wish == WISH_RETRY)
        lane_push(flow->core, &letter->after);
    return STEP_END;
}

static void ended(struct flow *flow, const struct err *err)
{
    const struct letter *letter = flow->data;
    struct intake_answer answer = {.status = INTAKE_DUPLICATE,
                                   .signal =
                                       letter->wish == WISH_READ ? &letter->row : &letter->after,
                                   .decision = letter->decided ? &letter->decision : NULL};
    wait_answer(letter->to, err, err ? NULL : &answer);
}

static const struct step dead_letter[] = {
    {"signal", ask_signal, hear_signal, NULL, 0, 0},
    {"decision", ask_decision, hear_decision, NULL, 0, 0},
    {"change", change, changed, NULL, 0, 0},
};
static const struct story dead_letter_story = {
    .name = "dead_letter", STORY(dead_letter), .ended = ended};

static void begin(struct core *core, const char *id, enum wish wish, const char *who,
                  const char *why, struct waiter to)
{
    struct letter letter = {.wish = wish, .to = to};
    struct err err;
    text_copy(letter.id, sizeof letter.id, id);
    text_copy(letter.who, sizeof letter.who, who);
    text_copy(letter.why, sizeof letter.why, why);
    if (flow_begin(core, &dead_letter_story, id, &letter, sizeof letter, (struct waiter){0}))
        return;
    err_set(&err, ERR_LATER, ERR_FULL, "too much is under way; ask again");
    intake_defer(core, to, "", &err);
}

void intake_repeat(struct core *core, const char *signal_id, struct waiter to)
{
    if (to.answer)
        begin(core, signal_id, WISH_READ, "", "", to);
}

void intake_retry(struct core *core, const char *signal_id, const char *who, struct waiter to)
{
    begin(core, signal_id, WISH_RETRY, who, "", to);
}

void intake_drop(struct core *core, const char *signal_id, const char *who, const char *reason,
                 struct waiter to)
{
    begin(core, signal_id, WISH_DROP, who, reason, to);
}
