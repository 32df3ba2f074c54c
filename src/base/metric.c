/* Series grouped by name, found by hash when they are asked for, updated through a plain pointer.
 */
#include "base/metric.h"

#include "base/keyed.h"
#include "base/mem.h"

#define uthash_malloc(size) mem_alloc(size)
#define uthash_free(memory, size) mem_free(memory)
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SERIES_MOST 2000u
#define OVERFLOW_LABELS "overflow=\"true\""

enum kind { COUNTER, GAUGE, HISTOGRAM };

static const int64_t bounds_us[] = {
    10,    25,    50,     100,    250,    500,     1000,    2500,    5000,     10000,
    25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
};
#define BOUNDS (sizeof bounds_us / sizeof bounds_us[0])

struct histogram {
    uint64_t counts[BOUNDS + 1]; /* each its own; summed up when written */
    uint64_t count;
    int64_t sum_us, most_us;
};

struct metric {
    enum kind kind;
    int64_t count;
    double value;
    struct histogram *histogram;
    char *labels;      /* "" for none */
    UT_hash_handle hh; /* in the family, by labels */
};

struct family {
    enum kind kind;
    char *name, *help;
    struct metric *series;
    UT_hash_handle hh; /* in the registry, by name, in order of creation */
};

struct metrics {
    struct family *families;
    unsigned count;
};

struct metrics *metrics_new(void)
{
    return mem_alloc(sizeof(struct metrics));
}

static void free_family(struct family *family)
{
    struct metric *metric, *next;
    HASH_ITER(hh, family->series, metric, next)
    {
        HASH_DEL(family->series, metric);
        mem_free(metric->histogram);
        mem_free(metric->labels);
        mem_free(metric);
    }
    mem_free(family->name);
    mem_free(family->help);
    mem_free(family);
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    struct family *family, *next;
    HASH_ITER(hh, metrics->families, family, next)
    {
        HASH_DEL(metrics->families, family);
        free_family(family);
    }
    mem_free(metrics);
}

static struct family *find_family(struct metrics *m, enum kind kind, const char *name,
                                  const char *help)
{
    struct family *family;
    HASH_FIND_STR(m->families, name, family);
    if (!family) {
        family = mem_alloc(sizeof *family);
        family->kind = kind;
        family->name = mem_copy_text(name);
        family->help = mem_copy_text(help);
        HASH_ADD_KEYPTR(hh, m->families, family->name, strlen(family->name), family);
    }
    assert(family->kind == kind && "one name, one type");
    return family;
}

static struct metric *find_series(struct metrics *m, enum kind kind, const char *name,
                                  const char *help, const char *labels)
{
    struct family *family = find_family(m, kind, name, help);
    struct metric *metric;
    if (!labels)
        labels = "";
    HASH_FIND_STR(family->series, labels, metric);
    if (!metric && m->count >= SERIES_MOST) {
        labels = OVERFLOW_LABELS;
        HASH_FIND_STR(family->series, labels, metric);
    }
    if (metric)
        return metric;
    metric = mem_alloc(sizeof *metric);
    metric->kind = kind;
    metric->labels = mem_copy_text(labels);
    if (kind == HISTOGRAM)
        metric->histogram = mem_alloc(sizeof *metric->histogram);
    HASH_ADD_KEYPTR(hh, family->series, metric->labels, strlen(metric->labels), metric);
    m->count++;
    return metric;
}

struct metric *metric_counter(struct metrics *m, const char *name, const char *help,
                              const char *labels)
{
    return find_series(m, COUNTER, name, help, labels);
}

struct metric *metric_gauge(struct metrics *m, const char *name, const char *help,
                            const char *labels)
{
    return find_series(m, GAUGE, name, help, labels);
}

struct metric *metric_histogram(struct metrics *m, const char *name, const char *help,
                                const char *labels)
{
    return find_series(m, HISTOGRAM, name, help, labels);
}

void metric_add(struct metric *metric, int64_t by)
{
    if (!metric)
        return;
    assert(metric->kind != HISTOGRAM);
    assert(metric->kind != COUNTER || by >= 0);
    if (metric->kind == COUNTER)
        metric->count += by;
    else
        metric->value += (double)by;
}

void metric_set(struct metric *metric, double value)
{
    if (!metric)
        return;
    assert(metric->kind == GAUGE);
    metric->value = value;
}

void metric_observe_us(struct metric *metric, int64_t us)
{
    if (!metric)
        return;
    assert(metric->kind == HISTOGRAM);
    struct histogram *h = metric->histogram;
    if (us < 0)
        us = 0;
    size_t low = 0, high = BOUNDS; /* the first bound that is not below */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (bounds_us[middle] < us)
            low = middle + 1;
        else
            high = middle;
    }
    h->counts[low]++;
    h->count++;
    if (__builtin_add_overflow(h->sum_us, us, &h->sum_us))
        h->sum_us = INT64_MAX;
    if (us > h->most_us)
        h->most_us = us;
}

double metric_value(const struct metric *metric)
{
    if (!metric)
        return 0;
    if (metric->kind == COUNTER)
        return (double)metric->count;
    return metric->kind == GAUGE ? metric->value : (double)metric->histogram->count;
}

int64_t metric_quantile_us(const struct metric *metric, double q)
{
    if (!metric || metric->kind != HISTOGRAM || metric->histogram->count == 0)
        return 0;
    const struct histogram *h = metric->histogram;
    double wanted = q * (double)h->count;
    uint64_t seen = 0;
    for (size_t i = 0; i < BOUNDS; i++) {
        seen += h->counts[i];
        if (seen > 0 && (double)seen >= wanted)
            return bounds_us[i];
    }
    return h->most_us; /* beyond the last bound */
}

/* --- text ------------------------------------------------------------------------------------- */

static void put_double(struct str *out, double value)
{
    if (isnan(value)) {
        str_puts(out, "NaN");
    } else if (isinf(value)) {
        str_puts(out, value < 0 ? "-Inf" : "+Inf");
    } else if (value > -1e15 && value < 1e15 && value == (double)(int64_t)value) {
        str_put_int(out, (int64_t)value);
    } else {
        str_printf(out, "%.15g", value);
    }
}

/* name suffix{labels,more} and the blank before the value */
static void put_name(struct str *out, const struct family *family, const struct metric *metric,
                     const char *suffix, const char *more)
{
    str_puts(out, family->name);
    str_puts(out, suffix);
    if (*metric->labels || *more) {
        str_putc(out, '{');
        str_puts(out, metric->labels);
        if (*metric->labels && *more)
            str_putc(out, ',');
        str_puts(out, more);
        str_putc(out, '}');
    }
    str_putc(out, ' ');
}

static void put_histogram(struct str *out, const struct family *family, const struct metric *metric)
{
    const struct histogram *h = metric->histogram;
    uint64_t seen = 0;
    char bound[40];
    for (size_t i = 0; i <= BOUNDS; i++) {
        if (i < BOUNDS)
            snprintf(bound, sizeof bound, "le=\"%g\"", (double)bounds_us[i] / 1e6);
        else
            snprintf(bound, sizeof bound, "le=\"+Inf\"");
        seen += h->counts[i];
        put_name(out, family, metric, "_bucket", bound);
        str_put_int(out, (int64_t)seen);
        str_putc(out, '\n');
    }
    put_name(out, family, metric, "_sum", "");
    str_printf(out, "%lld.%06lld\n", (long long)(h->sum_us / 1000000),
               (long long)(h->sum_us % 1000000));
    put_name(out, family, metric, "_count", "");
    str_put_int(out, (int64_t)h->count);
    str_putc(out, '\n');
}

static void put_help(struct str *out, const char *help)
{
    for (; *help; help++) {
        if (*help == '\\')
            str_puts(out, "\\\\");
        else if (*help == '\n')
            str_puts(out, "\\n");
        else
            str_putc(out, *help);
    }
}

void metrics_render(const struct metrics *metrics, struct str *out)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    struct family *family, *next_family;
    struct metric *metric, *next;
    HASH_ITER(hh, metrics->families, family, next_family)
    {
        str_printf(out, "# HELP %s ", family->name);
        put_help(out, family->help);
        str_printf(out, "\n# TYPE %s %s\n", family->name, kinds[family->kind]);
        HASH_ITER(hh, family->series, metric, next)
        {
            if (family->kind == HISTOGRAM) {
                put_histogram(out, family, metric);
                continue;
            }
            put_name(out, family, metric, "", "");
            if (family->kind == COUNTER)
                str_put_int(out, metric->count);
            else
                put_double(out, metric->value);
            str_putc(out, '\n');
        }
    }
}

void metric_label(struct str *labels, const char *name, const char *value)
{
    if (labels->length)
        str_putc(labels, ',');
    str_puts(labels, name);
    str_puts(labels, "=\"");
    for (; *value; value++) {
        if (*value == '\\')
            str_puts(labels, "\\\\");
        else if (*value == '"')
            str_puts(labels, "\\\"");
        else if (*value == '\n')
            str_puts(labels, "\\n");
        else
            str_putc(labels, *value);
    }
    str_putc(labels, '"');
}
