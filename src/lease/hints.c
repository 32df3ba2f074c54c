/* The connection that all hints share: scripts, whose Redis it is, and waking one another. */
#include "lease/hints.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_US 10000000
#define CHECK_SOON_US 500000
#define DEADLINE_US 20000

enum script { SCRIPT_TAKE, SCRIPT_REPLACE, SCRIPT_DROP };
static const char *const scripts[] = {
    /* SET NX PX; of one that is ours, only the time. The answer is the holder's token. */
    "if redis.call('SET',KEYS[1],ARGV[1],'NX','PX',ARGV[2]) then return ARGV[1] end "
    "local v=redis.call('GET',KEYS[1]) "
    "if v==ARGV[1] then redis.call('PEXPIRE',KEYS[1],ARGV[2]) end return v",
    "local v=redis.call('GET',KEYS[1]) "
    "if not v or v==ARGV[1] or v==ARGV[2] then "
    "redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) return ARGV[2] end return v",
    "local n=0 for i=1,#KEYS do if redis.call('GET',KEYS[i])==ARGV[1] then "
    "n=n+redis.call('DEL',KEYS[i]) end end return n",
    NULL};

struct hints {
    struct redis *redis;
    struct hints_options options;
    char prefix[64], identity[96], channel[128];
    struct loop_timer *timer;
    bool checking, checked, foreign, warned_foreign, warned_eviction;
    char found[96];      /* the owner that stands there */
    int64_t grown, told; /* the newest number; the one told last */
    bool telling;
    bool waking;
};

struct asked { /* one hint on its way */
    struct hints *hints;
    struct waiter to;
    char token[HINT_TOKEN_SIZE];
};

/* ---- whose it is ---- */

static void check_owner(void *ctx);

static void judge_eviction(struct hints *h)
{
    struct redis_status status;
    redis_status(h->redis, &status);
    bool evicts =
        *status.eviction && strcmp(status.eviction, "noeviction") != 0 && status.memory_max > 0;
    if (evicts && !h->warned_eviction)
        log_write(h->options.log, LOG_WARN, "redis",
                  "maxmemory-policy must be noeviction: leases are evicted when memory is full, "
                  "which makes the database decide; set it in redis.conf",
                  LOG_T("policy", status.eviction), LOG_END);
    h->warned_eviction = evicts;
}

static void hear_owner(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct hints *h = owner;
    (void)handle;
    h->checking = false;
    if (err) {
        loop_timer_start_in(h->timer, CHECK_SOON_US);
        return;
    }
    text_copy(h->found, sizeof h->found, redis_reply_text(value, NULL));
    h->checked = true;
    h->foreign = strcmp(h->found, h->identity) != 0;
    if (h->foreign && !h->warned_foreign)
        log_write(h->options.log, LOG_ERROR, "redis",
                  "this Redis belongs to another installation and is not used: give redis.prefix a "
                  "name of its own, or delete the key if the installation is gone",
                  LOG_T("key_prefix", h->prefix), LOG_T("owner", h->found), LOG_END);
    h->warned_foreign = h->foreign;
    judge_eviction(h);
    loop_timer_start_in(h->timer, CHECK_US);
}

/* An identity that stands there stays; ours is put where none is. */
static void check_owner(void *ctx)
{
    struct hints *h = ctx;
    char key[HINT_KEY_SIZE];
    snprintf(key, sizeof key, "tidelock:%s:owner", h->prefix);
    if (h->checking || !*h->identity)
        return;
    h->checking = true;
    const char *const arguments[] = {"", h->identity, "315360000000", NULL};
    redis_eval(h->redis, SCRIPT_REPLACE, key, arguments, 0,
               (struct waiter){.answer = hear_owner, .owner = h});
}

static void note_up(void *ctx)
{
    struct hints *h = ctx;
    h->checked = false;
    check_owner(h);
}

static void note_down(void *ctx)
{
    struct hints *h = ctx;
    h->checked = false;
    log_write(h->options.log, LOG_WARN, "redis", "away: leases and claims are the database's alone",
              LOG_END);
}

bool hints_usable(const struct hints *h)
{
    return h && h->checked && !h->foreign && redis_up(h->redis, NULL);
}

void hints_status(const struct hints *h, struct hints_status *out)
{
    struct redis_status status;
    redis_status(h->redis, &status);
    *out = (struct hints_status){
        .up = status.up, .usable = hints_usable(h), .latency_us = status.latency_us};
    out->warned = h->warned_eviction;
    if (status.up && h->checked && h->foreign)
        snprintf(out->text, sizeof out->text,
                 "tidelock:%.60s:owner is another database's: give redis.prefix a name of its own",
                 h->prefix);
    else if (status.up && h->warned_eviction)
        snprintf(out->text, sizeof out->text,
                 "maxmemory-policy is %s: set noeviction, or leases vanish when memory is full",
                 status.eviction);
    else
        text_copy(out->text, sizeof out->text, status.text);
}

/* ---- hints ---- */

static void hear_holder(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct asked *asked = owner;
    struct hint_answer answer = {.hint = HINT_UNKNOWN};
    (void)handle;
    if (!err && redis_reply_kind(value) == REDIS_TEXT) {
        const char *holder = redis_reply_text(value, NULL);
        answer.hint = strcmp(holder, asked->token) == 0 ? HINT_GRANTED : HINT_DENIED;
        text_copy(answer.holder, sizeof answer.holder, holder);
    }
    wait_answer(asked->to, NULL, &answer);
    mem_free(asked);
}

static struct asked *asked_new(struct hints *h, const char *token, struct waiter to)
{
    struct asked *asked = mem_alloc(sizeof *asked);
    asked->hints = h;
    asked->to = to;
    text_copy(asked->token, sizeof asked->token, token);
    return asked;
}

void hints_take(struct hints *h, const char *key, const char *token, int64_t ttl_us, bool waits,
                struct waiter to)
{
    char ttl_ms[24];
    snprintf(ttl_ms, sizeof ttl_ms, "%" PRId64, ttl_us / 1000);
    const char *const arguments[] = {token, ttl_ms, NULL};
    redis_eval(h->redis, SCRIPT_TAKE, key, arguments, waits ? h->options.deadline_us : 0,
               (struct waiter){.answer = hear_holder, .owner = asked_new(h, token, to)});
}

static void hear_claimed(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct asked *asked = owner;
    struct hint_answer answer = {.hint = HINT_UNKNOWN};
    (void)handle;
    if (!err)
        answer.hint = redis_reply_kind(value) == REDIS_TEXT ? HINT_GRANTED : HINT_DENIED;
    wait_answer(asked->to, NULL, &answer);
    mem_free(asked);
}

void hints_claim(struct hints *h, const char *key, const char *token, int64_t ttl_us,
                 struct waiter to)
{
    char ttl_ms[24];
    snprintf(ttl_ms, sizeof ttl_ms, "%" PRId64, ttl_us / 1000);
    const char *const words[] = {"SET", key, token, "NX", "PX", ttl_ms, NULL};
    redis_command(h->redis, key, words, h->options.deadline_us,
                  (struct waiter){.answer = hear_claimed, .owner = asked_new(h, token, to)});
}

void hints_replace(struct hints *h, const char *key, const char *old, const char *token,
                   int64_t ttl_us, struct waiter to)
{
    char ttl_ms[24];
    snprintf(ttl_ms, sizeof ttl_ms, "%" PRId64, ttl_us / 1000);
    const char *const arguments[] = {old, token, ttl_ms, NULL};
    redis_eval(h->redis, SCRIPT_REPLACE, key, arguments, 0,
               (struct waiter){.answer = hear_holder, .owner = asked_new(h, token, to)});
}

void hints_drop(struct hints *h, const char *key, const char *token)
{
    hints_drop_all(h, &key, 1, token);
}

void hints_drop_all(struct hints *h, const char *const *keys, size_t count, const char *token)
{
    redis_eval_each(h->redis, SCRIPT_DROP, keys, count, token);
}

bool hints_key(const struct hints *h, const char *kind, const char *name, char out[HINT_KEY_SIZE])
{
    const char *colon = strchr(name, ':');
    const char *tag = colon ? colon + 1 : name;
    int before = (int)(tag - name), length = (int)strcspn(tag, ":");
    int put = snprintf(out, HINT_KEY_SIZE, "tidelock:%s:%s:%.*s{%.*s}%s", h->prefix, kind, before,
                       name, length, tag, tag + length);
    return put > 0 && put < HINT_KEY_SIZE;
}

/* ---- waking ---- */

static void tell(struct hints *h);

static void hear_told(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct hints *h = owner;
    (void)handle;
    (void)value;
    h->telling = false;
    if (!err)
        tell(h); /* what has grown meanwhile; after an error, with the next commit */
}

static void tell(struct hints *h)
{
    char text[24];
    if (h->telling || h->grown <= h->told)
        return;
    h->telling = true;
    h->told = h->grown;
    snprintf(text, sizeof text, "%" PRId64, h->grown);
    redis_command(h->redis, NULL, (const char *const[]){"PUBLISH", h->channel, text, NULL}, 0,
                  (struct waiter){.answer = hear_told, .owner = h});
}

void hints_grown(struct hints *h, int64_t seq)
{
    if (!h || seq <= h->grown)
        return;
    h->grown = seq;
    if (hints_usable(h))
        tell(h);
}

static void wake(void *ctx)
{
    struct hints *h = ctx;
    h->waking = false;
    store_wake(h->options.store);
}

/* Lost, doubled and late messages do no harm: reading on is all that is asked for. */
static void note_message(void *ctx, const char *text, size_t length)
{
    struct hints *h = ctx;
    struct store_status status;
    char number[24];
    snprintf(number, sizeof number, "%.*s", (int)(length < 20 ? length : 20), text);
    if (!h->options.store || h->waking || h->foreign)
        return;
    store_status(h->options.store, &status);
    if (strtoll(number, NULL, 10) <= status.events)
        return; /* our own, or read already */
    h->waking = true;
    loop_defer(h->options.loop, wake, h);
}

/* ---- its life ---- */

struct hints *hints_open(const struct hints_options *options, struct err *err)
{
    struct hints *h = mem_alloc(sizeof *h);
    h->options = *options;
    if (!h->options.deadline_us)
        h->options.deadline_us = DEADLINE_US;
    text_copy(h->prefix, sizeof h->prefix, options->prefix ? options->prefix : "main");
    text_copy(h->identity, sizeof h->identity, options->identity ? options->identity : "");
    snprintf(h->channel, sizeof h->channel, "tidelock:%s:grown", h->prefix);
    h->timer = loop_timer_new(options->loop, check_owner, h);
    h->redis = redis_open(&(struct redis_options){.loop = options->loop,
                                                  .chance = options->chance,
                                                  .log = options->log,
                                                  .metrics = options->metrics,
                                                  .url = options->url,
                                                  .user = options->user,
                                                  .password = options->password,
                                                  .channel = h->channel,
                                                  .timeout_us = options->timeout_us,
                                                  .scripts = scripts,
                                                  .on_up = note_up,
                                                  .on_down = note_down,
                                                  .on_message = note_message,
                                                  .ctx = h},
                          err);
    h->options.url = h->options.user = h->options.password = NULL;
    h->options.prefix = h->options.identity = h->options.instance = NULL;
    if (h->redis)
        return h;
    loop_timer_free(h->timer);
    mem_free(h);
    return NULL;
}

void hints_identify(struct hints *h, const char *identity)
{
    text_copy(h->identity, sizeof h->identity, identity);
    if (redis_up(h->redis, NULL))
        check_owner(h);
}

void hints_close(struct hints *h)
{
    if (!h)
        return;
    h->checked = false;
    redis_close(h->redis);
    loop_defer_cancel(h->options.loop, wake, h);
    loop_timer_free(h->timer);
    mem_free(h);
}
