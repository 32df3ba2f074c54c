/* The stock library: the .lua files that every strategy may require as "tidelock.<name>", carried
 * by the binary or read from a folder. Its hash is part of each version's, because it is part of
 * what decides. */
#include "policy/inner.h"

#include "base/embed.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

static bool is_stock(const char *name)
{
    size_t length = strlen(name);

    return length > 4 && strcmp(name + length - 4, ".lua") == 0 && !strchr(name, '/') &&
           strcmp(name, "tidelock.d.lua") != 0;
}

static void add_file(struct policies *policies, const char *name, const char *text, size_t length)
{
    struct stock_file *file = &policies->stock[policies->stock_count++];

    file->name = arena_printf(&policies->arena, "tidelock.%.*s", (int)strlen(name) - 4, name);
    file->chunk = arena_printf(&policies->arena, "lua/%s", name);
    file->text = text;
    file->length = length;
}

static void read_embedded(struct policies *policies)
{
    const struct embedded_file *file = NULL;

    while ((file = embed_next("lua/", file)) != NULL && policies->stock_count < FILE_MAX)
        if (is_stock(file->path + 4))
            add_file(policies, file->path + 4, file->data, file->size);
}

static void read_stock_folder(struct policies *policies, const char *folder)
{
    struct policy_source *files;
    size_t count;

    if (!policy_read_folder(folder, &policies->arena, &files, &count, &policies->stock_fault)) {
        err_prefix(&policies->stock_fault, "the stock library");
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (is_stock(files[i].name))
            add_file(policies, files[i].name, files[i].text, files[i].length);
}

static int compare_stock(const void *left, const void *right)
{
    const struct stock_file *a = left, *b = right;

    return strcmp(a->name, b->name);
}

void stock_read(struct policies *policies)
{
    struct sha256 *hash = sha256_new();
    uint8_t digest[SHA256_SIZE];

    policies->stock = arena_alloc(&policies->arena, FILE_MAX * sizeof *policies->stock);
    if (policies->options.stock_dir)
        read_stock_folder(policies, policies->options.stock_dir);
    else
        read_embedded(policies);
    qsort(policies->stock, policies->stock_count, sizeof *policies->stock, compare_stock);
    sha256_start(hash);
    for (size_t i = 0; i < policies->stock_count; i++) {
        sha256_add_field(hash, policies->stock[i].name);
        sha256_add_field(hash, policies->stock[i].text);
    }
    sha256_end(hash, digest);
    sha256_free(hash);
    hex_print(digest, sizeof digest, policies->stock_hash);
}
