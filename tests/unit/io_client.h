/* A raw HTTP client for the tests of the HTTP server: sends exactly the bytes it is given over a
 * real socket while the loop turns in the same thread. Waits for descriptors, never for time. */
#ifndef TIDELOCK_TESTS_IO_CLIENT_H
#define TIDELOCK_TESTS_IO_CLIENT_H
#include "base/str.h"
#include "io/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENT_PATIENCE_US 20000000

static inline int client_open(uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
    return fd;
}

/* Turns the loop until the descriptor has one of the events. */
static inline void client_await(struct loop *loop, int fd, short events)
{
    int64_t until_us = loop_steady_us(loop) + CLIENT_PATIENCE_US;
    for (;;) {
        while (loop_turn(loop, 0)) {
        }
        struct pollfd fds[] = {{.fd = fd, .events = events},
                               {.fd = loop_fd(loop), .events = POLLIN}};
        assert_true(poll(fds, 2, (int)loop_next_ms(loop)) >= 0);
        if (fds[0].revents)
            return;
        assert_true(loop_steady_us(loop) < until_us);
    }
}

static inline void client_send_n(struct loop *loop, int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        client_await(loop, fd, POLLOUT);
        ssize_t put = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put < 0 && (errno == EPIPE || errno == ECONNRESET))
            return; /* closed on us: the reading side says what the test expects */
        if (put < 0 && errno == EAGAIN)
            continue;
        assert_true(put > 0);
        bytes += put;
        length -= (size_t)put;
    }
}

static inline void client_send(struct loop *loop, int fd, const char *text)
{
    client_send_n(loop, fd, text, strlen(text));
}

/* Appends what comes until `count` answers are whole or the server closes. True: closed. */
static inline size_t client_answers(const struct str *in)
{
    size_t count = 0;
    const char *at = str_text(in);
    for (;;) {
        const char *blank = strstr(at, "\r\n\r\n");
        if (!blank)
            return count;
        const char *field = strcasestr(at, "content-length:");
        size_t length = 0;
        if (field && field < blank)
            for (field += 15; *field == ' ' || (*field >= '0' && *field <= '9'); field++)
                if (*field != ' ')
                    length = length * 10 + (size_t)(*field - '0');
        if (strlen(blank + 4) < length)
            return count;
        at = blank + 4 + length;
        count++;
    }
}

static inline bool client_read(struct loop *loop, int fd, struct str *in, size_t count)
{
    char bytes[65536];
    while (count == 0 || client_answers(in) < count) {
        client_await(loop, fd, POLLIN);
        ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            return true;
        assert_true(got > 0 || errno == EAGAIN);
        if (got > 0)
            str_put(in, bytes, (size_t)got);
    }
    return false;
}
#endif
