/* For this room only: a curl multi handle with its sockets polled and its timeout kept by the
 * loop. */
#ifndef TIDELOCK_IO_CURL_POLL_H
#define TIDELOCK_IO_CURL_POLL_H
#include "io/loop.h"
#include <curl/curl.h>

struct curl_poll;

/* `done` hears of every transfer that ended; it may remove the handle. NULL and *err when the
 * system gives none. */
struct curl_poll *curl_poll_new(struct loop *loop,
                                void (*done)(void *ctx, CURL *easy, CURLcode code), void *ctx,
                                struct err *err) MUST_CHECK;
CURLM *curl_poll_multi(const struct curl_poll *poll); /* for adding and removing handles */
/* Every handle must have been removed before. NULL accepted. */
void curl_poll_free(struct curl_poll *poll);
#endif
