/* The listening socket of the HTTP server, made here and not by the library, for errors that say
 * what is wrong and what to do. */
#include "io/http_private.h"
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

static bool read_address(const char *text, uint16_t port, struct sockaddr_storage *out,
                         socklen_t *length, struct err *err)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        memcpy(out, &in, *length = sizeof in);
    else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
        memcpy(out, &in6, *length = sizeof in6);
    else
        return err_set(
            err, ERR_REFUSED, ERR_CONFIG,
            "%s is not an IPv4 or IPv6 address; use 127.0.0.1, 0.0.0.0, ::1 or ::", text);
    return true;
}

static bool fail_listen(struct err *err, const char *address, unsigned port, int error)
{
    if (error == EADDRINUSE)
        return err_set(
            err, ERR_LATER, ERR_BUSY,
            "%s port %u is taken by another process; stop that process or choose another port",
            address, port);
    if (error == EACCES)
        return err_set(err, ERR_REFUSED, ERR_CONFIG,
                       "this user may not listen on %s port %u; choose a port from 1024 up or give "
                       "CAP_NET_BIND_SERVICE",
                       address, port);
    if (error == EADDRNOTAVAIL)
        return err_set(err, ERR_REFUSED, ERR_CONFIG,
                       "this machine has no address %s to listen on; correct it", address);
    return err_set(err, ERR_NOT_DONE, ERR_IO, "cannot listen on %s port %u: %s", address, port,
                   strerror(error));
}

int http_listen(const char *address, uint16_t *port, struct err *err)
{
    struct sockaddr_storage where;
    socklen_t length;
    int on = 1;
    if (!read_address(address, *port, &where, &length, err))
        return -1;
    int fd = socket(where.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, (struct sockaddr *)&where, length) == 0 && listen(fd, BACKLOG) == 0 &&
        getsockname(fd, (struct sockaddr *)&where, &length) == 0) {
        *port = ntohs(where.ss_family == AF_INET ? ((struct sockaddr_in *)&where)->sin_port
                                                 : ((struct sockaddr_in6 *)&where)->sin6_port);
        return fd;
    }
    fail_listen(err, address, *port, errno);
    if (fd >= 0)
        close(fd);
    return -1;
}
