/* One host, as host.c and host_begin.c see it. */
#ifndef TIDELOCK_HOST_INNER_H
#define TIDELOCK_HOST_INNER_H
#include "host.h"
#include "host_cluster.h"
#include "host_late.h"
#include "mirror.h"
#include "narrate.h"
#include "reload.h"
#include "serve/feed.h"
#include "serve/serve.h"

enum host_stage { HOST_OPENING, HOST_RUNNING, HOST_WINDING_DOWN, HOST_STOPPED };

struct tidelock {
    struct sandbox_workers *workers; /* until the policies have them */
    struct tidelock_options options;
    struct config config;
    struct log *log;
    struct metrics *metrics;
    struct loop *loop;
    struct loop_hook *hook;
    struct core core;
    struct cluster *cluster;
    struct late *late; /* the database was away at the start */
    struct mirror *mirror;
    struct feeds *feeds;
    struct reload *reload;
    struct serve *serve;
    struct watch *watch;
    struct trap *traps[2];
    struct loop_timer *housekeeping;
    struct core_listener listener;
    struct narrator narrator;
    void (*event)(void *ctx, const char *json_line);
    void *event_ctx;
    struct str line;
    enum host_stage stage;
    bool depositing;
    int exit_code;
    int64_t opened_us;
    unsigned stops;
    char error[512];
};

/* host_begin.c: from the book that is read to the first signal that is traded. */
bool host_load_book(struct tidelock *t, struct err *err) MUST_CHECK;
void host_store_arrived(void *ctx, const struct err *err); /* struct late_options */
void host_taken_over(void *owner, uint64_t handle, const struct err *err, const void *value);
/* Whoever leads books it: in an empty database of several, one of them does. */
bool host_deposit_is_due(const struct tidelock *t);
void host_deposit(struct tidelock *t);
#endif
