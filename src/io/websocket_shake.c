/* Why: what is asked to begin a stream, and whether the answer is one (RFC 6455, 4.1). */
#include "io/websocket_parts.h"
#include "base/chance.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/http_client.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define REPLY_MAX 16384
#define KEY_BYTES 16

/* ---- the request ---- */

static void make_key(struct websocket *ws, char key[32])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t bytes[KEY_BYTES], digest[EVP_MAX_MD_SIZE];
    char joined[32 + sizeof guid];
    unsigned size = 0;
    chance_system_bytes(bytes, sizeof bytes);
    base64_print(bytes, sizeof bytes, key);
    snprintf(joined, sizeof joined, "%s%s", key, guid);
    if (EVP_Digest(joined, strlen(joined), digest, &size, EVP_sha1(), NULL) == 1)
        base64_print(digest, size, ws->accept);
}

bool websocket_read_url(struct websocket *ws, const char *url, struct str *path, struct err *err)
{
    struct str plain = STR_EMPTY;
    bool secure = url && text_starts(url, "wss://");
    if (!secure && !(url && text_starts(url, "ws://")))
        return err_set(err, ERR_REFUSED, ERR_INPUT,
                       "the URL of a stream must start with ws:// or wss://");
    const char *rest = url + (secure ? 6 : 5);
    size_t length = strcspn(rest, "/?#");
    if (length == 0 || length >= sizeof ws->host || memchr(rest, '@', length) ||
        rest[strcspn(rest, "\r\n\t #")] != '\0')
        return err_set(err, ERR_REFUSED, ERR_INPUT, "the URL of a stream is malformed");
    memcpy(ws->host, rest, length);
    snprintf(ws->where, sizeof ws->where, "%s%.80s", secure ? "wss://" : "ws://", ws->host);
    str_puts(path, rest[length] == '/' ? "" : "/");
    str_puts(path, rest + length);
    str_puts(&plain, secure ? "https://" : "http://");
    str_puts(&plain, ws->host);
    ws->url = mem_copy_text(str_text(&plain));
    str_free(&plain);
    return true;
}

void websocket_write_request(struct websocket *ws, const char *path)
{
    char key[32];
    make_key(ws, key);
    str_printf(&ws->request, "GET %s HTTP/1.1\r\nHost: %s\r\n", path, ws->host);
    str_puts(&ws->request, "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Version: 13\r\nUser-Agent: tidelock\r\n");
    str_printf(&ws->request, "Sec-WebSocket-Key: %s\r\n\r\n", key);
}

/* ---- the answer ---- */

static bool take_header(const struct websocket *ws, const char *name, char *out, size_t size)
{
    const struct http_reply reply = {.headers = str_text(&ws->reply)};
    return http_reply_header(&reply, name, out, size);
}

static bool names_token(const char *list, const char *token)
{
    size_t length = strlen(token);
    for (const char *at = list; *at;) {
        at += strspn(at, ", \t");
        size_t word = strcspn(at, ", \t");
        if (word == length && strncasecmp(at, token, length) == 0)
            return true;
        at += word;
    }
    return false;
}

static const char *judge_reply(const struct websocket *ws)
{
    char value[128];
    const char *text = str_text(&ws->reply);
    if (!text_starts(text, "HTTP/1.1 101"))
        return "the server does not speak WebSocket there";
    if (!take_header(ws, "upgrade", value, sizeof value) || strcasecmp(value, "websocket") != 0)
        return "the handshake's answer does not upgrade";
    if (!take_header(ws, "connection", value, sizeof value) || !names_token(value, "upgrade"))
        return "the handshake's answer does not upgrade its connection";
    if (!take_header(ws, "sec-websocket-accept", value, sizeof value) ||
        strcmp(value, ws->accept) != 0)
        return "the handshake's answer has a wrong Sec-WebSocket-Accept";
    if (take_header(ws, "sec-websocket-extensions", value, sizeof value))
        return "the server uses an extension that was not offered";
    return NULL;
}

static void fail_reply(struct websocket *ws, const char *why)
{
    char line[128];
    size_t length = strcspn(str_text(&ws->reply), "\r\n");
    snprintf(line, sizeof line, "%s (%.*s)", why, (int)(length < 60 ? length : 60),
             str_text(&ws->reply));
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < ' ' || (unsigned char)*at >= 0x7f)
            *at = '?';
    websocket_fail(ws, ERR_INPUT, line);
}

static bool finish(struct websocket *ws, size_t head)
{
    char *data = ws->reply.data;
    char kept = data[head];
    data[head] = '\0'; /* frames that came along are no headers */
    const char *why = judge_reply(ws);
    if (why)
        fail_reply(ws, why);
    data[head] = kept;
    ws->taken = head;
    return !why;
}

bool websocket_shake(struct websocket *ws)
{
    char bytes[4096];
    ssize_t got;
    while (ws->sent < ws->request.length) {
        ssize_t put = websocket_put(ws, ws->request.data + ws->sent, ws->request.length - ws->sent);
        if (put < 0)
            break;
        if (ws->gone) {
            websocket_fail(ws, ERR_IO, "the connection broke during the handshake");
            return false;
        }
        ws->sent += (size_t)put;
    }
    while ((got = websocket_take(ws, bytes, sizeof bytes)) > 0) {
        size_t from = ws->reply.length > 3 ? ws->reply.length - 3 : 0;
        str_put(&ws->reply, bytes, (size_t)got);
        const char *end_of_head =
            memmem(ws->reply.data + from, ws->reply.length - from, "\r\n\r\n", 4);
        if (end_of_head)
            return finish(ws, (size_t)(end_of_head - ws->reply.data) + 4);
        if (ws->reply.length > REPLY_MAX) {
            websocket_fail(ws, ERR_INPUT, "the handshake's answer is too long");
            return false;
        }
    }
    if (ws->gone)
        websocket_fail(ws, ERR_IO, "the connection broke during the handshake");
    return false;
}
