/* The asynchronous HTTP client: curl's multi interface with its sockets polled and its timeout kept
 * by the loop. */
#include "io/http_client.h"
#include "io/http_fetch.h"
#include "io/loop_uv.h"
#include <assert.h>

#define PARALLEL_MAX_DEFAULT 64
#define QUEUE_MAX_DEFAULT 1024

struct fetch {
    struct http_exchange exchange; /* first: curl's private pointer leads here */
    struct http_client *client;
    struct waiter to;
    struct err err; /* why it was refused at once */
    bool refused, active;
    struct fetch *prev, *next;
};

struct fetches {
    struct fetch *first, *last;
};

struct http_client {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer *timer;
    struct fetches waiting, active;
    unsigned active_count, depth, parallel_max, queue_max;
    bool starting, closing;
};

struct socket_poll {
    uv_poll_t uv;
    struct http_client *client;
    curl_socket_t fd;
};

/* Lists
 * -------------------------------------------------------------------------------------------- */

static void add_last(struct fetches *list, struct fetch *f)
{
    f->prev = list->last;
    f->next = NULL;
    if (list->last)
        list->last->next = f;
    else
        list->first = f;
    list->last = f;
}

static void take_out(struct fetches *list, struct fetch *f)
{
    if (f->prev)
        f->prev->next = f->next;
    else
        list->first = f->next;
    if (f->next)
        f->next->prev = f->prev;
    else
        list->last = f->prev;
}

/* Ending an exchange
 * ------------------------------------------------------------------------------- */

static void end(struct fetch *f, const struct err *err, const struct http_reply *reply)
{
    struct http_client *client = f->client;
    if (f->active) {
        curl_multi_remove_handle(client->multi, f->exchange.easy);
        take_out(&client->active, f);
        client->active_count--;
    } else {
        take_out(&client->waiting, f);
    }
    client->depth--;
    wait_answer(f->to, err, reply);
    http_exchange_clear(&f->exchange);
    mem_free(f);
}

static void start_waiting(void *ctx);

static void start_soon(struct http_client *client)
{
    if (client->starting || client->closing)
        return;
    client->starting = true;
    loop_defer(client->loop, start_waiting, client);
}

static void start_waiting(void *ctx)
{
    struct http_client *client = ctx;
    client->starting = false;
    for (struct fetch *f = client->waiting.first, *next; f; f = next) {
        next = f->next;
        if (f->refused) {
            end(f, &f->err, NULL);
            next = client->waiting.first; /* the answer may have asked for more */
        } else if (client->active_count < client->parallel_max) {
            take_out(&client->waiting, f);
            f->active = true;
            add_last(&client->active, f);
            client->active_count++;
            curl_multi_add_handle(client->multi, f->exchange.easy);
        }
    }
}

static void collect(struct http_client *client)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        void *private = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        struct fetch *f = private;
        struct http_reply reply;
        struct err err;
        if (http_exchange_result(&f->exchange, code, &reply, &err))
            end(f, NULL, &reply);
        else
            end(f, &err, NULL);
    }
    if (client->waiting.first)
        start_soon(client);
}

/* Sockets and time
 * --------------------------------------------------------------------------------- */

static void on_socket(uv_poll_t *uv, int status, int events)
{
    struct socket_poll *poll = uv->data;
    struct http_client *client = poll->client;
    int running, what = 0;
    if (status < 0)
        what = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        what |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        what |= CURL_CSELECT_OUT;
    curl_multi_socket_action(client->multi, poll->fd, what, &running);
    collect(client);
}

static void free_closed_poll(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct http_client *client = ctx;
    struct socket_poll *poll = socket_ctx;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (!poll)
            return 0;
        /* The descriptor is closed next, so libuv must forget it now and not when the handle is
         * closed. */
        uv_poll_stop(&poll->uv);
        uv_close((uv_handle_t *)&poll->uv, free_closed_poll);
        curl_multi_assign(client->multi, fd, NULL);
        return 0;
    }
    if (!poll) {
        poll = mem_alloc(sizeof *poll);
        poll->client = client;
        poll->fd = fd;
        if (uv_poll_init_socket(loop_uv(client->loop), &poll->uv, fd) != 0) {
            mem_free(poll);
            return -1;
        }
        poll->uv.data = poll;
        curl_multi_assign(client->multi, fd, poll);
    }
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(&poll->uv, events, on_socket);
    return 0;
}

static void on_timeout(void *ctx)
{
    struct http_client *client = ctx;
    int running;
    curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(client);
}

static int keep_timeout(CURLM *multi, long timeout_ms, void *ctx)
{
    struct http_client *client = ctx;
    (void)multi;
    if (timeout_ms < 0)
        loop_timer_stop(client->timer);
    else
        loop_timer_start_in(client->timer, timeout_ms * 1000);
    return 0;
}

/* Asking
 * ------------------------------------------------------------------------------------------- */

struct http_client *http_client_new(struct loop *loop, unsigned parallel_max, unsigned queue_max,
                                    struct err *err)
{
    http_exchange_library();
    CURLM *multi = curl_multi_init();
    if (!multi) {
        err_set(err, ERR_NOT_DONE, ERR_IO,
                "no HTTP client: raise the limit of open files (ulimit -n)");
        return NULL;
    }
    struct http_client *client = mem_alloc(sizeof *client);
    client->loop = loop;
    client->multi = multi;
    client->parallel_max = parallel_max ? parallel_max : PARALLEL_MAX_DEFAULT;
    client->queue_max = queue_max ? queue_max : QUEUE_MAX_DEFAULT;
    client->timer = loop_timer_new(loop, on_timeout, client);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, keep_timeout);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client);
    return client;
}

void http_fetch(struct http_client *client, const struct http_fetch_request *request,
                struct waiter to)
{
    struct fetch *f = mem_alloc(sizeof *f);
    f->client = client;
    f->to = to;
    if (client->closing)
        f->refused =
            !err_set(&f->err, ERR_NOT_DONE, ERR_CLOSED, "the HTTP client is shutting down");
    else if (client->depth >= client->queue_max)
        f->refused = !err_set(&f->err, ERR_LATER, ERR_FULL,
                              "%u HTTP requests are waiting: try again later", client->depth);
    else
        f->refused = !http_exchange_prepare(&f->exchange, request, &f->err);
    client->depth++;
    add_last(&client->waiting, f);
    start_soon(client);
}

unsigned http_client_depth(const struct http_client *client)
{
    return client->depth;
}

static void end_closed(struct fetch *f)
{
    curl_off_t pretransfer_us = 0;
    struct err err;
    if (f->active)
        curl_easy_getinfo(f->exchange.easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer_us);
    err_set(&err, pretransfer_us > 0 ? ERR_MAYBE_DONE : ERR_NOT_DONE, ERR_CLOSED,
            "the HTTP client was shut down before the answer came");
    end(f, &err, NULL);
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    client->closing = true;
    loop_defer_cancel(client->loop, start_waiting, client);
    while (client->active.first)
        end_closed(client->active.first);
    while (client->waiting.first)
        end_closed(client->waiting.first);
    assert(client->depth == 0);
    curl_multi_cleanup(client->multi);
    loop_timer_free(client->timer);
    mem_free(client);
}
