/* What others wrote, as the connection that commits reads it: kept until all of it is there, linked
 * to the log as it is followed, then told. */
#include "store/store_pg.h"

#include "store/pgrows.h"

#include <inttypes.h>
#include <string.h>

void pgtail_take(struct pgstore *s, const struct pg_rows *rows, size_t at)
{
    struct pgcommit *c = &s->commit;
    struct event event;
    if (c->read_err.code || !pgrows_read_event(rows, at, &event, &c->read_err))
        return;
    if (c->foreign_count == c->foreign_room) {
        c->foreign_room = c->foreign_room ? c->foreign_room * 2 : 256;
        c->foreign = mem_realloc(c->foreign, c->foreign_room * sizeof *c->foreign);
    }
    event.kind = arena_text(&c->foreign_arena, event.kind);
    event.subject = arena_text(&c->foreign_arena, event.subject);
    event.instance = arena_text(&c->foreign_arena, event.instance);
    event.body = arena_text(&c->foreign_arena, event.body);
    c->foreign[c->foreign_count++] = event;
}

/* The log is not the one we know: what this instance believes is no longer what is stored. */
static void refuse_all(struct pgstore *s, const struct err *err)
{
    s->refused = true;
    pgstore_trouble(s, err);
}

bool pgtail_follow(struct pgstore *s, size_t from)
{
    struct pgcommit *c = &s->commit;
    struct err err = c->read_err;
    if (!err.code && c->head_seq < s->follow.seq)
        err_set(&err, ERR_REFUSED, ERR_CORRUPT,
                "%.60s has lost events %" PRId64 " to %" PRId64
                " (a replica was promoted that did not have them): restart this instance",
                s->where, c->head_seq + 1, s->follow.seq);
    for (size_t i = from; !err.code && i < c->foreign_count; i++)
        if (!pgfollow_event(&s->follow, &c->foreign[i], &err))
            break;
    if (!err.code && c->head_seq == s->follow.seq &&
        memcmp(c->head_hash, s->follow.hash, SHA256_SIZE) != 0)
        err_set(&err, ERR_REFUSED, ERR_CORRUPT,
                "event %" PRId64 " of %.60s is not the one that was committed"
                " (a replica was promoted that did not have it): restart this instance",
                s->follow.seq, s->where);
    if (err.code) {
        refuse_all(s, &err);
        return false;
    }
    s->follow.turns = c->head_seq == s->follow.seq ? c->head_turns : -1;
    metric_add(s->foreign, (int64_t)(c->foreign_count - from));
    pgtake_mark(s);
    if (c->foreign_count > from && s->store.on_foreign)
        s->store.on_foreign(s->store.foreign_ctx, c->foreign + from, c->foreign_count - from);
    if (c->foreign_count > from)
        pgtake_reprint(s);
    return true;
}
