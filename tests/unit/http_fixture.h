/* A running HTTP server and one raw connection to it, for the tests of its manners and of its
 * defences. Its handler answers /echo with the body, keeps /late for the test, and notes what it
 * saw. */
#ifndef TIDELOCK_TESTS_HTTP_FIXTURE_H
#define TIDELOCK_TESTS_HTTP_FIXTURE_H
#include "io/http_server.h"

#include "io_client.h"

#define HOST "Host: h\r\n"

static struct loop *loop;
static struct http_server *server;
static struct str seen;     /* what the handler saw, one line a request */
static uint64_t owed[2048]; /* handles of requests to "/late" */
static size_t owed_count;
static int in;

static void answer_text(uint64_t handle, unsigned status, const char *text)
{
    http_answer(server, handle, status, "text/plain", text, strlen(text), NULL, 0);
}

static void handle(const struct http_request *r)
{
    str_printf(&seen, "%s %s %s\n", r->method, r->path, r->body);
    if (text_starts(r->path, "/late")) {
        owed[owed_count++] = r->handle;
        return;
    }
    if (text_equal(r->path, "/echo")) {
        http_answer(server, r->handle, 200, "text/plain", r->body, r->body_length, NULL, 0);
        return;
    }
    if (text_equal(r->path, "/look")) {
        const char *header = http_header(r, "x-thing"), *a = http_query(r, "a b"),
                   *e = http_query(r, "empty"), *n = http_query(r, "none");
        char *text = arena_printf(r->arena, "[%s][%s][%s][%s][%s]", header ? header : "-",
                                  a ? a : "-", e ? e : "-", n ? n : "-", r->peer);
        const struct http_header_line more = {"X-More", "yes"};
        http_answer(server, r->handle, 201, "text/plain", text, strlen(text), &more, 1);
        return;
    }
    answer_text(r->handle, 200, "ok");
}

static int start_with(const struct http_server_options *options)
{
    struct http_server_options o = *options;
    struct err err;
    o.handler = handle;
    loop = loop_new(clock_real(), NULL, &err);
    assert_non_null(loop);
    server = http_server_new(loop, &o, &err);
    assert_non_null(server);
    owed_count = 0;
    in = client_open(http_server_port(server));
    return 0;
}

static int start(void **state)
{
    (void)state;
    return start_with(&(struct http_server_options){0});
}

static int stop(void **state)
{
    (void)state;
    close(in);
    http_server_free(server);
    loop_free(loop);
    str_free(&seen);
    return 0;
}

/* Sends the bytes on a fresh connection, reads until `count` answers (0: until closed); the text
 * lives until the next call. */
static const char *ask_n(const char *bytes, size_t length, size_t count, bool *closed)
{
    static struct str got;
    str_free(&got);
    close(in);
    in = client_open(http_server_port(server));
    client_send_n(loop, in, bytes, length);
    bool ended = client_read(loop, in, &got, count);
    if (closed)
        *closed = ended;
    static char text[65536];
    snprintf(text, sizeof text, "%s", str_text(&got));
    str_free(&got);
    return text;
}

static const char *ask(const char *bytes)
{
    return ask_n(bytes, strlen(bytes), 1, NULL);
}

static void expect_status(const char *request, const char *status)
{
    const char *got = ask(request);
    if (strncmp(got + 9, status, 3) != 0)
        fail_msg("wanted %s for\n%s\ngot\n%s", status, request, got);
}

/* A refusal closes the connection, and nothing behind it is taken for a request. */
static void expect_refused(const char *request, const char *status)
{
    bool closed;
    size_t requests_before = http_server_stats(server).requests;
    const char *got = ask_n(request, strlen(request), 0, &closed);
    if (strncmp(got + 9, status, 3) != 0)
        fail_msg("wanted %s for\n%s\ngot\n%s", status, request, got);
    assert_true(closed);
    assert_int_equal(http_server_stats(server).requests, requests_before);
}

#endif
