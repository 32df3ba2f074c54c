/* The HTTP client against our own server and against sockets that misbehave: every exchange answers
 * exactly once, later, with the class that says whether the request may have arrived. */
#include "io/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <pthread.h>
#include <cmocka.h>

#include "io/http_server.h"
#include "io_client.h"

static struct loop *loop;
static struct http_server *server;
static struct http_client *client;
static int served;
static struct str large;

struct got {
    int answers;
    struct err err;
    unsigned status;
    char body[256], header[64];
    size_t length;
};

static void keep(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct got *got = owner;
    const struct http_reply *reply = value;
    assert_int_equal(handle, 7);
    got->answers++;
    if (err) {
        got->err = *err;
        return;
    }
    got->status = reply->status;
    got->length = reply->body_length;
    text_copy(got->body, sizeof got->body, reply->body);
    http_reply_header(reply, "x-echo", got->header, sizeof got->header);
}

static void handle(const struct http_request *r)
{
    served++;
    if (text_equal(r->path, "/never"))
        return;
    if (text_equal(r->path, "/large")) {
        http_answer(server, r->handle, 200, NULL, large.data, large.length, NULL, 0);
        return;
    }
    if (text_equal(r->path, "/moved")) {
        const struct http_header_line to = {"Location", "/"};
        http_answer(server, r->handle, 302, NULL, "", 0, &to, 1);
        return;
    }
    const char *header = http_header(r, "X-In");
    const struct http_header_line more = {"X-Echo", header ? header : ""};
    char *text = arena_printf(r->arena, "%s %s", r->method, r->body);
    http_answer(server, r->handle, 200, "text/plain", text, strlen(text), &more, 1);
}

static int start(void **state)
{
    (void)state;
    struct err err;
    loop = loop_new(clock_real(), NULL, &err);
    server = http_server_new(loop, &(struct http_server_options){.handler = handle}, &err);
    client = http_client_new(loop, 4, 8, &err);
    served = 0;
    while (large.length < 300000)
        str_puts(&large, "0123456789");
    return loop && server && client ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    http_client_free(client);
    http_server_free(server);
    loop_free(loop);
    str_free(&large);
    return 0;
}

static const char *url_of(const char *path)
{
    static char url[8][128];
    static int turn;
    turn = (turn + 1) % 8;
    snprintf(url[turn], sizeof url[turn], "http://127.0.0.1:%u%s", http_server_port(server), path);
    return url[turn];
}

static void fetch(const struct http_fetch_request *request, struct got *got)
{
    *got = (struct got){0};
    http_fetch(client, request, (struct waiter){keep, got, 7});
    assert_int_equal(got->answers, 0); /* never before returning */
    while (got->answers == 0)
        loop_turn(loop, 1000);
}

static void fetches(void **state)
{
    (void)state;
    struct got got;
    struct http_fetch_header in[] = {{"X-In", "hello"}, {"X-Empty", ""}};
    struct http_fetch_request request = {.url = url_of("/"), .headers = in, .header_count = 2};
    fetch(&request, &got);
    assert_int_equal(got.status, 200);
    assert_string_equal(got.body, "GET ");
    assert_string_equal(got.header, "hello");
    request.method = "POST";
    request.body = "some body";
    request.body_length = 9;
    fetch(&request, &got);
    assert_string_equal(got.body, "POST some body");
    request.once = true;
    fetch(&request, &got);
    assert_string_equal(got.body, "POST some body");
    request.method = "DELETE";
    request.body_length = 0;
    fetch(&request, &got);
    assert_string_equal(got.body, "DELETE ");
    assert_int_equal(http_client_depth(client), 0);
}

static void follows_no_redirect(void **state)
{
    (void)state;
    struct got got;
    fetch(&(struct http_fetch_request){.url = url_of("/moved")}, &got);
    assert_int_equal(got.status, 302);
    assert_int_equal(served, 1);
}

static void bounds_the_reply(void **state)
{
    (void)state;
    struct got got;
    struct http_fetch_request request = {.url = url_of("/large")};
    fetch(&request, &got);
    assert_int_equal(got.length, 300000);
    request.reply_max = 1000;
    fetch(&request, &got);
    assert_int_equal(got.err.class, ERR_MAYBE_DONE);
    assert_int_equal(got.err.code, ERR_FULL);
}

static void says_whether_it_may_have_arrived(void **state)
{
    (void)state;
    struct got got;
    struct http_fetch_request request = {.url = url_of("/never?secret=x"), .timeout_ms = 100};
    fetch(&request, &got);
    assert_int_equal(got.err.class, ERR_MAYBE_DONE);
    assert_int_equal(got.err.code, ERR_TIMEOUT);
    assert_null(strstr(got.err.text, "secret"));
    assert_non_null(strstr(got.err.text, "http://127.0.0.1:"));
    /* A port nobody listens on. */
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t length = sizeof in;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    getsockname(fd, (struct sockaddr *)&in, &length);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(in.sin_port));
    request.url = url;
    fetch(&request, &got);
    assert_int_equal(got.err.class, ERR_NOT_DONE);
    /* One that accepts and hangs up. */
    assert_int_equal(listen(fd, 4), 0);
    got = (struct got){0};
    request.timeout_ms = 0;
    http_fetch(client, &request, (struct waiter){keep, &got, 7});
    client_await(loop, fd, POLLIN);
    int peer = accept(fd, NULL, NULL);
    char bytes[4096];
    client_await(loop, peer, POLLIN);
    assert_true(recv(peer, bytes, sizeof bytes, 0) > 0);
    close(peer);
    while (got.answers == 0)
        loop_turn(loop, 1000);
    assert_int_equal(got.err.class, ERR_MAYBE_DONE);
    close(fd);
}

static void refuses_what_cannot_be_asked(void **state)
{
    (void)state;
    struct got got;
    struct http_fetch_header split = {"X", "a\r\nInjected: b"};
    const struct http_fetch_request bad[] = {
        {.url = "file:///etc/passwd"},
        {.url = "ftp://h/"},
        {.url = "http://"},
        {.url = NULL},
        {.url = url_of("/"), .method = "GET / HTTP/1.1\r\n"},
        {.url = url_of("/"), .headers = &split, .header_count = 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fetch(&bad[i], &got);
        assert_int_equal(got.err.class, ERR_REFUSED);
    }
    assert_int_equal(served, 0);
}

static void queues_and_fills(void **state)
{
    (void)state;
    struct got got[9] = {0};
    struct http_fetch_request request = {.url = url_of("/")};
    for (int i = 0; i < 9; i++)
        http_fetch(client, &request, (struct waiter){keep, &got[i], 7});
    while (http_client_depth(client) > 0)
        loop_turn(loop, 1000);
    for (int i = 0; i < 9; i++)
        assert_int_equal(got[i].answers, 1);
    assert_int_equal(got[8].err.class, ERR_LATER);
    assert_int_equal(got[8].err.code, ERR_FULL);
    assert_int_equal(served, 8);
}

static void closing_answers_everybody(void **state)
{
    (void)state;
    struct got got[6] = {0};
    struct http_fetch_request request = {.url = url_of("/never")};
    for (int i = 0; i < 6; i++)
        http_fetch(client, &request, (struct waiter){keep, &got[i], 7});
    while (served < 4)
        loop_turn(loop, 1000);
    http_client_free(client);
    client = NULL;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(got[i].answers, 1);
        assert_int_equal(got[i].err.code, ERR_CLOSED);
        assert_int_equal(got[i].err.class, i < 4 ? ERR_MAYBE_DONE : ERR_NOT_DONE);
    }
}

/* Answers one request and hangs up on the next of the same connection: a stale kept-alive
 * connection. The money-moving request must fail rather than be put on the wire again. */
static void sends_once_over_a_dying_connection(void **state)
{
    (void)state;
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t length = sizeof in;
    char url[64], bytes[4096];
    int requests = 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    getsockname(fd, (struct sockaddr *)&in, &length);
    assert_int_equal(listen(fd, 8), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(in.sin_port));
    struct got got = {0};
    struct http_fetch_request request = {
        .url = url, .method = "POST", .body = "order", .body_length = 5, .once = true};
    http_fetch(client, &request, (struct waiter){keep, &got, 7});
    client_await(loop, fd, POLLIN);
    int peer = accept(fd, NULL, NULL);
    client_await(loop, peer, POLLIN);
    assert_true(recv(peer, bytes, sizeof bytes, 0) > 0);
    assert_int_equal(send(peer, ok, sizeof ok - 1, MSG_NOSIGNAL), sizeof ok - 1);
    while (got.answers == 0)
        loop_turn(loop, 1000);
    assert_int_equal(got.status, 200);
    got = (struct got){0};
    http_fetch(client, &request, (struct waiter){keep, &got, 7});
    client_await(loop, peer, POLLIN);
    assert_true(recv(peer, bytes, sizeof bytes, 0) > 0);
    requests++;
    close(peer);
    while (got.answers == 0) {
        struct pollfd again = {.fd = fd, .events = POLLIN};
        loop_turn(loop, 20);
        if (poll(&again, 1, 0) == 1) {
            peer = accept(fd, NULL, NULL);
            struct pollfd more = {.fd = peer, .events = POLLIN};
            loop_turn(loop, 20);
            if (poll(&more, 1, 200) == 1 && recv(peer, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
                requests++;
            close(peer);
        }
    }
    assert_int_equal(requests, 1);
    assert_int_equal(got.err.class, ERR_MAYBE_DONE);
    close(fd);
}

static void *turn_in_background(void *arg)
{
    (void)arg;
    loop_run(loop);
    return NULL;
}

static void stop_it(void *ctx)
{
    (void)ctx;
    loop_stop(loop);
}

static void fetches_without_a_loop(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    struct http_reply reply;
    char value[8];
    pthread_t thread;
    arena_init(&arena, 1024);
    struct http_fetch_header in = {"X-In", "v"};
    struct http_fetch_request request = {.url = url_of("/"), .headers = &in, .header_count = 1};
    struct loop_timer *timer = loop_timer_new(loop, stop_it, NULL);
    loop_timer_start_in(timer, 500000);
    pthread_create(&thread, NULL, turn_in_background, NULL);
    bool ok = http_fetch_now(&arena, &request, &reply, &err);
    pthread_join(thread, NULL);
    assert_true(ok);
    assert_string_equal(reply.body, "GET ");
    assert_true(http_reply_header(&reply, "X-ECHO", value, sizeof value));
    assert_string_equal(value, "v");
    assert_false(http_reply_header(&reply, "X", value, sizeof value));
    request.url = "nonsense";
    assert_false(http_fetch_now(&arena, &request, &reply, &err));
    loop_timer_free(timer);
    arena_free(&arena);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(fetches),
        T(follows_no_redirect),
        T(bounds_the_reply),
        T(says_whether_it_may_have_arrived),
        T(refuses_what_cannot_be_asked),
        T(queues_and_fills),
        T(closing_answers_everybody),
        T(sends_once_over_a_dying_connection),
        T(fetches_without_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
