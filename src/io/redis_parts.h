/* What the files of the Redis client share:
 *
 *     redis.c          commands, scripts, answers
 *     redis_url.c      what a URL says
 *     redis_link.c     one connection: greeting, deadlines, coming back
 *     redis_wire.c     hiredis on the loop, and its bounds
 *     redis_greet.c    what is said and asked when a connection begins
 *     redis_find.c     who is master: Sentinels
 *     redis_cluster.c  who has the slot */
#ifndef TIDELOCK_IO_REDIS_PARTS_H
#define TIDELOCK_IO_REDIS_PARTS_H
#include "base/mem.h"
#include "base/str.h"
#include "io/loop_uv.h"
#include "io/redis.h"
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#define REDIS_NODES_MAX 32
#define REDIS_SLOTS 16384
#define REDIS_HOST_SIZE 256
#define REDIS_NO_NODE 255

struct redis_place {
    char host[REDIS_HOST_SIZE];
    int port;
};
enum redis_topology { REDIS_SINGLE, REDIS_SENTINEL, REDIS_CLUSTER };
struct redis_url {
    enum redis_topology topology;
    struct redis_place places[REDIS_NODES_MAX];
    size_t place_count;
    char user[128], password[256], master[128];
    int db;
};
bool redis_url_read(const char *text, struct redis_url *url, struct err *err) MUST_CHECK;
/* The same without user and password. */
void redis_url_hide(const char *text, char *out, size_t size);

/* ---- one connection ---- */

struct redis_call { /* one command; whoever gets its answer owns it again */
    struct redis_call *next;
    /* Exactly once: an error, or a reply of any type. */
    void (*heard)(struct redis_call *call, const struct err *err, const redisReply *reply);
    void *owner;
    uint64_t number;
    struct redis_link *link; /* where it was sent last */
    int64_t timeout_us, asked_us;
    struct waiter to;
    int slot; /* -1: any */
    int script;
    unsigned moved;
    struct err err; /* of one that is refused at once */
    int argc;
    const char *argv[REDIS_ARGUMENTS_MAX];
    size_t lengths[REDIS_ARGUMENTS_MAX];
    char text[];
};
struct redis_call *redis_call_new(const char *const *words);

enum redis_duty { LINK_DATA, LINK_HEAR, LINK_ASK /* a Sentinel */ };
enum link_state { LINK_DOWN, LINK_RESOLVING, LINK_CONNECTING, LINK_GREETING, LINK_UP };
struct redis_wire;
struct redis_link {
    struct redis *redis;
    enum redis_duty duty;
    const char *channel; /* LINK_HEAR */
    struct redis_place place;
    enum link_state state;
    redisAsyncContext *ac;
    uv_getaddrinfo_t *resolving;
    struct loop_timer *timer;
    int64_t timer_us; /* when it goes off */
    int64_t began_us, retry_us;
    unsigned failures;
    struct redis_wire *first, **last;
    size_t in_flight, abandoned; /* of those, commands nobody waits for any more */
    unsigned greetings;          /* answers that are missing */
    char sha[REDIS_SCRIPTS_MAX][41];
    char why[160]; /* it is not up */
    void (*on_state)(struct redis_link *link, bool up);
};
struct redis_link *redis_link_new(struct redis *redis, enum redis_duty duty,
                                  const struct redis_place *place,
                                  void (*on_state)(struct redis_link *link, bool up));
void redis_link_free(struct redis_link *link); /* its commands are answered (CLOSED) */
void redis_link_move(struct redis_link *link, const struct redis_place *place);
void redis_link_drop(struct redis_link *link, const char *why); /* and connect again */
bool redis_link_ready(const struct redis_link *link);
/* While it is connected. */
void redis_link_send(struct redis_link *link, struct redis_call *call);
void redis_link_greeted(struct redis_link *link);
void redis_link_connected(struct redis_link *link, bool ok, const char *why);
void redis_link_heard(struct redis_link *link, struct redis_wire *wire, const redisReply *reply);
/* redis_wire.c */
struct redis_wire { /* one command on its way; hiredis keeps a pointer to it until the reply */
    struct redis_wire *next;
    struct redis_link *link; /* NULL: dropped */
    struct redis_call *call; /* NULL: nobody waits */
    int64_t sent_us, deadline_us;
};
bool redis_wire_open(struct redis_link *link, const char *address);
void redis_wire_close(struct redis_link *link);
bool redis_wire_send(struct redis_link *link, struct redis_wire *wire, struct redis_call *call);
bool redis_wire_listen(struct redis_link *link);
/* redis_greet.c */
void redis_greet(struct redis_link *link);

/* ---- the client ---- */

struct redis {
    struct redis_options options;
    struct loop *loop;
    struct redis_url url;
    char shown[200]; /* the URL without secrets */
    size_t script_count;
    struct redis_link *nodes[REDIS_NODES_MAX]; /* the first: the master, unless it is a cluster */
    size_t node_count;
    struct redis_link *hearer;
    bool closing, was_up;
    struct redis_call *refused, **last_refused;
    struct { /* Sentinels */
        struct redis_link *asker, *hearer;
        size_t next;
        struct loop_timer *timer;
    } find;
    struct { /* cluster */
        uint8_t owner[REDIS_SLOTS];
        bool asking;
        int64_t asked_us;
        struct loop_timer *timer;
    } cluster;
    struct redis_status status;
    struct {
        struct metric *latency, *timeouts, *up;
    } metrics;
};
void redis_note_state(struct redis_link *link, bool up);
void redis_note_message(struct redis *redis, const struct redis_link *link, const char *text,
                        size_t length);
int64_t redis_now(const struct redis *redis);
bool redis_is_error(const redisReply *reply, const char *word);
/* redis_find.c */
void redis_find_start(struct redis *redis);
void redis_find_again(struct redis *redis, int64_t in_us);
void redis_find_message(struct redis *redis, const char *text, size_t length);
void redis_find_free(struct redis *redis);
/* redis_cluster.c */
void redis_cluster_start(struct redis *redis);
int redis_cluster_slot(const char *key);
struct redis_link *redis_cluster_node(struct redis *redis, int slot /* -1: any */);
void redis_cluster_refresh(struct redis *redis);
/* Follows a MOVED or ASK; false: it cannot be followed now. */
bool redis_cluster_follow(struct redis *redis, struct redis_call *call, const redisReply *reply);
void redis_cluster_free(struct redis *redis);
#endif
