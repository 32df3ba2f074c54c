/* How a connection begins: who we are, whether the server is a master and fit for leases, and our
 * scripts. Everything is sent at once; the answers are taken one by one. */
#include "io/redis_parts.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OLDEST_MAJOR 4

enum greeting { GREET_AUTH, GREET_SELECT, GREET_NAME, GREET_ROLE, GREET_INFO, GREET_SCRIPT };

static void fail(struct redis_link *link, const char *why)
{
    redis_link_drop(link, why);
}

/* ---- what INFO says ---- */

static void read_field(const char *info, const char *name, char *out, size_t size)
{
    const char *at = strstr(info, name);
    out[0] = '\0';
    if (!at)
        return;
    at += strlen(name);
    size_t length = strcspn(at, "\r\n");
    snprintf(out, size, "%.*s", (int)(length < size ? length : size - 1), at);
}

static void hear_info(struct redis_link *link, const redisReply *reply)
{
    struct redis_status *status = &link->redis->status;
    char memory[24], why[160];
    if (reply->type != REDIS_REPLY_STRING) /* an ACL may keep it from us: what it says is unknown */
        return;
    read_field(reply->str, "redis_version:", status->version, sizeof status->version);
    read_field(reply->str, "maxmemory_policy:", status->eviction, sizeof status->eviction);
    read_field(reply->str, "maxmemory:", memory, sizeof memory);
    status->memory_max = strtoll(memory, NULL, 10);
    if (*status->version && strtol(status->version, NULL, 10) < OLDEST_MAJOR) {
        snprintf(why, sizeof why, "it is version %s; %d.0 or newer is needed", status->version,
                 OLDEST_MAJOR);
        fail(link, why);
    }
}

static void hear_role(struct redis_link *link, const redisReply *reply)
{
    bool master = reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
                  reply->element[0]->type == REDIS_REPLY_STRING &&
                  strcmp(reply->element[0]->str, "master") == 0;
    bool unknown = redis_is_error(reply, "NOPERM");
    if (master || unknown || link->redis->url.topology == REDIS_CLUSTER)
        return;
    fail(link, link->redis->url.topology == REDIS_SENTINEL
                   ? "it is not the master, or not any more"
                   : "it is a replica; give the address of its master, or of its Sentinels "
                     "(redis+sentinel://)");
}

static void hear_script(struct redis_link *link, size_t number, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_STRING)
        snprintf(link->sha[number], sizeof link->sha[number], "%s", reply->str);
    else
        fail(link, "it takes no scripts; allow SCRIPT LOAD and EVALSHA to this user");
}

/* ---- answers ---- */

static void take_answer(struct redis_link *link, uint64_t number, const redisReply *reply)
{
    char why[160];
    if (redis_is_error(reply, "LOADING")) {
        fail(link, "it is loading its data");
    } else if (redis_is_error(reply, "NOAUTH") || redis_is_error(reply, "WRONGPASS") ||
               (number <= GREET_SELECT && reply->type == REDIS_REPLY_ERROR)) {
        snprintf(why, sizeof why, "%s refused: %.100s",
                 number == GREET_SELECT ? "the database was" : "user or password were", reply->str);
        fail(link, why);
    } else if (number == GREET_ROLE) {
        hear_role(link, reply);
    } else if (number == GREET_INFO) {
        hear_info(link, reply);
    } else if (number >= GREET_SCRIPT) {
        hear_script(link, number - GREET_SCRIPT, reply);
    }
}

static void begin_hearing(struct redis_link *link)
{
    if (!redis_wire_listen(link))
        fail(link, "it takes no subscription");
}

static void hear_greeting(struct redis_call *call, const struct err *err, const redisReply *reply)
{
    struct redis_link *link = call->link;
    uint64_t number = call->number;
    mem_free(call);
    if (link->state != LINK_GREETING)
        return;
    if (err) {
        fail(link, err->code == ERR_TIMEOUT ? "it does not answer" : "it hung up");
        return;
    }
    link->greetings--;
    take_answer(link, number, reply);
    if (link->state != LINK_GREETING || link->greetings)
        return;
    if (link->duty == LINK_HEAR)
        begin_hearing(link);
    else
        redis_link_greeted(link);
}

static void say(struct redis_link *link, uint64_t number, const char *const *words)
{
    struct redis_call *call = redis_call_new(words);
    call->heard = hear_greeting;
    call->number = number;
    call->timeout_us = 1000000;
    link->greetings++;
    redis_link_send(link, call);
}
#define SAY(link, number, ...) say((link), (number), (const char *const[]){__VA_ARGS__, NULL})

void redis_greet(struct redis_link *link)
{
    const struct redis *redis = link->redis;
    const struct redis_url *url = &redis->url;
    const char *name = redis->options.name ? redis->options.name : "tidelock";
    char db[12];
    snprintf(db, sizeof db, "%d", url->db);
    link->greetings = 1; /* not through before everything is said */
    bool ask = link->duty == LINK_ASK || (link->duty == LINK_HEAR && link == redis->find.hearer);
    if (*url->password && !ask && *url->user)
        SAY(link, GREET_AUTH, "AUTH", url->user, url->password);
    else if (*url->password && !ask)
        SAY(link, GREET_AUTH, "AUTH", url->password);
    if (url->db && link->duty == LINK_DATA)
        SAY(link, GREET_SELECT, "SELECT", db);
    if (link->duty == LINK_DATA) {
        SAY(link, GREET_ROLE, "ROLE");
        SAY(link, GREET_INFO, "INFO");
        for (size_t i = 0; i < redis->script_count; i++)
            SAY(link, GREET_SCRIPT + i, "SCRIPT", "LOAD", redis->options.scripts[i]);
    }
    link->greetings--;
    if (link->state == LINK_GREETING)
        SAY(link, GREET_NAME, "CLIENT", "SETNAME", name);
}
