/* One connection to one server.
 *
 *     DOWN ──> RESOLVING ──> CONNECTING ──> GREETING ──> UP
 *      ▲           │             │             │          │
 *      └───────────┴── too long, refused, lost, dropped ──┘  and after a while again
 *
 * A command whose deadline passes is answered; its reply may still come, and until all such have,
 * the connection takes no further commands. When they do not come for long, it is dropped. */
#include "io/redis_parts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_US 1000000
#define HANG_US 1000000
#define RETRY_BASE_US 20000
#define RETRY_CAP_US 1000000
#define IN_FLIGHT_MAX 4096

static void pace(struct redis_link *link)
{
    int64_t at_us = INT64_MAX;
    if (link->state == LINK_DOWN)
        at_us = link->retry_us;
    else if (link->state != LINK_UP)
        at_us = link->began_us + CONNECT_US;
    for (const struct redis_wire *wire = link->first; wire; wire = wire->next) {
        int64_t due_us = wire->call ? wire->deadline_us : wire->sent_us + HANG_US;
        if (due_us < at_us)
            at_us = due_us;
    }
    link->timer_us = at_us;
    if (at_us == INT64_MAX)
        loop_timer_stop(link->timer);
    else
        loop_timer_start_at(link->timer, at_us);
}

/* One more deadline: the others need not be looked at. */
static void pace_at(struct redis_link *link, int64_t at_us)
{
    if (at_us >= link->timer_us)
        return;
    link->timer_us = at_us;
    loop_timer_start_at(link->timer, at_us);
}

/* ---- the end of a connection ---- */

static void answer_lost(struct redis_wire *wire, const struct err *err)
{
    for (struct redis_wire *next; wire; wire = next) {
        struct redis_call *call = wire->call;
        next = wire->next;
        wire->call = NULL;
        if (call)
            call->heard(call, err, NULL);
    }
}

/* Takes the commands off; hiredis frees each as its own list is emptied. */
static struct redis_wire *take_wires(struct redis_link *link)
{
    struct redis_wire *first = link->first;
    for (struct redis_wire *wire = first; wire; wire = wire->next)
        wire->link = NULL;
    link->first = NULL;
    link->last = &link->first;
    link->in_flight = link->abandoned = 0;
    return first;
}

static void stop_resolving(struct redis_link *link)
{
    if (!link->resolving)
        return;
    link->resolving->data = NULL;
    uv_cancel((uv_req_t *)link->resolving);
    link->resolving = NULL;
}

static void go_down(struct redis_link *link, const char *why, enum err_code code)
{
    struct redis *redis = link->redis;
    bool was_up = link->state == LINK_UP;
    struct err err;
    if (why != link->why)
        text_copy(link->why, sizeof link->why, why);
    err_set(&err, ERR_MAYBE_DONE, code, "redis %s:%d: %s", link->place.host, link->place.port,
            link->why);
    stop_resolving(link);
    link->state = LINK_DOWN;
    link->retry_us = redis_now(redis) + chance_backoff_us(redis->options.chance, RETRY_BASE_US,
                                                          RETRY_CAP_US, link->failures);
    if (link->failures < 16)
        link->failures++;
    /* Their answers first: closing frees what they are about. */
    struct redis_wire *wires = take_wires(link);
    answer_lost(wires, &err);
    redis_wire_close(link);
    pace(link);
    if (was_up)
        log_write(redis->options.log, LOG_WARN, "redis", "connection lost", LOG_T("why", err.text),
                  LOG_END);
    link->on_state(link, false);
}

void redis_link_drop(struct redis_link *link, const char *why)
{
    if (link->state != LINK_DOWN)
        go_down(link, why, ERR_IO);
}

/* ---- the beginning ---- */

static void connect_to(struct redis_link *link, const char *address)
{
    link->state = LINK_CONNECTING;
    if (!redis_wire_open(link, address))
        go_down(link, link->why, ERR_IO);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct redis_link *link = request->data;
    char address[INET6_ADDRSTRLEN] = "";
    if (link) {
        link->resolving = NULL;
        if (status == 0 && found->ai_family == AF_INET)
            uv_ip4_name((struct sockaddr_in *)(void *)found->ai_addr, address, sizeof address);
        else if (status == 0 && found->ai_family == AF_INET6)
            uv_ip6_name((struct sockaddr_in6 *)(void *)found->ai_addr, address, sizeof address);
        if (*address)
            connect_to(link, address);
        else
            go_down(link, "its name is not known; check host and DNS", ERR_IO);
    }
    uv_freeaddrinfo(found);
    mem_free(request);
}

static void start_resolving(struct redis_link *link)
{
    uv_getaddrinfo_t *request = mem_alloc(sizeof *request);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    request->data = link;
    if (uv_getaddrinfo(loop_uv(link->redis->loop), request, on_resolved, link->place.host, NULL,
                       &hints) != 0) {
        mem_free(request);
        go_down(link, "its name cannot be looked up", ERR_IO);
        return;
    }
    link->resolving = request;
    link->state = LINK_RESOLVING;
}

static void begin(struct redis_link *link)
{
    unsigned char binary[sizeof(struct in6_addr)];
    link->began_us = redis_now(link->redis);
    if (inet_pton(AF_INET, link->place.host, binary) == 1 ||
        inet_pton(AF_INET6, link->place.host, binary) == 1)
        connect_to(link, link->place.host);
    else
        start_resolving(link);
    pace(link);
}

void redis_link_connected(struct redis_link *link, bool ok, const char *why)
{
    if (!ok) {
        go_down(link, why && *why ? why : "it cannot be reached", ERR_IO);
        return;
    }
    link->state = LINK_GREETING;
    redis_greet(link);
}

void redis_link_greeted(struct redis_link *link)
{
    if (link->state != LINK_GREETING)
        return;
    link->state = LINK_UP;
    link->failures = 0;
    link->why[0] = '\0';
    pace(link);
    link->on_state(link, true);
}

/* ---- time ---- */

/* One at a time: an answer may change the list. */
static bool expire_one(struct redis_link *link, int64_t now_us)
{
    for (struct redis_wire *wire = link->first; wire; wire = wire->next) {
        struct redis_call *call = wire->call;
        if (!call || wire->deadline_us > now_us)
            continue;
        struct err err;
        wire->call = NULL;
        link->abandoned++;
        link->redis->status.timeouts++;
        metric_add(link->redis->metrics.timeouts, 1);
        err_set(&err, ERR_MAYBE_DONE, ERR_TIMEOUT, "redis %s:%d: no answer within %d ms",
                link->place.host, link->place.port,
                (int)((wire->deadline_us - wire->sent_us) / 1000));
        call->heard(call, &err, NULL);
        return true;
    }
    return false;
}

static void on_timer(void *ctx)
{
    struct redis_link *link = ctx;
    int64_t now_us = redis_now(link->redis);
    if (link->state == LINK_DOWN) {
        begin(link);
        return;
    }
    if (link->state != LINK_UP && now_us >= link->began_us + CONNECT_US) {
        go_down(link, "it does not answer", ERR_TIMEOUT);
        return;
    }
    while (expire_one(link, now_us))
        ;
    if (link->first && !link->first->call && now_us >= link->first->sent_us + HANG_US) {
        go_down(link, "it has stopped answering", ERR_TIMEOUT);
        return;
    }
    pace(link);
}

/* ---- commands ---- */

bool redis_link_ready(const struct redis_link *link)
{
    return link && link->state == LINK_UP && !link->abandoned;
}

static void refuse(struct redis_link *link, struct redis_call *call)
{
    struct err err;
    if (link->in_flight >= IN_FLIGHT_MAX)
        err_set(&err, ERR_LATER, ERR_FULL, "redis %s:%d: %zu commands are waiting already",
                link->place.host, link->place.port, link->in_flight);
    else
        err_set(&err, ERR_NOT_DONE, ERR_IO, "redis %s:%d: %s", link->place.host, link->place.port,
                *link->why ? link->why : "not connected");
    call->heard(call, &err, NULL);
}

void redis_link_send(struct redis_link *link, struct redis_call *call)
{
    call->link = link;
    if ((link->state != LINK_UP && link->state != LINK_GREETING) ||
        link->in_flight >= IN_FLIGHT_MAX) {
        refuse(link, call);
        return;
    }
    struct redis_wire *wire = mem_alloc(sizeof *wire);
    wire->link = link;
    wire->call = call;
    wire->sent_us = redis_now(link->redis);
    wire->deadline_us = wire->sent_us + call->timeout_us;
    if (!redis_wire_send(link, wire, call)) {
        mem_free(wire);
        refuse(link, call);
        return;
    }
    *link->last = wire;
    link->last = &wire->next;
    link->in_flight++;
    pace_at(link, wire->deadline_us);
}

static void hear_lost(struct redis_link *link, struct redis_call *call)
{
    struct err err;
    err_set(&err, ERR_MAYBE_DONE, ERR_IO, "redis %s:%d: the connection was lost before the answer",
            link->place.host, link->place.port);
    call->heard(call, &err, NULL);
}

/* Replies come in the order of sending. */
void redis_link_heard(struct redis_link *link, struct redis_wire *wire, const redisReply *reply)
{
    struct redis_call *call = wire->call;
    struct redis *redis = link->redis;
    link->first = wire->next;
    if (!link->first)
        link->last = &link->first;
    link->in_flight--;
    if (!call)
        link->abandoned--;
    else if (!reply)
        hear_lost(link, call);
    if (!call || !reply)
        return;
    redis->status.latency_us = redis_now(redis) - wire->sent_us;
    metric_observe_us(redis->metrics.latency, redis->status.latency_us);
    call->heard(call, NULL, reply);
}

/* ---- its life ---- */

struct redis_link *redis_link_new(struct redis *redis, enum redis_duty duty,
                                  const struct redis_place *place,
                                  void (*on_state)(struct redis_link *link, bool up))
{
    struct redis_link *link = mem_alloc(sizeof *link);
    link->redis = redis;
    link->duty = duty;
    link->on_state = on_state;
    link->last = &link->first;
    link->timer = loop_timer_new(redis->loop, on_timer, link);
    link->timer_us = INT64_MAX;
    if (place) {
        link->place = *place;
        loop_timer_start_in(link->timer, 0);
    }
    return link;
}

void redis_link_move(struct redis_link *link, const struct redis_place *place)
{
    bool same = link->place.port == place->port && strcmp(link->place.host, place->host) == 0;
    link->failures = 0;
    if (same && link->state != LINK_DOWN)
        return;
    if (link->state != LINK_DOWN)
        go_down(link, "the master is another now", ERR_IO);
    link->place = *place;
    link->failures = 0;
    link->retry_us = redis_now(link->redis);
    loop_timer_start_in(link->timer, 0);
}

void redis_link_free(struct redis_link *link)
{
    struct err err;
    if (!link)
        return;
    err_set(&err, ERR_MAYBE_DONE, ERR_CLOSED, "the connection to redis is being closed");
    stop_resolving(link);
    link->state = LINK_DOWN;
    struct redis_wire *wires = take_wires(link);
    answer_lost(wires, &err);
    redis_wire_close(link);
    loop_timer_free(link->timer);
    mem_free(link);
}
