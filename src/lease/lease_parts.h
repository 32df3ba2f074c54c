/* What the files of the body lease_store share:
 *
 *     lease_store.c    the interface: turns, answers, writes
 *     lease_member.c   joining, leaving, being lost
 *     lease_keys.c     keys taken and given back
 *     lease_watch.c    signs of life: our own, and those of others */
#ifndef TIDELOCK_LEASE_LEASE_PARTS_H
#define TIDELOCK_LEASE_LEASE_PARTS_H
#include "base/keyed.h"
#include "lease/lease.h"
#include "store/fence.h"

#define LEASE_NEVER INT64_MAX
enum { HEIRS_MAX = 8 };

enum membership { LEASE_OUT, LEASE_JOINING, LEASE_IN, LEASE_LEAVING };

struct lease_asked { /* somebody waits */
    struct lease_asked *next;
    struct waiter to;
};
struct lease_key {
    UT_hash_handle hh;
    char name[LEASE_KEY_SIZE];
    bool granted;
    bool writing;     /* a write about it is on its way */
    bool releasing;   /* was given back; the row does not say so yet */
    int64_t again_us; /* giving it back failed: not before */
    struct lease_asked *asked;
};
struct lease_reply { /* an answer that is known, and must not be given before the call returns */
    struct lease_reply *next;
    struct waiter to;
    struct err err;
    int64_t term;
};
struct lease_other { /* another member, as observed */
    UT_hash_handle hh;
    int64_t term, beat;
    int64_t seen_us;    /* when the beat was seen to change, and what cannot be counted since */
    int64_t missing_us; /* since when its session is missing; 0: it stands */
    unsigned missed;    /* looks that missed it, one after another */
    bool had_session, writing;
};
struct lease_write { /* one write to the store, with all that belongs to it */
    struct lease_write *next, **link;
    struct lease_store *lease;
    /* Called with the answer, after the book has taken what was written. */
    void (*wrote)(struct lease_store *lease, struct lease_write *write, const struct err *err);
    struct arena arena;
    struct store_event *events;
    size_t count, room;
    int64_t term; /* under which it was asked */
    char key[LEASE_KEY_SIZE];
    int64_t other;                    /* the member it is about */
    int64_t silent_term, silent_beat; /* only while it has given no other sign of life */
};
struct lease_store {
    struct lease lease;
    struct lease_store_options options;
    enum membership state;
    int64_t term; /* 0: not joined */
    char id[sizeof((struct member *)0)->id];
    int64_t deadline_us; /* until then we may act */
    struct waiter joiner, leaver;
    bool proving;   /* joining: the row stands, the first sign of life is not given yet */
    bool leave_now; /* leaving: its write was asked */
    unsigned tries; /* joining: terms that stood already */
    struct {
        int64_t term; /* was alive when the book had changed so often */
        uint64_t changes;
    } alive;
    struct lease_key *keys, *recent;
    bool keys_work; /* some key has something to do */
    int64_t keys_us;
    struct lease_write *writes;
    struct lease_reply *first, **last;
    struct lease_other *others;
    struct {
        bool waiting; /* for an answer */
        bool suspects;
        int64_t term; /* as which we gave the sign of life */
        int64_t asked_us, answered_us, next_us;
        unsigned failures;
    } look;
    struct {
        struct metric *held, *denied, *members, *lost, *taken_for_dead, *beat;
    } metrics;
};

/* lease_store.c */
void lease_reply_later(struct lease_store *l, struct waiter to, const struct err *err,
                       int64_t term);
struct lease_write *lease_write_new(struct lease_store *l, size_t events,
                                    void (*wrote)(struct lease_store *, struct lease_write *,
                                                  const struct err *));
struct store_event *lease_write_event(struct lease_write *write, const char *kind,
                                      const char *subject);
/* A copy of `after` in the write's arena; before NULL inserts. A full event is followed by another
 * of its kind. */
void lease_write_change(struct lease_write *write, enum table_id table, const void *before,
                        const void *after);
void lease_write_ask(struct lease_write *write, bool fenced);
/* lease_member.c */
void lease_member_join(struct lease *lease, struct waiter to);
void lease_member_leave(struct lease *lease, struct waiter to);
void lease_member_proven(struct lease_store *l, const struct err *err);
void lease_member_turn(struct lease_store *l);
bool lease_member_alive(const struct lease_store *l, int64_t term);
void lease_member_lost(struct lease_store *l, const char *why);
/* lease_keys.c */
void lease_keys_acquire(struct lease *lease, const char *name, struct waiter to);
void lease_keys_release(struct lease *lease, const char *name);
bool lease_keys_granted(struct lease_store *l, const char *name);
int64_t lease_keys_turn(struct lease_store *l, int64_t now_us);
void lease_keys_drop(struct lease_store *l); /* nothing is ours any more */
void lease_keys_check(struct lease_store *l);
void lease_keys_free(struct lease_store *l);
size_t lease_keys_owned(const struct lease_store *l); /* rows */
/* Rows for leaving: each key goes to an heir by name, or is free. */
void lease_keys_end(struct lease_store *l, struct lease_write *write);
/* lease_watch.c */
int64_t lease_watch_turn(struct lease_store *l, int64_t now_us);
/* Who gives signs of life right now, whoever has been there longest first. */
size_t lease_watch_heirs(const struct lease_store *l, struct member heirs[HEIRS_MAX]);
void lease_watch_free(struct lease_store *l);
#endif
