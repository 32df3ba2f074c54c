/* Rows in memory: a hash table per kind of row, in order of first insertion, and chains of what is
 * still open, so that no question of the hot path walks over rows it does not answer with.
 *
 * The chains: every open position and every order that is not final hangs in one chain of its
 * strategy and instrument (a group) and in one chain of all. Chains are ordered by the moment of
 * opening, then of arrival. */
#include "trade/book.h"
#include "trade/cell.h"
#include "base/keyed.h"
#include "trade/order.h"
#include "trade/signal.h"
#include <assert.h>
#include <string.h>

enum chain_kind { CHAIN_POSITIONS, CHAIN_ORDERS, CHAIN_COUNT };

struct entry;
struct link {
    struct entry *next, *previous;
};
struct chain {
    struct entry *first, *last;
};
struct market { /* one instrument */
    UT_hash_handle hh;
    char name[NAME_SIZE];
    struct book_group *first;
};
struct book_group { /* one strategy on one instrument */
    UT_hash_handle hh;
    char key[2 * NAME_SIZE];
    const char *instrument; /* in the key */
    struct chain chains[CHAIN_COUNT];
    struct book_group *next_of_market, *next_changed;
    bool changed; /* in the list of those */
    struct book_sums sums;
};
enum ring { RING_GROUP, RING_ALL, RING_COUNT };
struct entry {
    UT_hash_handle hh;
    struct book_group *group; /* set while it hangs in the chains */
    struct link links[RING_COUNT];
    _Alignas(16) char row[];
};

struct book {
    struct entry *rows[TABLE_COUNT];
    struct spares spares[TABLE_COUNT]; /* entries */
    struct book_group *groups, *changed;
    struct market *markets;
    struct book_sums *sums;
    struct chain all[CHAIN_COUNT];
    uint64_t changes;
    bool forget_final;
};

struct book *book_new(void)
{
    struct book *book = mem_alloc(sizeof *book);
    book->sums = mem_alloc(sizeof *book->sums);
    for (size_t i = 0; i < TABLE_COUNT; i++)
        book->spares[i].size = sizeof(struct entry) + tables[i].row_size;
    return book;
}

/* ---- texts a row owns ---- */

static char **long_cell(const struct table *table, void *row)
{
    return (char **)((char *)row + table->long_column->offset);
}

/* A text that did not change keeps its memory: most writes to a signal leave its extras alone. */
static void copy_row(const struct table *table, void *to, const void *from)
{
    if (to == from)
        return;
    if (!table->long_column) {
        memcpy(to, from, table->row_size);
        return;
    }
    char *old = *long_cell(table, to);
    const char *text = cell_long(table->long_column, from);
    if (old != text && !(old && text && strcmp(old, text) == 0)) {
        text = text ? mem_copy_text(text) : NULL;
        mem_free(old);
        old = (char *)(uintptr_t)text;
    }
    memcpy(to, from, table->row_size);
    *long_cell(table, to) = old;
}

/* ---- chains ---- */

static struct market *market_of(struct book *book, const char *instrument, bool make)
{
    struct market *market;
    HASH_FIND_STR(book->markets, instrument, market);
    if (!market && make) {
        market = mem_alloc(sizeof *market);
        text_copy(market->name, sizeof market->name, instrument);
        HASH_ADD_STR(book->markets, name, market);
    }
    return market;
}

static struct book_group *group_of(struct book *book, const char *strategy, const char *instrument,
                                   bool make)
{
    char key[2 * NAME_SIZE];
    struct book_group *group;
    size_t length = strlen(strategy), rest = strlen(instrument);
    assert(length < NAME_SIZE && rest < NAME_SIZE);
    memcpy(key, strategy, length);
    key[length++] = '\0'; /* no name contains it: a|b + c and a + b|c stay apart */
    memcpy(key + length, instrument, rest);
    length += rest;
    HASH_FIND(hh, book->groups, key, (unsigned)length, group);
    if (!group && make) {
        group = mem_alloc(sizeof *group);
        struct market *market = market_of(book, instrument, true);
        memcpy(group->key, key, length);
        group->instrument = group->key + length - rest;
        group->next_of_market = market->first;
        market->first = group;
        HASH_ADD_KEYPTR(hh, book->groups, group->key, (unsigned)length, group);
    }
    return group;
}

static void note_change(struct book *book, struct book_group *group)
{
    if (!group || group->changed)
        return;
    group->changed = true;
    group->next_changed = book->changed;
    book->changed = group;
}

static int64_t chain_time(enum chain_kind kind, const struct entry *entry)
{
    return kind == CHAIN_POSITIONS ? ((const struct position *)(const void *)entry->row)->opened_us
                                   : ((const struct order *)(const void *)entry->row)->created_us;
}

static void hang(struct chain *chain, enum ring ring, enum chain_kind kind, struct entry *entry)
{
    struct entry *after = chain->last;
    while (after && chain_time(kind, after) > chain_time(kind, entry))
        after = after->links[ring].previous;
    struct entry *before = after ? after->links[ring].next : chain->first;
    entry->links[ring] = (struct link){.next = before, .previous = after};
    *(after ? &after->links[ring].next : &chain->first) = entry;
    *(before ? &before->links[ring].previous : &chain->last) = entry;
}

static void unhang(struct chain *chain, enum ring ring, struct entry *entry)
{
    struct link link = entry->links[ring];
    *(link.previous ? &link.previous->links[ring].next : &chain->first) = link.next;
    *(link.next ? &link.next->links[ring].previous : &chain->last) = link.previous;
    entry->links[ring] = (struct link){0};
}

static bool chain_of(enum table_id table, enum chain_kind *kind)
{
    *kind = table == TABLE_POSITION ? CHAIN_POSITIONS : CHAIN_ORDERS;
    return table == TABLE_POSITION || table == TABLE_ORDER;
}

static bool is_live(enum table_id table, const void *row)
{
    if (table == TABLE_POSITION)
        return ((const struct position *)row)->status != POSITION_CLOSED;
    return !order_is_final(((const struct order *)row)->state);
}

static void unindex(struct book *book, enum chain_kind kind, struct entry *entry)
{
    if (!entry->group)
        return;
    unhang(&entry->group->chains[kind], RING_GROUP, entry);
    unhang(&book->all[kind], RING_ALL, entry);
    note_change(book, entry->group);
    entry->group = NULL;
}

static void index_entry(struct book *book, enum table_id table, enum chain_kind kind,
                        struct entry *entry)
{
    const char *strategy = table == TABLE_POSITION
                               ? ((const struct position *)(const void *)entry->row)->strategy
                               : ((const struct order *)(const void *)entry->row)->strategy;
    const char *instrument = table == TABLE_POSITION
                                 ? ((const struct position *)(const void *)entry->row)->instrument
                                 : ((const struct order *)(const void *)entry->row)->instrument;
    entry->group = group_of(book, strategy, instrument, true);
    hang(&entry->group->chains[kind], RING_GROUP, kind, entry);
    hang(&book->all[kind], RING_ALL, kind, entry);
}

/* The usual change leaves a row where it hangs; taking it down and up again would move it behind
 * its equals. */
static bool keeps_place(enum table_id table, const struct entry *entry, const void *row)
{
    if (!entry->group || !is_live(table, row))
        return false;
    if (table == TABLE_POSITION) {
        const struct position *old = (const void *)entry->row, *new = row;
        return old->opened_us == new->opened_us &&strcmp(old->strategy, new->strategy) == 0 &&
               strcmp(old->instrument, new->instrument) == 0;
    }
    const struct order *old = (const void *)entry->row, *new = row;
    return old->created_us == new->created_us &&strcmp(old->strategy, new->strategy) == 0 &&
           strcmp(old->instrument, new->instrument) == 0;
}

/* ---- rows by key ---- */

static struct entry *find(const struct book *book, enum table_id table, const char *key)
{
    struct entry *entry;
    HASH_FIND(hh, book->rows[table], key, (unsigned)strlen(key), entry);
    return entry;
}

const void *book_get(const struct book *book, enum table_id table, const char *key)
{
    const struct entry *entry = find(book, table, key);
    return entry ? entry->row : NULL;
}

static struct entry *add(struct book *book, const struct table *table, const void *row)
{
    struct entry *entry = spares_take(&book->spares[table->id]);
    copy_row(table, entry->row, row);
    const char *key = row_key(table, entry->row);
    HASH_ADD_KEYPTR(hh, book->rows[table->id], key, (unsigned)strlen(key), entry);
    return entry;
}

void book_put(struct book *book, enum table_id table, const void *row)
{
    enum chain_kind kind;
    const bool chained = chain_of(table, &kind);
    struct entry *entry = find(book, table, row_key(&tables[table], row));
    book->changes++;
    if (entry) {
        if (entry->row == row)
            return;
        if (chained && !keeps_place(table, entry, row))
            unindex(book, kind, entry);
        copy_row(&tables[table], entry->row, row);
    } else {
        entry = add(book, &tables[table], row);
    }
    if (chained && !entry->group && is_live(table, entry->row))
        index_entry(book, table, kind, entry);
    if (chained)
        note_change(book, entry->group);
}

static void drop(struct book *book, enum table_id table, struct entry *entry)
{
    enum chain_kind kind;
    if (chain_of(table, &kind))
        unindex(book, kind, entry);
    HASH_DELETE(hh, book->rows[table], entry);
    if (tables[table].long_column)
        mem_free(*long_cell(&tables[table], entry->row));
    spares_give(&book->spares[table], entry);
}

void book_remove(struct book *book, enum table_id table, const char *key)
{
    struct entry *entry = find(book, table, key);
    if (!entry)
        return;
    book->changes++;
    drop(book, table, entry);
}

void book_free(struct book *book)
{
    struct entry *entry, *next;
    struct book_group *group, *following;
    struct market *market, *after;
    if (!book)
        return;
    for (size_t i = 0; i < TABLE_COUNT; i++)
        HASH_ITER(hh, book->rows[i], entry, next)
    drop(book, (enum table_id)i, entry);
    for (size_t i = 0; i < TABLE_COUNT; i++)
        spares_free(&book->spares[i]);
    HASH_ITER(hh, book->groups, group, following)
    {
        HASH_DELETE(hh, book->groups, group);
        mem_free(group);
    }
    HASH_ITER(hh, book->markets, market, after)
    {
        HASH_DELETE(hh, book->markets, market);
        mem_free(market);
    }
    mem_free(book->sums->measured);
    mem_free(book->sums);
    mem_free(book);
}

uint64_t book_changes(const struct book *book)
{
    return book->changes;
}

size_t book_count(const struct book *book, enum table_id table)
{
    return HASH_COUNT(book->rows[table]);
}

void book_each(struct book *book, enum table_id table, bool (*visit)(void *ctx, const void *row),
               void *ctx)
{
    struct entry *next;
    for (struct entry *entry = book->rows[table]; entry; entry = next) {
        next = entry->hh.next;
        if (!visit(ctx, entry->row))
            return;
    }
}

/* ---- what is open ---- */

size_t book_open_positions(const struct book *book, const char *strategy, const char *instrument,
                           const struct position **out, size_t room)
{
    size_t count = 0;
    const struct book_group *group =
        group_of((struct book *)(uintptr_t)book, strategy, instrument, false);
    const struct entry *entry = group ? group->chains[CHAIN_POSITIONS].first : NULL;
    for (; entry && count < room; entry = entry->links[RING_GROUP].next)
        out[count++] = (const void *)entry->row;
    return count;
}

size_t book_all_open_positions(const struct book *book, const struct position **out, size_t room)
{
    size_t count = 0;
    const struct entry *entry = book->all[CHAIN_POSITIONS].first;
    for (; entry && count < room; entry = entry->links[RING_ALL].next)
        out[count++] = (const void *)entry->row;
    return count;
}

void book_each_open_position(const struct book *book,
                             bool (*visit)(void *ctx, const struct position *position), void *ctx)
{
    const struct entry *entry = book->all[CHAIN_POSITIONS].first;
    while (entry && visit(ctx, (const void *)entry->row))
        entry = entry->links[RING_ALL].next;
}

void book_each_live_order(const struct book *book,
                          bool (*visit)(void *ctx, const struct order *order), void *ctx)
{
    const struct entry *entry = book->all[CHAIN_ORDERS].first;
    while (entry && visit(ctx, (const void *)entry->row))
        entry = entry->links[RING_ALL].next;
}

static size_t take_orders(const struct entry *entry, enum ring ring, const char *strategy,
                          const struct order **out, size_t count, size_t room)
{
    for (; entry && count < room; entry = entry->links[ring].next) {
        const struct order *order = (const void *)entry->row;
        if (!strategy || strcmp(order->strategy, strategy) == 0)
            out[count++] = order;
    }
    return count;
}

size_t book_live_orders(const struct book *book, const char *strategy, const char *instrument,
                        const struct order **out, size_t room)
{
    struct book *plain = (struct book *)(uintptr_t)book;
    size_t count = 0;
    if (!instrument)
        return take_orders(book->all[CHAIN_ORDERS].first, RING_ALL, strategy, out, 0, room);
    if (strategy) {
        const struct book_group *group = group_of(plain, strategy, instrument, false);
        const struct entry *first = group ? group->chains[CHAIN_ORDERS].first : NULL;
        return take_orders(first, RING_GROUP, NULL, out, 0, room);
    }
    const struct market *market = market_of(plain, instrument, false);
    for (const struct book_group *g = market ? market->first : NULL; g; g = g->next_of_market)
        count = take_orders(g->chains[CHAIN_ORDERS].first, RING_GROUP, NULL, out, count, room);
    return count;
}

struct decimal book_open_lots(const struct book *book, const char *instrument)
{
    struct decimal lots = decimal_int(0);
    const struct market *market = market_of((struct book *)(uintptr_t)book, instrument, false);
    for (const struct book_group *g = market ? market->first : NULL; g; g = g->next_of_market)
        for (const struct entry *entry = g->chains[CHAIN_POSITIONS].first; entry;
             entry = entry->links[RING_GROUP].next)
            lots = decimal_add(lots, ((const struct position *)(const void *)entry->row)->quantity);
    return lots;
}

/* ---- sums ---- */

struct book_sums *book_sums(const struct book *book)
{
    return book->sums;
}

void book_each_group(const struct book *book, bool changed_only,
                     void (*visit)(void *ctx, const struct book_group *group,
                                   struct book_sums *sums),
                     void *ctx)
{
    struct book *plain = (struct book *)(uintptr_t)book;
    struct book_group *group = changed_only ? book->changed : book->groups, *next;
    for (; group; group = next) {
        next = changed_only ? group->next_changed : group->hh.next;
        if (changed_only)
            group->changed = false;
        visit(ctx, group, &group->sums);
    }
    if (changed_only)
        plain->changed = NULL;
}

const char *book_group_instrument(const struct book_group *group)
{
    return group->instrument;
}

void book_group_each(const struct book_group *group,
                     bool (*position)(void *ctx, const struct position *position),
                     bool (*order)(void *ctx, const struct order *order), void *ctx)
{
    const struct entry *entry = group->chains[CHAIN_POSITIONS].first;
    while (entry && position(ctx, (const void *)entry->row))
        entry = entry->links[RING_GROUP].next;
    entry = group->chains[CHAIN_ORDERS].first;
    while (entry && order(ctx, (const void *)entry->row))
        entry = entry->links[RING_GROUP].next;
}

/* ---- changes ---- */

void book_forget_final(struct book *book, bool forget)
{
    book->forget_final = forget;
}

static bool is_past(enum table_id table, const void *row)
{
    switch (table) {
    case TABLE_SIGNAL: /* the dead too: they wait for an operator in the store, where any number
                          fits */
        return signal_is_final(((const struct signal *)row)->state);
    case TABLE_ORDER:
    case TABLE_POSITION:
        return !is_live(table, row);
    case TABLE_DECISION:
    case TABLE_FILL:
    case TABLE_LEDGER:
    case TABLE_FAILOVER:
        return true;
    case TABLE_MEMBER:
        return ((const struct member *)row)->state != MEMBER_ALIVE;
    default:
        return false;
    }
}

void book_apply_change(struct book *book, const struct change *change)
{
    enum table_id table = change->table->id;
    if (book->forget_final && is_past(table, change->after))
        book_remove(book, table, row_key(change->table, change->after));
    else
        book_put(book, table, change->after);
}

/* ---- comparison ---- */

struct comparison {
    const struct table *table;
    const struct book *other;
    bool reverse; /* walking the log's rows: only those the table does not have */
    struct str *report;
    size_t max, found;
};

static void put_cell(struct str *out, const struct column *column, const void *row,
                     const char *where)
{
    size_t before = out->length;
    column_print(column, row, out);
    str_puts(out, out->length == before ? "absent" : "");
    str_puts(out, where);
}

static void tell(struct comparison *c, const char *key, const struct column *column, const void *a,
                 const void *b)
{
    if (c->found++ >= c->max || !c->report)
        return;
    str_printf(c->report, "%s %s: ", c->table->name, key);
    if (!column) {
        str_puts(c->report,
                 a ? "in the table, not in the log\n" : "in the log, not in the table\n");
        return;
    }
    str_printf(c->report, "%s ", column->name);
    put_cell(c->report, column, a, " in the table, ");
    put_cell(c->report, column, b, " in the log\n");
}

static bool compare_row(void *ctx, const void *row)
{
    struct comparison *c = ctx;
    const char *key = row_key(c->table, row);
    const struct entry *other = find(c->other, c->table->id, key);
    if (!other) {
        tell(c, key, NULL, c->reverse ? NULL : row, NULL);
        return true;
    }
    size_t at;
    if (c->reverse || row_equal(c->table, row, other->row, &at))
        return true;
    for (; at < c->table->column_count; at++) {
        struct table one = *c->table;
        one.columns += at;
        one.column_count = 1;
        if (!row_equal(&one, row, other->row, NULL))
            tell(c, key, &c->table->columns[at], row, other->row);
    }
    return true;
}

size_t book_compare(struct book *a, struct book *b, struct str *report, size_t max)
{
    struct comparison c = {.report = report, .max = max};
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        c.table = &tables[i];
        c.reverse = false;
        c.other = b;
        book_each(a, (enum table_id)i, compare_row, &c);
        c.reverse = true;
        c.other = a;
        book_each(b, (enum table_id)i, compare_row, &c);
    }
    return c.found;
}
