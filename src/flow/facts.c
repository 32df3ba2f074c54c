/* What a policy sees of one strategy on one instrument.
 *
 * Bars ask with every price, and between two bars the book seldom changes: what it said is kept
 * with the number of its changes, and holds while that stands still. */
#include "flow/flows.h"
#include "flow/trade.h"
#include <string.h>

struct gathered { /* what the books said last, and when */
    char strategy[NAME_SIZE], instrument[NAME_SIZE];
    uint64_t changes, stat_changes;
    struct facts facts;
    const struct position *positions[LAYERS_MAX];
};

static struct decimal unrealised(const struct facts *facts)
{
    struct decimal sum = decimal_int(0);
    if (!decimal_ok(facts->last_price) || !facts->instrument)
        return sum;
    for (size_t i = 0; i < facts->position_count; i++) {
        const struct position *position = facts->positions[i];
        struct decimal points = decimal_sub(facts->last_price, position->entry_price);
        if (position->side == SIDE_SHORT)
            points = decimal_neg(points);
        sum = decimal_add(sum, decimal_mul(decimal_mul(points, position->quantity),
                                           facts->instrument->point_value));
    }
    return sum;
}

static bool still_holds(const struct core *core, const char *strategy, const char *instrument)
{
    const struct gathered *last = core->gathered;
    return last && last->changes == book_changes(core->book) &&
           last->stat_changes == book_changes(core->stats) &&
           text_equal(last->instrument, instrument) && text_equal(last->strategy, strategy);
}

/* Of this thread, as cores and policies are; policies outlive a core. */
static _Thread_local uint64_t readings;

static const struct gathered *read_books(struct core *core, const char *strategy,
                                         const char *instrument)
{
    char key[KEY_SIZE] UNSET;
    bool unknown;
    if (still_holds(core, strategy, instrument))
        return core->gathered;
    if (!core->gathered)
        core->gathered = mem_alloc(sizeof *core->gathered);
    struct gathered *now = core->gathered;
    text_copy(now->strategy, sizeof now->strategy, strategy);
    text_copy(now->instrument, sizeof now->instrument, instrument);
    now->changes = book_changes(core->book);
    now->stat_changes = book_changes(core->stats);
    pair_id_make(key, strategy, instrument);
    now->facts = (struct facts){
        .instrument = instrument_find(&core->options.instruments, instrument),
        .position_count =
            book_open_positions(core->book, strategy, instrument, now->positions, LAYERS_MAX),
        .pyramid = book_get(core->book, TABLE_PYRAMID, key),
        .stat = book_get(core->stats, TABLE_STAT, key),
        .unresolved_order = rules_unresolved(core, instrument, &unknown),
        .reading = ++readings};
    return now;
}

void facts_forget(struct core *core)
{
    mem_free(core->gathered);
    core->gathered = NULL;
}

void facts_gather(struct core *core, const char *strategy, const char *instrument,
                  const struct position **positions, size_t room, struct portfolio *portfolio,
                  struct facts *facts)
{
    const struct gathered *books = read_books(core, strategy, instrument);
    *facts = books->facts;
    if (facts->position_count > room) {
        facts->position_count = room;
        facts->reading = 0;
    }
    memcpy(positions, books->positions, facts->position_count * sizeof *positions);
    facts->positions = positions;
    facts->portfolio = portfolio;
    facts->halt = halt_now(core);
    facts->now_us = clock_wall(core->clock);
    if (!core->prices.last ||
        !core->prices.last(core->prices.ctx, instrument, &facts->last_price, &facts->last_price_us))
        facts->last_price = decimal_bad();
    portfolio_measure(core->book, &core->options.instruments, &core->prices, portfolio);
    facts->instrument_unrealised = unrealised(facts);
}
