/* Who has the slot: the map of a cluster, learned from any of its servers and corrected by MOVED
 * and ASK. */
#include "io/redis_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFRESH_US 200000

/* CRC16-CCITT (XMODEM) of the key, or of what stands between its first braces. */
int redis_cluster_slot(const char *key)
{
    const char *open = strchr(key, '{');
    const char *close = open ? strchr(open + 1, '}') : NULL;
    size_t length = strlen(key);
    if (close && close > open + 1) {
        key = open + 1;
        length = (size_t)(close - key);
    }
    unsigned crc = 0;
    for (size_t i = 0; i < length; i++) {
        crc ^= (unsigned)(unsigned char)key[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1) & 0xffff;
    }
    return (int)(crc % REDIS_SLOTS);
}

static int node_at(struct redis *redis, const struct redis_place *place)
{
    for (size_t i = 0; i < redis->node_count; i++)
        if (redis->nodes[i]->place.port == place->port &&
            strcmp(redis->nodes[i]->place.host, place->host) == 0)
            return (int)i;
    if (redis->node_count == REDIS_NODES_MAX)
        return -1;
    redis->nodes[redis->node_count] = redis_link_new(redis, LINK_DATA, place, redis_note_state);
    return (int)redis->node_count++;
}

struct redis_link *redis_cluster_node(struct redis *redis, int slot)
{
    if (slot >= 0)
        return redis->cluster.owner[slot] == REDIS_NO_NODE
                   ? NULL
                   : redis->nodes[redis->cluster.owner[slot]];
    for (size_t i = 0; i < redis->node_count; i++)
        if (redis_link_ready(redis->nodes[i]))
            return redis->nodes[i];
    return NULL;
}

/* ---- the map ---- */

static void take_range(struct redis *redis, const redisReply *range, const char *asked)
{
    struct redis_place place = {0};
    if (range->type != REDIS_REPLY_ARRAY || range->elements < 3)
        return;
    const redisReply *from = range->element[0], *to = range->element[1], *at = range->element[2];
    if (from->type != REDIS_REPLY_INTEGER || to->type != REDIS_REPLY_INTEGER ||
        at->type != REDIS_REPLY_ARRAY || at->elements < 2 ||
        at->element[1]->type != REDIS_REPLY_INTEGER)
        return;
    bool named = at->element[0]->type == REDIS_REPLY_STRING && *at->element[0]->str;
    text_copy(place.host, sizeof place.host, named ? at->element[0]->str : asked);
    place.port = (int)at->element[1]->integer;
    int node = node_at(redis, &place);
    for (long long slot = from->integer; slot <= to->integer; slot++)
        if (slot >= 0 && slot < REDIS_SLOTS)
            redis->cluster.owner[slot] = node < 0 ? REDIS_NO_NODE : (uint8_t)node;
}

static void hear_map(struct redis_call *call, const struct err *err, const redisReply *reply)
{
    struct redis *redis = call->owner;
    const struct redis_link *link = call->link;
    mem_free(call);
    if (redis->closing)
        return;
    redis->cluster.asking = false;
    if (err || reply->type != REDIS_REPLY_ARRAY) {
        redis_cluster_refresh(redis);
        return;
    }
    for (size_t i = 0; i < reply->elements; i++)
        take_range(redis, reply->element[i], link->place.host);
}

static void ask_map(void *ctx)
{
    struct redis *redis = ctx;
    struct redis_link *link = redis_cluster_node(redis, -1);
    if (redis->cluster.asking)
        return;
    if (!link) /* whoever is up first asks */
        return;
    struct redis_call *call = redis_call_new((const char *const[]){"CLUSTER", "SLOTS", NULL});
    call->heard = hear_map;
    call->owner = redis;
    call->timeout_us = 500000;
    redis->cluster.asking = true;
    redis->cluster.asked_us = redis_now(redis);
    redis_link_send(link, call);
}

void redis_cluster_refresh(struct redis *redis)
{
    int64_t since_us = redis_now(redis) - redis->cluster.asked_us;
    loop_timer_start_in(redis->cluster.timer, since_us >= REFRESH_US ? 0 : REFRESH_US - since_us);
}

/* ---- MOVED, ASK ---- */

static void hear_asking(struct redis_call *call, const struct err *err, const redisReply *reply)
{
    (void)err;
    (void)reply;
    mem_free(call);
}

static void say_asking(struct redis *redis, struct redis_link *link)
{
    struct redis_call *asking = redis_call_new((const char *const[]){"ASKING", NULL});
    asking->heard = hear_asking;
    asking->owner = redis;
    asking->timeout_us = redis->options.timeout_us;
    redis_link_send(link, asking);
}

/* "MOVED 3999 127.0.0.1:6381"; the host may be missing: the one that said it. */
static bool read_move(const struct redis_call *call, const char *text, int *slot,
                      struct redis_place *place)
{
    char *end;
    const char *number = strchr(text, ' ');
    long value = number ? strtol(number + 1, &end, 10) : -1;
    if (value < 0 || value >= REDIS_SLOTS || *end != ' ')
        return false;
    const char *host = end + 1, *colon = strrchr(host, ':');
    if (!colon || (size_t)(colon - host) >= sizeof place->host)
        return false;
    *slot = (int)value;
    place->port = (int)strtol(colon + 1, NULL, 10);
    if (colon == host)
        text_copy(place->host, sizeof place->host, call->link->place.host);
    else
        snprintf(place->host, sizeof place->host, "%.*s", (int)(colon - host), host);
    return place->port > 0 && place->port <= 65535;
}

bool redis_cluster_follow(struct redis *redis, struct redis_call *call, const redisReply *reply)
{
    struct redis_place place;
    int slot;
    bool moved = redis_is_error(reply, "MOVED "), ask = redis_is_error(reply, "ASK ");
    if ((!moved && !ask) || !read_move(call, reply->str, &slot, &place))
        return false;
    int node = node_at(redis, &place);
    if (node < 0)
        return false;
    if (moved) {
        redis->cluster.owner[slot] = (uint8_t)node;
        redis_cluster_refresh(redis);
    }
    struct redis_link *link = redis->nodes[node];
    if (!redis_link_ready(link))
        return false;
    if (ask)
        say_asking(redis, link);
    redis_link_send(link, call);
    return true;
}

/* ---- its life ---- */

void redis_cluster_start(struct redis *redis)
{
    memset(redis->cluster.owner, REDIS_NO_NODE, sizeof redis->cluster.owner);
    redis->cluster.timer = loop_timer_new(redis->loop, ask_map, redis);
    redis->cluster.asked_us = redis_now(redis) - REFRESH_US;
    for (size_t i = 0; i < redis->url.place_count; i++)
        node_at(redis, &redis->url.places[i]);
}

void redis_cluster_free(struct redis *redis)
{
    loop_timer_free(redis->cluster.timer);
}
