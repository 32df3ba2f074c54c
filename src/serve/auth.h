/* Who may send: addresses, secrets, signatures, bearer tokens. Every comparison is in constant
 * time. */
#ifndef TIDELOCK_SERVE_AUTH_H
#define TIDELOCK_SERVE_AUTH_H
#include "io/http_server.h"
#include "serve/config.h"

struct address_block {
    unsigned char bytes[16];
    unsigned bits;
};
struct address_list {
    struct address_block *list;
    size_t count;
};
/* Texts were checked by the configuration; what does not read is left out. */
void address_list_init(struct address_list *list, const char *const *texts, size_t count);
void address_list_free(struct address_list *list);
bool address_in(const struct address_list *list, const char *address);
/* The client's address: the peer's, or the last untrusted hop of X-Forwarded-For when the peer is a
 * trusted proxy. */
const char *auth_client(const struct http_request *request, const struct address_list *proxies);

/* Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature ("v1,<base64>", several
 * allowed). */
bool auth_signature(const struct http_request *request, const struct config_source *source,
                    int64_t now_us, struct err *err);
bool auth_bearer(const struct http_request *request, const struct config_secret *token);
/* False: a page of another origin had a browser send this. */
bool auth_own_page(const struct http_request *request);
/* Whether Host is an address or localhost: a name may be anybody's that was pointed at this
 * machine, and then a foreign page passes for our own. */
bool auth_host_is_plain(const struct http_request *request);
bool auth_secret(const struct config_secret *secret, const char *given, size_t length);
#endif
