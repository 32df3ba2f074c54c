/* The HTTP server over real sockets: what hostile and broken clients get. */
#include "io/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "http_fixture.h"

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
                   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                   "501");
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
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "\x16\x03\x01\x02\x01\xfc\x03\x03 hello\r\n\r\n",
        "GET / HTTP/2.0\r\n" HOST "\r\n",
        "GET / HTTP/9\r\n" HOST "\r\n",
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

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(refuses_what_could_smuggle),
        cmocka_unit_test_setup_teardown(survives_nonsense, start_hasty, stop),
        T(bounds_line_and_headers),
        T(bounds_the_body),
        T(ends_an_endless_body),
        T(drops_the_answer_to_a_gone_client),
        cmocka_unit_test_setup_teardown(half_a_request_is_no_request, start_hasty, stop),
        cmocka_unit_test_setup_teardown(ends_slow_clients, start_hasty, stop),
        cmocka_unit_test_setup_teardown(caps_connections_of_one_address, start_narrow, stop),
        cmocka_unit_test_setup_teardown(more_connections_wait_their_turn, start_two, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
