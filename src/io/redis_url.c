/* What a Redis URL says, and how it is shown. */
#include "io/redis_parts.h"

#include <stdlib.h>
#include <string.h>

#define REDIS_PORT 6379
#define SENTINEL_PORT 26379

static bool refuse(struct err *err, const char *why)
{
    return err_set(err, ERR_REFUSED, ERR_CONFIG,
                   "%s; write redis://host:port, redis+sentinel://host,host/master or "
                   "redis+cluster://host:port,host:port",
                   why);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* %41 becomes A. False: no such character, or it does not fit. */
static bool read_part(char *out, size_t size, const char *from, size_t length)
{
    size_t put = 0;
    for (size_t i = 0; i < length; i++) {
        char c = from[i];
        if (c == '%') {
            int high = i + 2 < length ? hex_digit(from[i + 1]) : -1;
            int low = i + 2 < length ? hex_digit(from[i + 2]) : -1;
            c = (char)(high * 16 + low);
            if (high < 0 || low < 0 || c == '\0')
                return false;
            i += 2;
        }
        if (put + 1 >= size)
            return false;
        out[put++] = c;
    }
    out[put] = '\0';
    return true;
}

static bool read_port(const char *text, size_t length, int *port)
{
    int value = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || value > 65535)
            return false;
        value = value * 10 + (text[i] - '0');
    }
    *port = value;
    return length > 0 && value > 0 && value <= 65535;
}

/* host, host:port, [::1]:port */
static bool read_place(const char *text, size_t length, int port, struct redis_place *place)
{
    const char *host = text, *end = text + length, *colon = NULL;
    size_t host_length = length;
    if (length && *text == '[') {
        const char *closed = memchr(text, ']', length);
        if (!closed)
            return false;
        host++;
        host_length = (size_t)(closed - host);
        if (closed + 1 < end && closed[1] != ':')
            return false;
        colon = closed + 1 < end ? closed + 1 : NULL;
    } else if ((colon = memchr(text, ':', length))) {
        host_length = (size_t)(colon - text);
    }
    place->port = port;
    if (host_length == 0 || host_length >= sizeof place->host ||
        (colon && !read_port(colon + 1, (size_t)(end - colon) - 1, &place->port)))
        return false;
    memcpy(place->host, host, host_length);
    place->host[host_length] = '\0';
    return true;
}

static bool read_places(struct redis_url *url, const char *text, size_t length, struct err *err)
{
    int port = url->topology == REDIS_SENTINEL ? SENTINEL_PORT : REDIS_PORT;
    for (const char *end = text + length;;) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        const char *stop = comma ? comma : end;
        if (url->place_count == REDIS_NODES_MAX)
            return refuse(err, "too many hosts");
        if (!read_place(text, (size_t)(stop - text), port, &url->places[url->place_count++]))
            return refuse(err, "a host or port does not read");
        if (!comma)
            break;
        text = comma + 1;
    }
    return (url->topology != REDIS_SINGLE || url->place_count == 1) ||
           refuse(err, "one host alone");
}

static bool read_credentials(struct redis_url *url, const char *text, size_t length,
                             struct err *err)
{
    const char *colon = memchr(text, ':', length);
    size_t user = colon ? (size_t)(colon - text) : length;
    if (!read_part(url->user, sizeof url->user, text, user) ||
        (colon && !read_part(url->password, sizeof url->password, colon + 1, length - user - 1)))
        return refuse(err, "user or password does not read");
    return true;
}

static bool read_path(struct redis_url *url, const char *path, struct err *err)
{
    if (url->topology == REDIS_SENTINEL) {
        size_t length = strcspn(path, "/");
        if (!length || !read_part(url->master, sizeof url->master, path, length))
            return refuse(err, "the name of the master is missing after the Sentinels");
        path += length;
        path += *path == '/';
    }
    if (!*path)
        return true;
    if (url->topology == REDIS_CLUSTER)
        return refuse(err, "a cluster has no databases");
    if (strlen(path) > 4 || strspn(path, "0123456789") != strlen(path))
        return refuse(err, "the database is a number");
    url->db = (int)strtol(path, NULL, 10);
    return true;
}

bool redis_url_read(const char *text, struct redis_url *url, struct err *err)
{
    static const struct {
        const char *scheme;
        enum redis_topology topology;
    } schemes[] = {{"redis://", REDIS_SINGLE},
                   {"redis+sentinel://", REDIS_SENTINEL},
                   {"redis+cluster://", REDIS_CLUSTER}};
    const char *rest = NULL;
    *url = (struct redis_url){0};
    if (text_starts(text, "rediss"))
        return err_set(err, ERR_REFUSED, ERR_CONFIG,
                       "no TLS (rediss) in this build, it needs hiredis 1.0 or newer and "
                       "this is %d.%d; use redis:// over loopback, a private network or a tunnel "
                       "(stunnel, WireGuard)",
                       HIREDIS_MAJOR, HIREDIS_MINOR);
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes && !rest; i++)
        if (text_starts(text, schemes[i].scheme)) {
            url->topology = schemes[i].topology;
            rest = text + strlen(schemes[i].scheme);
        }
    if (!rest)
        return refuse(err, "no such kind of URL");
    size_t length = strcspn(rest, "/");
    const char *path = rest[length] ? rest + length + 1 : rest + length;
    const char *at = memrchr(rest, '@', length);
    if (at && !read_credentials(url, rest, (size_t)(at - rest), err))
        return false;
    const char *places = at ? at + 1 : rest;
    return read_places(url, places, length - (size_t)(places - rest), err) &&
           read_path(url, path, err);
}

bool redis_url_check(const char *text, struct err *err)
{
    struct redis_url url;
    bool ok = redis_url_read(text, &url, err);
    explicit_bzero(&url, sizeof url);
    return ok;
}

void redis_url_hide(const char *text, char *out, size_t size)
{
    const char *slashes = strstr(text, "://");
    const char *rest = slashes ? slashes + 3 : text;
    const char *at = memrchr(rest, '@', strcspn(rest, "/"));
    struct str shown = {.max = size - 1};
    str_put(&shown, text, (size_t)(rest - text));
    str_puts(&shown, at ? at + 1 : rest);
    text_copy(out, size, str_text(&shown));
    str_free(&shown);
}
