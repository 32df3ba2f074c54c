/* The client: commands go to the server that has the key, or fail at once. */
#include "io/redis.h"
#include "io/redis_parts.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_US_DEFAULT 50000
#define MOVES_MAX 3

int64_t redis_now(const struct redis *redis)
{
    return loop_steady_us(redis->loop);
}

bool redis_is_error(const redisReply *reply, const char *word)
{
    return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, word, strlen(word)) == 0;
}

/* ---- replies ---- */

static const redisReply *reply_of(const struct redis_reply *reply)
{
    return (const redisReply *)(const void *)reply;
}

enum redis_kind redis_reply_kind(const struct redis_reply *reply)
{
    switch (reply_of(reply)->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        return REDIS_TEXT;
    case REDIS_REPLY_INTEGER:
        return REDIS_NUMBER;
    case REDIS_REPLY_ARRAY:
        return REDIS_LIST;
    default:
        return REDIS_NOTHING;
    }
}

const char *redis_reply_text(const struct redis_reply *reply, size_t *length)
{
    bool text = redis_reply_kind(reply) == REDIS_TEXT;
    if (length)
        *length = text ? reply_of(reply)->len : 0;
    return text ? reply_of(reply)->str : "";
}

int64_t redis_reply_number(const struct redis_reply *reply)
{
    return redis_reply_kind(reply) == REDIS_NUMBER ? reply_of(reply)->integer : 0;
}

size_t redis_reply_count(const struct redis_reply *reply)
{
    return redis_reply_kind(reply) == REDIS_LIST ? reply_of(reply)->elements : 0;
}

const struct redis_reply *redis_reply_at(const struct redis_reply *reply, size_t index)
{
    return (const struct redis_reply *)(const void *)reply_of(reply)->element[index];
}

/* What the server says no with. */
static void read_refusal(const struct redis_call *call, const redisReply *reply, struct err *err)
{
    static const struct {
        const char *word;
        enum err_class class;
        enum err_code code;
    } known[] = {
        {"OOM", ERR_LATER, ERR_FULL},         {"LOADING", ERR_LATER, ERR_BUSY},
        {"BUSY", ERR_LATER, ERR_BUSY},        {"READONLY", ERR_LATER, ERR_BUSY},
        {"MASTERDOWN", ERR_LATER, ERR_BUSY},  {"CLUSTERDOWN", ERR_LATER, ERR_BUSY},
        {"TRYAGAIN", ERR_LATER, ERR_BUSY},    {"NOREPLICAS", ERR_LATER, ERR_BUSY},
        {"MISCONF", ERR_LATER, ERR_IO},       {"MOVED", ERR_LATER, ERR_BUSY},
        {"ASK", ERR_LATER, ERR_BUSY},         {"NOAUTH", ERR_REFUSED, ERR_AUTH},
        {"WRONGPASS", ERR_REFUSED, ERR_AUTH}, {"NOPERM", ERR_REFUSED, ERR_AUTH},
        {"NOSCRIPT", ERR_LATER, ERR_BUSY},
    };
    enum err_class class = ERR_REFUSED;
    enum err_code code = ERR_INPUT;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (redis_is_error(reply, known[i].word)) {
            class = known[i].class;
            code = known[i].code;
        }
    err_set(err, class, code, "redis %s:%d: %.160s", call->link->place.host, call->link->place.port,
            reply->str);
}

/* ---- calls ---- */

struct redis_call *redis_call_new(const char *const *words)
{
    size_t size = 0, count = 0;
    for (; words[count] && count < REDIS_ARGUMENTS_MAX; count++)
        size += strlen(words[count]) + 1;
    struct redis_call *call = mem_alloc(sizeof *call + size);
    char *at = call->text;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(words[i]);
        memcpy(at, words[i], length + 1);
        call->argv[i] = at;
        call->lengths[i] = length;
        at += length + 1;
    }
    call->argc = (int)count;
    call->script = -1;
    call->slot = -1;
    return call;
}

static void end_call(struct redis_call *call, const struct err *err, const redisReply *reply)
{
    wait_answer(call->to, err, (const struct redis_reply *)(const void *)reply);
    mem_free(call);
}

static void give_refusals(void *ctx)
{
    struct redis *redis = ctx;
    struct redis_call *call = redis->refused, *next;
    redis->refused = NULL;
    redis->last_refused = &redis->refused;
    for (; call; call = next) {
        next = call->next;
        end_call(call, &call->err, NULL);
    }
}

/* Within the call that asks nothing may be answered. */
static void refuse(struct redis *redis, struct redis_call *call)
{
    if (!redis->refused)
        loop_defer(redis->loop, give_refusals, redis);
    *redis->last_refused = call;
    redis->last_refused = &call->next;
    call->next = NULL;
}

static void hear_loaded(struct redis_call *call, const struct err *err, const redisReply *reply)
{
    (void)err;
    (void)reply;
    mem_free(call);
}

/* The server forgot its scripts: they are sent again, just before the command is. */
static void load_script(struct redis *redis, struct redis_link *link, int script)
{
    struct redis_call *load = redis_call_new(
        (const char *const[]){"SCRIPT", "LOAD", redis->options.scripts[script], NULL});
    load->heard = hear_loaded;
    load->owner = redis;
    load->timeout_us = redis->options.timeout_us;
    redis_link_send(link, load);
}

static bool try_again(struct redis *redis, struct redis_call *call, const redisReply *reply)
{
    if (redis->closing || call->moved++ >= MOVES_MAX)
        return false;
    if (call->script >= 0 && redis_is_error(reply, "NOSCRIPT")) {
        struct redis_link *link = call->link;
        load_script(redis, link, call->script);
        redis_link_send(link, call);
        return true;
    }
    return redis->url.topology == REDIS_CLUSTER && redis_cluster_follow(redis, call, reply);
}

static void hear_call(struct redis_call *call, const struct err *err, const redisReply *reply)
{
    struct redis *redis = call->owner;
    struct redis_link *link = call->link;
    struct err refusal;
    if (err || reply->type != REDIS_REPLY_ERROR) {
        if (err && !call->asked_us) {
            call->err = *err;
            refuse(redis, call);
        } else {
            end_call(call, err, err ? NULL : reply);
        }
        return;
    }
    if (try_again(redis, call, reply))
        return;
    read_refusal(call, reply, &refusal);
    bool demoted = redis_is_error(reply, "READONLY");
    end_call(call, &refusal, NULL);
    if (demoted && link->state == LINK_UP)
        redis_link_drop(link, "it has become a replica");
}

static struct redis_link *route(const struct redis *redis, int slot)
{
    if (redis->url.topology == REDIS_CLUSTER)
        return redis_cluster_node((struct redis *)(uintptr_t)redis, slot);
    return redis->nodes[0];
}

static void send_call(struct redis *redis, struct redis_call *call, int64_t timeout_us,
                      struct waiter to)
{
    struct redis_link *link = route(redis, call->slot);
    call->heard = hear_call;
    call->owner = redis;
    call->to = to;
    call->timeout_us = timeout_us ? timeout_us : redis->options.timeout_us;
    if (redis_link_ready(link)) {
        redis_link_send(link, call);
        call->asked_us = redis_now(redis); /* from now on answers may be given at once */
        return;
    }
    struct redis_status status;
    redis_status(redis, &status);
    if (link && link->state == LINK_UP)
        err_set(&call->err, ERR_LATER, ERR_BUSY, "redis %s:%d is not answering", link->place.host,
                link->place.port);
    else
        err_set(&call->err, ERR_NOT_DONE, redis->closing ? ERR_CLOSED : ERR_IO, "%s", status.text);
    refuse(redis, call);
}

static int slot_of(const struct redis *redis, const char *key)
{
    return key && redis->url.topology == REDIS_CLUSTER ? redis_cluster_slot(key) : -1;
}

void redis_command(struct redis *redis, const char *key, const char *const *words,
                   int64_t timeout_us, struct waiter to)
{
    struct redis_call *call = redis_call_new(words);
    call->slot = slot_of(redis, key);
    send_call(redis, call, timeout_us, to);
}

void redis_eval(struct redis *redis, size_t script, const char *key, const char *const *arguments,
                int64_t timeout_us, struct waiter to)
{
    int slot = slot_of(redis, key);
    const struct redis_link *link = route(redis, slot);
    const char *words[REDIS_ARGUMENTS_MAX + 1] = {"EVALSHA", link ? link->sha[script] : "", "1",
                                                  key};
    for (size_t i = 0; arguments[i] && i + 4 < REDIS_ARGUMENTS_MAX; i++)
        words[i + 4] = arguments[i];
    struct redis_call *call = redis_call_new(words);
    call->slot = slot;
    call->script = (int)script;
    send_call(redis, call, timeout_us, to);
}

void redis_eval_each(struct redis *redis, size_t script, const char *const *keys, size_t count,
                     const char *argument)
{
    const struct redis_link *link = route(redis, -1);
    const char *words[REDIS_ARGUMENTS_MAX + 1] = {"EVALSHA", link ? link->sha[script] : ""};
    char number[24];
    const char *const arguments[] = {argument, NULL};
    size_t at = 2;
    if (redis->url.topology == REDIS_CLUSTER) {
        for (size_t i = 0; i < count; i++)
            redis_eval(redis, script, keys[i], arguments, 0, (struct waiter){0});
        return;
    }
    snprintf(number, sizeof number, "%zu", count);
    words[at++] = number;
    for (size_t i = 0; i < count; i++)
        words[at++] = keys[i];
    words[at] = argument;
    struct redis_call *call = redis_call_new(words);
    call->script = (int)script;
    send_call(redis, call, 0, (struct waiter){0});
}

bool redis_up(const struct redis *redis, const char *key)
{
    return redis_link_ready(route(redis, slot_of(redis, key)));
}

/* ---- states ---- */

void redis_note_message(struct redis *redis, const struct redis_link *link, const char *text,
                        size_t length)
{
    if (link == redis->find.hearer)
        redis_find_message(redis, text, length);
    else if (redis->options.on_message)
        redis->options.on_message(redis->options.ctx, text, length);
}

static void follow_hearer(struct redis *redis, const struct redis_link *link, bool up)
{
    if (!redis->options.channel || redis->closing)
        return;
    if (!redis->hearer) {
        redis->hearer = redis_link_new(redis, LINK_HEAR, NULL, redis_note_state);
        redis->hearer->channel = redis->options.channel;
    }
    if (up && redis->hearer->state == LINK_DOWN)
        redis_link_move(redis->hearer, &link->place);
    else if (!up && link == redis->nodes[0])
        redis_link_drop(redis->hearer, "its server was lost");
}

static bool any_up(const struct redis *redis)
{
    for (size_t i = 0; i < redis->node_count; i++)
        if (redis->nodes[i]->state == LINK_UP)
            return true;
    return false;
}

void redis_note_state(struct redis_link *link, bool up)
{
    struct redis *redis = link->redis;
    if (redis->closing || link->duty != LINK_DATA)
        return;
    if (up)
        redis->status.connected++;
    if (redis->url.topology == REDIS_CLUSTER)
        redis_cluster_refresh(redis);
    else if (redis->url.topology == REDIS_SENTINEL && !up)
        redis_find_again(redis, 0);
    follow_hearer(redis, link, up);
    bool is_up = any_up(redis);
    if (redis->metrics.up)
        metric_set(redis->metrics.up, is_up);
    if (is_up == redis->was_up)
        return;
    redis->was_up = is_up;
    if (is_up)
        log_write(redis->options.log, LOG_INFO, "redis", "connected", LOG_T("url", redis->shown),
                  LOG_T("version", redis->status.version), LOG_END);
    if (is_up && redis->options.on_up)
        redis->options.on_up(redis->options.ctx);
    else if (!is_up && redis->options.on_down)
        redis->options.on_down(redis->options.ctx);
}

void redis_status(const struct redis *redis, struct redis_status *out)
{
    *out = redis->status;
    out->up = any_up(redis);
    const struct redis_link *link = redis->node_count ? redis->nodes[0] : NULL;
    const struct redis_link *asker = redis->find.asker;
    if (out->up)
        snprintf(out->text, sizeof out->text, "%.80s: version %s", redis->shown, out->version);
    else if (link && *link->why)
        snprintf(out->text, sizeof out->text, "redis %.40s:%d: %.130s", link->place.host,
                 link->place.port, link->why);
    else if (asker && *asker->why)
        snprintf(out->text, sizeof out->text, "no Sentinel of %.60s names a master: %.90s",
                 redis->shown, asker->why);
    else
        snprintf(out->text, sizeof out->text, "%.80s: not connected yet", redis->shown);
}

/* ---- its life ---- */

static void open_metrics(struct redis *redis, struct metrics *m)
{
    if (!m)
        return;
    redis->metrics.latency = metric_histogram(m, "tidelock_redis_command_seconds",
                                              "Time from a command to its answer", NULL);
    redis->metrics.timeouts = metric_counter(m, "tidelock_redis_timeouts_total",
                                             "Commands that were not answered in time", NULL);
    redis->metrics.up =
        metric_gauge(m, "tidelock_redis_up", "1 while a Redis server is connected", NULL);
}

static void copy_options(struct redis *redis, const struct redis_options *options)
{
    redis->options = *options;
    if (!options->timeout_us)
        redis->options.timeout_us = TIMEOUT_US_DEFAULT;
    redis->options.url = NULL;
    redis->options.name = mem_copy_text(options->name ? options->name : "tidelock");
    redis->options.channel = options->channel ? mem_copy_text(options->channel) : NULL;
    if (options->user)
        text_copy(redis->url.user, sizeof redis->url.user, options->user);
    if (options->password)
        text_copy(redis->url.password, sizeof redis->url.password, options->password);
    redis->options.user = redis->options.password = NULL;
    while (options->scripts && redis->script_count < REDIS_SCRIPTS_MAX &&
           options->scripts[redis->script_count])
        redis->script_count++;
}

struct redis *redis_open(const struct redis_options *options, struct err *err)
{
    struct redis *redis = mem_alloc(sizeof *redis);
    if (!redis_url_read(options->url, &redis->url, err)) {
        mem_free_secret(redis, sizeof *redis);
        return NULL;
    }
    redis_url_hide(options->url, redis->shown, sizeof redis->shown);
    redis->loop = options->loop;
    redis->last_refused = &redis->refused;
    copy_options(redis, options);
    open_metrics(redis, options->metrics);
    if (redis->url.topology == REDIS_CLUSTER) {
        redis_cluster_start(redis);
        return redis;
    }
    redis->node_count = 1;
    redis->nodes[0] = redis_link_new(
        redis, LINK_DATA, redis->url.topology == REDIS_SINGLE ? &redis->url.places[0] : NULL,
        redis_note_state);
    if (redis->url.topology == REDIS_SENTINEL)
        redis_find_start(redis);
    return redis;
}

void redis_close(struct redis *redis)
{
    if (!redis)
        return;
    redis->closing = true;
    for (size_t i = 0; i < redis->node_count; i++)
        redis_link_free(redis->nodes[i]);
    redis->node_count = 0;
    redis_link_free(redis->hearer);
    redis_find_free(redis);
    redis_cluster_free(redis);
    loop_defer_cancel(redis->loop, give_refusals, redis);
    give_refusals(redis);
    mem_free((char *)redis->options.name);
    mem_free((char *)redis->options.channel);
    mem_free_secret(redis, sizeof *redis);
}
