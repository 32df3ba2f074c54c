/* Metrics: one series per name and labels, bounded, in text that Prometheus' own checker accepts.
 */
#include "base/metric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void same_labels_same_series(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    struct metric *a = metric_counter(m, "tidelock_signals_total", "Signals.", "status=\"done\"");
    assert_ptr_equal(a, metric_counter(m, "tidelock_signals_total", "", "status=\"done\""));
    assert_ptr_not_equal(a, metric_counter(m, "tidelock_signals_total", "", NULL));
    metric_add(a, 2);
    metric_add(a, 3);
    assert_true(metric_value(a) == 5);
    struct metric *gauge = metric_gauge(m, "tidelock_leader", "Leader.", NULL);
    metric_set(gauge, 2.5);
    metric_add(gauge, -1);
    assert_true(metric_value(gauge) == 1.5);
    metric_add(NULL, 1);
    metric_set(NULL, 1);
    metric_observe_us(NULL, 1);
    assert_true(metric_value(NULL) == 0);
    metrics_free(m);
    metrics_free(NULL);
}

static void renders(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    struct str out = STR_EMPTY;
    metric_add(metric_counter(m, "a_total", "Line one.\nBack\\slash.", NULL), 7);
    metric_set(metric_gauge(m, "b_ratio", "B.", "x=\"1\""), 0.1);
    metric_add(metric_counter(m, "a_total", "Other help.", "k=\"v\""), 1);
    metric_set(metric_gauge(m, "b_ratio", "B.", "x=\"2\""), (double)INFINITY);
    metrics_render(m, &out);
    assert_string_equal(str_text(&out), "# HELP a_total Line one.\\nBack\\\\slash.\n"
                                        "# TYPE a_total counter\na_total 7\na_total{k=\"v\"} 1\n"
                                        "# HELP b_ratio B.\n# TYPE b_ratio gauge\n"
                                        "b_ratio{x=\"1\"} 0.1\nb_ratio{x=\"2\"} +Inf\n");
    str_free(&out);
    metrics_free(m);
}

static void histograms(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    struct metric *h = metric_histogram(m, "took_seconds", "Took.", "step=\"lease\"");
    struct str out = STR_EMPTY;
    assert_int_equal(metric_quantile_us(h, 0.5), 0);
    for (int i = 0; i < 98; i++)
        metric_observe_us(h, 10);
    metric_observe_us(h, 11);
    metric_observe_us(h, 30000000);
    metric_observe_us(h, -5);
    assert_true(metric_value(h) == 101);
    assert_int_equal(metric_quantile_us(h, 0.5), 10);
    assert_int_equal(metric_quantile_us(h, 0), 10);
    assert_int_equal(metric_quantile_us(h, 0.985), 25);
    assert_int_equal(metric_quantile_us(h, 1), 30000000);
    metrics_render(m, &out);
    assert_non_null(strstr(out.data, "took_seconds_bucket{step=\"lease\",le=\"1e-05\"} 99\n"));
    assert_non_null(strstr(out.data, "took_seconds_bucket{step=\"lease\",le=\"10\"} 100\n"));
    assert_non_null(strstr(out.data, "took_seconds_bucket{step=\"lease\",le=\"+Inf\"} 101\n"));
    assert_non_null(strstr(out.data, "took_seconds_sum{step=\"lease\"} 30.000991\n"));
    assert_non_null(strstr(out.data, "took_seconds_count{step=\"lease\"} 101\n"));
    str_free(&out);
    metrics_free(m);
}

static void hostile_labels_do_not_grow_it(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    struct metric *last = NULL;
    struct str labels = STR_EMPTY, out = STR_EMPTY;
    for (int i = 0; i < 5000; i++) {
        char value[32];
        snprintf(value, sizeof value, "a\"\\\n%d", i);
        str_clear(&labels);
        metric_label(&labels, "who", value);
        metric_label(&labels, "n", "1");
        last = metric_counter(m, "tidelock_refused_total", "Refused.", labels.data);
        metric_add(last, 1);
    }
    assert_string_equal(labels.data, "who=\"a\\\"\\\\\\n4999\",n=\"1\"");
    assert_true(metric_value(last) == 3000);
    metrics_render(m, &out);
    assert_non_null(strstr(out.data, "tidelock_refused_total{overflow=\"true\"} 3000\n"));
    str_free(&out);
    str_free(&labels);
    metrics_free(m);
}

static void prometheus_accepts_it(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    struct str out = STR_EMPTY, label = STR_EMPTY;
    metric_label(&label, "reason", "odd \"quoted\" \\ text\nwith lines");
    metric_add(metric_counter(m, "tidelock_signals_total", "Signals\nreceived.", label.data), 1);
    metric_set(metric_gauge(m, "tidelock_queue_depth", "Queued.", NULL), -3.25e-7);
    metric_observe_us(metric_histogram(m, "tidelock_step_duration_seconds", "Step.", "step=\"a\""),
                      123);
    metric_observe_us(metric_histogram(m, "tidelock_step_duration_seconds", "Step.", NULL),
                      99999999);
    metric_histogram(m, "tidelock_empty_seconds", "Nothing yet.", NULL);
    metrics_render(m, &out);
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    /* Written before anybody reads: it fits the pipe, and nobody may come. */
    assert_int_equal(write(ends[1], out.data, out.length), (ssize_t)out.length);
    close(ends[1]);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[0], STDIN_FILENO);
        execlp("promtool", "promtool", "check", "metrics", (char *)NULL);
        _exit(127);
    }
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    str_free(&out);
    str_free(&label);
    metrics_free(m);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        skip(); /* promtool is not on this machine's path */
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_labels_same_series),
        cmocka_unit_test(renders),
        cmocka_unit_test(histograms),
        cmocka_unit_test(hostile_labels_do_not_grow_it),
        cmocka_unit_test(prometheus_accepts_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
