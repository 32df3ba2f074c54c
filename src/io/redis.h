/* The Redis client: commands on the loop, each with a deadline of ours, and the way to whichever
 * server has the key.
 *
 *     redis://[user:password@]host[:port][/db]                  one server
 *     redis+sentinel://[user:password@]host[:port],.../name[/db]    whom the Sentinels call master
 *     redis+cluster://[user:password@]host[:port],...           slots, MOVED and ASK followed
 *
 * It connects, and again after every loss (full-jitter backoff, a second at most), by itself, and
 * accepts commands only while the server is known to be a master and answers in time: else they
 * fail at once, so that nobody waits twice for a server that hangs. Nothing in here is slower than
 * its deadline or grows beyond a bound. */
#ifndef TIDELOCK_IO_REDIS_H
#define TIDELOCK_IO_REDIS_H
#include "base/chance.h"
#include "base/log.h"
#include "base/wait.h"
#include "io/loop.h"
#include <stddef.h>

#define REDIS_SCRIPTS_MAX 8
#define REDIS_ARGUMENTS_MAX 12
#define REDIS_KEYS_MAX 8

struct redis;
struct redis_options { /* copied by redis_open, texts too, but not the scripts' */
    struct loop *loop;
    struct chance *chance;
    struct log *log;             /* NULL: none */
    struct metrics *metrics;     /* NULL: none */
    const char *url;             /* errors name it without its password */
    const char *user, *password; /* NULL: those of the URL, if any */
    const char *name;            /* as the server shows the connection; NULL: tidelock */
    const char *channel;         /* pub/sub: heard while connected; NULL: none */
    int64_t timeout_us;          /* of a command; 0: 50 ms */
    /* For redis_eval, loaded with each connection. NULL-terminated. */
    const char *const *scripts;
    void (*on_up)(void *ctx); /* a server is connected and was found to be a master */
    void (*on_down)(void *ctx);
    void (*on_message)(void *ctx, const char *text, size_t length);
    void *ctx;
};
/* Whether redis_open would take the URL. */
bool redis_url_check(const char *url, struct err *err) MUST_CHECK;
/* NULL and *err (REFUSED, CONFIG): a URL that cannot be used; rediss:// with a hiredis older than
 * 1.0, which knows no TLS. Whether a server is there shows later. */
struct redis *redis_open(const struct redis_options *options, struct err *err) MUST_CHECK;
/* Answers what is waiting (CLOSED). Not from inside its own callbacks. NULL accepted. */
void redis_close(struct redis *redis);

struct redis_reply; /* valid during the answer */
enum redis_kind { REDIS_NOTHING, REDIS_TEXT, REDIS_NUMBER, REDIS_LIST };
enum redis_kind redis_reply_kind(const struct redis_reply *reply);
const char *redis_reply_text(const struct redis_reply *reply, size_t *length /* may be NULL */);
int64_t redis_reply_number(const struct redis_reply *reply);
size_t redis_reply_count(const struct redis_reply *reply);
const struct redis_reply *redis_reply_at(const struct redis_reply *reply, size_t index);

/* A command whose texts end with NULL. Value: const struct redis_reply *. `key` chooses the server
 * in a cluster (its part in braces, if there is one); NULL: any. timeout_us 0: the usual. Errors:
 *
 * - IO, CLOSED (NOT_DONE): no server; nothing was sent
 * - BUSY (LATER): it is not answering, loading, full, a replica now; FULL: too much waits already
 * - TIMEOUT, IO (MAYBE_DONE): sent, and no answer came
 * - AUTH, INPUT (REFUSED): the server says no */
void redis_command(struct redis *redis, const char *key, const char *const *words,
                   int64_t timeout_us, struct waiter to);
/* Runs the script of that number with one key and the arguments (NULL-terminated). */
void redis_eval(struct redis *redis, size_t script, const char *key, const char *const *arguments,
                int64_t timeout_us, struct waiter to);
/* The same with several keys, up to REDIS_KEYS_MAX, and one argument; nobody waits. A cluster may
 * keep them apart: there each goes by itself. */
void redis_eval_each(struct redis *redis, size_t script, const char *const *keys, size_t count,
                     const char *argument);
/* Whether a command with this key (NULL: any) would be sent now. */
bool redis_up(const struct redis *redis, const char *key);

struct redis_status {
    bool up;
    char text[200];     /* a sentence: where, what, or what is wrong and what to do */
    char version[16];   /* "": unknown */
    char eviction[24];  /* maxmemory-policy; "": unknown */
    int64_t memory_max; /* 0: unlimited or unknown */
    int64_t latency_us; /* of the last answer */
    uint64_t connected; /* times */
    uint64_t timeouts;
};
void redis_status(const struct redis *redis, struct redis_status *out);
#endif
