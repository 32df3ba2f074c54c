/* Strategy folders on disk: the .lua files beside strategy.lua, bounded, in order of name. Small
 * blocking reads: called at start, by commands, and for one changed folder at a time. */
#include "policy/inner.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_sources(const void *left, const void *right)
{
    const struct policy_source *a = left, *b = right;

    return strcmp(a->name, b->name);
}

/* Through stdio: fcntl.h brings a struct with the name of our statistics row. */
static bool read_whole(FILE *file, const char *path, struct arena *arena, struct policy_source *out,
                       struct err *err)
{
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    char *text;

    if (size < 0 || fseek(file, 0, SEEK_SET) != 0)
        return err_set(err, ERR_REFUSED, ERR_IO, "%s is not a regular file", path);
    if (size > FILE_SIZE_MAX)
        return err_set(err, ERR_REFUSED, ERR_INPUT, "%s has %ld bytes; a policy file may have %d",
                       path, size, FILE_SIZE_MAX);
    text = arena_alloc(arena, (size_t)size + 1);
    out->length = fread(text, 1, (size_t)size, file);
    out->text = text;
    if (ferror(file))
        return err_set(err, ERR_NOT_DONE, ERR_IO, "reading %s: %s", path, strerror(errno));
    return true;
}

static bool read_one(const char *folder, const char *name, struct arena *arena,
                     struct policy_source *out, struct err *err)
{
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    bool ok;

    if (!file)
        return err_set(err, ERR_NOT_DONE, ERR_IO, "opening %s: %s", path, strerror(errno));
    out->name = arena_text(arena, name);
    ok = read_whole(file, path, arena, out, err);
    fclose(file);
    return ok;
}

/* Pipes and devices would block or never end. */
static bool is_readable_kind(const struct dirent *entry)
{
    return entry->d_type == DT_REG || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;
}

static bool is_policy_file(const char *name)
{
    size_t length = strlen(name);

    return length > 4 && name[0] != '.' && strcmp(name + length - 4, ".lua") == 0;
}

bool policy_read_folder(const char *folder, struct arena *arena, struct policy_source **files,
                        size_t *count, struct err *err)
{
    DIR *open_folder = opendir(folder);
    struct dirent *entry;
    bool ok = true;

    *count = 0;
    *files = NULL;
    if (!open_folder)
        return err_set(err, ERR_NOT_DONE, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
                       "opening folder %s: %s", folder, strerror(errno));
    *files = arena_alloc(arena, FILE_MAX * sizeof **files);
    while (ok && (entry = readdir(open_folder)) != NULL) {
        if (!is_policy_file(entry->d_name) || !is_readable_kind(entry))
            continue;
        if (*count == FILE_MAX)
            ok = err_set(err, ERR_REFUSED, ERR_INPUT, "%s has more than %d .lua files", folder,
                         FILE_MAX);
        else
            ok = read_one(folder, entry->d_name, arena, &(*files)[(*count)++], err);
    }
    closedir(open_folder);
    if (ok && *count == 0)
        ok = err_set(err, ERR_REFUSED, ERR_NOT_FOUND, "%s has no .lua files", folder);
    qsort(*files, *count, sizeof **files, compare_sources);
    return ok;
}
