/* The smallest program with a trading host inside: opens one from a text, submits a signal, prints
 * the decision and every event, and stops in order.
 *
 *   make && cc -Isrc examples/embed/embed.c build/libtidelock.so -Wl,-rpath,build -o build/embed
 *   build/embed
 *
 * Installed: cc embed.c $(pkg-config --cflags --libs tidelock) */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <tidelock.h>

static const char config[] =
    "return {"
    "  listen = '127.0.0.1:0', store = { path = 'var/embed.db' }, watch = false,"
    "  instruments = { { name = 'GOLD_MINI', tick = '1', point_value = '10', margin = '105000' } },"
    "  strategies = { { name = 'pyramid', params = { signals = 'chart' } } },"
    "  sources = { { name = 'program', strategy = 'pyramid', open = true } },"
    "  account = { deposit = '5000000' },"
    "  rails = {"
    "    max_order_quantity = '20', max_order_notional = '20000000', max_position = '40',"
    "    max_orders_per_minute = '60', max_daily_loss = '100000', max_open_risk = '200000',"
    "    price_collar_percent = 'waived',"
    "  },"
    "}";

static void print_event(void *ctx, const char *json_line)
{
    (void)ctx;
    printf("event   %.160s\n", json_line);
}

static void take_answer(void *ctx, int status, const char *json)
{
    printf("answer  %d %.240s\n", status, json);
    tidelock_stop(ctx);
}

int main(void)
{
    struct tidelock_options options = {
        .size = sizeof options, .config_text = config, .config_name = "embed", .log_fd = -1};
    char error[4096], signal[300];
    int status = 0;
    struct tidelock *t = tidelock_open(&options, error, sizeof error, &status);
    if (!t) {
        fprintf(stderr, "%s\n", error);
        return status;
    }
    tidelock_listen(t, print_event, NULL);
    while (!tidelock_ready(t))
        if (tidelock_turn(t, 100))
            return TIDELOCK_FAILED;
    /* Any loop will do: poll tidelock_fd(t) for reading, then call tidelock_turn(t, 0). */
    snprintf(signal, sizeof signal,
             "{\"instrument\":\"GOLD_MINI\",\"type\":\"BASE_ENTRY\",\"position\":\"Long_1\","
             "\"price\":\"72000\",\"stop\":\"71650\",\"atr\":\"140\",\"timestamp\":%lld}",
             (long long)time(NULL));
    tidelock_submit(t, "program", signal, strlen(signal), 1, take_answer, t);
    int code = tidelock_run(t);
    tidelock_close(t);
    return code;
}
