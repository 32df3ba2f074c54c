/* Indicators against the same formulas over whole series: in plain doubles, which agree to nine
 * digits, and exactly where the definition is a plain average or an extreme. */
#include "base/chance.h"
#include "trade/indicator.h"
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define N 400

struct series {
    struct decimal high[N], low[N], close[N];
    double h[N], l[N], c[N];
};

static void make_series(struct series *s, uint64_t seed)
{
    struct chance chance;
    int64_t price = 4000000; /* 40,000.00 */
    chance_seed(&chance, seed);
    for (int i = 0; i < N; i++) {
        int64_t before = price;
        if (!chance_hits(&chance, 100)) /* now and then nothing moves */
            price += (int64_t)chance_below(&chance, 20001) - 10000;
        int64_t top = (before > price ? before : price) + (int64_t)chance_below(&chance, 3000);
        int64_t bottom = (before < price ? before : price) - (int64_t)chance_below(&chance, 3000);
        s->high[i] = decimal_ratio(top, 100);
        s->low[i] = decimal_ratio(bottom, 100);
        s->close[i] = decimal_ratio(price, 100);
        s->h[i] = (double)top / 100;
        s->l[i] = (double)bottom / 100;
        s->c[i] = (double)price / 100;
    }
}

static void near(struct decimal value, double due, int i)
{
    if (!decimal_ok(value) || fabs(decimal_to_double(value) - due) > 1e-8 * (1 + fabs(due)))
        fail_msg("at %d: %.12f, not %.12f", i, decimal_to_double(value), due);
}

static void windows(void **state)
{
    (void)state;
    static struct series s;
    static const uint32_t periods[] = {1, 2, 7, 20, 100};
    for (size_t p = 0; p < 5; p++) {
        const int n = (int)periods[p];
        struct sma sma;
        struct extreme highest, lowest;
        struct donchian donchian;
        struct deviation deviation;
        struct roc roc;
        struct efficiency efficiency;
        make_series(&s, 100 + p);
        sma_init(&sma, periods[p]);
        highest_init(&highest, periods[p]);
        lowest_init(&lowest, periods[p]);
        donchian_init(&donchian, periods[p]);
        deviation_init(&deviation, periods[p]);
        roc_init(&roc, periods[p]);
        efficiency_init(&efficiency, periods[p]);
        for (int i = 0; i < N; i++) {
            const struct decimal mean = sma_push(&sma, s.close[i]),
                                 high = extreme_push(&highest, s.close[i]),
                                 low = extreme_push(&lowest, s.close[i]),
                                 spread = deviation_push(&deviation, s.close[i]),
                                 change = roc_push(&roc, s.close[i]),
                                 ratio = efficiency_push(&efficiency, s.close[i]);
            const struct donchian_value channel = donchian_push(&donchian, s.high[i], s.low[i]);
            assert_int_equal(decimal_ok(mean), i + 1 >= n);
            assert_int_equal(decimal_ok(high), i + 1 >= n);
            assert_int_equal(decimal_ok(change), i >= n);
            assert_int_equal(decimal_ok(ratio), i >= n);
            if (i + 1 < n)
                continue;
            struct decimal sum = decimal_int(0), best = s.close[i], worst = s.close[i],
                           top = s.high[i], bottom = s.low[i];
            double m = 0, v = 0, path = 0;
            for (int j = i - n + 1; j <= i; j++) {
                sum = decimal_add(sum, s.close[j]);
                best = decimal_max(best, s.close[j]);
                worst = decimal_min(worst, s.close[j]);
                top = decimal_max(top, s.high[j]);
                bottom = decimal_min(bottom, s.low[j]);
                m += s.c[j] / n;
            }
            for (int j = i - n + 1; j <= i; j++)
                v += (s.c[j] - m) * (s.c[j] - m) / n;
            assert_true(decimal_eq(mean, decimal_div(sum, decimal_int(n), DECIMAL_HALF_EVEN)));
            assert_true(decimal_eq(high, best) && decimal_eq(low, worst));
            assert_true(decimal_eq(channel.upper, top) && decimal_eq(channel.lower, bottom));
            near(channel.middle, (decimal_to_double(top) + decimal_to_double(bottom)) / 2, i);
            if (v > 1e-6)
                near(spread, sqrt(v), i);
            if (i < n)
                continue;
            near(change, (s.c[i] - s.c[i - n]) / s.c[i - n] * 100, i);
            for (int j = i - n + 1; j <= i; j++)
                path += fabs(s.c[j] - s.c[j - 1]);
            near(ratio, path == 0 ? 0 : fabs(s.c[i] - s.c[i - n]) / path, i);
        }
        sma_free(&sma);
        extreme_free(&highest);
        extreme_free(&lowest);
        donchian_free(&donchian);
        deviation_free(&deviation);
        roc_free(&roc);
        efficiency_free(&efficiency);
    }
}

struct smooth { /* the same seed and weight, in doubles */
    double value;
    int count;
};

static bool smooth_push(struct smooth *s, int n, double weight, double value)
{
    if (s->count < n) {
        s->value += value / n;
        return ++s->count == n;
    }
    s->value += (value - s->value) * weight;
    return true;
}

static void averages_and_oscillators(void **state)
{
    (void)state;
    static struct series s;
    const int n = 14;
    struct ema ema;
    struct atr atr;
    struct rsi rsi;
    struct adx adx;
    struct smooth e = {0, 0}, r = {0, 0}, gain = {0, 0}, loss = {0, 0}, up = {0, 0}, down = {0, 0},
                  range = {0, 0}, dx = {0, 0};
    make_series(&s, 7);
    ema_init(&ema, 14);
    atr_init(&atr, 14);
    rsi_init(&rsi, 14);
    adx_init(&adx, 14);
    for (int i = 0; i < N; i++) {
        const struct decimal average = ema_push(&ema, s.close[i]),
                             range_now = atr_push(&atr, s.high[i], s.low[i], s.close[i]),
                             strength = rsi_push(&rsi, s.close[i]);
        const struct adx_value trend = adx_push(&adx, s.high[i], s.low[i], s.close[i]);
        double tr = s.h[i] - s.l[i];
        if (i > 0)
            tr = fmax(s.h[i], s.c[i - 1]) - fmin(s.l[i], s.c[i - 1]);
        if (smooth_push(&e, n, 2.0 / (n + 1), s.c[i]))
            near(average, e.value, i);
        else
            assert_false(decimal_ok(average));
        if (smooth_push(&r, n, 1.0 / n, tr))
            near(range_now, r.value, i);
        else
            assert_false(decimal_ok(range_now));
        if (i == 0)
            continue;
        const double change = s.c[i] - s.c[i - 1];
        smooth_push(&loss, n, 1.0 / n, fmax(-change, 0));
        if (smooth_push(&gain, n, 1.0 / n, fmax(change, 0)))
            near(strength, 100 * gain.value / (gain.value + loss.value), i);
        else
            assert_false(decimal_ok(strength));
        const double rise = s.h[i] - s.h[i - 1], fall = s.l[i - 1] - s.l[i];
        smooth_push(&up, n, 1.0 / n, rise > fall && rise > 0 ? rise : 0);
        smooth_push(&down, n, 1.0 / n, fall > rise && fall > 0 ? fall : 0);
        if (!smooth_push(&range, n, 1.0 / n, tr)) {
            assert_false(decimal_ok(trend.plus));
            continue;
        }
        near(trend.plus, 100 * up.value / range.value, i);
        near(trend.minus, 100 * down.value / range.value, i);
        if (smooth_push(&dx, n, 1.0 / n,
                        100 * fabs(up.value - down.value) / (up.value + down.value)))
            near(trend.adx, dx.value, i);
        else
            assert_false(decimal_ok(trend.adx));
    }
}

static void supertrend_turns_with_the_price(void **state)
{
    (void)state;
    static struct series s;
    struct supertrend trend;
    struct atr atr;
    double upper = 0, lower = 0, before = 0;
    int direction = 0, turns = 0;
    make_series(&s, 9);
    supertrend_init(&trend, 10, decimal_ratio(3, 2));
    atr_init(&atr, 10);
    for (int i = 0; i < N; i++) {
        const struct decimal line = supertrend_push(&trend, s.high[i], s.low[i], s.close[i]);
        const struct decimal range = atr_push(&atr, s.high[i], s.low[i], s.close[i]);
        if (!decimal_ok(range)) {
            assert_false(decimal_ok(line));
            continue;
        }
        const double middle = (s.h[i] + s.l[i]) / 2, width = 1.5 * decimal_to_double(range);
        double new_upper = middle + width, new_lower = middle - width;
        if (direction != 0 && before <= upper)
            new_upper = fmin(new_upper, upper);
        if (direction != 0 && before >= lower)
            new_lower = fmax(new_lower, lower);
        const int old = direction;
        if (direction == 0)
            direction = s.c[i] > middle ? 1 : -1;
        else if (direction < 0 && s.c[i] > upper)
            direction = 1;
        else if (direction > 0 && s.c[i] < lower)
            direction = -1;
        turns += old != 0 && old != direction;
        upper = new_upper;
        lower = new_lower;
        before = s.c[i];
        assert_int_equal(trend.direction, direction);
        near(line, direction > 0 ? lower : upper, i);
    }
    assert_true(turns > 3);
}

static void what_is_no_price_is_not_taken_in(void **state)
{
    (void)state;
    struct sma sma;
    struct rsi rsi;
    struct roc roc;
    const struct decimal huge = decimal_int(INT64_C(1000000000000));
    sma_init(&sma, 2);
    assert_false(decimal_ok(sma_push(&sma, decimal_int(1))));
    assert_false(decimal_ok(sma_push(&sma, decimal_bad())));
    assert_false(decimal_ok(sma_push(&sma, huge)));
    assert_true(decimal_eq(sma_push(&sma, decimal_int(2)), decimal_ratio(3, 2)));
    sma_free(&sma);
    sma_free(&sma);
    rsi_init(&rsi, 1);
    rsi_push(&rsi, decimal_int(5));
    assert_true(decimal_eq(rsi_push(&rsi, decimal_int(5)), decimal_int(50)));
    assert_true(decimal_eq(rsi_push(&rsi, decimal_int(6)), decimal_int(100)));
    assert_true(decimal_eq(rsi_push(&rsi, decimal_int(4)), decimal_int(0)));
    roc_init(&roc, 1);
    roc_push(&roc, decimal_int(0));
    assert_false(decimal_ok(roc_push(&roc, decimal_int(1)))); /* against nothing there is no rate */
    roc_free(&roc);
}

static void rounding_is_half_to_even(void **state)
{
    (void)state;
    struct sma sma;
    const struct decimal unit = {1}, two = {2}, minus = {-1}, three = {3};
    sma_init(&sma, 2);
    sma_push(&sma, (struct decimal){0});
    assert_true(sma_push(&sma, unit).units == 0);  /* 0.5 */
    assert_true(sma_push(&sma, two).units == 2);   /* 1.5 */
    assert_true(sma_push(&sma, three).units == 2); /* 2.5 */
    assert_true(sma_push(&sma, minus).units == 1);
    assert_true(sma_push(&sma, (struct decimal){0}).units == 0);   /* -0.5 */
    assert_true(sma_push(&sma, (struct decimal){-3}).units == -2); /* -1.5 */
    sma_free(&sma);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows),
        cmocka_unit_test(averages_and_oscillators),
        cmocka_unit_test(supertrend_turns_with_the_price),
        cmocka_unit_test(what_is_no_price_is_not_taken_in),
        cmocka_unit_test(rounding_is_half_to_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
