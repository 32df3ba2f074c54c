/* A store in a database of its own on a test's own server. */
#ifndef TEST_PG_STORE_H
#define TEST_PG_STORE_H
#include "base/clock.h"
#include "io/loop.h"
#include "pg_server.h"
#include "store/store_bodies.h"

/* A new database, whose name goes into `base`. */
static inline void pg_store_base(const struct pg_server *server, char *base, size_t size)
{
    static int number;
    snprintf(base, size, "t%d", ++number);
    pg_server_base(server, base);
}

static inline struct store *pg_store_open(const struct pg_server *server, const char *base,
                                          const char *instance, struct loop *loop)
{
    struct err err;
    char url[200];
    pg_server_url(server, base, url, sizeof url);
    struct store *store = store_pg_open(
        &(struct store_pg_options){.url = url, .instance = instance, .migrate = true, .loop = loop},
        &err);
    if (!store)
        pg_server_fail(err.text);
    return store;
}
#endif
