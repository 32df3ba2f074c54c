/* The same libpq, waited for: start and command line only, with a deadline for every answer. */
#include "io/pg_conn.h"

#include "base/clock.h"
#include "base/mem.h"

#include <poll.h>
#include <string.h>

struct pg_block {
    struct pg_target target;
    PGconn *conn;
    size_t host;
    int64_t deadline_us;
};

/* ---- waiting ---- */

static bool wait_socket(const struct pg_block *block, short events, int64_t until_us)
{
    int64_t left_us = until_us - clock_steady(clock_real());
    struct pollfd fd = {.fd = PQsocket(block->conn), .events = events};
    return left_us > 0 && poll(&fd, 1, (int)(left_us / 1000) + 1) > 0;
}

static bool too_late(const struct pg_block *block, struct err *err)
{
    return err_set(err, ERR_LATER, ERR_TIMEOUT, "%.60s: no answer within %lld ms",
                   block->target.where, (long long)(block->deadline_us / 1000));
}

static void ignore_notice(void *ctx, const PGresult *result)
{
    (void)ctx, (void)result;
}

static bool connect_host(struct pg_block *block, size_t host, struct err *err)
{
    int64_t until_us = clock_steady(clock_real()) + block->deadline_us;
    if (block->conn)
        PQfinish(block->conn);
    block->host = host;
    block->conn = pg_target_start(&block->target, host, NULL);
    if (!block->conn || PQstatus(block->conn) == CONNECTION_BAD)
        return pg_fail_connect(&block->target, block->conn, err);
    PQsetNoticeReceiver(block->conn, ignore_notice, NULL);
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next == PGRES_POLLING_WRITING || next == PGRES_POLLING_READING) {
        if (!wait_socket(block, next == PGRES_POLLING_WRITING ? POLLOUT : POLLIN, until_us))
            return too_late(block, err);
        next = PQconnectPoll(block->conn);
    }
    return next == PGRES_POLLING_OK || pg_fail_connect(&block->target, block->conn, err);
}

/* ---- opening and closing ---- */

struct pg_block *pg_block_open(const char *url, const char *name, bool read_write,
                               int64_t deadline_us, struct err *err)
{
    struct pg_block *block = mem_alloc(sizeof *block);
    block->deadline_us = deadline_us;
    bool ok = pg_target_read(&block->target, url, name, read_write, err);
    if (!ok) {
        mem_free(block);
        return NULL;
    }
    ok = false;
    for (size_t i = 0; !ok && i < block->target.host_count; i++)
        ok = connect_host(block, i, err);
    if (ok)
        return block;
    pg_block_close(block);
    return NULL;
}

void pg_block_close(struct pg_block *block)
{
    if (!block)
        return;
    if (block->conn)
        PQfinish(block->conn);
    pg_target_free(&block->target);
    mem_free(block);
}

const char *pg_block_where(const struct pg_block *block)
{
    return block->target.where;
}

/* ---- asking ---- */

/* NULL without *failed: the end. */
static PGresult *next_result(struct pg_block *block, bool *failed, struct err *err)
{
    int64_t until_us = clock_steady(clock_real()) + block->deadline_us;
    *failed = true;
    while (PQisBusy(block->conn)) {
        if (!wait_socket(block, POLLIN, until_us)) {
            too_late(block, err);
            return NULL;
        }
        if (!PQconsumeInput(block->conn)) {
            pg_fail_lost(block->target.where, block->conn, false, err);
            return NULL;
        }
    }
    *failed = false;
    return PQgetResult(block->conn);
}

/* Reads to the end, or to the first failure, which is then followed by nothing but the end. */
static bool take_all(struct pg_block *block,
                     bool (*each)(void *ctx, const struct pg_rows *row, struct err *err), void *ctx,
                     struct err *err)
{
    bool ok = true, failed;
    for (PGresult *result; (result = next_result(block, &failed, err)) || failed;) {
        if (failed) {
            PQreset(block->conn);
            return false;
        }
        ExecStatusType status = PQresultStatus(result);
        if (ok && status == PGRES_FATAL_ERROR)
            ok = pg_fail_result(block->target.where, result, err);
        else if (ok && each && status == PGRES_SINGLE_TUPLE)
            ok = each(ctx, pg_rows_of(result), err);
        PQclear(result);
    }
    return ok;
}

bool pg_block_exec(struct pg_block *block, const char *sql, struct err *err)
{
    if (!PQsendQuery(block->conn, sql))
        return pg_fail_lost(block->target.where, block->conn, false, err);
    return take_all(block, NULL, NULL, err);
}

bool pg_block_query(struct pg_block *block, const char *sql, const struct pg_args *args,
                    bool (*each)(void *ctx, const struct pg_rows *row, struct err *err), void *ctx,
                    struct err *err)
{
    const char *values[PG_ARGS_MAX];
    int lengths[PG_ARGS_MAX], formats[PG_ARGS_MAX], count = args ? args->count : 0;
    for (int i = 0; i < count; i++) {
        values[i] = args->absent[i]    ? NULL
                    : args->bytes.data ? args->bytes.data + args->starts[i]
                                       : "";
        lengths[i] = (int)args->lengths[i];
        formats[i] = 1;
    }
    if (!PQsendQueryParams(block->conn, sql, count, NULL, values, lengths, formats, 1) ||
        !PQsetSingleRowMode(block->conn))
        return pg_fail_lost(block->target.where, block->conn, false, err);
    return take_all(block, each, ctx, err);
}

/* ---- poolers ---- */

#define PROBES 3
#define PROBE_US 2000000

static bool take_pid(void *ctx, const struct pg_rows *row, struct err *err)
{
    (void)err;
    *(int64_t *)ctx = pg_int(row, 0, 0);
    return true;
}

static bool ask_pid(struct pg_block *block, int64_t *pid, struct err *err)
{
    return pg_block_query(block, "SELECT pg_backend_pid()::bigint", NULL, take_pid, pid, err);
}

/* Who has a session of his own keeps it while another connection is in a transaction. */
static bool probe(struct pg_block *block, struct pg_block *other, int64_t ours, bool *shared,
                  struct err *err)
{
    int64_t theirs = 0, now = 0;
    if (!pg_block_exec(other, "BEGIN", err)) {
        *shared = strstr(err->text, "statement pooling") != NULL;
        return *shared;
    }
    bool ok = ask_pid(other, &theirs, err);
    if (ok && !ask_pid(block, &now, err)) {
        /* It had a session a moment ago: now the other one has the last there is. */
        *shared = err->code == ERR_TIMEOUT;
        return *shared;
    }
    *shared = ok && (theirs == ours || now != ours);
    return ok && pg_block_exec(other, "COMMIT", err);
}

bool pg_block_pooling(struct pg_block *block, enum pg_pooling *pooling, struct err *err)
{
    struct pg_block other = {.target = block->target, .deadline_us = block->deadline_us};
    int64_t pid = 0, deadline_us = block->deadline_us;
    bool shared = false;
    *pooling = PG_POOLS_NOTHING;
    if (!ask_pid(block, &pid, err))
        return false;
    if (pid == PQbackendPID(block->conn)) /* poolers give a number of their own */
        return true;
    bool ok = connect_host(&other, block->host, err);
    block->deadline_us = PROBE_US;
    for (int i = 0; ok && !shared && i < PROBES; i++)
        ok = probe(block, &other, pid, &shared, err);
    block->deadline_us = deadline_us;
    *pooling = shared ? PG_POOLS_TRANSACTIONS : PG_POOLS_SESSIONS;
    if (other.conn)
        PQfinish(other.conn);
    return ok;
}
