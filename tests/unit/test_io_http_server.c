/* The HTTP server over real sockets: what decent clients need. */
#include "io/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "http_fixture.h"

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
    const char *got =
        ask("GET /look?x=1&a+b=c%2Fd+%C3%A9&empty HTTP/1.1\r\n" HOST "X-Thing: one two\r\n\r\n");
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
                   "\r\n",
                   "413");
    expect_refused("POST / HTTP/1.1\r\n" HOST "Expect: gold\r\nContent-Length: 1\r\n\r\nx", "417");
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

static int start_hasty(void **state)
{
    (void)state;
    return start_with(&(struct http_server_options){.request_ms = 300, .idle_ms = 600});
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
        T(answers_late_and_once),
        T(pipelines_in_order),
        T(answers_the_half_closed),
        cmocka_unit_test_setup_teardown(waits_for_its_own_answers, start_hasty, stop),
        T(quiesces),
        T(freeing_answers_what_waits),
        T(says_why_it_cannot_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
