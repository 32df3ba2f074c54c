/* Why: what a host is told, as rows of settings. This file is the list; settings.c knows how to
 * read it, config_lists.c reads what repeats (instruments, strategies, sources, feeds). */
#include "serve/config.h"
#include "io/file.h"
#include "io/redis.h"
#include "serve/config_parts.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S_US 1000000LL
#define CENTURY_US (36500 * 86400LL * S_US)
#define CONFIG_MAX (1u << 20)

static const char *const mode_names[] = {"single", "active_active", "active_passive", NULL};
static const char *const level_names[] = {"debug", "info", "warn", "error", NULL};
static const char *const format_names[] = {"auto", "json", "text", NULL};

#define ROW(key, type, field, fallback, low, high, names, flags, help)                             \
    {                                                                                              \
        key, type, offsetof(struct config, field), sizeof(((struct config *)0)->field), fallback,  \
            low, high, names, flags, help                                                          \
    }
#define SECTION(key, help)                                                                         \
    {                                                                                              \
        key, SETTING_OTHER, 0, 0, NULL, 0, 0, NULL, 0, help                                        \
    }

static const struct setting root_rows[] = {
    ROW("instance", SETTING_NAME, instance, "", 0, 0, NULL, 0,
        "name of this instance in logs and events [host name]"),
    ROW("mode", SETTING_CHOICE, mode, "single", 0, 0, mode_names, 0,
        "single, active_active [the default with PostgreSQL] or active_passive"),
    {"listen", SETTING_OTHER, 0, 0, NULL, 0, 0, NULL, 0,
     "address and port of the webhook, the API and the dashboard [127.0.0.1:8787]"},
    ROW("strategies_dir", SETTING_TEXT, strategies_dir, "strategies", 0, 0, NULL, 0,
        "folder that is watched for changed policies"),
    ROW("watch", SETTING_BOOL, watch, "true", 0, 0, NULL, 0,
        "load a strategy's files again when they change"),
    ROW("order_deadline", SETTING_DURATION, order_deadline_us, "10s", S_US / 10, 120 * S_US, NULL,
        0, "wait for a broker's first answer before an order is UNKNOWN"),
    SECTION("store", ""),
    SECTION("tls", ""),
    SECTION("admin", ""),
    SECTION("log", ""),
    SECTION("account", ""),
    SECTION("broker", ""),
    SECTION("instruments", ""),
    SECTION("strategies", ""),
    SECTION("sources", ""),
    SECTION("feeds", ""),
    SECTION("calendar", ""),
    SECTION("redis", ""),
    SECTION("leases", ""),
    SECTION("reconcile", ""),
    SECTION("rollover", ""),
    SECTION("rails", ""),
    SECTION("staleness", ""),
    SECTION("limits", ""),
    SECTION("retry", ""),
    SECTION("shutdown", ""),
    SECTION("statistics", ""),
};
static const struct setting store_rows[] = {
    ROW("path", SETTING_TEXT, store_path, "var/tidelock.db", 0, 0, NULL, 0,
        "SQLite file; its folder is made when missing"),
    ROW("mirror", SETTING_TEXT, store_mirror, NULL, 0, 0, NULL, 0,
        "a second database, file or postgresql:// URL, that follows the first hash for hash"),
    ROW("url", SETTING_TEXT, postgres.url, NULL, 0, 0, NULL, 0,
        "postgresql://user@host,host/base: PostgreSQL instead, for several instances"),
    ROW("password", SETTING_SECRET, postgres.password, NULL, 0, 0, NULL, 0,
        "of its user, and of a mirror's, by reference"),
    ROW("direct", SETTING_TEXT, postgres.direct_url, NULL, 0, 0, NULL, 0,
        "the same database around a pooler of sessions [url]"),
    ROW("replica", SETTING_TEXT, postgres.replica_url, NULL, 0, 0, NULL, 0,
        "a replica for history and reports"),
    ROW("replica_lag", SETTING_DURATION, postgres.replica_lag_us, "2s", 100000, 600 * S_US, NULL, 0,
        "how late it may be; later, the first database is asked"),
    ROW("pool", SETTING_INT, postgres.pool, "8", 3, 18, NULL, 0, "connections at most"),
    ROW("spool", SETTING_TEXT, store_spool, NULL, 0, 0, NULL, 0,
        "file for signals that come while the database is away; \"\": they are refused then "
        "[with url: beside path, as .spool; else none]"),
    ROW("wait", SETTING_BOOL, store_wait, "true", 0, 0, NULL, 0,
        "with a spool: start while the database is away and join when it comes; else such a start "
        "fails"),
    SECTION("kind", "sqlite"),
};
static const struct setting tls_rows[] = {
    ROW("certificate", SETTING_TEXT, tls_cert, NULL, 0, 0, NULL, 0,
        "PEM chain; with it the listener speaks HTTPS"),
    ROW("key", SETTING_TEXT, tls_key, NULL, 0, 0, NULL, 0, "PEM key of the certificate"),
};
static const struct setting admin_rows[] = {
    ROW("token", SETTING_SECRET, admin_token, NULL, 0, 0, NULL, 0,
        "bearer token for changes over HTTP; required beyond loopback"),
    SECTION("trusted_proxies", "addresses whose X-Forwarded-For is believed"),
};
static const struct setting log_rows[] = {
    ROW("level", SETTING_CHOICE, log_level, "info", 0, 0, level_names, 0,
        "debug, info, warn or error"),
    ROW("format", SETTING_CHOICE, log_format, "auto", 0, 0, format_names, 0,
        "json, text, or auto: text on a terminal"),
};
static const struct setting account_rows[] = {
    ROW("currency", SETTING_NAME, currency, "INR", 0, 0, NULL, 0, "currency of the ledger"),
    ROW("deposit", SETTING_DECIMAL, deposit, "1000000", 0, 0, NULL, SETTING_ZERO,
        "first deposit, booked once when the ledger is empty"),
    ROW("time_zone", SETTING_TEXT, account_zone, "UTC", 0, 0, NULL, 0,
        "zone in which the trading day begins at midnight"),
};
static const struct setting staleness_rows[] = {
    ROW("entry_max_age", SETTING_DURATION, staleness.entry_max_age_us, "60s", S_US, CENTURY_US,
        NULL, 0, "entries older than this are rejected; exits never"),
    ROW("entry_max_future", SETTING_DURATION, staleness.entry_max_future_us, "30s", 0, CENTURY_US,
        NULL, 0, "entries further ahead than this are rejected"),
};
static const struct setting limits_rows[] = {
    ROW("queue", SETTING_INT, limits.queue, "20000", 16, 1000000, NULL, 0,
        "signals accepted and not final"),
    ROW("flows", SETTING_INT, limits.flows, "4096", 16, 65536, NULL, 0, "stories at once"),
    ROW("body_bytes", SETTING_INT, limits.body_bytes, "65536", 1024, 1 << 20, NULL, 0,
        "largest request body"),
    ROW("connections", SETTING_INT, limits.connections, "1024", 8, 60000, NULL, 0,
        "connections at once"),
    ROW("connections_per_ip", SETTING_INT, limits.connections_per_ip, "0", 0, 60000, NULL, 0,
        "connections of one address; 0: no limit"),
    ROW("policy_memory_bytes", SETTING_INT, limits.memory_bytes, "8388608", 1 << 20, 1 << 30, NULL,
        0, "memory of one policy version"),
    ROW("policy_instructions", SETTING_INT, limits.instructions, "200000", 1000, 1000000000, NULL,
        0, "VM instructions of one call"),
    ROW("policy_wall", SETTING_DURATION, limits.wall_us, "25ms", 1000, S_US, NULL, 0,
        "wall time of one call"),
};
static const struct setting retry_rows[] = {
    ROW("attempts", SETTING_INT, retry.attempts, "5", 1, 100, NULL, 0,
        "tries of a failing signal before it is a dead letter"),
    ROW("base", SETTING_DURATION, retry.base_us, "200ms", 1000, 60 * S_US, NULL, 0,
        "first backoff, doubled each time, with full jitter"),
    ROW("cap", SETTING_DURATION, retry.cap_us, "30s", 1000, 3600 * S_US, NULL, 0,
        "longest backoff"),
};
static const struct setting shutdown_rows[] = {
    ROW("stop_orders", SETTING_DURATION, shutdown.stop_orders_us, "30s", 1000, 600 * S_US, NULL, 0,
        "1/5: finish what is being decided"),
    ROW("cancel_orders", SETTING_DURATION, shutdown.cancel_orders_us, "60s", 1000, 600 * S_US, NULL,
        0, "2/5: cancel open orders; protective stops stay"),
    ROW("close_positions", SETTING_BOOL, shutdown.close_positions, "false", 0, 0, NULL, 0,
        "3/5: close positions too"),
    ROW("close_positions_time", SETTING_DURATION, shutdown.close_positions_us, "120s", 1000,
        1800 * S_US, NULL, 0, "3/5: time for that"),
    ROW("flush", SETTING_DURATION, shutdown.flush_us, "30s", 1000, 600 * S_US, NULL, 0,
        "4/5: write what is not yet durable"),
    ROW("close", SETTING_DURATION, shutdown.close_us, "10s", 1000, 600 * S_US, NULL, 0,
        "5/5: release leases and close"),
};
static const struct setting redis_rows[] = {
    ROW("url", SETTING_TEXT, redis.url, NULL, 0, 0, NULL, 0,
        "redis://host:port/db, redis+sentinel://host,host/master or redis+cluster://host,host: "
        "makes several instances faster; none is needed"),
    ROW("user", SETTING_TEXT, redis.user, NULL, 0, 0, NULL, 0, "of its access list"),
    ROW("password", SETTING_SECRET, redis.password, NULL, 0, 0, NULL, 0, "by reference"),
    ROW("prefix", SETTING_TEXT, redis.prefix, "main", 0, 0, NULL, 0,
        "keys begin with tidelock:<prefix>:"),
    ROW("timeout", SETTING_DURATION, redis.timeout_us, "50ms", 1000, S_US, NULL, 0,
        "of a command; slower is as good as away"),
};
static const struct setting leases_rows[] = {
    ROW("ttl", SETTING_DURATION, leases.ttl_us, "10s", S_US, 60 * S_US, NULL, 0,
        "of a lease in Redis, renewed at a third of it; who lives is told by the database"),
    ROW("dead_after", SETTING_DURATION, leases.dead_after_us, "1500ms", 300000, 90 * S_US, NULL, 0,
        "an instance that gave no sign of life for so long is taken for dead, and stops by itself "
        "when two thirds of it are over"),
    ROW("watch", SETTING_DURATION, leases.watch_us, "100ms", S_US / 100, S_US, NULL, 0,
        "how often it gives one, and looks for the sessions of the others"),
    ROW("failover_target", SETTING_DURATION, leases.failover_target_us, "30s", S_US / 10,
        600 * S_US, NULL, 0, "a change of leaders that takes longer is an alert"),
};
static const struct setting reconcile_rows[] = {
    ROW("every", SETTING_DURATION, reconcile.every_us, "5m", S_US, 86400 * S_US, NULL, 0,
        "compare our book with the broker's so often; at a start and a takeover always"),
    ROW("max_lots", SETTING_DECIMAL, reconcile.max_lots, NULL, 0, 0, NULL, 0,
        "a larger difference is for a person [no bound]"),
    ROW("max_drift", SETTING_DECIMAL, reconcile.max_drift, NULL, 0, 0, NULL, SETTING_ZERO,
        "money by which the balances may differ [only reported]"),
    ROW("dry_run", SETTING_BOOL, reconcile.dry_run, "false", 0, 0, NULL, 0,
        "report what would be done, do nothing"),
};
static const struct setting rollover_rows[] = {
    ROW("every", SETTING_DURATION, rollover_every_us, "1m", S_US / 10, 86400 * S_US, NULL, 0,
        "ask the strategies so often whether a position with an expiry rolls now"),
};
static const struct setting statistics_rows[] = {
    ROW("every", SETTING_INT, statistics.every, "1000", 1, 1000000, NULL, 0,
        "saved after so many signals"),
    ROW("interval", SETTING_DURATION, statistics.interval_us, "5s", 100000, 3600 * S_US, NULL, 0,
        "and at least this often"),
};
static const struct {
    const char *name;
    const struct setting *rows;
    size_t count;
} sections[] = {
#define LIST(name, rows)                                                                           \
    {                                                                                              \
        name, rows, sizeof rows / sizeof rows[0]                                                   \
    }
    LIST("store", store_rows),         LIST("tls", tls_rows),
    LIST("admin", admin_rows),         LIST("log", log_rows),
    LIST("account", account_rows),     LIST("staleness", staleness_rows),
    LIST("limits", limits_rows),       LIST("retry", retry_rows),
    LIST("shutdown", shutdown_rows),   LIST("statistics", statistics_rows),
    LIST("reconcile", reconcile_rows), LIST("rollover", rollover_rows),
    LIST("redis", redis_rows),         LIST("leases", leases_rows),
};

static void read_listen(struct settings_reader *r, const struct json *root, struct config *c)
{
    const char *text = getenv("TIDELOCK_LISTEN");
    const struct json *value = json_get(root, "listen");
    if (!text && value && value->type != JSON_STRING) {
        settings_fault(r, "listen", "must be an address and port such as \"127.0.0.1:8787\"");
        return;
    }
    if (!text)
        text = value ? value->text : "127.0.0.1:8787";
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    long port = colon ? strtol(colon + 1, &end, 10) : -1;
    if (!colon || colon == text || !colon[1] || *end || port < 0 || port > 65535) {
        settings_fault(
            r, "listen",
            "\"%s\" is not an address and port such as \"127.0.0.1:8787\" or \"[::1]:8787\"", text);
        return;
    }
    size_t length = (size_t)(colon - text);
    if (text[0] == '[' && text[length - 1] == ']')
        text++, length -= 2;
    c->listen_address = arena_copy(r->arena, text, length);
    c->listen_port = port;
}

static bool is_loopback(const char *address)
{
    return address && (text_starts(address, "127.") || strcmp(address, "::1") == 0);
}

static void check_redis(struct settings_reader *r, const struct config *c)
{
    struct err err;
    if (!c->redis.url)
        return;
    if (!redis_url_check(c->redis.url, &err))
        settings_fault(r, "redis.url", "%s", err.text);
    else if (strchr(c->redis.url, '@'))
        settings_fault(r, "redis.url",
                       "names a user or password: write them as redis.user and redis.password = "
                       "\"env:REDIS_PASSWORD\", so that they are never shown");
    size_t length = strspn(c->redis.prefix, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789_-.");
    if (!length || c->redis.prefix[length] || length > 40)
        settings_fault(r, "redis.prefix", "must be 1 to 40 of the characters a-z A-Z 0-9 _ - .");
    if (c->mode == MODE_SINGLE)
        settings_warn(r, "redis", "is not used by a single instance");
}

/* A password in a URL would be printed with it. */
static bool has_password(const char *url)
{
    const char *user = url ? strstr(url, "://") : NULL, *at = user ? strchr(user, '@') : NULL;
    const char *colon = user ? strchr(user + 3, ':') : NULL;
    return url && (strstr(url, "password=") || (at && colon && colon < at));
}

static void check_store(struct settings_reader *r, const struct json *root, const struct config *c)
{
    const char *kind = json_text(json_get(root, "store"), "kind");
    if (kind && strcmp(kind, c->postgres.url ? "postgresql" : "sqlite") != 0)
        settings_fault(r, "store.kind",
                       "\"%s\" is not what is set up: \"sqlite\" has a path, \"postgresql\" a url",
                       kind);
    if (has_password(c->postgres.url) || has_password(c->postgres.direct_url) ||
        has_password(c->postgres.replica_url) || has_password(c->store_mirror))
        settings_fault(r, c->postgres.url ? "store.url" : "store.mirror",
                       "names a password: write store.password = \"env:PGPASSWORD\" or "
                       "\"file:/path\", so that it is never shown");
}

static void check_whole(struct settings_reader *r, const struct json *root, struct config *c)
{
    check_store(r, root, c);
    if (c->postgres.url && !json_get(root, "mode") && !getenv("TIDELOCK_MODE"))
        c->mode = MODE_ACTIVE_ACTIVE;
    if (c->mode != MODE_SINGLE && !c->postgres.url)
        settings_fault(r, "mode",
                       "\"%s\" needs the PostgreSQL store; with SQLite the mode is \"single\"",
                       mode_names[c->mode]);
    if (!!c->tls_cert != !!c->tls_key)
        settings_fault(r, "tls", "certificate and key are given together");
    if (c->listen_address && !is_loopback(c->listen_address) && !c->admin_token.bytes)
        settings_fault(r, "admin.token",
                       "is required when listening on %s: anyone who reaches it could halt trading",
                       c->listen_address);
    check_redis(r, c);
    struct err err = {0};
    struct zone *zone = zone_load(c->account_zone, &err);
    if (!zone)
        settings_fault(r, "account.time_zone", "%s", err.text);
    zone_free(zone);
    if (!c->instance[0] && gethostname(c->instance, sizeof c->instance - 1) != 0)
        text_copy(c->instance, sizeof c->instance, "tidelock");
}

static void read_all(struct settings_reader *r, const struct json *root, struct config *c)
{
    settings_read(r, "", root, root_rows, sizeof root_rows / sizeof root_rows[0], c);
    read_listen(r, root, c);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        settings_read(r, sections[i].name, json_get(root, sections[i].name), sections[i].rows,
                      sections[i].count, c);
    config_read_broker(r, root, c);
    config_read_lists(r, root, c);
    config_check_broker(r, c);
    check_whole(r, root, c);
}

bool config_read_text(const char *name, const char *text, size_t length, struct config *out,
                      struct config_faults *faults)
{
    memset(out, 0, sizeof *out);
    out->reconcile.max_lots = out->reconcile.max_drift = decimal_bad();
    memset(faults, 0, sizeof *faults);
    arena_init(&out->arena, 16384);
    out->path = arena_text(&out->arena, name);
    struct table_file table = {0};
    struct err err = {0};
    if (!table_file_read(name, text, length, &out->arena, &table, &err)) {
        str_printf(&faults->text, "%s\n", err.text);
        faults->count = 1;
        return false;
    }
    struct settings_reader r = {
        .file = name, .table = &table, .arena = &out->arena, .faults = faults};
    read_all(&r, table.root, out);
    return faults->count == 0;
}

bool config_read(const char *path, struct config *out, struct config_faults *faults)
{
    struct arena arena;
    arena_init(&arena, 16384);
    struct err err = {0};
    size_t length = 0;
    char *text = file_read(&arena, path, CONFIG_MAX, 0, &length, &err);
    bool ok = false;
    if (text) {
        ok = config_read_text(path, text, length, out, faults);
    } else {
        memset(out, 0, sizeof *out);
        memset(faults, 0, sizeof *faults);
        str_printf(&faults->text, "%s\n", err.text);
        faults->count = 1;
    }
    arena_free(&arena);
    return ok;
}

void config_free(struct config *c)
{
    for (size_t i = 0; i < c->source_count; i++) {
        secret_wipe(&c->sources[i].path_secret);
        secret_wipe(&c->sources[i].body_secret);
        secret_wipe(&c->sources[i].hmac_secret);
        secret_wipe(&c->sources[i].hmac_secret_old);
    }
    secret_wipe(&c->admin_token);
    secret_wipe(&c->redis.password);
    secret_wipe(&c->postgres.password);
    config_free_broker(c);
    for (size_t i = 0; i < c->zone_count; i++)
        zone_free(c->zones[i]);
    arena_free(&c->arena);
    memset(c, 0, sizeof *c);
}

void config_print(const struct config *c, struct str *out)
{
    str_putc(out, '{');
    settings_print(root_rows, sizeof root_rows / sizeof root_rows[0], c, out);
    str_printf(out, ",\"listen\":\"%s:%lld\"", c->listen_address, (long long)c->listen_port);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        str_printf(out, ",\"%s\":{", sections[i].name);
        settings_print(sections[i].rows, sections[i].count, c, out);
        str_putc(out, '}');
    }
    config_print_broker(c, out);
    config_print_lists(c, out);
    str_putc(out, '}');
}

const char *config_help(void)
{
    static struct str help; /* made once, kept: it never changes */
    if (help.length)
        return help.data;
    settings_help("", root_rows, 6, &help);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        settings_help(sections[i].name, sections[i].rows, sections[i].count, &help);
    config_broker_help(&help);
    config_lists_help(&help);
    return help.data;
}
