/* What the handles of one store in memory share: tables, log, signs of life. */
#ifndef TIDELOCK_STORE_MEM_LOG_H
#define TIDELOCK_STORE_MEM_LOG_H
#include "store/store.h"

struct beating { /* signs of life of one instance; outside the log */
    struct store_beat row;
    int handle; /* whose session it is */
};
struct mem_log { /* what all handles share */
    struct book *book;
    bool lent; /* the book is the asker's */
    struct arena texts;
    struct event *list;
    int *writers; /* which handle wrote each event */
    size_t room;
    struct str body;
    struct sha256 *sha;
    int64_t seq, term;
    struct beating *beats;
    size_t beat_count, beat_room;
    bool keep_events;
    int handles, open;
};

struct mem_log *mem_log_new(bool keep_events, struct book *lent);
void mem_log_free(struct mem_log *log);
/* The event as number log->seq, which the caller has counted up. */
void mem_log_append(struct mem_log *log, const struct store_event *event, int64_t term, int handle,
                    const char *instance);
int64_t mem_log_last_beat(const struct mem_log *log, int64_t term); /* 0: none yet */
/* The signs of life of a term; new ones are this handle's. */
struct beating *mem_log_beat(struct mem_log *log, int handle, int64_t term);
void mem_log_member(struct mem_log *log, int handle, const struct member *member);
/* The matching events, until `each` returns false. */
void mem_log_walk(const struct mem_log *log, const struct store_events_query *query, size_t limit,
                  bool (*each)(void *ctx, const struct event *event), void *ctx);
bool mem_log_read(const struct mem_log *log, const struct store_events_query *query,
                  bool (*each)(void *ctx, const struct event *event, struct err *err), void *ctx,
                  struct err *err) MUST_CHECK;
struct store_beats mem_log_beats(const struct mem_log *log, struct arena *arena);
#endif
