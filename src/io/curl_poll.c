/* Why: the HTTP client and the WebSocket's connecting both let curl work on our loop. */
#include "io/curl_poll.h"
#include "base/mem.h"
#include "io/loop_uv.h"

struct curl_poll {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer *timer;
    void (*done)(void *ctx, CURL *easy, CURLcode code);
    void *ctx;
};

struct socket_poll {
    uv_poll_t uv;
    struct curl_poll *owner;
    curl_socket_t fd;
};

static void collect(struct curl_poll *poll)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(poll->multi, &left));)
        if (message->msg == CURLMSG_DONE)
            poll->done(poll->ctx, message->easy_handle, message->data.result);
}

static void on_socket(uv_poll_t *uv, int status, int events)
{
    struct socket_poll *socket = uv->data;
    struct curl_poll *poll = socket->owner;
    int running, what = 0;
    if (status < 0)
        what = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        what |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        what |= CURL_CSELECT_OUT;
    curl_multi_socket_action(poll->multi, socket->fd, what, &running);
    collect(poll);
}

static void free_closed_poll(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct curl_poll *poll = ctx;
    struct socket_poll *socket = socket_ctx;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (!socket)
            return 0;
        /* The descriptor is closed next, so libuv must forget it now and not when the handle is
         * closed. */
        uv_poll_stop(&socket->uv);
        uv_close((uv_handle_t *)&socket->uv, free_closed_poll);
        curl_multi_assign(poll->multi, fd, NULL);
        return 0;
    }
    if (!socket) {
        socket = mem_alloc(sizeof *socket);
        socket->owner = poll;
        socket->fd = fd;
        if (uv_poll_init_socket(loop_uv(poll->loop), &socket->uv, fd) != 0) {
            mem_free(socket);
            return -1;
        }
        socket->uv.data = socket;
        curl_multi_assign(poll->multi, fd, socket);
    }
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(&socket->uv, events, on_socket);
    return 0;
}

static void on_timeout(void *ctx)
{
    struct curl_poll *poll = ctx;
    int running;
    curl_multi_socket_action(poll->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(poll);
}

static int keep_timeout(CURLM *multi, long timeout_ms, void *ctx)
{
    struct curl_poll *poll = ctx;
    (void)multi;
    if (timeout_ms < 0)
        loop_timer_stop(poll->timer);
    else
        loop_timer_start_in(poll->timer, timeout_ms * 1000);
    return 0;
}

struct curl_poll *curl_poll_new(struct loop *loop,
                                void (*done)(void *ctx, CURL *easy, CURLcode code), void *ctx,
                                struct err *err)
{
    CURLM *multi = curl_multi_init();
    if (!multi) {
        err_set(err, ERR_NOT_DONE, ERR_IO,
                "no network client: raise the limit of open files (ulimit -n)");
        return NULL;
    }
    struct curl_poll *poll = mem_alloc(sizeof *poll);
    poll->loop = loop;
    poll->multi = multi;
    poll->done = done;
    poll->ctx = ctx;
    poll->timer = loop_timer_new(loop, on_timeout, poll);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, poll);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, keep_timeout);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, poll);
    return poll;
}

CURLM *curl_poll_multi(const struct curl_poll *poll)
{
    return poll->multi;
}

void curl_poll_free(struct curl_poll *poll)
{
    if (!poll)
        return;
    curl_multi_cleanup(poll->multi);
    loop_timer_free(poll->timer);
    mem_free(poll);
}
