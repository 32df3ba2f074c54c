/* Between a client and a server on loopback: passes everything on, until it is told to lose
 * something. A process of its own. */
#ifndef TEST_PG_PROXY_H
#define TEST_PG_PROXY_H
#include "pg_server.h"
#include <sys/mman.h>

enum pg_proxy_mode {
    PROXY_PASS,
    PROXY_LOSE_REPLY,   /* the next request arrives, its reply does not: both ends are cut */
    PROXY_LOSE_REQUEST, /* nor does the request */
    PROXY_FREEZE,       /* nothing passes either way, until the mode is another */
    PROXY_FREEZE_REPLY, /* the next request passes, then all freezes */
};
struct pg_proxy {
    int port, server_port;
    pid_t pid;
    volatile int *mode; /* goes back to PASS when it was done */
};
#define PROXY_PAIRS 32

static inline int pg_proxy_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

/* False: this pair is cut. */
static inline bool pg_proxy_pass(const struct pg_proxy *proxy, int from, int to, bool request,
                                 bool *doomed)
{
    char bytes[65536];
    if (!request && *proxy->mode == PROXY_FREEZE_REPLY)
        *proxy->mode = PROXY_FREEZE;
    while (*proxy->mode == PROXY_FREEZE)
        poll(NULL, 0, 1);
    ssize_t length = read(from, bytes, sizeof bytes);
    if (length <= 0)
        return false;
    if (!request && *doomed)
        return false;
    if (request && *proxy->mode == PROXY_LOSE_REQUEST) {
        *proxy->mode = PROXY_PASS;
        return false;
    }
    if (request && *proxy->mode == PROXY_LOSE_REPLY) {
        *proxy->mode = PROXY_PASS;
        *doomed = true;
    }
    for (ssize_t sent = 0, n; sent < length; sent += n)
        if ((n = write(to, bytes + sent, (size_t)(length - sent))) <= 0)
            return false;
    return true;
}

static inline void pg_proxy_work(const struct pg_proxy *proxy, int listener)
{
    struct pollfd fds[1 + 2 * PROXY_PAIRS];
    bool doomed[PROXY_PAIRS] = {false};
    for (int i = 0; i < 1 + 2 * PROXY_PAIRS; i++)
        fds[i] = (struct pollfd){.fd = i ? -1 : listener, .events = POLLIN};
    for (;;) {
        if (poll(fds, 1 + 2 * PROXY_PAIRS, -1) < 0)
            continue;
        for (int p = 0; p < PROXY_PAIRS; p++) {
            struct pollfd *pair = &fds[1 + 2 * p];
            bool ok = pair[0].fd >= 0;
            for (int side = 0; ok && side < 2; side++)
                if (pair[side].revents)
                    ok = pg_proxy_pass(proxy, pair[side].fd, pair[!side].fd, side == 0, &doomed[p]);
            if (ok || pair[0].fd < 0)
                continue;
            close(pair[0].fd);
            close(pair[1].fd);
            pair[0].fd = pair[1].fd = -1;
        }
        for (int p = 0; fds[0].revents && p < PROXY_PAIRS; p++) {
            struct pollfd *pair = &fds[1 + 2 * p];
            if (pair[0].fd >= 0)
                continue;
            pair[0].fd = accept(listener, NULL, NULL);
            pair[1].fd = pg_proxy_connect(proxy->server_port);
            pair[0].revents = pair[1].revents = 0;
            doomed[p] = false;
            break;
        }
    }
}

static inline void pg_proxy_start(struct pg_proxy *proxy, int server_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&address, length) || listen(fd, 16) ||
        getsockname(fd, (struct sockaddr *)&address, &length))
        pg_server_fail("no proxy");
    proxy->port = ntohs(address.sin_port);
    proxy->server_port = server_port;
    proxy->mode =
        mmap(NULL, sizeof *proxy->mode, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    proxy->pid = fork();
    if (proxy->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        pg_proxy_work(proxy, fd);
    }
    close(fd);
}

static inline void pg_proxy_stop(struct pg_proxy *proxy)
{
    kill(proxy->pid, SIGKILL);
    waitpid(proxy->pid, NULL, 0);
}
#endif
