/* The configuration: one Lua table file, every fault of it told at once with file and line.
 *
 * Scalars may be overridden from the environment: TIDELOCK_STORE_PATH for store.path,
 * TIDELOCK_LISTEN for listen. Secrets are given by reference only: env:NAME, file:/path (mode 0600
 * or stricter), credential:NAME ($CREDENTIALS_DIRECTORY); they are read once, never logged, never
 * printed. Money and quantities are written as strings ("0.05") so that they stay exact. */
#ifndef TIDELOCK_SERVE_CONFIG_H
#define TIDELOCK_SERVE_CONFIG_H
#include "flow/core.h"
#include "base/calendar.h"
#include "base/log.h"
#include "trade/exchange.h"
#include "trade/portfolio.h"
#include "trade/signal.h"

struct config_secret {
    char *bytes;
    size_t length;
    char reference[160];
}; /* reference may be shown, bytes never */

struct config_source {
    struct signal_source
        signal; /* name, zone, default strategy, mapping, fingerprint fields, secret field */
    struct config_secret path_secret; /* POST /webhook/<source>/<secret> */
    struct config_secret body_secret; /* in the body's secret_field */
    struct config_secret
        hmac_secret; /* Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature */
    struct config_secret hmac_secret_old; /* a second live secret while one is rotated */
    int64_t hmac_window_us;               /* default 5 min */
    const char **allow;
    size_t allow_count;      /* addresses or CIDR blocks; empty: any */
    bool open;               /* no credential at all, said explicitly: `open = true` */
    int64_t rate_per_minute; /* 0: no limit; exits pass */
    int64_t silence_us;      /* expected at least this often; 0: not watched */
};
struct config_param {
    char *name, *value;
};
struct config_strategy {
    char name[NAME_SIZE];
    char *folder;
    int protect;   /* 0: stops are the host's; 1: they rest at the broker */
    int isolation; /* 0: in this process; 1: in a worker process */
    struct config_param *params;
    size_t param_count;
};
struct config_feed { /* bars replayed through the strategies, for the demo and for rehearsals */
    char instrument[NAME_SIZE];
    char *bars;             /* a file, "synthetic", or a market: "binance", "binance_usdm" */
    char *url, *stream_url; /* of the market; NULL: the broker's, else the market's own */
    char *time_zone;        /* of the file's local times, or NULL */
    int64_t interval_us;    /* bar length */
    struct decimal
        per_second; /* bars a second of the wall clock; 0: real time, one bar per interval */
    int64_t seed;   /* synthetic */
    struct decimal start_price;
    bool live_times;    /* stamp bars with now instead of their own time; default true */
    int64_t warm_up;    /* bars fed before trading starts */
    int64_t stop_after; /* bars; 0: endless for synthetic, the file's end for files */
};
struct config_broker {
    char kind[16]; /* paper, openalgo, binance */
    /* paper */
    struct decimal fee_per_lot, fee_percent, slippage_percent;
    int64_t latency_us, partial_permille, reject_permille, seed;
    char *journal; /* NULL: none; "": default beside the store */
    /* all that are reached over a network */
    char *base_url, *ws_url, *ca_path;
    struct config_secret api_key;
    char *mode; /* openalgo: live or analyze */
    int64_t timeout_us, poll_us, mode_every_us;
    int64_t requests_per_second, orders_per_second, orders_per_minute; /* 0: the adapter's own */
    /* binance */
    struct config_secret secret, private_key;
    int market; /* enum binance_market */
    char *ws_api_url;
    int64_t recv_window_us, processing_us;
    /* openalgo */
    char *strategy_tag, *product;
    int64_t absence_us;
};
struct config {
    char *path; /* of the file */
    char instance[NAME_SIZE];
    enum core_mode mode;
    char *store_path;   /* SQLite file */
    char *store_spool;  /* "": none; NULL: the default */
    bool store_wait;    /* with a spool, at the start */
    char *store_mirror; /* file or URL; NULL: none */
    struct {            /* PostgreSQL instead; url NULL: no */
        char *url, *direct_url, *replica_url;
        struct config_secret password;
        int64_t pool, replica_lag_us;
    } postgres;
    char *listen_address;
    int64_t listen_port;
    char *tls_cert, *tls_key;
    struct config_secret
        admin_token; /* needed for changes over HTTP when listening beyond loopback */
    char **trusted_proxies;
    size_t trusted_proxy_count;
    enum log_level log_level;
    enum log_format log_format;
    char currency[8];
    struct decimal deposit;
    char *account_zone;
    struct config_broker broker;
    struct instrument *instruments;
    size_t instrument_count;
    struct instruments tradable; /* the same, as the rules of trading want it */
    struct config_strategy *strategies;
    size_t strategy_count;
    const char **protect; /* names of those with stops at the broker */
    size_t protect_count;
    char *strategies_dir; /* watched for changes */
    bool watch;
    struct config_source *sources;
    size_t source_count;
    struct config_feed *feeds;
    size_t feed_count;
    struct closed_day *calendar; /* what the built-in holidays do not have */
    size_t calendar_count;
    struct {
        char *url; /* NULL: none */
        char *user, *prefix;
        struct config_secret password;
        int64_t timeout_us;
    } redis; /* hints for several instances: lease/hints.h */
    struct {
        int64_t ttl_us, dead_after_us, watch_us, failover_target_us;
    } leases;
    struct {
        int64_t every_us;
        struct decimal max_lots, max_drift;
        bool dry_run;
    } reconcile;
    int64_t rollover_every_us;
    struct rails rails;
    struct staleness staleness;
    struct {
        int64_t queue, flows, body_bytes, connections, connections_per_ip, memory_bytes,
            instructions, wall_us;
    } limits;
    struct {
        int64_t attempts, base_us, cap_us;
    } retry;
    struct {
        int64_t stop_orders_us, cancel_orders_us, close_positions_us, flush_us, close_us;
        bool close_positions;
    } shutdown;
    struct {
        int64_t every, interval_us;
    } statistics;
    int64_t order_deadline_us;
    struct arena arena; /* owns what the pointers point to, but not secrets */
    struct zone **zones;
    size_t zone_count;
};

struct config_faults {
    size_t count, warnings;
    struct str text;
}; /* one line each: "demo.lua:12: rails.max_position: ..." */
/* Reads and checks the file. False: at least one fault; `faults` tells them all (and warnings,
 * which do not fail it). */
bool config_read(const char *path, struct config *out, struct config_faults *faults) MUST_CHECK;
bool config_read_text(const char *name, const char *text, size_t length, struct config *out,
                      struct config_faults *faults) MUST_CHECK;
void config_free(struct config *config); /* secrets are wiped */
/* The effective configuration as JSON, secrets as their references. */
void config_print(const struct config *config, struct str *out);
const char *
config_help(void); /* every setting with type, default and meaning, for --help and the reference */
#endif
