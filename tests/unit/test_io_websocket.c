/* The WebSocket client against a server made of one socket and hostile bytes: every connection
 * tells its end exactly once, and nothing malformed reaches the caller. */
#include "io/websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/hash.h"
#include "io_client.h"
#include <openssl/evp.h>

static struct loop *loop;
static struct websocket *ws;
static int listener, peer;
static char url[80];
static struct {
    int opened, messages, closed;
    unsigned code;
    struct err err;
    struct str last;
    bool text, free_on_message;
} got;

static void on_open(void *ctx)
{
    (void)ctx;
    got.opened++;
}

static void on_message(void *ctx, const char *bytes, size_t length, bool text)
{
    (void)ctx;
    assert_int_equal(got.opened, 1);
    assert_int_equal(got.closed, 0);
    got.messages++;
    got.text = text;
    str_clear(&got.last);
    str_put(&got.last, bytes, length);
    if (got.free_on_message) {
        websocket_free(ws);
        ws = NULL;
    }
}

static void on_close(void *ctx, unsigned code, const struct err *err)
{
    (void)ctx;
    got.closed++;
    got.code = code;
    got.err = *err;
}

static int start(void **state)
{
    (void)state;
    struct err err;
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t length = sizeof in;
    loop = loop_new(clock_real(), NULL, &err);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&in, sizeof in) != 0 || listen(listener, 4) != 0)
        return -1;
    getsockname(listener, (struct sockaddr *)&in, &length);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/path?key=secret", ntohs(in.sin_port));
    memset(&got, 0, sizeof got);
    peer = -1;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    websocket_free(ws);
    ws = NULL;
    while (loop_turn(loop, 0)) {
    }
    str_free(&got.last);
    close(listener);
    if (peer >= 0)
        close(peer);
    loop_free(loop);
    return 0;
}

static void ask(int64_t open_ms, int64_t ping_ms, int64_t silence_ms)
{
    struct err err;
    ws = websocket_open(loop,
                        &(struct websocket_options){.url = url,
                                                    .open_timeout_ms = open_ms,
                                                    .ping_after_ms = ping_ms,
                                                    .silence_max_ms = silence_ms,
                                                    .message_max = 4096,
                                                    .queue_max = 8192,
                                                    .on_open = on_open,
                                                    .on_message = on_message,
                                                    .on_close = on_close},
                        &err);
    assert_non_null(ws);
}

static void await(const int *count, int least)
{
    int64_t until_us = loop_steady_us(loop) + CLIENT_PATIENCE_US;
    while (*count < least) {
        assert_true(loop_steady_us(loop) < until_us);
        loop_turn(loop, 100);
    }
}

static void take_request(char key[64])
{
    struct str in = STR_EMPTY;
    char bytes[2048];
    client_await(loop, listener, POLLIN);
    peer = accept(listener, NULL, NULL);
    while (!strstr(str_text(&in), "\r\n\r\n")) {
        client_await(loop, peer, POLLIN);
        ssize_t size = recv(peer, bytes, sizeof bytes, 0);
        assert_true(size > 0);
        str_put(&in, bytes, (size_t)size);
    }
    assert_true(text_starts(str_text(&in), "GET /path?key=secret HTTP/1.1\r\nHost: 127.0.0.1:"));
    const char *at = strstr(str_text(&in), "Sec-WebSocket-Key: ");
    assert_non_null(at);
    snprintf(key, 64, "%.24s", at + 19);
    str_free(&in);
}

static void put_accept(char *out, size_t size, const char *key)
{
    char joined[128], coded[40];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    snprintf(joined, sizeof joined, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    assert_int_equal(EVP_Digest(joined, strlen(joined), digest, &length, EVP_sha1(), NULL), 1);
    base64_print(digest, length, coded);
    snprintf(out, size,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n"
             "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
             coded);
}

static void shake(const char *more, size_t length)
{
    char key[64], text[512];
    take_request(key);
    put_accept(text, sizeof text, key);
    struct str out = STR_EMPTY;
    str_puts(&out, text);
    str_put(&out, more, length);
    client_send_n(loop, peer, out.data, out.length);
    str_free(&out);
}

static void opened(void)
{
    ask(0, 0, 0);
    shake("", 0);
    await(&got.opened, 1);
}

#define SEND(bytes) client_send_n(loop, peer, bytes, sizeof(bytes) - 1)

/* Reads one frame of the client, unmasked; returns its opcode. */
static int take_frame(struct str *out)
{
    unsigned char head[14];
    size_t have = 0, want = 6, length = 0;
    str_clear(out);
    while (have < want) {
        client_await(loop, peer, POLLIN);
        ssize_t size = recv(peer, head + have, want - have, 0);
        assert_true(size > 0);
        have += (size_t)size;
        if (have >= 2) {
            assert_true(head[1] & 0x80); /* clients mask */
            length = head[1] & 0x7f;
            want = length == 126 ? 8 : 6;
            assert_int_not_equal(length, 127);
        }
    }
    const unsigned char *mask = head + want - 4;
    if (length == 126)
        length = (size_t)head[2] << 8 | head[3];
    for (size_t i = 0; i < length; i++) {
        unsigned char byte;
        client_await(loop, peer, POLLIN);
        assert_int_equal(recv(peer, &byte, 1, 0), 1);
        str_putc(out, (char)(byte ^ mask[i % 4]));
    }
    return head[0] & 0x0f;
}

static void carries_messages_both_ways(void **state)
{
    (void)state;
    struct str frame = STR_EMPTY;
    struct err err;
    ask(0, 0, 0);
    assert_false(websocket_send(ws, "early", 5, &err));
    shake("\x81\x05hello", 7); /* in the same packet as the handshake's answer */
    await(&got.messages, 1);
    assert_string_equal(str_text(&got.last), "hello");
    assert_true(got.text);
    assert_true(websocket_send(ws, "{\"id\":1}", 8, &err));
    assert_int_equal(take_frame(&frame), 1);
    assert_string_equal(str_text(&frame), "{\"id\":1}");
    SEND("\x82\x03\x01\x02\x03");
    await(&got.messages, 2);
    assert_false(got.text);
    assert_int_equal(got.last.length, 3);
    str_free(&frame);
}

static void joins_fragments_around_a_ping(void **state)
{
    (void)state;
    struct str frame = STR_EMPTY;
    opened();
    SEND("\x01\x02ge");
    SEND("\x89\x04ping");
    assert_int_equal(take_frame(&frame), 10); /* the pong carries the same payload */
    assert_string_equal(str_text(&frame), "ping");
    assert_int_equal(got.messages, 0);
    SEND("\x80\x03ther\x01!");
    str_clear(&frame);
    await(&got.closed, 1); /* "r" begins a frame with a reserved bit */
    assert_int_equal(got.messages, 1);
    assert_string_equal(str_text(&got.last), "gethe");
    str_free(&frame);
}

static void comes_byte_by_byte(void **state)
{
    (void)state;
    static const char frame[] = "\x81\x7e\x00\x80";
    char text[128];
    memset(text, 'x', sizeof text);
    opened();
    for (size_t i = 0; i < 4; i++) {
        client_send_n(loop, peer, frame + i, 1);
        loop_turn(loop, 10);
    }
    for (size_t i = 0; i < sizeof text; i++) {
        client_send_n(loop, peer, text + i, 1);
        loop_turn(loop, 0);
    }
    await(&got.messages, 1);
    assert_int_equal(got.last.length, 128);
}

static void ends_on_hostile_frames(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        unsigned code;
    } cases[] = {
        {"\xc1\x01x", 3, 1002},                                 /* a reserved bit */
        {"\x83\x01x", 3, 1002},                                 /* a reserved opcode */
        {"\x80\x01x", 3, 1002},                                 /* a continuation of nothing */
        {"\x01\x01x\x01\x01y", 6, 1002},                        /* a message inside a message */
        {"\x09\x00", 2, 1002},                                  /* a ping in fragments */
        {"\x89\x7e\x00\x7e", 4, 1002},                          /* a ping that is too long */
        {"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10, 1002}, /* 2^64-1 bytes */
        {"\x81\x7e\x20\x00x", 5, 1009},                         /* 8 KiB where 4 are allowed */
        {"\x81\x02\xc3\x28", 4, 1007},                          /* no UTF-8 */
        {"\x88\x01x", 3, 1002},                                 /* half a close code */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opened();
        client_send_n(loop, peer, cases[i].bytes, cases[i].length);
        await(&got.closed, 1);
        /* A header that cannot be framed is answered by a close without a code. */
        if (got.code != cases[i].code && !(got.code == 1005 && cases[i].code == 1002))
            print_message("case %zu: code %u\n", i, got.code);
        assert_true(got.code == cases[i].code || (got.code == 1005 && cases[i].code == 1002));
        assert_int_equal(got.messages, 0);
        assert_int_equal(got.closed, 1);
        websocket_free(ws);
        close(peer);
        memset(&got, 0, sizeof got);
    }
    ws = NULL;
    peer = -1;
}

static void refuses_a_large_message_in_fragments(void **state)
{
    (void)state;
    char text[1004] = "\x00\x7e\x03\xe8";
    opened();
    text[0] = 1;
    for (int i = 0; i < 6 && got.closed == 0; i++) {
        client_send_n(loop, peer, text, sizeof text);
        text[0] = 0;
        loop_turn(loop, 10);
    }
    await(&got.closed, 1);
    assert_int_equal(got.code, 1009);
    assert_int_equal(got.messages, 0);
}

static void answer_badly(const char *format)
{
    char key[64], good[512], bad[600];
    ask(0, 0, 0);
    take_request(key);
    put_accept(good, sizeof good, key);
    const char *coded = strstr(good, "Accept: ") + 8;
    snprintf(bad, sizeof bad, format, 28, coded);
    client_send(loop, peer, bad);
    await(&got.closed, 1);
    assert_int_equal(got.opened, 0);
    assert_int_equal(got.err.class, ERR_NOT_DONE);
    assert_null(strstr(got.err.text, "secret"));
    websocket_free(ws);
    close(peer);
    memset(&got, 0, sizeof got);
    ws = NULL;
    peer = -1;
}

static void judges_the_handshake(void **state)
{
    (void)state;
#define HEAD "HTTP/1.1 101 Switching\r\n"
    answer_badly("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n%.*s");
    answer_badly("HTTP/1.1 429 Too Many\r\nRetry-After: 5\r\n\r\n%.*s");
    answer_badly(HEAD "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n%.*s");
    answer_badly(HEAD "Upgrade: h2c\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Accept: %.*s\r\n\r\n");
    answer_badly(HEAD "Upgrade: websocket\r\nConnection: close\r\n"
                      "Sec-WebSocket-Accept: %.*s\r\n\r\n");
    answer_badly(HEAD "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Accept: x%.*s\r\n\r\n");
    answer_badly(HEAD "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                      "Sec-WebSocket-Accept: %.*s\r\n\r\n");
    answer_badly("\x16\x03\x01 garbage \r\n\r\n%.*s");
}

static void bounds_the_handshake(void **state)
{
    (void)state;
    char key[64], line[1024];
    ask(0, 0, 0);
    take_request(key);
    client_send(loop, peer, HEAD);
    memset(line, 'x', sizeof line);
    for (int i = 0; i < 40 && !got.closed; i++) {
        client_send_n(loop, peer, line, sizeof line);
        loop_turn(loop, 10);
    }
    await(&got.closed, 1);
    assert_non_null(strstr(got.err.text, "too long"));
}

static void has_deadlines(void **state)
{
    (void)state;
    char key[64];
    struct str frame = STR_EMPTY;
    ask(50, 0, 0); /* nobody accepts, nobody answers */
    await(&got.closed, 1);
    assert_int_equal(got.err.code, ERR_TIMEOUT);
    websocket_free(ws);
    ws = NULL;
    take_request(key); /* what the first one sent before it gave up */
    close(peer);
    memset(&got, 0, sizeof got);
    ask(0, 50, 200);
    shake("", 0);
    await(&got.opened, 1);
    assert_int_equal(take_frame(&frame), 9); /* silence: a ping, then the end */
    assert_int_equal(got.closed, 0);
    await(&got.closed, 1);
    assert_int_equal(got.err.code, ERR_TIMEOUT);
    str_free(&frame);
}

static void closes_politely(void **state)
{
    (void)state;
    struct str frame = STR_EMPTY;
    opened();
    SEND("\x88\x02\x03\xe9"); /* 1001 */
    assert_int_equal(take_frame(&frame), 8);
    await(&got.closed, 1);
    assert_int_equal(got.code, 1001);
    websocket_free(ws);
    close(peer);
    memset(&got, 0, sizeof got);
    opened();
    websocket_close(ws, 1000);
    assert_int_equal(take_frame(&frame), 8);
    assert_int_equal(got.closed, 0);
    SEND("\x88\x02\x03\xe8");
    await(&got.closed, 1);
    assert_int_equal(got.code, 1000);
    str_free(&frame);
}

static void tells_a_broken_connection(void **state)
{
    (void)state;
    struct err err;
    opened();
    SEND("\x81\x05he");
    close(peer);
    peer = -1;
    await(&got.closed, 1);
    assert_int_equal(got.messages, 0);
    assert_false(websocket_send(ws, "x", 1, &err));
    assert_int_equal(err.class, ERR_NOT_DONE);
}

static void is_freed_inside_its_callback(void **state)
{
    (void)state;
    got.free_on_message = true;
    ask(0, 0, 0);
    shake("\x81\x01"
          "a\x81\x01"
          "b",
          6);
    await(&got.messages, 1);
    loop_turn(loop, 20);
    assert_int_equal(got.messages, 1);
    assert_int_equal(got.closed, 0);
}

static void bounds_what_waits(void **state)
{
    (void)state;
    struct err err;
    char text[4000];
    int queued = 0;
    memset(text, 'x', sizeof text);
    opened();
    while (queued < 10 && websocket_send(ws, text, sizeof text, &err))
        queued++;
    assert_int_equal(queued, 2);
    assert_int_equal(err.class, ERR_LATER);
}

static void refuses_other_urls(void **state)
{
    (void)state;
    struct err err;
    static const char *const bad[] = {"http://127.0.0.1/", "ws://",       "ws:///x",
                                      "wss://a\r\nb/",     "ws://u:p@h/", NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(websocket_open(loop, &(struct websocket_options){.url = bad[i]}, &err));
        assert_int_equal(err.class, ERR_REFUSED);
    }
}

static void tells_a_refused_connection(void **state)
{
    (void)state;
    close(listener);
    listener = -1;
    ask(0, 0, 0);
    await(&got.closed, 1);
    assert_int_equal(got.err.class, ERR_NOT_DONE);
    assert_int_equal(got.err.code, ERR_IO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(carries_messages_both_ways),
        TEST(joins_fragments_around_a_ping),
        TEST(comes_byte_by_byte),
        TEST(ends_on_hostile_frames),
        TEST(refuses_a_large_message_in_fragments),
        TEST(judges_the_handshake),
        TEST(bounds_the_handshake),
        TEST(has_deadlines),
        TEST(closes_politely),
        TEST(tells_a_broken_connection),
        TEST(is_freed_inside_its_callback),
        TEST(bounds_what_waits),
        TEST(refuses_other_urls),
        TEST(tells_a_refused_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
