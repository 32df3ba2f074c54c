/* The HTTP server over real sockets: what decent clients need, and what hostile ones get. */
#include "io/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "io_client.h"

#define HOST "Host: h\r\n"

static struct loop *loop;
static struct http_server *server;
static struct str seen;          /* what the handler saw, one line a request */
static uint64_t owed[2048];      /* handles of requests to "/late" */
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

static void answers_at_once(void **state)
{
    (void)state;
    const char *got = ask("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
    assert_ptr_equal(strstr(got, "HTTP/1.1 200"), got);
    assert_non_null(strstr(got, "Content-Length: 5\r\n"));
    assert_non_null(strstr(got, "Content-Type: text/plain\r\n"));
    assert_non_null(strstr(got, "\r\n\r\nhello"));
    expect_status("DELETE /x HTTP/1.1\r\n" HOST "\r\n", "200");
    expect_status("GET / HTTP/1.0\r\n\r\n", "200");
    got = ask("HEAD /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_non_null(strstr(got, "200 OK"));
}

static void looks_up_headers_and_query(void **state)
{
    (void)state;
    const char *got = ask("GET /look?x=1&a+b=c%2Fd+%C3%A9&empty HTTP/1.1\r\n" HOST
                          "X-Thing: one two\r\n\r\n");
    assert_non_null(strstr(got, "201 Created"));
    assert_non_null(strstr(got, "X-More: yes\r\n"));
    assert_non_null(strstr(got, "[one two][c/d \xC3\xA9][][-][127.0.0.1]"));
    ask("GET /a%20b%2fc?q HTTP/1.1\r\n" HOST "\r\n");
    assert_non_null(strstr(seen.data, "GET /a b/c \n"));
}

static void takes_chunked_bodies(void **state)
{
    (void)state;
    const char *got = ask("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                          "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n");
    assert_non_null(strstr(got, "\r\n\r\nabcdefg"));
}

static void continues_when_asked(void **state)
{
    (void)state;
    struct str got = STR_EMPTY;
    client_send(loop, in,
                "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    client_read(loop, in, &got, 1);
    assert_ptr_equal(strstr(got.data, "HTTP/1.1 100"), got.data);
    str_clear(&got);
    client_send(loop, in, "hi");
    client_read(loop, in, &got, 1);
    assert_non_null(strstr(got.data, "\r\n\r\nhi"));
    str_free(&got);
    expect_refused("POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 99999\r\n"
                   "\r\n", "413");
    expect_refused("POST / HTTP/1.1\r\n" HOST "Expect: gold\r\nContent-Length: 1\r\n\r\nx", "417");
}

static void refuses_what_could_smuggle(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\nGET /smuggled HTTP/1.1\r\n" HOST "\r\n",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
        "0\r\n\r\nGET /smuggled HTTP/1.1\r\n" HOST "\r\n",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: -3\r\n\r\nabc",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: \r\n\r\nabc",
        "POST / HTTP/1.1\r\n" HOST "Content-Length : 3\r\n\r\nabc",
        "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "Host: other\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "Bad Name: x\r\n\r\n",
        "GET http://elsewhere/ HTTP/1.1\r\n" HOST "\r\n",
        "GET / HTTP/1.1\r\n" HOST "Authorization: a\r\nAuthorization: b\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "no colon here\r\n\r\n",
        "GET /%00 HTTP/1.1\r\n" HOST "\r\n",
        "GET /%zz HTTP/1.1\r\n" HOST "\r\n",
        "GET /%ff HTTP/1.1\r\n" HOST "\r\n",
        "GET /% HTTP/1.1\r\n" HOST "\r\n",
        "GET /\x01 HTTP/1.1\r\n" HOST "\r\n",
        "OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
        "CONNECT h:80 HTTP/1.1\r\n" HOST "\r\n",
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        expect_refused(broken[i], "400");
    expect_refused("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                   "501");
    expect_refused("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "501");
    assert_null(strstr(str_text(&seen), "smuggled"));
}

static const char *status_of(const char *answer)
{
    static char status[4];
    memcpy(status, answer + 9, 3);
    return status;
}

static void survives_nonsense(void **state)
{
    (void)state;
    static const char *const nonsense[] = {
        "\r\n\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02\x01\xfc\x03\x03 hello\r\n\r\n",
        "GET / HTTP/2.0\r\n" HOST "\r\n", "GET / HTTP/9\r\n" HOST "\r\n",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
        "ffffffffffffffffff\r\nabc",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        close(in);
        in = client_open(http_server_port(server));
        client_send(loop, in, nonsense[i]);
        shutdown(in, SHUT_WR);
        struct str got = STR_EMPTY;
        assert_true(client_read(loop, in, &got, 0));
        if (got.length > 0 && !strstr("400 413 505", status_of(got.data)))
            fail_msg("nonsense %zu got\n%s", i, got.data);
        str_free(&got);
    }
    assert_int_equal(http_server_stats(server).requests, 0);
    expect_status("GET / HTTP/1.1\r\n" HOST "\r\n", "200");
}

static void bounds_line_and_headers(void **state)
{
    (void)state;
    struct str r = STR_EMPTY;
    str_puts(&r, "GET /");
    for (int i = 0; i < 3000; i++)
        str_putc(&r, 'a');
    str_puts(&r, " HTTP/1.1\r\n" HOST "\r\n");
    expect_refused(r.data, "414");
    str_clear(&r);
    str_puts(&r, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 70; i++)
        str_printf(&r, "X-%d: y\r\n", i);
    str_puts(&r, "\r\n");
    expect_refused(r.data, "431");
    str_clear(&r);
    str_puts(&r, "GET / HTTP/1.1\r\n" HOST "X: ");
    for (int i = 0; i < 9000; i++)
        str_putc(&r, 'a');
    str_puts(&r, "\r\n\r\n");
    expect_refused(r.data, "431");
    str_clear(&r);
    str_puts(&r, "GET / HTTP/1.1\r\n" HOST "X: ");
    for (int i = 0; i < 1000000; i++)
        str_putc(&r, 'a');
    const char *got = ask_n(r.data, r.length, 0, NULL);
    assert_true(*got == '\0' || strncmp(got + 9, "431", 3) == 0);
    str_free(&r);
}

static void bounds_the_body(void **state)
{
    (void)state;
    struct str r = STR_EMPTY;
    /* The largest that fits. */
    str_puts(&r, "POST /late HTTP/1.1\r\n" HOST "Content-Length: 65536\r\n\r\n");
    for (int i = 0; i < 65536; i++)
        str_putc(&r, 'b');
    client_send_n(loop, in, r.data, r.length);
    while (owed_count == 0)
        loop_turn(loop, 100);
    assert_int_equal(http_waiting(server, owed[0])->body_length, 65536);
    answer_text(owed[0], 200, "whole");
    struct str got = STR_EMPTY;
    client_read(loop, in, &got, 1);
    str_free(&got);
    /* One byte more, told and untold. */
    str_clear(&r);
    str_puts(&r, "POST / HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n");
    for (int i = 0; i < 65537; i++)
        str_putc(&r, 'b');
    expect_refused(r.data, "413");
    str_clear(&r);
    str_puts(&r, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n10001\r\n");
    for (int i = 0; i < 65537; i++)
        str_putc(&r, 'b');
    str_puts(&r, "\r\n0\r\n\r\n");
    expect_refused(r.data, "413");
    str_free(&r);
    /* Told far more than will be read. */
    expect_refused("POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999\r\n\r\nb", "413");
    expect_refused("POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\nb",
                   "413");
}

static void ends_an_endless_body(void **state)
{
    (void)state;
    struct str r = STR_EMPTY;
    str_puts(&r, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 300; i++) {
        str_puts(&r, "2000\r\n");
        for (int j = 0; j < 0x2000; j++)
            str_putc(&r, 'b');
        str_puts(&r, "\r\n");
    }
    bool closed;
    ask_n(r.data, r.length, 0, &closed);
    assert_true(closed);
    assert_int_equal(http_server_stats(server).requests, 0);
    str_free(&r);
}

static void answers_late_and_once(void **state)
{
    (void)state;
    client_send(loop, in, "POST /late HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
    while (owed_count == 0)
        loop_turn(loop, 100);
    assert_int_equal(http_server_stats(server).waiting, 1);
    assert_string_equal(http_waiting(server, owed[0])->body, "abc");
    assert_true(http_answer(server, owed[0], 202, NULL, "", 0, NULL, 0));
    assert_false(http_answer(server, owed[0], 500, NULL, "", 0, NULL, 0));
    assert_null(http_waiting(server, owed[0]));
    struct str got = STR_EMPTY;
    client_read(loop, in, &got, 1);
    assert_ptr_equal(strstr(got.data, "HTTP/1.1 202"), got.data);
    /* The connection goes on. */
    str_clear(&got);
    client_send(loop, in, "GET / HTTP/1.1\r\n" HOST "\r\n");
    client_read(loop, in, &got, 1);
    assert_non_null(strstr(got.data, "\r\n\r\nok"));
    assert_int_equal(http_server_stats(server).dropped, 1);
    str_free(&got);
}

static void pipelines_in_order(void **state)
{
    (void)state;
    struct str r = STR_EMPTY, got = STR_EMPTY;
    for (int i = 0; i < 1000; i++) {
        char body[16];
        int length = snprintf(body, sizeof body, "n%d.", i);
        str_printf(&r, "POST %s HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n%s",
                   i % 10 ? "/echo" : "/late", length, body);
    }
    size_t sent = 0;
    while (client_answers(&got) < 1000) {
        if (sent < r.length) {
            ssize_t put = send(in, r.data + sent, r.length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
            sent += put > 0 ? (size_t)put : 0;
        }
        loop_turn(loop, 1);
        while (owed_count > 0) {
            const struct http_request *q = http_waiting(server, owed[--owed_count]);
            http_answer(server, q->handle, 200, NULL, q->body, q->body_length, NULL, 0);
        }
        char bytes[65536];
        ssize_t read = recv(in, bytes, sizeof bytes, MSG_DONTWAIT);
        assert_true(read > 0 || (read < 0 && errno == EAGAIN));
        if (read > 0)
            str_put(&got, bytes, (size_t)read);
    }
    const char *at = got.data;
    for (int i = 0; i < 1000; i++) {
        char body[24];
        snprintf(body, sizeof body, "\r\n\r\nn%d.", i);
        at = strstr(at, body);
        assert_non_null(at);
    }
    str_free(&r);
    str_free(&got);
}

static void answers_the_half_closed(void **state)
{
    (void)state;
    client_send(loop, in, "POST /late HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx");
    shutdown(in, SHUT_WR);
    while (owed_count == 0)
        loop_turn(loop, 100);
    answer_text(owed[0], 200, "still");
    struct str got = STR_EMPTY;
    assert_true(client_read(loop, in, &got, 0));
    assert_non_null(strstr(str_text(&got), "\r\n\r\nstill"));
    str_free(&got);
}

static void drops_the_answer_to_a_gone_client(void **state)
{
    (void)state;
    struct linger hard = {.l_onoff = 1};
    client_send(loop, in, "POST /late HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx");
    while (owed_count == 0)
        loop_turn(loop, 100);
    setsockopt(in, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(in);
    in = client_open(http_server_port(server));
    answer_text(owed[0], 200, "nobody");
    while (http_server_stats(server).broken == 0)
        loop_turn(loop, 100);
    while (http_server_stats(server).connections > 1)
        loop_turn(loop, 100);
    expect_status("GET / HTTP/1.1\r\n" HOST "\r\n", "200");
}

static void half_a_request_is_no_request(void **state)
{
    (void)state;
    client_send(loop, in, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf");
    shutdown(in, SHUT_WR);
    struct str got = STR_EMPTY;
    assert_true(client_read(loop, in, &got, 0));
    assert_int_equal(http_server_stats(server).requests, 0);
    str_free(&got);
}

static int start_hasty(void **state)
{
    (void)state;
    return start_with(&(struct http_server_options){.request_ms = 300, .idle_ms = 600});
}

static void ends_slow_clients(void **state)
{
    (void)state;
    struct str got = STR_EMPTY;
    /* Nothing; headers a byte at a time; a body that never comes; silence after an answer. */
    assert_true(client_read(loop, in, &got, 0));
    close(in);
    in = client_open(http_server_port(server));
    const char *slow = "GET / HTTP/1.1\r\n" HOST "X-Slow: ";
    bool closed = false;
    for (size_t i = 0; !closed && i < 1000; i++) {
        client_send_n(loop, in, i < strlen(slow) ? slow + i : "a", 1);
        int64_t next_us = loop_steady_us(loop) + 5000; /* slow is what is tested */
        while (loop_steady_us(loop) < next_us)
            loop_turn(loop, 5);
        char byte;
        ssize_t read = recv(in, &byte, 1, MSG_DONTWAIT);
        closed = read == 0 || (read < 0 && errno == ECONNRESET);
    }
    assert_true(closed);
    close(in);
    in = client_open(http_server_port(server));
    client_send(loop, in, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab");
    assert_true(client_read(loop, in, &got, 0));
    assert_int_equal(got.length, 0);
    close(in);
    in = client_open(http_server_port(server));
    client_send(loop, in, "GET / HTTP/1.1\r\n" HOST "\r\n");
    assert_true(client_read(loop, in, &got, 0));
    assert_int_equal(client_answers(&got), 1);
    assert_int_equal(http_server_stats(server).expired, 4);
    str_free(&got);
}

static void waits_for_its_own_answers(void **state)
{
    (void)state;
    struct str got = STR_EMPTY;
    client_send(loop, in, "GET /late HTTP/1.1\r\n" HOST "\r\n");
    while (owed_count == 0)
        loop_turn(loop, 100);
    int64_t until_us = loop_steady_us(loop) + 1200000; /* longer than both deadlines and a sweep */
    while (loop_steady_us(loop) < until_us)
        loop_turn(loop, 50);
    answer_text(owed[0], 200, "worth it");
    client_read(loop, in, &got, 1);
    assert_non_null(strstr(got.data, "worth it"));
    str_free(&got);
}

static int start_narrow(void **state)
{
    (void)state;
    return start_with(&(struct http_server_options){.connections_max = 4, .connections_per_ip = 2});
}

static void caps_connections_of_one_address(void **state)
{
    (void)state;
    struct str got = STR_EMPTY;
    int second = client_open(http_server_port(server)), third;
    client_send(loop, in, "GET / HTTP/1.1\r\n" HOST "\r\n");
    client_read(loop, in, &got, 1);
    str_clear(&got);
    client_send(loop, second, "GET / HTTP/1.1\r\n" HOST "\r\n");
    client_read(loop, second, &got, 1);
    str_clear(&got);
    third = client_open(http_server_port(server));
    assert_true(client_read(loop, third, &got, 0));
    assert_int_equal(got.length, 0);
    close(second);
    close(third);
    str_free(&got);
}

static int start_two(void **state)
{
    (void)state;
    return start_with(&(struct http_server_options){.connections_max = 2});
}

static void more_connections_wait_their_turn(void **state)
{
    (void)state;
    struct str got = STR_EMPTY;
    int more[6];
    for (int i = 0; i < 6; i++)
        more[i] = client_open(http_server_port(server));
    for (int i = 0; i < 6; i++)
        client_send(loop, more[i], "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    close(in);
    for (int i = 0; i < 6; i++) {
        str_clear(&got);
        client_read(loop, more[i], &got, 1);
        assert_non_null(strstr(got.data, "200 OK"));
        close(more[i]);
    }
    in = client_open(http_server_port(server));
    str_free(&got);
}

static void quiesces(void **state)
{
    (void)state;
    struct str got = STR_EMPTY;
    client_send(loop, in, "GET /late HTTP/1.1\r\n" HOST "\r\n");
    while (owed_count == 0)
        loop_turn(loop, 100);
    uint16_t port = http_server_port(server);
    http_server_quiesce(server);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), -1);
    close(fd);
    answer_text(owed[0], 200, "last");
    assert_true(client_read(loop, in, &got, 0));
    assert_non_null(strstr(got.data, "Connection: close"));
    assert_non_null(strstr(got.data, "last"));
    str_free(&got);
}

static void freeing_answers_what_waits(void **state)
{
    (void)state;
    client_send(loop, in, "GET /late HTTP/1.1\r\n" HOST "\r\n");
    while (owed_count == 0)
        loop_turn(loop, 100);
    http_server_free(server);
    server = NULL;
    char bytes[512] = "";
    assert_true(recv(in, bytes, sizeof bytes - 1, 0) > 0);
    assert_non_null(strstr(bytes, "503"));
}

static void says_why_it_cannot_listen(void **state)
{
    (void)state;
    struct err err;
    struct http_server_options o = {.handler = handle, .port = http_server_port(server)};
    assert_null(http_server_new(loop, &o, &err));
    assert_int_equal(err.class, ERR_LATER);
    assert_int_equal(err.code, ERR_BUSY);
    assert_non_null(strstr(err.text, "is taken"));
    o.address = "not an address";
    assert_null(http_server_new(loop, &o, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    o = (struct http_server_options){
        .handler = handle, .tls_cert_path = "/nonexistent.pem", .tls_key_path = "/dev/null"};
    assert_null(http_server_new(loop, &o, &err));
    assert_non_null(strstr(err.text, "/nonexistent.pem"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(answers_at_once),
        T(looks_up_headers_and_query),
        T(takes_chunked_bodies),
        T(continues_when_asked),
        T(refuses_what_could_smuggle),
        cmocka_unit_test_setup_teardown(survives_nonsense, start_hasty, stop),
        T(bounds_line_and_headers),
        T(bounds_the_body),
        T(ends_an_endless_body),
        T(answers_late_and_once),
        T(pipelines_in_order),
        T(answers_the_half_closed),
        T(drops_the_answer_to_a_gone_client),
        cmocka_unit_test_setup_teardown(half_a_request_is_no_request, start_hasty, stop),
        cmocka_unit_test_setup_teardown(ends_slow_clients, start_hasty, stop),
        cmocka_unit_test_setup_teardown(waits_for_its_own_answers, start_hasty, stop),
        cmocka_unit_test_setup_teardown(caps_connections_of_one_address, start_narrow, stop),
        cmocka_unit_test_setup_teardown(more_connections_wait_their_turn, start_two, stop),
        T(quiesces),
        T(freeing_answers_what_waits),
        T(says_why_it_cannot_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
