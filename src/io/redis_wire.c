/* hiredis on the loop. Its reader knows no bounds, so they are kept here: replies of at most
 * REPLY_MAX bytes, lists of at most ELEMENTS_MAX elements. */
#include "io/redis_parts.h"

#include <string.h>

#define REPLY_MAX (1 << 20)
#define ELEMENTS_MAX 4096

struct poll {
    uv_poll_t uv;
    redisAsyncContext *ac; /* NULL: hiredis is done with it */
    int events;
};

static redisReplyObjectFunctions library;

/* hiredis asserts where a server says what nobody asked for, so such a reply must not come to be:
 * without an object the reader fails, and the connection ends. */
static bool is_asked_for(const redisReadTask *task)
{
    const struct redis_link *link = task->privdata;
    if (task->parent) /* of a message: what follows `subscribe` and `message`, and no lists */
        return !link || !(link->ac->c.flags & REDIS_SUBSCRIBED) ||
               (task->type != REDIS_REPLY_ARRAY && task->type != REDIS_REPLY_NIL &&
                (task->idx == 2 || task->type == REDIS_REPLY_STRING));
    if (!link || !link->ac)
        return false;
    if (link->ac->c.flags & REDIS_SUBSCRIBED)
        return task->type == REDIS_REPLY_ARRAY;
    return link->in_flight > 0;
}

static void *create_string(const redisReadTask *task, char *text, size_t length)
{
    const struct redis_link *link = task->privdata;
    bool kind = link && link->ac && (link->ac->c.flags & REDIS_SUBSCRIBED) && task->idx == 0;
    if (!is_asked_for(task) || (kind && !(length == 7 && memcmp(text, "message", 7) == 0) &&
                                !(length == 9 && memcmp(text, "subscribe", 9) == 0)))
        return NULL;
    return library.createString(task, text, length);
}

static void *create_list(const redisReadTask *task, int elements)
{
    const struct redis_link *link = task->privdata;
    bool message = link && link->ac && (link->ac->c.flags & REDIS_SUBSCRIBED);
    if (elements > ELEMENTS_MAX || (message && elements != 3) || !is_asked_for(task))
        return NULL;
    return library.createArray(task, elements);
}

static void *create_integer(const redisReadTask *task, long long value)
{
    return is_asked_for(task) ? library.createInteger(task, value) : NULL;
}

static void *create_nil(const redisReadTask *task)
{
    return is_asked_for(task) ? library.createNil(task) : NULL;
}

static struct redis_link *link_of(const redisAsyncContext *ac)
{
    return ac->data;
}

/* ---- the loop ---- */

static void on_socket(uv_poll_t *uv, int status, int events)
{
    struct poll *poll = uv->data;
    if (status != 0)
        events = UV_READABLE | UV_WRITABLE; /* hiredis finds out what it is */
    if (poll->ac && (events & UV_READABLE))
        redisAsyncHandleRead(poll->ac);
    if (poll->ac && (events & UV_WRITABLE))
        redisAsyncHandleWrite(poll->ac);
    if (poll->ac && link_of(poll->ac) && poll->ac->c.reader->len > REPLY_MAX)
        redis_link_drop(link_of(poll->ac), "a reply is larger than any of ours can be");
}

static void watch(struct poll *poll, int events)
{
    bool same = poll->events == events;
    poll->events = events;
    if (!poll->ac || same)
        return;
    if (events)
        uv_poll_start(&poll->uv, events, on_socket);
    else
        uv_poll_stop(&poll->uv);
}

static void add_read(void *data)
{
    struct poll *poll = data;
    watch(poll, poll->events | UV_READABLE);
}

static void del_read(void *data)
{
    struct poll *poll = data;
    watch(poll, poll->events & ~UV_READABLE);
}

static void add_write(void *data)
{
    struct poll *poll = data;
    watch(poll, poll->events | UV_WRITABLE);
}

static void del_write(void *data)
{
    struct poll *poll = data;
    watch(poll, poll->events & ~UV_WRITABLE);
}

static void free_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

/* The descriptor is closed next, so libuv must forget it now and not when the handle is closed. */
static void clean_up(void *data)
{
    struct poll *poll = data;
    poll->ac = NULL;
    uv_poll_stop(&poll->uv);
    uv_close((uv_handle_t *)&poll->uv, free_closed);
}

/* ---- hiredis' calls ---- */

static void on_connect(const redisAsyncContext *ac, int status)
{
    struct redis_link *link = link_of(ac);
    if (!link)
        return;
    if (status != REDIS_OK)
        link->ac = NULL; /* hiredis frees it after this */
    redis_link_connected(link, status == REDIS_OK, ac->errstr);
}

static void on_disconnect(const redisAsyncContext *ac, int status)
{
    struct redis_link *link = link_of(ac);
    (void)status;
    if (!link)
        return;
    link->ac = NULL;
    redis_link_connected(link, false, ac->errstr && *ac->errstr ? ac->errstr : "it hung up");
}

static void on_reply(redisAsyncContext *ac, void *reply, void *data)
{
    struct redis_wire *wire = data;
    (void)ac;
    if (wire->link) /* without a reply the connection is ending */
        redis_link_heard(wire->link, wire, reply);
    mem_free(wire);
}

static void on_message(redisAsyncContext *ac, void *data, void *unused)
{
    const redisReply *reply = data;
    struct redis_link *link = link_of(ac);
    (void)unused;
    if (!link || !reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
        return;
    const redisReply *kind = reply->element[0], *text = reply->element[2];
    if (kind->type != REDIS_REPLY_STRING)
        return;
    if (strcmp(kind->str, "subscribe") == 0)
        redis_link_greeted(link);
    else if (strcmp(kind->str, "message") == 0 && text->type == REDIS_REPLY_STRING)
        redis_note_message(link->redis, link, text->str, text->len);
}

/* ---- one connection ---- */

static bool attach(struct redis_link *link, redisAsyncContext *ac)
{
    struct poll *poll = mem_alloc(sizeof *poll);
    if (uv_poll_init_socket(loop_uv(link->redis->loop), &poll->uv, ac->c.fd) != 0) {
        mem_free(poll);
        return false;
    }
    poll->ac = ac;
    poll->uv.data = poll;
    ac->ev.data = poll;
    ac->ev.addRead = add_read;
    ac->ev.delRead = del_read;
    ac->ev.addWrite = add_write;
    ac->ev.delWrite = del_write;
    ac->ev.cleanup = clean_up;
    return true;
}

static void bound_reader(redisReader *reader, struct redis_link *link)
{
    static redisReplyObjectFunctions bounded;
    if (!library.createArray) {
        library = *reader->fn;
        bounded = (redisReplyObjectFunctions){create_string, create_list, create_integer,
                                              create_nil, library.freeObject};
    }
    reader->fn = &bounded;
    reader->privdata = link;
}

bool redis_wire_open(struct redis_link *link, const char *address)
{
    redisAsyncContext *ac = redisAsyncConnect(address, link->place.port);
    if (!ac)
        return false;
    if (ac->err || !attach(link, ac)) {
        text_copy(link->why, sizeof link->why, ac->err ? ac->errstr : "the loop takes no socket");
        redisAsyncFree(ac);
        return false;
    }
    bound_reader(ac->c.reader, link);
    ac->data = link;
    link->ac = ac;
    redisAsyncSetConnectCallback(ac, on_connect);
    redisAsyncSetDisconnectCallback(ac, on_disconnect);
    return true;
}

void redis_wire_close(struct redis_link *link)
{
    redisAsyncContext *ac = link->ac;
    link->ac = NULL;
    if (!ac)
        return;
    ac->data = NULL;
    ac->c.reader->privdata = NULL;
    redisAsyncFree(ac);
}

bool redis_wire_send(struct redis_link *link, struct redis_wire *wire, struct redis_call *call)
{
    return redisAsyncCommandArgv(link->ac, on_reply, wire, call->argc, call->argv, call->lengths) ==
           REDIS_OK;
}

bool redis_wire_listen(struct redis_link *link)
{
    redisEnableKeepAlive(&link->ac->c);
    return redisAsyncCommand(link->ac, on_message, NULL, "SUBSCRIBE %s", link->channel) == REDIS_OK;
}
