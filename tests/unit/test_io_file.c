/* Files: bounds, atomic replacement, locks between processes, and sentences that name the cure. */
#include "io/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char root[64];
static struct arena arena;
static struct err err;

static const char *at(const char *name)
{
    static char path[2][256];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", root, name);
    return path[turn];
}

static int start(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/tidelock-file-XXXXXX");
    arena_init(&arena, 4096);
    return mkdtemp(root) ? 0 : -1;
}

static void remove_tree(const char *path)
{
    struct file_entry *entries;
    size_t count;
    char child[512];
    if (file_list(&arena, path, 1000, &entries, &count, &err)) {
        for (size_t i = 0; i < count; i++) {
            snprintf(child, sizeof child, "%s/%s", path, entries[i].name);
            if (entries[i].folder)
                remove_tree(child);
            else
                unlink(child);
        }
    }
    rmdir(path);
}

static int stop(void **state)
{
    (void)state;
    remove_tree(root);
    arena_free(&arena);
    return 0;
}

static void writes_and_reads_whole(void **state)
{
    (void)state;
    size_t length;
    struct stat st;
    char bytes[10000];
    memset(bytes, 'q', sizeof bytes);
    bytes[5] = '\0';
    assert_true(file_write(at("a"), bytes, sizeof bytes, 0640, &err));
    char *got = file_read(&arena, at("a"), sizeof bytes, 0, &length, &err);
    assert_non_null(got);
    assert_int_equal(length, sizeof bytes);
    assert_memory_equal(got, bytes, sizeof bytes);
    assert_int_equal(got[length], 0);
    assert_int_equal(stat(at("a"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_true(file_write(at("a"), "", 0, 0644, &err));
    assert_string_equal(file_read(&arena, at("a"), 10, 0, &length, &err), "");
    struct file_entry *entries;
    size_t count;
    assert_true(file_list(&arena, root, 10, &entries, &count, &err));
    assert_int_equal(count, 1); /* no temporary file is left */
}

static void refuses_with_a_cure(void **state)
{
    (void)state;
    size_t length;
    assert_true(file_write(at("a"), "12345", 5, 0644, &err));
    assert_null(file_read(&arena, at("a"), 4, 0, &length, &err));
    assert_int_equal(err.class, ERR_REFUSED);
    assert_non_null(strstr(err.text, at("a")));
    assert_null(file_read(&arena, at("none"), 4, 0, &length, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_null(file_read(&arena, root, 4, 0, &length, &err));
    assert_non_null(strstr(err.text, "is a folder"));
    assert_null(file_read(&arena, "/dev/zero", 4, 0, &length, &err));
    assert_int_equal(mkfifo(at("pipe"), 0644), 0);
    assert_null(file_read(&arena, at("pipe"), 4, 0, &length, &err));
    assert_int_equal(symlink(at("a"), at("link")), 0);
    assert_non_null(file_read(&arena, at("link"), 9, 0, &length, &err));
    assert_null(file_read(&arena, at("link"), 9, FILE_NO_FOLLOW, &length, &err));
    assert_non_null(strstr(err.text, "symbolic link"));
    assert_null(file_read(&arena, at("a"), 9, FILE_PRIVATE, &length, &err));
    assert_non_null(strstr(err.text, "chmod 600"));
    assert_int_equal(chmod(at("a"), 0600), 0);
    assert_non_null(file_read(&arena, at("a"), 9, FILE_PRIVATE, &length, &err));
    assert_false(file_write(at("none/a"), "x", 1, 0644, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    /* Files without a size are read to their end, and bounded all the same. */
    assert_non_null(file_read(&arena, "/proc/self/stat", 9999, 0, &length, &err));
    assert_true(length > 0);
    assert_null(file_read(&arena, "/proc/self/stat", 3, 0, &length, &err));
}

static void a_failed_write_leaves_the_old(void **state)
{
    (void)state;
    size_t length;
    assert_true(file_write(at("a"), "old", 3, 0644, &err));
    assert_int_equal(mkdir(at("folder"), 0755), 0);
    assert_true(file_make_folder(at("folder/full"), 0755, &err));
    assert_false(file_write(at("folder"), "x", 1, 0644, &err));
    /* The size limit of files stands for a full disk; in a child, as it cannot be raised again. */
    pid_t child = fork();
    if (child == 0) {
        static char large[100000];
        struct rlimit limit = {.rlim_cur = 50000, .rlim_max = 50000};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(file_write(at("a"), large, sizeof large, 0644, &err) ? 1 : 0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_string_equal(file_read(&arena, at("a"), 9, 0, &length, &err), "old");
    struct file_entry *entries;
    size_t count;
    assert_true(file_list(&arena, root, 10, &entries, &count, &err));
    assert_int_equal(count, 2);
}

static void makes_folders(void **state)
{
    (void)state;
    assert_true(file_make_folder(at("x/y/z"), 0755, &err));
    assert_true(file_is_folder(at("x/y/z")));
    assert_true(file_make_folder(at("x/y/z/"), 0755, &err));
    assert_true(file_write(at("file"), "x", 1, 0644, &err));
    assert_false(file_make_folder(at("file/below"), 0755, &err));
    assert_non_null(strstr(err.text, "not a folder"));
    assert_true(file_exists(at("file")));
    assert_true(file_remove(at("file"), &err));
    assert_true(file_remove(at("file"), &err));
    assert_false(file_exists(at("file")));
}

static void lists_sorted(void **state)
{
    (void)state;
    struct file_entry *entries;
    size_t count;
    assert_true(file_write(at("b"), "xyz", 3, 0644, &err));
    assert_true(file_write(at("a"), "", 0, 0644, &err));
    assert_true(file_write(at(".hidden"), "", 0, 0644, &err));
    assert_true(file_make_folder(at("c"), 0755, &err));
    assert_int_equal(symlink("/nonexistent", at("dangling")), 0);
    assert_true(file_list(&arena, root, 3, &entries, &count, &err));
    assert_int_equal(count, 3);
    assert_string_equal(entries[0].name, "a");
    assert_string_equal(entries[1].name, "b");
    assert_int_equal(entries[1].size, 3);
    assert_true(entries[1].changed_us > 0);
    assert_true(entries[2].folder);
    assert_false(file_list(&arena, root, 2, &entries, &count, &err));
    assert_int_equal(err.class, ERR_REFUSED);
    assert_false(file_list(&arena, at("none"), 2, &entries, &count, &err));
    unlink(at(".hidden"));
    unlink(at("dangling"));
}

static void one_lock_among_processes(void **state)
{
    (void)state;
    int ready[2], quit[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(quit), 0);
    pid_t child = fork();
    if (child == 0) {
        struct file_lock *lock = file_lock(at("lock"), &err);
        close(quit[1]);
        if (!lock || write(ready[1], "r", 1) != 1)
            _exit(1);
        (void)!read(quit[0], &byte, 1);
        kill(getpid(), 9); /* however it dies */
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_null(file_lock(at("lock"), &err));
    assert_int_equal(err.code, ERR_BUSY);
    char holder[32];
    snprintf(holder, sizeof holder, "process %d;", (int)child);
    assert_non_null(strstr(err.text, holder));
    close(quit[1]);
    waitpid(child, NULL, 0);
    struct file_lock *lock = file_lock(at("lock"), &err);
    assert_non_null(lock);
    assert_null(file_lock(at("lock"), &err)); /* also not twice in one process */
    /* Opening and closing the file elsewhere does not drop it. */
    close(open(at("lock"), O_RDONLY));
    assert_null(file_lock(at("lock"), &err));
    file_unlock(lock);
    lock = file_lock(at("lock"), &err);
    assert_non_null(lock);
    file_unlock(lock);
    file_unlock(NULL);
    for (int i = 0; i < 2; i++)
        close(ready[i]);
    close(quit[0]);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(writes_and_reads_whole), T(refuses_with_a_cure), T(a_failed_write_leaves_the_old),
        T(makes_folders),          T(lists_sorted),        T(one_lock_among_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
