/* PostgreSQL on the loop: one connection that heals itself, and one request at a time on it.
 *
 * A request is some statements and one Sync, sent in one go and answered in one go. Statements are
 * prepared when they are first used; where a pooler between us and the server gives every
 * transaction another session, they go without names from the first refusal on. Everything travels
 * in binary form. A connection that is lost, or whose request passed its deadline, is dropped and
 * made again, with full jitter between the attempts and the next of several hosts each time; names
 * are looked up off the loop.
 *
 * Errors: no server, connection lost, server starting or stopping LATER/IO; deadline passed
 * LATER/TIMEOUT; deadlock, serialisation, lock timeout LATER/BUSY; disk or memory full LATER/FULL;
 * wrong password LATER/AUTH; unique key REFUSED/DUPLICATE; other constraints and our triggers
 * REFUSED/CONFLICT; a value that cannot be stored REFUSED/INPUT; an unknown table or column
 * REFUSED/SCHEMA; damage REFUSED/CORRUPT. A request that holds a COMMIT and is lost once all of it
 * was sent, is MAYBE_DONE. */
#ifndef TIDELOCK_IO_PG_H
#define TIDELOCK_IO_PG_H
#include "base/decimal.h"
#include "base/err.h"
#include "base/str.h"
#include "io/loop.h"

/* ---- values of one statement ---- */

#define PG_ARGS_MAX 48
enum pg_type { PG_BOOL = 16, PG_BYTES = 17, PG_INT = 20, PG_TEXT = 25, PG_NUMERIC = 1700 };
struct pg_args {
    struct str bytes;
    size_t starts[PG_ARGS_MAX], lengths[PG_ARGS_MAX];
    bool absent[PG_ARGS_MAX];
    int count;
};
void pg_args_clear(struct pg_args *args);
void pg_args_free(struct pg_args *args);
void pg_arg_text(struct pg_args *args, const char *text); /* NULL: absent */
void pg_arg_int(struct pg_args *args, int64_t value);
void pg_arg_bool(struct pg_args *args, bool value);
void pg_arg_bytes(struct pg_args *args, const void *bytes, size_t length);
void pg_arg_decimal(struct pg_args *args, struct decimal value); /* bad: absent */
/* An array as one value: begin, exactly `count` elements, end. */
void pg_array_begin(struct pg_args *args, enum pg_type type, size_t count);
void pg_array_text(struct pg_args *args, const char *text);
void pg_array_int(struct pg_args *args, int64_t value);
void pg_array_bool(struct pg_args *args, bool value);
void pg_array_bytes(struct pg_args *args, const void *bytes, size_t length);
void pg_array_decimal(struct pg_args *args, struct decimal value);
void pg_array_end(struct pg_args *args);

/* ---- rows of one statement ---- */

struct pg_rows; /* valid during the call it is given to */
size_t pg_count(const struct pg_rows *rows);
bool pg_is_null(const struct pg_rows *rows, size_t row, int column);
const char *pg_text(const struct pg_rows *rows, size_t row, int column); /* NULL: absent */
size_t pg_length(const struct pg_rows *rows, size_t row, int column);
int64_t pg_int(const struct pg_rows *rows, size_t row, int column); /* absent, other type: 0 */
bool pg_bool(const struct pg_rows *rows, size_t row, int column);
/* False: no number, or one we could not have written. Absent: a bad decimal and true. */
bool pg_decimal(const struct pg_rows *rows, size_t row, int column, struct decimal *out) MUST_CHECK;

/* ---- a connection ---- */

struct pg;
struct pg_options {
    struct loop *loop;
    const char *url;  /* libpq's: postgresql://user@host1,host2/base?..., or key=value pairs */
    const char *name; /* application_name; NULL: tidelock */
    bool read_write;  /* only a server that takes writes will do */
    int64_t connect_us;
    const char *setup; /* statements run on each new connection before it is told; NULL: none */
    void (*changed)(void *ctx, const struct err *err); /* NULL: ready; else what is wrong */
    void (*notified)(void *ctx, const char *payload);  /* NULL: not wanted */
    void *ctx;
};
/* Checks the URL's form only (false: REFUSED/CONFIG); connects from the next turn on. */
struct pg *pg_open(const struct pg_options *options, struct err *err) MUST_CHECK;
/* No callback comes any more; a request under way is forgotten. NULL accepted. */
void pg_close(struct pg *pg);
bool pg_idle(const struct pg *pg);  /* connected, and no request under way */
bool pg_ready(const struct pg *pg); /* connected */
int64_t pg_backend(const struct pg *pg);
const char *pg_where(const struct pg *pg); /* host and base, without secrets, for sentences */
/* Drops the connection and makes it anew: as if it had been lost. */
void pg_drop(struct pg *pg);
/* Without a turn of the loop: waits for the socket and does what is due. For closing. */
void pg_wait(struct pg *pg, int64_t timeout_us);

struct pg_request {
    bool commits;        /* holds a COMMIT */
    int64_t deadline_us; /* from now */
    /* Each statement's rows, in order, numbered from 0; NULL: no such interest. */
    void (*rows)(void *ctx, size_t statement, const struct pg_rows *rows);
    /* Last: all went well (NULL), or the first error and the number of its statement. */
    void (*done)(void *ctx, const struct err *err, size_t statement);
    void *ctx;
};
/* Only on an idle connection: put, put, ..., then send. `name` and `sql` name one statement for
 * good and stay the caller's; the arguments may be reused at once. */
void pg_put(struct pg *pg, const char *name, const char *sql, const struct pg_args *args);
/* What was put so far sets out, so that the server works while more is put. */
void pg_push(struct pg *pg);
void pg_send(struct pg *pg, const struct pg_request *request);
const char *pg_sqlstate(const struct pg *pg); /* of the last error of a request; "" */

/* ---- blocking, for start and command line ---- */

struct pg_block;
struct pg_block *pg_block_open(const char *url, const char *name, bool read_write,
                               int64_t deadline_us, struct err *err) MUST_CHECK;
void pg_block_close(struct pg_block *block); /* NULL accepted */
const char *pg_block_where(const struct pg_block *block);
/* Statements without results worth having, in one transaction of their own unless one is open. */
bool pg_block_exec(struct pg_block *block, const char *sql, struct err *err) MUST_CHECK;
/* One statement; its rows come one at a time (each a struct pg_rows of one row) until `each` says
 * false. args and each may be NULL. */
bool pg_block_query(struct pg_block *block, const char *sql, const struct pg_args *args,
                    bool (*each)(void *ctx, const struct pg_rows *row, struct err *err), void *ctx,
                    struct err *err) MUST_CHECK;

/* What stands between us and the server. */
enum pg_pooling {
    PG_POOLS_NOTHING,      /* the session is the server's, and ours */
    PG_POOLS_SESSIONS,     /* it is ours while we are connected; the server may keep it longer */
    PG_POOLS_TRANSACTIONS, /* each transaction may have another one */
};
/* Finds out by asking; behind a pooler that takes a second connection for a moment. */
bool pg_block_pooling(struct pg_block *block, enum pg_pooling *pooling, struct err *err) MUST_CHECK;
#endif
