/* Why: an owner is a living instance; everything else about fencing follows from that. */
#include "store/fence.h"
#include <inttypes.h>

bool fence_lives(const struct book *book, int64_t term)
{
    char id[sizeof((struct member *)0)->id];
    text_int(id, term);
    const struct member *member = book_get(book, TABLE_MEMBER, id);
    return member && member->state == MEMBER_ALIVE;
}

int64_t fence_owner(const struct book *book, const char *key)
{
    const struct lease_row *lease = book_get(book, TABLE_LEASE, key);
    return lease && lease->term && fence_lives(book, lease->term) ? lease->term : 0;
}

bool fence_check(const struct book *book, const struct store_write *write, struct err *err)
{
    if (!write->term)
        return true;
    if (!fence_lives(book, write->term))
        return err_set(err, ERR_REFUSED, ERR_FENCED,
                       "term %" PRId64 " has ended: this instance was taken for dead, or has left",
                       write->term);
    if (!write->fence)
        return true;
    int64_t owner = fence_owner(book, write->fence);
    return owner == write->term ||
           err_set(err, ERR_REFUSED, ERR_FENCED, "%s belongs to term %" PRId64 ", not %" PRId64,
                   write->fence, owner, write->term);
}

void fence_apply(struct book *book, const struct change *change)
{
    if (change->table->id == TABLE_MEMBER || change->table->id == TABLE_LEASE)
        book_apply_change(book, change);
}

static bool take_larger(void *ctx, const void *row)
{
    const struct member *member = row;
    int64_t *largest = ctx;
    if (member->term > *largest)
        *largest = member->term;
    return true;
}

int64_t fence_last_term(const struct book *book)
{
    int64_t largest = 0;
    /* The visitor only reads; the book's walk is written for those that remove. */
    book_each((struct book *)(uintptr_t)book, TABLE_MEMBER, take_larger, &largest);
    return largest;
}

struct counting {
    int64_t but;
    size_t count;
};

static bool count_living(void *ctx, const void *row)
{
    const struct member *member = row;
    struct counting *counting = ctx;
    counting->count += member->state == MEMBER_ALIVE && member->term != counting->but;
    return true;
}

size_t fence_others(const struct book *book, int64_t term)
{
    struct counting counting = {.but = term};
    book_each((struct book *)(uintptr_t)book, TABLE_MEMBER, count_living, &counting);
    return counting.count;
}
