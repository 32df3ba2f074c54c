/* The asynchronous HTTP client: a bounded queue of exchanges over curl's multi interface. */
#include "io/http_client.h"
#include "io/curl_poll.h"
#include "io/http_fetch.h"
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
    struct curl_poll *poll;
    struct fetches waiting, active;
    unsigned active_count, depth, parallel_max, queue_max;
    bool starting, closing;
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
        curl_multi_remove_handle(curl_poll_multi(client->poll), f->exchange.easy);
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
            curl_multi_add_handle(curl_poll_multi(client->poll), f->exchange.easy);
        }
    }
}

static void ended(void *ctx, CURL *easy, CURLcode code)
{
    struct http_client *client = ctx;
    void *private = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    struct fetch *f = private;
    struct http_reply reply;
    struct err err;
    if (http_exchange_result(&f->exchange, code, &reply, &err))
        end(f, NULL, &reply);
    else
        end(f, &err, NULL);
    if (client->waiting.first)
        start_soon(client);
}

/* Asking
 * ------------------------------------------------------------------------------------------- */

struct http_client *http_client_new(struct loop *loop, unsigned parallel_max, unsigned queue_max,
                                    struct err *err)
{
    http_exchange_library();
    struct http_client *client = mem_alloc(sizeof *client);
    client->loop = loop;
    client->parallel_max = parallel_max ? parallel_max : PARALLEL_MAX_DEFAULT;
    client->queue_max = queue_max ? queue_max : QUEUE_MAX_DEFAULT;
    client->poll = curl_poll_new(loop, ended, client, err);
    if (!client->poll) {
        mem_free(client);
        return NULL;
    }
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
    curl_poll_free(client->poll);
    mem_free(client);
}
