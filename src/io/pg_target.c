/* Where to connect, and what its refusals mean.
 *
 * libpq would try several hosts within one attempt, whose time it does not bound when it is not
 * allowed to block: a host that hangs would hide the next one for good. So a URL is taken apart
 * here, and each attempt is at one host. */
#include "io/pg_conn.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *option(const struct pg_target *target, const char *word)
{
    for (PQconninfoOption *o = target->options; o && o->keyword; o++)
        if (strcmp(o->keyword, word) == 0)
            return o->val && *o->val ? o->val : NULL;
    return NULL;
}

static bool is_numeric(const char *host)
{
    unsigned char bytes[16];
    return *host == '/' || *host == '@' || !*host || strcmp(host, "localhost") == 0 ||
           inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* The n-th of a comma separated list; the last one counts for all that follow, as in libpq. */
static void pick(const char *list, size_t n, char *out, size_t size)
{
    for (const char *comma; n > 0 && (comma = strchr(list, ',')); n--)
        list = comma + 1;
    snprintf(out, size, "%.*s", (int)strcspn(list, ","), list);
}

static bool read_hosts(struct pg_target *target, struct err *err)
{
    const char *address = option(target, "hostaddr");
    const char *hosts = address ? address : option(target, "host");
    const char *ports = option(target, "port");
    size_t count = 1;
    for (const char *at = hosts ? hosts : ""; (at = strchr(at, ',')); at++)
        count++;
    if (count > PG_HOSTS_MAX)
        return err_set(err, ERR_REFUSED, ERR_CONFIG, "a database URL may name at most %d hosts",
                       PG_HOSTS_MAX);
    target->host_count = count;
    for (size_t i = 0; i < count; i++) {
        struct pg_host *host = &target->hosts[i];
        pick(hosts ? hosts : "", i, host->host, sizeof host->host);
        pick(ports ? ports : "5432", i, host->port, sizeof host->port);
        host->numeric = is_numeric(host->host);
    }
    return true;
}

bool pg_target_read(struct pg_target *target, const char *url, const char *name, bool read_write,
                    struct err *err)
{
    char *why = NULL;
    *target = (struct pg_target){.read_write = read_write};
    target->options = PQconninfoParse(url, &why);
    if (!target->options) {
        err_set(err, ERR_REFUSED, ERR_CONFIG, "the database URL cannot be read: %.120s",
                why ? why : "no memory");
        PQfreemem(why);
        return false;
    }
    text_copy(target->name, sizeof target->name, name ? name : "tidelock");
    const char *base = option(target, "dbname"), *hosts = option(target, "host");
    snprintf(target->where, sizeof target->where, "%.90s/%.60s", hosts ? hosts : "local",
             base ? base : "");
    return read_hosts(target, err);
}

void pg_target_free(struct pg_target *target)
{
    PQconninfoFree(target->options);
    target->options = NULL;
}

struct words {
    const char *names[PG_WORDS_MAX], *values[PG_WORDS_MAX];
    size_t count;
};

static void add(struct words *words, const char *name, const char *value)
{
    if (value && *value && words->count < PG_WORDS_MAX - 1) {
        words->names[words->count] = name;
        words->values[words->count++] = value;
    }
}

static void add_default(struct words *words, const struct pg_target *target, const char *name,
                        const char *value)
{
    if (!option(target, name))
        add(words, name, value);
}

PGconn *pg_target_start(const struct pg_target *target, size_t index, const char *address)
{
    const struct pg_host *host = &target->hosts[index % target->host_count];
    struct words words = {.count = 0};
    for (PQconninfoOption *o = target->options; o->keyword; o++)
        if (strcmp(o->keyword, "host") != 0 && strcmp(o->keyword, "hostaddr") != 0 &&
            strcmp(o->keyword, "port") != 0)
            add(&words, o->keyword, o->val);
    add(&words, "host", host->host);
    if (address)
        add(&words, "hostaddr", address);
    add(&words, "port", host->port);
    add_default(&words, target, "application_name", target->name);
    add_default(&words, target, "target_session_attrs", target->read_write ? "read-write" : "any");
    /* A ticket server that does not answer would hold up the loop. */
    add_default(&words, target, "gssencmode", "disable");
    add_default(&words, target, "keepalives_idle", "2");
    add_default(&words, target, "keepalives_interval", "1");
    add_default(&words, target, "keepalives_count", "3");
    add_default(&words, target, "tcp_user_timeout", "4000");
    add(&words, "client_encoding", "UTF8");
    return PQconnectStartParams(words.names, words.values, 0);
}

/* ---- errors ---- */

static const struct meaning {
    const char *state; /* a SQLSTATE or how it begins; the first that fits counts */
    enum err_class class;
    enum err_code code;
    const char *cure;
} meanings[] = {
    {"40", ERR_LATER, ERR_BUSY, ""},
    {"55P03", ERR_LATER, ERR_BUSY, ""},
    {"57014", ERR_LATER, ERR_TIMEOUT, ""},
    {"23505", ERR_REFUSED, ERR_DUPLICATE, ""},
    {"23", ERR_REFUSED, ERR_CONFLICT, ""},
    {"TL003", ERR_REFUSED, ERR_CONFLICT, ""},
    {"TL", ERR_LATER, ERR_BUSY, ""},
    {"53100", ERR_LATER, ERR_FULL, ": free some space on the database's disk"},
    {"53300", ERR_LATER, ERR_IO, ": raise max_connections or lower store.pool"},
    {"53", ERR_LATER, ERR_FULL, ""},
    {"22", ERR_REFUSED, ERR_INPUT, ""},
    {"25006", ERR_LATER, ERR_IO, ": this server takes no writes"},
    {"28", ERR_LATER, ERR_AUTH, ": correct user and password in store.url"},
    {"3D", ERR_LATER, ERR_CONFIG, ": create the database, or correct store.url"},
    {"42501", ERR_REFUSED, ERR_AUTH, ": grant the user its rights"},
    {"42", ERR_REFUSED, ERR_SCHEMA, ""},
    {"XX001", ERR_REFUSED, ERR_CORRUPT, ": restore the last backup"},
    {"XX002", ERR_REFUSED, ERR_CORRUPT, ": restore the last backup"},
    {"", ERR_LATER, ERR_IO, ""},
};

static const struct meaning *find_meaning(const char *state)
{
    const struct meaning *meaning = meanings;
    while (!text_starts(state, meaning->state))
        meaning++;
    return meaning;
}

/* libpq's texts have several lines; ours is one sentence. */
static void first_line(const char *text, char *out, size_t size)
{
    while (*text == ' ' || *text == '\n')
        text++;
    size_t length = strcspn(text, "\n");
    snprintf(out, size, "%.*s", (int)(length < size ? length : size - 1), text);
}

bool pg_fail_result(const char *where, const PGresult *result, struct err *err)
{
    char line[160];
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const struct meaning *meaning = find_meaning(state ? state : "");
    first_line(text ? text : PQresultErrorMessage(result), line, sizeof line);
    return err_set(err, meaning->class, meaning->code, "%.60s: %s%s", where, line, meaning->cure);
}

bool pg_fail_connect(const struct pg_target *target, PGconn *conn, struct err *err)
{
    char line[200];
    const char *text = conn ? PQerrorMessage(conn) : "out of memory";
    /* The message repeats host and port before the reason. */
    const char *reason = strstr(text, "FATAL:"), *failed = strstr(text, " failed: ");
    bool password = strstr(text, "password") || strstr(text, "authentication");
    bool unproved = strstr(text, "certificate verify failed");
    first_line(reason ? reason + 6 : failed ? failed + 9 : text, line, sizeof line);
    return err_set(err, ERR_LATER, password ? ERR_AUTH : ERR_IO,
                   "%.60s cannot be reached: %.140s%s", target->where, line,
                   unproved ? ": it has expired, or sslrootcert names another authority" : "");
}

bool pg_fail_lost(const char *where, PGconn *conn, bool maybe_done, struct err *err)
{
    char line[120];
    first_line(conn ? PQerrorMessage(conn) : "", line, sizeof line);
    return err_set(err, maybe_done ? ERR_MAYBE_DONE : ERR_LATER, ERR_IO,
                   "%.60s: the connection was lost%s%.110s", where, *line ? ": " : "", line);
}
