/* The parts of serve, private to this room. */
#ifndef TIDELOCK_SERVE_PARTS_H
#define TIDELOCK_SERVE_PARTS_H
#include "base/calendar.h"
#include "serve/auth.h"
#include "serve/health.h"
#include "serve/serve.h"

struct source_state { /* what the webhook keeps of each source, beside its configuration */
    double tokens;    /* of the rate limit */
    int64_t filled_us, last_signal_us;
    bool silent;
    struct metric *invalid, *refused, *limited;
};
struct serve {
    struct serve_options options;
    struct core *core;
    struct http_server *server;
    struct source_state *sources;
    struct address_list proxies;
    struct address_list *allow; /* per source */
    struct health health;
    struct metric *ack_time;
    struct str scratch; /* for answers that are built and sent in one go */
    int64_t opened_us;
    bool quiesced;
    struct patience *patience; /* changes that are not answered yet */
    struct loop_timer *patience_timer;
};

void serve_json(struct serve *serve, uint64_t handle, unsigned status, const char *json,
                size_t length);
/* {"status":"error","error":"...","code":".."}; the status follows the error's class and code. */
void serve_error(struct serve *serve, uint64_t handle, unsigned status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void serve_err(struct serve *serve, uint64_t handle, const struct err *err);
unsigned serve_err_status(const struct err *err);

void webhook_handle(const struct http_request *request, struct serve *serve, const char *rest);
void webhook_watch_silence(struct serve *serve, int64_t now_us);
void api_handle(const struct http_request *request, struct serve *serve, const char *rest);
void api_change(const struct http_request *request, struct serve *serve, const char *rest);
/* If the request is not answered within so many seconds, its sender hears that it may be done, and
 * where to look: a clause such as "see GET /api/halts". */
void patience_begin(struct serve *serve, uint64_t handle, int seconds, const char *where);
void patience_end(struct serve *serve);
void import_handle(const struct http_request *request, struct serve *serve, const struct json *body,
                   const char *who);
/* From memory, at once, while the database is away. False: it is not. */
bool stale_rows(struct serve *serve, const struct store_query *query, struct waiter to);
bool stale_since(const struct serve *serve, char at[CALENDAR_TEXT_MAX]);
void stale_json(const struct serve *serve, struct str *out); /* "stale":..,"stale_since":.. */
void status_json(struct serve *serve, struct str *out);
void metrics_collect(struct serve *serve);
#endif
