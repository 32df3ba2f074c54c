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

static void *(*create_list)(const redisReadTask *task, int elements);

static void *create_bounded_list(const redisReadTask *task, int elements)
{
    return elements > ELEMENTS_MAX ? NULL : create_list(task, elements);
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
    poll->events = events;
    if (!poll->ac)
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

static void bound_reader(redisReader *reader)
{
    static redisReplyObjectFunctions bounded;
    if (!create_list) {
        create_list = reader->fn->createArray;
        bounded = *reader->fn;
        bounded.createArray = create_bounded_list;
    }
    reader->fn = &bounded;
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
    bound_reader(ac->c.reader);
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
