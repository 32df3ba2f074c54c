/* Runs every script of tests/attack in one box: each ends as its first line says, within 25 ms of
 * its budget, and the box works after it.
 *
 * `-- expect:` names one or more ends: ok, error, syntax, killed (instructions or time), memory,
 * output; and `sealed` when it wants a sealed box of its own. A script that returns a function is
 * called with frozen facts. With names of attacks as arguments only those are run, and their times
 * told.
 *
 * Lateness is processor time of this thread, since other work on the machine is not ours; what a
 * hypervisor takes away is counted as ours by the kernel, so an attack is late only if it is late
 * at every one of several tries. */
#include "attack/scene.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILES_MOST = 1000, TRIES = 5 };

static char *names[FILES_MOST];
static size_t name_count;
static bool tells_times;
static const char *folder = "tests/attack";

static const char *word_for(enum sandbox_end end) {
    return end == SANDBOX_INSTRUCTIONS || end == SANDBOX_TIME ? "killed" : sandbox_end_name(end);
}

static bool is_expected(const char *text, const char *word) {
    char line[128] = "";
    size_t length = strcspn(text, "\n");
    if (strncmp(text, "-- expect: ", 11) != 0 || length >= sizeof line) return false;
    memcpy(line, text, length);
    size_t at = strlen(word);
    for (const char *found = line + 10; (found = strstr(found, word)); found += at)
        if (found[-1] == ' ' && (found[at] == ' ' || found[at] == '\0')) return true;
    return false;
}

static char *read_file(const char *name, size_t *length) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = calloc(1, 65536);
    *length = fread(text, 1, 65535, file);
    fclose(file);
    return text;
}

/* Runs it once; true when it ended and left the box as it should. */
static bool judge_once(struct scene *scene, const char *name, const char *text, size_t length,
                       double *took) {
    double start = now_ms();
    enum sandbox_end end = run_one(scene, text, length, name);
    *took = now_ms() - start;
    if (end == SANDBOX_TIME && !is_expected(text, "killed")) { /* too busy to get that far */
        sandbox_set_limits(scene->box, &(struct sandbox_limits){.wall_ms = 100 * WALL_MS});
        end = run_one(scene, text, length, name);
    }
    bool good = is_expected(text, word_for(end));
    if (!good)
        print_error("%s ended with %s: %s\n", name, sandbox_end_name(end),
                    end == SANDBOX_OK ? "" : sandbox_failure(scene->box)->text);
    sandbox_set_limits(scene->box, &(struct sandbox_limits){.wall_ms = 100 * WALL_MS});
    if (!still_works(scene)) {
        print_error("%s: the box does not work any more: %s\n", name,
                    sandbox_failure(scene->box)->text);
        good = false;
    }
    sandbox_set_limits(scene->box, &(struct sandbox_limits){.wall_ms = WALL_MS});
    return good;
}

static bool judge(struct scene *scene, const char *name) {
    size_t length;
    char *text = read_file(name, &length);
    double took = 0, limit = (WALL_MS + LATE_MS) * SLOWER;
    struct scene own = {0};
    if (is_expected(text, "sealed")) {
        own = open_scene();
        sandbox_seal(own.box);
        scene = &own;
    }
    bool good = true;
    for (int i = 0; i < TRIES && good; i++) {
        good = judge_once(scene, name, text, length, &took);
        if (took <= limit) break;
    }
    if (took > limit) {
        print_error("%s took %.1f ms\n", name, took);
        good = false;
    }
    if (tells_times) print_message("%-30s %8.2f ms\n", name, took);
    sandbox_free(own.box);
    free(text);
    return good;
}

static void every_attack_ends_as_expected(void **state) {
    (void)state;
    struct scene scene = open_scene();
    int bad = 0;
    for (size_t i = 0; i < name_count; i++) bad += !judge(&scene, names[i]);
    sandbox_free(scene.box);
    assert_int_equal(bad, 0);
}

/* With a clock too far away to matter, the instruction budget alone must end everything; with the
 * smallest budgets, too. */
static void other_budgets_hold_as_well(void **state) {
    (void)state;
    const struct sandbox_limits limits[] = {
        {.instructions = 20000, .wall_ms = 20000},
        {.instructions = UINT64_MAX / 2, .wall_ms = 3},
        {.memory_bytes = 1u << 20, .instructions = 200000, .wall_ms = 20000, .depth = 10},
    };
    struct scene scene = open_scene();
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
        for (size_t i = 0; i < name_count; i++) {
            size_t length;
            char *text = read_file(names[i], &length);
            if (is_expected(text, "sealed")) { /* it would break the open box of the others */
                free(text);
                continue;
            }
            sandbox_set_limits(scene.box, &limits[l]);
            double start = now_ms();
            (void)run_one(&scene, text, length, names[i]);
            double took = now_ms() - start;
            sandbox_set_limits(scene.box, &(struct sandbox_limits){.wall_ms = 1000});
            if (!still_works(&scene))
                fail_msg("%s leaves the box broken: %s", names[i],
                         sandbox_failure(scene.box)->text);
            if (took > 5000 * SLOWER) /* without the clock's net: instructions can be slow ones */
                fail_msg("%s took %.1f ms", names[i], took);
            free(text);
        }
    }
    sandbox_free(scene.box);
}

static void each_attack_alone_closes_cleanly(void **state) {
    (void)state;
    for (size_t i = 0; i < name_count; i++) {
        struct scene scene = open_scene();
        size_t length;
        char *text = read_file(names[i], &length);
        (void)run_one(&scene, text, length, names[i]);
        free(text);
        sandbox_free(scene.box);
    }
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_asked(const char *name, char **asked) {
    if (!*asked) return true;
    for (; *asked; asked++)
        if (strncmp(name, *asked, strlen(*asked)) == 0) return true;
    return false;
}

static void collect_names(char **asked) {
    DIR *dir = opendir(folder);
    if (!dir) dir = opendir(folder = "../tests/attack");
    if (!dir) return;
    for (struct dirent *entry; (entry = readdir(dir)) && name_count < FILES_MOST;) {
        size_t length = strlen(entry->d_name);
        if (length > 4 && strcmp(entry->d_name + length - 4, ".lua") == 0 &&
            is_asked(entry->d_name, asked))
            names[name_count++] = strdup(entry->d_name);
    }
    closedir(dir);
    qsort(names, name_count, sizeof *names, by_name);
}

int main(int argc, char **argv) {
    (void)argc;
    tells_times = argv[1] != NULL;
    collect_names(argv + 1);
    if (name_count < (argv[1] ? 1 : 300)) {
        fprintf(stderr, "only %zu attacks found under %s; run from the root of the source\n",
                name_count, folder);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_attack_ends_as_expected),
        cmocka_unit_test(other_budgets_hold_as_well),
        cmocka_unit_test(each_attack_alone_closes_cleanly),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < name_count; i++) free(names[i]);
    return failed;
}
