/* Why: a first run has to show something that is real in every part but the market. Bars are told
 * to the paper broker as four prices (open, then the nearer extreme, the other, close) and then to
 * the strategies as a closed bar. */
#include "serve/feed.h"
#include "io/file.h"
#include "serve/feed_live.h"
#include "serve/synthetic.h"
#include "trade/bar.h"
#include <string.h>

#define KEPT_BARS 600
#define BARS_A_TURN 64 /* a slow machine falls behind the pace rather than starve the loop */
#define FILE_MAX (256u << 20)

struct feed {
    const struct config_feed *config;
    struct core *core;
    struct loop *loop;
    struct loop_timer *timer;
    struct arena arena;
    struct bars *bars; /* NULL: synthetic */
    struct synthetic synthetic;
    struct bar kept[KEPT_BARS];
    size_t kept_count, kept_next;
    int64_t fed, next_us, at_us, last_steady_us;
    struct decimal last_price;
    uint64_t *moves;
    bool ended;
    bool live, heard;      /* follows a market; it has told a price */
    int64_t last_price_us; /* live: the market's time of the price */
};
struct feeds {
    struct feed *list;
    size_t count;
    struct core *core;
    struct feed_live *live; /* NULL: no market is followed */
    uint64_t moves;         /* of prices */
};

/* How long a bar lasts on the wall clock. */
static int64_t bar_pace_us(const struct feed *feed)
{
    double per_second = decimal_to_double(feed->config->per_second);
    return per_second > 0 ? (int64_t)(1e6 / per_second) : feed->config->interval_us;
}

static bool next_bar(struct feed *feed, struct bar *bar)
{
    if (feed->config->stop_after && feed->fed >= feed->config->stop_after)
        return false;
    struct err err = {0};
    if (feed->bars) {
        enum bars_status status = bars_next(feed->bars, bar, &err);
        if (status == BARS_FAULT)
            log_write(feed->core->log, LOG_ERROR, "feed", err.text,
                      LOG_T("instrument", feed->config->instrument), LOG_END);
        if (status != BARS_ONE)
            return false;
    } else {
        synthetic_next(&feed->synthetic, feed->at_us, bar);
    }
    if (feed->config->live_times)
        bar->at_us = clock_wall(feed->core->clock) - bar_pace_us(feed); /* it closes now */
    feed->at_us += feed->config->interval_us;
    feed->fed++;
    return true;
}

static void keep_bar(struct feed *feed, const struct bar *bar)
{
    feed->kept[feed->kept_next] = *bar;
    feed->kept_next = (feed->kept_next + 1) % KEPT_BARS;
    if (feed->kept_count < KEPT_BARS)
        feed->kept_count++;
    if (feed->live)
        return; /* its prices come by themselves */
    feed->last_price = bar->close;
    ++*feed->moves;
    feed->last_steady_us = clock_steady(feed->core->clock);
}

static void tell_prices(struct feed *feed, const struct bar *bar)
{
    bool low_first =
        decimal_le(decimal_sub(bar->open, bar->low), decimal_sub(bar->high, bar->open));
    struct decimal path[4] = {bar->open, low_first ? bar->low : bar->high,
                              low_first ? bar->high : bar->low, bar->close};
    for (int i = 0; i < 4; i++)
        broker_price(feed->core->broker, feed->config->instrument, path[i], bar->at_us);
}

static void feed_turn(void *ctx)
{
    struct feed *feed = ctx;
    int64_t now = clock_steady(feed->core->clock), pace = bar_pace_us(feed);
    for (int i = 0; i < BARS_A_TURN && feed->next_us <= now; i++) {
        struct bar bar;
        if (!next_bar(feed, &bar)) {
            feed->ended = true;
            log_write(feed->core->log, LOG_INFO, "feed", "the feed has ended",
                      LOG_T("instrument", feed->config->instrument), LOG_I("bars", feed->fed),
                      LOG_END);
            return;
        }
        tell_prices(feed, &bar);
        keep_bar(feed, &bar);
        bars_feed(feed->core, feed->config->instrument, &bar);
        feed->next_us += pace;
    }
    if (feed->next_us < now)
        feed->next_us = now;
    loop_timer_start_at(feed->timer, feed->next_us);
}

static bool open_feed(struct feed *feed, struct core *core, struct loop *loop,
                      const struct config_feed *config, uint64_t *moves, struct err *err)
{
    *feed = (struct feed){.config = config, .core = core, .loop = loop, .moves = moves};
    arena_init(&feed->arena, 4096);
    const struct instrument *instrument =
        instrument_find(&core->options.instruments, config->instrument);
    synthetic_init(&feed->synthetic, (uint64_t)config->seed, config->start_price,
                   instrument ? instrument->tick : decimal_ratio(1, 100));
    feed->at_us = clock_wall(core->clock) - config->interval_us * (config->warm_up + 1);
    feed->last_price = decimal_bad();
    feed->timer = loop_timer_new(loop, feed_turn, feed);
    feed->live = feed_live_is(config);
    if (feed->live || strcmp(config->bars, "synthetic") == 0)
        return true;
    size_t length = 0;
    char *text = file_read(&feed->arena, config->bars, FILE_MAX, 0, &length, err);
    feed->bars = text ? bars_open(text, length, config->time_zone, err) : NULL;
    return feed->bars != NULL;
}

/* ---- a market that is followed ---- */

static void warm_all(struct feed *feed, const struct bar *bar);

static void live_price(void *ctx, size_t index, struct decimal price, int64_t at_us)
{
    struct feeds *feeds = ctx;
    struct feed *feed = &feeds->list[index];
    bool moved = !feed->heard || !decimal_eq(feed->last_price, price);
    feed->heard = true;
    feed->last_price = price;
    feed->last_price_us = at_us;
    feed->last_steady_us = clock_steady(feeds->core->clock);
    if (!moved)
        return;
    feeds->moves++;
    broker_price(feeds->core->broker, feed->config->instrument, price, at_us);
}

static void live_bar(void *ctx, size_t index, const struct bar *bar, bool past)
{
    struct feeds *feeds = ctx;
    struct feed *feed = &feeds->list[index];
    feed->fed++;
    if (past)
        warm_all(feed, bar);
    keep_bar(feed, bar);
    if (!past)
        bars_feed(feeds->core, feed->config->instrument, bar);
}

struct feeds *feeds_open(struct core *core, struct loop *loop, const struct config *config,
                         struct err *err)
{
    struct feeds *feeds = mem_alloc(sizeof *feeds);
    feeds->core = core;
    feeds->list = mem_alloc(sizeof *feeds->list * (config->feed_count + 1));
    for (size_t i = 0; i < config->feed_count; i++) {
        feeds->count++;
        if (!open_feed(&feeds->list[i], core, loop, &config->feeds[i], &feeds->moves, err)) {
            err_prefix(err, "feeds[%zu]", i + 1);
            feeds_close(feeds);
            return NULL;
        }
    }
    const struct feed_live_events events = {live_price, live_bar, feeds};
    feeds->live = feed_live_open(core, loop, config, &events, err);
    if (feeds->live)
        return feeds;
    err_prefix(err, "feeds");
    feeds_close(feeds);
    return NULL;
}

struct facts feeds_warm_facts(const struct feed_snapshot *snapshot, const struct bar *bar,
                              const struct portfolio *portfolio)
{
    return (struct facts){.instrument = snapshot->instrument,
                          .portfolio = portfolio,
                          .last_price = bar->close,
                          .last_price_us = bar->at_us,
                          .instrument_unrealised = decimal_int(0),
                          .now_us = bar->at_us + snapshot->interval_us};
}

static void warm_strategy(struct feed *feed, struct policy *policy, const struct bar *bar)
{
    const struct feed_snapshot snapshot = {
        .instrument = instrument_find(&feed->core->options.instruments, feed->config->instrument),
        .interval_us = feed->config->interval_us};
    if (!policy_has_on_bar(policy) || !policy_trades(policy, feed->config->instrument))
        return;
    struct portfolio portfolio;
    portfolio_now(feed->core, &portfolio);
    struct facts facts = feeds_warm_facts(&snapshot, bar, &portfolio);
    policy_warm(policy, &facts, bar);
}

static void warm_all(struct feed *feed, const struct bar *bar)
{
    for (size_t p = 0; p < policies_count(feed->core->policies); p++)
        warm_strategy(feed, policies_at(feed->core->policies, p), bar);
}

static const struct bar *kept_bar(const struct feed *feed, size_t index)
{
    size_t first = (feed->kept_next + KEPT_BARS - feed->kept_count) % KEPT_BARS;
    return &feed->kept[(first + index) % KEPT_BARS];
}

size_t feeds_snapshot(const struct feeds *feeds, struct arena *arena, struct feed_snapshot **out)
{
    *out = arena_alloc(arena, sizeof **out * (feeds->count + 1));
    for (size_t i = 0; i < feeds->count; i++) {
        const struct feed *feed = &feeds->list[i];
        struct bar *bars = arena_alloc(arena, sizeof *bars * (feed->kept_count + 1));
        for (size_t n = 0; n < feed->kept_count; n++)
            bars[n] = *kept_bar(feed, n);
        (*out)[i] =
            (struct feed_snapshot){.instrument = instrument_find(&feeds->core->options.instruments,
                                                                 feed->config->instrument),
                                   .bars = bars,
                                   .count = feed->kept_count,
                                   .interval_us = feed->config->interval_us,
                                   .fed = feed->fed};
    }
    return feeds->count;
}

void feeds_start(struct feeds *feeds)
{
    for (size_t i = 0; i < feeds->count; i++) {
        struct feed *feed = &feeds->list[i];
        struct bar bar;
        feed->last_steady_us = clock_steady(feed->core->clock);
        if (feed->live)
            continue;
        for (int64_t n = 0; n < feed->config->warm_up && next_bar(feed, &bar); n++) {
            if (feed->config->live_times)
                bar.at_us -= feed->config->interval_us * (feed->config->warm_up - n);
            warm_all(feed, &bar);
            keep_bar(feed, &bar);
        }
        feed->next_us = clock_steady(feed->core->clock);
        loop_timer_start_at(feed->timer, feed->next_us);
    }
    feed_live_start(feeds->live);
}

void feeds_warm(struct feeds *feeds, const char *strategy, const struct feed_snapshot *since,
                size_t count)
{
    struct policy *policy = policies_find(feeds->core->policies, strategy);
    for (size_t i = 0; policy && i < feeds->count; i++) {
        struct feed *feed = &feeds->list[i];
        int64_t missed = i < count ? feed->fed - since[i].fed : (int64_t)feed->kept_count;
        size_t n =
            feed->kept_count -
            (size_t)(missed < (int64_t)feed->kept_count ? missed : (int64_t)feed->kept_count);
        for (; n < feed->kept_count; n++)
            warm_strategy(feed, policy, kept_bar(feed, n));
    }
}

void feeds_stop(struct feeds *feeds)
{
    for (size_t i = 0; feeds && i < feeds->count; i++)
        loop_timer_stop(feeds->list[i].timer);
    if (feeds) {
        feed_live_close(feeds->live);
        feeds->live = NULL;
    }
}

void feeds_close(struct feeds *feeds)
{
    if (!feeds)
        return;
    feed_live_close(feeds->live);
    for (size_t i = 0; i < feeds->count; i++) {
        loop_timer_free(feeds->list[i].timer);
        bars_close(feeds->list[i].bars);
        arena_free(&feeds->list[i].arena);
    }
    mem_free(feeds->list);
    mem_free(feeds);
}

int64_t feeds_price_age_us(const struct feeds *feeds)
{
    int64_t oldest = -1;
    for (size_t i = 0; feeds && i < feeds->count; i++) {
        const struct feed *feed = &feeds->list[i];
        if (feed->ended || (!feed->live && !feed->kept_count))
            continue;
        int64_t age = clock_steady(feed->core->clock) - feed->last_steady_us -
                      (feed->live ? 0 : bar_pace_us(feed));
        if (age < 0)
            age = 0;
        if (age > oldest)
            oldest = age;
    }
    return oldest;
}

const uint64_t *feeds_moves(const struct feeds *feeds)
{
    return &feeds->moves;
}

bool feeds_stream(const struct feeds *feeds, bool *alive, char *text, size_t size)
{
    return feeds && feed_live_status(feeds->live, alive, text, size);
}

static int64_t age_of(const struct feed *feed)
{
    return feed->heard ? clock_steady(feed->core->clock) - feed->last_steady_us : INT64_MAX;
}

int64_t feeds_age(void *ctx, const char *instrument)
{
    const struct feeds *feeds = ctx;
    int64_t age_us = -1;
    for (size_t i = 0; feeds && i < feeds->count; i++) {
        const struct feed *feed = &feeds->list[i];
        if (feed->live && strcmp(feed->config->instrument, instrument) == 0 &&
            (age_us < 0 || age_of(feed) < age_us))
            age_us = age_of(feed);
    }
    return age_us;
}

bool feeds_last(void *ctx, const char *instrument, struct decimal *price, int64_t *at_us)
{
    const struct feeds *feeds = ctx;
    for (size_t i = 0; feeds && i < feeds->count; i++) {
        const struct feed *feed = &feeds->list[i];
        if (strcmp(feed->config->instrument, instrument) != 0)
            continue;
        if (feed->live && age_of(feed) < PRICE_FRESH_US) {
            *price = feed->last_price;
            *at_us = feed->last_price_us;
            return true;
        }
        if (feed->live || !feed->kept_count)
            continue;
        *price = feed->last_price;
        *at_us = feed->kept[(feed->kept_next + KEPT_BARS - 1) % KEPT_BARS].at_us;
        return true;
    }
    return false;
}

static void print_bars(const struct feed *feed, struct str *out)
{
    str_put_json(out, feed->config->instrument);
    str_puts(out, ":[");
    for (size_t n = 0; n < feed->kept_count; n++) {
        const struct bar *bar = kept_bar(feed, n);
        str_printf(out, "%s[%lld,", n ? "," : "", (long long)(bar->at_us / 1000));
        const struct decimal values[4] = {bar->open, bar->high, bar->low, bar->close};
        for (int v = 0; v < 4; v++) {
            str_put_decimal(out, values[v]);
            str_putc(out, v < 3 ? ',' : ']');
        }
    }
    str_putc(out, ']');
}

void feeds_json(const struct feeds *feeds, const char *instrument, struct str *out)
{
    str_putc(out, '{');
    bool first = true;
    for (size_t i = 0; feeds && i < feeds->count; i++) {
        if (instrument && strcmp(feeds->list[i].config->instrument, instrument) != 0)
            continue;
        if (!first)
            str_putc(out, ',');
        first = false;
        print_bars(&feeds->list[i], out);
    }
    str_putc(out, '}');
}
