/* Watching: each way an editor or a deployment changes a strategy is told once, with its name. */
#include "io/watch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/str.h"
#include "io/file.h"

static struct loop *loop;
static struct watch *watch;
static char root[64];
static struct str told; /* "[name]" each */

static void changed(void *ctx, const char *folder)
{
    (void)ctx;
    str_printf(&told, "[%s]", folder);
}

static const char *at(const char *name)
{
    static char path[2][256];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", root, name);
    return path[turn];
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(at(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int start(void **state)
{
    (void)state;
    struct err err;
    snprintf(root, sizeof root, "/tmp/tidelock-watch-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    mkdir(at("alpha"), 0755);
    mkdir(at("alpha/spec"), 0755);
    mkdir(at("beta"), 0755);
    put("alpha/strategy.lua", "one");
    loop = loop_new(clock_real(), NULL, &err);
    watch = watch_new(loop, root, changed, NULL, &err);
    return watch ? 0 : -1;
}

static void remove_tree(const char *path)
{
    struct arena arena;
    struct file_entry *entries;
    size_t count;
    struct err err;
    char child[512];
    arena_init(&arena, 4096);
    if (file_list(&arena, path, 1000, &entries, &count, &err)) {
        for (size_t i = 0; i < count; i++) {
            snprintf(child, sizeof child, "%s/%s", path, entries[i].name);
            if (entries[i].folder)
                remove_tree(child);
            else
                unlink(child);
        }
    }
    snprintf(child, sizeof child, "%s/.swp", path);
    unlink(child);
    rmdir(path);
    arena_free(&arena);
}

static int stop(void **state)
{
    (void)state;
    watch_free(watch);
    loop_free(loop);
    remove_tree(root);
    str_free(&told);
    return 0;
}

/* Exactly this is told, and nothing follows within a settling time. */
static void expect(const char *wanted)
{
    int64_t until_us = loop_steady_us(loop) + 30000000;
    while (told.length < strlen(wanted) && loop_steady_us(loop) < until_us)
        loop_turn(loop, 1000);
    assert_string_equal(str_text(&told), wanted);
    until_us = loop_steady_us(loop) + 2 * WATCH_SETTLE_MS * 1000;
    while (loop_steady_us(loop) < until_us)
        loop_turn(loop, 10);
    assert_string_equal(str_text(&told), wanted);
    str_clear(&told);
}

static void tells_a_burst_once(void **state)
{
    (void)state;
    put("alpha/strategy.lua", "two");
    put("alpha/strategy.lua", "three");
    put("alpha/size.lua", "new");
    expect("[alpha]");
    put("alpha/spec/a_spec.lua", "deep");
    expect("[alpha]");
}

static void a_file_half_written_waits_for_the_rest(void **state)
{
    (void)state;
    int fd = open(at("beta/strategy.lua"), O_WRONLY | O_CREAT, 0644);
    int64_t last_us = loop_steady_us(loop), until_us = last_us + 200000, now_us;
    bool away = false; /* this process was, for long enough to make the file look whole */
    while ((now_us = loop_steady_us(loop)) < until_us) {
        assert_int_equal(write(fd, "x", 1), 1);
        loop_turn(loop, 10);
        away |= loop_steady_us(loop) - last_us > WATCH_SETTLE_MS * 1000 / 2;
        last_us = now_us;
        if (away)
            str_clear(&told);
        assert_string_equal(str_text(&told), "");
    }
    close(fd);
    expect("[beta]");
}

static void sees_renaming_over(void **state)
{
    (void)state;
    struct err err;
    assert_true(file_write(at("alpha/strategy.lua"), "new", 3, 0644, &err));
    expect("[alpha]");
    /* And the file that took the place. */
    put("alpha/strategy.lua", "again");
    expect("[alpha]");
}

static void sees_folders_come_and_go(void **state)
{
    (void)state;
    mkdir(at("gamma"), 0755);
    mkdir(at("gamma/spec"), 0755);
    put("gamma/spec/x.lua", "x");
    expect("[gamma]");
    put("gamma/spec/x.lua", "y");
    expect("[gamma]");
    unlink(at("gamma/spec/x.lua"));
    expect("[gamma]");
    rmdir(at("gamma/spec"));
    rmdir(at("gamma"));
    expect("[gamma]");
}

static void sees_a_replaced_folder(void **state)
{
    (void)state;
    mkdir(at(".incoming"), 0755);
    put(".incoming/strategy.lua", "v2");
    rename(at("beta"), at(".old"));
    rename(at(".incoming"), at("beta"));
    expect("[beta]");
    put("beta/strategy.lua", "v3");
    expect("[beta]");
    rmdir(at(".old"));
}

static void ignores_swap_files_and_names_root_files(void **state)
{
    (void)state;
    put("alpha/.swp", "x");
    put("alpha/strategy.lua~", "x");
    put("notes.txt", "x");
    expect("[]");
}

static void freed_in_its_callback(void *ctx, const char *folder)
{
    (void)folder;
    watch_free(*(struct watch **)ctx);
    *(struct watch **)ctx = NULL;
}

static void may_be_freed_while_telling(void **state)
{
    (void)state;
    struct err err;
    struct watch *other = watch_new(loop, root, freed_in_its_callback, &other, &err);
    put("alpha/a", "x");
    put("beta/b", "x");
    while (other)
        loop_turn(loop, 1000);
    watch_free(watch);
    watch = NULL;
    assert_null(watch_new(loop, "/nonexistent", changed, NULL, &err));
    assert_non_null(strstr(err.text, "/nonexistent"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(tells_a_burst_once),         T(a_file_half_written_waits_for_the_rest),
        T(sees_renaming_over),         T(sees_folders_come_and_go),
        T(sees_a_replaced_folder),     T(ignores_swap_files_and_names_root_files),
        T(may_be_freed_while_telling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
