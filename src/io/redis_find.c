/* Who is master: Sentinels are asked one after another, and one is listened to for +switch-master.
 * What they say is believed only when the server itself says so too (ROLE). */
#include "io/redis_parts.h"

#include <stdlib.h>
#include <string.h>

#define ASK_US 300000
#define AGAIN_US 250000

static void ask_next(void *ctx);

static bool read_place(const char *host, const char *port, struct redis_place *place)
{
    place->port = (int)strtol(port, NULL, 10);
    return text_copy(place->host, sizeof place->host, host) && place->port > 0 &&
           place->port <= 65535;
}

static void hear_master(struct redis_call *call, const struct err *err, const redisReply *reply)
{
    struct redis *redis = call->owner;
    struct redis_place place;
    mem_free(call);
    if (redis->closing)
        return;
    if (!err && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
        reply->element[0]->type == REDIS_REPLY_STRING &&
        reply->element[1]->type == REDIS_REPLY_STRING &&
        read_place(reply->element[0]->str, reply->element[1]->str, &place)) {
        redis_link_move(redis->nodes[0], &place);
        /* It may be out of date: the next one is asked until there is a master that says so. */
        redis_find_again(redis, AGAIN_US * 2);
    } else {
        redis_find_again(redis, AGAIN_US);
    }
}

static void ask(struct redis *redis)
{
    struct redis_call *call = redis_call_new(
        (const char *const[]){"SENTINEL", "get-master-addr-by-name", redis->url.master, NULL});
    call->heard = hear_master;
    call->owner = redis;
    call->timeout_us = ASK_US;
    redis_link_send(redis->find.asker, call);
}

static void on_asker(struct redis_link *link, bool up)
{
    struct redis *redis = link->redis;
    if (redis->closing)
        return;
    if (up) {
        if (redis->find.hearer->state == LINK_DOWN)
            redis_link_move(redis->find.hearer, &link->place);
        ask(redis);
    } else if (redis->nodes[0]->state != LINK_UP) {
        redis_find_again(redis, AGAIN_US);
    }
}

static void on_hearer(struct redis_link *link, bool up)
{
    (void)link;
    (void)up; /* it comes back by itself, or with the next that is asked */
}

static void ask_next(void *ctx)
{
    struct redis *redis = ctx;
    const struct redis_place *place = &redis->url.places[redis->find.next];
    if (redis->nodes[0]->state == LINK_UP)
        return;
    redis->find.next = (redis->find.next + 1) % redis->url.place_count;
    if (redis->url.place_count == 1 && redis->find.asker->state == LINK_UP)
        ask(redis);
    else
        redis_link_move(redis->find.asker, place);
    redis_find_again(redis, ASK_US + AGAIN_US); /* should nothing at all come of it */
}

void redis_find_again(struct redis *redis, int64_t in_us)
{
    if (redis->find.timer)
        loop_timer_start_in(redis->find.timer, in_us);
}

/* "<name> <old host> <old port> <new host> <new port>" */
void redis_find_message(struct redis *redis, const char *text, size_t length)
{
    char copy[2 * REDIS_HOST_SIZE + 160], *words[5], *rest = NULL;
    struct redis_place place;
    size_t count = 0;
    if (length >= sizeof copy)
        return;
    memcpy(copy, text, length);
    copy[length] = '\0';
    for (char *word = strtok_r(copy, " ", &rest); word && count < 5;
         word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    if (count == 5 && strcmp(words[0], redis->url.master) == 0 &&
        read_place(words[3], words[4], &place))
        redis_link_move(redis->nodes[0], &place);
}

void redis_find_start(struct redis *redis)
{
    redis->find.timer = loop_timer_new(redis->loop, ask_next, redis);
    redis->find.asker = redis_link_new(redis, LINK_ASK, NULL, on_asker);
    redis->find.hearer = redis_link_new(redis, LINK_HEAR, NULL, on_hearer);
    redis->find.hearer->channel = "+switch-master";
    redis_find_again(redis, 0);
}

void redis_find_free(struct redis *redis)
{
    redis_link_free(redis->find.asker);
    redis_link_free(redis->find.hearer);
    loop_timer_free(redis->find.timer);
}
