/* What is asked on a connection: names for statements, the order of answers, the first failure. */
#include "io/pg_conn.h"

#include <assert.h>
#include <string.h>

void pg_forget_names(struct pg *pg, bool unfinished_only)
{
    struct pg_known *known, *next;
    HASH_ITER(hh, pg->known, known, next)
    {
        if (unfinished_only && known->prepared)
            continue;
        HASH_DEL(pg->known, known);
        mem_free(known);
    }
}

void pg_end_request(struct pg *pg, const struct err *err)
{
    struct pg_request request = pg->request;
    size_t statement = pg->failed_statement;
    pg_forget_names(pg, true);
    if (request.done)
        request.done(request.ctx, err, statement);
}

static void expect(struct pg *pg, enum pg_expected_kind kind, struct pg_known *known)
{
    if (pg->expected_count == pg->expected_room) {
        pg->expected_room = pg->expected_room ? pg->expected_room * 2 : 64;
        pg->expected = mem_realloc(pg->expected, pg->expected_room * sizeof *pg->expected);
    }
    pg->expected[pg->expected_count++] = (struct pg_expected){kind, known};
}

/* What libpq says when it cannot take more is told by the connection's loss. */
static void name_statement(struct pg *pg, const char *name, const char *sql)
{
    struct pg_known *known;
    HASH_FIND_STR(pg->known, name, known);
    if (known)
        return;
    size_t length = strlen(name);
    known = mem_alloc(sizeof *known + length + 1);
    memcpy(known->name, name, length);
    HASH_ADD_KEYPTR(hh, pg->known, known->name, length, known);
    if (PQsendPrepare(pg->conn, name, sql, 0, NULL))
        expect(pg, EXPECT_PREPARED, known);
}

void pg_put(struct pg *pg, const char *name, const char *sql, const struct pg_args *args)
{
    const char *values[PG_ARGS_MAX];
    int lengths[PG_ARGS_MAX], formats[PG_ARGS_MAX], count = args ? args->count : 0;
    assert(pg->state == PG_READY);
    for (int i = 0; i < count; i++) {
        values[i] = args->absent[i]    ? NULL
                    : args->bytes.data ? args->bytes.data + args->starts[i]
                                       : "";
        lengths[i] = (int)args->lengths[i];
        formats[i] = 1;
    }
    if (!pg->unnamed)
        name_statement(pg, name, sql);
    int ok = pg->unnamed
                 ? PQsendQueryParams(pg->conn, sql, count, NULL, values, lengths, formats, 1)
                 : PQsendQueryPrepared(pg->conn, name, count, values, lengths, formats, 1);
    if (ok)
        expect(pg, EXPECT_ROWS, NULL);
}

/* A failure shows when all of it is sent. */
void pg_push(struct pg *pg)
{
    assert(pg->state == PG_READY);
    PQflush(pg->conn);
}

static void flush(struct pg *pg)
{
    int left = PQflush(pg->conn);
    pg->sent = pg->sent || left == 0;
    pg_watch(pg, left == 1 ? UV_READABLE | UV_WRITABLE : UV_READABLE, false);
}

void pg_send(struct pg *pg, const struct pg_request *request)
{
    assert(pg->state == PG_READY);
    pg->request = *request;
    pg->state = PG_BUSY;
    pg->sent = pg->failed = false;
    pg->expected_at = pg->statement = 0;
    pg->sqlstate[0] = '\0';
    PQpipelineSync(pg->conn);
    expect(pg, EXPECT_SYNC, NULL);
    pg_arm(pg, request->deadline_us);
    flush(pg); /* a failure shows at the next turn, through the socket */
}

/* A pooler gave us another session: names do not hold there. */
static bool names_fail(const char *state)
{
    return strcmp(state, "26000") == 0 || strcmp(state, "42P05") == 0;
}

/* An answer that ends the session, or that libpq made because the session ended, says nothing of
 * what happened before: the loss that follows is told instead. */
static bool is_end_of_session(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return !severity || strcmp(severity, "ERROR") != 0;
}

static void take_failure(struct pg *pg, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (pg->failed || is_end_of_session(result))
        return;
    pg->failed = true;
    pg->failed_statement = pg->statement;
    pg_fail_result(pg->target.where, result, &pg->err);
    text_copy(pg->sqlstate, sizeof pg->sqlstate, state ? state : "");
    if (names_fail(pg->sqlstate)) {
        pg->unnamed = true;
        err_set(&pg->err, ERR_LATER, ERR_BUSY, "%.60s: a pooler does not keep statements",
                pg->target.where);
    }
}

static void finish_request(struct pg *pg)
{
    struct err err = pg->err;
    bool failed = pg->failed;
    pg->state = PG_READY;
    pg->expected_count = 0;
    pg_disarm(pg);
    pg_end_request(pg, failed ? &err : NULL);
}

static void take_result(struct pg *pg, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (pg->expected_at >= pg->expected_count)
        return;
    const struct pg_expected *expected = &pg->expected[pg->expected_at];
    if (status == PGRES_FATAL_ERROR)
        take_failure(pg, result);
    else if (expected->kind == EXPECT_PREPARED && status == PGRES_COMMAND_OK)
        expected->known->prepared = true;
    else if (expected->kind == EXPECT_ROWS && !pg->failed && pg->request.rows &&
             (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK))
        pg->request.rows(pg->request.ctx, pg->statement, pg_rows_of(result));
    if (expected->kind == EXPECT_ROWS)
        pg->statement++;
    pg->expected_at++;
    if (status == PGRES_PIPELINE_SYNC)
        finish_request(pg);
}

static void take_results(struct pg *pg)
{
    bool ended = false; /* a statement's last result is followed by a NULL */
    while (pg->state == PG_BUSY && !PQisBusy(pg->conn)) {
        PGresult *result = PQgetResult(pg->conn);
        if (!result && ended)
            break;
        ended = !result;
        if (!result)
            continue;
        take_result(pg, result);
        PQclear(result);
    }
}

static void take_notices(struct pg *pg)
{
    while (pg->conn && pg->state != PG_CLOSED) {
        PGnotify *notice = PQnotifies(pg->conn);
        if (!notice)
            return;
        if (pg->notified)
            pg->notified(pg->ctx, notice->extra);
        PQfreemem(notice);
    }
}

void pg_work(struct pg *pg)
{
    bool alive = PQconsumeInput(pg->conn) == 1;
    if (alive && !pg->sent && pg->state == PG_BUSY)
        flush(pg);
    take_results(pg);
    if (pg->state != PG_READY && pg->state != PG_BUSY)
        return;
    take_notices(pg);
    if (pg->state != PG_READY && pg->state != PG_BUSY)
        return;
    if (!alive || PQstatus(pg->conn) == CONNECTION_BAD)
        pg_lose_request(pg, false);
}
