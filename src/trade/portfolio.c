/* What a fill does to a layer, its pyramid and the account. Exact: money is price difference × lots
 * × point value, each product rounded once at the twelfth decimal, and the account is the sum of
 * what the ledger says. */
#include "trade/portfolio.h"
#include "trade/layers.h"
#include "trade/order.h"
#include "trade/signal.h"
#include <stdio.h>
#include <string.h>

/* Figures up to here are written and read again; beyond, a column would not come back from its
 * text. */
#define FIGURE_LIMIT decimal_int(INT64_C(1000000000000000))

/* ---- instruments ----
 *
 * The i-th instrument is also the i-th bucket: it names the first instrument whose name falls
 * there, and each names the next one of its own bucket. */

static size_t name_bucket(const char *name, size_t count)
{
    uint64_t sum = UINT64_C(14695981039346656037);
    for (; *name; name++)
        sum = (sum ^ (unsigned char)*name) * UINT64_C(1099511628211);
    return (size_t)(sum % count);
}

void instruments_index(struct instrument *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        list[i].bucket = list[i].next = 0;
        list[i].indexed = true;
    }
    for (size_t i = count; i-- > 0;) {
        struct instrument *bucket = &list[name_bucket(list[i].name, count)];
        list[i].next = bucket->bucket;
        bucket->bucket = (uint32_t)i + 1;
    }
}

const struct instrument *instrument_find(const struct instruments *all, const char *name)
{
    if (all && all->count > 0 && all->list[0].indexed) {
        uint32_t at = all->list[name_bucket(name, all->count)].bucket;
        while (at && strcmp(all->list[at - 1].name, name) != 0)
            at = all->list[at - 1].next;
        return at ? &all->list[at - 1] : NULL;
    }
    for (size_t i = 0; all && i < all->count; i++)
        if (strcmp(all->list[i].name, name) == 0)
            return &all->list[i];
    return NULL;
}

/* Keys are made for every decision and fill, where a format string would cost more than the key. */
static char *put_part(char *to, const char *text, size_t most)
{
    size_t length = strnlen(text, most);
    memcpy(to, text, length);
    return to + length;
}

void pair_id_make(char out[KEY_SIZE], const char *strategy, const char *instrument)
{
    char *to = put_part(out, strategy, NAME_SIZE - 1);
    *to++ = '|';
    *put_part(to, instrument, NAME_SIZE - 1) = '\0';
}

static struct decimal or_zero(struct decimal value)
{
    return decimal_ok(value) ? value : decimal_int(0);
}

struct working { /* one fill on its way into the rows */
    const struct book *book;
    const struct signal *signal;
    const struct order *order;
    const struct fill *fill;
    const struct instrument *instrument;
    struct decimal fee, realised;
    struct fill_effect *out;
    struct err *err;
};

static bool refuse(struct working *w, const char *sentence)
{
    return err_set(w->err, ERR_REFUSED, ERR_CORRUPT, "fill %s of order %s: %s", w->fill->id,
                   w->order->id, sentence);
}

/* (a × a_weight + b × b_weight) / (a_weight + b_weight) */
static struct decimal average(struct decimal a, struct decimal a_weight, struct decimal b,
                              struct decimal b_weight)
{
    if (decimal_is_zero(a_weight))
        return b;
    struct decimal value = decimal_add(decimal_mul(a, a_weight), decimal_mul(b, b_weight));
    return decimal_div(value, decimal_add(a_weight, b_weight), DECIMAL_HALF_EVEN);
}

/* ---- the layer ---- */

static void begin_position(struct working *w, struct position *p)
{
    const struct order *order = w->order;
    row_init(&tables[TABLE_POSITION], p);
    text_copy(p->id, sizeof p->id, order->position_id);
    text_copy(p->strategy, sizeof p->strategy, order->strategy);
    text_copy(p->instrument, sizeof p->instrument, order->instrument);
    text_copy(p->label, sizeof p->label, order->leg);
    text_copy(p->expiry, sizeof p->expiry, order->expiry);
    text_copy(p->entry_signal_id, sizeof p->entry_signal_id, order->signal_id);
    p->side = order->side == ORDER_BUY ? SIDE_LONG : SIDE_SHORT;
    p->is_base_position = signal_layer(order->leg) == 1;
    p->quantity = p->opened_quantity = p->realised = p->fees = decimal_int(0);
    p->opened_us = w->fill->at_us;
    if (w->signal) {
        p->initial_stop = p->stop = w->signal->stop;
        p->atr = w->signal->atr;
    }
}

static bool open_layer(struct working *w)
{
    struct position *p = &w->out->positions[0];
    const struct position *before = book_get(w->book, TABLE_POSITION, w->order->position_id);
    w->out->position_count = 1;
    w->out->new_position = !before;
    if (before)
        *p = *before;
    else
        begin_position(w, p);
    if (p->side != (w->order->side == ORDER_BUY ? SIDE_LONG : SIDE_SHORT))
        return refuse(w, "it adds to a position of the other side");
    if (p->status == POSITION_CLOSED) { /* the entry's last part came after the exit */
        p->status = POSITION_PARTIAL;
        p->closed_us = 0;
    }
    p->entry_price = average(p->entry_price, p->quantity, w->fill->price, w->fill->quantity);
    p->quantity = decimal_add(p->quantity, w->fill->quantity);
    p->opened_quantity = decimal_add(p->opened_quantity, w->fill->quantity);
    p->fees = decimal_add(or_zero(p->fees), w->fee);
    return true;
}

/* One layer's part of the fill. */
static void close_layer(struct working *w, const struct position *before, struct decimal lots,
                        struct decimal fee)
{
    struct position *p = &w->out->positions[w->out->position_count++];
    const struct fill *fill = w->fill;
    *p = *before;
    struct decimal gain = p->side == SIDE_LONG ? decimal_sub(fill->price, p->entry_price)
                                               : decimal_sub(p->entry_price, fill->price);
    struct decimal realised = decimal_mul(decimal_mul(gain, lots), w->instrument->point_value);
    w->realised = decimal_add(w->realised, realised);
    p->exit_price = average(or_zero(p->exit_price), decimal_sub(p->opened_quantity, p->quantity),
                            fill->price, lots);
    p->quantity = decimal_sub(p->quantity, lots);
    p->realised = decimal_add(or_zero(p->realised), realised);
    p->fees = decimal_add(or_zero(p->fees), fee);
    text_copy(p->exit_signal_id, sizeof p->exit_signal_id, w->order->signal_id);
    if (decimal_is_zero(p->quantity)) {
        p->status = POSITION_CLOSED;
        p->closed_us = fill->at_us;
    } else {
        p->status = order_is_final(w->order->state) ? POSITION_PARTIAL : POSITION_CLOSING;
    }
}

static bool close_named(struct working *w)
{
    const struct position *before = book_get(w->book, TABLE_POSITION, w->order->position_id);
    if (!before)
        return refuse(w, "the position it closes is not in the book");
    if (!layer_is_closed_by(before, w->order->side))
        return refuse(w, "it is meant to reduce, but goes the position's own way");
    if (decimal_gt(w->fill->quantity, before->quantity))
        return refuse(w, "it closes more than is open");
    close_layer(w, before, w->fill->quantity, w->fee);
    return true;
}

/* The parts add up to the fill exactly: what rounding leaves of the fee goes to the last layer. */
static bool close_parts(struct working *w, const struct layer_lots *list,
                        const struct decimal *taken, size_t count)
{
    struct decimal fee_left = w->fee, lots_left = w->fill->quantity;
    for (size_t i = 0; i < count; i++) {
        if (decimal_sign(taken[i]) <= 0)
            continue;
        if (w->out->position_count == FILL_LAYERS_MAX)
            return refuse(w, "it closes more layers than one fill may");
        lots_left = decimal_sub(lots_left, taken[i]);
        struct decimal fee = decimal_is_zero(lots_left)
                                 ? fee_left
                                 : decimal_muldiv(w->fee, taken[i], w->fill->quantity);
        fee_left = decimal_sub(fee_left, fee);
        close_layer(w, list[i].layer, taken[i], fee);
    }
    return true;
}

static bool close_oldest(struct working *w)
{
    struct layer_lots list[LAYERS_MAX] UNSET;
    struct decimal taken[LAYERS_MAX] UNSET, lots = w->fill->quantity;
    const struct order *order = w->order;
    size_t count = layers_free(w->book, order->strategy, order->instrument, false, list);
    for (size_t i = 0; i < count; i++)
        taken[i] = decimal_int(0);
    lots = layers_take(list, count, order, lots, taken);
    /* It happened at the broker: rather what another order is still to close than nowhere. */
    for (size_t i = 0; i < count; i++)
        list[i].lots = decimal_sub(list[i].layer->quantity, taken[i]);
    lots = layers_take(list, count, order, lots, taken);
    if (decimal_sign(lots) > 0)
        return refuse(w, "it closes more than is open");
    return close_parts(w, list, taken, count);
}

/* ---- the pyramid ---- */

static void clear_base(struct pyramid *y)
{
    *y->base_position_id = '\0';
    y->base_entry_price = y->base_stop = y->base_quantity = decimal_bad();
}

static void open_pyramid(struct pyramid *y, const struct position *p, bool joins)
{
    y->layers += joins;
    if (p->is_base_position) {
        text_copy(y->base_position_id, sizeof y->base_position_id, p->id);
        y->base_entry_price = p->entry_price;
        y->base_stop = p->initial_stop;
        y->base_quantity = p->opened_quantity;
        if (joins)
            y->pyramids = 0;
    } else if (joins) {
        y->pyramids++;
    }
    y->last_entry_price = p->entry_price;
}

static void close_pyramid(struct pyramid *y, const struct position *p)
{
    if (p->status != POSITION_CLOSED)
        return;
    y->layers--;
    if (strcmp(y->base_position_id, p->id) == 0)
        clear_base(y);
    if (y->layers == 0) {
        y->pyramids = 0;
        y->last_entry_price = decimal_bad();
    }
}

static bool change_pyramid(struct working *w)
{
    struct pyramid *y = &w->out->pyramid;
    const struct position *p = &w->out->positions[0];
    const struct position *was = book_get(w->book, TABLE_POSITION, p->id);
    char id[KEY_SIZE];
    pair_id_make(id, p->strategy, p->instrument);
    const struct pyramid *before = book_get(w->book, TABLE_PYRAMID, id);
    w->out->new_pyramid = !before;
    if (before) {
        *y = *before;
    } else {
        row_init(&tables[TABLE_PYRAMID], y);
        text_copy(y->id, sizeof y->id, id);
    }
    if (w->order->reduces) {
        y->quantity = decimal_sub(or_zero(y->quantity), w->fill->quantity);
        for (size_t i = 0; i < w->out->position_count; i++)
            close_pyramid(y, &w->out->positions[i]);
        if (y->layers < 0 || decimal_sign(y->quantity) < 0)
            return refuse(w, "the pyramiding state does not know the layer it closes");
    } else {
        y->quantity = decimal_add(or_zero(y->quantity), w->fill->quantity);
        open_pyramid(y, p, !was || was->status == POSITION_CLOSED);
    }
    y->version++;
    return true;
}

/* ---- the account ---- */

static void roll_day(struct account *account, int64_t day_start_us)
{
    if (day_start_us <= account->day_us)
        return;
    account->day_us = day_start_us;
    account->day_start_equity = account->equity;
}

static void balance(struct account *account)
{
    account->equity = decimal_sub(decimal_add(account->deposits, account->realised), account->fees);
}

static void raise_high_water(struct account *account)
{
    if (!decimal_ok(account->high_water) || decimal_gt(account->equity, account->high_water))
        account->high_water = account->equity;
}

static void write_entry(struct account *account, struct ledger *entry, enum ledger_kind kind,
                        struct decimal amount, const char *reference, int64_t at_us)
{
    row_init(&tables[TABLE_LEDGER], entry);
    snprintf(entry->id, sizeof entry->id, "%s|%012lld", account->id, (long long)++account->entries);
    entry->kind = kind;
    entry->amount = amount;
    entry->equity = account->equity;
    entry->at_us = at_us;
    text_copy(entry->reference, sizeof entry->reference, reference);
}

static bool fits(struct decimal value)
{
    return decimal_ok(value) && decimal_lt(decimal_abs(value), FIGURE_LIMIT);
}

static bool change_account(struct working *w, int64_t day_start_us)
{
    struct fill_effect *out = w->out;
    struct account *account = &out->account;
    const struct account *before = book_get(w->book, TABLE_ACCOUNT, ACCOUNT_ID);
    if (!before)
        return err_set(w->err, ERR_REFUSED, ERR_NOT_FOUND,
                       "there is no account \"" ACCOUNT_ID "\"; deposit first");
    *account = *before;
    account->version++;
    roll_day(account, day_start_us);
    if (!decimal_is_zero(w->realised)) {
        account->realised = decimal_add(account->realised, w->realised);
        balance(account);
        write_entry(account, &out->ledger[out->ledger_count++], LEDGER_REALISED, w->realised,
                    w->fill->id, w->fill->at_us);
    }
    if (!decimal_is_zero(w->fee)) {
        account->fees = decimal_add(account->fees, w->fee);
        balance(account);
        write_entry(account, &out->ledger[out->ledger_count++], LEDGER_FEE, decimal_neg(w->fee),
                    w->fill->id, w->fill->at_us);
    }
    raise_high_water(account); /* after the fee: what is paid at once was never reached */
    return (fits(account->realised) && fits(account->fees) && fits(account->equity)) ||
           refuse(w, "the account's figures would pass 1e15");
}

bool portfolio_apply_fill(const struct book *book, const struct signal *signal,
                          const struct order *order, const struct fill *fill,
                          const struct instrument *instrument, int64_t day_start_us,
                          struct fill_effect *out, struct err *err)
{
    struct working w = {.book = book,
                        .signal = signal,
                        .order = order,
                        .fill = fill,
                        .instrument = instrument,
                        .out = out,
                        .err = err};
    w.fee = or_zero(fill->fee);
    w.realised = decimal_int(0);
    out->ledger_count = out->position_count = 0;
    out->new_position = false;
    if (!fits(fill->quantity) || !fits(fill->price) || decimal_sign(fill->quantity) <= 0 ||
        decimal_sign(fill->price) <= 0)
        return refuse(&w, "quantity and price must be above zero");
    if (!order->reduces && !*order->position_id)
        return refuse(&w, "its order names no position");
    if (!(!order->reduces       ? open_layer(&w)
          : *order->position_id ? close_named(&w)
                                : close_oldest(&w)))
        return false;
    for (size_t i = 0; i < out->position_count; i++) {
        struct position *p = &out->positions[i];
        p->version++;
        if (!fits(p->quantity) || !fits(p->opened_quantity) || !fits(p->entry_price) ||
            !fits(w.realised) || !fits(p->realised) || !fits(p->fees))
            return refuse(&w, "the position's figures would pass 1e15");
    }
    return change_pyramid(&w) && change_account(&w, day_start_us);
}

/* ---- money without a fill ---- */

static bool open_account(const char *currency, int64_t day_start_us, struct account *account)
{
    row_init(&tables[TABLE_ACCOUNT], account);
    text_copy(account->id, sizeof account->id, ACCOUNT_ID);
    account->deposits = account->realised = account->fees = account->equity = decimal_int(0);
    account->high_water = account->day_start_equity = decimal_int(0);
    account->day_us = day_start_us;
    return text_copy(account->currency, sizeof account->currency, currency ? currency : "");
}

bool portfolio_move_money(const struct account *before, const char *currency, enum ledger_kind kind,
                          struct decimal amount, const char *reference, int64_t at_us,
                          int64_t day_start_us, struct account *account, struct ledger *ledger,
                          struct err *err)
{
    if (kind == LEDGER_REALISED || kind == LEDGER_FEE)
        return err_set(err, ERR_REFUSED, ERR_INPUT, "%s is booked by fills only",
                       ledger_kind_names[kind]);
    if (!fits(amount) || decimal_is_zero(amount) ||
        (kind != LEDGER_ADJUST && decimal_sign(amount) < 0))
        return err_set(err, ERR_REFUSED, ERR_INPUT,
                       "the amount of a %s must be above zero and below 1e15",
                       ledger_kind_names[kind]);
    if (kind == LEDGER_WITHDRAWAL)
        amount = decimal_neg(amount);
    if (before)
        *account = *before;
    else if (!open_account(currency, day_start_us, account))
        return err_set(err, ERR_REFUSED, ERR_INPUT,
                       "the currency \"%.20s\" has more than 7 characters", currency);
    roll_day(account, day_start_us);
    account->deposits = decimal_add(account->deposits, amount);
    if (kind != LEDGER_ADJUST) {
        account->high_water = decimal_add(account->high_water, amount);
        account->day_start_equity = decimal_add(account->day_start_equity, amount);
    }
    balance(account);
    raise_high_water(account);
    account->version++;
    if (!fits(account->deposits) || !fits(account->equity) || !fits(account->high_water))
        return err_set(err, ERR_REFUSED, ERR_INPUT, "the account's figures would pass 1e15");
    write_entry(account, ledger, kind, amount, reference, at_us);
    return true;
}

bool portfolio_new_day(const struct account *account, int64_t day_start_us, struct account *out)
{
    if (day_start_us <= account->day_us)
        return false;
    *out = *account;
    roll_day(out, day_start_us);
    out->version++;
    return true;
}

/* ---- on another beginning ---- */

static struct decimal moved(struct decimal onto, struct decimal before, struct decimal after)
{
    return decimal_add(onto, decimal_sub(after, before));
}

void portfolio_rebase(const struct account *before, const struct account *onto,
                      struct account *after, struct ledger *const *entries, size_t count)
{
    struct account was = *after;
    *after = *onto;
    after->version++;
    roll_day(after, was.day_us);
    for (size_t i = 0; i < count; i++) {
        struct ledger *entry = entries[i];
        struct decimal last = i ? entries[i - 1]->equity : onto->equity;
        snprintf(entry->id, sizeof entry->id, "%s|%012lld", after->id, (long long)++after->entries);
        entry->equity = decimal_add(last, entry->amount);
        if (entry->kind != LEDGER_DEPOSIT && entry->kind != LEDGER_WITHDRAWAL)
            continue;
        after->high_water = decimal_add(after->high_water, entry->amount);
        after->day_start_equity = decimal_add(after->day_start_equity, entry->amount);
    }
    after->deposits = moved(onto->deposits, before->deposits, was.deposits);
    after->realised = moved(onto->realised, before->realised, was.realised);
    after->fees = moved(onto->fees, before->fees, was.fees);
    balance(after);
    if (count)
        raise_high_water(after);
}
