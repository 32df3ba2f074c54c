/* Watching a tree over libuv (inotify). inotify knows single folders only, so each folder below the
 * root has its own watch; the set is brought up to date whenever a burst of changes has settled,
 * and only then are changes told: whoever is told reads a state in which later writes are certain
 * to be seen. */
#include "io/watch.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/loop_uv.h"
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 8
#define PATH_BYTES_MAX 4096
#define NAME_BYTES_MAX 256

struct folder {
    uv_fs_event_t uv;
    struct watch *watch;
    char *path; /* below the root, without a leading slash; "" is the root */
    dev_t device;
    ino_t inode; /* a folder that was replaced keeps its name, not its number */
    bool seen;   /* by the scan under way */
    struct folder *next;
};

struct change { /* not told yet */
    char name[NAME_BYTES_MAX];
    int64_t first_us, last_us;
    struct change *next;
};

struct watch {
    struct loop *loop;
    char *root;
    void (*changed)(void *ctx, const char *folder);
    void *ctx;
    struct folder *folders;
    size_t folder_count;
    struct change *changes;
    struct loop_timer *settle;
    bool telling, freed;
};

static bool is_noise(const char *name)
{
    size_t length = strlen(name);
    return length == 0 || name[0] == '.' || name[length - 1] == '~';
}

static int64_t due_us(const struct change *change)
{
    int64_t quiet_us = change->last_us + WATCH_SETTLE_MS * 1000;
    int64_t latest_us = change->first_us + WATCH_SETTLE_MAX_MS * 1000;
    return quiet_us < latest_us ? quiet_us : latest_us;
}

static void start_settling(struct watch *watch)
{
    int64_t next_us = LOOP_NEVER;
    for (struct change *c = watch->changes; c; c = c->next)
        if (due_us(c) < next_us)
            next_us = due_us(c);
    if (next_us != LOOP_NEVER)
        loop_timer_start_at(watch->settle, next_us);
}

static void note_change(struct watch *watch, const char *name, size_t length)
{
    if (length >= NAME_BYTES_MAX)
        return;
    int64_t now_us = loop_steady_us(watch->loop);
    struct change *c = watch->changes;
    while (c && (strlen(c->name) != length || memcmp(c->name, name, length) != 0))
        c = c->next;
    if (!c) {
        c = mem_alloc(sizeof *c);
        memcpy(c->name, name, length);
        c->first_us = now_us;
        c->next = watch->changes;
        watch->changes = c;
    }
    c->last_us = now_us;
    start_settling(watch);
}

static struct folder *find_folder(struct watch *watch, const char *path)
{
    struct folder *f = watch->folders;
    while (f && strcmp(f->path, path) != 0)
        f = f->next;
    return f;
}

/* An event directly in the root names a subfolder that came, went or was touched, or a file. */
static void note_in_root(struct watch *watch, const char *name)
{
    char path[PATH_BYTES_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", watch->root, name);
    bool folder = find_folder(watch, name) || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
    note_change(watch, name, folder ? strlen(name) : 0);
}

static void on_event(uv_fs_event_t *uv, const char *name, int events, int status)
{
    (void)events;
    struct folder *folder = uv->data;
    if (status != 0 || (name && is_noise(name)))
        return;
    if (folder->path[0] == '\0')
        note_in_root(folder->watch, name ? name : "");
    else
        note_change(folder->watch, folder->path, strcspn(folder->path, "/"));
}

static void free_closed_folder(uv_handle_t *handle)
{
    struct folder *folder = handle->data;
    mem_free(folder->path);
    mem_free(folder);
}

static void drop_folder(struct watch *watch, struct folder **at)
{
    struct folder *folder = *at;
    *at = folder->next;
    watch->folder_count--;
    uv_close((uv_handle_t *)&folder->uv, free_closed_folder);
}

static bool add_folder(struct watch *watch, const char *path, const char *full,
                       const struct stat *st, struct err *err)
{
    if (watch->folder_count >= WATCH_FOLDERS_MAX)
        return err_set(err, ERR_REFUSED, ERR_FULL,
                       "%s has more than %d folders below it: changes cannot be watched",
                       watch->root, WATCH_FOLDERS_MAX);
    struct folder *folder = mem_alloc(sizeof *folder);
    folder->watch = watch;
    folder->path = mem_copy_text(path);
    folder->device = st->st_dev;
    folder->inode = st->st_ino;
    folder->seen = true;
    folder->next = watch->folders;
    watch->folders = folder;
    watch->folder_count++;
    uv_fs_event_init(loop_uv(watch->loop), &folder->uv);
    folder->uv.data = folder;
    int rc = uv_fs_event_start(&folder->uv, on_event, full, 0);
    if (rc == 0)
        return true;
    drop_folder(watch, &watch->folders);
    return err_set(err, ERR_LATER, ERR_IO, "cannot watch %s: %s; raise fs.inotify.max_user_watches",
                   full, uv_strerror(rc));
}

static bool scan(struct watch *watch, const char *path, int depth, struct err *err);

static bool scan_children(struct watch *watch, const char *path, const char *full, int depth,
                          struct err *err)
{
    DIR *dir = opendir(full);
    if (!dir)
        return true; /* gone meanwhile; its parent tells */
    bool ok = true;
    for (struct dirent *d; ok && (d = readdir(dir));) {
        char child[PATH_BYTES_MAX];
        if (is_noise(d->d_name) ||
            (d->d_type != DT_DIR && d->d_type != DT_LNK && d->d_type != DT_UNKNOWN))
            continue;
        int put = snprintf(child, sizeof child, "%s%s%s", path, *path ? "/" : "", d->d_name);
        if (put > 0 && (size_t)put < sizeof child)
            ok = scan(watch, child, depth + 1, err);
    }
    closedir(dir);
    return ok;
}

static bool scan(struct watch *watch, const char *path, int depth, struct err *err)
{
    char full[2 * PATH_BYTES_MAX];
    struct stat st;
    snprintf(full, sizeof full, "%s%s%s", watch->root, *path ? "/" : "", path);
    if (depth > DEPTH_MAX || stat(full, &st) != 0 || !S_ISDIR(st.st_mode))
        return true;
    struct folder *known = find_folder(watch, path);
    if (known && known->device == st.st_dev && known->inode == st.st_ino)
        known->seen = true;
    else {
        struct folder **at = &watch->folders;
        while (known && *at != known)
            at = &(*at)->next;
        if (known)
            drop_folder(watch, at);
        if (!add_folder(watch, path, full, &st, err))
            return false;
    }
    return scan_children(watch, path, full, depth, err);
}

static bool rescan(struct watch *watch, struct err *err)
{
    for (struct folder *f = watch->folders; f; f = f->next)
        f->seen = false;
    if (!scan(watch, "", 0, err))
        return false;
    for (struct folder **at = &watch->folders; *at;) {
        if ((*at)->seen)
            at = &(*at)->next;
        else
            drop_folder(watch, at);
    }
    return true;
}

static void release(struct watch *watch)
{
    mem_free(watch->root);
    mem_free(watch);
}

static void tell_settled(void *ctx)
{
    struct watch *watch = ctx;
    int64_t now_us = loop_steady_us(watch->loop);
    (void)!rescan(watch, NULL); /* a folder too many is not watched, the known ones still are */
    watch->telling = true;
    for (struct change **at = &watch->changes; *at && !watch->freed;) {
        struct change *c = *at;
        if (due_us(c) > now_us) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        watch->changed(watch->ctx, c->name);
        mem_free(c);
        if (!watch->freed)
            at = &watch->changes;
    }
    watch->telling = false;
    if (watch->freed)
        release(watch);
    else
        start_settling(watch);
}

struct watch *watch_new(struct loop *loop, const char *root,
                        void (*changed)(void *ctx, const char *folder), void *ctx, struct err *err)
{
    struct stat st;
    if (stat(root, &st) != 0 || !S_ISDIR(st.st_mode)) {
        err_set(err, ERR_REFUSED, ERR_NOT_FOUND,
                "cannot watch %s: no such folder; create it or correct the path", root);
        return NULL;
    }
    struct watch *watch = mem_alloc(sizeof *watch);
    watch->loop = loop;
    watch->root = mem_copy_text(root);
    watch->changed = changed;
    watch->ctx = ctx;
    watch->settle = loop_timer_new(loop, tell_settled, watch);
    if (rescan(watch, err))
        return watch;
    watch_free(watch);
    return NULL;
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    while (watch->folders)
        drop_folder(watch, &watch->folders);
    while (watch->changes) {
        struct change *c = watch->changes;
        watch->changes = c->next;
        mem_free(c);
    }
    loop_timer_free(watch->settle);
    watch->freed = true;
    if (!watch->telling)
        release(watch);
}
