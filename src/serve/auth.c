/* Why: authentication runs on raw bytes before anything is parsed, and never tells how close a
 * guess was. */
#include "serve/auth.h"
#include "base/hash.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define WEBHOOK_ID_MAX 128
#define SIGNATURES_MAX 8

/* IPv4 is kept as IPv4-mapped IPv6, so that one comparison serves both. */
static bool read_address(const char *text, size_t length, unsigned char out[16], bool *is_v4)
{
    char copy[64];
    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    *is_v4 = inet_pton(AF_INET, copy, out + 12) == 1;
    if (*is_v4) {
        memset(out, 0, 10);
        out[10] = out[11] = 0xff;
        return true;
    }
    return inet_pton(AF_INET6, copy, out) == 1;
}

void address_list_init(struct address_list *list, const char *const *texts, size_t count)
{
    list->list = count ? mem_alloc(sizeof *list->list * count) : NULL;
    list->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct address_block *block = &list->list[list->count];
        const char *slash = strchr(texts[i], '/');
        bool is_v4 = false;
        if (!read_address(texts[i], slash ? (size_t)(slash - texts[i]) : strlen(texts[i]),
                          block->bytes, &is_v4))
            continue;
        block->bits = slash ? (unsigned)strtoul(slash + 1, NULL, 10) + (is_v4 ? 96 : 0) : 128;
        list->count++;
    }
}

void address_list_free(struct address_list *list)
{
    mem_free(list->list);
    *list = (struct address_list){0};
}

bool address_in(const struct address_list *list, const char *address)
{
    unsigned char bytes[16];
    bool is_v4 = false;
    if (!read_address(address, strlen(address), bytes, &is_v4))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        unsigned whole = list->list[i].bits / 8, rest = list->list[i].bits % 8;
        if (memcmp(bytes, list->list[i].bytes, whole) != 0)
            continue;
        unsigned mask = rest ? (0xffu << (8 - rest)) & 0xffu : 0;
        if (!rest || ((bytes[whole] ^ list->list[i].bytes[whole]) & mask) == 0)
            return true;
    }
    return false;
}

const char *auth_client(const struct http_request *request, const struct address_list *proxies)
{
    if (!address_in(proxies, request->peer))
        return request->peer;
    /* A proxy may append a line of its own below the one that the client made up. */
    const char *header = http_header_list(request, "X-Forwarded-For");
    /* From the right: the first hop that is not one of our proxies is the client; what stands left
     * of it is hearsay. */
    char *list = arena_text(request->arena, header);
    for (char *comma; *list; *comma = '\0') {
        comma = strrchr(list, ',');
        char *hop = comma ? comma + 1 : list;
        while (*hop == ' ')
            hop++;
        hop[strcspn(hop, " ")] = '\0';
        if (!address_in(proxies, hop))
            return hop;
        if (!comma)
            break;
    }
    return request->peer;
}

static bool signature_matches(const struct config_secret *secret, const char *signed_bytes,
                              size_t length, const char *header)
{
    uint8_t want[SHA256_SIZE], given[SHA256_SIZE + 1];
    hash_hmac_sha256(secret->bytes, secret->length, signed_bytes, length, want);
    bool matched = false;
    const char *p = header;
    for (unsigned i = 0; i < SIGNATURES_MAX && *p; i++) {
        size_t part = strcspn(p, " ");
        size_t given_length = sizeof given;
        if (part > 3 && strncmp(p, "v1,", 3) == 0 &&
            base64_parse(p + 3, part - 3, given, &given_length))
            matched |= secret_equal(given, given_length, want, sizeof want);
        p += part;
        while (*p == ' ')
            p++;
    }
    return matched;
}

/* Secrets of Standard Webhooks are written "whsec_<base64>"; anything else is taken as raw bytes.
 */
static struct config_secret key_of(const struct config_secret *secret, uint8_t room[128])
{
    size_t length = 128;
    if (secret->length > 6 && strncmp(secret->bytes, "whsec_", 6) == 0 &&
        base64_parse(secret->bytes + 6, secret->length - 6, room, &length))
        return (struct config_secret){.bytes = (char *)room, .length = length};
    return *secret;
}

bool auth_signature(const struct http_request *request, const struct config_source *source,
                    int64_t now_us, struct err *err)
{
    const char *id = http_header(request, "webhook-id"),
               *stamp = http_header(request, "webhook-timestamp"),
               *signature = http_header(request, "webhook-signature");
    if (!id || !stamp || !signature)
        return err_set(
            err, ERR_REFUSED, ERR_AUTH,
            "this source wants the headers webhook-id, webhook-timestamp and webhook-signature");
    if (!*id || strlen(id) > WEBHOOK_ID_MAX || strchr(id, '.'))
        return err_set(err, ERR_REFUSED, ERR_AUTH,
                       "webhook-id must be 1 to %d characters without '.'", WEBHOOK_ID_MAX);
    char *end = NULL;
    long long seconds = strtoll(stamp, &end, 10);
    bool sane = *stamp && !*end && seconds > 0 && seconds < 100000000000LL;
    int64_t gap_us = sane ? now_us - (int64_t)seconds * 1000000 : 0;
    if (!sane || gap_us > source->hmac_window_us || gap_us < -source->hmac_window_us)
        return err_set(err, ERR_REFUSED, ERR_AUTH,
                       "webhook-timestamp is outside the window of %lld s",
                       (long long)(source->hmac_window_us / 1000000));
    struct str text = STR_EMPTY;
    str_printf(&text, "%s.%s.", id, stamp);
    str_put(&text, request->body, request->body_length);
    uint8_t room[2][128];
    struct config_secret now = key_of(&source->hmac_secret, room[0]),
                         old = key_of(&source->hmac_secret_old, room[1]);
    bool ok = signature_matches(&now, text.data, text.length, signature);
    if (source->hmac_secret_old.bytes)
        ok |= signature_matches(&old, text.data, text.length, signature);
    explicit_bzero(room, sizeof room);
    str_free(&text);
    return ok ? true : err_set(err, ERR_REFUSED, ERR_AUTH, "webhook-signature does not match");
}

bool auth_secret(const struct config_secret *secret, const char *given, size_t length)
{
    return secret_equal(given, length, secret->bytes, secret->length);
}

bool auth_bearer(const struct http_request *request, const struct config_secret *token)
{
    const char *header = http_header(request, "Authorization");
    if (!header || strncasecmp(header, "Bearer ", 7) != 0)
        return false;
    return auth_secret(token, header + 7, strlen(header + 7));
}

bool auth_own_page(const struct http_request *request)
{
    const char *origin = http_header(request, "Origin"), *host = http_header(request, "Host");
    if (!origin)
        return true;
    const char *at = strstr(origin, "://");
    return at && host && strcmp(at + 3, host) == 0;
}

bool auth_host_is_plain(const struct http_request *request)
{
    const char *host = http_header(request, "Host");
    bool bracket = host && *host == '[', is_v4;
    unsigned char bytes[16];
    if (!host)
        return true; /* HTTP/1.0: no browser */
    host += bracket;
    size_t length = strcspn(host, bracket ? "]" : ":");
    return (length == 9 && strncmp(host, "localhost", 9) == 0) ||
           read_address(host, length, bytes, &is_v4);
}
