/* Why: one listener and one visible table of routes. */
#include "serve/serve.h"
#include "base/embed.h"
#include "serve/feed.h"
#include "serve/parts.h"
#include <stdio.h>
#include <string.h>

#define JSON_TYPE "application/json"

void serve_json(struct serve *serve, uint64_t handle, unsigned status, const char *json,
                size_t length)
{
    struct http_header_line headers[2];
    char since[CALENDAR_TEXT_MAX];
    size_t count = 0;
    if (status == 503 || status == 429)
        headers[count++] = (struct http_header_line){"Retry-After", status == 503 ? "2" : "1"};
    if (stale_since(serve, since))
        headers[count++] = (struct http_header_line){"X-Tidelock-Stale", since};
    http_answer(serve->server, handle, status, JSON_TYPE, json, length, headers, count);
}

void serve_error(struct serve *serve, uint64_t handle, unsigned status, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct str *out = &serve->scratch;
    str_clear(out);
    str_puts(out, "{\"status\":\"error\",\"error\":");
    str_put_json(out, text);
    str_putc(out, '}');
    serve_json(serve, handle, status, out->data, out->length);
}

/* 503 is what makes a chart send again: only for what was certainly not kept. */
unsigned serve_err_status(const struct err *err)
{
    switch (err->code) {
    case ERR_NOT_FOUND:
        return 404;
    case ERR_CONFLICT:
    case ERR_DUPLICATE:
        return 409;
    case ERR_CORRUPT: /* whatever ails the database: this was not kept, so it may be sent again */
    case ERR_SCHEMA:
    case ERR_IO:
        return 503;
    case ERR_INPUT:
    case ERR_USAGE:
    case ERR_POLICY:
        return 400;
    default:
        return err->class == ERR_REFUSED ? 409 : 503;
    }
}

void serve_err(struct serve *serve, uint64_t handle, const struct err *err)
{
    serve_error(serve, handle, serve_err_status(err), "%s", err->text);
}

static struct health_inputs health_inputs(struct serve *serve)
{
    struct health_inputs inputs = {.core = serve->core,
                                   .price_age_us = feeds_price_age_us(serve->options.feeds),
                                   .longest_turn_us = loop_longest_turn_us(serve->options.loop),
                                   .hints = serve->options.hints};
    inputs.streams = feeds_stream(serve->options.feeds, &inputs.stream_alive, inputs.stream_text,
                                  sizeof inputs.stream_text);
    return inputs;
}

static void answer_health(const struct http_request *request, struct serve *serve, const char *rest)
{
    (void)rest;
    struct health_inputs inputs = health_inputs(serve);
    const struct health_result *now = health_measure(&serve->health, &inputs);
    str_clear(&serve->scratch);
    health_json(&serve->health, now, serve->core, http_query(request, "history") != NULL,
                &serve->scratch);
    unsigned status = now->state == HEALTH_FAIL ? 503 : 200;
    serve_json(serve, request->handle, status, serve->scratch.data, serve->scratch.length);
}

static void answer_livez(const struct http_request *request, struct serve *serve, const char *rest)
{
    (void)rest;
    http_answer(serve->server, request->handle, 200, "text/plain", "ok\n", 3, NULL, 0);
}

/* Ready: signals are taken and made durable, and what adds risk may be sent. */
static void answer_readyz(const struct http_request *request, struct serve *serve, const char *rest)
{
    (void)rest;
    struct store_status store = {0};
    store_status(serve->core->store, &store);
    const char *why = serve->quiesced || serve->core->draining ? "shutting down\n"
                      : !store.ok && serve->core->spool
                          ? "the database does not take writes; signals are spooled\n"
                      : !store.ok                ? "the database does not take writes\n"
                      : !serve->core->reconciled ? "orders are being matched with the broker\n"
                                                 : "ok\n";
    http_answer(serve->server, request->handle, strcmp(why, "ok\n") == 0 ? 200 : 503, "text/plain",
                why, strlen(why), NULL, 0);
}

static void answer_metrics(const struct http_request *request, struct serve *serve,
                           const char *rest)
{
    (void)rest;
    metrics_collect(serve);
    str_clear(&serve->scratch);
    metrics_render(serve->options.metrics, &serve->scratch);
    http_answer(serve->server, request->handle, 200, "text/plain; version=0.0.4; charset=utf-8",
                str_text(&serve->scratch), serve->scratch.length, NULL, 0);
}

static const char *type_of(const char *path)
{
    static const struct {
        const char *end, *type;
    } types[] = {{".html", "text/html; charset=utf-8"},
                 {".js", "text/javascript; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},
                 {".svg", "image/svg+xml"},
                 {".json", JSON_TYPE},
                 {".png", "image/png"}};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(dot, types[i].end) == 0)
            return types[i].type;
    return "application/octet-stream";
}

static void answer_page(const struct http_request *request, struct serve *serve, const char *rest)
{
    char path[128];
    snprintf(path, sizeof path, "web/%s", *rest ? rest : "index.html");
    const struct embedded_file *file = embed_find(path);
    if (!file) {
        serve_error(serve, request->handle, 404,
                    "there is nothing here; the dashboard is at /, the interface at /api/status");
        return;
    }
    static const struct http_header_line headers[] = {
        {"Content-Security-Policy", "default-src 'self'; img-src 'self' data:; style-src 'self' "
                                    "'unsafe-inline'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cache-Control", "no-cache"}};
    http_answer(serve->server, request->handle, 200, type_of(path), file->data, file->size, headers,
                4);
}

static const struct route {
    const char *method, *prefix; /* NULL method: any, checked by the handler */
    bool whole;                  /* the path is the prefix itself */
    void (*handle)(const struct http_request *request, struct serve *serve, const char *rest);
} routes[] = {
    {NULL, "/webhook/", false, webhook_handle}, {"GET", "/health", true, answer_health},
    {"GET", "/livez", true, answer_livez},      {"GET", "/readyz", true, answer_readyz},
    {"GET", "/metrics", true, answer_metrics},  {"GET", "/api/", false, api_handle},
    {"POST", "/api/", false, api_change},       {"GET", "/", false, answer_page},
};

static void route_request(const struct http_request *request)
{
    struct serve *serve = request->user;
    const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;
    bool known_path = false;
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        const struct route *route = &routes[i];
        if (route->whole ? strcmp(request->path, route->prefix) != 0
                         : !text_starts(request->path, route->prefix))
            continue;
        known_path = true;
        if (route->method && strcmp(method, route->method) != 0)
            continue;
        route->handle(request, serve, request->path + strlen(route->prefix));
        return;
    }
    if (known_path)
        serve_error(serve, request->handle, 405, "this path does not take %s", request->method);
    else
        serve_error(serve, request->handle, 404, "there is nothing here");
}

static struct metric *source_metric(struct metrics *metrics, const char *source, const char *result)
{
    char labels[160];
    snprintf(labels, sizeof labels, "source=\"%s\",result=\"%s\"", source, result);
    return metric_counter(metrics, "tidelock_webhook_requests_total",
                          "Signals that arrived, by source and what became of the request.",
                          labels);
}

static void open_sources(struct serve *serve)
{
    const struct config *config = serve->options.config;
    struct metrics *m = serve->options.metrics;
    serve->sources = mem_alloc(sizeof *serve->sources * (config->source_count + 1));
    serve->allow = mem_alloc(sizeof *serve->allow * (config->source_count + 1));
    for (size_t i = 0; i < config->source_count; i++) {
        const struct config_source *source = &config->sources[i];
        const char *name = source->signal.name;
        address_list_init(&serve->allow[i], source->allow, source->allow_count);
        serve->sources[i] = (struct source_state){.tokens = (double)source->rate_per_minute,
                                                  .filled_us = serve->opened_us,
                                                  .last_signal_us = serve->opened_us,
                                                  .invalid = source_metric(m, name, "invalid"),
                                                  .refused = source_metric(m, name, "refused"),
                                                  .limited = source_metric(m, name, "limited")};
    }
}

struct serve *serve_open(const struct serve_options *options, struct err *err)
{
    const struct config *config = options->config;
    struct serve *serve = mem_alloc(sizeof *serve);
    serve->options = *options;
    serve->core = options->core;
    serve->opened_us = clock_steady(options->core->clock);
    serve->ack_time = metric_histogram(options->metrics, "tidelock_ack_seconds",
                                       "From the request's headers to its durable answer.", NULL);
    address_list_init(&serve->proxies, (const char *const *)config->trusted_proxies,
                      config->trusted_proxy_count);
    open_sources(serve);
    struct http_server_options http = {.address = config->listen_address,
                                       .port = (uint16_t)config->listen_port,
                                       .tls_cert_path = config->tls_cert,
                                       .tls_key_path = config->tls_key,
                                       .body_max = (size_t)config->limits.body_bytes,
                                       .connections_max = (unsigned)config->limits.connections,
                                       .connections_per_ip =
                                           (unsigned)config->limits.connections_per_ip,
                                       .metrics = options->metrics,
                                       .handler = route_request,
                                       .ctx = serve};
    serve->server = http_server_new(options->loop, &http, err);
    if (serve->server)
        return serve;
    serve_close(serve);
    return NULL;
}

void serve_keep_watch(struct serve *serve)
{
    webhook_watch_silence(serve, clock_steady(serve->core->clock));
}

void serve_quiesce(struct serve *serve)
{
    serve->quiesced = true;
    http_server_quiesce(serve->server);
}

void serve_close(struct serve *serve)
{
    if (!serve)
        return;
    patience_end(serve);
    http_server_free(serve->server);
    for (size_t i = 0; i < serve->options.config->source_count; i++)
        address_list_free(&serve->allow[i]);
    address_list_free(&serve->proxies);
    mem_free(serve->allow);
    mem_free(serve->sources);
    str_free(&serve->scratch);
    mem_free(serve);
}

uint16_t serve_port(const struct serve *serve)
{
    return http_server_port(serve->server);
}
