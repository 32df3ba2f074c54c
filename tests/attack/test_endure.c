/* Calls without end: a small policy, now and then one that fails or is killed, a reload every
 * thousand calls; the process must not grow.
 *
 *     test_endure [CALLS]        100,000 unless told; the long run is 10,000,000 */
#include "attack/scene.h"

#include <stdio.h>
#include <unistd.h>

enum { RELOAD_EVERY = 1000, FAIL_EVERY = 97, KILL_EVERY = 2003, GROWTH_MOST_KB = 3072 };

static const char policy[] =
    "local seen, last = {}, nil\n"
    "local function check(f)\n"
    "    local s = f.signal\n"
    "    if s.price <= decimal(0) then return 'reject', 'no price' end\n"
    "    seen[#seen % 50 + 1] = s.id .. ':' .. tostring(s.price)\n"
    "    last = {price = s.price, average = (f.closes[1] + f.closes[2]) / 2}\n"
    "    return 'pass', (s.price * decimal('0.02') / 3):floor(decimal('0.01')), s.id:match('%d+')\n"
    "end\n"
    "return {check = check,\n"
    "    fail = function(f) return f.signal.pirce end,\n"
    "    kill = function() local t = {} while true do t[#t + 1] = {#t} end end}\n";

static long rss_kb(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    if (file) fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

struct functions {
    int check, fail, kill;
};

static void load(struct scene *scene, struct functions *functions) {
    int module;
    *scene = open_scene();
    if (!sandbox_load(scene->box, policy, strlen(policy), "policy.lua", &module)) abort();
    sandbox_seal(scene->box);
    functions->check = sandbox_find(scene->box, module, "check");
    functions->fail = sandbox_find(scene->box, module, "fail");
    functions->kill = sandbox_find(scene->box, module, "kill");
}

static bool call(struct scene *scene, int function) {
    sandbox_start(scene->box, function);
    sandbox_push_record(scene->box, scene->facts);
    return sandbox_run(scene->box);
}

/* The same answer for the ten millionth time. A wall clock may end any call on a busy machine. */
static bool answers(struct scene *scene, int function) {
    struct sandbox_value verdict, number;
    if (!call(scene, function)) return sandbox_failure(scene->box)->end == SANDBOX_TIME;
    sandbox_result(scene->box, 0, &verdict);
    sandbox_result(scene->box, 1, &number);
    return verdict.type == SANDBOX_TEXT && strcmp(verdict.text, "pass") == 0 &&
           number.type == SANDBOX_DECIMAL && number.units == one / 100 * 66;
}

static bool one_call(struct scene *scene, const struct functions *functions, long i) {
    if (i % KILL_EVERY == 1)
        return !call(scene, functions->kill) &&
               sandbox_end_is_kill(sandbox_failure(scene->box)->end);
    if (i % FAIL_EVERY == 1) return !call(scene, functions->fail);
    return answers(scene, functions->check);
}

/* The most between a fifth and three fifths of the way, and after that. */
static void note_peak(long peak[2], long i, long calls) {
    long now = rss_kb(), half = i >= calls / 5 * 3;
    if (i >= calls / 5 && now > peak[half]) peak[half] = now;
}

int main(int argc, char **argv) {
    long calls = argc > 1 ? strtol(argv[1], NULL, 10) : 100000, wrong = 0, peak[2] = {0, 0};
    struct scene scene = {0};
    struct functions functions = {0};
    for (long i = 0; i < calls; i++) {
        if (i % RELOAD_EVERY == 0) {
            sandbox_free(scene.box);
            load(&scene, &functions);
            note_peak(peak, i, calls);
        }
        wrong += !one_call(&scene, &functions, i);
    }
    sandbox_free(scene.box);
    long grown = peak[1] - peak[0];
    bool is_flat = SLOWER > 1 || grown <= GROWTH_MOST_KB; /* a sanitizer keeps what was freed */
    printf("%ld calls, %ld wrong, grown by %ld KB to %ld KB\n", calls, wrong, grown, peak[1]);
    int failed = (wrong > 0) + !is_flat;
    printf("%d passed, %d failed\n", 2 - failed, failed);
    return failed > 0;
}
