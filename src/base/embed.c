/* Looks up the files the binary carries. The table is small and read at start: a walk is enough. */
#include "base/embed.h"

#include <stddef.h>
#include <string.h>

const struct embedded_file *embed_find(const char *path)
{
    for (unsigned long i = 0; i < embedded_count; i++)
        if (strcmp(embedded_files[i].path, path) == 0)
            return &embedded_files[i];
    return NULL;
}

const struct embedded_file *embed_next(const char *prefix, const struct embedded_file *previous)
{
    const struct embedded_file *file = previous ? previous + 1 : embedded_files;
    size_t length = strlen(prefix);

    for (; file < embedded_files + embedded_count; file++)
        if (strncmp(file->path, prefix, length) == 0)
            return file;
    return NULL;
}
