/* Positions that exist elsewhere enter the book, all of a list or none.
 *
 *     look     after: we know which of them stand already, open or closed since
 *     hold     after: what trades their instruments is ours
 *     write    after: their orders, fills and positions are committed, in one piece
 *
 * A person has traded them, or another host: nothing is asked of rails or policies. */
#include "flow/flows.h"
#include "flow/holding.h"
#include "flow/intake.h"
#include "flow/match.h"
#include "flow/record.h"
#include <stdio.h>
#include <string.h>

#define HOLD_AGAIN_US 50000
#define HOLD_US 5000000
enum { LOOK_AT_ONCE = 16 };

struct importing {
    struct waiter to;
    struct imported list[IMPORT_MAX];
    bool stands[IMPORT_MAX];
    size_t count, at, stand;
    struct signal_faults faults;
    char root[16], who[NAME_SIZE];
    bool dry_run;
    int64_t hold_until_us;
    struct import_rows *rows;
};

static enum step_result fail(struct flow *flow, enum err_code code, const char *format,
                             const char *what)
{
    struct err err;
    err_set(&err, ERR_REFUSED, code, format, what);
    return flow_fail(flow, &err);
}

/* ---- look ---- */

static enum step_result look(struct flow *flow)
{
    struct importing *all = flow->data;
    struct str ids = STR_EMPTY;
    struct store_query query = {.table = TABLE_POSITION, .where_count = 1, .limit = LOOK_AT_ONCE};
    for (size_t i = all->at; i < all->count && i < all->at + LOOK_AT_ONCE; i++)
        str_printf(&ids, "%s%s", i > all->at ? "," : "", all->list[i].id);
    query.where[0] =
        (struct store_condition){.column = "id", .op = STORE_IN, .value = str_text(&ids)};
    store_query(flow->core->store, &query, flow_waiter(flow));
    str_free(&ids);
    return STEP_WAIT;
}

static void mark(struct importing *all, const struct position *row)
{
    for (size_t i = 0; i < all->count; i++)
        if (!all->stands[i] && strcmp(all->list[i].id, row->id) == 0) {
            all->stands[i] = true;
            all->stand++;
        }
}

static enum step_result look_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct importing *all = flow->data;
    const struct store_rows *rows = value;
    if (err)
        return flow_fail(flow, err);
    for (size_t i = 0; rows && i < rows->count; i++)
        mark(all, rows->rows[i]);
    all->at += LOOK_AT_ONCE;
    if (all->at < all->count)
        return look(flow);
    import_check(flow->core->book, all->list, all->stands, all->count, all->root, &all->faults);
    return all->dry_run || all->faults.count || all->stand == all->count ? STEP_END : STEP_NEXT;
}

/* ---- hold ---- */

static enum step_result hold(struct flow *flow)
{
    struct importing *all = flow->data;
    struct core *core = flow->core;
    const char *missing = NULL;
    int64_t now_us = clock_steady(core->clock);
    for (size_t i = 0; i < all->count; i++)
        if (!all->stands[i] && !core_holds(core, all->list[i].instrument)) {
            missing = all->list[i].instrument;
            holding_want(core, missing);
        }
    if (!missing && record_settled(core))
        return STEP_NEXT;
    if (!all->hold_until_us)
        all->hold_until_us = now_us + HOLD_US;
    if (now_us >= all->hold_until_us)
        return fail(flow, ERR_CONFLICT,
                    "%s is not ours to trade now: ask the instance that has it (GET /api/leases), "
                    "or the leader, or again when the start is over",
                    missing ? missing : "an instrument");
    flow_deadline(flow, now_us + HOLD_AGAIN_US);
    return STEP_WAIT;
}

static enum step_result hold_answer(struct flow *flow, const struct err *err, const void *value)
{
    (void)err; /* only its own deadline */
    (void)value;
    return hold(flow);
}

/* ---- write ---- */

static void put_event(struct flow *flow, const char *cause, const struct pyramid *before,
                      struct import_rows *rows, struct store_event *event)
{
    event_start(flow->core, event, "position.imported", rows->after.id);
    event->cause = cause;
    event_change(event, TABLE_ORDER, NULL, &rows->before);
    event_change(event, TABLE_ORDER, &rows->before, &rows->after);
    event_change(event, TABLE_FILL, NULL, &rows->fill);
    event_change(event, TABLE_POSITION, NULL, &rows->effect.positions[0]);
    event_change(event, TABLE_PYRAMID, before, &rows->effect.pyramid);
}

static const struct pyramid *pyramid_of(struct flow *flow, const struct book *book,
                                        const struct imported *one)
{
    char id[KEY_SIZE];
    struct pyramid *copy;
    pair_id_make(id, one->strategy, one->instrument);
    const struct pyramid *row = book_get(book, TABLE_PYRAMID, id);
    if (!row)
        return NULL;
    copy = arena_alloc(flow->arena, sizeof *copy);
    *copy = *row;
    return copy;
}

/* Each on what the one before left, in a book of its own until all of them fit. */
static bool plan(struct flow *flow, struct book *scratch, struct store_event *events, size_t *count,
                 struct err *err)
{
    struct importing *all = flow->data;
    struct core *core = flow->core;
    struct str text = STR_EMPTY;
    str_puts(&text, "{\"who\":");
    str_put_json(&text, all->who);
    str_putc(&text, '}');
    const char *cause = arena_text(flow->arena, str_text(&text));
    str_free(&text);
    for (size_t i = 0; i < all->count; i++) {
        struct imported *one = &all->list[i];
        if (all->stands[i])
            continue;
        const struct pyramid *before = pyramid_of(flow, scratch, one);
        if (!before && (before = pyramid_of(flow, core->book, one)))
            book_put(scratch, TABLE_PYRAMID, before);
        if (reconcile_is_moving(core->book, one->instrument))
            return err_set(err, ERR_REFUSED, ERR_CONFLICT,
                           "an order is on its way on %s; ask again when it is over",
                           one->instrument);
        if (!import_book(scratch, one, core->broker->ops->traits->name, core->term,
                         instrument_find(&core->options.instruments, one->instrument),
                         clock_wall(core->clock), &all->rows[*count], err))
            return false;
        book_put(scratch, TABLE_PYRAMID, &all->rows[*count].effect.pyramid);
        put_event(flow, cause, before, &all->rows[*count], &events[*count]);
        (*count)++;
    }
    return true;
}

static enum step_result write_all(struct flow *flow)
{
    struct importing *all = flow->data;
    struct core *core = flow->core;
    const struct account *account = book_get(core->book, TABLE_ACCOUNT, ACCOUNT_ID);
    struct store_event *events;
    struct book *scratch = book_new();
    struct err err;
    size_t count = 0;
    events = arena_alloc(flow->arena, all->count * sizeof *events);
    all->rows = arena_alloc(flow->arena, all->count * sizeof *all->rows);
    /* The book may have moved on since it was looked at. */
    import_check(core->book, all->list, all->stands, all->count, all->root, &all->faults);
    if (account)
        book_put(scratch, TABLE_ACCOUNT, account);
    bool ok = all->faults.count || plan(flow, scratch, events, &count, &err);
    book_free(scratch);
    if (!ok)
        return flow_fail(flow, &err);
    if (all->faults.count)
        return STEP_END;
    record_write(core, events, count, false, flow_waiter(flow));
    return STEP_WAIT;
}

static enum step_result write_answer(struct flow *flow, const struct err *err, const void *value)
{
    struct importing *all = flow->data;
    struct core *core = flow->core;
    (void)value;
    if (err)
        return flow_fail(flow, err);
    for (size_t i = 0; i < all->count - all->stand; i++)
        broker_book(core->broker, &all->rows[i].after, &all->rows[i].fill);
    log_write(core->log, LOG_WARN, "import", "positions that began elsewhere are in the book",
              LOG_I("positions", (int64_t)(all->count - all->stand)), LOG_T("who", all->who),
              LOG_END);
    match_begin(core, "import", (struct waiter){0});
    return STEP_END;
}

static void ended(struct flow *flow, const struct err *err)
{
    const struct importing *all = flow->data;
    struct import_result result = {.count = all->count,
                                   .stand = all->stand,
                                   .list = all->list,
                                   .stands = all->stands,
                                   .faults = &all->faults,
                                   .dry_run = all->dry_run};
    wait_answer(all->to, err, err ? NULL : &result);
}

static const struct step import_positions[] = {
    {"look", look, look_answer, NULL, 5000, 0},
    {"hold", hold, hold_answer, NULL, 0, 0},
    {"write", write_all, write_answer, NULL, 0, STEP_FENCED},
};
static const struct story import_story = {
    .name = "import_positions", STORY(import_positions), .ended = ended};

void positions_import(struct core *core, const struct imported *list, size_t count,
                      const struct signal_faults *faults, const char *root, bool dry_run,
                      const char *who, struct waiter to)
{
    struct importing *all;
    struct err err;
    struct flow *flow =
        flow_make(core, &import_story, "import", NULL, sizeof *all, (struct waiter){0});
    if (!flow) {
        err_set(&err, ERR_LATER, ERR_FULL, "too much is under way; ask again");
        intake_defer(core, to, "", &err);
        return;
    }
    all = flow->data;
    memcpy(all->list, list, count * sizeof *list);
    all->count = count;
    all->faults = *faults;
    all->dry_run = dry_run;
    all->to = to;
    text_copy(all->root, sizeof all->root, root);
    text_copy(all->who, sizeof all->who, who);
    flow_run(flow);
}
