/* Files: everything the project reads or writes whole goes through here, so bounds, durability and
 * the sentences about what is wrong with a path are the same everywhere. */
#include "io/file.h"
#include "base/str.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES_MAX 4096

static const char *cure_of(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return "; give this user the right to it";
    case EROFS:
        return "; the file system is mounted read-only";
    case ENOSPC:
    case EDQUOT:
        return "; free space on that disk";
    case EMFILE:
    case ENFILE:
        return "; raise the limit of open files";
    case ENOENT:
        return "; create it or correct the path";
    case ENOTDIR:
        return "; a part of the path is not a folder";
    case ELOOP:
        return "; it is a symbolic link, name the real file";
    default:
        return "";
    }
}

static bool fail(struct err *err, const char *verb, const char *path, int error)
{
    enum err_class class = ERR_NOT_DONE;
    enum err_code code = ERR_IO;
    if (error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENFILE) {
        class = ERR_LATER;
        code = ERR_FULL;
    } else if (error == EACCES || error == EPERM || error == EROFS || error == ELOOP) {
        class = ERR_REFUSED;
    } else if (error == ENOENT || error == ENOTDIR) {
        code = ERR_NOT_FOUND;
    }
    return err_set(err, class, code, "cannot %s %s: %s%s", verb, path, strerror(error),
                   cure_of(error));
}

/* Reading
 * ------------------------------------------------------------------------------------------ */

static bool check_readable(int fd, const char *path, size_t max, unsigned flags, struct stat *st,
                           struct err *err)
{
    if (fstat(fd, st) != 0)
        return fail(err, "look at", path, errno);
    if (!S_ISREG(st->st_mode))
        return err_set(err, ERR_REFUSED, ERR_INPUT, "%s is a %s; a regular file is needed", path,
                       S_ISDIR(st->st_mode) ? "folder" : "device, pipe or socket");
    if ((flags & FILE_PRIVATE) && (st->st_mode & 077))
        return err_set(err, ERR_REFUSED, ERR_INPUT,
                       "%s can be read by others (mode %03o); run chmod 600 on it", path,
                       (unsigned)st->st_mode & 0777);
    if (st->st_size > 0 && (uint64_t)st->st_size > max)
        return err_set(err, ERR_REFUSED, ERR_INPUT, "%s has %lld bytes; at most %zu are read", path,
                       (long long)st->st_size, max);
    return true;
}

/* The file may grow while it is read, and files of /proc have no size: the bound is checked on what
 * came. */
static bool read_bounded(int fd, const char *path, size_t max, size_t guess, struct str *out,
                         struct err *err)
{
    char *buffer = NULL;
    size_t room = guess + 1 < 4096 ? 4096 : guess + 1, length = 0;
    buffer = mem_alloc(room);
    for (;;) {
        ssize_t got = read(fd, buffer + length, room - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int error = errno;
            mem_free(buffer);
            return fail(err, "read", path, error);
        }
        if (got == 0)
            break;
        length += (size_t)got;
        if (length > max) {
            mem_free(buffer);
            return err_set(err, ERR_REFUSED, ERR_INPUT,
                           "%s has more than %zu bytes, which is the most that is read", path, max);
        }
        if (length == room)
            buffer = mem_realloc(buffer, room *= 2);
    }
    out->data = buffer;
    out->length = length;
    return true;
}

char *file_read(struct arena *arena, const char *path, size_t max, unsigned flags, size_t *length,
                struct err *err)
{
    /* O_NONBLOCK: opening a pipe must not wait for its writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
                            (flags & FILE_NO_FOLLOW ? O_NOFOLLOW : 0));
    if (fd < 0) {
        fail(err, "read", path, errno);
        return NULL;
    }
    struct stat st;
    struct str content = STR_EMPTY;
    char *result = NULL;
    if (check_readable(fd, path, max, flags, &st, err) &&
        read_bounded(fd, path, max, (size_t)st.st_size, &content, err)) {
        result = arena_copy(arena, content.data, content.length);
        if (length)
            *length = content.length;
    }
    if (content.data && (flags & FILE_PRIVATE))
        mem_free_secret(content.data, content.length);
    else
        mem_free(content.data);
    close(fd);
    return result;
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool file_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Writing
 * ------------------------------------------------------------------------------------------ */

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t put = write(fd, bytes, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        bytes += put;
        length -= (size_t)put;
    }
    return true;
}

/* The folder a path lies in, as far as its last slash. */
static void folder_of(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (slash == path ? 1 : (size_t)(slash - path)) : 0;
    snprintf(out, size, "%.*s", length ? (int)length : 1, length ? path : ".");
}

static bool sync_folder(const char *path, struct err *err)
{
    char folder[PATH_BYTES_MAX];
    folder_of(path, folder, sizeof folder);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(err, "open folder", folder, errno);
    int rc = fsync(fd), error = errno;
    close(fd);
    if (rc != 0)
        return fail(err, "make durable", folder, error);
    return true;
}

static bool fill_and_rename(int fd, const char *temporary, const char *path, const void *bytes,
                            size_t length, unsigned mode, struct err *err)
{
    if (!write_all(fd, bytes, length) || fchmod(fd, (mode_t)mode) != 0 || fsync(fd) != 0)
        return fail(err, "write", path, errno);
    if (rename(temporary, path) != 0)
        return fail(err, "replace", path, errno);
    return true;
}

bool file_write(const char *path, const void *bytes, size_t length, unsigned mode, struct err *err)
{
    char temporary[PATH_BYTES_MAX];
    int put = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (put < 0 || (size_t)put >= sizeof temporary)
        return fail(err, "write", path, ENAMETOOLONG);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return fail(err, "write beside", path, errno);
    bool ok = fill_and_rename(fd, temporary, path, bytes, length, mode, err);
    close(fd);
    if (!ok) {
        unlink(temporary);
        return false;
    }
    return sync_folder(path, err);
}

bool file_make_folder(const char *path, unsigned mode, struct err *err)
{
    char part[PATH_BYTES_MAX];
    if (!text_copy(part, sizeof part, path))
        return fail(err, "make folder", path, ENAMETOOLONG);
    for (char *slash = part + 1; *part; slash++) {
        slash = strchrnul(slash, '/');
        char kept = *slash;
        *slash = '\0';
        if (mkdir(part, (mode_t)mode) != 0 && !file_is_folder(part))
            return fail(err, "make folder", part, errno == EEXIST ? ENOTDIR : errno);
        *slash = kept;
        if (!kept)
            break;
    }
    return true;
}

bool file_remove(const char *path, struct err *err)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    return fail(err, "remove", path, errno);
}

/* Listing
 * ------------------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct file_entry *)a)->name, ((const struct file_entry *)b)->name);
}

/* 1: entry filled, 0: not to be listed. */
static int look_at(struct arena *arena, int folder, const char *name, struct file_entry *entry)
{
    struct stat st;
    if (name[0] == '.' || fstatat(folder, name, &st, 0) != 0)
        return 0; /* gone meanwhile, or a dangling link */
    entry->name = arena_text(arena, name);
    entry->folder = S_ISDIR(st.st_mode);
    entry->size = st.st_size;
    entry->changed_us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
    return 1;
}

bool file_list(struct arena *arena, const char *path, size_t max, struct file_entry **entries,
               size_t *count, struct err *err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return fail(err, "list folder", path, errno);
    size_t n = 0, room = 16;
    struct file_entry *found = mem_alloc(room * sizeof *found);
    bool ok = true;
    for (struct dirent *d; ok && (d = readdir(dir));) {
        struct file_entry entry;
        if (!look_at(arena, dirfd(dir), d->d_name, &entry))
            continue;
        if (n == max)
            ok = err_set(err, ERR_REFUSED, ERR_INPUT, "%s has more than %zu entries; move some out",
                         path, max);
        else {
            if (n == room)
                found = mem_realloc(found, (room *= 2) * sizeof *found);
            found[n++] = entry;
        }
    }
    closedir(dir);
    if (ok) {
        qsort(found, n, sizeof *found, by_name);
        *entries = arena_alloc(arena, n * sizeof *found + 1);
        memcpy(*entries, found, n * sizeof *found);
        *count = n;
    }
    mem_free(found);
    return ok;
}

/* Locking
 * ------------------------------------------------------------------------------------------ */

struct file_lock {
    int fd;
};

static bool refuse_held(int fd, const char *path, struct err *err)
{
    char holder[24] = "";
    ssize_t got = pread(fd, holder, sizeof holder - 1, 0);
    size_t digits = got > 0 ? strspn(holder, "0123456789") : 0;
    holder[digits] = '\0';
    return err_set(err, ERR_LATER, ERR_BUSY,
                   "%s is held by process %s; stop that process or use another folder", path,
                   digits ? holder : "(unknown)");
}

static bool take_lock(int fd, const char *path, struct err *err)
{
    /* Of the open file, not of the process: closing some other descriptor of the same file cannot
     * drop it. */
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        if (errno == EAGAIN || errno == EACCES)
            return refuse_held(fd, path, err);
        return fail(err, "lock", path, errno);
    }
    char text[24];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length)
        return fail(err, "write", path, errno);
    return true;
}

struct file_lock *file_lock(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        fail(err, "open lock file", path, errno);
        return NULL;
    }
    if (!take_lock(fd, path, err)) {
        close(fd);
        return NULL;
    }
    struct file_lock *lock = mem_alloc(sizeof *lock);
    lock->fd = fd;
    return lock;
}

struct file_lock *file_lock_beside(const char *path, struct err *err)
{
    char real[PATH_MAX], lock[PATH_MAX + 8];
    struct stat is;
    bool there = realpath(path, real) && stat(real, &is) == 0;
    if (there && is.st_nlink > 1) {
        err_set(err, ERR_REFUSED, ERR_IO,
                "%s has other names (hard links) in the file system; remove them: under another "
                "name its journal would not be found",
                path);
        return NULL;
    }
    int length = snprintf(lock, sizeof lock, "%s.lock", there ? real : path);
    if (length < 0 || (size_t)length >= sizeof lock) {
        err_set(err, ERR_REFUSED, ERR_CONFIG, "the path %.40s... is too long", path);
        return NULL;
    }
    return file_lock(lock, err);
}

void file_unlock(struct file_lock *lock)
{
    if (!lock)
        return;
    close(lock->fd);
    mem_free(lock);
}
