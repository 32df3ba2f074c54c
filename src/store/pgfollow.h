/* Where the log ends as far as this instance has heard, and the rows a fence looks at, as of there.
 */
#ifndef TIDELOCK_STORE_PGFOLLOW_H
#define TIDELOCK_STORE_PGFOLLOW_H
#include "io/pg.h"
#include "store/fence.h"

struct pgfollow {
    int64_t seq;
    uint8_t hash[SHA256_SIZE];
    int64_t turns; /* of log_head, as of seq; -1: not known */
    struct book *fence;
    struct sha256 *sha;
};
void pgfollow_init(struct pgfollow *follow);
void pgfollow_free(struct pgfollow *follow);
/* Takes what stands in the database of a blocking connection: its end, members and leases. */
bool pgfollow_load(struct pgfollow *follow, struct pg_block *db, struct err *err) MUST_CHECK;
/* The next event of the log; refuses one that does not follow. */
bool pgfollow_event(struct pgfollow *follow, const struct event *event, struct err *err) MUST_CHECK;
#endif
