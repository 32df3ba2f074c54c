/* What the jobs of this floor share: opening the parts from a configuration. Private to src/. */
#ifndef TIDELOCK_HOST_H
#define TIDELOCK_HOST_H
#include "flow/flows.h"
#include "io/loop.h"
#include "serve/config.h"
#include "tidelock.h"

/* options, instruments, staleness, rails ... as the configuration says; pointers stay the
 * configuration's. */
void host_core_options(const struct config *config, struct core_options *out);
/* Refuses a configuration that lacks the instrument of an open position or a live order: nothing
 * could value or close it. Warns of positions whose strategy is not loaded. */
bool host_judge_book(const struct core *core, struct err *err) MUST_CHECK;
struct broker *host_open_paper(const struct config *config, const struct clock *clock,
                               const char *journal, struct err *err) MUST_CHECK;
struct host_wires { /* what a broker over a network needs of the host */
    struct loop *loop;
    const struct clock *clock;
    struct log *log;
    struct metrics *metrics;
    const char *journal; /* of the paper broker */
};
/* The broker that the configuration names. */
struct broker *host_open_broker(const struct config *config, const struct host_wires *wires,
                                struct err *err) MUST_CHECK;
/* A database by its path or URL (whose password, NULL: none, may also come from libpq's own
 * places): to read only, or, with a loop, to write after bringing its schema up to date. */
struct store *host_open_store_at(const char *place, const struct config_secret *password,
                                 struct loop *loop, struct err *err) MUST_CHECK;
/* The database that the configuration names; of the wires, the journal is of no use to it. Read
 * only: for the jobs beside a running host, whose loop may be NULL. */
struct store *host_open_store(const struct config *config, const struct host_wires *wires,
                              bool read_only, struct err *err) MUST_CHECK;
/* PostgreSQL's URL with its password: mem_free_secret. */
char *host_store_url(const struct config *config);
/* Where signals go while the database is away; *out NULL: nowhere. */
bool host_open_spool(const struct config *config, const struct host_wires *wires,
                     struct spool **out, struct err *err) MUST_CHECK;
bool host_migrate(const struct config *config, bool status, int version /* -1: newest */,
                  struct str *report, struct err *err) MUST_CHECK;
bool host_needs_workers(const struct config *config);
/* Takes the workers over; NULL: made when they are needed. */
struct policies *host_open_policies(const struct config *config, struct sandbox_workers *workers,
                                    struct log *log, struct metrics *metrics,
                                    const struct clock *clock);
/* Reads a strategy's folder and makes it live. The report has every fault. */
bool host_load_strategy(struct policies *policies, const struct config_strategy *strategy,
                        const char *author, struct policy_version *out, struct str *report,
                        struct err *err) MUST_CHECK;

/* Prints the faults of a configuration to `err`; TIDELOCK_CONFIG when there are any. */
int host_read_config(const char *path, struct config *out, struct tidelock_io *io);
/* The explanation's JSON as text for people. */
void explain_print(const char *json, struct tidelock_io *io);
/* The same, or the built-in one for jobs that can do without when `path` is NULL or there is no
 * such file. */
int host_read_config_or_default(const char *path, struct config *out, struct tidelock_io *io);
void host_print(void *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));
#endif
