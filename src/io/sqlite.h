/* SQLite with our settings and our errors: cached statements, binding by index, classes a flow can
 * branch on.
 *
 * A database belongs to one thread at a time (opened without SQLite's own mutexes). Errors: full
 * disk LATER/FULL, locked by another process LATER/BUSY, a unique or primary key REFUSED/DUPLICATE,
 * other constraints REFUSED/CONFLICT (text names the constraint), read-only file REFUSED/IO, not a
 * database or damaged REFUSED/CORRUPT, I/O error LATER/IO, an I/O error of COMMIT itself
 * MAYBE_DONE/IO, a wrong statement REFUSED/SCHEMA. Each text names the file and the cure. */
#ifndef TIDELOCK_IO_SQLITE_H
#define TIDELOCK_IO_SQLITE_H
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

struct sqlite;
struct sqlite_statement;

enum sqlite_mode {
    SQLITE_MODE_WRITE,  /* created when absent; WAL, synchronous=FULL, foreign_keys on */
    SQLITE_MODE_READ,   /* must exist; sees commits of the writer as they happen */
    SQLITE_MODE_MEMORY, /* private, in memory, path ignored: tests and scratch */
};

/* Mind: opening a damaged or foreign file fails here, not at the first statement. */
struct sqlite *sqlite_open(const char *path, enum sqlite_mode mode, struct err *err) MUST_CHECK;
/* Writes the WAL back when it is the last user. Returns false (closed all the same) when that
 * failed. NULL accepted. */
bool sqlite_close(struct sqlite *db, struct err *err);

/* One or more statements without results, separated by semicolons. */
bool sqlite_exec(struct sqlite *db, const char *sql, struct err *err) MUST_CHECK;

/* The statement of this text, prepared once per database and kept, ready to bind and step (reset,
 * bindings cleared). The same text while a former use is still between rows resets that use. NULL
 * on failure. Never freed by the caller. */
struct sqlite_statement *sqlite_prepare(struct sqlite *db, const char *sql,
                                        struct err *err) MUST_CHECK;
/* First parameter is 1. What text and blob point to must live until the step that ends the
 * statement or its reset (not copied). NULL text or blob binds NULL. A wrong index asserts. */
void sqlite_bind_text(struct sqlite_statement *st, int index, const char *text);
void sqlite_bind_text_n(struct sqlite_statement *st, int index, const char *text, size_t length);
void sqlite_bind_int(struct sqlite_statement *st, int index, int64_t value);
void sqlite_bind_blob(struct sqlite_statement *st, int index, const void *bytes, size_t length);
void sqlite_bind_null(struct sqlite_statement *st, int index);

/* *row true: a row stands ready; false: the end, the statement is reset. On failure it is reset
 * too. */
bool sqlite_step(struct sqlite_statement *st, bool *row, struct err *err) MUST_CHECK;
/* Steps to the end, ignoring rows. */
bool sqlite_run(struct sqlite_statement *st, struct err *err) MUST_CHECK;
void sqlite_reset(
    struct sqlite_statement *st); /* stop reading early; a read holds its snapshot until then */

/* First column is 0. Pointers live until the next step or reset. NULL column: text NULL, int 0. */
const char *sqlite_text(struct sqlite_statement *st, int column);
int64_t sqlite_int(struct sqlite_statement *st, int column);
const void *sqlite_blob(struct sqlite_statement *st, int column, size_t *length);
bool sqlite_is_null(struct sqlite_statement *st, int column);
size_t sqlite_length(struct sqlite_statement *st, int column); /* bytes of text or blob */
int sqlite_columns(struct sqlite_statement *st);
const char *sqlite_column_name(struct sqlite_statement *st, int column);

int64_t
sqlite_changes(const struct sqlite *db); /* rows touched by the last INSERT, UPDATE or DELETE */
int64_t sqlite_last_id(const struct sqlite *db); /* rowid of the last INSERT */
bool sqlite_in_transaction(const struct sqlite *db);

/* BEGIN IMMEDIATE, so that the write lock is taken before anything was read. REFUSED/IO when the
 * file, or its log, is not the one at its path any more. */
bool sqlite_begin(struct sqlite *db, struct err *err) MUST_CHECK;
bool sqlite_begin_read(struct sqlite *db,
                       struct err *err) MUST_CHECK; /* one snapshot for several reads */
bool sqlite_commit(struct sqlite *db,
                   struct err *err) MUST_CHECK; /* on failure the transaction is rolled back */
void sqlite_rollback(struct sqlite *db);        /* nothing to roll back is fine */
/* Savepoints nest; each set is ended by exactly one keep or undo. Some errors (disk full, I/O) roll
 * the whole transaction back: then undo returns false with NOT_DONE and the outer transaction is
 * gone. */
bool sqlite_savepoint_set(struct sqlite *db, struct err *err) MUST_CHECK;
bool sqlite_savepoint_keep(struct sqlite *db, struct err *err) MUST_CHECK;
bool sqlite_savepoint_undo(struct sqlite *db, struct err *err) MUST_CHECK;

/* A whole single-value query: the first column of the first row; false without a row is NOT_FOUND.
 */
bool sqlite_query_int(struct sqlite *db, const char *sql, int64_t *value,
                      struct err *err) MUST_CHECK;
/* A consistent copy of the database into a new file, while it is in use. */
bool sqlite_backup(struct sqlite *db, const char *path, struct err *err) MUST_CHECK;
/* Moves the WAL into the file and cuts it; call when idle. False when readers prevented it
 * (LATER/BUSY). */
bool sqlite_checkpoint(struct sqlite *db, struct err *err) MUST_CHECK;
#endif
