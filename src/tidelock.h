/* Tidelock as a library: open a host, submit signals, pull events, turn it on anyone's loop, close
 * it.
 *
 * One header, plain C types, usable from C++ and through any foreign function interface. A handle
 * belongs to the thread that turns it; two handles may live in two threads. Nothing here writes to
 * standard output, installs signal handlers or exits, except where a function says so. Functions
 * return 0 when they worked and a TIDELOCK_* code otherwise; tidelock_error() has the sentence.
 * Strings are UTF-8; what a function returns is valid until the next call on the same handle. */
#ifndef TIDELOCK_H
#define TIDELOCK_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#define TIDELOCK_API __attribute__((visibility("default")))

enum tidelock_status { /* also the exit codes of the command */
                       TIDELOCK_OK = 0,
                       TIDELOCK_FAILED = 1,
                       TIDELOCK_USAGE = 2,
                       TIDELOCK_CONFIG = 78,
};

struct tidelock;

struct tidelock_options {
    size_t size;             /* sizeof(struct tidelock_options): lets the struct grow */
    const char *config_path; /* a configuration file, or */
    const char *config_text; /* its text */
    const char *config_name; /* how messages name the text */
    int traps;  /* 1: SIGTERM and SIGINT stop it in order, a second one forces; 0: the embedder's
                   matter */
    int log_fd; /* -1: no log; else lines go there as the configuration says */
    void (*log)(void *ctx, int level, const char *json_line); /* NULL: none */
    void *log_ctx;
};

TIDELOCK_API const char *tidelock_version(void);
/* Opens every part in order and begins the take-over. NULL: `error` (of `error_size` bytes) says
 * why, with every fault of the configuration, and *status (may be NULL) gets the code. */
TIDELOCK_API struct tidelock *tidelock_open(const struct tidelock_options *options, char *error,
                                            size_t error_size, int *status);
/* Turns until it has stopped. Returns the exit code. */
TIDELOCK_API int tidelock_run(struct tidelock *t);
TIDELOCK_API int tidelock_fd(struct tidelock *t);                       /* poll for reading */
TIDELOCK_API int64_t tidelock_timeout_ms(struct tidelock *t);           /* how long poll may wait */
TIDELOCK_API int tidelock_turn(struct tidelock *t, int64_t timeout_ms); /* 1: stopped, 0: goes on */
TIDELOCK_API void
tidelock_stop(struct tidelock *t); /* begins the orderly stop; a second call forces it */
TIDELOCK_API void
tidelock_close(struct tidelock *t); /* frees; without a finished stop it equals a crash */
TIDELOCK_API const char *tidelock_error(struct tidelock *t);
TIDELOCK_API int
tidelock_ready(struct tidelock *t); /* 1: signals are accepted and trading is allowed */
TIDELOCK_API int tidelock_port(struct tidelock *t); /* of the HTTP listener */

/* Submits a JSON signal as the webhook of `source` would. `answer` is called once from a later turn
 * with the HTTP-like status (202, 200, 400, 503 …) and the JSON answer. */
TIDELOCK_API int tidelock_submit(struct tidelock *t, const char *source, const char *json,
                                 size_t length, int wait_decision,
                                 void (*answer)(void *ctx, int status, const char *json),
                                 void *ctx);
/* Every committed event from now on, as one JSON line. One listener per handle; NULL ends it. */
TIDELOCK_API void tidelock_listen(struct tidelock *t,
                                  void (*event)(void *ctx, const char *json_line), void *ctx);

/* ---- the jobs of the command line; each writes to `out` (a FILE *) and `err` streams it is given
 * and returns an exit code ---- */
struct tidelock_io {
    void *out, *err;
    int json;
    int color;
};
struct tidelock_backtest {
    const char *strategy_dir, *bars_path, *config_path, *report_path /* HTML, or NULL */,
        *instrument, *time_zone, *equity, *params /* "a=1,b=2" */;
    int quiet, decisions;
};
/* Every setting of the configuration with default and meaning, one a line. */
TIDELOCK_API const char *tidelock_config_help(void);
TIDELOCK_API int tidelock_check(const char *config_path, int print, struct tidelock_io *io);
TIDELOCK_API int tidelock_migrate(const char *config_path, const char *verb, const char *to,
                                  struct tidelock_io *io);
/* Everything of one database into another, empty or a copy already: paths, or postgresql:// URLs.
 */
TIDELOCK_API int tidelock_copy(const char *from, const char *to, struct tidelock_io *io);
TIDELOCK_API int tidelock_verify(const char *config_path, struct tidelock_io *io);
TIDELOCK_API int tidelock_state(const char *config_path, const char *at, struct tidelock_io *io);
TIDELOCK_API int tidelock_explain(const char *config_path, const char *id, struct tidelock_io *io);
TIDELOCK_API int tidelock_run_backtest(const struct tidelock_backtest *job, struct tidelock_io *io);
/* CSV bars made from a seed (time,open,high,low,close): for tests and rehearsals, no market's
 * prices. */
TIDELOCK_API int tidelock_synthetic_bars(const char *count, const char *seed, const char *start,
                                         const char *interval, struct tidelock_io *io);
struct tidelock_download {
    const char *source /* binance, binance_usdm */, *symbol, *interval /* 1h */, *from, *to, *path,
        *url /* of its REST interface; NULL: its own */;
    int quiet;
};
/* Closed bars of a market's past, as CSV to `path` (whole or not at all) or `out`. */
TIDELOCK_API int tidelock_download_bars(const struct tidelock_download *job,
                                        struct tidelock_io *io);
TIDELOCK_API int tidelock_policy(const char *config_path, const char *verb, const char *what,
                                 const char *author, struct tidelock_io *io);
/* A request to the running host's HTTP interface, found through the configuration; *answer is freed
 * with tidelock_free_text(). Returns the HTTP status, or 0 with the sentence in *answer. */
TIDELOCK_API int tidelock_ask(const char *config_path, const char *method, const char *path,
                              const char *body, char **answer);
TIDELOCK_API void tidelock_free_text(char *text);
#ifdef __cplusplus
}
#endif
#endif
