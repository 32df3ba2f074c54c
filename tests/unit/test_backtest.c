/* A backtest whose every figure is worked out by hand: what is decided on a close trades at the
 * next open, and the equity is the sum of what the trades won, less fees. */
#include "tidelock.h"
#include "base/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct place {
    char folder[64], strategy[96], bars[96], config[96];
};
static struct place place;
static struct arena arena;

static void put_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_place(void **state)
{
    (void)state;
    char file[128];
    snprintf(place.folder, sizeof place.folder, "/tmp/tidelock-backtest-XXXXXX");
    if (!mkdtemp(place.folder))
        return -1;
    snprintf(place.strategy, sizeof place.strategy, "%s/steps", place.folder);
    snprintf(place.bars, sizeof place.bars, "%s/bars.csv", place.folder);
    snprintf(place.config, sizeof place.config, "%s/config.lua", place.folder);
    snprintf(file, sizeof file, "%s/strategy.lua", place.strategy);
    mkdir(place.strategy, 0700);
    arena_init(&arena, 0);
    /* Bars say what to do by their number. */
    put_file(file, "return {\n"
                   "  name = 'steps', version = '1.0.0', instruments = '*',\n"
                   "  size = function(f) return { quantity = f.signal.quantity } end,\n"
                   "  start = function() return { n = 0 } end,\n"
                   "  on_bar = function(bar, f, s)\n"
                   "    s.n = s.n + 1\n"
                   "    if s.n == 2 then return { { type = 'BASE_ENTRY', position = 'Long_1',\n"
                   "      price = bar.close, stop = bar.low - 50, atr = 9, quantity = 2 } } end\n"
                   "    if s.n == 4 then return { { type = 'PYRAMID', position = 'Long_2',\n"
                   "      price = bar.close, stop = bar.low - 40, atr = 9, quantity = 1 } } end\n"
                   "    if s.n == 6 then return { { type = 'EXIT', position = 'ALL',\n"
                   "      price = bar.close } } end\n"
                   "  end,\n"
                   "}\n");
    put_file(place.config,
             "return {\n"
             "  account = { currency = 'INR', deposit = '100000', time_zone = 'Asia/Kolkata' },\n"
             "  store = { path = 'unused' },\n"
             "  broker = { kind = 'paper', fee_per_lot = '7', slippage_percent = '0',\n"
             "    latency = '20ms' },\n"
             "  instruments = { { name = 'X', lot_size = '10', tick = '0.05', point_value = '10',\n"
             "    margin = '100' } },\n"
             "  strategies = { { name = 'steps' } },\n"
             "  rails = { max_order_quantity = 'waived', max_order_notional = 'waived',\n"
             "    max_position = 'waived', max_orders_per_minute = 'waived',\n"
             "    max_daily_loss = 'waived', max_open_risk = 'waived',\n"
             "    price_collar_percent = 'waived' },\n"
             "  watch = false,\n"
             "}\n");
    return 0;
}

static int drop_place(void **state)
{
    (void)state;
    char file[128];
    snprintf(file, sizeof file, "%s/strategy.lua", place.strategy);
    unlink(file);
    rmdir(place.strategy);
    unlink(place.bars);
    unlink(place.config);
    arena_free(&arena);
    return rmdir(place.folder);
}

static const struct json *run(char **text)
{
    size_t size;
    FILE *out = open_memstream(text, &size), *problems = tmpfile();
    struct tidelock_backtest job = {.strategy_dir = place.strategy,
                                    .bars_path = place.bars,
                                    .config_path = place.config,
                                    .time_zone = "UTC",
                                    .quiet = 1,
                                    .decisions = 1};
    struct tidelock_io io = {.out = out, .err = problems, .json = 1};
    assert_int_equal(tidelock_run_backtest(&job, &io), TIDELOCK_OK);
    fclose(out);
    fclose(problems);
    struct err err = {0};
    const struct json *told = json_parse(&arena, *text, strlen(*text), NULL, &err);
    assert_non_null(told);
    return told;
}

static const char *text_of(const struct json *object, const char *name)
{
    const char *text = json_text(object, name);
    assert_non_null(text);
    return text;
}

static void check_trade(const struct json *trade, const char *label, const char *opened,
                        const char *entry, const char *closed, const char *exit, const char *net)
{
    assert_string_equal(text_of(trade, "position"), label);
    assert_string_equal(text_of(trade, "opened_at"), opened);
    assert_string_equal(text_of(trade, "entry_price"), entry);
    assert_string_equal(text_of(trade, "closed_at"), closed);
    assert_string_equal(text_of(trade, "exit_price"), exit);
    assert_string_equal(text_of(trade, "net"), net);
}

/* Nights lie between the decision and the fill: far beyond the validity of a right to send. */
static void fills_at_the_next_open(void **state)
{
    (void)state;
    char *text = NULL, *again = NULL;
    put_file(place.bars, "time,open,high,low,close\n"
                         "2024-01-01T09:00:00Z,1000,1010,990,1005\n"
                         "2024-01-01T09:15:00Z,1005,1012,1000,1010\n" /* enter 2 */
                         "2024-01-02T09:00:00Z,1020,1035,1015,1030\n" /* at 1020 */
                         "2024-01-02T09:15:00Z,1031,1045,1030,1040\n" /* add 1 */
                         "2024-01-02T09:30:00Z,1042,1050,1041,1048\n" /* at 1042 */
                         "2024-01-02T09:45:00Z,1047,1049,1030,1033\n" /* leave */
                         "2024-01-05T09:00:00Z,1025,1026,1020,1022\n" /* at 1025 */
                         "2024-01-05T09:15:00Z,1022,1024,1020,1021\n");
    const struct json *told = run(&text), *trades = json_get(told, "trades");
    assert_int_equal(trades->count, 2);
    /* (1025 - 1020) × 2 × 10 - 4 × 7 = 72; (1025 - 1042) × 1 × 10 - 2 × 7 = -184 */
    check_trade(trades->child, "Long_1", "2024-01-02T09:00:00Z", "1020",
                "2024-01-05T09:00:00Z", "1025", "72");
    check_trade(trades->child->next, "Long_2", "2024-01-02T09:30:00.020000Z", "1042",
                "2024-01-05T09:00:00Z", "1025", "-184");
    assert_string_equal(text_of(told, "fees"), "42");
    assert_string_equal(text_of(told, "end_equity"), "99888");
    assert_string_equal(text_of(told, "return_percent"), "-0.112");
    /* From 100,000 - 21 paid + (1048 - 1020) × 20 + (1048 - 1042) × 10 at its best close. */
    assert_string_equal(text_of(told, "max_drawdown"), "711");
    run(&again);
    assert_string_equal(strstr(text, "\"signals\""), strstr(again, "\"signals\""));
    free(text);
    free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fills_at_the_next_open, make_place, drop_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
