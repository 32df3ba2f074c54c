/* What the library leaves alone in the program around it: signals, threads, output; and boxes in
 * several threads at once, with a canceller beside them. `make tsan` runs this under a race
 * detector. */
#include "script/sandbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS 4
#define ROUNDS 60

static struct sandbox_workers *workers;

static struct sandbox *open_box(bool in_worker) {
    struct sandbox_options options = {.size = sizeof options,
                                      .limits = {.wall_ms = 20000, .instructions = 3000000},
                                      .isolation = in_worker ? SANDBOX_WORKER : SANDBOX_IN_PROCESS,
                                      .workers = workers};
    return sandbox_open(&options);
}

static const char script[] =
    "local total = 0\n"
    "return { add = function(n) total = total + n print(total) return total end,\n"
    "         hang = function() while true do end end,\n"
    "         eat = function() local t = {} while true do t[#t + 1] = {} end end,\n"
    "         fail = function() error('no') end }\n";

static bool call(struct sandbox *box, int module, const char *name, int64_t *out) {
    struct sandbox_value value;
    int function = sandbox_find(box, module, name);
    sandbox_start(box, function);
    sandbox_push_integer(box, 2);
    bool ok = sandbox_run(box);
    if (ok) {
        sandbox_result(box, 0, &value);
        *out = value.integer;
    }
    sandbox_unref(box, function);
    return ok;
}

/* Everything a box may do, good and bad. */
static bool exercise(bool in_worker) {
    struct sandbox *box = open_box(in_worker);
    int module;
    int64_t total = 0;
    bool ok = sandbox_load(box, script, strlen(script), "embed.lua", &module);
    for (int i = 1; ok && i <= 3; i++) ok = call(box, module, "add", &total) && total == 2 * i;
    ok = ok && !call(box, module, "hang", &total) && !call(box, module, "eat", &total) &&
         !call(box, module, "fail", &total) && call(box, module, "add", &total) && total == 8;
    sandbox_free(box);
    return ok;
}

static unsigned count_threads(void) {
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/task");
    assert_non_null(folder);
    while (readdir(folder)) count++;
    closedir(folder);
    return count;
}

static void test_signals_stay_the_hosts(void **state) {
    struct sigaction before[NSIG] = {0}, after = {0};
    sigset_t mask_before, mask_after;
    (void)state;
    for (int i = 1; i < NSIG; i++) sigaction(i, NULL, &before[i]);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
    assert_true(exercise(false));
    assert_true(exercise(true));
    pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
    for (int i = 1; i < NSIG; i++) {
        if (sigaction(i, NULL, &after) != 0) continue; /* the C library's own */
        assert_true(after.sa_handler == before[i].sa_handler);
        assert_int_equal(sigismember(&mask_after, i), sigismember(&mask_before, i));
    }
}

static void test_no_thread_is_started(void **state) {
    unsigned before = count_threads();
    (void)state;
    struct sandbox *near = open_box(false), *far = open_box(true);
    assert_int_equal(count_threads(), before);
    sandbox_free(near);
    sandbox_free(far);
}

static void test_nothing_is_written(void **state) {
    int ends[2], kept[2];
    char text[64];
    (void)state;
    fflush(NULL);
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    for (int i = 0; i < 2; i++) {
        kept[i] = dup(i + 1);
        dup2(ends[1], i + 1);
    }
    bool ok = exercise(false) && exercise(true);
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        dup2(kept[i], i + 1);
        close(kept[i]);
    }
    ssize_t length = read(ends[0], text, sizeof text);
    close(ends[0]);
    close(ends[1]);
    assert_true(ok);
    assert_true(length < 0);
}

static void test_no_descriptor_is_left_open(void **state) {
    struct stat stat;
    unsigned before = 0, after = 0;
    (void)state;
    for (int i = 0; i < 256; i++) before += fstat(i, &stat) == 0;
    for (int i = 0; i < 5; i++) assert_true(exercise(true));
    for (int i = 0; i < 256; i++) after += fstat(i, &stat) == 0;
    assert_int_equal(after, before);
}

static void *exercise_often(void *argument) {
    bool in_worker = *(const bool *)argument, ok = true;
    for (int i = 0; ok && i < 4; i++) ok = exercise(in_worker);
    return ok ? argument : NULL;
}

static void test_boxes_in_several_threads(void **state) {
    pthread_t threads[THREADS];
    static const bool kinds[THREADS] = {false, true, false, true};
    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, exercise_often, (void *)&kinds[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
}

struct target {
    struct sandbox *box;
    int stop; /* atomic */
};

static void *keep_cancelling(void *argument) {
    struct target *target = argument;
    while (!__atomic_load_n(&target->stop, __ATOMIC_ACQUIRE)) {
        sandbox_cancel(target->box);
        poll(NULL, 0, 1);
    }
    return NULL;
}

/* Whatever moment it meets, a cancel ends the call or does nothing. */
static void cancel_at_any_moment(bool in_worker) {
    struct target target = {.box = open_box(in_worker)};
    pthread_t thread;
    int module, cancelled = 0;
    while (!sandbox_load(target.box, script, strlen(script), "embed.lua", &module)) continue;
    assert_int_equal(pthread_create(&thread, NULL, keep_cancelling, &target), 0);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t total;
        bool ok = call(target.box, module, i % 2 ? "add" : "hang", &total);
        enum sandbox_end end = sandbox_failure(target.box)->end;
        assert_true(ok || end == SANDBOX_CANCELLED || end == SANDBOX_INSTRUCTIONS);
        cancelled += !ok && end == SANDBOX_CANCELLED;
    }
    __atomic_store_n(&target.stop, 1, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    assert_true(cancelled > ROUNDS / 4);
    sandbox_free(target.box);
}

static void test_cancel_at_any_moment(void **state) {
    (void)state;
    cancel_at_any_moment(false);
    cancel_at_any_moment(true);
}

static int set_up(void **state) {
    (void)state;
    workers = sandbox_workers_new(NULL, 0);
    return workers ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    sandbox_workers_free(workers);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signals_stay_the_hosts),
        cmocka_unit_test(test_no_thread_is_started),
        cmocka_unit_test(test_nothing_is_written),
        cmocka_unit_test(test_no_descriptor_is_left_open),
        cmocka_unit_test(test_boxes_in_several_threads),
        cmocka_unit_test(test_cancel_at_any_moment),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
