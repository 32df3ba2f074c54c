/* Why: the commands about our book and the broker's, on a running host. */
#include "cli/cli.h"
#include <stdlib.h>
#include <string.h>

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
        cli_put_who_why(&body, cli_user(args, MATCH_WHO), args->values[MATCH_REASON]);
        str_putc(&body, '}');
        return cli_change(args, path, &body, "accepted");
    }
    int code = 0;
    str_printf(&body, "{\"dry_run\":%s}", args->values[MATCH_DRY_RUN] ? "true" : "false");
    char *answer = cli_ask(args, "POST", "/api/reconcile", str_text(&body), &code);
    struct arena arena;
    arena_init(&arena, 65536);
    const struct json *root = answer && !args->io.json ? cli_parse(&arena, answer) : NULL;
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

enum { ROLL_REASON, ROLL_WHO };
static const struct cli_option roll_options[] = {{"reason", "TEXT", "retry: why"},
                                                 {"who", "NAME", "retry: who; default $USER"}};

static int retry_rollover(struct cli_args *args)
{
    char path[160];
    struct str body = STR_EMPTY;
    if (args->word_count < 2 || !args->values[ROLL_REASON])
        return cli_usage(args, "say retry POSITION --reason TEXT");
    snprintf(path, sizeof path, "/api/rollovers/%.100s/retry", args->words[1]);
    str_putc(&body, '{');
    cli_put_who_why(&body, cli_user(args, ROLL_WHO), args->values[ROLL_REASON]);
    str_putc(&body, '}');
    return cli_change(args, path, &body, "it is pending: tried when its strategy says so");
}

static int run_rollover(struct cli_args *args)
{
    int code = 0;
    char path[120] = "/api/rollovers?limit=200";
    if (args->word_count > 0 && strcmp(args->words[0], "retry") == 0)
        return retry_rollover(args);
    if (args->word_count > 0)
        snprintf(path, sizeof path, "/api/rollovers?limit=200&rollover=%.60s", args->words[0]);
    char *answer = cli_ask(args, "GET", path, NULL, &code);
    struct arena arena;
    arena_init(&arena, 65536);
    const struct json *rows = answer && !args->io.json ? cli_parse(&arena, answer) : NULL;
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

/* ---- import ---- */

static void print_faults(const struct cli_args *args, const char *file, const struct json *errors)
{
    for (const struct json *one = errors->child; one; one = one->next)
        fprintf(stderr, "tidelock %s: %s: %s %s\n", args->command, file, cli_text(one, "path"),
                cli_text(one, "error"));
}

static void print_imported(const struct json *root)
{
    const struct json *list = json_get(root, "positions");
    bool dry_run = strcmp(cli_text(root, "dry_run"), "yes") == 0;
    for (const struct json *one = list ? list->child : NULL; one; one = one->next)
        printf("  %-10s %-14s %-12s %-8s %10s lots at %-12s %s\n",
               strcmp(cli_text(one, "stands"), "yes") == 0 ? "stands"
               : dry_run                                   ? "would enter"
                                                           : "entered",
               cli_text(one, "instrument"), cli_text(one, "strategy"), cli_text(one, "position"),
               cli_text(one, "quantity"), cli_text(one, "entry_price"), cli_text(one, "id"));
    printf("%s%s entered, %s stood already\n", dry_run ? "dry run, nothing was changed: " : "",
           cli_text(root, "imported"), cli_text(root, "stood"));
}

enum { IMPORT_DRY_RUN, IMPORT_WHO };
static int run_import(struct cli_args *args)
{
    struct str body = STR_EMPTY, path = STR_EMPTY;
    struct arena arena;
    char *answer = NULL;
    int status, code = TIDELOCK_OK;
    if (!cli_read_file(args->words[0], &body)) {
        str_free(&body);
        return cli_usage(args, "%s cannot be read", args->words[0]);
    }
    str_printf(&path, "/api/import?dry_run=%d&who=", args->values[IMPORT_DRY_RUN] ? 1 : 0);
    for (const char *c = cli_user(args, IMPORT_WHO); *c; c++)
        str_printf(&path, "%%%02x", (unsigned char)*c);
    status = tidelock_ask(args->config, "POST", str_text(&path), str_text(&body), &answer);
    arena_init(&arena, 65536);
    const struct json *root = answer && status ? cli_parse(&arena, answer) : NULL;
    const struct json *errors = json_get(root, "errors");
    if (args->io.json && root)
        printf("%s\n", answer);
    else if (errors)
        print_faults(args, args->words[0], errors);
    else if (status == 200 && root)
        print_imported(root);
    else
        fprintf(stderr, "tidelock import: %s\n",
                root     ? cli_text(root, "error")
                : answer ? answer
                         : "no answer");
    if (status != 200)
        code = TIDELOCK_FAILED;
    arena_free(&arena);
    tidelock_free_text(answer);
    str_free(&body);
    str_free(&path);
    return code;
}

static const struct cli_option match_options[] = {
    {"dry-run", NULL, "decide and report, do nothing"},
    {"reason", "TEXT", "accept: why; kept in the event log"},
    {"who", "NAME", "accept: who; default $USER"}};
static const struct cli_option import_options[] = {
    {"dry-run", NULL, "check everything, change nothing"}, {"who", "NAME", "who; default $USER"}};

const struct cli_command cli_book_commands[] = {
    {"reconcile", "[--dry-run] | accept INSTRUMENT --reason TEXT",
     "Compare our book with the broker's now, and put right what may be put right",
     "What to do about each difference is the owning strategy's to say (reconcile), within the "
     "host's rules.\n`accept` lets entries pass again though a difference stays as it is.",
     "tidelock reconcile --dry-run", 0, 2, match_options, 3, run_reconcile},
    {"rollover", "[STATUS] | retry POSITION --reason TEXT",
     "Positions with an expiry, and what became of rolling them",
     "STATUS: none, pending, in_progress, rolled or failed.\n`retry` has one that failed tried "
     "again; POSITION is its id, which --json tells.",
     "tidelock rollover failed", 0, 2, roll_options, 2, run_rollover},
    {"import", "FILE|- [--dry-run]",
     "Positions that exist elsewhere enter the book, all of a file or none",
     "FILE is a JSON list of {strategy, instrument, position, side, quantity, entry_price, stop,\n"
     "atr, opened_at}. Nothing is sent to the broker. The same file twice changes nothing.",
     "tidelock import positions.json --dry-run", 1, 1, import_options, 2, run_import},
};
const size_t cli_book_count = sizeof cli_book_commands / sizeof cli_book_commands[0];
