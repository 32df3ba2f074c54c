/* Why: what operators change over HTTP. Each change names who and why, is recorded as an event, and
 * cannot be sent by a page of another origin: the header X-Tidelock (or the bearer token, where one
 * is configured) is not one that a foreign page may set. */
#include "serve/parts.h"
#include <stdio.h>
#include <string.h>

enum { WRITE_S = 5, IMPORT_S = 9, STORY_S = 60 };

struct change_request {
    const struct http_request *request;
    struct serve *serve;
    const struct json *body;
    const char *who, *why;
    char id[KEY_SIZE];
};

static void answer_done(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)value;
    struct serve *serve = owner;
    static const char done[] = "{\"status\":\"done\"}";
    if (err && err->class != ERR_NONE)
        serve_err(serve, handle, err);
    else
        serve_json(serve, handle, 200, done, sizeof done - 1);
}

static void answer_with_text(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct serve *serve = owner;
    if (err && err->class != ERR_NONE)
        serve_err(serve, handle, err);
    else
        serve_json(serve, handle, 200, value, strlen(value));
}

static struct waiter waiter_of(const struct change_request *c)
{
    return (struct waiter){answer_done, c->serve, c->request->handle};
}

static void change_halt(struct change_request *c)
{
    int level = 0;
    const char *text = json_text(c->body, "level");
    if (!text || !enum_parse(halt_level_names, text, &level) || level == HALT_NONE) {
        serve_error(c->serve, c->request->handle, 400,
                    "level must be no_entry, reduce_only, flatten or freeze; POST /api/resume "
                    "lifts a halt");
        return;
    }
    halt_set(c->serve->core, (enum halt_level)level, c->who, c->why, waiter_of(c));
}

static void change_resume(struct change_request *c)
{
    halt_set(c->serve->core, HALT_NONE, c->who, c->why, waiter_of(c));
}

static void change_deposit(struct change_request *c)
{
    struct decimal amount;
    if (!json_decimal(c->body, "amount", &amount) || decimal_is_zero(amount)) {
        serve_error(c->serve, c->request->handle, 400,
                    "amount must be a number such as \"5000\"; negative to withdraw");
        return;
    }
    account_deposit(c->serve->core, amount, c->who, waiter_of(c));
}

static void change_retry(struct change_request *c)
{
    intake_retry(c->serve->core, c->id, c->who, waiter_of(c));
}

static void change_drop(struct change_request *c)
{
    intake_drop(c->serve->core, c->id, c->who, c->why, waiter_of(c));
}

static void change_resolve(struct change_request *c)
{
    int state = 0;
    const char *text = json_text(c->body, "as");
    struct resolution told = {
        .who = c->who, .why = c->why, .quantity = decimal_bad(), .price = decimal_bad()};
    if (!text || !enum_parse(order_state_names, text, &state)) {
        serve_error(c->serve, c->request->handle, 400,
                    "as must be filled (with price, and quantity when it is not all), rejected, "
                    "cancelled or expired");
        return;
    }
    if ((json_get(c->body, "quantity") && !json_decimal(c->body, "quantity", &told.quantity)) ||
        (json_get(c->body, "price") && !json_decimal(c->body, "price", &told.price))) {
        serve_error(c->serve, c->request->handle, 400,
                    "quantity and price must be numbers such as \"59000.05\"");
        return;
    }
    told.as = (enum order_state)state;
    order_resolve(c->serve->core, c->id, &told, waiter_of(c));
}

static void change_reconcile(struct change_request *c)
{
    bool dry_run = false;
    json_bool(c->body, "dry_run", &dry_run);
    match_now(c->serve->core, dry_run,
              (struct waiter){answer_with_text, c->serve, c->request->handle});
}

static void change_accept(struct change_request *c)
{
    match_accept(c->serve->core, c->id, c->who, c->why, waiter_of(c));
}

static void change_cancel(struct change_request *c)
{
    order_cancel(c->serve->core, c->id, c->who, c->why, waiter_of(c));
}

static void change_roll(struct change_request *c)
{
    rollover_retry(c->serve->core, c->id, c->who, c->why, waiter_of(c));
}

static void change_amend(struct change_request *c)
{
    static const char *const names[3] = {"quantity", "limit_price", "stop_price"};
    struct decimal values[3] = {decimal_bad(), decimal_bad(), decimal_bad()};
    bool any = false;
    for (size_t i = 0; i < 3; i++) {
        bool given = json_get(c->body, names[i]) != NULL;
        any |= given;
        if (given &&
            (!json_decimal(c->body, names[i], &values[i]) || decimal_sign(values[i]) <= 0)) {
            serve_error(c->serve, c->request->handle, 400, "%s must be a number above zero",
                        names[i]);
            return;
        }
    }
    if (any)
        order_amend(c->serve->core, c->id, values[0], values[1], values[2], waiter_of(c));
    else
        serve_error(c->serve, c->request->handle, 400,
                    "say what is to change: quantity, limit_price or stop_price");
}

static void change_policy(struct change_request *c, const char *verb)
{
    struct serve *serve = c->serve;
    serve->options.hooks.policy(serve->options.hooks.ctx, verb, c->id, c->who,
                                (struct waiter){answer_with_text, serve, c->request->handle});
}

static void change_push(struct change_request *c)
{
    change_policy(c, "push");
}

static void change_rollback(struct change_request *c)
{
    change_policy(c, "rollback");
}

static void change_import(struct change_request *c)
{
    import_handle(c->request, c->serve, c->body, c->who);
}

static void change_stop(struct change_request *c)
{
    answer_done(c->serve, c->request->handle, NULL, NULL);
    c->serve->options.hooks.stop(c->serve->options.hooks.ctx);
}

static const struct {
    const char *path, *after; /* around the id; after NULL: no id */
    bool why;
    void (*change)(struct change_request *c);
    int patience_s; /* what waits for the database alone is patient for a shorter time */
    const char *look;
} changes[] = {
    {"halt", NULL, true, change_halt, WRITE_S,
     "it is in force on this instance while it is being written; see GET /api/halts"},
    {"resume", NULL, true, change_resume, WRITE_S, "see GET /api/halts"},
    {"deposit", NULL, false, change_deposit, WRITE_S, "see GET /api/ledger"},
    {"stop", NULL, false, change_stop, WRITE_S, "see the log"},
    {"import", NULL, false, change_import, IMPORT_S,
     "see GET /api/positions (the same list again changes nothing that stands)"},
    {"signals/", "/retry", false, change_retry, WRITE_S, "see GET /api/signals"},
    {"signals/", "/drop", true, change_drop, WRITE_S, "see GET /api/signals"},
    {"orders/", "/resolve", true, change_resolve, WRITE_S, "see GET /api/orders"},
    {"reconcile", NULL, false, change_reconcile, STORY_S, "see GET /api/reconciliation"},
    {"reconciliation/", "/accept", true, change_accept, WRITE_S, "see GET /api/reconciliation"},
    {"orders/", "/cancel", true, change_cancel, STORY_S, "see GET /api/orders"},
    {"orders/", "/amend", true, change_amend, STORY_S, "see GET /api/orders"},
    {"rollovers/", "/retry", true, change_roll, WRITE_S, "see GET /api/rollovers"},
    {"policies/", "/push", false, change_push, STORY_S, "see GET /api/policies"},
    {"policies/", "/rollback", false, change_rollback, STORY_S, "see GET /api/policies"},
};

static bool may_change(const struct http_request *request, struct serve *serve)
{
    const struct config_secret *token = &serve->options.config->admin_token;
    if (token->bytes) {
        if (auth_bearer(request, token))
            return true;
        serve_error(serve, request->handle, 401,
                    "changes need the header Authorization: Bearer <admin.token>");
        return false;
    }
    if (!auth_host_is_plain(request) || !auth_own_page(request)) {
        serve_error(serve, request->handle, 403,
                    "changes without admin.token are taken under an address or localhost only");
        return false;
    }
    if (http_header(request, "X-Tidelock"))
        return true;
    serve_error(serve, request->handle, 403,
                "changes need the header X-Tidelock: 1, which a foreign page cannot send");
    return false;
}

static bool path_fits(const char *rest, size_t index, struct change_request *c)
{
    const char *path = changes[index].path, *after = changes[index].after;
    if (!after)
        return strcmp(rest, path) == 0;
    size_t length = strlen(rest), before = strlen(path), end = strlen(after);
    if (length <= before + end || length - before - end >= sizeof c->id)
        return false;
    if (strncmp(rest, path, before) != 0 || strcmp(rest + length - end, after) != 0)
        return false;
    memcpy(c->id, rest + before, length - before - end);
    c->id[length - before - end] = '\0';
    return !strchr(c->id, '/');
}

static bool read_body(struct change_request *c, bool needs_why)
{
    const struct http_request *request = c->request;
    struct err err = {0};
    static const struct json empty = {.type = JSON_OBJECT};
    c->body = &empty;
    if (request->body_length &&
        !(c->body = json_parse(request->arena, request->body, request->body_length, NULL, &err))) {
        serve_error(c->serve, request->handle, 400, "%s", err.text);
        return false;
    }
    c->who = json_text(c->body, "who");
    c->why = json_text(c->body, "why");
    if (!c->who || !*c->who)
        c->who = "operator";
    if (strlen(c->who) >= NAME_SIZE || (c->why && strlen(c->why) >= REASON_SIZE)) {
        serve_error(c->serve, request->handle, 400, "who has at most %d characters, why at most %d",
                    NAME_SIZE - 1, REASON_SIZE - 1);
        return false;
    }
    if (needs_why && (!c->why || !*c->why)) {
        serve_error(c->serve, request->handle, 400,
                    "why is required: a sentence that will stand in the event log");
        return false;
    }
    return true;
}

void api_change(const struct http_request *request, struct serve *serve, const char *rest)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct change_request c = {.request = request, .serve = serve};
        if (!path_fits(rest, i, &c))
            continue;
        uint64_t handle = request->handle;
        if (!may_change(request, serve) || !read_body(&c, changes[i].why))
            return;
        changes[i].change(&c);
        patience_begin(serve, handle, changes[i].patience_s, changes[i].look);
        return;
    }
    serve_error(
        serve, request->handle, 404,
        "no such change; there are halt, resume, deposit, import, stop, signals/<id>/retry|drop, "
        "orders/<id>/resolve|cancel|amend, rollovers/<position>/retry, reconcile, "
        "reconciliation/<instrument>/accept, policies/<name>/push|rollback");
}
