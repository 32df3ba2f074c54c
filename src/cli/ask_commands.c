/* Why: the commands that ask or change a running host over its HTTP interface. */
#include "cli/cli.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
    const struct json *rows = answer ? cli_parse(arena, answer) : NULL;
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
    const struct json *rows = answer ? cli_parse(arena, answer) : NULL;
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
    const struct json *root = args->io.json ? NULL : cli_parse(&arena, answer);
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

static int run_send(struct cli_args *args)
{
    struct str body = STR_EMPTY, path = STR_EMPTY;
    if (args->word_count < 2) {
        build_signal(args, &body);
    } else if (!cli_read_file(args->words[1], &body)) {
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

enum { HALT_REASON, HALT_WHO };
static int run_halt(struct cli_args *args)
{
    if (!args->values[HALT_REASON])
        return cli_usage(args, "--reason TEXT is needed; it stands in the event log");
    struct str body = STR_EMPTY;
    str_puts(&body, "{\"level\":");
    str_put_json(&body, args->word_count ? args->words[0] : "no_entry");
    str_putc(&body, ',');
    cli_put_who_why(&body, cli_user(args, HALT_WHO), args->values[HALT_REASON]);
    str_putc(&body, '}');
    return cli_change(args, "/api/halt", &body, "halted");
}

static int run_resume(struct cli_args *args)
{
    if (!args->values[HALT_REASON])
        return cli_usage(args, "--reason TEXT is needed; it stands in the event log");
    struct str body = STR_EMPTY;
    str_putc(&body, '{');
    cli_put_who_why(&body, cli_user(args, HALT_WHO), args->values[HALT_REASON]);
    str_putc(&body, '}');
    return cli_change(args, "/api/resume", &body, "resumed");
}

static int run_dead(struct cli_args *args)
{
    const char *verb = args->word_count ? args->words[0] : "list";
    int code = 0;
    if (strcmp(verb, "list") == 0) {
        char *answer = cli_ask(args, "GET", "/api/signals?state=dead&limit=1000", NULL, &code);
        struct arena arena;
        arena_init(&arena, 65536);
        const struct json *rows = answer && !args->io.json ? cli_parse(&arena, answer) : NULL;
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
    cli_put_who_why(&body, cli_user(args, HALT_WHO),
                    args->values[HALT_REASON] ? args->values[HALT_REASON] : "retry");
    str_putc(&body, '}');
    return cli_change(args, path, &body, drop ? "dropped" : "back in the queue");
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
    cli_put_who_why(&body, cli_user(args, ORDER_WHO), args->values[ORDER_REASON]);
    str_putc(&body, '}');
    return cli_change(args, path, &body,
                      resolve ? "resolved"
                      : amend ? "amended"
                              : "its cancel is on the way");
}

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
    {"order", "resolve ID --as STATE | cancel ID | amend ID, --reason TEXT",
     "End an order whose outcome is unknown by a person's evidence; cancel or change one",
     "resolve is for unknown orders only: --as filled takes --price and, when it was not all, "
     "--quantity; then the rest counts as cancelled.",
     "tidelock order resolve k3vq7d5mzzx4pquw2tya --as filled --price 59010 --reason \"broker's "
     "desk, call of 14:20\"",
     2, 2, order_options, 7, run_order},
};
const size_t cli_ask_count = sizeof cli_ask_commands / sizeof cli_ask_commands[0];
