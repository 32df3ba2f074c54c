/* Why: the commands that ask or change a running host over its HTTP interface. */
#include "cli/cli.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILE_MAX (1 << 20)

static struct json *parse(struct arena *arena, const char *text)
{
    struct err err = {0};
    struct json_limits limits = {.depth = 32, .nodes = 100000};
    return json_parse(arena, text, strlen(text), &limits, &err);
}

static const char *paint(const struct cli_args *args, const char *code)
{
    return args->io.color ? code : "";
}

/* ---- status ---- */

static void print_portfolio(const struct json *p)
{
    printf("\n  equity       %-16s unrealised  %s\n", cli_text(p, "equity"),
           cli_text(p, "unrealised"));
    printf("  open risk    %-16s margin used %s\n", cli_text(p, "open_risk"),
           cli_text(p, "margin_used"));
    printf("  positions    %-16s day loss    %s\n", cli_text(p, "open_positions"),
           cli_text(p, "day_loss"));
}

static void print_positions(struct cli_args *args, struct arena *arena)
{
    int code = 0;
    char *answer =
        cli_ask(args, "GET", "/api/positions?status=open,closing,partial&limit=50", NULL, &code);
    const struct json *rows = answer ? parse(arena, answer) : NULL;
    if (rows && rows->count)
        printf("\n  %-14s %-12s %-8s %10s %14s %14s\n", "position", "strategy", "layer", "lots",
               "entry", "stop");
    for (const struct json *row = rows ? rows->child : NULL; row; row = row->next) {
        char entry[DECIMAL_TEXT_MAX];
        printf("  %-14s %-12s %-8s %10s %14s %14s\n", cli_text(row, "instrument"),
               cli_text(row, "strategy"), cli_text(row, "label"), cli_text(row, "quantity"),
               decimal_tidy(cli_text(row, "entry_price"), entry), cli_text(row, "stop"));
    }
    tidelock_free_text(answer);
}

static void print_recent(struct cli_args *args, struct arena *arena)
{
    int code = 0;
    char *answer = cli_ask(args, "GET", "/api/decisions?limit=8", NULL, &code);
    const struct json *rows = answer ? parse(arena, answer) : NULL;
    if (rows && rows->count)
        printf("\n  latest decisions\n");
    for (const struct json *row = rows ? rows->child : NULL; row; row = row->next) {
        bool accepted = strcmp(cli_text(row, "verdict"), "accept") == 0;
        printf("  %.8s  %-14s %-12s %s%-7s%s %s%s%s\n",
               strlen(cli_text(row, "at")) > 11 ? cli_text(row, "at") + 11 : "-",
               cli_text(row, "instrument"), cli_text(row, "strategy"),
               paint(args, accepted ? "\033[32m" : "\033[31m"), cli_text(row, "verdict"),
               paint(args, "\033[0m"),
               accepted ? cli_text(row, "quantity") : cli_text(row, "reason"),
               accepted ? " lots  " : "  ", cli_text(row, "signal_id"));
    }
    tidelock_free_text(answer);
}

static int run_status(struct cli_args *args)
{
    int code = 0;
    char *answer = cli_ask(args, "GET", "/api/status", NULL, &code);
    if (!answer)
        return code;
    struct arena arena;
    arena_init(&arena, 65536);
    const struct json *root = args->io.json ? NULL : parse(&arena, answer);
    if (!root) {
        printf("%s\n", answer);
    } else {
        const struct json *halt = json_get(root, "halt"), *queue = json_get(root, "queue");
        bool ready = strcmp(cli_text(root, "ready"), "yes") == 0,
             halted = strcmp(cli_text(halt, "level"), "none") != 0;
        printf("%s%s%s  %s%s%s, term %s, up %s s, tidelock %s\n", paint(args, "\033[1m"),
               cli_text(root, "instance"), paint(args, "\033[0m"),
               paint(args, ready ? "\033[32m" : "\033[33m"), ready ? "ready" : "not ready",
               paint(args, "\033[0m"), cli_text(root, "term"), cli_text(root, "uptime_s"),
               cli_text(root, "version"));
        if (halted)
            printf("%s  halted: %s, by %s: %s%s\n", paint(args, "\033[31m"),
                   cli_text(halt, "level"), cli_text(halt, "who"), cli_text(halt, "why"),
                   paint(args, "\033[0m"));
        printf("  queue        %s waiting, %s working, %s retrying, %s dead\n",
               cli_text(queue, "waiting"), cli_text(queue, "working"), cli_text(queue, "retrying"),
               cli_text(queue, "dead"));
        printf("  store        %s (%s events)\n", cli_text(json_get(root, "store"), "text"),
               cli_text(json_get(root, "store"), "events"));
        printf("  broker       %s\n", cli_text(json_get(root, "broker"), "text"));
        print_portfolio(json_get(root, "portfolio"));
        print_positions(args, &arena);
        print_recent(args, &arena);
    }
    arena_free(&arena);
    tidelock_free_text(answer);
    return code;
}

/* ---- send ---- */

enum {
    SEND_STRATEGY,
    SEND_INSTRUMENT,
    SEND_TYPE,
    SEND_POSITION,
    SEND_PRICE,
    SEND_STOP,
    SEND_ATR,
    SEND_SIDE,
    SEND_TIME,
    SEND_SECRET,
    SEND_NO_WAIT
};
static const struct cli_option send_options[] = {
    {"strategy", "NAME", "strategy"},
    {"instrument", "NAME", "instrument"},
    {"type", "TYPE", "BASE_ENTRY, PYRAMID or EXIT"},
    {"position", "LAYER", "Long_1 ... Long_6, ALL with EXIT"},
    {"price", "P", "price"},
    {"stop", "P", "stop"},
    {"atr", "N", "average true range"},
    {"side", "SIDE", "LONG or SHORT"},
    {"timestamp", "TIME", "ISO 8601 or epoch; default: now"},
    {"path-secret", "TEXT", "last part of the path, for sources that want one"},
    {"no-wait", NULL, "do not wait for the decision"},
};

static void build_signal(const struct cli_args *args, struct str *body)
{
    static const char *const fields[] = {"strategy", "instrument", "type", "position",
                                         "price",    "stop",       "atr",  "side"};
    str_puts(body, "{\"timestamp\":");
    char now[32];
    snprintf(now, sizeof now, "%lld", (long long)time(NULL));
    str_put_json(body, args->values[SEND_TIME] ? args->values[SEND_TIME] : now);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (!args->values[i])
            continue;
        str_printf(body, ",\"%s\":", fields[i]);
        str_put_json(body, args->values[i]);
    }
    str_putc(body, '}');
}

static bool read_file(const char *path, struct str *body)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (!file)
        return false;
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0 && body->length < FILE_MAX;)
        str_put(body, chunk, n);
    if (file != stdin)
        fclose(file);
    return true;
}

static int run_send(struct cli_args *args)
{
    struct str body = STR_EMPTY, path = STR_EMPTY;
    if (args->word_count < 2) {
        build_signal(args, &body);
    } else if (!read_file(args->words[1], &body)) {
        str_free(&body);
        return cli_usage(args, "%s cannot be read", args->words[1]);
    }
    str_printf(&path, "/webhook/%s%s%s%s", args->words[0], args->values[SEND_SECRET] ? "/" : "",
               args->values[SEND_SECRET] ? args->values[SEND_SECRET] : "",
               args->values[SEND_NO_WAIT] ? "" : "?wait=decision");
    char *answer = NULL;
    int status = tidelock_ask(args->config, "POST", str_text(&path), str_text(&body), &answer);
    bool sent = status >= 200 && status < 300;
    if (!answer)
        answer = NULL;
    else if (sent || status)
        printf("%s\n", answer);
    else
        fprintf(stderr, "tidelock send: %s\n", answer);
    tidelock_free_text(answer);
    str_free(&body);
    str_free(&path);
    return sent ? TIDELOCK_OK : TIDELOCK_FAILED;
}

/* ---- changes ---- */

static const char *user_name(const struct cli_args *args, size_t index)
{
    const char *name = args->values[index] ? args->values[index] : getenv("USER");
    return name ? name : "operator";
}

static int change(struct cli_args *args, const char *path, struct str *body, const char *done)
{
    int code = 0;
    char *answer = cli_ask(args, "POST", path, str_text(body), &code);
    if (answer)
        printf("%s\n", args->io.json ? answer : done);
    tidelock_free_text(answer);
    str_free(body);
    return code;
}

static void put_who_why(struct str *body, const char *who, const char *why)
{
    str_puts(body, "\"who\":");
    str_put_json(body, who);
    str_puts(body, ",\"why\":");
    str_put_json(body, why);
}

enum { HALT_REASON, HALT_WHO };
static int run_halt(struct cli_args *args)
{
    if (!args->values[HALT_REASON])
        return cli_usage(args, "--reason TEXT is needed; it stands in the event log");
    struct str body = STR_EMPTY;
    str_puts(&body, "{\"level\":");
    str_put_json(&body, args->word_count ? args->words[0] : "no_entry");
    str_putc(&body, ',');
    put_who_why(&body, user_name(args, HALT_WHO), args->values[HALT_REASON]);
    str_putc(&body, '}');
    return change(args, "/api/halt", &body, "halted");
}

static int run_resume(struct cli_args *args)
{
    if (!args->values[HALT_REASON])
        return cli_usage(args, "--reason TEXT is needed; it stands in the event log");
    struct str body = STR_EMPTY;
    str_putc(&body, '{');
    put_who_why(&body, user_name(args, HALT_WHO), args->values[HALT_REASON]);
    str_putc(&body, '}');
    return change(args, "/api/resume", &body, "resumed");
}

static int run_dead(struct cli_args *args)
{
    const char *verb = args->word_count ? args->words[0] : "list";
    int code = 0;
    if (strcmp(verb, "list") == 0) {
        char *answer = cli_ask(args, "GET", "/api/signals?state=dead&limit=1000", NULL, &code);
        struct arena arena;
        arena_init(&arena, 65536);
        const struct json *rows = answer && !args->io.json ? parse(&arena, answer) : NULL;
        if (answer && !rows)
            printf("%s\n", answer);
        for (const struct json *row = rows ? rows->child : NULL; row; row = row->next)
            printf("%s  %-10s %-14s %-8s %s\n", cli_text(row, "id"), cli_text(row, "type"),
                   cli_text(row, "instrument"), cli_text(row, "position"), cli_text(row, "reason"));
        if (rows && !rows->count)
            printf("no dead letters\n");
        arena_free(&arena);
        tidelock_free_text(answer);
        return code;
    }
    bool drop = strcmp(verb, "drop") == 0;
    if ((!drop && strcmp(verb, "retry") != 0) || args->word_count < 2)
        return cli_usage(args, "say list, retry ID or drop ID");
    if (drop && !args->values[HALT_REASON])
        return cli_usage(args, "--reason TEXT is needed to drop a signal");
    struct str body = STR_EMPTY;
    char path[160];
    snprintf(path, sizeof path, "/api/signals/%s/%s", args->words[1], verb);
    str_putc(&body, '{');
    put_who_why(&body, user_name(args, HALT_WHO),
                args->values[HALT_REASON] ? args->values[HALT_REASON] : "retry");
    str_putc(&body, '}');
    return change(args, path, &body, drop ? "dropped" : "back in the queue");
}

enum { ORDER_REASON, ORDER_WHO, ORDER_AS, ORDER_QUANTITY, ORDER_PRICE, ORDER_LIMIT, ORDER_STOP };

static void put_given(const struct cli_args *args, size_t index, const char *name, struct str *body)
{
    if (!args->values[index])
        return;
    str_printf(body, "\"%s\":", name);
    str_put_json(body, args->values[index]);
    str_putc(body, ',');
}

static int run_order(struct cli_args *args)
{
    const char *verb = args->words[0], *as = args->values[ORDER_AS];
    bool resolve = strcmp(verb, "resolve") == 0, amend = strcmp(verb, "amend") == 0;
    if (!resolve && !amend && strcmp(verb, "cancel") != 0)
        return cli_usage(args, "\"%s\" is not resolve, cancel or amend", verb);
    if (resolve && (!as || !args->values[ORDER_REASON]))
        return cli_usage(args, "--as filled|rejected|cancelled|expired and --reason TEXT are "
                               "needed: they are the evidence");
    if (resolve && strcmp(as, "filled") == 0 && !args->values[ORDER_PRICE])
        return cli_usage(args, "--price P is needed with --as filled");
    if (!args->values[ORDER_REASON])
        return cli_usage(args, "--reason TEXT is needed; it stands in the event log");
    struct str body = STR_EMPTY;
    char path[160];
    snprintf(path, sizeof path, "/api/orders/%s/%s", args->words[1], verb);
    str_putc(&body, '{');
    put_given(args, ORDER_AS, "as", &body);
    put_given(args, ORDER_QUANTITY, "quantity", &body);
    put_given(args, ORDER_PRICE, "price", &body);
    put_given(args, ORDER_LIMIT, "limit_price", &body);
    put_given(args, ORDER_STOP, "stop_price", &body);
    put_who_why(&body, user_name(args, ORDER_WHO), args->values[ORDER_REASON]);
    str_putc(&body, '}');
    return change(args, path, &body,
                  resolve ? "resolved"
                  : amend ? "amended"
                          : "its cancel is on the way");
}

/* ---- reconciliation ---- */

static void print_difference(const struct json *one)
{
    const struct json *decision = json_get(one, "decision");
    char what[64];
    snprintf(what, sizeof what, "%s %s", cli_text(one, "instrument"),
             json_get(one, "order_id") ? cli_text(one, "order_id") : "");
    printf("  %-22s %-36s ours %-10s theirs %-10s %s by %s%s%s%s\n", cli_text(one, "kind"), what,
           cli_text(one, "ours"), cli_text(one, "theirs"), cli_text(decision, "action"),
           cli_text(decision, "by"),
           strcmp(cli_text(decision, "applied"), "yes") == 0 ? ", done" : "",
           *cli_text(decision, "reason") == '-' ? "" : ": ",
           *cli_text(decision, "reason") == '-' ? "" : cli_text(decision, "reason"));
}

static void print_report(const struct json *root)
{
    const struct json *list = json_get(root, "discrepancies"), *failed = json_get(root, "failed");
    printf("%s%s: %s open orders there, %s cancelled, %s settled, %s positions synced, balance "
           "drift %s\n",
           cli_text(root, "at"),
           strcmp(cli_text(root, "dry_run"), "yes") == 0 ? " (dry run: nothing was done)" : "",
           cli_text(root, "open_orders_found"), cli_text(root, "orders_cancelled"),
           cli_text(root, "orders_settled"), cli_text(root, "positions_synced"),
           cli_text(root, "balance_drift"));
    for (const struct json *one = failed ? failed->child : NULL; one; one = one->next)
        printf("  %s could not be read: %s\n", one->key, one->text ? one->text : "");
    for (const struct json *one = list ? list->child : NULL; one; one = one->next)
        print_difference(one);
    if (list && !list->count && failed && !failed->count)
        printf("  the books are equal\n");
}

enum { MATCH_DRY_RUN, MATCH_REASON, MATCH_WHO };
static int run_reconcile(struct cli_args *args)
{
    struct str body = STR_EMPTY;
    if (args->word_count > 0) {
        char path[160];
        if (strcmp(args->words[0], "accept") != 0 || args->word_count < 2 ||
            !args->values[MATCH_REASON])
            return cli_usage(args, "say accept INSTRUMENT --reason TEXT, or nothing");
        snprintf(path, sizeof path, "/api/reconciliation/%s/accept", args->words[1]);
        str_putc(&body, '{');
        put_who_why(&body, user_name(args, MATCH_WHO), args->values[MATCH_REASON]);
        str_putc(&body, '}');
        return change(args, path, &body, "accepted");
    }
    int code = 0;
    str_printf(&body, "{\"dry_run\":%s}", args->values[MATCH_DRY_RUN] ? "true" : "false");
    char *answer = cli_ask(args, "POST", "/api/reconcile", str_text(&body), &code);
    struct arena arena;
    arena_init(&arena, 65536);
    const struct json *root = answer && !args->io.json ? parse(&arena, answer) : NULL;
    if (root)
        print_report(root);
    else if (answer)
        printf("%s\n", answer);
    arena_free(&arena);
    tidelock_free_text(answer);
    str_free(&body);
    return code;
}

/* ---- rollover ---- */

static int run_rollover(struct cli_args *args)
{
    int code = 0;
    char path[120] = "/api/rollovers?limit=200";
    if (args->word_count > 0)
        snprintf(path, sizeof path, "/api/rollovers?limit=200&rollover=%.60s", args->words[0]);
    char *answer = cli_ask(args, "GET", path, NULL, &code);
    struct arena arena;
    arena_init(&arena, 65536);
    const struct json *rows = answer && !args->io.json ? parse(&arena, answer) : NULL;
    if (answer && !rows)
        printf("%s\n", answer);
    if (rows && rows->count)
        printf("%-14s %-12s %-8s %-6s %10s  %-10s  %-11s %s\n", "instrument", "strategy", "layer",
               "side", "lots", "expiry", "rollover", "position");
    else if (rows)
        printf("no position has an expiry\n");
    for (const struct json *row = rows ? rows->child : NULL; row; row = row->next)
        printf("%-14s %-12s %-8s %-6s %10s  %-10s  %-11s %s\n", cli_text(row, "instrument"),
               cli_text(row, "strategy"), cli_text(row, "label"), cli_text(row, "side"),
               cli_text(row, "quantity"), cli_text(row, "expiry"), cli_text(row, "rollover"),
               cli_text(row, "status"));
    arena_free(&arena);
    tidelock_free_text(answer);
    return code;
}

static const struct cli_option match_options[] = {
    {"dry-run", NULL, "decide and report, do nothing"},
    {"reason", "TEXT", "accept: why; kept in the event log"},
    {"who", "NAME", "accept: who; default $USER"}};
static const struct cli_option why_options[] = {{"reason", "TEXT", "why; kept in the event log"},
                                                {"who", "NAME", "who; default $USER"}};
static const struct cli_option order_options[] = {
    {"reason", "TEXT", "the evidence; kept in the event log"},
    {"who", "NAME", "who; default $USER"},
    {"as", "STATE", "resolve: filled, rejected, cancelled or expired"},
    {"quantity", "LOTS",
     "resolve: how much was filled, default all that was left; amend: the new one"},
    {"price", "P", "resolve: the average price it was filled at"},
    {"limit", "P", "amend: the new limit price"},
    {"stop", "P", "amend: the new trigger price"}};

const struct cli_command cli_ask_commands[] = {
    {"status", "", "Show instance, queue, equity, positions and the latest decisions", NULL,
     "tidelock status", 0, 0, NULL, 0, run_status},
    {"send", "SOURCE [FILE|-]", "Send a signal as a webhook would, and show the decision",
     "Without a file the signal is made from the options.",
     "tidelock send demo --strategy pyramid --instrument BANK_NIFTY --type BASE_ENTRY --position "
     "Long_1 --price 52000 --stop 51650 --atr 350",
     1, 2, send_options, sizeof send_options / sizeof send_options[0], run_send},
    {"halt", "[LEVEL] --reason TEXT",
     "Halt: no_entry (default), reduce_only, flatten or freeze; survives restarts", NULL,
     "tidelock halt no_entry --reason \"exchange outage\"", 0, 1, why_options, 2, run_halt},
    {"resume", "--reason TEXT", "Lift a halt", NULL,
     "tidelock resume --reason \"exchange is back\"", 0, 0, why_options, 2, run_resume},
    {"dead", "list | retry ID | drop ID", "Dead letters: signals that ran out of retries", NULL,
     "tidelock dead retry k3vq7d5mzzx4pquw2tya", 0, 2, why_options, 2, run_dead},
    {"reconcile", "[--dry-run] | accept INSTRUMENT --reason TEXT",
     "Compare our book with the broker's now, and put right what may be put right",
     "What to do about each difference is the owning strategy's to say (reconcile), within the "
     "host's rules.\n`accept` lets entries pass again though a difference stays as it is.",
     "tidelock reconcile --dry-run", 0, 2, match_options, 3, run_reconcile},
    {"rollover", "[STATUS]", "Positions with an expiry, and what became of rolling them",
     "STATUS: none, pending, in_progress, rolled or failed.", "tidelock rollover failed", 0, 1,
     NULL, 0, run_rollover},
    {"order", "resolve ID --as STATE | cancel ID | amend ID, --reason TEXT",
     "End an order whose outcome is unknown by a person's evidence; cancel or change one",
     "resolve is for unknown orders only: --as filled takes --price and, when it was not all, "
     "--quantity; then the rest counts as cancelled.",
     "tidelock order resolve k3vq7d5mzzx4pquw2tya --as filled --price 59010 --reason \"broker's "
     "desk, call of 14:20\"",
     2, 2, order_options, 7, run_order},
};
const size_t cli_ask_count = sizeof cli_ask_commands / sizeof cli_ask_commands[0];
