/* Hints: what Redis is good for. Faster answers, never the truth: whoever asks is told granted,
 * denied or unknown within a small deadline, and does what is right on the database's word.
 *
 * Everything in Redis stands under `tidelock:<prefix>:`. The key `...:owner` keeps the identity of
 * the database the hints belong to: with another's there, Redis is not used at all. Names in braces
 * keep all of one instrument in one slot of a cluster. */
#ifndef TIDELOCK_LEASE_HINTS_H
#define TIDELOCK_LEASE_HINTS_H
#include "io/redis.h"

#define HINT_KEY_SIZE 256
#define HINT_TOKEN_SIZE 80

struct hints;
struct store;
struct hints_options { /* texts are copied */
    struct loop *loop;
    struct chance *chance;
    struct log *log;
    struct metrics *metrics;
    struct store *store; /* woken when others have written; NULL: nobody is */
    const char *url, *user, *password;
    const char *prefix;   /* NULL: "main" */
    const char *identity; /* of the database: the same for all its instances, and for no others;
                           * NULL: told later, and Redis is not used before */
    const char *instance;
    int64_t timeout_us;  /* of a command nobody waits for; 0: 50 ms */
    int64_t deadline_us; /* of what somebody waits for; 0: 20 ms */
};
struct hints *hints_open(const struct hints_options *options, struct err *err) MUST_CHECK;
/* Before the leases and claims that use it: they get their last answers. NULL accepted. */
void hints_close(struct hints *hints);

void hints_identify(struct hints *hints, const char *identity);
/* Connected, answering, ours. NULL accepted: false. */
bool hints_usable(const struct hints *hints);
/* The log has grown by a commit of ours: the others are told. Coalesced: one message is under way
 * at a time, and only the newest number matters. NULL accepted. */
void hints_grown(struct hints *hints, int64_t seq);

struct hints_status {
    bool up, usable, warned; /* warned: `text` says what is wrong though it is used */
    char text[240];          /* a sentence with the cure, for health and log */
    int64_t latency_us;
};
void hints_status(const struct hints *hints, struct hints_status *out);

/* ---- for this room ---- */

enum hint { HINT_GRANTED, HINT_DENIED, HINT_UNKNOWN };
struct hint_answer { /* value of every answer; there are no errors */
    enum hint hint;
    char holder[HINT_TOKEN_SIZE]; /* DENIED: whose token stands there */
};
/* Takes a key for the time, or prolongs it when it is ours already. waits: somebody does. */
void hints_take(struct hints *hints, const char *key, const char *token, int64_t ttl_us, bool waits,
                struct waiter to);
/* Takes a key that nobody has, in one cheap command; somebody waits. DENIED does not tell who has
 * it, and it may be ours. */
void hints_claim(struct hints *hints, const char *key, const char *token, int64_t ttl_us,
                 struct waiter to);
/* As hints_take, over the token `old`, should it still stand there. */
void hints_replace(struct hints *hints, const char *key, const char *old, const char *token,
                   int64_t ttl_us, struct waiter to);
/* Removes the keys that are ours. Nobody waits. */
void hints_drop(struct hints *hints, const char *key, const char *token);
void hints_drop_all(struct hints *hints, const char *const *keys, size_t count /* REDIS_KEYS_MAX */,
                    const char *token);
/* tidelock:<prefix>:<kind>:<name>, the instrument of "instrument:X" and "rollover:X:..." in braces,
 * any other name as a whole. False: too long to be told from others. */
bool hints_key(const struct hints *hints, const char *kind, const char *name,
               char out[HINT_KEY_SIZE]);
#endif
