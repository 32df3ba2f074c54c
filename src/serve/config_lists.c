/* Why: instruments, strategies, sources, feeds and rails are lists or carry rules of their own. */
#include "serve/config_parts.h"
#include "trade/contract.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define S_US 1000000LL
#define COUNT(rows) (sizeof rows / sizeof rows[0])
#define ROW(type_, key, kind, field, fallback, low, high, flags, help)                             \
    {                                                                                              \
        key, kind, offsetof(type_, field), sizeof(((type_ *)0)->field), fallback, low, high, NULL, \
            flags, help                                                                            \
    }
#define OTHER(key, help)                                                                           \
    {                                                                                              \
        key, SETTING_OTHER, 0, 0, NULL, 0, 0, NULL, 0, help                                        \
    }

static const struct setting instrument_rows[] = {
#define R(...) ROW(struct instrument, __VA_ARGS__)
    R("name", SETTING_NAME, name, NULL, 0, 0, SETTING_REQUIRED,
      "as signals name it, such as \"BANK_NIFTY\""),
    R("exchange", SETTING_NAME, exchange, "", 0, 0, 0, "such as \"NSE\""),
    R("symbol", SETTING_NAME, symbol, "", 0, 0, 0,
      "what the broker calls it [its name]; dated contracts: \"BANKNIFTY{DD}{MMM}{YY}FUT\""),
    R("product", SETTING_NAME, product, "", 0, 0, 0, "openalgo: NRML, MIS or CNC [broker.product]"),
    R("lot_size", SETTING_DECIMAL, lot_size, "1", 0, 0, 0, "units in a lot"),
    R("tick", SETTING_DECIMAL, tick, "0.01", 0, 0, 0, "price step"),
    R("quantity_step", SETTING_DECIMAL, quantity_step, "1", 0, 0, 0,
      "step of the quantity, in lots"),
    R("point_value", SETTING_DECIMAL, point_value, "1", 0, 0, 0, "money per point and lot"),
    R("margin", SETTING_DECIMAL, margin, "0", 0, 0, SETTING_ZERO, "money per lot"),
    R("min_quantity", SETTING_DECIMAL, min_quantity, "1", 0, 0, 0, "smallest order, in lots"),
    R("max_quantity", SETTING_DECIMAL, max_quantity, "1000000", 0, 0, 0, "largest order, in lots"),
    R("series", SETTING_NAME, series, "", 0, 0, 0,
      "by whose rule its contracts expire, such as \"NSE:BANKNIFTY\"; empty: it has none"),
    R("expiries", SETTING_TEXT, expiries, NULL, 0, 0, 0,
      "the contracts' own dates, \"2026-11-19, 2026-12-18\", where no rule gives them"),
    R("roll_days", SETTING_INT, roll_days, "0", 0, 60, 0,
      "an entry goes to a contract with at least so many days left"),
#undef R
};
static const char *const isolation_names[] = {"process", "worker", NULL};
static const char *const protect_names[] = {"host", "broker", NULL};
static const struct setting strategy_rows[] = {
    ROW(struct config_strategy, "name", SETTING_NAME, name, NULL, 0, 0, SETTING_REQUIRED,
        "as signals name it"),
    ROW(struct config_strategy, "folder", SETTING_TEXT, folder, NULL, 0, 0, 0,
        "its files [strategies_dir/name]"),
    {"isolation", SETTING_CHOICE, offsetof(struct config_strategy, isolation), sizeof(int),
     "process", 0, 0, isolation_names, 0,
     "process, or worker: a locked-down process of its own, for code from strangers"},
    {"protect", SETTING_CHOICE, offsetof(struct config_strategy, protect), sizeof(int), "host", 0,
     0, protect_names, 0,
     "host: its stops are kept here; broker: each position has a stop order there, which works "
     "while this host does not"},
    OTHER("params", "values for its parameters"),
};
static const struct setting source_rows[] = {
#define R(...) ROW(struct config_source, __VA_ARGS__)
    R("name", SETTING_NAME, signal.name, NULL, 0, 0, SETTING_REQUIRED, "POST /webhook/<name>"),
    R("strategy", SETTING_TEXT, signal.default_strategy, NULL, 0, 0, 0,
      "strategy of signals that name none"),
    R("secret_field", SETTING_TEXT, signal.secret_field, NULL, 0, 0, 0,
      "body field that carries body_secret"),
    R("path_secret", SETTING_SECRET, path_secret, NULL, 0, 0, 0,
      "last part of the path: POST /webhook/<name>/<secret>"),
    R("body_secret", SETTING_SECRET, body_secret, NULL, 0, 0, 0, "value of secret_field"),
    R("hmac_secret", SETTING_SECRET, hmac_secret, NULL, 0, 0, 0,
      "Standard Webhooks: signs id.timestamp.body"),
    R("hmac_secret_old", SETTING_SECRET, hmac_secret_old, NULL, 0, 0, 0,
      "second live secret while one is rotated"),
    R("hmac_window", SETTING_DURATION, hmac_window_us, "5m", S_US, 3600 * S_US, 0,
      "how far webhook-timestamp may be off"),
    R("open", SETTING_BOOL, open, "false", 0, 0, 0,
      "take signals from anybody who reaches the port"),
    R("rate_per_minute", SETTING_INT, rate_per_minute, "0", 0, 1000000000, 0,
      "entries a minute; 0: no limit; exits pass"),
    R("silence", SETTING_DURATION, silence_us, "0", 0, 86400 * 7 * S_US, 0,
      "warn when nothing came for so long; 0: not watched"),
    OTHER("allow", "addresses or CIDR blocks that may send"),
    OTHER("naive_time_zone", "zone of timestamps that name none"),
    OTHER("mapping", "field = \"path.to.it\" or a template \"{{a}}-{{b}}\""),
    OTHER("values", "what a sender's values mean: values = { type = { buy = \"BASE_ENTRY\" } }"),
    OTHER("fingerprint", "further fields that tell two signals apart"),
#undef R
};
static const struct setting feed_rows[] = {
#define R(...) ROW(struct config_feed, __VA_ARGS__)
    R("instrument", SETTING_NAME, instrument, NULL, 0, 0, SETTING_REQUIRED, "whose bars these are"),
    R("bars", SETTING_TEXT, bars, "synthetic", 0, 0, 0,
      "a file of bars, \"synthetic\", or a market that is followed: \"binance\", "
      "\"binance_usdm\", \"openalgo\""),
    R("url", SETTING_TEXT, url, NULL, 0, 0, 0, "of the market's REST interface [its own]"),
    R("stream_url", SETTING_TEXT, stream_url, NULL, 0, 0, 0, "of the market's streams [its own]"),
    R("time_zone", SETTING_TEXT, time_zone, NULL, 0, 0, 0, "zone of the file's local times"),
    R("interval", SETTING_DURATION, interval_us, "15m", S_US, 86400 * 7 * S_US, 0,
      "length of a bar"),
    R("per_second", SETTING_DECIMAL, per_second, "0", 0, 0, SETTING_ZERO,
      "bars a second; 0: real time"),
    R("seed", SETTING_INT, seed, "1", 0, 0, 0, "of synthetic bars"),
    R("start_price", SETTING_DECIMAL, start_price, "50000", 0, 0, 0, "of synthetic bars"),
    R("live_times", SETTING_BOOL, live_times, "true", 0, 0, 0, "stamp bars with the present"),
    R("warm_up", SETTING_INT, warm_up, "0", 0, 1000000, 0, "bars that only warm indicators up"),
    R("stop_after", SETTING_INT, stop_after, "0", 0, 0, 0, "bars; 0: no end"),
#undef R
};

static const struct setting calendar_rows[] = {
#define R(...) ROW(struct closed_day, __VA_ARGS__)
    R("exchange", SETTING_NAME, exchange, NULL, 0, 0, SETTING_REQUIRED, "NSE or MCX"),
    R("date", SETTING_NAME, date, NULL, 0, 0, SETTING_REQUIRED, "\"2026-11-24\""),
    R("open", SETTING_BOOL, open, "false", 0, 0, 0, "a session on a day that would be closed"),
#undef R
};

/* Reads a list of tables; returns the zeroed array. */
static void *read_list(struct settings_reader *r, const struct json *root, const char *name,
                       const struct setting *rows, size_t count, size_t item_size,
                       size_t *out_count)
{
    const struct json *list = json_get(root, name);
    *out_count = 0;
    if (!list)
        return NULL;
    if (list->type != JSON_ARRAY) {
        if (list->count)
            settings_fault(r, name, "must be a list of tables: %s = { { name = ... }, ... }", name);
        return NULL;
    }
    char *items = arena_alloc(r->arena, item_size * list->count + 1);
    for (const struct json *item = list->child; item; item = item->next) {
        const char *path = arena_printf(r->arena, "%s[%zu]", name, *out_count + 1);
        settings_read(r, path, item, rows, count, items + item_size * (*out_count)++);
    }
    return items;
}

static const char *item_path(struct settings_reader *r, const char *list, size_t index,
                             const char *key)
{
    return arena_printf(r->arena, "%s[%zu].%s", list, index + 1, key);
}

static void check_contracts(struct settings_reader *r, struct config *c)
{
    for (size_t i = 0; i < c->instrument_count; i++) {
        const struct instrument *one = &c->instruments[i];
        bool dated = *one->series || (one->expiries && *one->expiries);
        int64_t day;
        if (*one->series && !expiry_is_known(one->series)) {
            struct str known = STR_EMPTY;
            expiry_series_list(&known);
            settings_fault(r, item_path(r, "instruments", i, "series"), "is none of %s",
                           str_text(&known));
            str_free(&known);
        }
        if (one->expiries && *one->expiries && !expiry_next("", one->expiries, NULL, 0, &day))
            settings_fault(r, item_path(r, "instruments", i, "expiries"),
                           "are dates such as \"2026-11-19, 2026-12-18\"");
        if (dated && !exchange_is_known(one->exchange))
            settings_fault(r, item_path(r, "instruments", i, "exchange"),
                           "must be NSE, NFO or MCX: contracts expire by an exchange's calendar");
        if (contract_is_dated(one) && (!dated || !contract_is_whole(one)))
            settings_fault(r, item_path(r, "instruments", i, "symbol"),
                           dated ? "needs the day, month and year of the contract"
                                 : "has a date in it: say series or expiries");
    }
}

static void check_calendar(struct settings_reader *r, const struct config *c)
{
    for (size_t i = 0; i < c->calendar_count; i++) {
        int64_t day;
        if (!exchange_is_known(c->calendar[i].exchange))
            settings_fault(r, item_path(r, "calendar", i, "exchange"), "is neither NSE nor MCX");
        if (!date_read(c->calendar[i].date, &day))
            settings_fault(r, item_path(r, "calendar", i, "date"),
                           "is no date such as \"2026-11-24\"");
    }
}

static void check_instruments(struct settings_reader *r, struct config *c)
{
    for (size_t i = 0; i < c->instrument_count; i++) {
        struct instrument *one = &c->instruments[i];
        for (size_t j = 0; j < i; j++)
            if (strcmp(c->instruments[j].name, one->name) == 0)
                settings_fault(r, item_path(r, "instruments", i, "name"), "\"%s\" is there twice",
                               one->name);
        if (decimal_ok(one->min_quantity) && decimal_ok(one->max_quantity) &&
            decimal_gt(one->min_quantity, one->max_quantity))
            settings_fault(r, item_path(r, "instruments", i, "max_quantity"),
                           "is less than min_quantity");
    }
    check_contracts(r, c);
    if (c->instrument_count == 0)
        settings_fault(r, "instruments",
                       "is required: a host without instruments can trade nothing");
}

static void read_params(struct settings_reader *r, const struct json *table, size_t index,
                        struct config_strategy *out)
{
    const struct json *params = json_get(table, "params");
    if (!params)
        return;
    const char *path = item_path(r, "strategies", index, "params");
    if (params->type != JSON_OBJECT) {
        if (params->count)
            settings_fault(r, path, "must be a table: params = { risk_percent = \"1\" }");
        return;
    }
    out->params = arena_alloc(r->arena, sizeof *out->params * params->count);
    for (const struct json *p = params->child; p; p = p->next) {
        const char *text = p->type == JSON_TRUE    ? "true"
                           : p->type == JSON_FALSE ? "false"
                                                   : p->text;
        if (!text || p->type == JSON_ARRAY || p->type == JSON_OBJECT) {
            settings_fault(r, arena_printf(r->arena, "%s.%s", path, p->key),
                           "must be a text, a number, true or false");
            continue;
        }
        out->params[out->param_count].name = arena_text(r->arena, p->key);
        out->params[out->param_count++].value = arena_text(r->arena, text);
    }
}

static void read_strategies(struct settings_reader *r, const struct json *root, struct config *c)
{
    c->strategies = read_list(r, root, "strategies", strategy_rows, COUNT(strategy_rows),
                              sizeof *c->strategies, &c->strategy_count);
    const struct json *list = json_get(root, "strategies");
    const struct json *item = list ? list->child : NULL;
    for (size_t i = 0; i < c->strategy_count; i++, item = item->next) {
        struct config_strategy *one = &c->strategies[i];
        read_params(r, item, i, one);
        if (!one->folder)
            one->folder = arena_printf(r->arena, "%s/%s", c->strategies_dir, one->name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(c->strategies[j].name, one->name) == 0)
                settings_fault(r, item_path(r, "strategies", i, "name"), "\"%s\" is there twice",
                               one->name);
    }
    c->protect = arena_alloc(r->arena, (c->strategy_count + 1) * sizeof *c->protect);
    for (size_t i = 0; i < c->strategy_count; i++)
        if (c->strategies[i].protect)
            c->protect[c->protect_count++] = c->strategies[i].name;
    if (c->strategy_count == 0)
        settings_fault(r, "strategies", "is required: name at least one strategy");
}

static const char **read_names(struct settings_reader *r, const struct json *table, const char *key,
                               const char *path, size_t *count)
{
    const struct json *list = json_get(table, key);
    *count = 0;
    if (!list || list->count == 0)
        return NULL;
    const char **names = arena_alloc(r->arena, sizeof *names * list->count);
    if (list->type != JSON_ARRAY) {
        settings_fault(r, path, "must be a list of texts");
        return NULL;
    }
    for (const struct json *one = list->child; one; one = one->next) {
        if (one->type == JSON_STRING)
            names[(*count)++] = arena_text(r->arena, one->text);
        else
            settings_fault(r, path, "must be a list of texts");
    }
    return names;
}

static void check_address(struct settings_reader *r, const char *path, const char *text)
{
    char address[64];
    unsigned char bytes[16];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);
    bool ok = length < sizeof address;
    int bits = 0;
    if (ok) {
        memcpy(address, text, length);
        address[length] = '\0';
        bits = inet_pton(AF_INET, address, bytes) == 1    ? 32
               : inet_pton(AF_INET6, address, bytes) == 1 ? 128
                                                          : 0;
        char *end = NULL;
        long mask = slash ? strtol(slash + 1, &end, 10) : bits;
        ok = bits && mask >= 0 && mask <= bits && (!slash || (slash[1] && !*end));
    }
    if (!ok)
        settings_fault(r, path, "\"%s\" is not an address or block such as \"10.0.0.0/8\"", text);
}

static void read_mapping(struct settings_reader *r, const struct json *table, const char *path,
                         struct signal_source *out)
{
    const struct json *mapping = json_get(table, "mapping");
    if (!mapping || mapping->count == 0)
        return;
    if (mapping->type != JSON_OBJECT) {
        settings_fault(r, path, "must be a table: mapping = { instrument = \"ticker\" }");
        return;
    }
    struct signal_mapping *rows = arena_alloc(r->arena, sizeof *rows * mapping->count);
    for (const struct json *one = mapping->child; one; one = one->next) {
        if (one->type != JSON_STRING) {
            settings_fault(r, arena_printf(r->arena, "%s.%s", path, one->key),
                           "must be a text: the path of the field, or a template");
            continue;
        }
        rows[out->mapping_count].field = arena_text(r->arena, one->key);
        rows[out->mapping_count++].from = arena_text(r->arena, one->text);
    }
    out->mapping = rows;
}

/* values = { type = { buy = "BASE_ENTRY", close = "EXIT" } } */
static void read_values(struct settings_reader *r, const struct json *table, const char *path,
                        struct signal_source *out)
{
    const struct json *values = json_get(table, "values");
    size_t count = 0;
    for (const struct json *field = values ? values->child : NULL; field; field = field->next)
        count += field->count;
    if (count == 0)
        return;
    struct signal_value *rows = arena_alloc(r->arena, sizeof *rows * count);
    for (const struct json *field = values->child; field; field = field->next)
        for (const struct json *one = field->child; one; one = one->next) {
            if (!field->key || !one->key || one->type != JSON_STRING) {
                settings_fault(
                    r, path,
                    "must be a table of tables: values = { type = { buy = \"BASE_ENTRY\" } }");
                return;
            }
            rows[out->value_count++] = (struct signal_value){arena_text(r->arena, field->key),
                                                             arena_text(r->arena, one->key),
                                                             arena_text(r->arena, one->text)};
        }
    out->values = rows;
}

static void read_naive_zone(struct settings_reader *r, const struct json *table, size_t index,
                            struct config *c, struct signal_source *out)
{
    const char *name = json_text(table, "naive_time_zone");
    if (!name)
        return;
    struct err err = {0};
    struct zone *zone = zone_load(name, &err);
    if (!zone) {
        settings_fault(r, item_path(r, "sources", index, "naive_time_zone"), "%s", err.text);
        return;
    }
    c->zones[c->zone_count++] = zone;
    out->naive_zone = zone;
}

static void check_source(struct settings_reader *r, size_t index, const struct config_source *s)
{
    bool proven =
        s->path_secret.bytes || s->body_secret.bytes || s->hmac_secret.bytes || s->allow_count;
    if (!proven && !s->open)
        settings_fault(r, item_path(r, "sources", index, "name"),
                       "source \"%s\" proves nothing about its sender: give path_secret, "
                       "body_secret, hmac_secret or allow, or say open = true",
                       s->signal.name);
    if (s->body_secret.bytes && !s->signal.secret_field)
        settings_fault(r, item_path(r, "sources", index, "secret_field"),
                       "is required with body_secret: the field that carries it");
    if (s->hmac_secret_old.bytes && !s->hmac_secret.bytes)
        settings_fault(r, item_path(r, "sources", index, "hmac_secret"),
                       "is required with hmac_secret_old");
}

static void read_sources(struct settings_reader *r, const struct json *root, struct config *c)
{
    c->sources = read_list(r, root, "sources", source_rows, COUNT(source_rows), sizeof *c->sources,
                           &c->source_count);
    c->zones = arena_alloc(r->arena, sizeof *c->zones * (c->source_count + 1));
    const struct json *list = json_get(root, "sources");
    const struct json *item = list ? list->child : NULL;
    for (size_t i = 0; i < c->source_count; i++, item = item->next) {
        struct config_source *one = &c->sources[i];
        one->allow =
            read_names(r, item, "allow", item_path(r, "sources", i, "allow"), &one->allow_count);
        for (size_t j = 0; j < one->allow_count; j++)
            check_address(r, item_path(r, "sources", i, "allow"), one->allow[j]);
        size_t extra = 0;
        one->signal.fingerprint_extra =
            read_names(r, item, "fingerprint", item_path(r, "sources", i, "fingerprint"), &extra);
        one->signal.fingerprint_extra_count = extra;
        read_mapping(r, item, item_path(r, "sources", i, "mapping"), &one->signal);
        read_values(r, item, item_path(r, "sources", i, "values"), &one->signal);
        read_naive_zone(r, item, i, c, &one->signal);
        check_source(r, i, one);
    }
}

static void read_rails(struct settings_reader *r, const struct json *root, struct config *c)
{
    struct decimal *values[RAIL_COUNT] = {
        &c->rails.max_order_quantity,    &c->rails.max_order_notional, &c->rails.max_position,
        &c->rails.max_orders_per_minute, &c->rails.max_daily_loss,     &c->rails.max_open_risk,
        &c->rails.price_collar_percent};
    const struct json *rails = json_get(root, "rails");
    struct setting rows[RAIL_COUNT];
    char *texts[RAIL_COUNT] = {0};
    for (size_t i = 0; i < RAIL_COUNT; i++)
        rows[i] = (struct setting){rail_names[i],
                                   SETTING_TEXT,
                                   i * sizeof texts[0],
                                   sizeof texts[0],
                                   NULL,
                                   0,
                                   0,
                                   NULL,
                                   0,
                                   "a number, or \"waived\""};
    settings_read(r, "rails", rails, rows, RAIL_COUNT, texts);
    for (size_t i = 0; i < RAIL_COUNT; i++) {
        const char *path = arena_printf(r->arena, "rails.%s", rail_names[i]);
        struct setting row = {
            rail_names[i], SETTING_DECIMAL, 0, sizeof(struct decimal), NULL, 0, 0, NULL, 0, ""};
        *values[i] = decimal_bad();
        if (!texts[i])
            settings_fault(r, path,
                           "must be set, or waived with \"waived\": no rail is off by accident");
        else if (strcmp(texts[i], "waived") == 0)
            c->rails.waived |= 1u << i;
        else
            settings_set(r, path, &row, texts[i], values[i]);
    }
}

static void check_feeds(struct settings_reader *r, struct config *c)
{
    struct instruments all = {c->instruments, c->instrument_count};
    for (size_t i = 0; i < c->feed_count; i++)
        if (!instrument_find(&all, c->feeds[i].instrument))
            settings_fault(r, item_path(r, "feeds", i, "instrument"),
                           "\"%s\" is not among the instruments", c->feeds[i].instrument);
}

void config_read_lists(struct settings_reader *r, const struct json *root, struct config *c)
{
    c->instruments = read_list(r, root, "instruments", instrument_rows, COUNT(instrument_rows),
                               sizeof *c->instruments, &c->instrument_count);
    c->tradable = (struct instruments){c->instruments, c->instrument_count};
    instruments_index(c->instruments, c->instrument_count);
    check_instruments(r, c);
    read_strategies(r, root, c);
    read_sources(r, root, c);
    c->feeds =
        read_list(r, root, "feeds", feed_rows, COUNT(feed_rows), sizeof *c->feeds, &c->feed_count);
    check_feeds(r, c);
    c->calendar = read_list(r, root, "calendar", calendar_rows, COUNT(calendar_rows),
                            sizeof *c->calendar, &c->calendar_count);
    check_calendar(r, c);
    read_rails(r, root, c);
    size_t count = 0;
    const struct json *admin = json_get(root, "admin");
    c->trusted_proxies =
        (char **)(void *)read_names(r, admin, "trusted_proxies", "admin.trusted_proxies", &count);
    c->trusted_proxy_count = count;
    for (size_t i = 0; i < count; i++)
        check_address(r, "admin.trusted_proxies", c->trusted_proxies[i]);
}

void config_lists_help(struct str *out)
{
    settings_help("instruments[]", instrument_rows, COUNT(instrument_rows), out);
    settings_help("strategies[]", strategy_rows, COUNT(strategy_rows), out);
    settings_help("sources[]", source_rows, COUNT(source_rows), out);
    settings_help("feeds[]", feed_rows, COUNT(feed_rows), out);
    settings_help("calendar[]", calendar_rows, COUNT(calendar_rows), out);
    for (size_t i = 0; i < RAIL_COUNT; i++)
        str_printf(out, "  rails.%-28s a number, or \"waived\" (required)\n", rail_names[i]);
}

static void print_list(const char *name, const struct setting *rows, size_t count,
                       const void *items, size_t item_size, size_t item_count, struct str *out)
{
    str_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < item_count; i++) {
        str_puts(out, i ? ",{" : "{");
        settings_print(rows, count, (const char *)items + i * item_size, out);
        str_putc(out, '}');
    }
    str_putc(out, ']');
}

void config_print_lists(const struct config *c, struct str *out)
{
    print_list("instruments", instrument_rows, COUNT(instrument_rows), c->instruments,
               sizeof *c->instruments, c->instrument_count, out);
    print_list("strategies", strategy_rows, COUNT(strategy_rows), c->strategies,
               sizeof *c->strategies, c->strategy_count, out);
    print_list("sources", source_rows, COUNT(source_rows), c->sources, sizeof *c->sources,
               c->source_count, out);
    print_list("feeds", feed_rows, COUNT(feed_rows), c->feeds, sizeof *c->feeds, c->feed_count,
               out);
    print_list("calendar", calendar_rows, COUNT(calendar_rows), c->calendar, sizeof *c->calendar,
               c->calendar_count, out);
    const struct decimal values[RAIL_COUNT] = {
        c->rails.max_order_quantity,    c->rails.max_order_notional, c->rails.max_position,
        c->rails.max_orders_per_minute, c->rails.max_daily_loss,     c->rails.max_open_risk,
        c->rails.price_collar_percent};
    str_puts(out, ",\"rails\":{");
    for (size_t i = 0; i < RAIL_COUNT; i++) {
        str_printf(out, "%s\"%s\":\"", i ? "," : "", rail_names[i]);
        if (c->rails.waived & (1u << i))
            str_puts(out, "waived");
        else
            str_put_decimal(out, values[i]);
        str_putc(out, '"');
    }
    str_putc(out, '}');
}
