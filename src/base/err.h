/* Errors: what failed, whether it may have happened, and one sentence for a person.
 *
 * A fallible function is `bool f(..., struct err *err)`: false means it failed and *err is filled.
 * Callers branch on `class` only; `text` reaches log, API and event unchanged, so it names the
 * place and the cure. */
#ifndef TIDELOCK_BASE_ERR_H
#define TIDELOCK_BASE_ERR_H
#include <stdarg.h>
#include <stdbool.h>

enum err_class {
    ERR_NONE = 0,   /* no error                                                */
    ERR_NOT_DONE,   /* certainly did not happen; safe to repeat                */
    ERR_MAYBE_DONE, /* may have happened; look it up before anything else      */
    ERR_LATER,      /* did not happen because of load or an outage; back off   */
    ERR_REFUSED,    /* will never succeed as asked; do not repeat              */
};

enum err_code {
    ERR_OK = 0,
    ERR_USAGE,     /* wrong command line                           */
    ERR_CONFIG,    /* the configuration is wrong                   */
    ERR_INPUT,     /* what came from outside is malformed          */
    ERR_AUTH,      /* credentials missing or wrong                 */
    ERR_NOT_FOUND, /* no such thing                                */
    ERR_DUPLICATE, /* a row with this key stands already           */
    ERR_CONFLICT,  /* the row has moved on (version, state)        */
    ERR_FENCED,    /* our term is no longer the current one        */
    ERR_FULL,      /* a bounded queue, pool or disk is full        */
    ERR_TIMEOUT,   /* no answer within the deadline                */
    ERR_IO,        /* a file or socket failed                      */
    ERR_CORRUPT,   /* stored data contradicts itself               */
    ERR_SCHEMA,    /* the database is of another schema            */
    ERR_POLICY,    /* a Lua policy failed                          */
    ERR_LIMIT,     /* a sandbox limit was reached                  */
    ERR_RAIL,      /* a hard risk rail was hit                     */
    ERR_HALTED,    /* trading is halted at this level              */
    ERR_BROKER,    /* the broker said no                           */
    ERR_BUSY,      /* held by somebody else                        */
    ERR_CLOSED,    /* the part is shutting down                    */
};

struct err {
    enum err_class class;
    enum err_code code;
    char text[256];
};

/* Fills *err (which may be NULL) and returns false, so that a failing function ends in `return
 * err_set(...)`. */
bool err_set(struct err *err, enum err_class class, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Puts "prefix: " before the sentence that is already there. Returns false. */
bool err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void err_clear(struct err *err);
const char *
    err_class_name(enum err_class class); /* "not_done", "maybe_done", "later", "refused", "none" */
const char *err_code_name(enum err_code code); /* "duplicate", "fenced", ... */

#define MUST_CHECK __attribute__((warn_unused_result))
#endif
