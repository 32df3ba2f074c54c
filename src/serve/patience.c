/* Why: a person who has asked for a change is told something in any case. While the outcome of a
 * commit is not known nobody answers, so after a while the truth is said: it may be done, and where
 * to look. What is answered later goes nowhere. */
#include "serve/parts.h"

struct patience { /* of one request */
    struct patience *next;
    uint64_t handle;
    int64_t until_us;
    int seconds;
    const char *look;
};

static void give_up(struct serve *serve, const struct patience *patience)
{
    struct away_view away;
    if (!http_waiting(serve->server, patience->handle))
        return;
    serve_error(serve, patience->handle, 504,
                "maybe done: there was no answer within %d s%s; %s before you ask again",
                patience->seconds, core_away(serve->core, &away) ? ", the database is away" : "",
                patience->look);
}

static void look(void *ctx)
{
    struct serve *serve = ctx;
    struct patience **at = &serve->patience, *patience;
    int64_t now_us = clock_steady(serve->core->clock), next_us = INT64_MAX;
    while ((patience = *at)) {
        if (patience->until_us <= now_us)
            give_up(serve, patience);
        if (http_waiting(serve->server, patience->handle)) {
            next_us = patience->until_us < next_us ? patience->until_us : next_us;
            at = &patience->next;
            continue;
        }
        *at = patience->next;
        mem_free(patience);
    }
    if (next_us != INT64_MAX)
        loop_timer_start_at(serve->patience_timer, next_us);
}

void patience_begin(struct serve *serve, uint64_t handle, int seconds, const char *where)
{
    if (!http_waiting(serve->server, handle))
        return; /* it was answered at once */
    struct patience *patience = mem_alloc(sizeof *patience);
    patience->handle = handle;
    patience->seconds = seconds;
    patience->until_us = clock_steady(serve->core->clock) + seconds * (int64_t)1000000;
    patience->look = where;
    patience->next = serve->patience;
    serve->patience = patience;
    if (!serve->patience_timer)
        serve->patience_timer = loop_timer_new(serve->options.loop, look, serve);
    look(serve);
}

void patience_end(struct serve *serve)
{
    for (struct patience *next; serve->patience; serve->patience = next) {
        next = serve->patience->next;
        mem_free(serve->patience);
    }
    loop_timer_free(serve->patience_timer);
}
