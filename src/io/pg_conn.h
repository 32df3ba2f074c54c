/* For this room only: libpq under a struct pg, and the way from its errors to ours. */
#ifndef TIDELOCK_IO_PG_CONN_H
#define TIDELOCK_IO_PG_CONN_H
#include "base/chance.h"
#include "base/keyed.h"
#include "base/mem.h"
#include "io/loop_uv.h"
#include "io/pg.h"
#include <libpq-fe.h>

#define PG_HOSTS_MAX 16
#define PG_WORDS_MAX 64

struct pg_host {
    char host[256], port[16];
    bool numeric; /* an address or a socket's folder: nothing to look up */
};
/* What a URL says, with what we add to it. */
struct pg_target {
    PQconninfoOption *options;
    struct pg_host hosts[PG_HOSTS_MAX];
    size_t host_count;
    char name[64], where[160];
    bool read_write;
};
bool pg_target_read(struct pg_target *target, const char *url, const char *name, bool read_write,
                    struct err *err) MUST_CHECK;
void pg_target_free(struct pg_target *target);
/* Begins to connect to one of the hosts; `address`: what its name was found to be, NULL: none. */
PGconn *pg_target_start(const struct pg_target *target, size_t host, const char *address);

/* Fill *err and return false. */
bool pg_fail_connect(const struct pg_target *target, PGconn *conn, struct err *err);
bool pg_fail_result(const char *where, const PGresult *result, struct err *err);
bool pg_fail_lost(const char *where, PGconn *conn, bool maybe_done, struct err *err);

/* ---- a connection, in two files: pg.c makes it, pg_request.c uses it ---- */

enum pg_state { PG_WAITING, PG_RESOLVING, PG_CONNECTING, PG_SETUP, PG_READY, PG_BUSY, PG_CLOSED };
enum pg_expected_kind { EXPECT_PREPARED, EXPECT_ROWS, EXPECT_SYNC };
struct pg_known { /* a statement this session has been given a name for */
    UT_hash_handle hh;
    bool prepared; /* false: asked for in the request at hand */
    char name[];
};
struct pg_expected {
    enum pg_expected_kind kind;
    struct pg_known *known; /* EXPECT_PREPARED */
};
/* libuv's handle for a socket outlives the socket. */
struct pg_watcher {
    uv_poll_t uv;
    struct pg *pg; /* NULL: of no more interest */
};
struct pg_lookup {
    uv_getaddrinfo_t uv;
    struct pg *pg;
};

struct pg {
    struct loop *loop;
    struct pg_target target;
    char *setup;
    int64_t connect_us;
    void (*changed)(void *ctx, const struct err *err);
    void (*notified)(void *ctx, const char *payload);
    void *ctx;
    enum pg_state state;
    PGconn *conn;
    struct pg_watcher *watcher;
    struct pg_lookup *lookup;
    struct loop_timer *timer;
    int64_t due_us; /* of the timer, for those who wait without a loop */
    size_t host;
    unsigned failures;
    struct chance chance;
    bool unnamed; /* a pooler forgets names */
    int depth;    /* of callbacks */
    struct pg_known *known;
    /* The request. */
    struct pg_request request;
    struct pg_expected *expected;
    size_t expected_count, expected_room, expected_at, statement;
    bool sent; /* every byte has left */
    bool failed;
    size_t failed_statement;
    struct err err;
    char sqlstate[6];
};

void pg_arm(struct pg *pg, int64_t delay_us);
void pg_disarm(struct pg *pg);
void pg_watch(struct pg *pg, int events, bool anew);
void pg_work(struct pg *pg); /* the socket of a connection in use is ready */
void pg_lose_request(struct pg *pg, bool timeout);
void pg_end_request(struct pg *pg, const struct err *err);
void pg_forget_names(struct pg *pg, bool unfinished_only);

static inline const PGresult *pg_result(const struct pg_rows *rows)
{
    return (const PGresult *)(const void *)rows;
}
static inline const struct pg_rows *pg_rows_of(const PGresult *result)
{
    return (const struct pg_rows *)(const void *)result;
}
#endif
