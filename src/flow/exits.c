/* A broker that refuses an exit leaves a position open that somebody wanted closed. Nobody sends
 * that signal again, so the host does: with a pause that grows, for as long as the position is
 * open, and with an alert each time. What was cancelled, by a person or a shutdown, is not tried
 * again. */
#include "flow/exits.h"
#include "flow/holding.h"
#include "flow/intake.h"
#include "trade/layers.h"
#include <string.h>

#define FIRST_US 2000000
#define LAST_US 60000000
#define BUSY_US 500000
enum { EXITS_MAX = 256 };

struct failed {
    char position_id[KEY_SIZE], strategy[NAME_SIZE], instrument[NAME_SIZE], label[LABEL_SIZE];
    int64_t next_us;
    unsigned tries;
};
struct exits {
    struct failed list[EXITS_MAX];
    size_t count;
    struct metric *again;
};

struct exits *exits_new(struct core *core)
{
    struct exits *exits = mem_alloc(sizeof *exits);
    if (core->metrics)
        exits->again = metric_counter(core->metrics, "tidelock_exits_again_total",
                                      "Exits tried again because the broker refused them.", NULL);
    core->exits = exits;
    return exits;
}

void exits_free(struct exits *exits)
{
    mem_free(exits);
}

static const struct position *open_position(const struct core *core, const char *id)
{
    const struct position *position = book_get(core->book, TABLE_POSITION, id);
    return position && position->status != POSITION_CLOSED ? position : NULL;
}

static void note_layer(struct core *core, const struct order *order, const struct position *layer)
{
    struct exits *exits = core->exits;
    size_t at = 0;
    while (at < exits->count && strcmp(exits->list[at].position_id, layer->id) != 0)
        at++;
    if (at == EXITS_MAX) {
        log_write(core->log, LOG_ERROR, "exits",
                  "too many exits were refused; this one is not "
                  "tried again by itself",
                  LOG_T("order_id", order->id), LOG_END);
        return;
    }
    struct failed *failed = &exits->list[at];
    if (at == exits->count) {
        *failed = (struct failed){0};
        exits->count++;
        text_copy(failed->position_id, sizeof failed->position_id, layer->id);
        text_copy(failed->strategy, sizeof failed->strategy, layer->strategy);
        text_copy(failed->instrument, sizeof failed->instrument, layer->instrument);
        text_copy(failed->label, sizeof failed->label, layer->label);
    }
    int64_t pause_us = FIRST_US << (failed->tries < 5 ? failed->tries : 5);
    failed->next_us =
        clock_steady(core->clock) + (pause_us < LAST_US ? pause_us : (int64_t)LAST_US);
}

/* Those it would have closed: the oldest, up to its lots. */
static void note_layers(struct core *core, const struct order *order)
{
    struct layer_lots list[LAYERS_MAX];
    struct decimal taken[LAYERS_MAX];
    size_t count = layers_free(core->book, order->strategy, order->instrument, true, list);
    for (size_t i = 0; i < count; i++)
        taken[i] = decimal_int(0);
    layers_take(list, count, order, decimal_sub(order->quantity, order->filled), taken);
    for (size_t i = 0; i < count; i++)
        if (decimal_sign(taken[i]) > 0)
            note_layer(core, order, list[i].layer);
}

void exits_note(struct core *core, const struct order *order)
{
    const struct position *layer = open_position(core, order->position_id);
    if (!order->reduces || order->protective || !*order->signal_id ||
        (order->state != ORDER_REJECTED && order->state != ORDER_EXPIRED))
        return;
    if (!*order->position_id)
        note_layers(core, order);
    else if (layer)
        note_layer(core, order, layer);
}

static bool is_busy(struct core *core, const struct failed *failed)
{
    const struct order *live[64];
    const struct lane *lane = lane_of(core, failed->strategy, failed->instrument);
    size_t count = book_live_orders(core->book, failed->strategy, failed->instrument, live, 64);
    for (size_t i = 0; i < count; i++)
        if (live[i]->reduces && !live[i]->protective &&
            (!*live[i]->position_id || strcmp(live[i]->position_id, failed->position_id) == 0))
            return true;
    return lane->stories > 0 || lane->waiting.count > 0;
}

static void try_again(struct core *core, struct failed *failed)
{
    struct signal exit;
    row_init(&tables[TABLE_SIGNAL], &exit);
    text_copy(exit.source, sizeof exit.source, "exit again");
    text_copy(exit.strategy, sizeof exit.strategy, failed->strategy);
    text_copy(exit.instrument, sizeof exit.instrument, failed->instrument);
    text_copy(exit.position, sizeof exit.position, failed->label);
    exit.type = SIGNAL_EXIT;
    exit.at_us = exit.received_us = clock_wall(core->clock);
    signal_fingerprint(&exit, NULL, NULL, 0);
    metric_add(core->exits->again, 1);
    log_write(core->log, LOG_ERROR, "exits",
              "a position is still open though its exit was ordered; the exit is tried again",
              LOG_T("strategy", failed->strategy), LOG_T("instrument", failed->instrument),
              LOG_T("position", failed->label), LOG_I("try", ++failed->tries), LOG_END);
    failed->next_us = clock_steady(core->clock) + LAST_US; /* unless it fails sooner */
    intake_submit(core, &exit, false, 0, (struct waiter){0});
}

int64_t exits_turn(struct core *core)
{
    struct exits *exits = core->exits;
    int64_t now_us = clock_steady(core->clock), next_us = INT64_MAX;
    if (!exits->count || !core->reconciled || core->draining)
        return INT64_MAX;
    for (size_t i = 0; i < exits->count;) {
        struct failed *failed = &exits->list[i];
        if (failed->next_us > now_us) {
            next_us = failed->next_us < next_us ? failed->next_us : next_us;
            i++;
        } else if (!open_position(core, failed->position_id)) {
            *failed = exits->list[--exits->count];
        } else if (!core_works(core, failed->instrument)) { /* somebody else's, until he is gone */
            failed->next_us = now_us + FIRST_US;
        } else if (is_busy(core, failed) || !halt_allows(core->halt, true)) {
            failed->next_us = now_us + BUSY_US;
        } else {
            try_again(core, failed);
        }
    }
    return next_us;
}
