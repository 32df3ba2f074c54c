/* Counting: what one committed change adds to the statistics of its strategy and instrument. */
#include "trade/stat.h"
#include "trade/portfolio.h"
#include <string.h>

static void add(struct decimal *sum, struct decimal value)
{
    if (decimal_ok(value))
        *sum = decimal_add(*sum, value);
}

/* The row to count into; new ones begin with zeros, so that they add up. */
static struct stat stat_of(const struct book *stats, const char *strategy, const char *instrument)
{
    struct stat fresh UNSET;
    char id[KEY_SIZE] UNSET;
    pair_id_make(id, strategy, instrument);
    const struct stat *known = book_get(stats, TABLE_STAT, id);
    if (known)
        return *known;
    row_init(&tables[TABLE_STAT], &fresh);
    text_copy(fresh.id, sizeof fresh.id, id);
    fresh.realised = fresh.fees = fresh.volume = decimal_int(0);
    return fresh;
}

static int64_t *counter_of(struct stat *stat, enum signal_state state)
{
    switch (state) {
    case SIGNAL_REJECTED:
        return &stat->rejected;
    case SIGNAL_EXPIRED:
        return &stat->expired;
    case SIGNAL_SUPERSEDED:
        return &stat->superseded;
    case SIGNAL_IGNORED:
        return &stat->ignored;
    case SIGNAL_DEAD:
        return &stat->dead;
    default:
        return NULL;
    }
}

static void count_signal(struct book *stats, const struct signal *before,
                         const struct signal *after)
{
    if (before && before->state == after->state)
        return;
    struct stat stat = stat_of(stats, after->strategy, after->instrument);
    int64_t *counter = counter_of(&stat, after->state);
    if (before && !counter)
        return;
    stat.signals += !before;
    if (counter)
        ++*counter;
    book_put(stats, TABLE_STAT, &stat);
}

static void count_decision(struct book *stats, const struct decision *decision)
{
    if (decision->verdict != VERDICT_ACCEPT)
        return;
    struct stat stat = stat_of(stats, decision->strategy, decision->instrument);
    stat.accepted++;
    book_put(stats, TABLE_STAT, &stat);
}

static void count_fill(struct book *stats, const struct fill *fill)
{
    struct stat stat = stat_of(stats, fill->strategy, fill->instrument);
    stat.fills++;
    add(&stat.volume, fill->quantity);
    add(&stat.fees, fill->fee);
    book_put(stats, TABLE_STAT, &stat);
}

static void count_position(struct book *stats, const struct position *before,
                           const struct position *after)
{
    const bool closes =
        after->status == POSITION_CLOSED && (!before || before->status != POSITION_CLOSED);
    struct decimal grown = after->realised;
    if (before && decimal_ok(before->realised) && decimal_ok(grown))
        grown = decimal_sub(grown, before->realised);
    if (!closes && (!decimal_ok(grown) || decimal_is_zero(grown)))
        return;
    struct stat stat = stat_of(stats, after->strategy, after->instrument);
    add(&stat.realised, grown);
    if (closes) {
        struct decimal net = decimal_int(0);
        add(&net, after->realised);
        if (decimal_ok(after->fees))
            net = decimal_sub(net, after->fees);
        stat.wins += decimal_sign(net) > 0;
        stat.losses += decimal_sign(net) < 0;
    }
    book_put(stats, TABLE_STAT, &stat);
}

void stat_count(struct book *stats, const struct change *change)
{
    switch (change->table->id) {
    case TABLE_SIGNAL:
        count_signal(stats, change->before, change->after);
        break;
    case TABLE_DECISION:
        count_decision(stats, change->after);
        break;
    case TABLE_ORDER:
        if (!change->before) {
            const struct order *order = change->after;
            struct stat stat = stat_of(stats, order->strategy, order->instrument);
            stat.orders++;
            book_put(stats, TABLE_STAT, &stat);
        }
        break;
    case TABLE_FILL:
        count_fill(stats, change->after);
        break;
    case TABLE_POSITION:
        count_position(stats, change->before, change->after);
        break;
    default:
        break;
    }
}

void stat_add(struct book *stats, const struct stat *found)
{
    const struct stat *known = book_get(stats, TABLE_STAT, found->id);
    struct stat sum = *found;
    if (known) {
        sum = *known;
        sum.signals += found->signals;
        sum.accepted += found->accepted;
        sum.rejected += found->rejected;
        sum.expired += found->expired;
        sum.superseded += found->superseded;
        sum.ignored += found->ignored;
        sum.dead += found->dead;
        sum.orders += found->orders;
        sum.fills += found->fills;
        sum.wins += found->wins;
        sum.losses += found->losses;
        add(&sum.realised, found->realised);
        add(&sum.fees, found->fees);
        add(&sum.volume, found->volume);
    }
    book_put(stats, TABLE_STAT, &sum);
}
