/* Why: what a host is told of its broker. Each kind has rows of its own beside those that all
 * brokers over a network share; a row that belongs to another kind is read and does nothing, so
 * that a configuration can be moved from paper to live by its kind alone. */
#include "serve/config_parts.h"
#include "trade/contract.h"
#include <string.h>

#define S_US 1000000LL
#define COUNT(rows) (sizeof rows / sizeof rows[0])
#define ROW(key, type, field, fallback, low, high, flags, help)                                    \
    {                                                                                              \
        key, type, offsetof(struct config, broker.field),                                          \
            sizeof(((struct config *)0)->broker.field), fallback, low, high, NULL, flags, help     \
    }

static const char *const market_names[] = {"spot", "usdm", NULL};
static const struct setting rows[] = {
    ROW("kind", SETTING_NAME, kind, "paper", 0, 0, 0, "paper, openalgo or binance"),
    ROW("fee_per_lot", SETTING_DECIMAL, fee_per_lot, "0", 0, 0, SETTING_ZERO,
        "paper: money per lot"),
    ROW("fee_percent", SETTING_DECIMAL, fee_percent, "0", 0, 0, SETTING_ZERO,
        "paper: percent of the notional"),
    ROW("slippage_percent", SETTING_DECIMAL, slippage_percent, "0", 0, 0, SETTING_ZERO,
        "paper: percent against the taker"),
    ROW("latency", SETTING_DURATION, latency_us, "0", 0, 60 * S_US, 0,
        "paper: time to the first answer"),
    ROW("partial_permille", SETTING_INT, partial_permille, "0", 0, 1000, 0,
        "paper: chance of a fill in two parts"),
    ROW("reject_permille", SETTING_INT, reject_permille, "0", 0, 1000, 0,
        "paper: chance of a rejection"),
    ROW("seed", SETTING_INT, seed, "1", 0, 0, 0, "paper: seed of its chances"),
    ROW("journal", SETTING_TEXT, journal, "", 0, 0, 0,
        "paper: file of the broker's own book [beside the store]"),
    ROW("base_url", SETTING_TEXT, base_url, NULL, 0, 0, 0,
        "where its REST interface is, such as \"http://127.0.0.1:5000\""),
    ROW("ws_url", SETTING_TEXT, ws_url, NULL, 0, 0, 0,
        "where its WebSocket is, such as \"ws://127.0.0.1:8765\"; without it prices are polled"),
    ROW("ca", SETTING_TEXT, ca_path, NULL, 0, 0, 0,
        "PEM bundle that vouches for it [the system's]"),
    ROW("api_key", SETTING_SECRET, api_key, NULL, 0, 0, 0, "its key, by reference"),
    ROW("mode", SETTING_TEXT, mode, NULL, 0, 0, 0,
        "openalgo: live or analyze; nothing is traded while the server is in the other"),
    ROW("mode_every", SETTING_DURATION, mode_every_us, "15s", S_US / 10, 600 * S_US, 0,
        "openalgo: how often the server's mode is checked"),
    ROW("timeout", SETTING_DURATION, timeout_us, "8s", S_US / 10, 120 * S_US, 0,
        "longest wait for one answer of the server"),
    ROW("poll", SETTING_DURATION, poll_us, "1s", S_US / 20, 60 * S_US, 0,
        "openalgo: how often the books are read while an order is under way"),
    ROW("requests_per_second", SETTING_INT, requests_per_second, "0", 0, 1000, 0,
        "requests of every kind; 0: what the broker allows"),
    ROW("orders_per_second", SETTING_INT, orders_per_second, "0", 0, 1000, 0,
        "orders, changes and cancels; 0: what the broker allows"),
    ROW("orders_per_minute", SETTING_INT, orders_per_minute, "0", 0, 100000, 0,
        "the same by the minute; 0: what the broker allows"),
    ROW("strategy", SETTING_TEXT, strategy_tag, "tidelock", 0, 0, 0,
        "openalgo: the strategy its log shows our orders under"),
    ROW("product", SETTING_TEXT, product, "NRML", 0, 0, 0,
        "openalgo: NRML, MIS or CNC, for instruments that name none"),
    ROW("absence", SETTING_DURATION, absence_us, "310s", 0, 3600 * S_US, 0,
        "openalgo: so long after an order was sent without an answer, a good reading of the order "
        "book without it proves that it never stood; 0: a person must say so"),
    {"market", SETTING_CHOICE, offsetof(struct config, broker.market), sizeof(int), "spot", 0, 0,
     market_names, 0, "binance: spot, or usdm (USD-M futures)"},
    ROW("secret", SETTING_SECRET, secret, NULL, 0, 0, 0, "binance: of an HMAC key, by reference"),
    ROW("private_key", SETTING_SECRET, private_key, NULL, 0, 0, 0,
        "binance: PEM of an Ed25519 (or RSA) key, by reference; better than a secret"),
    ROW("ws_api_url", SETTING_TEXT, ws_api_url, NULL, 0, 0, 0,
        "binance: where its WebSocket API is [ws_url/ws-api/v3]"),
    ROW("recv_window", SETTING_DURATION, recv_window_us, "5s", S_US / 5, 60 * S_US, 0,
        "binance: a request that reaches it later is refused there"),
    ROW("processing", SETTING_DURATION, processing_us, "10s", 0, 600 * S_US, 0,
        "binance: longest time it may work on an order before the order shows"),
};

void config_read_broker(struct settings_reader *r, const struct json *root, struct config *c)
{
    settings_read(r, "broker", json_get(root, "broker"), rows, COUNT(rows), c);
}

static bool is_among(const char *text, const char *const *names)
{
    while (*names && strcmp(*names, text) != 0)
        names++;
    return *names != NULL;
}

static void check_url(struct settings_reader *r, const char *path, const char *url,
                      const char *plain, const char *safe)
{
    if (url && !text_starts(url, plain) && !text_starts(url, safe))
        settings_fault(r, path, "\"%s\" must begin with %s or %s", url, plain, safe);
}

static void check_openalgo(struct settings_reader *r, struct config *c)
{
    static const char *const modes[] = {"live", "analyze", NULL};
    static const char *const products[] = {"NRML", "MIS", "CNC", NULL};
    const struct config_broker *b = &c->broker;
    if (!b->base_url)
        settings_fault(r, "broker.base_url",
                       "is required: where OpenAlgo listens, such as "
                       "\"http://127.0.0.1:5000\"");
    if (!b->api_key.bytes)
        settings_fault(r, "broker.api_key",
                       "is required: OpenAlgo's API key, such as "
                       "\"env:OPENALGO_KEY\"");
    if (!b->mode || !is_among(b->mode, modes))
        settings_fault(r, "broker.mode",
                       "must say \"live\" or \"analyze\": the server can be "
                       "switched by anybody, and is only believed in this mode");
    if (!is_among(b->product, products))
        settings_fault(r, "broker.product", "\"%s\" is not NRML, MIS or CNC", b->product);
    if (strlen(b->strategy_tag) == 0 || strlen(b->strategy_tag) >= NAME_SIZE)
        settings_fault(r, "broker.strategy", "must have 1 to %d characters", NAME_SIZE - 1);
    check_url(r, "broker.base_url", b->base_url, "http://", "https://");
    check_url(r, "broker.ws_url", b->ws_url, "ws://", "wss://");
    for (size_t i = 0; i < c->instrument_count; i++) {
        const struct instrument *one = &c->instruments[i];
        const char *path = arena_printf(r->arena, "instruments[%zu]", i + 1);
        if (!one->exchange[0])
            settings_fault(r, path, "%s needs its exchange at the broker, such as \"NFO\"",
                           one->name);
        if ((*one->series || (one->expiries && *one->expiries)) && !contract_is_dated(one))
            settings_fault(r, path,
                           "%s has contracts that expire: its symbol must say which, such as "
                           "\"BANKNIFTY{DD}{MMM}{YY}FUT\"",
                           one->name);
        if (one->product[0] && !is_among(one->product, products))
            settings_fault(r, path, "product \"%s\" is not NRML, MIS or CNC", one->product);
    }
}

static void check_binance(struct settings_reader *r, const struct config *c)
{
    const struct config_broker *b = &c->broker;
    for (size_t i = 0; i < c->instrument_count; i++)
        if (*c->instruments[i].series || c->instruments[i].expiries)
            settings_fault(r, arena_printf(r->arena, "instruments[%zu]", i + 1),
                           "contracts that expire are not traded at Binance yet");
    if (!b->api_key.bytes)
        settings_fault(r, "broker.api_key", "is required: the name of the key at Binance");
    if (!b->secret.bytes == !b->private_key.bytes)
        settings_fault(r, "broker.private_key",
                       "give private_key (Ed25519) or secret (HMAC), one of them");
    check_url(r, "broker.base_url", b->base_url, "http://", "https://");
    check_url(r, "broker.ws_url", b->ws_url, "ws://", "wss://");
    check_url(r, "broker.ws_api_url", b->ws_api_url, "ws://", "wss://");
}

void config_check_broker(struct settings_reader *r, struct config *c)
{
    if (strcmp(c->broker.kind, "openalgo") == 0)
        check_openalgo(r, c);
    else if (strcmp(c->broker.kind, "binance") == 0)
        check_binance(r, c);
    else if (strcmp(c->broker.kind, "paper") != 0)
        settings_fault(r, "broker.kind",
                       "\"%s\" is not known; there are paper, openalgo and binance",
                       c->broker.kind);
}

void config_free_broker(struct config *c)
{
    secret_wipe(&c->broker.api_key);
    secret_wipe(&c->broker.secret);
    secret_wipe(&c->broker.private_key);
}

void config_broker_help(struct str *out)
{
    settings_help("broker", rows, COUNT(rows), out);
}

void config_print_broker(const struct config *c, struct str *out)
{
    str_puts(out, ",\"broker\":{");
    settings_print(rows, COUNT(rows), c, out);
    str_putc(out, '}');
}
