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
/* Its writes go through another port; what shows that it lives does not. */
static inline struct store *pg_store_open_by(const struct pg_server *server, int port,
                                             const char *base, struct loop *loop)
{
    struct pg_server by = *server;
    struct err err;
    char url[200], direct[200];
    by.port = port;
    pg_server_url(&by, base, url, sizeof url);
    pg_server_url(server, base, direct, sizeof direct);
    struct store *store = store_pg_open(
        &(struct store_pg_options){
            .url = url, .direct_url = direct, .instance = "one", .migrate = true, .loop = loop},
        &err);
    if (!store)
        pg_server_fail(err.text);
    return store;
}
#endif
