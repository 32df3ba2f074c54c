/* Why: the commands that need no running host. */
#include "cli/cli.h"
#include <string.h>

static int run_explain(struct cli_args *args)
{
    return tidelock_explain(args->config, args->words[0], &args->io);
}

static int run_verify(struct cli_args *args)
{
    return tidelock_verify(args->config, &args->io);
}

static int run_state(struct cli_args *args)
{
    return tidelock_state(args->config, args->values[0], &args->io);
}

enum {
    BT_BARS,
    BT_INSTRUMENT,
    BT_ZONE,
    BT_EQUITY,
    BT_PARAMS,
    BT_REPORT,
    BT_DECISIONS,
    BT_QUIET,
    BT_WITH
};
static int run_backtest(struct cli_args *args)
{
    if (!args->values[BT_BARS])
        return cli_usage(args, "--bars FILE is needed");
    struct tidelock_backtest job = {.strategy_dir = args->words[0],
                                    .bars_path = args->values[BT_BARS],
                                    .config_path = args->values[BT_WITH],
                                    .report_path = args->values[BT_REPORT],
                                    .instrument = args->values[BT_INSTRUMENT],
                                    .time_zone = args->values[BT_ZONE],
                                    .equity = args->values[BT_EQUITY],
                                    .params = args->values[BT_PARAMS],
                                    .quiet = args->values[BT_QUIET] != NULL,
                                    .decisions = args->values[BT_DECISIONS] != NULL};
    return tidelock_run_backtest(&job, &args->io);
}

static int run_policy(struct cli_args *args)
{
    static const char *const verbs[] = {"list", "environment", "annotations", "check",
                                        "test", "push",        "rollback"};
    const char *verb = args->words[0];
    size_t i = 0;
    while (i < 7 && strcmp(verbs[i], verb) != 0)
        i++;
    if (i == 7)
        return cli_usage(args,
                         "\"%s\" is none of list, environment, annotations, check, test, "
                         "push, rollback",
                         verb);
    if (i > 2 && args->word_count < 2)
        return cli_usage(args, "policy %s needs a %s", verb,
                         i < 5 ? "strategy's folder" : "strategy's name");
    return tidelock_policy(args->config, verb, args->words[1], args->values[0], &args->io);
}

enum { BARS_FROM = 4, BARS_TO, BARS_OUT, BARS_URL, BARS_QUIET, BARS_OPTIONS };
static int run_bars(struct cli_args *args)
{
    bool market =
        strcmp(args->words[0], "binance") == 0 || strcmp(args->words[0], "binance_usdm") == 0;
    if (market && args->word_count == 3) {
        struct tidelock_download job = {.source = args->words[0],
                                        .symbol = args->words[1],
                                        .interval = args->words[2],
                                        .from = args->values[BARS_FROM],
                                        .to = args->values[BARS_TO],
                                        .path = args->values[BARS_OUT],
                                        .url = args->values[BARS_URL],
                                        .quiet = args->values[BARS_QUIET] != NULL};
        return tidelock_download_bars(&job, &args->io);
    }
    if (market)
        return cli_usage(args, "bars %s needs a symbol and an interval: bars %s BTCUSDT 1h",
                         args->words[0], args->words[0]);
    if (strcmp(args->words[0], "synthetic") != 0)
        return cli_usage(args, "\"%s\" is none of synthetic, binance, binance_usdm",
                         args->words[0]);
    return tidelock_synthetic_bars(args->values[0], args->values[1], args->values[2],
                                   args->values[3], &args->io);
}

enum { COPY_FROM, COPY_TO };
static int run_copy(struct cli_args *args)
{
    if (!args->values[COPY_FROM] || !args->values[COPY_TO])
        return cli_usage(args, "--from and --to are needed");
    return tidelock_copy(args->values[COPY_FROM], args->values[COPY_TO], &args->io);
}

static const struct cli_option copy_options[] = {
    {"from", "PLACE", "the database to read: a file, or a postgresql:// URL"},
    {"to", "PLACE", "the database to write: empty, or a copy that was begun"},
};
static const struct cli_option bars_options[] = {
    {"count", "N", "bars [10000]"},
    {"seed", "N", "equal seeds make equal bars [1]"},
    {"start", "PRICE", "first price [50000]"},
    {"interval", "15m", "length of a synthetic bar [15m]"},
    {"from", "TIME", "of a market: first bar; a date or ISO 8601, UTC"},
    {"to", "TIME", "of a market: before this [now]"},
    {"out", "FILE", "of a market: written when it is whole [standard output]"},
    {"url", "URL", "of a market: its REST interface [its own]"},
    {"quiet", NULL, "no progress bar"},
};
static const struct cli_option state_options[] = {
    {"at", "TIME", "ISO 8601; without a zone: the account's; default: now"}};
static const struct cli_option policy_options[] = {
    {"author", "NAME", "who pushes or rolls back, for the event log"}};
static const struct cli_option backtest_options[] = {
    {"bars", "FILE",
     "CSV (date,open,high,low,close[,volume], or Instrument,Date,Time,...) or Binance klines JSON"},
    {"instrument", "NAME", "which configured instrument the bars are of"},
    {"time-zone", "ZONE", "of local times in the file"},
    {"equity", "AMOUNT", "first deposit"},
    {"params", "a=1,b=2", "values for the strategy's parameters"},
    {"report", "FILE.html", "write a page with equity curve, drawdown and trades"},
    {"decisions", NULL, "list every decision"},
    {"quiet", NULL, "no progress bar"},
    {"with", "CONFIG",
     "instruments, broker, rails and parameters of this configuration instead of the built-in "
     "ones"},
};

const struct cli_command cli_offline_commands[] = {
    {"explain", "ID", "Show a whole decision: gates with inputs, sizing, orders, fills, events",
     "ID is a signal's id, its fingerprint, a client order id, or a prefix of at least 4 "
     "characters.",
     "tidelock explain k3vq7d", 1, 1, NULL, 0, run_explain},
    {"verify", "", "Fold the event log, check its hash chain, and compare with every table",
     "Works beside a running host. Exit code 1 when anything does not agree.", "tidelock verify", 0,
     0, NULL, 0, run_verify},
    {"state", "[--at TIME]", "Show account, open positions and orders as they were at a moment",
     NULL, "tidelock state --at 2026-07-21T09:15:00Z", 0, 0, state_options, 1, run_state},
    {"copy", "--from PLACE --to PLACE",
     "Copy everything into another database: the log hash for hash, and every table",
     "What was cut short goes on where it stopped. The copy is verified at the end. Beside a\n"
     "running host it copies up to the present; see `mirror` in the configuration for going on.\n"
     "A password comes from $PGPASSWORD or ~/.pgpass.",
     "tidelock copy --from var/tidelock.db --to postgresql://tidelock@db/tidelock", 0, 0,
     copy_options, 2, run_copy},
    {"backtest", "STRATEGY-FOLDER --bars FILE",
     "Run a strategy over bars: the same core, a paper broker, a simulated clock", NULL,
     "tidelock backtest strategies/pyramid --bars bars.csv --report report.html", 1, 1,
     backtest_options, sizeof backtest_options / sizeof backtest_options[0], run_backtest},
    {"bars", "synthetic | binance SYMBOL INTERVAL | binance_usdm SYMBOL INTERVAL",
     "Write bars as CSV, for a backtest: a market's past, or made from a seed",
     "Synthetic bars are the prices of nothing.",
     "tidelock bars binance BTCUSDT 1h --from 2024-01-01 --out btc.csv", 1, 3, bars_options,
     BARS_OPTIONS, run_bars},
    {"policy", "list|environment|annotations|check|test|push|rollback [FOLDER|NAME]",
     "List, check, test, push or roll back policies",
     "environment prints everything a policy can reach, annotations the same for editors "
     "(lua/tidelock.d.lua). check and test take a strategy's folder; "
     "push and rollback a configured strategy's name, on the running host.",
     "tidelock policy check strategies/pyramid", 1, 2, policy_options, 1, run_policy},
};
const size_t cli_offline_count = sizeof cli_offline_commands / sizeof cli_offline_commands[0];
