/* Files, read and written whole: bounded, atomic, locked, with errors that name the path and the
 * cure. */
#ifndef TIDELOCK_IO_FILE_H
#define TIDELOCK_IO_FILE_H
#include "base/err.h"
#include "base/mem.h"
#include <stddef.h>
#include <stdint.h>

enum file_read_flags {
    FILE_NO_FOLLOW = 1, /* refuse when the last part of the path is a symbolic link */
    FILE_PRIVATE = 2,   /* refuse when group or others may read it: secrets */
};

/* The whole regular file (no device, pipe or folder) into the arena, NUL-terminated; *length
 * without that NUL. Larger than `max` bytes is REFUSED/INPUT, absent NOT_DONE/NOT_FOUND. NULL on
 * failure. */
char *file_read(struct arena *arena, const char *path, size_t max, unsigned flags, size_t *length,
                struct err *err) MUST_CHECK;

/* path holds either its old content or all of the new, also after a power cut: temporary file
 * beside it, fsync, rename, fsync of the folder. `mode` such as 0644. */
bool file_write(const char *path, const void *bytes, size_t length, unsigned mode,
                struct err *err) MUST_CHECK;
/* Makes the folder and what is missing above it; standing already is success. */
bool file_make_folder(const char *path, unsigned mode, struct err *err) MUST_CHECK;
bool file_exists(const char *path);
bool file_is_folder(const char *path);
bool file_remove(const char *path, struct err *err) MUST_CHECK; /* absent is success */

struct file_entry {
    const char *name;
    bool folder; /* after following a symbolic link */
    int64_t size;
    int64_t changed_us; /* wall time of the last write */
};
/* Sorted by name, without "." and "..", without names starting with a dot. At most `max` entries:
 * more is REFUSED. */
bool file_list(struct arena *arena, const char *path, size_t max, struct file_entry **entries,
               size_t *count, struct err *err) MUST_CHECK;

/* One holder per path among all processes and all file_lock calls; gone with the holder, however it
 * dies. The file keeps the holder's process id as text. NULL: class LATER, code BUSY, naming the
 * holding process. */
struct file_lock;
struct file_lock *file_lock(const char *path, struct err *err) MUST_CHECK;
/* The same for the file at `path`, which may not exist yet: beside it, as <path>.lock, whichever
 * symbolic links lead there. A file that has several names is REFUSED: the journals of a database
 * go by its name, so each name would have its own. */
struct file_lock *file_lock_beside(const char *path, struct err *err) MUST_CHECK;
void file_unlock(struct file_lock *lock); /* the file stays; NULL accepted */
#endif
