/* Why: the way in. A signal is answered 2xx only after it is durable; everything that is wrong with
 * it is said at once.
 *
 *   authenticate (raw bytes) -> media type -> parse -> secret in the body -> validate -> rate ->
 * intake -> answer on commit
 *
 * TradingView sends text/plain when the message is not JSON, retries only 5xx other than 504, and
 * waits 3 s: so 400 for what will never be right, 503 for what could not be made durable, and no
 * answer later than DECISION_WAIT_US. */
#include "serve/parts.h"
#include "trade/signal_map.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DECISION_WAIT_US 2500000 /* of the 3 s that a chart gives */

struct arrival { /* one signal on its way in, from HTTP or from the embedding program */
    struct serve *serve;
    size_t source;
    const char *body;
    size_t length;
    struct arena *arena;
    int64_t steady_us;
};

static size_t find_source(const struct serve *serve, const char *name, size_t length)
{
    const struct config *config = serve->options.config;
    for (size_t i = 0; i < config->source_count; i++)
        if (strlen(config->sources[i].signal.name) == length &&
            strncmp(config->sources[i].signal.name, name, length) == 0)
            return i;
    return SIZE_MAX;
}

static bool media_type_fits(const struct http_request *request)
{
    const char *type = http_header(request, "Content-Type");
    if (!type || !*type)
        return true;
    size_t length = strcspn(type, "; \t");
    static const char *const fits[] = {"application/json", "text/plain", "text/json"};
    for (size_t i = 0; i < sizeof fits / sizeof fits[0]; i++)
        if (length == strlen(fits[i]) && strncasecmp(type, fits[i], length) == 0)
            return true;
    return length > 5 && strncasecmp(type + length - 5, "+json", 5) == 0;
}

/* Before a byte of the body is read. False: answered. */
static bool authenticate(const struct http_request *request, struct serve *serve, size_t index,
                         const char *path_secret)
{
    const struct config_source *source = &serve->options.config->sources[index];
    struct err err = {0};
    const char *client = auth_client(request, &serve->proxies);
    if (source->allow_count && !address_in(&serve->allow[index], client)) {
        metric_add(serve->sources[index].refused, 1);
        serve_error(serve, request->handle, 403,
                    "this address may not send to source \"%s\": add it to allow",
                    source->signal.name);
        return false;
    }
    if (source->open && !auth_own_page(request)) {
        metric_add(serve->sources[index].refused, 1);
        serve_error(serve, request->handle, 403,
                    "source \"%s\" is open and takes nothing from web pages (header Origin): "
                    "give it a secret",
                    source->signal.name);
        return false;
    }
    bool path_ok =
        !source->path_secret.bytes ||
        (path_secret && auth_secret(&source->path_secret, path_secret, strlen(path_secret)));
    if (!path_ok)
        err_set(&err, ERR_REFUSED, ERR_AUTH,
                "the path's secret is missing or wrong: POST /webhook/%s/<secret>",
                source->signal.name);
    else if (source->hmac_secret.bytes)
        path_ok = auth_signature(request, source, clock_wall(serve->core->clock), &err);
    if (!path_ok) {
        metric_add(serve->sources[index].refused, 1);
        serve_error(serve, request->handle, 401, "%s", err.text);
    }
    return path_ok;
}

/* A token bucket per source; exits never wait. */
static bool rate_allows(struct serve *serve, size_t index, const struct signal *signal)
{
    int64_t per_minute = serve->options.config->sources[index].rate_per_minute;
    if (per_minute == 0 || signal->type == SIGNAL_EXIT)
        return true;
    struct source_state *state = &serve->sources[index];
    int64_t now = clock_steady(serve->core->clock);
    state->tokens += (double)(now - state->filled_us) * (double)per_minute / 60e6;
    if (state->tokens > (double)per_minute)
        state->tokens = (double)per_minute;
    state->filled_us = now;
    if (state->tokens < 1)
        return false;
    state->tokens -= 1;
    return true;
}

static bool body_secret_fits(const struct config_source *source, const struct json *body)
{
    if (!source->body_secret.bytes)
        return true;
    const char *given = json_text(body, source->signal.secret_field);
    return given && auth_secret(&source->body_secret, given, strlen(given));
}

/* What a strategy that is not loaded any more left open can be closed. */
static bool closes_something(const struct core *core, const struct signal *signal)
{
    const struct position *open;
    return signal->type == SIGNAL_EXIT &&
           book_open_positions(core->book, signal->strategy, signal->instrument, &open, 1) > 0;
}

/* Reads and checks what arrived. 0: *signal is good; else the HTTP status, with the answer in
 * serve->scratch. */
static unsigned read_arrival(struct arrival *a, struct signal *signal)
{
    struct serve *serve = a->serve;
    const struct config_source *source = &serve->options.config->sources[a->source];
    struct source_state *state = &serve->sources[a->source];
    struct signal_faults faults UNSET;
    struct err err = {0};
    struct json *body = json_parse(a->arena, a->body, a->length, NULL, &err);
    if (!body && a->length && a->body[0] != '{' && a->body[0] != '[')
        body = signal_line(a->arena, a->body, a->length); /* "key=value,..." as older senders do */
    str_clear(&serve->scratch);
    if (!body) {
        metric_add(state->invalid, 1);
        str_puts(&serve->scratch, "{\"status\":\"invalid\",\"errors\":[{\"path\":\"$\",\"error\":");
        str_put_json(&serve->scratch, err.text);
        str_puts(&serve->scratch, "}]}");
        return 400;
    }
    if (!body_secret_fits(source, body)) {
        metric_add(state->refused, 1);
        str_printf(&serve->scratch,
                   "{\"status\":\"error\",\"error\":\"the field %s is missing or wrong\"}",
                   source->signal.secret_field);
        return 401;
    }
    if (!signal_read(body, &source->signal, clock_wall(serve->core->clock), a->arena, signal,
                     &faults)) {
        metric_add(state->invalid, 1);
        signal_faults_json(&faults, &serve->scratch);
        return 400;
    }
    if (!policies_find(serve->core->policies, signal->strategy) &&
        !closes_something(serve->core, signal)) {
        metric_add(state->invalid, 1);
        str_printf(&serve->scratch,
                   "{\"status\":\"invalid\",\"errors\":[{\"path\":\"$.strategy\",\"error\":\"no "
                   "strategy \\\"%s\\\" is loaded here\"}]}",
                   signal->strategy);
        return 400;
    }
    if (!instrument_find(&serve->core->options.instruments, signal->instrument)) {
        metric_add(state->invalid, 1);
        str_printf(&serve->scratch,
                   "{\"status\":\"invalid\",\"errors\":[{\"path\":\"$.instrument\",\"error\":\"%s "
                   "is not among the configured instruments\"}]}",
                   signal->instrument);
        return 400;
    }
    if (!rate_allows(serve, a->source, signal)) {
        metric_add(state->limited, 1);
        str_puts(&serve->scratch, "{\"status\":\"error\",\"error\":\"too many entries from this "
                                  "source; try again in a second\"}");
        return 429;
    }
    state->last_signal_us = clock_steady(serve->core->clock);
    state->silent = false;
    return 0;
}

static void print_decision(const struct intake_answer *answer, struct str *out)
{
    row_json_changes(&tables[TABLE_DECISION], NULL, answer->decision, out);
    if (!answer->trace)
        return;
    out->length--; /* the closing brace */
    str_puts(out, ",\"trace\":");
    str_puts(out, answer->trace);
    str_putc(out, '}');
}

static unsigned print_intake(const struct intake_answer *answer, struct str *out)
{
    const struct signal *signal = answer->signal;
    bool duplicate = answer->status == INTAKE_DUPLICATE;
    str_clear(out);
    str_puts(out, duplicate ? "{\"status\":\"duplicate\",\"id\":\""
                            : "{\"status\":\"accepted\",\"id\":\"");
    str_puts(out, signal->id);
    str_puts(out, "\",\"fingerprint\":\"");
    str_puts(out, signal->fingerprint);
    str_putc(out, '"');
    if (answer->spooled || answer->stale)
        str_puts(out, answer->spooled ? ",\"spooled\":true" : ",\"stale\":true");
    else if (duplicate || answer->decision)
        str_printf(out, ",\"state\":\"%s\"", signal_state_names[signal->state]);
    if (answer->decision) {
        str_puts(out, ",\"decision\":");
        print_decision(answer, out);
    } else if (signal->reason[0] && duplicate) {
        str_puts(out, ",\"reason\":");
        str_put_json(out, signal->reason);
    }
    str_putc(out, '}');
    return duplicate ? 200 : 202;
}

static void answer_http(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct serve *serve = owner;
    if (err && err->class != ERR_NONE) {
        serve_err(serve, handle, err);
        return;
    }
    unsigned status = print_intake(value, &serve->scratch);
    const struct http_request *request = http_waiting(serve->server, handle);
    if (request)
        metric_observe_us(serve->ack_time, clock_steady(serve->core->clock) - request->received_us);
    serve_json(serve, handle, status, serve->scratch.data, serve->scratch.length);
}

void webhook_handle(const struct http_request *request, struct serve *serve, const char *rest)
{
    size_t name_length = strcspn(rest, "/");
    size_t index = find_source(serve, rest, name_length);
    if (index == SIZE_MAX) {
        serve_error(serve, request->handle, 404, "there is no such source: POST /webhook/<source>");
        return;
    }
    if (strcmp(request->method, "POST") != 0) {
        serve_error(serve, request->handle, 405, "signals are sent with POST");
        return;
    }
    if (!authenticate(request, serve, index,
                      rest[name_length] == '/' ? rest + name_length + 1 : NULL))
        return;
    if (!media_type_fits(request)) {
        serve_error(serve, request->handle, 415,
                    "send application/json, or text/plain holding JSON");
        return;
    }
    struct arrival arrival = {.serve = serve,
                              .source = index,
                              .body = request->body,
                              .length = request->body_length,
                              .arena = request->arena};
    struct signal signal;
    unsigned status = read_arrival(&arrival, &signal);
    if (status) {
        serve_json(serve, request->handle, status, serve->scratch.data, serve->scratch.length);
        return;
    }
    const char *wait = http_query(request, "wait");
    bool wait_decision = wait && strcmp(wait, "decision") == 0;
    struct waiter to = {answer_http, serve, request->handle};
    intake_submit(serve->core, &signal, wait_decision,
                  clock_steady(serve->core->clock) + DECISION_WAIT_US, to);
}

void webhook_watch_silence(struct serve *serve, int64_t now_us)
{
    for (size_t i = 0; i < serve->options.config->source_count; i++) {
        const struct config_source *source = &serve->options.config->sources[i];
        struct source_state *state = &serve->sources[i];
        if (!source->silence_us || state->silent ||
            now_us - state->last_signal_us < source->silence_us)
            continue;
        state->silent = true;
        log_write(serve->options.log, LOG_WARN, "serve", "a source is silent",
                  LOG_T("source", source->signal.name),
                  LOG_MS("silence_ms", now_us - state->last_signal_us), LOG_END);
    }
}

/* ---- the embedding program's door ---- */

struct submission {
    struct serve *serve;
    struct arena arena;
    void (*answer)(void *, unsigned, const char *);
    void *ctx;
    unsigned status;
    char *text;
};

static void finish_submission(void *ctx)
{
    struct submission *s = ctx;
    s->answer(s->ctx, s->status, s->text);
    arena_free(&s->arena);
    mem_free(s);
}

static void answer_submission(void *owner, uint64_t handle, const struct err *err,
                              const void *value)
{
    (void)handle;
    struct submission *s = owner;
    struct str *out = &s->serve->scratch;
    if (err && err->class != ERR_NONE) {
        str_clear(out);
        s->status = serve_err_status(err);
        str_puts(out, "{\"status\":\"error\",\"error\":");
        str_put_json(out, err->text);
        str_putc(out, '}');
    } else {
        s->status = print_intake(value, out);
    }
    s->text = arena_text(&s->arena, str_text(out));
    finish_submission(s);
}

void serve_submit(struct serve *serve, const char *source, const char *json, size_t length,
                  bool wait_decision, void (*answer)(void *ctx, unsigned status, const char *json),
                  void *ctx)
{
    struct submission *s = mem_alloc(sizeof *s);
    *s = (struct submission){.serve = serve, .answer = answer, .ctx = ctx, .status = 404};
    arena_init(&s->arena, 4096);
    size_t index = find_source(serve, source, strlen(source));
    struct signal signal;
    if (index == SIZE_MAX) {
        s->text =
            arena_text(&s->arena, "{\"status\":\"error\",\"error\":\"there is no such source\"}");
    } else {
        struct arrival arrival = {
            .serve = serve, .source = index, .body = json, .length = length, .arena = &s->arena};
        s->status = read_arrival(&arrival, &signal);
        if (!s->status) {
            struct waiter to = {answer_submission, s, 0};
            intake_submit(serve->core, &signal, wait_decision,
                          clock_steady(serve->core->clock) + DECISION_WAIT_US, to);
            return;
        }
        s->text = arena_text(&s->arena, str_text(&serve->scratch));
    }
    loop_defer(serve->options.loop, finish_submission, s);
}
