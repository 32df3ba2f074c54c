/* A box in a worker process: the same answers as in this process, and what a worker cannot do. */
#include "script/jail.h"
#include "script/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct sandbox_workers *workers;

static struct sandbox *open_box(const struct sandbox_limits *limits) {
    struct sandbox_options options = {
        .size = sizeof options, .isolation = SANDBOX_WORKER, .workers = workers};
    options.limits.wall_ms = 5000; /* a busy machine lets a worker wait for long */
    if (limits) options.limits = *limits;
    struct sandbox *box = sandbox_open(&options);
    assert_int_not_equal(sandbox_worker_pid(box), 0);
    return box;
}

static int load(struct sandbox *box, const char *text) {
    int ref;
    if (!sandbox_load(box, text, strlen(text), "script.lua", &ref))
        fail_msg("%s: %s", text, sandbox_failure(box)->text);
    return ref;
}

static bool loads(struct sandbox *box, const char *text) {
    int ref;
    return sandbox_load(box, text, strlen(text), "script.lua", &ref);
}

static int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- the same answers ------------------------------------------------------------------------ */

static void show(struct sandbox *box, const struct sandbox_value *value, char *out, size_t room) {
    struct sandbox_value inner;
    char digits[SANDBOX_UNITS_TEXT];
    size_t used = strlen(out);
    if (value->type == SANDBOX_TABLE) {
        size_t length = sandbox_length(box, value);
        snprintf(out + used, room - used, "{%zu:", length);
        for (size_t i = 1; i <= length; i++) {
            sandbox_element(box, value, i, &inner);
            show(box, &inner, out, room);
        }
        sandbox_field(box, value, "name", &inner);
        show(box, &inner, out, room);
        used = strlen(out);
        snprintf(out + used, room - used, "}");
    } else if (sandbox_value_digits(value, digits)) {
        snprintf(out + used, room - used, "%s %s,", sandbox_type_name(value->type), digits);
    } else {
        snprintf(out + used, room - used, "%s %d %zu:%s,", sandbox_type_name(value->type),
                 value->boolean, value->length, value->text ? value->text : "");
    }
}

/* Everything there is to see of a load and a call. */
static void describe(struct sandbox *box, const char *text, char *out, size_t room) {
    struct sandbox_value value;
    struct sandbox_usage usage;
    int ref;
    *out = '\0';
    if (sandbox_load(box, text, strlen(text), "same.lua", &ref)) {
        sandbox_start(box, ref);
        sandbox_push_integer(box, INT64_MAX);
        sandbox_push_decimal(box, 1250000000000);
        sandbox_push_number(box, 0.1);
        sandbox_push_boolean(box, true);
        sandbox_push_text(box, "a\0b", 3);
        sandbox_push_nil(box);
        sandbox_push_table(box);
        sandbox_push_integer(box, 7);
        sandbox_put_element(box, 1);
        sandbox_push_text(box, "n", 1);
        sandbox_put_field(box, "name");
        if (sandbox_run(box))
            for (unsigned i = 0; i < sandbox_results(box); i++) {
                sandbox_result(box, i, &value);
                show(box, &value, out, room);
            }
        else
            ref = 0;
    }
    sandbox_usage(box, &usage);
    size_t used = strlen(out);
    const struct sandbox_failure *failure = sandbox_failure(box);
    snprintf(out + used, room - used, " | %s %s %s:%d %s %s | %s | %d calls %d errors %d kills %d",
             sandbox_end_name(failure->end), failure->text, failure->file, failure->line,
             failure->source, failure->trace, sandbox_output(box, NULL), ref > 0, (int)usage.calls,
             (int)usage.errors, (int)usage.kills);
}

static void test_the_answers_are_the_same(void **state) {
    static const char *const texts[] = {
        "return function(...) return ... end",
        "return function(a, b, c, d, e, f, g) return g, {g, {g}, name = {a, b}}, #e end",
        "return function() print('hello', 1) return print end",
        "return function() return 0/0, 1/0, {} end",
        "return function(a, b) return b + a end",
        "return function() error('no') end",
        "return function() error({message = 'told'}) end",
        "return function() local t = {} t.name = t return t end",
        ("return function() local t = {} for i = 1, 300 do t[i] = {i, name = 's' .. i} end "
         "return t end"),
        "return function() while true do end end",
        "return function() local s = ('x'):rep(1000000) while true do s = s .. s end end",
        "return function() return string.rep('y', 100000) end",
        "return 5",
        "return",
        "syntax(",
        "unknown()",
        "return function() local s = 0 for i = 1, 5 do s = s + math.random(100) end return s end",
    };
    static char here[400000], there[400000];
    struct sandbox_limits limits = {.instructions = 100000, .wall_ms = 2000, .seed = 7};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct sandbox *near = sandbox_new(&limits), *far = open_box(&limits);
        describe(near, texts[i], here, sizeof here);
        describe(far, texts[i], there, sizeof there);
        if (strstr(texts[i], "t.name = t")) /* seen to a depth */
            assert_true(strlen(there) > 20);
        else
            assert_string_equal(there, here);
        sandbox_free(near);
        sandbox_free(far);
    }
}

static void test_pairs_are_walked(void **state) {
    struct sandbox *box = open_box(NULL);
    struct sandbox_value table, key, value;
    int walk = 0, count = 0, sum = 0;
    (void)state;
    sandbox_peek(box, load(box, "return {10, 20, x = {1, 2}, [true] = 3}"), &table);
    while (sandbox_next(box, &table, &walk, &key, &value)) {
        count++;
        if (value.type == SANDBOX_INTEGER) sum += (int)value.integer;
        if (key.type == SANDBOX_TEXT) assert_int_equal(sandbox_length(box, &value), 2);
    }
    assert_int_equal(count, 4);
    assert_int_equal(sum, 33);
    sandbox_field(box, &table, "none", &value);
    assert_int_equal(value.type, SANDBOX_NIL);
    sandbox_free(box);
}

static void test_code_is_found_sealed_and_required(void **state) {
    struct sandbox *box = open_box(NULL);
    const char *text = "local m = require('m') count = 1 return {list = {{f = m.f}}, m = m}";
    struct sandbox_value value;
    int module;
    (void)state;
    assert_true(sandbox_add_module(box, "m", "return {f = function(x) return x + 1 end}", 41,
                                   "m.lua"));
    assert_false(sandbox_add_module(box, "m", "return 1", 8, "m.lua"));
    assert_int_equal(sandbox_failure(box)->end, SANDBOX_MISUSE);
    assert_true(sandbox_compiles(box, "return 1", 8, "c.lua"));
    assert_false(sandbox_compiles(box, "return (", 8, "c.lua"));
    assert_int_equal(sandbox_failure(box)->end, SANDBOX_SYNTAX);
    module = load(box, text);
    sandbox_seal(box);
    int found = sandbox_find(box, module, "list[1].f");
    assert_int_not_equal(found, 0);
    assert_int_equal(sandbox_find(box, module, "list[2].f"), 0);
    sandbox_start(box, found);
    sandbox_push_integer(box, 41);
    assert_true(sandbox_run(box));
    sandbox_result(box, 0, &value);
    assert_int_equal(value.integer, 42);
    sandbox_unref(box, found);
    assert_false(loads(box, "count = 2"));
    sandbox_start(box, module);
    sandbox_push_ref(box, module);
    assert_false(sandbox_run(box));
    assert_int_equal(sandbox_failure(box)->end, SANDBOX_MISUSE);
    sandbox_tidy(box);
    sandbox_free(box);
}

/* ---- records and functions ------------------------------------------------------------------- */

static const struct sandbox_field_row leg_rows[] = {{.name = "price", .kind = SANDBOX_KIND_DECIMAL},
                                                    {.name = "name", .kind = SANDBOX_KIND_TEXT}};
static const struct sandbox_shape leg = {"leg", leg_rows, 2, false};
static const struct sandbox_field_row fact_rows[] = {
    {.name = "count", .kind = SANDBOX_KIND_INTEGER},
    {.name = "open", .kind = SANDBOX_KIND_BOOLEAN},
    {.name = "rate", .kind = SANDBOX_KIND_NUMBER},
    {.name = "leg", .kind = SANDBOX_KIND_RECORD, .shape = &leg},
    {.name = "legs",
     .kind = SANDBOX_KIND_LIST,
     .of = SANDBOX_KIND_RECORD,
     .shape = &leg,
     .most = 3},
};
static const struct sandbox_shape facts = {"facts", fact_rows, 5, false};

static void test_records_are_refilled(void **state) {
    struct sandbox *box = open_box(NULL);
    struct sandbox_record *record = sandbox_record_new(box, &facts);
    struct sandbox_record *legs = sandbox_child(record, 4);
    struct sandbox_value value;
    int function;
    (void)state;
    sandbox_set_global(box, "shown", record);
    function = load(box, "return function(f) local s = 0 for _, l in ipairs(f.legs) do "
                         "s = s + l.price end return f.count, f.open, f.rate, f.leg and f.leg.name,"
                         " #f.legs, s, shown.count, f end");
    for (int i = 1; i <= 3; i++) {
        sandbox_set_integer(record, 0, i);
        sandbox_set_boolean(record, 1, i == 2);
        sandbox_set_number(record, 2, i / 2.0);
        sandbox_set_text(sandbox_child(record, 3), 1, "leg!", (size_t)i);
        if (i == 3) sandbox_set_nil(record, 3);
        sandbox_set_count(legs, (uint32_t)i);
        sandbox_set_decimal(sandbox_child(legs, (uint32_t)i - 1), 0, i * (sandbox_units)1000000);
        sandbox_start(box, function);
        sandbox_push_record(box, record);
        if (!sandbox_run(box)) fail_msg("%s", sandbox_failure(box)->text);
        sandbox_result(box, 0, &value);
        assert_int_equal(value.integer, i);
        sandbox_result(box, 1, &value);
        assert_int_equal(value.boolean, i == 2);
        sandbox_result(box, 3, &value);
        if (i == 3)
            assert_int_equal(value.type, SANDBOX_NIL);
        else
            assert_int_equal(value.length, i);
        sandbox_result(box, 4, &value);
        assert_int_equal(value.integer, i);
        sandbox_result(box, 5, &value);
        assert_true(value.units == i * (i + 1) / 2 * (sandbox_units)1000000);
        sandbox_result(box, 6, &value);
        assert_int_equal(value.integer, i);
        sandbox_result(box, 7, &value);
        assert_int_equal(value.type, SANDBOX_RECORD);
    }
    sandbox_free(box);
}

static bool add_up(void *host, struct sandbox_call *call) {
    int *calls = host;
    struct sandbox_value value, sum = {.type = SANDBOX_INTEGER};
    struct sandbox_value pid = {.type = SANDBOX_TEXT, .text = "here", .length = 4};
    ++*calls;
    for (unsigned i = 0; i < sandbox_arguments(call); i++) {
        sandbox_argument(call, i, &value);
        if (value.type != SANDBOX_INTEGER) return sandbox_refuse(call, "whole numbers only");
        sum.integer += value.integer;
    }
    sandbox_answer(call, &sum);
    sandbox_answer(call, &pid);
    return true;
}

static void test_functions_are_called_in_this_process(void **state) {
    struct sandbox *box = open_box(NULL);
    struct sandbox_value name = {.type = SANDBOX_TEXT, .text = "shop", .length = 4};
    int calls = 0;
    (void)state;
    assert_true(sandbox_set_function(box, "host.sum", add_up, &calls));
    assert_false(sandbox_set_function(box, "host.sum", add_up, &calls));
    assert_true(sandbox_set_constant(box, "NAME", &name));
    load(box, "local s, where = host.sum(1, 2, 3) assert(s == 6 and where == 'here')\n"
              "assert(NAME == 'shop') for i = 1, 20 do host.sum(i) end");
    assert_int_equal(calls, 21);
    assert_false(loads(box, "local x\nx = host.sum({})"));
    assert_string_equal(sandbox_failure(box)->text, "script.lua:2: whole numbers only");
    sandbox_free(box);
}

/* ---- limits and ends ------------------------------------------------------------------------- */

static void test_a_limit_does_not_cost_the_worker(void **state) {
    /* The other limits come first, however slow the machine. */
    struct sandbox_limits limits = {.wall_ms = 20000, .memory_bytes = 4 << 20};
    struct sandbox *box = open_box(&limits);
    struct sandbox_usage usage;
    int pid = sandbox_worker_pid(box);
    (void)state;
    assert_false(loads(box, "while true do end"));
    assert_int_equal(sandbox_failure(box)->end, SANDBOX_INSTRUCTIONS);
    assert_false(loads(box, "local t = {} while true do t[#t + 1] = {} end"));
    assert_int_equal(sandbox_failure(box)->end, SANDBOX_MEMORY);
    assert_false(loads(box, "while true do print('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx') end"));
    assert_int_equal(sandbox_failure(box)->end, SANDBOX_OUTPUT);
    load(box, "return 1");
    assert_int_equal(sandbox_worker_pid(box), pid);
    sandbox_usage(box, &usage);
    assert_int_equal(usage.kills, 3);
    assert_true(usage.memory_bytes.current > 0 && usage.memory_bytes.maximum > 2 << 20);
    sandbox_free(box);
}

static void test_a_killed_worker_is_cleanly_dead(void **state) {
    struct sandbox *box = open_box(NULL);
    struct sandbox_record *record = sandbox_record_new(box, &facts);
    struct sandbox_value value;
    int function = load(box, "return function() return {1} end");
    (void)state;
    assert_int_equal(kill(sandbox_worker_pid(box), SIGKILL), 0);
    sandbox_set_integer(record, 0, 5);
    sandbox_start(box, function);
    sandbox_push_record(box, record);
    assert_false(sandbox_run(box));
    assert_int_equal(sandbox_failure(box)->end, SANDBOX_DIED);
    assert_non_null(strstr(sandbox_failure(box)->text, "killed by signal 9"));
    for (int i = 0; i < 3; i++) {
        assert_false(loads(box, "return 1"));
        assert_int_equal(sandbox_failure(box)->end, SANDBOX_DIED);
        assert_int_equal(sandbox_find(box, function, ""), 0);
        sandbox_peek(box, function, &value);
        assert_int_equal(value.type, SANDBOX_NIL);
        sandbox_set_integer(record, 0, i);
        sandbox_cancel(box);
        sandbox_tidy(box);
        sandbox_seal(box);
    }
    sandbox_free(box);
    box = open_box(NULL);
    load(box, "return 1");
    sandbox_free(box);
}

static void test_a_worker_that_hangs_is_killed_at_the_deadline(void **state) {
    struct sandbox_limits limits = {.wall_ms = 20};
    struct sandbox *box = open_box(&limits);
    int64_t began_us = now_us();
    (void)state;
    assert_int_equal(kill(sandbox_worker_pid(box), SIGSTOP), 0);
    assert_false(loads(box, "return 1"));
    assert_int_equal(sandbox_failure(box)->end, SANDBOX_DIED);
    assert_non_null(strstr(sandbox_failure(box)->text, "no answer within 90 ms"));
    assert_true(now_us() - began_us < 10000000);
    assert_true(kill(sandbox_worker_pid(box), 0) != 0 && errno == ESRCH);
    sandbox_free(box);
}

static void test_a_new_one_is_made_quickly(void **state) {
    int64_t best_us = INT64_MAX;
    (void)state;
    for (int i = 0; i < 30; i++) {
        int64_t began_us = now_us();
        struct sandbox *box = open_box(NULL);
        int64_t took_us = now_us() - began_us;
        if (took_us < best_us) best_us = took_us;
        sandbox_free(box);
    }
    print_message("a worker in %lld us at best\n", (long long)best_us);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(best_us < 30000);
#endif
}

static void test_no_workers_is_told(void **state) {
    struct sandbox_options options = {.size = sizeof options, .isolation = SANDBOX_WORKER};
    struct sandbox *box = sandbox_open(&options);
    (void)state;
    assert_int_equal(sandbox_failure(box)->end, SANDBOX_DIED);
    assert_false(loads(box, "return 1"));
    sandbox_free(box);
    sandbox_free(sandbox_open(&(struct sandbox_options){.size = sizeof options}));
}

static void *cancel_soon(void *argument) {
    poll(NULL, 0, 30);
    sandbox_cancel(argument);
    return NULL;
}

static void test_cancel_reaches_the_worker(void **state) {
    struct sandbox_limits limits = {.wall_ms = 5000, .instructions = UINT64_MAX / 2};
    struct sandbox *box = open_box(&limits);
    pthread_t thread;
    (void)state;
    sandbox_cancel(box); /* nothing runs: nothing happens */
    load(box, "return 1");
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, box), 0);
    assert_false(loads(box, "while true do end"));
    pthread_join(thread, NULL);
    assert_int_equal(sandbox_failure(box)->end, SANDBOX_CANCELLED);
    load(box, "return 1");
    sandbox_free(box);
}

/* ---- what a worker is ------------------------------------------------------------------------ */

static void read_status(int pid, const char *name, char *out, size_t room) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "r");
    snprintf(out, room, "absent");
    if (!file) return;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') {
            snprintf(out, room, "%s", line + strlen(name) + 2);
            out[strcspn(out, "\n")] = '\0';
        }
    fclose(file);
}

static void test_a_worker_is_locked_down(void **state) {
    struct sandbox *box = open_box(NULL);
    int pid = sandbox_worker_pid(box);
    struct rlimit limit;
    char text[64], path[64];
    (void)state;
    read_status(pid, "Seccomp", text, sizeof text);
    assert_string_equal(text, "2");
    read_status(pid, "NoNewPrivs", text, sizeof text);
    assert_string_equal(text, "1");
    read_status(pid, "CapEff", text, sizeof text);
    assert_string_equal(text, "0000000000000000");
    static const int zero[] = {RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_NPROC, RLIMIT_CORE};
    if (geteuid() == 0) { /* a process that cannot be dumped is shown to nobody else */
        for (size_t i = 0; i < sizeof zero / sizeof *zero; i++) {
            assert_int_equal(prlimit(pid, (__rlimit_resource_t)zero[i], NULL, &limit), 0);
            assert_int_equal(limit.rlim_max, 0);
        }
        assert_int_equal(prlimit(pid, RLIMIT_CPU, NULL, &limit), 0);
        assert_true(limit.rlim_cur < 10);
        for (int descriptor = 0; descriptor < 64; descriptor++) {
            snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, descriptor);
            ssize_t length = readlink(path, text, sizeof text - 1);
            assert_true(descriptor == 0 ? length > 7 && strncmp(text, "socket:", 7) == 0
                                        : length < 0);
        }
    }
    sandbox_free(box);
}

static void try_open(void) { syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY); }
static void try_socket(void) { socket(AF_INET, SOCK_STREAM, 0); }
static void try_fork(void) { syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }
static void try_exec(void) { execl("/bin/true", "true", (char *)NULL); }
static void try_kill(void) { kill(getppid(), SIGKILL); }
static void try_signal_parent(void) { syscall(SYS_tgkill, 1, 1, SIGTERM); }
static void try_ptrace(void) { syscall(SYS_ptrace, 0, 0, 0, 0); }
static void try_execute(void) {
    mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void try_send_elsewhere(void) { send(1, "x", 1, 0); }
static void try_receive_descriptor(void) { recvmsg(0, &(struct msghdr){0}, 0); }
static void try_prctl(void) { syscall(SYS_prctl, 4 /* PR_SET_DUMPABLE */, 1, 0, 0, 0); }
static void try_limits_of_another(void) {
    struct rlimit limit;
    syscall(SYS_prlimit64, getpid(), RLIMIT_NOFILE, NULL, &limit);
}
static void do_nothing(void) {}
static void overrun(void) {
    volatile uint64_t turns = 0;
    for (;;) turns++;
}

static void how_it_ends(jail_entry entry, char *why, size_t size) {
    struct jail jail;
    struct err err;
    struct str frame = STR_EMPTY;
    assert_true(jail_open(workers, entry, 1 << 20, &jail, &err));
    assert_false(jail_receive(&jail, &frame, now_us() + 120000000)); /* until it closes */
    jail_end(&jail, why, size);
    jail_close(&jail);
    str_free(&frame);
}

static void test_no_system_call_gets_out(void **state) {
    static const struct {
        const char *name;
        jail_entry entry;
    } tries[] = {{"open", try_open},
                 {"socket", try_socket},
                 {"fork", try_fork},
                 {"exec", try_exec},
                 {"kill", try_kill},
                 {"tgkill", try_signal_parent},
                 {"ptrace", try_ptrace},
                 {"execute", try_execute},
                 {"send", try_send_elsewhere},
                 {"recvmsg", try_receive_descriptor},
                 {"prctl", try_prctl},
                 {"prlimit", try_limits_of_another}};
    char why[120];
    (void)state;
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        how_it_ends(tries[i].entry, why, sizeof why);
        if (!strstr(why, "system call")) fail_msg("%s: %s", tries[i].name, why);
    }
    how_it_ends(do_nothing, why, sizeof why);
    assert_string_equal(why, "ended with code 0");
}

static void test_the_kernel_ends_what_computes_too_long(void **state) {
    char why[120];
    (void)state;
    how_it_ends(overrun, why, sizeof why);
    assert_non_null(strstr(why, "CPU time"));
}

/* A host that is killed leaves nobody behind. */
static void test_workers_die_with_their_host(void **state) {
    int pipe_ends[2], numbers[1];
    (void)state;
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t host = fork();
    if (host == 0) {
        struct sandbox_workers *own = sandbox_workers_new(NULL, 0);
        struct sandbox_options options = {
            .size = sizeof options, .isolation = SANDBOX_WORKER, .workers = own};
        struct sandbox *box = sandbox_open(&options);
        numbers[0] = sandbox_worker_pid(box);
        if (write(pipe_ends[1], numbers, sizeof numbers) > 0) pause();
        _exit(1);
    }
    assert_int_equal(read(pipe_ends[0], numbers, sizeof numbers), sizeof numbers);
    kill(host, SIGKILL);
    waitpid(host, NULL, 0);
    char state_text[64] = "";
    for (int i = 0; i < 500; i++) {
        read_status(numbers[0], "State", state_text, sizeof state_text);
        if (*state_text == 'a' || *state_text == 'Z') break;
        poll(NULL, 0, 10);
    }
    assert_true(*state_text == 'a' || *state_text == 'Z');
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

static int set_up(void **state) {
    (void)state;
    char error[200];
    workers = sandbox_workers_new(error, sizeof error);
    if (!workers) print_error("%s\n", error);
    return workers ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    sandbox_workers_free(workers);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_answers_are_the_same),
        cmocka_unit_test(test_pairs_are_walked),
        cmocka_unit_test(test_code_is_found_sealed_and_required),
        cmocka_unit_test(test_records_are_refilled),
        cmocka_unit_test(test_functions_are_called_in_this_process),
        cmocka_unit_test(test_a_limit_does_not_cost_the_worker),
        cmocka_unit_test(test_a_killed_worker_is_cleanly_dead),
        cmocka_unit_test(test_a_worker_that_hangs_is_killed_at_the_deadline),
        cmocka_unit_test(test_a_new_one_is_made_quickly),
        cmocka_unit_test(test_no_workers_is_told),
        cmocka_unit_test(test_cancel_reaches_the_worker),
        cmocka_unit_test(test_a_worker_is_locked_down),
        cmocka_unit_test(test_no_system_call_gets_out),
        cmocka_unit_test(test_the_kernel_ends_what_computes_too_long),
        cmocka_unit_test(test_workers_die_with_their_host),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
