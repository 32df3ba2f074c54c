/* Counters, gauges and histograms in Prometheus' text format. A registry belongs to one host. */
#ifndef TIDELOCK_BASE_METRIC_H
#define TIDELOCK_BASE_METRIC_H
#include "base/str.h"
#include <stdint.h>

struct metrics; /* registry */
struct metric;  /* one series */

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);
/* Names follow Prometheus' rules (tidelock_signals_total, _seconds); labels is `a="b",c="d"` or
 * NULL (values already escaped). Asking for the same name and labels again gives the same series.
 * One HELP and TYPE per name. Pointers live as long as the registry. At most 2,000 series: beyond
 * that the series `overflow="true"` of the name is given, so hostile label values cannot grow it.
 */
struct metric *metric_counter(struct metrics *m, const char *name, const char *help,
                              const char *labels);
struct metric *metric_gauge(struct metrics *m, const char *name, const char *help,
                            const char *labels);
struct metric *metric_histogram(struct metrics *m, const char *name, const char *help,
                                const char *labels); /* seconds, 10 µs to 10 s */
void metric_add(struct metric *metric, int64_t by);  /* NULL accepted */
void metric_set(struct metric *metric, double value);
void metric_observe_us(struct metric *metric, int64_t us);
double metric_value(const struct metric *metric); /* counter, gauge: value; histogram: count */
/* Of a histogram: the upper bound of the bucket, beyond the last one the largest seen. */
int64_t metric_quantile_us(const struct metric *metric, double q);
/* Appends `,name="value"` with the value escaped: how a labels text is made from what came from
 * outside. */
void metric_label(struct str *labels, const char *name, const char *value);
void metrics_render(const struct metrics *metrics, struct str *out);
#endif
