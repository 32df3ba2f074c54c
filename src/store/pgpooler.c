/* A pooler of transactions would work for a while: settings of one session end up in another's,
 * where they make somebody else's writes fail; statements are known under the names that another
 * program gave them; the lock that keeps two programs from migrating at once is held by nobody. A
 * pooler of sessions keeps all that, but it may keep the server's session when its client is dead,
 * and then nobody sees that it is. */
#include "store/pgpooler.h"

#include <string.h>

#define CONNECT_US 10000000

bool pgpooler_check(struct pg_block *db, bool *pooled, struct err *err)
{
    enum pg_pooling pooling;
    if (!pg_block_pooling(db, &pooling, err))
        return false;
    if (pooled)
        *pooled = pooling != PG_POOLS_NOTHING;
    if (pooling != PG_POOLS_TRANSACTIONS)
        return true;
    return err_set(err, ERR_REFUSED, ERR_CONFIG,
                   "store.url: a pooler before %.60s gives every transaction another session, and "
                   "settings, statements and locks get lost; use pool_mode = session for this "
                   "database, or name the server itself",
                   pg_block_where(db));
}

bool pgpooler_check_direct(const char *url, const char *direct_url, bool pooled, struct err *err)
{
    enum pg_pooling pooling = pooled ? PG_POOLS_SESSIONS : PG_POOLS_NOTHING;
    bool same = !direct_url || strcmp(url, direct_url) == 0, ok = true;
    if (!same) {
        struct pg_block *db = pg_block_open(direct_url, "tidelock", true, CONNECT_US, err);
        ok = db && pg_block_pooling(db, &pooling, err);
        pg_block_close(db);
    }
    if (!ok)
        return err_prefix(err, "store.direct");
    if (pooling == PG_POOLS_NOTHING)
        return true;
    return err_set(err, ERR_REFUSED, ERR_CONFIG,
                   "store.direct: %s; name the server itself there, for the session that shows the "
                   "others that this instance lives",
                   same ? "it is needed, because store.url goes through a pooler"
                        : "it goes through a pooler");
}
