/* Why: the live host and the offline jobs find the same database from the same configuration. */
#include "host.h"

#include "io/file.h"
#include "store/spool.h"
#include "store/store_bodies.h"

#include <libgen.h>
#include <string.h>

/* The password joins the URL here, and nowhere that is printed. */
static char *with_password(const char *url, const struct config_secret *password)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    struct str text = STR_EMPTY;
    bool is_url = url && strstr(url, "://");
    if (!url)
        return NULL;
    str_puts(&text, url);
    if (password->bytes)
        str_puts(&text, !is_url ? " password='" : strchr(url, '?') ? "&password=" : "?password=");
    for (size_t i = 0; i < password->length; i++) {
        unsigned char c = (unsigned char)password->bytes[i];
        if (is_url && !strchr(plain, c))
            str_printf(&text, "%%%02X", c);
        else if (!is_url && (c == '\'' || c == '\\'))
            str_printf(&text, "\\%c", c);
        else
            str_putc(&text, (char)c);
    }
    if (password->bytes && !is_url)
        str_putc(&text, '\'');
    char *joined = mem_copy_text(str_text(&text));
    explicit_bzero(text.data, text.length);
    str_free(&text);
    return joined;
}

static void forget(char *url)
{
    if (url)
        mem_free_secret(url, strlen(url));
}

char *host_store_url(const struct config *config)
{
    return with_password(config->postgres.url, &config->postgres.password);
}

static struct store *open_postgres(const struct config *config, const struct host_wires *wires,
                                   bool read_only, struct err *err)
{
    const struct config_secret *password = &config->postgres.password;
    char *url = with_password(config->postgres.url, password);
    char *direct = with_password(config->postgres.direct_url, password);
    char *replica = with_password(config->postgres.replica_url, password);
    struct store_pg_options options = {.url = url,
                                       .direct_url = direct,
                                       .replica_url = replica,
                                       .instance = config->instance,
                                       .pool = (size_t)config->postgres.pool,
                                       .lag_us = config->postgres.replica_lag_us,
                                       .read_only = read_only,
                                       .migrate = !read_only,
                                       .loop = wires->loop,
                                       .clock = wires->clock,
                                       .log = wires->log,
                                       .metrics = wires->metrics};
    struct store *store = store_pg_open(&options, err);
    forget(url);
    forget(direct);
    forget(replica);
    return store;
}

struct store *host_open_store_at(const char *place, const struct config_secret *password,
                                 struct loop *loop, struct err *err)
{
    static const struct config_secret none;
    if (strstr(place, "://")) {
        char *url = with_password(place, password ? password : &none);
        struct store *store = store_pg_open(&(struct store_pg_options){.url = url,
                                                                       .instance = "copy",
                                                                       .read_only = !loop,
                                                                       .migrate = loop != NULL,
                                                                       .loop = loop,
                                                                       .clock = clock_real()},
                                            err);
        forget(url);
        return store;
    }
    struct store_sqlite_options options = {.path = place,
                                           .instance = "copy",
                                           .read_only = !loop,
                                           .migrate = loop != NULL,
                                           .loop = loop,
                                           .clock = clock_real()};
    return store_sqlite_open(&options, err);
}

static bool make_folder_of(const char *path, struct err *err)
{
    char folder[1024];
    if (!text_copy(folder, sizeof folder, path))
        return err_set(err, ERR_REFUSED, ERR_CONFIG, "the path of the store is too long");
    return file_make_folder(dirname(folder), 0750, err);
}

struct store *host_open_store(const struct config *config, const struct host_wires *wires,
                              bool read_only, struct err *err)
{
    if (!read_only && !make_folder_of(config->store_path, err))
        return NULL;
    /* Other files of this host stand in that folder too, wherever the rows are. */
    if (config->postgres.url)
        return open_postgres(config, wires, read_only, err);
    struct store_sqlite_options options = {.path = config->store_path,
                                           .instance = config->instance,
                                           .read_only = read_only,
                                           .migrate = !read_only,
                                           .loop = wires->loop,
                                           .clock = wires->clock,
                                           .log = wires->log,
                                           .metrics = wires->metrics};
    return store_sqlite_open(&options, err);
}

/* An embedded database is on the same disk: a spool beside it would fail with it. */
bool host_open_spool(const struct config *config, const struct host_wires *wires,
                     struct spool **out, struct err *err)
{
    struct str path = STR_EMPTY;
    size_t length = strlen(config->store_path);
    *out = NULL;
    if (config->store_spool)
        str_puts(&path, config->store_spool);
    else if (config->postgres.url)
        str_put(&path, config->store_path,
                length > 3 && strcmp(config->store_path + length - 3, ".db") == 0 ? length - 3
                                                                                  : length);
    if (path.length && !config->store_spool)
        str_puts(&path, ".spool");
    bool ok = !path.length || make_folder_of(str_text(&path), err);
    if (path.length && ok)
        *out = spool_open(&(struct spool_options){.path = str_text(&path),
                                                  .count_max = (size_t)config->limits.queue,
                                                  .loop = wires->loop,
                                                  .log = wires->log,
                                                  .metrics = wires->metrics},
                          err);
    ok = !path.length || *out;
    str_free(&path);
    return ok || err_prefix(err, "store.spool");
}

bool host_migrate(const struct config *config, bool status, int version, struct str *report,
                  struct err *err)
{
    if (!config->postgres.url)
        return status ? migrate_sqlite_status(config->store_path, report, err)
                      : migrate_sqlite(config->store_path, version, report, err);
    char *url = with_password(config->postgres.url, &config->postgres.password);
    bool ok = status ? migrate_postgres_status(url, report, err)
                     : migrate_postgres(url, version, report, err);
    forget(url);
    return ok;
}
