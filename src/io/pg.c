/* One connection: made, kept, made again.
 *
 *     waiting -> (resolving) -> connecting -> setting up -> ready <-> busy
 *        ^------------- any failure, any deadline -----------'
 *
 * Exactly one timer runs: the pause before an attempt, the attempt's deadline or the request's. */
#include "io/pg.h"

#include "io/pg_conn.h"

#include "base/mem.h"
#include "io/loop_uv.h"

#include <assert.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define PAUSE_BASE_US 20000
#define PAUSE_CAP_US 1000000
#define ADDRESS_SIZE 64

static void pump(struct pg *pg);
static void begin_attempt(struct pg *pg);

/* ---- small things ---- */

void pg_arm(struct pg *pg, int64_t delay_us)
{
    pg->due_us = loop_steady_us(pg->loop) + delay_us;
    loop_timer_start_at(pg->timer, pg->due_us);
}

void pg_disarm(struct pg *pg)
{
    pg->due_us = LOOP_NEVER;
    loop_timer_stop(pg->timer);
}

static void free_watcher(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static void drop_watcher(struct pg *pg)
{
    if (!pg->watcher)
        return;
    pg->watcher->pg = NULL;
    uv_poll_stop(&pg->watcher->uv);
    uv_close((uv_handle_t *)&pg->watcher->uv, free_watcher);
    pg->watcher = NULL;
}

/* Callbacks may close the connection they are told of: it goes when the last of them is over. */
static void enter(struct pg *pg)
{
    pg->depth++;
}

static void free_pg(struct pg *pg)
{
    pg_target_free(&pg->target);
    mem_free(pg->expected);
    mem_free(pg->setup);
    mem_free(pg);
}

static void leave(struct pg *pg)
{
    if (--pg->depth == 0 && pg->state == PG_CLOSED)
        free_pg(pg);
}

static void on_socket(uv_poll_t *uv, int status, int events)
{
    struct pg_watcher *watcher = uv->data;
    (void)status, (void)events; /* libpq asks the socket itself */
    if (watcher->pg)
        pump(watcher->pg);
}

/* While connecting, libpq may go on with another socket of the same number. Where writing found the
 * session gone, libpq has closed the socket: to watch its number would end the process, or hear of
 * another's. The next turn tells. */
void pg_watch(struct pg *pg, int events, bool anew)
{
    if (PQsocket(pg->conn) < 0) {
        drop_watcher(pg);
        pg_arm(pg, 0);
        return;
    }
    if (anew)
        drop_watcher(pg);
    if (!pg->watcher) {
        struct pg_watcher *watcher = mem_alloc(sizeof *watcher);
        if (uv_poll_init(loop_uv(pg->loop), &watcher->uv, PQsocket(pg->conn)) != 0) {
            mem_free(watcher);
            return; /* the deadline tells */
        }
        watcher->uv.data = watcher;
        watcher->pg = pg;
        pg->watcher = watcher;
    }
    uv_poll_start(&pg->watcher->uv, events, on_socket);
}

static void disconnect(struct pg *pg)
{
    pg_disarm(pg);
    drop_watcher(pg);
    if (pg->conn)
        PQfinish(pg->conn);
    pg->conn = NULL;
    pg->expected_count = 0;
    pg_forget_names(pg, false);
}

/* ---- losing it ---- */

static void wait_to_connect(struct pg *pg)
{
    pg->state = PG_WAITING;
    pg->host = (pg->host + 1) % pg->target.host_count;
    /* Every host gets its first chance at once. */
    bool at_once = pg->failures < pg->target.host_count;
    unsigned attempt = at_once ? 0 : pg->failures - (unsigned)pg->target.host_count;
    int64_t pause_us =
        at_once ? 0 : chance_backoff_us(&pg->chance, PAUSE_BASE_US, PAUSE_CAP_US, attempt) + 1000;
    pg->failures++;
    pg_arm(pg, pause_us);
}

/* Takes *err by copy: it may lie in the connection. */
static void lose(struct pg *pg, const struct err *cause)
{
    struct err err = *cause;
    bool was_busy = pg->state == PG_BUSY;
    disconnect(pg);
    wait_to_connect(pg);
    if (was_busy) {
        if (!pg->failed)
            pg->failed_statement = pg->statement;
        pg_end_request(pg, &err);
    }
    if (pg->state != PG_CLOSED && pg->changed)
        pg->changed(pg->ctx, &err);
}

/* A request that failed before its COMMIT and then lost its connection did not happen. */
void pg_lose_request(struct pg *pg, bool timeout)
{
    struct err err;
    bool maybe = pg->state == PG_BUSY && pg->request.commits && pg->sent && !pg->failed;
    if (timeout)
        err_set(&err, maybe ? ERR_MAYBE_DONE : ERR_LATER, ERR_TIMEOUT,
                "%.60s: no answer within %lld ms", pg->target.where,
                (long long)(pg->request.deadline_us / 1000));
    else
        pg_fail_lost(pg->target.where, pg->conn, maybe, &err);
    lose(pg, &err);
}

static void lose_attempt(struct pg *pg)
{
    struct err err;
    pg_fail_connect(&pg->target, pg->conn, &err);
    lose(pg, &err);
}

static void on_timer(void *ctx)
{
    struct pg *pg = ctx;
    struct err err;
    enter(pg);
    pg->due_us = LOOP_NEVER;
    if (pg->state == PG_WAITING) {
        begin_attempt(pg);
    } else if (pg->state == PG_BUSY || (pg->state == PG_READY && PQsocket(pg->conn) < 0)) {
        pg_lose_request(pg, PQsocket(pg->conn) >= 0);
    } else if (pg->state == PG_RESOLVING || pg->state == PG_CONNECTING || pg->state == PG_SETUP) {
        err_set(&err, ERR_LATER, ERR_TIMEOUT, "%.60s cannot be reached: no answer within %lld ms",
                pg->target.where, (long long)(pg->connect_us / 1000));
        if (pg->lookup)
            pg->lookup->pg = NULL;
        pg->lookup = NULL;
        lose(pg, &err);
    }
    leave(pg);
}

/* ---- connecting ---- */

static void become_ready(struct pg *pg)
{
    PQenterPipelineMode(pg->conn);
    pg->state = PG_READY;
    pg->failures = 0;
    pg_disarm(pg);
    pg_watch(pg, UV_READABLE, false);
    if (pg->changed)
        pg->changed(pg->ctx, NULL);
}

static void begin_setup(struct pg *pg)
{
    PQsetnonblocking(pg->conn, 1);
    pg->state = PG_SETUP;
    if (!pg->setup) {
        become_ready(pg);
        return;
    }
    if (!PQsendQuery(pg->conn, pg->setup)) {
        lose_attempt(pg);
        return;
    }
    pg_watch(pg, PQflush(pg->conn) == 1 ? UV_READABLE | UV_WRITABLE : UV_READABLE, true);
}

static void go_on_connecting(struct pg *pg)
{
    int socket_before = PQsocket(pg->conn);
    PostgresPollingStatusType next = PQconnectPoll(pg->conn);
    if (next == PGRES_POLLING_FAILED)
        lose_attempt(pg);
    else if (next == PGRES_POLLING_OK)
        begin_setup(pg);
    else
        pg_watch(pg, next == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE,
                 PQsocket(pg->conn) != socket_before);
}

static void go_on_setting_up(struct pg *pg)
{
    if (!PQconsumeInput(pg->conn)) {
        lose_attempt(pg);
        return;
    }
    pg_watch(pg, PQflush(pg->conn) == 1 ? UV_READABLE | UV_WRITABLE : UV_READABLE, false);
    while (!PQisBusy(pg->conn)) {
        PGresult *result = PQgetResult(pg->conn);
        if (!result) {
            become_ready(pg);
            return;
        }
        struct err err;
        ExecStatusType status = PQresultStatus(result);
        bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
                  pg_fail_result(pg->target.where, result, &err);
        PQclear(result);
        if (!ok) {
            lose(pg, &err);
            return;
        }
    }
}

/* What the server says beside its answers is of no use to us, and must not reach stderr. */
static void ignore_notice(void *ctx, const PGresult *result)
{
    (void)ctx, (void)result;
}

static void connect_to(struct pg *pg, const char *address)
{
    pg->state = PG_CONNECTING;
    pg->conn = pg_target_start(&pg->target, pg->host, address);
    if (!pg->conn || PQstatus(pg->conn) == CONNECTION_BAD) {
        lose_attempt(pg);
        return;
    }
    PQsetNoticeReceiver(pg->conn, ignore_notice, NULL);
    pg_watch(pg, UV_WRITABLE, true);
}

static void on_address(uv_getaddrinfo_t *uv, int status, struct addrinfo *found)
{
    struct pg_lookup *lookup = uv->data;
    struct pg *pg = lookup->pg;
    char address[ADDRESS_SIZE] = "";
    if (pg) {
        struct err err;
        enter(pg);
        pg->lookup = NULL;
        if (status == 0 && getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof address,
                                       NULL, 0, NI_NUMERICHOST) == 0) {
            connect_to(pg, address);
        } else {
            err_set(&err, ERR_LATER, ERR_IO, "the host %.60s of store.url is not known",
                    pg->target.hosts[pg->host].host);
            lose(pg, &err);
        }
        leave(pg);
    }
    if (found)
        uv_freeaddrinfo(found);
    mem_free(lookup);
}

static void begin_attempt(struct pg *pg)
{
    const struct pg_host *host = &pg->target.hosts[pg->host];
    pg_arm(pg, pg->connect_us);
    if (host->numeric) {
        connect_to(pg, NULL);
        return;
    }
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct pg_lookup *lookup = mem_alloc(sizeof *lookup);
    lookup->uv.data = lookup;
    lookup->pg = pg;
    pg->state = PG_RESOLVING;
    if (uv_getaddrinfo(loop_uv(pg->loop), &lookup->uv, on_address, host->host, NULL, &hints) != 0) {
        mem_free(lookup);
        return; /* the deadline tells */
    }
    pg->lookup = lookup;
}

static void pump(struct pg *pg)
{
    enter(pg);
    if (pg->state == PG_CONNECTING)
        go_on_connecting(pg);
    else if (pg->state == PG_SETUP)
        go_on_setting_up(pg);
    else if (pg->state == PG_READY || pg->state == PG_BUSY)
        pg_work(pg);
    leave(pg);
}

/* ---- opening and closing ---- */

struct pg *pg_open(const struct pg_options *options, struct err *err)
{
    struct pg *pg = mem_alloc(sizeof *pg);
    if (!pg_target_read(&pg->target, options->url, options->name, options->read_write, err)) {
        mem_free(pg);
        return NULL;
    }
    pg->loop = options->loop;
    pg->setup = options->setup ? mem_copy_text(options->setup) : NULL;
    pg->connect_us = options->connect_us;
    pg->changed = options->changed;
    pg->notified = options->notified;
    pg->ctx = options->ctx;
    pg->timer = loop_timer_new(options->loop, on_timer, pg);
    chance_seed_system(&pg->chance);
    pg->state = PG_WAITING;
    pg_arm(pg, 0);
    return pg;
}

void pg_close(struct pg *pg)
{
    if (!pg || pg->state == PG_CLOSED)
        return;
    disconnect(pg);
    if (pg->lookup)
        pg->lookup->pg = NULL;
    pg->lookup = NULL;
    pg->state = PG_CLOSED;
    pg->request = (struct pg_request){0};
    loop_timer_free(pg->timer);
    pg->timer = NULL;
    if (pg->depth == 0)
        free_pg(pg);
}

bool pg_idle(const struct pg *pg)
{
    return pg->state == PG_READY;
}

bool pg_ready(const struct pg *pg)
{
    return pg->state == PG_READY || pg->state == PG_BUSY;
}

int64_t pg_backend(const struct pg *pg)
{
    return pg->conn ? PQbackendPID(pg->conn) : 0;
}

const char *pg_where(const struct pg *pg)
{
    return pg->target.where;
}

const char *pg_sqlstate(const struct pg *pg)
{
    return pg->sqlstate;
}

void pg_drop(struct pg *pg)
{
    struct err err;
    if (pg->state == PG_CLOSED || pg->state == PG_WAITING)
        return;
    if (pg->lookup)
        pg->lookup->pg = NULL;
    pg->lookup = NULL;
    err_set(&err, ERR_LATER, ERR_IO, "%.60s: the connection was given up", pg->target.where);
    enter(pg);
    lose(pg, &err);
    leave(pg);
}

void pg_wait(struct pg *pg, int64_t timeout_us)
{
    int64_t now_us = loop_steady_us(pg->loop);
    int64_t left_us = pg->due_us == LOOP_NEVER ? timeout_us : pg->due_us - now_us;
    if (left_us > timeout_us)
        left_us = timeout_us;
    struct pollfd fd = {.fd = pg->conn ? PQsocket(pg->conn) : -1, .events = POLLIN};
    if (pg->conn && (pg->state == PG_CONNECTING || !pg->sent))
        fd.events |= POLLOUT;
    int ready = poll(&fd, 1, left_us > 0 ? (int)(left_us / 1000) + 1 : 0);
    if (ready > 0)
        pump(pg);
    else if (pg->due_us != LOOP_NEVER && loop_steady_us(pg->loop) >= pg->due_us)
        on_timer(pg);
}
