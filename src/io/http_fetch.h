/* For this room only: one HTTP exchange as a curl handle, shared by the asynchronous and the
 * blocking client. */
#ifndef TIDELOCK_IO_HTTP_FETCH_H
#define TIDELOCK_IO_HTTP_FETCH_H
#include "base/str.h"
#include "io/http_client.h"
#include <curl/curl.h>

struct http_exchange {
    CURL *easy;
    struct curl_slist *headers;
    char *body; /* copy */
    size_t body_length, body_sent;
    size_t reply_max;
    bool reply_too_large;
    bool once;
    struct str reply_headers, reply_body;
    char error[CURL_ERROR_SIZE];
    char where[96]; /* scheme and host of the URL: what an error may name, since path and query may
                       hold secrets */
};

/* Once per process, from any thread. */
void http_exchange_library(void);
/* Fills a zeroed exchange from the request (copied). False: REFUSED; http_exchange_clear is due all
 * the same. */
bool http_exchange_prepare(struct http_exchange *x, const struct http_fetch_request *request,
                           struct err *err) MUST_CHECK;
/* What came of it, after curl is done with the handle. The reply points into the exchange. */
bool http_exchange_result(struct http_exchange *x, CURLcode code, struct http_reply *reply,
                          struct err *err) MUST_CHECK;
void http_exchange_clear(struct http_exchange *x);
#endif
