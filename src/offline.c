/* Why: the jobs that read what is stored, without a running host: verify, state, explain, migrate,
 * check. They open the database read-only, so they work beside a host that is using it. */
#include "host.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "serve/serve.h"
#include "store/store_bodies.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int report_failure(struct tidelock_io *io, const char *job, const struct err *err)
{
    host_print(io->err, "tidelock %s: %s\n", job, err->text);
    return err->code == ERR_USAGE || err->code == ERR_INPUT ? TIDELOCK_USAGE : TIDELOCK_FAILED;
}

static struct store *open_reader(const struct config *config, struct loop *loop, struct err *err)
{
    struct host_wires wires = {.loop = loop, .clock = clock_real()};
    return host_open_store(config, &wires, true, err);
}

const char *tidelock_config_help(void)
{
    return config_help();
}

int tidelock_check(const char *config_path, int print, struct tidelock_io *io)
{
    struct config config;
    int code = host_read_config(config_path, &config, io);
    if (code != TIDELOCK_OK)
        return code;
    struct policies *policies = host_open_policies(&config, NULL, NULL, NULL, clock_real());
    for (size_t i = 0; i < config.strategy_count; i++) {
        struct policy_version version = {0};
        struct str report = STR_EMPTY;
        struct err err = {0};
        if (!host_load_strategy(policies, &config.strategies[i], "check", &version, &report,
                                &err)) {
            host_print(io->err, "%s\n", report.length ? str_text(&report) : err.text);
            code = TIDELOCK_CONFIG;
        }
        str_free(&report);
    }
    policies_free(policies);
    if (code == TIDELOCK_OK && (print || io->json)) {
        struct str text = STR_EMPTY;
        config_print(&config, &text);
        host_print(io->out, "%s\n", str_text(&text));
        str_free(&text);
    } else if (code == TIDELOCK_OK) {
        host_print(io->out, "%s is sound: %zu strategies, %zu sources, %zu instruments\n",
                   config_path, config.strategy_count, config.source_count,
                   config.instrument_count);
    }
    config_free(&config);
    return code;
}

int tidelock_migrate(const char *config_path, const char *verb, const char *to,
                     struct tidelock_io *io)
{
    struct config config;
    int code = host_read_config(config_path, &config, io);
    if (code != TIDELOCK_OK)
        return code;
    struct str report = STR_EMPTY;
    struct err err = {0};
    char *end = NULL;
    long version = to ? strtol(to, &end, 10) : strcmp(verb, "down") == 0 ? 0 : -1;
    bool ok = false;
    if (to && (!*to || *end || version < 0))
        err_set(&err, ERR_REFUSED, ERR_USAGE, "\"%s\" is not a version number", to);
    else if (strcmp(verb, "status") == 0)
        ok = host_migrate(&config, true, -1, &report, &err);
    else if (strcmp(verb, "down") == 0 && !to)
        err_set(&err, ERR_REFUSED, ERR_USAGE,
                "say how far: migrate down --to VERSION (0 empties the database)");
    else
        ok = host_migrate(&config, false, (int)version, &report, &err);
    if (ok)
        host_print(io->out, "%s", str_text(&report));
    else
        code = report_failure(io, "migrate", &err);
    str_free(&report);
    config_free(&config);
    return code;
}

int tidelock_verify(const char *config_path, struct tidelock_io *io)
{
    struct config config;
    int code = host_read_config(config_path, &config, io);
    if (code != TIDELOCK_OK)
        return code;
    struct err err = {0};
    struct str report = STR_EMPTY;
    struct verify_result result = {0};
    struct store *store = open_reader(&config, NULL, &err);
    if (!store || !store_verify(store, &result, &report, &err)) {
        code = report_failure(io, "verify", &err);
    } else {
        if (io->json) {
            struct str text = STR_EMPTY;
            str_put_json(&text, str_text(&report));
            host_print(io->out, "{\"events\":%lld,\"faults\":%zu,\"report\":%s}\n",
                       (long long)result.events, result.faults, str_text(&text));
            str_free(&text);
        } else {
            host_print(io->out, "%s", str_text(&report));
            host_print(io->out,
                       result.faults
                           ? "%lld events read: %zu faults\n"
                           : "%lld events read: the chain holds and every table equals its fold\n",
                       (long long)result.events, result.faults);
        }
        code = result.faults ? TIDELOCK_FAILED : TIDELOCK_OK;
    }
    store_close(store);
    str_free(&report);
    config_free(&config);
    return code;
}

/* ---- state --at ---- */

struct state_printer {
    struct str *out;
    bool first;
};

static bool print_state_row(void *ctx, const void *row, const struct table *table, bool keep)
{
    struct state_printer *p = ctx;
    if (!keep)
        return true;
    str_puts(p->out, p->first ? "\n    " : ",\n    ");
    row_json(table, row, p->out);
    p->first = false;
    return true;
}

static bool print_position(void *ctx, const void *row)
{
    return print_state_row(ctx, row, &tables[TABLE_POSITION],
                           ((const struct position *)row)->status != POSITION_CLOSED);
}

static bool print_order(void *ctx, const void *row)
{
    return print_state_row(ctx, row, &tables[TABLE_ORDER],
                           !order_is_final(((const struct order *)row)->state));
}

static bool print_account(void *ctx, const void *row)
{
    return print_state_row(ctx, row, &tables[TABLE_ACCOUNT], true);
}

static bool print_halt(void *ctx, const void *row)
{
    return print_state_row(ctx, row, &tables[TABLE_HALT], true);
}

static void print_state(struct book *book, int64_t at_us, struct str *out)
{
    static const struct {
        const char *name;
        enum table_id table;
        bool (*print)(void *, const void *);
    } parts[] = {{"accounts", TABLE_ACCOUNT, print_account},
                 {"positions", TABLE_POSITION, print_position},
                 {"orders", TABLE_ORDER, print_order},
                 {"halts", TABLE_HALT, print_halt}};
    char at[CALENDAR_TEXT_MAX];
    calendar_print(at_us, at);
    str_printf(out, "{\n  \"at\": \"%s\"", at);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct state_printer printer = {out, true};
        str_printf(out, ",\n  \"%s\": [", parts[i].name);
        book_each(book, parts[i].table, parts[i].print, &printer);
        str_puts(out, printer.first ? "]" : "\n  ]");
    }
    str_puts(out, "\n}\n");
}

int tidelock_state(const char *config_path, const char *at, struct tidelock_io *io)
{
    struct config config;
    int code = host_read_config(config_path, &config, io);
    if (code != TIDELOCK_OK)
        return code;
    struct err err = {0};
    struct zone *zone = zone_load(config.account_zone, &err);
    int64_t at_us = clock_wall(clock_real());
    struct store *store = NULL;
    struct book *book = book_new();
    bool ok = !at || calendar_parse(at, zone, &at_us, &err);
    ok = ok && (store = open_reader(&config, NULL, &err)) != NULL &&
         store_state_at(store, at_us, book, &err);
    if (ok) {
        struct str text = STR_EMPTY;
        print_state(book, at_us, &text);
        host_print(io->out, "%s", str_text(&text));
        str_free(&text);
    } else {
        code = report_failure(io, "state", &err);
    }
    store_close(store);
    zone_free(zone);
    book_free(book);
    config_free(&config);
    return code;
}

/* ---- explain ---- */

struct explained {
    struct loop *loop;
    struct err err;
    struct str json;
    bool done;
};

static void keep_explanation(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)handle;
    struct explained *e = owner;
    e->done = true;
    if (err && err->class != ERR_NONE)
        e->err = *err;
    else
        str_puts(&e->json, value);
    loop_stop(e->loop);
}

int tidelock_explain(const char *config_path, const char *id, struct tidelock_io *io)
{
    struct config config;
    int code = host_read_config(config_path, &config, io);
    if (code != TIDELOCK_OK)
        return code;
    struct explained e = {0};
    e.loop = loop_new(clock_real(), NULL, &e.err);
    struct store *store = e.loop ? open_reader(&config, e.loop, &e.err) : NULL;
    if (store && strlen(id) < 4) {
        err_set(&e.err, ERR_REFUSED, ERR_USAGE, "give at least 4 characters of the id");
    } else if (store) {
        explain_begin(store, id, (struct waiter){keep_explanation, &e, 0});
        while (!e.done)
            loop_turn(e.loop, -1);
    }
    store_close(store);
    if (e.loop)
        loop_free(e.loop);
    if (e.err.class != ERR_NONE)
        code = report_failure(io, "explain", &e.err);
    else if (io->json)
        host_print(io->out, "%s\n", str_text(&e.json));
    else
        explain_print(str_text(&e.json), io);
    str_free(&e.json);
    config_free(&config);
    return code;
}

/* ---- asking the running host ---- */

static void describe_host(const struct config *config, const char *path, char out[512])
{
    const char *address = config->listen_address;
    if (strcmp(address, "0.0.0.0") == 0)
        address = "127.0.0.1";
    else if (strcmp(address, "::") == 0)
        address = "::1";
    bool v6 = strchr(address, ':') != NULL;
    snprintf(out, 512, "%s://%s%s%s:%lld%s", config->tls_cert ? "https" : "http", v6 ? "[" : "",
             address, v6 ? "]" : "", (long long)config->listen_port, path);
}

int tidelock_ask(const char *config_path, const char *method, const char *path, const char *body,
                 char **answer)
{
    struct tidelock_io quiet = {0};
    struct config config;
    *answer = NULL;
    if (host_read_config(config_path, &config, &quiet) != TIDELOCK_OK) {
        *answer = mem_copy_text("the configuration has faults; `tidelock check` tells them");
        return 0;
    }
    char url[512], bearer[600];
    describe_host(&config, path, url);
    struct http_fetch_header headers[3] = {{"Content-Type", "application/json"},
                                           {"X-Tidelock", "1"}};
    size_t header_count = 2;
    if (config.admin_token.bytes && config.admin_token.length < 500) {
        snprintf(bearer, sizeof bearer, "Bearer %s", config.admin_token.bytes);
        headers[header_count++] = (struct http_fetch_header){"Authorization", bearer};
    }
    struct http_fetch_request request = {.method = method,
                                         .url = url,
                                         .headers = headers,
                                         .header_count = header_count,
                                         .body = body,
                                         .body_length = body ? strlen(body) : 0,
                                         .timeout_ms = 30000,
                                         .reply_max = 16u << 20};
    struct arena arena;
    arena_init(&arena, 4096);
    struct http_reply reply = {0};
    struct err err = {0};
    int status = 0;
    if (http_fetch_now(&arena, &request, &reply, &err)) {
        status = (int)reply.status;
        *answer = mem_copy_text(reply.body);
    } else {
        char text[900];
        snprintf(text, sizeof text, "no host answers at %s: %s", url, err.text);
        *answer = mem_copy_text(text);
    }
    explicit_bzero(bearer, sizeof bearer);
    arena_free(&arena);
    config_free(&config);
    return status;
}

void tidelock_free_text(char *text)
{
    mem_free(text);
}
