/* One HTTP exchange over curl: what is sent, what is kept of the reply, and what a failure means.
 */
#include "io/http_fetch.h"
#include <pthread.h>
#include <string.h>
#include <strings.h>

#define TIMEOUT_MS_DEFAULT 10000
#define CONNECT_TIMEOUT_MS_DEFAULT 3000
#define REPLY_MAX_DEFAULT (1024 * 1024)
#define REPLY_HEADERS_MAX 32768

static void start_library(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void http_exchange_library(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_library);
}

/* Callbacks
 * ---------------------------------------------------------------------------------------- */

static size_t keep_header(char *bytes, size_t size, size_t count, void *ctx)
{
    struct http_exchange *x = ctx;
    size_t length = size * count;
    /* A status line begins a new answer: that of 100 Continue is not the final one. */
    if (length > 5 && memcmp(bytes, "HTTP/", 5) == 0)
        str_clear(&x->reply_headers);
    else
        str_put(&x->reply_headers, bytes, length);
    return length;
}

static size_t keep_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct http_exchange *x = ctx;
    size_t length = size * count;
    if (x->reply_body.length + length > x->reply_max) {
        x->reply_too_large = true;
        return 0;
    }
    str_put(&x->reply_body, bytes, length);
    return length;
}

/* The body is given through a callback that cannot go back: curl then fails, where it would
 * silently send the request again when a kept-alive connection breaks. */
static size_t give_body(char *out, size_t size, size_t count, void *ctx)
{
    struct http_exchange *x = ctx;
    size_t room = size * count, left = x->body_length - x->body_sent;
    size_t length = left < room ? left : room;
    memcpy(out, x->body + x->body_sent, length);
    x->body_sent += length;
    return length;
}

static int refuse_seek(void *ctx, curl_off_t offset, int origin)
{
    struct http_exchange *x = ctx;
    if (x->once || origin != SEEK_SET || offset < 0 || (size_t)offset > x->body_length)
        return CURL_SEEKFUNC_FAIL;
    x->body_sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* Preparing
 * ---------------------------------------------------------------------------------------- */

static bool is_line(const char *text)
{
    return text && text[strcspn(text, "\r\n")] == '\0';
}

static bool name_where(struct http_exchange *x, const char *url, struct err *err)
{
    if (!url || (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0))
        return err_set(err, ERR_REFUSED, ERR_INPUT, "the URL must start with http:// or https://");
    const char *host = strstr(url, "://") + 3;
    size_t length = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', length);
    size_t skip = at ? (size_t)(at + 1 - host) : 0; /* user:password */
    size_t scheme = (size_t)(host - url);
    if (length == skip)
        return err_set(err, ERR_REFUSED, ERR_INPUT, "the URL names no host");
    struct str where = {.max = sizeof x->where - 1};
    str_put(&where, url, scheme);
    str_put(&where, host + skip, length - skip);
    text_copy(x->where, sizeof x->where, str_text(&where));
    str_free(&where);
    return true;
}

static bool add_headers(struct http_exchange *x, const struct http_fetch_request *request,
                        struct err *err)
{
    struct str line = STR_EMPTY;
    bool ok = true;
    x->headers = curl_slist_append(NULL, "Expect:"); /* no extra round trip before a body */
    for (size_t i = 0; ok && i < request->header_count; i++) {
        const struct http_fetch_header *h = &request->headers[i];
        if (!is_line(h->name) || !is_line(h->value) || !*h->name || strchr(h->name, ':')) {
            ok = err_set(err, ERR_REFUSED, ERR_INPUT, "%s: header %zu has a line break or no name",
                         x->where, i + 1);
            break;
        }
        str_clear(&line);
        /* curl wants "Name;" for a header with an empty value. */
        if (*h->value)
            str_printf(&line, "%s: %s", h->name, h->value);
        else
            str_printf(&line, "%s;", h->name);
        x->headers = curl_slist_append(x->headers, line.data);
    }
    str_free(&line);
    return ok;
}

static void set_body(struct http_exchange *x, const struct http_fetch_request *request,
                     const char *method)
{
    bool sends =
        request->body_length > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
    if (strcmp(method, "HEAD") == 0)
        curl_easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
    if (!sends)
        return;
    x->body = mem_alloc(request->body_length + 1);
    if (request->body_length > 0)
        memcpy(x->body, request->body, request->body_length);
    x->body_length = request->body_length;
    curl_easy_setopt(x->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body_length);
    curl_easy_setopt(x->easy, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(x->easy, CURLOPT_READDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_SEEKFUNCTION, refuse_seek);
    curl_easy_setopt(x->easy, CURLOPT_SEEKDATA, x);
}

static void set_bounds(struct http_exchange *x, const struct http_fetch_request *request)
{
    CURL *e = x->easy;
    long timeout = (long)(request->timeout_ms ? request->timeout_ms : TIMEOUT_MS_DEFAULT);
    long connect = (long)(request->connect_timeout_ms ? request->connect_timeout_ms
                                                      : CONNECT_TIMEOUT_MS_DEFAULT);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, timeout);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, connect);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
    if (request->ca_path)
        curl_easy_setopt(e, CURLOPT_CAINFO, request->ca_path);
}

bool http_exchange_prepare(struct http_exchange *x, const struct http_fetch_request *request,
                           struct err *err)
{
    const char *method = request->method ? request->method : "GET";
    if (!name_where(x, request->url, err))
        return false;
    if (!*method || method[strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] != '\0')
        return err_set(err, ERR_REFUSED, ERR_INPUT, "%s: the method must be capital letters",
                       x->where);
    x->reply_max = request->reply_max ? request->reply_max : REPLY_MAX_DEFAULT;
    x->reply_headers.max = REPLY_HEADERS_MAX;
    x->once = request->once;
    x->easy = curl_easy_init();
    if (!x->easy)
        return err_set(err, ERR_LATER, ERR_IO, "%s: no HTTP client", x->where);
    if (!add_headers(x, request, err))
        return false;
    if (curl_easy_setopt(x->easy, CURLOPT_URL, request->url) != CURLE_OK)
        return err_set(err, ERR_REFUSED, ERR_INPUT, "%s: the URL is malformed", x->where);
    set_body(x, request, method);
    curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
    curl_easy_setopt(x->easy, CURLOPT_USERAGENT,
                     request->user_agent ? request->user_agent : "tidelock");
    curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, keep_header);
    curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->error);
    curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
    if (x->once && x->body_length == 0)
        curl_easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, 1L);
    set_bounds(x, request);
    return true;
}

/* Result
 * ------------------------------------------------------------------------------------------- */

static bool explain(struct http_exchange *x, CURLcode code, struct err *err)
{
    curl_off_t pretransfer_us = 0;
    curl_easy_getinfo(x->easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer_us);
    const char *said = x->error[0] ? x->error : curl_easy_strerror(code);
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
        return err_set(err, ERR_REFUSED, ERR_INPUT, "%s: %s", x->where, said);
    /* Until the pretransfer stage is over not one byte of the request has left. */
    enum err_class class = pretransfer_us > 0 ? ERR_MAYBE_DONE : ERR_NOT_DONE;
    if (x->reply_too_large)
        return err_set(err, class, ERR_FULL, "%s: the reply is larger than %zu bytes", x->where,
                       x->reply_max);
    return err_set(err, class, code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_IO, "%s: %s",
                   x->where, said);
}

bool http_exchange_result(struct http_exchange *x, CURLcode code, struct http_reply *reply,
                          struct err *err)
{
    if (code != CURLE_OK)
        return explain(x, code, err);
    long status = 0;
    curl_off_t took_us = 0;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(x->easy, CURLINFO_TOTAL_TIME_T, &took_us);
    *reply = (struct http_reply){
        .status = (unsigned)status,
        .body = str_text(&x->reply_body),
        .body_length = x->reply_body.length,
        .headers = str_text(&x->reply_headers),
        .took_us = took_us,
    };
    return true;
}

void http_exchange_clear(struct http_exchange *x)
{
    if (x->easy)
        curl_easy_cleanup(x->easy);
    curl_slist_free_all(x->headers);
    mem_free_secret(x->body, x->body_length);
    str_free(&x->reply_headers);
    str_free(&x->reply_body);
}

bool http_reply_header(const struct http_reply *reply, const char *name, char *out, size_t size)
{
    size_t length = strlen(name);
    for (const char *line = reply->headers; *line;) {
        size_t line_length = strcspn(line, "\r\n");
        if (line_length > length && line[length] == ':' && strncasecmp(line, name, length) == 0) {
            const char *value = line + length + 1;
            size_t value_length = line_length - length - 1, skip = strspn(value, " \t");
            if (skip > value_length)
                skip = value_length;
            value_length -= skip;
            if (value_length >= size)
                value_length = size - 1;
            memcpy(out, value + skip, value_length);
            out[value_length] = '\0';
            return true;
        }
        line += line_length;
        line += strspn(line, "\r\n");
    }
    return false;
}

bool http_fetch_now(struct arena *arena, const struct http_fetch_request *request,
                    struct http_reply *reply, struct err *err)
{
    struct http_exchange x = {0};
    http_exchange_library();
    bool ok = http_exchange_prepare(&x, request, err);
    if (ok)
        ok = http_exchange_result(&x, curl_easy_perform(x.easy), reply, err);
    if (ok) {
        reply->body = arena_copy(arena, reply->body, reply->body_length);
        reply->headers = arena_text(arena, reply->headers);
    }
    http_exchange_clear(&x);
    return ok;
}
