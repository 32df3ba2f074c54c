/* What a request must look like before a handler sees it.
 *
 * libmicrohttpd reads leniently where two readers could disagree about where a request ends (two
 * lengths, length and chunks, folded lines); behind a proxy such a request could smuggle another
 * one, so it is refused here and its connection closed. What libmicrohttpd does not show, it cannot
 * be judged on: a line that ends in a bare LF is taken as a line, and a NUL ends a header's value.
 */
#include "base/hash.h"
#include "base/str.h"
#include "io/http_private.h"
#include <string.h>
#include <strings.h>

#define REFUSE(code, text) ((struct http_verdict){.status = (code), .why = (text)})

static bool is_token(const char *text, size_t length)
{
    static const bool fits[256] = {
        ['!'] = true,         ['#' ... '\''] = true, ['*'] = true,         ['+'] = true,
        ['-'] = true,         ['.'] = true,          ['0' ... '9'] = true, ['A' ... 'Z'] = true,
        ['^' ... 'z'] = true, ['|'] = true,          ['~'] = true};
    for (size_t i = 0; i < length; i++)
        if (!fits[(unsigned char)text[i]])
            return false;
    return length > 0;
}

static bool is_field_value(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* NULL: a broken escape, a NUL, or no UTF-8. */
static char *decode(struct arena *arena, const char *text, size_t length, bool plus_is_blank)
{
    char *out = arena_alloc(arena, length + 1);
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '%') {
            if (i + 2 >= length)
                return NULL;
            int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0)
                return NULL;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        out[n++] = c;
    }
    return text_is_utf8(out, n) ? out : NULL;
}

/* Headers
 * ------------------------------------------------------------------------------------------ */

struct headers {
    size_t bytes;
    unsigned count;
    unsigned lengths, codings, hosts, types, authorizations;
    const char *length, *coding, *expect;
    bool malformed;
};

static enum MHD_Result gather(void *ctx, enum MHD_ValueKind kind, const char *name,
                              size_t name_length, const char *value, size_t value_length)
{
    struct headers *h = ctx;
    (void)kind;
    h->bytes += name_length + value_length + 4;
    h->count++;
    if (!value || !is_token(name, name_length) || !is_field_value(value, value_length)) {
        h->malformed = true;
        return MHD_NO;
    }
    switch (name_length) {
    case 4:
        if (strcasecmp(name, "host") == 0)
            h->hosts++;
        break;
    case 6:
        if (strcasecmp(name, "expect") == 0)
            h->expect = value;
        break;
    case 12:
        if (strcasecmp(name, "content-type") == 0)
            h->types++;
        break;
    case 13:
        if (strcasecmp(name, "authorization") == 0)
            h->authorizations++;
        break;
    case 14:
        if (strcasecmp(name, "content-length") == 0) {
            h->lengths++;
            h->length = value;
        }
        break;
    case 17:
        if (strcasecmp(name, "transfer-encoding") == 0) {
            h->codings++;
            h->coding = value;
        }
        break;
    default:
        break;
    }
    return MHD_YES;
}

static bool read_length(const char *text, size_t *out)
{
    size_t value = 0;
    if (!*text || strlen(text) > 15)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (size_t)(*text - '0');
    }
    *out = value;
    return true;
}

static struct http_verdict judge_framing(const struct headers *h, bool http_1_0)
{
    struct http_verdict fine = {.length_known = true};
    if (h->lengths > 1)
        return REFUSE(400, "more than one Content-Length");
    if (h->codings && h->lengths)
        return REFUSE(400, "both Content-Length and Transfer-Encoding");
    if (h->codings > 1 || (h->coding && strcasecmp(h->coding, "chunked") != 0))
        return REFUSE(501, "the only Transfer-Encoding understood is chunked");
    if (h->coding && http_1_0)
        return REFUSE(400, "Transfer-Encoding in HTTP/1.0");
    if (h->length && !read_length(h->length, &fine.length))
        return REFUSE(400, "Content-Length is not a number");
    if (h->coding)
        fine.length_known = false;
    return fine;
}

static struct http_verdict judge_headers(struct http_connection *c,
                                         const struct http_server_options *limits, bool http_1_0)
{
    struct headers h = {0};
    MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND, gather, &h);
    if (h.malformed)
        return REFUSE(400, "a header line is malformed");
    if (h.count > limits->header_count_max)
        return REFUSE(431, "too many header lines");
    if (h.bytes > limits->headers_max)
        return REFUSE(431, "the headers are too large");
    if (h.hosts > 1 || (h.hosts == 0 && !http_1_0))
        return REFUSE(400, "exactly one Host header is needed");
    if (h.types > 1)
        return REFUSE(400, "more than one Content-Type");
    if (h.authorizations > 1)
        return REFUSE(400, "more than one Authorization");
    struct http_verdict v = judge_framing(&h, http_1_0);
    if (v.status)
        return v;
    if (h.expect && strcasecmp(h.expect, "100-continue") != 0)
        return REFUSE(417, "the only Expect understood is 100-continue");
    v.expects_continue = h.expect && !http_1_0;
    return v;
}

struct http_verdict http_judge(struct http_connection *c, const struct http_server_options *limits,
                               const char *version)
{
    struct http_request *r = &c->request;
    bool http_1_0 = strcmp(version, "HTTP/1.0") == 0;
    if (!http_1_0 && strcmp(version, "HTTP/1.1") != 0)
        return REFUSE(505, "HTTP/1.1 is needed");
    size_t length = strlen(r->target);
    if (strlen(r->method) + length + strlen(version) + 2 > limits->line_max)
        return REFUSE(414, "the request line is too long");
    if (r->target[0] != '/')
        return REFUSE(400, "the request target must start with /");
    for (const char *at = r->target; *at; at++)
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f || *at == '#')
            return REFUSE(400, "the request target has a character that must be percent-encoded");
    if (!is_token(r->method, strlen(r->method)))
        return REFUSE(400, "the method is malformed");
    r->path = decode(&c->arena, r->target, strcspn(r->target, "?"), false);
    if (!r->path)
        return REFUSE(400, "the path has a broken percent-encoding or is not UTF-8");
    return judge_headers(c, limits, http_1_0);
}

/* Looking up
 * --------------------------------------------------------------------------------------- */

const char *http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection->mhd, MHD_HEADER_KIND, name);
}

struct gathered {
    const char *name;
    struct arena *arena;
    char *list;
};

static enum MHD_Result add_line(void *ctx, enum MHD_ValueKind kind, const char *name,
                                const char *value)
{
    struct gathered *g = ctx;
    (void)kind;
    if (value && strcasecmp(name, g->name) == 0)
        g->list = arena_printf(g->arena, "%s%s%s", g->list, *g->list ? "," : "", value);
    return MHD_YES;
}

const char *http_header_list(const struct http_request *request, const char *name)
{
    struct gathered g = {name, request->arena, arena_text(request->arena, "")};
    MHD_get_connection_values(request->connection->mhd, MHD_HEADER_KIND, add_line, &g);
    return g.list;
}

const char *http_query(const struct http_request *request, const char *name)
{
    const char *at = strchr(request->target, '?');
    if (!at)
        return NULL;
    for (at++; *at;) {
        size_t length = strcspn(at, "&");
        const char *equals = memchr(at, '=', length);
        size_t name_length = equals ? (size_t)(equals - at) : length;
        const char *found = decode(request->arena, at, name_length, true);
        if (found && strcmp(found, name) == 0)
            return equals ? decode(request->arena, equals + 1, length - name_length - 1, true) : "";
        at += length;
        if (*at == '&')
            at++;
    }
    return NULL;
}
