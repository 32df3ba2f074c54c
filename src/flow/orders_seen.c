/* Since when the log has had the right to send that an order carries. What its broker's silence
 * proves counts from there: whoever committed the right used it before it ran out, or not at all.
 * Every instance notes that moment by its own steady clock as it reads the log, so that taking a
 * key over, again and again, does not begin the time anew; walls are not compared, they jump. A
 * process that finds the right in the tables when it begins counts from then. */
#include "flow/orders.h"
#include "flow/orders_parts.h"
#include "flow/trade.h"

struct seen_right {
    UT_hash_handle hh;
    char id[ID_SIZE];
    int64_t attempt, at_us; /* steady */
};

static struct seen_right *find(const struct orders *orders, const char *order_id)
{
    struct seen_right *seen;
    HASH_FIND_STR(orders->seen, order_id, seen);
    return seen;
}

static void drop(struct orders *orders, struct seen_right *seen)
{
    HASH_DELETE(hh, orders->seen, seen);
    mem_free(seen);
}

static bool carries_right(const struct order *row)
{
    return row->state != ORDER_INTENDED && !order_is_final(row->state);
}

static void note(struct orders *orders, const struct order *row, int64_t at_us)
{
    struct seen_right *seen = find(orders, row->id);
    if (seen && seen->attempt == row->attempt)
        return;
    if (!seen) {
        seen = mem_alloc(sizeof *seen);
        text_copy(seen->id, sizeof seen->id, row->id);
        HASH_ADD_STR(orders->seen, id, seen);
    }
    seen->attempt = row->attempt;
    seen->at_us = at_us;
}

void orders_see(struct core *core, const char *order_id, const struct order *row)
{
    struct seen_right *seen = find(core->orders, order_id);
    if (row && carries_right(row))
        note(core->orders, row, clock_steady(core->clock));
    else if (seen)
        drop(core->orders, seen);
}

static bool see(void *ctx, const struct order *row)
{
    struct core *core = ctx;
    orders_see(core, row->id, row);
    return true;
}

void orders_see_all(struct core *core)
{
    book_each_live_order(core->book, see, core);
}

/* Its story here ends; if the order lives on, somebody else looks after it, and we again later. */
void orders_see_untracked(struct core *core, const struct live_order *live)
{
    struct seen_right *seen = find(core->orders, live->id);
    if (!live->final && live->sent_us && carries_right(&live->row))
        note(core->orders, &live->row, live->sent_us);
    else if (seen)
        drop(core->orders, seen);
}

void orders_forget(struct core *core)
{
    struct live_order *live, *next;
    HASH_ITER(hh, core->orders->live, live, next)
    orders_untrack(core, live);
}

int64_t orders_sent_by_us(const struct core *core, const struct order *row)
{
    const struct seen_right *seen = find(core->orders, row->id);
    int64_t now_us = clock_steady(core->clock);
    if (!seen || seen->attempt != row->attempt)
        return now_us;
    /* Where the broker refuses what comes late, that bound is counted from here as well. */
    if (core->broker->ops->traits->validity_us)
        return seen->at_us;
    int64_t used_us = seen->at_us + order_validity_us(core);
    return used_us < now_us ? used_us : now_us;
}

void orders_see_free(struct orders *orders)
{
    struct seen_right *seen, *next;
    HASH_ITER(hh, orders->seen, seen, next)
    drop(orders, seen);
}
