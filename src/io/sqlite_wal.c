/* Why: SQLite writes a commit to its log page by page, two system calls each, and a batch of
 * signals touches hundreds of pages. This layer over the system's files gathers what goes to the
 * log end to end and writes it in large pieces.
 *
 * Nobody can tell: what is gathered is in the file before it is read, synced, truncated or measured
 * through this handle, and a commit's last frame never waits, so that other connections find every
 * frame that the index tells them of. A write that fails later than asked fails the commit, whose
 * frames then count for nothing. */
#include "base/mem.h"
#include "io/sqlite_db.h"
#include <string.h>
#include <sys/stat.h>

#define GATHERED_MAX 65536 /* SQLite's own files take less than 128 KiB in one write */
#define FRAME_HEADER 24 /* page number, size of the database after a commit (else 0), salts, sums  \
                         */

struct log_file {
    sqlite3_file file;
    char *bytes;
    int used;
    sqlite3_int64 at; /* where bytes belong */
    bool commits;     /* the page of a commit's last frame comes next */
    const char *name; /* SQLite's, as long as the file is open */
    ino_t inode;
    _Alignas(sqlite3_int64) char real[]; /* SQLite aligns what it allocates to 8 bytes */
};

static struct log_file *log_of(sqlite3_file *file)
{
    return (struct log_file *)(void *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return (sqlite3_file *)(void *)log_of(file)->real;
}

static int put_down(sqlite3_file *file)
{
    struct log_file *log = log_of(file);
    int used = log->used;
    log->used = 0;
    log->commits = false;
    return used ? real_of(file)->pMethods->xWrite(real_of(file), log->bytes, used, log->at)
                : SQLITE_OK;
}

static bool tells_commit(const void *bytes, int size)
{
    static const char none[4];
    return size == FRAME_HEADER && memcmp((const char *)bytes + 4, none, sizeof none) != 0;
}

static int write_log(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
    struct log_file *log = log_of(file);
    bool fits = at == log->at + log->used && (size_t)log->used + (size_t)size <= GATHERED_MAX;
    int rc = log->used && !fits ? put_down(file) : SQLITE_OK;
    if (rc != SQLITE_OK)
        return rc;
    if ((size_t)size > GATHERED_MAX)
        return real_of(file)->pMethods->xWrite(real_of(file), bytes, size, at);
    if (!log->bytes)
        log->bytes = mem_alloc(GATHERED_MAX);
    if (log->used == 0)
        log->at = at;
    bool ends = log->commits;
    memcpy(log->bytes + log->used, bytes, (size_t)size);
    log->used += size;
    log->commits = tells_commit(bytes, size);
    return ends ? put_down(file) : SQLITE_OK;
}

static int read_log(sqlite3_file *file, void *bytes, int size, sqlite3_int64 at)
{
    int rc = put_down(file);
    return rc == SQLITE_OK ? real_of(file)->pMethods->xRead(real_of(file), bytes, size, at) : rc;
}

static int truncate_log(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = put_down(file);
    return rc == SQLITE_OK ? real_of(file)->pMethods->xTruncate(real_of(file), size) : rc;
}

static int sync_log(sqlite3_file *file, int flags)
{
    int rc = put_down(file);
    return rc == SQLITE_OK ? real_of(file)->pMethods->xSync(real_of(file), flags) : rc;
}

static int measure_log(sqlite3_file *file, sqlite3_int64 *size)
{
    int rc = put_down(file);
    return rc == SQLITE_OK ? real_of(file)->pMethods->xFileSize(real_of(file), size) : rc;
}

static int close_log(sqlite3_file *file)
{
    int written = put_down(file), closed = real_of(file)->pMethods->xClose(real_of(file));
    mem_free(log_of(file)->bytes);
    return written != SQLITE_OK ? written : closed;
}

static int lock_log(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int unlock_log(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int is_reserved(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

/* SQLite's own answer to this is for the database alone. */
static bool has_moved(const struct log_file *log)
{
    struct stat is;
    return stat(log->name, &is) != 0 || is.st_ino != log->inode;
}

static int control_log(sqlite3_file *file, int what, void *value)
{
    if (what == SQLITE_FCNTL_HAS_MOVED) {
        *(int *)value = has_moved(log_of(file));
        return SQLITE_OK;
    }
    return real_of(file)->pMethods->xFileControl(real_of(file), what, value);
}

static int sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = close_log,
    .xRead = read_log,
    .xWrite = write_log,
    .xTruncate = truncate_log,
    .xSync = sync_log,
    .xFileSize = measure_log,
    .xLock = lock_log,
    .xUnlock = unlock_log,
    .xCheckReservedLock = is_reserved,
    .xFileControl = control_log,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
};

static sqlite3_vfs *system_files;

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    if (!(flags & SQLITE_OPEN_WAL))
        return system_files->xOpen(system_files, name, file, flags, out);
    struct log_file *log = log_of(file);
    memset(log, 0, sizeof *log);
    int rc = system_files->xOpen(system_files, name, real_of(file), flags, out);
    if (rc != SQLITE_OK)
        return rc;
    struct stat is;
    log->name = name;
    log->inode = stat(name, &is) == 0 ? is.st_ino : 0;
    file->pMethods = &log_methods;
    return rc;
}

const char *sqlite_gathering_files(void)
{
    static sqlite3_vfs files;
    system_files = sqlite3_vfs_find(NULL);
    if (!system_files)
        return NULL;
    files = *system_files; /* everything else is the system's own */
    files.zName = "tidelock";
    files.pNext = NULL;
    files.xOpen = open_file;
    files.szOsFile = system_files->szOsFile + (int)sizeof(struct log_file);
    return sqlite3_vfs_register(&files, 0) == SQLITE_OK ? files.zName : NULL;
}
