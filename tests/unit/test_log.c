/* The log: both formats, the hook, and a reader that does not read. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct pipe_log {
    int reader;
    int writer;
    struct clock_sim sim;
    struct log *log;
};

static void open_log(struct pipe_log *p, enum log_format format, enum log_level least)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    p->reader = ends[0];
    p->writer = ends[1];
    fcntl(p->reader, F_SETFL, O_NONBLOCK);
    clock_sim_init(&p->sim, INT64_C(1784625300123456), 0);
    p->log = log_new(p->writer, format, least, &p->sim.clock, "i-1");
}

static void close_log(struct pipe_log *p)
{
    log_free(p->log);
    close(p->reader);
    close(p->writer);
}

/* What has arrived so far. */
static size_t take(int reader, struct str *out)
{
    char bytes[4096];
    ssize_t got;
    size_t total = 0;
    while ((got = read(reader, bytes, sizeof bytes)) > 0) {
        str_put(out, bytes, (size_t)got);
        total += (size_t)got;
    }
    return total;
}

static void expect_output(struct pipe_log *p, const char *wanted)
{
    struct str out = STR_EMPTY;
    take(p->reader, &out);
    assert_string_equal(str_text(&out), wanted);
    str_free(&out);
}

static void json_lines(void **state)
{
    (void)state;
    struct pipe_log p;
    open_log(&p, LOG_AUTO, LOG_INFO);
    log_write(p.log, LOG_DEBUG, "flow", "hidden", LOG_END);
    log_write(p.log, LOG_INFO, "flow", "decision", LOG_T("signal_id", "ab\"c\n\xff"),
              LOG_D("quantity", decimal_ratio(-5, 4)), LOG_I("lots", 3),
              LOG_MS("took_ms", -1234567), LOG_T("none", NULL), LOG_END);
    expect_output(&p, ""); /* INFO waits for the flush */
    log_flush(p.log);
    expect_output(
        &p, "{\"ts\":\"2026-07-21T09:15:00.123456Z\",\"level\":\"info\",\"room\":\"flow\","
            "\"msg\":\"decision\",\"instance_id\":\"i-1\",\"signal_id\":\"ab\\\"c\\n\xEF\xBF\xBD\","
            "\"quantity\":\"-1.25\",\"lots\":3,\"took_ms\":-1234.567,\"none\":null}\n");
    log_set_level(p.log, LOG_ERROR);
    log_set_instance(p.log, "i-2");
    log_write(p.log, LOG_WARN, "flow", "hidden", LOG_END);
    log_write(p.log, LOG_ERROR, "io", "at once", LOG_END);
    expect_output(&p, "{\"ts\":\"2026-07-21T09:15:00.123456Z\",\"level\":\"error\",\"room\":\"io\","
                      "\"msg\":\"at once\",\"instance_id\":\"i-2\"}\n");
    close_log(&p);
}

static void text_lines(void **state)
{
    (void)state;
    struct pipe_log p;
    setenv("TZ", "UTC", 1);
    open_log(&p, LOG_TEXT, LOG_DEBUG);
    log_write(p.log, LOG_WARN, "flow", "rejected", LOG_T("gate", "er"),
              LOG_T("why", "too low\x1b[2J"), LOG_D("er", decimal_ratio(1, 2)), LOG_T("empty", ""),
              LOG_T("null", NULL), LOG_END);
    expect_output(&p, "09:15:00.123 WARN  flow     rejected                     gate=er "
                      "why=\"too low\\u001b[2J\" er=0.5 empty=\"\" null=null\n");
    log_write(p.log, LOG_ERROR, "host", "bad\x1b[0m end", LOG_END);
    expect_output(&p, "09:15:00.123 ERROR host     bad?[0m end\n");
    close_log(&p);
}

static void long_lines_stay_readable(void **state)
{
    (void)state;
    struct pipe_log p;
    struct str text = STR_EMPTY, out = STR_EMPTY;
    struct arena arena;
    struct err err;
    for (int i = 0; i < 20000; i++)
        str_puts(&text, "é");
    open_log(&p, LOG_JSON, LOG_DEBUG);
    log_write(p.log, LOG_WARN, "io", "long", LOG_I("a", 1), LOG_T("body", text.data), LOG_I("b", 2),
              LOG_END);
    take(p.reader, &out);
    arena_init(&arena, 0);
    const struct json *line = json_parse(&arena, out.data, out.length, NULL, &err);
    assert_non_null(line);
    assert_non_null(json_get(line, "a"));
    assert_null(json_get(line, "body"));
    assert_non_null(json_get(line, "log_cut"));
    close_log(&p);
    arena_free(&arena);
    str_clear(&out);
    open_log(&p, LOG_JSON, LOG_DEBUG);
    log_write(p.log, LOG_WARN, "io", text.data, LOG_I("a", 1), LOG_END);
    take(p.reader, &out);
    assert_non_null(json_parse(&arena, out.data, out.length, NULL, &err));
    arena_free(&arena);
    close_log(&p);
    open_log(&p, LOG_TEXT, LOG_DEBUG);
    log_write(p.log, LOG_WARN, "io", "long", LOG_T("body", text.data), LOG_END);
    str_clear(&out);
    take(p.reader, &out);
    assert_true(out.length > 10 && out.data[out.length - 1] == '\n');
    assert_non_null(strstr(out.data, "...\n"));
    close_log(&p);
    str_free(&text);
    str_free(&out);
}

/* Counts whole lines and adds up what "lines lost" lines confess. */
static void count_lines(const char *text, size_t length, int64_t *whole, int64_t *lost)
{
    struct arena arena;
    struct err err;
    arena_init(&arena, 0);
    while (length > 0) {
        const char *end = memchr(text, '\n', length);
        assert_non_null(end);
        arena_reset(&arena);
        const struct json *line = json_parse(&arena, text, (size_t)(end - text), NULL, &err);
        assert_non_null(line);
        int64_t lines;
        if (json_int(line, "lines", &lines))
            *lost += lines;
        else
            ++*whole;
        length -= (size_t)(end - text) + 1;
        text = end + 1;
    }
    arena_free(&arena);
}

static void a_stuck_reader_costs_lines_not_time(void **state)
{
    (void)state;
    struct pipe_log p;
    struct str out = STR_EMPTY;
    const struct clock *real = clock_real();
    int64_t whole = 0, lost = 0, start_us = clock_steady(real);
    open_log(&p, LOG_JSON, LOG_DEBUG);
    for (int i = 0; i < 20000; i++)
        log_write(p.log, i % 7 ? LOG_INFO : LOG_WARN, "flow", "a line of some length",
                  LOG_I("i", i), LOG_END);
    assert_true(clock_steady(real) - start_us < 60000000);
    for (int i = 0; i < 200; i++) {
        log_write(p.log, LOG_INFO, "flow", "after", LOG_I("i", i), LOG_END);
        take(p.reader, &out);
        log_flush(p.log);
    }
    take(p.reader, &out);
    count_lines(out.data, out.length, &whole, &lost);
    assert_true(lost > 0 && whole > 200);
    assert_int_equal(whole + lost, 20200);
    str_free(&out);
    close_log(&p);
}

static void a_gone_reader_is_survived(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct log *log = log_new(ends[0], LOG_JSON, LOG_DEBUG, clock_real(), "i");
    close(ends[1]);
    for (int i = 0; i < 1000; i++)
        log_write(log, LOG_ERROR, "io", "nobody reads", LOG_END);
    log_free(log);
    close(ends[0]);
}

static void sockets_and_files(void **state)
{
    (void)state;
    int ends[2];
    char text[4096] = "";
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct log *log = log_new(ends[0], LOG_JSON, LOG_DEBUG, clock_real(), "i");
    log_write(log, LOG_ERROR, "io", "through a socket", LOG_END);
    assert_true(recv(ends[1], text, sizeof text - 1, MSG_DONTWAIT) > 0);
    assert_non_null(strstr(text, "through a socket"));
    log_free(log);
    close(ends[0]);
    close(ends[1]);
    FILE *file = tmpfile();
    log = log_new(fileno(file), LOG_AUTO, LOG_DEBUG, clock_real(), NULL);
    for (int i = 0; i < 5000; i++)
        log_write(log, LOG_INFO, "io", "into a file", LOG_END);
    log_free(log);
    rewind(file);
    int lines = 0;
    while (fgets(text, sizeof text, file))
        lines++;
    assert_int_equal(lines, 5000);
    fclose(file);
}

struct heard {
    struct log *log;
    int count;
    enum log_level level;
    char line[200];
};

static void hear(void *ctx, enum log_level level, const char *json_line)
{
    struct heard *heard = ctx;
    heard->count++;
    heard->level = level;
    log_write(heard->log, LOG_INFO, "test", "from the hook, unheard", LOG_END);
    text_copy(heard->line, sizeof heard->line, json_line);
}

static void the_hook_hears_json_and_may_log(void **state)
{
    (void)state;
    for (int format = LOG_JSON; format <= LOG_TEXT; format++) {
        struct pipe_log p;
        struct str out = STR_EMPTY;
        open_log(&p, (enum log_format)format, LOG_INFO);
        struct heard heard = {.log = p.log};
        log_set_hook(p.log, hear, &heard);
        log_write(p.log, LOG_ERROR, "flow", "loud", LOG_I("n", 1), LOG_END);
        log_write(p.log, LOG_DEBUG, "flow", "too quiet", LOG_END);
        assert_int_equal(heard.count, 1);
        assert_int_equal(heard.level, LOG_ERROR);
        assert_non_null(strstr(heard.line, "\"msg\":\"loud\""));
        assert_non_null(strstr(heard.line, "\"n\":1}"));
        log_flush(p.log);
        take(p.reader, &out);
        assert_non_null(strstr(out.data, "from the hook"));
        str_free(&out);
        close_log(&p);
    }
}

static void null_writes_nothing(void **state)
{
    (void)state;
    log_write(NULL, LOG_ERROR, "x", "y", LOG_END);
    log_flush(NULL);
    log_set_level(NULL, LOG_INFO);
    log_set_instance(NULL, "x");
    log_set_hook(NULL, NULL, NULL);
    log_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_lines),
        cmocka_unit_test(text_lines),
        cmocka_unit_test(long_lines_stay_readable),
        cmocka_unit_test(a_stuck_reader_costs_lines_not_time),
        cmocka_unit_test(a_gone_reader_is_survived),
        cmocka_unit_test(sockets_and_files),
        cmocka_unit_test(the_hook_hears_json_and_may_log),
        cmocka_unit_test(null_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
